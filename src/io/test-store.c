/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-store.h"

#include <sqlite3.h>
#include <sys/wait.h>

static unsigned mode_of(struct world *world, const char *name)
{
    char *path = test_path(world->dir, name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    free(path);
    return st.st_mode & 07777;
}

static void test_answers_come_back_after_a_restart(void **state)
{
    struct world *world = *state;

    open_store(world);
    assert_int_equal(store_begun(world->store), 1);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 5), 0);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_PENDING, 6), 0);
    assert_int_equal(put_answer(world->store, 2, STORE_SLOT_HELD, 7), 0);
    open_store(world);
    assert_int_equal(store_begun(world->store), 0);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), 5);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_PENDING), 6);
    assert_int_equal(generation_of(world->store, 2, STORE_SLOT_HELD), 7);
    assert_int_equal(generation_of(world->store, 2, STORE_SLOT_PENDING), -1);
    assert_int_equal(generation_of(world->store, 3, STORE_SLOT_HELD), -1);
    assert_string_equal(test_told(world->dir), "");
}

static void test_a_dropped_slot_leaves_the_other_and_a_forgotten_leaf_leaves_nothing(void **state)
{
    struct world *world = *state;
    struct store_record record = {.held = BUF_INIT(LIMIT_ANSWER_SIZE),
                                  .pending = BUF_INIT(LIMIT_ANSWER_SIZE)};
    uint8_t leaf[SHA256_SIZE];
    struct store_change change = {
        .type = STORE_TOMBSTONE, .leaf_sha256 = leaf, .tombstone = {true, 1111, -5, -1}};

    make_leaf(leaf, 1);
    open_store(world);
    put_answer(world->store, 1, STORE_SLOT_HELD, 5);
    put_answer(world->store, 1, STORE_SLOT_PENDING, 6);
    put_answer(world->store, 2, STORE_SLOT_HELD, 7);
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(change_one(world->store, 1, STORE_DROP_ANSWER, STORE_SLOT_HELD), 0);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_HELD), -1);
    assert_int_equal(generation_of(world->store, 1, STORE_SLOT_PENDING), 6);
    assert_int_equal(change_one(world->store, 1, STORE_FORGET, 0), 0);
    assert_int_equal(store_read(world->store, leaf, &record), STORE_E_NONE);
    assert_false(record.tombstone.present);
    assert_int_equal(generation_of(world->store, 2, STORE_SLOT_HELD), 7);
    store_record_deinit(&record);
}

static void test_a_tombstone_stays_until_it_is_taken_away(void **state)
{
    struct world *world = *state;
    struct store_record record = {.held = BUF_INIT(LIMIT_ANSWER_SIZE)};
    uint8_t leaf[SHA256_SIZE];
    struct store_change change = {
        .type = STORE_TOMBSTONE, .leaf_sha256 = leaf, .tombstone = {true, 1111, -5, -1}};

    make_leaf(leaf, 1);
    open_store(world);
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    open_store(world);
    assert_int_equal(store_read(world->store, leaf, &record), 0);
    assert_true(record.tombstone.present);
    assert_int_equal(record.tombstone.this_update_s, 1111);
    assert_int_equal(record.tombstone.revoked_at_s, -5);
    assert_int_equal(record.tombstone.reason, -1);
    change.tombstone.present = false;
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(store_read(world->store, leaf, &record), STORE_E_NONE);
    assert_false(record.tombstone.present);
    store_record_deinit(&record);
}

static void test_the_time_of_the_next_try_is_read_with_or_without_an_answer(void **state)
{
    struct world *world = *state;
    struct store_record record = {.next_try_s = 5};
    uint8_t leaf[SHA256_SIZE];
    struct cert_row row = make_row(1);
    struct store_change change = {.type = STORE_PUT_ROW, .leaf_sha256 = leaf, .row = &row};

    make_leaf(leaf, 1);
    open_store(world);
    assert_int_equal(store_read(world->store, leaf, &record), STORE_E_NONE);
    assert_true(record.next_try_s == INSTANT_NEVER);
    row.next_try_s = 1790000000;
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    open_store(world);
    assert_int_equal(store_read(world->store, leaf, &record), STORE_E_NONE);
    assert_int_equal(record.next_try_s, 1790000000);
    change = (struct store_change){.type = STORE_PUT_ANSWER,
                                   .leaf_sha256 = leaf,
                                   .slot = STORE_SLOT_HELD,
                                   .der = slice_of("answer", 6),
                                   .row = &row};
    row.next_try_s++;
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(store_read(world->store, leaf, &record), 0);
    assert_int_equal(record.next_try_s, 1790000001);
    row.next_try_s = INSTANT_NEVER;
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(store_read(world->store, leaf, &record), 0);
    assert_true(record.next_try_s == INSTANT_NEVER);
    store_record_deinit(&record);
}

static void test_issuers_are_kept_by_url(void **state)
{
    struct world *world = *state;
    struct buf der = BUF_INIT(LIMIT_ISSUER_SIZE);
    struct store_change change = {
        .type = STORE_PUT_ISSUER, .der = slice_of("cert", 4), .url = "http://ca.example/ca.crt"};

    open_store(world);
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(store_read_issuer(world->store, "http://ca.example/ca.crt", &der), 0);
    assert_string_equal(buf_text(&der), "cert");
    assert_int_equal(store_read_issuer(world->store, "http://ca.example/", &der), STORE_E_NONE);
    buf_deinit(&der);
}

static void each_row(void *context, const struct cert_row *row)
{
    struct buf *text = context;

    buf_put_text(text, row->name);
    buf_put_text(text, row->must_staple ? "!" : "");
    buf_put_byte(text, ' ');
    assert_int_equal(strlen(row->leaf_sha256), 2 * SHA256_SIZE);
    assert_string_equal(row->serial, "1a2b");
    assert_string_equal(row->path, "/etc/ssl/x.pem");
    assert_string_equal(row->last, "all is well");
    assert_int_equal(row->state, CERT_STATE_HELD);
    assert_int_equal(row->serve.until_s - row->serve.from_s, 1000);
    assert_int_equal(row->next_update_s - row->serve.from_s, 2000);
    assert_true(row->next_try_s == INSTANT_NEVER);
}

static void test_rows_come_in_the_order_of_names(void **state)
{
    struct world *world = *state;
    struct buf text = BUF_INIT(4096);
    uint8_t leaf[SHA256_SIZE];
    struct cert_row row = make_row(2);
    struct store_change change = {.type = STORE_PUT_ROW, .leaf_sha256 = leaf, .row = &row};

    open_store(world);
    make_leaf(leaf, 2);
    assert_int_equal(store_commit(world->store, &change, 1), 0);
    assert_int_equal(store_commit(world->store, &change, 1), 0); /* the same row again */
    put_answer(world->store, 3, STORE_SLOT_HELD, 0);
    put_answer(world->store, 1, STORE_SLOT_HELD, 0);
    assert_int_equal(store_rows(world->store, each_row, &text), 0);
    assert_string_equal(buf_text(&text), "site001.example! site002.example site003.example! ");
    buf_deinit(&text);
}

static void each_published(void *context, const struct store_published *published)
{
    struct buf *text = context;

    buf_put_text(text, published->path);
    buf_put_byte(text, ',');
    buf_put_text(text, published->snippet);
    buf_put_byte(text, ',');
    buf_put_text(text, published->command);
    buf_put_byte(text, ',');
    buf_put_text(text, published->kind);
    buf_put_byte(text, ',');
    buf_put_text(text, published->leaf_sha256);
    buf_put_byte(text, ',');
    buf_put_int(text, published->next_update_s);
    buf_put_byte(text, ',');
    buf_put_int(text, (int64_t)published->der_hash);
    buf_put_byte(text, ' ');
}

static void test_what_is_published_is_remembered_until_dropped(void **state)
{
    struct world *world = *state;
    struct buf text = BUF_INIT(4096);
    struct store_published a = {"/run/a.ocsp", "/etc/a.conf", "reload", "nginx", "abcd", 77, 5};
    struct store_published b = {"/run/b.ocsp", "", "", "file", "ef01", 78, UINT64_MAX};

    open_store(world);
    assert_int_equal(store_put_published(world->store, &b), 0);
    assert_int_equal(store_put_published(world->store, &a), 0);
    b.next_update_s = 79;
    assert_int_equal(store_put_published(world->store, &b), 0);
    open_store(world);
    assert_int_equal(store_published(world->store, each_published, &text), 0);
    assert_string_equal(buf_text(&text), "/run/a.ocsp,/etc/a.conf,reload,nginx,abcd,77,5 "
                                         "/run/b.ocsp,,,file,ef01,79,-1 ");
    buf_clear(&text);
    assert_int_equal(store_drop_published(world->store, "/run/a.ocsp"), 0);
    assert_int_equal(store_drop_published(world->store, "/run/a.ocsp"), 0);
    assert_int_equal(store_published(world->store, each_published, &text), 0);
    assert_string_equal(buf_text(&text), "/run/b.ocsp,,,file,ef01,79,-1 ");
    buf_deinit(&text);
}

static void test_many_of_what_is_published_are_one_commit(void **state)
{
    struct world *world = *state;
    struct buf text = BUF_INIT(4096);
    const struct store_published first = {"/run/a.ocsp", "", "", "file", "abcd", 77, 1};
    const struct store_published many[] = {
        {"/run/b.ocsp", "", "", "file", "ef01", 78, 2},
        {.path = "/run/a.ocsp"}, /* is dropped */
        {"/run/c.ocsp", "", "", "file", "2345", 79, 3},
        {"/run/b.ocsp", "", "", "file", "ef01", 80, 4},
    };

    open_store(world);
    assert_int_equal(store_put_published(world->store, &first), 0);
    assert_int_equal(store_commit_published(world->store, many, 0), 0);
    assert_int_equal(store_commit_published(world->store, many, 4), 0);
    open_store(world);
    assert_int_equal(store_published(world->store, each_published, &text), 0);
    assert_string_equal(buf_text(&text),
                        "/run/b.ocsp,,,file,ef01,80,4 /run/c.ocsp,,,file,2345,79,3 ");
    buf_deinit(&text);
}

static void test_directory_and_files_are_not_for_everybody(void **state)
{
    struct world *world = *state;
    mode_t mask = umask(022);

    open_store(world);
    put_answer(world->store, 1, STORE_SLOT_HELD, 0);
    assert_int_equal(mode_of(world, "state"), 0750);
    assert_int_equal(mode_of(world, "state/store.db"), 0640);
    assert_int_equal(mode_of(world, "state/store.db-wal"), 0640);
    assert_int_equal(mode_of(world, "state/clinch.lock"), 0640);
    umask(mask);
}

static void test_a_deep_state_directory_is_made(void **state)
{
    struct world *world = *state;

    free(world->state);
    world->state = test_path(world->dir, "a/b/../b//state");
    open_store(world);
    assert_int_equal(mode_of(world, "a"), 0755);
    assert_int_equal(mode_of(world, "a/b/state"), 0750);
}

static void test_a_state_directory_that_cannot_be_is_told(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    int pid;

    test_write(world->dir, "state", "a file");
    assert_int_equal(store_open(&store, world->state, &world->log, &pid), -ENOTDIR);
    assert_non_null(strstr(test_told(world->dir), "cannot make the state directory"));
    assert_null(store);
}

static void test_a_second_writer_learns_who_the_first_is(void **state)
{
    struct world *world = *state;
    struct store *second = NULL;
    int pid = 0;

    open_store(world);
    assert_int_equal(store_open(&second, world->state, &world->log, &pid), STORE_E_LOCKED);
    assert_int_equal(pid, getpid());
    assert_null(second);
    close_store(world);
    assert_int_equal(store_open(&second, world->state, &world->log, &pid), 0);
    store_close(second);
}

static void test_a_lock_file_that_is_a_symlink_is_refused(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    int pid = 0;

    test_mkdir(world->dir, "state");
    test_write(world->dir, "victim", "keep me");
    test_symlink(world->dir, "../victim", "state/clinch.lock");
    assert_int_equal(store_open(&store, world->state, &world->log, &pid), -ELOOP);
    test_unlink(world->dir, "state/clinch.lock");
    test_symlink(world->dir, "../victim", "state/store.db");
    assert_true(store_open(&store, world->state, &world->log, &pid) < 0);
    assert_non_null(strstr(test_told(world->dir), "not a regular file"));
}

static void test_a_reader_reads_beside_the_writer(void **state)
{
    struct world *world = *state;
    struct store *reader = NULL;

    assert_int_equal(store_open_reader(&reader, world->state, &world->log), STORE_E_ABSENT);
    open_store(world);
    put_answer(world->store, 1, STORE_SLOT_HELD, 3);
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), 0);
    assert_int_equal(generation_of(reader, 1, STORE_SLOT_HELD), 3);
    put_answer(world->store, 1, STORE_SLOT_HELD, 4);
    assert_int_equal(generation_of(reader, 1, STORE_SLOT_HELD), 4);
    assert_int_equal(put_answer(reader, 1, STORE_SLOT_HELD, 5), -EROFS);
    close_store(world);
    assert_int_equal(generation_of(reader, 1, STORE_SLOT_HELD), 4);
    store_close(reader);
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), 0);
    assert_int_equal(generation_of(reader, 1, STORE_SLOT_HELD), 4);
    store_close(reader);
    assert_string_equal(test_told(world->dir), "");
}

static unsigned count_published(struct store *store)
{
    struct buf text = BUF_INIT(4096);
    unsigned count = 0;

    assert_int_equal(store_published(store, each_published, &text), 0);
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == ' ';
    }
    buf_deinit(&text);
    return count;
}

static void test_a_visitor_writes_where_nobody_else_does(void **state)
{
    struct world *world = *state;
    struct store *visitor = NULL, *reader = NULL;
    const struct store_published row = {"/x", "", "", "file", "", 1, 2};
    int pid;

    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), STORE_E_ABSENT);
    assert_false(store_is_locked(world->state));
    open_store(world);
    assert_true(store_is_locked(world->state));
    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), STORE_E_LOCKED);
    close_store(world);
    assert_false(store_is_locked(world->state));
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), 0);
    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), 0);
    assert_int_equal(store_open(&world->store, world->state, &world->log, &pid), STORE_E_LOCKED);
    assert_int_equal(store_put_published(visitor, &row), 0);
    assert_int_equal(count_published(reader), 1);
    store_close(visitor);
    store_close(reader);
    open_store(world);
    assert_int_equal(count_published(world->store), 1);
    assert_string_equal(test_told(world->dir), "");
}

static void test_a_visitor_makes_and_moves_nothing(void **state)
{
    struct world *world = *state;
    struct store *visitor = NULL;
    char *lock = test_path(world->dir, "state/clinch.lock");

    test_mkdir(world->dir, "state");
    test_write(world->dir, "state/store.db", "this is no database at all, it is a letter");
    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), -ENOENT);
    assert_int_equal(count_files(world, "clinch.lock"), 0); /* it might be root's */
    test_write(world->dir, "state/clinch.lock", "");
    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), -EUCLEAN);
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
    assert_non_null(strstr(test_told(world->dir), "file is not a database"));
    open_store(world);
    close_store(world);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(store_open_visitor(&visitor, world->state, &world->log), -ENOENT);
    free(lock);
}

/* As another user, who may read the files but write nothing. */
static int read_as_nobody(struct world *world)
{
    struct store *reader = NULL;
    int r;

    if (setgid(65534) || setuid(65534)) {
        return 3;
    }
    r = store_open_reader(&reader, world->state, &world->log);
    r = r ? 1 : generation_of(reader, 1, STORE_SLOT_HELD) != 3;
    store_close(reader);
    return r;
}

static int status_of_child(struct world *world, int (*run)(struct world *world))
{
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(run(world));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void open_to_all(struct world *world)
{
    static const char *const names[] = {"state/store.db", "state/store.db-wal",
                                        "state/store.db-shm"};

    assert_int_equal(chmod(world->dir->path, 0755), 0);
    assert_int_equal(chmod(world->state, 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = test_path(world->dir, names[i]);

        chmod(path, 0644);
        free(path);
    }
}

static void test_a_reader_needs_no_right_to_write(void **state)
{
    struct world *world = *state;

    if (geteuid() != 0) {
        print_message("skipped: only root can become somebody else\n");
        skip();
    }
    open_store(world);
    put_answer(world->store, 1, STORE_SLOT_HELD, 3);
    open_to_all(world); /* beside a writer, content in the journal */
    assert_int_equal(status_of_child(world, read_as_nobody), 0);
    close_store(world); /* after a clean end: no journal at all */
    open_to_all(world);
    assert_int_equal(status_of_child(world, read_as_nobody), 0);
    assert_int_equal(count_files(world, "store.db"), 1);
    assert_string_equal(test_told(world->dir), "");
}

static void test_a_store_that_may_not_be_read_is_told(void **state)
{
    struct world *world = *state;

    if (geteuid() != 0) {
        print_message("skipped: only root can become somebody else\n");
        skip();
    }
    open_store(world);
    close_store(world);
    chmod(world->dir->path, 0755);
    assert_int_equal(status_of_child(world, read_as_nobody), 1);
    assert_non_null(strstr(test_told(world->dir), "Permission denied; ask as root"));
}

static void test_a_newer_store_is_refused_and_left_alone(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    sqlite3 *db = NULL;
    char *path = test_path(world->dir, "state/store.db");
    int pid;

    open_store(world);
    close_store(world);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_open(&store, world->state, &world->log, &pid), -ENOTSUP);
    assert_non_null(strstr(test_told(world->dir), "written by a newer clinch"));
    assert_int_equal(store_open_reader(&store, world->state, &world->log), -ENOTSUP);
    assert_non_null(strstr(test_told(world->dir), "written by a newer clinch"));
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
    free(path);
}

/* The tables of version 1 are those of today without one column. */
static void make_old(struct world *world)
{
    sqlite3 *db = NULL;
    char *path = test_path(world->dir, "state/store.db");

    close_store(world);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "ALTER TABLE published DROP COLUMN der_hash;"
                                  "PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    free(path);
}

static void test_an_older_store_keeps_what_it_has(void **state)
{
    struct world *world = *state;
    struct store_published a = {"/run/a.ocsp", "", "reload", "nginx", "abcd", 77, 5};
    struct store_record record = {.held = BUF_INIT(LIMIT_ANSWER_SIZE)};
    struct store *reader = NULL;
    struct buf text = BUF_INIT(4096);
    uint8_t leaf[SHA256_SIZE];

    open_store(world);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 0), 0);
    assert_int_equal(store_put_published(world->store, &a), 0);
    make_old(world);
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), -ENOTSUP);
    assert_non_null(strstr(test_told(world->dir), "written by an older clinch"));
    open_store(world);
    assert_int_equal(store_published(world->store, each_published, &text), 0);
    assert_string_equal(buf_text(&text), "/run/a.ocsp,,reload,nginx,abcd,77,0 ");
    make_leaf(leaf, 1);
    assert_int_equal(store_read(world->store, leaf, &record), 0);
    store_record_deinit(&record);
    assert_int_equal(count_files(world, "store.db.bad-"), 0);
    buf_deinit(&text);
}

static void test_junk_is_moved_aside(void **state)
{
    struct world *world = *state;
    struct store *reader = NULL;
    const char *told;

    test_mkdir(world->dir, "state");
    test_write(world->dir, "state/store.db", "this is no database at all, it is a letter");
    assert_int_equal(store_open_reader(&reader, world->state, &world->log), -EUCLEAN);
    assert_int_equal(test_lines(test_told(world->dir)), 1);
    assert_int_equal(count_files(world, "store.db.bad-"), 0); /* readers move nothing */
    open_store(world);
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 1);
    assert_non_null(strstr(told, "file is not a database"));
    assert_non_null(strstr(told, "moved aside as store.db.bad-20"));
    assert_int_equal(count_files(world, "store.db.bad-"), 1);
    assert_int_equal(put_answer(world->store, 1, STORE_SLOT_HELD, 0), 0);
    assert_int_equal(store_begun(world->store), 1);
}

static void test_a_database_of_somebody_else_is_moved_aside(void **state)
{
    struct world *world = *state;
    sqlite3 *db = NULL;
    char *path = test_path(world->dir, "state/store.db");

    test_mkdir(world->dir, "state");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "CREATE TABLE t (x); PRAGMA user_version = 1", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    open_store(world);
    assert_int_equal(test_lines(test_told(world->dir)), 1);
    assert_int_equal(count_files(world, "store.db.bad-"), 1);
    free(path);
}

#define STORE_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORE_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)
        STORE_TEST(test_answers_come_back_after_a_restart),
        STORE_TEST(test_a_dropped_slot_leaves_the_other_and_a_forgotten_leaf_leaves_nothing),
        STORE_TEST(test_a_tombstone_stays_until_it_is_taken_away),
        STORE_TEST(test_the_time_of_the_next_try_is_read_with_or_without_an_answer),
        STORE_TEST(test_issuers_are_kept_by_url),
        STORE_TEST(test_rows_come_in_the_order_of_names),
        STORE_TEST(test_what_is_published_is_remembered_until_dropped),
        STORE_TEST(test_many_of_what_is_published_are_one_commit),
        STORE_TEST(test_directory_and_files_are_not_for_everybody),
        STORE_TEST(test_a_deep_state_directory_is_made),
        STORE_TEST(test_a_state_directory_that_cannot_be_is_told),
        STORE_TEST(test_a_second_writer_learns_who_the_first_is),
        STORE_TEST(test_a_lock_file_that_is_a_symlink_is_refused),
        STORE_TEST(test_a_reader_reads_beside_the_writer),
        STORE_TEST(test_a_visitor_writes_where_nobody_else_does),
        STORE_TEST(test_a_visitor_makes_and_moves_nothing),
        STORE_TEST(test_a_reader_needs_no_right_to_write),
        STORE_TEST(test_a_store_that_may_not_be_read_is_told),
        STORE_TEST(test_a_newer_store_is_refused_and_left_alone),
        STORE_TEST(test_an_older_store_keeps_what_it_has),
        STORE_TEST(test_junk_is_moved_aside),
        STORE_TEST(test_a_database_of_somebody_else_is_moved_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
