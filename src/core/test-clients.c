/* SPDX-License-Identifier: Apache-2.0 */

/* The table, row by row: facts that break it, whom that harms, and what the verdict makes of it;
 * then what must hold for any facts at all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "core/test-breaches.h"
#include "core/verdict.h"

static struct judgement judge(const struct subject *s)
{
    return verdict_judge(&s->policy, &s->cert, &s->ocsp, NULL, TEST_NOW);
}

static void put_set(const char *what, const char *who, uint32_t set)
{
    print_message("%s: %s:", what, who);
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        if (set & CLIENT_BIT(i)) {
            print_message(" %s", clients[i].name);
        }
    }
    print_message("\n");
}

static bool is_as_told(const struct breach *breach, const struct judgement *judgement)
{
    bool stapled = judgement->verdict == VERDICT_STAPLE;

    return judgement->reason == breach->reason && stapled == (breach->reason == REASON_GOOD) &&
           judgement->fails_with == breach->fails_with &&
           judgement->ignored_by == breach->ignored_by;
}

static void test_every_breach_harms_whom_it_harms(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(breaches); i++) {
        const struct breach *breach = &breaches[i];
        struct subject s = subject();
        struct judgement judgement;

        breach->set(&s);
        judgement = judge(&s);
        if (!is_as_told(breach, &judgement)) {
            print_message("%s: %s, not %s\n", breach->what, reason_name(judgement.reason),
                          reason_name(breach->reason));
            put_set(breach->what, "fails with", judgement.fails_with);
            put_set(breach->what, "not as expected", judgement.fails_with ^ breach->fails_with);
            put_set(breach->what, "ignored by", judgement.ignored_by);
            put_set(breach->what, "not as expected", judgement.ignored_by ^ breach->ignored_by);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_rfc6960_refuses_by_its_own_rules_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(breaches); i++) {
        struct subject s = subject();
        struct judgement judgement;

        breaches[i].set(&s);
        s.policy.audience = AUDIENCE_RFC6960;
        judgement = judge(&s);
        if ((judgement.verdict != VERDICT_STAPLE) != breaches[i].of_rfc) {
            fail_msg("%s: %s", breaches[i].what, reason_name(judgement.reason));
        }
    }
}

static void test_every_rule_is_broken_by_some_breach_and_none_by_a_good_answer(void **state)
{
    uint64_t broken[RULES_MAX / 64] = {0};
    struct subject s = subject();
    struct judgement judgement = judge(&s);

    (void)state;
    for (unsigned i = 0; i < rule_count(); i++) {
        assert_false(judgement_breaks(&judgement, i));
    }
    s.ocsp.status = CERT_STATUS_REVOKED;
    for (size_t i = 0; i <= ARRAY_SIZE(breaches); i++) {
        judgement = judge(&s);
        for (size_t k = 0; k < ARRAY_SIZE(broken); k++) {
            broken[k] |= judgement.broken[k];
        }
        s = subject();
        if (i < ARRAY_SIZE(breaches)) {
            breaches[i].set(&s);
        }
    }
    /* Certificates that are not needed, and an answer that outlives the leaf. */
    s = subject();
    s.ocsp.embedded_certs = 1;
    s.cert.not_after_s = TEST_NOW + DAY;
    judgement = judge(&s);
    for (unsigned i = 0; i < rule_count(); i++) {
        if (!(broken[i / 64] >> i % 64 & 1) && !judgement_breaks(&judgement, i)) {
            fail_msg("nothing breaks rule %u: %s", i, rule_sentence(i));
        }
    }
}

static void test_revoked_breaks_even_those_who_pass_over_bad_staples(void **state)
{
    struct subject s = subject();
    struct judgement judgement;

    (void)state;
    s.ocsp.status = CERT_STATUS_REVOKED;
    judgement = judge(&s);
    assert_int_equal(judgement.verdict, VERDICT_REVOKED);
    assert_int_equal(judgement.fails_with, VERIFIERS & ~ON(GO));
    assert_int_equal(judgement.client_reasons[CLIENT_CHROMIUM], REASON_REVOKED);
}

static uint32_t asks_of(void (*set)(struct subject *s), void (*too)(struct subject *s))
{
    struct subject s = subject();

    set(&s);
    if (too) {
        too(&s);
    }
    return judge(&s).asks;
}

SET(bad_signature_too, s->ocsp.signature = REASON_BAD_SIGNATURE)

/* What pkixocsp.cpp calls soft. */
static void test_firefox_asks_the_responder_after_some_faults_only(void **state)
{
    static void (*const soft[])(struct subject * s) = {
        wrong_serial, wrong_name,    wrong_key, no_match,        no_signer,
        misnamed,     foreign,       no_eku,    ca_signer,       signer_over,
        signer_early, sha1_delegate, ed25519,   sha224_delegate, pss_delegate_salt,
        ended_2d,     bare_3d,       old_13d,   explicit_curve};
    static void (*const hard[])(struct subject * s) = {
        unauthorized,       sha224,          pss_short_salt,    malformed,       trailing_outside,
        bad_signature,      critical_signer, critical_response, critical_single, unknown,
        scts_without_value, good_revoked,    nine_certs,        backwards,       no_single,
        ahead_2d,           as_it_is};

    (void)state;
    assert_int_equal(asks_of(try_later, NULL), ON(FIREFOX));
    for (size_t i = 0; i < ARRAY_SIZE(soft); i++) {
        if (asks_of(soft[i], NULL) != ON(FIREFOX) || asks_of(soft[i], bad_signature_too)) {
            fail_msg("fault %zu", i);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(hard); i++) {
        assert_int_equal(asks_of(hard[i], NULL), 0);
    }
}

static enum reason reason_for(void (*set)(struct subject *s), const char *audience,
                              bool must_staple)
{
    struct subject s = subject();
    struct buf fault = BUF_INIT(1024);
    struct judgement judgement;

    set(&s);
    s.cert.must_staple = must_staple;
    assert_int_equal(audience_parse(audience, &s.policy.audience, &fault), 0);
    judgement = judge(&s);
    assert_int_equal(judgement.verdict == VERDICT_STAPLE, judgement.reason == REASON_GOOD);
    buf_deinit(&fault);
    return judgement.reason;
}

static void test_a_rule_counts_for_its_own_clients_only(void **state)
{
    (void)state;
    assert_int_equal(reason_for(sha256_only, "java", false), REASON_NO_MATCHING_RESPONSE);
    assert_int_equal(reason_for(sha256_only, "browsers", false), REASON_GOOD);
    assert_int_equal(reason_for(sha256_only, "browsers gnutls", false), REASON_GOOD);
    assert_int_equal(reason_for(not_first, "gnutls", false), REASON_NO_MATCHING_RESPONSE);
    assert_int_equal(reason_for(not_first, "firefox,java,s2n", false), REASON_GOOD);
    assert_int_equal(reason_for(bare_2h, "browsers", false), REASON_GOOD);
    assert_int_equal(reason_for(bare_3d, "browsers", false), REASON_NO_NEXT_UPDATE);
    assert_int_equal(reason_for(old_13d, "gnutls java", false), REASON_GOOD);
    assert_int_equal(reason_for(old_13d, "firefox", false), REASON_TOO_OLD);
    assert_int_equal(reason_for(sha1, "rhel", false), REASON_WEAK_ALGORITHM);
    assert_int_equal(reason_for(sha1, "browsers gnutls java openssl", false), REASON_GOOD);
    assert_int_equal(reason_for(ed25519, "gnutls java", false), REASON_GOOD);
    assert_int_equal(reason_for(rsa_1024, "gnutls java openssl firefox", false), REASON_GOOD);
    assert_int_equal(reason_for(two_sct_lists, "gnutls java", false), REASON_GOOD);
    assert_int_equal(reason_for(root_unsent_by_key, "browsers java", false), REASON_GOOD);
}

static void test_who_fails_without_a_staple_too_does_not_refuse_one(void **state)
{
    (void)state;
    assert_int_equal(reason_for(sha256_only, "openssl nss", false), REASON_GOOD);
    assert_int_equal(reason_for(made_before_this, "nss", false), REASON_GOOD);
    assert_int_equal(reason_for(old_9d, "chromium", false), REASON_GOOD);
    /* Those who only ask get along without. */
    assert_int_equal(reason_for(over_message, "openssl", false), REASON_TOO_LARGE);
    assert_int_equal(reason_for(over_message, "firefox gnutls", false), REASON_GOOD);
}

static void test_must_staple_is_served_for_those_who_need_it(void **state)
{
    (void)state;
    /* Firefox and GnuTLS accept, Java and s2n would fail. */
    assert_int_equal(reason_for(sha256_only, "all", true), REASON_GOOD);
    assert_int_equal(reason_for(bare_2h, "all", true), REASON_GOOD);
    assert_int_equal(reason_for(sha1, "all", true), REASON_GOOD);
    assert_int_equal(reason_for(over_message, "all", true), REASON_GOOD);
    /* One of them would not: then the others count. */
    assert_int_equal(reason_for(bare_3d, "all", true), REASON_NO_NEXT_UPDATE);
    /* Nobody who fails without it takes it, and nobody else is harmed. */
    assert_int_equal(reason_for(not_first, "all", true), REASON_GOOD);
    assert_int_equal(reason_for(old_13d, "all", true), REASON_GOOD);
    /* Nobody of this audience needs it. */
    assert_int_equal(reason_for(sha256_only, "java", true), REASON_NO_MATCHING_RESPONSE);
    /* RFC 6960 stays. */
    assert_int_equal(reason_for(ended_1h, "all", true), REASON_EXPIRED);
    assert_int_equal(reason_for(unknown, "gnutls", true), REASON_UNKNOWN);
}

/* Any facts, also such as no answer gives. */

static bool chance(struct rng *rng, unsigned one_in)
{
    return rng_below(rng, one_in) == 0;
}

static int64_t random_time(struct rng *rng)
{
    static const int64_t spans[] = {2, 120, 1000, 10000, DAY, 4 * DAY, 20 * DAY};
    int64_t span = spans[rng_below(rng, ARRAY_SIZE(spans))];

    return TEST_NOW - span + (int64_t)rng_below(rng, (uint64_t)(2 * span + 1));
}

static void random_signature(struct rng *rng, struct signature_facts *made)
{
    static const uint16_t bits[] = {512, 1024, 2048, 3072};

    if (chance(rng, 3)) {
        made->key = (uint8_t)rng_below(rng, KEY_OTHER + 1);
        made->digest = (uint8_t)rng_below(rng, DIGEST_SHA512 + 1);
        made->pss = chance(rng, 3);
        made->null = chance(rng, 3);
        made->loose_pss = made->pss && chance(rng, 3);
        made->key_bits = bits[rng_below(rng, ARRAY_SIZE(bits))];
    }
}

static void random_reading(struct rng *rng, struct ocsp_facts *ocsp)
{
    ocsp->form = chance(rng, 8) ? (enum reason)(1 + rng_below(rng, 6)) : REASON_GOOD;
    ocsp->match =
        chance(rng, 8) ? (enum reason)(REASON_WRONG_SERIAL + rng_below(rng, 3)) : REASON_GOOD;
    ocsp->signature = chance(rng, 8)
                          ? (enum reason)(REASON_UNSUPPORTED_ALGORITHM + rng_below(rng, 4))
                          : REASON_GOOD;
    ocsp->delegate_faults = (uint16_t)rng_below(rng, 2 * DELEGATE_OF_ODD_ISSUER);
    ocsp->delegate_quirks = (uint16_t)rng_below(rng, QUIRKS_END);
    ocsp->signer_alike = chance(rng, 2);
    ocsp->lax_form = (uint8_t)rng_below(rng, 16);
    ocsp->trailing_basic = chance(rng, 2);
    ocsp->signer_namesake = chance(rng, 2);
    ocsp->any_revoked = chance(rng, 2);
    ocsp->trailing_outside = chance(rng, 2);
    ocsp->response_status = (uint8_t)rng_below(rng, 9);
    ocsp->long_oid = chance(rng, 10);
    ocsp->shadowed = chance(rng, 10);
    ocsp->shadowed_by_key = ocsp->shadowed && chance(rng, 2);
    ocsp->size = (uint32_t)rng_below(rng, 20000);
    ocsp->has_single = chance(rng, 50) ? false : true;
    ocsp->wrong_name_hash = chance(rng, 2);
    ocsp->signer_misnamed = chance(rng, 2);
}

static void random_singles(struct rng *rng, struct ocsp_facts *ocsp)
{
    ocsp->status = chance(rng, 4) ? (enum cert_status)rng_below(rng, 3) : CERT_STATUS_GOOD;
    ocsp->never_issued = ocsp->status == CERT_STATUS_REVOKED && chance(rng, 2);
    ocsp->has_sha1 = !chance(rng, 6);
    ocsp->conflicting = chance(rng, 8);
    ocsp->first_status = (enum cert_status)rng_below(rng, 3);
    ocsp->last_status = (enum cert_status)rng_below(rng, 3);
    ocsp->single_index = chance(rng, 6) ? 1 : 0;
    ocsp->others_not_good = chance(rng, 8);
    ocsp->others_of_other_issuer = chance(rng, 8);
    ocsp->mixed_hashes = chance(rng, 8);
    ocsp->critical_response_extension = chance(rng, 10);
    ocsp->critical_single_extension = chance(rng, 10);
    ocsp->critical_other_extension = chance(rng, 10);
    if (chance(rng, 2)) {
        ocsp->this_update_s = random_time(rng);
        ocsp->next_update_s = random_time(rng);
        ocsp->produced_at_s = random_time(rng);
        ocsp->last_this_update_s = time_max(ocsp->this_update_s, random_time(rng));
        ocsp->first_next_update_s = time_min(ocsp->next_update_s, random_time(rng));
    }
    ocsp->any_without_next_update = chance(rng, 6);
    ocsp->has_next_update = !ocsp->any_without_next_update || chance(rng, 2);
    ocsp->next_update_s = ocsp->has_next_update ? ocsp->next_update_s : INSTANT_NEVER;
}

static struct subject random_subject(struct rng *rng)
{
    struct subject s = chance(rng, 2) ? subject() : subject_delegated();

    s.policy.audience = (uint32_t)rng_next(rng) & AUDIENCE_ALL;
    s.policy.max_age_s = chance(rng, 4) ? 2 * DAY : 0;
    s.cert.must_staple = chance(rng, 2);
    s.cert.url_count = (uint8_t)rng_below(rng, 2);
    if (chance(rng, 8)) {
        s.cert.not_after_s = random_time(rng);
    }
    if (chance(rng, 3)) {
        random_reading(rng, &s.ocsp);
    }
    if (!chance(rng, 3)) {
        random_singles(rng, &s.ocsp);
    }
    random_signature(rng, &s.ocsp.made);
    random_signature(rng, &s.ocsp.delegate_made);
    s.ocsp.embedded_certs = (uint16_t)rng_below(rng, 12);
    s.ocsp.embedded_unreadable = chance(rng, 10);
    s.ocsp.delegate_not_after_s = chance(rng, 6) ? random_time(rng) : TEST_NOW + 30 * DAY;
    return s;
}

/* What RFC 6960 forbids, written down once more. */
static bool is_against_rfc(const struct subject *s)
{
    const struct ocsp_facts *o = &s->ocsp;

    return o->form || o->match || o->signature || o->status != CERT_STATUS_GOOD || o->conflicting ||
           o->critical_response_extension || o->critical_single_extension ||
           o->critical_other_extension || o->this_update_s > TEST_NOW ||
           (o->has_next_update &&
            (o->next_update_s <= TEST_NOW || o->next_update_s <= o->produced_at_s)) ||
           o->made.key == KEY_EC_EXPLICIT || o->delegate_made.key == KEY_EC_EXPLICIT ||
           (s->policy.max_age_s && TEST_NOW - o->this_update_s > s->policy.max_age_s) ||
           (o->signer == OCSP_SIGNER_DELEGATE &&
            (o->delegate_not_after_s <= TEST_NOW || o->delegate_not_before_s > TEST_NOW));
}

static void assert_consistent(const struct subject *s, const struct judgement *judgement)
{
    assert_int_equal(judgement->verdict == VERDICT_STAPLE, judgement->reasons == 0);
    assert_int_equal(judgement->fails_with & judgement->ignored_by, 0);
    assert_false(judgement->reasons & 1);
    if (judgement->verdict == VERDICT_STAPLE) {
        assert_int_equal(judgement->reason, REASON_GOOD);
        assert_false(is_against_rfc(s));
    } else {
        assert_true(judgement->reasons >> judgement->reason & 1);
        assert_int_equal(judgement->reasons & ((1u << judgement->reason) - 1), 0);
    }
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool minds = ((judgement->fails_with | judgement->ignored_by) & CLIENT_BIT(i)) != 0;

        assert_int_equal(judgement->client_reasons[i] != REASON_GOOD, minds);
    }
}

/* Whom of the audience a staple breaks who gets along without. */
static uint32_t harmed(const struct subject *s, const struct judgement *judgement)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool none =
            s->cert.must_staple ? clients[i].none_is_fatal_must_staple : clients[i].none_is_fatal;

        set |= none ? 0 : CLIENT_BIT(i);
    }
    return set & judgement->fails_with & audience_columns(s->policy.audience);
}

static void test_any_facts_keep_the_promises(void **state)
{
    struct rng rng = {20261122};
    unsigned stapled = 0, of_both = 0;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        struct subject s = random_subject(&rng), part = s;
        struct judgement judgement = judge(&s), for_part;

        assert_consistent(&s, &judgement);
        part.policy.audience &= (uint32_t)rng_next(&rng);
        for_part = judge(&part);
        assert_int_equal(for_part.fails_with, judgement.fails_with);
        stapled += judgement.verdict == VERDICT_STAPLE;
        if (judgement.verdict == VERDICT_STAPLE && !s.cert.must_staple) {
            /* Never worse than nothing; and what pleases all pleases some. */
            assert_int_equal(harmed(&s, &judgement), 0);
            assert_int_equal(for_part.verdict, VERDICT_STAPLE);
            of_both++;
        } else if (judgement.verdict != VERDICT_STAPLE && !is_against_rfc(&s)) {
            assert_true(harmed(&s, &judgement) != 0 || s.ocsp.others_of_other_issuer ||
                        !s.ocsp.has_single);
        }
    }
    assert_true(stapled > 2000);
    assert_true(of_both > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_breach_harms_whom_it_harms),
        cmocka_unit_test(test_rfc6960_refuses_by_its_own_rules_alone),
        cmocka_unit_test(test_every_rule_is_broken_by_some_breach_and_none_by_a_good_answer),
        cmocka_unit_test(test_firefox_asks_the_responder_after_some_faults_only),
        cmocka_unit_test(test_revoked_breaks_even_those_who_pass_over_bad_staples),
        cmocka_unit_test(test_a_rule_counts_for_its_own_clients_only),
        cmocka_unit_test(test_who_fails_without_a_staple_too_does_not_refuse_one),
        cmocka_unit_test(test_must_staple_is_served_for_those_who_need_it),
        cmocka_unit_test(test_any_facts_keep_the_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
