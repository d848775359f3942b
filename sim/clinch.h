/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* clinch at the facts level: the engine alone, with a small model of what stands around it in the
 * daemon (host/shelf): effects become requests, writes and shown answers.
 *
 * The store is a record per certificate (held, pending, tombstone, next_try_s). What one event
 * changed is one commit: whole and durable, or lost; a commit that fails stays to be done and is
 * tried again with growing waits. Publishing follows the commit and does not depend on it. */

#include "sim/world.h"

struct subject *clinch_new(struct world *world);
