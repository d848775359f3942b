/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "io/clock.h"
#include "pki/request.h"

#define OUTPUT_MAX ((size_t)1 << 30)
#define LAST_MAX   8192

const char *explain_source_name(enum issuer_source source)
{
    static const char *const names[] = {"none",    "same-file", "beside",     "configured",
                                        "fetched", "neighbour", "fetched-now"};

    return names[source];
}

/* Why there is nothing to ask for, whoever the issuer is; or NULL. */
static const char *hindrance(const struct cert_facts *facts, int64_t wall_s)
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
    return NULL;
}

const char *explain_nothing_to_ask(const struct cert_facts *facts, int64_t wall_s)
{
    const char *nothing = hindrance(facts, wall_s);

    return nothing || facts->has_issuer ? nothing : "nothing until the issuer is found";
}

bool explain_request(const struct cert_facts *facts, unsigned index, bool post, struct buf *url,
                     struct buf *body)
{
    buf_clear(url);
    buf_clear(body);
    request_encode(body, facts);
    if (!post && request_get_url(url, facts->urls[index], slice_of_buf(body))) {
        buf_clear(body);
        return false;
    }
    buf_clear(url);
    buf_put_text(url, facts->urls[index]);
    return true;
}

bool explain_is_kept(const struct explain_report *report)
{
    const struct explain_live *live = &report->live;

    return live->received.size &&
           slice_equal(slice_of_buf(&live->received), slice_of_buf(&report->kept.received));
}

struct explain {
    struct lookup *lookup;
    struct explain_asker *asker; /* NULL: --offline */
    const struct config *config;
    json_t *certs;  /* NULL: text */
    bool begun;     /* something was written */
    bool bad;       /* a certificate has no answer that may be stapled */
    int write_code; /* 0, or the exit code of a write that failed */
};

/* Writes @text, now: what is known is there to read while a responder is being waited for. Empties
 * it. @fit: lines wider than the terminal are broken. */
static void explain_write(struct explain *explain, struct buf *text, bool fit)
{
    unsigned width = fit ? cli_terminal_width(STDOUT_FILENO) : 0;
    struct buf out = BUF_INIT(OUTPUT_MAX);

    if (width) {
        report_fit(&out, slice_of_buf(text), width);
    }
    if (buf_status(text) || buf_status(&out)) {
        cli_complain("out of memory");
        explain->write_code = EXIT_USAGE;
    } else if (!explain->write_code) {
        explain->write_code = cli_write(slice_of_buf(width ? &out : text));
    }
    explain->begun = true;
    buf_clear(text);
    buf_deinit(&out);
}

static void on_asking(void *context, const struct explain_report *report)
{
    struct buf text = BUF_INIT(OUTPUT_MAX);

    explain_put_request(&text, report, report->live.count - 1);
    explain_write(context, &text, true);
    buf_deinit(&text);
}

static void on_asked(void *context, const struct explain_report *report)
{
    struct buf text = BUF_INIT(OUTPUT_MAX);

    explain_put_outcome(&text, &report->live.attempts[report->live.count - 1]);
    explain_write(context, &text, true);
    buf_deinit(&text);
}

/* Asks the responders, once the issuer is known. */
static int ask_responders(struct explain *explain, struct explain_report *report)
{
    const struct explain_watcher watcher = {
        .context = explain,
        .asking = explain->certs ? NULL : on_asking,
        .asked = explain->certs ? NULL : on_asked,
    };
    const struct explain_live *live = &report->live;
    int r = 0;

    if (report->cert->issuer) {
        r = explain_ask(explain->asker, report, &watcher);
    }
    explain->bad |=
        r || !live->received.size || live->verification.judgement.verdict != VERDICT_STAPLE;
    return r;
}

/* Tells of one certificate as it goes along. 0 or -ENOMEM. */
static int explain_tell(struct explain *explain, struct explain_report *report)
{
    bool ask = explain->asker && !hindrance(report->cert->facts, report->wall_s);
    struct buf text = BUF_INIT(OUTPUT_MAX);
    int r = 0;

    if (ask && !report->cert->issuer) {
        r = explain_ask_issuer(explain->asker, report);
    }
    lookup_kept(explain->lookup, report->cert, report->wall_s, &report->kept);
    lookup_last(explain->lookup, report->cert, &report->last);
    if (!explain->certs) {
        buf_put_text(&text, explain->begun ? "\n" : "");
        explain_put_cert(&text, report);
        explain_write(explain, &text, true);
    }
    if (!r && ask) {
        r = ask_responders(explain, report);
    }
    if (explain->certs) {
        json_array_append_new(explain->certs, explain_json(report));
    } else if (!r) {
        explain_put_answers(&text, report);
        explain_write(explain, &text, false);
    }
    buf_deinit(&text);
    return r;
}

static void report_deinit(struct explain_report *report)
{
    for (unsigned i = 0; i < report->live.count; i++) {
        buf_deinit(&report->live.attempts[i].url);
        buf_deinit(&report->live.attempts[i].detail);
    }
    buf_deinit(&report->live.received);
    buf_deinit(&report->last);
    kept_deinit(&report->kept);
}

static int explain_found(struct explain *explain, const char *path, const struct found_file *file)
{
    int r = 0;

    for (size_t i = 0; !r && i < file->count; i++) {
        struct explain_report report = {
            .path = path,
            .state_dir = explain->config->state_dir,
            .cert = &file->certs[i],
            .wall_s = clock_now().wall_s,
            .allow_loopback = explain->config->policy.allow_loopback,
            .offline = !explain->asker,
            .last = BUF_INIT(LAST_MAX),
            .live.received = BUF_INIT(LIMIT_ANSWER_SIZE),
        };

        r = explain_tell(explain, &report);
        report_deinit(&report);
    }
    return r;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* 0 or EXIT_USAGE when one of the files could not be read; the others are shown all the same. */
static int explain_paths(struct explain *explain, const struct options *options)
{
    struct buf path = BUF_INIT(8192), fault = BUF_INIT(16384);
    int code = 0;

    for (size_t i = 0; i < options->path_count && !explain->write_code; i++) {
        struct found_file file = {0};
        int r;

        buf_clear(&path);
        buf_clear(&fault);
        r = cli_absolute(&path, options->paths[i]);
        if (!r && is_folder(buf_text(&path))) {
            buf_put_text(&fault, buf_text(&path));
            buf_put_text(&fault, " is a folder; name the certificate's file in it");
            r = -EISDIR;
        }
        if (!r) {
            r = lookup_file(explain->lookup, buf_text(&path), &file, &fault);
            r = r ? r : explain_found(explain, buf_text(&path), &file);
            found_file_deinit(&file);
        }
        if (r && fault.size) {
            cli_complain("%s", buf_text(&fault));
        } else if (r) {
            cli_complain("%s: %s", options->paths[i], strerror(-r));
        }
        code = r ? EXIT_USAGE : code;
    }
    buf_deinit(&path);
    buf_deinit(&fault);
    return code;
}

static void explain_write_json(struct explain *explain)
{
    struct buf text = BUF_INIT(OUTPUT_MAX);
    json_t *root = json_pack("{s:O}", "certs", explain->certs);
    char *dump = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    buf_put_text(&text, dump ? dump : "");
    buf_put_byte(&text, '\n');
    text.status = dump ? text.status : -ENOMEM;
    explain_write(explain, &text, false);
    free(dump);
    json_decref(root);
    buf_deinit(&text);
}

/* The exit code. */
static int explain_run(struct explain *explain, const struct options *options)
{
    int code;

    explain->certs = options->json ? json_array() : NULL;
    code = explain_paths(explain, options);
    if (explain->certs) {
        explain_write_json(explain);
        json_decref(explain->certs);
    }
    code = code ? code : explain->write_code;
    return code ? code : explain->bad ? EXIT_NOT_DONE : EXIT_OK;
}

int command_explain(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    _cleanup_(lookup_freep)
    struct lookup *lookup = NULL;
    _cleanup_(explain_asker_freep)
    struct explain_asker *asker = NULL;
    struct explain explain = {0};
    struct log log;
    int code, r;

    cli_log(&log, options);
    code = cli_config(options, &config);
    if (code) {
        return code;
    }
    /* Without a store there is still all of the certificate to explain. */
    r = lookup_new(&lookup, config, &log);
    if (!r && !options->offline) {
        r = explain_asker_new(&asker, lookup, config);
    }
    if (r) {
        cli_complain("cannot begin: %s", strerror(-r));
        return EXIT_USAGE;
    }
    explain.lookup = lookup;
    explain.asker = asker;
    explain.config = config;
    return explain_run(&explain, options);
}
