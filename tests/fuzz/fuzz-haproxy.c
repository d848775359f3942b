/* SPDX-License-Identifier: Apache-2.0 */

/* What HAProxy's runtime socket replies, and the small reader of answers that goes with it. */

#include <string.h>

#include "base/instant.h"
#include "fuzz.h"
#include "wire/haproxy.h"
#include "wire/single.h"

/* The CertID's serial number is 00 af 01, of which HAProxy prints AF01. */
static void check_identity(struct slice reply)
{
    static const uint8_t certid[] = {0x30, 0x12, 0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02,
                                     0x1a, 0x04, 0x00, 0x04, 0x00, 0x02, 0x03, 0x00, 0xaf, 0x01};
    static const char line[] = "Serial: AF01\n";
    const uint8_t *at = reply.size ? memmem(reply.data, reply.size, line, 8) : NULL;
    bool is_ours = at && (size_t)(reply.data + reply.size - at) >= sizeof(line) - 1 &&
                   memcmp(at, line, sizeof(line) - 1) == 0;

    must(haproxy_read_identity(reply, slice_of(certid, sizeof(certid))) == is_ours);
    haproxy_read_identity(reply, reply); /* a CertID out of thin air */
}

static void check_replies(struct slice input)
{
    struct slice left = input, part = SLICE_NULL;
    bool open;

    while (haproxy_next_reply(&left, &part)) {
        must(slice_inside(part, input) && slice_inside(left, input));
        must(haproxy_read_push(part) <= HAPROXY_REFUSED);
        must(haproxy_read_commit(part) <= HAPROXY_REFUSED);
        must(haproxy_read_create(part, "/etc/shop.pem") <= HAPROXY_REFUSED);
    }
    haproxy_is_list(input);
    left = input;
    while (haproxy_next_loaded(&left, &part, &open)) {
        must(slice_inside(part, input) && slice_inside(left, input));
    }
    must(left.size == 0);
    left = input;
    while (haproxy_next_show(&left, &part)) {
        must(slice_inside(part, input) && slice_inside(left, input));
        haproxy_read_show(part, 1790000000, 1790086400);
    }
}

static void check_info(struct slice input)
{
    int64_t pid = -1, uptime_s = -1;

    if (haproxy_read_info(input, &pid, &uptime_s)) {
        must(pid >= 0 && uptime_s >= 0);
    }
}

static void check_shown(struct slice input)
{
    int64_t next_update_s = INT64_MIN;
    bool good;

    if (haproxy_read_shown(input, &good, &next_update_s)) {
        must(next_update_s != INT64_MIN && memmem(input.data, input.size, "Next Update: ", 13));
    }
}

static void check_tombstone(struct slice staple)
{
    struct buf tombstone = BUF_INIT(1024 * 1024);
    struct single single;
    int64_t until_s = INT64_C(1893456000);

    for (unsigned i = 0; i < 4 && single_read(staple, i, &single); i++) {
        must(slice_inside(single.certid, staple) && slice_inside(single.next_update, staple));
        must((single.next_update.size == 0) == (single.next_update_s == INSTANT_NEVER));
    }
    if (haproxy_make_tombstone(&tombstone, staple, until_s)) {
        must(tombstone.size == staple.size);
        must(single_read(slice_of_buf(&tombstone), 0, &single));
        must(single.next_update_s == until_s || single.next_update_s == INSTANT_NEVER);
    }
    buf_deinit(&tombstone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    char *path = text_copy(input);

    must(path);
    check_replies(input);
    check_info(input);
    check_identity(input);
    check_shown(input);
    check_tombstone(input);
    if (haproxy_path_usable(path)) {
        must(!strpbrk(path, " ;\\\n\t\"'") && strlen(path) > 0);
    }
    free(path);
    return 0;
}
