/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Simulated responders: how an authority signs, how its answers travel, and every way in which
 * that fails.
 *
 * A responder is a URL. Several may belong to one authority (mirrors) and then give the same
 * answers. All its randomness is drawn from its own seed and the number of the request, so that
 * two subjects in the same world meet the same outages. */

#include "sim/answer.h"
#include "sim/subject.h"

struct world;

/* How answers come to be. */
enum signing {
    SIGN_ON_DEMAND, /* at each request: thisUpdate is now */
    SIGN_BATCH,     /* for all certificates at once, every period_s; the same for everybody */
    SIGN_LATE,      /* each certificate at its own times, lead_s before the old answer ends;
                     * unchanged before (Baseline Requirements: lead_s is 8 h) */
};

/* An authority's habits. */
struct authority {
    enum signing signing;
    int64_t life_s;          /* nextUpdate - thisUpdate; INSTANT_NEVER: no nextUpdate */
    int64_t period_s;        /* SIGN_BATCH: from one to the next, less than life_s */
    int64_t lead_s;          /* SIGN_LATE */
    int64_t phase_s;         /* SIGN_BATCH: when the first is signed, wall seconds */
    int64_t backdate_s;      /* thisUpdate is so much before it is signed (0: zero margin) */
    int64_t birth_s;         /* `unauthorized` for a certificate younger than this */
    int64_t delegate_life_s; /* 0: the issuer signs itself; else delegates of this life, renewed at
                              * half of it */
    bool signs_anew; /* SIGN_BATCH: what stands is signed once more for each request, as by one that
                      * goes by a CRL: the same times, but producedAt */
    uint32_t numbers; /* the world's own: given so far; each authority begins with the same */
};

/* What a request may meet. The order is that of the table of what was exercised. */
enum fault {
    FAULT_NONE,
    FAULT_NO_NAME,   /* DNS */
    FAULT_REFUSED,   /* connection refused */
    FAULT_HANG,      /* accepts and never answers: the shell's own limit ends it */
    FAULT_LATE,      /* answers after every limit; the shell never ends it either */
    FAULT_BROKEN,    /* the connection breaks in the middle */
    FAULT_TRUNCATED, /* HTTP 200, half a body */
    FAULT_JUNK,      /* HTTP 200, a page */
    FAULT_TOO_LARGE, /* an endless body */
    FAULT_REDIRECT,  /* to where nobody may follow */
    FAULT_HTTP_400,
    FAULT_HTTP_401,
    FAULT_HTTP_404,
    FAULT_HTTP_429, /* with Retry-After */
    FAULT_HTTP_500,
    FAULT_HTTP_503, /* with Retry-After */
    FAULT_HTTP_533, /* with a well-formed `unauthorized` */
    FAULT_TRY_LATER,
    FAULT_UNAUTHORIZED,
    FAULT_UNKNOWN,    /* signed, valid, status unknown */
    FAULT_OTHER_CERT, /* another certificate's answer */
    FAULT_OTHER_ISSUER,
    FAULT_BAD_SIGNATURE,
    FAULT_STRANGER,   /* signed by somebody who may not */
    FAULT_OLDER,      /* a node of a CDN: an older answer that is still valid */
    FAULT_CACHED_OLD, /* a cache on the way: the same, but not when asked with no_cache */
    FAULT_EXPIRED,
    FAULT_FUTURE, /* thisUpdate ahead of true time */
    FAULT_NO_NEXT_UPDATE,
    FAULT_FALSE_GOOD, /* a node that has not heard of the revocation: good, with a new thisUpdate */
    FAULT_FALSE_DATE, /* a true answer with a Date header that is hours off */
    FAULT_STUCK,      /* signs no more: what it gave last, also when that has ended */
    FAULT_COUNT,
};

/* Random worlds, which are known by their seeds, draw no other. */
#define FAULT_LAST_DRAWN FAULT_FALSE_DATE

const char *fault_name(enum fault fault);
bool fault_find(const char *name, enum fault *ret_fault);

/* Does it count for the circuit breaker: transport, 5xx, 429, unparsable? */
bool fault_breaks_circuit(enum fault fault);

/* A time in which a responder fails, in true milliseconds [from_ms, until_ms). */
struct episode {
    int64_t from_ms;
    int64_t until_ms;
    enum fault fault;
    unsigned permille; /* of requests; 1000: every one */
    int64_t retry_after_s;
};

struct responder {
    uint32_t authority;
    uint64_t seed;
    uint64_t asked; /* requests so far */
    int64_t latency_min_ms;
    int64_t latency_max_ms;
    bool refuses_get; /* 405 to GET, answers POST */
    bool refuses_post;
    bool gives_etag; /* ETag, and 304 to If-None-Match */
    bool gives_max_age;
    bool gives_date;
    bool only_last_quarter;   /* honest only in the last quarter of the last answer it gave */
    struct episode *episodes; /* by from_ms; do not overlap */
    uint32_t episode_count;
    uint32_t episode_capacity;
    uint32_t episode; /* the first that has not ended */
    char *url;        /* stays where it is */
    char *alias;      /* the same responder by another name */
};

void responder_deinit(struct responder *responder);

/* Adds a time of failing; later ones must be added later. One that overlaps the last added is cut
 * so that it begins behind it; nothing is added when nothing is left. */
void responder_plan(struct responder *responder, const struct episode *episode);

/* The episode that runs now; NULL: it is well. Time must not go back between calls. */
const struct episode *responder_episode(struct responder *responder, int64_t now_ms);

/* Meets a request sent now: what comes back, after how many ms it arrives, and what it met. The
 * reply's answer is added to the world's answers. */
int64_t responder_meet(struct world *world, uint32_t responder, const struct ask *ask,
                       struct reply *ret_reply, enum fault *ret_fault);

/* What an honest responder of the authority gives for @cert at @now_ms, without asking it and
 * without leaving a trace: true and the life of the answer. False: nothing good (revoked, too
 * young). */
bool authority_offers(const struct world *world, uint32_t cert, int64_t now_ms,
                      struct window *ret_life);
