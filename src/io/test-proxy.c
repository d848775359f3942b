/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "io/proxy.h"

static const char *const *variables; /* name, value, name, value, NULL */

static char *environment(const char *name)
{
    for (const char *const *at = variables; at && *at; at += 2) {
        if (strcmp(*at, name) == 0) {
            return (char *)at[1];
        }
    }
    return NULL;
}

static void assert_choice(const char *configured, const char *scheme, const char *host,
                          const char *proxy)
{
    assert_string_equal(proxy_choose(configured, scheme, host, environment), proxy);
}

static void test_the_environment_is_used_when_nothing_is_configured(void **state)
{
    static const char *const set[] = {"http_proxy", "p:1", "HTTPS_PROXY", "p:2", NULL};

    (void)state;
    variables = NULL;
    assert_choice(NULL, "http", "a.example", "");
    variables = set;
    assert_choice(NULL, "http", "a.example", "p:1");
    assert_choice(NULL, "https", "a.example", "p:2");
    assert_choice("q:3", "https", "a.example", "q:3");
    assert_choice("", "http", "a.example", "");
}

static void test_an_upper_case_http_proxy_is_not_trusted(void **state)
{
    static const char *const set[] = {"HTTP_PROXY", "evil:1", NULL};

    (void)state;
    variables = set;
    assert_choice(NULL, "http", "a.example", "");
}

static void test_all_proxy_is_the_last_resort_and_empty_is_unset(void **state)
{
    static const char *const set[] = {"http_proxy", "",    "https_proxy", "",
                                      "ALL_PROXY",  "p:9", NULL};

    (void)state;
    variables = set;
    assert_choice(NULL, "http", "a.example", "p:9");
    assert_choice(NULL, "https", "a.example", "p:9");
}

static void test_no_proxy_also_exempts_from_a_configured_proxy(void **state)
{
    static const char *const set[] = {"http_proxy", "p:1", "no_proxy", "inside.example", NULL};

    (void)state;
    variables = set;
    assert_choice(NULL, "http", "ocsp.inside.example", "");
    assert_choice("q:3", "http", "ocsp.inside.example", "");
    assert_choice("q:3", "http", "ocsp.outside.example", "q:3");
}

static void test_lists_of_exceptions_match_names_addresses_and_blocks(void **state)
{
    static const char list[] = "a.example, .b.example,10.0.0.0/8 192.0.2.7,,\t2001:db8::/32,[::1]";
    static const char *const in[] = {"a.example",   "A.EXAMPLE.", "x.a.example", "b.example",
                                     "x.b.example", "10.1.2.3",   "192.0.2.7",   "[2001:db8::5]",
                                     "2001:db8::5", "[::1]"};
    static const char *const out[] = {"xa.example",    "example",       "11.0.0.1", "192.0.2.8",
                                      "[2001:db9::5]", "a.example.net", "",         "0.0.0.0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
        assert_true(proxy_list_has(list, in[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(out); i++) {
        assert_false(proxy_list_has(list, out[i]));
    }
    assert_true(proxy_list_has("x, *", "anything.example"));
    assert_true(proxy_list_has("0.0.0.0/0", "10.1.2.3"));
}

static void test_junk_in_a_list_of_exceptions_matches_nothing(void **state)
{
    static const char *const lists[] = {"",
                                        ",",
                                        ".",
                                        "10.0.0.0/33",
                                        "10.0.0.0/",
                                        "10.0.0.0/x",
                                        "10.0.0.0/-1",
                                        "/8",
                                        "10.0.0.0/99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        assert_false(proxy_list_has(lists[i], "10.0.0.1"));
        assert_false(proxy_list_has(lists[i], "a.example"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_environment_is_used_when_nothing_is_configured),
        cmocka_unit_test(test_an_upper_case_http_proxy_is_not_trusted),
        cmocka_unit_test(test_all_proxy_is_the_last_resort_and_empty_is_unset),
        cmocka_unit_test(test_no_proxy_also_exempts_from_a_configured_proxy),
        cmocka_unit_test(test_lists_of_exceptions_match_names_addresses_and_blocks),
        cmocka_unit_test(test_junk_in_a_list_of_exceptions_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
