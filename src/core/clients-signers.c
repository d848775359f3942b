/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of the union (clients-rules.c) about who signed, with what, and whether that is allowed.
 */

#include "base/cleanup.h"
#include "core/clients-check.h"

const struct rule signer_rules[] = {
    /* client-rules 8, 11, 13: RFC 6960 3.2: "2. The signature on the response is valid" */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .broken = check_has_unknown_algorithm},
    /* A curve written out (RFC 5480 2.1.1: "specifiedCurve MUST NOT be used in PKIX"): all refused
     * it, the default JVM as well (seen). */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS | ON(JAVA_DEFAULT),
     .asks = ON(FIREFOX),
     .broken = check_has_explicit_curve,
     .sentence = "the curve of its signer's key is written out instead of named"},
    /* RFC 5758 3.2: "the encoding MUST omit the parameters field". Firefox, GnuTLS, Java, curl and
     * NSS did not mind (seen); BoringSSL's pki does. */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(CHROMIUM),
     .broken = check_has_null_parameters,
     .sentence = "it is signed with ECDSA, with NULL where no parameters belong"},
    {.reason = REASON_BAD_SIGNATURE,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .broken = check_has_bad_signature},
    /* client-rules 9: a delegate under the issuer's own name. Firefox and curl tried the issuer's
     * key alone, GnuTLS, Java and NSS found it (seen). */
    {.reason = REASON_BAD_SIGNATURE,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~(ANY_GNUTLS | ANY_JAVA | ON(NSS)),
     .broken = check_has_namesake,
     .sentence = "a delegate with its issuer's name signed it, and is taken for the issuer"},
    /* X509_find_by_subject() looks at neither case nor blanks: curl refused it, Firefox, GnuTLS,
     * Java and NSS told the two apart (seen). */
    {.reason = REASON_BAD_SIGNATURE,
     .baseline = true,
     .need = NEED_FORM,
     .clients = LIBCRYPTO,
     .broken = check_has_name_alike,
     .sentence = "its signer's name is the issuer's but for case or blanks, and OpenSSL takes it "
                 "for the issuer"},
    /* client-rules 7: RFC 6960 3.2: "3. The identity of the signer matches the intended recipient
     * of the request"; GnuTLS took the issuer's signature under the name of nobody (seen). */
    {.reason = REASON_SIGNER_NOT_FOUND,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken = check_has_no_signer},
    {.reason = REASON_SIGNER_NOT_FOUND,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~(ON(GO) | ANY_GNUTLS),
     .asks = ON(FIREFOX),
     .broken = check_has_misnamed_signer,
     .sentence = "its issuer signed it under the name of somebody else"},

    /* client-rules 8, 9: RFC 6960 4.2.2.2: "issued directly by the CA", id-kp-OCSPSigning. That it
     * is a CA only Firefox minds; a critical extension everybody but Java (seen); Chromium and Go
     * do not look (ocsp.cc, ocsp.go). */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken = check_is_foreign,
     .sentence = "its signer's certificate was not issued by the issuer itself"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~ON(GO),
     .asks = ON(FIREFOX),
     .broken = check_lacks_eku,
     .sentence = "its signer's certificate lacks the extended key usage OCSPSigning"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .asks = ON(FIREFOX),
     .broken = check_is_ca,
     .sentence = "its signer's certificate is that of a CA"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~(ON(GO) | ON(CHROMIUM) | ANY_JAVA),
     .broken = check_is_critical_delegate,
     .sentence = "its signer's certificate has a critical extension that is not understood"},
    /* Extensions in a certificate of version 1 or 2, or one twice (RFC 5280 4.2: "A certificate
     * MUST NOT include more than one instance of a particular extension."): GnuTLS and Java refused
     * these, the default JVM as well; alternative names that are not readable GnuTLS (seen). */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS | FORM_JAVA,
     .broken = check_has_old_version,
     .sentence = "its signer's certificate has extensions and is not of version 3"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS | FORM_JAVA,
     .broken = check_repeats_extension,
     .sentence = "its signer's certificate has one extension twice"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_odd_alt_name,
     .sentence = "its signer's certificate has an alternative name that is not readable"},
    /* RFC 5280 4.2.1.10: "Restrictions apply to the subject distinguished name and apply to subject
     * alternative names." Java and Firefox do not look; GnuTLS refused a subjectAltName, NSS a
     * subject as well (seen). */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = LIBCRYPTO | ANY_GNUTLS | ON(NSS),
     .broken = check_is_outside_names,
     .sentence = "its signer's certificate has a name that its issuer's name constraints do not "
                 "allow"},
    /* X509_verify_cert(): curl refused proxy certificates, addresses (RFC 3779), a common name that
     * the issuer's name constraints do not allow, and extensions that libcrypto cannot read; for
     * these alone nobody else refused (seen). */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = LIBCRYPTO,
     .broken = check_is_odd_delegate,
     .sentence = "its signer's certificate is one that OpenSSL refuses, for what it carries or "
                 "for its common name"},
    /* All refuse that issuer when they verify the certificate itself: no answer helps then (seen).
     */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = LIBCRYPTO,
     .broken = check_has_odd_issuer,
     .sentence = "the issuer's own certificate is one under which OpenSSL takes no signer"},
    /* NSS alone wants a keyUsage to be for signing, and knows no critical policies (seen). */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ON(NSS),
     .broken = check_lacks_signing_usage,
     .sentence = "its signer's certificate has a keyUsage that is not for signing"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ON(NSS),
     .broken = check_has_critical_policy,
     .sentence = "its signer's certificate has critical policies, which NSS does not know"},
    /* What libcrypto reads all the same. Where there is no subject RFC 5280 4.1.2.6 wants a
     * critical subjectAltName: Java, the default JVM as well, refused all else. GnuTLS refused sets
     * that are not in DER's order, some alternative names, and OIDs of arcs that it cannot count;
     * Firefox keyUsage with unused bits that are not zero, and dates before 1970 (seen; Go and
     * BoringSSL read bits as strictly).
     */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = FORM_JAVA,
     .broken = check_has_no_name,
     .sentence = "its signer's certificate has no name, which Java does not take"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_unordered_name,
     .sentence = "its signer's certificate has a name that is not in the order of DER"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_rare_alt_name,
     .sentence = "its signer's certificate has an alternative name that GnuTLS does not read"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_long_oid_in_delegate,
     .sentence = "its signer's certificate has an OID with a number too large for GnuTLS"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO),
     .asks = ON(FIREFOX),
     .broken = check_has_padded_usage,
     .sentence = "its signer's certificate has a keyUsage whose unused bits are not zero"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .asks = ON(FIREFOX),
     .broken = check_is_delegate_of_old,
     .sentence = "its signer's certificate is valid since before 1970"},
    /* Chromium and Go do not look (ocsp.cc, ocsp.go); to NSS it matters when it signed, an hour
     * before its end or a day after it (seen). */
    {.reason = REASON_SIGNER_EXPIRED,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~(ON(GO) | ON(CHROMIUM) | ON(NSS)),
     .asks = ON(FIREFOX),
     .broken = check_is_signer_outdated},
    {.reason = REASON_SIGNER_EXPIRED,
     .need = NEED_FORM,
     .clients = ON(NSS),
     .broken = check_was_signer_outdated,
     .sentence = "its signer's certificate was not valid when it signed"},
    /* OCSP_basic_verify() looks at the issuer's dates, too. All others look at them when they
     * verify the certificate itself: no answer helps then. */
    {.reason = REASON_SIGNER_EXPIRED,
     .baseline = true,
     .need = NEED_FORM,
     .clients = LIBCRYPTO,
     .broken = check_is_issuer_outdated,
     .sentence = "the issuer's own certificate is not valid at that time"},

    /* client-rules 11, 12: SHA-1 answers are taken by all but a distribution's policy; a
     * delegate's certificate signed with SHA-1 neither Firefox nor GnuTLS takes (seen). */
    {.reason = REASON_WEAK_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(RHEL),
     .broken = check_is_answer_sha1,
     .sentence = "it is signed with SHA-1"},
    {.reason = REASON_WEAK_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ANY_GNUTLS,
     .asks = ON(FIREFOX),
     .broken = check_is_delegate_sha1,
     .sentence = "its signer's certificate is signed with SHA-1"},
    /* mMinRSABits, jdk.certpath.disabledAlgorithms. RSA of 1024 bits was taken by all but a
     * distribution's policy, whose least is 2048, one of 512 by curl alone (seen). */
    {.reason = REASON_WEAK_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(NSS) | ANY_JAVA | ANY_GNUTLS,
     .asks = ON(FIREFOX),
     .broken = check_has_tiny_key,
     .sentence = "an RSA key of under 1024 bits signed it"},
    {.reason = REASON_WEAK_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(RHEL),
     .broken = check_has_short_key,
     .sentence = "an RSA key of under 2048 bits signed it"},
    /* Firefox knows RSA and the curves P-256, P-384 and P-521 with SHA-256 and longer. EdDSA is
     * also refused by NSS and unknown to BoringSSL's pki and Go; other curves are refused by GnuTLS
     * and Java, too, while curl takes them (seen). */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO) | ON(NSS) | ANY_GNUTLS | ANY_JAVA,
     .asks = ON(FIREFOX),
     .broken = check_has_rare_curve,
     .sentence = "it is signed with a key of a curve that not all clients know"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO) | ON(NSS),
     .asks = ON(FIREFOX),
     .broken = check_has_rare_algorithm,
     .sentence = "it is signed with an algorithm that not all clients know (EdDSA)"},
    /* The key of a delegate, which only libcrypto takes in any form. Compressed points are no duty
     * of clients (RFC 5480 2.2), the NULL of rsaEncryption is one of issuers (RFC 3279 2.3.1).
     * Seen. */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(GO) | ON(NSS) | ANY_GNUTLS | FORM_JAVA,
     .asks = ON(FIREFOX),
     .broken = check_has_odd_key_form,
     .sentence = "its signer's key is compressed or has octets behind it, which few clients read"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO) | ON(NSS),
     .asks = ON(FIREFOX),
     .broken = check_has_long_numbers,
     .sentence = "its signer's key has numbers too large, or not in their shortest form"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO),
     .asks = ON(FIREFOX),
     .broken = check_has_odd_rsa_key,
     .sentence = "its signer's RSA key is negative, lacks NULL, or is for RSA-PSS alone"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO),
     .broken = check_is_answer_sha224,
     .sentence = "it is signed with SHA-224, which not all clients know"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO),
     .asks = ON(FIREFOX),
     .broken = check_is_delegate_sha224,
     .sentence = "its signer's certificate is signed with SHA-224, which not all clients know"},
    /* RSASSA-PSS: Firefox and GnuTLS want the salt to be as long as the digest, and GnuTLS takes an
     * answer for one with SHA-256, whatever its parameters say (seen). */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ANY_GNUTLS,
     .broken = check_is_answer_odd_pss,
     .sentence = "it is signed with RSA-PSS and unusual parameters, which not all clients take"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ANY_GNUTLS,
     .asks = ON(FIREFOX),
     .broken = check_is_delegate_odd_pss,
     .sentence = "its signer's certificate is signed with RSA-PSS and unusual parameters"},
    /* Firefox compares the octets of the parameters with those it knows (seen), BoringSSL as well.
     */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM),
     .broken = check_is_answer_loose_pss,
     .sentence = "it is signed with RSA-PSS, the parameters written in an unusual way"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM),
     .asks = ON(FIREFOX),
     .broken = check_is_delegate_loose_pss,
     .sentence = "its signer's certificate is signed with RSA-PSS, the parameters written in an "
                 "unusual way"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_is_pss_beyond_sha256,
     .sentence = "it is signed with RSA-PSS without SHA-256, which GnuTLS does not take"},
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_FORM,
     .clients = ON(GO),
     .broken = check_is_pss,
     .sentence = "it is signed with RSA-PSS, which Go's OCSP package does not know"},
};
const unsigned signer_rule_count = ARRAY_SIZE(signer_rules);
_Static_assert(ARRAY_SIZE(signer_rules) <= SIGNER_RULES_MAX, "judgement.broken has a bit per rule");
