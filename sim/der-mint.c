/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-mint.h"

#include <string.h>

#include "base/rng.h"
#include "pki/der.h"
#include "sim/der-write.h"
#include "sim/must.h"

#define CERT_MOST 4096
#define NAME_MOST 512

/* RFC 5280 4.1.2.5: "CAs conforming to this profile MUST always encode certificate validity dates
 * through the year 2049 as UTCTime". */
static void put_validity(struct buf *buf, struct window valid)
{
    const int64_t times[] = {valid.from_s, valid.until_s};
    size_t from = buf->size;

    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        size_t at = buf->size;

        derwrite_time(buf, times[i]);
        if (times[i] < INT64_C(2524608000)) { /* 2050-01-01 */
            memmove(buf->data + at + 2, buf->data + at + 4, buf->size - at - 4);
            buf->size -= 2;
            buf->data[at] = DER_UTC_TIME;
            buf->data[at + 1] = 13;
        }
    }
    derwrite_wrap(buf, DER_SEQUENCE, from);
}

static void put_name(struct buf *buf, const char *name)
{
    static const uint8_t common_name[] = {0x06, 0x03, 0x55, 0x04, 0x03};
    size_t from = buf->size;

    buf_put(buf, common_name, sizeof(common_name));
    derwrite_element(buf, DER_UTF8_STRING, slice_of_text(name));
    derwrite_wrap(buf, DER_SEQUENCE, from);
    derwrite_wrap(buf, DER_SET, from);
    derwrite_wrap(buf, DER_SEQUENCE, from);
}

void dermint_serial(uint64_t number, uint8_t ret_serial[DERMINT_SERIAL_SIZE])
{
    uint64_t halves[] = {rng_mix(number), number};

    for (size_t i = 0; i < DERMINT_SERIAL_SIZE; i++) {
        ret_serial[i] = (uint8_t)(halves[i / 8] >> (56 - 8 * (i % 8)));
    }
    ret_serial[0] = (uint8_t)((ret_serial[0] & 0x3f) | 0x40); /* positive, and no octet too many */
}

/* An extension whose value stands behind @from. @oid is content octets. */
static void wrap_extension(struct buf *buf, size_t from, struct slice oid, bool critical)
{
    struct buf value = BUF_INIT(CERT_MOST);

    buf_put(&value, buf->data + from, buf->size - from);
    buf->size = from;
    derwrite_element(buf, DER_OID, oid);
    if (critical) {
        derwrite_small(buf, DER_BOOLEAN, 0xff);
    }
    derwrite_element(buf, DER_OCTET_STRING, slice_of_buf(&value));
    derwrite_wrap(buf, DER_SEQUENCE, from);
    must(!buf_status(&value));
    buf_deinit(&value);
}

/* One that is always the same. */
struct extension {
    const char *oid; /* content octets, without NUL inside */
    bool critical;
    uint8_t size;
    uint8_t value[12];
};

static void put_extension(struct buf *buf, const struct extension *extension)
{
    size_t from = buf->size;

    buf_put(buf, extension->value, extension->size);
    wrap_extension(buf, from, slice_of_text(extension->oid), extension->critical);
}

#define OID_KEY_USAGE   "\x55\x1d\x0f"
#define OID_ALT_NAME    "\x55\x1d\x11"
#define OID_CONSTRAINTS "\x55\x1d\x13"
#define OID_EKU         "\x55\x1d\x25"
#define OID_SUBJECT_KEY "\x55\x1d\x0e"
#define OID_ISSUER_KEY  "\x55\x1d\x23"
#define OID_INFO        "\x2b\x06\x01\x05\x05\x07\x01\x01"
#define OID_TLS_FEATURE "\x2b\x06\x01\x05\x05\x07\x01\x18"
#define OID_NO_CHECK    "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"
#define USAGE           0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03 /* id-kp */

static const struct extension is_ca = {OID_CONSTRAINTS, true, 5, {0x30, 0x03, 0x01, 0x01, 0xff}};

static void put_ca_extensions(struct buf *buf, const struct dermint_ca *ca)
{
    static const struct extension signs = {OID_KEY_USAGE, true, 4, {0x03, 0x02, 0x01, 0x86}};
    size_t from;

    put_extension(buf, &is_ca);
    put_extension(buf, &signs); /* also digitalSignature: for answers */
    from = buf->size;
    derwrite_element(buf, DER_OCTET_STRING, slice_of(ca->key_hash[CERTID_SHA1], SHA1_SIZE));
    wrap_extension(buf, from, slice_of_text(OID_SUBJECT_KEY), false);
}

static void put_issuer_key(struct buf *buf, const struct dermint_ca *ca)
{
    size_t from = buf->size;

    derwrite_element(buf, DER_CONTEXT(0), slice_of(ca->key_hash[CERTID_SHA1], SHA1_SIZE));
    derwrite_wrap(buf, DER_SEQUENCE, from);
    wrap_extension(buf, from, slice_of_text(OID_ISSUER_KEY), false);
}

/* AccessDescription; @way is the last arc below id-ad. */
static void put_access(struct buf *buf, uint8_t way, const char *url)
{
    const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, way};
    size_t from = buf->size;

    derwrite_element(buf, DER_OID, slice_of(oid, sizeof(oid)));
    derwrite_element(buf, DER_CONTEXT(6), slice_of_text(url));
    derwrite_wrap(buf, DER_SEQUENCE, from);
}

static void put_leaf_extensions(struct buf *buf, const struct dermint_leaf *leaf)
{
    static const struct extension usage = {OID_EKU, false, 12, {USAGE, 0x01}};
    static const struct extension must_staple = {
        OID_TLS_FEATURE, false, 5, {0x30, 0x03, 0x02, 0x01, 0x05}};
    size_t from = buf->size;

    derwrite_element(buf, DER_CONTEXT(2), slice_of_text(leaf->name));
    derwrite_wrap(buf, DER_SEQUENCE, from);
    wrap_extension(buf, from, slice_of_text(OID_ALT_NAME), false);
    put_extension(buf, &usage);
    if (leaf->must_staple) {
        put_extension(buf, &must_staple);
    }
    if (leaf->is_ca) {
        put_extension(buf, &is_ca);
    }
    from = buf->size;
    for (size_t i = 0; i < leaf->url_count; i++) {
        put_access(buf, 1, leaf->urls[i]);
    }
    if (leaf->issuer_url) {
        put_access(buf, 2, leaf->issuer_url);
    }
    if (buf->size > from) {
        derwrite_wrap(buf, DER_SEQUENCE, from);
        wrap_extension(buf, from, slice_of_text(OID_INFO), false);
    }
}

static void put_delegate_extensions(struct buf *buf, unsigned misuse)
{
    static const struct extension no_check = {OID_NO_CHECK, false, 2, {0x05, 0x00}};
    static const struct extension usages[] = {
        {OID_EKU, false, 12, {USAGE, 0x09}}, /* OCSPSigning */
        {OID_EKU, false, 12, {USAGE, 0x04}}, /* emailProtection */
    };

    put_extension(buf, &usages[misuse & DERMINT_NO_EKU ? 1 : 0]);
    put_extension(buf, &no_check);
}

/* The fields of a tbsCertificate that all kinds have. */
struct body {
    uint64_t number;
    struct slice issuer;  /* Name */
    struct slice subject; /* Name */
    struct window valid;
    const struct derkey *key;
};

static void put_body(struct buf *buf, const struct body *body)
{
    static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02}; /* 3 */
    uint8_t serial[DERMINT_SERIAL_SIZE];

    dermint_serial(body->number, serial);
    buf_put(buf, version, sizeof(version));
    derwrite_element(buf, DER_INTEGER, slice_of(serial, sizeof(serial)));
    derkey_put_algorithm(buf);
    buf_put_slice(buf, body->issuer);
    put_validity(buf, body->valid);
    buf_put_slice(buf, body->subject);
    derkey_put_spki(buf, body->key);
}

/* The body stands from the beginning of @der, the extensions from @from: the certificate. */
static void finish_cert(struct buf *der, size_t from, const struct derkey *issuer_key)
{
    derwrite_wrap(der, DER_SEQUENCE, from);
    derwrite_wrap(der, DER_CONTEXT_CONSTRUCTED(3), from);
    derwrite_wrap(der, DER_SEQUENCE, 0);
    derwrite_signature(der, 0, issuer_key);
    derwrite_wrap(der, DER_SEQUENCE, 0);
    must(!buf_status(der));
}

static void hash_all(const struct crypto *crypto, struct slice input,
                     uint8_t ret_hashes[4][CRYPTO_DIGEST_MAX])
{
    for (int hash = CERTID_SHA1; hash <= CERTID_SHA512; hash++) {
        must(crypto_digest(crypto, (enum certid_hash)hash, input, ret_hashes[hash]));
    }
}

struct dermint_ca *dermint_ca_new(const struct crypto *crypto, const char *name,
                                  struct window valid)
{
    struct dermint_ca *ca = calloc(1, sizeof(*ca));
    struct body body = {.number = 1, .valid = valid};
    size_t from;

    must(ca);
    ca->der = BUF_INIT(CERT_MOST);
    ca->name = BUF_INIT(NAME_MOST);
    ca->key = derkey_new(crypto, name);
    ca->leaf_key = derkey_new(crypto, "leaf");
    put_name(&ca->name, name);
    hash_all(crypto, slice_of_buf(&ca->name), ca->name_hash);
    hash_all(crypto, derkey_point(ca->key), ca->key_hash);
    body.issuer = body.subject = slice_of_buf(&ca->name);
    body.key = ca->key;
    put_body(&ca->der, &body);
    from = ca->der.size;
    put_ca_extensions(&ca->der, ca);
    finish_cert(&ca->der, from, ca->key);
    return ca;
}

struct dermint_ca *dermint_ca_free(struct dermint_ca *ca)
{
    if (ca) {
        derkey_free(ca->key);
        derkey_free(ca->leaf_key);
        buf_deinit(&ca->der);
        buf_deinit(&ca->name);
        free(ca);
    }
    return NULL;
}

void dermint_put_leaf(struct buf *der, const struct dermint_ca *ca, const struct dermint_leaf *leaf)
{
    struct buf subject = BUF_INIT(NAME_MOST);
    struct body body = {.number = leaf->number, .valid = leaf->valid, .key = ca->leaf_key};
    size_t from;

    buf_clear(der);
    put_name(&subject, leaf->name);
    body.issuer = slice_of_buf(leaf->self_signed ? &subject : &ca->name);
    body.subject = slice_of_buf(&subject);
    put_body(der, &body);
    from = der->size;
    put_leaf_extensions(der, leaf);
    if (!leaf->self_signed) {
        put_issuer_key(der, ca);
    }
    finish_cert(der, from, leaf->self_signed ? ca->leaf_key : ca->key);
    buf_deinit(&subject);
}

static void put_numbered(struct buf *text, const char *what, uint64_t number, struct slice of)
{
    buf_put_text(text, what);
    buf_put_int(text, (int64_t)number);
    buf_put_text(text, " of ");
    buf_put_hex(text, of);
}

struct dermint_delegate *dermint_delegate_new(const struct crypto *crypto,
                                              const struct dermint_ca *ca, uint64_t number,
                                              struct window valid, unsigned misuse)
{
    struct dermint_delegate *delegate = calloc(1, sizeof(*delegate));
    struct body body = {.number = rng_mix(number), .valid = valid};
    struct buf title = BUF_INIT(NAME_MOST);
    uint8_t hash[CRYPTO_DIGEST_MAX];
    size_t from;

    must(delegate);
    delegate->der = BUF_INIT(CERT_MOST);
    delegate->name = BUF_INIT(NAME_MOST);
    put_numbered(&title, "Responder ", number, slice_of(ca->name_hash[CERTID_SHA1], 4));
    put_name(&delegate->name, buf_text(&title));
    delegate->key = derkey_new(crypto, buf_text(&title));
    must(crypto_digest(crypto, CERTID_SHA1, derkey_point(delegate->key), hash));
    memcpy(delegate->key_hash, hash, SHA1_SIZE);
    body.issuer = slice_of_buf(&ca->name);
    body.subject = slice_of_buf(&delegate->name);
    body.key = delegate->key;
    put_body(&delegate->der, &body);
    from = delegate->der.size;
    put_delegate_extensions(&delegate->der, misuse);
    put_issuer_key(&delegate->der, ca);
    finish_cert(&delegate->der, from, misuse & DERMINT_STRANGER ? delegate->key : ca->key);
    buf_deinit(&title);
    return delegate;
}

struct dermint_delegate *dermint_delegate_free(struct dermint_delegate *delegate)
{
    if (delegate) {
        derkey_free(delegate->key);
        buf_deinit(&delegate->der);
        buf_deinit(&delegate->name);
        free(delegate);
    }
    return NULL;
}

void dermint_put_pem(struct buf *pem, struct slice der)
{
    buf_put_text(pem, "-----BEGIN CERTIFICATE-----\n");
    buf_put_base64(pem, der);
    buf_put_text(pem, "\n-----END CERTIFICATE-----\n");
}
