/* SPDX-License-Identifier: Apache-2.0 */

/* What libclinch-staple promises, by handshakes in memory. */

#include "staple/test-world.h"

#include <errno.h>
#include <openssl/err.h>

/* A server's own callback: what it does, and what it was called with. */
static int theirs_returns;
static uint8_t theirs_fill; /* 0: sets nothing */
static unsigned theirs_calls;
static void *theirs_argument;

static int theirs(SSL *ssl, void *argument)
{
    ++theirs_calls;
    theirs_argument = argument;
    if (theirs_fill) {
        unsigned char *copy = OPENSSL_malloc(10);

        memset(copy, theirs_fill, 10);
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, 10);
    }
    return theirs_returns;
}

static SSL_CTX *server;
static int marker;

static int begin(void **state)
{
    test_begin(state);
    theirs_returns = SSL_TLSEXT_ERR_OK;
    theirs_fill = 0x77;
    theirs_calls = 0;
    theirs_argument = NULL;
    server = test_server();
    return 0;
}

static int end(void **state)
{
    SSL_CTX_free(server);
    return test_end(state);
}

static void attach(void)
{
    assert_int_equal(clinch_staple_attach(server, test_dir), 0);
}

static void set_theirs(void)
{
    SSL_CTX_set_tlsext_status_cb(server, theirs);
    SSL_CTX_set_tlsext_status_arg(server, &marker);
}

static void test_each_certificate_of_a_context_has_its_own(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    attach();
    test_publish(test_dir, test_rsa.id, 1);
    test_publish(test_dir, test_ecdsa.id, 2);
    for (unsigned i = 0; i < 2; ++i) {
        SSL_CTX *rsa = test_client(versions[i], TEST_RSA);
        SSL_CTX *ecdsa = test_client(versions[i], TEST_ECDSA);

        assert_int_equal(test_handshake(server, rsa), 1);
        assert_int_equal(test_handshake(server, ecdsa), 2);
        SSL_CTX_set_tlsext_status_type(rsa, -1); /* does not ask */
        assert_int_equal(test_handshake(server, rsa), TEST_NONE);
        SSL_CTX_free(rsa);
        SSL_CTX_free(ecdsa);
    }
}

/* More certificates, one after the other, than hashes are remembered, and the first again. */
static void test_certificate_may_change_while_the_server_runs(void **state)
{
    (void)state;
    attach();
    for (unsigned i = 0; i < 12; ++i) {
        X509 *other = X509_dup(test_ecdsa.cert);
        uint8_t id[STAPLE_ID_SIZE];

        ASN1_INTEGER_set(X509_get_serialNumber(other), 2 + i % 6);
        assert_true(X509_sign(other, test_ecdsa.key, EVP_sha256()) > 0);
        assert_int_equal(X509_digest(other, EVP_sha256(), id, NULL), 1);
        assert_int_equal(SSL_CTX_use_certificate(server, other), 1);
        X509_free(other); /* its address may be the next one's */
        assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
        test_publish(test_dir, id, (uint8_t)(i + 1));
        test_clock_advance(1000);
        assert_int_equal(test_shake(server, TEST_ECDSA), i + 1);
        assert_int_equal(test_shake(server, TEST_ECDSA), i + 1);
    }
}

static void test_handshakes_follow_the_folder(void **state)
{
    (void)state;
    attach();
    assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
    test_publish(test_dir, test_ecdsa.id, 1);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    test_publish(test_dir, test_ecdsa.id, 2);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 2);
    test_clock_advance(3600 * 1000); /* its end */
    assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
    test_publish(test_dir, test_ecdsa.id, 3);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 3);
    test_withdraw(test_dir, test_ecdsa.id);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
}

static void test_folder_is_asked_before_the_servers_own(void **state)
{
    (void)state;
    set_theirs();
    attach();
    test_publish(test_dir, test_ecdsa.id, 1);
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    assert_int_equal(theirs_calls, 0);
    assert_int_equal(test_shake(server, TEST_RSA), 0x77);
    assert_int_equal(theirs_calls, 1);
    assert_ptr_equal(theirs_argument, &marker);
    theirs_returns = SSL_TLSEXT_ERR_ALERT_FATAL; /* as without the library */
    assert_int_equal(test_shake(server, TEST_RSA), TEST_FAILED);
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
}

static void test_folder_may_be_the_fallback(void **state)
{
    (void)state;
    set_theirs();
    attach();
    assert_int_equal(clinch_staple_set_mode(server, CLINCH_STAPLE_FALLBACK), 0);
    test_publish(test_dir, test_ecdsa.id, 1);
    assert_int_equal(test_shake(server, TEST_ECDSA), 0x77);
    assert_ptr_equal(theirs_argument, &marker);
    theirs_fill = 0; /* OK, and nothing to send */
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    theirs_returns = SSL_TLSEXT_ERR_NOACK;
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    assert_int_equal(test_shake(server, TEST_RSA), TEST_NONE);
    assert_int_equal(theirs_calls, 4); /* once each */
}

static void test_attaching_twice_is_harmless(void **state)
{
    char other[80];

    (void)state;
    set_theirs();
    attach();
    attach();
    test_publish(test_dir, test_ecdsa.id, 1);
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    assert_int_equal(test_shake(server, TEST_RSA), 0x77);
    snprintf(other, sizeof(other), "%s/other", test_dir);
    assert_int_equal(mkdir(other, 0755), 0);
    test_publish(other, test_ecdsa.id, 2);
    assert_int_equal(clinch_staple_attach(server, other), 0);
    assert_int_equal(test_shake(server, TEST_ECDSA), 2);
    assert_int_equal(test_shake(server, TEST_RSA), 0x77);
    assert_int_equal(theirs_calls, 2);
}

/* A server that sets its own behind us has taken ours away; attaching again mends that. */
static void test_attaching_again_keeps_what_was_set_meanwhile(void **state)
{
    (void)state;
    attach();
    set_theirs();
    test_publish(test_dir, test_ecdsa.id, 1);
    assert_int_equal(test_shake(server, TEST_ECDSA), 0x77);
    attach();
    assert_int_equal(test_shake(server, TEST_ECDSA), 1);
    assert_int_equal(test_shake(server, TEST_RSA), 0x77);
}

/* What an SSL was given stays in it; a callback that says "OK" without a look must not send it. */
static void test_staple_of_the_last_handshake_is_not_the_next_ones(void **state)
{
    static const enum clinch_staple_mode modes[] = {CLINCH_STAPLE_FIRST, CLINCH_STAPLE_FALLBACK};

    (void)state;
    theirs_fill = 0;
    set_theirs();
    attach();
    for (unsigned i = 0; i < 2; ++i) {
        SSL_CTX *client = test_client(TLS1_3_VERSION, TEST_ECDSA);
        SSL *ssl = SSL_new(server);

        assert_int_equal(clinch_staple_set_mode(server, modes[i]), 0);
        test_publish(test_dir, test_ecdsa.id, 6);
        test_clock_advance(1000);
        assert_int_equal(test_handshake_of(ssl, client), 6);
        test_withdraw(test_dir, test_ecdsa.id);
        test_clock_advance(1000);
        assert_int_equal(SSL_clear(ssl), 1);
        assert_int_equal(test_handshake_of(ssl, client), TEST_NONE);
        SSL_free(ssl);
        SSL_CTX_free(client);
    }
}

static void test_client_is_left_as_it_was(void **state)
{
    SSL_CTX *client = test_client(TLS1_3_VERSION, TEST_ECDSA);

    (void)state;
    attach();
    test_publish(test_dir, test_ecdsa.id, 1);
    assert_int_equal(clinch_staple_attach(client, test_dir), 0);
    assert_int_equal(test_handshake(server, client), 1);
    test_publish(test_dir, test_rsa.id, 9); /* of a certificate that the client shows itself */
    assert_int_equal(SSL_CTX_use_certificate(client, test_rsa.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(client, test_rsa.key), 1);
    assert_int_equal(test_handshake(server, client), 1);
    SSL_CTX_free(client);
    client = test_client(TLS1_3_VERSION, TEST_ECDSA);
    SSL_CTX_set_tlsext_status_cb(client, theirs);
    assert_int_equal(clinch_staple_attach(client, test_dir), 0);
    theirs_fill = 0;
    theirs_returns = 1;
    assert_int_equal(test_handshake(server, client), 1);
    theirs_returns = 0; /* does not like the staple */
    assert_int_equal(test_handshake(server, client), TEST_FAILED);
    assert_int_equal(theirs_calls, 2);
    SSL_CTX_free(client);
}

static void test_wrong_arguments_change_nothing(void **state)
{
    unsigned char *der = NULL;
    size_t size = 77;

    (void)state;
    assert_int_equal(clinch_staple_attach(NULL, test_dir), -EINVAL);
    assert_int_equal(clinch_staple_attach(server, "staples"), -EINVAL);
    assert_int_equal(clinch_staple_set_mode(server, CLINCH_STAPLE_FIRST), -EINVAL);
    attach();
    assert_int_equal(clinch_staple_set_mode(server, (enum clinch_staple_mode)7), -EINVAL);
    assert_int_equal(clinch_staple_set_mode(NULL, CLINCH_STAPLE_FIRST), -EINVAL);
    assert_int_equal(clinch_staple_get(test_dir, NULL, &der, &size), -EINVAL);
    assert_int_equal(clinch_staple_get(test_dir, test_rsa.cert, NULL, &size), -EINVAL);
    assert_int_equal(clinch_staple_find(test_dir, NULL, &der, &size), -EINVAL);
    assert_int_equal(clinch_staple_find("x", test_rsa.id, &der, &size), -EINVAL);
    assert_null(der);
    assert_int_equal(size, 77);
}

static void test_staple_can_be_had_by_certificate_and_by_hash(void **state)
{
    unsigned char *der = NULL;
    size_t size = 0;

    (void)state;
    assert_int_equal(clinch_staple_get(test_dir, test_rsa.cert, &der, &size), CLINCH_STAPLE_NONE);
    assert_null(der);
    test_publish(test_dir, test_rsa.id, 4);
    test_clock_advance(1000);
    assert_int_equal(clinch_staple_get(test_dir, test_rsa.cert, &der, &size), 0);
    assert_int_equal(size, 500);
    assert_int_equal(der[499], 4);
    OPENSSL_free(der);
    assert_int_equal(clinch_staple_find(test_dir, test_rsa.id, &der, &size), 0);
    OPENSSL_free(der);
    assert_int_equal(clinch_staple_find(NULL,
                                        (const unsigned char *)"01234567890123456789012345678901",
                                        &der, &size),
                     CLINCH_STAPLE_NONE);
}

static void test_errors_of_the_program_are_left_alone(void **state)
{
    unsigned char *der;
    size_t size;

    (void)state;
    attach();
    ERR_raise(ERR_LIB_USER, 7);
    errno = 77;
    assert_int_equal(clinch_staple_attach(server, "/nowhere/at/all"), 0);
    assert_int_equal(clinch_staple_get("/nowhere/either", test_rsa.cert, &der, &size),
                     CLINCH_STAPLE_NONE);
    assert_int_equal(errno, 77);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 7);
    ERR_clear_error();
}

/* OpenSSL's allocations fail in turn. */
static long allocations_left = -1; /* negative: all succeed */

static bool allocation_fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return allocation_fails() ? NULL : malloc(size);
}

static void *reallocate(void *data, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return allocation_fails() ? NULL : realloc(data, size);
}

static void release(void *data, const char *file, int line)
{
    (void)file, (void)line;
    free(data);
}

static void test_without_memory_the_context_is_as_it_was(void **state)
{
    int (*callback)(SSL *, void *);
    int r = -ENOMEM;

    (void)state;
    for (long i = 0; r; ++i) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        assert_non_null(ctx);
        allocations_left = i;
        r = clinch_staple_attach(ctx, test_dir);
        allocations_left = -1;
        assert_true(r == 0 || r == -ENOMEM);
        SSL_CTX_get_tlsext_status_cb(ctx, &callback);
        assert_int_equal(callback != NULL, r == 0);
        assert_int_equal(ERR_peek_error(), 0);
        SSL_CTX_free(ctx);
        assert_true(i < 20);
    }
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_each_certificate_of_a_context_has_its_own),
        PLAY(test_certificate_may_change_while_the_server_runs),
        PLAY(test_handshakes_follow_the_folder),
        PLAY(test_folder_is_asked_before_the_servers_own),
        PLAY(test_folder_may_be_the_fallback),
        PLAY(test_attaching_twice_is_harmless),
        PLAY(test_attaching_again_keeps_what_was_set_meanwhile),
        PLAY(test_staple_of_the_last_handshake_is_not_the_next_ones),
        PLAY(test_client_is_left_as_it_was),
        PLAY(test_wrong_arguments_change_nothing),
        PLAY(test_staple_can_be_had_by_certificate_and_by_hash),
        PLAY(test_errors_of_the_program_are_left_alone),
        PLAY(test_without_memory_the_context_is_as_it_was),
    };

    if (!CRYPTO_set_mem_functions(allocate, reallocate, release)) {
        return 99;
    }
    return cmocka_run_group_tests_name("staple-attach", tests, test_make_leaves, test_free_leaves);
}
