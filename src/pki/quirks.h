/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What strict clients mind about the certificate of a delegate that libcrypto reads and trusts. */

#include "pki/cert.h"

/* enum delegate_quirk in bits. @cert is one that cert_read() took. */
unsigned quirks_of(const struct cert_view *cert);
