/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by oracle.c (what is shown), oracle-ask.c (what is asked), oracle-due.c (what can be
 * demanded) and oracle-clock.c (what the machine's clock excuses). Nobody else includes it. */

#include "sim/oracle.h"

/* The machine's clock is right when it is no further off than this. */
#define RIGHT_S 30

/* Never in true time, and long before any. */
#define LONG_AGO_MS (INT64_MIN / 4) /* differences from it stay in range */

/* What stands at the servers for a certificate, in truth. */
enum shown_class {
    SHOWN_NOTHING,
    SHOWN_VALID,
    SHOWN_GRACE, /* ended, and lawfully kept: clients see it as none */
    SHOWN_BAD,
};

/* A certificate. */
struct watch {
    uint32_t shown;
    int64_t shown_ms;   /* since when */
    unsigned told_life; /* the last life of the process that said so */
    enum shown_class class;
    int64_t class_until_ms;
    bool due; /* a staple can be demanded */
    int64_t due_until_ms;
    int64_t counted_ms; /* accounted up to here */
    uint32_t top;       /* the newest ever shown */
    int64_t top_ms;     /* since when */
    unsigned top_life;  /* of the process */
    uint32_t late;      /* came with a reply after its request was given up */
    uint32_t before;    /* shown when the process ended */
    int64_t before_ms;  /* since when that was shown */
    bool in_line;       /* in its responder's list of those surely waiting */
};

/* A CertID: what is under way about it, and what was told of it. */
struct subject_matter {
    unsigned in_flight;
    uint32_t cert; /* that asks */
    uint32_t responder;
    uint64_t attempt;
    int64_t asked_ms; /* last; LONG_AGO_MS: never */
    bool probe;
    bool doomed;  /* some revoked answer was delivered, in its time or not */
    bool revoked; /* a valid revoked answer was delivered */
    int64_t revoked_ms;
    int64_t revoked_this_s;
    int8_t revocation_reason;
    int64_t good_ms; /* the first good answer after it; LONG_AGO_MS: none */
};

/* A responder. */
struct queue {
    unsigned in_flight;
    unsigned certs; /* on the machine, with one of its URLs */
    int64_t *times; /* of the last policy.responder_rate asks */
    uint32_t time_count;
    uint32_t time_at;
    unsigned failures; /* in a row */
    bool open;
    int64_t opened_ms;
    unsigned probes;       /* in flight, of those sent since */
    int64_t pause_ms;      /* when Retry-After was said; LONG_AGO_MS */
    int64_t pause_s;       /* as it was said */
    int64_t pause_bound_s; /* as far as it bound then */
    int64_t idle_ms;       /* since when nobody is asked, although somebody waits; LONG_AGO_MS */
    /* After an outage: those that surely wait, the soonest to end first. */
    struct waiting *line;
    uint32_t line_count;
    uint32_t line_at;
    unsigned line_left;
    int64_t line_until_ms; /* all of them must have been asked */
};

struct waiting {
    int64_t end_ms;
    uint32_t cert;
};

/* [from_ms, until_ms), true time: a life of the process, a time in which a responder was well. */
struct span {
    int64_t from_ms;
    int64_t until_ms; /* INT64_MAX: it goes on */
};

/* What the machine's clock excuses; see oracle-clock.c. */
struct trust {
    bool trusted;
    bool tainted;
    int64_t taint_s;
    int64_t since_ms; /* trusted since; LONG_AGO_MS: since the process started */
    int64_t right_ms; /* right since; LONG_AGO_MS: it is wrong */
    int64_t ahead_ms; /* wrong and ahead since, and nobody contradicted; LONG_AGO_MS */
    int64_t ahead_s;  /* ... by so much */
};

struct oracle {
    struct world *world;
    bool judges;
    struct oracle_demands demands;
    struct oracle_result result;
    struct watch *watches;
    uint32_t watch_count;
    struct subject_matter *matters; /* by certid */
    uint32_t matter_count;
    struct queue *queues;
    unsigned in_flight;
    int64_t age_s;       /* how old an answer may become for the audience */
    int64_t bare_age_s;  /* one without nextUpdate */
    unsigned shown;      /* certificates with something shown */
    unsigned shown_life; /* the last life in which something was */
    struct heap due;     /* certificates, then responders: true ms */
    struct span *lives;  /* of the process */
    uint32_t life_count;
    uint32_t life_from; /* what was learned in earlier ones may be lost */
    struct trust trust;
    bool full;            /* the disk is */
    int64_t full_from_ms; /* the last time that it was; LONG_AGO_MS: never */
    int64_t full_until_ms;
    /* Asks by the hour, of the whole run. */
    uint32_t *hours;
    uint32_t hour_count;
};

void oracle_break(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                  const char *detail);

/* ---- oracle.c ---- */
/* Puts the time since the last count into the result. */
void oracle_count(struct oracle *oracle, uint32_t cert);
void oracle_count_all(struct oracle *oracle);
void oracle_watch(struct oracle *oracle, uint32_t cert);
struct watch *oracle_watch_of(struct oracle *oracle, uint32_t cert);
/* When the answer ends for the clients of the audience, true seconds; without margin. */
int64_t oracle_end_s(const struct oracle *oracle, uint32_t cert, uint32_t answer);
/* How long before that it is taken away. */
int64_t oracle_margin_s(const struct oracle *oracle, uint32_t cert, uint32_t answer);

/* ---- oracle-ask.c ---- */
void oracle_hear_ask(struct oracle *oracle, const struct ask *ask, const struct reply *reply);
/* The subject has done with what it heard of @responder. */
void oracle_see_queue(struct oracle *oracle, uint32_t responder);
void oracle_forget_asks(struct oracle *oracle);
void oracle_look_at_queue(struct oracle *oracle, uint32_t responder);

/* ---- oracle-due.c ---- */
/* Must @cert have a staple now? Until when this holds (at least). */
bool oracle_is_due(const struct oracle *oracle, uint32_t cert, int64_t *ret_until_ms);
/* How long it may take until everybody in the line of a responder that is well was asked. */
int64_t oracle_drain_ms(const struct oracle *oracle, uint32_t responder);
/* The latest time to ask again for an answer of this life, seconds. */
int64_t oracle_latest_s(struct window life);

/* ---- oracle-clock.c ---- */
void oracle_clock_started(struct oracle *oracle);
void oracle_clock_set(struct oracle *oracle);
void oracle_clock_passes(struct oracle *oracle);
void oracle_clock_hears(struct oracle *oracle, uint32_t cert, const struct reply *reply);
/* The machine's clock is no reason to be bare where there was health from *@ret_since_ms on. */
bool oracle_clock_demands(const struct oracle *oracle, int64_t *ret_since_ms);
int64_t oracle_clock_deadline_ms(const struct oracle *oracle);
