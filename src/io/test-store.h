/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For the tests of the store: a state directory, answers that are told apart by leaf and
 * generation. */

#include "io/test-files.h"

#include <dirent.h>
#include <errno.h>

#include "base/rng.h"
#include "io/store.h"

struct world {
    struct test_dir *dir;
    struct log log;
    char *state; /* the state directory */
    struct store *store;
};

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    void *dir;

    assert_non_null(world);
    test_dir_setup(&dir);
    world->dir = dir;
    world->state = test_path(world->dir, "state");
    unsetenv("JOURNAL_STREAM");
    log_open(&world->log);
    *state = world;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    void *dir = world->dir;

    store_close(world->store);
    test_dir_teardown(&dir);
    free(world->state);
    free(world);
    return 0;
}

static inline void open_store(struct world *world)
{
    int pid = 0;

    world->store = store_close(world->store);
    assert_int_equal(store_open(&world->store, world->state, &world->log, &pid), 0);
}

static inline void close_store(struct world *world)
{
    world->store = store_close(world->store);
}

/* Leaf number @n, and the answer of generation @generation for it: different in size and bytes. */
static inline void make_leaf(uint8_t leaf[SHA256_SIZE], unsigned n)
{
    for (unsigned i = 0; i < SHA256_SIZE / 8; i++) {
        uint64_t word = rng_mix(n * 8 + i + 1);

        memcpy(leaf + 8 * i, &word, 8);
    }
}

static inline struct slice make_answer(uint8_t memory[4096], unsigned n, unsigned generation)
{
    size_t size = 500 + (n * 37 + generation * 101) % 3000;

    for (size_t i = 0; i < size; i++) {
        memory[i] = (uint8_t)rng_mix(i + n * 1000003ull + generation * 77777777ull);
    }
    return slice_of(memory, size);
}

static inline struct cert_row make_row(unsigned n)
{
    static char name[32];
    struct cert_row row = {
        .serial = "1a2b",
        .path = "/etc/ssl/x.pem",
        .last = "all is well",
        .state = CERT_STATE_HELD,
        .must_staple = n % 2,
        .serve = {1000 + n, 2000 + n},
        .next_update_s = 3000 + n,
        .next_try_s = INSTANT_NEVER,
    };

    snprintf(name, sizeof(name), "site%03u.example", n);
    row.name = name;
    return row;
}

static inline int put_answer(struct store *store, unsigned n, enum store_slot slot,
                             unsigned generation)
{
    uint8_t leaf[SHA256_SIZE], memory[4096];
    struct cert_row row = make_row(n);
    struct store_change change = {.type = STORE_PUT_ANSWER,
                                  .leaf_sha256 = leaf,
                                  .slot = slot,
                                  .der = make_answer(memory, n, generation),
                                  .url = "http://ocsp.example/",
                                  .row = &row};

    make_leaf(leaf, n);
    return store_commit(store, &change, 1);
}

static inline int change_one(struct store *store, unsigned n, enum store_change_type type,
                             enum store_slot slot)
{
    uint8_t leaf[SHA256_SIZE];
    struct store_change change = {.type = type, .leaf_sha256 = leaf, .slot = slot};

    make_leaf(leaf, n);
    return store_commit(store, &change, 1);
}

/* The generation of what is held (or pending) for leaf @n: -1 nothing, -2 something else. */
static inline int generation_of(struct store *store, unsigned n, enum store_slot slot)
{
    struct store_record record = {0};
    const struct buf *buf = slot == STORE_SLOT_HELD ? &record.held : &record.pending;
    uint8_t leaf[SHA256_SIZE], memory[4096];
    int r, found = -2;

    make_leaf(leaf, n);
    r = store_read(store, leaf, &record);
    if (r == STORE_E_NONE || (r == 0 && buf->size == 0)) {
        found = -1;
    }
    for (unsigned i = 0; r == 0 && found == -2 && i < 1000; i++) {
        if (slice_equal(slice_of_buf(buf), make_answer(memory, n, i))) {
            found = (int)i;
        }
    }
    store_record_deinit(&record);
    return found;
}

/* How many databases have names that begin so; their journals are not counted. */
static inline unsigned count_files(struct world *world, const char *prefix)
{
    DIR *dir = opendir(world->state);
    const struct dirent *entry;
    unsigned count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        size_t size = strlen(entry->d_name);

        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
                 strcmp(entry->d_name + size - 4, "-wal") != 0 &&
                 strcmp(entry->d_name + size - 4, "-shm") != 0;
    }
    closedir(dir);
    return count;
}
