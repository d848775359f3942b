/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates, out of PEM or bare: facts are those that libcrypto finds in the same octets. */

#include <string.h>

#include "oracle.h"
#include "pki/bag.h"
#include "pki/request.h"

static void check_request(const struct issuer *issuer, const struct cert_facts *facts)
{
    struct buf request = BUF_INIT(4096), url = BUF_INIT(4096);

    request_encode(&request, facts);
    must(buf_status(&request) == 0);
    oracle_compare_request(slice_of_buf(&request), issuer->der,
                           slice_of(facts->serial, facts->serial_size));
    for (unsigned i = 0; i < facts->url_count; i++) {
        must(!request_get_url(&url, facts->urls[i], slice_of_buf(&request)) ||
             (url.size <= LIMIT_GET_URL_SIZE && url.size > text_length(facts->urls[i])));
    }
    buf_deinit(&request);
    buf_deinit(&url);
}

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

static void check_facts(const struct cert_view *view, bool theirs)
{
    struct world *world = world_get();
    struct issuer *issuer = NULL;
    struct cert_facts *facts = NULL;

    must(issuer_new(&issuer, world->crypto, view->der) == 0);
    must(cert_facts_new(&facts, world->crypto, view, issuer) == 0);
    must(facts->not_after_s == view->not_after_s && is_printable(facts->name));
    for (unsigned i = 0; i < facts->url_count; i++) {
        must(is_printable(facts->urls[i]) && text_starts_with(facts->urls[i], "") &&
             text_length(facts->urls[i]) <= LIMIT_URL_SIZE);
    }
    if (theirs) {
        check_request(issuer, facts);
    }
    /* Nobody signed what the fuzzer changed, but for itself. */
    must(!issuer_signed(world->crypto, issuer, view) || facts->self_signed);
    free(facts);
    issuer_free(issuer);
}

static void check_cert(struct slice der)
{
    struct cert_view view;
    struct slice certs[BAG_MAX];
    const char *fault = NULL;
    int r = cert_read(der, &view, &fault);

    must(r >= 0);
    if (r) {
        must(fault && text_length(fault) > 10);
        return;
    }
    must(slice_equal(view.der, der) && slice_inside(view.tbs, der) && slice_inside(view.spki, der));
    must(slice_inside(view.dns_name, der) && slice_inside(view.common_name, der));
    must(bag_read(der, certs) == 1);
    check_facts(&view, oracle_compare_cert(&view));
}

/* All blocks; libcrypto's first certificate is among ours, unless one could not be read: libcrypto
 * takes a '-' for the end of the base64, and a line for ended at a NUL. */
static void check_pem(struct slice text)
{
    struct pem pem = pem_open(text);
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE), theirs = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    size_t left = text.size + 1;
    bool found = !oracle_read_pem(text, &theirs), broken = memchr(text.data, 0, text.size);
    int block;

    while ((block = pem_next(&pem, &der)) != PEM_END) {
        must(block > 0 && pem.left.size < left && slice_inside(pem.left, text));
        must((block == PEM_CERTIFICATE) == (der.size > 0));
        left = pem.left.size;
        broken |= block == PEM_BROKEN;
        if (block == PEM_CERTIFICATE) {
            found |= slice_equal(slice_of_buf(&der), slice_of_buf(&theirs));
            check_cert(slice_of_buf(&der));
        }
    }
    must(found || broken);
    buf_deinit(&der);
    buf_deinit(&theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_pem(slice_of(data, size));
    check_cert(slice_of(data, size));
    return 0;
}
