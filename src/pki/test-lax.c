/* SPDX-License-Identifier: Apache-2.0 */

/* What is wrong and yet taken by some clients: told apart, so that the table can name them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "pki/der.h"
#include "pki/response-lax.h"
#include "pki/test-world.h"

static struct world world;

static void test_a_signature_of_odd_bits_is_told_from_junk(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;
    size_t at;

    (void)state;
    world_judge(&world, &spec);
    at = world.answer.size - 3;
    while (world.answer.data[at] != DER_BIT_STRING ||
           at + 2 + world.answer.data[at + 1] != world.answer.size) {
        at--; /* the signature stands last */
    }
    assert_int_equal(world.answer.data[at + 2], 0);
    world.answer.data[at + 2] = 1;
    facts = world_judge_bytes(&world, slice_of_buf(&world.answer)).facts;
    assert_int_equal(facts.form, REASON_MALFORMED);
    assert_int_equal(facts.lax_form, LAX_UNUSED_BITS);
    world.answer.data[at + 2] = 8;
    facts = world_judge_bytes(&world, slice_of_buf(&world.answer)).facts;
    assert_int_equal(facts.lax_form, 0);
}

static void assert_relaxed(const char *text, const char *strict, uint8_t laxities)
{
    struct buf input = BUF_INIT(64), expected = BUF_INIT(64), relaxed = BUF_INIT(64);
    uint8_t found;

    der_put_header(&input, DER_GENERALIZED_TIME, strlen(text));
    buf_put_text(&input, text);
    der_put_header(&expected, DER_GENERALIZED_TIME, strlen(strict));
    buf_put_text(&expected, strict);
    assert_true(response_relax(slice_of_buf(&input), &relaxed, &found));
    assert_true(slice_equal(slice_of_buf(&relaxed), slice_of_buf(&expected)));
    assert_int_equal(found, laxities);
    buf_deinit(&input);
    buf_deinit(&expected);
    buf_deinit(&relaxed);
}

static void test_odd_times_are_mended_and_told(void **state)
{
    (void)state;
    assert_relaxed("20261122140305Z", "20261122140305Z", 0);
    assert_relaxed("20261122140305.5Z", "20261122140305Z", LAX_FRACTION);
    assert_relaxed("202611221403Z", "20261122140300Z", LAX_NO_SECONDS);
    assert_relaxed("20261122140305+0100", "20261122140305+0100", 0);
    assert_relaxed("", "", 0);
}

static void test_an_octet_behind_the_basic_response_is_told(void **state)
{
    /* The low octets of the lengths of OCSPResponse, [0], ResponseBytes and its OCTET STRING. */
    static const size_t lengths[] = {3, 10, 14, 29};
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.embedded[0] = world.other; /* long enough for lengths of two octets */
    world_judge(&world, &spec);
    buf_put_byte(&world.answer, 0);
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        assert_int_equal(world.answer.data[lengths[i] - 2], 0x82);
        world.answer.data[lengths[i]]++;
    }
    facts = world_judge_bytes(&world, slice_of_buf(&world.answer)).facts;
    assert_int_equal(facts.form, REASON_TRAILING_DATA);
    assert_true(facts.trailing_basic);
    assert_false(facts.trailing_outside);
}

static void test_a_delegate_under_the_issuer_s_name_is_told(void **state)
{
    struct mint_cert cert = world_delegate(&world, MINT_EC_OTHER);
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    cert.name = "Test CA";
    cert.extensions[3].name = "subjectKeyIdentifier"; /* else it looks self-signed */
    cert.extensions[3].value = "hash";
    spec.signer = mint_cert(&cert);
    spec.signer_key = cert.key;
    spec.embed_signer = true;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.signature, REASON_BAD_SIGNATURE);
    assert_true(facts.signer_namesake);
    assert_int_equal(facts.signer, OCSP_SIGNER_NONE);
    spec.embed_signer = false;
    facts = world_judge(&world, &spec).facts;
    assert_int_equal(facts.signature, REASON_BAD_SIGNATURE);
    assert_false(facts.signer_namesake);
    X509_free(spec.signer);
}

static void test_one_revoked_among_several_is_told(void **state)
{
    struct mint_answer spec = world_answer(&world);

    (void)state;
    spec.singles[1] = spec.singles[0];
    spec.singles[1].status = CERT_STATUS_UNKNOWN;
    assert_false(world_judge(&world, &spec).facts.any_revoked);
    spec.singles[1].status = CERT_STATUS_REVOKED;
    spec.singles[1].revoked_at_s = MINT_NOW - MINT_DAY_S;
    spec.singles[1].reason = -1;
    assert_true(world_judge(&world, &spec).facts.any_revoked);
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
        cmocka_unit_test(test_a_signature_of_odd_bits_is_told_from_junk),
        cmocka_unit_test(test_odd_times_are_mended_and_told),
        cmocka_unit_test(test_an_octet_behind_the_basic_response_is_told),
        cmocka_unit_test(test_a_delegate_under_the_issuer_s_name_is_told),
        cmocka_unit_test(test_one_revoked_among_several_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
