/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by world.c (events and the process) and world-net.c (requests). Nobody else includes it.
 */

#include "sim/world.h"

struct world_event {
    enum world_act act;
    uint32_t index; /* of a free slot: the next free one + 1 */
    int64_t value;
};

/* A request on its way. */
struct request {
    struct ask ask;
    struct reply reply;
    enum fault fault;
    unsigned life; /* of the process that asked */
    bool cancelled;
    uint32_t next; /* open one of the same certificate + 1, or the next free slot + 1 */
};

struct world_plan {
    struct world_event *events;
    uint32_t event_count;
    uint32_t event_capacity;
    uint32_t event_free; /* slot + 1 */
    struct heap due;     /* true ms, by slot */

    struct request *requests;
    uint32_t request_count;
    uint32_t request_capacity;
    uint32_t request_free; /* slot + 1 */
    uint32_t *open;        /* certificate -> its latest request + 1 */
    uint32_t open_count;

    bool dead;            /* the process died in the call that runs */
    uint32_t writes_left; /* 0: it will not die */
    int64_t away_ms;      /* when it died: how long until it starts again */

    bool minutes; /* ACT_MINUTE goes round */

    int64_t wake_ms; /* the last wake, and how many there were at that time */
    unsigned wakes;
    unsigned idle_wakes;
};

/* A reply has arrived. */
void world_deliver(struct world *world, uint32_t request);
