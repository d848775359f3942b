/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of `clinch verify`: the judging, and the two forms of telling. */

#include "base/bytes.h"
#include "core/verdict.h"

struct verification {
    const struct policy *policy;
    const struct cert_facts *cert;
    int64_t wall_s;
    struct ocsp_facts received; /* the answer as it came */
    struct ocsp_facts facts;    /* as it would be served */
    struct judgement judgement; /* of that */
    struct judgement received_judgement;
    bool repaired;          /* the two differ */
    bool issuer_unverified; /* the issuer given did not sign the certificate */
};

/* "accept", "ignores: REASON", "fails: REASON". */
void verify_put_client(struct buf *buf, const struct judgement *judgement, enum client client);

/* Calls @each with every warning, once each. */
void verify_each_warning(const struct verification *verification,
                         void (*each)(void *context, const char *sentence, enum reason reason),
                         void *context);

/* The report, into @out. @colour: for a terminal. */
void verify_put_text(struct buf *out, const struct verification *verification, bool colour);
void verify_put_json(struct buf *out, const struct verification *verification);
