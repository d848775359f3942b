/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by engine.c (the table and its deadlines), engine-ask.c (asking responders) and
 * engine-answer.c (what an answer changes). Nobody else includes it. */

#include "base/heap.h"
#include "base/rng.h"
#include "core/engine.h"
#include "core/responder.h"

struct entry {
    const struct cert_facts *cert; /* NULL: this number is free */
    uint64_t salt;
    uint64_t attempt;    /* the one in flight, 0: none */
    int64_t patience_ms; /* when it is given up, monotonic */
    int64_t ask_wall_s;  /* refresh: a point of the answer's life; INSTANT_NEVER: none */
    int64_t ask_mono_ms; /* retry: a wait; INSTANT_NEVER: none */
    struct held held;
    struct held pending;
    struct tombstone tombstone;
    int64_t good_again_s; /* first good answer after a revocation; 0: none */
    uint32_t responder;   /* of the URL in use, RESPONDER_NONE: not known yet */
    uint32_t failures;    /* rounds in a row in which no URL gave anything */
    uint8_t url;
    uint8_t told; /* the last failure told: outcome, or FETCH_OUTCOMES + reason */
    bool post;
    bool waiting; /* in the responder's line */
    bool published;
    bool settled;
    bool cert_expired_told;
};

struct engine {
    struct policy policy;
    struct rng rng;
    struct entry *entries;
    uint32_t entry_count;
    struct heap deadlines; /* monotonic ms */
    struct responders responders;
    uint64_t attempts; /* the last number given */
    int64_t offset_ms; /* wall minus monotonic, as the deadlines were computed */
    bool offset_known;
    struct effects *effects; /* of the step that runs */
    int status;              /* first failure of the step that runs */
    struct instant now;
};

/* Appends an effect and gives it for filling in; a spare one when memory ran out. */
struct effect *engine_emit(struct engine *engine, enum effect_type type, uint32_t cert);

/* A note about @cert with its outlook filled in. */
struct note *engine_note(struct engine *engine, uint32_t cert, enum note_kind kind,
                         enum note_level level);

/* Why nothing can be asked for @cert now; CERT_STATE_MISSING when it can. */
enum cert_state entry_hindrance(const struct entry *entry, int64_t wall_s);

/* True while what is held may be shown. */
bool entry_can_show(const struct entry *entry, int64_t wall_s);

/* When the pending answer takes over. */
int64_t entry_promotion_s(const struct entry *entry, int64_t wall_s);

/* Next try, wall; INSTANT_NEVER. */
int64_t entry_next_try_s(const struct entry *entry, struct instant now);

/* engine.c: makes what is published agree with what may be shown now. */
void engine_show(struct engine *engine, uint32_t cert, bool changed);

/* engine-ask.c */
void engine_ask(struct engine *engine, uint32_t cert);
void engine_stop_asking(struct engine *engine, uint32_t cert);
void engine_attempt_over(struct engine *engine, uint32_t cert);
void engine_failed(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                   enum reason reason);
void engine_fill_places(struct engine *engine);

/* engine-answer.c */
void engine_answer(struct engine *engine, uint32_t cert, const struct event_fetched *fetched);
void engine_cache(struct engine *engine, uint32_t cert, const struct event_stored *stored);
void engine_promote(struct engine *engine, uint32_t cert);
