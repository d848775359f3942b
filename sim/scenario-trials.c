/* SPDX-License-Identifier: Apache-2.0 */

/* Named scenarios, each of which has much of what is rare in the random one. */

#include "sim/scenario-tools.h"

/* CRLReason certificateHold, RFC 5280 5.3.1 */
#define REASON_CODE_HOLD 6

static int64_t end_of_s(const struct world *world)
{
    return (world->end_ms - world->now_ms) / 1000;
}

/* Episodes of these faults, one behind the other, over all of the run. */
static void plan_faults(struct world *world, uint32_t responder, const enum fault *faults,
                        unsigned count, int64_t most_s)
{
    int64_t end_s = end_of_s(world);

    for (int64_t at_s = pick_scale(world, MINUTE_S, HOUR_S); at_s < end_s;) {
        struct episode episode = {.from_ms = at_ms(at_s)};

        at_s += pick_scale(world, 10 * MINUTE_S, most_s);
        episode.until_ms = at_ms(at_s);
        episode.fault = faults[pick_range(world, 0, count - 1)];
        episode.permille = pick_chance(world, 3) ? 1000 : (unsigned)pick_range(world, 200, 900);
        responder_plan(&world->responders[responder], &episode);
        at_s += pick_scale(world, MINUTE_S, 2 * most_s);
    }
}

/* The process ends every so often, now and then in the middle of a write. */
static void plan_ends(struct world *world, int64_t gap_s, uint32_t writes_most)
{
    for (int64_t at_s = gap_s; at_s < end_of_s(world); at_s += pick_range(world, 1, 2 * gap_s)) {
        enum world_act act = pick_chance(world, 3) ? ACT_STOP : ACT_CRASH;

        world_plan(world, at_ms(at_s), act, (uint32_t)pick_range(world, 1, writes_most),
                   pick_scale(world, 100, 60000));
    }
}

/* Certificates of @authority with its responders from @first on. */
static void add_certs(struct world *world, uint32_t authority, uint32_t first, unsigned urls,
                      uint32_t count)
{
    struct sim_cert cert = plain_cert(world, authority, first, urls);

    for (uint32_t i = 0; i < count; i++) {
        cert.facts.must_staple = pick_chance(world, 2);
        world_add_cert(world, &cert);
    }
}

static uint32_t add_authority(struct world *world, const struct authority *authority,
                              uint32_t *ret_responder)
{
    uint32_t number = world_add_authority(world, authority);

    world_add_responder(world, number, ret_responder);
    return number;
}

void build_delegates(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_OLDER, FAULT_CACHED_OLD, FAULT_REFUSED};
    struct authority authority = plain_authority(pick_scale(world, 12 * HOUR_S, 7 * DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    authority.signing = pick_chance(world, 3) ? SIGN_ON_DEMAND : SIGN_BATCH;
    authority.period_s = authority.life_s / 2;
    authority.signs_anew = pick_chance(world, 2);
    authority.delegate_life_s = pick_scale(world, 6 * HOUR_S, 3 * DAY_S);
    if (authority.signing == SIGN_BATCH && !authority.signs_anew) { /* or there are gaps */
        authority.delegate_life_s += 2 * authority.period_s;
    }
    number = add_authority(world, &authority, &responder);
    add_certs(world, number, responder, 1, world->options.certs);
    plan_faults(world, responder, faults, ARRAY_SIZE(faults), 12 * HOUR_S);
    plan_ends(world, DAY_S, 20);
}

void build_forged(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_BAD_SIGNATURE, FAULT_STRANGER,  FAULT_OTHER_CERT,
                                        FAULT_OTHER_ISSUER,  FAULT_TRUNCATED, FAULT_JUNK,
                                        FAULT_UNKNOWN,       FAULT_EXPIRED};

    (void)ret_demands;
    /* Whose number is odd names itself, one in two sends its own certificate along. */
    for (unsigned i = 0; i < 4; i++) {
        struct authority authority = plain_authority(pick_scale(world, HOUR_S, 2 * DAY_S));
        uint32_t number, responder;

        authority.delegate_life_s = i % 2 ? 30 * DAY_S : 0;
        number = add_authority(world, &authority, &responder);
        add_certs(world, number, responder, 1, world->options.certs / 4 + 1);
        plan_faults(world, responder, faults, ARRAY_SIZE(faults), 4 * HOUR_S);
    }
}

void build_grace(struct world *world, struct oracle_demands *ret_demands)
{
    struct authority authority = plain_authority(pick_scale(world, HOUR_S, 10 * DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    authority.delegate_life_s = pick_chance(world, 2) ? pick_scale(world, DAY_S, 8 * DAY_S) : 0;
    number = add_authority(world, &authority, &responder);
    add_certs(world, number, responder, 1, world->options.certs);
    for (int64_t at_s = DAY_S; at_s < end_of_s(world); at_s += 2 * DAY_S) {
        int64_t until_s = at_s + pick_range(world, HOUR_S, authority.life_s + 2 * DAY_S);

        plan_outage(world, pick_chance(world, 2) ? FAULT_NO_NAME : FAULT_UNKNOWN, at_s, until_s);
        at_s = until_s;
    }
    plan_ends(world, 6 * HOUR_S, 20);
}

void build_future(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_FUTURE, FAULT_FUTURE, FAULT_OLDER, FAULT_REFUSED};
    struct authority authority = plain_authority(pick_scale(world, 300, DAY_S));
    uint32_t number, responder, count = world->options.certs;

    (void)ret_demands;
    authority.backdate_s = pick_chance(world, 2) ? 0 : time_min(HOUR_S, authority.life_s / 8);
    count = authority.life_s < HOUR_S ? 3 : count;
    number = add_authority(world, &authority, &responder);
    add_certs(world, number, responder, 1, count);
    plan_faults(world, responder, faults, ARRAY_SIZE(faults), 6 * HOUR_S);
    world_plan(world, world->now_ms, ACT_CLOCK, 0, pick_range(world, -25, 25));
    plan_ends(world, 6 * HOUR_S, 20);
}

void build_twins(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_OLDER,      FAULT_UNAUTHORIZED, FAULT_REFUSED,
                                        FAULT_HTTP_404,   FAULT_FUTURE,       FAULT_LATE,
                                        FAULT_FALSE_GOOD, FAULT_FALSE_GOOD,   FAULT_FALSE_GOOD};
    struct authority authority = plain_authority(pick_scale(world, HOUR_S, 4 * DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    number = add_authority(world, &authority, &responder);
    for (uint32_t i = 0; i < world->options.certs; i++) {
        struct sim_cert cert = plain_cert(world, number, responder, 1);

        if (i % 4) { /* of the one before */
            cert.certid = world->certs[i - 1].certid;
        }
        cert.facts.must_staple = pick_chance(world, 3);
        cert.found_ms = pick_chance(world, 2) ? pick_time_ms(world) : world->now_ms;
        cert.gone_ms = cert.found_ms + pick_scale(world, HOUR_S, end_of_s(world)) * 1000;
        if (pick_chance(world, 3) && i % 4 == 0) {
            cert.revoked_ms = pick_time_ms(world);
            cert.revocation_reason = 1;
        }
        world_add_cert(world, &cert);
    }
    plan_faults(world, responder, faults, ARRAY_SIZE(faults), 6 * HOUR_S);
    plan_ends(world, 2 * DAY_S, 20);
}

void build_deaths(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_FALSE_GOOD, FAULT_OLDER, FAULT_REFUSED};
    struct authority authority = plain_authority(pick_scale(world, HOUR_S, 12 * HOUR_S));
    uint32_t number, responder;

    (void)ret_demands;
    world->servers_keep = pick_chance(world, 3);
    number = add_authority(world, &authority, &responder);
    add_certs(world, number, responder, 1, world->options.certs / 4 + 1);
    for (uint32_t i = 0; i < world->cert_count; i++) {
        world->certs[i].revoked_ms = pick_time_ms(world);
        world->certs[i].revocation_reason = pick_chance(world, 2) ? REASON_CODE_HOLD : 1;
        world->certs[i].released_ms =
            world->certs[i].revoked_ms + pick_scale(world, HOUR_S, 2 * DAY_S) * 1000;
        if (pick_chance(world, 2)) { /* on hold again and again, within the life of an answer */
            world->certs[i].cycle_ms = pick_scale(world, HOUR_S, authority.life_s) * 1000;
            world->certs[i].released_ms = world->certs[i].revoked_ms + world->certs[i].cycle_ms / 2;
            world->certs[i].revocation_reason = REASON_CODE_HOLD;
        }
    }
    plan_faults(world, responder, faults, ARRAY_SIZE(faults), 4 * HOUR_S);
    plan_ends(world, 20 * MINUTE_S, 4);
}

/* No battery: the clock is far off at a start, and right when the network has told it. */
void build_boot(struct world *world, struct oracle_demands *ret_demands)
{
    static const int64_t offs_s[] = {HOUR_S, 12 * HOUR_S, 3 * DAY_S, 20 * DAY_S, 3000 * DAY_S};
    struct authority authority = plain_authority(pick_scale(world, 6 * HOUR_S, 7 * DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    world->servers_keep = pick_chance(world, 2);
    number = add_authority(world, &authority, &responder);
    world->responders[responder].gives_date = pick_chance(world, 2);
    add_certs(world, number, responder, 1, world->options.certs);
    for (int64_t at_s = DAY_S; at_s < end_of_s(world);
         at_s += pick_scale(world, HOUR_S, 3 * DAY_S)) {
        int64_t off_s = offs_s[pick_range(world, 0, ARRAY_SIZE(offs_s) - 1)];
        int64_t long_s = pick_scale(world, 10, 6 * HOUR_S);

        if (pick_chance(world, 2)) {
            int64_t from_s = at_s - pick_range(world, -HOUR_S, HOUR_S);

            plan_outage(world, FAULT_NO_NAME, from_s, from_s + pick_scale(world, 600, DAY_S));
        }
        world_plan(world, at_ms(at_s), pick_chance(world, 2) ? ACT_REBOOT : ACT_STOP, 0, 2000);
        world_plan(world, at_ms(at_s) + 1000, ACT_CLOCK, 0, pick_chance(world, 3) ? off_s : -off_s);
        world_plan(world, at_ms(at_s + long_s) + 3000, ACT_CLOCK, 0, pick_range(world, -20, 20));
        at_s += long_s;
    }
}

/* Everybody holds the same batch, which ends for all at once; shortly before, for some minutes, the
 * responder is well. */
void build_brink(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_REFUSED, FAULT_NO_NAME, FAULT_HTTP_500,
                                        FAULT_HTTP_503};
    struct authority authority = plain_authority(pick_scale(world, 2 * HOUR_S, 2 * DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    authority.signing = SIGN_BATCH;
    authority.period_s = authority.life_s / 2;
    authority.backdate_s = 0;
    number = add_authority(world, &authority, &responder);
    add_certs(world, number, responder, 1, world->options.certs);
    for (int64_t end_s = authority.life_s; end_s < end_of_s(world); end_s += authority.period_s) {
        struct episode episode = {.from_ms = at_ms(end_s - authority.period_s + HOUR_S / 4)};

        episode.until_ms = at_ms(end_s - world->policy.margin_max_s - pick_scale(world, 60, 900));
        episode.fault = faults[pick_range(world, 0, ARRAY_SIZE(faults) - 1)];
        episode.permille = 1000;
        episode.retry_after_s = episode.fault == FAULT_HTTP_503 ? 2 * HOUR_S : 0;
        responder_plan(&world->responders[responder], &episode);
    }
}

/* The clock is set back every so often, to when what has ended was good; Date says otherwise. */
static void plan_clock_back(struct world *world)
{
    for (int64_t at_s = DAY_S / 2; at_s < end_of_s(world);
         at_s += pick_scale(world, HOUR_S, DAY_S)) {
        int64_t long_s = pick_scale(world, 10 * MINUTE_S, 6 * HOUR_S);

        world_plan(world, at_ms(at_s), ACT_CLOCK, 0, -pick_scale(world, 10 * MINUTE_S, DAY_S));
        world_plan(world, at_ms(at_s + long_s), ACT_CLOCK, 0, 0);
        at_s += long_s;
    }
}

void build_stuck(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_STUCK, FAULT_STUCK, FAULT_CACHED_OLD, FAULT_HTTP_500};
    struct authority authority = plain_authority(pick_scale(world, HOUR_S, DAY_S));
    uint32_t number, responder;

    (void)ret_demands;
    authority.signing = SIGN_BATCH;
    authority.period_s = authority.life_s / 2;
    number = add_authority(world, &authority, &responder);
    world->responders[responder].gives_etag = true;
    world->responders[responder].gives_max_age = pick_chance(world, 2);
    add_certs(world, number, responder, 1, world->options.certs);
    plan_faults(world, responder, faults, ARRAY_SIZE(faults), DAY_S);
    if (pick_chance(world, 2)) {
        world->responders[responder].gives_date = true;
        plan_clock_back(world);
    }
}
