/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/instant.h"

static OCSP_BASICRESP *read_basic(struct slice answer)
{
    const unsigned char *at = answer.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.size);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;

    OCSP_RESPONSE_free(response);
    return basic;
}

bool oracle_verifies(struct slice answer, struct slice issuer, int64_t wall_s)
{
    const unsigned char *at = issuer.data;
    OCSP_BASICRESP *basic = read_basic(answer);
    X509 *ca = d2i_X509(NULL, &at, (long)issuer.size);
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = sk_X509_new_null();
    bool accepted = false;

    must(store && certs);
    if (basic && ca) {
        must(sk_X509_push(certs, ca) && X509_STORE_add_cert(store, ca));
        X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), wall_s);
        accepted = OCSP_basic_verify(basic, certs, store, 0) > 0;
    }
    sk_X509_free(certs);
    X509_STORE_free(store);
    X509_free(ca);
    OCSP_BASICRESP_free(basic);
    return accepted;
}

bool oracle_accepts(const struct side *side, struct slice answer)
{
    bool accepted = oracle_verifies(answer, side->issuer->der, MINT_NOW);

    if (!accepted) {
        ERR_print_errors_fp(stderr); /* asked only where we accept: this ends the run */
    }
    ERR_clear_error();
    return accepted;
}

static bool same_time(const ASN1_TIME *theirs, int64_t ours_s)
{
    struct tm tm;
    int64_t theirs_s;

    if (!theirs || ASN1_TIME_to_tm(theirs, &tm) != 1) {
        return false;
    }
    return time_from_civil((int[6]){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                                    tm.tm_min, tm.tm_sec},
                           &theirs_s) &&
           theirs_s == ours_s;
}

/* Behind the first single about the certificate there may be one with SHA-1, and then the facts
 * are of that. */
static bool is_single_of_facts(OCSP_SINGLERESP *single, const struct ocsp_facts *facts)
{
    static const int hashes[] = {NID_sha1, NID_sha256, NID_sha384, NID_sha512};
    ASN1_OBJECT *hash;

    return OCSP_id_get0_info(NULL, &hash, NULL, NULL,
                             (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single)) == 1 &&
           OBJ_obj2nid(hash) == hashes[facts->hash];
}

static void compare_single(OCSP_SINGLERESP *single, const struct ocsp_facts *facts)
{
    static const enum cert_status statuses[] = {
        [V_OCSP_CERTSTATUS_GOOD] = CERT_STATUS_GOOD,
        [V_OCSP_CERTSTATUS_REVOKED] = CERT_STATUS_REVOKED,
        [V_OCSP_CERTSTATUS_UNKNOWN] = CERT_STATUS_UNKNOWN,
    };
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int reason = -1;
    int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);

    must(status >= 0 && statuses[status] == facts->status);
    must(same_time(this_update, facts->this_update_s));
    must(facts->has_next_update == (next_update != NULL));
    must(!next_update || same_time(next_update, facts->next_update_s));
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        must(same_time(revoked, facts->revoked_at_s));
        /* RFC 5280 5.3.1: those that do not exist are none. */
        must((reason > 10 || reason == 7 ? -1 : reason) == facts->revocation_reason);
    }
}

void oracle_compare_answer(struct slice answer, const struct ocsp_facts *facts)
{
    OCSP_BASICRESP *basic = read_basic(answer);
    OCSP_SINGLERESP *single;

    if (basic) {
        must(OCSP_resp_count(basic) == facts->singles);
        must(same_time(OCSP_resp_get0_produced_at(basic), facts->produced_at_s));
        must(sk_X509_num(OCSP_resp_get0_certs(basic)) == (int)facts->embedded_certs ||
             (facts->embedded_certs == 0 && !OCSP_resp_get0_certs(basic)));
        single = OCSP_resp_get0(basic, facts->single_index);
        if (facts->match == REASON_GOOD && is_single_of_facts(single, facts)) {
            compare_single(single, facts);
        }
    }
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
}

static bool same_string(const ASN1_STRING *theirs, struct slice ours)
{
    return theirs &&
           slice_equal(slice_of(ASN1_STRING_get0_data(theirs), (size_t)ASN1_STRING_length(theirs)),
                       ours);
}

static bool same_name(const X509_NAME *theirs, struct slice ours)
{
    const unsigned char *der;
    size_t size;

    return X509_NAME_get0_der(theirs, &der, &size) == 1 && slice_equal(slice_of(der, size), ours);
}

/* The content octets of an INTEGER; libcrypto keeps sign and magnitude. */
static bool same_integer(const ASN1_INTEGER *theirs, struct slice ours)
{
    unsigned char *der = NULL;
    int size = i2d_ASN1_INTEGER(theirs, &der);
    bool same = false;

    if (size > 0) {
        struct der reader = der_open(slice_of(der, (size_t)size));
        struct slice content;

        same = der_read(&reader, DER_INTEGER, &content) && slice_equal(content, ours);
    }
    OPENSSL_free(der);
    return same;
}

static bool same_algorithm(const X509_ALGOR *theirs, struct slice ours)
{
    unsigned char *der = NULL;
    int size = i2d_X509_ALGOR(theirs, &der);
    bool same = size > 0 && slice_equal(slice_of(der, (size_t)size), ours);

    OPENSSL_free(der);
    return same;
}

/* What libcrypto could make of extension @nid: NULL and *@ret_usable false when it is there but
 * not to its liking. */
static void *extension(const X509 *cert, int nid, bool *ret_usable)
{
    int critical;
    void *value = X509_get_ext_d2i(cert, nid, &critical, NULL);

    *ret_usable = value || critical == -1;
    return value;
}

static void compare_usages(X509 *cert, const struct cert_view *view)
{
    bool usable;
    BASIC_CONSTRAINTS *constraints = extension(cert, NID_basic_constraints, &usable);
    EXTENDED_KEY_USAGE *purposes;
    ASN1_BIT_STRING *usage;
    bool ocsp_signing = false;

    must(!usable || view->is_ca == (constraints && constraints->ca));
    BASIC_CONSTRAINTS_free(constraints);
    usage = extension(cert, NID_key_usage, &usable);
    must(!usable || view->has_key_usage == (usage != NULL));
    for (int i = 0; usage && i < 9; i++) {
        must(ASN1_BIT_STRING_get_bit(usage, i) == (view->key_usage >> i & 1));
    }
    ASN1_BIT_STRING_free(usage);
    purposes = extension(cert, NID_ext_key_usage, &usable);
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        ocsp_signing |= OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i)) == NID_OCSP_sign;
    }
    must(!usable ||
         (view->has_eku == (purposes != NULL) && view->eku_ocsp_signing == ocsp_signing));
    EXTENDED_KEY_USAGE_free(purposes);
}

/* Does libcrypto write @value as it was read, so that @octets are DER and nothing is behind them?
 * It reads strings in parts, too, and does not mind octets that follow an extension's value. */
static bool is_der(const void *value, const ASN1_ITEM *item, struct slice octets)
{
    unsigned char *der = NULL;
    int size = ASN1_item_i2d(value, &der, item);
    bool same = size > 0 && slice_equal(slice_of(der, (size_t)size), octets);

    OPENSSL_free(der);
    return same;
}

/* The value of extension @nid, empty when there is none. */
static struct slice extension_octets(const X509 *cert, int nid)
{
    X509_EXTENSION *extension = X509_get_ext(cert, X509_get_ext_by_NID(cert, nid, -1));
    const ASN1_OCTET_STRING *octets = extension ? X509_EXTENSION_get_data(extension) : NULL;

    return octets ? slice_of(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets))
                  : SLICE_NULL;
}

/* @octets of a type with one OCTET STRING in it, NULL unless they are DER. */
static void *read_key_id(const ASN1_ITEM *item, struct slice octets)
{
    const unsigned char *at = octets.data;
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, (long)octets.size, item);

    if (value && !is_der(value, item, octets)) {
        ASN1_item_free(value, item);
        value = NULL;
    }
    return value;
}

/* Whoever looks for the key does not look at how an authorityKeyIdentifier names the issuer's
 * certificate (its issuer and number): here both become something that libcrypto can read. */
static void put_authority_without_names(struct buf *out, struct slice octets)
{
    struct der der = der_open(octets), inside = der_enter(&der, DER_SEQUENCE);
    struct buf fields = BUF_INIT(LIMIT_CERT_SIZE);
    struct slice content, whole;
    uint8_t tag;

    while (der_more(&inside) && der_read_any(&inside, &tag, &content, &whole)) {
        if (tag == DER_CONTEXT_CONSTRUCTED(1)) {
            der_put_header(&fields, tag, 0);
        } else if (tag == DER_CONTEXT(2)) {
            der_put_header(&fields, tag, 1);
            buf_put_byte(&fields, 0);
        } else {
            buf_put_slice(&fields, whole);
        }
    }
    if (der_end(&inside) && der_end(&der)) {
        der_put_header(out, DER_SEQUENCE, fields.size);
        buf_put_slice(out, slice_of_buf(&fields));
    }
    buf_deinit(&fields);
}

/* Key identifiers are what libcrypto reads where that is DER, and none where it is not or where
 * libcrypto can read nothing. */
static void compare_key_ids(const X509 *cert, const struct cert_view *view)
{
    struct buf authority = BUF_INIT(LIMIT_CERT_SIZE);
    struct slice subject = extension_octets(cert, NID_subject_key_identifier);
    ASN1_OCTET_STRING *subject_id = read_key_id(ASN1_ITEM_rptr(ASN1_OCTET_STRING), subject);
    AUTHORITY_KEYID *authority_id;

    put_authority_without_names(&authority, extension_octets(cert, NID_authority_key_identifier));
    authority_id = read_key_id(ASN1_ITEM_rptr(AUTHORITY_KEYID), slice_of_buf(&authority));
    must(subject_id ? same_string(subject_id, view->subject_key_id)
                    : view->subject_key_id.size == 0);
    must(authority_id && authority_id->keyid
             ? same_string(authority_id->keyid, view->authority_key_id)
             : view->authority_key_id.size == 0);
    ASN1_OCTET_STRING_free(subject_id);
    AUTHORITY_KEYID_free(authority_id);
    buf_deinit(&authority);
}

static void compare_alt_name(const X509 *cert, const struct cert_view *view)
{
    bool usable;
    GENERAL_NAMES *names = extension(cert, NID_subject_alt_name, &usable);
    bool der = names && is_der(names, ASN1_ITEM_rptr(GENERAL_NAMES),
                               extension_octets(cert, NID_subject_alt_name));

    for (int i = 0; der && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS && ASN1_STRING_length(name->d.dNSName)) {
            must(same_string(name->d.dNSName, view->dns_name));
            break;
        }
    }
    GENERAL_NAMES_free(names);
}

static void compare_info_access(const X509 *cert, const struct cert_view *view)
{
    bool usable;
    AUTHORITY_INFO_ACCESS *access = extension(cert, NID_info_access, &usable);
    unsigned urls = 0;

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);

        if (urls < view->ocsp_url_count && OBJ_obj2nid(one->method) == NID_ad_OCSP &&
            one->location->type == GEN_URI &&
            same_string(one->location->d.uniformResourceIdentifier, view->ocsp_urls[urls])) {
            urls++;
        }
    }
    must(!usable || urls == view->ocsp_url_count); /* all of ours, in their order */
    AUTHORITY_INFO_ACCESS_free(access);
}

bool oracle_compare_cert(const struct cert_view *view)
{
    const unsigned char *at = view->der.data;
    X509 *cert = d2i_X509(NULL, &at, (long)view->der.size);
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;

    if (!cert) {
        ERR_clear_error();
        return false;
    }
    must(at == view->der.data + view->der.size);
    must(X509_get_version(cert) + 1 == (long)view->version);
    must(same_integer(X509_get0_serialNumber(cert), view->serial));
    must(same_name(X509_get_issuer_name(cert), view->issuer));
    must(same_name(X509_get_subject_name(cert), view->subject));
    must(same_time(X509_get0_notBefore(cert), view->not_before_s));
    must(same_time(X509_get0_notAfter(cert), view->not_after_s));
    must(same_string(X509_get0_pubkey_bitstr(cert), view->key_bits));
    X509_get0_signature(&signature, &algorithm, cert);
    must(same_string(signature, view->signature));
    must(same_algorithm(algorithm, view->signature_algorithm));
    compare_usages(cert, view);
    compare_key_ids(cert, view);
    compare_alt_name(cert, view);
    compare_info_access(cert, view);
    X509_free(cert);
    ERR_clear_error();
    return true;
}

bool oracle_read_pem(struct slice text, struct buf *der)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    unsigned char *octets = NULL;
    const unsigned char *at;
    long size = 0;
    X509 *cert = NULL;

    buf_clear(der);
    if (PEM_bytes_read_bio(&octets, &size, NULL, PEM_STRING_X509, bio, NULL, NULL) == 1) {
        at = octets;
        cert = d2i_X509(NULL, &at, size);
        buf_put(der, octets, cert ? (size_t)(at - octets) : 0);
    }
    OPENSSL_free(octets);
    X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return cert != NULL;
}

void oracle_compare_request(struct slice request, struct slice issuer, struct slice serial)
{
    const unsigned char *at = request.data, *issuer_at = issuer.data;
    OCSP_REQUEST *theirs = d2i_OCSP_REQUEST(NULL, &at, (long)request.size);
    X509 *cert = d2i_X509(NULL, &issuer_at, (long)issuer.size);
    OCSP_CERTID *id, *expected;
    ASN1_INTEGER *number;
    ASN1_OBJECT *hash;

    must(theirs && at == request.data + request.size && cert);
    must(OCSP_request_onereq_count(theirs) == 1);
    id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(theirs, 0));
    must(OCSP_id_get0_info(NULL, &hash, NULL, &number, id) == 1);
    must(OBJ_obj2nid(hash) == NID_sha1 && same_integer(number, serial));
    expected = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(cert),
                                X509_get0_pubkey_bitstr(cert), number);
    must(expected && OCSP_id_cmp(expected, id) == 0);
    OCSP_CERTID_free(expected);
    OCSP_REQUEST_free(theirs);
    X509_free(cert);
    ERR_clear_error();
}
