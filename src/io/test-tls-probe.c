/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls-probe.h"
#include "test-tls-server.h"

#define STATUS "thirty octets that say nothing"

/* Names. Nothing here may ask a real resolver: this program's own getaddrinfo() stands before the C
 * library's. */

static sem_t hang_begun, hang_may_end, hang_ended;

static struct addrinfo *make_info(const char *text, const char *service, struct addrinfo *next)
{
    /* One piece of memory, as freeaddrinfo() of glibc expects it. */
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);

    uv_ip4_addr(text, service ? (int)strtol(service, NULL, 10) : 0, address);
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addrlen = sizeof(*address);
    info->ai_addr = (struct sockaddr *)address;
    info->ai_next = next;
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_info)
{
    struct in_addr address;

    if (inet_pton(AF_INET, name, &address) == 1) {
        *ret_info = make_info(name, service, NULL);
        return 0;
    }
    if (hints->ai_flags & AI_NUMERICHOST) {
        return EAI_NONAME;
    }
    if (strcmp(name, "hang.example") == 0) {
        sem_post(&hang_begun);
        sem_wait(&hang_may_end);
        *ret_info = make_info("127.0.0.1", service, NULL);
        sem_post(&hang_ended);
        return 0;
    }
    if (strcmp(name, "two.example") == 0) { /* nobody listens at the first */
        *ret_info = make_info("127.0.0.2", service, make_info("127.0.0.1", service, NULL));
        return 0;
    }
    return EAI_NONAME;
}

/* A probe and what came of it. */
struct world {
    uv_loop_t loop;
    struct tls_client *client;
    struct tls_server *server;
    struct tls_probe *probe;
    bool done;
    bool inside;
    int64_t step_ms;       /* 0: long, where all is to go well */
    unsigned enough_after; /* handshakes; 0: all */
    unsigned looked;
    char fault[512];
    char address[128];
    enum tls_outcome outcomes[TLS_WAYS];
    bool silent[TLS_WAYS];
    bool too_large[TLS_WAYS];
    char details[TLS_WAYS][256];
    enum served_status statuses[TLS_WAYS];
    struct buf answers[TLS_WAYS];
    struct buf leaves[TLS_WAYS];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    for (size_t i = 0; i < TLS_WAYS; i++) {
        world->answers[i] = BUF_INIT(1 << 20);
        world->leaves[i] = BUF_INIT(1 << 20);
    }
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(tls_client_new(&world->client), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    if (world->server) {
        tls_server_free(world->server);
    }
    tls_client_free(world->client);
    for (size_t i = 0; i < TLS_WAYS; i++) {
        buf_deinit(&world->answers[i]);
        buf_deinit(&world->leaves[i]);
    }
    free(world);
    return 0;
}

static bool on_sight(void *context, const struct tls_sight *sight)
{
    struct world *world = context;

    (void)sight;
    return ++world->looked == world->enough_after;
}

static void on_done(void *context, const struct tls_probe_result *result)
{
    struct world *world = context;

    assert_false(world->inside || world->done);
    world->done = true;
    world->probe = NULL;
    snprintf(world->fault, sizeof(world->fault), "%s", result->fault ? result->fault : "");
    snprintf(world->address, sizeof(world->address), "%s", result->address);
    for (size_t i = 0; i < TLS_WAYS; i++) {
        const struct tls_sight *sight = &result->sights[i];

        world->outcomes[i] = sight->outcome;
        world->silent[i] = sight->silent;
        world->too_large[i] = sight->too_large;
        world->statuses[i] = sight->served.status;
        snprintf(world->details[i], sizeof(world->details[i]), "%s", sight->detail);
        buf_put_slice(&world->answers[i], sight->served.answer);
        if (sight->served.cert_count) {
            buf_put_slice(&world->leaves[i], sight->served.certs[0]);
        }
    }
}

static void start(struct world *world, const char *host, unsigned port,
                  enum starttls_protocol starttls)
{
    const struct tls_probe_order order = {
        .client = world->client,
        .host = host,
        .port = port,
        .servername = "x.example",
        .starttls = starttls,
        .step_ms = world->step_ms ? world->step_ms : 10000,
        .enough = on_sight,
        .done = on_done,
        .context = world,
    };

    world->inside = true;
    assert_int_equal(tls_probe_start(&world->probe, &world->loop, &order), 0);
    world->inside = false;
}

/* Asks a server that behaves like that. */
static void ask(struct world *world, const struct tls_play *play, enum starttls_protocol starttls)
{
    world->server = tls_server_new(play);
    start(world, "127.0.0.1", tls_server_port(world->server), starttls);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(world->done);
}

static void assert_outcomes(const struct world *world, enum tls_outcome rsa13,
                            enum tls_outcome ecdsa13, enum tls_outcome rsa12,
                            enum tls_outcome ecdsa12)
{
    const enum tls_outcome outcomes[TLS_WAYS] = {rsa13, ecdsa13, rsa12, ecdsa12};

    assert_string_equal(world->fault, "");
    for (size_t i = 0; i < TLS_WAYS; i++) {
        if (world->outcomes[i] != outcomes[i]) {
            print_error("%s: %s\n", tls_way_name((enum tls_way)i), world->details[i]);
        }
        assert_int_equal(world->outcomes[i], outcomes[i]);
    }
}

static void assert_all_seen(const struct world *world)
{
    assert_outcomes(world, TLS_SEEN, TLS_SEEN, TLS_SEEN, TLS_SEEN);
}

static void assert_leaf(struct world *world, enum tls_way way, bool ecdsa)
{
    size_t size;
    unsigned char *der = tls_server_cert(world->server, ecdsa, &size);

    assert_true(slice_equal(slice_of_buf(&world->leaves[way]), slice_of(der, size)));
    OPENSSL_free(der);
}

static void test_both_certificates_are_seen_in_both_versions(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.status = STATUS, .status_size = 30}, STARTTLS_NONE);
    assert_all_seen(world);
    for (int way = 0; way < TLS_WAYS; way++) {
        assert_string_equal(world->details[way], "");
        assert_leaf(world, (enum tls_way)way, way == TLS_13_ECDSA || way == TLS_12_ECDSA);
        assert_int_equal(world->statuses[way], SERVED_ANSWER);
        assert_string_equal(buf_text(&world->answers[way]), STATUS);
    }
    assert_int_equal(tls_server_accepted(world->server), 4);
    assert_non_null(strstr(world->address, "127.0.0.1:"));
}

static void test_what_a_server_lacks_is_no_failure(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.no_ecdsa = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_SEEN, TLS_NOT_OFFERED, TLS_SEEN, TLS_NOT_OFFERED);
    assert_int_equal(world->statuses[TLS_13_RSA], SERVED_NONE);
    assert_int_equal(world->statuses[TLS_12_RSA], SERVED_NONE);
}

static void test_a_server_of_tls_1_2_only(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.no_rsa = true, .max_version = TLS1_2_VERSION}, STARTTLS_NONE);
    assert_outcomes(world, TLS_NOT_OFFERED, TLS_NOT_OFFERED, TLS_NOT_OFFERED, TLS_SEEN);
}

static void test_a_server_of_tls_1_3_only(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.no_ecdsa = true, .min_version = TLS1_3_VERSION}, STARTTLS_NONE);
    assert_outcomes(world, TLS_SEEN, TLS_NOT_OFFERED, TLS_NOT_OFFERED, TLS_NOT_OFFERED);
}

static void test_a_server_of_old_versions_only(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.min_version = TLS1_VERSION, .max_version = TLS1_1_VERSION},
        STARTTLS_NONE);
    assert_outcomes(world, TLS_NOT_OFFERED, TLS_NOT_OFFERED, TLS_NOT_OFFERED, TLS_NOT_OFFERED);
}

static void test_old_certificates_are_seen(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.small_rsa = true, .no_ecdsa = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_SEEN, TLS_NOT_OFFERED, TLS_SEEN, TLS_NOT_OFFERED);
    assert_leaf(world, TLS_12_RSA, false);
}

/* Libssl fails on it, in both versions. */
static void test_an_empty_status_is_one(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.status = "", .status_size = 0}, STARTTLS_NONE);
    assert_all_seen(world);
    for (int way = 0; way < TLS_WAYS; way++) {
        assert_int_equal(world->statuses[way], SERVED_ANSWER);
        assert_int_equal(world->answers[way].size, 0);
        assert_string_not_equal(world->details[way], "");
    }
}

static void test_a_status_too_large_for_tls_1_2_is_told(void **state)
{
    static const char large[16381];
    struct world *world = *state;

    ask(world, &(struct tls_play){.status = large, .status_size = sizeof(large)}, STARTTLS_NONE);
    assert_all_seen(world);
    assert_int_equal(world->answers[TLS_13_RSA].size, sizeof(large));
    assert_false(world->too_large[TLS_13_RSA]);
    assert_true(world->too_large[TLS_12_RSA]);
    assert_true(world->too_large[TLS_12_ECDSA]);
    assert_leaf(world, TLS_12_ECDSA, true);
}

static void test_the_largest_status_for_tls_1_2_is_seen(void **state)
{
    static const char large[16380];
    struct world *world = *state;

    ask(world, &(struct tls_play){.status = large, .status_size = sizeof(large)}, STARTTLS_NONE);
    assert_all_seen(world);
    assert_int_equal(world->answers[TLS_12_RSA].size, sizeof(large));
    assert_false(world->too_large[TLS_12_RSA]);
}

static void test_a_server_that_wants_to_know_us_is_seen(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.status = STATUS, .status_size = 30, .wants_client = true},
        STARTTLS_NONE);
    assert_all_seen(world);
    assert_string_equal(buf_text(&world->answers[TLS_12_RSA]), STATUS);
    assert_non_null(strstr(world->details[TLS_12_RSA], "alert"));
}

static void test_a_name_that_it_does_not_know_is_refused(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.unknown_name = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_REFUSED, TLS_REFUSED, TLS_REFUSED, TLS_REFUSED);
    assert_string_equal(world->details[0], "it answers with the alert unrecognized_name");
}

static void test_what_is_no_tls_is_told(void **state)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct world *world = *state;

    ask(world, &(struct tls_play){.raw = text, .raw_size = sizeof(text) - 1}, STARTTLS_NONE);
    assert_outcomes(world, TLS_FAILED, TLS_FAILED, TLS_FAILED, TLS_FAILED);
    assert_string_equal(world->details[0], "what it says is not TLS");
}

static void test_a_server_that_hangs_up_is_told(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.hangs_up = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_FAILED, TLS_FAILED, TLS_FAILED, TLS_FAILED);
    assert_true(strcmp(world->details[0], "it closes the connection") == 0 ||
                strstr(world->details[0], "the connection broke"));
    assert_false(world->silent[0]);
}

static void test_silence_is_waited_for_twice_and_no_more(void **state)
{
    struct world *world = *state;
    uint64_t begin_ns = uv_hrtime();

    world->step_ms = 300;
    ask(world, &(struct tls_play){.hangs = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_FAILED, TLS_FAILED, TLS_NOT_TRIED, TLS_NOT_TRIED);
    assert_true(world->silent[0] && world->silent[1]);
    assert_string_equal(world->details[0], "it does not go on with the handshake");
    assert_true(uv_hrtime() - begin_ns < UINT64_C(5000000000));
}

/* Requests to begin anew are to be passed over, however many come (RFC 5246 7.4.1.1). */
static void test_a_flood_has_its_end(void **state)
{
    static const uint8_t flood[] = {0x16, 3, 3, 0, 4, 0, 0, 0, 0};
    struct world *world = *state;
    uint64_t begin_ns = uv_hrtime();

    ask(world, &(struct tls_play){.raw = flood, .raw_size = sizeof(flood), .raw_for_ever = true},
        STARTTLS_NONE);
    assert_outcomes(world, TLS_FAILED, TLS_FAILED, TLS_FAILED, TLS_FAILED);
    assert_string_equal(world->details[TLS_12_RSA], "it speaks without end");
    assert_true(uv_hrtime() - begin_ns < UINT64_C(6000000000));
}

static void test_nobody_there_is_a_fault(void **state)
{
    struct world *world = *state;
    unsigned port;

    world->server = tls_server_new(&(struct tls_play){.hangs = true});
    port = tls_server_port(world->server);
    tls_server_free(world->server);
    world->server = NULL;
    start(world, "127.0.0.1", port, STARTTLS_NONE);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(world->done);
    assert_non_null(strstr(world->fault, "cannot connect to 127.0.0.1:"));
    assert_non_null(strstr(world->fault, "Connection refused"));
}

static void test_the_second_address_is_tried_when_the_first_is_dead(void **state)
{
    struct world *world = *state;

    world->server = tls_server_new(&(struct tls_play){.no_rsa = true});
    start(world, "two.example", tls_server_port(world->server), STARTTLS_NONE);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_outcomes(world, TLS_NOT_OFFERED, TLS_SEEN, TLS_NOT_OFFERED, TLS_SEEN);
    assert_non_null(strstr(world->address, "127.0.0.1:"));
}

static void test_a_name_that_is_not_known_is_a_fault(void **state)
{
    struct world *world = *state;

    start(world, "nobody.example", 443, STARTTLS_NONE);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_string_equal(world->fault, "its host name is not known");
}

static void test_a_resolver_that_hangs_holds_up_nobody(void **state)
{
    struct world *world = *state;
    uint64_t begin_ns = uv_hrtime();

    world->step_ms = 300;
    sem_init(&hang_begun, 0, 0);
    sem_init(&hang_may_end, 0, 0);
    sem_init(&hang_ended, 0, 0);
    start(world, "hang.example", 443, STARTTLS_NONE);
    uv_run(&world->loop, UV_RUN_DEFAULT); /* nothing is left on the loop */
    assert_string_equal(world->fault, "looking up its name takes too long");
    assert_true(uv_hrtime() - begin_ns < UINT64_C(5000000000));
    sem_wait(&hang_begun);
    sem_post(&hang_may_end);
    sem_wait(&hang_ended); /* its thread puts its things away alone */
}

static void test_smtp_is_spoken_first(void **state)
{
    struct world *world = *state;

    ask(world,
        &(struct tls_play){.first = "220 mx\r\n",
                           .answers = "250-mx\r\n250 STARTTLS\r\n\001220 go on\r\n",
                           .status = STATUS,
                           .status_size = 30},
        STARTTLS_SMTP);
    assert_all_seen(world);
    assert_string_equal(buf_text(&world->answers[TLS_13_RSA]), STATUS);
}

static void test_a_server_that_does_not_want_starttls_is_a_fault(void **state)
{
    struct world *world = *state;

    ask(world, &(struct tls_play){.first = "220 mx\r\n", .answers = "250 mx\r\n"}, STARTTLS_SMTP);
    assert_string_equal(world->fault, "smtp: it does not offer STARTTLS");
    assert_int_equal(tls_server_accepted(world->server), 1);
}

static void test_octets_behind_the_agreement_are_a_fault(void **state)
{
    struct world *world = *state;

    ask(world,
        &(struct tls_play){.first = "220 mx\r\n",
                           .answers = "250 STARTTLS\r\n\001220 go on\r\n250 HELP\r\n"},
        STARTTLS_SMTP);
    assert_non_null(strstr(world->fault, "octets without TLS"));
}

static void test_silence_before_tls_is_a_fault(void **state)
{
    struct world *world = *state;

    world->step_ms = 300;
    ask(world, &(struct tls_play){.hangs = true}, STARTTLS_IMAP);
    assert_string_equal(world->fault, "it says nothing before TLS");
}

static void test_enough_is_enough(void **state)
{
    struct world *world = *state;

    world->enough_after = 2;
    ask(world, &(struct tls_play){.no_rsa = true}, STARTTLS_NONE);
    assert_outcomes(world, TLS_NOT_OFFERED, TLS_SEEN, TLS_NOT_TRIED, TLS_NOT_TRIED);
    assert_int_equal(tls_server_accepted(world->server), 2);
}

static void on_cancel(uv_timer_t *timer)
{
    struct world *world = timer->data;

    tls_probe_cancel(world->probe);
    uv_close((uv_handle_t *)timer, NULL);
}

static void test_a_probe_that_is_given_up_says_nothing(void **state)
{
    struct world *world = *state;
    uv_timer_t timer;

    world->server = tls_server_new(&(struct tls_play){.hangs = true});
    start(world, "127.0.0.1", tls_server_port(world->server), STARTTLS_NONE);
    uv_timer_init(&world->loop, &timer);
    timer.data = world;
    uv_timer_start(&timer, on_cancel, 100, 0);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_false(world->done);
    start(world, "nobody.example", 443, STARTTLS_NONE); /* at once, too */
    tls_probe_cancel(world->probe);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_false(world->done);
}

static void test_targets_are_read(void **state)
{
    static const struct {
        const char *text, *host; /* NULL: it is none */
        unsigned port;
    } targets[] = {
        {"shop.example", "shop.example", 0},
        {"shop.example:8443", "shop.example", 8443},
        {"127.0.0.1:1", "127.0.0.1", 1},
        {"[::1]:443", "::1", 443},
        {"[::1]", "::1", 0},
        {"::1", "::1", 0},
        {"fe80::1%eth0", "fe80::1%eth0", 0},
        {"", NULL, 0},
        {":443", NULL, 0},
        {"a:", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:443x", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]443", NULL, 0},
        {"[]:443", NULL, 0},
        {"https://shop.example/", NULL, 0},
        {"me@shop.example", NULL, 0},
        {"a b", NULL, 0},
    };
    struct buf host = BUF_INIT(1024);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        unsigned port = 7;
        bool good = tls_probe_read_target(targets[i].text, &host, &port);

        if (good != (targets[i].host != NULL)) {
            print_error("%s\n", targets[i].text);
        }
        assert_int_equal(good, targets[i].host != NULL);
        if (good) {
            assert_string_equal(buf_text(&host), targets[i].host);
            assert_int_equal(port, targets[i].port);
        }
    }
    buf_deinit(&host);
    assert_null(tls_probe_check_name("a-b_c.Example"));
    assert_non_null(tls_probe_check_name(""));
    assert_non_null(tls_probe_check_name("a b"));
    assert_non_null(strstr(tls_probe_check_name("b\xc3\xbc"), "xn--"));
    assert_true(tls_probe_is_address("127.0.0.1"));
    assert_true(tls_probe_is_address("::1"));
    assert_false(tls_probe_is_address("127.example"));
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_certificates_are_seen_in_both_versions),
        TEST(test_what_a_server_lacks_is_no_failure),
        TEST(test_a_server_of_tls_1_2_only),
        TEST(test_a_server_of_tls_1_3_only),
        TEST(test_a_server_of_old_versions_only),
        TEST(test_old_certificates_are_seen),
        TEST(test_an_empty_status_is_one),
        TEST(test_a_status_too_large_for_tls_1_2_is_told),
        TEST(test_the_largest_status_for_tls_1_2_is_seen),
        TEST(test_a_server_that_wants_to_know_us_is_seen),
        TEST(test_a_name_that_it_does_not_know_is_refused),
        TEST(test_what_is_no_tls_is_told),
        TEST(test_a_server_that_hangs_up_is_told),
        TEST(test_silence_is_waited_for_twice_and_no_more),
        TEST(test_a_flood_has_its_end),
        TEST(test_nobody_there_is_a_fault),
        TEST(test_the_second_address_is_tried_when_the_first_is_dead),
        TEST(test_a_name_that_is_not_known_is_a_fault),
        TEST(test_a_resolver_that_hangs_holds_up_nobody),
        TEST(test_smtp_is_spoken_first),
        TEST(test_a_server_that_does_not_want_starttls_is_a_fault),
        TEST(test_octets_behind_the_agreement_are_a_fault),
        TEST(test_silence_before_tls_is_a_fault),
        TEST(test_enough_is_enough),
        TEST(test_a_probe_that_is_given_up_says_nothing),
        cmocka_unit_test(test_targets_are_read),
    };

    signal(SIGPIPE, SIG_IGN); /* the server writes to who has gone */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
