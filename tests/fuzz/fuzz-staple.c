/* SPDX-License-Identifier: Apache-2.0 */

/* Files in the staple folder, as servers' processes read them: what is taken is one whole answer by
 * libcrypto's word, too, and what libcrypto reads and would write the same is taken. */

#include <openssl/ocsp.h>
#include <string.h>

#include "fuzz.h"
#include "staple/response.h"

/* Some BER has a meaning for libcrypto and is never written by it. */
static bool is_der(OCSP_RESPONSE *response, const uint8_t *data, size_t size)
{
    uint8_t *again = NULL;
    int again_size = i2d_OCSP_RESPONSE(response, &again);
    bool same = again_size >= 0 && (size_t)again_size == size && memcmp(again, data, size) == 0;

    OPENSSL_free(again);
    return same;
}

/* The inner answer takes up the whole end: libcrypto does not mind what lies behind it. */
static bool is_basic(OCSP_RESPONSE *response, const uint8_t *data, size_t size)
{
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    uint8_t *again = NULL;
    int again_size = basic ? i2d_OCSP_BASICRESP(basic, &again) : -1;
    bool same = again_size > 0 && (size_t)again_size < size &&
                memcmp(again, data + size - again_size, (size_t)again_size) == 0;

    OPENSSL_free(again);
    OCSP_BASICRESP_free(basic);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = staple_response_is_whole(data, size);
    const uint8_t *end = data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &end, (long)size);

    if (whole) {
        must(response && end == data + size);
        must(OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL);
    } else if (response && end == data + size) {
        must(OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL ||
             !is_der(response, data, size) || !is_basic(response, data, size));
    }
    OCSP_RESPONSE_free(response);
    return 0;
}
