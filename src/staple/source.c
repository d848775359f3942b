/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/source.h"

#include <clinch/staple.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct source {
    struct source *next;
    char *paths;
    struct cache *cache;
};

/* Sources are only ever added, so that the list is read without the lock. */
static struct source *first;
static unsigned count;
static bool prepared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct source *first_source(void)
{
    return __atomic_load_n(&first, __ATOMIC_ACQUIRE);
}

/* Around a fork all locks are ours: a child that was made while another thread held one would wait
 * for it for ever. Nothing else is locked, or waited for, by who holds one. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
    for (struct source *source = first_source(); source; source = source->next) {
        cache_lock(source->cache);
    }
}

static void after_fork(void)
{
    for (struct source *source = first_source(); source; source = source->next) {
        cache_unlock(source->cache);
    }
    pthread_mutex_unlock(&lock);
}

static struct source *find(const char *paths)
{
    struct source *source = first_source();

    while (source && strcmp(source->paths, paths) != 0) {
        source = source->next;
    }
    return source;
}

static int make(struct source **ret_source, const char *paths)
{
    struct source *source = calloc(1, sizeof(*source));
    struct folders *folders = NULL;
    int r = -ENOMEM;

    if (source) {
        source->paths = strdup(paths);
    }
    if (source && source->paths) {
        r = folders_new(&folders, paths);
    }
    if (!r) {
        r = cache_new(&source->cache, folders);
    }
    if (r) {
        folders_free(folders);
        free(source ? source->paths : NULL);
        free(source);
        return r;
    }
    *ret_source = source;
    return 0;
}

static int add(struct source **ret_source, const char *paths)
{
    struct source *source;
    int r;

    if (count == SOURCES_MAX) {
        return -EINVAL;
    }
    if (!prepared && pthread_atfork(before_fork, after_fork, after_fork)) {
        return -ENOMEM;
    }
    prepared = true;
    r = make(&source, paths);
    if (r) {
        return r;
    }
    source->next = first;
    __atomic_store_n(&first, source, __ATOMIC_RELEASE);
    ++count;
    *ret_source = source;
    return 0;
}

int source_open(struct source **ret_source, const char *paths)
{
    struct source *source;
    int r = 0;

    paths = paths ? paths : CLINCH_STAPLE_FOLDER;
    source = find(paths);
    if (!source) {
        pthread_mutex_lock(&lock);
        source = find(paths); /* another thread may have been first */
        if (!source) {
            r = add(&source, paths);
        }
        pthread_mutex_unlock(&lock);
    }
    if (!r) {
        *ret_source = source;
    }
    return r;
}

struct cache *source_cache(struct source *source)
{
    return source->cache;
}
