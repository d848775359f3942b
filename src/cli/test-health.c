/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/health.h"

#define NOW INT64_C(1790000000) /* 2026-09-21 14:13:20Z */

static struct responder_view responders[] = {
    {.key = "http://a.example:80",
     .asked = 12,
     .failed = 2,
     .in_flight = 1,
     .down_since_s = INSTANT_NEVER},
    {.key = "http://b.example:80",
     .asked = 70,
     .failed = 70,
     .failures = 70,
     .waiting = 14,
     .down = true,
     .down_since_s = NOW - 7200,
     .next_s = NOW + 180},
};

static struct health make_health(void)
{
    return (struct health){.responders = responders, .count = ARRAY_SIZE(responders)};
}

static void assert_text(const struct health *health, unsigned width, const char *expected)
{
    struct buf out = BUF_INIT(65536);

    health_put_text(&out, health, NOW, width);
    assert_string_equal(buf_text(&out), expected);
    buf_deinit(&out);
}

static void test_health_survives_the_way_over_the_socket(void **state)
{
    struct health health = make_health(), back;
    json_t *json = json_object();
    char *text;

    (void)state;
    health.clock = (struct clock_view){.off_s = -5, .wrong = true, .date_off_s = 7200};
    assert_int_equal(health_to_json(&health, json), 0);
    text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(
        text,
        "{\"responders\":[{\"url\":\"http://a.example:80\",\"requests\":12,\"failures\":2,"
        "\"failures_in_a_row\":0,\"in_flight\":1,\"waiting\":0,\"down\":false,"
        "\"down_since\":null,\"next_try\":null},{\"url\":\"http://b.example:80\","
        "\"requests\":70,\"failures\":70,\"failures_in_a_row\":70,\"in_flight\":0,"
        "\"waiting\":14,\"down\":true,\"down_since\":1789992800,\"next_try\":1790000180}],"
        "\"clock\":{\"wrong\":true,\"off\":-5,\"date_off\":7200},\"servers\":[],\"unseen\":[],"
        "\"publishing\":{\"failing\":{\"file\":0,\"command\":0,\"haproxy\":0},"
        "\"troubles\":[]}}");
    free(text);
    assert_true(health_from_json(json, &back));
    assert_int_equal(back.count, 2);
    assert_string_equal(back.responders[0].key, "http://b.example:80"); /* down: first */
    assert_memory_equal(&back.responders[0].waiting, &responders[1].waiting, sizeof(unsigned));
    assert_int_equal(back.responders[0].next_s, NOW + 180);
    assert_int_equal(back.responders[1].down_since_s, INSTANT_NEVER);
    assert_int_equal(back.responders[1].asked, 12);
    assert_int_equal(back.clock.off_s, -5);
    assert_int_equal(back.clock.date_off_s, 7200);
    assert_true(back.clock.wrong);
    health_deinit(&back);
    json_decref(json);
}

static void test_what_is_no_health_is_not_taken(void **state)
{
    static const char *const junk[] = {
        "{}",
        "{\"responders\":[]}",
        "{\"responders\":{},\"clock\":{\"wrong\":false,\"off\":0,\"date_off\":0}}",
        "{\"responders\":[],\"clock\":{\"wrong\":0,\"off\":0,\"date_off\":0}}",
        "{\"responders\":[{}],\"clock\":{\"wrong\":false,\"off\":0,\"date_off\":0}}",
        "{\"responders\":[{\"url\":\"x\",\"requests\":-1,\"failures\":2,\"failures_in_a_row\":0,"
        "\"in_flight\":1,\"waiting\":0,\"down\":false,\"down_since\":null,\"next_try\":null}],"
        "\"clock\":{\"wrong\":false,\"off\":0,\"date_off\":0}}",
        "{\"responders\":[{\"url\":\"x\",\"requests\":1,\"failures\":2,\"failures_in_a_row\":0,"
        "\"in_flight\":99999999999,\"waiting\":0,\"down\":false,\"down_since\":null,"
        "\"next_try\":null}],\"clock\":{\"wrong\":false,\"off\":0,\"date_off\":0}}"};
    struct health health = {.count = 99};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
        json_t *json = json_loads(junk[i], 0, NULL);

        assert_non_null(json);
        assert_false(health_from_json(json, &health));
        json_decref(json);
    }
    assert_int_equal(health.count, 99);
}

static struct witness_server_view servers[] = {
    {.server = "127.0.0.1:443", .right = 5, .wrong = 1, .waiting = 2},
    {.server = "mx.example:25 starttls=smtp",
     .fault = "cannot connect to 192.0.2.1:25: Connection refused",
     .down_since_s = NOW - 7200},
};
static struct witness_view unseen[] = {
    {.server = "127.0.0.1:443",
     .name = "shop.example",
     .path = "/ssl/shop.pem",
     .leaf_sha256 = "00ff",
     .finding = "none",
     .sentence = "shop.example (/ssl/shop.pem): 127.0.0.1:443 serves no staple",
     .since_s = NOW - 60},
};

static struct health make_servers(void)
{
    return (struct health){.responders = responders,
                           .servers = servers,
                           .server_count = ARRAY_SIZE(servers),
                           .unseen = unseen,
                           .unseen_count = ARRAY_SIZE(unseen)};
}

static void test_servers_survive_the_way_over_the_socket(void **state)
{
    struct health health = make_servers(), back;
    json_t *json = json_object();

    (void)state;
    assert_int_equal(health_to_json(&health, json), 0);
    assert_true(health_from_json(json, &back));
    assert_int_equal(back.server_count, 2);
    assert_string_equal(back.servers[0].server, "127.0.0.1:443");
    assert_null(back.servers[0].fault);
    assert_int_equal(back.servers[0].right, 5);
    assert_int_equal(back.servers[0].waiting, 2);
    assert_string_equal(back.servers[1].fault, servers[1].fault);
    assert_int_equal(back.servers[1].down_since_s, NOW - 7200);
    assert_int_equal(back.unseen_count, 1);
    assert_string_equal(back.unseen[0].finding, "none");
    assert_string_equal(back.unseen[0].sentence, unseen[0].sentence);
    assert_int_equal(back.unseen[0].since_s, NOW - 60);
    health_deinit(&back);
    json_object_del(json, "servers"); /* as of a daemon that knows nothing of them */
    json_object_del(json, "unseen");
    assert_true(health_from_json(json, &back));
    assert_int_equal(back.server_count + back.unseen_count, 0);
    health_deinit(&back);
    json_object_set_new(json, "unseen", json_pack("[{s:s}]", "server", "x"));
    assert_false(health_from_json(json, &back));
    json_decref(json);
}

static void test_what_servers_do_not_show_is_told(void **state)
{
    struct health health = make_servers();

    (void)state;
    assert_text(&health, 80,
                "mx.example:25 starttls=smtp is not to be reached since 2026-09-21 12:13Z, so\n"
                "that what it serves is not known: cannot connect to 192.0.2.1:25: Connection\n"
                "refused.\n"
                "shop.example (/ssl/shop.pem): 127.0.0.1:443 serves no staple, since 2026-09-21\n"
                "14:12Z.\n\n");
}

static const struct publish_trouble troubles[] = {
    {TROUBLE_FILE, "/x/a.ocsp", "cannot write /x/a.ocsp: its folder does not exist", 0},
    {TROUBLE_FILE, "/x/b.ocsp", NULL, 0},
    {TROUBLE_COMMAND, "nginx -t", "command `nginx -t` failed with exit code 1: \xff", 0},
    {TROUBLE_HAPROXY, "/run/h.sock", "HAProxy at /run/h.sock: /x/c.pem: no", 2},
};

static struct health make_troubles(void)
{
    struct health health = make_health();

    health.count = 1;
    for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
        health_add_trouble(&health, &troubles[i]);
    }
    return health;
}

static void test_troubles_survive_the_way_over_the_socket(void **state)
{
    struct health health = make_troubles(), back;
    json_t *json = json_object();

    (void)state;
    assert_int_equal(health_to_json(&health, json), 0);
    assert_true(health_from_json(json, &back));
    assert_int_equal(back.failing[TROUBLE_FILE], 2);
    assert_int_equal(back.failing[TROUBLE_COMMAND], 1);
    assert_int_equal(back.failing[TROUBLE_HAPROXY], 3);
    assert_int_equal(back.trouble_count, 3);
    assert_int_equal(back.troubles[2].kind, TROUBLE_HAPROXY);
    assert_string_equal(back.troubles[2].where, "/run/h.sock");
    assert_string_equal(back.troubles[2].fault, troubles[3].fault);
    health_deinit(&back);
    json_object_del(json, "publishing"); /* as of a daemon that does not tell */
    assert_true(health_from_json(json, &back));
    assert_int_equal(back.trouble_count + back.failing[TROUBLE_FILE], 0);
    health_deinit(&back);
    json_object_set_new(json, "publishing", json_pack("{s:[{s:s}]}", "troubles", "kind", "file"));
    assert_false(health_from_json(json, &back));
    json_decref(json);
    free(health.troubles);
}

static void test_what_does_not_reach_servers_is_told(void **state)
{
    struct health health = make_troubles();

    (void)state;
    assert_text(&health, 0,
                "Not handed over: cannot write /x/a.ocsp: its folder does not exist.\n"
                "Not handed over: command `nginx -t` failed with exit code 1: ?.\n"
                "Not handed over: HAProxy at /run/h.sock: /x/c.pem: no.\n"
                "And 3 more like that.\n\n");
    free(health.troubles);
}

static void test_nothing_is_said_when_all_is_well(void **state)
{
    struct health health = make_health();

    (void)state;
    health.count = 1;
    assert_text(&health, 0, "");
}

static void test_a_responder_that_is_down_is_told(void **state)
{
    struct health health = make_health();

    (void)state;
    assert_text(&health, 0,
                "http://b.example:80 is down since 2026-09-21 12:13Z: 14 certificates wait, next "
                "request in 3 min.\n\n");
    assert_text(&health, 60,
                "http://b.example:80 is down since 2026-09-21 12:13Z: 14\n"
                "certificates wait, next request in 3 min.\n\n");
}

static void test_a_responder_that_wants_a_pause_is_told_while_somebody_waits(void **state)
{
    struct responder_view busy = {.key = "http://a.example:80",
                                  .waiting = 1,
                                  .next_s = NOW + 60,
                                  .down_since_s = INSTANT_NEVER};
    struct health health = {.responders = &busy, .count = 1};

    (void)state;
    assert_text(&health, 0,
                "http://a.example:80 wants to be left alone: 1 certificate waits, next request in "
                "1 min.\n\n");
    busy.waiting = 0;
    assert_text(&health, 0, "");
    busy.waiting = 1;
    busy.next_s = NOW;
    assert_text(&health, 0, "");
}

static void test_a_clock_that_is_contradicted_is_told(void **state)
{
    struct health health = {.clock = {.wrong = true, .date_off_s = 7200}};

    (void)state;
    assert_text(&health, 0,
                "This machine's clock looks wrong: it is 2 h ahead of what responders say; check "
                "its time service.\n\n");
    health.clock = (struct clock_view){.off_s = -86400};
    assert_text(&health, 0,
                "This machine's clock was set: it is 1 d behind of the time that has passed, and "
                "is not believed until an answer agrees with it.\n\n");
}

static void test_many_responders_are_summed_up(void **state)
{
    struct responder_view many[13];
    struct health health = {.responders = many, .count = ARRAY_SIZE(many)};
    struct buf out = BUF_INIT(65536);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = responders[1];
    }
    health_put_text(&out, &health, NOW, 0);
    assert_non_null(strstr(buf_text(&out), "\nAnd 3 more responders are in trouble (--json"));
    buf_deinit(&out);
}

/* Metrics. */

static const struct cert_row rows[] = {
    {.leaf_sha256 = "1111",
     .serial = "1a",
     .name = "good.example",
     .path = "/etc/ssl/good.pem",
     .last = "",
     .state = CERT_STATE_HELD,
     .serve = {NOW - 60, NOW + 3000},
     .next_update_s = NOW + 3600},
    {.leaf_sha256 = "2222",
     .name = "odd\"\\\n.example",
     .path = "/etc/\xc3\xa4/\xff.pem",
     .last = "",
     .state = CERT_STATE_HELD,
     .serve = {NOW - 60, NOW + 200},
     .next_update_s = INSTANT_NEVER},
    {.leaf_sha256 = "3333",
     .name = "over.example",
     .path = "/c.pem",
     .last = "",
     .state = CERT_STATE_FAILING,
     .serve = {NOW - 60, NOW - 5},
     .next_update_s = NOW - 1},
    {.leaf_sha256 = "4444",
     .name = "bare.example",
     .path = "/d.pem",
     .last = "",
     .state = CERT_STATE_MISSING,
     .must_staple = true},
};

static char *make_metrics(const struct health *health)
{
    struct buf out = BUF_INIT(1 << 20);
    char *text;

    metrics_put(&out, &(struct metrics){rows, ARRAY_SIZE(rows), health, NOW});
    assert_int_equal(buf_status(&out), 0);
    text = text_copy(slice_of_buf(&out));
    buf_deinit(&out);
    return text;
}

static void assert_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    const char *at = text;

    while (at && (strncmp(at, line, size) != 0 || at[size] != '\n')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void test_metrics_count_certificates_and_their_time(void **state)
{
    struct health health = make_health();
    char *text = make_metrics(&health);

    (void)state;
    assert_line(text, "clinch_daemon_up 1");
    assert_line(text, "clinch_certificates{state=\"held\"} 2");
    assert_line(text, "clinch_certificates{state=\"missing\"} 1");
    assert_line(text, "clinch_certificates{state=\"revoked\"} 0");
    assert_line(text, "clinch_must_staple_bare 1");
    assert_line(text, "clinch_staple_end_seconds_min{state=\"held\"} 200");
    assert_line(text, "clinch_staple_end_seconds_min{state=\"failing\"} -5");
    assert_line(text, "clinch_next_update_seconds_min{state=\"held\"} 3600");
    assert_line(text, "clinch_certificate_staple_end_seconds{name=\"good.example\","
                      "path=\"/etc/ssl/good.pem\",leaf_sha256=\"1111\"} 3000");
    assert_line(text, "clinch_certificate_next_update_seconds{name=\"good.example\","
                      "path=\"/etc/ssl/good.pem\",leaf_sha256=\"1111\"} 3600");
    assert_null(strstr(text, "bare.example"));
    assert_null(strstr(text, "{state=\"missing\"} 0"));
    free(text);
}

static void test_labels_are_escaped(void **state)
{
    char *text = make_metrics(NULL);

    (void)state;
    assert_line(text, "clinch_certificate_next_update_seconds{name=\"odd\\\"\\\\\\n.example\","
                      "path=\"/etc/?"
                      "?/?.pem\",leaf_sha256=\"2222\"} +Inf");
    free(text);
}

static void test_metrics_tell_of_responders_and_clock(void **state)
{
    struct health health = make_health();
    char *text;

    (void)state;
    health.clock = (struct clock_view){.wrong = true, .date_off_s = -7200};
    text = make_metrics(&health);
    assert_line(text, "clinch_responder_requests_total{responder=\"http://b.example:80\"} 70");
    assert_line(text, "clinch_responder_failures_total{responder=\"http://a.example:80\"} 2");
    assert_line(text, "clinch_responder_down{responder=\"http://a.example:80\"} 0");
    assert_line(text, "clinch_responder_down{responder=\"http://b.example:80\"} 1");
    assert_line(text, "clinch_responder_waiting{responder=\"http://b.example:80\"} 14");
    assert_line(text, "clinch_clock_off_seconds -7200");
    assert_line(text, "clinch_clock_wrong 1");
    free(text);
}

static void test_metrics_tell_what_servers_show(void **state)
{
    struct health health = make_servers();
    char *text = make_metrics(&health);

    (void)state;
    assert_non_null(strstr(text, "\nclinch_server_up{server=\"127.0.0.1:443\"} 1\n"));
    assert_non_null(strstr(text, "\nclinch_server_up{server=\"mx.example:25 starttls=smtp\"} 0\n"));
    assert_non_null(
        strstr(text, "\nclinch_server_certificates{server=\"127.0.0.1:443\",shown=\"wrong\"} 1\n"));
    free(text);
}

static void test_metrics_tell_what_does_not_reach_servers(void **state)
{
    struct health health = make_troubles();
    char *text = make_metrics(&health);

    (void)state;
    assert_line(text, "clinch_publish_failing{by=\"file\"} 2");
    assert_line(text, "clinch_publish_failing{by=\"command\"} 1");
    assert_line(text, "clinch_publish_failing{by=\"haproxy\"} 3");
    free(text);
    free(health.troubles);
}

static void test_metrics_of_the_store_say_so(void **state)
{
    char *text = make_metrics(NULL);

    (void)state;
    assert_line(text, "clinch_daemon_up 0");
    assert_line(text, "clinch_certificates{state=\"held\"} 2");
    assert_null(strstr(text, "clinch_responder"));
    assert_null(strstr(text, "clinch_clock"));
    free(text);
}

/* A help and a type line before the first of each name, and nothing else. */
static void test_every_metric_has_its_head(void **state)
{
    struct health health = make_health();
    char *text = make_metrics(&health), *rest = NULL;
    char name[200] = "";

    (void)state;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t size;

        if (strncmp(line, "# HELP ", 7) == 0) {
            size = strcspn(line + 7, " ");
            assert_true(size < sizeof(name));
            memcpy(name, line + 7, size);
            name[size] = 0;
            assert_memory_equal(name, "clinch_", 7);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_memory_equal(line + 7, name, strlen(name));
        } else {
            assert_int_equal(strcspn(line, "{ "), strlen(name));
            assert_memory_equal(line, name, strlen(name));
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_survives_the_way_over_the_socket),
        cmocka_unit_test(test_what_is_no_health_is_not_taken),
        cmocka_unit_test(test_servers_survive_the_way_over_the_socket),
        cmocka_unit_test(test_what_servers_do_not_show_is_told),
        cmocka_unit_test(test_metrics_tell_what_servers_show),
        cmocka_unit_test(test_troubles_survive_the_way_over_the_socket),
        cmocka_unit_test(test_what_does_not_reach_servers_is_told),
        cmocka_unit_test(test_metrics_tell_what_does_not_reach_servers),
        cmocka_unit_test(test_nothing_is_said_when_all_is_well),
        cmocka_unit_test(test_a_responder_that_is_down_is_told),
        cmocka_unit_test(test_a_responder_that_wants_a_pause_is_told_while_somebody_waits),
        cmocka_unit_test(test_a_clock_that_is_contradicted_is_told),
        cmocka_unit_test(test_many_responders_are_summed_up),
        cmocka_unit_test(test_metrics_count_certificates_and_their_time),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_metrics_tell_of_responders_and_clock),
        cmocka_unit_test(test_metrics_of_the_store_say_so),
        cmocka_unit_test(test_every_metric_has_its_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
