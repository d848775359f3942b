/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/stapler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whose hash is known: hashing takes longer than all the rest of a lookup. A reference is held, so
 * that the address means no other certificate. Never changed, and freed with its context. */
struct hashed {
    X509 *cert;
    uint8_t id[STAPLE_ID_SIZE];
};

/* Of one context. What comes behind them (certificates that are chosen while the server runs) is
 * hashed each time. */
#define HASHED_MAX 4

/* What we know of an SSL_CTX, in its ex_data. The argument of the server's callback stays where
 * OpenSSL keeps it, since it hands that to ours: setting and asking for it needs nothing of us. */
struct attachment {
    struct source *source;    /* atomic, as are the others: handshakes may be under way */
    stapler_callback *theirs; /* the server's own, or NULL */
    enum clinch_staple_mode mode;
    struct hashed *hashed[HASHED_MAX]; /* the first ones are taken first */
};

static void on_free(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number,
                    void *pointer)
{
    const struct stapler *stapler = pointer;
    struct attachment *attachment = data;

    (void)parent, (void)all, (void)index, (void)number;
    for (unsigned i = 0; attachment && i < HASHED_MAX; ++i) {
        if (attachment->hashed[i]) {
            stapler->openssl.x509_free(attachment->hashed[i]->cert);
            free(attachment->hashed[i]);
        }
    }
    free(attachment);
}

/* Threads that come here at once may take one each, of which one is used. There is no lock that a
 * fork could catch. */
static int take_index(struct stapler *stapler, int *slot, int class, CRYPTO_EX_free *free_data)
{
    int index = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    int taken;

    if (index > 0) {
        return index;
    }
    taken = 1 + stapler->openssl.new_index(class, 0, stapler, NULL, NULL, free_data);
    if (taken <= 0 || __atomic_compare_exchange_n(slot, &index, taken, false, __ATOMIC_ACQ_REL,
                                                  __ATOMIC_ACQUIRE)) {
        return taken;
    }
    return index;
}

/* @ctx: NULL is fine; OpenSSL's own functions make a failure of it. */
static struct attachment *attachment_of(const struct stapler *stapler, const SSL_CTX *ctx)
{
    int index = __atomic_load_n(&stapler->index, __ATOMIC_ACQUIRE);

    return ctx && index > 0 ? stapler->openssl.ctx_get_ex_data(ctx, index - 1) : NULL;
}

static stapler_callback *callback_of(const struct stapler *stapler, SSL_CTX *ctx)
{
    stapler_callback *callback = NULL;

    stapler->openssl.ctx_ctrl(ctx, SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB, 0, (void *)&callback);
    return callback;
}

static void put_callback(const struct stapler *stapler, SSL_CTX *ctx)
{
    stapler->openssl.ctx_callback_ctrl(ctx, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                                       (void (*)(void))stapler->callback);
}

/* OpenSSL's errors, which are the server's, stay as they were. */
static bool keep(struct stapler *stapler, SSL_CTX *ctx, struct attachment *attachment)
{
    int index, done;

    stapler->openssl.mark_errors();
    index = take_index(stapler, &stapler->index, CRYPTO_EX_INDEX_SSL_CTX, on_free);
    done = index > 0 && take_index(stapler, &stapler->ssl_index, CRYPTO_EX_INDEX_SSL, NULL) > 0 &&
           stapler->openssl.ctx_set_ex_data(ctx, index - 1, attachment);
    stapler->openssl.forget_errors();
    return done;
}

int stapler_attach(struct stapler *stapler, SSL_CTX *ctx, struct source *source)
{
    stapler_callback *callback = callback_of(stapler, ctx);
    struct attachment *attachment = attachment_of(stapler, ctx);

    if (attachment) {
        __atomic_store_n(&attachment->source, source, __ATOMIC_RELEASE);
        if (callback != stapler->callback) { /* set by the server since */
            __atomic_store_n(&attachment->theirs, callback, __ATOMIC_RELEASE);
            put_callback(stapler, ctx);
        }
        return 0;
    }
    attachment = calloc(1, sizeof(*attachment));
    if (!attachment) {
        return -ENOMEM;
    }
    attachment->source = source;
    attachment->theirs = callback;
    if (!keep(stapler, ctx, attachment)) {
        free(attachment);
        return -ENOMEM;
    }
    put_callback(stapler, ctx);
    return 0;
}

int stapler_set_mode(struct stapler *stapler, SSL_CTX *ctx, enum clinch_staple_mode mode)
{
    struct attachment *attachment = attachment_of(stapler, ctx);

    if (!attachment || (mode != CLINCH_STAPLE_FIRST && mode != CLINCH_STAPLE_FALLBACK)) {
        return -EINVAL;
    }
    __atomic_store_n(&attachment->mode, mode, __ATOMIC_RELAXED);
    return 0;
}

bool stapler_get_theirs(const struct stapler *stapler, const SSL_CTX *ctx,
                        stapler_callback **ret_theirs)
{
    struct attachment *attachment = attachment_of(stapler, ctx);

    if (attachment) {
        *ret_theirs = __atomic_load_n(&attachment->theirs, __ATOMIC_ACQUIRE);
    }
    return attachment != NULL;
}

bool stapler_set_theirs(const struct stapler *stapler, const SSL_CTX *ctx, stapler_callback *theirs)
{
    struct attachment *attachment = attachment_of(stapler, ctx);

    if (attachment) {
        __atomic_store_n(&attachment->theirs, theirs, __ATOMIC_RELEASE);
    }
    return attachment != NULL;
}

int stapler_identify(const struct stapler *stapler, const X509 *cert, uint8_t *ret_id)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    int done;

    stapler->openssl.mark_errors();
    done = stapler->openssl.digest(cert, stapler->openssl.sha256(), digest, &size);
    stapler->openssl.forget_errors();
    if (!done || size != STAPLE_ID_SIZE) {
        return -ENOMEM;
    }
    memcpy(ret_id, digest, STAPLE_ID_SIZE);
    return 0;
}

/* Without memory it is only not remembered, nor where another thread was first. */
static void remember(const struct stapler *stapler, struct hashed **slot, X509 *cert,
                     const uint8_t *id)
{
    struct hashed *hashed = malloc(sizeof(*hashed));
    struct hashed *none = NULL;

    if (!hashed || !stapler->openssl.x509_up_ref(cert)) {
        free(hashed);
        return;
    }
    hashed->cert = cert;
    memcpy(hashed->id, id, STAPLE_ID_SIZE);
    if (!__atomic_compare_exchange_n(slot, &none, hashed, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        stapler->openssl.x509_free(cert);
        free(hashed);
    }
}

static int identify(const struct stapler *stapler, struct attachment *attachment, X509 *cert,
                    uint8_t *ret_id)
{
    struct hashed **slot = attachment->hashed;
    struct hashed **end = slot + HASHED_MAX;
    const struct hashed *hashed = NULL;
    int r;

    while (slot < end && (hashed = __atomic_load_n(slot, __ATOMIC_ACQUIRE)) &&
           hashed->cert != cert) {
        ++slot;
    }
    if (slot < end && hashed) {
        memcpy(ret_id, hashed->id, STAPLE_ID_SIZE);
        return 0;
    }
    r = stapler_identify(stapler, cert, ret_id);
    if (!r && slot < end) {
        remember(stapler, slot, cert, ret_id);
    }
    return r;
}

int stapler_copy(const struct stapler *stapler, struct source *source, const uint8_t *id,
                 struct stapler_bytes *ret_bytes)
{
    struct staple *staple = cache_get(source_cache(source), id);
    unsigned char *data;

    if (stapler->tell) {
        stapler->tell(id, staple ? staple->size : 0);
    }
    if (!staple) {
        return CLINCH_STAPLE_NONE;
    }
    stapler->openssl.mark_errors();
    data = stapler->openssl.allocate(staple->size, __FILE__, __LINE__);
    stapler->openssl.forget_errors();
    if (data) {
        memcpy(data, staple->der, staple->size);
        *ret_bytes = (struct stapler_bytes){data, staple->size};
    }
    staple_unref(staple);
    return data ? 0 : -ENOMEM;
}

static const void *answer_of(const struct stapler *stapler, SSL *ssl)
{
    const unsigned char *data = NULL;
    long size =
        stapler->openssl.ssl_ctrl(ssl, SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, (void *)&data);

    return size > 0 ? data : NULL;
}

/* What an SSL was given stays in it, also for its next handshake (renegotiation, SSL_clear()), and
 * the server's callback may say "OK" to whatever is there. By then ours may be over. */
static void forget_ours(const struct stapler *stapler, SSL *ssl)
{
    int index = __atomic_load_n(&stapler->ssl_index, __ATOMIC_ACQUIRE);
    const void *data = answer_of(stapler, ssl);

    if (data && data == stapler->openssl.ssl_get_ex_data(ssl, index - 1)) {
        stapler->openssl.ssl_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, NULL);
    }
}

/* Takes @bytes over. False: there was no memory to know it by. */
static bool give(const struct stapler *stapler, SSL *ssl, const struct stapler_bytes *bytes)
{
    int index = __atomic_load_n(&stapler->ssl_index, __ATOMIC_ACQUIRE);
    int done;

    stapler->openssl.ssl_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, (long)bytes->size,
                              bytes->data);
    stapler->openssl.mark_errors();
    done = stapler->openssl.ssl_set_ex_data(ssl, index - 1, bytes->data);
    stapler->openssl.forget_errors();
    if (!done) {
        stapler->openssl.ssl_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, NULL);
    }
    return done;
}

static int answer_from(const struct stapler *stapler, SSL *ssl, struct attachment *attachment)
{
    struct source *source = __atomic_load_n(&attachment->source, __ATOMIC_ACQUIRE);
    X509 *cert = stapler->openssl.ssl_get_certificate(ssl);
    struct stapler_bytes bytes;
    uint8_t id[STAPLE_ID_SIZE];
    int kept = errno;
    int r = SSL_TLSEXT_ERR_NOACK;

    if (cert && !identify(stapler, attachment, cert, id) &&
        !stapler_copy(stapler, source, id, &bytes) && give(stapler, ssl, &bytes)) {
        r = SSL_TLSEXT_ERR_OK;
    }
    errno = kept;
    return r;
}

int stapler_answer(const struct stapler *stapler, SSL *ssl, void *argument)
{
    bool server = stapler->openssl.ssl_is_server(ssl);
    struct attachment *attachment = attachment_of(stapler, stapler->openssl.ssl_get_ctx(ssl));
    stapler_callback *theirs =
        attachment ? __atomic_load_n(&attachment->theirs, __ATOMIC_ACQUIRE) : NULL;
    int r;

    if (!server || !attachment) {
        return theirs ? theirs(ssl, argument) : server ? SSL_TLSEXT_ERR_NOACK : 1;
    }
    forget_ours(stapler, ssl);
    if (theirs && __atomic_load_n(&attachment->mode, __ATOMIC_RELAXED) == CLINCH_STAPLE_FALLBACK) {
        r = theirs(ssl, argument);
        /* "OK" with nothing to be sent: it has none. */
        if (r != SSL_TLSEXT_ERR_NOACK && (r != SSL_TLSEXT_ERR_OK || answer_of(stapler, ssl))) {
            return r;
        }
        theirs = NULL; /* has been asked */
    }
    r = answer_from(stapler, ssl, attachment);
    if (r != SSL_TLSEXT_ERR_OK && theirs) {
        return theirs(ssl, argument);
    }
    return r;
}
