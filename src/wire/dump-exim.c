/* SPDX-License-Identifier: Apache-2.0 */

/* Exim: the main section, with its macros and conditions, for tls_certificate and tls_ocsp_file. */

#include <string.h>

#include "base/limits.h"
#include "wire/dump-private.h"

#define MACROS_MAX  256
#define IF_DEPTH    16
#define LIST_MOST   16
#define REPLACE_MAX 64 /* macros replaced in one line */
#define VALUE_MAX   8192

struct macro {
    const char *name;
    const char *value;
};

struct exim {
    struct macro macros[MACROS_MAX];
    size_t macro_count;
    bool skipped[IF_DEPTH]; /* of each open .ifdef: this branch is not taken */
    bool taken[IF_DEPTH];   /* a branch of it was */
    unsigned depth;
    bool ended; /* `begin` was there */
    const char *certificates;
    const char *file;
    unsigned line;
    const char *staples;
    struct buf replaced[2];
};

static const struct macro *find_macro(const struct exim *exim, struct slice name)
{
    for (size_t i = 0; i < exim->macro_count; i++) {
        if (dump_is(name, exim->macros[i].name)) {
            return &exim->macros[i];
        }
    }
    return NULL;
}

static bool is_macro_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static struct slice take_name(struct slice text)
{
    size_t size = 0;

    while (size < text.size && is_macro_char(text.data[size])) {
        size++;
    }
    return slice_of(text.data, size);
}

/* "NAME = value", or "NAME == value" when it is there already. */
static bool read_macro(struct dump_reader *reader, struct exim *exim, struct slice line)
{
    struct slice name = take_name(line);
    struct slice rest = dump_trim(slice_of(line.data + name.size, line.size - name.size));
    struct macro *macro;

    if (!name.size || name.data[0] < 'A' || name.data[0] > 'Z' || !dump_skip(&rest, "=")) {
        return false;
    }
    dump_skip(&rest, "=");
    macro = (struct macro *)find_macro(exim, name);
    if (!macro && exim->macro_count < MACROS_MAX) {
        macro = &exim->macros[exim->macro_count++];
        macro->name = dump_copy(reader->dump, name);
    }
    if (macro) {
        macro->value = dump_copy(reader->dump, dump_trim(rest));
    }
    return true;
}

/* Replaces the first macro in @line, also one inside a longer word: Exim replaces wherever it finds
 * one. False when there is none. */
static bool replace_macro(const struct exim *exim, struct slice line, struct buf *replaced)
{
    for (size_t i = 0; i < exim->macro_count; i++) {
        struct slice name = slice_of_text(exim->macros[i].name);
        const uint8_t *found = memmem(line.data, line.size, name.data, name.size);
        size_t before = found ? (size_t)(found - line.data) : 0;

        if (found) {
            buf_clear(replaced);
            buf_put(replaced, line.data, before);
            buf_put_text(replaced, exim->macros[i].value);
            buf_put(replaced, found + name.size, line.size - before - name.size);
            return true;
        }
    }
    return false;
}

/* @line with its macros replaced, also those in what replaced one; empty when that has no end. Good
 * until the next call. */
static struct slice replace_macros(struct exim *exim, struct slice line)
{
    for (unsigned round = 0; round < REPLACE_MAX; round++) {
        struct buf *replaced = &exim->replaced[round % 2];

        if (!line.size || !replace_macro(exim, line, replaced)) {
            return line;
        }
        line = buf_status(replaced) ? SLICE_NULL : slice_of_buf(replaced);
    }
    return SLICE_NULL;
}

/* .ifdef and so on. False: another line. */
static bool read_condition(struct exim *exim, struct slice line)
{
    bool wants = true, is_else = dump_skip(&line, ".el");

    if (dump_is(line, ".endif")) {
        exim->depth -= exim->depth > 0;
        return true;
    }
    if (is_else && exim->depth && dump_is(line, "se")) {
        exim->skipped[exim->depth - 1] = exim->taken[exim->depth - 1];
        exim->taken[exim->depth - 1] = true;
        return true;
    }
    if (!is_else && !dump_skip(&line, ".")) {
        return false;
    }
    if (dump_skip(&line, "ifndef")) {
        wants = false;
    } else if (!dump_skip(&line, "ifdef")) {
        return false;
    }
    wants = (find_macro(exim, take_name(dump_trim(line))) != NULL) == wants;
    if (!is_else) {
        exim->depth += exim->depth < IF_DEPTH;
        exim->taken[exim->depth - 1] = false;
    } else if (!exim->depth) {
        return true;
    }
    exim->skipped[exim->depth - 1] = exim->taken[exim->depth - 1] || !wants;
    exim->taken[exim->depth - 1] |= wants;
    return true;
}

static bool is_skipped(const struct exim *exim)
{
    for (unsigned i = 0; i < exim->depth; i++) {
        if (exim->skipped[i]) {
            return true;
        }
    }
    return false;
}

/* "name = value" of @name. */
static bool read_setting(struct slice line, const char *name, struct slice *ret_value)
{
    if (!dump_skip(&line, name)) {
        return false;
    }
    line = dump_trim(line);
    if (!dump_skip(&line, "=")) {
        return false;
    }
    *ret_value = dump_unquote(dump_trim(line));
    return true;
}

static int read_lines(struct dump_reader *reader, struct dump_text *text, void *context);

static int read_line(struct dump_reader *reader, const struct dump_text *text, struct exim *exim,
                     struct slice line)
{
    struct slice value = SLICE_NULL;

    if (read_condition(exim, line) || is_skipped(exim) || read_macro(reader, exim, line)) {
        return 0;
    }
    value = line;
    if (!dump_skip(&value, "tls_") && !dump_skip(&value, ".include") &&
        !dump_skip(&value, "exim_user") && !dump_skip(&value, "begin ")) {
        return 0;
    }
    line = replace_macros(exim, line);
    value = line;
    if (dump_skip(&value, ".include_if_exists ") || dump_skip(&value, ".include ")) {
        const char *path = dump_copy(reader->dump, dump_unquote(dump_trim(value)));

        return dump_include(reader, text, path, read_lines, exim);
    }
    if (dump_skip(&value, "begin ")) {
        exim->ended = true;
    } else if (read_setting(line, "tls_certificate", &value)) {
        exim->certificates = dump_copy(reader->dump, value);
        exim->file = text->file;
        exim->line = text->line;
    } else if (read_setting(line, "tls_ocsp_file", &value)) {
        exim->staples = dump_copy(reader->dump, value);
    } else if (read_setting(line, "exim_user", &value)) {
        dump_set_value(reader->dump, text, DUMP_USER, value);
    }
    return 0;
}

/* Lines that end with a backslash go on in the next, without the blanks at its beginning. */
static int read_lines(struct dump_reader *reader, struct dump_text *text, void *context)
{
    struct exim *exim = context;
    struct buf whole = BUF_INIT(LIMIT_DUMP_WORD);
    struct slice line;
    int r = 0;

    text->line = 0;
    while (!r && !exim->ended && dump_next_line(text, &line)) {
        line = dump_trim(line);
        if (line.size && line.data[0] == '#') {
            continue;
        }
        if (line.size && line.data[line.size - 1] == '\\' && text->left.size) {
            buf_put(&whole, line.data, line.size - 1);
            continue;
        }
        buf_put_slice(&whole, line);
        if (whole.size && !buf_status(&whole)) {
            r = read_line(reader, text, exim, slice_of_buf(&whole));
        }
        buf_clear(&whole);
    }
    buf_deinit(&whole);
    return r;
}

/* "A:B", or "<; A; B" with another separator. */
static void add_list(struct dump_reader *reader, const struct dump_text *text, struct slice list,
                     const char *staples)
{
    uint8_t separator = ':';

    if (list.size > 1 && list.data[0] == '<') {
        separator = list.data[1];
        list = slice_of(list.data + 2, list.size - 2);
    }
    for (unsigned i = 0; list.size && i < LIST_MOST; i++) {
        const uint8_t *end = memchr(list.data, separator, list.size);
        size_t size = end ? (size_t)(end - list.data) : list.size;
        struct slice path = dump_trim(slice_of(list.data, size));
        struct dump_cert *cert;

        if (path.size) {
            cert = dump_add_cert(reader->dump, text, dump_copy(reader->dump, path), text->line);
            if (cert) {
                cert->staple = staples;
                cert->flags = path.data[0] == '/' ? 0 : DUMP_VARIABLE;
            }
        }
        size += end != NULL;
        list = slice_of(list.data + size, list.size - size);
    }
}

int dump_read_exim(struct dump_reader *reader, struct dump_text *text)
{
    struct exim exim = {.replaced = {BUF_INIT(VALUE_MAX), BUF_INIT(VALUE_MAX)}};
    int r = read_lines(reader, text, &exim);

    buf_deinit(&exim.replaced[0]);
    buf_deinit(&exim.replaced[1]);
    if (!r && exim.certificates) {
        struct slice list = slice_of_text(exim.certificates);
        struct dump_text at = {.file = exim.file, .line = exim.line};

        if (!dump_add_block(reader->dump, &at, exim.line)) {
            return 0;
        }
        if (strchr(exim.certificates, '$')) { /* an expansion, with colons of its own */
            struct dump_cert *cert = dump_add_cert(reader->dump, &at, exim.certificates, exim.line);

            if (cert) {
                cert->staple = exim.staples;
                cert->flags = DUMP_VARIABLE;
            }
        } else {
            add_list(reader, &at, list, exim.staples);
        }
    }
    return r;
}
