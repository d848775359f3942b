/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/bag.h"

#include "pki/der.h"

/* id-signedData, 1.2.840.113549.1.7.2 */
static const uint8_t signed_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};

/* A certificate is a SEQUENCE that begins with a SEQUENCE; a ContentInfo begins with an OID. */
static bool is_certificate(struct slice body)
{
    struct der der = der_open(body);
    struct der inside = der_enter(&der, DER_SEQUENCE);

    return !inside.failed && der_end(&der) && der_peek(&inside) == DER_SEQUENCE;
}

/* RFC 5652 5.1: version, digestAlgorithms, encapContentInfo, certificates [0] IMPLICIT. */
static struct der open_certificates(struct slice body)
{
    struct der der = der_open(body);
    struct der info = der_enter(&der, DER_SEQUENCE);
    struct slice oid = SLICE_NULL, skipped;
    struct der explicit, data;

    der_read_oid(&info, &oid);
    if (!slice_equal(oid, slice_of(signed_data, sizeof(signed_data)))) {
        der_fail(&info);
    }
    explicit = der_enter(&info, DER_CONTEXT_CONSTRUCTED(0));
    data = der_enter(&explicit, DER_SEQUENCE);
    der_read(&data, DER_INTEGER, &skipped);
    der_read(&data, DER_SET, &skipped);
    der_read(&data, DER_SEQUENCE, &skipped);
    return der_enter(&data, DER_CONTEXT_CONSTRUCTED(0));
}

unsigned bag_read(struct slice body, struct slice ret_certs[BAG_MAX])
{
    struct der certs;
    unsigned count = 0;

    if (is_certificate(body)) {
        ret_certs[0] = body;
        return 1;
    }
    certs = open_certificates(body);
    while (count < BAG_MAX && der_more(&certs)) {
        struct slice content, whole;
        uint8_t tag;

        if (!der_read_any(&certs, &tag, &content, &whole)) {
            return 0;
        }
        if (tag == DER_SEQUENCE) {
            ret_certs[count++] = whole;
        }
    }
    return count;
}
