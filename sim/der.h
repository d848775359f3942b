/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* clinch at the DER level: the real host (src/host) with real octets through src/pki, and the real
 * publisher (src/publish) over a simulated disk; around them the daemon's loop, its HTTP client and
 * the servers, as models.
 *
 *   world ── struct ask, struct reply ──► der-ports ── octets ──► host ──► publisher
 *                                                                 │           │ der-shell
 *                                                                 └─► simdisk ◄┘ ──► der-server
 *
 * Requests are parsed as a responder would, from the GET's path or the POST's body; what comes back
 * is made and signed by der-bytes. Every step on the disk is one at which the world may end the
 * process (world_write()). Files of certificates are also touched, cut off for a moment and moved
 * away and back, which must not matter; some authorities' certificates lie in files without their
 * issuer, which then comes from a caIssuers URL. */

#include "sim/world.h"

struct subject *der_new(struct world *world);

/* The server that this world looks at is one that must be reloaded. */
bool der_reloads(const struct world *world);
