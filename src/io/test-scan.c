/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/scan.h"

/* What a sink was told, as text: "+a.pem=content", "-a.pem", with '/' behind '+' for files found
 * in a folder. Directories apart. Names relative to the test's folder. */
struct world {
    struct test_dir *dir;
    struct log log;
    struct scan *scan;
    struct buf told;
    struct buf directories;
    struct scan_sink sink;
};

static void put_name(struct world *world, struct buf *to, const char *path)
{
    size_t size = strlen(world->dir->path);

    if (strncmp(path, world->dir->path, size) == 0) {
        path += size + (path[size] == '/');
    }
    buf_put_text(to, *path ? path : ".");
}

static void on_read(void *context, const char *path, struct slice content, bool in_folder)
{
    struct world *world = context;

    buf_put_text(&world->told, in_folder ? "+/" : "+");
    put_name(world, &world->told, path);
    buf_put_text(&world->told, "=");
    buf_put_printable(&world->told, content, 64);
    buf_put_text(&world->told, " ");
}

static void on_gone(void *context, const char *path)
{
    struct world *world = context;

    buf_put_text(&world->told, "-");
    put_name(world, &world->told, path);
    buf_put_text(&world->told, " ");
}

static void on_directory(void *context, const char *path)
{
    struct world *world = context;

    buf_put_text(&world->directories, " ");
    put_name(world, &world->directories, path);
    buf_put_text(&world->directories, " ");
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    void *dir;

    assert_non_null(world);
    test_dir_setup(&dir);
    world->dir = dir;
    unsetenv("JOURNAL_STREAM");
    log_open(&world->log);
    world->told = BUF_INIT(1 << 24);
    world->directories = BUF_INIT(1 << 24);
    world->sink = (struct scan_sink){world, on_read, on_gone, on_directory};
    assert_int_equal(scan_new(&world->scan, &world->log), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *dir = world->dir;

    scan_free(world->scan);
    buf_deinit(&world->told);
    buf_deinit(&world->directories);
    test_dir_teardown(&dir);
    free(world);
    return 0;
}

static void add(struct world *world, const char *name)
{
    char *path = test_path(world->dir, name);

    assert_int_equal(scan_add(world->scan, path), 0);
    free(path);
}

/* One run; what the sink was told. */
static const char *run(struct world *world)
{
    buf_clear(&world->told);
    buf_clear(&world->directories);
    assert_int_equal(scan_run(world->scan, &world->sink), 0);
    return buf_text(&world->told);
}

static bool watched(struct world *world, const char *name)
{
    char text[256];

    snprintf(text, sizeof(text), " %s ", name);
    return strstr(buf_text(&world->directories), text) != NULL;
}

/* One line, with these words in it. */
static void assert_told_once(struct world *world, const char *name, const char *what)
{
    const char *text = test_told(world->dir);

    if (test_lines(text) != 1 || !strstr(text, name) || !strstr(text, what)) {
        fail_msg("told: %s", text);
    }
}

static void test_a_named_file_is_read_once_and_again_when_it_changes(void **state)
{
    struct world *world = *state;

    test_write(world->dir, "a.pem", "one");
    add(world, "a.pem");
    add(world, "a.pem");
    assert_string_equal(run(world), "+a.pem=one ");
    assert_string_equal(run(world), "");
    test_write(world->dir, "a.pem", "two!");
    assert_string_equal(run(world), "+a.pem=two! ");
    test_unlink(world->dir, "a.pem");
    assert_string_equal(run(world), "-a.pem ");
    assert_told_once(world, "a.pem", "no such file");
    assert_string_equal(run(world), "");
    assert_string_equal(test_told(world->dir), "");
    assert_int_equal(scan_fault_count(world->scan), 1);
    test_write(world->dir, "a.pem", "two!");
    assert_string_equal(run(world), "+a.pem=two! ");
    assert_int_equal(scan_fault_count(world->scan), 0);
}

static void test_a_rewrite_in_the_same_tick_is_noticed(void **state)
{
    struct world *world = *state;

    add(world, "a.pem");
    for (unsigned i = 0; i < 500; i++) {
        char text[32], want[32];

        snprintf(text, sizeof(text), "%04u", i); /* the same size each time */
        snprintf(want, sizeof(want), "+a.pem=%04u ", i);
        test_write(world->dir, "a.pem", text);
        assert_string_equal(run(world), want);
    }
}

static void test_an_old_file_is_not_opened_again(void **state)
{
    struct world *world = *state;
    const char *system_file = "/etc/passwd"; /* with a ctime of long ago */
    struct stat st;

    if (stat(system_file, &st) || clock_now().wall_s - st.st_ctime < 10) {
        skip();
    }
    assert_int_equal(scan_add(world->scan, system_file), 0);
    assert_true(strlen(run(world)) > 0);
    assert_string_equal(run(world), "");
}

static void test_a_folder_is_walked_and_foreign_names_are_skipped(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    test_mkdir(world->dir, "d/example.sh");
    test_write(world->dir, "d/b.pem", "b");
    test_write(world->dir, "d/a.crt", "a");
    test_write(world->dir, "d/plain", "p");
    test_write(world->dir, "d/.hidden.pem", "x");
    test_write(world->dir, "d/a.KEY", "x");
    test_write(world->dir, "d/a.pem.ocsp", "x");
    test_write(world->dir, "d/a.pem.bak", "x");
    test_write(world->dir, "d/a.pem~", "x");
    test_write(world->dir, "d/README.md", "x");
    test_write(world->dir, "d/example.sh/c.pem", "c");
    test_symlink(world->dir, "nowhere", "d/z.ocsp"); /* a staple that is not there now */
    add(world, "d/");
    assert_string_equal(run(world), "+/d/a.crt=a +/d/b.pem=b +/d/example.sh/c.pem=c +/d/plain=p ");
    assert_string_equal(test_told(world->dir), "");
    assert_true(watched(world, "d"));
    assert_true(watched(world, "d/example.sh"));
    assert_true(watched(world, "."));
    test_unlink(world->dir, "d/example.sh/c.pem");
    assert_string_equal(run(world), "-d/example.sh/c.pem ");
}

static void test_a_glob_is_matched_anew_at_each_run(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "live");
    test_mkdir(world->dir, "live/a");
    test_write(world->dir, "live/a/fullchain.pem", "a");
    test_write(world->dir, "live/a/other.pem", "x");
    add(world, "live/*/{fullchain,chain}.pem");
    add(world, "none/*.pem");
    assert_string_equal(run(world), "+live/a/fullchain.pem=a ");
    assert_told_once(world, "none/*.pem", "matches nothing");
    assert_true(watched(world, "live"));
    assert_true(watched(world, "live/a"));
    test_mkdir(world->dir, "live/b");
    assert_string_equal(run(world), "");
    assert_true(watched(world, "live/b"));
    test_write(world->dir, "live/b/fullchain.pem", "b");
    assert_string_equal(run(world), "+live/b/fullchain.pem=b ");
    assert_string_equal(test_told(world->dir), "");
}

static void test_a_glob_skips_staples_unless_it_asks_for_them(void **state)
{
    struct world *world = *state;

    test_write(world->dir, "a.pem", "a");
    test_write(world->dir, "a.pem.ocsp", "o");
    test_write(world->dir, "a.key", "k");
    add(world, "a*");
    assert_string_equal(run(world), "+a.pem=a ");
    add(world, "*.key");
    assert_string_equal(run(world), "+a.key=k ");
}

static void test_a_path_with_magic_characters_that_exists_is_a_path(void **state)
{
    struct world *world = *state;

    test_write(world->dir, "[a].pem", "a");
    add(world, "[a].pem");
    assert_string_equal(run(world), "+[a].pem=a ");
}

static void test_the_issuer_beside_a_file_is_handed_on_with_it(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.pem", "leaf");
    test_write(world->dir, "n.pem", "named");
    test_write(world->dir, "n.pem.issuer", "ca");
    add(world, "d");
    add(world, "n.pem");
    assert_string_equal(run(world), "+/d/a.pem=leaf +n.pem=named?ca ");
    test_write(world->dir, "d/a.pem.issuer", "ca");
    assert_string_equal(run(world), "+/d/a.pem=leaf?ca ");
    test_write(world->dir, "d/a.pem.issuer", "newca");
    assert_string_equal(run(world), "+/d/a.pem=leaf?newca ");
    test_write(world->dir, "d/a.pem.issuer", "");
    assert_string_equal(run(world), "+/d/a.pem=leaf ");
    assert_told_once(world, "d/a.pem.issuer", "is empty");
    test_unlink(world->dir, "d/a.pem.issuer");
    assert_string_equal(run(world), "");
    assert_int_equal(scan_fault_count(world->scan), 0);
}

static void test_a_symlink_swap_as_certbot_does_it_is_noticed(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "live");
    test_mkdir(world->dir, "live/site");
    test_mkdir(world->dir, "archive");
    test_mkdir(world->dir, "archive/site");
    test_write(world->dir, "archive/site/fullchain1.pem", "one");
    test_write(world->dir, "archive/site/fullchain2.pem", "two");
    test_symlink(world->dir, "../../archive/site/fullchain1.pem", "live/site/fullchain.pem");
    add(world, "live/site/fullchain.pem");
    assert_string_equal(run(world), "+live/site/fullchain.pem=one ");
    assert_true(watched(world, "live/site"));
    assert_true(watched(world, "live"));
    assert_true(watched(world, "live/site/../../archive/site"));
    test_unlink(world->dir, "live/site/fullchain.pem");
    test_symlink(world->dir, "../../archive/site/fullchain2.pem", "live/site/fullchain.pem");
    assert_string_equal(run(world), "+live/site/fullchain.pem=two ");
}

static void test_directories_behind_symlinks_on_the_way_are_watched(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "releases");
    test_mkdir(world->dir, "releases/1");
    test_mkdir(world->dir, "releases/1/tls");
    test_mkdir(world->dir, "app");
    test_write(world->dir, "releases/1/tls/a.pem", "a");
    test_symlink(world->dir, "../releases/1", "app/current");
    add(world, "app/current/tls/a.pem");
    assert_string_equal(run(world), "+app/current/tls/a.pem=a ");
    assert_true(watched(world, "app"));
    assert_true(watched(world, "app/current"));
    assert_true(watched(world, "app/current/tls"));
    assert_true(watched(world, "app/../releases"));
}

static void test_directories_are_told_once_in_a_run(void **state)
{
    struct world *world = *state;
    const char *first;

    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.pem", "a");
    test_write(world->dir, "d/b.pem", "b");
    add(world, "d");
    add(world, "d/a.pem");
    add(world, "d/*.pem");
    run(world);
    first = strstr(buf_text(&world->directories), " d ");
    assert_non_null(first);
    assert_null(strstr(first + 1, " d "));
}

static void test_the_nearest_folder_of_a_missing_path_is_watched(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "x");
    add(world, "x/y/z/a.pem");
    assert_string_equal(run(world), "");
    assert_told_once(world, "x/y/z/a.pem", "no such file");
    assert_true(watched(world, "x"));
    test_mkdir(world->dir, "x/y");
    test_mkdir(world->dir, "x/y/z");
    test_write(world->dir, "x/y/z/a.pem", "a");
    assert_string_equal(run(world), "+x/y/z/a.pem=a ");
}

static void test_a_folder_replaced_as_a_whole_is_read_anew(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    test_mkdir(world->dir, "new");
    test_write(world->dir, "d/a.pem", "one");
    test_write(world->dir, "d/b.pem", "b");
    test_write(world->dir, "new/a.pem", "two");
    add(world, "d");
    assert_string_equal(run(world), "+/d/a.pem=one +/d/b.pem=b ");
    test_rename(world->dir, "d", "old");
    test_rename(world->dir, "new", "d");
    assert_string_equal(run(world), "+/d/a.pem=two -d/b.pem ");
}

static void test_bad_files_give_one_line_each_and_the_others_go_on(void **state)
{
    struct world *world = *state;
    char *fifo = test_path(world->dir, "d/fifo.pem"), *big = test_path(world->dir, "d/big.pem");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const char *told;

    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/good.pem", "good");
    test_write(world->dir, "d/empty.pem", "");
    test_write(world->dir, "d/big.pem", "x");
    assert_int_equal(truncate(big, 104857600), 0);
    assert_int_equal(mkfifo(fifo, 0644), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/d/socket.pem", world->dir->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    test_symlink(world->dir, "nowhere", "d/dangling.pem");
    test_symlink(world->dir, ".", "d/loop");
    test_symlink(world->dir, "round.pem", "d/round.pem");
    add(world, "d");
    assert_int_equal(scan_add(world->scan, "/dev/null"), 0);
    assert_string_equal(run(world), "+/d/good.pem=good ");
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 8);
    assert_non_null(strstr(told, "d/empty.pem is empty\n"));
    assert_non_null(strstr(told, "d/big.pem is 104857600 bytes; files over 1 MiB are not read"));
    assert_non_null(strstr(told, "d/fifo.pem is a FIFO"));
    assert_non_null(strstr(told, "d/socket.pem is a socket"));
    assert_non_null(strstr(told, "/dev/null is a device"));
    assert_non_null(strstr(told, "d/dangling.pem: the symbolic link leads nowhere"));
    assert_non_null(strstr(told, "d/loop leads back"));
    assert_non_null(strstr(told, "d/round.pem: the symbolic links go round in a circle"));
    assert_int_equal(scan_fault_count(world->scan), 8);
    assert_string_equal(run(world), "");
    assert_string_equal(test_told(world->dir), "");
    assert_int_equal(scan_fault_count(world->scan), 8);
    close(fd);
    free(fifo);
    free(big);
}

static void test_a_fault_that_comes_back_is_told_again(void **state)
{
    struct world *world = *state;

    test_write(world->dir, "a.pem", "");
    add(world, "a.pem");
    assert_string_equal(run(world), "");
    assert_told_once(world, "a.pem", "is empty");
    test_write(world->dir, "a.pem", "one");
    assert_string_equal(run(world), "+a.pem=one ");
    test_write(world->dir, "a.pem", "");
    assert_string_equal(run(world), ""); /* could not be read: not gone */
    assert_told_once(world, "a.pem", "is empty");
    test_write(world->dir, "a.pem", "one");
    assert_string_equal(run(world), "");
}

static void test_folders_too_deep_are_told_and_not_entered(void **state)
{
    struct world *world = *state;
    struct buf name = BUF_INIT(128);

    buf_put_text(&name, "d");
    test_mkdir(world->dir, buf_text(&name));
    for (unsigned i = 0; i <= LIMIT_FOLDER_DEPTH; i++) {
        buf_put_text(&name, "/d");
        test_mkdir(world->dir, buf_text(&name));
    }
    buf_put_text(&name, "/a.pem");
    test_write(world->dir, buf_text(&name), "deep");
    buf_deinit(&name);
    test_write(world->dir, "d/d/d/d/d/d/d/d/d/a.pem", "just");
    add(world, "d");
    assert_string_equal(run(world), "+/d/d/d/d/d/d/d/d/d/a.pem=just ");
    assert_told_once(world, "d/d/d/d/d/d/d/d/d/d ", "8 folders deep");
}

static void test_what_is_of_the_kernel_is_told_and_not_entered(void **state)
{
    struct world *world = *state;

    assert_int_equal(scan_add(world->scan, "/proc/self"), 0);
    assert_string_equal(run(world), "");
    assert_told_once(world, "/proc/self ", "not looked at");
    scan_clear(world->scan);
    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.pem", "one");
    test_symlink(world->dir, "/proc", "d/p");
    add(world, "d");
    assert_string_equal(run(world), "+/d/a.pem=one ");
    assert_told_once(world, "d/p ", "not looked at");
}

static void test_too_much_under_one_source_is_cut_and_nothing_of_it_is_gone(void **state)
{
    struct world *world = *state;
    char name[64];

    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/a.pem", "one");
    test_write(world->dir, "d/z.pem", "last");
    test_write(world->dir, "other.pem", "other");
    add(world, "d");
    add(world, "other.pem");
    assert_string_equal(run(world), "+/d/a.pem=one +/d/z.pem=last +other.pem=other ");
    for (unsigned i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "d/m%u", i);
        test_mkdir(world->dir, name);
        for (unsigned k = 0; k < LIMIT_SOURCE_ENTRIES / 5; k++) {
            snprintf(name, sizeof(name), "d/m%u/%u.key", i, k);
            char *path = test_path(world->dir, name);
            assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
            free(path);
        }
    }
    test_unlink(world->dir, "other.pem");
    assert_string_equal(run(world), "-other.pem ");
    assert_non_null(strstr(test_told(world->dir), "d: more than 200000 files and folders"));
    assert_string_equal(run(world), "");
}

static void test_what_may_not_be_read_is_told_and_not_gone(void **state)
{
    struct world *world = *state;
    char *folder, *file;

    if (geteuid() == 0) {
        print_message("skipped: root may read everything\n");
        skip();
    }
    folder = test_path(world->dir, "d");
    file = test_path(world->dir, "a.pem");
    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/b.pem", "b");
    test_write(world->dir, "d/privkey.pem", "k");
    test_write(world->dir, "a.pem", "a");
    add(world, "a.pem");
    add(world, "d");
    assert_string_equal(run(world), "+a.pem=a +/d/b.pem=b +/d/privkey.pem=k ");
    chmod(folder, 0);
    chmod(file, 0);
    assert_string_equal(run(world), "");
    assert_int_equal(test_lines(test_told(world->dir)), 2);
    chmod(folder, 0600); /* may be listed, not entered */
    assert_string_equal(run(world), "");
    assert_int_equal(scan_fault_count(world->scan), 2);
    chmod(folder, 0700);
    chmod(file, 0600);
    assert_string_equal(run(world), "");
    assert_int_equal(scan_fault_count(world->scan), 0);
    free(folder);
    free(file);
}

static void test_a_closed_key_in_a_folder_is_quiet(void **state)
{
    struct world *world = *state;
    char *key, *cert;

    if (geteuid() == 0) {
        print_message("skipped: root may read everything\n");
        skip();
    }
    key = test_path(world->dir, "d/privkey.pem");
    cert = test_path(world->dir, "d/c.pem");
    test_mkdir(world->dir, "d");
    test_write(world->dir, "d/privkey.pem", "k");
    test_write(world->dir, "d/c.pem", "c");
    chmod(key, 0);
    chmod(cert, 0);
    add(world, "d");
    assert_string_equal(run(world), "");
    assert_told_once(world, "d/c.pem", "permission denied; as root `clinch import ");
    free(key);
    free(cert);
}

static void test_a_state_directory_below_a_folder_is_passed_over(void **state)
{
    struct world *world = *state;

    test_mkdir(world->dir, "d");
    test_mkdir(world->dir, "d/state");
    test_write(world->dir, "d/a.pem", "a");
    test_write(world->dir, "d/state/clinch.lock", "1");
    test_write(world->dir, "d/state/store.db", "x");
    test_write(world->dir, "d/state/store.db.bad-1", "x");
    add(world, "d");
    assert_string_equal(run(world), "+/d/a.pem=a ");
}

static void test_after_clear_everything_is_gone(void **state)
{
    struct world *world = *state;

    test_write(world->dir, "a.pem", "a");
    test_write(world->dir, "b.pem", "b");
    add(world, "a.pem");
    add(world, "b.pem");
    run(world);
    scan_clear(world->scan);
    add(world, "b.pem");
    assert_string_equal(run(world), "-a.pem ");
}

static struct slice handed_on;

static void on_read_keep(void *context, const char *path, struct slice content, bool in_folder)
{
    (void)context, (void)path, (void)in_folder;
    handed_on = content;
}

static void on_read_other(void *context, const char *path, struct slice content, bool in_folder)
{
    (void)context, (void)in_folder;
    if (strstr(path, "b.pem")) {
        /* The same memory is used for all files of a run: where "secret" was there is "b" now. */
        assert_ptr_equal(content.data, handed_on.data);
        for (size_t i = content.size; i < handed_on.size; i++) {
            assert_int_equal(content.data[i], 0);
        }
        return;
    }
    on_read_keep(context, path, content, in_folder);
}

static void test_content_is_wiped_after_it_was_handed_on(void **state)
{
    struct world *world = *state;

    world->sink.read = on_read_other;
    test_write(world->dir, "a.pem", "secret secret secret");
    test_write(world->dir, "b.pem", "b");
    add(world, "a.pem");
    add(world, "b.pem");
    run(world);
    assert_int_equal(handed_on.size, 20);
}

static void test_many_files_are_cheap(void **state)
{
    struct world *world = *state;
    struct timespec start, end;
    char name[64];
    double first, second;

    test_mkdir(world->dir, "d");
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "d/%u.pem", i);
        test_write(world->dir, name, "x");
    }
    add(world, "d");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    run(world);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    first = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    assert_string_equal(run(world), "");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    second = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    print_message("5000 files: %.3f s, again %.3f s of CPU\n", first, second);
    assert_true(first < 5 && second < 5);
}

static void test_one_file_is_read_under_the_same_rules(void **state)
{
    struct world *world = *state;
    struct buf content = BUF_INIT(16), fault = BUF_INIT(256);
    char *path = test_path(world->dir, "a.pem");

    assert_int_equal(scan_read_file(path, 16, &content, &fault), -ENOENT);
    assert_non_null(strstr(buf_text(&fault), "no such file"));
    test_write(world->dir, "a.pem", "0123456789abcdef");
    assert_int_equal(scan_read_file(path, 16, &content, &fault), 0);
    assert_string_equal(buf_text(&content), "0123456789abcdef");
    assert_int_equal(scan_read_file(path, 15, &content, &fault), -EFBIG);
    assert_non_null(strstr(buf_text(&fault), "is 16 bytes; files over 15 bytes are not read"));
    assert_int_equal(scan_read_file(world->dir->path, 15, &content, &fault), -ENXIO);
    assert_non_null(strstr(buf_text(&fault), "is a folder"));
    buf_deinit(&content);
    buf_deinit(&fault);
    free(path);
}

#define SCAN_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCAN_TEST(test_a_named_file_is_read_once_and_again_when_it_changes),
        SCAN_TEST(test_a_rewrite_in_the_same_tick_is_noticed),
        SCAN_TEST(test_an_old_file_is_not_opened_again),
        SCAN_TEST(test_a_folder_is_walked_and_foreign_names_are_skipped),
        SCAN_TEST(test_a_glob_is_matched_anew_at_each_run),
        SCAN_TEST(test_a_glob_skips_staples_unless_it_asks_for_them),
        SCAN_TEST(test_a_path_with_magic_characters_that_exists_is_a_path),
        SCAN_TEST(test_the_issuer_beside_a_file_is_handed_on_with_it),
        SCAN_TEST(test_a_symlink_swap_as_certbot_does_it_is_noticed),
        SCAN_TEST(test_directories_behind_symlinks_on_the_way_are_watched),
        SCAN_TEST(test_directories_are_told_once_in_a_run),
        SCAN_TEST(test_the_nearest_folder_of_a_missing_path_is_watched),
        SCAN_TEST(test_a_folder_replaced_as_a_whole_is_read_anew),
        SCAN_TEST(test_bad_files_give_one_line_each_and_the_others_go_on),
        SCAN_TEST(test_a_fault_that_comes_back_is_told_again),
        SCAN_TEST(test_folders_too_deep_are_told_and_not_entered),
        SCAN_TEST(test_what_is_of_the_kernel_is_told_and_not_entered),
        SCAN_TEST(test_too_much_under_one_source_is_cut_and_nothing_of_it_is_gone),
        SCAN_TEST(test_what_may_not_be_read_is_told_and_not_gone),
        SCAN_TEST(test_a_closed_key_in_a_folder_is_quiet),
        SCAN_TEST(test_a_state_directory_below_a_folder_is_passed_over),
        SCAN_TEST(test_after_clear_everything_is_gone),
        SCAN_TEST(test_content_is_wiped_after_it_was_handed_on),
        SCAN_TEST(test_many_files_are_cheap),
        SCAN_TEST(test_one_file_is_read_under_the_same_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
