/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/oracle.h"

#include <assert.h>
#include <stdlib.h>

#include "core/clients.h"
#include "sim/must.h"
#include "sim/oracle-private.h"

/* Every minute, give or take ten seconds (packaging/clinch-expire.timer), by the machine's clock.
 */
#define EXPIRE_SLACK_S (70 + RIGHT_S)

static const char *const names[] = {
    [BROKEN_NOTHING] = "nothing",
    [BROKEN_EXPIRED] = "expired",
    [BROKEN_EARLY] = "early",
    [BROKEN_FOREIGN] = "foreign",
    [BROKEN_FORM] = "form",
    [BROKEN_SIGNATURE] = "signature",
    [BROKEN_DISHONEST] = "dishonest",
    [BROKEN_LATE] = "late",
    [BROKEN_OLDER] = "older",
    [BROKEN_MARGIN] = "margin",
    [BROKEN_FIRST_MINUTES] = "first-minutes",
    [BROKEN_STATUS] = "status",
    [BROKEN_REVOKED] = "revoked",
    [BROKEN_DOUBLE_FETCH] = "double-fetch",
    [BROKEN_CONCURRENCY] = "concurrency",
    [BROKEN_RATE] = "rate",
    [BROKEN_TOTAL] = "total",
    [BROKEN_RETRY_AFTER] = "retry-after",
    [BROKEN_CIRCUIT] = "circuit",
    [BROKEN_BARE] = "bare",
    [BROKEN_WITHDRAWN] = "withdrawn",
    [BROKEN_LOST] = "lost",
    [BROKEN_UNUSED] = "unused",
    [BROKEN_HASTE] = "haste",
    [BROKEN_TARDY] = "tardy",
    [BROKEN_WAYS] = "ways",
    [BROKEN_PROGRESS] = "progress",
    [BROKEN_ORDER] = "order",
    [BROKEN_SMOOTH] = "smooth",
    [BROKEN_HERD] = "herd",
    [BROKEN_TOO_MANY] = "too-many",
    [BROKEN_SPINNING] = "spinning",
    [BROKEN_QUIET] = "quiet",
    [BROKEN_BATCHED] = "batched",
};
_Static_assert(ARRAY_SIZE(names) == BROKEN_COUNT, "a name per invariant");

const char *invariant_name(enum invariant invariant)
{
    return names[invariant];
}

/* How old an answer may become for the audience; one without nextUpdate. */
static void read_audience(struct oracle *oracle)
{
    uint32_t audience = oracle->world->policy.audience;
    bool firefox = audience & CLIENT_BIT(CLIENT_FIREFOX);

    oracle->age_s = firefox ? 10 * DAY_S : INSTANT_NEVER;
    oracle->bare_age_s = firefox ? DAY_S : INSTANT_NEVER;
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        if (audience & CLIENT_BIT(i) && clients[i].bad_is_fatal) {
            oracle->age_s = time_min(oracle->age_s, clients[i].age_s);
            if (clients[i].bare_s > 0) {
                oracle->bare_age_s = time_min(oracle->bare_age_s, clients[i].bare_s);
            }
        }
    }
}

static void read_matters(struct oracle *oracle)
{
    const struct world *world = oracle->world;

    oracle->matter_count = world->certid_count;
    oracle->matters = sim_grow(NULL, 0, world->certid_count + 1, sizeof(*oracle->matters));
    for (uint32_t i = 0; i < world->certid_count; i++) {
        oracle->matters[i].asked_ms = oracle->matters[i].undone_ms = LONG_AGO_MS;
        oracle->matters[i].first_leaf = UINT32_MAX;
    }
    for (uint32_t i = world->cert_count; i-- > 0;) {
        struct subject_matter *matter = &oracle->matters[world->certs[i].certid];

        oracle->watches[i].next_leaf = matter->first_leaf;
        matter->first_leaf = matter->cert = i;
        matter->leaves++;
    }
}

struct oracle *oracle_new(struct world *world, bool judges)
{
    struct oracle *oracle = sim_grow(NULL, 0, 1, sizeof(*oracle));

    oracle->world = world;
    oracle->judges = judges;
    read_audience(oracle);
    oracle->result.broken_cert = UINT32_MAX;
    oracle->result.detail = BUF_INIT(1000);
    oracle->watch_count = world->cert_count;
    oracle->watches = sim_grow(NULL, 0, world->cert_count + 1, sizeof(*oracle->watches));
    for (uint32_t i = 0; i < world->cert_count; i++) {
        oracle->watches[i].class_until_ms = INSTANT_NEVER;
        oracle->watches[i].due_until_ms = INSTANT_NEVER;
        oracle->watches[i].owed_ms = INSTANT_NEVER;
        oracle->watches[i].covered_ms = oracle->watches[i].hidden_ms = LONG_AGO_MS;
        oracle->watches[i].counted_ms = time_max(world->now_ms, world->certs[i].found_ms);
    }
    read_matters(oracle);
    oracle->queues = sim_grow(NULL, 0, world->responder_count + 1, sizeof(*oracle->queues));
    oracle->full_from_ms = oracle->full_until_ms = LONG_AGO_MS;
    oracle_forget_asks(oracle);
    oracle_pace_init(oracle);
    return oracle;
}

struct oracle *oracle_free(struct oracle *oracle)
{
    if (oracle) {
        for (uint32_t i = 0; i < oracle->world->responder_count; i++) {
            free(oracle->queues[i].times);
            free(oracle->queues[i].line);
        }
        heap_deinit(&oracle->due);
        buf_deinit(&oracle->result.detail);
        free(oracle->watches);
        free(oracle->matters);
        free(oracle->queues);
        free(oracle->lives);
        free(oracle->hours);
        free(oracle);
    }
    return NULL;
}

void oracle_demand(struct oracle *oracle, const struct oracle_demands *demands)
{
    oracle->demands = *demands;
}

const struct oracle_result *oracle_result(const struct oracle *oracle)
{
    return &oracle->result;
}

struct watch *oracle_watch_of(struct oracle *oracle, uint32_t cert)
{
    must(cert < oracle->watch_count);
    return &oracle->watches[cert];
}

void oracle_break(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                  const char *detail)
{
    struct oracle_result *result = &oracle->result;

    if (!oracle->judges || result->broken != BROKEN_NOTHING) {
        return;
    }
    result->broken = invariant;
    result->broken_ms = oracle->world->now_ms;
    result->broken_cert = cert;
    buf_put_text(&result->detail, detail);
    world_mark(oracle->world, invariant_name(invariant), cert, 0, 0);
}

static void break_with_answer(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                              uint32_t number, const char *what)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    struct buf detail = BUF_INIT(500);

    buf_put_text(&detail, what);
    buf_put_text(&detail, ": answer ");
    buf_put_int(&detail, number);
    buf_put_text(&detail, " from ");
    world_put_time(&detail, answer->this_update_s * 1000);
    if (answer->next_update_s != INSTANT_NEVER) {
        buf_put_text(&detail, " to ");
        world_put_time(&detail, answer->next_update_s * 1000);
    }
    oracle_break(oracle, invariant, cert, buf_text(&detail));
    buf_deinit(&detail);
}

/* ---- Is what is shown good in truth? ---- */

int64_t oracle_end_s(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct answer *answer = answers_get(&world->answers, number);
    int64_t end_s = time_min(answer->next_update_s, answer->delegate_not_after_s);

    end_s = time_min(end_s, time_add(answer->this_update_s, answer->next_update_s != INSTANT_NEVER
                                                                ? oracle->age_s
                                                                : oracle->bare_age_s));
    return time_min(end_s, world->certs[cert].facts.not_after_s);
}

int64_t oracle_margin_s(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    int64_t span_s = time_sub(oracle_end_s(oracle, cert, number), answer->this_update_s);

    return time_max(0, time_min(oracle->world->policy.margin_max_s, span_s / 8));
}

/* Must-staple: shown a day longer than anybody but Firefox takes it. */
static int64_t grace_end_s(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct policy *policy = &world->policy;
    const struct answer *answer = answers_get(&world->answers, number);
    int64_t end_s;

    if (!policy->must_staple_grace || !world->certs[cert].facts.must_staple ||
        !(policy->audience & CLIENT_BIT(CLIENT_FIREFOX))) {
        return INT64_MIN;
    }
    end_s = time_min(answer->next_update_s, answer->this_update_s + 10 * DAY_S);
    end_s = time_min(end_s, time_sub(answer->delegate_not_after_s, DAY_S));
    return time_add(end_s, policy->grace_s + RIGHT_S); /* no margin takes up the clock's error */
}

bool oracle_is_keepable(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    int64_t now_s = world_true_s(oracle->world);
    int64_t grace_s =
        time_min(grace_end_s(oracle, cert, number), oracle->world->certs[cert].facts.not_after_s);

    return oracle_is_usable(oracle, cert, number) ||
           (answer->status == CERT_STATUS_GOOD && answer->next_update_s != INSTANT_NEVER &&
            answer->this_update_s <= now_s && now_s + 2 * RIGHT_S + ROUND_S < grace_s);
}

/* Faults that no clock excuses. */
static enum invariant judge_form(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct answer *answer = answers_get(&world->answers, number);

    switch (answer->flaw) {
    case FLAW_NONE:
        break;
    case FLAW_OTHER_ISSUER:
        return BROKEN_FOREIGN;
    case FLAW_BAD_SIGNATURE:
    case FLAW_STRANGER:
    case FLAW_NO_EKU:
        return BROKEN_SIGNATURE;
    default:
        return BROKEN_FORM;
    }
    if (answer->certid != world->certs[cert].certid) {
        return BROKEN_FOREIGN;
    }
    if (!answer->honest) {
        return BROKEN_DISHONEST;
    }
    if (answer->status == CERT_STATUS_GOOD ||
        (answer->status == CERT_STATUS_REVOKED && world->policy.staple_revoked)) {
        return BROKEN_NOTHING;
    }
    return BROKEN_STATUS;
}

/* The class of what is shown now, until when it stays so, and what is broken by it. */
static enum invariant judge_shown(const struct oracle *oracle, uint32_t cert, uint32_t number,
                                  enum shown_class *ret_class, int64_t *ret_until_ms)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    int64_t now_s = world_true_s(oracle->world), end_s = oracle_end_s(oracle, cert, number);
    int64_t grace_s = grace_end_s(oracle, cert, number);
    enum invariant broken = judge_form(oracle, cert, number);

    *ret_class = SHOWN_BAD;
    *ret_until_ms = INSTANT_NEVER;
    if (broken != BROKEN_NOTHING) {
        return broken;
    }
    if (now_s < answer->this_update_s - RIGHT_S) {
        *ret_until_ms = (answer->this_update_s - RIGHT_S) * 1000;
        return BROKEN_EARLY;
    }
    if (now_s < end_s || end_s == INSTANT_NEVER) {
        *ret_class = SHOWN_VALID;
        *ret_until_ms = end_s == INSTANT_NEVER ? INSTANT_NEVER : end_s * 1000;
        return BROKEN_NOTHING;
    }
    if (now_s < grace_s) {
        *ret_class = SHOWN_GRACE;
        *ret_until_ms = grace_s * 1000;
        world_seen(oracle->world, COVER_EVENT, SEEN_GRACE);
        return BROKEN_NOTHING;
    }
    return BROKEN_EXPIRED;
}

/* When the last process ended; LONG_AGO_MS: none has. */
static int64_t ended_ms(const struct oracle *oracle)
{
    uint32_t running = oracle->world->process_up;

    return oracle->life_count > running ? oracle->lives[oracle->life_count - 1 - running].until_ms
                                        : LONG_AGO_MS;
}

/* What a process left behind that is away, or whose successor did not take it up, is looked at once
 * a minute, also where it did not know that it had ended. Looks again when that is over. */
static bool is_left_behind(struct oracle *oracle, uint32_t cert)
{
    const struct world *world = oracle->world;
    struct watch *watch = &oracle->watches[cert];
    int64_t end_s =
        time_max(oracle_end_s(oracle, cert, watch->shown), grace_end_s(oracle, cert, watch->shown));

    if (world->process_up && watch->told_life == world->lives) {
        return false;
    }
    watch->class_until_ms = time_max(end_s * 1000, ended_ms(oracle)) + EXPIRE_SLACK_S * 1000;
    if (!world->process_up && world_now(world).wall_s < world_true_s(world) - RIGHT_S) {
        watch->class_until_ms = world->now_ms + 60000; /* by that clock it has not ended */
    }
    return world->now_ms < watch->class_until_ms;
}

/* Times excuse what a clock that was never right is to blame for, and the certificate's own end
 * makes nothing worse. */
static bool excuses(struct oracle *oracle, uint32_t cert, enum invariant broken)
{
    const struct world *world = oracle->world;

    if (broken == BROKEN_EARLY) {
        return !oracle->trust.trusted || oracle->trust.tainted;
    }
    if (broken == BROKEN_EXPIRED && is_left_behind(oracle, cert)) {
        return true;
    }
    return broken == BROKEN_EXPIRED &&
           (!oracle->trust.trusted || world->certs[cert].facts.not_after_s <= world_true_s(world));
}

/* ---- Accounts ---- */

void oracle_count(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = &oracle->watches[cert];
    const struct world *world = oracle->world;
    int64_t now_ms = time_min(world->now_ms, world->certs[cert].gone_ms);
    int64_t span_ms = now_ms - watch->counted_ms;
    struct oracle_result *result = &oracle->result;

    if (span_ms <= 0 || !world->certs[cert].facts.has_issuer) {
        return;
    }
    watch->counted_ms = now_ms;
    if (!world->process_up && !world->servers_keep) {
        return;
    }
    result->life_ms += span_ms;
    result->due_ms += watch->due ? span_ms : 0;
    switch (watch->class) {
    case SHOWN_VALID:
        result->valid_ms += span_ms;
        result->due_served_ms += watch->due ? span_ms : 0;
        break;
    case SHOWN_BAD:
        result->bad_ms += span_ms;
        break;
    default:
        result->bare_ms += span_ms;
    }
}

void oracle_count_all(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (world_cert_is_there(oracle->world, i)) {
            oracle_count(oracle, i);
        }
    }
}

/* ---- Looking at one certificate ---- */

static bool needs_staple(const struct oracle *oracle, uint32_t cert)
{
    const struct cert_facts *facts = &oracle->world->certs[cert].facts;

    return facts->has_issuer && !facts->is_ca && !facts->self_signed && facts->url_count > 0;
}

static void check_due(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = &oracle->watches[cert];
    int64_t asked_ms = oracle->matters[oracle->world->certs[cert].certid].asked_ms;
    struct buf detail = BUF_INIT(300);

    if (watch->class == SHOWN_VALID || (!watch->due && !oracle->demands.never_bare)) {
        return;
    }
    if (!watch->due && watch->top == ANSWER_NONE) {
        return; /* never_bare begins with the first staple */
    }
    buf_put_text(&detail, "nothing valid is shown; last asked ");
    if (asked_ms == LONG_AGO_MS) {
        buf_put_text(&detail, "never");
    } else {
        world_put_time(&detail, asked_ms);
    }
    oracle_break(oracle, BROKEN_BARE, cert, buf_text(&detail));
    buf_deinit(&detail);
}

/* It goes before its end: clients' clocks differ. Looks again when it must have gone. */
static void check_margin(struct oracle *oracle, uint32_t cert)
{
    const struct world *world = oracle->world;
    struct watch *watch = &oracle->watches[cert];
    int64_t until_s = oracle_until_s(oracle, cert, watch->shown) + RIGHT_S + ROUND_S;
    int64_t until_ms = until_s * 1000 + oracle->demands.lag_ms;

    if (watch->class != SHOWN_VALID || until_s >= oracle_end_s(oracle, cert, watch->shown) ||
        grace_end_s(oracle, cert, watch->shown) > until_s) {
        return;
    }
    if (world->now_ms < until_ms) {
        watch->class_until_ms = time_min(watch->class_until_ms, until_ms);
    } else if (world->process_up && watch->told_life == world->lives &&
               oracle_clock_is_plain(oracle)) {
        break_with_answer(oracle, BROKEN_MARGIN, cert, watch->shown,
                          "is shown in its last minutes");
    }
}

/* Everything about @cert as it is now, and when to look again. */
void oracle_watch(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = oracle_watch_of(oracle, cert);
    enum invariant broken;
    int64_t look_ms;

    oracle_count(oracle, cert);
    watch->class = SHOWN_NOTHING;
    watch->class_until_ms = INSTANT_NEVER;
    if (watch->shown != ANSWER_NONE) {
        broken = judge_shown(oracle, cert, watch->shown, &watch->class, &watch->class_until_ms);
        if (broken != BROKEN_NOTHING && !excuses(oracle, cert, broken)) {
            break_with_answer(oracle, broken, cert, watch->shown, "is shown");
        }
        check_margin(oracle, cert);
    }
    oracle_see_owed(oracle, cert);
    watch->due = false;
    watch->due_until_ms = INSTANT_NEVER;
    if (needs_staple(oracle, cert)) {
        watch->due = !oracle->matters[oracle->world->certs[cert].certid].doomed &&
                     oracle_is_due(oracle, cert, &watch->due_until_ms);
        if (oracle->world->process_up && world_cert_is_there(oracle->world, cert)) {
            check_due(oracle, cert);
        }
        if (!watch->due && watch->shown == ANSWER_NONE) {
            world_seen(oracle->world, COVER_EVENT, SEEN_BARE);
        }
    }
    look_ms = time_min(watch->class_until_ms, watch->due_until_ms);
    if (oracle->world->process_up) { /* else it is looked at when it starts */
        look_ms = time_min(look_ms, watch->owed_ms);
    }
    if (oracle->demands.lag_ms) {
        look_ms = time_min(look_ms, oracle_check_revoked(oracle, cert));
    }
    if (look_ms == INSTANT_NEVER || look_ms >= oracle->world->end_ms) {
        heap_remove(&oracle->due, cert);
    } else {
        must(heap_set(&oracle->due, cert, time_max(look_ms, oracle->world->now_ms + 1)) == 0);
    }
}

int64_t oracle_deadline_ms(const struct oracle *oracle)
{
    return heap_first(&oracle->due, NULL);
}

void oracle_look(struct oracle *oracle)
{
    uint32_t entry;

    oracle_clock_passes(oracle);
    heap_first(&oracle->due, &entry);
    if (entry < oracle->watch_count) {
        oracle_watch(oracle, entry);
        return;
    }
    entry -= oracle->watch_count;
    if (entry < oracle->world->responder_count) {
        oracle_look_at_queue(oracle, entry);
    } else {
        oracle_look_at_pace(oracle, entry - oracle->world->responder_count);
    }
}
