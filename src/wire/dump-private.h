/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the dump-*.c: what one reading carries around, and how the dump grows. Nobody else
 * includes it. */

#include "wire/dump.h"

struct dump_reader {
    struct dump *dump;
    const struct dump_source *source;
    const char *folder; /* of the first file: what relative paths begin at */
    struct buf *fault;
    unsigned depth; /* of includes and blocks in each other */
};

/* One text that is being read. */
struct dump_text {
    const char *file;
    struct slice left;
    unsigned line;
    const struct dump_text *from; /* that includes it; NULL: the first */
};

/* The readers: 0 or DUMP_E_INVALID. Memory that ran out stays in the dump. */
int dump_read_nginx(struct dump_reader *reader, struct dump_text *text);
int dump_read_haproxy(struct dump_reader *reader, struct dump_text *text);
int dump_read_apache(struct dump_reader *reader, struct dump_text *text);
int dump_read_hitch(struct dump_reader *reader, struct dump_text *text);
int dump_read_lighttpd(struct dump_reader *reader, struct dump_text *text);
int dump_read_h2o(struct dump_reader *reader, struct dump_text *text);
int dump_read_nghttpx(struct dump_reader *reader, struct dump_text *text);
int dump_read_exim(struct dump_reader *reader, struct dump_text *text);
int dump_read_dnsdist(struct dump_reader *reader, struct dump_text *text);

/* One sentence "FILE:LINE: A B" into reader->fault. DUMP_E_INVALID. */
int dump_fail(struct dump_reader *reader, const struct dump_text *text, const char *what);

/* A copy that lives as long as the dump; "" without memory. */
const char *dump_copy(struct dump *dump, struct slice text);

/* @path made absolute, from @folder where it is relative. */
const char *dump_path(struct dump *dump, const char *folder, struct slice path);

/* The folder of @path without the slash behind it ("." when it names none). */
const char *dump_folder(struct dump *dump, const char *path);

/* The entries added become invalid at the next one of their kind: use indexes. NULL: no room. */
struct dump_block *dump_add_block(struct dump *dump, const struct dump_text *text, unsigned line);
/* ... into the last block. */
struct dump_cert *dump_add_cert(struct dump *dump, const struct dump_text *text, const char *path,
                                unsigned line);
void dump_add_socket(struct dump *dump, const struct dump_text *text, const char *address,
                     enum dump_level level);
void dump_note(struct dump *dump, const struct dump_text *text, const char *before,
               const char *word, const char *behind);
void dump_set_value(struct dump *dump, const struct dump_text *text, enum dump_value value,
                    struct slice content);

/* Calls @read for each file that @pattern names, as far as depth and size permit; a pattern
 * without magic that names none becomes a note. 0, or what @read returned. */
int dump_include(struct dump_reader *reader, const struct dump_text *text, const char *pattern,
                 int (*read)(struct dump_reader *reader, struct dump_text *text, void *context),
                 void *context);

/* The next line without its end; false behind the last. text->line is then its number. */
bool dump_next_line(struct dump_text *text, struct slice *ret_line);

/* Blanks (space, tab, CR) off both ends. */
struct slice dump_trim(struct slice text);
bool dump_is(struct slice slice, const char *text);
bool dump_is_blank(uint8_t c);

/* @text begins with @prefix: takes it off. */
bool dump_skip(struct slice *text, const char *prefix);

/* "x" and 'x' without their quotes. */
struct slice dump_unquote(struct slice text);
