/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every answer ever made in the simulated world, with the truth about it.
 *
 * An answer is a number, from 1 on, and stays what it is; 0 is no answer. The facts level makes
 * struct ocsp_facts of it, the DER level real bytes: what it says about itself (times, status,
 * form) is what stands in them, signed. Whether it is true (`honest`) stands nowhere but here. */

#include <stdbool.h>
#include <stdint.h>

#include "core/facts.h"

#define ANSWER_NONE 0

/* What is wrong with an answer's form or signature. That it is about another certificate is no
 * flaw of the answer: compare `certid` with that of the certificate it was sent for. */
enum answer_flaw {
    FLAW_NONE,
    FLAW_JUNK,          /* not DER at all: an HTML page, a single "0" */
    FLAW_TRUNCATED,     /* the first half of an answer */
    FLAW_TRAILING,      /* DER, and something behind it */
    FLAW_ERROR,         /* an OCSPResponse without an answer in it: response_status */
    FLAW_OTHER_ISSUER,  /* the right serial number, of another issuer */
    FLAW_BAD_SIGNATURE, /* one bit of the signature is wrong */
    FLAW_STRANGER,      /* signed by a certificate that the issuer did not issue */
    FLAW_NO_EKU,        /* signed by one that it did issue, but not for OCSP */
    FLAW_COUNT,
};

struct answer {
    uint32_t certid;       /* struct sim_cert.certid: whom it is about */
    uint32_t responder;    /* who made it */
    int64_t made_ms;       /* true time */
    int64_t this_update_s; /* what it says of itself; wall seconds */
    int64_t next_update_s; /* INSTANT_NEVER: absent */
    int64_t produced_at_s;
    int64_t delegate_not_after_s; /* INSTANT_NEVER: signed by the issuer itself */
    int64_t revoked_at_s;
    enum answer_flaw flaw;
    enum cert_status status;
    uint8_t response_status;  /* OCSPResponseStatus, with FLAW_ERROR */
    int8_t revocation_reason; /* CRLReason, -1: absent */
    bool honest;              /* signed by who may, about the right certificate, and it says
                               * what the authority knew when it was signed */
};

struct answers {
    struct answer *list; /* [1, count) */
    uint32_t count;
    uint32_t capacity;
};

void answers_deinit(struct answers *answers);

/* Adds a copy of @answer and gives its number. */
uint32_t answers_add(struct answers *answers, const struct answer *answer);

const struct answer *answers_get(const struct answers *answers, uint32_t number);

/* The answer as pki would read it for a certificate with @certid. */
struct ocsp_facts answer_facts(const struct answers *answers, uint32_t number, uint32_t certid);

/* Would a client find nothing to fault but perhaps its time and status? */
bool answer_is_sound(const struct answer *answer, uint32_t certid);
