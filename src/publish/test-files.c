/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "publish/files.h"
#include "wire/test-staple.h"

#define UNTIL_S (TEST_WALL_S + 4 * TEST_DAY_S)

static struct test_world world;
static struct files *files;
static struct file_target *target;
static struct runner *runner;
static struct target_config config;
static char template[256];
static char command[512];
static char marks[256]; /* the command adds a line to this file at each run */

static int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    config = (struct target_config){.type = TARGET_FILE, .line = 3, .reload_interval_s = 3600};
    snprintf(template, sizeof(template), "%s/{stem}.ocsp", world.dir);
    snprintf(marks, sizeof(marks), "%s/state/marks", world.dir);
    return 0;
}

static void start(bool with_command)
{
    const struct file_settings settings = {
        .config = &config, .kind = &file_kinds[TARGET_FILE], .template = template};

    assert_int_equal(files_new(&files, &world.context), 0);
    assert_int_equal(file_target_new(&target, files, &settings), 0);
    if (with_command) {
        snprintf(command, sizeof(command), "echo run >> %s", marks);
        assert_int_equal(runner_new(&runner, &world.context, command, 3600), 0);
        assert_int_equal(file_target_add_runner(target, runner, NULL), 0);
    }
}

static void start_command(void)
{
    struct file_settings settings = {.config = &config, .kind = &file_kinds[TARGET_COMMAND]};

    snprintf(command, sizeof(command), "echo run >> %s", marks);
    config.type = TARGET_COMMAND;
    config.command = command;
    assert_int_equal(files_new(&files, &world.context), 0);
    assert_int_equal(file_target_new(&target, files, &settings), 0);
    assert_int_equal(runner_new(&runner, &world.context, command, 3600), 0);
    assert_int_equal(file_target_add_runner(target, runner, NULL), 0);
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
    stop();
    store_close(world.context.store);
    test_world_end(&world);
    return 0;
}

static void open_store(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    assert_int_equal(store_open(&world.context.store, dir, &world.log, NULL), 0);
}

/* Lets @ms pass, with everything that is due on the way; commands take no time. */
static void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;

    for (;;) {
        int64_t due_ms = test_tick(files, test_now);

        if (runner) {
            due_ms = time_min(due_ms, runner_tick(runner, test_now));
            uv_run(&world.loop, UV_RUN_DEFAULT); /* the command ends */
            due_ms = time_min(due_ms, reload_deadline_ms(runner_reload(runner)));
            if (files->runs_seen != world.context.runs) {
                due_ms = test_now.mono_ms;
            }
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

static unsigned runs(void)
{
    const char *text = test_read(marks);
    unsigned count = 0;

    for (; text && *text; ++text) {
        count += *text == '\n';
    }
    return count;
}

static void publish(const char *path, uint8_t serial, int64_t until_s, bool urgent)
{
    struct wish *wish = test_wish(serial, until_s, urgent);
    struct cert_facts cert = test_cert(serial);

    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
}

/* The answer of test_wish(), signed anew @later_s after that with the very same end. */
static void publish_again(const char *path, uint8_t serial, int64_t later_s)
{
    struct cert_facts cert = test_cert(serial);
    struct buf der = BUF_INIT(65536);
    struct staple staple = {
        .cert = &cert,
        .serve = {TEST_WALL_S, UNTIL_S - 300},
        .next_update_s = UNTIL_S,
    };
    struct wish *wish;

    test_put_staple(&der, serial, TEST_WALL_S - 3600 + later_s, UNTIL_S);
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    assert_non_null(wish);
    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
    buf_deinit(&der);
}

static void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}

static void test_published_staple_is_a_file_and_withdrawn_it_is_gone(void **state)
{
    const char *path = test_path(&world, "shop.ocsp");

    (void)state;
    start(false);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    assert_true(files_busy(files));
    pass(0);
    assert_false(files_busy(files));
    assert_true(test_shows(path, 1, UNTIL_S));
    publish("/ssl/shop.pem", 1, UNTIL_S + 1, false);
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S + 1));
    withdraw("/ssl/shop.pem", 1, false);
    pass(0);
    assert_false(test_exists(path));
    assert_int_equal(files->outputs.count, 0);
    assert_int_equal(files->due.count, 0);
}

static void test_withdrawing_nothing_is_nothing(void **state)
{
    (void)state;
    start(true);
    withdraw("/ssl/shop.pem", 1, false);
    pass(10000);
    assert_int_equal(runs(), 0);
    assert_int_equal(files->outputs.count, 0);
}

static void test_withdrawal_of_another_certificate_is_too_late(void **state)
{
    (void)state;
    start(false);
    publish("/ssl/shop.pem", 2, UNTIL_S, true);
    withdraw("/ssl/shop.pem", 1, true); /* the one before the renewal */
    pass(0);
    assert_true(test_shows(test_path(&world, "shop.ocsp"), 2, UNTIL_S));
}

static void test_withdrawal_removes_what_an_earlier_run_left(void **state)
{
    const char *path = test_path(&world, "shop.ocsp");

    (void)state;
    start(true);
    test_write(path, "whatever");
    withdraw("/ssl/shop.pem", 1, false);
    pass(10000);
    assert_false(test_exists(path));
    assert_int_equal(runs(), 1);
    test_write(path, ""); /* HAProxy was given an empty one */
    withdraw("/ssl/shop.pem", 1, false);
    pass(10000);
    assert_true(test_exists(path));
}

static void test_command_runs_once_for_a_burst_and_not_for_nothing(void **state)
{
    char path[64];

    (void)state;
    start(true);
    for (unsigned i = 0; i < 200; ++i) {
        snprintf(path, sizeof(path), "/ssl/s%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S, true);
    }
    pass(2000);
    assert_int_equal(runs(), 1);
    assert_null(files->first_untaken);
    for (unsigned i = 0; i < 200; ++i) { /* the very same again */
        snprintf(path, sizeof(path), "/ssl/s%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S, true);
    }
    pass(2 * 3600 * 1000);
    assert_int_equal(runs(), 1);
}

static void test_refresh_waits_for_the_interval(void **state)
{
    (void)state;
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    assert_int_equal(runs(), 1);
    publish("/ssl/shop.pem", 1, UNTIL_S + 100, false);
    pass(3000 * 1000);
    assert_int_equal(runs(), 1);
    pass(601 * 1000);
    assert_int_equal(runs(), 2);
}

static void test_renewal_and_withdrawal_are_urgent(void **state)
{
    (void)state;
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    publish("/ssl/shop.pem", 2, UNTIL_S, false); /* another certificate: urgent by itself */
    pass(2000);
    assert_int_equal(runs(), 2);
    withdraw("/ssl/shop.pem", 2, false);
    pass(2000);
    assert_int_equal(runs(), 3);
}

static void test_staple_that_comes_back_is_urgent(void **state)
{
    (void)state;
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    withdraw("/ssl/shop.pem", 1, false);
    pass(100); /* gone from disk; the command has not run yet */
    publish("/ssl/shop.pem", 1, UNTIL_S, false);
    pass(2000);
    assert_int_equal(runs(), 2);
    assert_true(test_shows(test_path(&world, "shop.ocsp"), 1, UNTIL_S));
    withdraw("/ssl/shop.pem", 1, false);
    pass(2000);
    assert_int_equal(runs(), 3);
}

static void test_second_certificate_does_not_get_the_path_of_the_first(void **state)
{
    const char *path = test_path(&world, "shop.ocsp");

    (void)state;
    start(false);
    publish("/a/shop.pem", 1, UNTIL_S, true);
    publish("/b/shop.pem", 2, UNTIL_S, true);
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S));
    publish("/a/shop.pem", 1, UNTIL_S + 9, false); /* the first may be refreshed */
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S + 9));
    withdraw("/b/shop.pem", 2, false); /* and the second take nothing away */
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S + 9));
}

static void test_second_certificate_moves_in_when_the_first_is_gone(void **state)
{
    const char *path = test_path(&world, "shop.ocsp");

    (void)state;
    start(false);
    publish("/a/shop.pem", 1, UNTIL_S, true);
    publish("/b/shop.pem", 2, UNTIL_S, true);
    pass(0);
    withdraw("/a/shop.pem", 1, false);
    pass(0);
    assert_true(test_shows(path, 2, UNTIL_S));
    assert_null(files->waiting);
    withdraw("/b/shop.pem", 2, false);
    pass(0);
    assert_false(test_exists(path));
}

static void test_one_certificate_at_two_places_shares_its_path(void **state)
{
    const char *path = test_path(&world, "shop.ocsp");

    (void)state;
    start(false);
    publish("/a/shop.pem", 1, UNTIL_S, true);
    publish("/b/shop.pem", 1, UNTIL_S, true);
    withdraw("/a/shop.pem", 1, false);
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S));
    publish("/a/shop.pem", 1, UNTIL_S, true);
    publish("/a/shop.pem", 2, UNTIL_S, true); /* both are renewed, one after the other */
    pass(0);
    assert_true(test_shows(path, 1, UNTIL_S));
    publish("/b/shop.pem", 2, UNTIL_S, true);
    pass(0);
    assert_true(test_shows(path, 2, UNTIL_S));
    assert_null(files->waiting);
}

static void test_unique_path_of_a_renewed_certificate_replaces_the_old(void **state)
{
    (void)state;
    snprintf(template, sizeof(template), "%s/{serial}.ocsp", world.dir);
    start(false);
    publish("/a/shop.pem", 1, UNTIL_S, true);
    pass(0);
    assert_true(test_exists(test_path(&world, "01.ocsp")));
    publish("/a/shop.pem", 2, UNTIL_S, true);
    pass(0);
    assert_false(test_exists(test_path(&world, "01.ocsp")));
    assert_true(test_exists(test_path(&world, "02.ocsp")));
}

static void test_only_the_first_certificate_of_a_file_has_its_path(void **state)
{
    struct wish *wish = test_wish(2, UNTIL_S, true);
    struct cert_facts cert = test_cert(2);

    (void)state;
    start(false);
    assert_int_equal(
        target->base.ops->publish(&target->base, (struct place){"/a/shop.pem", 1}, &cert, wish), 0);
    wish_unref(wish);
    pass(0);
    assert_false(test_exists(test_path(&world, "shop.ocsp")));
}

static void test_failure_is_retried_and_blocks_nobody_else(void **state)
{
    (void)state;
    snprintf(template, sizeof(template), "%s/{stem}/x.ocsp", world.dir);
    start(false);
    publish("/ssl/none.pem", 1, UNTIL_S, true);
    assert_int_equal(mkdir(test_path(&world, "good"), 0755), 0);
    publish("/ssl/good.pem", 2, UNTIL_S, true);
    pass(10);
    assert_true(test_exists(test_path(&world, "good/x.ocsp")));
    assert_true(files_failing(files));
    assert_false(files_busy(files)); /* in backoff */
    assert_int_equal(mkdir(test_path(&world, "none"), 0755), 0);
    pass(2000);
    assert_true(test_exists(test_path(&world, "none/x.ocsp")));
    assert_false(files_failing(files));
}

static void test_backoff_grows_to_five_minutes(void **state)
{
    int64_t last_ms = 0;
    int64_t due_ms = 0;

    (void)state;
    snprintf(template, sizeof(template), "%s/{stem}/x.ocsp", world.dir);
    start(false);
    publish("/ssl/none.pem", 1, UNTIL_S, true);
    for (unsigned i = 0; i < 30; ++i) {
        due_ms = files_tick(files, test_now);
        last_ms = test_now.mono_ms;
        test_now.mono_ms = due_ms;
    }
    assert_in_range(due_ms - last_ms, 150000, 300000);
}

static void test_mode_and_group_are_those_of_the_configuration(void **state)
{
    struct stat info;

    (void)state;
    config.mode = 0640;
    config.group = getuid() == 0 ? "4" : NULL;
    start(false);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(0);
    assert_int_equal(stat(test_path(&world, "shop.ocsp"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    if (config.group) {
        assert_int_equal(info.st_gid, 4);
    }
}

static void test_link_into_the_state_directory_stays_a_link(void **state)
{
    struct stat info;

    (void)state;
    start(false);
    assert_int_equal(symlink("state/shop", test_path(&world, "shop.ocsp")), 0);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(0);
    assert_true(test_shows(test_path(&world, "state/shop"), 1, UNTIL_S));
    withdraw("/ssl/shop.pem", 1, false);
    pass(0);
    assert_false(test_exists(test_path(&world, "state/shop")));
    assert_int_equal(lstat(test_path(&world, "shop.ocsp"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void test_temporary_files_of_a_crash_are_removed(void **state)
{
    (void)state;
    start(false);
    test_write(test_path(&world, ".shop.ocsp.0123456789ab.tmp"), "x");
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(0);
    assert_int_equal(test_count_files(world.dir), 1);
}

static void test_work_of_one_turn_is_bounded(void **state)
{
    char path[64];

    (void)state;
    start(false);
    for (unsigned i = 0; i < 3 * FILES_PER_TURN; ++i) {
        snprintf(path, sizeof(path), "/ssl/s%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S, true);
    }
    files_tick(files, test_now);
    assert_int_equal(test_count_files(world.dir), FILES_PER_TURN);
    pass(0);
    assert_int_equal(test_count_files(world.dir), 3 * FILES_PER_TURN);
}

/* Restarts with the store. */

static void on_end(void *context, const struct store_published *row)
{
    *(int64_t *)context = row->next_update_s;
}

static void restart(void)
{
    stop();
    start(true);
}

static void test_restart_runs_nothing_when_all_is_loaded(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    assert_int_equal(runs(), 1);
    restart();
    publish("/ssl/shop.pem", 1, UNTIL_S, true); /* restored; new for this process */
    pass(86400 * 1000);
    assert_int_equal(runs(), 1);
    assert_int_equal(files->rows.count, 0);
}

static void test_restart_before_the_command_ran_makes_it_good(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(100);
    assert_true(test_exists(test_path(&world, "shop.ocsp")));
    assert_int_equal(runs(), 0);
    restart();
    publish("/ssl/shop.pem", 1, UNTIL_S, false);
    pass(2000);
    assert_int_equal(runs(), 1);
}

static void test_restart_before_a_batch_ran_does_not_forget_it(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    publish("/ssl/shop.pem", 1, UNTIL_S + 100, false);
    pass(2000);
    restart();
    publish("/ssl/shop.pem", 1, UNTIL_S + 100, false);
    pass(2000);
    assert_int_equal(runs(), 1);
    pass(3600 * 1000);
    assert_int_equal(runs(), 2);
}

/* Responders that are bound to a CRL sign anew with the same nextUpdate. */
static void test_restart_before_a_batch_ran_knows_staples_of_one_end_apart(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    publish_again("/ssl/shop.pem", 1, 60);
    pass(2000);
    assert_int_equal(runs(), 1);
    restart();
    publish_again("/ssl/shop.pem", 1, 60);
    pass(3601 * 1000);
    assert_int_equal(runs(), 2);
    restart();
    publish_again("/ssl/shop.pem", 1, 60);
    pass(3601 * 1000);
    assert_int_equal(runs(), 2);
}

static void test_longer_grace_for_the_same_staple_is_no_reload(void **state)
{
    struct cert_facts cert = test_cert(1);
    struct wish *wish = test_wish(1, UNTIL_S, false);
    int64_t end_s = 0;

    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    wish->keep_until_s += TEST_DAY_S;
    assert_int_equal(
        target->base.ops->publish(&target->base, (struct place){"/ssl/shop.pem", 0}, &cert, wish),
        0);
    wish_unref(wish);
    pass(3601 * 1000);
    assert_int_equal(runs(), 1);
    assert_int_equal(store_published(world.context.store, on_end, &end_s), 0);
    assert_int_equal(end_s, UNTIL_S + TEST_DAY_S); /* for `clinch expire` */
}

static void on_command(void *context, const struct store_published *row)
{
    snprintf(context, sizeof(command), "%s %lld", row->command, (long long)row->next_update_s);
}

/* `clinch expire` is to run the one that is right by now; the server has all it needs. */
static void test_command_that_was_changed_is_remembered_and_not_run(void **state)
{
    char remembered[sizeof(command)] = "";
    char expected[sizeof(command)];

    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    stop();
    start(false);
    assert_int_equal(runner_new(&runner, &world.context, "echo other", 3600), 0);
    assert_int_equal(file_target_add_runner(target, runner, NULL), 0);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(3601 * 1000);
    assert_int_equal(store_published(world.context.store, on_command, remembered), 0);
    snprintf(expected, sizeof(expected), "echo other %lld", (long long)UNTIL_S);
    assert_string_equal(remembered, expected);
    assert_int_equal(runner_runs(runner), 0);
}

static void test_command_alone_runs_for_a_staple_of_the_same_end(void **state)
{
    (void)state;
    start_command();
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    publish_again("/ssl/shop.pem", 1, 60);
    pass(3601 * 1000);
    assert_int_equal(runs(), 2);
    publish_again("/ssl/shop.pem", 1, 60);
    pass(3601 * 1000);
    assert_int_equal(runs(), 2);
}

static void test_file_that_was_missing_is_urgent_after_a_restart(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    stop();
    assert_int_equal(unlink(test_path(&world, "shop.ocsp")), 0);
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, false);
    pass(2000);
    assert_int_equal(runs(), 2); /* who knows what the server has loaded meanwhile */
}

static void on_row(void *context, const struct store_published *row)
{
    assert_non_null(row->path);
    ++*(unsigned *)context;
}

static unsigned rows(void)
{
    unsigned count = 0;

    assert_int_equal(store_published(world.context.store, on_row, &count), 0);
    return count;
}

static void test_row_stays_until_the_server_has_let_go(void **state)
{
    (void)state;
    open_store();
    start(true);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    assert_int_equal(rows(), 1);
    withdraw("/ssl/shop.pem", 1, false);
    pass(100);
    assert_false(test_exists(test_path(&world, "shop.ocsp")));
    assert_int_equal(rows(), 1); /* the server still shows it */
    pass(2000);
    assert_int_equal(runs(), 2);
    assert_int_equal(rows(), 0);
    assert_int_equal(files->outputs.count, 0);
}

static void test_recall_reads_what_is_still_published(void **state)
{
    struct cert_facts cert = test_cert(1);
    struct buf der = BUF_INIT(65536);
    struct place place = {"/ssl/shop.pem", 0};

    (void)state;
    start(true);
    assert_int_equal(target->base.ops->recall(&target->base, place, &cert, &der), STORE_E_NONE);
    publish("/ssl/shop.pem", 1, UNTIL_S, true);
    pass(2000);
    stop();
    start(true);
    assert_int_equal(target->base.ops->recall(&target->base, place, &cert, &der), 0);
    assert_true(der.size > 100);
    buf_deinit(&der);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_published_staple_is_a_file_and_withdrawn_it_is_gone),
        PLAY(test_withdrawing_nothing_is_nothing),
        PLAY(test_withdrawal_of_another_certificate_is_too_late),
        PLAY(test_withdrawal_removes_what_an_earlier_run_left),
        PLAY(test_command_runs_once_for_a_burst_and_not_for_nothing),
        PLAY(test_refresh_waits_for_the_interval),
        PLAY(test_renewal_and_withdrawal_are_urgent),
        PLAY(test_staple_that_comes_back_is_urgent),
        PLAY(test_second_certificate_does_not_get_the_path_of_the_first),
        PLAY(test_second_certificate_moves_in_when_the_first_is_gone),
        PLAY(test_one_certificate_at_two_places_shares_its_path),
        PLAY(test_unique_path_of_a_renewed_certificate_replaces_the_old),
        PLAY(test_only_the_first_certificate_of_a_file_has_its_path),
        PLAY(test_failure_is_retried_and_blocks_nobody_else),
        PLAY(test_backoff_grows_to_five_minutes),
        PLAY(test_mode_and_group_are_those_of_the_configuration),
        PLAY(test_link_into_the_state_directory_stays_a_link),
        PLAY(test_temporary_files_of_a_crash_are_removed),
        PLAY(test_work_of_one_turn_is_bounded),
        PLAY(test_restart_runs_nothing_when_all_is_loaded),
        PLAY(test_restart_before_the_command_ran_makes_it_good),
        PLAY(test_restart_before_a_batch_ran_does_not_forget_it),
        PLAY(test_restart_before_a_batch_ran_knows_staples_of_one_end_apart),
        PLAY(test_longer_grace_for_the_same_staple_is_no_reload),
        PLAY(test_command_alone_runs_for_a_staple_of_the_same_end),
        PLAY(test_command_that_was_changed_is_remembered_and_not_run),
        PLAY(test_file_that_was_missing_is_urgent_after_a_restart),
        PLAY(test_row_stays_until_the_server_has_let_go),
        PLAY(test_recall_reads_what_is_still_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
