/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* nginx is played by a command: like nginx it reads all snippets and the DER that each names, and
 * fails as a whole when one is missing or empty; what it read last is what it shows. Dying at any
 * point is played by a child process that ends instead of the n-th change of the disk. Each test
 * program has its own of all this, and is linked with what stands for system calls here. */

#include "publish/test-world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "publish/files.h"

#define UNTIL_S (TEST_WALL_S + 4 * TEST_DAY_S)
#define DIED    9

static struct test_world world;
static struct files *files;
static struct file_target *target;
static struct runner *runner;
static struct target_config config;
static char folder[128];
static char shown[128]; /* what nginx shows of site; no file: nothing */
static char command[1024];
static bool without_command;

static unsigned steps_left; /* 0: for ever */
static bool is_mortal;
static bool on_disk;
static bool disk_broken;
static unsigned commits;
static unsigned syncs;

static inline void step(void)
{
    if (is_mortal && --steps_left == 0) {
        _exit(DIED);
    }
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    step();
    return __real_renameat(from_fd, from, to_fd, to);
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    step();
    return __real_renameat2(from_fd, from, to_fd, to, flags);
}

int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags)
{
    step();
    return __real_unlinkat(fd, path, flags);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    step();
    ++syncs;
    if (disk_broken) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    step();
    ++syncs;
    return __real_syncfs(fd);
}

/* The folder lies on a disk, or in memory. */
int __real_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info)
{
    int r = __real_fstatfs(fd, info);

    info->f_type = on_disk ? EXT4_SUPER_MAGIC : TMPFS_MAGIC;
    return r;
}

int __real_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count);
int __wrap_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count);
int __wrap_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count)
{
    step();
    ++commits;
    return __real_store_commit_published(store, published, count);
}

static inline int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    is_mortal = false;
    on_disk = true;
    disk_broken = false;
    commits = syncs = 0;
    without_command = false;
    snprintf(folder, sizeof(folder), "%s/state/nginx", world.dir);
    snprintf(shown, sizeof(shown), "%s/state/shown", world.dir);
    assert_int_equal(mkdir(folder, 0755), 0);
    snprintf(command, sizeof(command),
             "cd %s && for c in *.conf; do [ -e \"$c\" ] || continue; "
             "[ -s \"$(sed -n 's/^ssl_stapling_file \\(.*\\);/\\1/p' $c)\" ] || exit 1; done; "
             "if [ -e site.conf ]; then cp site.ocsp ../shown; else rm -f ../shown; fi; "
             "echo >> ../runs",
             folder);
    config = (struct target_config){.type = TARGET_NGINX, .line = 3, .reload_interval_s = 3600};
    return 0;
}

static inline void start(void)
{
    const struct file_settings settings = {.config = &config,
                                           .kind = &file_kinds[TARGET_NGINX],
                                           .template = "{name}",
                                           .folder = folder};

    if (files_new(&files, &world.context) || file_target_new(&target, files, &settings)) {
        abort();
    }
    if (!without_command && (runner_new(&runner, &world.context, command, 3600) ||
                             file_target_add_runner(target, runner, NULL))) {
        abort();
    }
    disk_clean(folder);
    nginx_repair(target, test_now.wall_s);
}

static inline void stop(void)
{
    files_free(files);
    target->base.ops->free(&target->base);
    runner_free(runner);
    runner = NULL;
}

static inline int end(void **state)
{
    (void)state;
    test_world_end(&world);
    return 0;
}

static inline void open_store(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    if (store_open(&world.context.store, dir, &world.log, NULL)) {
        abort();
    }
}

static inline void close_store(void)
{
    store_close(world.context.store);
    world.context.store = NULL;
}

static inline void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;
    int64_t due_ms;

    do {
        due_ms = test_tick(files, test_now);
        if (runner) {
            runner_tick(runner, test_now);
            uv_run(&world.loop, UV_RUN_DEFAULT);
            due_ms = time_min(due_ms, reload_deadline_ms(runner_reload(runner)));
        }
        if (files->runs_seen != world.context.runs) {
            due_ms = test_now.mono_ms;
        }
    } while (test_advance(due_ms, until_ms));
}

static inline void publish(const char *path, uint8_t serial, int64_t until_s)
{
    struct wish *wish = test_wish(serial, until_s, true);
    struct cert_facts cert = test_cert(serial);

    if (target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish)) {
        abort();
    }
    wish_unref(wish);
}

static inline void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}

static inline const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static inline unsigned runs(void)
{
    char path[256];
    const char *text;

    snprintf(path, sizeof(path), "%s/state/runs", world.dir);
    text = test_read(path);
    return text ? (unsigned)strlen(text) : 0;
}

/* True when nginx could start now. */
static inline bool nginx_starts(void)
{
    return !test_exists(in_folder("site.conf")) || test_shows(in_folder("site.ocsp"), 1, UNTIL_S) ||
           test_shows(in_folder("site.ocsp"), 1, UNTIL_S + 9) ||
           test_shows(in_folder("site.ocsp"), 2, UNTIL_S);
}
