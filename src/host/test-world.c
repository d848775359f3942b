/* SPDX-License-Identifier: Apache-2.0 */
#include "host/test-world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void world_fetch(void *shell, const struct fetch_order *order)
{
    struct world *world = shell;

    assert_true(world->order_count < ORDERS_MAX);
    world->orders[world->order_count++] = *order;
    buf_put_text(&world->trace, order->body.size ? "post" : "fetch");
    buf_put_text(&world->trace, order->issuer ? "-issuer" : order->no_cache ? "-anew" : "");
    buf_put_text(&world->trace, order->etag ? order->etag : "");
    buf_put_byte(&world->trace, ' ');
}

static void world_cancel(void *shell, uint64_t id)
{
    (void)id;
    buf_put_text(&((struct world *)shell)->trace, "cancel ");
}

static int world_store_read(void *shell, const uint8_t leaf_sha256[SHA256_SIZE],
                            struct store_record *ret_record)
{
    struct world *world = shell;

    (void)leaf_sha256;
    ret_record->next_try_s = world->next_try_s;
    buf_put_slice(&ret_record->held, slice_of_buf(&world->stored));
    return world->stored.size ? 0 : STORE_E_NONE;
}

static int world_store_read_issuer(void *shell, const char *url, struct buf *ret_der)
{
    struct world *world = shell;

    (void)url;
    buf_put_slice(ret_der, slice_of_buf(&world->kept_issuer));
    return world->kept_issuer.size ? 0 : STORE_E_NONE;
}

static int world_store_commit(void *shell, const struct store_change *changes, size_t count)
{
    struct world *world = shell;

    if (world->store_fails) {
        buf_put_text(&world->trace, "no-store ");
        return -ENOSPC;
    }
    world->commits++;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].type == STORE_PUT_ANSWER) {
            buf_put_text(&world->trace, "store ");
            buf_clear(&world->stored);
            buf_put_slice(&world->stored, changes[i].der);
        } else if (changes[i].type == STORE_PUT_ISSUER) {
            buf_put_text(&world->trace, "store-issuer ");
        }
    }
    return 0;
}

static void put_place(struct world *world, const char *what, struct place place)
{
    buf_put_text(&world->trace, what);
    buf_put_text(&world->trace, place.path);
    buf_put_byte(&world->trace, ' ');
}

static void world_publish(void *shell, struct place place, const struct staple *staple)
{
    assert_true(staple->der.size > 0);
    ((struct world *)shell)->shown_size = staple->der.size;
    ((struct world *)shell)->keep_until_s = staple->keep_until_s;
    put_place(shell, staple->urgent ? "publish!" : "publish", place);
}

static void world_withdraw(void *shell, struct place place, const struct cert_facts *cert,
                           bool quiet)
{
    (void)cert;
    put_place(shell, quiet ? "forget" : "withdraw", place);
}

static int world_recall(void *shell, struct place place, const struct cert_facts *cert,
                        struct buf *ret_der)
{
    struct world *world = shell;

    (void)place;
    (void)cert;
    buf_put_slice(ret_der, slice_of_buf(&world->published));
    return world->published.size ? 0 : STORE_E_NONE;
}

static void world_note(void *shell, const struct note *note)
{
    struct world *world = shell;

    world->warnings += note->level >= NOTE_WARNING;
    world->general += note->kind != NOTE_PLAIN && !note->cert;
    assert_true(note->cert || !note->path);
}

void world_open(struct world *world)
{
    const struct ports ports = {world,
                                world_fetch,
                                world_cancel,
                                world_store_read,
                                world_store_read_issuer,
                                world_store_commit,
                                world_publish,
                                world_withdraw,
                                world_recall,
                                world_note};
    struct policy policy = policy_default();

    world->now = (struct instant){MINT_NOW, 1000000};
    world->order_count = world->commits = world->warnings = 0;
    assert_int_equal(host_new(&world->host, &ports, &policy, 7), 0);
}

struct world world_new(void)
{
    return (struct world){.next_try_s = INSTANT_NEVER,
                          .trace = BUF_INIT(1 << 20),
                          .stored = BUF_INIT(LIMIT_ANSWER_SIZE),
                          .kept_issuer = BUF_INIT(LIMIT_ISSUER_SIZE),
                          .published = BUF_INIT(LIMIT_ANSWER_SIZE)};
}

void world_close(struct world *world)
{
    host_free(world->host);
    buf_deinit(&world->trace);
    buf_deinit(&world->stored);
    buf_deinit(&world->kept_issuer);
    buf_deinit(&world->published);
}

void expect(struct world *world, const char *expected)
{
    assert_string_equal(buf_text(&world->trace), expected);
    buf_clear(&world->trace);
}

void put_pem(struct buf *pem, X509 *cert)
{
    _cleanup_(buf_deinit)
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);

    mint_der(cert, &der);
    buf_put_text(pem, "-----BEGIN CERTIFICATE-----\n");
    buf_put_base64(pem, slice_of_buf(&der));
    buf_put_text(pem, "\n-----END CERTIFICATE-----\n");
}

X509 *mint_leaf(X509 *ca, const char *serial_hex, const char *access)
{
    return mint_cert(&(struct mint_cert){
        .name = "leaf.example",
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = ca,
        .serial_hex = serial_hex,
        .extensions = {{"authorityInfoAccess", access ? access : "OCSP;URI:" URL}},
    });
}

void mint_good(struct buf *answer, X509 *leaf, X509 *ca)
{
    struct mint_answer spec = {
        .singles = {{.cert = leaf, .issuer = ca}}, .signer = ca, .signer_key = MINT_RSA};

    mint_answer(answer, &spec);
}

struct pki pki_new(void)
{
    struct pki pki = {
        .leaf_pem = BUF_INIT(LIMIT_CERT_FILE_SIZE),
        .renewed_pem = BUF_INIT(LIMIT_CERT_FILE_SIZE),
        .answer = BUF_INIT(LIMIT_ANSWER_SIZE),
        .renewed_answer = BUF_INIT(LIMIT_ANSWER_SIZE),
    };

    pki.ca = mint_cert(&(struct mint_cert){.name = "CA",
                                           .key = MINT_RSA,
                                           .issuer_key = MINT_RSA,
                                           .extensions = {{"basicConstraints", "CA:TRUE"}}});
    pki.leaf = mint_leaf(pki.ca, "1001", NULL);
    pki.renewed = mint_leaf(pki.ca, "1002", NULL);
    put_pem(&pki.leaf_pem, pki.leaf);
    put_pem(&pki.leaf_pem, pki.ca);
    put_pem(&pki.renewed_pem, pki.renewed);
    put_pem(&pki.renewed_pem, pki.ca);
    mint_good(&pki.answer, pki.leaf, pki.ca);
    mint_good(&pki.renewed_answer, pki.renewed, pki.ca);
    return pki;
}

void pki_free(struct pki *pki)
{
    X509_free(pki->ca);
    X509_free(pki->leaf);
    X509_free(pki->renewed);
    buf_deinit(&pki->leaf_pem);
    buf_deinit(&pki->renewed_pem);
    buf_deinit(&pki->answer);
    buf_deinit(&pki->renewed_answer);
}

void flush(struct world *world)
{
    world->now.mono_ms += 2000;
    assert_int_equal(host_flush(world->host, world->now), 0);
}

void read_file(struct world *world, const char *path, const struct buf *pem)
{
    assert_int_equal(host_file_read(world->host, world->now, path, slice_of_buf(pem), false), 0);
    assert_int_equal(host_settle(world->host, world->now), 0);
    flush(world);
}

void answer(struct world *world, enum fetch_outcome outcome, const struct buf *body)
{
    struct fetch_result result = {.id = world->orders[0].id,
                                  .outcome = outcome,
                                  .etag = body ? world->etag : NULL,
                                  .hints = {.fresh_s = -1, .date_s = INSTANT_NEVER}};

    assert_true(world->order_count > 0);
    memmove(world->orders, world->orders + 1, --world->order_count * sizeof(*world->orders));
    if (body) {
        result.http_status = 200;
        result.body = slice_of_buf(body);
    }
    assert_int_equal(host_fetch_done(world->host, world->now, &result), 0);
    flush(world);
}

void pass_time(struct world *world, int64_t seconds)
{
    world->now.wall_s += seconds;
    world->now.mono_ms += seconds * 1000;
    assert_int_equal(host_tick(world->host, world->now), 0);
    flush(world);
}

void start(struct world *world, const struct pki *pki)
{
    world_open(world);
    read_file(world, "/a.pem", &pki->leaf_pem);
    answer(world, FETCH_ANSWER, &pki->answer);
    expect(world, "fetch store publish!/a.pem ");
}

int world_teardown(void **state)
{
    (void)state;
    mint_deinit();
    return 0;
}
