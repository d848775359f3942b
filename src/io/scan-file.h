/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One file: what it is, what is in it, and the sentence when it cannot be used. Private to scan,
 * beside scan_read_file() of scan.h. */

#include <sys/stat.h>

#include "base/bytes.h"
#include "io/scan-table.h"

struct scan_identity scan_identity_of(const struct stat *st);

/* Puts the file's content into @content, which must have room (buf_reserve()) for @most + 1 octets
 * so that nothing secret is copied about. 0, or <0 with a sentence in @fault:
 * -EFBIG, -ENODATA (empty), -ENXIO (no regular file), -EAGAIN (grows faster than it is read), or
 * what the system said. */
int scan_file_read(const char *path, size_t most, struct buf *content,
                   struct scan_identity *ret_identity, struct buf *fault);

/* The sentence for a path with which the system would not deal (@r: -EACCES...). */
void scan_file_explain(const char *path, int r, struct buf *fault);

/* The sentence for what is no regular file. */
void scan_file_explain_type(const char *path, mode_t mode, struct buf *fault);
