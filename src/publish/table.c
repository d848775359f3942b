/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct table_slot {
    const char *key; /* NULL: empty */
    void *value;     /* NULL with a key: was removed */
    uint64_t hash;
};

static const char removed_key[] = "";

static uint64_t hash_text(uint64_t seed, const char *text)
{
    uint64_t hash = seed ^ 0xcbf29ce484222325u;

    for (; *text; ++text) {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    }
    return rng_mix(hash ^ seed);
}

/* The slot with @key, else NULL. */
static struct table_slot *find(const struct table *table, const char *key, uint64_t hash)
{
    size_t mask = table->capacity - 1;

    if (table->capacity == 0) {
        return NULL;
    }
    for (size_t i = hash & mask; table->slots[i].key; i = (i + 1) & mask) {
        struct table_slot *slot = &table->slots[i];

        if (slot->value && slot->hash == hash && strcmp(slot->key, key) == 0) {
            return slot;
        }
    }
    return NULL;
}

static void insert(struct table *table, struct table_slot new)
{
    size_t mask = table->capacity - 1;
    size_t i = new.hash &mask;

    while (table->slots[i].key) {
        i = (i + 1) & mask;
    }
    table->slots[i] = new;
    ++table->used;
    ++table->count;
}

static int grow(struct table *table)
{
    size_t capacity = table->count * 2 < 16 ? 32 : table->capacity;
    struct table_slot *old = table->slots;
    size_t old_capacity = table->capacity;

    while (capacity < table->count * 4) {
        capacity *= 2;
    }
    table->slots = calloc(capacity, sizeof(*table->slots));
    if (!table->slots) {
        table->slots = old;
        return -ENOMEM;
    }
    table->capacity = capacity;
    table->used = 0;
    table->count = 0;
    for (size_t i = 0; i < old_capacity; ++i) {
        if (old[i].value) {
            insert(table, old[i]);
        }
    }
    free(old);
    return 0;
}

void table_deinit(struct table *table)
{
    free(table->slots);
    *table = TABLE_INIT(table->seed);
}

int table_set(struct table *table, const char *key, void *value)
{
    uint64_t hash = hash_text(table->seed, key);
    struct table_slot *slot = find(table, key, hash);

    if (slot) {
        slot->key = key;
        slot->value = value;
        return 0;
    }
    if (table->used * 4 >= table->capacity * 3) {
        int r = grow(table);

        if (r) {
            return r;
        }
    }
    insert(table, (struct table_slot){key, value, hash});
    return 0;
}

void *table_get(const struct table *table, const char *key)
{
    struct table_slot *slot = find(table, key, hash_text(table->seed, key));

    return slot ? slot->value : NULL;
}

void *table_remove(struct table *table, const char *key)
{
    struct table_slot *slot = find(table, key, hash_text(table->seed, key));
    void *value;

    if (!slot) {
        return NULL;
    }
    value = slot->value;
    slot->key = removed_key; /* still passed over by those who look behind it */
    slot->value = NULL;
    --table->count;
    return value;
}

void *table_next(const struct table *table, size_t *cursor)
{
    while (*cursor < table->capacity) {
        void *value = table->slots[(*cursor)++].value;

        if (value) {
            return value;
        }
    }
    return NULL;
}
