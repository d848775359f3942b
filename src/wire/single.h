/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The few fields of a DER answer that publishers need: how servers name it and when it ends.
 * Not a check of anything: what is published has been judged before (pki/response). */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* One SingleResponse (RFC 6960 4.2.1); slices into the answer. */
struct single {
    struct slice certid;      /* CertID with header: HAProxy's key of the entry */
    struct slice next_update; /* the octets "YYYYMMDDHHMMSSZ"; empty when absent */
    int64_t this_update_s;
    int64_t next_update_s; /* INSTANT_NEVER when absent */
    bool revoked;          /* certStatus says so */
};

/* The single with this @index (from 0). False when there is none or @der is no answer. */
bool single_read(struct slice der, unsigned index, struct single *ret_single);

/* The content of serialNumber, the last part of a CertID; empty when it is none. */
struct slice single_serial(struct slice certid);
