/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The same outages for clinch and for the models of other servers (peers.h): who shows what for
 * how long, and how many requests that takes. docs/availability.md is made of it. */

#include "sim/meter.h"

/* Kinds of trouble: how many there are, their names, what happens in a clause. */
unsigned trial_count(void);
const char *trial_name(unsigned trial);
const char *trial_title(unsigned trial);

/* Who is compared: "clinch", then peers[]. */
unsigned policy_count(void);
const char *policy_name(unsigned policy);
const char *policy_what(unsigned policy);

/* Runs @trial with @policy in the world of @seed. */
struct meter compare_run(unsigned trial, unsigned policy, unsigned seed);
