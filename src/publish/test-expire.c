/* SPDX-License-Identifier: Apache-2.0 */

/* `clinch expire`, without its command line. */

#include "publish/test-play.h"

#include "io/clock.h"
#include "wire/single.h"
#include "wire/test-staple.h"

static bool writable; /* `clinch expire` may write to the store */
static bool beside;   /* and finds a daemon that lives */

static int begin_writable(void **state)
{
    writable = true;
    beside = false;
    return begin(state);
}

static bool next_update(struct slice der, int64_t *ret_next_update_s)
{
    struct single single;

    if (!single_read(der, 0, &single)) {
        return false;
    }
    *ret_next_update_s = single.next_update_s;
    return true;
}

static struct store *open_writer(void *context)
{
    void (*before)(void) = context;

    if (before) {
        before();
    }
    return writable ? world.context.store : NULL;
}

/* As long as nobody can write, @before is what happens in the meantime. */
static struct expire_result expire_after(int64_t wall_s, const char *path, void (*before)(void))
{
    const struct expire_order order = {
        .store = world.context.store,
        .beside = beside,
        .paths = &path,
        .path_count = path ? 1 : 0,
        .log = &world.log,
        .wall_s = wall_s,
        .next_update = next_update,
        .open_writer = open_writer,
        .context = before,
    };
    struct expire_result result = {99, 99, 99, 99};

    assert_int_equal(publish_expire(&order, &result), 0);
    return result;
}

static struct expire_result expire(int64_t wall_s, const char *path)
{
    return expire_after(wall_s, path, NULL);
}

static void assert_result(struct expire_result result, unsigned withdrawn, unsigned left)
{
    assert_int_equal(result.withdrawn, withdrawn);
    assert_int_equal(result.left, left);
    assert_int_equal(result.told, 0);
    assert_int_equal(result.kept, 0);
}

static void test_expiring_withdraws_what_has_ended_and_nothing_else(void **state)
{
    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    add(TARGET_NGINX, keep(1, "%s/nginx"),
        keep(2, "test -e %s/nginx/web.ocsp && echo >> %s/reloads"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S + 60);
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    assert_result(expire(UNTIL_S - 1, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 1);
    assert_result(expire(UNTIL_S, NULL), 2, 0);
    assert_int_equal(lines("reloads"), 2); /* while the DER was still there */
    assert_false(test_exists(test_path(&world, "web.ocsp")));
    assert_false(test_exists(test_path(&world, "nginx/web.conf")));
    assert_false(test_exists(test_path(&world, "nginx/web.ocsp")));
    assert_true(test_exists(test_path(&world, "nginx/shop.conf")));
    assert_true(test_exists(test_path(&world, "shop.ocsp")));
    assert_result(expire(UNTIL_S, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 2);
}

static void test_expiring_believes_the_file_not_the_row(void **state)
{
    struct wish *wish = test_wish(1, UNTIL_S + 500, false);

    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    test_put(test_path(&world, "shop.ocsp"), wish_der(wish)); /* somebody has written a newer one */
    assert_result(expire(UNTIL_S + 100, NULL), 0, 0);
    assert_result(expire(UNTIL_S + 500, NULL), 1, 0);
    wish_unref(wish);
}

/* Where no server is told the row comes first: the process died before it wrote the staple. */
static void test_the_row_of_a_staple_that_was_not_written_is_no_grace(void **state)
{
    struct wish *wish = test_wish(1, UNTIL_S, false);

    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S + 500);
    settle();
    stop();
    test_put(test_path(&world, "shop.ocsp"), wish_der(wish));
    assert_result(expire(UNTIL_S - 1, NULL), 0, 0);
    assert_result(expire(UNTIL_S, NULL), 1, 0);
    wish_unref(wish);
}

/* The last staple of a must-staple certificate, kept a day longer. */
static void publish_kept(const char *path, uint8_t serial, int64_t until_s, int64_t keep_until_s)
{
    struct cert_facts cert = test_cert(serial);
    struct wish *wish = test_wish(serial, until_s, true);
    const struct staple staple = {
        .cert = &cert,
        .der = wish_der(wish),
        .serve = wish->serve,
        .next_update_s = until_s,
        .keep_until_s = keep_until_s,
        .urgent = true,
    };

    publisher_publish(publisher, (struct place){path, 0}, &staple);
    wish_unref(wish);
}

static void test_expiring_leaves_a_staple_its_grace(void **state)
{
    struct store *store = world.context.store;

    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish_kept("/ssl/must.pem", 1, UNTIL_S, UNTIL_S + TEST_DAY_S);
    publish_kept("/ssl/lie.pem", 2, UNTIL_S, UNTIL_S + TEST_DAY_S + 1);
    settle();
    stop();
    assert_result(expire(UNTIL_S - 1, NULL), 0, 0);
    assert_result(expire(UNTIL_S, test_path(&world, "must.ocsp")), 2, 0); /* the other's two */
    assert_false(test_exists(test_path(&world, "lie.ocsp")));
    assert_true(test_exists(test_path(&world, "nginx/must.conf")));
    assert_true(test_exists(test_path(&world, "must.ocsp")));
    assert_result(expire(UNTIL_S + TEST_DAY_S - 1, NULL), 0, 0);
    assert_result(expire(UNTIL_S + TEST_DAY_S, NULL), 2, 0);
    assert_false(test_exists(test_path(&world, "nginx/must.conf")));
    start();
    publish_kept("/ssl/must.pem", 1, UNTIL_S, UNTIL_S + TEST_DAY_S);
    settle();
    stop();
    world.context.store = NULL; /* then only the file can say when it ends */
    assert_result(expire(UNTIL_S, test_path(&world, "must.ocsp")), 1, 0);
    world.context.store = store;
}

static void test_a_start_in_its_grace_leaves_a_staple_alone(void **state)
{
    int64_t wall_s = clock_now().wall_s;
    unsigned reloads;

    (void)state;
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish_kept("/ssl/must.pem", 1, wall_s - 100, wall_s + 3600);
    publish_kept("/ssl/over.pem", 2, wall_s - TEST_DAY_S, wall_s - 1);
    settle();
    stop();
    reloads = lines("reloads");
    start();
    assert_true(test_exists(test_path(&world, "nginx/must.conf")));
    assert_false(test_exists(test_path(&world, "nginx/over.conf")));
    publish_kept("/ssl/must.pem", 1, wall_s - 100, wall_s + 3600);
    settle();
    assert_true(lines("reloads") > reloads); /* for the other */
    reloads = lines("reloads");
    stop();
    start();
    publish_kept("/ssl/must.pem", 1, wall_s - 100, wall_s + 3600);
    publisher_reconcile(publisher);
    settle();
    stop();
    assert_true(test_exists(test_path(&world, "nginx/must.conf")));
    assert_int_equal(lines("reloads"), reloads);
}

static void test_expiring_keeps_the_der_when_the_command_fails(void **state)
{
    (void)state;
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "test ! -e %s/broken"));
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    test_write(test_path(&world, "broken"), "x");
    assert_result(expire(UNTIL_S, NULL), 0, 1);
    assert_false(test_exists(test_path(&world, "nginx/web.conf")));
    assert_true(test_exists(test_path(&world, "nginx/web.ocsp")));
}

static void test_expiring_removes_a_snippet_whose_der_is_gone(void **state)
{
    (void)state;
    add(TARGET_NGINX, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    assert_int_equal(unlink(test_path(&world, "nginx/web.ocsp")), 0);
    assert_result(expire(TEST_WALL_S, NULL), 1, 0);
    assert_false(test_exists(test_path(&world, "nginx/web.conf")));
}

static void test_expiring_leaves_alone_what_is_not_ours(void **state)
{
    struct wish *wish = test_wish(1, UNTIL_S, false);

    (void)state;
    add(TARGET_COMMAND, NULL, keep(0, "echo >> %s/changes"));
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    test_write(test_path(&world, "shop.conf"), "server { }\n");
    test_put(test_path(&world, "shop.ocsp"), wish_der(wish));
    assert_result(expire(UNTIL_S, test_path(&world, "shop.ocsp")), 1, 0);
    assert_false(test_exists(test_path(&world, "shop.ocsp")));
    assert_true(test_exists(test_path(&world, "shop.conf")));
    assert_int_equal(rows(), 1); /* what a command was run for is no file */
    assert_int_equal(lines("changes"), 1);
    wish_unref(wish);
}

/* When what the server of the row has loaded ends. */
static void take_loaded(void *context, const struct store_published *row)
{
    *(int64_t *)context = row->next_update_s;
}

static int64_t loaded_s(void)
{
    int64_t end_s = -1;

    assert_int_equal(store_published(world.context.store, take_loaded, &end_s), 0);
    return end_s;
}

/* The server has loaded one that ends at UNTIL_S; the file is an hour newer, and then the process
 * is gone. */
static void leave_behind(void)
{
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    publish_as("/ssl/web.pem", 2, UNTIL_S + 3600, false);
    while (publisher_busy(publisher)) {
        uv_run(&world.loop, UV_RUN_NOWAIT); /* the next event is the batch, far away */
    }
    stop();
    assert_int_equal(lines("reloads"), 1);
    assert_int_equal(loaded_s(), UNTIL_S);
}

static void add_reloaded(enum target_type type, const char *path)
{
    add(type, keep(1, path), keep(2, "echo >> %s/reloads; test ! -e %s/broken"));
    start();
}

static void test_expiring_tells_the_server_of_a_newer_staple_once(void **state)
{
    struct expire_result result;

    (void)state;
    add_reloaded(TARGET_NGINX, "%s/nginx");
    leave_behind();
    assert_result(expire(UNTIL_S - 1, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 1);
    result = expire(UNTIL_S, NULL);
    assert_int_equal(result.told, 1);
    assert_int_equal(result.withdrawn, 0);
    assert_int_equal(result.left, 0);
    assert_int_equal(lines("reloads"), 2);
    assert_int_equal(loaded_s(), UNTIL_S + 3600);
    assert_true(test_shows(test_path(&world, "nginx/web.ocsp"), 2, UNTIL_S + 3600));
    assert_true(test_exists(test_path(&world, "nginx/web.conf")));
    assert_result(expire(UNTIL_S + 60, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 2);
    assert_result(expire(UNTIL_S + 3600, NULL), 1, 0);
    assert_int_equal(lines("reloads"), 3);
    assert_result(expire(UNTIL_S + 3660, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 3);
}

/* And a HUP would take away the staples of others, which nobody puts there again. */
static void test_hitch_drops_by_itself_what_is_over(void **state)
{
    (void)state;
    add(TARGET_HITCH, keep(1, "%s/nginx"), keep(2, "echo >> %s/reloads"));
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    publish("/ssl/shop.pem", 1, UNTIL_S + 3600);
    settle();
    stop();
    assert_int_equal(test_count_files(keep(3, "%s/nginx")), 2);
    assert_result(expire(UNTIL_S, NULL), 1, 0);
    assert_result(expire(UNTIL_S + 60, NULL), 0, 0);
    assert_int_equal(test_count_files(keep(3, "%s/nginx")), 1);
    assert_int_equal(lines("reloads"), 0);
}

static void test_a_server_that_refuses_the_newer_staple_is_told_again(void **state)
{
    (void)state;
    add_reloaded(TARGET_NGINX, "%s/nginx");
    leave_behind();
    test_write(test_path(&world, "broken"), "x");
    assert_result(expire(UNTIL_S, NULL), 0, 1);
    assert_int_equal(loaded_s(), UNTIL_S);
    assert_true(test_exists(test_path(&world, "nginx/web.conf")));
    assert_int_equal(unlink(test_path(&world, "broken")), 0);
    assert_int_equal(expire(UNTIL_S + 60, NULL).told, 1);
    assert_int_equal(lines("reloads"), 3);
}

static void test_without_a_store_to_write_to_the_server_is_told_each_time(void **state)
{
    (void)state;
    add_reloaded(TARGET_NGINX, "%s/nginx");
    leave_behind();
    writable = false;
    assert_int_equal(expire(UNTIL_S, NULL).told, 1);
    assert_int_equal(expire(UNTIL_S + 60, NULL).told, 1);
    assert_int_equal(lines("reloads"), 3);
    assert_result(expire(UNTIL_S + 3600, NULL), 1, 0); /* it is over with the newer one's end */
    assert_result(expire(UNTIL_S + 3660, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 4);
}

/* Somebody else had the lock in the meantime, and has told the server of a third one. */
static void tell_meanwhile(void)
{
    start();
    publish("/ssl/web.pem", 2, UNTIL_S + 7200);
    settle();
    stop();
}

static void test_expiring_overwrites_nothing_that_it_did_not_see(void **state)
{
    (void)state;
    add_reloaded(TARGET_FILE, "%s/{stem}.ocsp");
    leave_behind();
    assert_int_equal(expire_after(UNTIL_S, NULL, tell_meanwhile).told, 1);
    assert_int_equal(loaded_s(), UNTIL_S + 7200);
}

static void test_a_server_that_refuses_a_withdrawal_is_told_again(void **state)
{
    (void)state;
    add_reloaded(TARGET_NGINX, "%s/nginx");
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    test_write(test_path(&world, "broken"), "x");
    assert_result(expire(UNTIL_S, NULL), 0, 1);
    assert_result(expire(UNTIL_S + 60, NULL), 0, 1);
    assert_int_equal(lines("reloads"), 3);
    assert_int_equal(unlink(test_path(&world, "broken")), 0);
    assert_result(expire(UNTIL_S + 120, NULL), 1, 0);
    assert_int_equal(test_count_files(test_path(&world, "nginx")), 0);
    assert_result(expire(UNTIL_S + 180, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 4);
}

static void test_without_a_snippet_a_withdrawal_is_told_again_too(void **state)
{
    (void)state;
    add_reloaded(TARGET_FILE, "%s/{stem}.ocsp");
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    test_write(test_path(&world, "broken"), "x");
    assert_result(expire(UNTIL_S, NULL), 0, 1);
    assert_false(test_exists(test_path(&world, "web.ocsp")));
    assert_result(expire(UNTIL_S + 60, NULL), 0, 1);
    assert_int_equal(lines("reloads"), 3);
    assert_int_equal(unlink(test_path(&world, "broken")), 0);
    writable = false; /* then nobody would know that it was told: not for ever */
    assert_result(expire(UNTIL_S + 120, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 3);
    writable = true;
    assert_result(expire(UNTIL_S + 180, NULL), 1, 0);
    assert_result(expire(UNTIL_S + 240, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 4);
}

static void test_a_withdrawal_that_the_server_took_is_not_told_again(void **state)
{
    (void)state;
    add_reloaded(TARGET_FILE, "%s/{stem}.ocsp");
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    assert_result(expire(UNTIL_S, NULL), 1, 0);
    assert_result(expire(UNTIL_S + 60, NULL), 0, 0);
    assert_int_equal(lines("reloads"), 2);
}

static void test_beside_a_daemon_only_what_is_not_its_own_is_expired(void **state)
{
    struct wish *wish = test_wish(1, UNTIL_S, false);
    char link[300];

    (void)state;
    add_reloaded(TARGET_NGINX, "%s/nginx");
    leave_behind();
    beside = true;
    assert_result(expire(UNTIL_S + 3600, NULL), 0, 0);
    assert_int_equal(expire(UNTIL_S + 3600, test_path(&world, "nginx/web.ocsp")).kept, 1);
    snprintf(link, sizeof(link), "%s/link.ocsp", world.dir);
    assert_int_equal(symlink(test_path(&world, "nginx/web.ocsp"), link), 0);
    assert_int_equal(expire(UNTIL_S + 3600, link).kept, 1);
    assert_true(test_exists(test_path(&world, "nginx/web.ocsp")) && test_exists(link));
    assert_int_equal(lines("reloads"), 1);
    test_put(test_path(&world, "old.ocsp"), wish_der(wish));
    assert_result(expire(UNTIL_S, test_path(&world, "old.ocsp")), 1, 0);
    assert_false(test_exists(test_path(&world, "old.ocsp")));
    wish_unref(wish);
}

static void test_expiring_by_path_leaves_alone_what_is_no_answer(void **state)
{
    (void)state;
    test_write(test_path(&world, "notes.txt"), "precious");
    assert_result(expire(UNTIL_S, world.path), 0, 0);
    assert_true(test_exists(world.path));
    assert_result(expire(UNTIL_S, test_path(&world, "none")), 0, 0);
    add(TARGET_NGINX, keep(1, "%s/nginx"), NULL);
    store_close(world.context.store);
    world.context.store = NULL;
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    assert_result(expire(UNTIL_S, test_path(&world, "nginx/web.ocsp")), 1, 0);
    assert_int_equal(test_count_files(test_path(&world, "nginx")), 0);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin_writable, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_expiring_withdraws_what_has_ended_and_nothing_else),
        PLAY(test_expiring_believes_the_file_not_the_row),
        PLAY(test_the_row_of_a_staple_that_was_not_written_is_no_grace),
        PLAY(test_expiring_leaves_a_staple_its_grace),
        PLAY(test_a_start_in_its_grace_leaves_a_staple_alone),
        PLAY(test_expiring_keeps_the_der_when_the_command_fails),
        PLAY(test_expiring_removes_a_snippet_whose_der_is_gone),
        PLAY(test_expiring_leaves_alone_what_is_not_ours),
        PLAY(test_expiring_tells_the_server_of_a_newer_staple_once),
        PLAY(test_hitch_drops_by_itself_what_is_over),
        PLAY(test_a_server_that_refuses_the_newer_staple_is_told_again),
        PLAY(test_without_a_store_to_write_to_the_server_is_told_each_time),
        PLAY(test_expiring_overwrites_nothing_that_it_did_not_see),
        PLAY(test_a_server_that_refuses_a_withdrawal_is_told_again),
        PLAY(test_without_a_snippet_a_withdrawal_is_told_again_too),
        PLAY(test_a_withdrawal_that_the_server_took_is_not_told_again),
        PLAY(test_beside_a_daemon_only_what_is_not_its_own_is_expired),
        PLAY(test_expiring_by_path_leaves_alone_what_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
