/* SPDX-License-Identifier: Apache-2.0 */
#include "core/facts.h"

#include <assert.h>

#include "base/cleanup.h"

static const struct {
    const char *name;
    const char *sentence;
} reasons[] = {
    [REASON_GOOD] = {"good", "it is good"},
    [REASON_TOO_LARGE] = {"too-large", "it is larger than clients take"},
    [REASON_MALFORMED] = {"malformed", "it is not an OCSP response in DER"},
    [REASON_TRAILING_DATA] = {"trailing-data", "there are bytes behind its end"},
    [REASON_ERROR_STATUS] = {"error-status", "the responder sent an error instead"},
    [REASON_UNSUPPORTED_RESPONSE_TYPE] = {"unsupported-response-type",
                                          "it is not of type id-pkix-ocsp-basic"},
    [REASON_UNSUPPORTED_VERSION] = {"unsupported-version", "it is not of version 1"},
    [REASON_WRONG_SERIAL] = {"wrong-serial", "it is about another serial number"},
    [REASON_WRONG_ISSUER] = {"wrong-issuer", "it is about a certificate of another issuer"},
    [REASON_NO_MATCHING_RESPONSE] = {"no-matching-response", "it says nothing of this certificate"},
    [REASON_UNSUPPORTED_ALGORITHM] = {"unsupported-algorithm",
                                      "its signature algorithm is not supported"},
    [REASON_BAD_SIGNATURE] = {"bad-signature", "its signature is wrong"},
    [REASON_SIGNER_NOT_FOUND] = {"signer-not-found",
                                 "it was signed neither by the issuer nor by an enclosed delegate"},
    [REASON_UNAUTHORIZED_SIGNER] = {"unauthorized-signer",
                                    "its signer has no authority from the issuer"},
    [REASON_SIGNER_EXPIRED] = {"signer-expired", "its signer's certificate is out of date"},
    [REASON_WEAK_ALGORITHM] = {"weak-algorithm", "it is signed with SHA-1 or a short key"},
    [REASON_CRITICAL_EXTENSION] = {"critical-extension",
                                   "it has a critical extension, which clients refuse"},
    [REASON_CONFLICTING_RESPONSES] = {"conflicting-responses",
                                      "it says two different things of this certificate"},
    [REASON_NOT_YET_VALID] = {"not-yet-valid", "its thisUpdate lies in the future"},
    [REASON_EXPIRED] = {"expired", "its nextUpdate has passed"},
    [REASON_NO_NEXT_UPDATE] = {"no-next-update", "it has no nextUpdate"},
    [REASON_TOO_OLD] = {"too-old", "its thisUpdate is too long ago"},
    [REASON_BAD_PRODUCED_AT] = {"bad-produced-at", "its producedAt does not fit its other times"},
    [REASON_REVOKED] = {"revoked", "the certificate is revoked"},
    [REASON_UNKNOWN] = {"unknown", "the responder does not know the certificate"},
    [REASON_OLDER_THAN_HELD] = {"older-than-held", "it is older than the one held"},
};

_Static_assert(ARRAY_SIZE(reasons) == REASON_COUNT, "a reason lacks its name");

static const char *const cert_states[] = {
    [CERT_STATE_NO_URL] = "no-url",
    [CERT_STATE_NOT_LEAF] = "not-leaf",
    [CERT_STATE_CERT_EXPIRED] = "cert-expired",
    [CERT_STATE_NO_ISSUER] = "no-issuer",
    [CERT_STATE_MISSING] = "missing",
    [CERT_STATE_HELD] = "held",
    [CERT_STATE_FAILING] = "failing",
    [CERT_STATE_REVOKED] = "revoked",
};

_Static_assert(ARRAY_SIZE(cert_states) == CERT_STATES, "a state lacks its name");

const char *reason_name(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return reasons[reason].name;
}

const char *reason_sentence(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return reasons[reason].sentence;
}

const char *cert_state_name(enum cert_state state)
{
    assert(state < CERT_STATES);
    return cert_states[state];
}

const char *response_status_name(uint8_t status)
{
    static const char *const names[] = {
        "successful", "malformedRequest", "internalError", "tryLater",
        "status 4",   "sigRequired",      "unauthorized",
    };

    return status < ARRAY_SIZE(names) ? names[status] : "an unknown status";
}

enum cert_status status_in_effect(const struct ocsp_facts *facts)
{
    return facts->never_issued ? CERT_STATUS_UNKNOWN : facts->status;
}
