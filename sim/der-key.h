/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* P-256 keys made out of names, and ECDSA without randomness.
 *
 * The host spreads its requests by the SHA-256 of the leaf, signature included, and tells answers
 * apart by their bytes: with libcrypto's own random nonces no two runs of a seed would be the same.
 * The nonce here is a hash of key and message (in the manner of RFC 6979, simpler), so that the
 * same seed gives the same octets everywhere and the trace may hash them. RSA PKCS#1 is
 * deterministic by itself, but signing with it costs fifteen times as much. Not for anything but
 * simulations: nothing here is a secret. */

#include "pki/crypto.h"

#define DERKEY_POINT_SIZE 65 /* 04, X, Y */

struct derkey;

/* The same @name, the same key. @crypto must outlive it. */
struct derkey *derkey_new(const struct crypto *crypto, const char *name);
struct derkey *derkey_free(struct derkey *key);
CLEANUP_DEFINE(struct derkey *, derkey_free)

/* The public key: its point, which keyHash (RFC 6960 4.1.1) is made of, and the whole
 * SubjectPublicKeyInfo. */
struct slice derkey_point(const struct derkey *key);
void derkey_put_spki(struct buf *buf, const struct derkey *key);

/* ecdsa-with-SHA256 over @message: the AlgorithmIdentifier, and the signature's octets. */
void derkey_put_algorithm(struct buf *buf);
void derkey_put_signature(struct buf *buf, const struct derkey *key, struct slice message);
