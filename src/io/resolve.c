/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/error.h"

/* So many may hang at a time. */
#define THREADS_MOST 16

struct resolve {
    uv_async_t ready;
    pthread_mutex_t lock; /* for what follows, until `ready` has rung */
    bool given_up;        /* by the loop: the handle must not be touched */
    unsigned holds;       /* the loop and the thread */
    const char *fault;
    struct addrinfo *found;
    void (*done)(void *context, const char *fault, struct addrinfo *found);
    void *context;
    char *host;
    char port[16];
};

static atomic_uint threads;

static void release(struct resolve *resolve)
{
    bool last;

    pthread_mutex_lock(&resolve->lock);
    last = --resolve->holds == 0;
    pthread_mutex_unlock(&resolve->lock);
    if (!last) {
        return;
    }
    if (resolve->found) {
        freeaddrinfo(resolve->found);
    }
    pthread_mutex_destroy(&resolve->lock);
    free(resolve->host);
    free(resolve);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_ready(uv_async_t *ready)
{
    struct resolve *resolve = ready->data;
    struct addrinfo *found;

    pthread_mutex_lock(&resolve->lock); /* the thread may still be ringing */
    found = steal(&resolve->found);
    resolve->given_up = true; /* done() may cancel what it has */
    pthread_mutex_unlock(&resolve->lock);
    resolve->done(resolve->context, resolve->fault, found);
    uv_close((uv_handle_t *)ready, on_closed);
}

static void look_up(struct resolve *resolve, int flags)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | flags,
    };
    struct addrinfo *found = NULL;
    int r = getaddrinfo(resolve->host, resolve->port, &hints, &found);

    pthread_mutex_lock(&resolve->lock);
    resolve->found = r ? NULL : found;
    resolve->fault = r == 0                ? NULL
                     : r == EAI_MEMORY     ? "there is no memory left"
                     : r == EAI_AGAIN      ? "its name cannot be looked up now"
                     : r == EAI_ADDRFAMILY ? "its name has no usable address"
                                           : "its host name is not known";
    if (!resolve->given_up) {
        uv_async_send(&resolve->ready);
    }
    pthread_mutex_unlock(&resolve->lock);
}

static void *run(void *data)
{
    struct resolve *resolve = data;

    look_up(resolve, 0);
    release(resolve);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct resolve *resolve)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int r;

    if (atomic_fetch_add(&threads, 1) >= THREADS_MOST) {
        atomic_fetch_sub(&threads, 1);
        return EAGAIN;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    resolve->holds++;
    r = pthread_create(&thread, &attributes, run, resolve);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r) {
        resolve->holds--;
        atomic_fetch_sub(&threads, 1);
    }
    return r;
}

/* Does @host need no looking up? */
static bool is_address(const char *host)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    bool is = getaddrinfo(host, NULL, &hints, &found) == 0;

    if (is) {
        freeaddrinfo(found);
    }
    return is;
}

int resolve_start(struct resolve **ret_resolve, uv_loop_t *loop, const struct resolve_order *order)
{
    struct resolve *resolve = calloc(1, sizeof(*resolve));

    if (!resolve) {
        return -ENOMEM;
    }
    resolve->host = text_copy(slice_of_text(order->host));
    if (!resolve->host || pthread_mutex_init(&resolve->lock, NULL)) {
        free(resolve->host);
        free(resolve);
        return -ENOMEM;
    }
    resolve->holds = 1;
    if (uv_async_init(loop, &resolve->ready, on_ready)) {
        release(resolve);
        return -ENOMEM;
    }
    resolve->ready.data = resolve;
    resolve->done = order->done;
    resolve->context = order->context;
    snprintf(resolve->port, sizeof(resolve->port), "%u", order->port);
    if (is_address(resolve->host)) {
        look_up(resolve, AI_NUMERICHOST);
    } else if (start_thread(resolve)) {
        resolve->fault = "too many lookups of names hang already";
        uv_async_send(&resolve->ready);
    }
    *ret_resolve = resolve;
    return 0;
}

void resolve_cancel(struct resolve *resolve)
{
    if (!resolve || resolve->given_up) {
        return;
    }
    pthread_mutex_lock(&resolve->lock);
    resolve->given_up = true;
    pthread_mutex_unlock(&resolve->lock);
    uv_close((uv_handle_t *)&resolve->ready, on_closed);
}
