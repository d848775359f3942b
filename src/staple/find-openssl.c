/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/find-openssl.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#define CALLERS_MAX 64

static const char *const hook_names[HOOK_COUNT] = {
    [HOOK_NEW] = "SSL_CTX_new",
    [HOOK_NEW_EX] = "SSL_CTX_new_ex",
    [HOOK_CTRL] = "SSL_CTX_ctrl",
    [HOOK_CALLBACK] = "SSL_CTX_callback_ctrl",
};

/* What was found out for the places that call: the loader's lock is then not needed again, which a
 * child of a fork could find held for ever. */
struct known {
    const void *caller; /* atomic, written behind the others */
    const SSL_METHOD *method;
    void *real;
};
static struct known known[HOOK_COUNT][CALLERS_MAX];
static unsigned known_count[HOOK_COUNT];

/* A handle of the object that @address lies in; NULL: that is the program itself, or nothing. */
static void *open_object(const void *address)
{
    struct link_map *map = NULL;
    Dl_info info;

    if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map || !map->l_name[0]) {
        return NULL;
    }
    return dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
}

static const void *base_of(const void *address)
{
    Dl_info info;

    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* Not another library that stands before OpenSSL as we do. */
static bool is_openssls(const void *function)
{
    void *object = open_object(function);
    bool whole = false;

    if (object) {
        whole = base_of(dlsym(object, "SSL_get_SSL_CTX")) == base_of(function);
        dlclose(object);
    }
    return whole;
}

/* In the object of @address and in what it was linked with. Never ours: an object may be linked
 * with us, too. */
static void *find_from(const char *name, const void *address)
{
    void *object = open_object(address);
    void *real = NULL;

    if (object) {
        real = dlsym(object, name);
        dlclose(object);
    }
    return real && base_of(real) != base_of(known) ? real : NULL;
}

/* By who calls: that is right also when a second libssl is in the process, or when it was loaded
 * where RTLD_NEXT does not look (python). Who stands before OpenSSL as we do finds itself so, and
 * wants what is behind us. */
static void *find_behind(const char *name, const void *caller)
{
    void *real = find_from(name, caller);

    if (real && (base_of(real) != base_of(caller) || is_openssls(real))) {
        return real;
    }
    return dlsym(RTLD_NEXT, name);
}

/* The last thing to try, for who calls without having been linked with it. */
static void *find_anywhere(const char *name)
{
    static const char *const files[] = {"libssl.so.3", "libssl.so.1.1"};
    void *real = NULL;

    for (unsigned i = 0; i < sizeof(files) / sizeof(*files) && !real; ++i) {
        void *object = dlopen(files[i], RTLD_LAZY | RTLD_NOLOAD);

        if (object) {
            real = dlsym(object, name);
            dlclose(object);
        }
    }
    return real;
}

/* A method lies in its libssl, which is more than is known of who calls: SSL_CTX_new() of OpenSSL 3
 * seems to have been called by a program that has two of them, each by its dlsym(). */
static void *search(enum hook hook, const void *caller, const SSL_METHOD *method)
{
    const char *name = hook_names[hook];
    void *real = find_behind(name, caller);
    void *of_method = method ? find_from(name, method) : NULL;

    if (of_method && (!real || is_openssls(real))) {
        return of_method;
    }
    return real ? real : find_anywhere(name);
}

static void remember(enum hook hook, const void *caller, const SSL_METHOD *method, void *real)
{
    unsigned at = __atomic_fetch_add(&known_count[hook], 1, __ATOMIC_RELAXED);

    if (at < CALLERS_MAX) {
        open_object(real); /* its handle is kept: what is remembered must not be unloaded */
        known[hook][at].real = real;
        known[hook][at].method = method;
        __atomic_store_n(&known[hook][at].caller, caller, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&known_count[hook], CALLERS_MAX, __ATOMIC_RELAXED);
    }
}

void *find_real(enum hook hook, const void *caller, const SSL_METHOD *method)
{
    void *real;

    for (unsigned i = 0; i < CALLERS_MAX; ++i) {
        const struct known *place = &known[hook][i];

        if (__atomic_load_n(&place->caller, __ATOMIC_ACQUIRE) == caller &&
            place->method == method) {
            return place->real;
        }
    }
    real = search(hook, caller, method);
    if (real) {
        remember(hook, caller, method, real);
    }
    return real;
}

/* @slot: a pointer to a function pointer. */
static bool take(void *object, const char *name, void *slot)
{
    void *function = dlsym(object, name);

    memcpy(slot, &function, sizeof(function));
    return function != NULL;
}

static bool take_all(void *object, struct stapler_openssl *openssl)
{
    return take(object, "SSL_get_certificate", &openssl->ssl_get_certificate) &&
           take(object, "SSL_get_SSL_CTX", &openssl->ssl_get_ctx) &&
           take(object, "SSL_is_server", &openssl->ssl_is_server) &&
           take(object, "SSL_ctrl", &openssl->ssl_ctrl) &&
           take(object, "SSL_CTX_ctrl", &openssl->ctx_ctrl) &&
           take(object, "SSL_CTX_callback_ctrl", &openssl->ctx_callback_ctrl) &&
           take(object, "SSL_CTX_set_ex_data", &openssl->ctx_set_ex_data) &&
           take(object, "SSL_CTX_get_ex_data", &openssl->ctx_get_ex_data) &&
           take(object, "SSL_set_ex_data", &openssl->ssl_set_ex_data) &&
           take(object, "SSL_get_ex_data", &openssl->ssl_get_ex_data) &&
           take(object, "CRYPTO_get_ex_new_index", &openssl->new_index) &&
           take(object, "X509_digest", &openssl->digest) &&
           take(object, "EVP_sha256", &openssl->sha256) &&
           take(object, "X509_up_ref", &openssl->x509_up_ref) &&
           take(object, "X509_free", &openssl->x509_free) &&
           take(object, "CRYPTO_malloc", &openssl->allocate) &&
           take(object, "ERR_set_mark", &openssl->mark_errors) &&
           take(object, "ERR_pop_to_mark", &openssl->forget_errors);
}

/* Others have functions of these names, too (LibreSSL, BoringSSL), and numbers that are no promise.
 */
static bool is_known(void *object, const char **ret_version)
{
    unsigned long (*number)(void);
    const char *(*version)(int);

    *ret_version = "an unknown TLS library";
    if (!take(object, "OpenSSL_version_num", &number) ||
        !take(object, "OpenSSL_version", &version)) {
        return false;
    }
    *ret_version = version(OPENSSL_VERSION);
    return strncmp(*ret_version, "OpenSSL ", strlen("OpenSSL ")) == 0 &&
           (number() >> 28 == 3 || number() >> 12 == 0x10101);
}

bool find_openssl(struct openssl_found *ret_found, void *real)
{
    struct openssl_found found = {.version = "a TLS library of the program's own"};
    void *object = open_object(real);
    bool good = object && is_known(object, &found.version) && take_all(object, &found.openssl);

    if (good) {
        for (unsigned i = 0; i < HOOK_COUNT; ++i) {
            found.hooks[i] = dlsym(object, hook_names[i]);
        }
        *ret_found = found; /* and the handle is kept */
        return true;
    }
    ret_found->version = found.version;
    if (object) {
        dlclose(object);
    }
    return false;
}
