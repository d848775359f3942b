/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of `clinch setup` and `clinch discover`: one server with its certificates, and
 * what is to be written where. */

#include "base/map.h"
#include "cli/inventory.h"
#include "cli/lookup.h"
#include "cli/page.h"

/* A certificate file that the server names, once however many blocks name it. */
struct setup_cert {
    char *path;             /* as the server has it: clinch must have it so, too */
    struct found_file file; /* count 0: it could not be read, and fault says why */
    char *fault;
    char *name;     /* {name} or {file}, as it is in paths of staples */
    unsigned group; /* 1, or more where another certificate has the same name */
    bool refused;   /* no lines for it: told where it happens */
    bool placed;    /* but somewhere there are */
};

struct setup {
    const struct options *options;
    const struct config *config;
    int kind;
    const struct server_traits *traits;
    struct found_server server;
    struct inventory inventory;
    struct lookup *lookup;
    struct setup_cert *certs;
    size_t cert_count;
    struct map by_path; /* of certs */
    unsigned groups;
    const char *config_path; /* of clinch.yaml */
    struct buf folder;       /* for its staples, and what their names begin with there */
    const char *prefix;
    struct slice nginx_folder; /* find_folder() of group 1, once has_folder says so */
    bool has_folder;
    unsigned instance;   /* from 1: which of several servers of that kind */
    char new_socket[64]; /* HAProxy: where it has none */
    bool own_state;      /* not in /var/lib/clinch */
    unsigned refused;
    bool has_paths; /* certificates were named on the command line */
    bool left_out;  /* some path was unfit, and that was told */
};

/* Reads what @server (handed over) serves: everything, or only the @paths of the command line.
 * 0, or EXIT_USAGE after telling; deinitialise in any case. */
struct setup_order {
    const struct options *options;
    const struct config *config;
    struct lookup *lookup;
    const char *config_path;
    unsigned instance;
    const char *const *paths;
    size_t path_count;
};
int setup_open(struct setup *ret_setup, const struct setup_order *order,
               struct found_server *server);
void setup_deinit(struct setup *setup);

/* clinch.yaml as it is, or as it is to be where there is none yet; its absolute path. 0 or
 * EXIT_USAGE, told. */
int setup_read_config(const struct options *options, struct buf *path, struct config **ret_config);

/* What could not be read, on standard error. */
void setup_tell_trouble(const struct setup *setup);

/* The certificate file of that path, or NULL. */
struct setup_cert *setup_find(const struct setup *setup, const char *path);
/* The first certificate in it; NULL when it could not be read. */
const struct found_cert *setup_leaf(const struct setup_cert *cert);
/* There may be a staple for it: readable, an OCSP URL, no CA. What cannot be read may have one. */
bool setup_could(const struct setup_cert *cert);
/* Its issuer is in the file, or beside it where the server looks there. A root need not be sent;
 * only HAProxy wants it for a staple. */
bool setup_has_issuer(const struct setup *setup, const struct setup_cert *cert);
/* It belongs into clinch.yaml. */
bool setup_is_listed(const struct setup_cert *cert);
bool setup_has_listed(const struct setup *setup); /* one of them does */
/* Refuses @cert, once; or all, wherever they were placed. */
void setup_refuse(struct setup *setup, struct setup_cert *cert);
void setup_refuse_all(struct setup *setup);

/* What a kind of server needs of clinch. */
struct setup_kind {
    /* Blocks for the server's own configuration, and commands for once. */
    void (*put_server)(struct setup *setup, struct page *page);
    /* Entries of `publish:`; NULL: it takes none. */
    void (*put_targets)(struct setup *setup, struct page *page, bool only);
    /* The command that makes it take up what was pasted; without clinch's own. May be nothing. */
    void (*put_reload)(const struct setup *setup, struct buf *command);
    bool clinch_first; /* it looks for a folder, or a staple, when it starts */
};
extern const struct setup_kind setup_kinds[SERVERS];

void setup_nginx_put(struct setup *setup, struct page *page);
void setup_nginx_targets(struct setup *setup, struct page *page, bool only);
void setup_nginx_reload(const struct setup *setup, struct buf *command);
void setup_haproxy_open(struct setup *setup); /* before the others */
void setup_haproxy_put(struct setup *setup, struct page *page);
void setup_haproxy_targets(struct setup *setup, struct page *page, bool only);
void setup_haproxy_reload(const struct setup *setup, struct buf *command);
void setup_apache_put(struct setup *setup, struct page *page);
/* Those that staple by the preload library: Apache, and SERVER_PRELOAD, which one of them being the
 * first word of the command line. */
bool setup_preload_knows(const char *name);
const char *setup_preload_name(size_t index); /* from 0; NULL behind the last */
void setup_preload_names(struct buf *to);     /* with commas */
/* The folder for their staples that is printed. */
void setup_preload_folder(struct buf *to, const struct setup *setup);
void setup_preload_put(struct setup *setup, struct page *page);
void setup_preload_targets(struct setup *setup, struct page *page, bool only);
void setup_preload_reload(const struct setup *setup, struct buf *command);
void setup_hitch_put(struct setup *setup, struct page *page);
void setup_hitch_targets(struct setup *setup, struct page *page, bool only);
void setup_hitch_reload(const struct setup *setup, struct buf *command);
void setup_lighttpd_put(struct setup *setup, struct page *page);
void setup_exim_put(struct setup *setup, struct page *page);
void setup_dnsdist_put(struct setup *setup, struct page *page);
void setup_dnsdist_reload(const struct setup *setup, struct buf *command);
/* exim, file: a template of files, of which the server need not be told. */
void setup_file_targets(struct setup *setup, struct page *page, bool only);
void setup_file_put(struct setup *setup, struct page *page);
void setup_h2o_put(struct setup *setup, struct page *page);
void setup_nghttpx_put(struct setup *setup, struct page *page);
void setup_dnsdist_targets(struct setup *setup, struct page *page, bool only);
void setup_lighttpd_targets(struct setup *setup, struct page *page, bool only);
void setup_service_reload(const struct setup *setup, struct buf *command);

/* clinch runs as a user of its own on this machine, and so may not reload servers. */
bool setup_is_apart(const struct setup *setup);
/* "    KEY: COMMAND" of an entry of `publish:`, which makes the server take or drop a staple;
 * @direct is the command where clinch may do that itself, NULL: the service's usual one. */
void setup_put_told(const struct setup *setup, struct page *page, const char *key,
                    const char *direct);
/* What root must be told once for that command to do anything. */
void setup_put_door(const struct setup *setup, struct page *page);

/* The folder for staples of @group, and the file for the staple of @cert where it is one. */
void setup_put_folder(struct buf *to, const struct setup *setup, unsigned group);
void setup_put_staple(struct buf *to, const struct setup *setup, const struct setup_cert *cert);
/* nginx: @block includes clinch's snippet of @cert, or will when there is one; how many
 * certificates it has; and whether its own ssl_stapling line is in clinch's way. */
bool setup_nginx_includes(const struct dump_block *block, const struct setup_cert *cert);
unsigned setup_nginx_count(const struct setup *setup, const struct dump_block *block);
bool setup_nginx_in_the_way(const struct dump_block *block, const struct dump_cert *named);
/* nginx: the folder that its blocks include from already, else that of setup_put_folder(). */
void setup_nginx_folder(struct buf *to, const struct setup *setup, unsigned group);

/* "    only:" with the certificates of @group, where there is something to tell apart. */
void setup_put_only(const struct setup *setup, struct page *page, unsigned group, bool only);

/* "  - SERVER: TEMPLATE" of the files of @group. */
void setup_put_template(const struct setup *setup, struct page *page, unsigned group);

/* The list of `certificates:` as far as they are not in @seen yet (may be NULL), and comments about
 * what is wrong with them. */
void setup_put_certificates(const struct setup *setup, struct page *page, struct map *seen);
void setup_put_faults(const struct setup *setup, struct page *page);

/* `--check`: a table of what is served, on standard output. The exit code. */
int setup_check(struct setup *setup);

/* The staple that is there for a certificate now, by whatever way the server takes it. */
enum sight_state {
    SIGHT_GOOD,
    SIGHT_NONE,
    SIGHT_SELF,  /* the server fetches its own */
    SIGHT_QUIET, /* there is none for such a certificate */
};
struct sight {
    enum sight_state state;
    int64_t until_s; /* GOOD: its nextUpdate */
    struct buf why;  /* NONE, SELF: a clause, and what to do */
};
/* @block and @named are NULL where the certificate is known from HAProxy's socket. @ret_sight->why
 * is to be deinitialised. */
void setup_look(struct setup *setup, const struct dump_block *block, const struct dump_cert *named,
                const struct setup_cert *cert, struct sight *ret_sight);
