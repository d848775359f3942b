/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HAProxy's runtime socket: what to send and what the replies mean. No I/O.
 * A reply is the text up to the connection's end or, in prompt mode, up to "\n> ". */

#include "base/bytes.h"
#include "core/staple.h"

/* "set ssl ocsp-response BASE64\n" */
void haproxy_put_push(struct buf *command, struct slice staple);

enum haproxy_reply {
    HAPROXY_UPDATED,      /* "OCSP Response updated!" */
    HAPROXY_NO_ENTRY,     /* "does not match any certificate or issuer" */
    HAPROXY_DENIED,       /* permission denied: the socket's level is too low */
    HAPROXY_NOT_LOADED,   /* set ssl cert: no such certificate is loaded */
    HAPROXY_REFUSED,      /* anything else */
};
enum haproxy_reply haproxy_read_push(struct slice reply);

/* Creates the entry live: "set ssl cert PATH.ocsp <<\nBASE64\n\n", and the commit. */
void haproxy_put_create(struct buf *command, const char *cert_path, struct slice staple);
void haproxy_put_commit(struct buf *command, const char *cert_path);
enum haproxy_reply haproxy_read_commit(struct slice reply);

/* "show ssl ocsp-response HEX\n", and whether the reply speaks of an answer with these times. */
void haproxy_put_show(struct buf *command, struct slice certid);
bool haproxy_read_show(struct slice reply, int64_t this_update_s, int64_t next_update_s);

/* The tombstone: @staple with every nextUpdate set to @until_s, its signature broken by that on
 * purpose; HAProxy checks none on push, and hides the entry 300 s before it. False when the bytes
 * have no such field of the same size. */
bool haproxy_make_tombstone(struct buf *tombstone, struct slice staple, int64_t until_s);
