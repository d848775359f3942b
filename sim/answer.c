/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/answer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/rng.h"
#include "sim/world.h"

#define STATUS_SIZE 500 /* octets of a common answer */

void answers_deinit(struct answers *answers)
{
    free(answers->list);
    *answers = (struct answers){0};
}

uint32_t answers_add(struct answers *answers, const struct answer *answer)
{
    if (answers->count == answers->capacity) {
        uint32_t capacity = answers->capacity ? answers->capacity * 2 : 256;

        answers->list =
            sim_grow(answers->list, answers->capacity, capacity, sizeof(*answers->list));
        answers->capacity = capacity;
        answers->count += answers->count == ANSWER_NONE;
    }
    answers->list[answers->count] = *answer;
    return answers->count++;
}

const struct answer *answers_get(const struct answers *answers, uint32_t number)
{
    assert(number != ANSWER_NONE && number < answers->count);
    return &answers->list[number];
}

/* Fields that only a whole answer has. */
static void put_single(struct ocsp_facts *facts, const struct answer *answer)
{
    facts->has_single = true;
    facts->status = facts->first_status = facts->last_status = answer->status;
    facts->any_revoked = answer->status == CERT_STATUS_REVOKED;
    facts->has_sha1 = true;
    facts->has_next_update = answer->next_update_s != INSTANT_NEVER;
    facts->produced_at_s = answer->produced_at_s;
    facts->this_update_s = facts->last_this_update_s = answer->this_update_s;
    facts->next_update_s = facts->first_next_update_s = answer->next_update_s;
    facts->any_without_next_update = !facts->has_next_update;
    facts->revoked_at_s = answer->revoked_at_s;
    facts->revocation_reason = answer->revocation_reason;
    facts->singles = 1;
    facts->head_this_update_s = facts->ours_first_this_update_s = answer->this_update_s;
    facts->ours_last_this_update_s = answer->this_update_s;
    facts->head_next_update_s = facts->ours_first_next_update_s = answer->next_update_s;
    facts->ours_without_next_update = !facts->has_next_update;
}

static void put_signature(struct ocsp_facts *facts, const struct answer *answer)
{
    bool delegated = answer->delegate_not_after_s != INSTANT_NEVER;

    facts->signer = delegated ? OCSP_SIGNER_DELEGATE : OCSP_SIGNER_ISSUER;
    facts->made =
        (struct signature_facts){.key = KEY_RSA, .digest = DIGEST_SHA256, .key_bits = 2048};
    if (delegated) {
        facts->delegate_made = facts->made;
        facts->delegate_not_before_s = answer->produced_at_s - DAY_S;
        facts->delegate_not_after_s = answer->delegate_not_after_s;
        facts->embedded_certs = 1;
        facts->signer_first = true;
    }
    switch (answer->flaw) {
    case FLAW_BAD_SIGNATURE:
        facts->signature = REASON_BAD_SIGNATURE;
        facts->signer = OCSP_SIGNER_NONE;
        break;
    case FLAW_STRANGER:
        facts->signature = REASON_UNAUTHORIZED_SIGNER;
        facts->delegate_faults = DELEGATE_NOT_ISSUED;
        break;
    case FLAW_NO_EKU:
        facts->signature = REASON_UNAUTHORIZED_SIGNER;
        facts->delegate_faults = DELEGATE_NO_EKU;
        break;
    default:
        break;
    }
}

struct ocsp_facts answer_facts(const struct answers *answers, uint32_t number, uint32_t certid)
{
    const struct answer *answer = answers_get(answers, number);
    struct ocsp_facts facts = {
        .size = STATUS_SIZE,
        .digest = rng_mix(number),
        .revocation_reason = -1,
        .next_update_s = INSTANT_NEVER,
        .first_next_update_s = INSTANT_NEVER,
        .ours_first_next_update_s = INSTANT_NEVER,
        .by_key = true,
    };

    switch (answer->flaw) {
    case FLAW_JUNK:
    case FLAW_TRUNCATED:
        facts.form = REASON_MALFORMED;
        return facts;
    case FLAW_ERROR:
        facts.form = REASON_ERROR_STATUS;
        facts.response_status = answer->response_status;
        return facts;
    case FLAW_TRAILING:
        facts.form = REASON_TRAILING_DATA;
        facts.trailing_outside = true;
        break;
    default:
        break;
    }
    put_signature(&facts, answer);
    if (answer->certid != certid) {
        facts.match = REASON_WRONG_SERIAL;
        return facts;
    }
    put_single(&facts, answer);
    if (answer->flaw == FLAW_OTHER_ISSUER) {
        facts.match = REASON_WRONG_ISSUER;
        facts.wrong_name_hash = facts.wrong_key_hash = true;
    }
    return facts;
}

bool answer_is_sound(const struct answer *answer, uint32_t certid)
{
    return answer->flaw == FLAW_NONE && answer->certid == certid && answer->honest;
}
