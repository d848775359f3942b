/* SPDX-License-Identifier: Apache-2.0 */

/* What publishers tell of servers with `verify`: that one has taken a staple, or lets go of it. */

#include "publish/test-world.h"

#include <unistd.h>

#include "publish/publish.h"
#include "publish/test-fake.h"
#include "wire/test-staple.h"

#define UNTIL_S (TEST_WALL_S + 5000 * (int64_t)TEST_DAY_S) /* these plays have a real clock */

static struct test_world world;
static struct verify_config verify = {.address = "127.0.0.1:443"};
static struct target_config targets[2];
static struct config config;
static struct publisher *publisher;
static struct buf told; /* "+1 " staple of serial 1, "-1 " nothing, "x1 " gone; "!" when told */
static char paths[2][300];
static uv_timer_t ticker; /* so that no turn of the loop waits for long */

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static int begin(void **state)
{
    char dir[256];

    (void)state;
    test_world_begin(&world);
    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    assert_int_equal(store_open(&world.context.store, dir, &world.log, NULL), 0);
    memset(targets, 0, sizeof(targets));
    config = (struct config){.state_dir = world.state, .targets = targets};
    told = BUF_INIT(4096);
    uv_timer_init(&world.loop, &ticker);
    uv_timer_start(&ticker, on_tick, 10, 10);
    uv_unref((uv_handle_t *)&ticker);
    return 0;
}

static int end(void **state)
{
    (void)state;
    publisher_close(publisher);
    uv_close((uv_handle_t *)&ticker, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    store_close(world.context.store);
    buf_deinit(&told);
    test_world_end(&world);
    return 0;
}

static void on_handed(void *context, const struct handed *handed)
{
    assert_ptr_equal(context, &world);
    assert_ptr_equal(handed->target, &targets[0]);
    assert_non_null(handed->leaf_sha256);
    assert_string_equal(handed->name, "shop.example");
    assert_int_equal(handed->der.size > 0, handed->what == HANDED_STAPLE);
    buf_put_byte(&told, (uint8_t) "+-x"[handed->what]);
    buf_put_int(&told, handed->leaf_sha256[0]);
    buf_put_text(&told, handed->told ? "! " : " ");
}

static void start(enum target_type type, const char *path, const char *command)
{
    targets[0] = (struct target_config){
        .type = type,
        .path = path,
        .command = command,
        .reload_interval_s = 3600,
        .verify = &verify,
        .verify_count = 1,
    };
    config.target_count = 1;
    assert_int_equal(
        publisher_new(&publisher, &world.loop, &config, world.context.store, &world.log, NULL), 0);
    publisher_watch(publisher, on_handed, &world);
}

static const char *in_dir(unsigned slot, const char *format)
{
    snprintf(paths[slot], sizeof(paths[slot]), format, world.dir);
    return paths[slot];
}

static void settle(void)
{
    while (publisher_busy(publisher)) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
}

static void expect(const char *text)
{
    assert_string_equal(buf_text(&told), text);
    buf_clear(&told);
}

static struct cert_facts named_cert(uint8_t serial)
{
    struct cert_facts cert = test_cert(serial);

    cert.name = "shop.example";
    return cert;
}

static void publish(uint8_t serial, int64_t until_s, bool urgent)
{
    struct cert_facts cert = named_cert(serial);
    struct wish *wish = test_wish(serial, until_s, urgent);
    const struct staple staple = {
        .cert = &cert,
        .der = wish_der(wish),
        .serve = wish->serve,
        .next_update_s = until_s,
        .urgent = urgent,
    };

    publisher_publish(publisher, (struct place){"/ssl/shop.pem", 0}, &staple);
    wish_unref(wish);
}

static void withdraw(uint8_t serial, bool quiet)
{
    struct cert_facts cert = named_cert(serial);

    publisher_withdraw(publisher, (struct place){"/ssl/shop.pem", 0}, &cert, quiet);
}

static void test_a_server_has_taken_it_when_its_command_was_run(void **state)
{
    (void)state;
    start(TARGET_FILE, in_dir(0, "%s/{stem}.ocsp"),
          in_dir(1, "until test -e %s/ok; do sleep 0.1; done"));
    publish(1, UNTIL_S, true);
    while (!test_exists(test_path(&world, "shop.ocsp"))) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    expect(""); /* written, and not loaded */
    test_write(test_path(&world, "ok"), "");
    settle();
    expect("+1! ");
    publish(1, UNTIL_S + 60, false); /* waits for company */
    settle();
    expect("");
    publisher_settle(publisher);
    settle();
    expect("+1! ");
}

static void test_a_server_that_looks_by_itself_was_not_told(void **state)
{
    (void)state;
    start(TARGET_FILE, in_dir(0, "%s/{stem}.ocsp"), NULL);
    publish(1, UNTIL_S, true);
    settle();
    expect("+1 ");
    withdraw(1, false);
    settle();
    expect("-1 ");
}

static void test_what_was_withdrawn_is_to_be_gone_from_the_wire(void **state)
{
    (void)state;
    start(TARGET_FILE, in_dir(0, "%s/{stem}.ocsp"), "true");
    publish(1, UNTIL_S, true);
    settle();
    withdraw(1, false);
    settle();
    expect("+1! -1! ");
}

static void test_nobody_asks_for_a_certificate_that_is_gone(void **state)
{
    (void)state;
    start(TARGET_FILE, in_dir(0, "%s/{stem}.ocsp"), "true");
    publish(1, UNTIL_S, true);
    settle();
    publish(2, UNTIL_S, true); /* renewed */
    settle();
    expect("+1! x1! +2! ");
    withdraw(2, true);
    settle();
    expect("x2! ");
}

static void test_what_is_right_already_is_looked_at_after_a_start(void **state)
{
    (void)state;
    start(TARGET_FILE, in_dir(0, "%s/{stem}.ocsp"), in_dir(1, "echo >> %s/reloads"));
    publish(1, UNTIL_S, true);
    settle();
    publisher_close(publisher);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    expect("+1! ");
    start(TARGET_FILE, paths[0], paths[1]);
    publish(1, UNTIL_S, true);
    settle();
    expect("+1! ");
    assert_string_equal(test_read(test_path(&world, "reloads")), "\n");
}

static void test_haproxy_has_taken_it_when_it_shows_it(void **state)
{
    struct fake fake;

    (void)state;
    fake_begin(&fake, &world.loop, test_path(&world, "haproxy"));
    fake_listen(&fake);
    fake.entries[1] = true;
    start(TARGET_HAPROXY, fake.path, NULL);
    publish(1, UNTIL_S, true);
    settle();
    expect("+1! ");
    withdraw(1, false);
    settle();
    expect("-1! ");
    fake_stop(&fake);
}

static void test_the_ocsp_file_beside_the_socket_says_nothing(void **state)
{
    (void)state;
    targets[0] = (struct target_config){.type = TARGET_HAPROXY,
                                        .path = in_dir(0, "%s/nobody"),
                                        .ocsp = in_dir(1, "%s/{stem}.ocsp"),
                                        .verify = &verify,
                                        .verify_count = 1};
    config.target_count = 1;
    assert_int_equal(
        publisher_new(&publisher, &world.loop, &config, world.context.store, &world.log, NULL), 0);
    publisher_watch(publisher, on_handed, &world);
    publish(1, UNTIL_S, true);
    while (!test_exists(test_path(&world, "shop.ocsp"))) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    settle();
    expect("");
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_server_has_taken_it_when_its_command_was_run),
        TEST(test_a_server_that_looks_by_itself_was_not_told),
        TEST(test_what_was_withdrawn_is_to_be_gone_from_the_wire),
        TEST(test_nobody_asks_for_a_certificate_that_is_gone),
        TEST(test_what_is_right_already_is_looked_at_after_a_start),
        TEST(test_haproxy_has_taken_it_when_it_shows_it),
        TEST(test_the_ocsp_file_beside_the_socket_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
