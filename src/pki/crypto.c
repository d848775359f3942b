/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "pki/der.h"

static const char *const digest_names[] = {
    [DIGEST_NONE] = NULL,       [DIGEST_SHA1] = "SHA1",     [DIGEST_SHA224] = "SHA224",
    [DIGEST_SHA256] = "SHA256", [DIGEST_SHA384] = "SHA384", [DIGEST_SHA512] = "SHA512",
    [DIGEST_MD5] = "MD5",
};
#define DIGESTS ARRAY_SIZE(digest_names)

struct crypto {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *provider;
    EVP_MD *digests[DIGESTS];       /* by enum digest_kind; NULL for none */
    EVP_MD_CTX *digesting[DIGESTS]; /* one each, used again and again */
};

/* A public key. Setting up a verification costs as much as many a hash, so the last one is kept:
 * a key nearly always signs with the same digest. */
struct key {
    EVP_PKEY *pkey;
    enum key_kind kind;
    bool pss_only;
    EVP_PKEY_CTX *verifying; /* PKCS#1 or ECDSA; NULL: none yet */
    enum digest_kind digest; /* of that */
};

const uint8_t crypto_digest_sizes[CERTID_HASHES] = {20, 32, 48, 64, 28, 16};
static const enum digest_kind certid_digests[CERTID_HASHES] = {
    DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SHA224, DIGEST_MD5};

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
    for (size_t i = DIGEST_SHA1; i < DIGESTS; i++) {
        crypto->digests[i] = EVP_MD_fetch(crypto->library, digest_names[i], NULL);
        crypto->digesting[i] = EVP_MD_CTX_new();
        if (!crypto->digests[i] || !crypto->digesting[i]) {
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
    for (size_t i = 0; i < DIGESTS; i++) {
        EVP_MD_CTX_free(crypto->digesting[i]);
        EVP_MD_free(crypto->digests[i]);
    }
    if (crypto->provider) {
        OSSL_PROVIDER_unload(crypto->provider);
    }
    OSSL_LIB_CTX_free(crypto->library);
    free(crypto);
    return NULL;
}

static bool digest(const struct crypto *crypto, enum digest_kind kind, struct slice input,
                   uint8_t ret_digest[EVP_MAX_MD_SIZE], unsigned *ret_size)
{
    EVP_MD_CTX *context = crypto->digesting[kind];

    return EVP_DigestInit_ex2(context, crypto->digests[kind], NULL) == 1 &&
           EVP_DigestUpdate(context, input.data, input.size) == 1 &&
           EVP_DigestFinal_ex(context, ret_digest, ret_size) == 1;
}

bool crypto_digest(const struct crypto *crypto, enum certid_hash hash, struct slice input,
                   uint8_t ret_digest[])
{
    bool ok;

    ERR_set_mark();
    ok = digest(crypto, certid_digests[hash], input, ret_digest, NULL);
    ERR_pop_to_mark();
    if (!ok) {
        memset(ret_digest, 0, crypto_digest_sizes[hash]);
    }
    return ok;
}

bool crypto_md5(const struct crypto *crypto, struct slice input, uint8_t ret_digest[16])
{
    EVP_MD *md5;
    bool ok;

    ERR_set_mark();
    md5 = EVP_MD_fetch(crypto->library, "MD5", NULL);
    ok = md5 && EVP_Digest(input.data, input.size, ret_digest, NULL, md5, NULL) == 1;
    EVP_MD_free(md5);
    ERR_pop_to_mark();
    return ok;
}

static enum key_kind key_kind_of(const EVP_PKEY *pkey);

/* RFC 8017 3.1: "the RSA public exponent e is an integer between 3 and n - 1". libcrypto takes 1,
 * too, with which anybody makes signatures. */
static bool has_rsa_exponent(const EVP_PKEY *pkey)
{
    BIGNUM *exponent = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
              (BN_num_bits(exponent) > 2 || BN_is_word(exponent, 3));

    BN_free(exponent);
    return ok;
}

void *crypto_key_new(struct crypto *crypto, struct slice spki)
{
    const unsigned char *at = spki.data;
    struct key *key = calloc(1, sizeof(*key));
    bool usable;

    if (!key) {
        return NULL;
    }
    ERR_set_mark();
    key->pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.size, crypto->library, NULL);
    if (key->pkey) {
        key->kind = key_kind_of(key->pkey);
        key->pss_only = EVP_PKEY_is_a(key->pkey, "RSA-PSS");
    }
    usable = key->pkey && (key->kind != KEY_RSA || has_rsa_exponent(key->pkey));
    ERR_pop_to_mark();
    return usable ? key : crypto_key_free(key);
}

void *crypto_key_free(void *key)
{
    struct key *owned = key;

    if (owned) {
        EVP_PKEY_CTX_free(owned->verifying);
        EVP_PKEY_free(owned->pkey);
        free(owned);
    }
    return NULL;
}

static X509 *cert_new(struct crypto *crypto, struct slice der)
{
    const unsigned char *at = der.data;
    X509 *cert = X509_new_ex(crypto->library, NULL);

    if (!cert || !d2i_X509(&cert, &at, (long)der.size) || at != der.data + der.size) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* Could libcrypto read all those extensions of which it keeps the values? */
static bool is_readable(X509 *cert)
{
    return X509_check_purpose(cert, -1, 0) == 1;
}

/* What it means when X509_verify_cert() ends with @error, @depth certificates above the signer. */
static unsigned faults_of(int error, int depth)
{
    switch (error) {
    case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
        return 0; /* told by the kind of the key */
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return DELEGATE_NOT_ISSUED;
    case X509_V_ERR_UNNESTED_RESOURCE:
        return DELEGATE_ODD;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return depth > 0 ? DELEGATE_OF_ODD_ISSUER : DELEGATE_CRITICAL;
    default:
        return depth > 0 ? DELEGATE_OF_ODD_ISSUER : DELEGATE_ODD;
    }
}

/* Are its names not what @issuer allows? Of a common name that is a DNS name only libcrypto asks.
 */
static bool is_outside_names(X509 *cert, const X509 *issuer)
{
    NAME_CONSTRAINTS *allowed = X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
    bool outside = allowed && NAME_CONSTRAINTS_check(cert, allowed) != X509_V_OK;

    NAME_CONSTRAINTS_free(allowed);
    return outside;
}

/* As OCSP_basic_verify() does with @issuer alone, flags 0 and X509_V_FLAG_PARTIAL_CHAIN; but dates
 * are not looked at, nor any clock. */
static unsigned chain_faults(struct crypto *crypto, X509 *cert, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new_ex(crypto->library, NULL);
    unsigned faults = DELEGATE_ODD;

    if (store && untrusted && context && sk_X509_push(untrusted, cert) &&
        (cert == issuer || sk_X509_push(untrusted, issuer)) &&
        X509_STORE_add_cert(store, issuer) == 1 &&
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME) == 1 &&
        X509_STORE_CTX_init(context, store, cert, untrusted) == 1 &&
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_OCSP_HELPER) == 1 &&
        X509_STORE_CTX_set_trust(context, X509_TRUST_OCSP_REQUEST) == 1) {
        faults = X509_verify_cert(context) == 1
                     ? 0
                     : faults_of(X509_STORE_CTX_get_error(context),
                                 X509_STORE_CTX_get_error_depth(context));
    }
    X509_STORE_CTX_free(context);
    sk_X509_free(untrusted);
    X509_STORE_free(store);
    return faults;
}

/* More extensions than anybody has count as some twice. */
#define EXTENSIONS_MAX 64

static bool has_repeated(const X509 *cert)
{
    int count = X509_get_ext_count(cert);

    for (int i = 0; i < count && count <= EXTENSIONS_MAX; i++) {
        if (X509_get_ext_by_OBJ(cert, X509_EXTENSION_get_object(X509_get_ext(cert, i)), i) >= 0) {
            return true;
        }
    }
    return count > EXTENSIONS_MAX;
}

static bool has_unreadable_names(const X509 *cert, int nid)
{
    int found = -1;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, nid, &found, NULL);

    GENERAL_NAMES_free(names);
    return !names && found >= 0;
}

/* Of the issuer itself only the chain counts: the rest clients see when they verify the leaf, and
 * no answer helps then. */
static unsigned signer_faults(struct crypto *crypto, X509 *cert, X509 *issuer)
{
    unsigned faults;

    if (!issuer || (cert != issuer && !is_readable(issuer))) {
        return DELEGATE_OF_ODD_ISSUER;
    }
    if (cert == issuer) {
        return chain_faults(crypto, cert, issuer);
    }
    if (!cert) {
        return DELEGATE_ODD;
    }
    faults = is_readable(cert) ? chain_faults(crypto, cert, issuer) : (unsigned)DELEGATE_ODD;
    faults |= is_outside_names(cert, issuer) ? (unsigned)DELEGATE_NAMES : 0;
    faults |= has_repeated(cert) ? (unsigned)DELEGATE_REPEATED : 0;
    if (has_unreadable_names(cert, NID_subject_alt_name) ||
        has_unreadable_names(cert, NID_issuer_alt_name)) {
        faults |= DELEGATE_ALT_NAME;
    }
    return faults;
}

unsigned crypto_signer_faults(struct crypto *crypto, struct slice cert, struct slice issuer)
{
    X509 *subject, *above;
    unsigned faults;

    ERR_set_mark();
    above = cert_new(crypto, issuer);
    subject = slice_equal(cert, issuer) ? above : cert_new(crypto, cert);
    faults = signer_faults(crypto, subject, above);
    if (subject != above) {
        X509_free(subject);
    }
    X509_free(above);
    ERR_pop_to_mark();
    return faults;
}

bool crypto_names_alike(struct slice a, struct slice b)
{
    const unsigned char *a_at = a.data, *b_at = b.data;
    X509_NAME *first, *second;
    bool alike;

    ERR_set_mark();
    first = d2i_X509_NAME(NULL, &a_at, (long)a.size);
    second = d2i_X509_NAME(NULL, &b_at, (long)b.size);
    alike = first && second && X509_NAME_cmp(first, second) == 0;
    X509_NAME_free(first);
    X509_NAME_free(second);
    ERR_pop_to_mark();
    return alike;
}

static enum key_kind ec_kind(const EVP_PKEY *pkey)
{
    static const struct {
        const char *name;
        enum key_kind kind;
    } curves[] = {
        {"prime256v1", KEY_P256},
        {"secp384r1", KEY_P384},
        {"secp521r1", KEY_P521},
    };
    char name[64];
    size_t size;
    int written_out = 0;

    if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &written_out) == 1 &&
        written_out) {
        return KEY_EC_EXPLICIT;
    }
    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &size) == 1) {
        for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
            if (text_equal(name, curves[i].name)) {
                return curves[i].kind;
            }
        }
    }
    return KEY_EC_OTHER;
}

static enum key_kind key_kind_of(const EVP_PKEY *pkey)
{
    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS")) {
        return KEY_RSA;
    }
    if (EVP_PKEY_is_a(pkey, "EC")) {
        return ec_kind(pkey);
    }
    return EVP_PKEY_is_a(pkey, "ED25519") ? KEY_ED25519
           : EVP_PKEY_is_a(pkey, "ED448") ? KEY_ED448
                                          : KEY_OTHER;
}

void crypto_key_describe(const void *key, struct signature_facts *ret_facts)
{
    const struct key *known = key;
    int bits;

    if (!known) {
        return;
    }
    ERR_set_mark();
    bits = EVP_PKEY_get_bits(known->pkey);
    ret_facts->key = (uint8_t)known->kind;
    ret_facts->key_bits = bits < 0 ? 0 : bits > UINT16_MAX ? UINT16_MAX : (uint16_t)bits;
    ERR_pop_to_mark();
}

enum scheme_type { SCHEME_RSA, SCHEME_RSA_PSS, SCHEME_ECDSA, SCHEME_ED25519, SCHEME_ED448 };

struct scheme {
    enum scheme_type type;
    enum digest_kind digest; /* DIGEST_NONE: part of the algorithm itself */
    int salt_size;           /* SCHEME_RSA_PSS */
    bool loose_pss;          /* see struct signature_facts */
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
    {OID_RSA(0x0b), {.type = SCHEME_RSA, .digest = DIGEST_SHA256}},
    {OID_ECDSA(0x02), {.type = SCHEME_ECDSA, .digest = DIGEST_SHA256}},
    {OID_ECDSA(0x03), {.type = SCHEME_ECDSA, .digest = DIGEST_SHA384}},
    {OID_ECDSA(0x04), {.type = SCHEME_ECDSA, .digest = DIGEST_SHA512}},
    {OID_RSA(0x0c), {.type = SCHEME_RSA, .digest = DIGEST_SHA384}},
    {OID_RSA(0x0d), {.type = SCHEME_RSA, .digest = DIGEST_SHA512}},
    {OID_RSA(0x0a),
     {.type = SCHEME_RSA_PSS, .digest = DIGEST_NONE}}, /* the rest is in its parameters */
    {3, {0x2b, 0x65, 0x70}, {.type = SCHEME_ED25519, .digest = DIGEST_NONE}},
    {3, {0x2b, 0x65, 0x71}, {.type = SCHEME_ED448, .digest = DIGEST_NONE}},
    {OID_RSA(0x05), {.type = SCHEME_RSA, .digest = DIGEST_SHA1}},
    {5,
     {0x2b, 0x0e, 0x03, 0x02, 0x1d},
     {.type = SCHEME_RSA, .digest = DIGEST_SHA1}}, /* OIW's name of the same */
    {OID_RSA(0x0e), {.type = SCHEME_RSA, .digest = DIGEST_SHA224}},
    {7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}, {.type = SCHEME_ECDSA, .digest = DIGEST_SHA1}},
    {OID_ECDSA(0x01), {.type = SCHEME_ECDSA, .digest = DIGEST_SHA224}},
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

/* The digest of an AlgorithmIdentifier; parameters NULL or absent, which sets @loose. */
static bool read_digest(struct der *der, enum digest_kind *ret_digest, bool *loose)
{
    static const struct {
        uint8_t oid_size;
        uint8_t oid[9];
        enum digest_kind digest;
    } rows[] = {
        {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}, DIGEST_SHA1},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, DIGEST_SHA256},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}, DIGEST_SHA384},
        {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}, DIGEST_SHA512},
    };
    struct der inside = der_enter(der, DER_SEQUENCE);
    struct slice oid, null = SLICE_NULL;

    if (!der_read_oid(&inside, &oid)) {
        return false;
    }
    *loose |= !der_read_optional(&inside, DER_NULL, &null);
    for (size_t i = 0; i < ARRAY_SIZE(rows) && der_end(&inside) && null.size == 0; i++) {
        if (slice_equal(oid, slice_of(rows[i].oid, rows[i].oid_size))) {
            *ret_digest = rows[i].digest;
            return true;
        }
    }
    return false;
}

/* MaskGenAlgorithm: MGF1 with the very digest of the message; nobody signs with another. */
static bool read_mask(struct der *der, enum digest_kind digest, bool *loose)
{
    static const uint8_t mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    struct der inside = der_enter(der, DER_SEQUENCE);
    enum digest_kind found;
    struct slice oid;

    return der_read_oid(&inside, &oid) && slice_equal(oid, slice_of(mgf1, sizeof(mgf1))) &&
           read_digest(&inside, &found, loose) && der_end(&inside) && found == digest;
}

/* RSASSA-PSS-params (RFC 4055 3.1). */
static bool read_pss(struct der *der, struct scheme *scheme)
{
    struct der params = der_enter(der, DER_SEQUENCE), field;
    enum digest_kind mask_default = DIGEST_SHA1;
    uint32_t salt_size = 20, trailer = 1;

    scheme->digest = DIGEST_SHA1;
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(0)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(0));
        if (!read_digest(&field, &scheme->digest, &scheme->loose_pss) || !der_end(&field)) {
            return false;
        }
    }
    if (der_peek(&params) == DER_CONTEXT_CONSTRUCTED(1)) {
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(1));
        if (!read_mask(&field, scheme->digest, &scheme->loose_pss) || !der_end(&field)) {
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
        scheme->loose_pss = true;
        field = der_enter(&params, DER_CONTEXT_CONSTRUCTED(3));
        if (!der_read_small(&field, DER_INTEGER, &trailer) || !der_end(&field)) {
            return false;
        }
    }
    scheme->salt_size = (int)salt_size;
    return der_end(&params) && mask_default == scheme->digest && trailer == 1;
}

/* @ret_null: there is NULL for parameters. */
static bool scheme_read(struct slice algorithm, struct scheme *ret_scheme, bool *ret_null)
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
        /* RFC 3279 2.2.1: NULL with RSA, which some leave out. RFC 5758 3.2: "the encoding MUST
         * omit the parameters field" (ECDSA), where some write NULL. */
        ok = ret_scheme->type > SCHEME_ECDSA || !der_read_optional(&inside, DER_NULL, &null) ||
             null.size == 0;
    }
    *ret_null = null.data != NULL;
    return ok && der_end(&inside) && der_end(&der);
}

static bool scheme_fits_key(const struct scheme *scheme, const struct key *key)
{
    switch (scheme->type) {
    case SCHEME_RSA:
        return key->kind == KEY_RSA && !key->pss_only;
    case SCHEME_RSA_PSS:
        return key->kind == KEY_RSA;
    case SCHEME_ECDSA:
        return key->kind >= KEY_P256 && key->kind <= KEY_EC_OTHER;
    case SCHEME_ED25519:
        return key->kind == KEY_ED25519;
    case SCHEME_ED448:
        return key->kind == KEY_ED448;
    }
    return false;
}

/* RSA-PSS and EdDSA: rare, so set up each time. */
static int verify_rare(struct crypto *crypto, struct key *key, const struct scheme *scheme,
                       const struct crypto_signed *what)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    int r = CRYPTO_E_UNSUPPORTED;

    if (context &&
        EVP_DigestVerifyInit_ex(context, &settings, digest_names[scheme->digest], crypto->library,
                                NULL, key->pkey, NULL) == 1 &&
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

/* Makes @key ready to verify PKCS#1 or ECDSA signatures with this digest. */
static bool key_prepare(struct crypto *crypto, struct key *key, enum digest_kind digest)
{
    if (key->verifying && key->digest == digest) {
        return true;
    }
    EVP_PKEY_CTX_free(key->verifying);
    key->verifying = EVP_PKEY_CTX_new_from_pkey(crypto->library, key->pkey, NULL);
    key->digest = digest;
    if (key->verifying && EVP_PKEY_verify_init(key->verifying) == 1 &&
        EVP_PKEY_CTX_set_signature_md(key->verifying, crypto->digests[digest]) == 1 &&
        (key->kind != KEY_RSA ||
         EVP_PKEY_CTX_set_rsa_padding(key->verifying, RSA_PKCS1_PADDING) == 1)) {
        return true;
    }
    EVP_PKEY_CTX_free(key->verifying);
    key->verifying = NULL;
    return false;
}

static int verify(struct crypto *crypto, struct key *key, const struct scheme *scheme,
                  const struct crypto_signed *what)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (scheme->type != SCHEME_RSA && scheme->type != SCHEME_ECDSA) {
        return verify_rare(crypto, key, scheme, what);
    }
    if (!key_prepare(crypto, key, scheme->digest) ||
        !digest(crypto, scheme->digest, what->tbs, hash, &size)) {
        return CRYPTO_E_UNSUPPORTED;
    }
    return EVP_PKEY_verify(key->verifying, what->signature.data, what->signature.size, hash,
                           size) == 1
               ? 0
               : CRYPTO_E_BAD_SIGNATURE;
}

int crypto_verify(struct crypto *crypto, void *key, const struct crypto_signed *what,
                  struct signature_facts *ret_made)
{
    struct scheme scheme;
    bool null;
    int r;

    if (!key || !scheme_read(what->algorithm, &scheme, &null)) {
        return CRYPTO_E_UNSUPPORTED;
    }
    if (!scheme_fits_key(&scheme, key)) {
        return CRYPTO_E_BAD_SIGNATURE;
    }
    ERR_set_mark();
    r = verify(crypto, key, &scheme, what);
    ERR_pop_to_mark();
    if (ret_made && r == 0) {
        ret_made->digest = (uint8_t)scheme.digest;
        ret_made->null = null && scheme.type == SCHEME_ECDSA;
        ret_made->pss = scheme.type == SCHEME_RSA_PSS;
        ret_made->loose_pss = scheme.loose_pss;
        ret_made->salt_size = ret_made->pss ? (uint16_t)scheme.salt_size : 0;
    }
    return r;
}
