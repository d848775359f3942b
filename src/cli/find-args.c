/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/find.h"

#define NGINX_MASTER "nginx: master process "
#define NGINX_OTHER  "nginx: "

/* One more argument. False without memory; more than there is room for are left. */
static bool add(struct found_server *server, struct slice text)
{
    char *copy;

    if (server->argument_count == FOUND_ARGUMENTS) {
        return true;
    }
    copy = text_copy(text);
    if (copy) {
        server->arguments[server->argument_count++] = copy;
    }
    return copy != NULL;
}

/* Options of nginx are one letter; what stands between two of them is the value of the first,
 * blanks and all. */
static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] && (text[2] == ' ' || !text[2]);
}

/* "PROGRAM -p /path with blank -g daemon off; -q" */
static bool split_title(struct found_server *server, const char *title)
{
    const char *at = title;
    bool good = true;

    while (*at && !(*at == ' ' && is_option(at + 1))) {
        at++; /* the program */
    }
    while (good && *at) {
        const char *value = ++at + 2, *end;

        good = add(server, slice_of(at, 2));
        value += *value == ' ';
        for (end = value; *end && !(*end == ' ' && is_option(end + 1)); end++) {
            /* of this one */
        }
        if (good && end > value) {
            good = add(server, slice_of(value, (size_t)(end - value)));
        }
        at = end;
    }
    return good;
}

static bool add_config(struct found_server *server, const char *folder, const char *path)
{
    struct buf whole = BUF_INIT(8192);
    bool good = true;

    if (*path != '/') {
        buf_put_text(&whole, folder);
        buf_put_byte(&whole, '/');
    }
    buf_put_text(&whole, path);
    if (server->config_count < FOUND_CONFIGS) {
        server->configs[server->config_count] = text_copy(slice_of_buf(&whole));
        good = server->configs[server->config_count] && !buf_status(&whole);
        server->config_count += server->configs[server->config_count] != NULL;
    }
    buf_deinit(&whole);
    return good;
}

/* The value that argument number *@index gives to the option that names a configuration; NULL when
 * it is another. Goes on to a value that is an argument of its own. */
static const char *config_of(const struct found_server *server, unsigned *index)
{
    const struct server_traits *traits = &server_traits[server->kind];
    const char *const options[] = {traits->short_option, traits->long_option};
    const char *argument = server->arguments[*index];
    const char *next = *index + 1 < server->argument_count ? server->arguments[*index + 1] : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        size_t size = options[i] ? strlen(options[i]) : 0;

        if (!options[i] || strncmp(argument, options[i], size) != 0) {
            continue;
        }
        if (!argument[size]) {
            *index += next != NULL;
            return next;
        }
        if (i == 1 && argument[size] == '=') {
            return argument + size + 1;
        }
        if (i == 0 && argument[1] != '-' && size == 2 && !traits->long_option) {
            return argument + size; /* -fFILE */
        }
    }
    return NULL;
}

/* nginx begins relative paths at its prefix, the others where they were started. */
static const char *base_of(const struct found_server *server, const struct process *process)
{
    for (unsigned i = 0; server->kind == DUMP_NGINX && i + 1 < server->argument_count; i++) {
        if (text_equal(server->arguments[i], "-p")) {
            return server->arguments[i + 1];
        }
    }
    return process->folder;
}

/* The prefix of nginx, as it counts for who is in another folder than it was started in. */
static bool root_prefix(struct found_server *server, const struct process *process)
{
    for (unsigned i = 0; i + 1 < server->argument_count; i++) {
        char **value = &server->arguments[i + 1];
        struct buf whole = BUF_INIT(8192);
        char *copy;

        if (!text_equal(server->arguments[i], "-p") || **value == '/' || !*process->folder) {
            continue;
        }
        buf_put_text(&whole, process->folder);
        if (!text_equal(*value, ".") && !text_equal(*value, "./")) {
            buf_put_byte(&whole, '/');
            buf_put_text(&whole, text_starts_with(*value, "./") ? *value + 2 : *value);
        }
        copy = buf_status(&whole) ? NULL : text_copy(slice_of_buf(&whole));
        buf_deinit(&whole);
        if (!copy) {
            return false;
        }
        free(*value);
        *value = copy;
    }
    return true;
}

static bool read_configs(struct found_server *server, const struct process *process)
{
    const struct server_traits *traits = &server_traits[server->kind];
    const char *base = base_of(server, process);
    bool good = true;

    for (unsigned i = 0; good && i < server->argument_count; i++) {
        const char *config = config_of(server, &i);

        if (config && *config && (*base || *config == '/')) {
            good = add_config(server, base, config);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(traits->configs) && good && !server->config_count; i++) {
        if (traits->configs[i] && access(traits->configs[i], F_OK) == 0) {
            good = add_config(server, "/", traits->configs[i]);
        }
    }
    return good;
}

bool find_read_arguments(struct found_server *server, const struct process *process)
{
    const char *own = process->argument_count ? process->arguments[0] : "";
    bool good = true;

    if (server->kind == DUMP_NGINX && text_starts_with(own, NGINX_MASTER)) {
        good = split_title(server, own + strlen(NGINX_MASTER));
    } else if (server->kind == DUMP_NGINX && text_starts_with(own, NGINX_OTHER)) {
        return false;
    } else {
        for (unsigned i = 1; good && i < process->argument_count; i++) {
            good = add(server, slice_of_text(process->arguments[i]));
        }
    }
    good = good && (server->kind != DUMP_NGINX || root_prefix(server, process));
    return good && read_configs(server, process);
}
