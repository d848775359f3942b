/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/test-world.h"

#include <string.h>

int world_setup(struct world *world, enum mint_key ca_key)
{
    return world_setup_with(world, ca_key, NULL, NULL);
}

int world_setup_with(struct world *world, enum mint_key ca_key, const char *name, const char *value)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault;
    int r;

    *world = (struct world){.ca_key = ca_key, .answer = BUF_INIT(1024 * 1024)};
    world->ca =
        mint_cert(&(struct mint_cert){.name = "Test CA",
                                      .key = ca_key,
                                      .issuer_key = ca_key,
                                      .extensions = {{"basicConstraints", "critical,CA:TRUE"},
                                                     {"subjectKeyIdentifier", "hash"},
                                                     {name, value}}});
    world->leaf = mint_cert(&(struct mint_cert){
        .name = "leaf.example", .key = MINT_EC_OTHER, .issuer_key = ca_key, .issuer = world->ca});
    world->other = mint_cert(&(struct mint_cert){.name = "other.example",
                                                 .key = MINT_EC_OTHER,
                                                 .issuer_key = ca_key,
                                                 .issuer = world->ca,
                                                 .serial_hex = "2000"});
    r = crypto_new(&world->crypto);
    r = r ? r : signer_new(&world->signer, world->crypto);
    r = r ? r : issuer_new(&world->issuer, world->crypto, mint_der(world->ca, &der));
    r = r ? r : cert_read(mint_der(world->leaf, &der), &view, &fault);
    r = r ? r : cert_facts_new(&world->facts, world->crypto, &view, world->issuer);
    buf_deinit(&der);
    return r;
}

void world_teardown(struct world *world)
{
    free(world->facts);
    issuer_free(world->issuer);
    signer_free(world->signer);
    crypto_free(world->crypto);
    X509_free(world->ca);
    X509_free(world->leaf);
    X509_free(world->other);
    buf_deinit(&world->answer);
}

struct mint_answer world_answer(const struct world *world)
{
    return (struct mint_answer){.singles = {{.cert = world->leaf, .issuer = world->ca}},
                                .signer = world->ca,
                                .signer_key = world->ca_key};
}

struct mint_cert world_delegate(const struct world *world, enum mint_key key)
{
    return (struct mint_cert){.name = "Responder",
                              .key = key,
                              .issuer_key = world->ca_key,
                              .issuer = world->ca,
                              .serial_hex = "3000",
                              .extensions = {{"extendedKeyUsage", "OCSPSigning"},
                                             {"noCheck", "ignored"},
                                             {"authorityKeyIdentifier", "keyid"}}};
}

struct opinion world_judge_bytes(struct world *world, struct slice der)
{
    struct opinion opinion = {.delegate = UINT32_MAX};

    response_read(der, world->facts, world->issuer, &opinion.facts, &opinion.view);
    if (opinion.facts.form == REASON_GOOD) {
        signer_check(world->signer, &opinion.view, world->issuer, &opinion.facts,
                     &opinion.delegate);
    }
    return opinion;
}

struct opinion world_judge(struct world *world, const struct mint_answer *spec)
{
    mint_answer(&world->answer, spec);
    return world_judge_bytes(world, slice_of_buf(&world->answer));
}

bool opinion_is_good(const struct opinion *opinion)
{
    const struct ocsp_facts *facts = &opinion->facts;

    return facts->form == REASON_GOOD && facts->match == REASON_GOOD &&
           facts->signature == REASON_GOOD && facts->status == CERT_STATUS_GOOD;
}
