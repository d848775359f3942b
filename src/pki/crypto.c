/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crypto.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/error.h"
#include "pki/der.h"

struct crypto {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *provider;
    EVP_MD *digests[4]; /* by enum certid_hash */
};

const uint8_t crypto_digest_sizes[4] = {20, 32, 48, 64};
static const char *const digest_names[4] = {"SHA1", "SHA256", "SHA384", "SHA512"};

int crypto_new(struct crypto **ret_crypto)
{
    _cleanup_(crypto_freep)
    struct crypto *crypto = calloc(1, sizeof(*crypto));

    if (!crypto) {
        return error_trace(-ENOMEM);
    }
    crypto->library = OSSL_LIB_CTX_new();
    if (!crypto->library) {
        return error_trace(-ENOMEM);
    }
    crypto->provider = OSSL_PROVIDER_load(crypto->library, "default");
    if (!crypto->provider) {
        return error_trace(-ENOMEM); /* the default provider is part of libcrypto itself */
    }
    for (size_t i = 0; i < ARRAY_SIZE(crypto->digests); i++) {
        crypto->digests[i] = EVP_MD_fetch(crypto->library, digest_names[i], NULL);
        if (!crypto->digests[i]) {
            return error_trace(-ENOMEM);
        }
    }
    *ret_crypto = steal(&crypto);
    return 0;
}

struct crypto *crypto_free(struct crypto *crypto)
{
    if (!crypto) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(crypto->digests); i++) {
        EVP_MD_free(crypto->digests[i]);
    }
    if (crypto->provider) {
        OSSL_PROVIDER_unload(crypto->provider);
    }
    OSSL_LIB_CTX_free(crypto->library);
    free(crypto);
    return NULL;
}

bool crypto_digest(const struct crypto *crypto, enum certid_hash hash, struct slice input,
                   uint8_t ret_digest[])
{
    bool ok;

    ERR_set_mark();
    ok = EVP_Digest(input.data, input.size, ret_digest, NULL, crypto->digests[hash], NULL) == 1;
    ERR_pop_to_mark();
    if (!ok) {
        memset(ret_digest, 0, crypto_digest_sizes[hash]);
    }
    return ok;
}

void *crypto_key_new(struct crypto *crypto, struct slice spki)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *key;

    ERR_set_mark();
    key = d2i_PUBKEY_ex(NULL, &at, (long)spki.size, crypto->library, NULL);
    ERR_pop_to_mark();
    return key;
}

void *crypto_key_free(void *key)
{
    EVP_PKEY_free(key);
    return NULL;
}

static bool key_is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
}

bool crypto_key_is_weak(const void *key)
{
    return (key_is_rsa(key) && EVP_PKEY_get_bits(key) < 2048) ||
           EVP_PKEY_get_security_bits(key) < 112;
}

enum scheme_type { SCHEME_RSA, SCHEME_RSA_PSS, SCHEME_ECDSA, SCHEME_ED25519, SCHEME_ED448 };

static const char *const scheme_keys[] = {
    [SCHEME_RSA] = "RSA",         [SCHEME_RSA_PSS] = NULL,  [SCHEME_ECDSA] = "EC",
    [SCHEME_ED25519] = "ED25519", [SCHEME_ED448] = "ED448",
};

struct scheme {
    enum scheme_type type;
    const char *digest; /* NULL: part of the algorithm itself */
    bool weak;
    int salt_size; /* SCHEME_RSA_PSS */
};

struct scheme_row {
    uint8_t oid_size;
    uint8_t oid[9];
    struct scheme scheme;
};

#define OID_RSA(last_)                                                                             \
    9,                                                                                             \
    {                                                                                              \
        0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last_                                      \
    }
#define OID_ECDSA(last_)                                                                           \
    8,                                                                                             \
    {                                                                                              \
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last_                                            \
    }

/* MD2, MD4 and MD5 are left out on purpose: forged answers are within reach. */
static const struct scheme_row scheme_rows[] = {
    {OID_RSA(0x0b), {SCHEME_RSA, "SHA256", false, 0}},
    {OID_ECDSA(0x02), {SCHEME_ECDSA, "SHA256", false, 0}},
    {OID_ECDSA(0x03), {SCHEME_ECDSA, "SHA384", false, 0}},
    {OID_ECDSA(0x04), {SCHEME_ECDSA, "SHA512", false, 0}},
    {OID_RSA(0x0c), {SCHEME_RSA, "SHA384", false, 0}},
    {OID_RSA(0x0d), {SCHEME_RSA, "SHA512", false, 0}},
    {OID_RSA(0x0a), {SCHEME_RSA_PSS, NULL, false, 0}}, /* the rest is in its parameters */
    {3, {0x2b, 0x65, 0x70}, {SCHEME_ED25519, NULL, false, 0}},
    {3, {0x2b, 0x65, 0x71}, {SCHEME_ED448, NULL, false, 0}},
    {OID_RSA(0x05), {SCHEME_RSA, "SHA1", true, 0}},
    {5, {0x2b, 0x0e, 0x03, 0x02, 0x1d}, {SCHEME_RSA, "SHA1", true, 0}}, /* OIW's name of the same */
    {OID_RSA(0x0e), {SCHEME_RSA, "SHA224", true, 0}},
    {7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}, {SCHEME_ECDSA, "SHA1", true, 0}},
    {OID_ECDSA(0x01), {SCHEME_ECDSA, "SHA224", true, 0}},
};

static bool scheme_find(struct slice oid, struct scheme *ret_scheme)
{
    for (size_t i = 0; i < ARRAY_SIZE(scheme_rows); i++) {
        if (slice_equal(oid, slice_of(scheme_rows[i].oid, scheme_rows[i].oid_size))) {
            *ret_scheme = scheme_rows[i].scheme;
            return true;
        }
    }
    return false;
}

/* The digest of an AlgorithmIdentifier; parameters NULL or absent. */
static bool read_digest(struct der *der, const char **ret_name, bool *ret_weak)
{
    static const struct {
        uint8_t oid_size;
        uint8_t oid[9];
        const char *name;
        bool weak;
    } rows[] = {
        {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}, "SHA1", true},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, "SHA256", false},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}, "SHA384", false},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}, "SHA512", false},
    };
    struct der inside = der_enter(der, DER_SEQUENCE);
    struct slice oid, null = SLICE_NULL;

    if (!der_read_oid(&inside, &oid)) {
        return false;
    }
    der_read_optional(&inside, DER_NULL, &null);
    for (size_t i = 0; i < ARRAY_SIZE(rows) && der_end(&inside) && null.size == 0; i++) {
        if (slice_equal(oid, slice_of(rows[i].oid, rows[i].oid_size))) {
            *ret_name = rows[i].name;
            *ret_weak = rows[i].weak;
            return true;
        }
    }
    return false;
}

/* MaskGenAlgorithm: MGF1 with the very digest of the message; nobody signs with another. */
static bool read_mask(struct der *der, const char *digest)
{
    static const uint8_t mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    struct der inside = der_enter(der, DER_SEQUENCE);
    struct slice oid;
    const char *name;
    bool weak;

    return der_read_oid(&inside, &oid) && slice_equal(oid, slice_of(mgf1, sizeof(mgf1))) &&
           read_digest(&inside, &name, &weak) && der_end(&inside) && text_equal(name, digest);
}

/* RSASSA-PSS-params (RFC 4055 3.1). */
static bool read_pss(struct der *der, struct scheme *scheme)
{
    struct der params = der_enter(der, DER_SEQUENCE), field;
    const char *mask_default = "SHA1";
    uint32_t salt_size = 20, trailer = 1;

    scheme->digest = "SHA1";
    scheme->weak = true;
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(0)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(0));
        if (!read_digest(&field, &scheme->digest, &scheme->weak) || !der_end(&field)) {
            return false;
        }
    }
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(1)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(1));
        if (!read_mask(&field, scheme->digest) || !der_end(&field)) {
            return false;
        }
        mask_default = scheme->digest;
    }
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(2)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(2));
        if (!der_read_small(&field, DER_INTEGER, &salt_size) || !der_end(&field)) {
            return false;
        }
    }
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(3)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(3));
        if (!der_read_small(&field, DER_INTEGER, &trailer) || !der_end(&field)) {
            return false;
        }
    }
    scheme->salt_size = (int)salt_size;
    return der_end(&params) && text_equal(mask_default, scheme->digest) && trailer == 1;
}

static bool scheme_read(struct slice algorithm, struct scheme *ret_scheme)
{
    struct der der = der_open(algorithm), inside = der_enter(&der, DER_SEQUENCE);
    struct slice oid, null = SLICE_NULL;
    bool ok;

    if (!der_read_oid(&inside, &oid) || !scheme_find(oid, ret_scheme)) {
        return false;
    }
    if (ret_scheme->type == SCHEME_RSA_PSS) {
        ok = read_pss(&inside, ret_scheme);
    } else {
        /* RFC 5758 3.2: "the encoding MUST omit the parameters field" (ECDSA); RFC 3279 2.2.1:
         * NULL with RSA, which some leave out. */
        ok = ret_scheme->type != SCHEME_RSA || !der_read_optional(&inside, DER_NULL, &null) ||
             null.size == 0;
    }
    return ok && der_end(&inside) && der_end(&der);
}

static bool scheme_fits_key(const struct scheme *scheme, const EVP_PKEY *key)
{
    return scheme->type == SCHEME_RSA_PSS ? key_is_rsa(key)
                                          : EVP_PKEY_is_a(key, scheme_keys[scheme->type]);
}

static int verify(struct crypto *crypto, EVP_PKEY *key, const struct scheme *scheme,
                  const struct crypto_signed *what)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    int r = CRYPTO_E_UNSUPPORTED;

    if (context &&
        EVP_DigestVerifyInit_ex(context, &settings, scheme->digest, crypto->library, NULL, key,
                                NULL) == 1 &&
        (scheme->type != SCHEME_RSA_PSS ||
         (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, scheme->salt_size) == 1))) {
        r = EVP_DigestVerify(context, what->signature.data, what->signature.size, what->tbs.data,
                             what->tbs.size) == 1
                ? 0
                : CRYPTO_E_BAD_SIGNATURE;
    }
    EVP_MD_CTX_free(context);
    return r;
}

int crypto_verify(struct crypto *crypto, void *key, const struct crypto_signed *what,
                  bool *ret_weak)
{
    struct scheme scheme;
    int r;

    if (!key || !scheme_read(what->algorithm, &scheme)) {
        return CRYPTO_E_UNSUPPORTED;
    }
    if (!scheme_fits_key(&scheme, key)) {
        return CRYPTO_E_BAD_SIGNATURE;
    }
    ERR_set_mark();
    r = verify(crypto, key, &scheme, what);
    ERR_pop_to_mark();
    if (ret_weak && r == 0) {
        *ret_weak = scheme.weak;
    }
    return r;
}
