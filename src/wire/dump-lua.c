/* SPDX-License-Identifier: Apache-2.0 */

/* dnsdist.conf, which is Lua: the calls that open TLS, as far as their arguments are strings,
 * certificates made of strings, tables of these, or variables that are one of these once and for
 * all.
 *
 *     addTLSLocal("ADDRESS", {"CHAIN", ...}, {"KEY", ...}, { ocspResponses={"STAPLE", ...} })
 *     addTLSLocal("ADDRESS", newTLSCertificate("CHAIN", { key="KEY" }), ...) */

#include <string.h>

#include "base/limits.h"
#include "wire/dump-token.h"

#define LIST_MAX      16
#define VARIABLES_MAX 64

/* What an argument or a variable is: the strings in it. */
struct list {
    const char *items[LIST_MAX];
    unsigned count;
    bool unknown; /* more than that: which is whose cannot be told */
    bool called;  /* they went through a function that is not known */
};

struct variable {
    const char *name;
    struct list list;
};

struct lua {
    struct dump_reader *reader;
    struct dump_tokens *tokens;
    struct variable variables[VARIABLES_MAX];
    size_t count;
};

static struct variable *find_variable(struct lua *lua, struct slice name)
{
    for (size_t i = 0; i < lua->count; i++) {
        if (dump_is(name, lua->variables[i].name)) {
            return &lua->variables[i];
        }
    }
    return NULL;
}

static bool is_close(const struct dump_tokens *tokens)
{
    return dump_token_is(tokens, ')') || dump_token_is(tokens, '}');
}

static bool is_open(const struct dump_tokens *tokens)
{
    return dump_token_is(tokens, '(') || dump_token_is(tokens, '{');
}

static bool is_separator(const struct dump_tokens *tokens)
{
    return dump_token_is(tokens, ',') || dump_token_is(tokens, ';');
}

/* Up to the comma or closing sign behind an expression that is not followed. */
static void skip_expression(struct dump_tokens *tokens)
{
    unsigned depth = 0;

    while (tokens->token != DUMP_END && (depth || (!is_close(tokens) && !is_separator(tokens)))) {
        depth += is_open(tokens);
        depth -= is_close(tokens);
        dump_token_next(tokens);
    }
}

static void add_item(struct lua *lua, struct list *list)
{
    if (list->count < LIST_MAX) {
        list->items[list->count++] =
            dump_copy(lua->reader->dump, slice_of_buf(&lua->tokens->value));
    }
}

static void read_value(struct lua *lua, struct list *list);

/* A whole argument, or entry of a table: nothing may stand behind it. */
static void read_argument(struct lua *lua, struct list *list)
{
    struct dump_tokens *tokens = lua->tokens;

    read_value(lua, list);
    if (tokens->token != DUMP_END && !is_close(tokens) && !is_separator(tokens)) {
        list->unknown = true;
        skip_expression(tokens);
    }
}

/* Values up to what closes them, from behind what opens; @all, or the first one alone. */
static void read_values(struct lua *lua, struct list *list, bool all)
{
    struct dump_tokens *tokens = lua->tokens;
    bool wanted = true;

    while (tokens->token != DUMP_END && !is_close(tokens)) {
        if (wanted) {
            read_argument(lua, list);
        } else {
            skip_expression(tokens);
        }
        if (is_separator(tokens)) {
            dump_token_next(tokens);
        }
        wanted = all;
    }
    dump_token_next(tokens);
}

/* nil, a variable, or a call: newTLSCertificate("CHAIN", { key="KEY" }), clinch's own staples() and
 * clinchStaples(), which give what they are given; others may do anything. */
static void read_word(struct lua *lua, struct list *list)
{
    struct dump_tokens *tokens = lua->tokens;
    struct slice word = slice_of_buf(&tokens->value);
    const struct variable *variable = find_variable(lua, word);
    bool certificate = dump_is(word, "newTLSCertificate");
    bool known = certificate || dump_is(word, "staples") || dump_is(word, "clinchStaples");
    bool nothing = dump_is(word, "nil");

    dump_token_next(tokens);
    if (dump_token_is(tokens, '(')) {
        list->called |= !known;
        dump_token_next(tokens);
        read_values(lua, list, !certificate);
        return;
    }
    list->unknown |= variable ? variable->list.unknown : !nothing;
    list->called |= variable && variable->list.called;
    for (unsigned i = 0; variable && i < variable->list.count && list->count < LIST_MAX; i++) {
        list->items[list->count++] = variable->list.items[i];
    }
}

/* Adds one to @list, and leaves the token behind it. */
static void read_value(struct lua *lua, struct list *list)
{
    struct dump_tokens *tokens = lua->tokens;

    if (tokens->token == DUMP_STRING) {
        add_item(lua, list);
        dump_token_next(tokens);
    } else if (lua->reader->depth == LIMIT_DUMP_DEPTH ||
               !(tokens->token == DUMP_WORD || dump_token_is(tokens, '{'))) {
        list->unknown = true;
    } else {
        ++lua->reader->depth;
        if (tokens->token == DUMP_WORD) {
            read_word(lua, list);
        } else {
            dump_token_next(tokens);
            read_values(lua, list, true);
        }
        --lua->reader->depth;
    }
}

/* An argument that may be the options. */
static void read_options(struct lua *lua, struct list *staples)
{
    struct dump_tokens *tokens = lua->tokens;
    unsigned depth = 0;

    while (tokens->token != DUMP_END && (depth || (!is_close(tokens) && !is_separator(tokens)))) {
        bool here = dump_token_is_word(tokens, "ocspResponses");

        depth += is_open(tokens);
        depth -= is_close(tokens);
        dump_token_next(tokens);
        if (here && dump_token_is(tokens, '=')) {
            dump_token_next(tokens);
            read_argument(lua, staples);
        }
    }
}

static void add_block(struct lua *lua, unsigned line, const struct list lists[3])
{
    struct dump_reader *reader = lua->reader;
    const struct list *certs = &lists[1], *staples = &lists[2];
    struct dump_block *block = dump_add_block(reader->dump, lua->tokens->text, line);
    bool unknown = certs->unknown || certs->called;
    struct dump_cert *cert;

    if (!block) {
        return;
    }
    block->site = lists[0].count ? lists[0].items[0] : "";
    for (unsigned i = 0; !unknown && i < certs->count; i++) {
        const char *path = dump_path(reader->dump, reader->folder, slice_of_text(certs->items[i]));

        cert = dump_add_cert(reader->dump, lua->tokens->text, path, line);
        if (cert && i < staples->count && !staples->unknown) {
            cert->staple =
                dump_path(reader->dump, reader->folder, slice_of_text(staples->items[i]));
        }
    }
    if (unknown) {
        cert = dump_add_cert(reader->dump, lua->tokens->text, "", line);
        if (cert) {
            cert->flags = DUMP_VARIABLE;
        }
    }
}

/* From behind the parenthesis that opens its arguments. */
static void read_listener(struct lua *lua, unsigned line)
{
    struct dump_tokens *tokens = lua->tokens;
    struct list lists[3] = {{.count = 0}}; /* address, certificates, staples */

    for (unsigned argument = 0; tokens->token != DUMP_END && !is_close(tokens); argument++) {
        if (argument < 2) {
            read_argument(lua, &lists[argument]);
        } else {
            read_options(lua, &lists[2]);
        }
        if (is_separator(tokens)) {
            dump_token_next(tokens);
        }
    }
    add_block(lua, line, lists);
}

/* Behind "NAME =". What is assigned twice, or by other means than a value, is not known. */
static void read_assignment(struct lua *lua, const char *name, bool is_first)
{
    struct dump_tokens *tokens = lua->tokens;
    struct variable *variable = find_variable(lua, slice_of_text(name));
    struct list list = {.unknown = variable || !is_first};

    read_value(lua, &list);
    if (tokens->token == DUMP_SIGN && !dump_token_is(tokens, ';')) {
        list.unknown = true;
    } else if (tokens->token == DUMP_WORD) {
        struct slice next = slice_of_buf(&tokens->value);

        list.unknown |= dump_skip(&next, "..") || dump_is(next, "or") || dump_is(next, "and");
    }
    if (!variable && lua->count < VARIABLES_MAX) {
        variable = &lua->variables[lua->count++];
        variable->name = name;
    }
    if (variable) {
        variable->list = list;
    }
}

/* A word that opens no TLS. */
static void read_other(struct lua *lua, bool is_first)
{
    struct dump_tokens *tokens = lua->tokens;
    struct variable *variable = find_variable(lua, slice_of_buf(&tokens->value));
    const char *name = dump_copy(lua->reader->dump, slice_of_buf(&tokens->value));

    dump_token_next(tokens);
    if (!dump_token_is(tokens, '=')) {
        if (variable) { /* it may get another value: certs[2] = "x", table.insert(certs, "x") */
            variable->list.unknown = true;
        }
        return;
    }
    dump_token_next(tokens);
    if (!dump_token_is(tokens, '=')) {
        read_assignment(lua, name, is_first);
    }
}

static bool opens_tls(const struct dump_tokens *tokens)
{
    static const char *const names[] = {"addTLSLocal", "addDOHLocal", "addDOH3Local",
                                        "addDOQLocal"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (dump_token_is_word(tokens, names[i])) {
            return true;
        }
    }
    return false;
}

int dump_read_dnsdist(struct dump_reader *reader, struct dump_text *text)
{
    struct dump_tokens tokens = {.text = text, .lua = true, .value = BUF_INIT(LIMIT_DUMP_WORD)};
    struct lua lua = {.reader = reader, .tokens = &tokens};
    bool behind_comma = false; /* "a, b = ...": which value is whose is not followed */

    dump_token_next(&tokens);
    while (tokens.token != DUMP_END) {
        unsigned line = tokens.line;

        if (opens_tls(&tokens)) {
            dump_token_next(&tokens);
            if (dump_token_is(&tokens, '(')) {
                dump_token_next(&tokens);
                read_listener(&lua, line);
            }
        } else if (tokens.token == DUMP_WORD) {
            read_other(&lua, !behind_comma);
        } else {
            behind_comma = dump_token_is(&tokens, ',');
            dump_token_next(&tokens);
            continue;
        }
        behind_comma = false;
    }
    buf_deinit(&tokens.value);
    return 0;
}
