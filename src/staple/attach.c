/* SPDX-License-Identifier: Apache-2.0 */
/* What libclinch-staple exports. */
#include <clinch/staple.h>
#include <errno.h>
#include <openssl/err.h>

#include "staple/stapler.h"

static int on_status(SSL *ssl, void *argument);

static struct stapler linked = {
    .openssl =
        {
            .ssl_get_certificate = SSL_get_certificate,
            .ssl_get_ctx = SSL_get_SSL_CTX,
            .ssl_is_server = SSL_is_server,
            .ssl_ctrl = SSL_ctrl,
            .ctx_ctrl = SSL_CTX_ctrl,
            .ctx_callback_ctrl = SSL_CTX_callback_ctrl,
            .ctx_set_ex_data = SSL_CTX_set_ex_data,
            .ctx_get_ex_data = SSL_CTX_get_ex_data,
            .ssl_set_ex_data = SSL_set_ex_data,
            .ssl_get_ex_data = SSL_get_ex_data,
            .new_index = CRYPTO_get_ex_new_index,
            .digest = X509_digest,
            .sha256 = EVP_sha256,
            .x509_up_ref = X509_up_ref,
            .x509_free = X509_free,
            .allocate = CRYPTO_malloc,
            .mark_errors = ERR_set_mark,
            .forget_errors = ERR_pop_to_mark,
        },
    .callback = on_status,
};

static int on_status(SSL *ssl, void *argument)
{
    return stapler_answer(&linked, ssl, argument);
}

int clinch_staple_attach(SSL_CTX *ctx, const char *folder)
{
    struct source *source;
    int kept = errno;
    int r = -EINVAL;

    if (ctx) {
        r = source_open(&source, folder);
    }
    if (!r) {
        r = stapler_attach(&linked, ctx, source);
    }
    errno = kept;
    return r;
}

int clinch_staple_set_mode(SSL_CTX *ctx, enum clinch_staple_mode mode)
{
    return ctx ? stapler_set_mode(&linked, ctx, mode) : -EINVAL;
}

int clinch_staple_find(const char *folder, const unsigned char *sha256, unsigned char **ret_der,
                       size_t *ret_size)
{
    struct stapler_bytes bytes;
    struct source *source;
    int kept = errno;
    int r = -EINVAL;

    if (sha256 && ret_der && ret_size) {
        r = source_open(&source, folder);
    }
    if (!r) {
        r = stapler_copy(&linked, source, sha256, &bytes);
    }
    if (!r) {
        *ret_der = bytes.data;
        *ret_size = bytes.size;
    }
    errno = kept;
    return r;
}

int clinch_staple_get(const char *folder, const X509 *cert, unsigned char **ret_der,
                      size_t *ret_size)
{
    uint8_t id[STAPLE_ID_SIZE];
    int r;

    if (!cert || !ret_der || !ret_size) {
        return -EINVAL;
    }
    r = stapler_identify(&linked, cert, id);
    return r ? r : clinch_staple_find(folder, id, ret_der, ret_size);
}
