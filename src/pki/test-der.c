/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "pki/der.h"

#define BYTES(...) slice_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool reads(struct slice input, uint8_t tag)
{
    struct der der = der_open(input);
    struct slice content;

    return der_read(&der, tag, &content) && der_end(&der);
}

static void test_elements_are_read_in_order(void **state)
{
    struct der der = der_open(BYTES(0x02, 0x01, 0x05, 0x04, 0x00)), inside;
    struct slice content;
    uint32_t value;

    (void)state;
    assert_int_equal(der_peek(&der), DER_INTEGER);
    assert_true(der_read_small(&der, DER_INTEGER, &value));
    assert_int_equal(value, 5);
    assert_false(der_end(&der));
    assert_false(der_read_optional(&der, DER_NULL, &content));
    assert_true(der_read_optional(&der, DER_OCTET_STRING, &content));
    assert_int_equal(content.size, 0);
    assert_true(der_end(&der));
    assert_false(der_more(&der));
    assert_int_equal(der_peek(&der), 0);

    der = der_open(BYTES(0x30, 0x02, 0x05, 0x00));
    inside = der_enter(&der, DER_SEQUENCE);
    assert_true(der_read(&inside, DER_NULL, &content));
    assert_true(der_end(&inside) && der_end(&der));
}

static void test_a_failure_stays(void **state)
{
    struct der der = der_open(BYTES(0x02, 0x01, 0x05));
    struct slice content;

    (void)state;
    assert_false(der_read(&der, DER_OCTET_STRING, &content));
    assert_false(der_read(&der, DER_INTEGER, &content));
    assert_false(der_end(&der));
    assert_false(der_more(&der));
    assert_false(der_read(&(struct der){0}, DER_INTEGER, &content));
    assert_true(der_end(&(struct der){0}));
}

static void test_lengths_are_definite_and_minimal(void **state)
{
    uint8_t large[3 + 0x80] = {0x04, 0x81, 0x80};

    (void)state;
    assert_true(reads(slice_of(large, sizeof(large)), DER_OCTET_STRING));
    assert_true(reads(BYTES(0x04, 0x01, 0xaa), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x81, 0x01, 0xaa), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x82, 0x00, 0x01, 0xaa), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x30, 0x80, 0x00, 0x00), DER_SEQUENCE));
    assert_false(reads(BYTES(0x04, 0x85, 0, 0, 0, 0, 1, 0xaa), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x84, 0xff, 0xff, 0xff, 0xff), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x02, 0xaa), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x81), DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04), DER_OCTET_STRING));
    assert_false(reads(SLICE_NULL, DER_OCTET_STRING));
    assert_false(reads(BYTES(0x04, 0x01, 0xaa, 0x00), DER_OCTET_STRING));
}

static void test_tags_of_many_octets_are_refused(void **state)
{
    (void)state;
    assert_false(reads(BYTES(0x1f, 0x01, 0x00), 0x1f));
    assert_false(reads(BYTES(0xbf, 0x01, 0x00), 0xbf));
}

static void test_nesting_is_bounded(void **state)
{
    uint8_t nested[40];
    struct der der;
    unsigned depth = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(nested); i += 2) {
        nested[i] = 0x30;
        nested[i + 1] = (uint8_t)(sizeof(nested) - i - 2);
    }
    der = der_open(slice_of(nested, sizeof(nested)));
    while (der_more(&der)) {
        der = der_enter(&der, DER_SEQUENCE);
        depth++;
    }
    assert_true(der.failed);
    assert_int_equal(depth, LIMIT_DER_DEPTH + 1);
}

static bool reads_bool(struct slice input)
{
    struct der der = der_open(input);
    bool value;

    return der_read_bool(&der, &value);
}

static void test_booleans_are_00_or_ff(void **state)
{
    (void)state;
    assert_true(reads_bool(BYTES(0x01, 0x01, 0x00)));
    assert_true(reads_bool(BYTES(0x01, 0x01, 0xff)));
    assert_false(reads_bool(BYTES(0x01, 0x01, 0x01)));
    assert_false(reads_bool(BYTES(0x01, 0x00)));
    assert_false(reads_bool(BYTES(0x01, 0x02, 0xff, 0xff)));
}

static bool reads_integer(struct slice input)
{
    struct der der = der_open(input);
    struct slice content;

    return der_read_integer(&der, &content);
}

static void test_integers_are_minimal(void **state)
{
    (void)state;
    assert_true(reads_integer(BYTES(0x02, 0x01, 0x00)));
    assert_true(reads_integer(BYTES(0x02, 0x01, 0x80)));
    assert_true(reads_integer(BYTES(0x02, 0x02, 0x00, 0x80)));
    assert_true(reads_integer(BYTES(0x02, 0x02, 0xff, 0x7f)));
    assert_false(reads_integer(BYTES(0x02, 0x00)));
    assert_false(reads_integer(BYTES(0x02, 0x02, 0x00, 0x7f)));
    assert_false(reads_integer(BYTES(0x02, 0x02, 0xff, 0x80)));
}

static bool reads_small(struct slice input, uint32_t *ret_value)
{
    struct der der = der_open(input);

    return der_read_small(&der, DER_INTEGER, ret_value);
}

static void test_small_numbers_are_not_negative_and_fit(void **state)
{
    uint32_t value = 0;

    (void)state;
    assert_true(reads_small(BYTES(0x02, 0x04, 0x7f, 0xff, 0xff, 0xff), &value));
    assert_int_equal(value, 0x7fffffff);
    assert_true(reads_small(BYTES(0x02, 0x02, 0x00, 0xff), &value));
    assert_int_equal(value, 255);
    assert_false(reads_small(BYTES(0x02, 0x01, 0xff), &value));
    assert_false(reads_small(BYTES(0x02, 0x05, 0x00, 0x80, 0x00, 0x00, 0x00), &value));
}

static bool reads_bits(struct slice input)
{
    struct der der = der_open(input);
    struct slice octets;

    return der_read_bits(&der, &octets);
}

static void test_bit_strings_have_no_unused_bits(void **state)
{
    (void)state;
    assert_true(reads_bits(BYTES(0x03, 0x02, 0x00, 0xaa)));
    assert_true(reads_bits(BYTES(0x03, 0x01, 0x00)));
    assert_false(reads_bits(BYTES(0x03, 0x02, 0x01, 0xaa)));
    assert_false(reads_bits(BYTES(0x03, 0x00)));
}

static bool reads_oid(struct slice input)
{
    struct der der = der_open(input);
    struct slice oid;

    return der_read_oid(&der, &oid);
}

static void test_object_identifiers_are_whole_and_minimal(void **state)
{
    (void)state;
    assert_true(reads_oid(BYTES(0x06, 0x03, 0x55, 0x1d, 0x0f)));
    assert_true(reads_oid(BYTES(0x06, 0x03, 0x2a, 0x86, 0x48)));
    assert_false(reads_oid(BYTES(0x06, 0x00)));
    assert_false(reads_oid(BYTES(0x06, 0x02, 0x2a, 0x86)));
    assert_false(reads_oid(BYTES(0x06, 0x03, 0x2a, 0x80, 0x01)));
    assert_false(reads_oid(BYTES(0x06, 0x01, 0x80)));
}

static bool reads_time(const char *text, uint8_t tag, int64_t *ret_wall_s)
{
    struct buf buf = BUF_INIT(64);
    struct der der;
    bool ok, generalized;
    int64_t ignored;

    buf_put_byte(&buf, tag);
    buf_put_byte(&buf, (uint8_t)text_length(text));
    buf_put_text(&buf, text);
    der = der_open(slice_of_buf(&buf));
    generalized = der_read_generalized_time(&der, &ignored);
    der = der_open(slice_of_buf(&buf));
    ok = der_read_time(&der, ret_wall_s);
    /* What one takes the other takes too, if only it is of the right type and not too old. */
    assert_int_equal(generalized, ok && tag == DER_GENERALIZED_TIME && *ret_wall_s >= 0);
    buf_deinit(&buf);
    return ok;
}

static void test_times_are_of_one_form_only(void **state)
{
    int64_t wall_s = 0;

    (void)state;
    assert_true(reads_time("19700101000000Z", DER_GENERALIZED_TIME, &wall_s));
    assert_int_equal(wall_s, 0);
    assert_true(reads_time("20260921141320Z", DER_GENERALIZED_TIME, &wall_s));
    assert_int_equal(wall_s, 1790000000);
    assert_true(reads_time("19691231235959Z", DER_GENERALIZED_TIME, &wall_s));
    assert_int_equal(wall_s, -1);
    assert_true(reads_time("99991231235959Z", DER_GENERALIZED_TIME, &wall_s));
    assert_true(reads_time("260921141320Z", DER_UTC_TIME, &wall_s));
    assert_int_equal(wall_s, 1790000000);
    assert_true(reads_time("491231235959Z", DER_UTC_TIME, &wall_s));
    assert_int_equal(wall_s, INT64_C(2524607999));
    assert_true(reads_time("500101000000Z", DER_UTC_TIME, &wall_s));
    assert_int_equal(wall_s, INT64_C(-631152000));
    assert_false(reads_time("20260921141320.5Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("202609211413Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("20260921141320+0000", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("20260921141320", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("20260229000000Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("20260921240000Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("20260921141360Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("2026092114132:Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("00000101000000Z", DER_GENERALIZED_TIME, &wall_s));
    assert_false(reads_time("2609211413Z", DER_UTC_TIME, &wall_s));
    assert_false(reads_time("", DER_UTC_TIME, &wall_s));
}

static void test_headers_written_are_read_back(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    struct buf buf = BUF_INIT(100000);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct der der;
        struct slice content;

        buf_clear(&buf);
        der_put_header(&buf, DER_OCTET_STRING, sizes[i]);
        buf_put_pad(&buf, buf.size + sizes[i], 'x');
        assert_int_equal(buf_status(&buf), 0);
        assert_int_equal(buf.size, der_element_size(sizes[i]));
        der = der_open(slice_of_buf(&buf));
        assert_true(der_read(&der, DER_OCTET_STRING, &content));
        assert_true(der_end(&der));
        assert_int_equal(content.size, sizes[i]);
    }
    buf_deinit(&buf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_are_read_in_order),
        cmocka_unit_test(test_a_failure_stays),
        cmocka_unit_test(test_lengths_are_definite_and_minimal),
        cmocka_unit_test(test_tags_of_many_octets_are_refused),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_booleans_are_00_or_ff),
        cmocka_unit_test(test_integers_are_minimal),
        cmocka_unit_test(test_small_numbers_are_not_negative_and_fit),
        cmocka_unit_test(test_bit_strings_have_no_unused_bits),
        cmocka_unit_test(test_object_identifiers_are_whole_and_minimal),
        cmocka_unit_test(test_times_are_of_one_form_only),
        cmocka_unit_test(test_headers_written_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
