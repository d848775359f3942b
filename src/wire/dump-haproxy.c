/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "wire/dump-private.h"

#define WORDS_MAX 256 /* of one line that are looked at */

enum section { SECTION_OTHER, SECTION_GLOBAL, SECTION_STORE };

struct state {
    enum section section;
    const char *base; /* of the crt-store; NULL: that of global */
    bool updates;     /* ocsp-update is on for all */
};

/* The words of a line, unquoted, each with a NUL behind it. */
struct words {
    struct buf text;
    const char *list[WORDS_MAX];
    unsigned count;
};

static void put_quoted(struct slice *line, struct buf *word, uint8_t quote)
{
    while (line->size && line->data[0] != quote) {
        if (quote == '"' && line->data[0] == '\\' && line->size > 1) {
            *line = slice_of(line->data + 1, line->size - 1);
        }
        buf_put_byte(word, line->data[0]);
        *line = slice_of(line->data + 1, line->size - 1);
    }
    if (line->size) {
        *line = slice_of(line->data + 1, line->size - 1);
    }
}

/* Takes a word off @line. False at its end, or at a comment. */
static bool take_word(struct slice *line, struct buf *word)
{
    *line = dump_trim(*line);
    if (!line->size || line->data[0] == '#') {
        return false;
    }
    while (line->size && !dump_is_blank(line->data[0]) && line->data[0] != '#') {
        uint8_t c = line->data[0];

        *line = slice_of(line->data + 1, line->size - 1);
        if (c == '"' || c == '\'') {
            put_quoted(line, word, c);
            continue;
        }
        if (c == '\\' && line->size) {
            c = line->data[0];
            *line = slice_of(line->data + 1, line->size - 1);
        }
        buf_put_byte(word, c);
    }
    buf_put_byte(word, 0);
    return true;
}

/* The words of @line. False when there are none. */
static bool words_read(struct words *words, struct slice line)
{
    size_t starts[WORDS_MAX];

    buf_clear(&words->text);
    words->count = 0;
    while (words->count < WORDS_MAX) {
        starts[words->count] = words->text.size;
        if (!take_word(&line, &words->text)) {
            break;
        }
        ++words->count;
    }
    if (buf_status(&words->text)) {
        words->count = 0;
    }
    for (unsigned i = 0; i < words->count; i++) {
        words->list[i] = (const char *)words->text.data + starts[i];
    }
    return words->count > 0;
}

/* The word behind @name, from word number @from on; NULL without one. */
static const char *word_behind(const struct words *words, unsigned from, const char *name)
{
    for (unsigned i = from; i + 1 < words->count; i++) {
        if (text_equal(words->list[i], name)) {
            return words->list[i + 1];
        }
    }
    return NULL;
}

static bool says_update(const struct words *words)
{
    const char *value = word_behind(words, 0, "ocsp-update");

    return value && text_equal(value, "on");
}

static void add_cert(struct dump_reader *reader, const struct dump_text *text,
                     const struct state *state, const char *path, const char *site)
{
    const char *of_global = reader->dump->values[DUMP_CRT_BASE];
    const char *base = state->base ? state->base : of_global ? of_global : reader->folder;
    bool variable = strchr(path, '$') != NULL;
    const char *whole = variable ? dump_copy(reader->dump, slice_of_text(path))
                                 : dump_path(reader->dump, base, slice_of_text(path));
    struct dump_block *block = dump_add_block(reader->dump, text, text->line);
    struct dump_cert *cert;

    if (!block) {
        return;
    }
    block->site = dump_copy(reader->dump, slice_of_text(site));
    block->flags = state->updates ? DUMP_STAPLES : 0;
    cert = dump_add_cert(reader->dump, text, whole, text->line);
    if (cert) {
        cert->flags = variable ? DUMP_VARIABLE : 0;
    }
}

struct crt_list {
    const struct state *state;
    const char *site;
};

/* "PATH [options] [filter]..." */
static int read_crt_list(struct dump_reader *reader, struct dump_text *text, void *context)
{
    const struct crt_list *list = context;
    struct words words = {.text = BUF_INIT(LIMIT_DUMP_WORD)};
    struct slice line;

    text->line = 0;
    while (dump_next_line(text, &line)) {
        if (words_read(&words, line)) {
            struct state state = *list->state;
            const char *update = memmem(line.data, line.size, "ocsp-update on", 14);

            state.updates |= update != NULL;
            add_cert(reader, text, &state, words.list[0], list->site);
        }
    }
    buf_deinit(&words.text);
    return 0;
}

/* `bind ADDRESS ssl crt PATH crt-list FILE`, `load crt PATH` of a crt-store. */
static int read_bind(struct dump_reader *reader, struct dump_text *text, const struct state *state,
                     const struct words *words)
{
    struct state here = *state;
    struct crt_list list = {&here, words->count > 1 ? words->list[1] : ""};
    int r = 0;

    here.updates |= says_update(words);
    for (unsigned i = 1; !r && i + 1 < words->count; i++) {
        if (text_equal(words->list[i], "crt")) {
            add_cert(reader, text, &here, words->list[++i], list.site);
        } else if (text_equal(words->list[i], "crt-list")) {
            const char *path =
                dump_path(reader->dump, reader->folder, slice_of_text(words->list[++i]));

            r = dump_include(reader, text, path, read_crt_list, &list);
        }
    }
    return r;
}

/* "unix@/path", "ipv4@*:9999", ":9999"... as clinch writes it; NULL: nothing to connect to. */
static const char *address_of(struct dump *dump, const char *word)
{
    static const char *const families[] = {"unix@", "ipv4@", "ipv6@"};
    struct slice text = slice_of_text(word);
    struct buf address = BUF_INIT(1024);
    const char *colon, *copy = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        dump_skip(&text, families[i]);
    }
    word = (const char *)text.data;
    colon = strrchr(word, ':');
    if (word[0] == '/') {
        copy = dump_copy(dump, text);
    } else if (colon && !strchr(word, '@') && !strchr(word, '$')) {
        bool any = colon == word || text_starts_with(word, "*:") ||
                   text_starts_with(word, "0.0.0.0:") || text_starts_with(word, "[::]:");
        struct slice host = slice_of(word, (size_t)(colon - word));

        if (any) {
            buf_put_text(&address, "127.0.0.1");
        } else if (memchr(host.data, ':', host.size) && host.data[0] != '[') {
            buf_put_byte(&address, '[');
            buf_put_slice(&address, host);
            buf_put_byte(&address, ']');
        } else {
            buf_put_slice(&address, host);
        }
        buf_put_text(&address, colon);
        copy = dump_copy(dump, slice_of_buf(&address));
    }
    buf_deinit(&address);
    return copy;
}

static void read_socket(struct dump_reader *reader, const struct dump_text *text,
                        const struct words *words)
{
    const char *level = word_behind(words, 3, "level");
    const char *address = address_of(reader->dump, words->list[2]);

    if (address) {
        dump_add_socket(reader->dump, text, address,
                        !level                       ? DUMP_LEVEL_OPERATOR
                        : text_equal(level, "admin") ? DUMP_LEVEL_ADMIN
                        : text_equal(level, "user")  ? DUMP_LEVEL_USER
                                                     : DUMP_LEVEL_OPERATOR);
    }
}

static void read_global(struct dump_reader *reader, const struct dump_text *text,
                        struct state *state, const struct words *words)
{
    const char *name = words->list[0];

    if (words->count > 2 && text_equal(name, "stats") && text_equal(words->list[1], "socket")) {
        read_socket(reader, text, words);
    } else if (words->count > 1 && text_equal(name, "crt-base")) {
        const char *base = dump_path(reader->dump, reader->folder, slice_of_text(words->list[1]));

        dump_set_value(reader->dump, text, DUMP_CRT_BASE, slice_of_text(base));
    } else if (words->count > 1 && (text_equal(name, "ocsp-update.mode") ||
                                    text_equal(name, "tune.ssl.ocsp-update.mode"))) {
        state->updates = text_equal(words->list[1], "on");
    } else if (words->count > 1 && text_equal(name, "user")) {
        dump_set_value(reader->dump, text, DUMP_USER, slice_of_text(words->list[1]));
    }
}

/* True when the line begins a section. */
static bool read_section(struct state *state, const char *name)
{
    static const char *const names[] = {
        "defaults", "frontend",    "listen", "backend",     "peers",    "resolvers",
        "userlist", "mailers",     "cache",  "http-errors", "fcgi-app", "ring",
        "program",  "log-forward", "traces", "acme",        "global",   "crt-store",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (text_equal(name, names[i])) {
            state->section = text_equal(name, "global")      ? SECTION_GLOBAL
                             : text_equal(name, "crt-store") ? SECTION_STORE
                                                             : SECTION_OTHER;
            state->base = NULL;
            return true;
        }
    }
    return false;
}

static int read_line(struct dump_reader *reader, struct dump_text *text, struct state *state,
                     const struct words *words)
{
    const char *name = words->list[0];

    if (read_section(state, name)) {
        return 0;
    }
    if (state->section == SECTION_GLOBAL) {
        read_global(reader, text, state, words);
    } else if (state->section == SECTION_STORE && text_equal(name, "crt-base") &&
               words->count > 1) {
        state->base = dump_path(reader->dump, reader->folder, slice_of_text(words->list[1]));
    } else if (text_equal(name, state->section == SECTION_STORE ? "load" : "bind")) {
        return read_bind(reader, text, state, words);
    }
    return 0;
}

/* A line that ends with a backslash goes on in the next one only inside quotes, which no line about
 * certificates needs. */
int dump_read_haproxy(struct dump_reader *reader, struct dump_text *text)
{
    struct words words = {.text = BUF_INIT(LIMIT_DUMP_WORD)};
    struct state state = {.section = SECTION_OTHER};
    struct slice line;
    int r = 0;

    text->line = 0;
    while (!r && dump_next_line(text, &line)) {
        if (words_read(&words, line)) {
            r = read_line(reader, text, &state, &words);
        }
    }
    buf_deinit(&words.text);
    return r;
}
