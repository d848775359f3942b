/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `explain`, `staple` and `status` need of a certificate file: its end-entity certificates,
 * their issuers wherever they lie on this machine, and what the store holds for them. Makes no
 * connection and needs no lock. */

#include "conf/config.h"
#include "core/verdict.h"
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
    ISSUER_SAME_FILE,
    ISSUER_BESIDE,     /* X.issuer beside X */
    ISSUER_CONFIGURED, /* --issuer, `issuers:` */
    ISSUER_FETCHED,    /* in the store: fetched from a caIssuers URL */
    ISSUER_NEIGHBOUR,  /* another file of the same folder */
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

/* What the store holds for a certificate, judged at @wall_s. */
enum kept_state {
    KEPT_NOTHING,
    KEPT_GOOD,      /* served has it */
    KEPT_UNFIT,     /* judgement says why */
    KEPT_REVOKED,   /* a tombstone */
    KEPT_NO_ISSUER, /* something is kept, and cannot be judged */
    KEPT_NO_STORE,
    KEPT_UNREADABLE, /* and the reason is told */
};
struct kept {
    enum kept_state state;
    struct judgement judgement; /* of the answer told of */
    struct ocsp_facts facts;    /* of the answer told of */
    struct buf served;          /* as it is to be served */
};
void kept_deinit(struct kept *kept);
void lookup_kept(struct lookup *lookup, const struct found_cert *cert, int64_t wall_s,
                 struct kept *ret_kept);
