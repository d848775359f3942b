/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <string.h>

/* Keys that never change, so that an input says the same in every run. They protect nothing. */
static const char rsa_key[] =
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDNYlnOmrVGMX/SDpZTZa+wXFdRCTHzXa1cgPDygQjA"
    "mGaJN8mGhpgOrV8kvgCqvNGuzVjeJ6sfjh8DN5r7Y3NdvgJvy5Ak29kx+quxszIG4SdapBh2nCx9f5C6tO5vSJ3cfmgy"
    "xrR+IWzj0uQjMWCJcuqkaevRyQElvRMaXLVlWDApSUMMKHtyFhKYpW+8+8ZKxSSDYyRq+XBD80BRiAua/yU2lqsrf/US"
    "jFIDZLBgqGO5HPg1qOTEgqrMFgHLdgPQWTs+wl946xJrSpJq3WgQvT6KAazYBAXq7TfV36DOYCoWzhdkeGvcNQ0bGDKk"
    "URQ42pd/YfNiDiTZa839x4rtAgMBAAECggEAAtoQwSuoxLa/PZ1yPOo2jE5b8AYeqXBtjdFEhzl/c50qH1Gk/Lc1uU5y"
    "+cGhpL1GdBTp3PvUBnYkvBizkDYLTgvrYL4E3F4pH+aJJ8iDM1FBCKMqq8rzWzLAQbdtcCIj/wHKVJopu26fYnJ1NH/l"
    "BUOROoM2AQ23dFyxvTX4VtXiQ/5vhBaEoGU3j6JSwdOX3wHnHsun1mwKsoAAoUglcHqR+XpFWF6LGYUeUC1IizUrZjdP"
    "Uq32AbiPI2bLClwGY/trU+A9OpuPTgwgbz/t9ahnxr/U8CDqbQeUSR9wPm6AEPZ4jSBMm9OU+6DN2BkiRdvdu9fr1Nj9"
    "6QMqyFniSQKBgQDz/MrN0wVT8xGx2KMxgqvKJFs3f/ZDfcaVdENuMdEo5mELmgVU0AXjN3iwSt7wQyakvyl7Pyns0H4S"
    "/uECIOr209TkEz0GngB+WwVR+LWGQhN/MBCK/iuzzICRyL54QGeq3Mny8zNSSK9Sfhnef3+mILrWtQ6sCaKmza1ae0Me"
    "uwKBgQDXfwEgrigEWw1kcvXBR7eYZO4cFBYN6mtdwNyDjlXot/2e8XT5V5HZkv9sd+7CylEwPUSjOaa5Bv0JdySO0IC2"
    "VpeqE3MIKOaqHe8IW4xBAlKypgIZbCv/bTEzo25q+3nDdPEmPmSuo8kEinyCBrkh2+H6QtOmxwchNaOAlgWmdwKBgAXg"
    "4lYBLpCuO4/oY04vEsqFA7mbmKhZoG47ZeCCzMJKgq4P4O8BMBMgZAUDWMm7JHQ1st8oT29IOrFkeLFfb6nQwsFYAVFm"
    "fyaMNN2bu2vnraaT1uIya4UieTqJ9qTZEGZaeXckCumBnM/FAASPV9j90uKXbCoS9VtFe1bBv4U/AoGBAICx/ZdpysZH"
    "Jmld6nzCetfNNxKXwFARNouoGUmL4Kx57UJWCzi53oWkr1w1B+dW8kOv42Tjkjkf/k//0lpkFOpQLoVI1kMCQjdIZy+D"
    "lPBiFcdRMyHBo0kJCgA/0zqa8q4TEc14J6LQd8V5e0AgCcI50ewmqsYISK7BnOK3NaqjAoGAQGnnuvbger1cVA4hykRR"
    "/a+rBDtkmysQGblub4PDTrWSPj2PzNkeiF6iluZ+S2V0IjFNzCsaPqeF+/WxMU7mdhZ1yligIyOHN5LqxGBSzWfmMTfa"
    "lm2wFoGNwLPDHuYaa9jIacE78fEGPor6lofqrGBTDpEOmf0eBlZVaY/DsfA=";
static const uint8_t ed25519_keys[2][32] = {"the issuer's key of the fuzzers", "a delegate's key"};

static struct world world;

static EVP_PKEY *key_of_rsa(void)
{
    struct buf der = BUF_INIT(4096);
    const unsigned char *at;
    EVP_PKEY *key;

    must(buf_put_base64_decoded(&der, slice_of_text(rsa_key)));
    at = der.data;
    key = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
    buf_deinit(&der);
    return key;
}

static EVP_PKEY *key_of_seed(const uint8_t seed[32])
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
}

static void side_setup(struct side *side, enum mint_key key)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault;

    side->key = key;
    side->ca =
        mint_cert(&(struct mint_cert){.name = "Fuzz CA",
                                      .key = key,
                                      .issuer_key = key,
                                      .extensions = {{"basicConstraints", "critical,CA:TRUE"},
                                                     {"subjectKeyIdentifier", "hash"}}});
    side->leaf = mint_cert(&(struct mint_cert){
        .name = "leaf.example", .key = MINT_RSA, .issuer_key = key, .issuer = side->ca});
    side->other = mint_cert(&(struct mint_cert){.name = "other.example",
                                                .key = MINT_RSA,
                                                .issuer_key = key,
                                                .issuer = side->ca,
                                                .serial_hex = "2000"});
    side->delegate =
        mint_cert(&(struct mint_cert){.name = "Responder",
                                      .key = MINT_ED25519_OTHER,
                                      .issuer_key = key,
                                      .issuer = side->ca,
                                      .serial_hex = "3000",
                                      .extensions = {{"extendedKeyUsage", "OCSPSigning"},
                                                     {"noCheck", "ignored"},
                                                     {"authorityKeyIdentifier", "keyid"}}});
    must(issuer_new(&side->issuer, world.crypto, mint_der(side->ca, &der)) == 0);
    must(cert_read(mint_der(side->leaf, &der), &view, &fault) == 0);
    must(cert_facts_new(&side->facts, world.crypto, &view, side->issuer) == 0);
    buf_deinit(&der);
}

struct world *world_get(void)
{
    if (!world.crypto) {
        must(crypto_new(&world.crypto) == 0);
        mint_set_key(MINT_RSA, key_of_rsa());
        mint_set_key(MINT_ED25519, key_of_seed(ed25519_keys[0]));
        mint_set_key(MINT_ED25519_OTHER, key_of_seed(ed25519_keys[1]));
        side_setup(&world.sides[0], MINT_ED25519);
        side_setup(&world.sides[1], MINT_RSA);
    }
    return &world;
}

/* Which digest an AlgorithmIdentifier of RSA asks for, by the last octet of its OID. */
static const EVP_MD *digest_of(struct slice algorithm, bool *ret_pss)
{
    struct der der = der_open(algorithm), inside = der_enter(&der, DER_SEQUENCE);
    struct slice oid;
    uint8_t last = 0;

    if (der_read_oid(&inside, &oid)) {
        last = oid.data[oid.size - 1];
    }
    *ret_pss = last == 0x0a;
    switch (last) {
    case 0x05:
        return EVP_sha1();
    case 0x0c:
        return EVP_sha384();
    case 0x0d:
        return EVP_sha512();
    default:
        return EVP_sha256();
    }
}

/* Puts a true signature of @tbs where @signature is, when its size allows. */
static void sign_in_place(EVP_PKEY *key, struct slice tbs, struct slice algorithm,
                          struct slice signature)
{
    bool ed25519 = EVP_PKEY_is_a(key, "ED25519"), pss;
    const EVP_MD *digest = digest_of(algorithm, &pss);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    size_t size = signature.size;

    must(context);
    if (signature.size == (ed25519 ? 64 : 256)) {
        must(EVP_DigestSignInit(context, &settings, ed25519 ? NULL : digest, NULL, key) == 1);
        if (pss && !ed25519) {
            must(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) > 0);
            must(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) > 0);
        }
        must(EVP_DigestSign(context, (uint8_t *)signature.data, &size, tbs.data, tbs.size) == 1);
    }
    EVP_MD_CTX_free(context);
}

static bool names_issuer(const struct side *side, const struct response_view *view)
{
    return view->responder_name.size
               ? slice_equal(view->responder_name, side->issuer->view.subject)
               : slice_equal(view->responder_key,
                             slice_of(side->issuer->key_hash[CERTID_SHA1], SHA1_SIZE));
}

void side_sign(const struct side *side, const struct response_view *view)
{
    EVP_PKEY *issuer = mint_key(side->key);
    EVP_PKEY *signer = names_issuer(side, view) ? issuer : mint_key(MINT_ED25519_OTHER);

    for (unsigned i = 0; i < view->cert_count; i++) {
        struct cert_view cert;
        const char *fault;

        if (cert_read(view->certs[i], &cert, &fault) == 0) {
            sign_in_place(issuer, cert.tbs, cert.signature_algorithm, cert.signature);
        }
    }
    sign_in_place(signer, view->tbs, view->signature_algorithm, view->signature);
}

/* What is remembered says the same as what was found out. */
static void check_again(struct side *side, struct signer *signer, const struct opinion *opinion,
                        struct ocsp_facts facts)
{
    signer_check(signer, &opinion->view, side->issuer, &facts, NULL);
    must(facts.signature == opinion->facts.signature && facts.signer == opinion->facts.signer);
    must(facts.made.key == opinion->facts.made.key &&
         facts.made.digest == opinion->facts.made.digest &&
         facts.delegate_made.digest == opinion->facts.delegate_made.digest &&
         facts.delegate_faults == opinion->facts.delegate_faults &&
         facts.delegate_not_after_s == opinion->facts.delegate_not_after_s);
}

struct opinion side_judge(struct side *side, struct slice der)
{
    struct opinion opinion = {.delegate = UINT32_MAX};
    struct ocsp_facts unsigned_facts;
    struct signer *signer;

    response_read(der, side->facts, side->issuer, &opinion.facts, &opinion.view);
    if (opinion.facts.form == REASON_GOOD) {
        must(signer_new(&signer, world.crypto) == 0);
        unsigned_facts = opinion.facts;
        signer_check(signer, &opinion.view, side->issuer, &opinion.facts, &opinion.delegate);
        check_again(side, signer, &opinion, unsigned_facts);
        signer_free(signer);
    }
    return opinion;
}

bool opinion_is_accepted(const struct opinion *opinion)
{
    const struct ocsp_facts *facts = &opinion->facts;

    /* With a single of another issuer beside ours OCSP_basic_verify() refuses: so does the verdict
     * (core/clients-rules.c), not yet these facts. */
    return facts->form == REASON_GOOD && facts->match == REASON_GOOD &&
           facts->signature == REASON_GOOD && !facts->others_of_other_issuer &&
           (facts->signer == OCSP_SIGNER_ISSUER ||
            (facts->delegate_not_before_s <= MINT_NOW && MINT_NOW < facts->delegate_not_after_s));
}
