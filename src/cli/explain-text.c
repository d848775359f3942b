/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/report.h"

/* What was done to find an issuer that was not found, or is to be done. */
static void put_no_issuer(struct buf *out, const struct explain_report *report)
{
    const struct cert_view *view = &report->cert->view;

    report_put_label(out, "issuer");
    buf_put_text(out, "not found\n");
    for (unsigned i = 0; i < report->live.count; i++) {
        explain_put_request(out, report, i);
        explain_put_outcome(out, &report->live.attempts[i]);
    }
    if (!view->issuer_url_count || report->live.count) {
        report_put_line(out, "", "append its certificate to the file, or give --issuer FILE");
        return;
    }
    report_put_line(out, "", "clinch run and clinch once fetch it from its caIssuers URL:");
    buf_put_text(out, REPORT_INDENT REPORT_INDENT);
    buf_put_printable(out, view->issuer_urls[0], LIMIT_URL_SIZE);
    buf_put_byte(out, '\n');
}

static void put_issuer(struct buf *out, const struct explain_report *report)
{
    static const char *const sources[] = {
        [ISSUER_SAME_FILE] = "in the same file",
        [ISSUER_BESIDE] = "beside it: ",
        [ISSUER_CONFIGURED] = "given by --issuer or `issuers:`: ",
        [ISSUER_FETCHED] = "fetched earlier from ",
        [ISSUER_NEIGHBOUR] = "in the same folder: ",
        [ISSUER_OFFERED] = "fetched just now from ",
    };
    const struct found_cert *cert = report->cert;

    if (cert->facts->self_signed) {
        report_put_line(out, "issuer", "itself");
        return;
    }
    if (!cert->issuer) {
        put_no_issuer(out, report);
        return;
    }
    report_put_label(out, "issuer");
    report_put_name(out, &cert->issuer->view);
    buf_put_byte(out, '\n');
    report_put_label(out, "  found");
    buf_put_text(out, sources[cert->source]);
    if (cert->source != ISSUER_SAME_FILE) {
        buf_put_printable(out, slice_of_buf(&cert->where), 2 * REPORT_TEXT);
    }
    buf_put_byte(out, '\n');
    if (cert->source == ISSUER_NEIGHBOUR) {
        report_put_line(out, "", "give clinch the folder, or that file with --issuer");
    }
}

static void put_certid(struct buf *out, const struct issuer *issuer)
{
    report_put_line(out, "CertID", "issuerNameHash, issuerKeyHash, and the serial number:");
    report_put_hex(out, "name SHA-1", slice_of(issuer->name_hash[CERTID_SHA1], SHA1_SIZE));
    report_put_hex(out, "key SHA-1", slice_of(issuer->key_hash[CERTID_SHA1], SHA1_SIZE));
    report_put_hex(out, "name SHA-256", slice_of(issuer->name_hash[CERTID_SHA256], SHA256_SIZE));
    report_put_hex(out, "key SHA-256", slice_of(issuer->key_hash[CERTID_SHA256], SHA256_SIZE));
}

/* The host of @url is spelt as this machine itself. */
static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"127.", "localhost:", "localhost/", "[::1]"};
    const char *host = strstr(url, "://");

    for (size_t i = 0; host && i < ARRAY_SIZE(hosts); i++) {
        if (text_starts_with(host + 3, hosts[i])) {
            return true;
        }
    }
    return host && text_equal(host + 3, "localhost");
}

static void put_way(struct buf *out, const char *label, bool post, size_t size, struct slice url)
{
    report_put_label(out, label);
    buf_put_text(out, post ? "POST, a body of " : "GET, a URL of ");
    buf_put_int(out, (int64_t)size);
    buf_put_text(out, " octets:\n" REPORT_INDENT REPORT_INDENT);
    buf_put_printable(out, url, LIMIT_URL_SIZE + LIMIT_GET_URL_SIZE);
    buf_put_byte(out, '\n');
}

/* What would be asked, of whom. */
static void put_plan(struct buf *out, const struct explain_report *report)
{
    const struct cert_facts *facts = report->cert->facts;
    const char *nothing = explain_nothing_to_ask(facts, report->wall_s);
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + 1), body = BUF_INIT(LIMIT_ANSWER_SIZE);

    if (nothing) {
        report_put_line(out, "would ask", nothing);
    }
    for (unsigned i = 0; !nothing && i < facts->url_count; i++) {
        bool post = explain_request(facts, i, false, &url, &body);

        put_way(out, i ? "then" : "would ask", post, post ? body.size : url.size,
                slice_of_buf(&url));
        if (!report->allow_loopback && is_loopback(facts->urls[i])) {
            report_put_line(out, "", "but it is on this machine, so only with --allow-loopback");
        }
    }
    buf_deinit(&url);
    buf_deinit(&body);
}

void explain_put_request(struct buf *out, const struct explain_report *report, unsigned attempt)
{
    const struct explain_attempt *asked = &report->live.attempts[attempt];
    bool first = attempt == 0 || report->live.attempts[attempt - 1].issuer != asked->issuer;

    put_way(out,
            asked->issuer     ? "  asked"
            : first           ? "asked"
            : asked->no_cache ? "past caches"
                              : "then",
            asked->post, asked->request_size, slice_of_buf(&asked->url));
}

void explain_put_outcome(struct buf *out, const struct explain_attempt *attempt)
{
    report_put_label(out, "");
    if (attempt->detail.size) {
        buf_put_printable(out, slice_of_buf(&attempt->detail), REPORT_TEXT);
    } else {
        buf_put_text(out, "HTTP status ");
        buf_put_int(out, attempt->http_status);
    }
    if (attempt->http_status) {
        buf_put_text(out, ", ");
        buf_put_int(out, (int64_t)attempt->size);
        buf_put_text(out, " octets");
    }
    buf_put_text(out, ", after ");
    buf_put_int(out, attempt->took_ms);
    buf_put_text(out, " ms");
    if (attempt->judged && attempt->reason != REASON_GOOD) {
        buf_put_text(out, "; ");
        buf_put_text(out, reason_sentence(attempt->reason));
        if (attempt->reason == REASON_ERROR_STATUS) {
            buf_put_text(out, ": ");
            buf_put_text(out, response_status_name(attempt->response_status));
        }
    }
    buf_put_byte(out, '\n');
}

static void put_kept(struct buf *out, const struct explain_report *report)
{
    const struct kept *kept = &report->kept;
    int64_t until_s = kept->verification.judgement.serve.until_s;

    report_put_label(out, "kept");
    switch (kept->state) {
    case KEPT_NOTHING:
        buf_put_text(out, "nothing");
        break;
    case KEPT_GOOD:
        buf_put_text(out, "a good staple, served until ");
        cli_put_time(out, until_s);
        buf_put_text(out, " (");
        cli_put_brief(out, time_sub(until_s, report->wall_s));
        buf_put_text(out, " left)");
        break;
    case KEPT_UNFIT:
        buf_put_text(out, "an answer that is not served: ");
        buf_put_text(out, reason_sentence(kept->unfit));
        buf_put_text(out, " [");
        buf_put_text(out, reason_name(kept->unfit));
        buf_put_byte(out, ']');
        break;
    case KEPT_REVOKED:
        buf_put_text(out, "the news that it was revoked on ");
        cli_put_time(out, kept->revoked_at_s);
        break;
    case KEPT_NO_ISSUER:
        buf_put_text(out, "an answer that cannot be checked without the issuer");
        break;
    case KEPT_NO_STORE:
        buf_put_text(out, "nothing: there is no store in ");
        buf_put_printable(out, slice_of_text(report->state_dir), REPORT_TEXT);
        break;
    case KEPT_UNREADABLE:
        buf_put_text(out, "unknown: the store cannot be read");
        break;
    }
    buf_put_byte(out, '\n');
    if (report->last.size) {
        report_put_line(out, "  trouble", buf_text(&report->last));
    }
}

/* @unusable: what stands there for one; empty: nothing. */
static void put_no_url(struct buf *out, struct slice unusable)
{
    if (!unusable.size) {
        report_put_line(out, "OCSP URL", "none");
        return;
    }
    report_put_line(out, "OCSP URL", "none that can be asked; there is");
    report_put_label(out, "");
    buf_put_printable(out, unusable, 300);
    buf_put_byte(out, '\n');
    report_put_line(out, "", "(only http and https are asked, of at most 2048 characters,");
    report_put_line(out, "", "without blanks and not beyond ASCII)");
}

void explain_put_cert(struct buf *out, const struct explain_report *report)
{
    const struct found_cert *cert = report->cert;
    const struct cert_facts *facts = cert->facts;

    report_put_heading(out, facts->name[0] ? facts->name : "(no name)");
    report_put_line(out, "file", report->path);
    report_put_hex(out, "serial", slice_of(facts->serial, facts->serial_size));
    report_put_hex(out, "SHA-256", slice_of(facts->leaf_sha256, SHA256_SIZE));
    report_put_validity(out, facts, report->wall_s);
    report_put_line(out, "must-staple", facts->must_staple ? "yes" : "no");
    put_issuer(out, report);
    if (!facts->url_count) {
        put_no_url(out, cert->view.unusable_url);
    }
    for (unsigned i = 0; i < facts->url_count; i++) {
        report_put_line(out, i ? "" : "OCSP URL", facts->urls[i]);
    }
    if (cert->issuer && facts->url_count) {
        put_certid(out, cert->issuer);
    }
    put_kept(out, report);
    if (report->offline || explain_nothing_to_ask(facts, report->wall_s)) {
        put_plan(out, report);
    }
}

static bool any_asked(const struct explain_live *live)
{
    return live->count && !live->attempts[live->count - 1].issuer;
}

static void put_section(struct buf *out, const char *heading,
                        const struct verification *verification)
{
    buf_put_byte(out, '\n');
    report_put_heading(out, heading);
    report_put_table(out, verification);
}

void explain_put_answers(struct buf *out, const struct explain_report *report)
{
    const struct explain_live *live = &report->live;
    bool is_kept = explain_is_kept(report), answered = live->received.size > 0;
    bool vain = any_asked(live) && !answered;

    if (answered) {
        bool revoked = report->kept.state == KEPT_REVOKED &&
                       live->verification.judgement.verdict == VERDICT_STAPLE;

        put_section(out,
                    revoked       ? "The live answer, against the revocation that is kept"
                    : is_kept     ? "The live answer, which is the one that is kept"
                    : live->older ? "The live answer; the one that is kept is newer, and stays"
                                  : "The live answer",
                    &live->verification);
    }
    if (report->kept.received.size && !is_kept) {
        put_section(out,
                    vain ? "No responder has answered; judged is the answer that is kept"
                         : "The answer that is kept",
                    &report->kept.verification);
    } else if (vain) {
        buf_put_byte(out, '\n');
        report_put_heading(out, "No responder has answered, and no answer is kept");
    }
}
