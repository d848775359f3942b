/* SPDX-License-Identifier: Apache-2.0 */

/* Issuers and delegates by chance (test-breed.h): what we would staple by the rules of RFC 6960
 * alone OCSP_basic_verify() accepts, whoever signed it. CLINCH_SEED says where to begin, to hunt
 * further; what is found then lies as authority-*.der in the working directory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tests/fuzz/oracle.h"
#include "core/verdict.h"
#include "pki/test-breed.h"

#define ISSUERS   250
#define DELEGATES 3 /* of each */

static struct crypto *crypto;
static struct signer *signer;

static struct {
    unsigned answers;
    unsigned stapled[2];     /* by the issuer, by a delegate */
    unsigned refused[2];     /* though OCSP_basic_verify() accepts */
    unsigned never_accepted; /* refused by both */
    unsigned no_issuer;
} tally;

/* One issuer, its leaf, and the answer in hand. */
struct trial {
    struct rng rng;
    struct bred ca;
    struct bred leaf_cert;
    struct bred delegate;
    struct issuer *issuer;
    struct cert_facts *leaf;
    struct buf answer;
    struct buf served;
};

static struct ocsp_facts read_answer(const struct trial *trial, struct slice answer,
                                     struct buf *served)
{
    struct response_view view;
    struct ocsp_facts facts;
    unsigned delegate = 0;

    response_read(answer, trial->leaf, trial->issuer, &facts, &view);
    if (facts.form != REASON_GOOD) {
        buf_put_slice(served, answer);
        return facts;
    }
    signer_check(signer, &view, trial->issuer, &facts, &delegate);
    repair_answer(served, answer, &view, &facts, delegate);
    return facts;
}

static void keep(const char *path, struct slice content)
{
    FILE *file = fopen(path, "wb");

    if (file) {
        fwrite(content.data, 1, content.size, file);
        fclose(file);
    }
}

static void judge(struct trial *trial, uint64_t seed, bool by_delegate)
{
    struct policy policy = policy_default();
    struct buf again = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct judgement judgement;
    struct ocsp_facts facts;
    bool accepted;

    policy.audience = AUDIENCE_RFC6960;
    buf_clear(&trial->served);
    read_answer(trial, slice_of_buf(&trial->answer), &trial->served);
    /* The delegate, if it may sign, is remembered by now. */
    facts = read_answer(trial, slice_of_buf(&trial->served), &again);
    judgement = verdict_judge(&policy, trial->leaf, &facts, NULL, BREED_NOW);
    ERR_clear_error();
    accepted = oracle_verifies(slice_of_buf(&trial->served), trial->issuer->der, BREED_NOW);
    tally.answers++;
    if (judgement.verdict == VERDICT_STAPLE && !accepted) {
        ERR_print_errors_fp(stderr);
        keep("authority-issuer.der", trial->issuer->der);
        keep("authority-answer.der", slice_of_buf(&trial->served));
        fail_msg("seed %llu: to be stapled, and OCSP_basic_verify() refuses it",
                 (unsigned long long)seed);
    }
    tally.stapled[by_delegate] += judgement.verdict == VERDICT_STAPLE;
    tally.refused[by_delegate] += judgement.verdict != VERDICT_STAPLE && accepted;
    tally.never_accepted += judgement.verdict != VERDICT_STAPLE && !accepted;
    ERR_clear_error();
    buf_deinit(&again);
}

/* An issuer that our own rules take for the leaf's. */
static bool trial_begin(struct trial *trial)
{
    struct cert_view view;
    const char *fault;

    breed_issuer(&trial->rng, &trial->ca);
    if (!breed_leaf(&trial->ca, &trial->leaf_cert) ||
        issuer_new(&trial->issuer, crypto, slice_of_buf(&trial->ca.der)) != 0) {
        return false;
    }
    if (cert_read(slice_of_buf(&trial->leaf_cert.der), &view, &fault) != 0 ||
        !issuer_signed(crypto, trial->issuer, &view)) {
        return false;
    }
    assert_int_equal(cert_facts_new(&trial->leaf, crypto, &view, trial->issuer), 0);
    /* It is the only issuer there is: libcrypto looks at its dates. */
    trial->leaf->issuer_not_before_s = trial->issuer->view.not_before_s;
    trial->leaf->issuer_not_after_s = trial->issuer->view.not_after_s;
    return true;
}

static void trial_judge(struct trial *trial, uint64_t seed)
{
    breed_answer(&trial->rng, trial->issuer, trial->leaf, &trial->ca, false, &trial->answer);
    judge(trial, seed, false);
    for (unsigned i = 0; i < DELEGATES; i++) {
        if (breed_delegate(&trial->rng, &trial->ca, &trial->delegate)) {
            breed_answer(&trial->rng, trial->issuer, trial->leaf, &trial->delegate, true,
                         &trial->answer);
            judge(trial, seed, true);
        }
    }
}

static void trial_end(struct trial *trial)
{
    free(trial->leaf);
    issuer_free(trial->issuer);
    buf_deinit(&trial->ca.der);
    buf_deinit(&trial->leaf_cert.der);
    buf_deinit(&trial->delegate.der);
    buf_deinit(&trial->answer);
    buf_deinit(&trial->served);
}

static void test_nobody_is_taken_for_a_signer_whom_openssl_refuses(void **state)
{
    const char *text = getenv("CLINCH_SEED");
    uint64_t first = text ? strtoull(text, NULL, 10) : 1;

    (void)state;
    for (uint64_t seed = first; seed < first + ISSUERS; seed++) {
        struct trial trial = {
            .rng = {seed},
            .ca = {.der = BUF_INIT(LIMIT_CERT_SIZE)},
            .leaf_cert = {.der = BUF_INIT(LIMIT_CERT_SIZE)},
            .delegate = {.der = BUF_INIT(LIMIT_CERT_SIZE)},
            .answer = BUF_INIT(LIMIT_ANSWER_SIZE),
            .served = BUF_INIT(LIMIT_ANSWER_SIZE),
        };

        if (trial_begin(&trial)) {
            trial_judge(&trial, seed);
        } else {
            tally.no_issuer++;
        }
        trial_end(&trial);
    }
    print_message("%u answers: stapled %u of issuers, %u of delegates; accepted by "
                  "OCSP_basic_verify() and refused here %u and %u; refused by both %u; %u issuers "
                  "that issued nothing\n",
                  tally.answers, tally.stapled[0], tally.stapled[1], tally.refused[0],
                  tally.refused[1], tally.never_accepted, tally.no_issuer);
    assert_true(tally.stapled[0] > ISSUERS / 4);
    assert_true(tally.stapled[1] > ISSUERS / 4);
    assert_true(tally.never_accepted > ISSUERS / 4);
}

static int setup(void **state)
{
    (void)state;
    breed_setup();
    return crypto_new(&crypto) || signer_new(&signer, crypto);
}

static int teardown(void **state)
{
    (void)state;
    signer_free(signer);
    crypto_free(crypto);
    breed_teardown();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_taken_for_a_signer_whom_openssl_refuses),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
