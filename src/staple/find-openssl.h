/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* OpenSSL in a process that may have one, several, or none, and may have loaded it with dlopen() in
 * a scope of its own. Nothing is ever loaded. */

#include "staple/stapler.h"

enum hook {
    HOOK_NEW,      /* SSL_CTX_new() */
    HOOK_NEW_EX,   /* SSL_CTX_new_ex() */
    HOOK_CTRL,     /* SSL_CTX_ctrl() */
    HOOK_CALLBACK, /* SSL_CTX_callback_ctrl() */
    HOOK_COUNT,
};

/* The function that the code at @caller would have called without us, or NULL. @method: what a
 * context is made of, or NULL. */
void *find_real(enum hook hook, const void *caller, const SSL_METHOD *method);

/* The libssl that the function @real belongs to. It is not unloaded any more. */
struct openssl_found {
    struct stapler_openssl openssl;
    void *hooks[HOOK_COUNT]; /* its own functions; NULL: it has no such one */
    const char *version;     /* for people */
};

/* False: it is not OpenSSL 1.1.1 or 3, or something is missing; only the version is set then. */
bool find_openssl(struct openssl_found *ret_found, void *real);
