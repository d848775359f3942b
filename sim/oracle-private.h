/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by oracle.c (what is shown), oracle-show.c (how that changes), oracle-owed.c (what must be
 * shown of what came), oracle-ask.c (what is asked), oracle-pace.c (when it is asked again),
 * oracle-plan.c (and when after a good answer),
 * oracle-excuse.c (what excuses that it is not),
 * oracle-due.c (what can be demanded) and oracle-clock.c (what the machine's clock excuses). Nobody
 * else includes it. */

#include "sim/oracle.h"

/* The machine's clock is right when it is no further off than this. */
#define RIGHT_S 30

/* Of the same second, thrice rounded. */
#define ROUND_S 2

/* The disk has it by then, or never. */
#define COMMIT_MS 2000

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
    int64_t shown_ms;   /* since when it is */
    int64_t covered_ms; /* since when something is, or was until hidden_ms; LONG_AGO_MS: never */
    int64_t hidden_ms;  /* INT64_MAX: it still is */
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
    bool waited;        /* it was, and has not been given anything since */
    bool spread;        /* it was given something: when it is asked for again counts */
    uint32_t next_leaf; /* of the same CertID; UINT32_MAX */
    uint32_t owed;      /* must be shown, or something newer; see oracle-owed.c */
    int64_t owed_ms;    /* by then */
    int64_t came_ms;    /* when it came */
    bool ahead;         /* something that came was not in its time yet */
    int64_t murky_ms;   /* until then something may wait that is not known of */
};

/* How a CertID may be asked for. */
enum way { WAY_GET, WAY_FRESH, WAY_POST, WAYS };

/* When it may be asked for again, and must; see oracle-pace.c. */
struct pace {
    struct ask ask;       /* the last */
    int64_t last_ms;      /* when the last reply came; LONG_AGO_MS */
    int64_t before_ms;    /* ... that before this round; the same */
    int64_t trouble_ms;   /* when anything last went wrong since the last good answer; the same */
    int64_t soonest_ms;   /* not before; the same */
    int64_t latest_ms;    /* not behind; INT64_MAX */
    int64_t wanted_ms;    /* what is wanted, by then */
    int64_t bound_ms;     /* the longest wait after the last failure */
    int64_t late_ms;      /* since when it is late; 0: it is not */
    uint32_t tried;       /* ways of this round, a bit each */
    uint32_t wanted;      /* others that belong to it */
    unsigned rounds;      /* in a row, that failed or may have */
    unsigned sure_rounds; /* that failed */
    unsigned shorts;      /* odd waits in a row */
    unsigned longs;
    unsigned halves;
    unsigned repeats; /* at once, in a row */
    bool failed;      /* the last reply was a failure */
    bool fresh;       /* it was a new answer */
    bool planned;     /* it was a good one, and there was no need of a newer */
    bool blurred;     /* it is not known where this round began */
    bool cut;         /* nor what was tried in it before the clock was set */
    bool stays;       /* it is late because a responder is down */
};

/* A CertID: what is under way about it, and what was told of it. */
struct subject_matter {
    uint32_t heard; /* the last answer that came in time, whoever of its leaves asked */
    uint32_t first_leaf;
    unsigned leaves;
    struct pace pace;
    unsigned in_flight;
    uint32_t cert; /* that asks */
    uint32_t responder;
    uint64_t attempt;
    int64_t asked_ms; /* last; LONG_AGO_MS: never */
    bool probe;
    bool doomed; /* some revoked answer was delivered, in its time or not, and not undone since */
    int64_t doomed_ms; /* the last */
    int64_t undone_ms; /* LONG_AGO_MS: never */
    bool revoked;      /* a valid revoked answer was delivered */
    int64_t revoked_ms;
    int64_t revoked_this_s;
    int64_t revoked_last_s; /* the newest of all, also of those that the process may have lost */
    int8_t revocation_reason;
    int64_t good_ms;     /* the first good answer after it; LONG_AGO_MS: none */
    int64_t good_this_s; /* the oldest thisUpdate of those that undo it */
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
    bool doubtful; /* its last replies may count for failures, or not */
    int64_t opened_ms;
    int64_t tried_ms;      /* since it is open: then, or when a probe failed */
    unsigned probes;       /* in flight, of those sent since */
    unsigned vain;         /* probes in vain */
    unsigned hasty;        /* of them in a row soon after the one before */
    int64_t ill_ms;        /* when it last failed, or may have */
    unsigned allowed;      /* at once, since it is back; 0: as many as ever */
    int64_t pause_ms;      /* when Retry-After was said; LONG_AGO_MS */
    int64_t pause_s;       /* as it was said */
    int64_t told_ms;       /* when it was said last, also when that is over; LONG_AGO_MS */
    int64_t pause_bound_s; /* as far as it bound then */
    int64_t idle_ms;       /* since when nobody is asked, although somebody waits; LONG_AGO_MS */
    /* After an outage: those that surely wait, the soonest to end first. */
    struct waiting *line;
    uint32_t line_count;
    uint32_t line_at;
    unsigned line_left;
    int64_t line_until_ms; /* all of them must have been asked */
    /* Of those who waited and were given a new answer: asked for again, and of them early. */
    unsigned spread;
    unsigned spread_early;
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
    int64_t behind_s; /* not trusted: so far behind the truth it may be */
    int64_t since_ms; /* trusted since; LONG_AGO_MS: since the process started */
    int64_t right_ms; /* right since; LONG_AGO_MS: it is wrong, or an old answer calls it so */
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
    struct heap due;     /* certificates, responders, CertIDs, one after another: true ms */
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

/* A good one is shown although a revoked answer came: broken, or by then. INT64_MAX: it is not. */
int64_t oracle_check_revoked(struct oracle *oracle, uint32_t cert);

/* Says which answers. */
void oracle_break_pair(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                       uint32_t before, uint32_t after);

/* ---- oracle.c ---- */
/* Puts the time since the last count into the result. */
void oracle_count(struct oracle *oracle, uint32_t cert);
void oracle_count_all(struct oracle *oracle);
void oracle_watch(struct oracle *oracle, uint32_t cert);
struct watch *oracle_watch_of(struct oracle *oracle, uint32_t cert);
/* When the answer ends for the clients of the audience, true seconds; without margin. */
int64_t oracle_end_s(const struct oracle *oracle, uint32_t cert, uint32_t answer);
/* It must not be taken away: usable, or in the grace of a must-staple leaf. */
bool oracle_is_keepable(const struct oracle *oracle, uint32_t cert, uint32_t number);
/* How long before that it is taken away. */
int64_t oracle_margin_s(const struct oracle *oracle, uint32_t cert, uint32_t answer);

/* ---- oracle-ask.c ---- */
void oracle_hear_ask(struct oracle *oracle, const struct ask *ask, const struct reply *reply);
/* The subject has done with what it heard of @responder. */
void oracle_see_queue(struct oracle *oracle, uint32_t responder);
void oracle_forget_asks(struct oracle *oracle);
void oracle_look_at_queue(struct oracle *oracle, uint32_t responder);

/* ---- oracle-owed.c ---- */
/* -1, 0 or 1: which of two is newer for @cert (DESIGN.md 4). */
int oracle_compare(const struct oracle *oracle, uint32_t cert, uint32_t number, uint32_t other);
/* The end of its serve window, true seconds. */
int64_t oracle_until_s(const struct oracle *oracle, uint32_t cert, uint32_t number);
/* Good for everybody now, and for a while yet. */
bool oracle_is_usable(const struct oracle *oracle, uint32_t cert, uint32_t number);
/* @number came for @cert, and so for all leaves of its CertID. */
void oracle_owe(struct oracle *oracle, uint32_t cert, uint32_t number);
/* @number is in the store, and nothing is shown. */
void oracle_owe_stored(struct oracle *oracle, uint32_t cert, uint32_t number);
/* Something came that nobody can say of what becomes of it. */
void oracle_owe_unknown(struct oracle *oracle, uint32_t cert);
void oracle_owe_nothing(struct oracle *oracle, uint32_t cert);
void oracle_see_owed(struct oracle *oracle, uint32_t cert);
/* The process ends; it has started again. */
void oracle_owe_on_end(struct oracle *oracle, uint32_t cert, bool may_be_lost);
void oracle_owe_on_start(struct oracle *oracle, uint32_t cert);
/* @before was shown until now. */
void oracle_check_first_minutes(struct oracle *oracle, uint32_t cert, uint32_t before);

/* ---- oracle-excuse.c ---- */

/* More than one certificate's share of rounding and of a clock that is a little off. */
#define NEAR_S (RIGHT_S + ROUND_S)

/* Hung requests take up places. */
bool oracle_is_hanging(const struct oracle *oracle, uint32_t number);

bool oracle_anybody_hangs(const struct oracle *oracle);

/* Until when a responder is let alone, true ms: INT64_MAX: nobody knows; LONG_AGO_MS: it is not. */
int64_t oracle_let_alone_until_ms(const struct oracle *oracle, uint32_t number);

/* Until when waiting may be no fault of its own. */
int64_t oracle_excused_until_ms(const struct oracle *oracle, const struct sim_cert *cert);

/* Until when its responders, which asked for time, may be let alone: each time, or once it waits,
 * for an eighth of what it has left, or for some minutes with nothing held. */
int64_t oracle_paused_until_ms(const struct oracle *oracle, const struct sim_cert *cert);

/* By when the next must be tried at its responder, which is down: whoever waits there is kept from
 * it for so long at most since the last was. INT64_MAX: it cannot be said. */
int64_t oracle_probed_by_ms(const struct oracle *oracle, const struct sim_cert *cert);

/* All places or the whole rate are taken up: others go before. */
bool oracle_is_busy(const struct oracle *oracle, const struct sim_cert *cert);

/* A responder of it failed not long ago: it may have been let alone until now. */
bool oracle_was_ill(const struct oracle *oracle, const struct sim_cert *cert);

/* From when it is due until it is asked, for all who may be in line before. */
int64_t oracle_slack_ms(const struct oracle *oracle, const struct sim_cert *cert);

enum verdict_of_reply {
    REPLY_NEW,       /* a good answer that was not there before */
    REPLY_UNCHANGED, /* what is shown already */
    REPLY_FAILED,    /* surely nothing to be taken */
    REPLY_STALE,     /* the same, and a cache may be to blame */
    REPLY_UNCLEAR,
};
enum verdict_of_reply oracle_judge_reply(const struct oracle *oracle, uint32_t cert,
                                         const struct reply *reply);

/* From here on the backoff has come to its bound: 2 s, doubled so often, is more than an hour. */
#define LONG_ROUNDS 13

/* ---- oracle-plan.c ---- */
/* Its life as the schedule sees it: whatever it is shown for may end before. */
struct window oracle_life(const struct oracle *oracle, uint32_t number);
/* A good answer came that was not there before, or was; HTTP says that it is fresh for @fresh_s. */
void oracle_plan_after_new(struct oracle *oracle, uint32_t number, uint32_t cert, int64_t fresh_s);
void oracle_plan_after_unchanged(struct oracle *oracle, uint32_t number, uint32_t cert,
                                 int64_t fresh_s);
/* All is well again; but a twin's failures may be its own. */
void oracle_plan_well(struct oracle *oracle, uint32_t certid);
/* The latest to ask for @number again, seconds; and so that it is in time for @cert, true ms. */
int64_t oracle_plan_latest_s(const struct oracle *oracle, struct window life, uint32_t number);
int64_t oracle_plan_in_time_ms(const struct oracle *oracle, const struct sim_cert *cert,
                               struct window life, int64_t latest_s);
/* Is @ask spread as it should be, where it waited for a responder before? */
void oracle_plan_asks(struct oracle *oracle, const struct ask *ask);
void oracle_plan_forget_spread(struct oracle *oracle);

/* ---- oracle-pace.c ---- */
/* Says how many milliseconds it was. */
void oracle_break_ms(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                     const char *what, int64_t ms);
void oracle_pace_init(struct oracle *oracle);
void oracle_pace_asks(struct oracle *oracle, const struct ask *ask);
/* Before the subject hears of it, and before it is owed. */
void oracle_pace_hears(struct oracle *oracle, const struct ask *ask, const struct reply *reply);
void oracle_pace_cancels(struct oracle *oracle, uint32_t certid);
/* Nothing is shown for @cert any more; @known: the process that runs had shown it. */
void oracle_pace_hidden(struct oracle *oracle, uint32_t cert, bool known);
void oracle_look_at_pace(struct oracle *oracle, uint32_t certid);
void oracle_pace_returns(struct oracle *oracle, uint32_t responder);
void oracle_pace_changes(struct oracle *oracle, uint32_t cert, bool found);
void oracle_pace_forgets(struct oracle *oracle);
void oracle_pace_starts(struct oracle *oracle);
void oracle_pace_ends(struct oracle *oracle, bool (*may_be_lost)(const struct oracle *, int64_t));

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
/* It knows the true time, and goes by it. */
bool oracle_clock_is_plain(const struct oracle *oracle);
/* The same, and the machine's clock says so now. */
bool oracle_clock_is_right(const struct oracle *oracle);
int64_t oracle_clock_deadline_ms(const struct oracle *oracle);
