/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/rng.h"

#define SLOT_EMPTY   UINT32_MAX
#define SLOT_REMOVED (UINT32_MAX - 1)

/* Half of the hash is enough: the owner compares what values stand for. */
struct map_slot {
    uint32_t hash;
    uint32_t value;
};

static uint32_t half_of(uint64_t hash)
{
    return (uint32_t)(rng_mix(hash) >> 32);
}

void map_deinit(struct map *map)
{
    free(map->slots);
    *map = MAP_NULL;
}

static size_t home_of(const struct map *map, uint32_t half)
{
    return half & (map->size - 1);
}

static void put_slot(struct map *map, uint32_t half, uint32_t value)
{
    size_t at = home_of(map, half);

    while (map->slots[at].value < SLOT_REMOVED) {
        at = (at + 1) & (map->size - 1);
    }
    map->used += map->slots[at].value == SLOT_EMPTY;
    map->count++;
    map->slots[at] = (struct map_slot){half, value};
}

static int grow(struct map *map)
{
    struct map bigger = {.size = 16};

    while (bigger.size < map->count * 3 + 2) {
        bigger.size *= 2;
    }
    bigger.slots = malloc(bigger.size * sizeof(*bigger.slots));
    if (!bigger.slots) {
        return -ENOMEM;
    }
    memset(bigger.slots, 0xff, bigger.size * sizeof(*bigger.slots)); /* SLOT_EMPTY */
    for (size_t i = 0; i < map->size; i++) {
        if (map->slots[i].value < SLOT_REMOVED) {
            put_slot(&bigger, map->slots[i].hash, map->slots[i].value);
        }
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

int map_add(struct map *map, uint64_t hash, uint32_t value)
{
    int r;

    assert(value < SLOT_REMOVED);
    if ((map->used + 1) * 2 > map->size) {
        r = grow(map);
        if (r) {
            return r;
        }
    }
    put_slot(map, half_of(hash), value);
    return 0;
}

uint32_t map_more(const struct map *map, uint64_t hash, size_t *at)
{
    uint32_t half = half_of(hash);

    while (map->slots[*at].value != SLOT_EMPTY) {
        const struct map_slot *slot = &map->slots[*at];

        *at = (*at + 1) & (map->size - 1);
        if (slot->hash == half && slot->value != SLOT_REMOVED) {
            return slot->value;
        }
    }
    return MAP_NONE;
}

uint32_t map_first(const struct map *map, uint64_t hash, size_t *ret_at)
{
    if (!map->size) {
        return MAP_NONE;
    }
    *ret_at = home_of(map, half_of(hash));
    return map_more(map, hash, ret_at);
}

void map_remove(struct map *map, uint64_t hash, uint32_t value)
{
    uint32_t half = half_of(hash);
    size_t at;

    if (!map->size) {
        return;
    }
    at = home_of(map, half);
    while (map->slots[at].value != SLOT_EMPTY) {
        if (map->slots[at].hash == half && map->slots[at].value == value) {
            map->slots[at].value = SLOT_REMOVED;
            map->count--;
            return;
        }
        at = (at + 1) & (map->size - 1);
    }
}

uint64_t map_hash(struct slice bytes)
{
    uint64_t hash = bytes.size;

    for (size_t i = 0; i < bytes.size; i += 8) {
        uint64_t word = 0;

        memcpy(&word, bytes.data + i, bytes.size - i < 8 ? bytes.size - i : 8);
        hash = rng_mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    }
    return hash;
}
