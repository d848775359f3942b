/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "cli/report.h"

static unsigned number_of(const struct probe_report *report, const struct probe_shown *shown)
{
    return (unsigned)(shown - report->shown) + 1;
}

/* "a staple", for a handshake's line. */
static const char *with_what(enum probe_staple staple)
{
    static const char *const words[] = {
        [PROBE_NONE] = "without a staple",
        [PROBE_ANSWER] = "with a staple",
        [PROBE_EMPTY] = "with an EMPTY certificate status",
        [PROBE_BROKEN] = "with a BROKEN certificate status",
        [PROBE_TOO_LARGE] = "with a staple that is TOO LARGE",
    };

    return words[staple];
}

/* "1: shop.example" where there are several. */
static void put_title(struct buf *out, const struct probe_report *report,
                      const struct probe_shown *shown)
{
    if (report->count > 1) {
        buf_put_int(out, number_of(report, shown));
        buf_put_text(out, ": ");
    }
    buf_put_text(out, shown->cert && shown->cert->facts->name[0] ? shown->cert->facts->name
                                                                 : "(no name)");
}

static void put_way(struct buf *out, const struct probe_report *report, enum tls_way way)
{
    const struct probe_shown *shown = probe_shown_by(report, way);
    const struct tls_sight *sight = &report->result->sights[way];

    report_put_label(out, tls_way_name(way));
    if (shown) {
        put_title(out, report, shown);
        buf_put_text(out, ", ");
        buf_put_text(out, with_what(shown->staple));
        buf_put_text(out, sight->detail[0] ? "; then " : "");
    } else if (sight->outcome == TLS_NOT_OFFERED) {
        buf_put_text(out, sight->detail[0] ? "not offered: " : "not offered");
    } else {
        buf_put_text(out, sight->outcome == TLS_NOT_TRIED ? "not tried" : "FAILED: ");
    }
    buf_put_text(out, sight->detail);
    buf_put_byte(out, '\n');
}

static void put_server(struct buf *out, const struct probe_report *report)
{
    struct buf line = BUF_INIT(2048);

    if (!tls_probe_is_address(report->host)) {
        buf_put_text(&line, report->host);
        buf_put_text(&line, " at ");
    }
    buf_put_text(&line, report->result->address);
    if (report->starttls != STARTTLS_NONE) {
        buf_put_text(&line, ", STARTTLS of ");
        buf_put_text(&line, starttls_name(report->starttls));
    }
    buf_put_text(&line, report->servername ? ", asked for " : ", asked for no name");
    buf_put_text(&line, report->servername ? report->servername : "");
    report_put_heading(out, buf_text(&line));
    for (int way = 0; way < TLS_WAYS; way++) {
        put_way(out, report, (enum tls_way)way);
    }
    buf_deinit(&line);
}

/* "2 certificates: shop.example, Example CA" */
static void put_chain(struct buf *out, const struct probe_shown *shown)
{
    const struct served *served = &shown->sight->served;
    struct cert_view view;
    const char *fault;

    report_put_label(out, "chain");
    buf_put_int(out, served->cert_count);
    buf_put_text(out, served->cert_count == 1 ? " certificate: " : " certificates: ");
    for (unsigned i = 0; i < served->cert_count; i++) {
        buf_put_text(out, i ? ", " : "");
        if (cert_read(served->certs[i], &view, &fault)) {
            buf_put_text(out, "(unreadable)");
        } else {
            report_put_name(out, &view);
        }
    }
    buf_put_byte(out, '\n');
}

static void put_issuer(struct buf *out, const struct probe_shown *shown)
{
    const struct found_cert *cert = shown->cert;

    report_put_label(out, "issuer");
    if (cert->facts->self_signed) {
        buf_put_text(out, "itself\n");
        return;
    }
    if (!cert->issuer) {
        buf_put_text(out, "not found: neither in the chain nor in the store; give its certificate "
                          "with --issuer FILE\n");
        return;
    }
    report_put_name(out, &cert->issuer->view);
    buf_put_text(out, cert->source == ISSUER_SAME_FILE ? ", in the chain\n"
                      : cert->source == ISSUER_FETCHED
                          ? ", which the server does not send, from the store\n"
                          : ", which the server does not send, from --issuer or `issuers:`\n");
}

/* Who fails without a staple: for such a certificate always, or only where it insists. */
static void put_without(struct buf *out, const struct cert_facts *cert)
{
    bool any = false;

    report_put_label(out, "");
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool fatal =
            cert->must_staple ? clients[i].none_is_fatal_must_staple : clients[i].none_is_fatal;

        if (fatal && !clients[i].asks_for_none) {
            buf_put_text(out, any ? ", " : "without it these fail: ");
            buf_put_text(out, clients[i].title);
            any = true;
        }
    }
    buf_put_byte(out, '\n');
}

static void put_staple(struct buf *out, const struct probe_shown *shown)
{
    const struct cert_facts *facts = shown->cert->facts;

    report_put_label(out, "staple");
    switch (shown->staple) {
    case PROBE_NONE:
        buf_put_text(out, shown->expected      ? "NONE\n"
                          : facts->self_signed ? "none, nor is one expected: it is self-signed\n"
                          : facts->is_ca       ? "none, nor is one expected: it is a CA\n"
                                               : "none, nor is one expected: without an OCSP URL "
                                                 "there is none to get\n");
        if (shown->expected) {
            put_without(out, facts);
        }
        return;
    case PROBE_ANSWER:
        buf_put_int(out, (int64_t)shown->sight->served.answer.size);
        buf_put_text(out,
                     shown->judged ? " octets\n" : " octets, NOT JUDGED: that takes the issuer\n");
        return;
    case PROBE_EMPTY:
        buf_put_text(out, "EMPTY: a certificate status of 0 octets, on which OpenSSL's clients "
                          "fail\n");
        return;
    case PROBE_BROKEN:
        buf_put_text(out, "BROKEN: what is sent as certificate status is none\n");
        return;
    case PROBE_TOO_LARGE:
        buf_put_text(out, "TOO LARGE: more than 16,380 octets, on which OpenSSL's clients fail "
                          "with TLS 1.2\n");
        return;
    }
}

static void put_until(struct buf *out, const struct probe_report *report, int64_t until_s)
{
    buf_put_text(out, ", served until ");
    cli_put_time(out, until_s);
    if (until_s > report->wall_s) {
        buf_put_text(out, " (");
        cli_put_brief(out, time_sub(until_s, report->wall_s));
        buf_put_text(out, " left)");
    }
}

/* Against what is kept, whatever state that is in. */
static const char *match_words(const struct probe_shown *shown)
{
    switch (shown->match) {
    case PROBE_SAME:
        return "holds the same octets";
    case PROBE_RECEIVED:
        return "holds this answer, of which clinch would serve other octets: the server has it "
               "from elsewhere";
    case PROBE_NEWER:
        return "holds an OLDER one: the server has its staples from elsewhere, too";
    case PROBE_OLDER:
        return "holds a NEWER one: the server has not taken it";
    case PROBE_OTHER:
        return "holds ANOTHER one";
    case PROBE_NO_MATCH:
        break;
    }
    return "holds a good one: the server has NOT TAKEN it";
}

static void put_store(struct buf *out, const struct probe_report *report,
                      const struct probe_shown *shown)
{
    const struct kept *kept = &shown->kept;

    report_put_label(out, "store");
    switch (kept->state) {
    case KEPT_NOTHING:
        buf_put_text(out, "holds nothing for this certificate");
        break;
    case KEPT_GOOD:
        buf_put_text(out, match_words(shown));
        put_until(out, report, kept->verification.judgement.serve.until_s);
        break;
    case KEPT_UNFIT:
        buf_put_text(out, shown->match == PROBE_RECEIVED ? "holds this one, which is not served: "
                                                         : "holds one that is not served: ");
        buf_put_text(out, reason_sentence(kept->unfit));
        break;
    case KEPT_REVOKED:
        buf_put_text(out, "holds the news that it was REVOKED on ");
        cli_put_time(out, kept->revoked_at_s);
        buf_put_text(out, shown->match == PROBE_SAME || shown->match == PROBE_RECEIVED
                              ? ": this very answer"
                              : "");
        break;
    case KEPT_NO_ISSUER:
        buf_put_text(out, "holds an answer that cannot be checked without the issuer");
        break;
    case KEPT_NO_STORE:
        buf_put_text(out, "there is none in ");
        buf_put_printable(out, slice_of_text(report->state_dir), REPORT_TEXT);
        break;
    case KEPT_UNREADABLE:
        buf_put_text(out, "cannot be read");
        break;
    }
    buf_put_byte(out, '\n');
}

static void put_shown(struct buf *out, const struct probe_report *report,
                      const struct probe_shown *shown)
{
    const struct cert_facts *facts;
    struct buf title = BUF_INIT(1024);

    put_title(&title, report, shown);
    buf_put_text(&title, shown->again ? " again, otherwise stapled" : "");
    report_put_heading(out, buf_text(&title));
    buf_deinit(&title);
    if (!shown->cert) {
        report_put_line(out, "certificate", buf_text(&shown->fault));
        return;
    }
    facts = shown->cert->facts;
    report_put_hex(out, "serial", slice_of(facts->serial, facts->serial_size));
    report_put_hex(out, "SHA-256", slice_of(facts->leaf_sha256, SHA256_SIZE));
    report_put_validity(out, facts, report->wall_s);
    put_chain(out, shown);
    put_issuer(out, shown);
    report_put_line(out, "must-staple", facts->must_staple ? "yes" : "no");
    for (unsigned i = 0; i < facts->url_count; i++) {
        report_put_line(out, i ? "" : "OCSP URL", facts->urls[i]);
    }
    if (!facts->url_count) {
        report_put_line(out, "OCSP URL", "none");
    }
    put_staple(out, shown);
    put_store(out, report, shown);
    if (shown->judged) {
        buf_put_byte(out, '\n');
        report_put_table(out, &shown->verification);
    }
}

void probe_put_text(struct buf *out, const struct probe_report *report)
{
    put_server(out, report);
    for (unsigned i = 0; i < report->count; i++) {
        buf_put_byte(out, '\n');
        put_shown(out, report, &report->shown[i]);
    }
}
