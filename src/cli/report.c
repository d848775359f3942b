/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define TABLE_MAX  65536 /* octets of a table */
#define URL_INDENT 4     /* of a URL on a line of its own */
#define BOLD       "\x1b[1m"
#define PLAIN      "\x1b[0m"

void report_put_label(struct buf *out, const char *label)
{
    size_t start = out->size;

    buf_put_text(out, "  ");
    buf_put_text(out, label);
    buf_put_pad(out, start + REPORT_LABEL, ' ');
}

void report_put_line(struct buf *out, const char *label, const char *text)
{
    report_put_label(out, label);
    buf_put_printable(out, slice_of_text(text), 4 * REPORT_TEXT);
    buf_put_byte(out, '\n');
}

void report_put_hex(struct buf *out, const char *label, struct slice octets)
{
    report_put_label(out, label);
    buf_put_hex(out, octets);
    buf_put_byte(out, '\n');
}

void report_put_heading(struct buf *out, const char *text)
{
    bool colour = cli_wants_colour(STDOUT_FILENO);

    buf_put_text(out, colour ? BOLD : "");
    buf_put_printable(out, slice_of_text(text), REPORT_TEXT);
    buf_put_text(out, colour ? PLAIN "\n" : "\n");
}

void report_put_validity(struct buf *out, const struct cert_facts *facts, int64_t wall_s)
{
    report_put_label(out, "valid");
    cli_put_time(out, facts->not_before_s);
    buf_put_text(out, " until ");
    cli_put_time(out, facts->not_after_s);
    if (wall_s < facts->not_before_s) {
        buf_put_text(out, " (not yet)");
    } else if (wall_s >= facts->not_after_s) {
        buf_put_text(out, " (over)");
    } else {
        buf_put_text(out, " (");
        cli_put_brief(out, time_sub(facts->not_after_s, wall_s));
        buf_put_text(out, " left)");
    }
    buf_put_byte(out, '\n');
}

void report_put_name(struct buf *out, const struct cert_view *view)
{
    if (view->common_name.size) {
        buf_put_printable(out, view->common_name, REPORT_TEXT);
    } else {
        buf_put_text(out, "(no common name)");
    }
}

void report_put_table(struct buf *out, const struct verification *verification)
{
    struct buf table = BUF_INIT(TABLE_MAX);
    struct slice rest;

    verify_put_table(&table, verification, cli_wants_colour(STDOUT_FILENO));
    rest = slice_of_buf(&table);
    while (rest.size) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end ? (size_t)(end - rest.data) + 1 : rest.size;

        buf_put_text(out, REPORT_INDENT);
        buf_put(out, rest.data, size);
        rest = slice_of(rest.data + size, rest.size - size);
    }
    buf_deinit(&table);
}

/* What is wider than the terminal goes on under its beginning: behind the label, or where a URL
 * stands alone. */
static void put_fitting(struct buf *out, struct slice line, unsigned width)
{
    bool labelled = line.size > REPORT_LABEL && line.data[REPORT_LABEL - 1] == ' ';
    size_t indent = labelled ? REPORT_LABEL : URL_INDENT, start = out->size;
    _cleanup_(freep)
    char *text = NULL;

    if (line.size <= width || line.data[0] == '\x1b') { /* the heading */
        buf_put_slice(out, line);
        buf_put_byte(out, '\n');
        return;
    }
    text = text_copy(slice_of(line.data + indent, line.size - indent));
    cli_put_wrapped(out, text ? text : "", width, indent);
    if (!buf_status(out) && out->size - start > indent) {
        memcpy(out->data + start, line.data, indent);
    }
}

void report_fit(struct buf *out, struct slice text, unsigned width)
{
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;

        put_fitting(out, slice_of(text.data, size), width);
        size += end != NULL;
        text = slice_of(text.data + size, text.size - size);
    }
}
