/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pki/test-world.h"

static struct world rsa, ec;
static struct world *const worlds[] = {&rsa, &ec};

static void assert_repaired(struct world *world, const struct mint_answer *spec, unsigned certs)
{
    struct opinion opinion = world_judge(world, spec), again;
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE);

    assert_true(opinion_is_good(&opinion));
    repair_answer(&served, slice_of_buf(&world->answer), &opinion.view, &opinion.facts,
                  opinion.delegate);
    assert_int_equal(buf_status(&served), 0);
    again = world_judge_bytes(world, slice_of_buf(&served));
    assert_true(opinion_is_good(&again));
    assert_true(mint_oracle(slice_of_buf(&served), world->ca));
    assert_int_equal(again.facts.embedded_certs, certs);
    assert_int_equal(again.facts.signer, opinion.facts.signer);
    assert_true(slice_equal(again.view.tbs, opinion.view.tbs));
    if (opinion.facts.embedded_certs == certs) {
        assert_true(slice_equal(slice_of_buf(&served), slice_of_buf(&world->answer)));
    }
    buf_deinit(&served);
}

static void test_served_answers_carry_the_delegate_alone(void **state)
{
    static const unsigned counts[] = {0, 1, 8, 9, 39};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts) * ARRAY_SIZE(worlds); i++) {
        struct world *world = worlds[i % ARRAY_SIZE(worlds)];
        unsigned count = counts[i / ARRAY_SIZE(worlds)];
        struct mint_cert cert = world_delegate(world, MINT_RSA_OTHER);
        struct mint_answer spec = world_answer(world);

        for (unsigned k = 0; k < count; k++) {
            spec.embedded[k] = k % 2 ? world->ca : world->other;
        }
        assert_repaired(world, &spec, 0);
        spec.signer = mint_cert(&cert);
        spec.signer_key = MINT_RSA_OTHER;
        spec.embed_signer = true;
        assert_repaired(world, &spec, 1);
        X509_free(spec.signer);
    }
}

/* The CA of these worlds is a root. */
static void test_a_root_that_is_not_sent_is_embedded(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER);
    struct mint_answer spec = world_answer(&ec);
    struct opinion opinion;

    (void)state;
    opinion = world_judge(&ec, &spec);
    assert_false(opinion.facts.root_embedded);
    ec.facts->root_unsent = true;
    for (int by_key = 0; by_key < 2; by_key++) {
        spec.by_key = by_key;
        spec.embedded[0] = spec.embedded[1] = NULL;
        assert_repaired(&ec, &spec, 1);
        spec.embedded[0] = ec.other;
        spec.embedded[1] = ec.ca;
        assert_repaired(&ec, &spec, 1);
        opinion = world_judge(&ec, &spec);
        assert_true(opinion.facts.root_embedded);
        assert_true(opinion.facts.by_key == by_key);
        repair_facts(&opinion.facts, &opinion.view, 0);
        assert_true(opinion.facts.root_embedded && opinion.facts.embedded_certs == 1);
    }
    spec.embedded[0] = spec.embedded[1] = NULL;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = true;
    assert_repaired(&ec, &spec, 1); /* the delegate alone */
    opinion = world_judge(&ec, &spec);
    repair_facts(&opinion.facts, &opinion.view, opinion.delegate);
    assert_false(opinion.facts.root_embedded);
    X509_free(spec.signer);
    ec.facts->root_unsent = false;
}

static void test_a_root_is_not_embedded_where_it_makes_the_answer_too_large(void **state)
{
    struct mint_answer spec = world_answer(&ec);
    struct ocsp_facts facts;

    (void)state;
    ec.facts->root_unsent = true;
    for (unsigned i = 0; i < MINT_SINGLES; i++) {
        spec.singles[i] = spec.singles[0];
    }
    world_judge(&ec, &spec);
    assert_true(ec.answer.size < LIMIT_STAPLE_SIZE);
    for (size_t size = LIMIT_STAPLE_SIZE - 1000; size <= LIMIT_STAPLE_SIZE; size += 1000) {
        struct opinion opinion = world_judge(&ec, &spec);
        uint8_t *filler = calloc(1, size);

        /* As if what is signed were that long. */
        assert_non_null(filler);
        opinion.view.tbs = slice_of(filler, size - 200);
        facts = opinion.facts;
        repair_facts(&facts, &opinion.view, 0);
        assert_int_equal(facts.embedded_certs, size < LIMIT_STAPLE_SIZE ? 1 : 0);
        free(filler);
    }
    ec.facts->root_unsent = false;
}

/* Where the delegate stands among what cannot be read. */
static void test_an_unreadable_certificate_before_the_delegate_is_told(void **state)
{
    struct mint_cert cert = world_delegate(&ec, MINT_RSA_OTHER);
    struct mint_answer spec = world_answer(&ec);
    struct opinion opinion;

    (void)state;
    spec.signer = mint_cert(&cert);
    spec.signer_key = MINT_RSA_OTHER;
    spec.embed_signer = true;
    spec.embedded[0] = ec.other;
    opinion = world_judge(&ec, &spec);
    assert_false(opinion.facts.embedded_unreadable || opinion.facts.unreadable_first);
    *(uint8_t *)(opinion.view.certs[0].data + 4) = 0x31; /* tbsCertificate is a SET */
    opinion = world_judge_bytes(&ec, slice_of_buf(&ec.answer));
    assert_true(opinion_is_good(&opinion));
    assert_true(opinion.facts.embedded_unreadable && opinion.facts.unreadable_first);
    repair_facts(&opinion.facts, &opinion.view, opinion.delegate);
    assert_false(opinion.facts.embedded_unreadable || opinion.facts.unreadable_first);
    X509_free(spec.signer);
}

static void test_an_answer_of_nobody_is_served_as_it_came(void **state)
{
    struct mint_answer spec = world_answer(&ec);
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct opinion opinion;

    (void)state;
    spec.signer = rsa.other;
    spec.signer_key = MINT_EC_OTHER;
    spec.embedded[0] = ec.leaf;
    opinion = world_judge(&ec, &spec);
    assert_int_equal(opinion.facts.signer, OCSP_SIGNER_NONE);
    repair_answer(&served, slice_of_buf(&ec.answer), &opinion.view, &opinion.facts, 0);
    assert_true(slice_equal(slice_of_buf(&served), slice_of_buf(&ec.answer)));
    buf_deinit(&served);
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
        cmocka_unit_test(test_served_answers_carry_the_delegate_alone),
        cmocka_unit_test(test_a_root_that_is_not_sent_is_embedded),
        cmocka_unit_test(test_a_root_is_not_embedded_where_it_makes_the_answer_too_large),
        cmocka_unit_test(test_an_unreadable_certificate_before_the_delegate_is_told),
        cmocka_unit_test(test_an_answer_of_nobody_is_served_as_it_came),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
