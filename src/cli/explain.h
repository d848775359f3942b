/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of `clinch explain`: asking responders, and the two forms of telling. */

#include <jansson.h>

#include "cli/lookup.h"

/* One request, and what came of it. */
struct explain_attempt {
    bool issuer;         /* to a caIssuers URL, not to a responder */
    bool post;           /* else GET */
    bool no_cache;       /* once more, past the caches */
    struct buf url;      /* as asked: that of a GET has the request in it */
    size_t request_size; /* octets of the URL, or of the body */
    int64_t took_ms;
    int http_status;   /* 0: none came */
    size_t size;       /* octets of the body that came */
    struct buf detail; /* why it is no answer, a clause; empty: it is one */
    bool judged;       /* an OCSP answer or error, or meant to be one */
    enum reason reason;
    uint8_t response_status; /* with REASON_ERROR_STATUS */
};

enum { EXPLAIN_ATTEMPTS_MAX = LIMIT_URLS + 3 * LIMIT_URLS }; /* issuers; GET twice and POST */

/* All requests for one certificate. */
struct explain_live {
    struct explain_attempt attempts[EXPLAIN_ATTEMPTS_MAX];
    unsigned count;
    struct buf received;              /* the answer that counts; empty: none came */
    struct verification verification; /* of it */
    bool older;                       /* than the one kept, which therefore stays */
};

/* What is told of one certificate. */
struct explain_report {
    const char *path;
    const char *state_dir;
    struct found_cert *cert;
    int64_t wall_s;
    bool allow_loopback;
    bool offline;
    struct kept kept;
    struct buf last; /* its last trouble, by the store */
    struct explain_live live;
};

/* Why no responder would be asked, or NULL. */
const char *explain_nothing_to_ask(const struct cert_facts *facts, int64_t wall_s);

/* The request to URL @index: GET with the whole URL, or POST with the bare one (when @post, and
 * when the other would be too long). The URL goes into @url (cleared first), what is posted into
 * @body (likewise). True: POST. */
bool explain_request(const struct cert_facts *facts, unsigned index, bool post, struct buf *url,
                     struct buf *body);

/* "same-file" and so on. */
const char *explain_source_name(enum issuer_source source);

/* The live answer is octet by octet the one that is kept. */
bool explain_is_kept(const struct explain_report *report);

/* Asks responders, on a loop of its own. Changes nothing: the engine says whom to ask and how, as
 * it does in the daemon, and whatever else it wants done is dropped. */
struct explain_asker;
int explain_asker_new(struct explain_asker **ret_asker, struct lookup *lookup,
                      const struct config *config);
struct explain_asker *explain_asker_free(struct explain_asker *asker);
CLEANUP_DEFINE(struct explain_asker *, explain_asker_free)

/* Who wants to follow the requests; either may be NULL. */
struct explain_watcher {
    void *context;
    void (*asking)(void *context, const struct explain_report *report);
    void (*asked)(void *context, const struct explain_report *report);
};

/* Looks for the issuer at the caIssuers URLs of report->cert. 0 or -ENOMEM. */
int explain_ask_issuer(struct explain_asker *asker, struct explain_report *report);

/* Asks the responders of report->cert, whose issuer is known. 0 or -ENOMEM. */
int explain_ask(struct explain_asker *asker, struct explain_report *report,
                const struct explain_watcher *watcher);

/* explain-text.c: the certificate and what is kept; one request; what came of it; the tables. */
void explain_put_cert(struct buf *out, const struct explain_report *report);
void explain_put_request(struct buf *out, const struct explain_report *report, unsigned attempt);
void explain_put_outcome(struct buf *out, const struct explain_attempt *attempt);
void explain_put_answers(struct buf *out, const struct explain_report *report);

/* One certificate as an object. */
json_t *explain_json(const struct explain_report *report);
