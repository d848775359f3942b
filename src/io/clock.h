/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The only place where clocks are read: once per wake-up. Monotonic time counts suspend
 * (CLOCK_BOOTTIME). */

#include "base/instant.h"

struct instant clock_now(void);
