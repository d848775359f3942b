/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One TLS handshake with a server, to see what it shows: its chain and the certificate status. The
 * only module that knows libssl.
 *
 * Nothing is verified, since the verdict does its own; nothing depends on openssl.cnf or a crypto
 * policy; and the security level is 0, so that servers with old certificates are seen, too. */

#include "base/bytes.h"
#include "core/facts.h"
#include "wire/served.h"

/* In which way a server is asked; one has up to two certificates in each version. */
enum tls_way {
    TLS_13_RSA,
    TLS_13_ECDSA, /* or EdDSA */
    TLS_12_RSA,
    TLS_12_ECDSA,
    TLS_WAYS,
};
const char *tls_way_name(enum tls_way way); /* "TLS 1.3 RSA" */

enum tls_outcome {
    TLS_NOT_TRIED,
    TLS_SEEN,        /* `served` has it; the handshake may have failed behind that */
    TLS_NOT_OFFERED, /* the server has no such version or certificate */
    TLS_REFUSED,     /* it does not want to: a name that it does not know... */
    TLS_FAILED,      /* silence, no TLS, a broken connection */
};

/* Some of the alerts of RFC 8446 6.2. */
enum tls_alert {
    TLS_ALERT_NONE = 0, /* close_notify, which is no failure */
    TLS_ALERT_HANDSHAKE_FAILURE = 40,
    TLS_ALERT_ACCESS_DENIED = 49,
    TLS_ALERT_PROTOCOL_VERSION = 70,
    TLS_ALERT_INTERNAL_ERROR = 80,
    TLS_ALERT_UNRECOGNIZED_NAME = 112,
};
void tls_alert_put(struct buf *to, unsigned alert); /* its name: "unrecognized_name" */

struct tls_sight {
    enum tls_outcome outcome;
    unsigned alert;    /* with which the server ended it: enum tls_alert, or another */
    bool silent;       /* with TLS_FAILED: nothing came in time */
    bool too_large;    /* with TLS_SEEN: the status is too large to be taken; `served` has none */
    char detail[256];  /* a clause: why it failed, also behind what was seen; "" */
    struct buf chain;  /* the message Certificate */
    struct buf status; /* the message CertificateStatus of TLS 1.2; empty: none came */
    struct served served;             /* into these */
    uint8_t leaf_sha256[SHA256_SIZE]; /* with TLS_SEEN */
};
void tls_sight_deinit(struct tls_sight *sight);

/* What handshakes share. 0 or -ENOMEM. */
struct tls_client;
int tls_client_new(struct tls_client **ret_client);
struct tls_client *tls_client_free(struct tls_client *client);
CLEANUP_DEFINE(struct tls_client *, tls_client_free)

/* A handshake without a connection: bytes in, bytes out. @servername: NULL for none. 0 or -ENOMEM.
 */
struct tls_hand;
int tls_hand_new(struct tls_hand **ret_hand, struct tls_client *client, enum tls_way way,
                 const char *servername);
struct tls_hand *tls_hand_free(struct tls_hand *hand);
CLEANUP_DEFINE(struct tls_hand *, tls_hand_free)

enum { TLS_E_MORE = 1 };

/* @bytes have come (none: begin); what is to be sent is put into @out (not cleared), also at the
 * end. TLS_E_MORE, or 0: the handshake has ended, well or not. All that comes is capped
 * (LIMIT_SERVED_BYTES). */
int tls_hand_take(struct tls_hand *hand, struct slice bytes, struct buf *out);

/* What was seen, also of a handshake that ends in the middle: @broken tells why, a clause; NULL:
 * nothing more came in time. @ret_sight is the caller's to deinit. */
void tls_hand_look(struct tls_hand *hand, const char *broken, struct tls_sight *ret_sight);
