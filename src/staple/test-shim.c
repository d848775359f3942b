/* SPDX-License-Identifier: Apache-2.0 */

/* Somebody else's library for LD_PRELOAD, which stands before OpenSSL as ours does. */

#include <dlfcn.h>
#include <openssl/ssl.h>
#include <string.h>

static void find(const char *name, void *slot)
{
    void *function = dlsym(RTLD_NEXT, name);

    memcpy(slot, &function, sizeof(function));
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*next)(const SSL_METHOD *);

    find("SSL_CTX_new", &next);
    return next(method);
}

SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *library, const char *properties, const SSL_METHOD *method)
{
    SSL_CTX *(*next)(OSSL_LIB_CTX *, const char *, const SSL_METHOD *);

    find("SSL_CTX_new_ex", &next);
    return next(library, properties, method);
}

long SSL_CTX_ctrl(SSL_CTX *ctx, int command, long number, void *data)
{
    long (*next)(SSL_CTX *, int, long, void *);

    find("SSL_CTX_ctrl", &next);
    return next(ctx, command, number, data);
}

long SSL_CTX_callback_ctrl(SSL_CTX *ctx, int command, void (*callback)(void))
{
    long (*next)(SSL_CTX *, int, void (*)(void));

    find("SSL_CTX_callback_ctrl", &next);
    return next(ctx, command, callback);
}
