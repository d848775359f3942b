/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pki/der.h"
#include "pki/repair.h"
#include "pki/test-world.h"

static struct world rsa, ec;
static struct world *const worlds[] = {&rsa, &ec};

/* Judges, and holds it against OpenSSL: we may never accept what it refuses. */
static struct opinion judge(struct world *world, const struct mint_answer *spec)
{
    struct opinion opinion = world_judge(world, spec);

    if (opinion.facts.signature == REASON_GOOD) {
        assert_true(mint_oracle(slice_of_buf(&world->answer), world->ca));
    }
    return opinion;
}

static enum reason signature_of(struct world *world, const struct mint_answer *spec)
{
    return judge(world, spec).facts.signature;
}

/* A good answer signed by a delegate like @cert, which is embedded. */
static struct opinion judge_delegate(struct world *world, const struct mint_cert *cert)
{
    struct mint_answer spec = world_answer(world);
    struct opinion opinion;

    spec.signer = mint_cert(cert);
    spec.signer_key = cert->key;
    spec.embed_signer = true;
    opinion = judge(world, &spec);
    X509_free(spec.signer);
    return opinion;
}

/* With the exponent 1 a signature is what is signed: anybody makes it. */
static void test_a_key_that_everybody_can_sign_with_is_none(void **state)
{
    unsigned char *spki = NULL;
    int size = i2d_PUBKEY(X509_get0_pubkey(rsa.ca), &spki);
    struct slice key = slice_of(spki, (size_t)size);
    uint8_t *exponent = spki + size - 3; /* 65537, at the end */

    (void)state;
    assert_memory_equal(exponent, "\1\0\1", 3);
    for (uint8_t last = 0; last < 4; last++) {
        void *made;

        exponent[0] = exponent[1] = 0;
        exponent[2] = last;
        made = crypto_key_new(rsa.crypto, key);
        assert_true(!made == (last < 3));
        crypto_key_free(made);
    }
    OPENSSL_free(spki);
}

static void test_an_answer_of_the_issuer_is_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(worlds); i++) {
        struct mint_answer spec = world_answer(worlds[i]);
        struct opinion opinion = judge(worlds[i], &spec);

        assert_true(opinion_is_good(&opinion));
        assert_int_equal(opinion.facts.signer, OCSP_SIGNER_ISSUER);
        assert_int_not_equal(opinion.facts.made.digest, DIGEST_SHA1);
        spec.by_key = true;
        assert_int_equal(signature_of(worlds[i], &spec), REASON_GOOD);
        spec.embed_signer = true;
        assert_int_equal(signature_of(worlds[i], &spec), REASON_GOOD);
    }
}

static void test_an_answer_of_a_delegate_is_good(void **state)
{
    static const enum mint_key all[] = {MINT_RSA_OTHER, MINT_EC_OTHER, MINT_EC_384, MINT_ED25519};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(worlds) * ARRAY_SIZE(all); i++) {
        struct world *world = worlds[i % ARRAY_SIZE(worlds)];
        struct mint_cert cert = world_delegate(world, all[i / ARRAY_SIZE(worlds)]);
        struct opinion opinion = judge_delegate(world, &cert);

        assert_true(opinion_is_good(&opinion));
        assert_int_equal(opinion.facts.signer, OCSP_SIGNER_DELEGATE);
        assert_int_equal(opinion.delegate, 0);
        assert_int_equal(opinion.facts.delegate_not_before_s, MINT_NOW - 30 * MINT_DAY_S);
        assert_int_equal(opinion.facts.delegate_not_after_s, MINT_NOW + 60 * MINT_DAY_S);
        assert_int_not_equal(opinion.facts.made.digest, DIGEST_SHA1);
    }
}

static void test_a_delegate_is_found_behind_noise(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER);
    struct mint_answer spec = world_answer(&ec);
    struct opinion opinion;

    (void)state;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = spec.by_key = true;
    spec.embedded[0] = ec.ca;
    spec.embedded[1] = ec.other;
    opinion = judge(&ec, &spec);
    assert_true(opinion_is_good(&opinion));
    assert_int_equal(opinion.delegate, 2);
    spec.embed_signer = false;
    assert_int_equal(signature_of(&ec, &spec), REASON_SIGNER_NOT_FOUND);
    X509_free(spec.signer);
}

static void test_dates_of_a_delegate_are_facts_not_a_verdict(void **state)
{
    struct mint_cert cert = world_delegate(&rsa, MINT_EC);
    struct mint_answer spec = world_answer(&rsa);
    struct opinion opinion;

    (void)state;
    cert.not_after_s = MINT_NOW - 1;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_EC;
    spec.embed_signer = true;
    opinion = world_judge(&rsa, &spec); /* OpenSSL judges the dates at once */
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_int_equal(opinion.facts.delegate_not_after_s, MINT_NOW - 1);
    assert_false(mint_oracle(slice_of_buf(&rsa.answer), rsa.ca));
    X509_free(spec.signer);
}

static void test_delegates_without_authority_are_refused(void **state)
{
    static const struct {
        size_t index;
        const char *name;
        const char *value;
    } changes[] = {
        {0, "basicConstraints", "CA:FALSE"}, /* no extended key usage at all */
        {0, "extendedKeyUsage", "serverAuth"},
        {0, "extendedKeyUsage", "anyExtendedKeyUsage"},
        {1, "basicConstraints", "CA:TRUE"},
        {1, "1.2.3.4", "critical,DER:05:00"},
        {2, "authorityKeyIdentifier", "DER:30:06:80:04:00:01:02:03"},
        {2, "authorityKeyIdentifier", "DER:30:04:82:02:77:77"}, /* by the serial of another */
        {1, "subjectAltName", "DER:05:00"}, /* not readable for clients on libcrypto */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes) * ARRAY_SIZE(worlds); i++) {
        struct world *world = worlds[i % ARRAY_SIZE(worlds)];
        struct mint_cert cert = world_delegate(world, MINT_EC_384);
        size_t change = i / ARRAY_SIZE(worlds);

        cert.extensions[changes[change].index].name = changes[change].name;
        cert.extensions[changes[change].index].value = changes[change].value;
        assert_int_equal(judge_delegate(world, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
        cert = world_delegate(world, MINT_EC_384);
        cert.version_1 = true; /* extensions are none of its business */
        assert_int_equal(judge_delegate(world, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
    }
}

static void test_a_delegate_of_another_issuer_is_refused(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_EC_384);
    X509 *renamed =
        mint_cert(&(struct mint_cert){.name = "Renamed CA", .key = MINT_EC, .issuer_key = MINT_EC});

    (void)state;
    cert.issuer_key = MINT_EC_OTHER; /* says our issuer's name, but has not its signature */
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
    cert = world_delegate(&ec, MINT_EC_384);
    cert.issuer = rsa.other; /* a leaf of our issuer gives itself a child */
    cert.issuer_key = MINT_EC_OTHER;
    cert.extensions[2].name = NULL;
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
    cert.issuer = renamed; /* our issuer's key under another name: not "issued directly" */
    cert.issuer_key = MINT_EC;
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
    cert.issuer = NULL; /* self-signed */
    cert.issuer_key = MINT_EC_384;
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_UNAUTHORIZED_SIGNER);
    X509_free(renamed);
}

static void test_the_leaf_never_signs_for_itself(void **state)
{
    struct mint_answer spec = world_answer(&ec);
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER);
    struct cert_facts saved = *ec.facts;
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct opinion opinion;

    (void)state;
    spec.signer = ec.leaf;
    spec.signer_key = MINT_EC_OTHER;
    spec.embed_signer = true;
    assert_int_equal(signature_of(&ec, &spec), REASON_UNAUTHORIZED_SIGNER);
    /* not even with the key usage for it */
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    assert_int_equal(signature_of(&ec, &spec), REASON_GOOD);
    mint_der(spec.signer, &der);
    assert_true(crypto_digest(ec.crypto, CERTID_SHA256, slice_of_buf(&der), ec.facts->leaf_sha256));
    opinion = world_judge(&ec, &spec);
    assert_int_equal(opinion.facts.signature, REASON_UNAUTHORIZED_SIGNER);
    *ec.facts = saved;
    buf_deinit(&der);
    X509_free(spec.signer);
}

static void test_a_delegate_named_like_the_issuer_is_a_bad_signature(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_EC_OTHER);
    struct mint_answer spec = world_answer(&ec);

    (void)state;
    cert.name = "Test CA";
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_BAD_SIGNATURE);
    cert = world_delegate(&ec, MINT_RSA_OTHER); /* a key of another type altogether */
    cert.name = "Test CA";
    assert_int_equal(judge_delegate(&ec, &cert).facts.signature, REASON_BAD_SIGNATURE);
    /* by key it can be told apart, but libcrypto thinks that it signed itself */
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = spec.by_key = true;
    assert_int_equal(signature_of(&ec, &spec), REASON_UNAUTHORIZED_SIGNER);
    X509_free(spec.signer);
    /* unless both key identifiers say otherwise */
    cert.extensions[3].name = "subjectKeyIdentifier";
    cert.extensions[3].value = "hash";
    spec.signer = mint_cert(&cert);
    assert_int_equal(signature_of(&ec, &spec), REASON_GOOD);
    X509_free(spec.signer);
}

static void test_of_two_delegates_of_one_name_the_one_who_signed_counts(void **state)
{
    struct mint_cert first = world_delegate(&ec, MINT_EC_384), second = first;
    struct mint_answer spec = world_answer(&ec);
    struct opinion opinion;

    (void)state;
    second.key = MINT_EC_OTHER;
    second.serial_hex = "3001";
    spec.embedded[0] = mint_cert(&first);
    spec.embedded[1] = spec.signer = mint_cert(&second);
    spec.signer_key = MINT_EC_OTHER;
    opinion = world_judge(&ec, &spec);
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_int_equal(opinion.delegate, 1);
    X509_free(spec.embedded[0]);
    X509_free(spec.embedded[1]);
}

static void assert_made(const struct signature_facts *made, enum key_kind key, unsigned bits,
                        enum digest_kind digest)
{
    assert_int_equal(made->key, key);
    assert_int_equal(made->key_bits, bits);
    assert_int_equal(made->digest, digest);
}

static void test_of_a_delegate_and_its_predecessor_the_one_in_date_counts(void **state)
{
    static const struct {
        int64_t from_s, until_s; /* of the other one, in days from now */
        bool other;
    } rows[] = {{-90, -1, false}, {1, 300, false}, {-30, 40, false}, {-30, 70, true}};
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER), twin = cert;
    struct mint_answer spec = world_answer(&ec);

    (void)state;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = true;
    twin.serial_hex = "3001";
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct opinion opinion;

        twin.not_before_s = MINT_NOW + rows[i].from_s * MINT_DAY_S;
        twin.not_after_s = MINT_NOW + rows[i].until_s * MINT_DAY_S;
        spec.embedded[0] = mint_cert(&twin);
        opinion = world_judge(&ec, &spec);
        assert_true(opinion_is_good(&opinion));
        assert_int_equal(opinion.delegate, rows[i].other ? 0 : 1);
        assert_true(opinion.facts.signer_first == rows[i].other);
        assert_true(opinion.facts.shadowed == !rows[i].other); /* it is named, too */
        assert_false(opinion.facts.shadowed_by_key);
        repair_facts(&opinion.facts, &opinion.view, opinion.delegate);
        assert_false(opinion.facts.shadowed);
        X509_free(spec.embedded[0]);
    }
    X509_free(spec.signer);
}

static void test_another_of_the_delegates_name_before_it_is_told(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER), other = cert;
    struct mint_answer spec = world_answer(&ec);
    struct opinion opinion;

    (void)state;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = true;
    other.key = MINT_EC_OTHER;
    spec.embedded[0] = mint_cert(&other);
    for (unsigned by_key = 0; by_key < 2; by_key++) {
        spec.by_key = by_key;
        opinion = world_judge(&ec, &spec);
        assert_true(opinion_is_good(&opinion));
        assert_int_equal(opinion.delegate, 1);
        assert_true(opinion.facts.shadowed == !by_key);
        assert_true(opinion.facts.shadowed_by_key == !by_key);
    }
    X509_free(spec.embedded[0]);
    X509_free(spec.signer);
}

static void test_algorithms_of_answer_and_delegate_are_told(void **state)
{
    struct mint_answer spec = world_answer(&rsa);
    struct mint_cert cert = world_delegate(&rsa, MINT_EC_384);
    struct opinion opinion;

    (void)state;
    spec.digest = EVP_sha1();
    opinion = judge(&rsa, &spec);
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_made(&opinion.facts.made, KEY_RSA, 2048, DIGEST_SHA1);
    assert_made(&opinion.facts.delegate_made, KEY_NONE, 0, DIGEST_NONE);
    spec.digest = EVP_sha512();
    opinion = judge(&rsa, &spec);
    assert_made(&opinion.facts.made, KEY_RSA, 2048, DIGEST_SHA512);
    cert.digest = EVP_sha1();
    for (unsigned i = 0; i < 2; i++) { /* remembered, too */
        opinion = judge_delegate(&rsa, &cert);
        assert_int_equal(opinion.facts.signature, REASON_GOOD);
        assert_made(&opinion.facts.made, KEY_P384, 384, DIGEST_SHA256);
        assert_made(&opinion.facts.delegate_made, KEY_RSA, 2048, DIGEST_SHA1);
    }
    cert = world_delegate(&rsa, MINT_RSA_SMALL);
    opinion = judge_delegate(&rsa, &cert);
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_made(&opinion.facts.made, KEY_RSA, 1024, DIGEST_SHA256);
    cert = world_delegate(&rsa, MINT_ED25519);
    opinion = judge_delegate(&rsa, &cert);
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_int_equal(opinion.facts.made.key, KEY_ED25519);
    assert_int_equal(opinion.facts.made.digest, DIGEST_NONE);
}

static void test_what_a_delegate_lacks_is_told(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned faults;
    } rows[] = {
        {"keyUsage", "digitalSignature", DELEGATE_NO_EKU},
        {"extendedKeyUsage", "anyExtendedKeyUsage", DELEGATE_NO_EKU},
        {"basicConstraints", "CA:TRUE", DELEGATE_NO_EKU | DELEGATE_IS_CA},
        {"1.2.3.4.5", "critical,DER:0500", DELEGATE_NO_EKU | DELEGATE_CRITICAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mint_cert cert = world_delegate(&rsa, MINT_EC);
        struct opinion opinion;

        cert.extensions[0].name = rows[i].name;
        cert.extensions[0].value = rows[i].value;
        opinion = judge_delegate(&rsa, &cert);
        assert_int_equal(opinion.facts.signature, REASON_UNAUTHORIZED_SIGNER);
        assert_int_equal(opinion.facts.delegate_faults, rows[i].faults);
        assert_int_equal(opinion.facts.signer, OCSP_SIGNER_NONE);
        /* With the right to sign besides, only the other fault is left. */
        cert.extensions[1].name = "extendedKeyUsage";
        cert.extensions[1].value = "OCSPSigning";
        if (strcmp(rows[i].name, "extendedKeyUsage") != 0) {
            opinion = judge_delegate(&rsa, &cert);
            assert_int_equal(opinion.facts.delegate_faults, rows[i].faults & ~DELEGATE_NO_EKU);
        }
    }
}

static void test_an_issuer_under_the_name_of_nobody_is_told(void **state)
{
    struct mint_answer spec = world_answer(&ec);
    X509 *nobody =
        mint_cert(&(struct mint_cert){.name = "Nobody", .key = ec.ca_key, .issuer_key = ec.ca_key});
    X509 *stranger = mint_cert(
        &(struct mint_cert){.name = "Nobody", .key = MINT_EC_OTHER, .issuer_key = MINT_EC_OTHER});

    (void)state;
    spec.signer = nobody;
    assert_int_equal(world_judge(&ec, &spec).facts.signature, REASON_SIGNER_NOT_FOUND);
    assert_true(world_judge(&ec, &spec).facts.signer_misnamed);
    spec.signer = stranger;
    spec.signer_key = MINT_EC_OTHER;
    assert_false(world_judge(&ec, &spec).facts.signer_misnamed);
    X509_free(nobody);
    X509_free(stranger);
}

/* OpenSSL wants all singles to be of one issuer; where it refuses, so must we. */
static void test_singles_of_several_issuers_are_never_taken_where_openssl_does_not(void **state)
{
    struct mint_cert cert = world_delegate(&rsa, MINT_EC);
    struct mint_answer spec = world_answer(&rsa);

    (void)state;
    spec.singles[1] = spec.singles[0];
    spec.singles[1].hash = EVP_sha256();
    signature_of(&rsa, &spec);
    spec.singles[1].issuer = ec.ca;
    signature_of(&rsa, &spec);
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_EC;
    spec.embed_signer = true;
    signature_of(&rsa, &spec);
    spec.singles[1].issuer = rsa.ca;
    signature_of(&rsa, &spec);
    X509_free(spec.signer);
}

static void test_md5_is_unsupported_not_bad(void **state)
{
    struct mint_answer spec = world_answer(&rsa);
    struct mint_cert cert = world_delegate(&rsa, MINT_EC);

    (void)state;
    spec.digest = EVP_md5();
    assert_int_equal(world_judge(&rsa, &spec).facts.signature, REASON_UNSUPPORTED_ALGORITHM);
    cert.digest = EVP_md5();
    assert_int_equal(judge_delegate(&rsa, &cert).facts.signature, REASON_UNSUPPORTED_ALGORITHM);
}

static void test_rsa_pss_is_verified(void **state)
{
    const EVP_MD *digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    struct mint_answer spec = world_answer(&rsa);
    struct opinion opinion;

    (void)state;
    spec.pss = true;
    for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
        spec.digest = digests[i];
        opinion = judge(&rsa, &spec);
        assert_int_equal(opinion.facts.signature, REASON_GOOD);
        assert_true(opinion.facts.made.pss);
        assert_int_not_equal(opinion.facts.made.digest, DIGEST_SHA1);
    }
    spec.digest = EVP_sha1();
    opinion = judge(&rsa, &spec);
    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    assert_true(opinion.facts.made.pss);
    assert_int_equal(opinion.facts.made.digest, DIGEST_SHA1);
}

static void test_a_responder_that_nobody_is_was_not_found(void **state)
{
    struct mint_answer spec = world_answer(&ec);

    (void)state;
    spec.signer = rsa.other;
    spec.signer_key = MINT_EC_OTHER;
    assert_int_equal(signature_of(&ec, &spec), REASON_SIGNER_NOT_FOUND);
    spec.embedded[0] = ec.leaf; /* right key, but not the name that the answer says */
    assert_int_equal(signature_of(&ec, &spec), REASON_SIGNER_NOT_FOUND);
}

/* One bit wrong anywhere: never accepted, except in embedded certificates that do not matter. */
static void assert_no_flip_is_accepted(struct world *world, const struct mint_answer *spec)
{
    struct opinion opinion = judge(world, spec);
    uint8_t *bytes = world->answer.data;

    assert_int_equal(opinion.facts.signature, REASON_GOOD);
    for (size_t bit = 0; bit < world->answer.size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        opinion = world_judge_bytes(world, slice_of_buf(&world->answer));
        assert_false(opinion_is_good(&opinion));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_a_flipped_bit_is_never_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(worlds); i++) {
        struct mint_answer spec = world_answer(worlds[i]);
        struct mint_cert cert = world_delegate(worlds[i], MINT_RSA_OTHER);

        assert_no_flip_is_accepted(worlds[i], &spec);
        if (worlds[i]->ca_key == MINT_RSA) {
            spec.pss = true;
            assert_no_flip_is_accepted(worlds[i], &spec);
            spec.pss = false;
        }
        spec.signer = mint_cert(&cert);
        spec.signer_key = MINT_RSA_OTHER;
        spec.embed_signer = true;
        assert_no_flip_is_accepted(worlds[i], &spec);
        X509_free(spec.signer);
    }
}

/* More delegates than are remembered, twice around: all stay good, and none is taken for another.
 */
static void test_more_delegates_than_are_remembered_all_work(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_EC_384);
    char serial[] = "4000";

    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        struct opinion opinion;

        serial[1] = "0123456789ABCDEF"[i % 300 >> 8];
        serial[2] = "0123456789ABCDEF"[i % 300 >> 4 & 15];
        serial[3] = "0123456789ABCDEF"[i % 300 & 15];
        cert.serial_hex = serial;
        opinion = judge_delegate(&ec, &cert);
        assert_true(opinion_is_good(&opinion));
    }
}

static void test_a_delegate_remembered_for_one_issuer_is_none_for_another(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_EC_384);
    struct mint_answer spec = world_answer(&rsa);
    struct signer *own = rsa.signer;

    (void)state;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_EC_384;
    spec.embed_signer = true;
    rsa.signer = ec.signer; /* one memory for two issuers of the same name */
    spec.singles[0].issuer = ec.ca;
    assert_int_equal(signature_of(&ec, &spec), REASON_GOOD);
    spec.singles[0].issuer = rsa.ca;
    assert_int_equal(signature_of(&rsa, &spec), REASON_UNAUTHORIZED_SIGNER);
    rsa.signer = own;
    X509_free(spec.signer);
}

static void test_one_key_verifies_with_one_digest_after_another(void **state)
{
    const EVP_MD *digests[] = {EVP_sha256(), EVP_sha1(), EVP_sha512(), EVP_sha224(), EVP_sha256()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(digests) * ARRAY_SIZE(worlds); i++) {
        struct world *world = worlds[i % ARRAY_SIZE(worlds)];
        struct mint_answer spec = world_answer(world);
        struct opinion opinion;

        spec.digest = digests[i / ARRAY_SIZE(worlds)];
        opinion = judge(world, &spec);
        assert_int_equal(opinion.facts.signature, REASON_GOOD);
        world->answer.data[world->answer.size - 1] ^= 1; /* a bad one between leaves no trace */
        opinion = world_judge_bytes(world, slice_of_buf(&world->answer));
        assert_int_equal(opinion.facts.signature, REASON_BAD_SIGNATURE);
    }
}

static int setup(void **state)
{
    (void)state;
    return world_setup(&rsa, MINT_RSA) || world_setup(&ec, MINT_EC);
}

static int teardown(void **state)
{
    (void)state;
    world_teardown(&rsa);
    world_teardown(&ec);
    mint_deinit();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_that_everybody_can_sign_with_is_none),
        cmocka_unit_test(test_an_answer_of_the_issuer_is_good),
        cmocka_unit_test(test_an_answer_of_a_delegate_is_good),
        cmocka_unit_test(test_a_delegate_is_found_behind_noise),
        cmocka_unit_test(test_dates_of_a_delegate_are_facts_not_a_verdict),
        cmocka_unit_test(test_delegates_without_authority_are_refused),
        cmocka_unit_test(test_a_delegate_of_another_issuer_is_refused),
        cmocka_unit_test(test_the_leaf_never_signs_for_itself),
        cmocka_unit_test(test_a_delegate_named_like_the_issuer_is_a_bad_signature),
        cmocka_unit_test(test_of_two_delegates_of_one_name_the_one_who_signed_counts),
        cmocka_unit_test(test_of_a_delegate_and_its_predecessor_the_one_in_date_counts),
        cmocka_unit_test(test_another_of_the_delegates_name_before_it_is_told),
        cmocka_unit_test(test_algorithms_of_answer_and_delegate_are_told),
        cmocka_unit_test(test_what_a_delegate_lacks_is_told),
        cmocka_unit_test(test_an_issuer_under_the_name_of_nobody_is_told),
        cmocka_unit_test(test_singles_of_several_issuers_are_never_taken_where_openssl_does_not),
        cmocka_unit_test(test_md5_is_unsupported_not_bad),
        cmocka_unit_test(test_rsa_pss_is_verified),
        cmocka_unit_test(test_a_responder_that_nobody_is_was_not_found),
        cmocka_unit_test(test_a_flipped_bit_is_never_accepted),
        cmocka_unit_test(test_more_delegates_than_are_remembered_all_work),
        cmocka_unit_test(test_a_delegate_remembered_for_one_issuer_is_none_for_another),
        cmocka_unit_test(test_one_key_verifies_with_one_digest_after_another),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
