/* SPDX-License-Identifier: Apache-2.0 */
/* libclinch-preload: any server that uses OpenSSL 1.1.1 or 3 staples, unmodified
 * (LD_PRELOAD; docs/servers/folder.md). Every SSL_CTX gets our callback when it is made; the server
 * sets and sees its own as if there were no other. It is inherited by every child process and
 * therefore needs nothing but the C library: OpenSSL is looked for when somebody calls it, and not
 * before. Whatever goes wrong here means "no staple". */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "staple/find-openssl.h"

#define EXPORT __attribute__((visibility("default")))
#define CALLER (inside ? inside : __builtin_extract_return_addr(__builtin_return_address(0)))

/* A libssl, and what it is served with. */
struct served {
    struct stapler stapler;
    void *hooks[HOOK_COUNT]; /* its functions */
};

static struct source *source; /* NULL: nothing is to be done in this process */
static enum clinch_staple_mode mode;
static bool debug;

/* SSL_CTX_new() of OpenSSL 3 ends in a jump to SSL_CTX_new_ex(), which then seems to be called by
 * what called the former: by us. While it runs, this is where its calls come from. */
static __thread const void *inside __attribute__((tls_model("initial-exec")));

/* Those that are used in this process, each with a callback of its own: an SSL does not say whose
 * it is. More than these are let alone. Atomic; the first ones are taken first. */
#define SERVED_MAX 4
static struct served *served[SERVED_MAX];

/* Who has read stderr may be gone: that must not end the server by SIGPIPE, which is taken back. */
static void say(const char *what, const char *more)
{
    const struct timespec at_once = {0};
    sigset_t sigpipe, before, pending;
    int kept = errno;

    if (!debug) {
        return;
    }
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    sigpending(&pending);
    if (dprintf(STDERR_FILENO, "clinch-preload[%ld]: %s%s\n", (long)getpid(), what, more) < 0 &&
        errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
        sigtimedwait(&sigpipe, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = kept;
}

static void tell(const uint8_t *id, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * STAPLE_ID_SIZE + 1] = "";

    for (unsigned i = 0; i < STAPLE_ID_SIZE; ++i) {
        hex[2 * i] = digits[id[i] >> 4];
        hex[2 * i + 1] = digits[id[i] & 15];
    }
    say(size > 0 ? "stapled: " : "no staple: ", hex);
}

static int answer(unsigned number, SSL *ssl, void *argument)
{
    return stapler_answer(&__atomic_load_n(&served[number], __ATOMIC_ACQUIRE)->stapler, ssl,
                          argument);
}

static int on_status_0(SSL *ssl, void *argument)
{
    return answer(0, ssl, argument);
}

static int on_status_1(SSL *ssl, void *argument)
{
    return answer(1, ssl, argument);
}

static int on_status_2(SSL *ssl, void *argument)
{
    return answer(2, ssl, argument);
}

static int on_status_3(SSL *ssl, void *argument)
{
    return answer(3, ssl, argument);
}

static stapler_callback *const callbacks[SERVED_MAX] = {on_status_0, on_status_1, on_status_2,
                                                        on_status_3};

/* Servers wipe their environment (nginx), and go into a chroot (dovecot, before they make a
 * context): so now, and nothing else now. What the loader lets through in a privileged program does
 * not make the environment trustworthy. */
__attribute__((constructor)) static void start(void)
{
    const char *paths = getenv("CLINCH_STAPLES");
    const char *wanted = getenv("CLINCH_STAPLES_MODE");
    const char *talk = getenv("CLINCH_DEBUG");
    int kept = errno;

    if (getauxval(AT_SECURE)) {
        return;
    }
    debug = talk && talk[0];
    mode = wanted && !strcmp(wanted, "fallback") ? CLINCH_STAPLE_FALLBACK : CLINCH_STAPLE_FIRST;
    if (source_open(&source, paths)) {
        source = NULL;
        say("not used: not up to 16 absolute paths: CLINCH_STAPLES=", paths ? paths : "");
    }
    errno = kept;
}

/* NULL: @real is none that can be served. */
static struct served *make_served(void *real)
{
    struct openssl_found found;
    struct served *made = NULL;

    if (find_openssl(&found, real)) {
        made = calloc(1, sizeof(*made));
    }
    say(made ? "stapling for " : "not used with ", found.version);
    if (made) {
        made->stapler.openssl = found.openssl;
        made->stapler.tell = debug ? tell : NULL;
        memcpy(made->hooks, found.hooks, sizeof(made->hooks));
    }
    return made;
}

/* Makes what @real is served with, at @slot, where there is nothing yet. What is there then. No
 * lock, which a fork could catch: of threads that come at once one wins. */
static struct served *fill(unsigned slot, void *real)
{
    struct served *now = NULL;
    struct served *made = make_served(real);

    if (!made) {
        return NULL;
    }
    made->stapler.callback = callbacks[slot];
    if (__atomic_compare_exchange_n(&served[slot], &now, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        return made;
    }
    free(made);
    return now;
}

/* What @real, called for @hook, is served with; NULL: it is let alone. */
static struct served *served_by(enum hook hook, void *real, bool make)
{
    struct served *now = NULL;

    for (unsigned slot = 0; slot < SERVED_MAX; ++slot) {
        now = __atomic_load_n(&served[slot], __ATOMIC_ACQUIRE);
        if (!now && make && source) {
            now = fill(slot, real);
        }
        if (!now || now->hooks[hook] == real) {
            break;
        }
        now = NULL;
    }
    return now;
}

static SSL_CTX *prepare(enum hook hook, void *real, SSL_CTX *ctx)
{
    int kept = errno;
    struct served *now = ctx ? served_by(hook, real, true) : NULL;

    if (now && !stapler_attach(&now->stapler, ctx, source)) {
        stapler_set_mode(&now->stapler, ctx, mode);
    }
    errno = kept;
    return ctx;
}

EXPORT SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*real)(const SSL_METHOD *) = find_real(HOOK_NEW, CALLER, method);
    const void *outside = inside;
    SSL_CTX *ctx;

    if (!real) {
        return NULL;
    }
    inside = (const void *)real;
    ctx = real(method);
    inside = outside;
    return prepare(HOOK_NEW, real, ctx);
}

/* A context of SSL_CTX_new() comes by here, too. */
EXPORT SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *library, const char *properties,
                               const SSL_METHOD *method)
{
    SSL_CTX *(*real)(OSSL_LIB_CTX *, const char *, const SSL_METHOD *) =
        find_real(HOOK_NEW_EX, CALLER, method);

    return real ? prepare(HOOK_NEW_EX, real, real(library, properties, method)) : NULL;
}

/* SSL_CTX_get_tlsext_status_cb(): a server that finds ours takes it for its own, and what belongs
 * to it for its own, too (HAProxy). The argument (commands 64 and 129) is the server's anyway. */
EXPORT long SSL_CTX_ctrl(SSL_CTX *ctx, int command, long number, void *data)
{
    long (*real)(SSL_CTX *, int, long, void *) = find_real(HOOK_CTRL, CALLER, NULL);
    struct served *now = real ? served_by(HOOK_CTRL, real, false) : NULL;
    stapler_callback *theirs;

    if (now && command == SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB && data &&
        stapler_get_theirs(&now->stapler, ctx, &theirs)) {
        memcpy(data, &theirs, sizeof(theirs));
        return 1;
    }
    return real ? real(ctx, command, number, data) : 0;
}

/* SSL_CTX_set_tlsext_status_cb(). */
EXPORT long SSL_CTX_callback_ctrl(SSL_CTX *ctx, int command, void (*callback)(void))
{
    long (*real)(SSL_CTX *, int, void (*)(void)) = find_real(HOOK_CALLBACK, CALLER, NULL);
    struct served *now = real ? served_by(HOOK_CALLBACK, real, false) : NULL;

    if (now && command == SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB &&
        stapler_set_theirs(&now->stapler, ctx, (stapler_callback *)callback)) {
        return 1;
    }
    return real ? real(ctx, command, callback) : 0;
}
