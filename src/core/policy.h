/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The numbers. policy_default() gives the ones of DESIGN; configuration changes them. */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct policy {
    int64_t margin_max_s;           /* 300: serve margin, at most an eighth of the lifetime */
    int64_t future_max_s;           /* 300: a thisUpdate this far ahead is kept as pending */
    int64_t min_refresh_s;          /* 30: never ask sooner again after an answer */
    int64_t backoff_first_ms;       /* 2,000: first retry when nothing is held */
    int64_t backoff_cap_s;          /* 3,600 */
    int64_t backoff_floor_ms;       /* 1,000: never sooner again after a failure */
    int64_t probe_cap_s;            /* 300: a responder that is down is tried again within this */
    int64_t probe_cap_bare_s;       /* 60: the same while somebody in its line holds nothing */
    int64_t retry_after_cap_s;      /* 3,600: believed of a Retry-After at most */
    int64_t fetch_patience_s;       /* 60: an attempt the shell never ended is given up */
    int64_t revoked_recheck_s;      /* 600: two goods this far apart undo a revocation */
    int64_t clock_jump_s;           /* 300: the wall clock moving further at once is doubted */
    int64_t clock_doubt_s;          /* 3,600: how long, without evidence, a forward jump is */
    int64_t grace_s;                /* 86,400: see must_staple_grace */
    unsigned responder_concurrency; /* 32 requests at once to one responder */
    unsigned responder_rate;        /* 1,000 requests in any second to one; 0: no limit */
    unsigned responder_failures;    /* 5 in a row open its circuit */
    unsigned total_concurrency;     /* 256 in all */
    unsigned attempts;              /* 0: try for ever (daemon); else rounds of all URLs (once) */
    uint32_t audience;              /* a bit per enum client (clients.h); 0: rfc6960 alone */
    int64_t max_age_s;              /* 0: none; else no older thisUpdate is taken */
    bool allow_loopback;
    bool staple_revoked;    /* on_revoked: staple; else a revoked certificate's staple goes */
    bool must_staple_grace; /* true: a must-staple leaf keeps its last staple grace_s longer where
                             * Firefox is of the audience, since without it Firefox fails */
};

struct policy policy_default(void);

/* Whose clients a staple is to please, in words: "all", "browsers" (firefox, chromium, apple),
 * "rfc6960" (only the rules that RFC 6960 makes), and names of clients, separated by commas or
 * blanks. 0, or AUDIENCE_E_UNKNOWN with a clause in @fault that names the word and those known. */
enum { AUDIENCE_E_UNKNOWN = 1 };
int audience_parse(const char *text, uint32_t *ret_audience, struct buf *fault);

/* The words again, as few as possible: "all", "firefox, gnutls". */
void audience_put(struct buf *buf, uint32_t audience);
