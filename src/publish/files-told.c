/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

void files_unlist(struct file_entry *entry)
{
    struct files *files = entry->target->files;

    if (!entry->listed) {
        return;
    }
    if (entry->prev) {
        entry->prev->next = entry->next;
    } else {
        files->first_untaken = entry->next;
    }
    if (entry->next) {
        entry->next->prev = entry->prev;
    } else {
        files->last_untaken = entry->prev;
    }
    entry->prev = NULL;
    entry->next = NULL;
    entry->listed = false;
}

static void list(struct file_entry *entry)
{
    struct files *files = entry->target->files;

    entry->prev = files->last_untaken;
    if (entry->prev) {
        entry->prev->next = entry;
    } else {
        files->first_untaken = entry;
    }
    files->last_untaken = entry;
    entry->listed = true;
}

static bool runner_matters(const struct file_entry *entry, size_t index)
{
    const struct target_config *config = entry->target->runner_configs[index];

    return !config || !entry->place || target_takes(config, entry->place);
}

static void note(const struct file_entry *entry, struct runner *runner, enum file_news news,
                 struct instant now)
{
    struct reload *reload = runner_reload(runner);

    switch (news) {
    case NEWS_REFRESH:
    case NEWS_QUIET:
        reload_note_refresh(reload, entry->change, entry->loaded.until_s, now);
        break;
    case NEWS_FIRST:
    case NEWS_ENDED:
        reload_note_first(reload, entry->change, now);
        break;
    case NEWS_WRONG:
    case NEWS_GONE:
        reload_note_strict(reload, entry->change, now);
        break;
    }
}

void files_note_change(struct file_entry *entry, enum file_news news, struct instant now)
{
    struct file_target *target = entry->target;
    bool gone = news >= NEWS_QUIET;
    bool noted = false;

    entry->change = ++target->files->context->changes;
    entry->by_restart = target->restart && (gone || news == NEWS_FIRST);
    if (entry->by_restart) {
        note(entry, target->restart, news, now);
        noted = true;
    }
    for (size_t i = 0; i < target->runner_count && !entry->by_restart; ++i) {
        if (runner_matters(entry, i) && (gone || !target->kind->takes)) {
            note(entry, target->runners[i], news, now);
            noted = true;
        }
    }
    files_unlist(entry);
    if (noted) {
        list(entry);
    } else {
        entry->change = 0;
    }
}

/* All commands that matter for @entry have been run since its last change. */
static bool is_taken(const struct file_entry *entry)
{
    const struct file_target *target = entry->target;

    if (entry->by_restart) {
        return runner_covers(target->restart, entry->change);
    }
    for (size_t i = 0; i < target->runner_count; ++i) {
        if (runner_matters(entry, i) && !runner_covers(target->runners[i], entry->change)) {
            return false;
        }
    }
    return true;
}

/* Entries that only wait for a failing command must not hide those behind them that wait for
 * another one: the whole list is looked at, but only after a run has ended well. */
unsigned files_take_changes(struct files *files, unsigned most)
{
    struct file_entry *entry = files->first_untaken;
    unsigned count = 0;

    while (entry && count < most) {
        struct file_entry *next = entry->next;

        if (is_taken(entry)) {
            files_unlist(entry);
            files_taken(entry);
            ++count;
        }
        entry = next;
    }
    return count;
}

void files_put_commands(struct buf *command, const struct file_target *target)
{
    if (target->restart) {
        buf_put_text(command, runner_command(target->restart));
        return;
    }
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
