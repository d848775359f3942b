/* SPDX-License-Identifier: Apache-2.0 */

/* When the engine asks again, and until when it shows what it has. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clients.h"
#include "core/test-engine.h"

static void answer_fresh(struct world *world, const struct ocsp_facts *facts, int64_t fresh_s)
{
    reply(
        world, world->asked,
        (struct event_fetched){.http_status = 200, .facts = facts, .hints = {.fresh_s = fresh_s}});
}

static int64_t first_try_after(const struct policy *policy, const struct ocsp_facts *facts,
                               int64_t fresh_s)
{
    struct world world;
    int64_t next_s;

    start_with(&world, policy);
    answer_fresh(&world, facts, fresh_s);
    next_s = look(&world, 0).next_try_s;
    world_close(&world);
    return next_s;
}

static void test_max_age_puts_the_refresh_off_within_its_bounds(void **state)
{
    static const int64_t hints[] = {-1,        0,         1,        HOUR,     20 * HOUR,
                                    40 * HOUR, 60 * HOUR, 10 * DAY, INT64_MAX};
    const struct policy policy = policy_default();
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    int64_t due_s = first_try_after(&policy, &good, -1);
    int64_t latest_s = TEST_NOW - HOUR + 4 * DAY * 6 / 10;

    (void)state;
    assert_in_range(due_s, TEST_NOW, latest_s - 1);
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        int64_t stale_s = hints[i] > 0 ? time_add(TEST_NOW, hints[i]) : due_s;

        assert_int_equal(first_try_after(&policy, &good, hints[i]),
                         time_max(due_s, time_min(stale_s, latest_s)));
    }
}

static void test_max_age_does_not_reach_beyond_chromiums_week(void **state)
{
    struct policy policy = policy_default();
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 30 * DAY);

    (void)state;
    policy.audience = CLIENT_BIT(CLIENT_CHROMIUM);
    assert_int_equal(first_try_after(&policy, &good, 14 * DAY), TEST_NOW - HOUR + 7 * DAY);
    policy.audience = AUDIENCE_RFC6960;
    assert_int_equal(first_try_after(&policy, &good, 14 * DAY), TEST_NOW + 14 * DAY);
}

static void test_max_age_of_an_unchanged_answer_counts_to_half_of_what_is_left(void **state)
{
    static const int64_t hints[] = {-1, HOUR, 20 * HOUR, 30 * DAY};
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        int64_t left_s, next_s;

        start(&world);
        answer(&world, &good);
        wait_for_ask(&world, 0, 4 * DAY);
        answer_fresh(&world, &good, hints[i]);
        left_s = good.next_update_s - world.now.wall_s;
        next_s = look(&world, 0).next_try_s - world.now.wall_s;
        assert_in_range(next_s, left_s / 5, hints[i] > 20 * HOUR ? left_s / 2 : left_s * 3 / 10);
        assert_true(hints[i] <= 20 * HOUR || next_s == left_s / 2);
        world_close(&world);
    }
}

static void test_without_next_update_it_is_asked_for_every_quarter_of_an_hour(void **state)
{
    static const uint32_t audiences[] = {AUDIENCE_RFC6960, CLIENT_BIT(CLIENT_FIREFOX),
                                         CLIENT_BIT(CLIENT_GNUTLS), CLIENT_BIT(CLIENT_JAVA)};
    struct policy policy = policy_default();

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(audiences); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - 60, DAY);

        policy.audience = audiences[i / 2];
        good.has_next_update = false;
        good.next_update_s = good.first_next_update_s = INSTANT_NEVER;
        start_with(&world, &policy);
        answer_fresh(&world, &good, i % 2 ? 90 * DAY : -1);
        assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
        assert_in_range(look(&world, 0).next_try_s, TEST_NOW + 30, TEST_NOW + 900);
        assert_true(look(&world, 0).next_try_s < look(&world, 0).held.serve.until_s);
        wait_for_ask(&world, 0, HOUR);
        answer_fresh(&world, &good, i % 2 ? 90 * DAY : -1); /* the same again */
        assert_in_range(look(&world, 0).next_try_s, world.now.wall_s + 1, world.now.wall_s + 900);
        world_close(&world);
    }
}

static void test_planned_time_survives_a_restart_where_it_makes_sense(void **state)
{
    struct ocsp_facts good = test_answer(TEST_NOW - DAY, 4 * DAY);
    int64_t latest_s = TEST_NOW - DAY + 4 * DAY * 6 / 10;
    const struct {
        int64_t stored_s;
        bool kept;
    } cases[] = {
        {TEST_NOW + 1, true},   {TEST_NOW + HOUR, true}, {latest_s, true}, {latest_s + DAY, false},
        {TEST_NOW, false},      {TEST_NOW - DAY, false}, {0, false},       {INT64_MIN, false},
        {INSTANT_NEVER, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        int64_t next_s;

        world_open(&world);
        find_cert(&world, 0);
        read_store(&world, 0,
                   (struct event_stored){.held = &good, .next_try_s = cases[i].stored_s});
        expect(&world, "publish! settled ");
        next_s = look(&world, 0).next_try_s;
        assert_true(cases[i].kept ? next_s == cases[i].stored_s
                                  : next_s >= TEST_NOW + DAY && next_s <= latest_s);
        world_close(&world);
    }
}

static void test_pending_answer_survives_a_restart(void **state)
{
    struct ocsp_facts good = test_answer(TEST_NOW - 5 * HOUR, 10 * HOUR);
    struct ocsp_facts newer = test_answer(TEST_NOW - 100, 10 * HOUR);
    struct ocsp_facts ended = test_answer(TEST_NOW - 12 * HOUR, 10 * HOUR);
    struct world world;

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    read_store(&world, 0, (struct event_stored){&good, &newer, {0}, INSTANT_NEVER});
    expect(&world, "publish! settled ");
    pass_time(&world, 199);
    expect(&world, "");
    pass_time(&world, 1);
    expect(&world, "promote publish ");
    /* With nothing good beside it there is nothing to wait for. */
    find_cert(&world, 1);
    read_store(&world, 1, (struct event_stored){&ended, &newer, {0}, INSTANT_NEVER});
    expect(&world, "promote publish! settled ");
    world_close(&world);
}

static void test_same_times_signed_anew_replace_without_being_news(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), anew = good;
    int64_t left_s;

    (void)state;
    start(&world);
    answer(&world, &good);
    wait_for_ask(&world, 0, DAY);
    forget_traces(&world);
    anew.digest = 5;
    answer(&world, &anew);
    expect(&world, "keep settled publish ");
    expect_notes(&world, "");
    assert_int_equal(look(&world, 0).held.digest, 5);
    left_s = good.next_update_s - world.now.wall_s;
    assert_in_range(look(&world, 0).next_try_s - world.now.wall_s, left_s / 5, left_s * 3 / 10);
    /* A later producedAt alone makes it a newer one (RFC 6960 2.4). */
    wait_for_ask(&world, 0, DAY);
    forget_traces(&world);
    anew.produced_at_s = world.now.wall_s - 400;
    answer(&world, &anew);
    expect(&world, "keep settled publish ");
    expect_notes(&world, "accepted ");
    world_close(&world);
}

/* Unchanged at each ask, until there should be a newer one; the next ask is under way then. */
static void start_behind(struct world *world, const struct ocsp_facts *good)
{
    start(world);
    answer(world, good);
    for (;;) {
        wait_for_ask(world, 0, 7 * DAY);
        forget_traces(world);
        if (world->now.wall_s >= good->next_update_s - 8 * HOUR) {
            return;
        }
        answer(world, good);
        expect(world, "settled ");
    }
}

static void test_same_answer_when_there_should_be_a_newer_one_is_asked_for_in_all_ways(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 7 * DAY), newer;
    bool same = true;

    (void)state;
    start_behind(&world, &good);
    while (world.outside[0].attempt) {
        if (same) {
            answer(&world, &good);
        } else {
            fetch_fails(&world, FETCH_NOT_MODIFIED);
        }
        same = !same;
    }
    expect(&world, "fetch-1-fresh fetch-1-post fetch-2 fetch-2-fresh fetch-2-post settled ");
    assert_int_equal(look(&world, 0).failures, 0);
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    assert_true(look(&world, 0).next_try_s < look(&world, 0).held.serve.until_s);
    /* The first that has it ends the search. */
    wait_for_ask(&world, 0, 8 * HOUR);
    forget_traces(&world);
    answer(&world, &good);
    newer = test_answer(world.now.wall_s - HOUR, 7 * DAY);
    answer(&world, &newer);
    expect(&world, "fetch-1-fresh keep settled publish ");
    world_close(&world);
}

static void test_last_try_comes_before_the_margin_at_the_end(void **state)
{
    static const int64_t lives[] = {300, HOUR, 12 * HOUR, 7 * DAY};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
        for (int64_t tenths = 80; tenths < 100; tenths++) {
            struct world world;
            struct ocsp_facts old = test_answer(TEST_NOW - lives[i] * tenths / 100, lives[i]);
            struct engine_view view;

            start(&world);
            answer(&world, &old);
            view = look(&world, 0);
            if (view.state == CERT_STATE_HELD && view.held.serve.until_s > TEST_NOW + 1) {
                assert_in_range(view.next_try_s, TEST_NOW + 1, view.held.serve.until_s - 1);
            }
            world_close(&world);
        }
    }
}

static void test_same_times_signed_anew_in_the_first_minutes_are_shown(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW, 10 * HOUR), anew = good;

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    read_nothing(&world, 0);
    answer(&world, &good);
    forget_traces(&world);
    find_twin(&world, 1, 0); /* asks for itself within them */
    anew.digest = 5;
    answer(&world, &anew);
    expect(&world, "fetch-1 keep settled publish! keep settled publish ");
    expect_notes(&world, "accepted ");
    assert_int_equal(look(&world, 0).held.digest, 5);
    world_close(&world);
}

/* What it holds may be shown for @left_s more, and it asks. */
static void start_ending(struct world *world, int64_t left_s)
{
    struct ocsp_facts held = test_answer(TEST_NOW - 10 * HOUR, 10 * HOUR + left_s + 301);

    world_open(world);
    find_cert(world, 0);
    read_store(world, 0, (struct event_stored){.held = &held, .next_try_s = TEST_NOW + 1});
    pass_time(world, 1);
    assert_true(world->outside[0].attempt);
    assert_int_equal(look(world, 0).held.serve.until_s, world->now.wall_s + left_s);
    forget_traces(world);
}

/* The same to every way of asking. */
static void answer_all_ways(struct world *world, const struct ocsp_facts *facts)
{
    while (world->outside[0].attempt) {
        answer(world, facts);
    }
}

static void test_answer_that_begins_after_the_end_of_what_is_held_is_not_the_last_word(void **state)
{
    static const int64_t news[] = {0, 0, 0, 1}; /* the same bytes, or another signature */
    struct world world;
    struct ocsp_facts ahead, good;

    (void)state;
    start_ending(&world, 100);
    ahead = test_answer(world.now.wall_s + 101, 10 * HOUR);
    for (size_t i = 0; i < ARRAY_SIZE(news); i++) {
        ahead.digest += (uint64_t)news[i];
        answer(&world, &ahead);
    }
    expect(&world, "keep-pending fetch-1-post fetch-2 fetch-2-post keep-pending settled ");
    expect_notes(&world, "");
    assert_int_equal(look(&world, 0).failures, 0);
    /* The same at the next try, when it pends already. */
    wait_for_ask(&world, 0, 100);
    forget_traces(&world);
    answer(&world, &ahead);
    expect(&world, "fetch-1-post ");
    ahead.digest++;
    answer(&world, &ahead);
    expect(&world, "keep-pending fetch-2 ");
    ahead.this_update_s++; /* one that begins later still */
    answer(&world, &ahead);
    expect(&world, "fetch-2-post ");
    good = test_answer(world.now.wall_s - 400, 10 * HOUR);
    answer(&world, &good);
    expect(&world, "keep settled publish ");
    world_close(&world);
}

static void test_answer_that_begins_in_time_or_alone_is_the_last_word(void **state)
{
    static const struct {
        int64_t left_s; /* 0: nothing is held */
        int64_t ahead_s;
    } cases[] = {{100, 100}, {100, 1}, {100, 0}, {100, -10}, {0, 1}, {0, 250}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts ahead;

        if (cases[i].left_s) {
            start_ending(&world, cases[i].left_s);
        } else {
            start(&world);
            forget_traces(&world);
        }
        ahead = test_answer(world.now.wall_s + cases[i].ahead_s, 10 * HOUR);
        answer(&world, &ahead);
        expect(&world, "keep-pending settled ");
        find_twin(&world, 1, 0); /* it asks, and is told the same */
        forget_traces(&world);
        answer(&world, &ahead);
        assert_null(strstr(buf_text(&world.trace), "fetch"));
        assert_true(look(&world, 0).pending.present);
        world_close(&world);
    }
}

static void test_pending_answer_that_comes_too_late_for_the_held_one_is_not_waited_for(void **state)
{
    struct world world;
    struct ocsp_facts good, ahead, later;

    (void)state;
    start_ending(&world, 100);
    ahead = test_answer(world.now.wall_s + 250, 10 * HOUR); /* a node whose clock is ahead */
    answer_all_ways(&world, &ahead);
    assert_true(look(&world, 0).pending.present);
    assert_true(look(&world, 0).next_try_s < look(&world, 0).held.serve.until_s);
    wait_for_ask(&world, 0, 100);
    later = test_answer(world.now.wall_s + 290, 10 * HOUR); /* the same node again */
    assert_true(later.this_update_s > ahead.this_update_s);
    answer_all_ways(&world, &later);
    assert_int_equal(look(&world, 0).pending.this_update_s, ahead.this_update_s);
    assert_true(look(&world, 0).next_try_s < look(&world, 0).held.serve.until_s);
    /* An older one that begins in time takes its place. */
    wait_for_ask(&world, 0, 100);
    good = test_answer(world.now.wall_s - 10, 10 * HOUR);
    forget_traces(&world);
    answer(&world, &good);
    expect(&world, "keep-pending settled ");
    assert_int_equal(look(&world, 0).pending.this_update_s, good.this_update_s);
    pass_time(&world, 100);
    expect(&world, "promote publish ");
    world_close(&world);
}

static void test_older_answer_does_not_push_out_the_pending_one(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), newer, between;

    (void)state;
    start(&world);
    answer(&world, &good);
    wait_for_ask(&world, 0, DAY);
    newer = test_answer(world.now.wall_s, 10 * HOUR);
    answer(&world, &newer);
    assert_true(look(&world, 0).pending.present);
    forget_traces(&world);
    find_twin(&world, 1, 0); /* an edge of the CDN gives it an older one */
    between = test_answer(world.now.wall_s - HOUR, 10 * HOUR);
    answer(&world, &between);
    expect(&world, "fetch-1 keep settled publish! keep settled publish ");
    assert_int_equal(look(&world, 0).held.this_update_s, between.this_update_s);
    assert_int_equal(look(&world, 0).pending.this_update_s, newer.this_update_s);
    pass_time(&world, 300);
    expect(&world, "promote publish ");
    assert_int_equal(look(&world, 0).held.this_update_s, newer.this_update_s);
    world_close(&world);
}

/* Must-staple, holding an answer that ends at TEST_NOW + 1 h. */
static void start_must_staple(struct world *world, const struct policy *policy)
{
    struct ocsp_facts good = test_answer(TEST_NOW - 9 * HOUR, 10 * HOUR);

    world_open_with(world, policy);
    make_cert(world, 0)->must_staple = true;
    find_made(world, 0);
    read_nothing(world, 0);
    answer(world, &good);
    forget_traces(world);
}

/* Nothing but failures until @end_s. */
static void fail_until(struct world *world, int64_t end_s)
{
    while (world->now.wall_s < end_s) {
        pass_deadline(world, time_min(600, end_s - world->now.wall_s));
        while (world->outside[0].attempt) {
            fetch_fails(world, FETCH_TIMEOUT);
        }
    }
}

static void test_must_staple_leaf_keeps_its_last_one_a_day_longer(void **state)
{
    const struct policy policy = policy_default();
    struct world world;
    struct ocsp_facts newer;
    const char *grace;

    (void)state;
    start_must_staple(&world, &policy);
    fail_until(&world, TEST_NOW + HOUR - 301);
    assert_null(strstr(buf_text(&world.notes), "grace"));
    fail_until(&world, TEST_NOW + HOUR + DAY - 1);
    assert_true(world.outside[0].published);
    assert_int_equal(look(&world, 0).state, CERT_STATE_FAILING);
    assert_int_equal(look(&world, 0).shown_until_s, TEST_NOW + HOUR + DAY);
    grace = strstr(buf_text(&world.notes), "grace!! ");
    assert_non_null(grace);
    assert_null(strstr(grace + 1, "grace")); /* told once */
    assert_null(strstr(buf_text(&world.trace), "withdraw"));
    pass_time(&world, 1);
    assert_non_null(strstr(buf_text(&world.trace), "withdraw "));
    assert_non_null(strstr(buf_text(&world.notes), "ended!! "));
    /* The next one is shown at once, and may come into its grace as well. */
    newer = test_answer(world.now.wall_s - HOUR, 10 * HOUR);
    wait_for_ask(&world, 0, HOUR);
    forget_traces(&world);
    answer(&world, &newer);
    expect(&world, "keep settled publish! ");
    fail_until(&world, newer.next_update_s);
    assert_non_null(strstr(buf_text(&world.notes), "grace!! "));
    world_close(&world);
}

static void test_new_answer_in_the_grace_goes_out_at_once(void **state)
{
    const struct policy policy = policy_default();
    struct world world;
    struct ocsp_facts newer;

    (void)state;
    start_must_staple(&world, &policy);
    fail_until(&world, TEST_NOW + 2 * HOUR);
    wait_for_ask(&world, 0, HOUR);
    forget_traces(&world);
    newer = test_answer(world.now.wall_s - HOUR, 10 * HOUR);
    answer(&world, &newer);
    expect(&world, "keep settled publish! ");
    world_close(&world);
}

static void test_grace_names_until_when_and_whom_it_breaks(void **state)
{
    const struct policy policy = policy_default();
    struct world world;

    (void)state;
    start_must_staple(&world, &policy);
    pass_time(&world, HOUR - 300);
    assert_int_equal(world.last.kind, NOTE_GRACE);
    assert_int_equal(world.last.until_s, TEST_NOW + HOUR + DAY);
    assert_int_equal(world.last.served_until_s, TEST_NOW + HOUR + DAY);
    assert_true(world.last.clients & CLIENT_BIT(CLIENT_GNUTLS));
    assert_false(world.last.clients & CLIENT_BIT(CLIENT_FIREFOX));
    assert_false(world.last.clients & CLIENT_BIT(CLIENT_CHROMIUM)); /* passes over it */
    world_close(&world);
}

static void test_restart_within_the_grace_keeps_it_and_asks_at_once(void **state)
{
    static const struct {
        int64_t past_s; /* since nextUpdate */
        const char *trace;
        const char *notes;
    } cases[] = {
        {-400, "publish! settled ", "restored "},
        {-200, "publish! fetch-1 ", "grace!! "},
        {0, "publish! fetch-1 ", "grace!! "},
        {DAY - 1, "publish! fetch-1 ", "grace!! "},
        {DAY, "fetch-1 ", "unfit "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - 10 * HOUR - cases[i].past_s, 10 * HOUR);

        world_open(&world);
        make_cert(&world, 0)->must_staple = true;
        find_made(&world, 0);
        read_store(&world, 0, (struct event_stored){&good, NULL, {0}, TEST_NOW + HOUR});
        expect(&world, cases[i].trace);
        expect_notes(&world, cases[i].notes);
        world_close(&world);
    }
}

static void test_there_is_no_grace_where_it_helps_nobody(void **state)
{
    struct policy policies[3] = {policy_default(), policy_default(), policy_default()};

    (void)state;
    policies[0].must_staple_grace = false;
    policies[1].audience = AUDIENCE_ALL & ~CLIENT_BIT(CLIENT_FIREFOX);
    policies[2].audience = AUDIENCE_RFC6960;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct world world;

        start_must_staple(&world, &policies[i]);
        fail_until(&world, TEST_NOW + HOUR - 301);
        assert_true(world.outside[0].published);
        pass_time(&world, 1);
        assert_false(world.outside[0].published);
        assert_null(strstr(buf_text(&world.notes), "grace"));
        world_close(&world);
    }
}

static void test_expired_certificate_is_withdrawn_and_left_alone(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 9 * DAY);

    (void)state;
    world_open(&world);
    make_cert(&world, 0)->not_after_s = TEST_NOW + DAY;
    find_made(&world, 0);
    read_nothing(&world, 0);
    answer(&world, &good);
    while (world.now.wall_s < TEST_NOW + 30 * DAY) {
        pass_deadline(&world, HOUR);
        while (world.outside[0].attempt) {
            assert_true(world.now.wall_s < TEST_NOW + DAY);
            answer(&world, &good);
        }
    }
    assert_int_equal(look(&world, 0).state, CERT_STATE_CERT_EXPIRED);
    assert_false(world.outside[0].published);
    assert_int_equal(engine_deadline_ms(world.engine), INSTANT_NEVER);
    world_close(&world);
}

/* Responders of all sorts are honest for @days: how often is one asked, is it ever bare? */
static uint64_t requests_in(int64_t life_s, int64_t step_s, int64_t days)
{
    struct world world;
    int64_t end_s = TEST_NOW + days * DAY;

    start(&world);
    make_cert(&world, 0)->not_after_s = INT64_MAX;
    while (world.now.wall_s < end_s) {
        /* Signed every @step_s, on demand with 0. */
        int64_t signed_s = world.now.wall_s - (step_s ? (world.now.wall_s - TEST_NOW) % step_s : 0);
        struct ocsp_facts good = test_answer(signed_s, life_s);

        assert_true(world.outside[0].attempt);
        answer(&world, &good);
        assert_true(world.outside[0].published);
        while (!world.outside[0].attempt && world.now.wall_s < end_s) {
            pass_deadline(&world, HOUR);
            assert_true(world.outside[0].published);
        }
    }
    assert_null(strstr(buf_text(&world.trace), "withdraw"));
    days = (int64_t)world.requests;
    world_close(&world);
    return (uint64_t)days;
}

static void test_honest_responder_is_asked_seldom_and_nothing_is_ever_bare(void **state)
{
    static const struct {
        int64_t life_s, step_s, days;
        uint64_t most; /* requests in a lifetime, in hundredths */
    } cases[] = {
        {300, 0, 1, 205},
        {12 * HOUR, 0, 60, 205},
        {16 * HOUR, 0, 60, 240},
        {24 * HOUR, 0, 60, 240},
        {7 * DAY, 0, 300, 215},
        {10 * DAY, 0, 300, 215},
        {90 * DAY, 0, 300, 1700}, /* Firefox counts ten days */
        /* The Baseline Requirements' way: the same until 8 h before its end. */
        {16 * HOUR, 8 * HOUR, 60, 500},
        {24 * HOUR, 16 * HOUR, 60, 500},
        {7 * DAY, 160 * HOUR, 300, 1500},
        {10 * DAY, 232 * HOUR, 300, 1500},
        /* Signed for all at once. */
        {7 * DAY, DAY, 300, 250},
        {12 * HOUR, HOUR, 60, 250},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t count = requests_in(cases[i].life_s, cases[i].step_s, cases[i].days);
        uint64_t lives = (uint64_t)(cases[i].days * DAY / cases[i].life_s) + 1;

        assert_true(count * 100 <= lives * cases[i].most);
        assert_true(count >= lives);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_age_puts_the_refresh_off_within_its_bounds),
        cmocka_unit_test(test_max_age_does_not_reach_beyond_chromiums_week),
        cmocka_unit_test(test_max_age_of_an_unchanged_answer_counts_to_half_of_what_is_left),
        cmocka_unit_test(test_without_next_update_it_is_asked_for_every_quarter_of_an_hour),
        cmocka_unit_test(test_planned_time_survives_a_restart_where_it_makes_sense),
        cmocka_unit_test(test_pending_answer_survives_a_restart),
        cmocka_unit_test(test_same_times_signed_anew_replace_without_being_news),
        cmocka_unit_test(
            test_same_answer_when_there_should_be_a_newer_one_is_asked_for_in_all_ways),
        cmocka_unit_test(test_last_try_comes_before_the_margin_at_the_end),
        cmocka_unit_test(test_same_times_signed_anew_in_the_first_minutes_are_shown),
        cmocka_unit_test(
            test_answer_that_begins_after_the_end_of_what_is_held_is_not_the_last_word),
        cmocka_unit_test(test_answer_that_begins_in_time_or_alone_is_the_last_word),
        cmocka_unit_test(
            test_pending_answer_that_comes_too_late_for_the_held_one_is_not_waited_for),
        cmocka_unit_test(test_older_answer_does_not_push_out_the_pending_one),
        cmocka_unit_test(test_must_staple_leaf_keeps_its_last_one_a_day_longer),
        cmocka_unit_test(test_new_answer_in_the_grace_goes_out_at_once),
        cmocka_unit_test(test_grace_names_until_when_and_whom_it_breaks),
        cmocka_unit_test(test_restart_within_the_grace_keeps_it_and_asks_at_once),
        cmocka_unit_test(test_there_is_no_grace_where_it_helps_nobody),
        cmocka_unit_test(test_expired_certificate_is_withdrawn_and_left_alone),
        cmocka_unit_test(test_honest_responder_is_asked_seldom_and_nothing_is_ever_bare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
