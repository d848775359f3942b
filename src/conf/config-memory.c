/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/config-memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct config_block {
    struct config_block *next;
    alignas(max_align_t) unsigned char content[];
};

struct config_memory {
    struct config_block *blocks;
};

struct config_memory *config_memory_new(void)
{
    return calloc(1, sizeof(struct config_memory));
}

struct config_memory *config_memory_free(struct config_memory *memory)
{
    if (!memory) {
        return NULL;
    }
    while (memory->blocks) {
        struct config_block *block = memory->blocks;

        memory->blocks = block->next;
        free(block);
    }
    free(memory);
    return NULL;
}

void *config_memory_get(struct config_memory *memory, size_t size)
{
    struct config_block *block = calloc(1, sizeof(*block) + size);

    if (!block) {
        return NULL;
    }
    block->next = memory->blocks;
    memory->blocks = block;
    return block->content;
}

const char *config_memory_copy(struct config_memory *memory, struct slice text)
{
    char *copy = config_memory_get(memory, text.size + 1);

    if (copy && text.size) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}

void *config_memory_grow(struct config_memory *memory, const void *array, size_t count, size_t size)
{
    void *larger;

    /* The room is always the next power of two, so it is full exactly when the count is one. */
    if (count & (count - 1)) {
        return (void *)array;
    }
    larger = config_memory_get(memory, (count ? 2 * count : 1) * size);
    if (larger && count) {
        memcpy(larger, array, count * size);
    }
    return larger;
}
