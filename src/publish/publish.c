/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/clock.h"
#include "publish/files.h"
#include "publish/haproxy.h"

#define SLEEP_MOST_MS 30000

struct publisher {
    struct publish_context context; /* must be first: wake() gets it */
    const struct config *config;
    struct files *files;
    struct target **targets;
    size_t target_count;
    struct runner **runners;
    size_t runner_count;
    uv_timer_t timer;
    bool awake; /* the timer is set to now */
};

/* What earlier runs left belongs to no target of the configuration. */
static const struct target_config leftover_config = {.type = TARGET_FILE};

static void publisher_free(struct publisher *publisher)
{
    files_free(publisher->files);
    for (size_t i = 0; i < publisher->target_count; ++i) {
        publisher->targets[i]->ops->free(publisher->targets[i]);
    }
    for (size_t i = 0; i < publisher->runner_count; ++i) {
        runner_free(publisher->runners[i]);
    }
    publisher->files = NULL;
    publisher->target_count = 0;
    publisher->runner_count = 0;
    free(publisher->targets);
    free(publisher->runners);
    publisher->targets = NULL;
    publisher->runners = NULL;
}

static void on_timer(uv_timer_t *timer);

/* Never 0 ms: libuv runs timers until none is due, and would not come to anything else. */
static void publisher_wake(struct publish_context *context)
{
    struct publisher *publisher = (struct publisher *)context;

    if (!publisher->awake) {
        publisher->awake = true;
        uv_timer_start(&publisher->timer, on_timer, 1, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct publisher *publisher = timer->data;
    struct instant now = publish_now(&publisher->context);
    int64_t deadline_ms;
    int64_t wait_ms;
    bool more;

    publisher->awake = false;
    deadline_ms = files_tick(publisher->files, now);
    more = files_writing(publisher->files, now);
    for (size_t i = 0; i < publisher->target_count; ++i) {
        struct target *target = publisher->targets[i];

        if (target->ops->tick) {
            deadline_ms = time_min(deadline_ms, target->ops->tick(target, now));
        }
    }
    for (size_t i = 0; i < publisher->runner_count; ++i) {
        reload_expect(runner_reload(publisher->runners[i]), more);
        deadline_ms = time_min(deadline_ms, runner_tick(publisher->runners[i], now));
    }
    if (publisher->awake || deadline_ms == INSTANT_NEVER) {
        return;
    }
    wait_ms = time_max(time_sub(deadline_ms, now.mono_ms), 1);
    uv_timer_start(&publisher->timer, on_timer, (uint64_t)time_min(wait_ms, SLEEP_MOST_MS), 0);
}

static int add_target(struct publisher *publisher, struct target *target)
{
    struct target **targets =
        realloc(publisher->targets, (publisher->target_count + 1) * sizeof(struct target *));

    if (!targets) {
        target->ops->free(target);
        return -ENOMEM;
    }
    publisher->targets = targets;
    targets[publisher->target_count++] = target;
    return 0;
}

/* The runner of @command: one for all targets that have the same. */
static int open_runner(struct publisher *publisher, const char *command, int64_t interval_s,
                       struct runner **ret_runner)
{
    struct runner **runners;
    int r;

    for (size_t i = 0; i < publisher->runner_count; ++i) {
        if (text_equal(runner_command(publisher->runners[i]), command)) {
            runner_share(publisher->runners[i], interval_s);
            *ret_runner = publisher->runners[i];
            return 0;
        }
    }
    runners = realloc(publisher->runners, (publisher->runner_count + 1) * sizeof(struct runner *));
    if (!runners) {
        return -ENOMEM;
    }
    publisher->runners = runners;
    r = runner_new(&runners[publisher->runner_count], &publisher->context, command, interval_s);
    if (r) {
        return error_trace(r);
    }
    *ret_runner = runners[publisher->runner_count++];
    return 0;
}

static int add_runner(struct publisher *publisher, struct file_target *target, const char *command,
                      const struct target_config *config)
{
    struct runner *runner;
    int r = open_runner(publisher, command, config->reload_interval_s, &runner);

    if (!r) {
        r = file_target_add_runner(target, runner, config->type == TARGET_COMMAND ? config : NULL);
    }
    return r ? error_trace(r) : 0;
}

/* A file's target with a command of its own runs that; all others run the targets of type command,
 * which are targets of their own, too: here it is about running them behind the write. */
static int add_runners(struct publisher *publisher, struct file_target *target,
                       const struct target_config *own)
{
    const struct config *config = publisher->config;
    int r = 0;

    if (own->command) {
        return add_runner(publisher, target, own->command, own);
    }
    for (size_t i = 0; i < config->target_count && !r; ++i) {
        if (config->targets[i].type == TARGET_COMMAND && config->targets[i].command) {
            r = add_runner(publisher, target, config->targets[i].command, &config->targets[i]);
        }
    }
    return r;
}

static void warn_reload(const struct publisher *publisher, const struct file_target *target)
{
    const struct target_config *config = target->base.config;

    if (target->kind->takes && !target->kind->stamped && target->runner_count == 0) {
        log_say(publisher->context.log, NOTE_WARNING,
                "publish (line %u): `%s` without `reload`: new staples are taken at once, but what "
                "is withdrawn is shown until its next reload, or the staple's end",
                config->line, target->kind->name);
    }
}

static int add_files(struct publisher *publisher, const struct file_settings *settings)
{
    const struct target_config *config = settings->config;
    struct file_target *target;
    int r = file_target_new(&target, publisher->files, settings);

    if (r) {
        return error_trace(r);
    }
    r = add_target(publisher, &target->base);
    if (!r && config->type != TARGET_HAPROXY && !settings->kind->stamped) {
        r = add_runners(publisher, target, config);
    }
    if (!r && config->restart) {
        r = open_runner(publisher, config->restart, config->reload_interval_s, &target->restart);
    }
    if (!r && settings->kind->snippet) {
        disk_clean(settings->folder);
        nginx_repair(target, publisher->context.clock().wall_s);
    }
    warn_reload(publisher, target);
    return r ? error_trace(r) : 0;
}

/* For servers that fetch their staples: the command alone, without a file. */
static int add_command(struct publisher *publisher, const struct target_config *config)
{
    const struct file_settings settings = {.config = config, .kind = &file_kinds[config->type]};
    struct file_target *target;
    struct runner *runner;
    int r;

    if (!config->command) {
        return 0;
    }
    r = file_target_new(&target, publisher->files, &settings);
    if (!r) {
        r = add_target(publisher, &target->base);
    }
    if (!r) {
        r = open_runner(publisher, config->command, config->reload_interval_s, &runner);
    }
    if (!r) {
        r = file_target_add_runner(target, runner, NULL);
    }
    return r ? error_trace(r) : 0;
}

static int add_haproxy(struct publisher *publisher, const struct target_config *config)
{
    struct haproxy_target *target;
    int r;

    if (config->path && *config->path) {
        r = haproxy_target_new(&target, &publisher->context, config);
        if (!r) {
            r = add_target(publisher, &target->base);
        }
        if (r) {
            return error_trace(r);
        }
    }
    if (config->ocsp) {
        const struct file_settings settings = {
            .config = config, .kind = &file_kinds[config->type], .template = config->ocsp};

        return add_files(publisher, &settings);
    }
    return 0;
}

static int add_configured(struct publisher *publisher, const struct target_config *config)
{
    struct file_settings settings = {
        .config = config, .kind = &file_kinds[config->type], .template = config->path};

    switch (config->type) {
    case TARGET_NGINX:
        settings.template = config->name ? config->name : "{name}";
        settings.folder = config->path;
        break;
    case TARGET_HITCH:
        settings.template = config->pem_file ? config->pem_file : "{dir}/{file}";
        settings.folder = config->path;
        break;
    case TARGET_FOLDER:
        settings.template = "{sha256}";
        settings.folder = config->path;
        break;
    case TARGET_HAPROXY:
        return add_haproxy(publisher, config);
    case TARGET_COMMAND:
        return add_command(publisher, config);
    case TARGET_FILE:
    case TARGET_LIGHTTPD:
    case TARGET_DNSDIST:
    case TARGET_EXIM:
        break;
    }
    return add_files(publisher, &settings);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int publisher_new(struct publisher **ret_publisher, uv_loop_t *loop, const struct config *config,
                  struct store *store, const struct log *log, const struct publish_names *names)
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));
    int r;

    if (!publisher) {
        return -ENOMEM;
    }
    publisher->config = config;
    publisher->context = (struct publish_context){
        .loop = loop,
        .store = store,
        .log = log,
        .state_dir = config->state_dir,
        .names = names,
        .rng = {uv_hrtime()},
        .clock = clock_now,
        .wake = publisher_wake,
    };
    uv_timer_init(loop, &publisher->timer);
    publisher->timer.data = publisher;
    r = files_new(&publisher->files, &publisher->context);
    for (size_t i = 0; i < config->target_count && !r; ++i) {
        r = add_configured(publisher, &config->targets[i]);
    }
    if (r) {
        publisher_close(publisher);
        return error_trace(r);
    }
    *ret_publisher = publisher;
    return 0;
}

void publisher_watch(struct publisher *publisher,
                     void (*handed)(void *context, const struct handed *handed), void *context)
{
    publisher->context.handed = handed;
    publisher->context.watcher = context;
}

void publisher_close(struct publisher *publisher)
{
    if (!publisher) {
        return;
    }
    publisher_free(publisher);
    publisher->awake = true; /* nobody starts the timer any more */
    uv_close((uv_handle_t *)&publisher->timer, on_closed);
}

void publisher_publish(struct publisher *publisher, struct place place, const struct staple *staple)
{
    _cleanup_(wish_unrefp)
    struct wish *wish = wish_new(staple);
    int r = wish ? 0 : -ENOMEM;

    for (size_t i = 0; i < publisher->target_count && !r; ++i) {
        struct target *target = publisher->targets[i];

        if (target_takes(target->config, place.path)) {
            r = target->ops->publish(target, place, staple->cert, wish);
        }
    }
    if (r) {
        log_say(publisher->context.log, NOTE_ERROR,
                "out of memory: the staple of %s is not published", place.path);
    }
}

void publisher_withdraw(struct publisher *publisher, struct place place,
                        const struct cert_facts *cert, bool quiet)
{
    for (size_t i = 0; i < publisher->target_count; ++i) {
        struct target *target = publisher->targets[i];

        if (target_takes(target->config, place.path)) {
            target->ops->withdraw(target, place, cert, quiet);
        }
    }
}

int publisher_recall(struct publisher *publisher, struct place place, const struct cert_facts *cert,
                     struct buf *ret_der)
{
    for (size_t i = 0; i < publisher->target_count; ++i) {
        struct target *target = publisher->targets[i];

        if (target->ops->recall && target_takes(target->config, place.path) &&
            target->ops->recall(target, place, cert, ret_der) == 0) {
            return 0;
        }
    }
    return STORE_E_NONE;
}

/* A target without a template, whose servers take changes by @command. */
static int open_leftovers(struct publisher *publisher, const char *command,
                          struct file_target **ret_target)
{
    const struct file_settings settings = {.config = &leftover_config,
                                           .kind = &file_kinds[TARGET_FILE]};
    struct file_target *target;
    struct runner *runner;
    int r;

    r = file_target_new(&target, publisher->files, &settings);
    if (!r) {
        r = add_target(publisher, &target->base);
    }
    if (!r && *command) {
        r = open_runner(publisher, command, 3600, &runner);
        if (!r) {
            r = file_target_add_runner(target, runner, NULL);
        }
    }
    *ret_target = r ? NULL : target;
    return r ? error_trace(r) : 0;
}

/* What @row's command was run for is gone. A command that is not configured is not run. */
static int withdraw_command_row(struct publisher *publisher, const struct file_row *row)
{
    struct file_target *target = NULL;
    struct file_entry *entry;
    int r;

    for (size_t i = 0; i < publisher->target_count && !target; ++i) {
        const struct target_config *config = publisher->targets[i]->config;

        if (config->type == TARGET_COMMAND && config->command &&
            text_equal(config->command, row->command)) {
            target = (struct file_target *)publisher->targets[i]; /* base is its first member */
        }
    }
    if (!target) {
        store_drop_published(publisher->context.store, row->path);
        return 0;
    }
    r = files_open_entry(target, row->path, NULL, &entry);
    if (r) {
        return error_trace(r);
    }
    files_hide(entry, false);
    return 0;
}

/* Its certificate is gone, or the configuration publishes it elsewhere by now. */
static int withdraw_row(struct publisher *publisher, struct file_row *row, struct table *leftovers)
{
    struct files *files = publisher->files;
    struct file_target *target = table_get(leftovers, row->command);
    struct file_entry *entry;
    int r = 0;

    if (table_get(&files->outputs, row->path)) {
        if (publisher->context.store) { /* wanted; where it leads to has a row of its own */
            store_drop_published(publisher->context.store, row->path);
        }
        return 0;
    }
    if (text_equal(row->kind, FILES_KIND_COMMAND)) {
        return withdraw_command_row(publisher, row);
    }
    if (!target) {
        r = open_leftovers(publisher, row->command, &target);
        if (!r) {
            r = table_set(leftovers, target->runner_count ? runner_command(target->runners[0]) : "",
                          target);
        }
    }
    if (!r) {
        r = files_open_entry(target, row->path, *row->snippet ? row->snippet : NULL, &entry);
    }
    if (r) {
        return error_trace(r);
    }
    files_hide(entry, false);
    if (table_get(&files->rows, entry->output) && publisher->context.store) {
        store_drop_published(publisher->context.store, entry->output); /* a link by now */
    }
    return 0;
}

void publisher_reconcile(struct publisher *publisher)
{
    struct table leftovers = TABLE_INIT(rng_next(&publisher->context.rng));
    size_t cursor = 0;
    struct file_row *row;
    int r = 0;

    while (!r && (row = table_next(&publisher->files->rows, &cursor))) {
        r = withdraw_row(publisher, row, &leftovers);
    }
    if (r) {
        log_say(publisher->context.log, NOTE_ERROR,
                "out of memory: what earlier runs published is not withdrawn");
    }
    table_deinit(&leftovers);
    for (size_t i = 0; i < publisher->target_count; ++i) {
        if (publisher->targets[i]->ops->reconcile) {
            publisher->targets[i]->ops->reconcile(publisher->targets[i]);
        }
    }
}

void publisher_believe(struct publisher *publisher, int64_t off_s)
{
    publisher->context.off_s = off_s;
}

void publisher_settle(struct publisher *publisher)
{
    int64_t mono_ms = publisher->context.clock().mono_ms;

    for (size_t i = 0; i < publisher->runner_count; ++i) {
        reload_settle(runner_reload(publisher->runners[i]), mono_ms);
    }
    publisher_wake(&publisher->context);
}

bool publisher_writing(const struct publisher *publisher)
{
    return files_busy(publisher->files);
}

bool publisher_busy(const struct publisher *publisher)
{
    bool busy = files_busy(publisher->files);

    for (size_t i = 0; i < publisher->target_count && !busy; ++i) {
        const struct target *target = publisher->targets[i];

        busy = target->ops->busy && target->ops->busy(target);
    }
    for (size_t i = 0; i < publisher->runner_count && !busy; ++i) {
        busy = runner_busy(publisher->runners[i]);
    }
    return busy;
}

bool publisher_failing(const struct publisher *publisher)
{
    bool failing = files_failing(publisher->files);

    for (size_t i = 0; i < publisher->target_count && !failing; ++i) {
        const struct target *target = publisher->targets[i];

        failing = target->ops->failing && target->ops->failing(target);
    }
    for (size_t i = 0; i < publisher->runner_count && !failing; ++i) {
        failing = runner_failing(publisher->runners[i]);
    }
    return failing;
}

void publisher_each_trouble(const struct publisher *publisher,
                            void (*found)(void *context, const struct publish_trouble *trouble),
                            void *context)
{
    for (size_t i = 0; i < publisher->runner_count; ++i) {
        const struct runner *runner = publisher->runners[i];
        const struct publish_trouble trouble = {
            .kind = TROUBLE_COMMAND,
            .where = runner_command(runner),
            .fault = runner_fault(runner),
        };

        if (runner_failing(runner)) {
            found(context, &trouble);
        }
    }
    for (size_t i = 0; i < publisher->target_count; ++i) {
        const struct target *target = publisher->targets[i];

        if (target->ops->each_trouble) {
            target->ops->each_trouble(target, found, context);
        }
    }
    files_each_trouble(publisher->files, found, context); /* last: they may be many */
}

bool publisher_conflicting(const struct publisher *publisher)
{
    return files_conflicting(publisher->files);
}
