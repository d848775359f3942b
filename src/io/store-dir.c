/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "io/store-private.h"

/* As mkdir -p does. The last one holds what others need not see. */
static int make_path(const char *dir)
{
    _cleanup_(freep)
    char *path = text_copy(slice_of_text(dir));
    struct stat st;

    if (!path) {
        return -ENOMEM;
    }
    for (char *at = path + 1; *path && *at; at++) {
        if (*at == '/') {
            *at = 0;
            if (mkdir(path, 0755) && errno != EEXIST && stat(path, &st)) {
                return -errno;
            }
            *at = '/';
        }
    }
    if (mkdir(path, 0750) && errno != EEXIST) {
        return -errno;
    }
    return 0;
}

static int dir_set(struct store *store, const char *dir)
{
    store->dir = realpath(dir, NULL);
    if (!store->dir) {
        return -errno;
    }
    return asprintf(&store->path, "%s/store.db", store->dir) < 0 ? -ENOMEM : 0;
}

int store_dir_make(struct store *store, const char *dir)
{
    struct stat st;
    int r;

    r = make_path(dir);
    r = r ? r : dir_set(store, dir);
    if (!r && (stat(store->dir, &st) || !S_ISDIR(st.st_mode))) {
        r = -ENOTDIR;
    }
    if (r) {
        log_say(store->log, NOTE_ERROR,
                "cannot make the state directory %s: %s; make it by hand, or name another with "
                "--state",
                dir, strerror(-r));
        return error_trace(r);
    }
    return 0;
}

int store_dir_find(struct store *store, const char *dir)
{
    struct stat st;
    int r;

    r = dir_set(store, dir);
    if (!r && stat(store->path, &st)) {
        r = -errno;
    }
    if (!r && faccessat(AT_FDCWD, store->path, R_OK, AT_EACCESS)) {
        r = -errno;
    }
    if (r == -ENOENT || r == -ENOTDIR) {
        return STORE_E_ABSENT;
    }
    if (r) {
        log_say(store->log, NOTE_ERROR,
                "cannot read %s/store.db: %s; ask as root, as the user clinch runs as, or as a "
                "member of the file's group",
                dir, strerror(-r));
        return error_trace(r);
    }
    return st.st_size ? 0 : STORE_E_ABSENT; /* being made right now */
}

static void closep(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static int lock_read_pid(int fd)
{
    char text[16] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    return pid > 0 && pid <= INT_MAX ? (int)pid : 0;
}

static int lock_open(const char *path, int flags, int *ret_fd)
{
    struct stat st;
    _cleanup_(closep)
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);

    if (fd < 0 || fstat(fd, &st)) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return -ENOTSUP;
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

bool store_dir_is_ours(const struct store *store, bool strict)
{
    struct stat held, there;
    _cleanup_(freep)
    char *path = NULL;

    if (asprintf(&path, "%s/clinch.lock", store->dir) < 0) {
        path = NULL;
        return false;
    }
    if (fstat(store->lock_fd, &held) || stat(path, &there)) {
        return !strict;
    }
    return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

int store_dir_lock(struct store *store, int *ret_pid)
{
    _cleanup_(freep)
    char *path = NULL;
    int r = 0;

    if (asprintf(&path, "%s/clinch.lock", store->dir) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    /* A visitor may be root: a file of root's would keep the user that clinch runs as out. */
    r = lock_open(path, store->visitor ? O_RDWR : O_RDWR | O_CREAT, &store->lock_fd);
    if (!r && flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
        r = -errno;
    }
    if (r == -EWOULDBLOCK) {
        *ret_pid = lock_read_pid(store->lock_fd);
        closep(&store->lock_fd);
        store->lock_fd = -1;
        return STORE_E_LOCKED;
    }
    if (r) {
        log_say(store->log, NOTE_ERROR,
                "cannot lock %s: %s; the state directory must belong to the user clinch runs as",
                path, strerror(-r));
        return error_trace(r);
    }
    /* The number is only for people: a full disk must not keep us from running. */
    if (ftruncate(store->lock_fd, 0) == 0) {
        dprintf(store->lock_fd, "%d\n", (int)getpid());
    }
    return 0;
}

bool store_is_locked(const char *dir)
{
    _cleanup_(freep)
    char *path = NULL;
    _cleanup_(closep)
    int fd = -1;

    if (asprintf(&path, "%s/clinch.lock", dir) < 0) {
        path = NULL;
        return false;
    }
    return lock_open(path, O_RDONLY, &fd) == 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 &&
           errno == EWOULDBLOCK;
}

/* The file stays: removing it would let two writers lock two files of one name. */
void store_dir_unlock(struct store *store)
{
    if (store->lock_fd >= 0) {
        (void)!ftruncate(store->lock_fd, 0);
        close(store->lock_fd);
        store->lock_fd = -1;
    }
}
