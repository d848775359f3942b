/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "conf/config-value.h"

#define SENTENCE_MAX 16384

void page_block(struct page *page, const char *file, const char *comment)
{
    buf_put_text(&page->out, page->out.size ? "\n### " : "### ");
    buf_put_printable(&page->out, slice_of_text(file), 4096);
    buf_put_byte(&page->out, '\n');
    page->comment = comment;
}

void page_say(struct page *page, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) >= 0) {
        cli_put_lines(&page->out, text, page->comment, PAGE_WIDTH);
    }
    va_end(arguments);
}

void page_put(struct page *page, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        page->out.status = page->out.status ? page->out.status : -ENOMEM;
    } else {
        buf_put_text(&page->out, text);
        free(text);
    }
    va_end(arguments);
}

static bool is_all(const char *text, const char *more)
{
    for (; *text; text++) {
        bool plain = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= 'a' && *text <= 'z') || strchr(more, *text);

        if (!plain) {
            return false;
        }
    }
    return true;
}

static void put_escaped(struct buf *to, const char *text, const char *which)
{
    for (; *text; text++) {
        if (strchr(which, *text)) {
            buf_put_byte(to, '\\');
        }
        buf_put_byte(to, (uint8_t)*text);
    }
}

/* Words that YAML takes for something else begin with neither '/' nor a letter, or are so short
 * that no path or command is one of them. */
void page_quote_yaml(struct buf *to, const char *text)
{
    if (*text == '/' && is_all(text, "/._-+@=,")) {
        buf_put_text(to, text);
        return;
    }
    buf_put_byte(to, '"');
    put_escaped(to, text, "\\\"");
    buf_put_byte(to, '"');
}

void page_quote_glob(struct buf *to, const char *text)
{
    put_escaped(to, text, "*?[]{}\\");
}

void page_quote_shell(struct buf *to, const char *text)
{
    if (*text && is_all(text, "/._-+@=,:%")) {
        buf_put_text(to, text);
        return;
    }
    buf_put_byte(to, '\'');
    for (; *text; text++) {
        if (*text == '\'') {
            buf_put_text(to, "'\\''");
        } else {
            buf_put_byte(to, (uint8_t)*text);
        }
    }
    buf_put_byte(to, '\'');
}

void page_quote_nginx(struct buf *to, const char *text)
{
    if (*text && !strpbrk(text, " \t\r\n;{}\"'\\#$")) {
        buf_put_text(to, text);
        return;
    }
    buf_put_byte(to, '"');
    put_escaped(to, text, "\\\"");
    buf_put_byte(to, '"');
}

/* RFC 3629, as the reader of clinch.yaml wants it. */
static bool is_utf8(const char *text)
{
    while (*text) {
        unsigned c = (unsigned char)*text++;
        unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : more == 1 ? 0x80 : 0;
        uint32_t point = more ? c & (0x3fu >> more) : c;

        if ((c >= 0x80 && c < 0xc0) || c >= 0xf8) {
            return false;
        }
        for (; more; more--) {
            c = (unsigned char)*text;
            if ((c & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (c & 0x3f);
            text++;
        }
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            return false;
        }
    }
    return true;
}

const char *page_path_fault(const char *path)
{
    const char *fault = value_path_fault(path);

    return fault ? fault : is_utf8(path) ? NULL : "is not written in UTF-8";
}
