/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What was exercised. A simulator proves nothing about a fault that never occurred: over a
 * standard run every row of this table must have been seen. */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum cover_group {
    COVER_FAULT, /* enum fault, met by a request */
    COVER_ACT,   /* enum world_act */
    COVER_STATE, /* enum cert_state, shown by the engine */
    COVER_NOTE,  /* enum note_kind */
    COVER_EVENT, /* enum cover_event: all the rest */
    COVER_GROUPS,
};

enum cover_event {
    SEEN_POST,
    SEEN_NO_CACHE,
    SEEN_NOT_MODIFIED,
    SEEN_SECOND_URL,
    SEEN_CANCEL,
    SEEN_LATE_REPLY,      /* arrived after its attempt was given up */
    SEEN_SHARED_CERTID,   /* one answer for two leaves */
    SEEN_HELD_BACK_SHOWN, /* a pending answer took over */
    SEEN_CIRCUIT_OPEN,
    SEEN_LINE, /* certificates surely wait when a responder comes back */
    SEEN_RETRY_AFTER,
    SEEN_WRITE_FAILED,
    SEEN_DEAD_IN_COMMIT,
    SEEN_DEAD_IN_PUBLISH,
    SEEN_RESTORED,       /* shown again at once after a start */
    SEEN_TOMBSTONE_KEPT, /* a revocation remembered over a start */
    SEEN_GRACE,
    SEEN_BARE, /* nothing to show, and nothing to be had */
    SEEN_CLOCK_FORWARD,
    SEEN_CLOCK_BACK,
    SEEN_EVENTS,
};

#define COVER_ROWS 48

struct cover {
    uint64_t counts[COVER_GROUPS][COVER_ROWS];
};

/* All rows with their names and counts, one line each. */
void cover_put(const struct cover *cover, struct buf *buf);

/* Names of the rows that a standard run must have seen and @cover has not; false: none is
 * missing. */
bool cover_misses(const struct cover *cover, struct buf *buf);
