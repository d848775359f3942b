/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the @size octets at @data are the DER of one whole OCSPResponse with the status
 * `successful` that holds a BasicOCSPResponse (RFC 6960 section 4.2.1): what is truncated, junk, or
 * an error is not. What the answer says is not looked at; clinch has done that. */
bool staple_response_is_whole(const uint8_t *data, size_t size);
