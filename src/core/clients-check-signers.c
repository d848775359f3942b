/* SPDX-License-Identifier: Apache-2.0 */

/* The questions about who signed, with what, and whether that is allowed. */

#include "core/clients-check.h"

bool check_has_unknown_algorithm(const struct question *q)
{
    return q->ocsp->signature == REASON_UNSUPPORTED_ALGORITHM && !check_has_explicit_curve(q);
}

bool check_has_explicit_curve(const struct question *q)
{
    return q->ocsp->made.key == KEY_EC_EXPLICIT || q->ocsp->delegate_made.key == KEY_EC_EXPLICIT;
}

bool check_has_null_parameters(const struct question *q)
{
    return q->ocsp->made.null || q->ocsp->delegate_made.null;
}

bool check_has_bad_signature(const struct question *q)
{
    return q->ocsp->signature == REASON_BAD_SIGNATURE && !q->ocsp->signer_namesake &&
           !q->ocsp->signer_alike;
}

bool check_has_name_alike(const struct question *q)
{
    return q->ocsp->signature == REASON_BAD_SIGNATURE && q->ocsp->signer_alike;
}

bool check_has_namesake(const struct question *q)
{
    return q->ocsp->signature == REASON_BAD_SIGNATURE && q->ocsp->signer_namesake;
}

bool check_has_no_signer(const struct question *q)
{
    return q->ocsp->signature == REASON_SIGNER_NOT_FOUND && !q->ocsp->signer_misnamed;
}

bool check_has_misnamed_signer(const struct question *q)
{
    return q->ocsp->signature == REASON_SIGNER_NOT_FOUND && q->ocsp->signer_misnamed;
}

static bool has_fault(const struct question *q, unsigned faults)
{
    return q->ocsp->signature == REASON_UNAUTHORIZED_SIGNER && q->ocsp->delegate_faults & faults;
}

bool check_is_foreign(const struct question *q)
{
    return has_fault(q, DELEGATE_NOT_ISSUED) ||
           (q->ocsp->signature == REASON_UNAUTHORIZED_SIGNER && !q->ocsp->delegate_faults &&
            !q->ocsp->others_of_other_issuer);
}

bool check_lacks_eku(const struct question *q)
{
    return has_fault(q, DELEGATE_NO_EKU);
}

bool check_is_ca(const struct question *q)
{
    return has_fault(q, DELEGATE_IS_CA);
}

bool check_is_critical_delegate(const struct question *q)
{
    return has_fault(q, DELEGATE_CRITICAL);
}

bool check_has_old_version(const struct question *q)
{
    return has_fault(q, DELEGATE_OLD_VERSION);
}

bool check_is_outside_names(const struct question *q)
{
    return has_fault(q, DELEGATE_NAMES);
}

bool check_repeats_extension(const struct question *q)
{
    return has_fault(q, DELEGATE_REPEATED);
}

bool check_has_odd_alt_name(const struct question *q)
{
    return has_fault(q, DELEGATE_ALT_NAME);
}

bool check_is_odd_delegate(const struct question *q)
{
    return has_fault(q, DELEGATE_ODD);
}

bool check_has_odd_issuer(const struct question *q)
{
    return has_fault(q, DELEGATE_OF_ODD_ISSUER);
}

static bool has_quirk(const struct question *q, enum delegate_quirk quirk)
{
    return q->ocsp->delegate_quirks & quirk;
}

bool check_lacks_signing_usage(const struct question *q)
{
    return has_quirk(q, QUIRK_KEY_USAGE);
}

bool check_has_critical_policy(const struct question *q)
{
    return has_quirk(q, QUIRK_CRITICAL_POLICY);
}

bool check_has_odd_key_form(const struct question *q)
{
    return has_quirk(q, QUIRK_KEY_FORM);
}

bool check_has_long_numbers(const struct question *q)
{
    return has_quirk(q, QUIRK_LONG_NUMBERS);
}

bool check_has_odd_rsa_key(const struct question *q)
{
    return has_quirk(q, QUIRK_RSA_KEY);
}

bool check_has_no_name(const struct question *q)
{
    return has_quirk(q, QUIRK_NO_NAME);
}

bool check_has_unordered_name(const struct question *q)
{
    return has_quirk(q, QUIRK_NAME_ORDER);
}

bool check_has_rare_alt_name(const struct question *q)
{
    return has_quirk(q, QUIRK_ALT_NAME);
}

bool check_has_long_oid_in_delegate(const struct question *q)
{
    return has_quirk(q, QUIRK_LONG_OID);
}

bool check_has_padded_usage(const struct question *q)
{
    return has_quirk(q, QUIRK_USAGE_BITS);
}

bool check_is_delegate_of_old(const struct question *q)
{
    return has_quirk(q, QUIRK_OLD_DATE);
}

bool check_was_signer_outdated(const struct question *q)
{
    return q->ocsp->signer == OCSP_SIGNER_DELEGATE &&
           (q->ocsp->produced_at_s < q->ocsp->delegate_not_before_s ||
            q->ocsp->produced_at_s > q->ocsp->delegate_not_after_s);
}

bool check_is_signer_outdated(const struct question *q)
{
    /* libcrypto counts notAfter itself as too late (X509_cmp_time()). */
    return q->ocsp->signer == OCSP_SIGNER_DELEGATE && (q->wall_s < q->ocsp->delegate_not_before_s ||
                                                       q->wall_s >= q->ocsp->delegate_not_after_s);
}

bool check_is_issuer_outdated(const struct question *q)
{
    return q->cert->issuer_not_after_s &&
           (q->wall_s < q->cert->issuer_not_before_s || q->wall_s >= q->cert->issuer_not_after_s);
}

bool check_is_answer_sha1(const struct question *q)
{
    return q->ocsp->made.digest == DIGEST_SHA1;
}

bool check_is_delegate_sha1(const struct question *q)
{
    return q->ocsp->delegate_made.digest == DIGEST_SHA1;
}

static bool is_short(const struct signature_facts *made, unsigned bits)
{
    return made->key == KEY_RSA && made->key_bits < bits;
}

bool check_has_tiny_key(const struct question *q)
{
    return is_short(&q->ocsp->made, 1024) || is_short(&q->ocsp->delegate_made, 1024);
}

bool check_has_short_key(const struct question *q)
{
    return !check_has_tiny_key(q) &&
           (is_short(&q->ocsp->made, 2048) || is_short(&q->ocsp->delegate_made, 2048));
}

bool check_has_rare_curve(const struct question *q)
{
    return q->ocsp->made.key == KEY_EC_OTHER || q->ocsp->delegate_made.key == KEY_EC_OTHER;
}

bool check_has_rare_algorithm(const struct question *q)
{
    return q->ocsp->made.key > KEY_EC_OTHER || q->ocsp->delegate_made.key > KEY_EC_OTHER;
}

bool check_is_answer_sha224(const struct question *q)
{
    return q->ocsp->made.digest == DIGEST_SHA224;
}

bool check_is_delegate_sha224(const struct question *q)
{
    return q->ocsp->delegate_made.digest == DIGEST_SHA224;
}

bool check_is_pss(const struct question *q)
{
    return q->ocsp->made.pss || q->ocsp->delegate_made.pss;
}

/* A salt as long as the digest, as in TLS 1.3, and no SHA-1. */
static bool is_odd_pss(const struct signature_facts *made)
{
    static const uint16_t salt_sizes[] = {
        [DIGEST_SHA256] = 32,
        [DIGEST_SHA384] = 48,
        [DIGEST_SHA512] = 64,
    };

    return made->pss && (made->digest < DIGEST_SHA256 || made->digest > DIGEST_SHA512 ||
                         made->salt_size != salt_sizes[made->digest]);
}

bool check_is_answer_odd_pss(const struct question *q)
{
    return is_odd_pss(&q->ocsp->made);
}

bool check_is_delegate_odd_pss(const struct question *q)
{
    return is_odd_pss(&q->ocsp->delegate_made);
}

bool check_is_answer_loose_pss(const struct question *q)
{
    return q->ocsp->made.loose_pss;
}

bool check_is_delegate_loose_pss(const struct question *q)
{
    return q->ocsp->delegate_made.loose_pss;
}

bool check_is_pss_beyond_sha256(const struct question *q)
{
    return q->ocsp->made.pss && q->ocsp->made.digest != DIGEST_SHA256;
}
