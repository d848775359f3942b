/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/test-puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/script.h"

static struct puppet *of(const struct subject *subject)
{
    return (struct puppet *)subject;
}

static uint32_t mint(struct puppet *puppet, const struct move *move)
{
    struct world *world = puppet->subject.world;
    struct answer answer = {
        .certid = world->certs[move->cert].certid + move->other_cert,
        .this_update_s = WORLD_START_S + move->from_s,
        .next_update_s = WORLD_START_S + move->until_s,
        .produced_at_s = WORLD_START_S + move->from_s,
        .delegate_not_after_s = INSTANT_NEVER,
        .revocation_reason = -1,
        .flaw = move->flaw,
        .status = move->status,
        .honest = !move->dishonest,
    };

    return answers_add(&world->answers, &answer);
}

static void show(struct puppet *puppet, const struct move *move, uint32_t answer)
{
    uint32_t cert = move->cert;

    if (world_write(puppet->subject.world, WRITE_COMMIT) == WRITE_DEAD ||
        world_write(puppet->subject.world, WRITE_PUBLISH) == WRITE_DEAD) {
        return;
    }
    if (move->batched) {
        world_batched(puppet->subject.world, cert, answer == ANSWER_NONE);
    }
    puppet->shown[cert] = answer;
    world_mark(puppet->subject.world, "puppet shows", cert, answer, 0);
    world_shown(puppet->subject.world, cert);
}

static void do_move(struct puppet *puppet, const struct move *move)
{
    struct ask ask = {
        .cert = move->cert,
        .url = move->url,
        .post = move->post,
        .no_cache = move->no_cache,
    };

    switch (move->kind) {
    case MOVE_ASK:
        ask.attempt = ++puppet->attempt[move->cert];
        world_ask(puppet->subject.world, &ask);
        break;
    case MOVE_SHOW:
        show(puppet, move, mint(puppet, move));
        break;
    case MOVE_HAVE:
        assert_int_not_equal(puppet->brought[move->cert], ANSWER_NONE);
        show(puppet, move, puppet->brought[move->cert]);
        break;
    case MOVE_HIDE:
        show(puppet, move, ANSWER_NONE);
        break;
    case MOVE_DROP:
        world_cancel(puppet->subject.world, move->cert, puppet->attempt[move->cert]);
        break;
    case MOVE_SPIN:
        puppet->spins = true;
        break;
    }
}

static bool has_move(const struct puppet *puppet)
{
    const struct move *move = &puppet->moves[puppet->next];

    return move->kind != MOVE_ASK || move->at_ms != 0 || puppet->next == 0;
}

static void puppet_wake(struct subject *subject)
{
    struct puppet *puppet = of(subject);

    while (has_move(puppet) &&
           puppet->moves[puppet->next].at_ms + WORLD_START_S * 1000 <= subject->world->now_ms) {
        do_move(puppet, &puppet->moves[puppet->next++]);
    }
}

static int64_t puppet_deadline_ms(const struct subject *subject)
{
    const struct puppet *puppet = of(subject);

    if (puppet->spins) {
        return 0;
    }
    return has_move(puppet)
               ? puppet->moves[puppet->next].at_ms + WORLD_START_S * 1000 - subject->world->boot_ms
               : INSTANT_NEVER;
}

static void puppet_start(struct subject *subject)
{
    of(subject)->starts++;
}

static void puppet_stop(struct subject *subject)
{
    struct puppet *puppet = of(subject);

    for (uint32_t i = 0; i < subject->world->cert_count && !subject->world->servers_keep; i++) {
        if (puppet->shown[i] != ANSWER_NONE) {
            puppet->shown[i] = ANSWER_NONE;
            world_shown(subject->world, i);
        }
    }
}

static void puppet_cert(struct subject *subject, uint32_t cert)
{
    (void)subject;
    (void)cert;
}

static void puppet_reply(struct subject *subject, const struct reply *reply)
{
    struct puppet *puppet = of(subject);

    puppet->replies++;
    puppet->late_replies += reply->attempt != puppet->attempt[reply->cert];
    if (reply->answer != ANSWER_NONE) {
        puppet->brought[reply->cert] = reply->answer;
    }
}

static uint32_t puppet_shows(const struct subject *subject, uint32_t cert)
{
    return of(subject)->shown[cert];
}

static struct subject *puppet_free(struct subject *subject)
{
    (void)subject;
    return NULL;
}

static const struct subject_type type = {
    .name = "puppet",
    .start = puppet_start,
    .stop = puppet_stop,
    .found = puppet_cert,
    .gone = puppet_cert,
    .reply = puppet_reply,
    .wake = puppet_wake,
    .deadline_ms = puppet_deadline_ms,
    .shows = puppet_shows,
    .free = puppet_free,
};

enum invariant puppet_run(const char *script, const struct move *moves, struct puppet *ret_puppet,
                          struct oracle_result *ret_result)
{
    struct world_options options = {.seed = 1, .days = 1};
    _cleanup_(world_freep)
    struct world *world = world_new(&options);
    _cleanup_(oracle_freep)
    struct oracle *oracle = NULL;
    struct buf fault = BUF_INIT(1000);

    if (!script_build(world, slice_of_text(script), &fault)) {
        fail_msg("script: %s", buf_text(&fault));
    }
    assert_true(world->cert_count <= 64);
    *ret_puppet = (struct puppet){.subject = {&type, world}, .moves = moves};
    oracle = oracle_new(world, true);
    world_run(world, &ret_puppet->subject, oracle);
    *ret_result = *oracle_result(oracle);
    ret_result->detail = BUF_INIT(1); /* dies with the oracle */
    buf_deinit(&fault);
    return ret_result->broken;
}
