/* SPDX-License-Identifier: Apache-2.0 */

/* The host with recorded ports: files in, what it wants done out, in virtual time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/test-world.h"

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

/* The CA is a root, which GnuTLS has to be given one way or the other. */
static void test_root_that_stands_in_no_file_of_the_leaf_is_embedded(void **state)
{
    struct world world = world_new();
    struct pki pki = pki_new();
    _cleanup_(buf_deinit)
    struct buf leaf = BUF_INIT(4096);
    _cleanup_(buf_deinit)
    struct buf ca = BUF_INIT(4096);

    (void)state;
    start(&world, &pki);
    assert_int_equal(world.shown_size, pki.answer.size);
    host_free(world.host);
    world_open(&world);
    buf_clear(&world.stored);
    put_pem(&leaf, pki.leaf);
    put_pem(&ca, pki.ca);
    read_file(&world, "/ca.pem", &ca);
    read_file(&world, "/leaf.pem", &leaf);
    answer(&world, FETCH_ANSWER, &pki.answer);
    expect(&world, "fetch store publish!/leaf.pem ");
    assert_true(world.shown_size > pki.answer.size);
    world_close(&world);
    pki_free(&pki);
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
        cmocka_unit_test(test_root_that_stands_in_no_file_of_the_leaf_is_embedded),
    };

    return cmocka_run_group_tests(tests, NULL, world_teardown);
}
