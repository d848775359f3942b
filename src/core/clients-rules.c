/* SPDX-License-Identifier: Apache-2.0 */

/* The union of what clients demand, one row a rule; who signed is in clients-signers.c. */

#include <assert.h>

#include "base/cleanup.h"
#include "core/clients-check.h"

/* "client-rules N" is the row of the union table; "seen" was seen of the real client. Firefox asks
 * for itself where pkixocsp.cpp returns old response, try later, invalid signing certificate or
 * response for certificate missing; all other faults are fatal to it at once (seen of each). */
static const struct rule rules[] = {
    /* client-rules 4. CertificateStatus of OpenSSL's TLS 1.2 client: 16,380 passes and 16,381
     * fails (seen), checked or not. Java ends the handshake over 32 KiB (seen), and Firefox's
     * reader stops under 64. */
    {.reason = REASON_TOO_LARGE,
     .baseline = true,
     .clients = ON(FIREFOX) | ON(OPENSSL) | ON(OPENSSL_DEFAULT),
     .broken = check_is_over_cap,
     .sentence = "it is larger than 64 KiB"},
    {.reason = REASON_TOO_LARGE,
     .need = NEED_FORM,
     .clients = ON(OPENSSL) | ON(OPENSSL_DEFAULT),
     .broken = check_is_over_message,
     .sentence = "it is larger than the 16,380 octets that TLS 1.2 clients of OpenSSL take"},
    {.reason = REASON_TOO_LARGE,
     .need = NEED_FORM,
     .clients = FORM_JAVA,
     .broken = check_is_over_java,
     .sentence = "it is larger than 24 KiB, and Java takes no more than 32 with the chain"},
    {.reason = REASON_GOOD,
     .need = NEED_FORM,
     .broken = check_is_heavy,
     .sentence = "it is larger than 4 KiB, which every handshake carries"},

    /* client-rules 1, 6: RFC 6960 4.2.1 is DER; pkixocsp.cpp, ocsp.cc, ocsp.go read it strictly.
     * Non-minimal lengths: GnuTLS, Java and curl took them, Firefox and NSS did not (seen). */
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .clients = COLUMNS,
     .broken = check_is_malformed},
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO) | ON(NSS),
     .broken = check_is_lax,
     .sentence = "it is not DER: its lengths are not in their shortest form"},
    /* "YYYYMMDDHHMMSSZ" and nothing else (RFC 5280 4.1.2.5.2). Fractions: curl and Java took them,
     * Firefox, GnuTLS and NSS did not; without seconds: only Firefox did not. A signature with
     * unused bits: GnuTLS, NSS and the default JVM took it, Firefox, curl and the others of Java
     * did not (seen). */
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .clients = COLUMNS & ~(ON(OPENSSL) | ON(OPENSSL_DEFAULT) | FORM_JAVA),
     .broken = check_has_fraction,
     .sentence = "one of its times has a part of a second"},
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .clients = COLUMNS & ~(ON(OPENSSL) | ON(OPENSSL_DEFAULT) | FORM_JAVA | ANY_GNUTLS | ON(NSS)),
     .broken = check_lacks_seconds,
     .sentence = "one of its times has no seconds"},
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .clients = VERIFIERS & ~(ANY_GNUTLS | ON(NSS)),
     .broken = check_has_unused_bits,
     .sentence = "its signature is not of whole octets"},
    /* Behind the BasicOCSPResponse: curl and Java took it, Firefox, GnuTLS and NSS did not. A
     * trailing newline: only curl took it (seen); d2i_OCSP_RESPONSE() does not look behind. */
    {.reason = REASON_TRAILING_DATA,
     .baseline = true,
     .clients = COLUMNS,
     .broken = check_trails_inside},
    {.reason = REASON_TRAILING_DATA,
     .baseline = true,
     .clients = COLUMNS & ~(LIBCRYPTO | ON(OPENSSL_DEFAULT) | FORM_JAVA),
     .broken = check_trails_basic},
    {.reason = REASON_TRAILING_DATA,
     .baseline = true,
     .clients = COLUMNS & ~(LIBCRYPTO | ON(OPENSSL_DEFAULT)),
     .broken = check_trails_outside},

    /* client-rules 2: RFC 6960 4.2.1. GnuTLS counts an error as none; Java's SOFT_FAIL forgives
     * internalError and tryLater, and nothing else; Firefox asks for itself after tryLater alone
     * (seen). */
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = VERIFIERS & ~(ANY_GNUTLS | ON(JAVA) | ON(FIREFOX)),
     .broken = check_is_error},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = ON(FIREFOX),
     .asks = ON(FIREFOX),
     .broken = check_is_try_later},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = ON(FIREFOX),
     .broken = check_is_other_error},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = ON(JAVA),
     .broken = check_is_lasting_error},
    /* To Java one beyond its list is no answer, to the others, as 4 to all, one more error (seen).
     */
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = ON(JAVA_DEFAULT),
     .broken = check_is_unheard_error},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .mild = ON(JAVA),
     .broken = check_is_passing_error},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .mild = ANY_GNUTLS,
     .broken = check_is_error_for_any},
    {.reason = REASON_ERROR_STATUS,
     .baseline = true,
     .clients = ANY_GNUTLS,
     .broken = check_is_error_for_must_staple},

    /* client-rules 3, 5 */
    {.reason = REASON_UNSUPPORTED_RESPONSE_TYPE,
     .baseline = true,
     .clients = VERIFIERS | ON(JAVA_DEFAULT),
     .broken = check_is_other_type},
    {.reason = REASON_UNSUPPORTED_VERSION,
     .baseline = true,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(WOLFSSL),
     .broken = check_is_other_version},

    /* client-rules 15: RFC 6960 3.2: "1. The certificate identified in a received response
     * corresponds to the certificate that was identified in the corresponding request". GnuTLS
     * compares serial and name hash, Go the serial (ocsp.go, ocsp.c; seen). */
    {.reason = REASON_WRONG_SERIAL,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken = check_has_wrong_serial},
    {.reason = REASON_WRONG_ISSUER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~ON(GO),
     .asks = ON(FIREFOX),
     .broken = check_has_wrong_name,
     .sentence = "its issuerNameHash is of another issuer"},
    {.reason = REASON_WRONG_ISSUER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS & ~(ON(GO) | ANY_GNUTLS),
     .asks = ON(FIREFOX),
     .broken = check_has_wrong_key,
     .sentence = "its issuerKeyHash is of another issuer"},
    {.reason = REASON_NO_MATCHING_RESPONSE,
     .baseline = true,
     .need = NEED_FORM,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken = check_has_no_match},
    /* "responses SEQUENCE OF SingleResponse": none at all is bad DER to Firefox (seen). */
    {.reason = REASON_NO_MATCHING_RESPONSE,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .broken = check_has_no_single},

    /* client-rules 14: curl verifystatus(), CertId.java, tls_ocsp.c, InitOcspRequest() look for
     * SHA-1 alone; Java and NSS refused SHA-256 (seen). */
    {.reason = REASON_NO_MATCHING_RESPONSE,
     .need = NEED_SINGLE,
     .clients = ON(OPENSSL) | ON(LIBRESSL) | ANY_JAVA | ON(WOLFSSL) | ON(NSS),
     .broken = check_lacks_sha1,
     .sentence = "it has no SHA-1 CertID, and some clients look for no other"},
    /* client-rules 16: GnuTLS 3.7.9 looks at the first single only (seen). */
    {.reason = REASON_NO_MATCHING_RESPONSE,
     .need = NEED_SINGLE,
     .clients = ANY_GNUTLS,
     .broken = check_is_not_first,
     .sentence = "what it says of this certificate does not stand first"},
    /* client-rules 17: ocsp_check_ids(), ocsp_check_issuer() */
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(OPENSSL) | ON(S2N),
     .broken = check_has_other_issuer,
     .sentence = "it also speaks of certificates of another issuer"},
    /* MD5, SHA-224 and the like: Firefox, GnuTLS, Java, curl and NSS pass over such a one when
     * another is theirs (seen); BoringSSL's pki wants to know all. */
    {.reason = REASON_UNSUPPORTED_ALGORITHM,
     .need = NEED_SINGLE,
     .clients = ON(CHROMIUM),
     .broken = check_has_rare_hash,
     .sentence = "one of its CertIDs has a hash that not all clients know"},
    {.reason = REASON_UNAUTHORIZED_SIGNER,
     .need = NEED_SINGLE,
     .clients = ON(LIBRESSL),
     .broken = check_has_other_ids_and_delegate,
     .sentence = "a delegate signed it, and its CertIDs are of several issuers or hashes"},

    /* client-rules 26, 27: RFC 6960 4.1.2: "Unrecognized extensions MUST be ignored (unless they
     * have the critical flag set and are not understood)". The default JVM, too, drops the
     * connection for any (seen). */
    {.reason = REASON_CRITICAL_EXTENSION,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | FORM_JAVA,
     .broken = check_has_critical_response},
    {.reason = REASON_CRITICAL_EXTENSION,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(GO) | FORM_JAVA,
     .broken = check_has_critical_single},
    {.reason = REASON_CRITICAL_EXTENSION,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(CHROMIUM) | FORM_JAVA,
     .broken = check_has_critical_other,
     .sentence = "what it says of another certificate has a critical extension"},
    /* BoringSSL and Firefox understand this one (ocsp.cc; seen). */
    {.reason = REASON_CRITICAL_EXTENSION,
     .baseline = true,
     .need = NEED_FORM,
     .clients = ON(GO) | FORM_JAVA,
     .broken = check_has_critical_sct,
     .sentence = "its list of certificate timestamps is critical"},
    /* libtasn1 gives up on the whole answer, whosever extension it is (seen). */
    {.reason = REASON_MALFORMED,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_long_oid,
     .sentence = "an extension has an OID with a number too large for GnuTLS"},
    /* client-rules 27: a value of no octets, or two lists for the certificate, of two hashes even,
     * only Firefox refused; an empty list nobody (seen). RFC 6962 3.3: "At least one SCT MUST be
     * included." */
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .broken = check_has_no_sct_value,
     .sentence = "its extension of certificate timestamps has no value"},
    {.reason = REASON_MALFORMED,
     .baseline = true,
     .need = NEED_SINGLE,
     .broken = check_has_no_sct,
     .sentence = "its list of certificate timestamps is empty"},
    {.reason = REASON_MALFORMED,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .broken = check_has_two_sct_lists,
     .sentence = "it carries more than one list of certificate timestamps for it"},

    /* client-rules 18: BoringSSL lets the worst count, Firefox revoked before good before unknown,
     * Java the last, the others the first (seen). */
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .broken = check_is_any_revoked},
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(CHROMIUM) | ON(S2N),
     .broken = check_is_conflicting},
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ANY_GNUTLS | ON(OPENSSL) | ON(LIBRESSL) | ON(NSS) | ON(GO) | ON(WOLFSSL),
     .broken = check_is_first_revoked},
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(OPENSSL) | ON(NSS) | ON(WOLFSSL),
     .broken = check_is_first_unknown},
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ANY_JAVA,
     .broken = check_is_last_revoked},
    {.reason = REASON_CONFLICTING_RESPONSES,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(JAVA_HARD),
     .broken = check_is_last_unknown},
    /* client-rules 17: s2n wants every single good. */
    {.reason = REASON_CONFLICTING_RESPONSES,
     .need = NEED_SINGLE,
     .clients = ON(S2N),
     .broken = check_has_bad_neighbour,
     .sentence = "it also speaks of certificates that are not good"},

    /* client-rules 19: RFC 6960 4.2.2.1: "Responses whose thisUpdate time is later than the local
     * system time SHOULD be considered unreliable." To the second for us and for BoringSSL, s2n,
     * wolfSSL. */
    {.reason = REASON_NOT_YET_VALID,
     .baseline = true,
     .need = NEED_SINGLE,
     .broken = check_is_ahead},
    {.reason = REASON_NOT_YET_VALID,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .broken_for = check_is_ahead_for},
    /* client-rules 17: OCSPResponse.java and s2n look at every single. */
    {.reason = REASON_NOT_YET_VALID,
     .need = NEED_SINGLE,
     .clients = ANY_JAVA | ON(S2N),
     .broken_for = check_is_any_ahead_for,
     .sentence = "what it says of another certificate lies in the future"},

    /* Of several about the certificate GnuTLS and NSS look at the first, whatever its hash, and
     * Firefox wants all in date; what Java and s2n want of every single covers these, too (seen).
     */
    {.reason = REASON_EXPIRED,
     .need = NEED_SINGLE,
     .clients = ANY_GNUTLS | ON(NSS),
     .broken_for = check_is_head_over_for,
     .sentence = "of the things it says of this certificate the first has expired"},
    {.reason = REASON_NOT_YET_VALID,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .broken_for = check_is_twin_ahead_for,
     .sentence = "of the things it says of this certificate one lies in the future"},
    {.reason = REASON_EXPIRED,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .asks = ON(FIREFOX),
     .broken_for = check_is_twin_expired_for,
     .sentence = "of the things it says of this certificate one has expired"},
    {.reason = REASON_TOO_OLD,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX),
     .asks = ON(FIREFOX),
     .broken_for = check_is_twin_old_for,
     .sentence = "of the things it says of this certificate one is too old"},

    /* RFC 5019 4: "Clients MUST check for the existence of the nextUpdate field and MUST ensure the
     * current time, expressed in GMT time as described in Section 2.2.4, falls between the
     * thisUpdate and nextUpdate times." RFC 6960 3.2: "6. When available, the time at or before
     * which newer information will be available about the status of the certificate (nextUpdate) is
     * greater than the current time."
     * RFC 5019 4: "If the current time on the client is later than the time specified in the
     * nextUpdate field, the client MUST reject the response as stale."
     * client-rules 22, 23: RFC 6960 4.2.2.1: "Responses whose nextUpdate value is earlier than the
     * local system time value SHOULD be considered unreliable." */
    {.reason = REASON_EXPIRED, .baseline = true, .need = NEED_SINGLE, .broken = check_is_expired},
    {.reason = REASON_EXPIRED,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken_for = check_is_expired_for},
    {.reason = REASON_EXPIRED,
     .need = NEED_SINGLE,
     .clients = ANY_JAVA | ON(S2N),
     .broken_for = check_is_any_expired_for,
     .sentence = "what it says of another certificate has expired"},
    {.reason = REASON_EXPIRED,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX) | LIBCRYPTO,
     .broken = check_is_backwards,
     .sentence = "its nextUpdate lies before its thisUpdate"},

    /* client-rules 21: RFC 5019 4: "If the nextUpdate field is absent, the client MUST reject the
     * response." RFC 9919 keeps that. Java counts 15 minutes, Firefox a day and one
     * more, NSS a day, GnuTLS 15 days, curl for ever (seen); s2n reads it unasked. */
    {.reason = REASON_NO_NEXT_UPDATE,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken_for = check_is_bare_for},
    {.reason = REASON_NO_NEXT_UPDATE,
     .need = NEED_SINGLE,
     .clients = ANY_JAVA | ON(S2N),
     .broken = check_has_bare_neighbour,
     .sentence = "what it says of another certificate has no nextUpdate"},

    /* RFC 6960 3.2: "5. The time at which the status being indicated is known to be correct
     * (thisUpdate) is sufficiently recent": how recent, RFC 6960 leaves to whoever asks.
     * client-rules 20; Firefox: 9 days taken, 13 refused (seen). */
    {.reason = REASON_TOO_OLD,
     .baseline = true,
     .need = NEED_SINGLE,
     .broken = check_is_over_max_age},
    {.reason = REASON_TOO_OLD,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .asks = ON(FIREFOX),
     .broken_for = check_is_old_for},

    /* RFC 6960 2.4: "The time at which the OCSP responder signed this response." Signed behind its
     * own end it could never be served. */
    {.reason = REASON_BAD_PRODUCED_AT,
     .baseline = true,
     .need = NEED_SINGLE,
     .broken = check_is_made_after_end,
     .sentence = "its producedAt is not before its nextUpdate"},
    /* client-rules 24: BAD_PRODUCED_AT of ocsp.cc; 25: ocsp_VerifySingleResponse() of NSS. */
    {.reason = REASON_BAD_PRODUCED_AT,
     .need = NEED_SINGLE,
     .clients = ON(CHROMIUM),
     .broken = check_is_made_outside_leaf,
     .sentence = "its producedAt lies outside the certificate's validity"},
    {.reason = REASON_BAD_PRODUCED_AT,
     .need = NEED_SINGLE,
     .clients = ON(NSS),
     .broken = check_is_made_outside_window,
     .sentence = "its producedAt lies outside thisUpdate and nextUpdate"},

    /* client-rules 18 */
    {.reason = REASON_REVOKED,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .fatal = ON(CHROMIUM) | ON(APPLE),
     .broken = check_is_revoked},
    {.reason = REASON_UNKNOWN,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = VERIFIERS,
     .fatal = ON(CHROMIUM) | ON(APPLE),
     .broken = check_is_never_issued,
     .sentence = "the responder says that the certificate was never issued"},
    /* GnuTLS and soft Java let it pass (seen), so does libtls. */
    {.reason = REASON_UNKNOWN,
     .baseline = true,
     .need = NEED_SINGLE,
     .clients = ON(FIREFOX) | ON(CHROMIUM) | ON(OPENSSL) | ON(S2N) | ON(WOLFSSL) | ON(NSS) |
                ON(JAVA_HARD) | ON(GO) | ON(APPLE),
     .broken = check_is_unknown},

    /* client-rules 10: outside the signature, so repaired before anybody sees it. Firefox refused
     * nine (seen) and reads no further than to the delegate; GnuTLS, Java and libcrypto read every
     * one, NSS where it looks for none (seen); wolfSSL and Go look at the first. */
    {.reason = REASON_MALFORMED,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .broken = check_has_many_certs,
     .sentence = "it carries more than eight certificates"},
    {.reason = REASON_MALFORMED,
     .need = NEED_FORM,
     .clients = FORM_JAVA | ANY_GNUTLS | LIBCRYPTO,
     .broken = check_has_unreadable_cert,
     .sentence = "it carries a certificate that is not readable"},
    {.reason = REASON_MALFORMED,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .broken = check_has_unreadable_before,
     .sentence = "it carries a certificate that is not readable"},
    {.reason = REASON_MALFORMED,
     .need = NEED_FORM,
     .clients = ON(NSS),
     .broken = check_has_unreadable_alone,
     .sentence = "it carries a certificate that is not readable"},
    /* Of several that the responder's id names all look at the first, Firefox at all of that key
     * (seen). */
    {.reason = REASON_SIGNER_NOT_FOUND,
     .need = NEED_FORM,
     .clients = LIBCRYPTO | ANY_GNUTLS | ANY_JAVA | ON(NSS),
     .broken = check_is_signer_shadowed,
     .sentence =
         "another certificate of its signer's name or key stands before the one that counts"},
    {.reason = REASON_BAD_SIGNATURE,
     .need = NEED_FORM,
     .clients = ON(FIREFOX),
     .broken = check_is_signer_shadowed_by_key,
     .sentence = "another certificate of its signer's name stands before the one that counts"},
    {.reason = REASON_SIGNER_NOT_FOUND,
     .need = NEED_FORM,
     .clients = ON(GO) | ON(WOLFSSL),
     .broken = check_is_signer_not_first,
     .sentence = "its signer's certificate is not the first it carries"},
    /* ocsp.go: the first one "signed" it, and is to be signed by the issuer itself. */
    {.reason = REASON_BAD_SIGNATURE,
     .need = NEED_FORM,
     .clients = ON(GO),
     .broken = check_has_needless_certs,
     .sentence = "it carries certificates although its issuer signed it"},

    /* client-rules 28: a root that signs leaves itself is mostly not sent. GnuTLS then knows it by
     * its name, and not by its key; curl fails in any case (seen); libtls looks at what is sent and
     * what is embedded (tls_ocsp.c). Embedding it heals that. */
    {.reason = REASON_SIGNER_NOT_FOUND,
     .need = NEED_FORM,
     .clients = ANY_GNUTLS,
     .broken = check_has_unknown_key,
     .sentence = "its signer, the root, is neither sent nor embedded, and named by key alone"},
    {.reason = REASON_SIGNER_NOT_FOUND,
     .need = NEED_FORM,
     .clients = ON(LIBRESSL),
     .broken = check_has_unseen_root,
     .sentence = "its signer, the root, is neither sent nor embedded"},
    {.reason = REASON_SIGNER_NOT_FOUND,
     .need = NEED_FORM,
     .clients = ON(OPENSSL),
     .broken = check_lacks_root,
     .sentence = "the root is not sent with the certificate that it issued, which curl "
                 "--cert-status wants"},

    /* client-rules 29, 30, and answers that outlive the leaf: hints. */
    {.reason = REASON_GOOD,
     .broken = check_is_leaf_over,
     .sentence = "the certificate itself has expired"},
    {.reason = REASON_GOOD,
     .need = NEED_SINGLE,
     .broken = check_is_outliving_leaf,
     .sentence = "it outlives the certificate"},
    {.reason = REASON_GOOD,
     .broken = check_lacks_url,
     .sentence = "the certificate names no OCSP responder, and LibreSSL's libtls then takes no "
                 "staple"},
    {.reason = REASON_GOOD,
     .broken = check_has_other_feature,
     .sentence = "the certificate demands a TLS feature that Firefox does not know"},
};
_Static_assert(ARRAY_SIZE(rules) <= RULES_MAX - SIGNER_RULES_MAX,
               "judgement.broken has a bit per rule");

unsigned rule_count(void)
{
    return signer_rule_count + (unsigned)ARRAY_SIZE(rules);
}

const struct rule *rule_get(unsigned rule)
{
    assert(rule < rule_count());
    return rule < signer_rule_count ? &signer_rules[rule] : &rules[rule - signer_rule_count];
}

const char *rule_sentence(unsigned rule)
{
    const struct rule *found = rule_get(rule);

    return found->sentence ? found->sentence : reason_sentence(found->reason);
}
