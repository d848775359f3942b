/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When to run a command that makes a server take what was written. No I/O, no clock.
 *
 * A burst of changes is run for once, when it is over: nothing came for 300 ms and nothing more is
 * being written. How long that is waited for depends on what the server shows meanwhile
 * (docs/decisions/0009):
 *
 *   strict   something wrong (a withdrawal, a renewal): two seconds after the first, whatever
 * comes. first    nothing: two seconds; a mass of them up to ten. Runs for nothing but first
 * staples that follow each other closely are spread, after a few, up to one a minute. refresh  what
 * is still good: up to the interval; earlier only when a staple that the server has loaded ends
 * within twice the interval.
 *
 * A run covers every change that was noted before it began; changes during a run lead to one more.
 * A failed run is repeated with backoff, and nothing makes it run in a fast loop. */

#include <stdbool.h>

#include "base/instant.h"
#include "base/rng.h"

struct reload {
    int64_t interval_s;
    uint64_t newest;         /* the last change noted */
    uint64_t taken;          /* the newest one when the current run began */
    uint64_t done;           /* all up to this one are with the server */
    int64_t strict_first_ms; /* INSTANT_NEVER: none waits */
    int64_t first_ms;        /* of all that are no refresh; the same */
    int64_t last_ms;
    unsigned waiting;     /* of them */
    int64_t batch_due_ms; /* INSTANT_NEVER: no refresh waits */
    int64_t began_ms;     /* the last run for nothing but first staples */
    unsigned in_row;      /* such runs, each soon after the one before */
    int64_t ended_ms;     /* the last run */
    int64_t retry_ms;
    unsigned failures; /* in a row; not 0: the last run must be repeated */
    bool running;
    bool more;    /* further changes are being written */
    bool settled; /* nothing is batched any more */
};

void reload_init(struct reload *reload, int64_t interval_s);

/* Change @number (always rising) must be with the server soon. */
void reload_note_strict(struct reload *reload, uint64_t number, struct instant now);
void reload_note_first(struct reload *reload, uint64_t number, struct instant now);

/* Change @number may wait; what the server has loaded instead is good until @loaded_until_s. */
void reload_note_refresh(struct reload *reload, uint64_t number, int64_t loaded_until_s,
                         struct instant now);

/* Whether more changes are under way that the next run should cover. */
void reload_expect(struct reload *reload, bool more);

/* Nobody stays to run a batch later: what waits, or will, is run for now. */
void reload_settle(struct reload *reload, int64_t mono_ms);

/* When to run (monotonic ms), INSTANT_NEVER while nothing waits or a run is going on. */
int64_t reload_deadline_ms(const struct reload *reload);

void reload_begin(struct reload *reload, int64_t mono_ms);

/* *@rng spreads the next try after a failure. */
void reload_end(struct reload *reload, bool good, int64_t mono_ms, struct rng *rng);

/* A run is going on, or one will come within seconds (not: a batch, or the next try). */
bool reload_busy(const struct reload *reload);
