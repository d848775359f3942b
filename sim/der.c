/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der.h"

#include <string.h>

#include "pki/response.h"
#include "sim/der-private.h"
#include "sim/must.h"

#define TURNS_MOST    1000 /* rounds of one turn of the loop before it is called endless */
#define NOISE_EVERY_S 21600
#define NOISE_CUT_MS  60000 /* how long a file is cut off, at most */
#define NOISE_AWAY_MS 9000  /* and how long away: less than the host waits */

static const struct log quiet = {.least = NOTE_INFO};

static struct world *world_of(const struct der *der)
{
    return der->subject.world;
}

/* ---- What the disk and the publisher's surroundings ask ---- */

/* The store's part of the disk may be full. Servers read from elsewhere. */
static enum simdisk_word gate(void *context, enum simdisk_kind kind)
{
    struct der *der = context;
    struct world *world = world_of(der);
    bool no_room = kind == SIMDISK_COMMIT && world->disk_full;

    if (!der->up) {
        return no_room ? SIMDISK_NO_ROOM : SIMDISK_DO;
    }
    if (world_write(world, der->kind) == WRITE_DEAD) {
        der->dead = true;
        return SIMDISK_STOP;
    }
    return no_room ? SIMDISK_NO_ROOM : SIMDISK_DO;
}

static void changed(void *context, const char *path)
{
    struct der *der = context;

    if (der->server) {
        derserver_changed(der->server, path);
    }
}

static struct instant now(void *context)
{
    return world_now(world_of(context));
}

static int run(void *context, const char *command)
{
    struct der *der = context;
    int code;

    must(text_equal(command, DERSERVER_RELOAD));
    if (der->dead) {
        return 1;
    }
    code = derserver_reload(der->server);
    world_mark(world_of(der), "reload", UINT32_MAX, code, 0);
    return code;
}

static void say(void *context, enum note_level level, const char *sentence)
{
    struct der *der = context;
    struct note note = {.kind = NOTE_PLAIN,
                        .level = level,
                        .detail = sentence,
                        .wall_s = now(der).wall_s,
                        .next_try_s = INSTANT_NEVER};

    if (!der->dead && level >= NOTE_INFO) {
        world_mark_note(world_of(der), UINT32_MAX, &note);
    }
}

/* ---- The daemon's loop ---- */

/* Behind the callbacks of each turn, as the daemon does it: the host's flush, then what the
 * publisher has to do at once. */
static void turn(struct der *der)
{
    struct world *world = world_of(der);

    for (unsigned i = 0; !der->dead; i++) {
        struct clock_view clock;

        must(i < TURNS_MOST);
        must(host_flush(der->host, world_now(world)) == 0);
        host_look_clock(der->host, world_now(world), &clock);
        publisher_believe(der->publisher, clock.off_s);
        if (der->stores_begun != simdisk_store_losses(der->disk)) {
            der->stores_begun = simdisk_store_losses(der->disk);
            must(host_store_lost(der->host) == 0);
        }
        if (!der->dead && !der->ready && !host_is_asking(der->host)) {
            der->ready = true;
            publisher_reconcile(der->publisher);
        }
        if (der->dead || dershell_deadline_ms(der->shell) > world_now(world).mono_ms) {
            break;
        }
        dershell_turn(der->shell);
    }
}

/* A turn, and what has come of it. */
static void turn_and_tell(struct der *der)
{
    turn(der);
    if (!der->dead) {
        derserver_tell(der->server);
    }
}

static void read_file(struct der *der, uint32_t cert, size_t size)
{
    struct slice file = derbytes_file(der->bytes, cert);

    must(host_file_read(der->host, world_now(world_of(der)), derserver_path(der->server, cert),
                        slice_of(file.data, size < file.size ? size : file.size), false) == 0);
    must(host_settle(der->host, world_now(world_of(der))) == 0);
}

/* ---- Files that have things happen to them ---- */

static void plan_noise(struct der *der)
{
    der->noise = NOISE_NONE;
    der->noise_ms = time_add(world_now(world_of(der)).mono_ms,
                             (int64_t)rng_below(&der->rng, 2 * NOISE_EVERY_S * 1000));
}

static void begin_noise(struct der *der)
{
    struct world *world = world_of(der);
    uint32_t cert = (uint32_t)rng_below(&der->rng, world->cert_count);
    int64_t most_ms = NOISE_CUT_MS;

    plan_noise(der);
    if (!derserver_has(der->server, cert)) {
        return;
    }
    der->noise_cert = cert;
    switch (rng_below(&der->rng, 3)) {
    case 0: /* written once more as it was */
        read_file(der, cert, SIZE_MAX);
        return;
    case 1:
        der->noise = NOISE_CUT;
        read_file(der, cert, derbytes_file(der->bytes, cert).size / 3);
        break;
    default:
        der->noise = NOISE_AWAY;
        most_ms = NOISE_AWAY_MS;
        must(host_file_gone(der->host, world_now(world), derserver_path(der->server, cert)) == 0);
        break;
    }
    world_mark(world, "file", cert, der->noise, 0);
    der->noise_ms =
        time_add(world_now(world).mono_ms, 1 + (int64_t)rng_below(&der->rng, (uint64_t)most_ms));
}

static void make_noise(struct der *der)
{
    if (world_now(world_of(der)).mono_ms < der->noise_ms) {
        return;
    }
    if (der->noise == NOISE_NONE) {
        begin_noise(der);
        return;
    }
    plan_noise(der);
    read_file(der, der->noise_cert, SIZE_MAX);
}

/* ---- Promises ---- */

/* Where the host says that @cert stands. */
static void take_state(void *context, const struct cert_row *row)
{
    *(enum cert_state *)context = row->state;
}

static enum cert_state state_of(const struct der *der, uint32_t cert)
{
    enum cert_state state = CERT_STATE_MISSING;

    host_rows(der->host, world_now(world_of(der)), derserver_path(der->server, cert), take_state,
              &state);
    return state;
}

/* A revoked certificate's staple goes in a moment. */
static void promise_withdrawal(struct der *der, const struct reply *reply)
{
    const struct world *world = world_of(der);

    if (answers_get(&world->answers, reply->answer)->status != CERT_STATUS_REVOKED) {
        return;
    }
    for (uint32_t i = 0; i < world->cert_count; i++) {
        if (world->certs[i].certid == world->certs[reply->cert].certid &&
            derserver_has(der->server, i) && state_of(der, i) == CERT_STATE_REVOKED) {
            derserver_promise(der->server, i, ANSWER_NONE);
        }
    }
}

/* What the servers show for @cert has come to its end, or is so near to it that it must go. */
static bool has_ended(const struct der *der, uint32_t cert)
{
    const struct world *world = world_of(der);
    uint32_t shown = derserver_actual(der->server, cert);
    const struct answer *answer;
    int64_t end_s;

    if (shown == ANSWER_NONE) {
        return false;
    }
    answer = answers_get(&world->answers, shown);
    end_s = time_min(answer->next_update_s, time_add(answer->this_update_s, 10 * DAY_S));
    end_s = time_min(end_s, answer->delegate_not_after_s);
    end_s = time_min(end_s, world->certs[cert].facts.not_after_s);
    return end_s - world->policy.margin_max_s <= world_true_s(world);
}

/* Behind a start the servers get in a moment what the store had and they have not, and what has
 * ended meanwhile goes. At a boot (@booted) they come behind all of that. */
static void promise_start(struct der *der, const uint32_t *started, bool booted)
{
    for (uint32_t i = 0; i < world_of(der)->cert_count; i++) {
        bool ended;

        if (!derserver_has(der->server, i)) {
            continue;
        }
        ended = has_ended(der, i);
        if (started[i] != ANSWER_NONE &&
            (booted || ended || derserver_actual(der->server, i) == ANSWER_NONE)) {
            derserver_promise(der->server, i, started[i]);
        } else if (ended && state_of(der, i) != CERT_STATE_HELD &&
                   state_of(der, i) != CERT_STATE_FAILING) {
            derserver_promise(der->server, i, ANSWER_NONE);
        }
    }
}

/* ---- What the world calls ---- */

/* The machine's files as they are now. */
static void settle_all(struct der *der)
{
    struct world *world = world_of(der);

    for (uint32_t i = 0; i < world->cert_count; i++) {
        if (derserver_has(der->server, i) && !world_cert_is_there(world, i)) {
            derserver_leave(der->server, i);
        }
    }
    for (uint32_t i = 0; i < world->cert_count; i++) {
        if (!derserver_has(der->server, i) && world_cert_is_there(world, i)) {
            derserver_settle(der->server, i);
        }
    }
}

static void open_process(struct der *der)
{
    struct world *world = world_of(der);
    const struct ports ports = der_ports(der);

    der->up = true;
    der->dead = der->ready = false;
    der->stores_begun = simdisk_store_losses(der->disk);
    must(host_new(&der->host, &ports, &world->policy, rng_mix(world->options.seed)) == 0);
    must(publisher_new(&der->publisher, dershell_loop(der->shell), &der->config,
                       dershell_store(der->shell), &quiet, NULL) == 0);
    plan_noise(der);
}

static void der_start(struct subject *subject)
{
    struct der *der = der_of(subject);
    struct world *world = subject->world;
    bool booted = der->boot_ms != world->boot_ms;
    _cleanup_(freep)
    uint32_t *started = sim_grow(NULL, 0, world->cert_count + 1, sizeof(*started));

    dershell_enter(der->shell);
    if (booted) {
        simdisk_restart(der->disk, true);
        derserver_restart(der->server);
        derserver_switch(der->server, true);
        der->boot_ms = world->boot_ms;
    }
    settle_all(der);
    open_process(der);
    der->started = started;
    for (uint32_t i = 0; i < world->cert_count && !der->dead; i++) {
        if (derserver_has(der->server, i)) {
            read_file(der, i, SIZE_MAX);
        }
    }
    turn(der);
    der->started = NULL;
    if (der->dead) {
        return;
    }
    if (booted) { /* nginx starts behind it */
        derserver_reload(der->server);
    }
    promise_start(der, started, booted);
    derserver_tell(der->server);
}

static void der_stop(struct subject *subject)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    der->dead = true;
    publisher_close(der->publisher);
    dershell_drop(der->shell);
    der->publisher = NULL;
    der->host = host_free(der->host);
    der->ask_count = der->answer_count = 0;
    der->up = der->dead = false;
    simdisk_restart(der->disk, false);
    if (!subject->world->servers_keep) {
        simdisk_wipe(der->disk);
        derserver_restart(der->server);
    }
    derserver_tell(der->server);
}

static void der_found(struct subject *subject, uint32_t cert)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    derserver_settle(der->server, cert);
    read_file(der, cert, SIZE_MAX);
    turn_and_tell(der);
}

static void der_gone(struct subject *subject, uint32_t cert)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    if (der->noise_cert == cert && der->noise != NOISE_NONE) {
        plan_noise(der);
    }
    must(host_file_gone(der->host, world_now(subject->world), derserver_path(der->server, cert)) ==
         0);
    derserver_leave(der->server, cert);
    turn_and_tell(der);
}

static void der_hear(struct subject *subject, const struct reply *reply)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    der_reply(der, reply);
    if (reply->answer != ANSWER_NONE && !der->dead) {
        promise_withdrawal(der, reply);
    }
    turn_and_tell(der);
}

static void der_wake(struct subject *subject)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    make_noise(der);
    der_answer(der);
    if (!der->dead) {
        must(host_tick(der->host, world_now(subject->world)) == 0);
    }
    turn_and_tell(der);
}

static int64_t der_deadline_ms(const struct subject *subject)
{
    const struct der *der = der_of(subject);
    int64_t due_ms = time_min(host_deadline_ms(der->host), dershell_deadline_ms(der->shell));

    due_ms = time_min(due_ms, time_sub(derserver_deadline_ms(der->server), der->boot_ms));
    return time_min(due_ms, time_min(der_answers_deadline_ms(der), der->noise_ms));
}

static struct store *open_writer(void *context)
{
    return dershell_store(context);
}

/* clinch-expire.timer; not while the machine is off, and a process that lives it leaves alone. */
static void der_minute(struct subject *subject)
{
    struct der *der = der_of(subject);
    struct expire_result result;
    struct expire_order order = {
        .store = dershell_store(der->shell),
        .log = &quiet,
        .wall_s = world_now(subject->world).wall_s,
        .next_update = response_next_update,
        .open_writer = open_writer,
        .context = der->shell,
    };

    dershell_enter(der->shell);
    if (der->boot_ms != subject->world->boot_ms) {
        derserver_switch(der->server, false);
        derserver_tell(der->server);
        return;
    }
    if (!der->up) {
        must(publish_expire(&order, &result) == 0);
        derserver_tell(der->server);
    }
}

static uint32_t der_shows(const struct subject *subject, uint32_t cert)
{
    return derserver_shows(der_of(subject)->server, cert);
}

static struct subject *der_free(struct subject *subject)
{
    struct der *der = der_of(subject);

    dershell_enter(der->shell);
    if (der->host) {
        der_stop(subject);
    }
    derserver_free(der->server);
    dershell_free(der->shell);
    simdisk_free(der->disk);
    derbytes_free(der->bytes);
    crypto_free(der->crypto);
    free(der->asks);
    free(der->answers);
    free(der);
    return NULL;
}

/* Both kinds of files, so that both orders of writing are met. */
static void configure(struct der *der)
{
    der->targets[0] = (struct target_config){
        .type = TARGET_NGINX,
        .path = DERSERVER_FOLDER,
        .command = DERSERVER_RELOAD,
        .reload_interval_s = 3600,
    };
    der->targets[1] = (struct target_config){.type = TARGET_FILE, .path = DERSERVER_FILES};
    der->config = (struct config){
        .state_dir = "/var/lib/clinch",
        .targets = der->targets,
        .target_count = ARRAY_SIZE(der->targets),
    };
}

bool der_reloads(const struct world *world)
{
    return world->options.seed & 1;
}

struct subject *der_new(struct world *world)
{
    static const struct subject_type type = {
        .name = "clinch-der",
        .start = der_start,
        .stop = der_stop,
        .found = der_found,
        .gone = der_gone,
        .reply = der_hear,
        .wake = der_wake,
        .deadline_ms = der_deadline_ms,
        .minute = der_minute,
        .shows = der_shows,
        .free = der_free,
    };
    struct der *der = sim_grow(NULL, 0, 1, sizeof(*der));
    const struct simdisk_calls disk_calls = {der, gate, changed};
    const struct dershell_calls shell_calls = {der, now, run, say};
    uint64_t seed = rng_mix(world->options.seed ^ UINT64_C(0x646572));

    der->subject = (struct subject){&type, world};
    der->rng = (struct rng){seed};
    der->kind = WRITE_PUBLISH;
    der->boot_ms = INSTANT_NEVER; /* the first start is the machine's, too */
    must(crypto_new(&der->crypto) == 0);
    der->bytes = derbytes_new(world, der->crypto);
    der->disk = simdisk_new(rng_mix(seed), &disk_calls);
    der->shell = dershell_new(&shell_calls, der->disk, rng_mix(seed + 1));
    der->server = derserver_new(world, der->bytes, der->disk, der_reloads(world));
    configure(der);
    return &der->subject;
}
