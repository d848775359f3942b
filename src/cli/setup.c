/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "conf/config-value.h"
#include "io/scan.h"

#define CONFIG_PATH "/etc/clinch/clinch.yaml"
#define ONCE_WAIT   " --wait 60"

const struct setup_kind setup_kinds[SERVERS] = {
    [DUMP_NGINX] = {setup_nginx_put, setup_nginx_targets, setup_nginx_reload, false},
    [DUMP_HAPROXY] = {setup_haproxy_put, setup_haproxy_targets, setup_haproxy_reload, false},
    [DUMP_APACHE] = {setup_apache_put, setup_preload_targets, setup_preload_reload, true},
    [DUMP_HITCH] = {setup_hitch_put, setup_hitch_targets, setup_hitch_reload, true},
    [DUMP_LIGHTTPD] = {setup_lighttpd_put, setup_lighttpd_targets, setup_service_reload, false},
    [DUMP_H2O] = {setup_h2o_put, NULL, setup_service_reload, true},
    [DUMP_NGHTTPX] = {setup_nghttpx_put, NULL, setup_service_reload, true},
    [DUMP_EXIM] = {setup_exim_put, setup_file_targets, setup_service_reload, false},
    [DUMP_DNSDIST] = {setup_dnsdist_put, setup_dnsdist_targets, setup_dnsdist_reload, false},
    [SERVER_FILE] = {setup_file_put, setup_file_targets, NULL, false},
    [SERVER_PRELOAD] = {setup_preload_put, setup_preload_targets, setup_preload_reload, true},
};

void setup_service_reload(const struct setup *setup, struct buf *command)
{
    buf_put_text(command, "systemctl reload ");
    buf_put_text(command, setup->traits->service);
}

void setup_put_folder(struct buf *to, const struct setup *setup, unsigned group)
{
    buf_put_slice(to, slice_of_buf(&setup->folder));
    if (group > 1 && !*setup->prefix) {
        buf_put_byte(to, '-');
        buf_put_int(to, group);
    }
}

/* What stands before {name} in the folder. */
static void put_prefix(struct buf *to, const struct setup *setup, unsigned group)
{
    if (!*setup->prefix) {
        return;
    }
    buf_put_text(to, setup->prefix);
    if (setup->instance > 1) {
        buf_put_byte(to, '.');
        buf_put_int(to, setup->instance);
        buf_put_byte(to, '.');
    }
    if (group > 1) {
        buf_put_int(to, group);
    }
    buf_put_byte(to, '-');
}

static void put_file(struct buf *to, const struct setup *setup, unsigned group, const char *name)
{
    setup_put_folder(to, setup, group);
    buf_put_byte(to, '/');
    put_prefix(to, setup, group);
    buf_put_text(to, name);
    buf_put_text(to, ".ocsp");
}

void setup_put_staple(struct buf *to, const struct setup *setup, const struct setup_cert *cert)
{
    put_file(to, setup, cert->group, cert->name);
}

void setup_put_only(const struct setup *setup, struct page *page, unsigned group, bool only)
{
    bool begun = false;

    if (!only && setup->groups < 2) {
        return;
    }
    for (size_t i = 0; i < setup->cert_count; i++) {
        const struct setup_cert *cert = &setup->certs[i];
        struct buf glob = BUF_INIT(16384);

        if (cert->group == group && setup_is_listed(cert)) {
            page_put(page, "%s      - ", begun ? "" : "    only:\n");
            page_quote_glob(&glob, cert->path);
            page_quote_yaml(&page->out, buf_text(&glob));
            page_put(page, "\n");
            begun = true;
        }
        buf_deinit(&glob);
    }
}

void setup_put_template(const struct setup *setup, struct page *page, unsigned group)
{
    struct buf template = BUF_INIT(16384);

    put_file(&template, setup, group, "{name}");
    page_put(page, "  - %s: ", setup->traits->name);
    page_quote_yaml(&page->out, buf_text(&template));
    page_put(page, "\n");
    buf_deinit(&template);
}

void setup_file_targets(struct setup *setup, struct page *page, bool only)
{
    for (unsigned group = 1; group <= setup->groups; group++) {
        setup_put_template(setup, page, group);
        setup_put_only(setup, page, group, only);
    }
}

void setup_put_certificates(const struct setup *setup, struct page *page, struct map *seen)
{
    for (size_t i = 0; i < setup->cert_count; i++) {
        const struct setup_cert *cert = &setup->certs[i];
        uint64_t hash = map_hash(slice_of_text(cert->path));
        size_t at;

        if (!setup_is_listed(cert) || (seen && map_first(seen, hash, &at) != MAP_NONE)) {
            continue;
        }
        if (seen && map_add(seen, hash, 0)) {
            page->out.status = -ENOMEM;
        }
        page_put(page, "  - ");
        page_quote_yaml(&page->out, cert->path);
        page_put(page, "\n");
    }
}

/* As root it is read here all the same. */
static void put_rights(struct page *page, const struct setup_cert *cert)
{
    struct stat info;

    if (geteuid() == 0 && !stat(cert->path, &info) && !(info.st_mode & S_IROTH)) {
        page_say(
            page,
            "NOTE: %s is not for everybody (mode %04o): clinch's own user must be able to read "
            "it, by its group, or a copy without the key in its place, as `clinch import %s` makes "
            "one.",
            cert->path, (unsigned)info.st_mode & 07777, cert->path);
    }
}

static void put_fault(const struct setup *setup, struct page *page, const struct setup_cert *cert)
{
    const struct found_cert *leaf = setup_leaf(cert);

    if (!leaf) {
        page_say(page, "WARNING: %s.", cert->fault);
        return;
    }
    if (leaf->facts->is_ca) {
        page_say(page,
                 "WARNING: the first certificate in %s is a CA's: put the server's own first.",
                 cert->path);
    } else if (!setup_could(cert)) {
        page_say(page, "%s %s: there is nothing to staple for it.", cert->path,
                 leaf->facts->self_signed ? "is self-signed" : "has no OCSP URL");
    } else if (!setup_has_issuer(setup, cert) && !cert->refused) {
        page_say(page,
                 "WARNING: the issuer is missing in the chain of %s: append its certificate%s%s%s. "
                 "Clients need it, and so do some servers for a staple.",
                 cert->path, leaf->issuer ? " (it is in " : "",
                 leaf->issuer ? buf_text(&leaf->where) : "", leaf->issuer ? ")" : "");
    }
    put_rights(page, cert);
}

void setup_put_faults(const struct setup *setup, struct page *page)
{
    const struct dump *dump = setup->inventory.dump;

    for (size_t i = 0; i < setup->cert_count; i++) {
        put_fault(setup, page, &setup->certs[i]);
    }
    for (size_t i = 0; !setup->has_paths && i < dump->cert_count; i++) {
        const struct dump_cert *cert = &dump->certs[i];

        if (cert->flags & DUMP_VARIABLE && setup->kind != DUMP_NGINX) {
            page_say(
                page,
                "WARNING: %s:%u: the certificate %s is not a plain absolute path: clinch cannot "
                "tell which file it is.",
                cert->file, cert->line, cert->path);
        }
    }
    for (size_t i = 0; i < dump->note_count; i++) {
        page_say(page, "NOTE: %s:%u %s.", dump->notes[i].file, dump->notes[i].line,
                 dump->notes[i].text);
    }
}

static void put_yaml(struct setup *setup, struct page *page)
{
    const struct setup_kind *kind = &setup_kinds[setup->kind];

    page_block(page, setup->config_path, "# ");
    setup_put_faults(setup, page);
    page_say(page, "Into the lists of that name, where there are some already.");
    if (setup->own_state) {
        page_put(page, "state: ");
        page_quote_yaml(&page->out, setup->config->state_dir);
        page_put(page, "\n");
    }
    page_put(page, "certificates:\n");
    setup_put_certificates(setup, page, NULL);
    if (kind->put_targets) {
        page_put(page, "publish:\n");
        kind->put_targets(setup, page, false);
    }
}

static void put_clinch(const struct setup *setup, struct buf *command)
{
    if (text_equal(setup->config_path, CONFIG_PATH)) {
        buf_put_text(command, "systemctl enable clinch clinch-expire.timer && "
                              "systemctl restart clinch clinch-expire.timer");
    } else {
        buf_put_text(command, "clinch once -c ");
        page_quote_shell(command, setup->config_path);
        buf_put_text(command, ONCE_WAIT);
    }
}

static void put_live(struct setup *setup, struct page *page)
{
    const struct setup_kind *kind = &setup_kinds[setup->kind];
    struct buf server = BUF_INIT(65536), clinch = BUF_INIT(65536);

    if (kind->put_reload) {
        kind->put_reload(setup, &server);
    }
    put_clinch(setup, &clinch);
    page_block(page, "live", "# ");
    if (!server.size) {
        page_put(page, "%s\n", buf_text(&clinch));
    } else if (kind->clinch_first) {
        page_put(page, "%s && %s\n", buf_text(&clinch), buf_text(&server));
    } else {
        page_put(page, "%s && %s\n", buf_text(&server), buf_text(&clinch));
    }
    buf_deinit(&server);
    buf_deinit(&clinch);
}

/* Some certificates could not be read: their lines may be right all the same. */
static int complain_unread(const struct setup *setup)
{
    const struct setup_cert *first = NULL;
    struct buf more = BUF_INIT(256);
    unsigned count = 0;

    for (size_t i = 0; i < setup->cert_count; i++) {
        if (!setup_leaf(&setup->certs[i])) {
            first = first ? first : &setup->certs[i];
            count++;
        }
    }
    if (!first) {
        return EXIT_OK;
    }
    if (count > 1) {
        buf_put_text(&more, " (and ");
        buf_put_int(&more, count - 1);
        buf_put_text(&more, " more: see WARNING above)");
    }
    cli_complain("%s%s; what is printed above is made without it", first->fault, buf_text(&more));
    buf_deinit(&more);
    return EXIT_USAGE;
}

/* The first certificate that only the server could find; NULL: there is none, or nginx has told. */
static const struct dump_cert *find_unknown(const struct setup *setup)
{
    const struct dump *dump = setup->inventory.dump;
    bool told = setup->kind == DUMP_NGINX || setup->has_paths || setup->inventory.live;

    for (size_t i = 0; !told && i < dump->cert_count; i++) {
        if (dump->certs[i].flags & DUMP_VARIABLE) {
            return &dump->certs[i];
        }
    }
    return NULL;
}

static int complain_unknown_cert(const struct setup *setup, const struct dump_cert *cert)
{
    cli_complain("%s:%u: clinch cannot tell which file the certificate%s%s is: name it, as in "
                 "`clinch setup %s CERT.pem...`",
                 cert->file, cert->line, *cert->path ? " " : "", cert->path, setup->traits->name);
    return EXIT_NOT_DONE;
}

static int print(struct setup *setup)
{
    const struct dump_cert *unknown = find_unknown(setup);
    struct page page = PAGE_INIT;
    int code;

    if (unknown && !setup->cert_count) {
        return complain_unknown_cert(setup, unknown);
    }
    setup_kinds[setup->kind].put_server(setup, &page);
    if (setup_has_listed(setup)) {
        put_yaml(setup, &page);
        put_live(setup, &page);
    }
    if (buf_status(&page.out)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    } else {
        code = cli_write(slice_of_buf(&page.out));
    }
    if (!code && setup->refused) {
        cli_complain("%u certificate%s left out: see REFUSED above", setup->refused,
                     setup->refused == 1 ? " is" : "s are");
        code = EXIT_NOT_DONE;
    }
    if (!code && setup->left_out) {
        code = EXIT_NOT_DONE;
    }
    if (code != EXIT_USAGE && unknown) {
        code = complain_unknown_cert(setup, unknown);
    }
    buf_deinit(&page.out);
    return code == EXIT_USAGE || complain_unread(setup) == EXIT_OK ? code : EXIT_USAGE;
}

void setup_tell_trouble(const struct setup *setup)
{
    struct slice left = slice_of_buf(&setup->inventory.trouble);

    while (left.size) {
        size_t size = strcspn((const char *)left.data, "\n");

        cli_complain("%.*s", (int)size, (const char *)left.data);
        left = slice_of(left.data + size + 1, left.size - size - 1);
    }
}

/* Nothing to speak of. EXIT_USAGE, with what to do. */
static int complain_empty(const struct setup *setup)
{
    const char *name = setup->traits->name;

    if (setup->kind >= SERVER_FILE) {
        cli_complain("which certificates? `clinch setup %s CERT.pem...`", setup->options->paths[0]);
    } else if (setup->inventory.how.size) {
        cli_complain("%s names no certificate (%s)", setup->traits->title,
                     buf_text(&setup->inventory.how));
    } else if (setup->kind == DUMP_NGINX || setup->kind == DUMP_APACHE) {
        cli_complain("cannot read what %s serves: as root do `%s | clinch setup %s "
                     "--server-config -`, or name the certificates: `clinch setup %s CERT.pem...`",
                     setup->traits->title,
                     setup->kind == DUMP_NGINX ? "nginx -T"
                                               : "apachectl -t -D DUMP_CERTS -D DUMP_INCLUDES",
                     name, name);
    } else {
        cli_complain("cannot read what %s serves: give its configuration by --server-config FILE, "
                     "or name the certificates: `clinch setup %s CERT.pem...`",
                     setup->traits->title, name);
    }
    return EXIT_USAGE;
}

/* @server's configuration speaks of the socket at @address. */
static bool names_socket(const struct found_server *server, const char *address)
{
    bool found = false;

    for (unsigned i = 0; i < server->config_count && !found; i++) {
        struct buf text = BUF_INIT(LIMIT_DUMP_SIZE), fault = BUF_INIT(16384);

        found = !scan_read_file(server->configs[i], LIMIT_DUMP_SIZE, &text, &fault) &&
                strstr(buf_text(&text), address);
        buf_deinit(&text);
        buf_deinit(&fault);
    }
    return found;
}

/* Takes one of those found, and tells of the others. */
static struct found_server choose(struct found_server *list, size_t count,
                                  const struct options *options, int kind)
{
    struct found_server server = {.kind = kind};
    size_t chosen = 0;

    while (options->socket && chosen < count && !names_socket(&list[chosen], options->socket)) {
        chosen++;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == chosen) {
            server = list[i];
            continue;
        }
        if (!options->socket) {
            cli_complain("%s runs more than once: this is about process %d; for process %d give "
                         "--server-config FILE",
                         server_traits[kind].title, (int)list[chosen].pid, (int)list[i].pid);
        }
        found_server_deinit(&list[i]);
    }
    return server;
}

/* The process that runs the program of @server, where one does. */
static void find_process(struct found_server *server)
{
    char *program = server->program ? realpath(server->program, NULL) : NULL;
    struct found_server *list = NULL;
    size_t count = 0;

    if (program && find_servers(server->kind, &list, &count) == 0) {
        for (size_t i = 0; i < count; i++) {
            if (!server->pid && list[i].program && text_equal(list[i].program, program)) {
                server->pid = list[i].pid;
            }
            found_server_deinit(&list[i]);
        }
    }
    free(list);
    free(program);
}

/* The server as --program and --server-config name it. */
static struct found_server find_named(const struct options *options, int kind)
{
    struct found_server server = {.kind = kind};
    struct buf path = BUF_INIT(8192);

    server.program = options->program ? strdup(options->program) : NULL;
    if (options->server_config) {
        if (!text_equal(options->server_config, "-")) {
            cli_absolute(&path, options->server_config);
        }
        server.configs[server.config_count++] = strdup(path.size ? buf_text(&path) : "-");
    }
    if (options->program && path.size && kind == DUMP_NGINX) {
        server.arguments[server.argument_count++] = strdup("-c");
        server.arguments[server.argument_count++] = strdup(buf_text(&path));
    }
    find_process(&server);
    buf_deinit(&path);
    return server;
}

/* The server as the command line names it, else the first that runs or is installed. 0 or
 * EXIT_USAGE. */
static int find(const struct options *options, int kind, struct found_server *ret_server)
{
    struct found_server *list = NULL;
    size_t count = 0;

    if (kind >= SERVER_FILE) {
        *ret_server = (struct found_server){.kind = kind};
    } else if (options->server_config || options->program) {
        *ret_server = find_named(options, kind);
    } else if (find_servers(kind, &list, &count)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    } else {
        *ret_server = choose(list, count, options, kind);
        free(list);
    }
    return 0;
}

int setup_read_config(const struct options *options, struct buf *path, struct config **ret_config)
{
    struct options without = *options;

    if (!options->config_file) {
        buf_put_text(path, CONFIG_PATH);
    } else if (cli_absolute(path, options->config_file)) {
        cli_complain("%s: not a usable path", options->config_file);
        return EXIT_USAGE;
    }
    if (options->config_file && access(options->config_file, F_OK)) {
        without.config_file = NULL; /* to be written */
    }
    return cli_config(&without, ret_config);
}

static int setup_run(struct setup *setup)
{
    setup_tell_trouble(setup);
    if (setup->options->check && !setup->inventory.how.size) {
        return complain_empty(setup);
    }
    if (!setup->cert_count && !setup->inventory.dump->cert_count) {
        return complain_empty(setup);
    }
    return setup->options->check ? setup_check(setup) : print(setup);
}

static int setup_with(const struct options *options, int kind, const struct config *config,
                      const char *config_path)
{
    _cleanup_(lookup_freep)
    struct lookup *lookup = NULL;
    struct setup_order order = {
        .options = options,
        .config = config,
        .config_path = config_path,
        .instance = 1,
        .paths = options->paths + 1,
        .path_count = options->path_count - 1,
    };
    struct found_server server;
    struct setup setup;
    struct log log;
    int code;

    cli_log(&log, options);
    if (lookup_new(&lookup, config, &log)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    order.lookup = lookup;
    code = find(options, kind, &server);
    if (code) {
        return code;
    }
    code = setup_open(&setup, &order, &server);
    code = code ? code : setup_run(&setup);
    setup_deinit(&setup);
    return code;
}

static int complain_unknown(const char *name)
{
    const char *words[SERVERS + 32], *nearest, *preload;
    struct buf more = BUF_INIT(1024);
    size_t count = 0;

    for (int kind = 0; kind < SERVERS; kind++) {
        words[count++] = server_traits[kind].name;
    }
    while (count < ARRAY_SIZE(words) && (preload = setup_preload_name(count - SERVERS))) {
        words[count++] = preload;
    }
    nearest = value_nearest(name, words, count);
    if (nearest) {
        cli_complain("there is no server %s: did you mean %s?", name, nearest);
        return EXIT_USAGE;
    }
    setup_preload_names(&more);
    cli_complain("there is no server %s: nginx, haproxy, hitch, lighttpd, h2o, nghttpx, exim, "
                 "dnsdist, or file for any other that takes one; by the preload library %s "
                 "(openssl: any other)",
                 name, buf_text(&more));
    buf_deinit(&more);
    return EXIT_USAGE;
}

/* Of a folder only HAProxy makes certificates. */
static bool names_folder(const struct options *options, int kind)
{
    struct stat info;

    for (size_t i = 1; kind != DUMP_HAPROXY && i < options->path_count; i++) {
        if (!stat(options->paths[i], &info) && S_ISDIR(info.st_mode)) {
            cli_complain("%s is a folder: name the certificate file in it, as the server has it",
                         options->paths[i]);
            return true;
        }
    }
    return false;
}

int command_setup(const struct options *options)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf path = BUF_INIT(8192);
    int kind = find_kind(options->paths[0]);
    int code;

    if (kind < 0 && setup_preload_knows(options->paths[0])) {
        kind = SERVER_PRELOAD;
    }
    if (kind < 0) {
        return complain_unknown(options->paths[0]);
    }
    if (options->check && kind >= SERVER_FILE) {
        cli_complain("`%s` is no server of which --check could ask anything: `clinch probe` looks "
                     "at it as a client does",
                     options->paths[0]);
        return EXIT_USAGE;
    }
    if (names_folder(options, kind)) {
        return EXIT_USAGE;
    }
    code = setup_read_config(options, &path, &config);
    code = code ? code : setup_with(options, kind, config, buf_text(&path));
    buf_deinit(&path);
    return code;
}
