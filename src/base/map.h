/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A hash table from 64-bit hashes to numbers (indexes of the owner's array). Several values may
 * share a hash: the owner compares what they stand for.
 *
 *     for (uint32_t v = map_first(&map, hash, &at); v != MAP_NONE; v = map_more(&map, hash, &at)) {
 *         if (is_it(v)) ...
 *     }
 *
 * Open addressing, at most half full, removal by tombstones that go at the next growth. */

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MAP_NONE UINT32_MAX

struct map {
    struct map_slot *slots;
    size_t size;  /* a power of two, or 0 */
    size_t used;  /* slots that are or were taken */
    size_t count; /* values in it */
};

#define MAP_NULL ((struct map){0})

void map_deinit(struct map *map);

/* Adds @value (not MAP_NONE, and not there yet under @hash). 0 or -ENOMEM. */
int map_add(struct map *map, uint64_t hash, uint32_t value);

/* Takes it out; nothing when it is not there. */
void map_remove(struct map *map, uint64_t hash, uint32_t value);

/* The values under @hash one after another; MAP_NONE behind the last. No change in between. */
uint32_t map_first(const struct map *map, uint64_t hash, size_t *ret_at);
uint32_t map_more(const struct map *map, uint64_t hash, size_t *at);

/* A hash of bytes that need not be random themselves. */
uint64_t map_hash(struct slice bytes);
