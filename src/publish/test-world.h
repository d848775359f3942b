/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of publishers: a folder of their own, a clock that stands still until it is moved,
 * certificates and staples made by hand. CLINCH_TEST_LOG in the environment shows what is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "publish/target.h"

#define TEST_WALL_S 1795360350
#define TEST_DAY_S  86400

extern struct instant test_now;

struct test_world {
    char dir[64];
    char state[80];
    char path[256]; /* of test_path() */
    struct publish_context context;
    uv_loop_t loop;
    struct log log;
};

struct instant test_clock(void);
/* The standing clock goes on to @due_ms; false: to @until_ms, before which nothing is due. */
bool test_advance(int64_t due_ms, int64_t until_ms);
void test_world_begin(struct test_world *world);
void test_world_end(struct test_world *world);

/* DIR/NAME, until the next call. */
const char *test_path(struct test_world *world, const char *name);

void test_write(const char *path, const char *text);
void test_put(const char *path, struct slice content);
/* The content as text, until the next call; NULL when there is no file. */
const char *test_read(const char *path);
bool test_exists(const char *path);
unsigned test_count_files(const char *dir);

/* The certificate number @serial, and a staple of it that ends at @until_s. */
struct cert_facts test_cert(uint8_t serial);
struct wish *test_wish(uint8_t serial, int64_t until_s, bool urgent);

struct files;
/* files_tick(), until nothing waits for the disk any more: that takes no time here. */
int64_t test_tick(struct files *files, struct instant now);

/* What test_wish() has, for comparing with a file. */
bool test_shows(const char *path, uint8_t serial, int64_t until_s);
