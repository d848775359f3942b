/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/verify.h"
#include "pki/repair.h"
#include "pki/response.h"

/* @served may be NULL. */
static void read_answer(const struct verification *v, struct signer *signer,
                        const struct issuer *issuer, struct slice der, struct ocsp_facts *ret_facts,
                        struct buf *served)
{
    struct response_view view;
    unsigned delegate = 0;

    response_read(der, v->cert, issuer, ret_facts, &view);
    if (v->issuer_foreign && ret_facts->match == REASON_GOOD) {
        /* It is about a certificate of that issuer with the same serial number. */
        ret_facts->match = REASON_WRONG_ISSUER;
        ret_facts->wrong_key_hash = true;
        ret_facts->wrong_name_hash = v->issuer_other_name;
    }
    if (ret_facts->form == REASON_GOOD) {
        signer_check(signer, &view, issuer, ret_facts, &delegate);
    }
    if (served && ret_facts->form == REASON_GOOD && !v->as_shown) {
        repair_answer(served, der, &view, ret_facts, delegate);
    } else if (served) {
        buf_put_slice(served, der);
    }
}

int verify_judge(struct verification *v, struct signer *signer, const struct issuer *issuer,
                 struct slice der, struct buf *served)
{
    read_answer(v, signer, issuer, der, &v->received, served);
    if (buf_status(served)) {
        return buf_status(served);
    }
    read_answer(v, signer, issuer, slice_of_buf(served), &v->facts, NULL);
    v->repaired = !slice_equal(der, slice_of_buf(served));
    v->received_judgement = verdict_judge(v->policy, v->cert, &v->received, NULL, v->wall_s);
    v->judgement = verdict_judge(v->policy, v->cert, &v->facts, NULL, v->wall_s);
    return 0;
}
