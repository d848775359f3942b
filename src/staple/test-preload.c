/* SPDX-License-Identifier: Apache-2.0 */

/* The hooks, linked into this program instead of preloaded: they stand before libssl's all the
 * same, also for its own calls. */

#include "staple/test-world.h"

#include <dlfcn.h>
#include <errno.h>

/* The folder must be known before main(), and is the same for all tests. */
#define FOLDER_VARIABLE "CLINCH_STAPLES"

static int theirs(SSL *ssl, void *argument)
{
    unsigned char *copy = OPENSSL_malloc(10);

    *(unsigned *)argument += 1; /* HAProxy's, too, cannot do without its argument */
    memset(copy, 0x77, 10);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, 10);
    return SSL_TLSEXT_ERR_OK;
}

static int begin(void **state)
{
    (void)state;
    snprintf(test_dir, sizeof(test_dir), "%s", getenv(FOLDER_VARIABLE));
    test_clock_start();
    return mkdir(test_dir, 0755);
}

static void test_every_context_staples(void **state)
{
    SSL_CTX *server = test_server();

    (void)state;
    test_publish(test_dir, test_rsa.id, 1);
    test_publish(test_dir, test_ecdsa.id, 2);
    assert_int_equal(test_shake(server, TEST_RSA), 1);
    assert_int_equal(test_shake(server, TEST_ECDSA), 2);
    SSL_CTX_free(server);
    server = SSL_CTX_new_ex(NULL, NULL, TLS_server_method());
    SSL_CTX_use_certificate(server, test_ecdsa.cert);
    SSL_CTX_use_PrivateKey(server, test_ecdsa.key);
    assert_int_equal(test_shake(server, TEST_ECDSA), 2);
    SSL_CTX_free(server);
}

/* What HAProxy does: no callback of ours may be taken for one of its own. */
static void test_server_sees_no_callback_but_its_own(void **state)
{
    SSL_CTX *server = test_server();
    int (*callback)(SSL *, void *) = theirs;
    unsigned calls = 0;
    void *argument = &calls;

    (void)state;
    SSL_CTX_get_tlsext_status_cb(server, &callback);
    assert_null(callback);
    SSL_CTX_get_tlsext_status_arg(server, &argument);
    assert_null(argument);
    assert_int_equal(SSL_CTX_set_tlsext_status_cb(server, theirs), 1);
    SSL_CTX_set_tlsext_status_arg(server, &calls);
    SSL_CTX_get_tlsext_status_cb(server, &callback);
    assert_ptr_equal(callback, theirs);
    SSL_CTX_get_tlsext_status_arg(server, &argument);
    assert_ptr_equal(argument, &calls);
    test_publish(test_dir, test_ecdsa.id, 2);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 2);
    assert_int_equal(calls, 0);
    test_withdraw(test_dir, test_ecdsa.id);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 0x77);
    assert_int_equal(calls, 1);
    SSL_CTX_set_tlsext_status_cb(server, NULL);
    assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
    SSL_CTX_free(server);
}

static void test_other_commands_pass(void **state)
{
    SSL_CTX *server = test_server();

    (void)state;
    SSL_CTX_set_mode(server, SSL_MODE_RELEASE_BUFFERS);
    assert_true(SSL_CTX_get_mode(server) & SSL_MODE_RELEASE_BUFFERS);
    assert_int_equal(SSL_CTX_set_min_proto_version(server, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_get_min_proto_version(server), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_ctrl(server, 9999, 0, NULL), 0);
    assert_int_equal(SSL_CTX_callback_ctrl(server, 9999, NULL), 0);
    assert_int_equal(SSL_CTX_ctrl(NULL, SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB, 0, &server), 0);
    SSL_CTX_free(server);
}

static void test_library_of_a_server_and_preload_go_together(void **state)
{
    SSL_CTX *server = test_server();

    (void)state;
    assert_int_equal(clinch_staple_attach(server, test_dir), 0);
    assert_int_equal(clinch_staple_attach(server, test_dir), 0);
    test_publish(test_dir, test_ecdsa.id, 6);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), 6);
    test_withdraw(test_dir, test_ecdsa.id);
    test_clock_advance(1000);
    assert_int_equal(test_shake(server, TEST_ECDSA), TEST_NONE);
    SSL_CTX_free(server);
}

static void test_failures_stay_those_of_openssl(void **state)
{
    (void)state;
    assert_null(SSL_CTX_new(NULL));
    assert_null(SSL_CTX_new_ex(NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_context_staples),
        cmocka_unit_test(test_server_sees_no_callback_but_its_own),
        cmocka_unit_test(test_other_commands_pass),
        cmocka_unit_test(test_library_of_a_server_and_preload_go_together),
        cmocka_unit_test(test_failures_stay_those_of_openssl),
    };
    char folder[64];
    int r;

    (void)argc;
    if (!getenv(FOLDER_VARIABLE)) {
        snprintf(folder, sizeof(folder), "/tmp/clinch-preload-%ld", (long)getpid());
        setenv(FOLDER_VARIABLE, folder, 1);
        execv("/proc/self/exe", argv);
        return 99;
    }
    unsetenv("CLINCH_DEBUG");
    test_make_leaves(NULL);
    begin(NULL);
    r = cmocka_run_group_tests_name("staple-preload", tests, NULL, test_end);
    test_free_leaves(NULL);
    return r;
}
