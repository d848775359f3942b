/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/peers.h"

#define MINUTE_S INT64_C(60)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return time_max(low, time_min(value, high));
}

static int64_t half_of(struct window life)
{
    return life.until_s == INSTANT_NEVER ? life.from_s
                                         : life.from_s + (life.until_s - life.from_s) / 2;
}

/* In the first handshake five minutes before the end, within an hour; five minutes after a
 * failure, however many there were. */
static int64_t nginx_next_s(const struct peer_look *look)
{
    return look->took
               ? clamp(time_sub(look->life.until_s, 300), look->now_s + 300, look->now_s + HOUR_S)
               : look->now_s + 300;
}

/* An hour in the cache whatever nextUpdate says. What a responder refused stays ten minutes; the
 * tryLater made up when nothing came is stored like an answer. */
static int64_t mod_ssl_next_s(const struct peer_look *look)
{
    return look->now_s + (look->took || !look->answered ? HOUR_S : 600);
}

/* In the last third; 30 s doubling up to a day after failures, give or take a half. One that is
 * still the same in its last third (signed late) is asked for again by the hourly watchdog. */
static int64_t mod_md_next_s(const struct peer_look *look)
{
    int64_t until_s =
        look->life.until_s == INSTANT_NEVER ? look->life.from_s + 12 * HOUR_S : look->life.until_s;
    int64_t wait_s;

    if (look->took) {
        return time_max(until_s - (until_s - look->life.from_s) * 33 / 100,
                        look->now_s + (look->unchanged ? HOUR_S : MINUTE_S));
    }
    wait_s = look->failures > 12 ? DAY_S : time_min(DAY_S, INT64_C(30) << (look->failures - 1));
    return look->now_s + wait_s / 2 + (int64_t)(look->random % (uint64_t)(wait_s + 1));
}

/* Hourly, six minutes before the end, not within five; 2, 4, 8 minutes... up to an hour. */
static int64_t haproxy_next_s(const struct peer_look *look)
{
    if (look->took) {
        return time_max(look->now_s + 300,
                        time_min(look->now_s + HOUR_S, time_sub(look->life.until_s, 360)));
    }
    return look->now_s + (look->failures > 5 ? HOUR_S : MINUTE_S << look->failures);
}

/* At half of the life, by the hourly scan; the next scan after a failure. */
static int64_t caddy_next_s(const struct peer_look *look)
{
    return look->took ? time_max(half_of(look->life), look->now_s + 1) : look->now_s + 1;
}

/* Flat. */
static int64_t h2o_next_s(const struct peer_look *look)
{
    return look->now_s + 4 * HOUR_S;
}

/* Ten minutes before the end, half-hourly without one; 1, 5 or 10 minutes after a failure. */
static int64_t hitch_next_s(const struct peer_look *look)
{
    if (!look->took) {
        return look->now_s + (look->answered ? 300 : MINUTE_S);
    }
    if (look->life.until_s == INSTANT_NEVER) {
        return look->now_s + 1800;
    }
    return time_max(look->life.until_s - 600, look->now_s + MINUTE_S);
}

static int64_t ideal_next_s(const struct peer_look *look)
{
    return look->now_s + MINUTE_S;
}

const struct peer peers[] = {
    {
        .name = "nginx",
        .what = "`ssl_stapling on`, `ssl_stapling_verify off` (default), four workers",
        .next_s = nginx_next_s,
        .workers = 4,
        .on_handshake = true,
        .limit_ms = 60000,
        .check = CHECK_ANY_SIGNER,
        .takes = TAKES_GOOD,
        .binds = true,
        .skew_s = 300,
    },
    {
        .name = "mod_ssl",
        .what = "Apache 2.4.x, `SSLUseStapling on`, everything else as it comes",
        .next_s = mod_ssl_next_s,
        .parallel = 1,
        .workers = 1,
        .on_handshake = true,
        .post = true,
        .limit_ms = 10000,
        .check = CHECK_NOTHING,
        .takes = TAKES_GOOD | TAKES_REVOKED | TAKES_UNKNOWN,
        .binds = true,
        .skew_s = 300,
        .takes_errors = true,
        .fakes_try_later = true,
        .drops_refused = true,
    },
    {
        .name = "mod_md",
        .what = "v2.6.11, `MDStapling on`",
        .next_s = mod_md_next_s,
        .parallel = 6,
        .workers = 1,
        .post = true,
        .check = CHECK_NOTHING,
        .takes = TAKES_GOOD | TAKES_REVOKED,
        .binds = true,
        .skew_s = -1,
        .beyond_end = true,
        .disk = DISK_ALL,
        .disk_keep_s = 7 * DAY_S,
    },
    {
        .name = "HAProxy",
        .what = "3.5-dev5, `ocsp-update.mode on`",
        .next_s = haproxy_next_s,
        .parallel = 1,
        .workers = 1,
        .check = CHECK_SIGNER,
        .takes = TAKES_GOOD | TAKES_REVOKED,
        .binds = true,
        .skew_s = 300,
        .needs_next_update = true,
        .early_s = 300,
    },
    {
        .name = "Caddy",
        .what = "certmagic 9f98c96dc, certificates that it did not get itself",
        .next_s = caddy_next_s,
        .parallel = 1,
        .workers = 1,
        .post = true,
        .scan_s = HOUR_S,
        .check = CHECK_SIGNER,
        .takes = TAKES_GOOD,
        .skew_s = -1,
        .inside_leaf = true,
        .beyond_end = true,
        .disk = DISK_YOUNG,
    },
    {
        .name = "h2o",
        .what = "edd7a120b, as it comes",
        .next_s = h2o_next_s,
        .parallel = 10,
        .workers = 1,
        .post = true,
        .check = CHECK_SIGNER,
        .takes = TAKES_GOOD | TAKES_REVOKED | TAKES_UNKNOWN,
        .skew_s = -1,
        .beyond_end = true,
        .drops_after = 4,
    },
    {
        .name = "hitch",
        .what = "a90f55481, `ocsp-dir` set, `ocsp-verify-staple off` (default)",
        .next_s = hitch_next_s,
        .parallel = 1,
        .workers = 1,
        .post = true,
        .limit_ms = 14000,
        .check = CHECK_ANY_SIGNER,
        .takes = TAKES_GOOD,
        .binds = true,
        .skew_s = -1,
        .disk = DISK_ALL,
    },
    {
        .name = "ideal",
        .what = "asks every minute, takes nothing bad, forgets nothing",
        .next_s = ideal_next_s,
        .workers = 1,
        .limit_ms = 30000,
        .check = CHECK_SIGNER,
        .takes = TAKES_GOOD | TAKES_REVOKED,
        .binds = true,
        .skew_s = 0,
        .needs_next_update = true,
        .never_back = true,
        .disk = DISK_ALL,
    },
    {.name = NULL},
};
