/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/test-stage.h"

#include "pki/cert.h"

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
    const struct stage *stage = (const struct stage *)world;

    return (struct instant){world_true_s(world) + stage->off_s, world->now_ms - world->boot_ms};
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

void stage_open(struct stage *stage, uint64_t seed)
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

void stage_close(struct stage *stage)
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

struct der *stage_der(const struct stage *stage)
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

void stage_pass(struct stage *stage, int64_t ms)
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

void stage_all_do(struct stage *stage, enum habit habit)
{
    for (unsigned i = 0; i < CERTS; i++) {
        stage->habits[i] = habit;
    }
}

uint32_t stage_shows(const struct stage *stage, uint32_t cert)
{
    return stage->world.subject->type->shows(stage->world.subject, cert);
}

/* The answer in a file; of the other kind of files only where there is a snippet. */
static uint32_t published_at(const struct stage *stage, const char *name, const char *ending)
{
    const struct der *der = stage_der(stage);
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

void stage_see_published(const struct stage *stage, uint32_t cert, uint32_t ret_published[2])
{
    const char *path = derserver_path(stage_der(stage)->server, cert);
    struct buf name = BUF_INIT(256), snippet = BUF_INIT(256), content = BUF_INIT(4096);
    const char *stem = strrchr(path, '/');

    buf_put_text(&name, DERSERVER_FOLDER);
    buf_put(&name, stem, text_length(stem) - text_length(".pem"));
    buf_put_slice(&snippet, slice_of_buf(&name));
    buf_put_text(&snippet, ".conf");
    ret_published[0] = published_at(stage, path, ".ocsp");
    if (simdisk_read(stage_der(stage)->disk, buf_text(&snippet), &content) == 0) {
        ret_published[1] = published_at(stage, buf_text(&name), ".ocsp");
        assert_int_not_equal(ret_published[1], ANSWER_NONE);
    }
    buf_deinit(&name);
    buf_deinit(&snippet);
    buf_deinit(&content);
}
