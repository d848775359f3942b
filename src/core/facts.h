/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is known, without the bytes it was known from.
 *
 * pki/ turns certificates and answers into these structs; core/ decides on them alone. All times
 * are wall seconds, all digests are of DER. */

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/limits.h"

#define SHA1_SIZE   20
#define SHA256_SIZE 32

/* Why an answer is what it is. The names (reason_name()) are stable and public; the order is from
 * the most basic fault to the finest, so that the smallest reason is the one to tell first. */
enum reason {
    REASON_GOOD,
    REASON_TOO_LARGE,
    REASON_MALFORMED,
    REASON_TRAILING_DATA,
    REASON_ERROR_STATUS,
    REASON_UNSUPPORTED_RESPONSE_TYPE,
    REASON_UNSUPPORTED_VERSION,
    REASON_WRONG_SERIAL,
    REASON_WRONG_ISSUER,
    REASON_NO_MATCHING_RESPONSE,
    REASON_UNSUPPORTED_ALGORITHM,
    REASON_BAD_SIGNATURE,
    REASON_SIGNER_NOT_FOUND,
    REASON_UNAUTHORIZED_SIGNER,
    REASON_SIGNER_EXPIRED,
    REASON_WEAK_ALGORITHM,
    REASON_CRITICAL_EXTENSION,
    REASON_CONFLICTING_RESPONSES,
    REASON_NOT_YET_VALID,
    REASON_EXPIRED,
    REASON_NO_NEXT_UPDATE,
    REASON_TOO_OLD,
    REASON_BAD_PRODUCED_AT,
    REASON_REVOKED,
    REASON_UNKNOWN,
    REASON_OLDER_THAN_HELD,
    REASON_COUNT,
};

/* One certificate of the audience: the leaf, with what its issuer and its chain add.
 * One allocation; the strings lie behind the struct and are printable ASCII. */
struct cert_facts {
    uint8_t leaf_sha256[SHA256_SIZE];    /* of the whole leaf: the key of everything */
    uint8_t issuer_name_sha1[SHA1_SIZE]; /* CertID (RFC 6960 4.1.1); all zero without issuer */
    uint8_t issuer_key_sha1[SHA1_SIZE];
    uint8_t serial[LIMIT_SERIAL_SIZE]; /* content octets of the INTEGER, as in the certificate */
    uint8_t serial_size;
    uint8_t url_count;
    bool must_staple; /* RFC 7633: TLS feature 5, of the leaf or of its issuer */
    bool is_ca;
    bool self_signed;
    bool has_issuer;        /* a certificate was found whose key verifies this one */
    bool other_tls_feature; /* RFC 7633: it demands a TLS feature besides 5 */
    /* Its issuer is self-signed and does not stand in its file: clients are not sent it. */
    bool root_unsent;
    /* The dates of the issuer's certificate; both zero where others of the same name and key may
     * lie about, of which clients choose their own. */
    int64_t issuer_not_before_s;
    int64_t issuer_not_after_s;
    int64_t not_before_s;
    int64_t not_after_s;
    const char *name;             /* first DNS name, else common name, else ""; only for people */
    const char *urls[LIMIT_URLS]; /* id-ad-ocsp, http and https, in the certificate's order */
};

/* RFC 6960 4.2.1 CertStatus. */
enum cert_status { CERT_STATUS_GOOD, CERT_STATUS_REVOKED, CERT_STATUS_UNKNOWN };

/* The hash of the CertID that matched. Under the last two nobody's certificate is looked for; they
 * are known so that it can be told whose issuer they name. */
enum certid_hash {
    CERTID_SHA1,
    CERTID_SHA256,
    CERTID_SHA384,
    CERTID_SHA512,
    CERTID_SHA224,
    CERTID_MD5,
    CERTID_HASHES,
};

enum ocsp_signer { OCSP_SIGNER_NONE, OCSP_SIGNER_ISSUER, OCSP_SIGNER_DELEGATE };

/* How a signature was made: the key, and the digest that was signed. */
enum key_kind {
    KEY_NONE, /* not known: no signature was found good */
    KEY_RSA,
    KEY_P256,
    KEY_P384,
    KEY_P521,
    KEY_EC_EXPLICIT, /* the parameters of its curve are written out instead of its name */
    KEY_EC_OTHER,
    KEY_ED25519,
    KEY_ED448,
    KEY_OTHER,
};
enum digest_kind {
    DIGEST_NONE, /* not known, or part of the algorithm itself (EdDSA) */
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
    DIGEST_MD5, /* of CertIDs alone */
};
struct signature_facts {
    uint8_t key;    /* enum key_kind */
    uint8_t digest; /* enum digest_kind */
    bool pss;       /* RSASSA-PSS instead of PKCS#1 */
    uint16_t key_bits;
    uint16_t salt_size; /* with pss */
    bool null;          /* ECDSA with NULL where no parameters belong (RFC 5758 3.2) */
    bool loose_pss; /* with pss: a default written out, or a digest without NULL (RFC 4055 2.1) */
};

/* What is wrong with a certificate that signed an answer and may not: REASON_UNAUTHORIZED_SIGNER
 * in bits, since clients look at different ones. */
enum delegate_fault {
    DELEGATE_NOT_ISSUED = 1,   /* not issued by the issuer itself, or it is the leaf */
    DELEGATE_NO_EKU = 2,       /* no explicit id-kp-OCSPSigning (none, any, others) */
    DELEGATE_IS_CA = 4,        /* basicConstraints cA */
    DELEGATE_CRITICAL = 8,     /* a critical extension that is not understood */
    DELEGATE_OLD_VERSION = 16, /* not of version 3 */
    DELEGATE_NAMES = 32,       /* named as its issuer's name constraints do not allow */
    DELEGATE_REPEATED = 64,    /* an extension stands twice */
    DELEGATE_ALT_NAME = 128,   /* its subjectAltName or issuerAltName is not readable */
    /* What OpenSSL minds: an extension that it cannot read, a proxy certificate, addresses (RFC
     * 3779) that its issuer has not, any name that its issuer's name constraints do not allow. */
    DELEGATE_ODD = 256,
    /* OpenSSL takes nobody for a signer under its issuer's certificate, nor the issuer itself: that
     * has a critical extension which is not understood, or is odd as above. */
    DELEGATE_OF_ODD_ISSUER = 512,
};

/* What only some mind of a delegate that may sign. */
enum delegate_quirk {
    QUIRK_KEY_USAGE = 1,       /* a keyUsage that is not for signing */
    QUIRK_CRITICAL_POLICY = 2, /* certificatePolicies or inhibitAnyPolicy, critical */
    /* Its key: a point that is compressed, or octets behind an RSAPublicKey; numbers or lengths of
     * one that are not in their shortest form, or an exponent of more than 64 bits; an RSA key with
     * a negative number, without the NULL of its algorithm, or for RSASSA-PSS alone. */
    QUIRK_KEY_FORM = 4,
    QUIRK_LONG_NUMBERS = 8,
    QUIRK_RSA_KEY = 16,
    QUIRK_NO_NAME = 32,     /* no subject, and no subjectAltName that is critical */
    QUIRK_NAME_ORDER = 64,  /* a part of its name is not in DER's order */
    QUIRK_ALT_NAME = 128,   /* an alternative name that is empty, an x400Address, an ediPartyName */
    QUIRK_LONG_OID = 256,   /* der_is_long_oid() */
    QUIRK_USAGE_BITS = 512, /* unused bits of its keyUsage are not zero */
    QUIRK_OLD_DATE = 1024,  /* it is valid since before 1970 */
    QUIRKS_END = 2048,
};

/* What is not DER, or not the RFC's use of it, and yet read by some clients. */
enum laxity {
    LAX_LENGTH = 1,      /* a length that is not minimal (X.690 10.1) */
    LAX_FRACTION = 2,    /* a time with a part of a second (RFC 6960 4.2.2.1, RFC 5280 4.1.2.5.2) */
    LAX_NO_SECONDS = 4,  /* a time without seconds (the same) */
    LAX_UNUSED_BITS = 8, /* a signature that is not of whole octets */
};

/* What is wrong with the list of certificate timestamps (RFC 6962 3.3) in a single extension. */
enum sct_fault {
    SCT_NO_VALUE = 1, /* the extension's value has no octets */
    SCT_NO_ENTRY = 2, /* the list is there, and empty */
    SCT_TWICE = 4,    /* there are several, in one single or in all about the certificate */
    SCT_CRITICAL = 8,
};

/* One answer, read for one certificate. Where a fault keeps later fields from being read they are
 * zero; `form` says how far the reading came. */
struct ocsp_facts {
    /* How far the bytes are an answer: REASON_GOOD, _TOO_LARGE, _MALFORMED, _TRAILING_DATA,
     * _ERROR_STATUS, _UNSUPPORTED_RESPONSE_TYPE, _UNSUPPORTED_VERSION. */
    enum reason form;
    /* REASON_GOOD, or _WRONG_SERIAL, _WRONG_ISSUER, _NO_MATCHING_RESPONSE. */
    enum reason match;
    /* Set by signer_check(): REASON_GOOD, _UNSUPPORTED_ALGORITHM, _BAD_SIGNATURE,
     * _SIGNER_NOT_FOUND, _UNAUTHORIZED_SIGNER. Dates of a delegate are judged by the verdict. */
    enum reason signature;

    uint8_t response_status; /* OCSPResponseStatus, 0 successful */
    uint32_t size;           /* octets of the whole answer: as received, or as served */
    uint64_t digest;         /* of the whole answer as received: tells two apart, not for trust */
    uint8_t lax_form;        /* _MALFORMED only by these (enum laxity, in bits): some read it */
    bool trailing_outside;   /* _TRAILING_DATA only behind the whole answer: some do not look */
    bool trailing_basic;     /* _TRAILING_DATA only behind the BasicOCSPResponse: likewise */

    /* The single about the certificate: the first SHA-1 one, else the first. With match
     * _WRONG_ISSUER the one with its serial number; has_single tells that there is one. */
    bool has_single;
    enum cert_status status;
    enum certid_hash hash;
    bool never_issued; /* RFC 6960 2.2: hold, 1970-01-01, extended revoke: counts as unknown */
    bool has_next_update;
    bool wrong_name_hash; /* with _WRONG_ISSUER: which hash disagrees */
    bool wrong_key_hash;
    /* RFC 6960 2.4: "The time at which the OCSP responder signed this response." */
    int64_t produced_at_s;
    /* RFC 6960 2.4: "The most recent time at which the status being indicated is known by the
     * responder to have been correct." */
    int64_t this_update_s;
    /* RFC 6960 2.4: "The time at or before which newer information will be available about the
     * status of the certificate." */
    int64_t next_update_s; /* INSTANT_NEVER when absent */
    int64_t revoked_at_s;
    int8_t revocation_reason; /* CRLReason, -1 when absent */

    /* All singles about the certificate. */
    bool has_sha1;    /* one of them has a SHA-1 CertID */
    bool conflicting; /* they disagree on the status */
    bool any_revoked; /* one of them says revoked */
    enum cert_status first_status;
    enum cert_status last_status;
    uint16_t single_index;      /* where the first of them stands */
    int64_t head_this_update_s; /* the times of that one */
    int64_t head_next_update_s;
    int64_t ours_first_this_update_s; /* the earliest and the latest of theirs */
    int64_t ours_last_this_update_s;
    int64_t ours_first_next_update_s; /* the earliest; INSTANT_NEVER when none has one */
    bool ours_without_next_update;    /* one lacks it */

    /* All singles of the answer, whomever they are about. */
    uint16_t singles;             /* how many */
    bool others_not_good;         /* one about another certificate is not good */
    bool others_of_other_issuer;  /* one has the hashes of another issuer, or none that is known */
    bool mixed_hashes;            /* their CertIDs are not all of one hash */
    bool rare_hashes;             /* one is of a hash under which nobody looks */
    bool any_without_next_update; /* one lacks nextUpdate */
    int64_t last_this_update_s;   /* the latest thisUpdate */
    int64_t first_next_update_s;  /* the earliest nextUpdate; INSTANT_NEVER when none has one */

    bool critical_response_extension;
    bool critical_single_extension; /* in a single about the certificate, not a list of SCTs */
    bool critical_other_extension;  /* in another single */
    bool long_oid;                  /* der_is_long_oid(), of any extension */
    bool has_scts;                  /* one about the certificate has a list of SCTs */
    uint8_t sct_faults;             /* enum sct_fault, of the singles about the certificate */

    bool by_key; /* the responder is named by its key */

    /* BasicOCSPResponse.certs, as received or as served; but for the first set by
     * signer_check(). */
    uint16_t embedded_certs;
    bool signer_first;        /* the delegate is the first of them */
    bool root_embedded;       /* one is the issuer, which is self-signed */
    bool embedded_unreadable; /* one is not a readable certificate */
    bool unreadable_first;    /* such a one stands before the delegate */
    bool shadowed;            /* ... and one that the responder's id names as well */
    bool shadowed_by_key;     /* ... with another key */

    /* Set by signer_check(). */
    enum ocsp_signer signer;
    struct signature_facts made;          /* the answer's signature */
    struct signature_facts delegate_made; /* that of the delegate's certificate */
    uint16_t delegate_faults;             /* enum delegate_fault; of the issuer, where it signed */
    uint16_t delegate_quirks;             /* enum delegate_quirk; only with OCSP_SIGNER_DELEGATE */
    bool signer_misnamed; /* _SIGNER_NOT_FOUND, and yet the issuer's key signed it */
    bool signer_namesake; /* _BAD_SIGNATURE, and yet a good delegate of the issuer's name */
    bool signer_alike;    /* _BAD_SIGNATURE only where names are compared without case and blanks */
    int64_t delegate_not_before_s; /* only with OCSP_SIGNER_DELEGATE */
    int64_t delegate_not_after_s;
};

/* What came of asking a responder; told by the shell, made a sentence by core/note. */
enum fetch_outcome {
    FETCH_ANSWER,  /* HTTP 200 and a body; whether it is OCSP is for pki to say */
    FETCH_NO_NAME, /* DNS */
    FETCH_REFUSED, /* connection refused or unreachable */
    FETCH_TIMEOUT,
    FETCH_TLS,
    FETCH_HTTP_STATUS,
    FETCH_TOO_LARGE,
    FETCH_BAD_REDIRECT,
    FETCH_FORBIDDEN_ADDRESS, /* loopback, link-local... of a URL out of a certificate */
    FETCH_BROKEN,            /* connection broke, truncated, not HTTP, proxy trouble */
    FETCH_NOT_MODIFIED,      /* HTTP 304 to a request that named what we hold */
    FETCH_OUTCOMES,
};

/* What the header fields of an HTTP answer add (RFC 9110, RFC 9111). Hints: none of them lengthens
 * a window, and the schedule keeps its bounds. */
struct http_hints {
    int64_t retry_after_s; /* Retry-After, as a wait; 0: not said */
    int64_t fresh_s;       /* max-age, or Expires less Date; less Age. -1: not said */
    int64_t date_s;        /* Date, wall seconds; INSTANT_NEVER: not said */
    int64_t age_s;         /* Age; 0: not said, straight from the responder */
};

/* Where a certificate stands; names (cert_state_name()) are public in `status`. */
enum cert_state {
    CERT_STATE_NO_URL,       /* quiet: no OCSP URL */
    CERT_STATE_NOT_LEAF,     /* quiet: CA or self-signed */
    CERT_STATE_CERT_EXPIRED, /* quiet: the certificate itself is over */
    CERT_STATE_NO_ISSUER,    /* issuer not found */
    CERT_STATE_MISSING,      /* no staple yet, or the last one ended */
    CERT_STATE_HELD,         /* a good staple is served */
    CERT_STATE_FAILING,      /* a good staple is served, the last attempt failed */
    CERT_STATE_REVOKED,
    CERT_STATES,
};

/* What the single says in effect: never issued is unknown (RFC 6960 2.2). */
enum cert_status status_in_effect(const struct ocsp_facts *facts);

/* "wrong-serial", "cert-expired"... and a clause for people ("it is about another serial number").
 */
const char *reason_name(enum reason reason);
const char *reason_sentence(enum reason reason);
const char *cert_state_name(enum cert_state state);
const char *response_status_name(uint8_t status); /* RFC 6960 4.2.1 OCSPResponseStatus */
