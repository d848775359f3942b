/* SPDX-License-Identifier: Apache-2.0 */

/* What servers dump of themselves and what stands in their configurations. The first octet chooses
 * the server ('a': nginx); the rest is its text. A line "%%%% PATH" begins a file to be included.
 */

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "wire/dump.h"

#define FILES_MAX 8
#define MARK      "%%%% "

struct file {
    char *path;
    struct slice text;
};
struct files {
    struct file list[FILES_MAX];
    size_t count;
};

static bool include(void *context, const char *pattern, size_t *cursor, const char **ret_path,
                    struct slice *ret_text)
{
    const struct files *files = context;

    while (*cursor < files->count) {
        const struct file *file = &files->list[(*cursor)++];

        if (dump_glob_match(pattern, file->path)) {
            *ret_path = file->path;
            *ret_text = file->text;
            return true;
        }
    }
    return false;
}

/* Cuts the other files off @text. */
static struct slice split(struct slice text, struct files *files)
{
    struct slice first = text, *last = &first;

    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;

        if (size >= sizeof(MARK) - 1 && memcmp(text.data, MARK, sizeof(MARK) - 1) == 0 &&
            files->count < FILES_MAX) {
            struct file *file = &files->list[files->count++];

            last->size = (size_t)(text.data - last->data);
            file->path =
                text_copy(slice_of(text.data + sizeof(MARK) - 1, size - (sizeof(MARK) - 1)));
            must(file->path);
            last = &file->text;
            last->data = text.data + size + (end != NULL);
        }
        size += end != NULL;
        text = slice_of(text.data + size, text.size - size);
        last->size = (size_t)(text.data - last->data);
    }
    return first;
}

static void check_text(const char *text)
{
    must(text && strlen(text) <= LIMIT_DUMP_SIZE);
}

static void check_certs(const struct dump *dump)
{
    for (size_t i = 0; i < dump->block_count; i++) {
        const struct dump_block *block = &dump->blocks[i];

        check_text(block->file);
        check_text(block->site);
        must(block->first <= dump->cert_count && block->count <= dump->cert_count - block->first);
        must(block->include_count <= DUMP_INCLUDES);
        for (unsigned k = 0; k < block->include_count; k++) {
            check_text(block->includes[k]);
        }
        for (size_t k = 0; k < block->count; k++) {
            const struct dump_cert *cert = &dump->certs[block->first + k];

            check_text(cert->path);
            check_text(cert->file);
            must(!cert->staple || strlen(cert->staple) <= LIMIT_DUMP_SIZE);
        }
    }
}

static void check(const struct dump *dump)
{
    must(dump->cert_count <= LIMIT_DUMP_ENTRIES && dump->block_count <= LIMIT_DUMP_ENTRIES);
    must(dump->note_count <= LIMIT_DUMP_NOTES && dump->socket_count <= LIMIT_DUMP_NOTES);
    check_certs(dump);
    for (size_t i = 0; i < dump->socket_count; i++) {
        must(strchr(dump->sockets[i].address, '/') || strchr(dump->sockets[i].address, ':'));
    }
    for (size_t i = 0; i < dump->note_count; i++) {
        for (const char *c = dump->notes[i].text; *c; c++) {
            must(*c >= ' ' && *c <= '~');
        }
    }
    for (int i = 0; i < DUMP_VALUES; i++) {
        must(!dump->values[i] == !dump->value_files[i]);
    }
}

/* A glob must not match what it has no character for. */
static void check_glob(struct slice input)
{
    const uint8_t *end = memchr(input.data, '\n', input.size);
    size_t size = end ? (size_t)(end - input.data) : input.size;
    char *pattern = text_copy(slice_of(input.data, size));
    char *text = text_copy(slice_of(input.data + size, input.size - size));

    must(pattern && text);
    if (!dump_glob_is_magic(pattern)) {
        must(dump_glob_match(pattern, text) == (strcmp(pattern, text) == 0));
    } else {
        dump_glob_match(pattern, text);
    }
    free(pattern);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf fault = BUF_INIT(65536);
    struct files files = {.count = 0};
    struct dump *dump = dump_new();
    struct dump_input input = {.path = "/etc/x/x.conf", .source = {&files, include}};
    int r;

    must(dump);
    if (size) {
        input.kind = (enum dump_kind)((uint8_t)(data[0] - 'a') % DUMP_KINDS);
        input.text = split(slice_of(data + 1, size - 1), &files);
        r = dump_read(dump, &input, &fault);
        must(r == 0 || r == DUMP_E_INVALID);
        must((r != 0) == (fault.size > 0));
        must(!memchr(buf_text(&fault), '\n', fault.size));
        check(dump);
        check_glob(slice_of(data + 1, size - 1));
    }
    for (size_t i = 0; i < files.count; i++) {
        free(files.list[i].path);
    }
    dump_free(dump);
    buf_deinit(&fault);
    return 0;
}
