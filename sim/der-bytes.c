/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-bytes.h"

#include <string.h>

#include "base/map.h"
#include "pki/der.h"
#include "sim/der-write.h"
#include "sim/must.h"

#define FILE_MOST 16384
#define CA_LIFE_S INT64_C(630720000) /* twenty years, around the beginning */

struct bytes_cert {
    struct buf file; /* empty: not made yet */
    uint8_t leaf_sha256[SHA256_SIZE];
};

struct bytes_authority {
    struct dermint_ca *ca;
    char *issuer_url; /* NULL: its certificate stands in every file */
    bool pkcs7;
};

struct bytes_delegate {
    uint32_t authority;
    int64_t not_after_s;
    unsigned misuse;
    struct dermint_delegate *delegate;
};

struct derbytes {
    const struct world *world;
    const struct crypto *crypto;
    struct bytes_authority *authorities;
    struct dermint_ca *nobody; /* an issuer that is nowhere to be found */
    struct derkey *forger;
    struct bytes_cert *certs;
    struct bytes_delegate *delegates;
    size_t delegate_count;
    struct map leaves;  /* certificates, by the beginning of leaf_sha256 */
    struct map answers; /* by hash of what is signed, and the signature */
    uint64_t *hashes;   /* that hash, by answer: the map knows half of it */
    uint32_t hash_count;
};

/* One in three has its certificates fetched: by the number, so that each seed has some. */
static void open_authority(struct derbytes *bytes, uint32_t number)
{
    static const struct window life = {WORLD_START_S - CA_LIFE_S, WORLD_START_S + CA_LIFE_S};
    struct bytes_authority *authority = &bytes->authorities[number];
    struct buf text = BUF_INIT(128);

    buf_put_text(&text, "Authority ");
    buf_put_int(&text, number);
    authority->ca = dermint_ca_new(bytes->crypto, buf_text(&text), life);
    if ((bytes->world->options.seed + number) % 3 == 0) {
        buf_clear(&text);
        buf_put_text(&text, "http://ca");
        buf_put_int(&text, number);
        buf_put_text(&text, ".example/ca");
        authority->issuer_url = text_copy(slice_of_buf(&text));
        must(authority->issuer_url);
        authority->pkcs7 = (bytes->world->options.seed + number) % 2;
    }
    buf_deinit(&text);
}

struct derbytes *derbytes_new(const struct world *world, const struct crypto *crypto)
{
    static const struct window life = {WORLD_START_S - CA_LIFE_S, WORLD_START_S + CA_LIFE_S};
    struct derbytes *bytes = calloc(1, sizeof(*bytes));

    must(bytes);
    bytes->world = world;
    bytes->crypto = crypto;
    bytes->authorities = calloc(world->authority_count + 1, sizeof(*bytes->authorities));
    bytes->certs = calloc(world->cert_count + 1, sizeof(*bytes->certs));
    must(bytes->authorities && bytes->certs);
    for (uint32_t i = 0; i < world->authority_count; i++) {
        open_authority(bytes, i);
    }
    bytes->nobody = dermint_ca_new(crypto, "Nobody", life);
    bytes->forger = derkey_new(crypto, "forger");
    return bytes;
}

struct derbytes *derbytes_free(struct derbytes *bytes)
{
    if (!bytes) {
        return NULL;
    }
    for (uint32_t i = 0; i < bytes->world->authority_count; i++) {
        dermint_ca_free(bytes->authorities[i].ca);
        free(bytes->authorities[i].issuer_url);
    }
    for (uint32_t i = 0; i < bytes->world->cert_count; i++) {
        buf_deinit(&bytes->certs[i].file);
    }
    for (size_t i = 0; i < bytes->delegate_count; i++) {
        dermint_delegate_free(bytes->delegates[i].delegate);
    }
    dermint_ca_free(bytes->nobody);
    derkey_free(bytes->forger);
    map_deinit(&bytes->leaves);
    map_deinit(&bytes->answers);
    free(bytes->hashes);
    free(bytes->authorities);
    free(bytes->certs);
    free(bytes->delegates);
    free(bytes);
    return NULL;
}

const char *derbytes_issuer_url(const struct derbytes *bytes, uint32_t authority)
{
    return bytes->authorities[authority].issuer_url;
}

/* RFC 5652 5.1: SignedData without signers, with certificates. */
void derbytes_put_issuer(struct derbytes *bytes, uint32_t authority, struct buf *body)
{
    static const uint8_t version[] = {0x02, 0x01, 0x01, 0x31, 0x00}; /* 1, no digests */
    static const uint8_t content[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                      0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01}; /* id-data */
    static const uint8_t type[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                   0xf7, 0x0d, 0x01, 0x07, 0x02}; /* id-signedData */
    const struct bytes_authority *of = &bytes->authorities[authority];
    size_t from, certs_from;

    buf_clear(body);
    if (!of->pkcs7) {
        buf_put_slice(body, slice_of_buf(&of->ca->der));
        return;
    }
    buf_put(body, type, sizeof(type));
    from = body->size;
    buf_put(body, version, sizeof(version));
    buf_put(body, content, sizeof(content));
    certs_from = body->size;
    buf_put_slice(body, slice_of_buf(&of->ca->der));
    derwrite_wrap(body, DER_CONTEXT_CONSTRUCTED(0), certs_from);
    derwrite_element(body, DER_SET, SLICE_NULL); /* nobody signed */
    derwrite_wrap(body, DER_SEQUENCE, from);
    derwrite_wrap(body, DER_CONTEXT_CONSTRUCTED(0), from);
    derwrite_wrap(body, DER_SEQUENCE, 0);
}

static const struct dermint_ca *ca_of(const struct derbytes *bytes, const struct sim_cert *cert)
{
    return cert->facts.has_issuer ? bytes->authorities[cert->authority].ca : bytes->nobody;
}

static uint64_t leaf_hash(const uint8_t leaf_sha256[SHA256_SIZE])
{
    uint64_t hash;

    memcpy(&hash, leaf_sha256, sizeof(hash));
    return hash;
}

uint32_t derbytes_find_cert(const struct derbytes *bytes, const uint8_t leaf_sha256[SHA256_SIZE])
{
    uint64_t hash = leaf_hash(leaf_sha256);
    size_t at;

    for (uint32_t i = map_first(&bytes->leaves, hash, &at); i != MAP_NONE;
         i = map_more(&bytes->leaves, hash, &at)) {
        if (memcmp(bytes->certs[i].leaf_sha256, leaf_sha256, SHA256_SIZE) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static struct bytes_cert *open_cert(struct derbytes *bytes, uint32_t number)
{
    const struct sim_cert *cert = &bytes->world->certs[number];
    const struct bytes_authority *authority = &bytes->authorities[cert->authority];
    struct bytes_cert *made = &bytes->certs[number];
    const struct dermint_ca *ca = ca_of(bytes, cert);
    struct dermint_leaf leaf = {
        .name = cert->facts.name,
        .number = cert->certid,
        .valid = {cert->facts.not_before_s, cert->facts.not_after_s},
        .urls = cert->facts.urls,
        .url_count = cert->facts.url_count,
        .issuer_url = cert->facts.has_issuer ? authority->issuer_url : NULL,
        .must_staple = cert->facts.must_staple,
        .is_ca = cert->facts.is_ca,
        .self_signed = cert->facts.self_signed,
    };
    uint8_t digest[CRYPTO_DIGEST_MAX];
    struct buf der = BUF_INIT(FILE_MOST);

    if (made->file.size) {
        return made;
    }
    made->file = BUF_INIT(FILE_MOST);
    dermint_put_leaf(&der, ca, &leaf);
    must(crypto_digest(bytes->crypto, CERTID_SHA256, slice_of_buf(&der), digest));
    memcpy(made->leaf_sha256, digest, SHA256_SIZE);
    must(map_add(&bytes->leaves, leaf_hash(digest), number) == 0);
    dermint_put_pem(&made->file, slice_of_buf(&der));
    if (cert->facts.has_issuer && !authority->issuer_url) {
        dermint_put_pem(&made->file, slice_of_buf(&ca->der));
    }
    must(!buf_status(&made->file));
    buf_deinit(&der);
    return made;
}

struct slice derbytes_file(struct derbytes *bytes, uint32_t cert)
{
    return slice_of_buf(&open_cert(bytes, cert)->file);
}

bool derbytes_asks_for(const struct derbytes *bytes, const struct dermint_asked *asked,
                       uint32_t cert)
{
    const struct sim_cert *of = &bytes->world->certs[cert];

    return dermint_asks_for(asked, ca_of(bytes, of), of->certid);
}

static const struct dermint_delegate *open_delegate(struct derbytes *bytes, uint32_t authority,
                                                    int64_t not_after_s, unsigned misuse)
{
    const struct authority *habits = &bytes->world->authorities[authority];
    struct bytes_delegate *made;
    struct window life = {WORLD_START_S - CA_LIFE_S, not_after_s};

    for (size_t i = 0; i < bytes->delegate_count; i++) {
        made = &bytes->delegates[i];
        if (made->authority == authority && made->not_after_s == not_after_s &&
            made->misuse == misuse) {
            return made->delegate;
        }
    }
    if (habits->delegate_life_s && !misuse) {
        life.from_s = not_after_s - habits->delegate_life_s - DAY_S;
    }
    bytes->delegates = sim_grow(bytes->delegates, bytes->delegate_count, bytes->delegate_count + 1,
                                sizeof(*bytes->delegates));
    made = &bytes->delegates[bytes->delegate_count++];
    *made = (struct bytes_delegate){authority, not_after_s, misuse, NULL};
    made->delegate = dermint_delegate_new(bytes->crypto, bytes->authorities[authority].ca,
                                          (uint64_t)not_after_s << 2 | misuse, life, misuse);
    return made->delegate;
}

static void put_whole(struct derbytes *bytes, const struct answer *answer, struct buf *body)
{
    uint32_t authority = bytes->world->responders[answer->responder].authority;
    struct dermint_single single = {
        .number = answer->certid,
        .status = answer->status,
        .this_update_s = answer->this_update_s,
        .next_update_s = answer->next_update_s,
        .revoked_at_s = answer->revoked_at_s,
        .reason = answer->revocation_reason,
    };
    struct dermint_answer spec = {
        .ca = answer->flaw == FLAW_OTHER_ISSUER ? bytes->nobody : bytes->authorities[authority].ca,
        .forger = answer->flaw == FLAW_BAD_SIGNATURE ? bytes->forger : NULL,
        .singles = &single,
        .single_count = 1,
        .produced_at_s = answer->produced_at_s,
        /* Authorities have their ways; what is served looks the same of all. */
        .by_name = authority & 1,
        .embed_ca = authority & 2,
    };
    unsigned misuse = answer->flaw == FLAW_STRANGER ? DERMINT_STRANGER
                      : answer->flaw == FLAW_NO_EKU ? DERMINT_NO_EKU
                                                    : 0;

    if (answer->delegate_not_after_s != INSTANT_NEVER && answer->flaw != FLAW_OTHER_ISSUER) {
        spec.delegate = open_delegate(bytes, authority, answer->delegate_not_after_s, misuse);
    }
    dermint_put_answer(body, &spec);
}

/* tbsResponseData, algorithm and signature: all but the embedded certificates. Empty: it is no
 * whole answer, or something stands behind it. */
static struct slice signed_part(struct slice der)
{
    struct slice content, whole, tbs, outside;
    struct der top = der_open(der);
    struct der response = der_enter(&top, DER_SEQUENCE);
    struct der tagged, bytes, basic, inner;
    uint8_t tag;

    der_read(&response, DER_ENUMERATED, &content);
    tagged = der_enter(&response, DER_CONTEXT_CONSTRUCTED(0));
    bytes = der_enter(&tagged, DER_SEQUENCE);
    der_read(&bytes, DER_OID, &content);
    if (!der_read(&bytes, DER_OCTET_STRING, &outside) || !der_end(&top) || !der_end(&response) ||
        !der_end(&tagged) || !der_end(&bytes)) {
        return SLICE_NULL;
    }
    basic = der_open(outside);
    inner = der_enter(&basic, DER_SEQUENCE);
    if (!der_read_any(&inner, &tag, &content, &tbs) ||
        !der_read_any(&inner, &tag, &content, &whole) ||
        !der_read_any(&inner, &tag, &content, &whole) || !der_end(&basic)) {
        return SLICE_NULL;
    }
    return slice_of(tbs.data, (size_t)(whole.data + whole.size - tbs.data));
}

/* The whole hash is as good as the octets: there will be some hundred thousand answers. */
static uint32_t find_hash(const struct derbytes *bytes, uint64_t hash)
{
    size_t at;

    for (uint32_t i = map_first(&bytes->answers, hash, &at); i != MAP_NONE;
         i = map_more(&bytes->answers, hash, &at)) {
        if (bytes->hashes[i] == hash) {
            return i;
        }
    }
    return ANSWER_NONE;
}

static void enlist(struct derbytes *bytes, uint32_t answer, struct slice der)
{
    struct slice part = signed_part(der);
    uint64_t hash = map_hash(part);

    must(part.size);
    if (find_hash(bytes, hash) != ANSWER_NONE) {
        return; /* the same octets twice are answers with the same fields */
    }
    if (answer >= bytes->hash_count) {
        uint32_t count = 2 * answer + 1;

        bytes->hashes = sim_grow(bytes->hashes, bytes->hash_count, count, sizeof(*bytes->hashes));
        bytes->hash_count = count;
    }
    bytes->hashes[answer] = hash;
    must(map_add(&bytes->answers, hash, answer) == 0);
}

void derbytes_put_answer(struct derbytes *bytes, uint32_t answer, struct buf *body)
{
    const struct answer *made = answers_get(&bytes->world->answers, answer);

    switch (made->flaw) {
    case FLAW_JUNK:
        buf_clear(body);
        buf_put_text(body, answer & 1 ? "<html>please log in</html>" : "0");
        return;
    case FLAW_ERROR:
        dermint_put_error(body, made->response_status);
        return;
    case FLAW_TRUNCATED:
        put_whole(bytes, made, body);
        body->size /= 2;
        return;
    default:
        break;
    }
    put_whole(bytes, made, body);
    enlist(bytes, answer, slice_of_buf(body));
    if (made->flaw == FLAW_TRAILING) {
        buf_put_text(body, "\r\n");
    }
}

uint32_t derbytes_find_answer(const struct derbytes *bytes, struct slice der)
{
    struct slice part = signed_part(der);

    return part.size ? find_hash(bytes, map_hash(part)) : ANSWER_NONE;
}
