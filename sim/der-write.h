/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writing DER from the inside out: the content is put first, then wrapped. */

#include "base/instant.h"
#include "pki/der.h"
#include "sim/der-key.h"

/* What stands behind @from in @buf becomes the content of an element. */
void derwrite_wrap(struct buf *buf, uint8_t tag, size_t from);

void derwrite_element(struct buf *buf, uint8_t tag, struct slice content);
void derwrite_small(struct buf *buf, uint8_t tag, uint8_t value); /* of one octet */
void derwrite_time(struct buf *buf, int64_t wall_s);              /* GeneralizedTime */
void derwrite_bits(struct buf *buf, struct slice octets);         /* BIT STRING of whole octets */

/* What stands behind @from becomes the first of {signed, algorithm, signature}; to be wrapped. */
void derwrite_signature(struct buf *buf, size_t from, const struct derkey *key);
