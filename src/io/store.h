/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The durable store: SQLite in the state directory (store.db, WAL, synchronous=FULL). One writer,
 * who holds clinch.lock; readers never need the lock. A file that is no database, or a broken one,
 * is moved aside (store.db.bad-TIME), told, and a new one is begun. */

#include "base/cleanup.h"
#include "core/staple.h"
#include "host/ports.h"
#include "io/log.h"

struct store;

enum {
    STORE_E_LOCKED = 2, /* somebody else writes: *ret_pid of store_open() says who, 0 unknown */
    STORE_E_ABSENT = 3, /* store_open_reader(): there is no store yet */
};

/* Makes @dir (0750) when it is not there, takes the lock, opens or begins the database. */
int store_open(struct store **ret_store, const char *dir, const struct log *log, int *ret_pid);

/* For status, staple, explain, expire: needs no lock and no right to write, and changes nothing (an
 * empty journal of the database's owner may stay behind). */
int store_open_reader(struct store **ret_store, const char *dir, const struct log *log);

/* For `clinch expire`, which comes by for a moment: a writer as well, but what is not there is not
 * made, and a damaged file is left to the next store_open() (-EUCLEAN). 0, STORE_E_LOCKED,
 * STORE_E_ABSENT or <0 told. */
int store_open_visitor(struct store **ret_store, const char *dir, const struct log *log);

/* Does somebody hold the writer's lock of @dir? False also when that cannot be seen. */
bool store_is_locked(const char *dir);

/* How many times a new database was begun since store_open(): 1 when there was none or a bad one;
 * more when it turned bad in use, and then what was stored before is not there any more. */
unsigned store_begun(const struct store *store);

struct store *store_close(struct store *store);
CLEANUP_DEFINE(struct store *, store_close)

/* As in struct ports. A bad file found by them is replaced: reading then finds nothing, a commit is
 * tried once more. Failures are told once an episode: -ENOSPC disk full, -ESTALE the directory was
 * replaced and is somebody else's (only a restart helps), -EIO and others; the store stays usable
 * and says when it works again. */
int store_read(struct store *store, const uint8_t leaf_sha256[SHA256_SIZE],
               struct store_record *ret_record);
int store_read_issuer(struct store *store, const char *url, struct buf *ret_der);
int store_commit(struct store *store, const struct store_change *changes, size_t count);
void store_record_deinit(struct store_record *record);

/* Rows for `status`, by name, then leaf. Not from inside @each: other calls for this store. */
int store_rows(struct store *store, void (*each)(void *context, const struct cert_row *row),
               void *context);

/* What publishers have put where, so that a restart and `clinch expire` know. @kind is the target
 * type's name, @command what makes the server take a withdrawal (may be ""). */
struct store_published {
    const char *path;    /* the DER */
    const char *snippet; /* "" or the file that must go first */
    const char *command;
    const char *kind;
    char leaf_sha256[2 * SHA256_SIZE + 1];
    /* When it goes: at its nextUpdate, or at the end of its grace (staple.keep_until_s). */
    int64_t next_update_s;
    uint64_t der_hash; /* of the DER, which may be another one with the same end; map_hash() */
};
int store_put_published(struct store *store, const struct store_published *published);
int store_drop_published(struct store *store, const char *path);
/* Many in one durable commit, in this order; one without a kind (NULL) is dropped. */
int store_commit_published(struct store *store, const struct store_published *published,
                           size_t count);
int store_published(struct store *store,
                    void (*each)(void *context, const struct store_published *published),
                    void *context);
