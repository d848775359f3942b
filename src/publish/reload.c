/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/reload.h"

#include <assert.h>

#include "publish/target.h"

#define QUIET_MS       300  /* a burst is over when nothing came for this long */
#define URGENT_MOST_MS 1800 /* and is not waited for longer than this */
#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS  600000
#define RETRY_SPARE_MS 30000 /* a new urgent change may bring the next try forward to this */
#define EARLY_SHARE    8 /* of what is left of a loaded staple: that long an early batch waits */

void reload_init(struct reload *reload, int64_t interval_s)
{
    *reload = (struct reload){
        .interval_s = interval_s,
        .urgent_first_ms = INSTANT_NEVER,
        .urgent_last_ms = INSTANT_NEVER,
        .batch_due_ms = INSTANT_NEVER,
        .retry_ms = INSTANT_NEVER,
    };
}

void reload_note_urgent(struct reload *reload, uint64_t number, struct instant now)
{
    assert(number > reload->newest);
    reload->newest = number;
    reload->urgent_first_ms = time_min(reload->urgent_first_ms, now.mono_ms);
    reload->urgent_last_ms = now.mono_ms;
}

void reload_note_refresh(struct reload *reload, uint64_t number, int64_t loaded_until_s,
                         struct instant now)
{
    int64_t left_s = time_max(time_sub(loaded_until_s, now.wall_s), 0);
    int64_t spare_s = left_s - 2 * reload->interval_s;
    int64_t wait_ms;

    assert(number > reload->newest);
    reload->newest = number;
    if (spare_s >= 0) {
        wait_ms = time_min(reload->interval_s, spare_s) * 1000;
    } else {
        /* Early, but not one by one: where all staples are short-lived all of them are early. */
        wait_ms = time_min(left_s * 1000 / EARLY_SHARE, reload->interval_s * 1000);
    }
    wait_ms = time_max(wait_ms, QUIET_MS);
    reload->batch_due_ms = time_min(reload->batch_due_ms, time_add(now.mono_ms, wait_ms));
}

void reload_settle(struct reload *reload, int64_t mono_ms)
{
    if (reload->batch_due_ms != INSTANT_NEVER) {
        reload->urgent_first_ms = time_min(reload->urgent_first_ms, mono_ms);
        reload->urgent_last_ms = mono_ms;
    }
}

int64_t reload_deadline_ms(const struct reload *reload)
{
    int64_t urgent_ms = time_min(time_add(reload->urgent_last_ms, QUIET_MS),
                                 time_add(reload->urgent_first_ms, URGENT_MOST_MS));

    if (reload->running) {
        return INSTANT_NEVER;
    }
    if (reload->failures == 0) {
        return time_min(urgent_ms, reload->batch_due_ms);
    }
    if (urgent_ms == INSTANT_NEVER) {
        return reload->retry_ms;
    }
    return time_min(reload->retry_ms,
                    time_max(urgent_ms, time_add(reload->ended_ms, RETRY_SPARE_MS)));
}

void reload_begin(struct reload *reload)
{
    assert(!reload->running);
    reload->running = true;
    reload->taken = reload->newest;
    reload->urgent_first_ms = INSTANT_NEVER;
    reload->urgent_last_ms = INSTANT_NEVER;
    reload->batch_due_ms = INSTANT_NEVER;
}

void reload_end(struct reload *reload, bool good, int64_t mono_ms, struct rng *rng)
{
    assert(reload->running);
    reload->running = false;
    reload->ended_ms = mono_ms;
    if (good) {
        reload->done = reload->taken;
        reload->failures = 0;
        reload->retry_ms = INSTANT_NEVER;
        return;
    }
    ++reload->failures;
    reload->retry_ms =
        time_add(mono_ms, target_backoff_ms(rng, reload->failures, RETRY_FIRST_MS, RETRY_MOST_MS));
}

bool reload_busy(const struct reload *reload)
{
    return reload->running || (reload->failures == 0 && reload->urgent_first_ms != INSTANT_NEVER);
}
