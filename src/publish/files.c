/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"

static bool hex_digit(char c, uint8_t *ret_value)
{
    if (c >= '0' && c <= '9') {
        *ret_value = (uint8_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
        *ret_value = (uint8_t)(c - 'a' + 10);
    } else {
        return false;
    }
    return true;
}

static void read_leaf(const char *hex, uint8_t ret_leaf[SHA256_SIZE])
{
    for (unsigned i = 0; i < SHA256_SIZE; ++i) {
        uint8_t high;
        uint8_t low;

        if (!hex_digit(hex[2 * i], &high) || !hex_digit(hex[2 * i + 1], &low)) {
            memset(ret_leaf, 0, SHA256_SIZE);
            return;
        }
        ret_leaf[i] = (uint8_t)(high << 4 | low);
    }
}

static struct file_row *row_free(struct file_row *row)
{
    free(row->path);
    free(row->snippet);
    free(row->command);
    free(row->kind);
    free(row);
    return NULL;
}

static int row_add(struct files *files, const struct store_published *published)
{
    struct file_row *row = calloc(1, sizeof(*row));
    int r = -ENOMEM;

    if (!row) {
        return -ENOMEM;
    }
    row->path = text_copy(slice_of_text(published->path));
    row->snippet = text_copy(slice_of_text(published->snippet));
    row->command = text_copy(slice_of_text(published->command));
    row->kind = text_copy(slice_of_text(published->kind));
    row->shown.keep_until_s = published->next_update_s;
    row->shown.until_s = published->next_update_s;
    row->shown.der_hash = published->der_hash;
    read_leaf(published->leaf_sha256, row->shown.leaf);
    if (row->path && row->snippet && row->command && row->kind) {
        r = table_set(&files->rows, row->path, row);
    }
    if (r) {
        row_free(row);
    }
    return r;
}

static void on_row(void *data, const struct store_published *published)
{
    struct files *files = data;

    if (row_add(files, published)) {
        log_say(files->context->log, NOTE_ERROR, "out of memory while reading what is published");
    }
}

int64_t files_end_s(int64_t next_update_s, int64_t keep_until_s)
{
    bool grace =
        keep_until_s > next_update_s && time_sub(keep_until_s, next_update_s) <= FILES_GRACE_MAX_S;

    return grace ? keep_until_s : next_update_s;
}

bool files_row_is_of(const char *command, uint64_t row_hash, struct slice content)
{
    return *command || row_hash == map_hash(content);
}

int files_new(struct files **ret_files, struct publish_context *context)
{
    struct files *files = calloc(1, sizeof(*files));
    uint64_t seed = rng_next(&context->rng);

    if (!files) {
        return -ENOMEM;
    }
    files->context = context;
    files->due = HEAP_NULL;
    files->outputs = TABLE_INIT(seed);
    files->rows = TABLE_INIT(seed);
    files->cleaned = TABLE_INIT(seed);
    files->barrier_number = 1;
    files->watch_ms = INSTANT_NEVER;
    if (barrier_new(&files->barrier, context->loop, files_on_barrier, files)) {
        free(files);
        return -ENOMEM;
    }
    if (context->store) {
        store_published(context->store, on_row, files); /* tells itself when it cannot */
    }
    *ret_files = files;
    return 0;
}

struct files *files_free(struct files *files)
{
    size_t cursor = 0;
    void *value;

    if (!files) {
        return NULL;
    }
    while ((value = table_next(&files->outputs, &cursor))) {
        files_free_entry(value);
    }
    cursor = 0;
    while ((value = table_next(&files->rows, &cursor))) {
        row_free(value);
    }
    cursor = 0;
    while ((value = table_next(&files->cleaned, &cursor))) {
        free(value);
    }
    table_deinit(&files->outputs);
    table_deinit(&files->rows);
    table_deinit(&files->cleaned);
    heap_deinit(&files->due);
    barrier_free(files->barrier); /* behind the entries, which leave what they have staged there */
    files_flush_records(files);
    free(files->awaiting.ids);
    free(files->passing.ids);
    free(files->ready.ids);
    free(files->records);
    free(files->published);
    free(files->entries);
    free(files->free_ids);
    free(files);
    return NULL;
}

/* A number for a new entry, and a place for it under that number. */
static int take_id(struct files *files, uint32_t *ret_id)
{
    uint32_t capacity = files->entry_capacity ? files->entry_capacity * 2 : 64;
    struct file_entry **entries;
    uint32_t *free_ids;

    if (files->free_count > 0) {
        *ret_id = files->free_ids[--files->free_count];
        return 0;
    }
    if (files->entry_count == files->entry_capacity) {
        entries = realloc(files->entries, capacity * sizeof(*entries));
        if (!entries) {
            return -ENOMEM;
        }
        files->entries = entries;
        free_ids = realloc(files->free_ids, capacity * sizeof(*free_ids));
        if (!free_ids) {
            return -ENOMEM;
        }
        files->free_ids = free_ids;
        files->entry_capacity = capacity;
    }
    *ret_id = files->entry_count++;
    return 0;
}

void files_free_entry(struct file_entry *entry)
{
    struct files *files = entry->target->files;

    files_unstage(entry);
    files_unlist(entry);
    heap_remove(&files->due, entry->id);
    table_remove(&files->outputs, entry->output);
    files->entries[entry->id] = NULL;
    files->free_ids[files->free_count++] = entry->id;
    files->failing -= entry->failures > 0;
    files->orphans -= entry->step == FILE_ORPHAN;
    wish_unref(entry->wish);
    wish_unref(entry->kept);
    wish_unref(entry->shown);
    free(entry->output);
    free(entry->real);
    free(entry->snippet);
    free(entry->place);
    free(entry->fault);
    free(entry);
}

/* The configuration may be another one since @row was put. */
static bool row_is_right(const struct file_entry *entry, const struct file_row *row)
{
    struct buf command = BUF_INIT(65536);
    bool right;

    files_put_commands(&command, entry->target);
    right = text_equal(row->command, buf_text(&command)) &&
            text_equal(row->kind, entry->target->kind->name) &&
            text_equal(row->snippet, entry->snippet ? entry->snippet : "");
    buf_deinit(&command);
    return right;
}

/* What an earlier run left at @path is this entry's from now on. `clinch expire` is to run the
 * command that is configured by now; left-overs have none of their own. */
static void claim_row(struct file_entry *entry, struct file_row *row)
{
    table_remove(&entry->target->files->rows, row->path);
    entry->loaded = row->shown;
    entry->known = true;
    entry->recorded = true;
    if (entry->target->template && !row_is_right(entry, row)) {
        memcpy(entry->leaf, row->shown.leaf, SHA256_SIZE);
        files_record(entry, row->shown.keep_until_s, row->shown.der_hash);
    }
    row_free(row);
}

static int resolve(struct file_entry *entry)
{
    struct publish_context *context = entry->target->files->context;
    struct buf real = BUF_INIT(8192);
    struct buf fault = BUF_INIT(8192);
    int r = 1;

    if (!file_target_is_command(entry->target)) {
        r = disk_resolve(entry->output, context->state_dir, &real, &fault);
    }
    /* A link that leads astray is told when it comes to writing. */
    entry->real = text_copy(r ? slice_of_text(entry->output) : slice_of_buf(&real));
    buf_deinit(&real);
    buf_deinit(&fault);
    return entry->real ? 0 : -ENOMEM;
}

int files_open_entry(struct file_target *target, const char *output, const char *snippet,
                     struct file_entry **ret_entry)
{
    struct files *files = target->files;
    struct file_entry *entry = table_get(&files->outputs, output);
    struct file_row *row;
    int r;

    if (entry) {
        *ret_entry = entry;
        return 0;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry) {
        return -ENOMEM;
    }
    entry->target = target;
    entry->output = text_copy(slice_of_text(output));
    entry->snippet = snippet ? text_copy(slice_of_text(snippet)) : NULL;
    if (!entry->output || (snippet && !entry->snippet) || resolve(entry) ||
        take_id(files, &entry->id)) {
        r = -ENOMEM;
    } else {
        files->entries[entry->id] = entry;
        r = table_set(&files->outputs, entry->output, entry);
        if (r) {
            files->free_ids[files->free_count++] = entry->id;
        }
    }
    if (r) {
        free(entry->output);
        free(entry->real);
        free(entry->snippet);
        free(entry);
        return r;
    }
    row = table_get(&files->rows, entry->real);
    if (row) {
        claim_row(entry, row);
    }
    *ret_entry = entry;
    return 0;
}

void files_schedule(struct file_entry *entry, int64_t mono_ms)
{
    struct files *files = entry->target->files;

    if (heap_set(&files->due, entry->id, mono_ms)) {
        log_say(files->context->log, NOTE_ERROR, "out of memory: %s is not brought up to date",
                entry->output);
    }
    files->context->wake(files->context);
}

void files_hide(struct file_entry *entry, bool quiet)
{
    struct files *files = entry->target->files;

    files_unstage(entry);
    entry->wish = wish_unref(entry->wish);
    entry->kept = wish_unref(entry->kept);
    files->orphans -= entry->step == FILE_ORPHAN;
    entry->step = FILE_HIDE;
    entry->quiet = quiet;
    files_schedule(entry, 0);
}

int64_t files_tick(struct files *files, struct instant now)
{
    uint32_t id;

    if (files->runs_seen != files->context->runs) {
        uint64_t runs = files->context->runs;

        files_watch_soon(files, now);
        if (files_take_changes(files, FILES_PER_TURN) == FILES_PER_TURN) {
            files_flush_records(files);
            return now.mono_ms; /* there may be more */
        }
        files->runs_seen = runs;
    }
    for (unsigned i = 0; i < FILES_PER_TURN; ++i) {
        if (heap_first(&files->due, &id) > now.mono_ms) {
            break;
        }
        heap_remove(&files->due, id);
        files_work(files->entries[id], now);
    }
    files_watch(files, now);
    files_flush(files, now);
    return time_min(heap_first(&files->due, NULL), files->watch_ms);
}

bool files_busy(const struct files *files)
{
    return files->due.count > (size_t)files->failing + files->orphans ||
           files->runs_seen != files->context->runs || files->awaiting.count > 0 ||
           files->passing.count > 0 || files->again_due;
}

bool files_writing(const struct files *files, struct instant now)
{
    return heap_first(&files->due, NULL) <= now.mono_ms || files->awaiting.count > 0 ||
           files->passing.count > 0;
}

void files_each_trouble(const struct files *files,
                        void (*found)(void *context, const struct publish_trouble *trouble),
                        void *context)
{
    for (uint32_t i = 0; i < files->entry_count; ++i) {
        const struct file_entry *entry = files->entries[i];
        const struct publish_trouble trouble = {
            .kind = TROUBLE_FILE,
            .where = entry ? entry->output : NULL,
            .fault = entry ? entry->fault : NULL,
        };

        if (entry && entry->failures > 0) {
            found(context, &trouble);
        }
    }
}

bool files_failing(const struct files *files)
{
    return files->failing > 0;
}

bool files_conflicting(const struct files *files)
{
    return files->waiting != NULL;
}
