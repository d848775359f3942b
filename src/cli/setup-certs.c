/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/map.h"
#include "cli/setup.h"
#include "conf/template.h"
#include "publish/files.h"

struct adding {
    struct setup *setup;
    bool failed; /* no memory */
};

struct setup_cert *setup_find(const struct setup *setup, const char *path)
{
    uint64_t hash = map_hash(slice_of_text(path));
    size_t at;

    for (uint32_t v = map_first(&setup->by_path, hash, &at); v != MAP_NONE;
         v = map_more(&setup->by_path, hash, &at)) {
        if (text_equal(setup->certs[v].path, path)) {
            return &setup->certs[v];
        }
    }
    return NULL;
}

const struct found_cert *setup_leaf(const struct setup_cert *cert)
{
    return cert->file.count ? &cert->file.certs[0] : NULL;
}

bool setup_could(const struct setup_cert *cert)
{
    const struct found_cert *leaf = setup_leaf(cert);

    return !leaf || (leaf->facts->url_count && !leaf->facts->is_ca && !leaf->facts->self_signed);
}

bool setup_has_issuer(const struct setup *setup, const struct setup_cert *cert)
{
    const struct found_cert *leaf = setup_leaf(cert);

    if (!leaf) {
        return false;
    }
    return leaf->facts->self_signed || leaf->source == ISSUER_SAME_FILE ||
           (setup->kind == DUMP_HAPROXY ? leaf->source == ISSUER_BESIDE : leaf->facts->root_unsent);
}

bool setup_is_listed(const struct setup_cert *cert)
{
    return !cert->refused || cert->placed;
}

void setup_refuse(struct setup *setup, struct setup_cert *cert)
{
    setup->refused += !cert->refused;
    cert->refused = true;
}

bool setup_has_listed(const struct setup *setup)
{
    for (size_t i = 0; i < setup->cert_count; i++) {
        if (setup_is_listed(&setup->certs[i])) {
            return true;
        }
    }
    return false;
}

void setup_refuse_all(struct setup *setup)
{
    for (size_t i = 0; i < setup->cert_count; i++) {
        setup_refuse(setup, &setup->certs[i]);
        setup->certs[i].placed = false;
    }
}

static void read_cert(struct adding *adding, struct setup_cert *cert)
{
    struct buf fault = BUF_INIT(16384);

    if (lookup_file(adding->setup->lookup, cert->path, &cert->file, &fault)) {
        cert->file = (struct found_file){0};
    }
    if (cert->file.count) { /* there may be ten thousand files */
        struct found_cert *less =
            realloc(cert->file.certs, cert->file.count * sizeof(*cert->file.certs));

        cert->file.certs = less ? less : cert->file.certs;
    } else {
        cert->fault = text_copy(slice_of_buf(&fault));
        adding->failed |= !cert->fault;
    }
    buf_deinit(&fault);
}

static void add_file(struct adding *adding, const char *path)
{
    struct setup *setup = adding->setup;
    const char *unfit = page_path_fault(path);
    struct setup_cert *grown;

    if (setup_find(setup, path) || setup->cert_count == LIMIT_DUMP_ENTRIES) {
        return;
    }
    if (unfit) {
        cli_complain("%s is left out: its path %s", path, unfit);
        setup->left_out = true;
        return;
    }
    grown = realloc(setup->certs, (setup->cert_count + 1) * sizeof(*grown));
    if (!grown) {
        adding->failed = true;
        return;
    }
    setup->certs = grown;
    grown += setup->cert_count;
    *grown = (struct setup_cert){.path = text_copy(slice_of_text(path)), .group = 1};
    if (!grown->path ||
        map_add(&setup->by_path, map_hash(slice_of_text(path)), (uint32_t)setup->cert_count)) {
        free(grown->path);
        adding->failed = true;
        return;
    }
    setup->cert_count++;
    read_cert(adding, grown);
}

/* HAProxy takes no hidden file, and none of what may lie beside a certificate. */
static int is_loaded(const struct dirent *entry)
{
    static const char *const endings[] = {".key", ".issuer", ".ocsp", ".sctl"};
    size_t size = strlen(entry->d_name);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t tail = strlen(endings[i]);

        if (size > tail && strcmp(entry->d_name + size - tail, endings[i]) == 0) {
            return 0;
        }
    }
    return entry->d_name[0] != '.';
}

static void add_folder(struct adding *adding, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_loaded, alphasort);

    for (int i = 0; i < count; i++) {
        struct buf path = BUF_INIT(8192);

        buf_put_text(&path, folder);
        buf_put_text(&path, folder[strlen(folder) - 1] == '/' ? "" : "/");
        buf_put_text(&path, entries[i]->d_name);
        if (!buf_status(&path)) {
            add_file(adding, buf_text(&path));
        }
        buf_deinit(&path);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

/* `crt site.pem` takes site.pem.rsa and site.pem.ecdsa, where there is no site.pem. */
static void add_bundle(struct adding *adding, const char *path)
{
    static const char *const types[] = {".rsa", ".ecdsa", ".dsa"};
    struct stat info;
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct buf whole = BUF_INIT(8192);

        buf_put_text(&whole, path);
        buf_put_text(&whole, types[i]);
        if (!stat(buf_text(&whole), &info)) {
            add_file(adding, buf_text(&whole));
            found = true;
        }
        buf_deinit(&whole);
    }
    if (!found) {
        add_file(adding, path);
    }
}

static void add(struct adding *adding, const char *path)
{
    bool is_haproxy = adding->setup->kind == DUMP_HAPROXY;
    struct stat info;
    int r = is_haproxy ? stat(path, &info) : 0;

    if (is_haproxy && !r && S_ISDIR(info.st_mode)) {
        add_folder(adding, path);
    } else if (is_haproxy && r && errno == ENOENT) {
        add_bundle(adding, path);
    } else {
        add_file(adding, path);
    }
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;

    return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* How the server writes the path of the file @path; @path itself when it does not name that. */
static const char *as_served(const struct setup *setup, const char *path)
{
    const struct inventory *inventory = &setup->inventory;
    const struct dump *dump = inventory->dump;

    for (int round = 0; round < 2; round++) { /* names first, then what they lead to */
        for (size_t i = 0; i < inventory->loaded_count; i++) {
            if (round ? is_same_file(inventory->loaded[i], path)
                      : text_equal(inventory->loaded[i], path)) {
                return inventory->loaded[i];
            }
        }
        for (size_t i = 0; i < dump->cert_count; i++) {
            if (round ? is_same_file(dump->certs[i].path, path)
                      : text_equal(dump->certs[i].path, path)) {
                return dump->certs[i].path;
            }
        }
    }
    if (inventory->how.size) {
        cli_complain("%s: %s does not name this file (%s)", path, setup->traits->title,
                     buf_text(&inventory->how));
    }
    return path;
}

static void add_all(struct adding *adding, const struct setup_order *order)
{
    struct setup *setup = adding->setup;
    const struct inventory *inventory = &setup->inventory;
    struct buf absolute = BUF_INIT(8192);

    for (size_t i = 0; i < order->path_count && !adding->failed; i++) {
        buf_clear(&absolute);
        if (cli_absolute(&absolute, order->paths[i])) {
            adding->failed = true;
        } else {
            add(adding, as_served(setup, buf_text(&absolute)));
        }
    }
    for (size_t i = 0; !order->path_count && i < inventory->loaded_count; i++) {
        add(adding, inventory->loaded[i]);
    }
    for (size_t i = 0; !order->path_count && !inventory->live && i < inventory->dump->cert_count;
         i++) {
        if (!(inventory->dump->certs[i].flags & DUMP_VARIABLE)) {
            add(adding, inventory->dump->certs[i].path);
        }
    }
    buf_deinit(&absolute);
}

/* What tells the certificates' staples apart: HAProxy's symlinks have the whole file name, hitch's
 * files are named by themselves. */
static bool name_cert(struct setup *setup, struct setup_cert *cert)
{
    struct buf name = BUF_INIT(8192), der = BUF_INIT(8192), snippet = BUF_INIT(8192);
    const struct file_target nginx = {.folder = ""};
    const struct place place = {cert->path, 0};

    template_expand(&name, setup->kind == DUMP_HAPROXY ? "{file}" : "{name}", place, NULL);
    if (setup->kind == DUMP_NGINX) {
        nginx_put_paths(&der, &snippet, &nginx, slice_of_buf(&name));
        buf_clear(&name); /* "/NAME.ocsp" */
        buf_put(&name, buf_text(&der) + 1, der.size > 6 ? der.size - 6 : 0);
    }
    cert->name = text_copy(slice_of_buf(&name));
    buf_deinit(&name);
    buf_deinit(&der);
    buf_deinit(&snippet);
    return cert->name != NULL;
}

/* Certificates of one name go into folders of their own. */
static bool group_certs(struct setup *setup)
{
    struct map by_name = MAP_NULL;
    bool good = true;

    setup->groups = 1;
    for (size_t i = 0; good && i < setup->cert_count; i++) {
        struct setup_cert *cert = &setup->certs[i];
        uint64_t hash;
        size_t at;

        good = name_cert(setup, cert);
        hash = good ? map_hash(slice_of_text(cert->name)) : 0;
        for (uint32_t v = good ? map_first(&by_name, hash, &at) : MAP_NONE; v != MAP_NONE;
             v = map_more(&by_name, hash, &at)) {
            cert->group += text_equal(setup->certs[v].name, cert->name);
        }
        if (setup->kind == DUMP_HITCH) {
            cert->group = 1;
        }
        setup->groups = cert->group > setup->groups ? cert->group : setup->groups;
        good = good && !map_add(&by_name, hash, (uint32_t)i);
    }
    map_deinit(&by_name);
    return good;
}

static void open_folder(struct setup *setup)
{
    /* These read staples as root. */
    bool in_state = setup->kind == DUMP_NGINX || setup->kind == DUMP_HAPROXY;
    bool is_hitch = setup->kind == DUMP_HITCH;

    setup->own_state = !text_equal(setup->config->state_dir, "/var/lib/clinch");
    setup->folder = BUF_INIT(8192);
    setup->prefix = "";
    if (setup->own_state || in_state) {
        buf_put_text(&setup->folder, setup->config->state_dir);
        buf_put_byte(&setup->folder, '/');
        buf_put_text(&setup->folder, setup->traits->name);
        if (setup->instance > 1) {
            buf_put_byte(&setup->folder, '.');
            buf_put_int(&setup->folder, setup->instance);
        }
    } else {
        buf_put_text(&setup->folder, is_hitch ? "/run/clinch/hitch" : "/run/clinch/staples");
        setup->prefix = is_hitch || setup->kind == SERVER_FILE ? "" : setup->traits->name;
    }
}

int setup_open(struct setup *ret_setup, const struct setup_order *order,
               struct found_server *server)
{
    struct setup *setup = ret_setup;
    struct adding adding = {.setup = setup};
    int r;

    *setup = (struct setup){
        .options = order->options,
        .config = order->config,
        .kind = server->kind,
        .traits = &server_traits[server->kind],
        .server = *server,
        .lookup = order->lookup,
        .config_path = order->config_path,
        .instance = order->instance,
        .has_paths = order->path_count > 0,
    };
    *server = (struct found_server){0};
    open_folder(setup);
    setup_haproxy_open(setup);
    r = inventory_read(&setup->inventory, &setup->server, order->options);
    if (!r) {
        add_all(&adding, order);
    }
    if (r || adding.failed || !group_certs(setup)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    return 0;
}

void setup_deinit(struct setup *setup)
{
    for (size_t i = 0; i < setup->cert_count; i++) {
        found_file_deinit(&setup->certs[i].file);
        free(setup->certs[i].path);
        free(setup->certs[i].fault);
        free(setup->certs[i].name);
    }
    free(setup->certs);
    map_deinit(&setup->by_path);
    buf_deinit(&setup->folder);
    inventory_deinit(&setup->inventory);
    found_server_deinit(&setup->server);
}
