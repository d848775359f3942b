/* SPDX-License-Identifier: Apache-2.0 */

/* The process at the DER level, ended before every single write of a fixed script, by a signal and
 * by a power failure, with and without its store; and a disk that is full at every commit.
 *
 * The world here is this file: what der.c calls of sim/world.c is defined below. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/cert.h"
#include "sim/der-private.h"
#include "sim/der.h"
#include "sim/must.h"

#define CERTS     3
#define LIFE_S    (12 * HOUR_S)
#define URL       "http://r0.example/"
#define NO_DEATH  UINT32_MAX
#define SECOND_MS 1000
#define HOUR_MS   (HOUR_S * SECOND_MS)

#define OUTAGE_STEP 20 /* every so many writes of the outage the process dies */
#define OUTAGE_END  40 /* and at each of the last ones: the staple is withdrawn there */

enum habit { HABIT_GOOD, HABIT_REVOKED, HABIT_DOWN };

/* [0] is renewed by [2], [1] is revoked; [1] has its issuer fetched with one of the seeds. */
struct stage {
    struct world world; /* must be first */
    enum habit habits[CERTS];
    struct ask asks[16];
    unsigned ask_count;
    unsigned writes; /* so far */
    unsigned commits;
    unsigned die_at;  /* before this write */
    unsigned full_at; /* this commit and the next few find no room */
    bool dead;
    unsigned issuer_asks;
    unsigned reloads;
    unsigned errors;
};

static struct stage *stage_of(const struct world *world)
{
    return (struct stage *)world;
}

/* ---- What the subject calls ---- */

void *sim_grow(void *list, size_t old_count, size_t new_count, size_t each)
{
    uint8_t *grown = realloc(list, new_count * each);

    must(grown || !new_count);
    if (new_count > old_count) {
        memset(grown + old_count * each, 0, (new_count - old_count) * each);
    }
    return grown;
}

struct instant world_now(const struct world *world)
{
    return (struct instant){world_true_s(world), world->now_ms - world->boot_ms};
}

bool world_cert_is_there(const struct world *world, uint32_t cert)
{
    return world->certs[cert].found_ms <= world->now_ms &&
           world->now_ms < world->certs[cert].gone_ms;
}

void world_ask(struct world *world, const struct ask *ask)
{
    struct stage *stage = stage_of(world);

    assert_false(stage->dead);
    assert_true(stage->ask_count < ARRAY_SIZE(stage->asks));
    assert_int_equal(ask->url, 0);
    stage->asks[stage->ask_count++] = *ask;
}

void world_cancel(struct world *world, uint32_t cert, uint64_t attempt)
{
    struct stage *stage = stage_of(world);

    (void)cert;
    for (unsigned i = 0; i < stage->ask_count; i++) {
        if (stage->asks[i].attempt == attempt) {
            stage->asks[i] = stage->asks[--stage->ask_count];
            return;
        }
    }
    fail_msg("a request was cancelled that is not under way");
}

enum write_result world_write(struct world *world, enum write_kind kind)
{
    struct stage *stage = stage_of(world);

    assert_false(stage->dead);
    stage->writes++;
    stage->commits += kind == WRITE_COMMIT;
    world->disk_full = stage->commits >= stage->full_at && stage->commits < stage->full_at + 3;
    if (stage->writes == stage->die_at) {
        stage->dead = true;
        return WRITE_DEAD;
    }
    return world->disk_full && kind == WRITE_COMMIT ? WRITE_FAILED : WRITE_DONE;
}

/* Whatever is shown, at any moment, is good for every client. */
void world_shown(struct world *world, uint32_t cert)
{
    uint32_t shown = world->subject->type->shows(world->subject, cert);
    const struct answer *answer;

    if (shown != ANSWER_NONE) {
        answer = answers_get(&world->answers, shown);
        assert_int_equal(answer->flaw, FLAW_NONE);
        assert_int_equal(answer->certid, world->certs[cert].certid);
        assert_int_equal(answer->status, CERT_STATUS_GOOD);
        assert_true(answer->this_update_s <= world_true_s(world));
        assert_true(world_true_s(world) < answer->next_update_s);
    }
}

void world_mark(struct world *world, const char *what, uint32_t cert, int64_t a, int64_t b)
{
    struct stage *stage = stage_of(world);

    (void)cert;
    (void)a;
    (void)b;
    assert_false(stage->dead);
    stage->issuer_asks += text_equal(what, "asks for issuer");
    stage->reloads += text_equal(what, "reload");
    assert_false(text_equal(what, "asks what nobody answers"));
}

void world_mark_note(struct world *world, uint32_t cert, const struct note *note)
{
    struct stage *stage = stage_of(world);

    assert_false(stage->dead);
    assert_true(!note->cert || cert < CERTS);
    stage->errors += note->kind == NOTE_PLAIN && note->level == NOTE_ERROR;
}

/* ---- The stage ---- */

static void add_cert(struct stage *stage, uint32_t certid, int64_t found_ms, int64_t gone_ms)
{
    static const char *const names[] = {"a.example", "b.example", "c.example"};
    struct world *world = &stage->world;
    struct sim_cert *cert = &world->certs[certid];

    *cert = (struct sim_cert){
        .certid = certid, .twin = certid, .found_ms = found_ms, .gone_ms = gone_ms};
    cert->facts = (struct cert_facts){
        .url_count = 1,
        .has_issuer = true,
        .not_before_s = WORLD_START_S - DAY_S,
        .not_after_s = WORLD_START_S + 90 * DAY_S,
        .name = names[certid],
        .urls = {URL},
    };
}

static void open_stage(struct stage *stage, uint64_t seed)
{
    static const struct authority authority = {.signing = SIGN_ON_DEMAND, .life_s = LIFE_S};
    struct world *world = &stage->world;

    *stage = (struct stage){.die_at = NO_DEATH, .full_at = NO_DEATH};
    world->options.seed = seed;
    world->policy = policy_default();
    world->now_ms = WORLD_START_S * SECOND_MS;
    world->boot_ms = world->now_ms - HOUR_MS;
    world->servers_keep = true;
    world->authorities = sim_grow(NULL, 0, 1, sizeof(*world->authorities));
    world->authorities[0] = authority;
    world->responders = sim_grow(NULL, 0, 1, sizeof(*world->responders));
    world->responders[0].url = (char *)URL;
    world->certs = sim_grow(NULL, 0, CERTS, sizeof(*world->certs));
    world->authority_count = world->responder_count = 1;
    world->cert_count = world->certid_count = CERTS;
    add_cert(stage, 0, 0, INT64_MAX);
    add_cert(stage, 1, 0, INT64_MAX);
    add_cert(stage, 2, INT64_MAX, INT64_MAX);
    world->subject = der_new(world);
}

static void close_stage(struct stage *stage)
{
    struct world *world = &stage->world;

    stage->dead = false;
    stage->die_at = NO_DEATH;
    world->subject->type->free(world->subject);
    answers_deinit(&world->answers);
    free(world->authorities);
    free(world->responders);
    free(world->certs);
}

static struct der *der_on(const struct stage *stage)
{
    return der_of(stage->world.subject);
}

/* The reply that the certificate's habit has for a request. */
static void reply_to(struct stage *stage, const struct ask *ask)
{
    struct world *world = &stage->world;
    int64_t now_s = world_true_s(world);
    struct answer answer = {
        .certid = world->certs[ask->cert].certid,
        .this_update_s = now_s - HOUR_S,
        .next_update_s = now_s - HOUR_S + LIFE_S,
        .produced_at_s = now_s - HOUR_S,
        .delegate_not_after_s = INSTANT_NEVER,
        .revocation_reason = -1,
        .honest = true,
    };
    struct reply reply = {.cert = ask->cert,
                          .attempt = ask->attempt,
                          .posted = ask->post,
                          .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER}};

    if (stage->habits[ask->cert] == HABIT_DOWN) {
        reply.outcome = FETCH_HTTP_STATUS;
        reply.http_status = 503;
        reply.hints.retry_after_s = HOUR_S; /* makes the outage a quiet one */
    } else {
        reply.outcome = FETCH_ANSWER;
        reply.http_status = 200;
        if (stage->habits[ask->cert] == HABIT_REVOKED) {
            answer.status = CERT_STATUS_REVOKED;
            answer.revoked_at_s = now_s - 2 * HOUR_S;
        }
        reply.answer = answers_add(&world->answers, &answer);
    }
    world->subject->type->reply(world->subject, &reply);
}

/* Lets the time pass, or what is left of it until the process dies. */
static void pass(struct stage *stage, int64_t ms)
{
    struct world *world = &stage->world;
    const struct subject_type *type = world->subject->type;
    int64_t end_ms = world->now_ms + ms;

    while (!stage->dead) {
        struct ask ask;
        int64_t due_ms;

        if (stage->ask_count) {
            ask = stage->asks[0];
            stage->asks[0] = stage->asks[--stage->ask_count];
            world->now_ms += 50;
            reply_to(stage, &ask);
            continue;
        }
        due_ms = time_add(type->deadline_ms(world->subject), world->boot_ms);
        if (due_ms >= end_ms) {
            world->now_ms = time_max(world->now_ms, end_ms);
            return;
        }
        world->now_ms = time_max(world->now_ms, due_ms);
        type->wake(world->subject);
    }
}

static void all_do(struct stage *stage, enum habit habit)
{
    for (unsigned i = 0; i < CERTS; i++) {
        stage->habits[i] = habit;
    }
}

static uint32_t shows(const struct stage *stage, uint32_t cert)
{
    return stage->world.subject->type->shows(stage->world.subject, cert);
}

/* ---- The script ---- */

static void scene_start(struct stage *stage)
{
    stage->world.subject->type->start(stage->world.subject);
    pass(stage, 10 * SECOND_MS);
}

static void scene_refresh(struct stage *stage)
{
    pass(stage, 9 * HOUR_MS);
}

static void scene_renew(struct stage *stage)
{
    struct world *world = &stage->world;

    world->certs[0].gone_ms = world->certs[2].found_ms = world->now_ms;
    world->subject->type->gone(world->subject, 0);
    if (!stage->dead) {
        world->subject->type->found(world->subject, 2);
    }
    pass(stage, 60 * SECOND_MS);
}

static void scene_revoke(struct stage *stage)
{
    stage->habits[1] = HABIT_REVOKED;
    pass(stage, 9 * HOUR_MS);
}

/* Until a minute behind the end of the last staple. */
static void scene_outage(struct stage *stage)
{
    bool some = true;

    all_do(stage, HABIT_DOWN);
    for (int64_t i = 0; i < 12 * 60 && some; i++) {
        pass(stage, 60 * SECOND_MS);
        some = false;
        for (uint32_t cert = 0; cert < CERTS; cert++) {
            some = some || shows(stage, cert) != ANSWER_NONE;
        }
    }
    pass(stage, 60 * SECOND_MS);
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
        first[i] = shows(stage, i);
        assert_int_equal(first[i] != ANSWER_NONE, i < 2);
    }
    assert_int_equal(stage->issuer_asks, stage->world.options.seed % 3 == 0);
    scene_refresh(stage);
    assert_true(shows(stage, 0) > first[0] && shows(stage, 1) > first[1]);
    scene_renew(stage);
    assert_int_equal(shows(stage, 0), ANSWER_NONE);
    assert_int_not_equal(shows(stage, 2), ANSWER_NONE);
    scene_revoke(stage);
    assert_int_equal(shows(stage, 1), ANSWER_NONE);
    assert_int_not_equal(shows(stage, 2), ANSWER_NONE);
    scene_outage(stage);
    assert_int_equal(shows(stage, 2), ANSWER_NONE);
    assert_true(stage->reloads >= 4);
}

static void test_the_script_goes_as_it_should(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct stage stage;

        open_stage(&stage, seed);
        play_and_check(&stage);
        assert_int_equal(stage.errors, 0);
        close_stage(&stage);
    }
}

static void test_a_full_disk_holds_nothing_back(void **state)
{
    unsigned full = 0;

    (void)state;
    for (unsigned at = 1, commits = 1; at <= commits; at++) {
        struct stage stage;

        open_stage(&stage, at);
        stage.full_at = at;
        play_and_check(&stage);
        commits = stage.commits;
        full++;
        close_stage(&stage);
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
    const struct derbytes *bytes = der_on(relics->stage)->bytes;
    uint32_t cert = derbytes_find_cert(bytes, leaf_sha256);

    assert_true(cert < CERTS);
    assert_int_equal(record->pending.size, 0); /* nothing is held back here */
    relics->tombs[cert] = record->tombstone.present;
    if (record->held.size) {
        relics->stored[cert] = derbytes_find_answer(bytes, slice_of_buf(&record->held));
        assert_int_not_equal(relics->stored[cert], ANSWER_NONE);
    }
}

/* The answer in a file; of the other kind of files only where there is a snippet. */
static uint32_t published_at(const struct stage *stage, const char *name, const char *ending)
{
    const struct der *der = der_on(stage);
    struct buf path = BUF_INIT(256), content = BUF_INIT(LIMIT_ANSWER_SIZE);
    uint32_t answer = ANSWER_NONE;

    buf_put_text(&path, name);
    buf_put_text(&path, ending);
    if (simdisk_read(der->disk, buf_text(&path), &content) == 0) {
        answer = derbytes_find_answer(der->bytes, slice_of_buf(&content));
        assert_int_not_equal(answer, ANSWER_NONE);
    }
    buf_deinit(&path);
    buf_deinit(&content);
    return answer;
}

static void see_published(const struct stage *stage, uint32_t cert, uint32_t ret_published[2])
{
    const char *path = derserver_path(der_on(stage)->server, cert);
    struct buf name = BUF_INIT(256), snippet = BUF_INIT(256), content = BUF_INIT(4096);
    const char *stem = strrchr(path, '/');

    buf_put_text(&name, DERSERVER_FOLDER);
    buf_put(&name, stem, text_length(stem) - text_length(".pem"));
    buf_put_slice(&snippet, slice_of_buf(&name));
    buf_put_text(&snippet, ".conf");
    ret_published[0] = published_at(stage, path, ".ocsp");
    if (simdisk_read(der_on(stage)->disk, buf_text(&snippet), &content) == 0) {
        ret_published[1] = published_at(stage, buf_text(&name), ".ocsp");
        assert_int_not_equal(ret_published[1], ANSWER_NONE);
    }
    buf_deinit(&name);
    buf_deinit(&snippet);
    buf_deinit(&content);
}

static struct relics find_relics(const struct stage *stage)
{
    struct relics relics = {.stage = stage};

    simdisk_store_each(der_on(stage)->disk, see_record, &relics);
    for (uint32_t i = 0; i < CERTS; i++) {
        if (derserver_has(der_on(stage)->server, i)) {
            see_published(stage, i, relics.published[i]);
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
        simdisk_store_lose(der_on(stage)->disk);
    }
    *ret_relics = find_relics(stage);
    all_do(stage, HABIT_DOWN);
    world->subject->type->start(world->subject);
    pass(stage, 10 * SECOND_MS);
    return true;
}

/* The last committed good answer is shown again, or without any what was published; and what is on
 * disk is whole (world_shown() and find_relics() look at that). */
static void check_restart(const struct stage *stage, const struct relics *relics)
{
    for (uint32_t i = 0; i < CERTS; i++) {
        const uint32_t *published = relics->published[i];
        uint32_t shown = shows(stage, i);

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

    pass(stage, LIFE_S * SECOND_MS);
    for (uint32_t i = 0; i < CERTS; i++) {
        if (!store_lost) {
            assert_int_equal(shows(stage, i), ANSWER_NONE);
        } else if (derserver_has(der_on(stage)->server, i)) {
            see_published(stage, i, published);
            assert_true(published[0] == ANSWER_NONE && published[1] == ANSWER_NONE);
        }
    }
}

static void die_and_check(uint64_t seed, const struct death *death)
{
    struct relics relics;
    struct stage stage;

    open_stage(&stage, seed);
    assert_true(die(&stage, death, &relics));
    check_restart(&stage, &relics);
    check_end(&stage, death->store_lost);
    close_stage(&stage);
}

/* Every death of the script; but between the beginning of the outage and the end of the last staple
 * a few are enough: all that is written there is when the next try comes. */
static void die_everywhere(bool power, bool store_lost)
{
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct stage stage;
        unsigned busy, writes, at = 1;

        open_stage(&stage, seed);
        for (size_t i = 0; i + 1 < ARRAY_SIZE(scenes); i++) {
            scenes[i](&stage);
        }
        busy = stage.writes;
        scenes[ARRAY_SIZE(scenes) - 1](&stage);
        writes = stage.writes;
        close_stage(&stage);
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
    open_stage(&stage, 0);
    scene_start(&stage);
    simdisk_store_lose(der_on(&stage)->disk);
    relics = find_relics(&stage);
    assert_int_equal(relics.stored[0], ANSWER_NONE);
    scene_refresh(&stage);
    relics = find_relics(&stage);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_not_equal(relics.stored[i], ANSWER_NONE);
        assert_int_equal(relics.stored[i], shows(&stage, i));
    }
    close_stage(&stage);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
