/* SPDX-License-Identifier: Apache-2.0 */
#include "io/witness-private.h"

#define TEXT_MOST 300

const char *witness_finding_name(enum witness_finding finding)
{
    static const char *const names[WITNESS_FINDINGS] = {
        [WITNESS_RIGHT] = "right",     [WITNESS_NONE] = "none",
        [WITNESS_OLDER] = "older",     [WITNESS_OTHER] = "other",
        [WITNESS_FOREIGN] = "foreign", [WITNESS_JUNK] = "junk",
        [WITNESS_STILL] = "still",     [WITNESS_OTHER_CERT] = "other-certificate",
        [WITNESS_REFUSED] = "refused", [WITNESS_DOWN] = "down",
    };

    return names[finding];
}

void witness_put_cert(struct buf *out, const struct witness_item *item)
{
    buf_put_printable(out, slice_of_text(item->name[0] ? item->name : item->leaf_hex), TEXT_MOST);
    if (item->path[0]) {
        buf_put_text(out, " (");
        buf_put_printable(out, slice_of_text(item->path), 2 * TEXT_MOST);
        buf_put_byte(out, ')');
    }
}

static void put_until(struct buf *out, const struct witness_seen *seen)
{
    if (seen->this_update_s) {
        buf_put_text(out, " of ");
        buf_put_time(out, seen->this_update_s, ' ');
    }
    if (seen->this_update_s && seen->next_update_s != INSTANT_NEVER) {
        buf_put_text(out, ", good until ");
        buf_put_time(out, seen->next_update_s, ' ');
        buf_put_byte(out, ',');
    }
}

static void put_what(struct buf *out, const struct witness_seen *seen)
{
    static const char *const words[WITNESS_FINDINGS] = {
        [WITNESS_RIGHT] = "",
        [WITNESS_NONE] = "serves no staple",
        [WITNESS_OLDER] = "still serves an older staple",
        [WITNESS_OTHER] = "serves another staple",
        [WITNESS_FOREIGN] = "serves the staple of another certificate",
        [WITNESS_JUNK] = "serves a certificate status that is no OCSP answer",
        [WITNESS_STILL] = "still serves a staple",
        [WITNESS_OTHER_CERT] = "shows another certificate",
        [WITNESS_REFUSED] = "does not show it: ",
        [WITNESS_DOWN] = "is not to be reached: ",
    };

    buf_put_text(out, words[seen->finding]);
    put_until(out, seen);
    if (seen->detail) {
        buf_put_printable(out, slice_of_text(seen->detail), TEXT_MOST);
    }
}

/* What to do. */
static const char *fix_of(enum witness_finding finding)
{
    static const char *const fixes[WITNESS_FINDINGS] = {
        [WITNESS_NONE] = " although it was handed one: does its configuration take the staple?",
        [WITNESS_OLDER] = " than it was handed: was it reloaded?",
        [WITNESS_OTHER] =
            " than it was handed: does it also get staples by itself? Switch that off",
        [WITNESS_FOREIGN] = ": it needs a way to staple that tells its certificates apart",
        [WITNESS_JUNK] = ": does something else write where it reads its staples?",
        [WITNESS_STILL] = " although it was withdrawn: restart it",
        [WITNESS_OTHER_CERT] = " under that name: was it reloaded? A certificate that it is not to "
                               "show is kept from its entry by `only`",
        [WITNESS_REFUSED] = ": should another name be asked for (`verify: \"HOST:PORT NAME\"`)?",
    };

    return fixes[finding] ? fixes[finding] : "";
}

void witness_put_wrong(struct buf *out, const struct witness_server *server,
                       const struct witness_item *item, const struct witness_seen *seen)
{
    witness_put_cert(out, item);
    buf_put_text(out, ": ");
    buf_put_text(out, server->address);
    buf_put_byte(out, ' ');
    put_what(out, seen);
    buf_put_text(out, fix_of(seen->finding));
    buf_put_text(out, " (`clinch probe ");
    buf_put_text(out, server->address);
    if (item->asked) {
        buf_put_text(out, " --servername ");
        buf_put_text(out, item->asked);
    }
    if (server->starttls != STARTTLS_NONE) {
        buf_put_text(out, " --starttls ");
        buf_put_text(out, starttls_name(server->starttls));
    }
    buf_put_text(out, "` tells more)");
}
