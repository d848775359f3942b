/* SPDX-License-Identifier: Apache-2.0 */

/* HAProxy takes staples over its runtime socket; for its next start it reads X.pem.ocsp beside
 * X.pem, where clinch does not write: a symbolic link, made once, leads to where it does. */

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/setup.h"
#include "wire/haproxy.h"

void setup_haproxy_open(struct setup *setup)
{
    char number[16] = "";

    if (setup->instance > 1) {
        snprintf(number, sizeof(number), "-%u", setup->instance);
    }
    snprintf(setup->new_socket, sizeof(setup->new_socket), "/run/haproxy/admin%s.sock", number);
}

static const char *socket_of(const struct setup *setup)
{
    return setup->inventory.socket.size ? buf_text(&setup->inventory.socket) : setup->new_socket;
}

/* There is a socket that clinch can do everything with. */
static bool is_open(const struct inventory *inventory)
{
    return inventory->has_level && inventory->level == DUMP_LEVEL_ADMIN;
}

static void put_socket(struct setup *setup, struct page *page)
{
    const struct inventory *inventory = &setup->inventory;
    const char *file = inventory->dump->main_file   ? inventory->dump->main_file
                       : setup->server.config_count ? setup->server.configs[0]
                                                    : setup->traits->configs[0];
    const char *address = socket_of(setup);

    if (is_open(inventory)) {
        return;
    }
    page_block(page, file, "# ");
    if (inventory->has_level && inventory->settings.size) {
        page_say(
            page,
            "In `global`, instead of the stats socket in %s, whose level is too low: `user` is "
            "enough to replace staples, `admin` is needed to create entries and to withdraw.",
            buf_text(&inventory->settings));
    } else {
        page_say(page,
                 "In `global`: clinch hands its staples over here. Level `user` would be enough to "
                 "replace staples, `admin` is needed to create entries and to withdraw.");
    }
    if (!setup_is_apart(setup)) {
        page_say(page, "Where clinch runs as a user of its own: mode 660 and `group clinch`.");
    }
    page_put(page, "stats socket %s%s%s level admin\n", address[0] == '/' ? "" : "ipv4@", address,
             address[0] == '/' && setup_is_apart(setup) ? " mode 660 group clinch" : "");
}

void setup_haproxy_reload(const struct setup *setup, struct buf *command)
{
    if (!is_open(&setup->inventory)) {
        buf_put_text(command, "systemctl reload haproxy");
    }
}

static bool put_refusal(struct setup *setup, struct page *page, struct setup_cert *cert)
{
    if (!haproxy_path_usable(cert->path)) {
        page_say(page,
                 "REFUSED: the path %s has characters that HAProxy's socket takes for its own: "
                 "rename the file.",
                 cert->path);
    } else if (setup_leaf(cert) && !setup_has_issuer(setup, cert)) {
        page_say(page,
                 "REFUSED: %s lacks its issuer, and HAProxy staples nothing without: append the "
                 "issuer's certificate, or put it beside as %s.issuer.",
                 cert->path, cert->path);
    } else {
        return false;
    }
    setup_refuse(setup, cert);
    return true;
}

static void put_link(const struct setup *setup, struct page *page, const struct setup_cert *cert)
{
    struct buf place = BUF_INIT(16384), staple = BUF_INIT(16384);
    struct stat info;

    buf_put_text(&place, cert->path);
    buf_put_text(&place, ".ocsp");
    setup_put_staple(&staple, setup, cert);
    if (!lstat(buf_text(&place), &info)) {
        if (!S_ISLNK(info.st_mode)) {
            page_say(page, "NOTE: %s is there already: whatever writes it must end.",
                     buf_text(&place));
        }
        page_put(page, "ln -sf ");
    } else {
        page_put(page, "ln -s ");
    }
    page_quote_shell(&page->out, buf_text(&staple));
    page_put(page, " ");
    page_quote_shell(&page->out, buf_text(&place));
    page_put(page, "\n");
    buf_deinit(&place);
    buf_deinit(&staple);
}

static void put_update(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < dump->block_count; i++) {
        if (dump->blocks[i].flags & DUMP_STAPLES) {
            page_say(page,
                     "WARNING: HAProxy also fetches staples by itself (ocsp-update, %s:%u), and "
                     "overwrites those of clinch: take that out.",
                     dump->blocks[i].file, dump->blocks[i].line);
            return;
        }
    }
}

/* A clinch that is not root must be of the socket's group. */
static void put_group(const struct setup *setup, struct page *page)
{
    const char *address = socket_of(setup);
    struct stat info;
    const struct group *group;

    if (!setup_is_apart(setup) || !is_open(&setup->inventory) || stat(address, &info) ||
        info.st_mode & S_IWOTH) {
        return;
    }
    group = info.st_mode & S_IWGRP && info.st_gid ? getgrgid(info.st_gid) : NULL;
    page_block(page, "/etc/systemd/system/clinch.service.d/haproxy.conf", "# ");
    if (!group) {
        page_say(page,
                 "WARNING: only root may connect to %s: add `mode 660 group clinch` to its `stats "
                 "socket` line.",
                 address);
        return;
    }
    page_say(page, "clinch is not root: the group of %s lets it in.", address);
    page_put(page, "[Service]\nSupplementaryGroups=%s\n", group->gr_name);
    page_block(page, "shell", "# ");
    page_put(page, "systemctl daemon-reload\n");
}

void setup_haproxy_put(struct setup *setup, struct page *page)
{
    put_socket(setup, page);
    put_group(setup, page);
    page_block(page, "shell", "# ");
    put_update(setup, page);
    page_say(page,
             "Once: what HAProxy reads beside each certificate at its start. clinch itself never "
             "writes in a folder with private keys. Link to nothing while there is no staple.");
    for (size_t i = 0; i < setup->cert_count; i++) {
        struct setup_cert *cert = &setup->certs[i];

        if (setup_could(cert) && !put_refusal(setup, page, cert)) {
            put_link(setup, page, cert);
        }
    }
}

void setup_haproxy_targets(struct setup *setup, struct page *page, bool only)
{
    for (unsigned group = 1; group <= setup->groups; group++) {
        struct buf template = BUF_INIT(16384);

        setup_put_folder(&template, setup, group);
        buf_put_text(&template, "/{file}.ocsp");
        page_put(page, "  - haproxy: ");
        page_quote_yaml(&page->out, socket_of(setup));
        page_put(page, "\n    ocsp: ");
        page_quote_yaml(&page->out, buf_text(&template));
        page_put(page, "\n");
        setup_put_only(setup, page, group, only);
        buf_deinit(&template);
    }
}
