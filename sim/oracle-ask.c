/* SPDX-License-Identifier: Apache-2.0 */

/* What is asked: how often, how many at once, of whom, and in which order. */

#include <assert.h>
#include <stdlib.h>

#include "sim/oracle-private.h"

/* An order by ends that differ by less than this is no order. */
#define ORDER_SLACK_MS 600000

/* The longest that a single certificate may wait by itself, and some. */
#define OWN_BACKOFF_MS 4000000

/* So many probes in a row, after more in vain, that waited for less than this part of what they may
 * are no chance. */
#define LONG_VAIN  8
#define HASTY_PART 16
#define HASTY_ROW  12

static struct subject_matter *matter_of(struct oracle *oracle, uint32_t cert)
{
    return &oracle->matters[oracle->world->certs[cert].certid];
}

static void break_responder(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                            uint32_t responder, int64_t number)
{
    struct buf detail = BUF_INIT(300);

    buf_put_text(&detail, oracle->world->responders[responder].url);
    buf_put_text(&detail, ": ");
    buf_put_int(&detail, number);
    oracle_break(oracle, invariant, cert, buf_text(&detail));
    buf_deinit(&detail);
}

/* ---- Caps ---- */

/* In any second at most so many: the one so many asks ago is at least a second old. */
static void count_rate(struct oracle *oracle, uint32_t cert, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];
    uint32_t rate = oracle->world->policy.responder_rate;
    int64_t now_ms = oracle->world->now_ms;

    if (!rate) {
        return;
    }
    if (!queue->times) {
        queue->times = sim_grow(NULL, 0, rate, sizeof(*queue->times));
    }
    if (queue->time_count == rate && now_ms - queue->times[queue->time_at] < 1000) {
        break_responder(oracle, BROKEN_RATE, cert, responder, rate + 1);
    }
    queue->times[queue->time_at] = now_ms;
    queue->time_at = (queue->time_at + 1) % rate;
    queue->time_count += queue->time_count < rate;
}

/* How long Retry-After may bind @cert, which holds what is shown: an eighth of what is left. */
static int64_t pause_of_s(const struct oracle *oracle, uint32_t cert)
{
    const struct watch *watch = &oracle->watches[cert];
    int64_t left_s;

    if (watch->shown == ANSWER_NONE) {
        return oracle->world->policy.probe_cap_s;
    }
    left_s = oracle_end_s(oracle, cert, watch->shown) -
             oracle_margin_s(oracle, cert, watch->shown) - world_true_s(oracle->world);
    return time_max(1, left_s / 8);
}

/* The least of all that may want to ask @responder, and of @most_s. */
static int64_t least_pause_s(const struct oracle *oracle, uint32_t responder, int64_t most_s)
{
    const struct world *world = oracle->world;
    int64_t bound_s = most_s;

    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        const struct sim_cert *cert = &world->certs[i];

        for (unsigned url = 0; url < cert->facts.url_count; url++) {
            if (cert->responders[url] == responder && world_cert_is_there(world, i)) {
                bound_s = time_min(bound_s, pause_of_s(oracle, i));
            }
        }
    }
    return bound_s;
}

static int64_t pause_bound_s(const struct oracle *oracle, uint32_t responder)
{
    return least_pause_s(
        oracle, responder,
        time_min(oracle->queues[responder].pause_s, oracle->world->policy.retry_after_cap_s));
}

/* Retry-After binds within the policy's bounds and those of whoever is most urgent: when it was
 * said, or now, the less of both. */
static void check_pause(struct oracle *oracle, uint32_t cert, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];
    int64_t since_ms = oracle->world->now_ms - queue->pause_ms;
    int64_t bound_s;

    if (queue->pause_ms == LONG_AGO_MS || since_ms >= queue->pause_bound_s * 1000) {
        return;
    }
    bound_s = time_min(queue->pause_bound_s, pause_bound_s(oracle, responder));
    if (since_ms < (bound_s - RIGHT_S / 8 - 1) * 1000 || since_ms < 1000) {
        break_responder(oracle, BROKEN_RETRY_AFTER, cert, responder, since_ms / 1000);
    }
}

/* One that is down is tried more and more rarely, at random: many in a row that came soon are no
 * chance; and never at once. */
static void check_probe(struct oracle *oracle, uint32_t cert, uint32_t responder)
{
    const struct policy *policy = &oracle->world->policy;
    struct queue *queue = &oracle->queues[responder];
    int64_t now_ms = oracle->world->now_ms, gap_ms = now_ms - queue->ill_ms;
    bool hasty = queue->open && queue->vain > LONG_VAIN && oracle_clock_is_right(oracle) &&
                 gap_ms < policy->probe_cap_bare_s * 1000 / HASTY_PART;

    if (hasty) { /* what others have left may bound it */
        int64_t bound_s = least_pause_s(oracle, responder, policy->probe_cap_bare_s);

        hasty = gap_ms < bound_s * 1000 / HASTY_PART;
    }
    if (queue->open && !queue->doubtful && queue->tried_ms > now_ms - policy->backoff_floor_ms) {
        break_responder(oracle, BROKEN_HASTE, cert, responder, now_ms - queue->tried_ms);
    }
    queue->hasty = hasty ? queue->hasty + 1 : 0;
    if (queue->hasty == HASTY_ROW) {
        break_responder(oracle, BROKEN_HASTE, cert, responder, gap_ms);
    }
}

static void check_caps(struct oracle *oracle, const struct ask *ask, uint32_t responder)
{
    const struct policy *policy = &oracle->world->policy;
    struct queue *queue = &oracle->queues[responder];
    struct subject_matter *matter = matter_of(oracle, ask->cert);

    if (matter->in_flight > 0) {
        oracle_break(oracle, BROKEN_DOUBLE_FETCH, ask->cert, "a second request for its CertID");
    }
    if (queue->in_flight >= policy->responder_concurrency ||
        (queue->allowed && queue->in_flight >= queue->allowed)) {
        break_responder(oracle, BROKEN_CONCURRENCY, ask->cert, responder, queue->in_flight + 1);
    }
    if (oracle->in_flight >= policy->total_concurrency) {
        break_responder(oracle, BROKEN_TOTAL, ask->cert, responder, oracle->in_flight + 1);
    }
    if (queue->open && queue->probes > 0) {
        break_responder(oracle, BROKEN_CIRCUIT, ask->cert, responder, queue->probes + 1);
    }
    check_pause(oracle, ask->cert, responder);
    count_rate(oracle, ask->cert, responder);
}

/* ---- The line after an outage ---- */

static int compare_waiting(const void *a, const void *b)
{
    const struct waiting *one = a, *other = b;

    if (one->end_ms != other->end_ms) {
        return one->end_ms < other->end_ms ? -1 : 1;
    }
    return one->cert < other->cert ? -1 : one->cert > other->cert;
}

/* Surely in line since the responder went down: nothing held, or the latest time to ask again is
 * over; it has no other URL, and was not asked shortly before (and may have its own backoff). */
static bool surely_waits(const struct oracle *oracle, uint32_t cert, uint32_t responder,
                         struct waiting *ret_waiting)
{
    const struct world *world = oracle->world;
    const struct sim_cert *watched = &world->certs[cert];
    const struct watch *watch = &oracle->watches[cert];
    int64_t asked_ms = oracle->matters[watched->certid].asked_ms, asked_s;
    struct window life;

    if (watched->facts.url_count != 1 || watched->responders[0] != responder ||
        !world_cert_is_there(world, cert) || watched->twin != cert ||
        asked_ms > oracle->queues[responder].opened_ms - OWN_BACKOFF_MS ||
        watch->shown == ANSWER_NONE || !watched->facts.has_issuer) {
        return false;
    }
    life = oracle_life(oracle, watch->shown);
    ret_waiting->cert = cert;
    ret_waiting->end_ms = oracle_end_s(oracle, cert, watch->shown) * 1000;
    /* Asked, or planned anew by a new process, late in an answer's life, the next time is up to
     * 60 % of the rest away. */
    asked_s = time_max(life.from_s, asked_ms / 1000);
    asked_s = time_max(asked_s, oracle->lives[oracle->life_count - 1].from_ms / 1000);
    return oracle_latest_s(life) + RIGHT_S < world_true_s(world) &&
           asked_s + (life.until_s - asked_s) * 6 / 10 + RIGHT_S < world_true_s(world);
}

/* The responder is back: who waited, and until when must they all have been asked? */
static void line_up(struct oracle *oracle, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];
    int64_t since_s;

    queue->line_count = queue->line_at = queue->line_left = 0;
    if (!oracle_clock_demands(oracle, &since_s)) {
        return;
    }
    if (!queue->line) {
        queue->line = sim_grow(NULL, 0, oracle->watch_count, sizeof(*queue->line));
    }
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (surely_waits(oracle, i, responder, &queue->line[queue->line_count])) {
            oracle->watches[i].in_line = oracle->watches[i].waited = true;
            queue->line_count++;
        }
    }
    qsort(queue->line, queue->line_count, sizeof(*queue->line), compare_waiting);
    queue->line_left = queue->line_count;
    if (queue->line_count > 1) {
        world_seen(oracle->world, COVER_EVENT, SEEN_LINE);
    }
    queue->line_until_ms = oracle->world->now_ms + 10000 + 2 * oracle_drain_ms(oracle, responder);
}

static void line_skip(struct oracle *oracle, struct queue *queue)
{
    while (queue->line_at < queue->line_count &&
           (!oracle->watches[queue->line[queue->line_at].cert].in_line ||
            !world_cert_is_there(oracle->world, queue->line[queue->line_at].cert))) {
        struct watch *watch = &oracle->watches[queue->line[queue->line_at].cert];

        queue->line_left -= watch->in_line;
        watch->in_line = false;
        queue->line_at++;
    }
}

static void line_gone(struct oracle *oracle, struct queue *queue)
{
    for (uint32_t i = queue->line_at; i < queue->line_count; i++) {
        oracle->watches[queue->line[i].cert].in_line = false;
    }
    queue->line_count = queue->line_at = queue->line_left = 0;
    queue->idle_ms = LONG_AGO_MS;
}

static void check_order(struct oracle *oracle, uint32_t cert, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];
    uint32_t first = oracle->world->certs[cert].twin; /* one asks for all of a CertID */
    struct watch *watch = &oracle->watches[first];
    int64_t end_ms;

    queue->idle_ms = LONG_AGO_MS;
    if (!watch->in_line) {
        return;
    }
    watch->in_line = false;
    queue->line_left--;
    line_skip(oracle, queue);
    if (queue->line_at == queue->line_count) {
        return;
    }
    end_ms = oracle_end_s(oracle, first, watch->shown) * 1000;
    if (!queue->open && /* probes are for bare and held ones by turns */
        end_ms > queue->line[queue->line_at].end_ms + ORDER_SLACK_MS) {
        break_responder(oracle, BROKEN_ORDER, cert, responder, queue->line[queue->line_at].cert);
    }
}

/* Somebody surely waits, the responder is well, and nobody is asked: not for longer than a second.
 */
static void see_idle(struct oracle *oracle, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];

    line_skip(oracle, queue);
    if (queue->line_left == 0) {
        queue->idle_ms = LONG_AGO_MS;
        heap_remove(&oracle->due, oracle->watch_count + responder);
        return;
    }
    if (queue->in_flight == 0 && queue->idle_ms == LONG_AGO_MS) {
        queue->idle_ms = oracle->world->now_ms;
    }
    heap_set(&oracle->due, oracle->watch_count + responder,
             queue->idle_ms != LONG_AGO_MS ? queue->idle_ms + 1001 : queue->line_until_ms);
}

void oracle_look_at_queue(struct oracle *oracle, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];
    int64_t now_ms = oracle->world->now_ms;

    line_skip(oracle, queue);
    if (queue->line_left > 0 && queue->idle_ms != LONG_AGO_MS && now_ms > queue->idle_ms + 1000) {
        break_responder(oracle, BROKEN_PROGRESS, queue->line[queue->line_at].cert, responder,
                        queue->line_left);
    } else if (queue->line_left > 0 && now_ms >= queue->line_until_ms) {
        break_responder(oracle, BROKEN_PROGRESS, queue->line[queue->line_at].cert, responder,
                        queue->line_left);
    }
    see_idle(oracle, responder);
}

/* ---- Asks and replies ---- */

static void count_hour(struct oracle *oracle)
{
    const struct world *world = oracle->world;
    uint32_t hour = (uint32_t)((world_true_s(world) - WORLD_START_S) / HOUR_S);

    oracle->result.asks++;
    if (hour >= oracle->hour_count) {
        oracle->hours =
            sim_grow(oracle->hours, oracle->hour_count, hour + 24, sizeof(*oracle->hours));
        oracle->hour_count = hour + 24;
    }
    oracle->hours[hour]++;
}

void oracle_asked(struct oracle *oracle, const struct ask *ask)
{
    const struct sim_cert *cert = &oracle->world->certs[ask->cert];
    uint32_t responder = cert->responders[ask->url];
    struct subject_matter *matter = matter_of(oracle, ask->cert);
    struct queue *queue = &oracle->queues[responder];

    count_hour(oracle);
    if (!cert->facts.has_issuer || cert->facts.is_ca || cert->facts.self_signed ||
        oracle->world->now_ms > time_add(cert->gone_ms, oracle->demands.linger_ms)) {
        oracle_break(oracle, BROKEN_QUIET, ask->cert, "asked for it");
    }
    check_caps(oracle, ask, responder);
    check_order(oracle, ask->cert, responder);
    check_probe(oracle, ask->cert, responder);
    oracle_pace_asks(oracle, ask);
    matter->in_flight++;
    matter->cert = ask->cert;
    matter->responder = responder;
    matter->attempt = ask->attempt;
    matter->probe = queue->open;
    queue->probes += queue->open;
    queue->in_flight++;
    oracle->in_flight++;
    matter->asked_ms = oracle->world->now_ms;
}

static void close_ask(struct oracle *oracle, uint32_t cert, uint64_t attempt)
{
    struct subject_matter *matter = matter_of(oracle, cert);
    struct queue *queue = &oracle->queues[matter->responder];

    if (!matter->in_flight || matter->attempt != attempt || matter->cert != cert) {
        return; /* broken before: two at once */
    }
    matter->in_flight--;
    queue->in_flight--;
    oracle->in_flight--;
    queue->probes -= matter->probe && queue->probes > 0;
    matter->probe = false;
}

void oracle_cancelled(struct oracle *oracle, uint32_t cert, uint64_t attempt)
{
    const struct subject_matter *matter = matter_of(oracle, cert);
    bool known = matter->in_flight && matter->attempt == attempt && matter->cert == cert;

    close_ask(oracle, cert, attempt);
    if (known) {
        oracle->queues[matter->responder].doubtful = true;
        oracle->queues[matter->responder].ill_ms = oracle->world->now_ms;
        oracle_pace_cancels(oracle, oracle->world->certs[cert].certid);
    }
}

enum news { NEWS_WELL, NEWS_ILL, NEWS_NEITHER, NEWS_DOUBTFUL };

/* What the reply says of the responder: transport, 5xx, 429 and what is not OCSP are its failures.
 * Redirects, bodies without end and other errors count either way. */
static enum news news_of(const struct world *world, const struct reply *reply)
{
    const struct answer *answer =
        reply->answer != ANSWER_NONE ? answers_get(&world->answers, reply->answer) : NULL;
    bool junk = answer && (answer->flaw == FLAW_JUNK || answer->flaw == FLAW_TRUNCATED);

    switch (reply->outcome) {
    case FETCH_ANSWER:
        return junk                                      ? NEWS_ILL
               : answer && answer->flaw == FLAW_TRAILING ? NEWS_DOUBTFUL
                                                         : NEWS_WELL;
    case FETCH_NOT_MODIFIED:
        return NEWS_WELL;
    case FETCH_NO_NAME:
    case FETCH_REFUSED:
    case FETCH_TIMEOUT:
    case FETCH_BROKEN:
        return NEWS_ILL;
    case FETCH_HTTP_STATUS:
        if (reply->http_status == 429 || (reply->http_status >= 500 && !answer)) {
            return NEWS_ILL;
        }
        return reply->http_status < 500 ? NEWS_NEITHER : NEWS_DOUBTFUL;
    default:
        return NEWS_DOUBTFUL;
    }
}

static void hear_circuit(struct oracle *oracle, uint32_t responder, enum news news)
{
    struct queue *queue = &oracle->queues[responder];

    if (news == NEWS_ILL) {
        queue->failures++;
        line_gone(oracle, queue);
        queue->vain = queue->open ? queue->vain + 1 : 0;
        queue->ill_ms = oracle->world->now_ms;
        if (!queue->open && queue->failures >= oracle->world->policy.responder_failures) {
            queue->open = true;
            queue->opened_ms = queue->tried_ms = oracle->world->now_ms;
            queue->probes = 0;
            world_seen(oracle->world, COVER_EVENT, SEEN_CIRCUIT_OPEN);
        }
        return;
    }
    if (news == NEWS_WELL && queue->open &&
        !responder_episode(&oracle->world->responders[responder], oracle->world->now_ms)) {
        line_up(oracle, responder);
    }
    queue->failures = 0;
    queue->probes = 0;
    if (queue->allowed) {
        queue->allowed++; /* one more for each that succeeds */
    }
    if (news == NEWS_DOUBTFUL) {
        queue->doubtful = true;
        queue->open = false;
        queue->ill_ms = oracle->world->now_ms;
    } else if (queue->open || queue->doubtful) {
        queue->allowed = queue->open ? 1 : queue->allowed;
        queue->open = queue->doubtful = false;
        oracle_pace_returns(oracle, responder);
    }
}

static bool is_probe(struct oracle *oracle, const struct ask *ask)
{
    const struct subject_matter *matter = matter_of(oracle, ask->cert);

    return matter->in_flight && matter->attempt == ask->attempt && matter->cert == ask->cert &&
           matter->probe;
}

void oracle_hear_ask(struct oracle *oracle, const struct ask *ask, const struct reply *reply)
{
    const struct world *world = oracle->world;
    uint32_t responder = world->certs[ask->cert].responders[ask->url];
    struct queue *queue = &oracle->queues[responder];
    enum news news = news_of(world, reply);

    if (is_probe(oracle, ask)) {
        queue->tried_ms = world->now_ms;
    }
    close_ask(oracle, ask->cert, ask->attempt);
    hear_circuit(oracle, responder, news);
    if (news == NEWS_WELL) {
        queue->pause_ms = LONG_AGO_MS;
    }
    if (reply->hints.retry_after_s > 0) {
        queue->pause_ms = queue->told_ms = world->now_ms;
        queue->pause_s = reply->hints.retry_after_s;
        queue->pause_bound_s = pause_bound_s(oracle, responder);
        world_seen(oracle->world, COVER_EVENT, SEEN_RETRY_AFTER);
    }
}

/* The subject has done with the reply. */
void oracle_see_queue(struct oracle *oracle, uint32_t responder)
{
    struct queue *queue = &oracle->queues[responder];

    if (queue->line_left > 0) {
        if (responder_episode(&oracle->world->responders[responder], oracle->world->now_ms)) {
            line_gone(oracle, queue);
        }
        see_idle(oracle, responder);
    }
}

void oracle_forget_asks(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        oracle->matters[i].in_flight = 0;
        oracle->matters[i].probe = false;
    }
    for (uint32_t i = 0; i < oracle->world->responder_count; i++) {
        struct queue *queue = &oracle->queues[i];

        line_gone(oracle, queue);
        queue->in_flight = queue->probes = queue->failures = 0;
        queue->time_count = queue->time_at = 0;
        queue->open = queue->doubtful = false;
        queue->pause_ms = LONG_AGO_MS;
        queue->vain = queue->hasty = queue->allowed = 0;
        queue->ill_ms = queue->told_ms = LONG_AGO_MS;
        heap_remove(&oracle->due, oracle->watch_count + i);
    }
    oracle->in_flight = 0;
}
