/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of the libraries for other servers: a folder, a clock that stands still until it is
 * moved, certificates, and handshakes in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clinch/staple.h>
#include <cmocka.h>

#include "staple/clock.h"
#include "staple/folder.h"

#define TEST_WALL_S 1795360350

extern int64_t test_wall_s, test_mono_ms; /* what the clock says; atomic */
void test_clock_start(void);              /* at TEST_WALL_S */
void test_clock_advance(int64_t ms);

extern char test_dir[64]; /* made by test_begin(), removed with all in it by test_end() */
int test_begin(void **state);
int test_end(void **state);

/* A whole answer of @size octets, filled with @fill; its bytes are the caller's to free. */
uint8_t *test_answer(size_t size, uint8_t fill);

void test_path(char path[256], const char *folder, const uint8_t *id);
/* Writes @id's file under another name, and renames it. */
void test_put(const char *folder, const uint8_t *id, const void *data, size_t size);
void test_stamp(const char *folder, const uint8_t *id, int64_t mtime_s);
void test_publish(const char *folder, const uint8_t *id,
                  uint8_t fill); /* 500 octets, for an hour */
void test_withdraw(const char *folder, const uint8_t *id);

struct test_leaf {
    X509 *cert;
    EVP_PKEY *key;
    uint8_t id[STAPLE_ID_SIZE];
};
extern struct test_leaf test_rsa, test_ecdsa; /* made by test_make_leaves() */
int test_make_leaves(void **state);
int test_free_leaves(void **state);

SSL_CTX *test_server(void);                                /* with both */
SSL_CTX *test_client(int version, const char *signatures); /* asks for the status */

/* One handshake. The staple that the client saw: its fill octet, -1: none, -2: it failed. */
int test_handshake(SSL_CTX *server, SSL_CTX *client);
int test_handshake_of(SSL *server, SSL_CTX *client);
#define TEST_NONE   -1
#define TEST_FAILED -2

/* With a new client of TLS 1.3 for each. */
int test_shake(SSL_CTX *server, const char *signatures);
#define TEST_ECDSA "ECDSA+SHA256"
#define TEST_RSA   "RSA-PSS+SHA256:RSA+SHA256"
