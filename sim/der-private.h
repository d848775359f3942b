/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by der.c (the process and its loop) and der-ports.c (what the host calls). Nobody else
 * includes it. */

#include "conf/config.h"
#include "host/host.h"
#include "publish/publish.h"
#include "sim/der-bytes.h"
#include "sim/der-server.h"
#include "sim/der-shell.h"

/* A request to a responder that was not cancelled: which of the world's certificates it is for. */
struct der_ask {
    uint64_t id;
    uint32_t cert;
};

/* An answer that does not come from the world: of a caIssuers URL, or to a request that no
 * responder understands. */
struct der_answer {
    uint64_t id;
    int64_t due_ms; /* monotonic */
    bool issuer;
    uint32_t authority;
};

/* What happens to a certificate's file without its meaning anything. */
enum der_noise { NOISE_NONE, NOISE_CUT, NOISE_AWAY };

struct der {
    struct subject subject; /* must be first */
    struct rng rng;
    struct crypto *crypto;
    struct derbytes *bytes;
    struct simdisk *disk;
    struct dershell *shell;
    struct derserver *server;
    struct config config;
    struct target_config targets[2];

    /* The process. */
    struct host *host;
    struct publisher *publisher;
    bool up;   /* it runs: what is written may be its last */
    bool dead; /* it ended inside of the running call */
    bool ready;
    uint32_t *started;     /* what the host publishes as it starts, by certificate; NULL: it runs */
    int64_t boot_ms;       /* of the machine that it ran on */
    unsigned stores_begun; /* how often the store was lost until now */
    enum write_kind kind;
    struct der_ask *asks;
    size_t ask_count;
    struct der_answer *answers;
    size_t answer_count;

    /* One file at a time has something happen to it. */
    enum der_noise noise;
    uint32_t noise_cert;
    int64_t noise_ms; /* monotonic: when the next comes, or this one is over */
};

static inline struct der *der_of(const struct subject *subject)
{
    return (struct der *)subject;
}

/* der-ports.c */
struct ports der_ports(struct der *der);
void der_reply(struct der *der, const struct reply *reply);
int64_t der_answers_deadline_ms(const struct der *der);
/* Hands over what is due of der->answers. */
void der_answer(struct der *der);
