/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The numbers. policy_default() gives the ones of DESIGN; configuration changes them. */

#include <stdbool.h>
#include <stdint.h>

struct policy {
    int64_t margin_max_s;           /* 300: serve margin, at most an eighth of the lifetime */
    int64_t future_max_s;           /* 300: a thisUpdate this far ahead is kept as pending */
    int64_t min_refresh_s;          /* 30: never ask sooner again after an answer */
    int64_t backoff_first_ms;       /* 2,000: first retry when nothing is held */
    int64_t backoff_cap_s;          /* 3,600 */
    int64_t backoff_floor_s;        /* 30: most often near the end of a held staple */
    int64_t fetch_patience_s;       /* 60: an attempt the shell never ended is given up */
    int64_t revoked_recheck_s;      /* 600: two goods this far apart undo a revocation */
    unsigned responder_concurrency; /* 32 requests at once to one responder */
    unsigned total_concurrency;     /* 256 in all */
    unsigned attempts;              /* 0: try for ever (daemon); else rounds of all URLs (once) */
    bool permit_weak;               /* SHA-1 signatures and the like (audience rfc6960) */
    bool permit_no_next_update;
    bool allow_loopback;
};

struct policy policy_default(void);
