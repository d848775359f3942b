/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/instant.h"
#include "base/rng.h"

#define FIRST_S INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_S  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static void assert_time(int64_t wall_s, char sep, const char *want)
{
    struct buf buf = BUF_INIT(100);

    buf_put_time(&buf, wall_s, sep);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), want);
    buf_deinit(&buf);
}

static void assert_duration(int64_t seconds, const char *want)
{
    struct buf buf = BUF_INIT(100);

    buf_put_duration(&buf, seconds);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), want);
    buf_deinit(&buf);
}

static void test_sums_stop_at_the_ends(void **state)
{
    (void)state;
    assert_true(time_add(1, 2) == 3);
    assert_true(time_add(INSTANT_NEVER, 1) == INSTANT_NEVER);
    assert_true(time_add(1, INSTANT_NEVER) == INSTANT_NEVER);
    assert_true(time_add(INSTANT_NEVER, INSTANT_NEVER) == INSTANT_NEVER);
    assert_true(time_add(INT64_MIN, -1) == INT64_MIN);
    assert_true(time_add(INT64_MIN, INT64_MIN) == INT64_MIN);
    assert_true(time_add(INT64_MAX, INT64_MIN) == -1);
}

static void test_differences_stop_at_the_ends(void **state)
{
    (void)state;
    assert_true(time_sub(1, 3) == -2);
    assert_true(time_sub(INT64_MIN, 1) == INT64_MIN);
    assert_true(time_sub(INSTANT_NEVER, -1) == INSTANT_NEVER);
    assert_true(time_sub(0, INT64_MIN) == INT64_MAX);
    assert_true(time_sub(-1, INT64_MIN) == INT64_MAX);
    assert_true(time_sub(INT64_MIN, INT64_MAX) == INT64_MIN);
    assert_true(time_sub(INT64_MAX, INT64_MAX) == 0);
}

static void test_window_is_closed_below_and_open_above(void **state)
{
    struct window window = {10, 20};

    (void)state;
    assert_false(window_holds(window, 9));
    assert_true(window_holds(window, 10));
    assert_true(window_holds(window, 19));
    assert_false(window_holds(window, 20));
    assert_false(window_holds((struct window){0, 0}, 0));
    assert_true(time_min(3, -3) == -3);
    assert_true(time_max(3, -3) == 3);
}

static void test_times_are_printed(void **state)
{
    (void)state;
    assert_time(0, 'T', "1970-01-01T00:00:00Z");
    assert_time(-1, 'T', "1969-12-31T23:59:59Z");
    assert_time(951782400, ' ', "2000-02-29 00:00:00Z");
    assert_time(1795356185, 'T', "2026-11-22T14:03:05Z");
    assert_time(4107542400, 'T', "2100-03-01T00:00:00Z"); /* no leap year */
    assert_time(FIRST_S, 'T', "0001-01-01T00:00:00Z");
    assert_time(LAST_S, 'T', "9999-12-31T23:59:59Z");
}

static void test_times_beyond_four_digits_are_words(void **state)
{
    (void)state;
    assert_time(FIRST_S - 1, 'T', "long ago");
    assert_time(INT64_MIN, 'T', "long ago");
    assert_time(LAST_S + 1, 'T', "never");
    assert_time(INSTANT_NEVER, 'T', "never");
}

static void assert_agrees_with_libc(int64_t wall_s)
{
    char want[64];
    struct tm tm;
    time_t seconds = (time_t)wall_s;
    int64_t back = 0;
    int n;

    assert_non_null(gmtime_r(&seconds, &tm));
    n = snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    assert_in_range(n, 1, sizeof(want) - 1);
    assert_time(wall_s, 'T', want);
    assert_true(time_from_civil(
        (int[]){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec},
        &back));
    assert_true(back == wall_s);
}

static void test_first_and_last_second_of_every_year_agree_with_libc(void **state)
{
    (void)state;
    for (int year = 1; year <= 9999; year++) {
        int64_t start = 0;

        assert_true(time_from_civil((int[]){year, 1, 1, 0, 0, 0}, &start));
        assert_agrees_with_libc(start);
        if (start > FIRST_S) {
            assert_agrees_with_libc(start - 1);
        }
    }
    assert_agrees_with_libc(LAST_S);
}

static void test_every_day_of_two_centuries_agrees_with_libc(void **state)
{
    (void)state;
    for (int64_t day = -70 * 366; day < 140 * 366; day++) {
        assert_agrees_with_libc(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
    }
}

static void test_random_times_agree_with_libc(void **state)
{
    struct rng rng = {2026};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        assert_agrees_with_libc(FIRST_S + (int64_t)rng_below(&rng, (uint64_t)(LAST_S - FIRST_S)));
    }
}

static void test_impossible_dates_are_refused(void **state)
{
    static const int wrong[][6] = {
        {0, 1, 1, 0, 0, 0},
        {10000, 1, 1, 0, 0, 0},
        {-1, 1, 1, 0, 0, 0},
        {2026, 0, 1, 0, 0, 0},
        {2026, 13, 1, 0, 0, 0},
        {2026, -1, 1, 0, 0, 0},
        {2026, 1, 0, 0, 0, 0},
        {2026, 1, 32, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0},
        {2026, 2, 29, 0, 0, 0},
        {2100, 2, 29, 0, 0, 0},
        {2024, 2, 30, 0, 0, 0},
        {2026, 1, 1, -1, 0, 0},
        {2026, 1, 1, 24, 0, 0},
        {2026, 1, 1, 0, -1, 0},
        {2026, 1, 1, 0, 60, 0},
        {2026, 1, 1, 0, 0, -1},
        {2016, 12, 31, 23, 59, 60},
        {2026, 1, INT32_MIN, 0, 0, 0},
        {INT32_MAX, 1, 1, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        int64_t wall_s = 4711;

        assert_false(time_from_civil(wrong[i], &wall_s));
        assert_true(wall_s == 4711); /* unchanged on failure */
    }
}

static void test_leap_days_are_known(void **state)
{
    static const int leap[] = {4, 400, 1600, 1972, 2000, 2024, 2400};
    static const int plain[] = {1, 100, 1900, 1970, 2023, 2100, 9999};
    int64_t wall_s = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(leap); i++) {
        assert_true(time_from_civil((int[]){leap[i], 2, 29, 12, 0, 0}, &wall_s));
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        assert_false(time_from_civil((int[]){plain[i], 2, 29, 12, 0, 0}, &wall_s));
    }
}

static void test_durations_have_at_most_two_units(void **state)
{
    (void)state;
    assert_duration(0, "0 s");
    assert_duration(5, "5 s");
    assert_duration(59, "59 s");
    assert_duration(60, "1 min");
    assert_duration(180, "3 min");
    assert_duration(185, "3 min 5 s");
    assert_duration(3600, "1 h");
    assert_duration(3659, "1 h"); /* not "1 h 59 s": neighbouring units only */
    assert_duration(15000, "4 h 10 min");
    assert_duration(86400, "1 d");
    assert_duration(525600 + 3599, "6 d 2 h");
    assert_duration(INT64_MAX, "106751991167300 d 15 h");
}

static void test_duration_that_is_over_is_zero(void **state)
{
    (void)state;
    assert_duration(-1, "0 s");
    assert_duration(INT64_MIN, "0 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_stop_at_the_ends),
        cmocka_unit_test(test_differences_stop_at_the_ends),
        cmocka_unit_test(test_window_is_closed_below_and_open_above),
        cmocka_unit_test(test_times_are_printed),
        cmocka_unit_test(test_times_beyond_four_digits_are_words),
        cmocka_unit_test(test_first_and_last_second_of_every_year_agree_with_libc),
        cmocka_unit_test(test_every_day_of_two_centuries_agrees_with_libc),
        cmocka_unit_test(test_random_times_agree_with_libc),
        cmocka_unit_test(test_impossible_dates_are_refused),
        cmocka_unit_test(test_leap_days_are_known),
        cmocka_unit_test(test_durations_have_at_most_two_units),
        cmocka_unit_test(test_duration_that_is_over_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
