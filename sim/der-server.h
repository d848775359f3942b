/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The servers of the simulated machine, and the files they read.
 *
 * Every certificate lies at a place, "/etc/ssl/pN.pem"; a renewal takes the place over. Two servers
 * serve all places: one reads "/etc/ssl/pN.pem.ocsp" at each handshake, the other is nginx, which
 * reads snippet and staple when it is reloaded. One of them is the one the world looks at; of both
 * it is checked, at every single change of a file, that what stands there is a whole answer that
 * somebody made, and that a snippet names one.
 *
 * Servers take a renewed certificate over when the old one's staple has gone from its place: who
 * reloads them in a deploy hook waits for `clinch once` before, and at a boot they come behind it.
 */

#include "sim/der-bytes.h"
#include "sim/disk.h"

#define DERSERVER_FOLDER  "/srv/nginx"
#define DERSERVER_RELOAD  "nginx -s reload"
#define DERSERVER_FILES   "{dir}/{file}.ocsp"
#define DERSERVER_NOWHERE UINT32_MAX

struct derserver;

/* @nginx: that is the one the world looks at. */
struct derserver *derserver_new(struct world *world, const struct derbytes *bytes,
                                const struct simdisk *disk, bool nginx);
struct derserver *derserver_free(struct derserver *server);
CLEANUP_DEFINE(struct derserver *, derserver_free)

/* @cert is on the machine from now on, at a place that is free or a new one; and it is gone. */
void derserver_settle(struct derserver *server, uint32_t cert);
void derserver_leave(struct derserver *server, uint32_t cert);
bool derserver_has(const struct derserver *server, uint32_t cert);

/* The file of @cert, which is on the machine. */
const char *derserver_path(const struct derserver *server, uint32_t cert);

/* Another content stands at @path. */
void derserver_changed(struct derserver *server, const char *path);

/* nginx reads all it is to read: its exit code. */
int derserver_reload(struct derserver *server);
/* The servers start anew: nginx has nothing, and both look at what stands at a place first. */
void derserver_restart(struct derserver *server);

/* The machine is off, or on again: nobody shows anything while it is off. */
void derserver_switch(struct derserver *server, bool on);

/* What was decided comes to the servers a little later: files are written in the next turn, nginx
 * is reloaded when a burst is over. The world, which looks at once, is to see @answer for @cert
 * until the servers show something else than now, for DERSERVER_LAG_MS at most. */
#define DERSERVER_LAG_MS 3000
void derserver_promise(struct derserver *server, uint32_t cert, uint32_t answer);
/* When the first promise ends, true ms; INSTANT_NEVER. */
int64_t derserver_deadline_ms(const struct derserver *server);
/* What the servers really show. */
uint32_t derserver_actual(const struct derserver *server, uint32_t cert);

/* Tells the world what is shown otherwise than before. */
void derserver_tell(struct derserver *server);

/* What is shown for @cert; an answer that is junk when something was found broken. */
uint32_t derserver_shows(const struct derserver *server, uint32_t cert);
