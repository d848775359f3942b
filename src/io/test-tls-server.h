/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a TLS server of many faults, in a thread, on a loopback port of its own. */

#include <stdbool.h>
#include <stddef.h>

struct tls_server;

struct tls_play {
    bool no_rsa;
    bool no_ecdsa;
    bool small_rsa;      /* 1024 bits, signed with SHA-1 */
    int max_version;     /* 0: TLS 1.3 */
    int min_version;     /* 0: TLS 1.2 */
    const void *status;  /* NULL: none */
    size_t status_size;  /* 0: an empty one */
    bool wants_client;   /* a certificate of the client */
    bool unknown_name;   /* every server name is answered with an alert */
    const char *first;   /* said before anything; and then one answer for each line that comes */
    const char *answers; /* separated by '\1' */
    const void *raw;     /* instead of TLS, behind the client's first octets */
    size_t raw_size;
    bool raw_for_ever; /* again and again, until the other end has enough */
    bool hangs;        /* says nothing any more where TLS would begin */
    bool hangs_up;
};

struct tls_server *tls_server_new(const struct tls_play *play);
unsigned tls_server_port(const struct tls_server *server);
unsigned tls_server_accepted(struct tls_server *server);
void tls_server_free(struct tls_server *server);

/* The DER of the RSA and of the ECDSA certificate; to be freed. */
unsigned char *tls_server_cert(struct tls_server *server, bool ecdsa, size_t *ret_size);
