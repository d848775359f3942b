/* SPDX-License-Identifier: Apache-2.0 */

/* What can be demanded of any client that keeps to the rules of asking.
 *
 * A stretch is a time in which a responder of the certificate was well without a break, while the
 * process ran. A staple is due
 * - in a stretch, after as long as it may take to notice (the probe interval, or the longest
 *   backoff of a single certificate), to end what hung, and to come to everybody in line;
 * - after a stretch that was that long, for what must have been held at its end: refreshes are due
 *   at 60 % of an answer's life and 8 h before its end at the latest, so 40 % (or 8 h) are left.
 *   An authority that signs in batches gives what it has: there its new answer must be held once
 *   it was out for the time in which an unchanged answer is asked for again.
 *
 * Nothing is due of a revoked certificate, of one that has ended, without a process, or while the
 * machine's clock excuses it; nor of a must-staple leaf that was given an answer without
 * nextUpdate: that is better than nothing, ranks before one with nextUpdate, and lives for a
 * quarter of an hour. */

#include <assert.h>

#include "core/clients.h"
#include "sim/oracle-private.h"

#define NEVER_MS       INT64_MAX
#define LOOK_BACK_MS   (11 * DAY_S * 1000) /* no answer of the audience lives longer */
#define SHELL_LIMIT_MS 15000               /* until the shell ends a request itself */
#define STORE_S        2                   /* seconds are whole, thrice rounded */

/* With these, what comes is as good as ever. */
static bool is_harmless(enum fault fault)
{
    return fault == FAULT_FALSE_DATE || fault == FAULT_FALSE_GOOD;
}

/* What passes until as many places have served everybody, of all responders, once. */
static int64_t drain_of_all_ms(const struct oracle *oracle)
{
    const struct world *world = oracle->world;
    int64_t slowest_ms = 0, certs = 0;

    for (uint32_t i = 0; i < world->responder_count; i++) {
        slowest_ms = time_max(slowest_ms, world->responders[i].latency_max_ms);
        certs += oracle->queues[i].certs;
    }
    return certs * slowest_ms / world->policy.total_concurrency;
}

int64_t oracle_drain_ms(const struct oracle *oracle, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct policy *policy = &world->policy;
    const struct responder *responder = &world->responders[number];
    int64_t certs = oracle->queues[number].certs;
    int64_t ways = responder->refuses_get || responder->refuses_post ? 2 : 1;
    int64_t rate = policy->responder_rate;
    int64_t each_ms = (certs / policy->responder_concurrency + 8) * responder->latency_max_ms +
                      (rate ? certs * 1000 / rate : 0);

    if (policy->total_concurrency < world->responder_count * policy->responder_concurrency) {
        each_ms += drain_of_all_ms(oracle);
    }
    return ways * each_ms;
}

/* One certificate's own trouble: its other URLs, tried first, may hang. */
static int64_t detour_ms(const struct oracle *oracle, const struct sim_cert *cert)
{
    int64_t each_ms = 2 * oracle->world->policy.fetch_patience_s * 1000;

    return (cert->facts.url_count - 1) * each_ms;
}

/* From the plan to the answer and until it may be shown, when all is well. */
static int64_t prompt_ms(const struct oracle *oracle, const struct sim_cert *cert,
                         uint32_t responder)
{
    return (10 + RIGHT_S) * 1000 + oracle->demands.first_ms +
           4 * oracle->world->responders[responder].latency_max_ms +
           oracle_drain_ms(oracle, responder) + detour_ms(oracle, cert);
}

/* Was something shown for @cert all through @stretch? Then nobody was in a hurry. */
static bool was_shown(const struct oracle *oracle, const struct sim_cert *cert, struct span stretch)
{
    const struct watch *watch = &oracle->watches[cert - oracle->world->certs];

    return watch->covered_ms <= stretch.from_ms && watch->hidden_ms >= stretch.until_ms;
}

/* How long after the beginning of @stretch, when the responder became well, it may be let alone. */
static int64_t recovery_ms(const struct oracle *oracle, const struct sim_cert *cert,
                           uint32_t number, struct span stretch)
{
    const struct world *world = oracle->world;
    const struct policy *policy = &world->policy;
    const struct responder *responder = &world->responders[number];
    int64_t memory_ms = policy->backoff_cap_s * 1000 + 100000;
    int64_t from_ms = stretch.from_ms;
    int64_t wait_ms =
        (was_shown(oracle, cert, stretch) ? policy->probe_cap_s : policy->probe_cap_bare_s) * 1000;
    int64_t hang_ms = 2 * SHELL_LIMIT_MS;
    int64_t asked_s = 0; /* Retry-After */
    int64_t edge_ms = from_ms;
    int64_t birth_ms = cert->issued_ms + world->authorities[cert->authority].birth_s * 1000;

    for (uint32_t i = responder->episode_count; i-- > 0;) {
        const struct episode *episode = &responder->episodes[i];

        if (episode->from_ms >= from_ms || is_harmless(episode->fault)) {
            continue;
        }
        if (episode->until_ms + memory_ms < edge_ms) {
            break;
        }
        edge_ms = episode->from_ms; /* between the two nobody may have asked */
        if (!fault_breaks_circuit(episode->fault) || episode->permille < 1000) {
            wait_ms = policy->backoff_cap_s * 1000;
        }
        if (episode->fault == FAULT_LATE) {
            hang_ms = 2 * policy->fetch_patience_s * 1000;
        }
        /* Who waits at another of its URLs does not hasten this one. */
        asked_s = time_max(asked_s, time_min(episode->retry_after_s, cert->facts.url_count > 1
                                                                         ? policy->retry_after_cap_s
                                                                         : policy->probe_cap_s));
    }
    if (cert->facts.url_count > 1) {
        wait_ms = policy->backoff_cap_s * 1000; /* the other URLs may have left it waiting */
    }
    if (birth_ms > cert->found_ms && birth_ms <= from_ms && birth_ms + memory_ms > from_ms) {
        wait_ms = policy->backoff_cap_s * 1000; /* "unauthorized" since it was found */
    }
    return wait_ms + asked_s * 1000 + hang_ms + prompt_ms(oracle, cert, number);
}

int64_t oracle_latest_s(struct window life)
{
    int64_t span = time_sub(life.until_s, life.from_s);
    int64_t latest = time_add(life.from_s, time_min(span, 100 * DAY_S) * 6 / 10);

    return span >= 16 * HOUR_S ? time_min(latest, time_sub(life.until_s, 8 * HOUR_S)) : latest;
}

/* The life of an answer as the audience sees it. */
static int64_t life_of(const struct oracle *oracle, const struct authority *authority)
{
    bool firefox = oracle->world->policy.audience & CLIENT_BIT(CLIENT_FIREFOX);
    int64_t life_s = authority->life_s;

    if (authority->delegate_life_s) {
        life_s = time_min(life_s, authority->delegate_life_s / 2);
    }
    if (firefox) {
        life_s = time_min(life_s, 10 * DAY_S);
    }
    return life_s;
}

/* One of the certificate's responders may have given it answers with this fault in @span. */
static bool has_met(const struct world *world, const struct sim_cert *cert, enum fault fault,
                    struct span span)
{
    for (unsigned url = 0; url < cert->facts.url_count; url++) {
        const struct responder *responder = &world->responders[cert->responders[url]];

        for (uint32_t i = 0; i < responder->episode_count; i++) {
            const struct episode *episode = &responder->episodes[i];

            if (episode->fault == fault && episode->from_ms < span.until_ms &&
                span.from_ms < episode->until_ms) {
                return true;
            }
        }
    }
    return false;
}

/* An unchanged answer is asked for again at 30 % of what is left of it, or at 50 % where HTTP says
 * that it is fresh so long; one that was had late in its life at 60 %. Tenths. */
static int64_t unchanged_part(const struct world *world, const struct sim_cert *cert)
{
    int64_t part = 3;

    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        part = world->responders[cert->responders[i]].gives_max_age ? 5 : part;
    }
    return part;
}

/* Until when that is good which must be held at @at_ms, the end of a stretch; true ms. */
static int64_t held_until_ms(const struct oracle *oracle, uint32_t cert, uint32_t responder,
                             int64_t at_ms)
{
    const struct world *world = oracle->world;
    const struct sim_cert *watched = &world->certs[cert];
    const struct authority *authority = &world->authorities[watched->authority];
    int64_t life_s = life_of(oracle, authority);
    int64_t margin_s = time_min(world->policy.margin_max_s, life_s / 8) + RIGHT_S + STORE_S;
    struct window life = {0, life_s};
    struct span recent;
    int64_t until_s;

    at_ms -= prompt_ms(oracle, watched, responder);
    if (life_s == INSTANT_NEVER) {
        return NEVER_MS;
    }
    recent = (struct span){at_ms - life_s * 1000, at_ms};
    if (authority->signing == SIGN_ON_DEMAND) {
        if (has_met(world, watched, FAULT_OLDER, recent) ||
            has_met(world, watched, FAULT_CACHED_OLD, recent)) {
            return LONG_AGO_MS; /* what it has may be half old already, and planned by what is left
                                 */
        }
        until_s = at_ms / 1000 + life_s - oracle_latest_s(life);
    } else {
        int64_t period_s = authority->signing == SIGN_LATE ? authority->life_s - authority->lead_s
                                                           : authority->period_s;
        int64_t part = authority->signing == SIGN_LATE ? unchanged_part(world, watched) : 6;
        int64_t gap_s = time_max((authority->life_s - period_s) * part / 10 + authority->backdate_s,
                                 oracle_latest_s(life) - period_s);

        if (has_met(world, watched, FAULT_FUTURE, recent)) {
            gap_s = oracle_latest_s(life); /* it lives in another time than the batches */
        }
        if (!authority_offers(world, cert, at_ms - gap_s * 1000, &life)) {
            return LONG_AGO_MS;
        }
        until_s = time_min(life.until_s, life.from_s + life_s);
    }
    return (time_min(until_s, watched->facts.not_after_s) - margin_s) * 1000;
}

/* The stretch of health that @at_ms lies in (it ends right behind it, as far as is known), or the
 * last one before it. */
static struct span find_stretch(const struct responder *responder, int64_t at_ms)
{
    struct span stretch = {LONG_AGO_MS, at_ms + 1};

    for (uint32_t i = responder->episode_count; i-- > 0;) {
        const struct episode *episode = &responder->episodes[i];

        if (episode->from_ms > at_ms || is_harmless(episode->fault)) {
            continue;
        }
        if (episode->until_ms < stretch.until_ms) {
            stretch.from_ms = episode->until_ms;
            break;
        }
        stretch.until_ms = time_min(stretch.until_ms, episode->from_ms);
    }
    return stretch;
}

/* When the responder falls ill next, or is well again. */
static int64_t next_change_ms(const struct responder *responder, int64_t now_ms)
{
    for (uint32_t i = 0; i < responder->episode_count; i++) {
        const struct episode *episode = &responder->episodes[i];

        if (is_harmless(episode->fault) || episode->until_ms <= now_ms) {
            continue;
        }
        return episode->from_ms > now_ms ? episode->from_ms : episode->until_ms;
    }
    return NEVER_MS;
}

/* What one responder, in one life of the process, makes due. */
struct demand {
    const struct oracle *oracle;
    uint32_t cert;
    uint32_t responder;
    struct span life;
    int64_t since_ms; /* nothing before this counts */
    bool due;
    int64_t until_ms; /* until when that is so; the nearest change */
};

static void demand_stretches(struct demand *demand)
{
    const struct oracle *oracle = demand->oracle;
    const struct world *world = oracle->world;
    const struct sim_cert *cert = &world->certs[demand->cert];
    int64_t now_ms = world->now_ms, at_ms = time_min(now_ms, demand->life.until_ms);

    while (at_ms > now_ms - LOOK_BACK_MS) {
        struct span stretch = find_stretch(&world->responders[demand->responder], at_ms);
        int64_t from_ms = time_max(stretch.from_ms, demand->since_ms);
        int64_t ready_ms, held_ms;

        if (from_ms >= stretch.until_ms) {
            return;
        }
        ready_ms = from_ms + recovery_ms(oracle, cert, demand->responder,
                                         (struct span){from_ms, stretch.until_ms});
        if (ready_ms < stretch.until_ms) {
            held_ms = held_until_ms(oracle, demand->cert, demand->responder, stretch.until_ms);
            demand->due = stretch.until_ms > now_ms || now_ms < held_ms;
            if (stretch.until_ms <= now_ms && demand->due) {
                demand->until_ms = time_min(demand->until_ms, held_ms);
            }
            return;
        }
        if (stretch.until_ms > now_ms) {
            demand->until_ms = time_min(demand->until_ms, ready_ms);
        }
        at_ms = stretch.from_ms - 1;
    }
}

/* Since when the certificate could have one at all; false: it cannot now. */
static bool cert_since_ms(const struct oracle *oracle, const struct sim_cert *cert,
                          int64_t *ret_since_ms, int64_t *ret_until_ms)
{
    const struct world *world = oracle->world;
    const struct sim_cert *first = &world->certs[cert->twin];
    const struct authority *authority = &world->authorities[cert->authority];
    int64_t now_ms = world->now_ms;
    int64_t end_ms = (cert->facts.not_after_s - world->policy.margin_max_s - RIGHT_S) * 1000;

    *ret_since_ms = time_max(cert->found_ms, first->issued_ms + authority->birth_s * 1000);
    if (now_ms < *ret_since_ms) {
        *ret_until_ms = time_min(*ret_until_ms, *ret_since_ms);
        return false;
    }
    if (first->revoked_ms <= now_ms || end_ms <= now_ms) {
        return false; /* also after a release: undoing it takes its own time */
    }
    *ret_until_ms = time_min(*ret_until_ms, time_min(first->revoked_ms, end_ms));
    return true;
}

bool oracle_is_due(const struct oracle *oracle, uint32_t cert, int64_t *ret_until_ms)
{
    const struct world *world = oracle->world;
    const struct sim_cert *watched = &world->certs[cert];
    int64_t since_ms, clock_ms, until_ms = oracle_clock_deadline_ms(oracle);
    bool due = false;

    *ret_until_ms = NEVER_MS;
    if (!world->process_up || !world_cert_is_there(world, cert)) {
        return false; /* looked at again when that changes */
    }
    if (!cert_since_ms(oracle, watched, &since_ms, &until_ms) ||
        !oracle_clock_demands(oracle, &clock_ms)) {
        *ret_until_ms = until_ms;
        return false;
    }
    since_ms = time_max(since_ms, clock_ms);
    if (watched->facts.must_staple &&
        has_met(world, watched, FAULT_NO_NEXT_UPDATE,
                (struct span){world->now_ms - DAY_S * 1000, world->now_ms + 1})) {
        *ret_until_ms = world->now_ms + HOUR_S * 1000;
        return false;
    }
    for (unsigned i = 0; i < watched->facts.url_count; i++) {
        const struct responder *responder = &world->responders[watched->responders[i]];

        if (responder->only_last_quarter) {
            continue;
        }
        until_ms = time_min(until_ms, next_change_ms(responder, world->now_ms));
        for (uint32_t n = oracle->life_count; n-- > oracle->life_from && !due;) {
            struct demand demand = {
                .oracle = oracle,
                .cert = cert,
                .responder = watched->responders[i],
                .life = oracle->lives[n],
                .since_ms = time_max(since_ms, oracle->lives[n].from_ms),
                .until_ms = until_ms,
            };

            if (demand.life.until_ms < world->now_ms - LOOK_BACK_MS) {
                break;
            }
            demand_stretches(&demand);
            due = demand.due;
            until_ms = demand.until_ms;
        }
    }
    *ret_until_ms = time_max(until_ms, world->now_ms + 1);
    return due;
}
