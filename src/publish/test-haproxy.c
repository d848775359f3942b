/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <errno.h>

#include "publish/haproxy.h"
#include "publish/test-fake.h"
#include "wire/test-staple.h"

#define UNTIL_S (TEST_WALL_S + 4 * TEST_DAY_S)

static struct test_world world;
static struct fake fakes[2];
static struct fake *const fake = &fakes[0];
static struct haproxy_target *target;
static struct target_config config;
static char sockets[300];

static int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    fake_begin(&fakes[0], &world.loop, test_path(&world, "one"));
    fake_begin(&fakes[1], &world.loop, test_path(&world, "two"));
    snprintf(sockets, sizeof(sockets), "%s", fakes[0].path);
    config = (struct target_config){.type = TARGET_HAPROXY, .line = 3, .path = sockets};
    return 0;
}

static void start(void)
{
    assert_int_equal(haproxy_target_new(&target, &world.context, &config), 0);
    target->limit_ms = 100;
}

static int end(void **state)
{
    (void)state;
    target->base.ops->free(&target->base);
    fake_stop(&fakes[0]);
    fake_stop(&fakes[1]);
    test_world_end(&world);
    return 0;
}

static bool is_talking(void)
{
    for (size_t i = 0; i < target->link_count; ++i) {
        if (target->links[i]->exchange) {
            return true;
        }
    }
    return false;
}

/* Lets @ms of the standing clock pass; exchanges take none of it. */
static void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;

    for (;;) {
        int64_t due_ms = target->base.ops->tick(&target->base, test_now);

        if (is_talking()) {
            uv_run(&world.loop, UV_RUN_ONCE);
            continue;
        }
        if (due_ms > until_ms) {
            break;
        }
        due_ms = time_max(due_ms, test_now.mono_ms);
        for (unsigned i = 0; i < 2; ++i) {
            fakes[i].uptime_s += (int)((due_ms - test_now.mono_ms) / 1000);
        }
        test_now.wall_s += (due_ms - test_now.mono_ms) / 1000;
        test_now.mono_ms = due_ms;
        fakes[0].wall_s = test_now.wall_s;
        fakes[1].wall_s = test_now.wall_s;
    }
    test_now.mono_ms = until_ms;
}

static void publish(const char *path, uint8_t serial, int64_t until_s)
{
    struct wish *wish = test_wish(serial, until_s, true);
    struct cert_facts cert = test_cert(serial);

    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
}

static void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}

static void test_existing_entry_is_pushed_and_read_back(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    assert_true(target->base.ops->busy(&target->base));
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    assert_false(target->base.ops->busy(&target->base));
    assert_false(target->base.ops->failing(&target->base));
    assert_int_equal(fake->connections, 3); /* which process, push, show */
    publish("/p/a.pem", 1, UNTIL_S);
    pass(100);
    assert_int_equal(fake->pushes, 1); /* the very same */
    publish("/p/a.pem", 1, UNTIL_S + 5);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S + 5);
}

static void test_many_are_pushed_in_few_connections(void **state)
{
    char path[64];

    (void)state;
    start();
    fake_listen(fake);
    for (unsigned i = 1; i <= 200; ++i) {
        fake->entries[i] = true;
        snprintf(path, sizeof(path), "/p/%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S);
    }
    pass(1000);
    assert_int_equal(fake->pushes, 200);
    assert_true(fake->connections < 40);
    for (unsigned i = 1; i <= 200; ++i) {
        assert_true(fake->next_update_s[i] == UNTIL_S);
    }
}

static void test_missing_entry_is_created_live(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->loaded[0] = "/p/a.pem";
    publish("/p/a.pem", 1, UNTIL_S);
    publish("/p/elsewhere.pem", 2, UNTIL_S);
    pass(1000);
    assert_true(fake->entries[1]);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    assert_int_equal(fake->commits, 1);
    assert_string_equal(fake->transaction, "");
    assert_false(target->base.ops->busy(&target->base));
    assert_false(target->base.ops->failing(&target->base)); /* not served there: nobody's fault */
}

static void test_certificate_not_served_is_asked_about_rarely(void **state)
{
    unsigned pushes;

    (void)state;
    start();
    fake_listen(fake);
    publish("/p/a.pem", 1, UNTIL_S);
    pass(3600 * 1000);
    pushes = fake->pushes;
    assert_in_range(pushes, 4, 20);
    fake->loaded[0] = "/p/a.pem"; /* HAProxy was given it live */
    pass(900 * 1000);
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void test_file_renewed_behind_haproxys_back_is_not_forced(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->loaded[0] = "/p/a.pem"; /* holds certificate 1; the file has 2 by now */
    publish("/p/a.pem", 2, UNTIL_S);
    pass(1000);
    assert_int_equal(fake->commits, 0);
    assert_false(fake->entries[2]);
    assert_false(target->base.ops->failing(&target->base));
}

static void test_withdrawal_pushes_a_tombstone(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(100);
    withdraw("/p/a.pem", 1, false);
    pass(100);
    assert_in_range(fake->next_update_s[1], test_now.wall_s + 1, test_now.wall_s + 60);
    assert_int_equal(target->items.count, 0);
    withdraw("/p/a.pem", 1, false);
    publish("/p/a.pem", 1, UNTIL_S);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void test_staple_of_an_earlier_run_is_withdrawn_without_its_bytes(void **state)
{
    struct cert_facts cert = test_cert(1);

    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    fake->next_update_s[1] = UNTIL_S;
    cert.has_issuer = true;
    cert.issuer_name_sha1[0] = 7;
    cert.issuer_key_sha1[0] = 7;
    target->base.ops->withdraw(&target->base, (struct place){"/p/a.pem", 0}, &cert, false);
    pass(100);
    assert_true(fake->next_update_s[1] > TEST_WALL_S);
    assert_true(fake->next_update_s[1] < TEST_WALL_S + 300);
    assert_false(target->base.ops->failing(&target->base));
    assert_int_equal(target->items.count, 0);
}

static void test_withdrawal_of_what_another_place_shows_is_no_tombstone(void **state)
{
    struct cert_facts cert = test_cert(1);

    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    cert.has_issuer = true;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(100);
    target->base.ops->withdraw(&target->base, (struct place){"/p/b.pem", 0}, &cert, false);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void test_quiet_withdrawal_leaves_the_old_certificate_alone(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(100);
    withdraw("/p/a.pem", 1, true);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    assert_int_equal(target->items.count, 0);
}

static void test_certificate_in_two_files_is_withdrawn_with_the_second(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    publish("/p/b.pem", 1, UNTIL_S);
    pass(100);
    withdraw("/p/a.pem", 1, false);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    withdraw("/p/b.pem", 1, false);
    pass(100);
    assert_true(fake->next_update_s[1] < UNTIL_S);
}

static void test_restarted_haproxy_is_given_everything_again(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->loaded[0] = "/p/a.pem";
    publish("/p/a.pem", 1, UNTIL_S);
    pass(1000);
    fake_restart(fake);
    pass(6000);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    --fake->pid; /* in a container the number may be the same */
    fake_restart(fake);
    pass(6000);
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void keep_trouble(void *context, const struct publish_trouble *trouble)
{
    *(struct publish_trouble *)context = *trouble;
}

static void test_absent_haproxy_is_found_within_seconds(void **state)
{
    struct publish_trouble told = {0};

    (void)state;
    start();
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(3600 * 1000);
    assert_true(target->base.ops->failing(&target->base));
    target->base.ops->each_trouble(&target->base, keep_trouble, &told);
    assert_int_equal(told.kind, TROUBLE_HAPROXY);
    assert_string_equal(told.where, target->links[0]->address);
    assert_non_null(strstr(told.fault, "is the server running?"));
    assert_false(target->base.ops->busy(&target->base));
    fake_listen(fake);
    pass(6000);
    assert_true(fake->next_update_s[1] == UNTIL_S);
    assert_false(target->base.ops->failing(&target->base));
}

static void test_one_dead_socket_does_not_hold_back_another(void **state)
{
    (void)state;
    snprintf(sockets, sizeof(sockets), "%s, %s", fakes[0].path, fakes[1].path);
    start();
    assert_int_equal(target->link_count, 2);
    fake_listen(&fakes[0]);
    fake_listen(&fakes[1]);
    fakes[0].mood = FAKE_SILENT;
    fakes[1].entries[1] = true;
    fakes[1].pid = 200;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(1000);
    assert_true(fakes[1].next_update_s[1] == UNTIL_S);
    assert_true(target->base.ops->failing(&target->base));
}

/* HAProxy 2.6 dies when two connections push for one entry at once. */
static void test_two_sockets_of_one_process_take_turns(void **state)
{
    unsigned together = 0;

    (void)state;
    snprintf(sockets, sizeof(sockets), "%s,%s", fakes[0].path, fakes[1].path);
    start();
    fake_listen(&fakes[0]);
    fake_listen(&fakes[1]);
    for (unsigned i = 1; i <= 40; ++i) {
        char path[64];

        fakes[0].entries[i] = true;
        fakes[1].entries[i] = true;
        snprintf(path, sizeof(path), "/p/%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S);
    }
    while (target->base.ops->busy(&target->base)) {
        target->base.ops->tick(&target->base, test_now);
        together += target->links[0]->exchange && target->links[0]->ask != ASK_INFO &&
                    target->links[1]->exchange && target->links[1]->ask != ASK_INFO;
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    assert_int_equal(together, 0);
    assert_true(fakes[0].next_update_s[40] == UNTIL_S);
    assert_true(fakes[1].next_update_s[40] == UNTIL_S);
}

static void test_bad_answers_fail_and_are_not_repeated_fast(void **state)
{
    static const enum fake_mood moods[] = {FAKE_SILENT, FAKE_SHORT, FAKE_GARBAGE, FAKE_ENDLESS};

    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    for (size_t i = 0; i < ARRAY_SIZE(moods); ++i) {
        for (unsigned spare = 0; spare < 2; ++spare) {
            unsigned before = fake->connections;
            int64_t until_s = UNTIL_S + (int64_t)(2 * i + spare) * 10;

            fake->mood = moods[i];
            fake->only_items = spare;
            publish("/p/a.pem", 1, until_s);
            pass(60000);
            if (!target->base.ops->failing(&target->base)) {
                fail_msg("mood %zu was believed", i);
            }
            assert_false(target->base.ops->busy(&target->base));
            assert_in_range(fake->connections - before, 4, 60);
            fake->mood = FAKE_GOOD;
            pass(310 * 1000);
            assert_false(target->base.ops->failing(&target->base));
            assert_true(fake->next_update_s[1] == until_s);
        }
    }
}

static void test_success_that_is_none_is_seen_by_reading_back(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    fake->mood = FAKE_LIAR;
    publish("/p/a.pem", 1, UNTIL_S);
    pass(1000);
    assert_true(target->base.ops->failing(&target->base));
    fake->mood = FAKE_GOOD;
    pass(310 * 1000);
    assert_false(target->base.ops->failing(&target->base));
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void test_staple_about_to_end_is_not_read_back(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, TEST_WALL_S + 200);
    pass(100);
    assert_int_equal(fake->connections, 2); /* which process, push */
    assert_false(target->base.ops->failing(&target->base));
}

static void test_level_too_low_is_told(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->mood = FAKE_DENYING;
    fake->loaded[0] = "/p/a.pem";
    fake->entries[2] = true;
    publish("/p/b.pem", 2, UNTIL_S);
    pass(1000);
    assert_true(fake->next_update_s[2] == UNTIL_S);
    assert_false(target->base.ops->failing(&target->base));
    publish("/p/a.pem", 1, UNTIL_S);
    pass(1000);
    assert_true(target->base.ops->failing(&target->base));
}

static void test_one_refused_staple_does_not_hold_back_others(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    for (unsigned i = 1; i <= 5; ++i) {
        char path[64];

        fake->entries[i] = true;
        snprintf(path, sizeof(path), "/p/%u.pem", i);
        publish(path, (uint8_t)i, i == 3 ? TEST_WALL_S + 5 : UNTIL_S);
    }
    fake->wall_s = test_now.wall_s += 10; /* the third has ended on its way */
    pass(1000);
    for (unsigned i = 1; i <= 5; ++i) {
        assert_true(fake->next_update_s[i] == (i == 3 ? 0 : UNTIL_S));
    }
    assert_true(target->base.ops->failing(&target->base));
}

/* It drops by itself what ends, so that a staple kept longer than that is none for it. */
static void test_staple_that_has_ended_is_not_pushed(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, TEST_WALL_S);
    pass(1000);
    assert_int_equal(fake->pushes, 0);
    assert_false(target->base.ops->failing(&target->base));
}

static void test_answer_that_is_missing_in_a_line_is_found_out(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->vanishing = 2;
    for (unsigned i = 1; i <= 4; ++i) {
        char path[64];

        fake->entries[i] = true;
        snprintf(path, sizeof(path), "/p/%u.pem", i);
        publish(path, (uint8_t)i, UNTIL_S);
    }
    pass(100);
    assert_int_equal(target->links[0]->failing, 1); /* the second only */
    assert_int_equal(target->links[0]->states[0].step, STEP_DONE);
    assert_int_equal(target->links[0]->states[2].step, STEP_DONE);
    assert_int_equal(target->links[0]->states[3].step, STEP_DONE);
}

static void test_newer_staple_is_pushed_although_the_older_is_under_way(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->entries[1] = true;
    publish("/p/a.pem", 1, UNTIL_S);
    while (fake->pushes == 0) {
        target->base.ops->tick(&target->base, test_now);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    publish("/p/a.pem", 1, UNTIL_S + 5);
    pass(100);
    assert_true(fake->next_update_s[1] == UNTIL_S + 5);
    assert_false(target->base.ops->failing(&target->base));
}

static void test_somebody_elses_transaction_is_waited_for(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->loaded[0] = "/p/a.pem";
    fake->loaded[1] = "/p/b.pem";
    snprintf(fake->transaction, sizeof(fake->transaction), "/p/b.pem");
    publish("/p/a.pem", 1, UNTIL_S);
    pass(10000);
    assert_int_equal(fake->commits, 0);
    assert_int_equal(fake->aborts, 0);
    assert_int_equal(fake->pending, 0); /* nothing was put into it */
    *fake->transaction = 0;
    pass(3000);
    assert_true(fake->entries[1]);
    assert_true(fake->next_update_s[1] == UNTIL_S);
}

static void test_our_transaction_does_not_stay_open(void **state)
{
    (void)state;
    start();
    fake_listen(fake);
    fake->loaded[0] = "/p/a.pem";
    publish("/p/a.pem", 1, UNTIL_S);
    while (!*fake->transaction) { /* until HAProxy has opened it */
        target->base.ops->tick(&target->base, test_now);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    withdraw("/p/a.pem", 1, false);
    pass(1000);
    assert_string_equal(fake->transaction, "");
    assert_false(target->base.ops->failing(&target->base));
}

/* Of @size octets, about. */
static void publish_long(const char *path, uint8_t serial, size_t size)
{
    struct buf singles = BUF_INIT(1024);
    struct buf der = BUF_INIT(65536);
    struct cert_facts cert = test_cert(serial);
    struct staple staple = {.cert = &cert, .serve = {0, UNTIL_S}, .next_update_s = UNTIL_S};
    struct wish *wish;

    test_put_single(&singles, serial, TEST_WALL_S, UNTIL_S);
    test_put_answer(&der, &singles, size - 200);
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    assert_non_null(wish);
    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
    buf_deinit(&singles);
    buf_deinit(&der);
}

static void test_lines_are_not_longer_than_haproxy_surely_reads(void **state)
{
    static const size_t sizes[] = {LIMIT_HAPROXY_STAPLE - 10, 5700, 2300, 1300};
    char path[64];

    (void)state;
    start();
    fake_listen(fake);
    for (unsigned i = 1; i <= 40; ++i) {
        fake->entries[i] = true;
        snprintf(path, sizeof(path), "/p/%u.pem", i);
        publish_long(path, (uint8_t)i, sizes[i / 10 % 4]);
    }
    pass(1000);
    assert_int_equal(fake->pushes, 40);
    assert_false(target->base.ops->failing(&target->base));
    assert_true(fake->connections < 40);
}

static void test_larger_staple_is_pushed_where_haproxy_reads_more(void **state)
{
    (void)state;
    config.max_size = LIMIT_HAPROXY_STAPLE + 1000;
    start();
    fake_listen(fake);
    publish_long("/p/a.pem", 1, LIMIT_HAPROXY_STAPLE + 500);
    assert_int_equal(target->items.count, 1);
    publish_long("/p/b.pem", 2, LIMIT_HAPROXY_STAPLE + 1500);
    assert_int_equal(target->items.count, 1);
}

static void test_too_long_staple_and_bad_paths_are_not_sent(void **state)
{
    struct buf singles = BUF_INIT(1024);
    struct buf der = BUF_INIT(65536);
    struct cert_facts cert = test_cert(1);
    struct staple staple = {.cert = &cert, .serve = {0, UNTIL_S}, .next_update_s = UNTIL_S};
    struct wish *wish;

    (void)state;
    start();
    fake_listen(fake);
    test_put_single(&singles, 1, TEST_WALL_S, UNTIL_S);
    test_put_answer(&der, &singles, LIMIT_HAPROXY_STAPLE);
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    assert_int_equal(
        target->base.ops->publish(&target->base, (struct place){"/p/a.pem", 0}, &cert, wish), 0);
    wish_unref(wish);
    fake->loaded[0] = "/p/a;x.pem";
    publish("/p/a;x.pem", 1, UNTIL_S);
    pass(1000);
    assert_int_equal(fake->pushes, 1); /* the second; its path never is in a command */
    assert_int_equal(fake->commits, 0);
    buf_deinit(&singles);
    buf_deinit(&der);
}

static void test_addresses_are_checked(void **state)
{
    (void)state;
    assert_null(exchange_check("/run/haproxy.sock"));
    assert_null(exchange_check("127.0.0.1:9999"));
    assert_null(exchange_check("[::1]:9999"));
    assert_null(exchange_check("localhost:80"));
    assert_non_null(exchange_check("run/haproxy.sock"));
    assert_non_null(exchange_check("::1:9999"));
    assert_non_null(exchange_check("host:"));
    assert_non_null(exchange_check("host:http"));
    start(); /* for end() */
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_existing_entry_is_pushed_and_read_back),
        PLAY(test_many_are_pushed_in_few_connections),
        PLAY(test_missing_entry_is_created_live),
        PLAY(test_certificate_not_served_is_asked_about_rarely),
        PLAY(test_file_renewed_behind_haproxys_back_is_not_forced),
        PLAY(test_withdrawal_pushes_a_tombstone),
        PLAY(test_staple_of_an_earlier_run_is_withdrawn_without_its_bytes),
        PLAY(test_withdrawal_of_what_another_place_shows_is_no_tombstone),
        PLAY(test_quiet_withdrawal_leaves_the_old_certificate_alone),
        PLAY(test_certificate_in_two_files_is_withdrawn_with_the_second),
        PLAY(test_restarted_haproxy_is_given_everything_again),
        PLAY(test_absent_haproxy_is_found_within_seconds),
        PLAY(test_one_dead_socket_does_not_hold_back_another),
        PLAY(test_two_sockets_of_one_process_take_turns),
        PLAY(test_bad_answers_fail_and_are_not_repeated_fast),
        PLAY(test_success_that_is_none_is_seen_by_reading_back),
        PLAY(test_staple_about_to_end_is_not_read_back),
        PLAY(test_level_too_low_is_told),
        PLAY(test_one_refused_staple_does_not_hold_back_others),
        PLAY(test_staple_that_has_ended_is_not_pushed),
        PLAY(test_answer_that_is_missing_in_a_line_is_found_out),
        PLAY(test_newer_staple_is_pushed_although_the_older_is_under_way),
        PLAY(test_somebody_elses_transaction_is_waited_for),
        PLAY(test_our_transaction_does_not_stay_open),
        PLAY(test_lines_are_not_longer_than_haproxy_surely_reads),
        PLAY(test_larger_staple_is_pushed_where_haproxy_reads_more),
        PLAY(test_too_long_staple_and_bad_paths_are_not_sent),
        PLAY(test_addresses_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
