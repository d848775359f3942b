/* SPDX-License-Identifier: Apache-2.0 */

/* The machine's clock: followed, doubted after a jump, and weighed against answers. */

#include "core/engine-private.h"

/* Another time holds: every deadline that stands for a point of wall time moves, what is held may
 * begin or cease to be good, and so may what the store has. The next tick sees to it. */
static void engine_rewind(struct engine *engine)
{
    for (uint32_t cert = 0; cert < engine->entry_count; cert++) {
        struct entry *entry = &engine->entries[cert];

        if (!entry->cert) {
            continue;
        }
        entry->reread = entry->stored_unfit && !entry->tombstone.present &&
                        !entry_can_show(entry, engine->now.wall_s);
        engine_settle_deadline(engine, cert);
    }
}

/* What failed by another time says nothing of this one: who shows nothing asks anew, and whoever
 * shows something again as soon as what is left of that demands. */
static void engine_forgive(struct engine *engine)
{
    int64_t wall_s = engine->now.wall_s;

    for (uint32_t cert = 0; cert < engine->entry_count; cert++) {
        struct entry *entry = &engine->entries[cert];
        int64_t left_s = 0;

        if (!entry->cert || entry->ask_mono_ms == INSTANT_NEVER) {
            continue;
        }
        if (entry_can_show(entry, wall_s)) {
            left_s = entry_shown_until_s(entry, wall_s) - wall_s;
        }
        entry->failures = 0;
        entry->ask_mono_ms =
            time_min(entry->ask_mono_ms, time_add(engine->now.mono_ms, left_s / 8 * 1000));
    }
}

static void engine_believe(struct engine *engine, int64_t off_s)
{
    int64_t jump_s = engine->policy.clock_jump_s;

    engine->now = engine->responders.now = engine->machine;
    if (off_s > jump_s || off_s < -jump_s) {
        engine_note_general(engine, NOTE_CLOCK_BELIEVED, NOTE_WARNING)->off_s = off_s;
        engine_forgive(engine);
    }
    engine_rewind(engine);
}

/* One that shows something before one that did, then the one with the most to lose, then any. */
static bool is_better_witness(const struct entry *entry, const struct entry *other)
{
    if (entry->published != other->published) {
        return entry->published;
    }
    return entry->held.present &&
           (!other->held.present || entry->held.serve.until_s < other->held.serve.until_s);
}

/* Can it be asked for, by one of the two times? */
static bool engine_may_witness(const struct engine *engine, const struct entry *entry)
{
    return entry->cert && !entry->attempt && !entry->waiting && !entry->joined &&
           (entry_hindrance(entry, engine->now.wall_s) == CERT_STATE_MISSING ||
            entry_hindrance(entry, engine->machine.wall_s) == CERT_STATE_MISSING);
}

/* Somebody must be asked what time it is; and again, well before the doubt would end for want of an
 * answer. Past the caches: that nothing was modified is signed by nobody. */
static void engine_call_witness(struct engine *engine)
{
    uint32_t witness = UINT32_MAX;

    engine->witness_ms = time_add(engine->now.mono_ms, engine->policy.clock_doubt_s * 1000 / 4);
    for (uint32_t cert = 0; cert < engine->entry_count; cert++) {
        const struct entry *entry = &engine->entries[cert];

        if (engine_may_witness(engine, entry) &&
            (witness == UINT32_MAX || is_better_witness(entry, &engine->entries[witness]))) {
            witness = cert;
        }
    }
    if (witness != UINT32_MAX) {
        engine_ask(engine, witness);
        engine->entries[witness].no_cache = true;
        engine_settle_deadline(engine, witness);
    }
}

void engine_follow_clock(struct engine *engine)
{
    int64_t off_s;
    enum clock_change change =
        clock_follow(&engine->clock, &engine->policy, engine->machine, engine->has_shown, &off_s);

    engine->now = clock_believed(&engine->clock, engine->machine);
    engine->responders.now = engine->now;
    switch (change) {
    case CLOCK_STEADY:
        if (engine->clock.doubted && engine->witness_ms <= engine->now.mono_ms) {
            engine_call_witness(engine);
        }
        break;
    case CLOCK_MOVED:
        engine_believe(engine, off_s);
        break;
    case CLOCK_JUMPED:
        engine_note_general(engine, NOTE_CLOCK_JUMPED, NOTE_WARNING)->off_s = off_s;
        engine_call_witness(engine);
        break;
    case CLOCK_RETURNED:
        engine->clock.wrong = false;
        engine_note_general(engine, NOTE_CLOCK_RIGHT, NOTE_WARNING);
        engine_rewind(engine);
        break;
    }
}

/* Would the answer be good at @wall_s? */
static bool engine_permits(const struct engine *engine, uint32_t cert,
                           const struct ocsp_facts *facts, int64_t wall_s)
{
    const struct entry *entry = &engine->entries[cert];

    return verdict_judge(&engine->policy, entry->cert, facts, NULL, wall_s).verdict !=
           VERDICT_REFUSE;
}

/* How far the machine's clock is ahead of what the answer's header says; INSTANT_NEVER: nothing. */
static int64_t date_off_s(const struct engine *engine, const struct http_hints *hints)
{
    if (hints->date_s <= 0 || hints->date_s == INSTANT_NEVER) {
        return INSTANT_NEVER;
    }
    return time_sub(engine->machine.wall_s, time_add(hints->date_s, hints->age_s));
}

static bool is_small(const struct engine *engine, int64_t off_s)
{
    return off_s <= engine->policy.clock_jump_s && off_s >= -engine->policy.clock_jump_s;
}

static void engine_tell_wrong(struct engine *engine, uint32_t cert, int64_t off_s)
{
    const struct entry *entry = &engine->entries[cert];
    struct note *note;

    engine->clock.date_off_s = off_s;
    if (!engine->clock.wrong) {
        engine->clock.wrong = true;
        note = engine_note_general(engine, NOTE_CLOCK_WRONG, NOTE_ERROR);
        note->url = entry->cert->urls[entry->url];
        note->off_s = off_s;
    }
}

/* Does an answer that the machine's clock permits show that it is right? Signed is only that it is
 * later than thisUpdate: one that ended before the time believed may be an old one, told again. So
 * of a clock set back Date has to agree, where there is one. After evidence against the clock there
 * must be: one responder whose clock is as wrong does not outweigh the others. */
static bool engine_convinces(const struct engine *engine, bool believed, int64_t off_s)
{
    bool back = engine->machine.wall_s < engine->now.wall_s;
    bool contradicted = clock_is_contradicted(&engine->clock, engine->machine, INSTANT_NEVER);
    bool recently =
        clock_is_contradicted(&engine->clock, engine->machine, engine->policy.clock_doubt_s);
    bool dated = off_s != INSTANT_NEVER, agrees = dated && is_small(engine, off_s);

    if (believed || contradicted) {
        return agrees && !(believed && back && recently);
    }
    return !back || agrees || !dated;
}

/* An answer that only the time believed permits. Where it has ended by the machine's clock, and its
 * Date says the same, it is an old one, told again: that speaks for neither time. */
static void engine_weigh_against(struct engine *engine, uint32_t cert, int64_t off_s)
{
    int64_t jump_s = time_sub(engine->machine.wall_s, engine->now.wall_s);
    bool agrees = off_s != INSTANT_NEVER && is_small(engine, off_s);

    if (jump_s > 0 && agrees) {
        return;
    }
    clock_contradict(&engine->clock, engine->machine);
    engine_tell_wrong(engine, cert, off_s == INSTANT_NEVER || agrees ? jump_s : off_s);
}

static void engine_weigh_doubt(struct engine *engine, uint32_t cert,
                               const struct event_fetched *fetched)
{
    int64_t off_s = date_off_s(engine, &fetched->hints);
    bool machine = engine_permits(engine, cert, fetched->facts, engine->machine.wall_s);
    bool believed = engine_permits(engine, cert, fetched->facts, engine->now.wall_s);

    if (machine && engine_convinces(engine, believed, off_s)) {
        engine->clock.wrong = false;
        engine_believe(engine, clock_believe(&engine->clock, engine->machine));
    } else if (believed && !machine) {
        engine_weigh_against(engine, cert, off_s);
    } else if (believed && off_s != INSTANT_NEVER && !is_small(engine, off_s)) {
        engine_tell_wrong(engine, cert, off_s);
    }
}

void engine_weigh(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    int64_t off_s = date_off_s(engine, &fetched->hints);

    if (!fetched->facts || fetched->facts->form != REASON_GOOD) {
        return;
    }
    if (engine->clock.doubted) {
        engine_weigh_doubt(engine, cert, fetched);
    } else if (off_s == INSTANT_NEVER) {
        return;
    } else if (is_small(engine, off_s)) {
        if (engine->clock.wrong) {
            engine->clock.wrong = false;
            engine_note_general(engine, NOTE_CLOCK_RIGHT, NOTE_WARNING)->url =
                engine->entries[cert].cert->urls[engine->entries[cert].url];
        }
    } else if (!engine_permits(engine, cert, fetched->facts, engine->machine.wall_s) &&
               engine_permits(engine, cert, fetched->facts,
                              time_sub(engine->machine.wall_s, off_s))) {
        engine_tell_wrong(engine, cert, off_s);
    }
}
