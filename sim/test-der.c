/* SPDX-License-Identifier: Apache-2.0 */

/* The process at the DER level, ended before every single write of a fixed script, by a signal and
 * by a power failure, with and without its store; a disk that is full at every commit; and
 * `clinch expire` beside it and behind it. */

#include "sim/test-stage.h"

#define OUTAGE_STEP 20 /* every so many writes of the outage the process dies */
#define OUTAGE_END  40 /* and at each of the last ones: the staple is withdrawn there */

/* ---- The script ---- */

static void scene_start(struct stage *stage)
{
    stage->world.subject->type->start(stage->world.subject);
    stage_pass(stage, 10 * SECOND_MS);
}

static void scene_refresh(struct stage *stage)
{
    stage_pass(stage, 9 * HOUR_MS);
}

static void scene_renew(struct stage *stage)
{
    struct world *world = &stage->world;

    world->certs[0].gone_ms = world->certs[2].found_ms = world->now_ms;
    world->subject->type->gone(world->subject, 0);
    if (!stage->dead) {
        world->subject->type->found(world->subject, 2);
    }
    stage_pass(stage, 60 * SECOND_MS);
}

static void scene_revoke(struct stage *stage)
{
    stage->habits[1] = HABIT_REVOKED;
    stage_pass(stage, 9 * HOUR_MS);
}

/* Until a minute behind the end of the last staple. */
static void scene_outage(struct stage *stage)
{
    bool some = true;

    stage_all_do(stage, HABIT_DOWN);
    for (int64_t i = 0; i < 12 * 60 && some; i++) {
        stage_pass(stage, 60 * SECOND_MS);
        some = false;
        for (uint32_t cert = 0; cert < CERTS; cert++) {
            some = some || stage_shows(stage, cert) != ANSWER_NONE;
        }
    }
    stage_pass(stage, 60 * SECOND_MS);
}

static void (*const scenes[])(struct stage *stage) = {scene_start, scene_refresh, scene_renew,
                                                      scene_revoke, scene_outage};

/* Up to the end or to the death of the process. */
static void play(struct stage *stage)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenes) && !stage->dead; i++) {
        scenes[i](stage);
    }
}

/* The whole script, and what must be shown behind each scene. */
static void play_and_check(struct stage *stage)
{
    uint32_t first[CERTS];

    scene_start(stage);
    for (unsigned i = 0; i < CERTS; i++) {
        first[i] = stage_shows(stage, i);
        assert_int_equal(first[i] != ANSWER_NONE, i < 2);
    }
    assert_int_equal(stage->issuer_asks, stage->world.options.seed % 3 == 0);
    scene_refresh(stage);
    assert_true(stage_shows(stage, 0) > first[0] && stage_shows(stage, 1) > first[1]);
    scene_renew(stage);
    assert_int_equal(stage_shows(stage, 0), ANSWER_NONE);
    assert_int_not_equal(stage_shows(stage, 2), ANSWER_NONE);
    scene_revoke(stage);
    assert_int_equal(stage_shows(stage, 1), ANSWER_NONE);
    assert_int_not_equal(stage_shows(stage, 2), ANSWER_NONE);
    scene_outage(stage);
    assert_int_equal(stage_shows(stage, 2), ANSWER_NONE);
    assert_true(stage->reloads >= 4);
}

static void test_the_script_goes_as_it_should(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct stage stage;

        stage_open(&stage, seed);
        play_and_check(&stage);
        assert_int_equal(stage.errors, 0);
        stage_close(&stage);
    }
}

static void test_a_full_disk_holds_nothing_back(void **state)
{
    unsigned full = 0;

    (void)state;
    for (unsigned at = 1, commits = 1; at <= commits; at++) {
        struct stage stage;

        stage_open(&stage, at);
        stage.full_at = at;
        play_and_check(&stage);
        commits = stage.commits;
        full++;
        stage_close(&stage);
    }
    assert_true(full > 10);
}

/* ---- Deaths ---- */

/* What is left on disk, by certificate: in the store, and at the places of both servers. */
struct relics {
    const struct stage *stage;
    uint32_t stored[CERTS];
    bool tombs[CERTS];
    uint32_t published[CERTS][2];
};

static void see_record(void *context, const uint8_t *leaf_sha256, const struct store_record *record)
{
    struct relics *relics = context;
    const struct derbytes *bytes = stage_der(relics->stage)->bytes;
    uint32_t cert = derbytes_find_cert(bytes, leaf_sha256);

    assert_true(cert < CERTS);
    assert_int_equal(record->pending.size, 0); /* nothing is held back here */
    relics->tombs[cert] = record->tombstone.present;
    if (record->held.size) {
        relics->stored[cert] = derbytes_find_answer(bytes, slice_of_buf(&record->held));
        assert_int_not_equal(relics->stored[cert], ANSWER_NONE);
    }
}

static struct relics find_relics(const struct stage *stage)
{
    struct relics relics = {.stage = stage};

    simdisk_store_each(stage_der(stage)->disk, see_record, &relics);
    for (uint32_t i = 0; i < CERTS; i++) {
        if (derserver_has(stage_der(stage)->server, i)) {
            stage_see_published(stage, i, relics.published[i]);
        }
    }
    return relics;
}

/* Good for @cert, and to be shown for some time to come. */
static bool is_fresh(const struct stage *stage, uint32_t cert, uint32_t answer)
{
    const struct world *world = &stage->world;

    return answer != ANSWER_NONE && answers_get(&world->answers, answer)->certid == cert &&
           world_true_s(world) + world->policy.margin_max_s <
               answers_get(&world->answers, answer)->next_update_s;
}

/* How a process ends, and what its successor finds. */
struct death {
    unsigned at; /* before which write */
    bool power;
    bool store_lost;
};

/* Plays until the death, and starts again while nobody answers. False: it never came to that. */
static bool die(struct stage *stage, const struct death *death, struct relics *ret_relics)
{
    struct world *world = &stage->world;

    stage->die_at = death->at;
    play(stage);
    if (!stage->dead) {
        return false;
    }
    stage->dead = false;
    stage->die_at = NO_DEATH;
    stage->ask_count = 0;
    world->subject->type->stop(world->subject);
    world->now_ms += 100;
    if (death->power) {
        world->boot_ms = world->now_ms - 1;
    }
    if (death->store_lost) {
        simdisk_store_lose(stage_der(stage)->disk);
    }
    *ret_relics = find_relics(stage);
    stage_all_do(stage, HABIT_DOWN);
    world->subject->type->start(world->subject);
    stage_pass(stage, 10 * SECOND_MS);
    return true;
}

/* The last committed good answer is shown again, or without any what was published; and what is on
 * disk is whole (world_shown() and find_relics() look at that). */
static void check_restart(const struct stage *stage, const struct relics *relics)
{
    for (uint32_t i = 0; i < CERTS; i++) {
        const uint32_t *published = relics->published[i];
        uint32_t shown = stage_shows(stage, i);

        if (!world_cert_is_there(&stage->world, i) || relics->tombs[i]) {
            assert_int_equal(shown, ANSWER_NONE);
        } else if (is_fresh(stage, i, relics->stored[i])) {
            assert_int_equal(shown, relics->stored[i]);
        } else if (is_fresh(stage, i, published[0]) || is_fresh(stage, i, published[1])) {
            assert_true(shown == published[0] || shown == published[1]);
        }
    }
}

/* The outage goes on: everything comes to its end, and is gone by then. Without the store nobody
 * knows what nginx had loaded; what is on disk must be gone all the same. */
static void check_end(struct stage *stage, bool store_lost)
{
    uint32_t published[2] = {0};

    stage_pass(stage, LIFE_S * SECOND_MS);
    for (uint32_t i = 0; i < CERTS; i++) {
        if (!store_lost) {
            assert_int_equal(stage_shows(stage, i), ANSWER_NONE);
        } else if (derserver_has(stage_der(stage)->server, i)) {
            stage_see_published(stage, i, published);
            assert_true(published[0] == ANSWER_NONE && published[1] == ANSWER_NONE);
        }
    }
}

static void die_and_check(uint64_t seed, const struct death *death)
{
    struct relics relics;
    struct stage stage;

    stage_open(&stage, seed);
    assert_true(die(&stage, death, &relics));
    check_restart(&stage, &relics);
    check_end(&stage, death->store_lost);
    stage_close(&stage);
}

/* Every death of the script; but between the beginning of the outage and the end of the last staple
 * a few are enough: all that is written there is when the next try comes. */
static void die_everywhere(bool power, bool store_lost)
{
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct stage stage;
        unsigned busy, writes, at = 1;

        stage_open(&stage, seed);
        for (size_t i = 0; i + 1 < ARRAY_SIZE(scenes); i++) {
            scenes[i](&stage);
        }
        busy = stage.writes;
        scenes[ARRAY_SIZE(scenes) - 1](&stage);
        writes = stage.writes;
        stage_close(&stage);
        assert_true(busy > 80 && writes > busy + OUTAGE_END);
        while (at <= writes) {
            struct death death = {at, power, store_lost};

            die_and_check(seed, &death);
            at += at < busy || at + OUTAGE_END > writes ? 1 : OUTAGE_STEP;
        }
    }
}

static void test_a_process_killed_before_any_write_goes_on_where_it_was(void **state)
{
    (void)state;
    die_everywhere(false, false);
}

static void test_a_power_failure_before_any_write_loses_nothing_committed(void **state)
{
    (void)state;
    die_everywhere(true, false);
}

static void test_without_its_store_a_process_goes_on_with_what_is_published(void **state)
{
    (void)state;
    die_everywhere(false, true);
}

static void test_a_store_lost_in_use_is_filled_again(void **state)
{
    struct relics relics;
    struct stage stage;

    (void)state;
    stage_open(&stage, 0);
    scene_start(&stage);
    simdisk_store_lose(stage_der(&stage)->disk);
    relics = find_relics(&stage);
    assert_int_equal(relics.stored[0], ANSWER_NONE);
    scene_refresh(&stage);
    relics = find_relics(&stage);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_not_equal(relics.stored[i], ANSWER_NONE);
        assert_int_equal(relics.stored[i], stage_shows(&stage, i));
    }
    stage_close(&stage);
}

/* ---- `clinch expire` ---- */

static void test_beside_a_process_that_lives_nothing_expires(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2; seed++) {
        const struct subject_type *type;
        struct subject *subject;
        struct stage stage;
        uint32_t shown;

        stage_open(&stage, seed);
        subject = stage.world.subject;
        type = subject->type;
        scene_start(&stage);
        shown = stage_shows(&stage, 0);
        stage.off_s = 30 * DAY_S; /* a jump that the process doubts */
        type->wake(subject);
        type->minute(subject);
        assert_int_equal(stage_shows(&stage, 0), shown);
        type->stop(subject);
        type->minute(subject); /* nobody knows better any more */
        assert_int_equal(stage_shows(&stage, 0), ANSWER_NONE);
        stage_close(&stage);
    }
}

/* nginx has one staple loaded, a newer one lies in its file, and the process is gone before it
 * reloads. */
static void leave_behind(struct stage *stage)
{
    uint32_t published[2] = {0};

    stage_open(stage, 1);
    stage->world.certs[1].found_ms = INT64_MAX; /* its withdrawal would be a reload as well */
    scene_start(stage);
    for (int i = 0; i < 9 * 60 && published[1] <= stage_shows(stage, 0); i++) {
        stage_pass(stage, 60 * SECOND_MS);
        stage_see_published(stage, 0, published);
    }
    assert_true(published[1] > stage_shows(stage, 0));
    assert_int_equal(stage->reloads, 1);
    stage->world.subject->type->stop(stage->world.subject);
}

/* Until all has ended. How often nginx was reloaded meanwhile. */
static unsigned expire_all(struct stage *stage)
{
    struct world *world = &stage->world;
    unsigned before = stage->reloads;

    for (int64_t i = 0; i < LIFE_S / 60; i++) {
        world->now_ms += 60 * SECOND_MS;
        world->subject->type->minute(world->subject);
        world_shown(world, 0);
    }
    assert_int_equal(stage_shows(stage, 0), ANSWER_NONE);
    return stage->reloads - before;
}

static void test_nginx_does_not_go_on_with_what_it_loaded_of_a_dead_process(void **state)
{
    struct stage stage;

    (void)state;
    leave_behind(&stage);
    assert_int_equal(expire_all(&stage), 2); /* at the end of either */
    stage_close(&stage);
}

/* What is written is told apart from what is loaded, over the end of the process. */
static void test_nginx_is_told_after_a_start_of_what_a_dead_process_has_written(void **state)
{
    struct stage stage;
    uint32_t published[2] = {0};

    (void)state;
    leave_behind(&stage);
    stage_see_published(&stage, 0, published);
    stage_all_do(&stage, HABIT_DOWN);
    for (unsigned starts = 0; starts < 2; starts++) {
        scene_start(&stage);
        stage_pass(&stage, HOUR_MS + 10 * SECOND_MS);
        assert_int_equal(stage_shows(&stage, 0), published[1]);
        assert_int_equal(stage.reloads, 2);
        stage.world.subject->type->stop(stage.world.subject);
    }
    stage_close(&stage);
}

static void test_a_full_disk_keeps_nothing_alive_beyond_its_end(void **state)
{
    struct stage stage;

    (void)state;
    leave_behind(&stage);
    stage.world.disk_full = true;
    assert_true(expire_all(&stage) > 2); /* what nginx has loaded cannot be written down */
    stage_close(&stage);
}

/* ---- Who is who ---- */

static uint32_t make_answer(struct stage *stage, int64_t this_update_s, struct buf *body)
{
    struct answer answer = {
        .this_update_s = this_update_s,
        .next_update_s = this_update_s + LIFE_S,
        .produced_at_s = this_update_s,
        .delegate_not_after_s = INSTANT_NEVER,
        .revocation_reason = -1,
    };
    uint32_t number = answers_add(&stage->world.answers, &answer);

    derbytes_put_answer(stage_der(stage)->bytes, number, body);
    return number;
}

/* Of these two the halves of their hashes that a map keeps are the same. */
static void test_answers_are_told_apart_by_their_whole_hashes(void **state)
{
    struct buf bodies[] = {BUF_INIT(LIMIT_ANSWER_SIZE), BUF_INIT(LIMIT_ANSWER_SIZE)};
    struct stage stage;
    uint32_t first, second;

    (void)state;
    stage_open(&stage, 0);
    first = make_answer(&stage, WORLD_START_S + 91999, &bodies[0]);
    second = make_answer(&stage, WORLD_START_S + 105885, &bodies[1]);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(derbytes_find_answer(stage_der(&stage)->bytes, slice_of_buf(&bodies[i])),
                         i ? second : first);
        buf_deinit(&bodies[i]);
    }
    stage_close(&stage);
}

static void test_a_request_is_of_the_leaf_that_asks_not_of_its_twin(void **state)
{
    struct stage stage;
    struct world *world = &stage.world;

    (void)state;
    stage_open(&stage, 0);
    world->certs[2].certid = 1;
    world->certs[2].twin = 1;
    scene_start(&stage);
    assert_int_not_equal(stage_shows(&stage, 1), ANSWER_NONE);
    world->certs[2].found_ms = world->now_ms;
    world->subject->type->found(world->subject, 2);
    assert_int_equal(stage.ask_count, 1);
    assert_int_equal(stage.asks[0].cert, 2);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_script_goes_as_it_should),
        cmocka_unit_test(test_a_process_killed_before_any_write_goes_on_where_it_was),
        cmocka_unit_test(test_a_power_failure_before_any_write_loses_nothing_committed),
        cmocka_unit_test(test_without_its_store_a_process_goes_on_with_what_is_published),
        cmocka_unit_test(test_a_full_disk_holds_nothing_back),
        cmocka_unit_test(test_a_store_lost_in_use_is_filled_again),
        cmocka_unit_test(test_beside_a_process_that_lives_nothing_expires),
        cmocka_unit_test(test_nginx_does_not_go_on_with_what_it_loaded_of_a_dead_process),
        cmocka_unit_test(test_nginx_is_told_after_a_start_of_what_a_dead_process_has_written),
        cmocka_unit_test(test_a_full_disk_keeps_nothing_alive_beyond_its_end),
        cmocka_unit_test(test_answers_are_told_apart_by_their_whole_hashes),
        cmocka_unit_test(test_a_request_is_of_the_leaf_that_asks_not_of_its_twin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
