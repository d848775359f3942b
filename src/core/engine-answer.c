/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "core/engine-private.h"
#include "core/schedule.h"

#define REASON_CODE_HOLD 6 /* CRLReason certificateHold, RFC 5280 5.3.1 */

static struct held held_of(const struct ocsp_facts *facts, const struct judgement *judgement)
{
    return (struct held){
        .present = true,
        .digest = facts->digest,
        .this_update_s = facts->this_update_s,
        .next_update_s = facts->next_update_s,
        .produced_at_s = facts->produced_at_s,
        .serve = judgement->serve,
        .grace_until_s = judgement->grace_until_s,
    };
}

/* -1, 0 or 1: is @held older than @other, of the same times, newer? */
static int held_compare(const struct held *held, const struct held *other)
{
    const int64_t ours[] = {held->this_update_s, held->next_update_s, held->serve.until_s,
                            held->produced_at_s};
    const int64_t theirs[] = {other->this_update_s, other->next_update_s, other->serve.until_s,
                              other->produced_at_s};

    for (unsigned i = 0; i < 4; i++) {
        if (ours[i] != theirs[i]) {
            return ours[i] < theirs[i] ? -1 : 1;
        }
    }
    return 0;
}

static bool held_is_as_new(const struct held *held, const struct held *other)
{
    return held->present && held_compare(held, other) == 0;
}

/* When the answer ends for our purpose: at nextUpdate, or earlier with its delegate, with its leaf
 * or by a client's limit. */
static int64_t held_end_s(const struct policy *policy, const struct held *answer)
{
    bool by_itself = time_sub(answer->next_update_s, answer->serve.until_s) <= policy->margin_max_s;

    return by_itself ? answer->next_update_s : answer->serve.until_s;
}

/* The leaf ends before the answer does: no newer one would be shown any longer, and what is left of
 * the leaf says nothing of when to ask. */
static bool entry_ends_with_leaf(const struct engine *engine, const struct entry *entry,
                                 const struct held *answer)
{
    int64_t not_after_s = entry->cert->not_after_s;

    return not_after_s <= answer->next_update_s &&
           time_sub(not_after_s, answer->serve.until_s) <= engine->policy.margin_max_s;
}

static int64_t entry_end_of_s(const struct engine *engine, const struct entry *entry,
                              const struct held *answer)
{
    return entry_ends_with_leaf(engine, entry, answer) ? answer->next_update_s
                                                       : held_end_s(&engine->policy, answer);
}

/* What HTTP says is fresh need not be asked for again, inside our bounds. */
static int64_t hinted_s(int64_t due_s, int64_t fresh_s, int64_t latest_s, int64_t wall_s)
{
    int64_t stale_s = fresh_s > 0 ? time_add(wall_s, fresh_s) : due_s;

    return time_max(due_s, time_min(stale_s, latest_s));
}

/* Without nextUpdate there is no point of its life to wait for. */
static int64_t engine_endless_due_s(const struct engine *engine, const struct entry *entry,
                                    const struct held *answer)
{
    struct window life = {answer->this_update_s, INSTANT_NEVER};

    return schedule_refresh(&engine->policy, life, engine->now.wall_s, entry->salt, false);
}

/* Asks at @due_s; before the margin at the end of @answer begins, which the schedule does not
 * know of, there must be one more try. So must there before what is held ends, where @answer begins
 * only after that. */
static void engine_plan(struct engine *engine, struct entry *entry, const struct held *answer,
                        int64_t due_s)
{
    int64_t wall_s = engine->now.wall_s;
    int64_t left_s = time_sub(answer->serve.until_s, wall_s);

    if (left_s > 0 && due_s >= answer->serve.until_s &&
        !entry_ends_with_leaf(engine, entry, answer)) {
        due_s = time_add(wall_s, time_max(1, left_s / 2));
    }
    if (entry_is_good(entry, wall_s) && answer->this_update_s >= entry->held.serve.until_s) {
        left_s = entry->held.serve.until_s - wall_s;
        due_s = time_min(due_s, time_add(wall_s, time_max(1, left_s / 2)));
    }
    entry->ask_wall_s = due_s;
    entry->ask_mono_ms = INSTANT_NEVER;
}

static void engine_plan_refresh(struct engine *engine, struct entry *entry,
                                const struct held *answer, bool bulk, int64_t fresh_s)
{
    struct window life = {answer->this_update_s, entry_end_of_s(engine, entry, answer)};
    int64_t wall_s = engine->now.wall_s, latest_s = schedule_latest(&engine->policy, life);
    int64_t due_s = schedule_refresh(&engine->policy, life, wall_s, entry->salt, bulk);

    if (answer->next_update_s == INSTANT_NEVER) {
        due_s = latest_s = time_min(due_s, engine_endless_due_s(engine, entry, answer));
    }
    engine_plan(engine, entry, answer, hinted_s(due_s, fresh_s, latest_s, wall_s));
}

/* Authorities under the Baseline Requirements sign late: asking at half-life and getting the same
 * again is the normal case. */
static void engine_plan_unchanged(struct engine *engine, struct entry *entry,
                                  const struct held *answer, int64_t fresh_s)
{
    int64_t wall_s = engine->now.wall_s, until_s = entry_end_of_s(engine, entry, answer);
    int64_t due_s = schedule_unchanged(&engine->policy, until_s, wall_s, entry->salt);
    int64_t latest_s = time_add(wall_s, time_max(0, time_sub(until_s, wall_s)) / 2);

    if (answer->next_update_s == INSTANT_NEVER) {
        due_s = latest_s = time_min(due_s, engine_endless_due_s(engine, entry, answer));
    }
    engine_plan(engine, entry, answer, hinted_s(due_s, fresh_s, latest_s, wall_s));
}

static void entry_succeeded(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry->failures = 0;
    entry->late = false;
    entry->told = UINT8_MAX;
    entry->settled = true;
    engine_emit(engine, EFFECT_SETTLED, cert);
}

static void engine_unchanged(struct engine *engine, uint32_t cert, const struct held *answer,
                             int64_t fresh_s)
{
    engine_plan_unchanged(engine, &engine->entries[cert], answer, fresh_s);
    entry_succeeded(engine, cert);
    engine_show(engine, cert, false);
    engine_note(engine, cert, NOTE_UNCHANGED, NOTE_DEBUG);
}

/* So late in its life there should be a newer one: perhaps a cache keeps it back, or this node of
 * the responder is behind. True: another way to ask is taken. */
static bool engine_asks_behind(struct engine *engine, uint32_t cert, const struct held *answer,
                               const struct event_fetched *fetched)
{
    bool endless = answer->next_update_s == INSTANT_NEVER;
    int64_t until_s = endless ? answer->serve.until_s : held_end_s(&engine->policy, answer);
    int64_t from_s = schedule_renewed((struct window){answer->this_update_s, until_s});

    return until_s != INSTANT_NEVER && engine->now.wall_s >= from_s &&
           engine_ask_otherwise(engine, cert, fetched, REASON_OLDER_THAN_HELD);
}

/* What waits for its time begins only when what is held has ended: another node of the responder,
 * or another responder, may have one that begins sooner. True: it is asked. */
static bool engine_asks_sooner(struct engine *engine, uint32_t cert,
                               const struct event_fetched *fetched)
{
    const struct entry *entry = &engine->entries[cert];

    return entry_is_good(entry, engine->now.wall_s) && entry->pending.present &&
           entry->pending.this_update_s > entry->held.serve.until_s &&
           engine_ask_otherwise(engine, cert, fetched, REASON_NOT_YET_VALID);
}

void engine_not_modified(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    const struct entry *entry = &engine->entries[cert];

    if (entry_is_good(entry, engine->now.wall_s)) {
        if (!engine_asks_behind(engine, cert, &entry->held, fetched)) {
            engine_unchanged(engine, cert, &entry->held, fetched->hints.fresh_s);
        }
    } else {
        engine_failed(engine, cert, fetched, REASON_GOOD); /* what has ended may well be the same */
    }
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

/* Into the slot where it belongs, for the one that is there. */
static void engine_put(struct engine *engine, uint32_t cert, const struct held *answer, bool early)
{
    struct entry *entry = &engine->entries[cert];

    if (early) {
        entry->pending = *answer;
        engine_keep(engine, cert, STORE_SLOT_PENDING);
        return;
    }
    if (entry->pending.present && held_compare(&entry->pending, answer) <= 0) {
        engine_drop(engine, cert, STORE_SLOT_PENDING);
    }
    entry->held = *answer;
    entry->grace_told = false;
    engine_keep(engine, cert, STORE_SLOT_HELD);
}

/* The newer one is for the slot; but where one of them begins only after the end of what is held,
 * the one that begins first. */
static bool entry_prefers_pending(const struct entry *entry, const struct held *answer,
                                  int64_t wall_s)
{
    int64_t ours_s = entry->pending.this_update_s, theirs_s = answer->this_update_s;
    int64_t needed_s = entry_is_good(entry, wall_s) ? entry->held.serve.until_s : wall_s;

    if (!entry->pending.present) {
        return false;
    }
    if (ours_s != theirs_s && time_max(ours_s, theirs_s) >= needed_s) {
        return ours_s < theirs_s;
    }
    return held_compare(&entry->pending, answer) > 0;
}

/* Already when it comes the time to ask for the next is over: signed with the times of a list of
 * revocations, or by a node that is behind. As to when to ask again it is no news. */
static bool engine_is_half_old(const struct engine *engine, const struct held *answer)
{
    struct window life = {answer->this_update_s, held_end_s(&engine->policy, answer)};

    return answer->next_update_s != INSTANT_NEVER &&
           schedule_latest(&engine->policy, life) <= engine->now.wall_s;
}

/* A good answer: held at once, or kept back while its first minutes would trouble clients whose
 * clock is behind and something good is there meanwhile. One of the same times that was signed
 * anew replaces the other without being news. */
static void engine_accept(struct engine *engine, uint32_t cert, const struct held *answer,
                          const struct event_fetched *fetched)
{
    struct entry *entry = &engine->entries[cert];
    int64_t fresh_s = fetched->hints.fresh_s;
    int64_t wall_s = engine->now.wall_s;
    bool good = entry_is_good(entry, wall_s);
    bool bulk = !good || entry->failures > 0 || entry->late;
    bool early = answer->this_update_s > wall_s || (answer->serve.from_s > wall_s && good);
    bool pends = held_is_as_new(&entry->pending, answer);
    const struct held *as_new = held_is_as_new(&entry->held, answer) ? &entry->held
                                : early && pends                     ? &entry->pending
                                                                     : NULL;
    const char *url = entry->cert->urls[entry->url];
    struct note *note;

    if ((as_new && as_new->digest == answer->digest) ||
        (early && entry_prefers_pending(entry, answer, wall_s))) {
        if (as_new == &entry->held ? !engine_asks_behind(engine, cert, answer, fetched)
                                   : !engine_asks_sooner(engine, cert, fetched)) {
            engine_unchanged(engine, cert, answer, fresh_s);
        }
        return;
    }
    early = as_new ? as_new == &entry->pending : early;
    engine_put(engine, cert, answer, early);
    if (as_new == &entry->held ? engine_asks_behind(engine, cert, answer, fetched)
                               : early && engine_asks_sooner(engine, cert, fetched)) {
        engine_show(engine, cert, !early);
        return;
    }
    if (as_new || (!bulk && engine_is_half_old(engine, answer))) {
        engine_plan_unchanged(engine, entry, answer, fresh_s);
    } else {
        engine_plan_refresh(engine, entry, answer, bulk, fresh_s);
    }
    entry_succeeded(engine, cert);
    engine_show(engine, cert, !early);
    note = engine_note(engine, cert,
                       early    ? NOTE_HELD_BACK
                       : as_new ? NOTE_UNCHANGED
                                : NOTE_ACCEPTED,
                       as_new ? NOTE_DEBUG : NOTE_INFO);
    note->url = url;
    note->until_s = entry_promotion_s(entry, wall_s);
}

/* A server may still hold a staple from an earlier run of which the store knows nothing. */
static void engine_withdraw_unseen(struct engine *engine, uint32_t cert)
{
    engine_emit(engine, EFFECT_WITHDRAW, cert)->urgent = true;
}

static struct note *engine_note_revoked(struct engine *engine, uint32_t cert, enum note_level level)
{
    struct note *note = engine_note(engine, cert, NOTE_REVOKED, level);

    note->since_s = engine->entries[cert].tombstone.revoked_at_s;
    return note;
}

/* Only what is later than all that was known when it was said to be revoked, and before, may undo
 * that. */
static int64_t engine_revoked_as_of_s(const struct entry *entry, const struct held *answer)
{
    int64_t as_of_s = answer->this_update_s;

    if (entry->held.present) {
        as_of_s = time_max(as_of_s, entry->held.this_update_s);
    }
    return entry->tombstone.present ? time_max(as_of_s, entry->tombstone.this_update_s) : as_of_s;
}

static void engine_revoke(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                          const struct judgement *judgement)
{
    struct entry *entry = &engine->entries[cert];
    const struct ocsp_facts *facts = fetched->facts;
    struct held answer = held_of(facts, judgement);
    bool news = !entry->tombstone.present, published = entry->published;
    bool staple = engine->policy.staple_revoked;
    bool same = !news && entry->held.present &&
                (entry->held.digest == answer.digest ||
                 (entry_is_good(entry, engine->now.wall_s) &&
                  held_compare(&entry->held, &answer) > 0)); /* or older: no news either */
    const char *url = entry->cert->urls[entry->url];

    entry->tombstone = (struct tombstone){true, engine_revoked_as_of_s(entry, &answer),
                                          facts->revoked_at_s, facts->revocation_reason};
    entry->good_again_ms = INSTANT_NEVER;
    engine_emit(engine, EFFECT_TOMBSTONE, cert)->tombstone = entry->tombstone;
    if (staple && !same) {
        engine_put(engine, cert, &answer, false);
    } else if (!staple) {
        engine_drop(engine, cert, STORE_SLOT_HELD);
    }
    engine_drop(engine, cert, STORE_SLOT_PENDING); /* a good one, which may be newer than this */
    engine_plan_refresh(engine, entry, &answer, false, fetched->hints.fresh_s);
    entry_succeeded(engine, cert);
    engine_show(engine, cert, staple && !same);
    if (news && !published && !entry->published) {
        engine_withdraw_unseen(engine, cert);
    }
    engine_note_revoked(engine, cert, news ? NOTE_ERROR : NOTE_DEBUG)->url = url;
}

/* A good answer while a tombstone stands. True: the revocation is undone. An older one never
 * undoes it; a hold may be released at once; anything else needs a second answer some time later,
 * since a revocation is for ever (RFC 5280 5.3.1) and one responder may be behind the others. */
static bool engine_rises(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    int64_t now_ms = engine->now.mono_ms, recheck_ms = engine->policy.revoked_recheck_s * 1000;

    if (entry->tombstone.reason == REASON_CODE_HOLD ||
        (entry->good_again_ms != INSTANT_NEVER &&
         time_sub(now_ms, entry->good_again_ms) >= recheck_ms)) {
        entry->tombstone = (struct tombstone){0};
        entry->good_again_ms = INSTANT_NEVER;
        engine_emit(engine, EFFECT_TOMBSTONE, cert);
        /* What was stapled since then says revoked: it is worse than any good one. */
        engine_drop(engine, cert, STORE_SLOT_HELD);
        return true;
    }
    if (entry->good_again_ms == INSTANT_NEVER) {
        entry->good_again_ms = now_ms;
    }
    entry->ask_wall_s = INSTANT_NEVER;
    entry->ask_mono_ms = time_add(entry->good_again_ms, recheck_ms);
    entry_succeeded(engine, cert);
    engine_note(engine, cert, NOTE_GOOD_AFTER_REVOKED, NOTE_WARNING)->url =
        entry->cert->urls[entry->url];
    return false;
}

static void engine_good(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                        const struct judgement *judgement)
{
    struct entry *entry = &engine->entries[cert];
    struct held answer = held_of(fetched->facts, judgement);
    const char *url = entry->cert->urls[entry->url];

    if (!entry->tombstone.present) {
        engine_accept(engine, cert, &answer, fetched);
        return;
    }
    if (answer.this_update_s <= entry->tombstone.this_update_s) {
        engine_failed(engine, cert, fetched, REASON_OLDER_THAN_HELD);
    } else if (engine_rises(engine, cert)) {
        engine_accept(engine, cert, &answer, fetched);
        engine_note(engine, cert, NOTE_REVOCATION_UNDONE, NOTE_WARNING)->url = url;
    }
}

/* By which end an answer that breaks no rule may not be shown any more. */
static enum reason reason_of_end(const struct engine *engine, const struct entry *entry,
                                 const struct ocsp_facts *facts)
{
    int64_t soon_s = time_add(engine->now.wall_s, engine->policy.margin_max_s);

    if (facts->next_update_s <= soon_s || entry->cert->not_after_s <= soon_s) {
        return REASON_EXPIRED;
    }
    return facts->signer == OCSP_SIGNER_DELEGATE && facts->delegate_not_after_s <= soon_s
               ? REASON_SIGNER_EXPIRED
               : REASON_TOO_OLD;
}

/* A good answer that may not be shown any more, within the margin of some client's end, is of no
 * use: a newer one is asked for as if it had ended. */
static struct judgement engine_judge(const struct engine *engine, uint32_t cert,
                                     const struct ocsp_facts *facts)
{
    const struct entry *entry = &engine->entries[cert];
    const struct held *held = entry->tombstone.present ? NULL : &entry->held;
    int64_t wall_s = engine->now.wall_s;
    struct judgement judgement = verdict_judge(&engine->policy, entry->cert, facts, held, wall_s);

    if (judgement.verdict == VERDICT_STAPLE && wall_s >= judgement.grace_until_s) {
        judgement.verdict = VERDICT_REFUSE;
        judgement.reason = reason_of_end(engine, entry, facts);
    }
    return judgement;
}

bool engine_would_take(const struct engine *engine, uint32_t cert, const struct ocsp_facts *facts)
{
    return engine_judge(engine, cert, facts).verdict != VERDICT_REFUSE;
}

void engine_answer(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    struct judgement judgement;

    engine_catch_up(engine, cert); /* what has ended by now is not what the new one replaces */
    judgement = engine_judge(engine, cert, fetched->facts);
    switch (judgement.verdict) {
    case VERDICT_STAPLE:
    case VERDICT_PENDING:
        engine_good(engine, cert, fetched, &judgement);
        break;
    case VERDICT_REVOKED:
        engine_revoke(engine, cert, fetched, &judgement);
        break;
    case VERDICT_REFUSE:
        /* It replaces nothing. Of errors, RFC 6960 2.3: "These messages are not signed." */
        engine_failed(engine, cert, fetched, judgement.reason);
        break;
    }
}

/* Only time speaks against it: with another clock it may be good. */
static bool is_out_of_time(const struct judgement *judgement)
{
    uint32_t time = REASON_BIT(REASON_EXPIRED) | REASON_BIT(REASON_NOT_YET_VALID) |
                    REASON_BIT(REASON_SIGNER_EXPIRED) | REASON_BIT(REASON_TOO_OLD);

    return !(judgement->reasons & ~time);
}

/* May what the store kept be shown, or wait for its time? In the grace of a must-staple leaf also
 * beyond its end. */
static bool engine_fits(const struct engine *engine, const struct entry *entry,
                        const struct judgement *judgement)
{
    switch (judgement->verdict) {
    case VERDICT_STAPLE:
    case VERDICT_PENDING:
        return !entry->tombstone.present;
    case VERDICT_REVOKED:
        return entry->tombstone.present && engine->policy.staple_revoked;
    default:
        return !entry->tombstone.present && judgement->reasons == REASON_BIT(REASON_EXPIRED) &&
               engine->now.wall_s < judgement->grace_until_s;
    }
}

/* What the store kept goes through the same verdict as a fresh answer: the disk is not trusted. */
static void engine_take_stored(struct engine *engine, uint32_t cert, const struct ocsp_facts *facts,
                               struct held *ret_held)
{
    struct entry *entry = &engine->entries[cert];
    struct judgement judgement = engine_judge(engine, cert, facts);
    struct note *note;

    if (engine_fits(engine, entry, &judgement)) {
        *ret_held = held_of(facts, &judgement);
        return;
    }
    if (entry->tombstone.present) {
        return;
    }
    entry->stored_unfit = entry->stored_unfit || is_out_of_time(&judgement);
    note = engine_note(engine, cert, NOTE_STORED_UNFIT,
                       !judgement.reasons || judgement.reason == REASON_EXPIRED ? NOTE_INFO
                                                                                : NOTE_WARNING);
    note->reason = judgement.reason;
}

/* When to ask for what was restored: as the run before had planned it, if that makes sense: after a
 * new answer by schedule_latest(), or within 60 % of what was left of one that was old when it
 * came; after an unchanged one within half of that. */
static void engine_plan_restored(struct engine *engine, struct entry *entry, int64_t next_try_s)
{
    const struct held *held = entry->pending.present ? &entry->pending : &entry->held;
    int64_t wall_s = engine->now.wall_s, until_s = entry_end_of_s(engine, entry, held);
    int64_t latest_s =
        time_max(schedule_latest(&engine->policy, (struct window){held->this_update_s, until_s}),
                 time_add(wall_s, time_max(0, time_sub(until_s, wall_s)) / 10 * 6));

    engine_plan_refresh(engine, entry, held, false, -1);
    if (next_try_s != INSTANT_NEVER && next_try_s > wall_s &&
        next_try_s <= time_max(latest_s, entry->ask_wall_s)) {
        entry->ask_wall_s = next_try_s;
    }
}

static void engine_restore(struct engine *engine, uint32_t cert, const struct event_stored *stored)
{
    struct entry *entry = &engine->entries[cert];
    bool revoked = entry->tombstone.present;

    if (revoked && !entry->published) {
        engine_withdraw_unseen(engine, cert);
    }
    if (!revoked && entry_is_good(entry, engine->now.wall_s)) {
        engine_stop_asking(engine, cert);
        entry->settled = true;
        engine_plan_restored(engine, entry, stored->next_try_s);
        engine_emit(engine, EFFECT_SETTLED, cert);
        engine_note(engine, cert, NOTE_RESTORED, NOTE_INFO);
    } else if (!entry->attempt && !entry->waiting && !entry->joined) {
        engine_ask(engine, cert);
    }
    if (revoked) {
        engine_note_revoked(engine, cert, NOTE_ERROR);
    }
}

/* Of @cert and its twins, the one of the latest revocation. */
static struct tombstone engine_last_tombstone(const struct engine *engine, uint32_t cert)
{
    struct tombstone last = engine->entries[cert].tombstone;

    for (uint32_t twin = engine->entries[cert].twin; twin != cert;
         twin = engine->entries[twin].twin) {
        const struct tombstone *other = &engine->entries[twin].tombstone;

        if (other->present && (!last.present || other->this_update_s > last.this_update_s)) {
            last = *other;
        }
    }
    return last;
}

/* A twin was revoked, and nothing newer is known that says otherwise. True: that is news. */
static bool engine_bury(struct engine *engine, uint32_t cert, const struct tombstone *tombstone)
{
    struct entry *entry = &engine->entries[cert];
    bool news = !entry->tombstone.present;

    if (news ? entry->held.present && entry->held.this_update_s > tombstone->this_update_s
             : entry->tombstone.this_update_s >= tombstone->this_update_s) {
        return false;
    }
    entry->tombstone = *tombstone;
    entry->good_again_ms = INSTANT_NEVER;
    engine_emit(engine, EFFECT_TOMBSTONE, cert)->tombstone = *tombstone;
    if (news) {
        engine_drop(engine, cert, STORE_SLOT_HELD);
        engine_drop(engine, cert, STORE_SLOT_PENDING);
    }
    return news;
}

static void engine_show_buried(struct engine *engine, uint32_t cert)
{
    if (engine->entries[cert].published) {
        engine_show(engine, cert, false);
    } else {
        engine_withdraw_unseen(engine, cert);
    }
    engine_note_revoked(engine, cert, NOTE_ERROR);
}

/* What is revoked is the serial number, RFC 6960 4.1.1: a tombstone that was stored for one leaf of
 * a CertID is one for all. True: that @cert is revoked is news. */
static bool engine_share_tombstone(struct engine *engine, uint32_t cert)
{
    const struct tombstone last = engine_last_tombstone(engine, cert);
    bool news;

    if (!last.present) {
        return false;
    }
    news = engine_bury(engine, cert, &last);
    for (uint32_t twin = engine->entries[cert].twin; twin != cert;
         twin = engine->entries[twin].twin) {
        if (!engine_has_room(engine)) {
            engine->entries[twin].reread = true; /* and shared then */
        } else if (engine_bury(engine, twin, &last)) {
            engine_show_buried(engine, twin);
        }
        engine_settle_deadline(engine, twin);
    }
    return news;
}

void engine_cache(struct engine *engine, uint32_t cert, const struct event_stored *stored)
{
    struct entry *entry = &engine->entries[cert];
    int64_t wall_s = engine->now.wall_s;

    if (entry_hindrance(entry, wall_s) != CERT_STATE_MISSING) {
        return;
    }
    if (entry_is_good(entry, wall_s)) {
        if (engine_share_tombstone(engine, cert)) {
            engine_show_buried(engine, cert);
        }
        return;
    }
    if (!entry->tombstone.present) {
        entry->tombstone = stored->tombstone;
    }
    if (stored->held) {
        engine_take_stored(engine, cert, stored->held, &entry->held);
    }
    if (stored->pending && !entry->tombstone.present) {
        engine_take_stored(engine, cert, stored->pending, &entry->pending);
    }
    engine_share_tombstone(engine, cert);
    engine_catch_up(engine, cert);
    engine_restore(engine, cert, stored);
}
