/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "conf/template.h"

static const struct cert_facts facts = {
    .leaf_sha256 = {0xab, 0xcd},
    .serial = {0x00, 0x9f, 0x01},
    .serial_size = 3,
};

static void expect(const char *text, const char *path, const char *expected)
{
    struct buf buf = BUF_INIT(4096);

    template_expand(&buf, text, (struct place){path, 0}, &facts);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), expected);
    buf_deinit(&buf);
}

static void test_plain_certificate_file_gives_its_parts(void **state)
{
    (void)state;
    expect("{dir}|{file}|{stem}|{name}", "/etc/ssl/shop.pem", "/etc/ssl|shop.pem|shop|shop");
    expect("{dir}/{stem}.ocsp", "/etc/ssl/shop.crt", "/etc/ssl/shop.ocsp");
    expect("/run/x/{name}.der", "/etc/ssl/a.b.example.pem", "/run/x/a.b.example.der");
}

static void test_lineage_folder_gives_the_name(void **state)
{
    (void)state;
    expect("{dir}|{file}|{stem}|{name}", "/etc/le/live/shop/fullchain.pem",
           "/etc/le/live/shop|fullchain.pem|fullchain|shop");
    expect("{name}", "/k8s/web/tls.crt", "web");
    expect("{name}", "/a/b/cert.pem", "b");
    expect("{name}", "/a/b/certificate.pem", "b");
    expect("{name}", "/fullchain.pem", "fullchain");
}

static void test_haproxy_bundle_keeps_its_key_type(void **state)
{
    (void)state;
    expect("{name}", "/etc/haproxy/shop.pem.rsa", "shop.rsa");
    expect("{stem}", "/etc/haproxy/shop.pem.ecdsa", "shop.ecdsa");
    expect("{name}", "/srv/shop/fullchain.pem.rsa", "shop.rsa");
    expect("{dir}/{file}.ocsp", "/etc/haproxy/shop.pem.rsa", "/etc/haproxy/shop.pem.rsa.ocsp");
}

static void test_unusual_endings_stay_in_the_name(void **state)
{
    (void)state;
    expect("{name}", "/etc/ssl/www.example.com", "www.example.com");
    expect("{name}", "/etc/ssl/.pem", ".pem");
    expect("{name}", "/shop.pem", "shop");
    expect("{dir}/{stem}.ocsp", "/shop.pem", "/shop.ocsp");
}

static void test_digests_are_lower_case_hex(void **state)
{
    (void)state;
    expect("{serial}", "/x.pem", "009f01");
    expect("/s/{sha256}.ocsp", "/x.pem",
           "/s/abcd000000000000000000000000000000000000000000000000000000000000.ocsp");
}

static void test_no_certificate_leaves_digests_empty(void **state)
{
    struct buf buf = BUF_INIT(4096);

    (void)state;
    template_expand(&buf, "/s/{serial}{sha256}x", (struct place){"/x.pem", 0}, NULL);
    assert_string_equal(buf_text(&buf), "/s/x");
    buf_deinit(&buf);
}

static void test_good_templates_pass(void **state)
{
    (void)state;
    assert_null(template_check("{dir}/{stem}.ocsp"));
    assert_null(template_check("/run/clinch/{sha256}.der"));
    assert_null(template_check("{name}"));
    assert_null(template_check_path("/x/{name}..ocsp"));
    assert_null(template_check_name("site-{serial}"));
}

static void test_each_fault_is_told(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "empty"},
        {"/x/{nme}", "unknown placeholder"},
        {"/x/{}", "unknown placeholder"},
        {"/x/{name", "without a closing"},
        {"/x/name}", "without an opening"},
        {"/x/{a{b}}", "unknown placeholder"},
        {"x/{name}", "absolute"},
        {"{dir}x", "absolute"},
        {"./x", "absolute"},
        {"/x/../{name}", "\"..\""},
        {"{dir}/..", "\"..\""},
        {"/x/{dir}/y", "{dir}"},
        {"/x/", "folder"},
        {"..", "dot"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
        const char *fault = template_check(cases[i].text);

        if (!fault) {
            fail_msg("%s passed", cases[i].text);
        }
        assert_non_null(strstr(fault, cases[i].part));
    }
    assert_non_null(template_check_path("shop.ocsp"));
    assert_non_null(template_check_name("a/{name}"));
    assert_non_null(template_check_name("{dir}"));
    assert_non_null(template_check_name("x{dir}"));
}

static void test_only_digests_make_paths_unique(void **state)
{
    (void)state;
    assert_true(template_is_unique("/x/{sha256}"));
    assert_true(template_is_unique("/x/{name}-{serial}.ocsp"));
    assert_false(template_is_unique("{dir}/{stem}.ocsp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_certificate_file_gives_its_parts),
        cmocka_unit_test(test_lineage_folder_gives_the_name),
        cmocka_unit_test(test_haproxy_bundle_keeps_its_key_type),
        cmocka_unit_test(test_unusual_endings_stay_in_the_name),
        cmocka_unit_test(test_digests_are_lower_case_hex),
        cmocka_unit_test(test_no_certificate_leaves_digests_empty),
        cmocka_unit_test(test_good_templates_pass),
        cmocka_unit_test(test_each_fault_is_told),
        cmocka_unit_test(test_only_digests_make_paths_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
