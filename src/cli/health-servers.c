/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/health.h"

#define UNSEEN_MOST 1000 /* certificates that are named at all */

static void count_wrong(void *context, const struct witness_view *view)
{
    (void)view;
    ++*(size_t *)context;
}

static void add_wrong(void *context, const struct witness_view *view)
{
    struct health *health = context;

    if (health->unseen_count < UNSEEN_MOST) {
        health->unseen[health->unseen_count++] = *view;
    }
}

int health_add_servers(struct health *health, const struct witness *witness)
{
    uint32_t count = witness_servers(witness);
    size_t wrong = 0;

    witness_each_wrong(witness, count_wrong, &wrong);
    wrong = wrong < UNSEEN_MOST ? wrong : UNSEEN_MOST;
    health->servers = calloc((size_t)count + 1, sizeof(*health->servers));
    health->unseen = calloc(wrong + 1, sizeof(*health->unseen));
    if (!health->servers || !health->unseen) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        witness_look_server(witness, i, &health->servers[health->server_count++]);
    }
    witness_each_wrong(witness, add_wrong, health);
    return 0;
}

static json_t *server_to_json(const struct witness_server_view *server)
{
    return json_pack(
        "{s:s, s:s?, s:o, s:i, s:i, s:i}", "server", server->server, "trouble", server->fault,
        "down_since", server->fault ? json_integer(server->down_since_s) : json_null(), "right",
        (int)server->right, "wrong", (int)server->wrong, "waiting", (int)server->waiting);
}

/* A path may be anything. */
static json_t *json_path(const char *path)
{
    struct buf printable = BUF_INIT(16384);
    json_t *json = json_string(path);

    if (!json) {
        buf_put_printable(&printable, slice_of_text(path), 8192);
        json = json_string(buf_text(&printable));
    }
    buf_deinit(&printable);
    return json;
}

static json_t *unseen_to_json(const struct witness_view *view)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:I}", "server", view->server, "name",
                     view->name, "path", json_path(view->path), "leaf_sha256", view->leaf_sha256,
                     "finding", view->finding, "sentence", view->sentence, "since",
                     (json_int_t)view->since_s);
}

int health_servers_to_json(const struct health *health, json_t *object)
{
    json_t *servers = json_array(), *unseen = json_array();
    int bad = 0;

    for (size_t i = 0; i < health->server_count; i++) {
        bad |= json_array_append_new(servers, server_to_json(&health->servers[i]));
    }
    for (size_t i = 0; i < health->unseen_count; i++) {
        bad |= json_array_append_new(unseen, unseen_to_json(&health->unseen[i]));
    }
    bad |= json_object_set_new(object, "servers", servers);
    bad |= json_object_set_new(object, "unseen", unseen);
    return bad ? -ENOMEM : 0;
}

static bool read_count(const json_t *object, const char *key, unsigned *ret_count)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);

    *ret_count = (unsigned)number;
    return json_is_integer(value) && number >= 0 && number <= UINT32_MAX;
}

static bool read_text(const json_t *object, const char *key, const char **ret_text)
{
    *ret_text = json_string_value(json_object_get(object, key));
    return *ret_text != NULL;
}

static bool read_server(const json_t *object, struct witness_server_view *server)
{
    server->fault = json_string_value(json_object_get(object, "trouble"));
    server->down_since_s = json_integer_value(json_object_get(object, "down_since"));
    return read_text(object, "server", &server->server) &&
           read_count(object, "right", &server->right) &&
           read_count(object, "wrong", &server->wrong) &&
           read_count(object, "waiting", &server->waiting);
}

static bool read_unseen(const json_t *object, struct witness_view *view)
{
    const json_t *since = json_object_get(object, "since");

    view->since_s = json_integer_value(since);
    return json_is_integer(since) && read_text(object, "server", &view->server) &&
           read_text(object, "name", &view->name) && read_text(object, "path", &view->path) &&
           read_text(object, "leaf_sha256", &view->leaf_sha256) &&
           read_text(object, "finding", &view->finding) &&
           read_text(object, "sentence", &view->sentence);
}

bool health_servers_from_json(const json_t *object, struct health *health)
{
    const json_t *servers = json_object_get(object, "servers");
    const json_t *unseen = json_object_get(object, "unseen"), *item;
    bool good = true;
    size_t i;

    health->servers = calloc(json_array_size(servers) + 1, sizeof(*health->servers));
    health->unseen = calloc(json_array_size(unseen) + 1, sizeof(*health->unseen));
    if (!health->servers || !health->unseen) {
        return false;
    }
    json_array_foreach(servers, i, item)
    {
        good = good && read_server(item, &health->servers[health->server_count++]);
    }
    json_array_foreach(unseen, i, item)
    {
        good = good && read_unseen(item, &health->unseen[health->unseen_count++]);
    }
    return good;
}

static void put_server(struct buf *line, const struct witness_server_view *server)
{
    buf_put_printable(line, slice_of_text(server->server), 300);
    buf_put_text(line, " is not to be reached since ");
    cli_put_time(line, server->down_since_s);
    buf_put_text(line, ", so that what it serves is not known: ");
    buf_put_printable(line, slice_of_text(server->fault), 300);
    buf_put_byte(line, '.');
}

static void put_more(struct buf *line, size_t count)
{
    buf_put_text(line, "And ");
    buf_put_int(line, (int64_t)count);
    buf_put_text(line, count == 1 ? " more certificate is" : " more certificates are");
    buf_put_text(line, " not served as handed over (--json names all).");
}

void health_put_servers(struct buf *out, const struct health *health, unsigned width)
{
    struct buf line = BUF_INIT(8192);

    for (size_t i = 0; i < health->server_count; i++) {
        if (health->servers[i].fault) {
            put_server(&line, &health->servers[i]);
            cli_put_wrapped(out, buf_text(&line), width, 0);
            buf_clear(&line);
        }
    }
    for (size_t i = 0; i < health->unseen_count && i < HEALTH_TOLD_MOST; i++) {
        buf_put_printable(&line, slice_of_text(health->unseen[i].sentence), 4096);
        buf_put_text(&line, ", since ");
        cli_put_time(&line, health->unseen[i].since_s);
        buf_put_byte(&line, '.');
        cli_put_wrapped(out, buf_text(&line), width, 0);
        buf_clear(&line);
    }
    if (health->unseen_count > HEALTH_TOLD_MOST) {
        put_more(&line, health->unseen_count - HEALTH_TOLD_MOST);
        cli_put_wrapped(out, buf_text(&line), width, 0);
    }
    buf_deinit(&line);
}
