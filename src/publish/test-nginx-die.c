/* SPDX-License-Identifier: Apache-2.0 */

/* Dying at every point. */

#include "publish/test-nginx.h"

static void play_first(void)
{
    publish("/ssl/site.pem", 1, UNTIL_S);
    pass(2000);
}

static void play_refresh(void)
{
    play_first();
    publish("/ssl/site.pem", 1, UNTIL_S + 9);
    pass(3700 * 1000);
}

static void play_renewal(void)
{
    play_first();
    publish("/ssl/site.pem", 2, UNTIL_S);
    pass(3000);
    withdraw("/ssl/site.pem", 1, true);
    pass(3000);
}

static void play_renewal_withdrawn_first(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, true);
    pass(3000);
    publish("/ssl/site.pem", 2, UNTIL_S);
    pass(3000);
}

static void play_withdrawal(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, false);
    pass(5000);
}

static void play_back_again(void)
{
    play_first();
    withdraw("/ssl/site.pem", 1, false);
    pass(50);
    publish("/ssl/site.pem", 1, UNTIL_S + 9);
    pass(5000);
}

struct play {
    void (*play)(void);
    uint8_t serial; /* what is shown at its end; 0: nothing */
    int64_t until_s;
};

static const struct play plays[] = {
    {play_first, 1, UNTIL_S},   {play_refresh, 1, UNTIL_S + 9},
    {play_renewal, 2, UNTIL_S}, {play_renewal_withdrawn_first, 2, UNTIL_S},
    {play_withdrawal, 0, 0},    {play_back_again, 1, UNTIL_S + 9},
};

/* Plays in a child that dies instead of change number @at. True when it came to the end. */
static bool play_and_die(const struct play *play, unsigned at)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        uv_loop_fork(&world.loop);
        open_store();
        start();
        steps_left = at;
        is_mortal = true;
        play->play();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
    return WEXITSTATUS(status) == 0;
}

/* The next run finds things as the dead one left them, and wants what @play ends with. */
static void recover(const struct play *play)
{
    open_store();
    start();
    assert_true(nginx_starts());
    if (play->serial) {
        publish("/ssl/site.pem", play->serial, play->until_s);
    } else {
        withdraw("/ssl/site.pem", 1, false);
    }
    pass(3700 * 1000);
    if (play->serial) {
        assert_true(test_exists(in_folder("site.conf")));
        assert_true(test_shows(in_folder("site.ocsp"), play->serial, play->until_s));
        assert_true(test_shows(shown, play->serial, play->until_s));
        assert_int_equal(test_count_files(folder), 2);
    } else {
        assert_false(test_exists(shown));
        assert_int_equal(test_count_files(folder), 0);
    }
    assert_false(runner_failing(runner));
    stop();
    close_store();
}

static void die_everywhere(void **state, bool disk)
{
    for (size_t i = 0; i < ARRAY_SIZE(plays); ++i) {
        bool is_whole = false;
        unsigned at;

        for (at = 1; !is_whole; ++at) {
            begin(state);
            on_disk = disk;
            is_whole = play_and_die(&plays[i], at);
            if (!nginx_starts()) {
                fail_msg("play %zu: nginx does not start after step %u", i, at);
            }
            recover(&plays[i]);
            end(state);
            assert_true(at < 100);
        }
        assert_true(at > 4); /* it did die on the way */
    }
}

static void test_nginx_starts_wherever_clinch_died_on_a_disk(void **state)
{
    die_everywhere(state, true);
}

static void test_nginx_starts_wherever_clinch_died_in_memory(void **state)
{
    die_everywhere(state, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nginx_starts_wherever_clinch_died_on_a_disk),
        cmocka_unit_test(test_nginx_starts_wherever_clinch_died_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
