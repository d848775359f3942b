/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-nginx.h"

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
    assert_non_null(strstr(runner_fault(runner), "failed with exit code "));
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
