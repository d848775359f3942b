/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/test-world.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

int64_t test_wall_s, test_mono_ms;
char test_dir[64];
struct test_leaf test_rsa, test_ecdsa;

static int64_t wall_s(void)
{
    return __atomic_load_n(&test_wall_s, __ATOMIC_RELAXED);
}

static int64_t mono_ms(void)
{
    return __atomic_load_n(&test_mono_ms, __ATOMIC_RELAXED);
}

void test_clock_start(void)
{
    __atomic_store_n(&test_wall_s, TEST_WALL_S, __ATOMIC_RELAXED);
    __atomic_store_n(&test_mono_ms, 5000, __ATOMIC_RELAXED);
    staple_clock = (struct staple_clock){wall_s, mono_ms};
}

void test_clock_advance(int64_t ms)
{
    __atomic_add_fetch(&test_mono_ms, ms, __ATOMIC_RELAXED);
    __atomic_store_n(&test_wall_s, TEST_WALL_S + (mono_ms() - 5000) / 1000, __ATOMIC_RELAXED);
}

int test_begin(void **state)
{
    (void)state;
    test_clock_start();
    snprintf(test_dir, sizeof(test_dir), "/tmp/clinch-staple-XXXXXX");
    assert_non_null(mkdtemp(test_dir));
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

int test_end(void **state)
{
    (void)state;
    assert_int_equal(nftw(test_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    return 0;
}

static void put_header(uint8_t **end, uint8_t tag, size_t *size)
{
    uint8_t *at = *end;

    if (*size > 0xffff) {
        at -= 5, at[1] = 0x83, at[2] = (uint8_t)(*size >> 16);
        at[3] = (uint8_t)(*size >> 8), at[4] = (uint8_t)*size;
    } else if (*size > 0xff) {
        at -= 4, at[1] = 0x82, at[2] = (uint8_t)(*size >> 8), at[3] = (uint8_t)*size;
    } else if (*size > 0x7f) {
        at -= 3, at[1] = 0x81, at[2] = (uint8_t)*size;
    } else {
        at -= 2, at[1] = (uint8_t)*size;
    }
    at[0] = tag;
    *size += (size_t)(*end - at);
    *end = at;
}

/* From its end to its beginning; the longest headers are taken off what is filled. */
uint8_t *test_answer(size_t size, uint8_t fill)
{
    static const uint8_t basic[] = {6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    static const uint8_t successful[] = {0x0a, 1, 0};
    size_t header = size > 0x10030 ? 5 : size > 0x130 ? 4 : size > 0xa0 ? 3 : 2;
    size_t inside = size - 5 * header - sizeof(basic) - sizeof(successful);
    uint8_t *data = malloc(size);
    uint8_t *end = data + size - inside;

    assert_non_null(data);
    memset(end, fill, inside);
    put_header(&end, 0x30, &inside);
    put_header(&end, 4, &inside);
    end -= sizeof(basic), inside += sizeof(basic);
    memcpy(end, basic, sizeof(basic));
    put_header(&end, 0x30, &inside);
    put_header(&end, 0xa0, &inside);
    end -= sizeof(successful), inside += sizeof(successful);
    memcpy(end, successful, sizeof(successful));
    put_header(&end, 0x30, &inside);
    assert_ptr_equal(end, data);
    assert_int_equal(inside, size);
    return data;
}

void test_path(char path[256], const char *folder, const uint8_t *id)
{
    int size = snprintf(path, 256, "%s/", folder);

    for (unsigned i = 0; i < STAPLE_ID_SIZE; ++i) {
        size += snprintf(path + size, 256 - (size_t)size, "%02x", id[i]);
    }
    snprintf(path + size, 256 - (size_t)size, ".ocsp");
}

void test_put(const char *folder, const uint8_t *id, const void *data, size_t size)
{
    char path[256], other[264];
    int fd;

    test_path(path, folder, id);
    snprintf(other, sizeof(other), "%s.tmp", path);
    fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(
        futimens(fd, (struct timespec[2]){{.tv_sec = wall_s()}, {.tv_sec = wall_s() + 3600}}), 0);
    close(fd);
    assert_int_equal(rename(other, path), 0);
}

void test_stamp(const char *folder, const uint8_t *id, int64_t mtime_s)
{
    char path[256];

    test_path(path, folder, id);
    assert_int_equal(utimensat(AT_FDCWD, path,
                               (struct timespec[2]){{.tv_sec = mtime_s}, {.tv_sec = mtime_s}}, 0),
                     0);
}

void test_publish(const char *folder, const uint8_t *id, uint8_t fill)
{
    uint8_t *answer = test_answer(500, fill);

    test_put(folder, id, answer, 500);
    free(answer);
}

void test_withdraw(const char *folder, const uint8_t *id)
{
    char path[256];

    test_path(path, folder, id);
    assert_int_equal(unlink(path), 0);
}

static void make_leaf(struct test_leaf *leaf, EVP_PKEY *key)
{
    X509 *cert = X509_new();

    assert_non_null(key);
    leaf->key = key;
    leaf->cert = cert;
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(X509_digest(cert, EVP_sha256(), leaf->id, NULL), 1);
}

int test_make_leaves(void **state)
{
    (void)state;
    make_leaf(&test_rsa, EVP_RSA_gen(2048));
    make_leaf(&test_ecdsa, EVP_EC_gen("P-256"));
    return 0;
}

int test_free_leaves(void **state)
{
    (void)state;
    X509_free(test_rsa.cert);
    X509_free(test_ecdsa.cert);
    EVP_PKEY_free(test_rsa.key);
    EVP_PKEY_free(test_ecdsa.key);
    return 0;
}

SSL_CTX *test_server(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_use_certificate(ctx, test_rsa.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, test_rsa.key), 1);
    assert_int_equal(SSL_CTX_use_certificate(ctx, test_ecdsa.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, test_ecdsa.key), 1);
    return ctx;
}

SSL_CTX *test_client(int version, const char *signatures)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    assert_non_null(ctx);
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, signatures), 1);
    SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
    return ctx;
}

static bool shake(SSL *server, SSL *client)
{
    BIO *one, *other;

    if (BIO_new_bio_pair(&one, 0, &other, 0) != 1) {
        return false;
    }
    SSL_set_bio(server, one, one);
    SSL_set_bio(client, other, other);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (unsigned i = 0; i < 20; ++i) {
        int s = SSL_do_handshake(client) == 1;

        if (SSL_do_handshake(server) == 1 && s) {
            char nothing[1];

            SSL_read(client, nothing, 1); /* the tickets */
            return true;
        }
    }
    return false;
}

int test_handshake_of(SSL *server, SSL_CTX *client)
{
    SSL *c = SSL_new(client);
    const uint8_t *der = NULL;
    int seen = TEST_FAILED;

    if (c && shake(server, c)) {
        long size = SSL_get_tlsext_status_ocsp_resp(c, &der);

        seen = size > 0 && der ? der[size - 1] : TEST_NONE;
    }
    SSL_free(c);
    return seen;
}

int test_handshake(SSL_CTX *server, SSL_CTX *client)
{
    SSL *s = SSL_new(server);
    int seen = s ? test_handshake_of(s, client) : TEST_FAILED;

    SSL_free(s);
    return seen;
}

int test_shake(SSL_CTX *server, const char *signatures)
{
    SSL_CTX *client = test_client(TLS1_3_VERSION, signatures);
    int seen = test_handshake(server, client);

    SSL_CTX_free(client);
    return seen;
}
