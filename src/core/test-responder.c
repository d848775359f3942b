/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/responder.h"

static void test_responders_are_told_apart_by_scheme_host_and_port(void **state)
{
    struct responders responders = {0};
    uint32_t a, b;

    (void)state;
    assert_int_equal(responder_find(&responders, "http://one.example/x", &a), 0);
    assert_int_equal(responder_find(&responders, "HTTP://ONE.example/other?q", &b), 0);
    assert_int_equal(a, b);
    assert_int_equal(responder_find(&responders, "http://one.example", &b), 0);
    assert_int_equal(a, b);
    assert_int_equal(responder_find(&responders, "https://one.example/x", &b), 0);
    assert_int_not_equal(a, b);
    assert_int_equal(responder_find(&responders, "http://one.example:8080/x", &b), 0);
    assert_int_not_equal(a, b);
    responders_deinit(&responders);
}

static void test_dead_responder_never_holds_up_another(void **state)
{
    struct responders responders = {0};
    uint32_t dead, well, entry;

    (void)state;
    responder_find(&responders, "http://dead.example/", &dead);
    responder_find(&responders, "http://well.example/", &well);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(responder_take(&responders, dead, 2, 10));
    }
    assert_false(responder_take(&responders, dead, 2, 10));
    assert_int_equal(responder_wait(&responders, dead, 5), 0);
    assert_int_equal(responder_wait(&responders, well, 6), 0);
    assert_true(responder_next(&responders, 2, 10, &entry));
    assert_int_equal(entry, 6);
    assert_false(responder_next(&responders, 2, 10, &entry));
    responder_give(&responders, dead);
    assert_true(responder_next(&responders, 2, 10, &entry));
    assert_int_equal(entry, 5);
    responders_deinit(&responders);
}

static void test_line_keeps_its_order_when_one_leaves(void **state)
{
    struct responders responders = {0};
    uint32_t responder, entry;

    (void)state;
    responder_find(&responders, "http://one.example/", &responder);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(responder_wait(&responders, responder, i), 0);
    }
    responder_leave(&responders, responder, 0);
    responder_leave(&responders, responder, 100);
    responder_leave(&responders, responder, 199);
    responder_leave(&responders, responder, 199);
    assert_int_equal(responder_wait(&responders, responder, 500), 0);
    for (uint32_t i = 1; i < 199; i++) {
        if (i != 100) {
            assert_true(responder_next(&responders, 1000, 1000, &entry));
            assert_int_equal(entry, i);
        }
    }
    assert_true(responder_next(&responders, 1000, 1000, &entry));
    assert_int_equal(entry, 500);
    assert_false(responder_next(&responders, 1000, 1000, &entry));
    responders_deinit(&responders);
}

static void test_many_responders_are_found_again(void **state)
{
    struct responders responders = {0};
    char url[40];
    uint32_t number;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            snprintf(url, sizeof(url), "http://h%u.example/", i);
            assert_int_equal(responder_find(&responders, url, &number), 0);
            assert_int_equal(number, i);
        }
    }
    responders_deinit(&responders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responders_are_told_apart_by_scheme_host_and_port),
        cmocka_unit_test(test_dead_responder_never_holds_up_another),
        cmocka_unit_test(test_line_keeps_its_order_when_one_leaves),
        cmocka_unit_test(test_many_responders_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
