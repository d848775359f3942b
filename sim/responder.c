/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/responder.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/world.h"

#define SHELL_LIMIT_MS      15000 /* after which the shell ends a request itself */
#define LATE_MS             90000 /* longer than the engine's patience */
#define OLD_SIGNATURE_S     10800
#define MAX_AGE_ODD         8 /* one in so many says that it is fresh for more than a year */
#define STATUS_TRY          3 /* OCSPResponseStatus, RFC 6960 4.2.1 */
#define STATUS_UNAUTHORIZED 6

static const char *const names[] = {
    [FAULT_NONE] = "none",
    [FAULT_NO_NAME] = "no-name",
    [FAULT_REFUSED] = "refused",
    [FAULT_HANG] = "hang",
    [FAULT_LATE] = "late",
    [FAULT_BROKEN] = "broken",
    [FAULT_TRUNCATED] = "truncated",
    [FAULT_JUNK] = "junk",
    [FAULT_TOO_LARGE] = "too-large",
    [FAULT_REDIRECT] = "redirect",
    [FAULT_HTTP_400] = "http-400",
    [FAULT_HTTP_401] = "http-401",
    [FAULT_HTTP_404] = "http-404",
    [FAULT_HTTP_429] = "http-429",
    [FAULT_HTTP_500] = "http-500",
    [FAULT_HTTP_503] = "http-503",
    [FAULT_HTTP_533] = "http-533",
    [FAULT_TRY_LATER] = "try-later",
    [FAULT_UNAUTHORIZED] = "unauthorized",
    [FAULT_UNKNOWN] = "unknown",
    [FAULT_OTHER_CERT] = "other-cert",
    [FAULT_OTHER_ISSUER] = "other-issuer",
    [FAULT_BAD_SIGNATURE] = "bad-signature",
    [FAULT_STRANGER] = "stranger",
    [FAULT_OLDER] = "older",
    [FAULT_CACHED_OLD] = "cached-old",
    [FAULT_EXPIRED] = "expired",
    [FAULT_FUTURE] = "future",
    [FAULT_NO_NEXT_UPDATE] = "no-next-update",
    [FAULT_FALSE_GOOD] = "false-good",
    [FAULT_FALSE_DATE] = "false-date",
    [FAULT_STUCK] = "stuck",
};
_Static_assert(ARRAY_SIZE(names) == FAULT_COUNT, "a name per fault");

const char *fault_name(enum fault fault)
{
    assert(fault < FAULT_COUNT);
    return names[fault];
}

bool fault_find(const char *name, enum fault *ret_fault)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (text_equal(names[i], name)) {
            *ret_fault = (enum fault)i;
            return true;
        }
    }
    return false;
}

bool fault_breaks_circuit(enum fault fault)
{
    switch (fault) {
    case FAULT_NO_NAME:
    case FAULT_REFUSED:
    case FAULT_HANG:
    case FAULT_LATE:
    case FAULT_BROKEN:
    case FAULT_TRUNCATED:
    case FAULT_JUNK:
    case FAULT_HTTP_429:
    case FAULT_HTTP_500:
    case FAULT_HTTP_503:
        return true;
    default:
        return false;
    }
}

void responder_deinit(struct responder *responder)
{
    free(responder->episodes);
    free(responder->url);
    free(responder->alias);
    *responder = (struct responder){0};
}

void responder_plan(struct responder *responder, const struct episode *episode)
{
    struct episode added = *episode;

    if (responder->episode_count > 0) {
        int64_t end_ms = responder->episodes[responder->episode_count - 1].until_ms;

        added.from_ms = time_max(added.from_ms, end_ms);
    }
    if (added.from_ms >= added.until_ms) {
        return;
    }
    if (responder->episode_count == responder->episode_capacity) {
        uint32_t capacity = responder->episode_capacity ? responder->episode_capacity * 2 : 8;

        responder->episodes = sim_grow(responder->episodes, responder->episode_capacity, capacity,
                                       sizeof(*responder->episodes));
        responder->episode_capacity = capacity;
    }
    responder->episodes[responder->episode_count++] = added;
}

const struct episode *responder_episode(struct responder *responder, int64_t now_ms)
{
    while (responder->episode < responder->episode_count &&
           responder->episodes[responder->episode].until_ms <= now_ms) {
        responder->episode++;
    }
    if (responder->episode == responder->episode_count ||
        responder->episodes[responder->episode].from_ms > now_ms) {
        return NULL;
    }
    return &responder->episodes[responder->episode];
}

/* ---- What an honest authority signs ---- */

/* Times of the answer that stands at @now_s, and which in turn it is. */
static struct window honest_life(const struct authority *authority, const struct sim_cert *first,
                                 int64_t now_s, int64_t *ret_turn)
{
    int64_t period_s = authority->period_s, phase_s = authority->phase_s, from_s;

    if (authority->signing == SIGN_ON_DEMAND) {
        *ret_turn = now_s;
        from_s = now_s;
    } else {
        if (authority->signing == SIGN_LATE) {
            period_s = authority->life_s - authority->lead_s;
            phase_s += (int64_t)(rng_mix(first->certid) % (uint64_t)period_s);
        }
        *ret_turn = (now_s - phase_s) / period_s - (now_s < phase_s); /* rounded down */
        from_s = phase_s + *ret_turn * period_s;
    }
    from_s -= authority->backdate_s;
    return (struct window){from_s, time_add(from_s, authority->life_s)};
}

/* Delegates are renewed at half of their life. */
static int64_t delegate_end_s(const struct authority *authority, int64_t made_s)
{
    int64_t half_s = authority->delegate_life_s / 2;

    return half_s ? (made_s / half_s + 2) * half_s : INSTANT_NEVER;
}

static bool is_revoked(const struct sim_cert *cert, int64_t at_ms)
{
    if (cert->cycle_ms && at_ms >= cert->revoked_ms) {
        at_ms = cert->revoked_ms + (at_ms - cert->revoked_ms) % cert->cycle_ms;
    }
    return cert->revoked_ms <= at_ms && at_ms < cert->released_ms;
}

bool authority_offers(const struct world *world, uint32_t cert, int64_t now_ms,
                      struct window *ret_life)
{
    const struct sim_cert *first = &world->certs[world->certs[cert].twin];
    const struct authority *authority = &world->authorities[first->authority];
    int64_t turn;

    if (now_ms < first->issued_ms + authority->birth_s * 1000) {
        return false;
    }
    *ret_life = honest_life(authority, first, now_ms / 1000, &turn);
    if (is_revoked(first, authority->signing == SIGN_ON_DEMAND
                              ? now_ms
                              : (ret_life->from_s + authority->backdate_s) * 1000)) {
        return false;
    }
    ret_life->until_s = time_min(
        ret_life->until_s, delegate_end_s(authority, ret_life->from_s + authority->backdate_s));
    return true;
}

static struct answer honest_answer(const struct authority *authority, const struct sim_cert *first,
                                   struct window life)
{
    int64_t made_s = life.from_s + authority->backdate_s;
    bool revoked = is_revoked(first, made_s * 1000);

    return (struct answer){
        .certid = first->certid,
        .made_ms = made_s * 1000,
        .this_update_s = life.from_s,
        .next_update_s = life.until_s,
        .produced_at_s = made_s,
        .delegate_not_after_s = delegate_end_s(authority, made_s),
        .revoked_at_s = revoked ? first->revoked_ms / 1000 : 0,
        .revocation_reason = revoked ? first->revocation_reason : -1,
        .status = revoked ? CERT_STATUS_REVOKED : CERT_STATUS_GOOD,
        .honest = true,
    };
}

static uint32_t add_answer(struct world *world, uint32_t responder, struct answer *answer)
{
    answer->responder = responder;
    return answers_add(&world->answers, answer);
}

/* What stands now; the same number as long as it is the same answer. */
static uint32_t current_answer(struct world *world, uint32_t responder, uint32_t cert)
{
    struct sim_cert *first = &world->certs[world->certs[cert].twin];
    const struct authority *authority = &world->authorities[first->authority];
    int64_t turn;
    struct window life = honest_life(authority, first, world_true_s(world), &turn);
    struct answer answer;

    if (authority->signing != SIGN_ON_DEMAND && !authority->signs_anew &&
        first->batch != ANSWER_NONE && first->batch_turn == turn) {
        return first->batch;
    }
    answer = honest_answer(authority, first, life);
    if (authority->signs_anew) {
        answer.produced_at_s = world_true_s(world);
        answer.delegate_not_after_s = delegate_end_s(authority, answer.produced_at_s);
    }
    first->batch = add_answer(world, responder, &answer);
    first->batch_turn = turn;
    return first->batch;
}

/* One signed earlier that may still be valid; of a batch always the same. */
static uint32_t older_answer(struct world *world, uint32_t responder, uint32_t cert)
{
    struct sim_cert *first = &world->certs[world->certs[cert].twin];
    const struct authority *authority = &world->authorities[first->authority];
    int64_t back_s = authority->life_s == INSTANT_NEVER ? DAY_S : authority->life_s / 2;
    int64_t turn;
    struct window life;
    struct answer answer;

    if (authority->signs_anew &&
        world_true_s(world) % 2) { /* the same times, signed some hours ago */
        life = honest_life(authority, first, world_true_s(world), &turn);
        answer = honest_answer(authority, first, life);
        answer.produced_at_s =
            time_max(answer.produced_at_s, world_true_s(world) - OLD_SIGNATURE_S);
        answer.delegate_not_after_s = delegate_end_s(authority, answer.produced_at_s);
        if (world_true_s(world) % 4 == 3) { /* by one who promises less */
            answer.next_update_s -= (answer.next_update_s - world_true_s(world)) / 2;
        }
        return add_answer(world, responder, &answer);
    }
    if (authority->signing == SIGN_BATCH) {
        back_s = authority->period_s;
    } else if (authority->signing == SIGN_LATE) {
        back_s = authority->life_s - authority->lead_s;
    }
    life = honest_life(authority, first, world_true_s(world) - back_s, &turn);
    if (first->older == ANSWER_NONE || first->older_turn != turn) {
        answer = honest_answer(authority, first, life);
        first->older = add_answer(world, responder, &answer);
        first->older_turn = turn;
    }
    return first->older;
}

/* ---- What goes wrong with it ---- */

/* An answer as it should be, to be spoilt. */
static struct answer sample(const struct world *world, uint32_t cert)
{
    const struct sim_cert *first = &world->certs[world->certs[cert].twin];
    const struct authority *authority = &world->authorities[first->authority];
    int64_t turn;

    return honest_answer(authority, first,
                         honest_life(authority, first, world_true_s(world), &turn));
}

static void move_answer(struct answer *answer, int64_t by_s)
{
    answer->this_update_s += by_s;
    answer->produced_at_s += by_s;
    if (answer->next_update_s != INSTANT_NEVER) {
        answer->next_update_s += by_s;
    }
}

/* Some other certificate, as a mixed-up cache would have it. */
static uint32_t neighbour_certid(const struct world *world, uint32_t cert)
{
    uint32_t certid = world->certs[cert].certid;

    return certid + 1 < world->certid_count ? certid + 1 : certid - 1;
}

static uint32_t error_answer(struct world *world, uint32_t responder, uint8_t status)
{
    struct answer answer = {
        .flaw = FLAW_ERROR, .response_status = status, .made_ms = world->now_ms};

    return add_answer(world, responder, &answer);
}

/* A body that is an OCSP answer of a sort, but not the one that was wanted. */
static uint32_t spoilt_answer(struct world *world, uint32_t responder, uint32_t cert,
                              enum fault fault, uint64_t dice)
{
    struct answer answer = sample(world, cert);
    int64_t life_s = time_min(10 * DAY_S, time_sub(answer.next_update_s, answer.this_update_s));
    int64_t years_s = answer.this_update_s / 4;

    switch (fault) {
    case FAULT_TRUNCATED:
        answer.flaw = FLAW_TRUNCATED;
        answer.honest = false;
        break;
    case FAULT_JUNK:
        answer.flaw = FLAW_JUNK;
        answer.honest = false;
        break;
    case FAULT_UNKNOWN:
        answer.status = CERT_STATUS_UNKNOWN;
        break;
    case FAULT_OTHER_CERT:
        answer.certid = neighbour_certid(world, cert);
        break;
    case FAULT_OTHER_ISSUER:
        answer.flaw = FLAW_OTHER_ISSUER;
        answer.honest = false;
        break;
    case FAULT_BAD_SIGNATURE:
        answer.flaw = FLAW_BAD_SIGNATURE;
        answer.honest = false;
        break;
    case FAULT_STRANGER:
        answer.flaw = dice & 1 ? FLAW_STRANGER : FLAW_NO_EKU;
        answer.delegate_not_after_s = answer.produced_at_s + years_s;
        answer.honest = false;
        break;
    case FAULT_EXPIRED:
        move_answer(&answer, -life_s - 1 - (int64_t)(dice % (uint64_t)life_s));
        break;
    case FAULT_FUTURE:
        move_answer(&answer, world_true_s(world) - answer.this_update_s);
        move_answer(&answer, dice & 1 ? (int64_t)(dice >> 1) % 240 + 60
                                      : (int64_t)(dice >> 1) % DAY_S + 600);
        break;
    case FAULT_NO_NEXT_UPDATE:
        answer.next_update_s = INSTANT_NEVER;
        break;
    case FAULT_FALSE_GOOD:
        answer.status = CERT_STATUS_GOOD;
        answer.revoked_at_s = 0;
        answer.revocation_reason = -1;
        break;
    default:
        assert(false);
    }
    return add_answer(world, responder, &answer);
}

/* ---- Meeting a request ---- */

struct meeting {
    struct world *world;
    struct responder *responder;
    uint32_t number;
    const struct ask *ask;
    uint64_t dice;
    int64_t wait_ms;
    struct reply *reply;
};

static void say_http(struct meeting *meeting, int status)
{
    meeting->reply->outcome = status == 200 ? FETCH_ANSWER : FETCH_HTTP_STATUS;
    meeting->reply->http_status = status;
}

static void say_nothing(struct meeting *meeting, enum fetch_outcome outcome)
{
    meeting->reply->outcome = outcome;
    meeting->reply->hints = (struct http_hints){.fresh_s = -1, .date_s = INSTANT_NEVER};
}

/* For how long a cache may keep what stands now. */
static int64_t fresh_s(const struct meeting *meeting)
{
    struct world *world = meeting->world;
    const struct sim_cert *first = &world->certs[world->certs[meeting->ask->cert].twin];
    const struct authority *authority = &world->authorities[first->authority];
    int64_t turn;
    struct window life = honest_life(authority, first, world_true_s(world), &turn);
    int64_t left_s = time_sub(life.until_s, world_true_s(world));

    return time_min(DAY_S, authority->signing == SIGN_ON_DEMAND ? left_s / 4 : left_s / 2);
}

/* The good case, and the cases where only what stands around the answer is odd. @stuck: what was
 * given last, if anything. */
static void say_answer(struct meeting *meeting, bool stuck)
{
    struct world *world = meeting->world;
    struct reply *reply = meeting->reply;
    struct sim_cert *first = &world->certs[world->certs[meeting->ask->cert].twin];
    const struct authority *authority = &world->authorities[first->authority];

    say_http(meeting, 200);
    if (world->now_ms < first->issued_ms + authority->birth_s * 1000) {
        reply->answer = error_answer(world, meeting->number, STATUS_UNAUTHORIZED);
        return;
    }
    reply->answer = stuck && first->batch != ANSWER_NONE
                        ? first->batch
                        : current_answer(world, meeting->number, meeting->ask->cert);
    reply->has_etag = meeting->responder->gives_etag && !meeting->ask->post;
    if (meeting->responder->gives_max_age) {
        reply->hints.fresh_s = (meeting->dice >> 33) % MAX_AGE_ODD ? fresh_s(meeting) : 400 * DAY_S;
    }
    if (reply->has_etag && meeting->ask->etag == reply->answer) {
        reply->answer = ANSWER_NONE;
        reply->outcome = FETCH_NOT_MODIFIED;
        reply->http_status = 304;
    }
}

/* An honest answer is on its way: the next one comes when this one is in its last quarter. */
static void rest_until_quarter(struct meeting *meeting)
{
    struct world *world = meeting->world;
    struct sim_cert *first = &world->certs[world->certs[meeting->ask->cert].twin];

    if (meeting->responder->only_last_quarter && meeting->reply->answer != ANSWER_NONE) {
        const struct answer *answer = answers_get(&world->answers, meeting->reply->answer);
        int64_t life_s = answer->next_update_s - answer->this_update_s;

        first->quarter_ms = (answer->this_update_s + life_s * 3 / 4) * 1000;
    }
}

static void say_older(struct meeting *meeting)
{
    say_http(meeting, 200);
    meeting->reply->answer = older_answer(meeting->world, meeting->number, meeting->ask->cert);
    meeting->reply->hints.age_s = HOUR_S;
    if (meeting->reply->hints.date_s != INSTANT_NEVER) {
        meeting->reply->hints.date_s -= HOUR_S; /* a cache keeps the Date of what it has kept */
    }
}

/* Faults on the way, before anything like an answer. True: that was it. */
static bool meet_on_the_way(struct meeting *meeting, enum fault fault)
{
    switch (fault) {
    case FAULT_NO_NAME:
        say_nothing(meeting, FETCH_NO_NAME);
        return true;
    case FAULT_REFUSED:
        say_nothing(meeting, FETCH_REFUSED);
        meeting->wait_ms = 1 + meeting->wait_ms / 8;
        return true;
    case FAULT_HANG:
        say_nothing(meeting, FETCH_TIMEOUT);
        meeting->wait_ms = SHELL_LIMIT_MS;
        return true;
    case FAULT_BROKEN:
        say_nothing(meeting, FETCH_BROKEN);
        return true;
    case FAULT_TOO_LARGE:
        say_nothing(meeting, FETCH_TOO_LARGE);
        return true;
    case FAULT_REDIRECT:
        say_nothing(meeting, FETCH_BAD_REDIRECT);
        return true;
    default:
        return false;
    }
}

/* HTTP errors, some with an OCSP body. True: that was it. */
static bool meet_http(struct meeting *meeting, enum fault fault, int64_t retry_after_s)
{
    static const struct {
        enum fault fault;
        int status;
        uint8_t body; /* OCSPResponseStatus; 0: none */
        bool retry_after;
    } rows[] = {
        {FAULT_HTTP_400, 400, 0, false},
        {FAULT_HTTP_401, 401, STATUS_UNAUTHORIZED, false},
        {FAULT_HTTP_404, 404, 0, false},
        {FAULT_HTTP_429, 429, 0, true},
        {FAULT_HTTP_500, 500, 0, false},
        {FAULT_HTTP_503, 503, 0, true},
        {FAULT_HTTP_533, 533, STATUS_UNAUTHORIZED, false},
        {FAULT_TRY_LATER, 200, STATUS_TRY, false},
        {FAULT_UNAUTHORIZED, 200, STATUS_UNAUTHORIZED, false},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].fault == fault) {
            say_http(meeting, rows[i].status);
            if (rows[i].body) {
                meeting->reply->answer =
                    error_answer(meeting->world, meeting->number, rows[i].body);
            }
            if (rows[i].retry_after) {
                meeting->reply->hints.retry_after_s = retry_after_s;
            }
            return true;
        }
    }
    return false;
}

static void meet_fault(struct meeting *meeting, enum fault fault, int64_t retry_after_s)
{
    if (meet_on_the_way(meeting, fault) || meet_http(meeting, fault, retry_after_s)) {
        return;
    }
    switch (fault) {
    case FAULT_STUCK:
        say_answer(meeting, true);
        break;
    case FAULT_LATE:
        say_answer(meeting, false);
        meeting->wait_ms = LATE_MS + (int64_t)(meeting->dice % LATE_MS);
        break;
    case FAULT_FALSE_DATE:
        say_answer(meeting, false);
        meeting->reply->hints.date_s += (int64_t)(meeting->dice % (uint64_t)(48 * HOUR_S)) - DAY_S;
        break;
    case FAULT_OLDER:
        say_older(meeting);
        break;
    case FAULT_CACHED_OLD:
        if (meeting->ask->no_cache || meeting->ask->post) {
            say_answer(meeting, false);
        } else {
            say_older(meeting);
        }
        break;
    default:
        say_http(meeting, 200);
        meeting->reply->answer = spoilt_answer(meeting->world, meeting->number, meeting->ask->cert,
                                               fault, meeting->dice);
    }
}

/* Anything that gives no answer, or none to be taken. What hangs would outlast the last quarter of
 * a very short life. */
static enum fault quarter_fault(const struct meeting *meeting)
{
    const struct world *world = meeting->world;
    const struct sim_cert *cert = &world->certs[meeting->ask->cert];
    enum fault fault =
        (enum fault)(FAULT_NO_NAME + (meeting->dice >> 40) % (FAULT_OLDER - FAULT_NO_NAME));

    return world->authorities[cert->authority].life_s < HOUR_S &&
                   (fault == FAULT_HANG || fault == FAULT_LATE)
               ? FAULT_REFUSED
               : fault;
}

/* Which fault this request meets; also of a responder that only answers in the last quarter. */
static enum fault draw_fault(struct meeting *meeting, int64_t *ret_retry_after_s)
{
    struct world *world = meeting->world;
    const struct episode *episode = responder_episode(meeting->responder, world->now_ms);
    const struct sim_cert *cert = &world->certs[meeting->ask->cert];

    if (meeting->responder->only_last_quarter &&
        world->now_ms < world->certs[cert->twin].quarter_ms) {
        return quarter_fault(meeting);
    }
    if (!episode || (meeting->dice >> 20) % 1000 >= episode->permille) {
        return FAULT_NONE;
    }
    *ret_retry_after_s = episode->retry_after_s;
    return episode->fault;
}

int64_t responder_meet(struct world *world, uint32_t responder, const struct ask *ask,
                       struct reply *ret_reply, enum fault *ret_fault)
{
    struct responder *met = &world->responders[responder];
    struct rng rng = {met->seed ^ rng_mix(++met->asked)};
    struct meeting meeting = {world, met, responder, ask, rng_next(&rng), 0, ret_reply};
    int64_t retry_after_s = 0;

    meeting.wait_ms =
        met->latency_min_ms +
        (int64_t)rng_below(&rng, (uint64_t)(met->latency_max_ms - met->latency_min_ms + 1));
    *ret_reply = (struct reply){
        .cert = ask->cert,
        .attempt = ask->attempt,
        .posted = ask->post,
        .hints = {.fresh_s = -1, .date_s = met->gives_date ? world_true_s(world) : INSTANT_NEVER},
    };
    *ret_fault = draw_fault(&meeting, &retry_after_s);
    if (*ret_fault == FAULT_FALSE_DATE) {
        ret_reply->hints.date_s = world_true_s(world);
    }
    if (*ret_fault != FAULT_NONE) {
        meet_fault(&meeting, *ret_fault, retry_after_s);
    } else if (ask->post ? met->refuses_post : met->refuses_get) {
        say_http(&meeting, 405);
    } else {
        say_answer(&meeting, false);
        rest_until_quarter(&meeting);
    }
    return meeting.wait_ms;
}
