/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The servers of this machine: which kinds there are, which run, which are installed, and where
 * their configurations are. */

#include <sys/types.h>

#include "base/bytes.h"
#include "io/processes.h"
#include "wire/dump.h"

/* Besides enum dump_kind: any other server that reads a file, or has the preload library. */
enum { SERVER_FILE = DUMP_KINDS, SERVER_PRELOAD, SERVERS };

struct server_traits {
    const char *name;    /* behind `clinch setup` */
    const char *title;   /* as its people write it */
    const char *service; /* of systemd, in Debian */
    const char *programs[4];
    const char *configs[4];   /* where distributions have it, the likeliest first */
    const char *short_option; /* that names the configuration */
    const char *long_option;
};
extern const struct server_traits server_traits[SERVERS];

#define FOUND_CONFIGS   8
#define FOUND_ARGUMENTS 64

/* A server that runs or is installed. Owns its strings. */
struct found_server {
    int kind;  /* enum dump_kind, SERVER_... */
    pid_t pid; /* 0: it does not run */
    pid_t parent;
    uid_t uid;                        /* of that process */
    bool elsewhere;                   /* in a container, say: nothing of it is where it says */
    bool alien;                       /* its program may be anybody's: not to be run by us */
    char *program;                    /* NULL: not known */
    char *arguments[FOUND_ARGUMENTS]; /* it was started with, without its own name */
    unsigned argument_count;
    char *configs[FOUND_CONFIGS]; /* those that it reads; several are HAProxy's */
    unsigned config_count;
};
void found_server_deinit(struct found_server *server);

/* The kind named @name, or whose program is, in letters of either case; or -1. */
int find_kind(const char *name);

/* Every server that runs, then every one that is only installed; @kind -1: of all kinds. *@ret_list
 * is to be freed, each entry deinitialised. 0 or <0. */
int find_servers(int kind, struct found_server **ret_list, size_t *ret_count);

/* What the process says of itself, into @server: arguments and configurations. nginx writes its own
 * title over its arguments, all in one. False: a worker, or memory ran out. */
bool find_read_arguments(struct found_server *server, const struct process *process);

/* The program called @name in the usual folders, into @path. */
bool find_program(const char *name, struct buf *path);
