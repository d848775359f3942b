/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-play.h"

#include "publish/runner.h"
#include "publish/test-fake.h"

static void test_all_targets_show_a_staple(void **state)
{
    struct fake fake;

    (void)state;
    fake_begin(&fake, &world.loop, test_path(&world, "haproxy"));
    fake_listen(&fake);
    fake.entries[1] = true;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    add(TARGET_HAPROXY, fake.path, NULL);
    targets[2].ocsp = keep(3, "%s/{stem}.pem.ocsp");
    add(TARGET_COMMAND, NULL, keep(4, "echo >> %s/changes"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    assert_false(publisher_failing(publisher));
    assert_true(test_shows(test_path(&world, "shop.ocsp"), 1, UNTIL_S));
    assert_true(test_shows(test_path(&world, "nginx/shop.ocsp"), 1, UNTIL_S));
    assert_true(test_exists(test_path(&world, "nginx/shop.conf")));
    assert_true(test_shows(test_path(&world, "shop.pem.ocsp"), 1, UNTIL_S));
    assert_true(fake.next_update_s[1] == UNTIL_S);
    assert_int_equal(lines("reloads"), 1);
    assert_int_equal(lines("changes"), 1);
    assert_int_equal(rows(), 4);
    publisher_withdraw(publisher, (struct place){"/ssl/shop.pem", 0}, NULL, false);
    settle();
    assert_int_equal(rows(), 0);
    assert_int_equal(test_count_files(test_path(&world, "nginx")), 0);
    assert_false(test_exists(test_path(&world, "shop.ocsp")));
    assert_false(test_exists(test_path(&world, "shop.pem.ocsp")));
    assert_true(fake.next_update_s[1] < UNTIL_S);
    fake_stop(&fake);
    stop();
}

static void test_command_without_files_runs_for_each_change(void **state)
{
    static const char *only[] = {"/ssl/shop*"};

    (void)state;
    add(TARGET_NGINX, keep(0, "%s/nginx"), keep(1, "echo >> %s/reloads"));
    add(TARGET_COMMAND, NULL, keep(2, "echo >> %s/changes"));
    targets[1].only = only;
    targets[1].only_count = 1;
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    assert_int_equal(lines("changes"), 0);
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    assert_int_equal(lines("changes"), 1);
    publish_as("/ssl/shop.pem", 1, UNTIL_S + 60, false); /* a refresh waits for others */
    settle();
    assert_int_equal(lines("changes"), 1);
    publish_as("/ssl/shop.pem", 3, UNTIL_S, false); /* a renewal */
    settle();
    assert_int_equal(lines("changes"), 2);
    publisher_withdraw(publisher, (struct place){"/ssl/shop.pem", 0}, NULL, false);
    settle();
    assert_int_equal(lines("changes"), 3);
    assert_int_equal(rows(), 1);
    stop();
}

static void test_command_without_files_is_not_run_at_a_start_for_nothing(void **state)
{
    (void)state;
    add(TARGET_COMMAND, NULL, keep(0, "echo >> %s/changes"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    assert_int_equal(lines("changes"), 1);
    assert_int_equal(rows(), 2);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    publisher_reconcile(publisher);
    settle();
    stop();
    assert_int_equal(lines("changes"), 1);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publisher_reconcile(publisher); /* web.pem has gone meanwhile */
    settle();
    stop();
    assert_int_equal(lines("changes"), 2);
    assert_int_equal(rows(), 1);
    config.target_count = 0;
    start();
    publisher_reconcile(publisher);
    settle();
    stop();
    assert_int_equal(lines("changes"), 2); /* nobody wants it to be run any more */
    assert_int_equal(rows(), 0);
}

static void test_only_limits_a_target(void **state)
{
    static const char *only[] = {"/ssl/shop*"};

    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    targets[0].only = only;
    targets[0].only_count = 1;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    assert_true(test_exists(test_path(&world, "shop.ocsp")));
    assert_false(test_exists(test_path(&world, "web.ocsp")));
    stop();
}

static void test_what_nobody_wants_any_more_is_withdrawn_after_the_scan(void **state)
{
    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "test -e %s/nginx/web.ocsp && echo >> %s/ok"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    assert_true(test_exists(test_path(&world, "web.ocsp"))); /* it may still be found */
    publisher_reconcile(publisher);
    settle();
    assert_false(test_exists(test_path(&world, "web.ocsp")));
    assert_false(test_exists(test_path(&world, "nginx/web.conf")));
    assert_false(test_exists(test_path(&world, "nginx/web.ocsp")));
    assert_int_equal(lines("ok"), 2);
    assert_true(test_exists(test_path(&world, "shop.ocsp")));
    assert_true(test_exists(test_path(&world, "nginx/shop.conf")));
    assert_int_equal(rows(), 2);
    stop();
}

static void test_target_that_left_the_configuration_is_cleaned_up(void **state)
{
    (void)state;
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    config.target_count = 0;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publisher_reconcile(publisher);
    settle();
    assert_int_equal(test_count_files(test_path(&world, "nginx")), 0);
    assert_int_equal(lines("reloads"), 2); /* its own command, from the store */
    assert_int_equal(rows(), 0);
    stop();
}

static void test_place_that_comes_back_during_its_cleaning_up_stays(void **state)
{
    (void)state;
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    start();
    publisher_reconcile(publisher);
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    assert_true(test_exists(test_path(&world, "nginx/shop.conf")));
    assert_true(test_shows(test_path(&world, "nginx/shop.ocsp"), 1, UNTIL_S));
    publisher_reconcile(publisher);
    settle();
    assert_true(test_exists(test_path(&world, "nginx/shop.conf")));
    stop();
}

static void test_settling_does_not_wait_for_the_interval(void **state)
{
    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), keep(1, "echo >> %s/reloads"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    start(); /* a later `clinch once`, with a fresh answer for what the server has loaded */
    publisher_settle(publisher);
    publish("/ssl/shop.pem", 1, UNTIL_S + 60);
    settle();
    publisher_settle(publisher);
    settle();
    assert_int_equal(lines("reloads"), 2);
    stop();
}

static void on_look(uv_timer_t *timer)
{
    (void)timer; /* the loop has something to wake up for: a command that runs on says nothing */
}

static void test_closing_while_the_command_runs_is_clean(void **state)
{
    uv_timer_t timer;

    (void)state;
    uv_timer_init(&world.loop, &timer);
    uv_timer_start(&timer, on_look, 1, 1);
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"),
        keep(1, "trap '' TERM; echo >> %s/reloads; while :; do sleep 1; done"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    while (lines("reloads") == 0) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    publisher_close(publisher); /* ends it */
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(lines("reloads"), 1);
}

static void test_what_a_command_said_last_is_told(void **state)
{
    struct buf line = BUF_INIT(4096);
    char output[3000];

    (void)state;
    memset(output, 'x', sizeof(output));
    memcpy(output + sizeof(output) - 8, "the end", 8);
    runner_put_output(&line, output);
    assert_int_equal(line.size, 603);
    assert_memory_equal(buf_text(&line), "...xxx", 6);
    assert_string_equal(buf_text(&line) + 596, "the end");
    buf_clear(&line);
    runner_put_output(&line, "");
    assert_string_equal(buf_text(&line), "it printed nothing");
    buf_deinit(&line);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_all_targets_show_a_staple),
        PLAY(test_command_without_files_runs_for_each_change),
        PLAY(test_command_without_files_is_not_run_at_a_start_for_nothing),
        PLAY(test_only_limits_a_target),
        PLAY(test_what_nobody_wants_any_more_is_withdrawn_after_the_scan),
        PLAY(test_target_that_left_the_configuration_is_cleaned_up),
        PLAY(test_place_that_comes_back_during_its_cleaning_up_stays),
        PLAY(test_settling_does_not_wait_for_the_interval),
        PLAY(test_closing_while_the_command_runs_is_clean),
        PLAY(test_what_a_command_said_last_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
