/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/test-dump.h"

#include <errno.h>

#include "base/limits.h"
#include "base/test-alloc.h"

static void test_globs_match_as_those_of_the_shell_do(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"/a/*.conf", "/a/b.conf", true},
        {"/a/*.conf", "/a/b/c.conf", false},
        {"/a/*.conf", "/a/.conf", false},
        {"/a/.*", "/a/.conf", true},
        {"/a/*", "/a/", true},
        {"/a/shop[.]conf", "/a/shop.conf", true},
        {"/a/shop[.]conf", "/a/shopxconf", false},
        {"/a/[!b]", "/a/c", true},
        {"/a/[!b]", "/a/b", false},
        {"/a/[b-d]", "/a/c", true},
        {"/a/[b-d]", "/a/e", false},
        {"/a[/]b", "/a/b", false},
        {"/a?b", "/a/b", false},
        {"/a?b", "/axb", true},
        {"/a/\\*", "/a/*", true},
        {"/a/\\*", "/a/b", false},
        {"/a/*b*b", "/a/bxbyb", true},
        {"/a/*b*b", "/a/bx", false},
        {"/*/*/c", "/a/b/c", true},
        {"/*/c", "/a/b/c", false},
        {"/a/[]]", "/a/]", true},
        {"/a/[", "/a/[", true},
        {"/a/?x", "/a/.x", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"/a/[.]x", "/a/.x", false},
        {"/a/**", "/a/b", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (dump_glob_match(cases[i].pattern, cases[i].text) != cases[i].matches) {
            fail_msg("%s and %s", cases[i].pattern, cases[i].text);
        }
    }
}

static void test_a_glob_of_many_stars_takes_no_time(void **state)
{
    struct buf pattern = BUF_INIT(65536), text = BUF_INIT(65536);

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        buf_put_text(&pattern, "*a");
        buf_put_text(&text, "aa");
    }
    buf_put_text(&pattern, "b");
    assert_false(dump_glob_match(buf_text(&pattern), buf_text(&text)));
    buf_deinit(&pattern);
    buf_deinit(&text);
}

static void test_a_file_that_includes_itself_is_read_once(void **state)
{
    static const struct test_file files[] = {
        {"/etc/n/nginx.conf", "http { include *.conf; include *.conf; }"},
        {"/etc/n/nginx.conf", "events {}"},
        {"/etc/n/loop.conf", "server { listen 1 ssl; ssl_certificate a; } include *.conf;"},
        {NULL, NULL},
    };
    struct buf fault = BUF_INIT(4096);
    struct dump *dump = test_read_files(DUMP_NGINX, files, &fault);

    (void)state;
    assert_non_null(dump);
    assert_int_equal(dump->block_count, 2);
    assert_string_equal(dump->notes[0].text, "includes /etc/n/nginx.conf in itself");
    dump_free(dump);
    buf_deinit(&fault);
}

/* Twenty files, each of which includes the next one four times: more than a lifetime. */
static void test_includes_that_multiply_come_to_an_end(void **state)
{
    enum { FILES = 20 };
    struct test_file files[FILES + 1] = {{NULL, NULL}};
    struct buf names = BUF_INIT(65536), texts = BUF_INIT(65536), fault = BUF_INIT(4096);
    size_t name_at[FILES], text_at[FILES];
    struct dump *dump;

    (void)state;
    for (int i = 0; i < FILES; i++) {
        name_at[i] = names.size;
        text_at[i] = texts.size;
        buf_put_text(&names, "/");
        buf_put_int(&names, i);
        buf_put_byte(&names, 0);
        buf_put_text(&texts, i ? "" : "http { ");
        for (int k = 0; k < 4; k++) {
            buf_put_text(&texts, " include ");
            buf_put_int(&texts, i + 1);
            buf_put_byte(&texts, ';');
        }
        buf_put_byte(&texts, 0);
    }
    for (int i = 0; i < FILES; i++) {
        files[i] = (struct test_file){buf_text(&names) + name_at[i], buf_text(&texts) + text_at[i]};
    }
    dump = test_read_files(DUMP_NGINX, files, &fault);
    assert_non_null(dump);
    assert_int_equal(dump->note_count, LIMIT_DUMP_NOTES);
    dump_free(dump);
    buf_deinit(&names);
    buf_deinit(&texts);
    buf_deinit(&fault);
}

static void test_what_is_not_text_is_refused_in_one_sentence(void **state)
{

    (void)state;
    for (int kind = 0; kind < DUMP_KINDS; kind++) {
        struct buf fault = BUF_INIT(4096);
        struct dump *dump = dump_new();

        assert_int_equal(test_read_text(dump, kind, slice_of("a\0b", 3), &fault), DUMP_E_INVALID);
        assert_string_equal(buf_text(&fault), "/x:1: this is not text: it holds a NUL");
        dump_free(dump);
        buf_deinit(&fault);
    }
}

static void test_a_missing_file_is_a_note_and_a_missing_match_is_none(void **state)
{
    struct dump *dump =
        test_read(DUMP_NGINX, "http {\n include gone.conf;\n include no/*.conf;\n}");

    (void)state;
    assert_int_equal(dump->note_count, 1);
    assert_string_equal(dump->notes[0].text,
                        "includes /etc/s/gone.conf, which is not there or not readable");
    assert_int_equal(dump->notes[0].line, 2);
    dump_free(dump);
}

/* Every allocation fails once. */
static void test_memory_that_runs_out_is_told(void **state)
{
    static const char *const texts[DUMP_KINDS] = {
        [DUMP_NGINX] = "http { server { listen 1 ssl; ssl_certificate a; include x/*; } }",
        [DUMP_HAPROXY] = "global\n stats socket /s\nfrontend f\n bind :1 ssl crt a crt b",
        [DUMP_APACHE] = "Server certificates:\n  /a\n  /b\n",
        [DUMP_HITCH] = "pem-file = \"/a\"",
        [DUMP_LIGHTTPD] = "ssl.pemfile = \"/a\"",
        [DUMP_H2O] = "ssl:\n  certificate-file: /a\n",
        [DUMP_NGHTTPX] = "certificate-file=/a\n",
        [DUMP_EXIM] = "A = /a\ntls_certificate = A\n",
        [DUMP_DNSDIST] = "addTLSLocal('x', '/a', '/b')",
    };

    (void)state;
    for (int kind = 0; kind < DUMP_KINDS; kind++) {
        bool reached = true;

        for (unsigned n = 1; reached; n++) {
            struct buf fault = BUF_INIT(4096);
            struct dump *dump = dump_new();
            int r;

            assert_non_null(dump);
            alloc_fail(n);
            r = test_read_text(dump, kind, slice_of_text(texts[kind]), &fault);
            reached = alloc_failed();
            alloc_fail(0);
            assert_true(r == 0 || (reached && r == -ENOMEM));
            assert_true(reached || dump->cert_count > 0);
            dump_free(dump);
            buf_deinit(&fault);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs_match_as_those_of_the_shell_do),
        cmocka_unit_test(test_a_glob_of_many_stars_takes_no_time),
        cmocka_unit_test(test_a_file_that_includes_itself_is_read_once),
        cmocka_unit_test(test_includes_that_multiply_come_to_an_end),
        cmocka_unit_test(test_what_is_not_text_is_refused_in_one_sentence),
        cmocka_unit_test(test_a_missing_file_is_a_note_and_a_missing_match_is_none),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
