/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "io/witness-private.h"

#define ITEMS_MOST     (1u << 24)
#define WILDCARD_LABEL "clinch-probe"

static void item_deinit(struct witness_item *item)
{
    free(item->name);
    free(item->path);
    free(item->asked);
    free(item->said);
    *item = (struct witness_item){0};
}

struct witness_server *witness_server_free(struct witness_server *server)
{
    if (!server) {
        return NULL;
    }
    tls_probe_cancel(server->probe);
    for (uint32_t i = 0; i < server->item_top; i++) {
        item_deinit(&server->items[i]);
    }
    map_deinit(&server->by_leaf);
    heap_deinit(&server->due);
    free(server->items);
    free(server->label);
    free(server->address);
    free(server->host);
    free(server->servername);
    free(server->fault);
    free(server);
    return NULL;
}

static bool is_server(const struct witness_server *server, const struct witness_order *order)
{
    const char *name = server->servername ? server->servername : "";

    return text_equal(server->address, order->address) && server->starttls == order->starttls &&
           text_equal(name, order->servername ? order->servername : "");
}

struct witness_server *witness_find_server(const struct witness *witness,
                                           const struct witness_order *order)
{
    for (uint32_t i = 0; i < witness->server_count; i++) {
        if (is_server(witness->servers[i], order)) {
            return witness->servers[i];
        }
    }
    return NULL;
}

static void put_label(struct buf *label, const struct witness_order *order)
{
    buf_put_text(label, order->address);
    if (order->servername) {
        buf_put_byte(label, ' ');
        buf_put_text(label, order->servername);
    }
    if (order->starttls != STARTTLS_NONE) {
        buf_put_text(label, " starttls=");
        buf_put_text(label, starttls_name(order->starttls));
    }
}

static struct witness_server *server_new(struct witness *witness, const struct witness_order *order)
{
    _cleanup_(witness_server_freep)
    struct witness_server *server = calloc(1, sizeof(*server));
    struct buf host = BUF_INIT(1024), label = BUF_INIT(4096);
    bool good = server && tls_probe_read_target(order->address, &host, &server->port);

    if (good) {
        server->witness = witness;
        server->starttls = order->starttls;
        server->retry_ms = INT64_MIN;
        server->free_first = MAP_NONE;
        server->by_leaf = MAP_NULL;
        server->due = HEAP_NULL;
        server->host = text_copy(slice_of_buf(&host));
        server->address = text_copy(slice_of_text(order->address));
        server->servername = order->servername ? text_copy(slice_of_text(order->servername)) : NULL;
        put_label(&label, order);
        server->label = text_copy(slice_of_buf(&label));
        good = server->label && server->host && server->address &&
               (!order->servername || server->servername);
    }
    buf_deinit(&host);
    buf_deinit(&label);
    return good ? steal(&server) : NULL;
}

struct witness_server *witness_open_server(struct witness *witness,
                                           const struct witness_order *order)
{
    struct witness_server *server = witness_find_server(witness, order), **servers;

    if (server) {
        return server;
    }
    servers =
        realloc(witness->servers, (witness->server_count + 1) * sizeof(struct witness_server *));
    if (!servers) {
        return NULL;
    }
    witness->servers = servers;
    server = server_new(witness, order);
    if (server) {
        servers[witness->server_count++] = server;
    }
    return server;
}

uint32_t witness_find_item(const struct witness_server *server, const uint8_t *leaf_sha256)
{
    uint64_t hash = map_hash(slice_of(leaf_sha256, SHA256_SIZE));
    size_t at;

    for (uint32_t i = map_first(&server->by_leaf, hash, &at); i != MAP_NONE;
         i = map_more(&server->by_leaf, hash, &at)) {
        if (memcmp(server->items[i].leaf, leaf_sha256, SHA256_SIZE) == 0) {
            return i;
        }
    }
    return MAP_NONE;
}

/* The number of an item that is not used; MAP_NONE without memory. */
static uint32_t take_number(struct witness_server *server)
{
    uint32_t capacity = server->item_capacity ? 2 * server->item_capacity : 8;
    uint32_t number = server->free_first;
    struct witness_item *items;

    if (number != MAP_NONE) {
        server->free_first = server->items[number].next_free;
        return number;
    }
    if (server->item_top == server->item_capacity) {
        items = capacity <= ITEMS_MOST ? realloc(server->items, capacity * sizeof(*items)) : NULL;
        if (!items) {
            return MAP_NONE;
        }
        server->items = items;
        server->item_capacity = capacity;
    }
    server->items[server->item_top] = (struct witness_item){0};
    return server->item_top++;
}

static void give_number_back(struct witness_server *server, uint32_t number)
{
    struct witness_item *item = &server->items[number];

    server->told -= item->told;
    item_deinit(item);
    item->next_free = server->free_first;
    server->free_first = number;
}

/* RFC 6125 6.4.3 has the star stand for one label: one that nobody uses shows the certificate. */
static char *name_to_ask(const struct witness_server *server, const char *name)
{
    struct buf text = BUF_INIT(1024);
    char *copy = NULL;

    if (server->servername) {
        return text_copy(slice_of_text(server->servername));
    }
    buf_put_text(&text, text_starts_with(name, "*.") ? WILDCARD_LABEL : "");
    buf_put_text(&text, text_starts_with(name, "*.") ? name + 1 : name);
    if (!buf_status(&text) && !tls_probe_check_name(buf_text(&text))) {
        copy = text_copy(slice_of_buf(&text));
    }
    buf_deinit(&text);
    return copy;
}

int witness_open_item(struct witness_server *server, const struct witness_order *order,
                      uint32_t *ret_number)
{
    uint64_t hash = map_hash(slice_of(order->leaf_sha256, SHA256_SIZE));
    uint32_t number = witness_find_item(server, order->leaf_sha256);
    struct buf hex = BUF_INIT(2 * SHA256_SIZE);
    struct witness_item *item;

    if (number != MAP_NONE) {
        *ret_number = number;
        return 0;
    }
    number = take_number(server);
    if (number == MAP_NONE) {
        return -ENOMEM;
    }
    item = &server->items[number];
    *item = (struct witness_item){.used = true};
    memcpy(item->leaf, order->leaf_sha256, SHA256_SIZE);
    buf_put_hex(&hex, slice_of(item->leaf, SHA256_SIZE));
    memcpy(item->leaf_hex, buf_text(&hex), hex.size);
    item->name = text_copy(slice_of_text(order->name));
    item->path = text_copy(slice_of_text(order->path));
    item->asked = name_to_ask(server, order->name);
    if (!item->name || !item->path || buf_status(&hex) || map_add(&server->by_leaf, hash, number)) {
        buf_deinit(&hex);
        give_number_back(server, number);
        return -ENOMEM;
    }
    buf_deinit(&hex);
    *ret_number = number;
    return 0;
}

void witness_drop_item(struct witness_server *server, uint32_t number)
{
    struct witness_item *item = &server->items[number];

    heap_remove(&server->due, number);
    map_remove(&server->by_leaf, map_hash(slice_of(item->leaf, SHA256_SIZE)), number);
    give_number_back(server, number);
}
