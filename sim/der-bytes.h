/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The world's certificates and answers as octets, and back: each authority of the world gets a key,
 * each delegate one of its own, and what struct answer says of itself is what is signed. */

#include "sim/der-mint.h"
#include "sim/world.h"

struct derbytes;

/* @crypto must outlive it. */
struct derbytes *derbytes_new(const struct world *world, const struct crypto *crypto);
struct derbytes *derbytes_free(struct derbytes *bytes);
CLEANUP_DEFINE(struct derbytes *, derbytes_free)

/* The file of @cert: its PEM, and the issuer's behind it unless that must be found elsewhere
 * (derbytes_issuer_url()). Lives as long as @bytes. */
struct slice derbytes_file(struct derbytes *bytes, uint32_t cert);
/* The certificate with this leaf, of those whose file was made; UINT32_MAX: none. */
uint32_t derbytes_find_cert(const struct derbytes *bytes, const uint8_t leaf_sha256[SHA256_SIZE]);

/* The caIssuers URL in certificates of @authority; NULL: they have none, and files hold the issuer.
 * What it sends is DER for some, a certs-only PKCS#7 for others. */
const char *derbytes_issuer_url(const struct derbytes *bytes, uint32_t authority);
void derbytes_put_issuer(struct derbytes *bytes, uint32_t authority, struct buf *body);

/* The octets of an answer, into @body (cleared first), and which answer octets are: as received or
 * as served (the embedded certificates do not count). ANSWER_NONE: nobody ever made it. */
void derbytes_put_answer(struct derbytes *bytes, uint32_t answer, struct buf *body);
uint32_t derbytes_find_answer(const struct derbytes *bytes, struct slice der);

/* Does a request ask for @cert? */
bool derbytes_asks_for(const struct derbytes *bytes, const struct dermint_asked *asked,
                       uint32_t cert);
