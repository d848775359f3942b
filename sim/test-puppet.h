/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A subject that does what a test says, at the times it says: shows any answer, asks at will. For
 * tests of the world and the oracle. */

#include "sim/oracle.h"

enum move_kind {
    MOVE_ASK,  /* cert; url, post, no_cache */
    MOVE_SHOW, /* cert; an answer as below */
    MOVE_HAVE, /* cert: shows the answer that the last reply brought */
    MOVE_HIDE, /* cert */
    MOVE_DROP, /* cert: gives up its request; the reply may come all the same */
    MOVE_SPIN, /* wants to be woken again and again from here on */
};

struct move {
    int64_t at_ms; /* behind the beginning */
    enum move_kind kind;
    uint32_t cert;
    unsigned url;
    bool post;
    bool no_cache;
    bool batched; /* MOVE_SHOW, MOVE_HAVE, MOVE_HIDE: says there is no hurry */
    /* MOVE_SHOW: an honest, good answer of its certificate for [from_s, until_s) behind the
     * beginning, but for this: */
    int64_t from_s;
    int64_t until_s;
    enum answer_flaw flaw;
    enum cert_status status;
    bool other_cert;
    bool dishonest;
};

struct puppet {
    struct subject subject;
    const struct move *moves; /* by at_ms; the last has kind and at_ms 0 */
    unsigned next;
    uint32_t shown[64];
    uint32_t brought[64]; /* answers that replies brought, by certificate */
    unsigned replies;
    unsigned late_replies; /* replies to attempts that are not the last */
    unsigned starts;
    uint64_t attempt[64];
    bool spins;
};

/* Runs the world of @script (script.h) with the puppet; the oracle's first complaint. @ret_detail
 * may be NULL. */
enum invariant puppet_run(const char *script, const struct move *moves, struct puppet *ret_puppet,
                          struct oracle_result *ret_result);
