/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine's disk: published files, and the durable store.
 *
 * Whatever changes it is a row of steps (create, write, write the rest, fsync, rename, fsync of the
 * folder, unlink, commit). Before each of them a gate is asked, and may let the machine stop there:
 * nothing that is called afterwards has an effect, until simdisk_restart() says what has survived.
 * After a killed process all steps before have; after a power failure a name whose folder was not
 * synced is the old or the new file by chance, each name for itself, and a file that was not synced
 * is whole, cut off, empty or zeros by chance. A commit of the store is one step: whole and
 * durable, or lost. */

#include "base/rng.h"
#include "core/staple.h"

struct simdisk;

enum simdisk_kind {
    SIMDISK_SPACE, /* a file is made or grows */
    SIMDISK_OTHER, /* synced, renamed, removed: needs no room */
    SIMDISK_COMMIT,
};
enum simdisk_word {
    SIMDISK_DO,
    SIMDISK_NO_ROOM, /* this step fails, but for one that needs no room */
    SIMDISK_STOP,    /* the machine stops before this step */
};

/* Neither may change the disk. */
struct simdisk_calls {
    void *context;
    /* Asked before each step. */
    enum simdisk_word (*gate)(void *context, enum simdisk_kind kind);
    /* Told at once when other content stands under a path, or none. May be NULL. */
    void (*changed)(void *context, const char *path);
};

struct simdisk *simdisk_new(uint64_t seed, const struct simdisk_calls *calls);
struct simdisk *simdisk_free(struct simdisk *disk);
CLEANUP_DEFINE(struct simdisk *, simdisk_free)

bool simdisk_is_down(const struct simdisk *disk);

/* The machine runs again. @power: it was a power failure; it may also come while nothing is
 * written. */
void simdisk_restart(struct simdisk *disk, bool power);

/* Files. A path is any text; its folder is what stands before the last '/'. */
enum {
    SIMDISK_E_SAME = 1,   /* the very content is there already */
    SIMDISK_E_ABSENT = 2, /* there is no such file */
    SIMDISK_E_FULL = 3,
    SIMDISK_E_DOWN = 4,
};

/* A file is written in steps. To a temporary one beside @path, whose name is *@ret_temp (to be
 * freed): 0, _SAME, _FULL (nothing is left of it), _DOWN. */
int simdisk_stage(struct simdisk *disk, const char *path, struct slice content, char **ret_temp);
/* fsync of the file @path; of the folder of @path. 0, _ABSENT, _DOWN. */
int simdisk_sync(struct simdisk *disk, const char *path);
int simdisk_sync_folder(struct simdisk *disk, const char *path);
/* rename. 0, _ABSENT, _DOWN. */
int simdisk_move(struct simdisk *disk, const char *temp, const char *path);
/* unlink. 0, _ABSENT, _DOWN. */
int simdisk_drop(struct simdisk *disk, const char *path);

/* 0 with the content (cleared first), _ABSENT, _DOWN. */
int simdisk_read(const struct simdisk *disk, const char *path, struct buf *ret_content);

/* All files are gone, as those in memory are when the machine starts. */
void simdisk_wipe(struct simdisk *disk);

/* Removes temporary files that a crash left in @folder. */
void simdisk_clean(struct simdisk *disk, const char *folder);

/* Calls @each with every path, in the order of their first making. No change from inside. */
void simdisk_each(const struct simdisk *disk, void (*each)(void *context, const char *path),
                  void *context);
bool simdisk_is_temporary(const char *path);

/* The store, as the ports want it (host/ports.h): 0, STORE_E_NONE, -ENOSPC, -EIO (down). */
int simdisk_store_read(const struct simdisk *disk, const uint8_t leaf_sha256[SHA256_SIZE],
                       struct store_record *ret_record);
int simdisk_store_read_issuer(const struct simdisk *disk, const char *url, struct buf *ret_der);
int simdisk_store_commit(struct simdisk *disk, const struct store_change *changes, size_t count);

/* Calls @each with all that the store knows of leaves. The record is borrowed. */
void simdisk_store_each(const struct simdisk *disk,
                        void (*each)(void *context, const uint8_t *leaf_sha256,
                                     const struct store_record *record),
                        void *context);

/* What publishers say they have put where: opaque to the disk but for its key. */
struct simdisk_published {
    const char *path;
    const char *snippet;
    const char *command;
    const char *kind;
    const char *leaf_hex;
    int64_t next_update_s;
    uint64_t der_hash;
};
int simdisk_store_put_published(struct simdisk *disk, const struct simdisk_published *published);
int simdisk_store_drop_published(struct simdisk *disk, const char *path);
void simdisk_store_each_published(const struct simdisk *disk,
                                  void (*each)(void *context,
                                               const struct simdisk_published *published),
                                  void *context);

/* The store's file is gone, with all that was in it; how often that has happened. */
void simdisk_store_lose(struct simdisk *disk);
unsigned simdisk_store_losses(const struct simdisk *disk);
