/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/clients.h"

#define ON(name_) CLIENT_BIT(CLIENT_##name_)

static void test_audiences_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint32_t audience;
        const char *again;
    } rows[] = {
        {"all", AUDIENCE_ALL, "all"},
        {"browsers", AUDIENCE_BROWSERS, "browsers"},
        {"rfc6960", 0, "rfc6960"},
        {"apple,firefox, chromium", AUDIENCE_BROWSERS, "browsers"},
        {" gnutls  java,", ON(GNUTLS) | ON(JAVA), "gnutls, java"},
        {"browsers rfc6960 rhel", AUDIENCE_BROWSERS | ON(RHEL), "firefox, chromium, apple, rhel"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buf buf = BUF_INIT(1024);
        uint32_t audience = 77;

        assert_int_equal(audience_parse(rows[i].text, &audience, &buf), 0);
        assert_int_equal(audience, rows[i].audience);
        audience_put(&buf, audience);
        assert_string_equal(buf_text(&buf), rows[i].again);
        buf_deinit(&buf);
    }
}

static void test_an_unknown_client_is_named_and_the_known_ones_too(void **state)
{
    static const char *const texts[] = {"java-hard", "Firefox", "gnutls;java", "", " , "};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf fault = BUF_INIT(1024);
        uint32_t audience = 77;

        assert_int_equal(audience_parse(texts[i], &audience, &fault), AUDIENCE_E_UNKNOWN);
        assert_int_equal(audience, 77);
        assert_non_null(strstr(buf_text(&fault), i < 3 ? texts[i] : "names nobody"));
        assert_non_null(strstr(buf_text(&fault), "known are all browsers rfc6960 firefox"));
        buf_deinit(&fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audiences_are_read_and_written),
        cmocka_unit_test(test_an_unknown_client_is_named_and_the_known_ones_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
