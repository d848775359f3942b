/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/compare.h"
#include "sim/peers.h"

#define NOW_S WORLD_START_S
#define SEEDS 3

static unsigned find(unsigned count, const char *(*name)(unsigned), const char *wanted)
{
    for (unsigned i = 0; i < count; i++) {
        if (text_equal(name(i), wanted)) {
            return i;
        }
    }
    fail_msg("there is no %s", wanted);
    return 0;
}

/* The sum over a few worlds. */
static struct meter measured(const char *trial, const char *policy)
{
    struct meter sum = {0};

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct meter meter = compare_run(find(trial_count(), trial_name, trial),
                                         find(policy_count(), policy_name, policy), seed);

        for (unsigned i = 0; i < METER_KINDS; i++) {
            sum.counts[i] += meter.counts[i];
        }
        sum.from_ms = meter.from_ms;
        sum.until_ms = meter.until_ms;
    }
    return sum;
}

static void assert_shows(const char *trial, const char *policy, enum meter_kind kind)
{
    struct meter meter = measured(trial, policy);

    if (meter.counts[kind] == 0) {
        fail_msg("%s, %s: never %s", trial, policy, meter_kind_name(kind));
    }
}

static void assert_never(const char *trial, const char *policy, enum meter_kind kind)
{
    struct meter meter = measured(trial, policy);

    if (meter.counts[kind] != 0) {
        fail_msg("%s, %s: %u minutes %s", trial, policy, (unsigned)meter.counts[kind],
                 meter_kind_name(kind));
    }
}

/* ---- The policies alone ---- */

static void assert_soon(const struct peer *peer, const struct peer_look *look)
{
    int64_t next_s = peer->next_s(look);
    int64_t life_s = time_sub(look->life.until_s, look->life.from_s);

    /* No peer waits longer than a day and a half, or than what it holds lives. */
    if (next_s < look->now_s - life_s || next_s > look->now_s + time_max(life_s, 36 * HOUR_S)) {
        fail_msg("%s: %lld s after %u failures", peer->name, (long long)(next_s - look->now_s),
                 look->failures);
    }
}

static void test_no_number_of_failures_leads_to_a_wait_without_sense(void **state)
{
    struct rng rng = {1};

    (void)state;
    for (const struct peer *peer = peers; peer->name; peer++) {
        for (unsigned failures = 1; failures < 1000000; failures += failures / 20 + 1) {
            struct peer_look look = {
                .now_s = NOW_S, .failures = failures, .random = rng_next(&rng)};

            assert_soon(peer, &look);
            assert_true(peer->next_s(&look) > NOW_S);
        }
    }
}

static void test_answers_of_every_life_are_asked_again_within_it(void **state)
{
    static const int64_t lives_s[] = {300, 12 * HOUR_S, 7 * DAY_S, 10 * DAY_S};

    (void)state;
    for (const struct peer *peer = peers; peer->name; peer++) {
        for (unsigned i = 0; i < ARRAY_SIZE(lives_s); i++) {
            struct peer_look look = {
                .now_s = NOW_S, .took = true, .life = {NOW_S, NOW_S + lives_s[i]}};

            assert_soon(peer, &look);
        }
    }
}

static const struct peer *peer_named(const char *name)
{
    return &peers[find(policy_count(), policy_name, name) - 1];
}

static void test_refreshes_are_where_the_sources_have_them(void **state)
{
    struct peer_look week = {
        .now_s = NOW_S, .took = true, .answered = true, .life = {NOW_S, NOW_S + 7 * DAY_S}};
    struct peer_look failed = {.now_s = NOW_S, .failures = 1, .random = 0};

    (void)state;
    assert_int_equal(peer_named("nginx")->next_s(&week), NOW_S + 3600);
    assert_int_equal(peer_named("nginx")->next_s(&failed), NOW_S + 300);
    assert_int_equal(peer_named("mod_ssl")->next_s(&week), NOW_S + 3600);
    assert_int_equal(peer_named("mod_md")->next_s(&week), NOW_S + 7 * DAY_S * 67 / 100);
    assert_int_equal(peer_named("mod_md")->next_s(&failed), NOW_S + 15);
    assert_int_equal(peer_named("HAProxy")->next_s(&week), NOW_S + 3600);
    assert_int_equal(peer_named("HAProxy")->next_s(&failed), NOW_S + 120);
    assert_int_equal(peer_named("Caddy")->next_s(&week), NOW_S + 7 * DAY_S / 2);
    assert_int_equal(peer_named("h2o")->next_s(&failed), NOW_S + 4 * HOUR_S);
    assert_int_equal(peer_named("hitch")->next_s(&week), NOW_S + 7 * DAY_S - 600);
}

/* ---- In the world ---- */

static void test_five_hours_away_make_mod_ssl_alone_staple_try_later(void **state)
{
    (void)state;
    for (unsigned i = 0; i < policy_count(); i++) {
        struct meter meter = measured("outage-5h", policy_name(i));
        bool is_mod_ssl = text_equal(policy_name(i), "mod_ssl");

        assert_int_equal(meter_bad(&meter), meter.counts[METER_ERROR]);
        assert_int_equal(meter.counts[METER_ERROR] != 0, is_mod_ssl);
    }
}

static void test_restart_forgets_where_nothing_is_on_disk(void **state)
{
    struct meter before, after;

    (void)state;
    assert_shows("restart", "nginx", METER_NONE);
    assert_shows("restart", "HAProxy", METER_NONE);
    before = measured("outage-1d", "Caddy"); /* forgets what is past its half */
    after = measured("restart", "Caddy");
    assert_true(after.counts[METER_NONE] > before.counts[METER_NONE] + 100);
    before = measured("outage-1d", "hitch");
    after = measured("restart", "hitch");
    assert_true(after.counts[METER_NONE] < before.counts[METER_NONE] + 100);
    assert_never("restart", "mod_md", METER_NONE);
}

static void test_expired_ones_are_shown_where_nobody_looks_at_the_end(void **state)
{
    (void)state;
    assert_shows("short-1d", "mod_md", METER_EXPIRED);
    assert_shows("short-1d", "Caddy", METER_EXPIRED);
    assert_shows("short-1d", "h2o", METER_EXPIRED);
    assert_shows("leftovers", "mod_md", METER_EXPIRED);
    assert_never("leftovers", "Caddy", METER_EXPIRED);
    assert_never("short-1d", "nginx", METER_EXPIRED);
    assert_never("short-1d", "mod_ssl", METER_EXPIRED);
    assert_never("short-1d", "HAProxy", METER_EXPIRED);
    assert_never("short-1d", "hitch", METER_EXPIRED);
}

static void test_forged_answers_are_taken_where_nobody_looks_at_the_signer(void **state)
{
    (void)state;
    assert_shows("forged", "nginx", METER_FORGED);
    assert_shows("forged", "mod_ssl", METER_FORGED);
    assert_shows("forged", "mod_md", METER_FORGED);
    assert_shows("forged", "hitch", METER_FORGED);
    assert_never("forged", "HAProxy", METER_FORGED);
    assert_never("forged", "Caddy", METER_FORGED);
    assert_never("forged", "h2o", METER_FORGED);
    assert_never("garbled", "nginx", METER_FORGED);
    assert_never("garbled", "hitch", METER_FORGED);
    assert_shows("garbled", "mod_md", METER_FORGED);
}

static void test_one_responder_that_hangs_stops_the_serial_ones_for_all(void **state)
{
    (void)state;
    for (unsigned i = 0; i < policy_count(); i++) {
        struct meter meter = measured("held", policy_name(i));
        bool stops = text_equal(policy_name(i), "HAProxy") || text_equal(policy_name(i), "Caddy");

        /* Two certificates in three have responders that are well. */
        assert_int_equal(meter.counts[METER_VALID] * 3 < meter_total(&meter) * 2, stops);
    }
}

static void test_revoked_ones_are_told_or_papered_over(void **state)
{
    (void)state;
    assert_shows("revoked", "mod_ssl", METER_SAYS_REVOKED);
    assert_shows("revoked", "HAProxy", METER_SAYS_REVOKED);
    assert_shows("revoked", "h2o", METER_SAYS_REVOKED);
    assert_shows("revoked", "mod_md", METER_SAYS_REVOKED);
    assert_shows("revoked", "Caddy", METER_EXPIRED);
    assert_never("revoked", "nginx", METER_SAYS_REVOKED);
    assert_never("revoked", "clinch", METER_SAYS_REVOKED);
    assert_shows("revoked", "clinch", METER_NONE);
}

static void test_clinch_shows_nothing_bad_in_any_trial(void **state)
{
    (void)state;
    for (unsigned i = 0; i < trial_count(); i++) {
        struct meter meter = measured(trial_name(i), "clinch");

        /* A good answer is shown until the revoked one can be had: nobody can know before. */
        if (meter_bad(&meter) != meter.counts[METER_STALE_GOOD] ||
            (meter.counts[METER_STALE_GOOD] && !text_equal(trial_name(i), "revoked"))) {
            fail_msg("%s: %u minutes", trial_name(i), (unsigned)meter_bad(&meter));
        }
    }
}

static void test_all_of_the_time_is_counted_and_the_same_twice(void **state)
{
    struct meter first, again;

    (void)state;
    first = measured("outage-5h", "Caddy");
    again = measured("outage-5h", "Caddy");
    assert_memory_equal(&first, &again, sizeof(first));
    assert_int_equal(first.until_ms - first.from_ms, 29 * HOUR_S * 1000);
    assert_int_equal(meter_total(&first), 29 * 60 * 24 * SEEDS); /* 24 certificates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_number_of_failures_leads_to_a_wait_without_sense),
        cmocka_unit_test(test_answers_of_every_life_are_asked_again_within_it),
        cmocka_unit_test(test_refreshes_are_where_the_sources_have_them),
        cmocka_unit_test(test_five_hours_away_make_mod_ssl_alone_staple_try_later),
        cmocka_unit_test(test_restart_forgets_where_nothing_is_on_disk),
        cmocka_unit_test(test_expired_ones_are_shown_where_nobody_looks_at_the_end),
        cmocka_unit_test(test_forged_answers_are_taken_where_nobody_looks_at_the_signer),
        cmocka_unit_test(test_one_responder_that_hangs_stops_the_serial_ones_for_all),
        cmocka_unit_test(test_revoked_ones_are_told_or_papered_over),
        cmocka_unit_test(test_clinch_shows_nothing_bad_in_any_trial),
        cmocka_unit_test(test_all_of_the_time_is_counted_and_the_same_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
