/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP on the loop: libcurl multi. GET and POST with caps on everything: connect and total time,
 * size, redirects. Address rules as in SECURITY.md: unspecified, multicast, link-local and
 * metadata addresses never; loopback only by allow_loopback; no redirect from a public to a
 * private address, none to anything but http and https; no credentials, cookies, netrc. */

#include <uv.h>

#include "base/cleanup.h"
#include "host/ports.h"

struct fetch;

struct fetch_settings {
    bool allow_loopback;
    const char *proxy; /* NULL: http_proxy, https_proxy, no_proxy of the environment */
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    const char *user_agent;
};

/* @done is called on the loop, never from inside fetch_start(). */
int fetch_new(struct fetch **ret_fetch, uv_loop_t *loop, const struct fetch_settings *settings,
              void (*done)(void *context, const struct fetch_result *result), void *context);
void fetch_close(struct fetch *fetch);

void fetch_start(struct fetch *fetch, const struct fetch_order *order);
void fetch_cancel(struct fetch *fetch, uint64_t id);
