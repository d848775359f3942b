/* SPDX-License-Identifier: Apache-2.0 */

/* What excuses that somebody is not asked for in time: who is in line before, and how the
 * responders are. And what a reply is worth. */

#include "sim/oracle-private.h"

/* Within it the next way of a round is taken, when nobody else is in line. */
#define PROMPT_MS 10000

/* As many requests as may be in a second, in little more. */
#define BUSY_MS 1500

/* Longer than anybody waits by himself because of it. */
#define ILL_MS 600000

bool oracle_is_hanging(const struct oracle *oracle, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct responder *responder = &world->responders[number];
    int64_t memory_ms = 4 * world->policy.fetch_patience_s * 1000;

    for (uint32_t i = 0; i < responder->episode_count; i++) {
        const struct episode *episode = &responder->episodes[i];

        if (episode->from_ms > world->now_ms) {
            break;
        }
        if ((episode->fault == FAULT_HANG || episode->fault == FAULT_LATE) &&
            episode->until_ms > world->now_ms - memory_ms) {
            return true;
        }
    }
    return false;
}

bool oracle_anybody_hangs(const struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->world->responder_count; i++) {
        if (oracle_is_hanging(oracle, i) || oracle->world->responders[i].only_last_quarter) {
            return true;
        }
    }
    return false;
}

int64_t oracle_let_alone_until_ms(const struct oracle *oracle, uint32_t number)
{
    const struct queue *queue = &oracle->queues[number];
    int64_t most_ms = oracle->world->policy.retry_after_cap_s * 1000;

    if (queue->open || queue->doubtful) {
        return INT64_MAX;
    }
    /* Whoever asks next may be told the same, and so on, one after another. */
    return queue->told_ms != LONG_AGO_MS && oracle->world->now_ms < queue->told_ms + 2 * most_ms
               ? queue->told_ms + 2 * most_ms
               : LONG_AGO_MS;
}

int64_t oracle_excused_until_ms(const struct oracle *oracle, const struct sim_cert *cert)
{
    int64_t until_ms = LONG_AGO_MS;

    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        until_ms = time_max(until_ms, oracle_let_alone_until_ms(oracle, cert->responders[i]));
    }
    return until_ms;
}

int64_t oracle_paused_until_ms(const struct oracle *oracle, const struct sim_cert *cert)
{
    const struct policy *policy = &oracle->world->policy;
    const struct subject_matter *matter = &oracle->matters[cert->certid];
    uint32_t shown = oracle->watches[matter->cert].shown;
    int64_t until_ms = oracle_excused_until_ms(oracle, cert), most_ms = LONG_AGO_MS;

    if (until_ms == INT64_MAX || matter->leaves != 1 || oracle->demands.lag_ms) {
        return until_ms;
    }
    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        int64_t from_ms =
            time_max(oracle->queues[cert->responders[i]].told_ms, matter->pace.late_ms);
        int64_t bound_ms = policy->probe_cap_s * 1000;

        if (shown != ANSWER_NONE && oracle_is_usable(oracle, matter->cert, shown)) {
            bound_ms = (oracle_until_s(oracle, matter->cert, shown) * 1000 - from_ms) / 8;
            bound_ms = time_min(bound_ms, policy->retry_after_cap_s * 1000);
        }
        most_ms = time_max(most_ms, from_ms + bound_ms);
    }
    return time_min(until_ms, most_ms);
}

int64_t oracle_probed_by_ms(const struct oracle *oracle, const struct sim_cert *cert)
{
    const struct policy *policy = &oracle->world->policy;
    const struct subject_matter *matter = &oracle->matters[cert->certid];
    const struct queue *queue = &oracle->queues[cert->responders[0]];
    int64_t from_ms = time_max(queue->tried_ms, matter->pace.late_ms);
    int64_t bound_ms = policy->probe_cap_bare_s * 1000;
    uint32_t shown = oracle->watches[matter->cert].shown;

    if (matter->leaves != 1 || cert->facts.url_count != 1 || queue->doubtful || queue->probes > 0 ||
        oracle->demands.lag_ms ||
        oracle->world->now_ms < queue->told_ms + 2 * policy->retry_after_cap_s * 1000) {
        return INT64_MAX;
    }
    if (shown != ANSWER_NONE && oracle_is_usable(oracle, matter->cert, shown)) {
        bound_ms = (oracle_until_s(oracle, matter->cert, shown) * 1000 - from_ms) / 8;
        bound_ms = time_min(bound_ms, policy->probe_cap_s * 1000);
    }
    return from_ms + bound_ms + oracle_slack_ms(oracle, cert);
}

bool oracle_is_busy(const struct oracle *oracle, const struct sim_cert *cert)
{
    const struct policy *policy = &oracle->world->policy;

    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        const struct queue *queue = &oracle->queues[cert->responders[i]];

        if (queue->in_flight >= policy->responder_concurrency ||
            (queue->allowed && queue->in_flight >= queue->allowed) ||
            (policy->responder_rate && queue->time_count == policy->responder_rate &&
             oracle->world->now_ms - queue->times[queue->time_at] < BUSY_MS)) {
            return true;
        }
    }
    return oracle->in_flight >= policy->total_concurrency;
}

bool oracle_was_ill(const struct oracle *oracle, const struct sim_cert *cert)
{
    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        if (oracle->world->now_ms - oracle->queues[cert->responders[i]].ill_ms < ILL_MS) {
            return true;
        }
    }
    return false;
}

int64_t oracle_slack_ms(const struct oracle *oracle, const struct sim_cert *cert)
{
    int64_t sum_ms = PROMPT_MS + NEAR_S * 1000;

    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        sum_ms += 2 * oracle_drain_ms(oracle, cert->responders[i]);
    }
    return sum_ms;
}

/* ---- Replies ---- */

static bool is_stale(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    uint32_t shown = oracle->watches[cert].shown;
    int64_t end_s = answers_get(&oracle->world->answers, number)->next_update_s;

    if (oracle->world->certs[cert].facts.must_staple) {
        end_s = time_add(end_s, oracle->world->policy.grace_s); /* better than nothing */
    }
    if (end_s <= world_true_s(oracle->world) - NEAR_S) {
        return true;
    }
    return shown != ANSWER_NONE && oracle_is_usable(oracle, cert, shown) &&
           oracle_compare(oracle, cert, number, shown) < 0;
}

/* Of an answer that is sound and good. */
static enum verdict_of_reply judge_good(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    const struct watch *watch = &oracle->watches[cert];

    if (answer->next_update_s == INSTANT_NEVER ||
        answer->this_update_s > world_true_s(oracle->world)) {
        return REPLY_UNCLEAR;
    }
    if (answer->delegate_not_after_s <= world_true_s(oracle->world)) {
        return REPLY_FAILED;
    }
    if (is_stale(oracle, cert, number)) {
        return REPLY_STALE;
    }
    if (!oracle_is_usable(oracle, cert, number)) {
        return REPLY_UNCLEAR;
    }
    if (watch->murky_ms > oracle->world->now_ms ||
        (watch->owed != ANSWER_NONE &&
         (watch->ahead || oracle_compare(oracle, cert, number, watch->owed) < 0))) {
        return REPLY_UNCLEAR; /* something waits that may be preferred */
    }
    if (watch->shown == ANSWER_NONE) {
        return REPLY_NEW;
    }
    if (!oracle_is_usable(oracle, cert, watch->shown) || watch->told_life != oracle->world->lives) {
        return REPLY_UNCLEAR;
    }
    return oracle_compare(oracle, cert, number, watch->shown) == 0 || number == watch->owed
               ? REPLY_UNCHANGED
               : REPLY_NEW;
}

enum verdict_of_reply oracle_judge_reply(const struct oracle *oracle, uint32_t cert,
                                         const struct reply *reply)
{
    const struct world *world = oracle->world;
    const struct subject_matter *matter = &oracle->matters[world->certs[cert].certid];
    uint32_t shown = oracle->watches[cert].shown;
    const struct answer *answer;

    if (!oracle_clock_is_right(oracle) || matter->doomed) {
        return REPLY_UNCLEAR;
    }
    if (reply->outcome == FETCH_NOT_MODIFIED) {
        if (shown != ANSWER_NONE) {
            return judge_good(oracle, cert, shown);
        } /* of something that has ended: of no use */
        return oracle->watches[cert].owed == ANSWER_NONE &&
                       oracle->watches[cert].murky_ms <= world->now_ms
                   ? REPLY_FAILED
                   : REPLY_UNCLEAR;
    }
    if (reply->outcome != FETCH_ANSWER) {
        return REPLY_FAILED;
    }
    answer = answers_get(&world->answers, reply->answer);
    if (!answer_is_sound(answer, world->certs[cert].certid) ||
        answer->status == CERT_STATUS_UNKNOWN) {
        return REPLY_FAILED;
    }
    return answer->status == CERT_STATUS_GOOD ? judge_good(oracle, cert, reply->answer)
                                              : REPLY_UNCLEAR;
}
