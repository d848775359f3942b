/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For the tests of store, scan, watch and log: temporary folders, files, and what was told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_dir {
    char path[64];
    int told;         /* standard error, while it is caught */
    int standard_err; /* the real one */
    char text[65536]; /* what test_told() gave out last */
};

static inline int test_dir_setup(void **state)
{
    struct test_dir *dir = calloc(1, sizeof(*dir));

    assert_non_null(dir);
    strncpy(dir->path, "/tmp/clinch-test-XXXXXX", sizeof(dir->path) - 1);
    assert_non_null(mkdtemp(dir->path));
    dir->told = memfd_create("told", MFD_CLOEXEC);
    dir->standard_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(dir->told >= 0 && dir->standard_err >= 0);
    assert_true(dup2(dir->told, STDERR_FILENO) >= 0);
    *state = dir;
    return 0;
}

static inline int test_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static inline void test_remove(const char *path)
{
    nftw(path, test_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int test_dir_teardown(void **state)
{
    struct test_dir *dir = *state;

    dup2(dir->standard_err, STDERR_FILENO);
    close(dir->standard_err);
    close(dir->told);
    test_remove(dir->path);
    free(dir);
    return 0;
}

/* What was told since the last call. */
static inline const char *test_told(struct test_dir *dir)
{
    ssize_t n = pread(dir->told, dir->text, sizeof(dir->text) - 1, 0);

    dir->text[n > 0 ? n : 0] = 0;
    assert_int_equal(ftruncate(dir->told, 0), 0);
    lseek(dir->told, 0, SEEK_SET);
    return dir->text;
}

static inline unsigned test_lines(const char *text)
{
    unsigned lines = 0;

    for (; *text; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* "DIR/NAME", to be freed. */
static inline char *test_path(const struct test_dir *dir, const char *name)
{
    char *path = NULL;

    assert_true(asprintf(&path, "%s/%s", dir->path, name) > 0);
    return path;
}

static inline void test_write(const struct test_dir *dir, const char *name, const char *content)
{
    char *path = test_path(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    free(path);
}

static inline void test_mkdir(const struct test_dir *dir, const char *name)
{
    char *path = test_path(dir, name);

    assert_int_equal(mkdir(path, 0755), 0);
    free(path);
}

static inline void test_symlink(const struct test_dir *dir, const char *target, const char *name)
{
    char *path = test_path(dir, name);

    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static inline void test_rename(const struct test_dir *dir, const char *from, const char *to)
{
    char *a = test_path(dir, from), *b = test_path(dir, to);

    assert_int_equal(rename(a, b), 0);
    free(a);
    free(b);
}

static inline void test_unlink(const struct test_dir *dir, const char *name)
{
    char *path = test_path(dir, name);

    assert_int_equal(remove(path), 0);
    free(path);
}
