/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/instant.h"
#include "cli/cli.h"

enum { WIDTH_LEAST = 60, WIDTH_MOST = 200 };
enum { READER_LOOKS = 1000, READER_LOOK_MS = 2 };

void cli_log(struct log *log, const struct options *options)
{
    log_open(log);
    if (options->verbose) {
        log->least = NOTE_DEBUG;
    }
}

void cli_complain(const char *format, ...)
{
    struct buf line = BUF_INIT(8192);
    char text[4096];
    va_list arguments;
    ssize_t wrote;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0) {
        text[0] = 0;
    }
    va_end(arguments);
    buf_put_text(&line, "clinch: ");
    /* Names of files and words of the command line must not steer the terminal. */
    buf_put_printable(&line, slice_of_text(text), sizeof(text));
    buf_put_byte(&line, '\n');
    wrote = write(STDERR_FILENO, buf_text(&line), line.size);
    (void)wrote; /* nobody is left to tell */
    buf_deinit(&line);
}

int cli_write(struct slice output)
{
    while (output.size) {
        ssize_t wrote = write(STDOUT_FILENO, output.data, output.size);

        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            if (errno != EPIPE) {
                cli_complain("cannot write to standard output: %s", strerror(errno));
            }
            return EXIT_USAGE;
        }
        output = slice_of(output.data + wrote, output.size - (size_t)wrote);
    }
    return 0;
}

void cli_await_reader(void)
{
    struct pollfd reader = {.fd = STDOUT_FILENO}; /* asks for nothing but POLLERR: it has gone */
    struct stat status;
    int unread;

    if (fstat(STDOUT_FILENO, &status) || !S_ISFIFO(status.st_mode)) {
        return;
    }
    for (int i = 0; i < READER_LOOKS; i++) {
        if (ioctl(STDOUT_FILENO, FIONREAD, &unread) || !unread ||
            poll(&reader, 1, READER_LOOK_MS)) {
            return;
        }
    }
}

unsigned cli_terminal_width(int fd)
{
    struct winsize size = {0};

    if (!isatty(fd)) {
        return 0;
    }
    if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col) {
        return 80;
    }
    return size.ws_col < WIDTH_LEAST  ? WIDTH_LEAST
           : size.ws_col > WIDTH_MOST ? WIDTH_MOST
                                      : size.ws_col;
}

bool cli_wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    /* no-color.org: present and not empty, whatever it says. */
    return isatty(fd) && !(no_colour && *no_colour) && !(terminal && text_equal(terminal, "dumb"));
}

void cli_put_time(struct buf *buf, int64_t wall_s)
{
    struct buf exact = BUF_INIT(64);

    buf_put_time(&exact, wall_s, ' ');
    if (exact.size == sizeof("2026-11-22 14:03:05Z") - 1) {
        exact.size -= 4; /* the seconds */
        buf_put_slice(buf, slice_of_buf(&exact));
        buf_put_byte(buf, 'Z');
    } else {
        buf_put_slice(buf, slice_of_buf(&exact));
    }
    buf_deinit(&exact);
}

void cli_put_brief(struct buf *buf, int64_t seconds)
{
    static const struct {
        int64_t least_s, unit_s;
        const char *name;
    } units[] = {{2 * 86400, 86400, " d"}, {2 * 3600, 3600, " h"}, {120, 60, " min"}, {0, 1, " s"}};

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (seconds >= units[i].least_s) {
            buf_put_int(buf, seconds / units[i].unit_s);
            buf_put_text(buf, units[i].name);
            return;
        }
    }
    buf_put_text(buf, "over");
}
