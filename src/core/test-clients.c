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
#include "core/test-facts.h"
#include "core/verdict.h"

#define DAY        86400
#define ON(name_)  CLIENT_BIT(CLIENT_##name_)
#define COLUMNS    (CLIENT_BIT(CLIENT_COUNT) - 1)
#define VERIFIERS  (COLUMNS & ~(ON(JAVA_DEFAULT) | ON(OPENSSL_DEFAULT)))
#define SOFT       (ON(CHROMIUM) | ON(GO) | ON(APPLE)) /* who pass over a bad staple */
#define ANY_GNUTLS (ON(GNUTLS) | ON(RHEL))
#define ANY_JAVA   (ON(JAVA) | ON(JAVA_HARD))

struct subject {
    struct policy policy;
    struct cert_facts cert;
    struct ocsp_facts ocsp;
};

static struct subject subject(void)
{
    return (struct subject){policy_default(), test_cert(), test_answer(TEST_NOW - DAY, 4 * DAY)};
}

static struct subject subject_delegated(void)
{
    struct subject s = subject();

    s.ocsp.signer = OCSP_SIGNER_DELEGATE;
    s.ocsp.made = (struct signature_facts){KEY_P256, DIGEST_SHA256, false, 256};
    s.ocsp.delegate_made = (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 2048};
    s.ocsp.delegate_not_before_s = TEST_NOW - 30 * DAY;
    s.ocsp.delegate_not_after_s = TEST_NOW + 30 * DAY;
    s.ocsp.embedded_certs = 1;
    s.ocsp.signer_first = true;
    return s;
}

static struct judgement judge(const struct subject *s)
{
    return verdict_judge(&s->policy, &s->cert, &s->ocsp, NULL, TEST_NOW);
}

static void set_form(struct subject *s, enum reason form)
{
    s->ocsp = (struct ocsp_facts){
        .form = form, .match = REASON_NO_MATCHING_RESPONSE, .signature = REASON_SIGNER_NOT_FOUND};
}

static void set_times(struct subject *s, int64_t from_s, int64_t until_s)
{
    s->ocsp.produced_at_s = s->ocsp.this_update_s = s->ocsp.last_this_update_s = TEST_NOW + from_s;
    s->ocsp.next_update_s = s->ocsp.first_next_update_s = TEST_NOW + until_s;
}

static void set_bare(struct subject *s, int64_t from_s)
{
    set_times(s, from_s, 0);
    s->ocsp.next_update_s = s->ocsp.first_next_update_s = INSTANT_NEVER;
    s->ocsp.has_next_update = false;
    s->ocsp.any_without_next_update = true;
}

/* One way to break a rule. */
struct breach {
    const char *what;
    void (*set)(struct subject *s);
    enum reason reason;  /* of the refusal by all; REASON_GOOD: it is stapled */
    bool of_rfc;         /* so it refuses for rfc6960, too */
    uint32_t fails_with; /* columns */
    uint32_t ignored_by;
};

#define SET(name_, ...)                                                                            \
    static void name_(struct subject *s)                                                           \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }

SET(huge, set_form(s, REASON_TOO_LARGE))
SET(over_message, s->ocsp.size = 16381)
SET(malformed, set_form(s, REASON_MALFORMED))
SET(lax, set_form(s, REASON_MALFORMED); s->ocsp.lax_form = LAX_LENGTH)
SET(fraction, set_form(s, REASON_MALFORMED); s->ocsp.lax_form = LAX_FRACTION)
SET(no_seconds, set_form(s, REASON_MALFORMED); s->ocsp.lax_form = LAX_NO_SECONDS)
SET(unused_bits, set_form(s, REASON_MALFORMED); s->ocsp.lax_form = LAX_UNUSED_BITS)
SET(trailing_basic, set_form(s, REASON_TRAILING_DATA); s->ocsp.trailing_basic = true)
SET(trailing_inside, set_form(s, REASON_TRAILING_DATA))
SET(trailing_outside, set_form(s, REASON_TRAILING_DATA); s->ocsp.trailing_outside = true)
SET(try_later, set_form(s, REASON_ERROR_STATUS); s->ocsp.response_status = 3)
SET(unauthorized, set_form(s, REASON_ERROR_STATUS); s->ocsp.response_status = 6)
SET(try_later_must, try_later(s); s->cert.must_staple = true)
SET(other_type, set_form(s, REASON_UNSUPPORTED_RESPONSE_TYPE))
SET(other_version, set_form(s, REASON_UNSUPPORTED_VERSION))
SET(wrong_serial, s->ocsp.match = REASON_WRONG_SERIAL; s->ocsp.has_single = false)
SET(wrong_name, s->ocsp.match = REASON_WRONG_ISSUER; s->ocsp.wrong_name_hash = true)
SET(wrong_key, s->ocsp.match = REASON_WRONG_ISSUER; s->ocsp.wrong_key_hash = true)
SET(no_match, s->ocsp.match = REASON_NO_MATCHING_RESPONSE; s->ocsp.has_single = false)
SET(sha256_only, s->ocsp.has_sha1 = false; s->ocsp.hash = CERTID_SHA256)
SET(not_first, s->ocsp.singles = 20; s->ocsp.single_index = 19)
SET(other_issuer, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.others_of_other_issuer = true)
SET(mixed_delegated, *s = subject_delegated(); s->ocsp.mixed_hashes = true)
SET(mixed_direct, s->ocsp.mixed_hashes = true)
SET(unknown_algorithm, s->ocsp.signature = REASON_UNSUPPORTED_ALGORITHM)
SET(bad_signature, s->ocsp.signature = REASON_BAD_SIGNATURE)
SET(namesake, bad_signature(s); s->ocsp.signer_namesake = true)
SET(no_signer, s->ocsp.signature = REASON_SIGNER_NOT_FOUND)
SET(misnamed, no_signer(s); s->ocsp.signer_misnamed = true)
SET(foreign, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.delegate_faults = DELEGATE_NOT_ISSUED)
SET(no_eku, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.delegate_faults = DELEGATE_NO_EKU)
SET(ca_signer, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.delegate_faults = DELEGATE_IS_CA)
SET(critical_signer, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.delegate_faults = DELEGATE_CRITICAL)
SET(signer_over, *s = subject_delegated(); s->ocsp.delegate_not_after_s = TEST_NOW - 1)
SET(signer_was_over, signer_over(s); s->ocsp.produced_at_s = TEST_NOW)
SET(signer_early, *s = subject_delegated(); s->ocsp.delegate_not_before_s = TEST_NOW + 1)
SET(sha1, s->ocsp.made.digest = DIGEST_SHA1)
SET(sha1_delegate, *s = subject_delegated(); s->ocsp.delegate_made.digest = DIGEST_SHA1)
SET(rsa_512, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 512})
SET(rsa_1024, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 1024})
SET(ed25519, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_ED25519, DIGEST_NONE, false, 256})
SET(pss, s->ocsp.made.pss = true)
SET(critical_response, s->ocsp.critical_response_extension = true)
SET(critical_single, s->ocsp.critical_single_extension = true)
SET(critical_other, s->ocsp.critical_other_extension = true)
SET(good_revoked, s->ocsp.conflicting = s->ocsp.any_revoked = true;
    s->ocsp.last_status = CERT_STATUS_REVOKED)
SET(revoked_good, s->ocsp.conflicting = s->ocsp.any_revoked = true;
    s->ocsp.first_status = CERT_STATUS_REVOKED; s->ocsp.status = CERT_STATUS_REVOKED)
SET(good_unknown, s->ocsp.conflicting = true; s->ocsp.last_status = CERT_STATUS_UNKNOWN)
SET(unknown_good, s->ocsp.conflicting = true; s->ocsp.first_status = CERT_STATUS_UNKNOWN)
SET(bad_neighbour, s->ocsp.singles = 2; s->ocsp.others_not_good = true)
SET(ahead_1s, set_times(s, 1, DAY); s->policy.future_max_s = 0)
SET(ahead_11min, set_times(s, 660, DAY))
SET(ahead_30min, set_times(s, 1800, DAY))
SET(ahead_2d, set_times(s, 2 * DAY, 3 * DAY))
SET(neighbour_ahead, s->ocsp.last_this_update_s = TEST_NOW + 3600)
SET(ended_now, set_times(s, -DAY, 0))
SET(ended_1h, set_times(s, -DAY, -3600))
SET(ended_2d, set_times(s, -5 * DAY, -2 * DAY))
SET(neighbour_ended, s->ocsp.first_next_update_s = TEST_NOW - 3600)
SET(backwards, set_times(s, -100, -200))
SET(bare_10min, set_bare(s, -600))
SET(bare_2h, set_bare(s, -7200))
SET(bare_3d, set_bare(s, -3 * DAY))
SET(bare_16d, set_bare(s, -16 * DAY))
SET(neighbour_bare, s->ocsp.any_without_next_update = true)
SET(over_max_age, s->policy.max_age_s = DAY - 1)
SET(at_max_age, s->policy.max_age_s = DAY)
SET(old_9d, set_times(s, -9 * DAY, DAY))
SET(old_13d, set_times(s, -13 * DAY, DAY))
SET(old_15d, set_times(s, -15 * DAY, DAY))
SET(made_before_leaf, s->ocsp.produced_at_s = s->cert.not_before_s - 1)
SET(made_before_this, s->ocsp.produced_at_s = s->ocsp.this_update_s - 1)
SET(unknown, s->ocsp.status = CERT_STATUS_UNKNOWN)
SET(never_issued, s->ocsp.status = CERT_STATUS_REVOKED; s->ocsp.never_issued = true)
SET(nine_certs, s->ocsp.embedded_certs = 9)
SET(broken_cert, s->ocsp.embedded_unreadable = true)
SET(signer_second, *s = subject_delegated(); s->ocsp.signer_first = false)
SET(heavy, s->ocsp.size = 5000)
SET(leaf_over, s->cert.not_after_s = TEST_NOW - 1)
SET(no_url, s->cert.url_count = 0)
SET(other_feature, s->cert.other_tls_feature = true)
SET(as_it_is, (void)s)
SET(delegated, *s = subject_delegated())

#define SEEN_CONFLICT (ON(FIREFOX) | ON(S2N))

static const struct breach breaches[] = {
    {"good", as_it_is, REASON_GOOD, false, 0, 0},
    {"good by delegate", delegated, REASON_GOOD, false, 0, 0},
    {"over 64 KiB", huge, REASON_TOO_LARGE, true, ON(FIREFOX) | ON(OPENSSL) | ON(OPENSSL_DEFAULT),
     0},
    {"16,381 octets", over_message, REASON_TOO_LARGE, false, ON(OPENSSL) | ON(OPENSSL_DEFAULT), 0},
    {"junk", malformed, REASON_MALFORMED, true, COLUMNS & ~SOFT, SOFT},
    {"non-minimal length", lax, REASON_MALFORMED, true, ON(FIREFOX) | ON(NSS),
     ON(CHROMIUM) | ON(GO)},
    {"time with a fraction", fraction, REASON_MALFORMED, true,
     COLUMNS & ~(SOFT | ON(OPENSSL) | ON(OPENSSL_DEFAULT) | ANY_JAVA | ON(JAVA_DEFAULT)), SOFT},
    {"time without seconds", no_seconds, REASON_MALFORMED, true,
     ON(FIREFOX) | ON(LIBRESSL) | ON(S2N) | ON(WOLFSSL), SOFT},
    {"signature with unused bits", unused_bits, REASON_MALFORMED, true,
     VERIFIERS & ~(SOFT | ANY_GNUTLS | ON(NSS)), SOFT},
    {"byte behind the BasicOCSPResponse", trailing_basic, REASON_TRAILING_DATA, true,
     ON(FIREFOX) | ANY_GNUTLS | ON(NSS) | ON(WOLFSSL), SOFT},
    {"bytes within", trailing_inside, REASON_TRAILING_DATA, true, COLUMNS & ~SOFT, SOFT},
    {"trailing newline", trailing_outside, REASON_TRAILING_DATA, true,
     COLUMNS & ~(SOFT | ON(OPENSSL) | ON(OPENSSL_DEFAULT) | ON(LIBRESSL) | ON(S2N)), SOFT},
    {"tryLater", try_later, REASON_ERROR_STATUS, true, VERIFIERS & ~(SOFT | ANY_GNUTLS | ON(JAVA)),
     SOFT | ANY_GNUTLS | ON(JAVA)},
    {"unauthorized", unauthorized, REASON_ERROR_STATUS, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     SOFT | ANY_GNUTLS},
    {"tryLater, must-staple", try_later_must, REASON_ERROR_STATUS, true,
     VERIFIERS & ~(SOFT | ON(JAVA)), SOFT | ON(JAVA)},
    {"another type", other_type, REASON_UNSUPPORTED_RESPONSE_TYPE, true,
     (VERIFIERS | ON(JAVA_DEFAULT)) & ~SOFT, SOFT},
    {"another version", other_version, REASON_UNSUPPORTED_VERSION, true, ON(FIREFOX) | ON(WOLFSSL),
     ON(CHROMIUM)},
    {"wrong serial", wrong_serial, REASON_WRONG_SERIAL, true, VERIFIERS & ~SOFT, SOFT},
    {"wrong name hash", wrong_name, REASON_WRONG_ISSUER, true, VERIFIERS & ~SOFT, SOFT & ~ON(GO)},
    {"wrong key hash", wrong_key, REASON_WRONG_ISSUER, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     SOFT & ~ON(GO)},
    {"nothing about it", no_match, REASON_NO_MATCHING_RESPONSE, true, VERIFIERS & ~SOFT, SOFT},
    {"SHA-256 CertID only", sha256_only, REASON_NO_MATCHING_RESPONSE, false,
     ON(OPENSSL) | ON(LIBRESSL) | ANY_JAVA | ON(WOLFSSL) | ON(NSS), 0},
    {"20 singles, ours last", not_first, REASON_NO_MATCHING_RESPONSE, false, ANY_GNUTLS, 0},
    {"another issuer's single", other_issuer, REASON_UNAUTHORIZED_SIGNER, true,
     ON(OPENSSL) | ON(S2N), 0},
    {"two hashes, delegated", mixed_delegated, REASON_UNAUTHORIZED_SIGNER, false, ON(LIBRESSL), 0},
    {"two hashes", mixed_direct, REASON_GOOD, false, 0, 0},
    {"unknown algorithm", unknown_algorithm, REASON_UNSUPPORTED_ALGORITHM, true, VERIFIERS & ~SOFT,
     SOFT},
    {"bad signature", bad_signature, REASON_BAD_SIGNATURE, true, VERIFIERS & ~SOFT, SOFT},
    {"delegate with the issuer's name", namesake, REASON_BAD_SIGNATURE, true,
     VERIFIERS & ~(SOFT | ANY_GNUTLS | ANY_JAVA | ON(NSS)), SOFT},
    {"no signer", no_signer, REASON_SIGNER_NOT_FOUND, true, VERIFIERS & ~SOFT, SOFT},
    {"byName of nobody", misnamed, REASON_SIGNER_NOT_FOUND, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     SOFT & ~ON(GO)},
    {"delegate of another CA", foreign, REASON_UNAUTHORIZED_SIGNER, true, VERIFIERS & ~SOFT, SOFT},
    {"delegate without EKU", no_eku, REASON_UNAUTHORIZED_SIGNER, true, VERIFIERS & ~SOFT,
     SOFT & ~ON(GO)},
    {"delegate is a CA", ca_signer, REASON_UNAUTHORIZED_SIGNER, true, ON(FIREFOX), 0},
    {"critical delegate", critical_signer, REASON_UNAUTHORIZED_SIGNER, true,
     VERIFIERS & ~(SOFT | ANY_JAVA), ON(APPLE)},
    {"delegate expired", signer_over, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~(SOFT | ON(NSS)),
     ON(APPLE)},
    {"delegate expired before", signer_was_over, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~SOFT,
     ON(APPLE)},
    {"delegate not yet valid", signer_early, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~SOFT,
     ON(APPLE)},
    {"SHA-1 answer", sha1, REASON_WEAK_ALGORITHM, false, ON(RHEL), 0},
    {"delegate signed with SHA-1", sha1_delegate, REASON_WEAK_ALGORITHM, false,
     ON(FIREFOX) | ANY_GNUTLS, 0},
    {"RSA-512 delegate", rsa_512, REASON_WEAK_ALGORITHM, false, ON(FIREFOX) | ANY_JAVA | ANY_GNUTLS,
     0},
    {"RSA-1024 delegate", rsa_1024, REASON_GOOD, false, 0, 0},
    {"Ed25519 delegate", ed25519, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX) | ON(NSS),
     ON(CHROMIUM) | ON(GO)},
    {"RSA-PSS", pss, REASON_GOOD, false, 0, ON(GO)},
    {"critical response extension", critical_response, REASON_CRITICAL_EXTENSION, true,
     ON(FIREFOX) | ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM)},
    {"critical single extension", critical_single, REASON_CRITICAL_EXTENSION, true,
     ON(FIREFOX) | ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM) | ON(GO)},
    {"another's critical extension", critical_other, REASON_CRITICAL_EXTENSION, true,
     ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM)},
    {"good then revoked", good_revoked, REASON_CONFLICTING_RESPONSES, true,
     SEEN_CONFLICT | ANY_JAVA, ON(CHROMIUM)},
    {"revoked then good", revoked_good, REASON_CONFLICTING_RESPONSES, true,
     SEEN_CONFLICT | ANY_GNUTLS | ON(OPENSSL) | ON(LIBRESSL) | ON(NSS) | ON(WOLFSSL),
     ON(CHROMIUM) | ON(GO)},
    {"good then unknown", good_unknown, REASON_CONFLICTING_RESPONSES, true, ON(S2N) | ON(JAVA_HARD),
     ON(CHROMIUM)},
    {"unknown then good", unknown_good, REASON_CONFLICTING_RESPONSES, true,
     ON(S2N) | ON(OPENSSL) | ON(NSS) | ON(WOLFSSL), ON(CHROMIUM)},
    {"another is not good", bad_neighbour, REASON_CONFLICTING_RESPONSES, false, ON(S2N), 0},
    {"thisUpdate in 1 s", ahead_1s, REASON_NOT_YET_VALID, true, ON(S2N) | ON(WOLFSSL),
     ON(CHROMIUM)},
    {"thisUpdate in 11 min", ahead_11min, REASON_NOT_YET_VALID, true,
     ON(S2N) | ON(WOLFSSL) | ON(OPENSSL) | ON(LIBRESSL) | ON(NSS), ON(CHROMIUM)},
    {"thisUpdate in 30 min", ahead_30min, REASON_NOT_YET_VALID, true,
     ON(S2N) | ON(WOLFSSL) | ON(OPENSSL) | ON(LIBRESSL) | ON(NSS) | ANY_JAVA, ON(CHROMIUM)},
    {"thisUpdate in 2 d", ahead_2d, REASON_NOT_YET_VALID, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     ON(CHROMIUM) | ON(APPLE)},
    {"another's in 1 h", neighbour_ahead, REASON_NOT_YET_VALID, false, ANY_JAVA | ON(S2N), 0},
    {"ended now", ended_now, REASON_EXPIRED, true, ON(WOLFSSL), ON(CHROMIUM)},
    {"ended 1 h ago", ended_1h, REASON_EXPIRED, true, VERIFIERS & ~(SOFT | ON(FIREFOX)),
     ON(CHROMIUM)},
    {"ended 2 d ago", ended_2d, REASON_EXPIRED, true, VERIFIERS & ~SOFT, ON(CHROMIUM) | ON(APPLE)},
    {"another ended", neighbour_ended, REASON_EXPIRED, false, ANY_JAVA | ON(S2N), 0},
    {"times backwards", backwards, REASON_EXPIRED, true,
     ON(FIREFOX) | ON(OPENSSL) | ON(LIBRESSL) | ON(S2N) | ANY_GNUTLS | ON(NSS) | ON(WOLFSSL),
     ON(CHROMIUM)},
    {"bare, 10 min", bare_10min, REASON_NO_NEXT_UPDATE, false, ON(S2N), 0},
    {"bare, 2 h", bare_2h, REASON_NO_NEXT_UPDATE, false, ON(S2N) | ANY_JAVA, 0},
    {"bare, 3 d", bare_3d, REASON_NO_NEXT_UPDATE, false, ON(S2N) | ANY_JAVA | ON(FIREFOX) | ON(NSS),
     0},
    {"bare, 16 d", bare_16d, REASON_NO_NEXT_UPDATE, false,
     ON(S2N) | ANY_JAVA | ON(FIREFOX) | ON(NSS) | ANY_GNUTLS | ON(LIBRESSL), ON(CHROMIUM)},
    {"another is bare", neighbour_bare, REASON_NO_NEXT_UPDATE, false, ON(S2N) | ANY_JAVA, 0},
    {"over --max-age", over_max_age, REASON_TOO_OLD, true, 0, 0},
    {"at --max-age", at_max_age, REASON_GOOD, false, 0, 0},
    {"9 d old", old_9d, REASON_GOOD, false, 0, ON(CHROMIUM)},
    {"13 d old", old_13d, REASON_TOO_OLD, false, ON(FIREFOX), ON(CHROMIUM)},
    {"15 d old", old_15d, REASON_TOO_OLD, false, ON(FIREFOX) | ON(LIBRESSL), ON(CHROMIUM)},
    {"made before the leaf", made_before_leaf, REASON_GOOD, false, ON(NSS), ON(CHROMIUM)},
    {"made before thisUpdate", made_before_this, REASON_GOOD, false, ON(NSS), 0},
    {"unknown", unknown, REASON_UNKNOWN, true,
     ON(FIREFOX) | ON(OPENSSL) | ON(S2N) | ON(WOLFSSL) | ON(NSS) | ON(JAVA_HARD), SOFT},
    {"never issued", never_issued, REASON_UNKNOWN, true, VERIFIERS & ~ON(GO), ON(GO)},
    {"nine certificates", nine_certs, REASON_MALFORMED, false, ON(FIREFOX), ON(GO)},
    {"a broken certificate", broken_cert, REASON_MALFORMED, false,
     ON(FIREFOX) | ANY_JAVA | ON(JAVA_DEFAULT), 0},
    {"signer is second", signer_second, REASON_SIGNER_NOT_FOUND, false, ON(WOLFSSL), ON(GO)},
    {"5,000 octets", heavy, REASON_GOOD, false, 0, 0},
    {"leaf expired", leaf_over, REASON_GOOD, false, 0, 0},
    {"no OCSP URL", no_url, REASON_GOOD, false, 0, 0},
    {"another TLS feature", other_feature, REASON_GOOD, false, 0, 0},
};

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
    for (unsigned i = 0; i < rule_count; i++) {
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
    for (unsigned i = 0; i < rule_count; i++) {
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
    ocsp->delegate_faults = (uint8_t)rng_below(rng, 32);
    ocsp->lax_form = (uint8_t)rng_below(rng, 16);
    ocsp->trailing_basic = chance(rng, 2);
    ocsp->signer_namesake = chance(rng, 2);
    ocsp->any_revoked = chance(rng, 2);
    ocsp->trailing_outside = chance(rng, 2);
    ocsp->response_status = (uint8_t)rng_below(rng, 7);
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
           (o->has_next_update && o->next_update_s <= TEST_NOW) ||
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
        cmocka_unit_test(test_revoked_breaks_even_those_who_pass_over_bad_staples),
        cmocka_unit_test(test_a_rule_counts_for_its_own_clients_only),
        cmocka_unit_test(test_who_fails_without_a_staple_too_does_not_refuse_one),
        cmocka_unit_test(test_must_staple_is_served_for_those_who_need_it),
        cmocka_unit_test(test_any_facts_keep_the_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
