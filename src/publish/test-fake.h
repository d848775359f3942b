/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A HAProxy for tests: answers on a socket in the test's own loop as 2.6 does, or badly. */

#include <uv.h>

#include "base/bytes.h"

enum fake_mood {
    FAKE_GOOD,
    FAKE_SILENT,  /* takes everything, says nothing, keeps the connection */
    FAKE_SHORT,   /* closes in the middle of its answer */
    FAKE_GARBAGE, /* "\xff\x00..." */
    FAKE_ENDLESS, /* more than anybody wants to read */
    FAKE_LIAR,    /* "updated!", and keeps what it had */
    FAKE_DENYING, /* its level is `user`: pushes work, new entries do not */
};

struct fake {
    uv_loop_t *loop;
    uv_pipe_t server;
    bool listening;
    char path[128];
    enum fake_mood mood;
    bool only_items; /* the mood spares `show info` */
    int64_t wall_s;
    int pid;
    int uptime_s;
    bool entries[256]; /* by serial number */
    int64_t this_update_s[256];
    int64_t next_update_s[256];
    const char *loaded[8]; /* certificate files; loaded[i] holds serial i + 1 */
    char transaction[256]; /* "": none */
    uint8_t vanishing;     /* the entry with this serial number goes when it is pushed */
    int pending;           /* the serial number that `set ssl cert` gave */
    unsigned connections;
    unsigned pushes;
    unsigned commits;
    unsigned aborts;
};

void fake_begin(struct fake *fake, uv_loop_t *loop, const char *path);
void fake_listen(struct fake *fake);
void fake_stop(struct fake *fake);
/* Another process: what was pushed is gone. */
void fake_restart(struct fake *fake);
