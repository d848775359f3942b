/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of the store share: store.c (answers, issuers, rows, published), store-db.c (the
 * file: opening, checking, moving aside), store-dir.c (directory and lock). Private to them. */

#include <sqlite3.h>
#include <sys/types.h>

#include "io/store.h"

/* A private outcome: the file is no database, or a damaged one; store->why says how. */
enum { STORE_E_BAD = 100 };

enum store_statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_PUT_ANSWER,
    SQL_DROP_ANSWER,
    SQL_DROP_ANSWERS,
    SQL_PUT_TOMBSTONE,
    SQL_DROP_TOMBSTONE,
    SQL_PUT_ROW,
    SQL_DROP_ROW,
    SQL_PUT_ISSUER,
    SQL_PUT_PUBLISHED,
    SQL_DROP_PUBLISHED,
    SQL_READS, /* from here on also for readers */
    SQL_ANSWERS = SQL_READS,
    SQL_TOMBSTONE,
    SQL_ROW,
    SQL_ISSUER,
    SQL_ROWS,
    SQL_PUBLISHED,
    SQL_COUNT,
};

struct store {
    const struct log *log;
    char *dir;  /* absolute, without symbolic links */
    char *path; /* of the database */
    int lock_fd;
    bool reader;
    bool visitor; /* a writer that makes nothing and replaces nothing */
    sqlite3 *db;  /* NULL: could not be opened again; the next use tries */
    sqlite3_stmt *statements[SQL_COUNT];
    dev_t dev; /* of the file that is open: somebody may remove or exchange it */
    ino_t ino;
    int trouble;    /* what store_tell() told last, 0: all is well */
    unsigned begun; /* databases begun anew, the first included */
    struct buf why; /* what is wrong, for people */
};

/* store-dir.c: makes @dir and those above it, sets store->dir and ->path. 0, or <0 told. */
int store_dir_make(struct store *store, const char *dir);
/* Only looks. 0, STORE_E_ABSENT, or <0 told. */
int store_dir_find(struct store *store, const char *dir);
/* False when somebody else's lock lies where ours was, or, with @strict, when ours is not there:
 * then others may write here, and a new database must not be begun. */
bool store_dir_is_ours(const struct store *store, bool strict);
/* 0, STORE_E_LOCKED, or <0 told. */
int store_dir_lock(struct store *store, int *ret_pid);
void store_dir_unlock(struct store *store);

/* store-db.c: opens or begins the database; a bad file is moved aside. 0, or <0 with store->why. */
int store_db_open(struct store *store);
/* 0, STORE_E_ABSENT, or <0 with store->why. */
int store_db_open_reader(struct store *store);
void store_db_close(struct store *store);
/* For STORE_E_BAD: moves the file aside, tells, begins a new one. 0, or <0 with store->why; for a
 * visitor always -EUCLEAN. */
int store_db_replace(struct store *store);
/* Opens again what was closed, removed or exchanged. 0, or <0 with store->why. */
int store_db_ensure(struct store *store);

/* What SQLite's @rc means: 0, STORE_E_BAD, or <0; store->why says it for people. */
int store_db_result(struct store *store, int rc);
int store_db_bad(struct store *store, const char *why); /* STORE_E_BAD */

/* The statement, ready for binding. */
sqlite3_stmt *store_db_statement(struct store *store, enum store_statement which);

/* Tells that the store fails with @r < 0 (store->why) or, with 0, works again; once an episode. */
void store_tell(struct store *store, int r);

/* store.c: one transaction, tried once more with a new database when the old one is bad; told.
 * @write returns SQLite's codes. 0 or <0. */
int store_write(struct store *store, int (*write)(struct store *store, const void *what),
                const void *what);

/* Around every reading. begin: 0 or <0 told. end, after a failure @r: STORE_E_NONE (the database
 * was bad; a new one was begun) or <0 told. */
int store_read_begin(struct store *store);
int store_read_end(struct store *store, int r);
