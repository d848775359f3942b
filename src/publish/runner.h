/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A command of the configuration with its reload rules. Targets with the same command share one
 * runner, so that a server is reloaded once for all of them. */

#include "publish/reload.h"
#include "publish/target.h"

struct runner;

/* @command is copied. */
int runner_new(struct runner **ret_runner, struct publish_context *context, const char *command,
               int64_t interval_s);

/* A command that is running is ended (spawn_cancel()); the runner stays in memory until it has, and
 * the loop must go on so long. */
struct runner *runner_free(struct runner *runner);

/* What a command printed, on one line: the end of it, which says most. */
void runner_put_output(struct buf *line, const char *output);

const char *runner_command(const struct runner *runner);

/* The reload rules, for noting changes and settling. The smaller interval of several targets
 * counts: runner_share(). */
struct reload *runner_reload(struct runner *runner);
void runner_share(struct runner *runner, int64_t interval_s);

/* Runs the command when it is due; the next deadline. */
int64_t runner_tick(struct runner *runner, struct instant now);

bool runner_covers(const struct runner *runner, uint64_t change);
uint64_t runner_runs(const struct runner *runner); /* that ended well */
bool runner_busy(const struct runner *runner);
bool runner_failing(const struct runner *runner);
/* How the last run that failed did; NULL: not known. */
const char *runner_fault(const struct runner *runner);
