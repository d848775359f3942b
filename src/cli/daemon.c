/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/map.h"
#include "base/rng.h"
#include "io/clock.h"

/* No sleep is longer: the wall clock may be set meanwhile, or the machine suspended. */
#define SLEEP_MOST_MS 30000

static void port_fetch(void *shell, const struct fetch_order *order)
{
    fetch_start(((struct daemon *)shell)->fetch, order);
}

static void port_cancel(void *shell, uint64_t id)
{
    fetch_cancel(((struct daemon *)shell)->fetch, id);
}

static int port_store_read(void *shell, const uint8_t leaf_sha256[SHA256_SIZE],
                           struct store_record *ret_record)
{
    return store_read(((struct daemon *)shell)->store, leaf_sha256, ret_record);
}

static int port_store_read_issuer(void *shell, const char *url, struct buf *ret_der)
{
    return store_read_issuer(((struct daemon *)shell)->store, url, ret_der);
}

static int port_store_commit(void *shell, const struct store_change *changes, size_t count)
{
    return store_commit(((struct daemon *)shell)->store, changes, count);
}

static void port_publish(void *shell, struct place place, const struct staple *staple)
{
    publisher_publish(((struct daemon *)shell)->publisher, place, staple);
}

static void port_withdraw(void *shell, struct place place, const struct cert_facts *cert,
                          bool quiet)
{
    publisher_withdraw(((struct daemon *)shell)->publisher, place, cert, quiet);
}

static int port_recall(void *shell, struct place place, const struct cert_facts *cert,
                       struct buf *ret_der)
{
    return publisher_recall(((struct daemon *)shell)->publisher, place, cert, ret_der);
}

static void port_note(void *shell, const struct note *note)
{
    struct daemon *daemon = shell;

    log_note(&daemon->log, note);
    hook_note(daemon->hook, note);
}

void daemon_check(struct daemon *daemon, int r)
{
    if (r) {
        log_say(&daemon->log, NOTE_ERROR, "out of memory (%s); what was lost is tried again",
                strerror(r < 0 ? -r : r));
    }
}

static void on_fetched(void *context, const struct fetch_result *result)
{
    struct daemon *daemon = context;

    daemon_check(daemon, host_fetch_done(daemon->host, clock_now(), result));
}

static void daemon_tick(struct daemon *daemon)
{
    struct instant now = clock_now();

    daemon->ticked_ms = now.mono_ms;
    daemon_check(daemon, host_tick(daemon->host, now));
}

static void on_timer(uv_timer_t *timer)
{
    daemon_tick(timer->data);
}

/* Somebody has set the wall clock. */
static void on_clock_set(void *context)
{
    daemon_tick(context);
}

/* Behind the callbacks of each turn: what they left is flushed, and the next wake-up is set. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct daemon *daemon = prepare->data;
    struct instant now = clock_now();
    struct clock_view clock;
    int64_t due, wait_ms;

    daemon_check(daemon, host_flush(daemon->host, now));
    host_look_clock(daemon->host, now, &clock);
    publisher_believe(daemon->publisher, clock.off_s);
    if (store_begun(daemon->store) != daemon->stores_begun) {
        daemon->stores_begun = store_begun(daemon->store);
        daemon_check(daemon, host_store_lost(daemon->host));
    }
    due = host_deadline_ms(daemon->host);
    if (daemon->turn) {
        due = time_min(due, daemon->turn(daemon, now));
    }
    /* Also when others wake the loop all the time: only a tick looks at the clock. */
    due = time_min(due, time_add(daemon->ticked_ms, SLEEP_MOST_MS));
    wait_ms = time_max(0, time_sub(due, now.mono_ms));
    uv_update_time(&daemon->loop);
    uv_timer_start(&daemon->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void on_file(void *context, const char *path, struct slice content, bool in_folder)
{
    struct daemon *daemon = context;

    daemon_check(daemon, host_file_read(daemon->host, clock_now(), path, content, in_folder));
}

static void on_file_gone(void *context, const char *path)
{
    struct daemon *daemon = context;

    daemon_check(daemon, host_file_gone(daemon->host, clock_now(), path));
}

static void on_directory(void *context, const char *path)
{
    struct daemon *daemon = context;

    if (daemon->directory) {
        daemon->directory(daemon->context, path);
    }
}

void daemon_scan(struct daemon *daemon)
{
    const struct scan_sink sink = {daemon, on_file, on_file_gone, on_directory};

    daemon_check(daemon, scan_run(daemon->scan, &sink));
    daemon_check(daemon, host_settle(daemon->host, clock_now()));
}

static void add_issuer_file(struct daemon *daemon, const char *path)
{
    _cleanup_(buf_deinit)
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    _cleanup_(buf_deinit)
    struct buf fault = BUF_INIT(4096);
    unsigned count = 0;

    if (scan_read_file(path, LIMIT_CERT_FILE_SIZE, &content, &fault)) {
        log_say(&daemon->log, NOTE_WARNING, "issuers: %s", buf_text(&fault));
        return;
    }
    daemon_check(daemon, host_add_issuers(daemon->host, slice_of_buf(&content), &count));
    explicit_bzero(content.data, content.capacity);
    if (!count) {
        log_say(&daemon->log, NOTE_WARNING, "issuers: %s: no PEM certificate of a CA in it", path);
    }
}

static void add_issuers(struct daemon *daemon, const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *item;

    if (!folder) {
        add_issuer_file(daemon, path);
        return;
    }
    while ((item = readdir(folder))) {
        _cleanup_(buf_deinit)
        struct buf file = BUF_INIT(8192);
        struct stat status;

        buf_put_text(&file, path);
        buf_put_byte(&file, '/');
        buf_put_text(&file, item->d_name);
        if (item->d_name[0] != '.' && stat(buf_text(&file), &status) == 0 &&
            S_ISREG(status.st_mode)) {
            add_issuer_file(daemon, buf_text(&file));
        }
    }
    closedir(folder);
}

void daemon_add_sources(struct daemon *daemon)
{
    const struct config *config = daemon->config;

    for (size_t i = 0; i < config->issuer_count; i++) {
        add_issuers(daemon, config->issuers[i]);
    }
    for (size_t i = 0; i < config->certificate_count; i++) {
        daemon_check(daemon, scan_add(daemon->scan, config->certificates[i]));
    }
}

/* Spreads this machine's requests otherwise than its neighbours', the same way after a restart. */
static uint64_t machine_salt(void)
{
    _cleanup_(buf_deinit)
    struct buf id = BUF_INIT(4096);
    _cleanup_(buf_deinit)
    struct buf fault = BUF_INIT(4096);
    char name[256] = "";

    if (scan_read_file("/etc/machine-id", 4096, &id, &fault) == 0 && id.size) {
        return map_hash(slice_of_buf(&id));
    }
    gethostname(name, sizeof(name) - 1);
    return map_hash(slice_of_text(name));
}

static int open_store(struct daemon *daemon)
{
    int pid = 0;
    int r;

    r = store_open(&daemon->store, daemon->config->state_dir, &daemon->log, &pid);
    if (r == STORE_E_LOCKED) {
        log_say(&daemon->log, NOTE_ERROR,
                "%s: another clinch (pid %d) is at work on this state directory; end it, or use "
                "another --state",
                daemon->config->state_dir, pid);
        return EXIT_USAGE;
    }
    /* The store has told whatever else it was. */
    return r ? EXIT_USAGE : 0;
}

static bool make_md5(void *context, struct slice text, uint8_t ret_md5[16])
{
    return crypto_md5(context, text, ret_md5);
}

int daemon_publisher(struct daemon *daemon, const struct config *config,
                     struct publisher **ret_publisher)
{
    bool named = false;
    int r = 0;

    for (size_t i = 0; i < config->target_count; i++) {
        named |= config->targets[i].type == TARGET_HITCH;
    }
    if (named && !daemon->names.context) {
        struct crypto *crypto = NULL;

        r = crypto_new(&crypto);
        daemon->names = (struct publish_names){make_md5, crypto};
    }
    return r ? r
             : publisher_new(ret_publisher, &daemon->loop, config, daemon->store, &daemon->log,
                             &daemon->names);
}

static int open_parts(struct daemon *daemon)
{
    const struct ports ports = {
        .shell = daemon,
        .fetch = port_fetch,
        .cancel = port_cancel,
        .store_read = port_store_read,
        .store_read_issuer = port_store_read_issuer,
        .store_commit = port_store_commit,
        .publish = port_publish,
        .withdraw = port_withdraw,
        .recall = port_recall,
        .note = port_note,
    };
    const struct config *config = daemon->config;
    const struct fetch_settings settings = {
        .allow_loopback = config->policy.allow_loopback,
        .proxy = config->proxy,
        .connect_timeout_ms = config->connect_timeout_ms,
        .timeout_ms = config->timeout_ms,
        .user_agent = "clinch/" CLINCH_VERSION,
    };
    int r;

    r = hook_new(&daemon->hook, &daemon->loop, &daemon->log);
    if (r) {
        return r;
    }
    hook_set(daemon->hook, config->on_revoked_command, config->on_revoked_count);
    r = host_new(&daemon->host, &ports, &config->policy, machine_salt());
    if (!r) {
        r = scan_new(&daemon->scan, &daemon->log);
    }
    if (!r) {
        r = fetch_new(&daemon->fetch, &daemon->loop, &settings, on_fetched, daemon);
    }
    if (!r) {
        r = daemon_publisher(daemon, config, &daemon->publisher);
    }
    if (!r && clock_watch_new(&daemon->clock_watch, &daemon->loop, on_clock_set, daemon)) {
        log_say(&daemon->log, NOTE_DEBUG,
                "the kernel does not tell when the clock is set: it is looked at every 30 s");
    }
    return r;
}

int daemon_open(struct daemon *daemon, struct config *config, const struct options *options)
{
    int r;

    *daemon = (struct daemon){.config = config};
    log_open(&daemon->log);
    if (options->verbose) {
        daemon->log.least = NOTE_DEBUG;
    }
    r = uv_loop_init(&daemon->loop);
    if (r) {
        return r;
    }
    uv_timer_init(&daemon->loop, &daemon->timer);
    uv_prepare_init(&daemon->loop, &daemon->prepare);
    daemon->timer.data = daemon->prepare.data = daemon;
    r = open_store(daemon);
    if (r) {
        return r;
    }
    daemon->stores_begun = store_begun(daemon->store);
    r = open_parts(daemon);
    if (r) {
        return error_trace(r);
    }
    daemon_add_sources(daemon);
    return uv_prepare_start(&daemon->prepare, on_prepare);
}

void daemon_close(struct daemon *daemon)
{
    uv_close((uv_handle_t *)&daemon->timer, NULL);
    uv_close((uv_handle_t *)&daemon->prepare, NULL);
    if (daemon->fetch) {
        fetch_close(daemon->fetch);
    }
    if (daemon->publisher) {
        publisher_close(daemon->publisher);
    }
    clock_watch_close(daemon->clock_watch);
    hook_close(daemon->hook);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon->loop);
    host_free(daemon->host);
    scan_free(daemon->scan);
    store_close(daemon->store);
    crypto_free(daemon->names.context);
    config_free(daemon->config);
}
