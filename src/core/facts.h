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
    bool has_issuer; /* a certificate was found whose key verifies this one */
    int64_t not_before_s;
    int64_t not_after_s;
    const char *name;             /* first DNS name, else common name, else ""; only for people */
    const char *urls[LIMIT_URLS]; /* id-ad-ocsp, http and https, in the certificate's order */
};

/* RFC 6960 4.2.1 CertStatus. */
enum cert_status { CERT_STATUS_GOOD, CERT_STATUS_REVOKED, CERT_STATUS_UNKNOWN };

/* The hash of the CertID that matched. */
enum certid_hash { CERTID_SHA1, CERTID_SHA256, CERTID_SHA384, CERTID_SHA512 };

enum ocsp_signer { OCSP_SIGNER_NONE, OCSP_SIGNER_ISSUER, OCSP_SIGNER_DELEGATE };

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
    uint32_t size;           /* octets of the whole answer as received */

    enum cert_status status; /* of the single that matched */
    enum certid_hash hash;
    bool never_issued; /* RFC 6960 2.2: hold, 1970-01-01, extended revoke: counts as unknown */
    bool has_next_update;
    int64_t produced_at_s;
    int64_t this_update_s;
    int64_t next_update_s; /* INSTANT_NEVER when absent */
    int64_t revoked_at_s;
    int8_t revocation_reason; /* CRLReason, -1 when absent */

    bool critical_response_extension;
    bool critical_single_extension; /* in any single */
    bool conflicting;               /* singles for this certificate that disagree on the status */
    uint16_t singles;               /* how many in all */
    uint16_t single_index;          /* which one matched */
    uint16_t embedded_certs;

    enum ocsp_signer signer;
    bool weak_algorithm;           /* SHA-1 or RSA under 2048 anywhere in the signatures */
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
    FETCH_OUTCOMES,
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

/* "wrong-serial", "cert-expired"... and a clause for people ("it is about another serial number").
 */
const char *reason_name(enum reason reason);
const char *reason_sentence(enum reason reason);
const char *cert_state_name(enum cert_state state);
