/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The clients that look at staples: what a bad one and none at all do to them, and the table of
 * rules with the clients that demand each. What was seen of real clients goes before what their
 * source says, and that before what documents say. */

#include "core/facts.h"
#include "core/policy.h"

/* mozilla::pkix: no answer is fresh for longer than 10 days, one without nextUpdate for longer than
 * a day, and a day of slop lies behind every end. It fails behind the slop; what is served ends
 * before it, since then another clock than ours decides. */
#define FIREFOX_FRESH_S      (10 * 86400)
#define FIREFOX_FRESH_BARE_S 86400
#define FIREFOX_SLOP_S       86400

enum client {
    CLIENT_FIREFOX,
    CLIENT_CHROMIUM, /* and other verifiers on BoringSSL's pki */
    CLIENT_GNUTLS,
    CLIENT_OPENSSL, /* made to insist on a staple: curl --cert-status */
    CLIENT_LIBRESSL,
    CLIENT_JAVA, /* revocation checking with SOFT_FAIL */
    CLIENT_GO,
    CLIENT_S2N,
    CLIENT_WOLFSSL,
    CLIENT_NSS, /* made to insist: tstclnt -F */
    CLIENT_APPLE,
    CLIENT_RHEL, /* GnuTLS under a policy like RHEL 9's: no SHA-1, RSA from 2048 bits */
    CLIENTS_NAMED,
    /* The same with other settings: no words of the audience, but they come along with theirs. */
    CLIENT_JAVA_DEFAULT = CLIENTS_NAMED, /* no revocation checking */
    CLIENT_JAVA_HARD,                    /* revocation checking without SOFT_FAIL */
    CLIENT_OPENSSL_DEFAULT,              /* asks for a staple and does not check it */
    CLIENT_COUNT,
};

#define CLIENT_BIT(client_) (UINT32_C(1) << (client_))
#define AUDIENCE_ALL        (CLIENT_BIT(CLIENTS_NAMED) - 1)
#define AUDIENCE_BROWSERS                                                                          \
    (CLIENT_BIT(CLIENT_FIREFOX) | CLIENT_BIT(CLIENT_CHROMIUM) | CLIENT_BIT(CLIENT_APPLE))
#define AUDIENCE_RFC6960 UINT32_C(0)

struct client_row {
    const char *name;  /* "gnutls": stable and public */
    const char *title; /* "GnuTLS": for people */
    /* Effects: does the handshake fail? */
    /* RFC 6066 8: "MUST check the OCSP response and abort the handshake if the response is not
     * satisfactory": else a bad staple is passed over. */
    bool bad_is_fatal;
    bool none_is_fatal;
    bool none_is_fatal_must_staple;
    /* Times, in seconds; INSTANT_NEVER: not looked at. */
    int64_t future_s; /* how far thisUpdate may lie ahead */
    int64_t past_s;   /* how long after nextUpdate it is still taken */
    int64_t age_s;    /* how old thisUpdate may be */
    int64_t bare_s;   /* the same without nextUpdate; -1: then it is never taken */
    /* Without a staple it asks the responder itself, and fails only when that fails, too. */
    bool asks_for_none;
};
extern const struct client_row clients[CLIENT_COUNT];

/* What a rule is asked about, and when. */
struct question {
    const struct policy *policy;
    const struct cert_facts *cert;
    const struct ocsp_facts *ocsp;
    int64_t wall_s;
};

/* How much of the answer a rule has to know. */
enum rule_need {
    NEED_NOTHING,
    NEED_FORM,   /* ocsp->form is good */
    NEED_SINGLE, /* ... and there is a single about the certificate */
};

struct rule {
    enum reason reason; /* REASON_GOOD: a mere hint */
    bool baseline;      /* RFC 6960: refuses for every audience */
    enum rule_need need;
    uint32_t clients; /* that demand it: what breaking it does to them is in their row */
    uint32_t fatal;   /* ... to whom it is fatal although a bad staple is not otherwise */
    uint32_t mild;    /* ... who pass over it although a bad staple is fatal otherwise */
    uint32_t asks;    /* ... who then ask the responder, and fail only when that fails, too */
    /* Is it broken? One of the two: for everybody alike, or by the numbers of one client. */
    bool (*broken)(const struct question *question);
    bool (*broken_for)(const struct question *question, const struct client_row *client);
    const char *sentence; /* for people, when it is broken; NULL: the reason's own */
};

/* The table, which is constant (clients-signers.c, then clients-rules.c). */
#define RULES_MAX 192
unsigned rule_count(void);
const struct rule *rule_get(unsigned rule);

/* What a broken rule says: its own sentence or that of its reason. */
const char *rule_sentence(unsigned rule);

/* The columns that come along with the words of an audience. */
uint32_t audience_columns(uint32_t audience);
