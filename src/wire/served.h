/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a TLS server shows: the handshake messages Certificate and CertificateStatus as a client
 * received them, its own decryption done. Read apart from the TLS library, which keeps neither an
 * empty status nor one that breaks the handshake. All slices point into the message. */

#include "base/bytes.h"
#include "base/limits.h"

/* HandshakeType (RFC 8446 B.3, RFC 6066 8). */
enum {
    SERVED_CERTIFICATE = 11,
    SERVED_STATUS = 22,
};

enum served_status {
    SERVED_NONE,
    SERVED_ANSWER, /* of type ocsp; it may be empty, and need not be an answer at all */
    SERVED_BROKEN, /* a CertificateStatus that is none: another type, a length that does not fit */
};

struct served {
    struct slice certs[LIMIT_SERVED_CERTS]; /* DER, the leaf first */
    unsigned cert_count;
    enum served_status status; /* of the leaf */
    struct slice answer;       /* with SERVED_ANSWER */
};

/* @message: Certificate, with its header. RFC 8446 4.4.2.1: "In TLS 1.3, the server's OCSP
 * information is carried in an extension in the CertificateEntry containing the associated
 * certificate." False when it is none. Certificates over the limit are passed over. */
bool served_read_chain(struct slice message, bool tls13, struct served *ret_served);

/* @message: CertificateStatus of TLS 1.2, with its header. */
enum served_status served_read_status(struct slice message, struct slice *ret_answer);
