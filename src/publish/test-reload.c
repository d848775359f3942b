/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/reload.h"

#define WALL_S 1795360350
#define HOUR_S 3600

struct play {
    struct reload reload;
    struct instant now;
    struct rng rng;
    uint64_t number;
    unsigned runs;
    bool works;       /* the command */
    int64_t takes_ms; /* that long */
    int64_t ends_ms;  /* the run that goes on */
    int64_t last_ms;  /* when the last run began */
};

static struct play play_begin(void)
{
    struct play play = {.now = {WALL_S, 5000}, .rng = {3}, .works = true, .takes_ms = 50};

    reload_init(&play.reload, HOUR_S);
    return play;
}

/* Virtual time goes on, from one event to the next. */
static void play_until(struct play *play, int64_t mono_ms)
{
    for (;;) {
        int64_t due_ms = reload_deadline_ms(&play->reload);
        int64_t next_ms = play->reload.running ? play->ends_ms : due_ms;

        if (next_ms > mono_ms) {
            break;
        }
        next_ms = time_max(next_ms, play->now.mono_ms);
        play->now.wall_s += (next_ms - play->now.mono_ms) / 1000;
        play->now.mono_ms = next_ms;
        if (play->reload.running) {
            reload_end(&play->reload, play->works, play->now.mono_ms, &play->rng);
        } else {
            reload_begin(&play->reload, play->now.mono_ms);
            ++play->runs;
            play->last_ms = play->now.mono_ms;
            play->ends_ms = play->now.mono_ms + play->takes_ms;
        }
    }
    play->now.wall_s += (mono_ms - play->now.mono_ms) / 1000;
    play->now.mono_ms = mono_ms;
}

static void play_for(struct play *play, int64_t ms)
{
    play_until(play, play->now.mono_ms + ms);
}

static void urgent(struct play *play)
{
    reload_note_strict(&play->reload, ++play->number, play->now);
}

static void first(struct play *play)
{
    reload_note_first(&play->reload, ++play->number, play->now);
}

static void refresh(struct play *play, int64_t loaded_left_s)
{
    reload_note_refresh(&play->reload, ++play->number, play->now.wall_s + loaded_left_s, play->now);
}

static void test_nothing_noted_runs_nothing(void **state)
{
    struct play play = play_begin();

    (void)state;
    play_for(&play, 1000 * 86400);
    assert_int_equal(play.runs, 0);
    assert_false(reload_busy(&play.reload));
}

static void test_a_thousand_urgent_changes_at_once_run_once(void **state)
{
    struct play play = play_begin();

    (void)state;
    for (unsigned i = 0; i < 1000; ++i) {
        urgent(&play);
        play_for(&play, i % 10 == 0);
    }
    assert_true(reload_busy(&play.reload));
    play_for(&play, 2000);
    assert_int_equal(play.runs, 1);
    assert_int_equal(play.reload.done, 1000);
    assert_false(reload_busy(&play.reload));
    play_for(&play, 1000 * 86400);
    assert_int_equal(play.runs, 1);
}

static void test_urgent_change_runs_within_two_seconds_although_more_come(void **state)
{
    struct play play = play_begin();
    int64_t first_ms = play.now.mono_ms;

    (void)state;
    while (play.runs == 0 && play.now.mono_ms < first_ms + 10000) {
        urgent(&play);
        play_for(&play, 100);
    }
    assert_int_equal(play.runs, 1);
    assert_true(play.last_ms - first_ms < 2000);
}

static void test_few_first_staples_run_within_two_seconds_although_more_come(void **state)
{
    struct play play = play_begin();
    int64_t first_ms = play.now.mono_ms;

    (void)state;
    while (play.runs == 0 && play.now.mono_ms < first_ms + 10000) {
        first(&play);
        play_for(&play, 100);
    }
    assert_true(play.last_ms - first_ms < 2000);
}

static void test_a_mass_of_first_staples_is_waited_for(void **state)
{
    struct play play = play_begin();

    (void)state;
    for (unsigned i = 0; i < 1000; ++i) { /* a cold start of eight seconds */
        first(&play);
        play_for(&play, 8);
    }
    assert_int_equal(play.runs, 0);
    play_for(&play, 400);
    assert_int_equal(play.runs, 1);
    assert_int_equal(play.reload.done, 1000);
}

static void test_a_mass_without_end_is_not_waited_for(void **state)
{
    struct play play = play_begin();

    (void)state;
    for (unsigned i = 0; i < 12000; ++i) { /* two minutes */
        first(&play);
        play_for(&play, 10);
    }
    assert_in_range(play.runs, 5, 12);
    play_for(&play, 60000);
    assert_int_equal(play.reload.done, 12000);
}

static void test_withdrawal_does_not_wait_for_a_mass(void **state)
{
    struct play play = play_begin();
    int64_t strict_ms = 0;

    (void)state;
    for (unsigned i = 0; play.runs == 0; ++i) {
        first(&play);
        if (i == 300) {
            urgent(&play);
            strict_ms = play.now.mono_ms;
        }
        play_for(&play, 10);
    }
    assert_in_range(play.last_ms - strict_ms, 300, 2000);
}

static void test_mass_of_renewals_that_is_being_written_is_waited_for(void **state)
{
    struct play play = play_begin();

    (void)state;
    reload_expect(&play.reload, true);
    for (unsigned i = 0; i < 1000; ++i) { /* a slow disk */
        urgent(&play);
        play_for(&play, 6);
    }
    assert_int_equal(play.runs, 0);
    reload_expect(&play.reload, false);
    play_for(&play, 300);
    assert_int_equal(play.runs, 1);
    reload_expect(&play.reload, true);
    urgent(&play);
    play_for(&play, 1800);
    assert_int_equal(play.runs, 2); /* one alone is not kept waiting by others' files */
    for (unsigned i = 0; i < 100; ++i) {
        urgent(&play);
    }
    play_for(&play, 10000);
    assert_int_equal(play.runs, 3); /* nor a mass by a disk that hangs */
}

static void test_first_staples_that_trickle_in_do_not_each_run(void **state)
{
    struct play play = play_begin();
    unsigned before;

    (void)state;
    for (unsigned i = 0; i < 600; ++i) { /* one a second */
        first(&play);
        play_for(&play, 1000);
        assert_true(play.runs <= 5 || play.runs <= i);
    }
    assert_in_range(play.runs, 12, 20);
    before = play.runs;
    play_for(&play, 30000);
    urgent(&play); /* a withdrawal knows no row */
    play_for(&play, 1000);
    assert_true(play.runs > before);
    play_for(&play, 600000);
    before = play.runs;
    first(&play);
    play_for(&play, 1000); /* the next one alone is as quick as ever */
    assert_int_equal(play.runs, before + 1);
}

static void test_what_is_being_written_is_waited_for(void **state)
{
    struct play play = play_begin();

    (void)state;
    reload_expect(&play.reload, true);
    first(&play);
    play_for(&play, 1000);
    assert_int_equal(play.runs, 0);
    first(&play);
    reload_expect(&play.reload, false);
    play_for(&play, 300);
    assert_int_equal(play.runs, 1);
    reload_expect(&play.reload, true); /* a disk that hangs */
    urgent(&play);
    play_for(&play, 2000);
    assert_int_equal(play.runs, 2);
    refresh(&play, 4 * 86400);
    play_for(&play, HOUR_S * 1000 + 2000);
    assert_int_equal(play.runs, 3);
}

static void test_change_during_a_run_leads_to_one_more(void **state)
{
    struct play play = play_begin();

    (void)state;
    play.takes_ms = 3000;
    urgent(&play);
    play_for(&play, 1000);
    assert_true(play.reload.running);
    for (unsigned i = 0; i < 5; ++i) {
        urgent(&play);
    }
    play_for(&play, 2500);
    assert_int_equal(play.reload.done, 1); /* what came later is not with the server yet */
    play_for(&play, 10000);
    assert_int_equal(play.runs, 2);
    assert_int_equal(play.reload.done, 6);
}

static void test_refreshes_share_one_run_an_interval(void **state)
{
    struct play play = play_begin();

    (void)state;
    for (unsigned i = 0; i < 120; ++i) { /* one a minute, for two hours */
        refresh(&play, 4 * 86400);
        play_for(&play, 60000);
        assert_true(play.runs <= (i + 1) / 60);
    }
    play_for(&play, 1000);
    assert_false(reload_busy(&play.reload)); /* nobody waits for a batch */
    play_for(&play, HOUR_S * 1000);
    assert_int_equal(play.runs, 2);
    assert_int_equal(play.reload.done, 120);
}

static void test_refresh_runs_before_the_loaded_staple_ends(void **state)
{
    static const int64_t lefts_s[] = {4 * 86400, 3 * HOUR_S, 2 * HOUR_S + 10, HOUR_S, 600, 60, 5};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lefts_s); ++i) {
        struct play play = play_begin();
        int64_t start_ms = play.now.mono_ms;

        refresh(&play, lefts_s[i]);
        play_for(&play, 2 * HOUR_S * 1000);
        assert_int_equal(play.runs, 1);
        assert_true(play.last_ms - start_ms <= HOUR_S * 1000);
        assert_true(play.last_ms - start_ms < lefts_s[i] * 1000);
        if (lefts_s[i] >= 3 * HOUR_S) {
            assert_int_equal(play.last_ms - start_ms, HOUR_S * 1000);
        }
    }
}

static void test_refresh_of_an_ended_staple_runs_at_once(void **state)
{
    struct play play = play_begin();

    (void)state;
    refresh(&play, -100);
    play_for(&play, 1000);
    assert_int_equal(play.runs, 1);
}

static void test_urgent_run_takes_the_batch_along(void **state)
{
    struct play play = play_begin();

    (void)state;
    refresh(&play, 4 * 86400);
    play_for(&play, 60000);
    urgent(&play);
    play_for(&play, 86400 * 1000);
    assert_int_equal(play.runs, 1);
    assert_int_equal(play.reload.done, 2);
}

static void test_settling_runs_the_batch_now(void **state)
{
    struct play play = play_begin();

    (void)state;
    reload_settle(&play.reload, play.now.mono_ms);
    assert_false(reload_busy(&play.reload));
    refresh(&play, 4 * 86400);
    reload_settle(&play.reload, play.now.mono_ms);
    assert_true(reload_busy(&play.reload));
    play_for(&play, 1000);
    assert_int_equal(play.runs, 1);
    refresh(&play, 4 * 86400); /* nobody stays to run it later */
    play_for(&play, 1000);
    assert_int_equal(play.runs, 2);
}

static void test_failing_command_is_repeated_with_backoff(void **state)
{
    struct play play = play_begin();
    unsigned before;

    (void)state;
    play.works = false;
    urgent(&play);
    play_for(&play, 1500);
    assert_int_equal(play.runs, 1);
    assert_false(reload_busy(&play.reload)); /* in backoff nobody waits for it */
    play_for(&play, 1000);
    assert_int_equal(play.runs, 1); /* not before 2.5 s */
    play_for(&play, 60000);
    assert_in_range(play.runs, 4, 7);
    play_for(&play, 7200 * 1000);
    before = play.runs;
    play_for(&play, 86400 * 1000);
    assert_in_range(play.runs - before, 86400 / 600, 86400 / 300);
    assert_int_equal(play.reload.done, 0);
    play.works = true;
    play_for(&play, 600 * 1000);
    assert_int_equal(play.reload.done, 1);
    assert_int_equal(play.reload.failures, 0);
    before = play.runs;
    play_for(&play, 86400 * 1000);
    assert_int_equal(play.runs, before);
}

static void test_changes_do_not_make_a_failing_command_loop(void **state)
{
    struct play play = play_begin();

    (void)state;
    play.works = false;
    for (unsigned i = 0; i < 36000; ++i) { /* ten a second, for an hour */
        urgent(&play);
        play_for(&play, 100);
    }
    assert_in_range(play.runs, 2, 130);
}

static void test_urgent_change_brings_a_late_retry_forward(void **state)
{
    struct play play = play_begin();

    (void)state;
    play.works = false;
    urgent(&play);
    play_for(&play, 2 * HOUR_S * 1000);
    play_until(&play, play.reload.ended_ms + 120000); /* the next try is minutes away */
    play.works = true;
    urgent(&play);
    play_for(&play, 2000);
    assert_int_equal(play.reload.done, 2);
}

static void test_interval_zero_still_waits_for_company(void **state)
{
    struct play play = play_begin();

    (void)state;
    reload_init(&play.reload, 0);
    for (unsigned i = 0; i < 10; ++i) {
        refresh(&play, 4 * 86400);
    }
    play_for(&play, 200);
    assert_int_equal(play.runs, 0);
    play_for(&play, 200);
    assert_int_equal(play.runs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_noted_runs_nothing),
        cmocka_unit_test(test_a_thousand_urgent_changes_at_once_run_once),
        cmocka_unit_test(test_urgent_change_runs_within_two_seconds_although_more_come),
        cmocka_unit_test(test_few_first_staples_run_within_two_seconds_although_more_come),
        cmocka_unit_test(test_a_mass_of_first_staples_is_waited_for),
        cmocka_unit_test(test_a_mass_without_end_is_not_waited_for),
        cmocka_unit_test(test_withdrawal_does_not_wait_for_a_mass),
        cmocka_unit_test(test_mass_of_renewals_that_is_being_written_is_waited_for),
        cmocka_unit_test(test_first_staples_that_trickle_in_do_not_each_run),
        cmocka_unit_test(test_what_is_being_written_is_waited_for),
        cmocka_unit_test(test_change_during_a_run_leads_to_one_more),
        cmocka_unit_test(test_refreshes_share_one_run_an_interval),
        cmocka_unit_test(test_refresh_runs_before_the_loaded_staple_ends),
        cmocka_unit_test(test_refresh_of_an_ended_staple_runs_at_once),
        cmocka_unit_test(test_urgent_run_takes_the_batch_along),
        cmocka_unit_test(test_settling_runs_the_batch_now),
        cmocka_unit_test(test_failing_command_is_repeated_with_backoff),
        cmocka_unit_test(test_changes_do_not_make_a_failing_command_loop),
        cmocka_unit_test(test_urgent_change_brings_a_late_retry_forward),
        cmocka_unit_test(test_interval_zero_still_waits_for_company),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
