/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: answers made by hand, with the form of the real ones and nonsense for a signature. */

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/instant.h"

static inline void test_put_tlv(struct buf *out, uint8_t tag, const struct buf *content)
{
    buf_put_byte(out, tag);
    if (content->size < 128) {
        buf_put_byte(out, (uint8_t)content->size);
    } else {
        buf_put_byte(out, 0x82);
        buf_put_byte(out, (uint8_t)(content->size >> 8));
        buf_put_byte(out, (uint8_t)content->size);
    }
    buf_put(out, content->data, content->size);
}

/* Wraps what @buf has into an element with @tag. */
static inline void test_wrap(struct buf *buf, uint8_t tag)
{
    struct buf whole = BUF_INIT(buf->max);

    test_put_tlv(&whole, tag, buf);
    buf_deinit(buf);
    *buf = whole;
}

static inline void test_put_time(struct buf *out, int64_t wall_s)
{
    struct buf iso = BUF_INIT(64);
    struct buf text = BUF_INIT(64);

    buf_put_time(&iso, wall_s, 'T');
    assert(iso.size == 20);
    for (size_t i = 0; i < iso.size; ++i) {
        if (!memchr("-T:", iso.data[i], 3)) {
            buf_put_byte(&text, iso.data[i]);
        }
    }
    test_put_tlv(out, 0x18, &text);
    buf_deinit(&iso);
    buf_deinit(&text);
}

static inline void test_put_certid(struct buf *out, uint8_t serial)
{
    static const uint8_t sha1[] = {0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                   0x03, 0x02, 0x1a, 0x05, 0x00};
    uint8_t hash[22] = {0x04, 20, 7};
    uint8_t number[3] = {0x02, 1, serial};
    struct buf content = BUF_INIT(256);

    buf_put(&content, sha1, sizeof(sha1));
    buf_put(&content, hash, sizeof(hash));
    buf_put(&content, hash, sizeof(hash));
    buf_put(&content, number, sizeof(number));
    test_put_tlv(out, 0x30, &content);
    buf_deinit(&content);
}

static inline void test_put_single(struct buf *out, uint8_t serial, int64_t from_s, int64_t until_s)
{
    static const uint8_t good[] = {0x80, 0x00};
    struct buf content = BUF_INIT(1024);
    struct buf next = BUF_INIT(64);

    test_put_certid(&content, serial);
    buf_put(&content, good, sizeof(good));
    test_put_time(&content, from_s);
    if (until_s != INSTANT_NEVER) {
        test_put_time(&next, until_s);
        test_put_tlv(&content, 0xa0, &next);
    }
    test_put_tlv(out, 0x30, &content);
    buf_deinit(&content);
    buf_deinit(&next);
}

/* An answer around @singles; @padding octets of signature make it longer. */
static inline void test_put_answer(struct buf *out, const struct buf *singles, size_t padding)
{
    static const uint8_t oid[] = {0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    static const uint8_t rsa[] = {0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0};
    uint8_t key[24] = {0xa2, 22, 4, 20, 9};
    struct buf body = BUF_INIT(65536);
    struct buf whole = BUF_INIT(65536);
    struct buf bits = BUF_INIT(65536);
    struct buf answer = BUF_INIT(65536);

    buf_put(&body, key, sizeof(key));
    test_put_time(&body, 1795000000);
    test_put_tlv(&body, 0x30, singles);
    test_wrap(&body, 0x30);
    buf_put(&body, rsa, sizeof(rsa));
    buf_put_byte(&bits, 0);
    buf_put_pad(&bits, padding + 1, 'x');
    test_put_tlv(&body, 0x03, &bits);
    test_wrap(&body, 0x30);
    test_wrap(&body, 0x04);
    buf_put(&whole, oid, sizeof(oid));
    buf_put(&whole, body.data, body.size);
    test_wrap(&whole, 0x30);
    test_wrap(&whole, 0xa0);
    buf_put(&answer, "\x0a\x01\x00", 3);
    buf_put(&answer, whole.data, whole.size);
    test_put_tlv(out, 0x30, &answer);
    buf_deinit(&body);
    buf_deinit(&whole);
    buf_deinit(&bits);
    buf_deinit(&answer);
}

/* One answer about the certificate with this serial number. */
static inline void test_put_staple(struct buf *out, uint8_t serial, int64_t from_s, int64_t until_s)
{
    struct buf singles = BUF_INIT(1024);

    test_put_single(&singles, serial, from_s, until_s);
    test_put_answer(out, &singles, 64);
    buf_deinit(&singles);
}
