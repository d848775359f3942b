/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `clinch setup` prints: blocks to be pasted. Each begins with a line of its own, "### FILE",
 * or "### shell" (commands for once) or "### live" (the one command that makes it live); what
 * follows, up to the next one, is for that file as it stands, comments included. */

#include "base/bytes.h"

#define PAGE_WIDTH 79

struct page {
    struct buf out;
    const char *comment; /* how one begins in this block: "# " */
};

#define PAGE_INIT ((struct page){BUF_INIT(256 * 1024 * 1024), "# "})

void page_block(struct page *page, const char *file, const char *comment);

/* A comment, broken where it is too wide. */
void page_say(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines as they are. */
void page_put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* @text as a scalar of YAML, as a pattern of fnmatch() that matches only itself, as a word of the
 * shell, as a parameter of nginx. */
void page_quote_yaml(struct buf *to, const char *text);
void page_quote_glob(struct buf *to, const char *text);
void page_quote_shell(struct buf *to, const char *text);
void page_quote_nginx(struct buf *to, const char *text);

/* What keeps @path out of any configuration, as a clause; or NULL. */
const char *page_path_fault(const char *path);
