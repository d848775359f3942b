/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "core/engine-private.h"
#include "core/schedule.h"

/* OCSPResponseStatus, RFC 6960 4.2.1 */
#define STATUS_TRY_LATER 3

static void engine_start(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    struct effect *effect = engine_emit(engine, EFFECT_FETCH, cert);

    assert(!entry->attempt);
    entry->waiting = false;
    entry->attempt = ++engine->attempts;
    entry->patience_ms = time_add(engine->now.mono_ms, engine->policy.fetch_patience_s * 1000);
    effect->attempt = entry->attempt;
    effect->url = entry->url;
    effect->post = entry->post;
}

/* Asks the URL that the entry points at, or stands in line for it. */
static void engine_ask_url(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];
    const struct policy *policy = &engine->policy;
    int r;

    r = responder_find(&engine->responders, entry->cert->urls[entry->url], &entry->responder);
    if (!r && responder_take(&engine->responders, entry->responder, policy->responder_concurrency,
                             policy->total_concurrency)) {
        engine_start(engine, cert);
        return;
    }
    if (!r) {
        r = responder_wait(&engine->responders, entry->responder, cert);
    }
    if (r) {
        /* Without memory for the line: come back in a while. */
        entry->ask_mono_ms = time_add(engine->now.mono_ms, engine->policy.backoff_first_ms);
        engine->status = r;
        return;
    }
    entry->waiting = true;
}

void engine_ask(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    assert(!entry->attempt && !entry->waiting);
    entry->ask_wall_s = INSTANT_NEVER;
    entry->ask_mono_ms = INSTANT_NEVER;
    entry->url = 0;
    entry->post = false;
    engine_ask_url(engine, cert);
}

void engine_attempt_over(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    entry->attempt = 0;
    responder_give(&engine->responders, entry->responder);
}

void engine_stop_asking(struct engine *engine, uint32_t cert)
{
    struct entry *entry = &engine->entries[cert];

    if (entry->attempt) {
        engine_emit(engine, EFFECT_CANCEL, cert)->attempt = entry->attempt;
        engine_attempt_over(engine, cert);
    }
    if (entry->waiting) {
        responder_leave(&engine->responders, entry->responder, cert);
        entry->waiting = false;
    }
}

void engine_fill_places(struct engine *engine)
{
    uint32_t cert;

    while (responder_next(&engine->responders, engine->policy.responder_concurrency,
                          engine->policy.total_concurrency, &cert)) {
        engine_start(engine, cert);
        if (heap_set(&engine->deadlines, cert, engine->entries[cert].patience_ms)) {
            engine->status = -ENOMEM;
        }
    }
}

/* Would the same responder answer better to a POST? Not when it could not be reached at all, nor
 * when it signed that it does not know, or says it is busy. */
static bool post_may_help(const struct event_fetched *fetched, enum reason reason)
{
    if (!fetched->facts) {
        return fetched->outcome == FETCH_HTTP_STATUS || fetched->outcome == FETCH_BROKEN ||
               fetched->outcome == FETCH_BAD_REDIRECT || fetched->outcome == FETCH_TOO_LARGE;
    }
    if (reason == REASON_ERROR_STATUS) {
        return fetched->facts->response_status != STATUS_TRY_LATER;
    }
    return reason != REASON_UNKNOWN;
}

/* The next way to ask in this round: POST, then the next URL. Of internalError, RFC 6960 2.3: "The
 * query should be retried, potentially with another responder." False: there is none. */
static bool entry_next_way(struct entry *entry, const struct event_fetched *fetched,
                           enum reason reason)
{
    if (!entry->post && !fetched->posted && post_may_help(fetched, reason)) {
        entry->post = true;
        return true;
    }
    if (entry->url + 1 < entry->cert->url_count) {
        entry->url++;
        entry->post = false;
        return true;
    }
    return false;
}

static int64_t retry_wait_ms(struct engine *engine, const struct entry *entry,
                             int64_t retry_after_s)
{
    const struct policy *policy = &engine->policy;
    int64_t wall_s = engine->now.wall_s;
    int64_t left_s = entry_can_show(entry, wall_s) ? entry->held.serve.until_s - wall_s : 0;
    int64_t wait_ms = schedule_backoff_ms(policy, entry->failures, left_s, rng_next(&engine->rng));
    int64_t most_s = left_s ? time_max(policy->backoff_floor_s, left_s / 8) : 300;

    /* Retry-After is a hint inside our own bounds: it must not cost a staple. */
    return time_max(wait_ms, time_min(retry_after_s, most_s) * 1000);
}

/* Told when it is new, and then more and more rarely. */
static enum note_level failure_level(struct entry *entry, const struct event_fetched *fetched,
                                     enum reason reason)
{
    uint8_t what = (uint8_t)(fetched->facts ? FETCH_OUTCOMES + (int)reason : (int)fetched->outcome);
    bool news = entry->told != what || (entry->failures & (entry->failures - 1)) == 0;

    entry->told = what;
    return news ? NOTE_WARNING : NOTE_DEBUG;
}

void engine_failed(struct engine *engine, uint32_t cert, const struct event_fetched *fetched,
                   enum reason reason)
{
    struct entry *entry = &engine->entries[cert];
    const char *url = entry->cert->urls[entry->url];
    bool again = entry_next_way(entry, fetched, reason);
    enum note_level level = NOTE_DEBUG;
    struct note *note;

    if (!again) {
        entry->settled = true;
        entry->failures += entry->failures < UINT32_MAX;
        level = failure_level(entry, fetched, reason);
        if (!engine->policy.attempts || entry->failures < engine->policy.attempts) {
            entry->ask_mono_ms =
                time_add(engine->now.mono_ms, retry_wait_ms(engine, entry, fetched->retry_after_s));
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
        engine_ask_url(engine, cert);
    } else {
        engine_emit(engine, EFFECT_SETTLED, cert);
    }
}
