/* SPDX-License-Identifier: Apache-2.0 */

/* The folder for any server's reader: names, mtimes, and what an earlier run left. */

#include "publish/test-play.h"

#include <fcntl.h>

/* Ahead of the real clock, and still a time that every file system knows. */
#define END_S (TEST_WALL_S + 2000 * (int64_t)TEST_DAY_S)

/* test_cert() numbers leaves by one octet in front. */
static const char *staple(uint8_t serial)
{
    static char name[32 + 2 * SHA256_SIZE];
    struct cert_facts cert = test_cert(serial);
    struct buf hex = BUF_INIT(100);

    buf_put_hex(&hex, slice_of(cert.leaf_sha256, SHA256_SIZE));
    snprintf(name, sizeof(name), "staples/%s.ocsp", buf_text(&hex));
    buf_deinit(&hex);
    return name;
}

static int begin_folder(void **state)
{
    begin(state);
    assert_int_equal(mkdir(test_path(&world, "staples"), 0755), 0);
    config.target_count = 0;
    add(TARGET_FOLDER, keep(0, "%s/staples"), NULL);
    return 0;
}

static struct stat look(uint8_t serial)
{
    struct stat info;

    assert_int_equal(stat(test_path(&world, staple(serial)), &info), 0);
    return info;
}

static void test_staple_lies_under_the_hash_of_its_certificate(void **state)
{
    (void)state;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/mail.pem", 2, UNTIL_S);
    publish("/ssl/copy-of-shop.pem", 1, UNTIL_S);
    settle();
    assert_true(test_shows(test_path(&world, staple(1)), 1, UNTIL_S));
    assert_true(test_shows(test_path(&world, staple(2)), 2, UNTIL_S));
    assert_int_equal(test_count_files(test_path(&world, "staples")), 2);
    stop();
}

static void test_every_certificate_of_a_file_has_one(void **state)
{
    struct cert_facts cert = test_cert(5);
    struct wish *wish = test_wish(5, UNTIL_S, true);
    const struct staple second = {.cert = &cert,
                                  .der = wish_der(wish),
                                  .serve = wish->serve,
                                  .next_update_s = UNTIL_S,
                                  .urgent = true};

    (void)state;
    start();
    publish("/ssl/both.pem", 4, UNTIL_S);
    publisher_publish(publisher, (struct place){"/ssl/both.pem", 1}, &second);
    settle();
    assert_true(test_exists(test_path(&world, staple(4))));
    assert_true(test_exists(test_path(&world, staple(5))));
    wish_unref(wish);
    stop();
}

static void test_mtime_tells_until_when_it_may_be_served(void **state)
{
    struct stat info;

    (void)state;
    start();
    publish("/ssl/shop.pem", 1, END_S);
    settle();
    info = look(1);
    assert_int_equal(info.st_mtim.tv_sec, END_S - 300);
    assert_int_equal(info.st_mtim.tv_nsec, 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    publish("/ssl/shop.pem", 1, END_S + TEST_DAY_S);
    settle();
    assert_int_equal(look(1).st_mtim.tv_sec, END_S + TEST_DAY_S - 300);
    assert_int_not_equal(look(1).st_ino, info.st_ino); /* renamed over, not written over */
    stop();
}

/* Of a must-staple certificate: its servers go on with the last one for a day. */
static void test_mtime_includes_a_grace(void **state)
{
    struct cert_facts cert = test_cert(1);
    struct wish *wish = test_wish(1, END_S, true);
    const struct staple staple = {.cert = &cert,
                                  .der = wish_der(wish),
                                  .serve = wish->serve,
                                  .next_update_s = END_S,
                                  .keep_until_s = END_S + TEST_DAY_S};

    (void)state;
    start();
    publisher_publish(publisher, (struct place){"/ssl/must.pem", 0}, &staple);
    settle();
    assert_int_equal(look(1).st_mtim.tv_sec, END_S + TEST_DAY_S);
    wish_unref(wish);
    stop();
}

static void test_withdrawn_staple_is_gone(void **state)
{
    struct cert_facts cert = test_cert(1);

    (void)state;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    publisher_withdraw(publisher, (struct place){"/ssl/shop.pem", 0}, &cert, false);
    settle();
    assert_false(test_exists(test_path(&world, staple(1))));
    assert_int_equal(rows(), 0);
    stop();
    assert_int_equal(test_count_files(test_path(&world, "staples")), 0);
}

static void test_several_folders_may_be_given(void **state)
{
    (void)state;
    assert_int_equal(mkdir(test_path(&world, "jail"), 0755), 0);
    add(TARGET_FOLDER, keep(1, "%s/jail"), NULL);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    assert_int_equal(test_count_files(test_path(&world, "staples")), 1);
    assert_int_equal(test_count_files(test_path(&world, "jail")), 1);
    stop();
}

static void test_folder_is_filled_again_after_a_reboot(void **state)
{
    (void)state;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    assert_int_equal(unlink(test_path(&world, staple(1))), 0);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publisher_reconcile(publisher);
    settle();
    assert_true(test_shows(test_path(&world, staple(1)), 1, UNTIL_S));
    stop();
}

static void test_staple_of_a_certificate_that_left_meanwhile_goes_at_the_start(void **state)
{
    (void)state;
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/gone.pem", 2, UNTIL_S);
    settle();
    stop();
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publisher_reconcile(publisher);
    settle();
    assert_true(test_exists(test_path(&world, staple(1))));
    assert_false(test_exists(test_path(&world, staple(2))));
    stop();
}

static void put_stranger(const char *name, int64_t mtime_s)
{
    const struct timespec times[2] = {{.tv_sec = mtime_s}, {.tv_sec = mtime_s}};

    test_write(test_path(&world, name), "x");
    assert_int_equal(utimensat(AT_FDCWD, test_path(&world, name), times, 0), 0);
}

/* The store was lost: nobody knows these. */
static void test_unknown_staple_stays_until_it_ends(void **state)
{
    (void)state;
    put_stranger(staple(8), UNTIL_S);
    put_stranger(staple(9), TEST_WALL_S - 5000 * (int64_t)TEST_DAY_S);
    put_stranger("staples/notes.ocsp", TEST_WALL_S - 5000 * (int64_t)TEST_DAY_S);
    start();
    publisher_reconcile(publisher);
    settle();
    assert_true(test_exists(test_path(&world, staple(8))));
    assert_false(test_exists(test_path(&world, staple(9))));
    assert_true(test_exists(test_path(&world, "staples/notes.ocsp")));
    stop();
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin_folder, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_staple_lies_under_the_hash_of_its_certificate),
        PLAY(test_every_certificate_of_a_file_has_one),
        PLAY(test_mtime_tells_until_when_it_may_be_served),
        PLAY(test_mtime_includes_a_grace),
        PLAY(test_withdrawn_staple_is_gone),
        PLAY(test_several_folders_may_be_given),
        PLAY(test_folder_is_filled_again_after_a_reboot),
        PLAY(test_staple_of_a_certificate_that_left_meanwhile_goes_at_the_start),
        PLAY(test_unknown_staple_stays_until_it_ends),
    };

    return cmocka_run_group_tests_name("publish-folder", tests, NULL, NULL);
}
