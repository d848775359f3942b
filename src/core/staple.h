/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What passes between host, store, publishers and commands. Everything here borrows: it lives as
 * long as the call it is passed to. */

#include "base/bytes.h"
#include "core/facts.h"

/* Where a certificate was found: a file, and which of the end-entity certificates in it. Servers
 * serve the first (index 0). */
struct place {
    const char *path;
    unsigned index;
};

/* A staple to be shown: judged, repaired, inside its window. RFC 6066 8: "Servers that receive a
 * client hello containing the 'status_request' extension MAY return a suitable certificate status
 * response to the client along with their certificate." For the very certificate served:
 * RFC 8446 4.4.2.1: "In TLS 1.3, the server's OCSP information is carried in an extension in the
 * CertificateEntry containing the associated certificate." */
struct staple {
    const struct cert_facts *cert;
    struct slice leaf; /* DER, for servers that want to know the certificate; may be empty */
    struct slice der;  /* as served */
    struct window serve;
    int64_t next_update_s;
    int64_t keep_until_s; /* nextUpdate, or later: the grace of a must-staple leaf */
    bool urgent; /* the server should take it within seconds (first, renewal); else batched */
};

/* What the store keeps of an answer: as received, never as served. */
enum store_slot { STORE_SLOT_HELD, STORE_SLOT_PENDING };

struct tombstone {
    bool present;
    int64_t this_update_s;
    int64_t revoked_at_s;
    int8_t reason;
};

/* One line of `status`, in memory, in the store and on the control socket alike. */
struct cert_row {
    char leaf_sha256[2 * SHA256_SIZE + 1];
    char serial[2 * LIMIT_SERIAL_SIZE + 1];
    const char *name;
    const char *path; /* the first place, "" when it is gone from disk */
    const char *last; /* the last sentence about it, "" when none */
    enum cert_state state;
    bool must_staple;
    struct window serve;   /* of the staple held; {0, 0} when none */
    int64_t next_update_s; /* of the staple held; 0 when none */
    int64_t next_try_s;    /* wall; INSTANT_NEVER when none is planned */
};

/* A change for the store. The host gives them in batches; each batch is one durable commit. */
enum store_change_type {
    STORE_PUT_ANSWER,  /* slot, der, url, row */
    STORE_DROP_ANSWER, /* slot */
    STORE_TOMBSTONE,   /* tombstone (present or not) */
    STORE_PUT_ROW,     /* row only */
    STORE_FORGET,      /* everything of this leaf goes */
    STORE_PUT_ISSUER,  /* der: an issuer fetched through caIssuers; url */
};

struct store_change {
    enum store_change_type type;
    const uint8_t *leaf_sha256; /* SHA256_SIZE octets; NULL for STORE_PUT_ISSUER */
    enum store_slot slot;
    struct slice der;
    const char *url;
    struct tombstone tombstone;
    const struct cert_row *row; /* may be NULL */
};

/* What the store knows about a leaf; owned by the caller, store_record_deinit(). */
struct store_record {
    struct buf held; /* as received; empty when none */
    struct buf pending;
    struct tombstone tombstone;
    int64_t next_try_s; /* of the row; INSTANT_NEVER: none */
};
