/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/test-facts.h"
#include "core/verdict.h"

#define DAY 86400

static struct judgement judge(const struct ocsp_facts *ocsp)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();

    return verdict_judge(&policy, &cert, ocsp, NULL, TEST_NOW);
}

static void assert_refused(const struct ocsp_facts *ocsp, enum reason reason)
{
    struct judgement judgement = judge(ocsp);

    assert_string_equal(reason_name(judgement.reason), reason_name(reason));
    assert_int_equal(judgement.verdict, VERDICT_REFUSE);
}

static void test_good_answer_is_stapled_within_margins(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 4 * DAY);
    struct judgement judgement = judge(&ocsp);

    (void)state;
    assert_int_equal(judgement.verdict, VERDICT_STAPLE);
    assert_int_equal(judgement.reason, REASON_GOOD);
    assert_int_equal(judgement.serve.from_s, TEST_NOW - DAY + 300);
    assert_int_equal(judgement.serve.until_s, TEST_NOW + 3 * DAY - 300);
}

static void test_margin_of_a_short_life_is_an_eighth(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW, 400);
    struct judgement judgement = judge(&ocsp);

    (void)state;
    assert_int_equal(judgement.verdict, VERDICT_STAPLE);
    assert_int_equal(judgement.serve.from_s, TEST_NOW + 50);
    assert_int_equal(judgement.serve.until_s, TEST_NOW + 350);
}

static void test_what_the_reading_found_comes_first(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW - 9 * DAY, 4 * DAY);

    (void)state;
    ocsp.status = CERT_STATUS_REVOKED;
    assert_refused(&ocsp, REASON_EXPIRED);
    ocsp.signature = REASON_BAD_SIGNATURE;
    assert_refused(&ocsp, REASON_BAD_SIGNATURE);
    ocsp.match = REASON_WRONG_SERIAL;
    assert_refused(&ocsp, REASON_WRONG_SERIAL);
    ocsp.form = REASON_MALFORMED;
    assert_refused(&ocsp, REASON_MALFORMED);
}

static void test_time_is_strict_to_the_second(void **state)
{
    struct ocsp_facts last = test_answer(TEST_NOW - DAY, DAY);
    struct ocsp_facts first = test_answer(TEST_NOW, DAY);
    struct ocsp_facts ahead = test_answer(TEST_NOW + 1, DAY);
    struct ocsp_facts far = test_answer(TEST_NOW + 301, DAY);

    (void)state;
    assert_refused(&last, REASON_EXPIRED);
    assert_int_equal(judge(&first).verdict, VERDICT_STAPLE);
    assert_int_equal(judge(&ahead).verdict, VERDICT_PENDING);
    assert_refused(&far, REASON_NOT_YET_VALID);
}

static void test_margins_are_of_the_window_and_not_of_the_verdict(void **state)
{
    struct ocsp_facts first = test_answer(TEST_NOW, DAY),
                      last = test_answer(TEST_NOW - DAY, DAY + 1);

    (void)state;
    assert_int_equal(judge(&first).verdict, VERDICT_STAPLE);
    assert_int_equal(judge(&first).serve.from_s, TEST_NOW + 300);
    assert_int_equal(judge(&last).verdict, VERDICT_STAPLE);
    assert_int_equal(judge(&last).serve.until_s, TEST_NOW + 1 - 300);
}

static void test_lives_of_five_minutes_and_beyond_the_leaf_are_taken(void **state)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();
    struct ocsp_facts brief = test_answer(TEST_NOW - 150, 300);
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 9 * DAY);

    (void)state;
    assert_int_equal(judge(&brief).verdict, VERDICT_STAPLE);
    assert_true(window_holds(judge(&brief).serve, TEST_NOW));
    cert.not_after_s = TEST_NOW + 2 * DAY;
    assert_int_equal(verdict_judge(&policy, &cert, &ocsp, NULL, TEST_NOW).verdict, VERDICT_STAPLE);
}

static void test_each_fault_has_its_reason(void **state)
{
    struct ocsp_facts weak = test_answer(TEST_NOW - DAY, 4 * DAY), critical = weak, other = weak;
    struct ocsp_facts conflicting = weak, endless = weak, unknown = weak, never = weak;

    (void)state;
    weak.made.digest = DIGEST_SHA1;
    assert_refused(&weak, REASON_WEAK_ALGORITHM);
    critical.critical_response_extension = true;
    assert_refused(&critical, REASON_CRITICAL_EXTENSION);
    other.critical_single_extension = true;
    assert_refused(&other, REASON_CRITICAL_EXTENSION);
    conflicting.conflicting = true;
    assert_refused(&conflicting, REASON_CONFLICTING_RESPONSES);
    endless.has_next_update = false;
    endless.next_update_s = endless.first_next_update_s = INSTANT_NEVER;
    assert_refused(&endless, REASON_NO_NEXT_UPDATE);
    unknown.status = CERT_STATUS_UNKNOWN;
    assert_refused(&unknown, REASON_UNKNOWN);
    never.status = CERT_STATUS_REVOKED;
    never.never_issued = true;
    assert_refused(&never, REASON_UNKNOWN);
}

static void test_all_reasons_are_told_and_the_most_basic_first(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW - 9 * DAY, 4 * DAY);
    struct judgement judgement;

    (void)state;
    ocsp.made.digest = DIGEST_SHA1;
    ocsp.status = CERT_STATUS_UNKNOWN;
    judgement = judge(&ocsp);
    assert_int_equal(judgement.reason, REASON_WEAK_ALGORITHM);
    assert_int_equal(judgement.reasons,
                     1u << REASON_WEAK_ALGORITHM | 1u << REASON_EXPIRED | 1u << REASON_UNKNOWN);
}

static void test_revoked_and_not_yet_valid_is_neither_pending_nor_revoked(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW + 60, DAY);

    (void)state;
    assert_int_equal(judge(&ocsp).verdict, VERDICT_PENDING);
    ocsp.status = CERT_STATUS_REVOKED;
    assert_refused(&ocsp, REASON_NOT_YET_VALID);
}

static void test_a_window_ends_with_the_audience(void **state)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 50 * DAY);

    (void)state;
    policy.audience = CLIENT_BIT(CLIENT_GNUTLS);
    assert_int_equal(verdict_judge(&policy, &cert, &ocsp, NULL, TEST_NOW).serve.until_s,
                     TEST_NOW + 49 * DAY - 300);
    policy.audience = CLIENT_BIT(CLIENT_LIBRESSL);
    assert_int_equal(verdict_judge(&policy, &cert, &ocsp, NULL, TEST_NOW).serve.until_s,
                     TEST_NOW + 13 * DAY - 300);
    policy.max_age_s = 2 * DAY;
    assert_int_equal(verdict_judge(&policy, &cert, &ocsp, NULL, TEST_NOW).serve.until_s,
                     TEST_NOW + DAY - 300);
}

/* Its slop of a day is for clocks that differ: what is judged may use it, what is served not. */
static void test_firefox_takes_an_answer_for_a_day_longer_than_it_is_served(void **state)
{
    struct ocsp_facts last = test_answer(TEST_NOW - 11 * DAY, 50 * DAY);
    struct ocsp_facts over = test_answer(TEST_NOW - 11 * DAY - 1, 50 * DAY);

    (void)state;
    assert_int_equal(judge(&last).verdict, VERDICT_STAPLE);
    assert_int_equal(judge(&last).serve.until_s, TEST_NOW - DAY - 300);
    assert_refused(&over, REASON_TOO_OLD);
}

static void test_delegate_counts_only_within_its_dates_and_ends_the_window(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 4 * DAY);

    (void)state;
    ocsp.signer = OCSP_SIGNER_DELEGATE;
    ocsp.signer_first = true;
    ocsp.delegate_not_before_s = TEST_NOW - DAY;
    ocsp.delegate_not_after_s = TEST_NOW + DAY;
    assert_int_equal(judge(&ocsp).verdict, VERDICT_STAPLE);
    assert_int_equal(judge(&ocsp).serve.until_s, TEST_NOW + DAY - 300);
    ocsp.delegate_not_after_s = TEST_NOW - 1;
    assert_refused(&ocsp, REASON_SIGNER_EXPIRED);
}

static void test_revoked_counts_only_when_all_else_is_right(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 4 * DAY);

    (void)state;
    ocsp.status = CERT_STATUS_REVOKED;
    assert_int_equal(judge(&ocsp).verdict, VERDICT_REVOKED);
    ocsp.signature = REASON_BAD_SIGNATURE;
    assert_refused(&ocsp, REASON_BAD_SIGNATURE);
}

static void test_revocation_ahead_of_our_clock_is_not_kept_as_good(void **state)
{
    struct ocsp_facts ocsp = test_answer(TEST_NOW + 5, 4 * DAY);

    (void)state;
    ocsp.status = CERT_STATUS_REVOKED;
    assert_refused(&ocsp, REASON_NOT_YET_VALID);
}

static void test_answer_ends_with_its_leaf_and_after_ten_days(void **state)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();
    struct ocsp_facts ocsp = test_answer(TEST_NOW - DAY, 100 * DAY);

    (void)state;
    assert_int_equal(judge(&ocsp).serve.until_s, TEST_NOW + 9 * DAY - 300);
    cert.not_after_s = TEST_NOW + DAY;
    assert_int_equal(verdict_judge(&policy, &cert, &ocsp, NULL, TEST_NOW).serve.until_s,
                     TEST_NOW + DAY - 300);
}

static void test_older_never_replaces_while_the_held_one_lives(void **state)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();
    struct ocsp_facts newer = test_answer(TEST_NOW - DAY, 4 * DAY);
    struct ocsp_facts older = test_answer(TEST_NOW - 2 * DAY, 9 * DAY);
    struct held held = {.present = true,
                        .this_update_s = newer.this_update_s,
                        .next_update_s = newer.next_update_s,
                        .produced_at_s = newer.produced_at_s};

    (void)state;
    held.serve = verdict_judge(&policy, &cert, &newer, NULL, TEST_NOW).serve;
    assert_int_equal(verdict_judge(&policy, &cert, &older, &held, TEST_NOW).reason,
                     REASON_OLDER_THAN_HELD);
    assert_int_equal(verdict_judge(&policy, &cert, &newer, &held, TEST_NOW).verdict,
                     VERDICT_STAPLE);
    /* Behind its window the held one binds nobody. */
    assert_int_equal(verdict_judge(&policy, &cert, &older, &held, held.serve.until_s).verdict,
                     VERDICT_STAPLE);
}

static void test_old_revocation_still_counts_but_an_old_hold_does_not(void **state)
{
    struct policy policy = policy_default();
    struct cert_facts cert = test_cert();
    struct ocsp_facts revoked = test_answer(TEST_NOW - 2 * DAY, 9 * DAY);
    struct held held = {.present = true,
                        .this_update_s = TEST_NOW - DAY,
                        .next_update_s = TEST_NOW + 3 * DAY,
                        .produced_at_s = TEST_NOW - DAY,
                        .serve = {TEST_NOW - DAY, TEST_NOW + 3 * DAY}};

    (void)state;
    revoked.status = CERT_STATUS_REVOKED;
    revoked.revocation_reason = 1;
    assert_int_equal(verdict_judge(&policy, &cert, &revoked, &held, TEST_NOW).verdict,
                     VERDICT_REVOKED);
    revoked.revocation_reason = 6;
    assert_int_equal(verdict_judge(&policy, &cert, &revoked, &held, TEST_NOW).reason,
                     REASON_OLDER_THAN_HELD);
}

static void test_every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < REASON_COUNT; a++) {
        assert_true(reason_sentence((enum reason)a)[0] != 0);
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(reason_name((enum reason)a), reason_name((enum reason)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_answer_is_stapled_within_margins),
        cmocka_unit_test(test_margin_of_a_short_life_is_an_eighth),
        cmocka_unit_test(test_what_the_reading_found_comes_first),
        cmocka_unit_test(test_time_is_strict_to_the_second),
        cmocka_unit_test(test_margins_are_of_the_window_and_not_of_the_verdict),
        cmocka_unit_test(test_lives_of_five_minutes_and_beyond_the_leaf_are_taken),
        cmocka_unit_test(test_all_reasons_are_told_and_the_most_basic_first),
        cmocka_unit_test(test_revoked_and_not_yet_valid_is_neither_pending_nor_revoked),
        cmocka_unit_test(test_a_window_ends_with_the_audience),
        cmocka_unit_test(test_firefox_takes_an_answer_for_a_day_longer_than_it_is_served),
        cmocka_unit_test(test_each_fault_has_its_reason),
        cmocka_unit_test(test_delegate_counts_only_within_its_dates_and_ends_the_window),
        cmocka_unit_test(test_revoked_counts_only_when_all_else_is_right),
        cmocka_unit_test(test_revocation_ahead_of_our_clock_is_not_kept_as_good),
        cmocka_unit_test(test_answer_ends_with_its_leaf_and_after_ten_days),
        cmocka_unit_test(test_older_never_replaces_while_the_held_one_lives),
        cmocka_unit_test(test_old_revocation_still_counts_but_an_old_hold_does_not),
        cmocka_unit_test(test_every_reason_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
