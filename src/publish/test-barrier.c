/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <errno.h>
#include <unistd.h>

#include "publish/barrier.h"

static struct test_world world;
static struct barrier *barrier;
static unsigned dones;
static unsigned syncs;
static unsigned flushes;
static char bad[300]; /* what cannot be synced */
static int bad_error, good_error;

static bool is_bad(int fd)
{
    char link[64];
    char path[300] = "";

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof(path) - 1) > 0 && strcmp(path, bad) == 0;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    ++syncs;
    errno = EIO;
    return is_bad(fd) ? -1 : 0;
}

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    (void)fd;
    ++flushes;
    errno = EIO;
    return *bad ? -1 : 0;
}

static void on_done(void *context)
{
    char good[300];

    assert_ptr_equal(context, &world);
    ++dones;
    snprintf(good, sizeof(good), "%s/good/x", world.dir);
    good_error = barrier_error(barrier, good);
    bad_error = barrier_error(barrier, bad);
}

static int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    assert_int_equal(mkdir(test_path(&world, "good"), 0755), 0);
    dones = syncs = flushes = 0;
    bad[0] = 0;
    return barrier_new(&barrier, &world.loop, on_done, &world);
}

static int end(void **state)
{
    (void)state;
    barrier = barrier_free(barrier);
    test_world_end(&world);
    return 0;
}

static void start(void)
{
    barrier_start(barrier);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_false(barrier_is_running(barrier));
}

static void add_file(const char *name)
{
    test_write(test_path(&world, name), "x");
    barrier_add_file(barrier, world.path);
}

static void test_nothing_to_do_is_not_done(void **state)
{
    (void)state;
    start();
    assert_int_equal(dones, 0);
}

static void test_few_files_are_synced_one_by_one_and_folders_once(void **state)
{
    (void)state;
    add_file("good/a");
    add_file("good/b");
    barrier_add_folder(barrier, test_path(&world, "good/a"));
    barrier_add_folder(barrier, test_path(&world, "good/b"));
    start();
    assert_int_equal(dones, 1);
    assert_int_equal(syncs, 3);
    assert_int_equal(flushes, 0);
}

static void test_many_files_are_flushed_together(void **state)
{
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 1000; ++i) {
        snprintf(name, sizeof(name), "good/%u", i);
        add_file(name);
    }
    start();
    assert_int_equal(syncs, 0);
    assert_int_equal(flushes, 1);
}

static void test_failure_is_that_of_its_file_alone(void **state)
{
    (void)state;
    add_file("good/x");
    add_file("bad");
    snprintf(bad, sizeof(bad), "%s", world.path);
    start();
    assert_int_equal(bad_error, -EIO);
    assert_int_equal(good_error, 0);
}

static void test_failure_of_a_folder_is_that_of_what_lies_in_it(void **state)
{
    (void)state;
    snprintf(bad, sizeof(bad), "%s", world.dir);
    barrier_add_folder(barrier, test_path(&world, "x"));
    barrier_add_folder(barrier, test_path(&world, "good/x"));
    start();
    assert_int_equal(good_error, 0);
    snprintf(bad, sizeof(bad), "%s/good", world.dir);
    barrier_add_folder(barrier, test_path(&world, "good/x"));
    start();
    assert_int_equal(good_error, -EIO);
}

static void test_file_that_has_gone_is_no_failure(void **state)
{
    (void)state;
    barrier_add_file(barrier, test_path(&world, "good/x"));
    start();
    assert_int_equal(dones, 1);
    assert_int_equal(good_error, 0);
}

static void test_trash_goes_also_with_the_barrier(void **state)
{
    (void)state;
    test_write(test_path(&world, "a"), "x");
    barrier_add_trash(barrier, world.path);
    start();
    assert_false(test_exists(test_path(&world, "a")));
    test_write(test_path(&world, "b"), "x");
    barrier_add_trash(barrier, world.path);
    barrier = barrier_free(barrier);
    assert_false(test_exists(test_path(&world, "b")));
}

static void test_what_is_added_during_a_run_is_for_the_next(void **state)
{
    (void)state;
    add_file("a");
    barrier_start(barrier);
    add_file("b");
    barrier_start(barrier);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(dones, 1);
    assert_int_equal(syncs, 1);
    start();
    assert_int_equal(dones, 2);
    assert_int_equal(syncs, 2);
}

static void test_freed_barrier_says_nothing_any_more(void **state)
{
    (void)state;
    add_file("a");
    barrier_start(barrier);
    assert_true(barrier_is_running(barrier));
    barrier = barrier_free(barrier);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(dones, 0);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_nothing_to_do_is_not_done),
        PLAY(test_few_files_are_synced_one_by_one_and_folders_once),
        PLAY(test_many_files_are_flushed_together),
        PLAY(test_failure_is_that_of_its_file_alone),
        PLAY(test_failure_of_a_folder_is_that_of_what_lies_in_it),
        PLAY(test_file_that_has_gone_is_no_failure),
        PLAY(test_trash_goes_also_with_the_barrier),
        PLAY(test_what_is_added_during_a_run_is_for_the_next),
        PLAY(test_freed_barrier_says_nothing_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
