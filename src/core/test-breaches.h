/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ways to break each rule of the table, and whom that harms; for test-clients.c. */

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
    s.ocsp.made = (struct signature_facts){KEY_P256, DIGEST_SHA256, false, 256, 0, false, false};
    s.ocsp.delegate_made =
        (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 2048, 0, false, false};
    s.ocsp.delegate_not_before_s = TEST_NOW - 30 * DAY;
    s.ocsp.delegate_not_after_s = TEST_NOW + 30 * DAY;
    s.ocsp.embedded_certs = 1;
    s.ocsp.signer_first = true;
    return s;
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
    s->ocsp.ours_first_this_update_s = s->ocsp.ours_last_this_update_s = TEST_NOW + from_s;
    s->ocsp.ours_first_next_update_s = TEST_NOW + until_s;
}

static void set_bare(struct subject *s, int64_t from_s)
{
    set_times(s, from_s, 0);
    s->ocsp.next_update_s = s->ocsp.first_next_update_s = INSTANT_NEVER;
    s->ocsp.ours_first_next_update_s = INSTANT_NEVER;
    s->ocsp.has_next_update = false;
    s->ocsp.any_without_next_update = s->ocsp.ours_without_next_update = true;
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
SET(over_java, s->ocsp.size = 24 * 1024 + 1)
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
SET(unheard_status, unauthorized(s); s->ocsp.response_status = 7)
SET(status_4, unauthorized(s); s->ocsp.response_status = 4)
SET(try_later_must, try_later(s); s->cert.must_staple = true)
SET(other_type, set_form(s, REASON_UNSUPPORTED_RESPONSE_TYPE))
SET(other_version, set_form(s, REASON_UNSUPPORTED_VERSION))
SET(wrong_serial, s->ocsp.match = REASON_WRONG_SERIAL; s->ocsp.has_single = false)
SET(wrong_name, s->ocsp.match = REASON_WRONG_ISSUER; s->ocsp.wrong_name_hash = true)
SET(wrong_key, s->ocsp.match = REASON_WRONG_ISSUER; s->ocsp.wrong_key_hash = true)
SET(no_match, s->ocsp.match = REASON_NO_MATCHING_RESPONSE; s->ocsp.has_single = false)
SET(no_single, no_match(s); s->ocsp.singles = 0)
SET(sha256_only, s->ocsp.has_sha1 = false; s->ocsp.hash = CERTID_SHA256)
SET(not_first, s->ocsp.singles = 20; s->ocsp.single_index = 19)
SET(other_issuer, s->ocsp.signature = REASON_UNAUTHORIZED_SIGNER;
    s->ocsp.others_of_other_issuer = true)
SET(mixed_delegated, *s = subject_delegated(); s->ocsp.mixed_hashes = true)
SET(mixed_direct, s->ocsp.mixed_hashes = true)
SET(unknown_algorithm, s->ocsp.signature = REASON_UNSUPPORTED_ALGORITHM)
SET(bad_signature, s->ocsp.signature = REASON_BAD_SIGNATURE)
SET(explicit_curve, unknown_algorithm(s); s->ocsp.made.key = KEY_EC_EXPLICIT)
SET(explicit_issuer, unknown_algorithm(s); s->ocsp.delegate_made.key = KEY_EC_EXPLICIT)
SET(null_parameters, s->ocsp.made.null = true)
SET(null_delegate, *s = subject_delegated(); s->ocsp.delegate_made.null = true)
SET(rare_hash, s->ocsp.rare_hashes = true)
SET(namesake, bad_signature(s); s->ocsp.signer_namesake = true)
SET(alike, bad_signature(s); s->ocsp.signer_alike = true)
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
SET(old_signer, foreign(s); s->ocsp.delegate_faults = DELEGATE_OLD_VERSION)
SET(misplaced_signer, foreign(s); s->ocsp.delegate_faults = DELEGATE_NAMES)
SET(twofold_signer, foreign(s); s->ocsp.delegate_faults = DELEGATE_REPEATED)
SET(odd_alt_name, foreign(s); s->ocsp.delegate_faults = DELEGATE_ALT_NAME)
SET(odd_signer, foreign(s); s->ocsp.delegate_faults = DELEGATE_ODD)
SET(odd_issuer, foreign(s); s->ocsp.delegate_faults = DELEGATE_OF_ODD_ISSUER)
SET(other_usage, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_KEY_USAGE)
SET(critical_policy, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_CRITICAL_POLICY)
SET(odd_key_form, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_KEY_FORM)
SET(long_numbers, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_LONG_NUMBERS)
SET(odd_rsa_key, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_RSA_KEY)
SET(no_name, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_NO_NAME)
SET(unordered_name, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_NAME_ORDER)
SET(rare_alt_name, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_ALT_NAME)
SET(long_oid_signer, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_LONG_OID)
SET(padded_usage, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_USAGE_BITS)
SET(signer_of_old, *s = subject_delegated(); s->ocsp.delegate_quirks = QUIRK_OLD_DATE)
SET(signer_over, *s = subject_delegated(); s->ocsp.delegate_not_after_s = TEST_NOW - 1)
SET(signer_was_over, signer_over(s); s->ocsp.produced_at_s = TEST_NOW)
SET(signer_early, *s = subject_delegated(); s->ocsp.delegate_not_before_s = TEST_NOW + 1)
SET(issuer_over, s->cert.issuer_not_before_s = 1; s->cert.issuer_not_after_s = TEST_NOW)
SET(issuer_early, s->cert.issuer_not_before_s = TEST_NOW + 1;
    s->cert.issuer_not_after_s = TEST_NOW + DAY)
SET(issuer_last, s->cert.issuer_not_before_s = TEST_NOW; s->cert.issuer_not_after_s = TEST_NOW + 1)
SET(sha1, s->ocsp.made.digest = DIGEST_SHA1)
SET(sha1_delegate, *s = subject_delegated(); s->ocsp.delegate_made.digest = DIGEST_SHA1)
SET(rsa_512, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 512, 0, false, false})
SET(rsa_2047, *s = subject_delegated(); s->ocsp.delegate_made.key_bits = 2047)
SET(rsa_1024, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_RSA, DIGEST_SHA256, false, 1024, 0, false, false})
SET(ed25519, *s = subject_delegated();
    s->ocsp.made = (struct signature_facts){KEY_ED25519, DIGEST_NONE, false, 256, 0, false, false})
SET(ed25519_ca,
    s->ocsp.made = (struct signature_facts){KEY_ED25519, DIGEST_NONE, false, 256, 0, false, false})
SET(curve, *s = subject_delegated(); s->ocsp.made = (struct signature_facts){
                                         KEY_EC_OTHER, DIGEST_SHA256, false, 256, 0, false, false})
SET(sha224, s->ocsp.made.digest = DIGEST_SHA224)
SET(sha224_delegate, *s = subject_delegated(); s->ocsp.delegate_made.digest = DIGEST_SHA224)
SET(pss, s->ocsp.made.pss = true; s->ocsp.made.salt_size = 32)
SET(pss_sha384, pss(s); s->ocsp.made.digest = DIGEST_SHA384; s->ocsp.made.salt_size = 48)
SET(pss_short_salt, pss(s); s->ocsp.made.salt_size = 20)
SET(pss_delegate, *s = subject_delegated(); s->ocsp.delegate_made.pss = true;
    s->ocsp.delegate_made.digest = DIGEST_SHA512; s->ocsp.delegate_made.salt_size = 64)
SET(pss_delegate_salt, pss_delegate(s); s->ocsp.delegate_made.salt_size = 32)
SET(pss_loose, pss(s); s->ocsp.made.loose_pss = true)
SET(pss_delegate_loose, pss_delegate(s); s->ocsp.delegate_made.loose_pss = true)
SET(long_oid, s->ocsp.long_oid = true)
SET(critical_response, s->ocsp.critical_response_extension = true)
SET(critical_single, s->ocsp.critical_single_extension = true)
SET(critical_other, s->ocsp.critical_other_extension = true)
SET(critical_scts, s->ocsp.has_scts = true; s->ocsp.sct_faults = SCT_CRITICAL)
SET(scts_without_value, s->ocsp.has_scts = true; s->ocsp.sct_faults = SCT_NO_VALUE)
SET(empty_scts, s->ocsp.has_scts = true; s->ocsp.sct_faults = SCT_NO_ENTRY)
SET(two_sct_lists, s->ocsp.has_scts = true; s->ocsp.sct_faults = SCT_TWICE)
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
SET(head_ended, s->ocsp.head_next_update_s = s->ocsp.ours_first_next_update_s = TEST_NOW - 3600)
SET(head_bare, s->ocsp.head_this_update_s = s->ocsp.ours_first_this_update_s = TEST_NOW - 16 * DAY;
    s->ocsp.head_next_update_s = INSTANT_NEVER; s->ocsp.ours_without_next_update = true)
SET(twin_ahead, s->ocsp.ours_last_this_update_s = TEST_NOW + 2 * DAY)
SET(twin_ended, s->ocsp.ours_first_next_update_s = TEST_NOW - 2 * DAY)
SET(twin_old, s->ocsp.ours_first_this_update_s = TEST_NOW - 12 * DAY)
SET(twin_bare, s->ocsp.ours_first_this_update_s = TEST_NOW - 3 * DAY;
    s->ocsp.ours_without_next_update = true)
SET(twin_fine, s->ocsp.ours_first_this_update_s = TEST_NOW - 2 * DAY;
    s->ocsp.ours_first_next_update_s = TEST_NOW + 60)
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
SET(made_at_end, s->ocsp.produced_at_s = s->ocsp.next_update_s)
SET(unknown, s->ocsp.status = CERT_STATUS_UNKNOWN)
SET(never_issued, s->ocsp.status = CERT_STATUS_REVOKED; s->ocsp.never_issued = true)
SET(nine_certs, s->ocsp.embedded_certs = 9)
SET(broken_cert, s->ocsp.embedded_certs = 1; s->ocsp.embedded_unreadable = true)
SET(broken_cert_last, *s = subject_delegated(); s->ocsp.embedded_unreadable = true)
SET(broken_cert_first, broken_cert_last(s); s->ocsp.unreadable_first = true)
SET(root_unsent, s->cert.root_unsent = true)
SET(root_unsent_by_key, root_unsent(s); s->ocsp.by_key = true)
SET(root_embedded, root_unsent_by_key(s); s->ocsp.embedded_certs = 1; s->ocsp.root_embedded = true)
SET(root_unsent_delegated, *s = subject_delegated(); root_unsent_by_key(s))
SET(signer_second, *s = subject_delegated(); s->ocsp.signer_first = false)
SET(signer_shadowed, signer_second(s); s->ocsp.shadowed = true)
SET(shadowed_by_key, signer_shadowed(s); s->ocsp.shadowed_by_key = true)
SET(heavy, s->ocsp.size = 5000)
SET(leaf_over, s->cert.not_after_s = TEST_NOW - 1)
SET(no_url, s->cert.url_count = 0)
SET(other_feature, s->cert.other_tls_feature = true)
SET(as_it_is, (void)s)
SET(delegated, *s = subject_delegated())

#define SEEN_CONFLICT  (ON(FIREFOX) | ON(S2N))
#define SEEN_LIBCRYPTO (ON(OPENSSL) | ON(LIBRESSL) | ON(S2N))
#define BROKEN_CERT                                                                                \
    (ANY_GNUTLS | ANY_JAVA | ON(JAVA_DEFAULT) | ON(OPENSSL) | ON(LIBRESSL) | ON(S2N))

static const struct breach breaches[] = {
    {"signed at its end", made_at_end, REASON_BAD_PRODUCED_AT, true, 0, 0},
    {"good", as_it_is, REASON_GOOD, false, 0, 0},
    {"good by delegate", delegated, REASON_GOOD, false, 0, 0},
    {"over 64 KiB", huge, REASON_TOO_LARGE, true, ON(FIREFOX) | ON(OPENSSL) | ON(OPENSSL_DEFAULT),
     0},
    {"16,381 octets", over_message, REASON_TOO_LARGE, false, ON(OPENSSL) | ON(OPENSSL_DEFAULT), 0},
    {"24 KiB", over_java, REASON_TOO_LARGE, false,
     ON(OPENSSL) | ON(OPENSSL_DEFAULT) | ANY_JAVA | ON(JAVA_DEFAULT), 0},
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
    {"nothing at all", no_single, REASON_NO_MATCHING_RESPONSE, true, VERIFIERS & ~SOFT, SOFT},
    {"SHA-256 CertID only", sha256_only, REASON_NO_MATCHING_RESPONSE, false,
     ON(OPENSSL) | ON(LIBRESSL) | ANY_JAVA | ON(WOLFSSL) | ON(NSS), 0},
    {"20 singles, ours last", not_first, REASON_NO_MATCHING_RESPONSE, false, ANY_GNUTLS, 0},
    {"another issuer's single", other_issuer, REASON_UNAUTHORIZED_SIGNER, true,
     ON(OPENSSL) | ON(S2N), 0},
    {"two hashes, delegated", mixed_delegated, REASON_UNAUTHORIZED_SIGNER, false, ON(LIBRESSL), 0},
    {"two hashes", mixed_direct, REASON_GOOD, false, 0, 0},
    {"unknown algorithm", unknown_algorithm, REASON_UNSUPPORTED_ALGORITHM, true, VERIFIERS & ~SOFT,
     SOFT},
    {"curve written out", explicit_curve, REASON_UNSUPPORTED_ALGORITHM, true,
     (VERIFIERS | ON(JAVA_DEFAULT)) & ~SOFT, SOFT},
    {"issuer's curve written out", explicit_issuer, REASON_UNSUPPORTED_ALGORITHM, true,
     (VERIFIERS | ON(JAVA_DEFAULT)) & ~SOFT, SOFT},
    {"ECDSA with NULL", null_parameters, REASON_GOOD, false, 0, ON(CHROMIUM)},
    {"delegate by ECDSA with NULL", null_delegate, REASON_GOOD, false, 0, ON(CHROMIUM)},
    {"another's MD5 CertID", rare_hash, REASON_GOOD, false, 0, ON(CHROMIUM)},
    {"bad signature", bad_signature, REASON_BAD_SIGNATURE, true, VERIFIERS & ~SOFT, SOFT},
    {"delegate with the issuer's name", namesake, REASON_BAD_SIGNATURE, true,
     VERIFIERS & ~(SOFT | ANY_GNUTLS | ANY_JAVA | ON(NSS)), SOFT},
    {"delegate with nearly the issuer's name", alike, REASON_BAD_SIGNATURE, true, SEEN_LIBCRYPTO,
     0},
    {"no signer", no_signer, REASON_SIGNER_NOT_FOUND, true, VERIFIERS & ~SOFT, SOFT},
    {"byName of nobody", misnamed, REASON_SIGNER_NOT_FOUND, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     SOFT & ~ON(GO)},
    {"delegate of another CA", foreign, REASON_UNAUTHORIZED_SIGNER, true, VERIFIERS & ~SOFT, SOFT},
    {"delegate without EKU", no_eku, REASON_UNAUTHORIZED_SIGNER, true, VERIFIERS & ~SOFT,
     SOFT & ~ON(GO)},
    {"delegate is a CA", ca_signer, REASON_UNAUTHORIZED_SIGNER, true, ON(FIREFOX), 0},
    {"critical delegate", critical_signer, REASON_UNAUTHORIZED_SIGNER, true,
     VERIFIERS & ~(SOFT | ANY_JAVA), ON(APPLE)},
    {"delegate of version 2", old_signer, REASON_UNAUTHORIZED_SIGNER, true,
     ANY_GNUTLS | ANY_JAVA | ON(JAVA_DEFAULT), 0},
    {"delegate outside the names", misplaced_signer, REASON_UNAUTHORIZED_SIGNER, true,
     SEEN_LIBCRYPTO | ANY_GNUTLS | ON(NSS), 0},
    {"delegate with one extension twice", twofold_signer, REASON_UNAUTHORIZED_SIGNER, true,
     ANY_GNUTLS | ANY_JAVA | ON(JAVA_DEFAULT), 0},
    {"delegate with junk for a name", odd_alt_name, REASON_UNAUTHORIZED_SIGNER, true, ANY_GNUTLS,
     0},
    {"odd delegate", odd_signer, REASON_UNAUTHORIZED_SIGNER, true, SEEN_LIBCRYPTO, 0},
    {"odd issuer", odd_issuer, REASON_UNAUTHORIZED_SIGNER, true, SEEN_LIBCRYPTO, 0},
    {"delegate not for signing", other_usage, REASON_GOOD, false, ON(NSS), 0},
    {"delegate with critical policies", critical_policy, REASON_GOOD, false, ON(NSS), 0},
    {"delegate's point compressed", odd_key_form, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX) | ON(NSS) | ANY_GNUTLS | ANY_JAVA | ON(JAVA_DEFAULT), ON(GO)},
    {"delegate's modulus too long", long_numbers, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX) | ON(NSS), ON(CHROMIUM) | ON(GO)},
    {"delegate's key lacks NULL", odd_rsa_key, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX),
     ON(CHROMIUM) | ON(GO)},
    {"delegate without name", no_name, REASON_UNAUTHORIZED_SIGNER, false,
     ANY_JAVA | ON(JAVA_DEFAULT), 0},
    {"delegate's name out of order", unordered_name, REASON_UNAUTHORIZED_SIGNER, false, ANY_GNUTLS,
     0},
    {"delegate with x400Address", rare_alt_name, REASON_UNAUTHORIZED_SIGNER, false, ANY_GNUTLS, 0},
    {"delegate with UUID", long_oid_signer, REASON_UNAUTHORIZED_SIGNER, false, ANY_GNUTLS, 0},
    {"delegate's keyUsage padded", padded_usage, REASON_UNAUTHORIZED_SIGNER, false, ON(FIREFOX),
     ON(CHROMIUM) | ON(GO)},
    {"delegate since 1969", signer_of_old, REASON_UNAUTHORIZED_SIGNER, false, ON(FIREFOX), 0},
    {"UUID", long_oid, REASON_MALFORMED, false, ANY_GNUTLS, 0},
    {"RSA-PSS, written otherwise", pss_loose, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX),
     ON(CHROMIUM) | ON(GO)},
    {"RSA-PSS delegate, written otherwise", pss_delegate_loose, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX), ON(CHROMIUM) | ON(GO)},
    {"status 7", unheard_status, REASON_ERROR_STATUS, true,
     (VERIFIERS | ON(JAVA_DEFAULT)) & ~(SOFT | ANY_GNUTLS), SOFT | ANY_GNUTLS},
    {"status 4", status_4, REASON_ERROR_STATUS, true, VERIFIERS & ~(SOFT | ANY_GNUTLS),
     SOFT | ANY_GNUTLS},
    {"delegate expired", signer_over, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~(SOFT | ON(NSS)),
     ON(APPLE)},
    {"delegate expired before", signer_was_over, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~SOFT,
     ON(APPLE)},
    {"delegate not yet valid", signer_early, REASON_SIGNER_EXPIRED, true, VERIFIERS & ~SOFT,
     ON(APPLE)},
    {"issuer expired", issuer_over, REASON_SIGNER_EXPIRED, true,
     ON(OPENSSL) | ON(LIBRESSL) | ON(S2N), 0},
    {"issuer not yet valid", issuer_early, REASON_SIGNER_EXPIRED, true,
     ON(OPENSSL) | ON(LIBRESSL) | ON(S2N), 0},
    {"issuer in its last second", issuer_last, REASON_GOOD, false, 0, 0},
    {"SHA-1 answer", sha1, REASON_WEAK_ALGORITHM, false, ON(RHEL), 0},
    {"delegate signed with SHA-1", sha1_delegate, REASON_WEAK_ALGORITHM, false,
     ON(FIREFOX) | ANY_GNUTLS, 0},
    {"RSA-512 delegate", rsa_512, REASON_WEAK_ALGORITHM, false,
     ON(FIREFOX) | ON(NSS) | ANY_JAVA | ANY_GNUTLS, 0},
    {"RSA-1024 delegate", rsa_1024, REASON_WEAK_ALGORITHM, false, ON(RHEL), 0},
    {"RSA-2047 issuer", rsa_2047, REASON_WEAK_ALGORITHM, false, ON(RHEL), 0},
    {"Ed25519 delegate", ed25519, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX) | ON(NSS),
     ON(CHROMIUM) | ON(GO)},
    {"Ed25519 issuer", ed25519_ca, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX) | ON(NSS),
     ON(CHROMIUM) | ON(GO)},
    {"rare curve", curve, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX) | ON(NSS) | ANY_GNUTLS | ANY_JAVA, ON(CHROMIUM) | ON(GO)},
    {"SHA-224", sha224, REASON_UNSUPPORTED_ALGORITHM, false, ON(FIREFOX), ON(CHROMIUM) | ON(GO)},
    {"delegate signed with SHA-224", sha224_delegate, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX), ON(CHROMIUM) | ON(GO)},
    {"RSA-PSS", pss, REASON_GOOD, false, 0, ON(GO)},
    {"RSA-PSS, SHA-384", pss_sha384, REASON_UNSUPPORTED_ALGORITHM, false, ANY_GNUTLS, ON(GO)},
    {"RSA-PSS, short salt", pss_short_salt, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX) | ANY_GNUTLS, ON(CHROMIUM) | ON(GO)},
    {"RSA-PSS delegate", pss_delegate, REASON_GOOD, false, 0, ON(GO)},
    {"RSA-PSS delegate, short salt", pss_delegate_salt, REASON_UNSUPPORTED_ALGORITHM, false,
     ON(FIREFOX) | ANY_GNUTLS, ON(CHROMIUM) | ON(GO)},
    {"critical response extension", critical_response, REASON_CRITICAL_EXTENSION, true,
     ON(FIREFOX) | ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM)},
    {"critical single extension", critical_single, REASON_CRITICAL_EXTENSION, true,
     ON(FIREFOX) | ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM) | ON(GO)},
    {"another's critical extension", critical_other, REASON_CRITICAL_EXTENSION, true,
     ANY_JAVA | ON(JAVA_DEFAULT), ON(CHROMIUM)},
    {"critical timestamps", critical_scts, REASON_CRITICAL_EXTENSION, true,
     ANY_JAVA | ON(JAVA_DEFAULT), ON(GO)},
    {"timestamps without value", scts_without_value, REASON_MALFORMED, true, ON(FIREFOX), 0},
    {"no timestamps in the list", empty_scts, REASON_MALFORMED, true, 0, 0},
    {"two lists of timestamps", two_sct_lists, REASON_MALFORMED, false, ON(FIREFOX), 0},
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
    {"the first about it ended", head_ended, REASON_EXPIRED, false, ANY_GNUTLS | ON(NSS), 0},
    {"the first about it is bare", head_bare, REASON_EXPIRED, false,
     ANY_GNUTLS | ON(NSS) | ON(FIREFOX), 0},
    {"another about it in 2 d", twin_ahead, REASON_NOT_YET_VALID, false, ON(FIREFOX), 0},
    {"another about it ended", twin_ended, REASON_EXPIRED, false, ON(FIREFOX), 0},
    {"another about it is old", twin_old, REASON_TOO_OLD, false, ON(FIREFOX), 0},
    {"another about it is bare", twin_bare, REASON_TOO_OLD, false, ON(FIREFOX), 0},
    {"another about it is fine", twin_fine, REASON_GOOD, false, 0, 0},
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
    {"a broken certificate", broken_cert, REASON_MALFORMED, false, BROKEN_CERT | ON(NSS), ON(GO)},
    {"a broken certificate last", broken_cert_last, REASON_MALFORMED, false, BROKEN_CERT, 0},
    {"a broken certificate first", broken_cert_first, REASON_MALFORMED, false,
     BROKEN_CERT | ON(FIREFOX), 0},
    {"signer is second", signer_second, REASON_SIGNER_NOT_FOUND, false, ON(WOLFSSL), ON(GO)},
    {"signer behind one of its key", signer_shadowed, REASON_SIGNER_NOT_FOUND, false,
     ON(WOLFSSL) | SEEN_LIBCRYPTO | ANY_GNUTLS | ANY_JAVA | ON(NSS), ON(GO)},
    {"signer behind one of its name", shadowed_by_key, REASON_BAD_SIGNATURE, false,
     ON(FIREFOX) | ON(WOLFSSL) | SEEN_LIBCRYPTO | ANY_GNUTLS | ANY_JAVA | ON(NSS), ON(GO)},
    {"root not sent", root_unsent, REASON_SIGNER_NOT_FOUND, false, ON(OPENSSL) | ON(LIBRESSL), 0},
    {"root not sent, by key", root_unsent_by_key, REASON_SIGNER_NOT_FOUND, false,
     ON(OPENSSL) | ON(LIBRESSL) | ANY_GNUTLS, 0},
    {"root embedded", root_embedded, REASON_GOOD, false, ON(OPENSSL), 0},
    {"root not sent, delegated", root_unsent_delegated, REASON_GOOD, false, ON(OPENSSL), 0},
    {"5,000 octets", heavy, REASON_GOOD, false, 0, 0},
    {"leaf expired", leaf_over, REASON_GOOD, false, 0, 0},
    {"no OCSP URL", no_url, REASON_GOOD, false, 0, 0},
    {"another TLS feature", other_feature, REASON_GOOD, false, 0, 0},
};
