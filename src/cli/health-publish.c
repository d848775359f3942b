/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "cli/health.h"

#define NAMED_MOST 100 /* troubles that are named at all */

/* Public; they do not change. */
static const char *const kinds[TROUBLE_KINDS] = {
    [TROUBLE_FILE] = "file",
    [TROUBLE_COMMAND] = "command",
    [TROUBLE_HAPROXY] = "haproxy",
};

const char *health_trouble_kind(enum publish_trouble_kind kind)
{
    return kinds[kind];
}

void health_add_trouble(void *context, const struct publish_trouble *trouble)
{
    struct health *health = context;

    if (!health->troubles) {
        health->troubles = calloc(NAMED_MOST, sizeof(*health->troubles));
    }
    health->failing[trouble->kind] += 1 + trouble->more;
    if (trouble->fault && health->troubles && health->trouble_count < NAMED_MOST) {
        health->troubles[health->trouble_count++] = *trouble;
    }
}

/* A command or path may be anything, and what a command printed, too. */
static json_t *json_of_text(const char *text)
{
    struct buf printable = BUF_INIT(65536);
    json_t *json = json_string(text);

    if (!json) {
        buf_put_printable(&printable, slice_of_text(text), 16384);
        json = json_string(buf_text(&printable));
    }
    buf_deinit(&printable);
    return json;
}

int health_troubles_to_json(const struct health *health, json_t *object)
{
    json_t *counts = json_object(), *told = json_array();
    int bad = 0;

    for (int kind = 0; kind < TROUBLE_KINDS; kind++) {
        bad |= json_object_set_new(counts, kinds[kind], json_integer(health->failing[kind]));
    }
    for (size_t i = 0; i < health->trouble_count; i++) {
        const struct publish_trouble *trouble = &health->troubles[i];

        bad |= json_array_append_new(
            told, json_pack("{s:s, s:o, s:o}", "kind", kinds[trouble->kind], "where",
                            json_of_text(trouble->where), "trouble", json_of_text(trouble->fault)));
    }
    bad |= json_object_set_new(object, "publishing",
                               json_pack("{s:o, s:o}", "failing", counts, "troubles", told));
    return bad ? -ENOMEM : 0;
}

static bool read_trouble(const json_t *item, struct publish_trouble *trouble)
{
    const char *kind = json_string_value(json_object_get(item, "kind"));

    trouble->where = json_string_value(json_object_get(item, "where"));
    trouble->fault = json_string_value(json_object_get(item, "trouble"));
    for (int i = 0; kind && i < TROUBLE_KINDS; i++) {
        if (text_equal(kind, kinds[i])) {
            trouble->kind = (enum publish_trouble_kind)i;
            return trouble->where && trouble->fault;
        }
    }
    return false;
}

bool health_troubles_from_json(const json_t *object, struct health *health)
{
    const json_t *publishing = json_object_get(object, "publishing");
    const json_t *told = json_object_get(publishing, "troubles"), *item;
    const json_t *counts = json_object_get(publishing, "failing");
    bool good = true;
    size_t i;

    health->troubles = calloc(json_array_size(told) + 1, sizeof(*health->troubles));
    if (!health->troubles) {
        return false;
    }
    json_array_foreach(told, i, item)
    {
        good = good && read_trouble(item, &health->troubles[health->trouble_count++]);
    }
    for (int kind = 0; kind < TROUBLE_KINDS; kind++) {
        json_int_t count = json_integer_value(json_object_get(counts, kinds[kind]));

        good = good && count >= 0 && count <= UINT32_MAX;
        health->failing[kind] = (unsigned)count;
    }
    return good;
}

void health_put_troubles(struct buf *out, const struct health *health, unsigned width)
{
    struct buf line = BUF_INIT(65536);
    uint64_t rest = 0;

    for (int kind = 0; kind < TROUBLE_KINDS; kind++) {
        rest += health->failing[kind];
    }
    for (size_t i = 0; i < health->trouble_count && i < HEALTH_TOLD_MOST; i++, rest--) {
        buf_put_text(&line, "Not handed over: ");
        buf_put_printable(&line, slice_of_text(health->troubles[i].fault), 16384);
        buf_put_byte(&line, '.');
        cli_put_wrapped(out, buf_text(&line), width, 0);
        buf_clear(&line);
    }
    if (rest > 0) {
        buf_put_text(&line, "And ");
        buf_put_int(&line, (int64_t)rest);
        buf_put_text(&line, " more like that.");
        cli_put_wrapped(out, buf_text(&line), width, 0);
    }
    buf_deinit(&line);
}
