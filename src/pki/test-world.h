/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One issuer and one leaf, as the tests about answers need them, and the way from the description
 * of an answer to what we and OpenSSL say about it. */

#include "pki/repair.h"
#include "pki/response.h"
#include "pki/signer.h"
#include "pki/test-mint.h"

struct world {
    enum mint_key ca_key;
    struct crypto *crypto;
    struct signer *signer;
    X509 *ca;
    X509 *leaf;
    X509 *other; /* another leaf of the same issuer */
    struct issuer *issuer;
    struct cert_facts *facts; /* of leaf */
    struct buf answer;        /* the last one judged */
};

/* What is said of one answer. */
struct opinion {
    struct ocsp_facts facts;
    struct response_view view;
    unsigned delegate;
};

int world_setup(struct world *world, enum mint_key ca_key);
/* The same with one more extension of the CA. */
int world_setup_with(struct world *world, enum mint_key ca_key, const char *name,
                     const char *value);
void world_teardown(struct world *world);

/* A good answer about the leaf, signed by its issuer; to be changed by the test. */
struct mint_answer world_answer(const struct world *world);

/* The specification of a proper delegate; to be changed by the test. */
struct mint_cert world_delegate(const struct world *world, enum mint_key key);

/* Reads and checks bytes, or the answer minted from @spec, which then lies in world->answer. */
struct opinion world_judge_bytes(struct world *world, struct slice der);
struct opinion world_judge(struct world *world, const struct mint_answer *spec);

/* Form, certificate and signature are all good, and the status is. */
bool opinion_is_good(const struct opinion *opinion);
