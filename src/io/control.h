/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control.sock: how other commands ask the one writer. Unix stream socket, 0660; the peer must be
 * root, the daemon's own user, or in the daemon's group (SO_PEERCRED). One request per connection:
 * a line of JSON; the answer is a line of JSON and the end of the stream.
 *
 *   {"do":"status"}                                  -> {"ok":true,"certs":[ROW...]}
 *   {"do":"ensure","paths":["/x"],"deadline_s":20}   -> {"ok":true,"certs":[ROW...],...}
 *
 * Requests are capped (LIMIT_CONTROL_REQUEST), must come whole within 5 s, and at most 32
 * connections are open. */

#include <jansson.h>
#include <uv.h>

#include "base/cleanup.h"
#include "core/staple.h"
#include "io/log.h"

struct control;
struct control_call; /* a request that waits for its answer */

int control_new(struct control **ret_control, uv_loop_t *loop, const char *path,
                const struct log *log,
                void (*asked)(void *context, struct control_call *call, const json_t *request),
                void *context);
/* Stops listening and removes the socket file. Calls without answer are closed. */
void control_close(struct control *control);

/* Sends @answer (whose reference it takes) and ends the call. Also when the asker went away. */
void control_answer(struct control_call *call, json_t *answer);

/* The asking side, waiting at most @limit_ms. NULL with a sentence in @fault when nobody listens
 * (errno-like @ret_r: -ENOENT, -ECONNREFUSED, -EACCES, -ETIMEDOUT, -EPROTO). */
json_t *control_ask(const char *path, const json_t *request, int64_t limit_ms, int *ret_r,
                    struct buf *fault);

/* Rows on the wire. The strings of a row read point into @json. False when it is no row. */
json_t *control_row_to_json(const struct cert_row *row);
bool control_row_from_json(const json_t *json, struct cert_row *ret_row);
