/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/rng.h"
#include "core/schedule.h"

#define HOUR 3600
#define NOW  INT64_C(1800000000)

static void test_refresh_lies_in_the_second_half_and_is_spread(void **state)
{
    struct policy policy = policy_default();
    struct window life = {NOW, NOW + 100 * HOUR};
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint64_t salt = 0; salt < 2000; salt++) {
        int64_t due = schedule_refresh(&policy, life, NOW, salt, false) - NOW;

        least = time_min(least, due);
        most = time_max(most, due);
        assert_int_equal(due, schedule_refresh(&policy, life, NOW, salt, false) - NOW);
    }
    assert_in_range(least, 50 * HOUR, 51 * HOUR);
    assert_in_range(most, 59 * HOUR, 60 * HOUR);
}

static void test_bulk_is_spread_wider(void **state)
{
    struct policy policy = policy_default();
    struct window life = {NOW, NOW + 100 * HOUR};
    unsigned tenths[10] = {0};

    (void)state;
    for (uint64_t salt = 0; salt < 10000; salt++) {
        tenths[(schedule_refresh(&policy, life, NOW, salt, true) - NOW) / (10 * HOUR)]++;
    }
    assert_int_equal(tenths[0] + tenths[7], 0);
    for (unsigned i = 1; i < 6; i++) {
        assert_in_range(tenths[i], 1800, 2200);
    }
}

static void test_long_lives_are_refreshed_eight_hours_before_their_end(void **state)
{
    struct policy policy = policy_default();
    struct window life = {NOW, NOW + 17 * HOUR};

    (void)state;
    for (uint64_t salt = 0; salt < 1000; salt++) {
        int64_t due = schedule_refresh(&policy, life, NOW, salt, false);

        assert_true(due <= life.until_s - 8 * HOUR);
        assert_true(due >= NOW + 17 * HOUR * 45 / 100 - 1);
    }
}

static void test_refresh_never_comes_at_once(void **state)
{
    struct policy policy = policy_default();
    struct window over = {NOW - 1000, NOW - 10};
    struct window wild = {INT64_MIN, INT64_MAX - 1};
    struct window endless = {NOW, INSTANT_NEVER};

    (void)state;
    assert_int_equal(schedule_refresh(&policy, over, NOW, 1, false), NOW + 1);
    assert_true(schedule_refresh(&policy, wild, NOW, 1, true) >= NOW + policy.min_refresh_s);
    assert_in_range(schedule_refresh(&policy, endless, NOW, 1, false), NOW + 600, NOW + 900);
    assert_in_range(schedule_unchanged(&policy, NOW + 4000, NOW, 5), NOW + 800, NOW + 1200);
    assert_int_equal(schedule_unchanged(&policy, NOW - 1, NOW, 5), NOW + 1);
}

static void test_refresh_comes_before_even_a_near_end(void **state)
{
    struct policy policy = policy_default();

    (void)state;
    for (int64_t left = 2; left < 200; left++) {
        struct window life = {NOW - 10, NOW + left};

        for (uint64_t salt = 0; salt < 20; salt++) {
            assert_true(schedule_refresh(&policy, life, NOW, salt, salt & 1) < life.until_s);
            assert_true(schedule_unchanged(&policy, life.until_s, NOW, salt) < life.until_s);
        }
    }
}

static void test_answers_that_were_old_when_they_came_are_spread_too(void **state)
{
    struct policy policy = policy_default();
    struct window life = {NOW - 59 * HOUR, NOW + 41 * HOUR};
    unsigned soon = 0;

    (void)state;
    for (uint64_t salt = 0; salt < 1000; salt++) {
        soon += schedule_refresh(&policy, life, NOW, salt, true) < NOW + 2 * HOUR;
    }
    assert_true(soon < 50);
}

static void test_backoff_grows_and_never_overflows(void **state)
{
    struct policy policy = policy_default();
    struct rng rng = {7};

    (void)state;
    assert_in_range(schedule_backoff_ms(&policy, 1, 0, 5), 1000, 2000);
    assert_in_range(schedule_backoff_ms(&policy, 4, 0, 5), 8000, 16000);
    for (unsigned failures = 1; failures <= 1000000; failures += 1 + failures / 50) {
        int64_t wait_ms = schedule_backoff_ms(&policy, failures, 0, rng_next(&rng));

        assert_in_range(wait_ms, 1000, policy.backoff_cap_s * 1000);
    }
    assert_in_range(schedule_backoff_ms(&policy, UINT32_MAX, 0, 5), 1800000, 3600000);
}

static void test_backoff_shortens_as_the_end_nears(void **state)
{
    struct policy policy = policy_default();

    (void)state;
    assert_in_range(schedule_backoff_ms(&policy, 100, 8 * HOUR, 5), 1800000, 3600000);
    assert_in_range(schedule_backoff_ms(&policy, 100, 800, 5), 50000, 100000);
    assert_in_range(schedule_backoff_ms(&policy, 100, 10, 5), 15000, 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh_lies_in_the_second_half_and_is_spread),
        cmocka_unit_test(test_bulk_is_spread_wider),
        cmocka_unit_test(test_long_lives_are_refreshed_eight_hours_before_their_end),
        cmocka_unit_test(test_refresh_never_comes_at_once),
        cmocka_unit_test(test_refresh_comes_before_even_a_near_end),
        cmocka_unit_test(test_answers_that_were_old_when_they_came_are_spread_too),
        cmocka_unit_test(test_backoff_grows_and_never_overflows),
        cmocka_unit_test(test_backoff_shortens_as_the_end_nears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
