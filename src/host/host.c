/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "host/host-private.h"
#include "pki/request.h"

int list_add(struct list *list, uint32_t item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        uint32_t *items = realloc(list->items, capacity * sizeof(*items));

        if (!items) {
            return -ENOMEM;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return 0;
}

void list_deinit(struct list *list)
{
    free(list->items);
    *list = (struct list){0};
}

uint64_t host_leaf_hash(const uint8_t sha256[SHA256_SIZE])
{
    uint64_t hash;

    memcpy(&hash, sha256, sizeof(hash));
    return hash;
}

const char *host_path_of(const struct host *host, const struct host_cert *cert)
{
    return cert->place_count ? host->files[cert->places[0].file].path : "";
}

void host_say(struct host *host, struct instant now, enum note_level level, struct buf *sentence)
{
    struct note note = {
        .kind = NOTE_PLAIN, .level = level, .detail = buf_text(sentence), .wall_s = now.wall_s};

    host->ports.note(host->ports.shell, &note);
}

int host_new(struct host **ret_host, const struct ports *ports, const struct policy *policy,
             uint64_t machine_salt)
{
    _cleanup_(host_freep)
    struct host *host = calloc(1, sizeof(*host));
    int r;

    if (!host) {
        return -ENOMEM;
    }
    host->ports = *ports;
    host->policy = *policy;
    host->machine_salt = machine_salt;
    host->store_retry_ms = INSTANT_NEVER;
    host->issuer_retry_s = INSTANT_NEVER;
    r = engine_new(&host->engine, policy, machine_salt);
    if (r) {
        return error_trace(r);
    }
    r = crypto_new(&host->crypto);
    if (r) {
        return error_trace(r);
    }
    r = signer_new(&host->signer, host->crypto);
    if (r) {
        return error_trace(r);
    }
    *ret_host = steal(&host);
    return 0;
}

struct host *host_free(struct host *host)
{
    if (!host) {
        return NULL;
    }
    for (uint32_t i = 0; i < host->cert_count; i++) {
        host_free_cert(host, i);
    }
    for (uint32_t i = 0; i < host->file_count; i++) {
        free(host->files[i].path);
        free(host->files[i].certs);
        free(host->files[i].shown);
    }
    free(host->certs);
    free(host->files);
    map_deinit(&host->cert_by_leaf);
    map_deinit(&host->file_by_path);
    list_deinit(&host->free_certs);
    list_deinit(&host->free_files);
    list_deinit(&host->fresh);
    list_deinit(&host->lingering);
    list_deinit(&host->reread);
    list_deinit(&host->dirty);
    effects_deinit(&host->effects);
    engine_free(host->engine);
    signer_free(host->signer);
    host_deinit_issuers(host);
    crypto_free(host->crypto);
    free(host);
    return NULL;
}

/* The entity-tag to ask with: whether what is held has changed. Only at the URL it is from, and
 * only while what is held is good: an answer of no use may well be unchanged. */
static const char *host_find_etag(const struct host *host, struct instant now,
                                  const struct effect *effect)
{
    const struct host_cert *cert = &host->certs[effect->cert];
    struct engine_view view;

    if (effect->no_cache || !cert->held.tagged || cert->held.url != effect->url) {
        return NULL;
    }
    engine_look(host->engine, effect->cert, now, &view);
    return view.held.present && now.wall_s < view.held.serve.until_s
               ? (const char *)cert->held.der.data + cert->held.der.size + 1
               : NULL;
}

/* Sends what the engine wants asked. */
static void host_fetch(struct host *host, struct instant now, const struct effect *effect)
{
    struct host_cert *cert = &host->certs[effect->cert];
    _cleanup_(buf_deinit)
    struct buf request = BUF_INIT(LIMIT_ANSWER_SIZE);
    _cleanup_(buf_deinit)
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + LIMIT_GET_URL_SIZE);
    struct fetch_order order = {.id = order_id(effect->attempt, effect->cert),
                                .cert = cert->facts,
                                .no_cache = effect->no_cache};

    request_encode(&request, cert->facts);
    /* RFC 5019 5: "OCSP requests larger than 255 bytes SHOULD be submitted using the POST method."
     * The whole URL counts, as in RFC 9919. */
    if (!effect->post &&
        request_get_url(&url, cert->facts->urls[effect->url], slice_of_buf(&request))) {
        order.url = buf_text(&url);
        order.etag = host_find_etag(host, now, effect);
    } else {
        order.url = cert->facts->urls[effect->url];
        order.body = slice_of_buf(&request);
    }
    cert->url = (uint8_t)effect->url;
    cert->posted = order.body.size > 0;
    cert->attempt = (uint32_t)effect->attempt;
    host->in_flight++;
    host->ports.fetch(host->ports.shell, &order);
}

static bool note_is_trouble(const struct note *note)
{
    bool failed = note->kind == NOTE_FETCH_FAILED || note->kind == NOTE_REFUSED;

    return note->level >= NOTE_WARNING || note->kind == NOTE_BLOCKED ||
           (failed && !note->next_is_now);
}

static int host_note(struct host *host, const struct effect *effect)
{
    struct host_cert *cert;
    _cleanup_(buf_deinit)
    struct buf sentence = BUF_INIT(4096);
    struct note note = effect->note;

    if (effect->cert == ENGINE_NO_CERT) {
        host->ports.note(host->ports.shell, &note);
        return 0;
    }
    cert = &host->certs[effect->cert];
    note.path = host_path_of(host, cert);
    host->ports.note(host->ports.shell, &note);
    if (cert->tombstone.present && cert->last &&
        (note.kind == NOTE_FETCH_FAILED || note.kind == NOTE_REFUSED ||
         note.kind == NOTE_BLOCKED)) {
        return host_soil(host, effect->cert, DIRT_ROW); /* that it is revoked is what matters */
    }
    if (note_is_trouble(&note)) {
        note.timeless = true; /* the row says the rest, as it is when somebody looks */
        note_format_news(&sentence, &note);
        free(cert->last);
        cert->last = text_copy(slice_of_buf(&sentence));
    } else if (note.kind == NOTE_ACCEPTED || note.kind == NOTE_UNCHANGED) {
        free(cert->last);
        cert->last = NULL;
    }
    return host_soil(host, effect->cert, DIRT_ROW);
}

static int host_perform(struct host *host, struct instant now, const struct effect *effect,
                        const struct fetch_result *result)
{
    switch (effect->type) {
    case EFFECT_FETCH:
        host_fetch(host, now, effect);
        return 0;
    case EFFECT_CANCEL:
        host->in_flight--;
        host->certs[effect->cert].attempt = 0;
        host->ports.cancel(host->ports.shell, order_id(effect->attempt, effect->cert));
        return 0;
    case EFFECT_KEEP:
        return host_keep(host, effect, result);
    case EFFECT_DROP:
        return host_drop(host, effect);
    case EFFECT_PROMOTE:
        return host_promote(host, effect->cert);
    case EFFECT_READ:
        return list_add(&host->reread, effect->cert);
    case EFFECT_TOMBSTONE:
        host->certs[effect->cert].tombstone = effect->tombstone;
        return host_soil(host, effect->cert, DIRT_TOMBSTONE);
    case EFFECT_PUBLISH:
        host_wish(host, effect->cert, effect->urgent ? WISH_PUBLISH_URGENT : WISH_PUBLISH);
        return host_soil(host, effect->cert, DIRT_ROW);
    case EFFECT_WITHDRAW:
        host_wish(host, effect->cert, WISH_WITHDRAW);
        return host_soil(host, effect->cert, DIRT_ROW);
    case EFFECT_SETTLED:
        host_place_settled(host, effect->cert);
        return host_soil(host, effect->cert, DIRT_ROW);
    case EFFECT_NOTE:
        return host_note(host, effect);
    }
    return 0;
}

int host_step(struct host *host, struct event *event, const struct fetch_result *result)
{
    int r, first;

    first = engine_step(host->engine, event, &host->effects);
    for (size_t i = 0; i < host->effects.count; i++) {
        r = host_perform(host, event->now, &host->effects.list[i], result);
        first = first ? first : r;
    }
    r = host_reread(host, event->now);
    return first ? first : r;
}

/* The certificate's issuer is known, or known to be missing: the engine takes over. */
int host_enter(struct host *host, struct instant now, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];
    struct event event = {.type = EVENT_CERT_FOUND, .now = now, .cert = number};
    int r;

    event.facts = cert->facts;
    event.salt = rng_mix(host->machine_salt ^ host_leaf_hash(cert->facts->leaf_sha256));
    r = host_step(host, &event, NULL);
    if (r) {
        return error_trace(r);
    }
    cert->in_engine = true;
    if (cert->issuer) {
        free((void *)cert->leaf.data);
        cert->leaf = SLICE_NULL;
        r = host_read_store(host, now, number, true);
    }
    host_place_settled(host, number);
    return r ? error_trace(r) : host_soil(host, number, DIRT_ROW);
}

int host_settle(struct host *host, struct instant now)
{
    int r, first = 0;

    for (size_t i = 0; i < host->fresh.count; i++) {
        uint32_t number = host->fresh.items[i];

        if (host->certs[number].place_count && !host->certs[number].in_engine) {
            r = host_resolve(host, now, number);
            first = first ? first : r;
        }
    }
    host->fresh.count = 0;
    r = host_use_pool(host, now);
    return first ? first : r;
}

int host_fetch_done(struct host *host, struct instant now, const struct fetch_result *result)
{
    uint32_t number = (uint32_t)result->id;
    struct event event = {.type = EVENT_FETCH_DONE, .now = now, .cert = number};
    struct ocsp_facts facts;
    struct host_cert *cert;
    bool late;
    int r;

    if (result->id & ORDER_ISSUER) {
        return host_issuer_done(host, now, result);
    }
    if (number >= host->cert_count || !host->certs[number].in_engine) {
        return 0;
    }
    cert = &host->certs[number];
    late = cert->attempt != (uint32_t)(result->id >> 32); /* the engine passes over it, too */
    event.attempt = result->id >> 32;
    event.fetched = (struct event_fetched){
        .outcome = result->outcome,
        .http_status = result->http_status,
        .detail = result->detail,
        .posted = cert->posted,
        .hints = result->hints,
    };
    if (host_read_answer(host, cert, result, &facts)) {
        event.fetched.facts = &facts;
    }
    if (!late) {
        host->in_flight--;
        cert->attempt = 0;
    }
    r = host_step(host, &event, result);
    if (!late && !cert->attempt && result->outcome == FETCH_ANSWER) {
        host_tag(cert, result);
    }
    return r;
}

int host_tick(struct host *host, struct instant now)
{
    struct event event = {.type = EVENT_TICK, .now = now};
    int r, first;

    first = host_tick_files(host, now);
    r = host_retry_issuers(host, now);
    first = first ? first : r;
    r = host_step(host, &event, NULL);
    return first ? first : r;
}

bool host_is_asking(const struct host *host)
{
    return host->in_flight > 0;
}

int host_store_lost(struct host *host)
{
    int r, first = 0;

    for (uint32_t i = 0; i < host->cert_count; i++) {
        const struct host_cert *cert = &host->certs[i];

        if (cert->facts && !cert->departed) {
            r = host_soil(host, i,
                          (cert->held.der.size ? DIRT_HELD : 0) |
                              (cert->pending.der.size ? DIRT_PENDING : 0) |
                              (cert->tombstone.present ? DIRT_TOMBSTONE : 0) | DIRT_ROW);
            first = first ? first : r;
        }
    }
    return first;
}

int host_show_all(struct host *host)
{
    int r, first = 0;

    for (uint32_t i = 0; i < host->cert_count; i++) {
        if (host->certs[i].shown) {
            host_wish(host, i, WISH_PUBLISH_URGENT);
            r = host_soil(host, i, 0);
            first = first ? first : r;
        }
    }
    return first;
}

int64_t host_deadline_ms(const struct host *host)
{
    int64_t due = time_min(engine_deadline_ms(host->engine), host_flush_deadline_ms(host));

    for (size_t i = 0; i < host->lingering.count; i++) {
        due = time_min(due, host->files[host->lingering.items[i]].gone_ms);
    }
    return due;
}

/* True when @cert lies at @path or in the folder @path. */
static bool cert_is_at(const struct host *host, const struct host_cert *cert, const char *path)
{
    size_t size;

    if (!path) {
        return true;
    }
    size = text_length(path);
    for (uint32_t i = 0; i < cert->place_count; i++) {
        const char *place = host->files[cert->places[i].file].path;

        if (text_starts_with(place, path) &&
            (place[size] == 0 || place[size] == '/' || (size && path[size - 1] == '/'))) {
            return true;
        }
    }
    return false;
}

int host_ask(struct host *host, struct instant now, const char *path)
{
    int r, first = 0;

    for (uint32_t i = 0; i < host->cert_count; i++) {
        struct event event = {.type = EVENT_ASK, .now = now, .cert = i};

        if (host->certs[i].in_engine && cert_is_at(host, &host->certs[i], path)) {
            r = host_step(host, &event, NULL);
            first = first ? first : r;
        }
    }
    return first;
}

static void count_cert(const struct host *host, struct instant now, uint32_t number,
                       struct host_progress *progress)
{
    const struct host_cert *cert = &host->certs[number];
    struct engine_view view = {.state = CERT_STATE_NO_ISSUER};
    bool held;

    progress->certs++;
    if (cert->in_engine) {
        engine_look(host->engine, number, now, &view);
    }
    held = view.state == CERT_STATE_HELD || view.state == CERT_STATE_FAILING;
    progress->settled += view.settled;
    progress->held += held;
    if (view.state == CERT_STATE_MISSING || view.state == CERT_STATE_NO_ISSUER ||
        view.state == CERT_STATE_REVOKED || held) {
        progress->could++;
        progress->must_staple_bare += cert->facts->must_staple && !held;
    }
    if (view.state == CERT_STATE_NO_URL) {
        progress->must_staple_bare += cert->facts->must_staple;
    }
}

void host_look(const struct host *host, struct instant now, const char *path,
               struct host_progress *ret_progress)
{
    *ret_progress = (struct host_progress){0};
    for (uint32_t i = 0; i < host->cert_count; i++) {
        if (host->certs[i].facts && !host->certs[i].departed &&
            cert_is_at(host, &host->certs[i], path)) {
            count_cert(host, now, i, ret_progress);
        }
    }
}

void host_rows(const struct host *host, struct instant now, const char *path,
               void (*each)(void *context, const struct cert_row *row), void *context)
{
    for (uint32_t i = 0; i < host->cert_count; i++) {
        struct cert_row row;

        if (host->certs[i].facts && !host->certs[i].departed &&
            cert_is_at(host, &host->certs[i], path)) {
            host_fill_row(host, now, i, &row);
            each(context, &row);
        }
    }
}

uint32_t host_responders(const struct host *host)
{
    return engine_responders(host->engine);
}

void host_look_responder(const struct host *host, uint32_t responder, struct instant now,
                         struct responder_view *ret_view)
{
    engine_look_responder(host->engine, responder, now, ret_view);
}

void host_look_clock(const struct host *host, struct instant now, struct clock_view *ret_view)
{
    engine_look_clock(host->engine, now, ret_view);
}
