/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "publish/disk-private.h"

static struct test_world world;
static struct buf fault = {.max = 8192};

/* The disk that is full: __wrap_write() is what disk.c gets. */
static bool disk_full;
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (disk_full && fd > 2) {
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, data, size);
}

static int setup(void **state)
{
    (void)state;
    disk_full = false;
    test_world_begin(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_world_end(&world);
    buf_deinit(&fault);
    return 0;
}

/* What lies under a temporary name is of no use any more. */
static void toss(struct disk_temp *temp)
{
    if (temp->path) {
        assert_int_equal(unlink(temp->path), 0);
        free(temp->path);
    }
}

static int put_dated(const char *path, const char *text, int64_t mtime_s)
{
    const struct disk_file file = {
        .path = path,
        .content = slice_of_text(text),
        .mode = 0640,
        .gid = (gid_t)-1,
        .mtime_s = mtime_s,
        .make_under = world.state,
    };
    struct disk_temp temp = {0};
    int r = disk_stage(&file, &temp, &fault);

    r = r ? r : disk_move(&temp, path, &fault);
    toss(&temp);
    return r;
}

static int put(const char *path, const char *text)
{
    return put_dated(path, text, 0);
}

static void test_new_file_has_content_and_mode(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct stat info;

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    assert_string_equal(test_read(path), "one");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(test_count_files(world.dir), 1);
}

static void test_mode_does_not_depend_on_the_umask(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    mode_t old = umask(0777);
    struct stat info;

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    umask(old);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
}

static void test_replacing_makes_a_new_inode(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct stat before;
    struct stat after;
    int fd;
    char text[4] = "";

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(put(path, "two"), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    assert_int_equal(read(fd, text, 3), 3); /* who reads meanwhile gets all of the old one */
    assert_string_equal(text, "one");
    close(fd);
}

static void test_same_content_is_not_written_but_its_mode_is_put_right(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct stat before;
    struct stat after;

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(put(path, "one"), DISK_E_SAME);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(after.st_mode & 07777, 0640);
}

static int put_certificates(const char *path, const char *text)
{
    struct disk_file file = {.path = path,
                             .content = slice_of_text(text),
                             .mode = 0644,
                             .gid = (gid_t)-1,
                             .certificates = true};

    return disk_write(&file, &fault);
}

static void test_certificates_replace_certificates_and_never_a_key(void **state)
{
    static const char first[] = "-----BEGIN CERTIFICATE-----\n1\n";
    static const char second[] = "-----BEGIN CERTIFICATE-----\n2\n";
    static const char key[] = "-----BEGIN PRIVATE KEY-----\n3\n";
    const char *path = test_path(&world, "a.pem");
    struct buf content = BUF_INIT(4096);

    (void)state;
    assert_int_equal(put_certificates(path, first), 0);
    assert_int_equal(put_certificates(path, first), DISK_E_SAME);
    assert_int_equal(put_certificates(path, second), 0);
    assert_int_equal(disk_read(path, &content), 0);
    assert_string_equal(buf_text(&content), second);
    assert_int_equal(put(path, "a staple"), DISK_E_FAILED);
    assert_int_equal(put_certificates(path, key), 0);
    assert_int_equal(put_certificates(path, first), DISK_E_FAILED);
    assert_non_null(strstr(buf_text(&fault), "never touches"));
    buf_deinit(&content);
}

static void test_full_disk_keeps_the_old_file_and_leaves_nothing(void **state)
{
    const char *path = test_path(&world, "a.ocsp");

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    disk_full = true;
    assert_int_equal(put(path, "two"), DISK_E_FAILED);
    disk_full = false;
    assert_non_null(strstr(buf_text(&fault), "disk is full"));
    assert_non_null(strstr(buf_text(&fault), "a.ocsp"));
    assert_string_equal(test_read(path), "one");
    assert_int_equal(test_count_files(world.dir), 1);
    assert_int_equal(put(path, "two"), 0);
    assert_string_equal(test_read(path), "two");
}

static void test_staged_file_is_whole_and_nobody_sees_it(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    const struct disk_file file = {
        .path = path, .content = slice_of_text("two"), .mode = 0640, .gid = (gid_t)-1};
    struct disk_temp temp = {0};
    struct stat info;

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    assert_int_equal(disk_stage(&file, &temp, &fault), 0);
    assert_string_equal(test_read(path), "one");
    assert_string_equal(test_read(temp.path), "two");
    assert_int_equal(stat(temp.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(disk_move(&temp, path, &fault), 0);
    assert_string_equal(test_read(path), "two");
    toss(&temp);
    assert_int_equal(test_count_files(world.dir), 1);
}

static void test_moving_what_has_gone_is_told(void **state)
{
    struct disk_temp temp = {.path = text_copy(slice_of_text("/tmp/none/x")), .durable = true};

    (void)state;
    assert_int_equal(disk_move(&temp, test_path(&world, "a.ocsp"), &fault), DISK_E_FAILED);
    free(temp.path);
}

static void test_dropped_file_has_no_name_any_more(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct disk_temp temp = {0};

    (void)state;
    assert_int_equal(disk_drop(path, &temp, &fault), DISK_E_ABSENT);
    assert_int_equal(put(path, "one"), 0);
    assert_int_equal(disk_drop(path, &temp, &fault), 0);
    assert_false(test_exists(path));
    toss(&temp);
    assert_int_equal(test_count_files(world.dir), 0);
    assert_int_equal(disk_drop(world.state, &temp, &fault), DISK_E_FAILED);
}

static void test_file_gets_its_mtime_before_its_name(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct stat before;
    struct stat after;

    (void)state;
    assert_int_equal(put_dated(path, "one", 2000000000), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mtim.tv_sec, 2000000000);
    assert_int_equal(put_dated(path, "one", 2000000000), DISK_E_SAME);
    assert_int_equal(put_dated(path, "one", 2000000100), DISK_E_SAME);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_mtim.tv_sec, 2000000100);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void test_certificates_and_keys_are_not_touched(void **state)
{
    static const char pem[] = "Certificate:\n  Data:\n-----BEGIN CERTIFICATE-----\nMII...\n";
    const char *path = test_path(&world, "shop.pem");
    struct disk_temp temp = {0};

    (void)state;
    test_write(path, pem);
    assert_int_equal(put(path, "one"), DISK_E_FAILED);
    assert_non_null(strstr(buf_text(&fault), "PEM"));
    assert_int_equal(disk_drop(path, &temp, &fault), DISK_E_FAILED);
    assert_int_equal(disk_remove(path, &fault), DISK_E_FAILED);
    assert_string_equal(test_read(path), pem);
}

static void test_folder_of_keys_is_known_by_names_and_content(void **state)
{
    struct buf name = BUF_INIT(256);

    (void)state;
    assert_false(disk_has_keys(world.dir, &name));
    test_write(test_path(&world, "shop.pem"), "-----BEGIN CERTIFICATE-----\n");
    test_write(test_path(&world, "shop.ocsp"), "0");
    assert_false(disk_has_keys(world.dir, &name));
    test_write(test_path(&world, "both"), "-----BEGIN EC PRIVATE KEY-----\n");
    assert_true(disk_has_keys(world.dir, &name));
    assert_string_equal(buf_text(&name), "both");
    assert_int_equal(unlink(world.path), 0);
    assert_int_equal(symlink("/nowhere", test_path(&world, "privkey.pem")), 0); /* as certbot */
    assert_true(disk_has_keys(world.dir, &name));
    assert_false(disk_has_keys("/nowhere", &name));
    buf_deinit(&name);
}

static void test_print_tells_a_file_from_its_copy(void **state)
{
    const char *path = test_path(&world, "a.ocsp");
    struct disk_print none = disk_print_of(path);
    struct disk_print first;
    struct disk_print second;

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    first = disk_print_of(path);
    second = disk_print_of(path);
    assert_true(disk_print_equal(&first, &second));
    assert_false(disk_print_equal(&first, &none));
    assert_int_equal(unlink(path), 0);
    test_write(path, "one");
    second = disk_print_of(path);
    assert_false(disk_print_equal(&first, &second));
}

/* What the sentence must say, as somebody who is not root sees it. */
static int write_as_nobody(const char *path, const char *const *words)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        bool good = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
                    put(path, "one") == DISK_E_FAILED;

        for (; good && *words; ++words) {
            good = strstr(buf_text(&fault), *words) != NULL;
        }
        if (!good) {
            fprintf(stderr, "%s\n", buf_text(&fault));
        }
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_what_may_not_be_written_is_told_with_the_fix(void **state)
{
    static const char *const words[] = {"Permission denied",
                                        "runs as nobody",
                                        "root:root",
                                        "mode 0755",
                                        "`install -d -o nobody -g root -m 0755 /",
                                        NULL};
    static const char *const hidden[] = {"cannot be read", "remove it", NULL};

    (void)state;
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(chmod(world.dir, 0755), 0);
    assert_int_equal(write_as_nobody(test_path(&world, "a.ocsp"), words), 0);
    test_write(test_path(&world, "key"), "secret");
    assert_int_equal(chmod(world.path, 0600), 0);
    assert_int_equal(write_as_nobody(world.path, hidden), 0);
}

static void test_socket_that_is_closed_to_clinch_is_told_with_the_fix(void **state)
{
    const char *path = test_path(&world, "admin.sock");
    struct stat info;

    (void)state;
    test_write(path, "");
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(stat(path, &info), 0);
    buf_clear(&fault);
    disk_put_socket_fix(&fault, path);
    assert_non_null(strstr(buf_text(&fault), "permission denied; clinch runs as "));
    assert_non_null(strstr(buf_text(&fault), "with mode 0660: "));
    assert_non_null(strstr(buf_text(&fault),
                           info.st_gid ? "`SupplementaryGroups=" : "`mode 660 group clinch`"));
    if (getuid() == 0 && chown(path, 0, 100) == 0) {
        buf_clear(&fault);
        disk_put_socket_fix(&fault, path);
        assert_non_null(strstr(buf_text(&fault), "belongs to root:users with mode 0660: "
                                                 "`SupplementaryGroups=users` in a drop-in"));
    }
    buf_clear(&fault);
    disk_put_socket_fix(&fault, test_path(&world, "nothing"));
    assert_non_null(strstr(buf_text(&fault), "chmod o+x"));
}

static void test_folder_that_may_not_be_entered_is_told_as_that(void **state)
{
    static const char *const words[] = {"cannot write", "Permission denied", "mode 0700", NULL};

    (void)state;
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(chmod(world.dir, 0755), 0);
    assert_int_equal(mkdir(test_path(&world, "closed"), 0700), 0);
    assert_int_equal(write_as_nobody(test_path(&world, "closed/a.ocsp"), words), 0);
}

static void test_folder_of_keys_is_not_to_be_given_to_clinch(void **state)
{
    static const char *const words[] = {"Permission denied", "site.key", "another folder", NULL};

    (void)state;
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(chmod(world.dir, 0755), 0);
    test_write(test_path(&world, "site.key"), "secret");
    assert_int_equal(write_as_nobody(test_path(&world, "a.ocsp"), words), 0);
}

static void test_file_in_place_of_the_folder_is_told(void **state)
{
    test_write(test_path(&world, "file"), "no folder");
    (void)state;
    assert_int_equal(put(test_path(&world, "file/a.ocsp"), "one"), DISK_E_FAILED);
    assert_non_null(strstr(buf_text(&fault), "/file is no folder; correct `publish`"));
}

static void test_group_that_may_not_be_given_is_told_with_the_fix(void **state)
{
    const struct disk_failure failure = {DISK_PART_GROUP, "/x/a.ocsp", 0, EPERM};

    (void)state;
    assert_int_equal(disk_fail(&fault, &failure), DISK_E_FAILED);
    assert_non_null(strstr(buf_text(&fault), "to the group root"));
    assert_non_null(strstr(buf_text(&fault), "`usermod -aG root "));
}

static void test_missing_folder_is_told_and_not_made(void **state)
{
    const char *path = test_path(&world, "none/a.ocsp");

    (void)state;
    assert_int_equal(put(path, "one"), DISK_E_FAILED);
    assert_non_null(strstr(buf_text(&fault), "folder does not exist; make it: `install -d -o "));
    assert_false(test_exists(test_path(&world, "none")));
}

static void test_folder_below_the_state_directory_is_made(void **state)
{
    const char *path = test_path(&world, "state/staples/deep/a.ocsp");

    (void)state;
    assert_int_equal(put(path, "one"), 0);
    assert_string_equal(test_read(path), "one");
}

static void test_symlink_at_the_path_is_not_written_through(void **state)
{
    char victim[256];
    const char *path;

    (void)state;
    snprintf(victim, sizeof(victim), "%s", test_path(&world, "victim"));
    test_write(victim, "precious");
    path = test_path(&world, "a.ocsp");
    assert_int_equal(symlink(victim, path), 0);
    assert_int_equal(put(path, "one"), DISK_E_FAILED);
    assert_string_equal(test_read(victim), "precious");
}

static void test_folder_or_fifo_at_the_path_is_refused(void **state)
{
    (void)state;
    assert_int_equal(put(world.state, "one"), DISK_E_FAILED);
    assert_int_equal(mkfifo(test_path(&world, "fifo"), 0600), 0);
    assert_int_equal(put(world.path, "one"), DISK_E_FAILED);
}

static void test_link_into_the_state_directory_is_followed(void **state)
{
    struct buf real = BUF_INIT(4096);
    char expected[256];

    (void)state;
    snprintf(expected, sizeof(expected), "%s/x.ocsp", world.state);
    assert_int_equal(symlink("state/x.ocsp", test_path(&world, "a.ocsp")), 0);
    assert_int_equal(disk_resolve(world.path, world.state, &real, &fault), 0);
    assert_string_equal(buf_text(&real), expected);
    assert_int_equal(put(buf_text(&real), "one"), 0);
    assert_string_equal(test_read(expected), "one");
    buf_deinit(&real);
}

static void test_link_elsewhere_is_refused_with_a_sentence(void **state)
{
    static const char *const targets[] = {"/etc/passwd", "state/../x", "other", "state/no/x",
                                          "state/up/x"};
    struct buf real = BUF_INIT(4096);

    (void)state;
    assert_int_equal(symlink("..", test_path(&world, "state/up")), 0);
    for (size_t i = 0; i < ARRAY_SIZE(targets); ++i) {
        const char *path = test_path(&world, "a.ocsp");

        unlink(path);
        assert_int_equal(symlink(targets[i], path), 0);
        if (disk_resolve(path, world.state, &real, &fault) != DISK_E_FAILED) {
            fail_msg("%s was followed", targets[i]);
        }
        assert_non_null(strstr(buf_text(&fault), "symlink"));
    }
    buf_deinit(&real);
}

static void test_link_to_a_link_is_refused(void **state)
{
    struct buf real = BUF_INIT(4096);

    (void)state;
    assert_int_equal(symlink("/etc/passwd", test_path(&world, "state/x")), 0);
    assert_int_equal(symlink("state/x", test_path(&world, "a.ocsp")), 0);
    assert_int_equal(disk_resolve(world.path, world.state, &real, &fault), DISK_E_FAILED);
    buf_deinit(&real);
}

static void test_left_over_temporary_files_of_ours_are_removed(void **state)
{
    static const char *const ours[] = {".a.ocsp.0123456789ab.tmp", ".x.ffffffffffff.tmp"};
    static const char *const others[] = {".a.ocsp.0123456789aB.tmp", ".a.ocsp.0123456789a.tmp",
                                         "a.ocsp.0123456789ab.tmp",  ".a.tmp",
                                         ".0123456789ab.tmp",        ".vimrc.swp"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ours); ++i) {
        test_write(test_path(&world, ours[i]), "x");
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); ++i) {
        test_write(test_path(&world, others[i]), "x");
    }
    assert_int_equal(mkdir(test_path(&world, ".d.0123456789ab.tmp"), 0755), 0);
    disk_clean(world.dir);
    for (size_t i = 0; i < ARRAY_SIZE(ours); ++i) {
        assert_false(test_exists(test_path(&world, ours[i])));
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); ++i) {
        assert_true(test_exists(test_path(&world, others[i])));
    }
    assert_true(test_exists(test_path(&world, ".d.0123456789ab.tmp")));
}

static void test_removing_what_is_not_there_is_fine(void **state)
{
    (void)state;
    assert_int_equal(disk_remove(test_path(&world, "a.ocsp"), &fault), DISK_E_ABSENT);
    assert_int_equal(disk_remove(test_path(&world, "none/a.ocsp"), &fault), DISK_E_ABSENT);
    test_write(test_path(&world, "a.ocsp"), "x");
    assert_int_equal(disk_remove(world.path, &fault), 0);
    assert_false(test_exists(world.path));
    assert_int_equal(disk_remove(world.state, &fault), DISK_E_FAILED);
}

static void test_reading_takes_plain_files_up_to_the_cap(void **state)
{
    struct buf content = BUF_INIT(4);

    (void)state;
    test_write(test_path(&world, "a"), "four");
    assert_int_equal(disk_read(world.path, &content), 0);
    test_write(test_path(&world, "b"), "fives");
    assert_int_equal(disk_read(world.path, &content), DISK_E_FAILED);
    assert_int_equal(disk_read(world.state, &content), DISK_E_FAILED);
    assert_int_equal(symlink("a", test_path(&world, "c")), 0);
    assert_int_equal(disk_read(world.path, &content), DISK_E_FAILED);
    assert_int_equal(mkfifo(test_path(&world, "d"), 0600), 0);
    assert_int_equal(disk_read(world.path, &content), DISK_E_FAILED);
    assert_int_equal(disk_read(test_path(&world, "e"), &content), DISK_E_ABSENT);
    buf_deinit(&content);
}

#define DISK_TEST(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_new_file_has_content_and_mode),
        DISK_TEST(test_mode_does_not_depend_on_the_umask),
        DISK_TEST(test_replacing_makes_a_new_inode),
        DISK_TEST(test_certificates_replace_certificates_and_never_a_key),
        DISK_TEST(test_same_content_is_not_written_but_its_mode_is_put_right),
        DISK_TEST(test_full_disk_keeps_the_old_file_and_leaves_nothing),
        DISK_TEST(test_staged_file_is_whole_and_nobody_sees_it),
        DISK_TEST(test_moving_what_has_gone_is_told),
        DISK_TEST(test_dropped_file_has_no_name_any_more),
        DISK_TEST(test_file_gets_its_mtime_before_its_name),
        DISK_TEST(test_certificates_and_keys_are_not_touched),
        DISK_TEST(test_folder_of_keys_is_known_by_names_and_content),
        DISK_TEST(test_print_tells_a_file_from_its_copy),
        DISK_TEST(test_what_may_not_be_written_is_told_with_the_fix),
        DISK_TEST(test_socket_that_is_closed_to_clinch_is_told_with_the_fix),
        DISK_TEST(test_file_in_place_of_the_folder_is_told),
        DISK_TEST(test_folder_of_keys_is_not_to_be_given_to_clinch),
        DISK_TEST(test_folder_that_may_not_be_entered_is_told_as_that),
        DISK_TEST(test_group_that_may_not_be_given_is_told_with_the_fix),
        DISK_TEST(test_missing_folder_is_told_and_not_made),
        DISK_TEST(test_folder_below_the_state_directory_is_made),
        DISK_TEST(test_symlink_at_the_path_is_not_written_through),
        DISK_TEST(test_folder_or_fifo_at_the_path_is_refused),
        DISK_TEST(test_link_into_the_state_directory_is_followed),
        DISK_TEST(test_link_elsewhere_is_refused_with_a_sentence),
        DISK_TEST(test_link_to_a_link_is_refused),
        DISK_TEST(test_left_over_temporary_files_of_ours_are_removed),
        DISK_TEST(test_removing_what_is_not_there_is_fine),
        DISK_TEST(test_reading_takes_plain_files_up_to_the_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
