/* SPDX-License-Identifier: Apache-2.0 */
#include "core/note.h"

#include <assert.h>

#include "base/bytes.h"

#define NAME_MOST 120
#define PATH_MOST 400
#define TEXT_MOST 400

static const char *outcome_clause(enum fetch_outcome outcome)
{
    static const char *const clauses[] = {
        [FETCH_ANSWER] = "sent an answer",
        [FETCH_NO_NAME] = "the name of the host cannot be resolved",
        [FETCH_REFUSED] = "the connection was refused",
        [FETCH_TIMEOUT] = "there was no answer in time",
        [FETCH_TLS] = "the TLS connection failed",
        [FETCH_HTTP_STATUS] = "an HTTP error came back",
        [FETCH_TOO_LARGE] = "the answer is too large",
        [FETCH_BAD_REDIRECT] = "the redirect is not one to follow",
        [FETCH_FORBIDDEN_ADDRESS] = "the address is not one to ask",
        [FETCH_BROKEN] = "the connection broke",
    };

    assert(ARRAY_SIZE(clauses) == FETCH_OUTCOMES);
    assert(outcome < FETCH_OUTCOMES);
    return clauses[outcome];
}

static void put_text(struct buf *buf, const char *text, size_t most)
{
    buf_put_printable(buf, slice_of_text(text), most);
}

void note_put_cert(struct buf *buf, const struct cert_facts *cert, const char *path)
{
    if (cert->name[0]) {
        put_text(buf, cert->name, NAME_MOST);
    } else {
        buf_put_text(buf, "certificate without a name");
    }
    buf_put_text(buf, " (");
    if (path && path[0]) {
        put_text(buf, path, PATH_MOST);
        buf_put_text(buf, ", ");
    }
    buf_put_text(buf, "serial ");
    buf_put_hex(buf, slice_of(cert->serial, cert->serial_size));
    buf_put_byte(buf, ')');
}

static void put_until(struct buf *buf, const char *before, int64_t wall_s)
{
    buf_put_text(buf, before);
    buf_put_time(buf, wall_s, ' ');
}

/* What is served meanwhile, and when the next try comes. */
static void put_outlook(struct buf *buf, const struct note *note)
{
    if (note->served_until_s > note->wall_s) {
        put_until(buf, "; the staple held is served until ", note->served_until_s);
    } else {
        buf_put_text(buf, "; no staple is served");
    }
    if (note->next_is_now) {
        buf_put_text(buf, "; trying another way at once");
    } else if (note->next_try_s == INSTANT_NEVER) {
        buf_put_text(buf, "; no further try in this run");
    } else {
        buf_put_text(buf, "; next try in ");
        buf_put_duration(buf, time_sub(note->next_try_s, note->wall_s));
    }
}

static void put_reason(struct buf *buf, const struct note *note)
{
    buf_put_text(buf, reason_sentence(note->reason));
    if (note->reason == REASON_ERROR_STATUS) {
        buf_put_text(buf, ": ");
        buf_put_text(buf, response_status_name(note->response_status));
    }
    if (note->http_status != 200 && note->http_status != 0) {
        buf_put_text(buf, ", with HTTP status ");
        buf_put_int(buf, note->http_status);
    }
    buf_put_text(buf, " [");
    buf_put_text(buf, reason_name(note->reason));
    buf_put_byte(buf, ']');
}

static void put_next_fetch(struct buf *buf, const struct note *note)
{
    put_until(buf, "; next fetch at ", note->next_try_s);
}

static void put_failure(struct buf *buf, const struct note *note)
{
    buf_put_text(buf, note->detail && note->detail[0] ? "" : outcome_clause(note->outcome));
    if (note->detail) {
        put_text(buf, note->detail, TEXT_MOST);
    }
}

/* The news itself, behind "CERT: ". */
static void put_news(struct buf *buf, const struct note *note)
{
    switch (note->kind) {
    case NOTE_ACCEPTED:
        put_until(buf, "good answer, served until ", note->served_until_s);
        put_next_fetch(buf, note);
        break;
    case NOTE_UNCHANGED:
        put_until(buf, "nothing newer yet; the staple held is served until ", note->served_until_s);
        put_next_fetch(buf, note);
        break;
    case NOTE_HELD_BACK:
        if (note->served_until_s <= note->wall_s) {
            buf_put_text(buf, "good answer, but its thisUpdate is still ahead of this machine's "
                              "clock; served from then on");
            break;
        }
        put_until(buf,
                  "good answer, kept back while it is so new that clients with a slow clock "
                  "would refuse it; the staple held is served until ",
                  note->served_until_s);
        break;
    case NOTE_REFUSED:
        buf_put_text(buf, "answer not taken: ");
        put_reason(buf, note);
        put_outlook(buf, note);
        break;
    case NOTE_FETCH_FAILED:
        put_failure(buf, note);
        put_outlook(buf, note);
        break;
    case NOTE_RESTORED:
        put_until(buf, "kept staple found, served until ", note->served_until_s);
        put_next_fetch(buf, note);
        break;
    case NOTE_STORED_UNFIT:
        buf_put_text(buf, "kept staple not used: ");
        put_reason(buf, note);
        break;
    case NOTE_ENDED:
        buf_put_text(buf, "the staple has come to its end and is withdrawn");
        put_outlook(buf, note);
        break;
    case NOTE_REVOKED:
        buf_put_text(buf, "REVOKED, says the responder; the staple is withdrawn. Replace this "
                          "certificate. Next look in ");
        buf_put_duration(buf, time_sub(note->next_try_s, note->wall_s));
        break;
    case NOTE_REVOCATION_UNDONE:
        put_until(buf, "no longer revoked, says the responder; served again until ",
                  note->served_until_s);
        break;
    case NOTE_GOOD_AFTER_REVOKED:
        buf_put_text(buf, "was revoked and is now called good; not believed until a second answer "
                          "says so");
        put_outlook(buf, note);
        break;
    case NOTE_ISSUER_MISSING:
        buf_put_text(buf, "issuer not found; append the issuer's certificate to the file, or name "
                          "it with --issuer FILE or `issuers:`");
        break;
    case NOTE_CERT_EXPIRED:
        buf_put_text(buf, "the certificate itself has expired; it is not asked for any more");
        break;
    case NOTE_PLAIN:
        break;
    }
}

void note_format_news(struct buf *buf, const struct note *note)
{
    if (note->url) {
        put_text(buf, note->url, TEXT_MOST);
        buf_put_text(buf, ": ");
    }
    put_news(buf, note);
}

void note_format(struct buf *buf, const struct note *note)
{
    if (note->kind == NOTE_PLAIN) {
        put_text(buf, note->detail ? note->detail : "", 2 * TEXT_MOST);
        return;
    }
    assert(note->cert);
    note_put_cert(buf, note->cert, note->path);
    buf_put_text(buf, ": ");
    note_format_news(buf, note);
}
