/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by engine.c (the table, its deadlines and events), engine-show.c (what is shown of what is
 * held, and what people are told), engine-ask.c (asking responders), engine-answer.c (what an
 * answer changes), engine-time.c (the clock) and engine-twin.c (leaves that share a CertID). Nobody
 * else includes it. */

#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/clock.h"
#include "core/engine.h"
#include "core/responder.h"

struct entry {
    const struct cert_facts *cert; /* NULL: this number is free */
    uint64_t salt;
    uint64_t attempt;    /* the one in flight, 0: none */
    int64_t patience_ms; /* when it is given up or, in line, looks for another URL; monotonic */
    int64_t ask_wall_s;  /* refresh: a point of the answer's life; INSTANT_NEVER: none */
    int64_t ask_mono_ms; /* retry: a wait; INSTANT_NEVER: none */
    struct held held;
    struct held pending;
    struct tombstone tombstone;
    int64_t good_again_ms; /* first good answer after a revocation, monotonic; INSTANT_NEVER */
    uint32_t twin;         /* the next with the same CertID, in a ring; itself: there is none */
    uint32_t responder;    /* of the URL in use, RESPONDER_NONE: not known yet */
    uint32_t failures;     /* rounds in a row in which no URL gave anything */
    uint8_t url;
    uint8_t tried; /* URLs in this round, a bit each */
    uint8_t told;  /* the last failure told: outcome, or FETCH_OUTCOMES + reason */
    bool post;
    bool no_cache;
    bool waiting; /* in the responder's line */
    bool blocked; /* and the responder is down */
    bool joined;  /* a twin asks for both */
    bool late;    /* it had to wait for a responder that was down */
    bool published;
    bool shows_worse; /* what is published says revoked, or is beyond its end */
    bool settled;
    bool cert_expired_told;
    bool grace_told;
    bool stored_unfit; /* the store has an answer that only time speaks against */
    bool reread;       /* and the time is another one */
};

struct engine {
    struct policy policy;
    struct rng rng;
    struct entry *entries;
    uint32_t entry_count;
    bool has_shown;        /* something was, since the start */
    struct heap deadlines; /* monotonic ms */
    struct map by_certid;  /* one of each ring of twins */
    struct responders responders;
    struct clock clock;
    int64_t witness_ms;      /* in doubt of it: when somebody is asked next, monotonic */
    uint64_t attempts;       /* the last number given */
    bool sharing;            /* what an asker was told is being told to its twins */
    struct effects *effects; /* of the step that runs */
    int status;              /* first failure of the step that runs */
    struct instant machine;  /* what the machine's clocks say */
    struct instant now;      /* what to go by */
};

/* Room for the effects of one more certificate; false, with engine->status set, when there is none
 * (then leave it as it is). */
bool engine_has_room(struct engine *engine);

/* Appends an effect and gives it for filling in. */
struct effect *engine_emit(struct engine *engine, enum effect_type type, uint32_t cert);

/* A note about @cert with its outlook filled in. */
struct note *engine_note(struct engine *engine, uint32_t cert, enum note_kind kind,
                         enum note_level level);

/* A note about the clock or a responder. */
struct note *engine_note_general(struct engine *engine, enum note_kind kind, enum note_level level);

/* engine-show.c */

/* Why nothing can be asked for @cert now; CERT_STATE_MISSING when it can. */
enum cert_state entry_hindrance(const struct entry *entry, int64_t wall_s);

/* True while what is held is inside its window: good for everybody. */
bool entry_is_good(const struct entry *entry, int64_t wall_s);

/* True while what is held may be shown: also in the grace of a must-staple leaf. */
bool entry_can_show(const struct entry *entry, int64_t wall_s);

/* Until when what is held may be shown; 0: it may not. */
int64_t entry_shown_until_s(const struct entry *entry, int64_t wall_s);

/* When the pending answer takes over. */
int64_t entry_promotion_s(const struct entry *entry, int64_t wall_s);

/* Next try, wall; INSTANT_NEVER. */
int64_t engine_next_try_s(const struct engine *engine, const struct entry *entry);

/* Makes what is published agree with what may be shown now. */
void engine_show(struct engine *engine, uint32_t cert, bool changed);

/* What time has brought: the pending answer takes over, what has ended is withdrawn. */
void engine_catch_up(struct engine *engine, uint32_t cert);

/* engine.c */
void engine_settle_deadline(struct engine *engine, uint32_t cert);

/* engine-ask.c */
void engine_ask(struct engine *engine, uint32_t cert);
void engine_stop_asking(struct engine *engine, uint32_t cert);
void engine_ask_again(struct engine *engine, uint32_t cert); /* in line: is another URL well? */
void engine_hurry(struct engine *engine, uint32_t cert);
void engine_fetched(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);
void engine_gave_up(struct engine *engine, uint32_t cert);
void engine_failed(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                   enum reason reason);
/* The answer was no news where there should be some, or begins late: true when another way to ask
 * is taken. */
bool engine_ask_otherwise(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                          enum reason reason);
void engine_come_back(struct engine *engine, uint32_t cert); /* without memory to ask now */
void engine_fill_places(struct engine *engine);

/* engine-answer.c */
void engine_answer(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);
void engine_not_modified(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);
void engine_cache(struct engine *engine, uint32_t cert, const struct event_stored *stored);
bool engine_would_take(const struct engine *engine, uint32_t cert, const struct ocsp_facts *facts);

/* engine-time.c: the machine's clock at the start of a step, and what an answer says of it. */
void engine_follow_clock(struct engine *engine);
void engine_weigh(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);

/* engine-twin.c */
int engine_add_twin(struct engine *engine, uint32_t cert);
void engine_drop_twin(struct engine *engine, uint32_t cert);

/* Those for whom @cert was asking have to ask themselves: the first of them does. */
void engine_release_twins(struct engine *engine, uint32_t cert);

/* What @cert was told is told to its twins: a good answer at once, the rest when it does not ask
 * further. */
void engine_share(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);

/* The twin of @cert that asks or stands in line; @cert itself: none does. */
uint32_t engine_asker(const struct engine *engine, uint32_t cert);
