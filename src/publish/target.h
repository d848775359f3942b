/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of the publisher share. Private to this folder.
 *
 * A target is told what should be shown (publish, withdraw) and only remembers it; the work is
 * done in tick(), a bounded piece at a time, and tick() says when it wants to be called again.
 * Nothing here blocks on a server, and no target waits for another. */

#include <uv.h>

#include "base/rng.h"
#include "conf/config.h"
#include "core/staple.h"
#include "io/log.h"
#include "io/store.h"
#include "publish/handed.h"
#include "publish/trouble.h"

/* What all targets work with; owned by the publisher. */
struct publish_context {
    uv_loop_t *loop;
    struct store *store; /* may be NULL */
    const struct log *log;
    const char *state_dir;
    uint64_t changes;                  /* numbers the changes that servers must be told of */
    uint64_t runs;                     /* commands that ended well */
    const struct publish_names *names; /* or NULL; see publisher_new() */
    struct rng rng;                    /* for jitter */
    struct instant (*clock)(void);
    int64_t off_s; /* how far the wall clock is ahead of the time that is gone by */
    void (*wake)(struct publish_context *context);              /* tick() soon */
    struct haproxy_link *links;                                 /* of all targets */
    void (*handed)(void *watcher, const struct handed *handed); /* NULL: nobody wants to know */
    void *watcher;
};

/* Tells of an entry with `verify` what its server has taken. */
static inline void publish_tell(const struct publish_context *context, const struct handed *handed)
{
    if (context->handed && handed->target->verify_count) {
        context->handed(context->watcher, handed);
    }
}

/* Now, by the time that the engine goes by: a clock that jumped is not believed at once. */
static inline struct instant publish_now(const struct publish_context *context)
{
    struct instant now = context->clock();

    now.wall_s = time_sub(now.wall_s, context->off_s);
    return now;
}

/* A staple that should be shown, shared by all targets that still need its bytes. Immutable. */
struct wish {
    unsigned refs;
    uint8_t leaf[SHA256_SIZE];
    struct window serve;
    int64_t next_update_s;
    int64_t keep_until_s; /* not taken away before: nextUpdate, or the end of a grace */
    bool urgent;
    bool revoked; /* what it says of the leaf */
    uint64_t der_hash;
    size_t size;
    const char *name; /* of the certificate; behind the DER */
    uint8_t der[];
};

struct wish *wish_new(const struct staple *staple); /* NULL without memory */
struct wish *wish_ref(struct wish *wish);
struct wish *wish_unref(struct wish *wish); /* NULL is fine; returns NULL */
CLEANUP_DEFINE(struct wish *, wish_unref)
static inline struct slice wish_der(const struct wish *wish)
{
    return slice_of(wish->der, wish->size);
}

struct target;
struct target_ops {
    /* 0 or -ENOMEM. Keeps a reference to @wish when it needs one. */
    int (*publish)(struct target *target, struct place place, const struct cert_facts *cert,
                   struct wish *wish);
    void (*withdraw)(struct target *target, struct place place, const struct cert_facts *cert,
                     bool quiet);
    /* Reads what an earlier run left at @place. 0 or STORE_E_NONE. NULL: it keeps nothing. */
    int (*recall)(struct target *target, struct place place, const struct cert_facts *cert,
                  struct buf *ret_der);
    /* Everything that is wanted has been published by now. NULL: nothing to do. */
    void (*reconcile)(struct target *target);
    /* Does what is due; the next deadline (monotonic ms), INSTANT_NEVER. NULL: nothing to do. */
    int64_t (*tick)(struct target *target, struct instant now);
    bool (*busy)(const struct target *target);
    bool (*failing)(const struct target *target);
    /* As publisher_each_trouble(). NULL: there is none that others do not tell. */
    void (*each_trouble)(const struct target *target,
                         void (*found)(void *context, const struct publish_trouble *trouble),
                         void *context);
    void (*free)(struct target *target); /* handles it has on the loop close by themselves */
};

struct target {
    const struct target_ops *ops;
    const struct target_config *config;
};

/* True when the `only` globs of @config (none: all) take the certificate at @path. */
bool target_takes(const struct target_config *config, const char *path);

/* *@text becomes a copy of @fault; without memory NULL. */
void target_keep_fault(char **text, const char *fault);

/* How long to wait after @failures failures in a row: @first_ms doubling to @most_ms, the upper
 * half of it by chance. */
int64_t target_backoff_ms(struct rng *rng, unsigned failures, int64_t first_ms, int64_t most_ms);

#define TARGET_BACKOFF_FIRST_MS 1000
#define TARGET_BACKOFF_MOST_MS  300000
