/* SPDX-License-Identifier: Apache-2.0 */

/* How often the disk is asked, what is seen when, and what is kept. */

#include "staple/test-world.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/test-alloc.h"
#include "staple/cache.h"

/* Linked in place of the system calls, to count them; the names are glibc's for files of any size.
 */
static unsigned stats, opens;
int __real_fstatat64(int fd, const char *path, struct stat *info, int flags);
int __wrap_fstatat64(int fd, const char *path, struct stat *info, int flags);
int __real_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...);

int __wrap_fstatat64(int fd, const char *path, struct stat *info, int flags)
{
    ++stats;
    return __real_fstatat64(fd, path, info, flags);
}

int __wrap_openat64(int fd, const char *path, int flags, ...)
{
    ++opens;
    /* What was a file when it was looked at may be a FIFO or a link by now. */
    assert_int_equal(flags & (O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC),
                     O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    return __real_openat64(fd, path, flags);
}

static const uint8_t id[STAPLE_ID_SIZE] = {0xcd, 4};
static struct cache *cache;
static struct staple_clock real_clock; /* before the tests set theirs */

static int begin(void **state)
{
    struct folders *folders = NULL;

    test_begin(state);
    alloc_fail(0);
    assert_int_equal(folders_new(&folders, test_dir), 0);
    assert_int_equal(cache_new(&cache, folders), 0);
    stats = opens = 0;
    return 0;
}

static int end(void **state)
{
    cache = cache_free(cache);
    return test_end(state);
}

static int get(const uint8_t *of)
{
    struct staple *staple = cache_get(cache, of);
    int seen = staple ? staple->der[staple->size - 1] : TEST_NONE;

    staple_unref(staple);
    return seen;
}

static void test_file_is_read_once_and_looked_at_once_a_second(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    for (unsigned i = 0; i < 1000; ++i) {
        assert_int_equal(get(id), 1);
    }
    assert_int_equal(opens, 1);
    stats = 0;
    for (unsigned i = 0; i < 1000; ++i) { /* ten seconds */
        test_clock_advance(10);
        assert_int_equal(get(id), 1);
    }
    assert_int_equal(stats, 10);
    assert_int_equal(opens, 1);
}

static void test_replaced_file_is_seen_within_a_second(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    assert_int_equal(get(id), 1);
    test_publish(test_dir, id, 2);
    test_clock_advance(999);
    assert_int_equal(get(id), 1);
    test_clock_advance(1);
    assert_int_equal(get(id), 2);
}

static void test_absent_one_is_remembered_for_a_second(void **state)
{
    (void)state;
    assert_int_equal(get(id), TEST_NONE);
    test_publish(test_dir, id, 1);
    stats = 0;
    assert_int_equal(get(id), TEST_NONE);
    test_clock_advance(999);
    assert_int_equal(get(id), TEST_NONE);
    assert_int_equal(stats, 0);
    test_clock_advance(1);
    assert_int_equal(get(id), 1);
}

static void test_withdrawn_one_is_gone_within_a_second(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    assert_int_equal(get(id), 1);
    test_withdraw(test_dir, id);
    test_clock_advance(1000);
    assert_int_equal(get(id), TEST_NONE);
}

static void test_junk_is_read_once(void **state)
{
    (void)state;
    test_put(test_dir, id, "junk", 4);
    for (unsigned i = 0; i < 5; ++i) {
        assert_int_equal(get(id), TEST_NONE);
        test_clock_advance(1000);
    }
    assert_int_equal(opens, 1);
    test_publish(test_dir, id, 3);
    test_clock_advance(1000);
    assert_int_equal(get(id), 3);
}

/* What was taken from a later folder goes with what becomes of the earlier ones. */
static void test_folders_are_watched_together(void **state)
{
    struct folders *folders = NULL;
    char one[100], other[100], both[210];

    (void)state;
    cache_free(cache);
    snprintf(one, sizeof(one), "%s/one", test_dir);
    snprintf(other, sizeof(other), "%s/other", test_dir);
    snprintf(both, sizeof(both), "%s:%s", one, other);
    assert_int_equal(mkdir(one, 0755) | mkdir(other, 0755), 0);
    assert_int_equal(folders_new(&folders, both), 0);
    assert_int_equal(cache_new(&cache, folders), 0);
    test_put(one, id, "junk", 4);
    test_publish(other, id, 2);
    for (unsigned i = 0; i < 5; ++i) {
        assert_int_equal(get(id), 2);
        test_clock_advance(1000);
    }
    assert_int_equal(opens, 2); /* once each */
    test_publish(other, id, 3);
    assert_int_equal(get(id), 3);
    test_publish(one, id, 1);
    test_clock_advance(1000);
    assert_int_equal(get(id), 1);
    test_withdraw(one, id);
    test_clock_advance(1000);
    assert_int_equal(get(id), 3);
}

/* The clock decides at each lookup, and not only when the file is looked at. */
static void test_dead_staple_is_never_handed_out(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    test_stamp(test_dir, id, TEST_WALL_S + 100);
    assert_int_equal(get(id), 1);
    test_wall_s = TEST_WALL_S + 99;
    assert_int_equal(get(id), 1);
    test_wall_s = TEST_WALL_S + 100;
    assert_int_equal(get(id), TEST_NONE);
    test_clock_advance(5000);
    test_wall_s = TEST_WALL_S + 100000;
    assert_int_equal(get(id), TEST_NONE);
    test_stamp(test_dir, id, test_wall_s + 1); /* the same content lives longer */
    test_clock_advance(1000);
    test_wall_s = TEST_WALL_S + 100000;
    assert_int_equal(get(id), 1);
}

/* Not by a millisecond, where a second begins. */
static void test_clock_is_never_behind(void **state)
{
    struct timespec begin_at, now;

    (void)state;
    clock_gettime(CLOCK_REALTIME, &begin_at);
    do {
        clock_gettime(CLOCK_REALTIME, &now);
    } while (now.tv_sec == begin_at.tv_sec);
    assert_true(real_clock.wall_s() >= now.tv_sec);
}

static void test_clock_that_is_set_back_revives_what_is_good_by_it(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    test_stamp(test_dir, id, TEST_WALL_S + 100);
    test_wall_s = TEST_WALL_S + 200;
    assert_int_equal(get(id), TEST_NONE);
    test_wall_s = TEST_WALL_S;
    test_mono_ms += 1000;
    assert_int_equal(get(id), 1);
}

static void test_what_is_known_of_absent_ones_is_bounded(void **state)
{
    uint8_t other[STAPLE_ID_SIZE] = {0};
    size_t bytes;

    (void)state;
    for (uint32_t i = 0; i < CACHE_ENTRIES_MAX + 20000; ++i) {
        other[0] = (uint8_t)(i * 31);
        memcpy(other + 1, &i, sizeof(i));
        assert_int_equal(get(other), TEST_NONE);
    }
    assert_true(cache_entries(cache) <= CACHE_ENTRIES_MAX);
    assert_true(cache_entries(cache) > CACHE_ENTRIES_MAX / 2);
    bytes = cache_bytes(cache);
    assert_true(bytes < (size_t)CACHE_ENTRIES_MAX * 256);
}

static void test_octets_of_staples_are_bounded_and_the_used_ones_stay(void **state)
{
    const unsigned count = CACHE_BYTES_MAX / STAPLE_SIZE_MAX + 500;
    uint8_t *answer = test_answer(STAPLE_SIZE_MAX, 1);
    uint8_t other[STAPLE_ID_SIZE] = {0};
    char first[256], path[256];

    (void)state;
    test_put(test_dir, id, answer, STAPLE_SIZE_MAX);
    free(answer);
    test_path(first, test_dir, id);
    for (unsigned i = 0; i < count; ++i) {
        other[0] = (uint8_t)i;
        other[1] = (uint8_t)(i >> 8);
        other[2] = 1; /* none of them is @id */
        test_path(path, test_dir, other);
        assert_int_equal(link(first, path), 0);
        assert_int_equal(get(other), 1);
        assert_int_equal(get(id), 1);
    }
    assert_true(cache_bytes(cache) <= CACHE_BYTES_MAX);
    assert_true(cache_bytes(cache) > CACHE_BYTES_MAX / 2);
    assert_true(opens > count + 1 - 5); /* each once: the one in use was not dropped */
    assert_true(opens <= count + 1 + count / 16);
}

static void test_without_memory_there_is_no_staple_and_no_crash(void **state)
{
    (void)state;
    test_publish(test_dir, id, 1);
    for (unsigned n = 1;; ++n) {
        struct folders *folders = NULL;
        struct cache *other = NULL;
        struct staple *staple = NULL;

        alloc_fail(n);
        if (folders_new(&folders, test_dir) == 0 && cache_new(&other, folders) == 0) {
            folders = NULL;
            staple = cache_get(other, id);
        }
        if (!alloc_failed()) {
            alloc_fail(0);
            assert_non_null(staple);
            staple_unref(staple);
            cache_free(other);
            break;
        }
        alloc_fail(0);
        staple_unref(staple);
        test_clock_advance(1000);
        staple = other ? cache_get(other, id) : NULL; /* there is memory again */
        assert_true(!other || staple);
        staple_unref(staple);
        cache_free(other);
        folders_free(folders);
    }
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_file_is_read_once_and_looked_at_once_a_second),
        PLAY(test_replaced_file_is_seen_within_a_second),
        PLAY(test_absent_one_is_remembered_for_a_second),
        PLAY(test_withdrawn_one_is_gone_within_a_second),
        PLAY(test_junk_is_read_once),
        PLAY(test_folders_are_watched_together),
        PLAY(test_dead_staple_is_never_handed_out),
        PLAY(test_clock_is_never_behind),
        PLAY(test_clock_that_is_set_back_revives_what_is_good_by_it),
        PLAY(test_what_is_known_of_absent_ones_is_bounded),
        PLAY(test_octets_of_staples_are_bounded_and_the_used_ones_stay),
        PLAY(test_without_memory_there_is_no_staple_and_no_crash),
    };

    real_clock = staple_clock;
    return cmocka_run_group_tests_name("staple-cache", tests, NULL, NULL);
}
