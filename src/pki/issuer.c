/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "pki/cert.h"

#define NAME_SIZE_MAX 253 /* of a DNS name in text; longer common names are cut */
#define KEY_CERT_SIGN (1u << 5)

/* RFC 6960 4.1.1: "The hash shall be calculated over the DER encoding of the issuer's name field in
 * the certificate being checked." RFC 6960 4.1.1: "The hash shall be calculated over the value
 * (excluding tag and length) of the subject public key field in the issuer's certificate." */
static bool issuer_digest(struct issuer *issuer, const struct crypto *crypto)
{
    bool ok = crypto_digest(crypto, CERTID_SHA256, issuer->der, issuer->sha256);

    for (enum certid_hash hash = CERTID_SHA1; hash < CERTID_HASHES; hash++) {
        ok = ok && crypto_digest(crypto, hash, issuer->view.subject, issuer->name_hash[hash]) &&
             crypto_digest(crypto, hash, issuer->view.key_bits, issuer->key_hash[hash]);
    }
    return ok;
}

int issuer_new(struct issuer **ret_issuer, struct crypto *crypto, struct slice der)
{
    _cleanup_(issuer_freep)
    struct issuer *issuer = NULL;
    struct cert_view view;
    const char *fault;
    uint8_t *copy;
    int r;

    r = cert_read(der, &view, &fault);
    if (r) {
        return r; /* its outcomes are ours */
    }
    issuer = calloc(1, sizeof(*issuer) + der.size);
    if (!issuer) {
        return error_trace(-ENOMEM);
    }
    copy = (uint8_t *)(issuer + 1);
    memcpy(copy, der.data, der.size);
    issuer->der = slice_of(copy, der.size);
    r = cert_read(issuer->der, &issuer->view, &fault);
    assert(r == 0);
    issuer->key = crypto_key_new(crypto, issuer->view.spki);
    crypto_key_describe(issuer->key, &issuer->key_facts);
    issuer->faults = crypto_signer_faults(crypto, issuer->der, issuer->der);
    if (!issuer_digest(issuer, crypto)) {
        return error_trace(-ENOMEM);
    }
    *ret_issuer = steal(&issuer);
    return 0;
}

struct issuer *issuer_free(struct issuer *issuer)
{
    if (issuer) {
        crypto_key_free(issuer->key);
        free(issuer);
    }
    return NULL;
}

static struct crypto_signed signed_parts(const struct cert_view *cert)
{
    return (struct crypto_signed){cert->tbs, cert->signature_algorithm, cert->signature};
}

/* RFC 5280 4.2.1.3: "The keyCertSign bit is asserted when the subject public key is used for
 * verifying signatures on public key certificates." Roots of version 1 have no extension to say
 * that they are CAs. */
static bool may_sign(const struct cert_view *view)
{
    bool old_root = view->version == 1 && slice_equal(view->subject, view->issuer);

    return (view->is_ca || old_root) && (!view->has_key_usage || view->key_usage & KEY_CERT_SIGN);
}

bool issuer_signed(struct crypto *crypto, const struct issuer *issuer, const struct cert_view *leaf)
{
    struct crypto_signed parts = signed_parts(leaf);

    return slice_equal(issuer->view.subject, leaf->issuer) && may_sign(&issuer->view) &&
           crypto_verify(crypto, issuer->key, &parts, NULL) == 0;
}

static bool is_self_signed(struct crypto *crypto, const struct cert_view *cert)
{
    struct crypto_signed parts = signed_parts(cert);
    void *key;
    int r;

    if (!slice_equal(cert->subject, cert->issuer)) {
        return false;
    }
    /* With a key or algorithm that libcrypto lacks the names alone have to tell. */
    key = crypto_key_new(crypto, cert->spki);
    r = crypto_verify(crypto, key, &parts, NULL);
    crypto_key_free(key);
    return r != CRYPTO_E_BAD_SIGNATURE;
}

static struct slice shown_name(const struct cert_view *cert)
{
    struct slice name = cert->dns_name.size ? cert->dns_name : cert->common_name;

    name.size = name.size > NAME_SIZE_MAX ? NAME_SIZE_MAX : name.size;
    return name;
}

/* Copies @text behind what is at *@at already, as printable ASCII with a NUL. */
static const char *put_text(char **at, struct slice text)
{
    char *start = *at;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        *(*at)++ = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    *(*at)++ = 0;
    return start;
}

/* What the issuer's TLS feature extension demands counts for the leaf as well: it restricts the
 * chains that are valid (RFC 7633, 4.2.2). RFC 7633 Abstract: "Informing clients that an OCSP
 * status response will always be stapled permits an immediate failure in the case that the response
 * is not stapled." */
static void facts_set_issuer(struct cert_facts *facts, const struct issuer *issuer)
{
    facts->has_issuer = true;
    facts->must_staple = facts->must_staple || issuer->view.must_staple;
    memcpy(facts->issuer_name_sha1, issuer->name_hash[CERTID_SHA1], SHA1_SIZE);
    memcpy(facts->issuer_key_sha1, issuer->key_hash[CERTID_SHA1], SHA1_SIZE);
}

int cert_facts_new(struct cert_facts **ret_facts, struct crypto *crypto,
                   const struct cert_view *leaf, const struct issuer *issuer)
{
    _cleanup_(freep)
    struct cert_facts *facts = NULL;
    struct slice name = shown_name(leaf);
    size_t text_size = name.size + 1;
    char *at;

    assert(leaf->serial.size <= LIMIT_SERIAL_SIZE);
    for (unsigned i = 0; i < leaf->ocsp_url_count; i++) {
        text_size += leaf->ocsp_urls[i].size + 1;
    }
    facts = calloc(1, sizeof(*facts) + text_size);
    if (!facts || !crypto_digest(crypto, CERTID_SHA256, leaf->der, facts->leaf_sha256)) {
        return error_trace(-ENOMEM);
    }
    at = (char *)(facts + 1);
    facts->name = put_text(&at, name);
    for (unsigned i = 0; i < leaf->ocsp_url_count; i++) {
        facts->urls[i] = put_text(&at, leaf->ocsp_urls[i]);
    }
    facts->url_count = (uint8_t)leaf->ocsp_url_count;
    memcpy(facts->serial, leaf->serial.data, leaf->serial.size);
    facts->serial_size = (uint8_t)leaf->serial.size;
    facts->must_staple = leaf->must_staple;
    facts->other_tls_feature = leaf->other_tls_feature;
    facts->is_ca = leaf->is_ca;
    facts->self_signed = is_self_signed(crypto, leaf);
    facts->not_before_s = leaf->not_before_s;
    facts->not_after_s = leaf->not_after_s;
    if (issuer) {
        facts_set_issuer(facts, issuer);
    }
    *ret_facts = steal(&facts);
    return 0;
}
