/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of `clinch probe`: what a server shows, judged and compared, and the two forms
 * of telling. */

#include <jansson.h>

#include "cli/lookup.h"
#include "io/tls-probe.h"

enum probe_staple {
    PROBE_NONE,
    PROBE_ANSWER,    /* octets that may be an answer */
    PROBE_EMPTY,     /* a certificate status without any */
    PROBE_BROKEN,    /* a message that is no certificate status */
    PROBE_TOO_LARGE, /* for clients of OpenSSL with TLS 1.2, of which this is one */
};

/* The staple, against what the store holds for its certificate. */
enum probe_match {
    PROBE_NO_MATCH, /* one of the two is not there */
    PROBE_SAME,     /* octet by octet */
    PROBE_RECEIVED, /* the same answer, as the responder sent it: not by way of clinch */
    PROBE_NEWER,
    PROBE_OLDER,
    PROBE_OTHER,
};

/* A certificate with its staple, as some of the handshakes show it. */
struct probe_shown {
    unsigned ways;                 /* a bit per enum tls_way */
    const struct tls_sight *sight; /* the first of them */
    enum probe_staple staple;
    bool again;              /* the certificate was shown before, with another staple */
    struct found_file file;  /* owns the certificate */
    struct found_cert *cert; /* NULL: it cannot be read */
    struct buf fault;        /* then why, a clause */
    bool expected;           /* there should be a staple */
    bool judged;
    struct verification verification;
    struct kept kept;
    enum probe_match match;
    bool bad; /* no staple where one is expected, or none that may be stapled */
};

struct probe_report {
    const char *host;
    unsigned port;
    const char *servername; /* NULL: none was sent */
    enum starttls_protocol starttls;
    const char *state_dir;
    int64_t wall_s;
    const struct tls_probe_result *result;
    struct probe_shown shown[TLS_WAYS];
    unsigned count;
};

/* Judges and compares all that report->result has. 0 or -ENOMEM. */
int probe_look(struct probe_report *report, struct lookup *lookup);
void probe_report_deinit(struct probe_report *report);

/* True when nothing at all was seen; then why, and what to do, as a clause into @clause. */
bool probe_fault(const struct probe_report *report, struct buf *clause);

/* Which of report->shown handshake @way shows; NULL: none. */
const struct probe_shown *probe_shown_by(const struct probe_report *report, enum tls_way way);

/* The report, in lines of which only those with names or URLs may be wider than 80 columns. */
void probe_put_text(struct buf *out, const struct probe_report *report);

/* The same as one object; NULL without memory. */
json_t *probe_json(const struct probe_report *report);
