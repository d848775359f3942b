/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-files.h"

#include <errno.h>
#include <grp.h>

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

static void keep_trouble(void *context, const struct publish_trouble *trouble)
{
    *(struct publish_trouble *)context = *trouble;
}

static void test_failure_is_retried_and_blocks_nobody_else(void **state)
{
    struct publish_trouble told = {0};

    (void)state;
    snprintf(template, sizeof(template), "%s/{stem}/x.ocsp", world.dir);
    start(false);
    publish("/ssl/none.pem", 1, UNTIL_S, true);
    assert_int_equal(mkdir(test_path(&world, "good"), 0755), 0);
    publish("/ssl/good.pem", 2, UNTIL_S, true);
    pass(10);
    assert_true(test_exists(test_path(&world, "good/x.ocsp")));
    assert_true(files_failing(files));
    files_each_trouble(files, keep_trouble, &told);
    assert_int_equal(told.kind, TROUBLE_FILE);
    assert_non_null(strstr(told.where, "/none/x.ocsp"));
    assert_non_null(strstr(told.fault, "its folder does not exist"));
    assert_false(files_busy(files)); /* in backoff */
    assert_int_equal(mkdir(test_path(&world, "none"), 0755), 0);
    pass(2000);
    assert_true(test_exists(test_path(&world, "none/x.ocsp")));
    assert_false(files_failing(files));
    told = (struct publish_trouble){0};
    files_each_trouble(files, keep_trouble, &told);
    assert_null(told.where);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
