/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP on the loop: libcurl multi. GET and POST with caps on everything: connect and total time,
 * size, redirects. Address rules as in SECURITY.md: unspecified, multicast, link-local and
 * metadata addresses never; loopback only by allow_loopback; no redirect from a public to a
 * private address, none to anything but http and https; no credentials, cookies, netrc.
 *
 * A redirect repeats the same request, also where browsers turn a POST into a GET: a responder can
 * answer nothing else. The address rules hold for every connection, when it is made; through a
 * proxy, which may be anywhere since the operator chose it, only for hosts that are addresses (or
 * localhost), and a name behind a proxy counts as public. */

#include <uv.h>

#include "base/cleanup.h"
#include "host/ports.h"

struct fetch;

struct fetch_settings {
    bool allow_loopback;
    const char *proxy; /* NULL: http_proxy, https_proxy of the environment; "": none. no_proxy of
                        * the environment exempts either way (io/proxy.h) */
    int64_t connect_timeout_ms; /* also for names and TLS, per hop */
    int64_t timeout_ms;         /* for everything, with all redirects; not 0 */
    const char *user_agent;
};

/* Caches on the way: an order with an entity-tag asks for news of that answer only, and 304 to it
 * is FETCH_NOT_MODIFIED; to any other order 304 is one more HTTP status. no_cache makes them ask
 * the responder itself. What the answer's header says of time is in the result's hints.
 *
 * @done is called on the loop, never from inside fetch_start(); it may call all of these functions.
 * Its detail is always there but for FETCH_ANSWER: a clause like "could not resolve ocsp.example".
 * Makes the process ignore SIGPIPE, which TLS needs. Copies what @settings points to. */
int fetch_new(struct fetch **ret_fetch, uv_loop_t *loop, const struct fetch_settings *settings,
              void (*done)(void *context, const struct fetch_result *result), void *context);

/* Ends everything without a word. The memory goes when the loop has run the close callbacks. */
void fetch_close(struct fetch *fetch);

void fetch_start(struct fetch *fetch, const struct fetch_order *order);

/* No @done comes for @id any more. */
void fetch_cancel(struct fetch *fetch, uint64_t id);
