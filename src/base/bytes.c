/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

size_t text_length(const char *text)
{
    const char *end = memchr(text, 0, TEXT_MAX);

    assert(end);
    return (size_t)(end - text);
}

struct slice slice_of_text(const char *text)
{
    return slice_of(text, text_length(text));
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool text_equal(const char *a, const char *b)
{
    return slice_equal(slice_of_text(a), slice_of_text(b));
}

bool text_starts_with(const char *text, const char *prefix)
{
    size_t size = text_length(prefix);

    return text_length(text) >= size && memcmp(text, prefix, size) == 0;
}

struct slice url_find_user(const char *url)
{
    size_t size = text_length(url), from = 0, at = 0;

    while (from < size && !text_starts_with(url + from, "://")) {
        from++;
    }
    from += 3;
    for (size_t i = from; i < size && url[i] != '/' && url[i] != '?' && url[i] != '#'; i++) {
        at = url[i] == '@' ? i : at;
    }
    return at > from ? slice_of(url + from, at - from) : SLICE_NULL;
}

void buf_deinit(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT(buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->status = 0;
    if (buf->data) {
        buf->data[0] = 0;
    }
}

const char *buf_text(const struct buf *buf)
{
    if (!buf->data) {
        return "";
    }
    buf->data[buf->size] = 0; /* whoever used less than the room reserved has left none */
    return (const char *)buf->data;
}

uint8_t *buf_reserve(struct buf *buf, size_t size)
{
    size_t want;
    uint8_t *data;

    if (buf->status) {
        return NULL;
    }
    if (size > buf->max || buf->size > buf->max - size || size >= SIZE_MAX - buf->size) {
        buf->status = BUF_E_FULL;
        return NULL;
    }
    want = buf->size + size + 1; /* and the NUL */
    if (want > buf->capacity) {
        want = want > buf->capacity * 2 ? want : buf->capacity * 2;
        data = realloc(buf->data, want);
        if (!data) {
            buf->status = -ENOMEM;
            return NULL;
        }
        buf->data = data;
        buf->capacity = want;
    }
    return buf->data + buf->size;
}

void buf_put(struct buf *buf, const void *data, size_t size)
{
    uint8_t *to = buf_reserve(buf, size);

    if (!to) {
        return;
    }
    if (size) {
        memcpy(to, data, size);
    }
    to[size] = 0;
    buf->size += size;
}

void buf_put_slice(struct buf *buf, struct slice slice)
{
    buf_put(buf, slice.data, slice.size);
}

void buf_put_byte(struct buf *buf, uint8_t byte)
{
    buf_put(buf, &byte, 1);
}

void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, text_length(text));
}

void buf_put_int(struct buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) {
        buf_put_byte(buf, '-');
    }
    buf_put(buf, digits + at, sizeof(digits) - at);
}

void buf_put_hex(struct buf *buf, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.size; i++) {
        buf_put_byte(buf, (uint8_t)digits[bytes.data[i] >> 4]);
        buf_put_byte(buf, (uint8_t)digits[bytes.data[i] & 15]);
    }
}

void buf_put_base64(struct buf *buf, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t have = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;

        bits |= have > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        bits |= have > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        for (size_t k = 0; k < 4; k++) {
            buf_put_byte(buf, k <= have ? (uint8_t)digits[bits >> (18 - 6 * k) & 63] : '=');
        }
    }
}

void buf_put_pad(struct buf *buf, size_t until_size, char fill)
{
    while (!buf->status && buf->size < until_size) {
        buf_put_byte(buf, (uint8_t)fill);
    }
}

void buf_put_printable(struct buf *buf, struct slice text, size_t most)
{
    for (size_t i = 0; i < text.size && i < most; i++) {
        uint8_t c = text.data[i];

        buf_put_byte(buf, c >= 0x20 && c < 0x7f ? c : '?');
    }
    if (text.size > most) {
        buf_put_text(buf, "...");
    }
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool buf_put_base64_decoded(struct buf *buf, struct slice base64)
{
    uint32_t bits = 0;
    unsigned have = 0, padding = 0;

    for (size_t i = 0; i < base64.size; i++) {
        uint8_t c = base64.data[i];
        int value = base64_value(c);

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }
        padding += c == '=';
        if ((value < 0 && c != '=') || (value >= 0 && padding)) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(value < 0 ? 0 : value);
        if (++have < 4) {
            continue;
        }
        if (padding > 2) {
            return false;
        }
        buf_put(buf, (uint8_t[]){(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits},
                3 - padding);
        bits = 0;
        have = 0;
    }
    return have == 0;
}

char *text_copy(struct slice slice)
{
    char *copy = malloc(slice.size + 1);

    if (!copy) {
        return NULL;
    }
    if (slice.size) {
        memcpy(copy, slice.data, slice.size);
    }
    copy[slice.size] = 0;
    return copy;
}
