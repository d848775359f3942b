/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Issuers with known keys, so that what a fuzzer changed can be signed anew: else no input but the
 * seeds would ever get past the first check of a signature. */

#include "fuzz.h"
#include "pki/der.h"
#include "pki/repair.h"
#include "pki/response.h"
#include "pki/signer.h"
#include "pki/test-mint.h"

struct side {
    enum mint_key key;
    X509 *ca;
    X509 *leaf;
    X509 *other;    /* another leaf */
    X509 *delegate; /* its key is MINT_ED25519_OTHER */
    struct issuer *issuer;
    struct cert_facts *facts; /* of leaf */
};

struct world {
    struct crypto *crypto;
    struct side sides[2]; /* Ed25519, RSA */
};

/* Made once, never freed. */
struct world *world_get(void);

/* What is said of one answer about side->leaf. */
struct opinion {
    struct ocsp_facts facts;
    struct response_view view;
    unsigned delegate;
};
struct opinion side_judge(struct side *side, struct slice der);

/* Form, match, signature and the dates of the signer at MINT_NOW are good. */
bool opinion_is_accepted(const struct opinion *opinion);

/* Signs the answer and its embedded certificates anew, in place, as far as sizes allow. */
void side_sign(const struct side *side, const struct response_view *view);
