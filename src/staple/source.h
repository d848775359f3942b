/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Folders by what a server calls them: each list of them is opened once in a process, and stays. */

#include "staple/cache.h"

#define SOURCES_MAX 64

struct source;

/* @paths as folders_new(), or NULL for the default folder. 0, -EINVAL (also: too many different
 * lists), -ENOMEM. */
int source_open(struct source **ret_source, const char *paths);

struct cache *source_cache(struct source *source);
