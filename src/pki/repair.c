/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/repair.h"

#include <assert.h>

#include "pki/der.h"

/* ENUMERATED 0 (successful), OID id-pkix-ocsp-basic */
static const uint8_t status[] = {0x0a, 0x01, 0x00};
static const uint8_t type[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

/* The sizes of what is nested, from the inside out; all of content, without header. */
struct sizes {
    size_t certs; /* 0: none */
    size_t basic; /* BasicOCSPResponse */
    size_t bytes; /* ResponseBytes */
    size_t whole; /* OCSPResponse */
};

/* @cert: the only one to be embedded; may be empty. */
static struct sizes measure(const struct response_view *view, struct slice cert)
{
    struct sizes sizes = {0};

    sizes.certs = cert.size ? der_element_size(cert.size) : 0;
    sizes.basic = view->tbs.size + view->signature_algorithm.size +
                  der_element_size(1 + view->signature.size) +
                  (cert.size ? der_element_size(sizes.certs) : 0);
    sizes.bytes = sizeof(type) + der_element_size(der_element_size(sizes.basic));
    sizes.whole = sizeof(status) + der_element_size(der_element_size(sizes.bytes));
    return sizes;
}

/* The certificate that what is served carries; empty: none. A root that is not sent with the leaf
 * is embedded, unless that makes the answer larger than clients take: GnuTLS knows it by its name
 * alone, libtls not at all, and both end the handshake. */
static struct slice served_cert(const struct response_view *view, const struct ocsp_facts *facts,
                                unsigned delegate)
{
    if (facts->signer == OCSP_SIGNER_DELEGATE) {
        assert(delegate < view->cert_count);
        return view->certs[delegate];
    }
    if (der_element_size(measure(view, view->unsent_root).whole) > LIMIT_STAPLE_SIZE) {
        return SLICE_NULL;
    }
    return view->unsent_root;
}

/* RFC 6960 4.2.1: "The value for signature SHALL be computed on the hash of the DER encoding" of
 * ResponseData, so the certs may change. RFC 6960 4.2.1: "If no certificates are included, then
 * certs SHOULD be absent." */
void repair_answer(struct buf *served, struct slice der, const struct response_view *view,
                   const struct ocsp_facts *facts, unsigned delegate)
{
    struct slice cert;
    struct sizes sizes;

    buf_clear(served);
    if (facts->signer == OCSP_SIGNER_NONE) {
        buf_put_slice(served, der); /* not known what its clients need */
        return;
    }
    cert = served_cert(view, facts, delegate);
    sizes = measure(view, cert);
    der_put_header(served, DER_SEQUENCE, sizes.whole);
    buf_put(served, status, sizeof(status));
    der_put_header(served, DER_CONTEXT_CONSTRUCTED(0), der_element_size(sizes.bytes));
    der_put_header(served, DER_SEQUENCE, sizes.bytes);
    buf_put(served, type, sizeof(type));
    der_put_header(served, DER_OCTET_STRING, der_element_size(sizes.basic));
    der_put_header(served, DER_SEQUENCE, sizes.basic);
    buf_put_slice(served, view->tbs);
    buf_put_slice(served, view->signature_algorithm);
    der_put_header(served, DER_BIT_STRING, 1 + view->signature.size);
    buf_put_byte(served, 0); /* unused bits */
    buf_put_slice(served, view->signature);
    if (cert.size) {
        der_put_header(served, DER_CONTEXT_CONSTRUCTED(0), sizes.certs);
        der_put_header(served, DER_SEQUENCE, cert.size);
        buf_put_slice(served, cert);
    }
}

void repair_facts(struct ocsp_facts *facts, const struct response_view *view, unsigned delegate)
{
    struct slice cert;

    if (facts->signer == OCSP_SIGNER_NONE) {
        return;
    }
    cert = served_cert(view, facts, delegate);
    facts->size = (uint32_t)der_element_size(measure(view, cert).whole);
    facts->embedded_certs = cert.size ? 1 : 0;
    facts->signer_first = facts->signer == OCSP_SIGNER_DELEGATE;
    facts->root_embedded = cert.size && facts->signer == OCSP_SIGNER_ISSUER;
    facts->embedded_unreadable = facts->unreadable_first = false;
    facts->shadowed = facts->shadowed_by_key = false;
}
