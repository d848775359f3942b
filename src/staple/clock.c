/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/clock.h"

#include <time.h>

/* The coarse clocks are some milliseconds late and need no system call. */
static int64_t wall_s(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_REALTIME_COARSE, &now) ? INT64_MAX : now.tv_sec;
}

static int64_t mono_ms(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
               ? 0
               : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct staple_clock staple_clock = {wall_s, mono_ms};
