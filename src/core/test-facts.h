/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates and answers for the tests of this folder, as facts. */

#include "core/facts.h"

#define TEST_NOW INT64_C(1800000000)

static inline struct cert_facts test_cert(void)
{
    return (struct cert_facts){
        .leaf_sha256 = {1},
        .serial = {0x1a, 0x2b},
        .serial_size = 2,
        .url_count = 2,
        .has_issuer = true,
        .not_before_s = TEST_NOW - 30 * 86400,
        .not_after_s = TEST_NOW + 60 * 86400,
        .name = "a.example",
        .urls = {"http://one.example/", "http://two.example/"},
    };
}

/* Good, signed by the issuer, for [@from_s, @from_s + @life_s). */
static inline struct ocsp_facts test_answer(int64_t from_s, int64_t life_s)
{
    return (struct ocsp_facts){
        .size = 500,
        .has_single = true,
        .has_sha1 = true,
        .has_next_update = true,
        .produced_at_s = from_s,
        .this_update_s = from_s,
        .next_update_s = from_s + life_s,
        .revocation_reason = -1,
        .head_this_update_s = from_s,
        .head_next_update_s = from_s + life_s,
        .ours_first_this_update_s = from_s,
        .ours_last_this_update_s = from_s,
        .ours_first_next_update_s = from_s + life_s,
        .singles = 1,
        .last_this_update_s = from_s,
        .first_next_update_s = from_s + life_s,
        .signer = OCSP_SIGNER_ISSUER,
        .made = {.key = KEY_RSA, .digest = DIGEST_SHA256, .key_bits = 2048},
    };
}
