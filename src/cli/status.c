/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "cli/health.h"
#include "io/clock.h"
#include "io/control.h"
#include "io/store.h"

/* The store has nearly the same to tell: nobody waits long for a daemon that hangs or is stopped.
 */
#define PATIENCE_MS 3000

struct status {
    struct cli_table *table;
    char **paths; /* absolute; only rows at these */
    char **reals; /* the same without symbolic links; NULL where it cannot be told */
    bool *seen;   /* per path */
    size_t path_count;
    bool dead; /* no daemon: nothing is tried, and what has ended is not served */
    int64_t wall_s;
    json_t *answer; /* of the daemon, while health points into it */
    struct health health;
    bool healthy; /* health is set: the daemon told it */
};

/* True when @path is @pattern, lies under it, or is matched by it as a glob. */
static bool path_matches(const char *pattern, const char *path)
{
    size_t size = text_length(pattern);

    if (text_starts_with(path, pattern) &&
        (!path[size] || path[size] == '/' || pattern[size - 1] == '/')) {
        return true;
    }
    return fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

/* A certificate of several paths has one of them in its row: it may be the other name of a link. */
static bool path_is_wanted(const struct status *status, size_t i, const char *path)
{
    _cleanup_(freep)
    char *real = NULL;

    if (path_matches(status->paths[i], path)) {
        return true;
    }
    if (!status->reals[i]) {
        return false;
    }
    real = path_matches(status->reals[i], path) ? NULL : realpath(path, NULL);
    return path_matches(status->reals[i], real ? real : path);
}

static void status_row(void *context, const struct cert_row *row)
{
    struct status *status = context;
    struct cert_row shown = *row;
    bool wanted = status->path_count == 0;

    for (size_t i = 0; i < status->path_count; i++) {
        if (path_is_wanted(status, i, row->path)) {
            status->seen[i] = true;
            wanted = true;
        }
    }
    if (!wanted || !row->path[0]) { /* without path: gone, kept for its return only */
        return;
    }
    if (status->dead) {
        shown.next_try_s = INSTANT_NEVER;
        if ((row->state == CERT_STATE_HELD || row->state == CERT_STATE_FAILING) &&
            row->serve.until_s <= status->wall_s) {
            shown.state = CERT_STATE_MISSING;
        }
    }
    cli_table_row(status->table, &shown);
}

/* Rows of the daemon's answer. False when it is none. */
static bool status_answer(struct status *status, const json_t *answer)
{
    const json_t *certs = json_object_get(answer, "certs"), *item;
    struct cert_row row;
    size_t i;

    if (!json_is_true(json_object_get(answer, "ok")) || !json_is_array(certs)) {
        return false;
    }
    json_array_foreach(certs, i, item)
    {
        if (!control_row_from_json(item, &row)) {
            return false;
        }
    }
    json_array_foreach(certs, i, item)
    {
        control_row_from_json(item, &row);
        status_row(status, &row);
    }
    status->healthy = health_from_json(answer, &status->health);
    return true;
}

enum { ASKED = 0, ASKED_NOBODY, ASKED_IN_VAIN };

/* ASKED: the daemon has told. ASKED_NOBODY: there is none. ASKED_IN_VAIN: it did not tell, and the
 * reason is told. */
static int ask_daemon(struct status *status, const struct config *config)
{
    json_t *request = json_pack("{s:s}", "do", "status");
    struct buf fault = BUF_INIT(4096);
    int r = 0, asked = ASKED;
    json_t *answer = control_ask(config->control, request, PATIENCE_MS, &r, &fault);
    const char *error = json_string_value(json_object_get(answer, "error"));

    if (!answer && (r == -ENOENT || r == -ECONNREFUSED)) {
        asked = ASKED_NOBODY;
    } else if (!answer) {
        cli_complain("%s", buf_text(&fault));
        asked = ASKED_IN_VAIN;
    } else if (error) {
        cli_complain("%s: the daemon says: %s", config->control, error);
        asked = ASKED_IN_VAIN;
    } else if (!status_answer(status, answer)) {
        cli_complain("%s: the daemon's answer cannot be understood; is it of another version?",
                     config->control);
        asked = ASKED_IN_VAIN;
    }
    status->answer = answer;
    json_decref(request);
    buf_deinit(&fault);
    return asked;
}

/* 0, or EXIT_USAGE after telling. */
static int read_store(struct status *status, const struct config *config, const struct log *log)
{
    _cleanup_(store_closep)
    struct store *store = NULL;
    int r = store_open_reader(&store, config->state_dir, log);

    if (r == STORE_E_ABSENT) {
        cli_complain("%sthere is no store in %s; is --state right, has `clinch run` or `clinch "
                     "once` been there?",
                     status->dead ? "no daemon is running, and " : "", config->state_dir);
        return EXIT_USAGE;
    }
    r = r ? r : store_rows(store, status_row, status);
    if (r) {
        cli_complain("%sthe store in %s cannot be read",
                     status->dead ? "no daemon is running, and " : "", config->state_dir);
        return EXIT_USAGE;
    }
    return 0;
}

static int status_print(struct status *status, const struct options *options,
                        const struct config *config, const struct log *log)
{
    static const char *const sentences[] = {
        [ASKED] = "The daemon is running; state directory ",
        [ASKED_NOBODY] = "No daemon is running; from the store in ",
        [ASKED_IN_VAIN] = "The daemon could not be asked; from the store in ",
    };
    struct buf sentence = BUF_INIT(8192);
    int asked = ask_daemon(status, config), code;

    status->dead = asked == ASKED_NOBODY;
    code = asked == ASKED ? 0 : read_store(status, config, log);
    if (code) {
        cli_table_free(status->table);
        return code;
    }
    buf_put_text(&sentence, sentences[asked]);
    buf_put_printable(&sentence, slice_of_text(config->state_dir), 4096);
    if (status->healthy) {
        cli_table_health(status->table, &status->health);
    }
    cli_table_source(status->table, asked == ASKED ? "daemon" : "store", buf_text(&sentence));
    code = cli_table_end(status->table, status->wall_s);
    for (size_t i = 0; i < status->path_count; i++) {
        if (!status->seen[i]) {
            cli_complain("nothing is known of %s", options->paths[i]);
            code = code ? code : EXIT_NOT_DONE;
        }
    }
    buf_deinit(&sentence);
    return code;
}

static int status_paths(struct status *status, const struct options *options)
{
    struct buf path = BUF_INIT(8192);
    int r = 0;

    status->paths = calloc(options->path_count + 1, sizeof(*status->paths));
    status->reals = calloc(options->path_count + 1, sizeof(*status->reals));
    status->seen = calloc(options->path_count + 1, sizeof(*status->seen));
    r = status->paths && status->reals && status->seen ? 0 : -ENOMEM;
    for (size_t i = 0; !r && i < options->path_count; i++) {
        buf_clear(&path);
        r = cli_absolute(&path, options->paths[i]);
        status->paths[i] = r ? NULL : text_copy(slice_of_buf(&path));
        r = r || status->paths[i] ? r : -ENOMEM;
        status->reals[i] = status->paths[i] ? realpath(status->paths[i], NULL) : NULL;
        status->path_count++;
    }
    buf_deinit(&path);
    return r;
}

int command_status(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct status status = {.wall_s = clock_now().wall_s};
    struct log log;
    int code, r;

    cli_log(&log, options);
    code = cli_config(options, &config);
    if (code) {
        return code;
    }
    r = status_paths(&status, options);
    r = r ? r : cli_table_begin(&status.table, options->json);
    if (!r && options->metrics) {
        cli_table_metrics(status.table);
    }
    if (r) {
        cli_complain("cannot begin: %s", strerror(-r));
        code = EXIT_USAGE;
    } else {
        code = status_print(&status, options, config, &log);
    }
    for (size_t i = 0; i < status.path_count; i++) {
        free(status.paths[i]);
        free(status.reals[i]);
    }
    health_deinit(&status.health);
    json_decref(status.answer);
    free(status.paths);
    free(status.reals);
    free(status.seen);
    return code;
}
