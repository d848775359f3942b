/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include "io/processes.h"

#include <errno.h>

/* A /proc of our own making: folders named like processes. */
struct seen {
    unsigned count;
    pid_t pid;
    pid_t parent;
    unsigned argument_count;
    bool elsewhere;
    char name[64];
    char program[256];
    char folder[256];
    char arguments[4][256];
};

static bool wants_nginx(void *context, const char *name)
{
    (void)context;
    return text_equal(name, "nginx");
}

static void copy(char *to, size_t size, const char *text)
{
    assert_true(strlen(text) < size);
    memcpy(to, text, strlen(text) + 1);
}

static void on_found(void *context, const struct process *process)
{
    struct seen *seen = context;

    seen->count++;
    seen->pid = process->pid;
    seen->parent = process->parent;
    seen->elsewhere = process->elsewhere;
    seen->argument_count = process->argument_count;
    copy(seen->name, sizeof(seen->name), process->name);
    copy(seen->program, sizeof(seen->program), process->program);
    copy(seen->folder, sizeof(seen->folder), process->folder);
    for (unsigned i = 0; i < process->argument_count && i < 4; i++) {
        copy(seen->arguments[i], sizeof(seen->arguments[i]), process->arguments[i]);
    }
    assert_null(process->arguments[process->argument_count]);
}

/* Unlike test_write(), with whatever octets. */
static void put(const struct test_dir *dir, const char *name, const void *content, size_t size)
{
    char *path = test_path(dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void make(const struct test_dir *dir, const char *pid, const char *stat)
{
    char *name = NULL;

    test_mkdir(dir, pid);
    assert_true(asprintf(&name, "%s/stat", pid) > 0);
    test_write(dir, name, stat);
    free(name);
}

static struct seen walk(const struct test_dir *dir)
{
    struct seen seen = {0};

    assert_int_equal(processes_walk(dir->path, wants_nginx, on_found, &seen), 0);
    return seen;
}

static void test_a_process_is_told_with_all_that_it_shows(void **state)
{
    static const char arguments[] = "nginx\0-c\0/with blank/n.conf\0";
    const struct test_dir *dir = *state;
    struct seen seen;

    make(dir, "812", "812 (a) (b) c) S 7 812 812 0\n");
    test_symlink(dir, "/odd place/nginx", "812/exe");
    test_symlink(dir, "/srv", "812/cwd");
    test_symlink(dir, "/", "812/root");
    put(dir, "812/cmdline", arguments, sizeof(arguments) - 1);
    make(dir, "813", "813 (bash) S 1 813\n");
    seen = walk(dir);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.pid, 812);
    assert_int_equal(seen.parent, 7);
    assert_false(seen.elsewhere);
    assert_string_equal(seen.program, "/odd place/nginx");
    assert_string_equal(seen.folder, "/srv");
    assert_int_equal(seen.argument_count, 3);
    assert_string_equal(seen.arguments[2], "/with blank/n.conf");
}

static void test_what_others_hide_stays_empty(void **state)
{
    const struct test_dir *dir = *state;
    struct seen seen;

    make(dir, "5", "5 (nginx) S 1 5\n");
    seen = walk(dir);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.name, "nginx");
    assert_string_equal(seen.program, "");
    assert_string_equal(seen.folder, "");
    assert_int_equal(seen.argument_count, 0);
}

static void test_a_program_that_was_replaced_keeps_its_name(void **state)
{
    const struct test_dir *dir = *state;
    struct seen seen;

    make(dir, "5", "5 (x) S 1 5\n");
    test_symlink(dir, "/usr/sbin/nginx (deleted)", "5/exe");
    test_symlink(dir, "/tmp", "5/root");
    seen = walk(dir);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.program, "/usr/sbin/nginx");
}

/* The files of one that has gone into a chroot by itself are where it says. */
static void test_a_program_below_another_root_is_elsewhere(void **state)
{
    static const char *const programs[] = {"/usr/sbin/nginx", "/tmp/usr/sbin/nginx", "/tmpx/nginx"};
    static const bool elsewhere[] = {false, true, false};
    const struct test_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        char pid[16], name[32];

        snprintf(pid, sizeof(pid), "%zu", i + 1);
        make(dir, pid, "1 (nginx) S 1 5\n");
        snprintf(name, sizeof(name), "%zu/exe", i + 1);
        test_symlink(dir, programs[i], name);
        snprintf(name, sizeof(name), "%zu/root", i + 1);
        test_symlink(dir, "/tmp", name);
        assert_int_equal(walk(dir).elsewhere, elsewhere[i]);
        snprintf(name, sizeof(name), "%zu/stat", i + 1);
        test_unlink(dir, name);
    }
}

static void test_another_root_without_a_path_is_a_container(void **state)
{
    const struct test_dir *dir = *state;

    make(dir, "5", "5 (nginx) S 1 5\n");
    test_mkdir(dir, "5/root"); /* as one of another mount namespace: no path leads there */
    assert_true(walk(dir).elsewhere);
}

static void test_rubbish_is_passed_over(void **state)
{
    static const char *const stats[] = {"",          "5",           "5 (",
                                        "5 (nginx",  "5 nginx)",    ")5 (nginx S 1",
                                        "5 (nginx)", "5 (nginx) S", "5 (nginx) S x"};
    const struct test_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
        char pid[16];

        snprintf(pid, sizeof(pid), "%zu", i + 1);
        make(dir, pid, stats[i]);
    }
    test_write(dir, "77", "a file");
    make(dir, "78x", "78 (nginx) S 1\n");
    make(dir, "-79", "79 (nginx) S 1\n");
    assert_int_equal(walk(dir).count, 0);
}

static void test_an_endless_command_line_is_cut(void **state)
{
    const struct test_dir *dir = *state;
    size_t size = 1000000;
    char *arguments = malloc(size);
    struct seen seen;

    assert_non_null(arguments);
    memset(arguments, 'a', size);
    for (size_t i = 1; i < size; i += 2) {
        arguments[i] = 0;
    }
    make(dir, "5", "5 (nginx) S 1 5\n");
    put(dir, "5/cmdline", arguments, size);
    seen = walk(dir);
    assert_int_equal(seen.argument_count, PROCESS_ARGUMENTS);
    free(arguments);
}

static bool wants_all(void *context, const char *name)
{
    (void)context, (void)name;
    return true;
}

static void find_self(void *context, const struct process *process)
{
    if (process->pid == getpid()) {
        assert_int_equal(process->uid, geteuid());
        assert_int_equal(process->parent, getppid());
        assert_false(process->elsewhere);
        *(bool *)context = process->program[0] == '/' && process->argument_count == 1;
    }
}

static void test_we_ourselves_are_found(void **state)
{
    bool found = false;

    (void)state;
    assert_int_equal(processes_walk("/proc", wants_all, find_self, &found), 0);
    assert_true(found);
}

static void test_a_machine_without_proc_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(processes_walk("/nonexistent", wants_nginx, on_found, NULL), -ENOENT);
}

static void test_a_variable_of_a_process_is_found(void **state)
{
    static const char environ[] = "XFOLDER=no\0FOLDER_=no\0FOLDER=/a=b:/c\0FOLDER=second\0EMPTY=";
    const struct test_dir *dir = *state;
    struct buf value = BUF_INIT(1024);

    make(dir, "5", "5 (x) S 1 5\n");
    assert_int_equal(processes_variable(dir->path, 5, "FOLDER", &value), -EACCES);
    put(dir, "5/environ", environ, sizeof(environ) - 1);
    assert_int_equal(processes_variable(dir->path, 5, "FOLDER", &value), 0);
    assert_string_equal(buf_text(&value), "/a=b:/c");
    buf_clear(&value);
    assert_int_equal(processes_variable(dir->path, 5, "EMPTY", &value), 0);
    assert_int_equal(processes_variable(dir->path, 5, "FOLD", &value), -ENOENT);
    assert_int_equal(processes_variable(dir->path, 6, "FOLDER", &value), -EACCES);
    assert_int_equal(value.size, 0);
    buf_deinit(&value);
}

#define PROCESSES_TEST(test_)                                                                      \
    cmocka_unit_test_setup_teardown(test_, test_dir_setup, test_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROCESSES_TEST(test_a_process_is_told_with_all_that_it_shows),
        PROCESSES_TEST(test_what_others_hide_stays_empty),
        PROCESSES_TEST(test_a_program_that_was_replaced_keeps_its_name),
        PROCESSES_TEST(test_a_program_below_another_root_is_elsewhere),
        PROCESSES_TEST(test_another_root_without_a_path_is_a_container),
        PROCESSES_TEST(test_rubbish_is_passed_over),
        PROCESSES_TEST(test_an_endless_command_line_is_cut),
        PROCESSES_TEST(test_a_variable_of_a_process_is_found),
        PROCESSES_TEST(test_we_ourselves_are_found),
        PROCESSES_TEST(test_a_machine_without_proc_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
