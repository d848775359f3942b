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

void engine_release_twins(struct engine *engine, uint32_t cert)
{
    uint32_t twin = engine->entries[cert].twin;

    for (; twin != cert; twin = engine->entries[twin].twin) {
        if (engine->entries[twin].joined) {
            engine->entries[twin].joined = false;
            if (engine_has_room(engine)) {
                engine_ask(engine, twin);
            } else {
                engine_come_back(engine, twin);
            }
            engine_settle_deadline(engine, twin);
        }
    }
}

/* Which of the URLs of @cert is @url? The first when none is. */
static uint8_t url_index(const struct cert_facts *cert, const char *url)
{
    for (uint8_t i = 0; i < cert->url_count; i++) {
        if (text_equal(cert->urls[i], url)) {
            return i;
        }
    }
    return 0;
}

/* What @cert was told is told to a twin that waited for it, or has a use for it. */
static void engine_tell_twin(struct engine *engine, uint32_t twin, uint32_t cert,
                             const struct event_fetched *fetched)
{
    const struct entry *asker = &engine->entries[cert];
    struct entry *entry = &engine->entries[twin];
    bool joined = entry->joined, goes_on = asker->attempt || asker->waiting;
    bool same = entry->held.present && entry->held.digest == asker->held.digest;

    entry->joined = joined && goes_on;
    if (entry->attempt || entry->waiting ||
        entry_hindrance(entry, engine->now.wall_s) != CERT_STATE_MISSING ||
        (goes_on && !(fetched->facts && engine_would_take(engine, twin, fetched->facts)))) {
        return;
    }
    entry->url = url_index(entry->cert, asker->cert->urls[asker->url]);
    entry->responder = asker->responder;
    if (fetched->facts && (joined || engine_would_take(engine, twin, fetched->facts))) {
        engine_answer(engine, twin, fetched);
    } else if (fetched->outcome == FETCH_NOT_MODIFIED && (joined || same)) {
        if (same) {
            engine_not_modified(engine, twin, fetched);
        } else {
            engine_ask(engine, twin);
        }
    } else if (joined) {
        engine_failed(engine, twin, fetched, REASON_GOOD);
    }
    engine_settle_deadline(engine, twin);
}

void engine_share(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    uint32_t next, twin = engine->entries[cert].twin;

    engine->sharing = true;
    for (; twin != cert; twin = next) {
        next = engine->entries[twin].twin;
        if (engine_has_room(engine)) {
            engine_tell_twin(engine, twin, cert, fetched);
        } else { /* it may be news for any of them */
            engine->entries[twin].joined = false;
            engine_come_back(engine, twin);
            engine_settle_deadline(engine, twin);
        }
    }
    engine->sharing = false;
}
