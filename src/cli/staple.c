/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lookup.h"
#include "io/clock.h"

/* Inside this file. */
#define EXIT_WRITE   (-1) /* the staple could not be written, or not all of it */
#define EXIT_UNKNOWN (-2) /* whether there is one cannot be seen */

/* Why there is no staple, on standard error. */
static void tell_none(const struct kept *kept, const struct cert_facts *facts, const char *path,
                      const char *state_dir)
{
    struct buf until = BUF_INIT(64);

    if (facts->is_ca) {
        cli_complain("%s: the first certificate in it is a CA's, and servers staple for the leaf; "
                     "put the server's own certificate first, as servers want it, too",
                     path);
        return;
    }
    switch (kept->state) {
    case KEPT_GOOD:
        break;
    case KEPT_NOTHING:
        if (!facts->url_count) {
            cli_complain("%s: the certificate has no OCSP URL, so there is no staple for it", path);
            break;
        }
        cli_complain("%s: no staple is kept for it in %s (`clinch once` fetches one, `clinch "
                     "explain` tells more)",
                     path, state_dir);
        break;
    case KEPT_UNFIT:
        cli_complain("%s: the answer kept is not fit to be served: %s [%s]", path,
                     reason_sentence(kept->unfit), reason_name(kept->unfit));
        break;
    case KEPT_REVOKED:
        cli_put_time(&until, kept->revoked_at_s);
        cli_complain("%s: the certificate was revoked on %s; replace it", path, buf_text(&until));
        break;
    case KEPT_NO_ISSUER:
        cli_complain("%s: the answer kept cannot be checked, because the issuer is not found; "
                     "append its certificate to the file or give --issuer FILE",
                     path);
        break;
    case KEPT_NO_STORE:
        cli_complain("%s: there is no store in %s; is --state right, has `clinch run` or `clinch "
                     "once` been there?",
                     path, state_dir);
        break;
    case KEPT_UNREADABLE:
        break; /* told */
    }
    buf_deinit(&until);
}

static int staple_first(struct lookup *lookup, const struct found_file *file, const char *path,
                        const char *state_dir)
{
    struct kept kept;
    int code = EXIT_NOTHING;

    lookup_kept(lookup, &file->certs[0], clock_now().wall_s, &kept);
    if (kept.served.size) {
        code = cli_write(slice_of_buf(&kept.served)) ? EXIT_WRITE : EXIT_OK;
        /* nghttpx hears of the end of its command before it reads, and has no staple then. */
        cli_await_reader();
    } else {
        tell_none(&kept, file->certs[0].facts, path, state_dir);
        code = kept.state == KEPT_UNREADABLE ? EXIT_UNKNOWN : EXIT_NOTHING;
    }
    kept_deinit(&kept);
    return code;
}

static int staple(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    _cleanup_(lookup_freep)
    struct lookup *lookup = NULL;
    struct buf path = BUF_INIT(8192), fault = BUF_INIT(16384);
    struct found_file file;
    struct log log;
    int code, r;

    cli_log(&log, options);
    code = cli_config(options, &config);
    if (code) {
        return code;
    }
    r = lookup_new(&lookup, config, &log);
    r = r ? r : cli_absolute(&path, options->paths[0]);
    if (r) {
        cli_complain("%s: %s", options->paths[0], strerror(-r));
        code = EXIT_USAGE;
    } else if (lookup_file(lookup, buf_text(&path), &file, &fault)) {
        cli_complain("%s", buf_text(&fault));
        code = EXIT_USAGE;
    } else {
        code = staple_first(lookup, &file, options->paths[0], config->state_dir);
        found_file_deinit(&file);
    }
    buf_deinit(&path);
    buf_deinit(&fault);
    return code;
}

/* h2o turns OCSP off until its next start at any code but 0, which without output means that there
 * is none, and 75, at which it goes on with what it has for a while. Half a staple is none. */
static int code_for_servers(int code)
{
    return code == EXIT_OK || code == EXIT_NOTHING ? EXIT_OK : EXIT_NOTHING;
}

int command_staple(const struct options *options)
{
    int code;

    if (isatty(STDOUT_FILENO)) {
        cli_complain("a staple is binary (DER); send it into a file or a pipe, as in `clinch "
                     "staple %s | openssl ocsp -respin /dev/stdin -noverify -text`",
                     options->paths[0]);
        return EXIT_USAGE;
    }
    code = staple(options);
    if (options->or_empty) {
        return code_for_servers(code);
    }
    return code == EXIT_WRITE ? EXIT_USAGE : code == EXIT_UNKNOWN ? EXIT_NOTHING : code;
}
