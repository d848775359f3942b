/* SPDX-License-Identifier: Apache-2.0 */
#include "io/scan.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "io/scan-private.h"

#define SCAN_FAULT_MAX   4096
#define SCAN_CONTENT_MAX (2 * (LIMIT_CERT_FILE_SIZE + 1) + 1) /* X, a newline, X.issuer */

int scan_new(struct scan **ret_scan, const struct log *log)
{
    struct scan *scan = calloc(1, sizeof(*scan));

    if (!scan) {
        return -ENOMEM;
    }
    scan->log = log;
    scan->content = BUF_INIT(SCAN_CONTENT_MAX);
    scan->fault = BUF_INIT(SCAN_FAULT_MAX);
    *ret_scan = scan;
    return 0;
}

struct scan *scan_free(struct scan *scan)
{
    if (!scan) {
        return NULL;
    }
    scan_clear(scan);
    scan_table_deinit(&scan->items);
    buf_deinit(&scan->content);
    buf_deinit(&scan->fault);
    free(scan);
    return NULL;
}

int scan_add(struct scan *scan, const char *source)
{
    struct slice text = slice_of_text(source);

    while (text.size > 1 && text.data[text.size - 1] == '/') {
        text.size--;
    }
    if (scan_table_find(&scan->source_names, text)) {
        return 0;
    }
    if (scan->source_count == scan->source_capacity) {
        size_t capacity = scan->source_capacity ? scan->source_capacity * 2 : 16;
        char **sources = reallocarray(scan->sources, capacity, sizeof(char *));

        if (!sources) {
            return -ENOMEM;
        }
        scan->sources = sources;
        scan->source_capacity = capacity;
    }
    scan->sources[scan->source_count] = text_copy(text);
    if (!scan->sources[scan->source_count]) {
        return -ENOMEM;
    }
    scan->source_count++;
    return scan_table_get(&scan->source_names, text) ? 0 : -ENOMEM;
}

void scan_clear(struct scan *scan)
{
    for (size_t i = 0; i < scan->source_count; i++) {
        free(scan->sources[i]);
    }
    free(scan->sources);
    scan->sources = NULL;
    scan->source_count = scan->source_capacity = 0;
    scan_table_deinit(&scan->source_names);
}

unsigned scan_fault_count(const struct scan *scan)
{
    return scan->fault_count;
}

/* glob(3) gives its error function no context. */
static _Thread_local struct scan *glob_scan;
static _Thread_local int glob_result;

static int glob_fault(const char *path, int error)
{
    if (error != ENOENT && error != ENOTDIR && !glob_result) {
        glob_result = scan_fault_tell_blind(glob_scan, path, -error);
    }
    return glob_result != 0;
}

/* 0 with matches, SCAN_FAULT_NO_MATCH, or <0. */
static int glob_find(struct scan *scan, const char *pattern, int flags, glob_t *matches)
{
    int r;

    glob_scan = scan;
    glob_result = 0;
    r = glob(pattern, GLOB_BRACE | flags, glob_fault, matches);
    glob_scan = NULL;
    if (glob_result) {
        return error_trace(glob_result);
    }
    return r == GLOB_NOSPACE ? -ENOMEM : r == 0 && matches->gl_pathc ? 0 : SCAN_FAULT_NO_MATCH;
}

static bool is_magic(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '{';
}

/* The directories in which matches of @folders (a glob's part before a slash) may appear. */
static int glob_tell_folders(struct scan *scan, struct slice folders)
{
    _cleanup_(freep)
    char *pattern = text_copy(folders);
    glob_t matches = {0};
    int r;

    if (!pattern) {
        return -ENOMEM;
    }
    r = glob_find(scan, pattern, GLOB_ONLYDIR, &matches);
    for (size_t i = 0; !r && i < matches.gl_pathc; i++) {
        r = scan_directory_tell(scan, slice_of_text(matches.gl_pathv[i]));
    }
    globfree(&matches);
    return r == SCAN_FAULT_NO_MATCH ? 0 : r;
}

static int glob_tell(struct scan *scan, const char *pattern)
{
    struct slice whole = slice_of_text(pattern), base = whole;
    int braces = 0, r;

    for (size_t i = 0; i < whole.size; i++) {
        if (is_magic(pattern[i])) {
            base = scan_path_parent(slice_of(pattern, i));
            break;
        }
    }
    r = scan_way_tell(scan, base);
    r = r ? r : scan_directory_tell(scan, base);
    for (size_t i = base.size + 1; !r && i < whole.size; i++) {
        braces += (pattern[i] == '{') - (pattern[i] == '}');
        if (pattern[i] == '/' && braces == 0) {
            r = glob_tell_folders(scan, slice_of(pattern, i));
        }
    }
    return r;
}

static int glob_look(struct scan *scan, const char *pattern)
{
    size_t size = strlen(pattern);
    glob_t matches = {0};
    int r;

    r = glob_tell(scan, pattern);
    r = r ? r : glob_find(scan, pattern, 0, &matches);
    for (size_t i = 0; !r && i < matches.gl_pathc; i++) {
        const char *ending = scan_name_skipped(matches.gl_pathv[i]);
        size_t tail = ending ? strlen(ending) : 0;

        if (!ending || (size >= tail && strcasecmp(pattern + size - tail, ending) == 0)) {
            r = scan_path_look(scan, matches.gl_pathv[i]);
        }
    }
    globfree(&matches);
    return r != SCAN_FAULT_NO_MATCH ? r
                                    : scan_fault_tell_text(scan, pattern, r, " matches nothing");
}

static int source_look(struct scan *scan, const char *source)
{
    struct stat st;

    scan->source_looked = 0;
    for (const char *c = source; *c; c++) {
        if (is_magic(*c) && lstat(source, &st)) {
            return glob_look(scan, source);
        }
    }
    return scan_path_look(scan, source);
}

static bool is_below_blind(const struct scan *scan, const char *path)
{
    struct slice above = slice_of_text(path);

    while (above.size > 1) {
        const struct scan_item *item;

        above = scan_path_parent(above);
        item = scan_table_find(&scan->items, above);
        if (item && item->blind_run == scan->run) {
            return true;
        }
    }
    return false;
}

static bool item_sweep(void *context, struct scan_item *item)
{
    struct scan *scan = context;

    if (item->known && item->file_run != scan->run && scan->looked <= LIMIT_FILES &&
        !is_below_blind(scan, item->path)) {
        item->known = false;
        scan->sink->gone(scan->sink->context, item->path);
    }
    if (item->fault_run != scan->run) {
        item->fault = 0;
    }
    return item->known || item->file_run == scan->run || item->directory_run == scan->run ||
           item->way_run == scan->run || item->fault_run == scan->run;
}

int scan_run(struct scan *scan, const struct scan_sink *sink)
{
    int r = 0;

    scan->run++;
    scan->sink = sink;
    scan->fault_count = 0;
    scan->looked = 0;
    buf_clear(&scan->content);
    if (!buf_reserve(&scan->content, SCAN_CONTENT_MAX)) {
        buf_deinit(&scan->content);
        return -ENOMEM;
    }
    for (size_t i = 0; !r && i < scan->source_count; i++) {
        r = source_look(scan, scan->sources[i]);
    }
    if (!r) {
        scan_table_sweep(&scan->items, item_sweep, scan);
    }
    buf_deinit(&scan->content);
    scan->sink = NULL;
    return r ? error_trace(r) : 0;
}
