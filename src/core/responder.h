/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Responders by scheme, host and port: how many requests each may have at once, and who waits for
 * its turn. Waiting certificates stand in line per responder, so that one that does not answer
 * never delays the certificates of another. */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

#define RESPONDER_NONE UINT32_MAX

struct responders {
    struct responder *list;
    uint32_t count;
    uint32_t capacity;
    struct map by_key;
    uint32_t *next; /* entry -> the entry behind it in line, RESPONDER_NONE: last */
    uint32_t next_size;
    unsigned in_flight;
    uint32_t turn; /* which responder is looked at first when a place in the total gets free */
};

void responders_deinit(struct responders *responders);

/* The number of the responder that @url names, made known when it is new. -ENOMEM. */
int responder_find(struct responders *responders, const char *url, uint32_t *ret_responder);

/* A place for one request, when both the responder and the total have one. */
bool responder_take(struct responders *responders, uint32_t responder, unsigned each,
                    unsigned total);
void responder_give(struct responders *responders, uint32_t responder);

/* Puts @entry (in no line yet) at the end of the line. -ENOMEM. */
int responder_wait(struct responders *responders, uint32_t responder, uint32_t entry);

/* Takes an entry that may go now, together with its place; false when none may. */
bool responder_next(struct responders *responders, unsigned each, unsigned total,
                    uint32_t *ret_entry);

/* Takes @entry out of the line, wherever it stands. */
void responder_leave(struct responders *responders, uint32_t responder, uint32_t entry);
