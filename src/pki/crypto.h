/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Digests, public keys and signature checks, through libcrypto.
 *
 * Works in an OSSL_LIB_CTX of its own that reads no configuration, so that openssl.cnf and crypto
 * policies of the machine change no verdict. Algorithms are fetched once. The only place where
 * libcrypto is called. No clock, no randomness. For one thread at a time. */

#include "base/bytes.h"
#include "core/facts.h"

struct crypto;

/* 0 or -ENOMEM. Must outlive every issuer and signer made with it. */
int crypto_new(struct crypto **ret_crypto);
struct crypto *crypto_free(struct crypto *crypto);
CLEANUP_DEFINE(struct crypto *, crypto_free)

/* Octets of the longest digest of enum certid_hash. */
#define CRYPTO_DIGEST_MAX 64
extern const uint8_t crypto_digest_sizes[CERTID_HASHES]; /* by enum certid_hash */

/* The digest of @input. False only without memory; *@ret_digest is then all zero. */
bool crypto_digest(const struct crypto *crypto, enum certid_hash hash, struct slice input,
                   uint8_t ret_digest[]);

/* Of no use but for names: hitch calls its files by it. False only without memory. */
bool crypto_md5(const struct crypto *crypto, struct slice input, uint8_t ret_digest[16]);

/* A public key (EVP_PKEY) of a SubjectPublicKeyInfo; NULL when libcrypto cannot use it, or when it
 * is an RSA key that proves nothing. */
void *crypto_key_new(struct crypto *crypto, struct slice spki);
void *crypto_key_free(void *key);

/* What clients on libcrypto and GnuTLS have against @cert as a signer of answers under @issuer
 * (both DER; @cert may be the issuer itself): enum delegate_fault in bits, 0 when nothing. Asked is
 * X509_verify_cert(), as OCSP_basic_verify() asks it with @issuer for trust anchor, but for the
 * dates, which are the verdict's. A key whose curve is written out is refused there, too, and is
 * told by crypto_key_describe() alone. */
unsigned crypto_signer_faults(struct crypto *crypto, struct slice cert, struct slice issuer);

/* Whether libcrypto takes two Names (DER) for the same: it does not look at case, at blanks, or at
 * the types of strings. */
bool crypto_names_alike(struct slice a, struct slice b);

/* What @key (may be NULL) is: key and key_bits of *@ret_facts, and nothing else of it. */
void crypto_key_describe(const void *key, struct signature_facts *ret_facts);

enum {
    CRYPTO_E_BAD_SIGNATURE = 1, /* also: made with a key of another type */
    CRYPTO_E_UNSUPPORTED,       /* the algorithm, its parameters or the key; MD2, MD4, MD5 */
};

struct crypto_signed {
    struct slice tbs;       /* the octets signed */
    struct slice algorithm; /* AlgorithmIdentifier with header */
    struct slice signature;
};

/* 0, CRYPTO_E_BAD_SIGNATURE, CRYPTO_E_UNSUPPORTED. What *@ret_made (may be NULL) has of
 * the signature is set with 0 only; its key is for crypto_key_describe(), once for each key. */
int crypto_verify(struct crypto *crypto, void *key, const struct crypto_signed *what,
                  struct signature_facts *ret_made);
