/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/peers.h"

#include <stdlib.h>

#include "sim/must.h"

#define HANDSHAKE_MS 60000 /* each certificate has one a minute, on average */

/* What one worker knows of one certificate. */
struct desk {
    uint32_t held;     /* what it would staple; ANSWER_NONE */
    unsigned failures; /* in a row */
    uint64_t attempt;  /* in flight; 0: none */
};

/* The disk: outlives the process. */
struct page {
    uint32_t kept;
    int64_t written_s;
};

struct peer_subject {
    struct subject subject;
    const struct peer *peer;
    struct desk *desks; /* cert * peer->workers + worker: the entries of both heaps */
    struct page *disk;  /* by certificate */
    struct heap due;    /* when to ask */
    struct heap limits; /* when to give up what is in flight */
    unsigned busy;      /* requests in flight */
    uint64_t attempts;
    int64_t started_ms;
    bool holds;
};

static struct peer_subject *self_of(struct subject *subject)
{
    return (struct peer_subject *)subject;
}

static uint32_t cert_of(const struct peer_subject *self, uint32_t entry)
{
    return entry / self->peer->workers;
}

static const struct answer *answer_of(const struct peer_subject *self, uint32_t number)
{
    return answers_get(&self->subject.world->answers, number);
}

static struct window life_of(const struct peer_subject *self, uint32_t number)
{
    const struct answer *answer = answer_of(self, number);

    return (struct window){answer->this_update_s, answer->next_update_s};
}

/* ---- When ---- */

/* Clients come: one at some moment of each minute. */
struct handshake {
    int64_t at_ms;
    unsigned worker; /* whom it meets */
};

static struct handshake handshake_of(const struct peer_subject *self, uint32_t cert, int64_t turn)
{
    uint64_t dice = rng_mix(self->subject.world->certs[cert].salt ^ (uint64_t)turn);

    return (struct handshake){turn * HANDSHAKE_MS + (int64_t)(dice % HANDSHAKE_MS),
                              (unsigned)((dice >> 32) % self->peer->workers)};
}

/* The first handshake for @entry at @from_ms or later. */
static int64_t next_handshake_ms(const struct peer_subject *self, uint32_t entry, int64_t from_ms)
{
    for (int64_t turn = from_ms / HANDSHAKE_MS;; turn++) {
        struct handshake next = handshake_of(self, cert_of(self, entry), turn);

        if (next.at_ms >= from_ms && next.worker == entry % self->peer->workers) {
            return next.at_ms;
        }
    }
}

static void ask_at(struct peer_subject *self, uint32_t entry, int64_t at_ms)
{
    if (self->peer->on_handshake) {
        at_ms = next_handshake_ms(self, entry, at_ms);
    }
    must(heap_set(&self->due, entry, at_ms) == 0);
}

/* By the policy, from @look on, which lacks what is known of @entry. */
static void ask_again(struct peer_subject *self, uint32_t entry, struct peer_look look)
{
    const struct desk *desk = &self->desks[entry];
    const struct world *world = self->subject.world;
    int64_t scan_ms = self->peer->scan_s * 1000;
    struct instant now = world_now(world);
    int64_t at_ms;

    look.now_s = now.wall_s;
    look.failures = desk->failures;
    look.random = rng_mix(world->certs[cert_of(self, entry)].salt ^ self->attempts);
    if (desk->held != ANSWER_NONE) {
        look.life = life_of(self, desk->held);
    }
    at_ms = now.mono_ms + (time_max(self->peer->next_s(&look), now.wall_s) - now.wall_s) * 1000;
    if (scan_ms) {
        at_ms = self->started_ms + (at_ms - self->started_ms + scan_ms - 1) / scan_ms * scan_ms;
    }
    ask_at(self, entry, at_ms);
}

/* When a connection without a limit ends that hangs: the responder's machine breaks it when it is
 * well again, or nobody ever does. True ms. */
static int64_t hang_end_ms(const struct peer_subject *self, uint32_t cert)
{
    const struct world *world = self->subject.world;
    const struct responder *responder = &world->responders[world->certs[cert].responders[0]];

    for (uint32_t i = 0; i < responder->episode_count && !self->holds; i++) {
        if (responder->episodes[i].until_ms >= world->now_ms) {
            return responder->episodes[i].until_ms;
        }
    }
    return self->holds ? INSTANT_NEVER : world->now_ms;
}

/* ---- What ---- */

/* Is an answer good enough to be taken? */
static bool takes(const struct peer_subject *self, uint32_t entry, uint32_t number)
{
    const struct peer *peer = self->peer;
    const struct world *world = self->subject.world;
    const struct sim_cert *cert = &world->certs[cert_of(self, entry)];
    uint32_t whose = peer->binds ? cert->certid : answer_of(self, number)->certid;
    struct ocsp_facts facts = answer_facts(&world->answers, number, whose);
    uint32_t held = self->desks[entry].held;
    int64_t now_s = world_now(world).wall_s;

    if (facts.form == REASON_ERROR_STATUS) {
        return peer->takes_errors;
    }
    if (facts.form != REASON_GOOD || facts.match != REASON_GOOD ||
        !(peer->takes & 1U << facts.status)) {
        return false;
    }
    if ((peer->check == CHECK_SIGNER && facts.signature != REASON_GOOD) ||
        (peer->check == CHECK_ANY_SIGNER && facts.signature == REASON_BAD_SIGNATURE)) {
        return false;
    }
    if (peer->skew_s >= 0 && (facts.this_update_s > now_s + peer->skew_s ||
                              time_add(facts.next_update_s, peer->skew_s) <= now_s)) {
        return false;
    }
    return !(peer->needs_next_update && !facts.has_next_update) &&
           !(peer->inside_leaf && facts.has_next_update &&
             facts.next_update_s > cert->facts.not_after_s) &&
           !(peer->never_back && held != ANSWER_NONE &&
             facts.next_update_s < answer_of(self, held)->next_update_s);
}

static void hold(struct peer_subject *self, uint32_t entry, uint32_t number)
{
    uint32_t cert = cert_of(self, entry);

    if (self->desks[entry].held != number) {
        self->desks[entry].held = number;
        world_mark(self->subject.world, "holds", cert, number, entry % self->peer->workers);
        world_shown(self->subject.world, cert);
    }
}

static uint32_t fake_try_later(struct peer_subject *self)
{
    struct world *world = self->subject.world;
    struct answer answer = {.flaw = FLAW_ERROR, .response_status = 3, .made_ms = world->now_ms};

    return answers_add(&world->answers, &answer);
}

/* A request brought @number: an answer, or ANSWER_NONE for nothing of OCSP. */
static void came(struct peer_subject *self, uint32_t entry, uint32_t number)
{
    const struct peer *peer = self->peer;
    struct desk *desk = &self->desks[entry];
    bool taken = number != ANSWER_NONE && takes(self, entry, number);
    bool error = number != ANSWER_NONE && answer_of(self, number)->flaw == FLAW_ERROR;
    struct peer_look look = {.took = taken && !error, .answered = number != ANSWER_NONE};

    look.unchanged = look.took && desk->held != ANSWER_NONE &&
                     life_of(self, desk->held).from_s == life_of(self, number).from_s;
    desk->failures = look.took ? 0 : desk->failures + 1;
    if (taken) {
        hold(self, entry, number);
        if (look.took && peer->disk != DISK_NONE) {
            self->disk[cert_of(self, entry)] =
                (struct page){number, world_now(self->subject.world).wall_s};
        }
    } else if (number == ANSWER_NONE && peer->fakes_try_later) {
        hold(self, entry, fake_try_later(self));
    } else if ((peer->drops_after && desk->failures >= peer->drops_after) || peer->drops_refused) {
        hold(self, entry, ANSWER_NONE);
    }
    ask_again(self, entry, look);
}

/* ---- The queue ---- */

static void ask(struct peer_subject *self, uint32_t entry)
{
    struct desk *desk = &self->desks[entry];
    struct world *world = self->subject.world;
    struct ask ask = {
        .cert = cert_of(self, entry),
        .attempt = ++self->attempts << 20 | entry,
        .post = self->peer->post,
    };

    heap_remove(&self->due, entry);
    desk->attempt = ask.attempt;
    self->busy++;
    if (self->peer->limit_ms) {
        must(heap_set(&self->limits, entry, world_now(world).mono_ms + self->peer->limit_ms) == 0);
    }
    world_ask(world, &ask);
}

static bool has_place(const struct peer_subject *self)
{
    return self->peer->parallel == 0 || self->busy < self->peer->parallel;
}

static void leave(struct peer_subject *self, uint32_t entry)
{
    self->desks[entry].attempt = 0;
    self->busy--;
    heap_remove(&self->limits, entry);
}

static void peer_wake(struct subject *subject)
{
    struct peer_subject *self = self_of(subject);
    int64_t now_ms = world_now(subject->world).mono_ms;
    uint32_t entry;

    while (heap_first(&self->limits, &entry) <= now_ms) {
        world_cancel(subject->world, cert_of(self, entry), self->desks[entry].attempt);
        leave(self, entry);
        came(self, entry, ANSWER_NONE);
    }
    while (has_place(self) && heap_first(&self->due, &entry) <= now_ms) {
        ask(self, entry);
    }
}

static int64_t peer_deadline_ms(const struct subject *subject)
{
    const struct peer_subject *self = (const struct peer_subject *)subject;
    int64_t due_ms = has_place(self) ? heap_first(&self->due, NULL) : INSTANT_NEVER;

    return time_min(due_ms, heap_first(&self->limits, NULL));
}

static bool is_readable(const struct peer_subject *self, uint32_t number)
{
    enum answer_flaw flaw = number == ANSWER_NONE ? FLAW_JUNK : answer_of(self, number)->flaw;

    return flaw != FLAW_JUNK && flaw != FLAW_TRUNCATED;
}

static void peer_reply(struct subject *subject, const struct reply *reply)
{
    struct peer_subject *self = self_of(subject);
    uint32_t entry = (uint32_t)(reply->attempt & 0xfffff);

    if (self->desks[entry].attempt != reply->attempt) {
        return; /* given up */
    }
    if (reply->outcome == FETCH_TIMEOUT) { /* clinch's limit: a peer has its own, or none */
        int64_t end_ms = hang_end_ms(self, reply->cert);

        if (!self->peer->limit_ms && end_ms != INSTANT_NEVER) {
            must(heap_set(&self->limits, entry, end_ms - subject->world->boot_ms) == 0);
        }
        return;
    }
    leave(self, entry);
    came(self, entry, is_readable(self, reply->answer) ? reply->answer : ANSWER_NONE);
}

/* ---- Life ---- */

/* Does a start take what lies on disk? */
static bool rereads(const struct peer_subject *self, uint32_t entry)
{
    const struct peer *peer = self->peer;
    const struct page *page = &self->disk[cert_of(self, entry)];
    int64_t now_s = world_now(self->subject.world).wall_s;
    struct window life;

    if (page->kept == ANSWER_NONE || !takes(self, entry, page->kept)) {
        return false;
    }
    life = life_of(self, page->kept);
    return !(peer->disk_keep_s && now_s - page->written_s > peer->disk_keep_s) &&
           !(peer->disk == DISK_YOUNG && now_s - life.from_s >= life.until_s - now_s);
}

static void peer_found(struct subject *subject, uint32_t cert)
{
    struct peer_subject *self = self_of(subject);
    const struct peer *peer = self->peer;

    for (uint32_t i = 0; i < peer->workers; i++) {
        uint32_t entry = cert * peer->workers + i;

        self->desks[entry] = (struct desk){0};
        if (rereads(self, entry)) {
            hold(self, entry, self->disk[cert].kept);
            ask_again(self, entry, (struct peer_look){.took = true, .answered = true});
        } else {
            ask_at(self, entry, world_now(subject->world).mono_ms);
        }
    }
}

static void peer_gone(struct subject *subject, uint32_t cert)
{
    struct peer_subject *self = self_of(subject);

    for (uint32_t i = 0; i < self->peer->workers; i++) {
        uint32_t entry = cert * self->peer->workers + i;

        if (self->desks[entry].attempt) {
            world_cancel(subject->world, cert, self->desks[entry].attempt);
            leave(self, entry);
        }
        heap_remove(&self->due, entry);
        hold(self, entry, ANSWER_NONE);
    }
}

static void peer_start(struct subject *subject)
{
    struct peer_subject *self = self_of(subject);

    self->started_ms = world_now(subject->world).mono_ms;
    for (uint32_t i = 0; i < subject->world->cert_count; i++) {
        if (world_cert_is_there(subject->world, i)) {
            peer_found(subject, i);
        }
    }
}

static void peer_stop(struct subject *subject)
{
    struct peer_subject *self = self_of(subject);
    uint32_t count = subject->world->cert_count * self->peer->workers;

    for (uint32_t i = 0; i < count; i++) {
        heap_remove(&self->due, i);
        heap_remove(&self->limits, i);
        self->desks[i] = (struct desk){0};
    }
    self->busy = 0;
}

/* The worker that the next client meets. */
static uint32_t next_entry(const struct peer_subject *self, uint32_t cert, int64_t now_ms)
{
    struct handshake next;

    if (self->peer->workers == 1) {
        return cert;
    }
    next = handshake_of(self, cert, now_ms / HANDSHAKE_MS);
    if (next.at_ms < now_ms) {
        next = handshake_of(self, cert, now_ms / HANDSHAKE_MS + 1);
    }
    return cert * self->peer->workers + next.worker;
}

/* What the next client gets. */
static uint32_t peer_shows(const struct subject *subject, uint32_t cert)
{
    const struct peer_subject *self = (const struct peer_subject *)subject;
    struct instant now = world_now(subject->world);
    uint32_t held = self->desks[next_entry(self, cert, now.mono_ms)].held;

    if (held == ANSWER_NONE || self->peer->beyond_end ||
        answer_of(self, held)->flaw == FLAW_ERROR ||
        time_sub(life_of(self, held).until_s, self->peer->early_s) > now.wall_s) {
        return held;
    }
    return ANSWER_NONE;
}

static struct subject *peer_free(struct subject *subject)
{
    struct peer_subject *self = self_of(subject);

    if (self) {
        heap_deinit(&self->due);
        heap_deinit(&self->limits);
        free(self->desks);
        free(self->disk);
        free(self);
    }
    return NULL;
}

static const struct subject_type peer_type = {
    .name = "peer",
    .start = peer_start,
    .stop = peer_stop,
    .found = peer_found,
    .gone = peer_gone,
    .reply = peer_reply,
    .wake = peer_wake,
    .deadline_ms = peer_deadline_ms,
    .shows = peer_shows,
    .free = peer_free,
};

struct subject *peer_new(struct world *world, const struct peer *peer, bool holds)
{
    struct peer_subject *self = sim_grow(NULL, 0, 1, sizeof(*self));

    self->subject = (struct subject){&peer_type, world};
    self->peer = peer;
    self->holds = holds;
    self->due = self->limits = HEAP_NULL;
    self->disk = sim_grow(NULL, 0, world->cert_count, sizeof(*self->disk));
    self->desks =
        sim_grow(NULL, 0, (size_t)world->cert_count * peer->workers, sizeof(*self->desks));
    return &self->subject;
}
