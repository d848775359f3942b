/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* clinch.yaml: text to settings. Pure: the caller reads the file. Faults are sentences with file,
 * line, column and key. */

#include "base/bytes.h"
#include "core/policy.h"

/* Of the target `folder` that names none; libclinch-staple looks there, too. */
#define CONFIG_FOLDER "/run/clinch/staples"

enum target_type {
    TARGET_FILE,
    TARGET_NGINX,
    TARGET_HAPROXY,
    TARGET_HITCH,
    TARGET_LIGHTTPD,
    TARGET_DNSDIST,
    TARGET_EXIM,
    TARGET_FOLDER,
    TARGET_COMMAND, /* the last */
};

/* Where a server is asked what it shows: "host:port", then perhaps the name to ask for (NULL: the
 * certificate's) and "starttls=PROTOCOL" (NULL: none). Neither is looked at here. */
struct verify_config {
    const char *address;
    const char *servername;
    const char *starttls;
};

/* One entry of `publish:`. All strings are owned by the config. */
struct target_config {
    enum target_type type;
    unsigned line;        /* in the file, for messages */
    const char *path;     /* file, lighttpd, dnsdist, exim: template of the DER; nginx: folder;
                             hitch: ocsp-dir; folder: itself; haproxy: socket(s), "/path" or
                             "host:port", several     separated by commas */
    const char *name;     /* nginx: template of NAME, default "{name}" */
    const char *pem_file; /* hitch: template of the path in hitch.conf; NULL: as it was found */
    const char *ocsp;     /* haproxy: template of the .ocsp for its next start; NULL: none */
    const char *command;  /* command: what to run; else: reload. May be NULL but for nginx,
                             lighttpd, dnsdist */
    const char *restart;  /* dnsdist; else NULL */
    const char *group;    /* of written files; NULL: as created */
    unsigned mode;        /* of written files, 0644 */
    unsigned max_size;    /* haproxy: octets of a staple that is pushed, 11,500 */
    const char **only;    /* globs of certificate paths; count 0: all */
    size_t only_count;
    int64_t reload_interval_s; /* 3600 */
    struct verify_config *verify;
    size_t verify_count;
};

struct config {
    const char *state_dir;     /* /var/lib/clinch */
    const char *control;       /* control socket, default "<state_dir>/control.sock" */
    bool control_fixed;        /* named by `control:`: does not move with the state directory */
    const char **certificates; /* paths, globs, folders */
    size_t certificate_count;
    const char **issuers; /* files or folders */
    size_t issuer_count;
    struct target_config *targets;
    size_t target_count;
    const char *proxy;               /* NULL: from the environment */
    int64_t connect_timeout_ms;      /* 5,000 */
    int64_t timeout_ms;              /* 15,000 */
    const char **on_revoked_command; /* program and arguments, no shell; count 0: none */
    size_t on_revoked_count;
    struct policy policy;
    struct config_memory *memory; /* owns every string and array above */
};

/* All defaults, no certificates, no targets. 0 or -ENOMEM. */
int config_new(struct config **ret_config);
struct config *config_free(struct config *config);
CLEANUP_DEFINE(struct config *, config_free)

enum { CONFIG_E_INVALID = 1 };

/* Reads @yaml into a config with all defaults. CONFIG_E_INVALID: every fault is a line in
 * @faults ("clinch.yaml:4:5: unknown key `tragets` (did you mean `publish`?)"). @file is only its
 * name for messages. */
int config_read(struct config **ret_config, const char *file, struct slice yaml,
                struct buf *faults);

/* Command line over file: each replaces what stood there, or adds. 0 or -ENOMEM. */
int config_set_state_dir(struct config *config, const char *dir);
int config_add_certificate(struct config *config, const char *path);
int config_add_issuer(struct config *config, const char *path);
