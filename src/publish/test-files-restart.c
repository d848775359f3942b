/* SPDX-License-Identifier: Apache-2.0 */

/* Restarts of clinch: what is written is told apart from what servers have loaded. */

#include "publish/test-files.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
