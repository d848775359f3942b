/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Puts our status callback in front of a server's own, on any SSL_CTX, and answers handshakes.
 * Knows OpenSSL through a table, which libclinch-staple fills by linking and libclinch-preload with
 * what it finds in the process. */

#include <clinch/staple.h>

#include "staple/source.h"

typedef int stapler_callback(SSL *ssl, void *argument);

/* All that is called; the same in OpenSSL 1.1.1 and 3. */
struct stapler_openssl {
    X509 *(*ssl_get_certificate)(const SSL *);
    SSL_CTX *(*ssl_get_ctx)(const SSL *);
    int (*ssl_is_server)(const SSL *);
    long (*ssl_ctrl)(SSL *, int, long, void *);
    long (*ctx_ctrl)(SSL_CTX *, int, long, void *);
    long (*ctx_callback_ctrl)(SSL_CTX *, int, void (*)(void));
    int (*ctx_set_ex_data)(SSL_CTX *, int, void *);
    void *(*ctx_get_ex_data)(const SSL_CTX *, int);
    int (*ssl_set_ex_data)(SSL *, int, void *);
    void *(*ssl_get_ex_data)(const SSL *, int);
    int (*new_index)(int, long, void *, CRYPTO_EX_new *, CRYPTO_EX_dup *, CRYPTO_EX_free *);
    int (*digest)(const X509 *, const EVP_MD *, unsigned char *, unsigned int *);
    const EVP_MD *(*sha256)(void);
    int (*x509_up_ref)(X509 *);
    void (*x509_free)(X509 *);
    void *(*allocate)(size_t, const char *, int);
    int (*mark_errors)(void);
    int (*forget_errors)(void); /* since the mark */
};

struct stapler_bytes {
    unsigned char *data;
    size_t size;
};

struct stapler {
    struct stapler_openssl openssl;
    stapler_callback *callback; /* which calls stapler_answer() */
    /* Hears of each certificate that was looked up; @size 0: nothing to staple. Or NULL. */
    void (*tell)(const uint8_t *id, size_t size);
    int index;     /* of ex_data, + 1; 0: none yet */
    int ssl_index; /* of that of an SSL */
};

/* As clinch_staple_attach(). */
int stapler_attach(struct stapler *stapler, SSL_CTX *ctx, struct source *source);
int stapler_set_mode(struct stapler *stapler, SSL_CTX *ctx, enum clinch_staple_mode mode);

/* What the server has set itself on @ctx. False: @ctx is not attached. */
bool stapler_get_theirs(const struct stapler *stapler, const SSL_CTX *ctx,
                        stapler_callback **ret_theirs);
bool stapler_set_theirs(const struct stapler *stapler, const SSL_CTX *ctx,
                        stapler_callback *theirs);

/* The callback's work. What the server's own would have returned, or SSL_TLSEXT_ERR_OK with a
 * staple, or SSL_TLSEXT_ERR_NOACK; to a client 1. */
int stapler_answer(const struct stapler *stapler, SSL *ssl, void *argument);

/* The SHA-256 of @cert's DER. 0 or -ENOMEM. */
int stapler_identify(const struct stapler *stapler, const X509 *cert, uint8_t *ret_id);

/* The staple of @id in memory of OpenSSL's. 0, CLINCH_STAPLE_NONE, -ENOMEM. */
int stapler_copy(const struct stapler *stapler, struct source *source, const uint8_t *id,
                 struct stapler_bytes *ret_bytes);
