/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: the host with recorded ports, in virtual time, and certificates for it. */

#include "host/host.h"
#include "pki/test-mint.h"

#define URL        "http://ocsp.example/"
#define ORDERS_MAX 16

struct world {
    struct host *host;
    struct instant now;
    struct buf trace;
    struct fetch_order orders[ORDERS_MAX]; /* only their ids live on */
    unsigned order_count;
    struct buf stored;  /* the held answer of any leaf */
    int64_t next_try_s; /* and its row */
    struct buf kept_issuer;
    struct buf published; /* what recall gives */
    const char *etag;     /* comes with every answer */
    int64_t keep_until_s; /* of the staple published last */
    size_t shown_size;    /* of it, octets */
    unsigned commits;
    unsigned warnings;
    unsigned general; /* notes that are about no certificate */
    bool store_fails;
};

struct pki {
    X509 *ca;
    X509 *leaf;
    X509 *renewed;
    struct buf leaf_pem;
    struct buf renewed_pem;
    struct buf answer;
    struct buf renewed_answer;
};

struct world world_new(void);
void world_open(struct world *world);
void world_close(struct world *world);

struct pki pki_new(void);
void pki_free(struct pki *pki);
void put_pem(struct buf *pem, X509 *cert);
X509 *mint_leaf(X509 *ca, const char *serial_hex, const char *access);
void mint_good(struct buf *answer, X509 *leaf, X509 *ca);

/* What was done since the last time: "fetch store publish!/a.pem ". An order with an entity-tag is
 * "fetch\"v1\" ", one that caches are not to answer "fetch-anew ". */
void expect(struct world *world, const char *expected);
void flush(struct world *world);
void read_file(struct world *world, const char *path, const struct buf *pem);
/* The answer to the oldest order. */
void answer(struct world *world, enum fetch_outcome outcome, const struct buf *body);
void pass_time(struct world *world, int64_t seconds);
/* One certificate, which has its first staple. */
void start(struct world *world, const struct pki *pki);

int world_teardown(void **state);
