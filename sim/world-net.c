/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sim/must.h"
#include "sim/oracle.h"
#include "sim/world-private.h"

static uint32_t request_slot(struct world_plan *plan)
{
    uint32_t slot = plan->request_free;

    if (slot) {
        plan->request_free = plan->requests[--slot].next;
        return slot;
    }
    if (plan->request_count == plan->request_capacity) {
        uint32_t capacity = plan->request_count ? plan->request_count * 2 : 64;

        plan->requests =
            sim_grow(plan->requests, plan->request_count, capacity, sizeof(*plan->requests));
        plan->request_capacity = capacity;
    }
    return plan->request_count++;
}

static uint32_t *open_of(struct world *world, uint32_t cert)
{
    struct world_plan *plan = world->plan;

    if (plan->open_count < world->cert_count) {
        plan->open = sim_grow(plan->open, plan->open_count, world->cert_count, sizeof(*plan->open));
        plan->open_count = world->cert_count;
    }
    return &plan->open[cert];
}

static void see_ask(struct world *world, const struct ask *ask)
{
    if (ask->post) {
        world_seen(world, COVER_EVENT, SEEN_POST);
    }
    if (ask->no_cache) {
        world_seen(world, COVER_EVENT, SEEN_NO_CACHE);
    }
    if (ask->url > 0) {
        world_seen(world, COVER_EVENT, SEEN_SECOND_URL);
    }
}

void world_ask(struct world *world, const struct ask *ask)
{
    const struct sim_cert *cert = &world->certs[ask->cert];
    uint32_t slot = request_slot(world->plan);
    uint32_t *open = open_of(world, ask->cert);
    struct request *request = &world->plan->requests[slot];
    int64_t wait_ms;

    must(ask->cert < world->cert_count && ask->url < cert->facts.url_count);
    world_mark(world,
               ask->post       ? "post"
               : ask->no_cache ? "get fresh"
                               : "get",
               ask->cert, (int64_t)ask->attempt, ask->url);
    see_ask(world, ask);
    oracle_asked(world->oracle, ask);
    *request = (struct request){.ask = *ask, .life = world->lives, .next = *open};
    *open = slot + 1;
    wait_ms =
        responder_meet(world, cert->responders[ask->url], ask, &request->reply, &request->fault);
    world_seen(world, COVER_FAULT, request->fault);
    world_plan(world, world->now_ms + wait_ms, ACT_REPLY, slot, 0);
}

void world_cancel(struct world *world, uint32_t cert, uint64_t attempt)
{
    struct world_plan *plan = world->plan;

    world_mark(world, "cancel", cert, (int64_t)attempt, 0);
    for (uint32_t at = *open_of(world, cert); at; at = plan->requests[at - 1].next) {
        struct request *request = &plan->requests[at - 1];

        if (request->ask.attempt == attempt && request->life == world->lives &&
            !request->cancelled) {
            request->cancelled = true;
            world_seen(world, COVER_EVENT, SEEN_CANCEL);
            oracle_cancelled(world->oracle, cert, attempt);
            return;
        }
    }
}

static void close_request(struct world *world, uint32_t slot)
{
    struct world_plan *plan = world->plan;
    struct request *request = &plan->requests[slot];
    uint32_t *at = open_of(world, request->ask.cert);

    while (*at != slot + 1) {
        assert(*at);
        at = &plan->requests[*at - 1].next;
    }
    *at = request->next;
    request->next = plan->request_free;
    plan->request_free = slot + 1;
}

void world_deliver(struct world *world, uint32_t slot)
{
    struct request request = world->plan->requests[slot];

    close_request(world, slot);
    if (!world->process_up || request.life != world->lives) {
        return; /* nobody is there who would know what it is about */
    }
    world_mark(world, request.cancelled ? "late reply" : "reply", request.ask.cert,
               (int64_t)request.reply.outcome, request.reply.http_status);
    if (request.cancelled) {
        world_seen(world, COVER_EVENT, SEEN_LATE_REPLY);
    }
    if (request.reply.outcome == FETCH_NOT_MODIFIED) {
        world_seen(world, COVER_EVENT, SEEN_NOT_MODIFIED);
    }
    oracle_replied(world->oracle, &request.ask, &request.reply, request.cancelled);
    world->subject->type->reply(world->subject, &request.reply);
    if (!world->plan->dead) {
        oracle_acted(world->oracle, ACT_REPLY, request.ask.cert);
    }
}
