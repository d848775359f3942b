/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A seeded generator (splitmix64). Not for secrets: for spreading work in time. The seed comes
 * from outside; the same seed gives the same numbers. */

#include <stdint.h>

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);

/* A number in [0, @bound), 0 when @bound is 0. Unbiased enough for jitter, not for dice. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Mixes the bits of @value: for salts and hash tables. */
uint64_t rng_mix(uint64_t value);
