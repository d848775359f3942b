/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What scan.c remembers of each path between two runs: a hash table with the path as key. Private
 * to scan.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Enough of stat(2) to see that a file is another or has been written. All zero: no file. */
struct scan_identity {
    uint64_t dev, ino, size;
    int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

/* The *_run fields say in which run something was seen last. */
struct scan_item {
    struct scan_item *next; /* of the same bucket */
    uint64_t hash;
    uint64_t file_run;      /* as a file that is there */
    uint64_t directory_run; /* told to sink->directory() */
    uint64_t way_run;       /* looked at as a step on the way to a file */
    uint64_t blind_run;     /* a directory into which one could not look */
    uint64_t fault_run;
    int fault;        /* the code last told, 0: none */
    bool known;       /* handed on with sink->read() and not gone since */
    bool young;       /* was written so shortly before the reading that its times may lie */
    uint64_t content; /* hash of what was handed on */
    struct scan_identity file, issuer;
    char path[];
};

struct scan_table {
    struct scan_item **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

void scan_table_deinit(struct scan_table *table);

/* The item of @path, NULL when there is none. */
struct scan_item *scan_table_find(const struct scan_table *table, struct slice path);

/* The item of @path, made when there is none; NULL without memory. */
struct scan_item *scan_table_get(struct scan_table *table, struct slice path);

/* Calls @keep for every item and forgets those for which it says false. */
void scan_table_sweep(struct scan_table *table, bool (*keep)(void *context, struct scan_item *item),
                      void *context);

/* Not for adversaries: for telling contents apart and for buckets. */
uint64_t scan_hash(struct slice bytes);
