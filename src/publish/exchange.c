/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/error.h"
#include "publish/disk.h"

#define HOST_MAX 256

struct exchange {
    uv_loop_t *loop;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } peer;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    uv_getaddrinfo_t lookup;
    bool peer_open;
    bool looking_up;
    bool ended;        /* told or given up */
    unsigned holds;    /* handles and requests that libuv still has */
    const char *fault; /* known before the loop could tell it */
    char *address;
    struct buf request;
    struct buf reply;
    void (*done)(void *context, const char *fault, struct slice reply);
    void *context;
    char chunk[65536];
};

static void release(struct exchange *exchange)
{
    if (--exchange->holds == 0) {
        buf_deinit(&exchange->request);
        buf_deinit(&exchange->reply);
        free(exchange->address);
        free(exchange);
    }
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void shut(struct exchange *exchange)
{
    exchange->ended = true;
    uv_close((uv_handle_t *)&exchange->timer, on_closed);
    if (exchange->peer_open) {
        exchange->peer_open = false;
        uv_close(&exchange->peer.handle, on_closed);
    }
    if (exchange->looking_up) {
        uv_cancel((uv_req_t *)&exchange->lookup);
    }
}

static void finish(struct exchange *exchange, const char *fault)
{
    if (exchange->ended) {
        return;
    }
    exchange->ended = true; /* done() may cancel what it has */
    exchange->done(exchange->context, fault, slice_of_buf(&exchange->reply));
    shut(exchange);
}

void exchange_cancel(struct exchange *exchange)
{
    if (exchange && !exchange->ended) {
        shut(exchange);
    }
}

static const char *fault_of(int status)
{
    switch (status) {
    case UV_ENOENT:
        return "there is no such socket (is the server running?)";
    case UV_ECONNREFUSED:
        return "connection refused (is the server running?)";
    default:
        return uv_strerror(status);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct exchange *exchange = timer->data;

    finish(exchange, exchange->fault ? exchange->fault : "no whole answer in time");
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
    struct exchange *exchange = handle->data;

    (void)size;
    *ret_buf = uv_buf_init(exchange->chunk, sizeof(exchange->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *chunk)
{
    struct exchange *exchange = stream->data;

    if (size > 0) {
        buf_put(&exchange->reply, chunk->base, (size_t)size);
        if (buf_status(&exchange->reply)) {
            finish(exchange, "the answer is too long");
        }
    } else if (size == UV_EOF) {
        finish(exchange, NULL);
    } else if (size < 0) {
        finish(exchange, fault_of((int)size));
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct exchange *exchange = write->data;

    if (status) {
        finish(exchange, fault_of(status));
    }
    release(exchange);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct exchange *exchange = connect->data;
    uv_buf_t request =
        uv_buf_init((char *)exchange->request.data, (unsigned)exchange->request.size);

    if (!exchange->ended && (status == UV_EACCES || status == UV_EPERM)) {
        struct buf fault = BUF_INIT(4096);

        disk_put_socket_fix(&fault, exchange->address);
        finish(exchange, buf_text(&fault));
        buf_deinit(&fault);
    } else if (status || exchange->ended) {
        finish(exchange, fault_of(status));
    } else if (uv_write(&exchange->write, &exchange->peer.stream, &request, 1, on_written)) {
        finish(exchange, "cannot send");
    } else {
        ++exchange->holds;
        if (uv_read_start(&exchange->peer.stream, on_alloc, on_read)) {
            finish(exchange, "cannot receive");
        }
    }
    release(exchange);
}

static int connect_unix(struct exchange *exchange)
{
    int r = uv_pipe_init(exchange->loop, &exchange->peer.pipe, 0);

    if (r) {
        return r;
    }
    exchange->peer.handle.data = exchange;
    exchange->peer_open = true;
    exchange->holds += 2; /* the handle and the request */
    uv_pipe_connect(&exchange->connect, &exchange->peer.pipe, exchange->address, on_connected);
    return 0;
}

static int connect_tcp(struct exchange *exchange, const struct sockaddr *address)
{
    int r = uv_tcp_init(exchange->loop, &exchange->peer.tcp);

    if (r) {
        return r;
    }
    exchange->peer.handle.data = exchange;
    exchange->peer_open = true;
    ++exchange->holds;
    r = uv_tcp_connect(&exchange->connect, &exchange->peer.tcp, address, on_connected);
    exchange->holds += r == 0;
    return r;
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct exchange *exchange = lookup->data;

    exchange->looking_up = false;
    if (status && !exchange->ended) {
        finish(exchange, "its host name is not known");
    } else if (!exchange->ended) {
        int r = connect_tcp(exchange, found->ai_addr);

        if (r) {
            finish(exchange, fault_of(r));
        }
    }
    uv_freeaddrinfo(found);
    release(exchange);
}

/* "host:port", "[host]:port". */
static bool split_address(const char *address, char ret_host[HOST_MAX], const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t size = colon ? (size_t)(colon - address) : 0;

    if (size > 2 && address[0] == '[' && address[size - 1] == ']') {
        ++address;
        size -= 2;
    } else if (memchr(address, ':', size)) {
        return false;
    }
    if (size == 0 || size >= HOST_MAX || !colon[1] || strlen(colon + 1) > 5 ||
        colon[1 + strspn(colon + 1, "0123456789")]) {
        return false;
    }
    memcpy(ret_host, address, size);
    ret_host[size] = 0;
    *ret_port = colon + 1;
    return true;
}

const char *exchange_check(const char *address)
{
    char host[HOST_MAX];
    const char *port;

    if (address[0] == '/') {
        return strlen(address) < sizeof(((struct sockaddr_un *)0)->sun_path)
                   ? NULL
                   : "its path is too long for a socket";
    }
    return split_address(address, host, &port) ? NULL : "it is neither a path nor host:port";
}

static int look_up(struct exchange *exchange)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char host[HOST_MAX];
    const char *port;
    int r;

    if (!split_address(exchange->address, host, &port)) {
        return UV_EINVAL;
    }
    r = uv_getaddrinfo(exchange->loop, &exchange->lookup, on_found, host, port, &hints);
    if (r == 0) {
        exchange->looking_up = true;
        ++exchange->holds;
    }
    return r;
}

int exchange_start(struct exchange **ret_exchange, uv_loop_t *loop,
                   const struct exchange_order *order)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    int64_t limit_ms = order->limit_ms;
    int r;

    if (!exchange) {
        return -ENOMEM;
    }
    exchange->loop = loop;
    exchange->request = BUF_INIT(order->request.size + 1);
    exchange->reply = BUF_INIT(order->reply_max);
    exchange->done = order->done;
    exchange->context = order->context;
    exchange->address = text_copy(slice_of_text(order->address));
    buf_put_slice(&exchange->request, order->request);
    if (!exchange->address || buf_status(&exchange->request) ||
        uv_timer_init(loop, &exchange->timer)) {
        exchange->holds = 1;
        release(exchange);
        return -ENOMEM;
    }
    exchange->holds = 1;
    exchange->timer.data = exchange;
    exchange->connect.data = exchange;
    exchange->write.data = exchange;
    exchange->lookup.data = exchange;
    r = exchange->address[0] == '/' ? connect_unix(exchange) : look_up(exchange);
    if (r) {
        exchange->fault = fault_of(r); /* told by the timer: never from inside */
        limit_ms = 0;
    }
    uv_timer_start(&exchange->timer, on_timer, (uint64_t)limit_ms, 0);
    *ret_exchange = exchange;
    return 0;
}
