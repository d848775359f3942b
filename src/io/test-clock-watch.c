/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "io/clock-watch.h"

/* The kernel's side: an eventfd stands for the timer, and what reading it says is set here. */
static int timer_fd = -1, create_errno, settime_errno, read_errno;
static int settime_flags;
static struct itimerspec settime_value;

ssize_t __real_read(int fd, void *memory, size_t size);
ssize_t __wrap_read(int fd, void *memory, size_t size);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *before);

ssize_t __wrap_read(int fd, void *memory, size_t size)
{
    ssize_t got = __real_read(fd, memory, size);

    if (fd == timer_fd && got > 0 && read_errno) {
        errno = read_errno;
        return -1;
    }
    return got;
}

int __wrap_timerfd_create(int clock, int flags)
{
    assert_int_equal(clock, CLOCK_REALTIME);
    assert_int_equal(flags, TFD_NONBLOCK | TFD_CLOEXEC);
    errno = create_errno;
    timer_fd = create_errno ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return timer_fd;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *before)
{
    assert_int_equal(fd, timer_fd);
    assert_null(before);
    settime_flags = flags;
    settime_value = *value;
    errno = settime_errno;
    return settime_errno ? -1 : 0;
}

struct world {
    uv_loop_t loop;
    struct clock_watch *watch;
    uv_timer_t other; /* what keeps the loop going */
    unsigned changes;
};

static void on_changed(void *context)
{
    ((struct world *)context)->changes++;
}

static int world_begin(struct world *world)
{
    create_errno = settime_errno = 0;
    read_errno = ECANCELED;
    *world = (struct world){0};
    return uv_loop_init(&world->loop) || uv_timer_init(&world->loop, &world->other);
}

static void world_end(struct world *world)
{
    clock_watch_close(world->watch);
    uv_close((uv_handle_t *)&world->other, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void world_open(struct world *world)
{
    assert_int_equal(world_begin(world), 0);
    assert_int_equal(clock_watch_new(&world->watch, &world->loop, on_changed, world), 0);
}

static void on_other(uv_timer_t *other)
{
    (void)other;
}

static void ring(struct world *world)
{
    uint64_t one = 1;

    assert_int_equal(write(timer_fd, &one, sizeof(one)), sizeof(one));
    uv_timer_start(&world->other, on_other, 1000000, 0);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    uv_timer_stop(&world->other);
}

static void test_the_timer_is_one_that_is_cancelled(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    assert_int_equal(settime_flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    assert_true(settime_value.it_value.tv_sec > 7258118400); /* the year 2200 */
    assert_int_equal(settime_value.it_interval.tv_sec, 0);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.changes, 0);
    world_end(&world);
}

static void test_each_setting_of_the_clock_is_told_once(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    ring(&world);
    assert_int_equal(world.changes, 1);
    ring(&world);
    assert_int_equal(world.changes, 2);
    world_end(&world);
}

static void test_a_wake_up_for_nothing_is_not_told(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    read_errno = EAGAIN;
    ring(&world);
    assert_int_equal(world.changes, 0);
    read_errno = ECANCELED;
    ring(&world);
    assert_int_equal(world.changes, 1);
    world_end(&world);
}

/* A clock that was set to the year 2300. */
static void test_a_timer_that_is_over_does_not_spin(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    read_errno = 0;
    ring(&world);
    assert_int_equal(world.changes, 1);
    ring(&world);
    assert_int_equal(world.changes, 1);
    world_end(&world);
}

static void test_it_keeps_no_loop_going(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    world_end(&world);
}

static void test_a_kernel_without_such_timers_is_an_error(void **state)
{
    struct world world;

    (void)state;
    assert_int_equal(world_begin(&world), 0);
    create_errno = ENOSYS;
    assert_int_equal(clock_watch_new(&world.watch, &world.loop, on_changed, &world), -ENOSYS);
    create_errno = 0;
    settime_errno = EINVAL;
    assert_int_equal(clock_watch_new(&world.watch, &world.loop, on_changed, &world), -EINVAL);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_timer_is_one_that_is_cancelled),
        cmocka_unit_test(test_each_setting_of_the_clock_is_told_once),
        cmocka_unit_test(test_a_wake_up_for_nothing_is_not_told),
        cmocka_unit_test(test_a_timer_that_is_over_does_not_spin),
        cmocka_unit_test(test_it_keeps_no_loop_going),
        cmocka_unit_test(test_a_kernel_without_such_timers_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
