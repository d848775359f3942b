/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A binary heap of deadlines: which of many entries is due first.
 *
 * Entries are numbers that the owner chooses (small and dense: they index an array). Each entry is
 * in the heap at most once; setting its deadline again moves it. Equal deadlines come out by
 * entry, so that the order never depends on history. All operations but init cost O(log n).
 *
 * Many heaps over the same entries, each of which is in at most one of them, share one index:
 * they set `shared` before first use, and whoever owns the index frees it. */

#include <stddef.h>
#include <stdint.h>

struct heap_slot {
    int64_t deadline;
    uint32_t entry;
};

/* Where entries stand in their heap. */
struct heap_index {
    uint32_t *positions; /* entry -> slot + 1, 0: not in it */
    size_t entries;      /* size of positions */
};

struct heap {
    struct heap_slot *slots; /* [0, count): the heap; by value for locality */
    size_t count;
    size_t capacity; /* of slots */
    struct heap_index own;
    struct heap_index *shared; /* used instead of own; NULL */
};

#define HEAP_NULL ((struct heap){0})

void heap_deinit(struct heap *heap);
void heap_index_deinit(struct heap_index *index);

/* Puts @entry in, or moves it, to @deadline. 0 or -ENOMEM (then nothing changed). */
int heap_set(struct heap *heap, uint32_t entry, int64_t deadline);

/* Room for the entries below @entries: heap_set() of them does not fail any more. -ENOMEM. */
int heap_reserve(struct heap *heap, uint32_t entries);

/* Takes @entry out; nothing when it is not in. */
void heap_remove(struct heap *heap, uint32_t entry);

/* The earliest deadline, INSTANT_NEVER when empty; *@ret_entry (may be NULL) is whose it is. */
int64_t heap_first(const struct heap *heap, uint32_t *ret_entry);
