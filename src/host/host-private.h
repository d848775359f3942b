/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files of this folder: host.c (events and effects), catalogue.c (files and the
 * certificates in them), issuers.c (who issued what), answers.c (answers and where they come from),
 * shelf.c (where they go: the store and the publishers). Nobody else includes it. */

#include "base/map.h"
#include "host/host.h"
#include "pki/cert.h"
#include "pki/signer.h"

#define NONE  UINT32_MAX
#define STRAY (UINT32_MAX - 1) /* host_file.shown: a staple that is of no use and nobody's */

/* How long a file may be missing before its certificates are given up: long enough for "delete,
 * then write anew". */
#define HOST_LINGER_MS      10000
#define HOST_ISSUERS_MAX    10000
#define HOST_ISSUER_RETRY_S 3600
#define HOST_FLUSH_MS       100  /* answers wait at most this long for company in one commit */
#define HOST_ROWS_MS        1000 /* rows alone wait longer */
#define HOST_FLUSH_MOST     2000 /* certificates in one commit */

enum dirt {
    DIRT_HELD = 1,
    DIRT_PENDING = 2,
    DIRT_TOMBSTONE = 4,
    DIRT_ROW = 8,
};

/* What is to be shown, once the store has had its turn. */
enum wish { WISH_NONE, WISH_PUBLISH, WISH_PUBLISH_URGENT, WISH_WITHDRAW };

struct host_place {
    uint32_t file;
    uint32_t index; /* which of the file's end-entity certificates */
};

/* An answer on the shelf, as received. */
struct host_answer {
    struct slice der;  /* owned; empty: none. Behind it and a NUL: its entity-tag, where tagged */
    uint32_t delegate; /* whose signature it bears, of the certs in it; NONE: the issuer's */
    uint8_t url;       /* the entity-tag is good for this URL of the certificate only */
    bool tagged;
};

struct host_cert {
    struct cert_facts *facts; /* NULL: this number is free */
    struct slice leaf;        /* owned; kept while the issuer is not known, else empty */
    const struct issuer *issuer;
    struct host_place *places;
    uint32_t place_count;
    struct host_answer held;
    struct host_answer pending;
    struct tombstone tombstone;
    char *last;     /* the last sentence of trouble; NULL when all is well */
    bool in_engine; /* the engine knows it */
    bool resolving; /* a caIssuers URL is being asked */
    bool chained;   /* some file of it holds a certificate of its issuer's name, too */
    bool shown;     /* published at its places */
    bool departed;  /* gone from every file; freed once the store knows */
    bool queued;    /* in host->dirty */
    bool posted;    /* the last request is a POST */
    uint8_t url;    /* it went to this one */
    uint8_t dirt;   /* enum dirt */
    enum wish wish;
    uint32_t attempt; /* the number of the request under way, as far as it fits; 0: none is */
    int64_t departed_until_s; /* nextUpdate of what the store keeps of a departed one */
};

/* A file that holds certificates. */
struct host_file {
    char *path;                  /* NULL: this number is free */
    uint8_t digest[SHA256_SIZE]; /* of the content last read */
    uint32_t *certs;             /* by index */
    uint32_t cert_count;
    uint32_t *shown; /* whose staple stands at (path, index); NONE */
    uint32_t shown_count;
    int64_t gone_ms; /* when it is given up; INSTANT_NEVER: it is there */
};

struct host_issuer {
    struct issuer *issuer;
};

/* A caIssuers URL. */
struct host_source {
    char *url;
    bool in_flight;
    bool recalled;   /* the store was asked */
    int64_t retry_s; /* wall: not asked again before; 0: not asked yet */
};

struct list {
    uint32_t *items;
    size_t count;
    size_t capacity;
};

struct host {
    struct ports ports;
    struct policy policy;
    struct engine *engine;
    struct effects effects;
    struct crypto *crypto;
    struct signer *signer;
    uint64_t machine_salt;

    struct host_cert *certs;
    uint32_t cert_count;
    struct map cert_by_leaf;
    struct list free_certs;
    struct list fresh; /* found since the last host_settle() */

    struct host_file *files;
    uint32_t file_count;
    struct map file_by_path;
    struct list free_files;
    struct list lingering; /* files that are gone for now */

    struct host_issuer *issuers;
    uint32_t issuer_count;
    struct map issuer_by_digest;
    struct map issuer_by_subject;
    struct host_source *sources;
    uint32_t source_count;
    struct map source_by_url;
    int64_t issuer_retry_s;
    bool pool_grew; /* since the certificates without issuer were last looked at */

    struct list reread; /* certificates of which the store is to be read again */
    bool rereading;
    struct list dirty; /* certificates with something for the store or the publishers */
    bool answers_wait; /* some of it is more than rows */
    int64_t flushed_ms;
    int64_t store_retry_ms; /* after a failed commit; INSTANT_NEVER: the store is well */
    unsigned store_failures;
    unsigned in_flight;
    uint32_t delegate; /* of the answer that the running event brought */
};

int list_add(struct list *list, uint32_t item);
void list_deinit(struct list *list);

/* host.c */
int host_step(struct host *host, struct event *event, const struct fetch_result *result);
void host_say(struct host *host, struct instant now, enum note_level level, struct buf *sentence);
const char *host_path_of(const struct host *host, const struct host_cert *cert);
uint64_t host_leaf_hash(const uint8_t sha256[SHA256_SIZE]);
int host_enter(struct host *host, struct instant now, uint32_t number);

/* answers.c: EFFECT_KEEP (the answer of this event, @result), EFFECT_DROP, EFFECT_PROMOTE. */
int host_keep(struct host *host, const struct effect *effect, const struct fetch_result *result);
int host_drop(struct host *host, const struct effect *effect);
int host_promote(struct host *host, uint32_t number);
void host_answer_deinit(struct host_answer *answer);
/* The entity-tag of the last request's @result goes to where it is on the shelf by now. */
void host_tag(struct host_cert *cert, const struct fetch_result *result);
/* Fetched bytes to facts. False: nothing to judge, what counts is that the fetch failed. */
bool host_read_answer(struct host *host, const struct host_cert *cert,
                      const struct fetch_result *result, struct ocsp_facts *ret_facts);
/* Gives the engine what the store has. @first: or else what is still published. */
int host_read_store(struct host *host, struct instant now, uint32_t number, bool first);
/* Does so for all that EFFECT_READ has named. */
int host_reread(struct host *host, struct instant now);

/* catalogue.c */
int host_tick_files(struct host *host, struct instant now);
void host_free_cert(struct host *host, uint32_t number);

/* issuers.c: the issuer of @leaf, out of what is known; NULL. */
const struct issuer *host_find_issuer(struct host *host, const struct cert_view *leaf);
/* Takes @der into the pool when it is a CA certificate. 1: taken or there already, 0: not one. */
int host_pool_issuer(struct host *host, struct slice der);
int host_resolve(struct host *host, struct instant now, uint32_t number);
int host_issuer_done(struct host *host, struct instant now, const struct fetch_result *result);
int host_use_pool(struct host *host, struct instant now);
int host_retry_issuers(struct host *host, struct instant now);
void host_deinit_issuers(struct host *host);

/* shelf.c */
int host_soil(struct host *host, uint32_t number, unsigned dirt);
void host_wish(struct host *host, uint32_t number, enum wish wish);
void host_place_settled(struct host *host, uint32_t number);
/* At @place stands what an earlier run left: it goes when the certificate is settled without. */
void host_note_stray(struct host *host, struct host_place place);
int64_t host_flush_deadline_ms(const struct host *host);
void host_fill_row(const struct host *host, struct instant now, uint32_t number,
                   struct cert_row *ret_row);

/* Ids of orders: attempts of the engine carry their certificate, issuer fetches their source. */
#define ORDER_ISSUER (UINT64_C(1) << 63)
static inline uint64_t order_id(uint64_t attempt, uint32_t number)
{
    return attempt << 32 | number;
}
