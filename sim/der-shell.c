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
#include "publish/barrier.h"
#include "publish/disk.h"
#include "publish/haproxy.h"
#include "sim/must.h"

#define COMMAND_MOST_MS 400 /* a command takes up to this long */
#define BARRIER_MOST_MS 300 /* and the disk */
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

/* What the disk is asked to do by the next barrier; paths, each with a NUL behind it. */
struct asked {
    struct buf files;
    struct buf folders;
    struct buf trash;
};

struct barrier {
    void (*done)(void *context);
    void *context;
    struct asked next;
    struct asked now;
    bool running;
    int64_t end_ms;
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
    struct barrier *barrier; /* the publisher's only one */
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
    if (shell->barrier && shell->barrier->running) {
        due_ms = time_min(due_ms, shell->barrier->end_ms);
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

static void each_path(const struct buf *paths, int (*each)(struct simdisk *disk, const char *path))
{
    for (size_t at = 0; at < paths->size;) {
        const char *path = (const char *)paths->data + at;

        each(machine->disk, path);
        at += text_length(path) + 1;
    }
}

/* All that the disk was asked for; the machine may stop anywhere in it. */
static void do_asked(struct asked *asked)
{
    each_path(&asked->files, simdisk_sync);
    each_path(&asked->folders, simdisk_sync_folder);
    each_path(&asked->trash, simdisk_drop);
    buf_clear(&asked->files);
    buf_clear(&asked->folders);
    buf_clear(&asked->trash);
}

static void end_barrier(struct barrier *barrier)
{
    barrier->running = false;
    do_asked(&barrier->now);
    if (!simdisk_is_down(machine->disk)) {
        barrier->done(barrier->context);
    }
}

void dershell_turn(struct dershell *shell)
{
    int64_t mono_ms = clock_now().mono_ms;
    struct spawn *spawn;

    if (shell->barrier && shell->barrier->running && shell->barrier->end_ms <= mono_ms) {
        end_barrier(shell->barrier);
    }

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

static int commit_one(struct simdisk *disk, const struct store_published *published)
{
    const struct simdisk_published row = {
        published->path,        published->snippet,       published->command, published->kind,
        published->leaf_sha256, published->next_update_s, published->der_hash};

    return published->kind ? simdisk_store_put_published(disk, &row)
                           : simdisk_store_drop_published(disk, published->path);
}

int store_put_published(struct store *store, const struct store_published *published)
{
    return commit_one(store->shell->disk, published);
}

int store_drop_published(struct store *store, const char *path)
{
    return simdisk_store_drop_published(store->shell->disk, path);
}

/* Each row a commit of its own: whoever trusts in less trusts in a whole one, too. */
int store_commit_published(struct store *store, const struct store_published *published,
                           size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && !r; i++) {
        r = commit_one(store->shell->disk, &published[i]);
    }
    return r;
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
        .der_hash = row->der_hash,
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

int disk_stage(const struct disk_file *file, struct disk_temp *ret_temp, struct buf *fault)
{
    struct disk_temp temp = {.durable = true};
    int r = simdisk_stage(machine->disk, file->path, file->content, &temp.path);

    if (r == SIMDISK_E_SAME) {
        return DISK_E_SAME;
    }
    if (r) {
        return tell_failure(fault, "write", file->path, r);
    }
    *ret_temp = temp;
    return 0;
}

int disk_move(struct disk_temp *temp, const char *path, struct buf *fault)
{
    int r = simdisk_move(machine->disk, temp->path, path);

    if (r) {
        return tell_failure(fault, "write", path, r);
    }
    free(temp->path);
    temp->path = NULL;
    return 0;
}

int disk_drop(const char *path, struct disk_temp *ret_temp, struct buf *fault)
{
    int r = simdisk_drop(machine->disk, path);

    if (r == SIMDISK_E_ABSENT) {
        return DISK_E_ABSENT;
    }
    if (r) {
        return tell_failure(fault, "remove", path, r);
    }
    *ret_temp = (struct disk_temp){.durable = true};
    return 0;
}

int disk_remove(const char *path, struct buf *fault)
{
    int r = simdisk_drop(machine->disk, path);

    r = r ? r : simdisk_sync_folder(machine->disk, path);
    if (r == SIMDISK_E_ABSENT) {
        return DISK_E_ABSENT;
    }
    return r ? tell_failure(fault, "remove", path, r) : 0;
}

bool disk_has_keys(const char *dir, struct buf *name)
{
    (void)dir;
    (void)name;
    return false;
}

struct disk_print disk_print_of(const char *path)
{
    (void)path;
    must(!"no server in this machine writes files of its own");
    return (struct disk_print){0};
}

bool disk_print_equal(const struct disk_print *a, const struct disk_print *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* ---- publish/barrier.h ---- */

int barrier_new(struct barrier **ret_barrier, uv_loop_t *loop, void (*done)(void *context),
                void *context)
{
    struct barrier *barrier = calloc(1, sizeof(*barrier));

    (void)loop;
    must(barrier && !machine->barrier);
    for (unsigned i = 0; i < 2; i++) {
        struct asked *asked = i ? &barrier->next : &barrier->now;

        asked->files = asked->folders = asked->trash = BUF_INIT(LISTED_MOST);
    }
    barrier->done = done;
    barrier->context = context;
    machine->barrier = barrier;
    *ret_barrier = barrier;
    return 0;
}

struct barrier *barrier_free(struct barrier *barrier)
{
    if (!barrier) {
        return NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct asked *asked = i ? &barrier->next : &barrier->now;

        each_path(&asked->trash, simdisk_drop);
        buf_deinit(&asked->files);
        buf_deinit(&asked->folders);
        buf_deinit(&asked->trash);
    }
    free(barrier);
    machine->barrier = NULL;
    return NULL;
}

static void ask(struct buf *paths, const char *path)
{
    buf_put(paths, path, text_length(path) + 1);
    must(!buf_status(paths));
}

void barrier_add_file(struct barrier *barrier, const char *path)
{
    ask(&barrier->next.files, path);
}

void barrier_add_folder(struct barrier *barrier, const char *path)
{
    ask(&barrier->next.folders, path);
}

void barrier_add_trash(struct barrier *barrier, const char *path)
{
    ask(&barrier->next.trash, path);
}

void barrier_start(struct barrier *barrier)
{
    struct asked now = barrier->now;

    if (barrier->running ||
        !(barrier->next.files.size || barrier->next.folders.size || barrier->next.trash.size)) {
        return;
    }
    barrier->now = barrier->next;
    barrier->next = now;
    barrier->running = true;
    barrier->end_ms =
        time_add(clock_now().mono_ms, (int64_t)rng_below(&machine->rng, BARRIER_MOST_MS));
}

int barrier_error(const struct barrier *barrier, const char *path)
{
    (void)barrier;
    (void)path;
    return 0;
}

bool barrier_is_running(const struct barrier *barrier)
{
    return barrier->running;
}

/* ---- the rest of publish/disk.h ---- */

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
