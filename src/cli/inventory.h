/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a server says that it serves: its own dump where it makes one, its runtime socket, else its
 * configuration files. */

#include "cli/cli.h"
#include "cli/find.h"
#include "io/gather.h"

struct inventory {
    struct dump *dump; /* may be empty */
    struct gather *gather;
    struct buf how;      /* "`nginx -T`", "/etc/hitch/hitch.conf"; empty: nothing could be read */
    struct buf trouble;  /* what could not be, and what to do: a sentence a line */
    struct buf socket;   /* HAProxy: the one for clinch; empty: none is known */
    struct buf settings; /* ... and where the configuration has it, "FILE, line N"; or empty */
    bool has_level;
    enum dump_level level; /* of it */
    const char *fault;     /* of that socket; NULL: none so far */
    bool live;             /* `loaded` is what the running HAProxy says itself */
    char **loaded;
    size_t loaded_count;
};

/* Fills *@ret_inventory as far as it goes; deinitialise it in any case. 0 or -ENOMEM. */
int inventory_read(struct inventory *ret_inventory, const struct found_server *server,
                   const struct options *options);
void inventory_deinit(struct inventory *inventory);

/* inventory-haproxy.c: chooses the socket, and asks it what is loaded. */
int inventory_ask_haproxy(struct inventory *inventory, const struct options *options);

/* One question to HAProxy's socket, and the whole answer into @reply. NULL, or a clause about what
 * is wrong: then it is not asked again, so that one that hangs costs its time once. */
const char *inventory_ask(struct inventory *inventory, struct slice request, struct buf *reply);

/* A sentence of trouble. */
void inventory_tell(struct inventory *inventory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The words that start @server's program on its configuration, quoted for the shell, e.g. to
 * reload it: "nginx", "/opt/nginx -c /opt/nginx.conf". */
void inventory_put_program(struct buf *to, const struct found_server *server);
