/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-store.h"

#include <signal.h>
#include <sys/wait.h>

#define LEAVES 30

/* A sound store with two generations, closed; its bytes. */
static struct buf make_image(struct world *world)
{
    char *path = test_path(world->dir, "state/store.db");
    struct buf image = BUF_INIT(1 << 24);
    FILE *file;
    int c;

    open_store(world);
    for (unsigned n = 0; n < LEAVES; n++) {
        assert_int_equal(put_answer(world->store, n, STORE_SLOT_HELD, 1), 0);
    }
    close_store(world);
    file = fopen(path, "re");
    assert_non_null(file);
    while ((c = getc(file)) != EOF) {
        buf_put_byte(&image, (uint8_t)c);
    }
    fclose(file);
    assert_int_equal(buf_status(&image), 0);
    free(path);
    return image;
}

static void write_image(struct world *world, const char *name, struct slice image)
{
    char *path = test_path(world->dir, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(image.data, 1, image.size, file), image.size);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void ignore_row(void *context, const struct cert_row *row)
{
    (void)context, (void)row;
}

/* Opens whatever is there. Either everything is right, or the bad file was moved aside and told;
 * and then it works. Returns whether it was moved. */
static bool assert_right_or_aside(struct world *world)
{
    struct store *reader = NULL;
    int pid, r;
    bool moved;

    r = store_open_reader(&reader, world->state, &world->log);
    if (r == 0) {
        store_rows(reader, ignore_row, NULL);
        for (unsigned n = 0; n < LEAVES; n++) {
            int found = generation_of(reader, n, STORE_SLOT_HELD);

            assert_true(found == 1 || found == -2 || found == -1);
        }
        reader = store_close(reader);
    }
    test_told(world->dir);
    r = store_open(&world->store, world->state, &world->log, &pid);
    if (r == -ENOTSUP) { /* it hit the version */
        assert_int_equal(test_lines(test_told(world->dir)), 1);
        return false;
    }
    assert_int_equal(r, 0);
    for (unsigned n = 0; n < LEAVES; n++) {
        int found = generation_of(world->store, n, STORE_SLOT_HELD);

        assert_true(found == 1 || (found == -1 && count_files(world, "store.db.bad-") > 0));
    }
    store_rows(world->store, ignore_row, NULL);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), 0);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 2);
    close_store(world);
    moved = count_files(world, "store.db.bad-") > 0;
    assert_int_equal(test_lines(test_told(world->dir)), moved);
    return moved;
}

static void test_a_truncated_file_is_moved_aside_or_right(void **state)
{
    struct world *world = *state;
    struct buf image = make_image(world);
    unsigned moved = 0, tried = 0;

    for (size_t size = 0; size < image.size; size += image.size / 97 + 1) {
        test_remove(world->state);
        test_mkdir(world->dir, "state");
        write_image(world, "state/store.db", slice_of(image.data, size));
        moved += assert_right_or_aside(world);
        tried++;
    }
    assert_int_equal(moved, tried); /* each cut loses something */
    buf_deinit(&image);
}

static void scribble(struct world *world, const struct buf *image, size_t at, size_t size)
{
    struct buf copy = BUF_INIT(1 << 24);

    buf_put_slice(&copy, slice_of_buf(image));
    for (size_t i = at; i < at + size && i < copy.size; i++) {
        copy.data[i] = (uint8_t)rng_mix(at * 31 + i);
    }
    test_remove(world->state);
    test_mkdir(world->dir, "state");
    write_image(world, "state/store.db", slice_of_buf(&copy));
    buf_deinit(&copy);
}

static void test_a_scribbled_file_is_moved_aside_or_right(void **state)
{
    struct world *world = *state;
    struct buf image = make_image(world);
    unsigned moved = 0, tried = 0;

    for (size_t at = 0; at < 100; at++) { /* the header */
        scribble(world, &image, at, 1);
        moved += assert_right_or_aside(world);
    }
    assert_true(moved > 16);
    moved = 0;
    for (size_t at = 100; at < image.size; at += image.size / 211 + 1) {
        scribble(world, &image, at, 1 + at % 512);
        moved += assert_right_or_aside(world);
        tried++;
    }
    print_message("%u of %u scribbles hit something\n", moved, tried);
    assert_true(moved > tried / 2);
    buf_deinit(&image);
}

static void copy_file(struct world *world, const char *from, const char *to)
{
    char *path = test_path(world->dir, from);
    struct buf content = BUF_INIT(1 << 24);
    FILE *file = fopen(path, "re");
    int c;

    assert_non_null(file);
    while ((c = getc(file)) != EOF) {
        buf_put_byte(&content, (uint8_t)c);
    }
    fclose(file);
    write_image(world, to, slice_of_buf(&content));
    buf_deinit(&content);
    free(path);
}

static void test_a_scribbled_journal_loses_at_most_what_it_held(void **state)
{
    struct world *world = *state;
    char *journal = test_path(world->dir, "state/store.db-wal");
    char *alive = test_path(world->dir, "alive");
    struct stat st;

    for (unsigned i = 0; i < 40; i++) {
        int fd, found;

        test_remove(world->state);
        open_store(world);
        put_answer(world->store, 1, STORE_SLOT_HELD, 1);
        put_answer(world->store, 1, STORE_SLOT_HELD, 2);
        /* As after a kill -9: the files as they are, without a clean end. */
        test_rename(world->dir, "state", "alive");
        test_mkdir(world->dir, "state");
        copy_file(world, "alive/store.db", "state/store.db");
        copy_file(world, "alive/store.db-wal", "state/store.db-wal");
        close_store(world);
        test_remove(alive);
        fd = open(journal, O_WRONLY | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(pwrite(fd, "scribble", 8, st.st_size * i / 40), 8);
        close(fd);
        open_store(world);
        found = generation_of(world->store, 1, STORE_SLOT_HELD);
        assert_true(found >= -1 && found <= 2);
        assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 3), 0);
        open_store(world);
        assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 3);
        close_store(world);
    }
    free(journal);
    free(alive);
}

#define MANY 3000 /* answers: more than SQLite keeps in memory */

/* All of them in one commit. */
static void put_many(struct store *store)
{
    struct store_change *changes = calloc(MANY, sizeof(*changes));
    uint8_t(*leaves)[SHA256_SIZE] = calloc(MANY, sizeof(*leaves));
    uint8_t(*memory)[4096] = calloc(MANY, sizeof(*memory));

    assert_true(changes && leaves && memory);
    for (unsigned i = 0; i < MANY; i++) {
        make_leaf(leaves[i], i);
        changes[i] = (struct store_change){.type = STORE_PUT_ANSWER,
                                           .leaf_sha256 = leaves[i],
                                           .der = make_answer(memory[i], i, i % 7),
                                           .url = "http://ocsp.example/"};
    }
    assert_int_equal(store_commit(store, changes, MANY), 0);
    free(changes);
    free(leaves);
    free(memory);
}

static void test_damage_while_in_use_is_moved_aside_and_the_commit_is_kept(void **state)
{
    struct world *world = *state;
    char *path = test_path(world->dir, "state/store.db");
    unsigned n = MANY - 1, right = 0;
    const char *told;
    struct stat st;
    int fd;

    open_store(world);
    put_many(world->store);
    open_store(world);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096; at < st.st_size; at += 256) {
        assert_int_equal(pwrite(fd, "scribble", 8, at), 8);
    }
    close(fd);
    while (store_begun(world->store) == 0 && n > 0) {
        n--;
        assert_int_equal(put_answer(world->store, n, STORE_SLOT_HELD, 8), 0);
    }
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "moved aside"));
    assert_int_equal(generation_of(world->store, n, STORE_SLOT_HELD), 8);
    open_store(world);
    assert_int_equal(generation_of(world->store, n, STORE_SLOT_HELD), 8);
    for (unsigned i = 0; i < MANY; i++) {
        right += generation_of(world->store, i, STORE_SLOT_HELD) >= 0;
    }
    assert_int_equal(right, 1);
    assert_int_equal(count_files(world, "store.db.bad-"), 1);
    free(path);
}

static void test_damage_found_in_reading_is_nothing_there(void **state)
{
    struct world *world = *state;
    char *path = test_path(world->dir, "state/store.db");
    struct store *reader = NULL;
    unsigned broken = 0;
    struct stat st;
    int fd;

    open_store(world);
    put_many(world->store);
    open_store(world);
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), 0);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 8192; at < st.st_size; at += 256) {
        assert_int_equal(pwrite(fd, "scribble", 8, at), 8);
    }
    close(fd);
    for (unsigned i = 0; i < MANY; i++) {
        int found = generation_of(reader, i, STORE_SLOT_HELD);

        assert_true(found == -2 || found == (int)(i % 7)); /* -2: an error */
        broken += found == -2;
    }
    assert_true(broken > 0);
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
    assert_int_equal(test_lines(test_told(world->dir)), 1);
    for (unsigned i = 0; i < MANY; i++) {
        int found = generation_of(world->store, i, STORE_SLOT_HELD);

        assert_true(found == -1 || found == (int)(i % 7));
    }
    assert_int_equal(store_begun(world->store), 1);
    assert_int_equal(count_files(world, "store.db.bad-"), 1);
    store_close(reader);
    free(path);
}

static void test_a_store_removed_under_us_is_begun_again(void **state)
{
    struct world *world = *state;

    open_store(world);
    put_answer(world->store, 1, STORE_SLOT_HELD, 1);
    test_unlink(world->dir, "state/store.db");
    test_unlink(world->dir, "state/store.db-wal");
    test_unlink(world->dir, "state/store.db-shm");
    assert_int_equal(put_answer(world->store, 2, STORE_SLOT_HELD, 2), 0);
    assert_non_null(strstr(test_told(world->dir), "removed or exchanged"));
    open_store(world);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), -1);
    assert_int_equal(generation_of(world->store, 2, STORE_SLOT_HELD), 2);
}

static void test_a_state_directory_of_somebody_else_is_not_written(void **state)
{
    struct world *world = *state;
    struct store *first, *second = NULL;
    int pid = 0;

    open_store(world);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 1), 0);
    test_remove(world->state);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 2), -ESTALE);
    assert_non_null(strstr(test_told(world->dir), "restart it"));
    first = steal(&world->store);
    assert_int_equal(store_open(&second, world->state, &world->log, &pid), 0);
    assert_int_equal(put_answer(second, 2, STORE_SLOT_HELD, 1), 0);
    assert_int_equal(put_answer(first, 1, STORE_SLOT_HELD, 3), -ESTALE);
    assert_string_equal(test_told(world->dir), "");
    assert_int_equal(generation_of(second, 1, STORE_SLOT_HELD), -1);
    assert_int_equal(put_answer(second, 2, STORE_SLOT_HELD, 2), 0);
    store_close(first);
    world->store = second;
}

/* Kills: the child commits generation after generation of LEAVES answers (one commit each) and
 * reports each number once its commit returned. */

static int commit_without_end(struct world *world, int report)
{
    struct store *store = NULL;
    int pid;

    if (store_open(&store, world->state, &world->log, &pid)) {
        return 1;
    }
    for (unsigned i = 0;; i++) {
        uint8_t byte = (uint8_t)i;
        int before = generation_of(store, i % LEAVES, STORE_SLOT_HELD);

        if (before < -1 || put_answer(store, i % LEAVES, STORE_SLOT_HELD, (unsigned)before + 1) ||
            write(report, &byte, 1) != 1) {
            return 1;
        }
    }
}

static void test_nothing_committed_is_lost_by_kill_9(void **state)
{
    struct world *world = *state;
    int kept[LEAVES];
    struct rng rng = {1};

    memset(kept, 0xff, sizeof(kept)); /* -1 each */
    for (unsigned round = 0; round < 50; round++) {
        unsigned reports = (unsigned)rng_below(&rng, 40), started;
        int pipes[2], status;
        pid_t child;
        uint8_t byte;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(pipes[0]);
            _exit(commit_without_end(world, pipes[1]));
        }
        close(pipes[1]);
        for (unsigned i = 0; i < reports; i++) {
            assert_int_equal(read(pipes[0], &byte, 1), 1);
            kept[byte % LEAVES]++;
        }
        for (uint64_t spin = rng_below(&rng, 300000); spin > 0; spin--) {
            __asm__ volatile("");
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read(pipes[0], &byte, 1) == 1) {
            kept[byte % LEAVES]++;
            reports++;
        }
        close(pipes[0]);
        open_store(world);
        started = reports % LEAVES; /* the one that may have been committed without a report */
        for (unsigned n = 0; n < LEAVES; n++) {
            int found = generation_of(world->store, n, STORE_SLOT_HELD);

            assert_true(found == kept[n] || (n == started && found == kept[n] + 1));
            kept[n] = found;
        }
        close_store(world);
    }
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
}

#define STORE_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_truncated_file_is_moved_aside_or_right),
        STORE_TEST(test_a_scribbled_file_is_moved_aside_or_right),
        STORE_TEST(test_a_scribbled_journal_loses_at_most_what_it_held),
        STORE_TEST(test_damage_while_in_use_is_moved_aside_and_the_commit_is_kept),
        STORE_TEST(test_damage_found_in_reading_is_nothing_there),
        STORE_TEST(test_a_store_removed_under_us_is_begun_again),
        STORE_TEST(test_a_state_directory_of_somebody_else_is_not_written),
        STORE_TEST(test_nothing_committed_is_lost_by_kill_9),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
