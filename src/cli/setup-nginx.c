/* SPDX-License-Identifier: Apache-2.0 */

/* nginx takes one staple file for all certificates of a server block, whatever they are, and does
 * not start when the file is missing: so a snippet comes and goes with the staple, included by a
 * pattern that may match nothing. */

#include <string.h>
#include <unistd.h>

#include "cli/setup.h"

#define SNIPPET_END "[.]conf"
#define NOTHING     "nothing, since there is no staple for this certificate."
#define COUNT_MOST  64 /* certificates of a block that are told apart */

static bool is_wanted(const struct setup *setup, const struct dump_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct dump_cert *cert = &setup->inventory.dump->certs[block->first + i];

        if (cert->flags & DUMP_VARIABLE ? !setup->has_paths
                                        : setup_find(setup, cert->path) != NULL) {
            return true;
        }
    }
    return false;
}

/* "FOLDER/NAME[.]conf", or an older "FOLDER/NAME*.conf": the folder; else empty. */
static struct slice folder_of(const char *pattern, const char *name)
{
    const char *slash = strrchr(pattern, '/');
    size_t size = strlen(name);

    if (slash && strncmp(slash + 1, name, size) == 0 &&
        (text_equal(slash + 1 + size, SNIPPET_END) || text_equal(slash + 1 + size, "*.conf"))) {
        return slice_of(pattern, (size_t)(slash - pattern));
    }
    return SLICE_NULL;
}

/* The folder that @block includes a snippet of @cert from; empty when it does not. */
static struct slice included_folder(const struct dump_block *block, const struct setup_cert *cert)
{
    for (unsigned i = 0; i < block->include_count; i++) {
        struct slice folder = folder_of(block->includes[i], cert->name);

        if (folder.size) {
            return folder;
        }
    }
    return SLICE_NULL;
}

bool setup_nginx_includes(const struct dump_block *block, const struct setup_cert *cert)
{
    return included_folder(block, cert).size > 0;
}

static struct slice find_folder(const struct setup *setup, unsigned group)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < dump->block_count; i++) {
        const struct dump_block *block = &dump->blocks[i];

        for (size_t k = 0; k < block->count; k++) {
            const struct setup_cert *cert = setup_find(setup, dump->certs[block->first + k].path);
            struct slice folder =
                cert && cert->group == group ? included_folder(block, cert) : SLICE_NULL;

            if (folder.size) {
                return folder;
            }
        }
    }
    return SLICE_NULL;
}

void setup_nginx_folder(struct buf *to, const struct setup *setup, unsigned group)
{
    struct slice folder =
        group == 1 && setup->has_folder ? setup->nginx_folder : find_folder(setup, group);

    if (folder.size) {
        buf_put_slice(to, folder);
    } else {
        setup_put_folder(to, setup, group);
    }
}

/* "include FOLDER/NAME[.]conf;" */
static void put_include(const struct setup *setup, struct page *page, const struct setup_cert *cert)
{
    struct buf pattern = BUF_INIT(16384);

    setup_nginx_folder(&pattern, setup, cert->group);
    buf_put_byte(&pattern, '/');
    buf_put_text(&pattern, cert->name);
    buf_put_text(&pattern, SNIPPET_END);
    page_put(page, "include ");
    page_quote_nginx(&page->out, buf_text(&pattern));
    page_put(page, ";\n");
    buf_deinit(&pattern);
}

unsigned setup_nginx_count(const struct setup *setup, const struct dump_block *block)
{
    const struct dump_cert *certs = setup->inventory.dump->certs + block->first;
    unsigned count = 0;

    for (size_t i = 0; i < block->count && i < COUNT_MOST; i++) {
        bool again = false;

        for (size_t k = 0; k < i && !again; k++) {
            again = text_equal(certs[i].path, certs[k].path);
        }
        count += !again;
    }
    return count;
}

static void refuse_block(struct setup *setup, const struct dump_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        struct setup_cert *cert =
            setup_find(setup, setup->inventory.dump->certs[block->first + i].path);

        if (cert && setup_could(cert)) {
            setup_refuse(setup, cert);
        }
    }
}

/* True, with the way out, when a staple file would do harm here, or nothing. */
static bool put_refusal(struct setup *setup, struct page *page, const struct dump_block *block)
{
    const struct dump_cert *first = &setup->inventory.dump->certs[block->first];
    unsigned count = setup_nginx_count(setup, block);

    if (block->flags & DUMP_NO_STAPLES) {
        page_say(page,
                 "REFUSED: in stream and mail nginx knows no staple file (stream: before 1.27.2), "
                 "and would not start with the line.");
    } else if (first->flags & DUMP_INLINE) {
        page_say(page, "REFUSED: this certificate stands in the configuration itself (data:), "
                       "where clinch does not look: put it into a file.");
        setup->refused++;
    } else if (first->flags & DUMP_VARIABLE) {
        page_say(
            page,
            "REFUSED: ssl_certificate %s has a variable, and nginx staples nothing there. Give "
            "each certificate a server block of its own, or use clinch's preload library, which "
            "staples there, too (docs/servers/preload.md).",
            first->path);
        setup->refused++;
    } else if (count > 1) {
        page_say(
            page,
            "REFUSED: this block has %u certificates, and nginx would send one staple file "
            "with all of them: clients that get the other certificate would get the wrong "
            "staple. Ways out: keep one ssl_certificate in this block, or leave nginx as it "
            "is and use clinch's preload library, which staples each (docs/servers/preload.md).",
            count);
    } else {
        return false;
    }
    refuse_block(setup, block);
    return true;
}

/* Is the ssl_stapling of the block itself clinch's own snippet? */
static bool is_own_line(const struct dump_block *block, const struct dump_cert *named)
{
    const char *end = block->stapling_file ? strrchr(block->stapling_file, '.') : NULL;
    const char *staple = named->staple ? named->staple : "";

    return end &&
           strncmp(block->stapling_file, staple, (size_t)(end - block->stapling_file)) == 0 &&
           text_equal(staple + (end - block->stapling_file), ".ocsp");
}

bool setup_nginx_in_the_way(const struct dump_block *block, const struct dump_cert *named)
{
    return block->flags & DUMP_STAPLES_HERE && !is_own_line(block, named);
}

static void put_stapling(struct page *page, const struct dump_block *block,
                         const struct dump_cert *named)
{
    if (setup_nginx_in_the_way(block, named)) {
        page_say(page,
                 "FIRST remove the ssl_stapling lines of this block (%s:%u, and any "
                 "ssl_stapling_file): beside the snippet's they are duplicates, with which nginx "
                 "does not load its configuration.",
                 block->stapling_file, block->stapling_line);
    } else if (block->flags & DUMP_STAPLES && !named->staple) {
        page_say(page,
                 "WARNING: nginx also staples by itself here (ssl_stapling on around this block): "
                 "where clinch has no staple to show, it asks the responder on its own and does "
                 "not check what it gets. `ssl_stapling off;` there ends that.");
    }
}

static void put_block(struct setup *setup, struct page *page, const struct dump_block *block)
{
    const struct dump_cert *named = &setup->inventory.dump->certs[block->first];
    struct setup_cert *cert = setup_find(setup, named->path);

    page_block(page, block->file, "# ");
    page_say(page, "In the server block that begins in line %u%s%s%s, with ssl_certificate %s:",
             block->line, *block->site ? " (" : "", block->site, *block->site ? ")" : "",
             named->path);
    if (put_refusal(setup, page, block) || !cert) {
        return;
    }
    if (!setup_could(cert)) {
        page_say(page, NOTHING);
        return;
    }
    cert->placed = true;
    put_stapling(page, block, named);
    if (included_folder(block, cert).size) {
        page_say(page, "it has its line already.");
        return;
    }
    put_include(setup, page, cert);
}

/* A certificate that no block names, as far as they could be read. */
static bool is_named(const struct setup *setup, const struct setup_cert *cert)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < dump->cert_count; i++) {
        if (text_equal(dump->certs[i].path, cert->path)) {
            return true;
        }
    }
    return false;
}

void setup_nginx_put(struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;
    const char *file = dump->main_file              ? dump->main_file
                       : setup->server.config_count ? setup->server.configs[0]
                                                    : setup->traits->configs[0];

    setup->nginx_folder = find_folder(setup, 1);
    setup->has_folder = true;
    page_block(page, "shell", "# ");
    page_say(page, "nginx shows a staple file as it is, also one that has ended: clinch takes it "
                   "away in time, and so does clinch-expire.timer where clinch is gone. Better: "
                   "clinch's preload library looks at the time in each handshake, needs no "
                   "reload, and staples each of several certificates (`clinch setup openssl`, "
                   "docs/servers/preload.md). Then leave the rest of this out.");
    for (size_t i = 0; i < dump->block_count; i++) {
        if (is_wanted(setup, &dump->blocks[i])) {
            put_block(setup, page, &dump->blocks[i]);
        }
    }
    for (size_t i = 0; setup->has_paths && i < setup->cert_count; i++) {
        if (!is_named(setup, &setup->certs[i])) {
            page_block(page, file, "# ");
            page_say(page,
                     "In the server block that has ssl_certificate %s, which must be the only one "
                     "there:",
                     setup->certs[i].path);
            if (setup_could(&setup->certs[i])) {
                put_include(setup, page, &setup->certs[i]);
            } else {
                page_say(page, NOTHING);
            }
        }
    }
    setup_put_door(setup, page);
}

/* "nginx", and the main file where only a configuration is known, which is not where it usually
 * is. */
static void put_program(struct buf *to, const struct setup *setup)
{
    const char *file = setup->inventory.dump->main_file;
    bool usual = !file || *file != '/' || setup->server.program;

    for (size_t i = 0; i < ARRAY_SIZE(setup->traits->configs) && !usual; i++) {
        usual = setup->traits->configs[i] && text_equal(setup->traits->configs[i], file);
    }
    inventory_put_program(to, &setup->server);
    if (!usual) {
        buf_put_text(to, " -c ");
        page_quote_shell(to, file);
    }
}

static void put_command(struct buf *to, const struct setup *setup)
{
    put_program(to, setup);
    buf_put_text(to, " -t -q && ");
    put_program(to, setup);
    buf_put_text(to, " -s reload");
}

void setup_nginx_targets(struct setup *setup, struct page *page, bool only)
{
    for (unsigned group = 1; group <= setup->groups; group++) {
        struct buf folder = BUF_INIT(16384), command = BUF_INIT(65536);

        setup_nginx_folder(&folder, setup, group);
        put_command(&command, setup);
        page_put(page, "  - nginx: ");
        page_quote_yaml(&page->out, buf_text(&folder));
        page_put(page, "\n");
        setup_put_told(setup, page, "reload", buf_text(&command));
        setup_put_only(setup, page, group, only);
        buf_deinit(&folder);
        buf_deinit(&command);
    }
}

void setup_nginx_reload(const struct setup *setup, struct buf *command)
{
    put_command(command, setup);
}
