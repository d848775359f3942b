/* SPDX-License-Identifier: Apache-2.0 */

/* Answers on the shelf: what is asked with, read again, kept for others, and for how long. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/test-world.h"

/* Of a lifetime of four days and an hour: the first refresh lies before. */
#define REFRESH_S (60 * 3600)
#define DAY_S     86400

static void test_an_entity_tag_is_sent_until_the_answer_changes(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world.etag = "\"v1\"";
    start(&world, &pki);
    pass_time(&world, REFRESH_S);
    expect(&world, "fetch\"v1\" ");
    answer(&world, FETCH_NOT_MODIFIED, NULL);
    expect(&world, "");
    pass_time(&world, 12 * 3600);
    expect(&world, "fetch\"v1\" ");
    world.etag = "W/\"v2\"";
    answer(&world, FETCH_ANSWER, &pki.answer); /* the same octets under another name */
    pass_time(&world, 8 * 3600);
    expect(&world, "fetchW/\"v2\" ");
    world.etag = NULL;
    answer(&world, FETCH_ANSWER, &pki.answer);
    pass_time(&world, 6 * 3600);
    expect(&world, "fetch ");
    assert_int_equal(world.warnings, 0);
    world_close(&world);
    pki_free(&pki);
}

static void test_an_entity_tag_does_not_outlive_its_answer(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world.etag = "\"v1\"";
    start(&world, &pki);
    pass_time(&world, 5 * DAY_S); /* it has ended: nothing that is unchanged is of use */
    buf_clear(&world.trace);
    while (world.order_count) {
        answer(&world, FETCH_REFUSED, NULL);
    }
    pass_time(&world, 3600);
    assert_null(strstr(buf_text(&world.trace), "v1"));
    assert_non_null(strstr(buf_text(&world.trace), "fetch "));
    world_close(&world);
    pki_free(&pki);
}

static void test_an_entity_tag_is_not_kept_over_a_restart(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world.etag = "\"v1\"";
    start(&world, &pki);
    host_free(world.host);
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    pass_time(&world, REFRESH_S);
    expect(&world, "publish!/a.pem fetch ");
    world_close(&world);
    pki_free(&pki);
}

static void test_an_entity_tag_that_is_too_long_is_not_kept(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    char etag[LIMIT_ETAG_SIZE + 2];

    (void)state;
    memset(etag, 'x', sizeof(etag) - 1);
    etag[sizeof(etag) - 1] = 0;
    world.etag = etag;
    start(&world, &pki);
    pass_time(&world, REFRESH_S);
    expect(&world, "fetch ");
    world_close(&world);
    pki_free(&pki);
}

static void test_an_entity_tag_of_a_post_says_nothing_of_a_get(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    world.etag = "\"v1\"";
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    answer(&world, FETCH_BROKEN, NULL);
    expect(&world, "fetch post ");
    answer(&world, FETCH_ANSWER, &pki.answer);
    expect(&world, "store publish!/a.pem ");
    pass_time(&world, REFRESH_S);
    expect(&world, "fetch ");
    world_close(&world);
    pki_free(&pki);
}

static void test_an_entity_tag_is_good_for_its_own_url(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    X509 *leaf = mint_leaf(pki.ca, "1006", "OCSP;URI:http://a.example/,OCSP;URI:http://b.example/");
    _cleanup_(buf_deinit)
    struct buf pem = BUF_INIT(LIMIT_CERT_FILE_SIZE), good = BUF_INIT(LIMIT_ANSWER_SIZE);

    (void)state;
    put_pem(&pem, leaf);
    put_pem(&pem, pki.ca);
    mint_good(&good, leaf, pki.ca);
    world.etag = "\"v1\"";
    world_open(&world);
    read_file(&world, "/a.pem", &pem);
    answer(&world, FETCH_REFUSED, NULL);
    expect(&world, "fetch fetch ");
    answer(&world, FETCH_ANSWER, &good);
    expect(&world, "store publish!/a.pem ");
    pass_time(&world, REFRESH_S);
    expect(&world, "fetch ");
    answer(&world, FETCH_REFUSED, NULL);
    expect(&world, "fetch\"v1\" ");
    world_close(&world);
    X509_free(leaf);
    buf_deinit(&good);
    pki_free(&pki);
}

/* At a start with the clock far ahead everything kept seems to have ended. */
static void test_the_store_is_read_again_when_the_clock_is_set_right(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    buf_put_slice(&world.stored, slice_of_buf(&pki.answer));
    world_open(&world);
    world.now.wall_s += 30 * DAY_S;
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "fetch ");
    answer(&world, FETCH_REFUSED, NULL);
    world.now.wall_s -= 30 * DAY_S;
    assert_int_equal(world.general, 0);
    assert_int_equal(host_tick(world.host, world.now), 0);
    flush(&world);
    expect(&world, "fetch cancel publish!/a.pem "); /* the second try was due just then */
    assert_true(world.general > 0);                 /* the clock was set */
    world_close(&world);
    pki_free(&pki);
}

/* A store that fails has an older answer than the shelf, or one that was dropped since. */
static void test_what_waits_for_the_store_counts_when_it_is_read_again(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    _cleanup_(buf_deinit)
    struct buf foreign = BUF_INIT(LIMIT_ANSWER_SIZE);

    (void)state;
    buf_put_slice(&foreign, slice_of_buf(&pki.renewed_answer));
    buf_put_slice(&world.stored, slice_of_buf(&pki.answer));
    world_open(&world);
    world.now.wall_s += 30 * DAY_S;
    read_file(&world, "/a.pem", &pki.leaf_pem);
    host_store_lost(world.host); /* what was read is to be written once more */
    buf_clear(&world.stored);
    buf_put_slice(&world.stored, slice_of_buf(&foreign));
    answer(&world, FETCH_REFUSED, NULL);
    buf_clear(&world.trace);
    world.now.wall_s -= 30 * DAY_S;
    assert_int_equal(host_tick(world.host, world.now), 0);
    flush(&world);
    assert_non_null(strstr(buf_text(&world.trace), "publish!/a.pem "));
    world_close(&world);
    pki_free(&pki);
}

static void test_the_planned_time_survives_a_restart(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();

    (void)state;
    buf_put_slice(&world.stored, slice_of_buf(&pki.answer));
    world.next_try_s = MINT_NOW + 5 * 3600;
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    expect(&world, "publish!/a.pem ");
    pass_time(&world, 5 * 3600 - 10);
    expect(&world, "");
    pass_time(&world, 11);
    expect(&world, "fetch ");
    world_close(&world);
    pki_free(&pki);
}

static void test_a_must_staple_leaf_keeps_its_staple_a_day_longer(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    struct buf pem = BUF_INIT(LIMIT_CERT_FILE_SIZE), good = BUF_INIT(LIMIT_ANSWER_SIZE);
    X509 *leaf = mint_cert(&(struct mint_cert){
        .name = "must.example",
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = pki.ca,
        .serial_hex = "1007",
        .extensions = {{"authorityInfoAccess", "OCSP;URI:" URL}, {"tlsfeature", "status_request"}},
    });

    (void)state;
    start(&world, &pki);
    assert_int_equal(world.keep_until_s, MINT_NOW + 4 * DAY_S);
    put_pem(&pem, leaf);
    put_pem(&pem, pki.ca);
    mint_good(&good, leaf, pki.ca);
    buf_clear(&world.stored);
    read_file(&world, "/m.pem", &pem);
    answer(&world, FETCH_ANSWER, &good);
    expect(&world, "fetch store publish!/m.pem ");
    assert_int_equal(world.keep_until_s, MINT_NOW + 5 * DAY_S);
    world_close(&world);
    X509_free(leaf);
    buf_deinit(&pem);
    buf_deinit(&good);
    pki_free(&pki);
}

static void test_one_answer_serves_two_leaves_of_one_number(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    X509 *twin = mint_leaf(pki.ca, "1001", "OCSP;URI:http://elsewhere.example/");
    _cleanup_(buf_deinit)
    struct buf pem = BUF_INIT(LIMIT_CERT_FILE_SIZE);

    (void)state;
    put_pem(&pem, twin);
    put_pem(&pem, pki.ca);
    world.etag = "\"v1\"";
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    read_file(&world, "/b.pem", &pem);
    expect(&world, "fetch ");
    answer(&world, FETCH_ANSWER, &pki.answer);
    expect(&world, "store store publish!/a.pem publish!/b.pem ");
    assert_int_equal(world.commits, 3); /* a row each, then both answers at once */
    world_close(&world);
    X509_free(twin);
    pki_free(&pki);
}

static void test_an_answer_that_comes_too_late_is_of_no_use(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    uint64_t late;

    (void)state;
    world.etag = "\"v1\"";
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    late = world.orders[0].id;
    pass_time(&world, 61); /* the engine's patience */
    expect(&world, "fetch cancel ");
    assert_false(host_is_asking(world.host));
    world.orders[0].id = late;
    answer(&world, FETCH_ANSWER, &pki.answer);
    expect(&world, "");
    assert_false(host_is_asking(world.host));
    world_close(&world);
    pki_free(&pki);
}

static void keep_last(void *context, const struct cert_row *row)
{
    struct buf *last = context;

    if (strcmp(row->path, "/b.pem") == 0) {
        buf_put_text(last, row->last);
    }
}

static void test_who_waits_for_a_responder_that_is_down_says_so(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    _cleanup_(buf_deinit)
    struct buf last = BUF_INIT(4096);

    (void)state;
    world_open(&world);
    read_file(&world, "/a.pem", &pki.leaf_pem);
    for (unsigned i = 0; i < 100 && !world.general; i++) {
        while (world.order_count) {
            answer(&world, FETCH_REFUSED, NULL);
        }
        pass_time(&world, 20);
    }
    while (!world.order_count) {
        pass_time(&world, 20); /* until the first tries it again */
    }
    assert_int_equal(world.general, 1);
    read_file(&world, "/b.pem", &pki.renewed_pem);
    pass_time(&world, 0);
    host_rows(world.host, world.now, NULL, keep_last, &last);
    assert_non_null(strstr(buf_text(&last), "is down, not asked"));
    assert_null(strchr(buf_text(&last), ';')); /* nothing that the row tells as it is by now */
    assert_int_equal(host_responders(world.host), 1);
    world_close(&world);
    pki_free(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entity_tag_is_sent_until_the_answer_changes),
        cmocka_unit_test(test_an_entity_tag_does_not_outlive_its_answer),
        cmocka_unit_test(test_an_entity_tag_is_not_kept_over_a_restart),
        cmocka_unit_test(test_an_entity_tag_that_is_too_long_is_not_kept),
        cmocka_unit_test(test_an_entity_tag_of_a_post_says_nothing_of_a_get),
        cmocka_unit_test(test_an_entity_tag_is_good_for_its_own_url),
        cmocka_unit_test(test_the_store_is_read_again_when_the_clock_is_set_right),
        cmocka_unit_test(test_what_waits_for_the_store_counts_when_it_is_read_again),
        cmocka_unit_test(test_the_planned_time_survives_a_restart),
        cmocka_unit_test(test_a_must_staple_leaf_keeps_its_staple_a_day_longer),
        cmocka_unit_test(test_one_answer_serves_two_leaves_of_one_number),
        cmocka_unit_test(test_an_answer_that_comes_too_late_is_of_no_use),
        cmocka_unit_test(test_who_waits_for_a_responder_that_is_down_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, world_teardown);
}
