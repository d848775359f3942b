/* SPDX-License-Identifier: Apache-2.0 */

/* The oracle is only as good as what it sees: here a puppet breaks each invariant once, and does
 * what is excused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/test-puppet.h"

#define S      1000
#define MINUTE 60000
#define HOUR   3600000
#define H      3600 /* seconds: times of answers */

/* A world in which nothing can be demanded: its responder never answers, and nobody must ask it. */
#define DEAD_WORLD "days 2\nauthority on-demand 12h\nresponder\nfault 0 late 0..2d\ncerts 3\n"

/* The same, and it says so at once. */
#define REFUSING_WORLD                                                                             \
    "days 2\nauthority on-demand 12h\nresponder\nfault 0 refused 0..2d\ncerts 3\n"

/* By a clock that is set right later; its responder has only old answers. */
#define OLD_WORLD(responder_)                                                                      \
    "days 2\nauthority on-demand 12h\nresponder" responder_                                        \
    "\nfault 0 expired 0..2d\ncerts 3\nclock 0 -12h\nclock 1h 0\n"

/* All is well. Nobody need ask twice for a certificate that ends before an answer does. */
#define WELL_WORLD "days 1\nauthority on-demand 12h backdate 60\nresponder\n"
#define ENDS_SOON  "certs 1 ends 10h\n"

#define ASK(at_, cert_)                                                                            \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_ASK, .cert = (cert_)                                          \
    }
#define POST(at_, cert_)                                                                           \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_ASK, .cert = (cert_), .post = true                            \
    }
#define ASK_URL(at_, cert_, url_)                                                                  \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_ASK, .cert = (cert_), .url = (url_)                           \
    }
#define ASK_FRESH(at_, cert_)                                                                      \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_ASK, .cert = (cert_), .no_cache = true                        \
    }
#define HAVE(at_, cert_)                                                                           \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_HAVE, .cert = (cert_)                                         \
    }
#define HIDE(at_, cert_)                                                                           \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_HIDE, .cert = (cert_)                                         \
    }
/* In OLD_WORLD: c1 hears an old answer just behind the clock's change; c0 is shown for too long. */
#define OLD_PLAY                                                                                   \
    {                                                                                              \
        SHOW(S, 2, .until_s = 12 * H), ASK(HOUR + MINUTE, 1),                                      \
            SHOW(3 * HOUR, 0, .from_s = 3 * H - 60, .until_s = 3 * H + 180), HIDE(4 * HOUR, 0),    \
            HIDE(11 * HOUR + 55 * MINUTE, 2)                                                       \
    }
#define SPIN(at_, cert_)                                                                           \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_SPIN, .cert = (cert_)                                         \
    }
#define SHOW(at_, cert_, ...)                                                                      \
    {                                                                                              \
        .at_ms = (at_), .kind = MOVE_SHOW, .cert = (cert_), __VA_ARGS__                            \
    }

struct play {
    const char *what;
    enum invariant expected;
    const char *script;
    struct move moves[12];
};

static const struct play plays[] = {
    {"shown to its end and no longer",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"shown in its last minutes",
     BROKEN_MARGIN,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H), HIDE(11 * HOUR + 58 * MINUTE, 0)}},
    {"shown beyond its end",
     BROKEN_EXPIRED,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 240), HIDE(5 * MINUTE, 0)}},
    {"shown beyond its end where the clock was never right",
     BROKEN_NOTHING,
     DEAD_WORLD "clock 0 -1d\n",
     {SHOW(S, 0, .until_s = 12 * H), HIDE(13 * HOUR, 0)}},
    {"shown beyond its end where the clock was right for two hours",
     BROKEN_EXPIRED,
     DEAD_WORLD "clock 0 -1d\nclock 10h 0\n",
     {SHOW(12 * HOUR, 0, .from_s = 12 * H - 60, .until_s = 12 * H + 180), HIDE(13 * HOUR, 0)}},
    {"shown beyond its end where an old answer spoke against the clock that was put right",
     BROKEN_NOTHING, OLD_WORLD(""), OLD_PLAY},
    {"shown beyond its end where an old answer's Date said that it is one", BROKEN_EXPIRED,
     OLD_WORLD(" date"), OLD_PLAY},
    {"shown beyond its end where the clock was set again, and is right",
     BROKEN_EXPIRED,
     OLD_WORLD("") "clock 5h -12h\nclock 6h 0\n",
     {SHOW(S, 2, .until_s = 12 * H), ASK(HOUR + MINUTE, 1),
      SHOW(8 * HOUR, 0, .from_s = 8 * H - 60, .until_s = 8 * H + 180), HIDE(9 * HOUR, 0),
      HIDE(11 * HOUR + 55 * MINUTE, 2)}},
    {"must-staple: a day longer, which counts as bare",
     BROKEN_NOTHING,
     DEAD_WORLD "certs 1 must-staple\n",
     {SHOW(S, 3, .until_s = 12 * H), HIDE(36 * HOUR - S, 3)}},
    {"must-staple: more than a day longer",
     BROKEN_EXPIRED,
     DEAD_WORLD "certs 1 must-staple\n",
     {SHOW(S, 3, .until_s = 12 * H), HIDE(37 * HOUR, 3)}},
    {"must-staple, and the policy knows no grace",
     BROKEN_MARGIN,
     DEAD_WORLD "certs 1 must-staple\npolicy grace 0\n",
     {SHOW(S, 3, .until_s = 12 * H), HIDE(36 * HOUR - S, 3)}},
    {"older than ten days: Firefox",
     BROKEN_MARGIN,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -239 * H, .until_s = 500 * H), HIDE(90 * MINUTE, 0)}},
    {"shown before its time",
     BROKEN_EARLY,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = 60, .until_s = 12 * H)}},
    {"about another certificate",
     BROKEN_FOREIGN,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .other_cert = true)}},
    {"of another issuer",
     BROKEN_FOREIGN,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .flaw = FLAW_OTHER_ISSUER)}},
    {"junk", BROKEN_FORM, DEAD_WORLD, {SHOW(S, 0, .until_s = 12 * H, .flaw = FLAW_JUNK)}},
    {"tryLater", BROKEN_FORM, DEAD_WORLD, {SHOW(S, 0, .until_s = 12 * H, .flaw = FLAW_ERROR)}},
    {"badly signed",
     BROKEN_SIGNATURE,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .flaw = FLAW_BAD_SIGNATURE)}},
    {"signed by a stranger",
     BROKEN_SIGNATURE,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .flaw = FLAW_STRANGER)}},
    {"never signed by the authority",
     BROKEN_DISHONEST,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .dishonest = true)}},
    {"says unknown",
     BROKEN_STATUS,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .status = CERT_STATUS_UNKNOWN)}},
    {"says revoked, by policy",
     BROKEN_NOTHING,
     DEAD_WORLD "policy staple-revoked 1\n",
     {SHOW(S, 0, .until_s = 12 * H, .status = CERT_STATUS_REVOKED),
      HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"says revoked, against the policy",
     BROKEN_STATUS,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .status = CERT_STATUS_REVOKED)}},
    {"an older one after a newer one",
     BROKEN_OLDER,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = 12 * H),
      SHOW(MINUTE, 0, .from_s = -2 * H, .until_s = 12 * H)}},
    {"of two that begin together the one that ends earlier",
     BROKEN_OLDER,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = 12 * H),
      SHOW(MINUTE, 0, .from_s = -H, .until_s = 11 * H)}},
    {"a good one is taken away",
     BROKEN_WITHDRAWN,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = 12 * H), HIDE(MINUTE, 0)}},
    {"an older one after the newer one has ended",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = H), HIDE(55 * MINUTE, 0),
      SHOW(61 * MINUTE, 0, .from_s = -2 * H, .until_s = 12 * H), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"another one of the same times",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H), SHOW(MINUTE, 0, .until_s = 12 * H),
      HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"in its first minutes, where nothing else is",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"in its first minutes, for one that is good",
     BROKEN_FIRST_MINUTES,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = 11 * H),
      SHOW(HOUR + MINUTE, 0, .from_s = H, .until_s = 12 * H)}},
    {"behind its first minutes",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .from_s = -H, .until_s = 11 * H),
      SHOW(HOUR + 6 * MINUTE, 0, .from_s = H, .until_s = 12 * H),
      HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"a good one is taken away because the clock has jumped",
     BROKEN_WITHDRAWN,
     DEAD_WORLD "clock 1h 1d\n",
     {SHOW(S, 0, .until_s = 12 * H), HIDE(90 * MINUTE, 0)}},
    {"a good one is taken away an hour after the clock has jumped, and nobody said otherwise",
     BROKEN_NOTHING,
     DEAD_WORLD "clock 1h 1d\n",
     {SHOW(S, 0, .until_s = 12 * H), HIDE(2 * HOUR + S, 0)}},
    {"two at once for one certificate",
     BROKEN_DOUBLE_FETCH,
     REFUSING_WORLD,
     {ASK(S, 1), ASK(S, 1)}},
    {"two at once for two leaves of one CertID",
     BROKEN_DOUBLE_FETCH,
     REFUSING_WORLD "certs 1 twin\n",
     {ASK(S, 2), ASK(S, 3)}},
    {"three at once where two may be",
     BROKEN_CONCURRENCY,
     REFUSING_WORLD "policy concurrency 2\n",
     {ASK(S, 0), ASK(S, 1), ASK(S, 2)}},
    {"three at once where two may be in all",
     BROKEN_TOTAL,
     REFUSING_WORLD "policy total 2\n",
     {ASK(S, 0), ASK(S, 1), ASK(S, 2)}},
    {"three in a second where two may be",
     BROKEN_RATE,
     REFUSING_WORLD "policy rate 2\n",
     {ASK(S, 0), ASK(S + 400, 1), ASK(S + 999, 2)}},
    {"three in a second and a little where two may be",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 refused 0..1d\n"
     "certs 3 ends 6m\npolicy rate 2\n",
     {ASK(S, 0), ASK(S + 400, 1), ASK(S + 1000, 2)}},
    {"asked again before Retry-After is over",
     BROKEN_RETRY_AFTER,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 http-503 0..1d retry-after "
     "5m\n" ENDS_SOON,
     {ASK(S, 0), ASK(S + 4 * MINUTE, 0)}},
    {"asked again when Retry-After is over",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 http-503 0..1d retry-after 5m\n"
     "certs 1 ends 16m\n",
     {ASK(S, 0), ASK(S + 6 * MINUTE, 0)}},
    {"not asked again when Retry-After is over",
     BROKEN_TARDY,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 http-503 0..1d retry-after 5m\n"
     "certs 1 ends 1h\n",
     {ASK(S, 0), ASK(S + 6 * MINUTE, 0)}},
    {"two probes at once of a responder that is down",
     BROKEN_CIRCUIT,
     REFUSING_WORLD,
     {ASK(1 * 1500, 0), ASK(2 * 1500, 0), ASK(3 * 1500, 0), ASK(4 * 1500, 0), ASK(5 * 1500, 0),
      ASK(9 * S, 0), ASK(9 * S, 1)}},
    {"two at once before five have failed",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 refused 0..1d\n"
     "certs 2 ends 6m\n",
     {ASK(1 * 1500, 0), ASK(2 * 1500, 0), ASK(3 * 1500, 0), ASK(4 * 1500, 0), ASK(9 * S, 0),
      ASK(9 * S, 1)}},
    {"two at once when it is just back",
     BROKEN_CONCURRENCY,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 refused 0..10\ncerts 3\n",
     {ASK(1 * 1500, 0), ASK(2 * 1500, 0), ASK(3 * 1500, 0), ASK(4 * 1500, 0), ASK(5 * 1500, 0),
      ASK(11 * S, 0), HAVE(11 * S + 200, 0), ASK(12 * S, 1), ASK(12 * S, 2)}},
    {"asks for what has no issuer",
     BROKEN_QUIET,
     REFUSING_WORLD "certs 1 no-issuer\n",
     {ASK(S, 3)}},
    {"does nothing but wake", BROKEN_SPINNING, DEAD_WORLD, {SPIN(S, 0)}},
    {"never asks a responder that is well", BROKEN_TARDY, WELL_WORLD "certs 1\n", {HIDE(S, 0)}},
    {"never asks again",
     BROKEN_TARDY,
     WELL_WORLD "certs 1\n",
     {ASK(S, 0), HAVE(S + 500, 0), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"need not ask again",
     BROKEN_NOTHING,
     WELL_WORLD ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
    {"asks again half an hour after the first answer",
     BROKEN_HASTE,
     WELL_WORLD ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), ASK(30 * MINUTE, 0)}},
    {"asks again in the first half of its life",
     BROKEN_HASTE,
     WELL_WORLD "certs 1 ends 2d\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0), HAVE(5 * HOUR + 5 * MINUTE, 0),
      ASK(8 * HOUR, 0)}},
    {"asks again in the second half of its life",
     BROKEN_NOTHING,
     WELL_WORLD "certs 1 ends 23h\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0), HAVE(5 * HOUR + 5 * MINUTE, 0),
      ASK(12 * HOUR, 0), HAVE(12 * HOUR + 5 * MINUTE, 0), HIDE(22 * HOUR + 55 * MINUTE, 0)}},
    {"asks again at once after an unchanged answer",
     BROKEN_HASTE,
     "days 1\nauthority batch 12h 6h\nresponder etag\n" ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), ASK(3 * HOUR, 0), ASK(3 * HOUR + MINUTE, 0)}},
    {"asks again half a second after a failure",
     BROKEN_HASTE,
     REFUSING_WORLD,
     {ASK(10 * S, 0), ASK(10 * S + 500, 0)}},
    {"waits for an hour after the first failure",
     BROKEN_TARDY,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 unauthorized 0..1d\ncerts 1\n",
     {ASK(S, 0), ASK(HOUR, 0)}},
    {"takes the answer to a request that never ends for its reply",
     BROKEN_TARDY,
     DEAD_WORLD,
     {ASK(S, 0)}},
    {"a failed GET is not tried as POST",
     BROKEN_WAYS,
     "days 1\nauthority on-demand 12h\nresponder no-get\ncerts 1\n",
     {ASK(S, 0), ASK(3 * S, 0)}},
    {"a failed GET is tried as POST",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder no-get\n" ENDS_SOON,
     {ASK(S, 0), POST(S + 200, 0), HAVE(S + 500, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
    {"a stale answer is not asked for past the caches",
     BROKEN_WAYS,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 cached-old 4h..6h\n" ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0)}},
    {"a stale answer is asked for past the caches",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 cached-old 4h..6h\n" ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0), ASK_FRESH(5 * HOUR + 200, 0),
      HAVE(5 * HOUR + 5 * MINUTE, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
    {"junk is not asked for by POST",
     BROKEN_WAYS,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 junk 0..1d\n" ENDS_SOON,
     {ASK(S, 0)}},
    {"junk is asked for by POST",
     BROKEN_TARDY, /* but not again */
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 junk 0..1d\n" ENDS_SOON,
     {ASK(S, 0), POST(S + 200, 0)}},
    {"goes on with POST when all is well",
     BROKEN_WAYS,
     WELL_WORLD ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), POST(5 * HOUR, 0)}},
    {"the first staple has no hurry",
     BROKEN_BATCHED,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H, .batched = true)}},
    {"the next staple has no hurry",
     BROKEN_NOTHING,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H),
      SHOW(5 * HOUR, 0, .from_s = H, .until_s = 15 * H, .batched = true),
      HIDE(14 * HOUR + 55 * MINUTE, 0)}},
    {"a withdrawal has no hurry",
     BROKEN_BATCHED,
     DEAD_WORLD,
     {SHOW(S, 0, .until_s = 12 * H),
      {.at_ms = 11 * HOUR + 55 * MINUTE, .kind = MOVE_HIDE, .batched = true}}},
    {"what follows a revocation has no hurry",
     BROKEN_BATCHED,
     DEAD_WORLD "policy staple-revoked 1\n",
     {SHOW(S, 0, .until_s = 12 * H, .status = CERT_STATUS_REVOKED),
      SHOW(5 * HOUR, 0, .from_s = H, .until_s = 15 * H, .batched = true)}},
    {"a responder that went down is tried at once",
     BROKEN_HASTE,
     REFUSING_WORLD,
     {ASK(1 * 1500, 0), ASK(2 * 1500, 1), ASK(3 * 1500, 2), ASK(5 * 1500, 0), ASK(6 * 1500, 1),
      ASK(6 * 1500 + 600, 2)}},
    {"nobody is tried where a responder is down",
     BROKEN_TARDY,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 refused 0..12h\ncerts 1\n",
     {ASK(1 * 1500, 0), ASK(3 * 1500, 0), ASK(6 * 1500, 0), ASK(12 * 1500, 0), ASK(24 * 1500, 0)}},
    {"the second URL is not tried",
     BROKEN_WAYS,
     "days 1\nauthority on-demand 12h\nresponder\nresponder\nfault 0 refused 0..1d\n" ENDS_SOON,
     {ASK(S, 0), ASK(3 * S, 0)}},
    {"the second URL is tried",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nresponder\nfault 0 refused 0..1d\n" ENDS_SOON,
     {ASK(S, 0), ASK_URL(S + 200, 0, 1), HAVE(S + 500, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
    {"what came is not shown", BROKEN_UNUSED, WELL_WORLD ENDS_SOON, {ASK(S, 0)}},
    {"what came is not shown when its first minutes are over",
     BROKEN_UNUSED,
     WELL_WORLD ENDS_SOON,
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0)}},
    {"what came is not shown behind a start",
     BROKEN_UNUSED,
     WELL_WORLD ENDS_SOON "stop 18060 5\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0)}},
    {"what came as the process died is lost",
     BROKEN_NOTHING,
     WELL_WORLD "certs 1 ends 6h\nstop 18001 5\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(5 * HOUR, 0), HIDE(5 * HOUR + 55 * MINUTE, 0)}},
    {"what came is not shown for the other leaf",
     BROKEN_UNUSED,
     WELL_WORLD ENDS_SOON "certs 1 twin ends 10h\n",
     {ASK(S, 0), HAVE(S + 500, 0)}},
    {"the disk is full, and so nothing is shown",
     BROKEN_UNUSED,
     WELL_WORLD ENDS_SOON "disk full 0..1d\n",
     {ASK(S, 0)}},
    {"does not ask a responder that is back",
     BROKEN_BARE,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 refused 0..10\ncerts 1\n",
     {ASK(1 * 1500, 0), ASK(2 * 1500, 0), ASK(3 * 1500, 0), ASK(4 * 1500, 0), ASK(5 * 1500, 0),
      HIDE(MINUTE, 0)}},
    {"never shows a newer one, which the outage makes good",
     BROKEN_NOTHING,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 no-next-update 6h..6h1m\n"
     "certs 1\nfault 0 hang 7h..1d\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(6 * HOUR + S, 0), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"never shows a newer one, which the outage does not make good",
     BROKEN_BARE,
     "days 1\nauthority on-demand 12h\nresponder\nfault 0 no-next-update 6h..6h1m\n"
     "certs 1\nfault 0 hang 9h..1d\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(6 * HOUR + S, 0), HIDE(11 * HOUR + 55 * MINUTE, 0)}},
    {"does not show again after a start what it had",
     BROKEN_LOST,
     DEAD_WORLD "servers forget\nstop 1h 5\n",
     {SHOW(S, 0, .until_s = 12 * H)}},
    {"does not show again what it could not store",
     BROKEN_NOTHING,
     DEAD_WORLD "servers forget\nstop 1h 5\ndisk full 0..2h\n",
     {SHOW(S, 0, .until_s = 12 * H)}},
    {"shows a good one although a revoked answer has come",
     BROKEN_REVOKED,
     WELL_WORLD "certs 1\nrevoke 0 1h 1\n",
     {ASK(S, 0), HAVE(S + 500, 0), ASK(2 * HOUR, 0)}},
    {"shows a good one again after a restart although a revoked answer has come",
     BROKEN_REVOKED,
     WELL_WORLD "certs 1\nrevoke 0 0 1\nstop 3h 5\n",
     {ASK(S, 0), SHOW(4 * HOUR, 0, .until_s = 12 * H)}},
    {"shows a good one before anybody said that it is revoked",
     BROKEN_NOTHING,
     WELL_WORLD "certs 1 ends 10h\nrevoke 0 10 1\n",
     {ASK(S, 0), HAVE(S + 500, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
    {"shows nothing although the policy wants the revocation shown",
     BROKEN_UNUSED,
     WELL_WORLD "certs 1\nrevoke 0 0 1\npolicy staple-revoked 1\n",
     {ASK(S, 0)}},
    {"a release is not shown",
     BROKEN_UNUSED,
     WELL_WORLD "certs 1\nrevoke 0 0 6 3h\n",
     {ASK(S, 0), ASK(4 * HOUR, 0)}},
    {"a release is shown",
     BROKEN_NOTHING,
     WELL_WORLD "certs 1 ends 10h\nrevoke 0 0 6 3h\n",
     {ASK(S, 0), ASK(4 * HOUR, 0), HAVE(4 * HOUR + 500, 0), HIDE(9 * HOUR + 55 * MINUTE, 0)}},
};

static void test_puppets_are_seen_through(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(plays); i++) {
        const struct play *play = &plays[i];
        struct puppet puppet;
        struct oracle_result result;
        enum invariant broken = puppet_run(play->script, play->moves, &puppet, &result);

        if (broken != play->expected) {
            print_error("%s: %s instead of %s\n", play->what, invariant_name(broken),
                        invariant_name(play->expected));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Six certificates that were due in the outage; the responder is back after a day. (Another one
 * hangs all the time: of nobody it can be said that it is not tried in time.) */
#define LINE_WORLD                                                                                 \
    "days 3\nauthority on-demand 4d\nresponder\nfault 0 late 0..3d\n"                              \
    "authority on-demand 4d\nresponder\nfault 1 refused 30..2d\ncerts 8\n"

static void run_line(const struct move *asks, unsigned ask_count, enum invariant expected)
{
    struct move moves[40];
    unsigned count = 0;
    struct puppet puppet;
    struct oracle_result result;
    enum invariant broken;

    /* Each holds an answer that is over its 60 % when the responder is back. */
    for (int64_t i = 0; i < 8; i++) {
        moves[count++] =
            (struct move)SHOW(S, (uint32_t)i, .from_s = (i - 36) * H, .until_s = (i + 60) * H);
    }
    for (int64_t i = 0; i < 6; i++) { /* the circuit opens by the last one */
        moves[count++] = (struct move)ASK(40 * S + i * 1500, 7);
    }
    moves[count++] = (struct move)ASK(48 * HOUR + S, 7);
    for (unsigned i = 0; i < ask_count; i++) {
        moves[count++] = asks[i];
    }
    for (uint32_t i = 0; i < 8; i++) {
        moves[count++] = (struct move)HIDE((59 + i) * HOUR + 55 * MINUTE, i);
    }
    moves[count] = (struct move){.at_ms = 0};
    broken = puppet_run(LINE_WORLD, moves, &puppet, &result);
    if (broken != expected) {
        fail_msg("%s instead of %s", invariant_name(broken), invariant_name(expected));
    }
}

static void test_line_goes_by_ends(void **state)
{
    const int64_t from = 48 * HOUR + 2 * S;
    const struct move right[] = {ASK(from, 0),       ASK(from + 100, 1), ASK(from + 200, 2),
                                 ASK(from + 300, 3), ASK(from + 400, 4), ASK(from + 500, 5),
                                 ASK(from + 600, 6)};
    const struct move wrong[] = {ASK(from, 0), ASK(from + 100, 3)};

    (void)state;
    run_line(wrong, ARRAY_SIZE(wrong), BROKEN_ORDER);
    /* Nothing wrong with the line; but nobody shows what the replies brought. */
    run_line(right, ARRAY_SIZE(right), BROKEN_UNUSED);
}

static void test_line_makes_progress(void **state)
{
    const int64_t from = 48 * HOUR + 2 * S;
    const struct move slow[] = {ASK(from, 0), ASK(from + 3 * S, 1)};

    (void)state;
    run_line(slow, ARRAY_SIZE(slow), BROKEN_PROGRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puppets_are_seen_through),
        cmocka_unit_test(test_line_goes_by_ends),
        cmocka_unit_test(test_line_makes_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
