/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "base/instant.h"
#include "cli/cli.h"

#define NOW INT64_C(1790000000) /* 2026-09-21 14:13:20Z */
#define DAY 86400

static const struct cert_row good = {
    .leaf_sha256 = "1111111111111111111111111111111111111111111111111111111111111111",
    .serial = "1a",
    .name = "good.example",
    .path = "/etc/ssl/good.pem",
    .last = "",
    .state = CERT_STATE_HELD,
    .serve = {NOW - DAY, NOW + 6 * DAY + 3600},
    .next_try_s = NOW + 3 * DAY,
};

static struct cli_table *make_table(const struct cert_row *rows, size_t count, bool json)
{
    struct cli_table *table = NULL;

    assert_int_equal(cli_table_begin(&table, json), 0);
    for (size_t i = 0; i < count; i++) {
        cli_table_row(table, &rows[i]);
    }
    return table;
}

static void assert_table(const struct cert_row *rows, size_t count, unsigned width,
                         const char *expected)
{
    struct table_style style = {.width = width, .wall_s = NOW};
    struct buf out = BUF_INIT(1 << 20);
    struct cli_table *table = make_table(rows, count, false);

    cli_table_format(table, &style, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_deinit(&out);
    cli_table_free(table);
}

static void test_rows_come_by_name_and_are_counted(void **state)
{
    struct cert_row rows[] = {good, good, good, good};

    (void)state;
    rows[0].name = "quiet.example";
    rows[0].state = CERT_STATE_NO_URL;
    rows[0].serve = (struct window){0, 0};
    rows[0].next_try_s = INSTANT_NEVER;
    rows[1].name = "must.example";
    rows[1].must_staple = true;
    rows[2].name = "bad.example";
    rows[2].path = "/etc/ssl/bad.pem";
    rows[2].state = CERT_STATE_REVOKED;
    rows[2].serve = (struct window){0, 0};
    rows[2].next_try_s = NOW + 600;
    rows[2].last = "REVOKED, says the responder";
    assert_table(rows, 4, 80,
                 "NAME            STATE    SERVED UNTIL       LEFT    NEXT TRY\n"
                 "bad.example     revoked  -                          in 10 min\n"
                 "    /etc/ssl/bad.pem: REVOKED, says the responder\n"
                 "good.example    held     2026-09-27 15:13Z  6 d     in 3 d\n"
                 "must.example *  held     2026-09-27 15:13Z  6 d     in 3 d\n"
                 "quiet.example   no-url   -                          -\n"
                 "\n"
                 "4 certificates: 2 held, 1 revoked, 1 without OCSP URL\n"
                 "* must-staple\n");
}

static void test_one_certificate_is_singular_and_none_is_said(void **state)
{
    (void)state;
    assert_table(&good, 1, 80,
                 "NAME          STATE  SERVED UNTIL       LEFT    NEXT TRY\n"
                 "good.example  held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "\n"
                 "1 certificate: 1 held\n");
    assert_table(NULL, 0, 80, "No certificates.\n");
}

static void test_certificates_of_one_name_are_told_apart(void **state)
{
    struct cert_row rows[] = {good, good, good};

    (void)state;
    rows[0].path = "/etc/haproxy/shop.pem.rsa";
    rows[1].path = "/etc/haproxy/shop.pem.ecdsa";
    rows[2].path = "";
    assert_table(rows, 3, 0,
                 "NAME                           STATE  SERVED UNTIL       LEFT    NEXT TRY\n"
                 "good.example (serial 1a)       held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "good.example (shop.pem.ecdsa)  held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "good.example (shop.pem.rsa)    held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "\n"
                 "3 certificates: 3 held\n");
    rows[0].path = "/live/a/fullchain.pem";
    rows[1].path = "/live/b/fullchain.pem";
    rows[2].path = "c.pem";
    assert_table(rows, 3, 0,
                 "NAME                            STATE  SERVED UNTIL       LEFT    NEXT TRY\n"
                 "good.example (a/fullchain.pem)  held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "good.example (b/fullchain.pem)  held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "good.example (c.pem)            held   2026-09-27 15:13Z  6 d     in 3 d\n"
                 "\n"
                 "3 certificates: 3 held\n");
}

/* The longest line of @text, and that no octet of it would move a terminal's cursor. */
static size_t longest_line(const char *text)
{
    size_t longest = 0;

    while (*text) {
        size_t size = strcspn(text, "\n");

        for (size_t i = 0; i < size; i++) {
            assert_true(text[i] >= 0x20 && text[i] < 0x7f);
        }
        longest = size > longest ? size : longest;
        text += size + (text[size] == '\n');
    }
    return longest;
}

static void test_a_terminal_is_never_too_narrow(void **state)
{
    struct cert_row rows[] = {good, good, good};
    char long_name[254];

    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[0] = 's';
    long_name[252] = 'e';
    long_name[253] = 0;
    rows[0].name = long_name;
    rows[0].must_staple = true;
    rows[0].state = CERT_STATE_CERT_EXPIRED;
    rows[1].name = "";
    rows[1].path = "/etc/\x1b[31m/\xc3\xa4/x.pem";
    rows[2].name = "x\r\n\x1b[2J";
    rows[2].state = CERT_STATE_FAILING;
    rows[2].last = "http://responder.example/: the name of the host cannot be resolved; the staple "
                   "held is served until 2026-09-27 15:13:20Z; next try in 10 min\x1b[31m";
    for (unsigned width = 60; width <= 200; width++) {
        struct table_style style = {.width = width, .wall_s = NOW};
        struct buf out = BUF_INIT(1 << 20);
        struct cli_table *table = make_table(rows, 3, false);

        cli_table_format(table, &style, &out);
        assert_true(longest_line(buf_text(&out)) <= width);
        assert_non_null(strstr(buf_text(&out), "..."));
        buf_deinit(&out);
        cli_table_free(table);
    }
}

static void test_a_pipe_gets_whole_names(void **state)
{
    struct cert_row row = good;
    struct table_style style = {.wall_s = NOW};
    struct buf out = BUF_INIT(1 << 20);
    struct cli_table *table;
    char name[200];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[199] = 0;
    row.name = name;
    table = make_table(&row, 1, false);
    cli_table_format(table, &style, &out);
    assert_non_null(strstr(buf_text(&out), name));
    assert_null(strchr(buf_text(&out), '\x1b'));
    buf_deinit(&out);
    cli_table_free(table);
}

static void test_colour_is_only_around_states(void **state)
{
    struct table_style style = {.width = 80, .colour = true, .wall_s = NOW};
    struct buf out = BUF_INIT(1 << 20);
    struct cli_table *table = make_table(&good, 1, false);

    (void)state;
    cli_table_format(table, &style, &out);
    assert_non_null(strstr(buf_text(&out), "good.example  \x1b[32mheld\x1b[0m   2026"));
    buf_deinit(&out);
    cli_table_free(table);
}

static void test_json_is_json(void **state)
{
    struct table_style style = {.wall_s = NOW};
    struct buf out = BUF_INIT(1 << 20);
    struct cli_table *table = make_table(&good, 1, true);
    json_t *root, *row;

    (void)state;
    cli_table_source(table, "store", "From the store");
    cli_table_format(table, &style, &out);
    root = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "source")), "store");
    row = json_array_get(json_object_get(root, "certs"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "name")), "good.example");
    assert_string_equal(json_string_value(json_object_get(row, "state")), "held");
    json_decref(root);
    buf_deinit(&out);
    cli_table_free(table);
}

static void test_brief_times_have_one_unit(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-1, "over"},      {0, "0 s"},    {119, "119 s"},   {120, "2 min"},
        {7199, "119 min"}, {7200, "2 h"}, {172799, "47 h"}, {172800, "2 d"},
    };
    struct buf out = BUF_INIT(64);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        buf_clear(&out);
        cli_put_brief(&out, cases[i].seconds);
        assert_string_equal(buf_text(&out), cases[i].text);
    }
    buf_clear(&out);
    cli_put_time(&out, NOW);
    assert_string_equal(buf_text(&out), "2026-09-21 14:13Z");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_by_name_and_are_counted),
        cmocka_unit_test(test_one_certificate_is_singular_and_none_is_said),
        cmocka_unit_test(test_certificates_of_one_name_are_told_apart),
        cmocka_unit_test(test_a_terminal_is_never_too_narrow),
        cmocka_unit_test(test_a_pipe_gets_whole_names),
        cmocka_unit_test(test_colour_is_only_around_states),
        cmocka_unit_test(test_json_is_json),
        cmocka_unit_test(test_brief_times_have_one_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
