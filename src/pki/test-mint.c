/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/test-mint.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

/* Also when assertions are compiled out. */
#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            ERR_print_errors_fp(stderr);                                                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static EVP_PKEY *keys[MINT_KEYS];

EVP_PKEY *mint_explicit_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    must(context && EVP_PKEY_keygen_init(context) == 1);
    must(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1);
    must(EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE) == 1);
    must(EVP_PKEY_keygen(context, &key) == 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *key_generate(enum mint_key key)
{
    switch (key) {
    case MINT_RSA:
    case MINT_RSA_OTHER:
        return EVP_RSA_gen(2048);
    case MINT_RSA_SMALL:
        return EVP_RSA_gen(1024);
    case MINT_EC:
    case MINT_EC_OTHER:
        return EVP_EC_gen("P-256");
    case MINT_EC_384:
        return EVP_EC_gen("P-384");
    case MINT_EC_EXPLICIT:
        return mint_explicit_key();
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

EVP_PKEY *mint_key(enum mint_key key)
{
    if (!keys[key]) {
        keys[key] = key_generate(key);
        must(keys[key]);
    }
    return keys[key];
}

void mint_set_key(enum mint_key key, EVP_PKEY *made)
{
    must(made && !keys[key]);
    keys[key] = made;
}

void mint_deinit(void)
{
    for (size_t i = 0; i < MINT_KEYS; i++) {
        EVP_PKEY_free(keys[i]);
        keys[i] = NULL;
    }
}

static const EVP_MD *digest_for(enum mint_key key, const EVP_MD *digest)
{
    return key == MINT_ED25519 || key == MINT_ED25519_OTHER ? NULL : digest ? digest : EVP_sha256();
}

static void set_names(X509 *cert, const struct mint_cert *spec)
{
    X509_NAME *name = X509_NAME_new();

    must(name);
    if (spec->name) {
        must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                        (const unsigned char *)spec->name, -1, -1, 0));
    }
    must(X509_set_subject_name(cert, name));
    must(X509_set_issuer_name(cert, spec->issuer ? X509_get_subject_name(spec->issuer) : name));
    X509_NAME_free(name);
}

static void set_serial(X509 *cert, const char *hex)
{
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial;

    must(BN_hex2bn(&number, hex ? hex : "1000"));
    serial = BN_to_ASN1_INTEGER(number, NULL);
    must(serial && X509_set_serialNumber(cert, serial));
    ASN1_INTEGER_free(serial);
    BN_free(number);
}

static void add_extensions(X509 *cert, const struct mint_cert *spec)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, spec->issuer ? spec->issuer : cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < MINT_EXTENSIONS && spec->extensions[i].name; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf(NULL, &context, spec->extensions[i].name, spec->extensions[i].value);

        must(extension && X509_add_ext(cert, extension, -1));
        X509_EXTENSION_free(extension);
    }
}

X509 *mint_cert(const struct mint_cert *spec)
{
    X509 *cert = X509_new();

    must(cert);
    must(X509_set_version(cert, spec->version_1 ? X509_VERSION_1 : X509_VERSION_3));
    set_serial(cert, spec->serial_hex);
    set_names(cert, spec);
    must(ASN1_TIME_set(X509_getm_notBefore(cert),
                       spec->not_before_s ? spec->not_before_s : MINT_NOW - 30 * MINT_DAY_S));
    must(ASN1_TIME_set(X509_getm_notAfter(cert),
                       spec->not_after_s ? spec->not_after_s : MINT_NOW + 60 * MINT_DAY_S));
    must(X509_set_pubkey(cert, mint_key(spec->key)));
    add_extensions(cert, spec);
    must(X509_sign(cert, mint_key(spec->issuer_key), digest_for(spec->issuer_key, spec->digest)));
    return cert;
}

struct slice mint_der(X509 *cert, struct buf *ret_buf)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);

    must(size > 0);
    buf_clear(ret_buf);
    buf_put(ret_buf, der, (size_t)size);
    must(!buf_status(ret_buf));
    OPENSSL_free(der);
    return slice_of_buf(ret_buf);
}

static X509_EXTENSION *make_extension(const char *oid, bool critical, struct slice content)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    X509_EXTENSION *extension;

    must(value && object && ASN1_OCTET_STRING_set(value, content.data, (int)content.size));
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
    must(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(value);
    return extension;
}

static const uint8_t null[] = {0x05, 0x00};

static void add_response_extension(OCSP_BASICRESP *basic, const char *oid, bool critical)
{
    X509_EXTENSION *extension = make_extension(oid, critical, slice_of(null, sizeof(null)));

    must(OCSP_BASICRESP_add_ext(basic, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_single_extension(OCSP_SINGLERESP *single, const char *oid, bool critical,
                                 struct slice value)
{
    X509_EXTENSION *extension = make_extension(oid, critical, value);

    must(OCSP_SINGLERESP_add_ext(single, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_single(OCSP_BASICRESP *basic, const struct mint_single *spec)
{
    static const int statuses[] = {V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED,
                                   V_OCSP_CERTSTATUS_UNKNOWN};
    OCSP_CERTID *id =
        OCSP_cert_to_id(spec->hash ? spec->hash : EVP_sha1(), spec->cert, spec->issuer);
    ASN1_TIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, spec->revoked_at_s);
    ASN1_TIME *this_update =
        ASN1_GENERALIZEDTIME_set(NULL, spec->this_update_s ? spec->this_update_s : MINT_NOW - 3600);
    ASN1_TIME *next_update = ASN1_GENERALIZEDTIME_set(
        NULL, spec->next_update_s > 0 ? spec->next_update_s : MINT_NOW + 4 * MINT_DAY_S);
    OCSP_SINGLERESP *single;

    must(id && revoked && this_update && next_update);
    single = OCSP_basic_add1_status(basic, id, statuses[spec->status], spec->reason, revoked,
                                    this_update, spec->next_update_s < 0 ? NULL : next_update);
    must(single);
    if (spec->critical) {
        add_single_extension(single, "1.2.3.4", true, slice_of(null, sizeof(null)));
    }
    for (unsigned i = 0; i < spec->sct_lists; i++) {
        add_single_extension(single, "1.3.6.1.4.1.11129.2.4.5", spec->critical_scts, spec->scts);
    }
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    OCSP_CERTID_free(id);
}

static void sign_answer(OCSP_BASICRESP *basic, const struct mint_answer *spec)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    unsigned long flags = OCSP_NOTIME | OCSP_NOCERTS | (spec->by_key ? OCSP_RESPID_KEY : 0);

    must(certs && context);
    for (size_t i = 0; i < MINT_CERTS && spec->embedded[i]; i++) {
        must(OCSP_basic_add1_cert(basic, spec->embedded[i]));
    }
    if (spec->embed_signer) {
        must(OCSP_basic_add1_cert(basic, spec->signer));
    }
    must(EVP_DigestSignInit(context, &settings, digest_for(spec->signer_key, spec->digest), NULL,
                            mint_key(spec->signer_key)));
    if (spec->pss) {
        must(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) > 0);
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) > 0);
    }
    must(OCSP_basic_sign_ctx(basic, spec->signer, context, NULL, flags));
    EVP_MD_CTX_free(context);
    sk_X509_free(certs);
}

void mint_answer(struct buf *answer, const struct mint_answer *spec)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    int size;

    must(basic);
    for (size_t i = 0; i < MINT_SINGLES && spec->singles[i].cert; i++) {
        add_single(basic, &spec->singles[i]);
    }
    if (spec->critical) {
        add_response_extension(basic, "1.2.3.4", true);
    }
    if (spec->plain_extension) {
        add_response_extension(basic, "1.3.6.1.5.5.7.48.1.2", false);
    }
    if (spec->extended_revoke) {
        add_response_extension(basic, "1.3.6.1.5.5.7.48.1.9", false);
    }
    must(ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(basic),
                                  MINT_NOW - 1800));
    sign_answer(basic, spec);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    must(response);
    size = i2d_OCSP_RESPONSE(response, &der);
    must(size > 0);
    buf_clear(answer);
    buf_put(answer, der, (size_t)size);
    must(!buf_status(answer));
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
}

bool mint_oracle(struct slice answer, X509 *issuer)
{
    const unsigned char *at = answer.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.size);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = sk_X509_new_null();
    bool accepted = false;

    must(store && certs && sk_X509_push(certs, issuer) && X509_STORE_add_cert(store, issuer));
    X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), MINT_NOW);
    if (basic) {
        accepted = OCSP_basic_verify(basic, certs, store, 0) > 0;
    }
    ERR_clear_error();
    sk_X509_free(certs);
    X509_STORE_free(store);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return accepted;
}
