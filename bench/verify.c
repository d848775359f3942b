/* SPDX-License-Identifier: Apache-2.0 */

/* What one answer costs: our whole way (response_read, signer_check, verdict_judge) next to the
 * bare EVP_PKEY_verify() of the same signature with the same key, and next to libcrypto's own way
 * (d2i_OCSP_RESPONSE, OCSP_basic_verify). And what one certificate costs, out of PEM.
 *
 *     bench-verify ROUNDS          a line per case and way: CASE WAY, then microseconds per round
 *     bench-verify CASE WAY COUNT  that one, so many times: for callgrind
 *
 * Time is that of this thread on the processor. The rounds of all ways take turns. The bare
 * verification has its context made and its digest computed beforehand. */

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/verdict.h"
#include "pki/repair.h"
#include "pki/response.h"
#include "pki/signer.h"
#include "pki/test-mint.h"

#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            fprintf(stderr, "bench-verify: does not hold: %s\n", #condition_);                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* One answer and all that its ways need, made beforehand. */
struct scene {
    X509 *ca;
    X509 *leaf;
    X509 *signer_cert;
    struct issuer *issuer;
    struct cert_facts *facts;
    struct buf answer;
    struct buf leaf_pem;
    struct response_view view;
    EVP_PKEY_CTX *bare;
    uint8_t digest[SHA256_SIZE];
    X509_STORE *store;
    STACK_OF(X509) * certs;
};

static struct crypto *crypto;
static struct signer *signer;
static struct policy policy;

static void scene_set_leaf(struct scene *scene)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    must(issuer_new(&scene->issuer, crypto, mint_der(scene->ca, &der)) == 0);
    must(cert_read(mint_der(scene->leaf, &der), &view, &fault) == 0);
    must(cert_facts_new(&scene->facts, crypto, &view, scene->issuer) == 0);
    must(bio && PEM_write_bio_X509(bio, scene->leaf));
    size = BIO_get_mem_data(bio, &text);
    buf_put(&scene->leaf_pem, text, (size_t)size);
    BIO_free(bio);
    buf_deinit(&der);
}

static void scene_set_bare(struct scene *scene, enum mint_key key)
{
    struct ocsp_facts facts;

    response_read(slice_of_buf(&scene->answer), scene->facts, scene->issuer, &facts, &scene->view);
    must(facts.form == REASON_GOOD);
    must(crypto_digest(crypto, CERTID_SHA256, scene->view.tbs, scene->digest));
    scene->bare = EVP_PKEY_CTX_new(mint_key(key), NULL);
    must(scene->bare && EVP_PKEY_verify_init(scene->bare) == 1);
    must(EVP_PKEY_CTX_set_signature_md(scene->bare, EVP_sha256()) == 1);
}

static void scene_set_store(struct scene *scene)
{
    scene->store = X509_STORE_new();
    scene->certs = sk_X509_new_null();
    must(scene->store && scene->certs && X509_STORE_add_cert(scene->store, scene->ca));
    must(sk_X509_push(scene->certs, scene->ca) > 0);
    X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(scene->store), X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(scene->store), MINT_NOW);
}

static void scene_setup(struct scene *scene, enum mint_key key, bool delegated)
{
    *scene = (struct scene){.answer = BUF_INIT(LIMIT_ANSWER_SIZE),
                            .leaf_pem = BUF_INIT(LIMIT_CERT_FILE_SIZE)};
    scene->ca =
        mint_cert(&(struct mint_cert){.name = "Bench CA",
                                      .key = key,
                                      .issuer_key = key,
                                      .extensions = {{"basicConstraints", "critical,CA:TRUE"},
                                                     {"subjectKeyIdentifier", "hash"}}});
    scene->leaf = mint_cert(&(struct mint_cert){
        .name = "shop.example",
        .key = MINT_RSA_OTHER,
        .issuer_key = key,
        .issuer = scene->ca,
        .serial_hex = "0112233445566778899AABBCCDDEEFF0",
        .extensions = {
            {"subjectAltName", "DNS:shop.example,DNS:www.shop.example"},
            {"authorityInfoAccess",
             "OCSP;URI:http://ocsp.ca.example/,caIssuers;URI:http://ca.example/ca.der"},
            {"keyUsage", "critical,digitalSignature,keyEncipherment"},
            {"extendedKeyUsage", "serverAuth"},
        }});
    if (delegated) {
        scene->signer_cert =
            mint_cert(&(struct mint_cert){.name = "Responder",
                                          .key = MINT_EC_OTHER,
                                          .issuer_key = key,
                                          .issuer = scene->ca,
                                          .serial_hex = "3000",
                                          .extensions = {{"extendedKeyUsage", "OCSPSigning"},
                                                         {"noCheck", "ignored"},
                                                         {"keyUsage", "critical,digitalSignature"},
                                                         {"authorityKeyIdentifier", "keyid"}}});
    }
    scene_set_leaf(scene);
    mint_answer(&scene->answer,
                &(struct mint_answer){.singles = {{.cert = scene->leaf, .issuer = scene->ca}},
                                      .signer = delegated ? scene->signer_cert : scene->ca,
                                      .signer_key = delegated ? MINT_EC_OTHER : key,
                                      .embed_signer = delegated,
                                      .by_key = true});
    scene_set_bare(scene, delegated ? MINT_EC_OTHER : key);
    scene_set_store(scene);
}

static void scene_deinit(struct scene *scene)
{
    X509_free(scene->ca);
    X509_free(scene->leaf);
    X509_free(scene->signer_cert);
    issuer_free(scene->issuer);
    free(scene->facts);
    buf_deinit(&scene->answer);
    buf_deinit(&scene->leaf_pem);
    EVP_PKEY_CTX_free(scene->bare);
    X509_STORE_free(scene->store);
    sk_X509_free(scene->certs);
}

static void answer_ours(struct scene *scene)
{
    struct ocsp_facts facts;
    struct response_view view;
    unsigned delegate = 0;

    response_read(slice_of_buf(&scene->answer), scene->facts, scene->issuer, &facts, &view);
    signer_check(signer, &view, scene->issuer, &facts, &delegate);
    repair_facts(&facts, &view, delegate);
    must(verdict_judge(&policy, scene->facts, &facts, NULL, MINT_NOW).verdict == VERDICT_STAPLE);
}

static void answer_bare(struct scene *scene)
{
    must(EVP_PKEY_verify(scene->bare, scene->view.signature.data, scene->view.signature.size,
                         scene->digest, sizeof(scene->digest)) == 1);
}

static void answer_openssl(struct scene *scene)
{
    const unsigned char *at = scene->answer.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)scene->answer.size);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;

    must(basic && OCSP_basic_verify(basic, scene->certs, scene->store, 0) == 1);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
}

static void leaf_ours(struct scene *scene)
{
    struct pem pem = pem_open(slice_of_buf(&scene->leaf_pem));
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_facts *facts = NULL;
    struct cert_view view;
    const char *fault;

    must(pem_next(&pem, &der) == PEM_CERTIFICATE);
    must(cert_read(slice_of_buf(&der), &view, &fault) == 0);
    must(cert_facts_new(&facts, crypto, &view, scene->issuer) == 0);
    free(facts);
    buf_deinit(&der);
}

static void leaf_openssl(struct scene *scene)
{
    BIO *bio = BIO_new_mem_buf(scene->leaf_pem.data, (int)scene->leaf_pem.size);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    must(cert);
    X509_free(cert);
    BIO_free(bio);
}

struct way {
    const char *name;
    const char *way;
    unsigned scene;
    unsigned batch; /* iterations a round */
    void (*run)(struct scene *scene);
};

static const struct way ways[] = {
    {"rsa-2048", "bare", 0, 1000, answer_bare},
    {"rsa-2048", "ours", 0, 1000, answer_ours},
    {"rsa-2048", "openssl", 0, 500, answer_openssl},
    {"p-256", "bare", 1, 300, answer_bare},
    {"p-256", "ours", 1, 300, answer_ours},
    {"p-256", "openssl", 1, 300, answer_openssl},
    {"p-256-delegate", "bare", 2, 300, answer_bare},
    {"p-256-delegate", "ours", 2, 300, answer_ours},
    {"p-256-delegate", "openssl", 2, 100, answer_openssl},
    {"leaf", "ours", 0, 1000, leaf_ours},
    {"leaf", "openssl", 0, 200, leaf_openssl},
};

static double measure_us(const struct way *way, struct scene *scene)
{
    struct timespec from, to;

    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from) == 0);
    for (unsigned i = 0; i < way->batch; i++) {
        way->run(scene);
    }
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to) == 0);
    return ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) /
           way->batch;
}

static int measure_all(struct scene scenes[], unsigned rounds)
{
    double *times = calloc(ARRAY_SIZE(ways), rounds * sizeof(*times));

    must(times);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        measure_us(&ways[i], &scenes[ways[i].scene]); /* caches warm, delegates remembered */
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
            times[i * rounds + round] = measure_us(&ways[i], &scenes[ways[i].scene]);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        printf("%s %s", ways[i].name, ways[i].way);
        for (unsigned round = 0; round < rounds; round++) {
            printf(" %.3f", times[i * rounds + round]);
        }
        printf("\n");
    }
    free(times);
    return 0;
}

/* Callgrind counts in here alone (--toggle-collect). */
__attribute__((noinline)) static void repeat(const struct way *way, struct scene *scene,
                                             unsigned long count)
{
    while (count--) {
        way->run(scene);
    }
}

static int repeat_named(struct scene scenes[], const char *name, const char *way,
                        unsigned long count)
{
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        if (strcmp(ways[i].name, name) == 0 && strcmp(ways[i].way, way) == 0) {
            ways[i].run(&scenes[ways[i].scene]); /* what is remembered from now on */
            repeat(&ways[i], &scenes[ways[i].scene], count);
            return 0;
        }
    }
    fprintf(stderr, "bench-verify: no such case: %s %s\n", name, way);
    return 2;
}

int main(int argc, char **argv)
{
    struct scene scenes[3];
    int r;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: bench-verify ROUNDS | CASE WAY COUNT\n");
        return 2;
    }
    must(crypto_new(&crypto) == 0 && signer_new(&signer, crypto) == 0);
    policy = policy_default();
    scene_setup(&scenes[0], MINT_RSA, false);
    scene_setup(&scenes[1], MINT_EC, false);
    scene_setup(&scenes[2], MINT_EC, true);
    if (argc == 2) {
        r = measure_all(scenes, (unsigned)strtoul(argv[1], NULL, 10));
    } else {
        r = repeat_named(scenes, argv[1], argv[2], strtoul(argv[3], NULL, 10));
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        scene_deinit(&scenes[i]);
    }
    mint_deinit();
    signer_free(signer);
    crypto_free(crypto);
    return r;
}
