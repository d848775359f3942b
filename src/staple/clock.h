/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The time, through a seam: tests advance it instead of sleeping. Hidden in the libraries. */

#include <stdint.h>

struct staple_clock {
    int64_t (*wall_s)(void);  /* Unix time: until when a staple may be handed out */
    int64_t (*mono_ms)(void); /* for waiting */
};

extern struct staple_clock staple_clock;
