/* SPDX-License-Identifier: Apache-2.0 */

/* hitch and lighttpd: "name = value" with braces around some of it. */

#include <string.h>

#include "base/limits.h"
#include "wire/dump-token.h"

#define VARIABLES_MAX 64
#define VARIABLE      "var."
#define MIME          "create-mime" /* Debian's own, which has nothing to do with certificates */

/* hitch: pem-file = "FILE", or pem-file = { cert = "FILE" ocsp-resp-file = "FILE" }, by itself or
 * in a frontend = { host = "ADDRESS" ... }. */
struct hitch {
    const char *site;
    const char *cert; /* of the pem-file whose braces are open; NULL: none */
    const char *staple;
    unsigned line;
    unsigned pem_depth; /* of its braces; 0: none is open */
};

static void hitch_add(struct dump_reader *reader, const struct dump_tokens *tokens,
                      const struct hitch *hitch)
{
    struct dump_block *block = dump_add_block(reader->dump, tokens->text, hitch->line);
    struct dump_cert *cert;

    if (block) {
        block->site = hitch->site;
        /* Hitch takes a relative path as it is, and so does the name of its staple. */
        cert = dump_add_cert(reader->dump, tokens->text, hitch->cert, hitch->line);
        if (cert) {
            cert->staple = hitch->staple;
            cert->flags = hitch->cert[0] == '/' ? 0 : DUMP_VARIABLE;
        }
    }
}

static void hitch_set(struct dump_reader *reader, const struct dump_tokens *tokens,
                      struct hitch *hitch, const char *name)
{
    struct dump *dump = reader->dump;
    struct slice value = slice_of_buf(&tokens->value);

    if (text_equal(name, "pem-file") || (hitch->pem_depth && text_equal(name, "cert"))) {
        hitch->cert = dump_copy(dump, value);
        hitch->line = tokens->line;
        if (!hitch->pem_depth) {
            hitch->staple = NULL;
            hitch_add(reader, tokens, hitch);
        }
    } else if (hitch->pem_depth && text_equal(name, "ocsp-resp-file")) {
        hitch->staple = dump_copy(dump, value);
    } else if (text_equal(name, "ocsp-dir")) {
        dump_set_value(dump, tokens->text, DUMP_OCSP_DIR, value);
    } else if (text_equal(name, "pidfile")) {
        dump_set_value(dump, tokens->text, DUMP_PID_FILE, value);
    } else if (text_equal(name, "user")) {
        dump_set_value(dump, tokens->text, DUMP_USER, value);
    } else if (text_equal(name, "host") || text_equal(name, "frontend")) {
        hitch->site = dump_copy(dump, value);
    } else if (text_equal(name, "pem-dir")) {
        dump_note(dump, tokens->text, "pem-dir takes all files in ", dump_copy(dump, value),
                  ": name the certificates to clinch");
    }
}

int dump_read_hitch(struct dump_reader *reader, struct dump_text *text)
{
    struct dump_tokens tokens = {.text = text, .value = BUF_INIT(LIMIT_DUMP_WORD)};
    struct hitch hitch = {.site = ""};
    const char *name = ""; /* the last word, and whether '=' follows it */
    bool assigned = false;
    unsigned depth = 0;

    while (dump_token_next(&tokens) != DUMP_END) {
        if (dump_token_is(&tokens, '=')) {
            assigned = true;
            continue;
        }
        if (dump_token_is(&tokens, '{')) {
            depth++;
            if (assigned && text_equal(name, "pem-file") && !hitch.pem_depth) {
                hitch.pem_depth = depth;
                hitch.cert = hitch.staple = NULL;
            }
        } else if (dump_token_is(&tokens, '}') && depth) {
            if (hitch.pem_depth == depth) {
                hitch.pem_depth = 0;
                if (hitch.cert) {
                    hitch_add(reader, &tokens, &hitch);
                }
            }
            depth--;
        } else if (assigned) {
            hitch_set(reader, &tokens, &hitch, name);
        } else if (tokens.token == DUMP_WORD) {
            name = dump_copy(reader->dump, slice_of_buf(&tokens.value));
        }
        assigned = false;
    }
    buf_deinit(&tokens.value);
    return 0;
}

/* lighttpd: NAME = VALUE [+ VALUE]..., CONDITION { ... }, include VALUE. */
struct lighttpd {
    struct {
        const char *name;
        const char *value;
    } variables[VARIABLES_MAX];
    size_t variable_count;
};

/* One pair of braces, or the whole file. */
struct place {
    struct lighttpd *lighttpd;
    const char *site;
    unsigned line;         /* of the setting that is being read */
    struct dump_cert cert; /* path NULL: none is named */
};

/* "var.tls" may be written "tls". */
static const char *lighttpd_find(const struct lighttpd *lighttpd, struct slice name)
{
    dump_skip(&name, VARIABLE);
    for (size_t i = 0; i < lighttpd->variable_count; i++) {
        if (dump_is(name, lighttpd->variables[i].name)) {
            return lighttpd->variables[i].value;
        }
    }
    return NULL;
}

/* "a" + var.b + "c", behind the '=' or `include`. Leaves the token behind it; NULL: a value that is
 * not known, or none of text. */
static const char *lighttpd_value(struct dump_reader *reader, const struct lighttpd *lighttpd,
                                  struct dump_tokens *tokens)
{
    struct buf value = BUF_INIT(LIMIT_DUMP_WORD);
    const char *copy = NULL;
    bool known = true;

    for (;;) {
        if (dump_token_next(tokens) == DUMP_STRING) {
            buf_put_slice(&value, slice_of_buf(&tokens->value));
        } else if (tokens->token == DUMP_WORD) {
            const char *variable = lighttpd_find(lighttpd, slice_of_buf(&tokens->value));

            known &= variable != NULL;
            buf_put_text(&value, variable ? variable : "");
        } else {
            known = false;
            break;
        }
        dump_token_next(tokens);
        if (!dump_token_is(tokens, '+')) {
            break;
        }
    }
    if (known && !buf_status(&value)) {
        copy = dump_copy(reader->dump, slice_of_buf(&value));
    }
    buf_deinit(&value);
    return copy;
}

static void lighttpd_end(struct dump_reader *reader, const struct dump_text *text,
                         const struct place *place)
{
    struct dump_block *block;
    struct dump_cert *cert;

    if (!place->cert.path) {
        return;
    }
    block = dump_add_block(reader->dump, text, place->cert.line);
    if (block) {
        block->site = place->site;
        cert = dump_add_cert(reader->dump, text, place->cert.path, place->cert.line);
        if (cert) {
            *cert = place->cert;
        }
    }
}

static void lighttpd_set(struct dump_reader *reader, const struct dump_tokens *tokens,
                         struct place *place, const char *name, const char *value)
{
    struct lighttpd *lighttpd = place->lighttpd;
    struct dump *dump = reader->dump;
    struct slice text = slice_of_text(value ? value : "");

    if (text_equal(name, "ssl.pemfile")) {
        place->cert.path = value ? dump_path(dump, reader->folder, text) : "";
        place->cert.flags = value ? 0 : DUMP_VARIABLE;
        place->cert.file = tokens->text->file;
        place->cert.line = place->line;
    } else if (text_equal(name, "ssl.stapling-file")) {
        place->cert.staple = dump_path(dump, reader->folder, text);
    } else if (text_equal(name, "server.pid-file") && value) {
        dump_set_value(dump, tokens->text, DUMP_PID_FILE, text);
    } else if (text_equal(name, "server.username") && value) {
        dump_set_value(dump, tokens->text, DUMP_USER, text);
    } else if (value && lighttpd->variable_count < VARIABLES_MAX) {
        lighttpd->variables[lighttpd->variable_count].name =
            text_starts_with(name, VARIABLE) ? name + sizeof(VARIABLE) - 1 : name;
        lighttpd->variables[lighttpd->variable_count++].value = value;
    }
}

static int lighttpd_read(struct dump_reader *reader, struct dump_text *text, void *context);

/* $HTTP["host"] == "shop.test" {, from behind the '$HTTP' on; up to its closing brace. */
static int lighttpd_condition(struct dump_reader *reader, struct dump_tokens *tokens,
                              const struct place *outer)
{
    struct place inner = {.lighttpd = outer->lighttpd, .site = ""};
    int r;

    while (dump_token_next(tokens) != DUMP_END && !dump_token_is(tokens, '{')) {
        if (tokens->token == DUMP_STRING) {
            inner.site = dump_copy(reader->dump, slice_of_buf(&tokens->value));
        }
    }
    if (reader->depth == LIMIT_DUMP_DEPTH) {
        return dump_fail(reader, tokens->text, "too many conditions in each other");
    }
    ++reader->depth;
    r = lighttpd_read(reader, tokens->text, &inner);
    --reader->depth;
    lighttpd_end(reader, tokens->text, &inner);
    return r;
}

static int lighttpd_statement(struct dump_reader *reader, struct dump_tokens *tokens,
                              struct place *place)
{
    const char *name = dump_copy(reader->dump, slice_of_buf(&tokens->value));
    const char *value;

    place->line = tokens->line;
    if (name[0] == '$' || text_equal(name, "else")) {
        int r = text_equal(name, "else") ? 0 : lighttpd_condition(reader, tokens, place);

        dump_token_next(tokens);
        return r;
    }
    if (text_equal(name, "include")) {
        value = lighttpd_value(reader, place->lighttpd, tokens);
        return value ? dump_include(reader, tokens->text,
                                    dump_path(reader->dump, reader->folder, slice_of_text(value)),
                                    lighttpd_read, place)
                     : 0;
    }
    if (text_equal(name, "include_shell")) {
        value = lighttpd_value(reader, place->lighttpd, tokens);
        if (!value || !strstr(value, MIME)) {
            dump_note(reader->dump, tokens->text, "includes what ", value ? value : "a command",
                      " prints, which clinch does not run");
        }
        return 0;
    }
    dump_token_next(tokens);
    if (!dump_token_is(tokens, '=')) {
        return 0; /* "+=" and the like, and what begins the next statement */
    }
    value = lighttpd_value(reader, place->lighttpd, tokens);
    lighttpd_set(reader, tokens, place, name, value);
    return 0;
}

/* Up to the closing brace, or the end of the file. */
static int lighttpd_read(struct dump_reader *reader, struct dump_text *text, void *context)
{
    struct dump_tokens tokens = {.text = text, .value = BUF_INIT(LIMIT_DUMP_WORD)};
    struct place *place = context;
    int r = 0;

    dump_token_next(&tokens);
    while (!r && tokens.token != DUMP_END && !dump_token_is(&tokens, '}')) {
        if (tokens.token == DUMP_WORD) {
            r = lighttpd_statement(reader, &tokens, place);
        } else if (dump_token_is(&tokens, '{')) { /* of an `else` */
            struct place inner = {.lighttpd = place->lighttpd, .site = ""};

            r = reader->depth == LIMIT_DUMP_DEPTH
                    ? dump_fail(reader, text, "too many braces in each other")
                    : 0;
            ++reader->depth;
            r = r ? r : lighttpd_read(reader, text, &inner);
            --reader->depth;
            lighttpd_end(reader, text, &inner);
            dump_token_next(&tokens);
        } else {
            dump_token_next(&tokens);
        }
    }
    buf_deinit(&tokens.value);
    return r;
}

int dump_read_lighttpd(struct dump_reader *reader, struct dump_text *text)
{
    struct lighttpd lighttpd = {.variable_count = 0};
    struct place place = {.lighttpd = &lighttpd, .site = ""};
    int r = lighttpd_read(reader, text, &place);

    lighttpd_end(reader, text, &place);
    return r;
}
