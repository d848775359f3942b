/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pki/der.h"
#include "pki/test-world.h"

static struct world world;

static enum reason form_of(const void *bytes, size_t size)
{
    return world_judge_bytes(&world, slice_of(bytes, size)).facts.form;
}

static void test_a_good_answer_gives_all_facts(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.plain_extension = true;
    spec.embedded[0] = world.other;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.form, REASON_GOOD);
    assert_int_equal(facts.match, REASON_GOOD);
    assert_int_equal(facts.status, CERT_STATUS_GOOD);
    assert_int_equal(facts.hash, CERTID_SHA1);
    assert_int_equal(facts.size, world.answer.size);
    assert_int_equal(facts.response_status, 0);
    assert_int_equal(facts.produced_at_s, MINT_NOW - 1800);
    assert_int_equal(facts.this_update_s, MINT_NOW - 3600);
    assert_int_equal(facts.next_update_s, MINT_NOW + 4 * MINT_DAY_S);
    assert_true(facts.has_next_update);
    assert_int_equal(facts.revocation_reason, -1);
    assert_int_equal(facts.singles, 1);
    assert_int_equal(facts.single_index, 0);
    assert_int_equal(facts.embedded_certs, 1);
    assert_false(facts.conflicting || facts.critical_response_extension ||
                 facts.critical_single_extension || facts.never_issued ||
                 facts.critical_other_extension || facts.mixed_hashes ||
                 facts.others_of_other_issuer || facts.any_without_next_update);
    assert_true(facts.has_single && facts.has_sha1);
}

static void test_the_signature_is_not_trusted_before_it_is_checked(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    world_judge(&world, &spec);
    response_read(slice_of_buf(&world.answer), world.facts, world.issuer, &facts, NULL);
    assert_int_equal(facts.form, REASON_GOOD);
    assert_int_equal(facts.signature, REASON_SIGNER_NOT_FOUND);
    assert_int_equal(facts.signer, OCSP_SIGNER_NONE);
}

static void test_revoked_and_unknown_are_told_apart(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[0].status = CERT_STATUS_REVOKED;
    spec.singles[0].revoked_at_s = MINT_NOW - 7777;
    spec.singles[0].reason = 1;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.status, CERT_STATUS_REVOKED);
    assert_int_equal(facts.revoked_at_s, MINT_NOW - 7777);
    assert_int_equal(facts.revocation_reason, 1);
    spec.singles[0].reason = -1;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.revocation_reason, -1);
    for (int reason = 7; reason <= 11; reason += 4) { /* 7 and 11 do not exist */
        spec.singles[0].reason = reason;
        facts = world_judge(&world, &spec).facts;
        assert_int_equal(facts.form, REASON_GOOD);
        assert_int_equal(facts.status, CERT_STATUS_REVOKED);
        assert_int_equal(facts.revocation_reason, -1);
    }
}

static void test_an_answer_about_another_certificate_does_not_match(void **state)
{
    struct mint_answer spec = world_answer(&world);
    X509 *namesake = mint_cert(&(struct mint_cert){
        .name = "Test CA", .key = MINT_EC_384, .issuer_key = MINT_EC_384}); /* another key */
    X509 *stranger = mint_cert(&(struct mint_cert){
        .name = "Other CA", .key = MINT_EC, .issuer_key = MINT_EC}); /* another name */
    X509 *foreign = mint_cert(&(struct mint_cert){
        .name = "leaf.example", .key = MINT_EC_OTHER, .issuer_key = MINT_EC, .issuer = stranger});

    (void)state;
    spec.singles[0].cert = world.other;
    assert_int_equal(world_judge(&world, &spec).facts.match, REASON_WRONG_SERIAL);
    spec.singles[0].issuer = namesake;
    assert_int_equal(world_judge(&world, &spec).facts.match, REASON_NO_MATCHING_RESPONSE);
    spec.singles[0].cert = world.leaf;
    assert_int_equal(world_judge(&world, &spec).facts.match, REASON_WRONG_ISSUER);
    spec.singles[0].issuer = stranger;
    spec.singles[0].cert = foreign;
    assert_int_equal(world_judge(&world, &spec).facts.match, REASON_WRONG_ISSUER);
    spec.singles[0].cert = NULL;
    assert_int_equal(world_judge(&world, &spec).facts.match, REASON_NO_MATCHING_RESPONSE);
    X509_free(namesake);
    X509_free(stranger);
    X509_free(foreign);
}

static void test_certids_of_every_usual_hash_match(void **state)
{
    const EVP_MD *digests[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    for (enum certid_hash hash = CERTID_SHA1; hash <= CERTID_SHA512; hash++) {
        spec.singles[0].hash = digests[hash];
        facts = world_judge(&world, &spec).facts;
        assert_int_equal(facts.match, REASON_GOOD);
        assert_int_equal(facts.hash, hash);
    }
    spec.singles[0].hash = EVP_md5();
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.form, REASON_GOOD);
    assert_int_equal(facts.match, REASON_NO_MATCHING_RESPONSE);
}

static void test_a_sha1_single_is_preferred(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[1] = spec.singles[2] = spec.singles[0];
    spec.singles[0].cert = world.other;
    spec.singles[1].hash = EVP_sha256();
    spec.singles[2].next_update_s = MINT_NOW + MINT_DAY_S;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.singles, 3);
    assert_int_equal(facts.single_index, 1);
    assert_int_equal(facts.hash, CERTID_SHA1);
    assert_int_equal(facts.next_update_s, MINT_NOW + MINT_DAY_S);
    assert_false(facts.conflicting);
}

static void test_the_last_of_twenty_singles_is_found(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[19] = spec.singles[0];
    for (size_t i = 0; i < 19; i++) {
        spec.singles[i] = spec.singles[19];
        spec.singles[i].cert = world.other;
        spec.singles[i].status = CERT_STATUS_REVOKED;
    }
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.match, REASON_GOOD);
    assert_int_equal(facts.status, CERT_STATUS_GOOD);
    assert_int_equal(facts.singles, 20);
    assert_int_equal(facts.single_index, 19);
    assert_false(facts.conflicting);
}

static void test_singles_that_disagree_are_noticed(void **state)
{
    struct mint_answer spec = world_answer(&world);

    (void)state;
    spec.singles[1] = spec.singles[0];
    assert_false(world_judge(&world, &spec).facts.conflicting);
    spec.singles[1].status = CERT_STATUS_REVOKED;
    assert_true(world_judge(&world, &spec).facts.conflicting);
    spec.singles[1].hash = EVP_sha256();
    assert_true(world_judge(&world, &spec).facts.conflicting);
    spec.singles[1].hash = NULL;
    spec.singles[0].hash = EVP_sha256();
    assert_true(world_judge(&world, &spec).facts.conflicting);
}

static void test_which_hash_is_of_another_issuer_is_told(void **state)
{
    X509 *namesake = mint_cert(
        &(struct mint_cert){.name = "Test CA", .key = MINT_EC_384, .issuer_key = MINT_EC_384});
    X509 *renamed = mint_cert(
        &(struct mint_cert){.name = "Renamed CA", .key = world.ca_key, .issuer_key = world.ca_key});
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[0].issuer = namesake;
    facts = world_judge(&world, &spec).facts;
    assert_true(facts.wrong_key_hash && !facts.wrong_name_hash);
    assert_true(facts.has_single); /* what clients see that compare less */
    assert_int_equal(facts.this_update_s, MINT_NOW - 3600);
    spec.singles[1] = world_answer(&world).singles[0];
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.match, REASON_GOOD);
    assert_int_equal(facts.single_index, 1);
    assert_true(facts.others_of_other_issuer);
    assert_false(facts.wrong_key_hash || facts.wrong_name_hash || facts.conflicting);
    X509_free(namesake);
    X509_free(renamed);
}

static void test_all_singles_are_summed_up(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[2] = spec.singles[1] = spec.singles[0];
    spec.singles[1].cert = world.other;
    spec.singles[1].this_update_s = MINT_NOW - 60;
    spec.singles[1].next_update_s = MINT_NOW + 60;
    spec.singles[2].cert = world.other;
    spec.singles[2].status = CERT_STATUS_UNKNOWN;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.last_this_update_s, MINT_NOW - 60);
    assert_int_equal(facts.first_next_update_s, MINT_NOW + 60);
    assert_true(facts.others_not_good);
    assert_false(facts.any_without_next_update || facts.mixed_hashes ||
                 facts.others_of_other_issuer);
    spec.singles[2].next_update_s = -1;
    spec.singles[2].hash = EVP_sha256();
    facts = world_judge(&world, &spec).facts;
    assert_true(facts.any_without_next_update && facts.mixed_hashes);
}

static void test_first_and_last_status_are_told(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.singles[1] = spec.singles[0];
    spec.singles[1].status = CERT_STATUS_REVOKED;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.first_status, CERT_STATUS_GOOD);
    assert_int_equal(facts.last_status, CERT_STATUS_REVOKED);
}

/* The outermost length in three octets where two would do. */
static void test_lengths_that_are_too_long_are_told_from_junk(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct buf lax = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct ocsp_facts facts;

    (void)state;
    world_judge(&world, &spec);
    assert_int_equal(world.answer.data[1], 0x82);
    buf_put_byte(&lax, 0x30);
    buf_put_byte(&lax, 0x83);
    buf_put_byte(&lax, 0);
    buf_put(&lax, world.answer.data + 2, world.answer.size - 2);
    facts = world_judge_bytes(&world, slice_of_buf(&lax)).facts;
    assert_int_equal(facts.form, REASON_MALFORMED);
    assert_true(facts.lax_form);
    lax.size--;
    facts = world_judge_bytes(&world, slice_of_buf(&lax)).facts;
    assert_int_equal(facts.form, REASON_MALFORMED);
    assert_false(facts.lax_form);
    buf_deinit(&lax);
}

static void test_bytes_behind_are_told_from_bytes_within(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    world_judge(&world, &spec);
    buf_put_byte(&world.answer, '\n');
    facts = world_judge_bytes(&world, slice_of_buf(&world.answer)).facts;
    assert_int_equal(facts.form, REASON_TRAILING_DATA);
    assert_true(facts.trailing_outside);
    world.answer.data[3]++; /* the newline becomes part of the outermost SEQUENCE */
    facts = world_judge_bytes(&world, slice_of_buf(&world.answer)).facts;
    assert_int_equal(facts.form, REASON_TRAILING_DATA);
    assert_false(facts.trailing_outside);
}

static void test_an_absent_next_update_never_comes(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;
    int64_t next_update_s = 0;

    (void)state;
    spec.singles[0].next_update_s = -1;
    facts = world_judge(&world, &spec).facts;
    assert_false(facts.has_next_update);
    assert_int_equal(facts.next_update_s, INSTANT_NEVER);
    assert_true(response_next_update(slice_of_buf(&world.answer), &next_update_s));
    assert_int_equal(next_update_s, INSTANT_NEVER);
    spec.singles[0].next_update_s = MINT_NOW + 5;
    world_judge(&world, &spec);
    assert_true(response_next_update(slice_of_buf(&world.answer), &next_update_s));
    assert_int_equal(next_update_s, MINT_NOW + 5);
}

static void test_error_statuses_are_told_from_junk(void **state)
{
    static const uint8_t statuses[] = {1, 2, 3, 4,
                                       5, 6, 7, 127}; /* 4 and those over 6: unheard of */
    uint8_t bytes[] = {0x30, 0x03, 0x0a, 0x01, 0x00};
    int64_t ignored;

    (void)state;
    for (size_t i = 0; i < sizeof(statuses); i++) {
        struct ocsp_facts facts;

        bytes[4] = statuses[i];
        facts = world_judge_bytes(&world, slice_of(bytes, sizeof(bytes))).facts;
        assert_int_equal(facts.form, REASON_ERROR_STATUS);
        assert_int_equal(facts.response_status, statuses[i]);
    }
    bytes[4] = 0; /* successful, but without an answer */
    assert_int_equal(form_of(bytes, sizeof(bytes)), REASON_MALFORMED);
    bytes[4] = 0x84; /* negative */
    assert_int_equal(form_of(bytes, sizeof(bytes)), REASON_MALFORMED);
    assert_int_equal(form_of(NULL, 0), REASON_MALFORMED);
    assert_int_equal(form_of("0", 1), REASON_MALFORMED);
    assert_int_equal(form_of("<html>", 6), REASON_MALFORMED);
    assert_false(response_next_update(slice_of("0", 1), &ignored));
}

static void test_a_newline_behind_the_answer_is_trailing_data(void **state)
{
    struct mint_answer spec = world_answer(&world);

    (void)state;
    world_judge(&world, &spec);
    buf_put_byte(&world.answer, '\n');
    assert_int_equal(form_of(world.answer.data, world.answer.size), REASON_TRAILING_DATA);
    assert_int_equal(form_of("\x30\x03\x0a\x01\x03\n", 6), REASON_TRAILING_DATA);
}

static void test_an_answer_over_the_cap_is_too_large(void **state)
{
    struct mint_answer spec = world_answer(&world);

    (void)state;
    world_judge(&world, &spec);
    buf_put_pad(&world.answer, LIMIT_ANSWER_SIZE, 0);
    assert_int_equal(form_of(world.answer.data, world.answer.size), REASON_TRAILING_DATA);
    buf_put_byte(&world.answer, 0);
    assert_int_equal(form_of(world.answer.data, world.answer.size), REASON_TOO_LARGE);
}

static void test_an_answer_cut_anywhere_is_never_read(void **state)
{
    struct mint_answer spec = world_answer(&world);
    int64_t ignored;

    (void)state;
    spec.embedded[0] = world.other;
    world_judge(&world, &spec);
    for (size_t size = 0; size < world.answer.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* so that the sanitizer sees any overrun */

        assert_non_null(exact);
        memcpy(exact, world.answer.data, size);
        assert_int_equal(form_of(exact, size), REASON_MALFORMED);
        assert_false(response_next_update(slice_of(exact, size), &ignored));
        free(exact);
    }
}

/* Answers put together by hand, for what libcrypto would not write. Each part can be replaced. */
struct parts {
    const char *version; /* hex, in front of the responder's id; or NULL */
    const char *responder;
    const char *produced;
    const char *single; /* NULL: a good one about the leaf */
    const char *after_singles;
    const char *signature;
    const char *after_signature;
    const char *type; /* of responseBytes */
};

static void put_hex(struct buf *buf, const char *hex)
{
    for (size_t i = 0; hex && hex[i] && hex[i + 1]; i += 2) {
        unsigned value = 0;

        for (size_t k = 0; k < 2; k++) {
            char c = hex[i + k];

            value = value << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        buf_put_byte(buf, (uint8_t)value);
    }
}

/* Puts a header in front of what is in @buf. */
static void wrap(struct buf *buf, uint8_t tag)
{
    struct buf whole = BUF_INIT(LIMIT_ANSWER_SIZE);

    der_put_header(&whole, tag, buf->size);
    buf_put_slice(&whole, slice_of_buf(buf));
    buf_clear(buf);
    buf_put_slice(buf, slice_of_buf(&whole));
    assert_int_equal(buf_status(buf), 0);
    buf_deinit(&whole);
}

#define TIME_HEX "180f32303236303932313134313332305a" /* 20260921141320Z */

static void put_good_single(struct buf *buf)
{
    struct buf single = BUF_INIT(1000);
    unsigned char *id_der = NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), world.leaf, world.ca);
    int size = i2d_OCSP_CERTID(id, &id_der);

    assert_true(size > 0);
    buf_put(&single, id_der, (size_t)size);
    put_hex(&single, "8000" TIME_HEX);
    wrap(&single, DER_SEQUENCE);
    buf_put_slice(buf, slice_of_buf(&single));
    buf_deinit(&single);
    OPENSSL_free(id_der);
    OCSP_CERTID_free(id);
}

static struct ocsp_facts read_parts(struct parts parts)
{
    struct buf buf = BUF_INIT(LIMIT_ANSWER_SIZE), data = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct ocsp_facts facts;

    if (parts.single) {
        put_hex(&buf, parts.single);
    } else {
        put_good_single(&buf);
    }
    wrap(&buf, DER_SEQUENCE);
    put_hex(&data, parts.version);
    put_hex(&data, parts.responder ? parts.responder
                                   : "a2160414"
                                     "0000000000000000000000000000000000000000");
    put_hex(&data, parts.produced ? parts.produced : TIME_HEX);
    buf_put_slice(&data, slice_of_buf(&buf));
    put_hex(&data, parts.after_singles);
    wrap(&data, DER_SEQUENCE);
    put_hex(&data, "300a06082a8648ce3d040302"); /* ecdsa-with-SHA256 */
    put_hex(&data, parts.signature ? parts.signature : "03020001");
    put_hex(&data, parts.after_signature);
    wrap(&data, DER_SEQUENCE);
    wrap(&data, DER_OCTET_STRING);
    buf_clear(&buf);
    put_hex(&buf, parts.type ? parts.type : "06092b0601050507300101");
    buf_put_slice(&buf, slice_of_buf(&data));
    wrap(&buf, DER_SEQUENCE);
    wrap(&buf, DER_CONTEXT_CONSTRUCTED(0));
    buf_clear(&data);
    put_hex(&data, "0a0100");
    buf_put_slice(&data, slice_of_buf(&buf));
    wrap(&data, DER_SEQUENCE);
    facts = world_judge_bytes(&world, slice_of_buf(&data)).facts;
    buf_deinit(&buf);
    buf_deinit(&data);
    return facts;
}

#define FORM(...) read_parts((struct parts){__VA_ARGS__}).form

static void test_what_every_client_tolerates_is_tolerated(void **state)
{
    (void)state;
    assert_int_equal(FORM(.version = NULL), REASON_GOOD);
    assert_int_equal(FORM(.version = "a003020100"), REASON_GOOD);
    assert_int_equal(FORM(.after_singles = "a1023000"), REASON_GOOD);
    assert_int_equal(FORM(.after_signature = "a0023000"), REASON_GOOD);
    assert_int_equal(FORM(.responder = "a1023000"), REASON_GOOD); /* an empty name */
    assert_int_equal(read_parts((struct parts){.version = NULL}).match, REASON_GOOD);
}

static void test_other_versions_and_types_are_unsupported(void **state)
{
    (void)state;
    assert_int_equal(FORM(.version = "a003020101"), REASON_UNSUPPORTED_VERSION);
    assert_int_equal(FORM(.version = "a0030201ff"), REASON_MALFORMED);
    assert_int_equal(FORM(.version = "a00402010000"), REASON_TRAILING_DATA);
    assert_int_equal(FORM(.type = "06092b0601050507300102"), REASON_UNSUPPORTED_RESPONSE_TYPE);
}

static void test_a_responder_id_is_one_name_or_twenty_octets(void **state)
{
    (void)state;
    assert_int_equal(FORM(.responder = "a215041300000000000000000000000000000000000000"),
                     REASON_MALFORMED);
    assert_int_equal(FORM(.responder = "a2170415000000000000000000000000000000000000000000"),
                     REASON_MALFORMED);
    assert_int_equal(FORM(.responder = "a10430003000"), REASON_TRAILING_DATA);
    assert_int_equal(FORM(.responder = "a1020400"), REASON_MALFORMED);
    assert_int_equal(FORM(.responder = "a3023000"), REASON_MALFORMED);
}

static void test_inexact_der_is_malformed_at_every_level(void **state)
{
    (void)state;
    /* unused bits; no bits at all */
    assert_int_equal(FORM(.signature = "03020101"), REASON_MALFORMED);
    assert_int_equal(FORM(.signature = "0300"), REASON_MALFORMED);
    /* fractions, an offset, before 1970 */
    assert_int_equal(FORM(.produced = "181132303236303932313134313332302e305a"), REASON_MALFORMED);
    assert_int_equal(FORM(.produced = "170d3236303932313134313332305a"), REASON_MALFORMED);
    assert_int_equal(FORM(.produced = "180f31393639303932313134313332305a"), REASON_MALFORMED);
    /* TRUE as 01; an extension without value; not a list */
    assert_int_equal(FORM(.after_singles = "a10e300c300a06035504030101010400"), REASON_MALFORMED);
    assert_int_equal(FORM(.after_singles = "a109300730050603550403"), REASON_MALFORMED);
    assert_int_equal(FORM(.after_singles = "a1020400"), REASON_MALFORMED);
    /* embedded "certificates" that are none */
    assert_int_equal(FORM(.after_signature = "a00430020500"), REASON_MALFORMED);
    assert_int_equal(FORM(.after_signature = "a0043000"
                                             "3000"),
                     REASON_TRAILING_DATA);
    /* something behind the last field */
    assert_int_equal(FORM(.after_singles = "0500"), REASON_TRAILING_DATA);
    assert_int_equal(FORM(.after_signature = "0500"), REASON_TRAILING_DATA);
    /* long form of a short length */
    assert_int_equal(FORM(.single = "308100"), REASON_MALFORMED);
    assert_int_equal(FORM(.single = "0500"), REASON_MALFORMED);
}

#define CERTID_HEX                                                                                 \
    "303a300906052b0e03021a0500"                                                                   \
    "04140000000000000000000000000000000000000000"                                                 \
    "04140000000000000000000000000000000000000000"                                                 \
    "020101"

static void test_singles_are_read_exactly(void **state)
{
    (void)state;
    assert_int_equal(FORM(.single = "304f" CERTID_HEX "8000" TIME_HEX), REASON_GOOD);
    assert_int_equal(FORM(.single = "304f" CERTID_HEX "8200" TIME_HEX), REASON_GOOD);
    assert_int_equal(FORM(.single = "304f" CERTID_HEX "8300" TIME_HEX), REASON_MALFORMED);
    assert_int_equal(FORM(.single = "304f" CERTID_HEX "a000" TIME_HEX), REASON_MALFORMED);
    assert_int_equal(FORM(.single = "3050" CERTID_HEX "800100" TIME_HEX), REASON_MALFORMED);
    assert_int_equal(FORM(.single = "3051" CERTID_HEX "8000" TIME_HEX "0500"),
                     REASON_TRAILING_DATA);
    assert_int_equal(FORM(.single = "3051" CERTID_HEX "8000" TIME_HEX "a000"), REASON_MALFORMED);
    /* a SHA-1 hash of 19 octets */
    assert_int_equal(FORM(.single = "304e3039300906052b0e03021a0500"
                                    "041300000000000000000000000000000000000000"
                                    "04140000000000000000000000000000000000000000"
                                    "0201018000" TIME_HEX),
                     REASON_MALFORMED);
    /* the same of a hash that nobody knows is only passed over */
    assert_int_equal(FORM(.single = "304e3039300906052b0e03027f0500"
                                    "041300000000000000000000000000000000000000"
                                    "04140000000000000000000000000000000000000000"
                                    "0201018000" TIME_HEX),
                     REASON_GOOD);
}

static void test_octets_behind_the_end_are_told_at_every_level(void **state)
{
    static const char *const singles[] = {/* SingleResponse, CertID, its algorithm, RevokedInfo, its
                                           * reason, nextUpdate, extensions, one of them */
                                          "3051" CERTID_HEX "8000" TIME_HEX "0500",
                                          "3051303c300906052b0e03021a0500"
                                          "04140000000000000000000000000000000000000000"
                                          "04140000000000000000000000000000000000000000"
                                          "0201010500"
                                          "8000" TIME_HEX,
                                          "3051303c300b06052b0e03021a05000500"
                                          "04140000000000000000000000000000000000000000"
                                          "04140000000000000000000000000000000000000000"
                                          "020101"
                                          "8000" TIME_HEX,
                                          "3062" CERTID_HEX "a113" TIME_HEX "0500" TIME_HEX,
                                          "3067" CERTID_HEX "a118" TIME_HEX
                                          "a0050a01010500" TIME_HEX,
                                          "3064" CERTID_HEX "8000" TIME_HEX "a013" TIME_HEX "0500",
                                          "3055" CERTID_HEX "8000" TIME_HEX "a10430000500",
                                          "305e" CERTID_HEX "8000" TIME_HEX "a10d300b3009"
                                          "06012a0402"
                                          "0500"
                                          "0500"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
        if (FORM(.single = singles[i]) != REASON_TRAILING_DATA) {
            fail_msg("single %zu", i);
        }
    }
}

static void test_many_singles_and_certificates_are_passed_over(void **state)
{
    struct buf singles = BUF_INIT(LIMIT_ANSWER_SIZE), certs = BUF_INIT(1000);
    struct ocsp_facts facts;

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        buf_put_text(&singles, "304f" CERTID_HEX "8000" TIME_HEX);
    }
    facts = read_parts((struct parts){.single = buf_text(&singles)});
    assert_int_equal(facts.form, REASON_GOOD);
    assert_int_equal(facts.singles, 300);
    buf_put_text(&certs, "a081853081"
                         "82");
    for (size_t i = 0; i <= LIMIT_EMBEDDED_CERTS; i++) {
        buf_put_text(&certs, "3000");
    }
    facts = read_parts((struct parts){.after_signature = buf_text(&certs)});
    assert_int_equal(facts.form, REASON_GOOD);
    assert_int_equal(facts.embedded_certs, LIMIT_EMBEDDED_CERTS + 1);
    buf_deinit(&singles);
    buf_deinit(&certs);
}

static int setup(void **state)
{
    (void)state;
    return world_setup(&world, MINT_EC);
}

static int teardown(void **state)
{
    (void)state;
    world_teardown(&world);
    mint_deinit();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_answer_gives_all_facts),
        cmocka_unit_test(test_the_signature_is_not_trusted_before_it_is_checked),
        cmocka_unit_test(test_revoked_and_unknown_are_told_apart),
        cmocka_unit_test(test_an_answer_about_another_certificate_does_not_match),
        cmocka_unit_test(test_certids_of_every_usual_hash_match),
        cmocka_unit_test(test_a_sha1_single_is_preferred),
        cmocka_unit_test(test_the_last_of_twenty_singles_is_found),
        cmocka_unit_test(test_singles_that_disagree_are_noticed),
        cmocka_unit_test(test_which_hash_is_of_another_issuer_is_told),
        cmocka_unit_test(test_all_singles_are_summed_up),
        cmocka_unit_test(test_first_and_last_status_are_told),
        cmocka_unit_test(test_lengths_that_are_too_long_are_told_from_junk),
        cmocka_unit_test(test_bytes_behind_are_told_from_bytes_within),
        cmocka_unit_test(test_an_absent_next_update_never_comes),
        cmocka_unit_test(test_error_statuses_are_told_from_junk),
        cmocka_unit_test(test_a_newline_behind_the_answer_is_trailing_data),
        cmocka_unit_test(test_an_answer_over_the_cap_is_too_large),
        cmocka_unit_test(test_an_answer_cut_anywhere_is_never_read),
        cmocka_unit_test(test_what_every_client_tolerates_is_tolerated),
        cmocka_unit_test(test_other_versions_and_types_are_unsupported),
        cmocka_unit_test(test_a_responder_id_is_one_name_or_twenty_octets),
        cmocka_unit_test(test_inexact_der_is_malformed_at_every_level),
        cmocka_unit_test(test_singles_are_read_exactly),
        cmocka_unit_test(test_octets_behind_the_end_are_told_at_every_level),
        cmocka_unit_test(test_many_singles_and_certificates_are_passed_over),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
