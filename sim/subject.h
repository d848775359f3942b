/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A thing that staples, as the simulated world sees it: clinch's engine alone (sim/clinch.c), host
 * and DER (sim/der.c), or the policy of another server (sim/peers.c).
 *
 * The world calls it through struct subject_type; it calls the world back with world_ask(),
 * world_cancel(), world_write(), world_shown(), world_mark() (world.h) and nothing else, also from
 * inside those calls. None of the world's functions calls the subject: replies come later.
 *
 * It never learns more than a real process would: no true time, no truth about an answer but what
 * answer_facts() or its bytes say. */

#include <stdbool.h>
#include <stdint.h>

#include "core/facts.h"

struct world;
struct subject;

/* One request to a responder. */
struct ask {
    uint32_t cert;    /* index of struct world.certs */
    unsigned url;     /* of its URLs */
    uint64_t attempt; /* the subject's own number; the reply and world_cancel() name it */
    uint32_t etag;    /* If-None-Match: the ETag that came with this answer; ANSWER_NONE: without */
    bool post;
    bool no_cache;
};

/* What came of it. */
struct reply {
    uint32_t cert;
    uint64_t attempt;
    enum fetch_outcome outcome;
    int http_status;
    uint32_t answer; /* the body; also with an error status. ANSWER_NONE: none that can be read */
    bool has_etag;   /* an ETag came with it */
    bool posted;
    struct http_hints hints;
};

struct subject_type {
    const char *name;
    /* The process starts: it finds the certificates that are there (world_cert_is_there()), and
     * what its disk holds. Its clocks are world_now(), as everywhere. */
    void (*start)(struct subject *subject);
    /* The process is gone, at once and without a word. What is on disk and what the servers show
     * stays, unless the world's servers forget (struct world.servers_keep). */
    void (*stop)(struct subject *subject);
    void (*found)(struct subject *subject, uint32_t cert);
    void (*gone)(struct subject *subject, uint32_t cert);
    void (*reply)(struct subject *subject, const struct reply *reply);
    /* Its deadline has come, or the machine's clock was set. */
    void (*wake)(struct subject *subject);
    /* When to wake it next, monotonic ms; INSTANT_NEVER. */
    int64_t (*deadline_ms)(const struct subject *subject);
    /* Once a minute from the first end of the process on, also while it is down: what runs beside
     * it. May be NULL. */
    void (*minute)(struct subject *subject);
    /* The answer that the servers show for @cert now; also while the process is down. */
    uint32_t (*shows)(const struct subject *subject, uint32_t cert);
    struct subject *(*free)(struct subject *subject);
};

/* Every subject begins with this. */
struct subject {
    const struct subject_type *type;
    struct world *world;
};
