/* SPDX-License-Identifier: Apache-2.0 */

/* The shelf: answers as received, one held and one pending per certificate, and two queues out of
 * it: to the store, many in one commit, and after that to the publishers. A store that fails is
 * tried again and never holds back publishing. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "host/host-private.h"
#include "pki/repair.h"
#include "pki/response.h"

#define STORE_RETRY_MOST_MS 60000

int host_soil(struct host *host, uint32_t number, unsigned dirt)
{
    struct host_cert *cert = &host->certs[number];
    int r;

    if (!cert->queued) {
        r = list_add(&host->dirty, number);
        if (r) {
            return error_trace(r);
        }
        cert->queued = true;
    }
    cert->dirt |= (uint8_t)dirt;
    host->answers_wait = host->answers_wait || (dirt & ~(unsigned)DIRT_ROW) || cert->wish;
    return 0;
}

void host_wish(struct host *host, uint32_t number, enum wish wish)
{
    struct host_cert *cert = &host->certs[number];

    if (wish != WISH_PUBLISH || cert->wish != WISH_PUBLISH_URGENT) {
        cert->wish = wish;
    }
}

int64_t host_flush_deadline_ms(const struct host *host)
{
    int64_t wait_ms = host->answers_wait ? HOST_FLUSH_MS : HOST_ROWS_MS;
    int64_t due = time_add(host->flushed_ms, host->in_flight ? wait_ms : 0);

    if (!host->dirty.count) {
        return INSTANT_NEVER;
    }
    if (host->store_retry_ms != INSTANT_NEVER && !host->answers_wait) {
        due = time_max(due, host->store_retry_ms);
    }
    return due;
}

void host_fill_row(const struct host *host, struct instant now, uint32_t number,
                   struct cert_row *ret_row)
{
    static const char digits[] = "0123456789abcdef";
    const struct host_cert *cert = &host->certs[number];
    const struct cert_facts *facts = cert->facts;
    struct engine_view view = {.state = CERT_STATE_NO_ISSUER, .next_try_s = INSTANT_NEVER};
    struct window serve = {0, 0};
    bool held;

    if (cert->in_engine) {
        engine_look(host->engine, number, now, &view);
    }
    held =
        view.held.present && (view.state == CERT_STATE_HELD || view.state == CERT_STATE_FAILING ||
                              view.state == CERT_STATE_REVOKED); /* on_revoked: staple */
    if (held) {
        serve = view.held.serve;
        serve.until_s = now.wall_s < serve.until_s ? serve.until_s : view.shown_until_s;
    }
    *ret_row = (struct cert_row){
        .name = facts->name,
        .path = host_path_of(host, cert),
        .last = cert->last ? cert->last : "",
        .state = view.state,
        .must_staple = facts->must_staple,
        .serve = serve,
        .next_update_s = held ? view.held.next_update_s : cert->departed_until_s,
        .next_try_s = view.next_try_s,
    };
    for (unsigned i = 0; i < SHA256_SIZE; i++) {
        ret_row->leaf_sha256[2 * i] = digits[facts->leaf_sha256[i] >> 4];
        ret_row->leaf_sha256[2 * i + 1] = digits[facts->leaf_sha256[i] & 15];
    }
    for (unsigned i = 0; i < facts->serial_size; i++) {
        ret_row->serial[2 * i] = digits[facts->serial[i] >> 4];
        ret_row->serial[2 * i + 1] = digits[facts->serial[i] & 15];
    }
}

/* What the store must learn of one certificate: at most three answers and facts, one row. */
#define CHANGES_EACH 4

static size_t put_changes(const struct host *host, struct instant now, uint32_t number,
                          struct store_change *changes, struct cert_row *row)
{
    const struct host_cert *cert = &host->certs[number];
    const struct slice slots[] = {cert->held.der, cert->pending.der};
    const unsigned dirts[] = {DIRT_HELD, DIRT_PENDING};
    size_t count = 0;

    for (unsigned i = 0; i < 2; i++) {
        if (cert->dirt & dirts[i]) {
            changes[count++] = (struct store_change){
                .type = slots[i].size ? STORE_PUT_ANSWER : STORE_DROP_ANSWER,
                .slot = i == 0 ? STORE_SLOT_HELD : STORE_SLOT_PENDING,
                .der = slots[i],
            };
        }
    }
    if (cert->dirt & DIRT_TOMBSTONE) {
        changes[count++] =
            (struct store_change){.type = STORE_TOMBSTONE, .tombstone = cert->tombstone};
    }
    if (cert->dirt) {
        host_fill_row(host, now, number, row);
        changes[count++] = (struct store_change){.type = STORE_PUT_ROW, .row = row};
    }
    for (size_t i = 0; i < count; i++) {
        changes[i].leaf_sha256 = cert->facts->leaf_sha256;
    }
    return count;
}

/* Commits what is dirty of the first @many in the queue. 0: they are clean now. */
static int commit_some(struct host *host, struct instant now, size_t many)
{
    _cleanup_(freep)
    struct store_change *changes = calloc(many, CHANGES_EACH * sizeof(*changes));
    _cleanup_(freep)
    struct cert_row *rows = calloc(many, sizeof(*rows));
    size_t count = 0;
    int r;

    if (!changes || !rows) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < many; i++) {
        count += put_changes(host, now, host->dirty.items[i], changes + count, &rows[i]);
    }
    if (count) {
        r = host->ports.store_commit(host->ports.shell, changes, count);
        if (r) {
            return r;
        }
    }
    for (size_t i = 0; i < many; i++) {
        host->certs[host->dirty.items[i]].dirt = 0;
    }
    return 0;
}

static void try_store(struct host *host, struct instant now, size_t many)
{
    int64_t wait_ms = 1000;

    if (host->store_retry_ms != INSTANT_NEVER && now.mono_ms < host->store_retry_ms) {
        return;
    }
    if (commit_some(host, now, many) == 0) {
        host->store_retry_ms = INSTANT_NEVER;
        host->store_failures = 0;
        return;
    }
    for (unsigned i = 0; i < host->store_failures && wait_ms < STORE_RETRY_MOST_MS; i++) {
        wait_ms *= 2;
    }
    host->store_failures++;
    host->store_retry_ms = time_add(now.mono_ms, time_min(wait_ms, STORE_RETRY_MOST_MS));
}

/* The answer as served: clients differ in what certificates they stand inside. */
static bool make_served(const struct host_cert *cert, struct buf *served)
{
    const struct host_answer *held = &cert->held;
    struct response_view view;
    struct ocsp_facts facts;

    response_read(held->der, cert->facts, cert->issuer, &facts, &view);
    if (facts.form != REASON_GOOD) {
        return false;
    }
    /* Its signature was checked when it came to the shelf. */
    facts.signer = held->delegate == NONE ? OCSP_SIGNER_ISSUER : OCSP_SIGNER_DELEGATE;
    repair_answer(served, held->der, &view, &facts, held->delegate);
    return buf_status(served) == 0;
}

static uint32_t get_shown(const struct host_file *file, uint32_t index)
{
    return index < file->shown_count ? file->shown[index] : NONE;
}

static void set_shown(struct host_file *file, uint32_t index, uint32_t number)
{
    uint32_t *shown;

    if (index >= file->shown_count) {
        shown = realloc(file->shown, (index + 1) * sizeof(*shown));
        if (!shown) {
            return; /* it will not be taken away at a renewal, but at its end */
        }
        while (file->shown_count <= index) {
            shown[file->shown_count++] = NONE;
        }
        file->shown = shown;
    }
    file->shown[index] = number;
}

void host_note_stray(struct host *host, struct host_place place)
{
    set_shown(&host->files[place.file], place.index, STRAY);
}

static void show_at_places(struct host *host, struct instant now, uint32_t number, bool urgent)
{
    struct host_cert *cert = &host->certs[number];
    _cleanup_(buf_deinit)
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct staple staple = {.cert = cert->facts, .leaf = cert->leaf, .urgent = urgent};
    struct engine_view view;

    if (!cert->in_engine || !make_served(cert, &served)) {
        return;
    }
    engine_look(host->engine, number, now, &view);
    staple.der = slice_of_buf(&served);
    staple.serve = view.held.serve;
    staple.next_update_s = view.held.next_update_s;
    staple.keep_until_s = time_max(view.held.next_update_s, view.shown_until_s);
    for (uint32_t i = 0; i < cert->place_count; i++) {
        struct host_file *file = &host->files[cert->places[i].file];
        struct place place = {file->path, cert->places[i].index};

        host->ports.publish(host->ports.shell, place, &staple);
        set_shown(file, place.index, number);
    }
    cert->shown = true;
}

static void hide_at_places(struct host *host, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];

    for (uint32_t i = 0; i < cert->place_count; i++) {
        struct host_file *file = &host->files[cert->places[i].file];
        struct place place = {file->path, cert->places[i].index};

        host->ports.withdraw(host->ports.shell, place, cert->facts, false);
        if (get_shown(file, place.index) == number) {
            set_shown(file, place.index, NONE);
        }
    }
    cert->shown = false;
}

void host_place_settled(struct host *host, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];
    struct engine_view view;

    engine_look(host->engine, number, (struct instant){INT64_MIN, 0}, &view);
    if (!view.settled || cert->wish == WISH_PUBLISH || cert->wish == WISH_PUBLISH_URGENT ||
        view.held.present) {
        return;
    }
    for (uint32_t i = 0; i < cert->place_count; i++) {
        struct host_file *file = &host->files[cert->places[i].file];
        struct place place = {file->path, cert->places[i].index};
        uint32_t shown = get_shown(file, place.index);

        /* What stands there is of the certificate that was in this file before: the server must
         * not find it beside the new one when it starts. */
        if (shown != NONE && shown != number) {
            host->ports.withdraw(host->ports.shell, place, NULL, true);
            set_shown(file, place.index, NONE);
        }
    }
}

static void grant_wish(struct host *host, struct instant now, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];
    enum wish wish = cert->wish;

    cert->wish = WISH_NONE;
    switch (wish) {
    case WISH_PUBLISH:
    case WISH_PUBLISH_URGENT:
        show_at_places(host, now, number, wish == WISH_PUBLISH_URGENT);
        break;
    case WISH_WITHDRAW:
        hide_at_places(host, number);
        break;
    case WISH_NONE:
        break;
    }
}

int host_flush(struct host *host, struct instant now)
{
    size_t many = host->dirty.count < HOST_FLUSH_MOST ? host->dirty.count : HOST_FLUSH_MOST;
    size_t kept = 0;

    if (!many || host_flush_deadline_ms(host) > now.mono_ms) {
        return 0;
    }
    try_store(host, now, many);
    host->flushed_ms = now.mono_ms;
    host->answers_wait = many < host->dirty.count;
    for (size_t i = 0; i < host->dirty.count; i++) {
        uint32_t number = host->dirty.items[i];
        struct host_cert *cert = &host->certs[number];

        if (i < many) {
            grant_wish(host, now, number);
        }
        if (i >= many || cert->dirt) {
            host->dirty.items[kept++] = number;
            continue;
        }
        cert->queued = false;
        if (cert->departed) {
            host_free_cert(host, number);
        }
    }
    host->dirty.count = kept;
    return 0;
}
