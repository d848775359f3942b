/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HAProxy's runtime socket: what to send and what the replies mean. No I/O.
 *
 * One connection carries one line (commands separated by ';') or one command with a payload, and
 * ends with its reply; each command's reply ends with an empty line. HAProxy says "updated!" and
 * "Success!" to junk and checks no signature, so what counts is what `show` tells afterwards. */

#include "base/bytes.h"
#include "core/staple.h"

/* With its newline. HAProxy keeps a reserve in its buffer (tune.bufsize 16384, tune.maxrewrite
 * 1024): the end of a longer line is read only if it comes at once with the beginning, else never,
 * and nothing is answered. */
#define HAPROXY_LINE_MAX 15360

/* Several commands become one line: a ';' goes before all but the first. End it by a newline. */
void haproxy_put_next(struct buf *line);

/* "set ssl ocsp-response BASE64\n" */
void haproxy_put_push(struct buf *command, struct slice staple);

/* The same without newline, for a line of several; and how long that is. */
void haproxy_add_push(struct buf *line, struct slice staple);
size_t haproxy_push_size(struct slice staple);

enum haproxy_reply {
    HAPROXY_UPDATED,    /* "OCSP Response updated!", "Success!", "Transaction created" */
    HAPROXY_NO_ENTRY,   /* "does not match any certificate or issuer" */
    HAPROXY_DENIED,     /* permission denied: the socket's level is too low */
    HAPROXY_NOT_LOADED, /* set ssl cert: no such certificate is loaded */
    HAPROXY_REFUSED,    /* anything else */
};
enum haproxy_reply haproxy_read_push(struct slice reply);

/* Takes the first of several replies off @replies. False when no whole one is left. */
bool haproxy_next_reply(struct slice *replies, struct slice *ret_reply);

/* True when @cert_path can be written into a command: HAProxy's CLI would take spaces, ';', '\'
 * and the like for its own, and names of files are the tenant's to choose. */
bool haproxy_path_usable(const char *cert_path);

/* Which certificates it has loaded: "show ssl cert\n". haproxy_next_loaded() walks the reply: a
 * path each; with *@ret_open that one has a transaction of somebody open, into which a `set ssl
 * cert` of any other certificate would fall. */
void haproxy_put_list(struct buf *command);
bool haproxy_is_list(struct slice reply); /* a socket of a low level answers nonsense */
bool haproxy_next_loaded(struct slice *left, struct slice *ret_path, bool *ret_open);

/* "show ssl cert PATH\n", and whether what is loaded from there has the serial number of @certid. A
 * file may have been renewed behind HAProxy's back; an answer about another certificate would be
 * committed with "Success!" and a warning in its log. */
void haproxy_put_identity(struct buf *command, const char *cert_path);
bool haproxy_read_identity(struct slice reply, struct slice certid);

/* Creates the entry live: "set ssl cert PATH.ocsp <<\nBASE64\n\n", then the commit, or the abort
 * when something went wrong between. Each is an exchange of its own. */
void haproxy_put_create(struct buf *command, const char *cert_path, struct slice staple);
enum haproxy_reply haproxy_read_create(struct slice reply, const char *cert_path);
void haproxy_put_commit(struct buf *command, const char *cert_path);
void haproxy_put_abort(struct buf *command, const char *cert_path);
enum haproxy_reply haproxy_read_commit(struct slice reply);

/* "show ssl ocsp-response HEX\n", and whether the reply speaks of an answer with these times. */
void haproxy_put_show(struct buf *command, struct slice certid);
bool haproxy_read_show(struct slice reply, int64_t this_update_s, int64_t next_update_s);

/* The same without newline, and the first of several show replies: they have no length and may
 * have empty lines inside, but each begins with the same words. */
void haproxy_add_show(struct buf *line, struct slice certid);
bool haproxy_next_show(struct slice *replies, struct slice *ret_reply);

/* What such a reply says of the answer: "Cert Status: good", and its "Next Update". False when it
 * shows none. */
bool haproxy_read_shown(struct slice reply, bool *ret_good, int64_t *ret_next_update_s);

/* "show info\n": which process answers, and since when it runs (seconds). False when the reply
 * does not say it. */
void haproxy_put_info(struct buf *command);
bool haproxy_read_info(struct slice reply, int64_t *ret_pid, int64_t *ret_uptime_s);

/* The tombstone: @staple with every nextUpdate set to @until_s, its signature broken by that on
 * purpose; HAProxy checks none on push, and hides the entry 300 s before it. False when the bytes
 * have no such field of the same size. */
bool haproxy_make_tombstone(struct buf *tombstone, struct slice staple, int64_t until_s);
