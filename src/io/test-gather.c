/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include "io/gather.h"

/* All that @pattern, below the folder, gives: "NAME=TEXT;..." */
static const char *gather_all(const struct test_dir *dir, struct gather *gather,
                              const char *pattern, struct buf *all)
{
    struct dump_source source = gather_source(gather);
    char *path = test_path(dir, pattern);
    const char *found;
    struct slice text;
    size_t cursor = 0;

    buf_clear(all);
    while (source.include(source.context, path, &cursor, &found, &text)) {
        buf_put_text(all, strrchr(found, '/') + 1);
        buf_put_byte(all, '=');
        buf_put_slice(all, text);
        buf_put_byte(all, ';');
    }
    free(path);
    return buf_text(all);
}

static void test_files_are_given_in_order_as_often_as_asked(void **state)
{
    const struct test_dir *dir = *state;
    struct buf all = BUF_INIT(4096);
    struct gather *gather;

    test_write(dir, "b.conf", "two");
    test_write(dir, "a.conf", "one");
    test_write(dir, "c.txt", "no");
    assert_int_equal(gather_new(&gather), 0);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(gather_all(dir, gather, "*.conf", &all), "a.conf=one;b.conf=two;");
        assert_string_equal(gather_all(dir, gather, "b[.]conf", &all), "b.conf=two;");
        assert_string_equal(gather_all(dir, gather, "a.conf", &all), "a.conf=one;");
        assert_string_equal(gather_all(dir, gather, "none.conf", &all), "");
    }
    gather_free(gather);
    buf_deinit(&all);
}

static void test_what_is_no_file_counts_as_missing(void **state)
{
    const struct test_dir *dir = *state;
    struct buf all = BUF_INIT(4096);
    struct gather *gather;
    char *path = test_path(dir, "fifo.conf");

    assert_int_equal(mkfifo(path, 0644), 0);
    free(path);
    test_mkdir(dir, "folder.conf");
    test_write(dir, "z.conf", "last");
    assert_int_equal(gather_new(&gather), 0);
    assert_string_equal(gather_all(dir, gather, "*.conf", &all), "z.conf=last;");
    gather_free(gather);
    buf_deinit(&all);
}

static void test_a_configuration_is_read_with_its_includes(void **state)
{
    const struct test_dir *dir = *state;
    struct buf fault = BUF_INIT(4096);
    struct dump *dump = dump_new();
    struct gather *gather;
    char *path = test_path(dir, "nginx.conf"), *cert = test_path(dir, "x.pem");

    test_write(dir, "site.conf", "server { listen 1 ssl; ssl_certificate x.pem; }");
    assert_int_equal(gather_new(&gather), 0);
    assert_int_equal(
        dump_read(dump,
                  &(struct dump_input){DUMP_NGINX, path, slice_of_text("http { include s*.conf; }"),
                                       gather_source(gather)},
                  &fault),
        0);
    gather_free(gather);
    assert_int_equal(dump->cert_count, 1);
    assert_string_equal(dump->certs[0].path, cert);
    free(path);
    free(cert);
    dump_free(dump);
    buf_deinit(&fault);
}

#define GATHER_TEST(test_) cmocka_unit_test_setup_teardown(test_, test_dir_setup, test_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATHER_TEST(test_files_are_given_in_order_as_often_as_asked),
        GATHER_TEST(test_what_is_no_file_counts_as_missing),
        GATHER_TEST(test_a_configuration_is_read_with_its_includes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
