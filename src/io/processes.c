/* SPDX-License-Identifier: Apache-2.0 */
#include "io/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define LINK_MAX_SIZE 4096
#define STAT_SIZE     1024
#define DELETED       " (deleted)" /* an executable that an upgrade has replaced */

struct walk {
    struct stat root; /* ours */
    bool (*wants)(void *context, const char *name);
    void (*found)(void *context, const struct process *process);
    void *context;
};

/* Reads up to @size octets of DIR/NAME; what they are, 0 when that fails. */
static size_t read_small(int dir, const char *name, char *to, size_t size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t all = 0;
    ssize_t got;

    if (fd < 0) {
        return 0;
    }
    while (all < size && (got = read(fd, to + all, size - all)) > 0) {
        all += (size_t)got;
    }
    close(fd);
    return all;
}

static void read_link(int dir, const char *name, char to[LINK_MAX_SIZE])
{
    ssize_t size = readlinkat(dir, name, to, LINK_MAX_SIZE - 1);
    size_t tail = sizeof(DELETED) - 1;

    to[size > 0 ? size : 0] = 0;
    if (size > (ssize_t)tail && strcmp(to + size - tail, DELETED) == 0) {
        to[(size_t)size - tail] = 0;
    }
}

/* "PID (NAME) STATE PARENT ...": the name may hold anything, parentheses too. */
static bool read_stat(int dir, struct process *process, char name[STAT_SIZE])
{
    char stat[STAT_SIZE];
    size_t size = read_small(dir, "stat", stat, sizeof(stat) - 1);
    char *open, *close;
    int parent;

    stat[size] = 0;
    open = strchr(stat, '(');
    close = strrchr(stat, ')');
    if (!open || !close || close < open || sscanf(close + 1, " %*c %d", &parent) != 1) {
        return false;
    }
    memcpy(name, open + 1, (size_t)(close - open - 1));
    name[close - open - 1] = 0;
    process->parent = parent;
    return true;
}

static void split_arguments(struct process *process, const char *text, size_t size)
{
    size_t at = 0;

    while (at < size && process->argument_count < PROCESS_ARGUMENTS) {
        process->arguments[process->argument_count++] = text + at;
        at += strlen(text + at) + 1;
    }
    process->arguments[process->argument_count] = NULL;
}

/* Its root is another folder than ours. One that went there by itself, as HAProxy does with
 * `chroot`, was started from a program outside, and read its configuration there; of a container
 * there is no path to the root, and so it is called "/". */
static bool is_elsewhere(const struct walk *walk, int dir, const char *program)
{
    char root[LINK_MAX_SIZE];
    struct stat info;
    size_t size;

    if (fstatat(dir, "root/", &info, 0) ||
        (info.st_dev == walk->root.st_dev && info.st_ino == walk->root.st_ino)) {
        return false;
    }
    read_link(dir, "root", root);
    size = strlen(root);
    return size < 2 || (strncmp(program, root, size) == 0 && program[size] == '/');
}

static void look(const struct walk *walk, int dir, pid_t pid)
{
    char program[LINK_MAX_SIZE], folder[LINK_MAX_SIZE], name[STAT_SIZE];
    struct process process = {.pid = pid, .program = program, .folder = folder};
    struct stat info;
    char *text, *slash;
    size_t size;

    if (fstat(dir, &info) || !read_stat(dir, &process, name)) {
        return; /* it is over */
    }
    process.uid = info.st_uid;
    read_link(dir, "exe", program);
    slash = strrchr(program, '/');
    process.name = slash ? slash + 1 : name;
    if (!walk->wants(walk->context, process.name)) {
        return;
    }
    process.elsewhere = is_elsewhere(walk, dir, program);
    read_link(dir, "cwd", folder);
    text = malloc(LIMIT_CMDLINE + 1);
    if (text) {
        size = read_small(dir, "cmdline", text, LIMIT_CMDLINE);
        text[size] = 0;
        split_arguments(&process, text, size);
        walk->found(walk->context, &process);
        free(text);
    }
}

int processes_walk(const char *proc, bool (*wants)(void *context, const char *name),
                   void (*found)(void *context, const struct process *process), void *context)
{
    struct walk walk = {.wants = wants, .found = found, .context = context};
    DIR *folder = opendir(proc);
    unsigned looked = 0;
    struct dirent *entry;

    if (!folder || stat("/", &walk.root)) {
        int r = -errno;

        if (folder) {
            closedir(folder);
        }
        return r;
    }
    while (looked < LIMIT_PROCESSES && (entry = readdir(folder))) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        int dir;

        if (*end || pid <= 0 || pid > INT32_MAX) {
            continue;
        }
        looked++;
        dir = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0) {
            look(&walk, dir, (pid_t)pid);
            close(dir);
        }
    }
    closedir(folder);
    return 0;
}

/* The value of @name among "NAME=VALUE", each with a NUL behind it; NULL. */
static const char *find_variable(const char *text, size_t size, const char *name)
{
    size_t name_size = strlen(name);

    for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
        if (strncmp(text + at, name, name_size) == 0 && text[at + name_size] == '=') {
            return text + at + name_size + 1;
        }
    }
    return NULL;
}

int processes_variable(const char *proc, pid_t pid, const char *name, struct buf *ret_value)
{
    char *text = calloc(1, LIMIT_CMDLINE + 1), path[LINK_MAX_SIZE];
    const char *value;
    size_t size;

    if (!text) {
        return -ENOMEM;
    }
    snprintf(path, sizeof(path), "%s/%d/environ", proc, (int)pid);
    size = read_small(AT_FDCWD, path, text, LIMIT_CMDLINE);
    value = find_variable(text, size, name);
    buf_put_text(ret_value, value ? value : "");
    explicit_bzero(text, size); /* what else it has may be a secret */
    free(text);
    return value ? buf_status(ret_value) : size ? -ENOENT : -EACCES;
}
