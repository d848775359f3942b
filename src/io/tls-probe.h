/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Asks a TLS server what it shows: up to four handshakes one after another, TLS 1.3 and 1.2, RSA
 * and ECDSA, each over a connection of its own, behind STARTTLS where that is spoken. On the loop;
 * a signature of libssl costs about what one of ours does.
 *
 * Whatever the server does, it ends: each step (name, connection, each reply before TLS, handshake)
 * has its time, and what is read has its caps. */

#include <uv.h>

#include "io/tls-client.h"
#include "wire/starttls.h"

#define TLS_STEP_MS 5000

struct tls_probe_result {
    /* NULL, or a clause why there is no connection or no agreement about STARTTLS. Then there are
     * no sights. */
    const char *fault;
    const char *address;            /* "192.0.2.1:443", the one that was asked; "" */
    const struct tls_sight *sights; /* by enum tls_way */
};

struct tls_probe_order {
    struct tls_client *client; /* must outlive the probe */
    const char *host;          /* a name, or an address without brackets */
    unsigned port;
    const char *servername; /* NULL: none is sent */
    enum starttls_protocol starttls;
    int64_t step_ms; /* TLS_STEP_MS */
    /* Called after each handshake: true when that is all the caller wants to know. May be NULL. */
    bool (*enough)(void *context, const struct tls_sight *sight);
    /* Called once, never from inside tls_probe_start(), not after tls_probe_cancel(). Everything
     * is borrowed for the call. */
    void (*done)(void *context, const struct tls_probe_result *result);
    void *context;
};

/* 0 or -ENOMEM. *@ret_probe is valid until done or cancelled; strings of @order are copied. */
struct tls_probe;
int tls_probe_start(struct tls_probe **ret_probe, uv_loop_t *loop,
                    const struct tls_probe_order *order);

/* Gives it up; its handles close by themselves. NULL is fine. */
void tls_probe_cancel(struct tls_probe *probe);

/* "host", "host:port", "[::1]:port", "::1": the host, without brackets, into @host (cleared first),
 * and *@ret_port, 0 when there is none. False: it is none of these. */
bool tls_probe_read_target(const char *target, struct buf *host, unsigned *ret_port);

/* NULL when @name can be sent as a server name (RFC 6066 3), else what is wrong with it. */
const char *tls_probe_check_name(const char *name);

/* Is @host an address, so that no server name is sent for it? */
bool tls_probe_is_address(const char *host);
