/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "wire/dump-private.h"

/* Takes a directive's name and its value off @line; names are the same in any case. */
static bool is_directive(struct slice line, const char *name, struct slice *ret_value)
{
    size_t size = text_length(name);

    line = dump_trim(line);
    if (line.size <= size || !dump_is_blank(line.data[size]) ||
        strncasecmp((const char *)line.data, name, size) != 0) {
        return false;
    }
    *ret_value = dump_unquote(dump_trim(slice_of(line.data + size, line.size - size)));
    return true;
}

/* A file of the configuration: does Apache staple by itself? */
static int read_file(struct dump_reader *reader, struct dump_text *text, void *context)
{
    struct slice line, value;

    (void)context;
    text->line = 0;
    while (dump_next_line(text, &line)) {
        if (is_directive(line, "SSLUseStapling", &value) && value.size == 2 &&
            strncasecmp((const char *)value.data, "on", 2) == 0) {
            dump_set_value(reader->dump, text, DUMP_COMMAND, slice_of_text("SSLUseStapling on"));
        }
    }
    return 0;
}

/* "  (12) /etc/apache2/mods-enabled/ssl.conf" */
static int read_included(struct dump_reader *reader, const struct dump_text *text,
                         struct slice line)
{
    const uint8_t *end = memchr(line.data, ')', line.size);
    struct slice path;

    if (!end || line.data[0] != '(') {
        return 0;
    }
    path = dump_trim(slice_of(end + 1, (size_t)(line.data + line.size - end - 1)));
    return dump_include(reader, text, dump_copy(reader->dump, path), read_file, NULL);
}

static void add_cert(struct dump_reader *reader, const struct dump_text *text, struct slice path)
{
    bool relative = path.data[0] != '/';
    struct dump_cert *cert;

    if (!dump_add_block(reader->dump, text, text->line)) {
        return;
    }
    cert = dump_add_cert(reader->dump, text, dump_copy(reader->dump, path), text->line);
    if (cert && relative) {
        cert->flags = DUMP_VARIABLE; /* below a ServerRoot that is not told */
    }
}

int dump_read_apache(struct dump_reader *reader, struct dump_text *text)
{
    enum { LIST_NONE, LIST_CERTS, LIST_FILES } list = LIST_NONE;
    bool found = false;
    struct slice line;
    int r = 0;

    text->line = 0;
    while (!r && dump_next_line(text, &line)) {
        struct slice entry = dump_trim(line);

        if (dump_is(entry, "Server certificates:")) {
            list = LIST_CERTS;
            found = true;
        } else if (dump_is(entry, "Included configuration files:")) {
            list = LIST_FILES;
            found = true;
        } else if (!entry.size || !dump_is_blank(line.data[0])) {
            list = LIST_NONE;
        } else if (list == LIST_CERTS) {
            add_cert(reader, text, entry);
        } else if (list == LIST_FILES) {
            r = read_included(reader, text, entry);
        }
    }
    if (!r && !found) {
        return dump_fail(reader, text,
                         "no list of certificates in it, as `apachectl -t -D DUMP_CERTS -D "
                         "DUMP_INCLUDES` prints it");
    }
    return r;
}
