/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The tokens that hitch.conf, lighttpd.conf and Lua have in common: words, quoted strings, single
 * signs. For the dump-*.c alone. */

#include "wire/dump-private.h"

enum dump_token { DUMP_END, DUMP_WORD, DUMP_STRING, DUMP_SIGN };

struct dump_tokens {
    struct dump_text *text;
    bool lua; /* "--" begins a comment instead of '#', and there are "[[...]]" */
    enum dump_token token;
    unsigned line;    /* where it begins */
    struct buf value; /* the word, the string without quotes, or one sign */
};

/* The next one into tokens->token; DUMP_END also where a string has no end. */
enum dump_token dump_token_next(struct dump_tokens *tokens);
bool dump_token_is(const struct dump_tokens *tokens, char sign);
bool dump_token_is_word(const struct dump_tokens *tokens, const char *word);
