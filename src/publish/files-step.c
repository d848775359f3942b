/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#include <errno.h>
#include <string.h>

#define FAULT_MAX 8192
#define TOLD_MOST 10 /* failures told one by one; a full disk fails for all places alike */

/* What makes the server take a withdrawal, for `clinch expire`. */
static void put_commands(struct buf *command, const struct file_target *target)
{
    if (target->runner_count == 1) {
        buf_put_text(command, runner_command(target->runners[0]));
        return;
    }
    for (size_t i = 0; i < target->runner_count; ++i) {
        buf_put_text(command, i ? " && (" : "(");
        buf_put_text(command, runner_command(target->runners[i]));
        buf_put_text(command, "\n)");
    }
}

void files_record(struct file_entry *entry, int64_t keep_until_s)
{
    struct store *store = entry->target->files->context->store;
    struct buf command = BUF_INIT(65536);
    struct buf leaf = BUF_INIT(2 * SHA256_SIZE + 1);
    struct store_published row = {
        .path = entry->real,
        .snippet = entry->snippet ? entry->snippet : "",
        .kind = entry->target->kind,
        .next_update_s = keep_until_s,
    };

    if (!store) {
        return;
    }
    put_commands(&command, entry->target);
    buf_put_hex(&leaf, slice_of(entry->leaf, SHA256_SIZE));
    row.command = buf_text(&command);
    memcpy(row.leaf_sha256, buf_text(&leaf), leaf.size);
    entry->recorded = store_put_published(store, &row) == 0; /* it tells its failures itself */
    buf_deinit(&command);
    buf_deinit(&leaf);
}

static void forget(struct file_entry *entry)
{
    struct store *store = entry->target->files->context->store;

    if (store && entry->recorded) {
        store_drop_published(store, entry->real);
    }
}

/* After the first failure the entry is quiet until it works again. */
static void step_fail(struct file_entry *entry, const struct buf *fault, struct instant now)
{
    struct files *files = entry->target->files;
    const struct log *log = files->context->log;
    int64_t wait_ms;

    files->failing += entry->failures == 0;
    ++entry->failures;
    wait_ms = target_backoff_ms(&files->context->rng, entry->failures, TARGET_BACKOFF_FIRST_MS,
                                TARGET_BACKOFF_MOST_MS);
    files_schedule(entry, time_add(now.mono_ms, wait_ms));
    if (entry->told) {
        return;
    }
    entry->told = true;
    ++files->told;
    if (files->told <= TOLD_MOST) {
        log_say(log, NOTE_ERROR, "%s; it is tried again", buf_text(fault));
    } else if (files->told == TOLD_MOST + 1) {
        log_say(log, NOTE_ERROR, "more files fail like that; they are not told one by one");
    }
}

static void step_well(struct file_entry *entry)
{
    struct files *files = entry->target->files;

    if (entry->failures > 0) {
        entry->failures = 0;
        --files->failing;
    }
    if (entry->told) {
        entry->told = false;
        log_say(files->context->log, files->told <= TOLD_MOST ? NOTE_INFO : NOTE_DEBUG,
                "%s: works again", entry->output);
    }
    if (files->failing == 0) {
        files->told = 0;
    }
}

/* Temporary files that a crash left, once for each folder. */
static void clean_folder(struct files *files, const char *path)
{
    struct buf dir = BUF_INIT(FAULT_MAX);
    char *key;

    disk_put_dir(&dir, path);
    if (!table_get(&files->cleaned, buf_text(&dir))) {
        disk_clean(buf_text(&dir));
        key = text_copy(slice_of_buf(&dir));
        if (!key || table_set(&files->cleaned, key, key)) {
            free(key);
        }
    }
    buf_deinit(&dir);
}

/* What was not there before is news for the server, whatever it has loaded once. */
static int write_file(struct file_entry *entry, const char *path, struct slice content,
                      struct buf *fault)
{
    const struct disk_file file = {
        .path = path,
        .content = content,
        .mode = entry->target->mode,
        .gid = entry->target->gid,
        .make_under = entry->target->files->context->state_dir,
    };
    bool there = disk_is_there(path);
    int r = disk_write(&file, fault);

    if (r == 0) {
        entry->dirty = true;
        entry->urgent |= !there;
    }
    return r == DISK_E_FAILED ? r : 0;
}

static int write_snippet(struct file_entry *entry, struct buf *fault)
{
    struct buf content = BUF_INIT(FAULT_MAX);
    int r;

    if (!entry->snippet) {
        return 0;
    }
    nginx_put_snippet(&content, entry->real);
    r = buf_status(&content);
    if (r) {
        buf_put_text(fault, "out of memory");
    } else {
        r = write_file(entry, entry->snippet, slice_of_buf(&content), fault);
    }
    buf_deinit(&content);
    return r;
}

/* The link may lead somewhere else by now. */
static int step_resolve(struct file_entry *entry, struct buf *fault)
{
    struct buf real = BUF_INIT(FAULT_MAX);
    int r = disk_resolve(entry->output, entry->target->files->context->state_dir, &real, fault);

    if (!r && !text_equal(buf_text(&real), entry->real)) {
        char *copy = text_copy(slice_of_buf(&real));

        if (copy) {
            forget(entry);
            entry->recorded = false;
            free(entry->real);
            entry->real = copy;
        }
    }
    buf_deinit(&real);
    return r;
}

static bool shown_is(const struct file_shown *shown, const struct wish *wish)
{
    return shown->keep_until_s == wish->keep_until_s &&
           memcmp(shown->leaf, wish->leaf, SHA256_SIZE) == 0;
}

void files_tell(struct file_entry *entry, enum handed_what what)
{
    const struct file_target *target = entry->target;
    const struct wish *shown = entry->shown;
    const struct handed handed = {
        .target = target->base.config,
        .what = what,
        .leaf_sha256 = shown ? shown->leaf : NULL,
        .name = shown ? shown->name : NULL,
        .path = entry->place ? entry->place : entry->output,
        .der = shown && what == HANDED_STAPLE ? wish_der(shown) : SLICE_NULL,
        .next_update_s = shown ? shown->next_update_s : 0,
        .told = target->runner_count > 0,
    };

    /* The .ocsp of HAProxy is for its next start. */
    if (shown && target->base.config->type != TARGET_HAPROXY) {
        publish_tell(target->files->context, &handed);
    }
    if (what != HANDED_STAPLE) {
        entry->shown = wish_unref(entry->shown);
    }
}

/* Keeps what was written, where somebody wants to see it; nobody asks for another certificate that
 * was there before. */
static void step_keep(struct file_entry *entry, struct wish *wish)
{
    if (!entry->target->base.config->verify_count) {
        return;
    }
    if (entry->shown && memcmp(entry->shown->leaf, wish->leaf, SHA256_SIZE) != 0) {
        files_tell(entry, HANDED_GONE);
    }
    wish_ref(wish);
    wish_unref(entry->shown);
    entry->shown = wish;
}

/* Where no server is told the row was put before the write. */
static void step_record_loaded(struct file_entry *entry)
{
    if (entry->target->runner_count > 0) {
        files_record(entry, entry->loaded.keep_until_s);
    }
}

/* All is on disk. Who must be told? */
static void step_account(struct file_entry *entry, struct instant now)
{
    struct wish *wish = entry->wish;
    bool noted = entry->listed && shown_is(&entry->written, wish) && !entry->dirty;
    bool urgent = entry->urgent || entry->loaded.until_s <= now.wall_s ||
                  memcmp(entry->loaded.leaf, wish->leaf, SHA256_SIZE) != 0;

    memcpy(entry->written.leaf, wish->leaf, SHA256_SIZE);
    entry->written.keep_until_s = wish->keep_until_s;
    entry->written.until_s = wish->serve.until_s;
    step_keep(entry, wish);
    if (shown_is(&entry->loaded, wish) && !entry->dirty) {
        entry->loaded = entry->written; /* the row of an earlier run knew its end only */
        files_tell(entry, HANDED_STAPLE);
    } else if (!noted) {
        files_note_change(entry, urgent, now);
        if (!entry->listed) { /* there is no server to tell */
            entry->loaded = entry->written;
            step_record_loaded(entry);
            files_tell(entry, HANDED_STAPLE);
        }
    }
    entry->dirty = false;
    entry->urgent = false;
    entry->known = false;
    entry->step = FILE_IDLE;
    entry->wish = wish_unref(entry->wish);
}

static void step_write(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    bool has_servers = entry->target->runner_count > 0;
    int r;

    if (file_target_is_command(entry->target)) {
        step_account(entry, now); /* its row is put when the command has been run */
        return;
    }
    clean_folder(entry->target->files, entry->real);
    r = step_resolve(entry, &fault);
    if (!r && (!entry->recorded || (!has_servers && !shown_is(&entry->loaded, entry->wish)))) {
        files_record(entry, has_servers ? 0 : entry->wish->keep_until_s);
    }
    if (!r) {
        r = write_file(entry, entry->real, wish_der(entry->wish), &fault);
    }
    if (!r) {
        r = write_snippet(entry, &fault);
    }
    if (r) {
        step_fail(entry, &fault, now);
    } else {
        step_well(entry);
        step_account(entry, now);
    }
    buf_deinit(&fault);
}

static int remove_output(const struct file_entry *entry, const char *path, struct buf *fault)
{
    return file_target_is_command(entry->target) ? DISK_E_ABSENT : disk_remove(path, fault);
}

/* First what the server reads: the snippet, or the DER where there is none. */
static void step_hide(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    int r = remove_output(entry, entry->snippet ? entry->snippet : entry->real, &fault);
    bool shown =
        r == 0 || entry->known || entry->dirty || entry->listed || entry->loaded.keep_until_s != 0;

    if (r == DISK_E_FAILED) {
        step_fail(entry, &fault, now);
        buf_deinit(&fault);
        return;
    }
    buf_deinit(&fault);
    step_well(entry);
    entry->step = FILE_LINGER;
    entry->change = 0;
    if (shown) {
        files_note_change(entry, !entry->quiet, now);
    }
    entry->loaded = (struct file_shown){0}; /* if it comes back, servers must be told again */
    if (entry->quiet || !entry->change) {
        files_tell(entry, entry->quiet ? HANDED_GONE : HANDED_NOTHING);
    }
    if (entry->quiet || !entry->change) {
        files_schedule(entry,
                       entry->snippet ? time_add(now.mono_ms, FILES_LINGER_MS) : now.mono_ms);
    }
}

/* Nobody reads the DER any more. Frees @entry. */
static void step_finish(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);

    if (remove_output(entry, entry->real, &fault) == DISK_E_FAILED) {
        step_fail(entry, &fault, now);
    } else {
        step_well(entry);
        forget(entry);
        files_free_entry(entry);
    }
    buf_deinit(&fault);
}

void files_work(struct file_entry *entry, struct instant now)
{
    switch (entry->step) {
    case FILE_IDLE:
        break;
    case FILE_WRITE:
        step_write(entry, now);
        break;
    case FILE_HIDE:
        step_hide(entry, now);
        break;
    case FILE_LINGER:
        step_finish(entry, now);
        break;
    case FILE_ORPHAN:
        files_hide(entry, false);
        break;
    }
}

void files_taken(struct file_entry *entry)
{
    entry->change = 0;
    if (entry->step == FILE_LINGER) {
        files_tell(entry, HANDED_NOTHING);
        files_schedule(entry, 0);
        return;
    }
    entry->loaded = entry->written;
    files_tell(entry, HANDED_STAPLE);
    if (entry->step == FILE_IDLE) {
        step_record_loaded(entry);
    }
}
