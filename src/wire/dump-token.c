/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dump-token.h"

#include <string.h>

static uint8_t peek(const struct dump_tokens *tokens, size_t at)
{
    return at < tokens->text->left.size ? tokens->text->left.data[at] : 0;
}

static void take(struct dump_tokens *tokens, size_t size)
{
    struct slice left = tokens->text->left;

    for (size_t i = 0; i < size; i++) {
        tokens->text->line += left.data[i] == '\n';
    }
    tokens->text->left = slice_of(left.data + size, left.size - size);
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("_.-/$*@%", c)) || c >= 0x80;
}

/* Behind the end of what @end closes; everything when nothing does. */
static size_t behind(const struct dump_tokens *tokens, size_t from, const char *end)
{
    struct slice left = tokens->text->left;
    const uint8_t *found =
        left.size > from ? memmem(left.data + from, left.size - from, end, strlen(end)) : NULL;

    return found ? (size_t)(found - left.data) + strlen(end) : left.size;
}

/* White space and comments. */
static void skip_blank(struct dump_tokens *tokens)
{
    for (;;) {
        uint8_t c = peek(tokens, 0);

        if (dump_is_blank(c) || c == '\n') {
            take(tokens, 1);
        } else if (tokens->lua && c == '-' && peek(tokens, 1) == '-') {
            bool is_long = peek(tokens, 2) == '[' && peek(tokens, 3) == '[';

            take(tokens, behind(tokens, 2, is_long ? "]]" : "\n"));
        } else if (!tokens->lua && c == '#') {
            take(tokens, behind(tokens, 0, "\n"));
        } else {
            return;
        }
    }
}

static enum dump_token take_string(struct dump_tokens *tokens, uint8_t quote)
{
    take(tokens, 1);
    while (tokens->text->left.size) {
        uint8_t c = peek(tokens, 0);

        if (c == '\\' && tokens->text->left.size > 1) {
            buf_put_byte(&tokens->value, peek(tokens, 1));
            take(tokens, 2);
            continue;
        }
        take(tokens, 1);
        if (c == quote) {
            return DUMP_STRING;
        }
        buf_put_byte(&tokens->value, c);
    }
    return DUMP_END;
}

static enum dump_token take_long_string(struct dump_tokens *tokens)
{
    size_t size = behind(tokens, 2, "]]");

    if (size >= 4) {
        buf_put(&tokens->value, tokens->text->left.data + 2, size - 4);
    }
    take(tokens, size);
    return DUMP_STRING;
}

static enum dump_token take_token(struct dump_tokens *tokens)
{
    uint8_t c = peek(tokens, 0);
    size_t size = 0;

    if (!tokens->text->left.size) {
        return DUMP_END;
    }
    if (c == '"' || c == '\'') {
        return take_string(tokens, c);
    }
    if (tokens->lua && c == '[' && peek(tokens, 1) == '[') {
        return take_long_string(tokens);
    }
    while (is_word(peek(tokens, size)) &&
           !(tokens->lua && peek(tokens, size) == '-' && peek(tokens, size + 1) == '-')) {
        size++;
    }
    buf_put(&tokens->value, tokens->text->left.data, size ? size : 1);
    take(tokens, size ? size : 1);
    return size ? DUMP_WORD : DUMP_SIGN;
}

enum dump_token dump_token_next(struct dump_tokens *tokens)
{
    skip_blank(tokens);
    buf_clear(&tokens->value);
    tokens->line = tokens->text->line;
    tokens->token = take_token(tokens);
    if (buf_status(&tokens->value)) {
        tokens->token = DUMP_END; /* longer than any configuration's */
    }
    return tokens->token;
}

bool dump_token_is(const struct dump_tokens *tokens, char sign)
{
    return tokens->token == DUMP_SIGN && tokens->value.size == 1 &&
           tokens->value.data[0] == (uint8_t)sign;
}

bool dump_token_is_word(const struct dump_tokens *tokens, const char *word)
{
    return tokens->token == DUMP_WORD && dump_is(slice_of_buf(&tokens->value), word);
}
