/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Staples as files: all targets but the socket of `haproxy`.
 *
 * One engine for all of them, so that two places never fight for one path and the work per turn is
 * bounded. Each output path has an entry, which goes through these steps ("|": a barrier, where the
 * folder is on a disk; what came together shares it):
 *
 *   shown:      row put, files staged | DER moved | snippet moved | -> servers told -> taken
 *   withdrawn:  snippet dropped | -> servers told -> taken -> DER dropped | row forgotten
 *
 * Without a snippet the DER goes first. At every point between two steps a snippet that exists
 * names a whole DER: nginx starts and reloads at any moment, also when clinch is gone. The store's
 * row is put before the first write, and says what the *server* has (next_update_s 0: nothing
 * yet), so that a crash before the reload is made good after a restart. */

#include "base/heap.h"
#include "publish/barrier.h"
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

/* How often it is looked whether files are still ours, where others write, too; and when files are
 * put there again behind a reload, first: the server may be slow with it. */
#define FILES_WATCH_MS 20000
#define FILES_AGAIN_MS 1500
/* And how often they are put there again in any case (or each reload_interval, where that is
 * shorter): the server may have been reloaded by somebody else, who tells nobody. */
#define FILES_RENEW_MS 300000

#define FILES_GRACE_MAX_S 86400 /* see policy.must_staple_grace */

/* How a kind of server takes files, and what it makes of them. What each was seen to do is in
 * docs/decisions/0010. */
struct file_kind {
    const char *name; /* in the store, and for people */
    bool snippet;     /* nginx.c: a folder with a snippet for each DER */
    bool takes;       /* new files by itself, soon: a command is for withdrawals alone */
    bool restarts;    /* a first staple and a withdrawal need `restart` instead of `reload` */
    bool stamped;     /* goes by the file's mtime: until then it is good */
    bool light;       /* not made durable: after a crash it is written again anyway */
    bool no_grace;    /* would refuse everybody with an answer behind its nextUpdate */
    bool shared;      /* writes there itself, and its reload loses what came after its start: files
                         are looked after (files-watch.c) */
    bool drops_ended; /* shows nothing that is over, whether it is told or not */
    bool no_revoked;  /* a revoked staple would be refused, or refuse everybody */
};
extern const struct file_kind file_kinds[]; /* by enum target_type */
/* As the store names it; NULL: none. */
const struct file_kind *file_kind_of(const char *name);

struct file_target {
    struct target base;
    struct files *files;
    const struct file_kind *kind;
    const char *template; /* of the DER, or of NAME when there is a folder; NULL: left-overs */
    const char
        *folder; /* nginx: of DER and snippet; hitch: its ocsp-dir; folder: itself; or NULL */
    gid_t gid;
    mode_t mode;
    struct runner **runners;                     /* borrowed; count 0: no server needs to be told */
    const struct target_config **runner_configs; /* whose `only` limits the runner; or NULL */
    size_t runner_count;
    struct runner *restart; /* borrowed; or NULL */
    struct table places;    /* struct file_place by key */
    bool prefix_told;
    bool intruder_told;
};

enum file_step {
    FILE_IDLE,   /* shown, or still nothing; nothing to do */
    FILE_WRITE,  /* DER and snippet are to be staged */
    FILE_STAGED, /* and to be moved, the DER first */
    FILE_MOVED,  /* they have their names */
    FILE_HIDE,   /* to be withdrawn */
    FILE_LINGER, /* withdrawn; what is left goes when the servers have taken that */
    FILE_GONE,   /* nothing is left, but it may come back after a power failure */
    FILE_ORPHAN, /* found on disk, wanted by nobody, known to nobody: goes when it ends */
};

/* What servers must be told. */
enum file_news {
    NEWS_REFRESH, /* of what is still good */
    NEWS_FIRST,   /* of one that showed nothing */
    NEWS_WRONG,   /* what is shown instead is wrong, or is over */
    NEWS_QUIET,   /* withdrawn, but the server may go on with what it has */
    NEWS_ENDED,   /* withdrawn, with some minutes left */
    NEWS_GONE,    /* withdrawn */
};

struct file_shown {
    uint8_t leaf[SHA256_SIZE];
    uint64_t der_hash;
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
    struct disk_temp der_temp; /* what is staged of it */
    struct disk_temp snippet_temp;
    uint64_t awaits;         /* the barrier that its next step waits for; 0: none */
    int await_error;         /* of that one */
    struct wish *kept;       /* where others write, too: what was moved there, */
    struct disk_print print; /* what tells that it still is, */
    int64_t put_ms;          /* when it was put there, */
    uint64_t runs_seen;      /* of the server's command until then, */
    uint8_t again;           /* and how many times it is to be put there again */
    struct wish *shown;      /* what was written, for those who want to see it; else NULL */
    struct file_shown written;
    struct file_shown loaded; /* by the server, or written where there is none to tell */
    uint64_t change;          /* the last that servers must take; 0: none */
    bool by_restart;          /* by which command */
    struct file_entry *prev;  /* in the list of those whose change is not taken yet */
    struct file_entry *next;
    bool listed;
    bool urgent;
    bool quiet;
    bool dirty;    /* moved, but not accounted for: the snippet failed */
    bool missing;  /* nothing was there before what was moved */
    bool known;    /* an earlier run put it there: servers may have it */
    bool recorded; /* the store has a row, or will have it with the next flush */
    bool finished; /* it waits for a barrier alone to go */
    bool conflict_told;
    bool told;   /* its failure */
    char *fault; /* what was told; or NULL */
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

/* Ids, of entries that wait for a barrier. */
struct file_ids {
    uint32_t *ids;
    uint32_t count;
    uint32_t capacity;
};

/* A row on its way to the store. */
struct file_record {
    char *path;
    char *snippet;
    char *command;
    uint32_t id; /* of its entry, which may have gone since */
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
    struct barrier *barrier;
    uint64_t barrier_number;  /* of the next one */
    struct file_ids awaiting; /* it */
    struct file_ids passing;  /* the one that goes on, or has just ended */
    struct file_ids ready;    /* no barrier, but the rows */
    bool barrier_ended;
    struct file_record *records; /* with @published, for the next flush */
    struct store_published *published;
    size_t record_count;
    size_t record_capacity;
    int64_t watch_ms; /* when to look next; INSTANT_NEVER: nothing is shared */
    uint32_t watch_at;
    bool watched;     /* something, in this round */
    bool again_due;   /* a command was run, and the others are not put there again yet */
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
void files_each_trouble(const struct files *files,
                        void (*found)(void *context, const struct publish_trouble *trouble),
                        void *context);
/* Something is being written that servers will be told of. */
bool files_writing(const struct files *files, struct instant now);
bool files_failing(const struct files *files);
bool files_conflicting(const struct files *files); /* two certificates, one path */

static inline bool file_target_is_command(const struct file_target *target)
{
    return target->base.config->type == TARGET_COMMAND;
}

/* Servers must be told of new files, too. */
static inline bool file_target_tells(const struct file_target *target)
{
    return !target->kind->takes && target->runner_count > 0;
}

struct file_settings {
    const struct target_config *config; /* group, mode, only */
    const struct file_kind *kind;
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

/* files-told.c: notes that servers must take what @entry shows now; it is listed until they have.
 */
void files_note_change(struct file_entry *entry, enum file_news news, struct instant now);
void files_unlist(struct file_entry *entry);
/* Those whose change servers have taken go on; at most @most of them. How many did. */
unsigned files_take_changes(struct files *files, unsigned most);
/* What makes the server take a withdrawal, for `clinch expire`. */
void files_put_commands(struct buf *command, const struct file_target *target);

/* Tells what the server of @entry has taken. */
void files_tell(struct file_entry *entry, enum handed_what what);

/* One step of @entry; in files-step.c. */
void files_work(struct file_entry *entry, struct instant now);
void files_taken(struct file_entry *entry);
/* Behind the barrier that it waited for. */
void files_passed(struct file_entry *entry, struct instant now);
/* What is staged is given up. */
void files_unstage(struct file_entry *entry);

/* files-flush.c: the store's rows and the disk, many at a time. */
/* That the server has @entry's leaf, as the DER of that hash; @keep_until_s 0: nothing yet. */
void files_record(struct file_entry *entry, int64_t keep_until_s, uint64_t der_hash);
void files_forget(struct file_entry *entry);
void files_flush_records(struct files *files);
/* @entry goes on behind the next barrier; needed: what it waits for is on a disk. -ENOMEM. */
int files_await(struct file_entry *entry, bool needed);
/* What was added to the barrier starts, what has passed it goes on. */
void files_flush(struct files *files, struct instant now);
void files_on_barrier(void *context);

/* files-watch.c: has somebody else written where @entry's staple is, or a server lost it? */
void files_watch(struct files *files, struct instant now);
void files_watch_soon(struct files *files, struct instant now); /* a command was run */
void files_keep(struct file_entry *entry, struct wish *wish);
/* The first write of this process is one, whatever is there: the server may have missed it. */
void files_put_anew(struct file_entry *entry);

/* When an answer that ends at @next_update_s must go, of which a row of the store says
 * @keep_until_s. The store is not trusted far: only for a grace of a day. */
int64_t files_end_s(int64_t next_update_s, int64_t keep_until_s);

/* Does a row's keep_until_s hold for @content, which stands in its file? Where no server is told
 * (no @command) the row is put before the file: @row_hash must be that of @content. Else it is of
 * what the server has loaded, and the file may be a newer one. */
bool files_row_is_of(const char *command, uint64_t row_hash, struct slice content);

/* nginx.c: names, the snippet, and what a folder may hold after a crash. */
void nginx_put_paths(struct buf *der, struct buf *snippet, const struct file_target *target,
                     struct slice name);
bool nginx_is_ours(const char *snippet_path); /* a snippet that clinch has written */
void nginx_put_snippet(struct buf *content, const char *der_path);
void nginx_repair(struct file_target *target, int64_t wall_s);
void nginx_adopt(struct file_target *target);
void nginx_warn_prefixes(struct file_target *target);

/* folder.c: the path by the certificate's hash; files of an earlier run that nobody wants any more.
 */
void folder_put_path(struct buf *der, const struct file_target *target,
                     const struct cert_facts *cert);
void folder_adopt(struct file_target *target);

/* hitch.c: where hitch looks for the staple of the certificate at @place. 0 or -ENOMEM. */
int hitch_put_path(struct buf *der, const struct file_target *target, struct place place,
                   const struct cert_facts *cert);
