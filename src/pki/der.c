/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/der.h"

#include <assert.h>

#include "base/instant.h"
#include "base/limits.h"

struct der der_open(struct slice input)
{
    return (struct der){input.data, input.size ? input.data + input.size : input.data, false, 0};
}

bool der_fail(struct der *der)
{
    der->failed = true;
    return false;
}

bool der_end(const struct der *der)
{
    return !der->failed && der->at == der->end;
}

bool der_more(const struct der *der)
{
    return !der->failed && der->at != der->end;
}

uint8_t der_peek(const struct der *der)
{
    return der_more(der) ? *der->at : 0;
}

/* The length octets at @header[1...]: "the length shall be encoded in the minimum number of
 * octets" (X.690 10.1), and definite. */
static bool read_length(struct slice header, size_t *ret_header_size, size_t *ret_content_size)
{
    size_t octets, size = 0;

    if (header.size < 2) {
        return false;
    }
    if (header.data[1] < 0x80) {
        *ret_header_size = 2;
        *ret_content_size = header.data[1];
        return true;
    }
    octets = header.data[1] & 0x7f;
    if (octets == 0 || octets > 4 || header.size < 2 + octets) {
        return false;
    }
    for (size_t i = 0; i < octets; i++) {
        size = size << 8 | header.data[2 + i];
    }
    if (size < 0x80 || header.data[2] == 0) {
        return false;
    }
    *ret_header_size = 2 + octets;
    *ret_content_size = size;
    return true;
}

bool der_read_any(struct der *der, uint8_t *ret_tag, struct slice *ret_content,
                  struct slice *ret_whole)
{
    struct slice left;
    size_t header_size, content_size;

    if (!der_more(der)) {
        return der_fail(der);
    }
    left = slice_of(der->at, (size_t)(der->end - der->at));
    if ((left.data[0] & 0x1f) == 0x1f || !read_length(left, &header_size, &content_size) ||
        content_size > left.size - header_size) {
        return der_fail(der);
    }
    *ret_tag = left.data[0];
    *ret_content = slice_of(left.data + header_size, content_size);
    *ret_whole = slice_of(left.data, header_size + content_size);
    der->at += header_size + content_size;
    return true;
}

bool der_read(struct der *der, uint8_t tag, struct slice *ret_content)
{
    struct slice whole;
    uint8_t found;

    if (der_peek(der) != tag) {
        return der_fail(der);
    }
    return der_read_any(der, &found, ret_content, &whole);
}

bool der_read_optional(struct der *der, uint8_t tag, struct slice *ret_content)
{
    return der_peek(der) == tag && der_read(der, tag, ret_content);
}

struct der der_enter(struct der *der, uint8_t tag)
{
    struct slice content;
    struct der inside;

    if (der->depth >= LIMIT_DER_DEPTH || !der_read(der, tag, &content)) {
        der_fail(der);
        return (struct der){NULL, NULL, true, der->depth};
    }
    inside = der_open(content);
    inside.depth = (uint8_t)(der->depth + 1);
    return inside;
}

bool der_read_bool(struct der *der, bool *ret_value)
{
    struct slice content;

    if (!der_read(der, DER_BOOLEAN, &content)) {
        return false;
    }
    /* X.690 11.1: TRUE is ff. */
    if (content.size != 1 || (content.data[0] != 0 && content.data[0] != 0xff)) {
        return der_fail(der);
    }
    *ret_value = content.data[0] != 0;
    return true;
}

static bool integer_is_minimal(struct slice content)
{
    if (content.size < 2) {
        return content.size == 1;
    }
    return !(content.data[0] == 0 && content.data[1] < 0x80) &&
           !(content.data[0] == 0xff && content.data[1] >= 0x80);
}

bool der_read_integer(struct der *der, struct slice *ret_content)
{
    struct slice content;

    if (!der_read(der, DER_INTEGER, &content)) {
        return false;
    }
    if (!integer_is_minimal(content)) {
        return der_fail(der);
    }
    *ret_content = content;
    return true;
}

bool der_read_small(struct der *der, uint8_t tag, uint32_t *ret_value)
{
    struct slice content;
    uint32_t value = 0;

    if (!der_read(der, tag, &content)) {
        return false;
    }
    if (!integer_is_minimal(content) || content.size > 4 || content.data[0] >= 0x80) {
        return der_fail(der);
    }
    for (size_t i = 0; i < content.size; i++) {
        value = value << 8 | content.data[i];
    }
    *ret_value = value;
    return true;
}

bool der_read_bits(struct der *der, struct slice *ret_octets)
{
    struct slice content;

    if (!der_read(der, DER_BIT_STRING, &content)) {
        return false;
    }
    if (content.size == 0 || content.data[0] != 0) {
        return der_fail(der);
    }
    *ret_octets = slice_of(content.data + 1, content.size - 1);
    return true;
}

bool der_read_oid(struct der *der, struct slice *ret_oid)
{
    struct slice content;
    bool first = true; /* of the octets of one arc */

    if (!der_read(der, DER_OID, &content)) {
        return false;
    }
    for (size_t i = 0; i < content.size; i++) {
        if (first && content.data[i] == 0x80) {
            return der_fail(der);
        }
        first = content.data[i] < 0x80;
    }
    if (content.size == 0 || !first) {
        return der_fail(der);
    }
    *ret_oid = content;
    return true;
}

bool der_is_long_oid(struct slice oid)
{
    size_t octets = 0;

    for (size_t i = 0; i < oid.size; i++) {
        if (++octets > 9) { /* of seven bits each */
            return true;
        }
        octets = oid.data[i] < 0x80 ? 0 : octets;
    }
    return false;
}

/* @fields from @count two-digit groups of @text, which must be all digits and one 'Z'. */
static bool read_digits(struct slice text, size_t count, int fields[])
{
    if (text.size != 2 * count + 1 || text.data[text.size - 1] != 'Z') {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t tens = text.data[2 * i], ones = text.data[2 * i + 1];

        if (tens < '0' || tens > '9' || ones < '0' || ones > '9') {
            return false;
        }
        fields[i] = (tens - '0') * 10 + ones - '0';
    }
    return true;
}

/* RFC 5280 4.1.2.5.2: "GeneralizedTime values MUST NOT include fractional seconds." Of
 * answers RFC 6960 4.2.2.1: "The format for GeneralizedTime is as specified in Section 4.1.2.5.2 of
 * [RFC5280]." RFC 5019 2.2.4: "MUST include seconds (i.e., times are YYYYMMDDHHMMSSZ), even where
 * the number of seconds is zero" */
static bool generalized_time(struct slice text, int min_year, int64_t *ret_wall_s)
{
    int groups[7], fields[6];

    if (!read_digits(text, 7, groups)) {
        return false;
    }
    fields[0] = groups[0] * 100 + groups[1];
    for (size_t i = 1; i < 6; i++) {
        fields[i] = groups[i + 1];
    }
    return fields[0] >= min_year && time_from_civil(fields, ret_wall_s);
}

bool der_read_generalized_time(struct der *der, int64_t *ret_wall_s)
{
    struct slice content;

    if (!der_read(der, DER_GENERALIZED_TIME, &content)) {
        return false;
    }
    return generalized_time(content, 1970, ret_wall_s) || der_fail(der);
}

/* RFC 5280 4.1.2.5: "Conforming applications MUST be able to process validity dates that are
 * encoded in either UTCTime or GeneralizedTime." */
bool der_read_time(struct der *der, int64_t *ret_wall_s)
{
    struct slice content;
    int fields[6];

    if (der_peek(der) != DER_UTC_TIME) {
        return (der_read(der, DER_GENERALIZED_TIME, &content) &&
                generalized_time(content, 1, ret_wall_s)) ||
               der_fail(der);
    }
    if (!der_read(der, DER_UTC_TIME, &content) || !read_digits(content, 6, fields)) {
        return der_fail(der);
    }
    /* RFC 5280 4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be interpreted
     * as 19YY". */
    fields[0] += fields[0] >= 50 ? 1900 : 2000;
    return time_from_civil(fields, ret_wall_s) || der_fail(der);
}

static size_t length_octets(size_t size)
{
    size_t octets = 0;

    while (size) {
        size >>= 8;
        octets++;
    }
    return octets;
}

size_t der_element_size(size_t content_size)
{
    return 2 + (content_size < 0x80 ? 0 : length_octets(content_size)) + content_size;
}

void der_put_header(struct buf *buf, uint8_t tag, size_t content_size)
{
    size_t octets = length_octets(content_size);

    assert(tag != 0);
    buf_put_byte(buf, tag);
    if (content_size < 0x80) {
        buf_put_byte(buf, (uint8_t)content_size);
        return;
    }
    buf_put_byte(buf, (uint8_t)(0x80 | octets));
    while (octets--) {
        buf_put_byte(buf, (uint8_t)(content_size >> (8 * octets)));
    }
}
