/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule.h"

#include <assert.h>

#include "base/rng.h"
#include "core/clients.h"

#define HOUR_S 3600
#define WEEK_S (7 * 24 * INT64_C(3600))

/* More than any answer lives; products with it stay far below 2^63. */
#define SPAN_MOST_S INT64_C(1000000000000)

#define SALT_BULK UINT64_C(0x62756c6b) /* any number will do */

/* @permille of @span, plus up to @spread permille of it, placed by @salt. */
static int64_t part_of(int64_t span, int64_t permille, int64_t spread, uint64_t salt)
{
    struct rng rng = {salt};
    int64_t fraction = permille * 1000 + (int64_t)rng_below(&rng, (uint64_t)spread * 1000 + 1);

    return time_min(span, SPAN_MOST_S) * fraction / 1000000;
}

/* The point is over: an answer that was old when it came, or a restart after a long stop. Spread
 * over what is left, so that those of one responder do not all come now. */
static int64_t overdue(struct window life, int64_t wall_s, uint64_t salt, bool bulk)
{
    int64_t left = time_max(0, time_sub(life.until_s, wall_s));

    return time_add(wall_s, bulk ? part_of(left, 100, 500, salt) : part_of(left, 0, 100, salt));
}

/* Nothing is asked again sooner, but never so late that the answer has ended. */
static int64_t soonest(const struct policy *policy, int64_t until_s, int64_t wall_s)
{
    int64_t left = time_max(2, time_sub(until_s, wall_s));

    return time_min(policy->min_refresh_s, left / 2);
}

/* CA/Browser Forum Baseline Requirements 4.9.9: for intervals of 16 h and more the new answer is
 * there 8 h before nextUpdate. */
static int64_t newest_due(struct window life)
{
    bool long_lived = time_sub(life.until_s, life.from_s) >= 16 * HOUR_S;

    return long_lived ? time_sub(life.until_s, 8 * HOUR_S) : INSTANT_NEVER;
}

/* Chromium passes over staples older than a week: a hint only, so what lives long is treated as if
 * a week were 60 % of it. */
static int64_t span_of(const struct policy *policy, struct window life)
{
    bool chromium = policy->audience & CLIENT_BIT(CLIENT_CHROMIUM);
    int64_t span = time_max(0, time_sub(life.until_s, life.from_s));

    return time_min(span, chromium ? WEEK_S * 10 / 6 : SPAN_MOST_S);
}

int64_t schedule_latest(const struct policy *policy, struct window life)
{
    return time_min(time_add(life.from_s, span_of(policy, life) * 6 / 10), newest_due(life));
}

/* The point of the second half, or of 10-60 % for the first after many came at once. The two are
 * independent of each other: else those that come early in the first round would come early in the
 * second as well, and the rounds would pile up. */
static int64_t point_of(const struct policy *policy, struct window life, uint64_t salt, bool bulk)
{
    int64_t span = span_of(policy, life);
    int64_t first = span / 2, last = time_sub(schedule_latest(policy, life), life.from_s);

    if (bulk) {
        first = span / 10;
        salt = rng_mix(salt ^ SALT_BULK);
    } else if (span >= 16 * HOUR_S && span <= 24 * HOUR_S) {
        first = span * 45 / 100;
        last = span / 2;
    }
    return time_add(life.from_s, first + part_of(last - first, 0, 1000, salt));
}

int64_t schedule_refresh(const struct policy *policy, struct window life, int64_t wall_s,
                         uint64_t salt, bool bulk)
{
    int64_t due;

    assert(policy->min_refresh_s > 0);
    /* RFC 6960 4.2.2.1: "If nextUpdate is not set, the responder is indicating that newer
     * revocation information is available all the time." */
    if (life.until_s == INSTANT_NEVER) {
        /* Without nextUpdate some clients count 15 minutes. */
        return time_add(wall_s, part_of(30 * 60, 400, 100, salt));
    }
    due = point_of(policy, life, salt, bulk);
    if (due <= wall_s) {
        due = overdue(life, wall_s, salt, bulk);
    }
    if (newest_due(life) > wall_s) {
        due = time_min(due, newest_due(life));
    }
    return time_max(due, time_add(wall_s, soonest(policy, life.until_s, wall_s)));
}

int64_t schedule_renewed(struct window life)
{
    int64_t quarter_s = time_max(0, time_sub(life.until_s, life.from_s)) / 4;

    return time_min(newest_due(life), time_sub(life.until_s, time_min(quarter_s, 8 * HOUR_S)));
}

int64_t schedule_unchanged(const struct policy *policy, int64_t until_s, int64_t wall_s,
                           uint64_t salt)
{
    int64_t left = time_max(0, time_sub(until_s, wall_s));

    return time_add(
        wall_s, time_max(soonest(policy, until_s, wall_s), part_of(left, 200, 100, rng_mix(salt))));
}

int64_t schedule_backoff_ms(const struct policy *policy, unsigned failures, int64_t left_s,
                            uint64_t random)
{
    int64_t floor_ms = policy->backoff_floor_ms, most_ms = policy->backoff_first_ms;
    int64_t cap_ms = policy->backoff_cap_s * 1000;
    struct rng rng = {random};

    assert(failures > 0);
    assert(policy->backoff_first_ms > 0 && cap_ms >= policy->backoff_first_ms);
    for (unsigned i = 1; i < failures && most_ms < cap_ms; i++) {
        most_ms *= 2;
    }
    if (left_s > 0) {
        /* Something is held: the nearer its end the more often. */
        cap_ms = time_min(cap_ms, time_min(left_s, policy->backoff_cap_s * 8) * 125);
    }
    most_ms = time_max(floor_ms, time_min(most_ms, cap_ms));
    return floor_ms + (int64_t)rng_below(&rng, (uint64_t)(most_ms - floor_ms) + 1);
}
