/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "publish/haproxy.h"

#define ABSENT_FIRST_MS 60000 /* asking again whether a certificate is served by now */
#define ABSENT_MOST_MS  900000
#define OPEN_WAIT_MS    2000 /* while somebody else's transaction is open */

#define DENIED_FAULT "permission denied; its `stats socket` line needs `level admin`"

static void item_done(struct haproxy_link *link, uint32_t id)
{
    struct haproxy_item *item = link->target->by_id[id];

    haproxy_link_well(link, id);
    link->states[id].absences = 0;
    haproxy_link_set(link, id, STEP_DONE, 0);
    haproxy_tell(link->target, item, item->gone ? HANDED_NOTHING : HANDED_STAPLE);
    haproxy_item_settle(link->target, item);
}

static void item_absent(struct haproxy_link *link, uint32_t id, struct instant now)
{
    struct publish_context *context = link->target->context;
    struct haproxy_state *state = &link->states[id];

    if (state->absences++ == 0) {
        log_say(context->log, NOTE_DEBUG, "HAProxy at %s does not serve %s", link->address,
                link->target->by_id[id]->places[0]);
    }
    haproxy_link_well(link, id);
    state->created = false;
    state->place = 0;
    haproxy_link_set(link, id, STEP_ABSENT,
                     time_add(now.mono_ms, target_backoff_ms(&context->rng, state->absences,
                                                             ABSENT_FIRST_MS, ABSENT_MOST_MS)));
}

static void answer_info(struct haproxy_link *link, struct slice reply, struct instant now)
{
    struct haproxy_target *target = link->target;
    int64_t pid;
    int64_t uptime_s;
    int64_t start_s;
    int64_t apart_s;

    if (!haproxy_read_info(reply, &pid, &uptime_s)) {
        haproxy_link_fail(link, "what answers there is not HAProxy's runtime socket", false);
        return;
    }
    if (link->failures > 0) {
        link->failures = 0;
        log_say(target->context->log, NOTE_INFO, "HAProxy at %s answers again", link->address);
    }
    start_s = now.mono_ms / 1000 - uptime_s;
    apart_s = start_s - link->start_s;
    if (link->seen &&
        (link->pid != pid || apart_s > HAPROXY_START_SLACK_S || apart_s < -HAPROXY_START_SLACK_S)) {
        log_say(target->context->log, NOTE_INFO,
                "HAProxy at %s was restarted: it is given all staples again", link->address);
        link->loaded_ms = 0;
        for (uint32_t id = 0; id < target->id_count; ++id) {
            if (target->by_id[id]) {
                haproxy_link_push(link, id);
            }
        }
    }
    link->one_by_one = false;
    link->seen = true;
    link->pid = pid;
    link->start_s = start_s;
    link->info_ms = time_add(now.mono_ms, target->info_every_ms);
}

static void answer_push(struct haproxy_link *link, uint32_t id, struct slice reply,
                        struct instant now)
{
    const struct haproxy_item *item = link->target->by_id[id];
    struct haproxy_state *state = &link->states[id];

    switch (haproxy_read_push(reply)) {
    case HAPROXY_UPDATED:
        if (item->gone || item->single.next_update_s - now.wall_s < HAPROXY_SHOWN_LEFT_S) {
            item_done(link, id);
        } else {
            haproxy_link_set(link, id, STEP_VERIFY, now.mono_ms);
        }
        break;
    case HAPROXY_NO_ENTRY:
        if (item->gone) {
            item_done(link, id);
        } else if (state->created) {
            item_absent(link, id, now); /* it has loaded another certificate from that file */
        } else {
            haproxy_link_set(link, id, STEP_FIND, now.mono_ms);
        }
        break;
    case HAPROXY_DENIED:
        haproxy_link_fail_item(link, id, DENIED_FAULT, reply);
        break;
    case HAPROXY_NOT_LOADED:
    case HAPROXY_REFUSED:
        haproxy_link_fail_item(link, id, "it did not take the staple", reply);
        break;
    }
}

static void answer_verify(struct haproxy_link *link, uint32_t id, struct slice reply)
{
    const struct haproxy_item *item = link->target->by_id[id];

    if (item->gone ||
        haproxy_read_show(reply, item->single.this_update_s, item->single.next_update_s)) {
        item_done(link, id);
    } else {
        haproxy_link_fail_item(link, id, "it says it took the staple, but shows another", reply);
    }
}

/* True when the answer is still about the item as it is: it was not published or withdrawn while
 * the question was under way. */
static bool is_asked(const struct haproxy_link *link, uint32_t id)
{
    return id != UINT32_MAX && link->states[id].asked;
}

/* Puts what was asked together back, to be asked one by one. */
static void split_batch(struct haproxy_link *link, unsigned from)
{
    link->one_by_one = true;
    for (unsigned i = from; i < link->batch_count; ++i) {
        if (is_asked(link, link->batch[i])) {
            haproxy_link_set(link, link->batch[i], link->states[link->batch[i]].step, 0);
        }
    }
}

static void answer_pushes(struct haproxy_link *link, struct slice replies, struct instant now)
{
    struct slice reply;

    for (unsigned i = 0; i < link->batch_count; ++i) {
        if (!haproxy_next_reply(&replies, &reply)) {
            if (link->batch_count > 1) {
                split_batch(link, i);
            } else if (is_asked(link, link->batch[i])) {
                haproxy_link_fail_item(link, link->batch[i], "it gave no whole answer", replies);
            }
            return;
        }
        if (is_asked(link, link->batch[i])) {
            answer_push(link, link->batch[i], reply, now);
        }
    }
}

static unsigned count_shows(struct slice replies)
{
    struct slice reply;
    unsigned count = 0;

    while (haproxy_next_show(&replies, &reply)) {
        ++count;
    }
    return count;
}

static void answer_verifies(struct haproxy_link *link, struct slice replies)
{
    struct slice reply = replies;

    if (link->batch_count > 1 && count_shows(replies) != link->batch_count) {
        split_batch(link, 0); /* whose is missing? */
        return;
    }
    for (unsigned i = 0; i < link->batch_count; ++i) {
        if (link->batch_count > 1) {
            haproxy_next_show(&replies, &reply);
        }
        if (is_asked(link, link->batch[i])) {
            answer_verify(link, link->batch[i], reply);
        }
    }
}

static void answer_list(struct haproxy_link *link, struct slice reply, struct instant now)
{
    const struct log *log = link->target->context->log;
    struct slice path;
    bool is_ours = false;
    bool open;

    haproxy_link_forget_loaded(link);
    link->transaction = false;
    link->loaded_ms = time_max(now.mono_ms, 1);
    link->list_denied = !haproxy_is_list(reply);
    if (link->list_denied) {
        return;
    }
    while (haproxy_next_loaded(&reply, &path, &open)) {
        char *copy = text_copy(path);

        link->transaction |= open;
        is_ours |= open && copy && link->creating && strcmp(copy, link->creating) == 0;
        if (open && !is_ours && !link->transaction_told) {
            link->transaction_told = true;
            log_say(log, NOTE_WARNING,
                    "HAProxy at %s: a `set ssl cert` of %.200s is neither committed nor aborted; "
                    "new entries wait for that (`abort ssl cert %.200s` ends it)",
                    link->address, copy ? copy : "?", copy ? copy : "?");
        }
        if (!copy || table_get(&link->loaded, copy) || table_set(&link->loaded, copy, copy)) {
            free(copy);
        }
    }
    link->transaction_told &= link->transaction;
    if (is_ours) {
        link->loaded_ms = 0; /* look again when it is gone */
        haproxy_link_abort(link);
    }
}

void haproxy_link_find(struct haproxy_link *link, uint32_t id, struct instant now)
{
    const struct haproxy_item *item = link->target->by_id[id];
    struct haproxy_state *state = &link->states[id];

    while (state->place < item->place_count &&
           (!table_get(&link->loaded, item->places[state->place]) ||
            !haproxy_path_usable(item->places[state->place]))) {
        ++state->place;
    }
    if (item->gone) {
        item_done(link, id);
    } else if (link->list_denied) {
        haproxy_link_fail_item(link, id, DENIED_FAULT, slice_of_text("no list of certificates"));
    } else if (state->place == item->place_count && state->created) {
        haproxy_link_set(link, id, STEP_PUSH, now.mono_ms);
    } else if (state->place == item->place_count) {
        item_absent(link, id, now);
    } else if (link->transaction) {
        link->loaded_ms = 0;
        haproxy_link_set(link, id, STEP_FIND, time_add(now.mono_ms, OPEN_WAIT_MS));
    } else {
        haproxy_link_set(link, id, STEP_CREATE, now.mono_ms);
    }
}

static void answer_identity(struct haproxy_link *link, uint32_t id, struct slice reply,
                            struct instant now)
{
    const struct haproxy_item *item;

    if (!is_asked(link, id)) {
        return;
    }
    item = link->target->by_id[id];
    if (!item->gone && haproxy_read_identity(reply, item->single.certid)) {
        haproxy_link_create(link, id);
        return;
    }
    ++link->states[id].place; /* it has loaded another certificate from there */
    haproxy_link_set(link, id, STEP_FIND, now.mono_ms);
}

/* Whatever became of the item meanwhile: a transaction that is open must end. */
static void answer_create(struct haproxy_link *link, uint32_t id, struct slice reply,
                          struct instant now)
{
    enum haproxy_reply said = haproxy_read_create(reply, link->creating);
    bool asked = is_asked(link, id);

    if (said == HAPROXY_UPDATED && asked) {
        haproxy_link_commit(link);
        return;
    }
    if (said == HAPROXY_UPDATED) {
        haproxy_link_abort(link);
        return;
    }
    free(link->creating);
    link->creating = NULL;
    if (!asked) {
        return;
    }
    if (said == HAPROXY_NOT_LOADED) {
        ++link->states[id].place;
        haproxy_link_set(link, id, STEP_FIND, now.mono_ms);
    } else if (said == HAPROXY_DENIED) {
        haproxy_link_fail_item(link, id, DENIED_FAULT, reply);
    } else {
        haproxy_link_fail_item(link, id, "it did not create an entry for the staple", reply);
    }
}

static void answer_commit(struct haproxy_link *link, uint32_t id, struct slice reply,
                          struct instant now)
{
    bool good = haproxy_read_commit(reply) == HAPROXY_UPDATED;

    if (good && is_asked(link, id)) {
        link->states[id].created = true;
        ++link->states[id].place;
        haproxy_link_set(link, id, STEP_FIND, now.mono_ms);
    } else if (is_asked(link, id)) {
        haproxy_link_fail_item(link, id, "it did not commit the entry for the staple", reply);
    }
    if (!good) {
        haproxy_link_abort(link);
        return;
    }
    free(link->creating);
    link->creating = NULL;
}

void haproxy_link_answer(struct haproxy_link *link, struct slice reply, struct instant now)
{
    uint32_t id = link->batch_count ? link->batch[0] : UINT32_MAX;

    switch (link->ask) {
    case ASK_INFO:
        answer_info(link, reply, now);
        break;
    case ASK_PUSH:
        answer_pushes(link, reply, now);
        break;
    case ASK_VERIFY:
        answer_verifies(link, reply);
        break;
    case ASK_LIST:
        answer_list(link, reply, now);
        break;
    case ASK_IDENTITY:
        answer_identity(link, id, reply, now);
        break;
    case ASK_CREATE:
        answer_create(link, id, reply, now);
        break;
    case ASK_COMMIT:
        answer_commit(link, id, reply, now);
        break;
    case ASK_ABORT:
        free(link->creating);
        link->creating = NULL;
        break;
    }
    if (!link->exchange) {
        link->batch_count = 0;
    }
}
