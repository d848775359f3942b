/* SPDX-License-Identifier: Apache-2.0 */

/* The messages in which a TLS server shows its chain and the certificate status. */

#include "fuzz.h"
#include "wire/served.h"

static void put_size(struct buf *message, size_t size)
{
    buf_put_byte(message, (uint8_t)(size >> 16));
    buf_put_byte(message, (uint8_t)(size >> 8));
    buf_put_byte(message, (uint8_t)size);
}

/* Without extensions what was read can only have been written in one way. */
static void check_again(const struct served *served, struct slice message)
{
    struct buf again = BUF_INIT(1 << 20), list = BUF_INIT(1 << 20);

    for (unsigned i = 0; i < served->cert_count; i++) {
        put_size(&list, served->certs[i].size);
        buf_put_slice(&list, served->certs[i]);
    }
    buf_put_byte(&again, SERVED_CERTIFICATE);
    put_size(&again, list.size + 3);
    put_size(&again, list.size);
    buf_put_slice(&again, slice_of_buf(&list));
    must(slice_equal(slice_of_buf(&again), message));
    buf_deinit(&again);
    buf_deinit(&list);
}

static void check_chain(struct slice message, bool tls13)
{
    struct served served = {.cert_count = 0};

    if (!served_read_chain(message, tls13, &served)) {
        must(served.cert_count == 0);
        return;
    }
    must(served.cert_count >= 1 && served.cert_count <= LIMIT_SERVED_CERTS);
    for (unsigned i = 0; i < served.cert_count; i++) {
        must(slice_inside(served.certs[i], message));
        must(!i || served.certs[i].data >= served.certs[i - 1].data + served.certs[i - 1].size);
    }
    must(slice_inside(served.answer, message));
    must(tls13 || served.status == SERVED_NONE);
    must(served.status == SERVED_ANSWER || !served.answer.size);
    if (!tls13 && served.cert_count < LIMIT_SERVED_CERTS) {
        check_again(&served, message);
    }
}

static void check_status(struct slice message)
{
    struct slice answer = SLICE_NULL;
    enum served_status status = served_read_status(message, &answer);

    must(status == SERVED_ANSWER || status == SERVED_BROKEN);
    if (status == SERVED_ANSWER) {
        must(slice_inside(answer, message) && answer.size + 8 == message.size);
        must(message.data[0] == SERVED_STATUS && message.data[4] == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    check_chain(input, false);
    check_chain(input, true);
    check_status(input);
    return 0;
}
