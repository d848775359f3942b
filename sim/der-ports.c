/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pki/request.h"
#include "sim/der-private.h"
#include "sim/must.h"

#define ANSWER_WAIT_MS 200 /* of whatever does not come from the world, at most */
#define ETAG_SIZE      32
#define UNDERSTOOD_NOT 400 /* HTTP status */

static struct world *world_of(const struct der *der)
{
    return der->subject.world;
}

/* ---- Asking ---- */

static void put_etag(struct buf *etag, uint32_t answer)
{
    buf_put_text(etag, "\"answer-");
    buf_put_int(etag, answer);
    buf_put_byte(etag, '"');
}

/* Which answer had this entity-tag; false: none that was ever given out. */
static bool read_etag(const struct der *der, const char *text, uint32_t *ret_answer)
{
    struct buf etag = BUF_INIT(ETAG_SIZE);
    uint32_t number = 0;
    bool same;

    for (const char *at = text; *at; at++) {
        if (*at >= '0' && *at <= '9') {
            number = number * 10 + (uint32_t)(*at - '0');
        }
    }
    put_etag(&etag, number);
    same = number && number < world_of(der)->answers.count && text_equal(buf_text(&etag), text);
    buf_deinit(&etag);
    *ret_answer = number;
    return same;
}

/* Is it a request for @cert, to a responder of it? */
static bool is_for(const struct der *der, const struct dermint_asked *asked, uint32_t responder,
                   uint32_t cert, struct ask *ask)
{
    const struct sim_cert *of = &world_of(der)->certs[cert];

    for (unsigned url = 0; url < of->facts.url_count; url++) {
        if (of->responders[url] == responder && derbytes_asks_for(der->bytes, asked, cert)) {
            ask->cert = cert;
            ask->url = url;
            return true;
        }
    }
    return false;
}

/* Whom the request is for; also a leaf that has just gone: the host waits for its file. */
static bool find_cert(const struct der *der, const struct dermint_asked *asked, uint32_t responder,
                      const struct fetch_order *order, struct ask *ask)
{
    uint32_t cert = derbytes_find_cert(der->bytes, order->cert->leaf_sha256);

    return cert != UINT32_MAX && is_for(der, asked, responder, cert, ask);
}

static bool read_order_to(const char *base, const struct fetch_order *order, struct buf *request,
                          struct dermint_asked *ret_asked)
{
    if (order->body.size > 0) {
        return text_equal(order->url, base) && dermint_read_request(order->body, ret_asked);
    }
    buf_clear(request);
    return dermint_read_get(order->url, base, request) &&
           dermint_read_request(slice_of_buf(request), ret_asked);
}

/* What a responder makes of the order: false when it would say HTTP 400, or is none. */
static bool read_order(const struct der *der, const struct fetch_order *order, struct ask *ask)
{
    const struct world *world = world_of(der);
    struct buf request = BUF_INIT(LIMIT_URL_SIZE);
    struct dermint_asked asked;
    bool ok = false;

    ask->post = order->body.size > 0;
    for (uint32_t i = 0; i < world->responder_count && !ok; i++) {
        ok = read_order_to(world->responders[i].url, order, &request, &asked) ||
             read_order_to(world->responders[i].alias, order, &request, &asked);
        ok = ok && find_cert(der, &asked, i, order, ask);
    }
    buf_deinit(&request);
    return ok && (!order->etag || (!ask->post && read_etag(der, order->etag, &ask->etag)));
}

/* An answer of our own; @authority for caIssuers. */
static void answer_later(struct der *der, const struct fetch_order *order, uint32_t authority)
{
    struct der_answer *answer;

    der->answers =
        sim_grow(der->answers, der->answer_count, der->answer_count + 1, sizeof(*der->answers));
    answer = &der->answers[der->answer_count++];
    *answer = (struct der_answer){
        .id = order->id,
        .due_ms = time_add(world_now(world_of(der)).mono_ms,
                           1 + (int64_t)rng_below(&der->rng, ANSWER_WAIT_MS)),
        .issuer = order->issuer,
        .authority = authority,
    };
}

static void ask_issuer(struct der *der, const struct fetch_order *order)
{
    uint32_t count = world_of(der)->authority_count;

    for (uint32_t i = 0; i < count; i++) {
        const char *url = derbytes_issuer_url(der->bytes, i);

        if (url && text_equal(url, order->url)) {
            world_mark(world_of(der), "asks for issuer", UINT32_MAX, i, 0);
            answer_later(der, order, i);
            return;
        }
    }
    must(!"a caIssuers URL of nobody");
}

static void port_fetch(void *shell, const struct fetch_order *order)
{
    struct der *der = shell;
    struct ask ask = {.attempt = order->id, .no_cache = order->no_cache};

    if (der->dead) {
        return;
    }
    if (order->issuer) {
        ask_issuer(der, order);
    } else if (read_order(der, order, &ask)) {
        der->asks = sim_grow(der->asks, der->ask_count, der->ask_count + 1, sizeof(*der->asks));
        der->asks[der->ask_count++] = (struct der_ask){order->id, ask.cert};
        world_ask(world_of(der), &ask);
    } else {
        world_mark(world_of(der), "asks what nobody answers", UINT32_MAX, ask.post, 0);
        answer_later(der, order, 0);
    }
}

/* Takes the request out of those under way; UINT32_MAX: it was cancelled. */
static uint32_t ask_take(struct der *der, uint64_t id)
{
    uint32_t cert = UINT32_MAX;

    for (size_t i = 0; i < der->ask_count; i++) {
        if (der->asks[i].id == id) {
            cert = der->asks[i].cert;
            der->asks[i] = der->asks[--der->ask_count];
            break;
        }
    }
    return cert;
}

static void port_cancel(void *shell, uint64_t id)
{
    struct der *der = shell;
    uint32_t cert = der->dead ? UINT32_MAX : ask_take(der, id);

    if (cert != UINT32_MAX) {
        world_cancel(world_of(der), cert, id);
    }
}

/* What the world says goes to the host as it is, also when it comes late: the host is to notice. */
void der_reply(struct der *der, const struct reply *reply)
{
    struct buf body = BUF_INIT(LIMIT_ANSWER_SIZE), etag = BUF_INIT(ETAG_SIZE);
    struct fetch_result result = {
        .id = reply->attempt,
        .outcome = reply->outcome,
        .http_status = reply->http_status,
        .detail = reply->outcome == FETCH_ANSWER ? NULL : "simulated",
        .hints = reply->hints,
    };

    ask_take(der, reply->attempt);
    if (reply->answer != ANSWER_NONE) {
        derbytes_put_answer(der->bytes, reply->answer, &body);
        result.body = slice_of_buf(&body);
    }
    if (reply->has_etag && reply->answer != ANSWER_NONE) {
        put_etag(&etag, reply->answer);
        result.etag = buf_text(&etag);
    }
    must(host_fetch_done(der->host, world_now(world_of(der)), &result) == 0);
    buf_deinit(&body);
    buf_deinit(&etag);
}

int64_t der_answers_deadline_ms(const struct der *der)
{
    int64_t due_ms = INSTANT_NEVER;

    for (size_t i = 0; i < der->answer_count; i++) {
        due_ms = time_min(due_ms, der->answers[i].due_ms);
    }
    return due_ms;
}

static void give_answer(struct der *der, const struct der_answer *answer)
{
    struct buf body = BUF_INIT(LIMIT_ISSUER_SIZE);
    struct fetch_result result = {
        .id = answer->id,
        .outcome = answer->issuer ? FETCH_ANSWER : FETCH_HTTP_STATUS,
        .http_status = answer->issuer ? 200 : UNDERSTOOD_NOT,
        .detail = "not understood",
        .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER},
    };

    if (answer->issuer) {
        derbytes_put_issuer(der->bytes, answer->authority, &body);
        result.body = slice_of_buf(&body);
    }
    must(host_fetch_done(der->host, world_now(world_of(der)), &result) == 0);
    buf_deinit(&body);
}

void der_answer(struct der *der)
{
    int64_t mono_ms = world_now(world_of(der)).mono_ms;

    for (size_t i = 0; i < der->answer_count && !der->dead;) {
        struct der_answer answer = der->answers[i];

        if (answer.due_ms > mono_ms) {
            i++;
            continue;
        }
        der->answers[i] = der->answers[--der->answer_count];
        give_answer(der, &answer);
    }
}

/* ---- The store, the publisher, notes ---- */

static int port_store_read(void *shell, const uint8_t leaf_sha256[SHA256_SIZE],
                           struct store_record *ret_record)
{
    return simdisk_store_read(((struct der *)shell)->disk, leaf_sha256, ret_record);
}

static int port_store_read_issuer(void *shell, const char *url, struct buf *ret_der)
{
    return simdisk_store_read_issuer(((struct der *)shell)->disk, url, ret_der);
}

/* Only what the host commits of answers is a commit to the world: it takes one for all that was
 * told it before. */
static int port_store_commit(void *shell, const struct store_change *changes, size_t count)
{
    struct der *der = shell;
    int r;

    der->kind = changes[0].type == STORE_PUT_ISSUER ? WRITE_PUBLISH : WRITE_COMMIT;
    r = simdisk_store_commit(der->disk, changes, count);
    der->kind = WRITE_PUBLISH;
    return r;
}

static void see_start(struct der *der, struct place place, struct slice staple)
{
    for (uint32_t i = 0; i < world_of(der)->cert_count; i++) {
        if (derserver_has(der->server, i) &&
            text_equal(derserver_path(der->server, i), place.path)) {
            der->started[i] = derbytes_find_answer(der->bytes, staple);
        }
    }
}

static void port_publish(void *shell, struct place place, const struct staple *staple)
{
    struct der *der = shell;

    if (!der->dead) {
        world_mark(world_of(der), staple->urgent ? "publish, urgent" : "publish", UINT32_MAX,
                   staple->next_update_s, (int64_t)staple->der.size);
        if (der->started) {
            see_start(der, place, staple->der);
        }
        publisher_publish(der->publisher, place, staple);
    }
}

static void port_withdraw(void *shell, struct place place, const struct cert_facts *cert,
                          bool quiet)
{
    struct der *der = shell;

    if (!der->dead) {
        world_mark(world_of(der), "withdraw", UINT32_MAX, quiet, cert != NULL);
        publisher_withdraw(der->publisher, place, cert, quiet);
    }
}

static int port_recall(void *shell, struct place place, const struct cert_facts *cert,
                       struct buf *ret_der)
{
    return publisher_recall(((struct der *)shell)->publisher, place, cert, ret_der);
}

static void port_note(void *shell, const struct note *note)
{
    struct der *der = shell;
    uint32_t cert =
        note->cert ? derbytes_find_cert(der->bytes, note->cert->leaf_sha256) : UINT32_MAX;

    if (!der->dead) {
        world_mark_note(world_of(der), cert, note);
    }
}

struct ports der_ports(struct der *der)
{
    return (struct ports){
        .shell = der,
        .fetch = port_fetch,
        .cancel = port_cancel,
        .store_read = port_store_read,
        .store_read_issuer = port_store_read_issuer,
        .store_commit = port_store_commit,
        .publish = port_publish,
        .withdraw = port_withdraw,
        .recall = port_recall,
        .note = port_note,
    };
}
