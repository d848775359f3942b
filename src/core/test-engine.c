/* SPDX-License-Identifier: Apache-2.0 */

/* Golden traces: a script of events in virtual time, and exactly what the engine must want. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "core/engine.h"
#include "core/test-facts.h"

#define DAY  86400
#define HOUR 3600

struct world {
    struct engine *engine;
    struct effects effects;
    struct policy policy;
    struct cert_facts certs[100];
    struct instant now;
    struct buf trace;
    uint64_t attempt; /* the last one asked for, of any certificate */
};

static void world_open(struct world *world)
{
    *world = (struct world){.policy = policy_default(), .trace = BUF_INIT(1 << 20)};
    world->now = (struct instant){TEST_NOW, 5000000};
    assert_int_equal(engine_new(&world->engine, &world->policy, 1), 0);
}

static void world_close(struct world *world)
{
    engine_free(world->engine);
    effects_deinit(&world->effects);
    buf_deinit(&world->trace);
}

static void trace_effect(struct world *world, const struct effect *effect)
{
    static const char *const names[] = {
        [EFFECT_FETCH] = "fetch",     [EFFECT_CANCEL] = "cancel",
        [EFFECT_KEEP] = "keep",       [EFFECT_PROMOTE] = "promote",
        [EFFECT_DROP] = "drop",       [EFFECT_TOMBSTONE] = "tombstone",
        [EFFECT_PUBLISH] = "publish", [EFFECT_WITHDRAW] = "withdraw",
        [EFFECT_SETTLED] = "settled",
    };
    char line[80];

    if (effect->type == EFFECT_FETCH) {
        world->attempt = effect->attempt;
    }
    if (effect->type == EFFECT_NOTE) {
        return;
    }
    snprintf(line, sizeof(line), "%s%s%s%s%s ", names[effect->type],
             effect->type == EFFECT_FETCH ? (effect->url ? "-2" : "-1") : "",
             effect->type == EFFECT_FETCH && effect->post ? "-post" : "",
             (effect->type == EFFECT_KEEP || effect->type == EFFECT_DROP) &&
                     effect->slot == STORE_SLOT_PENDING
                 ? "-pending"
                 : "",
             effect->type == EFFECT_PUBLISH && effect->urgent ? "!" : "");
    buf_put_text(&world->trace, line);
}

static void step(struct world *world, struct event event)
{
    event.now = world->now;
    assert_int_equal(engine_step(world->engine, &event, &world->effects), 0);
    for (size_t i = 0; i < world->effects.count; i++) {
        trace_effect(world, &world->effects.list[i]);
    }
}

/* The trace since the last time is exactly @expected. */
static void expect(struct world *world, const char *expected)
{
    assert_string_equal(buf_text(&world->trace), expected);
    buf_clear(&world->trace);
}

static void find_cert(struct world *world, uint32_t cert)
{
    world->certs[cert] = test_cert();
    world->certs[cert].leaf_sha256[1] = (uint8_t)cert;
    step(world,
         (struct event){
             .type = EVENT_CERT_FOUND, .cert = cert, .facts = &world->certs[cert], .salt = cert});
}

static void start(struct world *world)
{
    world_open(world);
    find_cert(world, 0);
    step(world, (struct event){.type = EVENT_CACHE_READ});
}

static void answer(struct world *world, const struct ocsp_facts *facts)
{
    step(world, (struct event){.type = EVENT_FETCH_DONE,
                               .attempt = world->attempt,
                               .fetched = {.http_status = 200, .facts = facts}});
}

static void fetch_fails(struct world *world, enum fetch_outcome outcome)
{
    step(world, (struct event){.type = EVENT_FETCH_DONE,
                               .attempt = world->attempt,
                               .fetched = {.outcome = outcome}});
}

static void pass_time(struct world *world, int64_t seconds)
{
    world->now.wall_s += seconds;
    world->now.mono_ms += seconds * 1000;
    step(world, (struct event){.type = EVENT_TICK});
}

static struct engine_view look(const struct world *world, uint32_t cert)
{
    struct engine_view view;

    engine_look(world->engine, cert, world->now, &view);
    return view;
}

static void test_new_certificate_is_asked_for_and_its_answer_published(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    start(&world);
    expect(&world, "fetch-1 ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    answer(&world, &good);
    expect(&world, "keep settled publish! ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    assert_in_range(look(&world, 0).next_try_s, TEST_NOW - HOUR + 4 * DAY / 10,
                    TEST_NOW - HOUR + 4 * DAY * 6 / 10);
    world_close(&world);
}

static void test_each_way_is_tried_before_waiting(void **state)
{
    struct world world;

    (void)state;
    start(&world);
    fetch_fails(&world, FETCH_HTTP_STATUS);
    fetch_fails(&world, FETCH_HTTP_STATUS);
    fetch_fails(&world, FETCH_NO_NAME);
    expect(&world, "fetch-1 fetch-1-post fetch-2 settled ");
    assert_true(engine_deadline_ms(world.engine) > world.now.mono_ms);
    assert_true(engine_deadline_ms(world.engine) <= world.now.mono_ms + 2000);
    pass_time(&world, 3);
    expect(&world, "fetch-1 ");
    world_close(&world);
}

static void test_failure_keeps_the_last_good_one_to_its_end(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);

    (void)state;
    start(&world);
    answer(&world, &good);
    buf_clear(&world.trace);
    for (int i = 0; i < 9 * 120 - 12; i++) {
        pass_time(&world, 30);
        if (look(&world, 0).in_flight) {
            fetch_fails(&world, FETCH_NO_NAME);
        }
    }
    assert_null(strstr(buf_text(&world.trace), "withdraw"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_FAILING);
    buf_clear(&world.trace);
    pass_time(&world, 120);
    assert_non_null(strstr(buf_text(&world.trace), "withdraw"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    world_close(&world);
}

static void test_late_answer_of_a_given_up_attempt_is_dropped(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    uint64_t first;

    (void)state;
    start(&world);
    first = world.attempt;
    pass_time(&world, 61);
    expect(&world, "fetch-1 cancel fetch-2 ");
    assert_true(world.attempt != first);
    world.attempt = first;
    answer(&world, &good);
    expect(&world, "");
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    world_close(&world);
}

static void test_very_new_answer_waits_while_the_old_one_is_good(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), newer;

    (void)state;
    start(&world);
    answer(&world, &good);
    buf_clear(&world.trace);
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 60);
    }
    newer = test_answer(world.now.wall_s, 10 * HOUR);
    answer(&world, &newer);
    expect(&world, "fetch-1 keep-pending settled ");
    pass_time(&world, 299);
    expect(&world, "");
    pass_time(&world, 1);
    expect(&world, "promote publish ");
    assert_int_equal(look(&world, 0).held.this_update_s, newer.this_update_s);
    world_close(&world);
}

static void test_answer_a_little_ahead_of_our_clock_waits_for_its_time(void **state)
{
    struct world world;
    struct ocsp_facts ahead = test_answer(TEST_NOW + 100, DAY);

    (void)state;
    start(&world);
    answer(&world, &ahead);
    expect(&world, "fetch-1 keep-pending settled ");
    pass_time(&world, 99);
    expect(&world, "");
    pass_time(&world, 1);
    expect(&world, "promote publish! ");
    world_close(&world);
}

static void test_bad_answers_never_replace_a_good_one(void **state)
{
    static const enum reason forms[] = {REASON_MALFORMED, REASON_ERROR_STATUS,
                                        REASON_TRAILING_DATA};
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), bad = good;

    (void)state;
    start(&world);
    answer(&world, &good);
    buf_clear(&world.trace);
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        while (!look(&world, 0).in_flight) {
            pass_time(&world, 600);
        }
        bad.form = forms[i];
        while (look(&world, 0).in_flight) {
            answer(&world, &bad);
        }
    }
    assert_null(strstr(buf_text(&world.trace), "keep"));
    assert_null(strstr(buf_text(&world.trace), "withdraw"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_FAILING);
    world_close(&world);
}

static void test_unchanged_answer_is_normal(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    start(&world);
    answer(&world, &good);
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    buf_clear(&world.trace);
    answer(&world, &good);
    expect(&world, "settled ");
    assert_int_equal(look(&world, 0).failures, 0);
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_revoked_withdraws_at_once_and_is_remembered(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), revoked = good, again;

    (void)state;
    start(&world);
    answer(&world, &good);
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    buf_clear(&world.trace);
    revoked.status = CERT_STATUS_REVOKED;
    revoked.this_update_s = world.now.wall_s - 60;
    revoked.next_update_s = world.now.wall_s + 4 * DAY;
    answer(&world, &revoked);
    expect(&world, "tombstone drop settled withdraw ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);

    /* An older good never undoes it. */
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    buf_clear(&world.trace);
    while (look(&world, 0).in_flight) {
        answer(&world, &good);
    }
    assert_null(strstr(buf_text(&world.trace), "publish"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);

    /* A later good undoes it when a second one agrees ten minutes later. */
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 30);
    }
    again = test_answer(world.now.wall_s - HOUR, 4 * DAY);
    answer(&world, &again);
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
    buf_clear(&world.trace);
    pass_time(&world, 600);
    answer(&world, &again);
    expect(&world, "fetch-1 tombstone keep settled publish! ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_refresh_comes_before_the_delegate_ends(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 7 * DAY);

    (void)state;
    start(&world);
    good.signer = OCSP_SIGNER_DELEGATE;
    good.delegate_not_before_s = TEST_NOW - DAY;
    good.delegate_not_after_s = TEST_NOW + 2 * HOUR;
    answer(&world, &good);
    assert_true(look(&world, 0).next_try_s < TEST_NOW + 2 * HOUR - 300);
    world_close(&world);
}

static void test_who_waits_waits_for_an_attempt_of_now(void **state)
{
    struct world world;

    (void)state;
    start(&world);
    while (look(&world, 0).in_flight) {
        fetch_fails(&world, FETCH_NO_NAME);
    }
    assert_true(look(&world, 0).settled);
    step(&world, (struct event){.type = EVENT_ASK});
    assert_false(look(&world, 0).settled);
    assert_true(look(&world, 0).in_flight);
    world_close(&world);
}

static void test_hold_is_released_at_once(void **state)
{
    struct world world;
    struct ocsp_facts revoked = test_answer(TEST_NOW - HOUR, HOUR * 10), good;

    (void)state;
    start(&world);
    revoked.status = CERT_STATUS_REVOKED;
    revoked.revocation_reason = 6;
    answer(&world, &revoked);
    expect(&world, "fetch-1 tombstone settled withdraw ");
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    good = test_answer(world.now.wall_s - 60, HOUR * 10);
    answer(&world, &good);
    expect(&world, "fetch-1 tombstone keep settled publish! ");
    world_close(&world);
}

static void test_stored_answer_is_judged_and_shown_without_asking(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), bad = good;

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    step(&world, (struct event){.type = EVENT_CACHE_READ, .stored = {.held = &good}});
    expect(&world, "publish! settled ");
    find_cert(&world, 1);
    bad.signature = REASON_BAD_SIGNATURE;
    step(&world, (struct event){.type = EVENT_CACHE_READ, .cert = 1, .stored = {.held = &bad}});
    expect(&world, "fetch-1 ");
    find_cert(&world, 2);
    step(&world, (struct event){.type = EVENT_CACHE_READ,
                                .cert = 2,
                                .stored = {.held = &good, .tombstone = {.present = true}}});
    expect(&world, "withdraw fetch-1 ");
    assert_int_equal(look(&world, 2).state, CERT_STATE_REVOKED);
    world_close(&world);
}

static void test_quiet_states_are_never_asked_for(void **state)
{
    struct world world;
    struct cert_facts quiet[4] = {test_cert(), test_cert(), test_cert(), test_cert()};
    static const enum cert_state states[] = {CERT_STATE_NO_URL, CERT_STATE_NOT_LEAF,
                                             CERT_STATE_CERT_EXPIRED, CERT_STATE_NO_ISSUER};

    (void)state;
    world_open(&world);
    quiet[0].url_count = 0;
    quiet[1].self_signed = true;
    quiet[2].not_after_s = TEST_NOW;
    quiet[3].has_issuer = false;
    for (uint32_t i = 0; i < 4; i++) {
        step(&world, (struct event){.type = EVENT_CERT_FOUND, .cert = i, .facts = &quiet[i]});
        step(&world, (struct event){.type = EVENT_CACHE_READ, .cert = i});
        step(&world, (struct event){.type = EVENT_ASK, .cert = i});
        assert_int_equal(look(&world, i).state, states[i]);
        assert_true(look(&world, i).settled);
    }
    pass_time(&world, DAY);
    expect(&world, "");
    assert_int_equal(engine_deadline_ms(world.engine), INSTANT_NEVER);
    world_close(&world);
}

static void test_one_responder_is_never_asked_more_than_its_cap_at_once(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    unsigned done = 0;

    (void)state;
    world_open(&world);
    for (uint32_t i = 0; i < 100; i++) {
        find_cert(&world, i);
        step(&world, (struct event){.type = EVENT_CACHE_READ, .cert = i});
    }
    assert_int_equal(world.attempt, world.policy.responder_concurrency);
    while (done < 100) {
        struct event event = {.type = EVENT_FETCH_DONE, .fetched = {.facts = &good}};

        event.attempt = ++done; /* first come, first served: attempt n is certificate n - 1 */
        event.cert = done - 1;
        step(&world, event);
        assert_int_equal(look(&world, event.cert).state, CERT_STATE_HELD);
        assert_true(world.attempt <= done + world.policy.responder_concurrency);
    }
    world_close(&world);
}

static void test_gone_certificate_is_not_asked_for_any_more(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    start(&world);
    step(&world, (struct event){.type = EVENT_CERT_GONE});
    expect(&world, "fetch-1 cancel ");
    answer(&world, &good);
    pass_time(&world, DAY);
    expect(&world, "");
    world_close(&world);
}

static void test_staple_comes_back_when_the_wall_clock_does(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    start(&world);
    answer(&world, &good);
    buf_clear(&world.trace);
    world.now.wall_s += 400 * DAY;
    step(&world, (struct event){.type = EVENT_TICK});
    assert_int_equal(strncmp(buf_text(&world.trace), "withdraw ", 9), 0);
    buf_clear(&world.trace);
    world.now.wall_s -= 400 * DAY;
    step(&world, (struct event){.type = EVENT_TICK});
    assert_int_equal(strncmp(buf_text(&world.trace), "publish! ", 9), 0);
    world_close(&world);
}

static void test_one_round_is_enough_where_policy_says_so(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    engine_free(world.engine);
    world.policy.attempts = 1;
    assert_int_equal(engine_new(&world.engine, &world.policy, 1), 0);
    find_cert(&world, 0);
    step(&world, (struct event){.type = EVENT_CACHE_READ});
    fetch_fails(&world, FETCH_REFUSED);
    fetch_fails(&world, FETCH_REFUSED);
    expect(&world, "fetch-1 fetch-2 settled ");
    assert_int_equal(engine_deadline_ms(world.engine), INSTANT_NEVER);
    assert_true(look(&world, 0).settled);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_certificate_is_asked_for_and_its_answer_published),
        cmocka_unit_test(test_each_way_is_tried_before_waiting),
        cmocka_unit_test(test_failure_keeps_the_last_good_one_to_its_end),
        cmocka_unit_test(test_late_answer_of_a_given_up_attempt_is_dropped),
        cmocka_unit_test(test_very_new_answer_waits_while_the_old_one_is_good),
        cmocka_unit_test(test_answer_a_little_ahead_of_our_clock_waits_for_its_time),
        cmocka_unit_test(test_bad_answers_never_replace_a_good_one),
        cmocka_unit_test(test_unchanged_answer_is_normal),
        cmocka_unit_test(test_revoked_withdraws_at_once_and_is_remembered),
        cmocka_unit_test(test_refresh_comes_before_the_delegate_ends),
        cmocka_unit_test(test_who_waits_waits_for_an_attempt_of_now),
        cmocka_unit_test(test_hold_is_released_at_once),
        cmocka_unit_test(test_stored_answer_is_judged_and_shown_without_asking),
        cmocka_unit_test(test_quiet_states_are_never_asked_for),
        cmocka_unit_test(test_one_responder_is_never_asked_more_than_its_cap_at_once),
        cmocka_unit_test(test_gone_certificate_is_not_asked_for_any_more),
        cmocka_unit_test(test_staple_comes_back_when_the_wall_clock_does),
        cmocka_unit_test(test_one_round_is_enough_where_policy_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
