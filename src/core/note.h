/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Everything clinch has to say, as data: what happened, to which certificate, why, what is being
 * served meanwhile, when the next try comes. note_format() makes the sentence. */

#include "core/facts.h"

enum note_level { NOTE_DEBUG, NOTE_INFO, NOTE_WARNING, NOTE_ERROR };

enum note_kind {
    NOTE_ACCEPTED,     /* a fresh answer is good */
    NOTE_UNCHANGED,    /* the responder sent what we have */
    NOTE_HELD_BACK,    /* good but too fresh; waits in the pending slot until until_s */
    NOTE_REFUSED,      /* an answer came and was judged unfit: reason */
    NOTE_FETCH_FAILED, /* no answer came: outcome, http_status, detail */
    NOTE_RESTORED,     /* taken from the store after a restart */
    NOTE_STORED_UNFIT, /* what the store had is not good (any more): reason */
    NOTE_ENDED,        /* the staple's window is over, nothing newer */
    NOTE_REVOKED,      /* since_s: revocationTime */
    NOTE_REVOCATION_UNDONE,
    NOTE_GOOD_AFTER_REVOKED, /* good, but not believed yet */
    NOTE_ISSUER_MISSING,
    NOTE_CERT_EXPIRED,
    NOTE_BLOCKED,        /* not asked: its responder is down; waits in line. until_s */
    NOTE_GRACE,          /* must-staple: shown beyond its end, until until_s; clients fail */
    NOTE_RESPONDER_DOWN, /* cert NULL; url, count: failures in a row, waiting, until_s: probe */
    NOTE_RESPONDER_UP,   /* cert NULL; url, since_s: down since, waiting */
    NOTE_CLOCK_JUMPED,   /* cert NULL; off_s: the machine's clock moved by; not believed yet */
    NOTE_CLOCK_BELIEVED, /* cert NULL; off_s: it moved by, and is right now as far as can be seen */
    NOTE_CLOCK_WRONG,    /* cert NULL; url, off_s: ahead of what an answer or its Date says */
    NOTE_CLOCK_RIGHT,    /* cert NULL; answers agree with it again */
    NOTE_PLAIN,          /* detail is the whole sentence (files, store, publishers) */
};

struct note {
    enum note_kind kind;
    enum note_level level;
    const struct cert_facts *cert; /* NULL for NOTE_PLAIN */
    const char *path;              /* where the certificate lies; may be NULL */
    const char *url;               /* asked; may be NULL */
    enum reason reason;
    enum fetch_outcome outcome;
    int http_status;
    uint8_t response_status; /* with REASON_ERROR_STATUS */
    const char *detail;      /* may be NULL */
    int64_t wall_s;          /* now */
    int64_t served_until_s;  /* of what is being served meanwhile; 0: nothing is */
    int64_t next_try_s;      /* wall; INSTANT_NEVER: none */
    bool next_is_now;        /* another URL or method is tried at once */
    bool timeless;           /* not what is served and when the next try comes: that is soon over */
    int64_t off_s;
    int64_t since_s;
    int64_t until_s;
    unsigned count;
    unsigned waiting;
    uint32_t clients; /* a bit per enum client */
};

/* "rsa.example (/etc/ssl/rsa.pem, serial 1a2b)", into @buf. */
void note_put_cert(struct buf *buf, const struct cert_facts *cert, const char *path);

/* The news alone, for where the certificate stands beside: "http://ocsp.example: ...". */
void note_format_news(struct buf *buf, const struct note *note);

/* One line without newline: the certificate, then the news. */
void note_format(struct buf *buf, const struct note *note);
