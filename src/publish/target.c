/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/target.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "wire/single.h"

/* Of the SingleResponse about the leaf. */
static bool is_revoked(const struct staple *staple)
{
    struct slice serial = slice_of(staple->cert->serial, staple->cert->serial_size);
    struct single single;

    for (unsigned i = 0; single_read(staple->der, i, &single); ++i) {
        if (single.revoked && slice_equal(single_serial(single.certid), serial)) {
            return true;
        }
    }
    return false;
}

struct wish *wish_new(const struct staple *staple)
{
    const char *name = staple->cert->name ? staple->cert->name : "";
    size_t name_size = text_length(name) + 1;
    struct wish *wish = malloc(sizeof(*wish) + staple->der.size + name_size);

    if (!wish) {
        return NULL;
    }
    *wish = (struct wish){
        .refs = 1,
        .serve = staple->serve,
        .next_update_s = staple->next_update_s,
        .keep_until_s = time_max(staple->next_update_s, staple->keep_until_s),
        .urgent = staple->urgent,
        .revoked = is_revoked(staple),
        .der_hash = map_hash(staple->der),
        .size = staple->der.size,
    };
    memcpy(wish->leaf, staple->cert->leaf_sha256, SHA256_SIZE);
    memcpy(wish->der, staple->der.data, staple->der.size);
    memcpy(wish->der + wish->size, name, name_size);
    wish->name = (const char *)wish->der + wish->size;
    return wish;
}

struct wish *wish_ref(struct wish *wish)
{
    assert(wish->refs > 0);
    ++wish->refs;
    return wish;
}

struct wish *wish_unref(struct wish *wish)
{
    if (wish && --wish->refs == 0) {
        free(wish);
    }
    return NULL;
}

bool target_takes(const struct target_config *config, const char *path)
{
    for (size_t i = 0; i < config->only_count; ++i) {
        if (fnmatch(config->only[i], path, 0) == 0) {
            return true;
        }
    }
    return config->only_count == 0;
}

void target_keep_fault(char **text, const char *fault)
{
    free(*text);
    *text = text_copy(slice_of_text(fault));
}

int64_t target_backoff_ms(struct rng *rng, unsigned failures, int64_t first_ms, int64_t most_ms)
{
    int64_t wait_ms = first_ms;

    for (unsigned i = 1; i < failures && wait_ms < most_ms; ++i) {
        wait_ms *= 2;
    }
    wait_ms = time_min(wait_ms, most_ms);
    return wait_ms / 2 + (int64_t)rng_below(rng, (uint64_t)(wait_ms / 2) + 1);
}
