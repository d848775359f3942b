/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>

#include "base/error.h"
#include "cli/cli.h"
#include "conf/config-value.h"

/* How long --wait may be: longer, and a deploy hook hangs for ever. */
#define WAIT_MAX_S 86400

enum option_id {
    OPTION_CONFIG,
    OPTION_STATE,
    OPTION_ISSUER,
    OPTION_WAIT,
    OPTION_CERT,
    OPTION_AT,
    OPTION_AUDIENCE,
    OPTION_MAX_AGE,
    OPTION_TO,
    OPTION_SERVERNAME,
    OPTION_STARTTLS,
    OPTION_ALLOW_LOOPBACK,
    OPTION_OFFLINE,
    OPTION_STRICT,
    OPTION_ONLY,
    OPTION_JSON,
    OPTION_METRICS,
    OPTION_OR_EMPTY,
    OPTION_CHECK,
    OPTION_SERVER_CONFIG,
    OPTION_PROGRAM,
    OPTION_SOCKET,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT,
};

/* What getopt_long() returns for option n. */
#define OPTION_BASE 256
#define BIT(id_)    (1u << (id_))

enum {
    FOR_ALL = BIT(OPTION_CONFIG) | BIT(OPTION_STATE) | BIT(OPTION_ALLOW_LOOPBACK) |
              BIT(OPTION_VERBOSE) | BIT(OPTION_HELP) | BIT(OPTION_VERSION),
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPTION_BASE + OPTION_CONFIG},
    {"state", required_argument, NULL, OPTION_BASE + OPTION_STATE},
    {"issuer", required_argument, NULL, OPTION_BASE + OPTION_ISSUER},
    {"wait", required_argument, NULL, OPTION_BASE + OPTION_WAIT},
    {"cert", required_argument, NULL, OPTION_BASE + OPTION_CERT},
    {"at", required_argument, NULL, OPTION_BASE + OPTION_AT},
    {"audience", required_argument, NULL, OPTION_BASE + OPTION_AUDIENCE},
    {"max-age", required_argument, NULL, OPTION_BASE + OPTION_MAX_AGE},
    {"to", required_argument, NULL, OPTION_BASE + OPTION_TO},
    {"servername", required_argument, NULL, OPTION_BASE + OPTION_SERVERNAME},
    {"starttls", required_argument, NULL, OPTION_BASE + OPTION_STARTTLS},
    {"allow-loopback", no_argument, NULL, OPTION_BASE + OPTION_ALLOW_LOOPBACK},
    {"offline", no_argument, NULL, OPTION_BASE + OPTION_OFFLINE},
    {"strict", no_argument, NULL, OPTION_BASE + OPTION_STRICT},
    {"only", no_argument, NULL, OPTION_BASE + OPTION_ONLY},
    {"json", no_argument, NULL, OPTION_BASE + OPTION_JSON},
    {"metrics", no_argument, NULL, OPTION_BASE + OPTION_METRICS},
    {"or-empty", no_argument, NULL, OPTION_BASE + OPTION_OR_EMPTY},
    {"check", no_argument, NULL, OPTION_BASE + OPTION_CHECK},
    {"server-config", required_argument, NULL, OPTION_BASE + OPTION_SERVER_CONFIG},
    {"program", required_argument, NULL, OPTION_BASE + OPTION_PROGRAM},
    {"socket", required_argument, NULL, OPTION_BASE + OPTION_SOCKET},
    {"verbose", no_argument, NULL, OPTION_BASE + OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_BASE + OPTION_HELP},
    {"version", no_argument, NULL, OPTION_BASE + OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char *const value_names[OPTION_COUNT] = {
    [OPTION_CONFIG] = " FILE",        [OPTION_STATE] = " DIR",
    [OPTION_ISSUER] = " PATH",        [OPTION_WAIT] = " SECONDS",
    [OPTION_CERT] = " FILE",          [OPTION_AT] = " TIME",
    [OPTION_AUDIENCE] = " LIST",      [OPTION_MAX_AGE] = " SECONDS",
    [OPTION_SERVER_CONFIG] = " FILE", [OPTION_PROGRAM] = " PATH",
    [OPTION_SOCKET] = " ADDRESS",     [OPTION_TO] = " DIR",
    [OPTION_SERVERNAME] = " NAME",    [OPTION_STARTTLS] = " PROTOCOL",
};

const struct command commands[] = {
    {
        .name = "run",
        .usage = "[PATH...]",
        .summary = "the daemon, in the foreground",
        .text = "Finds the certificates at PATH (PEM files, folders, globs) and those that the\n"
                "configuration names, keeps a good OCSP answer for each, and publishes them to\n"
                "the servers of the configuration. SIGHUP reads everything again, SIGTERM ends\n"
                "it; what is published stays published.\n"
                "\n"
                "Exit codes: 0 ended by SIGTERM or SIGINT; 1 it could not start; 2 wrong usage,\n"
                "unreadable configuration, or another clinch writes to the same state\n"
                "directory.\n",
        .options = FOR_ALL | BIT(OPTION_ISSUER),
    },
    {
        .name = "once",
        .usage = "[PATH...]",
        .summary = "one pass, for cron and deploy hooks",
        .text = "Fetches what is missing or due, publishes, ends; on a terminal, with -v or with\n"
                "--json it prints the table. Beside a running daemon of the same state directory\n"
                "it asks that one.\n"
                "\n"
                "Exit codes: 0 no must-staple certificate is left without a staple (with\n"
                "--strict: no certificate that can have one); 1 some are, and are named; 2 wrong\n"
                "usage, unreadable configuration or state directory, a PATH that is not there.\n",
        .options = FOR_ALL | BIT(OPTION_ISSUER) | BIT(OPTION_WAIT) | BIT(OPTION_STRICT) |
                   BIT(OPTION_ONLY) | BIT(OPTION_JSON),
    },
    {
        .name = "status",
        .usage = "[PATH...]",
        .summary = "a table of certificates and their staples",
        .text = "Asks the running daemon, or reads the store when none runs or it does not answer\n"
                "within 3 s. PATH limits it to these files, folders or globs. Above the table\n"
                "stand the responders that are down, what speaks against this machine's clock,\n"
                "and what servers show instead of what they were handed (`verify`).\n"
                "\n"
                "Exit codes: 0 printed; 1 nothing is known of a PATH; 2 wrong usage, or there is\n"
                "neither daemon nor store.\n",
        .options = FOR_ALL | BIT(OPTION_JSON) | BIT(OPTION_METRICS),
    },
    {
        .name = "explain",
        .usage = "CERT.pem...",
        .summary = "all about a certificate, and a live answer",
        .text = "Shows the leaf, its issuer and where that was found, OCSP URLs, CertIDs,\n"
                "must-staple, and what the store holds. Then asks the responder as the daemon\n"
                "would, and judges what it sends as `clinch verify` does; what is kept is judged\n"
                "too, when it is another answer. Changes nothing: the live answer is neither kept\n"
                "nor published. With --offline it asks nobody, and shows what would be asked.\n"
                "\n"
                "Exit codes: 0 the live answer may be stapled, or there was nobody to ask; 1 some\n"
                "certificate's may not, or no answer came; 2 wrong usage or a file without a\n"
                "readable certificate. With --offline: 0 printed.\n",
        .options = FOR_ALL | BIT(OPTION_ISSUER) | BIT(OPTION_OFFLINE) | BIT(OPTION_JSON),
        .needs_path = true,
    },
    {
        .name = "staple",
        .usage = "CERT.pem",
        .summary = "the current staple (DER) on standard output",
        .text = "For servers that call a command. The answer kept in the store is judged again\n"
                "before it is written.\n"
                "\n"
                "Exit codes: 0 written; 75 there is none now, and nothing was written; 2 wrong\n"
                "usage or an unreadable file. With --or-empty: 0 and nothing when there is none,\n"
                "75 when that cannot be told now.\n",
        .options = FOR_ALL | BIT(OPTION_ISSUER) | BIT(OPTION_OR_EMPTY),
        .needs_path = true,
    },
    {
        .name = "expire",
        .usage = "[FILE.ocsp...]",
        .summary = "withdraw published staples that have ended",
        .text = "Looks at the nextUpdate in every staple that clinch has published, and in every\n"
                "FILE.ocsp, and withdraws those that have ended; a server that was not told of a\n"
                "newer one is told. Needs neither network nor daemon; meant for a timer and for\n"
                "ExecStopPost.\n"
                "\n"
                "What a running daemon has published is left to it, also when a FILE.ocsp names\n"
                "it, unless the daemon does not answer within 3 s.\n"
                "\n"
                "Exit codes: 0 all that had to go is gone, or left to the daemon; 1 some could\n"
                "not be withdrawn; 2 wrong usage. With --state a broken configuration is told\n"
                "and gone without.\n",
        .options = FOR_ALL,
    },
    {
        .name = "verify",
        .usage = "RESPONSE.der",
        .summary = "would every client accept this answer?",
        .text = "Judges one OCSP answer (DER; - is standard input) for the first certificate of\n"
                "--cert, as it would be served, and names who would refuse it and why. The issuer\n"
                "is in the same file or named with --issuer. Makes no connection, needs no state.\n"
                "\n"
                "Exit codes: 0 staple it; 1 do not; 2 wrong usage or unreadable input.\n",
        .options = BIT(OPTION_CONFIG) | BIT(OPTION_CERT) | BIT(OPTION_ISSUER) | BIT(OPTION_AT) |
                   BIT(OPTION_AUDIENCE) | BIT(OPTION_MAX_AGE) | BIT(OPTION_JSON) |
                   BIT(OPTION_VERBOSE) | BIT(OPTION_HELP) | BIT(OPTION_VERSION),
        .needs_path = true,
    },
    {
        .name = "probe",
        .usage = "HOST[:PORT]",
        .summary = "what a server staples, and who would fail",
        .text = "Connects as a client does, with TLS 1.3 and 1.2 and for RSA and ECDSA, takes the\n"
                "chain and the staple that the server shows, judges the staple as `clinch verify`\n"
                "does, and compares it with what the store holds for that certificate. What the\n"
                "server does not offer is told, and is no failure.\n"
                "\n"
                "Exit codes: 0 every certificate shown has a staple that may be stapled, or none\n"
                "is to be had for it (no OCSP URL); 1 a staple is missing, or some client would\n"
                "refuse it, or it cannot be judged without the issuer; 2 wrong usage, no\n"
                "connection, no TLS.\n",
        .options = BIT(OPTION_CONFIG) | BIT(OPTION_STATE) | BIT(OPTION_ISSUER) |
                   BIT(OPTION_SERVERNAME) | BIT(OPTION_STARTTLS) | BIT(OPTION_AUDIENCE) |
                   BIT(OPTION_MAX_AGE) | BIT(OPTION_JSON) | BIT(OPTION_VERBOSE) | BIT(OPTION_HELP) |
                   BIT(OPTION_VERSION),
        .needs_path = true,
    },
    {
        .name = "setup",
        .usage = "SERVER [CERT...]",
        .summary = "what to write into a server's configuration",
        .text = "Prints the lines for SERVER's configuration and for clinch.yaml, ready to paste,\n"
                "and the command that makes them live, for the CERTs or all that the server\n"
                "names. SERVER is nginx, haproxy, apache, hitch, lighttpd, h2o, nghttpx, exim,\n"
                "dnsdist, or file for any other. Changes nothing. With --check it prints what the\n"
                "server serves, which staple is there, and whether the chain has the issuer.\n"
                "\n"
                "Apache, and these, of which the CERTs are to be named, staple by the preload\n"
                "library: dovecot, mariadb, mosquitto, postfix, postgresql, proftpd, redis,\n"
                "stunnel, vsftpd, or openssl for any other that uses OpenSSL.\n"
                "\n"
                "Exit codes: 0 printed; 1 a certificate is left out, and why is told; 2 wrong\n"
                "usage, or the server or a CERT cannot be read. With --check: 0 all is well; 1 a\n"
                "staple or an issuer is missing.\n",
        .options = BIT(OPTION_CONFIG) | BIT(OPTION_STATE) | BIT(OPTION_CHECK) |
                   BIT(OPTION_SERVER_CONFIG) | BIT(OPTION_PROGRAM) | BIT(OPTION_SOCKET) |
                   BIT(OPTION_ISSUER) | BIT(OPTION_VERBOSE) | BIT(OPTION_HELP) |
                   BIT(OPTION_VERSION),
        .needs_path = true,
    },
    {
        .name = "discover",
        .usage = "",
        .summary = "a clinch.yaml for the servers of this machine",
        .text = "Looks for servers that run or are installed, asks each what it serves, and\n"
                "prints a whole clinch.yaml on standard output. Its comments say where everything\n"
                "comes from, what could not be read, and which lines the servers still need, as\n"
                "`clinch setup` prints them. Best as root; changes nothing.\n"
                "\n"
                "Exit codes: 0 printed; 1 no server, or no certificate of one, was found; 2 wrong\n"
                "usage.\n",
        .options = BIT(OPTION_CONFIG) | BIT(OPTION_STATE) | BIT(OPTION_VERBOSE) | BIT(OPTION_HELP) |
                   BIT(OPTION_VERSION),
    },
    {
        .name = "import",
        .usage = "LINEAGE...",
        .summary = "copy certificates, without the key",
        .text = "For deploy hooks, which run as root, when clinch's own user may not read where\n"
                "the keys are. LINEAGE is a folder with fullchain.pem, or with cert.pem and\n"
                "chain.pem, or a PEM file. Writes its certificates and nothing else to NAME.pem\n"
                "in the folder of --to, in one step, and prints that path. NAME is that of the\n"
                "folder, or of a file with a name of its own.\n"
                "\n"
                "Exit codes: 0 all are there; 1 some could not be read or written, and are named;\n"
                "2 wrong usage, or a folder where others may write.\n",
        .options = BIT(OPTION_TO) | BIT(OPTION_HELP) | BIT(OPTION_VERSION),
        .needs_path = true,
    },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (text_equal(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

void options_list(struct buf *buf, const struct command *command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (command->options & BIT(i) && i != OPTION_HELP && i != OPTION_VERSION) {
            buf_put_text(buf, buf->size ? " --" : "--");
            buf_put_text(buf, long_options[i].name);
            buf_put_text(buf, value_names[i] ? value_names[i] : "");
        }
    }
}

static int wrong(struct buf *fault, const char *before, const char *word, const char *behind)
{
    buf_clear(fault);
    buf_put_text(fault, before);
    buf_put_printable(fault, slice_of_text(word), 200);
    buf_put_text(fault, behind);
    return OPTIONS_E_WRONG;
}

/* @word is not one of @words: a guess at what was meant. */
static void put_guess(struct buf *fault, const char *word, const char *const *words, size_t count,
                      const char *before)
{
    const char *nearest = value_nearest(word, words, count);

    if (nearest) {
        buf_put_text(fault, " (did you mean ");
        buf_put_text(fault, before);
        buf_put_text(fault, nearest);
        buf_put_text(fault, "?)");
    }
}

static int wrong_command(struct buf *fault, const char *word)
{
    const char *words[COMMANDS];

    for (size_t i = 0; i < COMMANDS; i++) {
        words[i] = commands[i].name;
    }
    wrong(fault, "there is no command ", word, "");
    put_guess(fault, word, words, COMMANDS, "");
    return OPTIONS_E_WRONG;
}

/* What getopt_long() answers '?' or ':' to. @word: the argument it was looking at. */
static int wrong_option(struct buf *fault, int answer, const char *word)
{
    const char *words[OPTION_COUNT];
    char letter[] = {'-', (char)optopt, 0};

    if (optopt >= OPTION_BASE && optopt < OPTION_BASE + OPTION_COUNT) {
        const char *name = long_options[optopt - OPTION_BASE].name;

        return wrong(fault, "option --", name,
                     answer == ':' ? " needs a value" : " takes no value");
    }
    if (optopt) {
        return answer == ':' ? wrong(fault, "option ", letter, " needs a value")
                             : wrong(fault, "there is no option ", letter, "");
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        words[i] = long_options[i].name;
    }
    wrong(fault, "there is no option ", word, "");
    if (text_starts_with(word, "--")) {
        put_guess(fault, word + 2, words, OPTION_COUNT, "--");
    }
    return OPTIONS_E_WRONG;
}

/* Plain digits are seconds; rounded up. */
static bool read_seconds(const char *text, int64_t *ret_s)
{
    struct buf seconds = BUF_INIT(64);
    int64_t ms = 0;
    bool good;

    buf_put_text(&seconds, text);
    buf_put_byte(&seconds, 's');
    good = value_read_duration(text, &ms) || value_read_duration(buf_text(&seconds), &ms);
    buf_deinit(&seconds);
    *ret_s = (ms + 999) / 1000;
    return good;
}

static int read_wait(struct options *options, const char *text, struct buf *fault)
{
    int64_t wait_s;

    if (!read_seconds(text, &wait_s) || wait_s > WAIT_MAX_S) {
        return wrong(fault, "--wait takes seconds or a duration such as 2min, up to 1d, not ", text,
                     "");
    }
    options->wait_s = wait_s;
    return 0;
}

static int read_max_age(struct options *options, const char *text, struct buf *fault)
{
    if (!read_seconds(text, &options->max_age_s)) {
        return wrong(fault, "--max-age takes seconds or a duration such as 7d (0: no limit), not ",
                     text, "");
    }
    return 0;
}

/* An option whose value is kept as it is. */
static int take_text(const char **to, const char *name, struct buf *fault)
{
    *to = optarg;
    return *optarg ? 0 : wrong(fault, "option --", name, " needs a value");
}

static int add_issuer(struct options *options, const char *path)
{
    const char **grown =
        realloc(options->issuers, (options->issuer_count + 1) * sizeof(*options->issuers));

    if (!grown) {
        return -ENOMEM;
    }
    grown[options->issuer_count++] = path;
    options->issuers = grown;
    return 0;
}

static int read_option(struct options *options, enum option_id id, struct buf *fault)
{
    switch (id) {
    case OPTION_CONFIG:
        return take_text(&options->config_file, "config", fault);
    case OPTION_STATE:
        return take_text(&options->state_dir, "state", fault);
    case OPTION_CERT:
        return take_text(&options->cert, "cert", fault);
    case OPTION_AT:
        return take_text(&options->at, "at", fault);
    case OPTION_AUDIENCE:
        return take_text(&options->audience, "audience", fault);
    case OPTION_TO:
        return take_text(&options->to, "to", fault);
    case OPTION_SERVERNAME:
        return take_text(&options->servername, "servername", fault);
    case OPTION_STARTTLS:
        return take_text(&options->starttls, "starttls", fault);
    case OPTION_MAX_AGE:
        return read_max_age(options, optarg, fault);
    case OPTION_ISSUER:
        return *optarg ? add_issuer(options, optarg)
                       : wrong(fault, "option --issuer needs a value", "", "");
    case OPTION_WAIT:
        return read_wait(options, optarg, fault);
    case OPTION_SERVER_CONFIG:
        return take_text(&options->server_config, "server-config", fault);
    case OPTION_PROGRAM:
        return take_text(&options->program, "program", fault);
    case OPTION_SOCKET:
        return take_text(&options->socket, "socket", fault);
    case OPTION_CHECK:
        options->check = true;
        return 0;
    case OPTION_ALLOW_LOOPBACK:
        options->allow_loopback = true;
        return 0;
    case OPTION_OFFLINE:
        options->offline = true;
        return 0;
    case OPTION_STRICT:
        options->strict = true;
        return 0;
    case OPTION_ONLY:
        options->only = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_METRICS:
        options->metrics = true;
        return 0;
    case OPTION_OR_EMPTY:
        options->or_empty = true;
        return 0;
    case OPTION_VERBOSE:
        options->verbose = true;
        return 0;
    default:
        return 0;
    }
}

static enum option_id option_of(int answer)
{
    switch (answer) {
    case 'c':
        return OPTION_CONFIG;
    case 'v':
        return OPTION_VERBOSE;
    case 'h':
        return OPTION_HELP;
    case 'V':
        return OPTION_VERSION;
    default:
        return (enum option_id)(answer - OPTION_BASE);
    }
}

/* All options, wherever they stand; *@ret_given has a bit for each. */
static int read_options(struct options *options, int argc, char **argv, unsigned *ret_given,
                        struct buf *fault)
{
    int answer, r;

    optind = 0; /* glibc: begin anew, also in tests */
    opterr = 0;
    for (;;) {
        answer = getopt_long(argc, argv, ":c:vhV", long_options, NULL);
        if (answer < 0) {
            return 0;
        }
        if (answer == '?' || answer == ':') {
            return wrong_option(fault, answer, argv[optind - 1]);
        }
        *ret_given |= BIT(option_of(answer));
        r = read_option(options, option_of(answer), fault);
        if (r) {
            return r;
        }
    }
}

static int check_command(const struct options *options, const struct command *command,
                         unsigned given, struct buf *fault)
{
    unsigned foreign = given & ~command->options;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (foreign & BIT(i)) {
            wrong(fault, "clinch ", command->name, " does not take --");
            buf_put_text(fault, long_options[i].name);
            return OPTIONS_E_WRONG;
        }
    }
    if (options->json && options->metrics) {
        return wrong(fault, "--json and --metrics are two ways to print: give one of them", "", "");
    }
    for (size_t i = 0; i < options->path_count; i++) {
        if (!*options->paths[i]) {
            return wrong(fault, "a path is empty", "", "");
        }
    }
    if (command->needs_path && !options->path_count) {
        wrong(fault, "clinch ", command->name,
              text_equal(command->name, "verify")  ? " needs an answer: clinch "
              : text_equal(command->name, "setup") ? " needs a server: clinch "
              : text_equal(command->name, "probe") ? " needs a server: clinch "
                                                   : " needs a certificate: clinch ");
        buf_put_text(fault, command->name);
        buf_put_byte(fault, ' ');
        buf_put_text(fault, command->usage);
        return OPTIONS_E_WRONG;
    }
    if (text_equal(command->name, "staple") && options->path_count > 1) {
        return wrong(fault, "clinch staple writes one staple, so it takes one certificate", "", "");
    }
    if (text_equal(command->name, "verify") && options->path_count > 1) {
        return wrong(fault, "clinch verify judges one answer at a time", "", "");
    }
    if (text_equal(command->name, "discover") && options->path_count) {
        return wrong(fault, "clinch discover takes no path: it looks by itself", "", "");
    }
    if (text_equal(command->name, "probe") && options->path_count > 1) {
        return wrong(fault, "clinch probe asks one server at a time", "", "");
    }
    if (text_equal(command->name, "verify") && !options->cert) {
        return wrong(fault, "clinch verify needs the certificate: --cert FILE", "", "");
    }
    return 0;
}

int options_read(struct options *options, int argc, char **argv, struct buf *fault)
{
    const struct command *command;
    unsigned given = 0;
    int r;

    *options = (struct options){.wait_s = -1, .max_age_s = -1};
    r = argc > 0 ? read_options(options, argc, argv, &given, fault) : 0;
    if (r < 0) {
        return error_trace(r);
    }
    if (r) {
        return OPTIONS_E_WRONG;
    }
    if (given & BIT(OPTION_VERSION)) {
        return OPTIONS_E_VERSION;
    }
    options->paths = (const char **)argv + optind;
    options->path_count = argc > optind ? (size_t)(argc - optind) : 0;
    if (options->path_count && text_equal(options->paths[0], "help")) {
        given |= BIT(OPTION_HELP);
        options->paths++;
        options->path_count--;
    }
    if (!options->path_count) {
        return given & BIT(OPTION_HELP) ? OPTIONS_E_HELP
                                        : wrong(fault, "a command is missing", "", "");
    }
    command = find_command(options->paths[0]);
    if (!command) {
        return wrong_command(fault, options->paths[0]);
    }
    options->command = command->name;
    options->paths++;
    options->path_count--;
    return given & BIT(OPTION_HELP) ? OPTIONS_E_HELP
                                    : check_command(options, command, given, fault);
}

void options_deinit(struct options *options)
{
    free(options->issuers);
    options->issuers = NULL;
    options->issuer_count = 0;
}
