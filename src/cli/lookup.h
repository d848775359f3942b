/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `explain` and `staple` need of a certificate file: its end-entity certificates, their
 * issuers wherever they lie on this machine, and what the store holds for them. Makes no
 * connection, needs no lock and changes nothing. */

#include "cli/verify.h"
#include "conf/config.h"
#include "io/store.h"
#include "pki/cert.h"

struct lookup;

/* Opens the store of @config for reading, when there is one; what is wrong with it is told, and no
 * failure. @config and @log must outlive the lookup. 0 or <0. */
int lookup_new(struct lookup **ret_lookup, const struct config *config, const struct log *log);
struct lookup *lookup_free(struct lookup *lookup);
CLEANUP_DEFINE(struct lookup *, lookup_free)

/* Where an issuer was found, in the order in which it is looked for. */
enum issuer_source {
    ISSUER_NOWHERE,
    ISSUER_SAME_FILE,  /* or the same chain */
    ISSUER_BESIDE,     /* X.issuer beside X */
    ISSUER_CONFIGURED, /* --issuer, `issuers:` */
    ISSUER_FETCHED,    /* in the store: fetched from a caIssuers URL */
    ISSUER_NEIGHBOUR,  /* another file of the same folder */
    ISSUER_OFFERED,    /* lookup_offer_issuer() */
};

/* An end-entity certificate of a file. */
struct found_cert {
    struct buf der;
    struct cert_view view; /* of der */
    struct cert_facts *facts;
    const struct issuer *issuer; /* NULL: not found; owned by the lookup */
    enum issuer_source source;
    struct buf where; /* the file or URL of the issuer */
};

struct found_file {
    struct found_cert *certs;
    size_t count;
};
void found_file_deinit(struct found_file *file);

/* Reads the file at @path. 0, or <0 with a sentence in @fault; then there is nothing in *@ret_file.
 * A certificate that cannot be read is told through the log when others can. */
int lookup_file(struct lookup *lookup, const char *path, struct found_file *ret_file,
                struct buf *fault);

/* The same for the leaf of a chain that a server shows (@count certificates, the leaf first); its
 * issuer is not looked for beside a file. */
int lookup_chain(struct lookup *lookup, const struct slice *chain, size_t count,
                 struct found_file *ret_file, struct buf *fault);

/* Looks for the issuer of @cert in @body, which a caIssuers URL @url has sent. True when it is
 * there: then cert->issuer, its source and cert->facts (made anew) tell. */
bool lookup_offer_issuer(struct lookup *lookup, struct found_cert *cert, const char *url,
                         struct slice body);

/* Judges the answer @der for @cert, whose issuer is known, at @wall_s, as `clinch verify` does.
 * @served (empty) gets what would be served. 0 or -ENOMEM. */
int lookup_judge(struct lookup *lookup, const struct found_cert *cert, struct slice der,
                 int64_t wall_s, struct verification *ret_verification, struct buf *served);

/* The same for what a server shows: judged as it is. */
int lookup_judge_shown(struct lookup *lookup, const struct found_cert *cert, struct slice der,
                       int64_t wall_s, struct verification *ret_verification);

/* What the store holds for a certificate, judged at @wall_s. */
enum kept_state {
    KEPT_NOTHING,
    KEPT_GOOD,      /* served has it */
    KEPT_UNFIT,     /* unfit says why */
    KEPT_REVOKED,   /* a tombstone, or an answer; served has one where on_revoked wants it */
    KEPT_NO_ISSUER, /* something is kept, and cannot be judged */
    KEPT_NO_STORE,
    KEPT_UNREADABLE, /* and the reason is told */
};
struct kept {
    enum kept_state state;
    enum reason unfit;
    int64_t revoked_at_s;
    struct buf received;              /* the answer told of, as it came; empty: there is none */
    struct buf served;                /* as it is to be served; else empty */
    struct verification verification; /* of it */
};
void kept_deinit(struct kept *kept);
const char *kept_state_name(enum kept_state state); /* "nothing"...: public, in JSON */
void lookup_kept(struct lookup *lookup, const struct found_cert *cert, int64_t wall_s,
                 struct kept *ret_kept);

/* What clinch said last about @cert by the store, into @last; nothing when it said nothing. */
void lookup_last(struct lookup *lookup, const struct found_cert *cert, struct buf *last);
