/* SPDX-License-Identifier: Apache-2.0 */

/* Header lines: what a request says to caches on the way, and what an answer says of time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "test-world.h"

#define OK(lines_)     "HTTP/1.1 200 OK\r\n" lines_ "Content-Length: 6\r\n\r\nanswer"
#define STATUS(lines_) "HTTP/1.1 " lines_ "Content-Length: 0\r\n\r\n"
#define DATE           "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n"
#define DATE_S         INT64_C(946684800)

static const struct reply replies[] = {
    {"/plain", OK(""), THEN_KEEP, ""},
    {"/tagged", OK("ETag: \"v1\"\r\n"), THEN_KEEP, ""},
    {"/weak", OK("etag:   W/\"v1\"  \r\n"), THEN_KEEP, ""},
    {"/bare", OK("ETag: v1\r\n"), THEN_KEEP, ""},
    {"/tags", OK("ETag: \"v1\"\r\nETag: \"v2\"\r\n"), THEN_KEEP, ""},
    {"/404", STATUS("404 No\r\nETag: \"v1\"\r\n"), THEN_KEEP, ""},
    {"/304", "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n" DATE "\r\n", THEN_KEEP, ""},
    {"/moved", STATUS("302 x\r\nLocation: /304\r\nETag: \"v0\"\r\nRetry-After: 9\r\n"), THEN_KEEP,
     ""},
    {"/times", OK(DATE "Cache-Control: public\r\nCache-Control: max-age=600\r\nAge: 100\r\n"),
     THEN_KEEP, ""},
    {"/expires", OK(DATE "Expires: Sat, 01 Jan 2000 00:05:00 GMT\r\n"), THEN_KEEP, ""},
    {"/twice", OK(DATE DATE "Age: 5\r\nAge: 6\r\nRetry-After: 1\r\nRetry-After: 1\r\n"), THEN_KEEP,
     ""},
    {"/early", "HTTP/1.1 103 Early Hints\r\nETag: \"v0\"\r\nAge: 9\r\n\r\n" OK("ETag: \"v1\"\r\n"),
     THEN_KEEP, ""},
    {"/busy/seconds", STATUS("503 x\r\nRetry-After: 120\r\n"), THEN_KEEP, ""},
    {"/busy/ages", STATUS("429 x\r\nRetry-After: 99999999\r\n"), THEN_KEEP, ""},
    {"/busy/date", STATUS("503 x\r\n" DATE "Retry-After: Sat, 01 Jan 2000 00:10:00 UTC\r\n"),
     THEN_KEEP, ""},
    {"/busy/future", STATUS("503 x\r\nRetry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\n"), THEN_KEEP,
     ""},
    {"/busy/past", STATUS("503 x\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), THEN_KEEP,
     ""},
    {"/busy/junk", STATUS("503 x\r\nRetry-After: soon\r\n"), THEN_KEEP, ""},
};

static struct world *world_usual(void)
{
    return world_new(replies, ARRAY_SIZE(replies));
}

static bool was_said(const struct world *world, const char *line)
{
    char whole[400];

    snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    return strstr(buf_text(&world->server.last), whole) != NULL;
}

static void test_an_entity_tag_comes_with_its_answer(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_string_equal(ask(world, "/tagged", NULL)->etag, "\"v1\"");
    assert_string_equal(ask(world, "/weak", NULL)->etag, "W/\"v1\"");
    assert_string_equal(ask(world, "/early", NULL)->etag, "\"v1\"");
    assert_string_equal(ask(world, "/plain", NULL)->etag, "");
    assert_string_equal(ask(world, "/bare", NULL)->etag, "");
    assert_string_equal(ask(world, "/tags", NULL)->etag, "");
    world_free(world);
}

static void test_not_modified_is_an_outcome_for_who_asked_so(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world->order.etag = "W/\"v1\"";
    assert_ends(ask(world, "/304", NULL), FETCH_NOT_MODIFIED, "HTTP status 304");
    assert_true(was_said(world, "If-None-Match: W/\"v1\""));
    assert_true(was_said(world, "Accept: application/ocsp-response"));
    assert_int_equal(world->seen[0].http_status, 304);
    assert_int_equal(world->seen[0].hints.date_s, DATE_S);
    assert_ends(ask(world, "/moved", NULL), FETCH_NOT_MODIFIED, "");
    assert_int_equal(world->server.requests, 3);
    assert_true(was_said(world, "If-None-Match: W/\"v1\""));
    assert_ends(ask(world, "/404", NULL), FETCH_HTTP_STATUS, "HTTP status 404");
    assert_ends(ask(world, "/plain", NULL), FETCH_ANSWER, "");
    world_free(world);
}

static void test_not_modified_is_an_error_for_who_did_not(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/304", NULL), FETCH_HTTP_STATUS, "HTTP status 304");
    assert_null(strstr(buf_text(&world->server.last), "If-None-Match"));
    world->order.etag = "\"v1\"";
    assert_ends(ask(world, "/304", "question"), FETCH_HTTP_STATUS, "HTTP status 304");
    assert_null(strstr(buf_text(&world->server.last), "If-None-Match"));
    world->order.etag = "v1\"\r\nX: y";
    assert_ends(ask(world, "/304", NULL), FETCH_HTTP_STATUS, "HTTP status 304");
    assert_null(strstr(buf_text(&world->server.last), "If-None-Match"));
    world->order = (struct fetch_order){.etag = "\"v1\"", .no_cache = true};
    assert_ends(ask(world, "/304", NULL), FETCH_HTTP_STATUS, "HTTP status 304");
    world->order = (struct fetch_order){.etag = "\"v1\"", .issuer = true};
    assert_ends(ask(world, "/304", NULL), FETCH_HTTP_STATUS, "HTTP status 304");
    world_free(world);
}

static void test_caches_are_passed_by_on_demand_only(void **state)
{
    struct world *world = world_usual();

    (void)state;
    ask(world, "/plain", NULL);
    assert_null(strstr(buf_text(&world->server.last), "no-cache"));
    world->order.no_cache = true;
    assert_ends(ask(world, "/plain", NULL), FETCH_ANSWER, "");
    assert_true(was_said(world, "Cache-Control: no-cache") && was_said(world, "Pragma: no-cache"));
    assert_true(was_said(world, "Accept: application/ocsp-response"));
    assert_ends(ask(world, "/plain", "question"), FETCH_ANSWER, "");
    assert_true(was_said(world, "Cache-Control: no-cache") && was_said(world, "Pragma: no-cache"));
    assert_true(was_said(world, "Content-Type: application/ocsp-request"));
    world_free(world);
}

static void test_times_come_with_the_answer(void **state)
{
    struct world *world = world_usual();
    const struct http_hints *hints = &world->seen[0].hints;

    (void)state;
    ask(world, "/times", NULL);
    assert_int_equal(hints->date_s, DATE_S);
    assert_int_equal(hints->age_s, 100);
    assert_int_equal(hints->fresh_s, 500);
    ask(world, "/expires", NULL);
    assert_int_equal(hints->fresh_s, 300);
    assert_int_equal(hints->age_s, 0);
    ask(world, "/plain", NULL);
    assert_int_equal(hints->date_s, INSTANT_NEVER);
    assert_int_equal(hints->fresh_s, -1);
    world_free(world);
}

static void test_what_is_said_twice_is_not_said(void **state)
{
    struct world *world = world_usual();
    const struct seen *seen = ask(world, "/twice", NULL);

    (void)state;
    assert_int_equal(seen->hints.date_s, INSTANT_NEVER);
    assert_int_equal(seen->hints.age_s, 0);
    assert_int_equal(seen->hints.retry_after_s, 0);
    world_free(world);
}

static void test_an_attempt_without_answer_has_no_hints(void **state)
{
    struct world *world = world_usual();
    const struct seen *seen = ask(world, "junk", NULL);

    (void)state;
    assert_int_equal(seen->outcome, FETCH_BROKEN);
    assert_int_equal(seen->hints.date_s, INSTANT_NEVER);
    assert_int_equal(seen->hints.fresh_s, -1);
    assert_int_equal(seen->hints.retry_after_s, 0);
    world_free(world);
}

static void test_retry_after_is_read_and_bounded(void **state)
{
    struct world *world = world_usual();
    const struct http_hints *hints = &world->seen[0].hints;

    (void)state;
    assert_ends(ask(world, "/busy/seconds", NULL), FETCH_HTTP_STATUS, "HTTP status 503");
    assert_int_equal(hints->retry_after_s, 120);
    assert_ends(ask(world, "/busy/ages", NULL), FETCH_HTTP_STATUS, "HTTP status 429");
    assert_int_equal(hints->retry_after_s, 86400);
    ask(world, "/busy/date", NULL);
    assert_int_equal(hints->retry_after_s, 600);
    ask(world, "/busy/future", NULL);
    assert_int_equal(hints->retry_after_s, 86400);
    ask(world, "/busy/past", NULL);
    assert_int_equal(hints->retry_after_s, 0);
    ask(world, "/busy/junk", NULL);
    assert_int_equal(hints->retry_after_s, 0);
    world_free(world);
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_entity_tag_comes_with_its_answer),
        T(not_modified_is_an_outcome_for_who_asked_so),
        T(not_modified_is_an_error_for_who_did_not),
        T(caches_are_passed_by_on_demand_only),
        T(times_come_with_the_answer),
        T(what_is_said_twice_is_not_said),
        T(an_attempt_without_answer_has_no_hints),
        T(retry_after_is_read_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
