/* SPDX-License-Identifier: Apache-2.0 */

/* Keys and names that are read, and not by everybody. What is odd about extensions is in
 * test-delegate.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/der.h"
#include "pki/quirks.h"

#define RSA     "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define RSA_PSS "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define EC      "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x03\x2a\x03\x04"
#define BYTES(text_)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }
#define NAMED BYTES("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x")

static unsigned quirks_with(struct slice subject, struct slice algorithm, struct slice bits)
{
    struct buf spki = BUF_INIT(256);
    struct cert_view cert = {
        .tbs = BYTES("\x30\x00"), .subject = subject, .key_bits = bits, .version = 3};
    unsigned quirks;

    der_put_header(&spki, DER_SEQUENCE,
                   der_element_size(algorithm.size) + der_element_size(1 + bits.size));
    der_put_header(&spki, DER_SEQUENCE, algorithm.size);
    buf_put_slice(&spki, algorithm);
    der_put_header(&spki, DER_BIT_STRING, 1 + bits.size);
    buf_put_byte(&spki, 0);
    buf_put_slice(&spki, bits);
    cert.spki = slice_of_buf(&spki);
    quirks = quirks_of(&cert);
    buf_deinit(&spki);
    return quirks;
}

static void test_keys_that_are_not_written_as_usual_are_told(void **state)
{
    static const struct {
        struct slice algorithm, bits;
        unsigned quirks;
    } rows[] = {
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x06\x02\x01\x05\x02\x01\x03"), 0},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x07\x02\x02\x00\x85\x02\x01\x03"), 0},
        {BYTES(RSA), BYTES("\x30\x06\x02\x01\x05\x02\x01\x03"), QUIRK_RSA_KEY},
        {BYTES(RSA_PSS), BYTES("\x30\x06\x02\x01\x05\x02\x01\x03"), QUIRK_RSA_KEY},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x06\x02\x01\x85\x02\x01\x03"), QUIRK_RSA_KEY},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x06\x02\x01\x05\x02\x01\x83"), QUIRK_RSA_KEY},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x07\x02\x02\x00\x05\x02\x01\x03"), QUIRK_LONG_NUMBERS},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x07\x02\x01\x05\x02\x02\x00\x03"), QUIRK_LONG_NUMBERS},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x81\x06\x02\x01\x05\x02\x01\x03"), QUIRK_LONG_NUMBERS},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x0e\x02\x01\x05\x02\x09\x00\x80\0\0\0\0\0\0\x01"), 0},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x0e\x02\x01\x05\x02\x09\x01\0\0\0\0\0\0\0\x01"),
         QUIRK_LONG_NUMBERS},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x06\x02\x01\x05\x02\x01\x03\x00"), QUIRK_KEY_FORM},
        {BYTES(RSA "\x05\x00"), BYTES("\x30\x08\x02\x01\x05\x02\x01\x03\x05\x00"), QUIRK_KEY_FORM},
        {BYTES(EC), BYTES("\x04xy"), 0},
        {BYTES(EC), BYTES("\x02x"), QUIRK_KEY_FORM},
        {BYTES(EC), BYTES("\x03x"), QUIRK_KEY_FORM},
        {BYTES(EC), BYTES("\x06xy"), QUIRK_KEY_FORM},
        {BYTES("\x06\x03\x2b\x65\x70"), BYTES("x"), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(quirks_with((struct slice)NAMED, rows[i].algorithm, rows[i].bits),
                         rows[i].quirks);
    }
}

#define CN_A "\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x61"
#define CN_B "\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x62"

static void test_names_that_are_not_der_are_told(void **state)
{
    static const struct {
        struct slice subject;
        unsigned quirks;
    } rows[] = {
        {NAMED, 0},
        {BYTES("\x30\x16\x31\x14" CN_A CN_B), 0},
        {BYTES("\x30\x16\x31\x14" CN_A CN_A), 0},
        {BYTES("\x30\x16\x31\x14" CN_B CN_A), QUIRK_NAME_ORDER},
        {BYTES("\x30\x18\x31\x0a" CN_B "\x31\x0a" CN_A), 0}, /* parts keep the order they have */
        {BYTES("\x30\x00"), QUIRK_NO_NAME},
        {BYTES("\x30\x02\x31\x00"), QUIRK_NO_NAME},
        {BYTES("\x30\x13\x31\x11\x30\x0f\x06\x0a\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01\x0c\x01x"),
         QUIRK_LONG_OID},
        {BYTES("\x30\x12\x31\x10\x30\x0e\x06\x09\x81\x81\x81\x81\x81\x81\x81\x81\x01\x0c\x01x"), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(
            quirks_with(rows[i].subject, (struct slice)BYTES(EC), (struct slice)BYTES("\x04xy")),
            rows[i].quirks);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_not_written_as_usual_are_told),
        cmocka_unit_test(test_names_that_are_not_der_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
