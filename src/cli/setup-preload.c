/* SPDX-License-Identifier: Apache-2.0 */

/* Servers that staple by libclinch-preload.so: where each takes its environment from differs, and
 * that is all (docs/servers/preload.md). */

#include <string.h>

#include "cli/setup.h"

#define LIBRARY CLINCH_LIBDIR "/libclinch-preload.so"

/* In alphabetical order. */
static const struct preloaded {
    const char *name;
    const char *unit;    /* of systemd, which gets a drop-in; NULL: it drops what it is given */
    const char *restart; /* behind `systemctl restart` */
    const char *check;   /* what tells that it will start again */
    const char *probe;   /* behind `clinch probe` */
} preloaded[] = {
    {"apache", "apache2.service", "apache2", "apachectl -t", "HOST:443"},
    {"dovecot", NULL, "dovecot", "doveconf -n >/dev/null", "HOST:993"},
    {"mariadb", "mariadb.service", "mariadb", NULL, "HOST --starttls mysql"},
    {"mosquitto", "mosquitto.service", "mosquitto", NULL, "HOST:8883"},
    {"openssl", "SERVER.service", "SERVER", NULL, "HOST:PORT"},
    {"postfix", NULL, "postfix", "postfix check", "HOST --starttls smtp"},
    {"postgresql", NULL, "postgresql", NULL, "HOST --starttls postgres"},
    {"proftpd", "proftpd.service", "proftpd", "proftpd -t", "HOST --starttls ftp"},
    {"redis", "redis-server.service", "redis-server", NULL, "HOST:6379"},
    {"stunnel", "stunnel@.service", "'stunnel@*'", NULL, "HOST:PORT"},
    {"vsftpd", "vsftpd.service", "vsftpd", NULL, "HOST --starttls ftp"},
};

static const struct preloaded *find_preloaded(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(preloaded); i++) {
        if (strcasecmp(preloaded[i].name, name) == 0 ||
            strcasecmp(preloaded[i].restart, name) == 0) {
            return &preloaded[i];
        }
    }
    return NULL;
}

bool setup_preload_knows(const char *name)
{
    return find_preloaded(name);
}

const char *setup_preload_name(size_t index)
{
    return index < ARRAY_SIZE(preloaded) ? preloaded[index].name : NULL;
}

void setup_preload_names(struct buf *to)
{
    for (size_t i = 0; i < ARRAY_SIZE(preloaded); i++) {
        buf_put_text(to, i ? ", " : "");
        buf_put_text(to, preloaded[i].name);
    }
}

/* `clinch discover` asks about Apache alone, which can be read. */
static const struct preloaded *of_setup(const struct setup *setup)
{
    return find_preloaded(setup->kind == DUMP_APACHE ? "apache" : setup->options->paths[0]);
}

void setup_preload_folder(struct buf *to, const struct setup *setup)
{
    buf_put_text(to, setup->own_state ? setup->config->state_dir : "/run/clinch");
    buf_put_text(to, "/staples");
}

/* What stands in four sorts of configuration, and between colons, must be nobody's syntax. */
static bool is_plain(const char *folder)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "/._+@=,-";

    return !folder[strspn(folder, plain)];
}

static void put_unit(struct page *page, const struct preloaded *server, const char *folder)
{
    struct buf path = BUF_INIT(8192);

    buf_put_text(&path, "/etc/systemd/system/");
    buf_put_text(&path, server->unit);
    buf_put_text(&path, ".d/clinch-preload.conf");
    page_block(page, buf_text(&path), "# ");
    page_put(page, "[Unit]\nWants=clinch.service\nAfter=clinch.service\n\n[Service]\n");
    page_put(page, "Environment=LD_PRELOAD=%s\nEnvironment=CLINCH_STAPLES=%s\n", LIBRARY, folder);
    buf_deinit(&path);
}

static void put_elsewhere(struct page *page, const struct preloaded *server, const char *folder)
{
    if (text_equal(server->name, "dovecot")) {
        page_block(page, "/etc/dovecot/conf.d/99-clinch.conf", "# ");
        page_say(page, "Dovecot's processes get the variables that are named here, and no others.");
        page_put(page, "import_environment = $import_environment LD_PRELOAD=%s CLINCH_STAPLES=%s\n",
                 LIBRARY, folder);
    } else if (text_equal(server->name, "postfix")) {
        page_block(page, "shell", "# ");
        page_say(page, "Once. Postfix's processes get the variables that main.cf names, and no "
                       "others.");
        page_put(page,
                 "postconf -e \"import_environment = $(postconf -h import_environment) "
                 "LD_PRELOAD=%s CLINCH_STAPLES=%s\"\n",
                 LIBRARY, folder);
    } else {
        page_block(page, "/etc/postgresql/15/main/environment", "# ");
        page_say(page,
                 "Of each cluster: Debian's pg_ctlcluster starts it with these variables, and "
                 "no others. Elsewhere a drop-in for its unit does.");
        page_put(page, "LD_PRELOAD = '%s'\nCLINCH_STAPLES = '%s'\n", LIBRARY, folder);
    }
}

void setup_preload_put(struct setup *setup, struct page *page)
{
    const struct preloaded *server = of_setup(setup);
    struct buf folder = BUF_INIT(8192);

    setup_preload_folder(&folder, setup);
    if (!is_plain(buf_text(&folder))) {
        page_block(page, "shell", "# ");
        page_say(page, "REFUSED: the folder %s has characters that not everybody takes for a path.",
                 buf_text(&folder));
        setup_refuse_all(setup);
    } else if (server->unit) {
        put_unit(page, server, buf_text(&folder));
    } else {
        put_elsewhere(page, server, buf_text(&folder));
    }
    page_say(page, "Afterwards `clinch probe %s` shows the staple.", server->probe);
    buf_deinit(&folder);
}

/* All certificates in one folder: there is nothing to tell apart. */
void setup_preload_targets(struct setup *setup, struct page *page, bool only)
{
    struct buf folder = BUF_INIT(8192);

    (void)only;
    page_put(page, "  - folder:");
    if (setup->own_state) {
        setup_preload_folder(&folder, setup);
        page_put(page, " ");
        page_quote_yaml(&page->out, buf_text(&folder));
    }
    page_put(page, "\n");
    buf_deinit(&folder);
}

void setup_preload_reload(const struct setup *setup, struct buf *command)
{
    const struct preloaded *server = of_setup(setup);

    if (server->check) {
        buf_put_text(command, server->check);
        buf_put_text(command, " && ");
    }
    buf_put_text(command, server->unit ? "systemctl daemon-reload && " : "");
    buf_put_text(command, "systemctl restart ");
    buf_put_text(command, server->restart);
}
