/* SPDX-License-Identifier: Apache-2.0 */
#include "io/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255

struct block4 {
    uint8_t octets[4];
    unsigned bits;
    enum address_class class;
};

/* The first that matches counts. */
static const struct block4 blocks4[] = {
    {{255, 255, 255, 255}, 32, ADDRESS_BROADCAST},
    {{100, 100, 100, 200}, 32, ADDRESS_METADATA}, /* Alibaba Cloud */
    {{168, 63, 129, 16}, 32, ADDRESS_METADATA},   /* Azure */
    {{192, 0, 0, 192}, 32, ADDRESS_METADATA},     /* Oracle Cloud */
    {{0}, 8, ADDRESS_UNSPECIFIED},
    {{127}, 8, ADDRESS_LOOPBACK},
    {{169, 254}, 16, ADDRESS_LINK_LOCAL},
    {{10}, 8, ADDRESS_PRIVATE},
    {{172, 16}, 12, ADDRESS_PRIVATE},
    {{192, 168}, 16, ADDRESS_PRIVATE},
    {{100, 64}, 10, ADDRESS_PRIVATE},
    {{192, 0, 0}, 24, ADDRESS_PRIVATE},
    {{198, 18}, 15, ADDRESS_PRIVATE},
    {{224}, 4, ADDRESS_MULTICAST},
    {{240}, 4, ADDRESS_PRIVATE}, /* reserved, but some clouds number machines in it */
};

struct block6 {
    uint8_t octets[16];
    unsigned bits;
    enum address_class class;
    int embedded; /* where an IPv4 address begins that says the class; 0: nowhere */
};

static const struct block6 blocks6[] = {
    {{0}, 128, ADDRESS_UNSPECIFIED, 0},
    {{[15] = 1}, 128, ADDRESS_LOOPBACK, 0},
    {{[10] = 0xff, 0xff}, 96, 0, 12},                         /* ::ffff:a.b.c.d, mapped */
    {{[8] = 0xff, 0xff}, 96, 0, 12},                          /* ::ffff:0:a.b.c.d, translated */
    {{0}, 96, 0, 12},                                         /* ::a.b.c.d, compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 0, 12},                    /* NAT64, RFC 6052 */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, ADDRESS_PRIVATE, 0}, /* NAT64 of a site, RFC 8215 */
    {{0x20, 0x02}, 16, 0, 2},                                 /* 6to4 */
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, ADDRESS_METADATA, 0}, /* AWS */
    {{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}, 128, ADDRESS_METADATA, 0}, /* Google Cloud */
    {{0xfe, 0x80}, 10, ADDRESS_LINK_LOCAL, 0},
    {{0xfe, 0xc0}, 10, ADDRESS_PRIVATE, 0}, /* site-local of old */
    {{0xfc}, 7, ADDRESS_PRIVATE, 0},
    {{0xff}, 8, ADDRESS_MULTICAST, 0},
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(address, prefix, bits / 8) != 0) {
        return false;
    }
    return rest == 0 || (address[bits / 8] ^ prefix[bits / 8]) >> (8 - rest) == 0;
}

static enum address_class classify4(const uint8_t octets[4])
{
    for (size_t i = 0; i < ARRAY_SIZE(blocks4); i++) {
        if (has_prefix(octets, blocks4[i].octets, blocks4[i].bits)) {
            return blocks4[i].class;
        }
    }
    return ADDRESS_PUBLIC;
}

static enum address_class classify6(const uint8_t octets[16])
{
    for (size_t i = 0; i < ARRAY_SIZE(blocks6); i++) {
        const struct block6 *block = &blocks6[i];

        if (has_prefix(octets, block->octets, block->bits)) {
            return block->embedded ? classify4(octets + block->embedded) : block->class;
        }
    }
    return ADDRESS_PUBLIC;
}

enum address_class address_classify(const struct sockaddr *address, size_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint8_t octets[16];

    if (size >= sizeof(v4) && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        memcpy(octets, &v4.sin_addr, 4);
        return classify4(octets);
    }
    if (size >= sizeof(v6) && address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        memcpy(octets, &v6.sin6_addr, 16);
        return classify6(octets);
    }
    return ADDRESS_STRANGE;
}

const char *address_class_words(enum address_class class)
{
    static const char *const words[ADDRESS_CLASSES] = {
        [ADDRESS_PUBLIC] = "a public address",
        [ADDRESS_PRIVATE] = "a private address",
        [ADDRESS_LOOPBACK] = "a loopback address",
        [ADDRESS_LINK_LOCAL] = "a link-local address",
        [ADDRESS_METADATA] = "a cloud metadata address",
        [ADDRESS_UNSPECIFIED] = "an unspecified address",
        [ADDRESS_MULTICAST] = "a multicast address",
        [ADDRESS_BROADCAST] = "a broadcast address",
        [ADDRESS_STRANGE] = "an address that is neither IPv4 nor IPv6",
    };

    return words[class];
}

enum address_verdict address_judge(enum address_class class, enum address_class from,
                                   bool allow_loopback)
{
    bool may = class == ADDRESS_PUBLIC || class == ADDRESS_PRIVATE ||
               (class == ADDRESS_LOOPBACK && allow_loopback);

    if (!may) {
        return ADDRESS_FORBIDDEN;
    }
    return from == ADDRESS_PUBLIC && class != ADDRESS_PUBLIC ? ADDRESS_INWARD : ADDRESS_ALLOWED;
}

static bool is_localhost(const char *host, size_t size)
{
    static const char localhost[] = "localhost";
    size_t tail = sizeof(localhost) - 1;

    if (size < tail || strncasecmp(host + size - tail, localhost, tail) != 0) {
        return false;
    }
    return size == tail || host[size - tail - 1] == '.';
}

bool address_of_host(const char *host, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char text[HOST_MAX + 1];
    size_t size = strnlen(host, HOST_MAX + 1);

    if (size > HOST_MAX) {
        return false;
    }
    memcpy(text, host, size);
    text[size] = 0;
    if (size > 1 && text[size - 1] == '.') {
        text[--size] = 0;
    }
    memset(ret_address, 0, sizeof(*ret_address));
    if (is_localhost(text, size)) {
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(ret_address, &v4, sizeof(v4));
        return true;
    }
    if (inet_aton(text, &v4.sin_addr)) {
        memcpy(ret_address, &v4, sizeof(v4));
        return true;
    }
    text[strcspn(text, "%]")] = 0; /* a zone does not change the class */
    if (inet_pton(AF_INET6, text[0] == '[' ? text + 1 : text, &v6.sin6_addr) == 1) {
        memcpy(ret_address, &v6, sizeof(v6));
        return true;
    }
    return false;
}

void address_put(struct buf *buf, const struct sockaddr *address, size_t size, bool port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char text[INET6_ADDRSTRLEN] = "?";
    int number = 0;
    bool brackets = false;

    if (size >= sizeof(v4) && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
        number = ntohs(v4.sin_port);
    } else if (size >= sizeof(v6) && address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
        number = ntohs(v6.sin6_port);
        brackets = port;
    }
    buf_put_text(buf, brackets ? "[" : "");
    buf_put_text(buf, text);
    buf_put_text(buf, brackets ? "]" : "");
    if (port) {
        buf_put_byte(buf, ':');
        buf_put_int(buf, number);
    }
}
