/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who knows the truth, and says what was broken first.
 *
 * The oracle sees what the servers show (subject->type->shows()), what the subject asks, and what
 * the world replied; it never looks into the subject. It checks at each such moment, and again
 * when what is shown comes to its true end, or when a certificate must have a staple by now.
 *
 * Excuses, all of them:
 * - Expired or early staples: the machine's clock was never right since the process started (right:
 *   within the margin, for policy.clock_doubt_s on end, or when the process started).
 * - Must-staple grace, as in the policy.
 * - An older staple than before: the newer one was never committed (disk full, death) and the
 *   process died.
 * - A revocation: the process died with the reply, or could not commit and died.
 * - Bare: nothing that can be demanded (see oracle-due.c) is there. */

#include "sim/world.h"

enum invariant {
    BROKEN_NOTHING,
    BROKEN_EXPIRED,       /* shown beyond its end */
    BROKEN_EARLY,         /* shown before its thisUpdate */
    BROKEN_FOREIGN,       /* about another certificate */
    BROKEN_FORM,          /* not an answer */
    BROKEN_SIGNATURE,     /* badly signed or by somebody who may not */
    BROKEN_DISHONEST,     /* not what the authority signed */
    BROKEN_LATE,          /* came with a reply after its request was given up */
    BROKEN_OLDER,         /* older than what was shown before, in its window */
    BROKEN_MARGIN,        /* shown to its very end */
    BROKEN_FIRST_MINUTES, /* in its first minutes, for one that is good */
    BROKEN_STATUS,  /* shown although it does not say good (policy.staple_revoked: or revoked) */
    BROKEN_REVOKED, /* a good one shown although a revoked answer had come */
    BROKEN_DOUBLE_FETCH, /* two requests at once for one CertID */
    BROKEN_CONCURRENCY,  /* too many at once to one responder */
    BROKEN_RATE,         /* too many in one second */
    BROKEN_TOTAL,        /* too many at once in all */
    BROKEN_RETRY_AFTER,  /* asked too soon after Retry-After */
    BROKEN_CIRCUIT,      /* more than one probe at a time */
    BROKEN_BARE,         /* nothing shown although one must be held by now */
    BROKEN_WITHDRAWN,    /* a good one taken away */
    BROKEN_LOST,         /* not shown again after a start although it was committed */
    BROKEN_UNUSED,       /* a good one that came is not shown when it should be */
    BROKEN_HASTE,        /* asked again too soon */
    BROKEN_TARDY,        /* ... too late */
    BROKEN_WAYS,         /* a round ends before everything was tried */
    BROKEN_PROGRESS,     /* a second without a request while there was work */
    BROKEN_ORDER,        /* not the soonest to end first */
    BROKEN_SMOOTH,       /* an hour above 1.25 times the mean */
    BROKEN_HERD,         /* those who waited for a responder together come together again */
    BROKEN_TOO_MANY,     /* more than 1.1 requests per certificate and half-life */
    BROKEN_SPINNING,     /* time does not move */
    BROKEN_QUIET,        /* asked for a certificate that needs no staple */
    BROKEN_BATCHED,      /* a first staple, a withdrawal, what follows one that is bad: may wait */
    BROKEN_COUNT,
};

const char *invariant_name(enum invariant invariant);

/* What a run came to. Times are of all certificates, true time, while the process was up (or its
 * servers keep), certificates that need no staple not counted. */
struct oracle_result {
    enum invariant broken; /* the first */
    int64_t broken_ms;     /* true time */
    uint32_t broken_cert;  /* UINT32_MAX: none */
    struct buf detail;     /* a clause for people */
    int64_t life_ms;       /* all certificates' time */
    int64_t valid_ms;      /* a staple shown that was good in truth */
    int64_t bad_ms;        /* one that was not */
    int64_t bare_ms;       /* none, or one in its grace */
    int64_t due_ms;        /* time in which a staple could be demanded */
    int64_t due_served_ms; /* ... and a good one was shown */
    uint64_t asks;
};

struct oracle *oracle_new(struct world *world, bool judges);
struct oracle *oracle_free(struct oracle *oracle);
CLEANUP_DEFINE(struct oracle *, oracle_free)

/* What scenarios may demand beyond the invariants that always hold. */
struct oracle_demands {
    int64_t lag_ms;    /* from the process's decision to the servers */
    int64_t batch_ms;  /* ... so much longer when there is no hurry */
    int64_t first_ms;  /* ... and so much where nothing is shown: first staples come in rows */
    int64_t linger_ms; /* so long it may ask for what is gone: a file may come back */
    bool never_bare;   /* after the first staple: last-quarter, deadneighbour */
    bool smooth;       /* BROKEN_SMOOTH and _TOO_MANY, from smooth_from_ms on */
    int64_t smooth_from_ms;
    int64_t half_life_s;
};
void oracle_demand(struct oracle *oracle, const struct oracle_demands *demands);

/* Told by the world. */
void oracle_asked(struct oracle *oracle, const struct ask *ask);
void oracle_cancelled(struct oracle *oracle, uint32_t cert, uint64_t attempt);
/* Before the subject hears of it. @late: it had cancelled it. */
void oracle_replied(struct oracle *oracle, const struct ask *ask, const struct reply *reply,
                    bool late);
void oracle_shown(struct oracle *oracle, uint32_t cert);
/* Before that: the subject says there is no hurry. */
void oracle_batched(struct oracle *oracle, uint32_t cert, bool withdraws);
/* After the subject has done with an act (ACT_FOUND, ACT_CLOCK, ACT_REPLY...). */
void oracle_acted(struct oracle *oracle, enum world_act act, uint32_t index);
/* The process: each before the world changes it, and when that is done. */
enum process_news { PROCESS_STARTS, PROCESS_STARTED, PROCESS_ENDS, PROCESS_ENDED };
void oracle_process(struct oracle *oracle, enum process_news news);
void oracle_wrote(struct oracle *oracle, enum write_kind kind, enum write_result result);
void oracle_spins(struct oracle *oracle);
void oracle_ends(struct oracle *oracle);

/* When the oracle wants to look again, true ms; and its look. */
int64_t oracle_deadline_ms(const struct oracle *oracle);
void oracle_look(struct oracle *oracle);

const struct oracle_result *oracle_result(const struct oracle *oracle);
