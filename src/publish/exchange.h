/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One question and its answer over a stream socket: connect, send, read until the other end
 * closes. What comes is hostile: it may be late, short, endless, or nothing. */

#include <uv.h>

#include "base/bytes.h"

struct exchange;

struct exchange_order {
    const char *address;  /* "/path", "host:port" or "[::1]:port" */
    struct slice request; /* copied */
    size_t reply_max;
    int64_t limit_ms; /* for all of it */
    /* Called once, never from inside exchange_start(), not after exchange_cancel(). @fault: NULL
     * when the reply is whole, else a clause ("connection refused"). */
    void (*done)(void *context, const char *fault, struct slice reply);
    void *context;
};

/* 0 or -ENOMEM. *@ret_exchange is valid until done or cancelled. */
int exchange_start(struct exchange **ret_exchange, uv_loop_t *loop,
                   const struct exchange_order *order);

/* Gives it up; its handles close by themselves. NULL is fine. */
void exchange_cancel(struct exchange *exchange);

/* NULL when @address has a usable form, else what is wrong with it. */
const char *exchange_check(const char *address);
