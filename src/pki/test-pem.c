/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "pki/cert.h"

/* Not a certificate, but one DER element: SEQUENCE { NULL }. */
#define BODY "MAIFAA==\n"
#define CERT "-----BEGIN CERTIFICATE-----\n" BODY "-----END CERTIFICATE-----\n"
#define KEY  "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"

/* The blocks of @text must be @expected, which ends with PEM_END. */
static void assert_blocks(struct slice text, const int expected[])
{
    struct pem pem = pem_open(text);
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    static const uint8_t body[] = {0x30, 0x02, 0x05, 0x00};

    for (size_t i = 0;; i++) {
        int block = pem_next(&pem, &der);

        assert_int_equal(block, expected[i]);
        if (block == PEM_CERTIFICATE) {
            assert_true(slice_equal(slice_of_buf(&der), slice_of(body, sizeof(body))));
        } else {
            assert_int_equal(der.size, 0);
        }
        if (block == PEM_END) {
            break;
        }
    }
    buf_deinit(&der);
}

#define ASSERT_BLOCKS(text_, ...)                                                                  \
    assert_blocks(slice_of_text(text_), (const int[]){__VA_ARGS__, PEM_END})

static void test_certificates_are_found_among_text_and_keys(void **state)
{
    (void)state;
    ASSERT_BLOCKS(CERT, PEM_CERTIFICATE);
    ASSERT_BLOCKS("subject=CN = x\n\n" CERT KEY "more text\n" CERT "end", PEM_CERTIFICATE, PEM_KEY,
                  PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n" CERT,
                  PEM_OTHER, PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN X509 CERTIFICATE-----\n" BODY "-----END X509 CERTIFICATE-----\n",
                  PEM_CERTIFICATE);
}

static void test_line_ends_of_every_kind_are_taken(void **state)
{
    (void)state;
    ASSERT_BLOCKS(
        "x\r\n-----BEGIN CERTIFICATE-----\r\nMAIFAA==\r\n-----END CERTIFICATE-----\r\n" CERT,
        PEM_CERTIFICATE, PEM_CERTIFICATE);
    ASSERT_BLOCKS("x\r-----BEGIN CERTIFICATE-----\rMAIFAA==\r-----END CERTIFICATE-----",
                  PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\n MAIF\n\n AA== \n-----END CERTIFICATE-----",
                  PEM_CERTIFICATE);
}

static void test_files_joined_without_newline_are_read(void **state)
{
    (void)state;
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\n" BODY "-----END CERTIFICATE-----" CERT,
                  PEM_CERTIFICATE, PEM_CERTIFICATE);
}

static void test_trust_settings_are_cut_off(void **state)
{
    (void)state;
    ASSERT_BLOCKS("-----BEGIN TRUSTED CERTIFICATE-----\nMAIFADAEBgJBQQ==\n"
                  "-----END TRUSTED CERTIFICATE-----\n",
                  PEM_CERTIFICATE);
}

static void test_broken_blocks_do_not_hide_good_ones(void **state)
{
    (void)state;
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMAIF\n" CERT, PEM_BROKEN, PEM_CERTIFICATE);
    ASSERT_BLOCKS(CERT "-----BEGIN CERTIFICATE-----\nMAIF\n", PEM_CERTIFICATE, PEM_BROKEN);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n" CERT, PEM_BROKEN,
                  PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMAIFA\n-----END CERTIFICATE-----\n" CERT,
                  PEM_BROKEN, PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" CERT, PEM_BROKEN,
                  PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\n" BODY "-----END PRIVATE KEY-----\n" CERT,
                  PEM_BROKEN, PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMAIF\n-----\n" CERT, PEM_BROKEN, PEM_CERTIFICATE);
}

static void test_text_that_only_speaks_of_pem_is_no_block(void **state)
{
    (void)state;
    ASSERT_BLOCKS("# a -----BEGIN CERTIFICATE----- stands first\n" CERT, PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN CERTIFICATE\n" CERT, PEM_CERTIFICATE);
    ASSERT_BLOCKS("-----BEGIN ", PEM_END);
    ASSERT_BLOCKS("-----BEGIN \n-----", PEM_END);
    ASSERT_BLOCKS("", PEM_END);
    assert_blocks(SLICE_NULL, (const int[]){PEM_END});
}

static void test_keys_are_never_decoded(void **state)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem = pem_open(slice_of_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAIFAA==\n-----END ENCRYPTED PRIVATE KEY-----\n"
        "-----BEGIN PRIVATE KEY-----\nMAIFAA==\n-----END PRIVATE KEY-----\n"));

    (void)state;
    assert_int_equal(pem_next(&pem, &der), PEM_KEY);
    assert_int_equal(pem_next(&pem, &der), PEM_KEY);
    assert_null(der.data);
    assert_int_equal(pem_next(&pem, &der), PEM_END);
}

static void test_a_certificate_over_the_cap_is_broken(void **state)
{
    struct buf text = BUF_INIT(LIMIT_CERT_FILE_SIZE), der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem;

    (void)state;
    buf_put_text(&text, "-----BEGIN CERTIFICATE-----\n");
    buf_put_pad(&text, text.size + LIMIT_CERT_SIZE * 4 / 3 + 8, 'A');
    buf_put_text(&text, "\n-----END CERTIFICATE-----\n" CERT);
    pem = pem_open(slice_of_buf(&text));
    assert_int_equal(pem_next(&pem, &der), PEM_BROKEN);
    assert_int_equal(pem_next(&pem, &der), PEM_CERTIFICATE);
    assert_int_equal(pem_next(&pem, &der), PEM_END);
    buf_deinit(&text);
    buf_deinit(&der);
}

/* A reader that looks for the END of each BEGIN anew would need minutes for these. */
static void test_a_megabyte_of_marks_is_read_in_no_time(void **state)
{
    static const char *const marks[] = {"-----BEGIN CERTIFICATE-----\n",
                                        "-----BEGIN \n",
                                        "-----BEGIN -----BEGIN ",
                                        "----------BEGIN X-----",
                                        "\n-----END CERTIFICATE-----",
                                        "-----",
                                        "\n-----BEGIN AAAA"};
    struct buf text = BUF_INIT(LIMIT_CERT_FILE_SIZE), der = BUF_INIT(LIMIT_CERT_SIZE);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        size_t blocks = 0;
        struct pem pem;
        int block;

        buf_clear(&text);
        while (text.size + 64 < LIMIT_CERT_FILE_SIZE) {
            buf_put_text(&text, marks[i]);
        }
        pem = pem_open(slice_of_buf(&text));
        do {
            block = pem_next(&pem, &der);
            assert_true(block == PEM_END || block == PEM_BROKEN || block == PEM_OTHER);
            blocks++;
        } while (block != PEM_END);
        assert_true(blocks <= text.size / 11 + 1);
    }
    buf_deinit(&text);
    buf_deinit(&der);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_are_found_among_text_and_keys),
        cmocka_unit_test(test_line_ends_of_every_kind_are_taken),
        cmocka_unit_test(test_files_joined_without_newline_are_read),
        cmocka_unit_test(test_trust_settings_are_cut_off),
        cmocka_unit_test(test_broken_blocks_do_not_hide_good_ones),
        cmocka_unit_test(test_text_that_only_speaks_of_pem_is_no_block),
        cmocka_unit_test(test_keys_are_never_decoded),
        cmocka_unit_test(test_a_certificate_over_the_cap_is_broken),
        cmocka_unit_test(test_a_megabyte_of_marks_is_read_in_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
