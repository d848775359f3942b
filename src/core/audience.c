/* SPDX-License-Identifier: Apache-2.0 */

/* The words of an audience. */

#include "base/cleanup.h"
#include "core/clients.h"

static const struct {
    const char *name;
    uint32_t clients;
} sets[] = {
    {"all", AUDIENCE_ALL},
    {"browsers", AUDIENCE_BROWSERS},
    {"rfc6960", AUDIENCE_RFC6960},
};

static bool find_word(struct slice word, uint32_t *audience)
{
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (slice_equal(word, slice_of_text(sets[i].name))) {
            *audience |= sets[i].clients;
            return true;
        }
    }
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        if (slice_equal(word, slice_of_text(clients[i].name))) {
            *audience |= CLIENT_BIT(i);
            return true;
        }
    }
    return false;
}

/* The next word behind *@at; empty at the end. */
static struct slice next_word(const char **at)
{
    struct slice word;

    while (**at == ',' || **at == ' ' || **at == '\t' || **at == '\n') {
        ++*at;
    }
    word = slice_of(*at, 0);
    while (**at && **at != ',' && **at != ' ' && **at != '\t' && **at != '\n') {
        ++*at;
        word.size++;
    }
    return word;
}

static void put_known(struct buf *fault)
{
    buf_put_text(fault, "; known are");
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        buf_put_byte(fault, ' ');
        buf_put_text(fault, sets[i].name);
    }
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        buf_put_byte(fault, ' ');
        buf_put_text(fault, clients[i].name);
    }
}

int audience_parse(const char *text, uint32_t *ret_audience, struct buf *fault)
{
    uint32_t audience = 0;
    struct slice word = next_word(&text);

    if (!word.size) {
        buf_put_text(fault, "names nobody");
        put_known(fault);
        return AUDIENCE_E_UNKNOWN;
    }
    for (; word.size; word = next_word(&text)) {
        if (!find_word(word, &audience)) {
            buf_put_text(fault, "names an unknown client, ");
            buf_put_printable(fault, word, 60);
            put_known(fault);
            return AUDIENCE_E_UNKNOWN;
        }
    }
    *ret_audience = audience;
    return 0;
}

void audience_put(struct buf *buf, uint32_t audience)
{
    const char *between = "";

    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (audience == sets[i].clients) {
            buf_put_text(buf, sets[i].name);
            return;
        }
    }
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        if (audience & CLIENT_BIT(i)) {
            buf_put_text(buf, between);
            buf_put_text(buf, clients[i].name);
            between = ", ";
        }
    }
}
