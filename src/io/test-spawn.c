/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/spawn.h"

#define LIMIT_MS 20000

struct seen {
    unsigned times;
    struct spawn_result result;
    char output[8 * LIMIT_COMMAND_OUTPUT];
};

static void on_done(void *context, const struct spawn_result *result)
{
    struct seen *seen = context;

    seen->times++;
    seen->result = *result;
    assert_true(strlen(result->output) < sizeof(seen->output));
    memcpy(seen->output, result->output, strlen(result->output) + 1);
}

static void run(const char *command, int64_t limit_ms, struct seen *seen)
{
    uv_loop_t loop;

    memset(seen, 0, sizeof(*seen));
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(spawn_run(&loop, command, limit_ms, on_done, seen), 0);
    assert_int_equal(seen->times, 0); /* never from inside */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing left open */
    assert_int_equal(seen->times, 1);
}

static void test_output_of_both_streams_and_exit_code_are_told(void **state)
{
    static struct seen seen;

    (void)state;
    run("echo one; echo two >&2; exit 3", LIMIT_MS, &seen);
    assert_int_equal(seen.result.exit_code, 3);
    assert_int_equal(seen.result.signal, 0);
    assert_false(seen.result.timed_out);
    assert_string_equal(seen.output, "one; two");
}

static void test_a_command_without_output_is_done(void **state)
{
    static struct seen seen;

    (void)state;
    run("true", LIMIT_MS, &seen);
    assert_int_equal(seen.result.exit_code, 0);
    assert_string_equal(seen.output, "");
}

static void test_a_missing_command_says_so(void **state)
{
    static struct seen seen;

    (void)state;
    run("/nonexistent/nginx -t", LIMIT_MS, &seen);
    assert_int_equal(seen.result.exit_code, 127);
    assert_non_null(strstr(seen.output, "not found"));
}

static void test_standard_input_is_empty(void **state)
{
    static struct seen seen;

    (void)state;
    run("cat; echo end; readlink /proc/self/fd/0", LIMIT_MS, &seen);
    assert_string_equal(seen.output, "end; /dev/null");
}

static void test_a_signal_that_ended_it_is_told(void **state)
{
    static struct seen seen;

    (void)state;
    run("echo x; kill -9 $$", LIMIT_MS, &seen);
    assert_int_equal(seen.result.exit_code, -1);
    assert_int_equal(seen.result.signal, SIGKILL);
    assert_false(seen.result.timed_out);
    assert_string_equal(seen.output, "x");
}

static void test_the_last_of_a_flood_is_kept(void **state)
{
    static struct seen seen;

    (void)state;
    run("i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); done; echo the end", LIMIT_MS,
        &seen);
    assert_int_equal(seen.result.exit_code, 0);
    assert_memory_equal(seen.output, "...", 3);
    assert_string_equal(strstr(seen.output, "line 3999"), "line 3999; the end");
    assert_null(strstr(seen.output, "line 100;"));
}

static void test_unprintable_output_is_made_printable(void **state)
{
    static struct seen seen;

    (void)state;
    run("printf 'a\\033[31mb\\000c\\r\\n\\n\\nd\\n'", LIMIT_MS, &seen);
    assert_string_equal(seen.output, "a?[31mb?c; d");
}

static void test_a_hanging_command_is_ended_with_its_whole_group(void **state)
{
    static struct seen seen;
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* orphans become children of ours */
    run("sleep 1000 & echo $!; wait", 100, &seen);
    assert_true(seen.result.timed_out);
    assert_int_equal(seen.result.exit_code, -1);
    assert_int_equal(seen.result.signal, SIGTERM);
    child = (pid_t)strtol(seen.output, NULL, 10);
    assert_true(child > 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_a_command_that_ignores_sigterm_is_killed(void **state)
{
    static struct seen seen;

    (void)state;
    run("trap '' TERM; echo stubborn; while :; do sleep 1000; done", 100, &seen);
    assert_true(seen.result.timed_out);
    assert_int_equal(seen.result.signal, SIGKILL);
    assert_string_equal(seen.output, "stubborn");
}

static void test_a_cancelled_command_is_ended_soon(void **state)
{
    static struct seen seen;
    const struct spawn_order order = {
        .command = "trap '' TERM; echo x; while :; do sleep 1000; done",
        .limit_ms = LIMIT_MS,
        .done = on_done,
        .context = &seen,
    };
    struct spawn *spawn;
    uv_loop_t loop;
    uint64_t begun_ns = uv_hrtime();

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(spawn_start(&spawn, &loop, &order), 0);
    spawn_cancel(spawn);
    spawn_cancel(spawn);
    assert_int_equal(seen.times, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(seen.times, 1);
    assert_true(seen.result.signal == SIGTERM || seen.result.signal == SIGKILL);
    assert_true(uv_hrtime() - begun_ns < 3000000000U);
}

static void test_a_daemon_it_leaves_behind_does_not_hold_it_up(void **state)
{
    static struct seen seen;
    long child;

    (void)state;
    run("sleep 1000 & echo $!; exit 0", LIMIT_MS, &seen);
    assert_int_equal(seen.result.exit_code, 0);
    assert_false(seen.result.timed_out);
    child = strtol(seen.output, NULL, 10);
    assert_true(child > 1);
    assert_int_equal(kill((pid_t)child, SIGKILL), 0); /* it was left alone */
}

static void test_signals_of_the_parent_are_not_inherited(void **state)
{
    static struct seen seen;
    const char *blocked, *ignored;
    sigset_t set, old;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
    run("grep -E '^Sig(Blk|Ign)' /proc/self/status", LIMIT_MS, &seen);
    assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    blocked = strstr(seen.output, "SigBlk:?");
    ignored = strstr(seen.output, "SigIgn:?");
    assert_non_null(blocked);
    assert_non_null(ignored);
    /* Signals 1 to 31; above, GNU make leaves some ignored that the C library keeps for itself. */
    assert_int_equal(strtoull(blocked + 8, NULL, 16) & 0x7fffffff, 0);
    assert_int_equal(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0);
}

static void test_many_commands_run_at_once(void **state)
{
    static struct seen seen[50];
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(spawn_run(&loop, "echo out; exit 7", LIMIT_MS, on_done, &seen[i]), 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(seen[i].times, 1);
        assert_int_equal(seen[i].result.exit_code, 7);
        assert_string_equal(seen[i].output, "out");
    }
}

static void test_the_waiting_variant_tells_the_same(void **state)
{
    struct spawn_result result;
    struct buf output = BUF_INIT(64 * 1024);

    (void)state;
    assert_int_equal(spawn_run_now("echo hello; exit 4", LIMIT_MS, &result, &output), 0);
    assert_int_equal(result.exit_code, 4);
    assert_string_equal(result.output, "hello");
    buf_clear(&output);
    assert_int_equal(spawn_run_now("sleep 1000", 50, &result, &output), 0);
    assert_true(result.timed_out);
    buf_deinit(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_of_both_streams_and_exit_code_are_told),
        cmocka_unit_test(test_a_command_without_output_is_done),
        cmocka_unit_test(test_a_missing_command_says_so),
        cmocka_unit_test(test_standard_input_is_empty),
        cmocka_unit_test(test_a_signal_that_ended_it_is_told),
        cmocka_unit_test(test_the_last_of_a_flood_is_kept),
        cmocka_unit_test(test_unprintable_output_is_made_printable),
        cmocka_unit_test(test_a_hanging_command_is_ended_with_its_whole_group),
        cmocka_unit_test(test_a_command_that_ignores_sigterm_is_killed),
        cmocka_unit_test(test_a_cancelled_command_is_ended_soon),
        cmocka_unit_test(test_a_daemon_it_leaves_behind_does_not_hold_it_up),
        cmocka_unit_test(test_signals_of_the_parent_are_not_inherited),
        cmocka_unit_test(test_many_commands_run_at_once),
        cmocka_unit_test(test_the_waiting_variant_tells_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
