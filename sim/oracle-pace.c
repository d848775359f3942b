/* SPDX-License-Identifier: Apache-2.0 */

/* How soon, how late and in which ways each CertID is asked for again (DESIGN.md 4: when to ask,
 * failures).
 *
 * A round is what is asked without a wait in between; every way (URL; GET, GET past the caches,
 * POST) comes once in it. Checked are
 * - that no way is taken again within a second, whatever the reply was;
 * - after a good answer: not before a tenth of its life, or where nothing had failed before, before
 *   its half, nor while HTTP says that it is fresh; not behind its 60 %, or 8 h before its end
 * where it lives for 16 h and more; after an unchanged one between a fifth and 30 % of what is
 * left, or half of it where HTTP says that it is fresh so long;
 * - that those who waited for a responder that was down are not asked for together once more;
 * - after a failure: not later than the exponential backoff permits, nor than an eighth of what is
 *   left; and in the long run not more often than a spread over all of it would;
 * - that a round begins with GET, and does not end before POST was tried where GET met an HTTP
 *   error or junk, no-cache and then POST where the answer was a stale one, and each URL whose
 *   responder is not down;
 * - that what is asked ends.
 *
 * Only sure cases count: nothing is sure while the machine's clock excuses anything, or of what
 * waits for a responder that is down or has asked for time. */

#include "sim/must.h"
#include "sim/oracle-private.h"

/* What is cancelled sooner is not wanted any more; later it counts for a failure. */
#define GIVEN_UP_MS 5000

/* An answer may take so long, however near the end is. */
#define PATIENCE_LEAST_S 10

/* A leaf that has just been found asks, whatever its twin has. */
#define FOUND_MS 5000

/* So often it may be asked once more in a round because another URL turned out to be down. */
#define REPEATS 2U

/* So many waits in a row below a two-hundredth of what they may be, or within one of all of it, are
 * no chance. */
#define ODD_ROW  5
#define ODD_PART 200

/* So many in a row of half of it and more are none, either. */
#define HALF_ROW 30

/* What has no end is asked for again within that. */
#define ENDLESS_WAIT_MS 900000

/* What has ended is asked for every quarter of an hour at least. */
#define ENDED_WAIT_MS 900000

/* The same of a responder that is down: so many below a sixteenth. */
#define PROBES_ROW  12
#define PROBES_PART 16

static uint32_t way_bit(unsigned url, enum way way)
{
    return UINT32_C(1) << (url * WAYS + way);
}

static uint32_t url_bits(unsigned url)
{
    return way_bit(url, WAY_GET) | way_bit(url, WAY_FRESH) | way_bit(url, WAY_POST);
}

static enum way way_of(const struct ask *ask)
{
    return ask->post ? WAY_POST : ask->no_cache ? WAY_FRESH : WAY_GET;
}

static struct pace *pace_of(struct oracle *oracle, uint32_t cert)
{
    return &oracle->matters[oracle->world->certs[cert].certid].pace;
}

void oracle_break_ms(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                     const char *what, int64_t ms)
{
    struct buf detail = BUF_INIT(300);

    buf_put_text(&detail, what);
    buf_put_text(&detail, ": ");
    buf_put_int(&detail, ms);
    buf_put_text(&detail, " ms");
    oracle_break(oracle, invariant, cert, buf_text(&detail));
    buf_deinit(&detail);
}

/* ---- When to look ---- */

static void look_at(struct oracle *oracle, uint32_t certid, int64_t at_ms)
{
    uint32_t entry = oracle->watch_count + oracle->world->responder_count + certid;

    if (at_ms >= oracle->world->end_ms) {
        heap_remove(&oracle->due, entry);
    } else {
        must(heap_set(&oracle->due, entry, time_max(at_ms, oracle->world->now_ms + 1)) == 0);
    }
}

static void settle(struct oracle *oracle, uint32_t certid)
{
    const struct pace *pace = &oracle->matters[certid].pace;

    look_at(oracle, certid, time_min(pace->latest_ms, pace->wanted ? pace->wanted_ms : INT64_MAX));
}

static void pace_forget(struct oracle *oracle, uint32_t certid)
{
    struct pace *pace = &oracle->matters[certid].pace;

    *pace = (struct pace){.soonest_ms = LONG_AGO_MS,
                          .latest_ms = INT64_MAX,
                          .last_ms = LONG_AGO_MS,
                          .before_ms = LONG_AGO_MS,
                          .trouble_ms = LONG_AGO_MS};
    settle(oracle, certid);
}

void oracle_pace_init(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        pace_forget(oracle, i);
    }
}

/* ---- What is expected behind a reply ---- */

/* Nobody is to ask for it at all. */
static bool is_idle(const struct oracle *oracle, uint32_t cert)
{
    const struct world *world = oracle->world;

    return !world->process_up || !world_cert_is_there(world, cert) ||
           oracle->matters[world->certs[cert].certid].doomed ||
           world->certs[cert].facts.not_after_s <=
               world_true_s(world) + world->policy.margin_max_s + NEAR_S;
}

/* What is shown for @cert goes. If that is its end: it was asked for once more before, at least. */
static void judge_end(struct oracle *oracle, uint32_t cert)
{
    const struct sim_cert *hidden = &oracle->world->certs[cert];
    const struct subject_matter *matter = &oracle->matters[hidden->certid];
    int64_t waited_ms = oracle->world->now_ms - matter->pace.last_ms;

    if (matter->pace.planned && matter->leaves == 1 && !matter->in_flight &&
        waited_ms > 4 * oracle_slack_ms(oracle, hidden) && !is_idle(oracle, cert) &&
        oracle_clock_is_right(oracle) && oracle_excused_until_ms(oracle, hidden) == LONG_AGO_MS &&
        !oracle_was_ill(oracle, hidden) && !oracle_anybody_hangs(oracle) &&
        !oracle_is_busy(oracle, hidden)) {
        oracle_break_ms(oracle, BROKEN_TARDY, cert, "it ends, and was not asked for since",
                        waited_ms);
    }
}

void oracle_pace_hidden(struct oracle *oracle, uint32_t cert, bool known)
{
    struct pace *pace = pace_of(oracle, cert);

    if (known) {
        judge_end(oracle, cert);
    }
    pace->sure_rounds = pace->shorts = pace->longs = pace->halves =
        0; /* with nothing held fast at first */
    if (known && oracle->matters[oracle->world->certs[cert].certid].leaves == 1) {
        pace->rounds = 0;
    }
}

/* An error of HTTP, what is no answer, and what a cache keeps although it was asked past it. */
static bool post_may_help(const struct oracle *oracle, const struct ask *ask,
                          const struct reply *reply, enum verdict_of_reply verdict)
{
    enum answer_flaw flaw = FLAW_NONE;

    if (reply->outcome == FETCH_ANSWER) {
        flaw = answers_get(&oracle->world->answers, reply->answer)->flaw;
    }
    return reply->outcome == FETCH_BROKEN ||
           (reply->outcome == FETCH_HTTP_STATUS && reply->http_status < 500) || flaw == FLAW_JUNK ||
           flaw == FLAW_TRUNCATED || (verdict == REPLY_STALE && way_of(ask) == WAY_FRESH);
}

/* What else must be tried in this round. */
static uint32_t ways_wanted(const struct oracle *oracle, const struct ask *ask,
                            const struct reply *reply, enum verdict_of_reply verdict)
{
    const struct sim_cert *cert = &oracle->world->certs[ask->cert];
    uint32_t tried = oracle->matters[cert->certid].pace.tried | way_bit(ask->url, way_of(ask));
    uint32_t wanted = 0;
    bool blurred = oracle->matters[cert->certid].pace.blurred;
    bool same = oracle_let_alone_until_ms(oracle, cert->responders[ask->url]) == LONG_AGO_MS &&
                reply->hints.retry_after_s <= 0;

    if (same && way_of(ask) == WAY_GET && verdict == REPLY_STALE) {
        wanted |= way_bit(ask->url, WAY_FRESH);
    }
    if (same && way_of(ask) != WAY_POST && post_may_help(oracle, ask, reply, verdict)) {
        wanted |= way_bit(ask->url, WAY_POST);
    }
    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        if (!(tried & url_bits(i)) && !blurred &&
            oracle_let_alone_until_ms(oracle, cert->responders[i]) == LONG_AGO_MS) {
            wanted |= way_bit(i, WAY_GET);
        }
    }
    return wanted & ~tried;
}

/* This process has shown something for it, which went with its end. */
static bool has_ended(const struct oracle *oracle, uint32_t cert)
{
    const struct watch *watch = &oracle->watches[cert];

    return watch->top != ANSWER_NONE && watch->top_life == oracle->world->lives &&
           oracle->matters[oracle->world->certs[cert].certid].leaves == 1 &&
           !oracle->matters[oracle->world->certs[cert].certid].doomed;
}

/* How long it may wait after the @rounds-th failed round. */
static int64_t backoff_ms(const struct oracle *oracle, uint32_t cert, unsigned rounds)
{
    const struct policy *policy = &oracle->world->policy;
    uint32_t shown = oracle->watches[cert].shown;
    int64_t most_ms = policy->backoff_first_ms;

    for (unsigned i = 1; i < rounds && most_ms < policy->backoff_cap_s * 1000; i++) {
        most_ms *= 2;
    }
    most_ms = time_min(most_ms, policy->backoff_cap_s * 1000);
    if (shown == ANSWER_NONE && has_ended(oracle, cert)) {
        most_ms = time_min(most_ms, ENDED_WAIT_MS);
    }
    if (shown != ANSWER_NONE && oracle_is_usable(oracle, cert, shown)) {
        int64_t left_s = oracle_until_s(oracle, cert, shown) - world_true_s(oracle->world);

        most_ms = time_min(most_ms, left_s * 125);
    }
    return time_max(most_ms, policy->backoff_floor_ms);
}

/* The same in the long run, at least: what is nearly over may count for over or not. */
static int64_t long_backoff_ms(const struct oracle *oracle, uint32_t cert)
{
    uint32_t shown = oracle->watches[cert].shown;
    int64_t most_ms = oracle->world->policy.backoff_cap_s * 1000;
    int64_t left_s;

    if (shown == ANSWER_NONE) { /* what had one before may be in more of a hurry */
        return oracle->watches[cert].top == ANSWER_NONE ? most_ms : most_ms / 4;
    }
    left_s = time_max(0, oracle_until_s(oracle, cert, shown) - world_true_s(oracle->world));
    return time_min(most_ms, left_s * 125);
}

static void expect_after_failure(struct oracle *oracle, const struct ask *ask,
                                 const struct reply *reply, enum verdict_of_reply verdict)
{
    const struct sim_cert *cert = &oracle->world->certs[ask->cert];
    struct pace *pace = &oracle->matters[cert->certid].pace;
    int64_t now_ms = oracle->world->now_ms, slack = oracle_slack_ms(oracle, cert);
    int64_t asked_ms =
        time_min(reply->hints.retry_after_s, oracle->world->policy.retry_after_cap_s);

    pace->failed = true;
    pace->fresh = pace->planned = false;
    pace->soonest_ms = LONG_AGO_MS;
    pace->bound_ms = long_backoff_ms(oracle, ask->cert);
    pace->latest_ms = now_ms + slack + backoff_ms(oracle, ask->cert, pace->rounds + 1) +
                      time_max(0, asked_ms) * 1000;
    pace->trouble_ms = now_ms;
    pace->wanted |= ways_wanted(oracle, ask, reply, verdict);
    pace->wanted_ms = now_ms + slack;
}

static void forget_round(struct pace *pace)
{
    pace->wanted = 0;
    pace->failed = pace->fresh = pace->planned = false;
    pace->sure_rounds = pace->shorts = pace->longs = pace->halves = 0;
}

/* A good answer without nextUpdate, which all of the audience take, and newer than what is shown.
 */
static bool is_endless(const struct oracle *oracle, uint32_t cert, const struct reply *reply)
{
    const struct world *world = oracle->world;
    uint32_t shown = oracle->watches[cert].shown;
    const struct answer *answer;

    if (reply->outcome != FETCH_ANSWER || world->policy.audience || oracle->demands.lag_ms ||
        oracle->matters[world->certs[cert].certid].doomed || !oracle_clock_is_right(oracle)) {
        return false;
    }
    answer = answers_get(&world->answers, reply->answer);
    return answer_is_sound(answer, world->certs[cert].certid) &&
           answer->status == CERT_STATUS_GOOD && answer->next_update_s == INSTANT_NEVER &&
           answer->delegate_not_after_s == INSTANT_NEVER &&
           answer->this_update_s <= world_true_s(world) &&
           (shown == ANSWER_NONE || oracle_compare(oracle, cert, reply->answer, shown) >= 0);
}

void oracle_pace_hears(struct oracle *oracle, const struct ask *ask, const struct reply *reply)
{
    const struct sim_cert *cert = &oracle->world->certs[ask->cert];
    struct pace *pace = &oracle->matters[cert->certid].pace;
    enum verdict_of_reply verdict = oracle_judge_reply(oracle, ask->cert, reply);
    uint32_t number =
        reply->outcome == FETCH_ANSWER ? reply->answer : oracle->watches[ask->cert].shown;

    pace->latest_ms = INT64_MAX;
    pace->soonest_ms = LONG_AGO_MS;
    pace->late_ms = 0;
    pace->stays = false;
    switch (verdict) {
    case REPLY_FAILED:
    case REPLY_STALE:
        expect_after_failure(oracle, ask, reply, verdict);
        break;
    case REPLY_NEW:
    case REPLY_UNCHANGED:
        forget_round(pace);
        if (verdict == REPLY_NEW) {
            oracle_plan_after_new(oracle, number, ask->cert, reply->hints.fresh_s);
        } else {
            oracle->watches[ask->cert].waited = false;
            oracle_plan_after_unchanged(oracle, number, ask->cert, reply->hints.fresh_s);
        }
        break;
    case REPLY_UNCLEAR:
        oracle->watches[ask->cert].waited = false;
        forget_round(pace);
        pace->rounds++;
        pace->trouble_ms = oracle->world->now_ms;
        if (is_endless(oracle, ask->cert, reply)) {
            pace->latest_ms =
                oracle->world->now_ms + ENDLESS_WAIT_MS + oracle_slack_ms(oracle, cert);
        }
        break;
    }
    pace->last_ms = oracle->world->now_ms;
    settle(oracle, cert->certid);
}

void oracle_pace_cancels(struct oracle *oracle, uint32_t certid)
{
    const struct reply timeout = {.outcome = FETCH_TIMEOUT};
    const struct ask ask = oracle->matters[certid].pace.ask;

    if (world_cert_is_there(oracle->world, ask.cert) &&
        oracle->world->now_ms - oracle->matters[certid].asked_ms >= GIVEN_UP_MS) {
        oracle_pace_hears(oracle, &ask, &timeout);
    } else {
        pace_forget(oracle, certid); /* no need any more, or a twin goes on with it */
    }
}

/* ---- Asking ---- */

/* A new round begins: how long did it wait? */
static void judge_gap(struct oracle *oracle, uint32_t cert, int64_t gap_ms)
{
    const struct sim_cert *asked = &oracle->world->certs[cert];
    struct pace *pace = &oracle->matters[asked->certid].pace;
    int64_t bound_ms = pace->bound_ms;
    bool is_short, is_long, is_half;

    if (pace->sure_rounds < LONG_ROUNDS || oracle->matters[asked->certid].leaves != 1 ||
        bound_ms < 60000 || oracle_excused_until_ms(oracle, asked) != LONG_AGO_MS) {
        pace->shorts = pace->longs = pace->halves = 0;
        return;
    }
    is_short = gap_ms < bound_ms / ODD_PART;
    is_long = gap_ms > bound_ms - bound_ms / ODD_PART && gap_ms < bound_ms + bound_ms / ODD_PART;
    is_half = gap_ms >= bound_ms / 2 && gap_ms < bound_ms + bound_ms / ODD_PART;
    pace->halves = is_half ? pace->halves + 1 : 0;
    pace->shorts = is_short ? pace->shorts + 1 : 0;
    pace->longs = is_long ? pace->longs + 1 : 0;
    if (pace->shorts == ODD_ROW) {
        oracle_break_ms(oracle, BROKEN_HASTE, cert, "after many failures it waits only for",
                        gap_ms);
    } else if (pace->longs == ODD_ROW) {
        oracle_break_ms(oracle, BROKEN_HASTE, cert, "after failures it always waits for", gap_ms);
    } else if (pace->halves == HALF_ROW) {
        oracle_break_ms(oracle, BROKEN_HASTE, cert,
                        "after failures it never waits for less than half", gap_ms);
    }
}

/* The round is over: was everything tried? */
static void judge_round(struct oracle *oracle, uint32_t cert)
{
    const struct sim_cert *asked = &oracle->world->certs[cert];
    struct pace *pace = &oracle->matters[asked->certid].pace;

    for (unsigned i = 0; i < asked->facts.url_count; i++) {
        if (oracle_let_alone_until_ms(oracle, asked->responders[i]) != LONG_AGO_MS ||
            oracle_is_hanging(oracle, asked->responders[i])) {
            pace->wanted &= ~url_bits(i);
        }
    }
    if (pace->wanted && !is_idle(oracle, cert) && !oracle_anybody_hangs(oracle) &&
        !oracle_is_busy(oracle, asked)) {
        oracle_break_ms(oracle, BROKEN_WAYS, cert, "not every way was tried",
                        pace->wanted + 1000000 * pace->rounds);
    }
    pace->wanted = 0;
}

static bool is_new(const struct oracle *oracle, uint32_t certid)
{
    for (uint32_t i = oracle->matters[certid].first_leaf; i != UINT32_MAX;
         i = oracle->watches[i].next_leaf) {
        int64_t age_ms = oracle->world->now_ms - oracle->world->certs[i].found_ms;

        if (age_ms >= 0 && age_ms < FOUND_MS) {
            return true;
        }
    }
    return false;
}

/* Shown, or kept by a process that is just starting. */
static bool has_something(const struct oracle *oracle, uint32_t cert)
{
    const struct watch *watch = &oracle->watches[cert];
    uint32_t number = watch->shown != ANSWER_NONE ? watch->shown : watch->before;

    return number != ANSWER_NONE && oracle_is_usable(oracle, cert, number);
}

/* How long an attempt is waited for: what hangs leaves time for another way before the end. */
static int64_t patience_s(const struct oracle *oracle, uint32_t cert)
{
    uint32_t shown = oracle->watches[cert].shown;
    int64_t most_s = oracle->world->policy.fetch_patience_s, left_s;

    if (oracle->demands.lag_ms || shown == ANSWER_NONE || !oracle_is_usable(oracle, cert, shown) ||
        !oracle_clock_is_right(oracle)) {
        return most_s;
    }
    left_s = oracle_until_s(oracle, cert, shown) - world_true_s(oracle->world);
    return time_min(most_s, time_max(PATIENCE_LEAST_S, left_s / 4));
}

void oracle_pace_asks(struct oracle *oracle, const struct ask *ask)
{
    const struct sim_cert *cert = &oracle->world->certs[ask->cert];
    struct pace *pace = &oracle->matters[cert->certid].pace;
    int64_t now_ms = oracle->world->now_ms, gap_ms = now_ms - pace->last_ms;
    int64_t floor_ms = oracle->world->policy.backoff_floor_ms;
    uint32_t bit = way_bit(ask->url, way_of(ask));
    bool sure = oracle_clock_is_right(oracle) && !is_new(oracle, cert->certid);
    bool again = pace->tried & bit;

    oracle_plan_asks(oracle, ask);
    pace->repeats = again && pace->failed && gap_ms < floor_ms ? pace->repeats + 1 : 0;
    if (sure && oracle->matters[cert->certid].leaves == 1 &&
        pace->repeats > (cert->facts.url_count > 1 ? REPEATS : 0)) {
        oracle_break_ms(oracle, BROKEN_HASTE, ask->cert, "asks the same again after", gap_ms);
    } else if (sure && now_ms < pace->soonest_ms && has_something(oracle, ask->cert)) {
        oracle_break_ms(oracle, BROKEN_HASTE, ask->cert, "asks again too soon by",
                        pace->soonest_ms - now_ms);
    }
    if (sure && pace->planned && way_of(ask) == WAY_POST &&
        oracle->matters[cert->certid].leaves == 1) {
        oracle_break(oracle, BROKEN_WAYS, ask->cert, "begins with POST");
    }
    pace->rounds += pace->failed && (again || gap_ms >= floor_ms);
    if (again) {
        judge_round(oracle, ask->cert);
    }
    if (again && pace->failed) {
        pace->sure_rounds++;
        judge_gap(oracle, ask->cert, gap_ms);
    }
    if (again || (gap_ms >= floor_ms && !(pace->wanted & bit)) ||
        (pace->cut && gap_ms > 0 && way_of(ask) == WAY_GET)) {
        pace->tried = pace->wanted = 0;
        pace->cut = false;
        pace->blurred = !again; /* a new one, or it had to wait for this one */
    }
    if (gap_ms >= floor_ms) {
        pace->before_ms = pace->last_ms;
    }
    pace->ask = *ask;
    pace->tried |= bit;
    pace->wanted &= ~bit;
    pace->soonest_ms = LONG_AGO_MS;
    pace->late_ms = 0;
    pace->stays = false;
    pace->latest_ms = now_ms + (patience_s(oracle, ask->cert) + NEAR_S) * 1000;
    settle(oracle, cert->certid);
}

/* ---- Looking ---- */

/* It waits for a responder that is down. */
static void look_at_stay(struct oracle *oracle, uint32_t certid)
{
    struct subject_matter *matter = &oracle->matters[certid];
    const struct sim_cert *cert = &oracle->world->certs[matter->cert];
    int64_t by_ms = oracle_probed_by_ms(oracle, cert), now_ms = oracle->world->now_ms;

    if (matter->pace.stays && by_ms <= now_ms && !oracle_is_busy(oracle, cert)) {
        oracle_break_ms(oracle, BROKEN_TARDY, matter->cert,
                        "nobody is tried where a responder is down", now_ms - by_ms);
    }
    matter->pace.stays = true;
    matter->pace.latest_ms = by_ms == INT64_MAX
                                 ? now_ms + oracle->world->policy.probe_cap_s * 1000
                                 : time_max(by_ms, now_ms + oracle_slack_ms(oracle, cert));
}

static void look_late(struct oracle *oracle, uint32_t certid)
{
    struct subject_matter *matter = &oracle->matters[certid];
    const struct sim_cert *cert = &oracle->world->certs[matter->cert];
    struct pace *pace = &matter->pace;
    int64_t until_ms;

    pace->late_ms = pace->late_ms ? pace->late_ms : oracle->world->now_ms;
    until_ms = oracle_paused_until_ms(oracle, cert);
    if (is_idle(oracle, matter->cert) || !oracle_clock_is_right(oracle) ||
        oracle_anybody_hangs(oracle)) {
        pace->latest_ms = INT64_MAX;
    } else if (until_ms == INT64_MAX) {
        look_at_stay(oracle, certid);
    } else if (until_ms >= oracle->world->now_ms) {
        pace->stays = false;
        pace->latest_ms = until_ms + oracle_slack_ms(oracle, cert);
    } else if (oracle_is_busy(oracle, cert) || oracle_was_ill(oracle, cert)) {
        pace->latest_ms = oracle->world->now_ms + oracle_slack_ms(oracle, cert);
    } else {
        oracle_break_ms(oracle, BROKEN_TARDY, matter->cert,
                        pace->failed ? "not asked in time after a failure" : "not asked in time",
                        pace->failed ? pace->rounds : oracle->world->now_ms - pace->last_ms);
    }
}

void oracle_look_at_pace(struct oracle *oracle, uint32_t certid)
{
    struct subject_matter *matter = &oracle->matters[certid];
    struct pace *pace = &matter->pace;
    int64_t now_ms = oracle->world->now_ms;

    if (pace->wanted && now_ms >= pace->wanted_ms) {
        judge_round(oracle, matter->cert);
    }
    if (now_ms >= pace->latest_ms && matter->in_flight) {
        oracle_break_ms(oracle, BROKEN_TARDY, matter->cert, "waits for a reply since",
                        now_ms - matter->asked_ms);
    } else if (now_ms >= pace->latest_ms) {
        look_late(oracle, certid);
    }
    settle(oracle, certid);
}

/* A responder that was down is back: who waited for it is to be asked. */
void oracle_pace_returns(struct oracle *oracle, uint32_t responder)
{
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        struct subject_matter *matter = &oracle->matters[i];
        const struct sim_cert *cert = &oracle->world->certs[matter->cert];

        for (unsigned url = 0; url < cert->facts.url_count && matter->pace.stays; url++) {
            if (cert->responders[url] == responder) {
                matter->pace.stays = false;
                matter->pace.late_ms = 0;
                matter->pace.latest_ms = oracle->world->now_ms + oracle_slack_ms(oracle, cert) +
                                         oracle->world->policy.probe_cap_s * 1000;
                settle(oracle, i);
            }
        }
    }
}

/* ---- What changes all of it ---- */

static bool needs_staple(const struct cert_facts *facts)
{
    return facts->has_issuer && !facts->is_ca && !facts->self_signed && facts->url_count > 0;
}

/* @cert is new to the process: with nothing to show it is asked for at once. */
static void expect_first(struct oracle *oracle, uint32_t cert)
{
    const struct sim_cert *found = &oracle->world->certs[cert];
    struct pace *pace = pace_of(oracle, cert);
    uint32_t shown = oracle->watches[cert].shown;
    struct window life = {0, INT64_MIN};
    int64_t now_s = world_true_s(oracle->world), latest_s = now_s;

    if (is_idle(oracle, cert) || !needs_staple(&found->facts) || !oracle_clock_is_right(oracle) ||
        oracle->watches[cert].owed != ANSWER_NONE ||
        oracle->watches[cert].murky_ms > oracle->world->now_ms) {
        return; /* what waits for its time may have a plan of its own */
    }
    if (shown != ANSWER_NONE && oracle_is_usable(oracle, cert, shown)) {
        life = oracle_life(oracle, shown);
        latest_s = time_max(oracle_plan_latest_s(oracle, life, shown),
                            now_s + time_min(life.until_s - now_s, 100 * DAY_S) * 6 / 10);
    }
    oracle->matters[found->certid].cert = cert;
    pace->latest_ms = oracle_plan_in_time_ms(oracle, found, life, latest_s);
    settle(oracle, found->certid);
}

void oracle_pace_changes(struct oracle *oracle, uint32_t cert, bool found)
{
    uint32_t certid = oracle->world->certs[cert].certid;

    if (oracle->matters[certid].in_flight) {
        return; /* what comes of that counts */
    }
    pace_forget(oracle, certid);
    oracle_plan_well(oracle, certid);
    if (found) {
        expect_first(oracle, cert);
    }
}

void oracle_pace_forgets(struct oracle *oracle)
{
    oracle_plan_forget_spread(oracle);
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        unsigned rounds = oracle->matters[i].pace.rounds + oracle->matters[i].pace.failed;

        pace_forget(oracle, i);
        oracle->matters[i].pace.rounds = rounds; /* it may count on */
        oracle->matters[i].pace.blurred = oracle->matters[i].pace.cut = true;
    }
}

/* The plan outlives the process where the last reply was a new one. */
void oracle_pace_ends(struct oracle *oracle, bool (*may_be_lost)(const struct oracle *, int64_t))
{
    oracle_plan_forget_spread(oracle);
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        struct pace *pace = &oracle->matters[i].pace;
        bool kept = pace->fresh && oracle->matters[i].leaves == 1 &&
                    oracle_clock_is_right(oracle) &&
                    oracle->world->now_ms - pace->last_ms >= COMMIT_MS &&
                    !may_be_lost(oracle, pace->last_ms);
        int64_t soonest_ms = pace->soonest_ms;

        pace_forget(oracle, i);
        if (kept) {
            pace->soonest_ms = soonest_ms;
            pace->fresh = true;
        }
    }
}

void oracle_pace_starts(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (world_cert_is_there(oracle->world, i) &&
            !oracle->matters[oracle->world->certs[i].certid].in_flight) {
            expect_first(oracle, i);
        }
    }
}
