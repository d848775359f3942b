/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "conf/config-value.h"
#include "conf/config.h"
#include "core/clients.h"

static const char good[] = "# everything at once\n"
                           "state: /srv/clinch\n"
                           "control: /run/clinch/control.sock\n"
                           "certificates:\n"
                           "  - /etc/nginx/tls/*.pem\n"
                           "  - \"/etc/le/live\"\n"
                           "issuers: [/etc/clinch/issuers]\n"
                           "allow_loopback: true\n"
                           "proxy: http://proxy.example:3128\n"
                           "connect_timeout: 5s\n"
                           "timeout: 15 s\n"
                           "reload_interval: 2h\n"
                           "responder_concurrency: 8\n"
                           "responder_rate: 0\n"
                           "on_revoked: staple\n"
                           "on_revoked_command: [/usr/bin/mail, -s, \"it's gone\", root]\n"
                           "must_staple_grace: false\n"
                           "publish:\n"
                           "  - file: \"{dir}/{stem}.ocsp\"\n"
                           "    mode: \"0640\"\n"
                           "    group: www-data\n"
                           "    reload: systemctl reload x\n"
                           "    only: [\"/etc/nginx/tls/*\"]\n"
                           "    reload_interval: 30m\n"
                           "  - nginx: /var/lib/clinch/nginx\n"
                           "    mode: 0600\n"
                           "    reload: nginx -t && nginx -s reload\n"
                           "  - haproxy: [/run/haproxy/admin.sock, \"[::1]:9999\"]\n"
                           "    ocsp: \"/var/lib/clinch/haproxy/{file}.ocsp\"\n"
                           "    max_size: 16000\n"
                           "  - hitch: /run/clinch/hitch\n"
                           "    pem_file: \"/etc/hitch/{file}\"\n"
                           "    reload: systemctl reload hitch\n"
                           "  - lighttpd: /run/clinch/{name}.ocsp\n"
                           "    reload: systemctl reload lighttpd\n"
                           "  - dnsdist: /run/clinch/{name}.ocsp\n"
                           "    reload: dnsdist -c -e 'reloadAllCertificates()'\n"
                           "    restart: systemctl restart dnsdist\n"
                           "  - exim: /run/clinch/{name}.ocsp\n"
                           "    group: Debian-exim\n"
                           "    mode: 0640\n"
                           "  - folder:\n"
                           "  - folder: /srv/jail/staples\n"
                           "  - command: |\n"
                           "      systemctl reload exim4\n"
                           "      logger done\n";

static int read_text(struct config **ret_config, const char *text, struct buf *faults)
{
    return config_read(ret_config, "c.yaml", slice_of_text(text), faults);
}

static void test_every_key_is_read(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&config, good, &faults), 0);
    assert_string_equal(buf_text(&faults), "");
    assert_string_equal(config->state_dir, "/srv/clinch");
    assert_string_equal(config->control, "/run/clinch/control.sock");
    assert_int_equal(config->certificate_count, 2);
    assert_string_equal(config->certificates[0], "/etc/nginx/tls/*.pem");
    assert_string_equal(config->certificates[1], "/etc/le/live");
    assert_int_equal(config->issuer_count, 1);
    assert_string_equal(config->issuers[0], "/etc/clinch/issuers");
    assert_true(config->policy.allow_loopback);
    assert_string_equal(config->proxy, "http://proxy.example:3128");
    assert_int_equal(config->connect_timeout_ms, 5000);
    assert_int_equal(config->timeout_ms, 15000);
    assert_int_equal(config->policy.responder_concurrency, 8);
    assert_int_equal(config->policy.responder_rate, 0);
    assert_true(config->policy.staple_revoked);
    assert_false(config->policy.must_staple_grace);
    assert_int_equal(config->on_revoked_count, 4);
    assert_string_equal(config->on_revoked_command[0], "/usr/bin/mail");
    assert_string_equal(config->on_revoked_command[2], "it's gone");
    buf_deinit(&faults);
}

static void test_every_target_is_read(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);
    const struct target_config *target;

    (void)state;
    assert_int_equal(read_text(&config, good, &faults), 0);
    assert_int_equal(config->target_count, 10);
    target = &config->targets[0];
    assert_int_equal(target->type, TARGET_FILE);
    assert_int_equal(target->line, 19);
    assert_string_equal(target->path, "{dir}/{stem}.ocsp");
    assert_int_equal(target->mode, 0640);
    assert_string_equal(target->group, "www-data");
    assert_string_equal(target->command, "systemctl reload x");
    assert_int_equal(target->only_count, 1);
    assert_string_equal(target->only[0], "/etc/nginx/tls/*");
    assert_int_equal(target->reload_interval_s, 1800);
    target = &config->targets[1];
    assert_int_equal(target->type, TARGET_NGINX);
    assert_string_equal(target->path, "/var/lib/clinch/nginx");
    assert_string_equal(target->name, "{name}");
    assert_int_equal(target->mode, 0600);
    assert_int_equal(target->reload_interval_s, 7200);
    target = &config->targets[2];
    assert_int_equal(target->type, TARGET_HAPROXY);
    assert_string_equal(target->path, "/run/haproxy/admin.sock,[::1]:9999");
    assert_string_equal(target->ocsp, "/var/lib/clinch/haproxy/{file}.ocsp");
    assert_int_equal(target->mode, 0644);
    assert_null(target->command);
    assert_int_equal(target->max_size, 16000);
    target = &config->targets[9];
    assert_int_equal(target->type, TARGET_COMMAND);
    assert_string_equal(target->command, "systemctl reload exim4\nlogger done\n");
    buf_deinit(&faults);
}

static void test_every_server_of_files_is_read(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);
    const struct target_config *target;

    (void)state;
    assert_int_equal(read_text(&config, good, &faults), 0);
    target = &config->targets[3];
    assert_int_equal(target->type, TARGET_HITCH);
    assert_string_equal(target->path, "/run/clinch/hitch");
    assert_string_equal(target->pem_file, "/etc/hitch/{file}");
    assert_string_equal(target->command, "systemctl reload hitch");
    target = &config->targets[4];
    assert_int_equal(target->type, TARGET_LIGHTTPD);
    assert_string_equal(target->path, "/run/clinch/{name}.ocsp");
    assert_string_equal(target->command, "systemctl reload lighttpd");
    assert_null(target->restart);
    target = &config->targets[5];
    assert_int_equal(target->type, TARGET_DNSDIST);
    assert_string_equal(target->command, "dnsdist -c -e 'reloadAllCertificates()'");
    assert_string_equal(target->restart, "systemctl restart dnsdist");
    target = &config->targets[6];
    assert_int_equal(target->type, TARGET_EXIM);
    assert_string_equal(target->path, "/run/clinch/{name}.ocsp");
    assert_string_equal(target->group, "Debian-exim");
    assert_int_equal(config->targets[7].type, TARGET_FOLDER);
    assert_string_equal(config->targets[7].path, CONFIG_FOLDER);
    assert_string_equal(config->targets[8].path, "/srv/jail/staples");
    assert_int_equal(target->mode, 0640);
    buf_deinit(&faults);
}

static void test_servers_to_be_asked_are_read(void **state)
{
    static const char text[] = "publish:\n"
                               "  - command: x\n"
                               "    verify:\n"
                               "      - 127.0.0.1:443\n"
                               "      - \"[::1]:8443  shop.example\"\n"
                               "      - mx.example:25 starttls=smtp mail.example\n"
                               "  - file: /a/{stem}\n"
                               "    verify: localhost:1\n"
                               "  - command: y\n";
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);
    const struct verify_config *verify;

    (void)state;
    assert_int_equal(read_text(&config, text, &faults), 0);
    assert_int_equal(config->targets[0].verify_count, 3);
    verify = config->targets[0].verify;
    assert_string_equal(verify[0].address, "127.0.0.1:443");
    assert_null(verify[0].servername);
    assert_null(verify[0].starttls);
    assert_string_equal(verify[1].address, "[::1]:8443");
    assert_string_equal(verify[1].servername, "shop.example");
    assert_string_equal(verify[2].address, "mx.example:25");
    assert_string_equal(verify[2].servername, "mail.example");
    assert_string_equal(verify[2].starttls, "smtp");
    assert_int_equal(config->targets[1].verify_count, 1);
    assert_int_equal(config->targets[2].verify_count, 0);
    buf_deinit(&faults);
}

static void test_defaults_are_those_of_the_pages(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&config, "publish: [command: x]\n", &faults), 0);
    assert_string_equal(config->state_dir, "/var/lib/clinch");
    assert_string_equal(config->control, "/var/lib/clinch/control.sock");
    assert_int_equal(config->certificate_count, 0);
    assert_null(config->proxy);
    assert_int_equal(config->connect_timeout_ms, 5000);
    assert_int_equal(config->timeout_ms, 15000);
    assert_false(config->policy.allow_loopback);
    assert_int_equal(config->policy.audience, AUDIENCE_ALL);
    assert_int_equal(config->policy.max_age_s, 0);
    assert_int_equal(config->policy.responder_concurrency, 32);
    assert_int_equal(config->policy.responder_rate, 1000);
    assert_false(config->policy.staple_revoked);
    assert_true(config->policy.must_staple_grace);
    assert_int_equal(config->on_revoked_count, 0);
    assert_int_equal(config->targets[0].reload_interval_s, 3600);
    buf_deinit(&faults);
}

static void test_a_short_timeout_shortens_the_connect_timeout(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&config, "timeout: 2s\n", &faults), 0);
    assert_int_equal(config->connect_timeout_ms, 2000);
    buf_deinit(&faults);
}

static void test_control_socket_follows_the_state_directory_unless_named(void **state)
{
    _cleanup_(config_freep)
    struct config *plain = NULL, *named = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&plain, "state: /a\n", &faults), 0);
    assert_string_equal(plain->control, "/a/control.sock");
    assert_int_equal(config_set_state_dir(plain, "/b"), 0);
    assert_string_equal(plain->control, "/b/control.sock");
    assert_int_equal(read_text(&named, "control: /run/c\nstate: /a\n", &faults), 0);
    assert_int_equal(config_set_state_dir(named, "/b"), 0);
    assert_string_equal(named->control, "/run/c");
    buf_deinit(&faults);
}

static void test_command_line_adds_to_the_file(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&config, "certificates: /a\nissuers: /i\n", &faults), 0);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(config_add_certificate(config, i == 8 ? "/last" : "/more"), 0);
    }
    assert_int_equal(config_add_issuer(config, "/j"), 0);
    assert_int_equal(config->certificate_count, 10);
    assert_string_equal(config->certificates[0], "/a");
    assert_string_equal(config->certificates[1], "/more");
    assert_string_equal(config->certificates[9], "/last");
    assert_string_equal(config->issuers[1], "/j");
    buf_deinit(&faults);
}

/* What is wrong, and the one line that must be said about it. */
static const struct {
    const char *yaml;
    const char *fault;
} bad[] = {
    {"", "c.yaml:1:1: nothing in it: certificates and targets are missing\n"},
    {"# only this\n---\n", "c.yaml:1:1: nothing in it: certificates and targets are missing\n"},
    {"tragets: x\n", "c.yaml:1:1: unknown key `tragets`\n"},
    {"state: /a\npublsih: x\n", "c.yaml:2:1: unknown key `publsih` (did you mean `publish`?)\n"},
    {"a\x1b[31m: x\n", NULL},
    {"mode: 0640\n", "c.yaml:1:1: `mode` belongs into an entry of `publish`\n"},
    {"publish:\n  - command: x\n    proxy: http://x\n",
     "c.yaml:3:5: `proxy` does not belong into an entry of `publish`, but to the left "
     "margin\n"},
    {"state: /a\ntimeout: 9s\nstate: /b\n",
     "c.yaml:3:1: duplicate key `state`, already given in line 1\n"},
    {"publish:\n  - {command: x, verify: shop.example}\n",
     "c.yaml:2:26: `verify` must be host:port, then perhaps the server name to ask for and "
     "starttls=PROTOCOL\n"},
    {"publish:\n  - {command: x, verify: [\"a:1 b c\"]}\n",
     "c.yaml:2:27: `verify` must be host:port, then perhaps the server name to ask for and "
     "starttls=PROTOCOL\n"},
    {"publish:\n  - {command: x, verify: []}\n", "c.yaml:2:26: `verify` is an empty list\n"},
    {"state:\n", "c.yaml:1:1: `state` has no value\n"},
    {"state: ''\n", "c.yaml:1:8: `state` is empty\n"},
    {"state: a/b\n", "c.yaml:1:8: `state` must be an absolute path, one that begins with /\n"},
    {"state: [/a]\n", "c.yaml:1:8: `state` must be one value, not a list\n"},
    {"state: {a: b}\n", "c.yaml:1:8: `state` must be one value, not a mapping\n"},
    {"state: \"/a\\nb\"\n", "c.yaml:1:8: `state` holds a control character\n"},
    {"state: \"/a\\0b\"\n", "c.yaml:1:9: a NUL character cannot be part of a setting\n"},
    {"certificates:\n  - /a\n  - b/*.pem\n",
     "c.yaml:3:5: `certificates` must be an absolute path, one that begins with /\n"},
    {"certificates: []\n", "c.yaml:1:15: `certificates` is an empty list\n"},
    {"certificates: {a: b}\n", "c.yaml:1:15: `certificates` must be one value, not a mapping\n"},
    {"certificates: [[/a]]\n", "c.yaml:1:16: `certificates` must be one value, not a list\n"},
    {"certificates: *.pem\n", NULL},
    {"a: &x /a\nstate: *x\n", "c.yaml:2:9: aliases (`*word`) are not used in settings; a text "
                              "that begins with `*` needs "
                              "quotes\n"},
    {"state: !!str /a\n", "c.yaml:1:14: tags (`!word`) are not used in settings\n"},
    {"audience: [gnutls, jawa]\n",
     "c.yaml:1:11: `audience` names an unknown client, jawa; known are all browsers rfc6960 "
     "firefox "
     "chromium gnutls openssl libressl java go s2n wolfssl nss apple rhel\n"},
    {"audience: []\n", "c.yaml:1:11: `audience` is an empty list\n"},
    {"responder_concurrency: 0\n",
     "c.yaml:1:24: `responder_concurrency` must be a whole number, 1 to 1000\n"},
    {"responder_concurrency: 1001\n",
     "c.yaml:1:24: `responder_concurrency` must be a whole number, 1 to 1000\n"},
    {"responder_rate: 100001\n",
     "c.yaml:1:17: `responder_rate` must be a whole number, 0 to 100000\n"},
    {"responder_rate: 99999999999999999999\n",
     "c.yaml:1:17: `responder_rate` must be a whole number, 0 to 100000\n"},
    {"responder_rate: -1\n", "c.yaml:1:17: `responder_rate` must be a whole number, 0 to 100000\n"},
    {"responder_rate: 10/s\n",
     "c.yaml:1:17: `responder_rate` must be a whole number, 0 to 100000\n"},
    {"responder_rate:\n", "c.yaml:1:1: `responder_rate` has no value\n"},
    {"on_revoked: delete\n", "c.yaml:1:13: `on_revoked` must be withdraw or staple\n"},
    {"must_staple_grace: 1\n", "c.yaml:1:20: `must_staple_grace` must be true or false\n"},
    {"on_revoked_command: mail\n",
     "c.yaml:1:21: `on_revoked_command` must be an absolute path, one that begins with /\n"},
    {"on_revoked_command: /bin/mail root\n",
     "c.yaml:1:21: `on_revoked_command` is run without a shell: give the program and its "
     "arguments as a list, such as [/bin/sh, -c, \"...\"]\n"},
    {"on_revoked_command: [mail, root]\n",
     "c.yaml:1:22: `on_revoked_command` must be an absolute path, one that begins with /\n"},
    {"on_revoked_command: []\n", "c.yaml:1:21: `on_revoked_command` is an empty list\n"},
    {"max_age: 5s\n", "c.yaml:1:10: `max_age` must be in the range of 60000 ms to 366 d\n"},
    {"allow_loopback: yes\n", "c.yaml:1:17: `allow_loopback` must be true or false\n"},
    {"timeout: 15\n", "c.yaml:1:10: `timeout` must be a whole number and its unit (ms, s, min, h, "
                      "d), such as 15s, and is `15`\n"},
    {"timeout: 5sec\n", NULL},
    {"timeout: 1.5s\n", NULL},
    {"timeout: -5s\n", NULL},
    {"timeout: 99999999999999999999s\n", NULL},
    {"timeout: 0s\n", "c.yaml:1:10: `timeout` must be in the range of 100 ms to 50 s\n"},
    {"connect_timeout: 20s\n", NULL},
    {"timeout: 2s\nconnect_timeout: 3s\n",
     "c.yaml:2:18: `connect_timeout` is longer than `timeout`, which includes it\n"},
    {"reload_interval: 1500ms\n", "c.yaml:1:18: `reload_interval` must be whole seconds\n"},
    {"reload_interval: 31d\n", NULL},
    {"proxy: proxy.example\n", NULL},
    {"control: relative.sock\n", NULL},
    {"control: /1234567890123456789012345678901234567890123456789012345678901234567890"
     "1234567890123456789012345678901234567\n",
     "c.yaml:1:10: `control` is longer than the 107 octets a socket's path may have\n"},
    {"publish: file\n",
     "c.yaml:1:10: `publish` must be a list: each server is an entry that begins with `-`\n"},
    {"publish: []\n", NULL},
    {"publish:\n  file: /x\n", NULL},
    {"publish:\n  - nginx\n", "c.yaml:2:5: an entry of `publish` must be a mapping such as "
                              "`file: \"{dir}/{stem}.ocsp\"`\n"},
    {"publish:\n  - mode: 0640\n", "c.yaml:2:5: an entry of `publish` needs one of the keys "
                                   "`file`, `nginx`, `haproxy`, `hitch`, `lighttpd`, `dnsdist`, "
                                   "`exim`, `folder`, `command`\n"},
    {"publish:\n  - nginx: /a\n    reload: x\n    haproxy: /b\n",
     "c.yaml:4:5: `haproxy` beside `nginx`: make it an entry of its own, with a `-`\n"},
    {"publish:\n  - nginx: /a\n", "c.yaml:2:5: `nginx` needs `reload`: nginx takes and drops "
                                  "staples only when it reloads\n"},
    {"publish:\n  - haproxy: /a\n    reload: x\n",
     "c.yaml:3:5: `reload` does not go with `haproxy`\n"},
    {"publish:\n  - lighttpd: /a/{stem}\n", "c.yaml:2:5: `lighttpd` needs `reload` (SIGUSR1): "
                                            "only then lighttpd takes a newer staple, "
                                            "and drops one\n"},
    {"publish:\n  - dnsdist: /a/{stem}\n    reload: x\n",
     "c.yaml:2:5: `dnsdist` needs `restart`: a first staple is taken, and one that is over "
     "dropped, only when dnsdist starts, and until then its reloads fail\n"},
    {"publish:\n  - dnsdist: /a/{stem}\n    restart: x\n",
     "c.yaml:2:5: `dnsdist` needs `reload` (reloadAllCertificates()): only then dnsdist takes "
     "a "
     "newer staple\n"},
    {"publish:\n  - exim: /a/{stem}\n    reload: x\n",
     "c.yaml:3:5: `reload` does not go with `exim`\n"},
    {"publish:\n  - exim: /a/{stem}\n    mtime: x\n", "c.yaml:3:5: unknown key `mtime`\n"},
    {"publish:\n  - hitch: ocsp\n", NULL},
    {"publish:\n  - folder: staples\n", NULL},
    {"publish:\n  - folder: /a\n    reload: x\n",
     "c.yaml:3:5: `reload` does not go with `folder`\n"},
    {"publish:\n  - hitch: /a\n    pem_file: a.pem\n", NULL},
    {"publish:\n  - hitch: /a\n    restart: x\n",
     "c.yaml:3:5: `restart` does not go with `hitch`\n"},
    {"publish:\n  - nginx: /a\n    reload: x\n    pem_file: /a\n",
     "c.yaml:4:5: `pem_file` does not go with `nginx`\n"},
    {"publish:\n  - haproxy: /a\n    max_size: 16381\n",
     "c.yaml:3:15: `max_size` must be a whole number, 1000 to 16380\n"},
    {"publish:\n  - haproxy: localhost\n",
     "c.yaml:2:14: `haproxy` must be the path of a stats socket or host:port\n"},
    {"publish:\n  - haproxy: localhost:99999\n", NULL},
    {"publish:\n  - haproxy: \"/a,/b\"\n",
     "c.yaml:2:14: `haproxy` holds a comma; give several sockets as a list\n"},
    {"publish:\n  - file: \"{dir}/{steam}.ocsp\"\n", NULL},
    {"publish:\n  - file: \"{stem}.ocsp\"\n", NULL},
    {"publish:\n  - file: \"{dir}/{stem\"\n", NULL},
    {"publish:\n  - file: /x/{stem}\n    mode: 640\n",
     "c.yaml:3:11: `mode` must be four octal digits such as 0640\n"},
    {"publish:\n  - file: /x/{stem}\n    mode: 0999\n", NULL},
    {"publish:\n  - file: /x/{stem}\n    mode: 0o640\n", NULL},
    {"publish:\n  - file: /x/{stem}\n    mode: u=rw\n", NULL},
    {"publish:\n  - file: /x/{stem}\n    mode: 0666\n",
     "c.yaml:3:11: `mode` would let everybody replace the staple\n"},
    {"publish:\n  - file: /x/{stem}\n    mode: 0040\n", NULL},
    {"publish:\n  - file: /x/{stem}\n    group: a b\n",
     "c.yaml:3:12: `group` must be the name or number of a group\n"},
    {"publish:\n  - file: /x/{stem}\n    only: tls/*\n", NULL},
    {"publish:\n  - nginx: /a\n    reload: x\n    name: a/{name}\n", NULL},
    {"publish:\n  - nginx: /a\n    reload: x\n    name: same\n", NULL},
    {"publish:\n  - command:\n", "c.yaml:2:5: `command` has no value\n"},
    {"- a\n", "c.yaml:1:1: settings must be keys and their values, such as `state: "
              "/var/lib/clinch`\n"},
    {"just text\n", NULL},
    {"state: /a\n---\nstate: /b\n",
     "c.yaml:2:1: a second document begins here; there may be one\n"},
    {"state: [/a\n", NULL},
    {"state: \"/a\n", NULL},
    {"\tstate: /a\n", NULL},
    {"state: /a: b\n", NULL},
    {"? [a]\n: b\n", "c.yaml:1:3: a key must be a plain word\n"},
    {"state: /a\xff\n", "c.yaml:1:10: this is not text in UTF-8\n"},
    {"state: /a\xc0\x80\n", NULL},
    {"state: /a\xed\xa0\x80\n", NULL},
    {"# \xc3\xa4\nstate: \xe2\x82\n", NULL},
};

static void test_each_fault_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(config_freep)
        struct config *config = NULL;
        struct buf faults = BUF_INIT(65536);

        assert_int_equal(read_text(&config, bad[i].yaml, &faults), CONFIG_E_INVALID);
        assert_null(config);
        if (bad[i].fault) {
            assert_string_equal(buf_text(&faults), bad[i].fault);
        }
        assert_int_equal(strncmp(buf_text(&faults), "c.yaml:", 7), 0);
        assert_ptr_equal(strchr(buf_text(&faults), '\n'), buf_text(&faults) + faults.size - 1);
        buf_deinit(&faults);
    }
}

static void test_all_faults_are_told_at_once(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536);

    (void)state;
    assert_int_equal(read_text(&config,
                               "state: a\n"
                               "timeout: 5\n"
                               "publish:\n"
                               "  - file: x\n"
                               "    mode: 8\n"
                               "  - nope: x\n"
                               "issuer: /x\n",
                               &faults),
                     CONFIG_E_INVALID);
    assert_non_null(strstr(buf_text(&faults), "c.yaml:1:8: "));
    assert_non_null(strstr(buf_text(&faults), "c.yaml:2:10: "));
    assert_non_null(strstr(buf_text(&faults), "c.yaml:4:11: "));
    assert_non_null(strstr(buf_text(&faults), "c.yaml:5:11: "));
    assert_non_null(strstr(buf_text(&faults), "c.yaml:6:5: "));
    assert_non_null(
        strstr(buf_text(&faults), "c.yaml:7:1: unknown key `issuer` (did you mean `issuers`?)"));
    buf_deinit(&faults);
}

static void test_an_audience_is_words_or_a_list(void **state)
{
    static const char *const texts[] = {"audience: gnutls, java\nmax_age: 2d\n",
                                        "audience: [java, gnutls]\nmax_age: 48h\n",
                                        "max_age: 2d\naudience:\n  - gnutls\n  - java\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct config *config = NULL;
        struct buf faults = BUF_INIT(4096);

        assert_int_equal(config_read(&config, "c.yaml", slice_of_text(texts[i]), &faults), 0);
        assert_int_equal(config->policy.audience,
                         CLIENT_BIT(CLIENT_GNUTLS) | CLIENT_BIT(CLIENT_JAVA));
        assert_int_equal(config->policy.max_age_s, 2 * 86400);
        config_free(config);
        buf_deinit(&faults);
    }
}

static void test_endless_faults_end(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536), yaml = BUF_INIT(LIMIT_CONFIG_SIZE);
    unsigned lines = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        buf_put_text(&yaml, "nonsense: 1\n");
    }
    assert_int_equal(config_read(&config, "c.yaml", slice_of_buf(&yaml), &faults),
                     CONFIG_E_INVALID);
    for (size_t i = 0; i < faults.size; i++) {
        lines += faults.data[i] == '\n';
    }
    assert_int_equal(lines, 51);
    assert_non_null(strstr(buf_text(&faults), "c.yaml: and more\n"));
    buf_deinit(&yaml);
    buf_deinit(&faults);
}

static void test_nesting_and_size_have_an_end(void **state)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct buf faults = BUF_INIT(65536), yaml = BUF_INIT(LIMIT_CONFIG_SIZE + 1);

    (void)state;
    buf_put_text(&yaml, "certificates: ");
    buf_put_pad(&yaml, 100000, '[');
    assert_int_equal(config_read(&config, "c.yaml", slice_of_buf(&yaml), &faults),
                     CONFIG_E_INVALID);
    assert_non_null(strstr(buf_text(&faults), "nested deeper than any setting is"));
    buf_clear(&faults);
    buf_clear(&yaml);
    buf_put_pad(&yaml, LIMIT_CONFIG_SIZE + 1, '#');
    assert_int_equal(config_read(&config, "c.yaml", slice_of_buf(&yaml), &faults),
                     CONFIG_E_INVALID);
    assert_string_equal(buf_text(&faults),
                        "c.yaml:1:1: larger than the 4 MiB that settings may have\n");
    buf_deinit(&yaml);
    buf_deinit(&faults);
}

/* A copy of exactly the size, so that the sanitizer sees a read behind it. */
static void test_a_file_cut_anywhere_is_no_crash(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(good); size++) {
        _cleanup_(config_freep)
        struct config *config = NULL;
        _cleanup_(freep)
        uint8_t *copy = malloc(size ? size : 1);
        struct buf faults = BUF_INIT(65536);
        int r;

        assert_non_null(copy);
        memcpy(copy, good, size);
        r = config_read(&config, "c.yaml", slice_of(copy, size), &faults);
        assert_true(r == 0 ? faults.size == 0 : r == CONFIG_E_INVALID && faults.size > 0);
        buf_deinit(&faults);
    }
}

static void test_a_changed_octet_is_no_crash(void **state)
{
    static const char changes[] = "\0\xff:-[]{}#&*!|>'\"%@` \n\t";

    (void)state;
    for (size_t i = 0; i < (sizeof(good) - 1) * (sizeof(changes) - 1); i++) {
        _cleanup_(config_freep)
        struct config *config = NULL;
        struct buf faults = BUF_INIT(65536);
        uint8_t copy[sizeof(good) - 1];
        int r;

        memcpy(copy, good, sizeof(copy));
        copy[i / (sizeof(changes) - 1)] = (uint8_t)changes[i % (sizeof(changes) - 1)];
        r = config_read(&config, "c.yaml", slice_of(copy, sizeof(copy)), &faults);
        assert_true(r == 0 ? faults.size == 0 : r == CONFIG_E_INVALID && faults.size > 0);
        buf_deinit(&faults);
    }
}

static void test_durations_need_a_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"1ms", 1},       {"5s", 5000},      {"5 s", 5000}, {"2m", 120000}, {"2min", 120000},
        {"1h", 3600000},  {"3d", 259200000}, {"0s", 0},     {"", -1},       {"5", -1},
        {"s", -1},        {"5  s", -1},      {"5s ", -1},   {"+5s", -1},    {"5S", -1},
        {"9999999d", -1}, {"1h30m", -1},     {"0x5s", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t ms = -1;

        assert_int_equal(value_read_duration(cases[i].text, &ms), cases[i].ms >= 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_a_misspelt_word_is_guessed(void **state)
{
    static const char *const words[] = {"state", "control", "certificates", "publish", "only"};

    (void)state;
    assert_string_equal(value_nearest("sate", words, 5), "state");
    assert_string_equal(value_nearest("certificate", words, 5), "certificates");
    assert_string_equal(value_nearest("certifictaes", words, 5), "certificates");
    assert_null(value_nearest("x", words, 5));
    assert_null(value_nearest("", words, 5));
    assert_null(value_nearest("onxx", words, 5));
    assert_null(value_nearest("a-very-long-word-that-is-no-setting-at-all", words, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_read),
        cmocka_unit_test(test_every_target_is_read),
        cmocka_unit_test(test_every_server_of_files_is_read),
        cmocka_unit_test(test_servers_to_be_asked_are_read),
        cmocka_unit_test(test_defaults_are_those_of_the_pages),
        cmocka_unit_test(test_a_short_timeout_shortens_the_connect_timeout),
        cmocka_unit_test(test_control_socket_follows_the_state_directory_unless_named),
        cmocka_unit_test(test_command_line_adds_to_the_file),
        cmocka_unit_test(test_each_fault_is_told_with_its_place),
        cmocka_unit_test(test_all_faults_are_told_at_once),
        cmocka_unit_test(test_an_audience_is_words_or_a_list),
        cmocka_unit_test(test_endless_faults_end),
        cmocka_unit_test(test_nesting_and_size_have_an_end),
        cmocka_unit_test(test_a_file_cut_anywhere_is_no_crash),
        cmocka_unit_test(test_a_changed_octet_is_no_crash),
        cmocka_unit_test(test_durations_need_a_unit),
        cmocka_unit_test(test_a_misspelt_word_is_guessed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
