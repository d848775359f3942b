/* SPDX-License-Identifier: Apache-2.0 */
#include "core/responder.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"

struct responder {
    char *key; /* "http://host:port" in lower case */
    unsigned in_flight;
    uint32_t first; /* in line */
    uint32_t last;
};

void responders_deinit(struct responders *responders)
{
    for (uint32_t i = 0; i < responders->count; i++) {
        free(responders->list[i].key);
    }
    free(responders->list);
    map_deinit(&responders->by_key);
    free(responders->next);
    *responders = (struct responders){0};
}

/* Scheme and authority of @url: "http://OCSP.example:80/x" is "http://ocsp.example:80". */
static char *key_of_url(const char *url)
{
    size_t end = 0, size = text_length(url);
    unsigned slashes = 0;
    char *key;

    while (end < size && url[end] != '?' && url[end] != '#') {
        slashes += url[end] == '/';
        if (slashes == 3) {
            break;
        }
        end++;
    }
    key = text_copy(slice_of(url, end));
    for (size_t i = 0; key && i < end; i++) {
        key[i] = key[i] >= 'A' && key[i] <= 'Z' ? (char)(key[i] + 32) : key[i];
    }
    return key;
}

int responder_find(struct responders *responders, const char *url, uint32_t *ret_responder)
{
    _cleanup_(freep)
    char *key = key_of_url(url);
    struct responder *list;
    uint64_t hash;
    size_t at;
    int r;

    if (!key) {
        return -ENOMEM;
    }
    hash = map_hash(slice_of_text(key));
    for (uint32_t i = map_first(&responders->by_key, hash, &at); i != MAP_NONE;
         i = map_more(&responders->by_key, hash, &at)) {
        if (text_equal(responders->list[i].key, key)) {
            *ret_responder = i;
            return 0;
        }
    }
    if (responders->count == responders->capacity) {
        uint32_t capacity = responders->capacity ? responders->capacity * 2 : 8;

        list = realloc(responders->list, capacity * sizeof(*list));
        if (!list) {
            return -ENOMEM;
        }
        responders->list = list;
        responders->capacity = capacity;
    }
    r = map_add(&responders->by_key, hash, responders->count);
    if (r) {
        return r;
    }
    responders->list[responders->count] =
        (struct responder){steal(&key), 0, RESPONDER_NONE, RESPONDER_NONE};
    *ret_responder = responders->count++;
    return 0;
}

bool responder_take(struct responders *responders, uint32_t responder, unsigned each,
                    unsigned total)
{
    assert(responder < responders->count);
    if (responders->in_flight >= total || responders->list[responder].in_flight >= each) {
        return false;
    }
    responders->in_flight++;
    responders->list[responder].in_flight++;
    return true;
}

void responder_give(struct responders *responders, uint32_t responder)
{
    assert(responder < responders->count);
    assert(responders->in_flight > 0 && responders->list[responder].in_flight > 0);
    responders->in_flight--;
    responders->list[responder].in_flight--;
}

int responder_wait(struct responders *responders, uint32_t responder, uint32_t entry)
{
    struct responder *line = &responders->list[responder];

    if (entry >= responders->next_size) {
        uint32_t size = responders->next_size ? responders->next_size : 64;
        uint32_t *next;

        while (size <= entry) {
            size *= 2;
        }
        next = realloc(responders->next, size * sizeof(*next));
        if (!next) {
            return -ENOMEM;
        }
        responders->next = next;
        responders->next_size = size;
    }
    responders->next[entry] = RESPONDER_NONE;
    if (line->last == RESPONDER_NONE) {
        line->first = entry;
    } else {
        responders->next[line->last] = entry;
    }
    line->last = entry;
    return 0;
}

bool responder_next(struct responders *responders, unsigned each, unsigned total,
                    uint32_t *ret_entry)
{
    for (uint32_t i = 0; i < responders->count; i++) {
        uint32_t number = (responders->turn + i) % responders->count;
        struct responder *line = &responders->list[number];

        if (line->first == RESPONDER_NONE || !responder_take(responders, number, each, total)) {
            continue;
        }
        *ret_entry = line->first;
        line->first = responders->next[*ret_entry];
        if (line->first == RESPONDER_NONE) {
            line->last = RESPONDER_NONE;
        }
        responders->turn = (number + 1) % responders->count;
        return true;
    }
    return false;
}

void responder_leave(struct responders *responders, uint32_t responder, uint32_t entry)
{
    struct responder *line = &responders->list[responder];
    uint32_t before = RESPONDER_NONE, at = line->first;

    while (at != RESPONDER_NONE && at != entry) {
        before = at;
        at = responders->next[at];
    }
    if (at == RESPONDER_NONE) {
        return;
    }
    if (before == RESPONDER_NONE) {
        line->first = responders->next[entry];
    } else {
        responders->next[before] = responders->next[entry];
    }
    if (line->last == entry) {
        line->last = before;
    }
}
