/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of the publisher as a whole, with a real clock, store and loop. Each test program has
 * its own of all this. */

#include "publish/test-world.h"

#include <unistd.h>

#include "publish/disk.h"
#include "publish/publish.h"

#define UNTIL_S (TEST_WALL_S + 5000 * (int64_t)TEST_DAY_S) /* far ahead of the real clock */

static struct test_world world;
static struct target_config targets[4];
static struct config config;
static struct publisher *publisher;
static bool no_md5(void *context, struct slice text, uint8_t ret_md5[16]);
static const struct publish_names names = {no_md5, NULL};
static char paths[8][300];

/* DIR/NAME, kept. */
static inline const char *keep(unsigned slot, const char *format)
{
    snprintf(paths[slot], sizeof(paths[slot]), format, world.dir, world.dir);
    return paths[slot];
}

static inline int begin(void **state)
{
    char dir[256];

    (void)state;
    test_world_begin(&world);
    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    assert_int_equal(store_open(&world.context.store, dir, &world.log, NULL), 0);
    assert_int_equal(mkdir(test_path(&world, "nginx"), 0755), 0);
    memset(targets, 0, sizeof(targets));
    config = (struct config){.state_dir = world.state, .targets = targets};
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    store_close(world.context.store);
    test_world_end(&world);
    return 0;
}

static inline void add(enum target_type type, const char *path, const char *command)
{
    targets[config.target_count++] = (struct target_config){
        .type = type, .path = path, .command = command, .reload_interval_s = 3600};
}

static inline void start(void)
{
    assert_int_equal(
        publisher_new(&publisher, &world.loop, &config, world.context.store, &world.log, &names),
        0);
}

/* The end of the text, backwards: enough to tell names apart. */
static inline bool no_md5(void *context, struct slice text, uint8_t ret_md5[16])
{
    (void)context;
    for (size_t i = 0; i < 16; ++i) {
        ret_md5[i] = i < text.size ? text.data[text.size - 1 - i] : 0;
    }
    return true;
}

static inline void settle(void)
{
    do {
        uv_run(&world.loop, UV_RUN_ONCE);
    } while (publisher_busy(publisher));
}

static inline void stop(void)
{
    publisher_close(publisher);
    uv_run(&world.loop, UV_RUN_DEFAULT);
}

static inline void publish_as(const char *path, uint8_t serial, int64_t until_s, bool urgent)
{
    struct cert_facts cert = test_cert(serial);
    struct wish *wish = test_wish(serial, until_s, true);
    const struct staple staple = {
        .cert = &cert,
        .der = wish_der(wish),
        .serve = wish->serve,
        .next_update_s = until_s,
        .urgent = urgent,
    };

    publisher_publish(publisher, (struct place){path, 0}, &staple);
    wish_unref(wish);
}

static inline void publish(const char *path, uint8_t serial, int64_t until_s)
{
    publish_as(path, serial, until_s, true);
}

static inline void count_row(void *context, const struct store_published *row)
{
    assert_non_null(row);
    ++*(unsigned *)context;
}

static inline unsigned rows(void)
{
    unsigned count = 0;

    assert_int_equal(store_published(world.context.store, count_row, &count), 0);
    return count;
}

static inline unsigned lines(const char *name)
{
    const char *text = test_read(test_path(&world, name));
    unsigned count = 0;

    for (; text && *text; ++text) {
        count += *text == '\n';
    }
    return count;
}
