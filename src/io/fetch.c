/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/multi.h"
#include "io/transfer.h"

struct fetch {
    struct multi *multi;
    uv_timer_t later; /* runs while there is something in ended */
    struct transfer *active;
    struct transfer *ended; /* before they could begin: told from the loop */
    struct fetch_settings settings;
    char *proxy;
    char *user_agent;
    struct transfer_headers headers;
    void (*done)(void *context, const struct fetch_result *result);
    void *context;
    unsigned ended_count;
};

static void list_add(struct transfer **list, struct transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = *list;
    if (*list) {
        (*list)->previous = transfer;
    }
    *list = transfer;
}

static void list_remove(struct transfer **list, struct transfer *transfer)
{
    if (transfer->previous) {
        transfer->previous->next = transfer->next;
    } else {
        *list = transfer->next;
    }
    if (transfer->next) {
        transfer->next->previous = transfer->previous;
    }
}

static struct transfer *list_find(struct transfer *list, uint64_t id)
{
    while (list && list->id != id) {
        list = list->next;
    }
    return list;
}

static void fetch_free(struct fetch *fetch)
{
    free(fetch->proxy);
    free(fetch->user_agent);
    curl_slist_free_all(fetch->headers.get);
    curl_slist_free_all(fetch->headers.post);
    free(fetch);
}

/* The caller has taken @transfer off its list. @fetch may be closed when it returns. */
static void fetch_tell(struct fetch *fetch, struct transfer *transfer)
{
    struct fetch_result result = {
        .id = transfer->id,
        .outcome = transfer->outcome,
        .http_status = transfer->http_status,
        .body = slice_of_buf(&transfer->body),
        .detail = transfer->detail.size ? buf_text(&transfer->detail) : NULL,
        .etag = transfer->etag[0] ? transfer->etag : NULL,
        .hints = transfer->hints,
    };

    fetch->done(fetch->context, &result);
    transfer_free(transfer);
}

static void on_ended(void *context, CURL *easy, CURLcode code)
{
    struct fetch *fetch = context;
    struct transfer *transfer = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (transfer_continue(transfer, code) == 0) {
        if (multi_add(fetch->multi, transfer->easy) == 0) {
            return;
        }
        transfer_starve(transfer);
    }
    list_remove(&fetch->active, transfer);
    fetch_tell(fetch, transfer);
}

static struct transfer *fetch_take_ended(struct fetch *fetch, struct transfer *transfer)
{
    list_remove(&fetch->ended, transfer);
    fetch->ended_count--;
    return transfer;
}

static void on_later(uv_timer_t *later)
{
    struct fetch *fetch = later->data;
    unsigned most = fetch->ended_count; /* @done may start others that end at once */

    /* @done may close us: the timer's close callback keeps the memory until later. */
    while (most-- > 0 && fetch->ended) {
        fetch_tell(fetch, fetch_take_ended(fetch, fetch->ended));
    }
    if (fetch->ended) {
        uv_timer_start(&fetch->later, on_later, 1, 0);
    }
}

static void on_later_closed(uv_handle_t *handle)
{
    fetch_free(handle->data);
}

static int fetch_setup(struct fetch *fetch, const struct fetch_settings *settings)
{
    int r;

    fetch->settings = *settings;
    fetch->proxy = settings->proxy ? strdup(settings->proxy) : NULL;
    fetch->user_agent = strdup(settings->user_agent);
    fetch->settings.proxy = fetch->proxy;
    fetch->settings.user_agent = fetch->user_agent;
    if (!fetch->user_agent || (settings->proxy && !fetch->proxy)) {
        return -ENOMEM;
    }
    r = transfer_headers_new(&fetch->headers.get, false);
    return r ? r : transfer_headers_new(&fetch->headers.post, true);
}

int fetch_new(struct fetch **ret_fetch, uv_loop_t *loop, const struct fetch_settings *settings,
              void (*done)(void *context, const struct fetch_result *result), void *context)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    int r;

    if (!fetch) {
        return -ENOMEM;
    }
    fetch->done = done;
    fetch->context = context;
    r = fetch_setup(fetch, settings);
    r = r ? r : multi_new(&fetch->multi, loop, on_ended, fetch);
    if (r) {
        fetch_free(fetch);
        return error_trace(r);
    }
    /* TLS writes to sockets that may be gone; curl leaves that to us. */
    signal(SIGPIPE, SIG_IGN);
    uv_timer_init(loop, &fetch->later); /* cannot fail */
    fetch->later.data = fetch;
    *ret_fetch = fetch;
    return 0;
}

static void fetch_drop_active(struct fetch *fetch, struct transfer *transfer)
{
    list_remove(&fetch->active, transfer);
    multi_remove(fetch->multi, transfer->easy);
    transfer_free(transfer);
}

void fetch_close(struct fetch *fetch)
{
    while (fetch->active) {
        fetch_drop_active(fetch, fetch->active);
    }
    while (fetch->ended) {
        transfer_free(fetch_take_ended(fetch, fetch->ended));
    }
    multi_close(fetch->multi);
    uv_close((uv_handle_t *)&fetch->later, on_later_closed);
}

void fetch_start(struct fetch *fetch, const struct fetch_order *order)
{
    struct transfer *transfer = transfer_new(&fetch->settings, &fetch->headers, order);
    int r;

    if (!transfer) {
        return; /* not even memory to say so: the engine gives such an attempt up by itself */
    }
    r = transfer_begin(transfer, order->url);
    if (!r && multi_add(fetch->multi, transfer->easy) == 0) {
        list_add(&fetch->active, transfer);
        return;
    }
    if (!r) {
        transfer_starve(transfer);
    }
    list_add(&fetch->ended, transfer);
    fetch->ended_count++;
    uv_timer_start(&fetch->later, on_later, 1, 0);
}

void fetch_cancel(struct fetch *fetch, uint64_t id)
{
    struct transfer *transfer = list_find(fetch->active, id);

    if (transfer) {
        fetch_drop_active(fetch, transfer);
        return;
    }
    transfer = list_find(fetch->ended, id);
    if (transfer) {
        transfer_free(fetch_take_ended(fetch, transfer));
    }
}
