/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "io/clock.h"
#include "io/witness-private.h"

#define FIRST_MS      1000    /* how soon after it was handed over; then doubled */
#define MOST_MS       900000  /* between two looks at what is wrong */
#define AGAIN_MS      3600000 /* between two looks at what is right */
#define DOWN_MOST_MS  300000
#define PATIENCE_MS   15000  /* a reload takes its time */
#define UNTOLD_MS     300000 /* who looks by itself takes longer: lighttpd a good minute */
#define SLEEP_MOST_MS 30000
#define TOLD_MOST     10 /* certificates of a server that are told one by one */

static void on_closed(uv_handle_t *handle)
{
    struct witness *witness = handle->data;

    tls_client_free(witness->client);
    free(witness);
}

void witness_close(struct witness *witness)
{
    if (!witness) {
        return;
    }
    witness->closed = true;
    for (uint32_t i = 0; i < witness->server_count; i++) {
        witness_server_free(witness->servers[i]);
    }
    free(witness->servers);
    witness->server_count = 0;
    uv_close((uv_handle_t *)&witness->timer, on_closed);
}

int witness_new(struct witness **ret_witness, uv_loop_t *loop, const struct log *log)
{
    struct witness *witness = calloc(1, sizeof(*witness));

    if (!witness) {
        return -ENOMEM;
    }
    witness->loop = loop;
    witness->log = log;
    witness->clock = clock_now;
    witness->rng = (struct rng){uv_hrtime()};
    uv_timer_init(loop, &witness->timer);
    witness->timer.data = witness;
    *ret_witness = witness;
    return 0;
}

/* The timer. */

static void on_timer(uv_timer_t *timer);

/* At the latest; never 0 ms: libuv runs timers until none is due, and would not come to anything
 * else. */
static void wake_in(struct witness *witness, int64_t ms)
{
    uint64_t wait_ms = (uint64_t)time_min(time_max(ms, 1), SLEEP_MOST_MS);

    if (!witness->closed && (!uv_is_active((uv_handle_t *)&witness->timer) ||
                             uv_timer_get_due_in(&witness->timer) > wait_ms)) {
        uv_timer_start(&witness->timer, on_timer, wait_ms, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct witness *witness = timer->data;
    struct instant now = witness->clock();
    int64_t due_ms = witness_tick(witness, now);

    if (due_ms != INSTANT_NEVER) {
        wake_in(witness, time_sub(due_ms, now.mono_ms));
    }
}

/* Doubled with each of @tries, the upper half of it by chance. */
static int64_t pause_ms(struct witness *witness, unsigned tries, int64_t most_ms)
{
    int64_t ms = tries < 20 ? time_min(FIRST_MS << tries, most_ms) : most_ms;

    return ms / 2 + (int64_t)rng_below(&witness->rng, (uint64_t)(ms / 2) + 1);
}

int witness_expect(struct witness *witness, const struct witness_order *order)
{
    struct witness_server *server = witness_open_server(witness, order);
    struct instant now = witness->clock();
    struct witness_item *item;
    uint32_t number = 0;
    int r = server ? witness_open_item(server, order, &number) : -ENOMEM;

    if (!r) {
        r = heap_set(&server->due, number, time_add(now.mono_ms, FIRST_MS));
    }
    if (r) {
        return error_trace(r);
    }
    item = &server->items[number];
    witness_read_expected(&item->expected, order);
    item->patience_ms = order->told ? PATIENCE_MS : UNTOLD_MS;
    item->in_flight = false;
    item->right = false;
    item->tries = 0;
    wake_in(witness, FIRST_MS);
    return 0;
}

void witness_forget(struct witness *witness, const struct witness_order *order)
{
    struct witness_server *server = witness_find_server(witness, order);
    uint32_t number = server ? witness_find_item(server, order->leaf_sha256) : MAP_NONE;

    if (number != MAP_NONE) {
        witness_drop_item(server, number);
    }
}

/* What was seen. */

static void replace_text(char **to, const struct buf *text)
{
    free(*to);
    *to = text ? text_copy(slice_of_buf(text)) : NULL;
}

static void put_next(struct buf *line, int64_t ms)
{
    buf_put_text(line, "; next look in ");
    buf_put_duration(line, (ms + 999) / 1000);
}

/* A server that takes nothing at all takes nothing for a thousand certificates. */
static void tell_wrong(struct witness_server *server, struct witness_item *item,
                       const struct witness_seen *seen, int64_t next_ms)
{
    enum note_level level = seen->finding == WITNESS_STILL ? NOTE_ERROR : NOTE_WARNING;
    struct buf line = BUF_INIT(LOG_LINE_MAX);

    server->told += !item->told;
    item->told = true;
    item->finding = seen->finding;
    witness_put_wrong(&line, server, item, seen);
    replace_text(&item->said, &line);
    put_next(&line, next_ms);
    if (item->logged || server->told <= TOLD_MOST) {
        item->logged = true;
        log_say(server->witness->log, level, "%s", buf_text(&line));
    } else if (!server->more_told) {
        server->more_told = true;
        log_say(server->witness->log, level,
                "%s does so with more certificates; `clinch status` names them", server->address);
    }
    buf_deinit(&line);
}

static void tell_right(struct witness_server *server, struct witness_item *item)
{
    struct buf line = BUF_INIT(LOG_LINE_MAX);

    witness_put_cert(&line, item);
    log_say(server->witness->log, item->logged ? NOTE_INFO : NOTE_DEBUG,
            item->told ? "%s: %s serves what it was handed, again"
                       : "%s: %s serves what it was handed",
            buf_text(&line), server->address);
    buf_deinit(&line);
    server->told -= item->told;
    item->told = item->logged = false;
    replace_text(&item->said, NULL);
    if (!server->told && server->more_told) {
        server->more_told = false;
        log_say(server->witness->log, NOTE_INFO, "%s serves all that it was handed, again",
                server->address);
    }
}

/* Told anew when it is wrong in another way. */
static void judge_wrong(struct witness_server *server, uint32_t number,
                        const struct witness_seen *seen, struct instant now)
{
    struct witness_item *item = &server->items[number];
    int64_t wait_ms;

    if (item->tries++ == 0) {
        item->wrong_ms = now.mono_ms;
        item->wrong_s = item->told ? item->wrong_s : now.wall_s;
    }
    item->right = false;
    wait_ms = pause_ms(server->witness, item->tries, MOST_MS);
    if (now.mono_ms - item->wrong_ms < item->patience_ms) {
        wait_ms = time_min(wait_ms, item->wrong_ms + item->patience_ms - now.mono_ms);
    } else if (!item->told || item->finding != seen->finding) {
        tell_wrong(server, item, seen, wait_ms);
    }
    heap_set(&server->due, number, time_add(now.mono_ms, wait_ms)); /* there is room: it was in */
}

static void judge_right(struct witness_server *server, uint32_t number, struct instant now)
{
    struct witness_item *item = &server->items[number];
    int64_t again_ms = AGAIN_MS - (int64_t)rng_below(&server->witness->rng, AGAIN_MS / 4);

    tell_right(server, item);
    item->right = true;
    item->tries = 0;
    heap_set(&server->due, number, time_add(now.mono_ms, again_ms));
}

/* One name, several certificates: what is not shown under it is somebody else's to see, as long as
 * what is shown is one of ours. */
static bool shows_ours(const struct witness_server *server, const struct tls_probe_result *result)
{
    bool ours = server->servername != NULL;

    for (unsigned way = 0; ours && way < TLS_WAYS; way++) {
        const struct tls_sight *sight = &result->sights[way];

        ours =
            sight->outcome != TLS_SEEN || witness_find_item(server, sight->leaf_sha256) != MAP_NONE;
    }
    return ours;
}

static void server_is_down(struct witness_server *server, const char *detail, struct instant now)
{
    struct witness *witness = server->witness;
    struct buf line = BUF_INIT(LOG_LINE_MAX);
    int64_t wait_ms = pause_ms(witness, ++server->failures, DOWN_MOST_MS);

    if (!server->down) {
        server->down = true;
        server->down_ms = now.mono_ms;
        server->down_s = now.wall_s;
    }
    buf_put_printable(&line, slice_of_text(detail ? detail : "it does not talk TLS"), 512);
    replace_text(&server->fault, &line);
    if (now.mono_ms - server->down_ms < PATIENCE_MS) {
        wait_ms = time_min(wait_ms, server->down_ms + PATIENCE_MS - now.mono_ms);
    } else if (!server->down_told) {
        server->down_told = true;
        put_next(&line, wait_ms);
        log_say(witness->log, NOTE_WARNING,
                "%s is not to be reached, so that what it serves is not known: %s", server->address,
                buf_text(&line));
    }
    server->retry_ms = time_add(now.mono_ms, wait_ms);
    buf_deinit(&line);
}

static void server_is_up(struct witness_server *server)
{
    if (server->down_told) {
        log_say(server->witness->log, NOTE_INFO, "%s answers again", server->address);
    }
    server->down = server->down_told = false;
    server->failures = 0;
    server->retry_ms = INT64_MIN;
    replace_text(&server->fault, NULL);
}

static bool on_sight(void *context, const struct tls_sight *sight)
{
    const struct witness_server *server = context;

    return sight->outcome == TLS_SEEN &&
           memcmp(sight->leaf_sha256, server->items[server->asking].leaf, SHA256_SIZE) == 0;
}

static void on_done(void *context, const struct tls_probe_result *result)
{
    struct witness_server *server = context;
    struct witness_item *item = &server->items[server->asking];
    struct instant now = server->witness->clock();
    struct witness_seen seen;

    server->probe = NULL;
    wake_in(server->witness, 1);
    if (!item->used || !item->in_flight) {
        return; /* another thing is expected by now; it is due already */
    }
    item->in_flight = false;
    seen = witness_judge(item, result, now.wall_s);
    if (seen.finding == WITNESS_DOWN) {
        server_is_down(server, seen.detail, now);
        heap_set(&server->due, server->asking, now.mono_ms);
        return;
    }
    server_is_up(server);
    if (seen.finding == WITNESS_RIGHT ||
        (seen.finding == WITNESS_OTHER_CERT && shows_ours(server, result))) {
        judge_right(server, server->asking, now);
    } else {
        judge_wrong(server, server->asking, &seen, now);
    }
}

/* Asking. */

static int ask(struct witness_server *server, uint32_t number)
{
    struct witness *witness = server->witness;
    struct witness_item *item = &server->items[number];
    struct tls_probe_order order = {
        .host = server->host,
        .port = server->port,
        .servername = item->asked,
        .starttls = server->starttls,
        .step_ms = TLS_STEP_MS,
        .enough = on_sight,
        .done = on_done,
        .context = server,
    };
    int r = witness->client ? 0 : tls_client_new(&witness->client);

    if (r) {
        return error_trace(r);
    }
    order.client = witness->client;
    server->asking = number;
    r = tls_probe_start(&server->probe, witness->loop, &order);
    item->in_flight = r == 0;
    return r ? error_trace(r) : 0;
}

/* The next deadline of @server. */
static int64_t server_tick(struct witness_server *server, struct instant now)
{
    uint32_t number;
    int64_t due_ms;

    if (server->probe) {
        return INSTANT_NEVER; /* its end wakes us */
    }
    due_ms = time_max(heap_first(&server->due, &number), server->retry_ms);
    if (due_ms > now.mono_ms) {
        return due_ms;
    }
    if (ask(server, number)) {
        log_say(server->witness->log, NOTE_ERROR, "out of memory: %s is asked later",
                server->address);
        server->retry_ms = time_add(now.mono_ms, DOWN_MOST_MS);
        return server->retry_ms;
    }
    /* When it is forgotten meanwhile it is out of the heap, else its end says when. */
    heap_set(&server->due, number, INSTANT_NEVER - 1);
    return INSTANT_NEVER;
}

int64_t witness_tick(struct witness *witness, struct instant now)
{
    int64_t due_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < witness->server_count; i++) {
        due_ms = time_min(due_ms, server_tick(witness->servers[i], now));
    }
    return due_ms;
}

/* Showing. */

uint32_t witness_servers(const struct witness *witness)
{
    return witness->server_count;
}

void witness_look_server(const struct witness *witness, uint32_t number,
                         struct witness_server_view *ret_view)
{
    const struct witness_server *server = witness->servers[number];
    struct witness_server_view view = {
        .server = server->label,
        .fault = server->down_told ? server->fault : NULL,
        .down_since_s = server->down_s,
    };

    assert(number < witness->server_count);
    for (uint32_t i = 0; i < server->item_top; i++) {
        const struct witness_item *item = &server->items[i];

        view.right += item->used && item->right;
        view.wrong += item->used && item->told;
        view.waiting += item->used && !item->right && !item->told;
    }
    *ret_view = view;
}

void witness_each_wrong(const struct witness *witness,
                        void (*each)(void *context, const struct witness_view *view), void *context)
{
    for (uint32_t i = 0; i < witness->server_count; i++) {
        const struct witness_server *server = witness->servers[i];

        for (uint32_t k = 0; k < server->item_top; k++) {
            const struct witness_item *item = &server->items[k];
            const struct witness_view view = {
                .server = server->label,
                .name = item->name,
                .path = item->path,
                .leaf_sha256 = item->leaf_hex,
                .finding = witness_finding_name(item->finding),
                .sentence = item->said ? item->said : "",
                .since_s = item->wrong_s,
            };

            if (item->used && item->told) {
                each(context, &view);
            }
        }
    }
}
