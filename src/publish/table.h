/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A hash table from text to a pointer. Keys are borrowed: whoever owns the value keeps its key
 * alive and unchanged as long as it is in. Names of files are the tenant's to choose, so the
 * hash is seeded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    struct table_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t used;     /* slots that are or were taken */
    size_t count;
    uint64_t seed;
};

#define TABLE_INIT(seed_) ((struct table){NULL, 0, 0, 0, (seed_)})

/* Frees the table, not what is in it. */
void table_deinit(struct table *table);

/* Puts @value under @key, in place of what was there (and of its key). 0 or -ENOMEM. */
int table_set(struct table *table, const char *key, void *value);

/* The value, NULL when there is none. */
void *table_get(const struct table *table, const char *key);
void *table_remove(struct table *table, const char *key);

/* Walks through all values; begin with *@cursor 0; NULL at the end. Removing what it gave is
 * allowed meanwhile, putting in is not. */
void *table_next(const struct table *table, size_t *cursor);
