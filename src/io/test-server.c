/* SPDX-License-Identifier: Apache-2.0 */
#include "test-server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define DRIP_MS 5

struct connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    unsigned handles;
    bool closing;
    struct server *server;
    struct connection *next;
    struct connection *previous;
    const struct reply *reply;
    struct buf request;
    char chunk[4096];
};

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    if (--connection->handles == 0) {
        buf_deinit(&connection->request);
        free(connection);
    }
}

static void connection_close(struct connection *connection)
{
    struct server *server = connection->server;

    if (connection->closing) {
        return;
    }
    connection->closing = true;
    server->open--;
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        server->connections = connection->next;
    }
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    if (!connection->reply || connection->reply->then != THEN_RESET ||
        uv_tcp_close_reset(&connection->tcp, on_closed)) {
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
    }
    uv_close((uv_handle_t *)&connection->timer, on_closed);
}

static void on_written(uv_write_t *write, int status);

static void connection_send(struct connection *connection, const char *text)
{
    uv_buf_t buf = uv_buf_init((char *)text, (unsigned)strlen(text));

    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written)) {
        connection_close(connection);
    }
}

static void on_drip(uv_timer_t *timer)
{
    struct connection *connection = timer->data;

    connection_send(connection, connection->reply->more);
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;

    if (connection->closing) {
        return;
    }
    if (status || connection->reply->then == THEN_CLOSE || connection->reply->then == THEN_RESET) {
        connection_close(connection);
    } else if (connection->reply->then == THEN_ENDLESS) {
        connection_send(connection, connection->reply->more);
    } else if (connection->reply->then == THEN_DRIP) {
        uv_timer_start(&connection->timer, on_drip, DRIP_MS, 0);
    }
}

static bool request_is_whole(const struct buf *request)
{
    const char *text = buf_text(request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    size_t body = length ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;

    return end && request->size >= (size_t)(end + 4 - text) + body;
}

static const struct reply *server_find(const struct server *server, const char *request)
{
    const char *target = strchr(request, ' ');

    if (server->blunt) {
        return server->replies;
    }
    assert_non_null(target);
    for (size_t i = 0; i < server->reply_count; i++) {
        if (strncmp(target + 1, server->replies[i].target, strlen(server->replies[i].target)) ==
            0) {
            return &server->replies[i];
        }
    }
    fail_msg("no reply for this request: %s", request);
    return NULL;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct connection *connection = handle->data;

    (void)wanted;
    *buf = uv_buf_init(connection->chunk, sizeof(connection->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    struct server *server = connection->server;

    if (size < 0) {
        connection_close(connection);
        return;
    }
    buf_put(&connection->request, buf->base, (size_t)size);
    assert_int_equal(buf_status(&connection->request), 0);
    if (!server->blunt && !request_is_whole(&connection->request)) {
        return;
    }
    server->requests++;
    buf_clear(&server->last);
    buf_put_slice(&server->last, slice_of_buf(&connection->request));
    connection->reply = server_find(server, buf_text(&connection->request));
    buf_clear(&connection->request);
    connection_send(connection, connection->reply->bytes);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct connection *connection = calloc(1, sizeof(*connection));

    assert_int_equal(status, 0);
    assert_non_null(connection);
    uv_tcp_init(listener->loop, &connection->tcp);
    uv_timer_init(listener->loop, &connection->timer);
    connection->tcp.data = connection;
    connection->timer.data = connection;
    connection->handles = 2;
    connection->server = server;
    connection->request = BUF_INIT(64 * 1024);
    connection->next = server->connections;
    if (connection->next) {
        connection->next->previous = connection;
    }
    server->connections = connection;
    server->accepted++;
    server->open++;
    server->most_open = server->open > server->most_open ? server->open : server->most_open;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->tcp), 0);
    uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

void server_open(struct server *server, uv_loop_t *loop, const struct reply *replies,
                 size_t reply_count)
{
    struct sockaddr_in address;
    int size = sizeof(address);

    memset(server, 0, sizeof(*server));
    server->replies = replies;
    server->reply_count = reply_count;
    server->last = BUF_INIT(64 * 1024);
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 512, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
}

void server_close(struct server *server)
{
    while (server->connections) {
        connection_close(server->connections);
    }
    uv_close((uv_handle_t *)&server->listener, NULL);
}

void server_deinit(struct server *server)
{
    buf_deinit(&server->last);
}
