/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/page.h"

static void test_blocks_begin_with_their_file(void **state)
{
    struct page page = PAGE_INIT;

    (void)state;
    page_block(&page, "/etc/a.conf", "# ");
    page_put(&page, "one %s;\n", "two");
    page_block(&page, "shell", "-- ");
    page_say(&page, "a sentence");
    assert_string_equal(buf_text(&page.out),
                        "### /etc/a.conf\none two;\n\n### shell\n-- a sentence\n");
    buf_deinit(&page.out);
}

static void test_comments_stay_within_the_width_and_cannot_leave_it(void **state)
{
    struct page page = PAGE_INIT;
    const char *text;

    (void)state;
    page.comment = "  # ";
    for (int i = 0; i < 20; i++) {
        page_say(&page,
                 "words and words and words and words and words and words /a/path\nrm -rf %d "
                 "and words \033[2J and words and words",
                 i);
    }
    text = buf_text(&page.out);
    while (*text) {
        const char *end = text;

        assert_memory_equal(text, "  # ", 4);
        while (*end != '\n') {
            assert_true(*end >= ' ' && *end <= '~');
            end++;
        }
        assert_true(end - text <= PAGE_WIDTH);
        text = end + 1;
    }
    buf_deinit(&page.out);
}

static void test_words_are_quoted_for_whom_they_are(void **state)
{
    static const struct {
        const char *text, *yaml, *glob, *shell, *nginx;
    } cases[] = {
        {"/a/b-c.pem", "/a/b-c.pem", "/a/b-c.pem", "/a/b-c.pem", "/a/b-c.pem"},
        {"/a b", "\"/a b\"", "/a b", "'/a b'", "\"/a b\""},
        {"it's", "\"it's\"", "it's", "'it'\\''s'", "\"it's\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\"", "a\"b\\\\c", "'a\"b\\c'", "\"a\\\"b\\\\c\""},
        {"/a[1]*?", "\"/a[1]*?\"", "/a\\[1\\]\\*\\?", "'/a[1]*?'", "/a[1]*?"},
        {"/a: b #c", "\"/a: b #c\"", "/a: b #c", "'/a: b #c'", "\"/a: b #c\""},
        {"$x;", "\"$x;\"", "$x;", "'$x;'", "\"$x;\""},
        {"", "\"\"", "", "''", "\"\""},
        {"yes", "\"yes\"", "yes", "yes", "yes"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out = BUF_INIT(256);

        page_quote_yaml(&out, cases[i].text);
        assert_string_equal(buf_text(&out), cases[i].yaml);
        buf_clear(&out);
        page_quote_glob(&out, cases[i].text);
        assert_string_equal(buf_text(&out), cases[i].glob);
        buf_clear(&out);
        page_quote_shell(&out, cases[i].text);
        assert_string_equal(buf_text(&out), cases[i].shell);
        buf_clear(&out);
        page_quote_nginx(&out, cases[i].text);
        assert_string_equal(buf_text(&out), cases[i].nginx);
        buf_deinit(&out);
    }
}

static void test_paths_that_no_configuration_could_hold_are_told(void **state)
{
    (void)state;
    assert_null(page_path_fault("/etc/ssl/\xc3\xa4.pem"));
    assert_null(page_path_fault("/etc/ssl/\xf0\x9f\x98\x80.pem"));
    assert_non_null(page_path_fault("relative"));
    assert_non_null(page_path_fault("/a\nb"));
    assert_non_null(page_path_fault("/latin\xe4.pem"));
    assert_non_null(page_path_fault("/cut\xc3"));
    assert_non_null(page_path_fault("/overlong\xc0\xaf"));
    assert_non_null(page_path_fault("/overlong\xe0\x80\x80"));
    assert_non_null(page_path_fault("/half\xed\xa0\x80"));
    assert_non_null(page_path_fault("/far\xf4\x90\x80\x80"));
    assert_non_null(page_path_fault(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_begin_with_their_file),
        cmocka_unit_test(test_comments_stay_within_the_width_and_cannot_leave_it),
        cmocka_unit_test(test_words_are_quoted_for_whom_they_are),
        cmocka_unit_test(test_paths_that_no_configuration_could_hold_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
