/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a subject shows over a stretch of time: looks once a minute at every certificate, and
 * knows the truth about what it sees. Stands between the world and the subject, whatever that is,
 * so that all are measured alike. While the process is down nothing is measured. */

#include "sim/world.h"

enum meter_kind {
    METER_VALID,        /* nothing wrong with it */
    METER_NONE,         /* nothing shown */
    METER_EXPIRED,      /* outside its window */
    METER_ERROR,        /* tryLater and the like */
    METER_FORGED,       /* not signed by who may */
    METER_FOREIGN,      /* about another certificate */
    METER_UNKNOWN,      /* says "unknown" */
    METER_STALE_GOOD,   /* says "good" of a certificate that has been revoked */
    METER_SAYS_REVOKED, /* and it is true */
    METER_KINDS,
};

const char *meter_kind_name(enum meter_kind kind);

struct meter {
    int64_t from_ms; /* true time */
    int64_t until_ms;
    uint64_t counts[METER_KINDS]; /* certificate-minutes */
    uint64_t asks;                /* requests in that time */
};

/* Certificate-minutes in all, and those with something that should not have been shown. */
uint64_t meter_total(const struct meter *meter);
uint64_t meter_bad(const struct meter *meter);

/* Wraps @inner, which it frees in the end. @meter stays the caller's. */
struct subject *meter_new(struct subject *inner, struct meter *meter);
