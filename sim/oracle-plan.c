/* SPDX-License-Identifier: Apache-2.0 */

/* What is expected behind a good answer: when its CertID is asked for again (see oracle-pace.c). */

#include "sim/oracle-private.h"

/* After a good answer nobody asks again within half a minute, but shortly before an end. */
#define ANSWERED_S 30

/* Of those who waited for a responder, once so many were asked for again, a quarter was before so
 * much of the life of what they were given then: it is spread over 10 to 60 %. */
#define SPREAD_LEAST 100
#define SPREAD_EARLY 40

struct window oracle_life(const struct oracle *oracle, uint32_t number)
{
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    int64_t end_s = time_min(answer->next_update_s, answer->delegate_not_after_s);

    return (struct window){answer->this_update_s,
                           time_min(end_s, time_add(answer->this_update_s, oracle->age_s))};
}

static struct window useful_life_of(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    return (struct window){answers_get(&oracle->world->answers, number)->this_update_s,
                           oracle_end_s(oracle, cert, number)};
}

/* Nothing went wrong with it since the last good answer, nor with its responders. */
static bool is_untroubled(const struct oracle *oracle, const struct sim_cert *cert)
{
    const struct pace *pace = &oracle->matters[cert->certid].pace;

    if (pace->before_ms == LONG_AGO_MS || pace->trouble_ms != LONG_AGO_MS) {
        return false;
    }
    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        if (oracle->queues[cert->responders[i]].ill_ms >= pace->before_ms) {
            return false;
        }
    }
    return true;
}

/* All is well again; but a twin's failures may be its own. */
void oracle_plan_well(struct oracle *oracle, uint32_t certid)
{
    struct pace *pace = &oracle->matters[certid].pace;

    pace->rounds = oracle->matters[certid].leaves > 1 ? LONG_ROUNDS : 0;
    pace->trouble_ms = LONG_AGO_MS;
}

/* When an authority has the next answer; INSTANT_NEVER: nobody knows. A life that something else
 * cuts off may count for a little less than it is. */
static int64_t renewed_of(const struct oracle *oracle, struct window life, uint32_t number)
{
    bool whole = life.until_s == answers_get(&oracle->world->answers, number)->next_update_s;
    int64_t least_s = 16 * HOUR_S + (whole ? 0 : oracle->world->policy.margin_max_s + NEAR_S);

    return life.until_s - life.from_s >= least_s ? life.until_s - 8 * HOUR_S : INSTANT_NEVER;
}

int64_t oracle_plan_latest_s(const struct oracle *oracle, struct window life, uint32_t number)
{
    int64_t span_s = time_min(life.until_s - life.from_s, 100 * DAY_S);

    return time_min(life.from_s + span_s * 6 / 10, renewed_of(oracle, life, number));
}

/* Whose leaf ends before it need not be asked for again in time. */
int64_t oracle_plan_in_time_ms(const struct oracle *oracle, const struct sim_cert *cert,
                               struct window life, int64_t latest_s)
{
    return cert->facts.not_after_s < life.until_s ? INT64_MAX
                                                  : latest_s * 1000 + oracle_slack_ms(oracle, cert);
}

/* Until when HTTP says that it is fresh; no longer than to @latest_s, less what may be rounded
 * away.
 */
static int64_t fresh_until_s(const struct oracle *oracle, int64_t fresh_s, int64_t latest_s)
{
    int64_t until_s = time_add(world_true_s(oracle->world), time_max(0, fresh_s));

    return time_min(until_s, latest_s - oracle->world->policy.margin_max_s) - NEAR_S;
}

/* Already when it comes the time to ask for the next is over: not at once all the same. */
static int64_t old_until_s(const struct oracle *oracle, struct window life, int64_t renewed_s)
{
    int64_t now_s = world_true_s(oracle->world);
    int64_t until_s = now_s + time_min(life.until_s - now_s, 100 * DAY_S) * 9 / 100;

    return (renewed_s > now_s ? time_min(until_s, renewed_s - oracle->world->policy.margin_max_s)
                              : until_s) -
           NEAR_S;
}

/* Who has waited for a responder was given something that is new indeed. */
static void expect_spread(struct oracle *oracle, uint32_t cert, struct window life, int64_t fresh_s)
{
    struct watch *watch = &oracle->watches[cert];
    int64_t span_s = life.until_s - life.from_s;

    watch->spread = watch->waited && fresh_s < span_s / 4 &&
                    world_true_s(oracle->world) < life.from_s + span_s / 10 &&
                    oracle->world->certs[cert].facts.not_after_s >= life.until_s;
    watch->waited = false;
}

/* @ask is the next one for who had waited. */
void oracle_plan_asks(struct oracle *oracle, const struct ask *ask)
{
    struct queue *queue = &oracle->queues[oracle->world->certs[ask->cert].responders[ask->url]];
    struct watch *watch = &oracle->watches[ask->cert];
    struct window life;

    if (!watch->spread || watch->shown == ANSWER_NONE) {
        return;
    }
    watch->spread = false;
    life = oracle_life(oracle, watch->shown);
    queue->spread++;
    queue->spread_early += world_true_s(oracle->world) <
                           life.from_s + (life.until_s - life.from_s) * SPREAD_EARLY / 100;
    if (queue->spread >= SPREAD_LEAST && queue->spread_early * 4 < queue->spread) {
        oracle_break_ms(oracle, BROKEN_HERD, ask->cert, "early again of those who waited",
                        queue->spread_early);
    }
}

/* Lives of 16 to 24 h are over sooner: half of them at the latest, where nothing was wrong. */
static bool lives_a_day(const struct oracle *oracle, struct window life)
{
    int64_t span_s = life.until_s - life.from_s;

    return span_s >= 16 * HOUR_S + oracle->world->policy.margin_max_s + NEAR_S &&
           span_s <= 24 * HOUR_S;
}

void oracle_plan_after_new(struct oracle *oracle, uint32_t number, uint32_t cert, int64_t fresh_s)
{
    const struct sim_cert *watched = &oracle->world->certs[cert];
    struct pace *pace = &oracle->matters[watched->certid].pace;
    struct window life = oracle_life(oracle, number), useful = useful_life_of(oracle, cert, number);
    int64_t now_s = world_true_s(oracle->world),
            latest_s = oracle_plan_latest_s(oracle, life, number);
    int64_t span_s = time_min(useful.until_s - life.from_s, 10 * DAY_S);
    bool early = watched->twin == cert && oracle->matters[watched->certid].leaves == 1 &&
                 oracle->watches[cert].shown != ANSWER_NONE && is_untroubled(oracle, watched);
    int64_t soonest_s = life.from_s + (early ? span_s * 42 / 100 : span_s * 9 / 100) - NEAR_S;

    if (oracle->matters[watched->certid].leaves == 1 &&
        oracle_until_s(oracle, cert, number) - now_s > 4 * ANSWERED_S) {
        soonest_s = time_max(soonest_s, now_s + ANSWERED_S - ROUND_S);
        soonest_s = time_max(soonest_s, fresh_until_s(oracle, fresh_s, latest_s));
        if (now_s > latest_s + oracle->world->policy.margin_max_s &&
            watched->facts.not_after_s >= life.until_s) {
            soonest_s =
                time_max(soonest_s, old_until_s(oracle, life, renewed_of(oracle, life, number)));
        }
    }
    pace->soonest_ms = now_s < soonest_s ? soonest_s * 1000 : LONG_AGO_MS;
    pace->tried = 0;
    if (now_s >= life.from_s + span_s / 10) { /* old when it came: spread over what is left */
        latest_s = time_max(latest_s, now_s + time_min(life.until_s - now_s, 100 * DAY_S) * 6 / 10);
    }
    if (early && lives_a_day(oracle, life) && now_s < life.from_s + span_s / 10) {
        int64_t half_s = (life.from_s + life.until_s) / 2;

        latest_s = time_min(latest_s, time_max(half_s, time_add(now_s, fresh_s)));
    }
    pace->latest_ms = oracle_plan_in_time_ms(oracle, watched, life, latest_s);
    pace->fresh = pace->planned = true;
    expect_spread(oracle, cert, life, fresh_s);
    oracle_plan_well(oracle, watched->certid);
}

void oracle_plan_after_unchanged(struct oracle *oracle, uint32_t number, uint32_t cert,
                                 int64_t fresh_s)
{
    const struct sim_cert *watched = &oracle->world->certs[cert];
    struct pace *pace = &oracle->matters[watched->certid].pace;
    struct window life = oracle_life(oracle, number), useful = useful_life_of(oracle, cert, number);
    int64_t now_s = world_true_s(oracle->world), left_s = useful.until_s - now_s;
    int64_t span_s = useful.until_s - life.from_s;
    int64_t renewed_s = useful.until_s - (span_s >= 16 * HOUR_S ? 8 * HOUR_S : span_s / 4);
    int64_t rest_s = time_min(life.until_s - now_s, 100 * DAY_S);
    int64_t wait_s = time_max(rest_s * 3 / 10, time_min(fresh_s, rest_s / 2));

    pace->latest_ms = oracle_plan_in_time_ms(
        oracle, watched, life, now_s + time_max(wait_s, time_min(ANSWERED_S, rest_s / 2)));
    if (now_s >= renewed_s - oracle->world->policy.margin_max_s - NEAR_S) {
        return; /* there should be a newer one: another way may have it, or fail */
    }
    pace->tried = 0;
    pace->planned = true;
    if (oracle->matters[watched->certid].leaves == 1) {
        pace->soonest_ms = time_max(now_s + left_s * 18 / 100 - NEAR_S,
                                    fresh_until_s(oracle, fresh_s, now_s + left_s / 2)) *
                           1000;
    }
    oracle_plan_well(oracle, watched->certid);
}

void oracle_plan_forget_spread(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        oracle->watches[i].waited = oracle->watches[i].spread = false;
    }
}
