/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/notify.h"

static char folder[] = "/tmp/clinch-notify-XXXXXX";
static int manager = -1;

static int make_manager(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    return 0;
}

static int drop_manager(void **state)
{
    (void)state;
    unlink(getenv("NOTIFY_SOCKET"));
    rmdir(folder);
    close(manager);
    return 0;
}

static void assert_told(const char *text)
{
    char got[500];
    ssize_t size = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);

#ifdef HAVE_SYSTEMD
    assert_true(size > 0);
    got[size] = 0;
    assert_string_equal(got, text);
#else
    (void)text;
    assert_int_equal(size, -1);
#endif
}

static void test_the_manager_is_told_of_each_state(void **state)
{
    (void)state;
    notify_ready();
    assert_told("READY=1");
    notify_reloading(123456);
    assert_told("RELOADING=1\nMONOTONIC_USEC=123456");
    notify_status("3 certificates");
    assert_told("STATUS=3 certificates");
    notify_watchdog();
    assert_told("WATCHDOG=1");
    notify_stopping();
    assert_told("STOPPING=1");
}

static void test_the_watchdog_is_fed_twice_as_often_as_it_bites(void **state)
{
    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
#ifdef HAVE_SYSTEMD
    assert_int_equal(notify_watchdog_ms(), 15000);
#endif
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(notify_watchdog_ms(), 0);
}

static void test_without_a_manager_nothing_happens(void **state)
{
    char *path = strdup(getenv("NOTIFY_SOCKET"));

    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    notify_ready();
    assert_int_equal(recv(manager, (char[10]){0}, 10, MSG_DONTWAIT), -1);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manager_is_told_of_each_state),
        cmocka_unit_test(test_the_watchdog_is_fed_twice_as_often_as_it_bites),
        cmocka_unit_test(test_without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests(tests, make_manager, drop_manager);
}
