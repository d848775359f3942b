/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts to verdict: may this answer be stapled, and if not, which rule says so.
 *
 * The rules are the rows of clients-rules.c and clients-signers.c. Rows of RFC 6960 refuse for
 * everybody. For the others the effect decides, not the refusal: a row refuses when for some client
 * of the audience a bad staple is fatal and none is not; else it warns. For a must-staple leaf an
 * answer that passes RFC 6960 and that Firefox and GnuTLS accept (those of them in the audience) is
 * stapled although another client would fail: without it they fail.
 *
 * Times are strict to the second, thisUpdate <= now < nextUpdate; margins are only in the serve
 * window. Pure; wall_s is the time of judgement. */

#include "core/clients.h"
#include "core/facts.h"
#include "core/policy.h"

enum verdict {
    VERDICT_STAPLE,  /* good now, though the serve window may be over or not yet begun */
    VERDICT_PENDING, /* good, but thisUpdate is up to policy->future_max_s ahead: judge again then
                      */
    VERDICT_REVOKED, /* every other rule passed and the status is revoked */
    VERDICT_REFUSE,
};

struct judgement {
    enum verdict verdict;
    enum reason reason;              /* the most basic one; REASON_GOOD with _STAPLE */
    uint32_t reasons;                /* all that refuse: a bit per enum reason; 0 with _STAPLE */
    struct window serve;             /* when it may be shown; set where the answer has times */
    int64_t grace_until_s;           /* for a must-staple leaf later than serve.until_s: how long
                                      * it is better than nothing; else serve.until_s */
    uint64_t broken[RULES_MAX / 64]; /* a bit per rule (clients.h) that is broken */
    uint32_t fails_with;             /* a bit per enum client that fails with this staple */
    uint32_t asks;       /* of these: asks the responder first, and fails only when that fails */
    uint32_t ignored_by; /* a bit per client that passes over it as if there were none */
    uint8_t client_reasons[CLIENT_COUNT]; /* enum reason: why; REASON_GOOD: it accepts */
};

struct held {
    bool present;
    int64_t this_update_s;
    int64_t next_update_s;
    int64_t produced_at_s;
    uint64_t digest; /* of the answer's bytes as received */
    struct window serve;
    int64_t grace_until_s;
};

/* A set of reasons has a bit for each. */
#define REASON_BIT(reason_) (UINT32_C(1) << (reason_))

static inline bool judgement_breaks(const struct judgement *judgement, unsigned rule)
{
    return judgement->broken[rule / 64] >> rule % 64 & 1;
}

/* A rule that is broken and yet does not refuse. */
static inline bool judgement_warns(const struct judgement *judgement, unsigned rule)
{
    return judgement_breaks(judgement, rule) && !(judgement->reasons >> rule_get(rule)->reason & 1);
}

/* @held may be NULL; otherwise an older answer than it is refused while @held is inside its
 * window. @ocsp should be as served (repair_facts()): what is judged is what clients will see. */
struct judgement verdict_judge(const struct policy *policy, const struct cert_facts *cert,
                               const struct ocsp_facts *ocsp, const struct held *held,
                               int64_t wall_s);
