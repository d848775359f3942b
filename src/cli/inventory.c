/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inventory.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/page.h"
#include "io/capture.h"
#include "io/scan.h"

#define DUMP_LIMIT_MS 60000
#define ARGUMENTS_MAX (FOUND_ARGUMENTS + 8)
#define TROUBLE_MAX   (1024 * 1024)

void inventory_tell(struct inventory *inventory, const char *format, ...)
{
    char text[8192];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) >= 0) {
        buf_put_printable(&inventory->trouble, slice_of_text(text), sizeof(text));
        buf_put_byte(&inventory->trouble, '\n');
    }
    va_end(arguments);
}

void inventory_deinit(struct inventory *inventory)
{
    dump_free(inventory->dump);
    gather_free(inventory->gather);
    buf_deinit(&inventory->how);
    buf_deinit(&inventory->trouble);
    buf_deinit(&inventory->socket);
    buf_deinit(&inventory->settings);
    for (size_t i = 0; i < inventory->loaded_count; i++) {
        free(inventory->loaded[i]);
    }
    free(inventory->loaded);
}

/* Reads what a server has printed, or one of its files. 0 or -ENOMEM; else *@ret_good. */
static int read_text(struct inventory *inventory, int kind, const char *path, struct slice text,
                     bool *ret_good)
{
    const struct dump_input input = {(enum dump_kind)kind, path, text,
                                     gather_source(inventory->gather)};
    struct buf fault = BUF_INIT(16384);
    int r = dump_read(inventory->dump, &input, &fault);

    if (r == DUMP_E_INVALID) {
        inventory_tell(inventory, "%s", buf_text(&fault));
    }
    *ret_good = r == 0;
    buf_deinit(&fault);
    return r < 0 ? r : 0;
}

/* Standard input, as far as it is read at all. */
static int read_input(struct buf *text)
{
    ssize_t size;

    do {
        uint8_t *to = buf_reserve(text, 65536);

        size = to ? read(STDIN_FILENO, to, 65536) : 0;
        text->size += size > 0 ? (size_t)size : 0;
    } while (size > 0 || (size < 0 && errno == EINTR));
    return size < 0 ? -errno : buf_status(text) == -ENOMEM ? -ENOMEM : 0;
}

static int read_file(struct inventory *inventory, int kind, const char *path, bool *ret_good)
{
    struct buf text = BUF_INIT(LIMIT_DUMP_SIZE), fault = BUF_INIT(16384);
    bool input = text_equal(path, "-");
    int r = input ? read_input(&text) : scan_read_file(path, LIMIT_DUMP_SIZE, &text, &fault);

    *ret_good = false;
    if (r == -EACCES) {
        inventory_tell(inventory, "cannot read %s: permission denied; run this command as root",
                       path);
    } else if (r) {
        inventory_tell(inventory, "%s", fault.size ? buf_text(&fault) : strerror(-r));
    } else if (input && !text.size) {
        inventory_tell(inventory, "standard input is empty: has the command before it failed?");
    } else {
        r = read_text(inventory, kind, input ? "standard input" : path, slice_of_buf(&text),
                      ret_good);
        if (*ret_good) {
            buf_put_text(&inventory->how, inventory->how.size ? ", " : "");
            buf_put_printable(&inventory->how, slice_of_text(input ? "standard input" : path),
                              1024);
        }
    }
    buf_deinit(&text);
    buf_deinit(&fault);
    return r == -ENOMEM ? r : 0;
}

/* A file, or a folder of HAProxy's with "*.cfg". */
static int read_config(struct inventory *inventory, int kind, const char *path)
{
    struct buf pattern = BUF_INIT(8192);
    glob_t matches = {0};
    struct stat info;
    bool good;
    int r = 0;

    if (text_equal(path, "-") || stat(path, &info) || !S_ISDIR(info.st_mode)) {
        return read_file(inventory, kind, path, &good);
    }
    page_quote_glob(&pattern, path);
    buf_put_text(&pattern, "/*.cfg");
    glob(buf_text(&pattern), 0, NULL, &matches);
    for (size_t i = 0; !r && i < matches.gl_pathc; i++) {
        r = read_file(inventory, kind, matches.gl_pathv[i], &good);
    }
    globfree(&matches);
    buf_deinit(&pattern);
    return r;
}

/* What is not for a second run beside the server: it would start, stop or test something else. */
static bool is_dropped(const struct found_server *server, unsigned index, unsigned *ret_count)
{
    static const char *const nginx[] = {"-t", "-T", "-q", "-v", "-V", "-h", "-?"};
    static const char *const apache[] = {"-X", "-t", "-S", "-M", "-v", "-V"};
    const char *word = server->arguments[index];
    bool is_nginx = server->kind == DUMP_NGINX;
    const char *const *list = is_nginx ? nginx : apache;
    size_t count = is_nginx ? ARRAY_SIZE(nginx) : ARRAY_SIZE(apache);

    *ret_count = 1;
    if (text_equal(word, is_nginx ? "-s" : "-k")) {
        *ret_count = 2;
        return true;
    }
    if (text_starts_with(word, "-D") && !is_nginx) {
        return text_equal(word, "-DFOREGROUND");
    }
    for (size_t i = 0; i < count; i++) {
        if (text_equal(word, list[i])) {
            return true;
        }
    }
    return false;
}

static unsigned put_arguments(const char **to, const struct found_server *server)
{
    unsigned count = 0, dropped;

    for (unsigned i = 0; i < server->argument_count; i++) {
        if (is_dropped(server, i, &dropped)) {
            i += dropped - 1;
        } else {
            to[count++] = server->arguments[i];
        }
    }
    return count;
}

/* "daemon off;" and the like are for the one that runs. */
static bool is_directive_of_start(const char *value)
{
    while (*value) {
        value += strspn(value, " ;");
        if (!text_starts_with(value, "daemon ") && !text_starts_with(value, "master_process ")) {
            return !*value;
        }
        value += strcspn(value, ";");
    }
    return true;
}

static bool is_usual(const char *program)
{
    return text_starts_with(program, "/usr/sbin/") || text_starts_with(program, "/usr/bin/") ||
           text_starts_with(program, "/usr/local/sbin/") || text_starts_with(program, "/sbin/");
}

void inventory_put_program(struct buf *to, const struct found_server *server)
{
    const char *program =
        server->program ? server->program : server_traits[server->kind].programs[0];
    const char *arguments[ARGUMENTS_MAX];
    unsigned count = put_arguments(arguments, server);

    page_quote_shell(to, is_usual(program) ? strrchr(program, '/') + 1 : program);
    for (unsigned i = 0; i < count; i++) {
        if (text_equal(arguments[i], "-g") && i + 1 < count &&
            is_directive_of_start(arguments[i + 1])) {
            i++;
            continue;
        }
        buf_put_byte(to, ' ');
        page_quote_shell(to, arguments[i]);
    }
}

/* apachectl knows the variables that apache2 alone does not: the one beside it, or that of PATH. */
static bool find_apachectl(const struct found_server *server, struct buf *path)
{
    const char *slash = server->program ? strrchr(server->program, '/') : NULL;

    if (slash) {
        buf_put(path, server->program, (size_t)(slash - server->program) + 1);
        buf_put_text(path, "apachectl");
        if (access(buf_text(path), X_OK) == 0) {
            return true;
        }
    }
    return find_program("apachectl", path) || find_program("apache2ctl", path);
}

/* The server's own dump. */
static int run_dump(struct inventory *inventory, const struct found_server *server,
                    const char *program, const char *name, bool *ret_good)
{
    static const char *const nginx[] = {"-T", "-q", NULL};
    static const char *const apache[] = {"-t", "-D", "DUMP_CERTS", "-D", "DUMP_INCLUDES", NULL};
    const char *const *more = server->kind == DUMP_NGINX ? nginx : apache;
    const char *words[ARGUMENTS_MAX] = {program};
    unsigned count = 1 + put_arguments(words + 1, server);
    struct capture capture;
    int r;

    for (unsigned i = 0; more[i]; i++) {
        words[count++] = more[i];
    }
    words[count] = NULL;
    r = capture_run(words, DUMP_LIMIT_MS, &capture);
    if (r) {
        inventory_tell(inventory, "cannot run %s: %s", program, strerror(-r));
        return r == -ENOMEM ? r : 0;
    }
    if (capture.timed_out || capture.exit_code || buf_status(&capture.output)) {
        inventory_tell(inventory, "%s has failed: %s", name,
                       capture.timed_out             ? "no end within a minute"
                       : buf_status(&capture.output) ? "it prints more than 16 MiB"
                       : capture.said.size           ? buf_text(&capture.said)
                                                     : "it does not say why");
    } else {
        r = read_text(inventory, server->kind, name, slice_of_buf(&capture.output), ret_good);
        buf_put_text(&inventory->how, *ret_good ? name : "");
    }
    capture_deinit(&capture);
    return r;
}

static int try_dump(struct inventory *inventory, const struct found_server *server, bool *ret_good)
{
    struct buf path = BUF_INIT(8192);
    int r = 0;

    *ret_good = false;
    if (server->alien) {
        inventory_tell(inventory,
                       "%s (process %d) is another user's, so its program is not run here; do this "
                       "as %s (uid %u)",
                       server_traits[server->kind].title, (int)server->pid,
                       server->uid ? "that user" : "root", (unsigned)server->uid);
    } else if (server->kind == DUMP_NGINX && server->program) {
        r = run_dump(inventory, server, server->program, "nginx -T", ret_good);
    } else if (server->kind == DUMP_APACHE && find_apachectl(server, &path)) {
        r = run_dump(inventory, server, buf_text(&path), "apachectl -t -D DUMP_CERTS", ret_good);
    } else if (server->kind == DUMP_APACHE && server->program) {
        inventory_tell(inventory,
                       "there is no apachectl or apache2ctl, neither beside %s nor in PATH, which "
                       "could tell what it serves",
                       server->program);
    }
    buf_deinit(&path);
    return r;
}

static int read_server(struct inventory *inventory, const struct found_server *server,
                       const struct options *options)
{
    bool dumps = server->kind == DUMP_NGINX || server->kind == DUMP_APACHE;
    bool good = false;
    int r = 0;

    if (server->elsewhere) {
        inventory_tell(inventory,
                       "%s (process %d) has a root folder of its own, as in a container: do this "
                       "inside",
                       server_traits[server->kind].title, (int)server->pid);
        return 0;
    }
    if (dumps && (!options->server_config || options->program)) {
        r = try_dump(inventory, server, &good);
    }
    if (server->kind == DUMP_APACHE && !options->server_config) {
        return r; /* its own files would have to be read as Apache does */
    }
    for (unsigned i = 0; !r && !good && i < server->config_count; i++) {
        r = read_config(inventory, server->kind, server->configs[i]);
    }
    return r;
}

/* A server block in one of these would be missing without a word. */
static void tell_denied(struct inventory *inventory)
{
    struct slice left = gather_denied(inventory->gather);

    while (left.size) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        size_t size = end ? (size_t)(end - left.data) : left.size;

        inventory_tell(inventory,
                       "cannot read %.*s, which is included: permission denied; run this command "
                       "as root",
                       (int)size, (const char *)left.data);
        size += end != NULL;
        left = slice_of(left.data + size, left.size - size);
    }
}

int inventory_read(struct inventory *ret_inventory, const struct found_server *server,
                   const struct options *options)
{
    struct inventory *inventory = ret_inventory;
    int r;

    *inventory = (struct inventory){
        .dump = dump_new(),
        .how = BUF_INIT(65536),
        .trouble = BUF_INIT(TROUBLE_MAX),
        .socket = BUF_INIT(4096),
        .settings = BUF_INIT(16384),
    };
    r = inventory->dump ? gather_new(&inventory->gather) : -ENOMEM;
    if (!r && server->kind < DUMP_KINDS) {
        r = read_server(inventory, server, options);
        tell_denied(inventory);
    }
    if (!r && server->kind == DUMP_HAPROXY && !server->elsewhere) {
        r = inventory_ask_haproxy(inventory, options);
    }
    return r ? error_trace(r) : 0;
}
