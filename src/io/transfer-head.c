/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transfer.h"

#include <errno.h>
#include <string.h>

#include "io/clock.h"
#include "io/hints.h"

/* Header lines: what a request says besides its URL and body, and what its answer says. */

static int list_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    *list = longer ? longer : *list;
    return longer ? 0 : -ENOMEM;
}

int transfer_headers_new(struct curl_slist **list, bool post)
{
    int r = list_add(list, "Accept: application/ocsp-response");

    if (!r && post) {
        /* RFC 6960 A.1: "The Content-Type header has the value 'application/ocsp-request'". */
        r = list_add(list, "Content-Type: application/ocsp-request");
    }
    return r;
}

int transfer_write_head(struct transfer *transfer, const struct fetch_order *order)
{
    bool post = order->body.size > 0;
    char line[sizeof("If-None-Match: ") + LIMIT_ETAG_SIZE] = "If-None-Match: ";
    int r;

    transfer->tagged =
        order->etag && !order->no_cache && !post && !order->issuer && hints_is_etag(order->etag);
    if (order->issuer || (!transfer->tagged && !order->no_cache)) {
        return 0;
    }
    r = transfer_headers_new(&transfer->own_headers, post);
    if (!r && transfer->tagged) {
        memcpy(line + strlen(line), order->etag, strlen(order->etag) + 1);
        r = list_add(&transfer->own_headers, line);
    }
    if (!r && order->no_cache) {
        r = list_add(&transfer->own_headers, "Cache-Control: no-cache");
        /* For caches that know no HTTP/1.1; RFC 9919 wants both. */
        r = r ? r : list_add(&transfer->own_headers, "Pragma: no-cache");
    }
    return r;
}

/* The value of the only line called @name, in @memory; NULL: there is none, or more than one. */
static const char *find_value(CURL *easy, const char *name, struct buf *memory)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) || header->amount != 1) {
        return NULL;
    }
    buf_put_text(memory, header->value);
    return buf_status(memory) ? NULL : buf_text(memory);
}

/* RFC 9110 5.3: a list may stand on several lines. */
static const char *find_list(CURL *easy, const char *name, struct buf *memory)
{
    struct curl_header *header = NULL;

    for (size_t i = 0; !curl_easy_header(easy, name, i, CURLH_HEADER, -1, &header); i++) {
        buf_put_text(memory, i ? "," : "");
        buf_put_text(memory, header->value);
    }
    return memory->size && !buf_status(memory) ? buf_text(memory) : NULL;
}

void transfer_read_head(struct transfer *transfer)
{
    enum { DATE, AGE, EXPIRES, RETRY_AFTER, CACHE_CONTROL, ETAG, FIELDS };
    struct buf values[FIELDS];
    CURL *easy = transfer->easy;
    struct hint_fields fields;
    const char *etag;

    for (size_t i = 0; i < FIELDS; i++) {
        values[i] = BUF_INIT(TRANSFER_HEADERS_MAX);
    }
    fields = (struct hint_fields){
        .date = find_value(easy, "Date", &values[DATE]),
        .age = find_value(easy, "Age", &values[AGE]),
        .expires = find_value(easy, "Expires", &values[EXPIRES]),
        .retry_after = find_value(easy, "Retry-After", &values[RETRY_AFTER]),
        .cache_control = find_list(easy, "Cache-Control", &values[CACHE_CONTROL]),
    };
    etag = find_value(easy, "ETag", &values[ETAG]);
    hints_read(&fields, clock_now().wall_s, &transfer->hints);
    if (etag && hints_is_etag(etag)) {
        memcpy(transfer->etag, etag, strlen(etag) + 1);
    }
    for (size_t i = 0; i < FIELDS; i++) {
        buf_deinit(&values[i]);
    }
}
