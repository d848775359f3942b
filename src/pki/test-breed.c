/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/test-breed.h"

#include <openssl/err.h>
#include <string.h>

#include "pki/der.h"
#include "pki/test-mint.h"

/* Also when assertions are compiled out. */
#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            ERR_print_errors_fp(stderr);                                                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define DAY_S 86400

static EVP_PKEY *keys[BREED_KEYS];
static CONF *conf; /* sections that values below refer to */

static const char sections[] = "[corp]\nO = Corp\n[test]\nCN = Test CA\n[other]\nO = Other\n"
                               "[mapping]\n1.2.3.4 = 1.2.3.5\n"
                               "[constraints]\nrequireExplicitPolicy = 0\n";

static bool chance(struct rng *rng, unsigned one_in)
{
    return rng_below(rng, one_in) == 0;
}

void breed_setup(void)
{
    BIO *text = BIO_new_mem_buf(sections, -1);

    keys[BREED_P256] = EVP_EC_gen("P-256");
    keys[BREED_P256_SECOND] = EVP_EC_gen("P-256");
    keys[BREED_P256_THIRD] = EVP_EC_gen("P-256");
    keys[BREED_P384] = EVP_EC_gen("P-384");
    keys[BREED_RSA] = EVP_RSA_gen(1024);
    keys[BREED_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    keys[BREED_SECP256K1] = EVP_EC_gen("secp256k1");
    keys[BREED_EXPLICIT] = mint_explicit_key();
    for (size_t i = 0; i < BREED_KEYS; i++) {
        must(keys[i]);
    }
    conf = NCONF_new(NULL);
    must(text && conf && NCONF_load_bio(conf, text, NULL) == 1);
    BIO_free(text);
}

void breed_teardown(void)
{
    for (size_t i = 0; i < BREED_KEYS; i++) {
        EVP_PKEY_free(keys[i]);
    }
    NCONF_free(conf);
}

static void put_element(struct buf *out, uint8_t tag, struct slice content)
{
    der_put_header(out, tag, content.size);
    buf_put_slice(out, content);
}

/* @inside as content; it is left empty. */
static void put_wrapped(struct buf *out, uint8_t tag, struct buf *inside)
{
    must(!buf_status(inside));
    put_element(out, tag, slice_of_buf(inside));
    buf_deinit(inside);
}

static void put_algorithm(struct buf *out, enum breed_key key)
{
    static const uint8_t ecdsa[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
    static const uint8_t ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

    switch (key) {
    case BREED_RSA:
        buf_put(out, rsa, sizeof(rsa));
        break;
    case BREED_ED25519:
        buf_put(out, ed25519, sizeof(ed25519));
        break;
    default:
        buf_put(out, ecdsa, sizeof(ecdsa));
        break;
    }
}

/* SEQUENCE { @tbs, AlgorithmIdentifier, signature, @tail }. */
static void put_signed(struct buf *out, struct slice tbs, enum breed_key key, struct slice tail)
{
    struct buf inside = BUF_INIT(LIMIT_CERT_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = key == BREED_ED25519 ? NULL : EVP_sha256();
    uint8_t signature[1 + 512] = {0};
    size_t size = sizeof(signature) - 1;

    must(context && EVP_DigestSignInit(context, NULL, digest, NULL, keys[key]) == 1);
    must(EVP_DigestSign(context, signature + 1, &size, tbs.data, tbs.size) == 1);
    buf_put_slice(&inside, tbs);
    put_algorithm(&inside, key);
    put_element(&inside, DER_BIT_STRING, slice_of(signature, 1 + size));
    buf_put_slice(&inside, tail);
    put_wrapped(out, DER_SEQUENCE, &inside);
    EVP_MD_CTX_free(context);
}

/* What a certificate is to be; NULL and 0: as usual. */
struct recipe {
    X509 *issuer; /* NULL: self-signed */
    enum breed_key issuer_key;
    enum breed_key key;
    const char *name;
    struct rng *rng; /* NULL: nothing odd */
    bool is_ca;
};

static void set_name(X509_NAME *name, const char *text)
{
    static const int types[] = {MBSTRING_UTF8, V_ASN1_PRINTABLESTRING, V_ASN1_T61STRING};
    int type = types[text[0] == '~' ? 1 : text[0] == '^' ? 2 : 0]; /* as DirectoryString */

    if (text[0]) {
        text += text[0] == '~' || text[0] == '^';
        must(X509_NAME_add_entry_by_txt(name, text[0] == '/' ? "O" : "CN", type,
                                        (const unsigned char *)text + (text[0] == '/'), -1, -1, 0));
    }
}

static const char *choose_name(struct rng *rng, bool is_ca)
{
    static const char *const cas[] = {"Test CA", "TEST CA", "^Test CA", "", "/Corp"};
    static const char *const signers[] = {"Test CA",
                                          "TEST  CA",
                                          "test ca",
                                          "~Test CA",
                                          "",
                                          "/Corp",
                                          "/Other",
                                          "/corp",
                                          "responder.corp.test",
                                          "responder.other.test",
                                          "*.test",
                                          "10.0.0.1",
                                          "a b.test",
                                          "r\xc3\xa9sponder"};

    if (!rng || !chance(rng, is_ca ? 8 : 2)) {
        return is_ca ? "Test CA" : "Responder";
    }
    return is_ca ? cas[rng_below(rng, ARRAY_SIZE(cas))]
                 : signers[rng_below(rng, ARRAY_SIZE(signers))];
}

static void set_serial(X509 *cert, struct rng *rng)
{
    static const char *const odd[] = {"0",
                                      "-5",
                                      "-80",
                                      "FF",
                                      "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                                      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                                      "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"};
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial;

    must(BN_hex2bn(&number, rng && chance(rng, 6) ? odd[rng_below(rng, ARRAY_SIZE(odd))] : "1000"));
    serial = BN_to_ASN1_INTEGER(number, NULL);
    must(serial && X509_set_serialNumber(cert, serial));
    ASN1_INTEGER_free(serial);
    BN_free(number);
}

static void set_dates(X509 *cert, struct rng *rng)
{
    static const char *const odd[] = {"20261001000000Z", "261001000000Z",      "99991231235959Z",
                                      "20500101000000Z", "491231235959Z",      "2610010000Z",
                                      "26100100000000Z", "261001000000+0100",  "20261001000000.5Z",
                                      "202610010000Z",   "20261001000000+0000"};
    const char *end = odd[rng ? rng_below(rng, ARRAY_SIZE(odd)) : 0];
    size_t size = strlen(end);

    must(ASN1_TIME_set(X509_getm_notBefore(cert), BREED_NOW - 30 * DAY_S));
    must(ASN1_TIME_set(X509_getm_notAfter(cert), BREED_NOW + 60 * DAY_S));
    if (rng && chance(rng, 10)) {
        /* As they stand, whatever ASN1_TIME_set_string() thinks of them. */
        must(ASN1_STRING_set(X509_getm_notAfter(cert), end, (int)size));
        X509_getm_notAfter(cert)->type =
            strspn(end, "0123456789") >= 14 || size == 14 ? V_ASN1_GENERALIZEDTIME : V_ASN1_UTCTIME;
    }
}

/* Every extension that libcrypto knows, some that it does not, and values that disagree. */
static const struct {
    const char *name;
    const char *value;
} extensions[] = {
    {"basicConstraints", "CA:FALSE"},
    {"basicConstraints", "CA:TRUE"},
    {"basicConstraints", "CA:TRUE,pathlen:0"},
    {"basicConstraints", "DER:30:03:02:01:ff"},
    {"basicConstraints", "DER:30:03:02:01:00"},
    {"keyUsage", "digitalSignature"},
    {"keyUsage", "keyCertSign,cRLSign"},
    {"keyUsage", "keyEncipherment"},
    {"keyUsage", "DER:03:01:00"},
    {"keyUsage", "DER:03:02:07:00"},
    {"keyUsage", "DER:03:03:07:00:80"},
    {"extendedKeyUsage", "OCSPSigning"},
    {"extendedKeyUsage", "serverAuth"},
    {"extendedKeyUsage", "anyExtendedKeyUsage"},
    {"extendedKeyUsage", "serverAuth,OCSPSigning"},
    {"extendedKeyUsage", "DER:30:00"},
    {"subjectKeyIdentifier", "hash"},
    {"subjectKeyIdentifier", "00:11:22"},
    {"subjectKeyIdentifier", "DER:24:04:04:02:01:02"},
    {"authorityKeyIdentifier", "keyid:always"},
    {"authorityKeyIdentifier", "keyid:always,issuer:always"},
    {"authorityKeyIdentifier", "DER:30:04:80:02:01:02"},
    {"authorityKeyIdentifier", "DER:30:03:82:01:05"},
    {"authorityKeyIdentifier", "DER:30:00"},
    {"subjectAltName", "DNS:responder.corp.test"},
    {"subjectAltName", "DNS:responder.other.test"},
    {"subjectAltName", "email:a@other.test,URI:http://other.test/,IP:10.0.0.1,RID:1.2.3"},
    {"subjectAltName", "dirName:other"},
    {"subjectAltName", "DER:30:00"},
    {"subjectAltName", "DER:30:02:82:00"},
    {"subjectAltName", "DER:30:05:87:03:01:02:03"},
    {"issuerAltName", "DNS:ca.test"},
    {"authorityInfoAccess", "OCSP;URI:http://ocsp.test/"},
    {"subjectInfoAccess", "caRepository;URI:http://ca.test/"},
    {"crlDistributionPoints", "URI:http://crl.test/"},
    {"crlDistributionPoints", "DER:30:00"},
    {"crlDistributionPoints", "DER:30:04:30:02:81:00"},
    {"freshestCRL", "URI:http://crl.test/"},
    {"issuingDistributionPoint", "DER:30:03:81:01:ff"},
    {"certificatePolicies", "1.2.3.4"},
    {"certificatePolicies", "anyPolicy,anyPolicy"},
    {"policyConstraints", "requireExplicitPolicy:0"},
    {"policyConstraints", "inhibitPolicyMapping:0"},
    {"policyMappings", "1.2.3.4:1.2.3.5"},
    {"policyMappings", "1.2.3.4:2.5.29.32.0"},
    {"inhibitAnyPolicy", "0"},
    {"nameConstraints", "permitted;DNS:corp.test"},
    {"nameConstraints", "excluded;DNS:other.test"},
    {"nameConstraints", "permitted;dirName:corp"},
    {"nameConstraints", "permitted;dirName:test"},
    {"nameConstraints", "excluded;dirName:other"},
    {"nameConstraints", "permitted;email:corp.test"},
    {"nameConstraints", "permitted;IP:192.0.2.0/255.255.255.0"},
    {"nameConstraints", "permitted;URI:.corp.test"},
    {"nameConstraints", "permitted;RID:1.2.3"},
    {"nameConstraints", "DER:30:00"},
    {"nameConstraints", "DER:30:0b:a0:09:30:07:82:02:61:2e:80:01:01"},
    {"noCheck", "ignored"},
    {"noCheck", "DER:30:00"},
    {"tlsfeature", "status_request"},
    {"sbgp-ipAddrBlock", "IPv4:10.0.0.0/8"},
    {"sbgp-ipAddrBlock", "IPv4:10.1.0.0/16"},
    {"sbgp-ipAddrBlock", "IPv4:inherit"},
    {"sbgp-ipAddrBlock", "DER:30:00"},
    {"sbgp-autonomousSysNum", "AS:64496"},
    {"sbgp-autonomousSysNum", "AS:inherit"},
    {"proxyCertInfo", "language:id-ppl-anyLanguage"},
    {"proxyCertInfo", "language:id-ppl-anyLanguage,pathlen:1"},
    {"nsCertType", "server"},
    {"nsCertType", "sslCA"},
    {"nsComment", "odd"},
    {"privateKeyUsagePeriod", "DER:30:00"},
    {"subjectDirectoryAttributes", "DER:30:00"},
    {"1.3.6.1.4.1.11129.2.4.2", "DER:04:02:00:00"},
    {"1.3.6.1.4.1.11129.2.4.3", "DER:05:00"},
    {"1.3.6.1.5.5.7.1.3", "DER:30:00"},
    {"1.3.6.1.4.1.311.21.10", "DER:30:00"},
    {"1.2.3.4", "DER:05:00"},
};

/* Cuts, changes or empties the value now and then. */
static void spoil_value(struct rng *rng, X509_EXTENSION *extension)
{
    static const uint8_t null[] = {0x05, 0x00};
    ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    struct buf octets = BUF_INIT(4096);

    buf_put(&octets, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    switch (octets.size ? rng_below(rng, 60) : 60) {
    case 0:
        octets.data[rng_below(rng, octets.size)] ^= (uint8_t)(1u << rng_below(rng, 8));
        break;
    case 1:
        octets.size = rng_below(rng, octets.size);
        break;
    case 2:
        buf_put(&octets, null, sizeof(null));
        break;
    case 3:
        buf_clear(&octets);
        buf_put(&octets, null, sizeof(null));
        break;
    }
    must(ASN1_OCTET_STRING_set(value, octets.data, (int)octets.size));
    buf_deinit(&octets);
}

static void add_extension(X509 *cert, const struct recipe *recipe, const char *name,
                          const char *value, bool critical)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, recipe->issuer ? recipe->issuer : cert, cert, NULL, NULL, 0);
    X509V3_set_nconf(&context, conf);
    extension = X509V3_EXT_nconf(conf, &context, name, value);
    ERR_clear_error();
    if (!extension) {
        return; /* no key identifier to refer to */
    }
    must(X509_EXTENSION_set_critical(extension, critical));
    if (recipe->rng) {
        spoil_value(recipe->rng, extension);
    }
    must(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_usual(X509 *cert, const struct recipe *recipe)
{
    struct rng *rng = recipe->rng;

    if (recipe->is_ca || chance(rng, 2)) {
        add_extension(cert, recipe, "basicConstraints", recipe->is_ca ? "CA:TRUE" : "CA:FALSE",
                      true);
    }
    if (!recipe->is_ca && !chance(rng, 20)) {
        add_extension(cert, recipe, "extendedKeyUsage", "OCSPSigning", false);
    }
    if (chance(rng, 2)) {
        add_extension(cert, recipe, "subjectKeyIdentifier", "hash", false);
    }
    if (chance(rng, 2)) {
        add_extension(cert, recipe, "authorityKeyIdentifier", "keyid", false);
    }
}

static void add_odd(X509 *cert, const struct recipe *recipe)
{
    for (unsigned i = (unsigned)rng_below(recipe->rng, recipe->is_ca ? 3 : 4); i > 0; i--) {
        size_t which = rng_below(recipe->rng, ARRAY_SIZE(extensions));

        add_extension(cert, recipe, extensions[which].name, extensions[which].value,
                      chance(recipe->rng, 4));
    }
}

/* Puts the certificate into @der; sometimes with octets changed before it was signed. */
static void sign_cert(X509 *cert, const struct recipe *recipe, struct buf *der)
{
    unsigned char *tbs = NULL;
    int size;

    must(X509_sign(cert, keys[recipe->issuer_key],
                   recipe->issuer_key == BREED_ED25519 ? NULL : EVP_sha256()));
    size = i2d_re_X509_tbs(cert, &tbs);
    must(size > 0);
    if (recipe->rng && chance(recipe->rng, recipe->is_ca ? 12 : 5)) {
        tbs[rng_below(recipe->rng, (uint64_t)size)] ^= (uint8_t)(1u << rng_below(recipe->rng, 8));
    }
    buf_clear(der);
    put_signed(der, slice_of(tbs, (size_t)size), recipe->issuer_key, SLICE_NULL);
    must(!buf_status(der));
    OPENSSL_free(tbs);
}

static void make_cert(const struct recipe *recipe, struct bred *ret_cert)
{
    X509 *cert = X509_new();

    must(cert);
    must(X509_set_version(cert, recipe->rng && chance(recipe->rng, 30)
                                    ? (long)rng_below(recipe->rng, 2)
                                    : X509_VERSION_3));
    set_serial(cert, recipe->rng);
    set_dates(cert, recipe->rng);
    set_name(X509_get_subject_name(cert), recipe->name);
    must(X509_set_issuer_name(cert, X509_get_subject_name(recipe->issuer ? recipe->issuer : cert)));
    must(X509_set_pubkey(cert, keys[recipe->key]));
    if (recipe->rng) {
        add_usual(cert, recipe);
        add_odd(cert, recipe);
    }
    sign_cert(cert, recipe, &ret_cert->der);
    ret_cert->key = recipe->key;
    X509_free(cert);
}

static enum breed_key choose_key(struct rng *rng, enum breed_key usual)
{
    return chance(rng, 6) ? (enum breed_key)rng_below(rng, BREED_KEYS) : usual;
}

static X509 *read_issuer(const struct bred *issuer)
{
    const unsigned char *at = issuer->der.data;
    X509 *cert = d2i_X509(NULL, &at, (long)issuer->der.size);

    ERR_clear_error();
    return cert;
}

void breed_issuer(struct rng *rng, struct bred *ret_issuer)
{
    struct recipe recipe = {.rng = rng, .is_ca = true, .name = choose_name(rng, true)};

    recipe.issuer_key = recipe.key = choose_key(rng, BREED_P256);
    if (chance(rng, 2)) { /* not the root */
        X509 *root = X509_new();

        must(root);
        set_name(X509_get_subject_name(root), "Root");
        recipe.issuer = root;
        recipe.issuer_key = BREED_P256_THIRD;
        make_cert(&recipe, ret_issuer);
        X509_free(root);
        return;
    }
    make_cert(&recipe, ret_issuer);
}

bool breed_leaf(const struct bred *issuer, struct bred *ret_leaf)
{
    struct recipe recipe = {.issuer = read_issuer(issuer),
                            .issuer_key = issuer->key,
                            .key = BREED_P256_THIRD,
                            .name = "leaf.corp.test"};

    if (recipe.issuer) {
        make_cert(&recipe, ret_leaf);
    }
    X509_free(recipe.issuer);
    return recipe.issuer != NULL;
}

bool breed_delegate(struct rng *rng, const struct bred *issuer, struct bred *ret_delegate)
{
    struct recipe recipe = {.issuer = read_issuer(issuer),
                            .issuer_key = issuer->key,
                            .key = choose_key(rng, BREED_P256_SECOND),
                            .name = choose_name(rng, false),
                            .rng = rng};

    if (recipe.issuer) {
        make_cert(&recipe, ret_delegate);
    }
    X509_free(recipe.issuer);
    return recipe.issuer != NULL;
}

/* OIDs of CertID.hashAlgorithm. */
static const struct {
    const char *digest; /* NULL: one that nobody knows */
    uint8_t oid_size;
    uint8_t oid[9];
} certid_hashes[] = {
    {"SHA1", 5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}},
    {"SHA256", 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}},
    {"SHA512", 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}},
    {"SHA224", 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04}},
    {"SHA3-256", 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x08}},
    {"MD5", 8, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05}},
    {NULL, 4, {0x2a, 0x03, 0x04, 0x05}},
};

static void put_hash(struct buf *out, const char *digest, struct slice input)
{
    uint8_t hash[EVP_MAX_MD_SIZE] = {0};
    size_t size = 20;

    must(!digest || EVP_Q_digest(NULL, digest, NULL, input.data, input.size, hash, &size));
    put_element(out, DER_OCTET_STRING, slice_of(hash, size));
}

/* @which of certid_hashes; of the issuer, or of nobody. */
static void put_certid(struct buf *out, const struct issuer *issuer, size_t which, bool foreign,
                       struct slice serial)
{
    struct buf id = BUF_INIT(1024), algorithm = BUF_INIT(64);
    const char *digest = certid_hashes[which].digest;

    put_element(&algorithm, DER_OID,
                slice_of(certid_hashes[which].oid, certid_hashes[which].oid_size));
    put_wrapped(&id, DER_SEQUENCE, &algorithm);
    put_hash(&id, digest, foreign ? slice_of_text("nobody") : issuer->view.subject);
    put_hash(&id, digest, issuer->view.key_bits);
    put_element(&id, DER_INTEGER, serial);
    put_wrapped(out, DER_SEQUENCE, &id);
}

static void put_time(struct buf *out, int64_t wall_s)
{
    ASN1_GENERALIZEDTIME *made = ASN1_GENERALIZEDTIME_set(NULL, wall_s);

    must(made);
    put_element(out, DER_GENERALIZED_TIME,
                slice_of(ASN1_STRING_get0_data(made), (size_t)ASN1_STRING_length(made)));
    ASN1_GENERALIZEDTIME_free(made);
}

static void put_single(struct buf *out, const struct issuer *issuer, size_t hash, bool foreign,
                       struct slice serial)
{
    struct buf single = BUF_INIT(1024), next = BUF_INIT(64);

    put_certid(&single, issuer, hash, foreign, serial);
    put_element(&single, DER_CONTEXT(0), SLICE_NULL); /* good */
    put_time(&single, BREED_NOW - 3600);
    put_time(&next, BREED_NOW + 4 * DAY_S);
    put_wrapped(&single, DER_CONTEXT_CONSTRUCTED(0), &next);
    put_wrapped(out, DER_SEQUENCE, &single);
}

static void put_singles(struct rng *rng, struct buf *out, const struct issuer *issuer,
                        const struct cert_facts *leaf)
{
    static const uint8_t other[] = {0x77};
    struct buf list = BUF_INIT(4096);

    put_single(&list, issuer, 0, false, slice_of(leaf->serial, leaf->serial_size));
    while (chance(rng, 4)) {
        put_single(&list, issuer, rng_below(rng, ARRAY_SIZE(certid_hashes)), chance(rng, 6),
                   chance(rng, 4) ? slice_of(leaf->serial, leaf->serial_size)
                                  : slice_of(other, sizeof(other)));
    }
    put_wrapped(out, DER_SEQUENCE, &list);
}

static void put_responder(struct rng *rng, struct buf *out, const struct issuer *issuer,
                          struct slice subject, struct slice key_bits)
{
    struct buf inside = BUF_INIT(LIMIT_CERT_SIZE);
    bool of_issuer = chance(rng, 20);

    if (chance(rng, 2)) {
        buf_put_slice(&inside, of_issuer ? issuer->view.subject : subject);
        put_wrapped(out, DER_CONTEXT_CONSTRUCTED(1), &inside);
    } else {
        put_hash(&inside, "SHA1", of_issuer ? issuer->view.key_bits : key_bits);
        put_wrapped(out, DER_CONTEXT_CONSTRUCTED(2), &inside);
    }
}

static void put_basic(struct buf *out, struct slice data, const struct bred *signer, bool embed)
{
    struct buf tbs = BUF_INIT(LIMIT_CERT_SIZE), list = BUF_INIT(LIMIT_CERT_SIZE),
               certs = BUF_INIT(LIMIT_CERT_SIZE);

    put_element(&tbs, DER_SEQUENCE, data);
    if (embed) {
        put_element(&list, DER_SEQUENCE, slice_of_buf(&signer->der));
        put_wrapped(&certs, DER_CONTEXT_CONSTRUCTED(0), &list);
    }
    put_signed(out, slice_of_buf(&tbs), signer->key, slice_of_buf(&certs));
    buf_deinit(&tbs);
    buf_deinit(&certs);
}

void breed_answer(struct rng *rng, const struct issuer *issuer, const struct cert_facts *leaf,
                  const struct bred *signer, bool embed, struct buf *ret_answer)
{
    static const uint8_t status[] = {0x0a, 0x01, 0x00};
    static const uint8_t type[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                   0x05, 0x07, 0x30, 0x01, 0x01};
    struct buf data = BUF_INIT(LIMIT_CERT_SIZE), basic = BUF_INIT(LIMIT_CERT_SIZE),
               bytes = BUF_INIT(LIMIT_CERT_SIZE), whole = BUF_INIT(LIMIT_CERT_SIZE),
               outer = BUF_INIT(LIMIT_CERT_SIZE);
    struct cert_view view;
    const char *fault;

    if (!embed || cert_read(slice_of_buf(&signer->der), &view, &fault) != 0) {
        view = issuer->view;
    }
    put_responder(rng, &data, issuer, view.subject, view.key_bits);
    put_time(&data, BREED_NOW - 3600);
    put_singles(rng, &data, issuer, leaf);
    put_basic(&basic, slice_of_buf(&data), signer, embed);
    buf_put(&bytes, type, sizeof(type));
    put_wrapped(&bytes, DER_OCTET_STRING, &basic);
    put_wrapped(&outer, DER_SEQUENCE, &bytes);
    buf_put(&whole, status, sizeof(status));
    put_wrapped(&whole, DER_CONTEXT_CONSTRUCTED(0), &outer);
    buf_clear(ret_answer);
    put_wrapped(ret_answer, DER_SEQUENCE, &whole);
    buf_deinit(&data);
}
