/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/haproxy.h"

/* What every such answer has around its CertID. The dates do not matter: nextUpdate is set when it
 * is pushed (haproxy_make_tombstone()), and HAProxy wants thisUpdate to be past. */
static const uint8_t sha1_id[] = {0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0};
static const uint8_t status_good[] = {0x80, 0};
static const char this_update[] = "\x18\x0f"
                                  "20000101000000Z";
static const char next_update[] = "\xa0\x11\x18\x0f"
                                  "20000102000000Z";
/* A responder's key hash of zeros, and producedAt. */
static const char signer[] = "\xa2\x16\x04\x14"
                             "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                             "\x18\x0f"
                             "20000101000000Z";
static const uint8_t rsa_sha256[] = {0x30, 13,   6,    9,    0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0b, 5,    0};
static const uint8_t no_signature[] = {3, 2, 0, 0};
static const uint8_t successful[] = {0x0a, 1, 0};
static const uint8_t basic_type[] = {6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};

/* What @buf has becomes the content of one element, behind @before. */
static void wrap(struct buf *buf, struct slice before, uint8_t tag)
{
    struct buf whole = BUF_INIT(buf->max);
    size_t size = before.size + buf->size;

    buf_put_byte(&whole, tag);
    if (size >= 128) {
        buf_put_byte(&whole, 0x82);
        buf_put_byte(&whole, (uint8_t)(size >> 8));
    }
    buf_put_byte(&whole, (uint8_t)size);
    buf_put_slice(&whole, before);
    buf_put_slice(&whole, slice_of_buf(buf));
    buf_clear(buf);
    buf_put_slice(buf, slice_of_buf(&whole));
    buf_deinit(&whole);
}

static void put_octets(struct buf *der, uint8_t tag, const uint8_t *octets, uint8_t size)
{
    buf_put_byte(der, tag);
    buf_put_byte(der, size);
    buf_put_slice(der, slice_of(octets, size));
}

bool haproxy_put_blank(struct buf *der, const struct cert_facts *cert)
{
    buf_clear(der);
    put_octets(der, 4, cert->issuer_name_sha1, SHA1_SIZE);
    put_octets(der, 4, cert->issuer_key_sha1, SHA1_SIZE);
    put_octets(der, 2, cert->serial, cert->serial_size);
    wrap(der, slice_of(sha1_id, sizeof(sha1_id)), 0x30);
    buf_put_slice(der, slice_of(status_good, sizeof(status_good)));
    buf_put_text(der, this_update);
    buf_put_text(der, next_update);
    wrap(der, SLICE_NULL, 0x30);
    wrap(der, SLICE_NULL, 0x30); /* the list of one */
    wrap(der, slice_of(signer, sizeof(signer) - 1), 0x30);
    buf_put_slice(der, slice_of(rsa_sha256, sizeof(rsa_sha256)));
    buf_put_slice(der, slice_of(no_signature, sizeof(no_signature)));
    wrap(der, SLICE_NULL, 0x30);
    wrap(der, SLICE_NULL, 4);
    wrap(der, slice_of(basic_type, sizeof(basic_type)), 0x30);
    wrap(der, SLICE_NULL, 0xa0);
    wrap(der, slice_of(successful, sizeof(successful)), 0x30);
    return cert->has_issuer && cert->serial_size > 0 && !buf_status(der);
}
