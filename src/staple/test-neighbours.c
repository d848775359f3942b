/* SPDX-License-Identifier: Apache-2.0 */

/* libclinch-preload beside others in one process: libraries that stand before OpenSSL, too, itself
 * a second time, and a second OpenSSL. This program runs itself with LD_PRELOAD, as a server that
 * tells by its exit code what a client has seen. */

#include "staple/test-world.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <time.h>

#define NO_STAPLE 100
#define WRONG     101

/* No callback but the server's own must be seen: it has none. HAProxy would call what it is told.
 */
static int serve(void)
{
    SSL_CTX *server = test_server();
    int (*callback)(SSL *, void *) = NULL;
    struct timespec now;
    int seen;

    SSL_CTX_get_tlsext_status_cb(server, &callback);
    clock_gettime(CLOCK_REALTIME, &now);
    test_publish(test_dir, test_ecdsa.id, 6);
    test_stamp(test_dir, test_ecdsa.id, now.tv_sec + 3600);
    seen = test_shake(server, TEST_ECDSA);
    SSL_CTX_free(server);
    return callback || seen == TEST_FAILED ? WRONG : seen == TEST_NONE ? NO_STAPLE : seen;
}

struct openssl {
    SSL_CTX *(*new)(const SSL_METHOD *);
    const SSL_METHOD *(*method)(void);
    long (*ctrl)(SSL_CTX *, int, long, void *);
    void (*free)(SSL_CTX *);
};

static void find(void *object, const char *name, void *slot)
{
    void *function = dlsym(object, name);

    assert_non_null(function);
    memcpy(slot, &function, sizeof(function));
}

/* By its own functions, as who knows nothing of the other. */
static void open_openssl(struct openssl *openssl, const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    assert_non_null(object);
    find(object, "SSL_CTX_new", &openssl->new);
    find(object, "TLS_server_method", &openssl->method);
    find(object, "SSL_CTX_ctrl", &openssl->ctrl);
    find(object, "SSL_CTX_free", &openssl->free);
}

static void *callback_of(const struct openssl *openssl)
{
    SSL_CTX *ctx = openssl->new (openssl->method());
    void *callback = NULL;

    assert_non_null(ctx);
    openssl->ctrl(ctx, SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB, 0, (void *)&callback);
    openssl->free(ctx);
    return callback;
}

static void copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct stat info;

    assert_true(in >= 0 && out >= 0);
    assert_int_equal(fstat(in, &info), 0);
    assert_int_equal(sendfile(out, in, NULL, (size_t)info.st_size), info.st_size);
    close(in);
    close(out);
}

/* Contexts of two copies, made at the same place of the program. */
static int use_two(void)
{
    struct openssl one, other;
    void *of_one, *of_other;
    char path[100];
    Dl_info info;

    assert_int_not_equal(dladdr((void *)SSL_CTX_free, &info), 0);
    snprintf(path, sizeof(path), "%s/libssl.so", test_dir);
    copy(info.dli_fname, path);
    open_openssl(&one, info.dli_fname);
    open_openssl(&other, path);
    of_one = callback_of(&one);
    of_other = callback_of(&other);
    return of_one && of_other && of_one != of_other && callback_of(&one) == of_one ? 6 : WRONG;
}

static int run(const char *role, const char *libraries)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("LD_PRELOAD", libraries, 1);
        setenv("CLINCH_STAPLES", test_dir, 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
        execl("/proc/self/exe", "server", role, test_dir, NULL);
        _exit(WRONG);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;
}

static void test_alone_it_staples(void **state)
{
    (void)state;
    assert_int_equal(run("serve", ""), NO_STAPLE);
    assert_int_equal(run("serve", PRELOAD), 6);
}

/* Who stands before it calls what is behind, and must not be called back. */
static void test_library_before_it_is_not_called_back(void **state)
{
    (void)state;
    assert_int_equal(run("serve", SHIM ":" PRELOAD), 6);
}

static void test_library_behind_it_is_not_left_out(void **state)
{
    (void)state;
    assert_int_equal(run("serve", PRELOAD ":" SHIM), NO_STAPLE); /* which is not OpenSSL */
}

static void test_two_of_it_are_as_one(void **state)
{
    char libraries[400];

    (void)state;
    snprintf(libraries, sizeof(libraries), "%s:%s/other.so", PRELOAD, test_dir);
    copy(PRELOAD, strchr(libraries, ':') + 1);
    assert_int_equal(run("serve", libraries), 6);
}

static void test_two_openssls_get_a_callback_each(void **state)
{
    (void)state;
    assert_int_equal(run("two", PRELOAD), 6);
}

/* CLINCH_DEBUG is for people who look; they may have gone. */
static void test_stderr_that_nobody_reads_ends_nothing(void **state)
{
    int ends[2], kept = dup(STDERR_FILENO);
    int seen;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    setenv("CLINCH_DEBUG", "1", 1);
    seen = run("serve", PRELOAD);
    unsetenv("CLINCH_DEBUG");
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(seen, 6);
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, test_begin, test_end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_alone_it_staples),
        PLAY(test_library_before_it_is_not_called_back),
        PLAY(test_library_behind_it_is_not_left_out),
        PLAY(test_two_of_it_are_as_one),
        PLAY(test_two_openssls_get_a_callback_each),
        PLAY(test_stderr_that_nobody_reads_ends_nothing),
    };
    int r;

    if (argc < 3) {
        return cmocka_run_group_tests_name("staple-neighbours", tests, NULL, NULL);
    }
    snprintf(test_dir, sizeof(test_dir), "%s", argv[2]);
    test_clock_start();
    test_make_leaves(NULL);
    r = strcmp(argv[1], "two") == 0 ? use_two() : serve();
    test_free_leaves(NULL);
    return r;
}
