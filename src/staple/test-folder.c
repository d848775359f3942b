/* SPDX-License-Identifier: Apache-2.0 */

/* What may lie in the folder, and what may become of the folder. */

#include "staple/test-world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const uint8_t id[STAPLE_ID_SIZE] = {0xab, 1, 2, 3};

static struct folders *open_folders(const char *paths)
{
    struct folders *folders = NULL;

    assert_int_equal(folders_new(&folders, paths), 0);
    return folders;
}

/* The fill octet of what is read, or TEST_NONE. */
static int seen_in(struct folders *folders)
{
    uint64_t version;
    struct staple *staple = folders_read(folders, id, test_wall_s, &version);
    int seen = staple ? staple->der[staple->size - 1] : TEST_NONE;

    staple_unref(staple);
    return seen;
}

static int seen(const char *paths)
{
    struct folders *folders = open_folders(paths);
    int octet = seen_in(folders);

    folders_free(folders);
    return octet;
}

static const char *at(const char *name)
{
    static char path[4][256];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", test_dir, name);
    return path[next];
}

static void test_staple_is_found_by_the_hash(void **state)
{
    (void)state;
    assert_int_equal(seen(test_dir), TEST_NONE);
    test_publish(test_dir, id, 5);
    assert_int_equal(seen(test_dir), 5);
}

static void test_paths_must_be_absolute(void **state)
{
    static const char *const wrong[] = {"", ":", "staples", "/a:staples", "./a"};
    struct folders *folders = NULL;
    char many[64 * FOLDERS_MAX] = "";
    char *longest = calloc(1, 5000);

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i) {
        assert_int_equal(folders_new(&folders, wrong[i]), -EINVAL);
    }
    for (unsigned i = 0; i <= FOLDERS_MAX; ++i) {
        strncat(many, "/tmp:", sizeof(many) - strlen(many) - 1);
    }
    assert_int_equal(folders_new(&folders, many), -EINVAL);
    memset(longest, '/', 4999);
    assert_int_equal(folders_new(&folders, longest), -EINVAL);
    assert_null(folders);
    free(longest);
}

static void test_ended_staple_is_not_read(void **state)
{
    (void)state;
    test_publish(test_dir, id, 5);
    test_stamp(test_dir, id, TEST_WALL_S);
    assert_int_equal(seen(test_dir), TEST_NONE);
    test_stamp(test_dir, id, TEST_WALL_S + 1);
    assert_int_equal(seen(test_dir), 5);
}

static void test_only_whole_answers_up_to_64_kib_are_taken(void **state)
{
    uint8_t *answer = test_answer(STAPLE_SIZE_MAX + 1, 5);

    (void)state;
    test_put(test_dir, id, answer, STAPLE_SIZE_MAX + 1);
    assert_int_equal(seen(test_dir), TEST_NONE);
    free(answer);
    answer = test_answer(STAPLE_SIZE_MAX, 5);
    test_put(test_dir, id, answer, STAPLE_SIZE_MAX);
    assert_int_equal(seen(test_dir), 5);
    test_put(test_dir, id, answer, STAPLE_SIZE_MAX - 1); /* truncated */
    assert_int_equal(seen(test_dir), TEST_NONE);
    test_put(test_dir, id, "", 0);
    assert_int_equal(seen(test_dir), TEST_NONE);
    test_put(test_dir, id, "junk", 4);
    assert_int_equal(seen(test_dir), TEST_NONE);
    free(answer);
}

static void test_gigabyte_is_left_alone(void **state)
{
    char path[256];

    (void)state;
    test_publish(test_dir, id, 5);
    test_path(path, test_dir, id);
    assert_int_equal(truncate(path, 1 << 30), 0);
    test_stamp(test_dir, id, TEST_WALL_S + 60);
    assert_int_equal(seen(test_dir), TEST_NONE);
}

static void test_only_regular_files_are_opened(void **state)
{
    char path[256];

    (void)state;
    test_publish(test_dir, id, 5);
    test_path(path, test_dir, id);
    assert_int_equal(rename(path, at("real")), 0);
    assert_int_equal(symlink("real", path), 0);
    assert_int_equal(seen(test_dir), TEST_NONE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0); /* nobody ever writes there */
    test_stamp(test_dir, id, TEST_WALL_S + 60);
    assert_int_equal(seen(test_dir), TEST_NONE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    test_stamp(test_dir, id, TEST_WALL_S + 60);
    assert_int_equal(seen(test_dir), TEST_NONE);
}

static void test_first_folder_with_a_living_staple_counts(void **state)
{
    char both[300];

    (void)state;
    assert_int_equal(mkdir(at("a"), 0755), 0);
    assert_int_equal(mkdir(at("b"), 0755), 0);
    snprintf(both, sizeof(both), "/nowhere:%s:%s:", at("a"), at("b"));
    test_publish(at("b"), id, 2);
    assert_int_equal(seen(both), 2);
    test_publish(at("a"), id, 1);
    assert_int_equal(seen(both), 1);
    test_stamp(at("a"), id, TEST_WALL_S - 1);
    assert_int_equal(seen(both), 2);
    test_put(at("a"), id, "junk", 4); /* which lives */
    assert_int_equal(seen(both), 2);
}

static void test_folder_may_come_later_and_be_made_anew(void **state)
{
    struct folders *folders = open_folders(at("late"));

    (void)state;
    assert_int_equal(seen_in(folders), TEST_NONE);
    assert_int_equal(mkdir(at("late"), 0755), 0);
    test_publish(at("late"), id, 3);
    assert_int_equal(seen_in(folders), 3);
    folders_free(folders);
    folders = open_folders(at("late"));
    assert_int_equal(rename(at("late"), at("old")), 0);
    assert_int_equal(mkdir(at("late"), 0755), 0);
    assert_int_equal(seen_in(folders), TEST_NONE); /* and not what the old one has */
    test_publish(at("late"), id, 4);
    assert_int_equal(seen_in(folders), 4);
    folders_free(folders);
}

static void test_folder_that_is_out_of_reach_is_read_by_its_descriptor(void **state)
{
    struct folders *folders;

    (void)state;
    assert_int_equal(mkdir(at("a"), 0755), 0);
    test_publish(at("a"), id, 6);
    folders = open_folders(at("a"));
    assert_int_equal(rename(at("a"), at("moved")), 0); /* as seen from within a chroot */
    assert_int_equal(seen_in(folders), 6);
    folders_free(folders);
}

/* Some servers close all descriptors they do not know, and open others. */
static void test_descriptor_of_somebody_else_is_not_used(void **state)
{
    struct folders *folders;
    int other;

    (void)state;
    assert_int_equal(mkdir(at("a"), 0755), 0);
    assert_int_equal(mkdir(at("b"), 0755), 0);
    test_publish(at("b"), id, 6);
    folders = open_folders(at("a"));
    assert_int_equal(rmdir(at("a")), 0);
    other = open(at("b"), O_PATH | O_CLOEXEC);
    assert_true(other >= 0);
    for (int fd = 900; fd < 910; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0) {
            assert_int_equal(dup3(other, fd, O_CLOEXEC), fd);
        }
    }
    close(other);
    assert_int_equal(seen_in(folders), TEST_NONE);
    folders_free(folders);
}

/* What a child without rights, or in another root, makes of @folders. */
static int seen_by_child(struct folders *folders, const char *root)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (root && (chroot(root) || chdir("/"))) {
            _exit(99);
        }
        if (setgid(65534) || setuid(65534)) {
            _exit(98);
        }
        _exit(seen_in(folders) & 0x7f);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_chroot_does_not_hide_the_folder(void **state)
{
    struct folders *folders;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* chroot() needs it */
    }
    assert_int_equal(mkdir(at("jail"), 0755), 0);
    test_publish(test_dir, id, 9);
    assert_int_equal(chmod(test_dir, 0755), 0);
    folders = open_folders(test_dir);
    assert_int_equal(seen_by_child(folders, at("jail")), 9);
    test_publish(test_dir, id, 10);
    assert_int_equal(seen_by_child(folders, at("jail")), 10);
    folders_free(folders);
}

static void test_unreadable_is_absent(void **state)
{
    struct folders *folders;
    char path[256];

    (void)state;
    if (geteuid() != 0) {
        skip(); /* to be somebody else */
    }
    test_publish(test_dir, id, 9);
    folders = open_folders(test_dir);
    assert_int_equal(chmod(test_dir, 0700), 0);
    assert_int_equal(seen_by_child(folders, NULL), TEST_NONE & 0x7f);
    assert_int_equal(chmod(test_dir, 0755), 0);
    assert_int_equal(seen_by_child(folders, NULL), 9);
    test_path(path, test_dir, id);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(seen_by_child(folders, NULL), TEST_NONE & 0x7f);
    folders_free(folders);
}

static int lowest_free(void)
{
    int fd = dup(STDOUT_FILENO);

    close(fd);
    return fd;
}

/* Also one that may have few. */
static void test_program_keeps_the_low_descriptors(void **state)
{
    static const rlim_t limits[] = {1024, 256, 100};
    int lowest = lowest_free();
    struct rlimit kept;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
    for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); ++i) {
        struct rlimit limit = {.rlim_cur = limits[i], .rlim_max = kept.rlim_max};
        struct folders *folders;
        int free_now;

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        folders = open_folders(test_dir);
        free_now = lowest_free();
        folders_free(folders);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
        assert_int_equal(free_now, lowest);
    }
}

#define PLAY(test_) cmocka_unit_test_setup_teardown(test_, test_begin, test_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY(test_staple_is_found_by_the_hash),
        PLAY(test_paths_must_be_absolute),
        PLAY(test_ended_staple_is_not_read),
        PLAY(test_only_whole_answers_up_to_64_kib_are_taken),
        PLAY(test_gigabyte_is_left_alone),
        PLAY(test_only_regular_files_are_opened),
        PLAY(test_first_folder_with_a_living_staple_counts),
        PLAY(test_folder_may_come_later_and_be_made_anew),
        PLAY(test_folder_that_is_out_of_reach_is_read_by_its_descriptor),
        PLAY(test_descriptor_of_somebody_else_is_not_used),
        PLAY(test_chroot_does_not_hide_the_folder),
        PLAY(test_unreadable_is_absent),
        PLAY(test_program_keeps_the_low_descriptors),
    };

    return cmocka_run_group_tests_name("staple-folder", tests, NULL, NULL);
}
