/* SPDX-License-Identifier: Apache-2.0 */

/* The world itself: time, clocks, requests, the process and its disk, responders and their faults,
 * scripts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/clinch.h"
#include "sim/script.h"
#include "sim/test-puppet.h"

#define S    1000
#define HOUR 3600000

#define ASK(at_, cert_)                                                                            \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_ASK, .cert = (cert_)                                          \
    }
#define HIDE(at_, cert_)                                                                           \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_HIDE, .cert = (cert_)                                         \
    }

static struct world *build(const char *script)
{
    struct world_options options = {.seed = 7, .days = 3};
    struct world *world = world_new(&options);
    struct buf fault = BUF_INIT(1000);

    if (!script_build(world, slice_of_text(script), &fault)) {
        fail_msg("script: %s", buf_text(&fault));
    }
    buf_deinit(&fault);
    return world;
}

/* ---- Responders ---- */

static struct reply meet(struct world *world, const struct ask *ask)
{
    struct reply reply;
    enum fault fault;

    responder_meet(world, 0, ask, &reply, &fault);
    return reply;
}

static void test_each_fault_is_what_it_says(void **state)
{
    static const struct {
        enum fault fault;
        enum fetch_outcome outcome;
        int http_status;
        enum reason form, match, signature; /* of an answer, when there is one */
    } rows[] = {
        {FAULT_NONE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_NO_NAME, FETCH_NO_NAME, 0, 0, 0, 0},
        {FAULT_REFUSED, FETCH_REFUSED, 0, 0, 0, 0},
        {FAULT_HANG, FETCH_TIMEOUT, 0, 0, 0, 0},
        {FAULT_LATE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_BROKEN, FETCH_BROKEN, 0, 0, 0, 0},
        {FAULT_TRUNCATED, FETCH_ANSWER, 200, REASON_MALFORMED, 0, 0},
        {FAULT_JUNK, FETCH_ANSWER, 200, REASON_MALFORMED, 0, 0},
        {FAULT_TOO_LARGE, FETCH_TOO_LARGE, 0, 0, 0, 0},
        {FAULT_REDIRECT, FETCH_BAD_REDIRECT, 0, 0, 0, 0},
        {FAULT_HTTP_400, FETCH_HTTP_STATUS, 400, 0, 0, 0},
        {FAULT_HTTP_401, FETCH_HTTP_STATUS, 401, REASON_ERROR_STATUS, 0, 0},
        {FAULT_HTTP_404, FETCH_HTTP_STATUS, 404, 0, 0, 0},
        {FAULT_HTTP_429, FETCH_HTTP_STATUS, 429, 0, 0, 0},
        {FAULT_HTTP_500, FETCH_HTTP_STATUS, 500, 0, 0, 0},
        {FAULT_HTTP_503, FETCH_HTTP_STATUS, 503, 0, 0, 0},
        {FAULT_HTTP_533, FETCH_HTTP_STATUS, 533, REASON_ERROR_STATUS, 0, 0},
        {FAULT_TRY_LATER, FETCH_ANSWER, 200, REASON_ERROR_STATUS, 0, 0},
        {FAULT_UNAUTHORIZED, FETCH_ANSWER, 200, REASON_ERROR_STATUS, 0, 0},
        {FAULT_UNKNOWN, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_OTHER_CERT, FETCH_ANSWER, 200, REASON_GOOD, REASON_WRONG_SERIAL, REASON_GOOD},
        {FAULT_OTHER_ISSUER, FETCH_ANSWER, 200, REASON_GOOD, REASON_WRONG_ISSUER, REASON_GOOD},
        {FAULT_BAD_SIGNATURE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_BAD_SIGNATURE},
        {FAULT_STRANGER, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_UNAUTHORIZED_SIGNER},
        {FAULT_OLDER, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_CACHED_OLD, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_EXPIRED, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_FUTURE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_NO_NEXT_UPDATE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_FALSE_GOOD, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_FALSE_DATE, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
        {FAULT_STUCK, FETCH_ANSWER, 200, REASON_GOOD, REASON_GOOD, REASON_GOOD},
    };

    (void)state;
    assert_int_equal(ARRAY_SIZE(rows), FAULT_COUNT);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(world_freep)
        struct world *world = build("authority on-demand 12h\nresponder\ncerts 2\n");
        struct episode episode = {world->now_ms, world->end_ms, rows[i].fault, 1000, 0};
        struct reply reply;

        assert_int_equal(rows[i].fault, i);
        responder_plan(&world->responders[0], &episode);
        reply = meet(world, &(struct ask){0});
        assert_int_equal(reply.outcome, rows[i].outcome);
        assert_int_equal(reply.http_status, rows[i].http_status);
        if (reply.answer != ANSWER_NONE) {
            struct ocsp_facts facts = answer_facts(&world->answers, reply.answer, 0);

            assert_int_equal(facts.form, rows[i].form);
            assert_int_equal(facts.match, rows[i].match);
            assert_int_equal(facts.signature, rows[i].signature);
        }
    }
}

static void test_times_of_faulty_answers(void **state)
{
    static const enum fault faults[] = {FAULT_NONE, FAULT_OLDER, FAULT_EXPIRED, FAULT_FUTURE};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        _cleanup_(world_freep)
        struct world *world = build("authority on-demand 12h\nresponder\ncerts 1\n");
        struct episode episode = {world->now_ms, world->end_ms, faults[i], 1000, 0};
        const struct answer *answer;
        int64_t now_s = world_true_s(world);

        responder_plan(&world->responders[0], &episode);
        answer = answers_get(&world->answers, meet(world, &(struct ask){0}).answer);
        assert_int_equal(answer->next_update_s - answer->this_update_s, 12 * HOUR_S);
        assert_int_equal(answer->this_update_s == now_s, faults[i] == FAULT_NONE);
        assert_int_equal(answer->this_update_s > now_s, faults[i] == FAULT_FUTURE);
        assert_int_equal(answer->next_update_s <= now_s, faults[i] == FAULT_EXPIRED);
        assert_int_equal(answer->status, CERT_STATUS_GOOD);
    }
}

static void test_batch_is_the_same_for_all_and_known_by_its_etag(void **state)
{
    _cleanup_(world_freep)
    struct world *world = build("authority batch 12h 6h\nresponder etag\ncerts 2\n");
    struct ask ask = {0};
    struct reply first = meet(world, &ask), again = meet(world, &ask), other;

    (void)state;
    assert_int_equal(again.answer, first.answer);
    ask.etag = first.answer;
    again = meet(world, &ask);
    assert_int_equal(again.outcome, FETCH_NOT_MODIFIED);
    assert_int_equal(again.answer, ANSWER_NONE);
    ask.cert = 1;
    other = meet(world, &ask);
    assert_int_equal(answers_get(&world->answers, other.answer)->this_update_s,
                     answers_get(&world->answers, first.answer)->this_update_s);
    world->now_ms += 6 * HOUR;
    ask.cert = 0;
    again = meet(world, &ask);
    assert_int_equal(again.outcome, FETCH_ANSWER);
    assert_int_equal(answers_get(&world->answers, again.answer)->this_update_s,
                     answers_get(&world->answers, first.answer)->this_update_s + 6 * HOUR_S);
}

static void test_late_signer_gives_the_new_answer_eight_hours_before_the_end(void **state)
{
    _cleanup_(world_freep)
    struct world *world = build("authority late 4d 8h\nresponder\ncerts 1\n");
    struct window life, next;
    uint32_t before, after;

    (void)state;
    assert_true(authority_offers(world, 0, world->now_ms, &life));
    world->now_ms = (life.until_s - 8 * HOUR_S) * 1000 - 1;
    before = meet(world, &(struct ask){0}).answer;
    world->now_ms++;
    after = meet(world, &(struct ask){0}).answer;
    assert_int_not_equal(before, after);
    assert_int_equal(answers_get(&world->answers, before)->next_update_s, life.until_s);
    assert_true(authority_offers(world, 0, world->now_ms, &next));
    assert_int_equal(next.from_s, life.until_s - 8 * HOUR_S);
}

static void test_revocation_holds_from_its_time_to_its_release(void **state)
{
    _cleanup_(world_freep)
    struct world *world = build("authority on-demand 12h\nresponder\ncerts 1\nrevoke 0 1h 6 2h\n");
    static const enum cert_status expected[] = {CERT_STATUS_GOOD, CERT_STATUS_REVOKED,
                                                CERT_STATUS_GOOD};
    struct window life;

    (void)state;
    for (unsigned hour = 0; hour < 3; hour++) {
        uint32_t answer = meet(world, &(struct ask){0}).answer;

        assert_int_equal(answers_get(&world->answers, answer)->status, expected[hour]);
        assert_int_equal(authority_offers(world, 0, world->now_ms, &life),
                         expected[hour] == CERT_STATUS_GOOD);
        world->now_ms += HOUR;
    }
}

static void test_last_quarter_gives_nothing_between(void **state)
{
    _cleanup_(world_freep)
    struct world *world = build("authority on-demand 4d\nresponder last-quarter\ncerts 1\n");
    struct reply reply = meet(world, &(struct ask){0});

    (void)state;
    assert_int_equal(reply.outcome, FETCH_ANSWER);
    for (unsigned i = 0; i < 200; i++) {
        struct ask ask = {0};
        enum fault fault;
        int64_t wait_ms = responder_meet(world, 0, &ask, &reply, &fault);

        assert_true(reply.answer == ANSWER_NONE || wait_ms > 60 * S ||
                    !answer_is_sound(answers_get(&world->answers, reply.answer), 0) ||
                    answers_get(&world->answers, reply.answer)->status != CERT_STATUS_GOOD);
        world->now_ms += HOUR / 4;
    }
    world->now_ms = (WORLD_START_S + 3 * DAY_S) * 1000;
    reply = meet(world, &(struct ask){0});
    assert_true(answer_is_sound(answers_get(&world->answers, reply.answer), 0));
}

static void test_episodes_do_not_overlap(void **state)
{
    struct responder responder = {0};
    const struct episode first = {1000, 5000, FAULT_HANG, 1000, 0};
    const struct episode inside = {2000, 4000, FAULT_JUNK, 1000, 0};
    const struct episode over = {4000, 9000, FAULT_REFUSED, 1000, 0};

    (void)state;
    responder_plan(&responder, &first);
    responder_plan(&responder, &inside);
    responder_plan(&responder, &over);
    assert_int_equal(responder.episode_count, 2);
    assert_null(responder_episode(&responder, 999));
    assert_int_equal(responder_episode(&responder, 1000)->fault, FAULT_HANG);
    assert_int_equal(responder_episode(&responder, 5000)->fault, FAULT_REFUSED);
    assert_null(responder_episode(&responder, 9000));
    responder_deinit(&responder);
}

/* ---- Requests, the process, the disk ---- */

static void test_reply_comes_late_and_not_to_another_life(void **state)
{
    static const struct move asks[] = {
        ASK(S, 0), {.at_ms = 50 * S, .kind = MOVE_DROP, .cert = 0}, {.at_ms = 0}};
    struct oracle_result result;
    struct puppet puppet;

    (void)state;
    puppet_run("days 1\nauthority on-demand 12h\nresponder\ncerts 1\nfault 0 late 0..1d\n", asks,
               &puppet, &result);
    assert_int_equal(puppet.replies, 1);
    puppet_run("days 1\nauthority on-demand 12h\nresponder\ncerts 1\nfault 0 late 0..1d\n"
               "stop 30 1\n",
               asks, &puppet, &result);
    assert_int_equal(puppet.replies, 0);
    assert_int_equal(puppet.starts, 2);
}

static void test_process_dies_at_the_write_and_starts_again(void **state)
{
    static const struct move shows[] = {
        {.at_ms = S, .kind = MOVE_SHOW, .cert = 0, .until_s = 4 * 3600},
        {.at_ms = HOUR, .kind = MOVE_SHOW, .cert = 0, .until_s = 5 * 3600},
        {.at_ms = 4 * HOUR + 55 * 60 * S, .kind = MOVE_HIDE, .cert = 0},
        {.at_ms = 0}};
    struct oracle_result result;
    struct puppet puppet;

    (void)state;
    /* The second show's commit is the first write from half an hour on. */
    assert_int_equal(puppet_run("days 1\nauthority on-demand 12h\nresponder\ncerts 1\n"
                                "fault 0 hang 0..1d\ncrash 30m 1 60\n",
                                shows, &puppet, &result),
                     BROKEN_EXPIRED); /* the first one stays, and nobody takes it away */
    assert_int_equal(puppet.starts, 2);
    /* The clock's error and the new process's first look are allowed for. */
    assert_in_range(result.broken_ms, (WORLD_START_S + 4 * 3600) * 1000,
                    (WORLD_START_S + 4 * 3600 + 120) * 1000);
}

/* ---- The whole ---- */

static uint64_t run_clinch(uint64_t seed, const char *scenario)
{
    struct world_options options = {.seed = seed, .days = 20, .certs = 10};
    _cleanup_(world_freep)
    struct world *world = world_new(&options);
    _cleanup_(oracle_freep)
    struct oracle *oracle = NULL;
    struct oracle_demands demands = {0};
    struct subject *subject;
    uint64_t hash;

    scenario_find(scenario)->build(world, &demands);
    subject = clinch_new(world);
    oracle = oracle_new(world, false);
    world_run(world, subject, oracle);
    hash = world->trace_hash;
    subject->type->free(subject);
    return hash;
}

static void test_same_seed_gives_the_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        assert_int_equal(run_clinch(seed, "random"), run_clinch(seed, "random"));
        assert_int_not_equal(run_clinch(seed, "random"), run_clinch(seed + 1, "random"));
    }
}

static void test_plan_does_not_depend_on_the_subject(void **state)
{
    struct world_options options = {.seed = 3, .days = 60, .certs = 20};
    _cleanup_(world_freep)
    struct world *one = world_new(&options);
    _cleanup_(world_freep)
    struct world *other = world_new(&options);
    struct oracle_demands demands = {0};
    struct buf lists[2] = {BUF_INIT(1 << 22), BUF_INIT(1 << 22)};

    (void)state;
    scenario_find("random")->build(one, &demands);
    scenario_find("random")->build(other, &demands);
    world_put(one, &lists[0]);
    world_put(other, &lists[1]);
    assert_true(lists[0].size > 1000);
    assert_string_equal(buf_text(&lists[0]), buf_text(&lists[1]));
    buf_deinit(&lists[0]);
    buf_deinit(&lists[1]);
}

/* ---- Scripts ---- */

static void test_script_says_which_line_is_wrong(void **state)
{
    static const struct {
        const char *script, *fault;
    } rows[] = {
        {"nonsense\n", "1: \"nonsense\""},
        {"days 3\nresponder\n", "2: \"responder\""},
        {"authority on-demand 12x\n", "1: \"12x\""},
        {"authority on-demand 12h\nresponder\nfault 1 hang 0..1d\n", "3: \"1\""},
        {"authority on-demand 12h\nresponder\nfault 0 hung 0..1d\n", "3: \"hung\""},
        {"authority on-demand 12h\nresponder\nfault 0 hang 5h\n", "3: \"5h\""},
        {"authority on-demand 12h backwards\n", "1: \"backwards\""},
        {"# nothing\n\n  servers stay\n", "3: \"stay\""},
        {"policy speed 3\n", "1: \"speed\""},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world_options options = {.seed = 1, .days = 1};
        _cleanup_(world_freep)
        struct world *world = world_new(&options);
        struct buf fault = BUF_INIT(1000);

        assert_false(script_build(world, slice_of_text(rows[i].script), &fault));
        if (!text_starts_with(buf_text(&fault), rows[i].fault)) {
            fail_msg("%s instead of %s", buf_text(&fault), rows[i].fault);
        }
        buf_deinit(&fault);
    }
}

static void test_script_is_read_to_its_end_without_a_newline(void **state)
{
    _cleanup_(world_freep)
    struct world *world = build("days 3 # three\nauthority on-demand 1d12h30m\r\nresponder etag");

    (void)state;
    assert_int_equal(world->authorities[0].life_s, DAY_S * 3 / 2 + 1800);
    assert_int_equal(world->responder_count, 1);
    assert_true(world->responders[0].gives_etag);
    assert_int_equal(world->end_ms, (WORLD_START_S + 3 * DAY_S) * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_is_what_it_says),
        cmocka_unit_test(test_times_of_faulty_answers),
        cmocka_unit_test(test_batch_is_the_same_for_all_and_known_by_its_etag),
        cmocka_unit_test(test_late_signer_gives_the_new_answer_eight_hours_before_the_end),
        cmocka_unit_test(test_revocation_holds_from_its_time_to_its_release),
        cmocka_unit_test(test_last_quarter_gives_nothing_between),
        cmocka_unit_test(test_episodes_do_not_overlap),
        cmocka_unit_test(test_reply_comes_late_and_not_to_another_life),
        cmocka_unit_test(test_process_dies_at_the_write_and_starts_again),
        cmocka_unit_test(test_same_seed_gives_the_same_trace),
        cmocka_unit_test(test_plan_does_not_depend_on_the_subject),
        cmocka_unit_test(test_script_says_which_line_is_wrong),
        cmocka_unit_test(test_script_is_read_to_its_end_without_a_newline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
