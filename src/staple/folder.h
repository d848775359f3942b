/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The folders that clinch publishes to (docs/staple-folder.md), as a reader sees them. Opened
 * before a server goes into its chroot: a path counts as long as it leads to a folder, and what was
 * opened when it does not. No function keeps a lock, or memory that another thread could change. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STAPLE_ID_SIZE  32 /* SHA-256 of the certificate's DER */
#define STAPLE_SIZE_MAX 65536
#define FOLDERS_MAX     16

struct folders;

/* @paths: absolute, ":" between them; empty ones are left out. 0, -EINVAL, -ENOMEM. A folder that
 * is not there, or may not be opened, is no error. */
int folders_new(struct folders **ret_folders, const char *paths);
struct folders *folders_free(struct folders *folders);

/* What tells one version of a file from the next: a rename gives another inode, what is written in
 * place another ctime. All zero: there is no file. */
struct folder_version {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t mtime_s, mtime_ns; /* mtime_s: until when it may be stapled, Unix time */
    int64_t ctime_s, ctime_ns;
};
bool folder_version_equal(const struct folder_version *a, const struct folder_version *b);

/* A staple as read: never changed, freed with the last reference. */
struct staple {
    unsigned references; /* atomic */
    int64_t until_s;     /* at or past it, it must not be handed out */
    size_t size;
    uint8_t der[];
};
void staple_ref(struct staple *staple);
struct staple *staple_unref(struct staple *staple); /* NULL is fine */

/* The version of @id's file that counts: the first regular one that has not ended at @wall_s. */
struct folder_version folders_look(const struct folders *folders, const uint8_t *id,
                                   int64_t wall_s);

/* Reads that file, and tells which version it was. NULL when there is none, when it is too large,
 * or is not one whole answer; or for want of memory or descriptors: then *@ret_version is zero. */
struct staple *folders_read(const struct folders *folders, const uint8_t *id, int64_t wall_s,
                            struct folder_version *ret_version);
