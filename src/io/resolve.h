/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names to addresses, each in a thread of its own that nobody has to wait for: a resolver may hang
 * for half a minute, and neither the threads of libuv nor the end of the program shall hang with
 * it. */

#include <netdb.h>
#include <uv.h>

#include "base/bytes.h"

struct resolve;

struct resolve_order {
    const char *host; /* a name, or an address without brackets; copied */
    unsigned port;
    /* Called once, never from inside resolve_start(), not after resolve_cancel(). @fault: NULL, or
     * a clause ("its host name is not known"). What was found is the callee's: freeaddrinfo(). */
    void (*done)(void *context, const char *fault, struct addrinfo *found);
    void *context;
};

/* 0 or -ENOMEM. *@ret_resolve is valid until done or cancelled. */
int resolve_start(struct resolve **ret_resolve, uv_loop_t *loop, const struct resolve_order *order);

/* Gives it up; its handle closes by itself. NULL is fine. */
void resolve_cancel(struct resolve *resolve);
