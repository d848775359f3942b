/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/cli.h"

struct wrap {
    const char *before; /* at the start of each line, or as many blanks: */
    size_t indent;
    unsigned width; /* 0: lines have no end */
    size_t longest; /* a word is broken there; 0: never */
};

static void put_lines(struct buf *out, const char *text, const struct wrap *wrap)
{
    size_t column = 0;

    while (*text) {
        size_t size = strcspn(text, " ");

        if (wrap->longest && size > wrap->longest) {
            size = wrap->longest;
        }
        if (column && wrap->width && column + 1 + size > wrap->width) {
            buf_put_byte(out, '\n');
            column = 0;
        }
        if (!column) {
            buf_put_text(out, wrap->before);
            buf_put_pad(out, out->size + wrap->indent, ' ');
            column = text_length(wrap->before) + wrap->indent;
        } else {
            buf_put_byte(out, ' ');
            column++;
        }
        buf_put_printable(out, slice_of(text, size), size);
        column += size;
        text += size;
        text += strspn(text, " ");
    }
    buf_put_byte(out, '\n');
}

void cli_put_wrapped(struct buf *out, const char *text, unsigned width, size_t indent)
{
    const struct wrap wrap = {"", indent, width, width ? width - indent : 0};

    put_lines(out, text, &wrap);
}

void cli_put_lines(struct buf *out, const char *text, const char *before, unsigned width)
{
    const struct wrap wrap = {before, 0, width, 0};

    put_lines(out, text, &wrap);
}
