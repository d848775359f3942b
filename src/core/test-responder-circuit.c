/* SPDX-License-Identifier: Apache-2.0 */

/* Responders that are down, and those that ask to be left alone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-responder.h"

/* Bare ones from @first on stand in line, and @count requests fail one after another. */
static void take_down(struct play *play, uint32_t first)
{
    for (unsigned i = 0; i < play->policy.responder_failures; i++) {
        stand_in_line(play, play->one, first + i, RESPONDER_BARE);
        assert_int_equal(next(play), first + i);
        assert_int_equal(report(play, first + i, RESPONDER_ILL),
                         i + 1 < play->policy.responder_failures ? RESPONDER_SAME
                                                                 : RESPONDER_WENT_DOWN);
    }
    assert_true(one(play)->down);
}

/* The time passes until somebody may go, and that one goes. */
static uint32_t wait_for_next(struct play *play)
{
    int64_t due_ms = responders_deadline_ms(&play->responders);
    uint32_t entry;

    assert_true(due_ms != INSTANT_NEVER);
    if (due_ms > now_ms(play)) {
        pass_ms(play, due_ms - now_ms(play) - 1);
        assert_int_equal(next(play), RESPONDER_NONE);
        pass_ms(play, 1);
    }
    entry = next(play);
    assert_int_not_equal(entry, RESPONDER_NONE);
    return entry;
}

static void test_five_failures_in_a_row_open_the_circuit_not_four(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    for (uint32_t i = 0; i < 9; i++) {
        stand_in_line(&play, play.one, i, RESPONDER_BARE);
        assert_int_equal(next(&play), i);
        /* A success in between begins the row anew; what was not asked says nothing. */
        assert_int_equal(report(&play, i, i == 4 ? RESPONDER_WELL : RESPONDER_ILL), RESPONDER_SAME);
        assert_false(one(&play)->down);
    }
    stand_in_line(&play, play.one, 9, RESPONDER_BARE);
    assert_int_equal(next(&play), 9);
    assert_int_equal(report(&play, 9, RESPONDER_NOT_ASKED), RESPONDER_SAME);
    assert_int_equal(one(&play)->failures, 4);
    stand_in_line(&play, play.one, 10, RESPONDER_BARE);
    assert_int_equal(next(&play), 10);
    assert_int_equal(report(&play, 10, RESPONDER_ILL), RESPONDER_WENT_DOWN);
    assert_int_equal(one(&play)->down_since_s, NOW);
    assert_int_equal(one(&play)->asked, 11);
    assert_int_equal(one(&play)->failed, 9);
    play_close(&play);
}

static void test_one_probe_at_a_time_tries_a_responder_that_is_down(void **state)
{
    struct play play;
    int64_t longest_ms = 0;

    (void)state;
    play_open(&play);
    take_down(&play, 0);
    for (uint32_t i = 0; i < 50; i++) {
        stand_in_line(&play, play.one, i, NOW + 30 * 24 * HOUR + i);
    }
    for (uint32_t i = 0; i < 40; i++) {
        int64_t before_ms = now_ms(&play);

        assert_int_equal(wait_for_next(&play), i);
        assert_int_equal(next(&play), RESPONDER_NONE);
        longest_ms = time_max(longest_ms, now_ms(&play) - before_ms);
        pass_ms(&play, 10);
        assert_int_equal(next(&play), RESPONDER_NONE);
        assert_int_equal(report(&play, i, RESPONDER_ILL), RESPONDER_SAME);
        assert_int_equal(next(&play), RESPONDER_NONE); /* never at once again */
        assert_true(responder_wait_ms(&play.responders, play.one) >=
                    now_ms(&play) + play.policy.backoff_floor_ms);
    }
    assert_in_range(longest_ms, play.policy.probe_cap_s * 500, play.policy.probe_cap_s * 1000);
    play_close(&play);
}

static void test_probes_are_for_bare_and_held_ones_by_turns(void **state)
{
    struct play play;
    unsigned held = 0;

    (void)state;
    play_open(&play);
    take_down(&play, 0);
    stand_in_line(&play, play.one, 20, RESPONDER_BARE);
    stand_in_line(&play, play.one, 21, NOW + 9 * HOUR);
    stand_in_line(&play, play.one, 22, NOW + 8 * HOUR);
    for (unsigned i = 0; i < 10; i++) {
        uint32_t entry = wait_for_next(&play);

        assert_true(entry == 20 || entry == 22);
        held += entry == 22;
        assert_int_equal(report(&play, entry, RESPONDER_ILL), RESPONDER_SAME);
        stand_in_line(&play, play.one, entry, entry == 22 ? NOW + 8 * HOUR : RESPONDER_BARE);
    }
    assert_int_equal(held, 5);
    /* With nobody else, the bare one takes them all. */
    responder_leave(&play.responders, play.one, 21);
    responder_leave(&play.responders, play.one, 22);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(wait_for_next(&play), 20);
        report(&play, 20, RESPONDER_ILL);
        stand_in_line(&play, play.one, 20, RESPONDER_BARE);
    }
    play_close(&play);
}

static void test_probes_come_the_sooner_the_less_is_left(void **state)
{
    static const struct {
        int64_t left_s;
        int64_t most_ms;
    } cases[] = {
        {100 * 24 * HOUR, 300000},
        {2400, 300000},
        {800, 100000},
        {80, 10000},
        {8, 1000},
        {1, 1000},
        {-1, 60000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct play play;

        play_open(&play);
        take_down(&play, 0);
        for (uint32_t probe = 0; probe < 29; probe++) { /* the next is for a bare one */
            int64_t before_ms = now_ms(&play);

            stand_in_line(&play, play.one, probe, play.responders.now.wall_s + cases[i].left_s);
            assert_int_equal(wait_for_next(&play), probe);
            assert_true(now_ms(&play) - before_ms <= cases[i].most_ms);
            report(&play, probe, RESPONDER_ILL);
        }
        /* Whoever comes later in more of a hurry does not wait for a probe planned before. */
        stand_in_line(&play, play.one, 90, NOW + 100 * 24 * HOUR);
        stand_in_line(&play, play.one, 91, RESPONDER_BARE);
        assert_true(responders_deadline_ms(&play.responders) <= now_ms(&play) + 60000);
        assert_int_equal(wait_for_next(&play), 91);
        play_close(&play);
    }
}

static void test_responder_that_is_back_gets_one_more_for_each_success(void **state)
{
    enum { LINE = 400 };
    struct play play;
    uint32_t flying[LINE], count = 0;

    (void)state;
    play_open(&play);
    play.policy.responder_rate = 0;
    take_down(&play, 1000);
    for (uint32_t i = 0; i < LINE; i++) {
        stand_in_line(&play, play.one, i, NOW + 9 * HOUR + i);
    }
    assert_int_equal(wait_for_next(&play), 0);
    assert_int_equal(report(&play, 0, RESPONDER_WELL), RESPONDER_CAME_BACK);
    assert_int_equal(one(&play)->failures, 0);
    for (unsigned allowed = 1; allowed <= 40; allowed++) {
        uint32_t entry;

        while ((entry = next(&play)) != RESPONDER_NONE) {
            flying[count++] = entry;
        }
        assert_int_equal(one(&play)->in_flight, time_min(allowed, 32));
        assert_int_equal(report(&play, flying[--count], RESPONDER_WELL), RESPONDER_SAME);
    }
    play_close(&play);
}

static void test_late_results_of_older_requests_do_not_disturb_the_probe(void **state)
{
    struct play play;

    (void)state;
    play_open_known(&play);
    for (uint32_t i = 0; i < 40; i++) {
        stand_in_line(&play, play.one, i, NOW + 9 * HOUR + i);
    }
    for (uint32_t i = 0; i < 32; i++) {
        assert_int_equal(next(&play), i);
    }
    for (uint32_t i = 0; i < 5; i++) {
        report(&play, i, RESPONDER_ILL);
    }
    assert_true(one(&play)->down);
    assert_int_equal(wait_for_next(&play), 32);
    for (uint32_t i = 5; i < 20; i++) {
        int64_t due_ms = one(&play)->probe_ms;

        assert_int_equal(report(&play, i, i % 2 ? RESPONDER_ILL : RESPONDER_NOT_ASKED),
                         RESPONDER_SAME);
        assert_int_equal(one(&play)->probe_ms, due_ms);
        assert_int_equal(next(&play), RESPONDER_NONE);
    }
    /* A late success says as much as that of the probe. */
    assert_int_equal(report(&play, 20, RESPONDER_WELL), RESPONDER_CAME_BACK);
    assert_int_equal(next(&play), RESPONDER_NONE); /* there are more under way than the one */
    assert_int_equal(report(&play, 32, RESPONDER_ILL), RESPONDER_SAME);
    assert_false(one(&play)->down);
    for (uint32_t i = 21; i < 32; i++) {
        report(&play, i, RESPONDER_WELL);
    }
    assert_int_equal(next(&play), 33);
    play_close(&play);
}

static void test_probe_that_was_not_asked_is_followed_by_another(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    take_down(&play, 0);
    stand_in_line(&play, play.one, 10, NOW + HOUR);
    stand_in_line(&play, play.one, 11, NOW + 2 * HOUR);
    assert_int_equal(wait_for_next(&play), 10);
    assert_int_equal(report(&play, 10, RESPONDER_NOT_ASKED), RESPONDER_SAME);
    assert_int_equal(wait_for_next(&play), 11);
    assert_int_equal(one(&play)->in_flight, 1);
    play_close(&play);
}

static void test_nudge_brings_a_probe_forward_but_not_often(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    responder_nudge(&play.responders, play.one); /* it is well: nothing to do */
    take_down(&play, 0);
    stand_in_line(&play, play.one, 10, NOW + 90 * 24 * HOUR);
    for (int i = 0; i < 12; i++) { /* rarer and rarer */
        assert_int_equal(wait_for_next(&play), 10);
        report(&play, 10, RESPONDER_ILL);
        stand_in_line(&play, play.one, 10, NOW + 90 * 24 * HOUR);
    }
    for (int i = 0; i < 5; i++) {
        int64_t before_ms = now_ms(&play);

        responder_nudge(&play.responders, play.one);
        responder_nudge(&play.responders, play.one);
        assert_int_equal(wait_for_next(&play), 10);
        assert_in_range(now_ms(&play) - before_ms, 1000, 2000);
        report(&play, 10, RESPONDER_ILL);
        stand_in_line(&play, play.one, 10, NOW + 90 * 24 * HOUR);
    }
    /* But what the responder asked for itself is kept. */
    responder_pause(&play.responders, play.one, 200, NOW + 90 * 24 * HOUR);
    responder_nudge(&play.responders, play.one);
    assert_int_equal(responder_wait_ms(&play.responders, play.one), now_ms(&play) + 200000);
    play_close(&play);
}

static void test_pause_is_obeyed_within_bounds(void **state)
{
    static const struct {
        int64_t asked_s;
        int64_t left_s; /* 0: the one that was told holds nothing */
        int64_t line_s; /* the same of one in line; -1: nobody is there */
        int64_t pause_ms;
    } cases[] = {
        {120, 100 * HOUR, -1, 120000},
        {7200, 100 * HOUR, -1, 3600000},
        {INT64_MAX, 100 * HOUR, -1, 3600000},
        {7200, 2 * HOUR, -1, 900000},
        {120, 80, -1, 10000},
        {120, 2, -1, 1000},
        {120, 0, -1, 120000},
        {7200, 0, -1, 300000},
        {7200, 100 * HOUR, 800, 100000},
        {7200, 100 * HOUR, 0, 300000},
        {7200, 800, 100 * HOUR, 100000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct play play;
        int64_t end_s = cases[i].left_s ? NOW + cases[i].left_s : RESPONDER_BARE;

        play_open(&play);
        if (cases[i].line_s >= 0) {
            stand_in_line(&play, play.one, 5,
                          cases[i].line_s ? NOW + cases[i].line_s : RESPONDER_BARE);
        }
        responder_pause(&play.responders, play.one, cases[i].asked_s, end_s);
        assert_int_equal(responder_wait_ms(&play.responders, play.one) - now_ms(&play),
                         cases[i].pause_ms);
        assert_true(cases[i].line_s < 0 || next(&play) == RESPONDER_NONE);
        /* Asking for less does not undo it. */
        responder_pause(&play.responders, play.one, 1, end_s);
        assert_int_equal(responder_wait_ms(&play.responders, play.one) - now_ms(&play),
                         cases[i].pause_ms);
        play_close(&play);
    }
}

static void test_pause_gives_way_to_whoever_is_in_a_hurry(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    responder_pause(&play.responders, play.one, 3600, NOW + 100 * HOUR);
    stand_in_line(&play, play.one, 1, NOW + 100 * HOUR);
    assert_int_equal(responders_deadline_ms(&play.responders), now_ms(&play) + 3600000);
    stand_in_line(&play, play.one, 2, NOW + 800);
    assert_int_equal(responders_deadline_ms(&play.responders), now_ms(&play) + 100000);
    assert_int_equal(wait_for_next(&play), 2);
    assert_int_equal(next(&play), 1); /* the pause is over for all */
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_failures_in_a_row_open_the_circuit_not_four),
        cmocka_unit_test(test_one_probe_at_a_time_tries_a_responder_that_is_down),
        cmocka_unit_test(test_probes_are_for_bare_and_held_ones_by_turns),
        cmocka_unit_test(test_probes_come_the_sooner_the_less_is_left),
        cmocka_unit_test(test_responder_that_is_back_gets_one_more_for_each_success),
        cmocka_unit_test(test_late_results_of_older_requests_do_not_disturb_the_probe),
        cmocka_unit_test(test_probe_that_was_not_asked_is_followed_by_another),
        cmocka_unit_test(test_nudge_brings_a_probe_forward_but_not_often),
        cmocka_unit_test(test_pause_is_obeyed_within_bounds),
        cmocka_unit_test(test_pause_gives_way_to_whoever_is_in_a_hurry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
