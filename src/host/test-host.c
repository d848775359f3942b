/* SPDX-License-Identifier: Apache-2.0 */

/* The host with recorded ports: files in, what it wants done out, in virtual time. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/host.h"
#include "pki/test-mint.h"

#define URL "http://ocsp.example/"

struct world {
    struct host *host;
    struct instant now;
    struct buf trace;
    struct fetch_order orders[8]; /* only id and issuer live on */
    unsigned order_count;
    struct buf stored; /* the held answer of any leaf */
    struct buf kept_issuer;
    struct buf published; /* what recall gives */
    unsigned commits;
    unsigned warnings;
    bool store_fails;
};

struct pki {
    X509 *ca;
    X509 *leaf;
    X509 *renewed;
    struct buf leaf_pem;
    struct buf renewed_pem;
    struct buf answer;
    struct buf renewed_answer;
};

static void world_fetch(void *shell, const struct fetch_order *order)
{
    struct world *world = shell;

    assert_true(world->order_count < 8);
    world->orders[world->order_count++] = *order;
    buf_put_text(&world->trace, order->issuer ? "fetch-issuer " : "fetch ");
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
    ((struct world *)shell)->warnings += note->level >= NOTE_WARNING;
}

static void world_open(struct world *world)
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

static struct world world_new(void)
{
    return (struct world){.trace = BUF_INIT(1 << 20),
                          .stored = BUF_INIT(LIMIT_ANSWER_SIZE),
                          .kept_issuer = BUF_INIT(LIMIT_ISSUER_SIZE),
                          .published = BUF_INIT(LIMIT_ANSWER_SIZE)};
}

static void world_close(struct world *world)
{
    host_free(world->host);
    buf_deinit(&world->trace);
    buf_deinit(&world->stored);
    buf_deinit(&world->kept_issuer);
    buf_deinit(&world->published);
}

static void expect(struct world *world, const char *expected)
{
    assert_string_equal(buf_text(&world->trace), expected);
    buf_clear(&world->trace);
}

static void put_pem(struct buf *pem, X509 *cert)
{
    _cleanup_(buf_deinit)
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);

    mint_der(cert, &der);
    buf_put_text(pem, "-----BEGIN CERTIFICATE-----\n");
    buf_put_base64(pem, slice_of_buf(&der));
    buf_put_text(pem, "\n-----END CERTIFICATE-----\n");
}

static X509 *mint_leaf(X509 *ca, const char *serial_hex, const char *issuer_url)
{
    return mint_cert(&(struct mint_cert){
        .name = "leaf.example",
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = ca,
        .serial_hex = serial_hex,
        .extensions = {{"authorityInfoAccess", issuer_url ? issuer_url : "OCSP;URI:" URL}},
    });
}

static void mint_good(struct buf *answer, X509 *leaf, X509 *ca)
{
    struct mint_answer spec = {
        .singles = {{.cert = leaf, .issuer = ca}}, .signer = ca, .signer_key = MINT_RSA};

    mint_answer(answer, &spec);
}

static struct pki pki_new(void)
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

static void pki_free(struct pki *pki)
{
    X509_free(pki->ca);
    X509_free(pki->leaf);
    X509_free(pki->renewed);
    buf_deinit(&pki->leaf_pem);
    buf_deinit(&pki->renewed_pem);
    buf_deinit(&pki->answer);
    buf_deinit(&pki->renewed_answer);
}

static void flush(struct world *world)
{
    world->now.mono_ms += 2000;
    assert_int_equal(host_flush(world->host, world->now), 0);
}

static void read_file(struct world *world, const char *path, const struct buf *pem)
{
    assert_int_equal(host_file_read(world->host, world->now, path, slice_of_buf(pem), false), 0);
    assert_int_equal(host_settle(world->host, world->now), 0);
    flush(world);
}

/* The answer to the oldest order. */
static void answer(struct world *world, enum fetch_outcome outcome, const struct buf *body)
{
    struct fetch_result result = {.id = world->orders[0].id, .outcome = outcome};

    assert_true(world->order_count > 0);
    memmove(world->orders, world->orders + 1, --world->order_count * sizeof(*world->orders));
    if (body) {
        result.http_status = 200;
        result.body = slice_of_buf(body);
    }
    assert_int_equal(host_fetch_done(world->host, world->now, &result), 0);
    flush(world);
}

static void pass_time(struct world *world, int64_t seconds)
{
    world->now.wall_s += seconds;
    world->now.mono_ms += seconds * 1000;
    assert_int_equal(host_tick(world->host, world->now), 0);
    flush(world);
}

static void start(struct world *world, const struct pki *pki)
{
    world_open(world);
    read_file(world, "/a.pem", &pki->leaf_pem);
    answer(world, FETCH_ANSWER, &pki->answer);
    expect(world, "fetch store publish!/a.pem ");
}

static void test_first_staple_is_stored_before_it_is_published(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    start(&world, &pki);
    assert_int_equal(world.warnings, 0);
    world_close(&world);
    pki_free(&pki);
}

static void test_one_fetch_for_a_certificate_in_two_files(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    read_file(&world, "/b.pem", &pki.leaf_pem);
    answer(&world, FETCH_ANSWER, &pki.answer);
    expect(&world, "fetch store publish!/a.pem publish!/b.pem ");
    read_file(&world, "/c.pem", &pki.leaf_pem);
    expect(&world, "publish!/a.pem publish!/b.pem publish!/c.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_renewal_replaces_the_old_staple_by_the_new_one(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    start(&world, &pki);
    buf_clear(&world.stored);
    read_file(&world, "/a.pem", &pki.renewed_pem);
    expect(&world, "fetch "); /* the old one stands until then */
    answer(&world, FETCH_ANSWER, &pki.renewed_answer);
    expect(&world, "store publish!/a.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_renewal_without_answer_takes_the_old_staple_away_quietly(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    start(&world, &pki);
    buf_clear(&world.stored);
    read_file(&world, "/a.pem", &pki.renewed_pem);
    answer(&world, FETCH_REFUSED, NULL);
    expect(&world, "fetch forget/a.pem ");
    pass_time(&world, 3);
    answer(&world, FETCH_ANSWER, &pki.renewed_answer);
    expect(&world, "fetch store publish!/a.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_second_certificate_of_a_file_is_renewed_like_the_first(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    X509 *second = mint_leaf(pki.ca, "1005", NULL);
    _cleanup_(buf_deinit)
    struct buf both = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    _cleanup_(buf_deinit)
    struct buf second_answer = BUF_INIT(LIMIT_ANSWER_SIZE);

    (void)state;
    put_pem(&both, pki.leaf);
    put_pem(&both, second);
    put_pem(&both, pki.ca);
    mint_good(&second_answer, second, pki.ca);
    world_open(&world);
    read_file(&world, "/a.pem", &both);
    answer(&world, FETCH_ANSWER, &pki.answer);
    answer(&world, FETCH_ANSWER, &second_answer);
    expect(&world, "fetch fetch store publish!/a.pem store publish!/a.pem ");
    buf_clear(&world.stored);
    buf_clear(&both);
    put_pem(&both, pki.leaf);
    put_pem(&both, pki.renewed);
    put_pem(&both, pki.ca);
    read_file(&world, "/a.pem", &both);
    answer(&world, FETCH_REFUSED, NULL);
    expect(&world, "fetch forget/a.pem ");
    world_close(&world);
    X509_free(second);
    pki_free(&pki);
}

static void test_broken_file_keeps_its_last_certificate(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    _cleanup_(buf_deinit)
    struct buf broken = BUF_INIT(4096);

    (void)state;
    start(&world, &pki);
    buf_put(&broken, pki.leaf_pem.data, 100);
    read_file(&world, "/a.pem", &broken);
    assert_int_equal(world.warnings, 1);
    read_file(&world, "/a.pem", &broken);
    assert_int_equal(world.warnings, 1);
    buf_clear(&broken);
    read_file(&world, "/a.pem", &broken);
    expect(&world, "");
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "");
    world_close(&world);
    pki_free(&pki);
}

static void test_deleted_file_has_ten_seconds_to_come_back(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    struct host_progress progress;

    (void)state;
    start(&world, &pki);
    host_file_gone(world.host, world.now, "/a.pem");
    pass_time(&world, 5);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    pass_time(&world, 60);
    expect(&world, "");
    host_file_gone(world.host, world.now, "/a.pem");
    pass_time(&world, 11);
    expect(&world, "withdraw/a.pem ");
    host_look(world.host, world.now, NULL, &progress);
    assert_int_equal(progress.certs, 0);
    /* The store kept the answer: when the file comes back nothing is asked. */
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "publish!/a.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_failing_store_never_holds_back_publishing(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world_open(&world);
    world.store_fails = true;
    read_file(&world, "/a.pem", &pki.leaf_pem);
    answer(&world, FETCH_ANSWER, &pki.answer);
    assert_non_null(strstr(buf_text(&world.trace), "no-store publish!/a.pem "));
    buf_clear(&world.trace);
    world.store_fails = false;
    pass_time(&world, 60);
    expect(&world, "store ");
    world_close(&world);
    pki_free(&pki);
}

static void test_restart_in_an_outage_needs_no_responder(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    start(&world, &pki);
    host_free(world.host);
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "publish!/a.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_lost_store_is_refilled_from_what_is_published(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    buf_put_slice(&world.published, slice_of_buf(&pki.answer));
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "store publish!/a.pem ");
    world_close(&world);
    pki_free(&pki);
}

static void test_published_answer_of_the_certificate_before_is_left_alone(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    buf_put_slice(&world.published, slice_of_buf(&pki.renewed_answer));
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "fetch ");
    assert_int_equal(world.warnings, 0);
    world_close(&world);
    pki_free(&pki);
}

static void test_stored_answer_of_another_certificate_is_not_used(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    buf_put_slice(&world.stored, slice_of_buf(&pki.renewed_answer));
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "fetch ");
    assert_int_equal(world.warnings, 1);
    world_close(&world);
    pki_free(&pki);
}

static void test_issuer_is_fetched_once_and_kept(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    X509 *lone =
        mint_leaf(pki.ca, "1003", "OCSP;URI:" URL ",caIssuers;URI:http://ca.example/ca.crt");
    X509 *other =
        mint_leaf(pki.ca, "1004", "OCSP;URI:" URL ",caIssuers;URI:http://ca.example/ca.crt");
    _cleanup_(buf_deinit)
    struct buf pem = BUF_INIT(4096);
    _cleanup_(buf_deinit)
    struct buf other_pem = BUF_INIT(4096);
    _cleanup_(buf_deinit)
    struct buf der = BUF_INIT(4096);

    (void)state;
    put_pem(&pem, lone);
    put_pem(&other_pem, other);
    mint_der(pki.ca, &der);
    world_open(&world);
    read_file(&world, "/lone.pem", &pem);
    read_file(&world, "/other.pem", &other_pem);
    expect(&world, "fetch-issuer ");
    answer(&world, FETCH_ANSWER, &der);
    expect(&world, "store-issuer fetch fetch ");
    host_free(world.host);
    buf_put_slice(&world.kept_issuer, slice_of_buf(&der));
    world_open(&world);
    read_file(&world, "/lone.pem", &pem);
    expect(&world, "fetch ");
    world_close(&world);
    X509_free(lone);
    X509_free(other);
    pki_free(&pki);
}

static void test_failed_issuer_fetch_is_told_and_tried_again_in_an_hour(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    X509 *lone =
        mint_leaf(pki.ca, "1003", "OCSP;URI:" URL ",caIssuers;URI:http://ca.example/ca.crt");
    _cleanup_(buf_deinit)
    struct buf pem = BUF_INIT(4096);

    (void)state;
    put_pem(&pem, lone);
    world_open(&world);
    read_file(&world, "/lone.pem", &pem);
    answer(&world, FETCH_ANSWER, &pki.answer); /* no certificate at all */
    expect(&world, "fetch-issuer ");
    assert_int_equal(world.warnings, 2);
    pass_time(&world, 3500);
    expect(&world, "");
    assert_int_equal(world.warnings, 2);
    pass_time(&world, 200);
    expect(&world, "fetch-issuer ");
    world_close(&world);
    X509_free(lone);
    pki_free(&pki);
}

static void test_issuer_that_comes_in_a_later_file_is_used(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    _cleanup_(buf_deinit)
    struct buf pem = BUF_INIT(4096);

    (void)state;
    put_pem(&pem, pki.leaf);
    world_open(&world);
    read_file(&world, "/cert.pem", &pem);
    expect(&world, "");
    assert_int_equal(world.warnings, 1);
    buf_clear(&pem);
    put_pem(&pem, pki.ca);
    read_file(&world, "/chain.pem", &pem);
    expect(&world, "fetch ");
    world_close(&world);
    pki_free(&pki);
}

static int teardown(void **state)
{
    (void)state;
    mint_deinit();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_staple_is_stored_before_it_is_published),
        cmocka_unit_test(test_one_fetch_for_a_certificate_in_two_files),
        cmocka_unit_test(test_renewal_replaces_the_old_staple_by_the_new_one),
        cmocka_unit_test(test_renewal_without_answer_takes_the_old_staple_away_quietly),
        cmocka_unit_test(test_second_certificate_of_a_file_is_renewed_like_the_first),
        cmocka_unit_test(test_broken_file_keeps_its_last_certificate),
        cmocka_unit_test(test_deleted_file_has_ten_seconds_to_come_back),
        cmocka_unit_test(test_failing_store_never_holds_back_publishing),
        cmocka_unit_test(test_restart_in_an_outage_needs_no_responder),
        cmocka_unit_test(test_lost_store_is_refilled_from_what_is_published),
        cmocka_unit_test(test_published_answer_of_the_certificate_before_is_left_alone),
        cmocka_unit_test(test_stored_answer_of_another_certificate_is_not_used),
        cmocka_unit_test(test_issuer_is_fetched_once_and_kept),
        cmocka_unit_test(test_failed_issuer_fetch_is_told_and_tried_again_in_an_hour),
        cmocka_unit_test(test_issuer_that_comes_in_a_later_file_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
