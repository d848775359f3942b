/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/reload.h"

#include <assert.h>

#include "publish/target.h"

#define QUIET_MS       300  /* a burst is over when nothing came for this long */
#define URGENT_MOST_MS 1800 /* and is not waited for longer than this */
#define MASS           50   /* so many within that: then it is waited for up to this long */
#define MASS_MOST_MS   10000
#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS  600000
#define RETRY_SPARE_MS 30000 /* a new urgent change may bring the next try forward to this */
#define EARLY_SHARE    8 /* of what is left of a loaded staple: that long an early batch waits */

/* First staples that trickle in: so many runs as they come, then two seconds apart, and so on. */
#define ROW_FREE     5
#define ROW_FIRST_MS 2000
#define ROW_MOST_MS  60000
#define ROW_CALM_MS  120000 /* no run for this long: another row */

void reload_init(struct reload *reload, int64_t interval_s)
{
    *reload = (struct reload){
        .interval_s = interval_s,
        .strict_first_ms = INSTANT_NEVER,
        .first_ms = INSTANT_NEVER,
        .last_ms = INSTANT_NEVER,
        .batch_due_ms = INSTANT_NEVER,
        .began_ms = INT64_MIN,
        .retry_ms = INSTANT_NEVER,
    };
}

void reload_note_first(struct reload *reload, uint64_t number, struct instant now)
{
    assert(number > reload->newest);
    reload->newest = number;
    reload->first_ms = time_min(reload->first_ms, now.mono_ms);
    reload->last_ms = now.mono_ms;
    ++reload->waiting;
}

void reload_note_strict(struct reload *reload, uint64_t number, struct instant now)
{
    reload_note_first(reload, number, now);
    reload->strict_first_ms = time_min(reload->strict_first_ms, now.mono_ms);
}

void reload_note_refresh(struct reload *reload, uint64_t number, int64_t loaded_until_s,
                         struct instant now)
{
    int64_t left_s = time_max(time_sub(loaded_until_s, now.wall_s), 0);
    int64_t spare_s = left_s - 2 * reload->interval_s;
    int64_t wait_ms;

    if (spare_s >= 0) {
        wait_ms = time_min(reload->interval_s, spare_s) * 1000;
    } else {
        /* Early, but not one by one: where all staples are short-lived all of them are early. */
        wait_ms = time_min(left_s * 1000 / EARLY_SHARE, reload->interval_s * 1000);
    }
    if (wait_ms <= QUIET_MS || reload->settled) {
        reload_note_first(reload, number, now);
        return;
    }
    assert(number > reload->newest);
    reload->newest = number;
    reload->batch_due_ms = time_min(reload->batch_due_ms, time_add(now.mono_ms, wait_ms));
}

void reload_expect(struct reload *reload, bool more)
{
    reload->more = more;
}

void reload_settle(struct reload *reload, int64_t mono_ms)
{
    reload->settled = true;
    if (reload->batch_due_ms != INSTANT_NEVER) {
        reload->first_ms = time_min(reload->first_ms, mono_ms);
        reload->last_ms = mono_ms;
    }
}

/* How long behind the last run the next one for first staples comes. */
static int64_t row_pause_ms(const struct reload *reload)
{
    int64_t pause_ms = ROW_FIRST_MS;

    if (reload->in_row < ROW_FREE) {
        return 0;
    }
    for (unsigned i = ROW_FREE; i < reload->in_row && pause_ms < ROW_MOST_MS; ++i) {
        pause_ms *= 2;
    }
    return time_min(pause_ms, ROW_MOST_MS);
}

static int64_t urgent_ms(const struct reload *reload)
{
    bool mass = reload->waiting >= MASS;
    int64_t quiet_ms = reload->more ? INSTANT_NEVER : time_add(reload->last_ms, QUIET_MS);
    int64_t most_ms = mass ? MASS_MOST_MS : URGENT_MOST_MS;
    int64_t first_ms = time_min(quiet_ms, time_add(reload->first_ms, most_ms));
    int64_t strict_most_ms = mass && reload->more ? MASS_MOST_MS : URGENT_MOST_MS;

    if (reload->strict_first_ms != INSTANT_NEVER) {
        return time_min(first_ms, time_add(reload->strict_first_ms, strict_most_ms));
    }
    return time_max(first_ms, time_add(reload->began_ms, row_pause_ms(reload)));
}

static int64_t batch_ms(const struct reload *reload)
{
    return reload->more ? time_add(reload->batch_due_ms, URGENT_MOST_MS) : reload->batch_due_ms;
}

int64_t reload_deadline_ms(const struct reload *reload)
{
    int64_t due_ms = reload->first_ms == INSTANT_NEVER ? INSTANT_NEVER : urgent_ms(reload);

    if (reload->running) {
        return INSTANT_NEVER;
    }
    if (reload->failures == 0) {
        return time_min(due_ms, batch_ms(reload));
    }
    if (due_ms == INSTANT_NEVER) {
        return reload->retry_ms;
    }
    return time_min(reload->retry_ms, time_max(due_ms, time_add(reload->ended_ms, RETRY_SPARE_MS)));
}

void reload_begin(struct reload *reload, int64_t mono_ms)
{
    assert(!reload->running);
    if (reload->first_ms != INSTANT_NEVER && reload->strict_first_ms == INSTANT_NEVER) {
        bool calm = time_sub(mono_ms, reload->began_ms) > ROW_CALM_MS;

        reload->in_row = calm ? 1 : reload->in_row + 1;
        reload->began_ms = mono_ms;
    }
    reload->running = true;
    reload->taken = reload->newest;
    reload->strict_first_ms = INSTANT_NEVER;
    reload->first_ms = INSTANT_NEVER;
    reload->last_ms = INSTANT_NEVER;
    reload->waiting = 0;
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
    return reload->running || (reload->failures == 0 && reload->first_ms != INSTANT_NEVER);
}
