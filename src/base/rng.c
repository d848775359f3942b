/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

uint64_t rng_mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t rng_next(struct rng *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return rng_mix(rng->state);
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)rng_next(rng) * bound >> 64);
}
