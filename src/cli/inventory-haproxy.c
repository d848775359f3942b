/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/inventory.h"
#include "publish/exchange.h"
#include "wire/haproxy.h"

#define SOCKET_LIMIT_MS 5000
#define USUAL_SOCKET    "/run/haproxy/admin.sock"

struct asked {
    struct buf *reply;
    const char *fault;
};

static void on_done(void *context, const char *fault, struct slice reply)
{
    struct asked *asked = context;

    asked->fault = fault;
    buf_put_slice(asked->reply, reply);
}

static const char *exchange(const char *address, struct slice request, struct buf *reply)
{
    struct asked asked = {.reply = reply};
    const struct exchange_order order = {
        .address = address,
        .request = request,
        .reply_max = LIMIT_HAPROXY_REPLY,
        .limit_ms = SOCKET_LIMIT_MS,
        .done = on_done,
        .context = &asked,
    };
    const char *fault = exchange_check(address);
    struct exchange *running;
    uv_loop_t loop;

    if (fault) {
        return fault;
    }
    buf_clear(reply);
    if (uv_loop_init(&loop)) {
        return "out of memory";
    }
    if (exchange_start(&running, &loop, &order)) {
        asked.fault = "out of memory";
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return asked.fault;
}

const char *inventory_ask(struct inventory *inventory, struct slice request, struct buf *reply)
{
    if (!inventory->fault) {
        inventory->fault = exchange(buf_text(&inventory->socket), request, reply);
    }
    return inventory->fault;
}

/* The best of those in the configuration: a path rather than a port, of the highest level. */
static const struct dump_socket *best_socket(const struct dump *dump)
{
    const struct dump_socket *best = NULL;
    int best_rank = -1;

    for (size_t i = 0; i < dump->socket_count; i++) {
        const struct dump_socket *socket = &dump->sockets[i];
        int rank = (socket->level == DUMP_LEVEL_ADMIN ? 2 : 0) + (socket->address[0] == '/');

        if (rank > best_rank) {
            best = socket;
            best_rank = rank;
        }
    }
    return best;
}

static void choose_socket(struct inventory *inventory, const struct options *options)
{
    const struct dump_socket *socket = best_socket(inventory->dump);
    struct stat info;

    for (size_t i = 0; options->socket && i < inventory->dump->socket_count; i++) {
        if (text_equal(inventory->dump->sockets[i].address, options->socket)) {
            socket = &inventory->dump->sockets[i];
        }
    }
    if (options->socket) {
        buf_put_text(&inventory->socket, options->socket);
    } else if (socket) {
        buf_put_text(&inventory->socket, socket->address);
    } else if (!inventory->how.size && !stat(USUAL_SOCKET, &info) && S_ISSOCK(info.st_mode)) {
        /* Nothing could be read; one that could, and names none, is not behind that one. */
        buf_put_text(&inventory->socket, USUAL_SOCKET);
    }
    if (socket && text_equal(socket->address, buf_text(&inventory->socket))) {
        inventory->level = socket->level;
        inventory->has_level = true;
        buf_put_printable(&inventory->settings, slice_of_text(socket->file), 4096);
        buf_put_text(&inventory->settings, ", line ");
        buf_put_int(&inventory->settings, socket->line);
    }
}

/* "show cli level": what the server itself says goes before its configuration. */
static void read_level(struct inventory *inventory, struct slice reply)
{
    static const char *const names[] = {"operator", "user", "admin"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t size = strlen(names[i]);

        if (reply.size >= size && memcmp(reply.data, names[i], size) == 0) {
            inventory->level = (enum dump_level)i;
            inventory->has_level = true;
        }
    }
}

static int read_list(struct inventory *inventory, struct slice reply)
{
    struct slice path;
    bool open;

    while (haproxy_next_loaded(&reply, &path, &open)) {
        char **grown = realloc(inventory->loaded, (inventory->loaded_count + 1) * sizeof(*grown));
        char *copy = text_copy(path);

        if (!grown || !copy) {
            inventory->loaded = grown ? grown : inventory->loaded;
            free(copy);
            return -ENOMEM;
        }
        inventory->loaded = grown;
        grown[inventory->loaded_count++] = copy;
    }
    return 0;
}

int inventory_ask_haproxy(struct inventory *inventory, const struct options *options)
{
    struct buf reply = BUF_INIT(LIMIT_HAPROXY_REPLY), command = BUF_INIT(1024);
    const char *fault;
    int r = 0;

    choose_socket(inventory, options);
    if (!inventory->socket.size) {
        return 0;
    }
    fault = inventory_ask(inventory, slice_of_text("show cli level\n"), &reply);
    if (!fault) {
        read_level(inventory, slice_of_buf(&reply));
        haproxy_put_list(&command);
        fault = inventory_ask(inventory, slice_of_buf(&command), &reply);
    }
    if (fault) {
        inventory_tell(inventory, "HAProxy at %s: %s", buf_text(&inventory->socket), fault);
    } else if (haproxy_is_list(slice_of_buf(&reply))) {
        inventory->live = true;
        r = read_list(inventory, slice_of_buf(&reply));
        buf_put_text(&inventory->how,
                     inventory->how.size ? " and `show ssl cert` at " : "`show ssl cert` at ");
        buf_put_text(&inventory->how, buf_text(&inventory->socket));
    } else {
        inventory_tell(
            inventory,
            "HAProxy at %s does not list its certificates: a socket of level operator or "
            "admin does",
            buf_text(&inventory->socket));
    }
    buf_deinit(&reply);
    buf_deinit(&command);
    return r;
}
