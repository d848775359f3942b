/* SPDX-License-Identifier: Apache-2.0 */

/* Anything may happen at any time: what must never happen does not, and when the trouble is over
 * everything is held again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/test-alloc.h"
#include "core/test-engine.h"

enum { CERTS = 24, HOSTS = 3, KINDS = 4 };

/* What the store has of a certificate. */
struct record {
    bool held, pending;
    struct ocsp_facts slots[2];
    struct tombstone tombstone;
};

struct walk {
    struct world world; /* first: world_watch() gets at the walk */
    struct rng rng;
    struct record records[CERTS];
    struct ocsp_facts last[CERTS]; /* given to it */
    bool reread[CERTS];            /* the store is to be read again */
    int64_t revoked_s[CERTS];      /* thisUpdate of what said so */
    bool replies;                  /* an answer is being given */
    int64_t off_s;                 /* of the machine's clock */
    bool jumps;
    bool honest; /* the trouble is over */
    uint64_t digests;
};

static uint64_t below(struct walk *walk, uint64_t bound)
{
    return rng_below(&walk->rng, bound);
}

static bool one_in(struct walk *walk, uint64_t many)
{
    return below(walk, many) == 0;
}

static struct event_stored stored_of(const struct record *record, int64_t next_try_s)
{
    return (struct event_stored){
        .held = record->held ? &record->slots[STORE_SLOT_HELD] : NULL,
        .pending = record->pending ? &record->slots[STORE_SLOT_PENDING] : NULL,
        .tombstone = record->tombstone,
        .next_try_s = next_try_s,
    };
}

/* Four kinds, so that certificates share responders and CertIDs in all ways. */
static void find_of_kind(struct walk *walk, uint32_t cert)
{
    static const char *const urls[HOSTS] = {"http://a.example/", "http://b.example/",
                                            "http://c.example/"};
    struct world *world = &walk->world;
    struct cert_facts *facts = make_cert(world, cert);
    int64_t next_s = world->now.wall_s + (int64_t)below(walk, 5 * DAY);

    facts->not_before_s = TEST_NOW - 3000 * (int64_t)DAY;
    facts->not_after_s = TEST_NOW + 3000 * (int64_t)DAY;
    facts->serial[0] = (uint8_t)(cert % 3 ? cert : cert / 6 + 100);
    facts->url_count = (uint8_t)(1 + cert % 2);
    facts->urls[0] = urls[cert % HOSTS];
    facts->urls[1] = urls[(cert + 1) % HOSTS];
    facts->must_staple = cert % KINDS == 3;
    find_made(world, cert);
    read_store(world, cert,
               stored_of(&walk->records[cert], one_in(walk, 2) ? INSTANT_NEVER : next_s));
}

/* Told by the answer that is being given, or with a twin of which that is known. */
static void write_tombstone(struct walk *walk, const struct effect *effect)
{
    const struct world *world = &walk->world;
    uint32_t cert = effect->cert;

    walk->records[cert].tombstone = effect->tombstone;
    if (walk->replies) {
        walk->revoked_s[cert] = walk->last[cert].this_update_s;
        return;
    }
    walk->revoked_s[cert] = INT64_MIN;
    for (uint32_t i = 0; i < CERTS; i++) {
        if (i != cert && world->outside[i].here && look(world, i).tombstone.present &&
            has_same_certid(&world->certs[i], &world->certs[cert])) {
            walk->revoked_s[cert] = time_max(walk->revoked_s[cert], walk->revoked_s[i]);
        }
    }
}

static void write_record(struct walk *walk, const struct effect *effect)
{
    struct record *record = &walk->records[effect->cert];
    bool *has = effect->slot == STORE_SLOT_HELD ? &record->held : &record->pending;

    switch (effect->type) {
    case EFFECT_KEEP:
        *has = true;
        record->slots[effect->slot] = walk->last[effect->cert];
        break;
    case EFFECT_DROP:
        *has = false;
        break;
    case EFFECT_PROMOTE:
        record->held = true;
        record->pending = false;
        record->slots[STORE_SLOT_HELD] = record->slots[STORE_SLOT_PENDING];
        break;
    case EFFECT_TOMBSTONE:
        write_tombstone(walk, effect);
        break;
    case EFFECT_READ:
        walk->reread[effect->cert] = true;
        break;
    default:
        break;
    }
}

/* The store does as it is told. */
static void write_records(struct world *world)
{
    for (size_t i = 0; i < world->effects.count; i++) {
        if (world->effects.list[i].cert < CERTS) {
            write_record((struct walk *)world, &world->effects.list[i]);
        }
    }
}

/* No leaf shows a good answer that is older than what says of a twin that it is revoked. (What is
 * good for one is good for the other, too, but for the grace of must-staple leaves.) */
static void check_twins(const struct walk *walk, uint32_t cert)
{
    const struct world *world = &walk->world;
    struct engine_view view = look(world, cert);

    if (!world->outside[cert].published || view.tombstone.present ||
        world->certs[cert].must_staple) {
        return;
    }
    for (uint32_t i = 0; i < CERTS; i++) {
        if (world->outside[i].here && look(world, i).tombstone.present &&
            has_same_certid(&world->certs[i], &world->certs[cert])) {
            assert_true(view.held.this_update_s > walk->revoked_s[i]);
        }
    }
}

/* What is held is what the store has: an answer that was given for this very CertID. */
static void check_records(struct walk *walk)
{
    for (uint32_t i = 0; i < CERTS; i++) {
        struct engine_view view;
        const struct record *record = &walk->records[i];

        if (!walk->world.outside[i].here) {
            continue;
        }
        view = look(&walk->world, i);
        assert_true(!view.held.present ||
                    (record->held && view.held.digest == record->slots[STORE_SLOT_HELD].digest));
        assert_true(
            !view.pending.present ||
            (record->pending && view.pending.digest == record->slots[STORE_SLOT_PENDING].digest));
        assert_int_equal(view.tombstone.present, record->tombstone.present);
        check_twins(walk, i);
        if (!walk->jumps && walk->world.outside[i].published) {
            assert_true(walk->world.now.wall_s < view.shown_until_s);
            assert_true(view.held.this_update_s <= walk->world.now.wall_s);
        }
    }
}

static struct ocsp_facts honest_answer(struct walk *walk)
{
    int64_t true_s = walk->world.now.wall_s - walk->off_s;

    return test_answer(true_s - (int64_t)below(walk, 2 * HOUR),
                       6 * HOUR + (int64_t)below(walk, DAY));
}

/* Anything but honest, of what a responder or a cache may send. */
static struct ocsp_facts odd_answer(struct walk *walk)
{
    static const enum reason forms[] = {REASON_MALFORMED, REASON_ERROR_STATUS,
                                        REASON_UNSUPPORTED_RESPONSE_TYPE};
    struct ocsp_facts facts = honest_answer(walk);

    switch (below(walk, 7)) {
    case 0:
        facts.form = forms[below(walk, ARRAY_SIZE(forms))];
        facts.response_status = (uint8_t)below(walk, 7);
        break;
    case 1:
        facts.signature = REASON_BAD_SIGNATURE;
        break;
    case 2:
        facts.match = REASON_WRONG_SERIAL;
        break;
    case 3: /* from long ago */
        facts = test_answer(facts.this_update_s - (int64_t)below(walk, 3 * DAY), DAY);
        break;
    case 4: /* from soon */
        facts = test_answer(facts.this_update_s + (int64_t)below(walk, 3 * HOUR), DAY);
        break;
    case 5:
        facts.status = CERT_STATUS_UNKNOWN;
        break;
    default:
        facts.status = CERT_STATUS_REVOKED;
        facts.revocation_reason = (int8_t)below(walk, 8);
    }
    return facts;
}

static void send_reply(struct walk *walk, uint32_t cert)
{
    struct world *world = &walk->world;
    struct event_fetched fetched = {.http_status = 200,
                                    .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER}};
    struct ocsp_facts facts = honest_answer(walk);
    bool odd = !walk->honest && one_in(walk, 3), fails = !walk->honest && one_in(walk, 3);

    if (odd) {
        facts = odd_answer(walk);
    }
    facts.digest = ++walk->digests;
    fetched.facts = &facts;
    if (!one_in(walk, 4)) {
        fetched.hints.date_s = world->now.wall_s - walk->off_s;
    }
    if (one_in(walk, 5)) {
        fetched.hints.fresh_s = (int64_t)below(walk, 2 * DAY);
    }
    if (fails) {
        fetched.outcome = (enum fetch_outcome)(1 + below(walk, FETCH_OUTCOMES - 1));
        fetched.http_status =
            fetched.outcome == FETCH_HTTP_STATUS ? 400 + (int)below(walk, 200) : 0;
        fetched.hints.retry_after_s = one_in(walk, 3) ? (int64_t)below(walk, 10000) : 0;
        fetched.facts = NULL;
    }
    /* Leaves with one CertID are told together. */
    for (uint32_t i = 0; i < CERTS; i++) {
        walk->last[i] = facts;
    }
    fetched.posted = one_in(walk, 8);
    walk->replies = true;
    reply(world, cert, fetched);
    walk->replies = false;
}

static void walk_answer_reads(struct walk *walk)
{
    for (uint32_t cert = 0; cert < CERTS; cert++) {
        if (walk->reread[cert] && walk->world.outside[cert].here) {
            read_store(&walk->world, cert, stored_of(&walk->records[cert], INSTANT_NEVER));
        }
        walk->reread[cert] = false;
    }
}

static void walk_event(struct walk *walk)
{
    struct world *world = &walk->world;
    uint32_t cert = (uint32_t)below(walk, CERTS);

    switch (below(walk, walk->honest ? 8 : 14)) {
    case 0:
    case 1:
    case 2:
        pass_deadline(world, 1 + (int64_t)below(walk, 2 * HOUR));
        break;
    case 8:
        pass_ms(world, (int64_t)below(walk, one_in(walk, 10) ? 6 * HOUR * 1000 : 3000));
        break;
    case 9:
        if (world->outside[cert].here) {
            step(world, (struct event){.type = EVENT_ASK, .cert = cert});
        }
        break;
    case 10:
        if (world->outside[cert].here && one_in(walk, 5)) {
            step(world, (struct event){.type = EVENT_CERT_GONE, .cert = cert});
        }
        break;
    case 11: /* somebody's answer, much too late */
        late_answer(world, cert, below(walk, world->attempt + 2) * !world->outside[cert].attempt,
                    &walk->last[cert]);
        break;
    case 12:
        if (walk->jumps && one_in(walk, 20)) {
            int64_t off_s = (int64_t)below(walk, 2 * DAY) - DAY;

            off_s = one_in(walk, 3) ? -walk->off_s : off_s;
            walk->off_s += off_s;
            set_clock(world, off_s);
        }
        break;
    case 13:
        if (!world->outside[cert].here) {
            find_of_kind(walk, cert);
        }
        break;
    default:
        for (uint32_t i = 0; i < CERTS && !world->outside[cert].attempt; i++) {
            cert = (cert + 1) % CERTS;
        }
        if (world->outside[cert].attempt) {
            send_reply(walk, cert);
        }
    }
    walk_answer_reads(walk);
}

/* Trouble is over: at last all are held, or stay revoked with reason. */
static void come_to_rest(struct walk *walk)
{
    struct world *world = &walk->world;
    int64_t end_ms;

    walk->honest = true;
    set_clock(world, -walk->off_s);
    walk->off_s = 0;
    for (uint32_t i = 0; i < CERTS; i++) {
        if (!world->outside[i].here) {
            find_of_kind(walk, i);
        }
    }
    end_ms = world->now.mono_ms + 4 * DAY * 1000;
    while (world->now.mono_ms < end_ms) {
        pass_deadline(world, HOUR);
        for (uint32_t i = 0; i < CERTS; i++) {
            if (world->outside[i].attempt) {
                send_reply(walk, i);
            }
        }
    }
    for (uint32_t i = 0; i < CERTS; i++) {
        assert_int_equal(look(world, i).state, CERT_STATE_HELD);
    }
    assert_int_equal(look_clock(world).off_s, 0);
}

static void walk_open(struct walk *walk, uint64_t seed)
{
    struct policy policy = policy_default();

    memset(walk, 0, sizeof(*walk));
    walk->rng.state = seed;
    walk->jumps = seed % 2;
    policy.staple_revoked = seed % 4 >= 2;
    policy.responder_concurrency = 3;
    policy.total_concurrency = 5;
    policy.responder_rate = seed % 3 ? 10 : 0;
    world_open_with(&walk->world, &policy);
    walk->world.watch = write_records;
    for (uint32_t i = 0; i < CERTS; i++) {
        walk->last[i] = test_answer(TEST_NOW - HOUR, HOUR);
    }
}

static void test_whatever_happens_what_must_not_happen_does_not(void **state)
{
    static struct walk walk;

    (void)state;
    for (uint64_t seed = 0; seed < 80; seed++) {
        walk_open(&walk, seed);
        for (unsigned i = 0; i < 4000; i++) {
            walk_event(&walk);
            check_records(&walk);
            forget_traces(&walk.world);
        }
        come_to_rest(&walk);
        world_close(&walk.world);
    }
}

static void test_same_seed_gives_the_same_trace(void **state)
{
    static struct walk walks[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        walk_open(&walks[i], 77);
        walks[i].world.numbered = walks[i].world.talkative = true;
        for (unsigned j = 0; j < 3000; j++) {
            walk_event(&walks[i]);
        }
    }
    assert_true(walks[0].world.trace.size > 10000 && walks[0].world.notes.size > 4000);
    assert_string_equal(buf_text(&walks[0].world.trace), buf_text(&walks[1].world.trace));
    assert_string_equal(buf_text(&walks[0].world.notes), buf_text(&walks[1].world.notes));
    world_close(&walks[0].world);
    world_close(&walks[1].world);
}

static void test_without_memory_it_goes_on_later(void **state)
{
    static struct walk walk;
    unsigned failed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        walk_open(&walk, seed * 2);
        walk.world.scarce = true;
        for (unsigned i = 0; i < 300; i++) {
            alloc_fail(one_in(&walk, 3) ? 1 + (unsigned)below(&walk, 4) : 0);
            walk_event(&walk);
            failed += alloc_failed();
            alloc_fail(0);
            check_records(&walk);
            forget_traces(&walk.world);
        }
        walk.world.scarce = false;
        come_to_rest(&walk);
        world_close(&walk.world);
    }
    assert_true(failed > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_happens_what_must_not_happen_does_not),
        cmocka_unit_test(test_same_seed_gives_the_same_trace),
        cmocka_unit_test(test_without_memory_it_goes_on_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
