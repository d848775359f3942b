/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The engine in virtual time, for its tests: events in, a trace of effects out. Include behind
 * cmocka.h.
 *
 * The trace has a word an effect: "fetch-1", "fetch-2-post", "fetch-1-fresh" (past the caches),
 * "keep-pending", "publish!" (urgent)...; with world.numbered "#N" behind it for certificate N. The
 * notes have a trace of their own: "refused!" (warning), "ended!!" (error), "unchanged" (debug is
 * left out unless world.talkative).
 *
 * Whatever a test is about, step() also checks what must never happen. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "core/engine.h"
#include "core/test-facts.h"

#define DAY  86400
#define HOUR 3600

enum { WORLD_CERTS = 2500 };

/* What the outside knows of a certificate. */
struct outside {
    uint64_t attempt; /* in flight; 0: none */
    unsigned url;     /* to which of its URLs */
    bool published;
    bool here;
    unsigned settled; /* how often */
};

struct world {
    struct engine *engine;
    struct effects effects;
    struct policy policy;
    struct cert_facts certs[WORLD_CERTS];
    struct outside outside[WORLD_CERTS];
    uint32_t count; /* of certificates */
    struct instant now;
    struct buf trace;
    struct buf notes;
    bool numbered;
    bool talkative;
    bool scarce;      /* memory may run out */
    uint64_t attempt; /* the last one asked for, and of which certificate */
    uint32_t asked;
    uint64_t requests;                  /* so many */
    unsigned flying;                    /* requests at once */
    struct note last;                   /* note */
    void (*watch)(struct world *world); /* after each step, with its effects; may be NULL */
};

static inline void world_open_with(struct world *world, const struct policy *policy)
{
    memset(world, 0, sizeof(*world));
    world->policy = *policy;
    world->trace = world->notes = BUF_INIT(1 << 24);
    world->now = (struct instant){TEST_NOW, 5000000};
    assert_int_equal(engine_new(&world->engine, policy, 1), 0);
}

static inline void world_open(struct world *world)
{
    struct policy policy = policy_default();

    world_open_with(world, &policy);
}

static inline void world_close(struct world *world)
{
    engine_free(world->engine);
    effects_deinit(&world->effects);
    buf_deinit(&world->trace);
    buf_deinit(&world->notes);
}

static inline struct engine_view look(const struct world *world, uint32_t cert)
{
    struct engine_view view;

    engine_look(world->engine, cert, world->now, &view);
    return view;
}

static inline struct responder_view look_responder(const struct world *world, uint32_t responder)
{
    struct responder_view view;

    engine_look_responder(world->engine, responder, world->now, &view);
    return view;
}

static inline struct clock_view look_clock(const struct world *world)
{
    struct clock_view view;

    engine_look_clock(world->engine, world->now, &view);
    return view;
}

static inline bool has_same_certid(const struct cert_facts *a, const struct cert_facts *b)
{
    return a->has_issuer && b->has_issuer && a->serial_size == b->serial_size &&
           memcmp(a->serial, b->serial, a->serial_size) == 0;
}

/* One certificate has one request at a time, a CertID likewise. */
static inline void watch_fetch(struct world *world, const struct effect *effect)
{
    struct outside *outside = &world->outside[effect->cert];

    assert_int_equal(outside->attempt, 0);
    assert_true(effect->attempt > world->attempt);
    assert_true(effect->url < world->certs[effect->cert].url_count);
    for (uint32_t i = 0; i < world->count; i++) {
        assert_true(!world->outside[i].attempt ||
                    !has_same_certid(&world->certs[i], &world->certs[effect->cert]));
    }
    outside->attempt = world->attempt = effect->attempt;
    outside->url = effect->url;
    world->asked = effect->cert;
    world->requests++;
    world->flying++;
    assert_true(world->flying <= world->policy.total_concurrency);
}

static inline void land(struct world *world, uint32_t cert)
{
    world->flying -= world->outside[cert].attempt > 0;
    world->outside[cert].attempt = 0;
}

static inline void watch_effect(struct world *world, const struct event *event,
                                const struct effect *effect)
{
    struct outside *outside = &world->outside[effect->cert];

    switch (effect->type) {
    case EFFECT_FETCH:
        watch_fetch(world, effect);
        break;
    case EFFECT_CANCEL:
        assert_int_equal(effect->attempt, outside->attempt);
        land(world, effect->cert);
        break;
    case EFFECT_KEEP: /* there is an answer to keep, and it was asked for */
        assert_int_equal(event->type, EVENT_FETCH_DONE);
        assert_non_null(event->fetched.facts);
        break;
    case EFFECT_PUBLISH:
        outside->published = true;
        break;
    case EFFECT_WITHDRAW:
        assert_true(outside->published || look(world, effect->cert).tombstone.present);
        outside->published = false;
        break;
    case EFFECT_SETTLED:
        outside->settled++;
        break;
    default:
        break;
    }
}

/* What is shown may be shown, by the time that the engine goes by. */
static inline void watch_shown(const struct world *world)
{
    int64_t wall_s = look_clock(world).wall_s;

    for (uint32_t i = 0; i < world->count; i++) {
        if (world->outside[i].here && world->outside[i].published) {
            struct engine_view view = look(world, i);

            assert_true(view.held.present && view.held.this_update_s <= wall_s);
            assert_true(wall_s <= view.shown_until_s); /* seconds are not cut at the same point */
            assert_true(!view.tombstone.present || world->policy.staple_revoked);
        }
    }
}

static inline const char *effect_word(const struct effect *effect)
{
    static const char *const words[] = {
        [EFFECT_FETCH] = "fetch",       [EFFECT_CANCEL] = "cancel",   [EFFECT_READ] = "read",
        [EFFECT_KEEP] = "keep",         [EFFECT_PROMOTE] = "promote", [EFFECT_DROP] = "drop",
        [EFFECT_TOMBSTONE] = "bury",    [EFFECT_PUBLISH] = "publish", [EFFECT_SETTLED] = "settled",
        [EFFECT_WITHDRAW] = "withdraw",
    };

    return effect->type == EFFECT_TOMBSTONE && !effect->tombstone.present ? "unbury"
                                                                          : words[effect->type];
}

static inline void trace_effect(struct world *world, const struct effect *effect)
{
    bool fetch = effect->type == EFFECT_FETCH;
    bool slot = effect->type == EFFECT_KEEP || effect->type == EFFECT_DROP;
    char line[80], number[16] = "";

    if (world->numbered) {
        snprintf(number, sizeof(number), "#%u", effect->cert);
    }
    snprintf(line, sizeof(line), "%s%s%s%s%s%s%s ", effect_word(effect),
             fetch ? (effect->url ? "-2" : "-1") : "", effect->post ? "-post" : "",
             effect->no_cache ? "-fresh" : "",
             slot && effect->slot == STORE_SLOT_PENDING ? "-pending" : "",
             effect->type == EFFECT_PUBLISH && effect->urgent ? "!" : "", number);
    buf_put_text(&world->trace, line);
}

static inline void trace_note(struct world *world, const struct note *note)
{
    static const char *const words[] = {
        [NOTE_ACCEPTED] = "accepted",
        [NOTE_UNCHANGED] = "unchanged",
        [NOTE_HELD_BACK] = "held-back",
        [NOTE_REFUSED] = "refused",
        [NOTE_FETCH_FAILED] = "failed",
        [NOTE_RESTORED] = "restored",
        [NOTE_STORED_UNFIT] = "unfit",
        [NOTE_ENDED] = "ended",
        [NOTE_REVOKED] = "revoked",
        [NOTE_REVOCATION_UNDONE] = "undone",
        [NOTE_GOOD_AFTER_REVOKED] = "not-yet-undone",
        [NOTE_ISSUER_MISSING] = "issuer-missing",
        [NOTE_CERT_EXPIRED] = "cert-expired",
        [NOTE_BLOCKED] = "blocked",
        [NOTE_GRACE] = "grace",
        [NOTE_RESPONDER_DOWN] = "down",
        [NOTE_RESPONDER_UP] = "up",
        [NOTE_CLOCK_JUMPED] = "jumped",
        [NOTE_CLOCK_BELIEVED] = "believed",
        [NOTE_CLOCK_WRONG] = "wrong",
        [NOTE_CLOCK_RIGHT] = "right",
    };
    static const char *const levels[] = {"", "", "!", "!!"};

    assert_true(note->kind < ARRAY_SIZE(words));
    world->last = *note;
    if (note->level > NOTE_DEBUG || world->talkative) {
        buf_put_text(&world->notes, words[note->kind]);
        buf_put_text(&world->notes, levels[note->level]);
        buf_put_byte(&world->notes, ' ');
    }
}

static inline int step_once(struct world *world, const struct event *event)
{
    int r = engine_step(world->engine, event, &world->effects);

    assert_true(r == 0 || (r == -ENOMEM && world->scarce));
    assert_true(world->effects.count < 4200); /* whatever happens to however many */
    for (size_t i = 0; i < world->effects.count; i++) {
        const struct effect *effect = &world->effects.list[i];

        if (effect->type == EFFECT_NOTE) {
            trace_note(world, &effect->note);
        } else {
            watch_effect(world, event, effect);
            trace_effect(world, effect);
        }
    }
    if (world->watch) {
        world->watch(world);
    }
    return r;
}

/* An event, and whatever is due then. */
static inline int step(struct world *world, struct event event)
{
    const struct event again = {.type = EVENT_TICK, .now = world->now};
    struct outside *outside = &world->outside[event.cert];
    bool lands =
        event.type == EVENT_FETCH_DONE && event.attempt > 0 && outside->attempt == event.attempt;
    unsigned ticks = 0;
    int r;

    event.now = world->now;
    if (lands) {
        land(world, event.cert);
    }
    r = step_once(world, &event);
    if (lands && r && !world->effects.count && look(world, event.cert).in_flight) { /* as before */
        outside->attempt = event.attempt;
        world->flying++;
    }
    if (event.type == EVENT_CERT_GONE) {
        world->outside[event.cert] = (struct outside){0};
    }
    while (!r && engine_deadline_ms(world->engine) <= world->now.mono_ms) {
        r = step_once(world, &again);
        assert_true(++ticks < 1000); /* time always moves */
    }
    if (!r && (event.type == EVENT_TICK || world->count < 30)) {
        watch_shown(world);
    }
    return r;
}

/* The trace since the last time is exactly @expected. */
static inline void expect(struct world *world, const char *expected)
{
    assert_string_equal(buf_text(&world->trace), expected);
    buf_clear(&world->trace);
}

static inline void expect_notes(struct world *world, const char *expected)
{
    assert_string_equal(buf_text(&world->notes), expected);
    buf_clear(&world->notes);
}

static inline void forget_traces(struct world *world)
{
    buf_clear(&world->trace);
    buf_clear(&world->notes);
}

/* A certificate as test_cert() has it, of its own serial number; for changing before it is found.
 */
static inline struct cert_facts *make_cert(struct world *world, uint32_t cert)
{
    assert_true(cert < WORLD_CERTS);
    world->certs[cert] = test_cert();
    world->certs[cert].leaf_sha256[1] = (uint8_t)cert;
    world->certs[cert].serial[0] = (uint8_t)(cert + 1);
    world->certs[cert].serial[1] = (uint8_t)((cert + 1) >> 8);
    return &world->certs[cert];
}

static inline void find_made(struct world *world, uint32_t cert)
{
    world->count = cert < world->count ? world->count : cert + 1;
    world->outside[cert].here = step(world, (struct event){.type = EVENT_CERT_FOUND,
                                                           .cert = cert,
                                                           .facts = &world->certs[cert],
                                                           .salt = cert}) == 0;
}

static inline void find_cert(struct world *world, uint32_t cert)
{
    make_cert(world, cert);
    find_made(world, cert);
}

/* What the store had of it. */
static inline void read_store(struct world *world, uint32_t cert, struct event_stored stored)
{
    step(world, (struct event){.type = EVENT_CACHE_READ, .cert = cert, .stored = stored});
}

/* Nothing is known of it from before. */
static inline void read_nothing(struct world *world, uint32_t cert)
{
    read_store(world, cert, (struct event_stored){.next_try_s = INSTANT_NEVER});
}

static inline void start_with(struct world *world, const struct policy *policy)
{
    world_open_with(world, policy);
    find_cert(world, 0);
    read_nothing(world, 0);
}

static inline void start(struct world *world)
{
    struct policy policy = policy_default();

    start_with(world, &policy);
}

static inline void reply(struct world *world, uint32_t cert, struct event_fetched fetched)
{
    if (!fetched.hints.date_s) {
        fetched.hints.date_s = INSTANT_NEVER;
    }
    step(world, (struct event){.type = EVENT_FETCH_DONE,
                               .cert = cert,
                               .attempt = world->outside[cert].attempt,
                               .fetched = fetched});
}

static inline void answer_to(struct world *world, uint32_t cert, const struct ocsp_facts *facts)
{
    reply(world, cert,
          (struct event_fetched){.http_status = 200, .facts = facts, .hints = {.fresh_s = -1}});
}

static inline void failure_of(struct world *world, uint32_t cert, enum fetch_outcome outcome)
{
    reply(world, cert,
          (struct event_fetched){.outcome = outcome,
                                 .http_status = outcome == FETCH_HTTP_STATUS ? 500 : 0,
                                 .hints = {.fresh_s = -1}});
}

/* To a request that is not waited for any more. */
static inline void late_answer(struct world *world, uint32_t cert, uint64_t attempt,
                               const struct ocsp_facts *facts)
{
    step(world, (struct event){.type = EVENT_FETCH_DONE,
                               .cert = cert,
                               .attempt = attempt,
                               .fetched = {.http_status = 200, .facts = facts}});
}

/* To the last request. */
static inline void answer(struct world *world, const struct ocsp_facts *facts)
{
    answer_to(world, world->asked, facts);
}

static inline void fetch_fails(struct world *world, enum fetch_outcome outcome)
{
    failure_of(world, world->asked, outcome);
}

static inline void tick(struct world *world)
{
    step(world, (struct event){.type = EVENT_TICK});
}

static inline void pass_ms(struct world *world, int64_t ms)
{
    world->now.wall_s += (world->now.mono_ms + ms) / 1000 - world->now.mono_ms / 1000;
    world->now.mono_ms += ms;
    tick(world);
}

static inline void pass_time(struct world *world, int64_t seconds)
{
    pass_ms(world, seconds * 1000);
}

/* To the next deadline, or by @most_s where that is farther. */
static inline void pass_deadline(struct world *world, int64_t most_s)
{
    int64_t due_ms = engine_deadline_ms(world->engine);

    pass_ms(world, time_max(0, time_min(time_sub(due_ms, world->now.mono_ms), most_s * 1000)));
}

/* Until @cert is asked for, within @most_s. */
static inline void wait_for_ask(struct world *world, uint32_t cert, int64_t most_s)
{
    int64_t end_ms = world->now.mono_ms + most_s * 1000;

    while (!world->outside[cert].attempt) {
        int64_t due_ms = engine_deadline_ms(world->engine);

        assert_true(due_ms <= end_ms);
        pass_ms(world, time_max(0, due_ms - world->now.mono_ms));
    }
}

/* The machine's clock is set. */
static inline void set_clock(struct world *world, int64_t off_s)
{
    world->now.wall_s += off_s;
    tick(world);
}

/* With one URL only. */
static inline void find_simple(struct world *world, uint32_t cert, const char *url)
{
    struct cert_facts *facts = make_cert(world, cert);

    facts->url_count = 1;
    facts->urls[0] = url;
    find_made(world, cert);
    read_nothing(world, cert);
}

static inline void find_simple_many(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        find_simple(world, i, "http://one.example/");
    }
}

/* All requests that are under way fail, and those that come of it, until none is. */
static inline void fail_all(struct world *world, enum fetch_outcome outcome)
{
    while (world->flying) {
        for (uint32_t i = 0; i < world->count; i++) {
            if (world->outside[i].attempt) {
                failure_of(world, i, outcome);
            }
        }
    }
}

static inline unsigned settled(const struct world *world)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < world->count; i++) {
        count += look(world, i).settled;
    }
    return count;
}

/* A leaf with the serial number of @other. */
static inline void find_twin(struct world *world, uint32_t cert, uint32_t other)
{
    struct cert_facts *facts = make_cert(world, cert);

    memcpy(facts->serial, world->certs[other].serial, sizeof(facts->serial));
    facts->url_count = world->certs[other].url_count;
    find_made(world, cert);
    read_nothing(world, cert);
}
