/* SPDX-License-Identifier: Apache-2.0 */
#include "io/proxy.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define TOKEN_MAX 255

/* @text without the brackets of an IPv6 host and without the dot behind a full name. */
static size_t copy_host(char *to, const char *text, size_t size)
{
    if (size && text[0] == '[') {
        text++;
        size--;
    }
    if (size && (text[size - 1] == ']' || text[size - 1] == '.')) {
        size--;
    }
    size = size > TOKEN_MAX ? 0 : size;
    memcpy(to, text, size);
    to[size] = 0;
    return size;
}

static size_t read_address(const char *text, uint8_t ret_octets[16])
{
    if (inet_pton(AF_INET, text, ret_octets) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, ret_octets) == 1 ? 16 : 0;
}

static bool read_bits(const char *text, unsigned most, unsigned *ret_bits)
{
    unsigned bits = 0;

    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || bits > most) {
            return false;
        }
        bits = bits * 10 + (unsigned)(*text - '0');
    }
    *ret_bits = bits;
    return bits <= most;
}

static bool block_has(char *token, const uint8_t *host, size_t host_size)
{
    uint8_t octets[16];
    char *slash = strchr(token, '/');
    unsigned bits = (unsigned)host_size * 8;

    if (slash) {
        *slash = 0;
    }
    if (read_address(token, octets) != host_size ||
        (slash && !read_bits(slash + 1, (unsigned)host_size * 8, &bits))) {
        return false;
    }
    for (unsigned i = 0; i < bits; i++) {
        if ((octets[i / 8] ^ host[i / 8]) & (0x80 >> i % 8)) {
            return false;
        }
    }
    return true;
}

static bool name_has(const char *token, size_t size, const char *host, size_t host_size)
{
    if (*token == '.') {
        token++;
        size--;
    }
    if (size == 0 || host_size < size || strcasecmp(host + host_size - size, token) != 0) {
        return false;
    }
    return host_size == size || host[host_size - size - 1] == '.';
}

bool proxy_list_has(const char *list, const char *host)
{
    char name[TOKEN_MAX + 1], token[TOKEN_MAX + 1];
    uint8_t octets[16];
    size_t size = copy_host(name, host, strlen(host)), address_size = read_address(name, octets);

    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ", \t"), token_size = copy_host(token, at, length);

        if (strcmp(token, "*") == 0) {
            return true;
        }
        if (address_size ? block_has(token, octets, address_size)
                         : name_has(token, token_size, name, size)) {
            return true;
        }
        at += length;
        at += strspn(at, ", \t");
    }
    return false;
}

static const char *first_set(char *(*environment)(const char *name), const char *const *names)
{
    for (; *names; names++) {
        const char *value = environment(*names);

        if (value && *value) {
            return value;
        }
    }
    return "";
}

const char *proxy_choose(const char *configured, const char *scheme, const char *host,
                         char *(*environment)(const char *name))
{
    static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                            NULL};
    static const char *const except[] = {"no_proxy", "NO_PROXY", NULL};
    bool https = strcasecmp(scheme, "https") == 0;
    const char *proxy = configured;

    if (!proxy) {
        proxy = first_set(environment, https ? for_https : for_http);
    }
    if (!*proxy || proxy_list_has(first_set(environment, except), host)) {
        return "";
    }
    return proxy;
}
