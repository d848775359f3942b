/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/instant.h"
#include "cli/health.h"
#include "conf/config-memory.h"
#include "io/control.h"

#define OUTPUT_MAX    ((size_t)4 << 30)
#define NAME_MOST     300
#define NAME_LEAST    16
#define UNTIL_WIDTH   18 /* "2026-11-22 14:03Z" and a blank */
#define NEXT_WIDTH    9  /* "in 59 min" */
#define GAP           2
#define DETAIL_INDENT 4

struct cli_table {
    bool json;
    bool metrics;
    bool out_of_memory;
    const char *source;
    const char *sentence;
    const struct health *health; /* NULL: not known */
    struct config_memory *memory;
    struct cert_row *rows; /* strings and array live in memory */
    size_t count;
};

/* What people read of a state, and what the last line counts. */
static const struct {
    const char *colour;
    const char *counted;
    bool trouble; /* its last sentence is worth a line */
} looks[CERT_STATES] = {
    [CERT_STATE_NO_URL] = {"2", "without OCSP URL", false},
    [CERT_STATE_NOT_LEAF] = {"2", "CA or self-signed", false},
    [CERT_STATE_CERT_EXPIRED] = {"2", "expired", false},
    [CERT_STATE_NO_ISSUER] = {"31", "without issuer", true},
    [CERT_STATE_MISSING] = {"31", "without staple", true},
    [CERT_STATE_HELD] = {"32", "held", false},
    [CERT_STATE_FAILING] = {"33", "held but failing", true},
    [CERT_STATE_REVOKED] = {"31", "revoked", true},
};

int cli_table_begin(struct cli_table **ret_table, bool json)
{
    _cleanup_(cli_table_freep)
    struct cli_table *table = calloc(1, sizeof(*table));

    if (!table) {
        return -ENOMEM;
    }
    table->json = json;
    table->memory = config_memory_new();
    if (!table->memory) {
        return -ENOMEM;
    }
    *ret_table = steal(&table);
    return 0;
}

struct cli_table *cli_table_free(struct cli_table *table)
{
    if (table) {
        config_memory_free(table->memory);
        free(table);
    }
    return NULL;
}

void cli_table_source(struct cli_table *table, const char *source, const char *sentence)
{
    table->source = source;
    table->sentence = sentence;
}

void cli_table_health(struct cli_table *table, const struct health *health)
{
    table->health = health;
}

void cli_table_metrics(struct cli_table *table)
{
    table->metrics = true;
}

void cli_table_row(void *context, const struct cert_row *row)
{
    struct cli_table *table = context;
    struct cert_row *rows =
        config_memory_grow(table->memory, table->rows, table->count, sizeof(*rows));
    struct cert_row copy = *row;

    copy.name = config_memory_copy(table->memory, slice_of_text(row->name));
    copy.path = config_memory_copy(table->memory, slice_of_text(row->path));
    copy.last = config_memory_copy(table->memory, slice_of_text(row->last));
    if (!rows || !copy.name || !copy.path || !copy.last) {
        table->out_of_memory = true;
        return;
    }
    rows[table->count++] = copy;
    table->rows = rows;
}

static int compare_rows(const void *a, const void *b)
{
    const struct cert_row *left = a, *right = b;
    int r = strcmp(left->name, right->name);

    r = r ? r : strcmp(left->path, right->path);
    return r ? r : strcmp(left->leaf_sha256, right->leaf_sha256);
}

/* The last @components of a path. */
static const char *path_tail(const char *path, unsigned components)
{
    const char *tail = path + text_length(path);

    while (tail > path && (tail[-1] != '/' || --components)) {
        tail--;
    }
    return tail;
}

static bool same_name(const struct cli_table *table, size_t i, size_t k)
{
    return k < table->count && text_equal(table->rows[i].name, table->rows[k].name);
}

static bool same_file_name(const struct cli_table *table, size_t i, size_t k)
{
    return same_name(table, i, k) &&
           text_equal(path_tail(table->rows[i].path, 1), path_tail(table->rows[k].path, 1));
}

/* What stands in the first column: the name, and where it lies when another has the same name. */
static void put_label(struct buf *label, const struct cli_table *table, size_t i)
{
    const struct cert_row *row = &table->rows[i];
    bool shared = same_name(table, i, i + 1) || (i && same_name(table, i, i - 1));
    bool folder = same_file_name(table, i, i + 1) || (i && same_file_name(table, i, i - 1));

    buf_clear(label);
    if (row->name[0]) {
        buf_put_printable(label, slice_of_text(row->name), NAME_MOST);
    } else {
        buf_put_text(label, "(no name)");
    }
    if (shared || !row->name[0]) {
        buf_put_text(label, " (");
        if (row->path[0]) {
            buf_put_printable(label, slice_of_text(path_tail(row->path, folder ? 2 : 1)),
                              NAME_MOST);
        } else {
            buf_put_text(label, "serial ");
            buf_put_text(label, row->serial);
        }
        buf_put_byte(label, ')');
    }
    buf_put_text(label, row->must_staple ? " *" : "");
}

/* Puts @text into exactly @width columns; what is too long loses its middle. */
static void put_cell(struct buf *out, struct slice text, size_t width)
{
    size_t end = out->size + width, head;

    if (text.size <= width) {
        buf_put_slice(out, text);
    } else {
        head = (width - 3 + 1) / 2;
        buf_put(out, text.data, head);
        buf_put_text(out, "...");
        buf_put(out, text.data + text.size - (width - 3 - head), width - 3 - head);
    }
    buf_put_pad(out, end, ' ');
}

static void put_text_cell(struct buf *out, const char *text, size_t width)
{
    put_cell(out, slice_of_text(text), width);
}

static void end_line(struct buf *out)
{
    while (out->size && out->data[out->size - 1] == ' ') {
        out->size--;
    }
    buf_put_byte(out, '\n');
}

static void put_colour(struct buf *out, const struct table_style *style, const char *colour)
{
    if (style->colour) {
        buf_put_text(out, "\x1b[");
        buf_put_text(out, colour);
        buf_put_byte(out, 'm');
    }
}

struct columns {
    size_t name, state, left;
};

static void put_row(struct buf *out, const struct cert_row *row, struct slice label,
                    const struct table_style *style, const struct columns *columns)
{
    struct buf cell = BUF_INIT(64);
    bool served = row->serve.until_s != 0;

    put_cell(out, label, columns->name);
    buf_put_pad(out, out->size + GAP, ' ');
    put_colour(out, style, looks[row->state].colour);
    buf_put_text(out, cert_state_name(row->state));
    put_colour(out, style, "0");
    buf_put_pad(out, out->size + columns->state - text_length(cert_state_name(row->state)) + GAP,
                ' ');
    if (served) {
        cli_put_time(&cell, row->serve.until_s);
    } else {
        buf_put_byte(&cell, '-');
    }
    put_cell(out, slice_of_buf(&cell), UNTIL_WIDTH + 1);
    buf_clear(&cell);
    if (served) {
        cli_put_brief(&cell, time_sub(row->serve.until_s, style->wall_s));
    }
    if (columns->left) {
        put_cell(out, slice_of_buf(&cell), columns->left + GAP);
    }
    buf_clear(&cell);
    if (row->next_try_s == INSTANT_NEVER) {
        buf_put_byte(&cell, '-');
    } else if (row->next_try_s <= style->wall_s) {
        buf_put_text(&cell, "now");
    } else {
        buf_put_text(&cell, "in ");
        cli_put_brief(&cell, time_sub(row->next_try_s, style->wall_s));
    }
    buf_put_slice(out, slice_of_buf(&cell));
    end_line(out);
    buf_deinit(&cell);
}

/* The row above names the certificate: what is left is the file and the news. */
static void put_detail(struct buf *out, const struct cert_row *row, unsigned width)
{
    struct buf line = BUF_INIT(16384);

    if (row->path[0]) {
        buf_put_text(&line, row->path);
        buf_put_text(&line, ": ");
    }
    buf_put_text(&line, row->last);
    cli_put_wrapped(out, buf_text(&line), width, DETAIL_INDENT);
    buf_deinit(&line);
}

/* How wide the columns are: what is in them, and the name gives way. */
static struct columns find_columns(const struct cli_table *table, const struct table_style *style,
                                   struct buf *label)
{
    struct columns columns = {.name = 4, .state = 5, .left = 6};
    size_t others;

    for (size_t i = 0; i < table->count; i++) {
        size_t state = text_length(cert_state_name(table->rows[i].state));

        put_label(label, table, i);
        columns.name = label->size > columns.name ? label->size : columns.name;
        columns.state = state > columns.state ? state : columns.state;
    }
    others = GAP + columns.state + GAP + UNTIL_WIDTH + 1 + columns.left + GAP + NEXT_WIDTH;
    if (style->width && NAME_LEAST + others > style->width) {
        others -= columns.left + GAP; /* too narrow for what can be reckoned */
        columns.left = 0;
    }
    if (style->width && columns.name + others > style->width) {
        columns.name = style->width > others + NAME_LEAST ? style->width - others : NAME_LEAST;
    }
    return columns;
}

static void put_summary(struct buf *out, const struct cli_table *table, unsigned width)
{
    static const enum cert_state order[] = {
        CERT_STATE_HELD,      CERT_STATE_FAILING, CERT_STATE_MISSING,      CERT_STATE_REVOKED,
        CERT_STATE_NO_ISSUER, CERT_STATE_NO_URL,  CERT_STATE_CERT_EXPIRED, CERT_STATE_NOT_LEAF,
    };
    struct buf line = BUF_INIT(1024);
    size_t counts[CERT_STATES] = {0};
    bool must_staple = false, first = true;

    for (size_t i = 0; i < table->count; i++) {
        counts[table->rows[i].state]++;
        must_staple |= table->rows[i].must_staple;
    }
    buf_put_int(&line, (int64_t)table->count);
    buf_put_text(&line, table->count == 1 ? " certificate: " : " certificates: ");
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if (counts[order[i]]) {
            buf_put_text(&line, first ? "" : ", ");
            buf_put_int(&line, (int64_t)counts[order[i]]);
            buf_put_byte(&line, ' ');
            buf_put_text(&line, looks[order[i]].counted);
            first = false;
        }
    }
    buf_put_byte(out, '\n');
    cli_put_wrapped(out, buf_text(&line), width, 0);
    buf_put_text(out, must_staple ? "* must-staple\n" : "");
    buf_deinit(&line);
}

static void format_text(const struct cli_table *table, const struct table_style *style,
                        struct buf *out)
{
    struct buf label = BUF_INIT(1024);
    struct columns columns = find_columns(table, style, &label);

    if (table->sentence) {
        cli_put_wrapped(out, table->sentence, style->width, 0);
        buf_put_byte(out, '\n');
    }
    if (table->health) {
        health_put_text(out, table->health, style->wall_s, style->width);
    }
    if (table->count) {
        put_colour(out, style, "1");
        put_text_cell(out, "NAME", columns.name + GAP);
        put_text_cell(out, "STATE", columns.state + GAP);
        put_text_cell(out, "SERVED UNTIL", UNTIL_WIDTH + 1);
        if (columns.left) {
            put_text_cell(out, "LEFT", columns.left + GAP);
        }
        buf_put_text(out, "NEXT TRY");
        put_colour(out, style, "0");
        end_line(out);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct cert_row *row = &table->rows[i];

        put_label(&label, table, i);
        put_row(out, row, slice_of_buf(&label), style, &columns);
        if (looks[row->state].trouble && row->last[0]) {
            put_detail(out, row, style->width);
        }
    }
    if (table->count) {
        put_summary(out, table, style->width);
    } else {
        buf_put_text(out, "No certificates.\n");
    }
    buf_deinit(&label);
}

static void format_json(const struct cli_table *table, struct buf *out)
{
    json_t *root = json_object(), *certs = json_array();
    char *text;

    for (size_t i = 0; i < table->count; i++) {
        json_array_append_new(certs, control_row_to_json(&table->rows[i]));
    }
    if (table->source) {
        json_object_set_new(root, "source", json_string(table->source));
    }
    json_object_set_new(root, "certs", certs);
    if (table->health && health_to_json(table->health, root)) {
        out->status = -ENOMEM;
    }
    text = json_dumps(root, JSON_INDENT(2));
    if (text) {
        buf_put(out, text, strlen(text)); /* may be longer than TEXT_MAX */
        buf_put_byte(out, '\n');
    } else {
        out->status = -ENOMEM;
    }
    free(text);
    json_decref(root);
}

void cli_table_format(struct cli_table *table, const struct table_style *style, struct buf *out)
{
    if (table->count > 1) {
        qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
    }
    if (table->metrics) {
        metrics_put(out,
                    &(struct metrics){table->rows, table->count, table->health, style->wall_s});
    } else if (table->json) {
        format_json(table, out);
    } else {
        format_text(table, style, out);
    }
}

int cli_table_end(struct cli_table *table, int64_t wall_s)
{
    struct table_style style = {
        .width = cli_terminal_width(STDOUT_FILENO),
        .colour = cli_wants_colour(STDOUT_FILENO),
        .wall_s = wall_s,
    };
    struct buf out = BUF_INIT(OUTPUT_MAX);
    int r;

    cli_table_format(table, &style, &out);
    if (table->out_of_memory || buf_status(&out)) {
        cli_complain("out of memory for so many certificates");
        r = EXIT_USAGE;
    } else {
        r = cli_write(slice_of_buf(&out));
    }
    buf_deinit(&out);
    cli_table_free(table);
    return r;
}
