/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/daemon.h"
#include "cli/rows.h"
#include "io/clock.h"
#include "io/control.h"

#define LOOK_EACH_MS    50
#define PUBLISH_MOST_MS 70000 /* a reload command may take its minute */

struct pass {
    struct daemon daemon;
    bool whole;           /* every source of the configuration, not just some paths */
    bool wait;            /* for staples; else only for the attempts to end */
    bool told_publishers; /* that nothing more will come */
    int64_t until_ms;
    int64_t looked_ms;
    int64_t settled_ms; /* when everything had ended but the publishers; 0: not yet */
};

/* What came of it, from the host or from the daemon that was asked. */
struct outcome {
    struct tally tally;
    struct cli_table *table; /* NULL: nothing is printed */
    bool publishers_failing;
    bool conflict; /* in the configuration: two certificates, one path */
    bool strict;
    const char *absent; /* a path of the command line that leads nowhere; NULL: none */
};

static void outcome_add(void *context, const struct cert_row *row)
{
    struct outcome *outcome = context;

    tally_add(&outcome->tally, row);
    if (outcome->table) {
        cli_table_row(outcome->table, row);
    }
    if (row_must_staple_bare(row) || (outcome->strict && row_could(row) && !row_is_held(row))) {
        fprintf(stderr, "clinch: no staple for %s%s (%s)\n", row->must_staple ? "must-staple " : "",
                row->path[0] ? row->path : row->name, cert_state_name(row->state));
    }
}

/* Who waits for the staple of a certificate must not go on without having named one. */
static const char *find_absent(const struct options *options)
{
    struct stat info;

    for (size_t i = 0; i < options->path_count; i++) {
        const char *path = options->paths[i];

        if (!path[strcspn(path, "*?[")] && stat(path, &info) && errno == ENOENT) {
            return path;
        }
    }
    return NULL;
}

static int outcome_begin(struct outcome *outcome, const struct options *options)
{
    outcome->strict = options->strict;
    outcome->absent = find_absent(options);
    if (!options->json && !options->verbose && !isatty(STDOUT_FILENO)) {
        return 0; /* from cron, silence means that all is well */
    }
    return cli_table_begin(&outcome->table, options->json);
}

static int outcome_end(struct outcome *outcome)
{
    const struct tally *tally = &outcome->tally;

    if (outcome->table && cli_table_end(outcome->table, clock_now().wall_s)) {
        return EXIT_USAGE;
    }
    if (!tally->certs) {
        fprintf(stderr, "clinch: no certificate found\n");
        return EXIT_USAGE;
    }
    if (outcome->absent) {
        cli_complain("%s: no such file or folder", outcome->absent);
        return EXIT_USAGE;
    }
    if (outcome->conflict) {
        return EXIT_USAGE;
    }
    if (tally->must_staple_bare || (outcome->strict && tally->held < tally->could)) {
        return EXIT_NOT_DONE;
    }
    if (outcome->publishers_failing && outcome->strict) {
        fprintf(stderr, "clinch: not every server has taken its staple\n");
        return EXIT_NOT_DONE;
    }
    return EXIT_OK;
}

/* Ends the loop when nothing is left to wait for. */
static int64_t on_turn(struct daemon *daemon, struct instant now)
{
    struct pass *pass = (struct pass *)((char *)daemon - offsetof(struct pass, daemon));
    struct host_progress progress;
    bool busy = host_is_asking(daemon->host);

    if (busy && now.mono_ms < pass->until_ms &&
        now.mono_ms < time_add(pass->looked_ms, LOOK_EACH_MS)) {
        return time_add(pass->looked_ms, LOOK_EACH_MS);
    }
    pass->looked_ms = now.mono_ms;
    host_look(daemon->host, now, NULL, &progress);
    if (now.mono_ms < pass->until_ms &&
        (progress.settled < progress.certs || (pass->wait && progress.held < progress.could))) {
        return time_min(pass->until_ms, time_add(now.mono_ms, LOOK_EACH_MS));
    }
    if (!pass->settled_ms) {
        pass->settled_ms = now.mono_ms;
        if (pass->whole) {
            publisher_reconcile(daemon->publisher);
        }
        return now.mono_ms; /* one more turn: the flush behind it publishes the last ones */
    }
    if (!pass->told_publishers) {
        pass->told_publishers = true;
        publisher_settle(daemon->publisher);
    }
    if ((publisher_busy(daemon->publisher) || hook_busy(daemon->hook)) &&
        now.mono_ms < pass->settled_ms + PUBLISH_MOST_MS) {
        return time_add(now.mono_ms, LOOK_EACH_MS);
    }
    uv_stop(&daemon->loop);
    return INSTANT_NEVER;
}

static void run_pass(struct pass *pass, const struct options *options, struct outcome *outcome)
{
    struct daemon *daemon = &pass->daemon;
    struct instant now = clock_now();

    pass->whole = options->path_count == 0;
    pass->wait = options->wait_s > 0;
    pass->until_ms = pass->wait ? time_add(now.mono_ms, options->wait_s * 1000) : INSTANT_NEVER;
    pass->looked_ms = INT64_MIN;
    daemon->turn = on_turn;
    daemon_scan(daemon);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    now = clock_now();
    now.mono_ms = INSTANT_NEVER - 1; /* whatever waits for company goes now */
    daemon_check(daemon, host_flush(daemon->host, now));
    daemon_tidy(daemon, pass->whole);
    host_rows(daemon->host, clock_now(), NULL, outcome_add, outcome);
    outcome->publishers_failing = publisher_failing(daemon->publisher);
    outcome->conflict = publisher_conflicting(daemon->publisher);
}

static void add_paths(json_t *request, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(json_object_get(request, "paths"), json_string(paths[i]));
    }
}

/* A daemon that holds the state directory does the work; here is only waited for it. */
static bool ask_daemon(const struct config *config, const struct options *options,
                       struct outcome *outcome)
{
    _cleanup_(buf_deinit)
    struct buf fault = BUF_INIT(4096);
    int64_t wait_s = options->wait_s > 0 ? options->wait_s : 0;
    json_t *request, *answer, *rows, *item;
    size_t i;
    int r = 0;

    if (!cli_daemon_answers(config)) {
        return false;
    }
    request =
        json_pack("{s:s,s:I,s:[]}", "do", "ensure", "deadline_s", (json_int_t)wait_s, "paths");
    add_paths(request, config->certificates, config->certificate_count);
    /* Whatever lies there with the daemon's certificates is an issuer candidate to it. */
    add_paths(request, config->issuers, config->issuer_count);
    answer = control_ask(config->control, request, (wait_s ? wait_s + 60 : 660) * 1000, &r, &fault);
    json_decref(request);
    if (!answer) {
        return false;
    }
    rows = json_object_get(answer, "certs");
    if (!rows) {
        fprintf(stderr, "clinch: the daemon says: %s\n",
                json_string_value(json_object_get(answer, "error")));
    }
    json_array_foreach(rows, i, item)
    {
        struct cert_row row;

        if (control_row_from_json(item, &row)) {
            outcome_add(outcome, &row);
        }
    }
    outcome->publishers_failing = json_is_true(json_object_get(answer, "publishers_failing"));
    json_decref(answer);
    return true;
}

int command_once(const struct options *options)
{
    struct outcome outcome = {0};
    struct pass pass = {0};
    struct config *config = NULL;
    int r;

    r = cli_config(options, &config);
    if (r) {
        return r;
    }
    signal(SIGPIPE, SIG_IGN);
    r = outcome_begin(&outcome, options);
    if (r) {
        config_free(config);
        return EXIT_NOT_DONE;
    }
    if (ask_daemon(config, options, &outcome)) {
        config_free(config);
        return outcome_end(&outcome);
    }
    config->policy.attempts = options->wait_s > 0 ? 0 : 1;
    r = daemon_open(&pass.daemon, config, options);
    if (!r) {
        if (!options->verbose) {
            pass.daemon.log.least = NOTE_WARNING;
        }
        run_pass(&pass, options, &outcome);
        r = outcome_end(&outcome);
    } else if (r < 0) {
        log_say(&pass.daemon.log, NOTE_ERROR, "cannot start: %s", strerror(-r));
        r = EXIT_NOT_DONE;
    }
    daemon_close(&pass.daemon);
    return r;
}
