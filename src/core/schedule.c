/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule.h"

#include <assert.h>

#include "base/rng.h"

#define HOUR_S 3600

/* @permille of @span, plus up to @spread permille of it, placed by @salt. */
static int64_t part_of(int64_t span, int64_t permille, int64_t spread, uint64_t salt)
{
    struct rng rng = {salt};
    int64_t fraction = permille * 1000 + (int64_t)rng_below(&rng, (uint64_t)spread * 1000 + 1);

    /* Lifetimes are years at most: the product stays far below 2^63. */
    return time_min(span, INT64_C(1000000000000)) * fraction / 1000000;
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

int64_t schedule_refresh(const struct policy *policy, struct window life, int64_t wall_s,
                         uint64_t salt, bool bulk)
{
    int64_t span = time_max(0, time_sub(life.until_s, life.from_s));
    int64_t due;

    assert(policy->min_refresh_s > 0);
    /* RFC 6960 4.2.2.1: "If nextUpdate is not set, the responder is indicating that newer
     * revocation information is available all the time." */
    if (life.until_s == INSTANT_NEVER) {
        span = 15 * 60 * 2; /* without nextUpdate some clients count 15 minutes */
        due = time_add(wall_s, part_of(span, 400, 100, salt));
    } else if (bulk) {
        due = time_add(life.from_s, part_of(span, 100, 500, salt));
    } else if (span >= 16 * HOUR_S && span <= 24 * HOUR_S) {
        due = time_add(life.from_s, part_of(span, 450, 50, salt));
    } else {
        due = time_add(life.from_s, part_of(span, 500, 100, salt));
    }
    if (due <= wall_s) {
        due = overdue(life, wall_s, salt, bulk);
    }
    /* CA/Browser Forum Baseline Requirements 4.9.9: for intervals of 16 h and more the new answer
     * is there 8 h before nextUpdate. */
    if (span >= 16 * HOUR_S) {
        due = time_min(due, time_sub(life.until_s, 8 * HOUR_S));
    }
    return time_max(due, time_add(wall_s, soonest(policy, life.until_s, wall_s)));
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
    int64_t cap_ms = policy->backoff_cap_s * 1000;
    int64_t most_ms = policy->backoff_first_ms;
    struct rng rng = {random};

    assert(failures > 0);
    assert(policy->backoff_first_ms > 0 && cap_ms >= policy->backoff_first_ms);
    for (unsigned i = 1; i < failures && most_ms < cap_ms; i++) {
        most_ms *= 2;
    }
    if (left_s > 0) {
        /* Something is held: there is time, but the nearer the end the more often. */
        most_ms = time_max(most_ms, policy->backoff_floor_s * 1000);
        cap_ms = time_min(cap_ms, time_max(policy->backoff_floor_s, left_s / 8) * 1000);
    }
    most_ms = time_min(most_ms, cap_ms);
    return most_ms / 2 + (int64_t)rng_below(&rng, (uint64_t)(most_ms / 2) + 1);
}
