/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What rows say about the outcome of a pass. */

#include "core/staple.h"

struct tally {
    unsigned certs;
    unsigned could; /* can have a staple */
    unsigned held;  /* have one */
    unsigned must_staple_bare;
};

static inline bool row_is_held(const struct cert_row *row)
{
    return row->state == CERT_STATE_HELD || row->state == CERT_STATE_FAILING;
}

static inline bool row_could(const struct cert_row *row)
{
    return row_is_held(row) || row->state == CERT_STATE_MISSING ||
           row->state == CERT_STATE_NO_ISSUER || row->state == CERT_STATE_REVOKED;
}

/* A must-staple certificate that clients will refuse as it stands. */
static inline bool row_must_staple_bare(const struct cert_row *row)
{
    return row->must_staple && !row_is_held(row) &&
           (row_could(row) || row->state == CERT_STATE_NO_URL);
}

static inline void tally_add(struct tally *tally, const struct cert_row *row)
{
    tally->certs++;
    tally->could += row_could(row);
    tally->held += row_is_held(row);
    tally->must_staple_bare += row_must_staple_bare(row);
}
