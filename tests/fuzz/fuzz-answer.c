/* SPDX-License-Identifier: Apache-2.0 */

/* Answers: what we read libcrypto reads alike, and what we accept OCSP_basic_verify() accepts. */

#include <string.h>

#include "oracle.h"
#include "wire/single.h"

static void check_view(const struct opinion *opinion, struct slice der)
{
    const struct response_view *view = &opinion->view;

    must(slice_inside(view->tbs, der) && slice_inside(view->signature, der));
    must((view->responder_name.size == 0) != (view->responder_key.size == 0));
    must(view->cert_count == opinion->facts.embedded_certs);
    for (unsigned i = 0; i < view->cert_count; i++) {
        must(slice_inside(view->certs[i], der));
    }
}

static void check_next_update(struct slice der, const struct ocsp_facts *facts)
{
    struct single single;
    int64_t next_update_s = 0;
    bool readable = response_next_update(der, &next_update_s);

    must(readable || facts->form != REASON_GOOD || facts->singles == 0);
    if (facts->form != REASON_GOOD || facts->match != REASON_GOOD || facts->mixed_hashes) {
        single_read(der, 0, &single); /* its own reader: only that it ends well */
        return;
    }
    if (facts->single_index == 0) {
        must(next_update_s == facts->next_update_s);
    }
    must(single_read(der, facts->single_index, &single));
    must(single.this_update_s == facts->this_update_s &&
         single.next_update_s == facts->next_update_s);
}

/* As served: what else is embedded, libcrypto need not be able to read. */
static bool theirs_accept(const struct side *side, struct slice der, const struct opinion *opinion)
{
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE);
    bool accepted;

    repair_answer(&served, der, &opinion->view, &opinion->facts, opinion->delegate);
    accepted = oracle_accepts(side, slice_of_buf(&served));
    buf_deinit(&served);
    return accepted;
}

static void check_side(struct side *side, struct slice input)
{
    uint8_t *copy = malloc(input.size + 1);
    struct slice der = slice_of(copy, input.size);
    struct opinion opinion;

    must(copy);
    memcpy(copy, input.data, input.size);
    opinion = side_judge(side, der);
    must(opinion.facts.size == input.size);
    check_next_update(der, &opinion.facts);
    if (opinion.facts.form == REASON_GOOD) {
        check_view(&opinion, der);
        oracle_compare_answer(der, &opinion.facts);
        must(!opinion_is_accepted(&opinion) || theirs_accept(side, der, &opinion));
        side_sign(side, &opinion.view);
        opinion = side_judge(side, der);
        must(opinion.facts.form == REASON_GOOD);
        must(!opinion_is_accepted(&opinion) || theirs_accept(side, der, &opinion));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *world = world_get();

    for (size_t i = 0; i < ARRAY_SIZE(world->sides); i++) {
        check_side(&world->sides[i], slice_of(data, size));
    }
    return 0;
}
