/* SPDX-License-Identifier: Apache-2.0 */
#include "io/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "base/rng.h"

#define WATCH_QUIET_MS  150  /* after the last event */
#define WATCH_LATEST_MS 1000 /* after the first */
#define WATCH_SAFETY_MS 60000
#define WATCH_POLL_MS   2000 /* where inotify does not reach */
#define WATCH_POLL_COST 20   /* polling takes at most a twentieth of the time */
#define WATCH_EVENTS                                                                               \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY |            \
     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

/* Why a directory is not watched; each is told once, until it is over. */
enum blindness {
    BLIND_NOT,
    BLIND_LIMIT,     /* fs.inotify.max_user_watches */
    BLIND_INSTANCES, /* fs.inotify.max_user_instances */
    BLIND_REMOTE,    /* a file system on which others write unseen */
    BLIND_CLOSED,    /* no permission */
};

/* A set of watch descriptors (> 0): open addressing, never more than half full. */
struct descriptors {
    int *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

struct watch {
    uv_loop_t *loop;
    const struct log *log;
    void (*changed)(void *context);
    void *context;

    int fd; /* -1: no inotify at all */
    uv_poll_t poll;
    uv_timer_t quiet;  /* runs while something has changed */
    uv_timer_t safety; /* always runs */
    unsigned open_handles;

    bool pending;
    uint64_t first_ms; /* event of what is pending */
    uint64_t cost_ms;  /* of the last changed() */
    struct descriptors watched, next;
    enum blindness blind; /* of the marking that goes on */
    enum blindness told;  /* and not over since */
    bool polling;
};

static bool descriptors_put(struct descriptors *set, int descriptor);

static bool descriptors_grow(struct descriptors *set)
{
    struct descriptors bigger = {.size = set->size ? set->size * 2 : 64};

    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (!bigger.slots) {
        return false;
    }
    for (size_t i = 0; i < set->size; i++) {
        if (set->slots[i]) {
            descriptors_put(&bigger, set->slots[i]);
        }
    }
    free(set->slots);
    *set = bigger;
    return true;
}

static size_t descriptors_slot(const struct descriptors *set, int descriptor)
{
    size_t i = rng_mix((uint64_t)descriptor) & (set->size - 1);

    while (set->slots[i] && set->slots[i] != descriptor) {
        i = (i + 1) & (set->size - 1);
    }
    return i;
}

static bool descriptors_put(struct descriptors *set, int descriptor)
{
    size_t i;

    if (2 * (set->count + 1) > set->size && !descriptors_grow(set)) {
        return false;
    }
    i = descriptors_slot(set, descriptor);
    set->count += set->slots[i] == 0;
    set->slots[i] = descriptor;
    return true;
}

static bool descriptors_have(const struct descriptors *set, int descriptor)
{
    return set->size && set->slots[descriptors_slot(set, descriptor)] == descriptor;
}

static void descriptors_deinit(struct descriptors *set)
{
    free(set->slots);
    *set = (struct descriptors){0};
}

static bool name_ends(const char *name, const char *ending)
{
    size_t size = strlen(name), tail = strlen(ending);

    return size >= tail && strcmp(name + size - tail, ending) == 0;
}

/* What we write ourselves (temporary files, staples, the store) must not set off another look,
 * which would write again. Names with two dots are how Kubernetes exchanges a volume ("..data"). */
static bool name_is_ours(const char *name)
{
    return (name[0] == '.' && name[1] != '.') || name_ends(name, ".ocsp") ||
           name_ends(name, ".tmp") || name_ends(name, "-wal") || name_ends(name, "-shm") ||
           name_ends(name, "-journal") || name_ends(name, "store.db") ||
           name_ends(name, "clinch.lock");
}

static bool event_matters(const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        return true;
    }
    if (event->mask & IN_IGNORED) {
        return false; /* we let go, or a removal that was told by itself */
    }
    return event->len == 0 || !name_is_ours(event->name);
}

static void watch_tell(struct watch *watch)
{
    uint64_t start_ns = uv_hrtime();

    watch->pending = false;
    uv_timer_stop(&watch->quiet);
    watch->changed(watch->context);
    watch->cost_ms = (uv_hrtime() - start_ns) / 1000000;
}

static void on_quiet(uv_timer_t *timer)
{
    watch_tell(timer->data);
}

static void safety_start(struct watch *watch);

static void on_safety(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    watch_tell(watch);
    if (!uv_is_closing((uv_handle_t *)timer)) {
        safety_start(watch);
    }
}

static void safety_start(struct watch *watch)
{
    uint64_t poll_ms = watch->cost_ms * WATCH_POLL_COST;

    poll_ms = poll_ms < WATCH_POLL_MS ? WATCH_POLL_MS : poll_ms;
    uv_timer_start(&watch->safety, on_safety,
                   watch->polling && poll_ms < WATCH_SAFETY_MS ? poll_ms : WATCH_SAFETY_MS, 0);
}

static void watch_note_change(struct watch *watch)
{
    uint64_t now_ms = uv_now(watch->loop);
    uint64_t latest_ms, due_ms = now_ms + WATCH_QUIET_MS;

    if (!watch->pending) {
        watch->pending = true;
        watch->first_ms = now_ms;
    }
    latest_ms = watch->first_ms + WATCH_LATEST_MS;
    due_ms = due_ms < latest_ms ? due_ms : latest_ms;
    uv_timer_start(&watch->quiet, on_quiet, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    char memory[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool matters = status < 0;
    ssize_t n;

    (void)events;
    while ((n = read(watch->fd, memory, sizeof(memory))) > 0) {
        for (char *at = memory; at < memory + n;) {
            const struct inotify_event *event = (const struct inotify_event *)at;

            matters |= event_matters(event);
            at += sizeof(*event) + event->len;
        }
    }
    if (matters) {
        watch_note_change(watch);
    }
}

int watch_new(struct watch **ret_watch, uv_loop_t *loop, const struct log *log,
              void (*changed)(void *context), void *context)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (!watch) {
        return -ENOMEM;
    }
    watch->loop = loop;
    watch->log = log;
    watch->changed = changed;
    watch->context = context;
    uv_timer_init(loop, &watch->quiet);
    uv_timer_init(loop, &watch->safety);
    watch->open_handles = 2;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd >= 0 && uv_poll_init(loop, &watch->poll, watch->fd)) {
        close(watch->fd);
        watch->fd = -1;
    }
    if (watch->fd >= 0) {
        watch->open_handles = 3;
        uv_poll_start(&watch->poll, UV_READABLE, on_poll);
    }
    watch->quiet.data = watch->safety.data = watch->poll.data = watch;
    safety_start(watch);
    *ret_watch = watch;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    if (--watch->open_handles == 0) {
        descriptors_deinit(&watch->watched);
        descriptors_deinit(&watch->next);
        free(watch);
    }
}

void watch_close(struct watch *watch)
{
    if (!watch) {
        return;
    }
    uv_close((uv_handle_t *)&watch->quiet, on_closed);
    uv_close((uv_handle_t *)&watch->safety, on_closed);
    if (watch->fd >= 0) {
        uv_close((uv_handle_t *)&watch->poll, on_closed);
        close(watch->fd);
    }
}

void watch_begin(struct watch *watch)
{
    descriptors_deinit(&watch->next);
    watch->blind = BLIND_NOT;
}

/* inotify tells only what this machine's kernel does; elsewhere others write, too. */
static bool is_remote(const char *path)
{
    static const unsigned long magics[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x01021997, /* 9P */
        0x65735546, /* FUSE: sshfs, GlusterFS... */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
    };
    struct statfs st;

    if (statfs(path, &st)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        if (((unsigned long)st.f_type & 0xffffffff) == magics[i]) {
            return true;
        }
    }
    return false;
}

static void watch_blind(struct watch *watch, enum blindness blind, const char *path)
{
    struct buf name = BUF_INIT(4096);

    if (watch->blind == BLIND_NOT || blind < watch->blind) {
        watch->blind = blind; /* the one that can be helped most easily */
    }
    if (watch->told == BLIND_NOT || blind < watch->told) {
        watch->told = blind;
        buf_put_printable(&name, slice_of_text(path), 1024);
        log_say(watch->log, blind <= BLIND_INSTANCES ? NOTE_WARNING : NOTE_INFO, "%s: %s",
                buf_text(&name),
                blind == BLIND_LIMIT ? "the kernel has no more watches to give; certificates are "
                                       "looked at every few seconds instead. Raise "
                                       "fs.inotify.max_user_watches (sysctl)"
                : blind == BLIND_INSTANCES
                    ? "the kernel gives no inotify instance; certificates are looked at every few "
                      "seconds instead. Raise fs.inotify.max_user_instances (sysctl)"
                : blind == BLIND_REMOTE
                    ? "a network file system, on which changes may come unseen; certificates are "
                      "looked at every few seconds, too"
                    : "this folder may not be watched (permission denied); certificates are "
                      "looked at every few seconds instead");
        buf_deinit(&name);
    }
}

void watch_directory(struct watch *watch, const char *path)
{
    int descriptor;

    if (watch->fd < 0) {
        watch_blind(watch, BLIND_INSTANCES, path);
        return;
    }
    descriptor = inotify_add_watch(watch->fd, path, WATCH_EVENTS);
    if (descriptor < 0) {
        if (errno == ENOSPC || errno == ENOMEM || errno == EACCES) {
            watch_blind(watch, errno == EACCES ? BLIND_CLOSED : BLIND_LIMIT, path);
        }
        return; /* not there, no folder: whoever scans says so, and the folder above is watched */
    }
    if (!descriptors_put(&watch->next, descriptor)) {
        watch_blind(watch, BLIND_LIMIT, path);
        return;
    }
    if (is_remote(path)) {
        watch_blind(watch, BLIND_REMOTE, path);
    }
}

void watch_end(struct watch *watch)
{
    bool polling = watch->blind != BLIND_NOT;

    for (size_t i = 0; i < watch->watched.size; i++) {
        int descriptor = watch->watched.slots[i];

        if (descriptor && !descriptors_have(&watch->next, descriptor)) {
            inotify_rm_watch(watch->fd, descriptor);
        }
    }
    descriptors_deinit(&watch->watched);
    watch->watched = watch->next;
    watch->next = (struct descriptors){0};
    watch->told = watch->blind;
    if (watch->polling != polling) {
        watch->polling = polling;
        safety_start(watch);
    }
}
