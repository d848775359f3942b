/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/engine-private.h"

/* Wall clocks are read in whole seconds, so their distance to the monotonic clock wavers by one. */
#define OFFSET_SLACK_MS 1500

void effects_deinit(struct effects *effects)
{
    free(effects->list);
    *effects = (struct effects){0};
}

struct effect *engine_emit(struct engine *engine, enum effect_type type, uint32_t cert)
{
    struct effects *effects = engine->effects;

    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity ? effects->capacity * 2 : 16;
        struct effect *list = realloc(effects->list, capacity * sizeof(*list));

        if (!list) {
            engine->status = -ENOMEM;
            assert(effects->capacity > 0); /* engine_step() made room for the first ones */
            effects->count--;
        } else {
            effects->list = list;
            effects->capacity = capacity;
        }
    }
    effects->list[effects->count] = (struct effect){.type = type, .cert = cert};
    return &effects->list[effects->count++];
}

bool entry_can_show(const struct entry *entry, int64_t wall_s)
{
    return entry->held.present && entry->held.this_update_s <= wall_s &&
           wall_s < entry->held.serve.until_s;
}

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

int64_t entry_promotion_s(const struct entry *entry, int64_t wall_s)
{
    int64_t alone = entry->pending.this_update_s;

    if (!entry->pending.present) {
        return INSTANT_NEVER;
    }
    if (!entry_can_show(entry, wall_s)) {
        return alone;
    }
    return time_max(alone, time_min(entry->pending.serve.from_s, entry->held.serve.until_s));
}

int64_t entry_next_try_s(const struct entry *entry, struct instant now)
{
    int64_t next = entry->ask_wall_s;

    if (entry->attempt || entry->waiting) {
        return now.wall_s;
    }
    if (entry->ask_mono_ms != INSTANT_NEVER) {
        int64_t wait_ms = time_max(0, time_sub(entry->ask_mono_ms, now.mono_ms));

        next = time_min(next, time_add(now.wall_s, (wait_ms + 999) / 1000));
    }
    return next;
}

struct note *engine_note(struct engine *engine, uint32_t cert, enum note_kind kind,
                         enum note_level level)
{
    const struct entry *entry = &engine->entries[cert];
    struct note *note = &engine_emit(engine, EFFECT_NOTE, cert)->note;

    *note = (struct note){
        .kind = kind,
        .level = level,
        .cert = entry->cert,
        .wall_s = engine->now.wall_s,
        .served_until_s = entry_can_show(entry, engine->now.wall_s) ? entry->held.serve.until_s : 0,
        .next_try_s = entry_next_try_s(entry, engine->now),
    };
    return note;
}

/* A point of wall time as a monotonic deadline. */
static int64_t wall_deadline_ms(const struct engine *engine, int64_t wall_s)
{
    if (wall_s == INSTANT_NEVER || wall_s > INT64_MAX / 1000) {
        return INSTANT_NEVER;
    }
    return time_sub(wall_s * 1000, engine->offset_ms);
}

static int64_t entry_deadline_ms(const struct engine *engine, const struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s;
    int64_t due = wall_deadline_ms(engine, entry_promotion_s(entry, wall_s));

    if (entry->attempt) {
        due = time_min(due, entry->patience_ms);
    } else if (!entry->waiting && entry_hindrance(entry, wall_s) == CERT_STATE_MISSING) {
        due = time_min(due, wall_deadline_ms(engine, entry->ask_wall_s));
        due = time_min(due, entry->ask_mono_ms);
    }
    if (entry->published) {
        due = time_min(due, wall_deadline_ms(engine, entry->held.serve.until_s));
    }
    return due;
}

static void engine_settle_deadline(struct engine *engine, uint32_t cert)
{
    const struct entry *entry = &engine->entries[cert];
    int64_t due = entry->cert ? entry_deadline_ms(engine, entry) : INSTANT_NEVER;

    if (due == INSTANT_NEVER) {
        heap_remove(&engine->deadlines, cert);
    } else if (heap_set(&engine->deadlines, cert, due)) {
        engine->status = -ENOMEM;
    }
}

/* The wall clock was set: every deadline that stands for a point of wall time moves. */
static void engine_follow_clock(struct engine *engine)
{
    int64_t offset_ms = time_sub(engine->now.wall_s * 1000, engine->now.mono_ms);
    int64_t shift_ms = time_sub(offset_ms, engine->offset_ms);

    if (engine->offset_known && shift_ms < OFFSET_SLACK_MS && shift_ms > -OFFSET_SLACK_MS) {
        return;
    }
    engine->offset_ms = offset_ms;
    engine->offset_known = true;
    for (uint32_t cert = 0; cert < engine->entry_count; cert++) {
        if (engine->entries[cert].cert) {
            engine_show(engine, cert, false);
            engine_settle_deadline(engine, cert);
        }
    }
}

/* RFC 6066 8: "Note that a server MAY also choose not to send a 'CertificateStatus' message": where
 * nothing good is held, nothing is shown. */
void engine_show(struct engine *engine, uint32_t cert, bool changed)
{
    struct entry *entry = &engine->entries[cert];
    bool can = !entry->tombstone.present && entry_can_show(entry, engine->now.wall_s);
    bool first = can && !entry->published;

    if (can && (first || changed)) {
        entry->published = true;
        engine_emit(engine, EFFECT_PUBLISH, cert)->urgent = first;
    } else if (!can && entry->published) {
        entry->published = false;
        engine_emit(engine, EFFECT_WITHDRAW, cert)->urgent = true;
        if (!entry->tombstone.present) {
            engine_note(engine, cert, NOTE_ENDED, NOTE_ERROR);
        }
    }
}

static void engine_forget(struct engine *engine, uint32_t cert)
{
    engine_stop_asking(engine, cert);
    engine->entries[cert] = (struct entry){0};
    heap_remove(&engine->deadlines, cert);
}

static int engine_make_room(struct engine *engine, uint32_t cert)
{
    uint32_t count = engine->entry_count ? engine->entry_count : 64;
    struct entry *entries;

    if (cert < engine->entry_count) {
        return 0;
    }
    while (count <= cert) {
        count *= 2;
    }
    entries = realloc(engine->entries, count * sizeof(*entries));
    if (!entries) {
        return -ENOMEM;
    }
    memset(entries + engine->entry_count, 0, (count - engine->entry_count) * sizeof(*entries));
    engine->entries = entries;
    engine->entry_count = count;
    return 0;
}

static void engine_found(struct engine *engine, const struct event *event)
{
    struct entry *entry;

    if (engine_make_room(engine, event->cert)) {
        engine->status = -ENOMEM;
        return;
    }
    if (engine->entries[event->cert].cert) {
        engine_forget(engine, event->cert);
    }
    entry = &engine->entries[event->cert];
    *entry = (struct entry){
        .cert = event->facts,
        .salt = event->salt,
        .ask_wall_s = INSTANT_NEVER,
        .ask_mono_ms = INSTANT_NEVER,
        .responder = RESPONDER_NONE,
        .told = UINT8_MAX,
    };
    switch (entry_hindrance(entry, event->now.wall_s)) {
    case CERT_STATE_NO_ISSUER:
        entry->settled = true;
        engine_note(engine, event->cert, NOTE_ISSUER_MISSING, NOTE_WARNING);
        break;
    case CERT_STATE_MISSING:
        break; /* EVENT_CACHE_READ comes next */
    default:
        entry->settled = true;
    }
}

/* Whatever of @cert is due. */
static void engine_tend(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    struct instant now = engine->now;

    if (entry_promotion_s(entry, now.wall_s) <= now.wall_s) {
        engine_promote(engine, cert);
    }
    engine_show(engine, cert, false);
    if (entry->attempt && entry->patience_ms <= now.mono_ms) {
        struct event_fetched nothing = {.outcome = FETCH_TIMEOUT};

        engine_emit(engine, EFFECT_CANCEL, cert)->attempt = entry->attempt;
        engine_attempt_over(engine, cert);
        engine_failed(engine, cert, &nothing, REASON_GOOD);
    }
    if (!entry->attempt && !entry->waiting &&
        entry_hindrance(entry, now.wall_s) == CERT_STATE_MISSING &&
        (entry->ask_wall_s <= now.wall_s || entry->ask_mono_ms <= now.mono_ms)) {
        engine_ask(engine, cert);
    }
    if (!entry->cert_expired_told && entry->cert->not_after_s <= now.wall_s && entry->settled &&
        entry->held.present) {
        entry->cert_expired_told = true;
        engine_note(engine, cert, NOTE_CERT_EXPIRED, NOTE_WARNING);
    }
}

static void engine_tick(struct engine *engine)
{
    uint32_t cert;

    while (!engine->status && heap_first(&engine->deadlines, &cert) <= engine->now.mono_ms) {
        engine_tend(engine, cert);
        engine_settle_deadline(engine, cert);
        /* Rounding of wall seconds may leave a deadline a moment away; never spin on it. */
        if (heap_first(&engine->deadlines, NULL) <= engine->now.mono_ms) {
            uint32_t again;

            heap_first(&engine->deadlines, &again);
            if (again == cert && heap_set(&engine->deadlines, cert, engine->now.mono_ms + 100)) {
                engine->status = -ENOMEM;
            }
        }
    }
}

static void engine_fetch_done(struct engine *engine, const struct event *event)
{
    struct entry *entry = &engine->entries[event->cert];

    if (!entry->cert || entry->attempt != event->attempt || !event->attempt) {
        return; /* an answer to an attempt that was given up */
    }
    engine_attempt_over(engine, event->cert);
    if (event->fetched.facts) {
        engine_answer(engine, event->cert, &event->fetched);
    } else {
        engine_failed(engine, event->cert, &event->fetched, REASON_GOOD);
    }
}

/* Somebody waits: what counts is the attempt that is running or starts now, not an earlier one. */
static void engine_hurry(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    if (entry_can_show(entry, engine->now.wall_s) ||
        entry_hindrance(entry, engine->now.wall_s) != CERT_STATE_MISSING) {
        return;
    }
    entry->settled = false;
    if (!entry->attempt && !entry->waiting) {
        engine_ask(engine, cert);
    }
}

static void engine_event(struct engine *engine, const struct event *event)
{
    bool known = event->cert < engine->entry_count && engine->entries[event->cert].cert;

    switch (event->type) {
    case EVENT_TICK:
        engine_tick(engine);
        return;
    case EVENT_CERT_FOUND:
        assert(event->facts);
        engine_found(engine, event);
        known = !engine->status;
        break;
    case EVENT_CACHE_READ:
        if (known) {
            engine_cache(engine, event->cert, &event->stored);
        }
        break;
    case EVENT_CERT_GONE:
        if (known) {
            engine_forget(engine, event->cert);
            known = false;
        }
        break;
    case EVENT_ASK:
        if (known) {
            engine_hurry(engine, event->cert);
        }
        break;
    case EVENT_FETCH_DONE:
        if (known) {
            engine_fetch_done(engine, event);
        }
        break;
    }
    if (known) {
        engine_settle_deadline(engine, event->cert);
    }
}

int engine_step(struct engine *engine, const struct event *event, struct effects *effects)
{
    effects->count = 0;
    if (!effects->capacity) {
        effects->list = malloc(16 * sizeof(*effects->list));
        if (!effects->list) {
            return -ENOMEM;
        }
        effects->capacity = 16;
    }
    engine->effects = effects;
    engine->status = 0;
    engine->now = event->now;
    engine_follow_clock(engine);
    engine_event(engine, event);
    engine_fill_places(engine);
    engine->effects = NULL;
    return engine->status;
}

int64_t engine_deadline_ms(const struct engine *engine)
{
    return heap_first(&engine->deadlines, NULL);
}

int engine_new(struct engine **ret_engine, const struct policy *policy, uint64_t seed)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        return -ENOMEM;
    }
    engine->policy = *policy;
    engine->rng.state = seed;
    *ret_engine = engine;
    return 0;
}

struct engine *engine_free(struct engine *engine)
{
    if (engine) {
        heap_deinit(&engine->deadlines);
        responders_deinit(&engine->responders);
        free(engine->entries);
        free(engine);
    }
    return NULL;
}

static enum cert_state entry_state(const struct entry *entry, int64_t wall_s)
{
    enum cert_state hindrance = entry_hindrance(entry, wall_s);

    if (entry->tombstone.present) {
        return CERT_STATE_REVOKED;
    }
    if (hindrance != CERT_STATE_MISSING) {
        return hindrance;
    }
    if (!entry_can_show(entry, wall_s)) {
        return CERT_STATE_MISSING;
    }
    return entry->failures ? CERT_STATE_FAILING : CERT_STATE_HELD;
}

void engine_look(const struct engine *engine, uint32_t cert, struct instant now,
                 struct engine_view *ret_view)
{
    const struct entry *entry = &engine->entries[cert];

    assert(cert < engine->entry_count && entry->cert);
    *ret_view = (struct engine_view){
        .state = entry_state(entry, now.wall_s),
        .held = entry->held,
        .pending = entry->pending,
        .tombstone = entry->tombstone,
        .in_flight = entry->attempt || entry->waiting,
        .settled = entry->settled,
        .failures = entry->failures,
        .next_try_s = entry_hindrance(entry, now.wall_s) == CERT_STATE_MISSING
                          ? entry_next_try_s(entry, now)
                          : INSTANT_NEVER,
    };
}
