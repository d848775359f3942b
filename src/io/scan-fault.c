/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "io/scan-file.h"
#include "io/scan-private.h"

int scan_fault_tell(struct scan *scan, const char *path, int code)
{
    struct scan_item *item = scan_table_get(&scan->items, slice_of_text(path));

    if (!item) {
        return -ENOMEM;
    }
    if (item->fault_run == scan->run) {
        return 0;
    }
    item->fault_run = scan->run;
    scan->fault_count++;
    if (item->fault != code) {
        item->fault = code;
        log_say(scan->log, NOTE_WARNING, "%s", buf_text(&scan->fault));
    }
    return 0;
}

int scan_fault_tell_text(struct scan *scan, const char *path, enum scan_fault code,
                         const char *text)
{
    buf_clear(&scan->fault);
    buf_put_printable(&scan->fault, slice_of_text(path), 1024);
    buf_put_text(&scan->fault, text);
    return scan_fault_tell(scan, path, (int)code);
}

int scan_fault_tell_error(struct scan *scan, const char *path, int r)
{
    buf_clear(&scan->fault);
    scan_file_explain(path, r, &scan->fault);
    return scan_fault_tell(scan, path, r);
}

static int tell_unknown(struct scan *scan, const char *path)
{
    struct scan_item *item = scan_table_get(&scan->items, slice_of_text(path));

    if (item) {
        item->file_run = item->blind_run = scan->run;
    }
    return item ? 0 : -ENOMEM;
}

int scan_fault_tell_cut(struct scan *scan, const char *path)
{
    int r = tell_unknown(scan, path);

    return r ? r
             : scan_fault_tell_text(scan, path, SCAN_FAULT_TOO_MANY,
                                    ": more than 200000 files and folders belong to this source; "
                                    "the rest is not looked at; name the folders of certificates");
}

int scan_fault_tell_blind(struct scan *scan, const char *path, int r)
{
    int unknown = tell_unknown(scan, path);

    return unknown ? unknown : scan_fault_tell_error(scan, path, r);
}
