/* SPDX-License-Identifier: Apache-2.0 */

/* What the engine alone costs: so many certificates in virtual time, with answers of seven days,
 * signed an hour ago.
 *
 *     bench-engine CERTS ROUNDS
 *
 * A line per measure, "NAME UNIT" and a number per round:
 *   floor ns     one operation of a bare heap of deadlines with as many entries: take the first,
 *                set it anew
 *   sync ns      one event of a cold start: each certificate is found, its store is empty, it is
 *                asked for, answered and shown; and the ticks that this takes
 *   refresh ns   one event of the round after that
 *   cert us      all of both rounds, for one certificate
 *   down ns      for each certificate in line: its responder goes down, in one step and the ticks
 *                that are due with it
 *   up ns        the same when it comes back (none is asked meanwhile)
 *   bytes B      what the engine keeps of a certificate, after both rounds: by malloc_usable_size()
 *                of all that it has allocated, effects included
 *   step effects the most effects of one step, in all of it
 *
 * Time is that of this thread on the processor, this program's own bookkeeping (a ring of replies)
 * included. */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/heap.h"
#include "base/rng.h"
#include "core/engine.h"

#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            fprintf(stderr, "bench-engine: does not hold: %s\n", #condition_);                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define NOW        INT64_C(1800000000)
#define HOUR       3600
#define LIFE_S     (7 * 24 * HOUR)
#define LATENCY_MS 40

enum { RESPONDERS = 8, FLYING_MOST = 512 };

/* The linker sends all allocations through here (--wrap). */
static size_t allocated;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

void *__wrap_malloc(size_t size)
{
    void *data = __real_malloc(size);

    allocated += malloc_usable_size(data);
    return data;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *data = __real_calloc(count, size);

    allocated += malloc_usable_size(data);
    return data;
}

void *__wrap_realloc(void *old, size_t size)
{
    void *data;

    allocated -= malloc_usable_size(old);
    data = __real_realloc(old, size);
    allocated += malloc_usable_size(data);
    return data;
}

void __wrap_free(void *old)
{
    allocated -= malloc_usable_size(old);
    __real_free(old);
}

struct reply {
    int64_t due_ms;
    uint32_t cert;
    uint64_t attempt;
};

struct world {
    struct engine *engine;
    struct effects effects;
    struct instant now;
    struct cert_facts *certs; /* not counted */
    uint32_t count;
    struct reply flying[FLYING_MOST]; /* a ring */
    unsigned first, flights;
    uint64_t events;
    uint64_t answered;
    size_t most_effects;
};

static char urls[RESPONDERS][40];

static void make_certs(struct world *world, uint32_t count, unsigned responders)
{
    world->count = count;
    world->certs = calloc(count, sizeof(*world->certs));
    must(world->certs);
    for (uint32_t i = 0; i < count; i++) {
        struct cert_facts *facts = &world->certs[i];
        uint64_t serial[2] = {rng_mix(i), rng_mix(i + (UINT64_C(1) << 40))};

        memcpy(facts->serial, serial, sizeof(serial));
        facts->serial_size = sizeof(serial);
        facts->has_issuer = true;
        facts->url_count = 1;
        facts->urls[0] = urls[i % responders];
        facts->not_after_s = INT64_MAX;
        facts->name = "";
    }
}

static void world_open(struct world *world, uint32_t count, unsigned responders)
{
    struct policy policy = policy_default();

    *world = (struct world){.now = {NOW, 1000000}};
    make_certs(world, count, responders);
    allocated = 0;
    must(engine_new(&world->engine, &policy, 1) == 0);
}

static void world_close(struct world *world)
{
    engine_free(world->engine);
    effects_deinit(&world->effects);
    must(allocated == 0);
    free(world->certs);
}

static void step(struct world *world, struct event event)
{
    event.now = world->now;
    must(engine_step(world->engine, &event, &world->effects) == 0);
    world->events++;
    for (size_t i = 0; i < world->effects.count; i++) {
        const struct effect *effect = &world->effects.list[i];

        if (effect->type == EFFECT_FETCH) {
            must(world->flights < FLYING_MOST);
            world->flying[(world->first + world->flights++) % FLYING_MOST] =
                (struct reply){world->now.mono_ms + LATENCY_MS, effect->cert, effect->attempt};
        }
    }
    if (world->effects.count > world->most_effects) {
        world->most_effects = world->effects.count;
    }
}

static void deliver(struct world *world, enum fetch_outcome outcome)
{
    const struct reply *reply = &world->flying[world->first];
    int64_t from_s = world->now.wall_s - HOUR, until_s = from_s + LIFE_S;
    const struct ocsp_facts good = {
        .size = 500,
        .digest = world->answered,
        .has_single = true,
        .has_sha1 = true,
        .has_next_update = true,
        .produced_at_s = from_s,
        .this_update_s = from_s,
        .next_update_s = until_s,
        .singles = 1,
        .last_this_update_s = from_s,
        .first_next_update_s = until_s,
        .signer = OCSP_SIGNER_ISSUER,
        .made = {.key = KEY_RSA, .digest = DIGEST_SHA256, .key_bits = 2048},
    };

    world->first = (world->first + 1) % FLYING_MOST;
    world->flights--;
    world->answered++;
    step(world, (struct event){.type = EVENT_FETCH_DONE,
                               .cert = reply->cert,
                               .attempt = reply->attempt,
                               .fetched = {.outcome = outcome,
                                           .facts = outcome == FETCH_ANSWER ? &good : NULL,
                                           .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER}}});
}

static void pass_to(struct world *world, int64_t mono_ms)
{
    if (mono_ms > world->now.mono_ms) {
        world->now.mono_ms = mono_ms;
        world->now.wall_s = NOW + (mono_ms - 1000000) / 1000;
    }
}

/* Whatever comes next, until @answers have come. */
static void run_until(struct world *world, uint64_t answers)
{
    while (world->answered < answers) {
        int64_t due_ms = engine_deadline_ms(world->engine);
        int64_t reply_ms = world->flights ? world->flying[world->first].due_ms : INSTANT_NEVER;

        must(due_ms != INSTANT_NEVER || reply_ms != INSTANT_NEVER);
        if (reply_ms <= due_ms) {
            pass_to(world, reply_ms);
            deliver(world, FETCH_ANSWER);
        } else {
            pass_to(world, due_ms);
            step(world, (struct event){.type = EVENT_TICK});
        }
    }
}

static void tick_all_due(struct world *world)
{
    while (engine_deadline_ms(world->engine) <= world->now.mono_ms) {
        step(world, (struct event){.type = EVENT_TICK});
    }
}

static void find_all(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        step(world, (struct event){.type = EVENT_CERT_FOUND,
                                   .cert = i,
                                   .facts = &world->certs[i],
                                   .salt = rng_mix(i)});
        step(world, (struct event){.type = EVENT_CACHE_READ,
                                   .cert = i,
                                   .stored = {.next_try_s = INSTANT_NEVER}});
    }
}

static double now_ns(void)
{
    struct timespec at;

    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at) == 0);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

enum measure { FLOOR, SYNC, REFRESH, CERT, DOWN, UP, BYTES, EFFECTS, MEASURES };

static const char *const titles[MEASURES] = {
    [FLOOR] = "floor ns", [SYNC] = "sync ns", [REFRESH] = "refresh ns", [CERT] = "cert us",
    [DOWN] = "down ns",   [UP] = "up ns",     [BYTES] = "bytes B",      [EFFECTS] = "step effects",
};

static double measure_floor(uint32_t count)
{
    struct heap heap = HEAP_NULL;
    struct rng rng = {1};
    unsigned operations = count < 100000 ? 300000 : 1000000;
    double from;

    for (uint32_t i = 0; i < count; i++) {
        must(heap_set(&heap, i, (int64_t)rng_below(&rng, LIFE_S * 1000)) == 0);
    }
    from = now_ns();
    for (unsigned i = 0; i < operations; i++) {
        uint32_t entry = 0;
        int64_t due = heap_first(&heap, &entry);

        must(heap_set(&heap, entry, due + (int64_t)rng_below(&rng, LIFE_S * 1000)) == 0);
    }
    from = now_ns() - from;
    heap_deinit(&heap);
    return from / operations;
}

static void measure_rounds(struct world *world, double results[MEASURES])
{
    double from = now_ns(), synced, done;
    uint64_t events;

    find_all(world);
    run_until(world, world->count);
    synced = now_ns();
    events = world->events;
    run_until(world, 2 * (uint64_t)world->count);
    done = now_ns();
    results[SYNC] = (synced - from) / (double)events;
    results[REFRESH] = (done - synced) / (double)(world->events - events);
    results[CERT] = (done - from) / 1e3 / world->count;
    results[BYTES] = (double)allocated / world->count;
}

static void measure_outage(struct world *world, double results[MEASURES])
{
    struct responder_view view;
    double from;

    find_all(world);
    do {
        from = now_ns();
        deliver(world, FETCH_REFUSED);
        tick_all_due(world);
        engine_look_responder(world->engine, 0, world->now, &view);
    } while (!view.down);
    results[DOWN] = (now_ns() - from) / world->count;
    while (world->flights) {
        deliver(world, FETCH_REFUSED);
    }
    while (!world->flights) {
        pass_to(world, engine_deadline_ms(world->engine));
        step(world, (struct event){.type = EVENT_TICK});
    }
    from = now_ns();
    deliver(world, FETCH_ANSWER);
    results[UP] = (now_ns() - from) / world->count;
}

static void measure(uint32_t count, double results[MEASURES])
{
    struct world world;

    results[FLOOR] = measure_floor(count);
    world_open(&world, count, RESPONDERS);
    measure_rounds(&world, results);
    results[EFFECTS] = (double)world.most_effects;
    world_close(&world);
    world_open(&world, count, 1);
    measure_outage(&world, results);
    results[EFFECTS] = time_max(world.most_effects, (int64_t)results[EFFECTS]);
    world_close(&world);
}

int main(int argc, char **argv)
{
    unsigned long count, rounds;
    double *results;

    if (argc != 3) {
        fprintf(stderr, "usage: bench-engine CERTS ROUNDS\n");
        return 2;
    }
    count = strtoul(argv[1], NULL, 10);
    rounds = strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < RESPONDERS; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://ocsp%u.example/", i);
    }
    results = calloc(rounds * MEASURES, sizeof(*results));
    must(results && count > 0 && count < UINT32_MAX / 2);
    for (unsigned long i = 0; i < rounds; i++) {
        measure((uint32_t)count, &results[i * MEASURES]);
    }
    for (unsigned m = 0; m < MEASURES; m++) {
        printf("%s", titles[m]);
        for (unsigned long i = 0; i < rounds; i++) {
            printf(" %.3f", results[i * MEASURES + m]);
        }
        printf("\n");
    }
    free(results);
    return 0;
}
