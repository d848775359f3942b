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

/* Where publish_expire() gets its writer from. What the store complains of then is not shown: that
 * nothing could be written is told with what it means here. */
struct visit {
    const char *state_dir;
    struct log quiet;
    struct store *store;
};

static struct store *open_writer(void *context)
{
    struct visit *visit = context;

    return store_open_visitor(&visit->store, visit->state_dir, &visit->quiet) ? NULL : visit->store;
}

static void put_result(struct buf *line, const struct expire_order *order,
                       const struct expire_result *result)
{
    if (order->beside) {
        buf_put_text(line, "A daemon is running: what it has published is left to it.\n");
    }
    if (result->told) {
        buf_put_text(line, "Newer staples that servers were told of: ");
        buf_put_int(line, result->told);
        buf_put_byte(line, '\n');
    }
    if (result->withdrawn || result->left) {
        buf_put_int(line, result->withdrawn);
        buf_put_text(line, " withdrawn, ");
        buf_put_int(line, result->left);
        buf_put_text(line, " could not be withdrawn\n");
    } else if (result->kept < order->path_count || !order->beside) {
        buf_put_text(line, order->beside ? "No other file named here has ended.\n"
                                         : "No published staple has ended.\n");
    }
}

static int expire(struct expire_order *order, const char *state_dir)
{
    struct visit visit = {.state_dir = state_dir, .quiet = {.least = NOTE_ERROR + 1}};
    struct expire_result result = {0};
    struct buf line = BUF_INIT(512);
    int r;

    order->wall_s = clock_now().wall_s;
    order->next_update = response_next_update;
    order->open_writer = open_writer;
    order->context = &visit;
    r = publish_expire(order, &result);
    store_close(visit.store);
    if (r < 0) {
        cli_complain("cannot look at the published staples: %s", strerror(-r));
        return EXIT_USAGE;
    }
    put_result(&line, order, &result);
    r = cli_write(slice_of_buf(&line));
    buf_deinit(&line);
    return result.left ? EXIT_NOT_DONE : r;
}

/* A broken configuration must keep nothing alive, and there is little in it that is needed here. */
static int read_config(const struct options *options, struct config **ret_config)
{
    struct options bare = *options;
    int code = cli_config(options, ret_config);

    if (!code || !options->config_file || !options->state_dir) {
        return code;
    }
    cli_complain("going on with --state %s alone", options->state_dir);
    bare.config_file = NULL;
    return cli_config(&bare, ret_config);
}

/* Who lives withdraws in time, by a clock that is doubted when it jumps. Who hangs does not. */
static bool daemon_lives(const struct config *config)
{
    return cli_daemon_answers(config) && store_is_locked(config->state_dir);
}

static int expire_paths(const struct options *options, struct expire_order *order,
                        const char *state_dir)
{
    _cleanup_(freep)
    const char **paths = calloc(options->path_count + 1, sizeof(*paths));
    struct buf absolute = BUF_INIT(TEXT_MAX);
    int code;

    if (!paths) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    code = make_absolute(options, &absolute, paths);
    order->paths = paths;
    order->path_count = options->path_count;
    code = code ? code : expire(order, state_dir);
    buf_deinit(&absolute);
    return code;
}

int command_expire(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    _cleanup_(store_closep)
    struct store *store = NULL;
    struct log log;
    struct expire_order order = {.log = &log};
    int code, r;

    cli_log(&log, options);
    code = read_config(options, &config);
    if (code) {
        return code;
    }
    order.beside = daemon_lives(config);
    if (order.beside && !options->path_count) {
        return expire(&order, config->state_dir);
    }
    r = store_open_reader(&store, config->state_dir, &log);
    if (r == STORE_E_ABSENT && !options->path_count) {
        cli_complain("there is no store in %s, so nothing is known to be published; is --state "
                     "right?",
                     config->state_dir);
        return EXIT_OK;
    }
    if (r && r != STORE_E_ABSENT && order.beside) {
        cli_complain("the store in %s cannot be read: nothing is touched beside the daemon",
                     config->state_dir);
        return EXIT_NOT_DONE;
    }
    if (r && r != STORE_E_ABSENT) {
        cli_complain("the store in %s cannot be read: only the files named are looked at",
                     config->state_dir);
        code = EXIT_NOT_DONE;
    }
    order.store = store;
    r = expire_paths(options, &order, config->state_dir);
    return r ? r : code;
}
