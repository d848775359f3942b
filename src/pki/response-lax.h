/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is forbidden (enum laxity) and read by some clients. */

#include "base/bytes.h"

/* @input made strict, also inside OCTET STRINGs that hold DER, into @der (cleared first): every
 * length minimal, times of whole seconds, BIT STRINGs of whole octets. False when it is not
 * readable even so; @ret_laxities: enum laxity in bits, what was mended. */
bool response_relax(struct slice input, struct buf *der, uint8_t *ret_laxities);
