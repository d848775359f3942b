/* SPDX-License-Identifier: Apache-2.0 */

/* Servers that read the staple from a file: hitch, lighttpd, Exim, dnsdist, and any other. */

#include <string.h>

#include "cli/setup.h"

/* The file that lines about @named belong to. */
static const char *file_of(const struct setup *setup, const struct dump_cert *named)
{
    if (named) {
        return named->file;
    }
    return setup->server.config_count ? setup->server.configs[0]
           : *setup->traits->configs  ? setup->traits->configs[0]
                                      : "shell";
}

static const struct dump_cert *find_named(const struct setup *setup, const struct setup_cert *cert)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < dump->cert_count; i++) {
        if (text_equal(dump->certs[i].path, cert->path)) {
            return &dump->certs[i];
        }
    }
    return NULL;
}

/* What stands between quotation marks, in an expansion or in Lua must not end there. */
static bool is_odd(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._+@=,-";

    return name[strspn(name, plain)] != 0;
}

/* Refuses the certificates whose staples' names cannot be written down. True when there are some.
 */
static bool refuse_odd(struct setup *setup, struct page *page)
{
    bool found = false;

    for (size_t i = 0; i < setup->cert_count; i++) {
        struct setup_cert *cert = &setup->certs[i];

        if (!setup_could(cert) || !is_odd(cert->name)) {
            continue;
        }
        if (!found) {
            page_block(page, "shell", "# ");
        }
        found = true;
        page_say(page,
                 "REFUSED: the name of %s has characters that the server's configuration takes for "
                 "its own: rename the file.",
                 cert->path);
        setup_refuse(setup, cert);
    }
    return found;
}

/* A server that is not root when it reads a staple must be let into the folder. */
static void put_access(const struct setup *setup, struct page *page)
{
    const char *user = setup->inventory.dump->values[DUMP_USER];

    if (setup->own_state) {
        page_say(page,
                 "%s's user%s%s must be let into %s, where clinch puts the staples (`chmod "
                 "o+x %s`, or its group).",
                 setup->traits->title, user ? " " : "", user ? user : "", buf_text(&setup->folder),
                 setup->config->state_dir);
    }
}

void setup_hitch_put(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;
    const char *folder = dump->values[DUMP_OCSP_DIR];
    const char *file = dump->main_file ? dump->main_file : file_of(setup, NULL);

    page_block(page, file, "# ");
    if (folder && text_equal(folder, buf_text(&setup->folder))) {
        page_say(page, "ocsp-dir is set already (line %u).", dump->value_lines[DUMP_OCSP_DIR]);
    } else if (folder) {
        page_say(page, "Instead of the ocsp-dir in line %u:", dump->value_lines[DUMP_OCSP_DIR]);
    }
    page_say(page,
             "hitch finds a staple here by the MD5 of the certificate's path, exactly as the path "
             "stands in this file and in clinch.yaml. WARNING: hitch also asks responders by "
             "itself, and tries to write here: it must not be allowed to.");
    put_access(setup, page);
    page_put(page, "ocsp-dir = \"%s\"\n", buf_text(&setup->folder));
    for (size_t i = 0; i < dump->cert_count; i++) {
        if (dump->certs[i].staple && setup_find(setup, dump->certs[i].path)) {
            page_say(
                page,
                "FIRST remove ocsp-resp-file of %s (%s:%u): it goes before, and hitch does not "
                "start when it is missing.",
                dump->certs[i].path, dump->certs[i].file, dump->certs[i].line);
        }
    }
    if (setup->own_state) {
        page_block(page, "shell", "# ");
        page_say(page, "Once: a hitch that does not find the folder at its start staples nothing.");
        page_put(page, "mkdir -p ");
        page_quote_shell(&page->out, buf_text(&setup->folder));
        page_put(page, "\n");
    } else {
        page_block(page, "/etc/systemd/system/hitch.service.d/clinch.conf", "# ");
        page_say(
            page,
            "/run is empty after a boot, and a hitch that does not find the folder at its start "
            "staples nothing until the next one.");
        page_put(page, "[Unit]\nWants=clinch.service\nAfter=clinch.service\n");
    }
    setup_put_door(setup, page);
}

void setup_hitch_targets(struct setup *setup, struct page *page, bool only)
{
    page_put(page, "  - hitch: ");
    page_quote_yaml(&page->out, buf_text(&setup->folder));
    page_put(page, "\n    # hitch sees what is replaced by itself; only withdrawals need this.\n");
    setup_put_told(setup, page, "reload", NULL);
    setup_put_only(setup, page, 1, only);
}

void setup_hitch_reload(const struct setup *setup, struct buf *command)
{
    (void)setup;
    buf_put_text(command, "systemctl restart hitch");
}

void setup_lighttpd_targets(struct setup *setup, struct page *page, bool only)
{
    for (unsigned group = 1; group <= setup->groups; group++) {
        setup_put_template(setup, page, group);
        setup_put_told(setup, page, "reload", NULL);
        setup_put_only(setup, page, group, only);
    }
}

/* "dnsdist -C FILE": without what the running one was started with. */
static void put_dnsdist(struct buf *to, const struct setup *setup)
{
    struct found_server server = setup->server;

    server.argument_count = 0;
    inventory_put_program(to, &server);
    if (server.config_count && !text_equal(server.configs[0], setup->traits->configs[0])) {
        buf_put_text(to, " -C ");
        page_quote_shell(to, server.configs[0]);
    }
}

void setup_dnsdist_targets(struct setup *setup, struct page *page, bool only)
{
    struct buf reload = BUF_INIT(65536);

    put_dnsdist(&reload, setup);
    buf_put_text(&reload, " -c -e 'reloadAllCertificates()'");
    for (unsigned group = 1; group <= setup->groups; group++) {
        setup_put_template(setup, page, group);
        page_put(page, "    reload: ");
        page_quote_yaml(&page->out, buf_text(&reload));
        page_put(page, "\n");
        setup_put_told(setup, page, "restart", NULL);
        setup_put_only(setup, page, group, only);
    }
    buf_deinit(&reload);
}

void setup_lighttpd_put(struct setup *setup, struct page *page)
{
    refuse_odd(setup, page);
    for (size_t i = 0; i < setup->cert_count; i++) {
        const struct setup_cert *cert = &setup->certs[i];
        const struct dump_cert *named = find_named(setup, cert);
        struct buf staple = BUF_INIT(16384);

        if (setup_could(cert) && !cert->refused) {
            setup_put_staple(&staple, setup, cert);
            page_block(page, file_of(setup, named), "# ");
            if (named) {
                page_say(page, "Beside ssl.pemfile = \"%s\", line %u%s:", cert->path, named->line,
                         named->staple ? ", instead of the ssl.stapling-file there" : "");
            } else {
                page_say(page, "Beside ssl.pemfile = \"%s\":", cert->path);
            }
            put_access(setup, page);
            page_put(page, "ssl.stapling-file = \"%s\"\n", buf_text(&staple));
        }
        buf_deinit(&staple);
    }
    setup_put_door(setup, page);
}

/* Exim takes a file that has ended, is missing or revoked for a reason to refuse STARTTLS to
 * everybody. The file's mtime is the end of its life: behind it, or without file, no staple. The
 * same goes for an empty place in a list, so each is named only behind those before it. */
static void put_expansion(const struct setup *setup, struct page *page, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf staple = BUF_INIT(16384);
        const char *path;

        setup_put_staple(&staple, setup, &setup->certs[i]);
        path = buf_text(&staple);
        page_put(page,
                 "${if and{{exists{%s}}\\\n"
                 "    {>{${extract{mtime}{${stat:%s}}}}{$tod_epoch}}}\\\n"
                 "    {%s%s",
                 path, path, i ? ":" : "", path);
        buf_deinit(&staple);
    }
    for (size_t i = 0; i < count; i++) {
        page_put(page, "}}");
    }
    page_put(page, "\n");
}

/* How many of the list may have a staple: those behind one that has none never are shown. */
static size_t count_list(const struct setup *setup)
{
    size_t count = 0;

    while (count < setup->cert_count && setup_could(&setup->certs[count])) {
        count++;
    }
    return count;
}

/* The list must be that of tls_certificate, place by place. */
static bool refuse_part(struct setup *setup, struct page *page, const char *file)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < dump->cert_count; i++) {
        if (i >= setup->cert_count || !text_equal(dump->certs[i].path, setup->certs[i].path)) {
            page_block(page, file, "# ");
            page_say(page, "REFUSED: tls_certificate is a list, and tls_ocsp_file must have the "
                           "same order: name all of them, as they stand there, or none.");
            setup_refuse_all(setup);
            return true;
        }
    }
    return false;
}

void setup_exim_put(struct setup *setup, struct page *page)
{
    const struct dump_cert *named = setup->cert_count ? find_named(setup, &setup->certs[0]) : NULL;
    size_t count = count_list(setup);

    if (refuse_odd(setup, page)) { /* the list is one of all */
        setup_refuse_all(setup);
        return;
    }
    if (!count || refuse_part(setup, page, file_of(setup, named))) {
        return;
    }
    page_block(page, file_of(setup, named), "# ");
    page_say(
        page,
        "In the main section, which ends at the first `begin`%s. In this form a clinch that is "
        "dead leads to no staple; the plain path of a staple that has ended would make STARTTLS "
        "fail for everybody.",
        named && named->staple ? ", instead of the tls_ocsp_file there" : "");
    if (count > 1) {
        page_say(page,
                 "The order is that of tls_certificate: a staple is shown only when all before "
                 "it are there.");
    }
    if (count < setup->cert_count) {
        page_say(page,
                 "WARNING: there is no staple for %s, so none can be shown for what stands behind "
                 "it in the list: put it last.",
                 setup->certs[count].path);
    }
    put_access(setup, page);
    page_put(page, "tls_ocsp_file = ");
    put_expansion(setup, page, count);
}

/* dnsdist does not start with a staple that is missing or has ended. The third of an answer's times
 * is its nextUpdate: producedAt, thisUpdate, nextUpdate. */
static const char dnsdist_function[] =
    "function clinchStaples(paths)\n"
    "  local staples = {}\n"
    "  for i, path in ipairs(paths) do\n"
    "    local file = io.open(path, 'rb')\n"
    "    local der = file and file:read('*a') or ''\n"
    "    if file then file:close() end\n"
    "    local times = {}\n"
    "    for time in der:gmatch('\\24\\15(%d%d%d%d%d%d%d%d%d%d%d%d%d%d)Z') do\n"
    "      times[#times + 1] = time\n"
    "    end\n"
    "    if not times[3] or times[3] <= os.date('!%Y%m%d%H%M%S') then return nil end\n"
    "    staples[i] = path\n"
    "  end\n"
    "  return staples\n"
    "end\n";

static void put_call(struct setup *setup, struct page *page, const struct dump_block *block)
{
    bool begun = false;

    page_say(page,
             "In the options, the braces at the end, of the call in line %u (%s):", block->line,
             block->site);
    page_put(page, "ocspResponses=clinchStaples({");
    for (size_t i = 0; i < block->count; i++) {
        const struct setup_cert *cert =
            setup_find(setup, setup->inventory.dump->certs[block->first + i].path);
        struct buf staple = BUF_INIT(16384);

        if (cert) {
            setup_put_staple(&staple, setup, cert);
            page_put(page, "%s\"%s\"", begun ? ", " : "", buf_text(&staple));
            begun = true;
        }
        buf_deinit(&staple);
    }
    page_put(page, "}),\n");
}

static bool is_wanted(const struct setup *setup, const struct dump_block *block)
{
    bool wanted = block->count > 0;

    for (size_t i = 0; i < block->count; i++) {
        const struct setup_cert *cert =
            setup_find(setup, setup->inventory.dump->certs[block->first + i].path);

        wanted &= cert && !cert->refused;
    }
    return wanted;
}

void setup_dnsdist_put(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;
    const char *file = dump->main_file ? dump->main_file : file_of(setup, NULL);

    refuse_odd(setup, page);
    page_block(page, file, "-- ");
    page_say(
        page,
        "Near the top. dnsdist does not start with a staple that is missing or has ended: this "
        "leaves such a one out. It keeps what it has found at its start: the first staple and a "
        "withdrawal take a restart. Newer ones take a word on its console, which must be open: "
        "controlSocket(\"127.0.0.1:5199\") and setKey(\"...\"), made by makeKey() there%s.",
        setup_is_apart(setup) ? "; and clinch must be able to read this file, for that key" : "");
    put_access(setup, page);
    page_put(page, "%s", dnsdist_function);
    for (size_t i = 0; i < dump->block_count; i++) {
        if (is_wanted(setup, &dump->blocks[i])) {
            page_block(page, dump->blocks[i].file, "-- ");
            put_call(setup, page, &dump->blocks[i]);
        }
    }
    for (size_t i = 0; i < setup->cert_count; i++) {
        struct buf staple = BUF_INIT(16384);

        if (!find_named(setup, &setup->certs[i]) && !setup->certs[i].refused) {
            page_block(page, file, "-- ");
            page_say(page, "In the options, the last braces, of the call that names %s:",
                     setup->certs[i].path);
            setup_put_staple(&staple, setup, &setup->certs[i]);
            page_put(page, "ocspResponses=clinchStaples({\"%s\"}),\n", buf_text(&staple));
        }
        buf_deinit(&staple);
    }
    setup_put_door(setup, page);
}

void setup_dnsdist_reload(const struct setup *setup, struct buf *command)
{
    put_dnsdist(command, setup);
    buf_put_text(command, " --check-config && systemctl restart dnsdist");
}

void setup_file_put(struct setup *setup, struct page *page)
{
    page_block(page, "shell", "# ");
    page_say(page,
             "The staple (DER) of each certificate, for a server that takes one from a file. Find "
             "out what that does when the file is missing or has ended; where it must be told of a "
             "new one, add `reload: systemctl reload SERVER` below.");
    put_access(setup, page);
    for (size_t i = 0; i < setup->cert_count; i++) {
        struct buf staple = BUF_INIT(16384);

        if (setup_could(&setup->certs[i])) {
            setup_put_staple(&staple, setup, &setup->certs[i]);
            page_say(page, "%s: %s", setup->certs[i].path, buf_text(&staple));
        }
        buf_deinit(&staple);
    }
}
