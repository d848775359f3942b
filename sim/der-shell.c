/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-shell.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "io/clock.h"
#include "io/log.h"
#include "io/spawn.h"
#include "io/store.h"
#include "publish/disk.h"
#include "publish/haproxy.h"
#include "sim/must.h"

#define COMMAND_MOST_MS 400 /* a command takes up to this long */
#define LISTED_MOST     (1024 * 1024)
#define SIGNAL_TERM     15

struct store {
    struct dershell *shell;
};

struct spawn {
    struct spawn *next;
    struct spawn_order order;
    int64_t end_ms;
    int exit_code;
    bool late; /* does what it does at its end, not at its beginning */
    bool cancelled;
};

struct dershell {
    struct dershell_calls calls;
    struct simdisk *disk;
    struct rng rng;
    struct store store;
    uv_loop_t loop;
    uv_timer_t *timer; /* the publisher's only one; NULL: not set */
    uv_timer_cb on_timer;
    int64_t timer_ms;
    struct spawn *spawns;
};

/* Which machine runs now: what stands for system calls has no other way to know. */
static _Thread_local struct dershell *machine;

struct dershell *dershell_new(const struct dershell_calls *calls, struct simdisk *disk,
                              uint64_t seed)
{
    struct dershell *shell = calloc(1, sizeof(*shell));

    must(shell);
    shell->calls = *calls;
    shell->disk = disk;
    shell->rng = (struct rng){seed};
    shell->store.shell = shell;
    return shell;
}

struct dershell *dershell_free(struct dershell *shell)
{
    if (shell) {
        dershell_drop(shell);
        free(shell);
    }
    return NULL;
}

void dershell_enter(struct dershell *shell)
{
    machine = shell;
}

void *dershell_loop(struct dershell *shell)
{
    return &shell->loop;
}

struct store *dershell_store(struct dershell *shell)
{
    return &shell->store;
}

int64_t dershell_deadline_ms(const struct dershell *shell)
{
    int64_t due_ms = shell->timer ? shell->timer_ms : INSTANT_NEVER;

    for (const struct spawn *spawn = shell->spawns; spawn; spawn = spawn->next) {
        due_ms = time_min(due_ms, spawn->end_ms);
    }
    return due_ms;
}

static struct spawn *take_ended(struct dershell *shell, int64_t mono_ms)
{
    for (struct spawn **link = &shell->spawns; *link; link = &(*link)->next) {
        struct spawn *spawn = *link;

        if (spawn->end_ms <= mono_ms) {
            *link = spawn->next;
            return spawn;
        }
    }
    return NULL;
}

static void end_spawn(struct dershell *shell, struct spawn *spawn)
{
    struct spawn_result result = {.output = ""};

    if (spawn->late && !spawn->cancelled) {
        spawn->exit_code = shell->calls.run(shell->calls.context, spawn->order.command);
    }
    result.exit_code = spawn->cancelled ? -1 : spawn->exit_code;
    result.signal = spawn->cancelled ? SIGNAL_TERM : 0;
    spawn->order.done(spawn->order.context, &result);
    free((void *)spawn->order.command);
    free(spawn);
}

void dershell_turn(struct dershell *shell)
{
    int64_t mono_ms = clock_now().mono_ms;
    struct spawn *spawn;

    while ((spawn = take_ended(shell, mono_ms))) {
        end_spawn(shell, spawn);
    }
    if (shell->timer && shell->timer_ms <= mono_ms) {
        uv_timer_t *timer = shell->timer;

        shell->timer = NULL;
        shell->on_timer(timer);
    }
}

/* Whoever waits for a command hears of it, and lets go. */
void dershell_drop(struct dershell *shell)
{
    struct spawn *spawn;

    shell->timer = NULL;
    while ((spawn = take_ended(shell, INSTANT_NEVER))) {
        spawn->cancelled = true;
        end_spawn(shell, spawn);
    }
}

/* ---- libuv ---- */

int uv_timer_init(uv_loop_t *loop, uv_timer_t *handle)
{
    handle->loop = loop;
    return 0;
}

int uv_timer_start(uv_timer_t *handle, uv_timer_cb cb, uint64_t timeout, uint64_t repeat)
{
    must(!repeat && (!machine->timer || machine->timer == handle));
    machine->timer = handle;
    machine->on_timer = cb;
    machine->timer_ms = time_add(clock_now().mono_ms, (int64_t)timeout);
    return 0;
}

/* The loop would call it behind this turn; the publisher calls nothing afterwards. */
void uv_close(uv_handle_t *handle, uv_close_cb close_cb)
{
    machine->timer = NULL;
    close_cb(handle);
}

uint64_t uv_hrtime(void)
{
    return rng_next(&machine->rng);
}

/* ---- io ---- */

struct instant clock_now(void)
{
    return machine->calls.now(machine->calls.context);
}

void log_say(const struct log *log, enum note_level level, const char *format, ...)
{
    char sentence[LOG_LINE_MAX];
    va_list arguments;

    (void)log;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    machine->calls.say(machine->calls.context, level, sentence);
}

int spawn_start(struct spawn **ret_spawn, uv_loop_t *loop, const struct spawn_order *order)
{
    struct spawn *spawn = calloc(1, sizeof(*spawn));

    (void)loop;
    must(spawn);
    spawn->order = *order;
    spawn->order.command = text_copy(slice_of_text(order->command));
    must(spawn->order.command);
    spawn->end_ms =
        time_add(clock_now().mono_ms, 1 + (int64_t)rng_below(&machine->rng, COMMAND_MOST_MS));
    /* A server reads its files at some moment while the command runs. */
    spawn->late = rng_below(&machine->rng, 2);
    if (!spawn->late) {
        spawn->exit_code = machine->calls.run(machine->calls.context, order->command);
    }
    spawn->next = machine->spawns;
    machine->spawns = spawn;
    *ret_spawn = spawn;
    return 0;
}

void spawn_cancel(struct spawn *spawn)
{
    spawn->cancelled = true;
    spawn->end_ms = clock_now().mono_ms;
}

int spawn_run_now(const char *command, int64_t limit_ms, struct spawn_result *ret_result,
                  struct buf *output)
{
    (void)limit_ms;
    *ret_result = (struct spawn_result){
        .exit_code = machine->calls.run(machine->calls.context, command),
        .output = buf_text(output),
    };
    return 0;
}

int store_put_published(struct store *store, const struct store_published *published)
{
    const struct simdisk_published row = {published->path,        published->snippet,
                                          published->command,     published->kind,
                                          published->leaf_sha256, published->next_update_s};

    return simdisk_store_put_published(store->shell->disk, &row);
}

int store_drop_published(struct store *store, const char *path)
{
    return simdisk_store_drop_published(store->shell->disk, path);
}

struct walk {
    void (*each)(void *context, const struct store_published *published);
    void *context;
};

static void give_row(void *context, const struct simdisk_published *row)
{
    const struct walk *walk = context;
    struct store_published published = {
        .path = row->path,
        .snippet = row->snippet,
        .command = row->command,
        .kind = row->kind,
        .next_update_s = row->next_update_s,
    };

    must(text_length(row->leaf_hex) < sizeof(published.leaf_sha256));
    memcpy(published.leaf_sha256, row->leaf_hex, text_length(row->leaf_hex));
    walk->each(walk->context, &published);
}

int store_published(struct store *store,
                    void (*each)(void *context, const struct store_published *published),
                    void *context)
{
    struct walk walk = {each, context};

    simdisk_store_each_published(store->shell->disk, give_row, &walk);
    return 0;
}

/* ---- publish/disk.h and what has no place in this machine ---- */

int haproxy_target_new(struct haproxy_target **ret_target, struct publish_context *context,
                       const struct target_config *config)
{
    (void)ret_target;
    (void)context;
    (void)config;
    must(!"no HAProxy in this machine");
    return -ENOSYS;
}

static int tell_failure(struct buf *fault, const char *verb, const char *path, int r)
{
    buf_put_text(fault, "cannot ");
    buf_put_text(fault, verb);
    buf_put_byte(fault, ' ');
    buf_put_text(fault, path);
    buf_put_text(fault, r == SIMDISK_E_FULL ? ": no room" : ": the machine has stopped");
    return DISK_E_FAILED;
}

int disk_resolve(const char *path, const char *state_dir, struct buf *real, struct buf *fault)
{
    (void)state_dir;
    (void)fault;
    buf_clear(real);
    buf_put_text(real, path);
    return 0;
}

int disk_write(const struct disk_file *file, struct buf *fault)
{
    int r = simdisk_write(machine->disk, file->path, file->content);

    if (r == SIMDISK_E_SAME) {
        return DISK_E_SAME;
    }
    return r ? tell_failure(fault, "write", file->path, r) : 0;
}

int disk_remove(const char *path, struct buf *fault)
{
    int r = simdisk_remove(machine->disk, path);

    if (r == SIMDISK_E_ABSENT) {
        return DISK_E_ABSENT;
    }
    return r ? tell_failure(fault, "remove", path, r) : 0;
}

int disk_read(const char *path, struct buf *content)
{
    struct buf whole = BUF_INIT(LISTED_MOST);
    int r = simdisk_read(machine->disk, path, &whole);

    buf_clear(content);
    if (!r) {
        buf_put_slice(content, slice_of_buf(&whole));
    }
    buf_deinit(&whole);
    if (r == SIMDISK_E_ABSENT) {
        return DISK_E_ABSENT;
    }
    return r || buf_status(content) ? DISK_E_FAILED : 0;
}

bool disk_is_there(const char *path)
{
    struct buf whole = BUF_INIT(LISTED_MOST);
    bool there = simdisk_read(machine->disk, path, &whole) == 0 && whole.size > 0;

    buf_deinit(&whole);
    return there;
}

void disk_clean(const char *dir)
{
    simdisk_clean(machine->disk, dir);
}

void disk_put_dir(struct buf *dir, const char *path)
{
    const char *slash = strrchr(path, '/');

    must(slash);
    buf_clear(dir);
    buf_put(dir, path, slash == path ? 1 : (size_t)(slash - path));
}

/* The names, each with a NUL behind it: @each may change the disk. */
struct listing {
    struct buf names;
    const char *dir;
    const char *ending;
};

static void list_one(void *context, const char *path)
{
    struct listing *listing = context;
    size_t dir_size = text_length(listing->dir);
    size_t end_size = text_length(listing->ending);
    const char *name = path + dir_size + 1;

    if (text_starts_with(path, listing->dir) && path[dir_size] == '/' && name[0] != '.' &&
        !strchr(name, '/') && text_length(name) > end_size &&
        text_equal(name + text_length(name) - end_size, listing->ending)) {
        buf_put(&listing->names, name, text_length(name) + 1);
    }
}

int disk_list(const char *dir, const char *ending, void (*each)(void *context, const char *name),
              void *context)
{
    struct listing listing = {BUF_INIT(LISTED_MOST), dir, ending};

    simdisk_each(machine->disk, list_one, &listing);
    must(!buf_status(&listing.names));
    for (size_t at = 0; at < listing.names.size;) {
        const char *name = (const char *)listing.names.data + at;

        each(context, name);
        at += text_length(name) + 1;
    }
    buf_deinit(&listing.names);
    return 0;
}
