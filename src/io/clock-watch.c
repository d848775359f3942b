/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock-watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"

/* When the timer would fire by itself: in the year 2255, near the end of what the kernel counts. */
#define FAR_S INT64_C(9000000000)

struct clock_watch {
    uv_poll_t poll;
    int fd;
    void (*changed)(void *context);
    void *context;
};

static int watch_arm(int fd)
{
    const struct itimerspec far = {.it_value.tv_sec = FAR_S};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) ? -errno
                                                                                        : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct clock_watch *watch = poll->data;
    uint64_t count;
    ssize_t size = read(watch->fd, &count, sizeof(count));

    (void)status;
    (void)events;
    if (size < 0 && errno != ECANCELED) {
        return; /* for nothing, and the next time it may be for something */
    }
    if (size > 0) {
        uv_poll_stop(poll); /* the clock stands beyond it, and it would fire again and again */
    }
    watch->changed(watch->context);
}

static void on_closed(uv_handle_t *handle)
{
    struct clock_watch *watch = handle->data;

    close(watch->fd);
    free(watch);
}

int clock_watch_new(struct clock_watch **ret_watch, uv_loop_t *loop, void (*changed)(void *context),
                    void *context)
{
    struct clock_watch *watch = calloc(1, sizeof(*watch));
    int r;

    if (!watch) {
        return -ENOMEM;
    }
    watch->changed = changed;
    watch->context = context;
    watch->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    r = watch->fd < 0 ? -errno : watch_arm(watch->fd);
    r = r ? r : uv_poll_init(loop, &watch->poll, watch->fd);
    if (r) {
        if (watch->fd >= 0) {
            close(watch->fd);
        }
        free(watch);
        return error_trace(r);
    }
    watch->poll.data = watch;
    r = uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    if (r) {
        clock_watch_close(watch);
        return error_trace(r);
    }
    uv_unref((uv_handle_t *)&watch->poll); /* it keeps no loop going */
    *ret_watch = watch;
    return 0;
}

void clock_watch_close(struct clock_watch *watch)
{
    if (watch) {
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    }
}
