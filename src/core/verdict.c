/* SPDX-License-Identifier: Apache-2.0 */
#include "core/verdict.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"

/* What the rows have said so far. */
struct findings {
    uint32_t base;    /* reasons of RFC 6960, a bit each */
    uint32_t effects; /* reasons of clients that a bad staple breaks and none does not */
    uint64_t broken[RULES_MAX / 64];
    uint32_t fails_with;
    uint32_t fails_at_once; /* of these: it asks nobody else */
    uint32_t ignored_by;
    uint8_t client_reasons[CLIENT_COUNT];
};

_Static_assert(REASON_COUNT <= 32, "reasons are bits of 32");

static uint32_t columns_where_bad_is_fatal(void)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        set |= clients[i].bad_is_fatal ? CLIENT_BIT(i) : 0;
    }
    return set;
}

static uint32_t columns_where_none_is_fatal(bool must_staple)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool fatal = must_staple ? clients[i].none_is_fatal_must_staple : clients[i].none_is_fatal;

        set |= fatal ? CLIENT_BIT(i) : 0;
    }
    return set;
}

/* Those of @rule's clients that it is broken for. */
static uint32_t broken_for(const struct rule *rule, const struct question *q)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        if (rule->clients & CLIENT_BIT(i) && rule->broken_for(q, &clients[i])) {
            set |= CLIENT_BIT(i);
        }
    }
    return set;
}

static void note_clients(struct findings *findings, uint32_t fatal, uint32_t ignored,
                         enum reason reason)
{
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool fails = (fatal & CLIENT_BIT(i)) != 0;
        bool failed = (findings->fails_with & CLIENT_BIT(i)) != 0;
        uint8_t *told = &findings->client_reasons[i];

        if ((fails && !failed) || (((fatal | ignored) & CLIENT_BIT(i)) && fails == failed &&
                                   (*told == REASON_GOOD || reason < *told))) {
            *told = (uint8_t)reason;
        }
    }
    findings->fails_with |= fatal;
    findings->ignored_by |= ignored;
}

static bool is_askable(const struct rule *rule, const struct ocsp_facts *ocsp)
{
    return rule->need == NEED_NOTHING ||
           (ocsp->form == REASON_GOOD && (rule->need == NEED_FORM || ocsp->has_single));
}

/* One row. */
static void judge_rule(struct findings *findings, const struct question *q, unsigned number)
{
    const struct rule *rule = rule_get(number);
    uint32_t bad = columns_where_bad_is_fatal();
    uint32_t harmed, hit = rule->clients, fatal;

    if (rule->broken_for) {
        hit = broken_for(rule, q);
        if (!hit) {
            return;
        }
    } else if (!rule->broken(q)) {
        return;
    }
    fatal = (hit & bad) | rule->fatal;
    note_clients(findings, fatal, (hit & ~fatal) | rule->mild, rule->reason);
    findings->fails_at_once |= fatal & ~rule->asks;
    findings->broken[number / 64] |= UINT64_C(1) << number % 64;
    harmed = fatal & audience_columns(q->policy->audience) &
             ~columns_where_none_is_fatal(q->cert->must_staple);
    if (rule->baseline) {
        findings->base |= REASON_BIT(rule->reason);
    } else if (harmed) {
        findings->effects |= REASON_BIT(rule->reason);
    }
}

/* For a must-staple leaf no staple is fatal to these. When they accept, it is published although
 * others would fail: those of the audience are worse served by none. */
static bool is_needed(const struct question *q, const struct findings *findings)
{
    uint32_t strict =
        (CLIENT_BIT(CLIENT_FIREFOX) | CLIENT_BIT(CLIENT_GNUTLS)) & q->policy->audience;

    return q->cert->must_staple && strict && !(findings->fails_with & strict);
}

/* What the reading itself found; the rows only add who minds. */
static uint32_t reasons_read(const struct ocsp_facts *ocsp)
{
    uint32_t reasons = REASON_BIT(ocsp->form);

    if (ocsp->form == REASON_GOOD) {
        reasons |= REASON_BIT(ocsp->match) | REASON_BIT(ocsp->signature);
        reasons |= ocsp->has_single ? 0 : REASON_BIT(REASON_NO_MATCHING_RESPONSE);
    }
    if (reasons & (REASON_BIT(REASON_WRONG_SERIAL) | REASON_BIT(REASON_WRONG_ISSUER))) {
        reasons &= ~REASON_BIT(REASON_NO_MATCHING_RESPONSE); /* that says it better */
    }
    return reasons & ~REASON_BIT(REASON_GOOD);
}

static void judge_rules(const struct question *q, struct judgement *judgement)
{
    struct findings findings = {.base = reasons_read(q->ocsp)};

    for (unsigned i = 0; i < rule_count(); i++) {
        if (is_askable(rule_get(i), q->ocsp)) {
            judge_rule(&findings, q, i);
        }
    }
    judgement->reasons = findings.base;
    if (!is_needed(q, &findings)) {
        judgement->reasons |= findings.effects;
    }
    judgement->fails_with = findings.fails_with;
    judgement->asks = findings.fails_with & ~findings.fails_at_once;
    judgement->ignored_by = findings.ignored_by & ~findings.fails_with;
    memcpy(judgement->client_reasons, findings.client_reasons, sizeof(findings.client_reasons));
    memcpy(judgement->broken, findings.broken, sizeof(findings.broken));
}

static enum reason most_basic(uint32_t reasons)
{
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (reasons & REASON_BIT(i)) {
            return (enum reason)i;
        }
    }
    return REASON_GOOD;
}

/* When the answer ends for the clients of the audience, margins aside. */
static int64_t end_of_life(const struct question *q)
{
    const struct ocsp_facts *ocsp = q->ocsp;
    int64_t end = time_min(ocsp->next_update_s, q->cert->not_after_s);

    if (ocsp->signer == OCSP_SIGNER_DELEGATE) {
        end = time_min(end, ocsp->delegate_not_after_s);
    }
    if (q->policy->audience & CLIENT_BIT(CLIENT_FIREFOX)) {
        /* Its slop is for clocks that differ, and not ours to spend. */
        end =
            time_min(end, time_add(ocsp->this_update_s,
                                   ocsp->has_next_update ? FIREFOX_FRESH_S : FIREFOX_FRESH_BARE_S));
    }
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        int64_t most_s = ocsp->has_next_update ? clients[i].age_s : clients[i].bare_s;

        if (q->policy->audience & CLIENT_BIT(i) && clients[i].bad_is_fatal && most_s > 0) {
            end = time_min(end, time_add(ocsp->this_update_s, most_s));
        }
    }
    if (q->policy->max_age_s > 0) {
        end = time_min(end, time_add(ocsp->this_update_s, q->policy->max_age_s));
    }
    return end;
}

static struct window serve_window(const struct question *q)
{
    const struct ocsp_facts *ocsp = q->ocsp;
    int64_t end = end_of_life(q);
    int64_t margin =
        time_max(0, time_min(q->policy->margin_max_s, time_sub(end, ocsp->this_update_s) / 8));

    return (struct window){
        .from_s = time_add(time_max(ocsp->this_update_s, ocsp->produced_at_s), margin),
        .until_s = time_sub(end, margin),
    };
}

#define GRACE_AGE_S (INT64_C(10) * 24 * 3600) /* Firefox counts ten days, and its day of slop */

/* Firefox, which fails without a staple for a must-staple leaf, takes one for a day beyond its end;
 * but not from a delegate that has ended, nor one older than its own limit. */
static int64_t grace_until(const struct question *q, int64_t until_s)
{
    const struct client_row *firefox = &clients[CLIENT_FIREFOX];
    const struct ocsp_facts *ocsp = q->ocsp;
    int64_t end_s;

    if (!q->cert->must_staple || !q->policy->must_staple_grace || !ocsp->has_next_update ||
        !(q->policy->audience & CLIENT_BIT(CLIENT_FIREFOX))) {
        return until_s;
    }
    end_s = time_min(ocsp->next_update_s, time_add(ocsp->this_update_s, GRACE_AGE_S));
    if (ocsp->signer == OCSP_SIGNER_DELEGATE) {
        end_s = time_min(end_s, time_sub(ocsp->delegate_not_after_s, q->policy->grace_s));
    }
    end_s = time_add(end_s, time_min(q->policy->grace_s, firefox->past_s));
    return time_max(until_s, time_min(end_s, q->cert->not_after_s));
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
    const uint32_t revoked = REASON_BIT(REASON_REVOKED), early = REASON_BIT(REASON_NOT_YET_VALID);
    struct judgement judgement = {.verdict = VERDICT_REFUSE};
    bool binds;

    assert(cert->has_issuer || ocsp->match != REASON_GOOD);
    judge_rules(&q, &judgement);
    if (ocsp->form == REASON_GOOD && ocsp->has_single) {
        judgement.serve = serve_window(&q);
        judgement.grace_until_s = grace_until(&q, judgement.serve.until_s);
    }
    /* An old answer that says "on hold" may have been overtaken by the release; an old answer that
     * says revoked for any other reason is true for ever. */
    binds = !(judgement.reasons & ~early) || (!(judgement.reasons & ~(early | revoked)) &&
                                              ocsp->revocation_reason == REASON_CODE_HOLD);
    if (binds && held && held->present && wall_s < held->serve.until_s &&
        is_older(ocsp, judgement.serve, held)) {
        judgement.reasons = REASON_BIT(REASON_OLDER_THAN_HELD);
    }
    judgement.reason = most_basic(judgement.reasons);
    if (!judgement.reasons) {
        judgement.verdict = VERDICT_STAPLE;
    } else if (judgement.reasons == revoked) {
        judgement.verdict = VERDICT_REVOKED;
    } else if (judgement.reasons == early && ocsp->this_update_s > wall_s &&
               ocsp->this_update_s <= time_add(wall_s, policy->future_max_s)) {
        judgement.verdict = VERDICT_PENDING;
    }
    return judgement;
}
