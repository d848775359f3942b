/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From sources (paths, globs, folders) to files, and from files to bytes.
 *
 * Files are opened O_NONBLOCK | O_CLOEXEC | O_NOCTTY, must be regular, and are read with a cap;
 * content is wiped from memory after the call that hands it on, since it may hold a private key.
 * Each fault is told once, and again when it changes or comes back.
 *
 * Folders are walked LIMIT_FOLDER_DEPTH deep, through symbolic links, but never into a folder that
 * is being walked already. There dot-files are skipped, and names that say that no certificate is
 * inside (.key .ocsp .issuer .csr .tmp ~ and so on); a file with "key" in its name that may not be
 * read is normal there and quiet. A glob skips those names too, unless it ends in them.
 *
 * Where X.issuer lies beside X (HAProxy's way) its content is handed on behind that of X, with a
 * newline between, and X has changed when X.issuer has. */

#include "base/bytes.h"
#include "io/log.h"

struct scan;

struct scan_sink {
    void *context;
    /* New or changed. @in_folder: found while walking a folder, not named by itself or a glob. */
    void (*read)(void *context, const char *path, struct slice content, bool in_folder);
    void (*gone)(void *context, const char *path);
    /* A directory whose entries matter for the sources (also those symlinks lead through). */
    void (*directory)(void *context, const char *path);
};

int scan_new(struct scan **ret_scan, const struct log *log);
struct scan *scan_free(struct scan *scan);
CLEANUP_DEFINE(struct scan *, scan_free)

/* Adds a source; adding one again is nothing. */
int scan_add(struct scan *scan, const char *source);

/* Forgets all sources (for a reload); the next scan_run() tells what is gone. */
void scan_clear(struct scan *scan);

/* Looks at everything; tells only what is new, changed (by device, inode, size, mtime, ctime) or
 * gone since the last run. A file that could not be read or looked at is not gone. */
int scan_run(struct scan *scan, const struct scan_sink *sink);

/* Sources and files that could not be used at the last run. */
unsigned scan_fault_count(const struct scan *scan);

/* One file under the rules above. 0, or <0 with a sentence in @fault. The caller wipes and frees.
 */
int scan_read_file(const char *path, size_t most, struct buf *content, struct buf *fault);
