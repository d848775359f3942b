/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which HTTP proxy a request goes through. The rules are those of curl; they are applied here
 * because the address rules must know beforehand whether a connection is to a proxy. */

#include <stdbool.h>

/* The proxy for @scheme ("http", "https") and @host, or "" for none.
 *
 * @configured NULL: http_proxy (lower case only: HTTP_PROXY is what a CGI script gets from its
 * client), https_proxy, HTTPS_PROXY, then all_proxy, ALL_PROXY of the environment. @configured "":
 * none. Hosts in no_proxy or NO_PROXY need none either way. @environment is getenv(). */
const char *proxy_choose(const char *configured, const char *scheme, const char *host,
                         char *(*environment)(const char *name));

/* Is @host in @list, as no_proxy has it: "*", or names (a name also stands for all under it, a
 * leading dot changes nothing), addresses and blocks like 10.0.0.0/8, between commas or spaces? */
bool proxy_list_has(const char *list, const char *host);
