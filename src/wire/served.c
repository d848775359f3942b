/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/served.h"

enum {
    EXTENSION_STATUS_REQUEST = 5,
    STATUS_TYPE_OCSP = 1,
};

/* Takes a vector off @left whose length stands in @octets octets before it. */
static bool take(struct slice *left, unsigned octets, struct slice *ret_content)
{
    size_t size = 0;

    if (left->size < octets) {
        return false;
    }
    for (unsigned i = 0; i < octets; i++) {
        size = size << 8 | left->data[i];
    }
    if (size > left->size - octets) {
        return false;
    }
    *ret_content = slice_of(left->data + octets, size);
    *left = slice_of(left->data + octets + size, left->size - octets - size);
    return true;
}

static bool take_type(struct slice *left, uint8_t type)
{
    if (!left->size || left->data[0] != type) {
        return false;
    }
    *left = slice_of(left->data + 1, left->size - 1);
    return true;
}

/* CertificateStatus, RFC 6066 8. */
static enum served_status read_status(struct slice content, struct slice *ret_answer)
{
    struct slice answer;

    if (!take_type(&content, STATUS_TYPE_OCSP) || !take(&content, 3, &answer) || content.size) {
        return SERVED_BROKEN;
    }
    *ret_answer = answer;
    return SERVED_ANSWER;
}

enum served_status served_read_status(struct slice message, struct slice *ret_answer)
{
    struct slice content;

    if (!take_type(&message, SERVED_STATUS) || !take(&message, 3, &content) || message.size) {
        return SERVED_BROKEN;
    }
    return read_status(content, ret_answer);
}

/* Of the leaf; those of the others are passed over. */
static bool read_extensions(struct slice extensions, struct served *served)
{
    struct slice content;

    while (extensions.size) {
        unsigned type;

        if (extensions.size < 2) {
            return false;
        }
        type = (unsigned)extensions.data[0] << 8 | extensions.data[1];
        extensions = slice_of(extensions.data + 2, extensions.size - 2);
        if (!take(&extensions, 2, &content)) {
            return false;
        }
        if (type == EXTENSION_STATUS_REQUEST && served->cert_count == 1) {
            served->status = read_status(content, &served->answer);
        }
    }
    return true;
}

bool served_read_chain(struct slice message, bool tls13, struct served *ret_served)
{
    struct served served = {.cert_count = 0};
    struct slice body, context, list, cert, extensions;

    if (!take_type(&message, SERVED_CERTIFICATE) || !take(&message, 3, &body) || message.size ||
        (tls13 && !take(&body, 1, &context)) || !take(&body, 3, &list) || body.size) {
        return false;
    }
    while (list.size && served.cert_count < LIMIT_SERVED_CERTS) {
        if (!take(&list, 3, &cert)) {
            return false;
        }
        served.certs[served.cert_count++] = cert;
        if (tls13 && (!take(&list, 2, &extensions) || !read_extensions(extensions, &served))) {
            return false;
        }
    }
    *ret_served = served;
    return served.cert_count > 0;
}
