/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void health_deinit(struct health *health)
{
    free(health->responders);
    free(health->servers);
    free(health->unseen);
    free(health->troubles);
    *health = (struct health){0};
}

static json_t *json_of_time(int64_t wall_s, int64_t none)
{
    return wall_s == none ? json_null() : json_integer(wall_s);
}

static json_t *responder_to_json(const struct responder_view *responder)
{
    return json_pack("{s:s, s:I, s:I, s:i, s:i, s:i, s:b, s:o, s:o}", "url", responder->key,
                     "requests", (json_int_t)responder->asked, "failures",
                     (json_int_t)responder->failed, "failures_in_a_row", (int)responder->failures,
                     "in_flight", (int)responder->in_flight, "waiting", (int)responder->waiting,
                     "down", responder->down, "down_since",
                     json_of_time(responder->down_since_s, INSTANT_NEVER), "next_try",
                     json_of_time(responder->next_s, 0));
}

int health_to_json(const struct health *health, json_t *object)
{
    json_t *responders = json_array();
    json_t *clock = json_pack("{s:b, s:I, s:I}", "wrong", health->clock.wrong, "off",
                              (json_int_t)health->clock.off_s, "date_off",
                              (json_int_t)health->clock.date_off_s);
    int bad = 0;

    for (size_t i = 0; i < health->count; i++) {
        bad |= json_array_append_new(responders, responder_to_json(&health->responders[i]));
    }
    bad |= json_object_set_new(object, "responders", responders);
    bad |= json_object_set_new(object, "clock", clock);
    bad |= health_servers_to_json(health, object);
    bad |= health_troubles_to_json(health, object);
    return bad ? -ENOMEM : 0;
}

static bool read_number(const json_t *object, const char *key, int64_t *ret_number)
{
    const json_t *value = json_object_get(object, key);

    *ret_number = json_integer_value(value);
    return json_is_integer(value);
}

static bool read_count(const json_t *object, const char *key, unsigned *ret_count)
{
    int64_t number;

    if (!read_number(object, key, &number) || number < 0 || number > UINT32_MAX) {
        return false;
    }
    *ret_count = (unsigned)number;
    return true;
}

static bool read_time(const json_t *object, const char *key, int64_t none, int64_t *ret_wall_s)
{
    if (json_is_null(json_object_get(object, key))) {
        *ret_wall_s = none;
        return true;
    }
    return read_number(object, key, ret_wall_s);
}

static bool read_responder(const json_t *object, struct responder_view *responder)
{
    const json_t *down = json_object_get(object, "down");
    int64_t asked, failed;

    responder->key = json_string_value(json_object_get(object, "url"));
    responder->down = json_is_true(down);
    if (!responder->key || !json_is_boolean(down) || !read_number(object, "requests", &asked) ||
        !read_number(object, "failures", &failed) || asked < 0 || failed < 0 ||
        !read_count(object, "failures_in_a_row", &responder->failures) ||
        !read_count(object, "in_flight", &responder->in_flight) ||
        !read_count(object, "waiting", &responder->waiting) ||
        !read_time(object, "down_since", INSTANT_NEVER, &responder->down_since_s) ||
        !read_time(object, "next_try", 0, &responder->next_s)) {
        return false;
    }
    responder->asked = (uint64_t)asked;
    responder->failed = (uint64_t)failed;
    return true;
}

/* Those that are down first, then by key. */
static int compare(const void *a, const void *b)
{
    const struct responder_view *left = a, *right = b;

    return left->down != right->down ? right->down - left->down : strcmp(left->key, right->key);
}

bool health_from_json(const json_t *object, struct health *ret_health)
{
    const json_t *responders = json_object_get(object, "responders"), *item;
    const json_t *clock = json_object_get(object, "clock");
    const json_t *wrong = json_object_get(clock, "wrong");
    struct health health = {.clock.wrong = json_is_true(wrong)};
    bool good = json_is_array(responders) && json_is_boolean(wrong) &&
                read_number(clock, "off", &health.clock.off_s) &&
                read_number(clock, "date_off", &health.clock.date_off_s);
    size_t i;

    health.responders = calloc(json_array_size(responders) + 1, sizeof(*health.responders));
    good = good && health.responders;
    json_array_foreach(responders, i, item)
    {
        good = good && read_responder(item, &health.responders[health.count++]);
    }
    if (!good || !health_servers_from_json(object, &health) ||
        !health_troubles_from_json(object, &health)) {
        health_deinit(&health);
        return false;
    }
    qsort(health.responders, health.count, sizeof(*health.responders), compare);
    *ret_health = health;
    return true;
}

static void put_off(struct buf *line, int64_t off_s)
{
    buf_put_duration(line, off_s < 0 ? -off_s : off_s);
    buf_put_text(line, off_s < 0 ? " behind" : " ahead");
}

/* False: there is nothing to say. */
static bool put_clock(struct buf *line, const struct clock_view *clock)
{
    if (clock->wrong) {
        buf_put_text(line, "This machine's clock looks wrong: it is ");
        put_off(line, clock->date_off_s ? clock->date_off_s : clock->off_s);
        buf_put_text(line, " of what responders say; check its time service.");
    } else if (clock->off_s) {
        buf_put_text(line, "This machine's clock was set: it is ");
        put_off(line, clock->off_s);
        buf_put_text(line, " of the time that has passed, and is not believed until an answer "
                           "agrees with it.");
    }
    return line->size > 0;
}

/* Down, or it has asked for a pause and somebody waits. */
static bool is_in_trouble(const struct responder_view *responder, int64_t wall_s)
{
    return responder->down || (responder->waiting && responder->next_s > wall_s);
}

static void put_responder(struct buf *line, const struct responder_view *responder, int64_t wall_s)
{
    buf_put_printable(line, slice_of_text(responder->key), 300);
    if (responder->down) {
        buf_put_text(line, " is down since ");
        cli_put_time(line, responder->down_since_s);
    } else {
        buf_put_text(line, " wants to be left alone");
    }
    buf_put_text(line, ": ");
    if (responder->waiting) {
        buf_put_int(line, responder->waiting);
        buf_put_text(line,
                     responder->waiting == 1 ? " certificate waits, " : " certificates wait, ");
    }
    if (responder->next_s > wall_s) {
        buf_put_text(line, "next request in ");
        buf_put_duration(line, time_sub(responder->next_s, wall_s));
    } else {
        buf_put_text(line, responder->in_flight ? "one request is under way" : "next request now");
    }
    buf_put_byte(line, '.');
}

static void end_line(struct buf *out, struct buf *line, unsigned width)
{
    cli_put_wrapped(out, buf_text(line), width, 0);
    buf_clear(line);
}

void health_put_text(struct buf *out, const struct health *health, int64_t wall_s, unsigned width)
{
    struct buf line = BUF_INIT(2048);
    size_t troubles = 0, before = out->size;

    if (put_clock(&line, &health->clock)) {
        end_line(out, &line, width);
    }
    for (size_t i = 0; i < health->count; i++) {
        if (is_in_trouble(&health->responders[i], wall_s) && ++troubles <= HEALTH_TOLD_MOST) {
            put_responder(&line, &health->responders[i], wall_s);
            end_line(out, &line, width);
        }
    }
    if (troubles > HEALTH_TOLD_MOST) {
        buf_put_text(&line, "And ");
        buf_put_int(&line, (int64_t)(troubles - HEALTH_TOLD_MOST));
        buf_put_text(&line, " more responders are in trouble (--json names all).");
        end_line(out, &line, width);
    }
    health_put_troubles(out, health, width);
    health_put_servers(out, health, width);
    buf_put_text(out, out->size > before ? "\n" : "");
    buf_deinit(&line);
}
