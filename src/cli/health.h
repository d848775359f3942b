/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the daemon is, besides its certificates: the responders that it asks, the clock, what does
 * not reach the servers, and those that it looks at (`verify`). It is told over the control socket,
 * as more keys of the answer to `status`, and shown as such in JSON, as sentences where something
 * is wrong, and as metrics. */

#include <jansson.h>

#include "cli/cli.h"
#include "core/engine.h"
#include "io/witness.h"
#include "publish/trouble.h"

#define HEALTH_TOLD_MOST 10 /* of each sort, one by one */

struct health {
    struct responder_view *responders; /* owned; their keys are borrowed */
    size_t count;
    struct clock_view clock;
    struct witness_server_view *servers; /* owned; what is in them is borrowed */
    size_t server_count;
    struct witness_view
        *unseen; /* certificates that servers do not show as they should; likewise */
    size_t unseen_count;
    struct publish_trouble *troubles; /* what does not reach servers; likewise */
    size_t trouble_count;
    unsigned failing[TROUBLE_KINDS]; /* how many there are, told or not */
};
void health_deinit(struct health *health);

/* What @witness has seen. 0 or -ENOMEM. */
int health_add_servers(struct health *health, const struct witness *witness);

/* For publisher_each_trouble(); @context is a struct health. Without memory it is only counted. */
void health_add_trouble(void *context, const struct publish_trouble *trouble);

/* Sets "responders", "clock", "servers", "unseen" and "publishing" of @object. 0 or -ENOMEM. */
int health_to_json(const struct health *health, json_t *object);

/* False when they are not there, or not such ones; then @ret_health is left alone. Its keys point
 * into @object. */
bool health_from_json(const json_t *object, struct health *ret_health);

/* A sentence for each trouble, wrapped at @width, and an empty line behind them; nothing when all
 * is well. */
void health_put_text(struct buf *out, const struct health *health, int64_t wall_s, unsigned width);

/* health-servers.c, for health.c: those two keys, which older daemons do not have, and sentences.
 */
int health_servers_to_json(const struct health *health, json_t *object);
bool health_servers_from_json(const json_t *object, struct health *health);
void health_put_servers(struct buf *out, const struct health *health, unsigned width);

/* health-publish.c, for health.c and metrics.c: the same of what does not reach servers. */
const char *health_trouble_kind(enum publish_trouble_kind kind);
int health_troubles_to_json(const struct health *health, json_t *object);
bool health_troubles_from_json(const json_t *object, struct health *health);
void health_put_troubles(struct buf *out, const struct health *health, unsigned width);

/* metrics.c: everything in the text format of Prometheus, version 0.0.4. */
struct metrics {
    const struct cert_row *rows;
    size_t count;
    const struct health *health; /* NULL: only the store could be read */
    int64_t wall_s;
};
void metrics_put(struct buf *out, const struct metrics *metrics);
