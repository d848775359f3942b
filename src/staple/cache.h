/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The staples of some folders in memory, by certificate. A file is looked at (one stat()) at most
 * once a second, when its certificate is asked for, and read when it has changed; that there is
 * none is remembered as long. What is known is bounded (CACHE_...); what was not asked for the
 * longest goes first. From any thread: locks are held for some memory accesses, never for files. */

#include "staple/folder.h"

#define CACHE_CHECK_MS 1000
#define CACHE_SHARDS   16
/* Of all shards together. */
#define CACHE_BYTES_MAX   (256 << 20)
#define CACHE_ENTRIES_MAX (1 << 18)

struct cache;

/* @folders becomes the cache's, unless it fails: 0 or -ENOMEM. */
int cache_new(struct cache **ret_cache, struct folders *folders);
struct cache *cache_free(struct cache *cache);

/* A reference to what may be stapled for @id now, or NULL. */
struct staple *cache_get(struct cache *cache, const uint8_t *id);

/* All locks, around fork(): the child has what its parent had. */
void cache_lock(struct cache *cache);
void cache_unlock(struct cache *cache);

/* What it holds, for tests. */
size_t cache_entries(struct cache *cache);
size_t cache_bytes(struct cache *cache);
