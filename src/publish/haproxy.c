/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/haproxy.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

struct haproxy_place {
    char *path;
    struct haproxy_item *item;
};

static struct haproxy_target *haproxy_target_of(const struct target *base)
{
    return (struct haproxy_target *)base; /* base is its first member */
}

static void item_free(struct haproxy_item *item)
{
    for (size_t i = 0; i < item->place_count; ++i) {
        free(item->places[i]);
    }
    free(item->places);
    wish_unref(item->wish);
    free(item);
}

static void item_forget(struct haproxy_target *target, struct haproxy_item *item)
{
    for (size_t i = 0; i < target->link_count; ++i) {
        haproxy_link_forget(target->links[i], item->id);
    }
    table_remove(&target->items, item->key);
    target->by_id[item->id] = NULL;
    target->free_ids[target->free_count++] = item->id;
    item_free(item);
}

void haproxy_tell(struct haproxy_target *target, const struct haproxy_item *item,
                  enum handed_what what)
{
    const struct wish *wish = item->wish;
    const struct handed handed = {
        .target = target->base.config,
        .what = what,
        .leaf_sha256 = wish ? wish->leaf : NULL,
        .name = wish ? wish->name : NULL,
        .path = item->place_count ? item->places[0] : NULL,
        .der = wish && what == HANDED_STAPLE ? wish_der(wish) : SLICE_NULL,
        .next_update_s = wish ? wish->next_update_s : 0,
        .hidden_s = HAPROXY_SHOWN_LEFT_S,
        .told = true,
    };

    if (wish) {
        publish_tell(target->context, &handed);
    }
}

void haproxy_item_settle(struct haproxy_target *target, struct haproxy_item *item)
{
    for (size_t i = 0; i < target->link_count; ++i) {
        if (target->links[i]->states[item->id].step > STEP_DONE) {
            return;
        }
    }
    if (item->gone) {
        item_forget(target, item);
    }
}

static int grow_ids(struct haproxy_target *target)
{
    uint32_t capacity = target->id_capacity ? target->id_capacity * 2 : 64;
    struct haproxy_item **by_id = realloc(target->by_id, capacity * sizeof(*by_id));
    uint32_t *free_ids;

    if (!by_id) {
        return -ENOMEM;
    }
    target->by_id = by_id;
    free_ids = realloc(target->free_ids, capacity * sizeof(*free_ids));
    if (!free_ids) {
        return -ENOMEM;
    }
    target->free_ids = free_ids;
    for (size_t i = 0; i < target->link_count; ++i) {
        int r = haproxy_link_reserve(target->links[i], capacity);

        if (r) {
            return error_trace(r);
        }
    }
    target->id_capacity = capacity;
    return 0;
}

static int take_id(struct haproxy_target *target, uint32_t *ret_id)
{
    if (target->free_count > 0) {
        *ret_id = target->free_ids[--target->free_count];
        return 0;
    }
    if (target->id_count == target->id_capacity) {
        int r = grow_ids(target);

        if (r) {
            return error_trace(r);
        }
    }
    *ret_id = target->id_count++;
    return 0;
}

static int open_item(struct haproxy_target *target, const struct wish *wish,
                     struct haproxy_item **ret_item)
{
    struct buf key = BUF_INIT(2 * SHA256_SIZE + 1);
    struct haproxy_item *item;
    int r;

    buf_put_hex(&key, slice_of(wish->leaf, SHA256_SIZE));
    item = buf_status(&key) ? NULL : table_get(&target->items, buf_text(&key));
    if (item) {
        buf_deinit(&key);
        *ret_item = item;
        return 0;
    }
    item = calloc(1, sizeof(*item));
    if (!item || buf_status(&key)) {
        buf_deinit(&key);
        free(item);
        return -ENOMEM;
    }
    memcpy(item->key, buf_text(&key), key.size);
    buf_deinit(&key);
    r = take_id(target, &item->id);
    if (!r) {
        r = table_set(&target->items, item->key, item);
        if (r) {
            target->free_ids[target->free_count++] = item->id;
        }
    }
    if (r) {
        free(item);
        return error_trace(r);
    }
    target->by_id[item->id] = item;
    *ret_item = item;
    return 0;
}

static int add_place(struct haproxy_item *item, const char *path)
{
    char **places = realloc(item->places, (item->place_count + 1) * sizeof(*places));
    char *copy = text_copy(slice_of_text(path));

    if (places) {
        item->places = places;
    }
    if (!places || !copy) {
        free(copy);
        return -ENOMEM;
    }
    item->places[item->place_count++] = copy;
    return 0;
}

static void drop_place(struct haproxy_item *item, const char *path)
{
    for (size_t i = 0; i < item->place_count; ++i) {
        if (strcmp(item->places[i], path) == 0) {
            free(item->places[i]);
            item->places[i] = item->places[--item->place_count];
            return;
        }
    }
}

static void push(struct haproxy_target *target, struct haproxy_item *item)
{
    for (size_t i = 0; i < target->link_count; ++i) {
        haproxy_link_push(target->links[i], item->id);
    }
    target->context->wake(target->context);
}

/* @path does not show @item any more. */
static void leave(struct haproxy_target *target, struct haproxy_item *item, const char *path,
                  bool quiet)
{
    drop_place(item, path);
    if (item->place_count > 0) {
        return;
    }
    item->gone = true;
    if (quiet || !item->wish || item->single.next_update.size == 0) {
        haproxy_tell(target, item, HANDED_GONE);
        item_forget(target, item); /* HAProxy drops it by itself when it ends */
        return;
    }
    push(target, item);
    haproxy_item_settle(target, item);
}

static int open_place(struct haproxy_target *target, const char *path,
                      struct haproxy_place **ret_place)
{
    struct haproxy_place *place = table_get(&target->places, path);

    if (place) {
        *ret_place = place;
        return 0;
    }
    place = calloc(1, sizeof(*place));
    if (place) {
        place->path = text_copy(slice_of_text(path));
    }
    if (!place || !place->path || table_set(&target->places, place->path, place)) {
        if (place) {
            free(place->path);
        }
        free(place);
        return -ENOMEM;
    }
    *ret_place = place;
    return 0;
}

static size_t size_most(const struct haproxy_target *target)
{
    unsigned size = target->base.config->max_size;

    return size ? size : LIMIT_HAPROXY_STAPLE;
}

/* True when HAProxy could take these bytes at all; else told. It drops by itself what has ended:
 * there the grace of a must-staple certificate cannot be had. */
static bool is_pushable(struct haproxy_target *target, const char *path, const struct wish *wish,
                        struct single *ret_single)
{
    if (wish->next_update_s <= publish_now(target->context).wall_s) {
        return false;
    }
    if (wish->size > size_most(target)) {
        log_say(
            target->context->log, NOTE_ERROR,
            "%s: its staple has %zu octets, and HAProxy's socket takes %zu, so it is not "
            "pushed: give HAProxy `tune.bufsize 32768` and clinch `max_size: %d` (publish, line "
            "%u), or `ocsp` and a reload of HAProxy",
            path, wish->size, size_most(target), LIMIT_STAPLE_SIZE, target->base.config->line);
        return false;
    }
    if (!single_read(wish_der(wish), 0, ret_single)) {
        log_say(target->context->log, NOTE_ERROR, "%s: its staple cannot be read; not pushed",
                path);
        return false;
    }
    return true;
}

static int haproxy_publish(struct target *base, struct place where, const struct cert_facts *cert,
                           struct wish *wish)
{
    struct haproxy_target *target = haproxy_target_of(base);
    struct haproxy_place *place;
    struct haproxy_item *item;
    struct single single;
    int r;

    (void)cert;
    if (where.index > 0 || !is_pushable(target, where.path, wish, &single)) {
        return 0; /* HAProxy serves the first certificate of a file */
    }
    r = open_place(target, where.path, &place);
    if (!r) {
        r = open_item(target, wish, &item);
    }
    if (!r && place->item != item) {
        r = add_place(item, where.path);
    }
    if (r) {
        return error_trace(r);
    }
    if (place->item == item && !item->gone && item->wish &&
        slice_equal(wish_der(item->wish), wish_der(wish))) {
        return 0;
    }
    if (place->item && place->item != item) {
        leave(target, place->item, where.path, true);
    }
    place->item = item;
    wish_unref(item->wish);
    item->wish = wish_ref(wish);
    single_read(wish_der(item->wish), 0, &item->single);
    item->gone = false;
    push(target, item);
    return 0;
}

/* Nothing was pushed for @cert in this run, but an earlier one may have, and HAProxy still runs: a
 * tombstone is pushed blindly, which HAProxy refuses where it has no such entry. */
static int bury_unknown(struct haproxy_target *target, const struct cert_facts *cert)
{
    struct buf der = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct staple staple = {.cert = cert};
    struct haproxy_item *item;
    struct wish *wish;
    int r = 0;

    if (!haproxy_put_blank(&der, cert)) {
        buf_deinit(&der);
        return cert->has_issuer ? -ENOMEM : 0; /* then there was no answer about it, either */
    }
    staple.der = slice_of_buf(&der);
    wish = wish_new(&staple);
    buf_deinit(&der);
    r = wish ? open_item(target, wish, &item) : -ENOMEM;
    if (!r && !item->wish) { /* else it is known from another place */
        item->wish = wish_ref(wish);
        single_read(wish_der(item->wish), 0, &item->single);
        item->gone = true;
        push(target, item);
    }
    wish_unref(wish);
    return r;
}

static void haproxy_withdraw(struct target *base, struct place where, const struct cert_facts *cert,
                             bool quiet)
{
    struct haproxy_target *target = haproxy_target_of(base);
    struct haproxy_place *place = where.index ? NULL : table_get(&target->places, where.path);
    struct haproxy_item *item = place ? place->item : NULL;

    if (!place) {
        if (cert && !quiet && where.index == 0 && bury_unknown(target, cert)) {
            log_say(target->context->log, NOTE_WARNING,
                    "out of memory: HAProxy may go on showing a staple of %s; reload it",
                    where.path);
        }
        return;
    }
    if (cert && item && item->wish &&
        memcmp(item->wish->leaf, cert->leaf_sha256, SHA256_SIZE) != 0) {
        return; /* another certificate's staple has taken its place already */
    }
    table_remove(&target->places, place->path);
    if (item) {
        leave(target, item, place->path, quiet);
    }
    free(place->path);
    free(place);
}

static int64_t haproxy_tick(struct target *base, struct instant now)
{
    struct haproxy_target *target = haproxy_target_of(base);
    int64_t deadline_ms = INSTANT_NEVER;

    for (size_t i = 0; i < target->link_count; ++i) {
        deadline_ms = time_min(deadline_ms, haproxy_link_tick(target->links[i], now));
    }
    return deadline_ms;
}

static bool haproxy_busy(const struct target *base)
{
    const struct haproxy_target *target = haproxy_target_of(base);

    for (size_t i = 0; i < target->link_count; ++i) {
        if (target->links[i]->failures == 0 && target->links[i]->working > 0) {
            return true;
        }
    }
    return false;
}

static void haproxy_each_trouble(const struct target *base,
                                 void (*found)(void *context,
                                               const struct publish_trouble *trouble),
                                 void *context)
{
    const struct haproxy_target *target = (const struct haproxy_target *)base;

    for (size_t i = 0; i < target->link_count; ++i) {
        const struct haproxy_link *link = target->links[i];
        bool down = link->failures > 0;
        const struct publish_trouble trouble = {
            .kind = TROUBLE_HAPROXY,
            .where = link->address,
            .fault = down ? link->fault : link->item_fault,
            .more = down || link->failing == 0 ? 0 : link->failing - 1,
        };

        if (down || link->failing > 0) {
            found(context, &trouble);
        }
    }
}

static bool haproxy_failing(const struct target *base)
{
    const struct haproxy_target *target = haproxy_target_of(base);

    for (size_t i = 0; i < target->link_count; ++i) {
        if (target->links[i]->failures > 0 || target->links[i]->failing > 0) {
            return true;
        }
    }
    return false;
}

static void haproxy_free(struct target *base)
{
    struct haproxy_target *target = haproxy_target_of(base);
    struct haproxy_place *place;
    struct haproxy_item *item;
    size_t cursor = 0;

    for (size_t i = 0; i < target->link_count; ++i) {
        haproxy_link_free(target->links[i]);
    }
    while ((item = table_next(&target->items, &cursor))) {
        item_free(item);
    }
    cursor = 0;
    while ((place = table_next(&target->places, &cursor))) {
        free(place->path);
        free(place);
    }
    table_deinit(&target->items);
    table_deinit(&target->places);
    free(target->links);
    free(target->by_id);
    free(target->free_ids);
    free(target);
}

static const struct target_ops haproxy_ops = {
    .publish = haproxy_publish,
    .withdraw = haproxy_withdraw,
    .tick = haproxy_tick,
    .busy = haproxy_busy,
    .failing = haproxy_failing,
    .each_trouble = haproxy_each_trouble,
    .free = haproxy_free,
};

static int add_link(struct haproxy_target *target, struct slice address)
{
    struct haproxy_link **links =
        realloc(target->links, (target->link_count + 1) * sizeof(struct haproxy_link *));
    int r;

    if (!links) {
        return -ENOMEM;
    }
    target->links = links;
    r = haproxy_link_new(&links[target->link_count], target, address);
    if (r) {
        return error_trace(r);
    }
    ++target->link_count;
    return 0;
}

/* "/path,host:port" with white space around. */
static int add_links(struct haproxy_target *target, const char *addresses)
{
    while (*addresses) {
        size_t size = strcspn(addresses, ",");
        size_t start = strspn(addresses, " \t");
        size_t end = size;

        while (end > start && (addresses[end - 1] == ' ' || addresses[end - 1] == '\t')) {
            --end;
        }
        if (end > start) {
            int r = add_link(target, slice_of(addresses + start, end - start));

            if (r) {
                return error_trace(r);
            }
        }
        addresses += size + (addresses[size] == ',');
    }
    return 0;
}

int haproxy_target_new(struct haproxy_target **ret_target, struct publish_context *context,
                       const struct target_config *config)
{
    struct haproxy_target *target = calloc(1, sizeof(*target));
    int r;

    if (!target) {
        return -ENOMEM;
    }
    target->base = (struct target){&haproxy_ops, config};
    target->context = context;
    target->items = TABLE_INIT(rng_next(&context->rng));
    target->places = TABLE_INIT(rng_next(&context->rng));
    target->limit_ms = 5000;
    target->info_every_ms = 5000;
    r = add_links(target, config->path);
    if (r) {
        haproxy_free(&target->base);
        return error_trace(r);
    }
    *ret_target = target;
    return 0;
}
