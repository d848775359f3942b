/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* BasicOCSPResponse.certs lies outside the signature (RFC 6960 4.2.1), and clients differ in what
 * they stand there. What is served therefore carries exactly the delegate where one signed, and
 * none where the issuer did; but the issuer, where it is a root that is not sent with the
 * certificate (cert_facts.root_unsent). Signed bytes are never touched. */

#include "base/bytes.h"
#include "core/facts.h"
#include "pki/response.h"

/* The answer to serve, into @served (cleared first): @der with its certs exchanged. @delegate is
 * what signer_check() said; ignored unless facts->signer is OCSP_SIGNER_DELEGATE. */
void repair_answer(struct buf *served, struct slice der, const struct response_view *view,
                   const struct ocsp_facts *facts, unsigned delegate);

/* @facts of the answer as received become those of what repair_answer() makes of it: its size and
 * its embedded certificates. Nothing else about it changes. */
void repair_facts(struct ocsp_facts *facts, const struct response_view *view, unsigned delegate);
