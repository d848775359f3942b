/* SPDX-License-Identifier: Apache-2.0 */

/* dnsdist.conf, which is Lua: the calls that open TLS, as far as their arguments are strings and
 * tables of strings.
 *
 *     addTLSLocal("ADDRESS", {"CHAIN", ...}, {"KEY", ...}, { ocspResponses={"STAPLE", ...} })
 */

#include <string.h>

#include "base/limits.h"
#include "wire/dump-token.h"

#define LIST_MAX 16

struct call {
    unsigned line;
    unsigned argument; /* the number of the one that is being read, from 1 */
    unsigned depth;    /* of parentheses and braces that are open */
    unsigned staples;  /* the depth at which ocspResponses began; 0: not in it */
    const char *address;
    const char *paths[LIST_MAX];
    const char *list[LIST_MAX]; /* staples */
    unsigned path_count;
    unsigned staple_count;
    bool unknown; /* a certificate is not one string: which is whose staple cannot be told */
};

static void call_end(struct dump_reader *reader, const struct dump_text *text,
                     const struct call *call)
{
    struct dump_block *block = dump_add_block(reader->dump, text, call->line);
    struct dump_cert *cert;

    if (!block) {
        return;
    }
    block->site = call->address;
    for (unsigned i = 0; !call->unknown && i < call->path_count; i++) {
        cert = dump_add_cert(reader->dump, text, call->paths[i], call->line);
        if (cert) {
            cert->staple = i < call->staple_count ? call->list[i] : NULL;
        }
    }
    if (call->unknown) {
        cert = dump_add_cert(reader->dump, text, "", call->line);
        if (cert) {
            cert->flags = DUMP_VARIABLE;
        }
    }
}

/* A string or word inside a call. */
static void call_value(struct dump_reader *reader, const struct dump_tokens *tokens,
                       struct call *call)
{
    struct slice value = slice_of_buf(&tokens->value);

    if (tokens->token == DUMP_WORD) {
        if (dump_is(value, "ocspResponses")) {
            call->staples = call->depth;
        } else if (call->argument == 2 && call->depth <= 2 &&
                   !dump_is(value, "newTLSCertificate")) {
            call->unknown = true;
        }
        return;
    }
    if (call->argument == 1) {
        call->address = dump_copy(reader->dump, value);
    } else if (call->staples && call->staple_count < LIST_MAX) {
        call->list[call->staple_count++] = dump_path(reader->dump, reader->folder, value);
    } else if (call->argument == 2 && call->depth <= 2 && call->path_count < LIST_MAX) {
        call->paths[call->path_count++] = dump_path(reader->dump, reader->folder, value);
    }
}

static void call_sign(const struct dump_tokens *tokens, struct call *call)
{
    uint8_t sign = tokens->value.data[0];

    if (sign == '(' || sign == '{') {
        call->depth++;
    } else if ((sign == ')' || sign == '}') && call->depth) {
        call->depth--;
        if (call->depth <= call->staples) {
            call->staples = 0;
        }
    } else if (sign == ',' && call->depth == 1) {
        call->argument++;
    }
}

/* From behind its name to its closing parenthesis. */
static void call_read(struct dump_reader *reader, struct dump_tokens *tokens, unsigned line)
{
    struct call call = {.line = line, .argument = 1, .address = ""};

    dump_token_next(tokens);
    if (!dump_token_is(tokens, '(')) {
        return;
    }
    call.depth = 1;
    while (call.depth && dump_token_next(tokens) != DUMP_END) {
        if (tokens->token == DUMP_SIGN) {
            call_sign(tokens, &call);
        } else {
            call_value(reader, tokens, &call);
        }
    }
    call_end(reader, tokens->text, &call);
}

int dump_read_dnsdist(struct dump_reader *reader, struct dump_text *text)
{
    struct dump_tokens tokens = {.text = text, .lua = true, .value = BUF_INIT(LIMIT_DUMP_WORD)};

    while (dump_token_next(&tokens) != DUMP_END) {
        if (dump_token_is_word(&tokens, "addTLSLocal") ||
            dump_token_is_word(&tokens, "addDOHLocal") ||
            dump_token_is_word(&tokens, "addDOH3Local") ||
            dump_token_is_word(&tokens, "addDOQLocal")) {
            call_read(reader, &tokens, tokens.line);
        }
    }
    buf_deinit(&tokens.value);
    return 0;
}
