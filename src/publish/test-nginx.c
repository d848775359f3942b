/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "publish/files.h"

/* nginx is played by a command: like nginx it reads all snippets and the DER that each names, and
 * fails as a whole when one is missing or empty; what it read last is what it shows. Dying at any
 * point is played by a child process that ends instead of the n-th change of the disk. */

#define UNTIL_S (TEST_WALL_S + 4 * TEST_DAY_S)
#define DIED    9

static struct test_world world;
static struct files *files;
static struct file_target *target;
static struct runner *runner;
static struct target_config config;
static char folder[128];
static char shown[128]; /* what nginx shows of site; no file: nothing */
static char command[1024];
static bool without_command;

static unsigned steps_left; /* 0: for ever */
static bool is_mortal;
static bool on_disk;
static bool disk_broken;
static unsigned commits;
static unsigned syncs;

static void step(void)
{
    if (is_mortal && --steps_left == 0) {
        _exit(DIED);
    }
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    step();
    return __real_renameat(from_fd, from, to_fd, to);
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    step();
    return __real_renameat2(from_fd, from, to_fd, to, flags);
}

int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags)
{
    step();
    return __real_unlinkat(fd, path, flags);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    step();
    ++syncs;
    if (disk_broken) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    step();
    ++syncs;
    return __real_syncfs(fd);
}

/* The folder lies on a disk, or in memory. */
int __real_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info)
{
    int r = __real_fstatfs(fd, info);

    info->f_type = on_disk ? EXT4_SUPER_MAGIC : TMPFS_MAGIC;
    return r;
}

int __real_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count);
int __wrap_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count);
int __wrap_store_commit_published(struct store *store, const struct store_published *published,
                                  size_t count)
{
    step();
    ++commits;
    return __real_store_commit_published(store, published, count);
}

static int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    is_mortal = false;
    on_disk = true;
    disk_broken = false;
    commits = syncs = 0;
    without_command = false;
    snprintf(folder, sizeof(folder), "%s/state/nginx", world.dir);
    snprintf(shown, sizeof(shown), "%s/state/shown", world.dir);
    assert_int_equal(mkdir(folder, 0755), 0);
    snprintf(command, sizeof(command),
             "cd %s && for c in *.conf; do [ -e \"$c\" ] || continue; "
             "[ -s \"$(sed -n 's/^ssl_stapling_file \\(.*\\);/\\1/p' $c)\" ] || exit 1; done; "
             "if [ -e site.conf ]; then cp site.ocsp ../shown; else rm -f ../shown; fi; "
             "echo >> ../runs",
             folder);
    config = (struct target_config){.type = TARGET_NGINX, .line = 3, .reload_interval_s = 3600};
    return 0;
}

static void start(void)
{
    const struct file_settings settings = {.config = &config,
                                           .kind = &file_kinds[TARGET_NGINX],
                                           .template = "{name}",
                                           .folder = folder};

    if (files_new(&files, &world.context) || file_target_new(&target, files, &settings)) {
        abort();
    }
    if (!without_command && (runner_new(&runner, &world.context, command, 3600) ||
                             file_target_add_runner(target, runner, NULL))) {
        abort();
    }
    disk_clean(folder);
    nginx_repair(target, test_now.wall_s);
}

static void stop(void)
{
    files_free(files);
    target->base.ops->free(&target->base);
    runner_free(runner);
    runner = NULL;
}

static int end(void **state)
{
    (void)state;
    test_world_end(&world);
    return 0;
}

static void open_store(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    if (store_open(&world.context.store, dir, &world.log, NULL)) {
        abort();
    }
}

static void close_store(void)
{
    store_close(world.context.store);
    world.context.store = NULL;
}

static void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;

    for (;;) {
        int64_t due_ms = test_tick(files, test_now);

        if (runner) {
            runner_tick(runner, test_now);
            uv_run(&world.loop, UV_RUN_DEFAULT);
            due_ms = time_min(due_ms, reload_deadline_ms(runner_reload(runner)));
        }
        if (files->runs_seen != world.context.runs) {
            due_ms = test_now.mono_ms;
        }
        if (due_ms > until_ms) {
            break;
        }
        due_ms = time_max(due_ms, test_now.mono_ms);
        test_now.wall_s += (due_ms - test_now.mono_ms) / 1000;
        test_now.mono_ms = due_ms;
    }
    test_now.wall_s += (until_ms - test_now.mono_ms) / 1000;
    test_now.mono_ms = until_ms;
}

static void publish(const char *path, uint8_t serial, int64_t until_s)
{
    struct wish *wish = test_wish(serial, until_s, true);
    struct cert_facts cert = test_cert(serial);

    if (target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish)) {
        abort();
    }
    wish_unref(wish);
}

static void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}

static const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static unsigned runs(void)
{
    char path[256];
    const char *text;

    snprintf(path, sizeof(path), "%s/state/runs", world.dir);
    text = test_read(path);
    return text ? (unsigned)strlen(text) : 0;
}

/* True when nginx could start now. */
static bool nginx_starts(void)
{
    return !test_exists(in_folder("site.conf")) || test_shows(in_folder("site.ocsp"), 1, UNTIL_S) ||
           test_shows(in_folder("site.ocsp"), 1, UNTIL_S + 9) ||
           test_shows(in_folder("site.ocsp"), 2, UNTIL_S);
}

static void test_snippet_names_the_staple(void **state)
{
    char expected[512];

    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    snprintf(expected, sizeof(expected), "ssl_stapling on;\nssl_stapling_file %s/site.ocsp;\n",
             folder);
    assert_non_null(strstr(test_read(in_folder("site.conf")), expected));
    assert_true(test_shows(in_folder("site.ocsp"), 1, UNTIL_S));
    assert_true(test_shows(shown, 1, UNTIL_S));
    assert_int_equal(runs(), 1);
    stop();
}

static void test_folder_with_a_space_is_quoted(void **state)
{
    struct buf content = BUF_INIT(4096);

    (void)state;
    nginx_put_snippet(&content, "/srv/my \"staples\"/a.ocsp");
    assert_non_null(
        strstr(buf_text(&content), "ssl_stapling_file \"/srv/my \\\"staples\\\"/a.ocsp\";"));
    buf_deinit(&content);
}

static void test_names_cannot_speak_to_nginx(void **state)
{
    (void)state;
    without_command = true;
    start();
    publish("/ssl/a;include x{*}\n.pem", 1, UNTIL_S);
    publish("/ssl/..pem", 2, UNTIL_S);
    pass(10);
    assert_true(test_exists(in_folder("a_include_x____.conf")));
    assert_true(test_exists(in_folder("_.pem.conf")) || test_exists(in_folder("_.conf")));
    stop();
}

static void test_withdrawal_waits_for_nginx_before_the_der_goes(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    withdraw("/ssl/site.pem", 1, false);
    pass(100);
    assert_false(test_exists(in_folder("site.conf")));
    assert_true(test_exists(in_folder("site.ocsp")));
    pass(2000);
    assert_false(test_exists(in_folder("site.ocsp")));
    assert_false(test_exists(shown));
    assert_int_equal(runs(), 2);
    assert_int_equal(files->outputs.count, 0);
    stop();
}

static void test_der_stays_while_nginx_cannot_be_reloaded(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    test_write(in_folder("broken.conf"), "ssl_stapling_file /nowhere;\n");
    withdraw("/ssl/site.pem", 1, false);
    pass(60000);
    assert_false(test_exists(in_folder("site.conf")));
    assert_true(test_exists(in_folder("site.ocsp")));
    assert_true(runner_failing(runner));
    assert_int_equal(unlink(in_folder("broken.conf")), 0);
    pass(600000);
    assert_false(test_exists(in_folder("site.ocsp")));
    assert_false(runner_failing(runner));
    stop();
}

static void test_run_that_began_earlier_does_not_cover_a_withdrawal(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    publish("/ssl/other.pem", 2, UNTIL_S);
    test_tick(files, test_now);
    test_now.mono_ms += 300;
    runner_tick(runner, test_now);
    assert_true(runner_busy(runner)); /* nginx may have read the snippet already */
    withdraw("/ssl/site.pem", 1, false);
    test_tick(files, test_now);
    assert_false(test_exists(in_folder("site.conf")));
    uv_run(&world.loop, UV_RUN_DEFAULT);
    files_tick(files, test_now);
    files_tick(files, test_now);
    assert_true(test_exists(in_folder("site.ocsp")));
    pass(2000);
    assert_false(test_exists(in_folder("site.ocsp")));
    assert_int_equal(runs(), 3);
    stop();
}

static void test_without_command_the_der_lingers_for_those_who_just_start(void **state)
{
    (void)state;
    without_command = true;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(0);
    withdraw("/ssl/site.pem", 1, false);
    pass(FILES_LINGER_MS - 1);
    assert_false(test_exists(in_folder("site.conf")));
    assert_true(test_exists(in_folder("site.ocsp")));
    assert_true(files_busy(files));
    pass(1);
    assert_false(test_exists(in_folder("site.ocsp")));
    assert_false(files_busy(files));
    stop();
}

static void test_quiet_withdrawal_does_not_reload_right_away(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    withdraw("/ssl/site.pem", 1, true);
    pass(60000);
    assert_false(test_exists(in_folder("site.conf")));
    assert_false(test_exists(in_folder("site.ocsp")));
    assert_int_equal(runs(), 1);
    publish("/ssl/site.pem", 2, UNTIL_S); /* the renewed certificate has its staple */
    pass(2000);
    assert_int_equal(runs(), 2);
    assert_true(test_shows(shown, 2, UNTIL_S));
    stop();
}

static void test_start_withdraws_what_nginx_could_not_load(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    publish("/ssl/gone.pem", 2, UNTIL_S);
    publish("/ssl/junk.pem", 3, UNTIL_S);
    publish("/ssl/old.pem", 4, TEST_WALL_S + 60);
    pass(2000);
    stop();
    assert_int_equal(unlink(in_folder("gone.ocsp")), 0);
    test_write(in_folder("junk.ocsp"), "");
    test_write(in_folder("theirs.conf"), "ssl_stapling_file /etc/passwd;\n");
    test_now.wall_s += 61;
    start();
    assert_true(test_exists(in_folder("site.conf")));
    assert_true(test_exists(in_folder("theirs.conf")));
    assert_false(test_exists(in_folder("gone.conf"))); /* at once */
    assert_false(test_exists(in_folder("junk.conf")));
    assert_false(test_exists(in_folder("old.conf")));
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    assert_false(test_exists(in_folder("old.ocsp")));
    assert_true(test_exists(in_folder("site.ocsp")));
    stop();
}

static void test_unknown_staple_stays_until_it_ends(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, TEST_WALL_S + 600);
    pass(2000);
    stop();
    start(); /* the store was lost */
    target->base.ops->reconcile(&target->base);
    pass(590 * 1000);
    assert_true(test_exists(in_folder("site.conf")));
    assert_false(files_busy(files));
    pass(20 * 1000);
    assert_false(test_exists(in_folder("site.conf")));
    assert_false(test_exists(in_folder("site.ocsp")));
    stop();
}

static void test_name_that_begins_another_is_warned_about_once(void **state)
{
    (void)state;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    target->base.ops->reconcile(&target->base);
    assert_false(target->prefix_told);
    publish("/ssl/shop.example.pem", 3, UNTIL_S);
    target->base.ops->reconcile(&target->base);
    assert_true(target->prefix_told);
    pass(2000);
    stop();
}

/* What waits for the disk. */

static void test_a_thousand_staples_cost_few_commits_flushes_and_one_reload(void **state)
{
    char path[64];

    (void)state;
    open_store();
    start();
    for (unsigned i = 0; i < 1000; ++i) {
        snprintf(path, sizeof(path), "/ssl/s%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S);
    }
    pass(12000);
    assert_int_equal(runs(), 1);
    assert_int_equal(test_count_files(folder), 2000);
    assert_in_range(syncs, 3, 100);   /* of 2000 files and their names */
    assert_in_range(commits, 2, 100); /* of 2000 rows */
    assert_null(files->first_untaken);
    stop();
    close_store();
}

static void test_staple_that_is_replaced_while_it_waits_is_never_shown(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    files_tick(files, test_now);
    assert_true(barrier_is_running(files->barrier));
    assert_false(test_exists(in_folder("site.ocsp")));
    publish("/ssl/site.pem", 1, UNTIL_S + 9);
    files_tick(files, test_now);
    pass(2000);
    assert_true(test_shows(in_folder("site.ocsp"), 1, UNTIL_S + 9));
    assert_int_equal(test_count_files(folder), 2);
    assert_int_equal(runs(), 1);
    stop();
}

static void test_staple_that_is_withdrawn_while_it_waits_leaves_nothing(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    files_tick(files, test_now);
    withdraw("/ssl/site.pem", 1, false);
    pass(5000);
    assert_int_equal(test_count_files(folder), 0);
    assert_int_equal(runs(), 0);
    assert_int_equal(files->outputs.count, 0);
    assert_false(files_busy(files));
    stop();
}

static void test_ending_while_something_waits_leaves_no_temporary_files(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    files_tick(files, test_now);
    assert_int_equal(test_count_files(folder), 2);
    stop();
    assert_int_equal(test_count_files(folder), 0);
}

static void test_disk_that_fails_is_told_and_tried_again(void **state)
{
    (void)state;
    start();
    disk_broken = true;
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(10);
    assert_true(files_failing(files));
    assert_false(files_busy(files));
    assert_int_equal(test_count_files(folder), 0); /* not even its temporary files */
    pass(60000);
    assert_int_equal(runs(), 0);
    disk_broken = false;
    pass(600000);
    assert_false(files_failing(files));
    assert_true(test_shows(shown, 1, UNTIL_S));
    stop();
}

static void test_withdrawal_does_not_wait_for_a_disk_that_fails(void **state)
{
    (void)state;
    start();
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
    disk_broken = true;
    withdraw("/ssl/site.pem", 1, false);
    pass(5000);
    assert_false(test_exists(shown));
    assert_int_equal(runs(), 2);
    disk_broken = false;
    pass(60000);
    assert_int_equal(test_count_files(folder), 0);
    assert_int_equal(files->outputs.count, 0);
    stop();
}

/* Dying at every point. */

static void play_first(void)
{
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
}

static void play_refresh(void)
{
    play_first();
    publish("/ssl/site.pem", 1, UNTIL_S + 9);
    pass(3700 * 1000);
}

static void play_renewal(void)
{
    play_first();
    publish("/ssl/site.pem", 2, UNTIL_S);
    pass(3000);
    withdraw("/ssl/site.pem", 1, true);
    pass(3000);
}

static void play_renewal_withdrawn_first(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, true);
    pass(3000);
    publish("/ssl/site.pem", 2, UNTIL_S);
    pass(3000);
}

static void play_withdrawal(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, false);
    pass(5000);
}

static void play_back_again(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, false);
    pass(50);
    publish("/ssl/site.pem", 1, UNTIL_S + 9);
    pass(5000);
}

struct play {
    void (*play)(void);
    uint8_t serial; /* what is shown at its end; 0: nothing */
    int64_t until_s;
};

static const struct play plays[] = {
    {play_first, 1, UNTIL_S},   {play_refresh, 1, UNTIL_S + 9},
    {play_renewal, 2, UNTIL_S}, {play_renewal_withdrawn_first, 2, UNTIL_S},
    {play_withdrawal, 0, 0},    {play_back_again, 1, UNTIL_S + 9},
};

/* Plays in a child that dies instead of change number @at. True when it came to the end. */
static bool play_and_die(const struct play *play, unsigned at)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        uv_loop_fork(&world.loop);
        open_store();
        start();
        steps_left = at;
        is_mortal = true;
        play->play();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
    return WEXITSTATUS(status) == 0;
}

/* The next run finds things as the dead one left them, and wants what @play ends with. */
static void recover(const struct play *play)
{
    open_store();
    start();
    assert_true(nginx_starts());
    if (play->serial) {
        publish("/ssl/site.pem", play->serial, play->until_s);
    } else {
        withdraw("/ssl/site.pem", 1, false);
    }
    pass(3700 * 1000);
    if (play->serial) {
        assert_true(test_exists(in_folder("site.conf")));
        assert_true(test_shows(in_folder("site.ocsp"), play->serial, play->until_s));
        assert_true(test_shows(shown, play->serial, play->until_s));
        assert_int_equal(test_count_files(folder), 2);
    } else {
        assert_false(test_exists(shown));
        assert_int_equal(test_count_files(folder), 0);
    }
    assert_false(runner_failing(runner));
    stop();
    close_store();
}

static void die_everywhere(void **state, bool disk)
{
    for (size_t i = 0; i < ARRAY_SIZE(plays); ++i) {
        bool is_whole = false;
        unsigned at;

        for (at = 1; !is_whole; ++at) {
            begin(state);
            on_disk = disk;
            is_whole = play_and_die(&plays[i], at);
            if (!nginx_starts()) {
                fail_msg("play %zu: nginx does not start after step %u", i, at);
            }
            recover(&plays[i]);
            end(state);
            assert_true(at < 100);
        }
        assert_true(at > 4); /* it did die on the way */
    }
}

static void test_nginx_starts_wherever_clinch_died_on_a_disk(void **state)
{
    die_everywhere(state, true);
}

static void test_nginx_starts_wherever_clinch_died_in_memory(void **state)
{
    die_everywhere(state, false);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_snippet_names_the_staple),
        PLAY(test_folder_with_a_space_is_quoted),
        PLAY(test_names_cannot_speak_to_nginx),
        PLAY(test_withdrawal_waits_for_nginx_before_the_der_goes),
        PLAY(test_der_stays_while_nginx_cannot_be_reloaded),
        PLAY(test_run_that_began_earlier_does_not_cover_a_withdrawal),
        PLAY(test_without_command_the_der_lingers_for_those_who_just_start),
        PLAY(test_quiet_withdrawal_does_not_reload_right_away),
        PLAY(test_start_withdraws_what_nginx_could_not_load),
        PLAY(test_unknown_staple_stays_until_it_ends),
        PLAY(test_name_that_begins_another_is_warned_about_once),
        PLAY(test_a_thousand_staples_cost_few_commits_flushes_and_one_reload),
        PLAY(test_staple_that_is_replaced_while_it_waits_is_never_shown),
        PLAY(test_staple_that_is_withdrawn_while_it_waits_leaves_nothing),
        PLAY(test_ending_while_something_waits_leaves_no_temporary_files),
        PLAY(test_disk_that_fails_is_told_and_tried_again),
        PLAY(test_withdrawal_does_not_wait_for_a_disk_that_fails),
        cmocka_unit_test(test_nginx_starts_wherever_clinch_died_on_a_disk),
        cmocka_unit_test(test_nginx_starts_wherever_clinch_died_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
