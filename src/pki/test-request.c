/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/cert.h"
#include "pki/request.h"
#include "pki/test-mint.h"

static struct crypto *crypto;

static struct cert_facts *facts_for(X509 *leaf, X509 *ca)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_facts *facts = NULL;
    struct issuer *issuer = NULL;
    struct cert_view view;
    const char *fault;

    assert_int_equal(issuer_new(&issuer, crypto, mint_der(ca, &der)), 0);
    assert_int_equal(cert_read(mint_der(leaf, &der), &view, &fault), 0);
    assert_int_equal(cert_facts_new(&facts, crypto, &view, issuer), 0);
    issuer_free(issuer);
    buf_deinit(&der);
    return facts;
}

/* Our request and CertID for a leaf against those of libcrypto, which `openssl ocsp -no_nonce`
 * sends too. */
static void assert_same_as_openssl(enum mint_key ca_key, const char *serial_hex)
{
    X509 *ca = mint_cert(&(struct mint_cert){.name = "CA",
                                             .key = ca_key,
                                             .issuer_key = ca_key,
                                             .extensions = {{"basicConstraints", "CA:TRUE"}}});
    X509 *leaf = mint_cert(&(struct mint_cert){.name = "x",
                                               .key = MINT_EC_OTHER,
                                               .issuer_key = ca_key,
                                               .issuer = ca,
                                               .serial_hex = serial_hex});
    struct cert_facts *facts = facts_for(leaf, ca);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, ca);
    struct buf ours = BUF_INIT(1000);
    unsigned char *theirs = NULL;
    int size;

    request_put_certid(&ours, facts);
    size = i2d_OCSP_CERTID(id, &theirs);
    assert_int_equal(ours.size, size);
    assert_memory_equal(ours.data, theirs, ours.size);
    OPENSSL_free(theirs);
    theirs = NULL;

    buf_clear(&ours);
    assert_non_null(OCSP_request_add0_id(request, id)); /* takes it over */
    request_encode(&ours, facts);
    size = i2d_OCSP_REQUEST(request, &theirs);
    assert_int_equal(ours.size, size);
    assert_memory_equal(ours.data, theirs, ours.size);
    OPENSSL_free(theirs);

    OCSP_REQUEST_free(request);
    buf_deinit(&ours);
    free(facts);
    X509_free(leaf);
    X509_free(ca);
}

static void test_requests_are_those_of_openssl(void **state)
{
    static const char *const serials[] = {
        "0",
        "1",
        "80",
        "-1",
        "-80",
        "-FF",
        "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "7F00000000000000000000000000000000000000000000000000000000000001",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
        assert_same_as_openssl(MINT_EC, serials[i]);
    }
    assert_same_as_openssl(MINT_RSA, "1234");
    assert_same_as_openssl(MINT_ED25519, "1234");
}

static void assert_url(const char *url, struct slice request, const char *expected)
{
    struct buf get = BUF_INIT(LIMIT_URL_SIZE);

    if (!expected) {
        assert_false(request_get_url(&get, url, request));
        assert_string_equal(buf_text(&get), "");
    } else {
        assert_true(request_get_url(&get, url, request));
        assert_string_equal(buf_text(&get), expected);
    }
    buf_deinit(&get);
}

static void test_get_urls_have_one_slash_and_escaped_base64(void **state)
{
    static const uint8_t odd[] = {0xfb, 0xff, 0xbf, 0x01};
    struct slice request = slice_of(odd, sizeof(odd)); /* "+/+/AQ==" */

    (void)state;
    assert_url("http://a.example", request, "http://a.example/%2B%2F%2B%2FAQ%3D%3D");
    assert_url("http://a.example/", request, "http://a.example/%2B%2F%2B%2FAQ%3D%3D");
    assert_url("http://a.example/o/c", request, "http://a.example/o/c/%2B%2F%2B%2FAQ%3D%3D");
}

static void test_urls_that_get_cannot_carry_are_posted_to(void **state)
{
    static const uint8_t odd[] = {0xfb, 0xff, 0xbf, 0x01};
    struct slice request = slice_of(odd, sizeof(odd));

    (void)state;
    assert_url("http://a.example/?x=1", request, NULL);
    assert_url("http://a.example/#x", request, NULL);
    assert_url("", request, NULL);
}

/* RFC 9919: GET up to 255 octets, "inclusive of the scheme and delimiters"; POST above. */
static void test_the_255th_octet_still_goes_by_get(void **state)
{
    static const uint8_t zeros[3] = {0};
    struct buf url = BUF_INIT(LIMIT_URL_SIZE), get = BUF_INIT(LIMIT_URL_SIZE);
    struct slice request = slice_of(zeros, sizeof(zeros)); /* four octets of base64 */

    (void)state;
    buf_put_text(&url, "http://a.example/");
    buf_put_pad(&url, LIMIT_GET_URL_SIZE - 5, 'x');
    assert_true(request_get_url(&get, buf_text(&url), request));
    assert_int_equal(get.size, LIMIT_GET_URL_SIZE);
    buf_put_byte(&url, 'x');
    assert_false(request_get_url(&get, buf_text(&url), request));
    buf_put_pad(&url, LIMIT_URL_SIZE - 1, 'x');
    assert_false(request_get_url(&get, buf_text(&url), request));
    buf_deinit(&url);
    buf_deinit(&get);
}

static int setup(void **state)
{
    (void)state;
    return crypto_new(&crypto);
}

static int teardown(void **state)
{
    (void)state;
    crypto = crypto_free(crypto);
    mint_deinit();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_those_of_openssl),
        cmocka_unit_test(test_get_urls_have_one_slash_and_escaped_base64),
        cmocka_unit_test(test_urls_that_get_cannot_carry_are_posted_to),
        cmocka_unit_test(test_the_255th_octet_still_goes_by_get),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
