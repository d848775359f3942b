/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the host needs done: the seam between deciding and doing. The daemon wires these to io/ and
 * publish/, the simulator to its world. None of them may call back into the host from inside the
 * call; results come later as host_*() calls. */

#include "core/note.h"
#include "core/staple.h"

/* One HTTP request. Borrowed for the call. */
struct fetch_order {
    uint64_t id;                   /* the result and a cancel name it */
    const struct cert_facts *cert; /* whom it is for; NULL: nobody */
    const char *url;               /* complete, also for GET */
    struct slice body;             /* POST body; empty: GET */
    const char *etag;              /* If-None-Match: with this; NULL: without */
    bool no_cache;                 /* Cache-Control and Pragma: no-cache */
    bool issuer; /* caIssuers: any body up to LIMIT_ISSUER_SIZE; else application/ocsp-* */
};

/* What came of it. Borrowed for the call of host_fetch_done(). */
struct fetch_result {
    uint64_t id;
    enum fetch_outcome outcome;
    int http_status;    /* 0 when none came */
    struct slice body;  /* also of an error status, as far as it came */
    const char *detail; /* for people: "Could not resolve host: x"; may be NULL */
    const char *etag;   /* of the body, with quotes; NULL: none, or over LIMIT_ETAG_SIZE */
    struct http_hints hints;
};

enum { STORE_E_NONE = 1 }; /* store_read, store_read_issuer: nothing there */

struct ports {
    void *shell;
    void (*fetch)(void *shell, const struct fetch_order *order);
    void (*cancel)(void *shell, uint64_t id);
    /* 0, STORE_E_NONE or <0 (told by the store itself). Puts into bufs of @ret_record; with
     * STORE_E_NONE its next_try_s is set all the same where there was a row. */
    int (*store_read)(void *shell, const uint8_t leaf_sha256[SHA256_SIZE],
                      struct store_record *ret_record);
    int (*store_read_issuer)(void *shell, const char *url, struct buf *ret_der);
    /* All or nothing, durable when it returns 0; <0: kept by the host and tried again. */
    int (*store_commit)(void *shell, const struct store_change *changes, size_t count);
    void (*publish)(void *shell, struct place place, const struct staple *staple);
    /* @quiet: the server need not be told at once (the file at this place is another certificate
     * by now); otherwise the server must stop showing it. @cert may be NULL: whatever is there. */
    void (*withdraw)(void *shell, struct place place, const struct cert_facts *cert, bool quiet);
    /* What an earlier run left published at @place, for a store that was lost. 0 or
     * STORE_E_NONE. */
    int (*recall)(void *shell, struct place place, const struct cert_facts *cert,
                  struct buf *ret_der);
    void (*note)(void *shell, const struct note *note);
};
