/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/test-folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "pki/cert.h"

bool folder_read_file(const char *path, struct buf *content)
{
    FILE *file = fopen(path, "rb");
    uint8_t block[4096];
    size_t size;

    buf_clear(content);
    if (!file) {
        return false;
    }
    while ((size = fread(block, 1, sizeof(block), file)) > 0) {
        buf_put(content, block, size);
    }
    fclose(file);
    return buf_status(content) == 0;
}

static void put_path(struct buf *path, const char *folder, const char *name)
{
    buf_clear(path);
    buf_put_text(path, folder);
    buf_put_byte(path, '/');
    buf_put_text(path, name);
}

bool folder_read(const char *folder, const char *name, struct buf *content)
{
    struct buf path = BUF_INIT(4096);
    bool ok;

    put_path(&path, folder, name);
    ok = folder_read_file(buf_text(&path), content);
    buf_deinit(&path);
    return ok;
}

bool folder_read_cert(const char *folder, const char *name, struct buf *der)
{
    struct buf text = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    bool ok = folder_read(folder, name, &text);

    if (ok) {
        struct pem pem = pem_open(slice_of_buf(&text));

        ok = pem_next(&pem, der) == PEM_CERTIFICATE;
    }
    buf_deinit(&text);
    return ok;
}

char *folder_of_others(const char *name)
{
    const char *root = getenv("CLINCH_VECTORS");
    struct buf path = BUF_INIT(4096);
    struct stat info;
    char *copy;

    put_path(&path, root && *root ? root : CLINCH_SOURCE_ROOT "/../shared/vectors", name);
    copy = text_copy(slice_of_buf(&path));
    buf_deinit(&path);
    assert_non_null(copy);
    if (stat(copy, &info) != 0) {
        print_message("skipped: no conformance vectors at %s\n", copy);
        free(copy);
        return NULL;
    }
    return copy;
}

/* nftw() passes nothing on. */
static void (*visitor)(const char *folder, json_t *expect);

static int visit_file(const char *path, const struct stat *info, int type, struct FTW *where)
{
    static const char name[] = "/expect.json";
    size_t size = text_length(path);

    (void)info;
    (void)where;
    if (type == FTW_F && size > sizeof(name) && strcmp(path + size + 1 - sizeof(name), name) == 0) {
        char *folder = text_copy(slice_of(path, size + 1 - sizeof(name)));
        json_t *expect = json_load_file(path, 0, NULL);

        assert_non_null(folder);
        assert_non_null(expect);
        visitor(folder, expect);
        json_decref(expect);
        free(folder);
    }
    return 0;
}

void folder_walk(const char *root, void (*visit)(const char *folder, json_t *expect))
{
    visitor = visit;
    assert_int_equal(nftw(root, visit_file, 16, FTW_PHYS), 0);
}
