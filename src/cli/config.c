/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "io/scan.h"
#include "io/tls-probe.h"
#include "wire/starttls.h"

#define PATH_MOST 8192

/* Appends the components of @path, without empty ones and ".". */
static void put_components(struct buf *absolute, const char *path)
{
    while (*path) {
        size_t size = strcspn(path, "/");

        if (size && !(size == 1 && path[0] == '.')) {
            buf_put_byte(absolute, '/');
            buf_put(absolute, path, size);
        }
        path += size + (path[size] == '/');
    }
}

int cli_absolute(struct buf *absolute, const char *path)
{
    size_t before = absolute->size;

    if (path[0] != '/') {
        _cleanup_(freep)
        char *here = getcwd(NULL, 0);

        if (!here) {
            return -errno;
        }
        put_components(absolute, here);
    }
    put_components(absolute, path);
    if (absolute->size == before) {
        buf_put_byte(absolute, '/');
    }
    return buf_status(absolute) == BUF_E_FULL ? -ENAMETOOLONG : buf_status(absolute);
}

/* 0 or EXIT_USAGE, told. */
static int add_path(struct config *config, const char *path,
                    int (*add)(struct config *config, const char *path))
{
    struct buf absolute = BUF_INIT(PATH_MOST);
    int r = cli_absolute(&absolute, path);

    if (!r) {
        r = add(config, buf_text(&absolute));
    }
    buf_deinit(&absolute);
    if (r) {
        cli_complain("%s: %s", path, strerror(-r));
    }
    return r ? EXIT_USAGE : 0;
}

/* What the configuration's reader does not know. */
static int check_verify(const char *path, const struct config *config)
{
    for (size_t i = 0; i < config->target_count; i++) {
        const struct target_config *target = &config->targets[i];

        for (size_t k = 0; k < target->verify_count; k++) {
            const char *starttls = target->verify[k].starttls;
            const char *name = target->verify[k].servername;
            const char *fault = name ? tls_probe_check_name(name) : NULL;

            if (fault) {
                cli_complain("%s: the entry of `publish` in line %u: `verify`: %s %s", path,
                             target->line, name, fault);
                return EXIT_USAGE;
            }
            if (starttls && starttls_by_name(starttls) == STARTTLS_NONE) {
                cli_complain("%s: the entry of `publish` in line %u: `verify`: starttls=%s is not "
                             "one of smtp, imap, pop3, ldap, xmpp, postgres, ftp and mysql",
                             path, target->line, starttls);
                return EXIT_USAGE;
            }
        }
    }
    return 0;
}

static int read_file(const char *path, struct config **ret_config)
{
    struct buf yaml = BUF_INIT(LIMIT_CONFIG_SIZE), faults = BUF_INIT(LIMIT_CONFIG_SIZE);
    int r = scan_read_file(path, LIMIT_CONFIG_SIZE, &yaml, &faults);

    if (r == -ENOENT) { /* scan would look again; we do not */
        cli_complain("%s: no such file", path);
    } else if (r) {
        cli_complain("%s", buf_text(&faults));
    } else {
        r = config_read(ret_config, path, slice_of_buf(&yaml), &faults);
        if (r == CONFIG_E_INVALID) {
            ssize_t wrote = write(STDERR_FILENO, buf_text(&faults), faults.size);

            (void)wrote;
        } else if (r) {
            cli_complain("%s: %s", path, strerror(-r));
        } else {
            r = check_verify(path, *ret_config);
        }
    }
    buf_deinit(&yaml);
    buf_deinit(&faults);
    return r ? EXIT_USAGE : 0;
}

static int lay_over(const struct options *options, struct config *config)
{
    bool takes_paths = text_equal(options->command, "run") || text_equal(options->command, "once");

    config->policy.allow_loopback |= options->allow_loopback;
    if (options->state_dir && add_path(config, options->state_dir, config_set_state_dir)) {
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < options->issuer_count; i++) {
        if (add_path(config, options->issuers[i], config_add_issuer)) {
            return EXIT_USAGE;
        }
    }
    if (options->only) {
        config->certificate_count = config->target_count = 0;
    }
    for (size_t i = 0; takes_paths && i < options->path_count; i++) {
        if (add_path(config, options->paths[i], config_add_certificate)) {
            return EXIT_USAGE;
        }
    }
    if (takes_paths && !config->certificate_count) {
        cli_complain("no certificates: name files or folders, as in `clinch %s /etc/ssl/site.pem`, "
                     "or give `certificates:` in the configuration (-c FILE)",
                     options->command);
        return EXIT_USAGE;
    }
    return 0;
}

int cli_policy(const struct options *options, struct policy *policy)
{
    struct buf fault = BUF_INIT(1024);
    int r = 0;

    if (options->audience && audience_parse(options->audience, &policy->audience, &fault)) {
        cli_complain("--audience %s", buf_text(&fault));
        r = EXIT_USAGE;
    }
    if (options->max_age_s >= 0) {
        policy->max_age_s = options->max_age_s;
    }
    buf_deinit(&fault);
    return r;
}

int cli_config(const struct options *options, struct config **ret_config)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    int r;

    if (options->config_file) {
        r = read_file(options->config_file, &config);
        if (r) {
            return r;
        }
    } else if (config_new(&config)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    r = lay_over(options, config);
    if (r) {
        return r;
    }
    *ret_config = steal(&config);
    return 0;
}
