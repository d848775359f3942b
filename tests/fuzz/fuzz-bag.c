/* SPDX-License-Identifier: Apache-2.0 */

/* What a caIssuers URL sends: certificates are those that libcrypto finds in the same octets. */

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "fuzz.h"
#include "pki/bag.h"

/* Whether @der (freed here), as libcrypto writes it, is @whole. */
static bool is_same(unsigned char *der, int size, struct slice whole)
{
    bool same = size > 0 && slice_equal(slice_of(der, (size_t)size), whole);

    OPENSSL_free(der);
    return same;
}

static bool cert_is(const X509 *cert, struct slice whole)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);

    return is_same(der, size, whole);
}

static bool message_is(const PKCS7 *message, struct slice whole)
{
    unsigned char *der = NULL;
    int size = i2d_PKCS7(message, &der);

    return is_same(der, size, whole);
}

/* libcrypto takes BER as well: only what it would write so itself is compared. */
static void compare_cert(struct slice body, const struct slice *certs, unsigned count)
{
    const unsigned char *at = body.data;
    X509 *cert = d2i_X509(NULL, &at, (long)body.size);

    if (cert && cert_is(cert, body)) {
        must(count == 1 && slice_equal(certs[0], body));
    }
    X509_free(cert);
}

static void compare_message(struct slice body, const struct slice *certs, unsigned count)
{
    const unsigned char *at = body.data;
    PKCS7 *message = d2i_PKCS7(NULL, &at, (long)body.size);

    if (message && PKCS7_type_is_signed(message) && message_is(message, body)) {
        const PKCS7_SIGNED *content = message->d.sign; /* which is optional */
        const STACK_OF(X509) *theirs = content ? content->cert : NULL;
        int size = theirs ? sk_X509_num(theirs) : 0;

        must(count == (unsigned)(size < BAG_MAX ? size : BAG_MAX));
        for (unsigned i = 0; i < count; i++) {
            must(cert_is(sk_X509_value(theirs, (int)i), certs[i]));
        }
    }
    PKCS7_free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size), certs[BAG_MAX];
    unsigned count = bag_read(body, certs);

    must(count <= BAG_MAX);
    for (unsigned i = 0; i < count; i++) {
        must(slice_inside(certs[i], body) && certs[i].size > 1 && certs[i].data[0] == 0x30);
        must(i == 0 || certs[i].data >= certs[i - 1].data + certs[i - 1].size);
    }
    compare_cert(body, certs, count);
    compare_message(body, certs, count);
    ERR_clear_error();
    return 0;
}
