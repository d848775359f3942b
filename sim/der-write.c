/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-write.h"

#include <string.h>

#include "sim/must.h"

void derwrite_wrap(struct buf *buf, uint8_t tag, size_t from)
{
    uint8_t octets[8] = {0};
    struct buf header = {octets, 0, sizeof(octets), sizeof(octets) - 1, 0}; /* never grows */
    size_t size = buf->size - from;

    der_put_header(&header, tag, size);
    must(!buf_status(&header) && buf_reserve(buf, header.size));
    memmove(buf->data + from + header.size, buf->data + from, size);
    memcpy(buf->data + from, octets, header.size);
    buf->size += header.size;
    buf->data[buf->size] = 0;
}

void derwrite_element(struct buf *buf, uint8_t tag, struct slice content)
{
    der_put_header(buf, tag, content.size);
    buf_put_slice(buf, content);
}

void derwrite_small(struct buf *buf, uint8_t tag, uint8_t value)
{
    derwrite_element(buf, tag, slice_of(&value, 1));
}

/* "YYYYMMDDHHMMSSZ" out of "YYYY-MM-DDTHH:MM:SSZ". */
void derwrite_time(struct buf *buf, int64_t wall_s)
{
    struct buf text = BUF_INIT(64);
    size_t from = buf->size;

    buf_put_time(&text, wall_s, 'T');
    must(text.size == 20);
    for (size_t i = 0; i < text.size; i++) {
        if (!memchr("-:T", text.data[i], 3)) {
            buf_put_byte(buf, text.data[i]);
        }
    }
    derwrite_wrap(buf, DER_GENERALIZED_TIME, from);
    buf_deinit(&text);
}

void derwrite_bits(struct buf *buf, struct slice octets)
{
    der_put_header(buf, DER_BIT_STRING, octets.size + 1);
    buf_put_byte(buf, 0);
    buf_put_slice(buf, octets);
}

void derwrite_signature(struct buf *buf, size_t from, const struct derkey *key)
{
    struct buf signature = BUF_INIT(128);

    derkey_put_signature(&signature, key, slice_of(buf->data + from, buf->size - from));
    derkey_put_algorithm(buf);
    derwrite_bits(buf, slice_of_buf(&signature));
    buf_deinit(&signature);
}
