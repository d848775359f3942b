/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Staples pushed over HAProxy's runtime sockets. Private to haproxy*.c and its test.
 *
 * An item is a certificate (HAProxy's entries are by CertID, not by file); a link is one socket,
 * with its own idea of how far each item is:
 *
 *   PUSH -> VERIFY -> DONE                       the entry was there
 *   PUSH -> FIND -> CREATE -> PUSH -> VERIFY -> DONE  there was none; its certificate is loaded
 *   PUSH -> FIND -> ABSENT                       not served by this HAProxy: asked now and then
 *
 * Every few seconds a link asks which process answers; a new one has only what its files gave it,
 * so that everything is pushed again. A withdrawn item is pushed as a tombstone. */

#include "base/heap.h"
#include "publish/exchange.h"
#include "publish/table.h"
#include "publish/target.h"
#include "wire/haproxy.h"
#include "wire/single.h"

#define HAPROXY_BATCH         64
#define HAPROXY_SHOWN_LEFT_S  330 /* it hides an answer 300 s before its end */
#define HAPROXY_START_SLACK_S 3   /* between two readings of one process's start */

enum haproxy_step {
    STEP_NONE, /* the link does not know the item */
    STEP_DONE,
    STEP_ABSENT,
    STEP_PUSH, /* from here on: work */
    STEP_VERIFY,
    STEP_FIND,
    STEP_CREATE, /* with the look before and the commit behind it */
};

struct haproxy_item {
    uint32_t id;
    char key[2 * SHA256_SIZE + 1]; /* the leaf */
    struct wish *wish;             /* the last one, also when it is gone */
    struct single single;          /* of it */
    bool gone;                     /* a tombstone is to be pushed */
    char **places;                 /* files it was found in: how HAProxy may know it */
    size_t place_count;
};

/* How far an item is with a link. */
struct haproxy_state {
    enum haproxy_step step;
    unsigned failures;
    unsigned absences;
    uint32_t place; /* the next of item->places to create the entry for */
    bool created;   /* an entry was created since the last good push */
    bool asked;     /* it is in the batch under way, and nothing happened to it since */
};

enum haproxy_ask {
    ASK_INFO,
    ASK_PUSH,
    ASK_VERIFY,
    ASK_LIST,
    ASK_IDENTITY, /* then at once: */
    ASK_CREATE,   /* then at once: */
    ASK_COMMIT,   /* or */
    ASK_ABORT,
};

struct haproxy_link {
    struct haproxy_link *next; /* in context->links */
    struct haproxy_target *target;
    char *address;
    struct exchange *exchange; /* NULL: idle */
    enum haproxy_ask ask;      /* what it asks */
    uint32_t batch[HAPROXY_BATCH];
    unsigned batch_count;
    struct haproxy_state *states; /* by item id */
    uint32_t state_count;
    struct heap due;     /* item ids */
    struct table loaded; /* paths (char *) of the certificates that HAProxy has loaded */
    int64_t loaded_ms;   /* when it said so */
    char *creating;      /* path of a transaction of ours that may be open; else NULL */
    bool list_denied;    /* it would not say */
    bool transaction;    /* somebody has one open */
    bool transaction_told;
    bool one_by_one; /* answers to a line of several were not understood */
    bool seen;       /* pid and start are known */
    int64_t pid;
    int64_t start_s; /* monotonic s, about */
    int64_t info_ms; /* when to ask which process it is */
    int64_t retry_ms;
    unsigned failures; /* of ASK_INFO: the server is not there */
    unsigned broken;   /* other questions in a row that got no answer */
    unsigned working;  /* items at work that have not failed */
    unsigned failing;  /* items that failed */
    char *fault;       /* why @failures; or NULL */
    char *item_fault;  /* of one of @failing; or NULL */
};

struct haproxy_target {
    struct target base;
    struct publish_context *context;
    struct haproxy_link **links;
    size_t link_count;
    struct table items;  /* by leaf */
    struct table places; /* struct haproxy_place by path */
    struct haproxy_item **by_id;
    uint32_t id_count;
    uint32_t id_capacity;
    uint32_t *free_ids;
    uint32_t free_count;
    int64_t limit_ms; /* for one exchange */
    int64_t info_every_ms;
};

int haproxy_target_new(struct haproxy_target **ret_target, struct publish_context *context,
                       const struct target_config *config);

/* An item may be forgotten once it is gone from every link. */
void haproxy_item_settle(struct haproxy_target *target, struct haproxy_item *item);

/* Tells what HAProxy has taken. */
void haproxy_tell(struct haproxy_target *target, const struct haproxy_item *item,
                  enum handed_what what);

/* haproxy-blank.c: an answer about @cert that nobody has signed, for the tombstone where the bytes
 * of the staple are not known any more. False without issuer or memory. */
bool haproxy_put_blank(struct buf *der, const struct cert_facts *cert);

/* haproxy-link.c */
int haproxy_link_new(struct haproxy_link **ret_link, struct haproxy_target *target,
                     struct slice address);
struct haproxy_link *haproxy_link_free(struct haproxy_link *link);
/* Room for item ids below @count. 0 or -ENOMEM. */
int haproxy_link_reserve(struct haproxy_link *link, uint32_t count);
void haproxy_link_push(struct haproxy_link *link, uint32_t id);
void haproxy_link_forget(struct haproxy_link *link, uint32_t id);
void haproxy_link_set(struct haproxy_link *link, uint32_t id, enum haproxy_step step,
                      int64_t mono_ms);
void haproxy_link_fail(struct haproxy_link *link, const char *fault, bool is_down);
void haproxy_link_create(struct haproxy_link *link, uint32_t id);
/* Ends a transaction of ours, at once: while it is open nobody can change any certificate. */
void haproxy_link_commit(struct haproxy_link *link);
void haproxy_link_abort(struct haproxy_link *link);
void haproxy_link_forget_loaded(struct haproxy_link *link);
void haproxy_link_fail_item(struct haproxy_link *link, uint32_t id, const char *fault,
                            struct slice reply);
void haproxy_link_well(struct haproxy_link *link, uint32_t id);
int64_t haproxy_link_tick(struct haproxy_link *link, struct instant now);

/* haproxy-answer.c: @reply is the answer to link->ask about link->batch. */
void haproxy_link_answer(struct haproxy_link *link, struct slice reply, struct instant now);
/* The next step of an item that has no entry, from what is known to be loaded. */
void haproxy_link_find(struct haproxy_link *link, uint32_t id, struct instant now);
