/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/daemon.h"
#include "cli/health.h"
#include "io/clock.h"
#include "io/control.h"
#include "io/notify.h"
#include "io/watch.h"
#include "io/witness.h"

#define ENSURE_MOST_S    86400 /* nobody is kept waiting longer */
#define ENSURE_SETTLE_S  600   /* without --wait: for the attempts to end */
#define ENSURE_PATHS_MAX 10000

#define READY_MOST_MS 10000 /* servers that are started behind us are not kept waiting longer */

/* A `once` that waits for its certificates. */
struct ensure {
    struct ensure *next;
    struct control_call *call;
    char **paths;
    size_t path_count;
    bool wait; /* for staples; else only for the attempts to end */
    int64_t until_ms;
};

struct runner {
    struct daemon daemon;
    const struct options *options;
    struct watch *watch;
    struct control *control;
    struct witness *witness; /* NULL: no entry has `verify` */
    uv_signal_t signals[3];  /* TERM, INT, HUP */
    uv_timer_t watchdog;
    struct ensure *ensures;
    bool ready;
    bool told_ready; /* to the service manager */
    int64_t tell_ready_ms;
};

static struct runner *runner_of(struct daemon *daemon)
{
    return (struct runner *)((char *)daemon - offsetof(struct runner, daemon));
}

static void ensure_free(struct ensure *ensure)
{
    for (size_t i = 0; i < ensure->path_count; i++) {
        free(ensure->paths[i]);
    }
    free(ensure->paths);
    free(ensure);
}

static void scan_all(struct runner *runner)
{
    watch_begin(runner->watch);
    daemon_scan(&runner->daemon);
    watch_end(runner->watch);
}

static void on_changed(void *context)
{
    scan_all(context);
}

static void on_directory(void *context, const char *path)
{
    watch_directory(((struct runner *)context)->watch, path);
}

/* By leaf, so that a certificate under two of the paths comes once. */
static void collect_row(void *context, const struct cert_row *row)
{
    json_object_set_new(context, row->leaf_sha256, control_row_to_json(row));
}

static void answer_fault(struct control_call *call, const char *fault)
{
    control_answer(call, json_pack("{s:b,s:s}", "ok", 0, "error", fault));
}

/* What is known of responders, clock and servers, beside the rows. */
static void add_health(const struct runner *runner, struct instant now, json_t *answer)
{
    const struct host *host = runner->daemon.host;
    uint32_t count = host_responders(host);
    struct health health = {.responders = calloc((size_t)count + 1, sizeof(*health.responders))};

    for (uint32_t i = 0; health.responders && i < count; i++) {
        host_look_responder(host, i, now, &health.responders[health.count++]);
    }
    host_look_clock(host, now, &health.clock);
    if (runner->witness) {
        (void)health_add_servers(&health, runner->witness);
    }
    publisher_each_trouble(runner->daemon.publisher, health_add_trouble, &health);
    (void)health_to_json(&health, answer); /* without memory the asker does without */
    health_deinit(&health);
}

static void answer_rows(struct runner *runner, struct control_call *call,
                        const struct ensure *ensure)
{
    struct instant now = clock_now();
    json_t *by_leaf = json_object();
    json_t *rows = json_array(), *answer;
    const char *leaf;
    json_t *row;

    if (!ensure) {
        host_rows(runner->daemon.host, now, NULL, collect_row, by_leaf);
    }
    for (size_t i = 0; ensure && i < ensure->path_count; i++) {
        host_rows(runner->daemon.host, now, ensure->paths[i], collect_row, by_leaf);
    }
    json_object_foreach(by_leaf, leaf, row)
    {
        json_array_append(rows, row);
    }
    json_decref(by_leaf);
    answer = json_pack("{s:b,s:i,s:b,s:o}", "ok", 1, "pid", (int)getpid(), "publishers_failing",
                       publisher_failing(runner->daemon.publisher), "certs", rows);
    if (!ensure) {
        add_health(runner, now, answer);
    }
    control_answer(call, answer);
}

static bool ensure_is_done(const struct runner *runner, const struct ensure *ensure,
                           struct instant now)
{
    if (now.mono_ms >= ensure->until_ms) {
        return true;
    }
    for (size_t i = 0; i < ensure->path_count; i++) {
        struct host_progress progress;

        host_look(runner->daemon.host, now, ensure->paths[i], &progress);
        if (progress.settled < progress.certs || (ensure->wait && progress.held < progress.could)) {
            return false;
        }
    }
    return !publisher_busy(runner->daemon.publisher);
}

/* A server that is started behind us is to find what the store had, in its files. For servers and
 * their commands nobody waits: they may come up only behind us. */
static int64_t tell_ready(struct runner *runner, struct instant now)
{
    if (!runner->told_ready && publisher_writing(runner->daemon.publisher) &&
        now.mono_ms < runner->tell_ready_ms) {
        return runner->tell_ready_ms;
    }
    if (!runner->told_ready) {
        runner->told_ready = true;
        notify_ready();
    }
    return INSTANT_NEVER;
}

/* Answers those who waited long enough. */
static int64_t on_turn(struct daemon *daemon, struct instant now)
{
    struct runner *runner = runner_of(daemon);
    struct ensure **link = &runner->ensures;
    int64_t due_ms = tell_ready(runner, now);

    if (!runner->ready && !host_is_asking(daemon->host)) {
        runner->ready = true;
        publisher_reconcile(daemon->publisher);
        daemon_tidy(daemon, true);
    }
    while (*link) {
        struct ensure *ensure = *link;

        if (!ensure_is_done(runner, ensure, now)) {
            link = &ensure->next;
            continue;
        }
        *link = ensure->next;
        answer_rows(runner, ensure->call, ensure);
        ensure_free(ensure);
    }
    return runner->ensures ? time_min(due_ms, time_add(now.mono_ms, 50)) : due_ms;
}

static int ensure_add(struct ensure *ensure, const char *path)
{
    char **paths = realloc(ensure->paths, (ensure->path_count + 1) * sizeof(*paths));

    if (!paths) {
        return -ENOMEM;
    }
    ensure->paths = paths;
    paths[ensure->path_count] = strdup(path);
    ensure->path_count += paths[ensure->path_count] != NULL;
    return 0;
}

/* A pattern stands for what it matches now, and for itself as a new source. */
static int ensure_add_pattern(struct ensure *ensure, const char *pattern)
{
    glob_t found = {0};
    int r = ensure_add(ensure, pattern);

    if (strpbrk(pattern, "*?[") && glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; !r && i < found.gl_pathc && i < ENSURE_PATHS_MAX; i++) {
            r = ensure_add(ensure, found.gl_pathv[i]);
        }
        globfree(&found);
    }
    return r;
}

static struct ensure *ensure_new(const json_t *request)
{
    const json_t *paths = json_object_get(request, "paths");
    struct ensure *ensure = calloc(1, sizeof(*ensure));
    json_int_t deadline_s = json_integer_value(json_object_get(request, "deadline_s"));

    if (!ensure || !json_array_size(paths)) {
        free(ensure);
        return NULL;
    }
    ensure->wait = deadline_s > 0;
    deadline_s = deadline_s <= 0              ? ENSURE_SETTLE_S
                 : deadline_s < ENSURE_MOST_S ? deadline_s
                                              : ENSURE_MOST_S;
    ensure->until_ms = clock_now().mono_ms + 1000 * deadline_s;
    for (size_t i = 0; i < json_array_size(paths) && i < ENSURE_PATHS_MAX; i++) {
        const char *path = json_string_value(json_array_get(paths, i));

        if (!path || path[0] != '/' || ensure_add_pattern(ensure, path)) {
            ensure_free(ensure);
            return NULL;
        }
    }
    return ensure;
}

/* Looks at the paths now, also where no source names them yet, and asks at once. */
static void start_ensure(struct runner *runner, struct control_call *call, const json_t *request)
{
    struct ensure *ensure = ensure_new(request);

    if (!ensure) {
        answer_fault(call, "ensure wants `paths`, a list of absolute paths");
        return;
    }
    ensure->call = call;
    for (size_t i = 0; i < ensure->path_count; i++) {
        struct host_progress progress;

        host_look(runner->daemon.host, clock_now(), ensure->paths[i], &progress);
        if (!progress.certs) {
            daemon_check(&runner->daemon, scan_add(runner->daemon.scan, ensure->paths[i]));
        }
    }
    scan_all(runner);
    for (size_t i = 0; i < ensure->path_count; i++) {
        daemon_check(&runner->daemon, host_ask(runner->daemon.host, clock_now(), ensure->paths[i]));
    }
    ensure->next = runner->ensures;
    runner->ensures = ensure;
}

static void on_asked(void *context, struct control_call *call, const json_t *request)
{
    struct runner *runner = context;
    const char *what = json_string_value(json_object_get(request, "do"));

    if (what && strcmp(what, "status") == 0) {
        answer_rows(runner, call, NULL);
    } else if (what && strcmp(what, "ensure") == 0) {
        start_ensure(runner, call, request);
    } else {
        answer_fault(call, "`do` must be `status` or `ensure`");
    }
}

static bool text_differs(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) != 0 : a != b;
}

static bool policy_differs(const struct policy *new, const struct policy *old)
{
    return new->allow_loopback != old->allow_loopback || new->audience != old->audience ||
           new->max_age_s != old->max_age_s ||
           new->responder_concurrency != old->responder_concurrency ||
           new->responder_rate != old->responder_rate ||
           new->staple_revoked != old->staple_revoked ||
           new->must_staple_grace != old->must_staple_grace;
}

static bool needs_restart(const struct config *new, const struct config *old)
{
    return text_differs(new->state_dir, old->state_dir) ||
           text_differs(new->control, old->control) || text_differs(new->proxy, old->proxy) ||
           policy_differs(&new->policy, &old->policy) || new->timeout_ms != old->timeout_ms ||
           new->connect_timeout_ms != old->connect_timeout_ms;
}

/* A server has taken something, or lets go of it. */
static void on_handed(void *context, const struct handed *handed)
{
    struct runner *runner = context;

    for (size_t i = 0; i < handed->target->verify_count; i++) {
        const struct verify_config *verify = &handed->target->verify[i];
        const struct witness_order order = {
            .address = verify->address,
            .servername = verify->servername,
            .starttls = starttls_by_name(verify->starttls ? verify->starttls : ""),
            .leaf_sha256 = handed->leaf_sha256,
            .name = handed->name,
            .path = handed->path ? handed->path : "",
            .der = handed->der,
            .next_update_s = handed->next_update_s,
            .hidden_s = handed->hidden_s,
            .told = handed->told,
        };

        if (handed->what == HANDED_GONE) {
            witness_forget(runner->witness, &order);
        } else {
            daemon_check(&runner->daemon, witness_expect(runner->witness, &order));
        }
    }
}

/* Servers of @publisher are looked at from now on, where the configuration wants it. */
static int watch_servers(struct runner *runner, struct publisher *publisher,
                         const struct config *config)
{
    bool wanted = false;
    int r;

    for (size_t i = 0; i < config->target_count; i++) {
        wanted |= config->targets[i].verify_count > 0;
    }
    witness_close(steal(&runner->witness));
    if (!wanted) {
        return 0;
    }
    r = witness_new(&runner->witness, &runner->daemon.loop, &runner->daemon.log);
    if (!r) {
        publisher_watch(publisher, on_handed, runner);
    }
    return r;
}

/* SIGHUP: certificates, issuers and publishers are taken from the configuration anew. */
static void reload(struct runner *runner)
{
    struct daemon *daemon = &runner->daemon;
    struct config *config = NULL;
    struct publisher *publisher = NULL;
    int r;

    notify_reloading(clock_now().mono_ms * 1000);
    r = cli_config(runner->options, &config);
    if (r) {
        log_say(&daemon->log, NOTE_ERROR, "reload: going on with the configuration as it was");
        notify_ready();
        return;
    }
    if (needs_restart(config, daemon->config)) {
        log_say(&daemon->log, NOTE_WARNING,
                "reload: only `certificates`, `issuers`, `publish`, `reload_interval` and "
                "`on_revoked_command` change without a restart");
    }
    r = daemon_publisher(daemon, config, &publisher);
    if (r) {
        config_free(config);
        daemon_check(daemon, r);
        notify_ready();
        return;
    }
    publisher_close(daemon->publisher);
    daemon->publisher = publisher;
    daemon_check(daemon, watch_servers(runner, publisher, config));
    hook_set(daemon->hook, config->on_revoked_command, config->on_revoked_count);
    config_free(daemon->config);
    daemon->config = config;
    scan_clear(daemon->scan);
    daemon_add_sources(daemon);
    daemon_check(daemon, host_show_all(daemon->host));
    scan_all(runner);
    runner->ready = false; /* what no target wants any more is withdrawn behind the next turn */
    log_say(&daemon->log, NOTE_INFO, "reloaded: %zu sources, %zu targets",
            config->certificate_count, config->target_count);
    notify_ready();
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct runner *runner = signal->data;

    if (number == SIGHUP) {
        reload(runner);
        return;
    }
    log_say(&runner->daemon.log, NOTE_INFO, "ending (signal %d); what is published stays", number);
    uv_stop(&runner->daemon.loop);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_watchdog();
}

static int start_parts(struct runner *runner)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct daemon *daemon = &runner->daemon;
    int64_t watchdog_ms = notify_watchdog_ms();
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uv_signal_init(&daemon->loop, &runner->signals[i]);
        runner->signals[i].data = runner;
        uv_signal_start(&runner->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&daemon->loop, &runner->watchdog);
    if (watchdog_ms > 0) {
        uv_timer_start(&runner->watchdog, on_watchdog, 0, (uint64_t)watchdog_ms / 2);
    }
    r = watch_servers(runner, daemon->publisher, daemon->config);
    r = r ? r : watch_new(&runner->watch, &daemon->loop, &daemon->log, on_changed, runner);
    if (r) {
        return r;
    }
    return control_new(&runner->control, &daemon->loop, daemon->config->control, &daemon->log,
                       on_asked, runner);
}

static void close_parts(struct runner *runner)
{
    while (runner->ensures) {
        struct ensure *ensure = runner->ensures;

        runner->ensures = ensure->next;
        answer_fault(ensure->call, "the daemon is ending");
        ensure_free(ensure);
    }
    for (size_t i = 0; i < ARRAY_SIZE(runner->signals); i++) {
        if (runner->signals[i].loop) {
            uv_close((uv_handle_t *)&runner->signals[i], NULL);
        }
    }
    if (runner->watchdog.loop) {
        uv_close((uv_handle_t *)&runner->watchdog, NULL);
    }
    witness_close(runner->witness);
    if (runner->watch) {
        watch_close(runner->watch);
    }
    if (runner->control) {
        control_close(runner->control);
    }
}

static void run_loop(struct runner *runner)
{
    struct daemon *daemon = &runner->daemon;

    daemon->turn = on_turn;
    daemon->directory = on_directory;
    daemon->context = runner;
    scan_all(runner);
    log_say(&daemon->log, NOTE_INFO, "clinch %s at work: state %s, %zu sources, %zu targets",
            CLINCH_VERSION, daemon->config->state_dir, daemon->config->certificate_count,
            daemon->config->target_count);
    runner->tell_ready_ms = time_add(clock_now().mono_ms, READY_MOST_MS);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    notify_stopping();
}

int command_run(const struct options *options)
{
    struct runner runner = {.options = options};
    struct config *config = NULL;
    int r;

    r = cli_config(options, &config);
    if (r) {
        return r;
    }
    signal(SIGPIPE, SIG_IGN);
    r = daemon_open(&runner.daemon, config, options);
    if (!r) {
        r = start_parts(&runner);
    }
    if (!r) {
        run_loop(&runner);
    } else if (r < 0) {
        log_say(&runner.daemon.log, NOTE_ERROR, "cannot start: %s", strerror(-r));
    }
    close_parts(&runner);
    daemon_close(&runner.daemon);
    return r < 0 ? EXIT_NOT_DONE : r;
}
