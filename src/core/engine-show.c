/* SPDX-License-Identifier: Apache-2.0 */

/* What is shown of what is held. */

#include <assert.h>

#include "core/clients.h"
#include "core/engine-private.h"

enum cert_state entry_hindrance(const struct entry *entry, int64_t wall_s)
{
    const struct cert_facts *cert = entry->cert;

    if (cert->is_ca || cert->self_signed) {
        return CERT_STATE_NOT_LEAF;
    }
    /* RFC 5019 3.2: "Clients SHOULD NOT make a request to check the status of expired
     * certificates." */
    if (cert->not_after_s <= wall_s) {
        return CERT_STATE_CERT_EXPIRED;
    }
    if (cert->url_count == 0) {
        return CERT_STATE_NO_URL;
    }
    /* RFC 5019 3.2: "If the certificate signature is invalid or the application is not able to
     * verify it, an OCSP check MUST NOT be requested." */
    return cert->has_issuer ? CERT_STATE_MISSING : CERT_STATE_NO_ISSUER;
}

bool entry_is_good(const struct entry *entry, int64_t wall_s)
{
    return entry->held.present && entry->held.this_update_s <= wall_s &&
           wall_s < entry->held.serve.until_s;
}

bool entry_can_show(const struct entry *entry, int64_t wall_s)
{
    return entry->held.present && entry->held.this_update_s <= wall_s &&
           wall_s < entry->held.grace_until_s;
}

int64_t entry_shown_until_s(const struct entry *entry, int64_t wall_s)
{
    if (!entry_can_show(entry, wall_s)) {
        return 0;
    }
    return entry_is_good(entry, wall_s) ? entry->held.serve.until_s : entry->held.grace_until_s;
}

int64_t entry_promotion_s(const struct entry *entry, int64_t wall_s)
{
    int64_t alone = entry->pending.this_update_s;

    if (!entry->pending.present) {
        return INSTANT_NEVER;
    }
    if (!entry_is_good(entry, wall_s)) {
        return alone;
    }
    return time_max(alone, time_min(entry->pending.serve.from_s, entry->held.serve.until_s));
}

/* Clients that refuse a staple beyond its nextUpdate and fail. */
static uint32_t clients_against_grace(const struct engine *engine, const struct held *held)
{
    int64_t past_s = time_sub(held->grace_until_s, held->next_update_s);
    uint32_t set = 0;

    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        if (clients[i].bad_is_fatal && clients[i].past_s < past_s) {
            set |= CLIENT_BIT(i);
        }
    }
    return set & engine->policy.audience;
}

static void engine_tell_grace(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    struct note *note = engine_note(engine, cert, NOTE_GRACE, NOTE_ERROR);

    entry->grace_told = entry->shows_worse = true;
    note->until_s = entry->held.grace_until_s;
    note->clients = clients_against_grace(engine, &entry->held);
}

/* Nothing more may be shown. From now on there is more of a hurry than there was: the failures so
 * far count no longer. */
static void engine_end(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry->published = false;
    engine_emit(engine, EFFECT_WITHDRAW, cert)->urgent = true;
    if (entry->tombstone.present) {
        return;
    }
    if (!engine->policy.attempts) {
        entry->failures = 0;
        if (entry->ask_mono_ms != INSTANT_NEVER) {
            entry->ask_mono_ms = time_min(
                entry->ask_mono_ms, time_add(engine->now.mono_ms, engine->policy.backoff_first_ms));
        }
    }
    engine_note(engine, cert, NOTE_ENDED, NOTE_ERROR);
}

/* RFC 6066 8: "Note that a server MAY also choose not to send a 'CertificateStatus' message": where
 * nothing good is held, nothing is shown. */
void engine_show(struct engine *engine, uint32_t cert, bool changed)
{
    struct entry *entry = &engine->entries[cert];
    int64_t wall_s = engine->now.wall_s;
    bool revoked = entry->tombstone.present && !engine->policy.staple_revoked;
    bool can = !revoked && entry_can_show(entry, wall_s);
    bool first = can && !entry->published;

    if (can && (first || changed)) {
        entry->published = engine->has_shown = true;
        engine_emit(engine, EFFECT_PUBLISH, cert)->urgent =
            first || entry->tombstone.present || entry->shows_worse;
        entry->shows_worse = entry->tombstone.present;
    } else if (!can && entry->published) {
        engine_end(engine, cert);
    }
    if (can && !entry->grace_told && !entry_is_good(entry, wall_s)) {
        engine_tell_grace(engine, cert);
    }
}

static void engine_promote(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    assert(entry->pending.present);
    entry->held = entry->pending;
    entry->pending = (struct held){0};
    entry->grace_told = false;
    engine_emit(engine, EFFECT_PROMOTE, cert);
    engine_show(engine, cert, true);
}

void engine_catch_up(struct engine *engine, uint32_t cert)
{
    if (entry_promotion_s(&engine->entries[cert], engine->now.wall_s) <= engine->now.wall_s) {
        engine_promote(engine, cert);
    }
    engine_show(engine, cert, false);
}
