/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/rng.h"
#include "base/test-alloc.h"

enum { VALUES = 300, HASHES = 40 };

/* How often @value stands under @hash. */
static unsigned count_of(const struct map *map, uint64_t hash, uint32_t value)
{
    unsigned found = 0;
    size_t at = 0;

    for (uint32_t v = map_first(map, hash, &at); v != MAP_NONE; v = map_more(map, hash, &at)) {
        found += v == value;
    }
    return found;
}

static unsigned count_under(const struct map *map, uint64_t hash)
{
    unsigned found = 0;
    size_t at = 0;

    for (uint32_t v = map_first(map, hash, &at); v != MAP_NONE; v = map_more(map, hash, &at)) {
        found++;
    }
    return found;
}

static void test_empty_map_has_nothing(void **state)
{
    struct map map = MAP_NULL;
    size_t at = 0;

    (void)state;
    assert_int_equal(map_first(&map, 1, &at), MAP_NONE);
    map_remove(&map, 1, 1);
    map_deinit(&map);
    map_deinit(&map);
}

static void test_values_are_found_by_their_hash(void **state)
{
    struct map map = MAP_NULL;
    size_t at = 0;

    (void)state;
    assert_int_equal(map_add(&map, 10, 1), 0);
    assert_int_equal(map_add(&map, 20, 2), 0);
    assert_int_equal(map_first(&map, 10, &at), 1);
    assert_int_equal(map_more(&map, 10, &at), MAP_NONE);
    assert_int_equal(map_first(&map, 20, &at), 2);
    assert_int_equal(map_first(&map, 30, &at), MAP_NONE);
    map_deinit(&map);
}

static void test_values_of_one_hash_are_all_found(void **state)
{
    struct map map = MAP_NULL;

    (void)state;
    for (uint32_t value = 0; value < 100; value++) {
        assert_int_equal(map_add(&map, 7, value), 0);
    }
    assert_int_equal(count_under(&map, 7), 100);
    for (uint32_t value = 0; value < 100; value++) {
        assert_int_equal(count_of(&map, 7, value), 1);
    }
    map_remove(&map, 7, 50);
    assert_int_equal(count_under(&map, 7), 99);
    assert_int_equal(count_of(&map, 7, 50), 0);
    map_deinit(&map);
}

static void test_removing_what_is_not_there_changes_nothing(void **state)
{
    struct map map = MAP_NULL;

    (void)state;
    assert_int_equal(map_add(&map, 7, 1), 0);
    map_remove(&map, 8, 1);
    map_remove(&map, 7, 2);
    assert_int_equal(map.count, 1);
    map_remove(&map, 7, 1);
    map_remove(&map, 7, 1);
    assert_int_equal(map.count, 0);
    map_deinit(&map);
}

/* Against a plain table of flags: which value stands under which hash. */
static void test_random_use_agrees_with_a_plain_table(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        static bool in[HASHES][VALUES];
        struct map map = MAP_NULL;
        struct rng rng = {seed};
        size_t count = 0;

        for (int i = 0; i < 5000; i++) {
            uint64_t hash = rng_below(&rng, HASHES);
            uint32_t value = (uint32_t)rng_below(&rng, VALUES);

            assert_int_equal(count_of(&map, hash, value), in[hash][value]);
            if (in[hash][value]) {
                map_remove(&map, hash, value);
                count--;
            } else {
                assert_int_equal(map_add(&map, hash, value), 0);
                count++;
            }
            in[hash][value] = !in[hash][value];
            assert_int_equal(map.count, count);
        }
        for (uint64_t hash = 0; hash < HASHES; hash++) {
            for (uint32_t value = 0; value < VALUES; value++) {
                assert_int_equal(count_of(&map, hash, value), in[hash][value]);
                in[hash][value] = false;
            }
        }
        map_deinit(&map);
    }
}

static void test_coming_and_going_does_not_grow_the_table(void **state)
{
    struct map map = MAP_NULL;

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        assert_int_equal(map_add(&map, i, i), 0);
        map_remove(&map, i, i);
    }
    assert_int_equal(map.count, 0);
    assert_in_range(map.size, 1, 64);
    map_deinit(&map);
}

static void test_failed_growth_changes_nothing(void **state)
{
    struct map map = MAP_NULL;
    uint32_t value = 0;
    int r = 0;

    (void)state;
    alloc_fail(1);
    assert_int_equal(map_add(&map, 1, 1), -ENOMEM);
    alloc_fail(2); /* the first growth works, the next does not */
    while (!r) {
        r = map_add(&map, value, value);
        value++;
        assert_in_range(value, 1, 1000);
    }
    alloc_fail(0);
    assert_int_equal(r, -ENOMEM);
    assert_int_equal(map.count, value - 1);
    for (uint32_t v = 0; v + 1 < value; v++) {
        assert_int_equal(count_of(&map, v, v), 1);
    }
    assert_int_equal(map_add(&map, value, value), 0);
    assert_int_equal(count_of(&map, value, value), 1);
    map_deinit(&map);
}

static void test_hash_depends_on_every_octet_and_the_length(void **state)
{
    uint8_t bytes[40] = {0};
    uint64_t zeros = map_hash(slice_of(bytes, sizeof(bytes)));

    (void)state;
    assert_true(map_hash(slice_of(bytes, 39)) != zeros);
    assert_true(map_hash(SLICE_NULL) != map_hash(slice_of(bytes, 1)));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_true(map_hash(slice_of(bytes, sizeof(bytes))) != zeros);
        bytes[i] = 0;
    }
    assert_true(map_hash(slice_of(bytes, sizeof(bytes))) == zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_map_has_nothing),
        cmocka_unit_test(test_values_are_found_by_their_hash),
        cmocka_unit_test(test_values_of_one_hash_are_all_found),
        cmocka_unit_test(test_removing_what_is_not_there_changes_nothing),
        cmocka_unit_test(test_random_use_agrees_with_a_plain_table),
        cmocka_unit_test(test_coming_and_going_does_not_grow_the_table),
        cmocka_unit_test(test_failed_growth_changes_nothing),
        cmocka_unit_test(test_hash_depends_on_every_octet_and_the_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
