/* SPDX-License-Identifier: Apache-2.0 */

/* How clinch makes a server take or drop a staple. Most let only root do that: where clinch has a
 * user of its own it touches a file, and root's clinch-reload@.path does the rest. */

#include <pwd.h>
#include <string.h>

#include "cli/setup.h"

#define OWN_USER "clinch"
#define DOORS    "/run/clinch/reload/"

/* What is peculiar to a kind; the packaged clinch-reload@.service is made for nginx. */
struct server_door {
    const char *test;   /* of its configuration, before each; NULL: the packaged one does it */
    const char *option; /* that names it there */
    const char *verb;   /* of systemctl */
    const char *signal; /* that does the same where systemd does not know the server; or NULL */
};

static const struct server_door doors[SERVERS] = {
    [DUMP_NGINX] = {.verb = "reload", .signal = "HUP"},
    [DUMP_HITCH] = {"/usr/sbin/hitch --test", "--config=", "reload", "HUP"},
    [DUMP_LIGHTTPD] = {"/usr/sbin/lighttpd -tt", "-f ", "reload", "USR1"},
    [DUMP_DNSDIST] = {"/usr/bin/dnsdist --check-config", "-C ", "restart", NULL},
};

/* Where distributions have its configuration, systemd knows the server by its usual name. */
static bool is_service(const struct setup *setup)
{
    const char *const *usual = setup->traits->configs;

    if (setup->instance > 1 || !setup->server.config_count) {
        return setup->instance == 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(setup->traits->configs) && usual[i]; i++) {
        if (text_equal(usual[i], setup->server.configs[0])) {
            return true;
        }
    }
    return false;
}

bool setup_is_apart(const struct setup *setup)
{
    return !setup->own_state && getpwnam(OWN_USER);
}

static bool has_door(const struct setup *setup)
{
    return doors[setup->kind].verb && setup_is_apart(setup) && is_service(setup);
}

static void put_direct(struct buf *to, const struct setup *setup)
{
    const struct server_door *door = &doors[setup->kind];
    const char *pid_file = setup->inventory.dump->values[DUMP_PID_FILE];

    if (!is_service(setup) && door->signal && pid_file) {
        buf_put_text(to, "kill -");
        buf_put_text(to, door->signal);
        buf_put_text(to, " $(cat ");
        page_quote_shell(to, pid_file);
        buf_put_byte(to, ')');
    } else {
        buf_put_text(to, "systemctl ");
        buf_put_text(to, door->verb);
        buf_put_byte(to, ' ');
        buf_put_text(to, setup->traits->service);
    }
}

void setup_put_told(const struct setup *setup, struct page *page, const char *key,
                    const char *direct)
{
    struct buf command = BUF_INIT(65536);

    if (has_door(setup)) {
        buf_put_text(&command, "touch " DOORS);
        buf_put_text(&command, setup->traits->service);
    } else if (direct) {
        buf_put_text(&command, direct);
    } else {
        put_direct(&command, setup);
    }
    if (!has_door(setup) && is_service(setup)) {
        page_put(page, "    # where clinch is not root: touch " DOORS "%s (SECURITY.md)\n",
                 setup->traits->service);
    }
    page_put(page, "    %s: ", key);
    page_quote_yaml(&page->out, buf_text(&command));
    page_put(page, "\n");
    page->out.status = page->out.status ? page->out.status : buf_status(&command);
    buf_deinit(&command);
}

void setup_put_door(const struct setup *setup, struct page *page)
{
    const struct server_door *door = &doors[setup->kind];
    const char *service = setup->traits->service;
    struct buf path = BUF_INIT(8192);

    if (!has_door(setup)) {
        return;
    }
    if (door->test) {
        buf_put_text(&path, "/etc/systemd/system/clinch-reload@");
        buf_put_text(&path, service);
        buf_put_text(&path, ".service.d/clinch.conf");
        page_block(page, buf_text(&path), "# ");
        page_say(page, "What root does when clinch asks for it.");
        page_put(page, "[Service]\nExecStart=\nExecStart=%s %s%s\n", door->test, door->option,
                 setup->server.config_count ? setup->server.configs[0] : setup->traits->configs[0]);
        page_put(page, "ExecStart=/usr/bin/systemctl %s %%i.service\n", door->verb);
    }
    page_block(page, "shell", "# ");
    page_say(page, "Once: clinch is not root, and asks root to %s %s by touching a file.",
             door->verb, setup->traits->title);
    page_put(page, "%ssystemctl enable --now clinch-reload@%s.path\n",
             door->test ? "systemctl daemon-reload\n" : "", service);
    buf_deinit(&path);
}
