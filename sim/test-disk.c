/* SPDX-License-Identifier: Apache-2.0 */

/* The simulated disk: every stop between two steps, and what a power failure may leave. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/ports.h"
#include "sim/disk.h"

#define PATH  "/run/ocsp/a.ocsp"
#define STEPS 6 /* of one write */
#define SEEDS 64

static const uint8_t leaf[SHA256_SIZE] = {1, 2, 3};

/* Lets so many steps pass, then says its word; for ever. */
struct gate {
    unsigned left;
    enum simdisk_word then;
    unsigned asked;
};

static enum simdisk_word gate_ask(void *context, enum simdisk_kind kind)
{
    struct gate *gate = context;

    (void)kind;
    gate->asked++;
    if (!gate->left) {
        return gate->then;
    }
    gate->left--;
    return SIMDISK_DO;
}

#define GATE_OPEN ((struct gate){UINT32_MAX, SIMDISK_DO, 0})

static struct simdisk *new_disk(uint64_t seed, struct gate *gate)
{
    return simdisk_new(seed, &(struct simdisk_calls){gate, gate_ask, NULL});
}

/* As publishers do it: staged, synced, moved, and the folder synced. */
static int put(struct simdisk *disk, const char *content)
{
    char *temp = NULL;
    int r = simdisk_stage(disk, PATH, slice_of_text(content), &temp);

    r = r ? r : simdisk_sync(disk, temp);
    r = r ? r : simdisk_move(disk, temp, PATH);
    r = r ? r : simdisk_sync_folder(disk, PATH);
    free(temp);
    return r;
}

static int take_away(struct simdisk *disk)
{
    int r = simdisk_drop(disk, PATH);

    return r ? r : simdisk_sync_folder(disk, PATH);
}

/* NUL-terminated; "-" when there is none. */
static struct buf get(const struct simdisk *disk)
{
    struct buf content = BUF_INIT(4096);

    if (simdisk_read(disk, PATH, &content)) {
        buf_put_text(&content, "-");
    }
    return content;
}

static bool holds(const struct simdisk *disk, const char *expected)
{
    struct buf content = get(disk);
    bool same = slice_equal(slice_of_buf(&content), slice_of_text(expected));

    buf_deinit(&content);
    return same;
}

static void count_one(void *context, const char *path)
{
    unsigned *counts = context;

    counts[simdisk_is_temporary(path)]++;
}

static void note_change(void *context, const char *path)
{
    assert_string_equal(path, PATH);
    ++*(unsigned *)context;
}

static enum simdisk_word say_yes(void *context, enum simdisk_kind kind)
{
    (void)context;
    (void)kind;
    return SIMDISK_DO;
}

static void test_changes_are_told(void **state)
{
    unsigned changes = 0;
    struct simdisk *disk = simdisk_new(1, &(struct simdisk_calls){&changes, say_yes, note_change});

    (void)state;
    put(disk, "first");
    put(disk, "first");
    assert_int_equal(changes, 1);
    take_away(disk);
    assert_int_equal(changes, 2);
    put(disk, "second");
    simdisk_wipe(disk);
    assert_int_equal(changes, 4);
    assert_true(holds(disk, "-"));
    simdisk_free(disk);
}

static void test_what_was_written_is_read(void **state)
{
    struct gate gate = GATE_OPEN;
    struct simdisk *disk = new_disk(1, &gate);

    (void)state;
    assert_true(holds(disk, "-"));
    assert_int_equal(put(disk, "first"), 0);
    assert_int_equal(gate.asked, STEPS);
    assert_int_equal(put(disk, "first"), SIMDISK_E_SAME);
    assert_int_equal(put(disk, "second"), 0);
    assert_true(holds(disk, "second"));
    assert_int_equal(take_away(disk), 0);
    assert_int_equal(take_away(disk), SIMDISK_E_ABSENT);
    assert_true(holds(disk, "-"));
    simdisk_free(disk);
}

/* Stops "first" -> @then at every step, with and without power, for many chances. */
static void stop_everywhere(const char *then, unsigned steps)
{
    for (unsigned stop = 0; stop <= steps; stop++) {
        unsigned seen[2] = {0};

        for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
            struct gate gate = GATE_OPEN;
            struct simdisk *disk = new_disk(seed, &gate);
            int r;

            assert_int_equal(put(disk, "first"), 0);
            gate = (struct gate){stop, SIMDISK_STOP, 0};
            r = then ? put(disk, then) : take_away(disk);
            assert_int_equal(r, stop < steps ? SIMDISK_E_DOWN : 0);
            assert_true(simdisk_is_down(disk) == (stop < steps));
            gate = GATE_OPEN;
            simdisk_restart(disk, seed < SEEDS);
            assert_true(holds(disk, "first") || holds(disk, then ? then : "-"));
            seen[holds(disk, "first")] += seed < SEEDS;
            simdisk_free(disk);
        }
        /* Durable when the call has returned; by chance while the folder alone is not synced. */
        assert_int_equal(seen[0] > 0, stop >= steps - 1);
        assert_int_equal(seen[1] > 0, stop < steps);
    }
}

static void test_a_file_is_the_old_or_the_new_one_wherever_the_machine_stops(void **state)
{
    (void)state;
    stop_everywhere("second", STEPS);
    stop_everywhere(NULL, 2);
}

static void test_a_file_that_was_not_synced_may_be_anything_after_a_power_failure(void **state)
{
    unsigned whole = 0, cut = 0, zeros = 0, gone = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct gate gate = {3, SIMDISK_STOP, 0};
        struct simdisk *disk = new_disk(seed, &gate);
        struct buf content = BUF_INIT(64);

        put(disk, "content");
        simdisk_restart(disk, true);
        /* Its name is of its number: the first there was. */
        if (simdisk_read(disk, "/run/ocsp/.a.ocsp.000000000001.tmp", &content)) {
            gone++;
        } else if (slice_equal(slice_of_buf(&content), slice_of_text("content"))) {
            whole++;
        } else if (content.size == 7 && content.data[0] == 0) {
            zeros++;
        } else {
            assert_true(content.size < 7);
            cut++;
        }
        buf_deinit(&content);
        simdisk_free(disk);
    }
    assert_true(whole && cut && zeros && gone);
}

static void test_nothing_is_done_while_the_machine_is_down(void **state)
{
    struct gate gate = GATE_OPEN;
    struct simdisk *disk = new_disk(1, &gate);

    (void)state;
    put(disk, "first");
    gate = (struct gate){0, SIMDISK_STOP, 0};
    assert_int_equal(put(disk, "second"), SIMDISK_E_DOWN);
    gate = GATE_OPEN;
    assert_int_equal(put(disk, "third"), SIMDISK_E_DOWN);
    assert_int_equal(take_away(disk), SIMDISK_E_DOWN);
    assert_int_equal(gate.asked, 0);
    simdisk_restart(disk, false);
    assert_true(holds(disk, "first"));
    simdisk_free(disk);
}

static void test_temporary_files_are_left_by_a_stop_and_cleaned(void **state)
{
    (void)state;
    for (unsigned stop = 0; stop < STEPS; stop++) {
        struct gate gate = {stop, SIMDISK_STOP, 0};
        struct simdisk *disk = new_disk(1, &gate);
        unsigned counts[2] = {0};

        put(disk, "content");
        gate = GATE_OPEN;
        simdisk_restart(disk, false);
        simdisk_each(disk, count_one, counts);
        assert_int_equal(counts[1], stop >= 1 && stop <= 4);
        simdisk_clean(disk, "/run/ocsp");
        counts[1] = 0;
        simdisk_each(disk, count_one, counts);
        assert_int_equal(counts[1], 0);
        simdisk_free(disk);
    }
}

static void test_a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    for (unsigned fine = 0; fine <= STEPS; fine++) {
        struct gate gate = GATE_OPEN;
        struct simdisk *disk = new_disk(1, &gate);
        unsigned counts[2] = {0};
        bool fits = fine >= 3; /* create, half, rest: the others need no room */

        put(disk, "first");
        gate = (struct gate){fine, SIMDISK_NO_ROOM, 0};
        assert_int_equal(put(disk, "second"), fits ? 0 : SIMDISK_E_FULL);
        assert_true(holds(disk, fits ? "second" : "first"));
        simdisk_each(disk, count_one, counts);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 0);
        assert_int_equal(take_away(disk), 0);
        simdisk_free(disk);
    }
}

static struct store_change put_answer(const char *der)
{
    return (struct store_change){
        .type = STORE_PUT_ANSWER, .leaf_sha256 = leaf, .der = slice_of_text(der)};
}

static struct store_record record_init(void)
{
    return (struct store_record){.held = BUF_INIT(LIMIT_ANSWER_SIZE),
                                 .pending = BUF_INIT(LIMIT_ANSWER_SIZE)};
}

static void record_end(struct store_record *record)
{
    buf_deinit(&record->held);
    buf_deinit(&record->pending);
}

static void test_a_commit_is_whole_or_lost(void **state)
{
    static const struct tombstone grave = {true, 5, 4, 1};

    (void)state;
    for (unsigned stop = 0; stop < 4; stop++) {
        struct gate gate = GATE_OPEN;
        struct simdisk *disk = new_disk(1, &gate);
        struct store_change changes[] = {
            put_answer("new"),
            {.type = STORE_TOMBSTONE, .leaf_sha256 = leaf, .tombstone = grave},
        };
        struct store_change first = put_answer("old");
        struct store_record record = record_init();

        assert_int_equal(simdisk_store_commit(disk, &first, 1), 0);
        gate = (struct gate){stop & 1, stop & 2 ? SIMDISK_NO_ROOM : SIMDISK_STOP, 0};
        assert_int_equal(simdisk_store_commit(disk, changes, 2),
                         stop & 1 ? 0 : (stop & 2 ? -ENOSPC : -EIO));
        simdisk_restart(disk, true);
        assert_int_equal(simdisk_store_read(disk, leaf, &record), 0);
        assert_string_equal(buf_text(&record.held), stop & 1 ? "new" : "old");
        assert_int_equal(record.tombstone.present, stop & 1);
        assert_int_equal(record.pending.size, 0);
        record_end(&record);
        simdisk_free(disk);
    }
}

static void count_record(void *context, const uint8_t *leaf_sha256,
                         const struct store_record *record)
{
    assert_memory_equal(leaf_sha256, leaf, SHA256_SIZE);
    assert_string_equal(buf_text(&record->held), "x");
    assert_int_equal(record->pending.size, 0);
    ++*(unsigned *)context;
}

static void test_the_store_keeps_and_forgets(void **state)
{
    struct gate gate = GATE_OPEN;
    struct simdisk *disk = new_disk(1, &gate);
    const struct cert_row row = {.next_try_s = 8};
    struct store_change issuer = {
        .type = STORE_PUT_ISSUER, .url = "http://ca", .der = slice_of_text("ca")};
    struct store_change forget = {.type = STORE_FORGET, .leaf_sha256 = leaf};
    struct store_change answer = put_answer("x");
    struct store_record record = record_init();
    struct buf der = BUF_INIT(64);
    unsigned records = 0;

    (void)state;
    answer.row = &row;
    assert_int_equal(simdisk_store_read(disk, leaf, &record), STORE_E_NONE);
    assert_int_equal(simdisk_store_commit(disk, &answer, 1), 0);
    assert_int_equal(simdisk_store_commit(disk, &issuer, 1), 0);
    assert_int_equal(simdisk_store_read(disk, leaf, &record), 0);
    assert_int_equal(record.next_try_s, 8);
    simdisk_store_each(disk, count_record, &records);
    assert_int_equal(records, 1);
    assert_int_equal(simdisk_store_read_issuer(disk, "http://ca", &der), 0);
    assert_string_equal(buf_text(&der), "ca");
    assert_int_equal(simdisk_store_commit(disk, &forget, 1), 0);
    assert_int_equal(simdisk_store_read(disk, leaf, &record), STORE_E_NONE);
    simdisk_store_lose(disk);
    assert_int_equal(simdisk_store_losses(disk), 1);
    assert_int_equal(simdisk_store_read_issuer(disk, "http://ca", &der), STORE_E_NONE);
    record_end(&record);
    buf_deinit(&der);
    simdisk_free(disk);
}

static void keep_published(void *context, const struct simdisk_published *published)
{
    struct buf *text = context;

    buf_put_text(text, published->path);
    buf_put_int(text, published->next_update_s);
    buf_put_byte(text, ',');
    buf_put_int(text, (int64_t)published->der_hash);
    buf_put_text(text, published->snippet);
    buf_put_byte(text, ' ');
}

static void test_what_publishers_told_the_store_is_read_back(void **state)
{
    struct gate gate = GATE_OPEN;
    struct simdisk *disk = new_disk(1, &gate);
    struct simdisk_published a = {"/a", "", "reload", "file", "00", 1, 11};
    struct simdisk_published b = {"/b", "/b.conf", "reload", "nginx", "00", 2, 22};
    struct buf text = BUF_INIT(256);

    (void)state;
    assert_int_equal(simdisk_store_put_published(disk, &a), 0);
    assert_int_equal(simdisk_store_put_published(disk, &b), 0);
    a.next_update_s = 3;
    assert_int_equal(simdisk_store_put_published(disk, &a), 0);
    simdisk_store_each_published(disk, keep_published, &text);
    assert_string_equal(buf_text(&text), "/a3,11 /b2,22/b.conf ");
    gate = (struct gate){0, SIMDISK_NO_ROOM, 0};
    assert_int_equal(simdisk_store_drop_published(disk, "/a"), -ENOSPC);
    gate = GATE_OPEN;
    assert_int_equal(simdisk_store_drop_published(disk, "/a"), 0);
    buf_clear(&text);
    simdisk_store_each_published(disk, keep_published, &text);
    assert_string_equal(buf_text(&text), "/b2,22/b.conf ");
    buf_deinit(&text);
    simdisk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_told),
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_a_file_is_the_old_or_the_new_one_wherever_the_machine_stops),
        cmocka_unit_test(test_a_file_that_was_not_synced_may_be_anything_after_a_power_failure),
        cmocka_unit_test(test_nothing_is_done_while_the_machine_is_down),
        cmocka_unit_test(test_temporary_files_are_left_by_a_stop_and_cleaned),
        cmocka_unit_test(test_a_full_disk_leaves_what_was_there),
        cmocka_unit_test(test_a_commit_is_whole_or_lost),
        cmocka_unit_test(test_the_store_keeps_and_forgets),
        cmocka_unit_test(test_what_publishers_told_the_store_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
