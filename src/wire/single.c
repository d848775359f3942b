/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/single.h"

#include "base/instant.h"
#include "base/limits.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_OCTET_STRING = 0x04,
    TAG_OID = 0x06,
    TAG_ENUMERATED = 0x0a,
    TAG_GENERALIZED_TIME = 0x18,
    TAG_SEQUENCE = 0x30,
    TAG_CONTEXT_0 = 0xa0,
    TAG_CONTEXT_1 = 0xa1,
    TAG_CONTEXT_2 = 0xa2,
};

/* Takes one element with @tag off @left: its content and, if asked, all of it. */
static bool take(struct slice *left, uint8_t tag, struct slice *ret_content,
                 struct slice *ret_whole)
{
    const uint8_t *data = left->data;
    size_t header = 2;
    size_t size;

    if (left->size < 2 || data[0] != tag) {
        return false;
    }
    size = data[1];
    if (size & 0x80) {
        size_t octets = size & 0x7f;

        if (octets == 0 || octets > 3 || left->size < 2 + octets) {
            return false;
        }
        size = 0;
        for (size_t i = 0; i < octets; ++i) {
            size = size << 8 | data[2 + i];
        }
        header += octets;
    }
    if (size > left->size - header) {
        return false;
    }
    *ret_content = slice_of(data + header, size);
    if (ret_whole) {
        *ret_whole = slice_of(data, header + size);
    }
    *left = slice_of(data + header + size, left->size - header - size);
    return true;
}

/* Any element, for what is only passed over. */
static bool skip(struct slice *left)
{
    struct slice ignored;

    return left->size > 0 && take(left, left->data[0], &ignored, NULL);
}

/* OCSPResponse down to BasicOCSPResponse.tbsResponseData.responses. */
static bool find_singles(struct slice der, struct slice *ret_singles)
{
    struct slice outer;
    struct slice inner;
    struct slice ignored;

    if (!take(&der, TAG_SEQUENCE, &outer, NULL) || !take(&outer, TAG_ENUMERATED, &ignored, NULL) ||
        !take(&outer, TAG_CONTEXT_0, &inner, NULL) || !take(&inner, TAG_SEQUENCE, &outer, NULL) ||
        !take(&outer, TAG_OID, &ignored, NULL) || !take(&outer, TAG_OCTET_STRING, &inner, NULL) ||
        !take(&inner, TAG_SEQUENCE, &outer, NULL) || !take(&outer, TAG_SEQUENCE, &inner, NULL)) {
        return false;
    }
    take(&inner, TAG_CONTEXT_0, &ignored, NULL); /* version */
    if (!take(&inner, TAG_CONTEXT_1, &ignored, NULL) &&
        !take(&inner, TAG_CONTEXT_2, &ignored, NULL)) {
        return false;
    }
    return take(&inner, TAG_GENERALIZED_TIME, &ignored, NULL) &&
           take(&inner, TAG_SEQUENCE, ret_singles, NULL);
}

static int digits(const uint8_t *data, unsigned count)
{
    int value = 0;

    for (unsigned i = 0; i < count; ++i) {
        if (data[i] < '0' || data[i] > '9') {
            return -1;
        }
        value = value * 10 + (data[i] - '0');
    }
    return value;
}

/* "YYYYMMDDHHMMSSZ" (RFC 9919). */
static bool read_time(struct slice text, int64_t *ret_wall_s)
{
    static const uint8_t starts[6] = {0, 4, 6, 8, 10, 12};
    int fields[6];

    if (text.size != 15 || text.data[14] != 'Z') {
        return false;
    }
    for (unsigned i = 0; i < 6; ++i) {
        fields[i] = digits(text.data + starts[i], i == 0 ? 4 : 2);
        if (fields[i] < 0) {
            return false;
        }
    }
    return time_from_civil(fields, ret_wall_s);
}

static bool read_single(struct slice content, struct single *ret_single)
{
    struct single single = {.next_update_s = INSTANT_NEVER};
    struct slice ignored;
    struct slice time;

    if (!take(&content, TAG_SEQUENCE, &ignored, &single.certid)) {
        return false;
    }
    single.revoked = content.size > 0 && content.data[0] == TAG_CONTEXT_1;
    if (!skip(&content) || !take(&content, TAG_GENERALIZED_TIME, &time, NULL) ||
        !read_time(time, &single.this_update_s)) {
        return false;
    }
    if (take(&content, TAG_CONTEXT_0, &time, NULL)) {
        if (!take(&time, TAG_GENERALIZED_TIME, &single.next_update, NULL) ||
            !read_time(single.next_update, &single.next_update_s)) {
            return false;
        }
    }
    *ret_single = single;
    return true;
}

bool single_read(struct slice der, unsigned index, struct single *ret_single)
{
    struct slice singles;
    struct slice content;

    if (index >= LIMIT_SINGLE_RESPONSES || !find_singles(der, &singles)) {
        return false;
    }
    for (unsigned i = 0; i <= index; ++i) {
        if (!take(&singles, TAG_SEQUENCE, &content, NULL)) {
            return false;
        }
    }
    return read_single(content, ret_single);
}

struct slice single_serial(struct slice certid)
{
    struct slice content;
    struct slice serial;

    if (take(&certid, TAG_SEQUENCE, &content, NULL) && skip(&content) && skip(&content) &&
        skip(&content) && take(&content, TAG_INTEGER, &serial, NULL)) {
        return serial;
    }
    return SLICE_NULL;
}
