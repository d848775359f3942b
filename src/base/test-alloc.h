/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For unit tests: makes the n-th allocation from now fail, once. Needs the linker's --wrap, which
 * comes with the dependency `wrap_alloc` of src/base/meson.build. Include in one file a program. */

#include <stdbool.h>
#include <stddef.h>

static unsigned alloc_fail_at; /* 0: none fails */
static unsigned alloc_calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* From now on the @n-th call of malloc(), calloc() or realloc() gives NULL; 0: none does. */
static inline void alloc_fail(unsigned n)
{
    alloc_fail_at = n;
    alloc_calls = 0;
}

/* True when that call has been reached. */
static inline bool alloc_failed(void)
{
    return alloc_fail_at && alloc_calls >= alloc_fail_at;
}

static bool alloc_refuses(void)
{
    alloc_calls++;
    return alloc_calls == alloc_fail_at;
}

void *__wrap_malloc(size_t size)
{
    return alloc_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_refuses() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return alloc_refuses() ? NULL : __real_realloc(old, size);
}
