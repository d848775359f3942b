/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "io/spawn.h"
#include "publish/files.h"
#include "publish/publish.h"

#define COMMAND_LIMIT_MS 60000

enum due {
    DUE_ENDED,  /* the file goes, then the server is told */
    DUE_BEHIND, /* the file is a newer one than the server's, which has ended */
    DUE_OWED,   /* the file is gone, but its server was not told, or refused to listen */
};

/* What a file holds that is still good. */
struct good {
    int64_t end_s;
    uint64_t der_hash;
};

/* One staple that has ended, in its file or in its server. */
struct ended {
    enum due due;
    char *path;
    char *snippet; /* "" when there is none */
    char *command; /* "" */
    char *kind;    /* "": the store has no row */
    char leaf_sha256[2 * SHA256_SIZE + 1];
    int64_t loaded_s; /* the row's: when what the server has ends; 0: it has nothing */
    uint64_t loaded_hash;
    struct good newer; /* DUE_BEHIND */
    bool current;      /* nobody has changed the row since */
    bool untold;       /* its server needs no telling of what is over */
    bool left_out;
    bool failed;  /* told */
    bool changed; /* the server has something to learn */
};

struct expiry {
    const struct expire_order *order;
    struct ended *ended;
    size_t count;
    size_t capacity;
    struct table known;   /* paths (char *) that are kept, whatever they say themselves */
    struct table by_path; /* of @ended, those with a row */
    struct store *writer; /* NULL: not asked for yet, or in vain */
    bool writer_asked;
    unsigned unwritten; /* servers that were told, but it could not be written down */
    struct expire_result result;
    int r;
};

static void expiry_deinit(struct expiry *expiry)
{
    size_t cursor = 0;
    char *path;

    while ((path = table_next(&expiry->known, &cursor))) {
        free(path);
    }
    table_deinit(&expiry->known);
    table_deinit(&expiry->by_path);
    for (size_t i = 0; i < expiry->count; ++i) {
        free(expiry->ended[i].path);
        free(expiry->ended[i].snippet);
        free(expiry->ended[i].command);
        free(expiry->ended[i].kind);
    }
    free(expiry->ended);
}

static bool drops_ended(const struct store_published *row)
{
    const struct file_kind *kind = file_kind_of(row->kind);

    return kind && kind->drops_ended;
}

static void add(struct expiry *expiry, enum due due, const struct store_published *row,
                struct good newer)
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
        .due = due,
        .path = text_copy(slice_of_text(row->path)),
        .snippet = text_copy(slice_of_text(row->snippet)),
        .command = text_copy(slice_of_text(row->command)),
        .kind = text_copy(slice_of_text(row->kind)),
        .loaded_s = row->next_update_s,
        .loaded_hash = row->der_hash,
        .newer = newer,
        .untold = drops_ended(row),
    };
    memcpy(ended->leaf_sha256, row->leaf_sha256, sizeof(ended->leaf_sha256));
    ++expiry->count;
    if (!ended->path || !ended->snippet || !ended->command || !ended->kind) {
        expiry->r = -ENOMEM;
    }
}

enum age { AGE_GOOD, AGE_GRACE, AGE_ENDED, AGE_ABSENT, AGE_JUNK, AGE_UNREADABLE };

/* What the file itself says, and the store (@row; NULL: nothing), which may know that it is in its
 * grace. */
static enum age look(const struct expiry *expiry, const char *path,
                     const struct store_published *row, struct good *ret_good)
{
    struct buf content = BUF_INIT(LIMIT_ANSWER_SIZE);
    enum age age = AGE_JUNK;
    int64_t next_update_s, end_s;
    int r = disk_read(path, &content);

    if (r) {
        age = r == DISK_E_ABSENT ? AGE_ABSENT : AGE_UNREADABLE;
    } else if (expiry->order->next_update(slice_of_buf(&content), &next_update_s)) {
        if (row && files_row_is_of(row->command, row->der_hash, slice_of_buf(&content))) {
            end_s = files_end_s(next_update_s, row->next_update_s);
        } else {
            end_s = next_update_s;
        }
        age = next_update_s > expiry->order->wall_s ? AGE_GOOD
              : end_s > expiry->order->wall_s       ? AGE_GRACE
                                                    : AGE_ENDED;
        *ret_good = (struct good){next_update_s, map_hash(slice_of_buf(&content))};
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
    ++expiry->result.left;
    log_say(expiry->order->log, NOTE_ERROR,
            "cannot read %s: run this as root or as clinch's user, and see that it is a plain file",
            path);
}

static void note_known(struct expiry *expiry, const char *path)
{
    char *copy = text_copy(slice_of_text(path));

    if (!copy || table_set(&expiry->known, copy, copy)) {
        free(copy);
        expiry->r = -ENOMEM;
    }
}

/* What we have put there ourselves goes also when it is no answer any more, and a snippet goes
 * when its DER is missing: the server could not start with it. */
static void look_at_row(struct expiry *expiry, const struct store_published *row)
{
    struct good good = {0};
    bool loaded_ended = *row->command && !drops_ended(row) && row->next_update_s > 0 &&
                        row->next_update_s <= expiry->order->wall_s;

    switch (look(expiry, row->path, row, &good)) {
    case AGE_GOOD:
        if (loaded_ended) {
            add(expiry, DUE_BEHIND, row, good);
        }
        break;
    case AGE_GRACE:
        note_known(expiry, row->path);
        break;
    case AGE_ABSENT:
        if (is_there(row->snippet)) {
            add(expiry, DUE_ENDED, row, good);
        } else if (loaded_ended && !*row->snippet) {
            add(expiry, DUE_OWED, row,
                good); /* a DER with a snippet stays until the server knows */
        }
        break;
    case AGE_ENDED:
    case AGE_JUNK:
        add(expiry, DUE_ENDED, row, good);
        break;
    case AGE_UNREADABLE:
        tell_unreadable(expiry, row->path);
        break;
    }
}

static void on_row(void *data, const struct store_published *row)
{
    struct expiry *expiry = data;

    if (text_equal(row->kind, FILES_KIND_COMMAND)) {
        return; /* no file: which change the command was run for */
    }
    if (expiry->order->beside) {
        note_known(expiry, row->path);
    } else {
        look_at_row(expiry, row);
    }
}

static bool has_row(const struct ended *ended)
{
    return *ended->kind;
}

static bool is_known(const struct expiry *expiry, const char *path)
{
    if (table_get(&expiry->known, path)) {
        return true;
    }
    for (size_t i = 0; i < expiry->count; ++i) {
        if (expiry->ended[i].path && text_equal(expiry->ended[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* Rows have the names of the files themselves; people may name a link. */
static bool is_known_by_any_name(const struct expiry *expiry, const char *path)
{
    _cleanup_(freep)
    char *real = realpath(path, NULL);

    return is_known(expiry, path) || (real && is_known(expiry, real));
}

static void add_ended_path(struct expiry *expiry, const char *path)
{
    static const char der_end[] = ".ocsp";
    struct buf snippet = BUF_INIT(8192);
    struct store_published row = {.path = path, .snippet = "", .command = "", .kind = ""};
    size_t size = strlen(path);
    size_t end = sizeof(der_end) - 1;

    if (size > end && text_equal(path + size - end, der_end)) {
        buf_put(&snippet, path, size - end);
        buf_put_text(&snippet, ".conf");
        row.snippet = nginx_is_ours(buf_text(&snippet)) ? buf_text(&snippet) : "";
    }
    add(expiry, DUE_ENDED, &row, (struct good){0});
    buf_deinit(&snippet);
}

/* A path from the command line: only what is an answer, and has ended, is touched. */
static void add_path(struct expiry *expiry, const char *path)
{
    struct good good;

    if (is_known_by_any_name(expiry, path)) {
        if (expiry->order->beside) {
            ++expiry->result.kept;
            log_say(expiry->order->log, NOTE_INFO, "%s is left to the running daemon", path);
        }
        return;
    }
    switch (look(expiry, path, NULL, &good)) {
    case AGE_ENDED:
        add_ended_path(expiry, path);
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
}

/* ---- Writing down what servers know ---- */

static void on_row_again(void *data, const struct store_published *row)
{
    const struct expiry *expiry = data;
    struct ended *ended = table_get(&expiry->by_path, row->path);

    if (ended) {
        ended->current =
            ended->loaded_s == row->next_update_s && ended->loaded_hash == row->der_hash &&
            text_equal(ended->leaf_sha256, row->leaf_sha256) &&
            text_equal(ended->snippet, row->snippet) && text_equal(ended->command, row->command) &&
            text_equal(ended->kind, row->kind);
    }
}

/* As late as can be: the lock keeps a daemon from starting. Whoever had it since the rows were read
 * knows better what became of those he changed. */
static bool can_write(struct expiry *expiry)
{
    const struct expire_order *order = expiry->order;

    if (expiry->writer_asked) {
        return expiry->writer;
    }
    expiry->writer_asked = true;
    for (size_t i = 0; i < expiry->count; ++i) {
        struct ended *ended = &expiry->ended[i];

        if (has_row(ended) && table_set(&expiry->by_path, ended->path, ended)) {
            return false;
        }
    }
    expiry->writer = order->open_writer ? order->open_writer(order->context) : NULL;
    if (expiry->writer && store_published(expiry->writer, on_row_again, expiry)) {
        expiry->writer = NULL;
    }
    return expiry->writer;
}

static const struct good nothing;

/* What the server has by now. */
static bool write_down(struct expiry *expiry, const struct ended *ended, struct good loaded)
{
    struct store_published row = {
        .path = ended->path,
        .snippet = ended->snippet,
        .command = ended->command,
        .kind = ended->kind,
        .next_update_s = loaded.end_s,
        .der_hash = loaded.der_hash,
    };

    memcpy(row.leaf_sha256, ended->leaf_sha256, sizeof(row.leaf_sha256));
    return can_write(expiry) && ended->current && store_put_published(expiry->writer, &row) == 0;
}

/* ---- Withdrawing ---- */

static void drop(struct expiry *expiry, struct ended *ended, const char *path)
{
    struct buf fault = BUF_INIT(8192);

    switch (disk_remove(path, &fault)) {
    case 0:
        ended->changed = true;
        break;
    case DISK_E_ABSENT:
        /* A DER without its snippet: the server was not told of that yet, or refused. */
        ended->changed = *ended->snippet && disk_is_there(ended->path);
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
                "command `%.200s` failed (%s); the server may go on showing what has ended, until "
                "`clinch expire` or the daemon has more luck with it",
                command, buf_text(&said));
    }
    buf_deinit(&said);
    buf_deinit(&output);
    return good;
}

/* Each command once, for all that it is for. */
static void run_commands(struct expiry *expiry)
{
    size_t first = 0;

    while (first < expiry->count) {
        const char *command = expiry->ended[first].command;
        size_t end = first;
        bool changed = false;

        while (end < expiry->count && text_equal(expiry->ended[end].command, command)) {
            changed |= expiry->ended[end].changed && !expiry->ended[end].untold;
            ++end;
        }
        if (*command && changed && !run(expiry, command)) {
            for (size_t i = first; i < end; ++i) {
                expiry->ended[i].failed = true;
            }
        }
        first = end;
    }
}

/* What the server is to learn, brought about. */
static void begin(struct expiry *expiry, struct ended *ended)
{
    switch (ended->due) {
    case DUE_ENDED:
        drop(expiry, ended, *ended->snippet ? ended->snippet : ended->path);
        break;
    case DUE_BEHIND:
        ended->changed = true;
        break;
    case DUE_OWED:
        /* Before the command: where nothing can be written it would be run for ever. */
        ended->changed = write_down(expiry, ended, nothing);
        ended->left_out = !ended->changed;
        break;
    }
}

/* The command has been run, well. */
static void finish(struct expiry *expiry, struct ended *ended)
{
    const struct log *log = expiry->order->log;

    if (ended->due == DUE_BEHIND) {
        bool written = write_down(expiry, ended, ended->newer);

        ++expiry->result.told;
        expiry->unwritten += !written && (!expiry->writer || ended->current);
        log_say(log, NOTE_INFO, "%s: its server had one that has ended, and was told of this one",
                ended->path);
        return;
    }
    if (ended->due == DUE_ENDED && !*ended->snippet && *ended->command && ended->loaded_s > 0) {
        (void)write_down(expiry, ended, nothing); /* in vain: then it is DUE_OWED once more */
    }
    ++expiry->result.withdrawn;
    log_say(log, NOTE_INFO, "%s is withdrawn: it has ended", ended->path);
}

static int by_command(const void *a, const void *b)
{
    return strcmp(((const struct ended *)a)->command, ((const struct ended *)b)->command);
}

static void withdraw_all(struct expiry *expiry)
{
    if (expiry->count > 0) {
        qsort(expiry->ended, expiry->count, sizeof(*expiry->ended), by_command);
    }
    for (size_t i = 0; i < expiry->count; ++i) {
        begin(expiry, &expiry->ended[i]);
    }
    run_commands(expiry);
    for (size_t i = 0; i < expiry->count; ++i) {
        struct ended *ended = &expiry->ended[i];

        if (ended->left_out) {
            continue;
        }
        if (!ended->failed && *ended->snippet && ended->due == DUE_ENDED) {
            drop(expiry, ended, ended->path);
        }
        if (!ended->failed) {
            finish(expiry, ended);
            continue;
        }
        ++expiry->result.left;
        if (ended->due == DUE_OWED) {
            (void)write_down(expiry, ended, (struct good){ended->loaded_s, ended->loaded_hash});
        }
    }
    if (expiry->unwritten > 0) {
        log_say(expiry->order->log, NOTE_WARNING,
                "the store cannot be written: that servers were told of %u newer staples is not "
                "known to the next `clinch expire`, which tells them again",
                expiry->unwritten);
    }
}

int publish_expire(const struct expire_order *order, struct expire_result *ret_result)
{
    _cleanup_(expiry_deinit)
    struct expiry expiry = {.order = order, .known = TABLE_INIT(0), .by_path = TABLE_INIT(0)};
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
    withdraw_all(&expiry);
    *ret_result = expiry.result;
    return r ? error_trace(r) : 0;
}
