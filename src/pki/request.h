/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is asked (RFC 6960 4.1, RFC 9919 section 3): one Request, SHA-1 CertID, no nonce, no
 * extensions, no requestorName, unsigned. */

#include "base/bytes.h"
#include "core/facts.h"

/* The DER of the OCSPRequest, into @request. @cert->has_issuer must hold. */
void request_encode(struct buf *request, const struct cert_facts *cert);

/* The DER of the CertID alone: HAProxy names its entries by it. */
void request_put_certid(struct buf *certid, const struct cert_facts *cert);

/* The GET URL (RFC 6960 A.1), into @get_url (cleared first): @url, one '/', percent-encoded base64
 * of @request. False when the whole is longer than LIMIT_GET_URL_SIZE, @url has a query or a
 * fragment, or memory ran out: then POST. */
bool request_get_url(struct buf *get_url, const char *url, struct slice request);
