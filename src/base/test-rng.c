/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/rng.h"

/* The first numbers of splitmix64 with seed 1234567, as its authors' reference prints them. */
static void test_numbers_are_those_of_splitmix64(void **state)
{
    static const uint64_t want[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rng rng = {1234567};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        assert_true(rng_next(&rng) == want[i]);
    }
}

static void test_same_seed_gives_same_numbers(void **state)
{
    struct rng a = {42}, b = {42}, other = {43};
    unsigned differ = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rng_next(&a);

        assert_true(x == rng_next(&b));
        differ += x != rng_next(&other);
    }
    assert_int_equal(differ, 1000);
}

static void test_below_stays_below_its_bound(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000, UINT64_C(1) << 32, UINT64_MAX};
    struct rng rng = {7};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(bounds); k++) {
        for (int i = 0; i < 1000; i++) {
            assert_true(rng_below(&rng, bounds[k]) < bounds[k]);
        }
    }
}

static void test_below_zero_is_zero(void **state)
{
    struct rng rng = {7};

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(rng_below(&rng, 0) == 0);
    }
}

static void test_below_spreads_evenly(void **state)
{
    unsigned counts[10] = {0};
    struct rng rng = {99};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        counts[rng_below(&rng, 10)]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
}

static void test_mix_moves_many_bits_for_one(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t base = UINT64_C(0x123456789abcdef);
        int moved = __builtin_popcountll(rng_mix(base) ^ rng_mix(base ^ UINT64_C(1) << bit));

        assert_in_range(moved, 14, 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_those_of_splitmix64),
        cmocka_unit_test(test_same_seed_gives_same_numbers),
        cmocka_unit_test(test_below_stays_below_its_bound),
        cmocka_unit_test(test_below_zero_is_zero),
        cmocka_unit_test(test_below_spreads_evenly),
        cmocka_unit_test(test_mix_moves_many_bits_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
