/* SPDX-License-Identifier: Apache-2.0 */

/* Lines, places, turns and rates. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/test-alloc.h"
#include "core/test-responder.h"

static void test_responders_are_told_apart_by_scheme_host_and_port(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    assert_int_equal(find(&play, "HTTP://ONE.example/other?q"), play.one);
    assert_int_equal(find(&play, "http://one.example"), play.one);
    assert_int_equal(find(&play, "http://one.example?q"), play.one);
    assert_int_equal(find(&play, "http://one.example:80/x"), play.one);
    assert_int_not_equal(find(&play, "https://one.example/x"), play.one);
    assert_int_equal(find(&play, "https://one.example:443"), find(&play, "https://one.example/x"));
    assert_int_not_equal(find(&play, "http://one.example:8080/x"), play.one);
    assert_string_equal(play.responders.list[find(&play, "http://me:pass@one.example/x")].key,
                        "http://*******@one.example");
    assert_int_not_equal(find(&play, "http://one.example.net/x"), play.one);
    assert_int_equal(play.responders.count, 5);
    play_close(&play);
}

static void test_many_responders_are_found_again(void **state)
{
    struct play play;
    char url[40];

    (void)state;
    play_open(&play);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            snprintf(url, sizeof(url), "http://h%u.example/", i);
            assert_int_equal(find(&play, url), i + 1);
        }
    }
    play_close(&play);
}

static void test_bare_ones_go_first_then_whose_staple_ends_soonest(void **state)
{
    static const struct {
        uint32_t entry;
        int64_t after_s; /* of when it comes */
        int64_t end_s;
    } line[] = {
        {1, 0, NOW + 9 * HOUR}, {2, 0, NOW + 3 * HOUR}, {3, 0, RESPONDER_BARE},
        {4, 1, NOW + 5 * HOUR}, {0, 1, RESPONDER_BARE}, {6, 0, NOW - HOUR},
    };
    static const uint32_t order[] = {3, 0, 6, 2, 4, 1};
    struct play play;

    (void)state;
    play_open_known(&play);
    for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
        pass_ms(&play, line[i].after_s * 1000);
        stand_in_line(&play, play.one, line[i].entry, line[i].end_s);
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        assert_int_equal(responder_first(&play.responders, play.one), order[i]);
        assert_int_equal(next(&play), order[i]);
    }
    assert_int_equal(next(&play), RESPONDER_NONE);
    assert_int_equal(responder_first(&play.responders, play.one), RESPONDER_NONE);
    play_close(&play);
}

static void test_whoever_comes_again_has_another_place_in_the_line(void **state)
{
    struct play play;

    (void)state;
    play_open_known(&play);
    for (uint32_t i = 1; i < 4; i++) {
        stand_in_line(&play, play.one, i, NOW + i * HOUR);
    }
    alloc_fail(1); /* it has a place: none is made */
    stand_in_line(&play, play.one, 3, RESPONDER_BARE);
    stand_in_line(&play, play.one, 1, NOW + 9 * HOUR);
    assert_false(alloc_failed());
    alloc_fail(0);
    assert_int_equal(one(&play)->line.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(next(&play), ((const uint32_t[]){3, 2, 1})[i]);
    }
    assert_int_equal(next(&play), RESPONDER_NONE);
    play_close(&play);
}

static void test_whoever_leaves_the_line_is_not_asked_for(void **state)
{
    struct play play;

    (void)state;
    play_open(&play);
    play.policy.total_concurrency = play.responders.list[play.one].allowed = 1000;
    for (uint32_t i = 0; i < 200; i++) {
        stand_in_line(&play, play.one, i, NOW + 100 + i);
    }
    responder_leave(&play.responders, play.one, 0);
    responder_leave(&play.responders, play.one, 100);
    responder_leave(&play.responders, play.one, 199);
    responder_leave(&play.responders, play.one, 199);
    responder_leave(&play.responders, play.one, 5000);
    for (uint32_t i = 1; i < 199; i++) {
        pass_ms(&play, 100);
        if (i != 100) {
            assert_int_equal(next(&play), i);
        }
    }
    assert_int_equal(next(&play), RESPONDER_NONE);
    assert_int_equal(responders_deadline_ms(&play.responders), INSTANT_NEVER);
    play_close(&play);
}

static void test_one_responder_has_so_many_places(void **state)
{
    struct play play;
    uint32_t other;

    (void)state;
    play_open(&play);
    play.policy.responder_concurrency = 3;
    play.responders.list[play.one].allowed = 3;
    other = find(&play, "http://other.example/");
    for (uint32_t i = 0; i < 10; i++) {
        stand_in_line(&play, play.one, i, NOW + 100 + i);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(next(&play), i);
    }
    assert_int_equal(next(&play), RESPONDER_NONE);
    assert_int_equal(responders_deadline_ms(&play.responders), INSTANT_NEVER);
    /* One whose answers hang never holds up another. */
    stand_in_line(&play, other, 20, NOW + 10 * HOUR);
    assert_int_equal(next(&play), 20);
    /* A place that is free again is the next one's, however it became free. */
    for (uint32_t i = 0; i < 3; i++) {
        static const enum responder_news news[] = {RESPONDER_WELL, RESPONDER_ILL,
                                                   RESPONDER_NOT_ASKED};

        report(&play, i, news[i]);
        assert_int_equal(next(&play), 3 + i);
        assert_int_equal(next(&play), RESPONDER_NONE);
    }
    play_close(&play);
}

static void test_new_responder_gets_its_places_bit_by_bit(void **state)
{
    struct play play;
    unsigned places = 4;

    (void)state;
    play_open(&play);
    for (uint32_t i = 0; i < 200; i++) {
        stand_in_line(&play, play.one, i, NOW + 100 + i);
    }
    for (uint32_t i = 0; i < 100; i++) {
        pass_ms(&play, 10);
        while (next(&play) != RESPONDER_NONE) {
        }
        assert_int_equal(one(&play)->in_flight, places);
        /* Only answers make it more. */
        report(&play, i, i % 3 ? RESPONDER_WELL : RESPONDER_ILL);
        places += i % 3 && places < play.policy.responder_concurrency;
    }
    assert_int_equal(places, play.policy.responder_concurrency);
    play_close(&play);
}

static void test_responders_share_the_places_of_all_by_turns(void **state)
{
    enum { RESPONDERS = 4, EACH = 1000, PLACES = 6 };
    struct play play;
    uint32_t numbers[RESPONDERS], asked[RESPONDERS] = {0}, places[PLACES][2];
    char url[40];

    (void)state;
    play_open(&play);
    play.policy.total_concurrency = PLACES;
    for (uint32_t r = 0; r < RESPONDERS; r++) {
        snprintf(url, sizeof(url), "http://h%u.example/", r);
        numbers[r] = find(&play, url);
        /* The last has few that wait, and comes late. */
        for (uint32_t i = 0; i < EACH && r < RESPONDERS - 1; i++) {
            stand_in_line(&play, numbers[r], r * EACH + i, r == 0 ? RESPONDER_BARE : NOW + HOUR);
        }
    }
    for (unsigned i = 0; i < PLACES; i++) {
        assert_true(responder_next(&play.responders, &places[i][0], &places[i][1]));
    }
    for (unsigned i = 0; i < 900; i++) {
        uint32_t *place = places[i * 7 % PLACES];

        pass_ms(&play, i % 3);
        if (i == 600) {
            stand_in_line(&play, numbers[3], 3 * EACH, NOW + 100 * HOUR);
        }
        responder_report(&play.responders, place[0], place[1], RESPONDER_WELL);
        assert_true(responder_next(&play.responders, &place[0], &place[1]));
        asked[place[0] - numbers[0]]++;
        assert_true(i != 600 || place[0] == numbers[3]); /* it had none for longest */
        assert_int_equal(play.responders.in_flight, PLACES);
    }
    assert_int_equal(asked[3], 1);
    for (unsigned r = 0; r < 3; r++) {
        assert_in_range(asked[r], 299, 301);
    }
    play_close(&play);
}

/* Requests at a policy's rate, whatever comes when. */
struct rated {
    struct play play;
    int64_t *starts; /* ms */
    size_t count;
    uint32_t entries;
};

static void rated_open(struct rated *rated, unsigned rate)
{
    play_open(&rated->play);
    rated->play.policy.responder_rate = rate;
    rated->play.policy.total_concurrency = UINT32_MAX;
    rated->starts = calloc(1000000, sizeof(*rated->starts));
    assert_non_null(rated->starts);
    rated->count = 0;
    rated->entries = 0;
}

static void rated_close(struct rated *rated)
{
    free(rated->starts);
    play_close(&rated->play);
}

static void rated_arrive(struct rated *rated, uint64_t count)
{
    while (count-- > 0) {
        stand_in_line(&rated->play, rated->play.one, rated->entries++ % 100000, NOW + HOUR);
    }
}

/* All that may go now go, and are done at once. */
static void rated_serve(struct rated *rated)
{
    uint32_t entry;

    while ((entry = next(&rated->play)) != RESPONDER_NONE) {
        report(&rated->play, entry, RESPONDER_WELL);
        assert_true(rated->count < 1000000);
        rated->starts[rated->count++] = now_ms(&rated->play);
    }
}

static void test_rate_holds_in_every_window_of_a_second(void **state)
{
    static const unsigned rates[] = {1, 2, 3, 7, 10, 100, 1000};
    struct rng rng = {11};

    (void)state;
    for (size_t r = 0; r < ARRAY_SIZE(rates); r++) {
        struct rated rated;

        rated_open(&rated, rates[r]);
        for (unsigned i = 0; i < 3000; i++) {
            /* Rushes, trickles and long silences. */
            uint64_t most = rng_below(&rng, 50) == 0 ? 3 * rates[r] : 3;
            uint64_t silence = rng_below(&rng, 100) == 0 ? 5000 : 30;

            rated_arrive(&rated, rng_below(&rng, most + 1));
            pass_ms(&rated.play, (int64_t)rng_below(&rng, silence));
            rated_serve(&rated);
        }
        for (size_t i = rates[r]; i < rated.count; i++) {
            assert_true(rated.starts[i] - rated.starts[i - rates[r]] >= 1000);
        }
        assert_true(rated.count > 20);
        rated_close(&rated);
    }
}

static void test_rate_is_used_where_there_is_demand(void **state)
{
    static const unsigned rates[] = {1, 2, 3, 7, 10, 100, 1000, 10000};

    (void)state;
    for (size_t r = 0; r < ARRAY_SIZE(rates); r++) {
        struct rated rated;
        int64_t end_ms, due_ms;

        rated_open(&rated, rates[r]);
        rated_arrive(&rated, rates[r] * 5 + 1);
        end_ms = now_ms(&rated.play) + 5000;
        while (now_ms(&rated.play) < end_ms) {
            rated_serve(&rated);
            due_ms = responders_deadline_ms(&rated.play.responders);
            pass_ms(&rated.play, time_max(1, due_ms - now_ms(&rated.play)));
        }
        assert_in_range(rated.count * 10, rates[r] * 5 * 9, rates[r] * 5 * 10);
        for (size_t i = rates[r]; i < rated.count; i++) {
            assert_true(rated.starts[i] - rated.starts[i - rates[r]] >= 1000);
        }
        rated_close(&rated);
    }
}

static void test_no_rate_is_no_limit(void **state)
{
    struct rated rated;

    (void)state;
    rated_open(&rated, 0);
    rated_arrive(&rated, 5000);
    rated_serve(&rated);
    assert_int_equal(rated.count, 5000);
    rated_close(&rated);
}

static void test_hundred_thousand_stand_in_order(void **state)
{
    enum { COUNT = 100000 };
    struct play play;
    struct rng rng = {3};
    int64_t *ends = calloc(COUNT, sizeof(*ends)), last = INT64_MIN;
    uint32_t left = 0, entry;

    (void)state;
    assert_non_null(ends);
    play_open(&play);
    play.policy.responder_rate = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        ends[i] = NOW + (int64_t)rng_below(&rng, 7 * 24 * HOUR) + 1;
        stand_in_line(&play, play.one, i, ends[i]);
    }
    for (uint32_t i = 0; i < COUNT; i += 7) {
        responder_leave(&play.responders, play.one, i);
        ends[i] = INT64_MIN;
        left++;
    }
    for (uint32_t i = 0; i < COUNT - left; i++) {
        entry = next(&play);
        assert_true(entry < COUNT && ends[entry] >= last);
        last = ends[entry];
        ends[entry] = INT64_MIN;
        report(&play, entry, RESPONDER_WELL);
    }
    assert_int_equal(next(&play), RESPONDER_NONE);
    free(ends);
    play_close(&play);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (unsigned n = 1;; n++) {
        struct play play;
        uint32_t responder = 77;
        bool reached;
        char url[40];
        int r = 0;

        play_open(&play);
        alloc_fail(n);
        for (uint32_t i = 0; i < 12 && !r; i++) {
            snprintf(url, sizeof(url), "http://h%u.example/", i);
            r = responder_find(&play.responders, url, &responder);
            if (!r) {
                r = responder_wait(&play.responders, responder, 300 * i, RESPONDER_BARE);
            }
        }
        reached = alloc_failed();
        alloc_fail(0);
        assert_int_equal(r, reached ? -ENOMEM : 0);
        failed += reached;
        /* The same again: those in line already only take their places anew. */
        for (uint32_t i = 0; i < 12; i++) {
            snprintf(url, sizeof(url), "http://h%u.example/", i);
            assert_int_equal(find(&play, url), i + 1);
            stand_in_line(&play, i + 1, 300 * i, RESPONDER_BARE);
        }
        for (uint32_t i = 0; i < 12; i++) {
            assert_int_equal(next(&play), 300 * i);
        }
        play_close(&play);
        if (!reached) {
            break;
        }
    }
    assert_true(failed > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responders_are_told_apart_by_scheme_host_and_port),
        cmocka_unit_test(test_many_responders_are_found_again),
        cmocka_unit_test(test_bare_ones_go_first_then_whose_staple_ends_soonest),
        cmocka_unit_test(test_whoever_comes_again_has_another_place_in_the_line),
        cmocka_unit_test(test_whoever_leaves_the_line_is_not_asked_for),
        cmocka_unit_test(test_one_responder_has_so_many_places),
        cmocka_unit_test(test_new_responder_gets_its_places_bit_by_bit),
        cmocka_unit_test(test_responders_share_the_places_of_all_by_turns),
        cmocka_unit_test(test_rate_holds_in_every_window_of_a_second),
        cmocka_unit_test(test_rate_is_used_where_there_is_demand),
        cmocka_unit_test(test_no_rate_is_no_limit),
        cmocka_unit_test(test_hundred_thousand_stand_in_order),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
