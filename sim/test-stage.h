/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A world of three certificates for tests of sim/der.c: what that calls of sim/world.c is here.
 * Whatever is shown is checked at every change: it must be good for every client. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/der-private.h"
#include "sim/der.h"
#include "sim/must.h"

#define CERTS     3
#define LIFE_S    (12 * HOUR_S)
#define URL       "http://r0.example/"
#define NO_DEATH  UINT32_MAX
#define SECOND_MS 1000
#define HOUR_MS   (HOUR_S * SECOND_MS)

enum habit { HABIT_GOOD, HABIT_REVOKED, HABIT_DOWN };

/* [0] is renewed by [2], [1] is revoked; [1] has its issuer fetched with one of the seeds. */
struct stage {
    struct world world; /* must be first */
    enum habit habits[CERTS];
    struct ask asks[16];
    unsigned ask_count;
    unsigned writes; /* so far */
    unsigned commits;
    unsigned die_at;  /* before this write */
    unsigned full_at; /* this commit and the next few find no room */
    int64_t off_s;    /* the machine's clock is ahead by this */
    bool dead;
    unsigned issuer_asks;
    unsigned reloads;
    unsigned errors;
};

void stage_open(struct stage *stage, uint64_t seed);
void stage_close(struct stage *stage);
struct der *stage_der(const struct stage *stage);

/* Lets the time pass, or what is left of it until the process dies. */
void stage_pass(struct stage *stage, int64_t ms);
void stage_all_do(struct stage *stage, enum habit habit);

/* The answer that the servers show; and those that lie in their files, of the first and of nginx.
 */
uint32_t stage_shows(const struct stage *stage, uint32_t cert);
void stage_see_published(const struct stage *stage, uint32_t cert, uint32_t ret_published[2]);
