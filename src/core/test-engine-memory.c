/* SPDX-License-Identifier: Apache-2.0 */

/* Memory that fails in the midst of something: nobody is forgotten. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test-alloc.h"
#include "core/test-engine.h"

enum { TRIES = 12 };

/* The @n-th allocation of the step of @event fails. True: there was one. The event itself is not
 * lost: who sends it sends it again when nothing came of it. */
static bool step_scarcely(struct world *world, unsigned n, struct event event)
{
    bool failed;

    effects_deinit(&world->effects); /* room has to be made anew */
    world->scarce = true;
    event.now = world->now;
    alloc_fail(n);
    step_once(world, &event);
    failed = alloc_failed();
    alloc_fail(0);
    world->scarce = false;
    return failed;
}

/* What the store is to give again, it gives. */
static void pass_reading(struct world *world, int64_t seconds, struct event_stored stored)
{
    pass_time(world, seconds);
    for (uint32_t i = 0; i < world->count; i++) {
        char word[24];

        snprintf(word, sizeof(word), "read#%u ", i);
        if (strstr(buf_text(&world->trace), word)) {
            read_store(world, i, stored);
        }
    }
}

static void find_with(struct world *world, uint32_t cert, uint32_t other)
{
    struct cert_facts *facts = make_cert(world, cert);

    memmove(facts->serial, world->certs[other].serial, sizeof(facts->serial));
    facts->url_count = 1;
    find_made(world, cert);
}

static void test_stored_revocation_reaches_every_twin_without_memory(void **state)
{
    enum { TWINS = 30 };
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    const struct event_stored shown = {.held = &good, .next_try_s = INSTANT_NEVER};
    const struct tombstone tombstone = {true, TEST_NOW - 30, TEST_NOW - DAY, 1};
    struct event event = {.type = EVENT_CACHE_READ,
                          .cert = TWINS,
                          .stored = {.tombstone = tombstone, .next_try_s = INSTANT_NEVER}};
    unsigned failures = 0;

    (void)state;
    for (unsigned n = 2; n < TRIES; n++) { /* without the first it is not read at all */
        struct world world;

        world_open(&world);
        world.numbered = true;
        for (uint32_t i = 0; i < TWINS; i++) {
            find_with(&world, i, 0);
            read_store(&world, i, shown);
        }
        find_with(&world, TWINS, 0);
        forget_traces(&world);
        failures += step_scarcely(&world, n, event);
        pass_reading(&world, 1, shown);
        for (uint32_t i = 0; i < TWINS; i++) {
            assert_int_equal(look(&world, i).state, CERT_STATE_REVOKED);
            assert_false(world.outside[i].published);
        }
        world_close(&world);
    }
    assert_true(failures > 1);
}

static void test_new_leaf_of_a_revoked_number_shows_nothing_without_memory(void **state)
{
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    const struct tombstone tombstone = {true, TEST_NOW - 30, TEST_NOW - DAY, 1};
    const struct event_stored stored = {.held = &good, .next_try_s = INSTANT_NEVER};
    unsigned failures = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct world world;

        world_open(&world);
        find_simple(&world, 5, "http://five.example/");
        answer_to(&world, 5, &good);
        find_with(&world, 0, 0);
        read_store(&world, 0,
                   (struct event_stored){.tombstone = tombstone, .next_try_s = INSTANT_NEVER});
        find_with(&world, 1, 0);
        world.now.wall_s += HOUR; /* so much else is told in the same step */
        failures += step_scarcely(
            &world, n, (struct event){.type = EVENT_CACHE_READ, .cert = 1, .stored = stored});
        tick(&world);
        assert_false(world.outside[1].published);
        world_close(&world);
    }
    assert_true(failures > 1);
}

static void test_revocation_that_was_fetched_reaches_every_twin_without_memory(void **state)
{
    enum { TWINS = 30 };
    struct ocsp_facts good = test_answer(TEST_NOW - HOUR, 4 * DAY);
    struct ocsp_facts revoked = test_answer(TEST_NOW - 60, 4 * DAY);
    unsigned failures = 0;

    (void)state;
    revoked.status = CERT_STATUS_REVOKED;
    for (unsigned n = 2; n < TRIES; n++) {
        struct world world;

        world_open(&world);
        for (uint32_t i = 0; i < TWINS; i++) {
            find_with(&world, i, 0);
            read_store(&world, i,
                       (struct event_stored){.held = &good, .next_try_s = TEST_NOW + 1 + i * 60});
        }
        pass_time(&world, 1);
        failures += step_scarcely(
            &world, n,
            (struct event){
                .type = EVENT_FETCH_DONE,
                .cert = 0,
                .attempt = world.outside[0].attempt,
                .fetched = {.facts = &revoked, .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER}}});
        land(&world, 0);
        for (unsigned i = 0; i < 10; i++) {
            pass_time(&world, 1);
            while (world.flying) {
                answer(&world, &revoked);
            }
        }
        for (uint32_t i = 0; i < TWINS; i++) {
            assert_int_equal(look(&world, i).state, CERT_STATE_REVOKED);
        }
        world_close(&world);
    }
    assert_true(failures > 1);
}

static void test_those_who_joined_ask_when_who_could_not_ask_for_them_is_gone(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct policy policy = policy_default();
        struct world world;

        policy.responder_concurrency = 1;
        world_open_with(&world, &policy);
        find_simple_many(&world, 1);
        find_cert(&world, 8);
        read_nothing(&world, 8);
        find_twin(&world, 9, 8);
        pass_time(&world, 5);
        reply(&world, 0,
              (struct event_fetched){.outcome = FETCH_HTTP_STATUS,
                                     .http_status = 503,
                                     .posted = true,
                                     .hints = {.retry_after_s = 250}});
        pass_time(&world, 54);
        world.now.mono_ms += 1000; /* it is about to change lines */
        failures += step_scarcely(&world, n, (struct event){.type = EVENT_TICK});
        step(&world, (struct event){.type = EVENT_CERT_GONE, .cert = 8});
        wait_for_ask(&world, 9, 120);
        world_close(&world);
    }
    assert_true(failures > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_revocation_reaches_every_twin_without_memory),
        cmocka_unit_test(test_new_leaf_of_a_revoked_number_shows_nothing_without_memory),
        cmocka_unit_test(test_revocation_that_was_fetched_reaches_every_twin_without_memory),
        cmocka_unit_test(test_those_who_joined_ask_when_who_could_not_ask_for_them_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
