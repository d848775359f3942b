/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Real certificates, answers and requests for the simulated authorities, for any time and without a
 * clock. The octets are written directly (an answer and its signature in thirty microseconds), with
 * nothing of what pki/ reads them with; tests let OpenSSL judge them. The same arguments give the
 * same octets. Everything is signed by P-256 keys made out of names (der-key.h). */

#include "base/instant.h"
#include "core/facts.h"
#include "sim/der-key.h"

#define DERMINT_SERIAL_SIZE 16

/* The content octets of a serial number that @number stands for; different for different numbers.
 */
void dermint_serial(uint64_t number, uint8_t ret_serial[DERMINT_SERIAL_SIZE]);

/* An authority. */
struct dermint_ca {
    struct derkey *key;
    struct derkey *leaf_key; /* of every server's certificate: nobody signs with it */
    struct buf der;          /* its certificate, self-signed */
    struct buf name;         /* its Name, DER */
    uint8_t name_hash[4][CRYPTO_DIGEST_MAX]; /* of CertIDs, by enum certid_hash */
    uint8_t key_hash[4][CRYPTO_DIGEST_MAX];
};
struct dermint_ca *dermint_ca_new(const struct crypto *crypto, const char *name,
                                  struct window valid);
struct dermint_ca *dermint_ca_free(struct dermint_ca *ca);
CLEANUP_DEFINE(struct dermint_ca *, dermint_ca_free)

/* What the authority may let sign in its place. */
enum dermint_misuse {
    DERMINT_NO_EKU = 1,   /* without id-kp-OCSPSigning */
    DERMINT_STRANGER = 2, /* issued by somebody else of the same name */
};
struct dermint_delegate {
    struct derkey *key;
    struct buf der;
    struct buf name;
    uint8_t key_hash[SHA1_SIZE];
};
/* @number tells the delegates of one authority apart. @misuse: bits of enum dermint_misuse. */
struct dermint_delegate *dermint_delegate_new(const struct crypto *crypto,
                                              const struct dermint_ca *ca, uint64_t number,
                                              struct window valid, unsigned misuse);
struct dermint_delegate *dermint_delegate_free(struct dermint_delegate *delegate);
CLEANUP_DEFINE(struct dermint_delegate *, dermint_delegate_free)

/* A server's certificate, as DER. */
struct dermint_leaf {
    const char *name; /* CN and DNS name */
    uint64_t number;  /* dermint_serial() */
    struct window valid;
    const char *const *urls; /* id-ad-ocsp */
    size_t url_count;
    const char *issuer_url; /* id-ad-caIssuers; NULL: none */
    bool must_staple;
    bool is_ca;       /* basicConstraints cA: not a server's at all */
    bool self_signed; /* nobody's but its own */
};
void dermint_put_leaf(struct buf *der, const struct dermint_ca *ca,
                      const struct dermint_leaf *leaf);

/* "-----BEGIN CERTIFICATE-----"... */
void dermint_put_pem(struct buf *pem, struct slice der);

struct dermint_single {
    uint64_t number; /* whom it is about: dermint_serial() */
    enum certid_hash hash;
    enum cert_status status;
    int64_t this_update_s;
    int64_t next_update_s; /* INSTANT_NEVER: none */
    int64_t revoked_at_s;  /* with CERT_STATUS_REVOKED */
    int8_t reason;         /* CRLReason; -1: none */
};

struct dermint_answer {
    const struct dermint_ca *ca;             /* whose certificates it is about */
    const struct dermint_delegate *delegate; /* signs, and comes along; NULL: the authority does */
    const struct derkey *forger;             /* really signs; NULL: whoever says so */
    const struct dermint_single *singles;
    size_t single_count;
    int64_t produced_at_s;
    bool by_name;  /* ResponderID byName instead of byKey */
    bool embed_ca; /* the authority's certificate comes along, before the delegate */
};
void dermint_put_answer(struct buf *der, const struct dermint_answer *answer);

/* RFC 6960 2.3: an answer of one of the error statuses, without a body. */
void dermint_put_error(struct buf *der, uint8_t response_status);

/* One Request of an OCSPRequest (RFC 6960 4.1.1), read: slices into it. */
struct dermint_asked {
    enum certid_hash hash;
    struct slice name_hash;
    struct slice key_hash;
    struct slice serial;
};
/* False when @der is no request for exactly one certificate, or has extensions: a responder of the
 * lightweight profile (RFC 9919) would call it malformed. */
bool dermint_read_request(struct slice der, struct dermint_asked *ret_asked);

/* Is it about @number of @ca? */
bool dermint_asks_for(const struct dermint_asked *asked, const struct dermint_ca *ca,
                      uint64_t number);

/* The request in the path of a GET (RFC 6960 A.1), behind @base, into @der (cleared first). False
 * when @url does not begin with @base or the rest is not percent-encoded base64. */
bool dermint_read_get(const char *url, const char *base, struct buf *der);
