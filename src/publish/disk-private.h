/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by disk.c and disk-guard.c. Nobody else includes it. */

#include <sys/stat.h>

#include "publish/disk.h"

/* Which of the things that are done to a file failed. */
enum disk_part {
    DISK_PART_WRITE,
    DISK_PART_REMOVE,
    DISK_PART_GROUP, /* giving it to @gid */
};
struct disk_failure {
    enum disk_part part;
    const char *path;
    gid_t gid;
    int error;
};
/* DISK_E_FAILED, with a sentence that says what to do. */
int disk_fail(struct buf *fault, const struct disk_failure *failure);

const char *disk_name_of(const char *path);
void disk_put_path(struct buf *text, const char *path);
int disk_open_regular(const char *path, struct stat *ret_info);
int disk_read_all(int fd, struct buf *content);

/* May the file at @path, if there is one, be replaced or removed? 0, or DISK_E_FAILED: @held stands
 * in what seems to be PEM. */
int disk_guard(const char *path, const char *held, struct buf *fault);
