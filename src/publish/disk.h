/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files that servers read: written whole or not at all. A file is staged under a temporary name in
 * its folder (".NAME.XXXXXXXXXXXX.tmp", hexadecimal), made durable together with others
 * (publish/barrier.h; not on tmpfs, of which a crash leaves nothing anyway), and then takes its
 * name. Only mode, group and mtime are set, never the owner. What holds PEM (a certificate, a key)
 * is neither replaced nor removed, but by certificates. Faults are sentences without an end mark,
 * for people. */

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
    int64_t mtime_s;        /* 0: as it comes */
    bool anew;              /* also when the very file is there */
    bool certificates;      /* @content is PEM: it may replace certificates, never a key */
    const char *make_under; /* missing folders below this one are made; NULL: none */
};

/* A file under a temporary name. */
struct disk_temp {
    char *path;   /* NULL: none. To be freed */
    bool durable; /* its folder is on a disk: there must be a barrier between the steps */
};

/* 0 staged, DISK_E_SAME (the very file is there; mode, group and mtime are then put right without a
 * word), DISK_E_FAILED. What is there stays. */
int disk_stage(const struct disk_file *file, struct disk_temp *ret_temp, struct buf *fault);

/* Gives what was staged the name @path. 0: under *@temp is now what was there before, for
 * somebody who has time to unlink it, or nothing. DISK_E_FAILED: all is as it was. */
int disk_move(struct disk_temp *temp, const char *path, struct buf *fault);

/* Both steps for one file, durable when this returns. 0, DISK_E_SAME, DISK_E_FAILED. */
int disk_write(const struct disk_file *file, struct buf *fault);

/* Takes the name @path away. 0: as with disk_move(); DISK_E_ABSENT, DISK_E_FAILED. */
int disk_drop(const char *path, struct disk_temp *ret_temp, struct buf *fault);

/* Removes @path for good. 0, DISK_E_ABSENT, DISK_E_FAILED. */
int disk_remove(const char *path, struct buf *fault);

/* What tells that @path is still the file that was moved there. */
struct disk_print {
    uint64_t device, inode;
    int64_t mtime_s, mtime_ns;
    int64_t size;
};
/* All zero when there is no such file. */
struct disk_print disk_print_of(const char *path);
bool disk_print_equal(const struct disk_print *a, const struct disk_print *b);

/* True when a private key lies in the folder @dir, as far as names and what can be read tell; the
 * name of its file is then in @name (cleared first). */
bool disk_has_keys(const char *dir, struct buf *name);

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

/* Why clinch may not speak to the socket at @path, and what lets it, added to @fault. */
void disk_put_socket_fix(struct buf *fault, const char *path);

/* The folder of @path, into @dir (cleared first): "/" at the least. */
void disk_put_dir(struct buf *dir, const char *path);
