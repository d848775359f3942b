/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files that servers read: written whole or not at all. A file appears by rename of a temporary
 * one in the same folder (".NAME.XXXXXXXXXXXX.tmp", hexadecimal), and is durable when the call
 * returns, except on tmpfs. Only mode and group are set, never the owner. Faults are sentences
 * without an end mark, for people. */

#include <sys/types.h>

#include "base/bytes.h"

enum {
    DISK_E_SAME = 1,   /* the very content is there already */
    DISK_E_ABSENT = 2, /* there is no such file */
    DISK_E_FAILED = 3, /* the fault is told in *@fault */
};

/* Where writing @path really goes, into @real (cleared first). A symlink is followed once, and
 * only when it leads into @state_dir; every other one is DISK_E_FAILED. Or -ENOMEM. */
int disk_resolve(const char *path, const char *state_dir, struct buf *real, struct buf *fault);

struct disk_file {
    const char *path; /* as disk_resolve() said */
    struct slice content;
    mode_t mode;
    gid_t gid;              /* (gid_t)-1: as it comes */
    const char *make_under; /* missing folders below this one are made; NULL: none */
};

/* 0 written, DISK_E_SAME (mode and group are then put right without a word), DISK_E_FAILED: what
 * was there stays. */
int disk_write(const struct disk_file *file, struct buf *fault);

/* 0 removed, DISK_E_ABSENT, DISK_E_FAILED. */
int disk_remove(const char *path, struct buf *fault);

/* Reads a regular file of at most @content->max octets; no symlink. 0, DISK_E_ABSENT,
 * DISK_E_FAILED (no fault told). */
int disk_read(const char *path, struct buf *content);

/* True for a file that is there and not empty: an empty .ocsp is one that HAProxy was given so that
 * it makes an entry. */
bool disk_is_there(const char *path);

/* Removes temporary files of ours that a crash left in @dir. */
void disk_clean(const char *dir);

/* Calls @each with the name of every entry of @dir that ends in @ending. 0 or DISK_E_FAILED. */
int disk_list(const char *dir, const char *ending, void (*each)(void *context, const char *name),
              void *context);

/* The folder of @path, into @dir (cleared first): "/" at the least. */
void disk_put_dir(struct buf *dir, const char *path);
