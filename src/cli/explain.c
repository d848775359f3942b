/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/lookup.h"
#include "io/clock.h"
#include "pki/request.h"

#define OUTPUT_MAX  ((size_t)1 << 30)
#define LABEL_WIDTH 16
#define URL_INDENT  4 /* of a URL on a line of its own */
#define TEXT_MOST   400

static const char *const source_names[] = {"none",       "same-file", "beside",
                                           "configured", "fetched",   "neighbour"};

static void put_label(struct buf *out, const char *label)
{
    size_t start = out->size;

    buf_put_text(out, "  ");
    buf_put_text(out, label);
    buf_put_pad(out, start + LABEL_WIDTH, ' ');
}

static void put_line(struct buf *out, const char *label, const char *text)
{
    put_label(out, label);
    buf_put_printable(out, slice_of_text(text), 4 * TEXT_MOST);
    buf_put_byte(out, '\n');
}

static void put_hex_line(struct buf *out, const char *label, struct slice octets)
{
    put_label(out, label);
    buf_put_hex(out, octets);
    buf_put_byte(out, '\n');
}

const char *explain_nothing_to_ask(const struct cert_facts *facts, int64_t wall_s)
{
    if (facts->is_ca) {
        return "nothing: this is a CA certificate, and servers staple for the leaf";
    }
    if (facts->self_signed) {
        return "nothing: the certificate is self-signed";
    }
    if (facts->not_after_s <= wall_s) {
        return "nothing: the certificate itself has expired";
    }
    if (!facts->url_count) {
        return "nothing: without an OCSP URL there is no staple to get";
    }
    return facts->has_issuer ? NULL : "nothing until the issuer is found";
}

static void put_validity(struct buf *out, const struct cert_facts *facts, int64_t wall_s)
{
    put_label(out, "valid");
    cli_put_time(out, facts->not_before_s);
    buf_put_text(out, " until ");
    cli_put_time(out, facts->not_after_s);
    if (wall_s < facts->not_before_s) {
        buf_put_text(out, " (not yet)");
    } else if (wall_s >= facts->not_after_s) {
        buf_put_text(out, " (over)");
    } else {
        buf_put_text(out, " (");
        cli_put_brief(out, time_sub(facts->not_after_s, wall_s));
        buf_put_text(out, " left)");
    }
    buf_put_byte(out, '\n');
}

static void put_issuer_name(struct buf *out, const struct issuer *issuer)
{
    if (issuer->view.common_name.size) {
        buf_put_printable(out, issuer->view.common_name, TEXT_MOST);
    } else {
        buf_put_text(out, "(no common name)");
    }
}

static void put_issuer(struct buf *out, const struct found_cert *cert)
{
    static const char *const sources[] = {
        [ISSUER_SAME_FILE] = "in the same file",
        [ISSUER_BESIDE] = "beside it: ",
        [ISSUER_CONFIGURED] = "given by --issuer or `issuers:`: ",
        [ISSUER_FETCHED] = "fetched earlier from ",
        [ISSUER_NEIGHBOUR] = "in the same folder: ",
    };

    put_label(out, "issuer");
    if (cert->facts->self_signed) {
        buf_put_text(out, "itself\n");
        return;
    }
    if (!cert->issuer) {
        buf_put_text(out, "not found\n");
        if (cert->view.issuer_url_count) {
            put_line(out, "", "clinch run and clinch once fetch it from its caIssuers URL:");
            put_label(out, "");
            buf_put_printable(out, cert->view.issuer_urls[0], LIMIT_URL_SIZE);
            buf_put_byte(out, '\n');
        } else {
            put_line(out, "", "append its certificate to the file, or give --issuer FILE");
        }
        return;
    }
    put_issuer_name(out, cert->issuer);
    buf_put_byte(out, '\n');
    put_label(out, "  found");
    buf_put_text(out, sources[cert->source]);
    if (cert->source != ISSUER_SAME_FILE) {
        buf_put_printable(out, slice_of_buf(&cert->where), 2 * TEXT_MOST);
    }
    buf_put_byte(out, '\n');
    if (cert->source == ISSUER_NEIGHBOUR) {
        put_line(out, "", "give clinch the folder, or that file with --issuer");
    }
}

static void put_certid(struct buf *out, const struct issuer *issuer)
{
    put_line(out, "CertID", "issuerNameHash, issuerKeyHash, and the serial number:");
    put_hex_line(out, "name SHA-1", slice_of(issuer->name_hash[CERTID_SHA1], SHA1_SIZE));
    put_hex_line(out, "key SHA-1", slice_of(issuer->key_hash[CERTID_SHA1], SHA1_SIZE));
    put_hex_line(out, "name SHA-256", slice_of(issuer->name_hash[CERTID_SHA256], SHA256_SIZE));
    put_hex_line(out, "key SHA-256", slice_of(issuer->key_hash[CERTID_SHA256], SHA256_SIZE));
}

bool explain_request(struct buf *url, const struct cert_facts *facts, unsigned index,
                     size_t *ret_size)
{
    struct buf request = BUF_INIT(1024);
    bool get;

    buf_clear(url);
    request_encode(&request, facts);
    get = request_get_url(url, facts->urls[index], slice_of_buf(&request));
    *ret_size = get ? url->size : request.size;
    if (!get) {
        buf_clear(url);
        buf_put_text(url, facts->urls[index]);
    }
    buf_deinit(&request);
    return get;
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

static void put_requests(struct buf *out, const struct cert_facts *facts,
                         const struct explain_at *at)
{
    const char *nothing = explain_nothing_to_ask(facts, at->wall_s);
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + 1);
    size_t size;

    if (nothing) {
        put_line(out, "would ask", nothing);
    }
    for (unsigned i = 0; !nothing && i < facts->url_count; i++) {
        bool get = explain_request(&url, facts, i, &size);

        put_label(out, i ? "then" : "would ask");
        buf_put_text(out, get ? "GET, a URL of " : "POST, a body of ");
        buf_put_int(out, (int64_t)size);
        buf_put_text(out, " octets:\n    ");
        buf_put_slice(out, slice_of_buf(&url));
        buf_put_byte(out, '\n');
        if (!at->allow_loopback && is_loopback(facts->urls[i])) {
            put_line(out, "", "but it is on this machine, so only with --allow-loopback");
        }
    }
    buf_deinit(&url);
}

/* Who would fail with what is kept; nothing when nobody would. */
static void put_failing(struct buf *out, const struct judgement *judgement)
{
    const char *between = "";

    if (!judgement->fails_with) {
        return;
    }
    put_label(out, "  would fail");
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        if (judgement->fails_with & CLIENT_BIT(i)) {
            buf_put_text(out, between);
            buf_put_text(out, clients[i].name);
            between = ", ";
        }
    }
    buf_put_byte(out, '\n');
}

static void put_kept(struct buf *out, const struct explain_at *at)
{
    const struct kept *kept = at->kept;

    put_label(out, "kept");
    switch (kept->state) {
    case KEPT_NOTHING:
        buf_put_text(out, "nothing");
        break;
    case KEPT_GOOD:
        buf_put_text(out, "a good staple of ");
        buf_put_int(out, (int64_t)kept->served.size);
        buf_put_text(out, " octets, served until ");
        cli_put_time(out, kept->judgement.serve.until_s);
        buf_put_text(out, " (");
        cli_put_brief(out, time_sub(kept->judgement.serve.until_s, at->wall_s));
        buf_put_text(out, " left)");
        break;
    case KEPT_UNFIT:
        buf_put_text(out, "an answer that is not served: ");
        buf_put_text(out, reason_sentence(kept->judgement.reason));
        buf_put_text(out, " [");
        buf_put_text(out, reason_name(kept->judgement.reason));
        buf_put_byte(out, ']');
        break;
    case KEPT_REVOKED:
        buf_put_text(out, "the news that it was revoked on ");
        cli_put_time(out, kept->facts.revoked_at_s);
        break;
    case KEPT_NO_ISSUER:
        buf_put_text(out, "an answer that cannot be checked without the issuer");
        break;
    case KEPT_NO_STORE:
        buf_put_text(out, "nothing: there is no store in ");
        buf_put_printable(out, slice_of_text(at->state_dir), TEXT_MOST);
        break;
    case KEPT_UNREADABLE:
        buf_put_text(out, "unknown: the store cannot be read");
        break;
    }
    buf_put_byte(out, '\n');
    if (kept->state == KEPT_GOOD || kept->state == KEPT_UNFIT) {
        put_failing(out, &kept->judgement);
    }
}

static void put_cert(struct buf *out, const struct found_cert *cert, const struct explain_at *at)
{
    const struct cert_facts *facts = cert->facts;

    if (cli_wants_colour(STDOUT_FILENO)) {
        buf_put_text(out, "\x1b[1m");
    }
    buf_put_text(out, facts->name[0] ? facts->name : "(no name)");
    buf_put_text(out, cli_wants_colour(STDOUT_FILENO) ? "\x1b[0m\n" : "\n");
    put_line(out, "file", at->path);
    put_hex_line(out, "serial", slice_of(facts->serial, facts->serial_size));
    put_hex_line(out, "SHA-256", slice_of(facts->leaf_sha256, SHA256_SIZE));
    put_validity(out, facts, at->wall_s);
    put_line(out, "must-staple", facts->must_staple ? "yes" : "no");
    put_issuer(out, cert);
    if (!facts->url_count) {
        put_line(out, "OCSP URL", "none");
    }
    for (unsigned i = 0; i < facts->url_count; i++) {
        put_line(out, i ? "" : "OCSP URL", facts->urls[i]);
    }
    if (cert->issuer && facts->url_count) {
        put_certid(out, cert->issuer);
    }
    put_requests(out, facts, at);
    put_kept(out, at);
}

const char *explain_source_name(enum issuer_source source)
{
    return source_names[source];
}

struct explain {
    struct lookup *lookup;
    const struct config *config;
    int64_t wall_s;
    struct buf text;
    json_t *certs; /* NULL: text */
};

static void explain_found(struct explain *explain, const char *path, const struct found_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        struct kept kept;
        struct explain_at at = {path, explain->config->state_dir, &kept, explain->wall_s,
                                explain->config->policy.allow_loopback};

        lookup_kept(explain->lookup, &file->certs[i], explain->wall_s, &kept);
        if (explain->certs) {
            json_array_append_new(explain->certs, explain_json(&file->certs[i], &at));
        } else {
            buf_put_text(&explain->text, explain->text.size ? "\n" : "");
            put_cert(&explain->text, &file->certs[i], &at);
        }
        kept_deinit(&kept);
    }
}

/* 0 or EXIT_USAGE when one of the files could not be read; the others are shown all the same. */
static int explain_paths(struct explain *explain, const struct options *options)
{
    struct buf path = BUF_INIT(8192), fault = BUF_INIT(16384);
    int code = 0;

    for (size_t i = 0; i < options->path_count; i++) {
        struct found_file file;
        int r;

        buf_clear(&path);
        buf_clear(&fault);
        r = cli_absolute(&path, options->paths[i]);
        if (r) {
            cli_complain("%s: %s", options->paths[i], strerror(-r));
        } else {
            r = lookup_file(explain->lookup, buf_text(&path), &file, &fault);
            if (r) {
                cli_complain("%s", buf_text(&fault));
            }
        }
        if (r) {
            code = EXIT_USAGE;
            continue;
        }
        explain_found(explain, buf_text(&path), &file);
        found_file_deinit(&file);
    }
    buf_deinit(&path);
    buf_deinit(&fault);
    return code;
}

/* What is wider than the terminal goes on under its beginning: behind the label, or where a URL
 * stands alone. */
static void put_fitting(struct buf *out, struct slice line, unsigned width)
{
    bool labelled = line.size > LABEL_WIDTH && line.data[LABEL_WIDTH - 1] == ' ';
    size_t indent = labelled ? LABEL_WIDTH : URL_INDENT, start = out->size;
    _cleanup_(freep)
    char *text = NULL;

    if (line.size <= width || line.data[0] == '\x1b') { /* the heading */
        buf_put_slice(out, line);
        buf_put_byte(out, '\n');
        return;
    }
    text = text_copy(slice_of(line.data + indent, line.size - indent));
    cli_put_wrapped(out, text ? text : "", width, indent);
    if (!buf_status(out) && out->size - start > indent) {
        memcpy(out->data + start, line.data, indent);
    }
}

static int explain_write(struct slice text)
{
    unsigned width = cli_terminal_width(STDOUT_FILENO);
    struct buf out = BUF_INIT(OUTPUT_MAX);
    int r;

    if (!width) {
        return cli_write(text);
    }
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;

        put_fitting(&out, slice_of(text.data, size), width);
        size += end != NULL;
        text = slice_of(text.data + size, text.size - size);
    }
    r = buf_status(&out) ? EXIT_USAGE : cli_write(slice_of_buf(&out));
    buf_deinit(&out);
    return r;
}

static int explain_print(struct explain *explain)
{
    if (explain->certs) {
        json_t *root = json_pack("{s:O}", "certs", explain->certs);
        char *text = json_dumps(root, JSON_INDENT(2));

        if (text) {
            buf_put(&explain->text, text, strlen(text));
            buf_put_byte(&explain->text, '\n');
        }
        free(text);
        json_decref(root);
    }
    if (buf_status(&explain->text)) {
        return EXIT_USAGE;
    }
    return explain->certs ? cli_write(slice_of_buf(&explain->text))
                          : explain_write(slice_of_buf(&explain->text));
}

int command_explain(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    _cleanup_(lookup_freep)
    struct lookup *lookup = NULL;
    struct explain explain = {.wall_s = clock_now().wall_s, .text = BUF_INIT(OUTPUT_MAX)};
    struct log log;
    int code, r;

    cli_log(&log, options);
    code = cli_config(options, &config);
    if (code) {
        return code;
    }
    /* Without a store there is still all of the certificate to explain. */
    r = lookup_new(&lookup, config, &log);
    if (r) {
        cli_complain("cannot begin: %s", strerror(-r));
        return EXIT_USAGE;
    }
    explain.lookup = lookup;
    explain.config = config;
    explain.certs = options->json ? json_array() : NULL;
    code = explain_paths(&explain, options);
    r = explain_print(&explain);
    json_decref(explain.certs);
    buf_deinit(&explain.text);
    return r ? r : code;
}
