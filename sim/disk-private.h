/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by disk.c (steps and files) and disk-store.c. Nobody else includes it. */

#include "sim/disk.h"

/* What a file holds. Never freed before the disk: there are few. */
struct simdisk_inode {
    struct simdisk_inode *next;
    struct buf content;
    bool synced;
    bool used; /* some name leads to it; free_unused() alone */
};

struct simdisk_name {
    char *path;
    uint64_t hash;                 /* of it */
    uint64_t folder;               /* of its folder */
    struct simdisk_inode *now;     /* NULL: there is none */
    struct simdisk_inode *durable; /* what a power failure may bring back */
};

struct simdisk_record {
    uint8_t leaf_sha256[SHA256_SIZE];
    int64_t next_try_s;    /* of its row; INSTANT_NEVER: there is none */
    struct buf answers[2]; /* by enum store_slot; empty: none */
    struct tombstone tombstone;
};

struct simdisk_issuer {
    char *url;
    struct buf der;
};

struct simdisk_note {
    char *texts[5]; /* path, snippet, command, kind, leaf_hex */
    int64_t next_update_s;
    uint64_t der_hash;
};

struct simdisk {
    struct rng rng;
    struct simdisk_calls calls;
    bool down;
    uint64_t temporaries; /* made so far: their names differ */

    struct simdisk_inode *inodes;
    struct simdisk_name *names;
    size_t name_count;

    struct simdisk_record *records;
    size_t record_count;
    struct simdisk_issuer *issuers;
    size_t issuer_count;
    struct simdisk_note *published;
    size_t published_count;
    unsigned losses;
};

/* May the next step be done? 0, SIMDISK_E_FULL, SIMDISK_E_DOWN. */
int simdisk_step(struct simdisk *disk, enum simdisk_kind kind);

/* Room for one more of @size octets in an array that doubles. */
void *simdisk_grow(void *array, size_t count, size_t size);

void simdisk_store_deinit(struct simdisk *disk);
