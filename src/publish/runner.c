/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/runner.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "io/spawn.h"

#define COMMAND_LIMIT_MS 60000
#define OUTPUT_TOLD      600 /* octets; the line has room for what follows */

struct runner {
    struct publish_context *context;
    struct reload reload;
    uint64_t runs;
    char *command;
    char *fault;         /* of the last run that failed; or NULL */
    struct spawn *spawn; /* while it runs */
    bool freed;          /* ends with the command that is running */
};

int runner_new(struct runner **ret_runner, struct publish_context *context, const char *command,
               int64_t interval_s)
{
    struct runner *runner = calloc(1, sizeof(*runner));

    if (!runner) {
        return -ENOMEM;
    }
    runner->command = text_copy(slice_of_text(command));
    if (!runner->command) {
        free(runner);
        return -ENOMEM;
    }
    runner->context = context;
    reload_init(&runner->reload, interval_s);
    *ret_runner = runner;
    return 0;
}

static void runner_destroy(struct runner *runner)
{
    free(runner->command);
    free(runner->fault);
    free(runner);
}

struct runner *runner_free(struct runner *runner)
{
    if (runner && runner->spawn) {
        runner->freed = true;
        spawn_cancel(runner->spawn);
    } else if (runner) {
        runner_destroy(runner);
    }
    return NULL;
}

const char *runner_command(const struct runner *runner)
{
    return runner->command;
}

struct reload *runner_reload(struct runner *runner)
{
    return &runner->reload;
}

void runner_share(struct runner *runner, int64_t interval_s)
{
    runner->reload.interval_s = time_min(runner->reload.interval_s, interval_s);
}

void runner_put_output(struct buf *line, const char *output)
{
    struct slice text = slice_of_text(output ? output : "");

    while (text.size > 0 && text.data[text.size - 1] == '\n') {
        --text.size;
    }
    if (text.size == 0) {
        buf_put_text(line, "it printed nothing");
        return;
    }
    if (text.size > OUTPUT_TOLD) {
        buf_put_text(line, "...");
        text = slice_of(text.data + text.size - OUTPUT_TOLD, OUTPUT_TOLD);
    }
    for (size_t i = 0; i < text.size; ++i) {
        if (text.data[i] == '\n') {
            buf_put_text(line, " | ");
        } else {
            buf_put_printable(line, slice_of(text.data + i, 1), 1);
        }
    }
}

static void put_end(struct buf *line, const struct spawn_result *result)
{
    if (result->timed_out) {
        buf_put_text(line, "was stopped after ");
        buf_put_int(line, COMMAND_LIMIT_MS / 1000);
        buf_put_text(line, " s");
    } else if (result->signal) {
        buf_put_text(line, "was killed by signal ");
        buf_put_int(line, result->signal);
    } else if (result->exit_code < 0) {
        buf_put_text(line, "could not be started");
    } else {
        buf_put_text(line, "failed with exit code ");
        buf_put_int(line, result->exit_code);
    }
}

static void runner_tell_failure(struct runner *runner, const struct spawn_result *result,
                                int64_t mono_ms)
{
    struct buf line = BUF_INIT(4 * LIMIT_COMMAND_OUTPUT);

    buf_put_text(&line, "command `");
    buf_put_printable(&line, slice_of_text(runner->command), 200);
    buf_put_text(&line, "` ");
    put_end(&line, result);
    buf_put_text(&line, ": ");
    runner_put_output(&line, result->output);
    target_keep_fault(&runner->fault, buf_text(&line));
    buf_put_text(&line, "; the server keeps what it has, next try in ");
    buf_put_duration(&line, (runner->reload.retry_ms - mono_ms + 999) / 1000);
    log_say(runner->context->log, NOTE_ERROR, "%s", buf_text(&line));
    buf_deinit(&line);
}

static void runner_ended(struct runner *runner, const struct spawn_result *result)
{
    struct publish_context *context = runner->context;
    int64_t mono_ms = context->clock().mono_ms;
    bool good = result->exit_code == 0 && !result->signal && !result->timed_out;
    unsigned failures = runner->reload.failures;

    reload_end(&runner->reload, good, mono_ms, &context->rng);
    context->runs += good;
    runner->runs += good;
    if (!good) {
        runner_tell_failure(runner, result, mono_ms);
    } else if (failures > 0) {
        log_say(context->log, NOTE_INFO, "command `%.200s` works again", runner->command);
    } else {
        log_say(context->log, NOTE_DEBUG, "command `%.200s` was run", runner->command);
    }
}

static void on_done(void *data, const struct spawn_result *result)
{
    struct runner *runner = data;

    runner->spawn = NULL;
    if (runner->freed) {
        runner_destroy(runner);
        return;
    }
    runner_ended(runner, result);
    runner->context->wake(runner->context);
}

int64_t runner_tick(struct runner *runner, struct instant now)
{
    static const struct spawn_result not_started = {.exit_code = -1, .output = ""};
    const struct spawn_order order = {
        .command = runner->command,
        .limit_ms = COMMAND_LIMIT_MS,
        .done = on_done,
        .context = runner,
    };

    if (reload_deadline_ms(&runner->reload) <= now.mono_ms) {
        reload_begin(&runner->reload, now.mono_ms);
        if (spawn_start(&runner->spawn, runner->context->loop, &order)) {
            runner_ended(runner, &not_started);
        }
    }
    return reload_deadline_ms(&runner->reload);
}

bool runner_covers(const struct runner *runner, uint64_t change)
{
    return runner->reload.done >= change;
}

uint64_t runner_runs(const struct runner *runner)
{
    return runner->runs;
}

bool runner_busy(const struct runner *runner)
{
    return reload_busy(&runner->reload);
}

bool runner_failing(const struct runner *runner)
{
    return runner->reload.failures > 0;
}

const char *runner_fault(const struct runner *runner)
{
    return runner->fault;
}
