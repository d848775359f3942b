/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Templates of output paths: {dir} {file} {stem} {name} {sha256} {serial} of a certificate's place.
 * Never names out of a certificate: they are the tenant's to choose.
 *
 *   /etc/le/live/shop/fullchain.pem:  dir /etc/le/live/shop, file fullchain.pem, stem fullchain,
 *                                     name shop
 *   /etc/ssl/shop.pem:                dir /etc/ssl, file shop.pem, stem shop, name shop
 *   /etc/haproxy/shop.pem.rsa:        name shop.rsa
 *
 * {name} is the stem; or the folder's name where the file has a name that every certificate has
 * (fullchain, cert, tls, certificate); with the key type kept for HAProxy bundles (shop.rsa). */

#include "base/bytes.h"
#include "core/staple.h"

/* NULL when @text is a usable template, else what is wrong with it, for people: a clause that
 * follows the template ("has a brace that is not closed"). A template without '/' and {dir} is a
 * NAME, all others are paths. */
const char *template_check(const char *text);

/* Stricter: of a file (absolute or beginning with {dir}), of a NAME in a folder (no '/'). */
const char *template_check_path(const char *text);
const char *template_check_name(const char *text);

/* True when every certificate gets a path of its own by itself ({sha256} or {serial}). */
bool template_is_unique(const char *text);

/* The path for the certificate at @place, into @path (not cleared). @cert may be NULL when the
 * template is not unique; {sha256} and {serial} are then empty. */
void template_expand(struct buf *path, const char *text, struct place place,
                     const struct cert_facts *cert);
