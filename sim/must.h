/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The simulator ends the program where it runs out of memory or contradicts itself: it simulates
 * other troubles. Also when assertions are compiled out. */

#include <stdlib.h>

#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
