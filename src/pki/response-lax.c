/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/response-lax.h"

#include "base/limits.h"
#include "core/facts.h"
#include "pki/der.h"

/* Takes one element off @input. Definite lengths of up to four octets, minimal or not. */
static bool take_element(struct slice *input, uint8_t *laxities, uint8_t *ret_tag,
                         struct slice *ret_content)
{
    size_t octets, size = 0, header = 2;

    if (input->size < 2 || (input->data[0] & 0x1f) == 0x1f) {
        return false;
    }
    octets = input->data[1] < 0x80 ? 0 : input->data[1] & 0x7f;
    if ((input->data[1] >= 0x80 && octets == 0) || octets > 4 || input->size < 2 + octets) {
        return false;
    }
    size = octets ? 0 : input->data[1];
    for (size_t i = 0; i < octets; i++) {
        size = size << 8 | input->data[2 + i];
    }
    header += octets;
    if (octets && (size < 0x80 || input->data[2] == 0)) {
        *laxities |= LAX_LENGTH;
    }
    if (size > input->size - header) {
        return false;
    }
    *ret_tag = input->data[0];
    *ret_content = slice_of(input->data + header, size);
    *input = slice_of(input->data + header + size, input->size - header - size);
    return true;
}

static bool put_elements(struct buf *out, struct slice input, unsigned depth, uint8_t *laxities);

/* "YYYYMMDDHHMMZ" and "YYYYMMDDHHMMSS.fZ" as "YYYYMMDDHHMMSSZ". */
static void put_time(struct buf *out, struct slice content, uint8_t *laxities)
{
    bool utc = content.size && content.data[content.size - 1] == 'Z';

    if (utc && content.size == 13) {
        *laxities |= LAX_NO_SECONDS;
        der_put_header(out, DER_GENERALIZED_TIME, 15);
        buf_put(out, content.data, 12);
        buf_put_text(out, "00Z");
    } else if (utc && content.size > 16 && content.data[14] == '.') {
        *laxities |= LAX_FRACTION;
        der_put_header(out, DER_GENERALIZED_TIME, 15);
        buf_put(out, content.data, 14);
        buf_put_byte(out, 'Z');
    } else {
        der_put_header(out, DER_GENERALIZED_TIME, content.size);
        buf_put_slice(out, content);
    }
}

static void put_bits(struct buf *out, struct slice content, uint8_t *laxities)
{
    der_put_header(out, DER_BIT_STRING, content.size);
    if (content.size > 1 && content.data[0] > 0 && content.data[0] < 8) {
        *laxities |= LAX_UNUSED_BITS;
        buf_put_byte(out, 0);
        content = slice_of(content.data + 1, content.size - 1);
    }
    buf_put_slice(out, content);
}

static bool put_element(struct buf *out, uint8_t tag, struct slice content, unsigned depth,
                        uint8_t *laxities)
{
    bool constructed = (tag & 0x20) != 0;
    struct buf inside = BUF_INIT(LIMIT_ANSWER_SIZE);
    bool nested = false;

    if (depth < LIMIT_DER_DEPTH &&
        (constructed || (tag == DER_OCTET_STRING && content.size && content.data[0] == 0x30))) {
        nested = put_elements(&inside, content, depth + 1, laxities);
    }
    if (nested) {
        content = slice_of_buf(&inside);
    }
    if (tag == DER_GENERALIZED_TIME) {
        put_time(out, content, laxities);
    } else if (tag == DER_BIT_STRING) {
        put_bits(out, content, laxities);
    } else {
        der_put_header(out, tag, content.size);
        buf_put_slice(out, content);
    }
    buf_deinit(&inside);
    return nested || !constructed;
}

static bool put_elements(struct buf *out, struct slice input, unsigned depth, uint8_t *laxities)
{
    while (input.size) {
        struct slice content;
        uint8_t tag;

        if (!take_element(&input, laxities, &tag, &content) || tag == 0 ||
            !put_element(out, tag, content, depth, laxities)) {
            return false;
        }
    }
    return buf_status(out) == 0;
}

bool response_relax(struct slice input, struct buf *der, uint8_t *ret_laxities)
{
    buf_clear(der);
    *ret_laxities = 0;
    return put_elements(der, input, 0, ret_laxities);
}
