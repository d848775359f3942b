/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "io/watch.h"

struct world {
    struct test_dir *dir;
    struct log log;
    uv_loop_t loop;
    uv_timer_t guard, again;
    struct watch *watch;
    unsigned changed;
    bool timed_out;
};

static void on_changed(void *context)
{
    struct world *world = context;

    world->changed++;
    uv_stop(&world->loop);
}

static void on_guard(uv_timer_t *timer)
{
    struct world *world = timer->data;

    world->timed_out = true;
    uv_stop(&world->loop);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    void *dir;

    assert_non_null(world);
    test_dir_setup(&dir);
    world->dir = dir;
    unsetenv("JOURNAL_STREAM");
    log_open(&world->log);
    uv_loop_init(&world->loop);
    uv_timer_init(&world->loop, &world->guard);
    world->guard.data = world;
    assert_int_equal(watch_new(&world->watch, &world->loop, &world->log, on_changed, world), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *dir = world->dir;

    watch_close(world->watch);
    uv_close((uv_handle_t *)&world->guard, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    test_dir_teardown(&dir);
    free(world);
    return 0;
}

static void watch_these(struct world *world, const char *a, const char *b)
{
    char *path_a = test_path(world->dir, a), *path_b = test_path(world->dir, b ? b : a);

    watch_begin(world->watch);
    watch_directory(world->watch, path_a);
    watch_directory(world->watch, path_b);
    watch_end(world->watch);
    free(path_a);
    free(path_b);
}

/* Runs the loop until something changed (true) or for @most_ms. */
static bool changes_within(struct world *world, unsigned most_ms)
{
    unsigned before = world->changed;

    world->timed_out = false;
    uv_update_time(&world->loop);
    uv_timer_start(&world->guard, on_guard, most_ms, 0);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&world->guard);
    return world->changed > before;
}

static void note_soonest(uv_handle_t *handle, void *soonest)
{
    uint64_t *due_ms = soonest;

    if (handle->type == UV_TIMER && uv_is_active(handle)) {
        uint64_t in_ms = uv_timer_get_due_in((uv_timer_t *)handle);

        *due_ms = in_ms < *due_ms ? in_ms : *due_ms;
    }
}

/* Takes in what the kernel has to tell and says when a scan is due, in ms from now. */
static uint64_t due_in_ms(struct world *world)
{
    uint64_t due_ms = UINT64_MAX;

    for (unsigned i = 0; i < 4; i++) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    uv_walk(&world->loop, note_soonest, &due_ms);
    return due_ms;
}

static bool is_due(struct world *world)
{
    return due_in_ms(world) <= 1000;
}

static void test_a_new_file_is_told_soon(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    watch_these(world, "d", NULL);
    assert_false(is_due(world));
    test_write(world->dir, "d/a.pem", "a");
    assert_true(changes_within(world, 2000));
    assert_int_equal(world->changed, 1);
    assert_false(is_due(world));
}

static void test_every_kind_of_change_is_told(void **state)
{
    struct world *world = *state;
    char *path = test_path(world->dir, "d/a.pem"), *folder = test_path(world->dir, "d");

    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.pem", "a");
    test_write(world->dir, "b.pem", "b");
    watch_these(world, "d", ".");
    test_rename(world->dir, "b.pem", "d/a.pem");
    assert_true(changes_within(world, 2000));
    test_write(world->dir, "d/a.pem", "in place");
    assert_true(changes_within(world, 2000));
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(changes_within(world, 2000));
    test_unlink(world->dir, "d/a.pem");
    assert_true(changes_within(world, 2000));
    test_symlink(world->dir, "nowhere", "d/a.pem");
    assert_true(changes_within(world, 2000));
    test_rename(world->dir, "d", "old");
    assert_true(changes_within(world, 2000));
    test_mkdir(world->dir, "d");
    assert_true(changes_within(world, 2000));
    assert_int_equal(rmdir(folder), 0);
    assert_true(changes_within(world, 2000));
    free(path);
    free(folder);
}

static void test_what_we_write_ourselves_is_not_told(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"d/.a.pem.x7",        "d/a.ocsp",       "d/a.pem.tmp",
                                        "d/store.db",         "d/store.db-wal", "d/store.db-shm",
                                        "d/store.db-journal", "d/clinch.lock"};

    test_mkdir(world->dir, "d");
    watch_these(world, "d", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        test_write(world->dir, names[i], "x");
    }
    test_rename(world->dir, "d/.a.pem.x7", "d/b.ocsp");
    assert_false(is_due(world));
    test_write(world->dir, "d/a.pem", "x");
    assert_true(is_due(world));
}

static void test_an_exchanged_volume_of_kubernetes_is_told(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    test_mkdir(world->dir, "d/..1");
    test_symlink(world->dir, "..1", "d/..data");
    watch_these(world, "d", NULL);
    test_symlink(world->dir, "..2", "d/..data_tmp");
    test_rename(world->dir, "d/..data_tmp", "d/..data");
    assert_true(is_due(world));
}

static void test_many_changes_are_told_as_one(void **state)
{
    struct world *world = *state;
    char name[32];

    test_mkdir(world->dir, "d");
    watch_these(world, "d", NULL);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d/%u.pem", i);
        test_write(world->dir, name, "x");
    }
    assert_true(changes_within(world, 2000));
    assert_int_equal(world->changed, 1);
    assert_false(is_due(world));
}

static void on_write_again(uv_timer_t *timer)
{
    test_write(timer->data, "d/a.pem", "x");
}

static void test_changes_without_end_are_told_after_a_second(void **state)
{
    struct world *world = *state;
    uint64_t start_ns;

    test_mkdir(world->dir, "d");
    watch_these(world, "d", NULL);
    uv_timer_init(&world->loop, &world->again);
    world->again.data = world->dir;
    uv_timer_start(&world->again, on_write_again, 0, 20);
    start_ns = uv_hrtime();
    assert_true(changes_within(world, 5000));
    assert_true(uv_hrtime() - start_ns > 900 * 1000000ull);
    assert_true(uv_hrtime() - start_ns < 3000 * 1000000ull);
    uv_close((uv_handle_t *)&world->again, NULL);
}

static void test_directories_not_named_again_are_let_go(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "a");
    test_mkdir(world->dir, "b");
    watch_these(world, "a", "b");
    watch_these(world, "b", NULL);
    test_write(world->dir, "a/a.pem", "x");
    assert_false(is_due(world));
    test_write(world->dir, "b/b.pem", "x");
    assert_true(is_due(world));
}

static void test_a_folder_that_comes_back_is_watched_again(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    watch_these(world, "d", ".");
    test_rename(world->dir, "d", "old");
    test_mkdir(world->dir, "d");
    assert_true(changes_within(world, 2000));
    watch_these(world, "d", ".");
    test_write(world->dir, "d/a.pem", "x");
    assert_true(changes_within(world, 2000));
    test_write(world->dir, "old/a.pem", "x");
    assert_false(is_due(world));
}

static void test_an_overflow_is_told(void **state)
{
    struct world *world = *state;
    unsigned most = 16384;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    char *a = test_path(world->dir, "d/a.ocsp"), *b = test_path(world->dir, "d/b.ocsp");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%u", &most), 1);
    fclose(file);
    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.ocsp", "x");
    watch_these(world, "d", NULL);
    for (unsigned i = 0; i <= most && most <= 1000000; i++) { /* names that do not matter */
        assert_int_equal(rename(i % 2 ? b : a, i % 2 ? a : b), 0);
    }
    assert_true(is_due(world));
    free(a);
    free(b);
}

static void test_missing_directories_are_no_fault(void **state)
{
    struct world *world = *state;

    watch_these(world, "none", "none/such");
    assert_string_equal(test_told(world->dir), "");
    assert_true(due_in_ms(world) > 50000);
}

/* In a child, in which there are no file descriptors left for another inotify. */
static int without_inotify(struct world *world)
{
    struct watch *watches[128];
    size_t count = 0;
    uv_loop_t loop;
    uint64_t due_ms = UINT64_MAX;
    struct rlimit limit = {0};

    limit.rlim_cur = limit.rlim_max = 64;
    if (uv_loop_init(&loop) || setrlimit(RLIMIT_NOFILE, &limit)) {
        return 1;
    }
    while (count < ARRAY_SIZE(watches) &&
           watch_new(&watches[count], &loop, &world->log, on_changed, world) == 0) {
        count++;
    }
    watch_begin(watches[count - 1]);
    watch_directory(watches[count - 1], "/");
    watch_directory(watches[count - 1], "/usr");
    watch_end(watches[count - 1]);
    uv_walk(&loop, note_soonest, &due_ms);
    return due_ms > 2000;
}

static void test_without_inotify_it_polls_and_says_so_once(void **state)
{
    struct world *world = *state;
    pid_t child = fork();
    int status = -1;
    const char *told;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(without_inotify(world));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    told = test_told(world->dir);
    assert_int_equal(status, 0);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "max_user_instances"));
}

static bool write_once(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    close(fd);
    return done;
}

enum { CHILD_CANNOT = 77 };

/* In a child, in a user namespace of its own with two watches. */
static int with_two_watches(struct world *world)
{
    struct watch *watch;
    uv_loop_t loop;
    uint64_t due_ms = UINT64_MAX;

    if (unshare(CLONE_NEWUSER) || !write_once("/proc/self/uid_map", "0 0 1") ||
        !write_once("/proc/sys/user/max_inotify_watches", "2")) {
        return CHILD_CANNOT;
    }
    if (uv_loop_init(&loop) || watch_new(&watch, &loop, &world->log, on_changed, world)) {
        return 1;
    }
    for (unsigned i = 0; i < 3; i++) {
        watch_begin(watch);
        watch_directory(watch, "/");
        watch_directory(watch, "/usr");
        watch_directory(watch, "/etc");
        watch_directory(watch, "/tmp");
        watch_end(watch);
    }
    uv_walk(&loop, note_soonest, &due_ms);
    if (due_ms > 2000) {
        return 2;
    }
    watch_begin(watch); /* fewer are needed now */
    watch_directory(watch, "/usr");
    watch_end(watch);
    due_ms = UINT64_MAX;
    uv_walk(&loop, note_soonest, &due_ms);
    return due_ms > 50000 ? 0 : 3;
}

static void test_without_enough_watches_it_polls_and_says_so_once(void **state)
{
    struct world *world = *state;
    pid_t child = fork();
    int status = -1;
    const char *told;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(with_two_watches(world));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_CANNOT) {
        print_message("skipped: no user namespaces here\n");
        skip();
    }
    told = test_told(world->dir);
    assert_int_equal(status, 0);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "max_user_watches"));
}

#define WATCH_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(test_a_new_file_is_told_soon),
        WATCH_TEST(test_every_kind_of_change_is_told),
        WATCH_TEST(test_what_we_write_ourselves_is_not_told),
        WATCH_TEST(test_an_exchanged_volume_of_kubernetes_is_told),
        WATCH_TEST(test_many_changes_are_told_as_one),
        WATCH_TEST(test_changes_without_end_are_told_after_a_second),
        WATCH_TEST(test_directories_not_named_again_are_let_go),
        WATCH_TEST(test_a_folder_that_comes_back_is_watched_again),
        WATCH_TEST(test_an_overflow_is_told),
        WATCH_TEST(test_missing_directories_are_no_fault),
        WATCH_TEST(test_without_inotify_it_polls_and_says_so_once),
        WATCH_TEST(test_without_enough_watches_it_polls_and_says_so_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
