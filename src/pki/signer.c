/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signer.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

/* A delegate whose authority was checked. Its dates are not part of that: they are judged each
 * time. Refusals are not remembered: a responder may be repaired at any time. */
struct delegate {
    uint8_t issuer_spki[SHA256_SIZE];
    uint8_t issuer_name[SHA256_SIZE];
    uint8_t sha256[SHA256_SIZE]; /* of its DER */
    void *key;
    bool weak; /* its key, or the digest its certificate is signed with */
};

#define DELEGATES_MAX 256

struct signer {
    struct crypto *crypto;
    size_t count;
    size_t oldest; /* the one to be replaced next once all are taken */
    struct delegate delegates[DELEGATES_MAX];
};

int signer_new(struct signer **ret_signer, struct crypto *crypto)
{
    struct signer *signer = calloc(1, sizeof(*signer));

    if (!signer) {
        return error_trace(-ENOMEM);
    }
    signer->crypto = crypto;
    *ret_signer = signer;
    return 0;
}

struct signer *signer_free(struct signer *signer)
{
    if (signer) {
        for (size_t i = 0; i < signer->count; i++) {
            crypto_key_free(signer->delegates[i].key);
        }
        free(signer);
    }
    return NULL;
}

static const struct delegate *delegate_find(const struct signer *signer,
                                            const struct issuer *issuer,
                                            const uint8_t sha256[SHA256_SIZE])
{
    for (size_t i = 0; i < signer->count; i++) {
        const struct delegate *delegate = &signer->delegates[i];

        if (memcmp(delegate->sha256, sha256, SHA256_SIZE) == 0 &&
            memcmp(delegate->issuer_spki, issuer->spki_sha256, SHA256_SIZE) == 0 &&
            memcmp(delegate->issuer_name, issuer->name_hash[CERTID_SHA256], SHA256_SIZE) == 0) {
            return delegate;
        }
    }
    return NULL;
}

/* Takes @delegate over; returns where it is kept. */
static const struct delegate *delegate_keep(struct signer *signer, const struct delegate *delegate)
{
    struct delegate *slot;

    if (signer->count < DELEGATES_MAX) {
        slot = &signer->delegates[signer->count++];
    } else {
        slot = &signer->delegates[signer->oldest];
        signer->oldest = (signer->oldest + 1) % DELEGATES_MAX;
        crypto_key_free(slot->key);
    }
    *slot = *delegate;
    return slot;
}

static enum reason reason_of(int verified)
{
    assert(verified >= 0);
    return verified == 0                        ? REASON_GOOD
           : verified == CRYPTO_E_BAD_SIGNATURE ? REASON_BAD_SIGNATURE
                                                : REASON_UNSUPPORTED_ALGORITHM;
}

static struct crypto_signed answer_parts(const struct response_view *view)
{
    return (struct crypto_signed){view->tbs, view->signature_algorithm, view->signature};
}

/* What RFC 6960 4.2.2.2 asks of the certificate itself: "issued directly by the CA that is
 * identified in the request", with id-kp-OCSPSigning said explicitly. */
static bool delegate_is_fit(const struct issuer *issuer, const struct cert_view *cert)
{
    bool other_key = cert->authority_key_id.size && issuer->view.subject_key_id.size &&
                     !slice_equal(cert->authority_key_id, issuer->view.subject_key_id);

    return slice_equal(cert->issuer, issuer->view.subject) && !other_key && cert->version == 3 &&
           cert->has_eku && cert->eku_ocsp_signing && !cert->is_ca && !cert->unknown_critical;
}

/* Checks a delegate seen for the first time. REASON_GOOD and *@ret_delegate, or why not. */
static enum reason delegate_check(struct signer *signer, const struct issuer *issuer,
                                  const struct cert_view *cert, struct delegate *delegate,
                                  const struct delegate **ret_delegate)
{
    struct crypto_signed parts = {cert->tbs, cert->signature_algorithm, cert->signature};
    int r;

    if (!delegate_is_fit(issuer, cert)) {
        return REASON_UNAUTHORIZED_SIGNER;
    }
    r = crypto_verify(signer->crypto, issuer->key, &parts, &delegate->weak);
    if (r) {
        return r == CRYPTO_E_BAD_SIGNATURE ? REASON_UNAUTHORIZED_SIGNER : reason_of(r);
    }
    delegate->key = crypto_key_new(signer->crypto, cert->spki);
    if (!delegate->key) {
        return REASON_UNSUPPORTED_ALGORITHM;
    }
    delegate->weak |= crypto_key_is_weak(delegate->key) || crypto_key_is_weak(issuer->key);
    memcpy(delegate->issuer_spki, issuer->spki_sha256, SHA256_SIZE);
    memcpy(delegate->issuer_name, issuer->name_hash[CERTID_SHA256], SHA256_SIZE);
    *ret_delegate = delegate_keep(signer, delegate);
    return REASON_GOOD;
}

/* Is the signature of one embedded certificate's key, and may it sign? */
static enum reason try_delegate(struct signer *signer, const struct response_view *view,
                                const struct issuer *issuer, const struct cert_view *cert,
                                struct ocsp_facts *facts)
{
    struct crypto_signed parts = answer_parts(view);
    struct delegate fresh = {0};
    const struct delegate *delegate;
    enum reason reason;
    bool weak = false;

    if (!crypto_digest(signer->crypto, CERTID_SHA256, cert->der, fresh.sha256)) {
        return REASON_UNSUPPORTED_ALGORITHM;
    }
    if (memcmp(fresh.sha256, view->leaf_sha256, SHA256_SIZE) == 0) {
        return REASON_UNAUTHORIZED_SIGNER;
    }
    delegate = delegate_find(signer, issuer, fresh.sha256);
    if (!delegate) {
        reason = delegate_check(signer, issuer, cert, &fresh, &delegate);
        if (reason != REASON_GOOD) {
            return reason;
        }
    }
    reason = reason_of(crypto_verify(signer->crypto, delegate->key, &parts, &weak));
    if (reason == REASON_GOOD) {
        facts->signer = OCSP_SIGNER_DELEGATE;
        facts->weak_algorithm = weak || delegate->weak;
        facts->delegate_not_before_s = cert->not_before_s;
        facts->delegate_not_after_s = cert->not_after_s;
    }
    return reason;
}

static bool id_is_cert(const struct signer *signer, const struct response_view *view,
                       const struct cert_view *cert)
{
    uint8_t sha1[CRYPTO_DIGEST_MAX];

    if (view->responder_name.size) {
        return slice_equal(view->responder_name, cert->subject);
    }
    return crypto_digest(signer->crypto, CERTID_SHA1, cert->key_bits, sha1) &&
           slice_equal(view->responder_key, slice_of(sha1, SHA1_SIZE));
}

/* The embedded certificates that the responder's id names, in order; the first that signed and may
 * decides, else the first fault. Unreadable ones are passed over: they will not be served. */
static enum reason try_embedded(struct signer *signer, const struct response_view *view,
                                const struct issuer *issuer, struct ocsp_facts *facts,
                                unsigned *ret_delegate)
{
    enum reason first = REASON_SIGNER_NOT_FOUND;

    for (unsigned i = 0; i < view->cert_count; i++) {
        struct cert_view cert;
        const char *fault;
        enum reason reason;

        if (cert_read(view->certs[i], &cert, &fault) != 0 || !id_is_cert(signer, view, &cert)) {
            continue;
        }
        reason = try_delegate(signer, view, issuer, &cert, facts);
        if (reason == REASON_GOOD) {
            if (ret_delegate) {
                *ret_delegate = i;
            }
            return reason;
        }
        first = first == REASON_SIGNER_NOT_FOUND ? reason : first;
    }
    return first;
}

static bool id_is_issuer(const struct response_view *view, const struct issuer *issuer)
{
    return view->responder_name.size
               ? slice_equal(view->responder_name, issuer->view.subject)
               : slice_equal(view->responder_key,
                             slice_of(issuer->key_hash[CERTID_SHA1], SHA1_SIZE));
}

void signer_check(struct signer *signer, const struct response_view *view,
                  const struct issuer *issuer, struct ocsp_facts *facts, unsigned *ret_delegate)
{
    struct crypto_signed parts = answer_parts(view);
    bool weak = false;

    assert(facts->form == REASON_GOOD);
    facts->signer = OCSP_SIGNER_NONE;
    facts->weak_algorithm = false;
    /* Where the id is the issuer's, Firefox tries no other key, so neither is it done here. */
    if (!id_is_issuer(view, issuer)) {
        facts->signature = try_embedded(signer, view, issuer, facts, ret_delegate);
        return;
    }
    facts->signature = reason_of(crypto_verify(signer->crypto, issuer->key, &parts, &weak));
    if (facts->signature == REASON_GOOD) {
        facts->signer = OCSP_SIGNER_ISSUER;
        facts->weak_algorithm = weak || crypto_key_is_weak(issuer->key);
    }
}
