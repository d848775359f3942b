/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "wire/dump-private.h"

#define PIECE_SIZE   65536
#define INCLUDE_COST 256 /* of LIMIT_DUMP_READ, besides the text itself */

/* Strings that are freed all at once. */
struct dump_memory {
    struct dump_memory *next;
    size_t used;
    size_t size;
    char content[];
};

struct dump *dump_new(void)
{
    struct dump *dump = calloc(1, sizeof(*dump));

    if (dump) {
        dump->left = LIMIT_DUMP_READ;
    }
    return dump;
}

struct dump *dump_free(struct dump *dump)
{
    if (!dump) {
        return NULL;
    }
    while (dump->memory) {
        struct dump_memory *piece = dump->memory;

        dump->memory = piece->next;
        free(piece);
    }
    free(dump->blocks);
    free(dump->certs);
    free(dump->sockets);
    free(dump->notes);
    free(dump);
    return NULL;
}

const char *dump_copy(struct dump *dump, struct slice text)
{
    struct dump_memory *piece = dump->memory;
    char *copy;

    if (!piece || piece->size - piece->used <= text.size) {
        size_t size = text.size < PIECE_SIZE ? PIECE_SIZE : text.size + 1;

        piece = malloc(sizeof(*piece) + size);
        if (!piece) {
            dump->out_of_memory = true;
            return "";
        }
        piece->next = dump->memory;
        piece->used = 0;
        piece->size = size;
        dump->memory = piece;
    }
    copy = piece->content + piece->used;
    if (text.size) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = 0;
    piece->used += text.size + 1;
    return copy;
}

const char *dump_path(struct dump *dump, const char *folder, struct slice path)
{
    struct buf whole = BUF_INIT(LIMIT_DUMP_WORD + 8192);
    const char *copy;

    if (path.size && path.data[0] == '/') {
        return dump_copy(dump, path);
    }
    buf_put_text(&whole, folder);
    buf_put_text(&whole, text_equal(folder, "/") ? "" : "/");
    buf_put_slice(&whole, path);
    copy = dump_copy(dump, slice_of_buf(&whole));
    buf_deinit(&whole);
    return copy;
}

const char *dump_folder(struct dump *dump, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return ".";
    }
    return slash == path ? "/" : dump_copy(dump, slice_of(path, (size_t)(slash - path)));
}

/* Room for one more behind @count entries of @size octets; the room is always a power of two. */
static void *grow(struct dump *dump, void *entries, size_t count, size_t size)
{
    void *grown;

    if (count & (count - 1)) {
        return entries;
    }
    grown = realloc(entries, (count ? 2 * count : 1) * size);
    dump->out_of_memory |= !grown;
    return grown;
}

struct dump_block *dump_add_block(struct dump *dump, const struct dump_text *text, unsigned line)
{
    struct dump_block *grown;

    if (dump->block_count == LIMIT_DUMP_ENTRIES) {
        dump_note(dump, text, "there is too much: the rest is left out", "", "");
        return NULL;
    }
    grown = grow(dump, dump->blocks, dump->block_count, sizeof(*grown));
    if (!grown) {
        return NULL;
    }
    dump->blocks = grown;
    grown += dump->block_count++;
    *grown = (struct dump_block){
        .file = text->file, .line = line, .site = "", .first = dump->cert_count};
    return grown;
}

struct dump_cert *dump_add_cert(struct dump *dump, const struct dump_text *text, const char *path,
                                unsigned line)
{
    struct dump_cert *grown;

    assert(dump->block_count > 0);
    if (dump->cert_count == LIMIT_DUMP_ENTRIES) {
        dump_note(dump, text, "there are too many certificates: the rest is left out", "", "");
        return NULL;
    }
    grown = grow(dump, dump->certs, dump->cert_count, sizeof(*grown));
    if (!grown) {
        return NULL;
    }
    dump->certs = grown;
    grown += dump->cert_count++;
    *grown = (struct dump_cert){.path = path, .file = text->file, .line = line};
    ++dump->blocks[dump->block_count - 1].count;
    return grown;
}

void dump_add_socket(struct dump *dump, const struct dump_text *text, const char *address,
                     enum dump_level level)
{
    struct dump_socket *grown;

    if (dump->socket_count == LIMIT_DUMP_NOTES) {
        return;
    }
    grown = grow(dump, dump->sockets, dump->socket_count, sizeof(*grown));
    if (grown) {
        dump->sockets = grown;
        grown[dump->socket_count++] = (struct dump_socket){address, level, text->file, text->line};
    }
}

void dump_note(struct dump *dump, const struct dump_text *text, const char *before,
               const char *word, const char *behind)
{
    struct buf clause = BUF_INIT(8192);
    struct dump_note *grown;

    if (dump->note_count == LIMIT_DUMP_NOTES) {
        return;
    }
    grown = grow(dump, dump->notes, dump->note_count, sizeof(*grown));
    if (!grown) {
        return;
    }
    dump->notes = grown;
    buf_put_text(&clause, before);
    buf_put_printable(&clause, slice_of_text(word), 1024);
    buf_put_text(&clause, behind);
    grown[dump->note_count++] =
        (struct dump_note){text->file, text->line, dump_copy(dump, slice_of_buf(&clause))};
    buf_deinit(&clause);
}

void dump_set_value(struct dump *dump, const struct dump_text *text, enum dump_value value,
                    struct slice content)
{
    dump->values[value] = dump_copy(dump, content);
    dump->value_files[value] = text->file;
    dump->value_lines[value] = text->line;
}

int dump_fail(struct dump_reader *reader, const struct dump_text *text, const char *what)
{
    buf_put_printable(reader->fault, slice_of_text(text->file), 1024);
    buf_put_byte(reader->fault, ':');
    buf_put_int(reader->fault, text->line);
    buf_put_text(reader->fault, ": ");
    buf_put_text(reader->fault, what);
    return DUMP_E_INVALID;
}

static bool includes_itself(const struct dump_text *text, const char *path)
{
    for (; text; text = text->from) {
        if (text_equal(text->file, path)) {
            return true;
        }
    }
    return false;
}

/* False, with a note, when @inner is no text, in a circle, or would be too much. */
static bool may_read(struct dump_reader *reader, const struct dump_text *inner)
{
    struct dump *dump = reader->dump;
    size_t cost = inner->left.size + INCLUDE_COST;

    if (includes_itself(inner->from, inner->file)) {
        dump_note(dump, inner->from, "includes ", inner->file, " in itself");
    } else if (cost > dump->left) {
        dump_note(dump, inner->from, "includes more than clinch reads: ", inner->file,
                  " is left out");
    } else if (inner->left.size && memchr(inner->left.data, 0, inner->left.size)) {
        dump_note(dump, inner->from, "includes ", inner->file, ", which is no text");
    } else {
        dump->left -= cost;
        return true;
    }
    return false;
}

int dump_include(struct dump_reader *reader, const struct dump_text *text, const char *pattern,
                 int (*read)(struct dump_reader *reader, struct dump_text *text, void *context),
                 void *context)
{
    const char *path;
    struct slice content;
    bool found = false;
    size_t cursor = 0;
    int r = 0;

    if (reader->depth >= LIMIT_DUMP_DEPTH / 2) { /* the rest is for blocks */
        dump_note(reader->dump, text, "too many includes in each other: ", pattern, " is left out");
        return 0;
    }
    ++reader->depth;
    while (!r &&
           reader->source->include(reader->source->context, pattern, &cursor, &path, &content)) {
        struct dump_text inner = {path, content, 1, text};

        found = true;
        if (may_read(reader, &inner)) {
            inner.file = dump_copy(reader->dump, slice_of_text(path));
            r = read(reader, &inner, context);
        }
    }
    --reader->depth;
    if (!found && !dump_glob_is_magic(pattern)) {
        dump_note(reader->dump, text, "includes ", pattern, ", which is not there or not readable");
    }
    return r;
}

bool dump_next_line(struct dump_text *text, struct slice *ret_line)
{
    const uint8_t *end;
    size_t size;

    if (!text->left.size) {
        return false;
    }
    end = memchr(text->left.data, '\n', text->left.size);
    size = end ? (size_t)(end - text->left.data) : text->left.size;
    *ret_line = slice_of(text->left.data, size);
    size += end != NULL;
    text->left = slice_of(text->left.data + size, text->left.size - size);
    ++text->line;
    return true;
}

bool dump_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct slice dump_trim(struct slice text)
{
    while (text.size && dump_is_blank(text.data[0])) {
        text = slice_of(text.data + 1, text.size - 1);
    }
    while (text.size && dump_is_blank(text.data[text.size - 1])) {
        --text.size;
    }
    return text;
}

bool dump_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_of_text(text));
}

bool dump_skip(struct slice *text, const char *prefix)
{
    size_t size = text_length(prefix);

    if (text->size < size || memcmp(text->data, prefix, size) != 0) {
        return false;
    }
    *text = slice_of(text->data + size, text->size - size);
    return true;
}

struct slice dump_unquote(struct slice text)
{
    if (text.size >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
        text.data[text.size - 1] == text.data[0]) {
        return slice_of(text.data + 1, text.size - 2);
    }
    return text;
}

bool dump_glob_is_magic(const char *pattern)
{
    return strpbrk(pattern, "*?[\\") != NULL;
}

/* The "[...]" at @pattern: how long it is, 0 when it is none; whether it holds @c. */
static size_t match_set(const char *pattern, char c, bool *ret_matches)
{
    size_t at = 1;
    bool negated = pattern[at] == '!' || pattern[at] == '^';
    bool found = false;

    at += negated;
    for (size_t first = at; pattern[at] && (pattern[at] != ']' || at == first); at++) {
        if (pattern[at + 1] == '-' && pattern[at + 2] && pattern[at + 2] != ']') {
            found |= c >= pattern[at] && c <= pattern[at + 2];
            at += 2;
        } else {
            found |= c == pattern[at];
        }
    }
    if (!pattern[at]) {
        return 0;
    }
    *ret_matches = found != negated && c != '/' && c != 0;
    return at + 1;
}

/* One element of @pattern other than '*' against @c: its length, 0 when it does not match. */
static size_t match_one(const char *pattern, char c)
{
    bool matches = false;
    size_t size;

    if (*pattern == '?') {
        return c && c != '/' ? 1 : 0;
    }
    if (*pattern == '[') {
        size = match_set(pattern, c, &matches);
        if (size) {
            return matches ? size : 0;
        }
    }
    if (*pattern == '\\' && pattern[1]) {
        return pattern[1] == c ? 2 : 0;
    }
    return *pattern && *pattern == c ? 1 : 0;
}

/* A wildcard does not match the dot that hides a file. */
static bool is_hidden(const char *start, const char *text)
{
    return *text == '.' && (text == start || text[-1] == '/');
}

bool dump_glob_match(const char *pattern, const char *text)
{
    const char *start = text;
    const char *star = NULL; /* behind the last '*', and the text that it has not taken yet */
    const char *untaken = NULL;

    for (;;) {
        size_t size;

        if (*pattern == '*' && !is_hidden(start, text)) {
            star = ++pattern;
            untaken = text;
            continue;
        }
        if (!*pattern && !*text) {
            return true;
        }
        size = (*pattern == '?' || *pattern == '[') && is_hidden(start, text)
                   ? 0
                   : match_one(pattern, *text);
        if (size) {
            pattern += size;
            ++text;
        } else if (star && *untaken && *untaken != '/') {
            pattern = star;
            text = ++untaken;
        } else {
            return false;
        }
    }
}

static int (*const readers[DUMP_KINDS])(struct dump_reader *reader, struct dump_text *text) = {
    dump_read_nginx, dump_read_haproxy, dump_read_apache, dump_read_hitch,   dump_read_lighttpd,
    dump_read_h2o,   dump_read_nghttpx, dump_read_exim,   dump_read_dnsdist,
};

int dump_read(struct dump *dump, const struct dump_input *input, struct buf *fault)
{
    struct dump_text whole = {dump_copy(dump, slice_of_text(input->path)), input->text, 1, NULL};
    struct dump_reader reader = {.dump = dump, .source = &input->source, .fault = fault};
    int r;

    reader.folder = dump_folder(dump, whole.file);
    if (!dump->main_file) {
        dump->main_file = whole.file;
    }
    if (whole.left.size > LIMIT_DUMP_SIZE) {
        return dump_fail(&reader, &whole, "larger than the 16 MiB that clinch reads of a server");
    }
    if (whole.left.size && memchr(whole.left.data, 0, whole.left.size)) {
        return dump_fail(&reader, &whole, "this is not text: it holds a NUL");
    }
    r = readers[input->kind](&reader, &whole);
    if (dump->out_of_memory || buf_status(fault)) {
        return -ENOMEM;
    }
    return r;
}
