/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of scan share: scan.c (sources and runs), scan-walk.c (folders and files),
 * scan-way.c (which directories to watch), scan-fault.c (what is told). Private to them.
 *
 * Functions return 0 or -ENOMEM, unless they say otherwise: what is wrong with a file is told, and
 * the run goes on. */

#include <sys/stat.h>

#include "io/scan-table.h"
#include "io/scan.h"

#define SCAN_PATH_MAX 16384

/* Codes of faults besides the system's (negative) ones; told again when the code changes. */
enum scan_fault {
    SCAN_FAULT_LOOP = 1,
    SCAN_FAULT_DEEP,
    SCAN_FAULT_NO_MATCH,
    SCAN_FAULT_TOO_MANY,
    SCAN_FAULT_PSEUDO,
};

struct scan {
    const struct log *log;
    char **sources;
    size_t source_count, source_capacity;
    struct scan_table source_names; /* the same, to see quickly what is there already */
    struct scan_table items;
    uint64_t run;
    unsigned fault_count;

    /* Of the run that is going on. */
    const struct scan_sink *sink;
    struct buf content;
    struct buf fault;
    size_t looked;        /* over LIMIT_FILES: the run was cut short */
    size_t source_looked; /* over LIMIT_SOURCE_ENTRIES: the source was cut short */
};

/* Tells scan->fault about @path, unless the last run had the same to tell. */
int scan_fault_tell(struct scan *scan, const char *path, int code);

/* @path and then @text. */
int scan_fault_tell_text(struct scan *scan, const char *path, enum scan_fault code,
                         const char *text);

/* What the system said about @path (@r < 0). */
int scan_fault_tell_error(struct scan *scan, const char *path, int r);

/* The same; what lies there or below it is unknown now, but not gone. */
int scan_fault_tell_blind(struct scan *scan, const char *path, int r);

/* The same of a source that holds too much to look at all of it. */
int scan_fault_tell_cut(struct scan *scan, const char *path);

/* "/a/b" to "/a", "/a" to "/", "a" to ".". Of the text: symbolic links are not looked at. */
struct slice scan_path_parent(struct slice path);

/* Tells the sink of a directory, once in a run. */
int scan_directory_tell(struct scan *scan, struct slice path);

/* Tells every directory that can make @path lead elsewhere. */
int scan_way_tell(struct scan *scan, struct slice path);

/* The ending because of which a file in a folder is not looked at, or NULL. */
const char *scan_name_skipped(const char *name);

/* A path that was named by itself or by a glob: a file, or a folder to be walked. */
int scan_path_look(struct scan *scan, const char *path);
