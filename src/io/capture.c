/* SPDX-License-Identifier: Apache-2.0 */
#include "io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "io/clock.h"

enum { PIPE_OUTPUT, PIPE_SAID, PIPE_FAULT, PIPES };

void capture_deinit(struct capture *capture)
{
    buf_deinit(&capture->output);
    buf_deinit(&capture->said);
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* In the child, between fork() and exec(): a group of its own, default signals, three descriptors.
 * What fails is told through the pipe that exec() closes. */
__attribute__((noreturn)) static void become(const char *const *program, int pipes[PIPES][2])
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fault;
    sigset_t none;
    ssize_t wrote;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &standard, NULL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
        dup2(pipes[PIPE_OUTPUT][1], STDOUT_FILENO) >= 0 &&
        dup2(pipes[PIPE_SAID][1], STDERR_FILENO) >= 0) {
        execv(program[0], (char *const *)program);
    }
    fault = errno;
    wrote = write(pipes[PIPE_FAULT][1], &fault, sizeof(fault));
    (void)wrote;
    _exit(127);
}

/* 0, or why it does not run; then it is gone again. */
static int start(const char *const *program, int pipes[PIPES][2], pid_t *ret_pid)
{
    pid_t pid = fork();
    int fault = 0;
    ssize_t size;

    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        become(program, pipes);
    }
    for (int i = 0; i < PIPES; i++) {
        close_one(&pipes[i][1]);
    }
    do {
        size = read(pipes[PIPE_FAULT][0], &fault, sizeof(fault));
    } while (size < 0 && errno == EINTR);
    if (size == sizeof(fault)) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
            /* again */
        }
        return -fault;
    }
    *ret_pid = pid;
    return 0;
}

/* Reads what is there. False at its end. */
static bool drain(int fd, struct buf *to)
{
    char chunk[65536];
    ssize_t size = read(fd, chunk, sizeof(chunk));

    if (size > 0) {
        buf_put(to, chunk, (size_t)size);
    }
    return size > 0 || (size < 0 && errno == EINTR);
}

/* Until both ends are closed, or it takes too long or too much. */
static void collect(int pipes[PIPES][2], int64_t limit_ms, struct capture *capture,
                    struct buf *said)
{
    struct pollfd fds[] = {{.fd = pipes[PIPE_OUTPUT][0], .events = POLLIN},
                           {.fd = pipes[PIPE_SAID][0], .events = POLLIN}};
    int64_t end_ms = time_add(clock_now().mono_ms, limit_ms);

    while (fds[PIPE_OUTPUT].fd >= 0 || fds[PIPE_SAID].fd >= 0) {
        int64_t left_ms = end_ms - clock_now().mono_ms;

        if (left_ms <= 0 || buf_status(&capture->output)) {
            capture->timed_out = left_ms <= 0;
            return;
        }
        if (poll(fds, ARRAY_SIZE(fds), (int)time_min(left_ms, 60000)) < 0 && errno != EINTR) {
            return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
            if (fds[i].revents && !drain(fds[i].fd, i == PIPE_OUTPUT ? &capture->output : said)) {
                fds[i].fd = -1;
            }
            fds[i].revents = 0;
        }
    }
}

/* Lines become clauses: "a; b". */
static void put_clauses(struct buf *clauses, struct slice said)
{
    while (said.size) {
        const uint8_t *end = memchr(said.data, '\n', said.size);
        size_t size = end ? (size_t)(end - said.data) : said.size;

        if (size) {
            buf_put_text(clauses, clauses->size ? "; " : "");
            buf_put_printable(clauses, slice_of(said.data, size), 1024);
        }
        size += end != NULL;
        said = slice_of(said.data + size, said.size - size);
    }
}

/* It has closed its output or used up its time: it is to be gone. */
static int reap(pid_t pid, bool kill_it)
{
    int status = 0;

    if (kill_it) {
        kill(-pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        /* again */
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int capture_run(const char *const *program, int64_t limit_ms, struct capture *ret_capture)
{
    struct capture capture = {.output = BUF_INIT(LIMIT_DUMP_SIZE),
                              .said = BUF_INIT(2 * LIMIT_COMMAND_OUTPUT)};
    struct buf said = BUF_INIT(LIMIT_COMMAND_OUTPUT);
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid = 0;
    int r = 0;

    for (int i = 0; !r && i < PIPES; i++) {
        r = pipe2(pipes[i], O_CLOEXEC) ? -errno : 0;
    }
    r = r ? r : start(program, pipes, &pid);
    if (!r) {
        collect(pipes, limit_ms, &capture, &said);
        capture.exit_code = reap(pid, capture.timed_out || buf_status(&capture.output));
        put_clauses(&capture.said, slice_of_buf(&said));
        *ret_capture = capture;
    }
    for (int i = 0; i < PIPES; i++) {
        close_one(&pipes[i][0]);
        close_one(&pipes[i][1]);
    }
    buf_deinit(&said);
    return r ? error_trace(r) : 0;
}
