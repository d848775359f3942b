/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "conf/config-read.h"
#include "conf/config-value.h"
#include "conf/template.h"

/* The longest path of a Unix socket (sun_path, with its NUL, has 108 octets). */
#define SOCKET_PATH_MAX 107

#define ARGUMENTS_MAX 64 /* of a command, the program included */

/* A fault about @value, the setting of @key. */
#define REFUSE(reader_, key_, value_, ...)                                                         \
    config_fault(reader_, (value_)->line, (value_)->column, "`", (key_)->name, "` ", __VA_ARGS__,  \
                 (const char *)NULL)

/* The text of a scalar, or NULL after telling that it is none or unfit. */
static const char *field_text(struct config_reader *reader, const struct config_key *key,
                              const struct tree_node *value, bool newlines)
{
    const char *fault;

    if (value->type != TREE_SCALAR) {
        REFUSE(reader, key, value, "must be one value, not a ",
               value->type == TREE_LIST ? "list" : "mapping");
        return NULL;
    }
    if (value->is_null) {
        REFUSE(reader, key, value, "has no value");
        return NULL;
    }
    fault = value_text_fault(value->text, newlines);
    if (fault) {
        REFUSE(reader, key, value, fault);
        return NULL;
    }
    return value->text;
}

static void field_keep(struct config_reader *reader, const char *text, void *to)
{
    const char *copy = config_memory_copy(reader->config->memory, slice_of_text(text));

    if (!copy) {
        reader->out_of_memory = true;
        return;
    }
    *(const char **)to = copy;
}

/* Quotes @text for a fault: printable and not endless. */
static const char *field_quote(struct buf *quote, const char *text)
{
    buf_clear(quote);
    buf_put_printable(quote, slice_of_text(text), 60);
    return buf_text(quote);
}

void config_read_bool(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);

    if (!text) {
        return;
    }
    if (!text_equal(text, "true") && !text_equal(text, "false")) {
        REFUSE(reader, key, value, "must be true or false");
        return;
    }
    *(bool *)to = text_equal(text, "true");
}

void config_read_mode(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    unsigned mode;

    if (!text) {
        return;
    }
    if (!value_read_mode(text, &mode)) {
        REFUSE(reader, key, value, "must be four octal digits such as 0640");
    } else if (mode & 0002) {
        REFUSE(reader, key, value, "would let everybody replace the staple");
    } else if (!(mode & 0400)) {
        REFUSE(reader, key, value, "would keep clinch itself from reading the file: add 0400");
    } else {
        *(unsigned *)to = mode;
    }
}

static bool field_duration(struct config_reader *reader, const struct config_key *key,
                           const struct tree_node *value, int64_t *ret_ms)
{
    const char *text = field_text(reader, key, value, false);
    struct buf quote = BUF_INIT(256);
    int64_t ms;
    bool good = false;

    if (!text) {
        return false;
    }
    if (!value_read_duration(text, &ms)) {
        REFUSE(reader, key, value,
               "must be a whole number and its unit (ms, s, min, h, d), "
               "such as 15s, and is `",
               field_quote(&quote, text), "`");
    } else if (ms < key->least_ms || ms > key->most_ms) {
        buf_put_int(&quote, key->least_ms);
        buf_put_text(&quote, " ms to ");
        buf_put_duration(&quote, key->most_ms / 1000);
        REFUSE(reader, key, value, "must be in the range of ", buf_text(&quote));
    } else {
        *ret_ms = ms;
        good = true;
    }
    buf_deinit(&quote);
    return good;
}

void config_read_milliseconds(struct config_reader *reader, const struct config_key *key,
                              const struct tree_node *value, void *to)
{
    field_duration(reader, key, value, to);
}

void config_read_seconds(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    int64_t ms;

    if (!field_duration(reader, key, value, &ms)) {
        return;
    }
    if (ms % 1000) {
        REFUSE(reader, key, value, "must be whole seconds");
        return;
    }
    *(int64_t *)to = ms / 1000;
}

void config_read_number(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    struct buf range = BUF_INIT(256);
    unsigned number = 0;
    bool good = true;

    if (!text) {
        return;
    }
    for (const char *at = text; *at && good; at++) {
        good = *at >= '0' && *at <= '9' && number <= key->most;
        number = number * 10 + (good ? (unsigned)(*at - '0') : 0);
    }
    if (!good || number < key->least || number > key->most) {
        buf_put_int(&range, key->least);
        buf_put_text(&range, " to ");
        buf_put_int(&range, key->most);
        REFUSE(reader, key, value, "must be a whole number, ", buf_text(&range));
    } else {
        *(unsigned *)to = number;
    }
    buf_deinit(&range);
}

void config_read_on_revoked(struct config_reader *reader, const struct config_key *key,
                            const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);

    if (!text) {
        return;
    }
    if (!text_equal(text, "withdraw") && !text_equal(text, "staple")) {
        REFUSE(reader, key, value, "must be withdraw or staple");
        return;
    }
    *(bool *)to = text_equal(text, "staple");
}

void config_read_path(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    const char *fault = text ? value_path_fault(text) : NULL;

    if (fault) {
        REFUSE(reader, key, value, fault);
    } else if (text) {
        field_keep(reader, text, to);
    }
}

void config_read_folder(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to)
{
    if (value->is_null) {
        field_keep(reader, CONFIG_FOLDER, to);
    } else {
        config_read_path(reader, key, value, to);
    }
}

void config_read_socket(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to)
{
    if (value->type == TREE_SCALAR && text_length(value->text) > SOCKET_PATH_MAX) {
        REFUSE(reader, key, value, "is longer than the 107 octets a socket's path may have");
        return;
    }
    config_read_path(reader, key, value, to);
}

/* Calls @each for the value itself or for every item of a list. */
static void field_each(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to,
                       void (*each)(struct config_reader *reader, const struct config_key *key,
                                    const struct tree_node *value, void *to))
{
    if (value->type != TREE_LIST) {
        each(reader, key, value, to);
        return;
    }
    if (!value->first) {
        REFUSE(reader, key, value, "is an empty list");
    }
    for (const struct tree_node *item = value->first; item && !config_full(reader);
         item = item->next) {
        each(reader, key, item, to);
    }
}

static void field_add_path(struct config_reader *reader, const struct config_key *key,
                           const struct tree_node *value, void *to)
{
    const char ***list = to;
    size_t *count = (size_t *)((char *)to + key->count_offset);
    const char **grown, *path = NULL;

    config_read_path(reader, key, value, &path);
    if (!path) {
        return;
    }
    grown = config_memory_grow(reader->config->memory, *list, *count, sizeof(**list));
    if (!grown) {
        reader->out_of_memory = true;
        return;
    }
    grown[*count] = path;
    *list = grown;
    *count += 1;
}

void config_read_paths(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to)
{
    field_each(reader, key, value, to, field_add_path);
}

/* Adds to a list of texts; the first is the path of a program. */
static void field_add_argument(struct config_reader *reader, const struct config_key *key,
                               const struct tree_node *value, void *to)
{
    const char ***list = to;
    size_t *count = (size_t *)((char *)to + key->count_offset);
    const char **grown, *text = NULL;

    if (*count) {
        text = field_text(reader, key, value, true);
        if (text) {
            field_keep(reader, text, &text);
        }
    } else {
        config_read_path(reader, key, value, &text);
    }
    text = text ? text : ""; /* told; what follows is an argument all the same */
    if (*count == ARGUMENTS_MAX) {
        REFUSE(reader, key, value, "has more than 64 arguments");
        return;
    }
    grown = config_memory_grow(reader->config->memory, *list, *count, sizeof(**list));
    if (!grown) {
        reader->out_of_memory = true;
        return;
    }
    grown[*count] = text;
    *list = grown;
    *count += 1;
}

void config_read_program(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    if (value->type == TREE_SCALAR && strpbrk(value->text, " \t\n")) {
        REFUSE(reader, key, value,
               "is run without a shell: give the program and its arguments as a list, such as "
               "[/bin/sh, -c, \"...\"]");
        return;
    }
    field_each(reader, key, value, to, field_add_argument);
}

/* Appends to the comma-separated text at @to. */
static void field_add_socket(struct config_reader *reader, const struct config_key *key,
                             const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    const char **sockets = to;
    struct buf joined = BUF_INIT(LIMIT_CONFIG_SIZE);

    if (!text) {
        return;
    }
    if (text[0] != '/' && !value_is_host_port(text)) {
        REFUSE(reader, key, value, "must be the path of a stats socket or host:port");
    } else if (text[0] == '/' && text_length(text) > SOCKET_PATH_MAX) {
        REFUSE(reader, key, value, "is longer than the 107 octets a socket's path may have");
    } else if (strchr(text, ',')) {
        REFUSE(reader, key, value, "holds a comma; give several sockets as a list");
    } else {
        buf_put_text(&joined, *sockets ? *sockets : "");
        buf_put_text(&joined, *sockets ? "," : "");
        buf_put_text(&joined, text);
        reader->out_of_memory |= buf_status(&joined) != 0;
        field_keep(reader, buf_text(&joined), to);
    }
    buf_deinit(&joined);
}

void config_read_sockets(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    field_each(reader, key, value, to, field_add_socket);
}

/* Takes the first word off *@text. Empty: there is none. */
static struct slice take_word(const char **text)
{
    const char *start = *text + strspn(*text, " ");
    size_t size = strcspn(start, " ");

    *text = start + size;
    return slice_of(start, size);
}

static const char *field_copy(struct config_reader *reader, struct slice text)
{
    const char *copy = config_memory_copy(reader->config->memory, text);

    reader->out_of_memory |= !copy;
    return copy ? copy : "";
}

/* One of "host:port", "host:port NAME", "host:port NAME starttls=PROTOCOL". False after telling. */
static bool read_server(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, struct verify_config *ret_server)
{
    const char *text = field_text(reader, key, value, false);
    struct verify_config server = {.address = ""};
    struct slice word;

    if (!text) {
        return false;
    }
    server.address = field_copy(reader, take_word(&text));
    while ((word = take_word(&text)).size) {
        const char *copy = field_copy(reader, word);

        if (text_starts_with(copy, "starttls=") && !server.starttls) {
            server.starttls = copy + strlen("starttls=");
        } else if (!strchr(copy, '=') && !server.servername) {
            server.servername = copy;
        } else {
            server.address = ""; /* too many words */
        }
    }
    if (!value_is_host_port(server.address)) {
        REFUSE(reader, key, value,
               "must be host:port, then perhaps the server name to ask for and "
               "starttls=PROTOCOL");
        return false;
    }
    *ret_server = server;
    return true;
}

static void field_add_server(struct config_reader *reader, const struct config_key *key,
                             const struct tree_node *value, void *to)
{
    struct verify_config **list = to, *grown, server;
    size_t *count = (size_t *)((char *)to + key->count_offset);

    if (!read_server(reader, key, value, &server)) {
        return;
    }
    grown = config_memory_grow(reader->config->memory, *list, *count, sizeof(**list));
    if (!grown) {
        reader->out_of_memory = true;
        return;
    }
    grown[*count] = server;
    *list = grown;
    *count += 1;
}

void config_read_verify(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to)
{
    field_each(reader, key, value, to, field_add_server);
}

void config_read_proxy(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to)
{
    static const char *const schemes[] = {"http://",    "https://",  "socks4://",
                                          "socks4a://", "socks5://", "socks5h://"};
    const char *text = field_text(reader, key, value, false);

    if (!text) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (text_starts_with(text, schemes[i]) && text[text_length(schemes[i])] &&
            !strchr(text, ' ')) {
            field_keep(reader, text, to);
            return;
        }
    }
    REFUSE(reader, key, value,
           "must be a URL such as http://proxy.example:3128 (http, https, socks4, socks4a, socks5 "
           "or socks5h)");
}

/* Appends to the words at @to. */
static void field_add_word(struct config_reader *reader, const struct config_key *key,
                           const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);

    if (text) {
        buf_put_text(to, text);
        buf_put_byte(to, ' ');
    }
}

void config_read_audience(struct config_reader *reader, const struct config_key *key,
                          const struct tree_node *value, void *to)
{
    struct buf words = BUF_INIT(LIMIT_CONFIG_SIZE), fault = BUF_INIT(1024);
    unsigned faults = reader->fault_count;

    field_each(reader, key, value, &words, field_add_word);
    reader->out_of_memory |= buf_status(&words) < 0;
    if (reader->fault_count == faults && audience_parse(buf_text(&words), to, &fault)) {
        REFUSE(reader, key, value, buf_text(&fault));
    }
    buf_deinit(&words);
    buf_deinit(&fault);
}

void config_read_command(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, true);

    if (text) {
        field_keep(reader, text, to);
    }
}

void config_read_group(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);

    if (!text) {
        return;
    }
    if (text_length(text) > 64 || strpbrk(text, " :/,")) {
        REFUSE(reader, key, value, "must be the name or number of a group");
        return;
    }
    field_keep(reader, text, to);
}

void config_read_template(struct config_reader *reader, const struct config_key *key,
                          const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    const char *fault = text ? template_check_path(text) : NULL;

    if (fault) {
        REFUSE(reader, key, value, fault);
    } else if (text) {
        field_keep(reader, text, to);
    }
}

void config_read_name(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to)
{
    const char *text = field_text(reader, key, value, false);
    const char *fault = text ? template_check_name(text) : NULL;

    if (fault) {
        REFUSE(reader, key, value, fault);
    } else if (text && !strchr(text, '{')) {
        REFUSE(reader, key, value,
               "would be the same for every certificate: use {name}, {stem}, {sha256} or {serial} "
               "in it");
    } else if (text) {
        field_keep(reader, text, to);
    }
}
