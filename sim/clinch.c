/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/clinch.h"

#include <assert.h>
#include <stdlib.h>

#include "core/engine.h"
#include "sim/must.h"

#define STORE_RETRY_MIN_MS 1000
#define STORE_RETRY_MAX_MS 60000

/* What an event wants the servers to be told. */
enum wish { WISH_NONE, WISH_PUBLISH, WISH_WITHDRAW };

/* What the store keeps of a certificate. */
struct record {
    uint32_t held;
    uint32_t pending;
    struct tombstone tombstone;
    int64_t next_try_s;
};

struct cert {
    /* In the process's memory. */
    uint32_t held;
    uint32_t pending;
    struct tombstone tombstone;
    uint32_t etag; /* the last answer that came with an ETag */
    enum wish wish;
    bool urgent; /* the wish, or one before it that was not granted yet */
    bool queued;
    bool dirty;  /* the store does not know it yet */
    bool reread; /* EFFECT_READ */
    /* On disk, and at the servers. */
    struct record record;
    uint32_t shown;
    int64_t keep_until_s; /* what the published file says for the tool that tidies up */
    bool left_over;       /* by a process that is gone; the one that runs has not touched it */
};

struct clinch {
    struct subject subject;
    struct engine *engine;
    struct effects effects;
    struct cert *certs;
    uint32_t cert_count;
    uint32_t *queue; /* certificates with a wish, or dirty, or to be read again */
    uint32_t queue_count;
    uint32_t queue_capacity;
    int64_t store_retry_ms; /* monotonic; INSTANT_NEVER: the store works */
    int64_t store_wait_ms;
    int64_t tidy_s; /* nothing that was left over ends before, wall */
    bool dead;      /* the process died in this call */
};

static struct clinch *of(const struct subject *subject)
{
    return (struct clinch *)subject;
}

static struct cert *cert_of(struct clinch *clinch, uint32_t cert)
{
    if (cert >= clinch->cert_count) {
        uint32_t count = clinch->subject.world->cert_count;

        clinch->certs = sim_grow(clinch->certs, clinch->cert_count, count, sizeof(struct cert));
        for (uint32_t i = clinch->cert_count; i < count; i++) {
            clinch->certs[i].record.next_try_s = INSTANT_NEVER;
        }
        clinch->cert_count = count;
    }
    return &clinch->certs[cert];
}

static void enqueue(struct clinch *clinch, uint32_t cert)
{
    if (clinch->certs[cert].queued) {
        return;
    }
    if (clinch->queue_count == clinch->queue_capacity) {
        uint32_t capacity = clinch->queue_capacity ? clinch->queue_capacity * 2 : 64;

        clinch->queue =
            sim_grow(clinch->queue, clinch->queue_capacity, capacity, sizeof(*clinch->queue));
        clinch->queue_capacity = capacity;
    }
    clinch->certs[cert].queued = true;
    clinch->queue[clinch->queue_count++] = cert;
}

/* ---- Effects ---- */

static void do_fetch(struct clinch *clinch, const struct effect *effect)
{
    struct world *world = clinch->subject.world;
    const struct cert *cert = &clinch->certs[effect->cert];
    uint32_t newest = cert->pending != ANSWER_NONE ? cert->pending : cert->held;
    struct ask ask = {
        .cert = effect->cert,
        .url = effect->url,
        .attempt = effect->attempt,
        .post = effect->post,
        .no_cache = effect->no_cache,
    };

    if (!ask.post && !ask.no_cache && newest == cert->etag) {
        ask.etag = newest;
    }
    world_ask(world, &ask);
}

static void mark(struct clinch *clinch, const struct effect *effect, const char *what)
{
    world_mark(clinch->subject.world, what, effect->cert, effect->slot, effect->urgent);
}

static void do_slot(struct clinch *clinch, const struct effect *effect, uint32_t answer)
{
    struct cert *cert = &clinch->certs[effect->cert];

    switch (effect->type) {
    case EFFECT_KEEP:
        must(answer != ANSWER_NONE);
        mark(clinch, effect, "keep");
        *(effect->slot == STORE_SLOT_HELD ? &cert->held : &cert->pending) = answer;
        break;
    case EFFECT_PROMOTE:
        mark(clinch, effect, "promote");
        world_seen(clinch->subject.world, COVER_EVENT, SEEN_HELD_BACK_SHOWN);
        cert->held = cert->pending;
        cert->pending = ANSWER_NONE;
        break;
    case EFFECT_DROP:
        mark(clinch, effect, "drop");
        *(effect->slot == STORE_SLOT_HELD ? &cert->held : &cert->pending) = ANSWER_NONE;
        break;
    default:
        mark(clinch, effect, "tombstone");
        cert->tombstone = effect->tombstone;
        break;
    }
    cert->dirty = true;
    enqueue(clinch, effect->cert);
}

static void do_effect(struct clinch *clinch, const struct effect *effect, uint32_t answer)
{
    switch (effect->type) {
    case EFFECT_FETCH:
        do_fetch(clinch, effect);
        break;
    case EFFECT_CANCEL:
        world_cancel(clinch->subject.world, effect->cert, effect->attempt);
        break;
    case EFFECT_READ:
        clinch->certs[effect->cert].reread = true;
        enqueue(clinch, effect->cert);
        break;
    case EFFECT_KEEP:
    case EFFECT_PROMOTE:
    case EFFECT_DROP:
    case EFFECT_TOMBSTONE:
        do_slot(clinch, effect, answer);
        break;
    case EFFECT_PUBLISH:
    case EFFECT_WITHDRAW:
        clinch->certs[effect->cert].wish =
            effect->type == EFFECT_PUBLISH ? WISH_PUBLISH : WISH_WITHDRAW;
        clinch->certs[effect->cert].urgent |= effect->urgent;
        enqueue(clinch, effect->cert);
        break;
    case EFFECT_SETTLED:
        /* When to ask next has changed: that, too, is stored. */
        clinch->certs[effect->cert].dirty = true;
        enqueue(clinch, effect->cert);
        break;
    case EFFECT_NOTE:
        world_mark_note(clinch->subject.world, effect->cert, &effect->note);
        break;
    }
}

/* ---- The store and the servers ---- */

static struct engine_view look(const struct clinch *clinch, uint32_t cert)
{
    struct engine_view view;

    engine_look(clinch->engine, cert, world_now(clinch->subject.world), &view);
    return view;
}

/* Everything that waits for the store, in one transaction. */
static void commit(struct clinch *clinch)
{
    struct world *world = clinch->subject.world;
    int64_t now_ms = world_now(world).mono_ms;

    if (clinch->store_retry_ms != INSTANT_NEVER && now_ms < clinch->store_retry_ms) {
        return;
    }
    switch (world_write(world, WRITE_COMMIT)) {
    case WRITE_DEAD:
        clinch->dead = true;
        return;
    case WRITE_FAILED:
        clinch->store_wait_ms =
            time_min(STORE_RETRY_MAX_MS, time_max(STORE_RETRY_MIN_MS, clinch->store_wait_ms * 2));
        clinch->store_retry_ms = now_ms + clinch->store_wait_ms;
        return;
    default:
        clinch->store_wait_ms = 0;
        clinch->store_retry_ms = INSTANT_NEVER;
    }
    for (uint32_t i = 0; i < clinch->queue_count; i++) {
        struct cert *cert = &clinch->certs[clinch->queue[i]];

        if (cert->dirty) {
            cert->record = (struct record){cert->held, cert->pending, cert->tombstone,
                                           look(clinch, clinch->queue[i]).next_try_s};
            cert->dirty = false;
        }
    }
}

static void grant(struct clinch *clinch, uint32_t number)
{
    struct world *world = clinch->subject.world;
    struct cert *cert = &clinch->certs[number];
    bool publish = cert->wish == WISH_PUBLISH;

    cert->wish = WISH_NONE;
    if (world_write(world, WRITE_PUBLISH) == WRITE_DEAD) {
        clinch->dead = true;
        return;
    }
    if (!cert->urgent) {
        world_batched(world, number, !publish);
    }
    cert->urgent = cert->left_over = false;
    cert->shown = publish ? cert->held : ANSWER_NONE;
    if (publish) {
        struct engine_view view = look(clinch, number);

        must(cert->shown != ANSWER_NONE);
        cert->keep_until_s = time_max(view.held.next_update_s, view.shown_until_s);
    }
    world_mark(world, publish ? "publish" : "withdraw", number, cert->shown, 0);
    world_shown(world, number);
}

static void read_store(struct clinch *clinch, uint32_t number);

/* After each event, as the host does it: the store, then the servers. What the store would not
 * take stays in the queue. */
static void flush(struct clinch *clinch)
{
    uint32_t kept = 0, count;
    bool dirty = false;

    for (uint32_t i = 0; i < clinch->queue_count; i++) {
        dirty = dirty || clinch->certs[clinch->queue[i]].dirty;
    }
    if (dirty) {
        commit(clinch);
    }
    count = clinch->queue_count;
    for (uint32_t i = 0; i < count && !clinch->dead; i++) {
        uint32_t number = clinch->queue[i];
        struct cert *cert = &clinch->certs[number];

        if (cert->wish != WISH_NONE) {
            grant(clinch, number);
        }
        cert->queued = cert->dirty || cert->reread;
        if (cert->queued) {
            clinch->queue[kept++] = number;
        }
    }
    clinch->queue_count = kept;
}

static void see_state(struct clinch *clinch, uint32_t cert)
{
    struct world *world = clinch->subject.world;

    if (world->cover) {
        world_seen(world, COVER_STATE, look(clinch, cert).state);
    }
}

/* One event and all that comes of it. */
static void run_event(struct clinch *clinch, struct event *event, uint32_t answer)
{
    event->now = world_now(clinch->subject.world);
    must(engine_step(clinch->engine, event, &clinch->effects) == 0);
    for (size_t i = 0; i < clinch->effects.count; i++) {
        do_effect(clinch, &clinch->effects.list[i], answer);
    }
    if (event->type != EVENT_TICK && event->type != EVENT_CERT_GONE) {
        see_state(clinch, event->cert);
    }
}

/* The engine wants what the store has: each once per event. */
static void read_again(struct clinch *clinch)
{
    for (uint32_t i = 0; i < clinch->queue_count; i++) {
        struct cert *cert = &clinch->certs[clinch->queue[i]];

        if (cert->reread) {
            cert->reread = false;
            read_store(clinch, clinch->queue[i]);
        }
    }
}

static void step(struct clinch *clinch, struct event *event, uint32_t answer)
{
    run_event(clinch, event, answer);
    read_again(clinch);
    flush(clinch);
}

/* ---- What the world calls ---- */

/* The store's record, or, when it has nothing, what the servers still show. */
static void read_store(struct clinch *clinch, uint32_t number)
{
    struct world *world = clinch->subject.world;
    struct cert *cert = cert_of(clinch, number);
    struct event event = {.type = EVENT_CACHE_READ, .cert = number};
    struct ocsp_facts facts[2];
    uint32_t certid = world->certs[number].certid;

    cert->held = cert->record.held;
    cert->pending = cert->record.pending;
    cert->tombstone = cert->record.tombstone;
    if (cert->held == ANSWER_NONE && !cert->tombstone.present && cert->shown != ANSWER_NONE) {
        cert->held = cert->shown;
        cert->dirty = true;
        enqueue(clinch, number);
    }
    if (cert->held != ANSWER_NONE) {
        facts[0] = answer_facts(&world->answers, cert->held, certid);
        event.stored.held = &facts[0];
    }
    if (cert->pending != ANSWER_NONE) {
        facts[1] = answer_facts(&world->answers, cert->pending, certid);
        event.stored.pending = &facts[1];
    }
    if (cert->tombstone.present) {
        world_seen(world, COVER_EVENT, SEEN_TOMBSTONE_KEPT);
    }
    event.stored.tombstone = cert->tombstone;
    event.stored.next_try_s = cert->record.next_try_s;
    run_event(clinch, &event, ANSWER_NONE);
}

static void enter(struct clinch *clinch, uint32_t number)
{
    const struct sim_cert *cert = &clinch->subject.world->certs[number];
    struct event event = {
        .type = EVENT_CERT_FOUND, .cert = number, .facts = &cert->facts, .salt = cert->salt};

    cert_of(clinch, number);
    run_event(clinch, &event, ANSWER_NONE);
    if (cert->facts.has_issuer) {
        read_store(clinch, number);
    }
}

static void clinch_start(struct subject *subject)
{
    struct clinch *clinch = of(subject);
    struct world *world = subject->world;

    clinch->dead = false;
    clinch->store_retry_ms = INSTANT_NEVER;
    clinch->store_wait_ms = 0;
    must(engine_new(&clinch->engine, &world->policy, rng_mix(world->options.seed ^ world->lives)) ==
         0);
    for (uint32_t i = 0; i < world->cert_count; i++) {
        if (world_cert_is_there(world, i)) {
            enter(clinch, i);
        }
    }
    flush(clinch);
}

static void clinch_stop(struct subject *subject)
{
    struct clinch *clinch = of(subject);

    clinch->engine = engine_free(clinch->engine);
    clinch->queue_count = 0;
    clinch->tidy_s = INT64_MIN;
    for (uint32_t i = 0; i < clinch->cert_count; i++) {
        struct cert *cert = &clinch->certs[i];

        cert->held = cert->pending = cert->etag = ANSWER_NONE;
        cert->wish = WISH_NONE;
        cert->queued = cert->dirty = cert->reread = false;
        cert->left_over = true;
        if (!subject->world->servers_keep && cert->shown != ANSWER_NONE) {
            cert->shown = ANSWER_NONE;
            world_shown(subject->world, i);
        }
    }
}

static void clinch_found(struct subject *subject, uint32_t cert)
{
    enter(of(subject), cert);
    flush(of(subject));
}

static void clinch_gone(struct subject *subject, uint32_t number)
{
    struct clinch *clinch = of(subject);
    struct event event = {.type = EVENT_CERT_GONE, .cert = number};
    struct cert *cert = cert_of(clinch, number);

    run_event(clinch, &event, ANSWER_NONE);
    cert->dirty = cert->reread = false;
    cert->shown = cert->held = cert->pending = ANSWER_NONE;
    cert->wish = WISH_NONE;
    cert->record = (struct record){.next_try_s = INSTANT_NEVER};
    flush(clinch);
}

static void clinch_reply(struct subject *subject, const struct reply *reply)
{
    struct clinch *clinch = of(subject);
    struct world *world = subject->world;
    struct ocsp_facts facts;
    struct event event = {
        .type = EVENT_FETCH_DONE,
        .cert = reply->cert,
        .attempt = reply->attempt,
        .fetched = {.outcome = reply->outcome,
                    .http_status = reply->http_status,
                    .posted = reply->posted,
                    .hints = reply->hints},
    };

    if (!world_cert_is_there(world, reply->cert)) {
        return;
    }
    if (reply->answer != ANSWER_NONE) {
        facts = answer_facts(&world->answers, reply->answer, world->certs[reply->cert].certid);
        event.fetched.facts = &facts;
        /* The body of an HTTP error counts only as far as it is OCSP. */
        if (reply->outcome != FETCH_ANSWER && facts.form == REASON_MALFORMED) {
            event.fetched.facts = NULL;
        }
    }
    if (reply->has_etag && reply->answer != ANSWER_NONE) {
        clinch->certs[reply->cert].etag = reply->answer;
    }
    step(clinch, &event, reply->answer);
}

static void clinch_wake(struct subject *subject)
{
    struct event event = {.type = EVENT_TICK};

    step(of(subject), &event, ANSWER_NONE);
}

static int64_t clinch_deadline_ms(const struct subject *subject)
{
    const struct clinch *clinch = of(subject);

    return time_min(engine_deadline_ms(clinch->engine), clinch->store_retry_ms);
}

/* `clinch expire`: takes away what has ended; it knows no more than the file and the clock. */
static void clinch_minute(struct subject *subject)
{
    struct clinch *clinch = of(subject);
    int64_t wall_s = world_now(subject->world).wall_s;

    if (wall_s < clinch->tidy_s) {
        return;
    }
    clinch->tidy_s = INSTANT_NEVER;
    for (uint32_t i = 0; i < clinch->cert_count; i++) {
        struct cert *cert = &clinch->certs[i];

        if (cert->shown == ANSWER_NONE || !cert->left_over) {
            continue;
        }
        if (cert->keep_until_s > wall_s) {
            clinch->tidy_s = time_min(clinch->tidy_s, cert->keep_until_s);
            continue;
        }
        cert->shown = ANSWER_NONE;
        world_mark(subject->world, "expire", i, 0, 0);
        world_shown(subject->world, i);
    }
}

static uint32_t clinch_shows(const struct subject *subject, uint32_t cert)
{
    const struct clinch *clinch = of(subject);

    return cert < clinch->cert_count ? clinch->certs[cert].shown : ANSWER_NONE;
}

static struct subject *clinch_free(struct subject *subject)
{
    struct clinch *clinch = of(subject);

    engine_free(clinch->engine);
    effects_deinit(&clinch->effects);
    free(clinch->certs);
    free(clinch->queue);
    free(clinch);
    return NULL;
}

struct subject *clinch_new(struct world *world)
{
    static const struct subject_type type = {
        .name = "clinch",
        .start = clinch_start,
        .stop = clinch_stop,
        .found = clinch_found,
        .gone = clinch_gone,
        .reply = clinch_reply,
        .wake = clinch_wake,
        .deadline_ms = clinch_deadline_ms,
        .minute = clinch_minute,
        .shows = clinch_shows,
        .free = clinch_free,
    };
    struct clinch *clinch = sim_grow(NULL, 0, 1, sizeof(*clinch));

    clinch->subject = (struct subject){&type, world};
    clinch->store_retry_ms = INSTANT_NEVER;
    return &clinch->subject;
}
