/* SPDX-License-Identifier: Apache-2.0 */

/* Whom the engine asks, in which way and when: ways within a round, responders that are down,
 * leaves that share a CertID. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

static const char *const hosts[] = {
    "http://h0.example/", "http://h1.example/", "http://h2.example/", "http://h3.example/",
    "http://h4.example/", "http://h5.example/", "http://h6.example/", "http://h7.example/"};

/* The first reply, and how it is asked next in the same round. */
static void test_what_comes_next_depends_on_what_came(void **state)
{
    enum { NONE, MALFORMED, TRY_LATER, UNAUTHORIZED, UNKNOWN, EXPIRED, FOREIGN, UNSIGNED };
    static const struct {
        enum fetch_outcome outcome;
        int facts;
        int http_status;
        int64_t retry_after_s;
        bool posted;
        const char *trace;
    } cases[] = {
        {FETCH_NO_NAME, NONE, 0, 0, false, "fetch-2 "},
        {FETCH_REFUSED, NONE, 0, 0, false, "fetch-2 "},
        {FETCH_TIMEOUT, NONE, 0, 0, false, "fetch-2 "},
        {FETCH_TLS, NONE, 0, 0, false, "fetch-2 "},
        {FETCH_FORBIDDEN_ADDRESS, NONE, 0, 0, false, "fetch-2 "},
        {FETCH_HTTP_STATUS, NONE, 500, 0, false, "fetch-1-post "},
        {FETCH_HTTP_STATUS, NONE, 404, 0, false, "fetch-1-post "},
        {FETCH_HTTP_STATUS, NONE, 400, 0, true, "fetch-2 "},
        {FETCH_HTTP_STATUS, NONE, 503, 60, false, "fetch-2 "},
        {FETCH_BROKEN, NONE, 0, 0, false, "fetch-1-post "},
        {FETCH_BAD_REDIRECT, NONE, 302, 0, false, "fetch-1-post "},
        {FETCH_TOO_LARGE, NONE, 200, 0, false, "fetch-1-post "},
        {FETCH_NOT_MODIFIED, NONE, 304, 0, false, "fetch-1-fresh "},
        {FETCH_ANSWER, MALFORMED, 200, 0, false, "fetch-1-post "},
        {FETCH_ANSWER, MALFORMED, 200, 0, true, "fetch-2 "},
        {FETCH_ANSWER, TRY_LATER, 200, 0, false, "fetch-2 "},
        {FETCH_ANSWER, UNAUTHORIZED, 200, 0, false, "fetch-1-post "},
        {FETCH_HTTP_STATUS, UNAUTHORIZED, 500, 0, false, "fetch-1-post "},
        {FETCH_ANSWER, UNKNOWN, 200, 0, false, "fetch-2 "},
        {FETCH_ANSWER, EXPIRED, 200, 0, false, "fetch-1-fresh "},
        {FETCH_ANSWER, EXPIRED, 200, 0, true, "fetch-2 "},
        {FETCH_ANSWER, EXPIRED, 200, 60, false, "fetch-2 "},
        {FETCH_ANSWER, FOREIGN, 200, 0, false, "fetch-1-post "},
        {FETCH_ANSWER, UNSIGNED, 200, 0, false, "fetch-1-post "},
    };
    struct ocsp_facts facts[] = {
        [MALFORMED] = {.form = REASON_MALFORMED},
        [TRY_LATER] = {.form = REASON_ERROR_STATUS, .response_status = 3},
        [UNAUTHORIZED] = {.form = REASON_ERROR_STATUS, .response_status = 6},
        [UNKNOWN] = test_answer(TEST_NOW - HOUR, DAY),
        [EXPIRED] = test_answer(TEST_NOW - 3 * DAY, DAY),
        [FOREIGN] = test_answer(TEST_NOW - HOUR, DAY),
        [UNSIGNED] = test_answer(TEST_NOW - HOUR, DAY),
    };

    (void)state;
    facts[UNKNOWN].status = CERT_STATUS_UNKNOWN;
    facts[FOREIGN].match = REASON_WRONG_SERIAL;
    facts[UNSIGNED].signature = REASON_BAD_SIGNATURE;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        start(&world);
        forget_traces(&world);
        reply(&world, 0,
              (struct event_fetched){
                  .outcome = cases[i].outcome,
                  .facts = cases[i].facts ? &facts[cases[i].facts] : NULL,
                  .http_status = cases[i].http_status,
                  .posted = cases[i].posted,
                  .hints = {.fresh_s = -1, .retry_after_s = cases[i].retry_after_s},
              });
        expect(&world, cases[i].trace);
        assert_false(look(&world, 0).settled);
        world_close(&world);
    }
}

static void test_stale_answer_of_a_cache_is_asked_for_past_it_once(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), older;

    (void)state;
    start(&world);
    answer(&world, &good);
    wait_for_ask(&world, 0, 3 * DAY);
    forget_traces(&world);
    older = test_answer(TEST_NOW - 5 * HOUR, 4 * DAY);
    for (int i = 0; i < 4; i++) {
        answer(&world, &older);
    }
    expect(&world, "fetch-1-fresh fetch-1-post fetch-2 fetch-2-fresh ");
    answer(&world, &older);
    answer(&world, &older);
    expect(&world, "fetch-2-post settled ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_FAILING);
    world_close(&world);
}

static void test_not_modified_means_unchanged_while_what_is_held_is_good(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);
    int64_t left_s;

    (void)state;
    start(&world);
    answer(&world, &good);
    wait_for_ask(&world, 0, 10 * HOUR);
    forget_traces(&world);
    failure_of(&world, 0, FETCH_NOT_MODIFIED);
    expect(&world, "settled ");
    assert_int_equal(look(&world, 0).failures, 0);
    left_s = good.next_update_s - world.now.wall_s;
    assert_in_range(look(&world, 0).next_try_s - world.now.wall_s, left_s / 5, left_s * 3 / 10);
    /* Behind its end the same word helps nobody. */
    while (!strstr(buf_text(&world.trace), "withdraw")) {
        forget_traces(&world);
        wait_for_ask(&world, 0, 10 * HOUR);
        failure_of(&world, 0, FETCH_NOT_MODIFIED);
    }
    expect(&world, "withdraw fetch-1 fetch-1-fresh ");
    world_close(&world);
}

static void test_only_the_responders_own_failures_open_its_circuit(void **state)
{
    enum { NONE, MALFORMED, TRY_LATER, UNAUTHORIZED, REFUSED };
    static const struct {
        enum fetch_outcome outcome;
        int http_status;
        int facts;
        bool counts;
    } cases[] = {
        {FETCH_NO_NAME, 0, NONE, true},
        {FETCH_REFUSED, 0, NONE, true},
        {FETCH_TIMEOUT, 0, NONE, true},
        {FETCH_TLS, 0, NONE, true},
        {FETCH_BROKEN, 0, NONE, true},
        {FETCH_HTTP_STATUS, 500, NONE, true},
        {FETCH_HTTP_STATUS, 503, TRY_LATER, true},
        {FETCH_HTTP_STATUS, 429, NONE, true},
        {FETCH_ANSWER, 200, MALFORMED, true},
        {FETCH_HTTP_STATUS, 500, UNAUTHORIZED, false}, /* about one certificate */
        {FETCH_HTTP_STATUS, 404, NONE, false},
        {FETCH_HTTP_STATUS, 400, NONE, false},
        {FETCH_ANSWER, 200, TRY_LATER, false},
        {FETCH_ANSWER, 200, UNAUTHORIZED, false},
        {FETCH_ANSWER, 200, REFUSED, false},
        {FETCH_NOT_MODIFIED, 304, NONE, false},
        {FETCH_FORBIDDEN_ADDRESS, 0, NONE, false}, /* it was not asked */
    };
    struct ocsp_facts facts[] = {
        [MALFORMED] = {.form = REASON_MALFORMED},
        [TRY_LATER] = {.form = REASON_ERROR_STATUS, .response_status = 3},
        [UNAUTHORIZED] = {.form = REASON_ERROR_STATUS, .response_status = 6},
        [REFUSED] = test_answer(TEST_NOW - 3 * DAY, DAY),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        world_open(&world);
        for (uint32_t cert = 0; cert < 5; cert++) {
            find_simple(&world, cert, "http://one.example/");
            assert_false(look_responder(&world, 0).down);
            reply(&world, cert,
                  (struct event_fetched){.outcome = cases[i].outcome,
                                         .http_status = cases[i].http_status,
                                         .facts = cases[i].facts ? &facts[cases[i].facts] : NULL,
                                         .posted = true});
        }
        assert_int_equal(look_responder(&world, 0).down, cases[i].counts);
        assert_int_equal(look_responder(&world, 0).failed, cases[i].counts ? 5 : 0);
        world_close(&world);
    }
}

static void test_url_of_a_responder_that_is_down_is_passed_over(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world.numbered = true;
    for (uint32_t i = 0; i < 5; i++) {
        find_simple(&world, i, "http://one.example/");
        failure_of(&world, i, FETCH_REFUSED);
    }
    assert_true(look_responder(&world, 0).down);
    forget_traces(&world);
    find_cert(&world, 5);
    read_nothing(&world, 5);
    expect(&world, "fetch-2#5 ");
    assert_false(look(&world, 5).blocked);
    world_close(&world);
}

static void test_who_is_in_line_when_a_responder_goes_down_takes_the_next_url(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple_many(&world, 4); /* the places of a responder not yet known */
    for (uint32_t i = 4; i < 100; i++) {
        find_cert(&world, i);
        read_nothing(&world, i);
        assert_int_equal(world.outside[i].attempt, 0);
    }
    for (uint32_t i = 0; i < 5; i++) {
        failure_of(&world, i, FETCH_REFUSED);
    }
    assert_true(look_responder(&world, 0).down);
    tick(&world);
    for (uint32_t i = 10; i < 100; i++) {
        assert_false(look(&world, i).blocked);
    }
    assert_int_equal(look_responder(&world, 1).in_flight + look_responder(&world, 1).waiting +
                         look_responder(&world, 0).in_flight,
                     96);
    world_close(&world);
}

static void test_second_url_is_looked_up_only_when_needed(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    /* As many responders as there is room for, then one more in the midst of telling the line. */
    for (uint32_t i = 0; i < 7; i++) {
        find_simple(&world, i, hosts[i]);
    }
    for (uint32_t i = 10; i < 60; i++) {
        struct cert_facts *facts = make_cert(&world, i);

        facts->url_count = i < 15 ? 1 : 2;
        facts->urls[1] = hosts[7];
        find_made(&world, i);
        read_nothing(&world, i);
    }
    assert_int_equal(engine_responders(world.engine), 8);
    for (uint32_t i = 10; i < 15; i++) {
        failure_of(&world, i, FETCH_REFUSED);
    }
    assert_int_equal(engine_responders(world.engine), 9);
    assert_true(look_responder(&world, 7).down);
    tick(&world);
    assert_int_equal(look_responder(&world, 7).waiting, 0);
    assert_int_equal(look_responder(&world, 8).in_flight, 4);
    world_close(&world);
}

static void test_who_waits_behind_two_that_are_down_hears_of_the_second(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    world_open(&world);
    for (uint32_t i = 0; i < 10; i++) {
        find_simple(&world, i, i < 5 ? "http://one.example/" : "http://two.example/");
        failure_of(&world, i, FETCH_REFUSED);
    }
    find_cert(&world, 10);
    read_nothing(&world, 10);
    assert_true(look(&world, 10).blocked);
    assert_true(look(&world, 10).settled);
    /* The second comes back, the first does not. */
    while (look(&world, 10).state != CERT_STATE_HELD) {
        pass_deadline(&world, 60);
        assert_true(world.now.wall_s < TEST_NOW + 200);
        for (uint32_t i = 0; i < 11; i++) {
            if (world.outside[i].attempt && (i >= 5 && world.outside[i].url + (i < 10) == 1)) {
                answer_to(&world, i, &good);
            } else if (world.outside[i].attempt) {
                failure_of(&world, i, FETCH_REFUSED);
            }
        }
    }
    world_close(&world);
}

static void test_responder_that_was_down_is_tried_when_the_others_do_not_help(void **state)
{
    static const enum fetch_outcome faults[] = {FETCH_ANSWER, FETCH_HTTP_STATUS, FETCH_REFUSED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), bad = good;

        world_open(&world);
        bad.signature = REASON_BAD_SIGNATURE;
        find_simple_many(&world, 5);
        fail_all(&world, FETCH_REFUSED);
        for (uint32_t cert = 0; cert < 5; cert++) { /* nobody is left in its line */
            step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = cert});
        }
        pass_time(&world, DAY);
        assert_true(look_responder(&world, 0).down);
        find_cert(&world, 5);
        read_nothing(&world, 5);
        assert_int_equal(world.outside[5].url, 1);
        /* The second does answer, but nothing that is of use. */
        for (unsigned tries = 0; world.outside[5].url == 1; tries++) {
            assert_true(tries < 20);
            if (faults[i] == FETCH_ANSWER) {
                answer(&world, &bad);
            } else {
                fetch_fails(&world, faults[i]);
            }
            wait_for_ask(&world, 5, 60);
        }
        answer(&world, &good);
        assert_int_equal(look(&world, 5).state, CERT_STATE_HELD);
        assert_true(world.now.wall_s < TEST_NOW + DAY + 10);
        world_close(&world);
    }
}

static void test_with_all_down_the_one_is_waited_for_that_is_tried_first(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    for (uint32_t i = 0; i < 10; i++) {
        find_simple(&world, i, i < 5 ? "http://one.example/" : "http://two.example/");
        reply(&world, i,
              (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                     .http_status = 503,
                                     .posted = true,
                                     .hints = {.retry_after_s = i == 4   ? 250
                                                                : i == 9 ? 20
                                                                         : 0}});
    }
    find_cert(&world, 10);
    read_nothing(&world, 10);
    assert_true(look(&world, 10).blocked);
    assert_in_range(look(&world, 10).next_try_s, TEST_NOW + 1, TEST_NOW + 20);
    world_close(&world);
}

static void test_hanging_request_costs_a_part_of_what_is_left_at_most(void **state)
{
    static const struct {
        int64_t left_s; /* of the staple when it is asked for; 0: there is none */
        int64_t patience_s;
    } cases[] = {{0, 60}, {5, 10}, {39, 10}, {80, 20}, {188, 47}, {400, 60}, {DAY, 60}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - 8 * HOUR, 10 * HOUR);
        int64_t until_s = TEST_NOW + 2 * HOUR - 300;

        world_open(&world);
        find_simple_many(&world, 1);
        if (cases[i].left_s > 2 * HOUR) {
            good = test_answer(TEST_NOW - HOUR, 3 * DAY);
            until_s = TEST_NOW + 3 * DAY - HOUR - 300;
        }
        if (cases[i].left_s) {
            answer_to(&world, 0, &good);
            while (world.now.wall_s < until_s - cases[i].left_s) {
                pass_deadline(&world, until_s - cases[i].left_s - world.now.wall_s);
                while (world.outside[0].attempt && world.now.wall_s < until_s - cases[i].left_s) {
                    failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
                }
            }
            wait_for_ask(&world, 0, HOUR);
        }
        forget_traces(&world);
        pass_time(&world, cases[i].patience_s - 3);
        assert_null(strstr(buf_text(&world.trace), "cancel"));
        pass_time(&world, 3);
        assert_non_null(strstr(buf_text(&world.trace), "cancel"));
        world_close(&world);
    }
}

static void test_thousand_certificates_behind_a_dead_responder(void **state)
{
    enum { COUNT = 1000 };
    struct world world;
    struct ocsp_facts good;
    uint64_t before;
    int64_t back_ms;

    (void)state;
    world_open(&world);
    find_simple_many(&world, COUNT);
    while (!look_responder(&world, 0).down) {
        fetch_fails(&world, FETCH_REFUSED);
    }
    assert_int_equal(world.requests, 8); /* five failed, three are left */
    expect_notes(&world, "failed! failed! failed! failed! down! ");
    assert_int_equal(settled(&world), COUNT - 3);
    fail_all(&world, FETCH_REFUSED);
    assert_int_equal(settled(&world), COUNT);
    /* Two hours: one probe at a time, each within a minute of the one before. */
    before = world.requests;
    while (world.now.wall_s < TEST_NOW + 2 * HOUR) {
        int64_t since_ms = world.now.mono_ms;

        do {
            pass_deadline(&world, 60);
        } while (!world.flying);
        assert_int_equal(world.flying, 1);
        assert_true(world.now.mono_ms - since_ms <= 60000);
        fail_all(&world, FETCH_TIMEOUT);
    }
    assert_in_range(world.requests - before, 120, 400);
    expect_notes(&world, "");
    /* It is back: everybody is served within a minute, the rate is kept, nobody asks twice. */
    back_ms = world.now.mono_ms + 60000;
    before = world.requests;
    good = test_answer(world.now.wall_s - HOUR, 4 * DAY);
    for (unsigned done = 0; done < COUNT;) {
        pass_ms(&world, 20);
        assert_true(world.now.mono_ms < back_ms + 60000);
        for (uint32_t i = 0; i < COUNT; i++) {
            if (world.outside[i].attempt) {
                answer_to(&world, i, &good);
                done++;
            }
        }
    }
    assert_int_equal(world.requests - before, COUNT);
    assert_int_equal(settled(&world), COUNT);
    world_close(&world);
}

static void test_thousand_certificates_have_one_try_each_and_no_more(void **state)
{
    enum { COUNT = 1000 };
    struct policy policy = policy_default();
    struct world world;

    (void)state;
    policy.attempts = 1;
    world_open_with(&world, &policy);
    find_simple_many(&world, COUNT - 10);
    for (uint32_t i = COUNT - 10; i < COUNT; i++) {
        find_twin(&world, i, i - 10);
    }
    for (unsigned i = 0; i < 50 && settled(&world) < COUNT; i++) {
        fail_all(&world, FETCH_REFUSED);
        pass_deadline(&world, 1);
    }
    assert_int_equal(settled(&world), COUNT);
    assert_true(world.now.mono_ms < 5000000 + 5000);
    assert_true(world.requests < 20);
    assert_int_equal(engine_deadline_ms(world.engine), INSTANT_NEVER);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(look(&world, i).failures, 1);
        assert_false(look(&world, i).in_flight);
    }
    world_close(&world);
}

/* The request that has been under way for longest. */
static uint32_t oldest_request(const struct world *world)
{
    uint32_t oldest = UINT32_MAX;

    for (uint32_t i = 0; i < world->count; i++) {
        uint64_t attempt = world->outside[i].attempt;

        if (attempt && (oldest == UINT32_MAX || attempt < world->outside[oldest].attempt)) {
            oldest = i;
        }
    }
    assert_int_not_equal(oldest, UINT32_MAX);
    return oldest;
}

static void test_very_many_learn_of_it_in_steps_of_bounded_size(void **state)
{
    static struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    struct policy policies[] = {policy_default(), policy_default()};

    (void)state;
    policies[1].attempts = 1;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        world_open_with(&world, &policies[i]);
        find_simple_many(&world, WORLD_CERTS);
        fail_all(&world, FETCH_REFUSED); /* step() looks at the size of each */
        assert_int_equal(settled(&world), WORLD_CERTS);
        world_close(&world);
    }
    /* The clock likewise. */
    world_open(&world);
    for (uint32_t i = 0; i < WORLD_CERTS; i++) {
        find_cert(&world, i);
        read_store(&world, i, (struct event_stored){&good, NULL, {0}, INSTANT_NEVER});
    }
    set_clock(&world, 20 * DAY);
    good = test_answer(TEST_NOW + 20 * DAY - HOUR, 4 * DAY);
    forget_traces(&world);
    answer(&world, &good);
    for (uint32_t i = 0; i < WORLD_CERTS; i++) {
        assert_true(world.outside[i].published == (i == 0));
    }
    world_close(&world);
}

static void test_whose_staple_ends_soonest_goes_first_when_it_is_back(void **state)
{
    enum { COUNT = 300 };
    struct world world;
    struct ocsp_facts held, good;
    int64_t last_s = INT64_MIN;
    unsigned overtaken = 0, missing = 0;

    (void)state;
    world_open(&world);
    for (uint32_t i = 0; i < COUNT; i++) {
        held = test_answer(TEST_NOW - 2 * DAY, 3 * DAY + (i * 7919 % COUNT) * 600);
        make_cert(&world, i)->url_count = 1;
        find_made(&world, i);
        read_store(&world, i, (struct event_stored){&held, NULL, {0}, INSTANT_NEVER});
    }
    /* A day and a half without it: some have ended. */
    while (world.now.wall_s < TEST_NOW + 3 * DAY / 2) {
        pass_deadline(&world, 60);
        fail_all(&world, FETCH_TIMEOUT);
    }
    assert_true(look_responder(&world, 0).waiting > COUNT - 10);
    good = test_answer(world.now.wall_s - HOUR, 4 * DAY);
    for (unsigned done = 0; done < COUNT; done++) {
        struct engine_view view;
        uint32_t cert;
        int64_t end_s;

        while (!world.flying) {
            pass_deadline(&world, 60);
        }
        cert = oldest_request(&world);
        view = look(&world, cert);
        missing += view.state == CERT_STATE_MISSING;
        end_s = view.state == CERT_STATE_MISSING ? INT64_MIN : view.held.serve.until_s;
        overtaken += end_s < last_s;
        last_s = time_max(last_s, end_s);
        answer_to(&world, cert, &good);
        assert_int_equal(look(&world, cert).state, CERT_STATE_HELD);
    }
    assert_in_range(missing, 50, 100);
    assert_in_range(overtaken, 0, 10); /* those who were not in line when it came back */
    world_close(&world);
}

static void test_who_asks_in_person_has_a_dead_responder_tried_at_once(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple_many(&world, 20);
    while (world.now.wall_s < TEST_NOW + HOUR) {
        pass_deadline(&world, 60);
        fail_all(&world, FETCH_TIMEOUT);
    }
    assert_int_equal(settled(&world), 20);
    step(&world, (struct event){.type = EVENT_ASK, .cert = 7});
    assert_false(look(&world, 7).settled);
    pass_time(&world, 2);
    assert_int_equal(world.flying, 1);
    fail_all(&world, FETCH_TIMEOUT);
    assert_true(look(&world, 7).settled); /* whoever was asked for */
    world_close(&world);
}

static void test_retry_after_is_obeyed_by_all_certificates_of_the_responder(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple_many(&world, 10);
    for (uint32_t i = 0; i < 4; i++) {
        reply(&world, i,
              (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                     .http_status = 503,
                                     .hints = {.retry_after_s = i ? 30 : 120, .fresh_s = -1}});
    }
    assert_int_equal(world.requests, 4);
    assert_int_equal(look_responder(&world, 0).next_s, TEST_NOW + 120);
    pass_time(&world, 119);
    assert_int_equal(world.requests, 4);
    pass_time(&world, 1);
    assert_true(world.requests > 4);
    /* The fifth failure in a row: down, and its wait is told as it is. */
    reply(&world, world.asked,
          (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                 .http_status = 429,
                                 .hints = {.retry_after_s = 7200, .fresh_s = -1}});
    expect_notes(&world, "failed! failed! failed! failed! down! ");
    assert_int_equal(look_responder(&world, 0).next_s, TEST_NOW + 120 + 300);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_next_depends_on_what_came),
        cmocka_unit_test(test_stale_answer_of_a_cache_is_asked_for_past_it_once),
        cmocka_unit_test(test_not_modified_means_unchanged_while_what_is_held_is_good),
        cmocka_unit_test(test_only_the_responders_own_failures_open_its_circuit),
        cmocka_unit_test(test_url_of_a_responder_that_is_down_is_passed_over),
        cmocka_unit_test(test_who_is_in_line_when_a_responder_goes_down_takes_the_next_url),
        cmocka_unit_test(test_second_url_is_looked_up_only_when_needed),
        cmocka_unit_test(test_who_waits_behind_two_that_are_down_hears_of_the_second),
        cmocka_unit_test(test_responder_that_was_down_is_tried_when_the_others_do_not_help),
        cmocka_unit_test(test_with_all_down_the_one_is_waited_for_that_is_tried_first),
        cmocka_unit_test(test_hanging_request_costs_a_part_of_what_is_left_at_most),
        cmocka_unit_test(test_thousand_certificates_behind_a_dead_responder),
        cmocka_unit_test(test_thousand_certificates_have_one_try_each_and_no_more),
        cmocka_unit_test(test_very_many_learn_of_it_in_steps_of_bounded_size),
        cmocka_unit_test(test_whose_staple_ends_soonest_goes_first_when_it_is_back),
        cmocka_unit_test(test_who_asks_in_person_has_a_dead_responder_tried_at_once),
        cmocka_unit_test(test_retry_after_is_obeyed_by_all_certificates_of_the_responder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
