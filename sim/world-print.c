/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world.h"

static void put_padded(struct buf *buf, int64_t number, unsigned digits)
{
    for (int64_t bound = 10; --digits; bound *= 10) {
        if (number < bound) {
            buf_put_byte(buf, '0');
        }
    }
    buf_put_int(buf, number);
}

void world_put_time(struct buf *buf, int64_t true_ms)
{
    int64_t ms = true_ms - WORLD_START_S * 1000;

    if (ms < 0) {
        buf_put_byte(buf, '-');
        ms = -ms;
    }
    buf_put_byte(buf, 'd');
    buf_put_int(buf, ms / (DAY_S * 1000));
    buf_put_byte(buf, ' ');
    put_padded(buf, ms / (HOUR_S * 1000) % 24, 2);
    buf_put_byte(buf, ':');
    put_padded(buf, ms / 60000 % 60, 2);
    buf_put_byte(buf, ':');
    put_padded(buf, ms / 1000 % 60, 2);
    buf_put_byte(buf, '.');
    put_padded(buf, ms % 1000, 3);
}

static void put_field(struct buf *buf, const char *name, int64_t value)
{
    if (value) {
        buf_put_text(buf, name);
        buf_put_int(buf, value);
    }
}

static void put_flag(struct buf *buf, const char *name, bool value)
{
    buf_put_text(buf, value ? name : "");
}

static void put_authority(struct buf *buf, const struct world *world, uint32_t number)
{
    static const char *const signing[] = {" on-demand", " batch", " late"};
    const struct authority *authority = &world->authorities[number];

    buf_put_text(buf, "authority ");
    buf_put_int(buf, number);
    buf_put_text(buf, signing[authority->signing]);
    buf_put_text(buf, " life ");
    if (authority->life_s == INSTANT_NEVER) {
        buf_put_text(buf, "endless");
    } else {
        buf_put_int(buf, authority->life_s);
    }
    put_field(buf, " period ", authority->period_s);
    put_field(buf, " lead ", authority->lead_s);
    put_field(buf, " backdate ", authority->backdate_s);
    put_field(buf, " birth ", authority->birth_s);
    put_field(buf, " delegate ", authority->delegate_life_s);
    buf_put_byte(buf, '\n');
}

static void put_responder(struct buf *buf, const struct world *world, uint32_t number)
{
    const struct responder *responder = &world->responders[number];

    buf_put_text(buf, "responder ");
    buf_put_int(buf, number);
    put_field(buf, " of ", responder->authority);
    put_field(buf, " latency ", responder->latency_min_ms);
    put_field(buf, "..", responder->latency_max_ms);
    put_flag(buf, " no-get", responder->refuses_get);
    put_flag(buf, " no-post", responder->refuses_post);
    put_flag(buf, " etag", responder->gives_etag);
    put_flag(buf, " max-age", responder->gives_max_age);
    put_flag(buf, " date", responder->gives_date);
    put_flag(buf, " last-quarter", responder->only_last_quarter);
    buf_put_byte(buf, '\n');
    for (uint32_t i = 0; i < responder->episode_count; i++) {
        const struct episode *episode = &responder->episodes[i];

        buf_put_text(buf, "fault ");
        buf_put_int(buf, number);
        buf_put_byte(buf, ' ');
        buf_put_text(buf, fault_name(episode->fault));
        buf_put_byte(buf, ' ');
        world_put_time(buf, episode->from_ms);
        buf_put_text(buf, " .. ");
        world_put_time(buf, episode->until_ms);
        put_field(buf, " permille ", episode->permille == 1000 ? 0 : episode->permille);
        put_field(buf, " retry-after ", episode->retry_after_s);
        buf_put_byte(buf, '\n');
    }
}

static void put_cert(struct buf *buf, const struct world *world, uint32_t number)
{
    const struct sim_cert *cert = &world->certs[number];

    buf_put_text(buf, "cert ");
    buf_put_int(buf, number);
    buf_put_text(buf, " certid ");
    buf_put_int(buf, cert->certid);
    buf_put_text(buf, " of ");
    buf_put_int(buf, cert->authority);
    buf_put_text(buf, " urls");
    for (unsigned i = 0; i < cert->facts.url_count; i++) {
        put_field(buf, " r", cert->responders[i]);
        put_flag(buf, " r0", cert->responders[i] == 0);
    }
    buf_put_text(buf, " found ");
    world_put_time(buf, cert->found_ms);
    if (cert->gone_ms != INSTANT_NEVER) {
        buf_put_text(buf, " gone ");
        world_put_time(buf, cert->gone_ms);
    }
    buf_put_text(buf, " ends ");
    world_put_time(buf, cert->facts.not_after_s * 1000);
    put_flag(buf, " must-staple", cert->facts.must_staple);
    put_flag(buf, " no-issuer", !cert->facts.has_issuer);
    if (cert->revoked_ms != INSTANT_NEVER) {
        buf_put_text(buf, " revoked ");
        world_put_time(buf, cert->revoked_ms);
        put_field(buf, " reason ", cert->revocation_reason);
    }
    if (cert->released_ms != INSTANT_NEVER) {
        buf_put_text(buf, " released ");
        world_put_time(buf, cert->released_ms);
    }
    buf_put_byte(buf, '\n');
}

void world_put(const struct world *world, struct buf *buf)
{
    for (uint32_t i = 0; i < world->authority_count; i++) {
        put_authority(buf, world, i);
    }
    for (uint32_t i = 0; i < world->responder_count; i++) {
        put_responder(buf, world, i);
    }
    for (uint32_t i = 0; i < world->cert_count; i++) {
        put_cert(buf, world, i);
    }
}
