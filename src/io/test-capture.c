/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "io/capture.h"

#define LIMIT_MS 20000

static struct capture run(const char *script, int64_t limit_ms)
{
    const char *const program[] = {"/bin/sh", "-c", script, NULL};
    struct capture capture;

    assert_int_equal(capture_run(program, limit_ms, &capture), 0);
    return capture;
}

static void test_output_stays_as_it_is_and_errors_become_clauses(void **state)
{
    struct capture capture =
        run("printf 'a\\tb\\n\\nc'; printf 'one\\n\\033two\\n' >&2; exit 3", LIMIT_MS);

    (void)state;
    assert_int_equal(capture.exit_code, 3);
    assert_false(capture.timed_out);
    assert_string_equal(buf_text(&capture.output), "a\tb\n\nc");
    assert_string_equal(buf_text(&capture.said), "one; ?two");
    capture_deinit(&capture);
}

static void test_long_output_is_kept_whole(void **state)
{
    struct capture capture = run("head -c 3000000 /dev/zero | tr '\\0' x", LIMIT_MS);

    (void)state;
    assert_int_equal(capture.exit_code, 0);
    assert_int_equal(capture.output.size, 3000000);
    capture_deinit(&capture);
}

static void test_endless_output_is_cut_off(void **state)
{
    struct capture capture = run("yes", LIMIT_MS);

    (void)state;
    assert_int_equal(buf_status(&capture.output), BUF_E_FULL);
    assert_int_equal(capture.exit_code, -1);
    assert_false(capture.timed_out);
    capture_deinit(&capture);
}

static void test_what_hangs_is_ended_with_its_children(void **state)
{
    struct capture capture;
    int child, status;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* we see the orphan end */
    capture = run("trap '' TERM; sleep 600 & echo $!; sleep 600", 3000);
    assert_true(capture.timed_out);
    assert_int_equal(capture.exit_code, -1);
    child = (int)strtol(buf_text(&capture.output), NULL, 10);
    assert_true(child > 1);
    if (waitpid(child, &status, 0) == child) {
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    } else { /* the shell saw it end before its own end */
        assert_int_equal(errno, ECHILD);
        assert_int_equal(kill(child, 0), -1);
    }
    capture_deinit(&capture);
}

static void test_a_program_that_is_not_there_is_an_error(void **state)
{
    const char *const program[] = {"/nonexistent/nginx", "-T", NULL};
    struct capture capture;

    (void)state;
    assert_int_equal(capture_run(program, LIMIT_MS, &capture), -ENOENT);
}

static void test_input_is_empty_and_signals_are_default(void **state)
{
    struct capture capture;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    capture = run("cat; kill -PIPE $$; echo still", LIMIT_MS);
    assert_string_equal(buf_text(&capture.output), "");
    assert_int_equal(capture.exit_code, -1);
    capture_deinit(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_stays_as_it_is_and_errors_become_clauses),
        cmocka_unit_test(test_long_output_is_kept_whole),
        cmocka_unit_test(test_endless_output_is_cut_off),
        cmocka_unit_test(test_what_hangs_is_ended_with_its_children),
        cmocka_unit_test(test_a_program_that_is_not_there_is_an_error),
        cmocka_unit_test(test_input_is_empty_and_signals_are_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
