/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between witness.c (when to ask), witness-judge.c (what an answer means) and witness-say.c (how
 * that is told). */

#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"
#include "io/witness.h"

/* What is to be seen. */
struct witness_expected {
    bool staple;
    uint64_t digest; /* of the whole: tells two apart, not for trust */
    size_t size;
    int64_t this_update_s;
    int64_t next_update_s;
    int64_t hidden_s;
    uint8_t serial[LIMIT_SERIAL_SIZE];
    uint8_t serial_size;
};

/* What was seen. */
struct witness_seen {
    enum witness_finding finding;
    int64_t this_update_s; /* with _OLDER, _OTHER, _STILL; 0: not readable */
    int64_t next_update_s; /* likewise; INSTANT_NEVER: it has none */
    const char *detail;    /* with _REFUSED, _DOWN; borrowed of the probe's result */
};

/* A certificate at a server. */
struct witness_item {
    uint8_t leaf[SHA256_SIZE];
    char leaf_hex[2 * SHA256_SIZE + 1];
    char *name;
    char *path;
    char *asked; /* the server name that is asked for; NULL: none */
    struct witness_expected expected;
    bool used;          /* this number is taken */
    uint32_t next_free; /* when it is not */
    bool in_flight;     /* the question under way is about what is expected now */
    bool right;         /* as seen last */
    bool told;          /* that it is wrong */
    bool logged;        /* in a line of its own */
    unsigned tries;     /* that found it wrong, in a row */
    int64_t wrong_ms;
    int64_t wrong_s; /* the same on the wall */
    int64_t patience_ms;
    enum witness_finding finding;
    char *said;
};

struct witness_server {
    char *label;   /* all of it */
    char *address; /* "host:port" */
    char *host;
    unsigned port;
    char *servername; /* NULL: that of each certificate */
    enum starttls_protocol starttls;
    struct witness_item *items;
    uint32_t item_capacity;
    uint32_t item_top;   /* numbers from here on were never taken */
    uint32_t free_first; /* MAP_NONE: no other is free */
    unsigned told;       /* certificates that are wrong */
    bool more_told;      /* that there are more than get a line each */
    struct map by_leaf;
    struct heap due;
    struct tls_probe *probe; /* NULL: nothing is asked now */
    uint32_t asking;         /* about this item */
    bool down;
    bool down_told;
    unsigned failures;
    int64_t down_ms;
    int64_t down_s;
    int64_t retry_ms;
    char *fault;
    struct witness *witness;
};

struct witness {
    uv_loop_t *loop;
    uv_timer_t timer;
    const struct log *log;
    struct tls_client *client; /* NULL: made with the first question */
    struct instant (*clock)(void);
    struct rng rng;
    struct witness_server **servers;
    uint32_t server_count;
    bool closed;
};

/* witness-table.c: servers and their certificates. NULL or -ENOMEM without memory; MAP_NONE: there
 * is none. */
struct witness_server *witness_find_server(const struct witness *witness,
                                           const struct witness_order *order);
struct witness_server *witness_open_server(struct witness *witness,
                                           const struct witness_order *order);
struct witness_server *witness_server_free(struct witness_server *server);
CLEANUP_DEFINE(struct witness_server *, witness_server_free)
uint32_t witness_find_item(const struct witness_server *server, const uint8_t *leaf_sha256);
int witness_open_item(struct witness_server *server, const struct witness_order *order,
                      uint32_t *ret_number);
void witness_drop_item(struct witness_server *server, uint32_t number);

/* witness-judge.c */
void witness_read_expected(struct witness_expected *expected, const struct witness_order *order);
struct witness_seen witness_judge(const struct witness_item *item,
                                  const struct tls_probe_result *result, int64_t wall_s);

/* witness-say.c: "shop.example (/etc/ssl/shop.pem): 127.0.0.1:443 serves no staple; ..." */
void witness_put_wrong(struct buf *out, const struct witness_server *server,
                       const struct witness_item *item, const struct witness_seen *seen);
/* What the certificate is called: "shop.example (/etc/ssl/shop.pem)". */
void witness_put_cert(struct buf *out, const struct witness_item *item);
