/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a fetcher and a server on one loop, and names that no real resolver is asked for. */

#include <semaphore.h>

#include "io/fetch.h"
#include "test-server.h"

#define RESULTS_MAX 400

/* Looking up hang.example posts begun, waits for may_end and posts ended. responder.example is
 * 127.0.0.1, metadata.example 169.254.169.254, both.example has both; there are no other names. */
extern sem_t hang_begun, hang_may_end, hang_ended;

struct seen {
    uint64_t id;
    enum fetch_outcome outcome;
    int http_status;
    struct http_hints hints;
    size_t size;
    char body[200];
    char etag[200]; /* "": none */
    char detail[700];
};

struct world {
    uv_loop_t loop;
    struct fetch *fetch;
    struct server server;
    struct fetch_settings settings;
    struct fetch_order order; /* its etag, no_cache and issuer go into those that are started */
    bool inside;              /* of fetch_start() */
    unsigned count;
    void (*also)(struct world *world); /* called at each result */
    struct seen seen[RESULTS_MAX];
};

struct world *world_new(const struct reply *replies, size_t count);
void world_begin(struct world *world);
void world_free(struct world *world);

/* @path is a whole URL or a path at the server; @post NULL for GET. */
void start(struct world *world, uint64_t id, const char *path, const char *post);
void run_until(struct world *world, unsigned count);

/* Asks for @path and returns what came of it, world->seen[0]. */
const struct seen *ask(struct world *world, const char *path, const char *post);
void assert_ends(const struct seen *seen, enum fetch_outcome outcome, const char *detail);
