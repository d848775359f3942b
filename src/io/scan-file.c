/* SPDX-License-Identifier: Apache-2.0 */
#include "io/scan-file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "io/scan.h"

#define SCAN_FILE_TRIES 3

static void closep(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

struct scan_identity scan_identity_of(const struct stat *st)
{
    return (struct scan_identity){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_s = st->st_mtim.tv_sec,
        .mtime_ns = st->st_mtim.tv_nsec,
        .ctime_s = st->st_ctim.tv_sec,
        .ctime_ns = st->st_ctim.tv_nsec,
    };
}

static void put_path(struct buf *fault, const char *path)
{
    buf_put_printable(fault, slice_of_text(path), 1024);
}

/* Who must be let in: the name of the group we run as, or its number. */
static void put_group(struct buf *fault)
{
    char memory[4096];
    struct group group, *found = NULL;

    if (getgrgid_r(getegid(), &group, memory, sizeof(memory), &found) == 0 && found) {
        buf_put_printable(fault, slice_of_text(group.gr_name), 64);
    } else {
        buf_put_int(fault, getegid());
    }
}

void scan_file_explain(const char *path, int r, struct buf *fault)
{
    struct stat st;

    switch (-r) {
    case ENOENT:
        put_path(fault, path);
        buf_put_text(fault, lstat(path, &st) == 0 ? ": the symbolic link leads nowhere"
                                                  : ": no such file or folder");
        return;
    case EACCES:
        buf_put_text(fault, "cannot read ");
        put_path(fault, path);
        buf_put_text(fault, ": permission denied; as root `clinch import ");
        put_path(fault, path);
        buf_put_text(fault, "` copies leaf and chain without the key to /etc/clinch/certs; or let "
                            "group ");
        put_group(fault);
        buf_put_text(fault, " read it (chgrp, chmod g+r) and pass its folders (chmod g+x)");
        return;
    case ELOOP:
        put_path(fault, path);
        buf_put_text(fault, ": the symbolic links go round in a circle; mend or remove them");
        return;
    default:
        buf_put_text(fault, "cannot read ");
        put_path(fault, path);
        buf_put_text(fault, ": ");
        buf_put_text(fault, strerrordesc_np(-r) ? strerrordesc_np(-r) : "unknown error");
        return;
    }
}

void scan_file_explain_type(const char *path, mode_t mode, struct buf *fault)
{
    put_path(fault, path);
    buf_put_text(fault, S_ISFIFO(mode)   ? " is a FIFO"
                        : S_ISSOCK(mode) ? " is a socket"
                        : S_ISDIR(mode)  ? " is a folder"
                                         : " is a device");
    buf_put_text(fault, ", not a regular file; it is not read");
}

static void explain_size(const char *path, uint64_t size, size_t most, struct buf *fault)
{
    put_path(fault, path);
    buf_put_text(fault, " is ");
    buf_put_int(fault, (int64_t)size);
    buf_put_text(fault, " bytes; files over ");
    if (most % (1024 * 1024) == 0) {
        buf_put_int(fault, (int64_t)(most / (1024 * 1024)));
        buf_put_text(fault, " MiB are not read");
    } else {
        buf_put_int(fault, (int64_t)most);
        buf_put_text(fault, " bytes are not read");
    }
}

/* Opens and looks. O_NONBLOCK: opening a FIFO must not wait for a writer. */
static int file_open(const char *path, size_t most, int *ret_fd, struct stat *ret_st,
                     struct buf *fault)
{
    _cleanup_(closep)
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int r;

    if (fd < 0 && errno == ENXIO) { /* a socket, or a device without anything behind it */
        scan_file_explain_type(path, stat(path, ret_st) ? S_IFCHR : ret_st->st_mode, fault);
        return -ENXIO;
    }
    if (fd < 0 || fstat(fd, ret_st)) {
        r = -errno;
        scan_file_explain(path, r, fault);
        return r;
    }
    if (!S_ISREG(ret_st->st_mode)) {
        scan_file_explain_type(path, ret_st->st_mode, fault);
        return -ENXIO;
    }
    if ((uint64_t)ret_st->st_size > most) {
        explain_size(path, (uint64_t)ret_st->st_size, most, fault);
        return -EFBIG;
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* Reads at most @most + 1 octets; the caller tells by the last one that there are more. */
static int file_read(int fd, size_t most, struct buf *content)
{
    size_t start = content->size;
    uint8_t *to = buf_reserve(content, most + 1);

    if (!to) {
        return -ENOMEM;
    }
    while (content->size - start < most + 1) {
        ssize_t n = read(fd, content->data + content->size, most + 1 - (content->size - start));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        content->size += (size_t)n;
    }
    content->data[content->size] = 0;
    return 0;
}

static void wipe_from(struct buf *content, size_t start)
{
    explicit_bzero(content->data + start, content->size - start);
    content->size = start;
}

static int file_read_once(const char *path, size_t most, struct buf *content, struct stat *ret_st,
                          struct buf *fault)
{
    _cleanup_(closep)
    int fd = -1;
    size_t start = content->size;
    int r;

    r = file_open(path, most, &fd, ret_st, fault);
    if (r) {
        return error_trace(r);
    }
    /* Pages of /proc and the like say size 0 and have content; they are no certificates. */
    r = file_read(fd, (size_t)ret_st->st_size, content);
    if (r) {
        wipe_from(content, start);
        scan_file_explain(path, r, fault);
        return error_trace(r);
    }
    if (content->size - start > (uint64_t)ret_st->st_size) {
        wipe_from(content, start);
        put_path(fault, path);
        buf_put_text(fault, " grows while it is read; it is read again when that is over");
        return -EAGAIN;
    }
    if (content->size == start) {
        put_path(fault, path);
        buf_put_text(fault, " is empty");
        return -ENODATA;
    }
    return 0;
}

int scan_file_read(const char *path, size_t most, struct buf *content,
                   struct scan_identity *ret_identity, struct buf *fault)
{
    struct stat st;
    int r = -EAGAIN;

    for (unsigned i = 0; r == -EAGAIN && i < SCAN_FILE_TRIES; i++) {
        buf_clear(fault);
        r = file_read_once(path, most, content, &st, fault);
    }
    if (r) {
        return error_trace(r);
    }
    *ret_identity = scan_identity_of(&st);
    return 0;
}

int scan_read_file(const char *path, size_t most, struct buf *content, struct buf *fault)
{
    struct scan_identity identity;
    int r;

    buf_clear(content);
    content->max = content->max < most + 1 ? most + 1 : content->max;
    fault->max = fault->max < 4096 ? 4096 : fault->max;
    r = scan_file_read(path, most, content, &identity, fault);
    return r ? error_trace(r) : 0;
}
