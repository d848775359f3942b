/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/config-value.h"

#include <string.h>

#include "base/bytes.h"

#define DURATION_MAX_MS ((int64_t)3653 * 86400 * 1000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool value_read_duration(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    int64_t number = 0;

    if (!is_digit(*text)) {
        return false;
    }
    for (; is_digit(*text); text++) {
        number = number * 10 + (*text - '0');
        if (number > DURATION_MAX_MS) {
            return false;
        }
    }
    text += *text == ' ';
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (text_equal(text, units[i].name) && number <= DURATION_MAX_MS / units[i].ms) {
            *ret_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

bool value_read_mode(const char *text, unsigned *ret_mode)
{
    unsigned mode = 0;

    if (text_length(text) != 4 || text[0] != '0') {
        return false;
    }
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '7') {
            return false;
        }
        mode = mode * 8 + (unsigned)(*at - '0');
    }
    *ret_mode = mode;
    return true;
}

bool value_is_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    unsigned port = 0;

    if (!colon || colon == text || !is_digit(colon[1]) || text_length(colon) > 6) {
        return false;
    }
    for (const char *at = colon + 1; *at; at++) {
        if (!is_digit(*at)) {
            return false;
        }
        port = port * 10 + (unsigned)(*at - '0');
    }
    if (text[0] == '[') {
        return colon[-1] == ']' && colon - text > 2 && port >= 1 && port <= 65535;
    }
    return strchr(text, ':') == colon && !strpbrk(text, "/ []") && port >= 1 && port <= 65535;
}

const char *value_text_fault(const char *text, bool newlines)
{
    if (!*text) {
        return "is empty";
    }
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;

        if ((c < 0x20 && !(newlines && (c == '\n' || c == '\t'))) || c == 0x7f) {
            return "holds a control character";
        }
    }
    return NULL;
}

const char *value_path_fault(const char *text)
{
    const char *fault = value_text_fault(text, false);

    if (fault) {
        return fault;
    }
    if (text[0] != '/') {
        return "must be an absolute path, one that begins with /";
    }
    return text_length(text) < 4096 ? NULL : "is longer than the 4,095 octets a path may have";
}

enum { WORD_MAX = 31 };

/* Optimal string alignment: how many single letters to add, drop, change or swap. */
static unsigned word_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    unsigned rows[3][WORD_MAX + 1] = {{0}};
    unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;

    for (size_t k = 0; k <= b_size; k++) {
        last[k] = (unsigned)k;
    }
    for (size_t i = 1; i <= a_size; i++) {
        now[0] = (unsigned)i;
        for (size_t k = 1; k <= b_size; k++) {
            unsigned best = last[k - 1] + (a[i - 1] != b[k - 1]);

            best = last[k] + 1 < best ? last[k] + 1 : best;
            best = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                before[k - 2] + 1 < best) {
                best = before[k - 2] + 1;
            }
            now[k] = best;
        }
        spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_size];
}

const char *value_nearest(const char *word, const char *const *words, size_t count)
{
    size_t size = text_length(word);
    const char *nearest = NULL;
    unsigned least = 4;

    if (size > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t other = text_length(words[i]);
        unsigned distance;

        if (other > WORD_MAX) {
            continue;
        }
        distance = word_distance(word, size, words[i], other);
        /* A third of the letters may be wrong, and never all of a short word. */
        if (distance < least && distance * 3 <= (size > other ? size : other)) {
            least = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
