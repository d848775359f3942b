/* SPDX-License-Identifier: Apache-2.0 */

/* What is different with hitch, lighttpd, dnsdist and Exim. Commands add a line to a file. */

#include "publish/test-world.h"

#include <unistd.h>

#include "publish/files.h"
#include "publish/publish.h"
#include "wire/test-staple.h"

#define UNTIL_S (TEST_WALL_S + 4 * TEST_DAY_S)

static struct test_world world;
static struct files *files;
static struct file_target *target;
static struct runner *reload;
static struct runner *restart;
static struct target_config config;
static char text[4][300];

/* The end of the path, backwards. */
static bool no_md5(void *context, struct slice path, uint8_t ret_md5[16])
{
    (void)context;
    for (size_t i = 0; i < 16; ++i) {
        ret_md5[i] = i < path.size ? path.data[path.size - 1 - i] : 0;
    }
    return true;
}
static const struct publish_names names = {no_md5, NULL};

static const char *in(unsigned slot, const char *format)
{
    snprintf(text[slot], sizeof(text[slot]), format, world.dir);
    return text[slot];
}

static int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    world.context.names = &names;
    config = (struct target_config){.line = 3, .reload_interval_s = 3600};
    assert_int_equal(mkdir(in(0, "%s/out"), 0755), 0);
    return 0;
}

static void start(enum target_type type, const char *template, const char *folder)
{
    const struct file_settings settings = {&config, &file_kinds[type], template, folder};

    config.type = type;
    assert_int_equal(files_new(&files, &world.context), 0);
    assert_int_equal(file_target_new(&target, files, &settings), 0);
}

static void add_commands(bool with_restart)
{
    assert_int_equal(runner_new(&reload, &world.context, in(1, "echo >> %s/state/reloads"), 3600),
                     0);
    assert_int_equal(file_target_add_runner(target, reload, NULL), 0);
    if (with_restart) {
        assert_int_equal(
            runner_new(&restart, &world.context, in(2, "echo >> %s/state/restarts"), 3600), 0);
        target->restart = restart;
    }
}

static void stop(void)
{
    files = files_free(files);
    target->base.ops->free(&target->base);
    reload = runner_free(reload);
    restart = runner_free(restart);
}

static int end(void **state)
{
    (void)state;
    stop();
    store_close(world.context.store);
    test_world_end(&world);
    return 0;
}

/* The next deadline of a command, which takes no time. */
static int64_t run(struct runner *runner)
{
    if (!runner) {
        return INSTANT_NEVER;
    }
    runner_tick(runner, test_now);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    return reload_deadline_ms(runner_reload(runner));
}

static void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;
    int64_t due_ms;

    do {
        due_ms = test_tick(files, test_now);
        due_ms = time_min(due_ms, run(reload));
        due_ms = time_min(due_ms, run(restart));
        if (files->runs_seen != world.context.runs) {
            due_ms = test_now.mono_ms;
        }
    } while (test_advance(due_ms, until_ms));
}

static unsigned lines(const char *name)
{
    const char *content = test_read(test_path(&world, name));

    return content ? (unsigned)strlen(content) : 0;
}

static void publish_wish(const char *path, uint8_t serial, struct wish *wish)
{
    struct cert_facts cert = test_cert(serial);

    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
}

static void publish(const char *path, uint8_t serial, int64_t until_s)
{
    publish_wish(path, serial, test_wish(serial, until_s, false));
}

static void publish_revoked(const char *path, uint8_t serial)
{
    struct wish *wish = test_wish(serial, UNTIL_S, true);

    wish->revoked = true;
    publish_wish(path, serial, wish);
}

static void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}

static void open_store(void)
{
    assert_int_equal(store_open(&world.context.store, in(0, "%s/state/store"), &world.log, NULL),
                     0);
}

/* "/ssl/shop.pem" backwards, in hexadecimal. */
#define HITCH_NAME "out/6d65702e706f68732f6c73732f000000"

static void start_hitch(void)
{
    start(TARGET_HITCH, "{dir}/{file}", in(0, "%s/out"));
    add_commands(false);
}

static void test_hitch_finds_the_file_by_the_path_of_the_certificate(void **state)
{
    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(5000);
    assert_true(test_shows(test_path(&world, HITCH_NAME), 1, UNTIL_S));
}

static void test_hitch_may_know_the_certificate_by_another_path(void **state)
{
    (void)state;
    start(TARGET_HITCH, "/etc/{file}", in(0, "%s/out"));
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(0);
    assert_true(test_exists(test_path(&world, "out/6d65702e706f68732f6374652f000000")));
}

static void test_hitch_is_reloaded_for_withdrawals_alone(void **state)
{
    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(5000);
    publish("/ssl/shop.pem", 1, UNTIL_S + 9);
    pass(2 * 3600 * 1000);
    assert_int_equal(lines("state/reloads"), 0);
    withdraw("/ssl/shop.pem", 1, false);
    pass(2000);
    assert_int_equal(lines("state/reloads"), 1);
    assert_false(test_exists(test_path(&world, HITCH_NAME)));
    assert_int_equal(files->outputs.count, 0);
}

static void test_what_hitch_writes_itself_is_put_right_within_a_minute(void **state)
{
    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(5000);
    test_write(test_path(&world, "other"), "an answer of its own");
    assert_int_equal(rename(in(3, "%s/other"), test_path(&world, HITCH_NAME)), 0);
    pass(30000);
    assert_true(test_shows(test_path(&world, HITCH_NAME), 1, UNTIL_S));
    assert_true(target->intruder_told);
    assert_int_equal(unlink(world.path), 0);
    pass(30000);
    assert_true(test_shows(test_path(&world, HITCH_NAME), 1, UNTIL_S));
    withdraw("/ssl/shop.pem", 1, false);
    pass(5000);
    test_write(test_path(&world, HITCH_NAME), "an answer of its own");
    pass(60000);
    assert_string_equal(test_read(world.path), "an answer of its own"); /* nobody wants it */
}

static uint64_t inode_of(const char *name)
{
    return disk_print_of(test_path(&world, name)).inode;
}

static void test_behind_a_reload_of_hitch_the_others_are_put_there_again(void **state)
{
    uint64_t before;

    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    pass(5000);
    before = inode_of(HITCH_NAME);
    withdraw("/ssl/web.pem", 2, false);
    pass(1000);
    assert_int_equal(lines("state/reloads"), 1);
    pass(2000);
    assert_int_not_equal(inode_of(HITCH_NAME), before);
    before = inode_of(HITCH_NAME);
    pass(30000);
    assert_int_not_equal(inode_of(HITCH_NAME), before); /* for a slow one */
    before = inode_of(HITCH_NAME);
    pass(120000);
    assert_int_equal(inode_of(HITCH_NAME), before);
    assert_true(test_shows(world.path, 1, UNTIL_S));
    assert_int_equal(lines("state/reloads"), 1);
    assert_false(target->intruder_told);
}

/* Whoever else sends it a HUP tells nobody. */
static void test_hitch_finds_its_files_again_every_five_minutes(void **state)
{
    uint64_t before;

    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(30 * 1000);
    before = inode_of(HITCH_NAME);
    pass(280 * 1000);
    assert_int_equal(inode_of(HITCH_NAME), before);
    pass(40 * 1000);
    assert_int_not_equal(inode_of(HITCH_NAME), before);
    assert_true(test_shows(world.path, 1, UNTIL_S));
    before = inode_of(HITCH_NAME);
    pass(260 * 1000);
    assert_int_equal(inode_of(HITCH_NAME), before);
    pass(60 * 1000);
    assert_int_not_equal(inode_of(HITCH_NAME), before);
    assert_int_equal(lines("state/reloads"), 0);
    assert_false(target->intruder_told);
}

/* `clinch once` ends when nothing is busy, and nobody else puts them there again. */
static void test_who_has_told_hitch_stays_until_the_others_are_there_again(void **state)
{
    uint64_t before;

    (void)state;
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    publish("/ssl/web.pem", 2, UNTIL_S);
    pass(60000);
    before = inode_of(HITCH_NAME);
    assert_false(files_busy(files));
    withdraw("/ssl/web.pem", 2, false);
    for (unsigned i = 0; i < 100 && (files_busy(files) || runner_busy(reload)); ++i) {
        pass(100);
    }
    assert_int_equal(lines("state/reloads"), 1);
    assert_int_not_equal(inode_of(HITCH_NAME), before);
    assert_false(files_busy(files));
}

/* Somebody may have sent a HUP while clinch was away. */
static void test_hitch_finds_its_files_again_at_a_start_of_clinch(void **state)
{
    uint64_t before;

    (void)state;
    open_store();
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(60000);
    before = inode_of(HITCH_NAME);
    stop();
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(1000);
    assert_int_not_equal(inode_of(HITCH_NAME), before);
    assert_true(test_shows(world.path, 1, UNTIL_S));
    assert_int_equal(lines("state/reloads"), 0);
}

static void test_revoked_staple_is_a_withdrawal_where_servers_refuse_it(void **state)
{
    static const enum target_type types[] = {TARGET_HITCH, TARGET_EXIM, TARGET_DNSDIST};

    for (size_t i = 0; i < ARRAY_SIZE(types); ++i) {
        begin(state);
        start(types[i], in(3, "%s/out/{stem}.ocsp"),
              types[i] == TARGET_HITCH ? in(0, "%s/out") : NULL);
        publish("/ssl/shop.pem", 1, UNTIL_S);
        pass(0);
        assert_int_equal(files->outputs.count, 1);
        publish_revoked("/ssl/shop.pem", 1);
        pass(0);
        assert_int_equal(files->outputs.count, 0);
        assert_int_equal(test_count_files(in(0, "%s/out")), 0);
        end(state);
    }
}

static void test_revoked_staple_is_shown_where_servers_show_it(void **state)
{
    (void)state;
    start(TARGET_LIGHTTPD, in(3, "%s/out/{stem}.ocsp"), NULL);
    publish_revoked("/ssl/shop.pem", 1);
    pass(0);
    assert_true(test_exists(test_path(&world, "out/shop.ocsp")));
}

/* Serial number 6 is good, 7 is revoked. */
static void put_both(struct buf *der)
{
    struct buf singles = BUF_INIT(4096);
    struct buf single = BUF_INIT(1024);
    struct buf time = BUF_INIT(64);

    test_put_single(&singles, 6, TEST_WALL_S, UNTIL_S);
    test_put_certid(&single, 7);
    test_put_time(&time, TEST_WALL_S);
    test_put_tlv(&single, 0xa1, &time);
    test_put_time(&single, TEST_WALL_S);
    test_wrap(&single, 0x30);
    buf_put(&singles, single.data, single.size);
    test_put_answer(der, &singles, 64);
    buf_deinit(&singles);
    buf_deinit(&single);
    buf_deinit(&time);
}

static void test_what_an_answer_says_of_the_leaf_is_read_out_of_it(void **state)
{
    struct buf der = BUF_INIT(65536);

    (void)state;
    put_both(&der);
    for (uint8_t serial = 5; serial < 8; ++serial) {
        struct cert_facts cert = test_cert(serial);
        const struct staple staple = {.cert = &cert, .der = slice_of_buf(&der)};
        struct wish *wish = wish_new(&staple);

        assert_int_equal(wish->revoked, serial == 7);
        wish_unref(wish);
    }
    buf_deinit(&der);
}

static void start_exim(void)
{
    start(TARGET_EXIM, in(3, "%s/out/{stem}.ocsp"), NULL);
}

static void test_exim_is_told_by_mtime_until_when_the_file_is_good(void **state)
{
    struct stat info;

    (void)state;
    start_exim();
    publish("/ssl/mail.pem", 1, UNTIL_S);
    pass(0);
    assert_int_equal(stat(test_path(&world, "out/mail.ocsp"), &info), 0);
    assert_int_equal(info.st_mtim.tv_sec, UNTIL_S - 300);
    assert_int_equal(info.st_mtim.tv_nsec, 0);
}

static void test_grace_of_a_day_is_none_for_exim(void **state)
{
    struct wish *wish = test_wish(1, UNTIL_S, false);
    struct stat info;

    (void)state;
    start_exim();
    wish->serve.until_s = UNTIL_S + TEST_DAY_S;
    wish->keep_until_s = UNTIL_S + TEST_DAY_S;
    publish_wish("/ssl/mail.pem", 1, wish);
    pass(0);
    assert_int_equal(stat(test_path(&world, "out/mail.ocsp"), &info), 0);
    assert_int_equal(info.st_mtim.tv_sec, UNTIL_S);
}

static void start_dnsdist(void)
{
    start(TARGET_DNSDIST, in(3, "%s/out/{stem}.ocsp"), NULL);
    add_commands(true);
}

static void test_dnsdist_is_restarted_for_the_first_and_reloaded_for_newer_ones(void **state)
{
    (void)state;
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 1);
    assert_int_equal(lines("state/reloads"), 0);
    publish("/ssl/dns.pem", 1, UNTIL_S + 9);
    pass(3601 * 1000);
    publish("/ssl/dns.pem", 2, UNTIL_S + 9); /* a renewal */
    pass(2000);
    assert_int_equal(lines("state/restarts"), 1);
    assert_int_equal(lines("state/reloads"), 2);
    withdraw("/ssl/dns.pem", 2, false);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 2);
    publish("/ssl/dns.pem", 2, UNTIL_S + 9);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 3);
    assert_int_equal(lines("state/reloads"), 2);
    assert_null(files->first_untaken);
}

static void test_quiet_withdrawal_from_dnsdist_is_a_restart_later(void **state)
{
    (void)state;
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    withdraw("/ssl/dns.pem", 1, true);
    pass(60000);
    assert_int_equal(lines("state/restarts"), 1);
    pass(3600 * 1000);
    assert_int_equal(lines("state/restarts"), 2);
    assert_int_equal(lines("state/reloads"), 0);
}

static void on_row(void *context, const struct store_published *row)
{
    snprintf(context, 300, "%s", row->command);
}

static void test_dnsdist_is_left_alone_at_a_start_of_clinch(void **state)
{
    (void)state;
    open_store();
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 1);
    stop();
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(3601 * 1000);
    assert_int_equal(lines("state/restarts"), 1);
    assert_int_equal(lines("state/reloads"), 0);
}

/* As after a reboot, of which /run keeps nothing: dnsdist has started without it. */
static void test_dnsdist_is_restarted_when_its_file_was_missing(void **state)
{
    (void)state;
    open_store();
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    stop();
    assert_int_equal(unlink(test_path(&world, "out/dns.ocsp")), 0);
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 2);
    publish("/ssl/dns.pem", 1, UNTIL_S + 9);
    pass(3601 * 1000);
    assert_int_equal(lines("state/restarts"), 2);
    assert_int_equal(lines("state/reloads"), 1);
}

static void test_restart_that_clinch_did_not_live_to_see_comes_after_its_start(void **state)
{
    (void)state;
    open_store();
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(100);
    stop();
    assert_true(test_exists(test_path(&world, "out/dns.ocsp")));
    assert_int_equal(lines("state/restarts"), 0);
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 1);
    withdraw("/ssl/dns.pem", 1, false);
    pass(100);
    stop();
    assert_false(test_exists(test_path(&world, "out/dns.ocsp")));
    assert_int_equal(lines("state/restarts"), 1);
    start_dnsdist();
    withdraw("/ssl/dns.pem", 1, false);
    pass(2000);
    assert_int_equal(lines("state/restarts"), 2);
    stop();
    start_dnsdist();
    withdraw("/ssl/dns.pem", 1, false);
    pass(3601 * 1000);
    assert_int_equal(lines("state/restarts"), 2);
    assert_int_equal(lines("state/reloads"), 0);
}

static void test_hitch_is_told_of_a_withdrawal_after_a_start_of_clinch(void **state)
{
    (void)state;
    open_store();
    start_hitch();
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(2000);
    withdraw("/ssl/shop.pem", 1, false);
    pass(100);
    stop();
    assert_false(test_exists(test_path(&world, HITCH_NAME)));
    assert_int_equal(lines("state/reloads"), 0);
    start_hitch();
    withdraw("/ssl/shop.pem", 1, false);
    pass(2000);
    assert_int_equal(lines("state/reloads"), 1);
}

static void test_clinch_expire_restarts_dnsdist(void **state)
{
    char command[300] = "";

    (void)state;
    open_store();
    start_dnsdist();
    publish("/ssl/dns.pem", 1, UNTIL_S);
    pass(2000);
    assert_int_equal(store_published(world.context.store, on_row, command), 0);
    assert_non_null(strstr(command, "restarts"));
}

static void test_nothing_is_written_where_a_key_lies(void **state)
{
    (void)state;
    start(TARGET_LIGHTTPD, in(3, "%s/out/{stem}.ocsp"), NULL);
    test_write(test_path(&world, "out/shop.key"), "-----BEGIN PRIVATE KEY-----\n");
    publish("/ssl/shop.pem", 1, UNTIL_S);
    pass(1);
    assert_true(files_failing(files));
    assert_false(test_exists(test_path(&world, "out/shop.ocsp")));
    assert_int_equal(unlink(test_path(&world, "out/shop.key")), 0); /* the fix */
    pass(2000);
    assert_true(test_exists(test_path(&world, "out/shop.ocsp")));
    assert_false(files_failing(files));
}

static void test_who_says_dir_has_said_that_it_may_be_the_key_s(void **state)
{
    (void)state;
    start(TARGET_FILE, "{dir}/{stem}.ocsp", NULL);
    test_write(test_path(&world, "out/shop.key"), "-----BEGIN PRIVATE KEY-----\n");
    publish(in(3, "%s/out/shop.pem"), 1, UNTIL_S);
    pass(1);
    assert_true(test_exists(test_path(&world, "out/shop.ocsp")));
}

static void test_template_of_the_certificate_itself_costs_no_certificate(void **state)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

    (void)state;
    start(TARGET_FILE, "{dir}/{file}", NULL);
    test_write(test_path(&world, "out/shop.pem"), pem);
    publish(in(3, "%s/out/shop.pem"), 1, UNTIL_S);
    pass(1);
    assert_true(files_failing(files));
    withdraw(in(3, "%s/out/shop.pem"), 1, false);
    pass(10000);
    assert_string_equal(test_read(test_path(&world, "out/shop.pem")), pem);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_hitch_finds_the_file_by_the_path_of_the_certificate),
        PLAY(test_hitch_may_know_the_certificate_by_another_path),
        PLAY(test_hitch_is_reloaded_for_withdrawals_alone),
        PLAY(test_what_hitch_writes_itself_is_put_right_within_a_minute),
        PLAY(test_behind_a_reload_of_hitch_the_others_are_put_there_again),
        PLAY(test_hitch_finds_its_files_again_every_five_minutes),
        PLAY(test_who_has_told_hitch_stays_until_the_others_are_there_again),
        PLAY(test_hitch_finds_its_files_again_at_a_start_of_clinch),
        cmocka_unit_test(test_revoked_staple_is_a_withdrawal_where_servers_refuse_it),
        PLAY(test_revoked_staple_is_shown_where_servers_show_it),
        cmocka_unit_test(test_what_an_answer_says_of_the_leaf_is_read_out_of_it),
        PLAY(test_exim_is_told_by_mtime_until_when_the_file_is_good),
        PLAY(test_grace_of_a_day_is_none_for_exim),
        PLAY(test_dnsdist_is_restarted_for_the_first_and_reloaded_for_newer_ones),
        PLAY(test_quiet_withdrawal_from_dnsdist_is_a_restart_later),
        PLAY(test_dnsdist_is_left_alone_at_a_start_of_clinch),
        PLAY(test_dnsdist_is_restarted_when_its_file_was_missing),
        PLAY(test_restart_that_clinch_did_not_live_to_see_comes_after_its_start),
        PLAY(test_hitch_is_told_of_a_withdrawal_after_a_start_of_clinch),
        PLAY(test_clinch_expire_restarts_dnsdist),
        PLAY(test_nothing_is_written_where_a_key_lies),
        PLAY(test_who_says_dir_has_said_that_it_may_be_the_key_s),
        PLAY(test_template_of_the_certificate_itself_costs_no_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
