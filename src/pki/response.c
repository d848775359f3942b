/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/response.h"

#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "pki/der.h"
#include "pki/response-lax.h"

/* One SingleResponse (RFC 6960 4.2.1). */
struct single {
    bool hash_known;
    bool hash_rare; /* or not known: no certificate is looked for under it */
    enum certid_hash hash;
    struct slice name_hash;
    struct slice key_hash;
    struct slice serial;
    enum cert_status status;
    int64_t revoked_at_s;
    int8_t revocation_reason;
    int64_t this_update_s;
    int64_t next_update_s;
    bool has_next_update;
    bool critical;
    bool long_oid;
    bool has_scts;
    uint8_t sct_faults;
    bool trails; /* octets where none belong, behind what is good */
};

/* The parts of an answer, before anybody looks for a certificate in it. */
struct answer {
    struct response_view view;
    struct slice singles; /* content of `responses` */
    int64_t produced_at_s;
    bool critical;
    bool long_oid; /* among responseExtensions */
    bool extended_revoke;
    bool trails_basic; /* octets behind the BasicOCSPResponse, which is good */
    unsigned cert_count;
};

static enum reason ended(const struct der *der)
{
    if (der->failed) {
        return REASON_MALFORMED;
    }
    return der_end(der) ? REASON_GOOD : REASON_TRAILING_DATA;
}

/* A tagged element at the end of a SEQUENCE is a field in the wrong form or place, and not mere
 * octets behind what is good. */
static bool is_field(const struct der *der)
{
    return (der_peek(der) & 0xc0) == 0x80;
}

/* As der_end(), and notes octets that are left behind what was read well. */
static bool closed(const struct der *der, bool *trails)
{
    *trails |= der_more(der) && !is_field(der);
    return der_end(der);
}

/* Extensions: what is looked for among them, and what was found. */
struct extensions {
    struct slice wanted; /* OID */
    struct slice value;  /* of the last such */
    unsigned count;      /* of such */
    bool wanted_critical;
    bool other_critical;
    bool long_oid;
    bool trails;
};

/* An empty list and an explicit FALSE are not DER; no client minds them. */
static bool read_extensions(struct der *der, struct extensions *extensions)
{
    struct der outer = der_enter(der, DER_CONTEXT_CONSTRUCTED(1));
    struct der list = der_enter(&outer, DER_SEQUENCE);

    while (der_more(&list)) {
        struct der extension = der_enter(&list, DER_SEQUENCE);
        struct slice oid, value;
        bool critical = false;

        if (der_read_oid(&extension, &oid)) {
            extensions->long_oid |= der_is_long_oid(oid);
        }
        if (der_peek(&extension) == DER_BOOLEAN) {
            der_read_bool(&extension, &critical);
        }
        if (!der_read(&extension, DER_OCTET_STRING, &value) ||
            !closed(&extension, &extensions->trails)) {
            return der_fail(der);
        }
        if (slice_equal(oid, extensions->wanted)) {
            extensions->value = value;
            extensions->count++;
            extensions->wanted_critical |= critical;
        } else {
            extensions->other_critical |= critical;
        }
    }
    return (der_end(&list) && closed(&outer, &extensions->trails)) || der_fail(der);
}

/* CertID.hashAlgorithm: NULL or absent parameters. An unknown one only makes the single one that
 * we cannot use. */
static bool read_hash(struct der *certid, struct single *single)
{
    static const struct {
        uint8_t size;
        uint8_t oid[9];
    } oids[] = {
        [CERTID_SHA1] = {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}},
        [CERTID_SHA256] = {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}},
        [CERTID_SHA384] = {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}},
        [CERTID_SHA512] = {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}},
        [CERTID_SHA224] = {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04}},
        [CERTID_MD5] = {8, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05}},
    };
    struct der algorithm = der_enter(certid, DER_SEQUENCE);
    struct slice oid, content, whole;
    uint8_t tag = DER_NULL;

    if (!der_read_oid(&algorithm, &oid)) {
        return false;
    }
    content = SLICE_NULL;
    if (der_more(&algorithm)) {
        der_read_any(&algorithm, &tag, &content, &whole);
    }
    for (enum certid_hash hash = CERTID_SHA1; hash < CERTID_HASHES; hash++) {
        if (slice_equal(oid, slice_of(oids[hash].oid, oids[hash].size))) {
            single->hash_known = true;
            single->hash_rare = hash > CERTID_SHA512;
            single->hash = hash;
            return closed(&algorithm, &single->trails) &&
                   (single->hash_rare || (tag == DER_NULL && content.size == 0));
        }
    }
    single->hash_rare = true;
    return closed(&algorithm, &single->trails);
}

static bool read_certid(struct der *der, struct single *single)
{
    struct der certid = der_enter(der, DER_SEQUENCE);
    size_t hash_size;

    if (!read_hash(&certid, single) || !der_read(&certid, DER_OCTET_STRING, &single->name_hash) ||
        !der_read(&certid, DER_OCTET_STRING, &single->key_hash) ||
        !der_read_integer(&certid, &single->serial) || !closed(&certid, &single->trails)) {
        return der_fail(der);
    }
    hash_size = crypto_digest_sizes[single->hash];
    return single->hash_rare ||
           (single->name_hash.size == hash_size && single->key_hash.size == hash_size);
}

/* RevokedInfo. A CRLReason that RFC 5280 5.3.1 does not have (7, and those over 10) is none:
 * clients count the certificate as revoked all the same. */
static bool read_revoked(struct der *der, struct single *single)
{
    struct der info = der_enter(der, DER_CONTEXT_CONSTRUCTED(1));
    uint32_t reason;

    single->status = CERT_STATUS_REVOKED;
    if (!der_read_generalized_time(&info, &single->revoked_at_s)) {
        return false;
    }
    if (der_peek(&info) == DER_CONTEXT_CONSTRUCTED(0)) {
        struct der inside = der_enter(&info, DER_CONTEXT_CONSTRUCTED(0));

        if (!der_read_small(&inside, DER_ENUMERATED, &reason) ||
            !closed(&inside, &single->trails)) {
            return false;
        }
        single->revocation_reason = reason > 10 || reason == 7 ? -1 : (int8_t)reason;
    }
    return closed(&info, &single->trails);
}

static bool read_status(struct der *der, struct single *single)
{
    struct slice null;

    switch (der_peek(der)) {
    case DER_CONTEXT(0):
        single->status = CERT_STATUS_GOOD;
        return der_read(der, DER_CONTEXT(0), &null) && null.size == 0;
    case DER_CONTEXT_CONSTRUCTED(1):
        return read_revoked(der, single);
    case DER_CONTEXT(2):
        single->status = CERT_STATUS_UNKNOWN;
        return der_read(der, DER_CONTEXT(2), &null) && null.size == 0;
    default:
        return false;
    }
}

/* RFC 6962 3.3: "SerializedSCT sct_list <1..2^16-1>" in an OCTET STRING: two octets of length
 * before it. */
static bool is_empty_list(struct slice value)
{
    struct der der = der_open(value);
    struct slice list;

    return der_read(&der, DER_OCTET_STRING, &list) &&
           (list.size == 0 || (list.size == 2 && !list.data[0] && !list.data[1]));
}

/* singleExtensions: only a list of certificate timestamps is something that clients know. */
static bool read_single_extensions(struct der *der, struct single *single)
{
    static const uint8_t scts[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05};
    struct extensions found = {.wanted = slice_of(scts, sizeof(scts))};

    if (!read_extensions(der, &found)) {
        single->trails |= found.trails;
        return false;
    }
    single->critical = found.other_critical;
    single->long_oid = found.long_oid;
    single->has_scts = found.count > 0;
    if (found.count) {
        single->sct_faults |= found.value.size ? 0 : SCT_NO_VALUE;
        single->sct_faults |= is_empty_list(found.value) ? SCT_NO_ENTRY : 0;
        single->sct_faults |= found.count > 1 ? SCT_TWICE : 0;
        single->sct_faults |= found.wanted_critical ? SCT_CRITICAL : 0;
    }
    return true;
}

static bool read_single(struct der *list, struct single *ret_single)
{
    struct der der = der_enter(list, DER_SEQUENCE);

    *ret_single = (struct single){.next_update_s = INSTANT_NEVER, .revocation_reason = -1};
    if (!read_certid(&der, ret_single) || !read_status(&der, ret_single) ||
        !der_read_generalized_time(&der, &ret_single->this_update_s)) {
        return false;
    }
    if (der_peek(&der) == DER_CONTEXT_CONSTRUCTED(0)) {
        struct der inside = der_enter(&der, DER_CONTEXT_CONSTRUCTED(0));

        ret_single->has_next_update = true;
        if (!der_read_generalized_time(&inside, &ret_single->next_update_s) ||
            !closed(&inside, &ret_single->trails)) {
            return false;
        }
    }
    if (der_peek(&der) == DER_CONTEXT_CONSTRUCTED(1) && !read_single_extensions(&der, ret_single)) {
        return false;
    }
    return closed(&der, &ret_single->trails);
}

/* ResponderID: what is inside [1] is one Name, inside [2] one KeyHash, "SHA-1 hash of responder's
 * public key". */
static bool read_responder(struct der *data, struct response_view *view, bool *trails)
{
    struct slice content;
    struct der inside;
    uint8_t tag;

    if (der_peek(data) == DER_CONTEXT_CONSTRUCTED(1)) {
        inside = der_enter(data, DER_CONTEXT_CONSTRUCTED(1));
        return der_peek(&inside) == DER_SEQUENCE &&
               der_read_any(&inside, &tag, &content, &view->responder_name) &&
               closed(&inside, trails);
    }
    inside = der_enter(data, DER_CONTEXT_CONSTRUCTED(2));
    return der_read(&inside, DER_OCTET_STRING, &view->responder_key) &&
           view->responder_key.size == SHA1_SIZE && closed(&inside, trails);
}

/* "version [0] EXPLICIT Version DEFAULT v1": written out by some, and no client minds. */
static enum reason read_version(struct der *data)
{
    struct der inside;
    uint32_t version;
    bool trails = false;

    if (der_peek(data) != DER_CONTEXT_CONSTRUCTED(0)) {
        return REASON_GOOD;
    }
    inside = der_enter(data, DER_CONTEXT_CONSTRUCTED(0));
    if (!der_read_small(&inside, DER_INTEGER, &version) || !closed(&inside, &trails)) {
        return trails ? REASON_TRAILING_DATA : REASON_MALFORMED;
    }
    return version == 0 ? REASON_GOOD : REASON_UNSUPPORTED_VERSION;
}

/* ResponseData, but for the inside of `responses`. */
static enum reason read_data(struct answer *answer)
{
    /* id-pkix-ocsp-extended-revoke */
    static const uint8_t revoke[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x09};
    struct der der = der_open(answer->view.tbs), data = der_enter(&der, DER_SEQUENCE);
    enum reason reason = read_version(&data);
    bool trails = false;

    if (reason != REASON_GOOD) {
        return reason;
    }
    if (!read_responder(&data, &answer->view, &trails) ||
        !der_read_generalized_time(&data, &answer->produced_at_s) ||
        !der_read(&data, DER_SEQUENCE, &answer->singles)) {
        return trails ? REASON_TRAILING_DATA : REASON_MALFORMED;
    }
    if (der_peek(&data) == DER_CONTEXT_CONSTRUCTED(1)) {
        struct extensions found = {.wanted = slice_of(revoke, sizeof(revoke))};

        if (!read_extensions(&data, &found)) {
            return found.trails ? REASON_TRAILING_DATA : REASON_MALFORMED;
        }
        /* RFC 6960 4.4.8: "When included, this extension MUST be placed in responseExtensions, and
         * it MUST NOT appear in singleExtensions." Of the others, RFC 5019 4: "Clients that do not
         * include a nonce in the request MUST ignore any nonce that may be present in the
         * response." */
        answer->extended_revoke = found.count > 0;
        answer->critical = found.wanted_critical || found.other_critical;
        answer->long_oid = found.long_oid;
    }
    return is_field(&data) ? REASON_MALFORMED : ended(&data);
}

static bool read_embedded_certs(struct der *basic, struct answer *answer, bool *trails)
{
    struct response_view *view = &answer->view;
    struct der outer, list;

    if (der_peek(basic) != DER_CONTEXT_CONSTRUCTED(0)) {
        return true;
    }
    outer = der_enter(basic, DER_CONTEXT_CONSTRUCTED(0));
    list = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&list)) {
        struct slice content, whole;
        uint8_t tag;

        if (der_peek(&list) != DER_SEQUENCE || !der_read_any(&list, &tag, &content, &whole)) {
            return false;
        }
        if (answer->cert_count++ < LIMIT_EMBEDDED_CERTS) {
            view->certs[view->cert_count++] = whole;
        }
    }
    return der_end(&list) && closed(&outer, trails);
}

/* RFC 6960 4.2.1: "The value for response SHALL be the DER encoding of BasicOCSPResponse." */
static enum reason read_basic(struct slice input, struct answer *answer)
{
    struct der der = der_open(input), basic = der_enter(&der, DER_SEQUENCE);
    struct response_view *view = &answer->view;
    struct slice content;
    enum reason reason;
    bool trails = false;
    uint8_t tag;

    if (basic.failed || der_peek(&basic) != DER_SEQUENCE ||
        !der_read_any(&basic, &tag, &content, &view->tbs) || der_peek(&basic) != DER_SEQUENCE ||
        !der_read_any(&basic, &tag, &content, &view->signature_algorithm) ||
        !der_read_bits(&basic, &view->signature) || !read_embedded_certs(&basic, answer, &trails)) {
        return trails ? REASON_TRAILING_DATA : REASON_MALFORMED;
    }
    reason = is_field(&basic) ? REASON_MALFORMED : ended(&basic);
    if (reason != REASON_GOOD) {
        return reason;
    }
    reason = ended(&der);
    if (reason == REASON_TRAILING_DATA) {
        answer->trails_basic = read_data(answer) == REASON_GOOD;
        return reason;
    }
    return reason == REASON_GOOD ? read_data(answer) : reason;
}

/* ResponseBytes: [0] { SEQUENCE { responseType, response } }. */
static enum reason read_bytes(struct der *response, struct slice *ret_basic)
{
    /* RFC 6960 4.2.1: "For a basic OCSP responder, responseType will be id-pkix-ocsp-basic." */
    static const uint8_t basic[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
    struct der outer = der_enter(response, DER_CONTEXT_CONSTRUCTED(0));
    struct der inside = der_enter(&outer, DER_SEQUENCE);
    struct slice oid;

    if (!der_read_oid(&inside, &oid) || !der_read(&inside, DER_OCTET_STRING, ret_basic)) {
        return REASON_MALFORMED;
    }
    if (!der_end(&inside) || !der_end(&outer) || !der_end(response)) {
        return REASON_TRAILING_DATA; /* all were read well so far */
    }
    return slice_equal(oid, slice_of(basic, sizeof(basic))) ? REASON_GOOD
                                                            : REASON_UNSUPPORTED_RESPONSE_TYPE;
}

/* OCSPResponse. */
static enum reason read_answer(struct slice input, uint8_t *ret_status, struct answer *answer)
{
    struct der der = der_open(input), response = der_enter(&der, DER_SEQUENCE);
    struct slice basic;
    enum reason reason;
    uint32_t status;

    if (input.size > LIMIT_ANSWER_SIZE) {
        return REASON_TOO_LARGE;
    }
    if (!der_read_small(&response, DER_ENUMERATED, &status)) {
        return REASON_MALFORMED;
    }
    if (!der_end(&der)) {
        return ended(&der);
    }
    *ret_status = status > UINT8_MAX ? UINT8_MAX : (uint8_t)status;
    if (status != 0) {
        /* RFC 6960 4.2.1: "If the value of responseStatus is one of the error conditions, the
         * responseBytes field is not set." Where it is, no client looks inside. */
        der_read_optional(&response, DER_CONTEXT_CONSTRUCTED(0), &basic);
        return der_end(&response) ? REASON_ERROR_STATUS : REASON_MALFORMED;
    }
    reason = read_bytes(&response, &basic);
    return reason == REASON_GOOD ? read_basic(basic, answer) : reason;
}

/* How a single fits the certificate asked for, in parts. */
struct likeness {
    bool serial;
    bool name; /* issuerNameHash */
    bool key;  /* issuerKeyHash */
};

static struct likeness compare(const struct single *single, const struct cert_facts *cert,
                               const struct issuer *issuer)
{
    size_t size = crypto_digest_sizes[single->hash];
    struct likeness likeness = {0};

    if (single->hash_known) {
        likeness.serial = !single->hash_rare &&
                          slice_equal(single->serial, slice_of(cert->serial, cert->serial_size));
        likeness.name =
            slice_equal(single->name_hash, slice_of(issuer->name_hash[single->hash], size));
        likeness.key =
            slice_equal(single->key_hash, slice_of(issuer->key_hash[single->hash], size));
    }
    return likeness;
}

/* What is said of a certificate that was never issued, beside the extended-revoke extension:
 * RFC 6960 2.2: "MUST specify the revocation reason certificateHold (6)" and RFC 6960 2.2: "MUST
 * specify the revocationTime January 1, 1970" */
static bool is_never_issued(const struct answer *answer, const struct single *single)
{
    return answer->extended_revoke && single->status == CERT_STATUS_REVOKED &&
           single->revocation_reason == 6 && single->revoked_at_s == 0;
}

static void facts_take_single(struct ocsp_facts *facts, const struct answer *answer,
                              const struct single *single)
{
    facts->has_single = true;
    facts->status = single->status;
    facts->hash = single->hash;
    facts->never_issued = is_never_issued(answer, single);
    facts->has_next_update = single->has_next_update;
    facts->this_update_s = single->this_update_s;
    facts->next_update_s = single->next_update_s;
    facts->revoked_at_s = single->revoked_at_s;
    facts->revocation_reason = single->revocation_reason;
}

/* One that matches: the first SHA-1 one gives the facts, since that is the one most clients look
 * for; all must agree. */
static void facts_match_single(struct ocsp_facts *facts, const struct answer *answer,
                               const struct single *single, uint16_t index)
{
    facts->last_status = single->status;
    facts->any_revoked |= single->status == CERT_STATUS_REVOKED;
    facts->sct_faults |= single->sct_faults;
    facts->sct_faults |= single->has_scts && facts->has_scts ? SCT_TWICE : 0;
    facts->has_scts |= single->has_scts;
    facts->ours_first_this_update_s =
        time_min(facts->ours_first_this_update_s, single->this_update_s);
    facts->ours_last_this_update_s =
        time_max(facts->ours_last_this_update_s, single->this_update_s);
    facts->ours_first_next_update_s =
        time_min(facts->ours_first_next_update_s, single->next_update_s);
    facts->ours_without_next_update |= !single->has_next_update;
    if (facts->match != REASON_GOOD) {
        facts->match = REASON_GOOD;
        facts->single_index = index;
        facts->first_status = single->status;
        facts->head_this_update_s = single->this_update_s;
        facts->head_next_update_s = single->next_update_s;
        /* What another one with the serial number left behind. */
        facts->wrong_name_hash = facts->wrong_key_hash = facts->has_sha1 = false;
        facts->critical_single_extension = single->critical;
        facts_take_single(facts, answer, single);
    } else {
        facts->critical_single_extension |= single->critical;
        facts->conflicting |= single->status != facts->status ||
                              is_never_issued(answer, single) != facts->never_issued;
        if (single->hash == CERTID_SHA1 && !facts->has_sha1) {
            facts_take_single(facts, answer, single);
        }
    }
    facts->has_sha1 |= single->hash == CERTID_SHA1;
}

/* One with the serial number and hashes of another issuer: the first of these stands for what
 * clients that compare less will see. */
static void facts_near_single(struct ocsp_facts *facts, const struct answer *answer,
                              const struct single *single, const struct likeness *likeness)
{
    if (!facts->has_single) {
        facts->wrong_name_hash = !likeness->name;
        facts->wrong_key_hash = !likeness->key;
        facts->has_sha1 = single->hash == CERTID_SHA1;
        facts->first_status = facts->last_status = single->status;
        facts->critical_single_extension = single->critical;
        facts_take_single(facts, answer, single);
    }
}

/* What some clients ask of every single. */
static void facts_count_single(struct ocsp_facts *facts, const struct single *single,
                               const struct likeness *likeness, enum certid_hash first_hash)
{
    bool other_issuer = !single->hash_known || !likeness->name || !likeness->key;

    if (!likeness->serial || other_issuer) {
        facts->others_not_good |= single->status != CERT_STATUS_GOOD;
        facts->critical_other_extension |= single->critical || single->sct_faults & SCT_CRITICAL;
    }
    facts->others_of_other_issuer |= other_issuer;
    facts->mixed_hashes |= !single->hash_known || single->hash != first_hash;
    facts->rare_hashes |= single->hash_rare;
    facts->last_this_update_s = time_max(facts->last_this_update_s, single->this_update_s);
    facts->first_next_update_s = time_min(facts->first_next_update_s, single->next_update_s);
    facts->any_without_next_update |= !single->has_next_update;
    facts->long_oid |= single->long_oid;
    facts->singles++;
}

/* RFC 5019 2.2.1: "OCSPResponses conformant to this profile SHOULD include only one SingleResponse
 * in the ResponseData.responses structure, but MAY include additional SingleResponse elements" */
static enum reason match_singles(struct ocsp_facts *facts, const struct answer *answer,
                                 const struct cert_facts *cert, const struct issuer *issuer)
{
    struct der list = der_open(answer->singles);
    enum certid_hash first_hash = CERTID_SHA1;
    bool any_issuer = false;

    facts->match = REASON_NO_MATCHING_RESPONSE;
    while (der_more(&list)) {
        struct single single;
        struct likeness likeness;

        if (!read_single(&list, &single)) {
            return single.trails ? REASON_TRAILING_DATA : REASON_MALFORMED;
        }
        likeness = compare(&single, cert, issuer);
        if (likeness.serial && likeness.name && likeness.key) {
            facts_match_single(facts, answer, &single, facts->singles);
        } else if (likeness.serial) {
            facts_near_single(facts, answer, &single, &likeness);
        }
        any_issuer |= likeness.name && likeness.key && !single.hash_rare;
        first_hash = facts->singles ? first_hash : single.hash;
        facts_count_single(facts, &single, &likeness, first_hash);
    }
    if (facts->match != REASON_GOOD && facts->has_single) {
        facts->match = REASON_WRONG_ISSUER;
    } else if (facts->match != REASON_GOOD && any_issuer) {
        facts->match = REASON_WRONG_SERIAL;
    }
    return list.failed ? REASON_MALFORMED : REASON_GOOD;
}

static struct ocsp_facts facts_empty(struct slice der)
{
    return (struct ocsp_facts){
        .match = REASON_NO_MATCHING_RESPONSE,
        .signature = REASON_SIGNER_NOT_FOUND,
        .size = der.size > UINT32_MAX ? UINT32_MAX : (uint32_t)der.size,
        .digest = map_hash(der),
        .status = CERT_STATUS_UNKNOWN,
        .next_update_s = INSTANT_NEVER,
        .head_next_update_s = INSTANT_NEVER,
        .ours_first_this_update_s = INSTANT_NEVER,
        .ours_last_this_update_s = INT64_MIN,
        .ours_first_next_update_s = INSTANT_NEVER,
        .last_this_update_s = INT64_MIN,
        .first_next_update_s = INSTANT_NEVER,
        .revocation_reason = -1,
    };
}

static enum reason read_facts(struct slice der, const struct cert_facts *cert,
                              const struct issuer *issuer, struct ocsp_facts *facts,
                              struct answer *answer)
{
    *facts = facts_empty(der);
    facts->form = read_answer(der, &facts->response_status, answer);
    if (facts->form == REASON_GOOD) {
        facts->form = match_singles(facts, answer, cert, issuer);
    }
    return facts->form;
}

/* Is it an answer, with nothing wrong but the bytes behind it? */
static bool trails_outside(struct slice der, const struct cert_facts *cert,
                           const struct issuer *issuer)
{
    struct der outer = der_open(der);
    struct answer answer = {0};
    struct ocsp_facts facts;
    struct slice content, whole;
    enum reason reason;
    uint8_t tag;

    if (!der_read_any(&outer, &tag, &content, &whole)) {
        return false;
    }
    reason = read_facts(whole, cert, issuer, &facts, &answer);
    return reason == REASON_GOOD || reason == REASON_ERROR_STATUS;
}

/* Is it an answer, but for what some clients take nevertheless? For what (enum laxity); 0: no. */
static uint8_t laxities_of(struct slice der, const struct cert_facts *cert,
                           const struct issuer *issuer)
{
    struct buf relaxed = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct answer answer = {0};
    struct ocsp_facts facts;
    uint8_t laxities;

    if (!response_relax(der, &relaxed, &laxities) ||
        read_facts(slice_of_buf(&relaxed), cert, issuer, &facts, &answer) != REASON_GOOD) {
        laxities = 0;
    }
    buf_deinit(&relaxed);
    return laxities;
}

void response_read(struct slice der, const struct cert_facts *cert, const struct issuer *issuer,
                   struct ocsp_facts *ret_facts, struct response_view *ret_view)
{
    struct ocsp_facts facts;
    struct answer answer = {0};

    assert(cert && issuer);
    if (read_facts(der, cert, issuer, &facts, &answer) != REASON_GOOD) {
        *ret_facts = facts_empty(der); /* nothing half read */
        ret_facts->form = facts.form;
        ret_facts->response_status = facts.response_status;
        ret_facts->trailing_outside =
            facts.form == REASON_TRAILING_DATA && trails_outside(der, cert, issuer);
        ret_facts->trailing_basic = facts.form == REASON_TRAILING_DATA && answer.trails_basic;
        ret_facts->lax_form = facts.form == REASON_MALFORMED ? laxities_of(der, cert, issuer) : 0;
        return;
    }
    facts.produced_at_s = answer.produced_at_s;
    facts.critical_response_extension = answer.critical;
    facts.long_oid |= answer.long_oid;
    facts.by_key = answer.view.responder_key.size > 0;
    facts.embedded_certs = (uint16_t)answer.cert_count;
    *ret_facts = facts;
    if (ret_view) {
        memcpy(answer.view.leaf_sha256, cert->leaf_sha256, SHA256_SIZE);
        answer.view.unsent_root = cert->root_unsent ? issuer->der : SLICE_NULL;
        *ret_view = answer.view;
    }
}

bool response_next_update(struct slice der, int64_t *ret_next_update_s)
{
    struct answer answer = {0};
    struct single single;
    struct der list;
    uint8_t status;

    if (read_answer(der, &status, &answer) != REASON_GOOD) {
        return false;
    }
    list = der_open(answer.singles);
    if (!read_single(&list, &single)) {
        return false;
    }
    *ret_next_update_s = single.next_update_s;
    return true;
}
