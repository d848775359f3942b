/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files that a server's configuration includes, read from disk for wire/dump: the port `include` of
 * struct dump_source. What cannot be read counts as missing; what may not be is told besides. */

#include "wire/dump.h"

struct gather;
int gather_new(struct gather **ret_gather);
struct gather *gather_free(struct gather *gather);
CLEANUP_DEFINE(struct gather *, gather_free)

/* Good as long as @gather, as is all that it gives. */
struct dump_source gather_source(struct gather *gather);

/* The files and folders that were not allowed to be read so far, each with a newline behind it. */
struct slice gather_denied(const struct gather *gather);
