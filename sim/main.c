/* SPDX-License-Identifier: Apache-2.0 */

/* clinch-sim: runs worlds, and says in one line how to see a broken invariant again. The only file
 * of sim/ that writes or reads anything. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/clinch.h"
#include "sim/der.h"
#include "sim/must.h"
#include "sim/scenario.h"
#include "sim/script.h"

#define TRACE_MAX  (64 * 1024 * 1024) /* certificates as they were built, then a line each */
#define SCRIPT_MAX (256 * 1024)

/* From here on a run of the default scenario must have exercised everything. */
#define STANDARD_SEEDS 100
#define STANDARD_DAYS  1000000

/* More would take a year or all memory. */
#define SEEDS_MOST 1000000
#define DAYS_MOST  3650
#define CERTS_MOST 1000000

/* What files and reloads add at the level of DER: seconds, or an hour when nothing is urgent. */
#define DER_LAG_MS    5000
#define DER_LINGER_MS 11000 /* the host gives a file up after ten seconds */
#define DER_BATCH_MS  3660000
#define DER_FIRST_MS  61000 /* a row of first staples is spread up to one reload a minute */

struct options {
    uint64_t seed;
    unsigned seeds;
    unsigned days;
    uint32_t certs;
    const char *level;
    const char *scenario;
    const char *script;
    bool trace;
    bool notes;
    bool verbose;
};

/* Sums over all seeds. */
struct sums {
    unsigned seeds;
    unsigned broken;
    int64_t cert_ms; /* that certificates were there */
    uint64_t asks;
    int64_t life_ms;
    int64_t valid_ms;
    int64_t bad_ms;
    int64_t due_ms;
    int64_t due_served_ms;
    uint64_t hash;
    struct cover cover;
};

static void put_usage(FILE *file)
{
    fputs("clinch-sim: clinch in virtual time, in a world that fails\n\n"
          "  --seed N        the first seed (1)\n"
          "  --seeds N       how many, one after another (1)\n"
          "  --days N        how long each world runs\n"
          "  --certs N       certificates at a time\n"
          "  --level L       facts (the engine alone) or der (host and real DER)\n"
          "  --scenario S    see below\n"
          "  --script FILE   a world written down instead (sim/script.h)\n"
          "  --trace         everything that happens, with true times\n"
          "  --notes         the same, but only notes for people and what happens from outside\n"
          "  --verbose       what was exercised how often, and shares of time\n\n",
          file);
    for (const struct scenario *scenario = scenarios; scenario->name; scenario++) {
        fprintf(file, "  %-18s %s (%u days, %" PRIu32 " certificates)\n", scenario->name,
                scenario->title, scenario->days, scenario->certs);
    }
}

/* Digits only: strtoull() takes a sign and blanks, too. */
static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    uint64_t number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < least || number > most) {
        fprintf(stderr, "clinch-sim: \"%s\" is not a number from %" PRIu64 " to %" PRIu64 "\n",
                text, least, most);
        exit(2);
    }
    return number;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option table[] = {
        {"seed", required_argument, NULL, 's'},   {"seeds", required_argument, NULL, 'n'},
        {"days", required_argument, NULL, 'd'},   {"certs", required_argument, NULL, 'c'},
        {"level", required_argument, NULL, 'l'},  {"scenario", required_argument, NULL, 'x'},
        {"script", required_argument, NULL, 'f'}, {"trace", no_argument, NULL, 't'},
        {"notes", no_argument, NULL, 'o'},        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    struct options options = {.seed = 1, .seeds = 1, .level = "facts", .scenario = "random"};
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 's':
            options.seed = number_of(optarg, 0, UINT64_MAX);
            break;
        case 'n':
            options.seeds = (unsigned)number_of(optarg, 1, SEEDS_MOST);
            break;
        case 'd':
            options.days = (unsigned)number_of(optarg, 1, DAYS_MOST);
            break;
        case 'c':
            options.certs = (uint32_t)number_of(optarg, 1, CERTS_MOST);
            break;
        case 'l':
            options.level = optarg;
            break;
        case 'x':
            options.scenario = optarg;
            break;
        case 'f':
            options.script = optarg;
            break;
        case 't':
            options.trace = true;
            break;
        case 'o':
            options.notes = true;
            break;
        case 'v':
            options.verbose = true;
            break;
        case 'h':
            put_usage(stdout);
            exit(0);
        default:
            put_usage(stderr);
            exit(2);
        }
    }
    return options;
}

static void read_script(const char *path, struct buf *ret_text)
{
    FILE *file = fopen(path, "rb");
    uint8_t *room;

    *ret_text = BUF_INIT(SCRIPT_MAX);
    room = buf_reserve(ret_text, SCRIPT_MAX - 1);
    if (!file || !room) {
        fprintf(stderr, "clinch-sim: cannot read %s\n", path);
        exit(2);
    }
    ret_text->size = fread(room, 1, SCRIPT_MAX - 1, file);
    fclose(file);
}

/* The one line that reproduces it. */
static void put_broken(const struct options *options, uint64_t seed,
                       const struct oracle_result *result)
{
    struct buf when = BUF_INIT(100);

    world_put_time(&when, result->broken_ms);
    printf("broken: clinch-sim --seed %" PRIu64, seed);
    if (options->script) {
        printf(" --script %s", options->script);
    } else {
        printf(" --days %u --certs %" PRIu32 " --scenario %s", options->days, options->certs,
               options->scenario);
    }
    printf(" --level %s at %s", options->level, buf_text(&when));
    if (result->broken_cert != UINT32_MAX) {
        printf(" certificate %" PRIu32, result->broken_cert);
    }
    printf(" %s: %s\n", invariant_name(result->broken), buf_text(&result->detail));
    buf_deinit(&when);
}

static int64_t cert_time_ms(const struct world *world)
{
    int64_t sum_ms = 0;

    for (uint32_t i = 0; i < world->cert_count; i++) {
        int64_t from_ms = time_max(world->certs[i].found_ms, WORLD_START_S * 1000);
        int64_t until_ms = time_min(world->certs[i].gone_ms, world->now_ms);

        sum_ms += time_max(0, until_ms - from_ms);
    }
    return sum_ms;
}

static uint64_t cert_days(const struct sums *sums)
{
    return (uint64_t)(sums->cert_ms / (DAY_S * 1000));
}

static void add_up(struct sums *sums, const struct world *world, const struct oracle_result *result)
{
    sums->seeds++;
    sums->broken += result->broken != BROKEN_NOTHING;
    sums->cert_ms += cert_time_ms(world);
    sums->asks += result->asks;
    sums->life_ms += result->life_ms;
    sums->valid_ms += result->valid_ms;
    sums->bad_ms += result->bad_ms;
    sums->due_ms += result->due_ms;
    sums->due_served_ms += result->due_served_ms;
    sums->hash = rng_mix(sums->hash ^ world->trace_hash);
}

static void build(struct world *world, const struct options *options, struct slice script,
                  struct oracle_demands *ret_demands)
{
    struct buf fault = BUF_INIT(1000);

    if (!options->script) {
        scenario_find(options->scenario)->build(world, ret_demands);
    } else if (!script_build(world, script, &fault)) {
        fprintf(stderr, "clinch-sim: %s:%s\n", options->script, buf_text(&fault));
        exit(2);
    }
    buf_deinit(&fault);
}

static void write_trace(struct buf *trace)
{
    fwrite(buf_text(trace), 1, trace->size, stdout);
    buf_clear(trace);
}

static void run_seed(const struct options *options, uint64_t seed, struct slice script,
                     struct sums *sums)
{
    struct buf trace = BUF_INIT(TRACE_MAX);
    struct world_options world_options = {.seed = seed,
                                          .days = options->days,
                                          .certs = options->certs,
                                          .trace = options->trace || options->notes ? &trace : NULL,
                                          .notes = !options->trace,
                                          .drain = write_trace};
    _cleanup_(world_freep)
    struct world *world = world_new(&world_options);
    _cleanup_(oracle_freep)
    struct oracle *oracle = NULL;
    struct oracle_demands demands = {0};
    struct subject *subject;

    world->cover = &sums->cover;
    build(world, options, script, &demands);
    if (options->trace) {
        world_put(world, &trace);
    }
    subject = text_equal(options->level, "der") ? der_new(world) : clinch_new(world);
    oracle = oracle_new(world, true);
    if (text_equal(options->level, "der")) {
        demands.lag_ms = DER_LAG_MS;
        demands.batch_ms = DER_BATCH_MS;
        demands.linger_ms = DER_LINGER_MS;
        demands.first_ms = der_reloads(world) ? DER_FIRST_MS : 0;
    }
    oracle_demand(oracle, &demands);
    world_run(world, subject, oracle);
    write_trace(&trace);
    if (oracle_result(oracle)->broken != BROKEN_NOTHING) {
        put_broken(options, seed, oracle_result(oracle));
    }
    add_up(sums, world, oracle_result(oracle));
    subject->type->free(subject);
    buf_deinit(&trace);
    fflush(stdout);
}

/* Parts of @whole in hundredths of a percent, rounded down: 100.00 is all of it. */
static void put_share(const char *what, int64_t part, int64_t whole)
{
    int64_t share = whole ? (int64_t)((__int128)part * 10000 / whole) : 10000;

    printf("%s %" PRId64 ".%02" PRId64 " %%", what, share / 100, share % 100);
}

static void put_sums(const struct options *options, const struct sums *sums)
{
    put_share("achievable time served", sums->due_served_ms, sums->due_ms);
    put_share(", a good staple shown", sums->valid_ms, sums->life_ms);
    put_share(", a bad one", sums->bad_ms, sums->life_ms);
    printf(", requests %" PRIu64 "\n", sums->asks);
    if (options->verbose) {
        struct buf cover = BUF_INIT(100000);

        cover_put(&sums->cover, &cover);
        fputs(buf_text(&cover), stdout);
        buf_deinit(&cover);
    }
}

/* A fault that never occurred proves nothing. */
static bool misses_something(const struct options *options, const struct sums *sums)
{
    struct buf missing = BUF_INIT(100000);
    bool standard = !options->script && text_equal(options->scenario, "random") &&
                    sums->seeds >= STANDARD_SEEDS && cert_days(sums) >= STANDARD_DAYS;
    bool misses = standard && cover_misses(&sums->cover, &missing);

    if (misses) {
        printf("never exercised: %s\n", buf_text(&missing));
    }
    buf_deinit(&missing);
    return misses;
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    const struct scenario *scenario = scenario_find(options.scenario);
    struct buf script = BUF_INIT(SCRIPT_MAX);
    struct sums sums = {0};
    bool misses;

    if (!scenario || (!text_equal(options.level, "facts") && !text_equal(options.level, "der"))) {
        put_usage(stderr);
        return 2;
    }
    if (options.script) {
        read_script(options.script, &script);
    }
    options.days = options.days ? options.days : scenario->days;
    options.certs = options.certs ? options.certs : scenario->certs;
    for (unsigned i = 0; i < options.seeds; i++) {
        run_seed(&options, options.seed + i, slice_of_buf(&script), &sums);
    }
    put_sums(&options, &sums);
    misses = misses_something(&options, &sums);
    printf("sim: %u seeds, %" PRIu64 " certificate-days, %u broken, trace %016" PRIx64 "\n",
           sums.seeds, cert_days(&sums), sums.broken + misses, sums.hash);
    buf_deinit(&script);
    return sums.broken || misses ? 1 : 0;
}
