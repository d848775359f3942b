/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/served.h"

#define TEXT(text_) slice_of((text_), sizeof(text_) - 1)
#define FIXED(text_)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }

static void assert_is(struct slice slice, const char *text)
{
    assert_true(slice_equal(slice, slice_of_text(text)));
}

static void test_a_chain_of_tls_1_2_is_read(void **state)
{
    struct served served;

    (void)state;
    assert_true(served_read_chain(TEXT("\x0b\0\0\x0f\0\0\x0c\0\0\4leaf\0\0\2ca"), false, &served));
    assert_int_equal(served.cert_count, 2);
    assert_is(served.certs[0], "leaf");
    assert_is(served.certs[1], "ca");
    assert_int_equal(served.status, SERVED_NONE);
}

static void test_a_chain_of_tls_1_3_has_its_status_inside(void **state)
{
    struct served served;

    (void)state;
    assert_true(served_read_chain(TEXT("\x0b\0\0\x21\0\0\0\x1d"
                                       "\0\0\4leaf\0\x0d\0\x12\0\1x\0\5\0\4\1\0\0\0"
                                       "\0\0\2ca\0\0"),
                                  true, &served));
    assert_int_equal(served.cert_count, 2);
    assert_is(served.certs[1], "ca");
    assert_int_equal(served.status, SERVED_ANSWER);
    assert_int_equal(served.answer.size, 0);
}

static void test_only_the_status_of_the_leaf_counts(void **state)
{
    struct served served;

    (void)state;
    assert_true(served_read_chain(TEXT("\x0b\0\0\x1f\0\0\0\x1b"
                                       "\0\0\4leaf\0\0"
                                       "\0\0\2ca\0\x0b\0\5\0\7\1\0\0\3abc"),
                                  true, &served));
    assert_int_equal(served.cert_count, 2);
    assert_int_equal(served.status, SERVED_NONE);
}

static void test_a_status_that_is_none_is_told_apart_from_none(void **state)
{
    struct served served;

    (void)state;
    /* Of type 2 (RFC 6961), which TLS 1.3 does not know. */
    assert_true(served_read_chain(TEXT("\x0b\0\0\x19\0\0\0\x15"
                                       "\0\0\4leaf\0\x0c\0\5\0\x08\2\0\0\4\0\0\1x"),
                                  true, &served));
    assert_int_equal(served.status, SERVED_BROKEN);
}

static void test_lengths_that_do_not_fit_make_no_chain(void **state)
{
    static const struct slice bad[] = {
        FIXED(""),
        FIXED("\x0b\0\0"),
        FIXED("\x0b\0\0\x0b\0\0\x08\0\0\4lea"),
        FIXED("\x0b\0\0\x0a\0\0\7\0\0\4leafx"),
        FIXED("\x0b\0\0\x0b\0\0\x07\0\0\4leaf"),
        FIXED("\x0b\0\0\x0b\0\0\x08\0\0\5leaf"),
        FIXED("\x0b\0\0\3\0\0\0"), /* no certificate at all */
        FIXED("\x0c\0\0\x0a\0\0\7\0\0\4leaf"),
    };
    struct served served;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(served_read_chain(bad[i], false, &served));
        assert_false(served_read_chain(bad[i], true, &served));
    }
    /* Extensions behind the end, and one cut short. */
    assert_false(served_read_chain(TEXT("\x0b\0\0\x0d\0\0\0\x09\0\0\4leaf\0\4"), true, &served));
    assert_false(served_read_chain(TEXT("\x0b\0\0\x0e\0\0\0\x0a\0\0\4leaf\0\1\0"), true, &served));
}

static void test_certificates_over_the_limit_are_passed_over(void **state)
{
    struct buf list = BUF_INIT(1024), message = BUF_INIT(1024);
    struct served served;

    (void)state;
    for (size_t i = 0; i < LIMIT_SERVED_CERTS + 3; i++) {
        buf_put(&list, "\0\0\1c", 4);
    }
    buf_put(&message, "\x0b\0\0", 3);
    buf_put_byte(&message, (uint8_t)(list.size + 3));
    buf_put(&message, "\0\0", 2);
    buf_put_byte(&message, (uint8_t)list.size);
    buf_put_slice(&message, slice_of_buf(&list));
    assert_true(served_read_chain(slice_of_buf(&message), false, &served));
    assert_int_equal(served.cert_count, LIMIT_SERVED_CERTS);
    buf_deinit(&list);
    buf_deinit(&message);
}

static void test_a_status_of_tls_1_2_is_read(void **state)
{
    struct slice answer = SLICE_NULL;

    (void)state;
    assert_int_equal(served_read_status(TEXT("\x16\0\0\7\1\0\0\3abc"), &answer), SERVED_ANSWER);
    assert_is(answer, "abc");
    assert_int_equal(served_read_status(TEXT("\x16\0\0\4\1\0\0\0"), &answer), SERVED_ANSWER);
    assert_int_equal(answer.size, 0);
    assert_int_equal(served_read_status(TEXT("\x16\0\0\7\2\0\0\3abc"), &answer), SERVED_BROKEN);
    assert_int_equal(served_read_status(TEXT("\x16\0\0\x08\1\0\0\3abcd"), &answer), SERVED_BROKEN);
    assert_int_equal(served_read_status(TEXT("\x16\0\0\7\1\0\0\4abc"), &answer), SERVED_BROKEN);
    assert_int_equal(served_read_status(TEXT("\x16\0\0\0"), &answer), SERVED_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_of_tls_1_2_is_read),
        cmocka_unit_test(test_a_chain_of_tls_1_3_has_its_status_inside),
        cmocka_unit_test(test_only_the_status_of_the_leaf_counts),
        cmocka_unit_test(test_a_status_that_is_none_is_told_apart_from_none),
        cmocka_unit_test(test_lengths_that_do_not_fit_make_no_chain),
        cmocka_unit_test(test_certificates_over_the_limit_are_passed_over),
        cmocka_unit_test(test_a_status_of_tls_1_2_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
