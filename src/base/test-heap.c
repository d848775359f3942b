/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/instant.h"
#include "base/rng.h"
#include "base/test-alloc.h"

static void test_empty_heap_is_never_due(void **state)
{
    struct heap heap = HEAP_NULL;
    uint32_t entry = 77;

    (void)state;
    assert_true(heap_first(&heap, &entry) == INSTANT_NEVER);
    assert_int_equal(entry, 77);
    assert_true(heap_first(&heap, NULL) == INSTANT_NEVER);
    heap_remove(&heap, 0);
    heap_deinit(&heap);
    heap_deinit(&heap);
}

static void test_earliest_comes_first(void **state)
{
    struct heap heap = HEAP_NULL;
    uint32_t entry = 0;

    (void)state;
    assert_int_equal(heap_set(&heap, 5, 300), 0);
    assert_int_equal(heap_set(&heap, 2, 100), 0);
    assert_int_equal(heap_set(&heap, 9, 200), 0);
    assert_true(heap_first(&heap, &entry) == 100);
    assert_int_equal(entry, 2);
    assert_true(heap_first(&heap, NULL) == 100);
    heap_remove(&heap, 2);
    assert_true(heap_first(&heap, &entry) == 200);
    assert_int_equal(entry, 9);
    heap_deinit(&heap);
}

static void test_setting_again_moves_up_and_down(void **state)
{
    struct heap heap = HEAP_NULL;
    uint32_t entry = 0;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(heap_set(&heap, i, 1000 + i), 0);
    }
    assert_int_equal(heap_set(&heap, 19, 1), 0);
    assert_true(heap_first(&heap, &entry) == 1);
    assert_int_equal(entry, 19);
    assert_int_equal(heap_set(&heap, 19, 5000), 0);
    assert_true(heap_first(&heap, &entry) == 1000);
    assert_int_equal(entry, 0);
    assert_int_equal(heap.count, 20);
    heap_deinit(&heap);
}

static void test_equal_deadlines_come_by_entry(void **state)
{
    struct heap heap = HEAP_NULL;
    uint32_t entry = 0;

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(heap_set(&heap, (i * 37) % 50, 7), 0);
    }
    for (uint32_t i = 0; i < 50; i++) {
        assert_true(heap_first(&heap, &entry) == 7);
        assert_int_equal(entry, i);
        heap_remove(&heap, entry);
    }
    assert_int_equal(heap.count, 0);
    heap_deinit(&heap);
}

static void test_removing_what_is_not_in_changes_nothing(void **state)
{
    struct heap heap = HEAP_NULL;

    (void)state;
    assert_int_equal(heap_set(&heap, 3, 30), 0);
    heap_remove(&heap, 2);
    heap_remove(&heap, 1000000);
    heap_remove(&heap, 3);
    heap_remove(&heap, 3);
    assert_int_equal(heap.count, 0);
    assert_true(heap_first(&heap, NULL) == INSTANT_NEVER);
    heap_deinit(&heap);
}

static void test_extreme_deadlines_are_ordered(void **state)
{
    struct heap heap = HEAP_NULL;
    uint32_t entry = 0;

    (void)state;
    assert_int_equal(heap_set(&heap, 0, INT64_MAX), 0);
    assert_int_equal(heap_set(&heap, 1, 0), 0);
    assert_int_equal(heap_set(&heap, 2, INT64_MIN), 0);
    assert_true(heap_first(&heap, &entry) == INT64_MIN);
    assert_int_equal(entry, 2);
    heap_remove(&heap, 2);
    heap_remove(&heap, 1);
    assert_true(heap_first(&heap, &entry) == INT64_MAX);
    assert_int_equal(entry, 0);
    heap_deinit(&heap);
}

/* The plain model: every entry's deadline in an array, the first found by looking at all. */
enum { MODEL_ENTRIES = 200 };
struct model {
    bool in[MODEL_ENTRIES];
    int64_t deadline[MODEL_ENTRIES];
};

static int64_t model_first(const struct model *model, uint32_t *ret_entry)
{
    int64_t first = INSTANT_NEVER;
    bool found = false;

    for (uint32_t i = 0; i < MODEL_ENTRIES; i++) {
        if (model->in[i] && (!found || model->deadline[i] < first)) {
            first = model->deadline[i];
            *ret_entry = i;
            found = true;
        }
    }
    return first;
}

static void check_against(const struct heap *heap, const struct model *model)
{
    uint32_t want = UINT32_MAX, have = UINT32_MAX;

    assert_true(heap_first(heap, &have) == model_first(model, &want));
    assert_int_equal(have, want);
}

static void step_both(struct heap *heap, struct model *model, struct rng *rng)
{
    uint32_t entry = (uint32_t)rng_below(rng, MODEL_ENTRIES);

    if (rng_below(rng, 3) == 0) {
        heap_remove(heap, entry);
        model->in[entry] = false;
    } else {
        model->in[entry] = true;
        model->deadline[entry] = (int64_t)rng_below(rng, 50) - 25; /* many equal ones */
        assert_int_equal(heap_set(heap, entry, model->deadline[entry]), 0);
    }
}

static void test_random_use_agrees_with_a_plain_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct heap heap = HEAP_NULL;
        struct model model = {0};
        struct rng rng = {seed};
        uint32_t entry = 0;

        for (int i = 0; i < 2000; i++) {
            step_both(&heap, &model, &rng);
            check_against(&heap, &model);
        }
        while (model_first(&model, &entry) != INSTANT_NEVER) {
            check_against(&heap, &model);
            heap_remove(&heap, entry);
            model.in[entry] = false;
        }
        assert_int_equal(heap.count, 0);
        heap_deinit(&heap);
    }
}

static void test_many_entries_come_out_sorted(void **state)
{
    struct heap heap = HEAP_NULL;
    struct rng rng = {5};
    int64_t last = INT64_MIN, deadline;
    uint32_t entry = 0, out = 0;

    (void)state;
    for (uint32_t i = 0; i < 50000; i++) {
        assert_int_equal(heap_set(&heap, i, (int64_t)rng_below(&rng, 1000000)), 0);
    }
    while ((deadline = heap_first(&heap, &entry)) != INSTANT_NEVER) {
        assert_true(deadline >= last);
        last = deadline;
        heap_remove(&heap, entry);
        out++;
    }
    assert_int_equal(out, 50000);
    heap_deinit(&heap);
}

static void test_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        struct heap heap = HEAP_NULL;
        uint32_t entry = 0;

        alloc_fail(n);
        assert_int_equal(heap_set(&heap, 3, 30), -ENOMEM);
        alloc_fail(0);
        assert_true(heap_first(&heap, NULL) == INSTANT_NEVER);
        heap_remove(&heap, 3);

        for (uint32_t i = 0; i < 64; i++) {
            assert_int_equal(heap_set(&heap, i, 100 - (int64_t)i), 0);
        }
        alloc_fail(n); /* both arrays are full now */
        assert_int_equal(heap_set(&heap, 64, 1), -ENOMEM);
        alloc_fail(0);
        assert_true(heap_first(&heap, &entry) == 37);
        assert_int_equal(entry, 63);
        assert_int_equal(heap.count, 64);
        assert_int_equal(heap_set(&heap, 64, 1), 0);
        assert_true(heap_first(&heap, &entry) == 1);
        assert_int_equal(entry, 64);
        heap_deinit(&heap);
    }
}

static void test_moving_an_entry_needs_no_memory(void **state)
{
    struct heap heap = HEAP_NULL;

    (void)state;
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(heap_set(&heap, i, i), 0);
    }
    alloc_fail(1);
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(heap_set(&heap, i, 1000 - (int64_t)i), 0);
    }
    alloc_fail(0);
    assert_true(heap_first(&heap, NULL) == 937);
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_heap_is_never_due),
        cmocka_unit_test(test_earliest_comes_first),
        cmocka_unit_test(test_setting_again_moves_up_and_down),
        cmocka_unit_test(test_equal_deadlines_come_by_entry),
        cmocka_unit_test(test_removing_what_is_not_in_changes_nothing),
        cmocka_unit_test(test_extreme_deadlines_are_ordered),
        cmocka_unit_test(test_random_use_agrees_with_a_plain_array),
        cmocka_unit_test(test_many_entries_come_out_sorted),
        cmocka_unit_test(test_failed_allocation_changes_nothing),
        cmocka_unit_test(test_moving_an_entry_needs_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
