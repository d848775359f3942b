/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every fuzzer needs: libFuzzer's entries, and a check that ends the run. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

__attribute__((noreturn)) void fuzz_fail(const char *what, const char *file, int line);

/* assert() that no build leaves out. */
#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            fuzz_fail(#condition_, __FILE__, __LINE__);                                            \
        }                                                                                          \
    } while (0)

/* Is @part inside @whole, or empty? */
static inline bool slice_inside(struct slice part, struct slice whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}
