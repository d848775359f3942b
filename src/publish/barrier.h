/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes changes of files durable, in libuv's thread pool, at once for all that came together: a
 * thousand staples cost one flush of the disk, and one that others keep busy delays those files and
 * nothing else. What is added while a run goes on is for the next one. */

#include <stdbool.h>

#include <uv.h>

struct barrier;

/* @done is called on the loop, once for each start, and may ask what failed. 0 or -ENOMEM. */
int barrier_new(struct barrier **ret_barrier, uv_loop_t *loop, void (*done)(void *context),
                void *context);

/* done() is not called any more. A run that goes on is ended by the loop, which must run so long;
 * what was added since is unlinked here. */
struct barrier *barrier_free(struct barrier *barrier);

/* The content of the file @path; the names in the folder of @path. */
void barrier_add_file(struct barrier *barrier, const char *path);
void barrier_add_folder(struct barrier *barrier, const char *path);

/* @path is to be unlinked, some time: freeing what it holds may take a disk milliseconds. */
void barrier_add_trash(struct barrier *barrier, const char *path);

/* Starts a run, if there is anything to do and none goes on. */
void barrier_start(struct barrier *barrier);

/* Inside done(): 0, or the -errno of what was added about @path; then it may not be durable. */
int barrier_error(const struct barrier *barrier, const char *path);

bool barrier_is_running(const struct barrier *barrier);
