/* SPDX-License-Identifier: Apache-2.0 */

/* What the machine's clock excuses.
 *
 * Trusted: the process must know the true time well enough never to show what has ended. It does
 * when the clock was right at its start, or has been right since for as long as a jump may be
 * doubted; and for as long as it lives, whatever the clock does then: it is to doubt jumps. An
 * answer that has ended, without a Date header to tell, speaks for a process that is behind and
 * against the clock that is right: then only a new answer with a Date, or the next jump, helps. To
 * one that is behind, answers of today speak also for a clock that is ahead.
 *
 * Tainted: it may lawfully go by a time ahead of the truth, and so take away what is good. It does
 * when the clock was ahead at its start, or stayed ahead for policy.clock_doubt_s and no signed
 * answer spoke against that. A clock set back is not believed without such an answer.
 *
 * A jump while nothing is shown may be believed at once, as at a start, or be doubted as others
 * are: neither is asked for. */

#include "sim/oracle-private.h"

/* No answer of the audience lives longer. */
#define TAINT_PLAIN_S (11 * DAY_S)

static int64_t doubt_ms(const struct oracle *oracle)
{
    return oracle->world->policy.clock_doubt_s * 1000;
}

static bool is_right(int64_t off_s)
{
    return off_s <= RIGHT_S && off_s >= -RIGHT_S;
}

/* The process goes by the machine's clock, whatever it says. */
static void follow(struct oracle *oracle)
{
    int64_t off_s = oracle->world->clock_off_s;

    oracle->trust.trusted = is_right(off_s);
    oracle->trust.tainted = off_s > RIGHT_S;
    oracle->trust.taint_s = time_max(0, off_s);
    oracle->trust.behind_s = is_right(off_s) ? 0 : time_max(0, -off_s);
    oracle->trust.since_ms = oracle->world->now_ms;
}

/* The process may, but what was believed before may still be. */
static void follow_or_not(struct oracle *oracle)
{
    struct trust before = oracle->trust;

    follow(oracle);
    if (oracle->shown_life == oracle->world->lives && before.tainted) {
        oracle->trust.tainted = true;
        oracle->trust.taint_s = time_max(before.taint_s, oracle->trust.taint_s);
    }
    if (oracle->shown_life == oracle->world->lives && !before.trusted) {
        oracle->trust.trusted = false;
        oracle->trust.behind_s = time_max(before.behind_s, oracle->trust.behind_s);
    }
    if (before.trusted && oracle->trust.trusted) {
        oracle->trust.since_ms = before.since_ms;
    }
}

void oracle_clock_started(struct oracle *oracle)
{
    int64_t off_s = oracle->world->clock_off_s, now_ms = oracle->world->now_ms;

    follow(oracle);
    oracle->trust.since_ms = LONG_AGO_MS;
    oracle->trust.right_ms = is_right(off_s) ? now_ms : LONG_AGO_MS;
    oracle->trust.ahead_ms = off_s > RIGHT_S ? now_ms : LONG_AGO_MS;
}

void oracle_clock_set(struct oracle *oracle)
{
    struct trust *trust = &oracle->trust;
    int64_t off_s = oracle->world->clock_off_s, now_ms = oracle->world->now_ms;

    if (!oracle->world->process_up) {
        return;
    }
    if (!is_right(off_s)) {
        trust->right_ms = LONG_AGO_MS;
    } else if (trust->right_ms == LONG_AGO_MS) {
        trust->right_ms = now_ms;
    }
    trust->ahead_ms = off_s > RIGHT_S ? now_ms : LONG_AGO_MS;
    trust->ahead_s = off_s;
    if (oracle->shown == 0) {
        follow_or_not(oracle);
    }
}

void oracle_clock_passes(struct oracle *oracle)
{
    struct trust *trust = &oracle->trust;
    int64_t now_ms = oracle->world->now_ms;

    if (!trust->trusted && trust->right_ms != LONG_AGO_MS &&
        now_ms >= trust->right_ms + doubt_ms(oracle)) {
        trust->trusted = true;
        trust->behind_s = 0;
        trust->since_ms = now_ms;
    }
    if (trust->ahead_ms != LONG_AGO_MS && now_ms >= trust->ahead_ms + doubt_ms(oracle)) {
        trust->tainted = true;
        trust->taint_s = trust->ahead_s;
        trust->ahead_ms = LONG_AGO_MS;
    }
}

/* The machine's clock is right, and the process may go by a time before the truth. */
static void hear_of_right(struct oracle *oracle, uint32_t cert, const struct reply *reply)
{
    const struct answer *answer = answers_get(&oracle->world->answers, reply->answer);
    struct trust *trust = &oracle->trust;
    int64_t true_s = world_true_s(oracle->world), date_s = reply->hints.date_s;
    bool dated = date_s != INSTANT_NEVER;

    if (trust->trusted || trust->behind_s == 0) {
        return;
    }
    if (!dated && true_s >= oracle_until_s(oracle, cert, reply->answer) - NEAR_S &&
        true_s - trust->behind_s - NEAR_S < answer->next_update_s) {
        trust->right_ms = LONG_AGO_MS; /* it is not believed until it is set again */
    } else if (trust->right_ms == LONG_AGO_MS && dated &&
               is_right(date_s + reply->hints.age_s - true_s) &&
               oracle_is_usable(oracle, cert, reply->answer)) {
        trust->right_ms = oracle->world->now_ms;
    }
}

/* By a machine's clock that is ahead an answer has ended, and a Date header that is false agrees:
 * it need not be taken for more than an old one. */
static bool is_called_old(const struct oracle *oracle, const struct reply *reply)
{
    const struct world *world = oracle->world;
    int64_t date_s = time_add(reply->hints.date_s, reply->hints.age_s);
    int64_t off_s = time_sub(world_now(world).wall_s, date_s);
    int64_t near_s = world->policy.clock_jump_s + NEAR_S;

    return world->clock_off_s > 0 && reply->hints.date_s != INSTANT_NEVER && off_s <= near_s &&
           off_s >= -near_s;
}

/* A sound answer is a witness: when only one of both times permits it, that counts. One that was
 * signed ahead of its time, by an authority with a wrong clock, speaks for a clock that is ahead.
 * One that is old (out of a cache) speaks for a clock that is behind; a Date header beside it
 * would tell, so that is excused only without one. */
void oracle_clock_hears(struct oracle *oracle, uint32_t cert, const struct reply *reply)
{
    struct world *world = oracle->world;
    struct trust *trust = &oracle->trust;
    const struct answer *answer;
    bool in_truth, by_machine;

    if (reply->answer == ANSWER_NONE) {
        return;
    }
    answer = answers_get(&world->answers, reply->answer);
    if (!answer_is_sound(answer, world->certs[cert].certid)) {
        return;
    }
    if (is_right(world->clock_off_s)) {
        hear_of_right(oracle, cert, reply);
        return;
    }
    in_truth = window_holds((struct window){answer->this_update_s, answer->next_update_s},
                            world_true_s(world));
    by_machine = window_holds((struct window){answer->this_update_s, answer->next_update_s},
                              world_now(world).wall_s);
    if (in_truth && !by_machine && !is_called_old(oracle, reply)) {
        trust->ahead_ms = LONG_AGO_MS; /* it is known to be wrong until it is set again */
    } else if (by_machine && (!in_truth || trust->behind_s > 0) &&
               (world->clock_off_s > 0 || reply->hints.date_s == INSTANT_NEVER)) {
        follow_or_not(oracle);
    }
}

/* Gone by a wrong time far ahead, any fresh answer tells the right one as soon as the machine's
 * clock says it, too. A smaller error may stay undecided until the process ends. */
bool oracle_clock_demands(const struct oracle *oracle, int64_t *ret_since_ms)
{
    const struct trust *trust = &oracle->trust;

    if (!trust->trusted) {
        return false;
    }
    if (trust->tainted) {
        *ret_since_ms = trust->right_ms;
        return trust->right_ms != LONG_AGO_MS && trust->taint_s > TAINT_PLAIN_S;
    }
    *ret_since_ms = trust->since_ms;
    return true;
}

bool oracle_clock_is_plain(const struct oracle *oracle)
{
    return oracle->trust.trusted && !oracle->trust.tainted;
}

bool oracle_clock_is_right(const struct oracle *oracle)
{
    return oracle_clock_is_plain(oracle) && is_right(oracle->world->clock_off_s);
}

int64_t oracle_clock_deadline_ms(const struct oracle *oracle)
{
    const struct trust *trust = &oracle->trust;
    int64_t at_ms = INSTANT_NEVER;

    if (!trust->trusted && trust->right_ms != LONG_AGO_MS) {
        at_ms = trust->right_ms + doubt_ms(oracle);
    }
    if (trust->ahead_ms != LONG_AGO_MS) {
        at_ms = time_min(at_ms, trust->ahead_ms + doubt_ms(oracle));
    }
    return at_ms;
}
