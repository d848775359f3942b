/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cert.h"

#include "pki/der.h"

enum extension {
    EXTENSION_BASIC_CONSTRAINTS,
    EXTENSION_KEY_USAGE,
    EXTENSION_EXTENDED_KEY_USAGE,
    EXTENSION_ALT_NAME,
    EXTENSION_POLICIES,
    EXTENSION_INHIBIT_ANY_POLICY,
    EXTENSION_INFO_ACCESS,
    EXTENSION_TLS_FEATURE,
    EXTENSION_SUBJECT_KEY_ID,
    EXTENSION_AUTHORITY_KEY_ID,
    EXTENSION_OTHER,
};

struct extension_row {
    enum extension extension;
    bool understood; /* by every client but NSS, should it be critical */
    uint8_t oid_size;
    uint8_t oid[8];
};

#define OID_CE(last_)                                                                              \
    3,                                                                                             \
    {                                                                                              \
        0x55, 0x1d, last_                                                                          \
    }
#define OID_PE(last_)                                                                              \
    8,                                                                                             \
    {                                                                                              \
        0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, last_                                            \
    }

static const struct extension_row extension_rows[] = {
    {EXTENSION_BASIC_CONSTRAINTS, true, OID_CE(19)},
    {EXTENSION_KEY_USAGE, true, OID_CE(15)},
    {EXTENSION_EXTENDED_KEY_USAGE, true, OID_CE(37)},
    {EXTENSION_ALT_NAME, true, OID_CE(17)},
    {EXTENSION_POLICIES, true, OID_CE(32)},
    {EXTENSION_INHIBIT_ANY_POLICY, true, OID_CE(54)},
    {EXTENSION_INFO_ACCESS, false, OID_PE(1)},
    {EXTENSION_TLS_FEATURE, false, OID_PE(24)},
    {EXTENSION_SUBJECT_KEY_ID, false, OID_CE(14)},
    {EXTENSION_AUTHORITY_KEY_ID, false, OID_CE(35)},
};

/* A BOOLEAN DEFAULT FALSE. Old issuers write FALSE out, or 01 for TRUE: not DER, but servers and
 * clients take such certificates. */
static bool read_flag(struct der *der, bool *ret_flag)
{
    struct slice content;

    if (der_peek(der) != DER_BOOLEAN) {
        return true;
    }
    if (!der_read(der, DER_BOOLEAN, &content) || content.size != 1) {
        return der_fail(der);
    }
    *ret_flag = content.data[0] != 0;
    return true;
}

/* RFC 5280 4.2.1.9: "The cA boolean indicates whether the certified public key may be used to
 * verify certificate signatures." */
static bool read_basic_constraints(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);
    uint32_t path_length;

    read_flag(&inside, &view->is_ca);
    if (der_peek(&inside) == DER_INTEGER) {
        der_read_small(&inside, DER_INTEGER, &path_length);
    }
    return der_end(&inside) && der_end(&der);
}

/* KeyUsage (RFC 5280 4.2.1.3): named bits, so the unused ones are counted in the first octet. They
 * should be zero; where they are not, they say nothing. */
static bool read_key_usage(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value);
    struct slice bits;
    size_t count;

    if (!der_read(&der, DER_BIT_STRING, &bits) || bits.size == 0 || bits.data[0] > 7) {
        return false;
    }
    count = bits.size > 1 ? (bits.size - 1) * 8 - bits.data[0] : 0;
    view->has_key_usage = true;
    for (size_t i = 0; i < 16 && i < count; i++) {
        if (bits.data[1 + i / 8] & (0x80 >> i % 8)) {
            view->key_usage |= (uint16_t)(1u << i);
        }
    }
    return der_end(&der);
}

/* RFC 5280 4.2.1.12: "If the extension is present, then the certificate MUST only be used for one
 * of the purposes indicated." anyExtendedKeyUsage is none that authorises anybody. */
static bool read_extended_key_usage(struct slice value, struct cert_view *view)
{
    static const uint8_t ocsp_signing[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09};
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);
    struct slice oid;

    view->has_eku = true;
    while (der_more(&inside)) {
        if (der_read_oid(&inside, &oid) &&
            slice_equal(oid, slice_of(ocsp_signing, sizeof(ocsp_signing)))) {
            view->eku_ocsp_signing = true;
        }
    }
    return der_end(&inside) && der_end(&der);
}

/* GeneralNames: only the first dNSName, and only for people. */
static bool read_alt_name(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);
    struct slice content, whole;
    uint8_t tag;

    while (der_read_any(&inside, &tag, &content, &whole)) {
        if (tag == DER_CONTEXT(2) && view->dns_name.size == 0) {
            view->dns_name = content;
        }
    }
    return true;
}

static bool url_has_scheme(struct slice url, const char *scheme)
{
    size_t size = text_length(scheme);

    if (url.size <= size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t c = url.data[i];

        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        if (c != (uint8_t)scheme[i]) {
            return false;
        }
    }
    return true;
}

static bool url_is_usable(struct slice url)
{
    if (url.size > LIMIT_URL_SIZE ||
        (!url_has_scheme(url, "http://") && !url_has_scheme(url, "https://"))) {
        return false;
    }
    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= 0x20 || url.data[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static void urls_add(struct slice urls[LIMIT_URLS], unsigned *count, struct slice url)
{
    if (*count == LIMIT_URLS || !url_is_usable(url)) {
        return;
    }
    for (unsigned i = 0; i < *count; i++) {
        if (slice_equal(urls[i], url)) {
            return;
        }
    }
    urls[(*count)++] = url;
}

/* AuthorityInfoAccess (RFC 5280 4.2.2.1). RFC 5019 3.1: "Clients MUST support the
 * authorityInfoAccess extension as defined in [PKIX] and MUST recognize the id-ad-ocsp access
 * method." */
static bool read_info_access(struct slice value, struct cert_view *view)
{
    static const uint8_t ocsp[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01};
    static const uint8_t issuers[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02};
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);

    while (der_more(&inside)) {
        struct der access = der_enter(&inside, DER_SEQUENCE);
        struct slice oid = SLICE_NULL, content, whole;
        uint8_t tag;

        if (!der_read_oid(&access, &oid) || !der_read_any(&access, &tag, &content, &whole) ||
            !der_end(&access)) {
            return false;
        }
        if (tag == DER_CONTEXT(6) && slice_equal(oid, slice_of(ocsp, sizeof(ocsp)))) {
            urls_add(view->ocsp_urls, &view->ocsp_url_count, content);
            if (!view->unusable_url.size && !url_is_usable(content)) {
                view->unusable_url = content;
            }
        } else if (tag == DER_CONTEXT(6) && slice_equal(oid, slice_of(issuers, sizeof(issuers)))) {
            urls_add(view->issuer_urls, &view->issuer_url_count, content);
        }
    }
    return der_end(&inside) && der_end(&der);
}

/* TLSFeature (RFC 7633). */
static bool read_tls_feature(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);
    uint32_t feature = 0;

    while (der_more(&inside)) {
        if (der_read_small(&inside, DER_INTEGER, &feature)) {
            view->must_staple |= feature == 5;
            view->other_tls_feature |= feature != 5;
        }
    }
    return der_end(&inside) && der_end(&der);
}

/* RFC 5280 4.2: "the OID appears as the field extnID and the corresponding ASN.1 DER encoded
 * structure is the value of the octet string extnValue." Key identifiers that are not DER (strings
 * in parts, octets behind the end) are none. Only delegates need them, and of those libcrypto is
 * asked as well (crypto_signer_faults()). */
static bool read_subject_key_id(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value);
    struct slice key_id;

    if (!der_read(&der, DER_OCTET_STRING, &key_id) || !der_end(&der)) {
        return false;
    }
    view->subject_key_id = key_id;
    return true;
}

/* RFC 5280 4.2.1.1. The other two fields name the issuer's certificate: nobody looks there. */
static bool read_authority_key_id(struct slice value, struct cert_view *view)
{
    struct der der = der_open(value), inside = der_enter(&der, DER_SEQUENCE);
    struct slice key_id = SLICE_NULL, skipped;

    der_read_optional(&inside, DER_CONTEXT(0), &key_id);
    der_read_optional(&inside, DER_CONTEXT_CONSTRUCTED(1), &skipped);
    der_read_optional(&inside, DER_CONTEXT(2), &skipped);
    if (!der_end(&inside) || !der_end(&der)) {
        return false;
    }
    view->authority_key_id = key_id;
    return true;
}

/* NULL or what is wrong. */
static const char *read_known(enum extension extension, struct slice value, struct cert_view *view)
{
    static const struct {
        bool (*read)(struct slice value, struct cert_view *view);
        const char *fault;
    } rows[] = {
        [EXTENSION_BASIC_CONSTRAINTS] = {read_basic_constraints,
                                         "its basicConstraints are not readable"},
        [EXTENSION_KEY_USAGE] = {read_key_usage, "its keyUsage is not readable"},
        [EXTENSION_EXTENDED_KEY_USAGE] = {read_extended_key_usage,
                                          "its extended key usage is not readable"},
        [EXTENSION_ALT_NAME] = {read_alt_name, NULL},
        [EXTENSION_INFO_ACCESS] = {read_info_access,
                                   "its authorityInfoAccess (the OCSP URL) is not readable"},
        [EXTENSION_TLS_FEATURE] = {read_tls_feature,
                                   "its TLS feature (must-staple) is not readable"},
        [EXTENSION_SUBJECT_KEY_ID] = {read_subject_key_id, NULL},
        [EXTENSION_AUTHORITY_KEY_ID] = {read_authority_key_id, NULL},
        [EXTENSION_OTHER] = {NULL, NULL},
    };

    if (!rows[extension].read || rows[extension].read(value, view)) {
        return NULL;
    }
    return rows[extension].fault;
}

static const struct extension_row *extension_find(struct slice oid)
{
    static const struct extension_row other = {EXTENSION_OTHER, false, 0, {0}};

    for (size_t i = 0; i < ARRAY_SIZE(extension_rows); i++) {
        if (slice_equal(oid, slice_of(extension_rows[i].oid, extension_rows[i].oid_size))) {
            return &extension_rows[i];
        }
    }
    return &other;
}

static const char *read_extension(struct der *der, struct cert_view *view, unsigned *seen)
{
    struct der inside = der_enter(der, DER_SEQUENCE);
    const struct extension_row *row;
    struct slice oid, value;
    bool critical = false;

    if (!der_read_oid(&inside, &oid) || !read_flag(&inside, &critical) ||
        !der_read(&inside, DER_OCTET_STRING, &value) || !der_end(&inside)) {
        return "one of its extensions is not readable";
    }
    row = extension_find(oid);
    /* RFC 5280 4.2: "A certificate-using system MUST reject the certificate if it encounters a
     * critical extension it does not recognize or a critical extension that contains information
     * that it cannot process." */
    view->unknown_critical |= critical && !row->understood;
    view->critical_policy |= critical && (row->extension == EXTENSION_POLICIES ||
                                          row->extension == EXTENSION_INHIBIT_ANY_POLICY);
    /* RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular
     * extension." */
    if (row->extension != EXTENSION_OTHER && *seen & 1u << row->extension) {
        return "it has one extension twice";
    }
    *seen |= 1u << row->extension;
    return read_known(row->extension, value, view);
}

static const char *read_extensions(struct der *tbs, struct cert_view *view)
{
    struct der outer, list;
    unsigned seen = 0;

    if (der_peek(tbs) != DER_CONTEXT_CONSTRUCTED(3)) {
        return NULL;
    }
    outer = der_enter(tbs, DER_CONTEXT_CONSTRUCTED(3));
    list = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&list)) {
        const char *fault = read_extension(&list, view, &seen);

        if (fault) {
            return fault;
        }
    }
    return der_end(&list) && der_end(&outer) ? NULL : "its extensions are not readable";
}

/* A Name, with its header; inside it only what people look for. */
static bool read_name(struct der *tbs, struct slice *ret_name)
{
    struct slice content;
    uint8_t tag;

    return der_peek(tbs) == DER_SEQUENCE && der_read_any(tbs, &tag, &content, ret_name);
}

static struct slice find_common_name(struct slice name)
{
    static const uint8_t cn[] = {0x55, 0x04, 0x03};
    struct der der = der_open(name), sets = der_enter(&der, DER_SEQUENCE);
    struct slice found = SLICE_NULL;

    while (der_more(&sets)) {
        struct der set = der_enter(&sets, DER_SET), pair = der_enter(&set, DER_SEQUENCE);
        struct slice oid, content, whole;
        uint8_t tag;

        if (der_read_oid(&pair, &oid) && der_read_any(&pair, &tag, &content, &whole) &&
            slice_equal(oid, slice_of(cn, sizeof(cn)))) {
            found = content;
        }
    }
    return found;
}

static const char *read_version_and_serial(struct der *tbs, struct cert_view *view)
{
    uint32_t version = 0;

    if (der_peek(tbs) == DER_CONTEXT_CONSTRUCTED(0)) {
        struct der inside = der_enter(tbs, DER_CONTEXT_CONSTRUCTED(0));

        if (!der_read_small(&inside, DER_INTEGER, &version) || !der_end(&inside) || version > 2) {
            return "its version is none of 1, 2 and 3";
        }
    }
    view->version = version + 1;
    if (!der_read_integer(tbs, &view->serial)) {
        return "its serialNumber is not an INTEGER";
    }
    /* RFC 5280 4.1.2.2: "Certificate users MUST be able to handle serialNumber values up to 20
     * octets." Of negative and zero ones, RFC 5280 4.1.2.2: "Certificate users SHOULD be prepared
     * to gracefully handle such certificates." */
    if (view->serial.size > LIMIT_SERIAL_SIZE) {
        return "its serialNumber is longer than 32 octets";
    }
    return NULL;
}

static const char *read_key(struct der *tbs, struct cert_view *view)
{
    struct der der, inside;
    struct slice content;
    uint8_t tag;

    if (der_peek(tbs) != DER_SEQUENCE || !der_read_any(tbs, &tag, &content, &view->spki)) {
        return "its public key is not readable";
    }
    der = der_open(view->spki);
    inside = der_enter(&der, DER_SEQUENCE);
    der_read(&inside, DER_SEQUENCE, &content);
    der_read_bits(&inside, &view->key_bits);
    return der_end(&inside) && der_end(&der) ? NULL : "its public key is not readable";
}

static const char *read_tbs(struct der *tbs, struct cert_view *view)
{
    struct der validity;
    struct slice content, algorithm, unique_id;
    const char *fault;
    uint8_t tag;

    fault = read_version_and_serial(tbs, view);
    if (fault) {
        return fault;
    }
    if (!der_read_any(tbs, &tag, &content, &algorithm)) {
        return "its signature algorithm is not readable";
    }
    /* RFC 5280 4.1.1.2: "This field MUST contain the same algorithm identifier as the signature
     * field in the sequence tbsCertificate" */
    if (!slice_equal(algorithm, view->signature_algorithm)) {
        return "its two signature algorithms differ";
    }
    if (!read_name(tbs, &view->issuer)) {
        return "its issuer is not a Name";
    }
    validity = der_enter(tbs, DER_SEQUENCE);
    if (!der_read_time(&validity, &view->not_before_s) ||
        !der_read_time(&validity, &view->not_after_s) || !der_end(&validity)) {
        return "its dates (validity) are not readable";
    }
    if (!read_name(tbs, &view->subject)) {
        return "its subject is not a Name";
    }
    fault = read_key(tbs, view);
    if (fault) {
        return fault;
    }
    der_read_optional(tbs, DER_CONTEXT(1), &unique_id);
    der_read_optional(tbs, DER_CONTEXT(2), &unique_id);
    fault = read_extensions(tbs, view);
    if (fault) {
        return fault;
    }
    return der_end(tbs) ? NULL : "it has octets where none belong (in tbsCertificate)";
}

static const char *read_certificate(struct slice input, struct cert_view *view)
{
    struct der der = der_open(input), certificate = der_enter(&der, DER_SEQUENCE), signed_part, tbs;
    struct slice content;
    uint8_t tag;

    if (certificate.failed) {
        return "it is not DER, or cut short";
    }
    if (!der_end(&der)) {
        return "it has octets behind its end";
    }
    if (der_peek(&certificate) != DER_SEQUENCE ||
        !der_read_any(&certificate, &tag, &content, &view->tbs) ||
        der_peek(&certificate) != DER_SEQUENCE ||
        !der_read_any(&certificate, &tag, &content, &view->signature_algorithm) ||
        !der_read_bits(&certificate, &view->signature) || !der_end(&certificate)) {
        return "it is not made of tbsCertificate, algorithm and signature";
    }
    signed_part = der_open(view->tbs);
    tbs = der_enter(&signed_part, DER_SEQUENCE);
    view->der = input;
    return read_tbs(&tbs, view);
}

int cert_read(struct slice der, struct cert_view *ret_view, const char **ret_fault)
{
    struct cert_view view = {0};
    const char *fault;

    if (der.size > LIMIT_CERT_SIZE) {
        *ret_fault = "it is larger than 64 KiB";
        return CERT_E_TOO_LARGE;
    }
    fault = read_certificate(der, &view);
    if (fault) {
        *ret_fault = fault;
        return CERT_E_MALFORMED;
    }
    view.common_name = find_common_name(view.subject);
    *ret_view = view;
    return 0;
}
