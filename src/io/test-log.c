/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include <errno.h>
#include <pty.h>

#include "io/clock.h"
#include "io/log.h"

static struct log plain(void)
{
    struct log log;

    unsetenv("JOURNAL_STREAM");
    log_open(&log);
    return log;
}

static void test_a_line_in_a_file_has_a_time_and_a_level(void **state)
{
    struct log log = plain();
    const char *text;
    int year, month, day, hour, minute, second, end = 0;

    log_say(&log, NOTE_WARNING, "%s is empty", "/etc/x.pem");
    text = test_told(*state);
    assert_int_equal(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2dZ %n", &year, &month, &day, &hour,
                            &minute, &second, &end),
                     6);
    assert_string_equal(text + end, "warning: /etc/x.pem is empty\n");
    log_say(&log, NOTE_ERROR, "x");
    assert_string_equal(test_told(*state) + end, "error: x\n");
    log_say(&log, NOTE_INFO, "x");
    assert_string_equal(test_told(*state) + end, "x\n");
}

static void test_the_least_level_is_obeyed(void **state)
{
    struct log log = plain();

    log_say(&log, NOTE_DEBUG, "x");
    assert_string_equal(test_told(*state), "");
    log.least = NOTE_DEBUG;
    log_say(&log, NOTE_DEBUG, "x");
    assert_non_null(strstr(test_told(*state), "debug: x\n"));
}

static void test_the_journal_gets_priorities_and_no_times(void **state)
{
    struct log log;
    struct stat st;
    char name[64];

    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_open(&log);
    assert_true(log.journal);
    log_say(&log, NOTE_INFO, "a");
    log_say(&log, NOTE_WARNING, "b");
    log_say(&log, NOTE_ERROR, "c");
    assert_string_equal(test_told(*state), "<6>a\n<4>b\n<3>c\n");
    setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's */
    log_open(&log);
    assert_false(log.journal);
    unsetenv("JOURNAL_STREAM");
}

static void test_a_name_cannot_forge_a_line(void **state)
{
    struct log log = plain();
    const char *text;

    log_say(&log, NOTE_INFO, "%s",
            "a\nb\033[31m\x9b"
            "c\r");
    text = test_told(*state);
    assert_int_equal(test_lines(text), 1);
    assert_non_null(strstr(text, "a b?[31m?c?\n"));
}

static void test_a_line_is_never_longer_than_the_limit(void **state)
{
    struct log log = plain();
    char *word = malloc(100000);
    const char *text;

    assert_non_null(word);
    memset(word, 'x', 99999);
    word[99999] = 0;
    log_say(&log, NOTE_INFO, "%s", word);
    text = test_told(*state);
    assert_true(strlen(text) <= LOG_LINE_MAX);
    assert_true(strlen(text) > LOG_LINE_MAX - 64);
    assert_string_equal(text + strlen(text) - 5, "x...\n");
    free(word);
}

static void test_saying_leaves_errno_alone(void **state)
{
    struct log log = plain();

    (void)state;
    errno = EXDEV;
    log_say(&log, NOTE_INFO, "x");
    assert_int_equal(errno, EXDEV);
}

static void test_a_note_is_written_with_its_own_time(void **state)
{
    struct log log = plain();
    struct note note = {.kind = NOTE_PLAIN,
                        .level = NOTE_WARNING,
                        .detail = "all is lost",
                        .wall_s = 1795442585,
                        .next_try_s = INSTANT_NEVER};

    log_note(&log, &note);
    assert_string_equal(test_told(*state), "2026-11-23 14:03:05Z warning: all is lost\n");
}

static void test_colour_is_for_terminals_without_no_color(void **state)
{
    struct test_dir *dir = *state;
    struct log log;
    int outer, inner;
    char text[256] = "";

    assert_false(plain().colour);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    if (openpty(&outer, &inner, NULL, NULL, NULL)) {
        skip();
    }
    dup2(inner, STDERR_FILENO);
    log_open(&log);
    log_say(&log, NOTE_WARNING, "x");
    setenv("NO_COLOR", "1", 1);
    assert_true(read(outer, text, sizeof(text) - 1) > 0);
    assert_true(log.colour);
    log_open(&log);
    assert_false(log.colour);
    dup2(dir->told, STDERR_FILENO);
    assert_non_null(strstr(text, "\033[33mwarning: \033[0mx"));
    close(outer);
    close(inner);
}

static void test_the_clocks_go_forward_and_agree_with_the_system(void **state)
{
    struct instant a = clock_now(), b = clock_now();

    (void)state;
    assert_true(a.wall_s > 1700000000);
    assert_true(b.mono_ms >= a.mono_ms);
    assert_true(a.mono_ms > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_in_a_file_has_a_time_and_a_level,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_least_level_is_obeyed, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_journal_gets_priorities_and_no_times,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_name_cannot_forge_a_line, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_line_is_never_longer_than_the_limit, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_saying_leaves_errno_alone, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_note_is_written_with_its_own_time, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_colour_is_for_terminals_without_no_color,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_clocks_go_forward_and_agree_with_the_system,
                                        test_dir_setup, test_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
