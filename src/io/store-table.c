/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "io/store-fields.h"
#include "io/store-private.h"

static struct slice leaf_slice(const uint8_t leaf_sha256[SHA256_SIZE])
{
    return slice_of(leaf_sha256, SHA256_SIZE);
}

static int row_is_bad(struct store *store)
{
    return store_db_bad(store, "a checksum is wrong");
}

/* Memory of somebody else as a buf that never grows: @size with room for the NUL. */
static struct buf buf_over(char *memory, size_t size)
{
    memory[0] = 0;
    return (struct buf){(uint8_t *)memory, 0, size, size - 1, 0};
}

void store_record_deinit(struct store_record *record)
{
    buf_deinit(&record->held);
    buf_deinit(&record->pending);
    record->tombstone = (struct tombstone){0};
    record->next_try_s = INSTANT_NEVER;
}

static void record_clear(struct store_record *record)
{
    buf_clear(&record->held);
    buf_clear(&record->pending);
    record->tombstone = (struct tombstone){0};
    record->next_try_s = INSTANT_NEVER;
}

static int put_answer(struct store *store, const struct store_change *change)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_PUT_ANSWER));

    fields_bind_blob(&fields, leaf_slice(change->leaf_sha256));
    /* Not in the sum: the index has it a second time. */
    fields_bind_bare(&fields, change->slot);
    fields_bind_blob(&fields, change->der);
    fields_bind_text(&fields, change->url);
    fields_bind_sum(&fields);
    return fields_step(&fields);
}

static int take_answer(struct store *store, const uint8_t *leaf_sha256, struct store_record *record)
{
    struct fields fields = FIELDS_INIT(store->statements[SQL_ANSWERS]);
    int64_t slot = sqlite3_column_int64(fields.statement, 1);
    struct buf *to = slot == STORE_SLOT_HELD ? &record->held : &record->pending;
    struct slice leaf = fields_take_blob(&fields), der;

    fields.at++; /* the slot */
    der = fields_take_blob(&fields);
    fields_take_text(&fields);
    if (!fields_take_sum(&fields) || !slice_equal(leaf, leaf_slice(leaf_sha256)) ||
        (slot != STORE_SLOT_HELD && slot != STORE_SLOT_PENDING)) {
        return row_is_bad(store);
    }
    buf_clear(to);
    buf_put_slice(to, der);
    return buf_status(to) == BUF_E_FULL ? -EFBIG : buf_status(to);
}

static int read_answers(struct store *store, const uint8_t *leaf_sha256,
                        struct store_record *record)
{
    sqlite3_stmt *statement = store_db_statement(store, SQL_ANSWERS);
    int rc, r = 0;

    rc = sqlite3_bind_blob(statement, 1, leaf_sha256, SHA256_SIZE, SQLITE_STATIC);
    while (!rc && !r && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        r = take_answer(store, leaf_sha256, record);
    }
    r = r ? r : store_db_result(store, rc);
    sqlite3_reset(statement);
    return r;
}

static int put_tombstone(struct store *store, const struct store_change *change)
{
    const struct tombstone *tombstone = &change->tombstone;
    struct fields fields = FIELDS_INIT(
        store_db_statement(store, tombstone->present ? SQL_PUT_TOMBSTONE : SQL_DROP_TOMBSTONE));

    fields_bind_blob(&fields, leaf_slice(change->leaf_sha256));
    if (tombstone->present) {
        fields_bind_number(&fields, tombstone->this_update_s);
        fields_bind_number(&fields, tombstone->revoked_at_s);
        fields_bind_number(&fields, tombstone->reason);
        fields_bind_sum(&fields);
    }
    return fields_step(&fields);
}

static int read_tombstone(struct store *store, const uint8_t *leaf_sha256,
                          struct tombstone *tombstone)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_TOMBSTONE));
    int rc, r = 0;

    rc = sqlite3_bind_blob(fields.statement, 1, leaf_sha256, SHA256_SIZE, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(fields.statement);
    if (rc == SQLITE_ROW) {
        bool same = slice_equal(fields_take_blob(&fields), leaf_slice(leaf_sha256));

        tombstone->this_update_s = fields_take_number(&fields);
        tombstone->revoked_at_s = fields_take_number(&fields);
        tombstone->reason = (int8_t)fields_take_number(&fields);
        tombstone->present = same && fields_take_sum(&fields);
        r = tombstone->present ? 0 : row_is_bad(store);
    }
    r = r ? r : store_db_result(store, rc);
    sqlite3_reset(fields.statement);
    return r;
}

static enum cert_state state_of_name(const char *name)
{
    for (int state = 0; state < CERT_STATES; state++) {
        if (text_equal(cert_state_name((enum cert_state)state), name)) {
            return (enum cert_state)state;
        }
    }
    return CERT_STATE_MISSING; /* of another version */
}

static bool take_row(sqlite3_stmt *statement, struct cert_row *row)
{
    struct fields fields = FIELDS_INIT(statement);
    struct buf leaf = buf_over(row->leaf_sha256, sizeof(row->leaf_sha256));
    struct buf serial = buf_over(row->serial, sizeof(row->serial));

    buf_put_hex(&leaf, fields_take_blob(&fields));
    buf_put_text(&serial, fields_take_text(&fields));
    row->name = fields_take_text(&fields);
    row->path = fields_take_text(&fields);
    row->last = fields_take_text(&fields);
    row->state = state_of_name(fields_take_text(&fields));
    row->must_staple = fields_take_number(&fields) != 0;
    row->serve.from_s = fields_take_number(&fields);
    row->serve.until_s = fields_take_number(&fields);
    row->next_update_s = fields_take_number(&fields);
    row->next_try_s = fields_take_number(&fields);
    return fields_take_sum(&fields) && !buf_status(&leaf) && !buf_status(&serial);
}

/* What the row of the leaf, if there is one, says of the next try. */
static int read_next_try(struct store *store, const uint8_t *leaf_sha256, int64_t *ret_next_try_s)
{
    sqlite3_stmt *statement = store_db_statement(store, SQL_ROW);
    struct cert_row row;
    int rc, r = 0;

    rc = sqlite3_bind_blob(statement, 1, leaf_sha256, SHA256_SIZE, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(statement);
    if (rc == SQLITE_ROW && take_row(statement, &row)) {
        *ret_next_try_s = row.next_try_s;
    } else if (rc == SQLITE_ROW) {
        r = row_is_bad(store);
    }
    r = r ? r : store_db_result(store, rc);
    sqlite3_reset(statement);
    return r;
}

int store_read(struct store *store, const uint8_t leaf_sha256[SHA256_SIZE],
               struct store_record *ret_record)
{
    int r;

    ret_record->held.max = ret_record->held.max ? ret_record->held.max : LIMIT_ANSWER_SIZE;
    ret_record->pending.max = ret_record->pending.max ? ret_record->pending.max : LIMIT_ANSWER_SIZE;
    record_clear(ret_record);
    r = store_read_begin(store);
    if (r) {
        return error_trace(r);
    }
    r = read_answers(store, leaf_sha256, ret_record);
    r = r ? r : read_tombstone(store, leaf_sha256, &ret_record->tombstone);
    r = r ? r : read_next_try(store, leaf_sha256, &ret_record->next_try_s);
    if (r) {
        record_clear(ret_record);
        r = store_read_end(store, r);
        return r == STORE_E_NONE ? r : error_trace(r);
    }
    return ret_record->held.size || ret_record->pending.size || ret_record->tombstone.present
               ? 0
               : STORE_E_NONE;
}

static int put_issuer(struct store *store, const struct store_change *change)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_PUT_ISSUER));

    fields_bind_text(&fields, change->url);
    fields_bind_blob(&fields, change->der);
    fields_bind_sum(&fields);
    return fields_step(&fields);
}

static int read_issuer(struct store *store, const char *url, struct buf *ret_der)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_ISSUER));
    int rc, r = 0;

    rc = sqlite3_bind_text(fields.statement, 1, url, -1, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(fields.statement);
    if (rc == SQLITE_ROW) {
        bool same = text_equal(fields_take_text(&fields), url);
        struct slice der = fields_take_blob(&fields);

        if (same && fields_take_sum(&fields)) {
            buf_put_slice(ret_der, der);
            r = buf_status(ret_der) == BUF_E_FULL ? -EFBIG : buf_status(ret_der);
        } else {
            r = row_is_bad(store);
        }
    } else if (rc == SQLITE_DONE) {
        r = STORE_E_NONE;
    }
    r = r ? r : store_db_result(store, rc);
    sqlite3_reset(fields.statement);
    return r;
}

int store_read_issuer(struct store *store, const char *url, struct buf *ret_der)
{
    int r;

    ret_der->max = ret_der->max ? ret_der->max : LIMIT_ISSUER_SIZE;
    buf_clear(ret_der);
    r = store_read_begin(store);
    if (r) {
        return error_trace(r);
    }
    r = read_issuer(store, url, ret_der);
    if (r && r != STORE_E_NONE) {
        r = store_read_end(store, r);
    }
    return r == 0 || r == STORE_E_NONE ? r : error_trace(r);
}

static int put_row(struct store *store, const struct store_change *change)
{
    const struct cert_row *row = change->row;
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_PUT_ROW));

    fields_bind_blob(&fields, leaf_slice(change->leaf_sha256));
    fields_bind_text(&fields, row->serial);
    fields_bind_text(&fields, row->name);
    fields_bind_text(&fields, row->path);
    fields_bind_text(&fields, row->last);
    fields_bind_text(&fields, cert_state_name(row->state)); /* for people with sqlite3, too */
    fields_bind_number(&fields, row->must_staple);
    fields_bind_number(&fields, row->serve.from_s);
    fields_bind_number(&fields, row->serve.until_s);
    fields_bind_number(&fields, row->next_update_s);
    fields_bind_number(&fields, row->next_try_s);
    fields_bind_sum(&fields);
    return fields_step(&fields);
}

/* Ends a walk over rows. What was given out stays given out, so that a bad file is an error even
 * when a new one was begun. */
static int walk_end(struct store *store, sqlite3_stmt *statement, int rc, int r)
{
    r = r ? r : store_db_result(store, rc);
    sqlite3_reset(statement);
    if (r) {
        r = store_read_end(store, r);
        return r == STORE_E_NONE ? -EUCLEAN : error_trace(r);
    }
    return 0;
}

int store_rows(struct store *store, void (*each)(void *context, const struct cert_row *row),
               void *context)
{
    sqlite3_stmt *statement;
    int rc = 0, r;

    r = store_read_begin(store);
    if (r) {
        return error_trace(r);
    }
    statement = store_db_statement(store, SQL_ROWS);
    while (!r && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct cert_row row;

        if (take_row(statement, &row)) {
            each(context, &row);
        } else {
            r = row_is_bad(store);
        }
    }
    return walk_end(store, statement, rc, r);
}

static int forget(struct store *store, const struct store_change *change)
{
    static const enum store_statement drops[] = {SQL_DROP_ANSWERS, SQL_DROP_TOMBSTONE,
                                                 SQL_DROP_ROW};
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(drops) && !r; i++) {
        struct fields fields = FIELDS_INIT(store_db_statement(store, drops[i]));

        fields_bind_blob(&fields, leaf_slice(change->leaf_sha256));
        r = fields_step(&fields);
    }
    return r;
}

static int write_change(struct store *store, const struct store_change *change)
{
    struct fields fields;

    switch (change->type) {
    case STORE_PUT_ANSWER:
        return put_answer(store, change);
    case STORE_DROP_ANSWER:
        fields = FIELDS_INIT(store_db_statement(store, SQL_DROP_ANSWER));
        fields_bind_blob(&fields, leaf_slice(change->leaf_sha256));
        fields_bind_bare(&fields, change->slot);
        return fields_step(&fields);
    case STORE_FORGET:
        return forget(store, change);
    case STORE_TOMBSTONE:
        return put_tombstone(store, change);
    case STORE_PUT_ISSUER:
        return put_issuer(store, change);
    case STORE_PUT_ROW:
        break;
    }
    return SQLITE_OK;
}

struct batch {
    const struct store_change *changes;
    size_t count;
};

static int write_batch(struct store *store, const void *what)
{
    const struct batch *batch = what;
    int rc = SQLITE_OK;

    for (size_t i = 0; !rc && i < batch->count; i++) {
        rc = write_change(store, &batch->changes[i]);
        if (!rc && batch->changes[i].row) {
            rc = put_row(store, &batch->changes[i]);
        }
    }
    return rc;
}

int store_commit(struct store *store, const struct store_change *changes, size_t count)
{
    struct batch batch = {changes, count};
    int r;

    if (count == 0) {
        return 0;
    }
    r = store_write(store, write_batch, &batch);
    return r ? error_trace(r) : 0;
}

static int put_published(struct store *store, const struct store_published *published)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_PUT_PUBLISHED));

    fields_bind_text(&fields, published->path);
    fields_bind_text(&fields, published->snippet);
    fields_bind_text(&fields, published->command);
    fields_bind_text(&fields, published->kind);
    fields_bind_text(&fields, published->leaf_sha256);
    fields_bind_number(&fields, published->next_update_s);
    fields_bind_sum(&fields);
    fields_bind_bare(&fields, (int64_t)published->der_hash);
    return fields_step(&fields);
}

static int drop_published(struct store *store, const char *path)
{
    struct fields fields = FIELDS_INIT(store_db_statement(store, SQL_DROP_PUBLISHED));

    fields_bind_text(&fields, path);
    return fields_step(&fields);
}

struct published_batch {
    const struct store_published *published;
    size_t count;
};

static int write_published(struct store *store, const void *what)
{
    const struct published_batch *batch = what;
    int rc = SQLITE_OK;

    for (size_t i = 0; !rc && i < batch->count; i++) {
        const struct store_published *one = &batch->published[i];

        rc = one->kind ? put_published(store, one) : drop_published(store, one->path);
    }
    return rc;
}

int store_commit_published(struct store *store, const struct store_published *published,
                           size_t count)
{
    const struct published_batch batch = {published, count};
    int r = count ? store_write(store, write_published, &batch) : 0;

    return r ? error_trace(r) : 0;
}

int store_put_published(struct store *store, const struct store_published *published)
{
    return store_commit_published(store, published, 1);
}

int store_drop_published(struct store *store, const char *path)
{
    const struct store_published gone = {.path = path};

    return store_commit_published(store, &gone, 1);
}

static bool take_published(sqlite3_stmt *statement, struct store_published *published)
{
    struct fields fields = FIELDS_INIT(statement);
    struct buf leaf = buf_over(published->leaf_sha256, sizeof(published->leaf_sha256));
    bool right;

    published->path = fields_take_text(&fields);
    published->snippet = fields_take_text(&fields);
    published->command = fields_take_text(&fields);
    published->kind = fields_take_text(&fields);
    buf_put_text(&leaf, fields_take_text(&fields));
    published->next_update_s = fields_take_number(&fields);
    right = fields_take_sum(&fields) && !buf_status(&leaf);
    published->der_hash = (uint64_t)fields_take_number(&fields);
    return right;
}

int store_published(struct store *store,
                    void (*each)(void *context, const struct store_published *published),
                    void *context)
{
    sqlite3_stmt *statement;
    int rc = 0, r;

    r = store_read_begin(store);
    if (r) {
        return error_trace(r);
    }
    statement = store_db_statement(store, SQL_PUBLISHED);
    while (!r && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_published published;

        if (take_published(statement, &published)) {
            each(context, &published);
        } else {
            r = row_is_bad(store);
        }
    }
    return walk_end(store, statement, rc, r);
}
