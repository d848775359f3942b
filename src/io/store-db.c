/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "io/clock.h"
#include "io/store-private.h"

#define STORE_SCHEMA      2
#define STORE_SCHEMA_MAX  1000 /* a version above is no version but damage */
#define STORE_BUSY_MS     1000 /* somebody looks with sqlite3, or a reader recovers */
#define STORE_CHECK_MS    1000 /* the most that looking for damage may take at a start */
#define STORE_VALUE_MAX   (16 * 1024 * 1024)
#define STORE_ASIDE_TRIES 100

/* Every row carries a checksum (sum) over its other columns, made by store.c: SQLite notices
 * damage only where it hurts its own structures. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE answers (leaf BLOB NOT NULL, slot INTEGER NOT NULL, der BLOB NOT NULL,"
    " url TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (leaf, slot));"
    "CREATE TABLE tombstones (leaf BLOB NOT NULL PRIMARY KEY, this_update INTEGER NOT NULL,"
    " revoked_at INTEGER NOT NULL, reason INTEGER NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE issuers (url TEXT NOT NULL PRIMARY KEY, der BLOB NOT NULL,"
    " sum INTEGER NOT NULL);"
    "CREATE TABLE certs (leaf BLOB NOT NULL PRIMARY KEY, serial TEXT NOT NULL,"
    " name TEXT NOT NULL, path TEXT NOT NULL, last TEXT NOT NULL, state TEXT NOT NULL,"
    " must_staple INTEGER NOT NULL, serve_from INTEGER NOT NULL, serve_until INTEGER NOT NULL,"
    " next_update INTEGER NOT NULL, next_try INTEGER NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE published (path TEXT NOT NULL PRIMARY KEY, snippet TEXT NOT NULL,"
    " command TEXT NOT NULL, kind TEXT NOT NULL, leaf TEXT NOT NULL,"
    " next_update INTEGER NOT NULL, sum INTEGER NOT NULL, der_hash INTEGER NOT NULL);"
    "PRAGMA user_version = 2;"
    "COMMIT;";

/* From version 1. The sum leaves der_hash out: a wrong one costs a reload and nothing else. */
static const char upgrade[] =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE published ADD COLUMN der_hash INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 2;"
    "COMMIT;";

#define ROW_COLUMNS                                                                                \
    "leaf, serial, name, path, last, state, must_staple, serve_from, serve_until, next_update,"    \
    " next_try, sum"

static const char *const statements[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_PUT_ANSWER] = "INSERT INTO answers (leaf, slot, der, url, sum) VALUES (?1, ?2, ?3, ?4, ?5)"
                       " ON CONFLICT (leaf, slot) DO UPDATE SET"
                       " der = excluded.der, url = excluded.url, sum = excluded.sum",
    [SQL_DROP_ANSWER] = "DELETE FROM answers WHERE leaf = ?1 AND slot = ?2",
    [SQL_DROP_ANSWERS] = "DELETE FROM answers WHERE leaf = ?1",
    [SQL_PUT_TOMBSTONE] = "INSERT OR REPLACE INTO tombstones VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_DROP_TOMBSTONE] = "DELETE FROM tombstones WHERE leaf = ?1",
    [SQL_PUT_ROW] = "INSERT INTO certs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                    " ON CONFLICT (leaf) DO UPDATE SET"
                    " serial = excluded.serial, name = excluded.name, path = excluded.path,"
                    " last = excluded.last, state = excluded.state,"
                    " must_staple = excluded.must_staple, serve_from = excluded.serve_from,"
                    " serve_until = excluded.serve_until, next_update = excluded.next_update,"
                    " next_try = excluded.next_try, sum = excluded.sum",
    [SQL_DROP_ROW] = "DELETE FROM certs WHERE leaf = ?1",
    [SQL_PUT_ISSUER] = "INSERT OR REPLACE INTO issuers VALUES (?1, ?2, ?3)",
    [SQL_PUT_PUBLISHED] =
        "INSERT OR REPLACE INTO published VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_DROP_PUBLISHED] = "DELETE FROM published WHERE path = ?1",
    [SQL_ANSWERS] = "SELECT leaf, slot, der, url, sum FROM answers WHERE leaf = ?1",
    [SQL_TOMBSTONE] = "SELECT leaf, this_update, revoked_at, reason, sum FROM tombstones"
                      " WHERE leaf = ?1",
    [SQL_ROW] = "SELECT " ROW_COLUMNS " FROM certs WHERE leaf = ?1",
    [SQL_ISSUER] = "SELECT url, der, sum FROM issuers WHERE url = ?1",
    [SQL_ROWS] = "SELECT " ROW_COLUMNS " FROM certs ORDER BY name, leaf",
    [SQL_PUBLISHED] = "SELECT path, snippet, command, kind, leaf, next_update, sum, der_hash"
                      " FROM published ORDER BY path",
};

static void why_set(struct store *store, const char *why)
{
    buf_clear(&store->why);
    buf_put_printable(&store->why, slice_of_text(why), 300);
}

int store_db_bad(struct store *store, const char *why)
{
    why_set(store, why);
    return STORE_E_BAD;
}

/* The system's own word for it, where SQLite kept it. */
static int io_result(struct store *store)
{
    int error = sqlite3_system_errno(store->db);

    if (error) {
        buf_put_text(&store->why, ": ");
        buf_put_text(&store->why, strerror(error));
    }
    return error == ENOSPC || error == EDQUOT ? -ENOSPC : -EIO;
}

int store_db_result(struct store *store, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) {
        return 0;
    }
    why_set(store, store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc));
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT: /* these three our own statements cannot bring about */
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return STORE_E_BAD;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_IOERR:
        return rc == SQLITE_IOERR_NOMEM        ? -ENOMEM
               : rc == SQLITE_IOERR_SHORT_READ ? STORE_E_BAD
                                               : io_result(store);
    default:
        return io_result(store);
    }
}

/* While opening, "SQL logic error" means that the file's tables are not ours, or of a form that
 * SQLite does not know. */
static int db_open_result(struct store *store, int rc)
{
    int r = store_db_result(store, rc);

    return (rc & 0xff) == SQLITE_ERROR ? STORE_E_BAD : r;
}

sqlite3_stmt *store_db_statement(struct store *store, enum store_statement which)
{
    sqlite3_reset(store->statements[which]);
    sqlite3_clear_bindings(store->statements[which]);
    return store->statements[which];
}

void store_db_close(struct store *store)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
}

/* One number that a statement gives. */
static int db_number(struct store *store, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    int r;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
        *ret_number = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    r = db_open_result(store, rc);
    sqlite3_finalize(statement);
    return r;
}

static void db_configure(struct store *store)
{
    sqlite3 *db = store->db;

    /* The file may be anything: nothing in it is run, and nothing in it is trusted. */
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, STORE_BUSY_MS);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STORE_VALUE_MAX);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static int db_exec(struct store *store, const char *sql)
{
    int r = db_open_result(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));

    if (r && !sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}

/* mmap_size 0: a file that shrinks under a map is a SIGBUS. */
static int db_pragmas(struct store *store)
{
    return db_exec(store, "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"
                          "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;"
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA journal_size_limit = 16777216;");
}

/* 0, STORE_E_BAD, or <0: @ret_version is 0 for a database that was never begun. */
static int db_version(struct store *store, int64_t *ret_version)
{
    int64_t version = 0, tables = 0;
    int r;

    r = db_number(store, "PRAGMA user_version", &version);
    r = r ? r : db_number(store, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r) {
        return r;
    }
    if (version < 0 || version > STORE_SCHEMA_MAX || (version == 0) != (tables == 0)) {
        return store_db_bad(store, "it is not a store of clinch");
    }
    if (version > STORE_SCHEMA) {
        why_set(store, "it was written by a newer clinch; run that one, or move the file away");
        return -ENOTSUP;
    }
    *ret_version = version;
    return 0;
}

static int check_is_over(void *context)
{
    return clock_now().mono_ms > *(int64_t *)context;
}

/* Looks for damage as long as there is time for it; what is found later is dealt with later. */
static int db_check(struct store *store)
{
    int64_t until_ms = clock_now().mono_ms + STORE_CHECK_MS;
    sqlite3_stmt *statement = NULL;
    int rc, r = 0;

    rc = sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_progress_handler(store->db, 1000, check_is_over, &until_ms);
        rc = sqlite3_step(statement);
        sqlite3_progress_handler(store->db, 0, NULL, NULL);
    }
    if (rc == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(statement, 0);

        if (!found || !text_equal(found, "ok")) {
            r = store_db_bad(store, found ? found : "unreadable");
        }
    } else if (rc != SQLITE_INTERRUPT) {
        r = db_open_result(store, rc);
    }
    sqlite3_finalize(statement);
    return r;
}

static int db_prepare(struct store *store)
{
    for (size_t i = store->reader ? SQL_READS : 0; i < SQL_COUNT; i++) {
        int rc = sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);

        if (rc) {
            return db_open_result(store, rc);
        }
    }
    return 0;
}

/* SQLite would make the file readable for everybody. */
static int db_make_file(struct store *store)
{
    struct stat st;
    int fd = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno != EEXIST || lstat(store->path, &st)) {
        why_set(store, strerror(errno));
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        why_set(store, "it is not a regular file");
        return -ENOTSUP;
    }
    return st.st_size ? 0 : store_db_bad(store, "it is empty");
}

/* SQLite falls back to reading when it may not write, and when the file's header says that a newer
 * SQLite wrote it. */
static int db_writable(struct store *store)
{
    if (sqlite3_db_readonly(store->db, "main") == 0) {
        return 0;
    }
    if (faccessat(AT_FDCWD, store->path, W_OK, AT_EACCESS) == 0) {
        return store_db_bad(store, "its header is not that of a store");
    }
    why_set(store, strerror(errno));
    return -errno;
}

/* 0, STORE_E_BAD, or <0. */
static int db_try(struct store *store)
{
    int64_t version = 0;
    struct stat st;
    int r;

    r = store->visitor ? 0 : db_make_file(store);
    if (r) {
        return r;
    }
    r = store_db_result(
        store, sqlite3_open_v2(store->path, &store->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_FULLMUTEX,
                               NULL));
    if (r) {
        return r;
    }
    db_configure(store);
    r = db_pragmas(store);
    r = r ? r : db_writable(store);
    r = r ? r : db_version(store, &version);
    if (!r && version == 1) {
        r = db_exec(store, upgrade);
    }
    if (!r && version == 0) {
        r = store->visitor ? store_db_bad(store, "it was never begun") : db_exec(store, schema);
        store->begun += r == 0;
    } else if (!r && !store->visitor) {
        r = db_check(store);
    }
    r = r ? r : db_prepare(store);
    if (!r && stat(store->path, &st) == 0) {
        store->dev = st.st_dev;
        store->ino = st.st_ino;
    }
    return r;
}

static int db_rename(const char *path, const char *aside, const char *ending)
{
    char from[4200], to[4200];

    if (snprintf(from, sizeof(from), "%s%s", path, ending) >= (int)sizeof(from) ||
        snprintf(to, sizeof(to), "%s%s", aside, ending) >= (int)sizeof(to)) {
        return -ENAMETOOLONG;
    }
    return rename(from, to) && errno != ENOENT ? -errno : 0;
}

/* "store.db.bad-20261122T140305Z", and -2, -3... while that is taken. */
static void put_aside_name(struct buf *aside, const char *path)
{
    struct buf time = BUF_INIT(64);
    size_t size;

    buf_put_text(aside, path);
    buf_put_text(aside, ".bad-");
    buf_put_time(&time, clock_now().wall_s, 'T');
    for (size_t i = 0; i < time.size; i++) {
        if (time.data[i] != '-' && time.data[i] != ':') {
            buf_put_byte(aside, time.data[i]);
        }
    }
    buf_deinit(&time);
    size = aside->size;
    for (unsigned i = 2; i < STORE_ASIDE_TRIES && access(buf_text(aside), F_OK) == 0; i++) {
        aside->size = size;
        buf_put_byte(aside, '-');
        buf_put_int(aside, i);
    }
}

/* The journal goes along: it belongs to this file and would spoil another. */
static int db_set_aside(struct store *store)
{
    _cleanup_(buf_deinit)
    struct buf aside = BUF_INIT(8192);
    int r;

    if (store->db) {
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    store_db_close(store);
    put_aside_name(&aside, store->path);
    if (buf_status(&aside)) {
        return buf_status(&aside) == -ENOMEM ? -ENOMEM : -ENAMETOOLONG;
    }
    r = db_rename(store->path, buf_text(&aside), "-wal");
    r = r ? r : db_rename(store->path, buf_text(&aside), "-shm");
    r = r ? r : db_rename(store->path, buf_text(&aside), "");
    if (r) {
        buf_put_text(&store->why, ", and it cannot be moved aside: ");
        buf_put_text(&store->why, strerror(-r));
        return error_trace(r);
    }
    log_say(store->log, NOTE_ERROR,
            "%s is damaged (%s): moved aside as %s; a new store is begun, answers are fetched "
            "again, and what is published stays",
            store->path, buf_text(&store->why), strrchr(buf_text(&aside), '/') + 1);
    return 0;
}

int store_db_open(struct store *store)
{
    int r;

    r = db_try(store);
    if (r == STORE_E_BAD && store->visitor) {
        r = -EUCLEAN;
    } else if (r == STORE_E_BAD) {
        r = db_set_aside(store);
        r = r ? r : db_try(store);
    }
    if (r) {
        store_db_close(store);
        return r == STORE_E_BAD ? -EIO : error_trace(r);
    }
    return 0;
}

int store_db_replace(struct store *store)
{
    int r;

    if (store->visitor) {
        return -EUCLEAN;
    }
    r = db_set_aside(store);
    return r ? error_trace(r) : store_db_open(store);
}

int store_db_ensure(struct store *store)
{
    struct stat st;
    bool same;

    if (store->reader) {
        return store->db ? 0 : -EBADF;
    }
    same = store->db && stat(store->path, &st) == 0 && st.st_dev == store->dev &&
           st.st_ino == store->ino;
    if (!store_dir_is_ours(store, !same)) {
        why_set(store, "the state directory was removed or replaced under this clinch; restart it");
        return -ESTALE;
    }
    if (same) {
        return 0;
    }
    if (store->db) {
        log_say(store->log, NOTE_WARNING,
                "%s was removed or exchanged under clinch; what is there now is used", store->path);
        /* Its journal has the name of the new one's. */
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        store_db_close(store);
    }
    return store_db_open(store);
}

/* A file name as a URI: only there can SQLite be told that a file does not change. */
static void put_uri(struct buf *uri, const char *path, bool immutable)
{
    buf_put_text(uri, "file:");
    for (const char *c = path; *c; c++) {
        uint8_t octet = (uint8_t)*c;

        if ((octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
            (octet >= 'a' && octet <= 'z') || strchr("/._-", octet)) {
            buf_put_byte(uri, octet);
        } else {
            buf_put_byte(uri, '%');
            buf_put_hex(uri, slice_of(&octet, 1));
        }
    }
    buf_put_text(uri, immutable ? "?mode=ro&immutable=1" : "?mode=ro");
}

static int reader_try(struct store *store, bool immutable, int64_t *ret_version)
{
    _cleanup_(buf_deinit)
    struct buf uri = BUF_INIT(16384);
    int r;

    put_uri(&uri, store->path, immutable);
    if (buf_status(&uri)) {
        return buf_status(&uri) == -ENOMEM ? -ENOMEM : -ENAMETOOLONG;
    }
    store_db_close(store);
    r = store_db_result(store, sqlite3_open_v2(buf_text(&uri), &store->db,
                                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
                                                   SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_FULLMUTEX,
                                               NULL));
    if (r) {
        return r;
    }
    db_configure(store);
    r = db_exec(store, "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"
                       "PRAGMA temp_store = MEMORY;");
    r = r ? r : db_version(store, ret_version);
    return r;
}

/* A reader who may not write in the directory cannot make the shared index of the journal. Without
 * a writer there is nobody to share it with; the file alone is whole after a clean end, and as it
 * was at the last checkpoint otherwise. */
int store_db_open_reader(struct store *store)
{
    int64_t version = 0;
    int r;

    r = reader_try(store, false, &version);
    if (r < 0 && r != -ENOTSUP && r != -ENOMEM && r != -EBUSY) {
        r = reader_try(store, true, &version);
    }
    if (!r && version == 0) {
        store_db_close(store);
        return STORE_E_ABSENT;
    }
    if (!r && version < STORE_SCHEMA) {
        why_set(store, "it was written by an older clinch; the next `clinch run` or `clinch once` "
                       "brings it up to date");
        r = -ENOTSUP;
    }
    r = r ? r : db_prepare(store);
    if (r) {
        store_db_close(store);
        return r == STORE_E_BAD ? -EUCLEAN : error_trace(r);
    }
    return 0;
}
