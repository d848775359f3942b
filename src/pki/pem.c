/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cert.h"

#include <string.h>

#include "base/error.h"
#include "pki/der.h"

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

static struct slice slice_skip(struct slice slice, size_t size)
{
    return slice_of(slice.data + size, slice.size - size);
}

static bool starts_with(struct slice text, const char *prefix)
{
    size_t size = text_length(prefix);

    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

/* What lies behind @mark and before the dashes that close it on the same line; true when that is
 * so. *@ret_behind is what follows them. */
static bool read_label(struct slice text, const char *mark, struct slice *ret_label,
                       struct slice *ret_behind)
{
    size_t mark_size = text_length(mark);
    size_t most = text.size < mark_size + 80 ? text.size : mark_size + 80; /* labels are short */

    for (size_t i = mark_size; i < most; i++) {
        uint8_t c = text.data[i];

        if (starts_with(slice_skip(text, i), dashes)) {
            *ret_label = slice_of(text.data + mark_size, i - mark_size);
            *ret_behind = slice_skip(text, i + text_length(dashes));
            return true;
        }
        if (c < 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return false;
}

/* RFC 7468 2: "Data before the encapsulation boundaries are permitted, and parsers MUST NOT
 * malfunction when processing such data." The first line of @text that is a BEGIN; a BEGIN inside a
 * line is only text about one. */
static bool find_begin(struct slice text, struct slice *ret_label, struct slice *ret_behind)
{
    struct slice left = text;

    while (left.size) {
        const uint8_t *hit = memmem(left.data, left.size, begin_mark, sizeof(begin_mark) - 1);

        if (!hit) {
            return false;
        }
        left = slice_skip(left, (size_t)(hit - left.data));
        if ((hit == text.data || hit[-1] == '\n' || hit[-1] == '\r') &&
            read_label(left, begin_mark, ret_label, ret_behind)) {
            return true;
        }
        left = slice_skip(left, sizeof(begin_mark) - 1);
    }
    return false;
}

/* The inside of a block, up to its END. Ends at any other mark of a block: so no octet is looked
 * at for two BEGINs. *@ret_behind is where to read on. */
static bool read_inside(struct slice text, struct slice label, struct slice *ret_inside,
                        struct slice *ret_behind)
{
    const uint8_t *hit = memmem(text.data, text.size, dashes, sizeof(dashes) - 1);
    struct slice found, left;

    if (!hit) {
        *ret_behind = slice_skip(text, text.size);
        return false;
    }
    left = slice_skip(text, (size_t)(hit - text.data));
    if (starts_with(left, end_mark) && read_label(left, end_mark, &found, ret_behind)) {
        *ret_inside = slice_of(text.data, text.size - left.size);
        return slice_equal(found, label);
    }
    *ret_behind = left;
    if (!starts_with(left, begin_mark)) {
        *ret_behind = slice_skip(left, sizeof(dashes) - 1);
    }
    return false;
}

static bool label_is(struct slice label, const char *text)
{
    return slice_equal(label, slice_of_text(text));
}

static bool label_is_key(struct slice label)
{
    static const char key[] = "PRIVATE KEY";
    size_t size = sizeof(key) - 1;

    return label.size >= size && memcmp(label.data + label.size - size, key, size) == 0;
}

/* Servers take the first DER element and no more: behind it a "TRUSTED CERTIFICATE" has trust
 * settings. */
static void cut_to_element(struct buf *der)
{
    struct der reader = der_open(slice_of_buf(der));
    struct slice content, whole;
    uint8_t tag;

    if (der_read_any(&reader, &tag, &content, &whole)) {
        der->size = whole.size;
        der->data[der->size] = 0;
    }
}

int pem_next(struct pem *pem, struct buf *der)
{
    struct slice label, behind, inside;
    bool readable;

    buf_clear(der);
    if (!find_begin(pem->left, &label, &behind)) {
        pem->left = SLICE_NULL;
        return PEM_END;
    }
    if (!read_inside(behind, label, &inside, &pem->left)) {
        return PEM_BROKEN;
    }
    if (label_is_key(label)) {
        return PEM_KEY;
    }
    if (!label_is(label, "CERTIFICATE") && !label_is(label, "X509 CERTIFICATE") &&
        !label_is(label, "TRUSTED CERTIFICATE")) {
        return PEM_OTHER;
    }
    readable = buf_put_base64_decoded(der, inside);
    if (buf_status(der) < 0) {
        return error_trace(buf_status(der));
    }
    if (!readable || buf_status(der) || der->size == 0) {
        buf_clear(der);
        return PEM_BROKEN;
    }
    cut_to_element(der);
    return PEM_CERTIFICATE;
}
