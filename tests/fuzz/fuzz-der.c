/* SPDX-License-Identifier: Apache-2.0 */

/* The DER reader: whatever it reads it could have written, nothing it gives lies outside of what
 * it was given, and libcrypto reads the same values. */

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "pki/bag.h"
#include "pki/der.h"

/* Whether libcrypto reads the whole of @whole as a value of its type. */
static bool theirs(uint8_t tag, struct slice whole)
{
    const unsigned char *at = whole.data;
    ASN1_TYPE *value = d2i_ASN1_TYPE(NULL, &at, (long)whole.size);
    bool ok = value && at == whole.data + whole.size && ASN1_TYPE_get(value) == tag;

    ASN1_TYPE_free(value);
    ERR_clear_error();
    return ok;
}

static void check_value(struct slice whole, uint8_t tag)
{
    struct der der[6];
    struct slice content, again;
    uint32_t small;
    int64_t time_s;
    bool flag;

    for (size_t i = 0; i < ARRAY_SIZE(der); i++) {
        der[i] = der_open(whole);
    }
    if (der_read_integer(&der[0], &content)) {
        must(tag == DER_INTEGER && theirs(tag, whole) && content.size > 0);
    }
    if (der_read_small(&der[1], DER_INTEGER, &small)) {
        must(!der[0].failed && small < 0x80000000u);
    }
    if (der_read_oid(&der[2], &content)) {
        must(tag == DER_OID && content.size > 0);
    }
    if (der_read_bits(&der[3], &content)) {
        must(tag == DER_BIT_STRING && theirs(tag, whole));
    }
    if (der_read_time(&der[4], &time_s)) {
        must((tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME) && theirs(tag, whole));
    }
    if (der_read_bool(&der[5], &flag)) {
        must(tag == DER_BOOLEAN && theirs(tag, whole));
    }
    for (size_t i = 0; i < ARRAY_SIZE(der); i++) {
        /* A failure stays, and one element is all there was. */
        must(der[i].failed || der_end(&der[i]));
        must(!der_read(&der[i], tag, &again) && der[i].failed);
    }
}

static void walk(struct der *der, struct slice input, struct buf *copy)
{
    while (der_more(der)) {
        struct der at = *der;
        struct slice content, whole;
        uint8_t tag, peeked = der_peek(der);
        size_t before = copy->size;

        if (!der_read_any(der, &tag, &content, &whole)) {
            must(der->failed);
            break;
        }
        must(tag == peeked && slice_inside(whole, input) && slice_inside(content, whole));
        must(whole.size == der_element_size(content.size));
        if (tag) {
            der_put_header(copy, tag, content.size);
            must(memcmp(copy->data + before, whole.data, copy->size - before) == 0);
        }
        buf_clear(copy);
        check_value(whole, tag);
        if (tag & 0x20) {
            struct der inside = der_enter(&at, tag);

            must(inside.failed == (der->depth >= LIMIT_DER_DEPTH));
            walk(&inside, content, copy);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size), certs[BAG_MAX];
    struct der der = der_open(input);
    struct buf copy = BUF_INIT(64);
    unsigned count;

    walk(&der, input, &copy);
    must(der.failed || der_end(&der));
    count = bag_read(input, certs);
    must(count <= BAG_MAX);
    for (unsigned i = 0; i < count; i++) {
        must(slice_inside(certs[i], input) && certs[i].size > 0);
    }
    buf_deinit(&copy);
    return 0;
}
