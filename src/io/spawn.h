/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Commands of the configuration, run on the loop, by /bin/sh -c or without a shell: standard input
 * from /dev/null, output kept up to a cap, ended after a time limit together with their process
 * group. */

#include <uv.h>

#include "base/bytes.h"

struct spawn_result {
    int exit_code; /* -1: not started or killed */
    int signal;    /* 0 when it ended by itself */
    bool timed_out;
    const char *output; /* standard output and error together, printable, the last of it */
};

struct spawn;
struct spawn_order {
    const char *command;
    int64_t limit_ms;
    void (*done)(void *context, const struct spawn_result *result);
    void *context;
    const char *const *program;     /* instead of a command: path and arguments, then NULL */
    const char *const *environment; /* "NAME=value" beside our own, then NULL; may be NULL */
};

/* done() is called once, on the loop, never from inside; *@ret_spawn is good until then. 0 or <0:
 * not even tried, or there is no such program. */
int spawn_start(struct spawn **ret_spawn, uv_loop_t *loop, const struct spawn_order *order);

/* The limit is reached now: SIGTERM to the group, SIGKILL two seconds later. done() is still
 * called. */
void spawn_cancel(struct spawn *spawn);

/* The same for those who never cancel. */
int spawn_run(uv_loop_t *loop, const char *command, int64_t limit_ms,
              void (*done)(void *context, const struct spawn_result *result), void *context);

/* The same, waiting: for commands without a loop (`clinch expire`). Frees nothing of yours. */
int spawn_run_now(const char *command, int64_t limit_ms, struct spawn_result *ret_result,
                  struct buf *output);
