/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/repair.h"

#include <assert.h>

#include "pki/der.h"

/* OCSPResponse around the BasicOCSPResponse, up to the content of that. */
static void put_wrapping(struct buf *served, size_t basic_content_size)
{
    /* ENUMERATED 0 (successful), OID id-pkix-ocsp-basic */
    static const uint8_t status[] = {0x0a, 0x01, 0x00};
    static const uint8_t type[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                   0x05, 0x07, 0x30, 0x01, 0x01};
    size_t basic = der_element_size(basic_content_size);
    size_t bytes = sizeof(type) + der_element_size(basic); /* content of ResponseBytes */
    size_t tagged = der_element_size(bytes);

    der_put_header(served, DER_SEQUENCE, sizeof(status) + der_element_size(tagged));
    buf_put(served, status, sizeof(status));
    der_put_header(served, DER_CONTEXT_CONSTRUCTED(0), tagged);
    der_put_header(served, DER_SEQUENCE, bytes);
    buf_put(served, type, sizeof(type));
    der_put_header(served, DER_OCTET_STRING, basic);
    der_put_header(served, DER_SEQUENCE, basic_content_size);
}

void repair_answer(struct buf *served, struct slice der, const struct response_view *view,
                   const struct ocsp_facts *facts, unsigned delegate)
{
    struct slice cert = SLICE_NULL;
    size_t signature_size = 1 + view->signature.size, certs_size = 0;

    buf_clear(served);
    if (facts->signer == OCSP_SIGNER_NONE) {
        buf_put_slice(served, der); /* not known what its clients need */
        return;
    }
    if (facts->signer == OCSP_SIGNER_DELEGATE) {
        assert(delegate < view->cert_count);
        cert = view->certs[delegate];
        certs_size = der_element_size(der_element_size(cert.size));
    }
    put_wrapping(served, view->tbs.size + view->signature_algorithm.size +
                             der_element_size(signature_size) + certs_size);
    buf_put_slice(served, view->tbs);
    buf_put_slice(served, view->signature_algorithm);
    der_put_header(served, DER_BIT_STRING, signature_size);
    buf_put_byte(served, 0); /* unused bits */
    buf_put_slice(served, view->signature);
    if (cert.size) {
        der_put_header(served, DER_CONTEXT_CONSTRUCTED(0), der_element_size(cert.size));
        der_put_header(served, DER_SEQUENCE, cert.size);
        buf_put_slice(served, cert);
    }
}
