/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pki/cert.h"
#include "pki/der.h"
#include "pki/test-mint.h"

static struct crypto *crypto;

static const struct mint_cert ca_spec = {
    .name = "Test CA",
    .key = MINT_RSA,
    .issuer_key = MINT_RSA,
    .extensions = {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,keyCertSign"}},
};

/* A certificate together with what was read of it. */
struct sample {
    X509 *cert;
    struct buf der;
    struct cert_view view;
};

static struct sample sample_make(const struct mint_cert *spec)
{
    struct sample sample = {.cert = mint_cert(spec), .der = BUF_INIT(LIMIT_CERT_SIZE)};
    const char *fault = NULL;
    int r = cert_read(mint_der(sample.cert, &sample.der), &sample.view, &fault);

    if (r) {
        print_error("%s\n", fault);
    }
    assert_int_equal(r, 0);
    return sample;
}

static void sample_deinit(struct sample *sample)
{
    X509_free(sample->cert);
    buf_deinit(&sample->der);
}

static struct issuer *issuer_make(const struct sample *sample)
{
    struct issuer *issuer = NULL;

    assert_int_equal(issuer_new(&issuer, crypto, slice_of_buf(&sample->der)), 0);
    return issuer;
}

static struct cert_facts *facts_make(const struct sample *leaf, const struct issuer *issuer)
{
    struct cert_facts *facts = NULL;

    assert_int_equal(cert_facts_new(&facts, crypto, &leaf->view, issuer), 0);
    return facts;
}

static void test_a_leaf_is_read_whole(void **state)
{
    struct sample ca = sample_make(&ca_spec);
    struct sample leaf = sample_make(&(struct mint_cert){
        .name = "common.example",
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = ca.cert,
        .serial_hex = "00FF01",
        .extensions = {{"subjectAltName", "email:a@b.example,DNS:one.example,DNS:two.example"},
                       {"authorityInfoAccess",
                        "OCSP;URI:http://ocsp.example/a,caIssuers;URI:http://ca.example/ca.der"},
                       {"1.3.6.1.5.5.7.1.24", "DER:30:03:02:01:05"},
                       {"extendedKeyUsage", "serverAuth"}}});
    struct issuer *issuer = issuer_make(&ca);
    struct cert_facts *facts = facts_make(&leaf, issuer);
    uint8_t digest[EVP_MAX_MD_SIZE];
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf.cert, ca.cert);
    ASN1_OCTET_STRING *name_hash, *key_hash;

    (void)state;
    assert_true(issuer_signed(crypto, issuer, &leaf.view));
    assert_string_equal(facts->name, "one.example");
    assert_int_equal(facts->url_count, 1);
    assert_string_equal(facts->urls[0], "http://ocsp.example/a");
    assert_true(facts->must_staple && facts->has_issuer);
    assert_false(facts->is_ca || facts->self_signed);
    assert_int_equal(facts->not_before_s, MINT_NOW - 30 * MINT_DAY_S);
    assert_int_equal(facts->not_after_s, MINT_NOW + 60 * MINT_DAY_S);
    assert_int_equal(facts->serial_size, 3);
    assert_memory_equal(facts->serial, "\x00\xff\x01", 3);
    assert_int_equal(leaf.view.issuer_url_count, 1);
    assert_true(leaf.view.has_eku && !leaf.view.eku_ocsp_signing && !leaf.view.other_tls_feature);
    assert_int_equal(X509_digest(leaf.cert, EVP_sha256(), digest, NULL), 1);
    assert_memory_equal(facts->leaf_sha256, digest, SHA256_SIZE);
    assert_int_equal(OCSP_id_get0_info(&name_hash, NULL, &key_hash, NULL, id), 1);
    assert_memory_equal(facts->issuer_name_sha1, ASN1_STRING_get0_data(name_hash), SHA1_SIZE);
    assert_memory_equal(facts->issuer_key_sha1, ASN1_STRING_get0_data(key_hash), SHA1_SIZE);
    OCSP_CERTID_free(id);
    free(facts);
    issuer_free(issuer);
    sample_deinit(&leaf);
    sample_deinit(&ca);
}

static void test_urls_that_cannot_be_asked_are_passed_over(void **state)
{
    struct sample leaf = sample_make(&(struct mint_cert){
        .name = "x",
        .key = MINT_EC,
        .issuer_key = MINT_EC,
        .extensions = {{"authorityInfoAccess",
                        "OCSP;URI:ldap://a.example/,OCSP;DNS:b.example,OCSP;URI:http://,"
                        "OCSP;URI:http://a b.example/,OCSP;URI:http://c.example/\x7f,"
                        "OCSP;URI:HTTPS://ok.example/,OCSP;URI:HTTPS://ok.example/,"
                        "OCSP;URI:file:///etc/passwd,OCSP;URI:http://1.example,"
                        "OCSP;URI:http://2.example,OCSP;URI:http://3.example,"
                        "OCSP;URI:http://4.example"}}});
    struct cert_facts *facts = facts_make(&leaf, NULL);

    (void)state;
    assert_int_equal(facts->url_count, LIMIT_URLS);
    assert_string_equal(facts->urls[0], "HTTPS://ok.example/");
    assert_string_equal(facts->urls[1], "http://1.example");
    assert_string_equal(facts->urls[3], "http://3.example");
    assert_true(slice_equal(leaf.view.unusable_url, slice_of_text("ldap://a.example/")));
    assert_false(facts->has_issuer);
    free(facts);
    sample_deinit(&leaf);
}

static void test_names_for_people_are_printable_and_bounded(void **state)
{
    struct sample odd = sample_make(
        &(struct mint_cert){.name = "caf\xc3\xa9\x1b[2J", .key = MINT_EC, .issuer_key = MINT_EC});
    struct sample bare = sample_make(&(struct mint_cert){.key = MINT_EC, .issuer_key = MINT_EC});
    struct buf dns = BUF_INIT(1000);
    struct sample longer;
    struct cert_facts *facts = facts_make(&odd, NULL);

    (void)state;
    assert_string_equal(facts->name, "caf???[2J");
    free(facts);
    facts = facts_make(&bare, NULL);
    assert_string_equal(facts->name, "");
    free(facts);
    buf_put_text(&dns, "DNS:");
    buf_put_pad(&dns, 600, 'a');
    longer = sample_make(&(struct mint_cert){
        .key = MINT_EC, .issuer_key = MINT_EC, .extensions = {{"subjectAltName", buf_text(&dns)}}});
    facts = facts_make(&longer, NULL);
    assert_int_equal(text_length(facts->name), 253);
    free(facts);
    buf_deinit(&dns);
    sample_deinit(&odd);
    sample_deinit(&bare);
    sample_deinit(&longer);
}

static void test_must_staple_of_the_issuer_counts(void **state)
{
    struct sample ca = sample_make(
        &(struct mint_cert){.name = "CA",
                            .key = MINT_EC,
                            .issuer_key = MINT_EC,
                            .extensions = {{"basicConstraints", "critical,CA:TRUE"},
                                           {"1.3.6.1.5.5.7.1.24", "DER:30:06:02:01:11:02:01:05"}}});
    struct sample leaf = sample_make(&(struct mint_cert){
        .name = "x", .key = MINT_RSA, .issuer_key = MINT_EC, .issuer = ca.cert});
    struct issuer *issuer = issuer_make(&ca);
    struct cert_facts *facts = facts_make(&leaf, issuer);

    (void)state;
    assert_true(ca.view.other_tls_feature && ca.view.must_staple);
    assert_true(facts->must_staple);
    free(facts);
    facts = facts_make(&leaf, NULL);
    assert_false(facts->must_staple);
    free(facts);
    issuer_free(issuer);
    sample_deinit(&leaf);
    sample_deinit(&ca);
}

static bool signs(const struct mint_cert *issuer_spec, const struct mint_cert *leaf_spec)
{
    struct sample ca = sample_make(issuer_spec);
    struct mint_cert with_issuer = *leaf_spec;
    struct sample leaf;
    struct issuer *issuer = issuer_make(&ca);
    bool result;

    with_issuer.issuer = ca.cert;
    leaf = sample_make(&with_issuer);
    result = issuer_signed(crypto, issuer, &leaf.view);
    issuer_free(issuer);
    sample_deinit(&leaf);
    sample_deinit(&ca);
    return result;
}

static void test_the_issuer_is_the_one_whose_key_verifies(void **state)
{
    static const enum mint_key all[] = {MINT_RSA, MINT_RSA_SMALL, MINT_EC, MINT_EC_384,
                                        MINT_ED25519};
    struct mint_cert ca = ca_spec, leaf = {.name = "x", .key = MINT_EC_OTHER};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        ca.key = ca.issuer_key = leaf.issuer_key = all[i];
        assert_true(signs(&ca, &leaf));
    }
    /* same name, another key */
    leaf.issuer_key = MINT_EC_OTHER;
    ca.key = MINT_EC;
    assert_false(signs(&ca, &leaf));
    ca.key = MINT_RSA;
    assert_false(signs(&ca, &leaf));
    leaf.issuer_key = MINT_RSA;
    leaf.digest = EVP_sha1();
    assert_true(signs(&ca, &leaf));
    leaf.digest = EVP_sha512();
    assert_true(signs(&ca, &leaf));
    leaf.digest = EVP_md5();
    assert_false(signs(&ca, &leaf));
}

static void test_the_issuer_must_have_the_name_that_the_leaf_says(void **state)
{
    struct mint_cert other_name = ca_spec;
    struct sample ca = sample_make(&ca_spec), other;
    struct sample leaf = sample_make(&(struct mint_cert){
        .name = "x", .key = MINT_EC, .issuer_key = MINT_RSA, .issuer = ca.cert});
    struct issuer *issuer;

    (void)state;
    other_name.name = "Test CA 2"; /* the very key */
    other = sample_make(&other_name);
    issuer = issuer_make(&other);
    assert_false(issuer_signed(crypto, issuer, &leaf.view));
    issuer_free(issuer);
    sample_deinit(&leaf);
    sample_deinit(&other);
    sample_deinit(&ca);
}

static void test_only_a_ca_can_be_an_issuer(void **state)
{
    const struct mint_cert leaf = {.name = "x", .key = MINT_EC, .issuer_key = MINT_RSA};
    struct mint_cert ca = ca_spec;

    (void)state;
    ca.extensions[1].value = "digitalSignature,cRLSign";
    assert_false(signs(&ca, &leaf));
    ca.extensions[1].name = NULL;
    assert_true(signs(&ca, &leaf));
    ca.extensions[0].value = "CA:FALSE";
    assert_false(signs(&ca, &leaf));
    ca.extensions[0].name = NULL;
    assert_false(signs(&ca, &leaf));
    ca.version_1 = true; /* old roots */
    assert_true(signs(&ca, &leaf));
}

static void test_self_signed_is_told_from_self_named(void **state)
{
    struct sample self = sample_make(&ca_spec);
    struct sample renewed = sample_make(&(struct mint_cert){
        .name = "Test CA", .key = MINT_EC, .issuer_key = MINT_RSA, .issuer = self.cert});
    struct cert_facts *facts = facts_make(&self, NULL);

    (void)state;
    assert_true(facts->self_signed && facts->is_ca);
    free(facts);
    facts = facts_make(&renewed, NULL);
    assert_false(facts->self_signed || facts->is_ca);
    free(facts);
    sample_deinit(&self);
    sample_deinit(&renewed);
}

static const char *fault_of(const struct mint_cert *spec)
{
    X509 *cert = mint_cert(spec);
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault = "none";

    cert_read(mint_der(cert, &der), &view, &fault);
    X509_free(cert);
    buf_deinit(&der);
    return fault;
}

static void test_odd_serials_are_taken_up_to_the_cap(void **state)
{
    struct mint_cert spec = {.name = "x", .key = MINT_EC, .issuer_key = MINT_EC};
    struct sample sample;

    (void)state;
    spec.serial_hex = "-7F";
    sample = sample_make(&spec);
    assert_int_equal(sample.view.serial.size, 1);
    assert_int_equal(sample.view.serial.data[0], 0x81);
    sample_deinit(&sample);
    spec.serial_hex = "0";
    assert_string_equal(fault_of(&spec), "none");
    spec.serial_hex = "7F00000000000000000000000000000000000000000000000000000000000001";
    sample = sample_make(&spec);
    assert_int_equal(sample.view.serial.size, 32);
    sample_deinit(&sample);
    spec.serial_hex = "FF00000000000000000000000000000000000000000000000000000000000001";
    assert_string_equal(fault_of(&spec), "its serialNumber is longer than 32 octets");
}

static void test_what_is_wrong_is_said(void **state)
{
    struct mint_cert spec = {.name = "x", .key = MINT_EC, .issuer_key = MINT_EC};

    (void)state;
    spec.extensions[0].name = "1.3.6.1.5.5.7.1.24";
    spec.extensions[0].value = "DER:30:02:02:01";
    assert_string_equal(fault_of(&spec), "its TLS feature (must-staple) is not readable");
    spec.extensions[0].name = "1.3.6.1.5.5.7.1.1";
    assert_string_equal(fault_of(&spec), "its authorityInfoAccess (the OCSP URL) is not readable");
    spec.extensions[0].name = "2.5.29.19";
    assert_string_equal(fault_of(&spec), "its basicConstraints are not readable");
    spec.extensions[0].name = "2.5.29.17"; /* nobody needs it here */
    assert_string_equal(fault_of(&spec), "none");
    spec.extensions[0].value = "DER:30:00";
    spec.extensions[1].name = "2.5.29.17";
    spec.extensions[1].value = "DER:30:00";
    assert_string_equal(fault_of(&spec), "it has one extension twice");
}

/* What is read of a key identifier extension, in hexadecimal. */
static void assert_key_id(const char *oid, const char *value, const char *expected)
{
    struct sample sample = sample_make(&(struct mint_cert){
        .name = "x", .key = MINT_EC, .issuer_key = MINT_EC, .extensions = {{oid, value}}});
    bool subject = strcmp(oid, "2.5.29.14") == 0;
    struct buf hex = BUF_INIT(100);

    buf_put_hex(&hex, subject ? sample.view.subject_key_id : sample.view.authority_key_id);
    assert_string_equal(buf_text(&hex), expected);
    buf_deinit(&hex);
    sample_deinit(&sample);
}

static void test_a_key_identifier_is_in_der_or_is_none(void **state)
{
    static const char authority[] = "2.5.29.35", subject[] = "2.5.29.14";

    (void)state;
    assert_key_id(authority, "DER:30:05:80:03:0a:0b:0c", "0a0b0c");
    assert_key_id(authority, "DER:30:0a:80:01:0a:a1:02:82:00:82:01:05", "0a");
    assert_key_id(authority, "DER:30:05:a1:00:82:01:05", "");
    assert_key_id(authority, "DER:30:00", "");
    assert_key_id(authority, "DER:30:05:a0:03:04:01:0a", "");    /* a string in parts */
    assert_key_id(authority, "DER:30:03:80:01:0a:05:00", "");    /* octets behind it */
    assert_key_id(authority, "DER:30:05:80:01:0a:05:00", "");    /* and inside */
    assert_key_id(authority, "DER:30:06:80:01:0a:80:01:0b", ""); /* two */
    assert_key_id(authority, "DER:30:06:82:01:05:80:01:0a", ""); /* in the wrong order */
    assert_key_id(authority, "DER:30:04:81:01:00:80", "");       /* cut short */
    assert_key_id(authority, "DER:31:03:80:01:0a", "");          /* a SET */
    assert_key_id(subject, "DER:04:03:0a:0b:0c", "0a0b0c");
    assert_key_id(subject, "DER:24:03:04:01:0a", "");
    assert_key_id(subject, "DER:04:01:0a:05:00", "");
}

static void test_flags_of_sloppy_issuers_are_understood(void **state)
{
    struct mint_cert spec = {.name = "x", .key = MINT_EC, .issuer_key = MINT_EC};
    struct sample sample;

    (void)state;
    spec.extensions[0].name = "2.5.29.19";
    spec.extensions[0].value = "DER:30:03:01:01:00";
    sample = sample_make(&spec);
    assert_false(sample.view.is_ca);
    sample_deinit(&sample);
    spec.extensions[0].value = "DER:30:03:01:01:01";
    sample = sample_make(&spec);
    assert_true(sample.view.is_ca);
    sample_deinit(&sample);
}

static void test_dates_of_every_century_are_read(void **state)
{
    struct sample sample = sample_make(&(struct mint_cert){.name = "x",
                                                           .key = MINT_EC,
                                                           .issuer_key = MINT_EC,
                                                           .not_before_s = -86400,
                                                           .not_after_s = INT64_C(253402300799)});

    (void)state;
    assert_int_equal(sample.view.not_before_s, -86400);
    assert_int_equal(sample.view.not_after_s, INT64_C(253402300799));
    sample_deinit(&sample);
}

static void test_two_signature_algorithms_must_agree(void **state)
{
    static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    struct sample sample =
        sample_make(&(struct mint_cert){.name = "x", .key = MINT_EC, .issuer_key = MINT_EC});
    uint8_t *inner = memmem(sample.der.data, sample.der.size, oid, sizeof(oid));
    const char *fault = NULL;

    (void)state;
    assert_non_null(inner);
    inner[7] = 0x03;
    assert_int_equal(cert_read(slice_of_buf(&sample.der), &sample.view, &fault), CERT_E_MALFORMED);
    assert_string_equal(fault, "its two signature algorithms differ");
    sample_deinit(&sample);
}

static void test_cut_or_longer_certificates_are_malformed(void **state)
{
    struct sample sample = sample_make(&ca_spec);
    struct buf whole = BUF_INIT(LIMIT_CERT_SIZE + 10);
    struct issuer *issuer = NULL;
    struct cert_view view;
    const char *fault;

    (void)state;
    for (size_t size = 0; size < sample.der.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* so that the sanitizer sees any overrun */

        assert_non_null(exact);
        memcpy(exact, sample.der.data, size);
        fault = NULL;
        assert_int_equal(cert_read(slice_of(exact, size), &view, &fault), CERT_E_MALFORMED);
        assert_non_null(fault);
        free(exact);
    }
    buf_put_slice(&whole, slice_of_buf(&sample.der));
    buf_put_byte(&whole, 0);
    assert_int_equal(cert_read(slice_of_buf(&whole), &view, &fault), CERT_E_MALFORMED);
    assert_int_equal(issuer_new(&issuer, crypto, slice_of_buf(&whole)), CERT_E_MALFORMED);
    buf_put_pad(&whole, LIMIT_CERT_SIZE + 1, 0);
    assert_int_equal(cert_read(slice_of_buf(&whole), &view, &fault), CERT_E_TOO_LARGE);
    buf_deinit(&whole);
    sample_deinit(&sample);
}

/* Wherever one bit is wrong, the certificate is unreadable or its signature does not verify. */
static void test_unused_bits_of_key_usage_say_nothing(void **state)
{
    /* b6: of its eight bits seven are not used, keyCertSign (04) among them. */
    struct sample cert = sample_make(&(struct mint_cert){
        .name = "x",
        .key = MINT_EC,
        .issuer_key = MINT_EC,
        .extensions = {{"keyUsage", "DER:03:02:07:b6"}},
    });

    (void)state;
    assert_true(cert.view.has_key_usage);
    assert_int_equal(cert.view.key_usage, 1);
    sample_deinit(&cert);
}

static void test_a_flipped_bit_never_verifies(void **state)
{
    struct sample ca = sample_make(&ca_spec);
    struct sample leaf = sample_make(&(struct mint_cert){
        .name = "x",
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = ca.cert,
        .extensions = {{"subjectAltName", "DNS:one.example"},
                       {"authorityInfoAccess", "OCSP;URI:http://ocsp.example/a"}}});
    struct issuer *issuer = issuer_make(&ca);

    (void)state;
    for (size_t bit = 0; bit < leaf.der.size * 8; bit++) {
        struct cert_view view;
        const char *fault;

        leaf.der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (cert_read(slice_of_buf(&leaf.der), &view, &fault) == 0) {
            struct cert_facts *facts = NULL;

            assert_false(issuer_signed(crypto, issuer, &view));
            assert_int_equal(cert_facts_new(&facts, crypto, &view, NULL), 0);
            free(facts);
        }
        leaf.der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    issuer_free(issuer);
    sample_deinit(&leaf);
    sample_deinit(&ca);
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
        cmocka_unit_test(test_a_leaf_is_read_whole),
        cmocka_unit_test(test_urls_that_cannot_be_asked_are_passed_over),
        cmocka_unit_test(test_names_for_people_are_printable_and_bounded),
        cmocka_unit_test(test_must_staple_of_the_issuer_counts),
        cmocka_unit_test(test_the_issuer_is_the_one_whose_key_verifies),
        cmocka_unit_test(test_the_issuer_must_have_the_name_that_the_leaf_says),
        cmocka_unit_test(test_only_a_ca_can_be_an_issuer),
        cmocka_unit_test(test_self_signed_is_told_from_self_named),
        cmocka_unit_test(test_odd_serials_are_taken_up_to_the_cap),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_a_key_identifier_is_in_der_or_is_none),
        cmocka_unit_test(test_flags_of_sloppy_issuers_are_understood),
        cmocka_unit_test(test_dates_of_every_century_are_read),
        cmocka_unit_test(test_two_signature_algorithms_must_agree),
        cmocka_unit_test(test_cut_or_longer_certificates_are_malformed),
        cmocka_unit_test(test_unused_bits_of_key_usage_say_nothing),
        cmocka_unit_test(test_a_flipped_bit_never_verifies),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
