/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files and one command, in a time of their own. Each test program has its own of all this. */

#include "publish/test-world.h"

#include <unistd.h>

#include "publish/files.h"
#include "wire/test-staple.h"

#define UNTIL_S     (TEST_WALL_S + 4 * TEST_DAY_S)
#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

static struct test_world world;
static struct files *files;
static struct file_target *target;
static struct runner *runner;
static struct target_config config;
static char template[256];
static char command[512];
static char marks[256]; /* the command adds a line to this file at each run */

static inline int begin(void **state)
{
    (void)state;
    test_world_begin(&world);
    config = (struct target_config){.type = TARGET_FILE, .line = 3, .reload_interval_s = 3600};
    snprintf(template, sizeof(template), "%s/{stem}.ocsp", world.dir);
    snprintf(marks, sizeof(marks), "%s/state/marks", world.dir);
    return 0;
}

static inline void start(bool with_command)
{
    const struct file_settings settings = {
        .config = &config, .kind = &file_kinds[TARGET_FILE], .template = template};

    assert_int_equal(files_new(&files, &world.context), 0);
    assert_int_equal(file_target_new(&target, files, &settings), 0);
    if (with_command) {
        snprintf(command, sizeof(command), "echo run >> %s", marks);
        assert_int_equal(runner_new(&runner, &world.context, command, 3600), 0);
        assert_int_equal(file_target_add_runner(target, runner, NULL), 0);
    }
}

static inline void start_command(void)
{
    struct file_settings settings = {.config = &config, .kind = &file_kinds[TARGET_COMMAND]};

    snprintf(command, sizeof(command), "echo run >> %s", marks);
    config.type = TARGET_COMMAND;
    config.command = command;
    assert_int_equal(files_new(&files, &world.context), 0);
    assert_int_equal(file_target_new(&target, files, &settings), 0);
    assert_int_equal(runner_new(&runner, &world.context, command, 3600), 0);
    assert_int_equal(file_target_add_runner(target, runner, NULL), 0);
}

static inline void stop(void)
{
    files_free(files);
    target->base.ops->free(&target->base);
    runner_free(runner);
    runner = NULL;
}

static inline int end(void **state)
{
    (void)state;
    stop();
    store_close(world.context.store);
    test_world_end(&world);
    return 0;
}

static inline void open_store(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s/state/store", world.dir);
    assert_int_equal(store_open(&world.context.store, dir, &world.log, NULL), 0);
}

/* Lets @ms pass, with everything that is due on the way; commands take no time. */
static inline void pass(int64_t ms)
{
    int64_t until_ms = test_now.mono_ms + ms;
    int64_t due_ms;

    do {
        due_ms = test_tick(files, test_now);
        if (runner) {
            due_ms = time_min(due_ms, runner_tick(runner, test_now));
            uv_run(&world.loop, UV_RUN_DEFAULT); /* the command ends */
            due_ms = time_min(due_ms, reload_deadline_ms(runner_reload(runner)));
            if (files->runs_seen != world.context.runs) {
                due_ms = test_now.mono_ms;
            }
        }
    } while (test_advance(due_ms, until_ms));
}

static inline unsigned runs(void)
{
    const char *text = test_read(marks);
    unsigned count = 0;

    for (; text && *text; ++text) {
        count += *text == '\n';
    }
    return count;
}

static inline void publish(const char *path, uint8_t serial, int64_t until_s, bool urgent)
{
    struct wish *wish = test_wish(serial, until_s, urgent);
    struct cert_facts cert = test_cert(serial);

    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
}

/* The answer of test_wish(), signed anew @later_s after that with the very same end. */
static inline void publish_again(const char *path, uint8_t serial, int64_t later_s)
{
    struct cert_facts cert = test_cert(serial);
    struct buf der = BUF_INIT(65536);
    struct staple staple = {
        .cert = &cert,
        .serve = {TEST_WALL_S, UNTIL_S - 300},
        .next_update_s = UNTIL_S,
    };
    struct wish *wish;

    test_put_staple(&der, serial, TEST_WALL_S - 3600 + later_s, UNTIL_S);
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    assert_non_null(wish);
    assert_int_equal(target->base.ops->publish(&target->base, (struct place){path, 0}, &cert, wish),
                     0);
    wish_unref(wish);
    buf_deinit(&der);
}

static inline void withdraw(const char *path, uint8_t serial, bool quiet)
{
    struct cert_facts cert = test_cert(serial);

    target->base.ops->withdraw(&target->base, (struct place){path, 0}, &cert, quiet);
}
