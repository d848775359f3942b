/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One order on its way: from the URL it names through its redirects to an outcome. Each hop is a
 * curl handle of its own, with the address rules of fetch.h built in. Private to fetch.c. */

#include <curl/curl.h>

#include "base/cleanup.h"
#include "io/address.h"
#include "io/fetch.h"

#define TRANSFER_HEADERS_MAX  (64 * 1024) /* of all header lines of one hop */
#define TRANSFER_SENTENCE_MAX 600

enum transfer_cap { TRANSFER_CAP_NONE, TRANSFER_CAP_BODY, TRANSFER_CAP_HEADERS };

struct transfer_headers {
    struct curl_slist *get;
    struct curl_slist *post;
};

/* What is known of one hop; begins anew with each. */
struct transfer_hop {
    char *url;
    char *host; /* of it, without brackets */
    bool proxied;
    enum transfer_cap cap; /* which one was reached */
    size_t header_size;
    unsigned sockets;             /* connections that were tried */
    int socket_error;             /* errno of a socket that could not be had */
    enum address_verdict refused; /* the first address that the rules refused */
    enum address_class class;     /* of it */
    char refused_text[64];
    char peer[64];               /* the address tried last, with port */
    char error[CURL_ERROR_SIZE]; /* curl's own words */
};

struct transfer {
    struct transfer *previous; /* for the owner: all that are under way */
    struct transfer *next;
    const struct fetch_settings *settings;
    const struct transfer_headers *headers;
    CURL *easy; /* of this hop; NULL: it could not even begin */
    struct transfer_hop hop;
    uint64_t id;
    size_t body_max;
    bool issuer;
    bool tagged;                    /* it asks whether what has our entity-tag has changed */
    struct buf sent;                /* POST body; empty: GET */
    struct curl_slist *own_headers; /* NULL: those of all */
    unsigned redirects;
    enum address_class from; /* where the last hop got its answer; ADDRESS_STRANGE: first hop */
    int64_t spent_ms;        /* by the hops before */

    enum fetch_outcome outcome;
    int http_status;
    struct http_hints hints;
    char etag[LIMIT_ETAG_SIZE + 1]; /* of the body; "": none */
    struct buf body;
    struct buf detail;
};

enum { TRANSFER_E_ENDED = 1 }; /* outcome and detail are set */

/* NULL without memory. Borrows settings and headers. */
struct transfer *transfer_new(const struct fetch_settings *settings,
                              const struct transfer_headers *headers,
                              const struct fetch_order *order);
/* The curl handle must be out of the multi handle. */
struct transfer *transfer_free(struct transfer *transfer);
CLEANUP_DEFINE(struct transfer *, transfer_free)

/* Makes the handle for the first hop to @url. 0, or TRANSFER_E_ENDED. */
int transfer_begin(struct transfer *transfer, const char *url);

/* The hop's handle ended with @code: 0 when it was a redirect and transfer->easy is the handle of
 * the next hop, TRANSFER_E_ENDED when the transfer is over. */
int transfer_continue(struct transfer *transfer, CURLcode code);

/* Ends it without an answer for want of memory. */
void transfer_starve(struct transfer *transfer);

/* transfer-end.c: outcome, status and detail from how the last hop ended. */
void transfer_conclude(struct transfer *transfer, CURLcode code);

/* transfer-head.c: the lines that all requests have. 0 or -ENOMEM; *@list is to be freed anyway. */
int transfer_headers_new(struct curl_slist **list, bool post);
/* And those that only this order has. 0 or -ENOMEM. */
int transfer_write_head(struct transfer *transfer, const struct fetch_order *order);
/* Hints and entity-tag from the header of the last hop's answer; without memory as if not said. */
void transfer_read_head(struct transfer *transfer);
