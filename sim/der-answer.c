/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sim/der-mint.h"
#include "sim/der-write.h"
#include "sim/must.h"

/* AlgorithmIdentifier of CertIDs, by enum certid_hash; SHA-1 with NULL, as everybody writes it. */
static const struct slice hash_algorithms[] = {
    {(const uint8_t[]){0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00}, 11},
    {(const uint8_t[]){0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                       0x05, 0x00},
     15},
    {(const uint8_t[]){0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
                       0x05, 0x00},
     15},
    {(const uint8_t[]){0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
                       0x05, 0x00},
     15},
};

static struct slice ca_hash(const uint8_t hashes[4][CRYPTO_DIGEST_MAX], enum certid_hash hash)
{
    return slice_of(hashes[hash], crypto_digest_sizes[hash]);
}

static void put_certid(struct buf *buf, const struct dermint_ca *ca,
                       const struct dermint_single *single)
{
    uint8_t serial[DERMINT_SERIAL_SIZE];
    size_t from = buf->size;

    dermint_serial(single->number, serial);
    buf_put_slice(buf, hash_algorithms[single->hash]);
    derwrite_element(buf, DER_OCTET_STRING, ca_hash(ca->name_hash, single->hash));
    derwrite_element(buf, DER_OCTET_STRING, ca_hash(ca->key_hash, single->hash));
    derwrite_element(buf, DER_INTEGER, slice_of(serial, sizeof(serial)));
    derwrite_wrap(buf, DER_SEQUENCE, from);
}

static void put_status(struct buf *buf, const struct dermint_single *single)
{
    size_t from = buf->size;
    size_t reason_from;

    switch (single->status) {
    case CERT_STATUS_GOOD:
        derwrite_element(buf, DER_CONTEXT(0), SLICE_NULL);
        return;
    case CERT_STATUS_UNKNOWN:
        derwrite_element(buf, DER_CONTEXT(2), SLICE_NULL);
        return;
    case CERT_STATUS_REVOKED:
        break;
    }
    derwrite_time(buf, single->revoked_at_s);
    if (single->reason >= 0) {
        reason_from = buf->size;
        derwrite_small(buf, DER_ENUMERATED, (uint8_t)single->reason);
        derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(0), reason_from);
    }
    derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(1), from);
}

static void put_single(struct buf *buf, const struct dermint_ca *ca,
                       const struct dermint_single *single)
{
    size_t from = buf->size;
    size_t next_from;

    put_certid(buf, ca, single);
    put_status(buf, single);
    derwrite_time(buf, single->this_update_s);
    if (single->next_update_s != INSTANT_NEVER) {
        next_from = buf->size;
        derwrite_time(buf, single->next_update_s);
        derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(0), next_from);
    }
    derwrite_wrap(buf, DER_SEQUENCE, from);
}

/* ResponderID: byName [1], byKey [2]. */
static void put_responder(struct buf *buf, const struct dermint_answer *answer)
{
    const struct dermint_delegate *delegate = answer->delegate;
    size_t from = buf->size;

    if (answer->by_name) {
        buf_put_slice(buf, slice_of_buf(delegate ? &delegate->name : &answer->ca->name));
        derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(1), from);
        return;
    }
    derwrite_element(
        buf, DER_OCTET_STRING,
        slice_of(delegate ? delegate->key_hash : answer->ca->key_hash[CERTID_SHA1], SHA1_SIZE));
    derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(2), from);
}

static void put_certs(struct buf *buf, const struct dermint_answer *answer)
{
    size_t from = buf->size;

    if (answer->embed_ca) {
        buf_put_slice(buf, slice_of_buf(&answer->ca->der));
    }
    if (answer->delegate) {
        buf_put_slice(buf, slice_of_buf(&answer->delegate->der));
    }
    if (buf->size > from) {
        derwrite_wrap(buf, DER_SEQUENCE, from);
        derwrite_wrap(buf, DER_CONTEXT_CONSTRUCTED(0), from);
    }
}

/* RFC 6960 4.2.1: OCSPResponse around a BasicOCSPResponse that stands from the beginning. */
static void finish_answer(struct buf *der)
{
    static const uint8_t basic[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                    0x05, 0x07, 0x30, 0x01, 0x01};
    struct buf inner = BUF_INIT(LIMIT_ANSWER_SIZE);

    derwrite_wrap(der, DER_SEQUENCE, 0);
    buf_put_slice(&inner, slice_of_buf(der));
    buf_clear(der);
    buf_put(der, basic, sizeof(basic));
    derwrite_element(der, DER_OCTET_STRING, slice_of_buf(&inner));
    derwrite_wrap(der, DER_SEQUENCE, 0);
    derwrite_wrap(der, DER_CONTEXT_CONSTRUCTED(0), 0);
    buf_clear(&inner);
    buf_put_slice(&inner, slice_of_buf(der));
    buf_clear(der);
    derwrite_small(der, DER_ENUMERATED, 0);
    buf_put_slice(der, slice_of_buf(&inner));
    derwrite_wrap(der, DER_SEQUENCE, 0);
    must(!buf_status(der) && !buf_status(&inner));
    buf_deinit(&inner);
}

void dermint_put_answer(struct buf *der, const struct dermint_answer *answer)
{
    const struct derkey *key = answer->delegate ? answer->delegate->key : answer->ca->key;
    size_t from;

    buf_clear(der);
    put_responder(der, answer);
    derwrite_time(der, answer->produced_at_s);
    from = der->size;
    for (size_t i = 0; i < answer->single_count; i++) {
        put_single(der, answer->ca, &answer->singles[i]);
    }
    derwrite_wrap(der, DER_SEQUENCE, from);
    derwrite_wrap(der, DER_SEQUENCE, 0);
    derwrite_signature(der, 0, answer->forger ? answer->forger : key);
    put_certs(der, answer);
    finish_answer(der);
}

void dermint_put_error(struct buf *der, uint8_t response_status)
{
    buf_clear(der);
    derwrite_small(der, DER_ENUMERATED, response_status);
    derwrite_wrap(der, DER_SEQUENCE, 0);
}

static bool find_hash(struct slice algorithm, enum certid_hash *ret_hash)
{
    for (int hash = CERTID_SHA1; hash <= CERTID_SHA512; hash++) {
        if (slice_equal(algorithm, hash_algorithms[hash])) {
            *ret_hash = (enum certid_hash)hash;
            return true;
        }
    }
    return false;
}

static bool read_certid(struct der *request, struct dermint_asked *asked)
{
    struct der certid = der_enter(request, DER_SEQUENCE);
    struct slice content, algorithm;
    uint8_t tag;

    return der_read_any(&certid, &tag, &content, &algorithm) &&
           find_hash(algorithm, &asked->hash) &&
           der_read(&certid, DER_OCTET_STRING, &asked->name_hash) &&
           der_read(&certid, DER_OCTET_STRING, &asked->key_hash) &&
           der_read_integer(&certid, &asked->serial) && der_end(&certid);
}

bool dermint_read_request(struct slice der, struct dermint_asked *ret_asked)
{
    struct der top = der_open(der);
    struct der whole = der_enter(&top, DER_SEQUENCE);
    struct der tbs = der_enter(&whole, DER_SEQUENCE);
    struct der list = der_enter(&tbs, DER_SEQUENCE);
    struct der request = der_enter(&list, DER_SEQUENCE);

    return read_certid(&request, ret_asked) && der_end(&request) && der_end(&list) &&
           der_end(&tbs) && der_end(&whole) && der_end(&top);
}

bool dermint_asks_for(const struct dermint_asked *asked, const struct dermint_ca *ca,
                      uint64_t number)
{
    uint8_t serial[DERMINT_SERIAL_SIZE];

    dermint_serial(number, serial);
    return slice_equal(asked->name_hash, ca_hash(ca->name_hash, asked->hash)) &&
           slice_equal(asked->key_hash, ca_hash(ca->key_hash, asked->hash)) &&
           slice_equal(asked->serial, slice_of(serial, sizeof(serial)));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* RFC 3986 2.1. A '+' or '/' that was not escaped is left as it is, and servers differ in what they
 * make of it: refused, so that nobody comes to rely on it. */
static bool put_unescaped(struct buf *text, const char *path)
{
    for (; *path; path++) {
        int high = *path == '%' ? hex_digit(path[1]) : -1;
        int low = high < 0 ? -1 : hex_digit(path[2]);

        if (*path == '+' || *path == '/' || *path == '=' || (*path == '%' && low < 0)) {
            return false;
        }
        buf_put_byte(text, low < 0 ? (uint8_t)*path : (uint8_t)(high << 4 | low));
        path += low < 0 ? 0 : 2;
    }
    return true;
}

bool dermint_read_get(const char *url, const char *base, struct buf *der)
{
    struct buf text = BUF_INIT(LIMIT_URL_SIZE);
    bool ok = text_starts_with(url, base);
    const char *path = ok ? url + text_length(base) : url;

    buf_clear(der);
    if (ok && base[text_length(base) - 1] != '/') {
        ok = *path++ == '/';
    }
    ok = ok && put_unescaped(&text, path) && buf_put_base64_decoded(der, slice_of_buf(&text));
    ok = ok && !buf_status(&text) && !buf_status(der);
    buf_deinit(&text);
    return ok;
}
