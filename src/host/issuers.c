/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "base/error.h"
#include "host/host-private.h"
#include "pki/bag.h"

void host_deinit_issuers(struct host *host)
{
    for (uint32_t i = 0; i < host->issuer_count; i++) {
        issuer_free(host->issuers[i].issuer);
    }
    for (uint32_t i = 0; i < host->source_count; i++) {
        free(host->sources[i].url);
    }
    free(host->issuers);
    free(host->sources);
    map_deinit(&host->issuer_by_digest);
    map_deinit(&host->issuer_by_subject);
    map_deinit(&host->source_by_url);
}

const struct issuer *host_find_issuer(struct host *host, const struct cert_view *leaf)
{
    uint64_t hash = map_hash(leaf->issuer);
    size_t at;

    /* Several may bear the name (a CA with a new key); the one whose key verifies counts. */
    for (uint32_t i = map_first(&host->issuer_by_subject, hash, &at); i != MAP_NONE;
         i = map_more(&host->issuer_by_subject, hash, &at)) {
        if (issuer_signed(host->crypto, host->issuers[i].issuer, leaf)) {
            return host->issuers[i].issuer;
        }
    }
    return NULL;
}

static int pool_add(struct host *host, struct issuer *issuer, uint64_t digest_hash)
{
    struct host_issuer *issuers;
    int r;

    issuers = realloc(host->issuers, (host->issuer_count + 1) * sizeof(*issuers));
    if (!issuers) {
        return -ENOMEM;
    }
    host->issuers = issuers;
    r = map_add(&host->issuer_by_digest, digest_hash, host->issuer_count);
    if (!r) {
        r = map_add(&host->issuer_by_subject, map_hash(issuer->view.subject), host->issuer_count);
    }
    if (r) {
        map_remove(&host->issuer_by_digest, digest_hash, host->issuer_count);
        return r;
    }
    host->issuers[host->issuer_count++].issuer = issuer;
    host->pool_grew = true;
    return 0;
}

int host_pool_issuer(struct host *host, struct slice der)
{
    _cleanup_(issuer_freep)
    struct issuer *issuer = NULL;
    uint64_t hash = map_hash(der);
    size_t at;
    int r;

    for (uint32_t i = map_first(&host->issuer_by_digest, hash, &at); i != MAP_NONE;
         i = map_more(&host->issuer_by_digest, hash, &at)) {
        if (slice_equal(host->issuers[i].issuer->der, der)) {
            return 1;
        }
    }
    if (host->issuer_count >= HOST_ISSUERS_MAX) {
        return 0;
    }
    r = issuer_new(&issuer, host->crypto, der);
    if (r) {
        return r < 0 ? r : 0;
    }
    /* RFC 5280 4.2.1.9: "If the basic constraints extension is not present in a version 3
     * certificate, or the extension is present but the cA boolean is not asserted, then the
     * certified public key MUST NOT be used to verify certificate signatures." */
    if (!issuer->view.is_ca && issuer->view.version == 3) {
        return 0;
    }
    r = pool_add(host, issuer, hash);
    if (r) {
        return error_trace(r);
    }
    steal(&issuer);
    return 1;
}

int host_add_issuers(struct host *host, struct slice pem, unsigned *ret_count)
{
    _cleanup_(buf_deinit)
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem reader = pem_open(pem);
    int block, r;

    *ret_count = 0;
    while ((block = pem_next(&reader, &der)) != PEM_END) {
        if (block < 0) {
            return error_trace(block);
        }
        r = block == PEM_CERTIFICATE ? host_pool_issuer(host, slice_of_buf(&der)) : 0;
        if (r < 0) {
            return error_trace(r);
        }
        *ret_count += (unsigned)r;
    }
    return 0;
}

static int source_find(struct host *host, struct slice url, struct host_source **ret_source)
{
    uint64_t hash = map_hash(url);
    struct host_source *sources;
    size_t at;
    int r;

    for (uint32_t i = map_first(&host->source_by_url, hash, &at); i != MAP_NONE;
         i = map_more(&host->source_by_url, hash, &at)) {
        if (slice_equal(slice_of_text(host->sources[i].url), url)) {
            *ret_source = &host->sources[i];
            return 0;
        }
    }
    sources = realloc(host->sources, (host->source_count + 1) * sizeof(*sources));
    if (!sources) {
        return -ENOMEM;
    }
    host->sources = sources;
    sources[host->source_count] = (struct host_source){.url = text_copy(url)};
    r = sources[host->source_count].url ? map_add(&host->source_by_url, hash, host->source_count)
                                        : -ENOMEM;
    if (r) {
        free(sources[host->source_count].url);
        return r;
    }
    *ret_source = &sources[host->source_count++];
    return 0;
}

/* What the store kept of @source, into the pool; once. */
static int source_recall(struct host *host, struct host_source *source)
{
    _cleanup_(buf_deinit)
    struct buf kept = BUF_INIT(LIMIT_ISSUER_SIZE);
    struct slice certs[BAG_MAX];
    unsigned count;
    int r;

    if (source->recalled) {
        return 0;
    }
    source->recalled = true;
    if (host->ports.store_read_issuer(host->ports.shell, source->url, &kept) != 0) {
        return 0;
    }
    count = bag_read(slice_of_buf(&kept), certs);
    for (unsigned i = 0; i < count; i++) {
        r = host_pool_issuer(host, certs[i]);
        if (r < 0) {
            return error_trace(r);
        }
    }
    return 0;
}

/* RFC 5280 4.2.2.1: "The id-ad-caIssuers OID is used when the additional information lists
 * certificates that were issued to the CA that issued the certificate containing this
 * extension." */
static void source_ask(struct host *host, struct instant now, struct host_source *source)
{
    struct fetch_order order = {
        .id = ORDER_ISSUER | (uint64_t)(source - host->sources),
        .url = source->url,
        .issuer = true,
    };

    if (!source->in_flight && source->retry_s <= now.wall_s) {
        source->in_flight = true;
        host->in_flight++;
        host->ports.fetch(host->ports.shell, &order);
    }
}

/* Looks in what the store kept of @leaf's caIssuers URLs; with nothing there, asks those URLs. */
static int ask_sources(struct host *host, struct instant now, struct host_cert *cert,
                       const struct cert_view *leaf)
{
    struct host_source *source;
    int r;

    for (unsigned i = 0; i < leaf->issuer_url_count; i++) {
        r = source_find(host, leaf->issuer_urls[i], &source);
        if (!r) {
            r = source_recall(host, source);
        }
        if (r) {
            return error_trace(r);
        }
    }
    if (host_find_issuer(host, leaf)) {
        return 0;
    }
    for (unsigned i = 0; i < leaf->issuer_url_count; i++) {
        r = source_find(host, leaf->issuer_urls[i], &source);
        if (r) {
            return error_trace(r);
        }
        source_ask(host, now, source);
        cert->resolving = cert->resolving || source->in_flight;
    }
    return 0;
}

/* Sets the facts anew now that the issuer is known. */
static int take_issuer(struct host *host, struct host_cert *cert, const struct cert_view *leaf,
                       const struct issuer *issuer)
{
    struct cert_facts *facts;
    int r;

    r = cert_facts_new(&facts, host->crypto, leaf, issuer);
    if (r) {
        return error_trace(r);
    }
    facts->root_unsent = !cert->chained && issuer_signed(host->crypto, issuer, &issuer->view);
    free(cert->facts);
    cert->facts = facts;
    cert->issuer = issuer;
    return 0;
}

int host_resolve(struct host *host, struct instant now, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];
    const struct issuer *issuer = NULL;
    struct cert_view leaf;
    const char *fault;
    int r;

    assert(!cert->in_engine && !cert->issuer);
    r = cert_read(cert->leaf, &leaf, &fault);
    assert(r == 0); /* the catalogue read it before */
    if (!cert->facts->is_ca && !cert->facts->self_signed && cert->facts->url_count) {
        issuer = host_find_issuer(host, &leaf);
        if (!issuer) {
            cert->resolving = false;
            r = ask_sources(host, now, cert, &leaf);
            issuer = host_find_issuer(host, &leaf);
        }
        if (r) {
            return error_trace(r);
        }
    }
    if (issuer) {
        cert->resolving = false;
        r = take_issuer(host, cert, &leaf, issuer);
    }
    if (r || cert->resolving) {
        return r ? error_trace(r) : host_soil(host, number, DIRT_ROW);
    }
    return host_enter(host, now, number);
}

/* Certificates whose issuer was looked for in vain may have it now. */
static int resolve_again(struct host *host, struct instant now, bool ask)
{
    int r, first = 0;

    for (uint32_t i = 0; i < host->cert_count; i++) {
        struct host_cert *cert = &host->certs[i];
        struct event gone = {.type = EVENT_CERT_GONE, .now = now, .cert = i};
        struct cert_view leaf;
        const char *fault;

        if (!cert->facts || cert->departed || cert->issuer || !cert->leaf.size ||
            cert->facts->is_ca || cert->facts->self_signed || !cert->facts->url_count) {
            continue;
        }
        if (cert_read(cert->leaf, &leaf, &fault) ||
            (cert->in_engine && !ask && !host_find_issuer(host, &leaf))) {
            continue;
        }
        if (cert->in_engine) {
            host_step(host, &gone, NULL);
            cert->in_engine = false;
        }
        r = host_resolve(host, now, i);
        first = first ? first : r;
    }
    return first;
}

int host_use_pool(struct host *host, struct instant now)
{
    if (!host->pool_grew) {
        return 0;
    }
    host->pool_grew = false;
    return resolve_again(host, now, false);
}

static int source_take(struct host *host, const struct host_source *source, struct slice body)
{
    const struct store_change change = {.type = STORE_PUT_ISSUER, .url = source->url, .der = body};
    struct slice certs[BAG_MAX];
    unsigned count = bag_read(body, certs);
    unsigned taken = 0;
    int r;

    for (unsigned i = 0; i < count; i++) {
        r = host_pool_issuer(host, certs[i]);
        if (r < 0) {
            return error_trace(r);
        }
        taken += (unsigned)r;
    }
    if (taken) {
        /* Only to spare a request after the next start: a failure is told by the store itself. */
        host->ports.store_commit(host->ports.shell, &change, 1);
    }
    return (int)taken;
}

int host_issuer_done(struct host *host, struct instant now, const struct fetch_result *result)
{
    uint64_t number = result->id & ~ORDER_ISSUER;
    _cleanup_(buf_deinit)
    struct buf sentence = BUF_INIT(4096);
    struct host_source *source;
    int taken = 0;

    if (number >= host->source_count) {
        return 0;
    }
    source = &host->sources[number];
    source->in_flight = false;
    source->retry_s = time_add(now.wall_s, HOST_ISSUER_RETRY_S);
    host->in_flight--;
    host->issuer_retry_s = time_min(host->issuer_retry_s, source->retry_s);
    if (result->outcome == FETCH_ANSWER) {
        taken = source_take(host, source, result->body);
    }
    if (taken <= 0) {
        buf_put_printable(&sentence, slice_of_text(source->url), 400);
        buf_put_text(&sentence, ": no issuer's certificate from there: ");
        buf_put_text(&sentence, result->outcome != FETCH_ANSWER && result->detail
                                    ? result->detail
                                    : "what it sent is no CA certificate in DER or PKCS#7");
        buf_put_text(&sentence, "; next try in 1 h");
        host_say(host, now, NOTE_WARNING, &sentence);
    }
    host->pool_grew = false;
    return taken < 0 ? taken : resolve_again(host, now, false);
}

int host_retry_issuers(struct host *host, struct instant now)
{
    if (now.wall_s < host->issuer_retry_s) {
        return 0;
    }
    host->issuer_retry_s = INSTANT_NEVER;
    return resolve_again(host, now, true);
}
