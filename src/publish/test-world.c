/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <dirent.h>
#include <ftw.h>
#include <unistd.h>

#include "publish/files.h"
#include "wire/test-staple.h"

struct instant test_now;

struct instant test_clock(void)
{
    return test_now;
}

bool test_advance(int64_t due_ms, int64_t until_ms)
{
    bool due = due_ms <= until_ms;

    due_ms = due ? time_max(due_ms, test_now.mono_ms) : until_ms;
    test_now.wall_s += (due_ms - test_now.mono_ms) / 1000;
    test_now.mono_ms = due_ms;
    return due;
}

static void wake(struct publish_context *context)
{
    (void)context;
}

void test_world_begin(struct test_world *world)
{
    *world = (struct test_world){.dir = "/tmp/clinch-publish-XXXXXX"};
    test_now = (struct instant){TEST_WALL_S, 1000000};
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->state, sizeof(world->state), "%s/state", world->dir);
    assert_int_equal(mkdir(world->state, 0755), 0);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->log.least = getenv("CLINCH_TEST_LOG") ? NOTE_DEBUG : NOTE_ERROR + 1;
    world->context = (struct publish_context){
        .loop = &world->loop,
        .log = &world->log,
        .state_dir = world->state,
        .rng = {7},
        .clock = test_clock,
        .wake = wake,
    };
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

void test_world_end(struct test_world *world)
{
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(strncmp(world->dir, "/tmp/clinch-publish-", 20), 0);
    assert_int_equal(nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *test_path(struct test_world *world, const char *name)
{
    snprintf(world->path, sizeof(world->path), "%s/%s", world->dir, name);
    return world->path;
}

void test_put(const char *path, struct slice content)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
}

void test_write(const char *path, const char *text)
{
    test_put(path, slice_of_text(text));
}

const char *test_read(const char *path)
{
    static struct buf content = {.max = 65536};

    return disk_read(path, &content) ? NULL : buf_text(&content);
}

bool test_exists(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

unsigned test_count_files(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(stream);
    while ((entry = readdir(stream))) {
        count += entry->d_type == DT_REG;
    }
    closedir(stream);
    return count;
}

struct cert_facts test_cert(uint8_t serial)
{
    return (struct cert_facts){
        .leaf_sha256 = {serial, 0xc1},
        .serial = {serial},
        .serial_size = 1,
    };
}

struct wish *test_wish(uint8_t serial, int64_t until_s, bool urgent)
{
    struct cert_facts cert = test_cert(serial);
    struct buf der = BUF_INIT(65536);
    struct staple staple = {
        .cert = &cert,
        .serve = {TEST_WALL_S, until_s - 300},
        .next_update_s = until_s,
        .urgent = urgent,
    };
    struct wish *wish;

    test_put_staple(&der, serial, TEST_WALL_S - 3600, until_s);
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    assert_non_null(wish);
    buf_deinit(&der);
    return wish;
}

int64_t test_tick(struct files *files, struct instant now)
{
    int64_t due_ms = files_tick(files, now);

    while (barrier_is_running(files->barrier)) {
        uv_run(files->context->loop, UV_RUN_ONCE);
        due_ms = files_tick(files, now);
    }
    uv_run(files->context->loop, UV_RUN_DEFAULT); /* what is unlinked is waited for, too */
    return due_ms;
}

bool test_shows(const char *path, uint8_t serial, int64_t until_s)
{
    struct wish *wish = test_wish(serial, until_s, false);
    struct buf content = BUF_INIT(65536);
    bool same =
        disk_read(path, &content) == 0 && slice_equal(slice_of_buf(&content), wish_der(wish));

    buf_deinit(&content);
    wish_unref(wish);
    return same;
}
