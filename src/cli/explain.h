/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the two forms of `clinch explain`, text and JSON. */

#include <jansson.h>

#include "cli/lookup.h"

struct explain_at {
    const char *path;
    const char *state_dir;
    const struct kept *kept;
    int64_t wall_s;
    bool allow_loopback;
};

/* Why no responder would be asked, or NULL. */
const char *explain_nothing_to_ask(const struct cert_facts *facts, int64_t wall_s);

/* The request to URL @index: true for GET with the whole URL, false for POST with the bare one,
 * into
 * @url (cleared first). *@ret_size: octets of the URL, or of the body. */
bool explain_request(struct buf *url, const struct cert_facts *facts, unsigned index,
                     size_t *ret_size);

/* "same-file" and so on. */
const char *explain_source_name(enum issuer_source source);

/* One certificate as an object. */
json_t *explain_json(const struct found_cert *cert, const struct explain_at *at);
