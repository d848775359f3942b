/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control.sock: how other commands ask the one writer. Unix stream socket, 0660; the peer must be
 * root, the daemon's own user, or in the daemon's group (SO_PEERCRED). One request per connection:
 * a line of JSON; the answer is a line of JSON and the end of the stream.
 *
 *   {"do":"status"}                                  -> {"ok":true,"certs":[ROW...],
 *                                                        "responders":[...],"clock":{...},
 *                                                        "servers":[...],"unseen":[...]}
 *   {"do":"ensure","paths":["/x"],"deadline_s":20}   -> {"ok":true,"certs":[ROW...],...}
 *
 * Anything else is answered with {"ok":false,"error":"a sentence"} before it reaches the caller, so
 * that `asked` sees only requests of these types ("deadline_s" may be missing). Requests are capped
 * (LIMIT_CONTROL_REQUEST), must come whole within 5 s, and at most 32 connections are open.
 *
 * SO_PEERCRED knows only the first group of the peer's process. Who has our group, or that of the
 * socket's folder, as a supplementary one is let in by the mode of the socket: that the kernel let
 * them connect is the test, and it counts as long as the mode is still closed to others. */

#include <jansson.h>
#include <uv.h>

#include "base/cleanup.h"
#include "core/staple.h"
#include "io/log.h"

struct control;
struct control_call; /* a request that waits for its answer */

/* A socket that nobody listens at is replaced; another listener is -EADDRINUSE. Each failure is
 * told in the log. Makes the process ignore SIGPIPE, as fetch_new() does. */
int control_new(struct control **ret_control, uv_loop_t *loop, const char *path,
                const struct log *log,
                void (*asked)(void *context, struct control_call *call, const json_t *request),
                void *context);
/* Stops listening and removes the socket file. Calls without answer are closed and must not be
 * answered any more. The memory goes when the loop has run the close callbacks. */
void control_close(struct control *control);

/* Sends @answer (whose reference it takes) and ends the call. Also when the asker went away. */
void control_answer(struct control_call *call, json_t *answer);

/* The asking side, waiting at most @limit_ms. NULL with a sentence in @fault when nobody listens
 * (errno-like @ret_r: -ENOENT, -ECONNREFUSED, -EACCES, -ETIMEDOUT, -ECONNRESET, -EPROTO). */
json_t *control_ask(const char *path, const json_t *request, int64_t limit_ms, int *ret_r,
                    struct buf *fault);

/* Rows on the wire: leaf_sha256, serial, name, path, state (cert_state_name()), must_staple,
 * serve_from, serve_until, next_update, next_try, last. Times are wall seconds, null when there is
 * none, "never" for an INSTANT_NEVER that is not "none". Text that is not UTF-8 (a path) is made
 * printable. NULL without memory. The strings of a row read point into @json. False when it is no
 * row. */
json_t *control_row_to_json(const struct cert_row *row);
bool control_row_from_json(const json_t *json, struct cert_row *ret_row);
