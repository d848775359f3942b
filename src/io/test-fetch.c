/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-world.h"

#define OK(body_, length_) "HTTP/1.1 200 OK\r\nContent-Length: " length_ "\r\n\r\n" body_

static const struct reply replies[] = {
    {"/good", OK("answer", "6"), THEN_KEEP, ""},
    {"/empty", OK("", "0"), THEN_KEEP, ""},
    {"/404", "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nlost", THEN_KEEP, ""},
    {"/204", "HTTP/1.1 204 No Content\r\n\r\n", THEN_KEEP, ""},
    {"/304", "HTTP/1.1 304 Not Modified\r\n\r\n", THEN_KEEP, ""},
    {"/endless/close", "HTTP/1.1 200 OK\r\n\r\n", THEN_ENDLESS, "0123456789abcdef0123456789"},
    {"/endless/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", THEN_ENDLESS,
     "a\r\n0123456789\r\n"},
    {"/endless/404", "HTTP/1.1 404 OK\r\n\r\n", THEN_ENDLESS, "0123456789abcdef0123456789"},
    {"/huge", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nx", THEN_HANG, ""},
    {"/drip/head", "HTTP/1.1 200 OK\r\n", THEN_DRIP, "X: y\r\n"},
    {"/drip/body", "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", THEN_DRIP, "x"},
    {"/mute", "", THEN_HANG, ""},
    {"/truncated", OK("half", "8"), THEN_CLOSE, ""},
    {"/cut/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf", THEN_CLOSE,
     ""},
    {"/nothing", "", THEN_CLOSE, ""},
    {"/reset", "", THEN_RESET, ""},
    {"/reset/body", OK("half", "8"), THEN_RESET, ""},
    {"/length", OK("answer", "-1"), THEN_CLOSE, ""},
    {"/garbage", "220 mail.example ESMTP\r\n", THEN_CLOSE, ""},
    {"/headers/many", "HTTP/1.1 200 OK\r\n", THEN_ENDLESS,
     "X-Junk: 0123456789abcdef0123456789\r\n"},
    {"/headers/long", "HTTP/1.1 200 OK\r\nX-Junk: ", THEN_ENDLESS, "0123456789abcdef0123456789"},
    {"/headers/100", "", THEN_ENDLESS, "HTTP/1.1 100 Continue\r\n\r\n"},
    {"/to/nowhere", "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, ""},
};

static struct world *world_usual(void)
{
    return world_new(replies, ARRAY_SIZE(replies));
}

static void test_a_good_answer_comes_whole(void **state)
{
    struct world *world = world_usual();
    const struct seen *seen = ask(world, "/good?x", NULL);

    (void)state;
    assert_int_equal(seen->outcome, FETCH_ANSWER);
    assert_int_equal(seen->http_status, 200);
    assert_int_equal(seen->size, 6);
    assert_string_equal(seen->body, "answer");
    assert_memory_equal(buf_text(&world->server.last), "GET /good?x HTTP/1.1\r\n", 22);
    assert_non_null(strstr(buf_text(&world->server.last), "\r\nUser-Agent: clinch/test\r\n"));
    assert_non_null(
        strstr(buf_text(&world->server.last), "\r\nAccept: application/ocsp-response\r\n"));
    assert_null(strstr(buf_text(&world->server.last), "Accept-Encoding"));
    assert_null(strstr(buf_text(&world->server.last), "Cookie"));
    world_free(world);
}

static void test_a_post_carries_the_request(void **state)
{
    struct world *world = world_usual();
    const struct seen *seen = ask(world, "/good", "question");

    (void)state;
    assert_int_equal(seen->outcome, FETCH_ANSWER);
    assert_memory_equal(buf_text(&world->server.last), "POST /good HTTP/1.1\r\n", 21);
    assert_non_null(
        strstr(buf_text(&world->server.last), "\r\nContent-Type: application/ocsp-request\r\n"));
    assert_non_null(strstr(buf_text(&world->server.last), "\r\n\r\nquestion"));
    assert_null(strstr(buf_text(&world->server.last), "Expect"));
    world_free(world);
}

static void test_the_base64_of_a_get_is_sent_as_it_is(void **state)
{
    struct world *world = world_usual();

    (void)state;
    ask(world, "/good/a%2Bb%2fc%3D//d/../e", NULL);
    assert_memory_equal(buf_text(&world->server.last), "GET /good/a%2Bb%2fc%3D//d/../e ", 31);
    world_free(world);
}

static void test_an_error_status_keeps_its_body(void **state)
{
    struct world *world = world_usual();
    const struct seen *seen = ask(world, "/404", NULL);

    (void)state;
    assert_ends(seen, FETCH_HTTP_STATUS, "HTTP status 404");
    assert_int_equal(seen->http_status, 404);
    assert_string_equal(seen->body, "lost");
    world_free(world);
}

static void test_only_200_is_an_answer(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/empty", NULL), FETCH_ANSWER, "");
    assert_int_equal(world->seen[0].size, 0);
    assert_ends(ask(world, "/204", NULL), FETCH_HTTP_STATUS, "HTTP status 204");
    assert_ends(ask(world, "/304", NULL), FETCH_HTTP_STATUS, "HTTP status 304");
    assert_ends(ask(world, "/to/nowhere", NULL), FETCH_HTTP_STATUS, "HTTP status 302");
    world_free(world);
}

static void test_no_answer_may_be_endless(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/endless/close", NULL), FETCH_TOO_LARGE, "larger than 65536 bytes");
    assert_ends(ask(world, "/endless/chunks", NULL), FETCH_TOO_LARGE, "larger than 65536 bytes");
    assert_ends(ask(world, "/huge", NULL), FETCH_TOO_LARGE, "larger than 65536 bytes");
    assert_ends(ask(world, "/endless/404", NULL), FETCH_HTTP_STATUS, "HTTP status 404");
    world_free(world);
}

static void test_no_headers_may_be_endless(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/headers/many", NULL), FETCH_TOO_LARGE, "headers larger than 65536");
    assert_ends(ask(world, "/headers/long", NULL), FETCH_BROKEN, "endless header line");
    assert_ends(ask(world, "/headers/100", NULL), FETCH_TOO_LARGE, "headers larger than 65536");
    world_free(world);
}

static void test_slow_responders_meet_the_total_timeout(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world->settings.timeout_ms = 400;
    assert_ends(ask(world, "/mute", NULL), FETCH_TIMEOUT, "no answer of 127.0.0.1:");
    assert_ends(ask(world, "/drip/head", NULL), FETCH_TIMEOUT, " within 400 ms");
    assert_ends(ask(world, "/drip/body", NULL), FETCH_TIMEOUT,
                "answer of 127.0.0.1 not complete within 400 ms");
    world_free(world);
}

static void test_broken_answers_are_told_apart(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/truncated", NULL), FETCH_BROKEN, "ends too early");
    assert_ends(ask(world, "/cut/chunks", NULL), FETCH_BROKEN, "ends too early");
    assert_ends(ask(world, "/nothing", NULL), FETCH_BROKEN, "closed the connection without");
    assert_ends(ask(world, "/garbage", NULL), FETCH_BROKEN, "does not speak HTTP");
    assert_ends(ask(world, "/reset", NULL), FETCH_BROKEN, " broke off the connection");
    assert_ends(ask(world, "/reset/body", NULL), FETCH_BROKEN, " broke off the connection");
    assert_ends(ask(world, "/length", NULL), FETCH_BROKEN, "speak HTTP: Invalid Content-Length");
    world_free(world);
}

static void test_a_refused_port_is_named(void **state)
{
    struct world *world = world_usual();
    struct server gone;
    char url[100], detail[100];

    (void)state;
    server_open(&gone, &world->loop, replies, 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", gone.port);
    snprintf(detail, sizeof(detail), "127.0.0.1:%d refused the connection", gone.port);
    server_close(&gone);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    server_deinit(&gone);
    assert_ends(ask(world, url, NULL), FETCH_REFUSED, detail);
    world_free(world);
}

static void test_a_responder_that_never_begins_tls_was_connected_to(void **state)
{
    static const struct reply nothing = {"", "", THEN_HANG, ""};
    struct world *world = world_usual();
    struct server mute;
    char url[100], detail[100];

    (void)state;
    server_open(&mute, &world->loop, &nothing, 1);
    mute.blunt = true;
    world->settings.connect_timeout_ms = 200;
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", mute.port);
    snprintf(detail, sizeof(detail), "TLS with 127.0.0.1:%d not begun within 200 ms", mute.port);
    assert_ends(ask(world, url, NULL), FETCH_TIMEOUT, detail);
    server_close(&mute);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    server_deinit(&mute);
    world_free(world);
}

static void test_an_unknown_name_is_named(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "http://x.invalid/", NULL), FETCH_NO_NAME,
                "could not resolve x.invalid");
    world_free(world);
}

static void test_a_known_name_is_asked(void **state)
{
    struct world *world = world_usual();
    char url[100];

    (void)state;
    snprintf(url, sizeof(url), "http://responder.example:%d/good", world->server.port);
    assert_ends(ask(world, url, NULL), FETCH_ANSWER, "");
    snprintf(url, sizeof(url), "http://responder.example:1/good");
    assert_ends(ask(world, url, NULL), FETCH_REFUSED, "responder.example (127.0.0.1:1) refused");
    world_free(world);
}

static void test_a_resolver_that_hangs_holds_nobody_up(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world->settings.connect_timeout_ms = 100;
    assert_ends(ask(world, "http://hang.example/", NULL), FETCH_NO_NAME,
                "could not resolve hang.example within 100 ms");
    world_free(world); /* has not waited for the resolver */
    sem_wait(&hang_begun);
    sem_post(&hang_may_end);
    sem_wait(&hang_ended);
}

static void test_a_lookup_can_be_cancelled(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world_begin(world);
    start(world, 1, "http://hang.example/", NULL);
    while (sem_trywait(&hang_begun)) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    fetch_cancel(world->fetch, 1);
    start(world, 2, "/good", NULL);
    run_until(world, 1);
    assert_int_equal(world->seen[0].id, 2);
    world_free(world);
    sem_post(&hang_may_end);
    sem_wait(&hang_ended);
}

static void test_a_plain_server_is_no_tls_server(void **state)
{
    struct world *world = world_usual();
    char url[100];

    (void)state;
    world->server.blunt = true;
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", world->server.port);
    assert_ends(ask(world, url, NULL), FETCH_TLS, "TLS with 127.0.0.1 failed: ");
    world_free(world);
}

static void test_a_cancelled_fetch_is_silent(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world_begin(world);
    start(world, 1, "/mute", NULL);
    start(world, 2, "file:///", NULL); /* would end at once */
    fetch_cancel(world->fetch, 2);
    while (world->server.requests == 0) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    start(world, 3, "/good", NULL);
    fetch_cancel(world->fetch, 1);
    fetch_cancel(world->fetch, 99);
    run_until(world, 1);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_int_equal(world->count, 1);
    assert_int_equal(world->seen[0].id, 3);
    world_free(world);
}

static void test_closing_ends_what_is_in_flight(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world_begin(world);
    for (uint64_t id = 0; id < 10; id++) {
        start(world, id, id % 2 ? "/mute" : "junk", NULL);
    }
    while (world->server.requests < 5) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        world->count = 0;
    }
    start(world, 10, "junk", NULL);
    fetch_close(world->fetch);
    world->fetch = NULL;
    world_free(world);
}

static void close_at_result(struct world *world)
{
    fetch_close(world->fetch);
    world->fetch = NULL;
}

static void test_closing_from_a_result_is_fine(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *world = world_usual();

        world_begin(world);
        world->also = close_at_result;
        start(world, 1, i ? "/good" : "junk", NULL);
        start(world, 2, i ? "/good" : "junk", NULL);
        run_until(world, 1);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        assert_int_equal(world->count, 1);
        world_free(world);
    }
}

static void start_another(struct world *world)
{
    if (world->count < 20) {
        start(world, world->count, world->count % 2 ? "/good" : "junk", NULL);
    }
}

static void test_starting_from_a_result_is_fine(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world_begin(world);
    world->also = start_another;
    start(world, 0, "/good", NULL);
    run_until(world, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(world->seen[i].id, i);
        assert_int_equal(world->seen[i].outcome, i % 2 || !i ? FETCH_ANSWER : FETCH_BROKEN);
    }
    assert_int_equal(world->server.accepted, 1); /* the connection was used again */
    world_free(world);
}

static void test_hundreds_at_once_share_a_few_connections(void **state)
{
    struct world *world = world_usual();
    bool told[300] = {false};

    (void)state;
    world_begin(world);
    for (uint64_t id = 0; id < 300; id++) {
        start(world, id, "/good", id % 3 ? NULL : "question");
    }
    run_until(world, 300);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(world->seen[i].outcome, FETCH_ANSWER);
        assert_string_equal(world->seen[i].body, "answer");
        assert_false(told[world->seen[i].id]);
        told[world->seen[i].id] = true;
    }
    assert_int_equal(world->server.requests, 300);
    assert_true(world->server.most_open <= 32);
    world_free(world);
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_answer_comes_whole),
        T(a_post_carries_the_request),
        T(the_base64_of_a_get_is_sent_as_it_is),
        T(an_error_status_keeps_its_body),
        T(only_200_is_an_answer),
        T(no_answer_may_be_endless),
        T(no_headers_may_be_endless),
        T(slow_responders_meet_the_total_timeout),
        T(broken_answers_are_told_apart),
        T(a_refused_port_is_named),
        T(a_responder_that_never_begins_tls_was_connected_to),
        T(an_unknown_name_is_named),
        T(a_known_name_is_asked),
        T(a_resolver_that_hangs_holds_nobody_up),
        T(a_lookup_can_be_cancelled),
        T(a_plain_server_is_no_tls_server),
        T(a_cancelled_fetch_is_silent),
        T(closing_ends_what_is_in_flight),
        T(closing_from_a_result_is_fine),
        T(starting_from_a_result_is_fine),
        T(hundreds_at_once_share_a_few_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
