/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "io/proxy.h"

static void hop_deinit(struct transfer_hop *hop)
{
    free(hop->url);
    free(hop->host);
    *hop = (struct transfer_hop){0};
}

struct transfer *transfer_new(const struct fetch_settings *settings,
                              const struct transfer_headers *headers,
                              const struct fetch_order *order)
{
    _cleanup_(transfer_freep)
    struct transfer *transfer = calloc(1, sizeof(*transfer));

    if (!transfer) {
        return NULL;
    }
    transfer->settings = settings;
    transfer->headers = headers;
    transfer->id = order->id;
    transfer->issuer = order->issuer;
    transfer->body_max = order->issuer ? LIMIT_ISSUER_SIZE : LIMIT_ANSWER_SIZE;
    transfer->from = ADDRESS_STRANGE;
    transfer->body = BUF_INIT(transfer->body_max);
    transfer->detail = BUF_INIT(TRANSFER_SENTENCE_MAX);
    transfer->sent = BUF_INIT(order->body.size);
    transfer->hints = (struct http_hints){.fresh_s = -1, .date_s = INSTANT_NEVER};
    buf_put_slice(&transfer->sent, order->body);
    if (buf_status(&transfer->sent) || transfer_write_head(transfer, order)) {
        return NULL;
    }
    return steal(&transfer);
}

struct transfer *transfer_free(struct transfer *transfer)
{
    if (transfer) {
        curl_easy_cleanup(transfer->easy); /* before what it borrows */
        curl_slist_free_all(transfer->own_headers);
        hop_deinit(&transfer->hop);
        buf_deinit(&transfer->sent);
        buf_deinit(&transfer->body);
        buf_deinit(&transfer->detail);
        free(transfer);
    }
    return NULL;
}

void transfer_starve(struct transfer *transfer)
{
    transfer->outcome = FETCH_BROKEN;
    buf_clear(&transfer->detail);
    buf_put_text(&transfer->detail, "out of memory");
}

static size_t on_header(char *data, size_t one, size_t count, void *context)
{
    struct transfer_hop *hop = context;

    (void)data;
    hop->header_size += one * count;
    if (hop->header_size > TRANSFER_HEADERS_MAX) {
        hop->cap = TRANSFER_CAP_HEADERS;
        return 0;
    }
    return one * count;
}

static size_t on_body(char *data, size_t one, size_t count, void *context)
{
    struct transfer *transfer = context;
    curl_off_t length = -1;

    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length <= (curl_off_t)transfer->body_max) {
        buf_put(&transfer->body, data, one * count);
    }
    if (length > (curl_off_t)transfer->body_max || buf_status(&transfer->body) == BUF_E_FULL) {
        transfer->hop.cap = TRANSFER_CAP_BODY;
        return 0;
    }
    return buf_status(&transfer->body) ? 0 : one * count;
}

static void hop_refuse(struct transfer_hop *hop, enum address_verdict verdict,
                       const struct sockaddr *address, size_t size)
{
    struct buf text = BUF_INIT(sizeof(hop->refused_text) - 1);

    if (hop->refused == ADDRESS_ALLOWED) {
        address_put(&text, address, size, false);
        memcpy(hop->refused_text, buf_text(&text), text.size + 1);
        hop->refused = verdict;
        hop->class = address_classify(address, size);
        buf_deinit(&text);
    }
}

/* Judged when the connection is made, not when the name is looked up: a name may change. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    struct transfer_hop *hop = &transfer->hop;
    struct buf peer = BUF_INIT(sizeof(hop->peer) - 1);
    enum address_class class = address_classify(&address->addr, address->addrlen);
    enum address_verdict verdict = ADDRESS_ALLOWED;
    int fd;

    (void)purpose;
    if (!hop->proxied) { /* the operator chose the proxy: it may be anywhere */
        verdict = address_judge(class, transfer->from, transfer->settings->allow_loopback);
    }
    if (verdict != ADDRESS_ALLOWED) {
        hop_refuse(hop, verdict, &address->addr, address->addrlen);
        return CURL_SOCKET_BAD;
    }
    address_put(&peer, &address->addr, address->addrlen, true);
    memcpy(hop->peer, buf_text(&peer), peer.size + 1);
    buf_deinit(&peer);
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        hop->socket_error = errno;
        return CURL_SOCKET_BAD;
    }
    hop->sockets++;
    return fd;
}

static int easy_set_rules(struct transfer *transfer, const char *proxy)
{
    CURL *easy = transfer->easy;
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* we do it, hop by hop */
    bad |= (int)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    /* proxy_choose() has decided; "" keeps curl from looking at the environment again. */
    bad |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    /* A connection kept from an earlier request would not pass on_open_socket() again, and for
     * that request another rule may have held. */
    bad |= (int)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, transfer->redirects ? 1L : 0L);
    return bad ? -ENOMEM : 0;
}

static int easy_set_sinks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->hop.error);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer->hop);
    return bad ? -ENOMEM : 0;
}

static int easy_set_request(struct transfer *transfer)
{
    const struct fetch_settings *settings = transfer->settings;
    bool post = transfer->sent.size > 0;
    struct curl_slist *headers = post ? transfer->headers->post : transfer->headers->get;
    CURL *easy = transfer->easy;
    int64_t left_ms = time_max(1, settings->timeout_ms - transfer->spent_ms); /* 0: for ever */
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_URL, transfer->hop.url);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |=
        (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent);
    if (post) {
        bad |= (int)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->sent.data);
        bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)transfer->sent.size);
    }
    if (!transfer->issuer) {
        headers = transfer->own_headers ? transfer->own_headers : headers;
        bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Without it, giving up on a name that is still being looked up waits for the resolver's
     * thread, and the whole loop with it. The thread cleans up after itself. */
    bad |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return bad ? -ENOMEM : 0;
}

/* What keeps @url from being asked, or NULL, then with its scheme and host (curl_free()). */
static const char *url_find_fault(const char *url, char **ret_scheme, char **ret_host)
{
    CURLU *parts;
    char *secret = NULL;
    const char *fault = NULL;

    if (strnlen(url, LIMIT_URL_SIZE + 1) > LIMIT_URL_SIZE) {
        return "it is longer than 2048 bytes";
    }
    for (const char *at = url; *at; at++) {
        if (*at <= ' ' || *at > '~') {
            return "it is malformed";
        }
    }
    parts = curl_url();
    if (!parts || curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(parts, CURLUPART_SCHEME, ret_scheme, 0)) {
        fault = "it is malformed";
    } else if (strcasecmp(*ret_scheme, "http") != 0 && strcasecmp(*ret_scheme, "https") != 0) {
        fault = "only http and https are asked";
    } else if (!curl_url_get(parts, CURLUPART_USER, &secret, 0) ||
               !curl_url_get(parts, CURLUPART_PASSWORD, &secret, 0)) {
        fault = "it holds a user name or password";
    } else if (curl_url_get(parts, CURLUPART_HOST, ret_host, 0) || !**ret_host) {
        fault = "it is malformed";
    }
    curl_free(secret);
    curl_url_cleanup(parts);
    return fault;
}

static void transfer_refuse_url(struct transfer *transfer, const char *url, const char *fault)
{
    struct slice text = slice_of(url, strnlen(url, LIMIT_URL_SIZE));
    const char *query = memchr(url, '@', text.size);
    bool redirected = transfer->redirects > 0;

    transfer->outcome = redirected ? FETCH_BAD_REDIRECT : FETCH_BROKEN;
    buf_put_text(&transfer->detail, redirected ? "redirect to " : "");
    if (query) {
        buf_put_text(&transfer->detail, "a URL"); /* somebody's password may be in it */
    } else {
        buf_put_printable(&transfer->detail, text, 200);
    }
    buf_put_text(&transfer->detail, redirected ? " is not followed: " : " is not asked: ");
    buf_put_text(&transfer->detail, fault);
}

/* 0, TRANSFER_E_ENDED or -ENOMEM. */
static int transfer_aim(struct transfer *transfer, const char *url, const char **ret_proxy)
{
    struct transfer_hop *hop = &transfer->hop;
    struct sockaddr_storage address;
    enum address_verdict verdict = ADDRESS_ALLOWED;
    char *scheme = NULL, *host = NULL;
    const char *fault = url_find_fault(url, &scheme, &host);

    if (!fault) {
        hop->url = strdup(url);
        hop->host = strdup(host);
        *ret_proxy = proxy_choose(transfer->settings->proxy, scheme, host, getenv);
        hop->proxied = **ret_proxy != 0;
    } else {
        transfer_refuse_url(transfer, url, fault);
    }
    curl_free(scheme);
    curl_free(host);
    if (fault || !hop->url || !hop->host) {
        return fault ? TRANSFER_E_ENDED : -ENOMEM;
    }
    if (address_of_host(hop->host, &address)) {
        verdict = address_judge(address_classify((struct sockaddr *)&address, sizeof(address)),
                                transfer->from, transfer->settings->allow_loopback);
    }
    if (verdict != ADDRESS_ALLOWED) {
        hop_refuse(hop, verdict, (struct sockaddr *)&address, sizeof(address));
        transfer_conclude(transfer, CURLE_COULDNT_CONNECT);
        return TRANSFER_E_ENDED;
    }
    return 0;
}

int transfer_begin(struct transfer *transfer, const char *url)
{
    const char *proxy = "";
    int r = transfer_aim(transfer, url, &proxy);

    if (r == TRANSFER_E_ENDED) {
        return r;
    }
    if (!r) {
        transfer->easy = curl_easy_init();
        r = transfer->easy ? 0 : -ENOMEM;
    }
    r = r ? r : easy_set_rules(transfer, proxy);
    r = r ? r : easy_set_sinks(transfer);
    r = r ? r : easy_set_request(transfer);
    if (r) {
        transfer_starve(transfer);
        return TRANSFER_E_ENDED;
    }
    return 0;
}

/* Where the answer came from. Behind a proxy nobody can say: a name is taken for public, so that
 * the rule against redirects inward errs on the safe side. */
static enum address_class transfer_peer_class(const struct transfer *transfer)
{
    struct sockaddr_storage address;
    char *peer = NULL;

    if (transfer->hop.proxied) {
        peer = transfer->hop.host;
    } else {
        curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &peer);
    }
    if (!peer || !address_of_host(peer, &address)) {
        return ADDRESS_PUBLIC;
    }
    return address_classify((struct sockaddr *)&address, sizeof(address));
}

/* The same request again at @url. Also for 301, 302 and 303, where browsers turn a POST into a
 * GET: a responder can answer nothing but the very request. */
static int transfer_redirect(struct transfer *transfer, const char *url)
{
    _cleanup_(freep)
    char *target = strdup(url); /* @url dies with the handle */
    curl_off_t spent_us = 0;

    if (!target) {
        transfer_starve(transfer);
        return TRANSFER_E_ENDED;
    }
    if (transfer->redirects++ == LIMIT_REDIRECTS) {
        transfer_refuse_url(transfer, target, "there were 3 before it");
        return TRANSFER_E_ENDED;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &spent_us);
    transfer->spent_ms += spent_us / 1000;
    transfer->from = transfer_peer_class(transfer);
    curl_easy_cleanup(steal(&transfer->easy));
    hop_deinit(&transfer->hop);
    buf_clear(&transfer->body);
    return transfer_begin(transfer, target);
}

int transfer_continue(struct transfer *transfer, CURLcode code)
{
    long status = 0;
    char *target = NULL;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK &&
        (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)) {
        curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
    }
    if (target) {
        transfer->http_status = (int)status;
        return transfer_redirect(transfer, target);
    }
    transfer_conclude(transfer, code);
    return TRANSFER_E_ENDED;
}
