/* SPDX-License-Identifier: Apache-2.0 */
#include "test-tls-server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 10000

struct tls_server {
    struct tls_play play;
    SSL_CTX *context;
    X509 *certs[2]; /* RSA, ECDSA */
    EVP_PKEY *keys[2];
    pthread_t thread;
    int listener;
    int end; /* becomes readable when all is over */
    unsigned port;
    unsigned accepted;
};

/* Made once: an RSA key takes its time. */
static EVP_PKEY *get_key(bool ecdsa, bool small)
{
    static EVP_PKEY *keys[3];
    EVP_PKEY **key = &keys[ecdsa ? 2 : small];

    if (!*key) {
        *key = ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(small ? (size_t)1024 : (size_t)2048);
    }
    assert_non_null(*key);
    EVP_PKEY_up_ref(*key);
    return *key;
}

static X509 *make_cert(EVP_PKEY *key, const EVP_MD *digest)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"x.example", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(cert), 30, 0, NULL);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, digest) > 0);
    return cert;
}

static int on_status(SSL *ssl, void *context)
{
    const struct tls_play *play = context;
    unsigned char *copy = OPENSSL_malloc(play->status_size + 1);

    memcpy(copy, play->status, play->status_size);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)play->status_size);
    return SSL_TLSEXT_ERR_OK;
}

static int on_name(SSL *ssl, int *alert, void *context)
{
    (void)ssl, (void)context;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void make_context(struct tls_server *server)
{
    const struct tls_play *play = &server->play;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    server->context = context;
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, play->min_version ? play->min_version : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, play->max_version);
    for (size_t i = 0; i < 2; i++) {
        server->keys[i] = get_key(i == 1, play->small_rsa);
        server->certs[i] =
            make_cert(server->keys[i], play->small_rsa && i == 0 ? EVP_sha1() : EVP_sha256());
        if (i == 0 ? !play->no_rsa : !play->no_ecdsa) {
            SSL_CTX_use_certificate(context, server->certs[i]);
            SSL_CTX_use_PrivateKey(context, server->keys[i]);
        }
    }
    if (play->status) {
        SSL_CTX_set_tlsext_status_cb(context, on_status);
        SSL_CTX_set_tlsext_status_arg(context, &server->play);
    }
    if (play->wants_client) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (play->unknown_name) {
        SSL_CTX_set_tlsext_servername_callback(context, on_name);
    }
}

/* Waits until there is something to read from @fd. False: it is over. */
static bool wait_for(const struct tls_server *server, int fd)
{
    struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = server->end, .events = POLLIN}};

    return poll(polls, 2, WAIT_MS) > 0 && !polls[1].revents;
}

static void say(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        text += sent;
        size -= (size_t)sent;
    }
}

/* False: the other end has gone. */
static bool play_prelude(const struct tls_server *server, int fd)
{
    const char *answer = server->play.answers;
    char question[1024];

    if (!server->play.first) {
        return true;
    }
    say(fd, server->play.first, strlen(server->play.first));
    while (answer && *answer) {
        size_t size = strcspn(answer, "\1");

        if (!wait_for(server, fd) || recv(fd, question, sizeof(question), 0) <= 0) {
            return false;
        }
        say(fd, answer, size);
        answer += size + (answer[size] != 0);
    }
    return true;
}

static void play_tls(struct tls_server *server, int fd)
{
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    SSL *ssl = SSL_new(server->context);
    char text[64];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        SSL_read(ssl, text, sizeof(text)); /* until the farewell */
    }
    SSL_free(ssl);
}

static void play_raw(const struct tls_server *server, int fd)
{
    const struct tls_play *play = &server->play;
    char block[65536];
    size_t size = play->raw_for_ever ? sizeof(block) / play->raw_size * play->raw_size : 0;
    ssize_t sent = 1;

    for (size_t at = 0; at < size; at += play->raw_size) {
        memcpy(block + at, play->raw, play->raw_size);
    }
    say(fd, play->raw, play->raw_size);
    while (sent > 0 && size) {
        sent = send(fd, block, size, MSG_NOSIGNAL);
    }
    wait_for(server, fd);
}

static void serve(struct tls_server *server, int fd)
{
    char hello[4096];

    if (server->play.hangs_up || !play_prelude(server, fd)) {
        return;
    }
    if (server->play.hangs) {
        while (wait_for(server, fd) && recv(fd, hello, sizeof(hello), 0) > 0) {
        }
    } else if (server->play.raw) {
        if (wait_for(server, fd) && recv(fd, hello, sizeof(hello), 0) > 0) {
            play_raw(server, fd);
        }
    } else {
        play_tls(server, fd);
    }
}

static void *run(void *data)
{
    struct tls_server *server = data;

    while (wait_for(server, server->listener)) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0) {
            __atomic_add_fetch(&server->accepted, 1, __ATOMIC_SEQ_CST);
            serve(server, fd);
            close(fd);
        }
    }
    return NULL;
}

struct tls_server *tls_server_new(const struct tls_play *play)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    assert_non_null(server);
    server->play = *play;
    make_context(server);
    server->end = eventfd(0, EFD_CLOEXEC);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0 && server->end >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

unsigned tls_server_port(const struct tls_server *server)
{
    return server->port;
}

unsigned tls_server_accepted(struct tls_server *server)
{
    return __atomic_load_n(&server->accepted, __ATOMIC_SEQ_CST);
}

unsigned char *tls_server_cert(struct tls_server *server, bool ecdsa, size_t *ret_size)
{
    unsigned char *der = NULL;
    int size = i2d_X509(server->certs[ecdsa], &der);

    assert_true(size > 0);
    *ret_size = (size_t)size;
    return der;
}

void tls_server_free(struct tls_server *server)
{
    uint64_t one = 1;

    assert_int_equal(write(server->end, &one, sizeof(one)), sizeof(one));
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->end);
    SSL_CTX_free(server->context);
    for (size_t i = 0; i < 2; i++) {
        X509_free(server->certs[i]);
        EVP_PKEY_free(server->keys[i]);
    }
    free(server);
}
