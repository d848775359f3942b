/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/spawn.h"
#include "publish/files.h"
#include "publish/publish.h"

#define COMMAND_LIMIT_MS 60000

/* One staple that has ended. */
struct ended {
    char *path;
    char *snippet; /* "" when there is none */
    char *command; /* "" */
    bool failed;   /* told */
    bool changed;  /* something that the server reads was removed */
};

struct expiry {
    const struct expire_order *order;
    struct ended *ended;
    size_t count;
    size_t capacity;
    struct table graced; /* paths (char *) that are kept longer than they say themselves */
    unsigned left;
    int r;
};

static void expiry_deinit(struct expiry *expiry)
{
    size_t cursor = 0;
    char *path;

    while ((path = table_next(&expiry->graced, &cursor))) {
        free(path);
    }
    table_deinit(&expiry->graced);
    for (size_t i = 0; i < expiry->count; ++i) {
        free(expiry->ended[i].path);
        free(expiry->ended[i].snippet);
        free(expiry->ended[i].command);
    }
    free(expiry->ended);
}

static void add(struct expiry *expiry, const char *path, const char *snippet, const char *command)
{
    size_t capacity = expiry->capacity ? expiry->capacity * 2 : 64;
    struct ended *ended;

    if (expiry->count == expiry->capacity) {
        ended = realloc(expiry->ended, capacity * sizeof(*ended));
        if (!ended) {
            expiry->r = -ENOMEM;
            return;
        }
        expiry->ended = ended;
        expiry->capacity = capacity;
    }
    ended = &expiry->ended[expiry->count];
    *ended = (struct ended){
        .path = text_copy(slice_of_text(path)),
        .snippet = text_copy(slice_of_text(snippet)),
        .command = text_copy(slice_of_text(command)),
    };
    ++expiry->count;
    if (!ended->path || !ended->snippet || !ended->command) {
        expiry->r = -ENOMEM;
    }
}

enum age { AGE_GOOD, AGE_GRACE, AGE_ENDED, AGE_ABSENT, AGE_JUNK, AGE_UNREADABLE };

/* What the file itself says, and the store, which may know that it is in its grace. */
static enum age look(const struct expiry *expiry, const char *path, int64_t keep_until_s)
{
    struct buf content = BUF_INIT(LIMIT_ANSWER_SIZE);
    enum age age = AGE_JUNK;
    int64_t next_update_s;
    int r = disk_read(path, &content);

    if (r) {
        age = r == DISK_E_ABSENT ? AGE_ABSENT : AGE_UNREADABLE;
    } else if (expiry->order->next_update(slice_of_buf(&content), &next_update_s)) {
        age = next_update_s > expiry->order->wall_s                              ? AGE_GOOD
              : files_end_s(next_update_s, keep_until_s) > expiry->order->wall_s ? AGE_GRACE
                                                                                 : AGE_ENDED;
    }
    buf_deinit(&content);
    return age;
}

static bool is_there(const char *path)
{
    struct buf content = BUF_INIT(65536);
    bool there = *path && disk_read(path, &content) != DISK_E_ABSENT;

    buf_deinit(&content);
    return there;
}

static void tell_unreadable(struct expiry *expiry, const char *path)
{
    ++expiry->left;
    log_say(expiry->order->log, NOTE_ERROR,
            "cannot read %s: run this as root or as clinch's user, and see that it is a plain file",
            path);
}

static void note_grace(struct expiry *expiry, const char *path)
{
    char *copy = text_copy(slice_of_text(path));

    if (!copy || table_set(&expiry->graced, copy, copy)) {
        free(copy);
        expiry->r = -ENOMEM;
    }
}

/* What we have put there ourselves goes also when it is no answer any more, and a snippet goes
 * when its DER is missing: the server could not start with it. */
static void on_row(void *data, const struct store_published *row)
{
    struct expiry *expiry = data;

    if (text_equal(row->kind, FILES_KIND_COMMAND)) {
        return; /* no file: which change the command was run for */
    }
    switch (look(expiry, row->path, row->next_update_s)) {
    case AGE_GOOD:
        break;
    case AGE_GRACE:
        note_grace(expiry, row->path);
        break;
    case AGE_ABSENT:
        if (is_there(row->snippet)) {
            add(expiry, row->path, row->snippet, row->command);
        }
        break;
    case AGE_ENDED:
    case AGE_JUNK:
        add(expiry, row->path, row->snippet, row->command);
        break;
    case AGE_UNREADABLE:
        tell_unreadable(expiry, row->path);
        break;
    }
}

static bool is_known(const struct expiry *expiry, const char *path)
{
    if (table_get(&expiry->graced, path)) {
        return true;
    }
    for (size_t i = 0; i < expiry->count; ++i) {
        if (expiry->ended[i].path && text_equal(expiry->ended[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* A path from the command line: only what is an answer, and has ended, is touched. */
static void add_path(struct expiry *expiry, const char *path)
{
    static const char der_end[] = ".ocsp";
    struct buf snippet = BUF_INIT(8192);
    size_t size = strlen(path);
    size_t end = sizeof(der_end) - 1;

    switch (is_known(expiry, path) ? AGE_GOOD : look(expiry, path, 0)) {
    case AGE_ENDED:
        if (size > end && text_equal(path + size - end, der_end)) {
            buf_put(&snippet, path, size - end);
            buf_put_text(&snippet, ".conf");
        }
        add(expiry, path, nginx_is_ours(buf_text(&snippet)) ? buf_text(&snippet) : "", "");
        break;
    case AGE_JUNK:
        log_say(expiry->order->log, NOTE_WARNING, "%s is no OCSP answer: left alone", path);
        break;
    case AGE_UNREADABLE:
        tell_unreadable(expiry, path);
        break;
    case AGE_GOOD:
    case AGE_GRACE:
    case AGE_ABSENT:
        break;
    }
    buf_deinit(&snippet);
}

static void drop(struct expiry *expiry, struct ended *ended, const char *path)
{
    struct buf fault = BUF_INIT(8192);

    switch (disk_remove(path, &fault)) {
    case 0:
        ended->changed = true;
        break;
    case DISK_E_ABSENT:
        break;
    default:
        ended->failed = true;
        log_say(expiry->order->log, NOTE_ERROR, "%s", buf_text(&fault));
        break;
    }
    buf_deinit(&fault);
}

static bool run(struct expiry *expiry, const char *command)
{
    struct buf output = BUF_INIT(16 * LIMIT_COMMAND_OUTPUT);
    struct buf said = BUF_INIT(LIMIT_COMMAND_OUTPUT);
    struct spawn_result result = {0};
    int r = spawn_run_now(command, COMMAND_LIMIT_MS, &result, &output);
    bool good = r == 0 && result.exit_code == 0 && !result.signal && !result.timed_out;

    if (!good) {
        runner_put_output(&said, r ? NULL : result.output);
        log_say(expiry->order->log, NOTE_ERROR,
                "command `%.200s` failed (%s); the server may go on showing what has ended",
                command, buf_text(&said));
    }
    buf_deinit(&said);
    buf_deinit(&output);
    return good;
}

static int by_command(const void *a, const void *b)
{
    return strcmp(((const struct ended *)a)->command, ((const struct ended *)b)->command);
}

/* Each command once, for all that it is for. */
static void run_commands(struct expiry *expiry)
{
    size_t first = 0;

    if (expiry->count > 0) {
        qsort(expiry->ended, expiry->count, sizeof(*expiry->ended), by_command);
    }
    while (first < expiry->count) {
        const char *command = expiry->ended[first].command;
        size_t end = first;
        bool changed = false;

        while (end < expiry->count && text_equal(expiry->ended[end].command, command)) {
            changed |= expiry->ended[end++].changed;
        }
        if (*command && changed && !run(expiry, command)) {
            for (size_t i = first; i < end; ++i) {
                expiry->ended[i].failed = true;
            }
        }
        first = end;
    }
}

static void withdraw_all(struct expiry *expiry, unsigned *ret_withdrawn)
{
    for (size_t i = 0; i < expiry->count; ++i) {
        struct ended *ended = &expiry->ended[i];

        drop(expiry, ended, *ended->snippet ? ended->snippet : ended->path);
    }
    run_commands(expiry);
    for (size_t i = 0; i < expiry->count; ++i) {
        struct ended *ended = &expiry->ended[i];

        if (!ended->failed && *ended->snippet) {
            drop(expiry, ended, ended->path);
        }
        if (ended->failed) {
            ++expiry->left;
        } else {
            ++*ret_withdrawn;
            log_say(expiry->order->log, NOTE_INFO, "%s is withdrawn: it has ended", ended->path);
        }
    }
}

int publish_expire(const struct expire_order *order, struct expire_result *ret_result)
{
    _cleanup_(expiry_deinit)
    struct expiry expiry = {.order = order, .graced = TABLE_INIT(0)};
    unsigned withdrawn = 0;
    int r = 0;

    if (order->store) {
        r = store_published(order->store, on_row, &expiry);
    }
    for (size_t i = 0; i < order->path_count && !r && !expiry.r; ++i) {
        add_path(&expiry, order->paths[i]);
    }
    if (expiry.r) {
        return error_trace(expiry.r);
    }
    withdraw_all(&expiry, &withdrawn);
    *ret_result = (struct expire_result){withdrawn, expiry.left};
    return r ? error_trace(r) : 0;
}
