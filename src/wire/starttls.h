/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a client asks servers of other protocols to begin TLS: SMTP (RFC 3207), IMAP (RFC 9051),
 * POP3 (RFC 2595), LDAP (RFC 4511), XMPP (RFC 6120), PostgreSQL, FTP (RFC 4217), MySQL and
 * MariaDB. No I/O: bytes in, bytes out.
 *
 *     r = starttls_begin(&dialogue, protocol, name, &out);
 *     while (r == STARTTLS_E_MORE) {
 *         send what is in out; r = starttls_take(&dialogue, what came, &out);
 *     }
 *
 * What comes is hostile. All of it together is capped (LIMIT_STARTTLS), and octets behind the
 * server's last reply are a failure, not the beginning of TLS: somebody on the way may have put
 * them there for the time after. How long to wait is the caller's affair. */

#include "base/bytes.h"

enum starttls_protocol {
    STARTTLS_NONE, /* TLS from the first octet */
    STARTTLS_SMTP,
    STARTTLS_IMAP,
    STARTTLS_POP3,
    STARTTLS_LDAP,
    STARTTLS_XMPP, /* client to server */
    STARTTLS_POSTGRES,
    STARTTLS_FTP,
    STARTTLS_MYSQL,
    STARTTLS_PROTOCOLS,
};

/* By "smtp" and so on; STARTTLS_NONE for any other word. */
enum starttls_protocol starttls_by_name(const char *name);
const char *starttls_name(enum starttls_protocol protocol); /* "" for STARTTLS_NONE */
unsigned starttls_port(enum starttls_protocol protocol);    /* where it usually is; 443 */

struct starttls {
    enum starttls_protocol protocol;
    unsigned step;
    bool offered;    /* SMTP: the server has named STARTTLS */
    struct buf in;   /* all that has come */
    size_t at;       /* how far it is dealt with */
    struct buf said; /* with STARTTLS_E_FAILED: a clause, "it does not offer STARTTLS" */
};

enum {
    STARTTLS_E_MORE = 1, /* send @out, if there is something in it, and wait for more */
    STARTTLS_E_FAILED,   /* dialogue->said tells why; also when memory ran out */
};

/* Puts what the client says first into @out (not cleared): nothing where the server begins. @name
 * is the server's, as XMPP wants it. 0 with STARTTLS_NONE, else STARTTLS_E_MORE. */
int starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol, const char *name,
                   struct buf *out);

/* @bytes have come. 0: the server begins TLS now, or when what is in @out has been sent. */
int starttls_take(struct starttls *dialogue, struct slice bytes, struct buf *out);

void starttls_deinit(struct starttls *dialogue);
