/* SPDX-License-Identifier: Apache-2.0 */
#include "core/verdict.h"

#include <assert.h>

#include "base/cleanup.h"

struct question {
    const struct policy *policy;
    const struct cert_facts *cert;
    const struct ocsp_facts *ocsp;
    int64_t wall_s;
};

static enum reason check_signer_dates(const struct question *q)
{
    /* A delegate's certificate has an end of its own, and clients look at it. */
    bool fits =
        q->ocsp->signer != OCSP_SIGNER_DELEGATE ||
        (q->ocsp->delegate_not_before_s <= q->wall_s && q->wall_s <= q->ocsp->delegate_not_after_s);

    return fits ? REASON_GOOD : REASON_SIGNER_EXPIRED;
}

static enum reason check_strength(const struct question *q)
{
    return q->ocsp->weak_algorithm && !q->policy->permit_weak ? REASON_WEAK_ALGORITHM : REASON_GOOD;
}

static enum reason check_extensions(const struct question *q)
{
    return q->ocsp->critical_response_extension || q->ocsp->critical_single_extension
               ? REASON_CRITICAL_EXTENSION
               : REASON_GOOD;
}

static enum reason check_agreement(const struct question *q)
{
    return q->ocsp->conflicting ? REASON_CONFLICTING_RESPONSES : REASON_GOOD;
}

/* RFC 6960 3.2: "5. The time at which the status being indicated is known to be correct
 * (thisUpdate) is sufficiently recent; 6. When available, the time at or before which newer
 * information will be available about the status of the certificate (nextUpdate) is greater than
 * the current time." */
static enum reason check_time(const struct question *q)
{
    if (!q->ocsp->has_next_update) {
        return q->policy->permit_no_next_update ? REASON_GOOD : REASON_NO_NEXT_UPDATE;
    }
    return q->wall_s < q->ocsp->next_update_s ? REASON_GOOD : REASON_EXPIRED;
}

static enum reason check_beginning(const struct question *q)
{
    return q->ocsp->this_update_s <= time_add(q->wall_s, q->policy->future_max_s)
               ? REASON_GOOD
               : REASON_NOT_YET_VALID;
}

static enum reason check_status(const struct question *q)
{
    switch (q->ocsp->status) {
    case CERT_STATUS_GOOD:
        return REASON_GOOD;
    case CERT_STATUS_REVOKED:
        return q->ocsp->never_issued ? REASON_UNKNOWN : REASON_REVOKED;
    case CERT_STATUS_UNKNOWN:
        break;
    }
    return REASON_UNKNOWN;
}

/* In the order of enum reason: the first that does not hold is the one to tell. */
static enum reason (*const checks[])(const struct question *) = {
    check_signer_dates, check_strength, check_extensions, check_agreement,
    check_beginning,    check_time,     check_status,
};

static enum reason find_reason(const struct question *q)
{
    const enum reason read[] = {q->ocsp->form, q->ocsp->match, q->ocsp->signature};

    for (size_t i = 0; i < ARRAY_SIZE(read); i++) {
        if (read[i] != REASON_GOOD) {
            return read[i];
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        enum reason reason = checks[i](q);

        if (reason != REASON_GOOD) {
            return reason;
        }
    }
    return REASON_GOOD;
}

static struct window serve_window(const struct question *q)
{
    const struct ocsp_facts *ocsp = q->ocsp;
    int64_t end = time_min(ocsp->next_update_s, q->cert->not_after_s);
    int64_t margin;

    if (ocsp->signer == OCSP_SIGNER_DELEGATE) {
        end = time_min(end, ocsp->delegate_not_after_s);
    }
    /* Firefox counts no answer as fresh for longer than this. */
    end = time_min(end, time_add(ocsp->this_update_s, 10 * 86400));
    margin = time_max(0, time_min(q->policy->margin_max_s, time_sub(end, ocsp->this_update_s) / 8));
    return (struct window){
        .from_s = time_add(time_max(ocsp->this_update_s, ocsp->produced_at_s), margin),
        .until_s = time_sub(end, margin),
    };
}

/* Which of two is newer: by thisUpdate, nextUpdate, end of the serve window, producedAt. */
static bool is_older(const struct ocsp_facts *ocsp, struct window serve, const struct held *held)
{
    if (ocsp->this_update_s != held->this_update_s) {
        return ocsp->this_update_s < held->this_update_s;
    }
    if (ocsp->next_update_s != held->next_update_s) {
        return ocsp->next_update_s < held->next_update_s;
    }
    if (serve.until_s != held->serve.until_s) {
        return serve.until_s < held->serve.until_s;
    }
    return ocsp->produced_at_s < held->produced_at_s;
}

#define REASON_CODE_HOLD 6 /* CRLReason certificateHold, RFC 5280 5.3.1 */

struct judgement verdict_judge(const struct policy *policy, const struct cert_facts *cert,
                               const struct ocsp_facts *ocsp, const struct held *held,
                               int64_t wall_s)
{
    const struct question q = {policy, cert, ocsp, wall_s};
    struct judgement judgement = {.verdict = VERDICT_REFUSE, .reason = find_reason(&q)};
    bool binds;

    assert(cert->has_issuer || ocsp->match != REASON_GOOD);
    if (judgement.reason != REASON_GOOD && judgement.reason != REASON_REVOKED) {
        return judgement;
    }
    judgement.serve = serve_window(&q);
    /* An old answer that says "on hold" may have been overtaken by the release; an old answer that
     * says revoked for any other reason is true for ever. */
    binds = judgement.reason == REASON_GOOD || ocsp->revocation_reason == REASON_CODE_HOLD;
    if (binds && held && held->present && wall_s < held->serve.until_s &&
        is_older(ocsp, judgement.serve, held)) {
        judgement.reason = REASON_OLDER_THAN_HELD;
        return judgement;
    }
    if (ocsp->this_update_s > wall_s) {
        /* A revocation is not kept for later: it is asked for again, and acts when it is valid. */
        judgement.verdict = judgement.reason == REASON_GOOD ? VERDICT_PENDING : VERDICT_REFUSE;
        judgement.reason = REASON_NOT_YET_VALID;
        return judgement;
    }
    if (judgement.reason == REASON_REVOKED) {
        judgement.verdict = VERDICT_REVOKED;
        return judgement;
    }
    if (wall_s >= judgement.serve.until_s) {
        judgement.reason = REASON_EXPIRED; /* within the margin of some client's end */
        return judgement;
    }
    judgement.verdict = VERDICT_STAPLE;
    return judgement;
}
