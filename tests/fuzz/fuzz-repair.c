/* SPDX-License-Identifier: Apache-2.0 */

/* Repair: what is served is the same signed answer, judged the same, with no certificate but the
 * delegate. */

#include <string.h>

#include "oracle.h"

/* The facts that repair may change, made equal. */
static struct ocsp_facts without_wrapping(struct ocsp_facts facts)
{
    facts.size = 0;
    facts.embedded_certs = 0;
    return facts;
}

static bool same_facts(const struct ocsp_facts *a, const struct ocsp_facts *b)
{
    struct ocsp_facts left = without_wrapping(*a), right = without_wrapping(*b);

    return left.form == right.form && left.match == right.match &&
           left.signature == right.signature && left.status == right.status &&
           left.hash == right.hash && left.never_issued == right.never_issued &&
           left.produced_at_s == right.produced_at_s && left.this_update_s == right.this_update_s &&
           left.next_update_s == right.next_update_s && left.singles == right.singles &&
           left.critical_response_extension == right.critical_response_extension &&
           left.critical_single_extension == right.critical_single_extension &&
           left.conflicting == right.conflicting && left.signer == right.signer &&
           left.made.digest == right.made.digest && left.made.key == right.made.key &&
           left.delegate_not_before_s == right.delegate_not_before_s &&
           left.delegate_not_after_s == right.delegate_not_after_s;
}

static void check_repair(struct side *side, struct slice der, const struct opinion *before)
{
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE), twice = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct slice repaired;
    struct opinion after;

    repair_answer(&served, der, &before->view, &before->facts, before->delegate);
    must(buf_status(&served) == 0 && served.size <= der.size);
    repaired = slice_of_buf(&served);
    after = side_judge(side, repaired);
    must(after.facts.form == REASON_GOOD);
    must(slice_equal(after.view.tbs, before->view.tbs));
    must(slice_equal(after.view.signature, before->view.signature));
    must(slice_equal(after.view.signature_algorithm, before->view.signature_algorithm));
    must(same_facts(&after.facts, &before->facts));
    if (before->facts.signer == OCSP_SIGNER_NONE) {
        must(slice_equal(repaired, der));
    } else {
        must(after.facts.embedded_certs == (before->facts.signer == OCSP_SIGNER_DELEGATE));
    }
    must(!opinion_is_accepted(&after) || oracle_accepts(side, repaired));
    repair_answer(&twice, repaired, &after.view, &after.facts, after.delegate);
    must(slice_equal(slice_of_buf(&twice), repaired));
    buf_deinit(&served);
    buf_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *world = world_get();
    uint8_t *copy = malloc(size + 1);
    struct slice der = slice_of(copy, size);

    must(copy);
    memcpy(copy, data, size);
    for (size_t i = 0; i < ARRAY_SIZE(world->sides); i++) {
        struct side *side = &world->sides[i];
        struct opinion opinion = side_judge(side, der);

        if (opinion.facts.form == REASON_GOOD) {
            check_repair(side, der, &opinion);
        }
        if (opinion.facts.form == REASON_GOOD && opinion.facts.match == REASON_GOOD) {
            side_sign(side, &opinion.view);
            opinion = side_judge(side, der);
            check_repair(side, der, &opinion);
        }
    }
    free(copy);
    return 0;
}
