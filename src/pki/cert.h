/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates (RFC 5280) and the PEM files they come in. */

#include "base/bytes.h"
#include "core/facts.h"
#include "pki/crypto.h"

/* A certificate read in place: all slices point into the DER given. */
struct cert_view {
    struct slice der;      /* the whole certificate */
    struct slice tbs;      /* tbsCertificate with header: what is signed */
    struct slice serial;   /* content octets of the INTEGER */
    struct slice issuer;   /* Name with header */
    struct slice subject;  /* Name with header */
    struct slice spki;     /* SubjectPublicKeyInfo with header */
    struct slice key_bits; /* subjectPublicKey without the unused-bits octet: keyHash is of this */
    struct slice signature_algorithm; /* AlgorithmIdentifier with header */
    struct slice signature;           /* BIT STRING octets */
    int64_t not_before_s;
    int64_t not_after_s;
    uint32_t version; /* 1, 2, 3 */
    bool is_ca;       /* basicConstraints cA */
    bool has_key_usage;
    uint16_t key_usage; /* bit n of KeyUsage is 1 << n */
    bool has_eku;
    bool eku_ocsp_signing; /* id-kp-OCSPSigning itself, not anyExtendedKeyUsage */
    bool must_staple;      /* TLS feature 5 (RFC 7633) */
    bool other_tls_feature;
    bool unknown_critical;         /* a critical extension that not every client understands */
    bool critical_policy;          /* certificatePolicies or inhibitAnyPolicy are critical */
    struct slice subject_key_id;   /* SubjectKeyIdentifier; empty when none */
    struct slice authority_key_id; /* keyIdentifier of AuthorityKeyIdentifier; empty when none */
    struct slice dns_name;         /* first dNSName of subjectAltName; empty when none */
    struct slice common_name;      /* last CN of the subject; empty when none */
    unsigned ocsp_url_count;
    struct slice ocsp_urls[LIMIT_URLS]; /* http and https, printable ASCII, not too long */
    struct slice unusable_url;          /* the first OCSP URL that is not; empty when none */
    unsigned issuer_url_count;
    struct slice issuer_urls[LIMIT_URLS]; /* id-ad-caIssuers, http and https */
};

enum {
    CERT_E_MALFORMED = 1,
    CERT_E_TOO_LARGE,
};

/* Reads one DER certificate. 0, CERT_E_MALFORMED, CERT_E_TOO_LARGE; *@ret_fault then is a clause
 * for people ("its serialNumber is not an INTEGER"). */
int cert_read(struct slice der, struct cert_view *ret_view, const char **ret_fault);

/* An issuer: what checking answers and filling in CertIDs needs of it. Owned, immutable. */
struct issuer {
    struct slice der;            /* the certificate, owned by this struct */
    struct cert_view view;       /* of der */
    uint8_t sha256[SHA256_SIZE]; /* of der */
    /* issuerNameHash and issuerKeyHash of CertIDs, by enum certid_hash. */
    uint8_t name_hash[CERTID_HASHES][CRYPTO_DIGEST_MAX]; /* of subject */
    uint8_t key_hash[CERTID_HASHES][CRYPTO_DIGEST_MAX];  /* of key_bits */
    void *key; /* the parsed public key (EVP_PKEY), NULL when libcrypto cannot use it */
    struct signature_facts key_facts; /* of that key: crypto_key_describe() */
    unsigned faults;                  /* as a signer of answers: crypto_signer_faults() */
};

/* Copies @der. 0, -ENOMEM, CERT_E_MALFORMED, CERT_E_TOO_LARGE. */
int issuer_new(struct issuer **ret_issuer, struct crypto *crypto, struct slice der);
struct issuer *issuer_free(struct issuer *issuer);
CLEANUP_DEFINE(struct issuer *, issuer_free)

/* True when @issuer's subject is the leaf's issuer byte for byte, it may sign certificates (cA,
 * and keyCertSign where keyUsage is present), and its key verifies the leaf's signature. */
bool issuer_signed(struct crypto *crypto, const struct issuer *issuer,
                   const struct cert_view *leaf);

/* Makes facts of a leaf. @issuer may be NULL (has_issuer false). 0 or -ENOMEM. Free with free(). */
int cert_facts_new(struct cert_facts **ret_facts, struct crypto *crypto,
                   const struct cert_view *leaf, const struct issuer *issuer);

/* PEM (RFC 7468), leniently as servers read it: text around, CRLF, other blocks. */
struct pem {
    struct slice left;
};
enum pem_block {
    PEM_END,         /* no more blocks */
    PEM_CERTIFICATE, /* "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE" */
    PEM_KEY,         /* anything that ends in "PRIVATE KEY": skipped, not decoded */
    PEM_OTHER,
    PEM_BROKEN, /* BEGIN without END, or not base64; reading goes on behind it */
};
static inline struct pem pem_open(struct slice text)
{
    return (struct pem){text};
}
/* The next block. The DER of a certificate is put into @der (cleared first), without the trust
 * settings that follow it in a "TRUSTED CERTIFICATE". -ENOMEM when memory ran out, else an enum
 * pem_block. A text is read in time linear in its size, whatever it holds. */
int pem_next(struct pem *pem, struct buf *der);
