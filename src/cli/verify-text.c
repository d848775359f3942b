/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/cli.h"
#include "cli/verify.h"

/* Two columns are left for the indent that `clinch explain` gives the table. */
enum { WIDTH = 78, LABEL = 14 };

#define BOLD  "\x1b[1m"
#define PLAIN "\x1b[0m"

static void put_label(struct buf *out, const char *label)
{
    size_t start = out->size;

    buf_put_text(out, label);
    buf_put_pad(out, start + LABEL, ' ');
}

/* @text behind @label, broken at blanks. */
static void put_wrapped(struct buf *out, const char *label, const char *text)
{
    size_t room = WIDTH - LABEL, left = text_length(text);

    put_label(out, label);
    while (left > room) {
        size_t size = room;

        while (size && text[size] != ' ') {
            size--;
        }
        size = size ? size : room;
        buf_put_printable(out, slice_of(text, size), size);
        buf_put_byte(out, '\n');
        put_label(out, "");
        text += size + (text[size] == ' ');
        left = text_length(text);
    }
    buf_put_printable(out, slice_of(text, left), left);
    buf_put_byte(out, '\n');
}

static void put_time_line(struct buf *out, const char *label, int64_t wall_s, int64_t now_s)
{
    put_label(out, label);
    if (wall_s == INSTANT_NEVER) {
        buf_put_text(out, "absent\n");
        return;
    }
    buf_put_time(out, wall_s, ' ');
    buf_put_text(out, wall_s > now_s ? "  (in " : "  (");
    buf_put_duration(out, wall_s > now_s ? time_sub(wall_s, now_s) : time_sub(now_s, wall_s));
    buf_put_text(out, wall_s > now_s ? ")\n" : " ago)\n");
}

/* When it would be served; of an answer that is refused that says nothing. */
static void put_serve(struct buf *out, const struct verification *v)
{
    const struct window *serve = &v->judgement.serve;

    if (v->judgement.verdict != VERDICT_STAPLE && v->judgement.verdict != VERDICT_PENDING) {
        return;
    }
    put_label(out, "  served");
    buf_put_text(out, "from ");
    buf_put_time(out, serve->from_s, ' ');
    buf_put_text(out, " until ");
    buf_put_time(out, serve->until_s, ' ');
    buf_put_text(out, v->wall_s >= serve->until_s       ? " (over)\n"
                      : serve->from_s >= serve->until_s ? " (signed too late for that)\n"
                      : v->wall_s < serve->from_s       ? " (not yet)\n"
                                                        : "\n");
}

static void put_answer(struct buf *out, const struct verification *v)
{
    static const char *const statuses[] = {
        [CERT_STATUS_GOOD] = "good",
        [CERT_STATUS_REVOKED] = "revoked",
        [CERT_STATUS_UNKNOWN] = "unknown",
    };
    static const char *const signers[] = {
        [OCSP_SIGNER_NONE] = "by nobody who may",
        [OCSP_SIGNER_ISSUER] = "by the issuer",
        [OCSP_SIGNER_DELEGATE] = "by a delegate",
    };
    const struct ocsp_facts *facts = &v->facts;
    struct buf line = BUF_INIT(256);

    if (facts->form != REASON_GOOD) {
        buf_put_text(&line, facts->form == REASON_ERROR_STATUS ? "an error of the responder: "
                                                               : "none that can be read");
        buf_put_text(&line, facts->form == REASON_ERROR_STATUS
                                ? response_status_name(facts->response_status)
                                : "");
    } else {
        buf_put_text(&line, facts->has_single ? statuses[status_in_effect(facts)] : "not about it");
        buf_put_text(&line, ", signed ");
        buf_put_text(&line, signers[facts->signer]);
    }
    buf_put_text(&line, ", ");
    buf_put_int(&line, facts->size);
    buf_put_text(&line,
                 v->repaired ? " octets as served (its certificates rearranged)" : " octets");
    put_wrapped(out, "Answer", buf_text(&line));
    buf_deinit(&line);
    if (!facts->has_single) {
        return;
    }
    put_time_line(out, "  thisUpdate", facts->this_update_s, v->wall_s);
    put_time_line(out, "  nextUpdate", facts->next_update_s, v->wall_s);
    put_time_line(out, "  producedAt", facts->produced_at_s, v->wall_s);
    put_serve(out, v);
}

static void put_reason(struct buf *line, const char *sentence, enum reason reason)
{
    buf_put_text(line, sentence);
    if (reason != REASON_GOOD) {
        buf_put_text(line, " [");
        buf_put_text(line, reason_name(reason));
        buf_put_byte(line, ']');
    }
}

/* The sentence of the first rule that refuses for @reason. */
static const char *sentence_of(const struct judgement *judgement, enum reason reason)
{
    for (unsigned i = 0; i < rule_count(); i++) {
        if (judgement_breaks(judgement, i) && rule_get(i)->reason == reason) {
            return rule_sentence(i);
        }
    }
    return reason_sentence(reason);
}

static void put_verdict(struct buf *out, const struct verification *v, bool colour)
{
    const struct judgement *judgement = &v->judgement;
    struct buf line = BUF_INIT(1024);

    buf_put_text(out, colour ? BOLD : "");
    if (judgement->verdict == VERDICT_STAPLE) {
        buf_put_text(&line, v->as_shown ? "WELL STAPLED: " : "STAPLE IT: ");
        buf_put_text(&line, judgement->fails_with & v->policy->audience
                                ? "some would fail, but they or others would without it too"
                                : "nobody of the audience would fail");
    } else {
        buf_put_text(&line, v->as_shown ? "BADLY STAPLED: " : "DO NOT STAPLE: ");
        put_reason(&line, sentence_of(judgement, judgement->reason), judgement->reason);
    }
    put_wrapped(out, "Verdict", buf_text(&line));
    buf_put_text(out, colour ? PLAIN : "");
    for (unsigned i = judgement->reason + 1; i < REASON_COUNT; i++) {
        if (judgement->reasons >> i & 1) {
            buf_clear(&line);
            put_reason(&line, sentence_of(judgement, (enum reason)i), (enum reason)i);
            put_wrapped(out, "  and", buf_text(&line));
        }
    }
    buf_deinit(&line);
}

static void put_warning(void *context, const char *sentence, enum reason reason)
{
    struct buf line = BUF_INIT(1024);

    put_reason(&line, sentence, reason);
    put_wrapped(context, "  note", buf_text(&line));
    buf_deinit(&line);
}

/* Columns that are one client with several settings. */
struct family {
    const char *title;
    struct {
        enum client client;
        const char *setting; /* NULL: it has but one */
    } members[3];
    unsigned count;
};

static const struct family families[] = {
    {"Firefox", {{CLIENT_FIREFOX, NULL}}, 1},
    {"Chromium", {{CLIENT_CHROMIUM, NULL}}, 1},
    {"Apple", {{CLIENT_APPLE, NULL}}, 1},
    {"GnuTLS", {{CLIENT_GNUTLS, "Debian"}, {CLIENT_RHEL, "RHEL"}}, 2},
    {"Java",
     {{CLIENT_JAVA_DEFAULT, "default"}, {CLIENT_JAVA, "soft"}, {CLIENT_JAVA_HARD, "hard"}},
     3},
    {"OpenSSL", {{CLIENT_OPENSSL_DEFAULT, "asking"}, {CLIENT_OPENSSL, "insisting"}}, 2},
    {"LibreSSL", {{CLIENT_LIBRESSL, NULL}}, 1},
    {"s2n", {{CLIENT_S2N, NULL}}, 1},
    {"wolfSSL", {{CLIENT_WOLFSSL, NULL}}, 1},
    {"NSS", {{CLIENT_NSS, NULL}}, 1},
    {"Go", {{CLIENT_GO, NULL}}, 1},
};

static bool family_agrees(const struct family *family, const struct judgement *judgement)
{
    struct buf first = BUF_INIT(128), other = BUF_INIT(128);
    bool same = true;

    verify_put_client(&first, judgement, family->members[0].client);
    for (unsigned i = 1; same && i < family->count; i++) {
        buf_clear(&other);
        verify_put_client(&other, judgement, family->members[i].client);
        same = text_equal(buf_text(&first), buf_text(&other));
    }
    buf_deinit(&first);
    buf_deinit(&other);
    return same;
}

static void put_family(struct buf *out, const struct family *family,
                       const struct judgement *judgement)
{
    struct buf line = BUF_INIT(1024), label = BUF_INIT(64);
    bool agrees = family_agrees(family, judgement);

    for (unsigned i = 0; i < (agrees ? 1 : family->count); i++) {
        buf_put_text(&line, i ? "; " : "");
        if (!agrees) {
            buf_put_text(&line, family->members[i].setting);
            buf_put_byte(&line, ' ');
        }
        verify_put_client(&line, judgement, family->members[i].client);
        if (judgement->asks & CLIENT_BIT(family->members[i].client)) {
            buf_put_text(&line, ", unless the responder itself answers it");
        }
    }
    buf_put_text(&label, "  ");
    buf_put_text(&label, family->title);
    put_wrapped(out, buf_text(&label), buf_text(&line));
    buf_deinit(&line);
    buf_deinit(&label);
}

void verify_put_table(struct buf *out, const struct verification *v, bool colour)
{
    struct buf audience = BUF_INIT(256), at = BUF_INIT(64);

    put_answer(out, v);
    buf_put_time(&at, v->wall_s, ' ');
    put_wrapped(out, "At", buf_text(&at));
    put_verdict(out, v, colour);
    verify_each_warning(v, put_warning, out);
    audience_put(&audience, v->policy->audience);
    put_wrapped(out, "Audience", buf_text(&audience));
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        put_family(out, &families[i], &v->judgement);
    }
    buf_deinit(&audience);
    buf_deinit(&at);
}

void verify_put_text(struct buf *out, const struct verification *v, bool colour)
{
    put_wrapped(out, "Certificate", v->cert->name[0] ? v->cert->name : "(no name)");
    put_wrapped(out, "  must-staple", v->cert->must_staple ? "yes" : "no");
    verify_put_table(out, v, colour);
}
