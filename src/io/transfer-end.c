/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transfer.h"

#include <string.h>

#include "base/error.h"

/* From curl's codes to outcomes, with a sentence for people. */

static void put(struct transfer *transfer, const char *text)
{
    buf_put_text(&transfer->detail, text);
}

static void put_host(struct transfer *transfer)
{
    const char *host = transfer->hop.host ? transfer->hop.host : "the responder";

    buf_put_printable(&transfer->detail, slice_of(host, strlen(host)), 255);
}

/* "ocsp.example (192.0.2.1:80)", "192.0.2.1:80", "the proxy 192.0.2.9:3128", as far as known. */
static void put_where(struct transfer *transfer)
{
    const struct transfer_hop *hop = &transfer->hop;
    struct sockaddr_storage address;

    if (hop->proxied) {
        put(transfer, hop->peer[0] ? "the proxy " : "the proxy");
        put(transfer, hop->peer);
        return;
    }
    if (!hop->peer[0]) {
        put_host(transfer);
    } else if (address_of_host(hop->host, &address)) {
        put(transfer, hop->peer);
    } else {
        put_host(transfer);
        put(transfer, " (");
        put(transfer, hop->peer);
        put(transfer, ")");
    }
}

static void put_time(struct transfer *transfer, int64_t time_ms)
{
    if (time_ms % 1000) {
        buf_put_int(&transfer->detail, time_ms);
        put(transfer, " ms");
    } else {
        buf_put_duration(&transfer->detail, time_ms / 1000);
    }
}

/* What curl says itself, without @prefix. */
static void put_curl(struct transfer *transfer, const char *prefix, CURLcode code)
{
    const char *text = transfer->hop.error[0] ? transfer->hop.error : curl_easy_strerror(code);
    size_t skip = text_starts_with(text, prefix) ? strlen(prefix) : 0;

    buf_put_printable(&transfer->detail, slice_of_text(text + skip), 200);
}

static enum fetch_outcome conclude_refused_address(struct transfer *transfer)
{
    const struct transfer_hop *hop = &transfer->hop;
    struct sockaddr_storage address;
    bool literal = address_of_host(hop->host, &address), inward = hop->refused == ADDRESS_INWARD;
    bool redirected = transfer->redirects > 0;

    put(transfer, inward ? "redirect from a public address to " : redirected ? "redirect to " : "");
    put_host(transfer);
    put(transfer, redirected || literal ? ", " : " is at ");
    if (!literal) {
        put(transfer, hop->refused_text);
        put(transfer, ", ");
    }
    put(transfer, address_class_words(hop->class));
    put(transfer, redirected ? ", is not followed" : ": not asked");
    if (!inward && hop->class == ADDRESS_LOOPBACK) {
        put(transfer, " (--allow-loopback permits it)");
    }
    /* Who redirects was asked, and did not help: that is to be held against it. */
    return redirected ? FETCH_BAD_REDIRECT : FETCH_FORBIDDEN_ADDRESS;
}

static enum fetch_outcome conclude_no_connection(struct transfer *transfer)
{
    const struct transfer_hop *hop = &transfer->hop;
    long number = 0;

    if (hop->sockets == 0 && hop->refused != ADDRESS_ALLOWED) {
        return conclude_refused_address(transfer);
    }
    if (hop->sockets == 0 && hop->socket_error) {
        put(transfer, "could not open a socket: ");
        put(transfer, uv_strerror(-hop->socket_error));
        return FETCH_BROKEN;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    put_where(transfer);
    if (number == ECONNREFUSED) {
        put(transfer, " refused the connection");
    } else if (number == ENETUNREACH || number == EHOSTUNREACH) {
        put(transfer, " is unreachable from here");
    } else {
        put(transfer, " could not be connected to");
    }
    return hop->proxied ? FETCH_BROKEN : FETCH_REFUSED;
}

static enum fetch_outcome conclude_timeout(struct transfer *transfer)
{
    const struct fetch_settings *settings = transfer->settings;
    int64_t connect_ms = time_min(settings->connect_timeout_ms, settings->timeout_ms);
    curl_off_t sent_us = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    if (transfer->http_status) {
        put(transfer, "answer of ");
        put_host(transfer);
        put(transfer, " not complete within ");
    } else if (sent_us || transfer->redirects) {
        put(transfer, "no answer of ");
        put_where(transfer);
        put(transfer, " within ");
    } else if (text_starts_with(transfer->hop.error, "Resolving")) {
        put(transfer, "could not resolve ");
        transfer->hop.proxied ? put_where(transfer) : put_host(transfer);
        put(transfer, " within ");
        put_time(transfer, connect_ms);
        return transfer->hop.proxied ? FETCH_BROKEN : FETCH_NO_NAME;
    } else {
        bool tls = text_starts_with(transfer->hop.error, "SSL connection");

        put(transfer, tls ? "TLS with " : "no connection to ");
        put_where(transfer);
        put(transfer, tls ? " not begun within " : " within ");
        put_time(transfer, connect_ms);
        return FETCH_TIMEOUT;
    }
    put_time(transfer, settings->timeout_ms);
    return FETCH_TIMEOUT;
}

static enum fetch_outcome conclude_tls(struct transfer *transfer, CURLcode code)
{
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        put(transfer, "TLS: certificate of ");
        put_host(transfer);
        put(transfer, " is not trusted: ");
        put_curl(transfer,
                 text_starts_with(transfer->hop.error, "SSL: ") ? "SSL: "
                                                                : "SSL certificate problem: ",
                 code);
    } else {
        put(transfer, "TLS with ");
        put_host(transfer);
        put(transfer, " failed: ");
        put_curl(transfer, "", code);
    }
    return FETCH_TLS;
}

static enum fetch_outcome conclude_broken(struct transfer *transfer, CURLcode code)
{
    long connect_status = 0;
    const char *before = "", *after = NULL;
    bool weird = false; /* curl says what */

    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (connect_status >= 300) {
        put_where(transfer);
        put(transfer, " answered CONNECT with HTTP status ");
        buf_put_int(&transfer->detail, connect_status);
        return FETCH_BROKEN;
    }
    switch (code) {
    case CURLE_GOT_NOTHING:
        after = " closed the connection without an answer";
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_UNRECOVERABLE_POLL: /* so curl calls a reset that it learns of while it waits */
        after = " broke off the connection";
        break;
    case CURLE_PARTIAL_FILE:
        before = "answer of ";
        after = " ends too early";
        break;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, as curl calls it */
    case CURLE_WEIRD_SERVER_REPLY:
        after = " does not speak HTTP";
        weird = code == CURLE_WEIRD_SERVER_REPLY && transfer->hop.error[0];
        break;
    case CURLE_OUT_OF_MEMORY: /* curl says the same to a header line over 100 KB */
        before = "out of memory, or an endless header line from ";
        after = "";
        break;
    default:
        before = "trouble with ";
        break;
    }
    put(transfer, before);
    put_where(transfer);
    put(transfer, after ? after : "");
    if (!after || weird) {
        put(transfer, ": ");
        put_curl(transfer, "", code);
    }
    return FETCH_BROKEN;
}

static enum fetch_outcome conclude_failure(struct transfer *transfer, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        put(transfer, "could not resolve ");
        put_host(transfer);
        return FETCH_NO_NAME;
    case CURLE_COULDNT_RESOLVE_PROXY:
        put(transfer, "could not resolve the name of the proxy");
        return FETCH_BROKEN;
    case CURLE_COULDNT_CONNECT:
        return conclude_no_connection(transfer);
    case CURLE_OPERATION_TIMEDOUT:
        return conclude_timeout(transfer);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
        return conclude_tls(transfer, code);
    default:
        return conclude_broken(transfer, code);
    }
}

static enum fetch_outcome conclude_cap(struct transfer *transfer)
{
    bool headers = transfer->hop.cap == TRANSFER_CAP_HEADERS;

    put(transfer, headers ? "headers" : "answer");
    put(transfer, " larger than ");
    buf_put_int(&transfer->detail, headers ? TRANSFER_HEADERS_MAX : (int64_t)transfer->body_max);
    put(transfer, " bytes");
    return FETCH_TOO_LARGE;
}

static enum fetch_outcome conclude_status(struct transfer *transfer, CURLcode code)
{
    transfer_read_head(transfer);
    if (code == CURLE_OK && transfer->http_status == 200) {
        return FETCH_ANSWER;
    }
    put(transfer, "HTTP status ");
    buf_put_int(&transfer->detail, transfer->http_status);
    return transfer->http_status == 304 && transfer->tagged ? FETCH_NOT_MODIFIED
                                                            : FETCH_HTTP_STATUS;
}

void transfer_conclude(struct transfer *transfer, CURLcode code)
{
    long status = 0;

    if (transfer->easy) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    status = status >= 200 && status < 600 ? status : 0; /* 1xx: the real one never came */
    transfer->http_status = (int)status;
    if (transfer->hop.cap == TRANSFER_CAP_HEADERS) {
        transfer->outcome = conclude_cap(transfer);
    } else if (status && (status != 200 || code == CURLE_OK)) {
        /* A bad status says more than how its body ended. */
        transfer->outcome = conclude_status(transfer, code);
    } else if (transfer->hop.cap == TRANSFER_CAP_BODY) {
        transfer->outcome = conclude_cap(transfer);
    } else if (buf_status(&transfer->body) == -ENOMEM) {
        transfer_starve(transfer);
    } else if (code == CURLE_OK) {
        put_where(transfer);
        put(transfer, " does not speak HTTP");
        transfer->outcome = FETCH_BROKEN;
    } else {
        transfer->outcome = conclude_failure(transfer, code);
    }
}
