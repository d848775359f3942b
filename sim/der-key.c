/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-key.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <string.h>

#include "sim/must.h"

#define SCALAR_SIZE    32
#define SIGNATURE_MOST 80 /* two INTEGERs of at most 33 octets in a SEQUENCE */

struct derkey {
    const struct crypto *crypto;
    EC_GROUP *group;
    BN_CTX *scratch;
    const BIGNUM *order;
    BIGNUM *secret;
    uint8_t point[DERKEY_POINT_SIZE];
};

/* A number from 1 to the order less 1. */
static void set_scalar(const struct derkey *key, BIGNUM *scalar, const uint8_t bytes[SCALAR_SIZE])
{
    must(BN_bin2bn(bytes, SCALAR_SIZE, scalar));
    must(BN_nnmod(scalar, scalar, key->order, key->scratch));
    must(!BN_is_zero(scalar));
}

struct derkey *derkey_new(const struct crypto *crypto, const char *name)
{
    struct derkey *key = calloc(1, sizeof(*key));
    uint8_t bytes[SCALAR_SIZE];
    EC_POINT *point;

    must(key);
    key->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    key->scratch = BN_CTX_new();
    key->secret = BN_new();
    must(key->group && key->scratch && key->secret);
    key->order = EC_GROUP_get0_order(key->group);
    key->crypto = crypto;
    must(crypto_digest(crypto, CERTID_SHA256, slice_of_text(name), bytes));
    set_scalar(key, key->secret, bytes);
    point = EC_POINT_new(key->group);
    must(point && EC_POINT_mul(key->group, point, key->secret, NULL, NULL, key->scratch));
    must(EC_POINT_point2oct(key->group, point, POINT_CONVERSION_UNCOMPRESSED, key->point,
                            DERKEY_POINT_SIZE, key->scratch) == DERKEY_POINT_SIZE);
    EC_POINT_free(point);
    return key;
}

struct derkey *derkey_free(struct derkey *key)
{
    if (key) {
        EC_GROUP_free(key->group);
        BN_CTX_free(key->scratch);
        BN_free(key->secret);
        free(key);
    }
    return NULL;
}

struct slice derkey_point(const struct derkey *key)
{
    return slice_of(key->point, DERKEY_POINT_SIZE);
}

void derkey_put_spki(struct buf *buf, const struct derkey *key)
{
    /* id-ecPublicKey, prime256v1, and the BIT STRING's header (RFC 5480 2.1.1). */
    static const uint8_t start[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

    buf_put(buf, start, sizeof(start));
    buf_put(buf, key->point, DERKEY_POINT_SIZE);
}

void derkey_put_algorithm(struct buf *buf)
{
    static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                        0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

    buf_put(buf, algorithm, sizeof(algorithm));
}

/* X of @nonce times the base point. */
static void set_x_of(const struct derkey *key, BIGNUM *x, const BIGNUM *nonce)
{
    EC_POINT *point = EC_POINT_new(key->group);

    must(point && EC_POINT_mul(key->group, point, nonce, NULL, NULL, key->scratch));
    must(EC_POINT_get_affine_coordinates(key->group, point, x, NULL, key->scratch));
    must(BN_nnmod(x, x, key->order, key->scratch));
    EC_POINT_free(point);
}

/* r = x of k times G, s = (z + r d) / k, all modulo the order (FIPS 186-4 6.4). */
static void sign(const struct derkey *key, ECDSA_SIG *signature, const uint8_t z[SCALAR_SIZE],
                 const uint8_t k[SCALAR_SIZE])
{
    BIGNUM *nonce = BN_new(), *r = BN_new(), *s = BN_new(), *hash = BN_new();

    must(nonce && r && s && hash && BN_bin2bn(z, SCALAR_SIZE, hash));
    set_scalar(key, nonce, k);
    set_x_of(key, r, nonce);
    must(BN_mod_mul(s, r, key->secret, key->order, key->scratch));
    must(BN_mod_add(s, s, hash, key->order, key->scratch));
    must(BN_mod_inverse(nonce, nonce, key->order, key->scratch));
    must(BN_mod_mul(s, s, nonce, key->order, key->scratch));
    must(!BN_is_zero(r) && !BN_is_zero(s) && ECDSA_SIG_set0(signature, r, s));
    BN_free(nonce);
    BN_free(hash);
}

void derkey_put_signature(struct buf *buf, const struct derkey *key, struct slice message)
{
    uint8_t seed[DERKEY_POINT_SIZE + SCALAR_SIZE], k[SCALAR_SIZE], octets[SIGNATURE_MOST];
    uint8_t *z = seed + DERKEY_POINT_SIZE, *at = octets;
    ECDSA_SIG *signature = ECDSA_SIG_new();

    must(signature);
    memcpy(seed, key->point, DERKEY_POINT_SIZE);
    must(crypto_digest(key->crypto, CERTID_SHA256, message, z));
    must(crypto_digest(key->crypto, CERTID_SHA256, slice_of(seed, sizeof(seed)), k));
    sign(key, signature, z, k);
    buf_put(buf, octets, (size_t)i2d_ECDSA_SIG(signature, &at));
    ECDSA_SIG_free(signature);
}
