/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/test-dump.h"

static void test_haproxy_names_certificates_in_bind_lines(void **state)
{
    (void)state;
    test_lists(DUMP_HAPROXY,
               "global\n"
               "  crt-base /tls # where they are\n"
               "frontend a\n"
               "  bind :443 ssl crt shop.pem crt /abs/two.pem alpn h2\n"
               "  bind 127.0.0.1:444 ssl crt \"with space.pem\"\n"
               "  bind :445 ssl crt esc\\ aped.pem\n"
               "backend b\n"
               "  server s 127.0.0.1:1 ssl crt client.pem\n"
               "listen c\n"
               "  bind :446 ssl crt \"${CERT}\"\n",
               "/tls/shop.pem (:443:4)\n\n/abs/two.pem (:443:4)\n\n"
               "/tls/with space.pem (127.0.0.1:444:5)\n\n/tls/esc aped.pem (:445:6)\n\n"
               "?${CERT} (:446:10)\n");
}

static void test_haproxy_reads_its_lists_and_stores(void **state)
{
    static const struct test_file files[] = {
        {"/etc/h/haproxy.cfg", "global\n"
                               "  stats socket /run/a.sock mode 600 level admin\n"
                               "  stats socket unix@/run/u.sock level user\n"
                               "  stats socket ipv4@*:9999\n"
                               "  stats socket fd@3\n"
                               "  stats socket ::1:9998\n"
                               "crt-store\n"
                               "  crt-base /store\n"
                               "  load crt s.pem ocsp-update on\n"
                               "frontend f\n"
                               "  bind :443 ssl crt-list /etc/h/list\n"},
        {"/etc/h/list",
         "/one.pem\n# no\ntwo.pem [alpn h2] *.two.test\n/up.pem [ocsp-update on] x\n"},
        {NULL, NULL},
    };
    struct buf fault = BUF_INIT(4096), list = BUF_INIT(65536);
    struct dump *dump = test_read_files(DUMP_HAPROXY, files, &fault);

    (void)state;
    assert_non_null(dump);
    assert_string_equal(test_list(dump, &list),
                        "/store/s.pem self (crt:9)\n\n/one.pem (:443:1)\n\n"
                        "/etc/h/two.pem (:443:3)\n\n/up.pem self (:443:4)\n");
    assert_int_equal(dump->socket_count, 4);
    assert_string_equal(dump->sockets[0].address, "/run/a.sock");
    assert_int_equal(dump->sockets[0].level, DUMP_LEVEL_ADMIN);
    assert_string_equal(dump->sockets[1].address, "/run/u.sock");
    assert_int_equal(dump->sockets[1].level, DUMP_LEVEL_USER);
    assert_string_equal(dump->sockets[2].address, "127.0.0.1:9999");
    assert_int_equal(dump->sockets[2].level, DUMP_LEVEL_OPERATOR);
    assert_string_equal(dump->sockets[3].address, "[::1]:9998");
    dump_free(dump);
    buf_deinit(&list);
    buf_deinit(&fault);
}

static void test_apache_lists_certificates_and_says_that_it_staples(void **state)
{
    static const struct test_file files[] = {
        {"-", "Syntax OK\n"
              "Included configuration files:\n"
              "  (*) /etc/apache2/apache2.conf\n"
              "    (12) /etc/apache2/ssl.conf\n"
              "Server certificates:\n"
              "  /tls/a.pem\n"
              "  rel/b.pem\n"},
        {"/etc/apache2/apache2.conf", "# SSLUseStapling on\n"},
        {"/etc/apache2/ssl.conf", "<IfModule x>\n\tsslusestapling  On\n</IfModule>\n"},
        {NULL, NULL},
    };
    struct buf fault = BUF_INIT(4096), list = BUF_INIT(65536);
    struct dump *dump = test_read_files(DUMP_APACHE, files, &fault);

    (void)state;
    assert_non_null(dump);
    assert_string_equal(test_list(dump, &list), "/tls/a.pem (:6)\n\n?rel/b.pem (:7)\n");
    assert_string_equal(dump->value_files[DUMP_COMMAND], "/etc/apache2/ssl.conf");
    assert_int_equal(dump->value_lines[DUMP_COMMAND], 2);
    dump_free(dump);
    assert_null(test_read_files(DUMP_APACHE,
                                (struct test_file[]){{"-", "Syntax OK\n"}, {NULL, NULL}}, &fault));
    buf_deinit(&list);
    buf_deinit(&fault);
}

static void test_hitch_names_files_in_three_ways(void **state)
{
    static const char text[] = "# pem-file = \"/comment.pem\"\n"
                               "pem-file = \"/one.pem\"\n"
                               "pem-file = {\n"
                               "  cert = \"/two.pem\"\n"
                               "  private-key = \"/two.key\"\n"
                               "  ocsp-resp-file = \"/two.ocsp\"\n"
                               "}\n"
                               "frontend = {\n"
                               "  host = \"127.0.0.1\"\n"
                               "  port = \"443\"\n"
                               "  pem-file = \"rel.pem\"\n"
                               "}\n"
                               "ocsp-dir = \"/run/clinch\"\n"
                               "user = \"_hitch\"\n";
    struct buf list = BUF_INIT(4096);
    struct dump *dump = test_read(DUMP_HITCH, text);

    (void)state;
    assert_string_equal(test_list(dump, &list), "/one.pem (:2)\n\n/two.pem +/two.ocsp (:4)\n\n"
                                                "?rel.pem (127.0.0.1:11)\n");
    assert_string_equal(dump->values[DUMP_OCSP_DIR], "/run/clinch");
    assert_string_equal(dump->values[DUMP_USER], "_hitch");
    dump_free(dump);
    buf_deinit(&list);
}

static void test_lighttpd_has_conditions_includes_and_variables(void **state)
{
    static const struct test_file files[] = {
        {"/etc/l/l.conf", "var.tls = \"/tls\" short = \"/short\"\n"
                          "server.pid-file = \"/run/l.pid\"\n"
                          "server.modules += ( \"mod_openssl\", \"mod_x\" )\n"
                          "include_shell \"/usr/share/x.pl\"\n"
                          "include \"conf/*.conf\"\n"
                          "ssl.pemfile = \"/default.pem\"\n"
                          "else { ssl.pemfile = \"/else.pem\" }\n"},
        {"/etc/l/conf/ssl.conf", "$SERVER[\"socket\"] == \":443\" {\n"
                                 "  ssl.engine = \"enable\"\n"
                                 "  ssl.pemfile = var.tls + \"/a.pem\"\n"
                                 "  $HTTP[\"host\"] == \"b.test\" {\n"
                                 "    ssl.stapling-file = \"/b.ocsp\"\n"
                                 "    ssl.pemfile = \"b.pem\"\n"
                                 "  }\n"
                                 "  $HTTP[\"host\"] == \"c\" { ssl.pemfile = env.C }\n"
                                 "  $HTTP[\"host\"] == \"d\" { ssl.pemfile = tls + \"/d.pem\" }\n"
                                 "  $HTTP[\"host\"] == \"e\" { ssl.pemfile = var.short + \"/e\" }\n"
                                 "}\n"},
        {NULL, NULL},
    };
    struct buf fault = BUF_INIT(4096), list = BUF_INIT(65536);
    struct dump *dump = test_read_files(DUMP_LIGHTTPD, files, &fault);

    (void)state;
    assert_non_null(dump);
    assert_string_equal(test_list(dump, &list),
                        "/etc/l/b.pem +/b.ocsp (b.test:6)\n\n? (c:8)\n\n/tls/d.pem (d:9)\n\n"
                        "/short/e (e:10)\n\n/tls/a.pem (:443:3)\n\n"
                        "/else.pem (:7)\n\n/default.pem (:6)\n");
    assert_string_equal(dump->values[DUMP_PID_FILE], "/run/l.pid");
    assert_int_equal(dump->note_count, 1);
    assert_string_equal(dump->notes[0].text,
                        "includes what /usr/share/x.pl prints, which clinch does not run");
    dump_free(dump);
    buf_deinit(&list);
    buf_deinit(&fault);
}

static void test_h2o_takes_a_command_for_each_listener(void **state)
{
    (void)state;
    test_lists(DUMP_H2O,
               "user: debian-h2o\n"
               "listen:\n"
               "  port: 443\n"
               "  ssl:\n"
               "    ocsp-update-cmd: /etc/clinch/clinch-staple # ours\n"
               "    certificate-file: \"/a.pem\"\n"
               "    key-file: /a.key\n"
               "hosts:\n"
               "  b:\n"
               "    listen:\n"
               "      ssl: {key-file: b.key, certificate-file: b.pem, ocsp-update-interval: 0}\n"
               "  c:\n"
               "    listen: {port: 1, ssl: {certificate-file: 'c d.pem', key-file: x}}\n",
               "/a.pem +/etc/clinch/clinch-staple (:6)\n\n/etc/s/b.pem never (:11)\n\n"
               "/etc/s/c d.pem self (:13)\n");
}

static void test_nghttpx_takes_one_command_for_all(void **state)
{
    struct buf list = BUF_INIT(4096);
    struct dump *dump;

    (void)state;
    test_lists(DUMP_NGHTTPX,
               "private-key-file=/a.key\ncertificate-file=/a.pem\n"
               "subcert=/b.key:/b.pem;sct-dir=/x\n",
               "/a.pem self (:2)\n\n/b.pem self (:3)\n");
    dump = test_read(DUMP_NGHTTPX, "certificate-file=/a.pem\n# no-ocsp=yes\n"
                                   "fetch-ocsp-response-file=/cmd\nno-verify-ocsp=yes\n");
    assert_string_equal(test_list(dump, &list), "/a.pem +/cmd (:1)\n");
    assert_int_equal(dump->flags, DUMP_UNVERIFIED);
    dump_free(dump);
    buf_deinit(&list);
}

static void test_exim_has_macros_conditions_and_lists(void **state)
{
    (void)state;
    test_lists(DUMP_EXIM,
               "CONFDIR = /etc/exim4\n"
               ".ifdef NO\n"
               "tls_certificate = /no.pem\n"
               ".elifdef CONFDIR\n"
               ".ifndef CERT\n"
               "CERT = CONFDIR/exim.crt\n"
               ".endif\n"
               "tls_certificate = CERT : \\\n"
               "    /two.pem\n"
               ".else\n"
               "tls_certificate = /else.pem\n"
               ".endif\n"
               "tls_ocsp_file = /staple\n"
               "begin acl\n"
               "tls_certificate = /behind.pem\n",
               "/etc/exim4/exim.crt +/staple (:9)\n/two.pem +/staple (:9)\n");
    test_lists(DUMP_EXIM, "tls_certificate = /tls/${tls_sni}.pem\n", "?/tls/${tls_sni}.pem (:1)\n");
    test_lists(DUMP_EXIM, "tls_certificate = <; /a.pem ; /b.pem\n", "/a.pem (:1)\n/b.pem (:1)\n");
}

static void test_exim_macros_that_never_end_do_end(void **state)
{
    (void)state;
    test_lists(DUMP_EXIM, "A = BB\nB = AA\ntls_certificate = A\n", "");
    test_lists(DUMP_EXIM, "A = xA\ntls_certificate = /A\n", "");
}

static void test_dnsdist_is_read_as_calls(void **state)
{
    (void)state;
    test_lists(
        DUMP_DNSDIST,
        "-- addTLSLocal('no', '/no.pem', '/no.key')\n"
        "--[[ addTLSLocal('no', '/no.pem', '/no.key')\n ]]\n"
        "addTLSLocal(\"0.0.0.0:853\", \"/a.pem\", \"/a.key\")\n"
        "addDOHLocal('127.0.0.1:443', {'/b.pem', \"/c.pem\"}, {'/b.key', '/c.key'}, '/dns',\n"
        "  { ocspResponses = clinchStaples({\"/b.ocsp\", '/c.ocsp'}), reusePort=true })\n"
        "addTLSLocal('[::1]:853', newTLSCertificate('/d.pem', { key='/d.key' }))\n"
        "addTLSLocal(address, certs, keys)\n"
        "addTLSLocal('[::]:853', dir .. '/e.pem', dir .. '/e.key')\n"
        "addTLSLocal('[::]:854', {'/f.pem', '/tls/' .. name}, {'/f.key', key})\n"
        "addTLSLocal('[::]:855', '/tls'..'/g.pem', '/g.key')\n"
        "addTLSLocal = 3\n",
        "/a.pem (0.0.0.0:853:4)\n\n"
        "/b.pem +/b.ocsp (127.0.0.1:443:5)\n/c.pem +/c.ocsp (127.0.0.1:443:5)\n\n"
        "/d.pem ([::1]:853:7)\n\n? (:8)\n\n"
        "? ([::]:853:9)\n\n? ([::]:854:10)\n\n? ([::]:855:11)\n");
}

static void test_certificates_of_dnsdist_in_tables_and_variables(void **state)
{
    (void)state;
    test_lists(
        DUMP_DNSDIST,
        "local a = newTLSCertificate('/a.p12', { password='x' })\n"
        "local pair = { newTLSCertificate(\"/b.pem\", {key=\"/b.key\"}), '/c.pem' }\n"
        "certs = {'/d.pem', '/e.pem'}; keys = {'/d.key', '/e.key'}\n"
        "where, port = '::1', 853\n"
        "if where == 'x' then print('x') end\n"
        "addTLSLocal('1', a)\n"
        "addTLSLocal('2', pair, {}, { ocspResponses = clinchStaples({'/b.ocsp', '/c.ocsp'}) })\n"
        "addTLSLocal('3', {newTLSCertificate('/f.p12', {password='y'}), a}, nil,\n"
        "            {provider='openssl', ocspResponses={'/f.ocsp', '/a.ocsp'}, tickets=1})\n"
        "addTLSLocal(where, certs, keys, { ocspResponses = mine('/d.ocsp', '/e.ocsp') })\n"
        "addDOHLocal('4', nil, nil, '/')\n"
        "addDOHLocal('5')\n"
        "addTLSLocal('6', '/g.pem', '/g.key', { ocspResponses = { dir .. '/x', '/y' } })\n",
        "/a.p12 (1:6)\n\n"
        "/b.pem +/b.ocsp (2:7)\n/c.pem +/c.ocsp (2:7)\n\n"
        "/f.p12 +/f.ocsp (3:8)\n/a.p12 +/a.ocsp (3:8)\n\n"
        "/d.pem +/d.ocsp (:10)\n/e.pem +/e.ocsp (:10)\n\n"
        "\n\n"
        "/g.pem (6:13)\n");
}

static void test_what_dnsdist_makes_up_is_not_guessed(void **state)
{
    (void)state;
    test_lists(DUMP_DNSDIST,
               "twice = '/a' twice = '/b'\n"
               "grows = {'/c'} table.insert(grows, '/d')\n"
               "index = {'/e'} index[2] = '/f'\n"
               "joined = '/g' .. x\n"
               "either = x or '/h'\n"
               "other = '/i' or '/j'\n"
               "made = readCerts('/k')\n"
               "named = { cert='/l' }\n"
               "addTLSLocal('1', twice) addTLSLocal('2', grows) addTLSLocal('3', index)\n"
               "addTLSLocal('4', joined) addTLSLocal('5', either) addTLSLocal('6', other)\n"
               "addTLSLocal('7', made) addTLSLocal('8', named) addTLSLocal('9', gone)\n"
               "addTLSLocal('10', {'/m', readCerts('/n')})\n",
               "? (1:9)\n\n? (2:9)\n\n? (3:9)\n\n? (4:10)\n\n? (5:10)\n\n? (6:10)\n\n"
               "? (7:11)\n\n? (8:11)\n\n? (9:11)\n\n? (10:12)\n");
}

static void test_texts_that_break_off_are_read_as_far_as_they_go(void **state)
{
    static const char *const texts[DUMP_KINDS] = {
        [DUMP_HAPROXY] = "frontend f\n bind :1 ssl crt \"a\\\"b\" crt-list 'x y'",
        [DUMP_HITCH] = "frontend = { pem-file = { cert = \"a\\\"b\" } }",
        [DUMP_LIGHTTPD] = "$X[\"y\"] == \"z\" { ssl.pemfile = \"a\" + b } include \"x\"",
        [DUMP_H2O] = "ssl: {certificate-file: 'a', ocsp-update-cmd: \"b\"}",
        [DUMP_NGHTTPX] = "subcert=a:b;c\ninclude=d",
        [DUMP_EXIM] = ".ifdef A\n.else\nB = c\\\nd\ntls_certificate = <;B;\n.include x",
        [DUMP_DNSDIST] = "x = {'y', newTLSCertificate('z', {k='l'})}\n"
                         "addTLSLocal('a', {[[b]], f(x), c}, --[[ c ]]\n d, {ocspResponses={'e'}})",
    };

    (void)state;
    for (int kind = 0; kind < DUMP_KINDS; kind++) {
        size_t all = texts[kind] ? strlen(texts[kind]) : 0;

        for (size_t size = 0; size < all; size++) {
            struct buf fault = BUF_INIT(4096);
            struct dump *dump = dump_new();
            char *part = text_copy(slice_of(texts[kind], size)); /* so that ASan sees its end */

            assert_int_equal(test_read_text(dump, kind, slice_of(part, size), &fault), 0);
            dump_free(dump);
            free(part);
            buf_deinit(&fault);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_haproxy_names_certificates_in_bind_lines),
        cmocka_unit_test(test_haproxy_reads_its_lists_and_stores),
        cmocka_unit_test(test_apache_lists_certificates_and_says_that_it_staples),
        cmocka_unit_test(test_hitch_names_files_in_three_ways),
        cmocka_unit_test(test_lighttpd_has_conditions_includes_and_variables),
        cmocka_unit_test(test_h2o_takes_a_command_for_each_listener),
        cmocka_unit_test(test_nghttpx_takes_one_command_for_all),
        cmocka_unit_test(test_exim_has_macros_conditions_and_lists),
        cmocka_unit_test(test_exim_macros_that_never_end_do_end),
        cmocka_unit_test(test_dnsdist_is_read_as_calls),
        cmocka_unit_test(test_certificates_of_dnsdist_in_tables_and_variables),
        cmocka_unit_test(test_what_dnsdist_makes_up_is_not_guessed),
        cmocka_unit_test(test_texts_that_break_off_are_read_as_far_as_they_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
