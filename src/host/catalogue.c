/* SPDX-License-Identifier: Apache-2.0 */

/* Files, and the certificates in them. A certificate lives as long as some file holds it. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "host/host-private.h"

/* What one file holds. */
struct content {
    uint32_t certs[LIMIT_CERTS_PER_FILE];  /* end-entity certificates, and the first of all */
    uint64_t wanted[LIMIT_CERTS_PER_FILE]; /* map_hash() of the name of each one's issuer */
    unsigned cert_count;
    uint64_t cas[LIMIT_CERTS_PER_FILE]; /* map_hash() of the CAs' subjects */
    unsigned ca_count;
    unsigned blocks; /* certificates seen */
    bool has_key;    /* or another PEM block: no certificate is expected */
    bool overflow;
    bool is_der;       /* not PEM, but a certificate all the same */
    const char *fault; /* of the first one that is broken; NULL */
    unsigned fault_block;
};

void host_free_cert(struct host *host, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];

    if (!cert->facts) {
        return;
    }
    map_remove(&host->cert_by_leaf, host_leaf_hash(cert->facts->leaf_sha256), number);
    free(cert->facts);
    free((void *)cert->leaf.data);
    host_answer_deinit(&cert->held);
    host_answer_deinit(&cert->pending);
    free(cert->places);
    free(cert->last);
    *cert = (struct host_cert){0};
    list_add(&host->free_certs, number); /* without memory the number is lost, nothing else */
}

static uint32_t cert_find(const struct host *host, const uint8_t sha256[SHA256_SIZE])
{
    uint64_t hash = host_leaf_hash(sha256);
    size_t at;

    for (uint32_t i = map_first(&host->cert_by_leaf, hash, &at); i != MAP_NONE;
         i = map_more(&host->cert_by_leaf, hash, &at)) {
        if (memcmp(host->certs[i].facts->leaf_sha256, sha256, SHA256_SIZE) == 0) {
            return i;
        }
    }
    return NONE;
}

static int cert_number(struct host *host, uint32_t *ret_number)
{
    struct host_cert *certs;

    if (host->free_certs.count) {
        *ret_number = host->free_certs.items[--host->free_certs.count];
        return 0;
    }
    if ((host->cert_count & (host->cert_count - 1)) == 0) {
        size_t room = host->cert_count ? (size_t)host->cert_count * 2 : 1;

        certs = realloc(host->certs, room * sizeof(*certs));
        if (!certs) {
            return -ENOMEM;
        }
        host->certs = certs;
    }
    host->certs[host->cert_count] = (struct host_cert){0};
    *ret_number = host->cert_count++;
    return 0;
}

/* A certificate that no file held until now, or that had departed. */
static int cert_enlist(struct host *host, const struct cert_view *view, uint32_t *ret_number)
{
    _cleanup_(freep)
    struct cert_facts *facts = NULL;
    struct host_cert *cert;
    uint32_t number;
    int r;

    r = cert_facts_new(&facts, host->crypto, view, NULL);
    if (r) {
        return error_trace(r);
    }
    number = cert_find(host, facts->leaf_sha256);
    if (number == NONE) {
        r = cert_number(host, &number);
        if (!r) {
            r = map_add(&host->cert_by_leaf, host_leaf_hash(facts->leaf_sha256), number);
        }
        if (r) {
            return error_trace(r);
        }
        host->certs[number].facts = steal(&facts);
    }
    cert = &host->certs[number];
    cert->departed = false;
    if (!cert->in_engine && !cert->leaf.size) {
        if (facts) { /* one that had departed: its issuer is looked for anew */
            free(cert->facts);
            cert->facts = steal(&facts);
        }
        cert->leaf = slice_of(text_copy(view->der), view->der.size);
        cert->issuer = NULL;
        r = cert->leaf.data ? list_add(&host->fresh, number) : -ENOMEM;
        if (r) {
            return error_trace(r);
        }
    }
    *ret_number = number;
    return 0;
}

static int content_take(struct host *host, struct content *content, struct slice der)
{
    struct cert_view view;
    const char *fault = NULL;
    int r;

    content->blocks++;
    r = cert_read(der, &view, &fault);
    if (r) {
        if (!content->fault) {
            content->fault = fault;
            content->fault_block = content->blocks;
        }
        return 0;
    }
    if (view.is_ca) {
        r = host_pool_issuer(host, der);
        if (r < 0) {
            return error_trace(r);
        }
    }
    if (view.is_ca && content->ca_count < LIMIT_CERTS_PER_FILE) {
        content->cas[content->ca_count++] = map_hash(view.subject);
    }
    if (view.is_ca && content->blocks > 1) {
        return 0;
    }
    if (content->cert_count == LIMIT_CERTS_PER_FILE) {
        content->overflow = true;
        return 0;
    }
    r = cert_enlist(host, &view, &content->certs[content->cert_count]);
    if (r) {
        return error_trace(r);
    }
    content->wanted[content->cert_count++] = map_hash(view.issuer);
    return 0;
}

/* A server sends the file as it is: is the issuer of each among what is sent? */
static void content_note_chains(struct host *host, const struct content *content)
{
    for (unsigned i = 0; i < content->cert_count; i++) {
        for (unsigned k = 0; k < content->ca_count; k++) {
            host->certs[content->certs[i]].chained |= content->cas[k] == content->wanted[i];
        }
    }
}

static int content_read(struct host *host, struct slice text, struct content *content)
{
    _cleanup_(buf_deinit)
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem = pem_open(text);
    int block, r;

    while ((block = pem_next(&pem, &der)) != PEM_END) {
        if (block < 0) {
            return error_trace(block);
        }
        if (block == PEM_BROKEN && !content->fault) {
            content->fault = "its PEM block has no end or is not base64";
            content->fault_block = content->blocks + 1;
        }
        content->has_key = content->has_key || block == PEM_KEY || block == PEM_OTHER;
        if (block == PEM_CERTIFICATE) {
            r = content_take(host, content, slice_of_buf(&der));
            if (r) {
                return error_trace(r);
            }
        }
    }
    return 0;
}

static uint32_t file_find(const struct host *host, const char *path)
{
    uint64_t hash = map_hash(slice_of_text(path));
    size_t at;

    for (uint32_t i = map_first(&host->file_by_path, hash, &at); i != MAP_NONE;
         i = map_more(&host->file_by_path, hash, &at)) {
        if (text_equal(host->files[i].path, path)) {
            return i;
        }
    }
    return NONE;
}

static int file_add(struct host *host, const char *path, uint32_t *ret_file)
{
    struct slice text = slice_of_text(path);
    uint32_t number = host->file_count;
    struct host_file *files;
    int r;

    if (host->free_files.count) {
        number = host->free_files.items[--host->free_files.count];
    } else if ((number & (number - 1)) == 0) {
        files = realloc(host->files, (number ? (size_t)number * 2 : 1) * sizeof(*files));
        if (!files) {
            return -ENOMEM;
        }
        host->files = files;
    }
    host->files[number] = (struct host_file){.path = text_copy(text), .gone_ms = INSTANT_NEVER};
    r = host->files[number].path ? map_add(&host->file_by_path, map_hash(text), number) : -ENOMEM;
    if (r) {
        free(host->files[number].path);
        host->files[number].path = NULL;
        return r;
    }
    host->file_count += number == host->file_count;
    *ret_file = number;
    return 0;
}

/* Nothing holds the certificate any more. The store keeps its answers to their end: the file may
 * come back. */
static int cert_depart(struct host *host, struct instant now, uint32_t number)
{
    struct host_cert *cert = &host->certs[number];
    struct event gone = {.type = EVENT_CERT_GONE, .now = now, .cert = number};
    struct engine_view view;

    if (cert->in_engine) {
        engine_look(host->engine, number, now, &view);
        cert->departed_until_s = view.held.present ? view.held.next_update_s : 0;
        host_step(host, &gone, NULL);
    }
    cert->in_engine = false;
    cert->resolving = false;
    cert->departed = true;
    cert->wish = WISH_NONE;
    free((void *)cert->leaf.data);
    cert->leaf = SLICE_NULL;
    return host_soil(host, number, DIRT_ROW);
}

static int place_remove(struct host *host, struct instant now, uint32_t number,
                        struct host_place place)
{
    struct host_cert *cert = &host->certs[number];

    for (uint32_t i = 0; i < cert->place_count; i++) {
        if (cert->places[i].file == place.file && cert->places[i].index == place.index) {
            cert->places[i] = cert->places[--cert->place_count];
            break;
        }
    }
    return cert->place_count ? 0 : cert_depart(host, now, number);
}

static int place_add(struct host *host, uint32_t number, struct host_place place)
{
    struct host_cert *cert = &host->certs[number];
    struct host_place *places;

    places = realloc(cert->places, (cert->place_count + 1) * sizeof(*places));
    if (!places) {
        return -ENOMEM;
    }
    cert->places = places;
    places[cert->place_count++] = place;
    if (cert->shown) {
        host_wish(host, number, WISH_PUBLISH_URGENT); /* at its other places nothing changes */
    } else if (cert->in_engine) {
        host_place_settled(host, number);
    }
    return host_soil(host, number, DIRT_ROW);
}

/* The file's certificates are now those of @content. What both have is not touched. */
static int file_exchange(struct host *host, struct instant now, uint32_t number,
                         const struct content *content)
{
    struct host_file *file = &host->files[number];
    uint32_t before_count = file->cert_count;
    _cleanup_(freep)
    uint32_t *before = steal(&file->certs);
    int r, first = 0;

    file->cert_count = 0;
    file->certs = malloc(content->cert_count * sizeof(*file->certs));
    if (!file->certs) {
        file->certs = steal(&before);
        file->cert_count = before_count;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < content->cert_count; i++) {
        file->certs[file->cert_count++] = content->certs[i];
        if (i >= before_count || before[i] != content->certs[i]) {
            r = place_add(host, content->certs[i], (struct host_place){number, i});
            first = first ? first : r;
        }
    }
    for (uint32_t i = 0; i < before_count; i++) {
        if (i >= content->cert_count) {
            host->ports.withdraw(host->ports.shell, (struct place){file->path, i}, NULL, true);
        }
        if (i >= content->cert_count || before[i] != content->certs[i]) {
            r = place_remove(host, now, before[i], (struct host_place){number, i});
            first = first ? first : r;
        }
    }
    return first;
}

/* One line about a file that is not what it should be. */
static void tell_content(struct host *host, struct instant now, const char *path,
                         const struct content *content, bool keeps)
{
    _cleanup_(buf_deinit)
    struct buf sentence = BUF_INIT(4096);

    buf_put_printable(&sentence, slice_of_text(path), 400);
    if (content->fault) {
        buf_put_text(&sentence, ": certificate ");
        buf_put_int(&sentence, content->fault_block);
        buf_put_text(&sentence, " of the file cannot be read: ");
        buf_put_text(&sentence, content->fault);
    } else if (content->overflow) {
        buf_put_text(&sentence, ": more than ");
        buf_put_int(&sentence, LIMIT_CERTS_PER_FILE);
        buf_put_text(&sentence, " certificates in one file; the others are left alone");
    } else if (content->is_der) {
        buf_put_text(&sentence, ": a certificate in DER, and servers read PEM; convert it with "
                                "`openssl x509 -inform der`");
    } else {
        buf_put_text(&sentence, ": no PEM certificate in it");
    }
    if (keeps) {
        buf_put_text(&sentence, "; going on with the certificate it held before");
    } else if (!content->cert_count) {
        buf_put_text(&sentence, "; the file is left alone");
    }
    host_say(host, now, NOTE_WARNING, &sentence);
}

/* Certificates that a broken file listed and no file holds. */
static int drop_unplaced(struct host *host, struct instant now, const struct content *content)
{
    int r, first = 0;

    for (unsigned i = 0; i < content->cert_count; i++) {
        if (!host->certs[content->certs[i]].place_count) {
            r = cert_depart(host, now, content->certs[i]);
            first = first ? first : r;
        }
    }
    return first;
}

static void file_stay(struct host *host, uint32_t number)
{
    host->files[number].gone_ms = INSTANT_NEVER;
    for (size_t i = 0; i < host->lingering.count; i++) {
        if (host->lingering.items[i] == number) {
            host->lingering.items[i] = host->lingering.items[--host->lingering.count];
            break;
        }
    }
}

int host_file_read(struct host *host, struct instant now, const char *path, struct slice text,
                   bool quiet_if_none)
{
    uint32_t number = file_find(host, path);
    struct content content = {0};
    uint8_t digest[SHA256_SIZE];
    struct cert_view view;
    const char *fault;
    bool usable, keeps;
    int r;

    if (!crypto_digest(host->crypto, CERTID_SHA256, text, digest)) {
        return -ENOMEM;
    }
    if (number != NONE) {
        file_stay(host, number);
        if (memcmp(host->files[number].digest, digest, sizeof(digest)) == 0) {
            return 0;
        }
    } else {
        r = file_add(host, path, &number);
        if (r) {
            return error_trace(r);
        }
    }
    memcpy(host->files[number].digest, digest, sizeof(digest));
    r = content_read(host, text, &content);
    if (r) {
        return error_trace(r);
    }
    content_note_chains(host, &content);
    /* A broken first certificate is not something to read around: the server would not. */
    content.is_der = !content.blocks && cert_read(text, &view, &fault) == 0;
    usable = content.cert_count && !(content.fault && content.fault_block == 1);
    keeps = !usable && host->files[number].cert_count > 0;
    if (content.fault || content.overflow ||
        (!content.blocks && !(quiet_if_none && content.has_key))) {
        tell_content(host, now, path, &content, keeps);
    }
    if (!usable) {
        return drop_unplaced(host, now, &content);
    }
    return file_exchange(host, now, number, &content);
}

int host_file_gone(struct host *host, struct instant now, const char *path)
{
    uint32_t number = file_find(host, path);

    if (number == NONE || host->files[number].gone_ms != INSTANT_NEVER) {
        return 0;
    }
    host->files[number].gone_ms = time_add(now.mono_ms, HOST_LINGER_MS);
    return list_add(&host->lingering, number);
}

static int file_forget(struct host *host, struct instant now, uint32_t number)
{
    struct host_file *file = &host->files[number];
    _cleanup_(freep)
    uint32_t *certs = steal(&file->certs);
    uint32_t count = file->cert_count;
    int r, first = 0;

    file->cert_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        host->ports.withdraw(host->ports.shell, (struct place){file->path, i}, NULL, false);
        r = place_remove(host, now, certs[i], (struct host_place){number, i});
        first = first ? first : r;
    }
    map_remove(&host->file_by_path, map_hash(slice_of_text(file->path)), number);
    free(file->path);
    free(file->shown);
    *file = (struct host_file){.gone_ms = INSTANT_NEVER};
    r = list_add(&host->free_files, number);
    return first ? first : r;
}

int host_tick_files(struct host *host, struct instant now)
{
    int r, first = 0;

    for (size_t i = 0; i < host->lingering.count;) {
        uint32_t number = host->lingering.items[i];

        if (host->files[number].gone_ms > now.mono_ms) {
            i++;
            continue;
        }
        host->lingering.items[i] = host->lingering.items[--host->lingering.count];
        r = file_forget(host, now, number);
        first = first ? first : r;
    }
    return first;
}

bool host_knows_path(const struct host *host, const char *path)
{
    return file_find(host, path) != NONE;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool host_knows_leaf(const struct host *host, const char *leaf_hex)
{
    uint8_t sha256[SHA256_SIZE];
    uint32_t number;

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int high = hex_value(leaf_hex[2 * i]);
        int low = high < 0 ? -1 : hex_value(leaf_hex[2 * i + 1]);

        if (low < 0) {
            return false;
        }
        sha256[i] = (uint8_t)(high << 4 | low);
    }
    number = cert_find(host, sha256);
    return number != NONE && !host->certs[number].departed;
}
