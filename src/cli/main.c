/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "options-help.h"

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} entries[COMMANDS] = {
    {"run", command_run},           {"once", command_once},     {"status", command_status},
    {"explain", command_explain},   {"staple", command_staple}, {"expire", command_expire},
    {"verify", command_verify},     {"probe", command_probe},   {"setup", command_setup},
    {"discover", command_discover}, {"import", command_import},
};

static void put_usage(struct buf *out)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t start = out->size;

        buf_put_text(out, "  clinch ");
        buf_put_text(out, commands[i].name);
        buf_put_text(out, *commands[i].usage ? " " : "");
        buf_put_text(out, commands[i].usage);
        buf_put_pad(out, start + 32, ' ');
        buf_put_text(out, commands[i].summary);
        buf_put_byte(out, '\n');
    }
}

static void put_help(struct buf *out)
{
    buf_put_text(out, "clinch " CLINCH_VERSION
                      ": keeps verified OCSP staples ready for TLS servers\n\n");
    put_usage(out);
    buf_put_text(out, "\nPATH is a PEM file, a folder or a glob. `clinch help COMMAND` tells more, "
                      "the\nmanual page clinch(1) everything.\n\n");
    buf_put_text(out, options_help);
}

/* @text, the words of @list broken into lines of at most 79 columns. */
static void put_words(struct buf *out, const char *list)
{
    size_t column = 80;

    /* Each option is a word that begins with "--", with its value behind it. */
    while (*list) {
        const char *next = strstr(list + 1, " --");
        size_t size = next ? (size_t)(next - list) : text_length(list);

        if (column + 2 + size > 79) {
            buf_put_text(out, column == 80 ? "  " : "\n  ");
            column = 2;
        } else {
            buf_put_text(out, "  ");
            column += 2;
        }
        buf_put(out, list, size);
        column += size;
        list = next ? next + 1 : list + size;
    }
    buf_put_byte(out, '\n');
}

static void put_command_help(struct buf *out, const char *name)
{
    struct buf list = BUF_INIT(4096);

    for (size_t i = 0; i < COMMANDS; i++) {
        if (!text_equal(commands[i].name, name)) {
            continue;
        }
        buf_put_text(out, "clinch ");
        buf_put_text(out, commands[i].name);
        buf_put_text(out, *commands[i].usage ? " " : "");
        buf_put_text(out, commands[i].usage);
        buf_put_text(out, ": ");
        buf_put_text(out, commands[i].summary);
        buf_put_text(out, "\n\n");
        buf_put_text(out, commands[i].text);
        buf_put_text(out, "\nOptions (`clinch --help` tells what they do):\n");
        options_list(&list, &commands[i]);
        put_words(out, buf_text(&list));
    }
    buf_deinit(&list);
}

static int print(void (*put)(struct buf *out))
{
    struct buf out = BUF_INIT(65536);
    int r;

    put(&out);
    r = cli_write(slice_of_buf(&out));
    buf_deinit(&out);
    return r;
}

static int print_command_help(const char *name)
{
    struct buf out = BUF_INIT(65536);
    int r;

    put_command_help(&out, name);
    r = cli_write(slice_of_buf(&out));
    buf_deinit(&out);
    return r;
}

static void put_version(struct buf *out)
{
    buf_put_text(out, "clinch " CLINCH_VERSION "\n");
}

/* No argument at all: the commands, and no more. */
static int short_usage(void)
{
    struct buf out = BUF_INIT(65536);
    ssize_t wrote;

    buf_put_text(&out, "Usage:\n");
    put_usage(&out);
    buf_put_text(&out, "\n`clinch --help` tells more.\n");
    wrote = write(STDERR_FILENO, out.data, out.size);
    (void)wrote;
    buf_deinit(&out);
    return EXIT_USAGE;
}

/* A descriptor of 0 to 2 that is closed would be given to the next file opened, the store perhaps,
 * and our output would go into it. These here fail when written to, and when read. */
static void fill_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

static int dispatch(const struct options *options)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (text_equal(entries[i].name, options->command)) {
            return entries[i].run(options);
        }
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct buf fault = BUF_INIT(4096);
    int code, r;

    fill_descriptors();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        return short_usage();
    }
    r = options_read(&options, argc, argv, &fault);
    if (r == OPTIONS_E_VERSION) {
        code = print(put_version);
    } else if (r == OPTIONS_E_HELP) {
        code = options.command ? print_command_help(options.command) : print(put_help);
    } else if (r) {
        cli_complain("%s", r == OPTIONS_E_WRONG ? buf_text(&fault) : "out of memory");
        code = EXIT_USAGE;
    } else {
        code = dispatch(&options);
    }
    buf_deinit(&fault);
    options_deinit(&options);
    return code;
}
