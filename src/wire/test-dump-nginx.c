/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/test-dump.h"

static void test_each_server_block_has_its_certificates(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "user x;\n"
               "http {\n"
               "  server { listen 80; server_name plain.test; }\n"
               "  server {\n"
               "    listen 443 ssl;\n"
               "    server_name shop.test www.shop.test;\n"
               "    ssl_certificate     /tls/rsa.pem;\n"
               "    ssl_certificate     /tls/ec.pem;\n"
               "    ssl_certificate_key /tls/rsa.key;\n"
               "  }\n"
               "  server { listen 443 ssl; ssl_certificate tls/rel.pem; }\n"
               "}\n",
               "/tls/rsa.pem (shop.test:7)\n/tls/ec.pem (shop.test:8)\n\n"
               "/etc/s/tls/rel.pem (:11)\n");
}

static void test_blocks_take_what_http_says_also_when_it_says_it_later(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "http {\n"
               "  server { listen 443 ssl; server_name a; }\n"
               "  server { listen 80; server_name b; }\n"
               "  server { listen 443 ssl; server_name c; ssl_certificate /own; }\n"
               "  server { listen 443 quic; server_name d; ssl_stapling off; }\n"
               "  ssl_certificate /all;\n"
               "  ssl_stapling on;\n"
               "}\n",
               "/all self (a:6)\n\n/own self (c:4)\n\n/all here (d:6)\n");
}

static void test_words_are_read_as_nginx_reads_them(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "http {\n"
               "# server { ssl_certificate /comment; }\n"
               "  server{listen 1 ssl;ssl_certificate \"/with space;{.pem\";}\n"
               "  server{listen 1 ssl;ssl_certificate '/quo\\'ted';}\n"
               "  server{listen 1 ssl;ssl_certificate /esc\\ aped\\;x;}\n"
               "  server{listen 1 ssl;ssl_certificate /in#side;}\n"
               "  server{listen 1 ssl;ssl_certificate /var/$ssl_server_name.pem;}\n"
               "  server{listen 1 ssl;ssl_certificate /x/${name}.pem;}\n"
               "  server{listen 1 ssl;ssl_certificate data:$pem;}\n"
               "}\n",
               "/with space;{.pem (:3)\n\n/quo'ted (:4)\n\n/esc\\ aped\\;x (:5)\n\n"
               "/in#side (:6)\n\n?/var/$ssl_server_name.pem (:7)\n\n?/x/${name}.pem (:8)\n\n"
               "?data:$pem (:9)\n");
}

/* Where a key is does not matter to a staple. */
static void test_keys_that_are_in_no_file_are_nothing_to_us(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "http {\n"
               "  server {listen 1 ssl; ssl_certificate /a; ssl_certificate_key engine:pkcs11:a;}\n"
               "  server {listen 1 ssl; ssl_certificate /b;\n"
               "          ssl_certificate_key \"store:pkcs11:token=x;object=b\";}\n"
               "  server {listen 1 ssl; ssl_certificate /c; ssl_certificate_key data:$key;}\n"
               "  server {listen 1 ssl; ssl_certificate /d; ssl_certificate_key $dir/d.key;}\n"
               "}\n",
               "/a (:2)\n\n/b (:3)\n\n/c (:5)\n\n/d (:6)\n");
}

/* nginx knows "engine:" and "store:" for keys alone. */
static void test_a_certificate_may_stand_in_the_configuration_itself(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "http {\n"
               "  server {listen 1 ssl; ssl_certificate \"data:-----BEGIN CERTIFICATE-----\n"
               "MII\n-----END CERTIFICATE-----\n\";}\n"
               "  server {listen 1 ssl; ssl_certificate engine:x;}\n"
               "}\n",
               "?data: inline (:2)\n\n/etc/s/engine:x (:6)\n");
}

static void test_other_blocks_do_not_disturb(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "events { worker_connections 1; }\n"
               "http {\n"
               "  map $a $b { default 0; \"~*^/x{2}\" 1; ssl_certificate /map; }\n"
               "  upstream u { server 127.0.0.1:1; server 127.0.0.1:2 weight=2; }\n"
               "  server {\n"
               "    listen 443 ssl;\n"
               "    content_by_lua_block { if x then s = \"}\" -- it's }\n end }\n"
               "    location / { proxy_ssl_certificate /client; if ($x) { return 1; } }\n"
               "    ssl_certificate /one;\n"
               "  }\n"
               "}\n",
               "/one (:10)\n");
}

static void test_stream_and_mail_are_told_apart(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "stream { server { listen 1 ssl; ssl_certificate /s; } }\n"
               "mail { ssl_certificate /m; server { listen 2 ssl; } }\n"
               "http { server { listen 3 ssl; ssl_certificate /h; } }\n",
               "/s cannot (:1)\n\n/m cannot (:2)\n\n/h (:3)\n");
}

static void test_staples_by_file_and_by_itself(void **state)
{
    (void)state;
    test_lists(DUMP_NGINX,
               "http {\n"
               "  server { listen 1 ssl; ssl_certificate /a; ssl_stapling on; }\n"
               "  server { listen 1 ssl; ssl_certificate /b; ssl_stapling on;\n"
               "           ssl_stapling_file b.ocsp; }\n"
               "}\n",
               "/a self here (:2)\n\n/b +/etc/s/b.ocsp self here (:3)\n");
}

/* What `nginx -T` prints: each file once, wherever it is included. */
static void test_the_dump_of_nginx_is_put_together_again(void **state)
{
    static const char text[] = "nginx: the configuration file /o/nginx.conf syntax is ok\n"
                               "# configuration file /o/nginx.conf:\n"
                               "http {\n"
                               "  include sites/*.conf;\n"
                               "  include none/*.conf;\n"
                               "}\n"
                               "\n"
                               "# configuration file /o/sites/b.conf:\n"
                               "server {\n"
                               "  listen 443 ssl;\n"
                               "  server_name b;\n"
                               "  include tls.inc;\n"
                               "  include /var/lib/clinch/nginx/b[.]conf;\n"
                               "}\n"
                               "\n"
                               "# configuration file /o/tls.inc:\n"
                               "ssl_certificate /b;\n"
                               "\n"
                               "# configuration file /var/lib/clinch/nginx/b.conf:\n"
                               "ssl_stapling on;\n"
                               "ssl_stapling_file /var/lib/clinch/nginx/b.ocsp;\n"
                               "# configuration file /o/sites/c.conf:\n"
                               "server { listen 443 ssl; server_name c; include tls.inc; }\n";
    struct buf list = BUF_INIT(65536);
    struct dump *dump = test_read(DUMP_NGINX, text);

    (void)state;
    assert_string_equal(test_list(dump, &list), "/b +/var/lib/clinch/nginx/b.ocsp self here (b:1)\n"
                                                "\n/b (c:1)\n");
    assert_string_equal(dump->main_file, "/o/nginx.conf");
    assert_string_equal(dump->certs[0].file, "/o/tls.inc");
    assert_string_equal(dump->blocks[0].file, "/o/sites/b.conf");
    assert_int_equal(dump->blocks[0].line, 1);
    assert_string_equal(dump->blocks[0].stapling_file, "/var/lib/clinch/nginx/b.conf");
    assert_int_equal(dump->blocks[0].include_count, 2);
    assert_string_equal(dump->blocks[0].includes[1], "/var/lib/clinch/nginx/b[.]conf");
    assert_int_equal(dump->note_count, 0);
    dump_free(dump);
    buf_deinit(&list);
}

static void test_a_configuration_that_breaks_off_is_read_as_far_as_it_goes(void **state)
{
    static const char text[] =
        "http { server { listen 1 ssl; ssl_certificate /a; include s/*; } }\n"
        "# configuration file /etc/s/s/x:\n"
        "ssl_stapling on;";

    (void)state;
    for (size_t size = 0; size < sizeof(text); size++) {
        struct buf fault = BUF_INIT(4096);
        struct dump *dump = dump_new();

        assert_int_equal(test_read_text(dump, DUMP_NGINX, slice_of(text, size), &fault), 0);
        dump_free(dump);
        buf_deinit(&fault);
    }
}

static void test_what_cannot_be_read_is_told_in_one_sentence(void **state)
{
    static const struct test_file open_quote[] = {
        {"/etc/s/s.conf", "http {\n server_name \"a;\n}\n"}, {NULL, NULL}};
    struct buf deep = BUF_INIT(65536), fault = BUF_INIT(4096);
    struct test_file nested[] = {{"/d", NULL}, {NULL, NULL}};

    (void)state;
    assert_null(test_read_files(DUMP_NGINX, open_quote, &fault));
    assert_string_equal(buf_text(&fault),
                        "/etc/s/s.conf:4: a quotation mark that is not closed, or "
                        "an endless word");
    for (unsigned i = 0; i < 100; i++) {
        buf_put_text(&deep, "a {");
    }
    nested[0].text = buf_text(&deep);
    buf_clear(&fault);
    assert_null(test_read_files(DUMP_NGINX, nested, &fault));
    assert_string_equal(buf_text(&fault), "/d:1: too many blocks in each other");
    buf_deinit(&deep);
    buf_deinit(&fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_server_block_has_its_certificates),
        cmocka_unit_test(test_blocks_take_what_http_says_also_when_it_says_it_later),
        cmocka_unit_test(test_words_are_read_as_nginx_reads_them),
        cmocka_unit_test(test_keys_that_are_in_no_file_are_nothing_to_us),
        cmocka_unit_test(test_a_certificate_may_stand_in_the_configuration_itself),
        cmocka_unit_test(test_other_blocks_do_not_disturb),
        cmocka_unit_test(test_stream_and_mail_are_told_apart),
        cmocka_unit_test(test_staples_by_file_and_by_itself),
        cmocka_unit_test(test_the_dump_of_nginx_is_put_together_again),
        cmocka_unit_test(test_a_configuration_that_breaks_off_is_read_as_far_as_it_goes),
        cmocka_unit_test(test_what_cannot_be_read_is_told_in_one_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
