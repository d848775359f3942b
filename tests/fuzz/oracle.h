/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What libcrypto's own readers say of the same octets. */

#include "world.h"

/* OCSP_basic_verify() with this issuer (DER) alone, at @wall_s. Its errors are left in libcrypto's
 * queue. */
bool oracle_verifies(struct slice answer, struct slice issuer, int64_t wall_s);

/* The same at MINT_NOW; what it refuses is printed. */
bool oracle_accepts(const struct side *side, struct slice answer);

/* Where libcrypto reads the answer too, @facts are what it reads. */
void oracle_compare_answer(struct slice answer, const struct ocsp_facts *facts);

/* The same of a certificate; false when libcrypto cannot read it. */
bool oracle_compare_cert(const struct cert_view *view);

/* The first certificate of a PEM text into @der; false when libcrypto finds none. */
bool oracle_read_pem(struct slice text, struct buf *der);

/* @request is what libcrypto would ask about a certificate of @issuer with this serial number. */
void oracle_compare_request(struct slice request, struct slice issuer, struct slice serial);
