/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Answers (RFC 6960 4.2): bytes to facts. Strict DER at every level. */

#include "base/bytes.h"
#include "core/facts.h"
#include "pki/cert.h"

/* The parts of an answer that checking its signature and repairing it need; slices into the DER. */
struct response_view {
    uint8_t leaf_sha256[SHA256_SIZE]; /* whom it was read for: that one never signs for itself */
    struct slice tbs;                 /* tbsResponseData with header, as received */
    struct slice signature_algorithm; /* AlgorithmIdentifier with header */
    struct slice signature;
    struct slice responder_name; /* byName: Name with header; else empty */
    struct slice responder_key;  /* byKey: 20 octets; else empty */
    unsigned cert_count;
    struct slice certs[LIMIT_EMBEDDED_CERTS]; /* each with header, in order */
    struct slice unsent_root; /* the issuer, where cert->root_unsent; of the issuer's memory */
};

/* Reads @der as an answer about @cert, issued by @issuer. Never fails: what is wrong is in
 * *@ret_facts (form, match). @ret_view may be NULL; it is set when form is REASON_GOOD. The
 * signature is not looked at (facts->signature is REASON_SIGNER_NOT_FOUND until signer_check()).
 *
 * singles for @cert: serial bytes, name hash and key hash, SHA-1/256/384/512, all must agree. */
void response_read(struct slice der, const struct cert_facts *cert, const struct issuer *issuer,
                   struct ocsp_facts *ret_facts, struct response_view *ret_view);

/* nextUpdate of the first single of a DER answer, for `clinch expire`, which knows no
 * certificate: INSTANT_NEVER when absent. False when it is not a readable answer. */
bool response_next_update(struct slice der, int64_t *ret_next_update_s);
