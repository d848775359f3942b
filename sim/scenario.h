/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What happens in a world: its authorities, responders and certificates, and the plan of outages,
 * renewals, crashes and clock jumps, out of the seed. */

#include "sim/oracle.h"

struct scenario {
    const char *name;
    const char *title; /* for --help */
    unsigned days;     /* unless asked for others */
    uint32_t certs;
    /* Fills the world; may tighten what the oracle demands. */
    void (*build)(struct world *world, struct oracle_demands *ret_demands);
};

/* All, the default ("random") first; NULL name behind the last. */
extern const struct scenario scenarios[];

/* NULL: there is none of this name. */
const struct scenario *scenario_find(const char *name);
