/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "staple/response.h"

#define NAME_SIZE (2 * STAPLE_ID_SIZE + sizeof(".ocsp"))

/* Descriptors this high are in nobody's way: programs take the low ones for granted. Where there
 * are fewer, half of that, and so on. */
#define FD_LOWEST 900

struct folder {
    char *path;
    int fd; /* O_PATH; -1: it could not be opened */
    dev_t device;
    ino_t inode;
};

struct folders {
    size_t count;
    struct folder at[FOLDERS_MAX];
};

/* One way to a file. */
struct way {
    int fd;
    char path[PATH_MAX];
};

static int put_high(int fd)
{
    int high = -1;

    for (int lowest = FD_LOWEST; high < 0 && lowest > fd; lowest /= 2) {
        high = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    }
    if (high < 0) {
        return fd;
    }
    close(fd);
    return high;
}

static void open_folder(struct folder *folder)
{
    int fd = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat info;

    folder->fd = -1;
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &info)) {
        close(fd);
        return;
    }
    folder->fd = put_high(fd);
    folder->device = info.st_dev;
    folder->inode = info.st_ino;
}

static int add_folder(struct folders *folders, const char *path, size_t length)
{
    struct folder *folder = &folders->at[folders->count];

    if (folders->count == FOLDERS_MAX || path[0] != '/' || length + 1 + NAME_SIZE > PATH_MAX) {
        return -EINVAL;
    }
    folder->path = strndup(path, length);
    if (!folder->path) {
        return -ENOMEM;
    }
    open_folder(folder);
    ++folders->count;
    return 0;
}

int folders_new(struct folders **ret_folders, const char *paths)
{
    struct folders *folders = calloc(1, sizeof(*folders));
    int r = folders ? 0 : -ENOMEM;

    while (!r) {
        size_t length = strcspn(paths, ":");

        if (length > 0) {
            r = add_folder(folders, paths, length);
        }
        if (paths[length] == '\0') {
            break;
        }
        paths += length + 1;
    }
    if (!r && folders->count == 0) {
        r = -EINVAL;
    }
    if (r) {
        folders_free(folders);
        return r;
    }
    *ret_folders = folders;
    return 0;
}

struct folders *folders_free(struct folders *folders)
{
    if (!folders) {
        return NULL;
    }
    for (size_t i = 0; i < folders->count; ++i) {
        free(folders->at[i].path);
        if (folders->at[i].fd >= 0) {
            close(folders->at[i].fd);
        }
    }
    free(folders);
    return NULL;
}

void staple_ref(struct staple *staple)
{
    __atomic_add_fetch(&staple->references, 1, __ATOMIC_RELAXED);
}

struct staple *staple_unref(struct staple *staple)
{
    if (staple && __atomic_sub_fetch(&staple->references, 1, __ATOMIC_ACQ_REL) == 0) {
        free(staple);
    }
    return NULL;
}

static void put_name(char *text, const uint8_t *id)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < STAPLE_ID_SIZE; ++i) {
        *text++ = digits[id[i] >> 4];
        *text++ = digits[id[i] & 15];
    }
    memcpy(text, ".ocsp", sizeof(".ocsp"));
}

/* A server that closes all descriptors may have something else under this number by now. */
static bool is_still_open(const struct folder *folder)
{
    struct stat info;

    return folder->fd >= 0 && fstat(folder->fd, &info) == 0 && info.st_dev == folder->device &&
           info.st_ino == folder->inode;
}

/* Looks for @id's file by the folder's path. Where the folder can be reached, what it says counts,
 * also that there is no such file; else (chroot, lost rights) the descriptor is asked. */
static bool look(const struct folder *folder, const uint8_t *id, struct way *way,
                 struct stat *ret_info)
{
    size_t length = strlen(folder->path);
    struct stat info;

    way->fd = AT_FDCWD;
    memcpy(way->path, folder->path, length);
    way->path[length] = '/';
    put_name(way->path + length + 1, id);
    if (fstatat(way->fd, way->path, ret_info, AT_SYMLINK_NOFOLLOW) == 0) {
        return true;
    }
    if (errno == ENOENT && fstatat(AT_FDCWD, folder->path, &info, 0) == 0) {
        return false;
    }
    if (!is_still_open(folder)) {
        return false;
    }
    way->fd = folder->fd;
    put_name(way->path, id);
    return fstatat(way->fd, way->path, ret_info, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_living(const struct folder *folder, const uint8_t *id, int64_t wall_s,
                      struct way *way, struct stat *ret_info)
{
    return look(folder, id, way, ret_info) && S_ISREG(ret_info->st_mode) &&
           ret_info->st_mtim.tv_sec > wall_s;
}

/* splitmix64: what differs in one number never comes out the same. */
static uint64_t mix(uint64_t version, uint64_t number)
{
    version = (version ^ number) + 0x9e3779b97f4a7c15;
    version = (version ^ version >> 30) * 0xbf58476d1ce4e5b9;
    version = (version ^ version >> 27) * 0x94d049bb133111eb;
    return version ^ version >> 31;
}

/* A rename gives another inode, and what is written in place another ctime. */
static uint64_t add_version(uint64_t version, const struct stat *info)
{
    version = mix(version, info->st_dev);
    version = mix(version, info->st_ino);
    version = mix(version, (uint64_t)info->st_size);
    version = mix(version, (uint64_t)info->st_mtim.tv_sec);
    version = mix(version, (uint64_t)info->st_mtim.tv_nsec);
    version = mix(version, (uint64_t)info->st_ctim.tv_sec);
    version = mix(version, (uint64_t)info->st_ctim.tv_nsec);
    return version > 0 ? version : 1;
}

uint64_t folders_look(const struct folders *folders, const uint8_t *id, int64_t wall_s)
{
    uint64_t version = 0;
    struct stat info;
    struct way way;

    for (size_t i = 0; i < folders->count; ++i) {
        if (is_living(&folders->at[i], id, wall_s, &way, &info)) {
            version = add_version(version, &info);
        }
    }
    return version;
}

/* True when @size octets came, and the end behind them. */
static bool read_all(int fd, uint8_t *data, size_t size)
{
    uint8_t more;
    ssize_t got;

    for (size_t done = 0; done < size; done += (size_t)got) {
        got = TEMP_FAILURE_RETRY(read(fd, data + done, size - done));
        if (got <= 0) {
            return false;
        }
    }
    return TEMP_FAILURE_RETRY(read(fd, &more, 1)) == 0;
}

static struct staple *read_staple(int fd, const struct stat *info, bool *ret_again)
{
    size_t size = (size_t)info->st_size;
    struct staple *staple;

    if (info->st_size <= 0 || info->st_size > STAPLE_SIZE_MAX) {
        return NULL;
    }
    staple = malloc(sizeof(*staple) + size);
    if (!staple) {
        *ret_again = true;
        return NULL;
    }
    staple->references = 1;
    staple->until_s = info->st_mtim.tv_sec;
    staple->size = size;
    if (!read_all(fd, staple->der, size) || !staple_response_is_whole(staple->der, size)) {
        free(staple);
        return NULL;
    }
    return staple;
}

/* @info: what was seen there, and then what was opened. */
static struct staple *open_staple(const struct way *way, struct stat *info, bool *ret_again)
{
    struct staple *staple = NULL;
    int fd;

    /* It may be another one by now: a FIFO, which O_NONBLOCK does not wait for, or a symlink. */
    fd = openat(way->fd, way->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        *ret_again = true;
        return NULL;
    }
    if (fstat(fd, info) == 0 && S_ISREG(info->st_mode)) {
        staple = read_staple(fd, info, ret_again);
    } else {
        *ret_again = true;
    }
    close(fd);
    return staple;
}

struct staple *folders_read(const struct folders *folders, const uint8_t *id, int64_t wall_s,
                            uint64_t *ret_version)
{
    struct staple *staple = NULL;
    uint64_t version = 0;
    bool again = false;
    struct stat info;
    struct way way;

    for (size_t i = 0; i < folders->count; ++i) {
        if (!is_living(&folders->at[i], id, wall_s, &way, &info)) {
            continue;
        }
        if (!staple) {
            staple = open_staple(&way, &info, &again);
        }
        version = add_version(version, &info);
    }
    *ret_version = again ? 0 : version;
    return staple;
}
