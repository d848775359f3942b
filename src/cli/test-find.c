/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/find.h"

/* What a process of @kind tells, whose arguments are separated by '|' in @text: its own arguments,
 * then its configurations, or "worker". */
static const char *told(int kind, const char *text, struct buf *out)
{
    struct process process = {.folder = "/start"};
    struct found_server server = {.kind = kind};
    char *copy = strdup(text), *rest = copy, *word;

    assert_non_null(copy);
    while ((word = strsep(&rest, "|"))) {
        process.arguments[process.argument_count++] = word;
    }
    buf_clear(out);
    if (find_read_arguments(&server, &process)) {
        for (unsigned i = 0; i < server.argument_count; i++) {
            buf_put_text(out, i ? "|" : "");
            buf_put_text(out, server.arguments[i]);
        }
        for (unsigned i = 0; i < server.config_count; i++) {
            buf_put_text(out, " => ");
            buf_put_text(out, server.configs[i]);
        }
    } else {
        buf_put_text(out, "worker");
    }
    found_server_deinit(&server);
    free(copy);
    return buf_text(out);
}

static void test_arguments_name_the_configuration(void **state)
{
    static const struct {
        int kind;
        const char *arguments, *told;
    } cases[] = {
        {DUMP_NGINX, "nginx: master process /usr/sbin/nginx -c /o/n.conf",
         "-c|/o/n.conf => /o/n.conf"},
        {DUMP_NGINX, "nginx: master process nginx -g daemon off; error_log /x; -c /a b/n.conf -q",
         "-g|daemon off; error_log /x;|-c|/a b/n.conf|-q => /a b/n.conf"},
        {DUMP_NGINX, "nginx: master process nginx -p . -c n.conf -e err",
         "-p|/start|-c|n.conf|-e|err => /start/n.conf"},
        {DUMP_NGINX, "nginx|-p|./pre|-c|/n.conf", "-p|/start/pre|-c|/n.conf => /n.conf"},
        {DUMP_NGINX, "nginx: master process ./nginx -p /pre/ -c conf/n.conf",
         "-p|/pre/|-c|conf/n.conf => /pre//conf/n.conf"},
        {DUMP_NGINX, "nginx: master process ./nginx -c/glued.conf", " => "},
        {DUMP_NGINX, "nginx: worker process", "worker"},
        {DUMP_NGINX, "nginx: cache manager process", "worker"},
        {DUMP_NGINX, "nginx|-c|n.conf", "-c|n.conf => /start/n.conf"},
        {DUMP_HAPROXY, "haproxy|-Ws|-f|/a.cfg|-f|b.d",
         "-Ws|-f|/a.cfg|-f|b.d => /a.cfg => /start/b.d"},
        {DUMP_HAPROXY, "haproxy|-f/glued.cfg", "-f/glued.cfg => /glued.cfg"},
        {DUMP_HITCH, "hitch|--config=/h.conf|-c|CIPHERS", "--config=/h.conf|-c|CIPHERS => /h.conf"},
        {DUMP_HITCH, "hitch|--config|/h.conf", "--config|/h.conf => /h.conf"},
        {DUMP_LIGHTTPD, "lighttpd|-D|-f|/l.conf", "-D|-f|/l.conf => /l.conf"},
        {DUMP_H2O, "h2o|-m|master|--conf|/o.conf", "-m|master|--conf|/o.conf => /o.conf"},
        {DUMP_NGHTTPX, "nghttpx|--conf=/x.conf", "--conf=/x.conf => /x.conf"},
        {DUMP_DNSDIST, "dnsdist|--supervised|-C|/d.conf", "--supervised|-C|/d.conf => /d.conf"},
    };
    struct buf out = BUF_INIT(8192);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (text_equal(cases[i].told, " => ")) { /* wherever this machine has its own */
            assert_null(strstr(told(cases[i].kind, cases[i].arguments, &out), "glued.conf =>"));
        } else {
            assert_string_equal(told(cases[i].kind, cases[i].arguments, &out), cases[i].told);
        }
    }
    buf_deinit(&out);
}

static void test_odd_arguments_do_no_harm(void **state)
{
    static const char *const texts[] = {
        "",
        "nginx: master process ",
        "nginx: master process -c",
        "nginx: master process x -c ",
        "nginx: master process x - -c -c",
        "nginx|-c",
        "nginx|-c|",
        "nginx|-p|/p|-c|x|-c|y|-c|z",
    };
    struct buf out = BUF_INIT(8192);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        told(DUMP_NGINX, texts[i], &out);
        assert_int_equal(buf_status(&out), 0);
    }
    buf_deinit(&out);
}

static void test_more_arguments_than_there_is_room_for_are_left(void **state)
{
    struct buf many = BUF_INIT(65536), out = BUF_INIT(65536);

    (void)state;
    buf_put_text(&many, "haproxy");
    for (unsigned i = 0; i < PROCESS_ARGUMENTS - 1; i++) {
        buf_put_text(&many, i % 2 ? "|/c.cfg" : "|-f");
    }
    told(DUMP_HAPROXY, buf_text(&many), &out);
    assert_int_equal(buf_status(&out), 0);
    buf_deinit(&many);
    buf_deinit(&out);
}

static void test_each_kind_has_a_name(void **state)
{
    (void)state;
    for (int kind = 0; kind < SERVERS; kind++) {
        assert_int_equal(find_kind(server_traits[kind].name), kind);
        assert_non_null(server_traits[kind].title);
        assert_non_null(server_traits[kind].service);
    }
    assert_int_equal(find_kind("iis"), -1);
    assert_int_equal(find_kind(""), -1);
    assert_int_equal(find_kind("NGINX"), DUMP_NGINX);
    assert_int_equal(find_kind("apache2"), DUMP_APACHE);
    assert_int_equal(find_kind("exim4"), DUMP_EXIM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_name_the_configuration),
        cmocka_unit_test(test_odd_arguments_do_no_harm),
        cmocka_unit_test(test_more_arguments_than_there_is_room_for_are_left),
        cmocka_unit_test(test_each_kind_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
