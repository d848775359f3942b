/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Responders by scheme, host and port: who may be asked when.
 *
 * Entries (certificates) stand in line per responder, so that one that does not answer never
 * delays those of another; the one whose staple ends soonest goes first. Each responder has so
 * many requests at once (policy->responder_concurrency) and so many in any second
 * (responder_rate); all together have total_concurrency.
 *
 * After responder_failures failures in a row it is down: its circuit is open, and one request at a
 * time, rarer and rarer, tries whether it is back: for those that hold nothing and for those that
 * do by turns. When one succeeds, the others follow, one more
 * at once for each that succeeds. */

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/policy.h"

#define RESPONDER_NONE UINT32_MAX

struct responder {
    char *key;        /* "http://host:port" in lower case */
    struct heap line; /* entries by when what they hold ends */
    unsigned in_flight;
    unsigned allowed;  /* at once; grows back to the cap after it was down */
    unsigned failures; /* in a row */
    unsigned probes;   /* in vain, since it is down */
    bool down;
    uint32_t probe;       /* the entry that tries it, RESPONDER_NONE: none is under way */
    int64_t probe_ms;     /* when the next one may */
    int64_t pause_ms;     /* Retry-After: nobody before */
    int64_t paid_us;      /* up to when the rate is used up, monotonic microseconds */
    int64_t served_ms;    /* when it was asked last */
    int64_t rank;         /* in its line, of the one who did */
    uint64_t turn;        /* and as the how manieth of all */
    int64_t down_since_s; /* wall */
    uint64_t asked;       /* since the start */
    uint64_t failed;
};

/* Begin with responders_init(). The owner sets `now` before a batch of calls. */
struct responders {
    const struct policy *policy;
    struct instant now;
    struct rng rng;
    struct responder *list;
    uint32_t count;
    uint32_t capacity;
    struct map by_key;
    struct heap_index places; /* of all lines */
    struct heap ready;        /* responders with a line and a free place, by whose turn it is */
    uint64_t turn;
    unsigned in_flight;
};

/* Borrows @policy. */
void responders_init(struct responders *responders, const struct policy *policy, uint64_t seed);
void responders_deinit(struct responders *responders);

/* The number of the responder that @url names, made known when it is new. -ENOMEM. */
int responder_find(struct responders *responders, const char *url, uint32_t *ret_responder);

/* The same of one that is known; RESPONDER_NONE: it is not (or there is no memory to tell). */
uint32_t responder_known(const struct responders *responders, const char *url);

/* Puts @entry in line, or moves it there. What it holds ends at @end_s (wall); RESPONDER_BARE: it
 * holds nothing, which comes before everything else. -ENOMEM: it is not in line (who was, is). */
#define RESPONDER_BARE INT64_MIN
int responder_wait(struct responders *responders, uint32_t responder, uint32_t entry,
                   int64_t end_s);

/* Takes @entry out of the line; nothing when it is not in it. */
void responder_leave(struct responders *responders, uint32_t responder, uint32_t entry);

/* Takes out of a line, with a place for its request, an entry that may go now; false: none may. */
bool responder_next(struct responders *responders, uint32_t *ret_responder, uint32_t *ret_entry);

/* The request of @entry is over. */
enum responder_news {
    RESPONDER_WELL,      /* it answered, whatever it said */
    RESPONDER_ILL,       /* transport failure, 5xx, 429, or not an OCSP answer at all */
    RESPONDER_NOT_ASKED, /* the request was given up, or never left this machine */
};
enum responder_change { RESPONDER_SAME, RESPONDER_WENT_DOWN, RESPONDER_CAME_BACK };
enum responder_change responder_report(struct responders *responders, uint32_t responder,
                                       uint32_t entry, enum responder_news news);

/* It asked to be left alone for @wait_s (Retry-After) in answer to one that holds something until
 * @end_s. Bounded by the policy, and by an eighth of what is left for the most urgent. */
void responder_pause(struct responders *responders, uint32_t responder, int64_t wait_s,
                     int64_t end_s);

/* Somebody waits for @responder: if it is down it is tried at once, at most every other second. */
void responder_nudge(struct responders *responders, uint32_t responder);

/* The first in line; RESPONDER_NONE. */
uint32_t responder_first(const struct responders *responders, uint32_t responder);

/* When responder_next() may find somebody, monotonic ms; INSTANT_NEVER. */
int64_t responders_deadline_ms(const struct responders *responders);

/* Not before this may the next one go, monotonic ms; INT64_MIN: no such wait. */
int64_t responder_wait_ms(const struct responders *responders, uint32_t responder);
