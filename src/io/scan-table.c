/* SPDX-License-Identifier: Apache-2.0 */
#include "io/scan-table.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define SCAN_TABLE_FIRST 64

uint64_t scan_hash(struct slice bytes)
{
    uint64_t hash = rng_mix(bytes.size);
    size_t i = 0;

    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word;

        memcpy(&word, bytes.data + i, 8);
        hash = rng_mix(hash ^ word);
    }
    for (; i < bytes.size; i++) {
        hash = rng_mix(hash ^ bytes.data[i]);
    }
    return hash;
}

static void scan_table_free_items(struct scan_table *table)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        while (table->buckets[i]) {
            struct scan_item *item = table->buckets[i];

            table->buckets[i] = item->next;
            free(item);
        }
    }
}

void scan_table_deinit(struct scan_table *table)
{
    scan_table_free_items(table);
    free(table->buckets);
    *table = (struct scan_table){0};
}

static struct scan_item *scan_table_look(const struct scan_table *table, struct slice path,
                                         uint64_t hash)
{
    struct scan_item *item;

    if (!table->bucket_count) {
        return NULL;
    }
    for (item = table->buckets[hash & (table->bucket_count - 1)]; item; item = item->next) {
        if (item->hash == hash && slice_equal(slice_of_text(item->path), path)) {
            return item;
        }
    }
    return NULL;
}

struct scan_item *scan_table_find(const struct scan_table *table, struct slice path)
{
    return scan_table_look(table, path, scan_hash(path));
}

static bool scan_table_grow(struct scan_table *table)
{
    size_t count = table->bucket_count ? table->bucket_count * 2 : SCAN_TABLE_FIRST;
    struct scan_item **buckets = calloc(count, sizeof(struct scan_item *));

    if (!buckets) {
        return false;
    }
    for (size_t i = 0; i < table->bucket_count; i++) {
        while (table->buckets[i]) {
            struct scan_item *item = table->buckets[i];

            table->buckets[i] = item->next;
            item->next = buckets[item->hash & (count - 1)];
            buckets[item->hash & (count - 1)] = item;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    return true;
}

struct scan_item *scan_table_get(struct scan_table *table, struct slice path)
{
    uint64_t hash = scan_hash(path);
    struct scan_item *item = scan_table_look(table, path, hash);

    if (item) {
        return item;
    }
    if (table->count == table->bucket_count && !scan_table_grow(table)) {
        return NULL;
    }
    item = calloc(1, sizeof(*item) + path.size + 1);
    if (!item) {
        return NULL;
    }
    item->hash = hash;
    if (path.size) {
        memcpy(item->path, path.data, path.size);
    }
    item->next = table->buckets[hash & (table->bucket_count - 1)];
    table->buckets[hash & (table->bucket_count - 1)] = item;
    table->count++;
    return item;
}

void scan_table_sweep(struct scan_table *table, bool (*keep)(void *context, struct scan_item *item),
                      void *context)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct scan_item **at = &table->buckets[i];

        while (*at) {
            struct scan_item *item = *at;

            if (keep(context, item)) {
                at = &item->next;
                continue;
            }
            *at = item->next;
            table->count--;
            free(item);
        }
    }
}
