/* SPDX-License-Identifier: Apache-2.0 */

/* Every vector, our own and other projects', read by us and by libcrypto: where libcrypto reads it
 * too the facts are the same, and what we would staple OCSP_basic_verify() accepts, at the time at
 * which it was judged and by the rules of RFC 6960 alone, which are the laxest we have. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <openssl/err.h>
#include <string.h>

#include "../../tests/fuzz/oracle.h"
#include "core/verdict.h"
#include "pki/test-folder.h"

static struct crypto *crypto;
static struct signer *signer;

static struct {
    unsigned answers;
    unsigned same_facts;
    unsigned stapled;
    unsigned refused;    /* although OCSP_basic_verify() accepts: it reads no dates, no status */
    unsigned unreadable; /* certificates */
    unsigned same_certs;
} tally;

/* One answer with the certificates it is judged by. */
struct subject {
    const char *folder;
    struct buf answer;
    struct buf leaf_der;
    struct buf issuer_der;
    struct cert_facts *leaf;
    struct issuer *issuer;
};

static void compare_cert(const char *folder, struct slice der)
{
    struct cert_view view;
    const char *fault;

    if (cert_read(der, &view, &fault) != 0) {
        tally.unreadable++;
        print_message("       %s: a certificate cannot be read: %s\n", folder, fault);
    } else {
        tally.same_certs += oracle_compare_cert(&view);
    }
}

/* The facts of @answer; @served, which may be NULL, is what it would be repaired to. */
static struct ocsp_facts read_answer(const struct subject *subject, struct slice answer,
                                     struct buf *served)
{
    struct response_view view;
    struct ocsp_facts facts;
    unsigned delegate = 0;

    response_read(answer, subject->leaf, subject->issuer, &facts, &view);
    if (facts.form == REASON_GOOD) {
        oracle_compare_answer(answer, &facts);
        tally.same_facts++;
        signer_check(signer, &view, subject->issuer, &facts, &delegate);
    }
    if (facts.form == REASON_GOOD && served) {
        repair_answer(served, answer, &view, &facts, delegate);
    } else if (served) {
        buf_put_slice(served, answer);
    }
    return facts;
}

/* What is judged and asked about is the answer as served. */
static void judge_at(const struct subject *subject, int64_t wall_s, int64_t max_age_s)
{
    struct policy policy = policy_default();
    struct buf served = BUF_INIT(1024 * 1024);
    struct judgement judgement;
    struct ocsp_facts facts;
    bool accepted;

    policy.audience = AUDIENCE_RFC6960;
    policy.max_age_s = max_age_s;
    read_answer(subject, slice_of_buf(&subject->answer), &served);
    facts = read_answer(subject, slice_of_buf(&served), NULL);
    judgement = verdict_judge(&policy, subject->leaf, &facts, NULL, wall_s);
    accepted = oracle_verifies(slice_of_buf(&served), slice_of_buf(&subject->issuer_der), wall_s);
    ERR_clear_error();
    tally.answers++;
    tally.stapled += judgement.verdict == VERDICT_STAPLE;
    tally.refused += judgement.verdict != VERDICT_STAPLE && accepted;
    if (judgement.verdict == VERDICT_STAPLE && !accepted) {
        fail_msg("%s: to be stapled, and OCSP_basic_verify() refuses it", subject->folder);
    }
    buf_deinit(&served);
}

static int64_t number(json_t *expect, const char *key)
{
    return json_integer_value(json_object_get(expect, key)); /* 0 when absent or null */
}

static void subject_judge(struct subject *subject, json_t *expect)
{
    struct cert_view view;
    const char *fault;

    if (cert_read(slice_of_buf(&subject->leaf_der), &view, &fault) != 0 ||
        issuer_new(&subject->issuer, crypto, slice_of_buf(&subject->issuer_der)) != 0) {
        return; /* counted and said already */
    }
    assert_int_equal(cert_facts_new(&subject->leaf, crypto, &view, subject->issuer), 0);
    /* It is the only issuer there is: libcrypto looks at its dates. */
    subject->leaf->issuer_not_before_s = subject->issuer->view.not_before_s;
    subject->leaf->issuer_not_after_s = subject->issuer->view.not_after_s;
    judge_at(subject, number(expect, "at"), number(expect, "max_age"));
    if (number(expect, "at_in_window")) {
        judge_at(subject, number(expect, "at_in_window"), 0);
    }
}

static void compare_folder(const char *folder, json_t *expect)
{
    struct subject subject = {
        .folder = folder,
        .answer = BUF_INIT(1024 * 1024),
        .leaf_der = BUF_INIT(LIMIT_CERT_SIZE),
        .issuer_der = BUF_INIT(LIMIT_CERT_SIZE),
    };

    assert_true(folder_read(folder, "response.der", &subject.answer));
    assert_true(folder_read_cert(folder, "leaf.pem", &subject.leaf_der));
    assert_true(folder_read_cert(folder, "issuer.pem", &subject.issuer_der));
    compare_cert(folder, slice_of_buf(&subject.leaf_der));
    compare_cert(folder, slice_of_buf(&subject.issuer_der));
    subject_judge(&subject, expect);
    free(subject.leaf);
    issuer_free(subject.issuer);
    buf_deinit(&subject.answer);
    buf_deinit(&subject.leaf_der);
    buf_deinit(&subject.issuer_der);
}

static void compare_all(const char *root)
{
    memset(&tally, 0, sizeof(tally));
    folder_walk(root, compare_folder);
    print_message("%u answers judged, %u read with the same facts, %u stapled and accepted by "
                  "OCSP_basic_verify(), %u accepted by it and refused here; %u certificates the "
                  "same, %u not readable here\n",
                  tally.answers, tally.same_facts, tally.stapled, tally.refused, tally.same_certs,
                  tally.unreadable);
    assert_true(tally.stapled > 0);
    assert_true(tally.answers > tally.stapled);
    assert_true(tally.same_certs > 0);
}

static void test_our_own_vectors_are_read_as_libcrypto_reads_them(void **state)
{
    (void)state;
    compare_all(CLINCH_SOURCE_ROOT "/tests/vectors");
    assert_int_equal(tally.unreadable, 0);
}

static void test_answers_of_others_are_read_as_libcrypto_reads_them(void **state)
{
    char *cases = folder_of_others("cases");

    (void)state;
    if (!cases) {
        skip();
        return;
    }
    compare_all(cases);
    free(cases);
}

/* What fuzzers once found, so that it stays found without them. */
static void test_the_certificates_of_the_fuzzers_are_read_as_libcrypto_reads_them(void **state)
{
    static const char folder[] = CLINCH_SOURCE_ROOT "/tests/fuzz/corpus/cert";
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct dirent *entry;
    DIR *dir = opendir(folder);

    (void)state;
    memset(&tally, 0, sizeof(tally));
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            assert_true(folder_read(folder, entry->d_name, &der));
            compare_cert(entry->d_name, slice_of_buf(&der));
        }
    }
    assert_true(tally.same_certs > 0);
    closedir(dir);
    buf_deinit(&der);
}

static int setup(void **state)
{
    (void)state;
    return crypto_new(&crypto) || signer_new(&signer, crypto);
}

static int teardown(void **state)
{
    (void)state;
    signer_free(signer);
    crypto_free(crypto);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_own_vectors_are_read_as_libcrypto_reads_them),
        cmocka_unit_test(test_answers_of_others_are_read_as_libcrypto_reads_them),
        cmocka_unit_test(test_the_certificates_of_the_fuzzers_are_read_as_libcrypto_reads_them),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
