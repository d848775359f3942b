/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#include <errno.h>
#include <string.h>

#define FAULT_MAX   8192
#define TOLD_MOST   10        /* failures told one by one; a full disk fails for all places alike */
#define STAMP_MAX_S INT32_MAX /* some file systems know no later time */

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
    if (entry->fault || files->told < TOLD_MOST) {
        target_keep_fault(&entry->fault, buf_text(fault));
    }
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
    free(entry->fault);
    entry->fault = NULL;
    if (entry->told) {
        entry->told = false;
        log_say(files->context->log, files->told <= TOLD_MOST ? NOTE_INFO : NOTE_DEBUG,
                "%s: works again", entry->output);
    }
    if (files->failing == 0) {
        files->told = 0;
    }
}

/* Temporary files that a crash left go, once for each folder; and it is seen that no key lies
 * there. Who says {dir} has said that it may be the folder of the key. */
static int enter_folder(struct file_entry *entry, struct buf *fault)
{
    struct files *files = entry->target->files;
    const char *template = entry->target->template;
    struct buf dir = BUF_INIT(FAULT_MAX);
    struct buf name = BUF_INIT(FAULT_MAX);
    int r = 0;

    disk_put_dir(&dir, entry->real);
    if (table_get(&files->cleaned, buf_text(&dir))) {
        buf_deinit(&dir);
        return 0;
    }
    if (template && (entry->target->folder || !text_starts_with(template, "{dir}")) &&
        disk_has_keys(buf_text(&dir), &name)) {
        buf_clear(fault);
        buf_put_text(fault, "not written: ");
        buf_put_printable(fault, slice_of_text(entry->real), FAULT_MAX);
        buf_put_text(fault, ": a private key lies in that folder (");
        buf_put_slice(fault, slice_of_buf(&name));
        buf_put_text(fault, "), and clinch writes to none such unless the template begins with "
                            "{dir}; name a folder for staples alone");
        r = DISK_E_FAILED;
    } else {
        char *key = text_copy(slice_of_buf(&dir));

        disk_clean(buf_text(&dir));
        if (!key || table_set(&files->cleaned, key, key)) {
            free(key);
        }
    }
    buf_deinit(&dir);
    buf_deinit(&name);
    return r;
}

static int64_t stamp_of(const struct file_entry *entry)
{
    const struct file_kind *kind = entry->target->kind;
    const struct wish *wish = entry->wish;
    bool grace = wish->keep_until_s > wish->next_update_s;
    int64_t until_s = grace ? wish->keep_until_s : wish->serve.until_s;

    if (kind->no_grace) {
        until_s = time_min(until_s, wish->next_update_s);
    }
    return kind->stamped ? time_min(until_s, STAMP_MAX_S) : 0;
}

static int stage_file(struct file_entry *entry, const char *path, struct slice content,
                      struct disk_temp *ret_temp, struct buf *fault)
{
    const struct disk_file file = {
        .path = path,
        .content = content,
        .mode = entry->target->mode,
        .gid = entry->target->gid,
        .mtime_s = stamp_of(entry),
        .anew = entry->again > 0,
        .make_under = entry->target->files->context->state_dir,
    };
    int r = disk_stage(&file, ret_temp, fault);

    if (r == 0 && entry->target->kind->light) {
        ret_temp->durable = false;
    }
    if (r == 0 && ret_temp->durable) {
        barrier_add_file(entry->target->files->barrier, ret_temp->path);
    }
    return r == DISK_E_FAILED ? r : 0;
}

static int stage_snippet(struct file_entry *entry, struct buf *fault)
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
        r = stage_file(entry, entry->snippet, slice_of_buf(&content), &entry->snippet_temp, fault);
    }
    buf_deinit(&content);
    return r;
}

/* What lies under a temporary name is of no use any more. */
static void trash(struct file_entry *entry, struct disk_temp *temp)
{
    if (temp->path) {
        barrier_add_trash(entry->target->files->barrier, temp->path);
        free(temp->path);
        temp->path = NULL;
    }
}

void files_unstage(struct file_entry *entry)
{
    trash(entry, &entry->der_temp);
    trash(entry, &entry->snippet_temp);
    entry->awaits = 0;
    entry->finished = false;
}

/* What was not there before is news for the server, whatever it has loaded once. */
static int move_file(struct file_entry *entry, struct disk_temp *temp, const char *path,
                     struct buf *fault)
{
    bool there = disk_is_there(path);
    int r = disk_move(temp, path, fault);

    if (r == 0) {
        entry->dirty = true;
        entry->urgent |= !there;
        entry->missing |= !there;
        trash(entry, temp);
    }
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
            files_forget(entry);
            free(entry->real);
            entry->real = copy;
        }
    }
    buf_deinit(&real);
    return r;
}

static bool shown_is(const struct file_shown *shown, const struct wish *wish)
{
    return shown->keep_until_s != 0 && shown->der_hash == wish->der_hash &&
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
    if (file_target_tells(entry->target)) {
        files_record(entry, entry->loaded.keep_until_s, entry->loaded.der_hash);
    }
}

static enum file_news news_of(const struct file_entry *entry, struct instant now)
{
    if (entry->loaded.keep_until_s == 0) {
        return NEWS_FIRST;
    }
    if (entry->missing && entry->target->restart) {
        return NEWS_FIRST; /* the server may have been started without it, as after a reboot */
    }
    if (entry->urgent || entry->loaded.until_s <= now.wall_s ||
        memcmp(entry->loaded.leaf, entry->wish->leaf, SHA256_SIZE) != 0) {
        return NEWS_WRONG;
    }
    return NEWS_REFRESH;
}

/* All is on disk. Who must be told? */
static void step_account(struct file_entry *entry, struct instant now)
{
    struct wish *wish = entry->wish;
    bool noted = entry->listed && shown_is(&entry->written, wish) && !entry->dirty;
    enum file_news news = news_of(entry, now);

    memcpy(entry->written.leaf, wish->leaf, SHA256_SIZE);
    entry->written.der_hash = wish->der_hash;
    entry->written.keep_until_s = wish->keep_until_s;
    entry->written.until_s = wish->serve.until_s;
    step_keep(entry, wish);
    if (shown_is(&entry->loaded, wish) && !entry->dirty) {
        bool longer = entry->loaded.keep_until_s != wish->keep_until_s; /* by another grace */

        entry->loaded = entry->written; /* the row of an earlier run knew its end only */
        if (longer) {
            step_record_loaded(entry);
        }
        files_tell(entry, HANDED_STAPLE);
    } else if (!noted) {
        files_note_change(entry, news, now);
        if (!entry->listed) { /* there is no server to tell */
            entry->loaded = entry->written;
            step_record_loaded(entry);
            files_tell(entry, HANDED_STAPLE);
        }
    }
    files_keep(entry, entry->wish);
    entry->dirty = false;
    entry->missing = false;
    entry->urgent = false;
    entry->known = false;
    entry->step = FILE_IDLE;
    entry->wish = wish_unref(entry->wish);
}

/* The row would say the same. */
static bool is_loaded(const struct file_entry *entry)
{
    return shown_is(&entry->loaded, entry->wish) &&
           entry->loaded.keep_until_s == entry->wish->keep_until_s;
}

/* Everything is under temporary names, or there already. */
static int step_stage(struct file_entry *entry, struct buf *fault)
{
    bool tells = file_target_tells(entry->target);
    int r = enter_folder(entry, fault);

    r = r ? r : step_resolve(entry, fault);
    if (!r && (!entry->recorded || (!tells && !is_loaded(entry)))) {
        files_record(entry, tells ? 0 : entry->wish->keep_until_s,
                     tells ? 0 : entry->wish->der_hash);
    }
    r = r ? r : stage_file(entry, entry->real, wish_der(entry->wish), &entry->der_temp, fault);
    return r ? r : stage_snippet(entry, fault);
}

static bool is_durable(const struct disk_temp *temp)
{
    return temp->path && temp->durable;
}

/* Behind the barrier, if one is needed, the entry goes on as @step. */
static void step_on(struct file_entry *entry, enum file_step step, bool needed, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);

    entry->step = step;
    if (files_await(entry, needed)) {
        buf_put_text(&fault, "out of memory");
        files_unstage(entry);
        entry->step = FILE_WRITE;
        step_fail(entry, &fault, now);
        buf_deinit(&fault);
    }
}

static void step_done(struct file_entry *entry, int r, struct buf *fault, struct instant now)
{
    if (r) {
        files_unstage(entry);
        entry->step = FILE_WRITE;
        step_fail(entry, fault, now);
    } else {
        step_well(entry);
        step_account(entry, now);
    }
}

static void step_write(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    int r;

    if (file_target_is_command(entry->target)) {
        step_account(entry, now); /* its row is put when the command has been run */
        return;
    }
    files_unstage(entry);
    files_put_anew(entry);
    r = step_stage(entry, &fault);
    if (!r && (entry->der_temp.path || entry->snippet_temp.path)) {
        step_on(entry, FILE_STAGED,
                is_durable(&entry->der_temp) || is_durable(&entry->snippet_temp), now);
    } else {
        step_done(entry, r, &fault, now);
    }
    buf_deinit(&fault);
}

/* The DER's name must be durable before a snippet names it, and both before servers are told: or
 * else, after a power failure, they may have loaded something else than the store says. */
static void step_move(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    bool is_der = entry->der_temp.path != NULL;
    struct disk_temp *temp = is_der ? &entry->der_temp : &entry->snippet_temp;
    const char *path = is_der ? entry->real : entry->snippet;
    int r = move_file(entry, temp, path, &fault);

    if (r) {
        step_done(entry, r, &fault, now);
    } else {
        if (temp->durable) {
            barrier_add_folder(entry->target->files->barrier, path);
        }
        step_on(entry, entry->snippet_temp.path ? FILE_STAGED : FILE_MOVED, temp->durable, now);
    }
    buf_deinit(&fault);
}

static int drop_file(struct file_entry *entry, const char *path, bool *ret_durable,
                     struct buf *fault)
{
    struct disk_temp temp = {0};
    int r = DISK_E_ABSENT;

    if (!file_target_is_command(entry->target)) {
        r = disk_drop(path, &temp, fault);
    }
    *ret_durable = r == 0 && temp.durable && !entry->target->kind->light;
    if (*ret_durable) {
        barrier_add_folder(entry->target->files->barrier, path);
    }
    trash(entry, &temp);
    return r;
}

/* Without memory the entry goes on as if the disk had said that all is well. */
static void await_drop(struct file_entry *entry, bool durable)
{
    if (durable && files_await(entry, true)) {
        log_say(entry->target->files->context->log, NOTE_ERROR,
                "out of memory: %s may come back after a power failure", entry->real);
    }
}

static enum file_news news_of_hiding(const struct file_entry *entry, struct instant now)
{
    const struct file_shown *loaded = &entry->loaded;

    if (entry->quiet) {
        return NEWS_QUIET;
    }
    return loaded->keep_until_s != 0 && loaded->until_s <= now.wall_s &&
                   now.wall_s < loaded->keep_until_s
               ? NEWS_ENDED
               : NEWS_GONE;
}

/* Nobody tells a server that drops what it has only when it is told. */
static void tell_untold(const struct file_entry *entry, struct instant now)
{
    const struct file_kind *kind = entry->target->kind;

    if (kind->takes && !kind->stamped && !entry->change && !entry->quiet &&
        entry->loaded.keep_until_s > now.wall_s) {
        log_say(entry->target->files->context->log, NOTE_WARNING,
                "%s: its staple is withdrawn, but %s shows it until its next reload (or the "
                "staple's end): reload it, and give `reload` in `publish`",
                entry->place ? entry->place : entry->output, kind->name);
    }
}

/* First what the server reads: the snippet, or the DER where there is none. */
static void step_hide(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    bool durable;
    int r = drop_file(entry, entry->snippet ? entry->snippet : entry->real, &durable, &fault);
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
    await_drop(entry, durable);
    if (shown) {
        files_note_change(entry, news_of_hiding(entry, now), now);
        tell_untold(entry, now);
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

/* Frees @entry. */
static void step_end(struct file_entry *entry)
{
    step_well(entry);
    files_forget(entry);
    files_free_entry(entry);
}

/* Nobody reads the DER any more. */
static void step_finish(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);
    bool durable;
    int r;

    if (entry->awaits) {
        entry->finished = true;
        return;
    }
    r = drop_file(entry, entry->real, &durable, &fault);
    if (r == DISK_E_FAILED) {
        step_fail(entry, &fault, now);
    } else if (durable && files_await(entry, true) == 0) {
        entry->step = FILE_GONE;
    } else {
        step_end(entry);
    }
    buf_deinit(&fault);
}

/* The disk did not do what it was asked for. */
static void step_unpassed(struct file_entry *entry, struct instant now)
{
    struct buf fault = BUF_INIT(FAULT_MAX);

    buf_put_text(&fault, "cannot write ");
    buf_put_printable(&fault, slice_of_text(entry->real), FAULT_MAX);
    buf_put_text(&fault, ": ");
    buf_put_text(&fault, strerror(-entry->await_error));
    if (entry->step == FILE_STAGED || entry->step == FILE_MOVED) {
        step_done(entry, 1, &fault, now);
    } else if (entry->step == FILE_GONE) {
        step_fail(entry, &fault, now);
    } else { /* it waits for its server, too */
        log_say(entry->target->files->context->log, NOTE_ERROR, "%s", buf_text(&fault));
        if (entry->finished) {
            files_schedule(entry, 0);
        }
    }
    buf_deinit(&fault);
}

void files_passed(struct file_entry *entry, struct instant now)
{
    if (entry->await_error) {
        step_unpassed(entry, now);
    } else if (entry->step == FILE_STAGED) {
        step_move(entry, now);
    } else if (entry->step == FILE_MOVED) {
        step_done(entry, 0, NULL, now);
    } else if (entry->step == FILE_GONE) {
        step_end(entry);
    } else if (entry->finished) {
        entry->finished = false;
        files_schedule(entry, 0);
    }
}

void files_work(struct file_entry *entry, struct instant now)
{
    switch (entry->step) {
    case FILE_IDLE:
    case FILE_STAGED:
    case FILE_MOVED:
        break; /* nothing to do, or behind a barrier */
    case FILE_WRITE:
        step_write(entry, now);
        break;
    case FILE_HIDE:
        step_hide(entry, now);
        break;
    case FILE_LINGER:
    case FILE_GONE:
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
