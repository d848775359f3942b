/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "io/clock.h"
#include "io/store.h"
#include "pki/response.h"
#include "publish/publish.h"

/* The paths of the command line as absolute ones, into @absolute one behind the other with a NUL
 * after each, and @paths pointing there. 0 or EXIT_USAGE, told. */
static int make_absolute(const struct options *options, struct buf *absolute, const char **paths)
{
    size_t at = 0;

    for (size_t i = 0; i < options->path_count; i++) {
        int r = cli_absolute(absolute, options->paths[i]);

        buf_put_byte(absolute, 0);
        if (r || buf_status(absolute)) {
            cli_complain("%s: %s", options->paths[i], strerror(r ? -r : ENAMETOOLONG));
            return EXIT_USAGE;
        }
    }
    for (size_t i = 0; i < options->path_count; i++) {
        paths[i] = (const char *)absolute->data + at;
        at += text_length(paths[i]) + 1;
    }
    return 0;
}

static int expire(const struct options *options, const char *const *paths, struct store *store,
                  const struct log *log)
{
    struct expire_order order = {
        .store = store,
        .paths = paths,
        .path_count = options->path_count,
        .log = log,
        .wall_s = clock_now().wall_s,
        .next_update = response_next_update,
    };
    struct expire_result result = {0};
    struct buf line = BUF_INIT(256);
    int r = publish_expire(&order, &result);

    if (r < 0) {
        cli_complain("cannot look at the published staples: %s", strerror(-r));
        return EXIT_USAGE;
    }
    if (result.withdrawn || result.left) {
        buf_put_int(&line, result.withdrawn);
        buf_put_text(&line, " withdrawn, ");
        buf_put_int(&line, result.left);
        buf_put_text(&line, " could not be withdrawn\n");
    } else {
        buf_put_text(&line, "No published staple has ended.\n");
    }
    r = cli_write(slice_of_buf(&line));
    buf_deinit(&line);
    return result.left ? EXIT_NOT_DONE : r;
}

int command_expire(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    _cleanup_(store_closep)
    struct store *store = NULL;
    _cleanup_(freep)
    const char **paths = NULL;
    struct buf absolute = BUF_INIT(TEXT_MAX);
    struct log log;
    int code, r;

    cli_log(&log, options);
    code = cli_config(options, &config);
    if (code) {
        return code;
    }
    r = store_open_reader(&store, config->state_dir, &log);
    if (r == STORE_E_ABSENT && !options->path_count) {
        cli_complain("there is no store in %s, so nothing is known to be published; is --state "
                     "right?",
                     config->state_dir);
        return EXIT_OK;
    }
    if (r && r != STORE_E_ABSENT) {
        cli_complain("the store in %s cannot be read: only the files named are looked at",
                     config->state_dir);
        code = EXIT_NOT_DONE;
    }
    paths = calloc(options->path_count + 1, sizeof(*paths));
    if (!paths) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    r = make_absolute(options, &absolute, paths);
    r = r ? r : expire(options, paths, store, &log);
    buf_deinit(&absolute);
    return r ? r : code;
}
