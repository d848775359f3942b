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
#include "publish/handed.h"
#include "publish/trouble.h"

struct publisher;

/* What publishers need of cryptography: hitch names its files by MD5. False: no memory. */
struct publish_names {
    bool (*md5)(void *context, struct slice text, uint8_t ret_md5[16]);
    void *context;
};

/* @store may be NULL (nothing is remembered over restarts). @names (borrowed) may be NULL when no
 * target `hitch` is configured. */
int publisher_new(struct publisher **ret_publisher, uv_loop_t *loop, const struct config *config,
                  struct store *store, const struct log *log, const struct publish_names *names);

/* Stops at once; what is not done is found out at the next start. Its handles close by themselves:
 * the loop must run on until nothing is left in it. A command that is running is ended, which may
 * take two seconds. */
void publisher_close(struct publisher *publisher);

/* Wants to know what the servers of entries with `verify` have taken. Before anything is published.
 */
void publisher_watch(struct publisher *publisher,
                     void (*handed)(void *context, const struct handed *handed), void *context);

/* As in struct ports. */
void publisher_publish(struct publisher *publisher, struct place place,
                       const struct staple *staple);
void publisher_withdraw(struct publisher *publisher, struct place place,
                        const struct cert_facts *cert, bool quiet);

/* As in struct ports: what an earlier run left published at @place for @cert, read from the file
 * itself; nothing has been judged. 0 or STORE_E_NONE. */
int publisher_recall(struct publisher *publisher, struct place place, const struct cert_facts *cert,
                     struct buf *ret_der);

/* The machine's wall clock is @off_s ahead of the time that the engine goes by (host_look_clock()).
 */
void publisher_believe(struct publisher *publisher, int64_t off_s);

/* After the first scan has been published: what an earlier run put somewhere and nobody wants any
 * more (its certificate is gone) is withdrawn. */
void publisher_reconcile(struct publisher *publisher);

/* Nothing more will come (`clinch once`): what waits to be batched is run for now. */
void publisher_settle(struct publisher *publisher);

/* True while files that were asked for are not written yet, but for those that fail. */
bool publisher_writing(const struct publisher *publisher);

/* True while writes, pushes or reloads that were asked for have not ended (well or in backoff). */
bool publisher_busy(const struct publisher *publisher);

/* Everything that does not reach a server now. */
void publisher_each_trouble(const struct publisher *publisher,
                            void (*found)(void *context, const struct publish_trouble *trouble),
                            void *context);

/* Some target's last operation failed. */
bool publisher_failing(const struct publisher *publisher);

/* The configuration gives two certificates one path (told; the first has it). */
bool publisher_conflicting(const struct publisher *publisher);

/* `clinch expire`: withdraws every published staple whose own nextUpdate has passed: those that
 * the store (may be NULL; a reader will do) remembers, and those at @paths. Neither network nor
 * daemon. What the file itself says counts; the store's row can only add the day that a must-staple
 * certificate's last staple is kept longer. The snippet goes first, then the server's command is
 * run, then the DER goes.
 *
 * A row says also what the *server* has loaded. Where that has ended the command is run although
 * the file is a newer one, or gone: whoever should have told the server did not come to it. That it
 * was told is written down with @open_writer, or else the next call tells it once more. */
struct expire_order {
    struct store *store;
    /* A daemon lives: what the store remembers is its business, and left alone. */
    bool beside;
    const char *const *paths;
    size_t path_count;
    const struct log *log;
    int64_t wall_s;
    /* nextUpdate of a DER answer (response_next_update()); false when it is none. */
    bool (*next_update)(struct slice der, int64_t *ret_next_update_s);
    /* The same store, to write to, good until publish_expire() returns; nobody else may write
     * meanwhile. NULL: it cannot be. Called at most once, when there is something to write. */
    struct store *(*open_writer)(void *context);
    void *context;
};
struct expire_result {
    unsigned withdrawn;
    unsigned told; /* servers' places where a newer staple was in the file */
    unsigned left; /* could not be withdrawn or told; logged */
    unsigned kept; /* of @paths: the living daemon's */
};
int publish_expire(const struct expire_order *order, struct expire_result *ret_result);
