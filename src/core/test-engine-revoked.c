/* SPDX-License-Identifier: Apache-2.0 */

/* Revoked: what is withdrawn or shown, remembered, and undone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/test-engine.h"

#define HOLD 6 /* CRLReason certificateHold */

/* Says revoked, [@from_s, + @life_s). */
static struct ocsp_facts revoked_answer(int64_t from_s, int64_t life_s)
{
    struct ocsp_facts facts = test_answer(from_s, life_s);

    facts.status = CERT_STATUS_REVOKED;
    facts.revoked_at_s = from_s - DAY;
    facts.revocation_reason = 1;
    facts.digest = (uint64_t)from_s + 1;
    return facts;
}

/* Good first, revoked at the next refresh, a minute old then. */
static void start_revoked(struct world *world, const struct policy *policy)
{
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), revoked;

    start_with(world, policy);
    answer(world, &good);
    wait_for_ask(world, 0, DAY);
    forget_traces(world);
    revoked = revoked_answer(world->now.wall_s - 60, 10 * HOUR);
    answer(world, &revoked);
    assert_int_equal(look(world, 0).state, CERT_STATE_REVOKED);
}

static struct policy stapling_policy(void)
{
    struct policy policy = policy_default();

    policy.staple_revoked = true;
    return policy;
}

static void test_revoked_withdraws_at_once_and_is_remembered(void **state)
{
    struct world world;
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY), revoked = good, again;

    (void)state;
    start(&world);
    answer(&world, &good);
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    buf_clear(&world.trace);
    revoked.status = CERT_STATUS_REVOKED;
    revoked.this_update_s = world.now.wall_s - 60;
    revoked.next_update_s = world.now.wall_s + 4 * DAY;
    answer(&world, &revoked);
    expect(&world, "bury drop settled withdraw ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);

    /* An older good never undoes it. */
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    buf_clear(&world.trace);
    while (look(&world, 0).in_flight) {
        answer(&world, &good);
    }
    assert_null(strstr(buf_text(&world.trace), "publish"));
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);

    /* A later good undoes it when a second one agrees ten minutes later. */
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 30);
    }
    again = test_answer(world.now.wall_s - HOUR, 4 * DAY);
    answer(&world, &again);
    assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
    buf_clear(&world.trace);
    pass_time(&world, 600);
    answer(&world, &again);
    expect(&world, "fetch-1 unbury keep settled publish! ");
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_hold_is_released_at_once(void **state)
{
    struct world world;
    struct ocsp_facts revoked = test_answer(TEST_NOW - HOUR, HOUR * 10), good;

    (void)state;
    start(&world);
    revoked.status = CERT_STATUS_REVOKED;
    revoked.revocation_reason = 6;
    answer(&world, &revoked);
    expect(&world, "fetch-1 bury settled withdraw ");
    while (!look(&world, 0).in_flight) {
        pass_time(&world, 600);
    }
    good = test_answer(world.now.wall_s - 60, HOUR * 10);
    answer(&world, &good);
    expect(&world, "fetch-1 unbury keep settled publish! ");
    world_close(&world);
}

static void test_revocation_is_told_with_what_is_shown_then(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct world world;

        start_revoked(&world, &policies[i]);
        expect_notes(&world, "revoked!! ");
        assert_int_equal(world.last.served_until_s > world.now.wall_s, i == 1);
        world_close(&world);
    }
}

static void test_revoked_staple_is_shown_where_policy_says_so(void **state)
{
    const struct policy policy = stapling_policy();
    struct world world;
    struct ocsp_facts revoked, good;

    (void)state;
    start_revoked(&world, &policy);
    expect(&world, "bury keep settled publish! ");
    /* The same again is no news; a newer one is shown. */
    wait_for_ask(&world, 0, DAY);
    forget_traces(&world);
    revoked = revoked_answer(look(&world, 0).held.this_update_s, 10 * HOUR);
    answer(&world, &revoked);
    expect(&world, "bury settled ");
    wait_for_ask(&world, 0, DAY);
    forget_traces(&world);
    revoked = revoked_answer(world.now.wall_s - 60, 10 * HOUR);
    answer(&world, &revoked);
    expect(&world, "bury keep settled publish! ");
    expect_notes(&world, "");
    /* An older good one changes nothing, an outage takes it away at its end, without alarm. */
    wait_for_ask(&world, 0, DAY);
    good = test_answer(revoked.this_update_s, 10 * HOUR);
    while (world.outside[0].attempt) {
        answer(&world, &good);
    }
    assert_true(world.outside[0].published);
    forget_traces(&world);
    while (world.outside[0].published) {
        pass_deadline(&world, 600);
        while (world.outside[0].attempt) {
            fetch_fails(&world, FETCH_FORBIDDEN_ADDRESS);
        }
    }
    assert_int_equal(world.now.wall_s, revoked.next_update_s - 300);
    assert_null(strstr(buf_text(&world.notes), "ended"));
    world_close(&world);
}

/* A new leaf of the number asks while the good one waits for its first minutes to be over, and is
 * told by another node, in an answer that is older than that, of the revocation. */
static void test_good_one_that_waits_is_no_more_shown_after_a_revocation(void **state)
{
    struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), newer, revoked;

        start_with(&world, &policies[i]);
        answer(&world, &good);
        wait_for_ask(&world, 0, DAY);
        newer = test_answer(world.now.wall_s - 60, 10 * HOUR);
        answer(&world, &newer);
        assert_true(look(&world, 0).pending.present);
        find_twin(&world, 1, 0);
        revoked = revoked_answer(world.now.wall_s - 600, 10 * HOUR);
        answer(&world, &revoked);
        assert_false(look(&world, 0).pending.present);
        forget_traces(&world);
        pass_time(&world, 600);
        assert_null(strstr(buf_text(&world.trace), "publish"));
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
        world_close(&world);
    }
}

static void test_revocation_survives_a_restart(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};
    struct ocsp_facts revoked = revoked_answer(TEST_NOW - HOUR, 10 * HOUR);
    struct ocsp_facts good = test_answer(TEST_NOW - 2 * HOUR, 10 * HOUR);
    const struct tombstone tombstone = {true, TEST_NOW - HOUR, TEST_NOW - DAY, 1};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct world world;
        struct event_stored stored = {.held = i < 2 ? &revoked : &good,
                                      .tombstone = tombstone,
                                      .next_try_s = TEST_NOW + HOUR};

        world_open_with(&world, &policies[i % 2]);
        find_cert(&world, 0);
        read_store(&world, 0, stored);
        /* A server may hold something good from before: it goes, or is replaced. */
        expect(&world, i == 1 ? "publish! fetch-1 " : "withdraw fetch-1 ");
        expect_notes(&world, "revoked!! ");
        assert_int_equal(world.last.served_until_s > 0, i == 1);
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
        answer(&world, &good);
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
        world_close(&world);
    }
}

static void test_only_a_later_good_one_undoes_it(void **state)
{
    static const struct {
        int8_t reason;
        int64_t later_s; /* than the revocation's thisUpdate */
        bool believed;   /* to be good, at once or after a second one */
    } cases[] = {{1, -60, false},  {1, 0, false},   {1, 1, true},  {HOLD, -60, false},
                 {HOLD, 0, false}, {HOLD, 1, true}, {-1, 1, true}, {-1, 0, false}};
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts revoked = revoked_answer(TEST_NOW - HOUR, 10 * HOUR), good;
        bool hold = cases[i / 2].reason == HOLD, believed = cases[i / 2].believed;

        start_with(&world, &policies[i % 2]);
        revoked.revocation_reason = cases[i / 2].reason;
        answer(&world, &revoked);
        wait_for_ask(&world, 0, DAY);
        forget_traces(&world);
        good = test_answer(TEST_NOW - HOUR + cases[i / 2].later_s, 10 * HOUR);
        while (world.outside[0].attempt) {
            answer(&world, &good);
        }
        assert_int_equal(look(&world, 0).state == CERT_STATE_HELD, hold && believed);
        assert_int_equal(look(&world, 0).failures, !believed);
        assert_non_null(strstr(buf_text(&world.notes), !believed ? "refused! "
                                                       : hold    ? "undone! "
                                                                 : "not-yet-undone! "));
        world_close(&world);
    }
}

static void test_older_revoked_one_does_not_make_it_easier_to_undo(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct world world;
        struct ocsp_facts revoked, good;
        int64_t held_s;

        /* Nodes of a responder that are not of one mind: revoked, from before what was held. */
        start_with(&world, &policies[i]);
        good = test_answer(TEST_NOW - HOUR, 10 * HOUR);
        answer(&world, &good);
        wait_for_ask(&world, 0, DAY);
        revoked = revoked_answer(TEST_NOW - 3 * HOUR, 14 * HOUR);
        answer(&world, &revoked);
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
        for (unsigned j = 0; j < 2; j++) { /* good, and not later than what was held */
            wait_for_ask(&world, 0, DAY);
            good = test_answer(TEST_NOW - 2 * HOUR + j * HOUR, 14 * HOUR);
            while (world.outside[0].attempt) {
                answer(&world, &good);
            }
            assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
            assert_non_null(strstr(buf_text(&world.notes), "refused! "));
        }
        /* A newer revoked one, then an older one again: the newer one counts and stays. */
        wait_for_ask(&world, 0, DAY);
        held_s = world.now.wall_s - 60;
        revoked = revoked_answer(held_s, 14 * HOUR);
        answer(&world, &revoked);
        wait_for_ask(&world, 0, DAY);
        forget_traces(&world);
        revoked = revoked_answer(held_s - HOUR, 14 * HOUR);
        answer(&world, &revoked);
        assert_int_equal(look(&world, 0).tombstone.this_update_s, held_s);
        assert_null(strstr(buf_text(&world.trace), "keep"));
        assert_true(i == 0 || look(&world, 0).held.this_update_s == held_s);
        world_close(&world);
    }
}

static void test_second_good_one_counts_ten_minutes_later_by_the_monotonic_clock(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct world world;
        struct ocsp_facts good;

        start_revoked(&world, &policies[i]);
        wait_for_ask(&world, 0, DAY);
        good = test_answer(world.now.wall_s - 60, 10 * HOUR);
        answer(&world, &good);
        forget_traces(&world);
        pass_time(&world, 300);
        world.now.wall_s += 290; /* ten minutes, as the wall clock has it */
        tick(&world);
        step(&world, (struct event){.type = EVENT_ASK});
        if (world.outside[0].attempt) {
            answer(&world, &good);
            expect_notes(&world, "not-yet-undone! ");
        }
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
        pass_time(&world, 299);
        assert_int_equal(world.outside[0].attempt, 0);
        pass_time(&world, 1);
        forget_traces(&world);
        answer(&world, &good);
        expect(&world, i ? "unbury drop keep settled publish! " : "unbury keep settled publish! ");
        expect_notes(&world, "accepted undone! ");
        world_close(&world);
    }
}

static void test_revoked_in_between_begins_it_anew(void **state)
{
    struct policy policy = policy_default();
    struct world world;
    struct ocsp_facts good, revoked;

    (void)state;
    start_revoked(&world, &policy);
    for (int i = 0; i < 5; i++) { /* responders that are not of one mind */
        wait_for_ask(&world, 0, DAY);
        good = test_answer(world.now.wall_s - 60, 10 * HOUR);
        answer(&world, &good);
        wait_for_ask(&world, 0, HOUR);
        revoked = revoked_answer(world.now.wall_s - 60, 10 * HOUR);
        answer(&world, &revoked);
        assert_int_equal(look(&world, 0).state, CERT_STATE_REVOKED);
    }
    /* A failure in between does not. */
    wait_for_ask(&world, 0, DAY);
    good = test_answer(world.now.wall_s - 60, 10 * HOUR);
    answer(&world, &good);
    wait_for_ask(&world, 0, HOUR);
    while (world.outside[0].attempt) {
        fetch_fails(&world, FETCH_NO_NAME);
    }
    wait_for_ask(&world, 0, HOUR);
    answer(&world, &good);
    assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
    world_close(&world);
}

static void test_good_one_that_is_ahead_of_the_clock_undoes_it_into_the_pending_slot(void **state)
{
    const struct policy policy = stapling_policy();
    struct world world;
    struct ocsp_facts revoked = revoked_answer(TEST_NOW - HOUR, 10 * HOUR), good;

    (void)state;
    start_with(&world, &policy);
    revoked.revocation_reason = HOLD;
    answer(&world, &revoked);
    wait_for_ask(&world, 0, DAY);
    forget_traces(&world);
    good = test_answer(world.now.wall_s + 100, 10 * HOUR);
    answer(&world, &good);
    expect(&world, "unbury drop keep-pending settled withdraw ");
    pass_time(&world, 100);
    expect(&world, "promote publish! ");
    world_close(&world);
}

/* With what the store was told of each certificate. */
struct graveyard {
    struct world world; /* first: write_tombstones() gets at the graveyard */
    struct tombstone stored[3];
};

static void write_tombstones(struct world *world)
{
    for (size_t i = 0; i < world->effects.count; i++) {
        const struct effect *effect = &world->effects.list[i];

        if (effect->type == EFFECT_TOMBSTONE) {
            ((struct graveyard *)world)->stored[effect->cert] = effect->tombstone;
        }
    }
}

/* @cert is revoked as @tombstone says, and so the store was told. */
static void expect_buried(struct graveyard *yard, uint32_t cert, const struct tombstone *tombstone)
{
    const struct tombstone both[] = {yard->stored[cert], look(&yard->world, cert).tombstone};

    assert_int_equal(look(&yard->world, cert).state, CERT_STATE_REVOKED);
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        assert_true(both[i].present);
        assert_int_equal(both[i].this_update_s, tombstone->this_update_s);
        assert_int_equal(both[i].revoked_at_s, tombstone->revoked_at_s);
        assert_int_equal(both[i].reason, tombstone->reason);
    }
}

/* A leaf with the serial number of @other, and what the store had of it. */
static void read_twin(struct world *world, uint32_t cert, uint32_t other,
                      struct event_stored stored)
{
    struct cert_facts *facts = make_cert(world, cert);

    memcpy(facts->serial, world->certs[other].serial, sizeof(facts->serial));
    find_made(world, cert);
    forget_traces(world);
    stored.next_try_s = INSTANT_NEVER;
    read_store(world, cert, stored);
}

static void test_new_leaf_of_a_revoked_number_never_shows_an_older_good_one(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct graveyard yard = {0};
        struct world *world = &yard.world;
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR), revoked;
        struct tombstone tombstone;

        start_revoked(world, &policies[i]);
        tombstone = look(world, 0).tombstone;
        world->numbered = true;
        world->watch = write_tombstones;
        read_twin(world, 1, 0, (struct event_stored){.held = &good, .pending = &good});
        /* A server may still have it. */
        expect(world, "bury#1 drop#1 drop-pending#1 withdraw#1 fetch-1#1 ");
        expect_notes(world, "revoked!! ");
        expect_buried(&yard, 1, &tombstone);
        while (world->outside[1].attempt) {
            answer_to(world, 1, &good);
        }
        expect_buried(&yard, 1, &tombstone);
        assert_false(world->outside[1].published);
        /* What says revoked is shown, where policy says so. */
        wait_for_ask(world, 1, DAY);
        revoked = revoked_answer(world->now.wall_s - 60, 10 * HOUR);
        answer(world, &revoked);
        assert_int_equal(world->outside[1].published, i == 1);
        world_close(world);
    }
}

static void test_stored_revocation_of_one_leaf_withdraws_what_its_twins_show(void **state)
{
    const struct policy policies[] = {policy_default(), stapling_policy()};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        const struct tombstone tombstone = {true, TEST_NOW - 30, TEST_NOW - DAY, 1};
        struct graveyard yard = {0};
        struct world *world = &yard.world;
        struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 10 * HOUR);
        struct ocsp_facts newer = test_answer(TEST_NOW - 60, 10 * HOUR);

        world_open_with(world, &policies[i]);
        world->numbered = true;
        world->watch = write_tombstones;
        find_cert(world, 0);
        read_store(world, 0, (struct event_stored){.held = &good, .next_try_s = INSTANT_NEVER});
        read_twin(world, 1, 0, (struct event_stored){.held = &good, .pending = &newer});
        assert_true(world->outside[0].published && world->outside[1].published);
        read_twin(world, 2, 0, (struct event_stored){.tombstone = tombstone});
        expect(world, "bury#1 drop#1 drop-pending#1 withdraw#1 bury#0 drop#0 withdraw#0 "
                      "withdraw#2 fetch-1#2 ");
        expect_notes(world, "revoked!! revoked!! revoked!! ");
        expect_buried(&yard, 0, &tombstone);
        expect_buried(&yard, 1, &tombstone);
        while (world->outside[2].attempt) { /* older than the revocation, for all of them */
            answer_to(world, 2, &newer);
        }
        for (uint32_t cert = 0; cert < 3; cert++) {
            assert_int_equal(look(world, cert).state, CERT_STATE_REVOKED);
        }
        world_close(world);
    }
}

static void test_stored_revocation_spares_a_twin_that_holds_something_newer(void **state)
{
    static const struct {
        int64_t later_s; /* than the revocation: what the other holds */
        bool buried;
    } cases[] = {{-HOUR, true}, {-1, true}, {0, true}, {1, false}, {HOUR, false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - 2 * HOUR, 10 * HOUR), newest;
        const struct tombstone tombstone = {true, good.this_update_s - cases[i].later_s, 0, 1};

        world_open(&world);
        find_cert(&world, 0);
        read_store(&world, 0, (struct event_stored){.held = &good, .next_try_s = INSTANT_NEVER});
        read_twin(&world, 1, 0, (struct event_stored){.tombstone = tombstone});
        assert_int_equal(look(&world, 1).state, CERT_STATE_REVOKED);
        assert_int_equal(look(&world, 0).tombstone.present, cases[i].buried);
        assert_int_equal(world.outside[0].published, !cases[i].buried);
        expect_notes(&world, cases[i].buried ? "revoked!! revoked!! " : "revoked!! ");
        /* Whichever of them is revoked is good again as ever. */
        newest = test_answer(TEST_NOW - 10, 10 * HOUR);
        answer(&world, &newest);
        assert_int_equal(look(&world, 1).state, CERT_STATE_REVOKED);
        wait_for_ask(&world, 1, HOUR);
        answer(&world, &newest);
        assert_int_equal(look(&world, 0).state, CERT_STATE_HELD);
        assert_int_equal(look(&world, 1).state, CERT_STATE_HELD);
        world_close(&world);
    }
}

static void test_twin_of_a_revoked_one_that_shows_nothing_is_an_alarm_as_well(void **state)
{
    const struct tombstone tombstone = {true, TEST_NOW - 30, TEST_NOW - DAY, 1};
    struct world world;
    struct ocsp_facts revoked = revoked_answer(TEST_NOW - 10, 10 * HOUR);

    (void)state;
    world_open(&world);
    world.numbered = true;
    find_simple_many(&world, 1);
    failure_of(&world, 0, FETCH_FORBIDDEN_ADDRESS);
    read_twin(&world, 1, 0, (struct event_stored){.tombstone = tombstone});
    /* Of either a server may hold a staple from an earlier run. */
    expect(&world, "bury#0 withdraw#0 withdraw#1 fetch-1#1 ");
    expect_notes(&world, "revoked!! revoked!! ");
    answer(&world, &revoked);
    expect_notes(&world, "");
    world_close(&world);
}

static void test_order_in_which_leaves_are_found_does_not_matter_to_a_revocation(void **state)
{
    const struct tombstone tombstone = {true, TEST_NOW - HOUR, TEST_NOW - DAY, 1};
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR + 1, 10 * HOUR);
    const struct event_stored stored[] = {{.held = &good}, {.tombstone = tombstone}};

    (void)state;
    for (uint32_t first = 0; first < 2; first++) {
        struct world world;

        world_open(&world);
        make_cert(&world, 0);
        read_twin(&world, 1, 0, stored[first]);
        read_twin(&world, 2, 0, stored[1 - first]);
        assert_int_equal(look(&world, 1 + first).state, CERT_STATE_HELD); /* the newer word */
        assert_int_equal(look(&world, 2 - first).state, CERT_STATE_REVOKED);
        assert_true(world.outside[1 + first].published);
        world_close(&world);
    }
}

static void test_latest_revocation_of_a_number_counts_for_all_its_leaves(void **state)
{
    static const int64_t ages_s[][2] = {{HOUR, 5 * HOUR}, {5 * HOUR, HOUR}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ages_s); i++) {
        struct world world;
        struct ocsp_facts good = test_answer(TEST_NOW - 3 * HOUR, 10 * HOUR);

        world_open(&world);
        make_cert(&world, 0)->url_count = 1;
        for (uint32_t cert = 1; cert < 3; cert++) {
            struct tombstone tombstone = {true, TEST_NOW - ages_s[i][cert - 1], 0, HOLD};

            read_twin(&world, cert, 0, (struct event_stored){.tombstone = tombstone});
            expect_notes(&world, "revoked!! ");
        }
        while (world.flying) { /* a node that is behind */
            answer(&world, &good);
        }
        for (uint32_t cert = 1; cert < 3; cert++) {
            assert_int_equal(look(&world, cert).tombstone.this_update_s, TEST_NOW - HOUR);
            assert_int_equal(look(&world, cert).state, CERT_STATE_REVOKED);
        }
        good = test_answer(TEST_NOW - HOUR + 1, 10 * HOUR);
        wait_for_ask(&world, world.asked, HOUR);
        while (world.flying) {
            answer(&world, &good);
        }
        for (uint32_t cert = 1; cert < 3; cert++) {
            assert_int_equal(look(&world, cert).state, CERT_STATE_HELD);
        }
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_revoked_withdraws_at_once_and_is_remembered),
        cmocka_unit_test(test_hold_is_released_at_once),
        cmocka_unit_test(test_revocation_is_told_with_what_is_shown_then),
        cmocka_unit_test(test_revoked_staple_is_shown_where_policy_says_so),
        cmocka_unit_test(test_good_one_that_waits_is_no_more_shown_after_a_revocation),
        cmocka_unit_test(test_revocation_survives_a_restart),
        cmocka_unit_test(test_only_a_later_good_one_undoes_it),
        cmocka_unit_test(test_older_revoked_one_does_not_make_it_easier_to_undo),
        cmocka_unit_test(test_second_good_one_counts_ten_minutes_later_by_the_monotonic_clock),
        cmocka_unit_test(test_revoked_in_between_begins_it_anew),
        cmocka_unit_test(test_good_one_that_is_ahead_of_the_clock_undoes_it_into_the_pending_slot),
        cmocka_unit_test(test_new_leaf_of_a_revoked_number_never_shows_an_older_good_one),
        cmocka_unit_test(test_stored_revocation_of_one_leaf_withdraws_what_its_twins_show),
        cmocka_unit_test(test_stored_revocation_spares_a_twin_that_holds_something_newer),
        cmocka_unit_test(test_twin_of_a_revoked_one_that_shows_nothing_is_an_alarm_as_well),
        cmocka_unit_test(test_order_in_which_leaves_are_found_does_not_matter_to_a_revocation),
        cmocka_unit_test(test_latest_revocation_of_a_number_counts_for_all_its_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
