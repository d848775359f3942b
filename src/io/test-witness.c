/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include "io/witness-private.h"
#include "wire/test-staple.h"

#define START_S INT64_C(1790000000)
#define UNTIL_S (START_S + 4 * 86400)

/* Servers are played: what the next one asked shows, and whom it was asked for. */
static struct {
    struct tls_probe_order order;
    bool asked;
    unsigned count;
    char servername[256];
} probe;

static struct instant now;
static struct test_dir *dir;
static struct witness *witness;
static struct log plain_log;
static uv_loop_t loop;

int __wrap_tls_probe_start(struct tls_probe **ret_probe, uv_loop_t *on,
                           const struct tls_probe_order *order);
void __wrap_tls_probe_cancel(struct tls_probe *given_up);

int __wrap_tls_probe_start(struct tls_probe **ret_probe, uv_loop_t *on,
                           const struct tls_probe_order *order)
{
    assert_ptr_equal(on, &loop);
    assert_false(probe.asked); /* one at a time for each server, and here is one server */
    probe.order = *order;
    probe.asked = true;
    probe.count++;
    snprintf(probe.servername, sizeof(probe.servername), "%s",
             order->servername ? order->servername : "(none)");
    *ret_probe = (struct tls_probe *)&probe;
    return 0;
}

void __wrap_tls_probe_cancel(struct tls_probe *given_up)
{
    probe.asked = probe.asked && !given_up;
}

static struct instant test_clock(void)
{
    return now;
}

static int setup(void **state)
{
    test_dir_setup(state);
    dir = *state;
    memset(&probe, 0, sizeof(probe));
    now = (struct instant){START_S, 1000000};
    plain_log = (struct log){.least = NOTE_INFO};
    uv_loop_init(&loop);
    assert_int_equal(witness_new(&witness, &loop, &plain_log), 0);
    witness->clock = test_clock;
    witness->rng = (struct rng){7};
    return 0;
}

static int teardown(void **state)
{
    witness_close(witness);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return test_dir_teardown(state);
}

/* What was told since the last time. */
static const char *told(void)
{
    return test_told(dir);
}

static void put_leaf(uint8_t leaf[SHA256_SIZE], uint8_t serial)
{
    memset(leaf, 0, SHA256_SIZE);
    leaf[0] = serial;
}

/* Serial @serial is to be seen with the staple that ends at @until_s (0: none). */
static struct witness_order order_of(uint8_t serial, int64_t this_update_s, int64_t until_s,
                                     struct buf *der)
{
    static uint8_t leaf[SHA256_SIZE];

    put_leaf(leaf, serial);
    buf_clear(der);
    if (until_s) {
        test_put_staple(der, serial, this_update_s, until_s);
    }
    return (struct witness_order){
        .address = "127.0.0.1:443",
        .leaf_sha256 = leaf,
        .name = "shop.example",
        .path = "/ssl/shop.pem",
        .der = slice_of_buf(der),
        .next_update_s = until_s,
        .told = true,
    };
}

static void expect(uint8_t serial, int64_t until_s)
{
    struct buf der = BUF_INIT(65536);
    struct witness_order order = order_of(serial, START_S - 3600, until_s, &der);

    assert_int_equal(witness_expect(witness, &order), 0);
    buf_deinit(&der);
}

static void forget(uint8_t serial)
{
    struct buf der = BUF_INIT(65536);
    struct witness_order order = order_of(serial, 0, 0, &der);

    witness_forget(witness, &order);
    buf_deinit(&der);
}

/* The server answers: it shows @serial with @answer (NULL: no staple). */
static void show_octets(uint8_t serial, const struct buf *answer)
{
    static const uint8_t cert[] = "certificate";
    struct tls_sight sights[TLS_WAYS] = {{.outcome = TLS_SEEN},
                                         {.outcome = TLS_NOT_OFFERED, .detail = "so it says"}};
    const struct tls_probe_result result = {.address = "127.0.0.1:443", .sights = sights};

    assert_true(probe.asked);
    put_leaf(sights[0].leaf_sha256, serial);
    sights[0].served.certs[0] = slice_of(cert, sizeof(cert));
    sights[0].served.cert_count = 1;
    sights[0].served.status = answer ? SERVED_ANSWER : SERVED_NONE;
    sights[0].served.answer = answer ? slice_of_buf(answer) : SLICE_NULL;
    probe.asked = false;
    probe.order.done(probe.order.context, &result);
}

static void show_of(uint8_t serial, uint8_t about, int64_t this_update_s, int64_t until_s)
{
    struct buf der = BUF_INIT(65536);

    test_put_staple(&der, about, this_update_s, until_s);
    show_octets(serial, &der);
    buf_deinit(&der);
}

static void show(uint8_t serial, int64_t until_s)
{
    show_of(serial, serial, START_S - 3600, until_s);
}

static void show_none(uint8_t serial)
{
    show_octets(serial, NULL);
}

static void show_outcome(enum tls_outcome outcome, const char *fault)
{
    struct tls_sight sights[TLS_WAYS] = {{.outcome = outcome, .detail = "so it says"},
                                         {.outcome = outcome, .detail = "so it says"}};
    const struct tls_probe_result result = {.address = "", .fault = fault, .sights = sights};

    assert_true(probe.asked);
    probe.asked = false;
    probe.order.done(probe.order.context, &result);
}

/* Lets the time pass until the next question, at most @ms. True: it was asked. */
static bool wait_for_question(int64_t ms)
{
    int64_t until_ms = now.mono_ms + ms;

    for (;;) {
        int64_t due_ms = witness_tick(witness, now);

        if (probe.asked) {
            return true;
        }
        if (due_ms > until_ms) {
            now.wall_s += (until_ms - now.mono_ms) / 1000;
            now.mono_ms = until_ms;
            return false;
        }
        assert_true(due_ms > now.mono_ms);
        now.wall_s += (due_ms - now.mono_ms) / 1000;
        now.mono_ms = due_ms;
    }
}

static struct witness_server_view view(void)
{
    struct witness_server_view view_of;

    assert_int_equal(witness_servers(witness), 1);
    witness_look_server(witness, 0, &view_of);
    return view_of;
}

static char wrong_text[2048];

static void add_wrong(void *context, const struct witness_view *one)
{
    (void)context;
    assert_string_equal(one->server, "127.0.0.1:443");
    assert_string_equal(one->name, "shop.example");
    snprintf(wrong_text + strlen(wrong_text), sizeof(wrong_text) - strlen(wrong_text), "%s ",
             one->finding);
}

static const char *wrong(void)
{
    wrong_text[0] = 0;
    witness_each_wrong(witness, add_wrong, NULL);
    return wrong_text;
}

static void test_what_is_right_is_asked_soon_and_then_once_an_hour(void **state)
{
    (void)state;
    expect(1, UNTIL_S);
    assert_int_equal(view().waiting, 1);
    assert_false(wait_for_question(900));
    assert_true(wait_for_question(200));
    assert_string_equal(probe.servername, "shop.example");
    show(1, UNTIL_S);
    assert_int_equal(view().right, 1);
    assert_int_equal(view().waiting, 0);
    assert_false(wait_for_question(40 * 60000));
    assert_true(wait_for_question(21 * 60000));
    show(1, UNTIL_S);
    assert_string_equal(told(), "");
}

static void test_a_reload_that_takes_its_time_is_not_told(void **state)
{
    (void)state;
    expect(1, UNTIL_S);
    for (int64_t begin_ms = now.mono_ms;
         wait_for_question(60000) && now.mono_ms < begin_ms + 14000;) {
        show_none(1);
    }
    show(1, UNTIL_S);
    assert_string_equal(told(), "");
    assert_string_equal(wrong(), "");
    assert_true(probe.count >= 3); /* it is asked often at first */
}

/* Lets the server show none until that is told. */
static void insist_on_none(uint8_t serial)
{
    for (unsigned i = 0; i < 20 && !*wrong(); i++) {
        assert_true(wait_for_question(20000));
        show_none(serial);
    }
    assert_string_equal(wrong(), "none ");
}

static void test_what_stays_wrong_is_told_once_and_when_it_is_right(void **state)
{
    const char *text;

    (void)state;
    expect(1, UNTIL_S);
    insist_on_none(1);
    text = told();
    assert_non_null(strstr(text, "warning: shop.example (/ssl/shop.pem): 127.0.0.1:443 serves no "
                                 "staple although it was handed one: "));
    assert_non_null(strstr(text, "`clinch probe 127.0.0.1:443 --servername shop.example` tells"));
    assert_non_null(strstr(text, "; next look in "));
    assert_true(now.mono_ms <= 1000000 + 20000);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(wait_for_question(20 * 60000));
        show_none(1);
    }
    assert_string_equal(told(), "");
    assert_true(now.mono_ms > 1000000 + 30 * 60000); /* and less and less often */
    assert_int_equal(view().wrong, 1);
    assert_true(wait_for_question(20 * 60000));
    show(1, UNTIL_S);
    assert_non_null(strstr(told(), "serves what it was handed, again"));
    assert_string_equal(wrong(), "");
    assert_int_equal(view().right, 1);
}

static void test_who_was_not_told_has_more_time(void **state)
{
    struct buf der = BUF_INIT(65536);
    struct witness_order order = order_of(1, START_S - 3600, UNTIL_S, &der);

    (void)state;
    order.told = false;
    assert_int_equal(witness_expect(witness, &order), 0);
    buf_deinit(&der);
    for (int64_t begin_ms = now.mono_ms; now.mono_ms < begin_ms + 290000;) {
        assert_true(wait_for_question(300000));
        show_none(1);
        assert_true(*wrong() == 0 || now.mono_ms >= begin_ms + 300000);
    }
    insist_on_none(1);
}

static void test_each_way_to_be_wrong_has_its_name(void **state)
{
    struct buf junk = BUF_INIT(16);

    (void)state;
    buf_put_text(&junk, "junk");
    expect(1, UNTIL_S);
    insist_on_none(1);
    told();
    assert_true(wait_for_question(20 * 60000));
    show_of(1, 1, START_S - 7200, UNTIL_S);
    assert_string_equal(wrong(), "older ");
    assert_non_null(strstr(told(), "still serves an older staple of 2026-"));
    assert_true(wait_for_question(20 * 60000));
    show_of(1, 1, START_S, UNTIL_S);
    assert_string_equal(wrong(), "other ");
    assert_non_null(strstr(told(), "serves another staple of 2026-"));
    assert_true(wait_for_question(20 * 60000));
    show_of(1, 2, START_S - 3600, UNTIL_S);
    assert_string_equal(wrong(), "foreign ");
    assert_non_null(strstr(told(), "serves the staple of another certificate: "));
    assert_true(wait_for_question(20 * 60000));
    show_octets(1, &junk);
    assert_string_equal(wrong(), "junk ");
    assert_true(wait_for_question(20 * 60000));
    show_none(2);
    assert_string_equal(wrong(), "other-certificate ");
    assert_non_null(strstr(told(), "127.0.0.1:443 shows another certificate under that name: "));
    assert_true(wait_for_question(20 * 60000));
    show_outcome(TLS_REFUSED, NULL);
    assert_string_equal(wrong(), "refused ");
    assert_non_null(strstr(told(), "127.0.0.1:443 does not show it: so it says: should another "));
    buf_deinit(&junk);
}

static void test_what_was_withdrawn_must_not_be_seen(void **state)
{
    (void)state;
    expect(1, 0);
    assert_true(wait_for_question(2000));
    show_none(1);
    assert_int_equal(view().right, 1);
    assert_true(wait_for_question(3700000));
    for (unsigned i = 0; i < 20 && !*wrong(); i++) {
        show(1, UNTIL_S);
        assert_true(wait_for_question(20000));
    }
    assert_string_equal(wrong(), "still ");
    assert_non_null(strstr(told(), "error: shop.example (/ssl/shop.pem): 127.0.0.1:443 still "
                                   "serves a staple of "));
    show_none(2); /* not even the certificate: then no staple of it, either */
    assert_string_equal(wrong(), "");
}

static void test_a_staple_that_the_server_hides_before_its_end_is_no_trouble(void **state)
{
    struct buf der = BUF_INIT(65536);
    struct witness_order order = order_of(1, START_S - 3600, START_S + 700, &der);

    (void)state;
    order.hidden_s = 330;
    assert_int_equal(witness_expect(witness, &order), 0);
    buf_deinit(&der);
    assert_true(wait_for_question(2000));
    show(1, START_S + 700);
    now.wall_s = START_S + 371;
    assert_true(wait_for_question(3700000));
    show_none(1);
    assert_int_equal(view().right, 1);
    assert_string_equal(told(), "");
}

static void test_none_is_right_behind_the_end(void **state)
{
    (void)state;
    expect(1, START_S + 60);
    now.wall_s = START_S + 61; /* the grace of a must-staple certificate */
    assert_true(wait_for_question(2000));
    show_none(1);
    assert_int_equal(view().right, 1);
}

static void test_a_server_that_is_down_is_told_once_and_blames_no_staple(void **state)
{
    const char *text;

    (void)state;
    expect(1, UNTIL_S);
    for (int64_t begin_ms = now.mono_ms; now.mono_ms < begin_ms + 600000;) {
        assert_true(wait_for_question(300000));
        show_outcome(TLS_FAILED, "cannot connect: refused");
    }
    assert_string_equal(wrong(), "");
    text = told();
    assert_non_null(strstr(text, "warning: 127.0.0.1:443 is not to be reached, so that what it "
                                 "serves is not known: "));
    assert_null(strstr(text, "shop.example"));
    assert_null(strstr(strchr(text, '\n'), "warning"));
    assert_non_null(view().fault);
    assert_int_equal(view().waiting, 1);
    assert_true(wait_for_question(300000));
    show(1, UNTIL_S);
    assert_non_null(strstr(told(), "127.0.0.1:443 answers again"));
    assert_null(view().fault);
    assert_int_equal(view().right, 1);
}

static void test_a_server_that_restarts_is_not_told(void **state)
{
    (void)state;
    expect(1, UNTIL_S);
    assert_true(wait_for_question(2000));
    show_outcome(TLS_FAILED, "cannot connect");
    assert_true(wait_for_question(2000));
    show_outcome(TLS_FAILED, "cannot connect");
    assert_true(wait_for_question(10000));
    show(1, UNTIL_S);
    assert_string_equal(told(), "");
}

static void test_an_answer_about_what_was_expected_before_is_dropped(void **state)
{
    (void)state;
    expect(1, UNTIL_S);
    assert_true(wait_for_question(2000));
    expect(1, UNTIL_S + 60);
    show(1, UNTIL_S);
    assert_int_equal(view().waiting, 1);
    assert_true(wait_for_question(1100));
    show(1, UNTIL_S + 60);
    assert_int_equal(view().right, 1);
    assert_true(wait_for_question(3700000));
    forget(1);
    show_none(1);
    assert_false(wait_for_question(7200000));
    assert_string_equal(told(), "");
}

static void test_one_name_for_several_certificates(void **state)
{
    struct buf der = BUF_INIT(65536);

    (void)state;
    for (uint8_t serial = 1; serial <= 2; serial++) {
        struct witness_order order = order_of(serial, START_S - 3600, UNTIL_S, &der);

        order.servername = "both.example";
        assert_int_equal(witness_expect(witness, &order), 0);
    }
    buf_deinit(&der);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(wait_for_question(2000));
        assert_string_equal(probe.servername, "both.example");
        show(1, UNTIL_S); /* the other is not shown there, which is nobody's fault */
    }
    assert_int_equal(view().right, 2);
    assert_true(wait_for_question(3700000));
    show_none(3);
    assert_int_equal(view().waiting, 1); /* a certificate that nobody knows */
}

static void test_names_that_are_asked_for(void **state)
{
    static const struct {
        const char *name, *asked;
    } names[] = {
        {"*.shop.example", "clinch-probe.shop.example"},
        {"Common Name", "(none)"},
        {"", "(none)"},
    };
    struct buf der = BUF_INIT(65536);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct witness_order order = order_of((uint8_t)(i + 1), 0, 0, &der);

        order.name = names[i].name;
        assert_int_equal(witness_expect(witness, &order), 0);
        assert_true(wait_for_question(2000));
        assert_string_equal(probe.servername, names[i].asked);
        show_none((uint8_t)(i + 1));
    }
    buf_deinit(&der);
}

static void test_a_thousand_wrong_ones_are_not_told_one_by_one(void **state)
{
    unsigned lines = 0;

    (void)state;
    for (uint8_t serial = 1; serial <= 30; serial++) {
        expect(serial, UNTIL_S);
    }
    while (view().wrong < 30) {
        assert_true(wait_for_question(60000));
        show_none(probe.order.context
                      ? witness->servers[0]->items[witness->servers[0]->asking].leaf[0]
                      : 0);
    }
    for (const char *at = told(); (at = strstr(at, "warning: ")); at++) {
        lines++;
    }
    assert_int_equal(lines, 11);
    while (view().wrong > 0) {
        assert_true(wait_for_question(20 * 60000));
        show(witness->servers[0]->items[witness->servers[0]->asking].leaf[0], UNTIL_S);
    }
    assert_non_null(strstr(told(), "127.0.0.1:443 serves all that it was handed, again"));
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_right_is_asked_soon_and_then_once_an_hour),
        TEST(test_a_reload_that_takes_its_time_is_not_told),
        TEST(test_what_stays_wrong_is_told_once_and_when_it_is_right),
        TEST(test_who_was_not_told_has_more_time),
        TEST(test_each_way_to_be_wrong_has_its_name),
        TEST(test_what_was_withdrawn_must_not_be_seen),
        TEST(test_a_staple_that_the_server_hides_before_its_end_is_no_trouble),
        TEST(test_none_is_right_behind_the_end),
        TEST(test_a_server_that_is_down_is_told_once_and_blames_no_staple),
        TEST(test_a_server_that_restarts_is_not_told),
        TEST(test_an_answer_about_what_was_expected_before_is_dropped),
        TEST(test_one_name_for_several_certificates),
        TEST(test_names_that_are_asked_for),
        TEST(test_a_thousand_wrong_ones_are_not_told_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
