/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"

void heap_index_deinit(struct heap_index *index)
{
    free(index->positions);
    *index = (struct heap_index){0};
}

void heap_deinit(struct heap *heap)
{
    free(heap->slots);
    heap_index_deinit(&heap->own);
    *heap = HEAP_NULL;
}

static struct heap_index *index_of(struct heap *heap)
{
    return heap->shared ? heap->shared : &heap->own;
}

static bool slot_before(struct heap_slot a, struct heap_slot b)
{
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.entry < b.entry;
}

static void heap_place(struct heap *heap, size_t at, struct heap_slot slot)
{
    heap->slots[at] = slot;
    index_of(heap)->positions[slot.entry] = (uint32_t)at + 1;
}

static void heap_rise(struct heap *heap, size_t at, struct heap_slot slot)
{
    while (at > 0 && slot_before(slot, heap->slots[(at - 1) / 2])) {
        heap_place(heap, at, heap->slots[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(heap, at, slot);
}

static void heap_sink(struct heap *heap, size_t at, struct heap_slot slot)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && slot_before(heap->slots[child + 1], heap->slots[child])) {
            child++;
        }
        if (!slot_before(heap->slots[child], slot)) {
            break;
        }
        heap_place(heap, at, heap->slots[child]);
        at = child;
    }
    heap_place(heap, at, slot);
}

/* Puts @slot where the one at @at was: up or down, whichever it needs. */
static void heap_settle(struct heap *heap, size_t at, struct heap_slot slot)
{
    if (at > 0 && slot_before(slot, heap->slots[(at - 1) / 2])) {
        heap_rise(heap, at, slot);
    } else {
        heap_sink(heap, at, slot);
    }
}

static int index_make_room(struct heap_index *index, uint32_t entry)
{
    size_t entries = index->entries ? index->entries : 64;
    uint32_t *positions;

    if (entry < index->entries) {
        return 0;
    }
    while (entries <= entry) {
        entries += entries / 4;
    }
    positions = realloc(index->positions, entries * sizeof(*positions));
    if (!positions) {
        return -ENOMEM;
    }
    memset(positions + index->entries, 0, (entries - index->entries) * sizeof(*positions));
    index->positions = positions;
    index->entries = entries;
    return 0;
}

static int slots_make_room(struct heap *heap, size_t count)
{
    size_t capacity = heap->capacity ? heap->capacity : 64;
    struct heap_slot *slots;

    if (count <= heap->capacity) {
        return 0;
    }
    while (capacity < count) {
        capacity += capacity / 4;
    }
    slots = realloc(heap->slots, capacity * sizeof(*slots));
    if (!slots) {
        return -ENOMEM;
    }
    heap->slots = slots;
    heap->capacity = capacity;
    return 0;
}

int heap_reserve(struct heap *heap, uint32_t entries)
{
    int r;

    if (!entries) {
        return 0;
    }
    r = index_make_room(index_of(heap), entries - 1);
    return r ? r : slots_make_room(heap, entries);
}

static int heap_make_room(struct heap *heap, uint32_t entry)
{
    int r;

    r = index_make_room(index_of(heap), entry);
    if (r || index_of(heap)->positions[entry]) {
        return r;
    }
    return slots_make_room(heap, heap->count + 1);
}

int heap_set(struct heap *heap, uint32_t entry, int64_t deadline)
{
    struct heap_slot slot = {deadline, entry};
    uint32_t position;
    int r;

    r = heap_make_room(heap, entry);
    if (r) {
        return r;
    }
    position = index_of(heap)->positions[entry];
    if (position) {
        heap_settle(heap, position - 1, slot);
    } else {
        heap->count++;
        heap_rise(heap, heap->count - 1, slot);
    }
    return 0;
}

void heap_remove(struct heap *heap, uint32_t entry)
{
    struct heap_index *index = index_of(heap);
    size_t at;

    if (entry >= index->entries || !index->positions[entry]) {
        return;
    }
    at = index->positions[entry] - 1;
    assert(at < heap->count && heap->slots[at].entry == entry);
    index->positions[entry] = 0;
    heap->count--;
    if (at < heap->count) {
        heap_settle(heap, at, heap->slots[heap->count]);
    }
}

int64_t heap_first(const struct heap *heap, uint32_t *ret_entry)
{
    if (!heap->count) {
        return INSTANT_NEVER;
    }
    if (ret_entry) {
        *ret_entry = heap->slots[0].entry;
    }
    return heap->slots[0].deadline;
}
