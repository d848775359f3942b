/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/disk-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define RANDOM_DIGITS 12
#define NAME_PART     200 /* of the final name in a temporary one; the whole stays below 255 */

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static void dir_close(DIR **dir)
{
    if (*dir) {
        closedir(*dir);
    }
}

const char *disk_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int fail(struct buf *fault, enum disk_part part, const char *path, int error)
{
    const struct disk_failure failure = {.part = part, .path = path, .error = error};

    return disk_fail(fault, &failure);
}

void disk_put_dir(struct buf *dir, const char *path)
{
    const char *name = disk_name_of(path);
    size_t size = (size_t)(name - path);

    buf_clear(dir);
    if (size == 0) {
        buf_put_byte(dir, '.');
    } else {
        buf_put(dir, path, size > 1 ? size - 1 : 1);
    }
}

static bool is_below(const char *path, const char *dir)
{
    size_t size = strlen(dir);

    while (size > 0 && dir[size - 1] == '/') {
        --size;
    }
    return strncmp(path, dir, size) == 0 && (path[size] == '/' || path[size] == 0);
}

/* Where the symlink @path leads: one step, its folder made free of links. */
static int read_link(const char *path, char ret_folder[PATH_MAX], char ret_target[PATH_MAX])
{
    struct buf whole = BUF_INIT(2 * PATH_MAX);
    struct buf folder = BUF_INIT(2 * PATH_MAX);
    ssize_t size = readlink(path, ret_target, PATH_MAX - 1);
    int r = 0;

    if (size <= 0) {
        return -EINVAL;
    }
    ret_target[size] = 0;
    if (ret_target[0] != '/') {
        disk_put_dir(&whole, path);
        buf_put_byte(&whole, '/');
    }
    buf_put_text(&whole, ret_target);
    disk_put_dir(&folder, buf_text(&whole));
    if (buf_status(&whole) || buf_status(&folder) || !realpath(buf_text(&folder), ret_folder)) {
        r = -EINVAL;
    }
    buf_deinit(&whole);
    buf_deinit(&folder);
    return r;
}

int disk_resolve(const char *path, const char *state_dir, struct buf *real, struct buf *fault)
{
    char folder[PATH_MAX];
    char target[PATH_MAX];
    char state[PATH_MAX];
    struct stat info;

    buf_clear(real);
    if (lstat(path, &info) || !S_ISLNK(info.st_mode)) {
        buf_put_text(real, path);
        return buf_status(real) ? -ENOMEM : 0;
    }
    if (read_link(path, folder, target) || !realpath(state_dir, state) ||
        !is_below(folder, state)) {
        buf_clear(fault);
        disk_put_path(fault, path);
        buf_put_text(fault, " is a symlink that does not lead into ");
        disk_put_path(fault, state_dir);
        buf_put_text(fault,
                     "; clinch does not write through it: remove it, or make it point there");
        return DISK_E_FAILED;
    }
    buf_put_text(real, folder);
    buf_put_byte(real, '/');
    buf_put_text(real, disk_name_of(target));
    if (buf_status(real)) {
        return -ENOMEM;
    }
    if (!lstat(buf_text(real), &info) && !S_ISREG(info.st_mode)) {
        return fail(fault, DISK_PART_WRITE, path, ELOOP);
    }
    return 0;
}

/* Makes the folder @dir where it is below @make_under. */
static void make_dirs(const char *dir, const char *make_under)
{
    struct buf part = BUF_INIT(PATH_MAX);

    if (!make_under || !is_below(dir, make_under)) {
        return;
    }
    for (size_t i = strlen(make_under); i <= strlen(dir); ++i) {
        if (dir[i] == '/' || dir[i] == 0) {
            buf_clear(&part);
            buf_put(&part, dir, i);
            mkdir(buf_text(&part), i == strlen(make_under) ? 0750 : 0755);
        }
    }
    buf_deinit(&part);
}

static int open_dir(const char *path, const char *make_under)
{
    struct buf dir = BUF_INIT(PATH_MAX);
    int fd;

    disk_put_dir(&dir, path);
    fd = open(buf_text(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make_under) {
        make_dirs(buf_text(&dir), make_under);
        fd = open(buf_text(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    buf_deinit(&dir);
    return fd;
}

/* After a crash of the machine nothing of tmpfs is left anyway. */
static bool on_tmpfs(int fd)
{
    struct statfs info;

    return fstatfs(fd, &info) == 0 && info.f_type == TMPFS_MAGIC;
}

int disk_read_all(int fd, struct buf *content)
{
    uint8_t piece[16384];

    for (;;) {
        ssize_t size = read(fd, piece, sizeof(piece));

        if (size == 0) {
            return buf_status(content) ? DISK_E_FAILED : 0;
        }
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return DISK_E_FAILED;
        }
        buf_put(content, piece, (size_t)size);
        if (buf_status(content)) {
            return DISK_E_FAILED;
        }
    }
}

int disk_open_regular(const char *path, struct stat *ret_info)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, ret_info) || !S_ISREG(ret_info->st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

int disk_read(const char *path, struct buf *content)
{
    struct stat info;
    _cleanup_(fd_close)
    int fd = disk_open_regular(path, &info);

    buf_clear(content);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? DISK_E_ABSENT : DISK_E_FAILED;
    }
    if ((size_t)info.st_size > content->max) {
        return DISK_E_FAILED;
    }
    return disk_read_all(fd, content);
}

/* 0 or -errno; *@ret_part: of giving it to the group. */
static int set_owner(int fd, const struct disk_file *file, const struct stat *info,
                     enum disk_part *ret_part)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = file->mtime_s}};
    bool dated =
        !file->mtime_s || (info->st_mtim.tv_sec == file->mtime_s && info->st_mtim.tv_nsec == 0);

    if (file->gid != (gid_t)-1 && file->gid != info->st_gid && fchown(fd, (uid_t)-1, file->gid)) {
        *ret_part = DISK_PART_GROUP;
        return -errno;
    }
    if ((info->st_mode & 07777) != file->mode && fchmod(fd, file->mode)) {
        return -errno;
    }
    return !dated && futimens(fd, times) ? -errno : 0;
}

/* True when the file is there with this very content; the rest is put right. */
static bool is_same(const struct disk_file *file)
{
    struct buf content = BUF_INIT(file->content.size + 1);
    enum disk_part ignored;
    struct stat info;
    _cleanup_(fd_close)
    int fd = disk_open_regular(file->path, &info);
    bool same;

    if (fd < 0 || (size_t)info.st_size != file->content.size) {
        return false;
    }
    same = disk_read_all(fd, &content) == 0 && slice_equal(slice_of_buf(&content), file->content);
    buf_deinit(&content);
    /* A staple that must not be used any longer than its mtime says is none with another one. */
    return same && (set_owner(fd, file, &info, &ignored) == 0 || !file->mtime_s);
}

static int write_all(int fd, struct slice content)
{
    while (content.size > 0) {
        ssize_t size = write(fd, content.data, content.size);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size < 0 ? -errno : -EIO;
        }
        content = slice_of(content.data + size, content.size - (size_t)size);
    }
    return 0;
}

static int fill(int fd, const struct disk_file *file, enum disk_part *ret_part)
{
    struct stat info;
    int r = write_all(fd, file->content);

    if (!r && fstat(fd, &info)) {
        r = -errno;
    }
    return r ? r : set_owner(fd, file, &info, ret_part);
}

/* ".NAME.XXXXXXXXXXXX.tmp" */
static int temp_name(const char *name, char ret_temp[NAME_MAX + 1])
{
    uint8_t chance[RANDOM_DIGITS / 2];
    struct buf hex = BUF_INIT(RANDOM_DIGITS + 1);

    if (getrandom(chance, sizeof(chance), 0) != sizeof(chance)) {
        return -EAGAIN;
    }
    buf_put_hex(&hex, slice_of(chance, sizeof(chance)));
    snprintf(ret_temp, NAME_MAX + 1, ".%.*s.%s.tmp", NAME_PART, name, buf_text(&hex));
    buf_deinit(&hex);
    return 0;
}

/* The path of @name beside @path, to be freed. */
static char *beside(const char *path, const char *name)
{
    struct buf whole = BUF_INIT(2 * PATH_MAX);
    char *copy = NULL;

    disk_put_dir(&whole, path);
    buf_put_byte(&whole, '/');
    buf_put_text(&whole, name);
    if (!buf_status(&whole)) {
        copy = text_copy(slice_of_buf(&whole));
    }
    buf_deinit(&whole);
    return copy;
}

static int write_temp(int dir_fd, const char *temp, const struct disk_file *file,
                      enum disk_part *ret_part)
{
    int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0) {
        return -errno;
    }
    r = fill(fd, file, ret_part);
    if (close(fd) && !r) {
        r = -errno;
    }
    if (r) {
        unlinkat(dir_fd, temp, 0);
    }
    return r;
}

int disk_stage(const struct disk_file *file, struct disk_temp *ret_temp, struct buf *fault)
{
    struct disk_failure failure = {.path = file->path, .gid = file->gid};
    struct disk_temp temp = {0};
    char name[NAME_MAX + 1];
    _cleanup_(fd_close)
    int dir_fd = -1;
    struct stat info;
    int r;

    if (!file->anew && is_same(file)) {
        return DISK_E_SAME;
    }
    if (disk_guard(file->path, file->certificates ? " PRIVATE KEY-----" : "-----BEGIN ", fault)) {
        return DISK_E_FAILED;
    }
    dir_fd = open_dir(file->path, file->make_under);
    if (dir_fd < 0) {
        return fail(fault, DISK_PART_WRITE, file->path, errno);
    }
    if (!fstatat(dir_fd, disk_name_of(file->path), &info, AT_SYMLINK_NOFOLLOW) &&
        !S_ISREG(info.st_mode)) {
        return fail(fault, DISK_PART_WRITE, file->path, S_ISDIR(info.st_mode) ? EISDIR : ELOOP);
    }
    r = temp_name(disk_name_of(file->path), name);
    temp.path = r ? NULL : beside(file->path, name);
    temp.durable = !on_tmpfs(dir_fd);
    r = r ? r : temp.path ? write_temp(dir_fd, name, file, &failure.part) : -ENOMEM;
    if (r) {
        free(temp.path);
        failure.error = -r;
        return disk_fail(fault, &failure);
    }
    *ret_temp = temp;
    return 0;
}

static void temp_clear(struct disk_temp *temp)
{
    free(temp->path);
    temp->path = NULL;
}

/* Freeing the blocks of what was there may take a disk milliseconds: where there is one, both
 * change places, and the old file is left to somebody who has time. */
int disk_move(struct disk_temp *temp, const char *path, struct buf *fault)
{
    if (temp->durable && !renameat2(AT_FDCWD, temp->path, AT_FDCWD, path, RENAME_EXCHANGE)) {
        return 0;
    }
    if (renameat(AT_FDCWD, temp->path, AT_FDCWD, path)) {
        return fail(fault, DISK_PART_WRITE, path, errno);
    }
    temp_clear(temp);
    return 0;
}

static int sync_path(const char *path, int flags)
{
    _cleanup_(fd_close)
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC);

    return fd < 0 || fsync(fd) ? -errno : 0;
}

/* What was there before, or what was staged in vain. */
static void temp_unlink(struct disk_temp *temp)
{
    if (temp->path) {
        unlink(temp->path);
    }
    temp_clear(temp);
}

int disk_write(const struct disk_file *file, struct buf *fault)
{
    struct disk_temp temp = {0};
    struct buf dir = BUF_INIT(PATH_MAX);
    int r = disk_stage(file, &temp, fault);

    if (r) {
        return r;
    }
    disk_put_dir(&dir, file->path);
    r = temp.durable ? sync_path(temp.path, 0) : 0;
    r = r ? fail(fault, DISK_PART_WRITE, file->path, -r) : disk_move(&temp, file->path, fault);
    if (!r && temp.durable) {
        r = sync_path(buf_text(&dir), O_DIRECTORY);
        r = r ? fail(fault, DISK_PART_WRITE, file->path, -r) : 0;
    }
    temp_unlink(&temp);
    buf_deinit(&dir);
    return r;
}

static int drop(int dir_fd, const char *path, struct disk_temp *temp)
{
    char name[NAME_MAX + 1];
    int r;

    if (!temp->durable) {
        return unlinkat(dir_fd, disk_name_of(path), 0) ? -errno : 0;
    }
    r = temp_name(disk_name_of(path), name);
    temp->path = r ? NULL : beside(path, name);
    if (!r && !temp->path) {
        r = -ENOMEM;
    }
    if (!r && renameat(dir_fd, disk_name_of(path), dir_fd, name)) {
        r = -errno;
    }
    if (r) {
        temp_clear(temp);
    }
    return r;
}

/* Opens the folder of @path when there is something in it that may go. 0, DISK_E_ABSENT or
 * DISK_E_FAILED. */
static int open_drop(const char *path, int *ret_dir_fd, struct buf *fault)
{
    int dir_fd = open_dir(path, NULL);
    struct stat info;
    int r = 0;

    if (dir_fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? DISK_E_ABSENT
                                                   : fail(fault, DISK_PART_REMOVE, path, errno);
    }
    if (fstatat(dir_fd, disk_name_of(path), &info, AT_SYMLINK_NOFOLLOW)) {
        r = errno == ENOENT ? DISK_E_ABSENT : fail(fault, DISK_PART_REMOVE, path, errno);
    } else if (S_ISDIR(info.st_mode)) {
        r = fail(fault, DISK_PART_REMOVE, path, EISDIR);
    } else {
        r = disk_guard(path, "-----BEGIN ", fault);
    }
    if (r) {
        close(dir_fd);
        return r;
    }
    *ret_dir_fd = dir_fd;
    return 0;
}

int disk_drop(const char *path, struct disk_temp *ret_temp, struct buf *fault)
{
    struct disk_temp temp = {0};
    _cleanup_(fd_close)
    int dir_fd = -1;
    int r = open_drop(path, &dir_fd, fault);

    if (r) {
        return r;
    }
    temp.durable = !on_tmpfs(dir_fd);
    r = drop(dir_fd, path, &temp);
    if (r) {
        return r == -ENOENT ? DISK_E_ABSENT : fail(fault, DISK_PART_REMOVE, path, -r);
    }
    *ret_temp = temp;
    return 0;
}

int disk_remove(const char *path, struct buf *fault)
{
    _cleanup_(fd_close)
    int dir_fd = -1;
    int r = open_drop(path, &dir_fd, fault);

    if (r) {
        return r;
    }
    if (unlinkat(dir_fd, disk_name_of(path), 0)) {
        return errno == ENOENT ? DISK_E_ABSENT : fail(fault, DISK_PART_REMOVE, path, errno);
    }
    if (!on_tmpfs(dir_fd) && fsync(dir_fd)) {
        return fail(fault, DISK_PART_REMOVE, path, errno);
    }
    return 0;
}

struct disk_print disk_print_of(const char *path)
{
    struct stat info;

    if (lstat(path, &info)) {
        return (struct disk_print){0};
    }
    return (struct disk_print){.device = info.st_dev,
                               .inode = info.st_ino,
                               .mtime_s = info.st_mtim.tv_sec,
                               .mtime_ns = info.st_mtim.tv_nsec,
                               .size = info.st_size};
}

bool disk_print_equal(const struct disk_print *a, const struct disk_print *b)
{
    return a->device == b->device && a->inode == b->inode && a->mtime_s == b->mtime_s &&
           a->mtime_ns == b->mtime_ns && a->size == b->size;
}

bool disk_is_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && info.st_size > 0;
}

/* ".NAME.XXXXXXXXXXXX.tmp" */
static bool is_temp(const char *name)
{
    size_t size = strlen(name);
    size_t digits = size - 4 - RANDOM_DIGITS;

    if (name[0] != '.' || size < RANDOM_DIGITS + 7 || strcmp(name + size - 4, ".tmp") != 0 ||
        name[digits - 1] != '.') {
        return false;
    }
    return strspn(name + digits, "0123456789abcdef") == RANDOM_DIGITS;
}

void disk_clean(const char *dir)
{
    _cleanup_(dir_close)
    DIR *stream = opendir(dir);
    struct dirent *entry;
    struct stat info;

    while (stream && (entry = readdir(stream))) {
        if (is_temp(entry->d_name) &&
            !fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) &&
            S_ISREG(info.st_mode) && info.st_uid == geteuid()) {
            unlinkat(dirfd(stream), entry->d_name, 0);
        }
    }
}

int disk_list(const char *dir, const char *ending, void (*each)(void *context, const char *name),
              void *context)
{
    _cleanup_(dir_close)
    DIR *stream = opendir(dir);
    size_t ending_size = strlen(ending);
    struct dirent *entry;

    if (!stream) {
        return DISK_E_FAILED;
    }
    while ((entry = readdir(stream))) {
        size_t size = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && size > ending_size &&
            strcmp(entry->d_name + size - ending_size, ending) == 0) {
            each(context, entry->d_name);
        }
    }
    return 0;
}
