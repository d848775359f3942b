/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/health.h"
#include "cli/rows.h"

/* The names are public and do not change. */

struct label {
    const char *name;
    const char *value;
};

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_put_text(out, "# HELP ");
    buf_put_text(out, name);
    buf_put_byte(out, ' ');
    buf_put_text(out, help);
    buf_put_text(out, "\n# TYPE ");
    buf_put_text(out, name);
    buf_put_byte(out, ' ');
    buf_put_text(out, type);
    buf_put_byte(out, '\n');
}

/* Backslashes, quotes and line feeds are escaped. What is not UTF-8 (a path may be anything) is
 * made printable: whoever reads this wants nothing else. */
static void put_value(struct buf *out, const char *value)
{
    json_t *json = json_string(value);
    struct buf safe = BUF_INIT(TEXT_MAX);

    if (!json) {
        buf_put_printable(&safe, slice_of_text(value), TEXT_MAX);
        value = buf_text(&safe);
    }
    for (; *value; value++) {
        if (*value == '\n') {
            buf_put_text(out, "\\n");
            continue;
        }
        buf_put_text(out, *value == '\\' || *value == '"' ? "\\" : "");
        buf_put_byte(out, (uint8_t)*value);
    }
    json_decref(json);
    buf_deinit(&safe);
}

/* Everything of a line but its number; @labels end with a name that is NULL. */
static void put_series(struct buf *out, const char *name, const struct label *labels)
{
    buf_put_text(out, name);
    for (size_t i = 0; labels && labels[i].name; i++) {
        buf_put_byte(out, i ? ',' : '{');
        buf_put_text(out, labels[i].name);
        buf_put_text(out, "=\"");
        put_value(out, labels[i].value);
        buf_put_byte(out, '"');
    }
    buf_put_text(out, labels ? "} " : " ");
}

static void put_number(struct buf *out, const char *name, const struct label *labels,
                       int64_t number)
{
    put_series(out, name, labels);
    buf_put_int(out, number);
    buf_put_byte(out, '\n');
}

/* How long until @wall_s; what never ends is infinite. */
static void put_left(struct buf *out, const char *name, const struct label *labels, int64_t wall_s,
                     int64_t now_s)
{
    if (wall_s == INSTANT_NEVER) {
        put_series(out, name, labels);
        buf_put_text(out, "+Inf\n");
    } else {
        put_number(out, name, labels, time_sub(wall_s, now_s));
    }
}

static bool has_staple(const struct cert_row *row)
{
    return row->serve.until_s != 0;
}

static int64_t staple_end(const struct cert_row *row)
{
    return row->serve.until_s;
}

static int64_t next_update(const struct cert_row *row)
{
    return row->next_update_s;
}

static void put_states(struct buf *out, const struct metrics *metrics)
{
    int64_t counts[CERT_STATES] = {0}, bare = 0;

    for (size_t i = 0; i < metrics->count; i++) {
        counts[metrics->rows[i].state]++;
        bare += row_must_staple_bare(&metrics->rows[i]);
    }
    put_head(out, "clinch_certificates", "gauge", "Certificates by state.");
    for (int state = 0; state < CERT_STATES; state++) {
        const struct label labels[] = {{"state", cert_state_name((enum cert_state)state)}, {0}};

        put_number(out, "clinch_certificates", labels, counts[state]);
    }
    put_head(out, "clinch_must_staple_bare", "gauge",
             "Must-staple certificates without a staple: clients refuse them.");
    put_number(out, "clinch_must_staple_bare", NULL, bare);
}

/* The soonest of each state. */
static void put_soonest(struct buf *out, const struct metrics *metrics, const char *name,
                        int64_t (*end_of)(const struct cert_row *row))
{
    int64_t soonest[CERT_STATES];
    bool any[CERT_STATES] = {false};

    for (size_t i = 0; i < metrics->count; i++) {
        const struct cert_row *row = &metrics->rows[i];

        if (has_staple(row)) {
            soonest[row->state] =
                any[row->state] ? time_min(soonest[row->state], end_of(row)) : end_of(row);
            any[row->state] = true;
        }
    }
    for (int state = 0; state < CERT_STATES; state++) {
        const struct label labels[] = {{"state", cert_state_name((enum cert_state)state)}, {0}};

        if (any[state]) {
            put_left(out, name, labels, soonest[state], metrics->wall_s);
        }
    }
}

static void put_each(struct buf *out, const struct metrics *metrics, const char *name,
                     int64_t (*end_of)(const struct cert_row *row))
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct cert_row *row = &metrics->rows[i];
        const struct label labels[] = {
            {"name", row->name}, {"path", row->path}, {"leaf_sha256", row->leaf_sha256}, {0}};

        if (has_staple(row)) {
            put_left(out, name, labels, end_of(row), metrics->wall_s);
        }
    }
}

static void put_certificates(struct buf *out, const struct metrics *metrics)
{
    static const struct {
        const char *soonest, *soonest_help, *each, *each_help;
        int64_t (*end_of)(const struct cert_row *row);
    } ends[] = {
        {"clinch_staple_end_seconds_min", "Seconds until the first staple of a state ends.",
         "clinch_certificate_staple_end_seconds", "Seconds until the staple ends for clients.",
         staple_end},
        {"clinch_next_update_seconds_min", "Seconds until the first nextUpdate of a state.",
         "clinch_certificate_next_update_seconds", "Seconds until the staple's nextUpdate.",
         next_update},
    };

    put_states(out, metrics);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        put_head(out, ends[i].soonest, "gauge", ends[i].soonest_help);
        put_soonest(out, metrics, ends[i].soonest, ends[i].end_of);
        put_head(out, ends[i].each, "gauge", ends[i].each_help);
        put_each(out, metrics, ends[i].each, ends[i].end_of);
    }
}

static int64_t requests_of(const struct responder_view *responder)
{
    return (int64_t)responder->asked;
}

static int64_t failures_of(const struct responder_view *responder)
{
    return (int64_t)responder->failed;
}

static int64_t down_of(const struct responder_view *responder)
{
    return responder->down;
}

static int64_t waiting_of(const struct responder_view *responder)
{
    return responder->waiting;
}

static void put_responders(struct buf *out, const struct health *health)
{
    static const struct {
        const char *name, *type, *help;
        int64_t (*number_of)(const struct responder_view *responder);
    } numbers[] = {
        {"clinch_responder_requests_total", "counter", "Requests since the daemon's start.",
         requests_of},
        {"clinch_responder_failures_total", "counter",
         "Requests without an answer, or with one that is none (5xx, 429, unreadable).",
         failures_of},
        {"clinch_responder_down", "gauge",
         "1 when it failed so often that only single requests are made.", down_of},
        {"clinch_responder_waiting", "gauge", "Certificates that wait for their turn.", waiting_of},
    };

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        put_head(out, numbers[i].name, numbers[i].type, numbers[i].help);
        for (size_t k = 0; k < health->count; k++) {
            const struct responder_view *responder = &health->responders[k];
            const struct label labels[] = {{"responder", responder->key}, {0}};

            put_number(out, numbers[i].name, labels, numbers[i].number_of(responder));
        }
    }
}

/* What servers with `verify` show. */
static void put_servers(struct buf *out, const struct health *health)
{
    static const char *const states[] = {"right", "wrong", "waiting"};

    if (!health->server_count) {
        return;
    }
    put_head(out, "clinch_server_up", "gauge", "0 when a server with verify is not to be reached.");
    for (size_t i = 0; i < health->server_count; i++) {
        const struct label labels[] = {{"server", health->servers[i].server}, {0}};

        put_number(out, "clinch_server_up", labels, !health->servers[i].fault);
    }
    put_head(out, "clinch_server_certificates", "gauge",
             "Certificates by what that server shows of them: as handed over or not.");
    for (size_t i = 0; i < health->server_count; i++) {
        const struct witness_server_view *server = &health->servers[i];
        const unsigned counts[] = {server->right, server->wrong, server->waiting};

        for (size_t k = 0; k < ARRAY_SIZE(states); k++) {
            const struct label labels[] = {{"server", server->server}, {"shown", states[k]}, {0}};

            put_number(out, "clinch_server_certificates", labels, counts[k]);
        }
    }
}

/* What servers are not told, or do not take. */
static void put_publishing(struct buf *out, const struct health *health)
{
    put_head(out, "clinch_publish_failing", "gauge",
             "Files, commands, and certificates at HAProxy's sockets that fail now.");
    for (int kind = 0; kind < TROUBLE_KINDS; kind++) {
        const struct label labels[] = {{"by", health_trouble_kind((enum publish_trouble_kind)kind)},
                                       {0}};

        put_number(out, "clinch_publish_failing", labels, health->failing[kind]);
    }
}

static void put_clock(struct buf *out, const struct clock_view *clock)
{
    int64_t off_s = clock->wrong && clock->date_off_s ? clock->date_off_s : clock->off_s;

    put_head(out, "clinch_clock_off_seconds", "gauge",
             "How far this machine's clock is ahead of the time that responders say, or that has "
             "passed.");
    put_number(out, "clinch_clock_off_seconds", NULL, off_s);
    put_head(out, "clinch_clock_wrong", "gauge", "1 when answers contradict this machine's clock.");
    put_number(out, "clinch_clock_wrong", NULL, clock->wrong);
}

void metrics_put(struct buf *out, const struct metrics *metrics)
{
    put_head(out, "clinch_daemon_up", "gauge",
             "1 when the daemon said all this, 0 when it is from the store.");
    put_number(out, "clinch_daemon_up", NULL, metrics->health != NULL);
    put_certificates(out, metrics);
    if (metrics->health) {
        put_responders(out, metrics->health);
        put_publishing(out, metrics->health);
        put_servers(out, metrics->health);
        put_clock(out, &metrics->health->clock);
    }
}
