/* SPDX-License-Identifier: Apache-2.0 */

/* A wall clock that is set, rightly or wrongly, and what the engine makes of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

#define NO_DATE INT64_MIN

/* An answer of [TEST_NOW + @from_s, + @life_s), sent at the true time TEST_NOW + @date_s. */
static void answer_dated(struct world *world, int64_t from_s, int64_t life_s, int64_t date_s)
{
    struct ocsp_facts facts = test_answer(TEST_NOW + from_s, life_s);

    facts.digest = (uint64_t)(from_s + HOUR);
    reply(world, world->asked,
          (struct event_fetched){
              .http_status = 200,
              .facts = &facts,
              .hints = {.fresh_s = -1,
                        .date_s = date_s == NO_DATE ? INSTANT_NEVER : TEST_NOW + date_s},
          });
}

/* One that holds an answer of [TEST_NOW + @from_s, + @life_s). */
static void start_held(struct world *world, int64_t from_s, int64_t life_s)
{
    struct ocsp_facts good = test_answer(TEST_NOW + from_s, life_s);

    start(world);
    answer(world, &good);
    assert_int_equal(look(world, 0).state, CERT_STATE_HELD);
    forget_traces(world);
}

static void test_answers_decide_whether_a_jump_is_believed(void **state)
{
    static const struct {
        int64_t held_s; /* since when */
        int64_t off_s;
        int64_t from_s, life_s, date_s; /* of the answer that the witness gets */
        bool believed;
        const char *notes;
        const char *trace;
    } cases[] = {
        /* Only the time before permits it: the clock is wrong, unless Date says with it that the
         * answer has ended. */
        {-HOUR, 20 * DAY, -60, 4 * DAY, NO_DATE, false, "wrong!! held-back ",
         "keep-pending settled "},
        {-HOUR, 20 * DAY, -60, 4 * DAY, 0, false, "wrong!! held-back ", "keep-pending settled "},
        {-HOUR, 20 * DAY, -60, 4 * DAY, 19 * DAY, false, "wrong!! held-back ",
         "keep-pending settled "},
        {-HOUR, 20 * DAY, -60, 4 * DAY, 20 * DAY, false, "held-back ", "keep-pending settled "},
        {-HOUR, -DAY, -HOUR + 9, 4 * DAY, NO_DATE, false, "wrong!! accepted ",
         "keep settled publish "},
        {-HOUR, -DAY, -HOUR + 9, 4 * DAY, -DAY, false, "wrong!! accepted ",
         "keep settled publish "},
        /* Only the machine's clock permits it. */
        {-HOUR, 20 * DAY, 20 * DAY - HOUR, 4 * DAY, NO_DATE, true, "believed! ended!! accepted ",
         "withdraw keep settled publish! "},
        {-HOUR, 20 * DAY, 20 * DAY - HOUR, 4 * DAY, 0, true, "believed! ended!! accepted ",
         "withdraw keep settled publish! "},
        {-3 * DAY, -DAY, -DAY - HOUR, DAY / 2, NO_DATE, true, "believed! accepted ",
         "keep settled publish "},
        {-HOUR, 2 * DAY, 2 * DAY - HOUR, 4 * DAY, NO_DATE, true, "believed! accepted ",
         "keep settled publish "},
        /* One of before the clock was set back, told again: Date says otherwise. */
        {-3 * DAY, -DAY, -DAY - HOUR, DAY / 2, 0, false, "", "fetch-1-post "},
        {-3 * DAY, -DAY, -DAY - HOUR, DAY / 2, -DAY, true, "believed! accepted ",
         "keep settled publish "},
        /* Both do. Then Date may agree with the machine's clock, or not. */
        {-HOUR, 2 * DAY, -HOUR, 4 * DAY, NO_DATE, false, "", "settled "},
        {-HOUR, 2 * DAY, -HOUR, 4 * DAY, 2 * DAY + 200, true, "believed! ", "settled "},
        {-HOUR, 2 * DAY, -HOUR, 4 * DAY, 0, false, "wrong!! ", "settled "},
        {-HOUR, 2 * DAY, -HOUR, 4 * DAY, 9 * DAY, false, "wrong!! ", "settled "},
        {-HOUR, -HOUR / 2, -HOUR, 4 * DAY, NO_DATE, false, "", "settled "},
        {-HOUR, -HOUR / 2, -HOUR, 4 * DAY, -HOUR / 2, true, "believed! ", "settled "},
        /* Neither does. */
        {-HOUR, 2 * DAY, -9 * DAY, DAY, 2 * DAY, false, "", "fetch-1-post "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;

        start_held(&world, cases[i].held_s, 4 * DAY);
        set_clock(&world, cases[i].off_s);
        expect(&world, "fetch-1-fresh "); /* a witness */
        expect_notes(&world, "jumped! ");
        assert_int_equal(look_clock(&world).off_s, cases[i].off_s);
        assert_int_equal(look_clock(&world).wall_s, TEST_NOW);
        answer_dated(&world, cases[i].from_s, cases[i].life_s, cases[i].date_s);
        assert_int_equal(look_clock(&world).off_s, cases[i].believed ? 0 : cases[i].off_s);
        assert_int_equal(look_clock(&world).wrong, strstr(cases[i].notes, "wrong") != NULL);
        expect_notes(&world, cases[i].notes);
        expect(&world, cases[i].trace);
        world_close(&world);
    }
}

/* Number 1, as a witness, has said that the clock, which was set by @off_s, is wrong; number 0 is
 * asked next. */
static void start_contradicted(struct world *world, int64_t off_s)
{
    world_open(world);
    for (uint32_t i = 0; i < 2; i++) {
        struct ocsp_facts held = test_answer(TEST_NOW - 4 * DAY, 4 * DAY + (12 - 6 * i) * HOUR);

        find_cert(world, i);
        read_store(world, i,
                   (struct event_stored){.held = &held, .next_try_s = TEST_NOW + 2 * HOUR});
    }
    set_clock(world, off_s);
    assert_int_equal(world->asked, 1);
    answer_dated(world, -60, DAY, NO_DATE);
    assert_true(look_clock(world).wrong);
    assert_int_equal(look_clock(world).off_s, off_s);
    wait_for_ask(world, 0, HOUR);
    forget_traces(world);
}

static void test_after_evidence_against_it_the_clock_is_believed_only_with_a_date(void **state)
{
    enum { MACHINE, BOTH, KINDS }; /* which of the two times permit the answer */
    static const struct {
        int64_t off_s;
        struct {
            int64_t from_s, life_s;
        } answers[KINDS];
        bool believed[KINDS]; /* with a Date that agrees */
    } cases[] = {
        {2 * DAY, {{2 * DAY - HOUR, 4 * DAY}, {-HOUR / 2, 4 * DAY}}, {true, true}},
        {-DAY, {{-DAY - HOUR, DAY / 2}, {-2 * DAY, 4 * DAY}}, {true, false}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases) * KINDS * 3; i++) {
        size_t place = i / 3 / KINDS, kind = i / 3 % KINDS;
        int64_t off_s = cases[place].off_s;
        const int64_t dates[] = {NO_DATE, off_s - HOUR, off_s};
        bool believed = i % 3 == 2 && cases[place].believed[kind];
        struct world world;

        start_contradicted(&world, off_s);
        answer_dated(&world, cases[place].answers[kind].from_s, cases[place].answers[kind].life_s,
                     dates[i % 3] == NO_DATE ? NO_DATE : dates[i % 3] + 900);
        assert_int_equal(look_clock(&world).off_s, believed ? 0 : off_s);
        assert_int_equal(look_clock(&world).wrong, !believed);
        assert_int_equal(strstr(buf_text(&world.notes), "believed! ") != NULL, believed);
        assert_null(strstr(buf_text(&world.notes), "wrong")); /* told before */
        world_close(&world);
    }
}

static void
test_old_answer_that_its_date_calls_old_keeps_no_clock_from_being_put_right(void **state)
{
    const int64_t dates[] = {NO_DATE, HOUR, 5 * HOUR};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
        bool old = dates[i] == 5 * HOUR;
        struct world world;

        start_held(&world, -9 * HOUR, 12 * HOUR);
        set_clock(&world, 5 * HOUR); /* by which that has ended */
        answer_dated(&world, -10 * HOUR, 12 * HOUR, dates[i]);
        assert_int_equal(look_clock(&world).wrong, !old);
        while (world.now.mono_ms < 5000000 + 3610000) {
            if (world.outside[0].attempt) {
                fetch_fails(&world, FETCH_NO_NAME);
            }
            pass_deadline(&world, 10);
        }
        assert_int_equal(look_clock(&world).off_s, old ? 0 : 5 * HOUR);
        assert_int_equal(strstr(buf_text(&world.notes), "believed! ended!!") != NULL, old);
        world_close(&world);
    }
}

/* The answer itself, which is signed, tells the truth about a clock that is behind. */
static void test_clock_behind_an_answer_is_not_told_as_far_off_as_its_date(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 4 * DAY);
    set_clock(&world, -DAY);
    answer_dated(&world, -HOUR + 9, 4 * DAY, -DAY);
    assert_true(look_clock(&world).wrong);
    assert_int_equal(look_clock(&world).date_off_s, -DAY);
    world_close(&world);
}

static void test_date_that_agrees_is_not_told_as_one_that_contradicts(void **state)
{
    struct world world;

    (void)state;
    start_contradicted(&world, -DAY);
    assert_int_equal(look_clock(&world).date_off_s, -DAY);
    answer_dated(&world, -2 * DAY, 4 * DAY, -DAY + 900); /* both permit it */
    assert_true(look_clock(&world).wrong);
    assert_int_equal(look_clock(&world).date_off_s, -DAY);
    world_close(&world);
}

static void test_evidence_against_one_time_says_nothing_of_the_next(void **state)
{
    static const int64_t offs[][2] = {{2 * DAY, 4 * DAY}, {-DAY, -3 * DAY}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
        struct world world;

        start_contradicted(&world, offs[i][0]);
        set_clock(&world, offs[i][1] - offs[i][0]);
        expect_notes(&world, "jumped! ");
        assert_int_equal(look_clock(&world).off_s, offs[i][1]);
        answer_dated(&world, offs[i][1] - HOUR, DAY, NO_DATE);
        assert_int_equal(look_clock(&world).off_s, 0);
        assert_false(look_clock(&world).wrong);
        world_close(&world);
    }
}

static void test_jump_in_an_outage_withdraws_nothing_for_an_hour_then_forward_counts(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 4 * DAY);
    set_clock(&world, 20 * DAY);
    failure_of(&world, 0, FETCH_NO_NAME);
    failure_of(&world, 0, FETCH_NO_NAME);
    forget_traces(&world);
    while (world.now.mono_ms < 5000000 + 3590000) {
        pass_deadline(&world, 10);
        if (world.outside[0].attempt) {
            fetch_fails(&world, FETCH_NO_NAME);
        }
        assert_null(strstr(buf_text(&world.trace), "withdraw"));
    }
    forget_traces(&world);
    pass_time(&world, 20);
    assert_non_null(strstr(buf_text(&world.trace), "withdraw"));
    assert_non_null(strstr(buf_text(&world.notes), "believed! "));
    assert_non_null(strstr(buf_text(&world.notes), "ended!! "));
    world_close(&world);
}

static void test_clock_set_back_never_brings_a_dead_staple_to_life(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 10 * HOUR);
    set_clock(&world, -DAY);
    forget_traces(&world);
    /* An outage to the end of the staple, and a day more. */
    while (world.now.mono_ms < 5000000 + 2 * DAY * 1000) {
        pass_deadline(&world, 60);
        while (world.outside[0].attempt) {
            fetch_fails(&world, FETCH_TIMEOUT);
        }
        assert_int_equal(look(&world, 0).state == CERT_STATE_MISSING,
                         world.now.mono_ms >= 5000000 + (9 * HOUR - 300) * 1000);
    }
    assert_null(strstr(buf_text(&world.trace), "publish"));
    assert_non_null(strstr(buf_text(&world.notes), "ended!! "));
    /* An answer says that the clock was wrong, and later it is set right. */
    wait_for_ask(&world, 0, HOUR);
    answer_dated(&world, 2 * DAY - HOUR, 4 * DAY, NO_DATE);
    assert_true(look_clock(&world).wrong);
    assert_true(world.outside[0].published);
    forget_traces(&world);
    set_clock(&world, DAY);
    expect(&world, "");
    expect_notes(&world, "right! ");
    assert_int_equal(look_clock(&world).off_s, 0);
    world_close(&world);
}

static void test_dead_staple_stays_dead_when_the_clock_is_set_back_afterwards(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 10 * HOUR);
    while (world.now.mono_ms < 5000000 + DAY * 1000) {
        pass_deadline(&world, 600);
        while (world.outside[0].attempt) {
            fetch_fails(&world, FETCH_TIMEOUT);
        }
    }
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    forget_traces(&world);
    set_clock(&world, -DAY);
    expect_notes(&world, "jumped! ");
    assert_null(strstr(buf_text(&world.trace), "publish"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_MISSING);
    /* The time before was the wrong one: an answer of today shows it. */
    wait_for_ask(&world, 0, HOUR);
    forget_traces(&world);
    answer_dated(&world, -HOUR + 60, HOUR * 10, NO_DATE);
    expect_notes(&world, "up! believed! accepted ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    assert_int_equal(look_clock(&world).off_s, 0);
    world_close(&world);
}

static void test_stored_answer_becomes_good_when_the_clock_is_put_right(void **state)
{
    static const int64_t offs[] = {2 * DAY, -2 * DAY, 30 * 365 * INT64_C(86400)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 12 * HOUR);
        struct event_stored stored = {.held = &good, .next_try_s = INSTANT_NEVER};

        world_open(&world);
        make_cert(&world, 0)->not_before_s = 0;
        world.certs[0].not_after_s = INT64_MAX;
        world.now.wall_s += offs[i];
        find_made(&world, 0);
        read_store(&world, 0, stored);
        expect(&world, "fetch-1 ");
        expect_notes(&world, offs[i] > 0 ? "unfit " : "unfit! ");
        /* Nothing was shown yet: it is believed at once, and what the store has is read again. */
        set_clock(&world, -offs[i]);
        expect(&world, "read ");
        expect_notes(&world, "believed! ");
        read_store(&world, 0, stored);
        expect(&world, "publish! cancel settled ");
        expect_notes(&world, "restored ");
        /* Once is enough. */
        set_clock(&world, 200);
        expect(&world, "");
        world_close(&world);
    }
}

static void test_stored_answer_out_of_time_is_remembered_whatever_lay_beside_it(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 12 * HOUR), bad = good;
    struct event_stored stored = {.held = &good, .pending = &bad, .next_try_s = INSTANT_NEVER};

    (void)state;
    bad.signature = REASON_BAD_SIGNATURE;
    world_open(&world);
    world.now.wall_s += 2 * DAY;
    find_cert(&world, 0);
    read_store(&world, 0, stored);
    expect_notes(&world, "unfit unfit! ");
    forget_traces(&world);
    set_clock(&world, -2 * DAY);
    expect(&world, "read ");
    read_store(&world, 0, stored);
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_store_read_again_does_not_undo_a_revocation(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 12 * HOUR), revoked;

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    world.now.wall_s += DAY;
    read_store(&world, 0, (struct event_stored){.held = &good, .next_try_s = INSTANT_NEVER});
    revoked = test_answer(TEST_NOW - HOUR + 1, 7 * DAY);
    revoked.status = CERT_STATUS_REVOKED;
    answer(&world, &revoked);
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
    forget_traces(&world);
    /* The store could not be written: it knows nothing of it. */
    set_clock(&world, -DAY);
    if (strstr(buf_text(&world.trace), "read")) {
        read_store(&world, 0, (struct event_stored){.held = &good, .next_try_s = INSTANT_NEVER});
    }
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
    assert_false(world.outside[0].published);
    world_close(&world);
}

static void test_small_steps_neither_ask_nor_lose_anything(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 4 * DAY);
    for (int i = 0; i < 50; i++) {
        set_clock(&world, i % 2 ? 290 : -290);
        pass_time(&world, 10);
    }
    expect(&world, "");
    expect_notes(&world, "");
    world_close(&world);
}

static void test_answer_a_moment_in_the_future_comes_back_at_its_time(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - 1, 4 * DAY);

    (void)state;
    start(&world);
    answer(&world, &good);
    forget_traces(&world);
    set_clock(&world, -100);
    expect(&world, "withdraw ");
    pass_time(&world, 98);
    expect(&world, "");
    assert_int_equal(engine_deadline_ms(world.engine), world.now.mono_ms + 1000);
    pass_time(&world, 1);
    expect(&world, "publish! ");
    world_close(&world);
}

static void test_stored_answer_a_moment_in_the_future_is_shown_at_its_time(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW + 100, 4 * DAY);

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    read_store(&world, 0, (struct event_stored){.held = &good, .next_try_s = INSTANT_NEVER});
    answer(&world, &good); /* the responder has the same */
    assert_false(world.outside[0].published);
    pass_time(&world, 100);
    assert_true(world.outside[0].published);
    world_close(&world);
}

static void test_one_witness_is_asked_the_one_with_the_most_to_lose(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world.numbered = true;
    for (uint32_t i = 0; i < 20; i++) {
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 7 * DAY - (i * 7 % 20) * HOUR);

        find_cert(&world, i);
        read_store(&world, i, (struct event_stored){&good, NULL, {0}, INSTANT_NEVER});
    }
    forget_traces(&world);
    set_clock(&world, DAY);
    expect(&world, "fetch-1-fresh#17 "); /* 17 * 7 % 20 is 19 */
    world_close(&world);
}

/* By a clock that is two days ahead nothing new is good, and the waits become long. */
static void fail_for_an_hour(struct world *world, uint32_t cert)
{
    int64_t end_ms = world->now.mono_ms + HOUR * 1000;

    while (world->now.mono_ms < end_ms || look(world, cert).next_try_s < world->now.wall_s + 300) {
        pass_deadline(world, 600);
        while (world->outside[cert].attempt) {
            world->asked = cert;
            answer_dated(world, -HOUR, 12 * HOUR, NO_DATE);
        }
    }
}

static void test_who_holds_nothing_asks_at_once_when_the_clock_is_put_right(void **state)
{
    struct world world;

    (void)state;
    /* Nothing was shown so far: it is believed as it is. */
    world_open(&world);
    world.now.wall_s += 2 * DAY;
    find_simple_many(&world, 1);
    fail_for_an_hour(&world, 0);
    set_clock(&world, -2 * DAY);
    assert_in_range(look(&world, 0).next_try_s, world.now.wall_s, world.now.wall_s + 3);
    world_close(&world);
    /* Something is shown that is good both ways: its answer decides, for the other as well. */
    world_open(&world);
    world.now.wall_s += 2 * DAY;
    find_simple_many(&world, 2);
    world.asked = 0;
    answer_dated(&world, -HOUR, 7 * DAY, NO_DATE);
    fail_for_an_hour(&world, 1);
    set_clock(&world, -2 * DAY);
    world.asked = 0;
    assert_true(world.outside[0].attempt);
    answer_dated(&world, -HOUR, 7 * DAY, world.now.wall_s - TEST_NOW);
    assert_int_equal(look_clock(&world).off_s, 0);
    assert_in_range(look(&world, 1).next_try_s, world.now.wall_s, world.now.wall_s + 3);
    world_close(&world);
}

static void test_with_nothing_to_show_anybody_is_a_witness(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 7 * DAY);

    (void)state;
    world_open(&world);
    find_simple_many(&world, 2);
    answer_to(&world, 0, &good);
    fetch_fails(&world, FETCH_NO_NAME);
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 0});
    while (look(&world, 1).next_try_s < world.now.wall_s + 100) {
        pass_deadline(&world, 600);
        while (world.outside[1].attempt) {
            fetch_fails(&world, FETCH_FORBIDDEN_ADDRESS);
        }
    }
    set_clock(&world, -DAY);
    assert_true(world.outside[1].attempt);
    world_close(&world);
}

static void test_second_jump_asks_again_and_begins_a_doubt_of_its_own(void **state)
{
    struct world world;

    (void)state;
    start_held(&world, -HOUR, 4 * DAY);
    set_clock(&world, -DAY);
    failure_of(&world, 0, FETCH_TIMEOUT);
    failure_of(&world, 0, FETCH_TIMEOUT);
    for (int i = 0; i < 200; i++) {
        pass_deadline(&world, 60);
        while (world.outside[0].attempt) {
            fetch_fails(&world, FETCH_TIMEOUT);
        }
    }
    assert_true(world.now.mono_ms > 5000000 + 3600000);
    forget_traces(&world);
    set_clock(&world, 20 * DAY);
    expect_notes(&world, "jumped! ");
    assert_true(world.outside[0].published);
    world_close(&world);
}

static void test_contradiction_without_a_jump_is_told_once_and_taken_back(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world.now.wall_s += 2 * DAY; /* from the start */
    find_cert(&world, 0);
    read_nothing(&world, 0);
    forget_traces(&world);
    for (int i = 0; i < 5; i++) {
        wait_for_ask(&world, 0, HOUR);
        answer_dated(&world, -HOUR, 12 * HOUR, 0);
        assert_true(look_clock(&world).wrong);
        assert_int_equal(look_clock(&world).off_s, 0); /* it is gone by, for all that */
        assert_in_range(look_clock(&world).date_off_s, 2 * DAY, 2 * DAY + 60);
    }
    assert_ptr_equal(strstr(buf_text(&world.notes), "wrong!!"), buf_text(&world.notes));
    assert_null(strstr(buf_text(&world.notes) + 1, "wrong!!"));
    assert_false(world.outside[0].published);
    set_clock(&world, -2 * DAY);
    wait_for_ask(&world, 0, HOUR);
    forget_traces(&world);
    answer_dated(&world, -HOUR, 12 * HOUR, 0);
    expect_notes(&world, "right! accepted ");
    assert_false(look_clock(&world).wrong);
    world_close(&world);
}

static void test_age_of_a_cached_answer_is_part_of_its_date(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - 8 * HOUR, 12 * HOUR);

    (void)state;
    start_held(&world, -HOUR, 4 * DAY);
    set_clock(&world, 2 * HOUR);
    reply(&world, 0,
          (struct event_fetched){
              .facts = &good,
              .hints = {.fresh_s = -1, .date_s = TEST_NOW - 3 * HOUR, .age_s = 5 * HOUR}});
    expect_notes(&world, "jumped! believed! ");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_decide_whether_a_jump_is_believed),
        cmocka_unit_test(test_after_evidence_against_it_the_clock_is_believed_only_with_a_date),
        cmocka_unit_test(
            test_old_answer_that_its_date_calls_old_keeps_no_clock_from_being_put_right),
        cmocka_unit_test(test_clock_behind_an_answer_is_not_told_as_far_off_as_its_date),
        cmocka_unit_test(test_date_that_agrees_is_not_told_as_one_that_contradicts),
        cmocka_unit_test(test_evidence_against_one_time_says_nothing_of_the_next),
        cmocka_unit_test(test_jump_in_an_outage_withdraws_nothing_for_an_hour_then_forward_counts),
        cmocka_unit_test(test_clock_set_back_never_brings_a_dead_staple_to_life),
        cmocka_unit_test(test_dead_staple_stays_dead_when_the_clock_is_set_back_afterwards),
        cmocka_unit_test(test_stored_answer_becomes_good_when_the_clock_is_put_right),
        cmocka_unit_test(test_stored_answer_out_of_time_is_remembered_whatever_lay_beside_it),
        cmocka_unit_test(test_store_read_again_does_not_undo_a_revocation),
        cmocka_unit_test(test_small_steps_neither_ask_nor_lose_anything),
        cmocka_unit_test(test_answer_a_moment_in_the_future_comes_back_at_its_time),
        cmocka_unit_test(test_stored_answer_a_moment_in_the_future_is_shown_at_its_time),
        cmocka_unit_test(test_one_witness_is_asked_the_one_with_the_most_to_lose),
        cmocka_unit_test(test_who_holds_nothing_asks_at_once_when_the_clock_is_put_right),
        cmocka_unit_test(test_with_nothing_to_show_anybody_is_a_witness),
        cmocka_unit_test(test_second_jump_asks_again_and_begins_a_doubt_of_its_own),
        cmocka_unit_test(test_contradiction_without_a_jump_is_told_once_and_taken_back),
        cmocka_unit_test(test_age_of_a_cached_answer_is_part_of_its_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
