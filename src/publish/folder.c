/* SPDX-License-Identifier: Apache-2.0 */
/* The folder for any server's own reader, by the hash of the certificate: docs/staple-folder.md. */
#include <string.h>

#include "publish/files.h"

#define DER_END ".ocsp"

static void put_path(struct buf *path, const char *folder, const char *name)
{
    buf_put_text(path, folder);
    buf_put_byte(path, '/');
    buf_put_text(path, name);
}

void folder_put_path(struct buf *der, const struct file_target *target,
                     const struct cert_facts *cert)
{
    put_path(der, target->folder, "");
    buf_put_hex(der, slice_of(cert->leaf_sha256, SHA256_SIZE));
    buf_put_text(der, DER_END);
}

/* Others may keep files of theirs there. */
static bool is_ours(const char *name)
{
    return strspn(name, "0123456789abcdef") == 2 * (size_t)SHA256_SIZE &&
           text_equal(name + 2 * (size_t)SHA256_SIZE, DER_END);
}

static void adopt_one(void *data, const char *name)
{
    struct file_target *target = data;
    struct files *files = target->files;
    struct buf path = BUF_INIT(8192);
    struct file_entry *entry;

    put_path(&path, target->folder, name);
    if (is_ours(name) && !buf_status(&path) && !table_get(&files->outputs, buf_text(&path)) &&
        !table_get(&files->rows, buf_text(&path)) &&
        files_open_entry(target, buf_text(&path), NULL, &entry) == 0) {
        struct instant now = publish_now(files->context);
        int64_t left_s = time_sub(disk_print_of(buf_text(&path)).mtime_s, now.wall_s);

        entry->step = FILE_ORPHAN;
        ++files->orphans;
        files_schedule(entry, left_s <= 0                 ? now.mono_ms
                              : left_s < INT64_MAX / 1000 ? time_add(now.mono_ms, left_s * 1000)
                                                          : INSTANT_NEVER);
    }
    buf_deinit(&path);
}

/* Where the store was lost, a staple of an earlier run may belong to a certificate whose answer has
 * not been fetched again yet: it stays until it ends, by its mtime. */
void folder_adopt(struct file_target *target)
{
    disk_list(target->folder, DER_END, adopt_one, target);
}
