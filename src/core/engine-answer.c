/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "core/engine-private.h"
#include "core/schedule.h"

#define REASON_CODE_HOLD 6 /* CRLReason certificateHold, RFC 5280 5.3.1 */

static struct held held_of(const struct ocsp_facts *facts, struct window serve)
{
    return (struct held){
        .present = true,
        .this_update_s = facts->this_update_s,
        .next_update_s = facts->next_update_s,
        .produced_at_s = facts->produced_at_s,
        .serve = serve,
    };
}

static bool held_is_same(const struct held *held, const struct held *other)
{
    return held->present && held->this_update_s == other->this_update_s &&
           held->next_update_s == other->next_update_s &&
           held->produced_at_s == other->produced_at_s &&
           held->serve.until_s == other->serve.until_s;
}

/* When the answer ends for our purpose: at nextUpdate, or earlier with its delegate, with its leaf
 * or by a client's limit. */
static int64_t held_end_s(const struct policy *policy, const struct held *answer)
{
    bool by_itself = time_sub(answer->next_update_s, answer->serve.until_s) <= policy->margin_max_s;

    return by_itself ? answer->next_update_s : answer->serve.until_s;
}

static void entry_plan_refresh(struct engine *engine, struct entry *entry,
                               const struct held *answer, bool bulk)
{
    struct window life = {answer->this_update_s, held_end_s(&engine->policy, answer)};

    entry->ask_wall_s =
        schedule_refresh(&engine->policy, life, engine->now.wall_s, entry->salt, bulk);
    entry->ask_mono_ms = INSTANT_NEVER;
}

static void entry_succeeded(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry->failures = 0;
    entry->told = UINT8_MAX;
    entry->settled = true;
    engine_emit(engine, EFFECT_SETTLED, cert);
}

static void engine_unchanged(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    const struct held *held = &entry->held;

    /* Authorities under the Baseline Requirements sign late: asking at half-life and getting the
     * same again is the normal case. */
    entry->ask_wall_s = schedule_unchanged(&engine->policy, held_end_s(&engine->policy, held),
                                           engine->now.wall_s, entry->salt);
    entry->ask_mono_ms = INSTANT_NEVER;
    entry_succeeded(engine, cert);
    engine_show(engine, cert, false);
    engine_note(engine, cert, NOTE_UNCHANGED, NOTE_DEBUG);
}

/* RFC 5019 6.1: "To minimize bandwidth usage, clients MUST locally cache authoritative OCSP
 * responses" */
static void engine_keep(struct engine *engine, uint32_t cert, enum store_slot slot)
{
    engine_emit(engine, EFFECT_KEEP, cert)->slot = slot;
}

static void engine_drop(struct engine *engine, uint32_t cert, enum store_slot slot)
{
    struct entry *entry = &engine->entries[cert];
    struct held *held = slot == STORE_SLOT_HELD ? &entry->held : &entry->pending;

    if (held->present) {
        *held = (struct held){0};
        engine_emit(engine, EFFECT_DROP, cert)->slot = slot;
    }
}

/* A good answer: held at once, or kept back while its first minutes would trouble clients whose
 * clock is behind and something good is there meanwhile. */
static void engine_accept(struct engine *engine, uint32_t cert, const struct held *answer)
{
    struct entry *entry = &engine->entries[cert];
    int64_t wall_s = engine->now.wall_s;
    bool bulk = !entry_can_show(entry, wall_s) || entry->failures > 0;
    bool early = answer->this_update_s > wall_s ||
                 (answer->serve.from_s > wall_s && entry_can_show(entry, wall_s));
    const char *url = entry->cert->urls[entry->url];

    if (held_is_same(&entry->held, answer) || (early && held_is_same(&entry->pending, answer))) {
        engine_unchanged(engine, cert);
        return;
    }
    if (early) {
        entry->pending = *answer;
        engine_keep(engine, cert, STORE_SLOT_PENDING);
    } else {
        engine_drop(engine, cert, STORE_SLOT_PENDING);
        entry->held = *answer;
        engine_keep(engine, cert, STORE_SLOT_HELD);
    }
    entry_plan_refresh(engine, entry, answer, bulk);
    entry_succeeded(engine, cert);
    engine_show(engine, cert, !early);
    engine_note(engine, cert, early ? NOTE_HELD_BACK : NOTE_ACCEPTED, NOTE_INFO)->url = url;
}

/* A server may still hold a staple from an earlier run of which the store knows nothing. */
static void engine_withdraw_unseen(struct engine *engine, uint32_t cert)
{
    engine_emit(engine, EFFECT_WITHDRAW, cert)->urgent = true;
}

static void engine_revoke(struct engine *engine, uint32_t cert, const struct ocsp_facts *facts)
{
    struct entry *entry = &engine->entries[cert];
    struct held life = {.this_update_s = facts->this_update_s,
                        .next_update_s = facts->next_update_s,
                        .serve.until_s = facts->next_update_s};
    bool news = !entry->tombstone.present, published = entry->published;
    const char *url = entry->cert->urls[entry->url];

    entry->tombstone = (struct tombstone){true, facts->this_update_s, facts->revoked_at_s,
                                          facts->revocation_reason};
    entry->good_again_s = 0;
    engine_emit(engine, EFFECT_TOMBSTONE, cert)->tombstone = entry->tombstone;
    engine_drop(engine, cert, STORE_SLOT_HELD);
    engine_drop(engine, cert, STORE_SLOT_PENDING);
    entry_plan_refresh(engine, entry, &life, false);
    entry_succeeded(engine, cert);
    engine_show(engine, cert, false);
    if (news && !published) {
        engine_withdraw_unseen(engine, cert);
    }
    engine_note(engine, cert, NOTE_REVOKED, news ? NOTE_ERROR : NOTE_DEBUG)->url = url;
}

/* A good answer while a tombstone stands. True: the revocation is undone. An older one never
 * undoes it; a hold may be released at once; anything else needs a second answer some time later,
 * since a revocation is for ever (RFC 5280 5.3.1) and one responder may be behind the others. */
static bool engine_rises(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    int64_t wall_s = engine->now.wall_s;
    int64_t recheck_s = engine->policy.revoked_recheck_s;

    if (entry->tombstone.reason == REASON_CODE_HOLD ||
        (entry->good_again_s && time_sub(wall_s, entry->good_again_s) >= recheck_s)) {
        entry->tombstone = (struct tombstone){0};
        entry->good_again_s = 0;
        engine_emit(engine, EFFECT_TOMBSTONE, cert);
        return true;
    }
    if (!entry->good_again_s) {
        entry->good_again_s = wall_s;
    }
    entry->ask_wall_s = time_add(entry->good_again_s, recheck_s);
    entry->ask_mono_ms = INSTANT_NEVER;
    entry_succeeded(engine, cert);
    engine_note(engine, cert, NOTE_GOOD_AFTER_REVOKED, NOTE_WARNING);
    return false;
}

static void engine_good(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                        struct window serve)
{
    struct entry *entry = &engine->entries[cert];
    struct held answer = held_of(fetched->facts, serve);

    if (!entry->tombstone.present) {
        engine_accept(engine, cert, &answer);
        return;
    }
    if (answer.this_update_s <= entry->tombstone.this_update_s) {
        engine_failed(engine, cert, fetched, REASON_OLDER_THAN_HELD);
    } else if (engine_rises(engine, cert)) {
        engine_accept(engine, cert, &answer);
        engine_note(engine, cert, NOTE_REVOCATION_UNDONE, NOTE_WARNING);
    }
}

/* A good answer that may not be shown any more, within the margin of some client's end, is of no
 * use: a newer one is asked for as if it had ended. */
static struct judgement engine_judge(const struct engine *engine, const struct entry *entry,
                                     const struct ocsp_facts *facts, const struct held *held)
{
    int64_t wall_s = engine->now.wall_s;
    struct judgement judgement = verdict_judge(&engine->policy, entry->cert, facts, held, wall_s);

    if (judgement.verdict == VERDICT_STAPLE && wall_s >= judgement.serve.until_s) {
        judgement.verdict = VERDICT_REFUSE;
        judgement.reason = REASON_EXPIRED;
    }
    return judgement;
}

void engine_answer(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    struct entry *entry = &engine->entries[cert];
    struct judgement judgement =
        engine_judge(engine, entry, fetched->facts, entry->tombstone.present ? NULL : &entry->held);

    switch (judgement.verdict) {
    case VERDICT_STAPLE:
    case VERDICT_PENDING:
        engine_good(engine, cert, fetched, judgement.serve);
        break;
    case VERDICT_REVOKED:
        engine_revoke(engine, cert, fetched->facts);
        break;
    case VERDICT_REFUSE:
        /* It replaces nothing. Of errors, RFC 6960 2.3: "These messages are not signed." */
        engine_failed(engine, cert, fetched, judgement.reason);
        break;
    }
}

/* What the store kept goes through the same verdict as a fresh answer: the disk is not trusted. */
static bool engine_take_stored(struct engine *engine, uint32_t cert, const struct ocsp_facts *facts,
                               struct held *ret_held)
{
    struct judgement judgement = engine_judge(engine, &engine->entries[cert], facts, NULL);

    if (judgement.verdict == VERDICT_STAPLE || judgement.verdict == VERDICT_PENDING) {
        *ret_held = held_of(facts, judgement.serve);
        return true;
    }
    engine_note(engine, cert, NOTE_STORED_UNFIT,
                judgement.reason == REASON_EXPIRED ? NOTE_INFO : NOTE_WARNING)
        ->reason = judgement.reason;
    return false;
}

void engine_cache(struct engine *engine, uint32_t cert, const struct event_stored *stored)
{
    struct entry *entry = &engine->entries[cert];
    int64_t wall_s = engine->now.wall_s;

    if (entry_hindrance(entry, wall_s) != CERT_STATE_MISSING) {
        return;
    }
    entry->tombstone = stored->tombstone;
    if (stored->held && !entry->tombstone.present) {
        engine_take_stored(engine, cert, stored->held, &entry->held);
    }
    if (stored->pending && !entry->tombstone.present) {
        engine_take_stored(engine, cert, stored->pending, &entry->pending);
    }
    if (entry_promotion_s(entry, wall_s) <= wall_s) {
        engine_promote(engine, cert);
    }
    engine_show(engine, cert, false);
    if (entry->tombstone.present) {
        engine_withdraw_unseen(engine, cert);
        engine_ask(engine, cert);
        engine_note(engine, cert, NOTE_REVOKED, NOTE_ERROR);
        return;
    }
    if (entry_can_show(entry, wall_s)) {
        entry->settled = true;
        entry_plan_refresh(engine, entry, &entry->held, false);
        engine_emit(engine, EFFECT_SETTLED, cert);
        engine_note(engine, cert, NOTE_RESTORED, NOTE_INFO);
        return;
    }
    engine_ask(engine, cert);
}

void engine_promote(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    assert(entry->pending.present);
    entry->held = entry->pending;
    entry->pending = (struct held){0};
    engine_emit(engine, EFFECT_PROMOTE, cert);
    engine_show(engine, cert, true);
}
