/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/daemon.h"
#include "io/clock.h"

/* Rows out of use, copied: the store may not be written while it is read. */
struct tidy {
    struct daemon *daemon;
    bool whole;
    int64_t wall_s;
    struct unused {
        uint8_t leaf_sha256[SHA256_SIZE];
        struct cert_row row; /* its strings are empty, or `name` is owned */
        bool over;           /* what the store keeps of it has ended */
    } * list;
    size_t count;
    size_t capacity;
};

static bool is_unused(const struct tidy *tidy, const struct cert_row *row)
{
    const struct host *host = tidy->daemon->host;

    if (host_knows_leaf(host, row->leaf_sha256)) {
        return false;
    }
    return tidy->whole || !row->path[0] || host_knows_path(host, row->path) ||
           access(row->path, F_OK) != 0;
}

static bool read_leaf(const struct cert_row *row, uint8_t ret_sha256[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        const char digits[3] = {row->leaf_sha256[2 * i], row->leaf_sha256[2 * i + 1], 0};
        char *end;

        ret_sha256[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end || !digits[0]) {
            return false;
        }
    }
    return true;
}

static void on_row(void *context, const struct cert_row *row)
{
    struct tidy *tidy = context;
    struct unused *unused;
    bool over = row->next_update_s <= tidy->wall_s;

    if (!is_unused(tidy, row) || (!row->path[0] && !over)) {
        return;
    }
    if (tidy->count == tidy->capacity) {
        size_t capacity = tidy->capacity ? tidy->capacity * 2 : 64;
        struct unused *list = realloc(tidy->list, capacity * sizeof(*list));

        if (!list) {
            return; /* the next time */
        }
        tidy->list = list;
        tidy->capacity = capacity;
    }
    unused = &tidy->list[tidy->count];
    *unused = (struct unused){.row = *row, .over = over};
    unused->row.name = strdup(row->name);
    unused->row.path = unused->row.last = "";
    if (!unused->row.name || !read_leaf(row, unused->leaf_sha256)) {
        free((void *)unused->row.name);
        return;
    }
    tidy->count++;
}

void daemon_tidy(struct daemon *daemon, bool whole)
{
    struct tidy tidy = {.daemon = daemon, .whole = whole, .wall_s = clock_now().wall_s};
    struct store_change *changes;

    if (store_rows(daemon->store, on_row, &tidy)) {
        tidy.count = 0; /* the store has told it */
    }
    changes = calloc(tidy.count + 1, sizeof(*changes));
    for (size_t i = 0; changes && i < tidy.count; i++) {
        changes[i] = (struct store_change){
            .type = tidy.list[i].over ? STORE_FORGET : STORE_PUT_ROW,
            .leaf_sha256 = tidy.list[i].leaf_sha256,
            .row = &tidy.list[i].row,
        };
    }
    if (changes && tidy.count) {
        (void)store_commit(daemon->store, changes, tidy.count); /* for tidiness only */
    }
    for (size_t i = 0; i < tidy.count; i++) {
        free((void *)tidy.list[i].row.name);
    }
    free(tidy.list);
    free(changes);
}
