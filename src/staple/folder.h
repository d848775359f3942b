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

/* A staple as read: never changed, freed with the last reference. */
struct staple {
    unsigned references; /* atomic */
    int64_t until_s;     /* at or past it, it must not be handed out */
    size_t size;
    uint8_t der[];
};
void staple_ref(struct staple *staple);
struct staple *staple_unref(struct staple *staple); /* NULL is fine */

/* Tells one version of @id's files from the next: regular ones, of all folders, that have not ended
 * at @wall_s. 0: there is none. */
uint64_t folders_look(const struct folders *folders, const uint8_t *id, int64_t wall_s);

/* Reads them, and tells which version it was: the first one counts that is one whole answer and
 * not too large. NULL when there is none. *@ret_version is 0 where a file could not be read, also
 * for want of memory or descriptors: then it is worth another try. */
struct staple *folders_read(const struct folders *folders, const uint8_t *id, int64_t wall_s,
                            uint64_t *ret_version);
