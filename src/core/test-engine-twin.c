/* SPDX-License-Identifier: Apache-2.0 */

/* Leaves that share a CertID, and one request. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

static void test_leaves_with_one_certid_share_the_answer(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), newer;

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    find_twin(&world, 1, 0);
    find_twin(&world, 2, 0);
    expect(&world, "fetch-1#0 ");
    assert_true(look(&world, 2).in_flight);
    answer_to(&world, 0, &good);
    expect(&world, "keep#0 settled#0 publish!#0 keep#2 settled#2 publish!#2 "
                   "keep#1 settled#1 publish!#1 ");
    /* Whichever is due first brings it for all, and puts the others off. */
    for (unsigned round = 0; round < 5; round++) {
        while (!world.flying) {
            pass_deadline(&world, HOUR);
        }
        assert_int_equal(world.flying, 1);
        forget_traces(&world);
        newer = test_answer(world.now.wall_s - HOUR, 4 * DAY);
        answer(&world, &newer);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(look(&world, i).held.this_update_s, newer.this_update_s);
            assert_true(look(&world, i).next_try_s > world.now.wall_s + DAY);
        }
    }
    world_close(&world);
}

static void test_twins_fail_together_and_ask_again_as_one(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_cert(&world, 0);
    read_nothing(&world, 0);
    find_twin(&world, 1, 0);
    failure_of(&world, 0, FETCH_NO_NAME);
    assert_true(look(&world, 1).in_flight);
    failure_of(&world, 0, FETCH_NO_NAME);
    expect(&world, "fetch-1#0 fetch-2#0 settled#0 settled#1 ");
    expect_notes(&world, "failed! failed! ");
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(look(&world, i).failures, 1);
        assert_false(look(&world, i).in_flight);
    }
    /* Retry-After to one is for both. */
    while (!world.flying) {
        pass_deadline(&world, 60);
    }
    reply(&world, world.asked, (struct event_fetched){.hints = {.retry_after_s = 60}});
    answer(&world, &good);
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    assert_int_equal(look(&world, 1).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_twin_asks_itself_when_the_asker_goes_away(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    uint64_t attempt;

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    find_twin(&world, 1, 0);
    find_twin(&world, 2, 0);
    attempt = world.attempt;
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 0});
    expect(&world, "fetch-1#0 cancel#0 fetch-1#2 ");
    /* The answer to the old request is nobody's. */
    step(&world,
         (struct event){
             .type = EVENT_FETCH_DONE, .cert = 0, .attempt = attempt, .fetched = {.facts = &good}});
    step(&world,
         (struct event){
             .type = EVENT_FETCH_DONE, .cert = 2, .attempt = attempt, .fetched = {.facts = &good}});
    expect(&world, "");
    /* One that only waited goes without a sound. */
    step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 1});
    expect(&world, "");
    answer_to(&world, 2, &good);
    expect(&world, "keep#2 settled#2 publish!#2 ");
    /* The first comes again and is not in the ring twice. */
    find_twin(&world, 0, 2);
    answer_to(&world, 0, &good);
    expect(&world, "fetch-1#0 keep#0 settled#0 publish!#0 settled#2 ");
    world_close(&world);
}

static void test_twins_behind_a_dead_responder_settle_and_come_back_together(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);

    (void)state;
    world_open(&world);
    find_simple_many(&world, 6);
    for (uint32_t i = 6; i < 12; i++) {
        find_twin(&world, i, i - 6);
    }
    fail_all(&world, FETCH_REFUSED);
    assert_true(look_responder(&world, 0).down);
    assert_int_equal(settled(&world), 12);
    find_twin(&world, 12, 5); /* one more, while it is down */
    assert_int_equal(settled(&world), 13);
    for (unsigned i = 0; i < 20; i++) {
        pass_deadline(&world, 60);
        fail_all(&world, FETCH_REFUSED);
    }
    step(&world, (struct event){.type = EVENT_ASK, .cert = 12});
    assert_false(look(&world, 12).settled);
    pass_time(&world, 2);
    assert_int_equal(world.flying, 1);
    fail_all(&world, FETCH_REFUSED);
    assert_int_equal(settled(&world), 13);
    for (unsigned i = 0; i < 100; i++) {
        pass_deadline(&world, 60);
        for (uint32_t cert = 0; cert < 13; cert++) {
            if (world.outside[cert].attempt) {
                answer_to(&world, cert, &good);
            }
        }
    }
    for (uint32_t i = 0; i < 13; i++) {
        assert_int_equal(look(&world, i).state, CERT_STATE_HELD);
    }
    world_close(&world);
}

static void test_unchanged_for_one_twin_is_unchanged_for_the_other(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    find_twin(&world, 1, 0);
    answer_to(&world, 0, &good);
    while (!world.flying) {
        pass_deadline(&world, HOUR);
    }
    /* The other becomes due meanwhile. */
    pass_time(&world, 50);
    forget_traces(&world);
    failure_of(&world, world.asked, FETCH_NOT_MODIFIED);
    assert_int_equal(world.flying, 0);
    assert_int_equal(look(&world, 0).failures + look(&world, 1).failures, 0);
    world_close(&world);
}

static void test_twin_that_holds_something_else_asks_for_itself(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    answer_to(&world, 0, &good);
    while (!world.flying) {
        pass_deadline(&world, HOUR);
    }
    find_twin(&world, 1, 0); /* it holds nothing yet, and waits for the answer */
    forget_traces(&world);
    failure_of(&world, 0, FETCH_NOT_MODIFIED);
    expect(&world, "settled#0 fetch-1#1 ");
    answer_to(&world, 1, &good);
    assert_int_equal(look(&world, 1).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_revocation_reaches_every_twin(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), revoked;

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    find_twin(&world, 1, 0);
    answer_to(&world, 0, &good);
    while (!world.flying) {
        pass_deadline(&world, HOUR);
    }
    forget_traces(&world);
    revoked = test_answer(world.now.wall_s - 60, 10 * HOUR);
    revoked.status = CERT_STATUS_REVOKED;
    revoked.digest = 7;
    answer(&world, &revoked);
    expect(&world, world.asked ? "bury#1 drop#1 settled#1 withdraw#1 bury#0 drop#0 settled#0 "
                                 "withdraw#0 "
                               : "bury#0 drop#0 settled#0 withdraw#0 bury#1 drop#1 settled#1 "
                                 "withdraw#1 ");
    expect_notes(&world, "revoked!! revoked!! ");
    world_close(&world);
}

static void test_notes_of_a_twin_name_the_responder_that_was_asked(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    find_cert(&world, 0);
    read_nothing(&world, 0);
    find_twin(&world, 1, 0);
    {
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);

        answer_to(&world, 0, &good);
    }
    expect_notes(&world, "accepted accepted ");
    assert_ptr_equal(world.last.cert, &world.certs[1]);
    assert_string_equal(world.last.url, "http://one.example/");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_with_one_certid_share_the_answer),
        cmocka_unit_test(test_twins_fail_together_and_ask_again_as_one),
        cmocka_unit_test(test_twin_asks_itself_when_the_asker_goes_away),
        cmocka_unit_test(test_twins_behind_a_dead_responder_settle_and_come_back_together),
        cmocka_unit_test(test_unchanged_for_one_twin_is_unchanged_for_the_other),
        cmocka_unit_test(test_twin_that_holds_something_else_asks_for_itself),
        cmocka_unit_test(test_revocation_reaches_every_twin),
        cmocka_unit_test(test_notes_of_a_twin_name_the_responder_that_was_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
