/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/error.h"
#include "io/scan-private.h"

#define SCAN_LINKS_MAX 40 /* as the kernel follows in one path */

struct slice scan_path_parent(struct slice path)
{
    while (path.size && path.data[path.size - 1] != '/') {
        path.size--;
    }
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    return path.size ? path : slice_of_text(".");
}

int scan_directory_tell(struct scan *scan, struct slice path)
{
    struct scan_item *item = scan_table_get(&scan->items, path);

    if (!item) {
        return -ENOMEM;
    }
    if (item->directory_run != scan->run) {
        item->directory_run = scan->run;
        scan->sink->directory(scan->sink->context, item->path);
    }
    return 0;
}

/* The folder in which @path is an entry, and the one above, since that folder may be exchanged as
 * a whole. Where they do not exist (yet): the nearest that does. */
static int tell_around(struct scan *scan, struct slice path)
{
    struct slice parent = scan_path_parent(path);
    int r = scan_directory_tell(scan, parent);

    for (bool there = false; !r && !there && parent.size > 1;) {
        const struct scan_item *item = scan_table_find(&scan->items, parent);

        there = access(item->path, F_OK) == 0;
        parent = scan_path_parent(parent);
        r = scan_directory_tell(scan, parent);
    }
    return r;
}

static int way_tell(struct scan *scan, struct slice path, unsigned links);

/* One path on the way to a file: when it is a symbolic link, somebody may turn it elsewhere. */
static int way_tell_step(struct scan *scan, struct slice path, unsigned links)
{
    struct scan_item *item = scan_table_get(&scan->items, path);
    _cleanup_(buf_deinit)
    struct buf joined = BUF_INIT(SCAN_PATH_MAX);
    char target[PATH_MAX];
    ssize_t n;
    int r;

    if (!item) {
        return -ENOMEM;
    }
    if (item->way_run == scan->run || links == SCAN_LINKS_MAX) {
        return 0;
    }
    item->way_run = scan->run;
    n = readlink(item->path, target, sizeof(target));
    if (n <= 0) {
        return 0; /* no link */
    }
    r = tell_around(scan, path);
    if (r) {
        return error_trace(r);
    }
    if (target[0] != '/') {
        buf_put_slice(&joined, scan_path_parent(path));
        buf_put_byte(&joined, '/');
    }
    buf_put(&joined, target, (size_t)n);
    if (buf_status(&joined)) {
        return buf_status(&joined) == BUF_E_FULL ? 0 : -ENOMEM; /* too long for the kernel, too */
    }
    return way_tell(scan, slice_of_buf(&joined), links + 1);
}

static int way_tell(struct scan *scan, struct slice path, unsigned links)
{
    int r = 0;

    for (size_t i = 1; !r && i <= path.size; i++) {
        if ((i == path.size || path.data[i] == '/') && path.data[i - 1] != '/') {
            r = way_tell_step(scan, slice_of(path.data, i), links);
        }
    }
    return r ? error_trace(r) : tell_around(scan, path);
}

int scan_way_tell(struct scan *scan, struct slice path)
{
    return way_tell(scan, path, 0);
}
