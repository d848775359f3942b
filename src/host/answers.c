/* SPDX-License-Identifier: Apache-2.0 */

/* Answers on the shelf: from a responder, out of the store, or what is still published. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "host/host-private.h"
#include "pki/repair.h"
#include "pki/response.h"

void host_answer_deinit(struct host_answer *answer)
{
    free((void *)answer->der.data);
    *answer = (struct host_answer){0};
}

/* The same octets again keep their entity-tag. */
static int answer_set(struct host_answer *answer, struct slice der, uint32_t delegate)
{
    char *copy;

    assert(der.size > 0);
    if (!slice_equal(answer->der, der)) {
        copy = text_copy(der);
        if (!copy) {
            return -ENOMEM;
        }
        host_answer_deinit(answer);
        answer->der = slice_of(copy, der.size);
    }
    answer->delegate = delegate;
    return 0;
}

/* Without memory there is none: it only saves octets on the way. */
static void answer_tag(struct host_answer *answer, uint8_t url, const char *etag)
{
    size_t size = etag ? text_length(etag) + 1 : 0;
    uint8_t *data;

    answer->tagged = false;
    if (!size || size > LIMIT_ETAG_SIZE + 1) {
        return;
    }
    data = realloc((void *)answer->der.data, answer->der.size + 1 + size);
    if (data) {
        memcpy(data + answer->der.size + 1, etag, size);
        answer->der.data = data;
        answer->url = url;
        answer->tagged = true;
    }
}

int host_keep(struct host *host, const struct effect *effect, const struct fetch_result *result)
{
    struct host_cert *cert = &host->certs[effect->cert];
    bool held = effect->slot == STORE_SLOT_HELD;
    struct host_answer *answer = held ? &cert->held : &cert->pending;
    int r;

    r = answer_set(answer, result->body, host->delegate);
    if (r) {
        return r;
    }
    return host_soil(host, effect->cert, held ? DIRT_HELD : DIRT_PENDING);
}

int host_drop(struct host *host, const struct effect *effect)
{
    struct host_cert *cert = &host->certs[effect->cert];
    bool held = effect->slot == STORE_SLOT_HELD;

    host_answer_deinit(held ? &cert->held : &cert->pending);
    return host_soil(host, effect->cert, held ? DIRT_HELD : DIRT_PENDING);
}

void host_tag(struct host_cert *cert, const struct fetch_result *result)
{
    struct host_answer *answers[] = {&cert->held, &cert->pending};

    for (unsigned i = 0; i < 2 && !cert->posted; i++) {
        if (answers[i]->der.size && slice_equal(answers[i]->der, result->body)) {
            answer_tag(answers[i], cert->url, result->etag);
        }
    }
}

int host_promote(struct host *host, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];

    host_answer_deinit(&cert->held);
    cert->held = cert->pending;
    cert->pending = (struct host_answer){0};
    return host_soil(host, number, DIRT_HELD | DIRT_PENDING);
}

/* Bytes to facts, wherever they come from. Returns the delegate as struct host_answer has it. */
static uint32_t read_der(struct host *host, const struct host_cert *cert, struct slice der,
                         struct ocsp_facts *ret_facts)
{
    struct response_view view;
    unsigned delegate = 0;

    response_read(der, cert->facts, cert->issuer, ret_facts, &view);
    if (ret_facts->form == REASON_GOOD) {
        signer_check(host->signer, &view, cert->issuer, ret_facts, &delegate);
        repair_facts(ret_facts, &view, delegate); /* what clients are going to see */
    }
    return ret_facts->signer == OCSP_SIGNER_DELEGATE ? delegate : NONE;
}

bool host_read_answer(struct host *host, const struct host_cert *cert,
                      const struct fetch_result *result, struct ocsp_facts *ret_facts)
{
    if (result->outcome != FETCH_ANSWER &&
        (result->outcome != FETCH_HTTP_STATUS || !result->body.size)) {
        return false;
    }
    host->delegate = read_der(host, cert, result->body, ret_facts);
    /* Responders send OCSP errors with HTTP errors; nothing else is taken from those. */
    return result->outcome == FETCH_ANSWER || ret_facts->form == REASON_ERROR_STATUS;
}

/* The store has nothing: perhaps it was lost, and what is still published is as good. What stands
 * there may also be of the certificate before this one: that is nothing to speak of. */
static int recall(struct host *host, uint32_t number, struct buf *held)
{
    struct host_cert *cert = &host->certs[number];

    for (uint32_t i = 0; i < cert->place_count && !held->size; i++) {
        struct place place = {host->files[cert->places[i].file].path, cert->places[i].index};
        struct ocsp_facts facts;

        if (host->ports.recall(host->ports.shell, place, cert->facts, held)) {
            buf_clear(held);
            continue;
        }
        host_note_stray(host, cert->places[i]); /* until it is shown by this run */
        read_der(host, cert, slice_of_buf(held), &facts);
        if (facts.form != REASON_GOOD || facts.match != REASON_GOOD) {
            buf_clear(held);
        }
    }
    return held->size ? host_soil(host, number, DIRT_HELD) : 0;
}

static void refill(struct buf *buf, struct slice bytes)
{
    buf_clear(buf);
    buf_put_slice(buf, bytes);
}

/* What the store has, or will have as soon as it takes what waits for it. */
static int read_record(struct host *host, const struct host_cert *cert, struct store_record *record)
{
    int r = host->ports.store_read(host->ports.shell, cert->facts->leaf_sha256, record);

    if (r) {
        buf_clear(&record->held);
        buf_clear(&record->pending);
        record->tombstone = (struct tombstone){0};
    }
    if (r && r != STORE_E_NONE) {
        record->next_try_s = INSTANT_NEVER;
    }
    if (cert->dirt & DIRT_HELD) {
        refill(&record->held, cert->held.der);
    }
    if (cert->dirt & DIRT_PENDING) {
        refill(&record->pending, cert->pending.der);
    }
    if (cert->dirt & DIRT_TOMBSTONE) {
        record->tombstone = cert->tombstone;
    }
    return buf_status(&record->held) || buf_status(&record->pending) ? -ENOMEM : 0;
}

/* Puts what was read on the shelf and tells the engine. */
static int take_record(struct host *host, struct instant now, uint32_t number,
                       const struct store_record *record)
{
    struct host_cert *cert = &host->certs[number];
    struct event event = {.type = EVENT_CACHE_READ, .now = now, .cert = number};
    const struct buf *bytes[] = {&record->held, &record->pending};
    struct host_answer *answers[] = {&cert->held, &cert->pending};
    const struct ocsp_facts **read[] = {&event.stored.held, &event.stored.pending};
    struct ocsp_facts facts[2];
    int r = 0;

    for (unsigned i = 0; i < 2 && !r; i++) {
        if (bytes[i]->size) {
            struct slice der = slice_of_buf(bytes[i]);

            r = answer_set(answers[i], der, read_der(host, cert, der, &facts[i]));
            *read[i] = &facts[i];
        }
    }
    if (r) {
        return r;
    }
    event.stored.tombstone = cert->tombstone = record->tombstone;
    event.stored.next_try_s = record->next_try_s;
    return host_step(host, &event, NULL);
}

int host_read_store(struct host *host, struct instant now, uint32_t number, bool first)
{
    struct store_record record = {.held = BUF_INIT(LIMIT_ANSWER_SIZE),
                                  .pending = BUF_INIT(LIMIT_ANSWER_SIZE),
                                  .next_try_s = INSTANT_NEVER};
    int r = read_record(host, &host->certs[number], &record);

    if (!r && first && !record.held.size && !record.tombstone.present) {
        r = recall(host, number, &record.held);
    }
    r = r ? r : take_record(host, now, number, &record);
    buf_deinit(&record.held);
    buf_deinit(&record.pending);
    return r;
}

int host_reread(struct host *host, struct instant now)
{
    int r, first = 0;

    if (host->rereading) {
        return 0; /* whoever reads further up goes on with it */
    }
    host->rereading = true;
    while (host->reread.count) {
        uint32_t number = host->reread.items[--host->reread.count];

        if (host->certs[number].in_engine && host->certs[number].issuer) {
            r = host_read_store(host, now, number, false);
            first = first ? first : r;
        }
    }
    host->rereading = false;
    return first;
}
