/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the engine decides, done. The host knows files and the certificates in them, finds their
 * issuers, keeps the shelf of current answers, and turns effects into calls of struct ports. It
 * makes no system call itself, so the simulator runs it unchanged.
 *
 * Every function that takes `now` may call ports. -ENOMEM is the only failure; the host stays
 * usable after it. */

#include "core/engine.h"
#include "host/ports.h"

struct host;

/* @machine_salt: fixed for this machine, so that refresh times do not move at a restart. */
int host_new(struct host **ret_host, const struct ports *ports, const struct policy *policy,
             uint64_t machine_salt);
struct host *host_free(struct host *host);
CLEANUP_DEFINE(struct host *, host_free)

/* An issuer that configuration names: candidates beside those in the certificates' own files.
 * Number of CA certificates taken is put in *@ret_count. */
int host_add_issuers(struct host *host, struct slice pem, unsigned *ret_count);

/* The content of a file that is new or changed. With @quiet_if_none a file without any
 * certificate is not worth a line (found in a folder, e.g. a private key alone).
 * What was known from this path and is not in it any more is gone, unless the new content has no
 * readable certificate at all: then the last good one stays, and a note says so. */
int host_file_read(struct host *host, struct instant now, const char *path, struct slice content,
                   bool quiet_if_none);

/* The file is not there any more. */
int host_file_gone(struct host *host, struct instant now, const char *path);

/* Call after a batch of the two above: resolves issuers, reads the store, starts fetching. */
int host_settle(struct host *host, struct instant now);

int host_fetch_done(struct host *host, struct instant now, const struct fetch_result *result);
int host_tick(struct host *host, struct instant now);

/* Writes what waits for the store (one commit), then publishes what waited for it. The shell calls
 * it once per turn of its loop. */
int host_flush(struct host *host, struct instant now);

/* When to call host_tick() next (monotonic ms); INSTANT_NEVER. */
int64_t host_deadline_ms(const struct host *host);

/* The store was begun anew in use: everything goes into it once more. */
int host_store_lost(struct host *host);

/* True while requests are under way. */
bool host_is_asking(const struct host *host);

/* Publishes everything that is shown once more: the publishers are new. */
int host_show_all(struct host *host);

/* Asks now for every certificate at @path (NULL: for all) that has no staple and could have one. */
int host_ask(struct host *host, struct instant now, const char *path);

/* Progress of certificates at @path (NULL: all): how many there are, how many need nothing or hold
 * a staple, how many have had their attempts. */
struct host_progress {
    unsigned certs;
    unsigned could; /* can have a staple: leaf, in date, OCSP URL */
    unsigned held;
    unsigned settled;
    unsigned must_staple_bare;
};
void host_look(const struct host *host, struct instant now, const char *path,
               struct host_progress *ret_progress);

/* Is the leaf (hex) one of the certificates now? Is the path one of the files? */
bool host_knows_leaf(const struct host *host, const char *leaf_hex);
bool host_knows_path(const struct host *host, const char *path);

/* Calls @each for every certificate at @path (NULL: all), in no special order. */
void host_rows(const struct host *host, struct instant now, const char *path,
               void (*each)(void *context, const struct cert_row *row), void *context);

/* What the engine knows of responders and of the clock (core/engine.h). */
uint32_t host_responders(const struct host *host);
void host_look_responder(const struct host *host, uint32_t responder, struct instant now,
                         struct responder_view *ret_view);
void host_look_clock(const struct host *host, struct instant now, struct clock_view *ret_view);
