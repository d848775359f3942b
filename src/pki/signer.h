/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who signed, and was it allowed (RFC 6960 3.2 points 2-4, 4.2.2.2).
 *
 * The signature is checked over the tbsResponseData bytes as received with the issuer's key, or
 * with the key of an embedded delegate: issued directly by the issuer (issuer name bytes equal,
 * signature by the issuer's key), explicit id-kp-OCSPSigning, not a CA, no unknown critical
 * extension. The leaf itself and anyExtendedKeyUsage never authorise. Dates of the delegate go
 * into the facts; the verdict judges them.
 *
 * No clock. For one thread at a time. */

#include "core/facts.h"
#include "pki/cert.h"
#include "pki/response.h"

struct signer; /* the memory of delegates already checked */

/* 0 or -ENOMEM. @crypto must outlive it. */
int signer_new(struct signer **ret_signer, struct crypto *crypto);
struct signer *signer_free(struct signer *signer);
CLEANUP_DEFINE(struct signer *, signer_free)

/* Completes @facts (signature and what is set by this function, see there) of an answer whose form
 * is REASON_GOOD. *@ret_delegate (may be NULL) is the index of the delegate in view->certs. */
void signer_check(struct signer *signer, const struct response_view *view,
                  const struct issuer *issuer, struct ocsp_facts *facts, unsigned *ret_delegate);
