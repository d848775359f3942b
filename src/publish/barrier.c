/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/barrier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/disk.h"

#define NAMES_MAX (256 * 1024 * 1024)
#define EACH_MOST                                                                                  \
    16 /* files synced one by one; more: their file system, with all that is others' */
#define DEVICES_MAX 16

/* Paths, each with a NUL behind it. */
struct names {
    struct buf text;
    unsigned count;
};

struct run {
    uv_work_t work;
    struct barrier *barrier; /* NULL: it was freed meanwhile */
    struct names files;
    struct names folders;
    struct names failed; /* of both */
    int error;           /* the first */
    bool all_failed;
};

/* Unlinking is a run of its own: nobody waits for it. */
struct sweep {
    uv_work_t work;
    struct barrier *barrier; /* as above */
    struct names trash;
};

struct barrier {
    uv_loop_t *loop;
    void (*done)(void *context);
    void *context;
    struct run *next; /* what is added */
    struct run *running;
    const struct run *ended; /* inside done() */
    struct names trash;      /* what is added */
    struct sweep *sweeping;
};

static const char *names_next(const struct names *names, const char *name)
{
    const char *next = name ? name + strlen(name) + 1 : (const char *)names->text.data;

    return names->text.size && next < (const char *)names->text.data + names->text.size ? next
                                                                                        : NULL;
}

static struct run *run_new(struct barrier *barrier)
{
    struct run *run = calloc(1, sizeof(*run));

    if (run) {
        run->files.text = run->folders.text = run->failed.text = BUF_INIT(NAMES_MAX);
        run->barrier = barrier;
        run->work.data = run;
    }
    return run;
}

static struct run *run_free(struct run *run)
{
    if (run) {
        buf_deinit(&run->files.text);
        buf_deinit(&run->folders.text);
        buf_deinit(&run->failed.text);
        free(run);
    }
    return NULL;
}

int barrier_new(struct barrier **ret_barrier, uv_loop_t *loop, void (*done)(void *context),
                void *context)
{
    struct barrier *barrier = calloc(1, sizeof(*barrier));

    if (barrier) {
        barrier->next = run_new(barrier);
    }
    if (!barrier || !barrier->next) {
        free(barrier);
        return -ENOMEM;
    }
    barrier->trash.text = BUF_INIT(NAMES_MAX);
    barrier->loop = loop;
    barrier->done = done;
    barrier->context = context;
    *ret_barrier = barrier;
    return 0;
}

static void empty(const struct names *trash)
{
    const char *name = NULL;

    while ((name = names_next(trash, name))) {
        unlink(name);
    }
}

struct barrier *barrier_free(struct barrier *barrier)
{
    if (!barrier) {
        return NULL;
    }
    empty(&barrier->trash);
    buf_deinit(&barrier->trash.text);
    run_free(barrier->next);
    if (barrier->running) {
        barrier->running->barrier = NULL;
    }
    if (barrier->sweeping) {
        barrier->sweeping->barrier = NULL;
    }
    free(barrier);
    return NULL;
}

static void add(struct run *run, struct names *names, const char *name)
{
    buf_put(&names->text, name, strlen(name) + 1);
    ++names->count;
    if (buf_status(&names->text)) {
        run->error = -ENOMEM;
        run->all_failed = true;
    }
}

void barrier_add_file(struct barrier *barrier, const char *path)
{
    add(barrier->next, &barrier->next->files, path);
}

static bool names_has(const struct names *names, const char *name)
{
    const char *one = NULL;

    while ((one = names_next(names, one))) {
        if (strcmp(one, name) == 0) {
            return true;
        }
    }
    return false;
}

void barrier_add_folder(struct barrier *barrier, const char *path)
{
    struct names *folders = &barrier->next->folders;
    struct buf dir = BUF_INIT(TEXT_MAX);

    disk_put_dir(&dir, path);
    if (folders->count > EACH_MOST || !names_has(folders, buf_text(&dir))) {
        add(barrier->next, folders, buf_text(&dir));
    }
    buf_deinit(&dir);
}

void barrier_add_trash(struct barrier *barrier, const char *path)
{
    buf_put(&barrier->trash.text, path, strlen(path) + 1);
}

/* ---- in the pool ---- */

/* The file systems that have been flushed. */
struct flushed {
    dev_t devices[DEVICES_MAX];
    unsigned count;
};

static int flush_file_system(int fd, struct flushed *flushed)
{
    struct stat info;

    if (fstat(fd, &info)) {
        return -errno;
    }
    for (unsigned i = 0; i < flushed->count; ++i) {
        if (flushed->devices[i] == info.st_dev) {
            return 0;
        }
    }
    if (syncfs(fd)) {
        return -errno;
    }
    if (flushed->count < DEVICES_MAX) {
        flushed->devices[flushed->count++] = info.st_dev;
    }
    return 0;
}

/* A name that has gone was given up meanwhile: nobody waits for it. Some file systems cannot sync a
 * folder, and say so. */
static int sync_one(const char *name, int flags, bool alone, struct flushed *flushed)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | flags);
    int r = 0;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!alone) {
        r = flush_file_system(fd, flushed);
    } else if (fsync(fd) && !(errno == EINVAL && flags & O_DIRECTORY)) {
        r = -errno;
    }
    close(fd);
    return r;
}

static void sync_all(struct run *run, const struct names *names, int flags)
{
    bool alone = names->count <= EACH_MOST;
    struct flushed flushed = {0};
    const char *name = NULL;

    while ((name = names_next(names, name))) {
        int r = sync_one(name, flags, alone, &flushed);

        if (r) {
            run->error = run->error ? run->error : r;
            buf_put(&run->failed.text, name, strlen(name) + 1);
            /* What was flushed together failed together. */
            run->all_failed |= !alone || buf_status(&run->failed.text);
        }
    }
}

static void on_work(uv_work_t *work)
{
    struct run *run = work->data;

    sync_all(run, &run->files, O_NOFOLLOW | O_NONBLOCK);
    sync_all(run, &run->folders, O_DIRECTORY);
}

static void on_sweep(uv_work_t *work)
{
    const struct sweep *sweep = work->data;

    empty(&sweep->trash);
}

/* ---- on the loop ---- */

static void start_sweep(struct barrier *barrier);

static void run_end(struct barrier *barrier, struct run *run)
{
    barrier->ended = run;
    barrier->done(barrier->context);
    barrier->ended = NULL;
    run_free(run);
}

static void on_done(uv_work_t *work, int status)
{
    struct run *run = work->data;
    struct barrier *barrier = run->barrier;

    if (!barrier) {
        run_free(run);
        return;
    }
    if (status) {
        run->error = status;
        run->all_failed = true;
    }
    barrier->running = NULL;
    run_end(barrier, run);
}

static void on_swept(uv_work_t *work, int status)
{
    struct sweep *sweep = work->data;

    (void)status;
    if (sweep->barrier) {
        sweep->barrier->sweeping = NULL;
        start_sweep(sweep->barrier);
    }
    buf_deinit(&sweep->trash.text);
    free(sweep);
}

/* What cannot be unlinked now is tried again with what comes. */
static void start_sweep(struct barrier *barrier)
{
    struct sweep *sweep;

    if (barrier->sweeping || !barrier->trash.text.size) {
        return;
    }
    sweep = calloc(1, sizeof(*sweep));
    if (!sweep) {
        return;
    }
    *sweep = (struct sweep){.barrier = barrier, .trash = barrier->trash};
    sweep->work.data = sweep;
    if (uv_queue_work(barrier->loop, &sweep->work, on_sweep, on_swept)) {
        free(sweep);
        return;
    }
    barrier->trash.text = BUF_INIT(NAMES_MAX);
    barrier->sweeping = sweep;
}

static bool is_empty(const struct run *run)
{
    return !run->files.count && !run->folders.count;
}

void barrier_start(struct barrier *barrier)
{
    struct run *run = barrier->next;
    struct run *next;
    int r = run->error;

    start_sweep(barrier);
    if (barrier->running || is_empty(run)) {
        return;
    }
    next = run_new(barrier);
    if (!next) {
        return; /* the next turn may have memory */
    }
    barrier->next = next;
    r = r ? r : uv_queue_work(barrier->loop, &run->work, on_work, on_done);
    if (r) {
        run->error = r;
        run->all_failed = true;
        run_end(barrier, run);
        return;
    }
    barrier->running = run;
}

int barrier_error(const struct barrier *barrier, const char *path)
{
    const struct run *run = barrier->ended;
    struct buf dir = BUF_INIT(TEXT_MAX);
    bool failed;

    if (!run->error) {
        return 0;
    }
    disk_put_dir(&dir, path);
    failed =
        run->all_failed || names_has(&run->failed, path) || names_has(&run->failed, buf_text(&dir));
    buf_deinit(&dir);
    return failed ? run->error : 0;
}

bool barrier_is_running(const struct barrier *barrier)
{
    return barrier->running != NULL;
}
