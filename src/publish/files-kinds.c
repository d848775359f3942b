/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

const struct file_kind file_kinds[] = {
    [TARGET_FILE] = {.name = "file"},
    [TARGET_NGINX] = {.name = "nginx", .snippet = true},
    [TARGET_HAPROXY] = {.name = "haproxy"},
    /* inotify; its own child asks responders, too, and writes into the same folder. */
    [TARGET_HITCH] =
        {.name = "hitch", .takes = true, .shared = true, .drops_ended = true, .no_revoked = true},
    [TARGET_LIGHTTPD] = {.name = "lighttpd"},
    /* Takes no answer that is missing, over or revoked, and then fails to start and to reload. */
    [TARGET_DNSDIST] = {.name = "dnsdist", .restarts = true, .no_revoked = true},
    /* Looks at each connection, and an answer that is not good fails STARTTLS for everybody. */
    [TARGET_EXIM] =
        {.name = "exim", .takes = true, .stamped = true, .no_grace = true, .no_revoked = true},
    /* Readers look once a second (docs/staple-folder.md). The store is the durable copy. */
    [TARGET_FOLDER] = {.name = "folder", .takes = true, .stamped = true, .light = true},
    [TARGET_COMMAND] = {.name = FILES_KIND_COMMAND},
};

const struct file_kind *file_kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(file_kinds); ++i) {
        if (text_equal(file_kinds[i].name, name)) {
            return &file_kinds[i];
        }
    }
    return NULL;
}
