/* SPDX-License-Identifier: Apache-2.0 */

/* What keeps a certificate from signing answers besides its own right to it, and of whom it is
 * told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/test-world.h"

/* proxyCertInfo: language id-ppl-anyLanguage */
#define ANY_PROXY "DER:30:0c:30:0a:06:08:2b:06:01:05:05:07:15:01"
/* 1.2.3.4 */
#define POLICY "30:07:30:05:06:03:2a:03:04"
/* X.667: a UUID as an OID */
#define UUID "2.25.329800735698586629295641978511506172918"

static struct world plain;

/* A good answer signed by a delegate like @cert, which is embedded. */
static struct opinion judge_only(struct world *world, const struct mint_cert *cert, bool by_key)
{
    struct mint_answer spec = world_answer(world);
    struct opinion opinion;

    spec.signer = mint_cert(cert);
    spec.signer_key = cert->key;
    spec.embed_signer = true;
    spec.by_key = by_key;
    opinion = world_judge(world, &spec);
    X509_free(spec.signer);
    return opinion;
}

/* The same; where it is taken, OpenSSL takes it, too. */
static struct opinion judge(struct world *world, const struct mint_cert *cert, bool by_key)
{
    struct opinion opinion = judge_only(world, cert, by_key);

    if (opinion.facts.signature == REASON_GOOD) {
        assert_true(mint_oracle(slice_of_buf(&world->answer), world->ca));
    }
    return opinion;
}

static struct mint_cert delegate_with(const struct world *world, const char *name,
                                      const char *value)
{
    struct mint_cert cert = world_delegate(world, MINT_EC_OTHER);

    cert.extensions[3].name = name;
    cert.extensions[3].value = value;
    return cert;
}

static unsigned faults_with(struct world *world, const char *name, const char *value)
{
    struct mint_cert cert = delegate_with(world, name, value);
    struct opinion opinion = judge(world, &cert, true);

    assert_int_equal(opinion.facts.signature,
                     opinion.facts.delegate_faults ? REASON_UNAUTHORIZED_SIGNER : REASON_GOOD);
    return opinion.facts.delegate_faults;
}

static void test_what_is_odd_about_a_delegate_is_told(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned faults;
    } rows[] = {
        {"nsComment", "fine", 0},
        {"1.3.6.1.5.5.7.1.14", ANY_PROXY, DELEGATE_ODD},
        {"sbgp-ipAddrBlock", "IPv4:10.0.0.0/8", DELEGATE_ODD},
        {"sbgp-autonomousSysNum", "AS:64496", DELEGATE_ODD},
        {"crlDistributionPoints", "DER:0500", DELEGATE_ODD},
        {"keyUsage", "DER:03:02:07:00", DELEGATE_ODD},
        {"subjectAltName", "DER:0500", DELEGATE_ODD | DELEGATE_ALT_NAME},
        {"issuerAltName", "DER:0500", DELEGATE_ALT_NAME},
        {"noCheck", "ignored", DELEGATE_REPEATED},
        {"1.2.3.4.5", "critical,DER:0500", DELEGATE_CRITICAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(faults_with(&plain, rows[i].name, rows[i].value), rows[i].faults);
    }
}

static void test_what_only_some_mind_about_a_delegate_is_told(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned quirks;
    } rows[] = {
        {"keyUsage", "critical,digitalSignature", 0},
        {"keyUsage", "critical,nonRepudiation,keyEncipherment", 0},
        {"keyUsage", "critical,keyEncipherment", QUIRK_KEY_USAGE},
        {"certificatePolicies", "DER:" POLICY, 0},
        {"certificatePolicies", "critical,DER:" POLICY, QUIRK_CRITICAL_POLICY},
        {"inhibitAnyPolicy", "critical,0", QUIRK_CRITICAL_POLICY},
        {"keyUsage", "critical,DER:03:02:00:80", 0},
        {"keyUsage", "critical,DER:03:02:07:ff", QUIRK_USAGE_BITS},
        {"subjectAltName", "DNS:ocsp.test,URI:http://ocsp.test/,RID:1.2.3", 0},
        {"subjectAltName", "DER:30:02:82:00", QUIRK_ALT_NAME},
        {"subjectAltName", "DER:30:06:a3:04:30:02:30:00", QUIRK_ALT_NAME},
        {"issuerAltName", "DER:30:02:86:00", QUIRK_ALT_NAME},
        {"subjectAltName", "RID:" UUID, QUIRK_LONG_OID},
        {"1.2.4294967295", "DER:0500", 0},
        {UUID, "DER:0500", QUIRK_LONG_OID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) { /* remembered, too */
        struct mint_cert cert = delegate_with(&plain, rows[i / 2].name, rows[i / 2].value);

        assert_int_equal(judge(&plain, &cert, true).facts.delegate_quirks, rows[i / 2].quirks);
    }
}

static unsigned quirks_with(const char *name, int64_t not_before_s, const char *alt_name)
{
    struct mint_cert cert = delegate_with(&plain, alt_name ? "subjectAltName" : NULL, alt_name);

    cert.name = name;
    cert.not_before_s = not_before_s;
    return judge(&plain, &cert, true).facts.delegate_quirks;
}

static void test_a_delegate_without_name_and_one_of_old_are_told(void **state)
{
    (void)state;
    assert_int_equal(quirks_with("Responder", 1, NULL), 0);
    assert_int_equal(quirks_with("Responder", -1, NULL), QUIRK_OLD_DATE);
    assert_int_equal(quirks_with(NULL, 1, NULL), QUIRK_NO_NAME);
    assert_int_equal(quirks_with(NULL, 1, "DNS:ocsp.test"), QUIRK_NO_NAME);
    assert_int_equal(quirks_with(NULL, 1, "critical,DNS:ocsp.test"), 0);
}

static void test_names_that_the_issuer_does_not_allow_are_told(void **state)
{
    struct world named;
    struct mint_cert cert;

    (void)state;
    assert_int_equal(
        world_setup_with(&named, MINT_EC, "nameConstraints", "critical,permitted;DNS:corp.test"),
        0);
    assert_int_equal(faults_with(&named, "subjectAltName", "DNS:ocsp.corp.test"), 0);
    assert_int_equal(faults_with(&named, "subjectAltName", "DNS:ocsp.test"),
                     DELEGATE_ODD | DELEGATE_NAMES);
    cert = world_delegate(&named, MINT_EC_OTHER);
    cert.name = "ocsp.test"; /* that a common name is a DNS name only libcrypto thinks */
    assert_int_equal(judge(&named, &cert, true).facts.delegate_faults, DELEGATE_ODD);
    world_teardown(&named);
}

static void test_a_delegate_is_remembered_for_one_certificate_of_its_issuer(void **state)
{
    struct world named;
    struct signer *own;

    (void)state;
    assert_int_equal(
        world_setup_with(&named, MINT_EC, "nameConstraints", "critical,permitted;DNS:corp.test"),
        0);
    own = named.signer;
    named.signer = plain.signer; /* of the same name and key */
    assert_int_equal(faults_with(&plain, "subjectAltName", "DNS:ocsp.test"), 0);
    assert_int_equal(faults_with(&named, "subjectAltName", "DNS:ocsp.test"),
                     DELEGATE_ODD | DELEGATE_NAMES);
    named.signer = own;
    world_teardown(&named);
}

static void test_under_an_odd_issuer_nobody_signs(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned of_delegates;
    } rows[] = {
        {"1.2.3.4.5", "critical,DER:0500", DELEGATE_OF_ODD_ISSUER},
        {"1.3.6.1.5.5.7.1.14", ANY_PROXY, DELEGATE_OF_ODD_ISSUER},
        {"sbgp-ipAddrBlock", "IPv4:inherit", 0}, /* they have no addresses */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mint_answer spec;
        struct opinion opinion;
        struct world world;

        assert_int_equal(world_setup_with(&world, MINT_EC, rows[i].name, rows[i].value), 0);
        spec = world_answer(&world);
        opinion = world_judge(&world, &spec);
        assert_int_equal(opinion.facts.signature, REASON_UNAUTHORIZED_SIGNER);
        assert_int_equal(opinion.facts.delegate_faults, DELEGATE_OF_ODD_ISSUER);
        assert_int_equal(opinion.facts.signer, OCSP_SIGNER_NONE);
        assert_false(mint_oracle(slice_of_buf(&world.answer), world.ca));
        assert_int_equal(faults_with(&world, "nsComment", "fine"), rows[i].of_delegates);
        world_teardown(&world);
    }
}

static void assert_written_out(const struct opinion *opinion, bool of_issuer)
{
    assert_int_equal(opinion->facts.signature, REASON_UNSUPPORTED_ALGORITHM);
    assert_int_equal(opinion->facts.signer, OCSP_SIGNER_NONE);
    assert_int_equal((of_issuer ? &opinion->facts.delegate_made : &opinion->facts.made)->key,
                     KEY_EC_EXPLICIT);
}

/* No clock but the verdict's: what is over, or has not begun, is a signer all the same. */
static void test_who_may_sign_is_asked_without_a_clock(void **state)
{
    static const int64_t starts_s[] = {INT64_C(86400), INT64_C(3786912000)}; /* 1970, 2090 */

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(starts_s); i++) {
        struct mint_cert cert = world_delegate(&plain, MINT_EC_OTHER);
        struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
        struct issuer *issuer;
        X509 *ca;

        cert.not_before_s = starts_s[i];
        cert.not_after_s = starts_s[i] + MINT_DAY_S;
        assert_int_equal(judge_only(&plain, &cert, true).facts.signature, REASON_GOOD);
        cert.issuer = NULL;
        cert.issuer_key = cert.key;
        ca = mint_cert(&cert);
        assert_int_equal(issuer_new(&issuer, plain.crypto, mint_der(ca, &der)), 0);
        assert_int_equal(issuer->faults, 0);
        issuer_free(issuer);
        buf_deinit(&der);
        X509_free(ca);
    }
}

static void test_a_curve_that_is_written_out_is_unsupported(void **state)
{
    struct mint_cert cert = world_delegate(&plain, MINT_EC_EXPLICIT);
    struct mint_answer spec;
    struct opinion opinion;
    struct world world;

    (void)state;
    for (unsigned i = 0; i < 2; i++) { /* remembered, too */
        opinion = judge(&plain, &cert, true);
        assert_written_out(&opinion, false);
    }
    plain.answer.data[plain.answer.size - 1] ^= 1; /* the certificate, no more the CA's */
    opinion = world_judge_bytes(&plain, slice_of_buf(&plain.answer));
    assert_int_not_equal(opinion.facts.signature, REASON_UNSUPPORTED_ALGORITHM);
    assert_int_equal(world_setup(&world, MINT_EC_EXPLICIT), 0);
    spec = world_answer(&world);
    opinion = world_judge(&world, &spec);
    assert_written_out(&opinion, false);
    cert = world_delegate(&world, MINT_EC_OTHER);
    opinion = judge(&world, &cert, true);
    assert_written_out(&opinion, true);
    world_teardown(&world);
}

static void test_a_name_that_differs_in_case_alone_is_told(void **state)
{
    struct mint_cert cert = delegate_with(&plain, "subjectKeyIdentifier", "hash");
    struct opinion opinion;

    (void)state;
    cert.name = "TEST  ca";
    for (unsigned i = 0; i < 2; i++) { /* remembered, too */
        opinion = judge(&plain, &cert, false);
        assert_int_equal(opinion.facts.signature, REASON_BAD_SIGNATURE);
        assert_true(opinion.facts.signer_alike && !opinion.facts.signer_namesake);
        opinion = judge(&plain, &cert, true);
        assert_int_equal(opinion.facts.signature, REASON_GOOD);
        assert_false(opinion.facts.signer_alike);
    }
    cert.name = "Test CA";
    opinion = judge(&plain, &cert, false);
    assert_int_equal(opinion.facts.signature, REASON_BAD_SIGNATURE);
    assert_true(opinion.facts.signer_namesake && !opinion.facts.signer_alike);
}

static int setup(void **state)
{
    (void)state;
    return world_setup(&plain, MINT_EC);
}

static int teardown(void **state)
{
    (void)state;
    world_teardown(&plain);
    mint_deinit();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_odd_about_a_delegate_is_told),
        cmocka_unit_test(test_what_only_some_mind_about_a_delegate_is_told),
        cmocka_unit_test(test_a_delegate_without_name_and_one_of_old_are_told),
        cmocka_unit_test(test_names_that_the_issuer_does_not_allow_are_told),
        cmocka_unit_test(test_a_delegate_is_remembered_for_one_certificate_of_its_issuer),
        cmocka_unit_test(test_under_an_odd_issuer_nobody_signs),
        cmocka_unit_test(test_who_may_sign_is_asked_without_a_clock),
        cmocka_unit_test(test_a_curve_that_is_written_out_is_unsupported),
        cmocka_unit_test(test_a_name_that_differs_in_case_alone_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
