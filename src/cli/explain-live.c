/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/explain.h"
#include "core/engine.h"
#include "io/clock.h"
#include "io/fetch.h"

/* Beyond the time that the configuration gives a request. */
#define PATIENCE_MS 2000

struct explain_asker {
    uv_loop_t loop;
    uv_timer_t patience; /* for a request that ended without a word */
    struct fetch *fetch;
    struct lookup *lookup;
    const struct config *config;
    /* Of the request that is under way. */
    bool ended;
    struct explain_attempt *attempt;
    enum fetch_outcome outcome;
    struct buf body;
};

static void on_fetched(void *context, const struct fetch_result *result)
{
    struct explain_asker *asker = context;
    struct explain_attempt *attempt = asker->attempt;

    asker->ended = true;
    asker->outcome = result->outcome;
    attempt->http_status = result->http_status;
    attempt->size = result->body.size;
    buf_put_text(&attempt->detail, result->detail ? result->detail : "");
    buf_put_slice(&asker->body, result->body);
    uv_stop(&asker->loop);
}

static void on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

int explain_asker_new(struct explain_asker **ret_asker, struct lookup *lookup,
                      const struct config *config)
{
    const struct fetch_settings settings = {
        .allow_loopback = config->policy.allow_loopback,
        .proxy = config->proxy,
        .connect_timeout_ms = config->connect_timeout_ms,
        .timeout_ms = config->timeout_ms,
        .user_agent = "clinch/" CLINCH_VERSION,
    };
    struct explain_asker *asker = calloc(1, sizeof(*asker));
    int r;

    if (!asker) {
        return -ENOMEM;
    }
    asker->lookup = lookup;
    asker->config = config;
    asker->body = BUF_INIT(LIMIT_ANSWER_SIZE);
    r = uv_loop_init(&asker->loop);
    if (r) {
        free(asker);
        return error_trace(r);
    }
    uv_timer_init(&asker->loop, &asker->patience); /* cannot fail */
    r = fetch_new(&asker->fetch, &asker->loop, &settings, on_fetched, asker);
    if (r) {
        explain_asker_free(asker);
        return error_trace(r);
    }
    *ret_asker = asker;
    return 0;
}

struct explain_asker *explain_asker_free(struct explain_asker *asker)
{
    if (!asker) {
        return NULL;
    }
    if (asker->fetch) {
        fetch_close(asker->fetch);
    }
    uv_close((uv_handle_t *)&asker->patience, NULL);
    uv_run(&asker->loop, UV_RUN_DEFAULT);
    uv_loop_close(&asker->loop);
    buf_deinit(&asker->body);
    free(asker);
    return NULL;
}

static struct explain_attempt *attempt_begin(struct explain_live *live)
{
    struct explain_attempt *attempt = &live->attempts[live->count];

    *attempt = (struct explain_attempt){
        .url = BUF_INIT(LIMIT_URL_SIZE + LIMIT_GET_URL_SIZE),
        .detail = BUF_INIT(4096),
    };
    live->count++;
    return attempt;
}

/* Until the answer is there, or the time is over. */
static int run_attempt(struct explain_asker *asker, struct explain_attempt *attempt,
                       struct slice body)
{
    const struct fetch_order order = {
        .url = buf_text(&attempt->url),
        .body = body,
        .issuer = attempt->issuer,
        .no_cache = attempt->no_cache,
    };
    int64_t begun_ms = clock_now().mono_ms;

    asker->ended = false;
    asker->attempt = attempt;
    buf_clear(&asker->body);
    fetch_start(asker->fetch, &order);
    uv_timer_start(&asker->patience, on_patience,
                   (uint64_t)(asker->config->timeout_ms + PATIENCE_MS), 0);
    uv_run(&asker->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&asker->patience);
    if (!asker->ended) {
        fetch_cancel(asker->fetch, order.id);
    }
    attempt->took_ms = time_sub(clock_now().mono_ms, begun_ms);
    /* Not even memory to say so: see fetch_start(). */
    return asker->ended && !buf_status(&asker->body) ? 0 : -ENOMEM;
}

int explain_ask_issuer(struct explain_asker *asker, struct explain_report *report)
{
    struct found_cert *cert = report->cert;
    int r = 0;

    for (unsigned i = 0; !r && !cert->issuer && i < cert->view.issuer_url_count; i++) {
        struct explain_attempt *attempt = attempt_begin(&report->live);

        attempt->issuer = true;
        buf_put_slice(&attempt->url, cert->view.issuer_urls[i]);
        attempt->request_size = attempt->url.size;
        r = run_attempt(asker, attempt, SLICE_NULL);
        if (!r && asker->outcome == FETCH_ANSWER &&
            !lookup_offer_issuer(asker->lookup, cert, buf_text(&attempt->url),
                                 slice_of_buf(&asker->body))) {
            buf_put_text(&attempt->detail, "the certificate of the issuer is not in what it sent");
        }
    }
    return r;
}

/* Judges what came of @attempt, when there is something to judge. */
static int judge_attempt(struct explain_asker *asker, struct explain_report *report,
                         struct explain_attempt *attempt, struct event_fetched *fetched)
{
    struct explain_live *live = &report->live;
    struct slice answer = slice_of_buf(&asker->body);
    struct verification verification;
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE + 1);
    int r;

    if (asker->outcome != FETCH_ANSWER &&
        (asker->outcome != FETCH_HTTP_STATUS || answer.size == 0)) {
        return 0;
    }
    r = lookup_judge(asker->lookup, report->cert, answer, clock_now().wall_s, &verification,
                     &served);
    buf_deinit(&served);
    /* Responders send OCSP errors with HTTP errors; nothing else is taken from those. */
    if (r || (asker->outcome != FETCH_ANSWER && verification.facts.form != REASON_ERROR_STATUS)) {
        return r;
    }
    attempt->judged = true;
    attempt->reason = verification.judgement.reason;
    attempt->response_status = verification.facts.response_status;
    live->verification = verification;
    buf_clear(&live->received);
    buf_put_slice(&live->received, answer);
    fetched->facts = &live->verification.facts;
    return buf_status(&live->received);
}

/* What the engine wants asked next, or NULL. */
static const struct effect *next_fetch(const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].type == EFFECT_FETCH) {
            return &effects->list[i];
        }
    }
    return NULL;
}

static int ask_once(struct explain_asker *asker, struct explain_report *report,
                    const struct effect *effect, const struct explain_watcher *watcher,
                    struct event_fetched *ret_fetched)
{
    struct explain_attempt *attempt = attempt_begin(&report->live);
    struct buf body = BUF_INIT(LIMIT_ANSWER_SIZE);
    int r;

    attempt->no_cache = effect->no_cache;
    attempt->post =
        explain_request(report->cert->facts, effect->url, effect->post, &attempt->url, &body);
    attempt->request_size = attempt->post ? body.size : attempt->url.size;
    if (watcher->asking) {
        watcher->asking(watcher->context, report);
    }
    r = buf_status(&body) || buf_status(&attempt->url)
            ? -ENOMEM
            : run_attempt(asker, attempt, slice_of_buf(&body));
    buf_deinit(&body);
    *ret_fetched = (struct event_fetched){
        .outcome = asker->outcome,
        .http_status = attempt->http_status,
        .posted = attempt->post,
    };
    r = r ? r : judge_attempt(asker, report, attempt, ret_fetched);
    if (!r && watcher->asked) {
        watcher->asked(watcher->context, report);
    }
    return r;
}

/* Drives an engine that knows this certificate alone, and of no answer, through one round. */
static int run_round(struct explain_asker *asker, struct explain_report *report,
                     struct engine *engine, struct effects *effects,
                     const struct explain_watcher *watcher)
{
    struct event event = {.type = EVENT_CERT_FOUND, .facts = report->cert->facts};
    const struct effect *effect;
    int r;

    event.now = clock_now();
    r = engine_step(engine, &event, effects);
    event.type = EVENT_CACHE_READ;
    r = r ? r : engine_step(engine, &event, effects);
    while (!r && report->live.count < EXPLAIN_ATTEMPTS_MAX && (effect = next_fetch(effects))) {
        event.type = EVENT_FETCH_DONE;
        event.attempt = effect->attempt;
        r = ask_once(asker, report, effect, watcher, &event.fetched);
        event.now = clock_now();
        r = r ? r : engine_step(engine, &event, effects);
    }
    return r;
}

/* Would the daemon keep what it has, because the live answer is the older of the two? */
static bool is_older(const struct explain_report *report)
{
    const struct verification *v = &report->live.verification;
    const struct verification *kept = &report->kept.verification;
    const struct held held = {
        .present = report->kept.state == KEPT_GOOD,
        .this_update_s = kept->facts.this_update_s,
        .next_update_s = kept->facts.next_update_s,
        .produced_at_s = kept->facts.produced_at_s,
        .serve = kept->judgement.serve,
    };
    struct judgement judgement = verdict_judge(v->policy, v->cert, &v->facts, &held, v->wall_s);

    return judgement.reasons >> REASON_OLDER_THAN_HELD & 1;
}

int explain_ask(struct explain_asker *asker, struct explain_report *report,
                const struct explain_watcher *watcher)
{
    _cleanup_(engine_freep)
    struct engine *engine = NULL;
    struct effects effects = {0};
    struct policy policy = asker->config->policy;
    int r;

    policy.attempts = 1;
    r = engine_new(&engine, &policy, 0);
    r = r ? r : run_round(asker, report, engine, &effects, watcher);
    effects_deinit(&effects);
    if (r) {
        return error_trace(r);
    }
    report->live.older = report->live.received.size && is_older(report);
    return 0;
}
