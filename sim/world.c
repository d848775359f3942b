/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/must.h"
#include "sim/oracle.h"
#include "sim/world-private.h"

/* One number in so many names its responders by another path, and in capitals. */
#define ALIAS_EVERY 4

#define MINUTE_MS 60000
/* A subject may be woken so often at one instant, and so often in a row without doing anything.
 * A sleep of at most 30 s is 2,880 idle wakes a day. */
#define WAKES_AT_ONCE 100
#define WAKES_IDLE    20000

static void tell(struct world *world, const char *what, int64_t a, int64_t b);

void *sim_grow(void *list, size_t old_count, size_t new_count, size_t each)
{
    uint8_t *grown = realloc(list, new_count * each);

    must(grown);
    memset(grown + old_count * each, 0, (new_count - old_count) * each);
    return grown;
}

struct world *world_new(const struct world_options *options)
{
    struct world *world = sim_grow(NULL, 0, 1, sizeof(*world));

    world->plan = sim_grow(NULL, 0, 1, sizeof(*world->plan));
    world->options = *options;
    world->policy = policy_default();
    world->rng.state = rng_mix(options->seed ^ UINT64_C(0x636c696e6368));
    world->now_ms = WORLD_START_S * 1000;
    world->end_ms = world->now_ms + (int64_t)options->days * DAY_S * 1000;
    world->boot_ms = world->now_ms - 3600 * 1000;
    world->servers_keep = true;
    world->trace_hash = UINT64_C(0xcbf29ce484222325);
    return world;
}

struct world *world_free(struct world *world)
{
    if (world) {
        for (uint32_t i = 0; i < world->responder_count; i++) {
            responder_deinit(&world->responders[i]);
        }
        for (uint32_t i = 0; i < world->cert_count; i++) {
            free((void *)world->certs[i].facts.name);
        }
        answers_deinit(&world->answers);
        heap_deinit(&world->plan->due);
        free(world->plan->events);
        free(world->plan->requests);
        free(world->plan->open);
        free(world->plan);
        free(world->authorities);
        free(world->responders);
        free(world->certs);
        free(world);
    }
    return NULL;
}

/* ---- Building ---- */

uint32_t world_add_authority(struct world *world, const struct authority *authority)
{
    uint32_t count = world->authority_count;

    world->authorities =
        sim_grow(world->authorities, count, count + 1, sizeof(*world->authorities));
    world->authorities[count] = *authority;
    return world->authority_count++;
}

static char *responder_url(const char *before, uint32_t number, const char *behind)
{
    struct buf buf = BUF_INIT(100);
    char *url;

    buf_put_text(&buf, before);
    buf_put_int(&buf, number);
    buf_put_text(&buf, behind);
    url = text_copy(slice_of_buf(&buf));
    must(url);
    buf_deinit(&buf);
    return url;
}

struct responder *world_add_responder(struct world *world, uint32_t authority,
                                      uint32_t *ret_responder)
{
    uint32_t count = world->responder_count++;
    struct responder *responder;

    world->responders = sim_grow(world->responders, count, count + 1, sizeof(*world->responders));
    responder = &world->responders[count];
    responder->authority = authority;
    responder->seed = rng_mix(world->options.seed ^ rng_mix(count + 1));
    responder->latency_min_ms = 20;
    responder->latency_max_ms = 100;
    responder->url = responder_url("http://r", count, ".example/");
    responder->alias = responder_url("HTTP://R", count, ".Example/ca/");
    *ret_responder = count;
    return responder;
}

static void put_number(uint8_t *bytes, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

static char *cert_name(uint32_t index)
{
    struct buf name = BUF_INIT(100);
    char *text;

    buf_put_text(&name, "c");
    buf_put_int(&name, index);
    buf_put_text(&name, ".example");
    text = text_copy(slice_of_buf(&name));
    must(text);
    buf_deinit(&name);
    return text;
}

static void fill_facts(struct world *world, struct sim_cert *cert, uint32_t index)
{
    struct cert_facts *facts = &cert->facts;

    put_number(facts->leaf_sha256, rng_mix(world->options.seed ^ index));
    put_number(facts->leaf_sha256 + 8, index);
    put_number(facts->issuer_name_sha1,
               rng_mix(cert->authority / 2 + 1)); /* one in two has a new key */
    put_number(facts->issuer_key_sha1, rng_mix(cert->authority + 1));
    if (cert->twin == index) {
        put_number(facts->serial, world->authorities[cert->authority].numbers++);
        facts->serial[0] = 0x10;
    } else {
        memcpy(facts->serial, world->certs[cert->twin].facts.serial, sizeof(facts->serial));
    }
    facts->serial_size = 8;
    facts->name = cert_name(index);
    for (unsigned i = 0; i < facts->url_count; i++) {
        const struct responder *responder = &world->responders[cert->responders[i]];

        facts->urls[i] =
            cert->certid % ALIAS_EVERY == ALIAS_EVERY - 1 ? responder->alias : responder->url;
    }
}

uint32_t world_add_cert(struct world *world, const struct sim_cert *cert)
{
    uint32_t index = world->cert_count++;
    struct sim_cert *added;

    if (index == world->cert_capacity) {
        uint32_t capacity = index ? index * 2 : 64;

        world->certs = sim_grow(world->certs, index, capacity, sizeof(*world->certs));
        world->cert_capacity = capacity;
    }
    added = &world->certs[index];
    *added = *cert;
    added->twin = index;
    if (added->certid == UINT32_MAX) {
        added->certid = world->certid_count++;
    } else {
        for (added->twin = 0; world->certs[added->twin].certid != added->certid; added->twin++) {
        }
    }
    added->salt = rng_mix(world->options.seed ^ rng_mix(index + 1));
    fill_facts(world, added, index);
    world_plan(world, added->found_ms, ACT_FOUND, index, 0);
    if (added->gone_ms < world->end_ms) {
        world_plan(world, added->gone_ms, ACT_GONE, index, 0);
    }
    return index;
}

void world_plan(struct world *world, int64_t at_ms, enum world_act act, uint32_t index,
                int64_t value)
{
    struct world_plan *plan = world->plan;
    uint32_t slot = plan->event_free;

    if (slot) {
        plan->event_free = plan->events[--slot].index;
    } else {
        if (plan->event_count == plan->event_capacity) {
            uint32_t capacity = plan->event_count ? plan->event_count * 2 : 64;

            plan->events =
                sim_grow(plan->events, plan->event_count, capacity, sizeof(*plan->events));
            plan->event_capacity = capacity;
        }
        slot = plan->event_count++;
    }
    plan->events[slot] = (struct world_event){act, index, value};
    must(heap_set(&plan->due, slot, time_max(at_ms, world->now_ms)) == 0);
}

static struct world_event next_event(struct world_plan *plan)
{
    uint32_t slot;
    struct world_event event;

    heap_first(&plan->due, &slot);
    heap_remove(&plan->due, slot);
    event = plan->events[slot];
    plan->events[slot].index = plan->event_free;
    plan->event_free = slot + 1;
    return event;
}

/* ---- The process and its machine ---- */

struct instant world_now(const struct world *world)
{
    int64_t true_s = world_true_s(world);

    return (struct instant){true_s + world->clock_off_s, world->now_ms - world->boot_ms};
}

bool world_cert_is_there(const struct world *world, uint32_t cert)
{
    return world->certs[cert].found_ms <= world->now_ms &&
           world->now_ms < world->certs[cert].gone_ms;
}

static void process_end(struct world *world, int64_t away_ms)
{
    tell(world, "process ends", away_ms, 0);
    oracle_process(world->oracle, PROCESS_ENDS);
    world->process_up = false;
    world->plan->dead = false;
    world->plan->writes_left = 0;
    world->subject->type->stop(world->subject);
    oracle_process(world->oracle, PROCESS_ENDED);
    world_plan(world, world->now_ms + away_ms, ACT_START, 0, 0);
    if (!world->plan->minutes) {
        world->plan->minutes = true;
        world_plan(world, world->now_ms + MINUTE_MS, ACT_MINUTE, 0, 0);
    }
}

/* After every call of the subject: did it die in it? */
static void bury(struct world *world)
{
    if (world->plan->dead) {
        world_seen(world, COVER_ACT, ACT_CRASH);
        process_end(world, world->plan->away_ms);
    }
}

static void process_start(struct world *world)
{
    if (world->process_up) {
        return;
    }
    oracle_process(world->oracle, PROCESS_STARTS);
    world->process_up = true;
    world->lives++;
    tell(world, "process starts", world->lives, 0);
    world->subject->type->start(world->subject);
    if (!world->plan->dead) {
        oracle_process(world->oracle, PROCESS_STARTED);
    }
}

enum write_result world_write(struct world *world, enum write_kind kind)
{
    struct world_plan *plan = world->plan;
    enum write_result result = WRITE_DONE;

    must(!plan->dead);
    if (plan->writes_left > 0 && --plan->writes_left == 0) {
        plan->dead = true;
        result = WRITE_DEAD;
        world_seen(world, COVER_EVENT,
                   kind == WRITE_COMMIT ? SEEN_DEAD_IN_COMMIT : SEEN_DEAD_IN_PUBLISH);
    } else if (world->disk_full && kind == WRITE_COMMIT) {
        result = WRITE_FAILED;
        world_seen(world, COVER_EVENT, SEEN_WRITE_FAILED);
    }
    if (result != WRITE_DONE) {
        world_mark(world, result == WRITE_DEAD ? "dies" : "no room", UINT32_MAX, kind, 0);
    }
    oracle_wrote(world->oracle, kind, result);
    return result;
}

void world_shown(struct world *world, uint32_t cert)
{
    oracle_shown(world->oracle, cert);
}

void world_batched(struct world *world, uint32_t cert, bool withdraws)
{
    oracle_batched(world->oracle, cert, withdraws);
}

static void set_clock(struct world *world, int64_t off_s)
{
    world_seen(world, COVER_EVENT,
               off_s > world->clock_off_s ? SEEN_CLOCK_FORWARD : SEEN_CLOCK_BACK);
    tell(world, "clock", off_s, world->clock_off_s);
    world->clock_off_s = off_s;
    oracle_acted(world->oracle, ACT_CLOCK, 0);
    if (world->process_up) {
        world->subject->type->wake(world->subject);
    }
}

/* A certificate came or went: a process that runs is told. */
static void change_cert(struct world *world, enum world_act act, uint32_t cert)
{
    const struct subject_type *type = world->subject->type;

    if (!world->process_up) {
        return;
    }
    if (act == ACT_FOUND) {
        type->found(world->subject, cert);
    } else {
        type->gone(world->subject, cert);
    }
}

static void act(struct world *world, struct world_event event)
{
    if (event.act != ACT_CRASH) { /* that is seen when it is done: bury() */
        world_seen(world, COVER_ACT, event.act);
    }
    switch (event.act) {
    case ACT_FOUND:
    case ACT_GONE:
        change_cert(world, event.act, event.index);
        break;
    case ACT_CLOCK:
        set_clock(world, event.value);
        break;
    case ACT_CRASH:
        world->plan->writes_left = world->process_up ? event.index : 0;
        world->plan->away_ms = event.value;
        break;
    case ACT_STOP:
    case ACT_REBOOT:
        if (world->process_up) {
            process_end(world, event.value);
        }
        world->boot_ms = event.act == ACT_REBOOT ? world->now_ms : world->boot_ms;
        break;
    case ACT_START:
        process_start(world);
        break;
    case ACT_DISK_FULL:
        world->disk_full = event.value != 0;
        tell(world, event.value ? "disk full" : "disk has room", 0, 0);
        break;
    case ACT_MINUTE:
        if (world->subject->type->minute) {
            world->subject->type->minute(world->subject);
        }
        world_plan(world, world->now_ms + MINUTE_MS, ACT_MINUTE, 0, 0);
        break;
    case ACT_REPLY:
        world_deliver(world, event.index);
        break;
    default:
        must(false);
    }
    bury(world);
    if (event.act == ACT_FOUND || event.act == ACT_GONE || event.act == ACT_DISK_FULL) {
        oracle_acted(world->oracle, event.act, event.index);
    }
}

/* ---- Running ---- */

static int64_t wake_ms(const struct world *world)
{
    int64_t deadline_ms;

    if (!world->process_up) {
        return INSTANT_NEVER;
    }
    deadline_ms = world->subject->type->deadline_ms(world->subject);
    return time_max(world->now_ms, time_add(deadline_ms, world->boot_ms));
}

static void wake(struct world *world)
{
    struct world_plan *plan = world->plan;

    plan->wakes = plan->wake_ms == world->now_ms ? plan->wakes + 1 : 1;
    plan->wake_ms = world->now_ms;
    plan->idle_wakes++;
    if (plan->wakes > WAKES_AT_ONCE || plan->idle_wakes > WAKES_IDLE) {
        oracle_spins(world->oracle);
        return;
    }
    world->subject->type->wake(world->subject);
    bury(world);
}

/* What is next: something from outside, else the subject, else the oracle's look at both. */
static bool step(struct world *world)
{
    int64_t event_ms = heap_first(&world->plan->due, NULL);
    int64_t subject_ms = wake_ms(world);
    int64_t oracle_ms = oracle_deadline_ms(world->oracle);
    int64_t next_ms = time_min(event_ms, time_min(subject_ms, oracle_ms));

    if (next_ms >= world->end_ms) {
        return false;
    }
    world->now_ms = time_max(world->now_ms, next_ms);
    if (event_ms <= next_ms) {
        act(world, next_event(world->plan));
    } else if (subject_ms <= next_ms) {
        wake(world);
    } else {
        oracle_look(world->oracle);
    }
    return oracle_result(world->oracle)->broken == BROKEN_NOTHING;
}

void world_run(struct world *world, struct subject *subject, struct oracle *oracle)
{
    world->subject = subject;
    world->oracle = oracle;
    world_plan(world, world->now_ms, ACT_START, 0, 0);
    while (step(world)) {
    }
    if (oracle_result(oracle)->broken == BROKEN_NOTHING) {
        world->now_ms = world->end_ms;
        oracle_ends(oracle);
    }
}

/* ---- Telling ---- */

void world_seen(struct world *world, enum cover_group group, unsigned what)
{
    if (world->cover) {
        world->cover->counts[group][what]++;
    }
}

static void end_line(struct world *world, struct buf *line)
{
    buf_put_byte(line, '\n');
    if (world->options.drain) {
        world->options.drain(line);
    }
}

static void hash(struct world *world, uint64_t value)
{
    world->trace_hash = rng_mix(world->trace_hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static void hash_text(struct world *world, const char *text)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (; text && *text; text++) {
        sum = (sum ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    hash(world, sum);
}

static struct buf *begin_line(struct world *world, uint32_t cert, bool brief)
{
    struct buf *trace = world->options.trace;

    if (world->options.notes && !brief) {
        return NULL;
    }
    if (trace) {
        world_put_time(trace, world->now_ms);
        if (cert != UINT32_MAX) {
            buf_put_text(trace, " c");
            buf_put_int(trace, cert);
        }
        buf_put_byte(trace, ' ');
    }
    return trace;
}

static void mark(struct world *world, const char *what, uint32_t cert, const int64_t numbers[2],
                 bool brief)
{
    struct buf *line = begin_line(world, cert, brief);

    world->plan->idle_wakes = 0;
    hash_text(world, what);
    hash(world, (uint64_t)world->now_ms);
    hash(world, cert);
    hash(world, (uint64_t)numbers[0]);
    hash(world, (uint64_t)numbers[1]);
    if (line) {
        buf_put_text(line, what);
        buf_put_byte(line, ' ');
        buf_put_int(line, numbers[0]);
        buf_put_byte(line, ' ');
        buf_put_int(line, numbers[1]);
        end_line(world, line);
    }
}

void world_mark(struct world *world, const char *what, uint32_t cert, int64_t a, int64_t b)
{
    mark(world, what, cert, (const int64_t[]){a, b}, false);
}

/* Something from outside. */
static void tell(struct world *world, const char *what, int64_t a, int64_t b)
{
    mark(world, what, UINT32_MAX, (const int64_t[]){a, b}, true);
}

void world_mark_note(struct world *world, uint32_t cert, const struct note *note)
{
    static const char *const levels[] = {"debug ", "info ", "warning ", "error "};
    struct buf *line = begin_line(world, cert, note->level > NOTE_DEBUG);

    world->plan->idle_wakes = 0;
    world_seen(world, COVER_NOTE, note->kind);
    hash(world, (uint64_t)world->now_ms);
    hash(world, cert);
    hash(world, (uint64_t)note->kind << 32 | (uint64_t)note->level << 24 |
                    (uint64_t)note->reason << 16 | (uint64_t)note->outcome);
    hash_text(world, note->url);
    hash(world, (uint64_t)note->next_try_s);
    hash(world, (uint64_t)note->served_until_s);
    hash(world, (uint64_t)(note->off_s ^ note->until_s) ^ note->count);
    if (line) {
        buf_put_text(line, levels[note->level]);
        note_format(line, note);
        end_line(world, line);
    }
}
