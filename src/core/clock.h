/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which time to go by.
 *
 * As long as the machine's wall clock moves along with its monotonic one, it is believed. When it
 * jumps, by more than policy->clock_jump_s and after something was shown, it may have been set
 * right or wrong. Until that is known the time goes on that has passed since it was last believed:
 * a jump alone neither withdraws what is good nor makes what has ended good again.
 *
 * What decides are signed answers that only one of the two times permits. A responder's Date is
 * not signed: it may agree with the machine's clock and so end the doubt, or show that an answer is
 * an old one and speaks against no clock set forward, but never keeps something alive that the
 * machine's clock calls dead. A jump forward that nothing speaks for or against is believed after
 * policy->clock_doubt_s; a jump back is not, since what ended would then come back. */

#include "base/instant.h"
#include "core/policy.h"

struct clock {
    bool known;
    bool doubted;
    bool wrong;              /* contradicted, and that was told */
    int64_t offset_ms;       /* wall minus monotonic, as believed */
    int64_t jump_ms;         /* how far it had moved when the doubt began */
    int64_t doubt_until_ms;  /* monotonic; of a jump forward */
    int64_t contradicted_ms; /* something signed spoke against it last, monotonic; INSTANT_NEVER */
    int64_t date_off_s;      /* with wrong: how far ahead of the answer's Date */
};

enum clock_change {
    CLOCK_STEADY, /* nothing new */
    CLOCK_MOVED,  /* it was set, and is believed: deadlines of wall time move */
    CLOCK_JUMPED, /* it was set, and is doubted from now on; again when it is set while in doubt */
    CLOCK_RETURNED, /* the doubt is over: it is back at about the time believed */
};

/* At each wake-up. @careful: something is shown, or was: there is something to lose, or to bring to
 * life again. *@ret_off_s: how far the clock has moved, with _MOVED and _JUMPED. */
enum clock_change clock_follow(struct clock *clock, const struct policy *policy, struct instant now,
                               bool careful, int64_t *ret_off_s);

/* The time to go by. */
struct instant clock_believed(const struct clock *clock, struct instant now);

/* The machine's clock is right after all. Returns how far it has moved, seconds. */
int64_t clock_believe(struct clock *clock, struct instant now);

/* Something signed contradicts the machine's clock: until it is set again the doubt does not end by
 * itself. */
void clock_contradict(struct clock *clock, struct instant now);

/* It was, and not longer ago than the last @within_s seconds. */
bool clock_is_contradicted(const struct clock *clock, struct instant now, int64_t within_s);

/* When the doubt ends by itself, monotonic; INSTANT_NEVER. */
int64_t clock_deadline_ms(const struct clock *clock, struct instant now);
