/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "core/clients.h"
#include "core/schedule.h"

#define HOUR 3600
#define DAY  (24 * INT64_C(3600))
#define NOW  INT64_C(1800000000)

static const int64_t lives[] = {300,       12 * HOUR, 16 * HOUR, 20 * HOUR, 24 * HOUR,
                                25 * HOUR, 7 * DAY,   10 * DAY,  30 * DAY,  90 * DAY};

static struct policy without_chromium(void)
{
    struct policy policy = policy_default();

    policy.audience &= ~CLIENT_BIT(CLIENT_CHROMIUM);
    return policy;
}

static bool has_chromium(const struct policy *policy)
{
    return policy->audience & CLIENT_BIT(CLIENT_CHROMIUM);
}

/* The most that any refresh may take of a life of @life_s, from its beginning on. */
static int64_t most_of(const struct policy *policy, int64_t life_s)
{
    int64_t most_s = life_s * 6 / 10;

    if (life_s >= 16 * HOUR) {
        most_s = time_min(most_s, life_s - 8 * HOUR);
    }
    return has_chromium(policy) ? time_min(most_s, 7 * DAY) : most_s;
}

/* 10 % of it; where Chromium's week is the limit, of the life of which that is 60 %. */
static int64_t tenth_of(const struct policy *policy, int64_t life_s)
{
    return has_chromium(policy) ? time_min(life_s / 10, 7 * DAY / 6) : life_s / 10;
}

static void assert_spread(const struct policy *policy, struct window life, bool bulk,
                          const struct window *expected)
{
    int64_t tolerance_s = (expected->until_s - expected->from_s) / 50 + 1;
    int64_t least_s = INT64_MAX, most_s = 0;

    for (uint64_t salt = 0; salt < 5000; salt++) {
        int64_t due_s = schedule_refresh(policy, life, NOW, salt, bulk) - NOW;

        least_s = time_min(least_s, due_s);
        most_s = time_max(most_s, due_s);
        assert_int_equal(due_s, schedule_refresh(policy, life, NOW, salt, bulk) - NOW);
    }
    assert_in_range(least_s, expected->from_s, expected->from_s + tolerance_s);
    assert_in_range(most_s, expected->until_s - tolerance_s, expected->until_s);
}

static void test_refresh_of_a_new_answer_lies_within_its_bounds(void **state)
{
    const struct policy policies[] = {policy_default(), without_chromium()};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(lives); i++) {
        const struct policy *policy = &policies[i % 2];
        int64_t life_s = lives[i / 2], tenth_s = tenth_of(policy, life_s);
        bool middling = life_s >= 16 * HOUR && life_s <= 24 * HOUR;
        struct window second_half = {5 * tenth_s, most_of(policy, life_s)};
        struct window bulk = {tenth_s, most_of(policy, life_s)};

        if (middling) {
            second_half = (struct window){life_s * 45 / 100, life_s / 2};
        }
        assert_spread(policy, (struct window){NOW, NOW + life_s}, false, &second_half);
        assert_spread(policy, (struct window){NOW, NOW + life_s}, true, &bulk);
    }
}

static void test_bulk_is_spread_evenly_whatever_the_limit(void **state)
{
    struct policy policy = policy_default();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
        struct window life = {NOW, NOW + lives[i]};
        int64_t most_s = most_of(&policy, lives[i]), least_s = tenth_of(&policy, lives[i]);
        unsigned tenths[11] = {0};

        for (uint64_t salt = 0; salt < 10000; salt++) {
            int64_t due_s = schedule_refresh(&policy, life, NOW, salt, true) - NOW;

            tenths[(due_s - least_s) * 10 / (most_s - least_s + 1)]++;
        }
        for (unsigned j = 0; j < 10; j++) {
            assert_in_range(tenths[j], 850, 1150);
        }
    }
}

static void test_two_rounds_after_a_cold_sync_load_no_hour_more_than_others(void **state)
{
    enum { CERTS = 100000, HOURS = 168 * 17 / 10 };
    const struct policy policy = policy_default();
    const int64_t life_s = 7 * DAY;
    unsigned hours[HOURS + 1] = {0}, peak = 0;
    double mean = CERTS / (0.55 * 168);

    (void)state;
    for (uint64_t salt = 0; salt < CERTS; salt++) {
        int64_t at_s = NOW;

        /* Signed on demand: each round brings a new answer. */
        for (bool bulk = true; at_s < NOW + HOURS * HOUR; bulk = false) {
            struct window life = {at_s, at_s + life_s};

            at_s = schedule_refresh(&policy, life, at_s, salt, bulk);
            hours[time_min(HOURS, (at_s - NOW) / HOUR)]++;
        }
    }
    for (unsigned i = 0; i < HOURS; i++) {
        peak = hours[i] > peak ? hours[i] : peak;
    }
    assert_true(peak > mean && peak < 1.25 * mean);
}

static void test_points_of_one_certificate_do_not_depend_on_each_other(void **state)
{
    enum { CERTS = 100000, PARTS = 10 };
    const struct policy policy = policy_default();
    struct window life = {NOW, NOW + 7 * DAY};
    unsigned bulk_normal[PARTS][PARTS] = {0}, normal_unchanged[PARTS][PARTS] = {0};

    (void)state;
    for (uint64_t salt = 0; salt < CERTS; salt++) {
        int64_t bulk_s = schedule_refresh(&policy, life, NOW, salt, true) - NOW;
        int64_t due_s = schedule_refresh(&policy, life, NOW, salt, false) - NOW;
        int64_t again_s = schedule_unchanged(&policy, life.until_s, NOW, salt) - NOW;
        int64_t bulk = (bulk_s - 7 * DAY / 10) * PARTS / (7 * DAY / 2 + 1);
        int64_t normal = (due_s - 7 * DAY / 2) * PARTS / (7 * DAY / 10 + 1);
        int64_t unchanged = (again_s - 7 * DAY / 5) * PARTS / (7 * DAY / 10 + 1);

        assert_in_range(normal, 0, PARTS - 1);
        bulk_normal[bulk][normal]++;
        normal_unchanged[normal][unchanged]++;
    }
    for (unsigned i = 0; i < PARTS * PARTS; i++) {
        assert_in_range(bulk_normal[i / PARTS][i % PARTS], 850, 1150);
        assert_in_range(normal_unchanged[i / PARTS][i % PARTS], 850, 1150);
    }
}

static void test_refresh_never_comes_at_once(void **state)
{
    struct policy policy = policy_default();
    struct window over = {NOW - 1000, NOW - 10};
    struct window endless = {NOW, INSTANT_NEVER};

    (void)state;
    assert_int_equal(schedule_refresh(&policy, over, NOW, 1, false), NOW + 1);
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

static void test_any_window_at_any_time_gives_a_sane_point(void **state)
{
    static const int64_t scales[] = {INT64_MAX, INT64_C(1) << 40, INT64_C(1) << 33, 90 * DAY, 1000};
    struct policy policy = policy_default();
    struct rng rng = {5};

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        int64_t scale = scales[rng_below(&rng, ARRAY_SIZE(scales))];
        int64_t wall_s = time_sub((int64_t)rng_below(&rng, (uint64_t)scale), scale / 2);
        struct window life = {time_sub(wall_s, (int64_t)rng_below(&rng, (uint64_t)scale)),
                              time_add(wall_s, (int64_t)rng_below(&rng, (uint64_t)scale))};
        int64_t left = time_sub(life.until_s, wall_s);
        int64_t due_s = schedule_refresh(&policy, life, wall_s, rng_next(&rng), i & 1);
        int64_t again_s = schedule_unchanged(&policy, life.until_s, wall_s, rng_next(&rng));

        assert_true(due_s > wall_s && again_s > wall_s);
        assert_true(left < 2 || due_s < life.until_s);
        assert_true(left < 2 || again_s < life.until_s);
    }
}

static void test_answers_that_were_old_when_they_came_are_spread_over_what_is_left(void **state)
{
    static const struct {
        int64_t age_s, left_s;
    } cases[] = {
        {61 * HOUR, 39 * HOUR}, {6 * DAY, DAY},
        {6 * DAY, 6 * HOUR}, /* the newer one should have been there already */
        {9 * DAY, 21 * DAY}, /* Chromium's week is over */
        {23 * HOUR, HOUR},
    };
    struct policy policy = policy_default();

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        bool bulk = i % 2;
        int64_t left_s = cases[i / 2].left_s;
        struct window life = {NOW - cases[i / 2].age_s, NOW + left_s};
        int64_t from_s = bulk ? left_s / 10 : 0, span_s = bulk ? left_s / 2 : left_s / 10;
        unsigned fifths[6] = {0};

        for (uint64_t salt = 0; salt < 10000; salt++) {
            int64_t due_s = schedule_refresh(&policy, life, NOW, salt, bulk) - NOW;

            assert_in_range(due_s, from_s, from_s + span_s + policy.min_refresh_s);
            fifths[(due_s - from_s) * 5 / (span_s + 1)]++;
        }
        for (unsigned j = 0; j < 5; j++) {
            assert_in_range(fifths[j], 800, 3000);
        }
    }
}

static void test_eight_hours_before_the_end_there_is_a_newer_one(void **state)
{
    struct policy policy = policy_default();

    (void)state;
    for (int64_t left_s = 8 * HOUR + 60; left_s < 20 * HOUR; left_s += 1800) {
        struct window life = {NOW + left_s - 7 * DAY, NOW + left_s};

        for (uint64_t salt = 0; salt < 200; salt++) {
            int64_t due_s = schedule_refresh(&policy, life, NOW, salt, salt & 1);

            assert_true(due_s <= NOW + left_s - 8 * HOUR);
        }
    }
}

static void test_unchanged_is_asked_for_again_after_a_quarter_of_what_is_left(void **state)
{
    struct policy policy = policy_default();

    (void)state;
    for (uint64_t salt = 0; salt < 1000; salt++) {
        int64_t wall_s = NOW, until_s = NOW + 84 * HOUR;
        unsigned asked = 0;

        while (until_s - wall_s > 60) {
            int64_t left_s = until_s - wall_s;
            int64_t due_s = schedule_unchanged(&policy, until_s, wall_s, salt) - wall_s;

            assert_in_range(due_s, time_min(30, left_s / 2), time_max(30, left_s * 3 / 10));
            assert_true(due_s >= left_s / 5 || left_s < 150);
            wall_s += due_s;
            asked++;
        }
        assert_in_range(asked, 20, 50);
    }
}

static void test_latest_is_what_no_refresh_of_a_new_answer_goes_beyond(void **state)
{
    const struct policy policies[] = {policy_default(), without_chromium()};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(lives); i++) {
        int64_t life_s = lives[i / 2];
        struct window life = {NOW, NOW + life_s};

        assert_int_equal(schedule_latest(&policies[i % 2], life) - NOW,
                         most_of(&policies[i % 2], life_s));
    }
}

static void test_newer_one_is_there_eight_hours_before_the_end_or_in_the_last_quarter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
        struct window life = {NOW, NOW + lives[i]};

        assert_int_equal(schedule_renewed(life) - NOW,
                         lives[i] >= 16 * HOUR ? lives[i] - 8 * HOUR : lives[i] * 3 / 4);
    }
}

static void test_backoff_doubles_with_full_jitter_and_never_overflows(void **state)
{
    struct policy policy = policy_default();
    struct rng rng = {7};
    int64_t most_ms = policy.backoff_first_ms;

    (void)state;
    for (unsigned failures = 1; failures <= 20; failures++) {
        int64_t least_seen = INT64_MAX, most_seen = 0;

        for (unsigned i = 0; i < 2000; i++) {
            int64_t wait_ms = schedule_backoff_ms(&policy, failures, 0, rng_next(&rng));

            least_seen = time_min(least_seen, wait_ms);
            most_seen = time_max(most_seen, wait_ms);
        }
        assert_in_range(least_seen, 1000, 1000 + most_ms / 100);
        assert_in_range(most_seen, most_ms - most_ms / 100, most_ms);
        most_ms = time_min(2 * most_ms, policy.backoff_cap_s * 1000);
    }
    for (unsigned failures = 1; failures <= 1000000; failures++) {
        int64_t left_s =
            failures % 3 ? (int64_t)rng_below(&rng, UINT64_C(1) << (failures % 63)) : 0;
        int64_t wait_ms = schedule_backoff_ms(&policy, failures, left_s, rng_next(&rng));

        assert_true(wait_ms >= policy.backoff_floor_ms);
        assert_true(wait_ms <= policy.backoff_cap_s * 1000);
        assert_true(left_s < 8 || wait_ms <= time_min(left_s, 100 * DAY) * 125);
    }
    for (int64_t left_s = 0; left_s < INT64_MAX / 3; left_s = left_s * 3 + 1) {
        assert_in_range(schedule_backoff_ms(&policy, UINT32_MAX, left_s, rng_next(&rng)), 1000,
                        time_max(1000, left_s ? time_min(3600, left_s) * 1000 : 3600000));
    }
}

static void test_backoff_shortens_as_the_end_nears(void **state)
{
    static const struct {
        unsigned failures;
        int64_t left_s;
        int64_t most_ms;
    } cases[] = {{100, 8 * HOUR, 3600000}, {100, 800, 100000},  {100, 80, 10000},
                 {100, 10, 1250},          {100, 8, 1000},      {100, 1, 1000},
                 {1, 8 * HOUR, 2000},      {3, 8 * HOUR, 8000}, {3, 40, 5000}};
    struct policy policy = policy_default();
    struct rng rng = {9};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t most_seen = 0;

        for (unsigned j = 0; j < 3000; j++) {
            int64_t wait_ms =
                schedule_backoff_ms(&policy, cases[i].failures, cases[i].left_s, rng_next(&rng));

            assert_in_range(wait_ms, 1000, cases[i].most_ms);
            most_seen = time_max(most_seen, wait_ms);
        }
        assert_true(most_seen >= cases[i].most_ms * 99 / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh_of_a_new_answer_lies_within_its_bounds),
        cmocka_unit_test(test_bulk_is_spread_evenly_whatever_the_limit),
        cmocka_unit_test(test_two_rounds_after_a_cold_sync_load_no_hour_more_than_others),
        cmocka_unit_test(test_points_of_one_certificate_do_not_depend_on_each_other),
        cmocka_unit_test(test_refresh_never_comes_at_once),
        cmocka_unit_test(test_refresh_comes_before_even_a_near_end),
        cmocka_unit_test(test_any_window_at_any_time_gives_a_sane_point),
        cmocka_unit_test(test_answers_that_were_old_when_they_came_are_spread_over_what_is_left),
        cmocka_unit_test(test_eight_hours_before_the_end_there_is_a_newer_one),
        cmocka_unit_test(test_unchanged_is_asked_for_again_after_a_quarter_of_what_is_left),
        cmocka_unit_test(test_latest_is_what_no_refresh_of_a_new_answer_goes_beyond),
        cmocka_unit_test(test_newer_one_is_there_eight_hours_before_the_end_or_in_the_last_quarter),
        cmocka_unit_test(test_backoff_doubles_with_full_jitter_and_never_overflows),
        cmocka_unit_test(test_backoff_shortens_as_the_end_nears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
