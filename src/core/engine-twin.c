/* SPDX-License-Identifier: Apache-2.0 */

/* Leaves with the same CertID (issuer and serial number: private authorities do issue them twice)
 * share one fetch. They stand in a ring. */

#include <errno.h>
#include <string.h>

#include "core/engine-private.h"

static uint64_t certid_hash(const struct cert_facts *cert)
{
    uint64_t hash = map_hash(slice_of(cert->serial, cert->serial_size));

    hash = rng_mix(hash ^ map_hash(slice_of(cert->issuer_key_sha1, SHA1_SIZE)));
    return rng_mix(hash ^ map_hash(slice_of(cert->issuer_name_sha1, SHA1_SIZE)));
}

static bool certid_is_same(const struct cert_facts *a, const struct cert_facts *b)
{
    return a->serial_size == b->serial_size && memcmp(a->serial, b->serial, a->serial_size) == 0 &&
           memcmp(a->issuer_key_sha1, b->issuer_key_sha1, SHA1_SIZE) == 0 &&
           memcmp(a->issuer_name_sha1, b->issuer_name_sha1, SHA1_SIZE) == 0;
}

int engine_add_twin(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    uint64_t hash = certid_hash(entry->cert);
    size_t at;

    entry->twin = cert;
    for (uint32_t i = map_first(&engine->by_certid, hash, &at); i != MAP_NONE;
         i = map_more(&engine->by_certid, hash, &at)) {
        if (certid_is_same(engine->entries[i].cert, entry->cert)) {
            entry->twin = engine->entries[i].twin;
            engine->entries[i].twin = cert;
            return 0;
        }
    }
    return map_add(&engine->by_certid, hash, cert);
}

/* Does one of the ring of @cert stand for it in the map? */
static bool ring_is_known(const struct engine *engine, uint64_t hash, uint32_t cert)
{
    size_t at;

    for (uint32_t i = map_first(&engine->by_certid, hash, &at); i != MAP_NONE;
         i = map_more(&engine->by_certid, hash, &at)) {
        if (certid_is_same(engine->entries[i].cert, engine->entries[cert].cert)) {
            return true;
        }
    }
    return false;
}

void engine_drop_twin(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    uint64_t hash = certid_hash(entry->cert);
    uint32_t before = cert, next = entry->twin;

    map_remove(&engine->by_certid, hash, cert);
    while (engine->entries[before].twin != cert) {
        before = engine->entries[before].twin;
    }
    engine->entries[before].twin = next;
    entry->twin = cert;
    /* Whichever of the others: if @cert did not stand for them, one of them does already. */
    if (next != cert && !ring_is_known(engine, hash, next) &&
        map_add(&engine->by_certid, hash, next)) {
        engine->status = -ENOMEM;
    }
}

uint32_t engine_asker(const struct engine *engine, uint32_t cert)
{
    uint32_t twin = engine->entries[cert].twin;

    while (twin != cert && !engine->entries[twin].attempt && !engine->entries[twin].waiting) {
        twin = engine->entries[twin].twin;
    }
    return twin;
}
