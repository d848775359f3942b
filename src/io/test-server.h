/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: an HTTP server on a loopback port that answers by script, on the test's own loop. */

#include <stdbool.h>
#include <uv.h>

#include "base/bytes.h"

enum then {
    THEN_KEEP, /* wait for the next request */
    THEN_CLOSE,
    THEN_RESET,   /* close as a firewall or a crashed server does: with RST */
    THEN_HANG,    /* say nothing more, keep open */
    THEN_ENDLESS, /* send `more` again and again as fast as it is taken */
    THEN_DRIP,    /* send `more` once every few milliseconds */
};

struct reply {
    const char *target; /* the request's target begins with it */
    const char *bytes;  /* sent first */
    enum then then;
    const char *more;
};

struct connection;

struct server {
    uv_tcp_t listener;
    int port;
    const struct reply *replies;
    size_t reply_count;
    bool blunt; /* answer with the first reply whatever came, without waiting for its end */
    unsigned requests;
    unsigned accepted;
    unsigned open;
    unsigned most_open;
    struct buf last; /* the last request as it came */
    struct connection *connections;
};

void server_open(struct server *server, uv_loop_t *loop, const struct reply *replies,
                 size_t reply_count);
/* The loop must run afterwards; then server_deinit(). */
void server_close(struct server *server);
void server_deinit(struct server *server);
