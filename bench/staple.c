/* SPDX-License-Identifier: Apache-2.0 */
/* What libclinch-staple costs, for bench/staple.py.
 *
 *     bench-staple handshakes FOLDER CERT.pem KEY.pem ROUNDS
 *         each line: microseconds for a handshake without a staple, with one out of a callback that
 *         copies it from memory, and with one out of the folder; all three take turns
 *     bench-staple certificate FOLDER CERT.pem KEY.pem ROUNDS
 *         each line: microseconds for a lookup by the certificate, which is hashed each time
 *     bench-staple lookups FOLDER NAMES ROUNDS
 *         each line: microseconds for a lookup of every name in turn (a name a line: SHA-256 in
 *         hexadecimal); the first line is the first time, which reads the files */
#include <clinch/staple.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOKUPS 10000
#define SHAKES  20 /* of a sort, before it is the turn of the next */

static unsigned char *fixed;
static size_t fixed_size;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others on the machine do not count */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void need(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench-staple: %s\n", what);
        exit(1);
    }
}

static int from_memory(SSL *ssl, void *argument)
{
    unsigned char *copy = OPENSSL_malloc(fixed_size);

    (void)argument;
    memcpy(copy, fixed, fixed_size);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)fixed_size);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_server(char **files)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    need(SSL_CTX_use_certificate_chain_file(ctx, files[0]) == 1 &&
             SSL_CTX_use_PrivateKey_file(ctx, files[1], SSL_FILETYPE_PEM) == 1,
         "cannot read certificate and key");
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static void shake(SSL_CTX *server, SSL_CTX *client, int staple)
{
    SSL *s = SSL_new(server), *c = SSL_new(client);
    const unsigned char *der = NULL;
    BIO *one, *other;
    int done = 0;

    BIO_new_bio_pair(&one, 65536, &other, 65536);
    SSL_set_bio(s, one, one);
    SSL_set_bio(c, other, other);
    SSL_set_accept_state(s);
    SSL_set_connect_state(c);
    for (int i = 0; i < 8 && !done; ++i) {
        int client_done = SSL_do_handshake(c) == 1;

        done = SSL_do_handshake(s) == 1 && client_done;
    }
    need(done, "the handshake failed");
    need((SSL_get_tlsext_status_ocsp_resp(c, &der) > 0) == staple, "not the staple it should be");
    SSL_free(s);
    SSL_free(c);
}

static double shakes_us(SSL_CTX *server, SSL_CTX *client, int staple)
{
    int64_t start = now_ns();

    for (int i = 0; i < SHAKES; ++i) {
        shake(server, client, staple);
    }
    return (double)(now_ns() - start) / 1000 / SHAKES;
}

static int handshakes(char **argv)
{
    SSL_CTX *servers[3];
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    unsigned rounds = (unsigned)strtoul(argv[3], NULL, 10);

    for (int i = 0; i < 3; ++i) {
        servers[i] = make_server(argv + 1);
    }
    SSL_CTX_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
    need(clinch_staple_get(argv[0], SSL_CTX_get0_certificate(servers[0]), &fixed, &fixed_size) == 0,
         "no staple in the folder");
    SSL_CTX_set_tlsext_status_cb(servers[1], from_memory);
    need(clinch_staple_attach(servers[2], argv[0]) == 0, "cannot attach");
    for (unsigned i = 0; i < rounds; ++i) {
        double us[3];

        for (unsigned k = 0; k < 3; ++k) { /* each is first, second and last as often */
            unsigned which = (i + k) % 3;

            us[which] = shakes_us(servers[which], client, which > 0);
        }
        printf("%.3f %.3f %.3f\n", us[0], us[1], us[2]);
    }
    for (int i = 0; i < 3; ++i) {
        SSL_CTX_free(servers[i]);
    }
    SSL_CTX_free(client);
    OPENSSL_free(fixed);
    return 0;
}

static int certificate(char **argv)
{
    SSL_CTX *server = make_server(argv + 1);
    const X509 *cert = SSL_CTX_get0_certificate(server);
    unsigned rounds = (unsigned)strtoul(argv[3], NULL, 10);

    for (unsigned i = 0; i < rounds; ++i) {
        int64_t start = now_ns();

        for (unsigned k = 0; k < LOOKUPS; ++k) {
            need(clinch_staple_get(argv[0], cert, &fixed, &fixed_size) == 0, "no staple");
            OPENSSL_free(fixed);
        }
        printf("%.4f\n", (double)(now_ns() - start) / 1000 / LOOKUPS);
    }
    SSL_CTX_free(server);
    return 0;
}

static unsigned char *read_names(const char *path, size_t *ret_count)
{
    FILE *file = fopen(path, "r");
    unsigned char *names = NULL;
    char line[80];

    need(file != NULL, "cannot read the names");
    for (*ret_count = 0; fgets(line, sizeof(line), file); ++*ret_count) {
        names = realloc(names, (*ret_count + 1) * 32);
        for (unsigned i = 0; i < 32; ++i) {
            unsigned octet;

            need(sscanf(line + 2 * i, "%2x", &octet) == 1, "not a name");
            names[*ret_count * 32 + i] = (unsigned char)octet;
        }
    }
    fclose(file);
    return names;
}

static int lookups(char **argv)
{
    size_t count, size;
    unsigned char *names = read_names(argv[1], &count);
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);

    for (unsigned i = 0; i < rounds; ++i) {
        size_t times = i > 0 && count < 1000 ? 1000 : 1;
        int64_t start = now_ns();

        for (size_t k = 0; k < times * count; ++k) {
            unsigned char *der;

            need(clinch_staple_find(argv[0], names + 32 * (k % count), &der, &size) == 0,
                 "a staple is missing");
            OPENSSL_free(der);
        }
        printf("%.4f\n", (double)(now_ns() - start) / 1000 / (double)(times * count));
    }
    free(names);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "handshakes") == 0) {
        return handshakes(argv + 2);
    }
    if (argc == 6 && strcmp(argv[1], "certificate") == 0) {
        return certificate(argv + 2);
    }
    need(argc == 5 && strcmp(argv[1], "lookups") == 0, "see the head of bench/staple.c");
    return lookups(argv + 2);
}
