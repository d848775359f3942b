/* SPDX-License-Identifier: Apache-2.0 */

/* Asking: which URL, in which way, when it is one's turn, and what a failure means. */

#include <assert.h>
#include <errno.h>

#include "core/engine-private.h"
#include "core/schedule.h"

/* OCSPResponseStatus, RFC 6960 4.2.1 */
#define STATUS_TRY_LATER    3
#define STATUS_UNAUTHORIZED 6

/* Behind a responder that is down, or asked for time: is another URL well by now? */
#define LOOK_AGAIN_S 60

/* In entry->told: that its responder is down, which `status` repeats for each certificate. */
#define TOLD_BLOCKED (UINT8_MAX - 1)

/* A wait that nothing held bounds. */
#define BARE_WAIT_S 300

/* What has ended is asked for as if so much were left: every quarter of an hour at least. Who never
 * held anything may be one that its responder does not know. */
#define ENDED_LEFT_S (8 * 900)

/* In entry->tried: it stood in line for one that asked for time, by the end of which the others
 * might do better. Once a round is enough. */
#define TRIED_ANEW (1 << LIMIT_URLS)

/* With so much patience at least: that is what an answer may take. */
#define PATIENCE_LEAST_S 10

static bool is_down(const struct engine *engine, uint32_t responder)
{
    return engine->responders.list[responder].down;
}

/* One that hangs must leave time for another before what is held ends. */
static int64_t patience_s(const struct engine *engine, const struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s, most_s = engine->policy.fetch_patience_s;

    return entry_is_good(entry, wall_s)
               ? time_min(most_s,
                          time_max(PATIENCE_LEAST_S, (entry->held.serve.until_s - wall_s) / 4))
               : most_s;
}

static void engine_start(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    struct effect *effect = engine_emit(engine, EFFECT_FETCH, cert);

    assert(!entry->attempt);
    entry->waiting = entry->blocked = false;
    entry->attempt = ++engine->attempts;
    entry->patience_ms = time_add(engine->now.mono_ms, patience_s(engine, entry) * 1000);
    effect->attempt = entry->attempt;
    effect->url = entry->url;
    effect->post = entry->post;
    effect->no_cache = entry->no_cache;
}

/* This round is over, for good or ill, or nothing can be said before long. */
static void engine_settled(struct engine *engine, uint32_t cert)
{
    engine->entries[cert].settled = true;
    engine_emit(engine, EFFECT_SETTLED, cert);
}

/* It asked for time, or is down and was tried just now. */
static bool is_paused(const struct engine *engine, uint32_t number)
{
    return responder_wait_ms(&engine->responders, number) > engine->now.mono_ms;
}

/* A responder that is down, and may be tried now. */
static bool may_probe(const struct engine *engine, uint32_t number)
{
    const struct responder *responder = &engine->responders.list[number];

    return responder->down && responder->probe == RESPONDER_NONE && !is_paused(engine, number);
}

/* How soon the responder of a URL can be asked: one that is well, one that may be tried now, by
 * when it may (also one that asked for time); INSTANT_NEVER: it cannot even be named. */
#define RANK_WELL INT64_MIN
#define RANK_DUE  (INT64_MIN + 1)
static int64_t engine_rank_url(struct engine *engine, const char *url)
{
    uint32_t responder;

    if (responder_find(&engine->responders, url, &responder)) {
        engine->status = -ENOMEM;
        return INSTANT_NEVER;
    }
    if (!is_down(engine, responder) && !is_paused(engine, responder)) {
        return RANK_WELL;
    }
    return may_probe(engine, responder)
               ? RANK_DUE
               : time_max(RANK_DUE + 1, responder_wait_ms(&engine->responders, responder));
}

/* Of the URLs that are not in @tried the one to take next, and its rank; INSTANT_NEVER: none. */
static int64_t engine_best_url(struct engine *engine, const struct entry *entry, unsigned tried,
                               uint8_t *ret_url)
{
    int64_t best = INSTANT_NEVER;

    for (unsigned i = 0; i < entry->cert->url_count && best != RANK_WELL; i++) {
        int64_t rank =
            tried >> i & 1 ? INSTANT_NEVER : engine_rank_url(engine, entry->cert->urls[i]);

        if (rank < best) {
            best = rank;
            *ret_url = (uint8_t)i;
        }
    }
    return best;
}

/* Is it worth while to stand in line for @url of that @rank, until @until_ms? Who asked for time is
 * not down, and there may never be a moment in which it has not told somebody so. */
static bool engine_is_worth_waiting(struct engine *engine, const char *url, int64_t rank,
                                    int64_t until_ms)
{
    uint32_t responder;

    return rank < until_ms && !responder_find(&engine->responders, url, &responder) &&
           (rank <= RANK_DUE || !is_down(engine, responder));
}

/* @cert is held up by a responder that is down: whoever waits for its attempt to end need not. */
static void engine_put_off(struct engine *engine, uint32_t cert, uint32_t responder)
{
    struct entry *entry = &engine->entries[cert];

    entry->late = true;
    if (entry->told != TOLD_BLOCKED) {
        entry->told = TOLD_BLOCKED;
        engine_note(engine, cert, NOTE_BLOCKED, NOTE_DEBUG)->url =
            engine->responders.list[responder].key;
    }
    if (!entry->settled) {
        engine_settled(engine, cert);
    }
}

/* In line: when to look whether another URL is better. */
static void entry_look_later(const struct engine *engine, struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s, wait_s = LOOK_AGAIN_S;

    if (entry_is_good(entry, wall_s)) {
        wait_s = time_min(wait_s, time_max(1, (entry->held.serve.until_s - wall_s) / 4));
    }
    entry->patience_ms =
        entry->cert->url_count > 1 ? time_add(engine->now.mono_ms, wait_s * 1000) : INSTANT_NEVER;
}

/* Nothing can be said before long: nobody need wait for @cert, nor for those for whom it asks. */
static void engine_stay(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry_look_later(engine, entry);
    engine_put_off(engine, cert, entry->responder);
    for (uint32_t twin = entry->twin; twin != cert; twin = engine->entries[twin].twin) {
        if (engine->entries[twin].joined && engine_has_room(engine)) {
            engine_put_off(engine, twin, entry->responder);
        }
    }
}

/* In line, and the responder is down: engine_ask_again() at the next tick looks what to do. */
static void engine_block(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry->blocked = entry->late = true;
    entry->patience_ms = engine->now.mono_ms;
}

void engine_come_back(struct engine *engine, uint32_t cert)
{
    engine->entries[cert].ask_mono_ms =
        time_add(engine->now.mono_ms, engine->policy.backoff_first_ms);
}

/* When what @entry holds ends. */
static int64_t entry_end_s(const struct engine *engine, const struct entry *entry)
{
    return entry_is_good(entry, engine->now.wall_s) ? entry->held.serve.until_s : RESPONDER_BARE;
}

/* When what @cert holds ends, or what one of those for whom it asks does. */
static int64_t engine_first_end_s(const struct engine *engine, uint32_t cert)
{
    int64_t end_s = entry_end_s(engine, &engine->entries[cert]);

    for (uint32_t twin = engine->entries[cert].twin; twin != cert;
         twin = engine->entries[twin].twin) {
        if (engine->entries[twin].joined) {
            end_s = time_min(end_s, entry_end_s(engine, &engine->entries[twin]));
        }
    }
    return end_s;
}

/* Stands in line for the URL that the entry points at. */
static void engine_wait(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    int r;

    r = responder_find(&engine->responders, entry->cert->urls[entry->url], &entry->responder);
    if (!r) {
        r = responder_wait(&engine->responders, entry->responder, cert,
                           engine_first_end_s(engine, cert));
    }
    if (r) {
        engine->status = r;
        engine_come_back(engine, cert);
        return;
    }
    entry->waiting = true;
    entry->tried |= (uint8_t)(1 << entry->url);
    entry_look_later(engine, entry);
    if (is_down(engine, entry->responder)) {
        engine_block(engine, cert);
        if (!engine->policy.attempts && !may_probe(engine, entry->responder)) {
            engine_stay(engine, cert); /* all its URLs were looked at just now */
        }
    }
}

/* @asker asks for @cert as well, which may be in more of a hurry. */
static void engine_join(struct engine *engine, uint32_t cert, uint32_t asker)
{
    struct entry *entry = &engine->entries[cert];
    const struct entry *other = &engine->entries[asker];
    int64_t end_s = entry_end_s(engine, entry);

    if (other->waiting && end_s < engine_first_end_s(engine, asker)) {
        responder_wait(&engine->responders, other->responder, asker, end_s); /* has its place */
    }
    entry->joined = true;
    if (other->blocked && other->patience_ms > engine->now.mono_ms) {
        engine_put_off(engine, cert, other->responder);
    }
}

void engine_ask(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    uint32_t asker = engine_asker(engine, cert);

    assert(!entry->attempt && !entry->waiting && !entry->joined);
    entry->ask_wall_s = INSTANT_NEVER;
    entry->ask_mono_ms = INSTANT_NEVER;
    entry->post = entry->no_cache = false;
    if (asker != cert) {
        engine_join(engine, cert, asker);
        return;
    }
    entry->tried = 0;
    if (engine_best_url(engine, entry, 0, &entry->url) == INSTANT_NEVER) {
        entry->url = 0;
    }
    engine_wait(engine, cert);
}

void engine_fill_places(struct engine *engine)
{
    uint32_t responder, cert;

    while (engine_has_room(engine) && responder_next(&engine->responders, &responder, &cert)) {
        engine_start(engine, cert);
        engine_settle_deadline(engine, cert);
    }
}

void engine_stop_asking(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    if (entry->attempt) {
        engine_emit(engine, EFFECT_CANCEL, cert)->attempt = entry->attempt;
        entry->attempt = 0;
        responder_report(&engine->responders, entry->responder, cert, RESPONDER_NOT_ASKED);
    }
    if (entry->waiting) {
        responder_leave(&engine->responders, entry->responder, cert);
    }
    entry->waiting = entry->blocked = entry->joined = false;
    if (engine_asker(engine, cert) == cert) { /* it asked for them, or was going to */
        engine_release_twins(engine, cert);
    }
}

/* Its turn in a long line may come too late. */
static bool entry_ends_soon(const struct engine *engine, const struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s;

    return entry_is_good(entry, wall_s) &&
           entry->held.serve.until_s - wall_s <= 2 * engine->policy.margin_max_s;
}

/* In line, but where its turn comes none too soon: into the line of a URL that is well and was not
 * tried in this round. */
static void engine_change_line(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    bool slow = is_paused(engine, entry->responder) || entry_ends_soon(engine, entry);
    uint8_t url;

    if (!slow || engine_best_url(engine, entry, entry->tried, &url) > RANK_WELL) {
        entry_look_later(engine, entry);
        return;
    }
    responder_leave(&engine->responders, entry->responder, cert);
    entry->waiting = false;
    entry->post = entry->no_cache = false;
    entry->url = url;
    engine_wait(engine, cert);
}

/* Who has another URL that is well takes that; who tries only so often does not wait for better
 * days; otherwise it stays in line. */
void engine_ask_again(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    int64_t rank;
    bool other;
    uint8_t url;

    assert(entry->waiting);
    if (!entry->blocked) {
        engine_change_line(engine, cert);
        return;
    }
    /* Also one that is down, when nobody tries it: it may be well by now. */
    rank = engine_best_url(engine, entry, 1U << entry->url, &url);
    other = rank != INSTANT_NEVER &&
            engine_is_worth_waiting(engine, entry->cert->urls[url], rank, INSTANT_NEVER);
    if (!other && !engine->policy.attempts) {
        engine_stay(engine, cert);
        return;
    }
    responder_leave(&engine->responders, entry->responder, cert);
    entry->waiting = entry->blocked = false;
    if (other) {
        entry->post = entry->no_cache = false;
        entry->tried = 0;
        entry->url = url;
        engine_wait(engine, cert);
        return;
    }
    entry->failures++;
    engine_note(engine, cert, NOTE_BLOCKED, NOTE_WARNING)->url = entry->cert->urls[entry->url];
    engine_settled(engine, cert);
    engine_release_twins(engine, cert);
}

/* Somebody waits: what counts is the attempt that is running or starts now, not an earlier one. */
void engine_hurry(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    const struct entry *asker;

    if (entry_can_show(entry, engine->now.wall_s) ||
        entry_hindrance(entry, engine->now.wall_s) != CERT_STATE_MISSING) {
        return;
    }
    entry->settled = false;
    asker = &engine->entries[entry->joined ? engine_asker(engine, cert) : cert];
    if (asker->blocked) {
        responder_nudge(&engine->responders, asker->responder);
    } else if (!entry->attempt && !entry->waiting && !entry->joined) {
        engine_ask(engine, cert);
    }
}

/* What an attempt says of the responder itself. A 5xx that carries "unauthorized" is about one
 * certificate: some responders send it where they have no fresh answer for it. */
static enum responder_news news_of(const struct event_fetched *fetched)
{
    const struct ocsp_facts *facts = fetched->facts;
    bool ocsp = facts && (facts->form == REASON_GOOD || facts->form == REASON_ERROR_STATUS);

    switch (fetched->outcome) {
    case FETCH_FORBIDDEN_ADDRESS:
        return RESPONDER_NOT_ASKED;
    case FETCH_NOT_MODIFIED:
        return RESPONDER_WELL;
    case FETCH_ANSWER:
        return ocsp ? RESPONDER_WELL : RESPONDER_ILL;
    case FETCH_HTTP_STATUS:
        if (fetched->http_status == 429) {
            return RESPONDER_ILL;
        }
        return fetched->http_status < 500 || (ocsp && facts->response_status == STATUS_UNAUTHORIZED)
                   ? RESPONDER_WELL
                   : RESPONDER_ILL;
    default:
        return RESPONDER_ILL;
    }
}

/* Does anybody wait for an attempt of @cert, or of a twin for which it asks, to end? */
static bool engine_is_awaited(const struct engine *engine, uint32_t cert)
{
    bool awaited = !engine->entries[cert].settled;

    for (uint32_t i = engine->entries[cert].twin; i != cert; i = engine->entries[i].twin) {
        awaited = awaited || (engine->entries[i].joined && !engine->entries[i].settled);
    }
    return awaited;
}

/* A responder went down, was tried in vain, or came back: its whole line learns of it. */
static void engine_tell_line(struct engine *engine, uint32_t number, enum responder_change change)
{
    const struct responder *responder = &engine->responders.list[number];

    for (size_t i = 0; i < responder->line.count; i++) {
        uint32_t cert = responder->line.slots[i].entry;

        if (!responder->down) {
            engine->entries[cert].blocked = false;
        } else if (change == RESPONDER_WENT_DOWN || engine_is_awaited(engine, cert)) {
            engine_block(engine, cert);
        } else {
            continue;
        }
        engine_settle_deadline(engine, cert);
    }
}

static void engine_note_responder(struct engine *engine, uint32_t cert,
                                  const struct event_fetched *fetched, enum note_kind kind)
{
    const struct entry *entry = &engine->entries[cert];
    const struct responder *responder = &engine->responders.list[entry->responder];
    struct note *note = engine_note_general(engine, kind, NOTE_WARNING);
    int64_t wait_ms =
        time_sub(responder_wait_ms(&engine->responders, entry->responder), engine->now.mono_ms);

    note->url = responder->key;
    note->outcome = fetched->outcome;
    note->http_status = fetched->http_status;
    note->detail = fetched->detail;
    if (fetched->facts && kind == NOTE_RESPONDER_DOWN && !note->detail) {
        note->detail = reason_sentence(fetched->facts->form);
    }
    note->count = responder->failures;
    note->waiting = (unsigned)responder->line.count;
    note->since_s = responder->down_since_s;
    note->until_s = time_add(engine->now.wall_s, (wait_ms + 999) / 1000);
}

static void engine_report(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    struct entry *entry = &engine->entries[cert];
    bool good = entry_is_good(entry, engine->now.wall_s);
    bool probe = engine->responders.list[entry->responder].probe == cert;
    enum responder_change change =
        responder_report(&engine->responders, entry->responder, cert, news_of(fetched));

    /* Who tries only so often cannot come back later. */
    if (fetched->hints.retry_after_s > 0 && fetched->outcome == FETCH_HTTP_STATUS &&
        !engine->policy.attempts) {
        responder_pause(&engine->responders, entry->responder, fetched->hints.retry_after_s,
                        good ? entry->held.serve.until_s : RESPONDER_BARE);
    }
    if (change != RESPONDER_SAME) {
        engine_note_responder(engine, cert, fetched,
                              change == RESPONDER_WENT_DOWN ? NOTE_RESPONDER_DOWN
                                                            : NOTE_RESPONDER_UP);
    }
    if (change != RESPONDER_SAME || probe) {
        engine_tell_line(engine, entry->responder, change);
    }
}

void engine_fetched(struct engine *engine, uint32_t cert, const struct event_fetched *fetched)
{
    struct entry *entry = &engine->entries[cert];

    entry->attempt = 0;
    engine_report(engine, cert, fetched);
    engine_weigh(engine, cert, fetched);
    if (fetched->outcome == FETCH_NOT_MODIFIED) {
        engine_not_modified(engine, cert, fetched);
    } else if (fetched->facts) {
        engine_answer(engine, cert, fetched);
    } else {
        engine_failed(engine, cert, fetched, REASON_GOOD);
    }
    engine_share(engine, cert, fetched);
}

void engine_gave_up(struct engine *engine, uint32_t cert)
{
    const struct event_fetched nothing = {
        .outcome = FETCH_TIMEOUT,
        .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER},
    };

    engine_emit(engine, EFFECT_CANCEL, cert)->attempt = engine->entries[cert].attempt;
    engine_fetched(engine, cert, &nothing);
}

/* An answer that a cache on the way may have kept too long. RFC 5019 4: the client may ask caches
 * for a fresh one. */
static bool cache_may_be_stale(const struct event_fetched *fetched, enum reason reason)
{
    return reason == REASON_EXPIRED || reason == REASON_OLDER_THAN_HELD ||
           reason == REASON_TOO_OLD || fetched->outcome == FETCH_NOT_MODIFIED;
}

/* Would the same responder answer better to a POST? Not when it could not be reached at all, nor
 * when it signed that it does not know, or says it is busy. */
static bool post_may_help(const struct event_fetched *fetched, enum reason reason)
{
    if (!fetched->facts) {
        return fetched->outcome == FETCH_HTTP_STATUS || fetched->outcome == FETCH_BROKEN ||
               fetched->outcome == FETCH_BAD_REDIRECT || fetched->outcome == FETCH_TOO_LARGE ||
               fetched->outcome == FETCH_NOT_MODIFIED;
    }
    if (reason == REASON_ERROR_STATUS) {
        return fetched->facts->response_status != STATUS_TRY_LATER;
    }
    return reason != REASON_UNKNOWN;
}

/* The wait after a round in vain. */
static int64_t engine_backoff_ms(struct engine *engine, const struct entry *entry)
{
    int64_t wall_s = engine->now.wall_s;
    int64_t left_s = entry_is_good(entry, wall_s) ? entry->held.serve.until_s - wall_s
                     : entry->held.present        ? ENDED_LEFT_S
                                                  : 0;

    return schedule_backoff_ms(&engine->policy, entry->failures ? entry->failures : 1, left_s,
                               rng_next(&engine->rng));
}

/* The next way to ask in this round: past the caches, POST, another URL that is well or may be
 * tried again, or soon may be. Of internalError, RFC 6960 2.3: "The query should be retried,
 * potentially with another responder." False: there is none, as for a twin: who asked for it has
 * tried all. A responder that asks for time (Retry-After) or is down is not asked once more. */
static bool engine_next_way(struct engine *engine, struct entry *entry,
                            const struct event_fetched *fetched, enum reason reason)
{
    bool same = fetched->hints.retry_after_s <= 0 && !is_down(engine, entry->responder);
    int64_t rank;
    uint8_t url;

    if (engine->sharing) {
        return false;
    }
    if (same && !entry->post && !entry->no_cache && !fetched->posted &&
        cache_may_be_stale(fetched, reason)) {
        entry->no_cache = true;
        return true;
    }
    if (same && !entry->post && !fetched->posted && post_may_help(fetched, reason)) {
        entry->post = true;
        entry->no_cache = false;
        return true;
    }
    entry->post = entry->no_cache = false;
    rank = engine_best_url(engine, entry, entry->tried, &url);
    if (rank > RANK_DUE) {
        if (rank == INSTANT_NEVER || entry->tried & TRIED_ANEW ||
            !engine_is_worth_waiting(engine, entry->cert->urls[url], rank,
                                     engine->now.mono_ms + engine_backoff_ms(engine, entry))) {
            return false;
        }
        entry->tried = TRIED_ANEW;
    }
    entry->url = url;
    return true;
}

bool engine_ask_otherwise(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                          enum reason reason)
{
    if (!engine_next_way(engine, &engine->entries[cert], fetched, reason)) {
        return false;
    }
    engine_wait(engine, cert);
    return true;
}

static int64_t retry_wait_ms(struct engine *engine, const struct entry *entry,
                             int64_t retry_after_s)
{
    const struct policy *policy = &engine->policy;
    int64_t wall_s = engine->now.wall_s;
    int64_t left_s = entry_is_good(entry, wall_s) ? entry->held.serve.until_s - wall_s : 0;
    int64_t wait_ms = engine_backoff_ms(engine, entry);
    int64_t most_s =
        left_s ? time_max(1, time_min(left_s / 8, policy->retry_after_cap_s)) : BARE_WAIT_S;

    /* Retry-After is a hint inside our own bounds: it must not cost a staple. */
    wait_ms = time_max(wait_ms, time_min(retry_after_s, most_s) * 1000);
    if (is_down(engine, entry->responder)) {
        /* What keeps others from a responder that is down is its own wait, not that of each. */
        most_s = left_s ? policy->probe_cap_s : policy->probe_cap_bare_s;
        wait_ms = time_min(wait_ms, most_s * 1000);
    }
    return wait_ms;
}

/* Told when it is new, and then more and more rarely; not while the responder is down, which was
 * told of it. */
static enum note_level failure_level(const struct engine *engine, struct entry *entry,
                                     const struct event_fetched *fetched, enum reason reason)
{
    uint8_t what = (uint8_t)(fetched->facts ? FETCH_OUTCOMES + (int)reason : (int)fetched->outcome);
    bool news = entry->told != what || (entry->failures & (entry->failures - 1)) == 0;

    if (is_down(engine, entry->responder)) {
        return NOTE_DEBUG;
    }
    entry->told = what;
    return news ? NOTE_WARNING : NOTE_DEBUG;
}

void engine_failed(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                   enum reason reason)
{
    struct entry *entry = &engine->entries[cert];
    const char *url = entry->cert->urls[entry->url];
    bool again = engine_next_way(engine, entry, fetched, reason);
    enum note_level level = NOTE_DEBUG;
    struct note *note;

    if (!again) {
        entry->failures += entry->failures < UINT32_MAX;
        level = failure_level(engine, entry, fetched, reason);
        if (!engine->policy.attempts || entry->failures < engine->policy.attempts) {
            entry->ask_mono_ms = time_add(
                engine->now.mono_ms, retry_wait_ms(engine, entry, fetched->hints.retry_after_s));
        }
    }
    note = engine_note(engine, cert, fetched->facts ? NOTE_REFUSED : NOTE_FETCH_FAILED, level);
    note->url = url;
    note->reason = reason;
    note->outcome = fetched->outcome;
    note->http_status = fetched->http_status;
    note->response_status = fetched->facts ? fetched->facts->response_status : 0;
    note->detail = fetched->detail;
    note->next_is_now = again;
    if (again) {
        engine_wait(engine, cert);
    } else {
        engine_settled(engine, cert);
    }
}
