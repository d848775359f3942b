/* SPDX-License-Identifier: Apache-2.0 */
#include "io/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

#define KILL_AFTER_MS 2000 /* from SIGTERM to SIGKILL */
#define DRAIN_MS      200  /* for output that is still under way when the command has ended */
#define PRINTABLE_MAX (4 * LIMIT_COMMAND_OUTPUT)

/* One command. libuv wants its handles closed one by one: the memory goes with the last. */
struct spawn {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
    unsigned handles;
    int pid; /* also of the process group */
    bool exited;
    bool drained;
    bool told;
    struct spawn_result result;
    void (*done)(void *context, const struct spawn_result *result);
    void *context;
    size_t kept_size;
    bool cut; /* output before the kept was forgotten */
    char kept[LIMIT_COMMAND_OUTPUT];
    char chunk[LIMIT_COMMAND_OUTPUT];
};

static void on_closed(uv_handle_t *handle)
{
    struct spawn *spawn = handle->data;

    if (--spawn->handles == 0) {
        free(spawn);
    }
}

static void spawn_keep(struct spawn *spawn, const char *data, size_t size)
{
    size_t room = sizeof(spawn->kept) - spawn->kept_size;

    if (size > room) { /* a chunk is never larger than what is kept */
        size_t drop = size - room;

        memmove(spawn->kept, spawn->kept + drop, spawn->kept_size - drop);
        spawn->kept_size -= drop;
        spawn->cut = true;
    }
    memcpy(spawn->kept + spawn->kept_size, data, size);
    spawn->kept_size += size;
}

/* Lines become clauses: "a; b". */
static void put_output(struct buf *buf, const struct spawn *spawn)
{
    size_t size = spawn->kept_size, at = 0;
    bool first = true;

    buf_put_text(buf, spawn->cut ? "..." : "");
    while (at < size) {
        const char *line = spawn->kept + at;
        const char *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;

        at += length + 1;
        while (length && (line[length - 1] == '\r' || line[length - 1] == ' ')) {
            length--;
        }
        if (length) {
            buf_put_text(buf, first ? "" : "; ");
            buf_put_printable(buf, slice_of(line, length), length);
            first = false;
        }
    }
}

static void spawn_tell(struct spawn *spawn)
{
    struct buf text = BUF_INIT(PRINTABLE_MAX);

    if (spawn->told) {
        return;
    }
    spawn->told = true;
    if (spawn->result.timed_out) {
        /* What ignored SIGTERM and outlived the shell. The group's number is not given away as
         * long as it has members, and without members this is almost surely an error. */
        kill(-spawn->pid, SIGKILL);
    }
    uv_close((uv_handle_t *)&spawn->process, on_closed);
    uv_close((uv_handle_t *)&spawn->output, on_closed);
    uv_close((uv_handle_t *)&spawn->timer, on_closed);
    put_output(&text, spawn);
    spawn->result.output = buf_text(&text);
    spawn->done(spawn->context, &spawn->result);
    buf_deinit(&text);
}

static void on_drain_timer(uv_timer_t *timer)
{
    spawn_tell(timer->data);
}

static void on_kill_timer(uv_timer_t *timer)
{
    struct spawn *spawn = timer->data;

    kill(-spawn->pid, SIGKILL);
}

void spawn_cancel(struct spawn *spawn)
{
    if (spawn->exited || spawn->result.timed_out) {
        return; /* it ends by itself within the time to drain or to kill */
    }
    spawn->result.timed_out = true;
    kill(-spawn->pid, SIGTERM);
    uv_update_time(spawn->timer.loop);
    uv_timer_start(&spawn->timer, on_kill_timer, KILL_AFTER_MS, 0);
}

static void on_limit_timer(uv_timer_t *timer)
{
    spawn_cancel(timer->data);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal_number)
{
    struct spawn *spawn = process->data;

    spawn->exited = true;
    spawn->result.exit_code = signal_number ? -1 : (int)status;
    spawn->result.signal = signal_number;
    if (spawn->drained) {
        spawn_tell(spawn);
    } else {
        /* A daemon that it started may keep the pipe for ever. */
        uv_timer_start(&spawn->timer, on_drain_timer, DRAIN_MS, 0);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct spawn *spawn = handle->data;

    (void)wanted;
    *buf = uv_buf_init(spawn->chunk, sizeof(spawn->chunk));
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct spawn *spawn = stream->data;

    if (size > 0) {
        spawn_keep(spawn, buf->base, (size_t)size);
    } else if (size < 0) {
        uv_read_stop(stream);
        spawn->drained = true;
        if (spawn->exited) {
            spawn_tell(spawn);
        }
    }
}

static size_t list_count(const char *const *list)
{
    size_t count = 0;

    while (list && list[count]) {
        count++;
    }
    return count;
}

/* Our own environment and @more, borrowed; NULL without memory. */
static char **make_environment(const char *const *more)
{
    size_t own = list_count((const char *const *)environ), count = list_count(more);
    char **all = calloc(own + count + 1, sizeof(*all));

    if (all) {
        memcpy(all, environ, own * sizeof(*all));
        memcpy(all + own, more, count * sizeof(*all));
    }
    return all;
}

/* Starts it with @fd as its output. The child gets default signals from libuv. */
static int start_program(struct spawn *spawn, uv_loop_t *loop, const struct spawn_order *order,
                         int fd)
{
    char *shell[] = {"/bin/sh", "-c", (char *)order->command, NULL};
    char **arguments = order->program ? (char **)order->program : shell;
    _cleanup_(freep)
    char **environment = order->environment ? make_environment(order->environment) : NULL;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE}, /* libuv opens /dev/null */
        {.flags = UV_INHERIT_FD, .data.fd = fd},
        {.flags = UV_INHERIT_FD, .data.fd = fd},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_of,
        .file = arguments[0],
        .args = arguments,
        .env = environment,           /* NULL: ours */
        .flags = UV_PROCESS_DETACHED, /* setsid(): a group of its own, to be ended as one */
        .stdio_count = 3,
        .stdio = stdio,
    };
    int r;

    if (order->environment && !environment) {
        return -ENOMEM;
    }
    r = uv_spawn(loop, &spawn->process, &options);
    spawn->pid = spawn->process.pid;
    return r;
}

static void spawn_init_handles(struct spawn *spawn, uv_loop_t *loop)
{
    uv_timer_init(loop, &spawn->timer); /* these two cannot fail */
    uv_pipe_init(loop, &spawn->output, 0);
    spawn->timer.data = spawn;
    spawn->output.data = spawn;
    spawn->process.data = spawn;
    spawn->handles = 2;
}

static void spawn_abandon(struct spawn *spawn)
{
    if (spawn->process.type == UV_PROCESS) { /* uv_spawn() was tried */
        spawn->handles++;
        uv_close((uv_handle_t *)&spawn->process, on_closed);
    }
    uv_close((uv_handle_t *)&spawn->output, on_closed);
    uv_close((uv_handle_t *)&spawn->timer, on_closed);
}

int spawn_start(struct spawn **ret_spawn, uv_loop_t *loop, const struct spawn_order *order)
{
    struct spawn *spawn = calloc(1, sizeof(*spawn));
    int fds[2], r;

    if (!spawn) {
        return -ENOMEM;
    }
    if (pipe2(fds, O_CLOEXEC)) {
        r = -errno;
        free(spawn);
        return error_trace(r);
    }
    spawn->done = order->done;
    spawn->context = order->context;
    spawn->result.exit_code = -1;
    spawn_init_handles(spawn, loop);
    r = uv_pipe_open(&spawn->output, fds[0]);
    if (r) {
        close(fds[0]);
    } else {
        r = start_program(spawn, loop, order, fds[1]);
    }
    close(fds[1]);
    if (r) {
        spawn_abandon(spawn);
        return error_trace(r); /* libuv's codes are negated errno constants */
    }
    spawn->handles++;
    uv_read_start((uv_stream_t *)&spawn->output, on_alloc, on_output);
    if (order->limit_ms > 0) {
        uv_update_time(loop);
        uv_timer_start(&spawn->timer, on_limit_timer, (uint64_t)order->limit_ms, 0);
    }
    *ret_spawn = spawn;
    return 0;
}

int spawn_run(uv_loop_t *loop, const char *command, int64_t limit_ms,
              void (*done)(void *context, const struct spawn_result *result), void *context)
{
    const struct spawn_order order = {command, limit_ms, done, context, NULL, NULL};
    struct spawn *spawn;
    int r = spawn_start(&spawn, loop, &order);

    return r ? error_trace(r) : 0;
}

struct waiting {
    struct spawn_result result;
    struct buf *output;
};

static void on_waited(void *context, const struct spawn_result *result)
{
    struct waiting *waiting = context;

    waiting->result = *result;
    buf_put_text(waiting->output, result->output);
}

int spawn_run_now(const char *command, int64_t limit_ms, struct spawn_result *ret_result,
                  struct buf *output)
{
    struct waiting waiting = {.output = output};
    uv_loop_t loop;
    int r = uv_loop_init(&loop);

    if (r) {
        return error_trace(r);
    }
    r = spawn_run(&loop, command, limit_ms, on_waited, &waiting);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (r) {
        return error_trace(r);
    }
    waiting.result.output = buf_text(output);
    *ret_result = waiting.result;
    return 0;
}
