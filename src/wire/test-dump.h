/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A configuration of several files in memory, for the tests of the readers of dumps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/dump.h"

struct test_file {
    const char *path; /* the last one: NULL */
    const char *text;
};

static inline bool test_include(void *context, const char *pattern, size_t *cursor,
                                const char **ret_path, struct slice *ret_text)
{
    const struct test_file *files = context;

    while (files && files[*cursor].path) {
        const struct test_file *file = &files[(*cursor)++];

        if (dump_glob_match(pattern, file->path)) {
            *ret_path = file->path;
            *ret_text = slice_of_text(file->text);
            return true;
        }
    }
    return false;
}

/* Reads the first of @files; the others are there to be included. NULL after a failure, with
 * what was told in @fault. */
static inline struct dump *test_read_files(enum dump_kind kind, const struct test_file *files,
                                           struct buf *fault)
{
    const struct dump_input input = {
        kind, files[0].path, slice_of_text(files[0].text), {(void *)(files + 1), test_include}};
    struct dump *dump = dump_new();
    int r;

    assert_non_null(dump);
    r = dump_read(dump, &input, fault);
    assert_true(r == 0 || r == DUMP_E_INVALID);
    assert_true((r != 0) == (fault->size > 0));
    return r ? dump_free(dump) : dump;
}

/* A text by itself. */
static inline int test_read_text(struct dump *dump, int kind, struct slice text, struct buf *fault)
{
    const struct dump_input input = {(enum dump_kind)kind, "/x", text, {NULL, test_include}};

    return dump_read(dump, &input, fault);
}

static inline struct dump *test_read(enum dump_kind kind, const char *text)
{
    const struct test_file files[] = {{"/etc/s/s.conf", text}, {NULL, NULL}};
    struct buf fault = BUF_INIT(4096);
    struct dump *dump = test_read_files(kind, files, &fault);

    if (!dump) {
        fail_msg("%s", buf_text(&fault));
    }
    buf_deinit(&fault);
    return dump;
}

/* What a dump has, a line each: "PATH[ +STAPLE][ FLAGS] (SITE:LINE)", blocks apart by an empty
 * line. */
static inline const char *test_list(const struct dump *dump, struct buf *list)
{
    buf_clear(list);
    for (size_t i = 0; i < dump->block_count; i++) {
        const struct dump_block *block = &dump->blocks[i];

        buf_put_text(list, i ? "\n" : "");
        for (size_t k = 0; k < block->count; k++) {
            const struct dump_cert *cert = &dump->certs[block->first + k];

            buf_put_text(list, cert->flags & DUMP_VARIABLE ? "?" : "");
            buf_put_text(list, cert->path);
            buf_put_text(list, cert->flags & DUMP_INLINE ? " inline" : "");
            buf_put_text(list, cert->staple ? " +" : "");
            buf_put_text(list, cert->staple ? cert->staple : "");
            buf_put_text(list, block->flags & DUMP_STAPLES ? " self" : "");
            buf_put_text(list, block->flags & DUMP_STAPLES_HERE ? " here" : "");
            buf_put_text(list, block->flags & DUMP_NO_STAPLES ? " cannot" : "");
            buf_put_text(list, block->flags & DUMP_STAPLES_NEVER ? " never" : "");
            buf_put_text(list, " (");
            buf_put_text(list, block->site);
            buf_put_byte(list, ':');
            buf_put_int(list, cert->line);
            buf_put_text(list, ")\n");
        }
    }
    return buf_text(list);
}

static inline void test_lists(enum dump_kind kind, const char *text, const char *expected)
{
    struct buf list = BUF_INIT(65536);
    struct dump *dump = test_read(kind, text);

    assert_string_equal(test_list(dump, &list), expected);
    dump_free(dump);
    buf_deinit(&list);
}
