/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "cli/setup.h"

#define STAPLE_WIDTH 19
#define CHAIN_WIDTH  11

struct check {
    struct setup *setup;
    struct buf out;
    unsigned width;
    unsigned rows;
    unsigned bare;   /* without a staple that they could have */
    unsigned broken; /* without their issuer */
};

static void put_sentence(struct check *check, const char *sentence)
{
    cli_put_wrapped(&check->out, sentence, check->width, 4);
}

/* "FILE:LINE (SITE): " */
static void put_place(struct buf *to, const struct dump_block *block)
{
    if (block) {
        buf_put_printable(to, slice_of_text(block->file), 1024);
        buf_put_byte(to, ':');
        buf_put_int(to, block->line);
        if (*block->site) {
            buf_put_text(to, " (");
            buf_put_printable(to, slice_of_text(block->site), 256);
            buf_put_byte(to, ')');
        }
        buf_put_text(to, ": ");
    }
}

static void put_staple(struct check *check, const struct sight *sight)
{
    struct buf *out = &check->out;
    size_t start = out->size;

    switch (sight->state) {
    case SIGHT_GOOD:
        cli_put_time(out, sight->until_s);
        break;
    case SIGHT_NONE:
        buf_put_text(out, "none");
        break;
    case SIGHT_SELF:
        buf_put_text(out, "by itself");
        break;
    case SIGHT_QUIET:
        buf_put_byte(out, '-');
        break;
    }
    buf_put_pad(out, start + STAPLE_WIDTH, ' ');
}

static const char *chain_of(const struct check *check, const struct setup_cert *cert)
{
    return !setup_leaf(cert) ? "?" : setup_has_issuer(check->setup, cert) ? "whole" : "no issuer";
}

static void put_missing_issuer(struct check *check, const struct setup_cert *cert)
{
    const struct found_cert *leaf = setup_leaf(cert);
    struct buf sentence = BUF_INIT(16384);

    buf_put_text(&sentence, "its chain lacks the issuer: append that certificate");
    if (leaf->issuer) {
        buf_put_text(&sentence, ", which is in ");
        buf_put_printable(&sentence, slice_of_buf(&leaf->where), 1024);
    }
    put_sentence(check, buf_text(&sentence));
    buf_deinit(&sentence);
}

static void put_row(struct check *check, const struct dump_block *block,
                    const struct dump_cert *named, const struct setup_cert *cert)
{
    bool whole = setup_has_issuer(check->setup, cert);
    struct buf sentence = BUF_INIT(65536);
    struct buf *out = &check->out;
    struct sight sight;
    size_t start;

    setup_look(check->setup, block, named, cert, &sight);
    put_staple(check, &sight);
    start = out->size;
    buf_put_text(out, chain_of(check, cert));
    buf_put_pad(out, start + CHAIN_WIDTH, ' ');
    buf_put_printable(out, slice_of_text(cert->path), 4096);
    buf_put_byte(out, '\n');
    if (sight.why.size) {
        if (check->setup->kind != DUMP_APACHE) { /* a line of the dump tells nothing */
            put_place(&sentence, block);
        }
        buf_put_text(&sentence, buf_text(&sight.why));
        put_sentence(check, buf_text(&sentence));
    }
    if (setup_leaf(cert) && !whole) {
        put_missing_issuer(check, cert);
        check->broken++;
    }
    check->rows++;
    check->bare += sight.state == SIGHT_NONE || sight.state == SIGHT_SELF;
    buf_deinit(&sentence);
    buf_deinit(&sight.why);
}

/* A path that only the server can follow. */
static void put_variable(struct check *check, const struct dump_block *block,
                         const struct dump_cert *named)
{
    struct buf sentence = BUF_INIT(65536);
    size_t start = check->out.size;

    buf_put_text(&check->out, "?");
    buf_put_pad(&check->out, start + STAPLE_WIDTH, ' ');
    buf_put_text(&check->out, "?");
    buf_put_pad(&check->out, start + STAPLE_WIDTH + CHAIN_WIDTH, ' ');
    buf_put_printable(&check->out, slice_of_text(*named->path ? named->path : "(not known)"), 4096);
    buf_put_byte(&check->out, '\n');
    put_place(&sentence, block);
    buf_put_text(&sentence, named->flags & DUMP_INLINE
                                ? "it stands in the configuration itself: put it into a file"
                                : "clinch cannot tell which file that is");
    put_sentence(check, buf_text(&sentence));
    buf_deinit(&sentence);
    check->rows++;
    check->bare++;
}

static void put_rows(struct check *check)
{
    const struct setup *setup = check->setup;
    const struct dump *dump = setup->inventory.dump;
    bool is_haproxy = setup->kind == DUMP_HAPROXY;

    for (size_t i = 0; is_haproxy && i < setup->cert_count; i++) {
        put_row(check, NULL, NULL, &setup->certs[i]);
    }
    if (setup->inventory.live) {
        return;
    }
    for (size_t i = 0; i < dump->block_count; i++) {
        const struct dump_block *block = &dump->blocks[i];

        for (size_t k = 0; k < block->count; k++) {
            const struct dump_cert *named = &dump->certs[block->first + k];
            const struct setup_cert *cert = setup_find(setup, named->path);

            if (named->flags & DUMP_VARIABLE && !setup->has_paths) {
                put_variable(check, block, named);
            } else if (cert && !is_haproxy) { /* whose folders and bundles are more than a file */
                put_row(check, block, named, cert);
            }
        }
    }
}

static void put_notes(struct check *check)
{
    const struct dump *dump = check->setup->inventory.dump;

    for (size_t i = 0; i < dump->note_count; i++) {
        struct buf sentence = BUF_INIT(16384);

        buf_put_text(&sentence, dump->notes[i].file);
        buf_put_byte(&sentence, ':');
        buf_put_int(&sentence, dump->notes[i].line);
        buf_put_byte(&sentence, ' ');
        buf_put_text(&sentence, dump->notes[i].text);
        cli_put_wrapped(&check->out, buf_text(&sentence), check->width, 0);
        buf_deinit(&sentence);
    }
}

static void put_sum(struct check *check)
{
    struct buf *out = &check->out;

    buf_put_byte(out, '\n');
    put_notes(check);
    buf_put_int(out, check->rows);
    buf_put_text(out, check->rows == 1 ? " certificate: " : " certificates: ");
    if (!check->bare && !check->broken) {
        buf_put_text(out, check->setup->inventory.trouble.size
                              ? "all is well, as far as it could be read\n"
                              : "all is well\n");
        return;
    }
    if (check->bare) {
        buf_put_int(out, check->bare);
        buf_put_text(out, " without a staple of clinch");
    }
    if (check->broken) {
        buf_put_text(out, check->bare ? ", " : "");
        buf_put_int(out, check->broken);
        buf_put_text(out, " without the issuer");
    }
    buf_put_byte(out, '\n');
}

int setup_check(struct setup *setup)
{
    unsigned width = cli_terminal_width(STDOUT_FILENO);
    struct check check = {.setup = setup,
                          .out = BUF_INIT(256 * 1024 * 1024),
                          .width = width ? width : PAGE_WIDTH + 1};
    int code;

    buf_put_text(&check.out, setup->traits->title);
    buf_put_text(&check.out, ", as told by ");
    buf_put_text(&check.out, buf_text(&setup->inventory.how));
    buf_put_text(&check.out, ":\n\nSTAPLE UNTIL       CHAIN      CERTIFICATE\n");
    put_rows(&check);
    put_sum(&check);
    if (buf_status(&check.out)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    } else {
        code = cli_write(slice_of_buf(&check.out));
    }
    buf_deinit(&check.out);
    if (code) {
        return code;
    }
    return check.bare || check.broken || setup->inventory.trouble.size ? EXIT_NOT_DONE : EXIT_OK;
}
