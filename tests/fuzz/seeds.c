/* SPDX-License-Identifier: Apache-2.0 */

/* Writes the first inputs of the fuzzers that know the issuers of world.c: certificates in
 * FOLDER/cert, answers in FOLDER/answer, what caIssuers URLs send in FOLDER/bag. */

#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "world.h"

static const char *folder;
static unsigned written;

static void write_file(const char *kind, const char *name, struct slice content)
{
    struct buf path = BUF_INIT(4096);
    FILE *file;

    buf_put_text(&path, folder);
    buf_put_byte(&path, '/');
    buf_put_text(&path, kind);
    buf_put_byte(&path, '/');
    buf_put_text(&path, name);
    buf_put_byte(&path, '-');
    buf_put_int(&path, written++);
    file = fopen(buf_text(&path), "wb");
    if (!file || fwrite(content.data, 1, content.size, file) != content.size || fclose(file)) {
        perror(buf_text(&path));
        exit(1);
    }
    buf_deinit(&path);
}

static void write_cert(const char *name, X509 *cert)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    write_file("cert", name, mint_der(cert, &der));
    must(bio && PEM_write_bio_X509(bio, cert));
    size = BIO_get_mem_data(bio, &text);
    write_file("cert", name, slice_of(text, (size_t)size));
    BIO_free(bio);
    buf_deinit(&der);
}

static void write_answer(const char *name, const struct mint_answer *spec)
{
    struct buf answer = BUF_INIT(LIMIT_ANSWER_SIZE);

    mint_answer(&answer, spec);
    write_file("answer", name, slice_of_buf(&answer));
    buf_deinit(&answer);
}

static struct mint_answer plain(const struct side *side)
{
    return (struct mint_answer){.singles = {{.cert = side->leaf, .issuer = side->ca, .reason = -1}},
                                .signer = side->ca,
                                .signer_key = side->key};
}

static struct mint_answer delegated(const struct side *side)
{
    struct mint_answer spec = plain(side);

    spec.signer = side->delegate;
    spec.signer_key = MINT_ED25519_OTHER;
    spec.embed_signer = true;
    return spec;
}

static void write_statuses(const struct side *side)
{
    struct mint_answer spec = plain(side);
    struct mint_single *single = &spec.singles[0];

    single->status = CERT_STATUS_UNKNOWN;
    write_answer("unknown", &spec);
    single->status = CERT_STATUS_REVOKED;
    single->revoked_at_s = MINT_NOW - 3600;
    write_answer("revoked", &spec);
    single->reason = 1;
    write_answer("revoked-reason", &spec);
    single->reason = 6;
    single->revoked_at_s = 0;
    spec.extended_revoke = true;
    write_answer("never-issued", &spec);
}

static void write_forms(const struct side *side)
{
    struct mint_answer spec = plain(side);

    write_answer("plain", &spec);
    spec.by_key = true;
    write_answer("by-key", &spec);
    spec.plain_extension = true;
    spec.singles[0].critical = true;
    write_answer("critical-single", &spec);
    spec.critical = true;
    write_answer("critical", &spec);
    spec = plain(side);
    spec.singles[0].next_update_s = -1;
    write_answer("no-next-update", &spec);
    spec = plain(side);
    spec.pss = side->key == MINT_RSA;
    spec.digest = spec.pss ? EVP_sha512() : NULL;
    write_answer("pss", &spec);
    spec.pss = false;
    write_answer("digest", &spec);
}

/* Several singles: other serials, other hashes, another issuer's. */
static void write_several(const struct side *side, const struct side *elsewhere)
{
    struct mint_answer spec = plain(side);

    spec.singles[1] = spec.singles[0];
    spec.singles[1].hash = EVP_sha256();
    write_answer("two-hashes", &spec);
    spec.singles[2] = spec.singles[0];
    spec.singles[2].status = CERT_STATUS_UNKNOWN;
    write_answer("conflict", &spec);
    spec.singles[1] = spec.singles[0];
    spec.singles[1].cert = side->other;
    spec.singles[2].cert = NULL;
    write_answer("two-serials", &spec);
    spec.singles[1].issuer = elsewhere->ca;
    spec.singles[1].cert = elsewhere->leaf;
    write_answer("two-issuers", &spec);
    spec = delegated(side);
    spec.singles[1] = spec.singles[0];
    spec.singles[1].hash = EVP_sha256();
    write_answer("delegated-two-hashes", &spec);
    spec.singles[1].issuer = elsewhere->ca;
    spec.singles[1].cert = elsewhere->leaf;
    write_answer("delegated-two-issuers", &spec);
}

static void write_delegated(const struct side *side)
{
    struct mint_answer spec = delegated(side);

    write_answer("delegated", &spec);
    spec.by_key = true;
    write_answer("delegated-by-key", &spec);
    spec.embedded[0] = side->ca;
    spec.embedded[1] = side->leaf;
    write_answer("delegated-last", &spec);
    spec = plain(side);
    spec.embed_signer = true;
    write_answer("embeds-issuer", &spec);
    for (size_t i = 0; i < 9; i++) {
        spec.embedded[i] = side->other;
    }
    write_answer("embeds-many", &spec);
}

/* A leaf with all that cert_read() looks for. */
static void write_full_leaf(X509 *ca)
{
    X509 *leaf = mint_cert(&(struct mint_cert){
        .name = "full.example",
        .key = MINT_RSA,
        .issuer_key = MINT_ED25519,
        .issuer = ca,
        .serial_hex = "80112233445566778899AABBCCDDEEFF00112233",
        .not_after_s = INT64_C(2600000000),
        .extensions = {
            {"subjectAltName", "DNS:full.example,DNS:*.example,email:a@b.c"},
            {"authorityInfoAccess",
             "OCSP;URI:http://ocsp.example/x,caIssuers;URI:http://ca.example/ca.der"},
            {"tlsfeature", "status_request"},
            {"keyUsage", "critical,digitalSignature,keyCertSign"},
        }});

    write_cert("full", leaf);
    X509_free(leaf);
}

/* A certs-only PKCS#7 of @count certificates, the issuer's and the leaf's by turns. */
static void write_bag(const struct side *side, unsigned count)
{
    PKCS7 *message = PKCS7_new();
    unsigned char *der = NULL;
    int size;

    must(message && PKCS7_set_type(message, NID_pkcs7_signed) &&
         PKCS7_content_new(message, NID_pkcs7_data));
    for (unsigned i = 0; i < count; i++) {
        must(PKCS7_add_certificate(message, i % 2 ? side->leaf : side->ca));
    }
    size = i2d_PKCS7(message, &der);
    must(size > 0);
    write_file("bag", "certs", slice_of(der, (size_t)size));
    OPENSSL_free(der);
    PKCS7_free(message);
}

int main(int argc, char **argv)
{
    struct world *world;

    if (argc != 2) {
        fprintf(stderr, "usage: fuzz-seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    world = world_get();
    for (size_t i = 0; i < ARRAY_SIZE(world->sides); i++) {
        struct side *side = &world->sides[i];

        write_cert("ca", side->ca);
        write_cert("leaf", side->leaf);
        write_cert("delegate", side->delegate);
        write_statuses(side);
        write_forms(side);
        write_several(side, &world->sides[1 - i]);
        write_delegated(side);
        write_bag(side, 0);
        write_bag(side, 1);
        write_bag(side, 2);
    }
    write_bag(&world->sides[0], 20); /* more than are taken */
    write_full_leaf(world->sides[0].ca);
    return 0;
}
