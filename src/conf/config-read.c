/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/config-read.h"

#include <stdarg.h>

#include "base/error.h"
#include "base/instant.h"
#include "base/limits.h"
#include "conf/config-value.h"

#define DAY_MS         ((int64_t)86400 * 1000)
#define TIMEOUT_MAX_MS 50000 /* under policy->fetch_patience_s */

enum {
    FILES = 1 << TARGET_FILE,
    NGINX = 1 << TARGET_NGINX,
    HAPROXY = 1 << TARGET_HAPROXY,
    HITCH = 1 << TARGET_HITCH,
    LIGHTTPD = 1 << TARGET_LIGHTTPD,
    DNSDIST = 1 << TARGET_DNSDIST,
    EXIM = 1 << TARGET_EXIM,
    FOLDER = 1 << TARGET_FOLDER,
    COMMAND = 1 << TARGET_COMMAND,
    RELOADED = FILES | NGINX | LIGHTTPD | DNSDIST, /* to take a new staple */
    WRITTEN = RELOADED | HAPROXY | HITCH | EXIM | FOLDER,
};

#define FIELD(field_)        offsetof(struct config, field_)
#define TARGET_FIELD(field_) offsetof(struct target_config, field_)

static void read_state(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to);
static void read_control(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
static void read_publish(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
static void read_reload_interval(struct config_reader *reader, const struct config_key *key,
                                 const struct tree_node *value, void *to);

static const struct config_key top_keys[] = {
    {"state", read_state, .offset = 0},
    {"control", read_control, .offset = 0},
    {"certificates", config_read_paths, .offset = FIELD(certificates),
     .count_offset = FIELD(certificate_count) - FIELD(certificates)},
    {"issuers", config_read_paths, .offset = FIELD(issuers),
     .count_offset = FIELD(issuer_count) - FIELD(issuers)},
    {"allow_loopback", config_read_bool, .offset = FIELD(policy.allow_loopback)},
    {"audience", config_read_audience, .offset = FIELD(policy.audience)},
    {"max_age", config_read_seconds, .offset = FIELD(policy.max_age_s), .least_ms = 60000,
     .most_ms = 366 * DAY_MS},
    {"responder_concurrency", config_read_number, .offset = FIELD(policy.responder_concurrency),
     .least = 1, .most = 1000},
    {"responder_rate", config_read_number, .offset = FIELD(policy.responder_rate), .most = 100000},
    {"on_revoked", config_read_on_revoked, .offset = FIELD(policy.staple_revoked)},
    {"on_revoked_command", config_read_program, .offset = FIELD(on_revoked_command),
     .count_offset = FIELD(on_revoked_count) - FIELD(on_revoked_command)},
    {"must_staple_grace", config_read_bool, .offset = FIELD(policy.must_staple_grace)},
    {"proxy", config_read_proxy, .offset = FIELD(proxy)},
    {"connect_timeout", config_read_milliseconds, .offset = FIELD(connect_timeout_ms),
     .least_ms = 100, .most_ms = TIMEOUT_MAX_MS},
    {"timeout", config_read_milliseconds, .offset = FIELD(timeout_ms), .least_ms = 100,
     .most_ms = TIMEOUT_MAX_MS},
    {"reload_interval", read_reload_interval, .most_ms = 30 * DAY_MS},
    {"publish", read_publish, .offset = 0},
};

/* The first are the types, in the order of enum target_type. */
static const struct config_key target_keys[] = {
    {"file", config_read_template, .offset = TARGET_FIELD(path), .targets = FILES},
    {"nginx", config_read_path, .offset = TARGET_FIELD(path), .targets = NGINX},
    {"haproxy", config_read_sockets, .offset = TARGET_FIELD(path), .targets = HAPROXY},
    {"hitch", config_read_path, .offset = TARGET_FIELD(path), .targets = HITCH},
    {"lighttpd", config_read_template, .offset = TARGET_FIELD(path), .targets = LIGHTTPD},
    {"dnsdist", config_read_template, .offset = TARGET_FIELD(path), .targets = DNSDIST},
    {"exim", config_read_template, .offset = TARGET_FIELD(path), .targets = EXIM},
    {"folder", config_read_folder, .offset = TARGET_FIELD(path), .targets = FOLDER},
    {"command", config_read_command, .offset = TARGET_FIELD(command), .targets = COMMAND},
    {"name", config_read_name, .offset = TARGET_FIELD(name), .targets = NGINX},
    {"pem_file", config_read_template, .offset = TARGET_FIELD(pem_file), .targets = HITCH},
    {"ocsp", config_read_template, .offset = TARGET_FIELD(ocsp), .targets = HAPROXY},
    {"max_size", config_read_number, .offset = TARGET_FIELD(max_size), .least = 1000,
     .most = LIMIT_STAPLE_SIZE, .targets = HAPROXY},
    {"reload", config_read_command, .offset = TARGET_FIELD(command), .targets = RELOADED | HITCH},
    {"restart", config_read_command, .offset = TARGET_FIELD(restart), .targets = DNSDIST},
    {"mode", config_read_mode, .offset = TARGET_FIELD(mode), .targets = WRITTEN},
    {"group", config_read_group, .offset = TARGET_FIELD(group), .targets = WRITTEN},
    {"only", config_read_paths, .offset = TARGET_FIELD(only),
     .count_offset = TARGET_FIELD(only_count) - TARGET_FIELD(only)},
    {"reload_interval", config_read_seconds, .offset = TARGET_FIELD(reload_interval_s),
     .most_ms = 30 * DAY_MS, .targets = RELOADED | COMMAND},
    {"verify", config_read_verify, .offset = TARGET_FIELD(verify),
     .count_offset = TARGET_FIELD(verify_count) - TARGET_FIELD(verify)},
};
enum { TARGET_TYPES = TARGET_COMMAND + 1 };

bool config_full(const struct config_reader *reader)
{
    return reader->fault_count > CONFIG_FAULTS_MAX || reader->out_of_memory;
}

void config_fault(struct config_reader *reader, unsigned line, unsigned column, ...)
{
    struct buf *to = reader->faults;
    const char *text;
    va_list texts;

    if (config_full(reader)) {
        return;
    }
    buf_put_text(to, reader->file);
    if (++reader->fault_count > CONFIG_FAULTS_MAX) {
        buf_put_text(to, ": and more\n");
        return;
    }
    buf_put_byte(to, ':');
    buf_put_int(to, line);
    buf_put_byte(to, ':');
    buf_put_int(to, column);
    buf_put_text(to, ": ");
    va_start(texts, column);
    while ((text = va_arg(texts, const char *))) {
        buf_put_text(to, text);
    }
    va_end(texts);
    buf_put_byte(to, '\n');
}

static const struct config_key *find_key(const struct config_key *keys, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(keys[i].name, name)) {
            return &keys[i];
        }
    }
    return NULL;
}

/* Where an unknown key would have been right, or what it was meant to be. */
static void fault_unknown(struct config_reader *reader, const struct tree_node *node,
                          const struct config_key *keys, size_t count)
{
    bool top = keys == top_keys;
    const char *words[ARRAY_SIZE(top_keys) + ARRAY_SIZE(target_keys)];
    const char *nearest;
    struct buf quote = BUF_INIT(256);

    for (size_t i = 0; i < count; i++) {
        words[i] = keys[i].name;
    }
    nearest = value_nearest(node->key, words, count);
    buf_put_printable(&quote, slice_of_text(node->key), 60);
    if (top && find_key(target_keys, ARRAY_SIZE(target_keys), node->key)) {
        config_fault(reader, node->key_line, node->key_column, "`", buf_text(&quote),
                     "` belongs into an entry of `publish`", (const char *)NULL);
    } else if (!top && find_key(top_keys, ARRAY_SIZE(top_keys), node->key)) {
        config_fault(reader, node->key_line, node->key_column, "`", buf_text(&quote),
                     "` does not belong into an entry of `publish`, but to the left margin",
                     (const char *)NULL);
    } else {
        config_fault(reader, node->key_line, node->key_column, "unknown key `", buf_text(&quote),
                     nearest ? "` (did you mean `" : "`", nearest ? nearest : "",
                     nearest ? "`?)" : "", (const char *)NULL);
    }
    buf_deinit(&quote);
}

/* Reads every key of @map into the struct at @to. @type: enum target_type, -1 at the top. */
static void read_map(struct config_reader *reader, const struct tree_node *map, void *to, int type)
{
    const struct config_key *keys = type < 0 ? top_keys : target_keys;
    size_t count = type < 0 ? ARRAY_SIZE(top_keys) : ARRAY_SIZE(target_keys);
    const struct tree_node *seen[ARRAY_SIZE(top_keys) + ARRAY_SIZE(target_keys)] = {NULL};
    struct buf line = BUF_INIT(32);

    for (const struct tree_node *node = map->first; node && !config_full(reader);
         node = node->next) {
        const struct config_key *key = find_key(keys, count, node->key);

        if (!key) {
            fault_unknown(reader, node, keys, count);
        } else if (seen[key - keys]) {
            buf_clear(&line);
            buf_put_int(&line, seen[key - keys]->key_line);
            config_fault(reader, node->key_line, node->key_column, "duplicate key `", key->name,
                         "`, already given in line ", buf_text(&line), (const char *)NULL);
        } else if (type >= 0 && key->targets && !(key->targets & 1u << type)) {
            config_fault(reader, node->key_line, node->key_column, "`", key->name,
                         "` does not go with `", target_keys[type].name, "`", (const char *)NULL);
        } else {
            seen[key - keys] = node;
            key->read(reader, key, node, (char *)to + key->offset);
        }
    }
    buf_deinit(&line);
}

/* The type key of an entry; -1 after telling that there is none or that there are two. */
static int find_type(struct config_reader *reader, const struct tree_node *entry)
{
    int type = -1;

    for (const struct tree_node *node = entry->first; node; node = node->next) {
        const struct config_key *key = find_key(target_keys, TARGET_TYPES, node->key);

        if (!key) {
            continue;
        }
        if (type >= 0 && key != &target_keys[type]) {
            config_fault(reader, node->key_line, node->key_column, "`", key->name, "` beside `",
                         target_keys[type].name, "`: make it an entry of its own, with a `-`",
                         (const char *)NULL);
            return -1;
        }
        type = (int)(key - target_keys);
    }
    if (type < 0) {
        config_fault(reader, entry->line, entry->column,
                     "an entry of `publish` needs one of the keys `file`, `nginx`, `haproxy`, "
                     "`hitch`, `lighttpd`, `dnsdist`, `exim`, `folder`, `command`",
                     (const char *)NULL);
    }
    return type;
}

/* What some servers cannot do without. */
static void check_needs(struct config_reader *reader, const struct tree_node *entry,
                        const struct target_config *target)
{
    static const char *const reloads[TARGET_TYPES] = {
        [TARGET_NGINX] = "`nginx` needs `reload`: nginx takes and drops staples only when it "
                         "reloads",
        [TARGET_LIGHTTPD] = "`lighttpd` needs `reload` (SIGUSR1): only then lighttpd takes a newer "
                            "staple, and drops one",
        [TARGET_DNSDIST] = "`dnsdist` needs `reload` (reloadAllCertificates()): only then dnsdist "
                           "takes a newer staple",
    };

    if (!target->command && reloads[target->type]) {
        config_fault(reader, entry->line, entry->column, reloads[target->type], (const char *)NULL);
    }
    if (target->type == TARGET_DNSDIST && !target->restart) {
        config_fault(reader, entry->line, entry->column,
                     "`dnsdist` needs `restart`: a first staple is taken, and one that is over "
                     "dropped, only when dnsdist starts, and until then its reloads fail",
                     (const char *)NULL);
    }
}

static void read_target(struct config_reader *reader, const struct tree_node *entry)
{
    struct config *config = reader->config;
    struct target_config *targets;
    struct target_config target = {.line = entry->line, .mode = 0644, .reload_interval_s = -1};
    unsigned before = reader->fault_count;
    int type;

    if (entry->type != TREE_MAP) {
        config_fault(
            reader, entry->line, entry->column,
            "an entry of `publish` must be a mapping such as `file: \"{dir}/{stem}.ocsp\"`",
            (const char *)NULL);
        return;
    }
    type = find_type(reader, entry);
    if (type < 0) {
        return;
    }
    target.type = (enum target_type)type;
    target.name = type == TARGET_NGINX ? "{name}" : NULL;
    target.max_size = LIMIT_HAPROXY_STAPLE;
    read_map(reader, entry, &target, type);
    if (reader->fault_count == before) {
        check_needs(reader, entry, &target);
    }
    targets =
        config_memory_grow(config->memory, config->targets, config->target_count, sizeof(*targets));
    if (!targets) {
        reader->out_of_memory = true;
        return;
    }
    targets[config->target_count++] = target;
    config->targets = targets;
}

static void read_publish(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    (void)to;
    if (value->type != TREE_LIST || !value->first) {
        config_fault(reader, value->line, value->column, "`", key->name,
                     "` must be a list: each server is an entry that begins with `-`",
                     (const char *)NULL);
        return;
    }
    for (const struct tree_node *entry = value->first; entry && !config_full(reader);
         entry = entry->next) {
        read_target(reader, entry);
    }
}

static void read_state(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to)
{
    const char *path = NULL;

    (void)to;
    config_read_path(reader, key, value, &path);
    if (path && config_set_state_dir(reader->config, path)) {
        reader->out_of_memory = true;
    }
}

static void read_control(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    (void)to;
    config_read_socket(reader, key, value, &reader->config->control);
    reader->config->control_fixed = true;
}

static void read_reload_interval(struct config_reader *reader, const struct config_key *key,
                                 const struct tree_node *value, void *to)
{
    (void)to;
    config_read_seconds(reader, key, value, &reader->reload_interval_s);
}

/* What needs the whole file: defaults for targets, and settings that contradict each other. */
static void finish(struct config_reader *reader, const struct tree_node *root)
{
    struct config *config = reader->config;

    for (size_t i = 0; i < config->target_count; i++) {
        if (config->targets[i].reload_interval_s < 0) {
            config->targets[i].reload_interval_s = reader->reload_interval_s;
        }
    }
    for (const struct tree_node *node = root->first; node; node = node->next) {
        if (text_equal(node->key, "connect_timeout") &&
            config->connect_timeout_ms > config->timeout_ms) {
            config_fault(reader, node->line, node->column,
                         "`connect_timeout` is longer than `timeout`, which includes it",
                         (const char *)NULL);
        }
    }
    config->connect_timeout_ms = time_min(config->connect_timeout_ms, config->timeout_ms);
}

/* False after telling where the text stops being UTF-8 (RFC 3629), or begins to be binary. */
static bool check_text(struct config_reader *reader, struct slice yaml)
{
    unsigned line = 1, column = 1, more = 0;
    uint32_t point = 0, least = 0;

    for (size_t i = 0; i < yaml.size; i++) {
        uint8_t c = yaml.data[i];
        bool bad = more ? (c & 0xc0) != 0x80 : c == 0 || (c & 0xc0) == 0x80 || c >= 0xf8;

        if (!bad && more) {
            point = point << 6 | (c & 0x3f);
            bad = --more == 0 &&
                  (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000));
        } else if (!bad && c >= 0x80) {
            more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
            point = c & (0x3fu >> more);
            least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
        }
        if (bad) {
            config_fault(reader, line, column, "this is not text in UTF-8", (const char *)NULL);
            return false;
        }
        line += c == '\n';
        column = c == '\n' ? 1 : column + (more == 0);
    }
    if (more) {
        config_fault(reader, line, column, "this is not text in UTF-8", (const char *)NULL);
    }
    return !more;
}

static int read_tree(struct config_reader *reader, struct slice yaml)
{
    _cleanup_(config_memory_freep)
    struct config_memory *memory = config_memory_new();
    struct buf sentence = BUF_INIT(1024);
    struct tree_fault fault = {.sentence = &sentence};
    struct tree_node *root = NULL;
    int r = memory ? tree_read(&root, memory, yaml, &fault) : -ENOMEM;

    if (r == TREE_E_INVALID) {
        config_fault(reader, fault.line, fault.column, buf_text(&sentence), (const char *)NULL);
    } else if (!r && (!root || root->is_null)) {
        config_fault(reader, 1, 1, "nothing in it: certificates and targets are missing",
                     (const char *)NULL);
    } else if (!r && root->type != TREE_MAP) {
        config_fault(reader, root->line, root->column,
                     "settings must be keys and their values, such as `state: /var/lib/clinch`",
                     (const char *)NULL);
    } else if (!r) {
        read_map(reader, root, reader->config, -1);
        finish(reader, root);
    }
    buf_deinit(&sentence);
    return r < 0 ? r : 0;
}

int config_read(struct config **ret_config, const char *file, struct slice yaml, struct buf *faults)
{
    _cleanup_(config_freep)
    struct config *config = NULL;
    struct config_reader reader = {.file = file, .faults = faults, .reload_interval_s = 3600};
    int r = config_new(&config);

    if (r) {
        return error_trace(r);
    }
    reader.config = config;
    if (yaml.size > LIMIT_CONFIG_SIZE) {
        config_fault(&reader, 1, 1, "larger than the 4 MiB that settings may have",
                     (const char *)NULL);
    } else if (check_text(&reader, yaml)) {
        r = read_tree(&reader, yaml);
    }
    if (r < 0 || reader.out_of_memory || buf_status(faults) == -ENOMEM) {
        return -ENOMEM;
    }
    if (reader.fault_count) {
        return CONFIG_E_INVALID;
    }
    *ret_config = steal(&config);
    return 0;
}
