/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line: one struct of options, one function per subcommand. Nothing includes this
 * folder. What a command produces goes to standard output, everything else to standard error. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/config.h"
#include "core/staple.h"
#include "io/log.h"

/* Exit codes, documented in clinch(1). */
enum {
    EXIT_OK = 0,
    EXIT_NOT_DONE = 1, /* a certificate is left without a staple, a withdrawal failed... */
    EXIT_USAGE = 2,    /* wrong usage, unreadable configuration or input */
    EXIT_NOTHING = 75, /* staple: there is none now, ask again later (EX_TEMPFAIL) */
};

struct options {
    const char *command;
    const char **paths; /* what stood behind the command; borrowed from argv */
    size_t path_count;
    const char *config_file; /* -c, --config */
    const char *state_dir;   /* --state; NULL: from the configuration */
    const char **issuers;    /* --issuer, may be repeated */
    size_t issuer_count;
    int64_t wait_s;            /* --wait; -1: not given */
    const char *cert;          /* --cert; this and the next NULL: not given */
    const char *at;            /* --at, to be read by the command */
    const char *audience;      /* --audience, so too */
    int64_t max_age_s;         /* --max-age; -1: not given */
    const char *server_config; /* --server-config; these six NULL: not given */
    const char *program;       /* --program */
    const char *socket;        /* --socket */
    const char *to;            /* --to */
    const char *servername;    /* --servername */
    const char *starttls;      /* --starttls */
    bool check;
    bool allow_loopback;
    bool offline;
    bool strict;
    bool only; /* the paths given; of the configuration only its settings */
    bool json;
    bool metrics;
    bool or_empty;
    bool verbose; /* -v: notes of level debug too */
};

int command_run(const struct options *options);
int command_once(const struct options *options);
int command_status(const struct options *options);
int command_explain(const struct options *options);
int command_staple(const struct options *options);
int command_expire(const struct options *options);
int command_verify(const struct options *options);
int command_import(const struct options *options);
int command_setup(const struct options *options);
int command_discover(const struct options *options);
int command_probe(const struct options *options);

/* The commands as the command line knows them, in the order of --help. */
struct command {
    const char *name;
    const char *usage;   /* behind the name: "[PATH...]" */
    const char *summary; /* one line */
    const char *text;    /* a few paragraphs, with the exit codes */
    unsigned options;    /* a bit per option, private to options.c */
    bool needs_path;
};
extern const struct command commands[];
enum { COMMANDS = 11 };

enum {
    OPTIONS_E_WRONG = 1, /* a sentence is in @fault */
    OPTIONS_E_HELP,      /* --help, `help`: of *@ret_options->command, or of all when NULL */
    OPTIONS_E_VERSION,
};

/* Reads the command line; options may stand before and behind paths, and `--` ends them. Sorts
 * @argv as getopt does. 0, -ENOMEM or the above. */
int options_read(struct options *options, int argc, char **argv, struct buf *fault);
void options_deinit(struct options *options);

/* "--state DIR" and so on for every option that @command takes, separated by blanks. */
void options_list(struct buf *buf, const struct command *command);

/* The configuration of -c (or none) with the command line laid over it, paths made absolute.
 * 0, or EXIT_USAGE after telling on standard error. */
int cli_config(const struct options *options, struct config **ret_config);

/* Somebody answers at control.sock, soon. Told when somebody listens and does not. */
bool cli_daemon_answers(const struct config *config);

/* @path as an absolute path, into @absolute (not cleared): what is relative begins at the working
 * directory; "." and empty components go, ".." and symbolic links stay. 0 or <0. */
int cli_absolute(struct buf *absolute, const char *path);

/* --audience and --max-age laid over the policy. 0, or EXIT_USAGE after telling. */
int cli_policy(const struct options *options, struct policy *policy);

/* The log of a command, with -v laid over it. */
void cli_log(struct log *log, const struct options *options);

/* "clinch: SENTENCE" on standard error. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Everything to standard output: 0, or EXIT_USAGE after telling why not (a closed pipe is told to
 * nobody). */
int cli_write(struct slice output);

/* Waits until standard output, where it is a pipe, was read or is not read any more, at most two
 * seconds: for a reader that takes our end for the end of what we said. */
void cli_await_reader(void);

/* Columns of the terminal that is @fd, at least 60; 0 when it is none. */
unsigned cli_terminal_width(int fd);
/* A terminal, and NO_COLOR is not set. */
bool cli_wants_colour(int fd);

/* Prints rows as the `status` table (80 columns on a terminal, plain when piped) or JSON, by name.
 * cli_table_end() prints and frees; 0 or EXIT_USAGE. @now: for "in 3 h". */
struct cli_table;
int cli_table_begin(struct cli_table **ret_table, bool json);
void cli_table_row(void *table, const struct cert_row *row);
int cli_table_end(struct cli_table *table, int64_t wall_s);

/* Where the rows are from: a line above the table, and "source" in JSON. Both borrowed until
 * cli_table_end(). */
void cli_table_source(struct cli_table *table, const char *source, const char *sentence);

/* How the daemon is besides (health.h), for the lines above the table and for JSON; NULL: not
 * known. Borrowed until cli_table_end(). */
struct health;
void cli_table_health(struct cli_table *table, const struct health *health);

/* Instead of a table or JSON the text format of Prometheus. */
void cli_table_metrics(struct cli_table *table);

/* How a table looks. */
struct table_style {
    unsigned width; /* 0: as wide as it gets */
    bool colour;
    int64_t wall_s;
};
/* What cli_table_end() would print, without freeing. */
void cli_table_format(struct cli_table *table, const struct table_style *style, struct buf *out);
struct cli_table *cli_table_free(struct cli_table *table);
CLEANUP_DEFINE(struct cli_table *, cli_table_free)

/* @text with @indent blanks before, broken where a terminal of @width columns ends (0: nowhere):
 * between words, and within one that is longer than a line. */
void cli_put_wrapped(struct buf *out, const char *text, unsigned width, size_t indent);
/* The same behind @before; words are never broken: they are paths and commands. */
void cli_put_lines(struct buf *out, const char *text, const char *before, unsigned width);

/* "2026-11-22 14:03Z" and "3 d", "59 min": for tables and reports. */
void cli_put_time(struct buf *buf, int64_t wall_s);
void cli_put_brief(struct buf *buf, int64_t seconds);
