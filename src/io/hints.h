/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the header fields of an HTTP answer say beside its body (RFC 9110, RFC 9111): text in,
 * numbers out, without clock and connection.
 *
 * Each field is what its line said, without blanks around; NULL when there was no such line, or
 * more than one. A value that is none (junk, negative, too large to count) is as if not said:
 * these are hints, and a responder's proxies write what they like. */

#include "core/facts.h"

#define HINT_RETRY_MAX_S (24 * 60 * 60) /* believed of a Retry-After */

struct hint_fields {
    const char *date;
    const char *age;
    const char *expires;
    const char *retry_after;
    const char *cache_control; /* all its lines, joined by commas */
};

/* @wall_s: our clock, which stands in for a Date that is missing. Dates may say UTC for GMT. */
void hints_read(const struct hint_fields *fields, int64_t wall_s, struct http_hints *ret_hints);

/* True for an entity-tag, weak or strong, of at most LIMIT_ETAG_SIZE octets that may be sent back
 * as it is. */
bool hints_is_etag(const char *text);
