/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signer.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "pki/quirks.h"

/* A delegate whose authority was checked. Its dates are not part of that: they are judged each
 * time. Refusals are not remembered: a responder may be repaired at any time. */
struct delegate {
    uint8_t issuer_sha256[SHA256_SIZE]; /* of the issuer's certificate: it may constrain names */
    uint8_t sha256[SHA256_SIZE];        /* of its DER */
    void *key;
    struct signature_facts key_facts;
    struct signature_facts made; /* the signature of its certificate */
    uint16_t quirks;             /* quirks_of() */
    bool alike;                  /* libcrypto takes its name for the issuer's */
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
            memcmp(delegate->issuer_sha256, issuer->sha256, SHA256_SIZE) == 0) {
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

/* What was signed well, and yet with a key that libcrypto and others refuse: one whose curve is
 * written out, of the signer or of its issuer. */
static enum reason reason_of_keys(const struct signature_facts *made,
                                  const struct signature_facts *delegate_made)
{
    return made->key == KEY_EC_EXPLICIT || delegate_made->key == KEY_EC_EXPLICIT
               ? REASON_UNSUPPORTED_ALGORITHM
               : REASON_GOOD;
}

static struct crypto_signed answer_parts(const struct response_view *view)
{
    return (struct crypto_signed){view->tbs, view->signature_algorithm, view->signature};
}

/* RFC 6960 4.2.2.2: "OCSP signing delegation SHALL be designated by the inclusion of
 * id-kp-OCSPSigning" in the extended key usage of the signer's certificate. RFC 6960 4.2.2.2: "This
 * certificate MUST be issued directly by the CA that is identified in the request." Faults as
 * bits. */
static unsigned delegate_faults(const struct issuer *issuer, const struct cert_view *cert)
{
    bool other_key = cert->authority_key_id.size && issuer->view.subject_key_id.size &&
                     !slice_equal(cert->authority_key_id, issuer->view.subject_key_id);
    bool other_name = !slice_equal(cert->issuer, issuer->view.subject);
    /* A delegate with its issuer's own name is taken for self-signed by libcrypto, and so by its
     * users, unless the key identifiers tell the two apart. */
    bool own_issuer = slice_equal(cert->subject, cert->issuer) &&
                      (!cert->subject_key_id.size || !cert->authority_key_id.size ||
                       slice_equal(cert->subject_key_id, cert->authority_key_id));

    return (other_name || other_key || own_issuer ? (unsigned)DELEGATE_NOT_ISSUED : 0) |
           (cert->version != 3 ? (unsigned)DELEGATE_OLD_VERSION : 0) |
           (!cert->eku_ocsp_signing ? (unsigned)DELEGATE_NO_EKU : 0) |
           (cert->is_ca ? (unsigned)DELEGATE_IS_CA : 0) |
           (cert->unknown_critical ? (unsigned)DELEGATE_CRITICAL : 0);
}

/* RFC 6960 3.2: "4. The signer is currently authorized to provide a response for the certificate in
 * question". Checks a delegate seen for the first time: REASON_GOOD, or why it may not sign. Its
 * key is then in @delegate all the same, where libcrypto can use it. */
static enum reason delegate_check(struct signer *signer, const struct issuer *issuer,
                                  const struct cert_view *cert, struct delegate *delegate,
                                  unsigned *faults)
{
    struct crypto_signed parts = {cert->tbs, cert->signature_algorithm, cert->signature};
    int r;

    *faults = delegate_faults(issuer, cert);
    if (*faults & DELEGATE_NOT_ISSUED) {
        return REASON_UNAUTHORIZED_SIGNER;
    }
    /* RFC 6960 4.2.2.2: "Systems relying on OCSP responses MUST recognize a delegation certificate
     * as being issued by the CA that issued the certificate in question only if the delegation
     * certificate and the certificate being checked for revocation were signed by the same key." */
    r = crypto_verify(signer->crypto, issuer->key, &parts, &delegate->made);
    if (r == CRYPTO_E_BAD_SIGNATURE) {
        *faults |= DELEGATE_NOT_ISSUED;
        return REASON_UNAUTHORIZED_SIGNER;
    }
    *faults |= r ? 0 : crypto_signer_faults(signer->crypto, cert->der, issuer->der);
    delegate->key = r ? NULL : crypto_key_new(signer->crypto, cert->spki);
    if (!delegate->key) {
        return *faults ? REASON_UNAUTHORIZED_SIGNER : REASON_UNSUPPORTED_ALGORITHM;
    }
    delegate->made.key = issuer->key_facts.key;
    delegate->made.key_bits = issuer->key_facts.key_bits;
    crypto_key_describe(delegate->key, &delegate->key_facts);
    memcpy(delegate->issuer_sha256, issuer->sha256, SHA256_SIZE);
    delegate->quirks = (uint16_t)quirks_of(cert);
    delegate->alike = crypto_names_alike(cert->subject, issuer->view.subject);
    return *faults ? REASON_UNAUTHORIZED_SIGNER : REASON_GOOD;
}

static enum reason delegate_verify(struct signer *signer, const struct response_view *view,
                                   const struct delegate *delegate, struct ocsp_facts *facts)
{
    struct crypto_signed parts = answer_parts(view);
    struct signature_facts made = delegate->key_facts;
    enum reason reason = reason_of(crypto_verify(signer->crypto, delegate->key, &parts, &made));

    if (reason == REASON_GOOD) {
        facts->made = made;
        facts->delegate_made = delegate->made;
        reason = reason_of_keys(&made, &delegate->made);
    }
    return reason;
}

/* One that may not sign. Some clients need not care about what is wrong with it, so it has to be
 * known whether it did sign: a bad signature nobody takes, and that is the more basic fault. */
static enum reason delegate_refuse(struct signer *signer, const struct response_view *view,
                                   const struct cert_view *cert, struct delegate *delegate,
                                   struct ocsp_facts *facts)
{
    struct crypto_signed parts = answer_parts(view);
    enum reason reason;

    if (delegate->key) {
        reason = delegate_verify(signer, view, delegate, facts);
    } else {
        delegate->key = crypto_key_new(signer->crypto, cert->spki);
        reason = reason_of(crypto_verify(signer->crypto, delegate->key, &parts, NULL));
    }
    delegate->key = crypto_key_free(delegate->key);
    facts->delegate_faults |= reason == REASON_GOOD ? 0 : DELEGATE_NOT_ISSUED;
    return reason == REASON_BAD_SIGNATURE ? reason : REASON_UNAUTHORIZED_SIGNER;
}

/* Is the signature of one embedded certificate's key, and may it sign? */
static enum reason try_delegate(struct signer *signer, const struct response_view *view,
                                const struct issuer *issuer, const struct cert_view *cert,
                                struct ocsp_facts *facts)
{
    struct delegate fresh = {0};
    const struct delegate *delegate;
    enum reason reason;
    unsigned faults;

    if (!crypto_digest(signer->crypto, CERTID_SHA256, cert->der, fresh.sha256)) {
        return REASON_UNSUPPORTED_ALGORITHM;
    }
    if (memcmp(fresh.sha256, view->leaf_sha256, SHA256_SIZE) == 0) {
        facts->delegate_faults = DELEGATE_NOT_ISSUED;
        return REASON_UNAUTHORIZED_SIGNER;
    }
    delegate = delegate_find(signer, issuer, fresh.sha256);
    if (!delegate) {
        reason = delegate_check(signer, issuer, cert, &fresh, &faults);
        if (reason == REASON_UNAUTHORIZED_SIGNER) {
            facts->delegate_faults = (uint16_t)faults;
            return delegate_refuse(signer, view, cert, &fresh, facts);
        }
        if (reason != REASON_GOOD) {
            return reason;
        }
        delegate = delegate_keep(signer, &fresh);
    }
    reason = delegate_verify(signer, view, delegate, facts);
    if (reason == REASON_GOOD && delegate->alike && view->responder_name.size) {
        facts->signer_alike = true;
        return REASON_BAD_SIGNATURE; /* to OpenSSL, which tries the issuer's key and no other */
    }
    if (reason == REASON_GOOD) {
        facts->signer = OCSP_SIGNER_DELEGATE;
        facts->signer_alike = false;
        facts->delegate_quirks = delegate->quirks;
        facts->delegate_faults = 0;
        facts->delegate_not_before_s = cert->not_before_s;
        facts->delegate_not_after_s = cert->not_after_s;
    }
    return reason;
}

/* byKey, RFC 6960 4.2.1: "SHA-1 hash of responder's public key (excluding the tag and length
 * fields)" */
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

/* A delegate renewed with its key may lie beside its predecessor: would @cert be served rather than
 * the one that is in @best? One in date when the answer was made, then the one that lives longer.
 */
static bool is_better(const struct ocsp_facts *best, const struct cert_view *cert)
{
    int64_t made_s = best->produced_at_s;
    bool had = made_s >= best->delegate_not_before_s && made_s <= best->delegate_not_after_s;
    bool has = made_s >= cert->not_before_s && made_s <= cert->not_after_s;

    if (best->signer == OCSP_SIGNER_NONE || had != has) {
        return best->signer == OCSP_SIGNER_NONE || has;
    }
    return cert->not_after_s > best->delegate_not_after_s;
}

/* The embedded certificates that the responder's id names: the best of those that signed and may,
 * else the first fault. Unreadable ones are passed over: they will not be served. */
static enum reason try_embedded(struct signer *signer, const struct response_view *view,
                                const struct issuer *issuer, struct ocsp_facts *facts,
                                unsigned *ret_delegate)
{
    enum reason first = REASON_SIGNER_NOT_FOUND;
    struct ocsp_facts best = {.signer = OCSP_SIGNER_NONE};
    struct slice first_key = SLICE_NULL; /* of the first that is named */
    bool any = false;

    for (unsigned i = 0; i < view->cert_count; i++) {
        struct ocsp_facts found = *facts;
        struct cert_view cert;
        const char *fault;
        enum reason reason;

        if (cert_read(view->certs[i], &cert, &fault) != 0 || !id_is_cert(signer, view, &cert)) {
            continue;
        }
        found.shadowed = any;
        found.shadowed_by_key = any && !slice_equal(first_key, cert.key_bits);
        first_key = any ? first_key : cert.key_bits;
        any = true;
        if (!is_better(&best, &cert)) {
            continue;
        }
        reason = try_delegate(signer, view, issuer, &cert, &found);
        if (reason == REASON_GOOD) {
            best = found;
            best.signer_first = i == 0;
            *ret_delegate = i;
        } else if (first == REASON_SIGNER_NOT_FOUND) {
            first = reason;
            facts->delegate_faults = found.delegate_faults;
            facts->made = found.made;
            facts->delegate_made = found.delegate_made;
            facts->signer_alike = found.signer_alike;
        }
    }
    if (best.signer == OCSP_SIGNER_NONE) {
        return first;
    }
    *facts = best;
    facts->delegate_faults = 0;
    return REASON_GOOD;
}

/* What is embedded, apart from who signed. */
static void look_at_embedded(const struct response_view *view, const struct issuer *issuer,
                             struct ocsp_facts *facts, unsigned *ret_unreadable)
{
    bool is_root = slice_equal(issuer->view.subject, issuer->view.issuer);
    struct cert_view cert;
    const char *fault;

    facts->root_embedded = facts->embedded_unreadable = false;
    *ret_unreadable = view->cert_count;
    for (unsigned i = view->cert_count; i-- > 0;) {
        facts->root_embedded |= is_root && slice_equal(view->certs[i], issuer->der);
        if (cert_read(view->certs[i], &cert, &fault) != 0) {
            facts->embedded_unreadable = true;
            *ret_unreadable = i;
        }
    }
}

static bool id_is_issuer(const struct response_view *view, const struct issuer *issuer)
{
    return view->responder_name.size
               ? slice_equal(view->responder_name, issuer->view.subject)
               : slice_equal(view->responder_key,
                             slice_of(issuer->key_hash[CERTID_SHA1], SHA1_SIZE));
}

/* The issuer signed it. OpenSSL asks of it, too, whether it may. */
static enum reason issuer_reason(const struct issuer *issuer, const struct signature_facts *made)
{
    const struct signature_facts none = {0};

    return issuer->faults ? REASON_UNAUTHORIZED_SIGNER : reason_of_keys(made, &none);
}

/* Whom the signature is of, and whether that one may speak of the certificate. */
static void find_signer(struct signer *signer, const struct response_view *view,
                        const struct issuer *issuer, struct ocsp_facts *facts,
                        unsigned *ret_delegate)
{
    struct crypto_signed parts = answer_parts(view);
    struct signature_facts made = issuer->key_facts;
    int r;

    /* Where the id is the issuer's, Firefox tries no other key, so neither is it done here. */
    if (!id_is_issuer(view, issuer)) {
        facts->signature = try_embedded(signer, view, issuer, facts, ret_delegate);
        facts->signer_misnamed = facts->signature == REASON_SIGNER_NOT_FOUND &&
                                 crypto_verify(signer->crypto, issuer->key, &parts, NULL) == 0;
        return;
    }
    r = crypto_verify(signer->crypto, issuer->key, &parts, &made);
    facts->signature = reason_of(r);
    if (r == 0) {
        facts->made = made;
        facts->signature = issuer_reason(issuer, &made);
        facts->signer = facts->signature == REASON_GOOD ? OCSP_SIGNER_ISSUER : OCSP_SIGNER_NONE;
        facts->delegate_faults = issuer->faults ? (uint16_t)DELEGATE_OF_ODD_ISSUER : 0;
    } else if (facts->signature == REASON_BAD_SIGNATURE) {
        struct ocsp_facts other = *facts; /* only asked about */
        unsigned delegate;

        facts->signer_namesake =
            try_embedded(signer, view, issuer, &other, &delegate) == REASON_GOOD ||
            other.signer_alike;
    }
}

/* RFC 5019 2.2.2: "Clients MUST validate the signature on the returned OCSPResponse." */
void signer_check(struct signer *signer, const struct response_view *view,
                  const struct issuer *issuer, struct ocsp_facts *facts, unsigned *ret_delegate)
{
    unsigned unreadable, delegate = 0;

    assert(facts->form == REASON_GOOD);
    facts->signer = OCSP_SIGNER_NONE;
    look_at_embedded(view, issuer, facts, &unreadable);
    find_signer(signer, view, issuer, facts, &delegate);
    facts->unreadable_first = facts->signer == OCSP_SIGNER_DELEGATE && unreadable < delegate;
    if (ret_delegate && facts->signer == OCSP_SIGNER_DELEGATE) {
        *ret_delegate = delegate;
    }
    /* It speaks of certificates of another issuer, too, for whom nobody allowed it to: OpenSSL
     * takes nothing of such an answer, and neither do we. */
    if (facts->signature == REASON_GOOD && facts->match == REASON_GOOD &&
        facts->others_of_other_issuer) {
        facts->signature = REASON_UNAUTHORIZED_SIGNER;
    }
}
