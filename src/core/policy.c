/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

#include "core/clients.h"

struct policy policy_default(void)
{
    return (struct policy){
        .margin_max_s = 300,
        .future_max_s = 300,
        .min_refresh_s = 30,
        .backoff_first_ms = 2000,
        .backoff_cap_s = 3600,
        .backoff_floor_ms = 1000,
        .probe_cap_s = 300,
        .probe_cap_bare_s = 60,
        .retry_after_cap_s = 3600,
        .fetch_patience_s = 60,
        .revoked_recheck_s = 600,
        .clock_jump_s = 300,
        .clock_doubt_s = 3600,
        .grace_s = 86400,
        .responder_concurrency = 32,
        .responder_rate = 1000,
        .responder_failures = 5,
        .total_concurrency = 256,
        .audience = AUDIENCE_ALL,
        .must_staple_grace = true,
    };
}
