/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "staple/clock.h"

#define BUCKETS_LEAST 16

struct entry {
    uint8_t id[STAPLE_ID_SIZE];
    struct entry *chain;         /* of the bucket */
    struct entry *newer, *older; /* by when they were asked for */
    int64_t checked_ms;
    uint64_t version;      /* 0: not known */
    struct staple *staple; /* NULL: nothing, or nothing good */
};

/* A part of the certificates, under a lock of its own. */
struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, bytes;
    struct entry *newest, *oldest;
};

struct cache {
    struct folders *folders;
    struct shard shards[CACHE_SHARDS];
};

int cache_new(struct cache **ret_cache, struct folders *folders)
{
    struct cache *cache = calloc(1, sizeof(*cache));

    if (!cache) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        pthread_mutex_init(&cache->shards[i].lock, NULL); /* never fails with glibc or musl */
    }
    cache->folders = folders;
    *ret_cache = cache;
    return 0;
}

struct cache *cache_free(struct cache *cache)
{
    if (!cache) {
        return NULL;
    }
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        struct shard *shard = &cache->shards[i];
        struct entry *older;

        for (struct entry *entry = shard->newest; entry; entry = older) {
            older = entry->older;
            staple_unref(entry->staple);
            free(entry);
        }
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    folders_free(cache->folders);
    free(cache);
    return NULL;
}

static struct shard *shard_of(struct cache *cache, const uint8_t *id)
{
    return &cache->shards[id[0] % CACHE_SHARDS];
}

/* A SHA-256 is its own hash. */
static size_t bucket_of(const uint8_t *id, size_t bucket_count)
{
    uint32_t hash;

    memcpy(&hash, id + 1, sizeof(hash));
    return hash & (bucket_count - 1);
}

static struct entry *find(const struct shard *shard, const uint8_t *id)
{
    struct entry *entry = NULL;

    if (shard->bucket_count > 0) {
        entry = shard->buckets[bucket_of(id, shard->bucket_count)];
    }
    while (entry && memcmp(entry->id, id, STAPLE_ID_SIZE) != 0) {
        entry = entry->chain;
    }
    return entry;
}

static void unlink_age(struct shard *shard, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
}

static void link_newest(struct shard *shard, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = shard->newest;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

static void touch(struct shard *shard, struct entry *entry)
{
    if (shard->newest != entry) {
        unlink_age(shard, entry);
        link_newest(shard, entry);
    }
}

static size_t bytes_of(const struct entry *entry)
{
    return sizeof(*entry) + (entry->staple ? sizeof(*entry->staple) + entry->staple->size : 0);
}

static void drop(struct shard *shard, struct entry *entry)
{
    struct entry **link = &shard->buckets[bucket_of(entry->id, shard->bucket_count)];

    while (*link != entry) {
        link = &(*link)->chain;
    }
    *link = entry->chain;
    unlink_age(shard, entry);
    --shard->count;
    shard->bytes -= bytes_of(entry);
    staple_unref(entry->staple);
    free(entry);
}

/* Without memory for more buckets, the chains get longer. */
static void grow(struct shard *shard)
{
    size_t count = shard->bucket_count ? shard->bucket_count * 2 : BUCKETS_LEAST;
    struct entry **buckets = calloc(count, sizeof(struct entry *));

    if (!buckets) {
        return;
    }
    for (struct entry *entry = shard->newest; entry; entry = entry->older) {
        struct entry **bucket = &buckets[bucket_of(entry->id, count)];

        entry->chain = *bucket;
        *bucket = entry;
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->bucket_count = count;
}

static struct entry *add(struct shard *shard, const uint8_t *id)
{
    struct entry *entry;
    struct entry **bucket;

    if (shard->count >= shard->bucket_count) {
        grow(shard);
    }
    entry = shard->buckets ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry) {
        return NULL;
    }
    memcpy(entry->id, id, STAPLE_ID_SIZE);
    bucket = &shard->buckets[bucket_of(id, shard->bucket_count)];
    entry->chain = *bucket;
    *bucket = entry;
    link_newest(shard, entry);
    ++shard->count;
    shard->bytes += bytes_of(entry);
    return entry;
}

/* What was learned about @id at @checked_ms; takes a reference of its own. Without memory it is
 * only not remembered. */
static void remember(struct shard *shard, const uint8_t *id, const struct entry *learned)
{
    struct entry *entry = find(shard, id);

    if (!entry) {
        entry = add(shard, id);
    }
    if (!entry) {
        return;
    }
    shard->bytes -= bytes_of(entry);
    staple_unref(entry->staple);
    entry->checked_ms = learned->checked_ms;
    entry->version = learned->version;
    entry->staple = learned->staple;
    if (entry->staple) {
        staple_ref(entry->staple);
    }
    shard->bytes += bytes_of(entry);
    while (shard->oldest != entry && (shard->bytes > CACHE_BYTES_MAX / CACHE_SHARDS ||
                                      shard->count > CACHE_ENTRIES_MAX / CACHE_SHARDS)) {
        drop(shard, shard->oldest);
    }
}

/* True when what is known is fresh enough; else its copy in @known is to be checked. From here on
 * others take it for checked: they go on with it and do not wait for the disk. Only who knows
 * nothing of a certificate looks for itself, since the first handshake is to be stapled, too. */
static bool take(struct shard *shard, const uint8_t *id, int64_t now_ms, struct entry *known)
{
    struct entry *entry = find(shard, id);
    bool fresh;

    if (!entry) {
        *known = (struct entry){.checked_ms = now_ms};
        return false;
    }
    fresh = now_ms - entry->checked_ms < CACHE_CHECK_MS;
    if (!fresh) {
        entry->checked_ms = now_ms;
    }
    touch(shard, entry);
    known->checked_ms = entry->checked_ms;
    known->version = entry->version;
    known->staple = entry->staple;
    if (known->staple) {
        staple_ref(known->staple);
    }
    return fresh;
}

/* Brings @known up to date with the disk. True when nothing has changed. */
static bool check(const struct cache *cache, const uint8_t *id, int64_t wall_s, struct entry *known)
{
    uint64_t version = folders_look(cache->folders, id, wall_s);

    if (version > 0 && version == known->version) {
        return true;
    }
    staple_unref(known->staple);
    known->staple = NULL;
    known->version = 0;
    if (version > 0) {
        known->staple = folders_read(cache->folders, id, wall_s, &known->version);
    }
    return false;
}

struct staple *cache_get(struct cache *cache, const uint8_t *id)
{
    struct shard *shard = shard_of(cache, id);
    int64_t wall_s = staple_clock.wall_s();
    struct entry known = {0};
    bool fresh;

    pthread_mutex_lock(&shard->lock);
    fresh = take(shard, id, staple_clock.mono_ms(), &known);
    pthread_mutex_unlock(&shard->lock);
    if (!fresh) {
        if (!check(cache, id, wall_s, &known)) {
            pthread_mutex_lock(&shard->lock);
            remember(shard, id, &known);
            pthread_mutex_unlock(&shard->lock);
        }
        wall_s = staple_clock.wall_s(); /* the disk may have taken its time */
    }
    if (known.staple && known.staple->until_s <= wall_s) {
        return staple_unref(known.staple);
    }
    return known.staple;
}

void cache_lock(struct cache *cache)
{
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        pthread_mutex_lock(&cache->shards[i].lock);
    }
}

void cache_unlock(struct cache *cache)
{
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        pthread_mutex_unlock(&cache->shards[i].lock);
    }
}

size_t cache_entries(struct cache *cache)
{
    size_t count = 0;

    cache_lock(cache);
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        count += cache->shards[i].count;
    }
    cache_unlock(cache);
    return count;
}

size_t cache_bytes(struct cache *cache)
{
    size_t bytes = 0;

    cache_lock(cache);
    for (unsigned i = 0; i < CACHE_SHARDS; ++i) {
        bytes += cache->shards[i].bytes;
    }
    cache_unlock(cache);
    return bytes;
}
