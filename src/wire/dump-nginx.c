/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "wire/dump-private.h"

#define HEADER     "# configuration file "
#define CERTS_MOST 16 /* of http itself, for the server blocks below it */

enum token { TOKEN_WORD, TOKEN_SEMICOLON, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END, TOKEN_BROKEN };

enum context { IN_OTHER, IN_MAIN, IN_HTTP, IN_STREAM, IN_MAIL, IN_SERVER };

/* A block that is being read. nginx merges http into its server blocks at its end only. */
struct scope {
    enum context context;
    const struct scope *parent;
    size_t block;       /* server: in dump->blocks */
    size_t first_block; /* http, stream, mail: the first of theirs */
    bool tls;
    signed char stapling; /* of ssl_stapling: -1 not said */
    const char *staple;
    struct dump_cert certs[CERTS_MOST]; /* http, stream, mail */
    size_t cert_count;
};

/* A directive: its words one after another, each with a NUL. */
struct statement {
    struct buf words;
    unsigned count;
    unsigned line;
};

static bool is_space(uint8_t c)
{
    return dump_is_blank(c) || c == '\n';
}

static uint8_t take(struct dump_text *text)
{
    uint8_t c = text->left.data[0];

    text->left = slice_of(text->left.data + 1, text->left.size - 1);
    text->line += c == '\n';
    return c;
}

static bool next_is(const struct dump_text *text, uint8_t c)
{
    return text->left.size && text->left.data[0] == c;
}

/* What a backslash and @c stand for in a parameter; other pairs stay as they are. */
static void put_escaped(struct buf *word, uint8_t c)
{
    static const char plain[] = "\"'\\";
    const char *which = c ? strchr("trn", c) : NULL;

    if (which) {
        buf_put_byte(word, (uint8_t) "\t\r\n"[which - "trn"]);
        return;
    }
    if (!memchr(plain, c, sizeof(plain) - 1)) {
        buf_put_byte(word, '\\');
    }
    buf_put_byte(word, c);
}

static enum token take_quoted(struct dump_text *text, struct buf *word, uint8_t quote)
{
    while (text->left.size) {
        uint8_t c = take(text);

        if (c == quote) {
            return TOKEN_WORD;
        }
        if (c == '\\' && text->left.size) {
            put_escaped(word, take(text));
        } else {
            buf_put_byte(word, c);
        }
    }
    return TOKEN_BROKEN;
}

/* "${name}" does not open a block. */
static enum token take_plain(struct dump_text *text, struct buf *word)
{
    while (text->left.size && !is_space(text->left.data[0]) && !next_is(text, ';') &&
           !next_is(text, '{')) {
        uint8_t c = take(text);

        if (c == '\\' && text->left.size) {
            put_escaped(word, take(text));
            continue;
        }
        buf_put_byte(word, c);
        if (c == '$' && next_is(text, '{')) {
            buf_put_byte(word, take(text));
        }
    }
    return TOKEN_WORD;
}

static void skip_line(struct dump_text *text)
{
    while (text->left.size && take(text) != '\n') {
        /* a comment */
    }
}

/* The next token; a word goes behind what is in @word. */
static enum token next_token(struct dump_text *text, struct buf *word)
{
    for (;;) {
        while (text->left.size && is_space(text->left.data[0])) {
            take(text);
        }
        if (!next_is(text, '#')) {
            break;
        }
        skip_line(text);
    }
    if (!text->left.size) {
        return TOKEN_END;
    }
    switch (text->left.data[0]) {
    case ';':
        take(text);
        return TOKEN_SEMICOLON;
    case '{':
        take(text);
        return TOKEN_OPEN;
    case '}':
        take(text);
        return TOKEN_CLOSE;
    case '"':
    case '\'':
        return take_quoted(text, word, take(text));
    default:
        return take_plain(text, word);
    }
}

/* The words up to what ends them. */
static enum token next_statement(struct dump_text *text, struct statement *statement)
{
    enum token token;

    buf_clear(&statement->words);
    statement->count = 0;
    while ((token = next_token(text, &statement->words)) == TOKEN_WORD) {
        if (!statement->count++) {
            statement->line = text->line;
        }
        buf_put_byte(&statement->words, 0);
    }
    return buf_status(&statement->words) ? TOKEN_BROKEN : token;
}

/* Word number @index (from 0), or "". */
static const char *word_at(const struct statement *statement, unsigned index)
{
    const char *word = (const char *)statement->words.data;

    if (index >= statement->count) {
        return "";
    }
    for (unsigned i = 0; i < index; i++) {
        word += strlen(word) + 1;
    }
    return word;
}

/* Lua between braces, of OpenResty: its strings and comments may hold braces of their own. */
static void skip_lua(struct dump_text *text)
{
    struct buf ignored = BUF_INIT(LIMIT_DUMP_WORD);
    unsigned open = 1;

    while (text->left.size && open) {
        uint8_t c = take(text);

        if (c == '{') {
            open++;
        } else if (c == '}') {
            open--;
        } else if (c == '"' || c == '\'') {
            take_quoted(text, &ignored, c);
            buf_clear(&ignored);
        } else if (c == '-' && next_is(text, '-')) {
            skip_line(text);
        }
    }
    buf_deinit(&ignored);
}

static bool is_lua_block(const char *name)
{
    static const char ending[] = "_by_lua_block";
    size_t size = strlen(name);

    return size >= sizeof(ending) - 1 && strcmp(name + size - (sizeof(ending) - 1), ending) == 0;
}

/* server, or what @scope itself has for the server blocks below. */
static bool has_certs(const struct scope *scope)
{
    return scope->context >= IN_HTTP;
}

static struct dump_block *block_of(struct dump_reader *reader, const struct scope *scope)
{
    return scope->context == IN_SERVER && scope->block < reader->dump->block_count
               ? &reader->dump->blocks[scope->block]
               : NULL;
}

/* A file, a path with variables, or "data:" with the PEM itself or a variable that has it. */
static struct dump_cert cert_of(struct dump_reader *reader, const char *word)
{
    bool is_data = text_starts_with(word, "data:"), is_variable = strchr(word, '$');
    struct dump_cert cert = {.flags = is_variable ? DUMP_VARIABLE : 0};

    if (is_data && !is_variable) {
        cert = (struct dump_cert){.path = "data:", .flags = DUMP_VARIABLE | DUMP_INLINE};
    } else if (is_variable) {
        cert.path = dump_copy(reader->dump, slice_of_text(word));
    } else {
        cert.path = dump_path(reader->dump, reader->folder, slice_of_text(word));
    }
    return cert;
}

static void read_certificate(struct dump_reader *reader, const struct dump_text *text,
                             struct scope *scope, const struct statement *statement)
{
    struct dump_cert cert = cert_of(reader, word_at(statement, 1));
    struct dump_cert *added;

    cert.file = text->file;
    cert.line = statement->line;
    if (scope->context == IN_SERVER) {
        added = block_of(reader, scope)
                    ? dump_add_cert(reader->dump, text, cert.path, statement->line)
                    : NULL;
        if (added) {
            added->flags = cert.flags;
        }
    } else if (scope->cert_count < CERTS_MOST) {
        scope->certs[scope->cert_count++] = cert;
    }
}

static void read_listen(struct scope *scope, const struct statement *statement)
{
    for (unsigned i = 2; i < statement->count && i < 64; i++) {
        scope->tls |=
            text_equal(word_at(statement, i), "ssl") || text_equal(word_at(statement, i), "quic");
    }
}

static void read_directive(struct dump_reader *reader, const struct dump_text *text,
                           struct scope *scope, const struct statement *statement)
{
    struct dump_block *block = block_of(reader, scope);
    const char *name = word_at(statement, 0);
    const char *value = word_at(statement, 1);

    if (text_equal(name, "ssl_certificate") && *value) {
        read_certificate(reader, text, scope, statement);
    } else if (text_equal(name, "ssl_stapling")) {
        scope->stapling = text_equal(value, "on");
        if (block) {
            block->stapling_file = text->file;
            block->stapling_line = statement->line;
        }
    } else if (text_equal(name, "ssl_stapling_file")) {
        scope->staple = dump_path(reader->dump, reader->folder, slice_of_text(value));
    } else if (text_equal(name, "listen")) {
        read_listen(scope, statement);
    } else if (text_equal(name, "ssl")) {
        scope->tls |= text_equal(value, "on");
    } else if (block && text_equal(name, "server_name") && !*block->site) {
        block->site = dump_copy(reader->dump, slice_of_text(value));
    }
}

/* What the block has, as far as it is known at its end; the rest comes from http. */
static void end_server(struct dump_reader *reader, const struct scope *scope)
{
    struct dump_block *block = block_of(reader, scope);

    if (!block) {
        return;
    }
    for (size_t i = 0; i < block->count; i++) {
        reader->dump->certs[block->first + i].staple = scope->staple;
    }
    if (scope->stapling == 1) {
        block->flags |= DUMP_STAPLES | DUMP_STAPLES_HERE;
    } else if (scope->stapling == 0) {
        block->flags |= DUMP_STAPLES_HERE;
    }
    if (scope->parent && scope->parent->context != IN_HTTP) {
        block->flags |= DUMP_NO_STAPLES;
    }
    /* A block without certificate that speaks TLS takes those of http, which may follow it. */
    block->inherits = !block->count && scope->tls;
}

static void inherit_certs(struct dump_reader *reader, const struct scope *http, size_t index)
{
    struct dump *dump = reader->dump;
    struct dump_text text = {.line = 0};

    dump->blocks[index].first = dump->cert_count;
    for (size_t i = 0; i < http->cert_count; i++) {
        struct dump_cert *cert;

        text.file = http->certs[i].file;
        /* It counts for the last block. */
        cert = dump_add_cert(dump, &text, http->certs[i].path, http->certs[i].line);
        if (cert) {
            cert->flags = http->certs[i].flags;
            --dump->blocks[dump->block_count - 1].count;
            ++dump->blocks[index].count;
        }
    }
}

/* The end of http, stream or mail: what its server blocks have from it. Those without TLS go. */
static void end_http(struct dump_reader *reader, const struct scope *http)
{
    struct dump *dump = reader->dump;
    size_t kept = http->first_block;

    for (size_t i = http->first_block; i < dump->block_count; i++) {
        struct dump_block *block = &dump->blocks[i];

        if (block->inherits) {
            inherit_certs(reader, http, i);
            block = &dump->blocks[i];
        }
        for (size_t k = 0; k < block->count; k++) {
            struct dump_cert *cert = &dump->certs[block->first + k];

            cert->staple = cert->staple ? cert->staple : http->staple;
        }
        if (http->stapling == 1 && !(block->flags & DUMP_STAPLES_HERE)) {
            block->flags |= DUMP_STAPLES;
        }
        if (block->count) {
            dump->blocks[kept++] = *block;
        }
    }
    dump->block_count = kept;
}

static int read_scope(struct dump_reader *reader, struct dump_text *text, void *context);

static int read_include(struct dump_reader *reader, const struct dump_text *text,
                        struct scope *scope, const char *word)
{
    struct dump_block *block = block_of(reader, scope);
    const char *pattern = dump_path(reader->dump, reader->folder, slice_of_text(word));

    if (block && block->include_count < DUMP_INCLUDES) {
        block->includes[block->include_count++] = pattern;
    }
    return dump_include(reader, text, pattern, read_scope, scope);
}

static enum context context_of(const struct scope *outer, const char *name)
{
    if (outer->context == IN_MAIN) {
        return text_equal(name, "http")     ? IN_HTTP
               : text_equal(name, "stream") ? IN_STREAM
               : text_equal(name, "mail")   ? IN_MAIL
                                            : IN_OTHER;
    }
    return has_certs(outer) && outer->context != IN_SERVER && text_equal(name, "server") ? IN_SERVER
                                                                                         : IN_OTHER;
}

/* A block, up to its brace. */
static int read_block(struct dump_reader *reader, struct dump_text *text, const struct scope *outer,
                      const struct statement *statement)
{
    struct scope scope = {.context = context_of(outer, word_at(statement, 0)),
                          .parent = outer,
                          .stapling = -1,
                          .first_block = reader->dump->block_count,
                          .block = reader->dump->block_count};
    int r;

    if (reader->depth == LIMIT_DUMP_DEPTH) {
        return dump_fail(reader, text, "too many blocks in each other");
    }
    if (scope.context == IN_SERVER) {
        dump_add_block(reader->dump, text, statement->line);
    }
    ++reader->depth;
    r = read_scope(reader, text, &scope);
    --reader->depth;
    if (scope.context == IN_SERVER) {
        end_server(reader, &scope);
    } else if (has_certs(&scope)) {
        end_http(reader, &scope);
    }
    return r;
}

/* Everything up to the brace that ends the block, or the end of the file. */
static int read_scope(struct dump_reader *reader, struct dump_text *text, void *context)
{
    struct scope *scope = context;
    struct statement statement = {.words = BUF_INIT(1024 * 1024)};
    int r = 0;

    while (!r) {
        enum token token = next_statement(text, &statement);
        const char *name = word_at(&statement, 0);

        if (buf_status(&statement.words) == -ENOMEM) {
            reader->dump->out_of_memory = true;
            break;
        }
        if (token == TOKEN_BROKEN) {
            r = dump_fail(reader, text, "a quotation mark that is not closed, or an endless word");
        } else if (token == TOKEN_OPEN && is_lua_block(name)) {
            skip_lua(text);
        } else if (token == TOKEN_OPEN) {
            r = read_block(reader, text, scope, &statement);
        } else if (token != TOKEN_SEMICOLON) {
            break;
        } else if (scope->context != IN_OTHER && text_equal(name, "include")) {
            r = read_include(reader, text, scope, word_at(&statement, 1));
        } else if (has_certs(scope)) {
            read_directive(reader, text, scope, &statement);
        }
    }
    buf_deinit(&statement.words);
    return r;
}

/* `nginx -T`: each file once, below a line with its name. */
struct section {
    const char *path;
    struct slice text;
};
struct sections {
    struct section *list;
    size_t count;
    struct map by_path;
    struct dump *dump;
};

static bool sections_add(struct sections *sections, struct slice path)
{
    struct section *grown = sections->list;

    if (sections->count == LIMIT_DUMP_ENTRIES) {
        return false;
    }
    if (!(sections->count & (sections->count - 1))) {
        grown = realloc(grown, (sections->count ? 2 * sections->count : 1) * sizeof(*grown));
    }
    if (!grown || map_add(&sections->by_path, map_hash(path), (uint32_t)sections->count)) {
        sections->list = grown ? grown : sections->list;
        sections->dump->out_of_memory = true;
        return false;
    }
    sections->list = grown;
    grown[sections->count++] = (struct section){dump_copy(sections->dump, path), SLICE_NULL};
    return true;
}

static void sections_split(struct sections *sections, struct dump_text text)
{
    struct slice line;

    while (dump_next_line(&text, &line)) {
        struct slice name = line;

        if (dump_skip(&name, HEADER) && name.size > 1 && name.data[name.size - 1] == ':') {
            if (!sections_add(sections, slice_of(name.data, name.size - 1))) {
                return;
            }
            sections->list[sections->count - 1].text = slice_of(text.left.data, 0);
        } else if (sections->count) {
            struct section *last = &sections->list[sections->count - 1];

            last->text.size = (size_t)(line.data + line.size - last->text.data);
        }
    }
}

static bool is_section(const struct section *section, const char *pattern, struct slice literal)
{
    struct slice path = slice_of_text(section->path);

    return path.size >= literal.size &&
           (!literal.size || memcmp(path.data, literal.data, literal.size) == 0) &&
           dump_glob_match(pattern, section->path);
}

static const struct section *sections_find(const struct sections *sections, const char *path)
{
    uint64_t hash = map_hash(slice_of_text(path));
    size_t at;

    for (uint32_t v = map_first(&sections->by_path, hash, &at); v != MAP_NONE;
         v = map_more(&sections->by_path, hash, &at)) {
        if (text_equal(sections->list[v].path, path)) {
            return &sections->list[v];
        }
    }
    return NULL;
}

/* Port: the files that @pattern names, out of the dump itself. */
static bool sections_include(void *context, const char *pattern, size_t *cursor,
                             const char **ret_path, struct slice *ret_text)
{
    struct sections *sections = context;
    struct slice literal = slice_of(pattern, strcspn(pattern, "*?[\\"));
    const struct section *found = NULL;

    if (!dump_glob_is_magic(pattern)) {
        found = *cursor == 0 ? sections_find(sections, pattern) : NULL;
        *cursor = 1;
    }
    while (dump_glob_is_magic(pattern) && !found && *cursor < sections->count) {
        const struct section *section = &sections->list[(*cursor)++];

        found = is_section(section, pattern, literal) ? section : NULL;
    }
    if (found) {
        *ret_path = found->path;
        *ret_text = found->text;
    }
    return found != NULL;
}

int dump_read_nginx(struct dump_reader *reader, struct dump_text *text)
{
    struct sections sections = {.dump = reader->dump};
    const struct dump_source own = {&sections, sections_include};
    struct scope scope = {.context = IN_MAIN, .stapling = -1};
    int r;

    sections_split(&sections, *text);
    if (sections.count) {
        text->file = sections.list[0].path;
        text->left = sections.list[0].text;
        reader->source = &own;
        reader->folder = dump_folder(reader->dump, text->file);
        reader->dump->main_file = text->file;
    }
    r = read_scope(reader, text, &scope);
    free(sections.list);
    map_deinit(&sections.by_path);
    return r;
}
