/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes and text.
 *
 * struct slice borrows, struct buf owns. A buf has a cap and a sticky failure: the buf_put_*()
 * functions return nothing, the first failure (no memory, cap reached) stays, later puts do
 * nothing, and buf_status() tells at the end. A buf always has a NUL behind its last byte, so
 * that buf_text() may be printed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct slice {
    const uint8_t *data;
    size_t size;
};

struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max;
    int status;
};

enum { BUF_E_FULL = 1 };

#define SLICE_NULL     ((struct slice){NULL, 0})
#define BUF_INIT(max_) ((struct buf){NULL, 0, 0, (max_), 0})

/* Text behind which somebody else put a NUL, as a slice without it. At most TEXT_MAX octets. */
#define TEXT_MAX (16 * 1024 * 1024)
size_t text_length(const char *text);
bool text_equal(const char *a, const char *b);
bool text_starts_with(const char *text, const char *prefix);

/* The user and password that @url names before its host, which are nobody's business; empty: there
 * are none. Borrowed. */
struct slice url_find_user(const char *url);
struct slice slice_of_text(const char *text);

bool slice_equal(struct slice a, struct slice b);
static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){data, size};
}
static inline struct slice slice_of_buf(const struct buf *buf)
{
    return (struct slice){buf->data, buf->size};
}

/* Frees what @buf owns and leaves it empty and usable again. */
void buf_deinit(struct buf *buf);

/* Forgets the content and the failure, keeps the memory. */
void buf_clear(struct buf *buf);

/* 0, BUF_E_FULL or -ENOMEM: the first failure of all puts so far. */
static inline int buf_status(const struct buf *buf)
{
    return buf->status;
}

/* The content with a NUL behind it; "" when nothing was put or memory ran out. */
const char *buf_text(const struct buf *buf);

/* Makes room for @size more octets and returns where they go (not counted into buf->size until
 * the caller adds them), or NULL after a failure. */
uint8_t *buf_reserve(struct buf *buf, size_t size);

void buf_put(struct buf *buf, const void *data, size_t size);
void buf_put_slice(struct buf *buf, struct slice slice);
void buf_put_byte(struct buf *buf, uint8_t byte);
void buf_put_text(struct buf *buf, const char *text);
void buf_put_int(struct buf *buf, int64_t value);
void buf_put_hex(struct buf *buf, struct slice bytes);    /* lower case, no separators */
void buf_put_base64(struct buf *buf, struct slice bytes); /* RFC 4648 section 4, with padding */
void buf_put_pad(struct buf *buf, size_t until_size, char fill);

/* Copies @text for people and logs: octets outside printable ASCII become '?', and it ends after
 * @most octets. For whatever came out of a certificate, an answer or a file name. */
void buf_put_printable(struct buf *buf, struct slice text, size_t most);

/* Decodes RFC 4648 base64; white space is skipped. False when it is not base64. */
bool buf_put_base64_decoded(struct buf *buf, struct slice base64);

/* A copy with a NUL behind it, to be freed; NULL without memory. */
char *text_copy(struct slice slice);
