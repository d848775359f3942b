/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <unistd.h>

#include "io/clock.h"
#include "publish/disk.h"
#include "publish/publish.h"
#include "publish/runner.h"
#include "publish/test-fake.h"
#include "wire/single.h"
#include "wire/test-staple.h"

#define UNTIL_S (TEST_WALL_S + 5000 * (int64_t)TEST_DAY_S) /* these plays have a real clock */

static struct test_world world;
static struct target_config targets[4];
static struct config config;
static struct publisher *publisher;
static char paths[8][300];

/* DIR/NAME, kept. */
static const char *keep(unsigned slot, const char *format)
{
    snprintf(paths[slot], sizeof(paths[slot]), format, world.dir, world.dir);
    return paths[slot];
}

static int begin(void **state)
{
    char dir[256];

    (void)state;
    test_world_begin(&world);
    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    assert_int_equal(store_open(&world.context.store, dir, &world.log, NULL), 0);
    assert_int_equal(mkdir(test_path(&world, "nginx"), 0755), 0);
    memset(targets, 0, sizeof(targets));
    config = (struct config){.state_dir = world.state, .targets = targets};
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_close(world.context.store);
    test_world_end(&world);
    return 0;
}

static void add(enum target_type type, const char *path, const char *command)
{
    targets[config.target_count++] = (struct target_config){
        .type = type, .path = path, .command = command, .reload_interval_s = 3600};
}

static void start(void)
{
    assert_int_equal(
        publisher_new(&publisher, &world.loop, &config, world.context.store, &world.log), 0);
}

static void settle(void)
{
    do {
        uv_run(&world.loop, UV_RUN_ONCE);
    } while (publisher_busy(publisher));
}

static void stop(void)
{
    publisher_close(publisher);
    uv_run(&world.loop, UV_RUN_DEFAULT);
}

static void publish_as(const char *path, uint8_t serial, int64_t until_s, bool urgent)
{
    struct cert_facts cert = test_cert(serial);
    struct wish *wish = test_wish(serial, until_s, true);
    const struct staple staple = {
        .cert = &cert,
        .der = wish_der(wish),
        .serve = wish->serve,
        .next_update_s = until_s,
        .urgent = urgent,
    };

    publisher_publish(publisher, (struct place){path, 0}, &staple);
    wish_unref(wish);
}

static void publish(const char *path, uint8_t serial, int64_t until_s)
{
    publish_as(path, serial, until_s, true);
}

static void count_row(void *context, const struct store_published *row)
{
    assert_non_null(row);
    ++*(unsigned *)context;
}

static unsigned rows(void)
{
    unsigned count = 0;

    assert_int_equal(store_published(world.context.store, count_row, &count), 0);
    return count;
}

static unsigned lines(const char *name)
{
    const char *text = test_read(test_path(&world, name));
    unsigned count = 0;

    for (; text && *text; ++text) {
        count += *text == '\n';
    }
    return count;
}

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

static void test_closing_while_the_command_runs_is_clean(void **state)
{
    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"),
        keep(1, "trap '' TERM; echo >> %s/reloads; while :; do sleep 1; done"));
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    while (lines("reloads") == 0) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    publisher_close(publisher); /* ends it */
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(lines("reloads"), 1);
}

/* `clinch expire` */

static bool next_update(struct slice der, int64_t *ret_next_update_s)
{
    struct single single;

    if (!single_read(der, 0, &single)) {
        return false;
    }
    *ret_next_update_s = single.next_update_s;
    return true;
}

static struct expire_result expire(int64_t wall_s, const char *path)
{
    const struct expire_order order = {
        .store = world.context.store,
        .paths = &path,
        .path_count = path ? 1 : 0,
        .log = &world.log,
        .wall_s = wall_s,
        .next_update = next_update,
    };
    struct expire_result result = {99, 99};

    assert_int_equal(publish_expire(&order, &result), 0);
    return result;
}

static void assert_result(struct expire_result result, unsigned withdrawn, unsigned left)
{
    assert_int_equal(result.withdrawn, withdrawn);
    assert_int_equal(result.left, left);
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
    struct disk_file file = {.mode = 0644, .gid = (gid_t)-1, .content = wish_der(wish)};
    struct buf fault = BUF_INIT(4096);

    (void)state;
    add(TARGET_FILE, keep(0, "%s/{stem}.ocsp"), NULL);
    start();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    settle();
    stop();
    file.path = test_path(&world, "shop.ocsp"); /* somebody has written a newer one */
    assert_int_equal(disk_write(&file, &fault), 0);
    assert_result(expire(UNTIL_S + 100, NULL), 0, 0);
    assert_result(expire(UNTIL_S + 500, NULL), 1, 0);
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
    struct disk_file file = {.mode = 0644, .gid = (gid_t)-1, .content = wish_der(wish)};
    struct buf fault = BUF_INIT(4096);

    (void)state;
    add(TARGET_COMMAND, NULL, keep(0, "echo >> %s/changes"));
    start();
    publish("/ssl/web.pem", 2, UNTIL_S);
    settle();
    stop();
    test_write(test_path(&world, "shop.conf"), "server { }\n");
    file.path = test_path(&world, "shop.ocsp");
    assert_int_equal(disk_write(&file, &fault), 0);
    assert_result(expire(UNTIL_S, test_path(&world, "shop.ocsp")), 1, 0);
    assert_false(test_exists(test_path(&world, "shop.ocsp")));
    assert_true(test_exists(test_path(&world, "shop.conf")));
    assert_int_equal(rows(), 1); /* what a command was run for is no file */
    assert_int_equal(lines("changes"), 1);
    wish_unref(wish);
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
        PLAY(test_expiring_withdraws_what_has_ended_and_nothing_else),
        PLAY(test_expiring_believes_the_file_not_the_row),
        PLAY(test_expiring_leaves_a_staple_its_grace),
        PLAY(test_a_start_in_its_grace_leaves_a_staple_alone),
        PLAY(test_expiring_keeps_the_der_when_the_command_fails),
        PLAY(test_expiring_removes_a_snippet_whose_der_is_gone),
        PLAY(test_expiring_leaves_alone_what_is_not_ours),
        PLAY(test_what_a_command_said_last_is_told),
        PLAY(test_expiring_by_path_leaves_alone_what_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
