/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#include <errno.h>
#include <string.h>

/* ---- rows of the store: one commit for all that come together ---- */

static int grow_records(struct files *files)
{
    size_t capacity = files->record_capacity ? files->record_capacity * 2 : 64;
    struct file_record *records;
    struct store_published *published;

    if (files->record_count < files->record_capacity) {
        return 0;
    }
    records = realloc(files->records, capacity * sizeof(*records));
    if (!records) {
        return -ENOMEM;
    }
    files->records = records;
    published = realloc(files->published, capacity * sizeof(*published));
    if (!published) {
        return -ENOMEM;
    }
    files->published = published;
    files->record_capacity = capacity;
    return 0;
}

static void record_clear(struct file_record *record)
{
    free(record->path);
    free(record->snippet);
    free(record->command);
    *record = (struct file_record){0};
}

/* @row with its texts copied; they are the entry's, which may go before the flush. */
static void add_record(struct file_entry *entry, const struct store_published *row)
{
    struct files *files = entry->target->files;
    struct file_record record = {
        .path = text_copy(slice_of_text(row->path)),
        .snippet = text_copy(slice_of_text(row->snippet ? row->snippet : "")),
        .command = text_copy(slice_of_text(row->command ? row->command : "")),
        .id = entry->id,
    };
    struct store_published *copy;

    if (!record.path || !record.snippet || !record.command || grow_records(files)) {
        record_clear(&record);
        entry->recorded = false;
        log_say(files->context->log, NOTE_ERROR,
                "out of memory: what %s shows is not remembered over a restart", row->path);
        return;
    }
    files->records[files->record_count] = record;
    copy = &files->published[files->record_count++];
    *copy = *row;
    copy->path = record.path;
    copy->snippet = record.snippet;
    copy->command = record.command;
    entry->recorded = true;
}

void files_record(struct file_entry *entry, int64_t keep_until_s, uint64_t der_hash)
{
    struct buf command = BUF_INIT(65536);
    struct buf leaf = BUF_INIT(2 * SHA256_SIZE + 1);
    struct store_published row = {
        .path = entry->real,
        .snippet = entry->snippet,
        .kind = entry->target->kind->name,
        .next_update_s = keep_until_s,
        .der_hash = der_hash,
    };

    if (!entry->target->files->context->store) {
        return;
    }
    files_put_commands(&command, entry->target);
    buf_put_hex(&leaf, slice_of(entry->leaf, SHA256_SIZE));
    row.command = buf_text(&command);
    memcpy(row.leaf_sha256, buf_text(&leaf), leaf.size);
    add_record(entry, &row);
    buf_deinit(&command);
    buf_deinit(&leaf);
}

void files_forget(struct file_entry *entry)
{
    const struct store_published row = {.path = entry->real};

    if (entry->target->files->context->store && entry->recorded) {
        add_record(entry, &row);
        entry->recorded = false;
    }
}

/* The row is not there: it is put with the next change. */
static void tell_unrecorded(struct files *files, const struct file_record *record)
{
    struct file_entry *entry = record->id < files->entry_count ? files->entries[record->id] : NULL;

    if (entry && text_equal(entry->real, record->path)) {
        entry->recorded = false;
    }
}

/* The store tells its failures itself; they hold nothing up. */
void files_flush_records(struct files *files)
{
    struct store *store = files->context->store;
    int r = 0;

    if (files->record_count > 0 && store) {
        r = store_commit_published(store, files->published, files->record_count);
    }
    for (size_t i = 0; i < files->record_count; ++i) {
        if (r && files->published[i].kind) {
            tell_unrecorded(files, &files->records[i]);
        }
        record_clear(&files->records[i]);
    }
    files->record_count = 0;
}

/* ---- the disk: one barrier for all that come together ---- */

#define READY UINT64_MAX /* of those who need none: they wait for the rows alone */

int files_await(struct file_entry *entry, bool needed)
{
    struct files *files = entry->target->files;
    struct file_ids *awaiting = needed ? &files->awaiting : &files->ready;

    if (awaiting->count == awaiting->capacity) {
        uint32_t capacity = awaiting->capacity ? awaiting->capacity * 2 : 64;
        uint32_t *ids = realloc(awaiting->ids, capacity * sizeof(*ids));

        if (!ids) {
            return -ENOMEM;
        }
        awaiting->ids = ids;
        awaiting->capacity = capacity;
    }
    awaiting->ids[awaiting->count++] = entry->id;
    entry->awaits = needed ? files->barrier_number : READY;
    entry->await_error = 0;
    return 0;
}

static struct file_ids take(struct file_ids *ids)
{
    struct file_ids taken = *ids;

    *ids = (struct file_ids){0};
    return taken;
}

/* The entry of @id, if it still waits for that. */
static struct file_entry *find_waiting(const struct files *files, uint32_t id, uint64_t number)
{
    struct file_entry *entry = files->entries[id];

    return entry && entry->awaits == number ? entry : NULL;
}

static int error_of(const struct files *files, const struct file_entry *entry)
{
    const char *paths[] = {entry->der_temp.path, entry->snippet_temp.path, entry->real};
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(paths) && !error; ++i) {
        error = paths[i] ? barrier_error(files->barrier, paths[i]) : 0;
    }
    return error;
}

void files_on_barrier(void *context)
{
    struct files *files = context;

    for (uint32_t i = 0; i < files->passing.count; ++i) {
        struct file_entry *entry =
            find_waiting(files, files->passing.ids[i], files->barrier_number - 1);

        if (entry) {
            entry->await_error = error_of(files, entry);
        }
    }
    files->barrier_ended = true;
    files->context->wake(files->context);
}

/* Those of @ids that waited for @number go on; they may wait again, for something else. */
static void pass(struct files *files, struct file_ids ids, uint64_t number, struct instant now)
{
    for (uint32_t i = 0; i < ids.count; ++i) {
        struct file_entry *entry = find_waiting(files, ids.ids[i], number);

        if (entry) {
            entry->awaits = 0;
            files_passed(entry, now);
        }
    }
    free(ids.ids);
}

/* Begins a run of the barrier for those who wait for one. */
static void begin(struct files *files)
{
    if (barrier_is_running(files->barrier)) {
        return;
    }
    if (files->passing.count == 0 && files->awaiting.count > 0) {
        files->passing = take(&files->awaiting);
        ++files->barrier_number;
    }
    barrier_start(files->barrier);
}

void files_flush(struct files *files, struct instant now)
{
    do {
        files_flush_records(files);
        pass(files, take(&files->ready), READY, now);
        if (files->barrier_ended) {
            files->barrier_ended = false;
            pass(files, take(&files->passing), files->barrier_number - 1, now);
        }
        files_flush_records(files);
        begin(files);
    } while (files->barrier_ended || files->ready.count > 0);
}
