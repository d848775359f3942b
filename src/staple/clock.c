/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/clock.h"

#include <time.h>

/* Not a coarse clock: it is some milliseconds late, in which a staple would outlive its end. */
static int64_t wall_s(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_REALTIME, &now) ? INT64_MAX : now.tv_sec;
}

/* For waiting a coarse one will do. */
static int64_t mono_ms(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
               ? 0
               : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct staple_clock staple_clock = {wall_s, mono_ms};
