/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Notes as lines on standard error: with a time on a terminal or in a plain file, with "<N>"
 * priorities for the journal (JOURNAL_STREAM set). One write per line. */

#include "core/note.h"

struct log {
    enum note_level least; /* NOTE_INFO */
    bool journal;
    bool times;
};

void log_open(struct log *log);
void log_note(const struct log *log, const struct note *note);

/* A sentence of the shell's own: files, sockets, commands. */
void log_say(const struct log *log, enum note_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
