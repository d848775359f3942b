/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The real ports wired to the host on one loop. `run` keeps it going, `once` stops it when there is
 * nothing left to wait for. */

#include <uv.h>

#include "cli/cli.h"
#include "host/host.h"
#include "io/clock-watch.h"
#include "io/fetch.h"
#include "io/hook.h"
#include "io/scan.h"
#include "io/store.h"
#include "pki/crypto.h"
#include "publish/publish.h"

struct daemon {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct clock_watch *clock_watch; /* NULL: the wall clock is looked at each SLEEP_MOST_MS only */
    struct log log;
    struct config *config;
    struct store *store;
    unsigned stores_begun; /* how many databases were begun anew until now */
    int64_t ticked_ms;     /* the engine last looked at the clock, monotonic */
    struct host *host;
    struct fetch *fetch;
    struct hook *hook;
    struct scan *scan;
    struct publisher *publisher;
    struct publish_names names; /* of files; its context is a struct crypto once it is needed */
    /* Called once per turn of the loop, behind everything else; may be NULL. Returns when it wants
     * to be called again at the latest (monotonic ms). */
    int64_t (*turn)(struct daemon *daemon, struct instant now);
    /* Called for every directory that sources depend on; may be NULL. */
    void (*directory)(void *context, const char *path);
    void *context;
};

/* Takes over @config. 0; >0 is an exit code, the reason was told; <0. @daemon stays where it is
 * until daemon_close(), whatever this returns. */
int daemon_open(struct daemon *daemon, struct config *config, const struct options *options);

/* A publisher for the targets of @config, which may be another one than the daemon's. 0 or <0. */
int daemon_publisher(struct daemon *daemon, const struct config *config,
                     struct publisher **ret_publisher);

/* Looks at all sources and settles what came of it. */
void daemon_scan(struct daemon *daemon);

/* Adds the sources and issuers of the configuration. */
void daemon_add_sources(struct daemon *daemon);

/* Takes out of the store what no file holds any more and has ended, and out of `status` what no
 * file holds. @whole: all sources were looked at; otherwise only certificates whose file is gone or
 * holds another one by now are concerned. */
void daemon_tidy(struct daemon *daemon, bool whole);

/* Ends everything that daemon_open() began; handles of the caller must be closing already. */
void daemon_close(struct daemon *daemon);

/* Says once that memory ran out; everything is tried again by itself. */
void daemon_check(struct daemon *daemon, int r);
