/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hands staples to servers. The publisher remembers what should be shown at each place, makes each
 * target show it, and tries again with backoff where that fails: a failing target never blocks
 * another. What is already right is left alone: no write, no reload. *Written* (the file is there)
 * is told apart from *loaded* (the server has taken it). */

#include <uv.h>

#include "conf/config.h"
#include "core/staple.h"
#include "io/log.h"
#include "io/store.h"

struct publisher;

/* @store may be NULL (nothing is remembered over restarts). */
int publisher_new(struct publisher **ret_publisher, uv_loop_t *loop, const struct config *config,
                  struct store *store, const struct log *log);
void publisher_close(struct publisher *publisher);

/* As in struct ports. */
void publisher_publish(struct publisher *publisher, struct place place,
                       const struct staple *staple);
void publisher_withdraw(struct publisher *publisher, struct place place,
                        const struct cert_facts *cert, bool quiet);

/* After the first scan has been published: what an earlier run put somewhere and nobody wants any
 * more (its certificate is gone) is withdrawn. */
void publisher_reconcile(struct publisher *publisher);

/* True while writes, pushes or reloads that were asked for have not ended (well or in backoff). */
bool publisher_busy(const struct publisher *publisher);

/* Some target's last operation failed. */
bool publisher_failing(const struct publisher *publisher);

/* `clinch expire`: withdraws every published staple whose own nextUpdate has passed: those that
 * the store (may be NULL) remembers, and those at the paths in @paths. Neither network nor daemon.
 * @ret_left: how many could not be withdrawn. */
int publish_expire(struct store *store, const char *const *paths, size_t path_count,
                   const struct log *log, int64_t wall_s, unsigned *ret_withdrawn,
                   unsigned *ret_left);
