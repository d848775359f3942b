/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a server was handed and has taken, as far as can be known without asking it as a client
 * would. */

#include "conf/config.h"
#include "core/facts.h"

enum handed_what {
    HANDED_STAPLE,
    HANDED_NOTHING, /* the staple was withdrawn: it is to show none */
    HANDED_GONE,    /* the certificate is not there any more; whatever it shows is right */
};

/* Borrowed for the call. */
struct handed {
    const struct target_config *target; /* with `verify` */
    enum handed_what what;
    const uint8_t *leaf_sha256;
    const char *name; /* of the certificate, cert_facts.name */
    const char *path; /* of a file that it lies in; NULL: of none any more */
    struct slice der; /* HANDED_STAPLE: as handed over */
    int64_t next_update_s;
    int64_t hidden_s; /* so long before that the server itself stops showing it */
    bool told;        /* it was told to take it; else it looks by itself now and then */
};
