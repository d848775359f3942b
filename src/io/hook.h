/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A program of the configuration that is run for an alarm: a certificate was revoked, or is not any
 * more. No shell stands between, so that nothing out of a certificate or a file name can mean
 * anything; what it is about is in the environment:
 *
 *   CLINCH_EVENT    revoked, or not-revoked
 *   CLINCH_NAME     the certificate's first name, CLINCH_SERIAL its number and CLINCH_SHA256 its
 *                   digest (both hexadecimal), CLINCH_PATH its file
 *   CLINCH_URL      the responder that said so; empty when the store did
 *   CLINCH_MESSAGE  the sentence in the log
 *
 * Alarms are handled one at a time, in order; each run is ended after a minute. What it prints goes
 * into the log. */

#include <uv.h>

#include "io/log.h"

struct hook;

int hook_new(struct hook **ret_hook, uv_loop_t *loop, const struct log *log);

/* From now on @program is run: path and arguments, @count of them (0: nothing is run), borrowed
 * until the next call or hook_close(). Without memory for it nothing is run, which is told. */
void hook_set(struct hook *hook, const char *const *program, size_t count);

/* Runs it for @note if that is an alarm; at most HOOK_WAITING_MAX wait their turn. */
#define HOOK_WAITING_MAX 1000
void hook_note(struct hook *hook, const struct note *note);

bool hook_busy(const struct hook *hook);

/* What is running is ended, what waits is not run. NULL is fine. The memory goes when the loop has
 * seen the end of it. */
void hook_close(struct hook *hook);
