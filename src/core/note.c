/* SPDX-License-Identifier: Apache-2.0 */
#include "core/note.h"

#include <assert.h>

#include "base/bytes.h"
#include "core/clients.h"

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
        [FETCH_NOT_MODIFIED] = "the answer has not changed",
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

static bool is_served(const struct note *note)
{
    return note->served_until_s > note->wall_s;
}

static void put_served(struct buf *buf, const struct note *note)
{
    if (note->timeless) {
        return;
    }
    if (is_served(note)) {
        put_until(buf, "; the staple held is served until ", note->served_until_s);
    } else {
        buf_put_text(buf, "; no staple is served");
    }
}

static void put_next_try(struct buf *buf, const struct note *note)
{
    if (note->timeless) {
        return;
    }
    if (note->next_is_now) {
        buf_put_text(buf, "; trying another way at once");
    } else if (note->next_try_s == INSTANT_NEVER) {
        buf_put_text(buf, "; no further try in this run");
    } else if (note->next_try_s <= note->wall_s) {
        buf_put_text(buf, "; it is asked for now");
    } else {
        buf_put_text(buf, "; next try in ");
        buf_put_duration(buf, time_sub(note->next_try_s, note->wall_s));
    }
}

/* What is served meanwhile, and when the next try comes. */
static void put_outlook(struct buf *buf, const struct note *note)
{
    put_served(buf, note);
    put_next_try(buf, note);
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
    if (note->detail && note->detail[0]) {
        put_text(buf, note->detail, TEXT_MOST);
        return;
    }
    buf_put_text(buf, outcome_clause(note->outcome));
    if (note->outcome == FETCH_HTTP_STATUS) {
        buf_put_text(buf, ": ");
        buf_put_int(buf, note->http_status);
    }
}

static void put_count(struct buf *buf, unsigned count, const char *one, const char *many)
{
    buf_put_int(buf, count);
    buf_put_text(buf, count == 1 ? one : many);
}

/* "Firefox, GnuTLS" */
static void put_clients(struct buf *buf, uint32_t set)
{
    const char *before = "";

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        if (set & CLIENT_BIT(i)) {
            buf_put_text(buf, before);
            buf_put_text(buf, clients[i].title);
            before = ", ";
        }
    }
}

static void put_off(struct buf *buf, int64_t off_s)
{
    buf_put_duration(buf, off_s < 0 ? -off_s : off_s);
    buf_put_text(buf, off_s < 0 ? " behind " : " ahead of ");
}

static void put_grace(struct buf *buf, const struct note *note)
{
    put_until(buf,
              "no newer answer came in time; a must-staple certificate is better served with the "
              "last one than with none: it is kept until ",
              note->until_s);
    if (note->clients) {
        buf_put_text(buf, "; these clients refuse it: ");
        put_clients(buf, note->clients);
    }
    put_next_try(buf, note);
}

/* What somebody is to do about it, and what the servers show by now. */
static void put_revoked(struct buf *buf, const struct note *note)
{
    buf_put_text(buf, "REVOKED");
    if (note->since_s > 0) {
        put_until(buf, " since ", note->since_s);
    }
    buf_put_text(buf, ", says the responder; ");
    if (is_served(note)) {
        put_until(buf, "as configured its answer is stapled, until ", note->served_until_s);
    } else {
        buf_put_text(buf, "no staple is served");
    }
    buf_put_text(buf, ". Replace this certificate");
    put_next_try(buf, note);
}

static void put_waiting(struct buf *buf, const struct note *note)
{
    if (note->waiting) {
        buf_put_text(buf, "; ");
        put_count(buf, note->waiting, " certificate waits", " certificates wait");
    }
}

/* Of a responder as a whole. */
static void put_responder_news(struct buf *buf, const struct note *note)
{
    if (note->kind == NOTE_BLOCKED) {
        buf_put_text(buf, "the responder is down, not asked");
        put_outlook(buf, note);
    } else if (note->kind == NOTE_RESPONDER_DOWN) {
        buf_put_text(buf, "the responder is down: ");
        put_count(buf, note->count, " request", " requests");
        buf_put_text(buf, " in a row failed, the last: ");
        put_failure(buf, note);
        put_waiting(buf, note);
        buf_put_text(buf, "; it is tried again, one request at a time, in ");
        buf_put_duration(buf, time_sub(note->until_s, note->wall_s));
    } else {
        buf_put_text(buf, "the responder answers again after ");
        buf_put_duration(buf, time_sub(note->wall_s, note->since_s));
        put_waiting(buf, note);
    }
}

/* Of this machine's clock. */
static void put_clock_news(struct buf *buf, const struct note *note)
{
    switch (note->kind) {
    case NOTE_CLOCK_JUMPED:
        buf_put_text(buf, "this machine's clock jumped: it is now ");
        put_off(buf, note->off_s);
        buf_put_text(buf, "the time that has passed; staples go by that time until a "
                          "responder's answer shows which is right");
        break;
    case NOTE_CLOCK_BELIEVED:
        buf_put_text(buf, "this machine's clock was set: it is now ");
        put_off(buf, note->off_s);
        buf_put_text(buf, "what it was; staples go by it");
        break;
    case NOTE_CLOCK_WRONG:
        buf_put_text(buf, "this machine's clock looks wrong: it is ");
        put_off(buf, note->off_s);
        buf_put_text(buf, "what the responder's answer says; check the time service (NTP)");
        break;
    default:
        buf_put_text(buf, "this machine's clock agrees with the responders again");
        break;
    }
}

/* Of an answer, or of none. */
static void put_answer_news(struct buf *buf, const struct note *note)
{
    switch (note->kind) {
    case NOTE_ACCEPTED:
        put_until(buf, "good answer, served until ", note->served_until_s);
        put_next_fetch(buf, note);
        break;
    case NOTE_UNCHANGED:
        buf_put_text(buf, "nothing newer yet");
        put_served(buf, note);
        put_next_fetch(buf, note);
        break;
    case NOTE_HELD_BACK:
        if (!is_served(note)) {
            put_until(buf,
                      "good answer, but its thisUpdate is still ahead of this machine's clock; "
                      "served from ",
                      note->until_s);
            buf_put_text(buf, " on");
        } else {
            put_until(buf, "good answer, kept back until ", note->until_s);
            buf_put_text(buf, " while it is so new that clients with a slow clock would refuse it");
            put_served(buf, note);
        }
        put_next_fetch(buf, note);
        break;
    case NOTE_REFUSED:
        buf_put_text(buf, "answer not taken: ");
        put_reason(buf, note);
        put_outlook(buf, note);
        break;
    default:
        put_failure(buf, note);
        put_outlook(buf, note);
        break;
    }
}

/* The news itself, behind "CERT: ". */
static void put_news(struct buf *buf, const struct note *note)
{
    switch (note->kind) {
    case NOTE_ACCEPTED:
    case NOTE_UNCHANGED:
    case NOTE_HELD_BACK:
    case NOTE_REFUSED:
    case NOTE_FETCH_FAILED:
        put_answer_news(buf, note);
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
        put_revoked(buf, note);
        break;
    case NOTE_REVOCATION_UNDONE:
        buf_put_text(buf, "no longer revoked, says the responder");
        put_served(buf, note);
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
    case NOTE_GRACE:
        put_grace(buf, note);
        break;
    case NOTE_BLOCKED:
    case NOTE_RESPONDER_DOWN:
    case NOTE_RESPONDER_UP:
        put_responder_news(buf, note);
        break;
    case NOTE_CLOCK_JUMPED:
    case NOTE_CLOCK_BELIEVED:
    case NOTE_CLOCK_WRONG:
    case NOTE_CLOCK_RIGHT:
        put_clock_news(buf, note);
        break;
    case NOTE_PLAIN:
        break;
    }
}

static void put_url(struct buf *buf, const char *url)
{
    struct slice user = url_find_user(url);
    const char *rest = url;

    if (user.size) {
        rest = (const char *)user.data + user.size;
        buf_put_printable(buf, slice_of(url, (size_t)(user.data - (const uint8_t *)url)),
                          TEXT_MOST);
        buf_put_text(buf, "***");
    }
    put_text(buf, rest, TEXT_MOST);
}

void note_format_news(struct buf *buf, const struct note *note)
{
    if (note->url) {
        put_url(buf, note->url);
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
    if (note->cert) {
        note_put_cert(buf, note->cert, note->path);
        buf_put_text(buf, ": ");
    }
    note_format_news(buf, note);
}
