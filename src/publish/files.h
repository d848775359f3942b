/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Staples as files: the targets `file` and `nginx`, and the .ocsp of `haproxy`.
 *
 * One engine for all of them, so that two places never fight for one path and the work per turn is
 * bounded. Each output path has an entry, which goes through these steps:
 *
 *   shown:      DER by rename -> snippet by rename -> servers told -> (server has taken it)
 * recorded withdrawn:  snippet removed -> servers told -> (server has taken it) DER removed,
 * forgotten
 *
 * Without a snippet the DER goes first. At every point between two steps a snippet that exists
 * names a whole DER: nginx starts and reloads at any moment, also when clinch is gone. The store's
 * row is put before the first write, and says what the *server* has (next_update_s 0: nothing
 * yet), so that a crash before the reload is made good after a restart. */

#include "base/heap.h"
#include "publish/disk.h"
#include "publish/runner.h"
#include "publish/table.h"
#include "publish/target.h"

#define FILES_PER_TURN 50

/* The targets `command` are entries like the others, without files: the output is a name for what
 * the command was run for, FILES_KIND_COMMAND ":" COMMAND ":" PLACE. */
#define FILES_KIND_COMMAND "command"

/* A DER lingers this long after its snippet where no command tells that the server has let go:
 * one that is just reading its configuration may have seen the snippet already. */
#define FILES_LINGER_MS 2000

#define FILES_GRACE_MAX_S 86400 /* see policy.must_staple_grace */

struct file_target {
    struct target base;
    struct files *files;
    const char *kind;     /* in the store: "file", "nginx", "haproxy", "command" */
    const char *template; /* of the DER, or of NAME when there is a folder; NULL: left-overs */
    const char *folder;   /* nginx: of DER and snippet; else NULL */
    gid_t gid;
    mode_t mode;
    struct runner **runners;                     /* borrowed; count 0: no server needs to be told */
    const struct target_config **runner_configs; /* whose `only` limits the runner; or NULL */
    size_t runner_count;
    struct table places; /* struct file_place by key */
    bool prefix_told;
};

enum file_step {
    FILE_IDLE,   /* shown, or still nothing; nothing to do */
    FILE_WRITE,  /* DER and snippet are to be written */
    FILE_HIDE,   /* to be withdrawn */
    FILE_LINGER, /* withdrawn; what is left goes when the servers have taken that */
    FILE_ORPHAN, /* found on disk, wanted by nobody, known to nobody: goes when it ends */
};

struct file_shown {
    uint8_t leaf[SHA256_SIZE];
    int64_t keep_until_s; /* 0: nothing */
    int64_t until_s;
};

struct file_entry {
    struct file_target *target;
    uint32_t id;
    enum file_step step;
    unsigned users;            /* places that want it */
    char *output;              /* as expanded: the key */
    char *real;                /* where it is written: output, or where that symlink leads */
    char *snippet;             /* or NULL */
    char *place;               /* a certificate's path, for messages and `only` */
    uint8_t leaf[SHA256_SIZE]; /* of what is wanted */
    struct wish *wish;         /* what is still to be written */
    struct wish *shown;        /* what was written, for those who want to see it; else NULL */
    struct file_shown written;
    struct file_shown loaded; /* by the server, or written where there is none to tell */
    uint64_t change;          /* the last that servers must take; 0: none */
    struct file_entry *prev;  /* in the list of those whose change is not taken yet */
    struct file_entry *next;
    bool listed;
    bool urgent;
    bool quiet;
    bool dirty;    /* written, but not accounted for: the snippet failed */
    bool known;    /* an earlier run put it there: servers may have it */
    bool recorded; /* the store has a row */
    bool conflict_told;
    bool told; /* its failure */
    unsigned failures;
};

struct file_place {
    struct file_target *target;
    char *key;                /* path, or path#index */
    char *output;             /* wanted, whether it got it or not */
    struct file_entry *entry; /* NULL: somebody else has the output */
    struct wish *waiting;     /* then: what to show when that one is gone */
    struct file_place *next_waiting;
};

/* What the store says an earlier run has published. */
struct file_row {
    char *path;
    char *snippet;
    char *command;
    char *kind;
    struct file_shown shown;
};

struct files {
    struct publish_context *context;
    struct table outputs;        /* struct file_entry by output, of all targets */
    struct table rows;           /* struct file_row by path; those nobody has claimed yet */
    struct table cleaned;        /* folders (char *) whose temporary files have been removed */
    struct file_entry **entries; /* by id */
    uint32_t *free_ids;
    uint32_t entry_count;
    uint32_t free_count;
    uint32_t entry_capacity;
    struct heap due;                  /* ids, monotonic ms */
    struct file_entry *first_untaken; /* in the order of their changes */
    struct file_entry *last_untaken;
    struct file_place *waiting;
    unsigned failing; /* entries with failures */
    unsigned orphans;
    uint64_t runs_seen; /* of context->runs */
    unsigned told;      /* failures told one by one, until all is well again */
};

int files_new(struct files **ret_files, struct publish_context *context);
struct files *files_free(struct files *files); /* before its targets */
CLEANUP_DEFINE(struct files *, files_free)

/* Works on what is due, at most FILES_PER_TURN entries; the next deadline. */
int64_t files_tick(struct files *files, struct instant now);
bool files_busy(const struct files *files);
bool files_failing(const struct files *files);
bool files_conflicting(const struct files *files); /* two certificates, one path */

static inline bool file_target_is_command(const struct file_target *target)
{
    return target->base.config->type == TARGET_COMMAND;
}

struct file_settings {
    const struct target_config *config; /* group, mode, only */
    const char *kind;
    const char *template;
    const char *folder;
};
int file_target_new(struct file_target **ret_target, struct files *files,
                    const struct file_settings *settings);
int file_target_add_runner(struct file_target *target, struct runner *runner,
                           const struct target_config *config);

/* Of both kinds together; in files.c. Private to files*.c and nginx.c below this line. */

/* The entry of @output, made when there is none. A row of the store is claimed. */
int files_open_entry(struct file_target *target, const char *output, const char *snippet,
                     struct file_entry **ret_entry);
void files_free_entry(struct file_entry *entry);

/* Work on @entry at @mono_ms; 0: in the next turn. */
void files_schedule(struct file_entry *entry, int64_t mono_ms);
void files_hide(struct file_entry *entry, bool quiet);

/* Notes that servers must take what @entry shows now; it is listed until they have. */
void files_note_change(struct file_entry *entry, bool urgent, struct instant now);
void files_unlist(struct file_entry *entry);
/* True when all servers that matter for @entry have taken its last change. */
bool files_is_taken(const struct file_entry *entry);

/* Tells what the server of @entry has taken. */
void files_tell(struct file_entry *entry, enum handed_what what);

/* One step of @entry; in files-step.c. */
void files_work(struct file_entry *entry, struct instant now);
void files_taken(struct file_entry *entry);
void files_record(struct file_entry *entry, int64_t keep_until_s);

/* When an answer that ends at @next_update_s must go, of which a row of the store says
 * @keep_until_s. The store is not trusted far: only for a grace of a day. */
int64_t files_end_s(int64_t next_update_s, int64_t keep_until_s);

/* nginx.c: names, the snippet, and what a folder may hold after a crash. */
void nginx_put_paths(struct buf *der, struct buf *snippet, const struct file_target *target,
                     struct slice name);
bool nginx_is_ours(const char *snippet_path); /* a snippet that clinch has written */
void nginx_put_snippet(struct buf *content, const char *der_path);
void nginx_repair(struct file_target *target, int64_t wall_s);
void nginx_adopt(struct file_target *target);
void nginx_warn_prefixes(struct file_target *target);
