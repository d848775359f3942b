/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "conf/config-value.h"
#include "io/clock.h"

#define HOST_MAX   1024
#define OUTPUT_MAX ((size_t)1 << 20)
#define FAULT_MAX  4096

struct probe {
    const struct options *options;
    struct log log;
    struct config *config;
    struct lookup *lookup;
    struct tls_client *client;
    struct buf host;
    struct probe_report report;
    int code;
};

static void put_json(struct buf *out, const struct probe_report *report)
{
    json_t *root = probe_json(report);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    if (text) {
        buf_put(out, text, strlen(text));
        buf_put_byte(out, '\n');
    } else {
        out->status = -ENOMEM;
    }
    free(text);
    json_decref(root);
}

static void put_report(struct buf *out, const struct probe_report *report)
{
    unsigned width = cli_terminal_width(STDOUT_FILENO);
    struct buf text = BUF_INIT(OUTPUT_MAX);

    probe_put_text(&text, report);
    if (width) {
        report_fit(out, slice_of_buf(&text), width);
    } else {
        buf_put_slice(out, slice_of_buf(&text));
    }
    out->status = out->status ? out->status : buf_status(&text);
    buf_deinit(&text);
}

/* @nothing was seen. */
static int code_of(const struct probe_report *report, bool nothing)
{
    for (unsigned i = 0; i < report->count; i++) {
        if (report->shown[i].bad) {
            return EXIT_NOT_DONE;
        }
    }
    return nothing ? EXIT_USAGE : EXIT_OK;
}

/* The exit code. */
static int tell(const struct probe_report *report, bool json)
{
    struct buf out = BUF_INIT(OUTPUT_MAX), fault = BUF_INIT(FAULT_MAX);
    bool nothing = probe_fault(report, &fault);
    int code = code_of(report, nothing);

    if (json) {
        put_json(&out, report);
    } else if (!nothing) {
        put_report(&out, report);
    }
    if (nothing) {
        cli_complain("%s, port %u: %s%s", report->host, report->port, buf_text(&fault),
                     report->starttls == STARTTLS_NONE && strstr(buf_text(&fault), "not TLS")
                         ? " (servers of mail, LDAP and the like want --starttls)"
                         : "");
    }
    if (buf_status(&out)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    } else if (out.size && cli_write(slice_of_buf(&out))) {
        code = EXIT_USAGE;
    }
    buf_deinit(&out);
    buf_deinit(&fault);
    return code;
}

static void on_done(void *context, const struct tls_probe_result *result)
{
    struct probe *probe = context;

    probe->report.result = result;
    probe->report.wall_s = clock_now().wall_s;
    if (probe_look(&probe->report, probe->lookup)) {
        cli_complain("out of memory");
        probe->code = EXIT_USAGE;
    } else {
        probe->code = tell(&probe->report, probe->options->json);
    }
    probe_report_deinit(&probe->report);
}

static int wrong_protocol(const char *word)
{
    const char *words[STARTTLS_PROTOCOLS - 1], *nearest;
    struct buf list = BUF_INIT(256);

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = starttls_name((enum starttls_protocol)(i + 1));
        buf_put_text(&list, i ? ", " : "");
        buf_put_text(&list, words[i]);
    }
    nearest = value_nearest(word, words, ARRAY_SIZE(words));
    cli_complain("--starttls takes one of %s, not %s%s%s%s", buf_text(&list), word,
                 nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    buf_deinit(&list);
    return EXIT_USAGE;
}

/* 0, or EXIT_USAGE after telling. */
static int read_target(struct probe *probe)
{
    const struct options *options = probe->options;
    struct probe_report *report = &probe->report;
    const char *fault;

    if (options->starttls) {
        report->starttls = starttls_by_name(options->starttls);
        if (report->starttls == STARTTLS_NONE) {
            return wrong_protocol(options->starttls);
        }
    }
    if (!tls_probe_read_target(options->paths[0], &probe->host, &report->port)) {
        cli_complain("%s is no server: a name or an address, and perhaps :PORT (an IPv6 address "
                     "then in brackets)",
                     options->paths[0]);
        return EXIT_USAGE;
    }
    report->host = buf_text(&probe->host);
    report->port = report->port ? report->port : starttls_port(report->starttls);
    report->servername = options->servername                  ? options->servername
                         : tls_probe_is_address(report->host) ? NULL
                                                              : report->host;
    fault = report->servername ? tls_probe_check_name(report->servername) : NULL;
    if (fault) {
        cli_complain("--servername %s %s", report->servername, fault);
    }
    return fault ? EXIT_USAGE : 0;
}

/* 0 or <0. */
static int probe_run(struct probe *probe, uv_loop_t *loop)
{
    const struct probe_report *report = &probe->report;
    const struct tls_probe_order order = {
        .client = probe->client,
        .host = report->host,
        .port = report->port,
        .servername = report->servername,
        .starttls = report->starttls,
        .step_ms = TLS_STEP_MS,
        .done = on_done,
        .context = probe,
    };
    struct tls_probe *running;
    int r = tls_probe_start(&running, loop, &order);

    uv_run(loop, UV_RUN_DEFAULT);
    return r;
}

static int probe_begin(struct probe *probe)
{
    const struct options *options = probe->options;
    uv_loop_t loop;
    int code, r;

    cli_log(&probe->log, options);
    code = read_target(probe);
    code = code ? code : cli_config(options, &probe->config);
    code = code ? code : cli_policy(options, &probe->config->policy);
    if (code) {
        return code;
    }
    probe->report.state_dir = probe->config->state_dir;
    r = lookup_new(&probe->lookup, probe->config, &probe->log);
    r = r ? r : tls_client_new(&probe->client);
    r = r ? r : uv_loop_init(&loop);
    if (!r) {
        r = probe_run(probe, &loop);
        uv_loop_close(&loop);
    }
    if (r) {
        cli_complain("cannot begin: %s", strerror(-r));
        return EXIT_USAGE;
    }
    return probe->code;
}

int command_probe(const struct options *options)
{
    struct probe probe = {.options = options, .host = BUF_INIT(HOST_MAX), .code = EXIT_USAGE};
    int code = probe_begin(&probe);

    tls_client_free(probe.client);
    lookup_free(probe.lookup);
    config_free(probe.config);
    buf_deinit(&probe.host);
    return code;
}
