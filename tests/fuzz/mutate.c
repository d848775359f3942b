/* SPDX-License-Identifier: Apache-2.0 */

/* Changes one element of a DER tree and puts the lengths around it right, so that most of what
 * comes out is still DER. Now and then the octets are changed blindly, as libFuzzer does. */

#include <string.h>

#include "base/rng.h"
#include "fuzz.h"
#include "pki/der.h"

#define DEPTH_MAX    24
#define ELEMENTS_MAX 4096

enum change {
    CHANGE_CONTENT,
    CHANGE_DROP,
    CHANGE_TWICE,
    CHANGE_SWAP,  /* with the one behind it */
    CHANGE_GRAFT, /* another element of the same input in its place */
    CHANGE_EMPTY,
    CHANGE_TAG,
    CHANGE_WRAP,
    CHANGE_DIGIT, /* one octet becomes a digit: for times */
    CHANGES,
};

struct mutation {
    struct rng rng;
    enum change change;
    size_t target; /* index of the element to change */
    size_t at;     /* the next index */
    struct slice graft;
    struct slice elements[ELEMENTS_MAX];
    size_t count;
};

/* Reads an element; false when @der has none that could be walked. */
static bool next(struct der *der, uint8_t *ret_tag, struct slice *ret_content,
                 struct slice *ret_whole)
{
    return der_more(der) && der_read_any(der, ret_tag, ret_content, ret_whole);
}

/* Constructed ones, and strings that hold exactly one element (extnValue, response). */
static bool has_inside(uint8_t tag, struct slice content)
{
    struct der der = der_open(content);
    struct slice inner, whole;
    uint8_t inner_tag;

    return tag & 0x20 || (tag == DER_OCTET_STRING && content.size > 2 &&
                          der_read_any(&der, &inner_tag, &inner, &whole) && der_end(&der));
}

static void collect(struct mutation *mutation, struct slice input, unsigned depth)
{
    struct der der = der_open(input);
    struct slice content, whole;
    uint8_t tag;

    while (mutation->count < ELEMENTS_MAX && next(&der, &tag, &content, &whole)) {
        mutation->elements[mutation->count++] = whole;
        if (depth < DEPTH_MAX && has_inside(tag, content)) {
            collect(mutation, content, depth + 1);
        }
    }
}

static void put_element(struct buf *out, uint8_t tag, struct slice content)
{
    der_put_header(out, tag ? tag : DER_NULL, content.size);
    buf_put_slice(out, content);
}

static void put_content(struct mutation *mutation, struct buf *out, uint8_t tag,
                        struct slice content)
{
    uint8_t octets[4096];
    size_t size = content.size < sizeof(octets) / 2 ? content.size : sizeof(octets) / 2;

    memcpy(octets, content.data, size);
    if (mutation->change == CHANGE_DIGIT && size) {
        octets[rng_below(&mutation->rng, size)] = (uint8_t)('0' + rng_below(&mutation->rng, 10));
    } else {
        size = LLVMFuzzerMutate(octets, size, sizeof(octets));
    }
    put_element(out, tag, slice_of(octets, size));
}

static void put_changed(struct mutation *mutation, struct buf *out, uint8_t tag,
                        struct slice content, struct slice whole)
{
    static const uint8_t tags[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x17,
                                   0x18, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2};

    switch (mutation->change) {
    case CHANGE_DROP:
        break;
    case CHANGE_TWICE:
        buf_put_slice(out, whole);
        buf_put_slice(out, whole);
        break;
    case CHANGE_GRAFT:
        buf_put_slice(out, mutation->graft);
        break;
    case CHANGE_EMPTY:
        put_element(out, tag, SLICE_NULL);
        break;
    case CHANGE_TAG:
        put_element(out, tags[rng_below(&mutation->rng, sizeof(tags))], content);
        break;
    case CHANGE_WRAP:
        put_element(out, tags[rng_below(&mutation->rng, sizeof(tags))], whole);
        break;
    default:
        put_content(mutation, out, tag, content);
        break;
    }
}

static void put_all(struct mutation *mutation, struct slice input, unsigned depth, struct buf *out)
{
    struct der der = der_open(input);
    struct slice content, whole, held = SLICE_NULL;
    uint8_t tag;

    while (next(&der, &tag, &content, &whole)) {
        bool is_target = mutation->at++ == mutation->target;

        if (is_target && mutation->change == CHANGE_SWAP) {
            held = whole;
            continue;
        }
        if (is_target) {
            put_changed(mutation, out, tag, content, whole);
        } else if (depth < DEPTH_MAX && mutation->at <= mutation->target &&
                   has_inside(tag, content)) {
            struct buf inside = BUF_INIT(out->max);

            put_all(mutation, content, depth + 1, &inside);
            put_element(out, tag, slice_of_buf(&inside));
            buf_deinit(&inside);
        } else {
            buf_put_slice(out, whole);
        }
        buf_put_slice(out, held);
        held = SLICE_NULL;
    }
    buf_put_slice(out, held);
    buf_put(out, der.at, der.end ? (size_t)(der.end - der.at) : 0); /* what is no DER */
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct mutation mutation;
    struct buf out = BUF_INIT(1024 * 1024);

    mutation.rng = (struct rng){seed};
    mutation.count = mutation.at = 0;
    collect(&mutation, slice_of(data, size), 0);
    if (mutation.count == 0 || rng_below(&mutation.rng, 8) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    mutation.change = (enum change)rng_below(&mutation.rng, CHANGES);
    mutation.target = rng_below(&mutation.rng, mutation.count);
    mutation.graft = mutation.elements[rng_below(&mutation.rng, mutation.count)];
    put_all(&mutation, slice_of(data, size), 0, &out);
    if (buf_status(&out) == 0 && out.size > 0 && out.size <= max_size) {
        memcpy(data, out.data, out.size);
        size = out.size;
    }
    buf_deinit(&out);
    return size;
}
