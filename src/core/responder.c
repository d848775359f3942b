/* SPDX-License-Identifier: Apache-2.0 */
#include "core/responder.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"
#include "core/schedule.h"

/* Bare ones rank before all that hold something: by when they came, less this. */
#define BARE_RANK (INT64_C(1) << 60)

/* More than any answer lives. */
#define LEFT_MOST_S INT64_C(10000000000)

/* Keys of the heap of turns: milliseconds, then a running number. */
#define TURN_BITS    20
#define TURN_MOST_MS (INT64_C(1) << 42)

/* Requests at once to one that has not answered yet. */
#define FIRST_PLACES 4

/* A responder that is down is not tried more often than this because somebody waits. */
#define NUDGE_MS 2000

void responders_init(struct responders *responders, const struct policy *policy, uint64_t seed)
{
    *responders = (struct responders){.policy = policy, .rng = {seed}};
}

void responders_deinit(struct responders *responders)
{
    for (uint32_t i = 0; i < responders->count; i++) {
        heap_deinit(&responders->list[i].line);
        free(responders->list[i].key);
    }
    free(responders->list);
    map_deinit(&responders->by_key);
    heap_index_deinit(&responders->places);
    heap_deinit(&responders->ready);
    *responders = (struct responders){0};
}

/* Of the port that a URL has anyway nothing is said. */
static void cut_usual_port(char *key)
{
    const char *port = text_starts_with(key, "https:") ? ":443" : ":80";
    size_t size = text_length(key), tail = text_length(port);

    if (size > tail && text_equal(key + size - tail, port)) {
        key[size - tail] = 0;
    }
}

/* Scheme and authority of @url: "http://OCSP.example:80/x" is "http://ocsp.example". People see it:
 * of a user and password it says only that there are some. */
static char *key_of_url(const char *url)
{
    size_t end = 0, size = text_length(url);
    unsigned slashes = 0;
    struct slice user;
    char *key;

    while (end < size && url[end] != '?' && url[end] != '#') {
        slashes += url[end] == '/';
        if (slashes == 3) {
            break;
        }
        end++;
    }
    key = text_copy(slice_of(url, end));
    user = url_find_user(url);
    for (size_t i = 0; key && i < user.size; i++) {
        key[(size_t)(user.data - (const uint8_t *)url) + i] = '*';
    }
    for (size_t i = 0; key && i < end; i++) {
        key[i] = key[i] >= 'A' && key[i] <= 'Z' ? (char)(key[i] + 32) : key[i];
    }
    if (key) {
        cut_usual_port(key);
    }
    return key;
}

static int make_room(struct responders *responders)
{
    uint32_t capacity = responders->capacity ? responders->capacity * 2 : 8;
    struct responder *list;

    if (responders->count < responders->capacity) {
        return 0;
    }
    list = realloc(responders->list, capacity * sizeof(*list));
    if (!list) {
        return -ENOMEM;
    }
    responders->list = list;
    responders->capacity = capacity;
    return 0;
}

/* One that was never asked may hang: it gets few places before it has shown that it answers. */
static unsigned first_allowed(const struct responders *responders)
{
    unsigned most = responders->policy->responder_concurrency;

    return most < FIRST_PLACES ? most : FIRST_PLACES;
}

static int add(struct responders *responders, char *key, uint64_t hash)
{
    int r;

    r = make_room(responders);
    if (!r) {
        r = heap_reserve(&responders->ready, responders->count + 1);
    }
    if (!r) {
        r = map_add(&responders->by_key, hash, responders->count);
    }
    if (r) {
        return r;
    }
    responders->list[responders->count++] = (struct responder){
        .key = key,
        .line = {.shared = &responders->places},
        .allowed = first_allowed(responders),
        .probe = RESPONDER_NONE,
        .probe_ms = INT64_MIN,
        .pause_ms = INT64_MIN,
        .paid_us = INT64_MIN,
        .served_ms = INT64_MIN,
        .down_since_s = INSTANT_NEVER,
    };
    return 0;
}

static uint32_t look_up(const struct responders *responders, const char *key, uint64_t hash)
{
    size_t at;

    for (uint32_t i = map_first(&responders->by_key, hash, &at); i != MAP_NONE;
         i = map_more(&responders->by_key, hash, &at)) {
        if (text_equal(responders->list[i].key, key)) {
            return i;
        }
    }
    return RESPONDER_NONE;
}

uint32_t responder_known(const struct responders *responders, const char *url)
{
    _cleanup_(freep)
    char *key = key_of_url(url);

    return key ? look_up(responders, key, map_hash(slice_of_text(key))) : RESPONDER_NONE;
}

int responder_find(struct responders *responders, const char *url, uint32_t *ret_responder)
{
    _cleanup_(freep)
    char *key = key_of_url(url);
    uint32_t known;
    uint64_t hash;
    int r;

    if (!key) {
        return -ENOMEM;
    }
    hash = map_hash(slice_of_text(key));
    known = look_up(responders, key, hash);
    if (known != RESPONDER_NONE) {
        *ret_responder = known;
        return 0;
    }
    r = add(responders, key, hash);
    if (r) {
        return r;
    }
    steal(&key);
    *ret_responder = responders->count - 1;
    return 0;
}

/* Bare ones first, each in its order of coming; then by end. */
static int64_t rank_of(const struct responders *responders, int64_t end_s)
{
    return end_s == RESPONDER_BARE ? time_sub(responders->now.wall_s, BARE_RANK) : end_s;
}

/* How much time is left for the one at @rank; 0: it is bare. */
static int64_t left_of(const struct responders *responders, int64_t rank)
{
    return time_max(0, time_min(time_sub(rank, responders->now.wall_s), LEFT_MOST_S));
}

static bool is_bare(const struct responders *responders, int64_t rank)
{
    return left_of(responders, rank) == 0;
}

/* How long somebody with so much left may be kept from a responder that is down. */
static int64_t probe_bound_ms(const struct responders *responders, int64_t rank)
{
    const struct policy *policy = responders->policy;

    if (is_bare(responders, rank)) {
        return policy->probe_cap_bare_s * 1000;
    }
    return time_max(policy->backoff_floor_ms,
                    time_min(policy->probe_cap_s * 1000, left_of(responders, rank) * 125));
}

/* Of those in line that hold something, the one that ends first; NULL: there is none. */
static const struct heap_slot *first_held(const struct responders *responders,
                                          const struct responder *responder)
{
    const struct heap *line = &responder->line;
    const struct heap_slot *first = NULL;

    for (size_t i = 0; i < line->count; i++) {
        const struct heap_slot *slot = &line->slots[i];

        if (!is_bare(responders, slot->deadline) && (!first || slot->deadline < first->deadline)) {
            first = slot;
        }
    }
    return first;
}

static int64_t pause_bound_ms(const struct responders *responders, int64_t rank)
{
    const struct policy *policy = responders->policy;
    int64_t bound_s =
        is_bare(responders, rank) ? policy->probe_cap_s : left_of(responders, rank) / 8;

    return time_max(policy->backoff_floor_ms, time_min(policy->retry_after_cap_s, bound_s) * 1000);
}

/* In any second at most policy->responder_rate: a tenth of it may come at once, the rest evenly. */
static int64_t burst_of(int64_t rate)
{
    return time_max(1, rate / 10);
}

static int64_t step_us(int64_t rate)
{
    int64_t even = rate - burst_of(rate) + 1;

    return (1000000 + even - 1) / even;
}

static int64_t rate_ms(const struct responders *responders, const struct responder *responder)
{
    int64_t rate = responders->policy->responder_rate;
    int64_t free_us;

    if (!rate || responder->paid_us == INT64_MIN) {
        return INT64_MIN;
    }
    free_us = time_sub(responder->paid_us, (burst_of(rate) - 1) * step_us(rate));
    return free_us / 1000 + (free_us % 1000 > 0);
}

static void pay(struct responders *responders, struct responder *responder)
{
    int64_t rate = responders->policy->responder_rate;

    if (rate) {
        responder->paid_us =
            time_add(time_max(responder->paid_us, responders->now.mono_ms * 1000), step_us(rate));
    }
}

int64_t responder_wait_ms(const struct responders *responders, uint32_t number)
{
    const struct responder *responder = &responders->list[number];

    return time_max(responder->pause_ms, responder->down ? responder->probe_ms : INT64_MIN);
}

/* Turns: by time, and within a moment by who had none for longest. */
static int64_t turn_key(int64_t mono_ms, uint64_t turn)
{
    return (time_max(0, time_min(mono_ms, TURN_MOST_MS)) << TURN_BITS) |
           (int64_t)(turn & ((UINT64_C(1) << TURN_BITS) - 1));
}

/* Somebody waits and there is a place: it is ready at some time. Else it is not at all. (Room for
 * all responders was made when they were found.) */
static void settle(struct responders *responders, uint32_t number)
{
    struct responder *responder = &responders->list[number];
    bool place = responder->down ? responder->probe == RESPONDER_NONE
                                 : responder->in_flight < responder->allowed;
    int64_t due_ms;

    if (!responder->line.count || !place) {
        heap_remove(&responders->ready, number);
        return;
    }
    due_ms = time_max(responder_wait_ms(responders, number), rate_ms(responders, responder));
    heap_set(&responders->ready, number,
             turn_key(time_max(due_ms, responder->served_ms), responder->turn));
}

int responder_wait(struct responders *responders, uint32_t number, uint32_t entry, int64_t end_s)
{
    struct responder *responder = &responders->list[number];
    int64_t rank = rank_of(responders, end_s), now_ms = responders->now.mono_ms;
    int r;

    assert(number < responders->count);
    r = heap_set(&responder->line, entry, rank);
    if (r) {
        return r;
    }
    /* Whoever comes may be in more of a hurry than those for whom the waits were made. */
    responder->probe_ms =
        time_min(responder->probe_ms, time_add(now_ms, probe_bound_ms(responders, rank)));
    responder->pause_ms =
        time_min(responder->pause_ms, time_add(now_ms, pause_bound_ms(responders, rank)));
    settle(responders, number);
    return 0;
}

void responder_leave(struct responders *responders, uint32_t number, uint32_t entry)
{
    heap_remove(&responders->list[number].line, entry);
    settle(responders, number);
}

/* Whose turn it is in the line. What a bare one is told may always be junk, which is about it and
 * not about the responder: so every second probe is for somebody who holds something. */
static struct heap_slot whose_turn(const struct responders *responders,
                                   const struct responder *responder)
{
    const struct heap_slot *first = responder->line.slots, *held = NULL;

    if (responder->down && responder->probes % 2 && is_bare(responders, first->deadline)) {
        held = first_held(responders, responder);
    }
    return held ? *held : *first;
}

bool responder_next(struct responders *responders, uint32_t *ret_responder, uint32_t *ret_entry)
{
    struct responder *responder;
    struct heap_slot turn;
    uint32_t number;

    if (responders->in_flight >= responders->policy->total_concurrency ||
        responders_deadline_ms(responders) > responders->now.mono_ms) {
        return false;
    }
    heap_first(&responders->ready, &number);
    responder = &responders->list[number];
    turn = whose_turn(responders, responder);
    responder->rank = turn.deadline;
    heap_remove(&responder->line, turn.entry);
    responders->in_flight++;
    responder->in_flight++;
    responder->asked++;
    responder->probe = responder->down ? turn.entry : RESPONDER_NONE;
    responder->served_ms = responders->now.mono_ms;
    responder->turn = ++responders->turn;
    pay(responders, responder);
    settle(responders, number);
    *ret_responder = number;
    *ret_entry = turn.entry;
    return true;
}

/* When the next probe may go. */
static void plan_probe(struct responders *responders, struct responder *responder)
{
    /* Who was asked last is going to come back. */
    int64_t rank = time_min(heap_first(&responder->line, NULL), responder->rank);
    int64_t left_s = left_of(responders, rank), bound_ms = probe_bound_ms(responders, rank);
    const struct heap_slot *held = first_held(responders, responder);
    int64_t wait_ms = schedule_backoff_ms(responders->policy, ++responder->probes, left_s,
                                          rng_next(&responders->rng));

    bound_ms = held ? time_min(bound_ms, probe_bound_ms(responders, held->deadline)) : bound_ms;
    wait_ms = time_min(wait_ms, bound_ms);
    responder->probe_ms = time_add(responders->now.mono_ms, wait_ms);
}

static enum responder_change went_well(const struct responders *responders,
                                       struct responder *responder)
{
    bool was_down = responder->down;

    responder->failures = 0;
    if (was_down) {
        responder->down = false;
        responder->probe = RESPONDER_NONE;
        responder->allowed = 1;
        return RESPONDER_CAME_BACK;
    }
    if (responder->allowed < responders->policy->responder_concurrency) {
        responder->allowed++;
    }
    return RESPONDER_SAME;
}

static enum responder_change went_ill(struct responders *responders, struct responder *responder,
                                      bool probe)
{
    responder->failed++;
    responder->failures += responder->failures < UINT32_MAX;
    if (!responder->down && responder->failures >= responders->policy->responder_failures) {
        responder->down = true;
        responder->down_since_s = responders->now.wall_s;
        responder->probes = 0;
        plan_probe(responders, responder);
        return RESPONDER_WENT_DOWN;
    }
    if (probe) {
        plan_probe(responders, responder);
    }
    return RESPONDER_SAME;
}

enum responder_change responder_report(struct responders *responders, uint32_t number,
                                       uint32_t entry, enum responder_news news)
{
    struct responder *responder = &responders->list[number];
    bool probe = responder->probe == entry;
    enum responder_change change = RESPONDER_SAME;

    assert(responders->in_flight > 0 && responder->in_flight > 0);
    responders->in_flight--;
    responder->in_flight--;
    if (probe) {
        responder->probe = RESPONDER_NONE;
    }
    if (news == RESPONDER_WELL) {
        change = went_well(responders, responder);
    } else if (news == RESPONDER_ILL) {
        change = went_ill(responders, responder, probe);
    }
    settle(responders, number);
    return change;
}

void responder_pause(struct responders *responders, uint32_t number, int64_t wait_s, int64_t end_s)
{
    struct responder *responder = &responders->list[number];
    int64_t rank = time_min(rank_of(responders, end_s), heap_first(&responder->line, NULL));
    int64_t wait_ms = time_min(wait_s, responders->policy->retry_after_cap_s) * 1000;
    const struct heap_slot *held = first_held(responders, responder);

    wait_ms = time_min(wait_ms, pause_bound_ms(responders, rank));
    wait_ms = held ? time_min(wait_ms, pause_bound_ms(responders, held->deadline)) : wait_ms;
    responder->pause_ms = time_max(responder->pause_ms, time_add(responders->now.mono_ms, wait_ms));
    settle(responders, number);
}

void responder_nudge(struct responders *responders, uint32_t number)
{
    struct responder *responder = &responders->list[number];

    if (responder->down) {
        responder->probe_ms =
            time_min(responder->probe_ms, time_add(responder->served_ms, NUDGE_MS));
        settle(responders, number);
    }
}

uint32_t responder_first(const struct responders *responders, uint32_t number)
{
    uint32_t entry = RESPONDER_NONE;

    heap_first(&responders->list[number].line, &entry);
    return entry;
}

int64_t responders_deadline_ms(const struct responders *responders)
{
    int64_t key = heap_first(&responders->ready, NULL);

    if (key == INSTANT_NEVER || responders->in_flight >= responders->policy->total_concurrency) {
        return INSTANT_NEVER;
    }
    return key >> TURN_BITS;
}
