/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "publish/disk-private.h"

#define PEM_LOOK   (64 * 1024) /* octets in which PEM has begun, whatever text stands before it */
#define KEYS_FILES 10000       /* files of a folder that are looked into */

#define DER_SEQUENCE 0x30

void disk_put_path(struct buf *text, const char *path)
{
    buf_put_printable(text, slice_of_text(path), PATH_MAX);
}

static void put_user(struct buf *text, uid_t uid)
{
    const struct passwd *user = getpwuid(uid);

    if (user) {
        buf_put_printable(text, slice_of_text(user->pw_name), 64);
    } else {
        buf_put_int(text, uid);
    }
}

static void put_group(struct buf *text, gid_t gid)
{
    const struct group *group = getgrgid(gid);

    if (group) {
        buf_put_printable(text, slice_of_text(group->gr_name), 64);
    } else {
        buf_put_int(text, gid);
    }
}

static void put_mode(struct buf *text, mode_t mode)
{
    char octal[16];

    snprintf(octal, sizeof(octal), "%04o", (unsigned)mode & 07777);
    buf_put_text(text, octal);
}

/* "install -d -o clinch -g hitch -m 0755 DIR": makes the folder, or gives it to clinch. */
static void put_install(struct buf *text, const char *dir, const struct stat *info)
{
    buf_put_text(text, "`install -d -o ");
    put_user(text, geteuid());
    if (info) {
        buf_put_text(text, " -g ");
        put_group(text, info->st_gid);
    }
    buf_put_text(text, " -m ");
    put_mode(text, info ? (info->st_mode & 0777) | 0700 : 0755);
    buf_put_byte(text, ' ');
    disk_put_path(text, dir);
    buf_put_byte(text, '`');
}

static void put_belongs(struct buf *text, const char *what, const struct stat *info)
{
    buf_put_text(text, ", and ");
    disk_put_path(text, what);
    buf_put_text(text, " belongs to ");
    put_user(text, info->st_uid);
    buf_put_byte(text, ':');
    put_group(text, info->st_gid);
    buf_put_text(text, " with mode ");
    put_mode(text, info->st_mode);
}

static void put_no_access(struct buf *fault, const char *dir)
{
    struct buf key = BUF_INIT(4 * NAME_MAX);
    struct stat info;

    buf_put_text(fault, "; clinch runs as ");
    put_user(fault, geteuid());
    if (stat(dir, &info)) {
        buf_put_text(fault, " and may not even look at ");
        disk_put_path(fault, dir);
        buf_put_text(fault, ": let it pass the folders above (chmod o+x)");
        return;
    }
    put_belongs(fault, dir, &info);
    if (disk_has_keys(dir, &key)) { /* never to be given away */
        buf_put_text(fault, ", and a private key lies there (");
        buf_put_slice(fault, slice_of_buf(&key));
        buf_put_text(fault, "): name another folder in `publish`");
    } else {
        buf_put_text(fault, ": a folder of its own is best, such as by ");
        put_install(fault, dir, &info);
    }
    buf_deinit(&key);
}

void disk_put_socket_fix(struct buf *fault, const char *path)
{
    struct stat info;
    bool group;

    buf_put_text(fault, "permission denied; clinch runs as ");
    put_user(fault, geteuid());
    if (stat(path, &info)) {
        buf_put_text(fault, " and may not even look at the socket: let it pass the folders above "
                            "(chmod o+x)");
        return;
    }
    group = info.st_gid != 0 && info.st_mode & S_IWGRP;
    put_belongs(fault, "the socket", &info);
    buf_put_text(fault, group ? ": `SupplementaryGroups=" : ": give it a group of clinch's");
    if (group) {
        put_group(fault, info.st_gid);
        buf_put_text(fault, "` in a drop-in of clinch.service lets clinch in");
    } else {
        buf_put_text(fault, " (`mode 660 group clinch` on the `stats socket` line)");
    }
}

static void put_group_fix(struct buf *fault, gid_t gid)
{
    buf_put_text(fault, "; clinch's user must be a member: `usermod -aG ");
    put_group(fault, gid);
    buf_put_byte(fault, ' ');
    put_user(fault, geteuid());
    buf_put_text(fault, "`, then restart clinch (or leave `group` out)");
}

static void put_fix(struct buf *fault, const char *dir, int error)
{
    switch (error) {
    case ENOTDIR:
        disk_put_path(fault, dir);
        buf_put_text(fault, " is no folder; correct `publish`");
        break;
    case ENOENT:
        buf_put_text(fault, "its folder does not exist; make it: ");
        put_install(fault, dir, NULL);
        buf_put_text(fault, ", or correct `publish`");
        break;
    case EACCES:
    case EPERM:
        buf_put_text(fault, strerror(error));
        put_no_access(fault, dir);
        break;
    case EROFS:
        buf_put_text(fault, strerror(error));
        buf_put_text(fault, "; under systemd a drop-in of clinch.service with `ReadWritePaths=");
        disk_put_path(fault, dir);
        buf_put_text(fault, "` lets clinch write there");
        break;
    case ENOSPC:
    case EDQUOT:
        buf_put_text(fault, "the disk is full; what is there stays");
        break;
    default:
        buf_put_text(fault, strerror(error));
        break;
    }
}

int disk_fail(struct buf *fault, const struct disk_failure *failure)
{
    struct buf dir = BUF_INIT(PATH_MAX);

    disk_put_dir(&dir, failure->path);
    buf_clear(fault);
    buf_put_text(fault, failure->part == DISK_PART_WRITE    ? "cannot write "
                        : failure->part == DISK_PART_REMOVE ? "cannot remove "
                                                            : "cannot give ");
    disk_put_path(fault, failure->path);
    if (failure->part == DISK_PART_GROUP) {
        buf_put_text(fault, " to the group ");
        put_group(fault, failure->gid);
    }
    buf_put_text(fault, ": ");
    if (failure->part == DISK_PART_GROUP) {
        buf_put_text(fault, strerror(failure->error));
        put_group_fix(fault, failure->gid);
    } else {
        put_fix(fault, buf_text(&dir), failure->error);
    }
    buf_deinit(&dir);
    return DISK_E_FAILED;
}

static bool has_text(const struct buf *content, const char *text)
{
    return content->size && memmem(content->data, content->size, text, text_length(text)) != NULL;
}

/* The beginning of the open file @fd; of DER, which is no PEM, nothing. */
static void read_start(int fd, struct buf *start)
{
    uint8_t first = 0;
    uint8_t *to;
    ssize_t size = pread(fd, &first, 1, 0);

    if (size <= 0 || first == DER_SEQUENCE) {
        return;
    }
    to = buf_reserve(start, PEM_LOOK);
    size = to ? pread(fd, to, PEM_LOOK, 0) : 0;
    start->size += size > 0 ? (size_t)size : 0;
}

int disk_guard(const char *path, const char *held, struct buf *fault)
{
    struct buf start = BUF_INIT(PEM_LOOK);
    struct stat info;
    int fd = disk_open_regular(path, &info);
    /* Where the folder hides whether there is one, nothing can be written or removed either. */
    bool hidden = fd < 0 && (errno == EACCES || errno == EPERM) && !lstat(path, &info);
    bool pem;

    if (fd >= 0) {
        read_start(fd, &start);
        close(fd);
    }
    pem = has_text(&start, held);
    buf_deinit(&start);
    if (!hidden && !pem) {
        return 0;
    }
    buf_clear(fault);
    disk_put_path(fault, path);
    buf_put_text(fault, hidden
                            ? " is there and cannot be read, so clinch does not touch it: remove "
                              "it if it is an old staple, else correct `publish`"
                            : " holds a certificate or a key (PEM), which clinch never touches: "
                              "correct `publish`");
    return DISK_E_FAILED;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name);
    size_t end = strlen(ending);

    return size >= end && strcmp(name + size - end, ending) == 0;
}

static bool is_key(int dir_fd, const char *name)
{
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    struct stat info;
    bool key = ends_with(name, ".key") || strncmp(name, "privkey", 7) == 0;
    int fd;

    if (key || ends_with(name, ".ocsp") || ends_with(name, ".conf")) {
        return key;
    }
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (!fstat(fd, &info) && S_ISREG(info.st_mode) && info.st_size <= LIMIT_CERT_FILE_SIZE &&
        disk_read_all(fd, &content) == 0) {
        key = has_text(&content, "PRIVATE KEY-----");
    }
    close(fd);
    explicit_bzero(content.data, content.capacity);
    buf_deinit(&content);
    return key;
}

bool disk_has_keys(const char *dir, struct buf *name)
{
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    unsigned count = 0;
    bool found = false;

    buf_clear(name);
    while (stream && !found && count < KEYS_FILES && (entry = readdir(stream))) {
        bool file =
            entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;

        count += file;
        if (file && entry->d_name[0] != '.' && is_key(dirfd(stream), entry->d_name)) {
            buf_put_printable(name, slice_of_text(entry->d_name), NAME_MAX);
            found = true;
        }
    }
    if (stream) {
        closedir(stream);
    }
    return found;
}
