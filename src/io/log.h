/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Notes as lines on standard error: with a time on a terminal or in a plain file, with "<N>"
 * priorities for the journal (JOURNAL_STREAM names it). One write per line, at most LOG_LINE_MAX
 * octets, printable ASCII only: whatever a file name or a server says cannot forge a line. */

#include "core/note.h"

struct log {
    enum note_level least; /* NOTE_INFO */
    bool journal;
    bool times;
    bool colour; /* the level word; only on a terminal and without NO_COLOR */
};

#define LOG_LINE_MAX 4096 /* PIPE_BUF: lines of several processes do not mix */

void log_open(struct log *log);
void log_note(const struct log *log, const struct note *note);

/* A sentence of the shell's own: files, sockets, commands. Leaves errno alone. */
void log_say(const struct log *log, enum note_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
