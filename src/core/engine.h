/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The only state machine. Events in, effects out, next deadline on request; it performs nothing.
 *
 * Certificates are numbers chosen by the host (small and dense). What goes in with an event stays
 * the caller's: cert_facts must live until EVENT_CERT_GONE was stepped; everything else only for
 * the step. Effects live until the next step. */

#include "core/note.h"
#include "core/staple.h"
#include "core/verdict.h"

struct engine;

enum event_type {
    EVENT_TICK,
    EVENT_CERT_FOUND, /* cert, facts, salt */
    EVENT_CACHE_READ, /* cert, stored: what the store had. Must follow EVENT_CERT_FOUND once, and
                       * EFFECT_READ */
    EVENT_CERT_GONE,  /* cert */
    EVENT_ASK,        /* cert: somebody waits for it; ask now unless it is held or being asked */
    EVENT_FETCH_DONE, /* cert, attempt, fetched */
};

struct event_stored {
    const struct ocsp_facts *held; /* NULL: none */
    const struct ocsp_facts *pending;
    struct tombstone tombstone;
    int64_t next_try_s; /* as planned by the run before; INSTANT_NEVER: not known */
};

struct event_fetched {
    enum fetch_outcome outcome;
    int http_status;
    const char *detail;             /* for people; may be NULL */
    const struct ocsp_facts *facts; /* with FETCH_ANSWER, or an error body that parsed; else NULL */
    bool posted;                    /* it was a POST (also where GET was meant but did not fit) */
    struct http_hints hints;
};

struct event {
    enum event_type type;
    struct instant now; /* the machine's clocks; what the engine believes of them is its own */
    uint32_t cert;
    const struct cert_facts *facts;
    uint64_t salt;
    uint64_t attempt;
    struct event_stored stored;
    struct event_fetched fetched;
};

enum effect_type {
    EFFECT_FETCH,     /* cert, attempt, url, post, no_cache */
    EFFECT_CANCEL,    /* cert, attempt: not wanted any more */
    EFFECT_READ,      /* cert: what the store has may be good after all (the clock was set) */
    EFFECT_KEEP,      /* cert, slot: the answer of this event becomes the held or pending one.
                       * May name a certificate beside the event's: one with the same CertID */
    EFFECT_PROMOTE,   /* cert: the pending answer becomes the held one */
    EFFECT_DROP,      /* cert, slot */
    EFFECT_TOMBSTONE, /* cert, tombstone */
    EFFECT_PUBLISH,   /* cert, urgent: show the held answer */
    EFFECT_WITHDRAW,  /* cert, urgent */
    EFFECT_SETTLED,   /* cert: an attempt ended for good or ill, no other URL is tried at once */
    EFFECT_NOTE,      /* cert (ENGINE_NO_CERT: about a responder or the clock), note */
};

#define ENGINE_NO_CERT UINT32_MAX

struct effect {
    enum effect_type type;
    uint32_t cert;
    uint64_t attempt;
    unsigned url;
    bool post;
    bool no_cache; /* caches on the way are to ask the responder itself */
    bool urgent;
    enum store_slot slot;
    struct tombstone tombstone;
    struct note note; /* path is for the host to fill in */
};

struct effects {
    struct effect *list;
    size_t count;
    size_t capacity;
};

void effects_deinit(struct effects *effects);

int engine_new(struct engine **ret_engine, const struct policy *policy, uint64_t seed);
struct engine *engine_free(struct engine *engine);
CLEANUP_DEFINE(struct engine *, engine_free)

/* One event. Clears @effects first. 0 or -ENOMEM (the state is then as before or the entry asks
 * again at its next deadline; nothing is lost). A tick with very much to do leaves some of it to
 * the next one: engine_deadline_ms() has then passed already. */
int engine_step(struct engine *engine, const struct event *event, struct effects *effects);

/* When to step EVENT_TICK next, monotonic milliseconds; INSTANT_NEVER: not by itself. */
int64_t engine_deadline_ms(const struct engine *engine);

/* What is known of a certificate, for status and tests. */
struct engine_view {
    enum cert_state state;
    struct held held;
    struct held pending;
    struct tombstone tombstone;
    int64_t shown_until_s; /* serve.until_s, or the end of the must-staple grace */
    bool in_flight;        /* asked, or in line for it */
    bool blocked;          /* in line behind a responder that is down */
    bool settled;          /* at least one attempt ended, or none is needed */
    unsigned failures;
    int64_t next_try_s; /* wall; INSTANT_NEVER */
};
void engine_look(const struct engine *engine, uint32_t cert, struct instant now,
                 struct engine_view *ret_view);

/* The responders that were ever asked, numbered from 0 on. */
struct responder_view {
    const char *key; /* "http://host:port"; lives as long as the engine */
    unsigned in_flight;
    unsigned waiting;
    unsigned failures;    /* in a row */
    bool down;            /* its circuit is open */
    int64_t down_since_s; /* wall; INSTANT_NEVER: it is not */
    int64_t next_s;       /* wall: not asked before (probe, Retry-After); 0: no such wait */
    uint64_t asked;       /* requests since the start */
    uint64_t failed;      /* of them: transport failures, 5xx, 429, unparsable */
};
uint32_t engine_responders(const struct engine *engine);
void engine_look_responder(const struct engine *engine, uint32_t responder, struct instant now,
                           struct responder_view *ret_view);

/* What the engine believes of the wall clock. */
struct clock_view {
    int64_t wall_s;     /* the time it goes by */
    int64_t off_s;      /* how far the machine's clock is ahead of that; 0 when it is believed */
    bool wrong;         /* signed answers or responders' Date contradict the machine's clock */
    int64_t date_off_s; /* when wrong: how far it is ahead of the last Date that did */
};
void engine_look_clock(const struct engine *engine, struct instant now,
                       struct clock_view *ret_view);
