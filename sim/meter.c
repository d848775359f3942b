/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/meter.h"

#include <assert.h>
#include <stdlib.h>

#define EACH_MS INT64_C(60000)

struct metered {
    struct subject subject;
    struct subject *inner;
    struct meter *meter;
    int64_t next_ms;       /* the next look, true time; INSTANT_NEVER: all done */
    uint64_t asked_before; /* until from_ms */
};

static const char *const names[] = {
    [METER_VALID] = "valid",
    [METER_NONE] = "none",
    [METER_EXPIRED] = "expired",
    [METER_ERROR] = "error",
    [METER_FORGED] = "forged",
    [METER_FOREIGN] = "foreign",
    [METER_UNKNOWN] = "unknown",
    [METER_STALE_GOOD] = "stale-good",
    [METER_SAYS_REVOKED] = "says-revoked",
};
_Static_assert(ARRAY_SIZE(names) == METER_KINDS, "a name per kind");

const char *meter_kind_name(enum meter_kind kind)
{
    assert(kind < METER_KINDS);
    return names[kind];
}

uint64_t meter_total(const struct meter *meter)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < METER_KINDS; i++) {
        total += meter->counts[i];
    }
    return total;
}

uint64_t meter_bad(const struct meter *meter)
{
    return meter_total(meter) - meter->counts[METER_VALID] - meter->counts[METER_NONE] -
           meter->counts[METER_SAYS_REVOKED];
}

static enum meter_kind kind_of(const struct world *world, uint32_t cert, uint32_t number)
{
    const struct sim_cert *about = &world->certs[cert];
    const struct answer *answer;
    int64_t now_s = world_true_s(world);

    if (number == ANSWER_NONE) {
        return METER_NONE;
    }
    answer = answers_get(&world->answers, number);
    if (answer->flaw == FLAW_ERROR) {
        return METER_ERROR;
    }
    if (answer->certid != about->certid || answer->flaw == FLAW_OTHER_ISSUER) {
        return METER_FOREIGN;
    }
    if (!answer_is_sound(answer, about->certid)) {
        return METER_FORGED;
    }
    if (now_s < answer->this_update_s || now_s >= answer->next_update_s) {
        return METER_EXPIRED;
    }
    if (answer->status == CERT_STATUS_GOOD) {
        return about->revoked_ms <= world->now_ms ? METER_STALE_GOOD : METER_VALID;
    }
    return answer->status == CERT_STATUS_REVOKED ? METER_SAYS_REVOKED : METER_UNKNOWN;
}

static uint64_t asked(const struct world *world)
{
    uint64_t asked = 0;

    for (uint32_t i = 0; i < world->responder_count; i++) {
        asked += world->responders[i].asked;
    }
    return asked;
}

static void look(struct metered *self)
{
    struct world *world = self->subject.world;
    struct meter *meter = self->meter;

    if (self->next_ms == meter->from_ms) {
        self->asked_before = asked(world);
    }
    for (uint32_t i = 0; i < world->cert_count; i++) {
        if (world_cert_is_there(world, i)) {
            meter->counts[kind_of(world, i, self->inner->type->shows(self->inner, i))]++;
        }
    }
    meter->asks = asked(world) - self->asked_before;
    self->next_ms = time_max(self->next_ms, world->now_ms - EACH_MS + 1) + EACH_MS;
    if (self->next_ms >= meter->until_ms) {
        self->next_ms = INSTANT_NEVER;
    }
    world_mark(world, "look", UINT32_MAX, (int64_t)meter->counts[METER_VALID], 0);
}

/* ---- Between the world and the subject ---- */

static struct metered *self_of(struct subject *subject)
{
    return (struct metered *)subject;
}

static struct subject *inner_of(const struct subject *subject)
{
    return ((const struct metered *)subject)->inner;
}

static void metered_start(struct subject *subject)
{
    inner_of(subject)->type->start(inner_of(subject));
}

static void metered_stop(struct subject *subject)
{
    inner_of(subject)->type->stop(inner_of(subject));
}

static void metered_found(struct subject *subject, uint32_t cert)
{
    inner_of(subject)->type->found(inner_of(subject), cert);
}

static void metered_gone(struct subject *subject, uint32_t cert)
{
    inner_of(subject)->type->gone(inner_of(subject), cert);
}

static void metered_reply(struct subject *subject, const struct reply *reply)
{
    inner_of(subject)->type->reply(inner_of(subject), reply);
}

static int64_t inner_deadline_ms(const struct subject *subject)
{
    return inner_of(subject)->type->deadline_ms(inner_of(subject));
}

static void metered_wake(struct subject *subject)
{
    struct metered *self = self_of(subject);
    bool looks = self->next_ms <= subject->world->now_ms;

    if (looks) {
        look(self);
    }
    if (!looks || inner_deadline_ms(subject) <= world_now(subject->world).mono_ms) {
        self->inner->type->wake(self->inner);
    }
}

static int64_t metered_deadline_ms(const struct subject *subject)
{
    const struct metered *self = (const struct metered *)subject;
    int64_t look_ms =
        self->next_ms == INSTANT_NEVER ? INSTANT_NEVER : self->next_ms - subject->world->boot_ms;

    return time_min(look_ms, inner_deadline_ms(subject));
}

static void metered_minute(struct subject *subject)
{
    if (inner_of(subject)->type->minute) {
        inner_of(subject)->type->minute(inner_of(subject));
    }
}

static uint32_t metered_shows(const struct subject *subject, uint32_t cert)
{
    return inner_of(subject)->type->shows(inner_of(subject), cert);
}

static struct subject *metered_free(struct subject *subject)
{
    if (subject) {
        inner_of(subject)->type->free(inner_of(subject));
        free(subject);
    }
    return NULL;
}

static const struct subject_type metered_type = {
    .name = "metered",
    .start = metered_start,
    .stop = metered_stop,
    .found = metered_found,
    .gone = metered_gone,
    .reply = metered_reply,
    .wake = metered_wake,
    .deadline_ms = metered_deadline_ms,
    .minute = metered_minute,
    .shows = metered_shows,
    .free = metered_free,
};

struct subject *meter_new(struct subject *inner, struct meter *meter)
{
    struct metered *self = sim_grow(NULL, 0, 1, sizeof(*self));

    self->subject = (struct subject){&metered_type, inner->world};
    self->inner = inner;
    self->meter = meter;
    self->next_ms = meter->from_ms;
    return &self->subject;
}
