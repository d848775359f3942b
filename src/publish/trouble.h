/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What does not reach a server now, a sentence for each as it was told in the log. The strings are
 * good until the loop runs on. */

enum publish_trouble_kind {
    TROUBLE_FILE,    /* cannot be written or removed */
    TROUBLE_COMMAND, /* fails */
    TROUBLE_HAPROXY, /* a socket does not answer, or certificates are not taken there */
    TROUBLE_KINDS,
};

struct publish_trouble {
    enum publish_trouble_kind kind;
    const char *where; /* the file, the command, the socket's address */
    const char *fault; /* NULL: like others, and not told one by one */
    unsigned more;     /* certificates at that socket besides the one in @fault */
};
