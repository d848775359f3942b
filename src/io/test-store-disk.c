/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-store.h"

#include <sqlite3.h>

#define LEAVES 30

/* A file system that fails on purpose: everything goes to the real one until the n-th write. */

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int countdown; /* fails when it comes to 0; <0: never */
    int failure;   /* SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC */
    bool stay;     /* and all later ones */
    bool torn;     /* half of the bytes arrive */
    unsigned failed;
} shim;

static bool shim_fails(bool sync)
{
    if ((shim.failure == SQLITE_IOERR_FSYNC) != sync || shim.countdown < 0) {
        return false;
    }
    if (shim.countdown > 0) {
        shim.countdown--;
        return false;
    }
    shim.countdown = shim.stay ? 0 : -1;
    shim.failed++;
    return true;
}

#define REAL(file_) (((struct shim_file *)(file_))->real)

static int shim_close(sqlite3_file *file)
{
    int rc = REAL(file)->pMethods ? REAL(file)->pMethods->xClose(REAL(file)) : SQLITE_OK;

    free(REAL(file));
    return rc;
}
static int shim_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return REAL(file)->pMethods->xRead(REAL(file), to, size, at);
}
static int shim_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    if (shim_fails(false)) {
        if (shim.torn) {
            REAL(file)->pMethods->xWrite(REAL(file), from, size / 2, at);
        }
        return shim.failure;
    }
    return REAL(file)->pMethods->xWrite(REAL(file), from, size, at);
}
static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}
static int shim_sync(sqlite3_file *file, int flags)
{
    return shim_fails(true) ? shim.failure : REAL(file)->pMethods->xSync(REAL(file), flags);
}
static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}
static int shim_lock(sqlite3_file *file, int lock)
{
    return REAL(file)->pMethods->xLock(REAL(file), lock);
}
static int shim_unlock(sqlite3_file *file, int lock)
{
    return REAL(file)->pMethods->xUnlock(REAL(file), lock);
}
static int shim_reserved(sqlite3_file *file, int *reserved)
{
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), reserved);
}
static int shim_control(sqlite3_file *file, int op, void *argument)
{
    return REAL(file)->pMethods->xFileControl(REAL(file), op, argument);
}
static int shim_sector(sqlite3_file *file)
{
    return REAL(file)->pMethods->xSectorSize(REAL(file));
}
static int shim_traits(sqlite3_file *file)
{
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}
static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map)
{
    return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, map);
}
static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}
static void shim_shm_barrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}
static int shim_shm_unmap(sqlite3_file *file, int remove)
{
    return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    struct shim_file *opened = (struct shim_file *)file;
    int rc;

    (void)vfs;
    opened->base.pMethods = NULL;
    opened->real = calloc(1, (size_t)shim.real->szOsFile);
    if (!opened->real) {
        return SQLITE_NOMEM;
    }
    rc = shim.real->xOpen(shim.real, name, opened->real, flags, ret_flags);
    if (rc) {
        free(opened->real);
        return rc;
    }
    opened->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

static int setup_shim(void **state)
{
    if (!shim.real) {
        shim.real = sqlite3_vfs_find(NULL);
        shim.vfs = *shim.real;
        shim.vfs.zName = "shim";
        shim.vfs.szOsFile = sizeof(struct shim_file);
        shim.vfs.xOpen = shim_open;
    }
    shim.countdown = -1;
    shim.failed = 0;
    assert_int_equal(sqlite3_vfs_register(&shim.vfs, 1), SQLITE_OK);
    return setup(state);
}

static int teardown_shim(void **state)
{
    int r;

    shim.countdown = -1;
    r = teardown(state);
    sqlite3_vfs_unregister(&shim.vfs);
    return r;
}

/* One commit of all leaves to @generation. */
static int commit_all(struct store *store, unsigned generation)
{
    static uint8_t leaves[LEAVES][SHA256_SIZE], memory[LEAVES][4096];
    struct store_change changes[LEAVES];

    for (unsigned n = 0; n < LEAVES; n++) {
        make_leaf(leaves[n], n);
        changes[n] = (struct store_change){.type = STORE_PUT_ANSWER,
                                           .leaf_sha256 = leaves[n],
                                           .der = make_answer(memory[n], n, generation),
                                           .url = "http://ocsp.example/"};
    }
    return store_commit(store, changes, LEAVES);
}

/* The one generation of all leaves, or -9 when they differ. */
static int generation_of_all(struct store *store)
{
    int first = generation_of(store, 0, STORE_SLOT_HELD);

    for (unsigned n = 1; n < LEAVES; n++) {
        if (generation_of(store, n, STORE_SLOT_HELD) != first) {
            return -9;
        }
    }
    return first;
}

/* Fails the n-th write of a commit for each n, until a commit needs fewer writes than that. */
static void fail_each_write(struct world *world, int failure, int expected)
{
    unsigned failures = 0, generation = 0;

    open_store(world);
    assert_int_equal(commit_all(world->store, 0), 0);
    for (int n = 0;; n++) {
        int found, r;

        shim.failure = failure;
        shim.failed = 0;
        shim.countdown = n;
        r = commit_all(world->store, generation + 1);
        shim.countdown = -1;
        if (shim.failed == 0) {
            assert_int_equal(r, 0);
            break;
        }
        failures += r != 0;
        assert_true(r == 0 || r == expected); /* a checkpoint may fail without harm */
        found = generation_of_all(world->store);
        assert_int_equal(found, (int)generation + (r == 0)); /* whole or not at all */
        open_store(world);
        found = generation_of_all(world->store);
        assert_true(found == (int)generation + (r == 0) || found == (int)generation + 1);
        generation = (unsigned)found;
        assert_int_equal(commit_all(world->store, generation + 1), 0); /* it works on */
        generation++;
        assert_int_equal(generation_of_all(world->store), (int)generation);
    }
    assert_true(failures > 0);
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
}

static void test_a_full_disk_at_any_write_leaves_all_or_nothing(void **state)
{
    fail_each_write(*state, SQLITE_FULL, -ENOSPC);
}

static void test_a_failing_disk_at_any_write_leaves_all_or_nothing(void **state)
{
    fail_each_write(*state, SQLITE_IOERR_WRITE, -EIO);
}

static void test_a_torn_write_leaves_all_or_nothing(void **state)
{
    shim.torn = true;
    fail_each_write(*state, SQLITE_IOERR_WRITE, -EIO);
    shim.torn = false;
}

static void test_a_failing_sync_leaves_all_or_nothing(void **state)
{
    fail_each_write(*state, SQLITE_IOERR_FSYNC, -EIO);
}

static void test_a_full_disk_is_told_once_and_its_end_too(void **state)
{
    struct world *world = *state;
    const char *told;

    open_store(world);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 1), 0);
    shim.failure = SQLITE_FULL;
    shim.stay = true;
    shim.countdown = 0;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), -ENOSPC);
        assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 1);
    }
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "the disk is full"));
    shim.failure = SQLITE_IOERR_WRITE;
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), -EIO);
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 1); /* another trouble */
    shim.stay = false;
    shim.countdown = -1;
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), 0);
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "works again"));
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 2);
}

static void test_a_disk_full_from_the_start_is_told(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    int pid;

    shim.failure = SQLITE_FULL;
    shim.stay = true;
    shim.countdown = 0;
    assert_int_equal(store_open(&store, world->state, &world->log, &pid), -ENOSPC);
    assert_int_equal(test_lines(test_told(world->dir)), 1);
    shim.stay = false;
    shim.countdown = -1;
    open_store(world);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), 0);
}

static void begin_with_each_failure(struct world *world, int failure)
{
    unsigned failures = 0;

    for (int n = 0;; n++) {
        struct store *store = NULL;
        int pid, r;

        test_remove(world->state);
        shim.failure = failure;
        shim.failed = 0;
        shim.countdown = n;
        r = store_open(&store, world->state, &world->log, &pid);
        shim.countdown = -1;
        store_close(store);
        failures += r != 0;
        open_store(world);
        assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), 0);
        open_store(world);
        assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 2);
        close_store(world);
        if (shim.failed == 0) {
            assert_int_equal(r, 0);
            break;
        }
    }
    assert_true(failures > 0);
}

static void test_a_failure_while_the_store_is_begun_is_survived(void **state)
{
    begin_with_each_failure(*state, SQLITE_FULL);
    begin_with_each_failure(*state, SQLITE_IOERR_WRITE);
    begin_with_each_failure(*state, SQLITE_IOERR_FSYNC);
}

#define SHIM_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup_shim, teardown_shim)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIM_TEST(test_a_full_disk_at_any_write_leaves_all_or_nothing),
        SHIM_TEST(test_a_failing_disk_at_any_write_leaves_all_or_nothing),
        SHIM_TEST(test_a_torn_write_leaves_all_or_nothing),
        SHIM_TEST(test_a_failing_sync_leaves_all_or_nothing),
        SHIM_TEST(test_a_full_disk_is_told_once_and_its_end_too),
        SHIM_TEST(test_a_disk_full_from_the_start_is_told),
        SHIM_TEST(test_a_failure_while_the_store_is_begun_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
