/* SPDX-License-Identifier: Apache-2.0 */
#include "io/control.h"

#include <string.h>

/* struct cert_row as JSON. A time that is not there is null, an end that does not come "never". */

static json_t *json_of_text(const char *text)
{
    json_t *json = json_string(text);
    struct buf safe = BUF_INIT(TEXT_MAX);

    if (!json) { /* not UTF-8: a path may be anything */
        buf_put_printable(&safe, slice_of_text(text), TEXT_MAX);
        json = json_string(buf_text(&safe));
        buf_deinit(&safe);
    }
    return json;
}

static json_t *json_of_time(int64_t time_s, int64_t none)
{
    if (time_s == none) {
        return json_null();
    }
    return time_s == INSTANT_NEVER ? json_string("never") : json_integer(time_s);
}

json_t *control_row_to_json(const struct cert_row *row)
{
    json_t *json = json_object();
    int bad = 0;

    bad |= json_object_set_new(json, "leaf_sha256", json_string(row->leaf_sha256));
    bad |= json_object_set_new(json, "serial", json_string(row->serial));
    bad |= json_object_set_new(json, "name", json_of_text(row->name));
    bad |= json_object_set_new(json, "path", json_of_text(row->path));
    bad |= json_object_set_new(json, "state", json_string(cert_state_name(row->state)));
    bad |= json_object_set_new(json, "must_staple", json_boolean(row->must_staple));
    bad |= json_object_set_new(json, "serve_from", json_of_time(row->serve.from_s, 0));
    bad |= json_object_set_new(json, "serve_until", json_of_time(row->serve.until_s, 0));
    bad |= json_object_set_new(json, "next_update", json_of_time(row->next_update_s, 0));
    bad |= json_object_set_new(json, "next_try", json_of_time(row->next_try_s, INSTANT_NEVER));
    bad |= json_object_set_new(json, "last", json_of_text(row->last));
    if (bad) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool read_text(const json_t *json, const char *key, const char **ret_text)
{
    const char *text = json_string_value(json_object_get(json, key));

    if (text) {
        *ret_text = text;
    }
    return text != NULL;
}

/* Pairs of lower-case hex digits; @exact 0: up to @most of them. */
static bool read_hex(const json_t *json, const char *key, char *ret_hex, size_t most, bool exact)
{
    const char *text = json_string_value(json_object_get(json, key));
    size_t size = text ? strspn(text, "0123456789abcdef") : 0;

    if (!text || text[size] || size > most || size % 2 || (exact && size != most)) {
        return false;
    }
    memcpy(ret_hex, text, size + 1);
    return true;
}

static bool read_time(const json_t *json, const char *key, int64_t none, int64_t *ret_time_s)
{
    const json_t *value = json_object_get(json, key);
    const char *text = json_string_value(value);

    if (json_is_null(value)) {
        *ret_time_s = none;
    } else if (text && strcmp(text, "never") == 0) {
        *ret_time_s = INSTANT_NEVER;
    } else if (json_is_integer(value)) {
        *ret_time_s = json_integer_value(value);
    } else {
        return false;
    }
    return true;
}

static bool read_state(const json_t *json, enum cert_state *ret_state)
{
    const char *text = json_string_value(json_object_get(json, "state"));

    for (int state = 0; text && state < CERT_STATES; state++) {
        if (strcmp(text, cert_state_name((enum cert_state)state)) == 0) {
            *ret_state = (enum cert_state)state;
            return true;
        }
    }
    return false;
}

bool control_row_from_json(const json_t *json, struct cert_row *ret_row)
{
    struct cert_row row = {0};
    const json_t *must_staple = json_object_get(json, "must_staple");

    if (!read_hex(json, "leaf_sha256", row.leaf_sha256, sizeof(row.leaf_sha256) - 1, true) ||
        !read_hex(json, "serial", row.serial, sizeof(row.serial) - 1, false) ||
        !read_text(json, "name", &row.name) || !read_text(json, "path", &row.path) ||
        !read_text(json, "last", &row.last) || !read_state(json, &row.state) ||
        !json_is_boolean(must_staple) || !read_time(json, "serve_from", 0, &row.serve.from_s) ||
        !read_time(json, "serve_until", 0, &row.serve.until_s) ||
        !read_time(json, "next_update", 0, &row.next_update_s) ||
        !read_time(json, "next_try", INSTANT_NEVER, &row.next_try_s)) {
        return false;
    }
    row.must_staple = json_is_true(must_staple);
    *ret_row = row;
    return true;
}
