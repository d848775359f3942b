/* SPDX-License-Identifier: Apache-2.0 */

/* What came must be used.
 *
 * A good answer that a process was given in time, and that is not older than what it shows, is
 * owed: at once where nothing good is shown, else behind the first minutes of its life or with the
 * end of the old one, whichever comes first (DESIGN.md 4: windows; which of two). That outlives the
 * process. The other way round, nothing good is replaced by what is in its first minutes.
 *
 * Only sure cases count: nothing is owed while the machine's clock excuses anything, after a
 * revocation (but for the answer that undoes it), nor of answers without nextUpdate. Of several
 * that wait for their time one may be dropped for another. */

#include "sim/oracle-private.h"

/* A moment is a second long, and of a clock that is a little off. */
#define NEAR_S (RIGHT_S + ROUND_S)

/* No answer waits longer for its time. */
#define WAITS_MS 7200000

static const struct answer *answer_of(const struct oracle *oracle, uint32_t number)
{
    return answers_get(&oracle->world->answers, number);
}

int oracle_compare(const struct oracle *oracle, uint32_t cert, uint32_t number, uint32_t other)
{
    const struct answer *a = answer_of(oracle, number), *b = answer_of(oracle, other);
    const int64_t ours[] = {a->this_update_s, a->next_update_s, oracle_end_s(oracle, cert, number),
                            a->produced_at_s};
    const int64_t theirs[] = {b->this_update_s, b->next_update_s, oracle_end_s(oracle, cert, other),
                              b->produced_at_s};

    for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
        if (ours[i] != theirs[i]) {
            return ours[i] < theirs[i] ? -1 : 1;
        }
    }
    return 0;
}

int64_t oracle_until_s(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    return oracle_end_s(oracle, cert, number) - oracle_margin_s(oracle, cert, number);
}

/* From when on it may replace one that is good. */
static int64_t from_s(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answer_of(oracle, number);

    return time_max(answer->this_update_s, answer->produced_at_s) +
           oracle_margin_s(oracle, cert, number);
}

bool oracle_is_usable(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answer_of(oracle, number);

    return answer->status == CERT_STATUS_GOOD &&
           answer->this_update_s <= world_true_s(oracle->world) &&
           world_true_s(oracle->world) < oracle_until_s(oracle, cert, number) - NEAR_S;
}

/* Surely past its window. */
static bool is_over(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    return world_true_s(oracle->world) > oracle_until_s(oracle, cert, number) + NEAR_S;
}

/* Nobody has a reason to refuse it now. */
static bool is_welcome(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct answer *answer = answer_of(oracle, number);

    return answer_is_sound(answer, world->certs[cert].certid) &&
           answer->next_update_s != INSTANT_NEVER &&
           answer->this_update_s <= world_true_s(world) + world->policy.future_max_s - RIGHT_S &&
           world_true_s(world) < oracle_until_s(oracle, cert, number) - NEAR_S;
}

/* So far ahead that it is taken or not, by a clock that is a little off. */
static bool may_wait(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answer_of(oracle, number);
    int64_t ahead_s = answer->this_update_s - world_true_s(oracle->world);

    return answer_is_sound(answer, oracle->world->certs[cert].certid) && ahead_s > 0 &&
           ahead_s <= oracle->world->policy.future_max_s + NEAR_S;
}

/* One without nextUpdate is not owed; it may have been taken all the same, and be with the servers
 * later: until then nobody sees that newer ones are compared with it. */
static bool may_be_on_its_way(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct answer *answer = answer_of(oracle, number);

    return oracle->demands.batch_ms && answer->next_update_s == INSTANT_NEVER &&
           answer_is_sound(answer, oracle->world->certs[cert].certid);
}

/* It has a use for it: not older than what is shown, as long as that is good. */
static bool is_wanted(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    uint32_t shown = oracle->watches[cert].shown;

    return shown == ANSWER_NONE || is_over(oracle, cert, shown) ||
           (shown != number && answer_of(oracle, shown)->status == CERT_STATUS_GOOD &&
            oracle_compare(oracle, cert, number, shown) >= 0);
}

/* What is shown may still be good. */
static bool is_covered(const struct oracle *oracle, uint32_t cert)
{
    uint32_t shown = oracle->watches[cert].shown;

    return shown != ANSWER_NONE && !is_over(oracle, cert, shown);
}

/* By when it must be shown, true ms. */
static int64_t due_ms(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    uint32_t shown = oracle->watches[cert].shown;
    int64_t now_ms = oracle->world->now_ms, lag_ms = oracle->demands.lag_ms;
    int64_t at_s = answer_of(oracle, number)->this_update_s;
    int64_t behind_s = time_max(0, -oracle->world->clock_off_s);

    if (is_covered(oracle, cert)) {
        at_s = time_max(at_s, time_min(from_s(oracle, cert, number),
                                       oracle_until_s(oracle, cert, shown) + NEAR_S));
        lag_ms += oracle->demands.batch_ms;
    } else {
        lag_ms += oracle->demands.first_ms;
    }
    at_s += behind_s; /* by the machine's clock */
    return time_max(at_s * 1000 + 1000, now_ms) + lag_ms + 1000;
}

/* Surely not one that waits. */
static bool is_behind_first_minutes(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    return world_true_s(oracle->world) > from_s(oracle, cert, number) + NEAR_S;
}

static void owe(struct oracle *oracle, uint32_t cert, uint32_t number)
{
    struct watch *watch = &oracle->watches[cert];
    int64_t by_ms = due_ms(oracle, cert, number);
    bool ahead = answer_of(oracle, number)->this_update_s > world_true_s(oracle->world) - ROUND_S;

    if (!ahead && !is_covered(oracle, cert)) {
        watch->ahead = false; /* needed now, whatever waits */
    } else if (watch->owed != ANSWER_NONE) {
        int order = oracle_compare(oracle, cert, number, watch->owed);
        bool newer = order > 0;

        if (order < 0 && watch->ahead && is_behind_first_minutes(oracle, cert, number)) {
            return; /* shown until then: it takes nobody's place */
        }
        ahead = ahead || watch->ahead;
        by_ms = ahead ? time_max(by_ms, watch->owed_ms) : by_ms;
        if (ahead && newer) {
            number = watch->owed; /* either will do: there is one place for what waits */
        } else if (!ahead && !newer) {
            return;
        }
    }
    watch->owed = number;
    watch->owed_ms = by_ms;
    watch->ahead = ahead;
    watch->came_ms = oracle->world->now_ms;
}

void oracle_owe_nothing(struct oracle *oracle, uint32_t cert)
{
    oracle->watches[cert].owed = ANSWER_NONE;
    oracle->watches[cert].owed_ms = INSTANT_NEVER;
    oracle->watches[cert].ahead = false;
}

/* Something may wait of which nothing is known. */
static void forget(struct oracle *oracle, uint32_t cert)
{
    oracle_owe_nothing(oracle, cert);
    oracle->watches[cert].murky_ms = oracle->world->now_ms + WAITS_MS;
}

void oracle_owe_unknown(struct oracle *oracle, uint32_t cert)
{
    uint32_t certid = oracle->world->certs[cert].certid;

    for (uint32_t i = oracle->matters[certid].first_leaf; i != UINT32_MAX;
         i = oracle->watches[i].next_leaf) {
        forget(oracle, i);
    }
}

void oracle_owe(struct oracle *oracle, uint32_t cert, uint32_t number)
{
    uint32_t certid = oracle->world->certs[cert].certid;
    bool taken = is_wanted(oracle, cert, number) || oracle->watches[cert].shown == number;

    /* What is of no use to the one that asked may not come to its twins. */
    for (uint32_t i = oracle->matters[certid].first_leaf; taken && i != UINT32_MAX;
         i = oracle->watches[i].next_leaf) {
        if (world_cert_is_there(oracle->world, i) && oracle->world->process_up &&
            is_welcome(oracle, i, number) && is_wanted(oracle, i, number) &&
            oracle->watches[i].murky_ms <= oracle->world->now_ms) {
            owe(oracle, i, number);
            oracle_watch(oracle, i);
        } else if (may_wait(oracle, i, number) || may_be_on_its_way(oracle, i, number) ||
                   oracle->watches[i].murky_ms > oracle->world->now_ms) {
            forget(oracle, i); /* it may have taken the place of what is owed */
        }
    }
}

void oracle_owe_stored(struct oracle *oracle, uint32_t cert, uint32_t number)
{
    if (is_welcome(oracle, cert, number) &&
        oracle->watches[cert].murky_ms <= oracle->world->now_ms) {
        owe(oracle, cert, number);
    }
}

/* What is owed is there, or of no use any more. */
static bool is_settled(const struct oracle *oracle, uint32_t cert)
{
    const struct watch *watch = &oracle->watches[cert];
    const struct subject_matter *matter = &oracle->matters[oracle->world->certs[cert].certid];
    bool revoked = answer_of(oracle, watch->owed)->status == CERT_STATUS_REVOKED;

    if (revoked ? !matter->revoked : matter->revoked) {
        return true;
    }
    if (watch->shown != ANSWER_NONE) {
        const struct answer *shown = answer_of(oracle, watch->shown);

        if (revoked ? shown->status == CERT_STATUS_REVOKED
                    : oracle_compare(oracle, cert, watch->shown, watch->owed) >= 0) {
            return true;
        }
    }
    return !oracle_clock_is_right(oracle) || !is_welcome(oracle, cert, watch->owed);
}

/* Something else that is good has come to be shown since: it may wait for its first minutes to be
 * over, or for the end of that. True: when it must be shown was put off. */
static bool is_put_off(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = &oracle->watches[cert];
    int64_t by_s;

    if (watch->shown_ms < watch->came_ms || !is_covered(oracle, cert)) {
        return false;
    }
    by_s = time_min(from_s(oracle, cert, watch->owed), oracle_until_s(oracle, cert, watch->shown));
    if (by_s + NEAR_S <= world_true_s(oracle->world)) {
        return false;
    }
    watch->owed_ms = (by_s + NEAR_S) * 1000 + oracle->demands.lag_ms + oracle->demands.batch_ms;
    return true;
}

void oracle_see_owed(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = &oracle->watches[cert];

    if (watch->owed == ANSWER_NONE || !oracle->world->process_up ||
        !world_cert_is_there(oracle->world, cert)) {
        return;
    }
    if (is_settled(oracle, cert)) {
        oracle_owe_nothing(oracle, cert);
    } else if (oracle->world->now_ms >= watch->owed_ms && !is_put_off(oracle, cert)) {
        oracle_break_pair(oracle, BROKEN_UNUSED, cert, watch->owed, watch->shown);
    }
}

void oracle_owe_on_end(struct oracle *oracle, uint32_t cert, bool may_be_lost)
{
    struct watch *watch = &oracle->watches[cert];
    bool written = oracle->demands.batch_ms &&
                   oracle->world->now_ms >= watch->owed_ms - oracle->demands.batch_ms - COMMIT_MS;

    if (watch->owed != ANSWER_NONE &&
        (may_be_lost || written || oracle->world->now_ms - watch->came_ms < COMMIT_MS)) {
        forget(oracle, cert);
    }
}

void oracle_owe_on_start(struct oracle *oracle, uint32_t cert)
{
    struct watch *watch = &oracle->watches[cert];

    if (watch->owed != ANSWER_NONE) {
        watch->owed_ms = time_max(watch->owed_ms, due_ms(oracle, cert, watch->owed));
    }
}

void oracle_check_first_minutes(struct oracle *oracle, uint32_t cert, uint32_t before)
{
    const struct watch *watch = &oracle->watches[cert];
    uint32_t shown = watch->shown;

    if (before == ANSWER_NONE || shown == ANSWER_NONE || !oracle_clock_is_right(oracle) ||
        !oracle_is_usable(oracle, cert, before) ||
        oracle->matters[oracle->world->certs[cert].certid].doomed ||
        answer_of(oracle, shown)->status != CERT_STATUS_GOOD ||
        oracle_compare(oracle, cert, shown, before) == 0) {
        return;
    }
    /* Where reloads are put off a server may show what has no end for so long that clinch has held
     * a later one meanwhile, which has ended. */
    if (oracle->demands.batch_ms && answer_of(oracle, before)->next_update_s == INSTANT_NEVER) {
        return;
    }
    if (world_true_s(oracle->world) < from_s(oracle, cert, shown) - NEAR_S) {
        oracle_break_pair(oracle, BROKEN_FIRST_MINUTES, cert, before, shown);
    }
}
