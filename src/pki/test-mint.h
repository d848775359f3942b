/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates and answers for tests, made by libcrypto's own X509 and OCSP functions, so that
 * what reads them and what wrote them have nothing in common. Fails the test on any trouble. */

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "core/facts.h"

#define MINT_NOW        INT64_C(1790000000) /* 2026-09-21: when everything minted here is in date */
#define MINT_DAY_S      86400
#define MINT_EXTENSIONS 4
#define MINT_SINGLES    24
#define MINT_CERTS      72

enum mint_key {
    MINT_RSA,       /* 2048 bits */
    MINT_RSA_SMALL, /* 1024 bits */
    MINT_RSA_OTHER, /* another one of 2048 bits */
    MINT_EC,        /* P-256 */
    MINT_EC_OTHER,
    MINT_EC_384,
    MINT_EC_EXPLICIT, /* P-256, its parameters written out */
    MINT_ED25519,
    MINT_ED25519_OTHER,
    MINT_KEYS,
};

/* Made once, owned by the mint; mint_deinit() frees them. */
EVP_PKEY *mint_key(enum mint_key key);
/* A new one of P-256, its parameters written out. */
EVP_PKEY *mint_explicit_key(void);
/* Uses @made for @key from now on, instead of a new one, and owns it. Before its first use. */
void mint_set_key(enum mint_key key, EVP_PKEY *made);
void mint_deinit(void);

struct mint_cert {
    const char *name; /* CN; NULL: an empty subject */
    enum mint_key key;
    enum mint_key issuer_key;
    X509 *issuer;           /* NULL: self-signed */
    const char *serial_hex; /* NULL: "1000" */
    const EVP_MD *digest;   /* NULL: SHA-256 (none for Ed25519) */
    int64_t not_before_s;   /* 0: MINT_NOW - 30 days */
    int64_t not_after_s;    /* 0: MINT_NOW + 60 days */
    bool version_1;
    struct {
        const char *name; /* as in openssl.cnf */
        const char *value;
    } extensions[MINT_EXTENSIONS];
};

X509 *mint_cert(const struct mint_cert *spec);

/* Its DER; *@ret_buf owns it (initialize it with BUF_INIT). */
struct slice mint_der(X509 *cert, struct buf *ret_buf);

struct mint_single {
    X509 *cert;
    X509 *issuer;
    const EVP_MD *hash; /* NULL: SHA-1 */
    enum cert_status status;
    int64_t revoked_at_s;
    int reason;            /* with CERT_STATUS_REVOKED; -1: none */
    int64_t this_update_s; /* 0: MINT_NOW - 1 h */
    int64_t next_update_s; /* 0: MINT_NOW + 4 days; -1: absent */
    bool critical;         /* an unknown critical extension */
    unsigned sct_lists;    /* extensions for lists of certificate timestamps */
    struct slice scts;     /* the value of each */
    bool critical_scts;
};

struct mint_answer {
    struct mint_single singles[MINT_SINGLES];
    X509 *signer;
    enum mint_key signer_key;
    const EVP_MD *digest; /* NULL: SHA-256 (none for Ed25519) */
    bool by_key;
    bool pss;
    bool embed_signer;
    X509 *embedded[MINT_CERTS]; /* besides; before the signer */
    bool critical;
    bool plain_extension; /* a nonce, not critical */
    bool extended_revoke;
};

/* Its DER into @answer (cleared first). */
void mint_answer(struct buf *answer, const struct mint_answer *spec);

/* Does OpenSSL accept the signature and the signer's authority, at MINT_NOW? */
bool mint_oracle(struct slice answer, X509 *issuer);
