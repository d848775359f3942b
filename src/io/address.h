/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What sort of network address this is, and whether a URL out of a certificate may lead to it.
 * Pure: nothing is resolved or asked. */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/bytes.h"

enum address_class {
    ADDRESS_PUBLIC,
    ADDRESS_PRIVATE, /* RFC 1918, RFC 6598, fc00::/7 and other blocks not routed outside */
    ADDRESS_LOOPBACK,
    ADDRESS_LINK_LOCAL,  /* 169.254/16 and fe80::/10 */
    ADDRESS_METADATA,    /* where clouds hand out credentials, outside link-local */
    ADDRESS_UNSPECIFIED, /* 0.0.0.0/8 and :: (Linux takes them for this machine) */
    ADDRESS_MULTICAST,
    ADDRESS_BROADCAST,
    ADDRESS_STRANGE, /* neither IPv4 nor IPv6 */
    ADDRESS_CLASSES,
};

/* An IPv6 address that carries an IPv4 address (mapped, compatible, translated, NAT64, 6to4) is of
 * the class of the IPv4 address. @size: octets at @address. */
enum address_class address_classify(const struct sockaddr *address, size_t size);

/* "a private address", "an unspecified address". */
const char *address_class_words(enum address_class class);

enum address_verdict {
    ADDRESS_ALLOWED,
    ADDRESS_FORBIDDEN, /* never, or loopback without allow_loopback */
    ADDRESS_INWARD,    /* redirected from a public address to one that is not */
};

/* @from: ADDRESS_STRANGE for a URL nobody redirected to. */
enum address_verdict address_judge(enum address_class class, enum address_class from,
                                   bool allow_loopback);

/* Reads @host, a URL's host part, when it names an address by itself: an IPv4 address in any
 * spelling inet_aton() takes, an IPv6 address with or without brackets and zone, also with a dot
 * behind; "localhost" and names under it are 127.0.0.1. False: it is a name. */
bool address_of_host(const char *host, struct sockaddr_storage *ret_address);

/* "192.0.2.1", "2001:db8::1"; with @port "192.0.2.1:80", "[2001:db8::1]:80". */
void address_put(struct buf *buf, const struct sockaddr *address, size_t size, bool port);
