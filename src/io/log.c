/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/clock.h"

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line is written whole or not at all");

static const struct {
    const char *journal; /* syslog(3) priorities */
    const char *word;
    const char *colour;
} levels[] = {
    [NOTE_DEBUG] = {"<7>", "debug: ", "\033[2m"},
    [NOTE_INFO] = {"<6>", "", ""},
    [NOTE_WARNING] = {"<4>", "warning: ", "\033[33m"},
    [NOTE_ERROR] = {"<3>", "error: ", "\033[31m"},
};

/* JOURNAL_STREAM is inherited by children whose standard error goes elsewhere, so it counts only
 * when it names the file that standard error is. */
static bool log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char name[64];

    if (!stream || fstat(STDERR_FILENO, &st)) {
        return false;
    }
    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return text_equal(stream, name);
}

void log_open(struct log *log)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    log->least = NOTE_INFO;
    log->journal = log_is_journal();
    log->times = !log->journal;
    log->colour =
        isatty(STDERR_FILENO) && !(no_color && *no_color) && !(term && text_equal(term, "dumb"));
}

static void log_put_head(const struct log *log, enum note_level level, int64_t wall_s,
                         struct buf *line)
{
    bool coloured = log->colour && !log->journal && levels[level].colour[0];

    if (log->journal) {
        buf_put_text(line, levels[level].journal);
        return;
    }
    if (log->times) {
        buf_put_time(line, wall_s, ' ');
        buf_put_byte(line, ' ');
    }
    buf_put_text(line, coloured ? levels[level].colour : "");
    buf_put_text(line, levels[level].word);
    buf_put_text(line, coloured ? "\033[0m" : "");
}

/* A line that standard error does not take (full disk, closed pipe) is lost: a daemon must not
 * stop because nobody listens. */
static void log_write(const struct buf *line)
{
    ssize_t n;

    do {
        n = write(STDERR_FILENO, line->data, line->size);
    } while (n < 0 && errno == EINTR);
}

static void log_line(const struct log *log, enum note_level level, int64_t wall_s,
                     struct slice text)
{
    uint8_t memory[LOG_LINE_MAX + 1];
    struct buf line = {memory, 0, sizeof(memory), LOG_LINE_MAX, 0};

    while (text.size && text.data[text.size - 1] == '\n') {
        text.size--;
    }
    log_put_head(log, level, wall_s, &line);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (i + 1 < text.size && line.size + sizeof("...\n") > LOG_LINE_MAX) {
            buf_put_text(&line, "...");
            break;
        }
        buf_put_byte(&line, c == '\n' || c == '\t' ? ' ' : c >= 0x20 && c < 0x7f ? c : '?');
    }
    buf_put_byte(&line, '\n');
    log_write(&line);
}

void log_note(const struct log *log, const struct note *note)
{
    struct buf text = BUF_INIT(16 * LOG_LINE_MAX);

    if (note->level < log->least) {
        return;
    }
    note_format(&text, note);
    log_line(log, note->level, note->wall_s ? note->wall_s : clock_now().wall_s,
             slice_of_buf(&text));
    buf_deinit(&text);
}

void log_say(const struct log *log, enum note_level level, const char *format, ...)
{
    int saved_errno = errno;
    char text[LOG_LINE_MAX];
    va_list args;
    int n;

    if (level < log->least) {
        return;
    }
    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n >= 0) {
        log_line(log, level, clock_now().wall_s,
                 slice_of(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
    }
    errno = saved_errno;
}
