/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "core/clock.h"

#define DAY  86400
#define YEAR (365 * INT64_C(86400))
#define NOW  INT64_C(1800000000)

/* A machine with its two clocks, and what is thought of them. */
struct machine {
    struct policy policy;
    struct clock clock;
    struct instant now;
    bool careful;
    int64_t off_s; /* of the last step */
};

static enum clock_change follow(struct machine *machine)
{
    return clock_follow(&machine->clock, &machine->policy, machine->now, machine->careful,
                        &machine->off_s);
}

static enum clock_change pass_s(struct machine *machine, int64_t seconds)
{
    machine->now.wall_s += seconds;
    machine->now.mono_ms += seconds * 1000;
    return follow(machine);
}

/* It is set by @off_s, and a moment passes. */
static enum clock_change set(struct machine *machine, int64_t off_s)
{
    machine->now.wall_s += off_s;
    machine->now.mono_ms += 1;
    return follow(machine);
}

static int64_t believed(const struct machine *machine)
{
    return clock_believed(&machine->clock, machine->now).wall_s;
}

/* The wall clock is read in whole seconds. */
static void assert_near(int64_t seconds, int64_t expected)
{
    assert_true(seconds >= expected - 1 && seconds <= expected + 1);
}

static void start(struct machine *machine, bool careful)
{
    *machine =
        (struct machine){.policy = policy_default(), .now = {NOW, 5000000}, .careful = careful};
    assert_int_equal(follow(machine), CLOCK_STEADY);
    assert_int_equal(believed(machine), NOW);
    assert_int_equal(clock_deadline_ms(&machine->clock, machine->now), INSTANT_NEVER);
}

static void test_clock_that_runs_is_believed_as_it_is(void **state)
{
    struct machine machine;
    struct rng rng = {4};

    (void)state;
    start(&machine, true);
    for (int i = 0; i < 100000; i++) {
        int64_t ms = (int64_t)rng_below(&rng, 40000);

        /* Read in whole seconds, while the other counts milliseconds. */
        machine.now.mono_ms += ms;
        machine.now.wall_s = NOW + (machine.now.mono_ms - 5000000) / 1000;
        assert_int_equal(follow(&machine), CLOCK_STEADY);
        assert_int_equal(believed(&machine), machine.now.wall_s);
    }
}

static void test_drift_and_small_steps_are_believed_at_once(void **state)
{
    static const int64_t steps[] = {2, -2, 60, -60, 299, -299};
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        start(&machine, true);
        assert_int_equal(set(&machine, steps[i]), CLOCK_MOVED);
        assert_near(machine.off_s, steps[i]);
        assert_int_equal(believed(&machine), machine.now.wall_s);
        assert_int_equal(pass_s(&machine, 10), CLOCK_STEADY);
    }
    /* A clock that runs wrong by a second in ten is followed, never doubted. */
    start(&machine, true);
    for (int i = 0; i < 10000; i++) {
        machine.now.wall_s += i % 10 == 0;
        assert_int_not_equal(pass_s(&machine, 1), CLOCK_JUMPED);
        assert_int_equal(believed(&machine), machine.now.wall_s);
    }
}

static const int64_t jumps[] = {301,  3600,  DAY,  YEAR,  100 * YEAR,
                                -301, -3600, -DAY, -YEAR, -100 * YEAR};

static void test_jump_with_nothing_to_lose_is_believed(void **state)
{
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        start(&machine, false);
        assert_int_equal(set(&machine, jumps[i]), CLOCK_MOVED);
        assert_near(machine.off_s, jumps[i]);
        assert_int_equal(believed(&machine), NOW + jumps[i]);
    }
}

static void test_jump_is_doubted_and_time_goes_on_as_before(void **state)
{
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        start(&machine, true);
        assert_int_equal(set(&machine, jumps[i]), CLOCK_JUMPED);
        assert_near(machine.off_s, jumps[i]);
        assert_near(believed(&machine), NOW);
        for (int j = 0; j < 60; j++) {
            assert_int_equal(pass_s(&machine, 59), CLOCK_STEADY);
            assert_near(believed(&machine), NOW + 59 * (j + 1));
        }
        /* Set back again: the doubt is over without a trace. */
        assert_int_equal(set(&machine, -jumps[i]), CLOCK_RETURNED);
        assert_int_equal(believed(&machine), machine.now.wall_s);
        assert_int_equal(clock_deadline_ms(&machine.clock, machine.now), INSTANT_NEVER);
        assert_int_equal(pass_s(&machine, 1), CLOCK_STEADY);
    }
}

static void test_clock_that_comes_nearly_back_is_believed_again(void **state)
{
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        start(&machine, true);
        set(&machine, jumps[i]);
        pass_s(&machine, 1000);
        assert_int_equal(set(&machine, i % 2 ? 100 - jumps[i] : -100 - jumps[i]), CLOCK_RETURNED);
        assert_int_equal(believed(&machine), machine.now.wall_s);
        assert_int_equal(pass_s(&machine, 1), CLOCK_STEADY);
    }
}

static void test_doubt_ends_by_itself_only_forward(void **state)
{
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        bool forward = jumps[i] > 0;

        start(&machine, true);
        set(&machine, jumps[i]);
        assert_int_equal(clock_deadline_ms(&machine.clock, machine.now),
                         forward ? machine.now.mono_ms + 3600000 : INSTANT_NEVER);
        assert_int_equal(pass_s(&machine, 3599), CLOCK_STEADY);
        assert_int_equal(pass_s(&machine, 1), forward ? CLOCK_MOVED : CLOCK_STEADY);
        assert_int_equal(pass_s(&machine, 100 * DAY), CLOCK_STEADY);
        assert_near(believed(&machine), NOW + 3600 + 100 * DAY + (forward ? jumps[i] : 0));
    }
}

static void test_evidence_against_the_jump_makes_the_doubt_longer(void **state)
{
    struct machine machine;

    (void)state;
    start(&machine, true);
    set(&machine, YEAR);
    clock_contradict(&machine.clock, machine.now);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pass_s(&machine, 3600), CLOCK_STEADY);
    }
    assert_int_equal(clock_deadline_ms(&machine.clock, machine.now), INSTANT_NEVER);
    set(&machine, DAY); /* set once more, it may be right now */
    assert_int_equal(pass_s(&machine, 3599), CLOCK_STEADY);
    assert_int_equal(pass_s(&machine, 1), CLOCK_MOVED);
}

static void test_evidence_for_the_jump_ends_the_doubt(void **state)
{
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
        start(&machine, true);
        set(&machine, jumps[i]);
        pass_s(&machine, 100);
        assert_near(clock_believe(&machine.clock, machine.now), jumps[i]);
        assert_int_equal(believed(&machine), machine.now.wall_s);
        assert_int_equal(pass_s(&machine, 100), CLOCK_STEADY);
        assert_int_equal(believed(&machine), machine.now.wall_s);
    }
}

static void test_doubt_does_not_end_because_nothing_is_shown_any_more(void **state)
{
    struct machine machine;

    (void)state;
    /* What was shown came to its end by the time believed: a clock that was set back must not bring
     * it to life again. */
    start(&machine, true);
    set(&machine, -DAY);
    machine.careful = false;
    assert_int_equal(pass_s(&machine, 10), CLOCK_STEADY);
    assert_near(believed(&machine), NOW + 10);
    /* Nor forward: that takes its hour. */
    start(&machine, true);
    set(&machine, DAY);
    machine.careful = false;
    assert_int_equal(pass_s(&machine, 10), CLOCK_STEADY);
    assert_int_equal(pass_s(&machine, 3590), CLOCK_MOVED);
}

static void test_second_jump_is_doubted_for_as_long_as_the_first(void **state)
{
    struct machine machine;

    (void)state;
    start(&machine, true);
    assert_int_equal(set(&machine, -DAY), CLOCK_JUMPED);
    assert_int_equal(pass_s(&machine, 2 * 3600), CLOCK_STEADY);
    /* Long after the first one's hour: it must not be believed at once. */
    assert_int_equal(set(&machine, 2 * DAY), CLOCK_JUMPED);
    assert_near(machine.off_s, DAY);
    assert_near(believed(&machine), NOW + 7200);
    assert_int_equal(pass_s(&machine, 3590), CLOCK_STEADY);
    /* A third one in the last seconds begins anew, too. */
    assert_int_equal(set(&machine, YEAR), CLOCK_JUMPED);
    assert_int_equal(pass_s(&machine, 3590), CLOCK_STEADY);
    /* A clock that is trimmed meanwhile is no jump. */
    assert_int_equal(set(&machine, 3), CLOCK_STEADY);
    assert_int_equal(pass_s(&machine, 11), CLOCK_MOVED);
    assert_int_equal(believed(&machine), machine.now.wall_s);
}

static void test_wild_clocks_do_not_overflow(void **state)
{
    static const int64_t walls[] = {INT64_MIN, INT64_MIN + 1, -NOW,     0,
                                    NOW,       INT64_MAX - 1, INT64_MAX};
    struct machine machine;
    struct rng rng = {8};

    (void)state;
    start(&machine, true);
    for (int i = 0; i < 100000; i++) {
        machine.careful = rng_below(&rng, 2);
        machine.now.wall_s = rng_below(&rng, 2) ? walls[rng_below(&rng, ARRAY_SIZE(walls))]
                                                : (int64_t)rng_next(&rng);
        machine.now.mono_ms += (int64_t)rng_below(&rng, 5000000);
        follow(&machine);
        if (machine.clock.doubted && rng_below(&rng, 5) == 0) {
            clock_contradict(&machine.clock, machine.now);
        } else if (rng_below(&rng, 5) == 0) {
            clock_believe(&machine.clock, machine.now);
        }
        assert_true(machine.clock.doubted || believed(&machine) == machine.now.wall_s);
        assert_true(machine.clock.doubted ||
                    clock_deadline_ms(&machine.clock, machine.now) == INSTANT_NEVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_that_runs_is_believed_as_it_is),
        cmocka_unit_test(test_drift_and_small_steps_are_believed_at_once),
        cmocka_unit_test(test_jump_with_nothing_to_lose_is_believed),
        cmocka_unit_test(test_jump_is_doubted_and_time_goes_on_as_before),
        cmocka_unit_test(test_clock_that_comes_nearly_back_is_believed_again),
        cmocka_unit_test(test_doubt_ends_by_itself_only_forward),
        cmocka_unit_test(test_evidence_against_the_jump_makes_the_doubt_longer),
        cmocka_unit_test(test_evidence_for_the_jump_ends_the_doubt),
        cmocka_unit_test(test_doubt_does_not_end_because_nothing_is_shown_any_more),
        cmocka_unit_test(test_second_jump_is_doubted_for_as_long_as_the_first),
        cmocka_unit_test(test_wild_clocks_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
