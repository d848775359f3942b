/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tls-probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/instant.h"
#include "io/address.h"
#include "io/resolve.h"

#define CHUNK_SIZE  16384
#define OUT_MAX     65536
#define SILENCE_MAX 2 /* handshakes with one who says nothing */
#define FAULT_MAX   512

/* One connection. It lives until libuv has closed its handle. */
struct connection {
    uv_poll_t poll;
    struct tls_probe *probe; /* NULL: given up */
    int fd;
    bool connected;
    struct starttls dialogue;
    struct tls_hand *hand; /* NULL: TLS has not begun */
    struct buf out;        /* still to be sent, from @sent on */
    size_t sent;
};

struct tls_probe {
    struct tls_probe_order order;
    char *host;
    char *servername;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct resolve *resolve; /* while it works */
    struct addrinfo *found;
    const struct addrinfo *at; /* the address in use */
    struct connection *connection;
    int way;          /* enum tls_way */
    unsigned silent;  /* handshakes that got no answer */
    bool answered;    /* some handshake got one */
    int64_t until_ms; /* of connecting, on the loop's clock */
    bool ended;
    struct buf fault;
    struct buf address;
    struct tls_sight sights[TLS_WAYS];
};

static void try_way(struct tls_probe *probe);

/* The end of a probe and of its connections. */

static void on_timer_closed(uv_handle_t *handle)
{
    struct tls_probe *probe = handle->data;

    for (size_t i = 0; i < TLS_WAYS; i++) {
        tls_sight_deinit(&probe->sights[i]);
    }
    if (probe->found) {
        freeaddrinfo(probe->found);
    }
    buf_deinit(&probe->fault);
    buf_deinit(&probe->address);
    free(probe->servername);
    free(probe->host);
    free(probe);
}

static void on_connection_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hang_up(struct tls_probe *probe)
{
    struct connection *connection = steal(&probe->connection);

    if (!connection) {
        return;
    }
    connection->probe = NULL;
    tls_hand_free(connection->hand);
    starttls_deinit(&connection->dialogue);
    buf_deinit(&connection->out);
    uv_poll_stop(&connection->poll);
    uv_close((uv_handle_t *)&connection->poll, on_connection_closed);
    close(connection->fd);
}

static void shut(struct tls_probe *probe)
{
    probe->ended = true;
    hang_up(probe);
    resolve_cancel(steal(&probe->resolve));
    uv_close((uv_handle_t *)&probe->timer, on_timer_closed);
}

void tls_probe_cancel(struct tls_probe *probe)
{
    if (probe && !probe->ended) {
        shut(probe);
    }
}

static void finish(struct tls_probe *probe)
{
    struct tls_probe_result result = {
        .fault = probe->fault.size ? buf_text(&probe->fault) : NULL,
        .address = buf_text(&probe->address),
        .sights = probe->sights,
    };

    probe->ended = true; /* done() may cancel what it has */
    hang_up(probe);
    probe->order.done(probe->order.context, &result);
    shut(probe);
}

/* What is decided outside a callback of the loop is told by the timer, soon. */
static void on_finish(uv_timer_t *timer)
{
    finish(timer->data);
}

static void finish_soon(struct tls_probe *probe)
{
    hang_up(probe);
    uv_timer_start(&probe->timer, on_finish, 0, 0);
}

static void on_next_way(uv_timer_t *timer)
{
    try_way(timer->data);
}

/* The sight of the present way stands. */
static void end_way(struct tls_probe *probe)
{
    const struct tls_sight *sight = &probe->sights[probe->way];

    hang_up(probe);
    probe->silent += sight->silent;
    probe->answered |= sight->outcome != TLS_FAILED;
    probe->way++;
    if (probe->way == TLS_WAYS || (probe->silent >= SILENCE_MAX && !probe->answered) ||
        (probe->order.enough && probe->order.enough(probe->order.context, sight))) {
        finish_soon(probe);
    } else {
        uv_timer_start(&probe->timer, on_next_way, 0, 0);
    }
}

/* There is no handshake. The first time that is so, no other will do better. */
static void fail(struct tls_probe *probe, const char *what, bool silent)
{
    struct tls_sight *sight = &probe->sights[probe->way];

    if (probe->way == 0) {
        buf_clear(&probe->fault);
        buf_put_text(&probe->fault, what);
        finish_soon(probe);
        return;
    }
    sight->outcome = TLS_FAILED;
    sight->silent = silent;
    snprintf(sight->detail, sizeof(sight->detail), "%s", what);
    end_way(probe);
}

/* @broken as in tls_hand_look(). */
static void end_hand(struct tls_probe *probe, const char *broken)
{
    tls_hand_look(probe->connection->hand, broken, &probe->sights[probe->way]);
    end_way(probe);
}

/* @error: errno; 0: the server has closed the connection. */
static void broke(struct connection *connection, int error)
{
    struct tls_probe *probe = connection->probe;
    char words[128];

    snprintf(words, sizeof(words), "%s%s",
             error ? "the connection broke: " : "it closes the connection",
             error ? strerror(error) : "");
    if (connection->hand) {
        end_hand(probe, words);
    } else {
        fail(probe, words, false);
    }
}

/* Connecting. */

static void give_time(struct tls_probe *probe, void (*late)(uv_timer_t *timer), int64_t ms)
{
    uv_timer_start(&probe->timer, late, (uint64_t)time_max(ms, 1), 0);
}

static void on_late(uv_timer_t *timer)
{
    struct tls_probe *probe = timer->data;

    if (probe->connection->hand) {
        end_hand(probe, NULL);
    } else {
        fail(probe, "it says nothing before TLS", true);
    }
}

static void connect_next(struct tls_probe *probe, const char *fault);

static void on_connect_late(uv_timer_t *timer)
{
    struct tls_probe *probe = timer->data;

    hang_up(probe);
    connect_next(probe, "no answer to the connection");
}

static void on_event(uv_poll_t *poll, int status, int events);

static void poll_for(struct connection *connection, int events)
{
    uv_poll_start(&connection->poll, events, on_event);
}

/* 0 or a negated errno. */
static int connection_new(struct tls_probe *probe)
{
    const struct addrinfo *at = probe->at;
    struct connection *connection = calloc(1, sizeof(*connection));
    int r;

    if (!connection) {
        return -ENOMEM;
    }
    connection->out = BUF_INIT(OUT_MAX);
    connection->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    r = connection->fd < 0 ? -errno : 0;
    if (!r && connect(connection->fd, at->ai_addr, at->ai_addrlen) && errno != EINPROGRESS) {
        r = -errno;
    }
    if (!r) {
        r = uv_poll_init_socket(probe->loop, &connection->poll, connection->fd);
    }
    if (r) {
        if (connection->fd >= 0) {
            close(connection->fd);
        }
        free(connection);
        return r;
    }
    connection->poll.data = connection;
    connection->probe = probe;
    probe->connection = connection;
    poll_for(connection, UV_WRITABLE);
    return 0;
}

/* All addresses of a name share the time of one; who hangs gets half of what is left. */
static void connect_now(struct tls_probe *probe)
{
    int64_t left_ms = time_max(probe->until_ms - (int64_t)uv_now(probe->loop), 2);
    int r = connection_new(probe);

    if (r) {
        connect_next(probe, strerror(-r));
        return;
    }
    give_time(probe, on_connect_late, probe->at->ai_next ? left_ms / 2 : left_ms);
}

/* Once one address was good, the others are not asked. */
static void connect_next(struct tls_probe *probe, const char *fault)
{
    struct buf line = BUF_INIT(FAULT_MAX);

    if (probe->way == 0 && probe->at->ai_next) {
        probe->at = probe->at->ai_next;
        connect_now(probe);
        return;
    }
    buf_put_text(&line, "cannot connect to ");
    address_put(&line, probe->at->ai_addr, probe->at->ai_addrlen, true);
    buf_put_text(&line, ": ");
    buf_put_text(&line, fault);
    fail(probe, buf_text(&line), false);
    buf_deinit(&line);
}

static void try_way(struct tls_probe *probe)
{
    uv_update_time(probe->loop);
    probe->until_ms = time_add((int64_t)uv_now(probe->loop), probe->order.step_ms);
    connect_now(probe);
}

/* Talking. */

/* Sends what there is. False: the connection broke, which is told. */
static bool flush(struct connection *connection)
{
    struct buf *out = &connection->out;

    while (connection->sent < out->size) {
        ssize_t size = send(connection->fd, out->data + connection->sent,
                            out->size - connection->sent, MSG_NOSIGNAL);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            poll_for(connection, UV_READABLE | UV_WRITABLE);
            return true;
        }
        if (size < 0) {
            broke(connection, errno);
            return false;
        }
        connection->sent += (size_t)size;
    }
    buf_clear(out);
    connection->sent = 0;
    poll_for(connection, UV_READABLE);
    return true;
}

static void step_hand(struct connection *connection, struct slice bytes)
{
    int r = tls_hand_take(connection->hand, bytes, &connection->out);

    /* At the end what is left is a farewell: it may be lost. */
    if (flush(connection) && !r) {
        end_hand(connection->probe, NULL);
    }
}

static void begin_hand(struct connection *connection)
{
    struct tls_probe *probe = connection->probe;

    if (tls_hand_new(&connection->hand, probe->order.client, (enum tls_way)probe->way,
                     probe->servername)) {
        fail(probe, "there is no memory left", false);
        return;
    }
    give_time(probe, on_late, probe->order.step_ms);
    step_hand(connection, SLICE_NULL);
}

static void step_dialogue(struct connection *connection, struct slice bytes)
{
    struct tls_probe *probe = connection->probe;
    int r = starttls_take(&connection->dialogue, bytes, &connection->out);
    struct buf line = BUF_INIT(FAULT_MAX);

    if (!r) {
        /* Apart, as the clients of MySQL do it. */
        if (!connection->out.size || flush(connection)) {
            begin_hand(connection);
        }
    } else if (r == STARTTLS_E_FAILED) {
        buf_put_text(&line, starttls_name(probe->order.starttls));
        buf_put_text(&line, ": ");
        buf_put_text(&line, buf_text(&connection->dialogue.said));
        fail(probe, buf_text(&line), false);
    } else if (connection->out.size) { /* its reply was whole: a new one has its own time */
        give_time(probe, on_late, probe->order.step_ms);
        flush(connection);
    }
    buf_deinit(&line);
}

/* One chunk a turn of the loop. */
static void receive(struct connection *connection)
{
    uint8_t chunk[CHUNK_SIZE];
    ssize_t size = recv(connection->fd, chunk, sizeof(chunk), 0);

    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        broke(connection, size ? errno : 0);
    } else if (connection->hand) {
        step_hand(connection, slice_of(chunk, (size_t)size));
    } else {
        step_dialogue(connection, slice_of(chunk, (size_t)size));
    }
}

static void on_connected(struct connection *connection)
{
    struct tls_probe *probe = connection->probe;
    const char *name = probe->servername ? probe->servername : probe->host;
    socklen_t size = sizeof(int);
    int error = 0;

    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        hang_up(probe);
        connect_next(probe, strerror(error));
        return;
    }
    connection->connected = true;
    buf_clear(&probe->address);
    address_put(&probe->address, probe->at->ai_addr, probe->at->ai_addrlen, true);
    if (!starttls_begin(&connection->dialogue, probe->order.starttls, name, &connection->out)) {
        begin_hand(connection);
    } else {
        give_time(probe, on_late, probe->order.step_ms);
        flush(connection);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = poll->data;

    if (!connection->probe) {
        return;
    }
    if (!connection->connected) {
        on_connected(connection);
    } else if (!(events & UV_WRITABLE) || flush(connection)) {
        receive(connection); /* also with @status < 0: the socket tells what it is */
    }
    (void)status;
}

/* The beginning. */

static void on_found(void *context, const char *fault, struct addrinfo *found)
{
    struct tls_probe *probe = context;

    probe->resolve = NULL;
    probe->found = found;
    probe->at = found;
    if (fault) {
        fail(probe, fault, false);
    } else {
        try_way(probe);
    }
}

static void on_resolve_late(uv_timer_t *timer)
{
    struct tls_probe *probe = timer->data;

    resolve_cancel(steal(&probe->resolve));
    fail(probe, "looking up its name takes too long", true);
}

/* RFC 6066 3: "The hostname is represented as a byte string using ASCII encoding without a trailing
 * dot." */
static char *copy_name(const char *name)
{
    size_t size = text_length(name);

    return text_copy(slice_of(name, size > 1 && name[size - 1] == '.' ? size - 1 : size));
}

int tls_probe_start(struct tls_probe **ret_probe, uv_loop_t *loop,
                    const struct tls_probe_order *order)
{
    struct tls_probe *probe = calloc(1, sizeof(*probe));
    struct resolve_order lookup = {.port = order->port, .done = on_found, .context = probe};

    if (!probe) {
        return -ENOMEM;
    }
    probe->order = *order;
    probe->loop = loop;
    probe->fault = BUF_INIT(FAULT_MAX);
    probe->address = BUF_INIT(128);
    probe->host = text_copy(slice_of_text(order->host));
    probe->servername = order->servername ? copy_name(order->servername) : NULL;
    lookup.host = probe->host;
    uv_timer_init(loop, &probe->timer);
    probe->timer.data = probe;
    if (!probe->host || (order->servername && !probe->servername) ||
        resolve_start(&probe->resolve, loop, &lookup)) {
        shut(probe);
        return -ENOMEM;
    }
    uv_update_time(loop);
    give_time(probe, on_resolve_late, order->step_ms);
    *ret_probe = probe;
    return 0;
}

bool tls_probe_is_address(const char *host)
{
    uint8_t octets[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, octets) == 1 || strchr(host, ':') != NULL;
}

/* Up to 65535, and no more than digits. */
static bool read_port(const char *text, unsigned *ret_port)
{
    unsigned port = 0;

    for (; *text; text++) {
        if (*text < '0' || *text > '9' || port > 6553) {
            return false;
        }
        port = port * 10 + (unsigned)(*text - '0');
    }
    *ret_port = port;
    return port >= 1 && port <= 65535;
}

bool tls_probe_read_target(const char *target, struct buf *host, unsigned *ret_port)
{
    const char *colon = strrchr(target, ':');
    size_t size = text_length(target);
    unsigned port = 0;

    buf_clear(host);
    if (target[0] == '[') {
        const char *end = strchr(target, ']');

        if (!end || (end[1] && (end[1] != ':' || !read_port(end + 2, &port)))) {
            return false;
        }
        target++;
        size = (size_t)(end - target);
    } else if (colon && strchr(target, ':') == colon) {
        if (!read_port(colon + 1, &port)) {
            return false;
        }
        size = (size_t)(colon - target);
    }
    buf_put(host, target, size);
    *ret_port = port;
    return size && !strpbrk(buf_text(host), "/ @[]") &&
           (strchr(buf_text(host), ':') || !tls_probe_check_name(buf_text(host)));
}

/* Letters of other alphabets have a form of their own in the DNS. */
const char *tls_probe_check_name(const char *name)
{
    size_t size = text_length(name);

    if (!size || size > 253) {
        return size ? "is longer than the 253 octets of a DNS name" : "is empty";
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)name[i];

        if (c >= 0x80) {
            return "has letters beyond ASCII; give its form in the DNS (xn--...)";
        }
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr("-._", c))) {
            return "is no DNS name";
        }
    }
    return NULL;
}
