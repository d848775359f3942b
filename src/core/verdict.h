/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts to verdict: may this answer be stapled, and if not, which rule says so.
 * RFC 6960 3.2 and the rules of every client of the audience. Pure; wall_s is the time of
 * judgement. */

#include "core/facts.h"
#include "core/policy.h"

enum verdict {
    VERDICT_STAPLE,  /* good now */
    VERDICT_PENDING, /* good, but thisUpdate is up to policy->future_max_s ahead: judge again then
                      */
    VERDICT_REVOKED, /* every other rule passed and the status is revoked */
    VERDICT_REFUSE,
};

struct judgement {
    enum verdict verdict;
    enum reason reason;
    struct window serve; /* when it may be shown; set for _STAPLE and _PENDING */
};

/* @held may be NULL; otherwise an older answer than it is refused while @held is inside its
 * window. */
struct held {
    bool present;
    int64_t this_update_s;
    int64_t next_update_s;
    int64_t produced_at_s;
    struct window serve;
};

struct judgement verdict_judge(const struct policy *policy, const struct cert_facts *cert,
                               const struct ocsp_facts *ocsp, const struct held *held,
                               int64_t wall_s);
