/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Asks our own servers, as a client would, whether they show what they were handed: "published"
 * then means "seen on the wire". Soon after a server has taken a staple it is asked, again and
 * again with longer and longer pauses until it is right, and once an hour from then on. What is
 * wrong for longer than a reload takes is told once, and that it is right again; a server that is
 * not to be reached is told once as that, and is no staple's fault. One question at a time for each
 * server, none of which waits for another; all of it on the loop, and nothing else waits for it. */

#include <uv.h>

#include "base/instant.h"
#include "core/facts.h"
#include "io/log.h"
#include "io/tls-probe.h"
#include "wire/starttls.h"

struct witness;

/* 0 or -ENOMEM. */
int witness_new(struct witness **ret_witness, uv_loop_t *loop, const struct log *log);

/* Stops at once; its handles close by themselves. NULL is fine. */
void witness_close(struct witness *witness);

/* A certificate at a server. */
struct witness_order {
    const char *address;    /* "host:port" */
    const char *servername; /* to ask for; NULL: @name */
    enum starttls_protocol starttls;
    const uint8_t *leaf_sha256;
    const char *name;      /* of the certificate, perhaps "*.example" */
    const char *path;      /* of its file, for people; "" */
    struct slice der;      /* what it is to show; empty: no staple at all */
    int64_t next_update_s; /* of that: from then on none is right, too */
    int64_t hidden_s;      /* and so long before, where the server hides it */
    bool told;             /* the server was told; else it looks by itself, which takes longer */
};

/* The server has taken it: from now on that is to be seen. 0 or -ENOMEM. */
int witness_expect(struct witness *witness, const struct witness_order *order);

/* Nobody needs to look for that certificate there. */
void witness_forget(struct witness *witness, const struct witness_order *order);

/* What a server shows instead. The names (witness_finding_name()) are public and do not change. */
enum witness_finding {
    WITNESS_RIGHT,
    WITNESS_NONE,       /* no staple */
    WITNESS_OLDER,      /* an older one */
    WITNESS_OTHER,      /* another one for the same certificate, not older */
    WITNESS_FOREIGN,    /* one that is about another certificate */
    WITNESS_JUNK,       /* a status that is no answer */
    WITNESS_STILL,      /* one, although it was withdrawn */
    WITNESS_OTHER_CERT, /* another certificate under that name */
    WITNESS_REFUSED,    /* it does not talk TLS under that name */
    WITNESS_DOWN,       /* it is not to be reached, or does not talk TLS at all */
    WITNESS_FINDINGS,
};
const char *witness_finding_name(enum witness_finding finding);

/* How a server is. Borrowed until the next call. */
struct witness_server_view {
    const char *server; /* "127.0.0.1:443", "mx.example:25 mail.example starttls=smtp" */
    const char *fault;  /* why it is not to be reached, a clause; NULL: it is */
    int64_t down_since_s;
    unsigned right;   /* certificates that it shows as it should */
    unsigned wrong;   /* that it does not, and long enough to have been told */
    unsigned waiting; /* that are to be looked at yet, or once more */
};
uint32_t witness_servers(const struct witness *witness);
void witness_look_server(const struct witness *witness, uint32_t server,
                         struct witness_server_view *ret_view);

/* A certificate that is wrong, for as long as it is. */
struct witness_view {
    const char *server;
    const char *name;
    const char *path;
    const char *leaf_sha256; /* hexadecimal */
    const char *finding;
    const char *sentence; /* as it was told, without an end mark */
    int64_t since_s;
};
void witness_each_wrong(const struct witness *witness,
                        void (*each)(void *context, const struct witness_view *view),
                        void *context);

/* Does what is due; when to be called again (monotonic ms). The timer's, and tests'. */
int64_t witness_tick(struct witness *witness, struct instant now);
