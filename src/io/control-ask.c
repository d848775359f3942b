/* SPDX-License-Identifier: Apache-2.0 */
#include "io/control.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "io/clock.h"

#define ANSWER_MAX (64 * 1024 * 1024) /* 100,000 rows are about 40 MB */

static void closep(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* For people: what @r means for somebody who asked the socket at @path. */
static void put_fault(struct buf *fault, const char *path, int r)
{
    buf_put_printable(fault, slice_of_text(path), 200);
    buf_put_text(fault, ": ");
    switch (r) {
    case -ENOENT:
        buf_put_text(fault, "there is no such socket: clinch does not run with this --state");
        break;
    case -ECONNREFUSED:
        buf_put_text(fault, "nobody listens: the clinch that made it is gone");
        break;
    case -EACCES:
        buf_put_text(fault, "you may not ask: be root, clinch's user or in clinch's group");
        break;
    case -ETIMEDOUT:
        buf_put_text(fault, "clinch runs but did not answer in time");
        break;
    case -ECONNRESET:
        buf_put_text(fault, "clinch is busy or has just ended, and gave no answer: try again");
        break;
    case -EPROTO:
        buf_put_text(fault, "what came is no answer: is another version of clinch running?");
        break;
    case -ENAMETOOLONG:
        buf_put_text(fault, "a socket's path may have at most 107 characters");
        break;
    default:
        buf_put_text(fault, uv_strerror(r));
        break;
    }
}

static int ask_connect(const char *path, int64_t limit_ms, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000 + 1};
    _cleanup_(closep)
    int fd = -1;
    size_t size = strlen(path);

    if (size >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, size + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* connect() waits while the other side's backlog is full: as long as a send would. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit))) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        return errno == EAGAIN || errno == EINTR ? -ETIMEDOUT : -errno;
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* Waits until @fd can do @events: 0, or -ETIMEDOUT, or another failure. */
static int ask_wait(int fd, short events, int64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int64_t left_ms = time_sub(deadline_ms, clock_now().mono_ms);
    int count;

    if (left_ms <= 0) {
        return -ETIMEDOUT;
    }
    count = poll(&poll_fd, 1, (int)time_min(left_ms, 3600 * 1000));
    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    return 0; /* perhaps for nothing: the caller comes again */
}

static int ask_send(int fd, struct slice bytes, int64_t deadline_ms)
{
    size_t sent = 0;
    int r;

    while (sent < bytes.size) {
        ssize_t size = send(fd, bytes.data + sent, bytes.size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (size >= 0) {
            sent += (size_t)size;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            return 0; /* turned away: the reason may be there to read */
        }
        r = errno == EAGAIN || errno == EINTR ? ask_wait(fd, POLLOUT, deadline_ms) : -errno;
        if (r) {
            return r;
        }
    }
    return 0;
}

/* The line of the answer, without its end. */
static int ask_receive(int fd, struct buf *answer, int64_t deadline_ms)
{
    char chunk[16 * 1024];
    int r;

    for (;;) {
        ssize_t size = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        const char *end = size > 0 ? memchr(chunk, '\n', (size_t)size) : NULL;

        if (size > 0) {
            buf_put(answer, chunk, end ? (size_t)(end - chunk) : (size_t)size);
            if (buf_status(answer)) {
                return buf_status(answer) < 0 ? buf_status(answer) : -EPROTO;
            }
            if (end) {
                return 0;
            }
            continue;
        }
        if (size == 0 || errno == ECONNRESET) {
            return answer->size ? -EPROTO : -ECONNRESET; /* the end before the line was whole */
        }
        r = errno == EAGAIN || errno == EINTR ? ask_wait(fd, POLLIN, deadline_ms) : -errno;
        if (r) {
            return r;
        }
    }
}

static int ask(const char *path, const json_t *request, int64_t deadline_ms, json_t **ret_answer)
{
    struct buf answer = BUF_INIT(ANSWER_MAX);
    char *text = json_dumps(request, JSON_COMPACT);
    struct buf line = BUF_INIT(LIMIT_CONTROL_REQUEST + 1);
    _cleanup_(closep)
    int fd = -1;
    int r = text ? 0 : -EINVAL;

    if (text) {
        buf_put_text(&line, text);
        buf_put_byte(&line, '\n');
        r = buf_status(&line) == BUF_E_FULL ? -E2BIG : buf_status(&line);
    }
    r = r ? r : ask_connect(path, time_sub(deadline_ms, clock_now().mono_ms), &fd);
    r = r ? r : ask_send(fd, slice_of_buf(&line), deadline_ms);
    r = r ? r : ask_receive(fd, &answer, deadline_ms);
    if (!r) {
        *ret_answer = json_loadb(buf_text(&answer), answer.size, JSON_REJECT_DUPLICATES, NULL);
        r = json_is_object(*ret_answer) ? 0 : -EPROTO;
        if (r) {
            json_decref(*ret_answer);
        }
    }
    free(text);
    buf_deinit(&line);
    buf_deinit(&answer);
    return r;
}

json_t *control_ask(const char *path, const json_t *request, int64_t limit_ms, int *ret_r,
                    struct buf *fault)
{
    json_t *answer = NULL;
    int r = ask(path, request, time_add(clock_now().mono_ms, limit_ms), &answer);

    *ret_r = r;
    if (r) {
        put_fault(fault, path, r);
        return NULL;
    }
    return answer;
}
