/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers for tools/availability.
 *
 *     clinch-compare --names                 what there is, and what the columns mean
 *     clinch-compare [--seeds N] [TRIAL...]  every policy in these sorts of trouble, or in all
 *
 * A line each: trial, policy, certificate-minutes of each kind, requests; tabs between. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/compare.h"

#define SEEDS_DEFAULT 8

static void put_names(void)
{
    for (unsigned i = 0; i < METER_KINDS; i++) {
        printf("kind\t%s\n", meter_kind_name((enum meter_kind)i));
    }
    for (unsigned i = 0; i < policy_count(); i++) {
        printf("policy\t%s\t%s\n", policy_name(i), policy_what(i));
    }
    for (unsigned i = 0; i < trial_count(); i++) {
        printf("trial\t%s\t%s\n", trial_name(i), trial_title(i));
    }
}

static void put_cell(unsigned trial, unsigned policy, unsigned seeds)
{
    struct meter sum = {0};

    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct meter meter = compare_run(trial, policy, seed);

        for (unsigned i = 0; i < METER_KINDS; i++) {
            sum.counts[i] += meter.counts[i];
        }
        sum.asks += meter.asks;
    }
    printf("%s\t%s", trial_name(trial), policy_name(policy));
    for (unsigned i = 0; i < METER_KINDS; i++) {
        printf("\t%" PRIu64, sum.counts[i]);
    }
    printf("\t%" PRIu64 "\n", sum.asks);
}

/* The number of the trial of this name; trial_count(): there is none. */
static unsigned find_trial(const char *name)
{
    unsigned trial = 0;

    while (trial < trial_count() && !text_equal(name, trial_name(trial))) {
        trial++;
    }
    return trial;
}

static void put_trial(unsigned trial, unsigned seeds)
{
    for (unsigned i = 0; i < policy_count(); i++) {
        put_cell(trial, i, seeds);
    }
}

static int put_trials(int count, char **names, unsigned seeds)
{
    for (unsigned i = 0; i < trial_count() && count == 0; i++) {
        put_trial(i, seeds);
    }
    for (int i = 0; i < count; i++) {
        unsigned trial = find_trial(names[i]);

        if (trial == trial_count()) {
            fprintf(stderr, "clinch-compare: no trial \"%s\" (--names lists them)\n", names[i]);
            return 2;
        }
        put_trial(trial, seeds);
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned seeds = SEEDS_DEFAULT;
    int first = 1, status = 0;

    if (argc > 2 && text_equal(argv[1], "--seeds")) {
        seeds = (unsigned)strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (argc == 2 && text_equal(argv[1], "--names")) {
        put_names();
    } else {
        status = put_trials(argc - first, argv + first, seeds);
    }
    return fflush(stdout) || ferror(stdout) ? 1 : status;
}
