/* SPDX-License-Identifier: Apache-2.0 */

/* Servers that fetch a staple themselves: h2o and nghttpx by a command, for which clinch offers its
 * own, and Apache, which takes none but from the preload library. */

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/setup.h"

#define WRAPPER "clinch-staple"

/* Beside clinch.yaml: a folder that only root writes in. */
static void put_wrapper_path(struct buf *to, const struct setup *setup)
{
    const char *slash = strrchr(setup->config_path, '/');

    buf_put(to, setup->config_path, (size_t)(slash - setup->config_path) + 1);
    buf_put_text(to, WRAPPER);
}

/* Whose the command is; NULL: root's, since nghttpx stays what it was started as. */
static const char *user_of(const struct setup *setup)
{
    const char *user = setup->inventory.dump->values[DUMP_USER];

    return user ? user : setup->kind == DUMP_H2O ? "debian-h2o" : NULL;
}

/* Both give the command one argument, the certificate's path, and take no other. */
static void put_wrapper(const struct setup *setup, struct page *page, const char *path)
{
    const char *user = user_of(setup);
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    struct buf program = BUF_INIT(8192), state = BUF_INIT(16384);

    own[size > 0 ? size : 0] = 0;
    page_quote_shell(&program, size > 0 ? own : "/usr/bin/clinch");
    page_quote_shell(&state, setup->config->state_dir);
    page_block(page, path, "# ");
    page_put(page, "#!/bin/sh\n");
    page_say(page,
             "%s calls this with the path of a certificate. Nothing on standard output and 0: "
             "staple nothing, ask again. 75: keep what you have, ask again; h2o never asks again "
             "at any other code.",
             setup->traits->title);
    page_put(page, "[ -x %s ] || exit 0\n", buf_text(&program));
    page_put(page, "timeout 10 %s staple --or-empty --state %s \"$1\" || exit 75\n",
             buf_text(&program), buf_text(&state));
    page_block(page, "shell", "# ");
    page_say(page,
             user ? "Once. %s's user must be allowed to read the staples that clinch keeps."
                  : "Once.",
             setup->traits->title);
    page_put(page, "chmod 755 ");
    page_quote_shell(&page->out, path);
    page_put(page, "\n");
    if (!setup->own_state && user) {
        page_put(page, "usermod -a -G clinch ");
        page_quote_shell(&page->out, user);
        page_put(page, "\n");
    }
    buf_deinit(&program);
    buf_deinit(&state);
}

static void h2o_put_block(struct setup *setup, struct page *page, const struct setup_cert *cert,
                          const char *wrapper)
{
    const struct dump *dump = setup->inventory.dump;
    const struct dump_cert *named = NULL;
    const char *file = dump->main_file              ? dump->main_file
                       : setup->server.config_count ? setup->server.configs[0]
                                                    : setup->traits->configs[0];
    unsigned flags = DUMP_STAPLES;

    for (size_t i = 0; i < dump->block_count; i++) {
        const struct dump_cert *of = &dump->certs[dump->blocks[i].first];

        if (dump->blocks[i].count && text_equal(of->path, cert->path)) {
            named = of;
            flags = dump->blocks[i].flags;
        }
    }
    page_block(page, named ? named->file : file, "# ");
    if (named) {
        page_say(page, "In the `ssl:` that has certificate-file %s, line %u, indented like that%s:",
                 cert->path, named->line,
                 named->staple || flags & DUMP_STAPLES_NEVER
                     ? ", instead of the ocsp-update lines there"
                     : ", instead of h2o's own fetching");
    } else {
        page_say(page,
                 "In the `ssl:` that has certificate-file %s, indented like that:", cert->path);
    }
    if (flags & DUMP_STAPLES) {
        page_say(page, "WARNING: without them h2o staples by itself: that is its default.");
    }
    page_put(page, "ocsp-update-cmd: ");
    page_quote_yaml(&page->out, wrapper);
    page_put(page, "\nocsp-update-interval: 60\n");
}

void setup_h2o_put(struct setup *setup, struct page *page)
{
    struct buf wrapper = BUF_INIT(8192);

    put_wrapper_path(&wrapper, setup);
    put_wrapper(setup, page, buf_text(&wrapper));
    for (size_t i = 0; i < setup->cert_count; i++) {
        if (setup_could(&setup->certs[i])) {
            h2o_put_block(setup, page, &setup->certs[i], buf_text(&wrapper));
        }
    }
    buf_deinit(&wrapper);
}

void setup_nghttpx_put(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;
    struct buf wrapper = BUF_INIT(8192);

    put_wrapper_path(&wrapper, setup);
    put_wrapper(setup, page, buf_text(&wrapper));
    page_block(page,
               dump->main_file              ? dump->main_file
               : setup->server.config_count ? setup->server.configs[0]
                                            : setup->traits->configs[0],
               "# ");
    if (dump->values[DUMP_COMMAND]) {
        page_say(page, "Instead of the fetch-ocsp-response-file in line %u.",
                 dump->value_lines[DUMP_COMMAND]);
    }
    if (dump->flags & DUMP_STAPLES_NEVER) {
        page_say(page, "FIRST remove no-ocsp.");
    } else if (!dump->values[DUMP_COMMAND]) {
        page_say(page, "WARNING: nghttpx staples by itself as it is (that is its default): these "
                       "lines take the place of that.");
    }
    page_say(
        page,
        "no-verify-ocsp: clinch has checked the staple; nghttpx checks it against the system's "
        "trust store, which refuses those of a private CA, and keeps showing one that was "
        "withdrawn. (Or cacert=CA.pem: then a withdrawal takes a restart.)");
    page_put(page, "fetch-ocsp-response-file=%s\nocsp-update-interval=60\nocsp-startup=yes\n",
             buf_text(&wrapper));
    if (!(dump->flags & DUMP_UNVERIFIED)) {
        page_put(page, "no-verify-ocsp=yes\n");
    }
    buf_deinit(&wrapper);
}

void setup_apache_put(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;

    setup_preload_put(setup, page);
    page_say(page, "It reads no certificate anew without its own reload, as before; staples need "
                   "none.");
    if (!dump->values[DUMP_COMMAND]) {
        return;
    }
    page_block(page, dump->value_files[DUMP_COMMAND], "# ");
    page_say(page,
             "Apache staples by itself already (SSLUseStapling on, line %u): with the library only "
             "where clinch has nothing to staple. These lines belong there and keep the worst "
             "away: no made-up errors, and what is withdrawn or new is seen within 5 minutes.",
             dump->value_lines[DUMP_COMMAND]);
    page_put(page, "SSLStaplingReturnResponderErrors off\n"
                   "SSLStaplingFakeTryLater off\n"
                   "SSLStaplingStandardCacheTimeout 300\n"
                   "SSLStaplingErrorCacheTimeout 60\n"
                   "SSLStaplingResponderTimeout 2\n");
}
