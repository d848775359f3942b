/* SPDX-License-Identifier: Apache-2.0 */

/* The default scenario: everything at once, out of the seed. */

#include <stdlib.h>

#include "core/clients.h"
#include "sim/scenario-tools.h"

#define AUTHORITIES_MOST 4
#define URLS_MOST        3

/* What an authority of a random world may be like. Short lives cost many requests: few
 * certificates have them. */
static const struct {
    struct authority authority;
    unsigned one_in; /* certificates of this authority */
} habits[] = {
    {{.signing = SIGN_ON_DEMAND, .life_s = 7 * DAY_S, .backdate_s = 60}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 7 * DAY_S}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 10 * DAY_S, .backdate_s = HOUR_S}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 30 * DAY_S, .backdate_s = 60}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 4 * DAY_S, .birth_s = 900}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = DAY_S}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 16 * HOUR_S, .backdate_s = 60}, 1},
    {{.signing = SIGN_ON_DEMAND, .life_s = 12 * HOUR_S}, 2},
    {{.signing = SIGN_ON_DEMAND, .life_s = HOUR_S}, 20},
    {{.signing = SIGN_ON_DEMAND, .life_s = 300}, 60},
    {{.signing = SIGN_BATCH, .life_s = 7 * DAY_S, .period_s = 7 * DAY_S / 2}, 1},
    {{.signing = SIGN_BATCH, .life_s = 4 * DAY_S, .period_s = 12 * HOUR_S, .backdate_s = HOUR_S},
     1},
    {{.signing = SIGN_BATCH, .life_s = 12 * HOUR_S, .period_s = 6 * HOUR_S}, 2},
    {{.signing = SIGN_LATE, .life_s = 7 * DAY_S, .lead_s = 8 * HOUR_S}, 1},
    {{.signing = SIGN_LATE, .life_s = 10 * DAY_S, .lead_s = 8 * HOUR_S, .birth_s = 900}, 1},
    {{.signing = SIGN_LATE, .life_s = 2 * DAY_S, .lead_s = 8 * HOUR_S, .backdate_s = HOUR_S}, 1},
};

/* An authority and its mirrors. */
struct house {
    uint32_t authority;
    uint32_t first; /* responder */
    unsigned urls;
    unsigned one_in;
};

static void build_policy(struct world *world)
{
    struct policy *policy = &world->policy;

    if (pick_chance(world, 4)) {
        policy->responder_concurrency = (unsigned)pick_range(world, 1, 8);
        policy->responder_rate = (unsigned)pick_range(world, 2, 40);
        policy->total_concurrency = (unsigned)pick_range(world, 4, 40);
    }
    if (pick_chance(world, 6)) {
        policy->audience = 0;
    }
    policy->staple_revoked = pick_chance(world, 4);
    policy->must_staple_grace = !pick_chance(world, 6);
    world->servers_keep = pick_chance(world, 2);
}

static struct house build_house(struct world *world)
{
    unsigned habit = (unsigned)pick_range(world, 0, ARRAY_SIZE(habits) - 1);
    struct house house = {.one_in = habits[habit].one_in};
    struct authority authority = habits[habit].authority;

    authority.phase_s = WORLD_START_S - pick_range(world, 0, 12 * HOUR_S);
    if (pick_chance(world, 3)) {
        authority.delegate_life_s = pick_range(world, 20 * DAY_S, 90 * DAY_S);
    }
    if (!world->policy.audience && pick_chance(world, 4)) {
        authority = (struct authority){.signing = SIGN_ON_DEMAND, .life_s = INSTANT_NEVER};
        house.one_in = 40;
    }
    house.authority = world_add_authority(world, &authority);
    house.urls = (unsigned)pick_range(world, 1, URLS_MOST);
    for (unsigned i = 0; i < house.urls; i++) {
        uint32_t number;
        int64_t slow_ms;
        struct responder *responder = world_add_responder(world, house.authority, &number);

        house.first = i == 0 ? number : house.first;
        responder->latency_min_ms = pick_range(world, 10, 100);
        slow_ms = pick_chance(world, 6) ? 6000 : 300;
        responder->latency_max_ms = responder->latency_min_ms + pick_scale(world, 10, slow_ms);
        responder->refuses_get = pick_chance(world, 10);
        responder->refuses_post = !responder->refuses_get && pick_chance(world, 5);
        responder->gives_etag = pick_chance(world, 2);
        responder->gives_max_age = pick_chance(world, 2);
        responder->gives_date = !pick_chance(world, 3);
    }
    return house;
}

/* ---- Certificates ---- */

static void make_quiet(struct world *world, struct sim_cert *cert)
{
    switch (pick_range(world, 0, 3)) {
    case 0:
        cert->facts.is_ca = true;
        break;
    case 1:
        cert->facts.self_signed = true;
        break;
    case 2:
        cert->facts.url_count = 0;
        break;
    default:
        cert->facts.has_issuer = false;
    }
}

static void maybe_revoke(struct world *world, struct sim_cert *cert)
{
    static const int8_t reasons[] = {-1, 0, 1, 4, 5, 6, 6};
    int64_t until_ms = time_min(cert->gone_ms, world->end_ms);

    if (!pick_chance(world, 40)) {
        return;
    }
    cert->revoked_ms = pick_range(world, cert->found_ms, until_ms);
    cert->revocation_reason = reasons[pick_range(world, 0, ARRAY_SIZE(reasons) - 1)];
    if (cert->revocation_reason == 6 && pick_chance(world, 2)) {
        cert->released_ms = cert->revoked_ms + pick_scale(world, HOUR_S, 10 * DAY_S) * 1000;
    }
}

/* The same key and serial number in another leaf: a certificate issued twice. */
static void maybe_twin(struct world *world, uint32_t cert)
{
    struct sim_cert twin = world->certs[cert];

    if (!pick_chance(world, 12)) {
        return;
    }
    twin.facts.name = NULL;
    if (pick_chance(world, 2)) {
        twin.found_ms = pick_range(world, twin.found_ms, time_min(twin.gone_ms, world->end_ms) - 1);
    }
    world_add_cert(world, &twin);
    world_seen(world, COVER_EVENT, SEEN_SHARED_CERTID);
}

/* One certificate after another in one place: each follows when two thirds of the life of the one
 * before are over, a few only when it has ended. */
static void build_chain(struct world *world, const struct house *house)
{
    static const int64_t lives_s[] = {6 * DAY_S, 47 * DAY_S, 90 * DAY_S, 398 * DAY_S};
    int64_t life_s = lives_s[pick_range(world, 0, ARRAY_SIZE(lives_s) - 1)];
    int64_t from_s = WORLD_START_S - pick_range(world, 0, life_s / 2);
    bool must_staple = pick_chance(world, 6);
    bool quiet = pick_chance(world, 40);
    unsigned urls = (unsigned)pick_range(world, 1, house->urls);

    while (from_s * 1000 < world->end_ms) {
        struct sim_cert cert = plain_cert(world, house->authority, house->first, urls);
        bool forgotten = pick_chance(world, 30);
        int64_t next_s = from_s + (forgotten ? life_s + HOUR_S : life_s * 2 / 3);

        cert.facts.not_before_s = from_s;
        cert.facts.not_after_s = from_s + life_s;
        cert.facts.must_staple = must_staple;
        cert.issued_ms = from_s * 1000;
        cert.found_ms = time_max(world->now_ms, from_s * 1000 + pick_scale(world, 1, 3600000));
        cert.gone_ms = next_s * 1000 + 5000;
        if (pick_chance(world, 4)) {
            cert.gone_ms += pick_range(world, 0, DAY_S * 1000);
        }
        if (cert.gone_ms > world->now_ms && cert.found_ms < world->end_ms) {
            if (quiet) {
                make_quiet(world, &cert);
            } else {
                maybe_revoke(world, &cert);
            }
            maybe_twin(world, world_add_cert(world, &cert));
        }
        from_s = next_s;
    }
}

static void build_certs(struct world *world, const struct house *houses, unsigned count)
{
    for (uint32_t i = 0; i < world->options.certs; i++) {
        const struct house *house = &houses[i % count];

        /* Certificates that an authority of short lives may not have go to the first that may. */
        for (unsigned n = 0; n < count && i / count % house->one_in != 0; n++) {
            house = &houses[n];
        }
        build_chain(world, house);
    }
}

/* ---- What happens ---- */

static int compare_episodes(const void *a, const void *b)
{
    const struct episode *one = a, *other = b;

    return one->from_ms < other->from_ms ? -1 : one->from_ms > other->from_ms;
}

static struct episode pick_episode(struct world *world, int64_t from_ms)
{
    struct episode episode = {.from_ms = from_ms, .permille = 1000};

    episode.until_ms = from_ms + pick_scale(world, MINUTE_S, 3 * DAY_S) * 1000;
    episode.fault = (enum fault)pick_range(world, FAULT_NONE + 1, FAULT_LAST_DRAWN);
    if (pick_chance(world, 3)) {
        episode.permille = (unsigned)pick_range(world, 50, 900);
    }
    if ((episode.fault == FAULT_HTTP_429 || episode.fault == FAULT_HTTP_503) &&
        !pick_chance(world, 4)) {
        episode.retry_after_s = pick_scale(world, 1, 2 * HOUR_S);
    }
    return episode;
}

/* Outages of the network, of all responders alike. */
static unsigned plan_network(struct world *world, struct episode outages[3])
{
    static const enum fault faults[] = {FAULT_NO_NAME, FAULT_REFUSED, FAULT_HANG};
    unsigned count = (unsigned)pick_range(world, 0, 3);

    for (unsigned i = 0; i < count; i++) {
        outages[i] = pick_episode(world, pick_time_ms(world));
        outages[i].fault = faults[pick_range(world, 0, ARRAY_SIZE(faults) - 1)];
        outages[i].permille = 1000;
        outages[i].retry_after_s = 0;
    }
    return count;
}

static void plan_responders(struct world *world)
{
    struct episode all[200], outages[3];
    unsigned network = plan_network(world, outages);

    for (uint32_t i = 0; i < world->responder_count; i++) {
        int64_t gap_s = pick_scale(world, 12 * HOUR_S, 20 * DAY_S);
        int64_t at_ms = world->now_ms + pick_range(world, 0, gap_s) * 1000;
        unsigned count = 0;

        for (; count < network; count++) {
            all[count] = outages[count];
        }
        while (at_ms < world->end_ms && count < ARRAY_SIZE(all)) {
            all[count] = pick_episode(world, at_ms);
            at_ms = all[count].until_ms + pick_range(world, 1, 2 * gap_s) * 1000;
            count++;
        }
        qsort(all, count, sizeof(*all), compare_episodes);
        for (unsigned n = 0; n < count; n++) {
            responder_plan(&world->responders[i], &all[n]);
        }
    }
}

static void plan_process(struct world *world)
{
    int64_t gap_ms = pick_scale(world, DAY_S, 60 * DAY_S) * 1000;
    int64_t at_ms = world->now_ms + pick_range(world, 1, gap_ms);

    while (at_ms < world->end_ms) {
        static const enum world_act acts[] = {ACT_STOP, ACT_CRASH, ACT_REBOOT};
        int64_t away_ms = pick_scale(world, 100, 2 * HOUR_S * 1000);
        enum world_act act = acts[pick_range(world, 0, ARRAY_SIZE(acts) - 1)];

        world_plan(world, at_ms, act, (uint32_t)pick_scale(world, 1, 64), away_ms);
        at_ms += away_ms + pick_range(world, 1, 2 * gap_ms);
    }
}

static void plan_clock(struct world *world)
{
    static const int64_t jumps_s[] = {400, HOUR_S, 6 * HOUR_S, DAY_S, 20 * DAY_S, 1100 * DAY_S};
    int64_t skew_s = pick_chance(world, 2) ? pick_range(world, -25, 25) : 0;
    int64_t jumps = pick_chance(world, 3) ? pick_range(world, 1, 4) : 0;

    if (skew_s) {
        world_plan(world, world->now_ms, ACT_CLOCK, 0, skew_s);
    }
    for (int64_t i = 0; i < jumps; i++) {
        int64_t off_s = jumps_s[pick_range(world, 0, ARRAY_SIZE(jumps_s) - 1)];
        int64_t at_ms = pick_time_ms(world);

        off_s = pick_chance(world, 2) ? off_s : -off_s;
        world_plan(world, at_ms, ACT_CLOCK, 0, off_s);
        world_plan(world, at_ms + pick_scale(world, 10 * MINUTE_S, 3 * DAY_S) * 1000, ACT_CLOCK, 0,
                   skew_s);
    }
}

static void plan_disk(struct world *world)
{
    int64_t times = pick_chance(world, 4) ? pick_range(world, 1, 3) : 0;

    for (int64_t i = 0; i < times; i++) {
        int64_t at_ms = pick_time_ms(world);

        world_plan(world, at_ms, ACT_DISK_FULL, 0, 1);
        world_plan(world, at_ms + pick_scale(world, MINUTE_S, DAY_S) * 1000, ACT_DISK_FULL, 0, 0);
    }
}

void build_random(struct world *world, struct oracle_demands *ret_demands)
{
    unsigned count = (unsigned)pick_range(world, 1, AUTHORITIES_MOST);
    struct house houses[AUTHORITIES_MOST];

    (void)ret_demands;
    build_policy(world);
    for (unsigned i = 0; i < count; i++) {
        houses[i] = build_house(world);
    }
    build_certs(world, houses, count);
    plan_responders(world);
    plan_process(world);
    plan_clock(world);
    plan_disk(world);
}
