/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which programs run, as /proc tells it. What others' processes hide stays empty. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

#define PROCESS_ARGUMENTS 256

struct process {
    pid_t pid;
    pid_t parent;
    uid_t uid;
    bool elsewhere;      /* it was started with another root than ours: a container, a chroot */
    const char *name;    /* of its executable, without folder; else what it calls itself */
    const char *program; /* path of its executable; "" when that may not be read */
    const char *folder;  /* the working directory; "" likewise */
    const char *arguments[PROCESS_ARGUMENTS + 1]; /* then NULL; the first is its own name */
    unsigned argument_count;
};

/* Calls @found for each process whose name @wants; what it gets lives as long as the call. @proc is
 * "/proc". 0 or <0: that folder cannot be read. */
int processes_walk(const char *proc, bool (*wants)(void *context, const char *name),
                   void (*found)(void *context, const struct process *process), void *context);

/* What process @pid was given as variable @name when it was started, into @ret_value (not cleared).
 * 0, -ENOENT: it was given none; -EACCES: that may not be read; -ENOMEM. */
int processes_variable(const char *proc, pid_t pid, const char *name, struct buf *ret_value);
