/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/request.h"

#include <assert.h>
#include <string.h>

#include "pki/der.h"

/* RFC 5019 2.1.1: "Clients MUST use SHA1 as the hashing algorithm for the CertID.issuerNameHash and
 * the CertID.issuerKeyHash values." RFC 9919 tells clients to move on; staples must please those
 * that have not. AlgorithmIdentifier with NULL parameters, as everybody writes it. */
static const uint8_t sha1_algorithm[] = {0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                         0x03, 0x02, 0x1a, 0x05, 0x00};

static size_t certid_content_size(const struct cert_facts *cert)
{
    return sizeof(sha1_algorithm) + 2 * der_element_size(SHA1_SIZE) +
           der_element_size(cert->serial_size);
}

/* RFC 6960 4.1.1: "serialNumber is the serial number of the certificate for which status is being
 * requested." */
void request_put_certid(struct buf *certid, const struct cert_facts *cert)
{
    assert(cert->has_issuer);
    der_put_header(certid, DER_SEQUENCE, certid_content_size(cert));
    buf_put(certid, sha1_algorithm, sizeof(sha1_algorithm));
    der_put_header(certid, DER_OCTET_STRING, SHA1_SIZE);
    buf_put(certid, cert->issuer_name_sha1, SHA1_SIZE);
    der_put_header(certid, DER_OCTET_STRING, SHA1_SIZE);
    buf_put(certid, cert->issuer_key_sha1, SHA1_SIZE);
    der_put_header(certid, DER_INTEGER, cert->serial_size);
    buf_put(certid, cert->serial, cert->serial_size);
}

/* RFC 5019 2.1.1: "OCSPRequests conformant to this profile MUST include only one Request in the
 * OCSPRequest.RequestList structure." RFC 5019 2.1.1: "Clients MUST NOT include the
 * singleRequestExtensions structure." RFC 5019 2.1.1: "Clients SHOULD NOT include the
 * requestExtensions structure." */
void request_encode(struct buf *request, const struct cert_facts *cert)
{
    size_t sizes[4]; /* of Request, requestList, TBSRequest, and the content of OCSPRequest */

    sizes[0] = der_element_size(certid_content_size(cert));
    for (size_t i = 1; i < ARRAY_SIZE(sizes); i++) {
        sizes[i] = der_element_size(sizes[i - 1]);
    }
    for (size_t i = ARRAY_SIZE(sizes); i > 0; i--) {
        der_put_header(request, DER_SEQUENCE, sizes[i - 1]);
    }
    request_put_certid(request, cert);
}

/* RFC 6960 A.1: "url-encoding of base-64 encoding of the DER encoding of the OCSPRequest".
 * RFC 5019 5: "Clients MUST properly URL-encode the base64 encoded OCSPRequest." RFC 5019 5:
 * "Clients MUST NOT include CR or LF characters in the base64-encoded string." */
static void put_escaped_base64(struct buf *url, const struct buf *base64)
{
    for (size_t i = 0; i < base64->size; i++) {
        switch (base64->data[i]) {
        case '+':
            buf_put_text(url, "%2B");
            break;
        case '/':
            buf_put_text(url, "%2F");
            break;
        case '=':
            buf_put_text(url, "%3D");
            break;
        default:
            buf_put_byte(url, base64->data[i]);
        }
    }
}

/* RFC 5019 5: "When sending requests that are less than or equal to 255 bytes in total (after
 * encoding) including the scheme and delimiters (http://), server name and base64-encoded
 * OCSPRequest structure, clients MUST use the GET method" */
bool request_get_url(struct buf *get_url, const char *url, struct slice request)
{
    struct slice start = slice_of_text(url);
    struct buf base64 = BUF_INIT(LIMIT_GET_URL_SIZE);
    bool ok;

    buf_clear(get_url);
    if (start.size == 0 || start.size >= LIMIT_GET_URL_SIZE || memchr(url, '?', start.size) ||
        memchr(url, '#', start.size)) {
        return false;
    }
    buf_put_slice(get_url, start);
    if (url[start.size - 1] != '/') {
        buf_put_byte(get_url, '/');
    }
    buf_put_base64(&base64, request);
    put_escaped_base64(get_url, &base64);
    ok = !buf_status(&base64) && !buf_status(get_url) && get_url->size <= LIMIT_GET_URL_SIZE;
    buf_deinit(&base64);
    if (!ok) {
        buf_clear(get_url);
    }
    return ok;
}
