/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One owner for everything: declare with _cleanup_(), hand over with steal().
 *
 *     _cleanup_(shelf_freep) struct shelf *shelf = NULL;
 *     ...
 *     *ret_shelf = steal(&shelf);
 */

#include <stddef.h>
#include <stdlib.h>

#define _cleanup_(func_) __attribute__((__cleanup__(func_)))

/* Takes the pointer out of *@pointer_, leaving NULL. */
#define steal(pointer_)                                                                            \
    ({                                                                                             \
        __typeof__(pointer_) _p = (pointer_);                                                      \
        __typeof__(*_p) _v = *_p;                                                                  \
        *_p = NULL;                                                                                \
        _v;                                                                                        \
    })

/* Defines x_freep() for x_free(), which must accept NULL. */
#define CLEANUP_DEFINE(type_, free_)                                                               \
    static inline void free_##p(type_ *pointer)                                                    \
    {                                                                                              \
        if (*pointer) {                                                                            \
            free_(*pointer);                                                                       \
        }                                                                                          \
    }

static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}

#define ARRAY_SIZE(array_) (sizeof(array_) / sizeof((array_)[0]))
