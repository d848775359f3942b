/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock.h"

#include <assert.h>
#include <time.h>

struct instant clock_now(void)
{
    struct timespec wall, mono;
    int r;

    r = clock_gettime(CLOCK_REALTIME, &wall);
    assert(r == 0);
    r = clock_gettime(CLOCK_BOOTTIME, &mono);
    assert(r == 0);
    (void)r;
    return (struct instant){
        .wall_s = wall.tv_sec,
        .mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
    };
}
