/* SPDX-License-Identifier: Apache-2.0 */

/* Golden traces: a script of events in virtual time, and exactly what the engine must want. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

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

/* Also where one was under way when it ended: with nothing held fast at first. */
static void test_failures_before_the_end_do_not_count_behind_it(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);
    struct ocsp_facts unknown = test_answer(TEST_NOW, DAY);

    (void)state;
    unknown.status = CERT_STATUS_UNKNOWN;
    start(&world);
    answer(&world, &good);
    while (look(&world, 0).held.serve.until_s > world.now.wall_s) {
        if (world.flying && look(&world, 0).held.serve.until_s > world.now.wall_s + 1) {
            answer(&world, &unknown);
        }
        pass_deadline(&world, 1);
    }
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    assert_int_equal(world.flying, 1);
    answer(&world, &unknown);
    assert_int_equal(look(&world, 0).failures, 1);
    assert_in_range(look(&world, 0).next_try_s, world.now.wall_s, world.now.wall_s + 3);
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
    late_answer(&world, 0, first, &good);
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

/* The first one of many, three quarters through its life: it is asked for again in 10 to 60 % of
 * what is left. */
static void test_plan_for_an_answer_that_was_old_when_it_came_survives_a_restart(void **state)
{
    struct ocsp_facts good = test_answer(TEST_NOW - 3 * DAY, 4 * DAY);
    const struct {
        int64_t stored_s;
        bool kept;
    } cases[] = {{TEST_NOW + DAY / 10, true},
                 {TEST_NOW + DAY * 55 / 100, true},
                 {TEST_NOW + DAY * 59 / 100, true},
                 {TEST_NOW + DAY * 65 / 100, false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        world_open(&world);
        find_cert(&world, 0);
        read_store(&world, 0,
                   (struct event_stored){.held = &good, .next_try_s = cases[i].stored_s});
        assert_true((look(&world, 0).next_try_s == cases[i].stored_s) == cases[i].kept);
        world_close(&world);
    }
}

/* What ends with its leaf is planned by the answer's own life. */
static void test_plan_of_a_leaf_that_ends_before_its_answer_survives_a_restart(void **state)
{
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * DAY);
    struct world world;
    int64_t next_s;

    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        world_open(&world);
        make_cert(&world, 0)->not_after_s = TEST_NOW + 7 * DAY;
        find_made(&world, 0);
        if (run == 0) {
            read_nothing(&world, 0);
            reply(&world, world.asked,
                  (struct event_fetched){
                      .http_status = 200, .facts = &good, .hints = {.fresh_s = 90 * DAY}});
            next_s = look(&world, 0).next_try_s;
            assert_in_range(next_s, TEST_NOW + 5 * DAY, TEST_NOW + 6 * DAY);
        } else {
            read_store(&world, 0, (struct event_stored){.held = &good, .next_try_s = next_s});
            assert_int_equal(look(&world, 0).next_try_s, next_s);
        }
        world_close(&world);
    }
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
    assert_in_range(world.attempt, 1, world.policy.responder_concurrency);
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
    late_answer(&world, 0, world.attempt, &good);
    pass_time(&world, DAY);
    expect(&world, "");
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

static void test_answer_that_may_not_be_shown_any_more_is_refused_by_its_own_end(void **state)
{
    static const struct {
        int64_t age_s;
        int64_t left_s;
        int64_t delegate_left_s; /* 0: there is none */
        enum reason reason;
    } cases[] = {
        {DAY, 200, 0, REASON_EXPIRED},
        {DAY, 200, 100, REASON_EXPIRED},
        {DAY, 10 * DAY, 100, REASON_SIGNER_EXPIRED},
        {10 * DAY + HOUR, 10 * DAY, 0, REASON_TOO_OLD},
        {10 * DAY - 60, 10 * DAY, DAY, REASON_TOO_OLD},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts facts;

        start(&world);
        facts = test_answer(world.now.wall_s - cases[i].age_s, cases[i].age_s + cases[i].left_s);
        if (cases[i].delegate_left_s) {
            facts.signer = OCSP_SIGNER_DELEGATE;
            facts.delegate_made = facts.made;
            facts.embedded_certs = 1;
            facts.signer_first = true;
            facts.delegate_not_after_s = world.now.wall_s + cases[i].delegate_left_s;
        }
        answer(&world, &facts);
        assert_int_equal(world.last.reason, cases[i].reason);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_certificate_is_asked_for_and_its_answer_published),
        cmocka_unit_test(test_each_way_is_tried_before_waiting),
        cmocka_unit_test(test_failure_keeps_the_last_good_one_to_its_end),
        cmocka_unit_test(test_failures_before_the_end_do_not_count_behind_it),
        cmocka_unit_test(test_late_answer_of_a_given_up_attempt_is_dropped),
        cmocka_unit_test(test_very_new_answer_waits_while_the_old_one_is_good),
        cmocka_unit_test(test_answer_a_little_ahead_of_our_clock_waits_for_its_time),
        cmocka_unit_test(test_bad_answers_never_replace_a_good_one),
        cmocka_unit_test(test_unchanged_answer_is_normal),
        cmocka_unit_test(test_refresh_comes_before_the_delegate_ends),
        cmocka_unit_test(test_who_waits_waits_for_an_attempt_of_now),
        cmocka_unit_test(test_stored_answer_is_judged_and_shown_without_asking),
        cmocka_unit_test(test_plan_for_an_answer_that_was_old_when_it_came_survives_a_restart),
        cmocka_unit_test(test_plan_of_a_leaf_that_ends_before_its_answer_survives_a_restart),
        cmocka_unit_test(test_quiet_states_are_never_asked_for),
        cmocka_unit_test(test_one_responder_is_never_asked_more_than_its_cap_at_once),
        cmocka_unit_test(test_gone_certificate_is_not_asked_for_any_more),
        cmocka_unit_test(test_one_round_is_enough_where_policy_says_so),
        cmocka_unit_test(test_answer_that_may_not_be_shown_any_more_is_refused_by_its_own_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
