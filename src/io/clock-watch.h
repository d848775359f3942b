/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells at once when somebody sets the wall clock: a timer that the kernel cancels then. Where that
 * cannot be had (an old kernel, a sandbox) nothing is told, and the daemon finds out at its next
 * wake-up. Small corrections, as a time service makes them by slewing, are no such event. */

#include <uv.h>

struct clock_watch;

/* @changed is called on the loop, once for all that happened since the last time. 0 or <0. */
int clock_watch_new(struct clock_watch **ret_watch, uv_loop_t *loop, void (*changed)(void *context),
                    void *context);

/* NULL is fine. The memory goes when the loop has run the close callback. */
void clock_watch_close(struct clock_watch *watch);
