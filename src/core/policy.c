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
        .backoff_floor_s = 30,
        .fetch_patience_s = 60,
        .revoked_recheck_s = 600,
        .responder_concurrency = 32,
        .total_concurrency = 256,
        .audience = AUDIENCE_ALL,
    };
}
