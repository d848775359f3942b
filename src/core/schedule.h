/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When to ask next. Pure arithmetic on lifetimes and failures; salts spread certificates. */

#include "base/instant.h"
#include "core/policy.h"

/* When to ask again for an answer that lives for @life = [thisUpdate, its end): at a point in its
 * second half fixed by @salt (50-60 %; 45-50 % for lifetimes of 16-24 h), or, when @bulk (the first
 * refresh after a sync or an outage), anywhere in 10-60 %. For lifetimes of 16 h and more
 * not later than 8 h before the end; where Chromium is of the audience not after the week for which
 * it looks at one. Where the point is over, spread over what is left. Not sooner than
 * policy->min_refresh_s from now, or half of what is left. Wall seconds. */
int64_t schedule_refresh(const struct policy *policy, struct window life, int64_t wall_s,
                         uint64_t salt, bool bulk);

/* The latest that schedule_refresh() would say of a new answer: 60 % of the life, 8 h before the
 * end of one of 16 h and more, Chromium's week. Wall seconds. */
int64_t schedule_latest(const struct policy *policy, struct window life);

/* From when on there should be a newer answer: 8 h before the end of a life of 16 h and more, else
 * three quarters through it. Wall seconds. */
int64_t schedule_renewed(struct window life);

/* When to ask again after an unchanged answer that ends at @until_s: after about a quarter (20-30 %
 * by @salt) of what is left. Wall seconds. */
int64_t schedule_unchanged(const struct policy *policy, int64_t until_s, int64_t wall_s,
                           uint64_t salt);

/* How long to wait after the @failures-th failure in a row (1, 2...), milliseconds. Exponential
 * with full jitter out of @random, up to policy->backoff_cap_s; with a staple that ends in @left_s
 * (0: nothing held) at most an eighth of that. Never under policy->backoff_floor_ms. */
int64_t schedule_backoff_ms(const struct policy *policy, unsigned failures, int64_t left_s,
                            uint64_t random);
