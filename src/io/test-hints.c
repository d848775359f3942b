/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/instant.h"
#include "io/hints.h"

#define NOW INT64_C(1790000000) /* Mon, 21 Sep 2026 14:13:20 GMT */

static struct http_hints read_fields(struct hint_fields fields)
{
    struct http_hints hints;

    memset(&hints, 0x55, sizeof(hints));
    hints_read(&fields, NOW, &hints);
    return hints;
}

static int64_t fresh_of(const char *cache_control)
{
    return read_fields((struct hint_fields){.cache_control = cache_control}).fresh_s;
}

static int64_t wait_of(const char *retry_after, const char *date)
{
    return read_fields((struct hint_fields){.retry_after = retry_after, .date = date})
        .retry_after_s;
}

static int64_t date_of(const char *date)
{
    return read_fields((struct hint_fields){.date = date}).date_s;
}

static void test_nothing_said_is_no_hint(void **state)
{
    struct http_hints hints = read_fields((struct hint_fields){0});

    (void)state;
    assert_int_equal(hints.retry_after_s, 0);
    assert_int_equal(hints.fresh_s, -1);
    assert_int_equal(hints.date_s, INSTANT_NEVER);
    assert_int_equal(hints.age_s, 0);
}

static void test_dates_come_in_three_forms_and_two_zones(void **state)
{
    (void)state;
    assert_int_equal(date_of("Mon, 21 Sep 2026 14:13:20 GMT"), NOW);
    assert_int_equal(date_of("Mon, 21 Sep 2026 14:13:20 UTC"), NOW);
    assert_int_equal(date_of("Monday, 21-Sep-26 14:13:20 GMT"), NOW);
    assert_int_equal(date_of("Mon Sep 21 14:13:20 2026"), NOW);
}

static void test_a_date_that_is_none_is_not_said(void **state)
{
    static const char *const junk[] = {"",
                                       "now",
                                       "0",
                                       "-1",
                                       "1790000000",
                                       "14:13:20",
                                       "Mon, 21 Sep 2026 25:13:20 GMT",
                                       "Mon, 21 Foo 2026 14:13:20 GMT",
                                       "Mon, 21 Sep 99999999999999999999 14:13:20 GMT",
                                       "Thu, 01 Jan 1970 00:00:00 GMT",
                                       "Tue, 21 Sep 1926 14:13:20 GMT"};

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        assert_int_equal(date_of(junk[i]), INSTANT_NEVER);
    }
}

static void test_retry_after_is_a_wait_or_a_date(void **state)
{
    (void)state;
    assert_int_equal(wait_of("120", NULL), 120);
    assert_int_equal(wait_of("0", NULL), 0);
    assert_int_equal(wait_of("Mon, 21 Sep 2026 14:23:20 GMT", NULL), 600);
    assert_int_equal(wait_of("Mon, 21 Sep 2026 14:03:20 GMT", NULL), 0);
}

/* A responder's clock may be off: both dates are its own. */
static void test_a_date_to_retry_after_counts_from_the_answers_own_date(void **state)
{
    (void)state;
    assert_int_equal(wait_of("Mon, 21 Sep 2026 14:23:20 GMT", "Mon, 21 Sep 2026 14:22:20 GMT"), 60);
    assert_int_equal(wait_of("Sat, 01 Jan 2000 00:01:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"), 60);
    assert_int_equal(wait_of("Mon, 21 Sep 2026 14:23:20 GMT", "yesterday"), 600);
}

static void test_retry_after_is_bounded(void **state)
{
    static const char *const junk[] = {
        "soon", "-5", "+5", "5 s", "1e3", "", "0x10", "99999999999999999999999", "2147483648"};

    (void)state;
    assert_int_equal(wait_of("99999999", NULL), HINT_RETRY_MAX_S);
    assert_int_equal(wait_of("Thu, 31 Dec 2099 23:59:59 GMT", NULL), HINT_RETRY_MAX_S);
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        assert_int_equal(wait_of(junk[i], NULL), 0);
    }
}

static void test_max_age_is_found_among_other_directives(void **state)
{
    (void)state;
    assert_int_equal(fresh_of("max-age=3600"), 3600);
    assert_int_equal(fresh_of("max-age=0"), 0);
    assert_int_equal(fresh_of("public, no-transform, must-revalidate,MAX-AGE=60 "), 60);
    assert_int_equal(fresh_of("max-age=\"60\""), 60);
    assert_int_equal(fresh_of(" ,, max-age=60,, "), 60);
    assert_int_equal(fresh_of("ext=\"a, max-age=5\", max-age=60"), 60);
    assert_int_equal(fresh_of("s-maxage=5"), -1);
    assert_int_equal(fresh_of("x-max-age=5"), -1);
    assert_int_equal(fresh_of("s-maxage=5, max-age=60"), 60);
}

static void test_no_cache_and_no_store_leave_nothing_fresh(void **state)
{
    (void)state;
    assert_int_equal(fresh_of("no-cache"), 0);
    assert_int_equal(fresh_of("max-age=3600, No-Store"), 0);
    assert_int_equal(fresh_of("no-cache=\"set-cookie\", max-age=3600"), 0);
    assert_int_equal(fresh_of("x=no-cache"), -1);
    assert_int_equal(fresh_of("no-cached"), -1);
}

static void test_a_max_age_that_is_none_is_not_said(void **state)
{
    static const char *const junk[] = {"max-age",
                                       "max-age=",
                                       "max-age=-1",
                                       "max-age=soon",
                                       "max-age=1.5",
                                       "=5",
                                       "\"max-age=5",
                                       "max-age =5",
                                       "max-age=5, max-age=6",
                                       "max-age=2147483648",
                                       "max-age=5,max-age=5,max-age=5",
                                       "max-age=99999999999999999999",
                                       ""};

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        assert_int_equal(fresh_of(junk[i]), -1);
    }
    assert_int_equal(fresh_of("max-age=\"5"), 5); /* what is meant is clear */
}

static void test_expires_counts_where_max_age_is_not_said(void **state)
{
    struct hint_fields fields = {.expires = "Mon, 21 Sep 2026 15:13:20 GMT"};

    (void)state;
    assert_int_equal(read_fields(fields).fresh_s, 3600);
    fields.date = "Mon, 21 Sep 2026 15:12:20 GMT";
    assert_int_equal(read_fields(fields).fresh_s, 60);
    fields.date = "Mon, 21 Sep 2026 16:12:20 GMT";
    assert_int_equal(read_fields(fields).fresh_s, 0);
    fields.cache_control = "max-age=30";
    assert_int_equal(read_fields(fields).fresh_s, 30);
    fields.cache_control = "max-age=soon";
    fields.date = "Mon, 21 Sep 2026 14:13:20 GMT";
    assert_int_equal(read_fields(fields).fresh_s, 3600);
    fields.expires = "0";
    assert_int_equal(read_fields(fields).fresh_s, -1);
    fields.expires = "Thu, 31 Dec 9999 23:59:59 GMT";
    assert_int_equal(read_fields(fields).fresh_s, INT32_MAX);
}

static void test_age_is_taken_off_what_is_fresh(void **state)
{
    struct hint_fields fields = {.age = "100", .cache_control = "max-age=3600"};

    (void)state;
    assert_int_equal(read_fields(fields).fresh_s, 3500);
    assert_int_equal(read_fields(fields).age_s, 100);
    fields.age = "4000";
    assert_int_equal(read_fields(fields).fresh_s, 0);
    fields.cache_control = NULL;
    assert_int_equal(read_fields(fields).fresh_s, -1);
    assert_int_equal(read_fields(fields).age_s, 4000);
    fields.age = "-4000";
    assert_int_equal(read_fields(fields).age_s, 0);
    fields.age = "99999999999";
    assert_int_equal(read_fields(fields).age_s, 0);
}

static void test_only_what_may_be_sent_back_is_an_entity_tag(void **state)
{
    static const char *const good[] = {"\"\"", "\"abc\"", "W/\"abc\"", "\"!#$%&'()*+,/[]~\""};
    static const char *const bad[] = {"",
                                      "\"",
                                      "abc",
                                      "\"abc",
                                      "abc\"",
                                      "W/",
                                      "W/\"",
                                      "w/\"abc\"",
                                      "W\"abc\"",
                                      "\"a b\"",
                                      "\"a\"b",
                                      "\"a\"b\"",
                                      "\"a\", \"b\"",
                                      "\"a\r\nX: y\"",
                                      "\"\x7f\"",
                                      "\"\xc3\xa4\"",
                                      "*"};
    char text[LIMIT_ETAG_SIZE + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(hints_is_etag(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(hints_is_etag(bad[i]));
    }
    memset(text, 'x', sizeof(text));
    text[0] = text[LIMIT_ETAG_SIZE - 1] = '"';
    text[LIMIT_ETAG_SIZE] = 0;
    assert_true(hints_is_etag(text));
    text[LIMIT_ETAG_SIZE - 1] = 'x';
    text[LIMIT_ETAG_SIZE] = '"';
    text[LIMIT_ETAG_SIZE + 1] = 0;
    assert_false(hints_is_etag(text));
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_said_is_no_hint),
        T(dates_come_in_three_forms_and_two_zones),
        T(a_date_that_is_none_is_not_said),
        T(retry_after_is_a_wait_or_a_date),
        T(a_date_to_retry_after_counts_from_the_answers_own_date),
        T(retry_after_is_bounded),
        T(max_age_is_found_among_other_directives),
        T(no_cache_and_no_store_leave_nothing_fresh),
        T(a_max_age_that_is_none_is_not_said),
        T(expires_counts_where_max_age_is_not_said),
        T(age_is_taken_off_what_is_fresh),
        T(only_what_may_be_sent_back_is_an_entity_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
