/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What src/publish calls of libuv and src/io, made of the simulated machine.
 *
 * The publisher makes no system call of its own: it sees files through publish/disk.h, the store
 * through io/store.h, commands through io/spawn.h, time through io/clock.h and one timer. Here
 * these functions are defined once more, over struct simdisk and virtual time, and the simulator is
 * linked with neither libuv nor src/io. So the publisher's real order of writes is what the
 * simulated machine stops in the middle of, and the real reload rules are what brings a staple to a
 * server.
 *
 * Those functions have no argument to find their machine by: dershell_enter() says which one runs,
 * before each call into the publisher. */

#include "base/instant.h"
#include "core/note.h"
#include "sim/disk.h"

struct dershell;
struct store;

/* What the machine does for it. */
struct dershell_calls {
    void *context;
    struct instant (*now)(void *context);
    /* Runs @command at once: its exit code. */
    int (*run)(void *context, const char *command);
    /* What is said to the log. */
    void (*say)(void *context, enum note_level level, const char *sentence);
};

struct dershell *dershell_new(const struct dershell_calls *calls, struct simdisk *disk,
                              uint64_t seed);
struct dershell *dershell_free(struct dershell *shell);
CLEANUP_DEFINE(struct dershell *, dershell_free)

/* All calls of the publisher until the next are this machine's. */
void dershell_enter(struct dershell *shell);

/* For publisher_new() and publish_expire(): of the type that libuv and io/store.h give it. */
void *dershell_loop(struct dershell *shell);
struct store *dershell_store(struct dershell *shell);

/* When dershell_turn() has something to do (monotonic ms), and the doing: the timer, and commands
 * that end. */
int64_t dershell_deadline_ms(const struct dershell *shell);
void dershell_turn(struct dershell *shell);

/* The process is gone, and with it its timer and what it waits for. The publisher must be closed
 * before. */
void dershell_drop(struct dershell *shell);
