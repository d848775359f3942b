/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What scenarios are built with. */

#include "sim/scenario.h"

#define MINUTE_S    INT64_C(60)
#define WORLD_END_S (INT64_C(400) * 366 * 86400) /* long after every world */

/* Out of the scenario's generator: one in @n; [@low, @high]; the same, small ones as likely as
 * large ones. */
bool pick_chance(struct world *world, uint64_t n);
int64_t pick_range(struct world *world, int64_t low, int64_t high);
int64_t pick_scale(struct world *world, int64_t low, int64_t high);

/* A time of the run, true ms: some part of it behind the beginning. */
int64_t pick_time_ms(struct world *world);

/* "@seconds after the beginning", true ms. */
int64_t at_ms(int64_t seconds);

/* A good certificate of @authority that is there all the time, with its responders @first to
 * @first + @count - 1. */
struct sim_cert plain_cert(const struct world *world, uint32_t authority, uint32_t first,
                           unsigned count);

/* Signs on demand, a minute back. */
struct authority plain_authority(int64_t life_s);

/* Another plain authority with one responder, and as many certificates as the options say. */
void add_plain(struct world *world, int64_t life_s);

/* Every responder fails in [@from_s, @until_s) after the beginning. */
void plan_outage(struct world *world, enum fault fault, int64_t from_s, int64_t until_s);

void build_random(struct world *world, struct oracle_demands *ret_demands);

/* scenario-trials.c */
void build_delegates(struct world *world, struct oracle_demands *ret_demands);
void build_forged(struct world *world, struct oracle_demands *ret_demands);
void build_grace(struct world *world, struct oracle_demands *ret_demands);
void build_future(struct world *world, struct oracle_demands *ret_demands);
void build_twins(struct world *world, struct oracle_demands *ret_demands);
void build_brink(struct world *world, struct oracle_demands *ret_demands);
void build_boot(struct world *world, struct oracle_demands *ret_demands);
void build_deaths(struct world *world, struct oracle_demands *ret_demands);
void build_stuck(struct world *world, struct oracle_demands *ret_demands);
