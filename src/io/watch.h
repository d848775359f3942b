/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells when a scan is worth while: inotify on the directories that scan_run() names, debounced;
 * on overflow, on file systems without inotify and every 60 s as a safety net. */

#include <uv.h>

#include "base/cleanup.h"
#include "io/log.h"

struct watch;

/* @changed is called on the loop 150 ms after the last event, at the latest 1 s after the first. */
int watch_new(struct watch **ret_watch, uv_loop_t *loop, const struct log *log,
              void (*changed)(void *context), void *context);

/* Closes its handles; the memory goes when the loop has run their close callbacks. */
void watch_close(struct watch *watch);

/* Between begin and end come all directories worth watching; others are let go. */
void watch_begin(struct watch *watch);
void watch_directory(struct watch *watch, const char *path);
void watch_end(struct watch *watch);
