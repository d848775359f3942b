/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The simulated world: true time, the machine's clocks, certificates, responders and the network,
 * the machine's process and disk; one subject that staples in it, one oracle that watches.
 *
 * Everything that will happen from outside (outages, renewals, crashes, clock jumps) is planned
 * before the world runs (scenario.h), so that it is the same whatever the subject does. The world
 * makes no system call. Without memory it ends the program: it simulates other troubles. */

#include "base/bytes.h"
#include "base/heap.h"
#include "base/rng.h"
#include "core/note.h"
#include "core/policy.h"
#include "sim/answer.h"
#include "sim/cover.h"
#include "sim/responder.h"
#include "sim/subject.h"

#define DAY_S         INT64_C(86400)
#define HOUR_S        INT64_C(3600)
#define WORLD_START_S INT64_C(1800000000) /* true time at the beginning of every world */

struct oracle;

/* A certificate, for as long as the world runs: its index never means another one. */
struct sim_cert {
    struct cert_facts facts; /* as pki would read it; urls point into the responders */
    uint64_t salt;
    uint32_t certid; /* leaves may share one: (issuer, serial number) */
    uint32_t authority;
    uint32_t responders[LIMIT_URLS];
    int64_t found_ms; /* when the machine gets it; gone_ms when it loses it */
    int64_t gone_ms;
    int64_t issued_ms;   /* when its authority knows it */
    int64_t revoked_ms;  /* INSTANT_NEVER: never */
    int64_t released_ms; /* of a certificate on hold: good again */
    int64_t cycle_ms;    /* on hold again, so long behind the last time; 0: never again */
    int8_t revocation_reason;
    uint32_t twin; /* the first leaf of this certid (itself, mostly) */
    /* What its authority knows of a certid, kept with the first leaf of it. */
    uint32_t batch; /* the answer that it gives now: number, and which in turn */
    int64_t batch_turn;
    uint32_t older; /* the one before it, as far as somebody was given it */
    int64_t older_turn;
    int64_t quarter_ms; /* with only_last_quarter: honest from here on */
};

/* What happens from outside, planned by scenarios. */
enum world_act {
    ACT_FOUND,     /* a certificate appears on the machine: index */
    ACT_GONE,      /* ... is removed: index */
    ACT_CLOCK,     /* the machine's wall clock is set: value = seconds ahead of truth */
    ACT_STOP,      /* the process ends; it starts again after value ms */
    ACT_CRASH,     /* the process dies at its index-th write from now on; starts after value ms */
    ACT_REBOOT,    /* the machine's power fails; it starts again after value ms, and the
                    * monotonic clock from 0 */
    ACT_START,     /* the process starts, if it is not there */
    ACT_DISK_FULL, /* value: 1 full, 0 room again */
    ACT_REPLY,     /* the world's own: a reply arrives */
    ACT_MINUTE,    /* the world's own: a minute, once the process has ended for the first time */
    ACT_COUNT,
};

enum write_kind {
    WRITE_COMMIT,  /* one durable transaction of the store */
    WRITE_PUBLISH, /* one server's view of one certificate */
};
enum write_result {
    WRITE_DONE,
    WRITE_FAILED, /* the disk is full: nothing was written */
    WRITE_DEAD,   /* the process dies before this write. The subject drops everything, calls the
                   * world no more, and returns; the world calls stop() */
};

struct world_options {
    uint64_t seed;
    unsigned days;
    uint32_t certs;    /* at a time */
    struct buf *trace; /* gets every mark as a line; NULL: only the hash */
    bool notes;        /* ... no, only notes for people and what happens from outside */
    void (*drain)(struct buf *trace); /* called after each line; may empty it */
};

struct world {
    struct world_options options;
    struct policy policy;
    struct rng rng; /* of the scenario; the subject's asks never draw from it */
    int64_t now_ms; /* true time */
    int64_t end_ms;
    int64_t clock_off_s; /* the machine's wall clock is so much ahead of the truth */
    int64_t boot_ms;     /* true time when its monotonic clock was 0 */
    bool disk_full;
    bool servers_keep; /* the servers' files outlive the process; else they forget */
    bool process_up;
    unsigned lives; /* starts of the process so far */

    struct sim_cert *certs;
    uint32_t cert_count;
    uint32_t cert_capacity;
    uint32_t certid_count;
    struct authority *authorities;
    uint32_t authority_count;
    struct responder *responders;
    uint32_t responder_count;
    struct answers answers;

    struct subject *subject;
    struct oracle *oracle;
    struct cover *cover; /* shared by all seeds; may be NULL */

    uint64_t trace_hash;
    struct world_plan *plan; /* world.c alone */
};

/* ---- Building a world: main.c and scenarios ---- */

struct world *world_new(const struct world_options *options);
struct world *world_free(struct world *world);
CLEANUP_DEFINE(struct world *, world_free)

uint32_t world_add_authority(struct world *world, const struct authority *authority);
/* A responder at "http://rN.example" of @authority: quick, GET and POST, no headers. The pointer
 * is good until the next is added. */
struct responder *world_add_responder(struct world *world, uint32_t authority,
                                      uint32_t *ret_responder);
/* Copies @cert; fills in what its facts need (names, digests, URLs of its first url_count
 * responders, one number in four by their aliases) and plans ACT_FOUND and ACT_GONE. certid
 * UINT32_MAX: one of its own. */
uint32_t world_add_cert(struct world *world, const struct sim_cert *cert);
void world_plan(struct world *world, int64_t at_ms, enum world_act act, uint32_t index,
                int64_t value);

/* Runs until the end, or until the oracle says that something is broken. */
void world_run(struct world *world, struct subject *subject, struct oracle *oracle);

/* ---- For the subject ---- */

/* The machine's clocks. */
struct instant world_now(const struct world *world);
/* The machine has this certificate now. */
bool world_cert_is_there(const struct world *world, uint32_t cert);
/* Sends a request. The reply comes through subject->type->reply(), also after a cancel when the
 * fault is that it comes late; never to another life of the process. */
void world_ask(struct world *world, const struct ask *ask);
void world_cancel(struct world *world, uint32_t cert, uint64_t attempt);
/* Before each durable write. */
enum write_result world_write(struct world *world, enum write_kind kind);
/* What the servers show for @cert may have changed just now. */
void world_shown(struct world *world, uint32_t cert);
/* Before that: there is no hurry, servers may be told of it with other changes. */
void world_batched(struct world *world, uint32_t cert, bool withdraws);
/* Puts something that the subject did into the trace: any words, with numbers. The hash of a run
 * is over all of them with their true times. */
void world_mark(struct world *world, const char *what, uint32_t cert, int64_t a, int64_t b);
/* The same for a note, in full. */
void world_mark_note(struct world *world, uint32_t cert, const struct note *note);

/* ---- For everybody in sim/ ---- */

static inline int64_t world_true_s(const struct world *world)
{
    return world->now_ms / 1000;
}
/* Something to be seen over a standard run was seen (cover.h). */
void world_seen(struct world *world, enum cover_group group, unsigned what);

/* "d3 04:05:06.789": true time since the world began. */
void world_put_time(struct buf *buf, int64_t true_ms);

/* What was built: authorities, responders with their faults, certificates; a line each. */
void world_put(const struct world *world, struct buf *buf);

/* Memory for the simulator; ends the program when there is none. Zeroed behind @old_count. */
void *sim_grow(void *list, size_t old_count, size_t new_count, size_t each);
