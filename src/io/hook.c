/* SPDX-License-Identifier: Apache-2.0 */
#include "io/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/spawn.h"

#define LIMIT_MS  60000
#define VARIABLES 7
#define VALUE_MAX 8192

/* An alarm that waits. */
struct alarm {
    struct alarm *next;
    char *name; /* for the log */
    char *environment[VARIABLES + 1];
};

struct hook {
    uv_loop_t *loop;
    const struct log *log;
    const char **program; /* with a NULL behind; NULL: none */
    struct alarm *first;  /* the one that runs, if any, is not in here */
    struct alarm **last;
    unsigned waiting;
    unsigned passed_over; /* since there was no more room */
    struct alarm *running;
    struct spawn *spawn;
    bool closed;
};

static struct alarm *alarm_free(struct alarm *alarm)
{
    if (alarm) {
        for (size_t i = 0; i < VARIABLES; i++) {
            free(alarm->environment[i]);
        }
        free(alarm->name);
        free(alarm);
    }
    return NULL;
}
CLEANUP_DEFINE(struct alarm *, alarm_free)

static void hook_free(struct hook *hook)
{
    while (hook->first) {
        struct alarm *alarm = hook->first;

        hook->first = alarm->next;
        alarm_free(alarm);
    }
    alarm_free(hook->running);
    free(hook->program);
    free(hook);
}

/* "NAME=value", NULL without memory. */
static char *make_variable(const char *name, struct slice value)
{
    struct buf text = BUF_INIT(VALUE_MAX);
    char *variable;

    buf_put_text(&text, name);
    buf_put_byte(&text, '=');
    buf_put(&text, value.data, value.size < VALUE_MAX / 2 ? value.size : VALUE_MAX / 2);
    variable = buf_status(&text) ? NULL : text_copy(slice_of_buf(&text));
    buf_deinit(&text);
    return variable;
}

static struct alarm *alarm_new(const struct note *note)
{
    _cleanup_(alarm_freep)
    struct alarm *alarm = calloc(1, sizeof(*alarm));
    const struct cert_facts *cert = note->cert;
    bool revoked = note->kind == NOTE_REVOKED;
    struct buf serial = BUF_INIT(256), leaf = BUF_INIT(256), news = BUF_INIT(VALUE_MAX);
    char **to = alarm ? alarm->environment : NULL;
    bool whole = alarm != NULL;

    buf_put_hex(&serial, slice_of(cert->serial, cert->serial_size));
    buf_put_hex(&leaf, slice_of(cert->leaf_sha256, SHA256_SIZE));
    note_format_news(&news, note);
    if (alarm) {
        to[0] = make_variable("CLINCH_EVENT", slice_of_text(revoked ? "revoked" : "not-revoked"));
        to[1] = make_variable("CLINCH_NAME", slice_of_text(cert->name));
        to[2] = make_variable("CLINCH_SERIAL", slice_of_buf(&serial));
        to[3] = make_variable("CLINCH_SHA256", slice_of_buf(&leaf));
        to[4] = make_variable("CLINCH_PATH", slice_of_text(note->path ? note->path : ""));
        to[5] = make_variable("CLINCH_URL", slice_of_text(note->url ? note->url : ""));
        to[6] = make_variable("CLINCH_MESSAGE", slice_of_buf(&news));
        alarm->name = text_copy(slice_of_text(cert->name));
    }
    for (size_t i = 0; whole && i < VARIABLES; i++) {
        whole = to[i] != NULL;
    }
    whole = whole && alarm->name && !buf_status(&serial) && !buf_status(&leaf);
    buf_deinit(&serial);
    buf_deinit(&leaf);
    buf_deinit(&news);
    return whole ? steal(&alarm) : NULL;
}

static void tell_end(const struct hook *hook, const struct spawn_result *result)
{
    const char *output = result->output[0] ? result->output : "it printed nothing";
    struct buf end = BUF_INIT(256);

    if (result->timed_out) {
        buf_put_text(&end, "was stopped after a minute");
    } else if (result->signal) {
        buf_put_text(&end, "was killed by signal ");
        buf_put_int(&end, result->signal);
    } else if (result->exit_code) {
        buf_put_text(&end, "failed with exit code ");
        buf_put_int(&end, result->exit_code);
    } else {
        buf_put_text(&end, "was run");
    }
    log_say(hook->log,
            result->exit_code || result->timed_out ? NOTE_ERROR
            : result->output[0]                    ? NOTE_INFO
                                                   : NOTE_DEBUG,
            "on_revoked_command for %s %s: %.2000s", hook->running->name, buf_text(&end), output);
    buf_deinit(&end);
}

static void hook_run(struct hook *hook);

static void on_done(void *context, const struct spawn_result *result)
{
    struct hook *hook = context;

    hook->spawn = NULL;
    if (hook->closed) {
        hook_free(hook);
        return;
    }
    tell_end(hook, result);
    hook->running = alarm_free(hook->running);
    hook_run(hook);
}

/* Begins with the first that waits, unless one is running. */
static void hook_run(struct hook *hook)
{
    while (!hook->running && hook->first) {
        struct alarm *alarm = hook->first;
        struct spawn_order order = {
            .limit_ms = LIMIT_MS,
            .done = on_done,
            .context = hook,
            .program = hook->program,
            .environment = (const char *const *)alarm->environment,
        };
        int r;

        hook->first = alarm->next;
        hook->last = hook->first ? hook->last : &hook->first;
        hook->waiting--;
        r = hook->program ? spawn_start(&hook->spawn, hook->loop, &order) : 0;
        if (r) {
            log_say(hook->log, NOTE_ERROR, "on_revoked_command for %s: %s cannot be run: %s",
                    alarm->name, hook->program[0], uv_strerror(r));
        }
        if (hook->spawn) {
            hook->running = alarm;
        } else {
            alarm_free(alarm);
        }
    }
    if (hook->passed_over && !hook->first) {
        log_say(hook->log, NOTE_ERROR, "on_revoked_command was not run for %u more certificates",
                hook->passed_over);
        hook->passed_over = 0;
    }
}

int hook_new(struct hook **ret_hook, uv_loop_t *loop, const struct log *log)
{
    struct hook *hook = calloc(1, sizeof(*hook));

    if (!hook) {
        return -ENOMEM;
    }
    hook->loop = loop;
    hook->log = log;
    hook->last = &hook->first;
    *ret_hook = hook;
    return 0;
}

void hook_set(struct hook *hook, const char *const *program, size_t count)
{
    free(hook->program);
    hook->program = count ? calloc(count + 1, sizeof(*program)) : NULL;
    if (hook->program) {
        memcpy(hook->program, program, count * sizeof(*program));
    } else if (count) {
        log_say(hook->log, NOTE_ERROR, "out of memory: on_revoked_command will not be run");
    }
}

static bool is_alarm(const struct note *note)
{
    return note->cert && (note->kind == NOTE_REVOCATION_UNDONE ||
                          (note->kind == NOTE_REVOKED && note->level == NOTE_ERROR));
}

void hook_note(struct hook *hook, const struct note *note)
{
    struct alarm *alarm;

    if (!hook->program || !is_alarm(note)) {
        return;
    }
    if (hook->waiting == HOOK_WAITING_MAX) {
        hook->passed_over++;
        return;
    }
    alarm = alarm_new(note);
    if (!alarm) {
        log_say(hook->log, NOTE_ERROR, "out of memory: on_revoked_command is not run for %s",
                note->cert->name);
        return;
    }
    *hook->last = alarm;
    hook->last = &alarm->next;
    hook->waiting++;
    hook_run(hook);
}

bool hook_busy(const struct hook *hook)
{
    return hook->running != NULL;
}

void hook_close(struct hook *hook)
{
    if (hook && hook->spawn) {
        hook->closed = true;
        spawn_cancel(hook->spawn);
    } else if (hook) {
        hook_free(hook);
    }
}
