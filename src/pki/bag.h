/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a caIssuers URL sends. RFC 5280 4.2.2.1: "Conforming applications that support HTTP or FTP
 * for accessing certificates MUST be able to accept individual DER encoded certificates and SHOULD
 * be able to accept 'certs-only' CMS messages." */

#include "base/bytes.h"

#define BAG_MAX 16

/* The certificates in @body, as slices of it: itself when it is one certificate, those of a
 * certs-only PKCS#7, or none. Their number; more than BAG_MAX are left. */
unsigned bag_read(struct slice body, struct slice ret_certs[BAG_MAX]);
