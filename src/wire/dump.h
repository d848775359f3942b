/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a server's own dump or configuration says of the certificates that it serves. Text to facts,
 * no I/O: the text of an included file comes through a port.
 *
 * Lenient: whatever is not about certificates is passed over, since each server checks its own
 * configuration. What cannot be followed (a variable, a file that is not there) becomes a note. */

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum dump_kind {
    DUMP_NGINX,   /* `nginx -T`, or nginx.conf */
    DUMP_HAPROXY, /* haproxy.cfg; several files may be read into one dump */
    DUMP_APACHE,  /* `apachectl -t -D DUMP_CERTS -D DUMP_INCLUDES` */
    DUMP_HITCH,
    DUMP_LIGHTTPD,
    DUMP_H2O,
    DUMP_NGHTTPX,
    DUMP_EXIM,
    DUMP_DNSDIST,
    DUMP_KINDS,
};

enum dump_flag {
    DUMP_VARIABLE = 1,       /* cert: what it is, only the server knows */
    DUMP_STAPLES = 2,        /* block: the server is told to fetch staples by itself */
    DUMP_STAPLES_HERE = 4,   /* block: nginx, by a line of the block itself (stapling_line) */
    DUMP_NO_STAPLES = 8,     /* block: nginx's stream and mail know no staples */
    DUMP_STAPLES_NEVER = 16, /* block: nghttpx no-ocsp, h2o ocsp-update-interval: 0 */
    DUMP_UNVERIFIED = 32,    /* dump: nghttpx no-verify-ocsp or cacert */
    DUMP_INLINE = 64,        /* cert, with DUMP_VARIABLE: it stands there itself, in no file */
};

/* A file that the server is told to take a certificate from. All strings are the dump's. */
struct dump_cert {
    const char *path;   /* as the server sees it: absolute where that could be known */
    const char *staple; /* where its staple comes from: a file, an Exim expansion; NULL: nowhere */
    const char *file;   /* the configuration that names it, and the line there */
    unsigned line;
    unsigned flags;
};

#define DUMP_INCLUDES 8

/* What is configured together: nginx's server block, a `bind` of HAProxy, a call of dnsdist. */
struct dump_block {
    const char *file; /* where it begins */
    unsigned line;
    const char *site; /* what it is for, for people: a server_name, an address; "" */
    size_t first;     /* of its certificates in dump->certs */
    size_t count;
    unsigned flags;
    const char *stapling_file; /* DUMP_STAPLES_HERE: where that line stands */
    unsigned stapling_line;
    bool inherits; /* while it is read: its certificates are those of the block around it */
    unsigned include_count;
    const char *includes[DUMP_INCLUDES]; /* nginx: what it includes, absolute patterns */
};

enum dump_level { DUMP_LEVEL_OPERATOR, DUMP_LEVEL_USER, DUMP_LEVEL_ADMIN };

/* HAProxy: a `stats socket`. */
struct dump_socket {
    const char *address; /* "/path" or "host:port" */
    enum dump_level level;
    const char *file;
    unsigned line;
};

struct dump_note {
    const char *file;
    unsigned line;
    const char *text; /* a clause: "includes x.conf, which is not there" */
};

/* Single settings, NULL where they are not set. */
enum dump_value {
    DUMP_OCSP_DIR, /* hitch */
    DUMP_PID_FILE,
    DUMP_USER,
    DUMP_COMMAND,  /* h2o, nghttpx: what fetches staples; Apache: that it does */
    DUMP_CRT_BASE, /* HAProxy: what relative paths of certificates begin at */
    DUMP_VALUES,
};

struct dump {
    struct dump_block *blocks;
    size_t block_count;
    struct dump_cert *certs;
    size_t cert_count;
    struct dump_socket *sockets;
    size_t socket_count;
    struct dump_note *notes;
    size_t note_count;
    const char *values[DUMP_VALUES];
    const char *value_files[DUMP_VALUES]; /* and where that stands */
    unsigned value_lines[DUMP_VALUES];
    const char *main_file; /* the first one read */
    unsigned flags;
    struct dump_memory *memory; /* private, like all below */
    size_t left;                /* octets that may still be read: files may include each other */
    bool out_of_memory;
};

struct dump *dump_new(void); /* NULL without memory */
struct dump *dump_free(struct dump *dump);
CLEANUP_DEFINE(struct dump *, dump_free)

/* Where the text of included files is from. include() gives the next of the files that the absolute
 * @pattern (as of glob(3)) names; *@cursor is 0 at first, and its own then. False: there are no
 * more. What it gives lives until dump_read() returns. */
struct dump_source {
    void *context;
    bool (*include)(void *context, const char *pattern, size_t *cursor, const char **ret_path,
                    struct slice *ret_text);
};

enum { DUMP_E_INVALID = 1 };

struct dump_input {
    enum dump_kind kind;
    const char *path; /* of the text, for messages and for relative paths in it */
    struct slice text;
    struct dump_source source;
};

/* Reads @input into @dump. 0, -ENOMEM, or DUMP_E_INVALID with one sentence in @fault: it is no such
 * text at all. */
int dump_read(struct dump *dump, const struct dump_input *input, struct buf *fault);

/* True when @text matches the @pattern of glob(3): * ? [...] \, none of which match '/'. */
bool dump_glob_match(const char *pattern, const char *text);
bool dump_glob_is_magic(const char *pattern);
