/* SPDX-License-Identifier: Apache-2.0 */

/* In line for a responder: in which place, for whom, and when in the line of another. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

#define WEEK (7 * DAY)

/* Of what make_cert() made: it holds an answer for @left_s more and asks in a second; with 0 it
 * holds nothing and asks now. */
static void find_due(struct world *world, uint32_t cert, int64_t left_s)
{
    struct ocsp_facts held = test_answer(world->now.wall_s - DAY, DAY + left_s + 300);

    find_made(world, cert);
    if (left_s) {
        read_store(world, cert,
                   (struct event_stored){.held = &held, .next_try_s = world->now.wall_s + 1});
        assert_int_equal(look(world, cert).held.serve.until_s, world->now.wall_s + left_s);
    } else {
        read_nothing(world, cert);
    }
}

/* The same with the first URL only. */
static void find_due_simple(struct world *world, uint32_t cert, int64_t left_s)
{
    make_cert(world, cert)->url_count = 1;
    find_due(world, cert, left_s);
}

static void find_due_twin(struct world *world, uint32_t cert, uint32_t other, int64_t left_s)
{
    struct cert_facts *facts = make_cert(world, cert);

    memcpy(facts->serial, world->certs[other].serial, sizeof(facts->serial));
    facts->url_count = world->certs[other].url_count;
    find_due(world, cert, left_s);
}

/* Four that hold nothing have the places of the first responder; numbers 10, 11 and 12, which hold
 * something for 2, 4 and 8 hours, stand in its line. */
static void start_line(struct world *world)
{
    world_open(world);
    world->numbered = true;
    find_simple_many(world, 4);
    find_due_simple(world, 10, 2 * HOUR);
    find_due_simple(world, 11, 4 * HOUR);
    find_due_simple(world, 12, 8 * HOUR);
    pass_time(world, 1);
    assert_int_equal(look_responder(world, 0).waiting, 3);
    forget_traces(world);
}

static void test_leaf_in_a_hurry_takes_the_twin_that_asks_for_it_to_the_front(void **state)
{
    static const struct {
        int64_t left_s; /* of what it holds */
        const char *trace;
    } cases[] = {
        {0, "settled#0 fetch-1#12 "},
        {HOUR, "settled#0 fetch-1#12 "},
        {2 * HOUR + 600, "settled#0 fetch-1#10 "},
        {9 * HOUR, "settled#0 fetch-1#10 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        start_line(&world);
        find_due_twin(&world, 13, 12, cases[i].left_s);
        pass_time(&world, 1);
        assert_true(look(&world, 13).in_flight);
        assert_int_equal(look_responder(&world, 0).waiting, 3); /* one place for both */
        forget_traces(&world);
        failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
        expect(&world, cases[i].trace);
        world_close(&world);
    }
}

static void test_one_that_joins_without_hurry_does_not_lose_the_place(void **state)
{
    struct world world;

    (void)state;
    start_line(&world);
    find_due_twin(&world, 13, 12, 0);
    find_due_twin(&world, 14, 12, 9 * HOUR);
    find_due_twin(&world, 15, 12, 3 * HOUR); /* less than number 12, but not in a hurry */
    pass_time(&world, 1);
    forget_traces(&world);
    failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
    expect(&world, "settled#0 fetch-1#12 ");
    world_close(&world);
}

static void test_next_to_ask_has_the_hurry_of_those_left_by_who_asked_for_them(void **state)
{
    static const int64_t left_s[][2] = {{0, 7 * HOUR}, {7 * HOUR, 0}}; /* in either order */

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(left_s); i++) {
        struct world world;

        start_line(&world);
        find_due_twin(&world, 13, 12, left_s[i][0]);
        find_due_twin(&world, 14, 12, left_s[i][1]);
        pass_time(&world, 1);
        step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 12});
        forget_traces(&world);
        failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
        assert_true(world.outside[13].attempt || world.outside[14].attempt);
        assert_int_equal(world.outside[10].attempt, 0);
        world_close(&world);
    }
}

static void test_next_url_is_asked_with_the_hurry_of_those_who_joined(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world.numbered = true;
    for (uint32_t i = 0; i < 4; i++) {
        find_simple(&world, i, "http://two.example/");
    }
    make_cert(&world, 10)->url_count = 1;
    world.certs[10].urls[0] = "http://two.example/";
    find_due(&world, 10, 2 * HOUR);
    make_cert(&world, 12);
    find_due(&world, 12, 8 * HOUR);
    pass_time(&world, 1);
    find_due_twin(&world, 13, 12, 0);
    failure_of(&world, 12, FETCH_NO_NAME);
    forget_traces(&world);
    failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
    expect(&world, "settled#0 fetch-2#12 ");
    world_close(&world);
}

/* Number 8 stands in line of a responder that is down, or asked for time, for longer than
 * @wait_s; only certificates with a week left know of it. */
static void start_long_wait(struct world *world, bool down, int64_t wait_s)
{
    world_open(world);
    for (uint32_t i = 0; i < 5; i++) {
        find_due_simple(world, i, WEEK);
    }
    pass_time(world, 1);
    if (!down) {
        reply(world, 0,
              (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                     .http_status = 503,
                                     .hints = {.fresh_s = -1, .retry_after_s = wait_s + 1}});
    }
    find_due_simple(world, 8, WEEK);
    pass_time(world, 1);
    while (down && look_responder(world, 0).next_s <= world->now.wall_s + wait_s) {
        assert_true(world->now.wall_s < TEST_NOW + DAY);
        pass_deadline(world, 600);
        fail_all(world, FETCH_TIMEOUT);
    }
    assert_int_equal(look_responder(world, 0).down, down);
    assert_true(look(world, 8).in_flight && !world->outside[8].attempt);
    assert_true(look_responder(world, 0).next_s >= world->now.wall_s + wait_s);
}

static void test_waits_of_a_responder_give_way_to_a_leaf_that_joins_its_twin(void **state)
{
    static const struct {
        bool down;
        int64_t wait_s;
        int64_t left_s; /* of the leaf that joins */
        int64_t most_s;
    } cases[] = {
        {true, 100, 0, 60}, {true, 100, 160, 20}, {false, 3000, 0, 300}, {false, 3000, 800, 100}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        start_long_wait(&world, cases[i].down, cases[i].wait_s);
        find_due_twin(&world, 9, 8, cases[i].left_s);
        pass_time(&world, 1);
        assert_true(look(&world, 9).in_flight);
        assert_in_range(look_responder(&world, 0).next_s, world.now.wall_s,
                        world.now.wall_s + cases[i].most_s);
        world_close(&world);
    }
}

/* Its responder asks for time. */
static void ask_for_time(struct world *world, uint32_t cert, int64_t seconds)
{
    reply(world, cert,
          (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                 .http_status = 503,
                                 .posted = true,
                                 .hints = {.fresh_s = -1, .retry_after_s = seconds}});
}

static void test_url_whose_responder_asked_for_time_comes_behind_one_that_is_well(void **state)
{
    static const struct {
        int64_t pause_s[2]; /* of the two responders */
        int64_t asked_s;    /* when a new one asks, */
        const char *trace;  /* and whom */
    } cases[] = {
        {{0, 0}, 0, "fetch-1#2 "},     {{120, 0}, 0, "fetch-2#2 "},   {{0, 120}, 0, "fetch-1#2 "},
        {{120, 20}, 20, "fetch-2#2 "}, {{20, 120}, 20, "fetch-1#2 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        world_open(&world);
        world.numbered = true;
        find_simple(&world, 0, "http://one.example/");
        find_simple(&world, 1, "http://two.example/");
        for (uint32_t cert = 0; cert < 2; cert++) {
            ask_for_time(&world, cert, cases[i].pause_s[cert]);
            step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = cert});
        }
        forget_traces(&world);
        find_cert(&world, 2);
        read_nothing(&world, 2);
        pass_time(&world, time_max(0, cases[i].asked_s - 1));
        assert_true(!cases[i].asked_s || !world.outside[2].attempt);
        pass_time(&world, cases[i].asked_s > 0);
        expect(&world, cases[i].trace);
        world_close(&world);
    }
}

static void test_one_that_asks_for_time_without_end_is_asked_all_the_same(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple(&world, 0, "http://two.example/");
    ask_for_time(&world, 0, 20);
    find_cert(&world, 1);
    read_nothing(&world, 1);
    /* The first knows nothing of it. Of the second others are told each time to come later. */
    for (uint32_t other = 2; world.outside[1].url == 0; other++) {
        assert_true(other < 20);
        for (int64_t s = 0; s < 20 && world.outside[1].url == 0; s++) {
            while (world.outside[1].attempt && world.outside[1].url == 0) {
                reply(&world, 1,
                      (struct event_fetched){.outcome = FETCH_HTTP_STATUS, .http_status = 404});
            }
            if (s == 19) {
                find_simple(&world, other, "http://two.example/");
            }
            pass_time(&world, 1);
        }
        ask_for_time(&world, other, 20);
    }
    /* It stood in line for it; the first may know more by now. */
    forget_traces(&world);
    ask_for_time(&world, 1, 20);
    expect(&world, "fetch-1 ");
    world_close(&world);
}

/* It knows nothing of the certificate, and asks for time or not. */
static void know_nothing(struct world *world, uint32_t cert, int64_t retry_after_s)
{
    reply(world, cert,
          (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                 .http_status = 404,
                                 .posted = true,
                                 .hints = {.fresh_s = -1, .retry_after_s = retry_after_s}});
}

static void test_round_waits_for_one_that_asked_for_time_and_no_more(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    make_cert(&world, 0)->url_count = 3;
    world.certs[0].urls[2] = "http://three.example/";
    find_made(&world, 0);
    read_nothing(&world, 0);
    while (look(&world, 0).failures < 12) {
        while (world.outside[0].attempt) {
            know_nothing(&world, 0, 0);
        }
        wait_for_ask(&world, 0, HOUR);
    }
    find_simple(&world, 1, "http://two.example/");
    know_nothing(&world, 1, 20);
    find_simple(&world, 2, "http://three.example/");
    know_nothing(&world, 2, 50);
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 1});
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 2});
    know_nothing(&world, 0, 0);
    assert_true(look(&world, 0).in_flight); /* by itself it would wait for many minutes */
    world.count = 1;
    forget_traces(&world);
    pass_time(&world, 19);
    expect(&world, "");
    pass_time(&world, 1);
    know_nothing(&world, 0, 20); /* the second; the first is asked anew */
    know_nothing(&world, 0, 0);
    expect(&world, "fetch-2 fetch-1 settled ");
    world_close(&world);
}

static void test_long_wait_for_one_that_asked_for_time_does_not_put_off_the_next_try(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple(&world, 0, "http://two.example/");
    ask_for_time(&world, 0, 250);
    find_cert(&world, 1);
    read_nothing(&world, 1);
    forget_traces(&world);
    failure_of(&world, 1, FETCH_NO_NAME);
    expect(&world, "settled ");
    assert_in_range(look(&world, 1).next_try_s, world.now.wall_s, world.now.wall_s + 2);
    wait_for_ask(&world, 1, 3);
    assert_int_equal(world.outside[1].url, 0);
    world_close(&world);
}

/* Each responder has one place only. */
static void open_narrow(struct world *world)
{
    struct policy policy = policy_default();

    policy.responder_concurrency = 1;
    world_open_with(world, &policy);
    world->numbered = true;
}

static void test_one_that_asked_for_time_is_better_than_one_that_is_down(void **state)
{
    struct world world;

    (void)state;
    open_narrow(&world);
    find_simple(&world, 0, "http://two.example/");
    ask_for_time(&world, 0, 120);
    for (uint32_t i = 1; i < 6; i++) {
        find_simple(&world, i, "http://one.example/");
    }
    find_cert(&world, 9);
    read_nothing(&world, 9);
    for (uint32_t i = 1; i < 6; i++) {
        failure_of(&world, i, FETCH_REFUSED);
    }
    tick(&world);
    assert_true(look(&world, 9).in_flight && !look(&world, 9).blocked);
    while (world.now.wall_s < TEST_NOW + 119) {
        pass_time(&world, 1);
        assert_int_equal(world.outside[9].attempt, 0);
        fail_all(&world, FETCH_REFUSED);
    }
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 0});
    pass_time(&world, 1);
    assert_true(world.outside[9].attempt);
    assert_int_equal(world.outside[9].url, 1);
    world_close(&world);
}

static void test_line_of_a_responder_that_asks_for_time_is_left_for_one_that_is_well(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    open_narrow(&world);
    find_simple(&world, 0, "http://one.example/");
    find_cert(&world, 1);
    read_nothing(&world, 1);
    find_twin(&world, 2, 1);
    find_simple(&world, 3, "http://one.example/"); /* has no other URL */
    pass_time(&world, 5);
    ask_for_time(&world, 0, 250);
    forget_traces(&world);
    pass_time(&world, 54);
    expect(&world, "");
    pass_time(&world, 1);
    expect(&world, "fetch-2#1 ");
    answer_to(&world, 1, &good);
    assert_int_equal(look(&world, 1).state, CERT_STATE_HELD);
    assert_int_equal(look(&world, 2).state, CERT_STATE_HELD);
    forget_traces(&world);
    pass_time(&world, 189);
    expect(&world, "");
    pass_time(&world, 6);
    assert_int_equal(look_responder(&world, 0).in_flight, 1);
    world_close(&world);
}

static void test_who_ends_soon_leaves_a_line_that_does_not_move(void **state)
{
    static const struct {
        int64_t left_s; /* when it comes into the line; 0: it holds nothing */
        int64_t after_s;
    } cases[] = {{20, 5},   {100, 25},  {239, 59},  {500, 60},
                 {660, 60}, {661, 120}, {800, 240}, {0, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        uint32_t cert = 9;

        open_narrow(&world);
        find_simple_many(&world, 5); /* each of them has the place for a minute */
        make_cert(&world, cert);
        find_due(&world, cert, cases[i].left_s ? cases[i].left_s + 1 : 0);
        pass_time(&world, 1);
        forget_traces(&world);
        assert_true(look(&world, cert).in_flight && !world.outside[cert].attempt);
        for (int64_t s = 1; s < (cases[i].after_s ? cases[i].after_s : 200); s++) {
            pass_time(&world, 1);
            assert_int_equal(world.outside[cert].attempt, 0);
        }
        pass_time(&world, 1);
        assert_int_equal(world.outside[cert].attempt > 0, cases[i].after_s > 0);
        assert_int_equal(world.outside[cert].url, cases[i].after_s > 0);
        world_close(&world);
    }
}

static void test_who_changes_lines_begins_there_with_a_get(void **state)
{
    struct world world;

    (void)state;
    open_narrow(&world);
    make_cert(&world, 9);
    find_due(&world, 9, 101);
    pass_time(&world, 1);
    find_simple_many(&world, 1);
    expect(&world, "publish!#9 settled#9 fetch-1#9 ");
    reply(&world, 9, (struct event_fetched){.outcome = FETCH_HTTP_STATUS, .http_status = 404});
    expect(&world, "fetch-1#0 "); /* which comes before its POST */
    pass_time(&world, 25);
    expect(&world, "fetch-2#9 ");
    world_close(&world);
}

/* The second URL of number 9 is not to be had. */
enum why { WHY_TRIED, WHY_PAUSED, WHY_DOWN, WHY_NONE, WHYS };
static void start_without_choice(struct world *world, enum why why)
{
    const char *busy = why == WHY_TRIED ? "http://two.example/" : "http://one.example/";

    open_narrow(world);
    for (uint32_t cert = 1; why == WHY_DOWN && cert < 6; cert++) {
        find_simple(world, cert, "http://two.example/");
        failure_of(world, cert, FETCH_REFUSED);
        step(world, (struct event){.type = EVENT_CERT_GONE, .cert = cert});
    }
    pass_time(world, 300); /* it may be tried again */
    find_simple(world, 0, busy);
    if (why == WHY_PAUSED) {
        find_simple(world, 1, "http://two.example/");
        ask_for_time(world, 1, 250);
    }
    make_cert(world, 9)->url_count = why == WHY_NONE ? 1 : 2;
    find_due(world, 9, 101);
    pass_time(world, 1);
    if (why == WHY_TRIED) {
        failure_of(world, 9, FETCH_NO_NAME);
    }
    assert_true(look(world, 9).in_flight && !world->outside[9].attempt);
}

static void test_who_ends_soon_stays_in_line_when_no_other_url_is_well(void **state)
{
    (void)state;
    for (enum why why = 0; why < WHYS; why++) {
        struct world world;

        start_without_choice(&world, why);
        for (unsigned s = 1; s < 58; s++) {
            pass_time(&world, 1);
            assert_int_equal(world.outside[9].attempt, 0);
        }
        failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS); /* in line still, so it is its turn */
        assert_true(world.outside[9].attempt);
        assert_int_equal(world.outside[9].url, why == WHY_TRIED);
        world_close(&world);
    }
}

/* What is said of the next try is when it comes. */
static void check_next_try(struct world *world, uint32_t cert)
{
    int64_t said_s = look(world, cert).next_try_s;

    assert_true(said_s >= world->now.wall_s);
    if (!world->outside[cert].attempt) {
        wait_for_ask(world, cert, said_s - world->now.wall_s + 1);
        assert_in_range(world->now.wall_s, said_s - 1, said_s + 1);
    }
}

static void test_next_try_that_is_told_is_when_it_comes(void **state)
{
    static const struct {
        unsigned url_count;
        int http_status; /* 0: no answer in time */
        int64_t retry_after_s;
    } cases[] = {{1, 0, 0}, {1, 429, 86400}, {1, 503, 40}, {1, 404, 86400},
                 {2, 0, 0}, {2, 429, 86400}, {2, 503, 40}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool http = cases[i].http_status > 0;
        struct world world;

        world_open(&world);
        make_cert(&world, 0)->url_count = cases[i].url_count;
        find_due(&world, 0, 100);
        pass_time(&world, 1);
        while (world.now.wall_s < TEST_NOW + 1000) { /* from 101 on nothing is held */
            reply(&world, 0,
                  (struct event_fetched){
                      .outcome = http ? FETCH_HTTP_STATUS : FETCH_TIMEOUT,
                      .http_status = cases[i].http_status,
                      .hints = {.fresh_s = -1, .retry_after_s = cases[i].retry_after_s}});
            assert_true(world.outside[0].attempt ||
                        world.last.next_try_s == look(&world, 0).next_try_s);
            check_next_try(&world, 0);
        }
        world_close(&world);
    }
}

static void test_next_try_of_one_in_line_is_when_its_responder_may_be_asked(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_simple(&world, 0, "http://one.example/");
    ask_for_time(&world, 0, 250);
    find_simple(&world, 1, "http://one.example/");
    find_twin(&world, 2, 1);
    assert_int_equal(look(&world, 1).next_try_s, world.now.wall_s + 250);
    assert_int_equal(look(&world, 2).next_try_s, world.now.wall_s + 250);
    check_next_try(&world, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf_in_a_hurry_takes_the_twin_that_asks_for_it_to_the_front),
        cmocka_unit_test(test_one_that_joins_without_hurry_does_not_lose_the_place),
        cmocka_unit_test(test_next_to_ask_has_the_hurry_of_those_left_by_who_asked_for_them),
        cmocka_unit_test(test_next_url_is_asked_with_the_hurry_of_those_who_joined),
        cmocka_unit_test(test_waits_of_a_responder_give_way_to_a_leaf_that_joins_its_twin),
        cmocka_unit_test(test_url_whose_responder_asked_for_time_comes_behind_one_that_is_well),
        cmocka_unit_test(test_one_that_asks_for_time_without_end_is_asked_all_the_same),
        cmocka_unit_test(test_round_waits_for_one_that_asked_for_time_and_no_more),
        cmocka_unit_test(test_long_wait_for_one_that_asked_for_time_does_not_put_off_the_next_try),
        cmocka_unit_test(test_one_that_asked_for_time_is_better_than_one_that_is_down),
        cmocka_unit_test(test_line_of_a_responder_that_asks_for_time_is_left_for_one_that_is_well),
        cmocka_unit_test(test_who_ends_soon_leaves_a_line_that_does_not_move),
        cmocka_unit_test(test_who_changes_lines_begins_there_with_a_get),
        cmocka_unit_test(test_who_ends_soon_stays_in_line_when_no_other_url_is_well),
        cmocka_unit_test(test_next_try_that_is_told_is_when_it_comes),
        cmocka_unit_test(test_next_try_of_one_in_line_is_when_its_responder_may_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
