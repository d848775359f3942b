/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/script.h"

#include <string.h>

#include "sim/must.h"
#include "sim/scenario-tools.h"

#define WORDS_MOST 16

struct script {
    struct world *world;
    struct buf *fault;
    const char *words[WORDS_MOST + 1];
    unsigned count;
    unsigned at;    /* the next word to be read */
    uint32_t first; /* responder of the last authority */
    bool bad;
};

static const char *next_word(struct script *script)
{
    return script->at < script->count ? script->words[script->at++] : "";
}

static bool take_word(struct script *script, const char *word)
{
    bool is_it = script->at < script->count && text_equal(script->words[script->at], word);

    script->at += is_it;
    return is_it;
}

static void complain(struct script *script, const char *word)
{
    if (!script->bad) {
        buf_put_text(script->fault, " \"");
        buf_put_text(script->fault, word);
        buf_put_text(script->fault, "\" is not what belongs here");
    }
    script->bad = true;
}

static int64_t unit_s(char unit)
{
    return unit == 'd' ? DAY_S : unit == 'h' ? HOUR_S : unit == 'm' ? MINUTE_S : 1;
}

/* "1d12h", "90"; as far as "..". */
static int64_t time_of(struct script *script, const char *word, const char **ret_rest)
{
    int64_t sum = 0, number = 0;
    bool minus = *word == '-', any = false;
    const char *at = word + minus;

    for (; *at && *at != '.'; at++) {
        if (*at >= '0' && *at <= '9') {
            number = number * 10 + (*at - '0');
            any = true;
        } else if (strchr("dhms", *at) && any) {
            sum += number * unit_s(*at);
            number = 0;
        } else {
            any = false;
            break;
        }
    }
    if (!any) {
        complain(script, word);
    }
    if (ret_rest) {
        *ret_rest = at;
    }
    sum += number;
    return minus ? -sum : sum;
}

static int64_t next_time(struct script *script)
{
    return time_of(script, next_word(script), NULL);
}

static struct window next_span(struct script *script)
{
    const char *word = next_word(script), *rest;
    struct window span = {time_of(script, word, &rest), 0};

    if (!text_starts_with(rest, "..")) {
        complain(script, word);
        return span;
    }
    span.until_s = time_of(script, rest + 2, NULL);
    return span;
}

static int64_t next_number(struct script *script, int64_t below)
{
    const char *word = next_word(script);
    int64_t number = time_of(script, word, NULL);

    if (number < 0 || number >= below) {
        complain(script, word);
        return 0;
    }
    return number;
}

/* ---- One function a kind of line ---- */

static void read_days(struct script *script)
{
    struct world *world = script->world;

    world->options.days = (unsigned)next_number(script, 100000);
    world->end_ms = world->now_ms + world->options.days * DAY_S * 1000;
}

static void read_policy(struct script *script)
{
    struct policy *policy = &script->world->policy;
    const char *name = next_word(script);
    unsigned number = (unsigned)next_number(script, 1000000);

    if (text_equal(name, "concurrency")) {
        policy->responder_concurrency = number;
    } else if (text_equal(name, "rate")) {
        policy->responder_rate = number;
    } else if (text_equal(name, "total")) {
        policy->total_concurrency = number;
    } else if (text_equal(name, "audience")) {
        policy->audience = number ? policy->audience : 0;
    } else if (text_equal(name, "staple-revoked")) {
        policy->staple_revoked = number > 0;
    } else if (text_equal(name, "grace")) {
        policy->must_staple_grace = number > 0;
    } else {
        complain(script, name);
    }
}

static void read_servers(struct script *script)
{
    if (take_word(script, "forget")) {
        script->world->servers_keep = false;
    }
}

static void read_authority(struct script *script)
{
    struct authority authority = {.phase_s = WORLD_START_S};

    if (take_word(script, "batch")) {
        authority.signing = SIGN_BATCH;
        authority.life_s = next_time(script);
        authority.period_s = next_time(script);
    } else if (take_word(script, "late")) {
        authority.signing = SIGN_LATE;
        authority.life_s = next_time(script);
        authority.lead_s = next_time(script);
    } else if (take_word(script, "on-demand")) {
        authority.life_s = take_word(script, "endless") ? INSTANT_NEVER : next_time(script);
    }
    for (bool more = true; more;) {
        if (take_word(script, "backdate")) {
            authority.backdate_s = next_time(script);
        } else if (take_word(script, "birth")) {
            authority.birth_s = next_time(script);
        } else if (take_word(script, "delegate")) {
            authority.delegate_life_s = next_time(script);
        } else {
            more = false;
        }
    }
    world_add_authority(script->world, &authority);
    script->first = script->world->responder_count;
}

static void read_responder(struct script *script)
{
    struct world *world = script->world;
    struct responder *responder;
    uint32_t number;

    if (!world->authority_count) {
        complain(script, "responder");
        return;
    }
    responder = world_add_responder(world, world->authority_count - 1, &number);
    for (bool more = true; more;) {
        if (take_word(script, "etag")) {
            responder->gives_etag = true;
        } else if (take_word(script, "max-age")) {
            responder->gives_max_age = true;
        } else if (take_word(script, "date")) {
            responder->gives_date = true;
        } else if (take_word(script, "no-get")) {
            responder->refuses_get = true;
        } else if (take_word(script, "no-post")) {
            responder->refuses_post = true;
        } else if (take_word(script, "last-quarter")) {
            responder->only_last_quarter = true;
        } else {
            more = false;
        }
    }
}

static void read_fault(struct script *script)
{
    uint32_t responder = (uint32_t)next_number(script, script->world->responder_count);
    const char *name = next_word(script);
    struct window span = next_span(script);
    struct episode episode = {at_ms(span.from_s), at_ms(span.until_s), FAULT_NONE, 1000, 0};

    if (!fault_find(name, &episode.fault)) {
        complain(script, name);
    }
    if (take_word(script, "permille")) {
        episode.permille = (unsigned)next_number(script, 1001);
    }
    if (take_word(script, "retry-after")) {
        episode.retry_after_s = next_time(script);
    }
    if (!script->bad) {
        responder_plan(&script->world->responders[responder], &episode);
    }
}

static void read_cert_words(struct script *script, struct sim_cert *cert)
{
    struct world *world = script->world;

    for (bool more = true; more;) {
        if (take_word(script, "at")) {
            cert->found_ms = at_ms(next_time(script));
        } else if (take_word(script, "gone")) {
            cert->gone_ms = at_ms(next_time(script));
        } else if (take_word(script, "ends")) {
            cert->facts.not_after_s = WORLD_START_S + next_time(script);
        } else if (take_word(script, "born")) {
            cert->issued_ms = at_ms(next_time(script));
        } else if (take_word(script, "must-staple")) {
            cert->facts.must_staple = true;
        } else if (take_word(script, "twin") && world->cert_count) {
            cert->certid = world->certs[world->cert_count - 1].certid;
        } else if (take_word(script, "no-issuer")) {
            cert->facts.has_issuer = false;
        } else if (take_word(script, "no-url")) {
            cert->facts.url_count = 0;
        } else if (take_word(script, "ca")) {
            cert->facts.is_ca = true;
        } else {
            more = false;
        }
    }
}

static void read_certs(struct script *script)
{
    struct world *world = script->world;
    int64_t count = next_number(script, 1000001);
    struct sim_cert cert;

    if (world->responder_count - script->first > LIMIT_URLS || !world->authority_count) {
        complain(script, "certs");
        return;
    }
    cert = plain_cert(world, world->authority_count - 1, script->first,
                      world->responder_count - script->first);
    read_cert_words(script, &cert);
    for (int64_t i = 0; i < count && !script->bad; i++) {
        world_add_cert(world, &cert);
    }
    world->options.certs = world->cert_count;
}

static void read_revoke(struct script *script)
{
    uint32_t number = (uint32_t)next_number(script, script->world->cert_count);
    struct sim_cert cert = {.revocation_reason = -1, .released_ms = INSTANT_NEVER};

    cert.revoked_ms = at_ms(next_time(script));
    if (script->at < script->count) {
        cert.revocation_reason = (int8_t)next_number(script, 11);
    }
    if (script->at < script->count) {
        cert.released_ms = at_ms(next_time(script));
    }
    if (!script->bad) {
        script->world->certs[number].revoked_ms = cert.revoked_ms;
        script->world->certs[number].released_ms = cert.released_ms;
        script->world->certs[number].revocation_reason = cert.revocation_reason;
    }
}

static void read_clock(struct script *script)
{
    int64_t at_s = next_time(script);

    world_plan(script->world, at_ms(at_s), ACT_CLOCK, 0, next_time(script));
}

static void read_stop(struct script *script)
{
    int64_t at_s = next_time(script);

    world_plan(script->world, at_ms(at_s), ACT_STOP, 0, next_time(script) * 1000);
}

static void read_reboot(struct script *script)
{
    int64_t at_s = next_time(script);

    world_plan(script->world, at_ms(at_s), ACT_REBOOT, 0, next_time(script) * 1000);
}

static void read_crash(struct script *script)
{
    int64_t at_s = next_time(script);
    uint32_t writes = (uint32_t)next_number(script, 1000000);

    world_plan(script->world, at_ms(at_s), ACT_CRASH, writes, next_time(script) * 1000);
}

static void read_disk(struct script *script)
{
    struct window span;

    if (!take_word(script, "full")) {
        complain(script, next_word(script));
        return;
    }
    span = next_span(script);
    world_plan(script->world, at_ms(span.from_s), ACT_DISK_FULL, 0, 1);
    world_plan(script->world, at_ms(span.until_s), ACT_DISK_FULL, 0, 0);
}

static const struct {
    const char *word;
    void (*read)(struct script *script);
} kinds[] = {
    {"days", read_days},           {"policy", read_policy},       {"servers", read_servers},
    {"authority", read_authority}, {"responder", read_responder}, {"fault", read_fault},
    {"certs", read_certs},         {"revoke", read_revoke},       {"clock", read_clock},
    {"stop", read_stop},           {"reboot", read_reboot},       {"crash", read_crash},
    {"disk", read_disk},
};

/* ---- Lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the line into words, where it stands. */
static void split(struct script *script, char *line)
{
    script->count = script->at = 0;
    while (*line && *line != '#') {
        if (is_blank(*line)) {
            *line++ = '\0';
            continue;
        }
        if (script->count < WORDS_MOST) {
            script->words[script->count++] = line;
        }
        while (*line && *line != '#' && !is_blank(*line)) {
            line++;
        }
    }
    *line = '\0';
}

static void read_line(struct script *script, char *line)
{
    const char *word;

    split(script, line);
    if (!script->count) {
        return;
    }
    word = next_word(script);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (text_equal(kinds[i].word, word)) {
            kinds[i].read(script);
            if (script->at < script->count) {
                complain(script, next_word(script));
            }
            return;
        }
    }
    complain(script, word);
}

bool script_build(struct world *world, struct slice text, struct buf *fault)
{
    _cleanup_(freep)
    char *copy = text_copy(text);
    struct script script = {.world = world, .fault = fault};
    char *line = copy, *end;

    must(copy);
    for (int64_t number = 1; line && !script.bad; number++, line = end) {
        struct buf place = BUF_INIT(100);

        end = strchr(line, '\n');
        if (end) {
            *end++ = '\0';
        }
        buf_put_int(&place, number);
        buf_put_text(&place, ":");
        buf_clear(fault);
        buf_put_text(fault, buf_text(&place));
        buf_deinit(&place);
        read_line(&script, line);
    }
    return !script.bad;
}
