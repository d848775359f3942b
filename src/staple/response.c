/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/response.h"

#include <string.h>

#define SEQUENCE     0x30
#define EXPLICIT_0   0xa0
#define OCTET_STRING 0x04

struct rest {
    const uint8_t *at;
    size_t size;
};

/* The length behind a tag, in DER: definite, in as few octets as there can be. */
static bool take_length(struct rest *rest, size_t *ret_length)
{
    size_t length = 0;
    unsigned octets = 0;

    if (rest->size == 0) {
        return false;
    }
    if (rest->at[0] < 0x80) {
        length = rest->at[0];
    } else {
        octets = rest->at[0] & 0x7f;
        if (octets == 0 || octets > 3 || octets >= rest->size || rest->at[1] == 0) {
            return false;
        }
        for (unsigned i = 1; i <= octets; ++i) {
            length = length << 8 | rest->at[i];
        }
        if (length < 0x80) {
            return false;
        }
    }
    rest->at += 1 + octets;
    rest->size -= 1 + octets;
    *ret_length = length;
    return true;
}

/* Goes into an element that takes up all of @rest. */
static bool enter(struct rest *rest, uint8_t tag)
{
    size_t length;

    if (rest->size == 0 || rest->at[0] != tag) {
        return false;
    }
    ++rest->at;
    --rest->size;
    return take_length(rest, &length) && length == rest->size;
}

static bool skip(struct rest *rest, const void *octets, size_t size)
{
    if (rest->size < size || memcmp(rest->at, octets, size) != 0) {
        return false;
    }
    rest->at += size;
    rest->size -= size;
    return true;
}

bool staple_response_is_whole(const uint8_t *data, size_t size)
{
    static const uint8_t successful[] = {0x0a, 1, 0};
    /* id-pkix-ocsp-basic */
    static const uint8_t basic[] = {6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    struct rest rest = {data, size};

    return enter(&rest, SEQUENCE) && skip(&rest, successful, sizeof(successful)) &&
           enter(&rest, EXPLICIT_0) && enter(&rest, SEQUENCE) &&
           skip(&rest, basic, sizeof(basic)) && enter(&rest, OCTET_STRING) &&
           enter(&rest, SEQUENCE) && rest.size > 0;
}
