/* SPDX-License-Identifier: Apache-2.0 */

/* What the simulated authorities sign, judged by OpenSSL and by pki/. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/request.h"
#include "pki/signer.h"
#include "pki/test-mint.h"
#include "sim/der-mint.h"

#define YEAR_S   INT64_C(31536000)
#define URL      "http://r0.example"
#define CA_CERTS "http://ca.example/ca.der"

static const struct window valid = {MINT_NOW - YEAR_S, MINT_NOW + YEAR_S};
static const char *const urls[] = {URL, "http://r1.example/ocsp/"};

struct shop {
    struct crypto *crypto;
    struct signer *signer;
    struct dermint_ca *ca;
    struct issuer *issuer;
    struct buf leaf;
    struct cert_facts *facts;
    X509 *x509; /* the authority, as OpenSSL reads it */
    struct buf answer;
};

static struct dermint_leaf leaf_spec(void)
{
    return (struct dermint_leaf){.name = "a.example",
                                 .number = 7,
                                 .valid = valid,
                                 .urls = urls,
                                 .url_count = 2,
                                 .issuer_url = CA_CERTS,
                                 .must_staple = true};
}

static int open_shop(void **state)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    struct dermint_leaf leaf = leaf_spec();
    struct cert_view view;
    const unsigned char *at;
    const char *fault;

    assert_non_null(shop);
    shop->leaf = BUF_INIT(8192);
    shop->answer = BUF_INIT(LIMIT_ANSWER_SIZE);
    assert_int_equal(crypto_new(&shop->crypto), 0);
    assert_int_equal(signer_new(&shop->signer, shop->crypto), 0);
    shop->ca = dermint_ca_new(shop->crypto, "Simulated CA", valid);
    assert_int_equal(issuer_new(&shop->issuer, shop->crypto, slice_of_buf(&shop->ca->der)), 0);
    dermint_put_leaf(&shop->leaf, shop->ca, &leaf);
    assert_int_equal(cert_read(slice_of_buf(&shop->leaf), &view, &fault), 0);
    assert_int_equal(cert_facts_new(&shop->facts, shop->crypto, &view, shop->issuer), 0);
    at = shop->ca->der.data;
    shop->x509 = d2i_X509(NULL, &at, (long)shop->ca->der.size);
    assert_non_null(shop->x509);
    *state = shop;
    return 0;
}

static int close_shop(void **state)
{
    struct shop *shop = *state;

    X509_free(shop->x509);
    free(shop->facts);
    issuer_free(shop->issuer);
    dermint_ca_free(shop->ca);
    signer_free(shop->signer);
    crypto_free(shop->crypto);
    buf_deinit(&shop->leaf);
    buf_deinit(&shop->answer);
    free(shop);
    return 0;
}

static const struct dermint_single good = {.number = 7,
                                           .status = CERT_STATUS_GOOD,
                                           .this_update_s = MINT_NOW - 3600,
                                           .next_update_s = MINT_NOW + 4 * MINT_DAY_S,
                                           .reason = -1};

static struct dermint_answer answer_spec(const struct shop *shop,
                                         const struct dermint_single *single)
{
    return (struct dermint_answer){
        .ca = shop->ca, .singles = single, .single_count = 1, .produced_at_s = MINT_NOW - 1800};
}

/* What pki/ says, and whether OpenSSL accepts the signature. */
static struct ocsp_facts judge(struct shop *shop, const struct dermint_answer *spec,
                               bool *ret_accepted)
{
    struct response_view view;
    struct ocsp_facts facts;

    dermint_put_answer(&shop->answer, spec);
    response_read(slice_of_buf(&shop->answer), shop->facts, shop->issuer, &facts, &view);
    assert_int_equal(facts.form, REASON_GOOD);
    signer_check(shop->signer, &view, shop->issuer, &facts, NULL);
    *ret_accepted = mint_oracle(slice_of_buf(&shop->answer), shop->x509);
    return facts;
}

static void test_certificates_are_read_and_verified(void **state)
{
    struct shop *shop = *state;
    const unsigned char *at = shop->leaf.data;
    X509 *leaf = d2i_X509(NULL, &at, (long)shop->leaf.size);
    struct cert_view view;
    const char *fault;

    assert_non_null(leaf);
    assert_int_equal(X509_verify(leaf, X509_get0_pubkey(shop->x509)), 1);
    assert_int_equal(X509_check_issued(shop->x509, leaf), X509_V_OK);
    X509_free(leaf);
    assert_int_equal(cert_read(slice_of_buf(&shop->leaf), &view, &fault), 0);
    assert_true(issuer_signed(shop->crypto, shop->issuer, &view));
    assert_int_equal(view.issuer_url_count, 1);
    assert_string_equal(shop->facts->name, "a.example");
    assert_int_equal(shop->facts->url_count, 2);
    assert_string_equal(shop->facts->urls[1], urls[1]);
    assert_true(shop->facts->must_staple);
    assert_true(shop->facts->has_issuer);
    assert_int_equal(shop->facts->not_before_s, valid.from_s);
    assert_int_equal(shop->facts->not_after_s, valid.until_s);
}

static void test_dates_beyond_2049_are_read_back(void **state)
{
    struct shop *shop = *state;
    struct dermint_leaf spec = leaf_spec();
    struct buf leaf = BUF_INIT(8192);
    struct cert_view view;
    const char *fault;

    spec.valid.until_s = INT64_C(2600000000);
    dermint_put_leaf(&leaf, shop->ca, &spec);
    assert_int_equal(cert_read(slice_of_buf(&leaf), &view, &fault), 0);
    assert_int_equal(view.not_after_s, spec.valid.until_s);
    buf_deinit(&leaf);
}

static void test_the_same_arguments_give_the_same_octets(void **state)
{
    struct shop *shop = *state;
    struct dermint_answer spec = answer_spec(shop, &good);
    struct dermint_leaf leaf = leaf_spec();
    struct dermint_ca *twin = dermint_ca_new(shop->crypto, "Simulated CA", valid);
    struct buf again = BUF_INIT(LIMIT_ANSWER_SIZE);

    dermint_put_leaf(&again, twin, &leaf);
    assert_true(slice_equal(slice_of_buf(&again), slice_of_buf(&shop->leaf)));
    dermint_put_answer(&shop->answer, &spec);
    spec.ca = twin;
    dermint_put_answer(&again, &spec);
    assert_true(slice_equal(slice_of_buf(&again), slice_of_buf(&shop->answer)));
    spec.produced_at_s++;
    dermint_put_answer(&again, &spec);
    assert_false(slice_equal(slice_of_buf(&again), slice_of_buf(&shop->answer)));
    dermint_ca_free(twin);
    buf_deinit(&again);
}

static void test_answers_of_the_issuer_itself_are_good(void **state)
{
    struct shop *shop = *state;

    for (int form = 0; form < 4; form++) {
        struct dermint_answer spec = answer_spec(shop, &good);
        struct ocsp_facts facts;
        bool accepted;

        spec.by_name = form & 1;
        spec.embed_ca = form & 2;
        facts = judge(shop, &spec, &accepted);
        assert_true(accepted);
        assert_int_equal(facts.match, REASON_GOOD);
        assert_int_equal(facts.signature, REASON_GOOD);
        assert_int_equal(facts.signer, OCSP_SIGNER_ISSUER);
        assert_int_equal(facts.embedded_certs, form >> 1);
        assert_int_equal(facts.this_update_s, good.this_update_s);
        assert_int_equal(facts.next_update_s, good.next_update_s);
        assert_int_equal(facts.produced_at_s, MINT_NOW - 1800);
    }
}

static void test_answers_of_a_delegate_are_good(void **state)
{
    struct shop *shop = *state;
    struct window life = {MINT_NOW - MINT_DAY_S, MINT_NOW + 9 * MINT_DAY_S};
    struct dermint_delegate *delegate = dermint_delegate_new(shop->crypto, shop->ca, 3, life, 0);

    for (int form = 0; form < 4; form++) {
        struct dermint_answer spec = answer_spec(shop, &good);
        struct ocsp_facts facts;
        bool accepted;

        spec.delegate = delegate;
        spec.by_name = form & 1;
        spec.embed_ca = form & 2;
        facts = judge(shop, &spec, &accepted);
        assert_true(accepted);
        assert_int_equal(facts.signature, REASON_GOOD);
        assert_int_equal(facts.signer, OCSP_SIGNER_DELEGATE);
        assert_int_equal(facts.delegate_not_after_s, life.until_s);
    }
    dermint_delegate_free(delegate);
}

static void test_signatures_of_those_who_may_not_are_refused(void **state)
{
    struct shop *shop = *state;
    struct derkey *forger = derkey_new(shop->crypto, "somebody");
    struct dermint_delegate *delegates[] = {
        dermint_delegate_new(shop->crypto, shop->ca, 3, valid, DERMINT_NO_EKU),
        dermint_delegate_new(shop->crypto, shop->ca, 3, valid, DERMINT_STRANGER),
    };
    struct dermint_answer spec = answer_spec(shop, &good);
    struct ocsp_facts facts;
    bool accepted;

    spec.forger = forger;
    facts = judge(shop, &spec, &accepted);
    assert_false(accepted);
    assert_int_equal(facts.signature, REASON_BAD_SIGNATURE);
    spec.forger = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(delegates); i++) {
        spec.delegate = delegates[i];
        facts = judge(shop, &spec, &accepted);
        assert_false(accepted);
        assert_int_equal(facts.signature, REASON_UNAUTHORIZED_SIGNER);
        dermint_delegate_free(delegates[i]);
    }
    derkey_free(forger);
}

static void test_every_status_and_hash_is_read_back(void **state)
{
    struct shop *shop = *state;

    for (int hash = CERTID_SHA1; hash <= CERTID_SHA512; hash++) {
        for (int status = CERT_STATUS_GOOD; status <= CERT_STATUS_UNKNOWN; status++) {
            struct dermint_single singles[] = {good, good, good};
            struct dermint_answer spec = answer_spec(shop, singles);
            struct ocsp_facts facts;
            bool accepted;

            spec.single_count = 3;
            singles[0].number = 8;
            singles[2].number = 9;
            singles[1].hash = (enum certid_hash)hash;
            singles[1].status = (enum cert_status)status;
            singles[1].next_update_s = INSTANT_NEVER;
            singles[1].revoked_at_s = MINT_NOW - 7200;
            singles[1].reason = status == CERT_STATUS_REVOKED && hash ? (int8_t)hash : -1;
            facts = judge(shop, &spec, &accepted);
            assert_true(accepted);
            assert_int_equal(facts.match, REASON_GOOD);
            assert_int_equal(facts.hash, hash);
            assert_int_equal(facts.status, status);
            assert_false(facts.has_next_update);
            assert_int_equal(facts.singles, 3);
            assert_int_equal(facts.single_index, 1);
            if (status == CERT_STATUS_REVOKED) {
                assert_int_equal(facts.revoked_at_s, MINT_NOW - 7200);
                assert_int_equal(facts.revocation_reason, hash ? hash : -1);
            }
        }
    }
}

static void test_error_statuses_are_read_back(void **state)
{
    struct shop *shop = *state;
    struct ocsp_facts facts;

    dermint_put_error(&shop->answer, 6);
    response_read(slice_of_buf(&shop->answer), shop->facts, shop->issuer, &facts, NULL);
    assert_int_equal(facts.form, REASON_ERROR_STATUS);
    assert_int_equal(facts.response_status, 6);
}

static void test_requests_are_understood(void **state)
{
    struct shop *shop = *state;
    struct dermint_ca *other = dermint_ca_new(shop->crypto, "Another CA", valid);
    struct buf request = BUF_INIT(512), url = BUF_INIT(512), der = BUF_INIT(512);
    struct dermint_asked asked;

    request_encode(&request, shop->facts);
    assert_true(dermint_read_request(slice_of_buf(&request), &asked));
    assert_true(dermint_asks_for(&asked, shop->ca, 7));
    assert_false(dermint_asks_for(&asked, shop->ca, 8));
    assert_false(dermint_asks_for(&asked, other, 7));
    for (size_t i = 0; i < 2; i++) {
        assert_true(request_get_url(&url, urls[i], slice_of_buf(&request)));
        assert_true(dermint_read_get(buf_text(&url), urls[i], &der));
        assert_true(slice_equal(slice_of_buf(&der), slice_of_buf(&request)));
        assert_false(dermint_read_get(buf_text(&url), urls[1 - i], &der));
    }
    dermint_ca_free(other);
    buf_deinit(&request);
    buf_deinit(&url);
    buf_deinit(&der);
}

static void test_what_is_no_request_is_not_understood(void **state)
{
    static const char *const unescaped[] = {URL "/MA==",  URL "/MA+A",  URL "/MA/A", URL "/MA%3",
                                            URL "/MA%zz", URL "//MAAA", URL,         "http://r"};
    struct shop *shop = *state;
    struct buf request = BUF_INIT(512), der = BUF_INIT(512);
    struct dermint_asked asked;

    request_encode(&request, shop->facts);
    for (size_t size = 0; size < request.size; size++) {
        assert_false(dermint_read_request(slice_of(request.data, size), &asked));
    }
    buf_put_byte(&request, 0);
    assert_false(dermint_read_request(slice_of_buf(&request), &asked));
    for (size_t i = 0; i < ARRAY_SIZE(unescaped); i++) {
        assert_false(dermint_read_get(unescaped[i], URL, &der));
    }
    buf_deinit(&request);
    buf_deinit(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_are_read_and_verified),
        cmocka_unit_test(test_dates_beyond_2049_are_read_back),
        cmocka_unit_test(test_the_same_arguments_give_the_same_octets),
        cmocka_unit_test(test_answers_of_the_issuer_itself_are_good),
        cmocka_unit_test(test_answers_of_a_delegate_are_good),
        cmocka_unit_test(test_signatures_of_those_who_may_not_are_refused),
        cmocka_unit_test(test_every_status_and_hash_is_read_back),
        cmocka_unit_test(test_error_statuses_are_read_back),
        cmocka_unit_test(test_requests_are_understood),
        cmocka_unit_test(test_what_is_no_request_is_not_understood),
    };

    return cmocka_run_group_tests(tests, open_shop, close_shop);
}
