/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/quirks.h"

#include <string.h>

#include "pki/der.h"

#define SIGNING_BITS 3u /* digitalSignature, nonRepudiation */

static const uint8_t key_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t extended_key_usage[] = {0x55, 0x1d, 0x25};
static const uint8_t subject_alt_name[] = {0x55, 0x1d, 0x11};
static const uint8_t issuer_alt_name[] = {0x55, 0x1d, 0x12};

static bool oid_is(struct slice oid, const uint8_t *octets, size_t size)
{
    return slice_equal(oid, slice_of(octets, size));
}

static unsigned oid_quirks(struct slice oid)
{
    return der_is_long_oid(oid) ? QUIRK_LONG_OID : 0;
}

#define EXPONENT_OCTETS 8 /* NSS, and so Firefox, counts no further */

/* One of the two numbers of an RSAPublicKey; @most octets, zero aside: any number. */
static unsigned number_quirks(struct der *inside, size_t most)
{
    struct slice number;

    if (!der_read(inside, DER_INTEGER, &number) || number.size == 0) {
        return QUIRK_LONG_NUMBERS;
    }
    if (number.data[0] & 0x80) {
        return QUIRK_RSA_KEY;
    }
    if (number.size > 1 && number.data[0] == 0 && number.data[1] < 0x80) {
        return QUIRK_LONG_NUMBERS;
    }
    return most && number.size - (number.data[0] == 0) > most ? QUIRK_LONG_NUMBERS : 0;
}

static unsigned rsa_quirks(struct slice bits)
{
    struct der der = der_open(bits), inside = der_enter(&der, DER_SEQUENCE);
    unsigned quirks = number_quirks(&inside, 0);

    quirks |= number_quirks(&inside, EXPONENT_OCTETS);
    return quirks | (der_more(&der) || der_more(&inside) ? (unsigned)QUIRK_KEY_FORM : 0);
}

static unsigned key_quirks(const struct cert_view *cert)
{
    static const uint8_t ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    static const uint8_t rsa_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
    struct der der = der_open(cert->spki), spki = der_enter(&der, DER_SEQUENCE);
    struct der algorithm = der_enter(&spki, DER_SEQUENCE);
    struct slice bits = cert->key_bits, oid = SLICE_NULL;

    der_read_oid(&algorithm, &oid);
    if (oid_is(oid, ec, sizeof(ec))) {
        return bits.size && bits.data[0] == 0x04 ? 0 : QUIRK_KEY_FORM; /* SEC 1 2.3.3 */
    }
    if (oid_is(oid, rsa_pss, sizeof(rsa_pss))) {
        return QUIRK_RSA_KEY | rsa_quirks(bits);
    }
    if (oid_is(oid, rsa, sizeof(rsa))) {
        return rsa_quirks(bits) | (der_peek(&algorithm) == DER_NULL ? 0 : QUIRK_RSA_KEY);
    }
    return 0;
}

/* X.690 11.6: the elements of a SET OF "shall appear in ascending order". */
static bool is_in_order(struct slice a, struct slice b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    return order < 0 || (order == 0 && a.size <= b.size);
}

/* @attributes is how many there are, in all the parts of @name. */
static unsigned name_quirks(struct slice name, unsigned *attributes)
{
    struct der der = der_open(name), parts = der_enter(&der, DER_SEQUENCE);
    unsigned quirks = 0;

    while (der_more(&parts)) {
        struct der part = der_enter(&parts, DER_SET);
        struct slice content, whole, last = SLICE_NULL, oid = SLICE_NULL;
        uint8_t tag;

        while (der_more(&part) && der_read_any(&part, &tag, &content, &whole)) {
            struct der attribute = der_open(content);

            der_read_oid(&attribute, &oid);
            quirks |= oid_quirks(oid);
            quirks |= last.size && !is_in_order(last, whole) ? (unsigned)QUIRK_NAME_ORDER : 0;
            last = whole;
            (*attributes)++;
        }
    }
    return quirks;
}

/* GeneralNames (RFC 5280 4.2.1.6), as GnuTLS reads them. */
static unsigned alt_name_quirks(struct slice value)
{
    struct der der = der_open(value), names = der_enter(&der, DER_SEQUENCE);
    struct slice content, whole, oid = SLICE_NULL;
    unsigned quirks = 0;
    uint8_t tag;

    while (der_more(&names) && der_read_any(&names, &tag, &content, &whole)) {
        struct der other = der_open(content);

        switch (tag) {
        case DER_CONTEXT_CONSTRUCTED(0): /* otherName */
            quirks |= der_read_oid(&other, &oid) ? oid_quirks(oid) : 0;
            break;
        case DER_CONTEXT(8): /* registeredID */
            quirks |= oid_quirks(content);
            break;
        case DER_CONTEXT_CONSTRUCTED(3): /* x400Address */
        case DER_CONTEXT_CONSTRUCTED(5): /* ediPartyName */
            quirks |= QUIRK_ALT_NAME;
            break;
        default:
            quirks |= content.size == 0 ? QUIRK_ALT_NAME : 0;
        }
    }
    return quirks;
}

static unsigned purpose_quirks(struct slice value)
{
    struct der der = der_open(value), purposes = der_enter(&der, DER_SEQUENCE);
    unsigned quirks = 0;
    struct slice oid;

    while (der_more(&purposes) && der_read_oid(&purposes, &oid)) {
        quirks |= oid_quirks(oid);
    }
    return quirks;
}

static unsigned usage_quirks(struct slice value)
{
    struct der der = der_open(value);
    struct slice bits;

    if (!der_read(&der, DER_BIT_STRING, &bits) || bits.size < 2 || bits.data[0] > 7) {
        return 0;
    }
    return bits.data[bits.size - 1] & ((1u << bits.data[0]) - 1) ? QUIRK_USAGE_BITS : 0;
}

/* @critical_alt_name: there is a subjectAltName, critical. */
static unsigned extension_quirks(struct der *list, bool *critical_alt_name)
{
    struct der inside = der_enter(list, DER_SEQUENCE);
    struct slice oid = SLICE_NULL, value = SLICE_NULL, flag = SLICE_NULL;

    der_read_oid(&inside, &oid);
    der_read_optional(&inside, DER_BOOLEAN, &flag);
    der_read(&inside, DER_OCTET_STRING, &value);
    if (oid_is(oid, key_usage, sizeof(key_usage))) {
        return usage_quirks(value);
    }
    if (oid_is(oid, extended_key_usage, sizeof(extended_key_usage))) {
        return purpose_quirks(value);
    }
    if (oid_is(oid, subject_alt_name, sizeof(subject_alt_name))) {
        *critical_alt_name = flag.size && flag.data[0];
        return alt_name_quirks(value);
    }
    if (oid_is(oid, issuer_alt_name, sizeof(issuer_alt_name))) {
        return alt_name_quirks(value);
    }
    return oid_quirks(oid);
}

static unsigned extensions_quirks(struct slice whole_tbs, bool *critical_alt_name)
{
    struct der der = der_open(whole_tbs), tbs = der_enter(&der, DER_SEQUENCE), outer, list;
    struct slice content, whole;
    unsigned quirks = 0;
    uint8_t tag;

    while (der_more(&tbs) && der_peek(&tbs) != DER_CONTEXT_CONSTRUCTED(3)) {
        der_read_any(&tbs, &tag, &content, &whole);
    }
    if (!der_more(&tbs)) {
        return 0;
    }
    outer = der_enter(&tbs, DER_CONTEXT_CONSTRUCTED(3));
    list = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&list)) {
        quirks |= extension_quirks(&list, critical_alt_name);
    }
    return quirks;
}

unsigned quirks_of(const struct cert_view *cert)
{
    bool other_usage = cert->has_key_usage && !(cert->key_usage & SIGNING_BITS);
    bool critical_alt_name = false;
    unsigned attributes = 0, quirks;

    quirks = name_quirks(cert->subject, &attributes) | key_quirks(cert) |
             extensions_quirks(cert->tbs, &critical_alt_name);
    return quirks | (other_usage ? QUIRK_KEY_USAGE : 0) |
           (cert->critical_policy ? QUIRK_CRITICAL_POLICY : 0) |
           (attributes || critical_alt_name ? 0 : QUIRK_NO_NAME) |
           (cert->not_before_s < 0 ? QUIRK_OLD_DATE : 0);
}
