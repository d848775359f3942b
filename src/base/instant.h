/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Time as an argument.
 *
 * Validity is wall time (seconds since 1970, UTC, as in certificates and answers); waiting is
 * monotonic time (milliseconds, counting suspend). One instant is read per wake-up, by the shell,
 * and handed down by value. Nothing below can read a clock. */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct instant {
    int64_t wall_s;
    int64_t mono_ms;
};

/* [from_s, until_s), wall time. */
struct window {
    int64_t from_s;
    int64_t until_s;
};

#define INSTANT_NEVER INT64_MAX /* a deadline or end that does not come */

/* Sums and differences that stop at the ends of int64_t instead of wrapping. */
int64_t time_add(int64_t a, int64_t b);
int64_t time_sub(int64_t a, int64_t b);

static inline int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t time_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline bool window_holds(struct window window, int64_t wall_s)
{
    return window.from_s <= wall_s && wall_s < window.until_s;
}

/* Days and time of day to wall seconds. @month 1..12, @day 1..31; proleptic Gregorian, UTC.
 * False when it is no such date or time (a leap second :60 is not). */
bool time_from_civil(const int fields[6], int64_t *ret_wall_s);

/* "2026-11-22T14:03:05Z". For people: "2026-11-22 14:03:05Z" with @sep ' '. Years 1 to 9999;
 * beyond them "never" or "long ago". */
void buf_put_time(struct buf *buf, int64_t wall_s, char sep);

/* How long, for people, in the two largest units: "5 s", "3 min", "4 h 10 min", "6 d 2 h". */
void buf_put_duration(struct buf *buf, int64_t seconds);
