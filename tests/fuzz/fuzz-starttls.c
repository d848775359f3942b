/* SPDX-License-Identifier: Apache-2.0 */

/* What servers say before TLS begins, in pieces of any size. */

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "wire/starttls.h"

/* Gives @bytes in pieces, whose sizes follow from @step (0: one octet each). The outcome, and how
 * many octets were taken until then. */
static int play(enum starttls_protocol protocol, struct slice bytes, uint8_t step, struct buf *out,
                size_t *ret_taken)
{
    struct starttls dialogue;
    struct slice left = bytes;
    int r = starttls_begin(&dialogue, protocol, "shop.example", out);
    size_t size = 1;

    while (left.size && r == STARTTLS_E_MORE) {
        size = size < left.size ? size : left.size;
        r = starttls_take(&dialogue, slice_of(left.data, size), out);
        left = slice_of(left.data + size, left.size - size);
        size = 1 + (step ? (size * 7 + step) % 97 : 0);
    }
    must(r == 0 || r == STARTTLS_E_MORE || r == STARTTLS_E_FAILED);
    must((r == STARTTLS_E_FAILED) == (dialogue.said.size > 0));
    must(r != 0 || dialogue.at == dialogue.in.size);
    must(dialogue.in.size <= LIMIT_STARTTLS);
    for (size_t i = 0; i < dialogue.said.size; i++) {
        must(dialogue.said.data[i] >= 0x20 && dialogue.said.data[i] < 0x7f);
    }
    *ret_taken = bytes.size - left.size;
    starttls_deinit(&dialogue);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf one = BUF_INIT(4096), other = BUF_INIT(4096);
    enum starttls_protocol protocol;
    struct slice bytes;
    size_t taken, again;

    if (size < 2) {
        return 0;
    }
    protocol = (enum starttls_protocol)(1 + data[0] % (STARTTLS_PROTOCOLS - 1));
    bytes = slice_of(data + 2, size - 2);
    /* What is agreed upon in large pieces is agreed upon octet by octet, at the same place. */
    if (play(protocol, bytes, data[1], &one, &taken) == 0) {
        must(play(protocol, bytes, 0, &other, &again) == 0);
        must(taken == again);
        must(slice_equal(slice_of_buf(&one), slice_of_buf(&other)));
    }
    must(!buf_status(&one) && one.size < 1024);
    buf_deinit(&one);
    buf_deinit(&other);
    return 0;
}
