/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "io/witness-private.h"
#include "wire/single.h"

void witness_read_expected(struct witness_expected *expected, const struct witness_order *order)
{
    struct single single;
    struct slice serial;

    *expected = (struct witness_expected){
        .staple = order->der.size > 0,
        .digest = map_hash(order->der),
        .size = order->der.size,
        .next_update_s = order->next_update_s,
        .hidden_s = order->hidden_s,
    };
    if (!single_read(order->der, 0, &single)) {
        return;
    }
    expected->this_update_s = single.this_update_s;
    serial = single_serial(single.certid);
    if (serial.size <= LIMIT_SERIAL_SIZE) {
        memcpy(expected->serial, serial.data, serial.size);
        expected->serial_size = (uint8_t)serial.size;
    }
}

/* The single of @answer with the expected serial number. */
static bool find_single(struct slice answer, const struct witness_expected *expected,
                        struct single *ret_single)
{
    const struct slice serial = slice_of(expected->serial, expected->serial_size);

    for (unsigned i = 0; single_read(answer, i, ret_single); i++) {
        if (slice_equal(single_serial(ret_single->certid), serial)) {
            return true;
        }
    }
    return false;
}

/* A staple, and not the one that is expected. */
static void compare_times(struct slice answer, const struct witness_expected *expected,
                          struct witness_seen *seen)
{
    struct single single;

    if (!single_read(answer, 0, &single)) {
        seen->finding = expected->staple ? WITNESS_JUNK : WITNESS_STILL;
        return;
    }
    if (expected->staple && !find_single(answer, expected, &single)) {
        seen->finding = WITNESS_FOREIGN;
        return;
    }
    seen->this_update_s = single.this_update_s;
    seen->next_update_s = single.next_update_s;
    seen->finding = !expected->staple                                ? WITNESS_STILL
                    : single.this_update_s < expected->this_update_s ? WITNESS_OLDER
                    : single.this_update_s == expected->this_update_s &&
                            single.next_update_s < expected->next_update_s
                        ? WITNESS_OLDER
                        : WITNESS_OTHER;
}

static void compare(const struct tls_sight *sight, const struct witness_expected *expected,
                    int64_t wall_s, struct witness_seen *seen)
{
    struct slice answer = sight->served.answer;

    if (sight->too_large || sight->served.status == SERVED_BROKEN ||
        (sight->served.status == SERVED_ANSWER && !answer.size)) {
        seen->finding = WITNESS_JUNK;
    } else if (sight->served.status == SERVED_NONE) {
        bool over = wall_s >= time_sub(expected->next_update_s, expected->hidden_s);

        seen->finding = !expected->staple || over ? WITNESS_RIGHT : WITNESS_NONE;
    } else if (expected->staple && answer.size == expected->size &&
               map_hash(answer) == expected->digest) {
        seen->finding = WITNESS_RIGHT;
    } else {
        compare_times(answer, expected, seen);
    }
}

struct witness_seen witness_judge(const struct witness_item *item,
                                  const struct tls_probe_result *result, int64_t wall_s)
{
    struct witness_seen seen = {.finding = WITNESS_DOWN, .detail = result->fault};

    for (unsigned way = 0; !result->fault && way < TLS_WAYS; way++) {
        const struct tls_sight *sight = &result->sights[way];

        if (sight->outcome == TLS_SEEN &&
            memcmp(sight->leaf_sha256, item->leaf, SHA256_SIZE) == 0) {
            compare(sight, &item->expected, wall_s, &seen);
            seen.detail = NULL;
            return seen;
        }
        if (sight->outcome == TLS_SEEN) {
            seen = (struct witness_seen){.finding = WITNESS_OTHER_CERT};
        } else if (seen.finding == WITNESS_DOWN &&
                   (sight->outcome == TLS_REFUSED || sight->outcome == TLS_NOT_OFFERED)) {
            seen = (struct witness_seen){.finding = WITNESS_REFUSED, .detail = sight->detail};
        } else if (seen.finding == WITNESS_DOWN && !seen.detail) {
            seen.detail = sight->detail;
        }
    }
    if (!item->expected.staple && seen.finding != WITNESS_DOWN) {
        seen = (struct witness_seen){.finding = WITNESS_RIGHT}; /* there is none, indeed */
    }
    return seen;
}
