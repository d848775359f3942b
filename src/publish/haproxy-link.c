/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "publish/haproxy.h"

#define DOWN_MOST_MS  5000 /* a server that is not there comes back within seconds */
#define LOADED_NEW_MS 2000 /* how long the list of loaded certificates is believed */
#define TOLD_MOST     5    /* items of one link whose failures are told one by one */
#define TOMBSTONE_S   60   /* its nextUpdate from now: HAProxy hides it 300 s before that */

int haproxy_link_new(struct haproxy_link **ret_link, struct haproxy_target *target,
                     struct slice address)
{
    struct haproxy_link *link = calloc(1, sizeof(*link));
    const char *fault;

    if (link) {
        link->address = text_copy(address);
    }
    if (!link || !link->address) {
        free(link);
        return -ENOMEM;
    }
    link->target = target;
    link->due = HEAP_NULL;
    link->loaded = TABLE_INIT(rng_next(&target->context->rng));
    link->next = target->context->links;
    target->context->links = link;
    fault = exchange_check(link->address);
    if (fault) {
        log_say(target->context->log, NOTE_ERROR, "publish (line %u): socket %s: %s",
                target->base.config->line, link->address, fault);
    }
    *ret_link = link;
    return 0;
}

void haproxy_link_forget_loaded(struct haproxy_link *link)
{
    size_t cursor = 0;
    void *path;

    while ((path = table_next(&link->loaded, &cursor))) {
        free(path);
    }
    table_deinit(&link->loaded);
}

struct haproxy_link *haproxy_link_free(struct haproxy_link *link)
{
    struct haproxy_link **at = &link->target->context->links;

    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    exchange_cancel(link->exchange);
    haproxy_link_forget_loaded(link);
    heap_deinit(&link->due);
    free(link->creating);
    free(link->fault);
    free(link->item_fault);
    free(link->states);
    free(link->address);
    free(link);
    return NULL;
}

int haproxy_link_reserve(struct haproxy_link *link, uint32_t count)
{
    struct haproxy_state *states;

    if (count <= link->state_count) {
        return 0;
    }
    states = realloc(link->states, count * sizeof(*states));
    if (!states) {
        return -ENOMEM;
    }
    memset(states + link->state_count, 0, (count - link->state_count) * sizeof(*states));
    link->states = states;
    link->state_count = count;
    return 0;
}

static bool is_working(const struct haproxy_state *state)
{
    return state->step >= STEP_PUSH && state->failures == 0;
}

void haproxy_link_set(struct haproxy_link *link, uint32_t id, enum haproxy_step step,
                      int64_t mono_ms)
{
    struct haproxy_state *state = &link->states[id];

    link->working -= is_working(state);
    state->step = step;
    state->asked = false;
    link->working += is_working(state);
    if (step <= STEP_DONE) {
        heap_remove(&link->due, id);
    } else if (heap_set(&link->due, id, mono_ms)) {
        log_say(link->target->context->log, NOTE_ERROR,
                "out of memory: HAProxy at %s is not brought up to date", link->address);
    }
}

void haproxy_link_push(struct haproxy_link *link, uint32_t id)
{
    struct haproxy_state *state = &link->states[id];

    if (state->step == STEP_ABSENT && link->target->by_id[id]->gone) {
        haproxy_link_set(link, id, STEP_DONE, 0);
        return;
    }
    haproxy_link_well(link, id);
    state->created = false;
    state->place = 0;
    haproxy_link_set(link, id, STEP_PUSH, 0);
}

void haproxy_link_forget(struct haproxy_link *link, uint32_t id)
{
    haproxy_link_well(link, id);
    haproxy_link_set(link, id, STEP_NONE, 0);
    link->states[id] = (struct haproxy_state){0};
    for (unsigned i = 0; i < link->batch_count; ++i) {
        if (link->batch[i] == id) { /* the answer under way is about nobody */
            link->batch[i] = UINT32_MAX;
        }
    }
}

void haproxy_link_well(struct haproxy_link *link, uint32_t id)
{
    struct haproxy_state *state = &link->states[id];

    if (state->failures > 0) {
        --link->failing;
        link->working -= is_working(state);
        state->failures = 0;
        link->working += is_working(state);
    }
}

void haproxy_link_fail_item(struct haproxy_link *link, uint32_t id, const char *fault,
                            struct slice reply)
{
    struct publish_context *context = link->target->context;
    struct haproxy_item *item = link->target->by_id[id];
    struct haproxy_state *state = &link->states[id];
    struct buf said = BUF_INIT(8192);
    int64_t wait_ms;

    link->working -= is_working(state);
    link->failing += state->failures == 0;
    ++state->failures;
    link->working += is_working(state);
    wait_ms = target_backoff_ms(&context->rng, state->failures, TARGET_BACKOFF_FIRST_MS,
                                TARGET_BACKOFF_MOST_MS);
    state->created = false;
    state->place = 0;
    haproxy_link_set(link, id, STEP_PUSH, time_add(context->clock().mono_ms, wait_ms));
    if (state->failures == 1) {
        buf_put_text(&said, "HAProxy at ");
        buf_put_text(&said, link->address);
        buf_put_text(&said, ": ");
        buf_put_text(&said, item->place_count ? item->places[0] : item->key);
        buf_put_text(&said, ": ");
        buf_put_text(&said, fault);
        buf_put_text(&said, " (it said: \"");
        buf_put_printable(&said, reply, 200);
        buf_put_text(&said, "\")");
        target_keep_fault(&link->item_fault, buf_text(&said));
        log_say(context->log, link->failing <= TOLD_MOST ? NOTE_ERROR : NOTE_DEBUG,
                "%s; tried again", buf_text(&said));
        buf_deinit(&said);
    }
}

/* The server as a whole cannot be talked to. Other links go on. */
void haproxy_link_fail(struct haproxy_link *link, const char *fault, bool is_down)
{
    struct publish_context *context = link->target->context;
    int64_t most_ms = is_down ? DOWN_MOST_MS : TARGET_BACKOFF_MOST_MS;

    ++link->failures;
    link->retry_ms =
        time_add(context->clock().mono_ms, target_backoff_ms(&context->rng, link->failures,
                                                             TARGET_BACKOFF_FIRST_MS, most_ms));
    if (link->failures == 1) {
        struct buf said = BUF_INIT(8192);

        buf_put_text(&said, "HAProxy at ");
        buf_put_text(&said, link->address);
        buf_put_text(&said, ": ");
        buf_put_text(&said, fault);
        target_keep_fault(&link->fault, buf_text(&said));
        log_say(context->log, NOTE_ERROR, "%s; what it has stays, and it is tried again",
                buf_text(&said));
        buf_deinit(&said);
    }
}

/* A question about items got no whole answer. Once may be a restart, which the next ASK_INFO
 * tells; after that it is the items that HAProxy cannot take. */
static void link_broken(struct haproxy_link *link, const char *fault, struct slice reply)
{
    ++link->broken;
    link->info_ms = 0;
    for (unsigned i = 0; i < link->batch_count; ++i) {
        uint32_t id = link->batch[i];

        if (id == UINT32_MAX || !link->states[id].asked) {
            continue;
        }
        if (link->broken == 1) {
            haproxy_link_set(link, id, STEP_PUSH, 0);
        } else {
            haproxy_link_fail_item(link, id, fault, reply);
        }
    }
    link->batch_count = 0;
}

static void on_done(void *data, const char *fault, struct slice reply)
{
    struct haproxy_link *link = data;
    struct publish_context *context = link->target->context;

    link->exchange = NULL;
    if (fault && link->ask == ASK_INFO) {
        haproxy_link_fail(link, fault, reply.size == 0);
    } else if (fault) {
        link_broken(link, fault, reply);
    } else {
        link->broken = link->ask == ASK_INFO ? link->broken : 0;
        haproxy_link_answer(link, reply, context->clock());
    }
    haproxy_link_tick(link, publish_now(context)); /* goes on at once */
    context->wake(context);
}

static void start(struct haproxy_link *link, enum haproxy_ask ask, const struct buf *request)
{
    const struct exchange_order order = {
        .address = link->address,
        .request = slice_of_buf(request),
        .reply_max = LIMIT_HAPROXY_REPLY,
        .limit_ms = link->target->limit_ms,
        .done = on_done,
        .context = link,
    };

    link->ask = ask;
    if (buf_status(request) ||
        exchange_start(&link->exchange, link->target->context->loop, &order)) {
        haproxy_link_fail(link, "out of memory", false);
    }
}

static void ask_plain(struct haproxy_link *link, enum haproxy_ask ask)
{
    struct buf request = BUF_INIT(HAPROXY_LINE_MAX);

    if (ask == ASK_INFO) {
        haproxy_put_info(&request);
    } else {
        haproxy_put_list(&request);
    }
    start(link, ask, &request);
    buf_deinit(&request);
}

/* What is to be pushed of @item: the staple, or its tombstone. False when it has none. */
static bool put_content(struct buf *der, const struct haproxy_item *item, int64_t wall_s)
{
    if (item->gone) {
        return haproxy_make_tombstone(der, wish_der(item->wish), wall_s + TOMBSTONE_S);
    }
    buf_clear(der);
    buf_put_slice(der, wish_der(item->wish));
    return !buf_status(der);
}

static void add_to_batch(struct haproxy_link *link, uint32_t id)
{
    heap_remove(&link->due, id);
    link->states[id].asked = true;
    link->batch[link->batch_count++] = id;
}

/* Adds @id to the line. False when the line is full. */
static bool add_to_line(struct haproxy_link *link, uint32_t id, enum haproxy_step step,
                        struct buf *line, int64_t wall_s)
{
    const struct haproxy_item *item = link->target->by_id[id];
    struct buf der = BUF_INIT(LIMIT_ANSWER_SIZE);
    size_t size = step == STEP_PUSH ? haproxy_push_size(wish_der(item->wish))
                                    : 2 * item->single.certid.size + 64;

    if (link->batch_count > 0 && (line->size + size >= HAPROXY_LINE_MAX || link->one_by_one ||
                                  link->batch_count == HAPROXY_BATCH)) {
        return false;
    }
    if (step == STEP_VERIFY) {
        haproxy_add_show(line, item->single.certid);
    } else {
        /* Without memory for the bytes HAProxy is sent none, which it refuses. */
        haproxy_add_push(line, put_content(&der, item, wall_s) ? slice_of_buf(&der) : SLICE_NULL);
    }
    buf_deinit(&der);
    add_to_batch(link, id);
    return true;
}

/* Several items that are due for the same step, on one line. */
static void ask_line(struct haproxy_link *link, enum haproxy_step step, struct instant now)
{
    struct buf line = BUF_INIT(2 * HAPROXY_LINE_MAX);
    uint32_t id;

    while (heap_first(&link->due, &id) <= now.mono_ms && link->states[id].step == step &&
           add_to_line(link, id, step, &line, now.wall_s)) {
        /* the next one has come to the top */
    }
    buf_put_byte(&line, '\n');
    start(link, step == STEP_PUSH ? ASK_PUSH : ASK_VERIFY, &line);
    buf_deinit(&line);
}

static void ask_identity(struct haproxy_link *link, uint32_t id)
{
    const struct haproxy_item *item = link->target->by_id[id];
    struct buf request = BUF_INIT(HAPROXY_LINE_MAX);

    add_to_batch(link, id);
    haproxy_put_identity(&request, item->places[link->states[id].place]);
    start(link, ASK_IDENTITY, &request);
    buf_deinit(&request);
}

void haproxy_link_create(struct haproxy_link *link, uint32_t id)
{
    const struct haproxy_item *item = link->target->by_id[id];
    struct buf request = BUF_INIT(2 * HAPROXY_LINE_MAX);

    free(link->creating);
    link->creating = text_copy(slice_of_text(item->places[link->states[id].place]));
    if (!link->creating) {
        haproxy_link_fail_item(link, id, "out of memory", SLICE_NULL);
        return;
    }
    haproxy_put_create(&request, link->creating, wish_der(item->wish));
    start(link, ASK_CREATE, &request);
    buf_deinit(&request);
}

void haproxy_link_commit(struct haproxy_link *link)
{
    struct buf request = BUF_INIT(HAPROXY_LINE_MAX);

    haproxy_put_commit(&request, link->creating);
    start(link, ASK_COMMIT, &request);
    buf_deinit(&request);
}

void haproxy_link_abort(struct haproxy_link *link)
{
    struct buf request = BUF_INIT(HAPROXY_LINE_MAX);

    link->batch_count = 0;
    haproxy_put_abort(&request, link->creating);
    start(link, ASK_ABORT, &request);
    buf_deinit(&request);
}

/* Starts what is due first. False when only the books had to be kept: there may be more. */
static bool work(struct haproxy_link *link, uint32_t id, struct instant now)
{
    enum haproxy_step step = link->states[id].step;
    bool can_create = link->states[id].place < link->target->by_id[id]->place_count;

    if (step == STEP_ABSENT || (step == STEP_CREATE && !can_create)) {
        step = STEP_PUSH;
        haproxy_link_set(link, id, STEP_PUSH, now.mono_ms);
    }
    switch (step) {
    case STEP_PUSH:
    case STEP_VERIFY:
        ask_line(link, step, now);
        return true;
    case STEP_FIND:
        if (link->loaded_ms == 0 || now.mono_ms - link->loaded_ms > LOADED_NEW_MS) {
            ask_plain(link, ASK_LIST);
            return true;
        }
        haproxy_link_find(link, id, now);
        return false;
    case STEP_CREATE:
        ask_identity(link, id);
        return true;
    case STEP_NONE:
    case STEP_DONE:
    case STEP_ABSENT:
        break;
    }
    heap_remove(&link->due, id);
    return false;
}

static bool is_start_near(int64_t a_s, int64_t b_s)
{
    return a_s - b_s <= HAPROXY_START_SLACK_S && b_s - a_s <= HAPROXY_START_SLACK_S;
}

/* Another socket of the same process is at work. */
static bool must_wait(const struct haproxy_link *link)
{
    for (const struct haproxy_link *other = link->target->context->links; other;
         other = other->next) {
        if (other != link && other->exchange && other->ask != ASK_INFO && other->seen &&
            other->pid == link->pid && is_start_near(other->start_s, link->start_s)) {
            return true;
        }
    }
    return false;
}

int64_t haproxy_link_tick(struct haproxy_link *link, struct instant now)
{
    uint32_t id;

    if (link->exchange || link->target->items.count == 0) {
        return INSTANT_NEVER;
    }
    if (link->failures > 0 && now.mono_ms < link->retry_ms) {
        return link->retry_ms;
    }
    link->batch_count = 0;
    if (link->info_ms <= now.mono_ms) {
        ask_plain(link, ASK_INFO);
        return INSTANT_NEVER;
    }
    if (must_wait(link)) {
        return link->info_ms; /* the end of the other's exchange wakes all */
    }
    for (unsigned i = 0; i < 1000; ++i) {
        if (heap_first(&link->due, &id) > now.mono_ms || work(link, id, now)) {
            break;
        }
    }
    return link->exchange ? INSTANT_NEVER : time_min(link->info_ms, heap_first(&link->due, NULL));
}
