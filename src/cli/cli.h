/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line: one struct of options, one function per subcommand. Nothing includes this
 * folder. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/config.h"
#include "core/staple.h"
#include "io/log.h"

/* Exit codes, documented in clinch(1). */
enum {
    EXIT_OK = 0,
    EXIT_NOT_DONE = 1,  /* a certificate is left without a staple, a withdrawal failed... */
    EXIT_USAGE = 2,     /* wrong usage, unreadable configuration or input */
    EXIT_NOTHING = 75,  /* staple: there is none now, ask again later (EX_TEMPFAIL) */
};

struct options {
    const char *command;
    const char **paths; /* what stood behind the command; borrowed from argv */
    size_t path_count;
    const char *config_file;   /* -c, --config */
    const char *state_dir;     /* --state; NULL: from the configuration */
    const char **issuers;      /* --issuer, may be repeated */
    size_t issuer_count;
    int64_t wait_s;            /* --wait; -1: not given */
    bool allow_loopback;
    bool strict;
    bool json;
    bool or_empty;
    bool verbose;              /* -v: notes of level debug too */
};

int command_run(const struct options *options);
int command_once(const struct options *options);
int command_status(const struct options *options);
int command_explain(const struct options *options);
int command_staple(const struct options *options);
int command_expire(const struct options *options);

/* The configuration of -c (or none) with the command line laid over it, paths made absolute.
 * 0, or EXIT_USAGE after telling on standard error. */
int cli_config(const struct options *options, struct config **ret_config);

/* Prints rows as the `status` table (80 columns on a terminal, plain when piped) or JSON.
 * cli_table_end() prints and frees. @now: for "in 3 h". */
struct cli_table;
int cli_table_begin(struct cli_table **ret_table, bool json);
void cli_table_row(void *table, const struct cert_row *row);
int cli_table_end(struct cli_table *table, int64_t wall_s);
