/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A strict DER reader (X.690 section 10): definite, minimal lengths, single-octet tags, no
 * trailing bytes, bounded depth. Zero-copy: what it gives are slices of what it was given.
 *
 * A reader has a sticky failure: after the first fault every call returns false or empty slices,
 * and der_end() tells. Nesting: der_enter() gives a reader of its own for the inside; the caller
 * ends it with der_end(). */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
#define DER_CONTEXT(n_)             (0x80 | (n_)) /* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONSTRUCTED(n_) (0xa0 | (n_)) /* [n], constructed */

struct der {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
    uint8_t depth;
};

struct der der_open(struct slice input);

/* True when nothing is left and nothing failed. */
bool der_end(const struct der *der);

/* True while there is more to read and nothing failed. */
bool der_more(const struct der *der);

/* The tag of the next element, 0 when there is none. */
uint8_t der_peek(const struct der *der);

/* Reads an element with exactly @tag. *@ret_content is its content octets. False, and failed,
 * when it is not there. */
bool der_read(struct der *der, uint8_t tag, struct slice *ret_content);

/* As der_read(), and false without failing when the next element has another tag or none is. */
bool der_read_optional(struct der *der, uint8_t tag, struct slice *ret_content);

/* Any element: its tag, its content and the whole of it with header. */
bool der_read_any(struct der *der, uint8_t *ret_tag, struct slice *ret_content,
                  struct slice *ret_whole);

/* A reader for the inside of a constructed element with @tag; failed when it is not there. */
struct der der_enter(struct der *der, uint8_t tag);

/* Values, each false and failed when the content is not exact DER for it. */
bool der_read_bool(struct der *der, bool *ret_value);
bool der_read_integer(struct der *der, struct slice *ret_content); /* minimal two's complement */
bool der_read_small(struct der *der, uint8_t tag, uint32_t *ret_value); /* 0..2^31-1 */
bool der_read_bits(struct der *der, struct slice *ret_octets);          /* no unused bits */
bool der_read_oid(struct der *der, struct slice *ret_oid);
bool der_is_long_oid(struct slice oid); /* it has an arc of more than 63 bits, as a UUID is */
/* "YYYYMMDDHHMMSSZ" exactly, from 1970 on (RFC 9919; RFC 5280 4.1.2.5.2). */
bool der_read_generalized_time(struct der *der, int64_t *ret_wall_s);
/* UTCTime "YYMMDDHHMMSSZ" or GeneralizedTime, as Validity has them (RFC 5280 4.1.2.5); any year
 * from 1. */
bool der_read_time(struct der *der, int64_t *ret_wall_s);

/* Marks a fault that only the caller can see. Returns false. */
bool der_fail(struct der *der);

/* Writing. Octets of an element whose content has @content_size, and its header alone. */
size_t der_element_size(size_t content_size);
void der_put_header(struct buf *buf, uint8_t tag, size_t content_size);
