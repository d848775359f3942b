/* SPDX-License-Identifier: Apache-2.0 */

/* Other projects' answers, with the verdicts of their authors, where they are there.
 * Time is left to the verdict: here an answer is taken when everything else about it is good. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pki/response.h"
#include "pki/signer.h"
#include "pki/test-folder.h"

static struct crypto *crypto;
static struct signer *signer;

static const char *const names[REASON_COUNT] = {
    [REASON_GOOD] = "good",
    [REASON_TOO_LARGE] = "too-large",
    [REASON_MALFORMED] = "malformed",
    [REASON_TRAILING_DATA] = "trailing-data",
    [REASON_ERROR_STATUS] = "error-status",
    [REASON_UNSUPPORTED_RESPONSE_TYPE] = "unsupported-response-type",
    [REASON_UNSUPPORTED_VERSION] = "unsupported-version",
    [REASON_WRONG_SERIAL] = "wrong-serial",
    [REASON_WRONG_ISSUER] = "wrong-issuer",
    [REASON_NO_MATCHING_RESPONSE] = "no-matching-response",
    [REASON_UNSUPPORTED_ALGORITHM] = "unsupported-algorithm",
    [REASON_BAD_SIGNATURE] = "bad-signature",
    [REASON_SIGNER_NOT_FOUND] = "signer-not-found",
    [REASON_UNAUTHORIZED_SIGNER] = "unauthorized-signer",
    [REASON_CRITICAL_EXTENSION] = "critical-extension",
    [REASON_CONFLICTING_RESPONSES] = "conflicting-responses",
    [REASON_REVOKED] = "revoked",
    [REASON_UNKNOWN] = "unknown",
};

struct tally {
    unsigned cases;
    unsigned undecided;
    unsigned of_time; /* refused by their authors for what is not judged here */
    unsigned refused; /* good to their authors, and rightly not to us */
    unsigned wrong;
    unsigned other_reason; /* refused alike, for another reason */
    unsigned files;
};

static struct tally tally;

/* The reason to refuse, time aside. */
static enum reason judge(const struct cert_facts *facts, const struct issuer *issuer,
                         struct slice answer)
{
    struct response_view view;
    struct ocsp_facts ocsp;

    response_read(answer, facts, issuer, &ocsp, &view);
    if (ocsp.form != REASON_GOOD) {
        return ocsp.form;
    }
    signer_check(signer, &view, issuer, &ocsp, NULL);
    if (ocsp.match != REASON_GOOD || ocsp.signature != REASON_GOOD) {
        return ocsp.match != REASON_GOOD ? ocsp.match : ocsp.signature;
    }
    if (ocsp.critical_response_extension || ocsp.critical_single_extension) {
        return REASON_CRITICAL_EXTENSION;
    }
    if (ocsp.conflicting) {
        return REASON_CONFLICTING_RESPONSES;
    }
    return ocsp.status == CERT_STATUS_GOOD                            ? REASON_GOOD
           : ocsp.status == CERT_STATUS_REVOKED && !ocsp.never_issued ? REASON_REVOKED
                                                                      : REASON_UNKNOWN;
}

/* As judge(); CERT_UNREADABLE when there is nothing to judge the answer by. */
#define CERT_UNREADABLE REASON_COUNT

static enum reason judge_folder(const char *folder, struct buf *answer)
{
    struct buf issuer_der = BUF_INIT(LIMIT_CERT_SIZE), der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_facts *facts = NULL;
    struct issuer *issuer = NULL;
    struct cert_view view;
    const char *fault = NULL;
    enum reason reason = CERT_UNREADABLE;

    assert_true(folder_read_cert(folder, "issuer.pem", &issuer_der));
    assert_true(folder_read_cert(folder, "leaf.pem", &der));
    assert_true(folder_read(folder, "response.der", answer));
    if (cert_read(slice_of_buf(&issuer_der), &view, &fault) == 0 &&
        cert_read(slice_of_buf(&der), &view, &fault) == 0) {
        assert_int_equal(issuer_new(&issuer, crypto, slice_of_buf(&issuer_der)), 0);
        assert_int_equal(cert_facts_new(&facts, crypto, &view, issuer), 0);
        reason = judge(facts, issuer, slice_of_buf(answer));
    } else {
        print_message("       %s: %s\n", folder, fault);
    }
    free(facts);
    issuer_free(issuer);
    buf_deinit(&issuer_der);
    buf_deinit(&der);
    return reason;
}

/* RFC 6960 4.2.2.1 takes its times from RFC 5280 4.1.2.5.2, which "MUST NOT include fractional
 * seconds"; Firefox and others refuse what has them, while some libraries do not look. */
static bool has_fraction(struct slice answer)
{
    const unsigned char *at = answer.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.size);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    bool fraction = basic && ASN1_STRING_length(OCSP_resp_get0_produced_at(basic)) != 15;

    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return fraction;
}

static bool is_of_time(const char *why)
{
    static const char *const whys[] = {"expired", "not-yet-valid", "too-old", "signer-expired",
                                       "no-next-update-policy"};

    for (size_t i = 0; i < ARRAY_SIZE(whys); i++) {
        if (strcmp(why, whys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_said(json_t *expect, const char *name)
{
    json_t *also = json_object_get(expect, "why_also_right"), *value;
    size_t i;

    json_array_foreach(also, i, value)
    {
        if (strcmp(json_string_value(value), name) == 0) {
            return true;
        }
    }
    return strcmp(json_string_value(json_object_get(expect, "why")), name) == 0;
}

/* A refusal that is right although the author's library took the answer. */
static bool is_rightly_refused(json_t *expect, enum reason reason, struct slice answer)
{
    return (reason == REASON_UNSUPPORTED_ALGORITHM && json_object_get(expect, "needs")) ||
           (reason == REASON_MALFORMED && has_fraction(answer));
}

static void score(const char *folder, json_t *expect)
{
    json_t *good = json_object_get(expect, "good_at_window");
    const char *why = json_string_value(json_object_get(expect, "why"));
    struct buf answer = BUF_INIT(1024 * 1024);
    enum reason reason = judge_folder(folder, &answer);
    const char *name = reason == CERT_UNREADABLE ? "certificate unreadable" : names[reason];
    bool taken = reason == REASON_GOOD;

    good = json_is_boolean(good) ? good : json_object_get(expect, "good_to_staple");
    tally.cases++;
    if (!json_is_boolean(good)) {
        tally.undecided++;
    } else if (!json_is_true(good) && is_of_time(why)) {
        tally.of_time++;
    } else if (json_is_true(good) && is_rightly_refused(expect, reason, slice_of_buf(&answer))) {
        tally.refused++;
        print_message("strict %s: %s, its author says %s\n", folder, name, why);
    } else if (taken != json_is_true(good)) {
        tally.wrong++;
        print_message("WRONG  %s: %s, its author says %s\n", folder, name, why);
    } else if (!taken && !is_said(expect, name)) {
        tally.other_reason++;
        print_message("reason %s: %s, its author says %s\n", folder, name, why);
    }
    buf_deinit(&answer);
}

static void test_verdicts_of_other_projects_are_shared(void **state)
{
    char *path = folder_of_others("cases");

    (void)state;
    if (!path) {
        skip();
        return;
    }
    tally = (struct tally){0};
    folder_walk(path, score);
    free(path);
    print_message("%u cases: %u undecided, %u of time alone, %u refused more strictly, "
                  "%u refused for another reason, %u wrong\n",
                  tally.cases, tally.undecided, tally.of_time, tally.refused, tally.other_reason,
                  tally.wrong);
    assert_true(tally.cases > 0);
    assert_int_equal(tally.wrong, 0);
}

/* The leaf and issuer that loose answers are held against; few are about them. */
static struct cert_facts *some_facts;
static struct issuer *some_issuer;

static int visit_loose(const char *path, const struct stat *info, int type, struct FTW *where)
{
    struct buf content = BUF_INIT(1024 * 1024), der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem;
    struct cert_view view;
    const char *fault;
    int64_t ignored;
    int block;

    (void)info;
    (void)where;
    if (type != FTW_F || !folder_read_file(path, &content)) {
        return 0;
    }
    tally.files++;
    assert_non_null(names[judge(some_facts, some_issuer, slice_of_buf(&content))]);
    response_next_update(slice_of_buf(&content), &ignored);
    cert_read(slice_of_buf(&content), &view, &fault);
    pem = pem_open(slice_of_buf(&content));
    do {
        block = pem_next(&pem, &der);
        if (block == PEM_CERTIFICATE) {
            cert_read(slice_of_buf(&der), &view, &fault);
        }
    } while (block > PEM_END);
    assert_int_equal(block, PEM_END);
    buf_deinit(&content);
    buf_deinit(&der);
    return 0;
}

static int take_first_pair(const char *path, const struct stat *info, int type, struct FTW *where)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault;

    (void)info;
    (void)where;
    if (type == FTW_D && folder_read_cert(path, "leaf.pem", &der) &&
        cert_read(slice_of_buf(&der), &view, &fault) == 0) {
        assert_int_equal(cert_facts_new(&some_facts, crypto, &view, NULL), 0);
        assert_true(folder_read_cert(path, "issuer.pem", &der));
        assert_int_equal(issuer_new(&some_issuer, crypto, slice_of_buf(&der)), 0);
    }
    buf_deinit(&der);
    return some_issuer != NULL;
}

static void test_loose_files_of_other_projects_do_no_harm(void **state)
{
    char *cases = folder_of_others("cases"), *loose = folder_of_others("loose");

    (void)state;
    if (!cases || !loose) {
        free(cases);
        free(loose);
        skip();
        return;
    }
    tally = (struct tally){0};
    assert_int_equal(nftw(cases, take_first_pair, 16, FTW_PHYS), 1);
    assert_int_equal(nftw(loose, visit_loose, 16, FTW_PHYS), 0);
    print_message("%u loose files\n", tally.files);
    assert_true(tally.files > 0);
    free(some_facts);
    issuer_free(some_issuer);
    free(cases);
    free(loose);
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
        cmocka_unit_test(test_verdicts_of_other_projects_are_shared),
        cmocka_unit_test(test_loose_files_of_other_projects_do_no_harm),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
