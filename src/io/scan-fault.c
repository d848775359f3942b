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

int scan_fault_tell_blind(struct scan *scan, const char *path, int r)
{
    struct scan_item *item = scan_table_get(&scan->items, slice_of_text(path));

    if (!item) {
        return -ENOMEM;
    }
    item->file_run = item->blind_run = scan->run;
    return scan_fault_tell_error(scan, path, r);
}
