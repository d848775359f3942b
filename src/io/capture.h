/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs a program and waits for it, keeping all that it prints: what servers dump of themselves is
 * long, and must stay as it is (io/spawn keeps the last lines, for people). No shell. */

#include "base/bytes.h"

struct capture {
    struct buf output; /* standard output; BUF_E_FULL: it was more than LIMIT_DUMP_SIZE */
    struct buf said;   /* standard error: printable, its lines as clauses, the beginning of it */
    int exit_code;     /* -1: killed, or not of its own */
    bool timed_out;
};

/* @program: path and arguments, then NULL. Standard input is /dev/null. What runs longer than
 * @limit_ms, or prints too much, is killed together with its process group. 0, or <0: not started
 * (-ENOENT: there is no such program). */
int capture_run(const char *const *program, int64_t limit_ms, struct capture *ret_capture);
void capture_deinit(struct capture *capture);
