/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/scenario.h"

#include "sim/scenario-tools.h"

/* CRLReason certificateHold, RFC 5280 5.3.1 */
#define REASON_CODE_HOLD 6

/* ---- Tools ---- */

bool pick_chance(struct world *world, uint64_t n)
{
    return rng_below(&world->rng, n) == 0;
}

int64_t pick_range(struct world *world, int64_t low, int64_t high)
{
    return low >= high ? low : low + (int64_t)rng_below(&world->rng, (uint64_t)(high - low) + 1);
}

int64_t pick_scale(struct world *world, int64_t low, int64_t high)
{
    unsigned doublings = 0;

    while (low << (doublings + 1) <= high) {
        doublings++;
    }
    low <<= rng_below(&world->rng, doublings + 1);
    return pick_range(world, low, time_min(high, 2 * low));
}

int64_t pick_time_ms(struct world *world)
{
    return pick_range(world, world->now_ms + HOUR_S * 1000, world->end_ms);
}

int64_t at_ms(int64_t seconds)
{
    return (WORLD_START_S + seconds) * 1000;
}

struct sim_cert plain_cert(const struct world *world, uint32_t authority, uint32_t first,
                           unsigned count)
{
    struct sim_cert cert = {
        .facts = {.has_issuer = true,
                  .url_count = (uint8_t)count,
                  .not_before_s = WORLD_START_S - 30 * DAY_S,
                  .not_after_s = WORLD_END_S},
        .certid = UINT32_MAX,
        .authority = authority,
        .found_ms = world->now_ms,
        .gone_ms = INSTANT_NEVER,
        .issued_ms = world->now_ms - 30 * DAY_S * 1000,
        .revoked_ms = INSTANT_NEVER,
        .released_ms = INSTANT_NEVER,
        .revocation_reason = -1,
    };

    for (unsigned i = 0; i < count; i++) {
        cert.responders[i] = first + i;
    }
    return cert;
}

struct authority plain_authority(int64_t life_s)
{
    return (struct authority){
        .signing = SIGN_ON_DEMAND, .life_s = life_s, .phase_s = WORLD_START_S, .backdate_s = 60};
}

void add_plain(struct world *world, int64_t life_s)
{
    struct authority authority = plain_authority(life_s);
    uint32_t number = world_add_authority(world, &authority), responder;
    struct sim_cert cert;

    world_add_responder(world, number, &responder);
    cert = plain_cert(world, number, responder, 1);
    for (uint32_t i = 0; i < world->options.certs; i++) {
        world_add_cert(world, &cert);
    }
}

void plan_outage(struct world *world, enum fault fault, int64_t from_s, int64_t until_s)
{
    struct episode episode = {at_ms(from_s), at_ms(until_s), fault, 1000, 0};

    for (uint32_t i = 0; i < world->responder_count; i++) {
        responder_plan(&world->responders[i], &episode);
    }
}

/* The process ends at @ms, or dies soon after. */
static void plan_end(struct world *world, int64_t ms)
{
    enum world_act act = pick_chance(world, 2) ? ACT_STOP : ACT_CRASH;
    int64_t writes = pick_range(world, 1, 100);

    world_plan(world, ms, act, (uint32_t)writes, pick_scale(world, 100, 60000));
}

/* ---- Named ones ---- */

static void build_steady(struct world *world, struct oracle_demands *ret_demands)
{
    add_plain(world, 7 * DAY_S);
    ret_demands->smooth = true;
    ret_demands->smooth_from_ms = at_ms(7 * DAY_S / 10 + HOUR_S);
    ret_demands->half_life_s = 7 * DAY_S / 2;
}

static void build_herd(struct world *world, struct oracle_demands *ret_demands)
{
    (void)ret_demands;
    add_plain(world, 7 * DAY_S);
    plan_outage(world, FAULT_REFUSED, 6 * DAY_S, 7 * DAY_S);
}

static const int64_t lives_s[] = {300,   HOUR_S,    12 * HOUR_S, 16 * HOUR_S,
                                  DAY_S, 4 * DAY_S, 7 * DAY_S,   10 * DAY_S};

/* Short lives cost many requests: few certificates have them. */
static int64_t pick_life_s(struct world *world)
{
    int64_t life_s = lives_s[pick_range(world, 0, ARRAY_SIZE(lives_s) - 1)];

    if (life_s < 12 * HOUR_S) {
        world->options.certs = (uint32_t)(world->options.certs * life_s / (12 * HOUR_S) + 2);
    }
    return life_s;
}

/* The same, and as many again that come one by one: in whatever happens then. */
static void add_some_later(struct world *world, int64_t life_s)
{
    struct sim_cert cert;

    add_plain(world, life_s);
    cert = plain_cert(world, 0, 0, 1);
    for (uint32_t i = 0; i < world->options.certs; i++) {
        cert.found_ms = pick_time_ms(world);
        world_add_cert(world, &cert);
    }
}

/* An outage of D on answers of L: bare for no longer than D less what could be held. */
static void build_outage(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_NO_NAME,  FAULT_REFUSED,  FAULT_HANG,
                                        FAULT_HTTP_500, FAULT_JUNK,     FAULT_TRY_LATER,
                                        FAULT_HTTP_533, FAULT_BROKEN,   FAULT_EXPIRED,
                                        FAULT_HTTP_503, FAULT_HTTP_429, FAULT_UNKNOWN};
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;
    int64_t from_s = pick_range(world, HOUR_S, end_s / 2);
    int64_t long_s = pick_scale(world, MINUTE_S, end_s / 2);
    enum fault fault = faults[pick_range(world, 0, ARRAY_SIZE(faults) - 1)];

    (void)ret_demands;
    add_some_later(world, pick_life_s(world));
    plan_outage(world, fault, from_s, from_s + long_s);
}

static void build_last_quarter(struct world *world, struct oracle_demands *ret_demands)
{
    add_plain(world, pick_life_s(world));
    world->responders[0].only_last_quarter = true;
    ret_demands->never_bare = true;
}

/* The clock jumps, with the responders up or in an outage. */
static void build_clock(struct world *world, struct oracle_demands *ret_demands)
{
    static const int64_t jumps_s[] = {400,       HOUR_S,     5 * HOUR_S,
                                      5 * DAY_S, 30 * DAY_S, 4 * 366 * DAY_S};
    static const enum fault faults[] = {FAULT_REFUSED, FAULT_EXPIRED, FAULT_OLDER};
    int64_t end_s = (world->end_ms - world->now_ms) / 1000, at_s = HOUR_S;

    (void)ret_demands;
    add_plain(world, pick_life_s(world));
    world->responders[0].gives_date = pick_chance(world, 2);
    while (at_s < end_s) {
        int64_t off_s = jumps_s[pick_range(world, 0, ARRAY_SIZE(jumps_s) - 1)];
        int64_t long_s = pick_scale(world, MINUTE_S, 2 * DAY_S);

        at_s += pick_scale(world, HOUR_S, 4 * DAY_S);
        world_plan(world, at_ms(at_s), ACT_CLOCK, 0, pick_chance(world, 2) ? off_s : -off_s);
        world_plan(world, at_ms(at_s + long_s), ACT_CLOCK, 0, 0);
        if (pick_chance(world, 2)) {
            int64_t from_s = at_s + pick_range(world, -600, 600);

            plan_outage(world, faults[pick_range(world, 0, ARRAY_SIZE(faults) - 1)], from_s,
                        from_s + pick_scale(world, 20 * MINUTE_S, 2 * DAY_S));
        }
        at_s += long_s;
        if (pick_chance(world, 3)) {
            world_plan(world, at_ms(at_s + HOUR_S), ACT_STOP, 0, 1000);
        }
    }
}

/* Restarts and deaths in an outage, with servers that forget. */
static void build_restart(struct world *world, struct oracle_demands *ret_demands)
{
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;

    (void)ret_demands;
    world->servers_keep = false;
    add_plain(world, pick_life_s(world));
    plan_outage(world, FAULT_NO_NAME, end_s / 4, end_s * 3 / 4);
    for (int64_t at_s = HOUR_S; at_s < end_s; at_s += pick_scale(world, MINUTE_S, DAY_S)) {
        plan_end(world, at_ms(at_s));
    }
}

/* Nodes that do not agree: every other answer is older, out of a cache, or unaware. */
static void build_flapping(struct world *world, struct oracle_demands *ret_demands)
{
    static const enum fault faults[] = {FAULT_OLDER, FAULT_CACHED_OLD, FAULT_FALSE_GOOD,
                                        FAULT_OTHER_CERT, FAULT_EXPIRED};
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;

    (void)ret_demands;
    add_plain(world, pick_life_s(world));
    if (pick_chance(world, 2)) { /* of the same times, one good and one revoked */
        world->authorities[0].signing = SIGN_BATCH;
        world->authorities[0].period_s = world->authorities[0].life_s / 2;
    }
    for (uint32_t i = 0; i < world->cert_count; i += 3) {
        world->certs[i].revoked_ms = pick_time_ms(world);
        world->certs[i].revocation_reason = pick_chance(world, 2) ? REASON_CODE_HOLD : 1;
        world->certs[i].released_ms =
            pick_chance(world, 2) ? INSTANT_NEVER : world->certs[i].revoked_ms + DAY_S * 1000;
    }
    for (int64_t at_s = 0; at_s < end_s; at_s += DAY_S) {
        struct episode episode = {.from_ms = at_ms(at_s), .until_ms = at_ms(at_s + DAY_S)};

        episode.fault = faults[pick_range(world, 0, ARRAY_SIZE(faults) - 1)];
        episode.permille = (unsigned)pick_range(world, 200, 800);
        responder_plan(&world->responders[0], &episode);
    }
}

static void build_revoked(struct world *world, struct oracle_demands *ret_demands)
{
    (void)ret_demands;
    add_plain(world, pick_life_s(world));
    world->policy.staple_revoked = pick_chance(world, 2);
    for (uint32_t i = 0; i < world->cert_count; i++) {
        world->certs[i].revoked_ms = pick_time_ms(world);
        world->certs[i].revocation_reason = pick_chance(world, 2) ? REASON_CODE_HOLD : 1;
        if (pick_chance(world, 2)) {
            world->certs[i].released_ms =
                world->certs[i].revoked_ms + pick_scale(world, HOUR_S, 5 * DAY_S) * 1000;
        }
    }
    for (int64_t n = pick_range(world, 1, 6); n > 0; n--) {
        plan_end(world, pick_time_ms(world));
    }
}

static void build_diskfull(struct world *world, struct oracle_demands *ret_demands)
{
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;

    (void)ret_demands;
    world->servers_keep = pick_chance(world, 2);
    add_plain(world, pick_life_s(world));
    for (int64_t at_s = HOUR_S; at_s < end_s; at_s += pick_scale(world, HOUR_S, 2 * DAY_S)) {
        world_plan(world, at_ms(at_s), ACT_DISK_FULL, 0, 1);
        at_s += pick_scale(world, MINUTE_S, DAY_S);
        world_plan(world, at_ms(at_s), ACT_DISK_FULL, 0, 0);
        world_plan(world, at_ms(at_s + pick_range(world, -HOUR_S, HOUR_S)), ACT_STOP, 0, 2000);
    }
}

/* Every certificate is replaced by another again and again. */
static void build_renewals(struct world *world, struct oracle_demands *ret_demands)
{
    struct authority authority = plain_authority(pick_life_s(world));
    uint32_t number, responder;

    (void)ret_demands;
    authority.birth_s = pick_chance(world, 2) ? 600 : 0;
    number = world_add_authority(world, &authority);
    world_add_responder(world, number, &responder);
    for (uint32_t i = 0; i < world->options.certs; i++) {
        int64_t from_ms = world->now_ms;

        while (from_ms < world->end_ms) {
            struct sim_cert cert = plain_cert(world, number, responder, 1);

            cert.found_ms = cert.issued_ms = from_ms;
            from_ms += pick_scale(world, HOUR_S, 6 * DAY_S) * 1000;
            cert.facts.not_after_s = from_ms / 1000 + (pick_chance(world, 3) ? 0 : DAY_S);
            cert.gone_ms = from_ms + (pick_chance(world, 2) ? 2000 : HOUR_S * 1000);
            world_add_cert(world, &cert);
        }
    }
}

/* One responder never answers; those of the others must not notice. */
static void build_deadneighbour(struct world *world, struct oracle_demands *ret_demands)
{
    struct episode dead = {world->now_ms, world->end_ms,
                           pick_chance(world, 2) ? FAULT_HANG : FAULT_LATE, 1000, 0};
    int64_t life_s = pick_life_s(world);

    (void)ret_demands;
    for (unsigned i = 0; i < 4; i++) {
        add_plain(world, life_s);
    }
    responder_plan(&world->responders[0], &dead);
    responder_plan(&world->responders[1], &dead);
}

static void build_retryafter(struct world *world, struct oracle_demands *ret_demands)
{
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;

    (void)ret_demands;
    add_some_later(world, pick_life_s(world));
    for (int64_t at_s = HOUR_S; at_s < end_s;) {
        struct episode episode = {.from_ms = at_ms(at_s)};

        episode.until_ms = at_ms(at_s + pick_scale(world, MINUTE_S, DAY_S));
        episode.fault = pick_chance(world, 2) ? FAULT_HTTP_429 : FAULT_HTTP_503;
        episode.permille = (unsigned)pick_range(world, 100, 1000);
        episode.retry_after_s = pick_scale(world, 1, 4 * HOUR_S);
        responder_plan(&world->responders[0], &episode);
        at_s += pick_scale(world, HOUR_S, 4 * DAY_S);
    }
}

/* Three URLs: one of them, mostly the first, fails at any time. */
static void build_multi_url(struct world *world, struct oracle_demands *ret_demands)
{
    struct authority authority = plain_authority(pick_life_s(world));
    int64_t end_s = (world->end_ms - world->now_ms) / 1000;
    uint32_t number = world_add_authority(world, &authority), responder;
    struct sim_cert cert;

    (void)ret_demands;
    for (unsigned i = 0; i < 3; i++) {
        world_add_responder(world, number, &responder);
    }
    cert = plain_cert(world, number, 0, 3);
    for (uint32_t i = 0; i < world->options.certs; i++) {
        world_add_cert(world, &cert);
    }
    for (int64_t at_s = 0; at_s < end_s;) {
        int64_t until_s = at_s + pick_scale(world, HOUR_S, 5 * DAY_S);
        int64_t which = time_max(0, pick_range(world, -1, 2));
        struct episode episode = {at_ms(at_s), at_ms(until_s), FAULT_NONE, 1000, 0};

        episode.fault = (enum fault)pick_range(world, FAULT_NONE + 1, FAULT_LAST_DRAWN);
        responder_plan(&world->responders[which], &episode);
        at_s = until_s;
    }
}

const struct scenario scenarios[] = {
    {"random", "everything at once", 90, 100, build_random},
    {"steady", "nothing happens: smooth, and no request too many", 28, 100000, build_steady},
    {"herd", "a day without the one responder of all", 16, 100000, build_herd},
    {"outage-d", "one outage, of any length on any lifetime", 30, 50, build_outage},
    {"last-quarter", "a responder honest only in the last quarter of each window", 20, 20,
     build_last_quarter},
    {"clock", "the machine's clock jumps, by minutes to years", 30, 20, build_clock},
    {"restart-in-outage", "restarts and deaths while nobody answers", 20, 50, build_restart},
    {"flapping", "nodes of a responder that do not agree", 20, 30, build_flapping},
    {"revoked", "every certificate is revoked, some only for a while", 20, 30, build_revoked},
    {"diskfull", "the disk is full again and again", 20, 30, build_diskfull},
    {"renewals", "every certificate is replaced every few hours or days", 20, 30, build_renewals},
    {"deadneighbour", "of four responders two never answer", 20, 50, build_deadneighbour},
    {"retryafter", "a responder that asks for time", 20, 50, build_retryafter},
    {"multi-url", "three URLs, of which one fails", 30, 50, build_multi_url},
    {"delegates", "delegates that live shorter than what they sign", 20, 20, build_delegates},
    {"forged", "answers that others signed, or about others", 10, 20, build_forged},
    {"grace", "must-staple leaves in outages longer than an answer's life", 30, 20, build_grace},
    {"future", "answers that begin only in some minutes", 10, 20, build_future},
    {"twins", "several leaves of one CertID come and go", 10, 32, build_twins},
    {"deaths", "the process dies at every other write, and certificates are revoked", 6, 12,
     build_deaths},
    {"boot", "the machine starts with a wrong clock, which is set later", 20, 20, build_boot},
    {"brink", "a responder that is back shortly before what all hold ends", 10, 20, build_brink},
    {"stuck", "a responder that goes on giving what it signed last", 10, 20, build_stuck},
    {0},
};

const struct scenario *scenario_find(const char *name)
{
    for (const struct scenario *scenario = scenarios; scenario->name; scenario++) {
        if (text_equal(scenario->name, name)) {
            return scenario;
        }
    }
    return NULL;
}
