/* SPDX-License-Identifier: Apache-2.0 */

/* h2o and nghttpx: a setting a line. Both call a command for each certificate, so what counts is
 * that, and whether they are told to ask nobody. */

#include <string.h>

#include "base/limits.h"
#include "wire/dump-private.h"

static void add_cert(struct dump_reader *reader, const struct dump_text *text, struct slice path)
{
    struct dump_block *block = dump_add_block(reader->dump, text, text->line);

    if (block) {
        block->flags = DUMP_STAPLES;
        dump_add_cert(reader->dump, text, dump_path(reader->dump, reader->folder, path),
                      text->line);
    }
}

/* What a scalar of YAML is without its quotes, its comment, and the rest of a mapping in braces. */
static struct slice scalar_of(struct slice text)
{
    size_t size = 0;

    text = dump_trim(text);
    if (text.size && (text.data[0] == '"' || text.data[0] == '\'')) {
        const uint8_t *end = memchr(text.data + 1, text.data[0], text.size - 1);

        return end ? slice_of(text.data + 1, (size_t)(end - text.data) - 1) : text;
    }
    while (size < text.size && !memchr(",}", text.data[size], 2) &&
           !(text.data[size] == '#' && size && dump_is_blank(text.data[size - 1]))) {
        size++;
    }
    return dump_trim(slice_of(text.data, size));
}

/* Finds "NAME:" as a key in @line, wherever it stands, and its value. */
static bool find_key(struct slice line, const char *name, struct slice *ret_value)
{
    size_t size = text_length(name);

    for (size_t i = 0; i + size < line.size; i++) {
        bool begins = i == 0 || memchr(" \t{,-\"'", line.data[i - 1], 7);
        size_t at = i + size;

        if (line.data[i] == '#' && begins) {
            return false;
        }
        if (!begins || memcmp(line.data + i, name, size) != 0) {
            continue;
        }
        at += line.data[at] == '"' || line.data[at] == '\'';
        if (at < line.size && line.data[at] == ':') {
            *ret_value = scalar_of(slice_of(line.data + at + 1, line.size - at - 1));
            return true;
        }
    }
    return false;
}

/* One "ssl:" of h2o.conf: its settings may stand in any order. */
struct ssl {
    struct slice cert;
    struct slice command;
    const char *file;
    unsigned line;
    bool never; /* ocsp-update-interval: 0 */
};

static void ssl_end(struct dump_reader *reader, struct ssl *ssl)
{
    struct dump_text at = {.file = ssl->file, .line = ssl->line};
    struct dump_block *block;

    if (ssl->cert.size) {
        add_cert(reader, &at, ssl->cert);
        block =
            reader->dump->block_count ? &reader->dump->blocks[reader->dump->block_count - 1] : NULL;
        if (block && block->count) {
            block->flags = ssl->never ? DUMP_STAPLES_NEVER : ssl->command.size ? 0 : DUMP_STAPLES;
            reader->dump->certs[block->first].staple =
                ssl->command.size ? dump_copy(reader->dump, ssl->command) : NULL;
        }
    }
    *ssl = (struct ssl){.cert = SLICE_NULL};
}

int dump_read_h2o(struct dump_reader *reader, struct dump_text *text)
{
    struct ssl ssl = {.cert = SLICE_NULL};
    struct slice line, value;

    text->line = 0;
    while (dump_next_line(text, &line)) {
        if (find_key(line, "ssl", &value)) {
            ssl_end(reader, &ssl);
        }
        if (find_key(line, "certificate-file", &value)) {
            if (ssl.cert.size) {
                ssl_end(reader, &ssl);
            }
            ssl.cert = value;
            ssl.file = text->file;
            ssl.line = text->line;
        }
        if (find_key(line, "ocsp-update-cmd", &value)) {
            ssl.command = value;
        }
        if (find_key(line, "ocsp-update-interval", &value)) {
            ssl.never = dump_is(value, "0");
        }
        if (find_key(line, "user", &value)) {
            dump_set_value(reader->dump, text, DUMP_USER, value);
        }
        if (find_key(line, "pid-file", &value)) {
            dump_set_value(reader->dump, text, DUMP_PID_FILE, value);
        }
        if (memmem(line.data, line.size, "!file", 5)) {
            dump_note(reader->dump, text, "has a !file, which clinch does not follow", "", "");
        }
    }
    ssl_end(reader, &ssl);
    return 0;
}

/* KEYPATH:CERTPATH[;PARAMETER...] */
static void read_subcert(struct dump_reader *reader, const struct dump_text *text,
                         struct slice value)
{
    const uint8_t *colon = memchr(value.data, ':', value.size);
    const uint8_t *end;
    size_t size;

    if (!colon) {
        return;
    }
    size = (size_t)(value.data + value.size - colon - 1);
    end = memchr(colon + 1, ';', size);
    add_cert(reader, text, slice_of(colon + 1, end ? (size_t)(end - colon - 1) : size));
}

static int nghttpx_read(struct dump_reader *reader, struct dump_text *text, void *context)
{
    struct dump *dump = reader->dump;
    struct slice line;
    int r = 0;

    text->line = 0;
    while (!r && dump_next_line(text, &line)) {
        struct slice value = dump_trim(line);

        if (!value.size || value.data[0] == '#') {
            continue;
        }
        if (dump_skip(&value, "certificate-file=")) {
            add_cert(reader, text, value);
        } else if (dump_skip(&value, "subcert=")) {
            read_subcert(reader, text, value);
        } else if (dump_skip(&value, "fetch-ocsp-response-file=")) {
            dump_set_value(dump, text, DUMP_COMMAND, value);
        } else if (dump_skip(&value, "user=")) {
            dump_set_value(dump, text, DUMP_USER, value);
        } else if (dump_skip(&value, "pid-file=")) {
            dump_set_value(dump, text, DUMP_PID_FILE, value);
        } else if (dump_is(value, "no-ocsp=yes")) {
            dump->flags |= DUMP_STAPLES_NEVER;
        } else if (dump_is(value, "no-verify-ocsp=yes") || dump_skip(&value, "cacert=")) {
            dump->flags |= DUMP_UNVERIFIED;
        } else if (dump_skip(&value, "include=")) {
            r = dump_include(reader, text, dump_path(dump, reader->folder, value), nghttpx_read,
                             context);
        }
    }
    return r;
}

int dump_read_nghttpx(struct dump_reader *reader, struct dump_text *text)
{
    struct dump *dump = reader->dump;
    int r = nghttpx_read(reader, text, NULL);

    for (size_t i = 0; i < dump->block_count; i++) {
        dump->blocks[i].flags = dump->flags & DUMP_STAPLES_NEVER ? DUMP_STAPLES_NEVER
                                : dump->values[DUMP_COMMAND]     ? 0
                                                                 : DUMP_STAPLES;
        for (size_t k = 0; k < dump->blocks[i].count; k++) {
            dump->certs[dump->blocks[i].first + k].staple = dump->values[DUMP_COMMAND];
        }
    }
    return r;
}
