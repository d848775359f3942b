/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/test-alloc.h"

static void test_slices_compare_by_content(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE_NULL, SLICE_NULL));
    assert_true(slice_equal(SLICE_NULL, slice_of("x", 0)));
    assert_true(slice_equal(slice_of("ab", 2), slice_of("abc", 2)));
    assert_false(slice_equal(slice_of("ab", 2), slice_of("abc", 3)));
    assert_false(slice_equal(slice_of("a\0b", 3), slice_of("a\0c", 3)));
}

static void test_text_ends_at_its_nul(void **state)
{
    (void)state;
    assert_int_equal(text_length(""), 0);
    assert_int_equal(text_length("abc\0def"), 3);
    assert_true(slice_equal(slice_of_text("abc"), slice_of("abcd", 3)));
    assert_true(text_equal("", ""));
    assert_true(text_equal("abc", "abc"));
    assert_false(text_equal("abc", "abd"));
    assert_false(text_equal("abc", "abcd"));
    assert_true(text_starts_with("http://x", "http://"));
    assert_true(text_starts_with("http", ""));
    assert_true(text_starts_with("", ""));
    assert_false(text_starts_with("htt", "http"));
    assert_false(text_starts_with("ftp://", "http"));
}

static void test_new_buffer_is_empty_text(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_status(&buf), 0);
    assert_int_equal(slice_of_buf(&buf).size, 0);
    buf_clear(&buf);
    buf_put(&buf, NULL, 0);
    assert_int_equal(buf_status(&buf), 0);
    buf_deinit(&buf);
    buf_deinit(&buf);
}

static void test_puts_append(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_put(&buf, "ab", 2);
    buf_put_text(&buf, "cd");
    buf_put_byte(&buf, 'e');
    buf_put_slice(&buf, slice_of("fgh", 2));
    buf_put_slice(&buf, SLICE_NULL);
    buf_put(&buf, "\0!", 2);
    assert_int_equal(buf.size, 9);
    assert_memory_equal(buf.data, "abcdefg\0!", 10);
    assert_int_equal(buf_status(&buf), 0);
    buf_deinit(&buf);
}

static void test_cap_is_reached_exactly(void **state)
{
    struct buf buf = BUF_INIT(4);

    (void)state;
    buf_put_text(&buf, "abcd");
    assert_int_equal(buf_status(&buf), 0);
    buf_put(&buf, NULL, 0);
    assert_int_equal(buf_status(&buf), 0);
    buf_put_byte(&buf, 'e');
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    assert_string_equal(buf_text(&buf), "abcd");
    buf_deinit(&buf);
}

static void test_first_failure_stays(void **state)
{
    struct buf buf = BUF_INIT(4);

    (void)state;
    buf_put_text(&buf, "ab");
    buf_put_text(&buf, "cdef"); /* does not fit: nothing of it is put */
    buf_put_text(&buf, "x");    /* would fit */
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    assert_string_equal(buf_text(&buf), "ab");
    assert_null(buf_reserve(&buf, 1));
    buf_clear(&buf);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), "");
    buf_put_text(&buf, "x");
    assert_string_equal(buf_text(&buf), "x");
    buf_deinit(&buf);
}

static void test_deinit_forgets_but_keeps_the_cap(void **state)
{
    struct buf buf = BUF_INIT(4);

    (void)state;
    buf_put_text(&buf, "abcde");
    buf_deinit(&buf);
    assert_int_equal(buf_status(&buf), 0);
    assert_int_equal(buf.max, 4);
    buf_put_text(&buf, "abcd");
    assert_string_equal(buf_text(&buf), "abcd");
    buf_deinit(&buf);
}

static void test_huge_sizes_do_not_wrap(void **state)
{
    struct buf buf = BUF_INIT(SIZE_MAX);

    (void)state;
    buf_put_text(&buf, "ab");
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    buf_clear(&buf);
    buf_put_text(&buf, "ab");
    assert_null(buf_reserve(&buf, SIZE_MAX - 2)); /* with the NUL that is one too many */
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    buf_deinit(&buf);
}

static void test_reserved_room_becomes_text(void **state)
{
    struct buf buf = BUF_INIT(100);
    uint8_t *room;

    (void)state;
    buf_put_text(&buf, "ab");
    room = buf_reserve(&buf, 50);
    assert_non_null(room);
    memset(room, 'x', 50);
    assert_int_equal(buf.size, 2);
    buf.size += 3; /* less than was asked for, as after a short read */
    assert_string_equal(buf_text(&buf), "abxxx");
    room = buf_reserve(&buf, 2);
    assert_non_null(room);
    memset(room, 'y', 2);
    buf.size += 2;
    assert_string_equal(buf_text(&buf), "abxxxyy");
    buf_deinit(&buf);
}

static void test_every_failed_allocation_is_told(void **state)
{
    struct buf buf = BUF_INIT(1000);

    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        alloc_fail(n);
        for (int i = 0; i < 200; i++) {
            buf_put_byte(&buf, 'x');
        }
        assert_true(alloc_failed());
        assert_int_equal(buf_status(&buf), -ENOMEM);
        assert_true(buf.size < 200);
        assert_int_equal(text_length(buf_text(&buf)), buf.size);
        buf_deinit(&buf);
    }
    alloc_fail(1);
    assert_null(text_copy(slice_of("abc", 3)));
    alloc_fail(0);
}

static void test_integers_are_printed_as_libc_does(void **state)
{
    static const int64_t fixed[] = {0, 1, -1, 9, 10, -10, 99, 100, INT64_MAX, INT64_MIN};
    struct rng rng = {1};

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        int64_t value = i < ARRAY_SIZE(fixed)
                            ? fixed[i]
                            : (int64_t)(rng_next(&rng) >> rng_below(&rng, 64)) * (i % 2 ? 1 : -1);
        struct buf buf = BUF_INIT(30);
        char want[30];
        int n = snprintf(want, sizeof(want), "%" PRId64, value);

        assert_in_range(n, 1, sizeof(want) - 1);
        buf_put_int(&buf, value);
        assert_string_equal(buf_text(&buf), want);
        buf_deinit(&buf);
    }
}

static void test_hex_is_lower_case(void **state)
{
    struct buf buf = BUF_INIT(30);

    (void)state;
    buf_put_hex(&buf, SLICE_NULL);
    assert_string_equal(buf_text(&buf), "");
    buf_put_hex(&buf, slice_of("\x00\x01\xab\xff", 4));
    assert_string_equal(buf_text(&buf), "0001abff");
    buf_deinit(&buf);
}

/* RFC 4648 section 10. */
static void test_base64_gives_the_vectors_of_the_rfc(void **state)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf buf = BUF_INIT(30);

        buf_put_base64(&buf, slice_of_text(vectors[i][0]));
        assert_string_equal(buf_text(&buf), vectors[i][1]);
        buf_clear(&buf);
        assert_true(buf_put_base64_decoded(&buf, slice_of_text(vectors[i][1])));
        assert_string_equal(buf_text(&buf), vectors[i][0]);
        buf_deinit(&buf);
    }
}

static void test_base64_comes_back_as_it_went(void **state)
{
    struct rng rng = {64};

    (void)state;
    for (size_t size = 0; size < 300; size++) {
        struct buf text = BUF_INIT(1000), back = BUF_INIT(1000);
        uint8_t bytes[300];

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)rng_next(&rng);
        }
        buf_put_base64(&text, slice_of(bytes, size));
        assert_int_equal(text.size, (size + 2) / 3 * 4);
        assert_true(buf_put_base64_decoded(&back, slice_of_buf(&text)));
        assert_true(slice_equal(slice_of_buf(&back), slice_of(bytes, size)));
        buf_deinit(&text);
        buf_deinit(&back);
    }
}

static void test_base64_with_white_space_is_read(void **state)
{
    struct buf buf = BUF_INIT(30);

    (void)state;
    assert_true(buf_put_base64_decoded(&buf, slice_of_text(" Zm\r\n9v\tYg=\n=\n")));
    assert_string_equal(buf_text(&buf), "foob");
    buf_deinit(&buf);
}

static void test_what_is_not_base64_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Z",        "Zm",       "Zm9",   "Zm9vY",  "=",
        "====",     "Z===",     "Zg=",   "Zg=g",   "Zg==Zg==",
        "Zm9v====", "Zg======", "Zm9-",  "Zm9_",   "Zm.v",
        "=Zm9",     "Zm=v",     "Zm9v=", "Zm9v==", "\xff\xff\xff\xff",
        "Zm9v\x01",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct buf buf = BUF_INIT(30);

        if (buf_put_base64_decoded(&buf, slice_of_text(wrong[i]))) {
            fail_msg("taken for base64: %s", wrong[i]);
        }
        buf_deinit(&buf);
    }
}

static void test_nul_is_not_base64(void **state)
{
    struct buf buf = BUF_INIT(30);

    (void)state;
    assert_false(buf_put_base64_decoded(&buf, slice_of("Zm9\0", 4)));
    buf_deinit(&buf);
}

static void test_decoding_stops_at_the_cap(void **state)
{
    struct buf buf = BUF_INIT(4);

    (void)state;
    (void)buf_put_base64_decoded(&buf, slice_of_text("Zm9vYmFy"));
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    assert_string_equal(buf_text(&buf), "foo");
    buf_deinit(&buf);
}

static void test_padding_fills_up_to_a_column(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    buf_put_text(&buf, "ab");
    buf_put_pad(&buf, 5, '.');
    assert_string_equal(buf_text(&buf), "ab...");
    buf_put_pad(&buf, 3, '.');
    assert_string_equal(buf_text(&buf), "ab...");
    buf_put_pad(&buf, SIZE_MAX, ' '); /* ends at the cap */
    assert_int_equal(buf_status(&buf), BUF_E_FULL);
    assert_int_equal(buf.size, 10);
    buf_deinit(&buf);
}

static void test_foreign_text_is_made_printable(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_put_printable(&buf, slice_of("a\x1b[31m\n\x7f\xc3\xa9~ \0z", 14), 100);
    assert_string_equal(buf_text(&buf), "a?[31m????~ ?z");
    buf_clear(&buf);
    buf_put_printable(&buf, slice_of_text("abcdef"), 6);
    assert_string_equal(buf_text(&buf), "abcdef");
    buf_clear(&buf);
    buf_put_printable(&buf, slice_of_text("abcdefg"), 6);
    assert_string_equal(buf_text(&buf), "abcdef...");
    buf_deinit(&buf);
}

static void test_copy_has_a_nul_behind_it(void **state)
{
    char *copy = text_copy(slice_of("abcdef", 3));
    char *empty = text_copy(SLICE_NULL);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

static void test_steal_leaves_nothing_behind(void **state)
{
    char *owner = text_copy(slice_of("x", 1));
    _cleanup_(freep)
    char *thief = steal(&owner);

    (void)state;
    assert_null(owner);
    assert_string_equal(thief, "x");
}

static void test_outcome_that_nobody_handled_becomes_fatal(void **state)
{
    (void)state;
    assert_int_equal(error_trace(-ENOMEM), -ENOMEM);
    assert_int_equal(error_trace(BUF_E_FULL), -ENOTRECOVERABLE);
}

static void test_user_of_a_url_is_found(void **state)
{
    static const struct {
        const char *url;
        const char *user;
    } cases[] = {
        {"http://me:pass@one.example/x", "me:pass"},
        {"http://me@one.example", "me"},
        {"http://a@b@one.example?x", "a@b"},
        {"HTTPS://:p@[::1]:80/", ":p"},
        {"http://@one.example/", ""},
        {"http://one.example/me@x", ""},
        {"http://one.example?me@x", ""},
        {"http://one.example#me@x", ""},
        {"http://one.example", ""},
        {"mailto:me@one.example", ""},
        {"http://", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice user = url_find_user(cases[i].url);

        assert_true(slice_equal(user, slice_of_text(cases[i].user)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_compare_by_content),
        cmocka_unit_test(test_text_ends_at_its_nul),
        cmocka_unit_test(test_new_buffer_is_empty_text),
        cmocka_unit_test(test_puts_append),
        cmocka_unit_test(test_cap_is_reached_exactly),
        cmocka_unit_test(test_first_failure_stays),
        cmocka_unit_test(test_deinit_forgets_but_keeps_the_cap),
        cmocka_unit_test(test_huge_sizes_do_not_wrap),
        cmocka_unit_test(test_reserved_room_becomes_text),
        cmocka_unit_test(test_every_failed_allocation_is_told),
        cmocka_unit_test(test_integers_are_printed_as_libc_does),
        cmocka_unit_test(test_hex_is_lower_case),
        cmocka_unit_test(test_base64_gives_the_vectors_of_the_rfc),
        cmocka_unit_test(test_base64_comes_back_as_it_went),
        cmocka_unit_test(test_base64_with_white_space_is_read),
        cmocka_unit_test(test_what_is_not_base64_is_refused),
        cmocka_unit_test(test_nul_is_not_base64),
        cmocka_unit_test(test_decoding_stops_at_the_cap),
        cmocka_unit_test(test_padding_fills_up_to_a_column),
        cmocka_unit_test(test_foreign_text_is_made_printable),
        cmocka_unit_test(test_copy_has_a_nul_behind_it),
        cmocka_unit_test(test_user_of_a_url_is_found),
        cmocka_unit_test(test_steal_leaves_nothing_behind),
        cmocka_unit_test(test_outcome_that_nobody_handled_becomes_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
