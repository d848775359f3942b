/* SPDX-License-Identifier: Apache-2.0 */

/* Many threads, forks and changes at once; made for the sanitizers of addresses and of threads. */

#include "staple/test-world.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#define THREADS 64
#define ROUNDS  12

static SSL_CTX *server;
static bool stop;                      /* atomic */
static unsigned served, failed, wrong; /* atomic */

static int begin(void **state)
{
    test_begin(state);
    server = test_server();
    stop = false;
    served = failed = wrong = 0;
    assert_int_equal(clinch_staple_attach(server, test_dir), 0);
    return 0;
}

static int end(void **state)
{
    SSL_CTX_free(server);
    return test_end(state);
}

static void count(unsigned *what)
{
    __atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

/* RSA staples have odd fill octets, ECDSA staples even ones. */
static void *shake_some(void *data)
{
    bool odd = data != NULL;
    SSL_CTX *client =
        test_client(odd ? TLS1_2_VERSION : TLS1_3_VERSION, odd ? TEST_RSA : TEST_ECDSA);

    for (unsigned i = 0; i < ROUNDS; ++i) {
        int seen = test_handshake(server, client);

        if (seen == TEST_FAILED) {
            count(&failed);
        } else if (seen != TEST_NONE) {
            count(seen % 2 == odd ? &served : &wrong);
        }
    }
    SSL_CTX_free(client);
    return NULL;
}

/* Everything that may happen to the file of @id. */
static void disturb(const uint8_t *id, unsigned turn, uint8_t fill)
{
    uint8_t *answer = test_answer(2000, fill);
    char path[256];

    test_path(path, test_dir, id);
    switch (turn % 8) {
    case 0:
        test_put(test_dir, id, answer, 1999); /* truncated */
        break;
    case 1:
        test_put(test_dir, id, "junk", 4);
        break;
    case 2:
        unlink(path);
        break;
    case 3:
        test_put(test_dir, id, answer, 2000);
        assert_int_equal(truncate(path, 1 << 30), 0);
        break;
    case 4:
        test_put(test_dir, id, answer, 2000);
        test_stamp(test_dir, id, test_wall_s - 1);
        break;
    default:
        test_put(test_dir, id, answer, 2000);
    }
    free(answer);
}

static void *disturb_all(void *data)
{
    (void)data;
    for (unsigned turn = 0; !stopped(); ++turn) {
        disturb(test_rsa.id, turn, (uint8_t)(turn * 2 + 1));
        disturb(test_ecdsa.id, turn + 3, (uint8_t)(turn * 2));
        test_clock_advance(1000);
    }
    return NULL;
}

static void start_threads(pthread_t threads[THREADS], void *(*run)(void *))
{
    for (unsigned i = 0; i < THREADS; ++i) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, i % 2 ? &stop : NULL), 0);
    }
}

static void join_threads(pthread_t threads[THREADS])
{
    for (unsigned i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
}

static void test_threads_shake_hands_while_files_change(void **state)
{
    pthread_t threads[THREADS];
    pthread_t other;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, disturb_all, NULL), 0);
    start_threads(threads, shake_some);
    join_threads(threads);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(other, NULL);
    assert_int_equal(failed, 0);
    assert_int_equal(wrong, 0); /* nobody ever got the staple of another certificate */
    assert_true(served > 0);
}

/* Also the threads that come first, at the same time, all have one. */
static void test_no_thread_misses_the_first_staple(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    test_publish(test_dir, test_rsa.id, 1);
    test_publish(test_dir, test_ecdsa.id, 2);
    start_threads(threads, shake_some);
    join_threads(threads);
    assert_int_equal(served, THREADS * ROUNDS);
}

static void *look_up_all_the_time(void *data)
{
    unsigned char id[STAPLE_ID_SIZE] = {0};

    id[0] = (uint8_t)((uintptr_t)data >> 4);
    while (!stopped()) {
        unsigned char *der;
        size_t size;

        ++id[0], ++id[1];
        if (clinch_staple_find(test_dir, id, &der, &size) == 0) {
            OPENSSL_free(der);
        }
    }
    return NULL;
}

/* A child of a fork in the middle of it all, which has one thread and no other to unlock anything.
 */
static void fork_one(void)
{
    unsigned char *der;
    size_t size;
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20); /* a deadlock ends, and is told by the signal */
        _exit(clinch_staple_find(test_dir, test_ecdsa.id, &der, &size) == 0 && size == 500 ? 7 : 8);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void test_children_of_a_fork_wait_for_nobody(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    test_publish(test_dir, test_ecdsa.id, 2);
    start_threads(threads, look_up_all_the_time);
    for (unsigned i = 0; i < 100; ++i) {
        fork_one();
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    join_threads(threads);
}

static void *attach_all_the_time(void *data)
{
    char folder[100];

    snprintf(folder, sizeof(folder), "%s/%u", test_dir, (unsigned)((uintptr_t)data >> 4) % 8);
    for (unsigned i = 0; i < 20; ++i) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        clinch_staple_attach(ctx, i % 2 ? folder : test_dir);
        clinch_staple_attach(ctx, test_dir);
        SSL_CTX_free(ctx);
    }
    return NULL;
}

static void test_threads_attach_contexts_of_their_own(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    start_threads(threads, attach_all_the_time);
    join_threads(threads);
    test_publish(test_dir, test_ecdsa.id, 4);
    assert_int_equal(test_shake(server, TEST_ECDSA), 4);
}

/* Contexts hold the library's callback: a server's module that was its only user may go. */
static void test_library_stays_when_it_is_closed(void **state)
{
    void *library = dlopen(CLINCH_STAPLE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    int (*attach)(SSL_CTX *, const char *);
    SSL_CTX *ctx = test_server();
    void *function;

    (void)state;
    assert_non_null(library);
    function = dlsym(library, "clinch_staple_attach");
    memcpy(&attach, &function, sizeof(attach));
    assert_non_null(attach);
    assert_int_equal(attach(ctx, test_dir), 0);
    dlclose(library);
    assert_int_equal(test_shake(ctx, TEST_ECDSA), TEST_NONE);
    SSL_CTX_free(ctx);
    assert_non_null(dlopen(CLINCH_STAPLE_LIBRARY, RTLD_NOW | RTLD_NOLOAD));
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_threads_shake_hands_while_files_change),
        PLAY(test_no_thread_misses_the_first_staple),
        PLAY(test_children_of_a_fork_wait_for_nobody),
        PLAY(test_threads_attach_contexts_of_their_own),
        PLAY(test_library_stays_when_it_is_closed),
    };

    return cmocka_run_group_tests_name("staple-torture", tests, test_make_leaves, test_free_leaves);
}
