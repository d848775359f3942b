/* SPDX-License-Identifier: Apache-2.0 */

/* Changes of what is shown: which of two, taken away, revoked, and over the end of a process. */

#include <assert.h>

#include "sim/must.h"
#include "sim/oracle-private.h"

/* After the disk has room again the store is tried within a minute. */
#define STORE_RETRY_MS 120000

/* CRLReason certificateHold, RFC 5280 5.3.1 */
#define REASON_CODE_HOLD 6

void oracle_break_pair(struct oracle *oracle, enum invariant invariant, uint32_t cert,
                       uint32_t before, uint32_t after)
{
    struct buf detail = BUF_INIT(300);

    buf_put_text(&detail, "answer ");
    buf_put_int(&detail, after);
    buf_put_text(&detail, " after ");
    buf_put_int(&detail, before);
    oracle_break(oracle, invariant, cert, buf_text(&detail));
    buf_deinit(&detail);
}

/* If the process ends now, what it did at @since_ms may not be in the store. */
static bool may_be_lost(const struct oracle *oracle, int64_t since_ms)
{
    bool lossy = oracle->full || (oracle->full_until_ms != LONG_AGO_MS &&
                                  oracle->world->now_ms < oracle->full_until_ms + STORE_RETRY_MS);

    return lossy && since_ms >= oracle->full_from_ms;
}

static bool is_older(const struct answer *one, const struct answer *other)
{
    if (one->this_update_s != other->this_update_s) {
        return one->this_update_s < other->this_update_s;
    }
    return one->next_update_s < other->next_update_s;
}

/* Which of two: once shown, nothing older while that is in its window. A revocation that was undone
 * leaves nothing to compare with. */
static void check_older(struct oracle *oracle, uint32_t cert, uint32_t shown)
{
    struct watch *watch = &oracle->watches[cert];
    bool newer = watch->top == ANSWER_NONE ||
                 oracle->matters[oracle->world->certs[cert].certid].doomed ||
                 oracle_compare(oracle, cert, shown, watch->top) >= 0;

    if (!newer && oracle_is_usable(oracle, cert, watch->top) && oracle_clock_is_plain(oracle) &&
        watch->top_life == oracle->world->lives) {
        oracle_break_pair(oracle, BROKEN_OLDER, cert, watch->top, shown);
    }
    if (newer || !oracle_is_usable(oracle, cert, watch->top) ||
        watch->top_life != oracle->world->lives) {
        watch->top = shown;
        watch->top_ms = oracle->world->now_ms;
        watch->top_life = oracle->world->lives;
    }
}

/* A good one is taken away: only for a revocation, with its certificate, or by a lawful error. */
static void check_withdrawn(struct oracle *oracle, uint32_t cert, uint32_t before)
{
    const struct world *world = oracle->world;

    if (!world->process_up || !world_cert_is_there(world, cert) || !oracle_clock_is_plain(oracle) ||
        oracle->matters[world->certs[cert].certid].doomed) {
        return;
    }
    if (oracle->demands.batch_ms && oracle->watches[cert].murky_ms > world->now_ms) {
        return; /* what ended may be a newer one that never came to the servers */
    }
    if (oracle_is_keepable(oracle, cert, before)) {
        oracle_break_pair(oracle, BROKEN_WITHDRAWN, cert, before, ANSWER_NONE);
    }
}

int64_t oracle_check_revoked(struct oracle *oracle, uint32_t cert)
{
    const struct watch *watch = &oracle->watches[cert];
    const struct subject_matter *matter = &oracle->matters[oracle->world->certs[cert].certid];
    int64_t by_ms;

    if (watch->shown == ANSWER_NONE || !oracle->world->process_up || !matter->revoked ||
        answers_get(&oracle->world->answers, watch->shown)->status != CERT_STATUS_GOOD) {
        return INT64_MAX;
    }
    by_ms = time_max(matter->revoked_ms, oracle->lives[oracle->life_count - 1].from_ms) +
            oracle->demands.lag_ms;
    if (oracle->world->now_ms < by_ms) {
        return by_ms;
    }
    oracle_break(oracle, BROKEN_REVOKED, cert, "a good staple is shown");
    return INT64_MAX;
}

/* The answer that has just come revokes every leaf of its CertID. */
static void check_all_revoked(struct oracle *oracle, uint32_t certid)
{
    const struct world *world = oracle->world;

    if (!oracle->matters[certid].revoked || oracle->matters[certid].revoked_ms != world->now_ms) {
        return;
    }
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (world->certs[i].certid == certid && world_cert_is_there(world, i)) {
            oracle_check_revoked(oracle, i);
        }
    }
}

/* A good one is shown that was signed after all that said revoked: that is undone, and as much can
 * be demanded as before. */
static void see_undone(struct oracle *oracle, uint32_t cert, uint32_t shown)
{
    struct subject_matter *matter = &oracle->matters[oracle->world->certs[cert].certid];
    const struct answer *answer = answers_get(&oracle->world->answers, shown);

    if (matter->doomed && !matter->revoked && matter->leaves == 1 &&
        answer->status == CERT_STATUS_GOOD && answer->made_ms > matter->doomed_ms &&
        oracle_clock_is_right(oracle) && oracle->watches[cert].told_life == oracle->world->lives &&
        answer->this_update_s > matter->revoked_this_s) {
        matter->doomed = false;
        matter->undone_ms = oracle->world->now_ms;
        oracle->watches[cert].top = shown;
        oracle->watches[cert].top_ms = oracle->world->now_ms;
        oracle->watches[cert].top_life = oracle->world->lives;
    }
}

/* Only what follows a staple that is still good may wait for other changes. */
void oracle_batched(struct oracle *oracle, uint32_t cert, bool withdraws)
{
    uint32_t shown = oracle_watch_of(oracle, cert)->shown;
    const struct answer *answer =
        shown == ANSWER_NONE ? NULL : answers_get(&oracle->world->answers, shown);

    if (withdraws) {
        oracle_break(oracle, BROKEN_BATCHED, cert, "a withdrawal");
    } else if (!answer) {
        oracle_break(oracle, BROKEN_BATCHED, cert, "the first staple");
    } else if (answer->status != CERT_STATUS_GOOD ||
               (oracle_clock_is_right(oracle) &&
                answer->next_update_s < world_true_s(oracle->world) - NEAR_S)) {
        oracle_break(oracle, BROKEN_BATCHED, cert, "what follows one that is not good");
    }
}

void oracle_shown(struct oracle *oracle, uint32_t cert)
{
    struct world *world = oracle->world;
    struct watch *watch = oracle_watch_of(oracle, cert);
    uint32_t before = watch->shown;
    uint32_t shown = world->subject->type->shows(world->subject, cert);
    bool known = watch->told_life == world->lives;

    oracle_clock_passes(oracle);
    watch->told_life = world->lives;
    if (shown != ANSWER_NONE) {
        oracle->shown_life = world->lives;
    }
    if (shown == before) {
        return;
    }
    if (shown != ANSWER_NONE) {
        if (shown == watch->late && shown != oracle->matters[world->certs[cert].certid].heard) {
            oracle_break(oracle, BROKEN_LATE, cert, "it came after its request was given up");
        }
        check_older(oracle, cert, shown);
        see_undone(oracle, cert, shown);
        watch->shown_ms = world->now_ms;
        watch->covered_ms = before == ANSWER_NONE ? world->now_ms : watch->covered_ms;
        watch->hidden_ms = INT64_MAX;
    } else {
        watch->hidden_ms = world->now_ms;
        oracle_pace_hidden(oracle, cert, known);
        if (known || watch->before != ANSWER_NONE) { /* else the store may not know of it */
            check_withdrawn(oracle, cert, before);
        }
    }
    oracle->shown += shown != ANSWER_NONE;
    oracle->shown -= before != ANSWER_NONE;
    oracle_count(oracle, cert); /* what was shown until now */
    watch->shown = shown;
    if (known && world->process_up) {
        oracle_check_first_minutes(oracle, cert, before);
    }
    oracle_watch(oracle, cert);
    oracle_check_revoked(oracle, cert);
}

/* ---- Replies: what is known of a revocation ---- */

static void hear_revoked(struct oracle *oracle, struct subject_matter *matter,
                         const struct answer *answer)
{
    int64_t before_s = matter->revoked ? matter->revoked_this_s : INT64_MIN;

    matter->revoked = true;
    matter->revoked_ms = oracle->world->now_ms;
    matter->revoked_this_s = time_max(before_s, answer->this_update_s);
    matter->revoked_last_s = time_max(matter->revoked_last_s, answer->this_update_s);
    matter->revocation_reason = answer->revocation_reason;
    matter->good_ms = LONG_AGO_MS;
}

/* Good after revoked: only a later one counts; one is enough after a hold, else two that are some
 * time apart. */
static void hear_good(struct oracle *oracle, struct subject_matter *matter,
                      const struct answer *answer)
{
    int64_t now_ms = oracle->world->now_ms;
    int64_t recheck_ms = (oracle->world->policy.revoked_recheck_s - ROUND_S) * 1000;

    if (!matter->revoked || answer->this_update_s <= matter->revoked_this_s) {
        return;
    }
    if (matter->revocation_reason == REASON_CODE_HOLD) {
        matter->revoked = false;
        matter->good_this_s = answer->this_update_s;
    } else if (matter->good_ms == LONG_AGO_MS) {
        matter->good_ms = now_ms;
        matter->good_this_s = answer->this_update_s;
    } else if (now_ms - matter->good_ms >= recheck_ms) {
        matter->revoked = false;
        matter->good_this_s = time_min(matter->good_this_s, answer->this_update_s);
    }
}

/* An old answer that says "on hold" may have been overtaken by the release. */
static bool is_overtaken(const struct oracle *oracle, uint32_t cert, const struct answer *answer)
{
    uint32_t shown = oracle->watches[cert].shown;

    return answer->revocation_reason == REASON_CODE_HOLD && shown != ANSWER_NONE &&
           is_older(answer, answers_get(&oracle->world->answers, shown));
}

/* So surely that it changes nothing: what is shown is good by everybody's clock. */
static bool is_surely_overtaken(const struct oracle *oracle, uint32_t cert, uint32_t number)
{
    const struct world *world = oracle->world;
    const struct watch *watch = &oracle->watches[cert];
    const struct subject_matter *matter = &oracle->matters[world->certs[cert].certid];

    return matter->leaves == 1 && watch->shown != ANSWER_NONE && watch->told_life == world->lives &&
           oracle_clock_is_right(oracle) && oracle_is_usable(oracle, cert, watch->shown) &&
           is_overtaken(oracle, cert, answers_get(&world->answers, number));
}

static void hear_status(struct oracle *oracle, uint32_t cert, const struct reply *reply)
{
    const struct world *world = oracle->world;
    struct subject_matter *matter = &oracle->matters[world->certs[cert].certid];
    int64_t now_s = world_now(world).wall_s;
    const struct answer *answer;
    bool endless;

    if (time_max(now_s - world_true_s(world), world_true_s(world) - now_s) > RIGHT_S) {
        now_s = world_true_s(world) - RIGHT_S; /* not believed: it goes on by the time before */
    }
    if (reply->answer == ANSWER_NONE || reply->outcome != FETCH_ANSWER) {
        return;
    }
    answer = answers_get(&world->answers, reply->answer);
    if (answer->status == CERT_STATUS_REVOKED &&
        !is_surely_overtaken(oracle, cert, reply->answer)) {
        matter->doomed = true;
        matter->doomed_ms = world->now_ms;
    }
    /* Without nextUpdate it may be taken for a must-staple leaf; whether it is is not asked for. */
    endless = answer->next_update_s == INSTANT_NEVER && world->policy.audience;
    if (!oracle_clock_is_plain(oracle) && answer->status == CERT_STATUS_GOOD &&
        answer->this_update_s > matter->revoked_this_s) {
        matter->revoked = false; /* who knows by what time that was judged */
    }
    if (!answer_is_sound(answer, world->certs[cert].certid) || !oracle_clock_is_plain(oracle) ||
        (endless &&
         !(world->certs[cert].facts.must_staple && answer->status == CERT_STATUS_GOOD)) ||
        world_true_s(world) >= oracle_end_s(oracle, cert, reply->answer) - RIGHT_S) {
        return;
    }
    if (answer->status == CERT_STATUS_REVOKED && answer->this_update_s <= now_s &&
        !is_overtaken(oracle, cert, answer)) {
        hear_revoked(oracle, matter, answer);
    } else if (answer->status == CERT_STATUS_GOOD &&
               answer->this_update_s <= now_s + world->policy.future_max_s) {
        hear_good(oracle, matter, answer);
    }
}

/* What is to be shown of it: a good one, or one that undoes a revocation, where all that do so are
 * newer than what was held when that came; by policy the revocation itself. Where some other answer
 * has said revoked, what the process makes of it is not known. */
static void hear_owed(struct oracle *oracle, uint32_t cert, uint32_t number, bool was_revoked)
{
    const struct subject_matter *matter = &oracle->matters[oracle->world->certs[cert].certid];
    const struct answer *answer = answers_get(&oracle->world->answers, number);
    uint32_t top = oracle->watches[cert].top;

    switch (answer->status) {
    case CERT_STATUS_GOOD:
        if (!matter->doomed ||
            (was_revoked && !matter->revoked && matter->good_this_s > matter->revoked_last_s &&
             (top == ANSWER_NONE ||
              matter->good_this_s > answers_get(&oracle->world->answers, top)->this_update_s))) {
            oracle_owe(oracle, cert, number);
        }
        break;
    case CERT_STATUS_REVOKED:
        if (oracle->world->policy.staple_revoked && matter->revoked &&
            matter->revoked_ms == oracle->world->now_ms) {
            oracle_owe(oracle, cert, number);
        }
        break;
    default:
        break;
    }
}

void oracle_replied(struct oracle *oracle, const struct ask *ask, const struct reply *reply,
                    bool late)
{
    struct watch *watch = oracle_watch_of(oracle, ask->cert);
    struct subject_matter *matter = &oracle->matters[oracle->world->certs[ask->cert].certid];
    bool was_revoked;

    oracle_clock_passes(oracle);
    if (late) {
        /* The same answer may come again, and in time, where it is not signed for each request. */
        if (oracle->world->authorities[oracle->world->certs[ask->cert].authority].signing ==
            SIGN_ON_DEMAND) {
            watch->late = reply->answer;
        }
        return;
    }
    matter->heard = reply->answer;
    oracle_hear_ask(oracle, ask, reply);
    oracle_clock_hears(oracle, ask->cert, reply);
    was_revoked = matter->revoked;
    hear_status(oracle, ask->cert, reply);
    oracle_pace_hears(oracle, ask, reply);
    if (reply->outcome == FETCH_ANSWER && oracle_clock_is_right(oracle)) {
        hear_owed(oracle, ask->cert, reply->answer, was_revoked);
    } else if (reply->outcome == FETCH_ANSWER) {
        oracle_owe_unknown(oracle, ask->cert);
    }
}

/* ---- The process ---- */

void oracle_wrote(struct oracle *oracle, enum write_kind kind, enum write_result result)
{
    (void)kind;
    if (result != WRITE_DEAD) {
        return;
    }
    /* What was heard in this very moment may not have come to the disk. */
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        struct subject_matter *matter = &oracle->matters[i];

        if (matter->revoked && matter->revoked_ms == oracle->world->now_ms) {
            matter->revoked = false;
        }
    }
}

static void process_starts(struct oracle *oracle)
{
    oracle_count_all(oracle);
    oracle->lives =
        sim_grow(oracle->lives, oracle->life_count, oracle->life_count + 1, sizeof(*oracle->lives));
    oracle->lives[oracle->life_count++] = (struct span){oracle->world->now_ms, INT64_MAX};
    oracle_clock_started(oracle);
}

/* What was shown and stored is shown again at once. */
static void check_lost(struct oracle *oracle, uint32_t cert)
{
    const struct world *world = oracle->world;
    struct watch *watch = &oracle->watches[cert];
    uint32_t before = watch->before;

    if (!oracle_clock_is_plain(oracle)) {
        return; /* when it is right again, perhaps */
    }
    watch->before = ANSWER_NONE;
    if (before == ANSWER_NONE || !oracle_is_keepable(oracle, cert, before) ||
        oracle->matters[world->certs[cert].certid].doomed) {
        return;
    }
    if (watch->shown == ANSWER_NONE || is_older(answers_get(&world->answers, watch->shown),
                                                answers_get(&world->answers, before))) {
        oracle_break_pair(oracle, BROKEN_LOST, cert, before, watch->shown);
    }
    world_seen(oracle->world, COVER_EVENT, SEEN_RESTORED);
}

static void process_started(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (world_cert_is_there(oracle->world, i)) {
            oracle_check_revoked(oracle, i);
            oracle_owe_on_start(oracle, i);
            oracle_watch(oracle, i);
            check_lost(oracle, i);
        }
    }
    oracle_pace_starts(oracle);
}

/* What the disk may not have is not asked for afterwards. */
static void process_ends(struct oracle *oracle)
{
    oracle_count_all(oracle);
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        struct watch *watch = &oracle->watches[i];

        watch->late = ANSWER_NONE;
        watch->before = may_be_lost(oracle, watch->shown_ms) ? ANSWER_NONE : watch->shown;
        oracle_owe_on_end(oracle, i, may_be_lost(oracle, watch->came_ms));
    }
    for (uint32_t i = 0; i < oracle->matter_count; i++) {
        struct subject_matter *matter = &oracle->matters[i];

        matter->revoked = matter->revoked && !may_be_lost(oracle, matter->revoked_ms);
        if (matter->undone_ms != LONG_AGO_MS &&
            (may_be_lost(oracle, matter->undone_ms) ||
             oracle->world->now_ms - matter->undone_ms < COMMIT_MS)) {
            matter->doomed = true; /* the tombstone may be on the disk as ever */
        }
        matter->good_ms = LONG_AGO_MS;
    }
    oracle_pace_ends(oracle, may_be_lost);
    oracle->lives[oracle->life_count - 1].until_ms = oracle->world->now_ms;
    if (may_be_lost(oracle, oracle->world->now_ms) || !oracle_clock_is_plain(oracle)) {
        oracle->life_from = oracle->life_count;
    } else {
        struct span *life = &oracle->lives[oracle->life_count - 1];

        life->from_ms = time_max(life->from_ms, oracle->trust.since_ms);
    }
    oracle_forget_asks(oracle);
}

static void look_at_all(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        if (world_cert_is_there(oracle->world, i)) {
            oracle_watch(oracle, i);
        }
    }
}

void oracle_process(struct oracle *oracle, enum process_news news)
{
    switch (news) {
    case PROCESS_STARTS:
        process_starts(oracle);
        break;
    case PROCESS_STARTED:
        process_started(oracle);
        break;
    case PROCESS_ENDS:
        process_ends(oracle);
        break;
    case PROCESS_ENDED:
        look_at_all(oracle);
        break;
    }
}

/* What is known of a number goes with the last of its leaves. */
static void forget_revoked(struct oracle *oracle, uint32_t certid)
{
    struct subject_matter *matter = &oracle->matters[certid];
    bool there = false;

    for (uint32_t i = matter->first_leaf; i != UINT32_MAX; i = oracle->watches[i].next_leaf) {
        there = there || world_cert_is_there(oracle->world, i);
    }
    matter->revoked = matter->revoked && there;
}

static void cert_changed(struct oracle *oracle, uint32_t cert, bool found)
{
    const struct sim_cert *changed = &oracle->world->certs[cert];

    for (unsigned i = 0; i < changed->facts.url_count; i++) {
        struct queue *queue = &oracle->queues[changed->responders[i]];

        queue->certs = found ? queue->certs + 1 : queue->certs - 1;
    }
    if (!found) {
        oracle_count(oracle, cert);
        oracle->shown -= oracle->watches[cert].shown != ANSWER_NONE;
        oracle->watches[cert].shown = ANSWER_NONE;
        oracle_owe_nothing(oracle, cert);
        forget_revoked(oracle, changed->certid);
    }
    oracle_pace_changes(oracle, cert, found);
    oracle_watch(oracle, cert);
}

/* The process, which has shown nothing yet, may have found what it had kept to be of no use by a
 * wrong time. By the right one it is. */
static void owe_stored(struct oracle *oracle)
{
    for (uint32_t i = 0; i < oracle->watch_count; i++) {
        struct watch *watch = &oracle->watches[i];

        if (watch->before != ANSWER_NONE && watch->shown == ANSWER_NONE &&
            oracle_clock_is_right(oracle) && world_cert_is_there(oracle->world, i)) {
            oracle_owe_stored(oracle, i, watch->before);
            watch->before = ANSWER_NONE;
        }
    }
}

void oracle_acted(struct oracle *oracle, enum world_act act, uint32_t index)
{
    const struct world *world = oracle->world;

    oracle_clock_passes(oracle);
    switch (act) {
    case ACT_FOUND:
    case ACT_GONE:
        cert_changed(oracle, index, act == ACT_FOUND);
        break;
    case ACT_CLOCK:
        oracle_clock_set(oracle);
        oracle_pace_forgets(oracle);
        owe_stored(oracle);
        look_at_all(oracle);
        break;
    case ACT_DISK_FULL:
        oracle->full = world->disk_full;
        *(oracle->full ? &oracle->full_from_ms : &oracle->full_until_ms) = world->now_ms;
        break;
    case ACT_REPLY:
        check_all_revoked(oracle, world->certs[index].certid);
        for (unsigned i = 0; i < world->certs[index].facts.url_count; i++) {
            oracle_see_queue(oracle, world->certs[index].responders[i]);
        }
        break;
    default:
        break;
    }
}

void oracle_spins(struct oracle *oracle)
{
    oracle_break(oracle, BROKEN_SPINNING, UINT32_MAX, "woken again and again, and nothing is done");
}

/* ---- The end ---- */

static void break_with_numbers(struct oracle *oracle, enum invariant invariant, const char *what,
                               uint64_t is, uint64_t allowed)
{
    struct buf detail = BUF_INIT(300);

    buf_put_text(&detail, what);
    buf_put_text(&detail, ": ");
    buf_put_int(&detail, (int64_t)is);
    buf_put_text(&detail, ", allowed ");
    buf_put_int(&detail, (int64_t)allowed);
    oracle_break(oracle, invariant, UINT32_MAX, buf_text(&detail));
    buf_deinit(&detail);
}

/* Behind the cold sync: no hour above 1.25 times the mean, and 1.1 requests for each certificate
 * and half-life. */
static void check_smooth(struct oracle *oracle)
{
    const struct world *world = oracle->world;
    int64_t from_s = oracle->demands.smooth_from_ms / 1000 - WORLD_START_S;
    uint32_t from = (uint32_t)((from_s + HOUR_S - 1) / HOUR_S);
    uint32_t until = (uint32_t)((world->end_ms / 1000 - WORLD_START_S) / HOUR_S);
    uint64_t sum = 0, most = 0, allowed;

    if (!oracle->demands.smooth || until <= from) {
        return;
    }
    for (uint32_t i = from; i < until && i < oracle->hour_count; i++) {
        sum += oracle->hours[i];
        most = oracle->hours[i] > most ? oracle->hours[i] : most;
    }
    allowed = sum * 125 / 100 / (until - from);
    if (most > allowed) {
        break_with_numbers(oracle, BROKEN_SMOOTH, "requests in the busiest hour", most, allowed);
    }
    allowed = (uint64_t)world->options.certs * 11 * (until - from) * HOUR_S /
              (10 * (uint64_t)oracle->demands.half_life_s);
    if (sum > allowed) {
        break_with_numbers(oracle, BROKEN_TOO_MANY, "requests", sum, allowed);
    }
}

void oracle_ends(struct oracle *oracle)
{
    look_at_all(oracle);
    check_smooth(oracle);
}
