/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include <assert.h>

/* Wall clocks are read in whole seconds, so their distance to the monotonic clock wavers by one. */
#define SLACK_MS 1500

/* Thousands of years either way, far from the ends of int64_t. */
#define WALL_MOST_S INT64_C(1000000000000)

static int64_t offset_of(struct instant now)
{
    int64_t wall_s = time_max(-WALL_MOST_S, time_min(now.wall_s, WALL_MOST_S));

    return time_sub(wall_s * 1000, now.mono_ms);
}

static bool is_within(int64_t distance, int64_t limit)
{
    return distance < limit && distance > -limit;
}

int64_t clock_believe(struct clock *clock, struct instant now)
{
    int64_t off_ms = time_sub(offset_of(now), clock->offset_ms);

    clock->offset_ms = offset_of(now);
    clock->doubted = false;
    return off_ms / 1000;
}

enum clock_change clock_follow(struct clock *clock, const struct policy *policy, struct instant now,
                               bool careful, int64_t *ret_off_s)
{
    int64_t off_ms = time_sub(offset_of(now), clock->offset_ms);
    bool small = is_within(off_ms, policy->clock_jump_s * 1000), was_doubted = clock->doubted;

    *ret_off_s = off_ms / 1000;
    if (!clock->known) {
        clock->known = true;
        clock->offset_ms = offset_of(now);
        return CLOCK_STEADY;
    }
    if (!was_doubted && is_within(off_ms, SLACK_MS)) {
        return CLOCK_STEADY;
    }
    if (small || (!was_doubted && !careful)) {
        clock_believe(clock, now);
        return was_doubted ? CLOCK_RETURNED : CLOCK_MOVED;
    }
    if (was_doubted && is_within(time_sub(off_ms, clock->jump_ms), policy->clock_jump_s * 1000)) {
        if (off_ms < 0 || clock->doubt_until_ms > now.mono_ms) {
            return CLOCK_STEADY;
        }
        clock_believe(clock, now);
        return CLOCK_MOVED;
    }
    clock->doubted = true;
    clock->contradicted_ms = INSTANT_NEVER;
    clock->jump_ms = off_ms;
    clock->doubt_until_ms = time_add(now.mono_ms, policy->clock_doubt_s * 1000);
    return CLOCK_JUMPED;
}

struct instant clock_believed(const struct clock *clock, struct instant now)
{
    int64_t wall_ms = time_add(now.mono_ms, clock->offset_ms);

    /* Not in doubt it is the machine's clock to the second, which the offset is not. */
    return clock->doubted ? (struct instant){wall_ms / 1000 - (wall_ms % 1000 < 0), now.mono_ms}
                          : now;
}

void clock_contradict(struct clock *clock, struct instant now)
{
    assert(clock->doubted);
    clock->doubt_until_ms = INSTANT_NEVER;
    clock->contradicted_ms = now.mono_ms;
}

bool clock_is_contradicted(const struct clock *clock, struct instant now, int64_t within_s)
{
    return clock->doubted && clock->contradicted_ms != INSTANT_NEVER &&
           (within_s == INSTANT_NEVER ||
            time_sub(now.mono_ms, clock->contradicted_ms) < within_s * 1000);
}

int64_t clock_deadline_ms(const struct clock *clock, struct instant now)
{
    bool forward = offset_of(now) > clock->offset_ms;

    return clock->doubted && forward ? clock->doubt_until_ms : INSTANT_NEVER;
}
