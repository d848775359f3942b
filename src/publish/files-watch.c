/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#define LOOKS_PER_TURN 500
#define AGAIN          2 /* times behind a reload: soon, and for a slow one with the next look */

static uint64_t runs_of(const struct file_target *target)
{
    uint64_t runs = 0;

    for (size_t i = 0; i < target->runner_count; ++i) {
        runs += runner_runs(target->runners[i]);
    }
    return runs;
}

void files_keep(struct file_entry *entry, struct wish *wish)
{
    struct files *files = entry->target->files;
    int64_t now_ms = publish_now(files->context).mono_ms;

    if (!entry->target->kind->shared) {
        return;
    }
    wish_ref(wish);
    wish_unref(entry->kept);
    entry->kept = wish;
    entry->print = disk_print_of(entry->real);
    entry->put_ms = now_ms;
    entry->runs_seen = runs_of(entry->target);
    entry->again -= entry->again > 0;
    files->watch_ms = time_min(files->watch_ms, time_add(now_ms, FILES_WATCH_MS));
}

void files_put_anew(struct file_entry *entry)
{
    if (entry->target->kind->shared && !entry->kept) {
        entry->again = AGAIN;
    }
}

static void put_back(struct file_entry *entry)
{
    entry->wish = wish_ref(entry->kept);
    entry->step = FILE_WRITE;
    files_schedule(entry, 0);
}

static void tell_intruder(const struct file_entry *entry)
{
    struct file_target *target = entry->target;

    log_say(target->files->context->log, target->intruder_told ? NOTE_DEBUG : NOTE_WARNING,
            "%s has been changed by somebody else (%s asks responders, too, and puts their answers "
            "there): the staple that was checked is put back; this is told once",
            entry->output, target->kind->name);
    target->intruder_told = true;
}

static int64_t renew_ms(const struct file_entry *entry)
{
    return time_min(FILES_RENEW_MS, entry->target->base.config->reload_interval_s * 1000);
}

/* True when there is something to come back for. */
static bool look(struct file_entry *entry, struct instant now)
{
    struct disk_print print;

    if (!entry || !entry->kept) {
        return false;
    }
    if (entry->step != FILE_IDLE) {
        return true;
    }
    print = disk_print_of(entry->real);
    if (runs_of(entry->target) != entry->runs_seen) {
        entry->again = AGAIN;
    } else if (entry->again == 0 && time_sub(now.mono_ms, entry->put_ms) >= renew_ms(entry)) {
        entry->again = 1;
    }
    if (!disk_print_equal(&print, &entry->print)) {
        tell_intruder(entry);
        put_back(entry);
    } else if (entry->again > 0) {
        put_back(entry);
    }
    return true;
}

void files_watch(struct files *files, struct instant now)
{
    uint32_t end = files->watch_at + LOOKS_PER_TURN;

    if (now.mono_ms < files->watch_ms) {
        return;
    }
    for (; files->watch_at < files->entry_count && files->watch_at < end; ++files->watch_at) {
        files->watched |= look(files->entries[files->watch_at], now);
    }
    if (files->watch_at < files->entry_count) {
        return;
    }
    files->watch_ms = files->watched ? time_add(now.mono_ms, FILES_WATCH_MS) : INSTANT_NEVER;
    files->watch_at = 0;
    files->watched = false;
    files->again_due = false;
}

void files_watch_soon(struct files *files, struct instant now)
{
    if (files->watch_ms != INSTANT_NEVER) {
        files->watch_ms = time_min(files->watch_ms, time_add(now.mono_ms, FILES_AGAIN_MS));
        files->again_due = true;
    }
}
