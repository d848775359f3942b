/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Responders in virtual time, for their tests. Include behind cmocka.h. */

#include "core/responder.h"

#define NOW  INT64_C(1800000000)
#define HOUR 3600

/* Responders with their policy, and a time to set. */
struct play {
    struct policy policy;
    struct responders responders;
    uint32_t one; /* a responder to begin with */
};

static inline void play_open(struct play *play)
{
    *play = (struct play){.policy = policy_default()};
    responders_init(&play->responders, &play->policy, 1);
    play->responders.now = (struct instant){NOW, 5000000};
    assert_int_equal(responder_find(&play->responders, "http://one.example/", &play->one), 0);
}

/* It has shown before that it answers: all its places are open. */
static inline void play_open_known(struct play *play)
{
    play_open(play);
    play->responders.list[play->one].allowed = play->policy.responder_concurrency;
}

static inline void play_close(struct play *play)
{
    responders_deinit(&play->responders);
}

static inline int64_t now_ms(const struct play *play)
{
    return play->responders.now.mono_ms;
}

static inline void pass_ms(struct play *play, int64_t ms)
{
    int64_t seconds = (now_ms(play) + ms) / 1000 - now_ms(play) / 1000;

    play->responders.now.mono_ms += ms;
    play->responders.now.wall_s += seconds;
}

static inline uint32_t find(struct play *play, const char *url)
{
    uint32_t responder;

    assert_int_equal(responder_find(&play->responders, url, &responder), 0);
    return responder;
}

static inline void stand_in_line(struct play *play, uint32_t responder, uint32_t entry,
                                 int64_t end_s)
{
    assert_int_equal(responder_wait(&play->responders, responder, entry, end_s), 0);
}

/* Who goes next; RESPONDER_NONE: nobody now. */
static inline uint32_t next(struct play *play)
{
    uint32_t responder, entry;

    return responder_next(&play->responders, &responder, &entry) ? entry : RESPONDER_NONE;
}

static inline enum responder_change report(struct play *play, uint32_t entry,
                                           enum responder_news news)
{
    return responder_report(&play->responders, play->one, entry, news);
}

static inline const struct responder *one(const struct play *play)
{
    return &play->responders.list[play->one];
}
