/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Other servers' stapling as policies of a few lines, for the same outages beside clinch.
 *
 * They are models of what their sources say (docs/availability.md), not the servers themselves:
 * when each asks, what it takes, how long it shows it, what outlives a restart. What is common
 * (a queue, places for requests, limits of time, handshakes) is peers.c; the policies are
 * peers-policy.c.
 *
 * Where a source leaves something open, the model takes what is kinder to the server. */

#include "sim/world.h"

/* Whose signature it looks for. */
enum peer_check {
    CHECK_NOTHING,    /* not at all */
    CHECK_ANY_SIGNER, /* it must be right, by whomever: a certificate in the answer will do */
    CHECK_SIGNER,     /* by the issuer or its delegate */
};

enum peer_disk {
    DISK_NONE,  /* a restart forgets everything */
    DISK_ALL,   /* what it holds is there again */
    DISK_YOUNG, /* ... when it is in the first half of its life */
};

enum {
    TAKES_GOOD = 1 << CERT_STATUS_GOOD,
    TAKES_REVOKED = 1 << CERT_STATUS_REVOKED,
    TAKES_UNKNOWN = 1 << CERT_STATUS_UNKNOWN,
};

/* What the next request's time is decided on. */
struct peer_look {
    int64_t now_s;
    bool took;          /* the last request brought an answer that was taken */
    bool answered;      /* it brought something of OCSP at least */
    bool unchanged;     /* ... with the thisUpdate of the one that was held */
    unsigned failures;  /* in a row */
    struct window life; /* of what is held: [thisUpdate, nextUpdate); {0, 0}: nothing */
    uint64_t random;
};

struct peer {
    const char *name;
    const char *what;                                /* version and settings, for people */
    int64_t (*next_s)(const struct peer_look *look); /* when to ask again, wall seconds */

    /* Asking. */
    unsigned parallel; /* requests at once; 0: as many as there are */
    unsigned workers;  /* processes that each keep and ask for themselves */
    bool on_handshake; /* asks only when a client connects */
    bool post;
    int64_t limit_ms; /* gives a request up; 0: waits for ever */
    int64_t scan_s;   /* looks so often who is due; 0: always */

    /* Taking. */
    enum peer_check check;
    unsigned takes; /* TAKES_... */
    bool binds;     /* the answer must be about this certificate */
    int64_t skew_s; /* thisUpdate and nextUpdate must hold, give or take; -1: any times */
    bool needs_next_update;
    bool inside_leaf;     /* nextUpdate must not lie beyond the certificate's end */
    bool takes_errors;    /* staples tryLater and the like */
    bool fakes_try_later; /* ... and makes one when nothing comes */
    bool drops_refused;   /* an answer that is refused takes the held one's place: nothing */
    bool never_back;      /* does not take what ends sooner than what it holds */

    /* Showing. */
    bool beyond_end;      /* does not look at nextUpdate */
    int64_t early_s;      /* so much before nextUpdate it stops */
    unsigned drops_after; /* the held one goes with so many failures in a row; 0: it stays */
    enum peer_disk disk;
    int64_t disk_keep_s; /* what was written longer ago is dropped at a start; 0: never */
};

/* All of them; NULL name behind the last. "ideal" is none of them: it asks every minute, takes
 * nothing bad and forgets nothing: what could be shown at all. */
extern const struct peer peers[];

/* @holds: a connection that hangs does so for good; else it breaks when the responder is well
 * again. Only those without a limit notice. */
struct subject *peer_new(struct world *world, const struct peer *peer, bool holds);
