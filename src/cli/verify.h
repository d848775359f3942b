/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of `clinch verify`: the judging, and the two forms of telling. `clinch explain`
 * judges and tells the same way. */

#include <jansson.h>

#include "base/bytes.h"
#include "core/verdict.h"
#include "pki/signer.h"

struct verification {
    const struct policy *policy;
    const struct cert_facts *cert;
    int64_t wall_s;
    bool as_shown;              /* by a server: as it is, not as we would serve it */
    struct ocsp_facts received; /* the answer as it came */
    struct ocsp_facts facts;    /* as it would be served, or is */
    struct judgement judgement; /* of that */
    struct judgement received_judgement;
    bool repaired;          /* the two differ */
    bool issuer_unverified; /* the issuer given did not sign the certificate */
    bool issuer_foreign;    /* and certainly not: another one did */
    bool issuer_other_name; /* with issuer_foreign: its name is another, too */
};

/* Judges the answer @der for v->cert by v->policy at v->wall_s, as it came and as it would be
 * served (with v->as_shown that is the same); what is said of the issuer is the caller's as well.
 * @served (empty) gets what would be served. 0, or the status of @served. */
int verify_judge(struct verification *v, struct signer *signer, const struct issuer *issuer,
                 struct slice der, struct buf *served);

/* "accept", "ignores: REASON", "fails: REASON". */
void verify_put_client(struct buf *buf, const struct judgement *judgement, enum client client);

/* Calls @each with every warning, once each. */
void verify_each_warning(const struct verification *verification,
                         void (*each)(void *context, const char *sentence, enum reason reason),
                         void *context);

/* The report, into @out, in lines of at most 78 columns. @colour: for a terminal. The table is the
 * report without the certificate. */
void verify_put_text(struct buf *out, const struct verification *verification, bool colour);
void verify_put_table(struct buf *out, const struct verification *verification, bool colour);

/* The same as one object (NULL without memory), and as text. */
json_t *verify_json(const struct verification *verification);
void verify_put_json(struct buf *out, const struct verification *verification);
