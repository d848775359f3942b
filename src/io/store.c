/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/store-private.h"

static struct store *store_new(const struct log *log, bool reader)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store) {
        store->log = log;
        store->reader = reader;
        store->lock_fd = -1;
        store->why = BUF_INIT(1024);
    }
    return store;
}

struct store *store_close(struct store *store)
{
    if (!store) {
        return NULL;
    }
    store_db_close(store);
    store_dir_unlock(store);
    free(store->dir);
    free(store->path);
    buf_deinit(&store->why);
    free(store);
    return NULL;
}

int store_open(struct store **ret_store, const char *dir, const struct log *log, int *ret_pid)
{
    _cleanup_(store_closep)
    struct store *store = store_new(log, false);
    int r;

    if (!store) {
        return -ENOMEM;
    }
    r = store_dir_make(store, dir);
    if (r) {
        return error_trace(r);
    }
    r = store_dir_lock(store, ret_pid);
    if (r) {
        return r == STORE_E_LOCKED ? r : error_trace(r);
    }
    r = store_db_open(store);
    if (r) {
        log_say(log, NOTE_ERROR, "cannot open %s: %s", store->path,
                store->why.size ? buf_text(&store->why) : strerror(-r));
        return error_trace(r);
    }
    *ret_store = steal(&store);
    return 0;
}

int store_open_visitor(struct store **ret_store, const char *dir, const struct log *log)
{
    _cleanup_(store_closep)
    struct store *store = store_new(log, false);
    int pid, r;

    if (!store) {
        return -ENOMEM;
    }
    store->visitor = true;
    r = store_dir_find(store, dir);
    r = r ? r : store_dir_lock(store, &pid);
    if (r) {
        return r > 0 ? r : error_trace(r);
    }
    r = store_db_open(store);
    if (r) {
        log_say(log, NOTE_ERROR, "cannot write to %s: %s", store->path,
                store->why.size ? buf_text(&store->why) : strerror(-r));
        return error_trace(r);
    }
    *ret_store = steal(&store);
    return 0;
}

int store_open_reader(struct store **ret_store, const char *dir, const struct log *log)
{
    _cleanup_(store_closep)
    struct store *store = store_new(log, true);
    int r;

    if (!store) {
        return -ENOMEM;
    }
    r = store_dir_find(store, dir);
    if (r) {
        return r == STORE_E_ABSENT ? r : error_trace(r);
    }
    r = store_db_open_reader(store);
    if (r == -EUCLEAN) {
        log_say(log, NOTE_ERROR,
                "%s is damaged (%s); the next `clinch run` or `clinch once` moves it aside and "
                "begins a new one",
                store->path, buf_text(&store->why));
    } else if (r < 0) {
        log_say(log, NOTE_ERROR, "cannot read %s: %s", store->path, buf_text(&store->why));
    }
    if (r) {
        return r == STORE_E_ABSENT ? r : error_trace(r);
    }
    *ret_store = steal(&store);
    return 0;
}

unsigned store_begun(const struct store *store)
{
    return store->begun;
}

void store_tell(struct store *store, int r)
{
    const char *why = store->why.size ? buf_text(&store->why) : strerror(-r);

    if (r == store->trouble) {
        return;
    }
    store->trouble = r;
    if (r == 0) {
        log_say(store->log, NOTE_INFO, "%s works again", store->path);
    } else if (store->reader) {
        log_say(store->log, NOTE_ERROR, "cannot read %s: %s", store->path, why);
    } else if (r == -ENOSPC) {
        log_say(store->log, NOTE_ERROR,
                "%s: the disk is full; what is published stays, but nothing new is kept over a "
                "restart until there is room. It is tried again",
                store->path);
    } else if (r == -ESTALE) {
        log_say(store->log, NOTE_ERROR,
                "%s is not used any more: %s; what is published stays, but nothing new is kept",
                store->path, why);
    } else {
        log_say(store->log, NOTE_ERROR,
                "%s cannot be used (%s); what is published stays, but nothing new is kept over a "
                "restart until that is mended. It is tried again",
                store->path, why);
    }
}

/* Whatever is open here was begun by us and has failed. */
static void write_undo(struct store *store)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_reset(store->statements[i]);
    }
    if (store->db && !sqlite3_get_autocommit(store->db)) {
        sqlite3_step(store->statements[SQL_ROLLBACK]);
        sqlite3_reset(store->statements[SQL_ROLLBACK]);
    }
}

static int step_alone(struct store *store, enum store_statement which)
{
    sqlite3_stmt *statement = store_db_statement(store, which);
    int rc = sqlite3_step(statement);

    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* One transaction. @write returns SQLite's codes. 0, STORE_E_BAD, or <0. */
static int write_once(struct store *store, int (*write)(struct store *store, const void *what),
                      const void *what)
{
    int r, rc;

    buf_clear(&store->why);
    r = store_db_ensure(store);
    if (r) {
        return error_trace(r);
    }
    rc = step_alone(store, SQL_BEGIN);
    rc = rc ? rc : write(store, what);
    rc = rc ? rc : step_alone(store, SQL_COMMIT);
    r = store_db_result(store, rc);
    if (r) {
        write_undo(store);
    }
    return r;
}

int store_write(struct store *store, int (*write)(struct store *store, const void *what),
                const void *what)
{
    int r;

    if (store->reader) {
        return -EROFS;
    }
    r = write_once(store, write, what);
    if (r == STORE_E_BAD) {
        r = store_db_replace(store);
        r = r ? r : write_once(store, write, what);
        r = r == STORE_E_BAD ? -EIO : r;
    }
    store_tell(store, r);
    return r ? error_trace(r) : 0;
}

int store_read_begin(struct store *store)
{
    int r;

    buf_clear(&store->why);
    r = store_db_ensure(store);
    if (r) {
        store_tell(store, r);
        return error_trace(r);
    }
    return 0;
}

int store_read_end(struct store *store, int r)
{
    if (r == STORE_E_BAD && store->reader) {
        r = -EUCLEAN;
    } else if (r == STORE_E_BAD) {
        r = store_db_replace(store);
        r = r ? r : STORE_E_NONE;
    }
    if (r < 0) {
        store_tell(store, r);
        return error_trace(r);
    }
    return r;
}
