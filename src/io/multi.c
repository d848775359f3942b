/* SPDX-License-Identifier: Apache-2.0 */
#include "io/multi.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"

#define HOST_CONNECTIONS 32 /* at once to one responder */
#define KEPT_CONNECTIONS 64 /* idle ones kept for the next request */

struct multi {
    CURLM *curl; /* NULL: closed */
    uv_loop_t *loop;
    uv_timer_t timer;
    unsigned handles; /* of libuv, not closed yet; the memory stays until there are none */
    void (*ended)(void *context, CURL *easy, CURLcode code);
    void *context;
};

struct multi_socket {
    uv_poll_t poll;
    struct multi *multi;
    curl_socket_t fd;
};

static void multi_unref(struct multi *multi)
{
    if (--multi->handles == 0) {
        free(multi);
        curl_global_cleanup();
    }
}

static void multi_tell(struct multi *multi)
{
    CURLMsg *message;
    int left;

    /* @ended may close us: the timer's close callback keeps the memory until later. */
    while (multi->curl && (message = curl_multi_info_read(multi->curl, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_multi_remove_handle(multi->curl, easy); /* the message dies here */
        multi->ended(multi->context, easy, code);
    }
}

static void multi_act(struct multi *multi, curl_socket_t fd, int events)
{
    int running;

    if (multi->curl) {
        curl_multi_socket_action(multi->curl, fd, events, &running);
        multi_tell(multi);
    }
}

static void on_timer(uv_timer_t *timer)
{
    multi_act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct multi_socket *socket = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    multi_act(socket->multi, socket->fd, flags);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct multi_socket *socket = handle->data;

    multi_unref(socket->multi);
    free(socket);
}

static void on_timer_closed(uv_handle_t *handle)
{
    multi_unref(handle->data);
}

static struct multi_socket *socket_new(struct multi *multi, curl_socket_t fd)
{
    _cleanup_(freep)
    struct multi_socket *socket = calloc(1, sizeof(*socket));

    if (!socket || uv_poll_init_socket(multi->loop, &socket->poll, fd)) {
        return NULL;
    }
    multi->handles++;
    socket->multi = multi;
    socket->fd = fd;
    socket->poll.data = socket;
    curl_multi_assign(multi->curl, fd, socket);
    return steal(&socket);
}

/* What curl wants to know about a socket. -1 makes curl fail all transfers of the moment, which is
 * the best that can be done without memory. */
static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *pointer)
{
    struct multi *multi = context;
    struct multi_socket *socket = pointer;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            uv_poll_stop(&socket->poll); /* now: curl closes the descriptor behind our back */
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
            curl_multi_assign(multi->curl, fd, NULL);
        }
        return 0;
    }
    socket = socket ? socket : socket_new(multi, fd);
    if (!socket) {
        return -1;
    }
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return uv_poll_start(&socket->poll, events, on_poll) ? -1 : 0;
}

static int on_want_timer(CURLM *curl, long wait_ms, void *context)
{
    struct multi *multi = context;

    (void)curl;
    if (wait_ms < 0) {
        uv_timer_stop(&multi->timer);
        return 0;
    }
    uv_update_time(multi->loop);
    /* 0 would be due within this very turn of the loop when called from another timer: never act
     * on curl from inside curl. */
    return uv_timer_start(&multi->timer, on_timer, wait_ms ? (uint64_t)wait_ms : 1, 0) ? -1 : 0;
}

static int multi_setup(struct multi *multi)
{
    int bad = 0;

    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_want_timer);
    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    bad |=
        (int)curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return bad ? -ENOMEM : 0;
}

int multi_new(struct multi **ret_multi, uv_loop_t *loop,
              void (*ended)(void *context, CURL *easy, CURLcode code), void *context)
{
    struct multi *multi;
    int r;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return -ENOMEM;
    }
    multi = calloc(1, sizeof(*multi));
    if (!multi) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    multi->loop = loop;
    multi->ended = ended;
    multi->context = context;
    uv_timer_init(loop, &multi->timer); /* cannot fail */
    multi->timer.data = multi;
    multi->handles = 1;
    multi->curl = curl_multi_init();
    r = multi->curl ? multi_setup(multi) : -ENOMEM;
    if (r) {
        multi_close(multi);
        return error_trace(r);
    }
    *ret_multi = multi;
    return 0;
}

void multi_close(struct multi *multi)
{
    if (multi->curl) {
        curl_multi_cleanup(multi->curl); /* calls on_want_socket() and on_want_timer() */
        multi->curl = NULL;
    }
    uv_close((uv_handle_t *)&multi->timer, on_timer_closed);
}

int multi_add(struct multi *multi, CURL *easy)
{
    return curl_multi_add_handle(multi->curl, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void multi_remove(struct multi *multi, CURL *easy)
{
    curl_multi_remove_handle(multi->curl, easy);
}
