/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/engine-private.h"

/* More effects than come of one certificate. */
#define EFFECTS_ROOM 64

/* A tick with more leaves the rest to the next one: memory for them stays small whatever happens to
 * however many certificates. */
#define EFFECTS_MOST 4096

void effects_deinit(struct effects *effects)
{
    free(effects->list);
    *effects = (struct effects){0};
}

bool engine_has_room(struct engine *engine)
{
    struct effects *effects = engine->effects;
    size_t capacity = effects->capacity ? effects->capacity : EFFECTS_ROOM;
    struct effect *list;

    while (capacity < effects->count + EFFECTS_ROOM) {
        capacity *= 2;
    }
    if (capacity == effects->capacity) {
        return true;
    }
    list = realloc(effects->list, capacity * sizeof(*list));
    if (!list) {
        engine->status = -ENOMEM;
        return false;
    }
    effects->list = list;
    effects->capacity = capacity;
    return true;
}

struct effect *engine_emit(struct engine *engine, enum effect_type type, uint32_t cert)
{
    struct effects *effects = engine->effects;

    assert(effects->count < effects->capacity); /* engine_has_room() */
    effects->list[effects->count] = (struct effect){.type = type, .cert = cert};
    return &effects->list[effects->count++];
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
        .served_until_s = entry_shown_until_s(entry, engine->now.wall_s),
        .next_try_s = engine_next_try_s(engine, entry),
    };
    return note;
}

struct note *engine_note_general(struct engine *engine, enum note_kind kind, enum note_level level)
{
    struct note *note = &engine_emit(engine, EFFECT_NOTE, ENGINE_NO_CERT)->note;

    *note = (struct note){
        .kind = kind,
        .level = level,
        .wall_s = engine->now.wall_s,
        .next_try_s = INSTANT_NEVER,
    };
    return note;
}

/* When @mono_ms is, at the earliest now. Wall seconds. */
static int64_t engine_wall_s(const struct engine *engine, int64_t mono_ms)
{
    int64_t wait_ms = time_max(0, time_sub(mono_ms, engine->now.mono_ms));

    return mono_ms == INSTANT_NEVER
               ? INSTANT_NEVER
               : time_add(engine->now.wall_s, wait_ms / 1000 + (wait_ms % 1000 > 0));
}

/* Not before this may any of the responders of @entry be asked: the last that was is down, or asked
 * for time, and so do the others. Monotonic; INT64_MIN: no such wait. */
static int64_t engine_open_ms(const struct engine *engine, const struct entry *entry)
{
    const struct responders *responders = &engine->responders;
    int64_t open_ms = entry->responder == RESPONDER_NONE
                          ? INT64_MIN
                          : responder_wait_ms(responders, entry->responder);

    for (unsigned i = 0; i < entry->cert->url_count && open_ms > engine->now.mono_ms; i++) {
        uint32_t number = responder_known(responders, entry->cert->urls[i]);

        open_ms = number == RESPONDER_NONE
                      ? INT64_MIN
                      : time_min(open_ms, responder_wait_ms(responders, number));
    }
    return open_ms;
}

int64_t engine_next_try_s(const struct engine *engine, const struct entry *entry)
{
    int64_t next_s;

    if (entry->joined) {
        entry = &engine->entries[engine_asker(engine, (uint32_t)(entry - engine->entries))];
    }
    if (entry->attempt || entry->joined) {
        return engine->now.wall_s;
    }
    if (entry->waiting) {
        return engine_wall_s(engine, responder_wait_ms(&engine->responders, entry->responder));
    }
    next_s = time_min(entry->ask_wall_s, engine_wall_s(engine, entry->ask_mono_ms));
    return time_max(next_s, engine_wall_s(engine, engine_open_ms(engine, entry)));
}

/* A point of wall time as a monotonic deadline. */
static int64_t wall_deadline_ms(const struct engine *engine, int64_t wall_s)
{
    if (wall_s == INSTANT_NEVER || wall_s > INT64_MAX / 1000) {
        return INSTANT_NEVER;
    }
    return time_sub(wall_s * 1000, engine->clock.offset_ms);
}

static int64_t entry_deadline_ms(const struct engine *engine, const struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s;
    int64_t due = wall_deadline_ms(engine, entry_promotion_s(entry, wall_s));

    if (entry->attempt || entry->waiting) {
        due = time_min(due, entry->patience_ms);
    } else if (!entry->joined && entry_hindrance(entry, wall_s) == CERT_STATE_MISSING) {
        due = time_min(due, wall_deadline_ms(engine, entry->ask_wall_s));
        due = time_min(due, entry->ask_mono_ms);
    }
    if (entry->published) {
        due = time_min(due, wall_deadline_ms(engine, entry_shown_until_s(entry, wall_s)));
    } else if (entry->held.present && entry->held.this_update_s > wall_s) {
        due = time_min(due, wall_deadline_ms(engine, entry->held.this_update_s));
    }
    if (entry->reread || (!entry->published && entry_can_show(entry, wall_s))) {
        due = time_min(due, engine->now.mono_ms);
    }
    return due;
}

void engine_settle_deadline(struct engine *engine, uint32_t cert)
{
    const struct entry *entry = &engine->entries[cert];
    int64_t due = entry->cert ? entry_deadline_ms(engine, entry) : INSTANT_NEVER;

    if (due == INSTANT_NEVER) {
        heap_remove(&engine->deadlines, cert);
    } else {
        heap_set(&engine->deadlines, cert, due); /* has room since the certificate was found */
    }
}

static void engine_forget(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    engine_stop_asking(engine, cert);
    if (entry->cert->has_issuer) {
        engine_drop_twin(engine, cert);
    }
    *entry = (struct entry){0};
    heap_remove(&engine->deadlines, cert);
}

static int engine_make_room(struct engine *engine, uint32_t cert)
{
    uint32_t count = engine->entry_count ? engine->entry_count : 64;
    struct entry *entries;

    if (heap_reserve(&engine->deadlines, cert + 1)) {
        return -ENOMEM;
    }
    if (cert < engine->entry_count) {
        return 0;
    }
    while (count <= cert) {
        count += count / 8; /* they are what takes the memory: little to spare */
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
        /* EVENT_CACHE_READ comes before; were it lost, it would be asked for all the same. */
        .ask_mono_ms = time_add(engine->now.mono_ms, engine->policy.fetch_patience_s * 1000),
        .good_again_ms = INSTANT_NEVER,
        .twin = event->cert,
        .responder = RESPONDER_NONE,
        .told = UINT8_MAX,
    };
    if (event->facts->has_issuer && engine_add_twin(engine, event->cert)) {
        *entry = (struct entry){0};
        engine->status = -ENOMEM;
        return;
    }
    switch (entry_hindrance(entry, engine->now.wall_s)) {
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

    engine_catch_up(engine, cert);
    if (entry->reread) {
        entry->reread = entry->stored_unfit = false;
        engine_emit(engine, EFFECT_READ, cert);
    }
    if (entry->attempt && entry->patience_ms <= now.mono_ms) {
        engine_gave_up(engine, cert);
    } else if (entry->waiting && entry->patience_ms <= now.mono_ms) {
        engine_ask_again(engine, cert);
    }
    if (!entry->attempt && !entry->waiting && !entry->joined &&
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

    while (heap_first(&engine->deadlines, &cert) <= engine->now.mono_ms &&
           engine->effects->count < EFFECTS_MOST && engine_has_room(engine)) {
        engine_tend(engine, cert);
        engine_settle_deadline(engine, cert);
        /* Rounding of wall seconds may leave a deadline a moment away; never spin on it. */
        if (heap_first(&engine->deadlines, NULL) <= engine->now.mono_ms) {
            uint32_t again;

            heap_first(&engine->deadlines, &again);
            if (again == cert) {
                heap_set(&engine->deadlines, cert, engine->now.mono_ms + 100);
            }
        }
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
        /* Else it is an answer to an attempt that was given up. */
        if (known && event->attempt && engine->entries[event->cert].attempt == event->attempt) {
            engine_fetched(engine, event->cert, &event->fetched);
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
    engine->effects = effects;
    engine->status = 0;
    if (!engine_has_room(engine)) {
        return engine->status;
    }
    engine->machine = event->now;
    engine_follow_clock(engine);
    engine_event(engine, event);
    engine_fill_places(engine);
    engine->effects = NULL;
    return engine->status;
}

int64_t engine_deadline_ms(const struct engine *engine)
{
    int64_t due =
        time_min(heap_first(&engine->deadlines, NULL), responders_deadline_ms(&engine->responders));

    if (engine->clock.doubted) {
        due = time_min(due, engine->witness_ms);
    }
    return time_min(due, clock_deadline_ms(&engine->clock, engine->machine));
}

int engine_new(struct engine **ret_engine, const struct policy *policy, uint64_t seed)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        return -ENOMEM;
    }
    engine->policy = *policy;
    engine->rng.state = seed;
    responders_init(&engine->responders, &engine->policy, rng_mix(seed));
    *ret_engine = engine;
    return 0;
}

struct engine *engine_free(struct engine *engine)
{
    if (engine) {
        heap_deinit(&engine->deadlines);
        map_deinit(&engine->by_certid);
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
    return entry->failures || entry->blocked ? CERT_STATE_FAILING : CERT_STATE_HELD;
}

void engine_look(const struct engine *engine, uint32_t cert, struct instant machine,
                 struct engine_view *ret_view)
{
    const struct entry *entry = &engine->entries[cert];
    struct instant now = clock_believed(&engine->clock, machine);

    assert(cert < engine->entry_count && entry->cert);
    *ret_view = (struct engine_view){
        .state = entry_state(entry, now.wall_s),
        .held = entry->held,
        .pending = entry->pending,
        .tombstone = entry->tombstone,
        .shown_until_s = entry->held.grace_until_s,
        .in_flight = entry->attempt || entry->waiting || entry->joined,
        .blocked = entry->blocked,
        .settled = entry->settled,
        .failures = entry->failures,
        .next_try_s = entry_hindrance(entry, now.wall_s) == CERT_STATE_MISSING
                          ? engine_next_try_s(engine, entry)
                          : INSTANT_NEVER,
    };
}

uint32_t engine_responders(const struct engine *engine)
{
    return engine->responders.count;
}

void engine_look_responder(const struct engine *engine, uint32_t number, struct instant now,
                           struct responder_view *ret_view)
{
    const struct responder *responder = &engine->responders.list[number];
    int64_t wait_ms = time_sub(responder_wait_ms(&engine->responders, number), now.mono_ms);
    int64_t wall_s = clock_believed(&engine->clock, now).wall_s;

    assert(number < engine->responders.count);
    *ret_view = (struct responder_view){
        .key = responder->key,
        .in_flight = responder->in_flight,
        .waiting = (unsigned)responder->line.count,
        .failures = responder->failures,
        .down = responder->down,
        .down_since_s = responder->down ? responder->down_since_s : INSTANT_NEVER,
        .next_s = wait_ms > 0 ? time_add(wall_s, (wait_ms + 999) / 1000) : 0,
        .asked = responder->asked,
        .failed = responder->failed,
    };
}

void engine_look_clock(const struct engine *engine, struct instant now, struct clock_view *ret_view)
{
    int64_t wall_s = clock_believed(&engine->clock, now).wall_s;

    *ret_view = (struct clock_view){
        .wall_s = wall_s,
        .off_s = time_sub(now.wall_s, wall_s),
        .wrong = engine->clock.wrong,
        .date_off_s = engine->clock.wrong ? engine->clock.date_off_s : 0,
    };
}
