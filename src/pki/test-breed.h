/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Issuers, delegates and answers by chance: every extension that libcrypto knows, readable or not,
 * critical or not, odd names, serial numbers, versions, dates and keys, and octets changed before
 * the signature was made. The same seed chooses the same; only keys and signatures differ. */

#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "pki/cert.h"

#define BREED_NOW INT64_C(1790000000)

enum breed_key {
    BREED_P256,
    BREED_P256_SECOND,
    BREED_P256_THIRD,
    BREED_P384,
    BREED_RSA,
    BREED_ED25519,
    BREED_SECP256K1,
    BREED_EXPLICIT, /* P-256, its parameters written out */
    BREED_KEYS,
};

/* A certificate that was bred. */
struct bred {
    struct buf der;
    enum breed_key key;
};

void breed_setup(void);
void breed_teardown(void);

/* A CA, mostly one that may sign. @ret_issuer->der is cleared first, as below. */
void breed_issuer(struct rng *rng, struct bred *ret_issuer);

/* Certificates of @issuer: a plain leaf, and a delegate, mostly one that may sign. False when
 * nothing can be made of the issuer's name. */
bool breed_leaf(const struct bred *issuer, struct bred *ret_leaf);
bool breed_delegate(struct rng *rng, const struct bred *issuer, struct bred *ret_delegate);

/* A good answer about @leaf, signed by @signer's key; @delegate, embedded when it is the signer,
 * may be NULL. Mostly only that, sometimes with singles about another certificate besides. */
void breed_answer(struct rng *rng, const struct issuer *issuer, const struct cert_facts *leaf,
                  const struct bred *signer, bool embed, struct buf *ret_answer);
