/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/compare.h"

#include "sim/clinch.h"
#include "sim/must.h"
#include "sim/oracle.h"
#include "sim/peers.h"

#define MINUTE_S        INT64_C(60)
#define RESPONDERS      3
#define CERTS_EACH      8            /* of one responder */
#define MIXED_RESTART_S (10 * DAY_S) /* mean */

struct trial {
    const char *name;
    const char *title;
    int64_t life_s;    /* of an answer */
    int64_t trouble_s; /* how long it lasts */
    int64_t after_s;   /* and for how long behind it is measured */
    enum fault fault;
    unsigned permille; /* of requests that meet it; 0: no trouble */
    bool first_only;   /* one of the responders only */
    bool holds;        /* connections that hang do so for good */
    bool revokes;      /* all certificates, when the trouble begins */
    bool mixed;        /* all sorts of trouble instead */
    int64_t restart_s; /* the machine starts anew so long after the trouble begins */
    int64_t away_s;    /* and takes so long for it; 0: it does not */
};

static const struct trial trials[] = {
    {.name = "steady", .title = "no trouble", .life_s = 7 * DAY_S, .trouble_s = 14 * DAY_S},
    {.name = "outage-5h",
     .title = "responders away for 5 hours",
     .life_s = 7 * DAY_S,
     .trouble_s = 5 * HOUR_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000},
    {.name = "outage-1d",
     .title = "responders away for a day",
     .life_s = 7 * DAY_S,
     .trouble_s = DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000},
    {.name = "outage-3d",
     .title = "responders away for 3 days",
     .life_s = 7 * DAY_S,
     .trouble_s = 3 * DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000},
    {.name = "short-6h",
     .title = "12-hour answers, responders away for 6 hours",
     .life_s = 12 * HOUR_S,
     .trouble_s = 6 * HOUR_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000},
    {.name = "short-1d",
     .title = "12-hour answers, responders away for a day",
     .life_s = 12 * HOUR_S,
     .trouble_s = DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000},
    {.name = "restart",
     .title = "responders away for a day, the machine restarts in the middle",
     .life_s = 7 * DAY_S,
     .trouble_s = DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000,
     .restart_s = DAY_S / 2,
     .away_s = MINUTE_S},
    {.name = "leftovers",
     .title = "12-hour answers, responders away for 6 hours when the machine comes back after "
              "2 days",
     .life_s = 12 * HOUR_S,
     .trouble_s = 6 * HOUR_S,
     .after_s = DAY_S,
     .fault = FAULT_REFUSED,
     .permille = 1000,
     .restart_s = -2 * DAY_S,
     .away_s = 2 * DAY_S},
    {.name = "hang",
     .title = "12-hour answers, one responder of three hangs for a day",
     .life_s = 12 * HOUR_S,
     .trouble_s = DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_HANG,
     .permille = 1000,
     .first_only = true},
    {.name = "held",
     .title = "12-hour answers, one of three hangs for 5 hours and holds its connections for good",
     .life_s = 12 * HOUR_S,
     .trouble_s = 5 * HOUR_S,
     .after_s = DAY_S,
     .fault = FAULT_HANG,
     .permille = 1000,
     .first_only = true,
     .holds = true},
    {.name = "try-later",
     .title = "responders say tryLater for a day",
     .life_s = 7 * DAY_S,
     .trouble_s = DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_TRY_LATER,
     .permille = 1000},
    {.name = "flapping",
     .title = "every other answer is an older one out of a cache, for 3 days",
     .life_s = 7 * DAY_S,
     .trouble_s = 3 * DAY_S,
     .after_s = DAY_S,
     .fault = FAULT_OLDER,
     .permille = 500},
    {.name = "forged",
     .title = "somebody on the way signs answers himself, for a day, and the week after",
     .life_s = 7 * DAY_S,
     .trouble_s = DAY_S,
     .after_s = 7 * DAY_S,
     .fault = FAULT_STRANGER,
     .permille = 1000},
    {.name = "garbled",
     .title = "signatures are wrong for a day, and the week after",
     .life_s = 7 * DAY_S,
     .trouble_s = DAY_S,
     .after_s = 7 * DAY_S,
     .fault = FAULT_BAD_SIGNATURE,
     .permille = 1000},
    {.name = "revoked",
     .title = "every certificate is revoked: the two weeks after",
     .life_s = 7 * DAY_S,
     .trouble_s = 14 * DAY_S,
     .revokes = true},
    {.name = "mixed",
     .title = "60 days of all sorts of trouble, with a restart now and then",
     .life_s = 4 * DAY_S,
     .trouble_s = 60 * DAY_S,
     .mixed = true},
};

/* Trouble of every sort but forged answers, which are no accident. */
static const enum fault accidents[] = {
    FAULT_NO_NAME,   FAULT_REFUSED,      FAULT_REFUSED,    FAULT_HANG,     FAULT_LATE,
    FAULT_BROKEN,    FAULT_TRUNCATED,    FAULT_JUNK,       FAULT_HTTP_500, FAULT_HTTP_503,
    FAULT_TRY_LATER, FAULT_UNAUTHORIZED, FAULT_OTHER_CERT, FAULT_OLDER,    FAULT_EXPIRED,
};

static struct rng rng_of(unsigned seed)
{
    return (struct rng){rng_mix(seed)};
}

static int64_t between(struct rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low));
}

/* What is in phase with the answers' life should not be: all begins somewhere in one. */
static int64_t phase_s(const struct trial *trial)
{
    return time_max(trial->life_s, DAY_S);
}

/* The three habits that authorities have. */
static struct authority authority_of(const struct trial *trial, unsigned number)
{
    struct authority authority = {
        .signing = (enum signing)number,
        .life_s = trial->life_s,
        .period_s = trial->life_s / 4,
        .lead_s = trial->life_s >= 16 * HOUR_S ? 8 * HOUR_S : trial->life_s / 2,
        .phase_s = WORLD_START_S - trial->life_s,
    };

    return authority;
}

static void plan_mixed(struct world *world, struct responder *responder, int64_t from_ms,
                       struct rng *rng)
{
    int64_t at_ms = from_ms;

    for (;;) {
        int64_t scale_s = 10 * MINUTE_S << rng_below(rng, 8); /* 10 min to 21 h and twice that */
        struct episode episode = {
            .from_ms = at_ms + between(rng, HOUR_S, 8 * DAY_S) * 1000,
            .fault = accidents[rng_below(rng, ARRAY_SIZE(accidents))],
            .permille = rng_below(rng, 4) ? 1000 : 300,
            .retry_after_s = 10 * MINUTE_S,
        };

        episode.until_ms = episode.from_ms + between(rng, scale_s, 2 * scale_s) * 1000;
        if (episode.until_ms >= world->end_ms) {
            return;
        }
        responder_plan(responder, &episode);
        at_ms = episode.until_ms;
    }
}

static void plan_restarts(struct world *world, int64_t from_ms, struct rng *rng)
{
    int64_t at_ms = from_ms;

    while ((at_ms += between(rng, 0, 2 * MIXED_RESTART_S) * 1000) < world->end_ms) {
        world_plan(world, at_ms, ACT_STOP, 0, MINUTE_S * 1000);
    }
}

static void add_responder(struct world *world, const struct trial *trial, unsigned number,
                          int64_t from_ms, struct rng *rng)
{
    struct authority authority = authority_of(trial, number);
    uint32_t index;
    struct responder *responder =
        world_add_responder(world, world_add_authority(world, &authority), &index);
    struct episode episode = {
        .from_ms = from_ms,
        .until_ms = from_ms + trial->trouble_s * 1000,
        .fault = trial->fault,
        .permille = trial->permille,
    };

    if (trial->mixed) {
        plan_mixed(world, responder, from_ms, rng);
    } else if (trial->permille && !(trial->first_only && number)) {
        responder_plan(responder, &episode);
    }
}

static void add_certs(struct world *world, const struct trial *trial, uint32_t responder,
                      int64_t from_ms, struct rng *rng)
{
    for (unsigned i = 0; i < CERTS_EACH; i++) {
        struct sim_cert cert = {
            .certid = UINT32_MAX,
            .authority = responder,
            .responders = {responder},
            .found_ms = world->now_ms + between(rng, 0, phase_s(trial)) * 1000,
            .gone_ms = INSTANT_NEVER,
            .issued_ms = world->now_ms - DAY_S * 1000,
            .revoked_ms = trial->revokes ? from_ms : INSTANT_NEVER,
            .released_ms = INSTANT_NEVER,
            .revocation_reason = trial->revokes ? 1 : -1,
            .facts = {.url_count = 1,
                      .has_issuer = true,
                      .not_before_s = WORLD_START_S - DAY_S,
                      .not_after_s = WORLD_START_S + 400 * DAY_S},
        };

        world_add_cert(world, &cert);
    }
}

/* The world of one seed: the same for every policy. */
static struct world *world_of(const struct trial *trial, unsigned seed, struct meter *meter)
{
    struct rng rng = rng_of(seed);
    int64_t from_s = 2 * phase_s(trial) + trial->away_s + between(&rng, 0, phase_s(trial));
    int64_t until_s = from_s + trial->trouble_s + trial->after_s;
    struct world_options options = {
        .seed = seed,
        .days = (unsigned)(until_s / DAY_S + 1),
        .certs = RESPONDERS * CERTS_EACH,
    };
    struct world *world = world_new(&options);

    meter->from_ms = world->now_ms + from_s * 1000;
    meter->until_ms = world->now_ms + until_s * 1000;
    world->servers_keep = false;
    for (unsigned i = 0; i < RESPONDERS; i++) {
        add_responder(world, trial, i, meter->from_ms, &rng);
    }
    for (uint32_t i = 0; i < RESPONDERS; i++) {
        add_certs(world, trial, i, meter->from_ms, &rng);
    }
    if (trial->away_s) {
        world_plan(world, meter->from_ms + trial->restart_s * 1000, ACT_REBOOT, 0,
                   trial->away_s * 1000);
    }
    if (trial->mixed) {
        plan_restarts(world, meter->from_ms, &rng);
    }
    return world;
}

unsigned trial_count(void)
{
    return ARRAY_SIZE(trials);
}

const char *trial_name(unsigned trial)
{
    return trials[trial].name;
}

const char *trial_title(unsigned trial)
{
    return trials[trial].title;
}

unsigned policy_count(void)
{
    unsigned count = 1;

    while (peers[count - 1].name) {
        count++;
    }
    return count;
}

const char *policy_name(unsigned policy)
{
    return policy == 0 ? "clinch" : peers[policy - 1].name;
}

const char *policy_what(unsigned policy)
{
    return policy == 0 ? "the engine itself, as it comes" : peers[policy - 1].what;
}

struct meter compare_run(unsigned trial, unsigned policy, unsigned seed)
{
    struct meter meter = {0};
    _cleanup_(world_freep)
    struct world *world = world_of(&trials[trial], seed, &meter);
    struct subject *subject =
        policy == 0 ? clinch_new(world) : peer_new(world, &peers[policy - 1], trials[trial].holds);
    _cleanup_(oracle_freep)
    struct oracle *oracle = oracle_new(world, false);

    subject = meter_new(subject, &meter);
    world_run(world, subject, oracle);
    must(oracle_result(oracle)->broken == BROKEN_NOTHING); /* it came to the end */
    subject->type->free(subject);
    return meter;
}
