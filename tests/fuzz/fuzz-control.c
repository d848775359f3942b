/* SPDX-License-Identifier: Apache-2.0 */

/* The control socket's two sides: requests as the daemon reads them, and the rows that the other
 * commands read out of its answers. What is taken has the types that were promised, and comes
 * through JSON once more unchanged. */

#include <string.h>

#include "fuzz.h"
#include "io/control-parse.h"
#include "io/control.h"

static void check_ensure(const json_t *request)
{
    const json_t *paths = json_object_get(request, "paths");
    const json_t *deadline = json_object_get(request, "deadline_s");

    must(json_is_array(paths));
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *path = json_array_get(paths, i);

        must(json_is_string(path) && strlen(json_string_value(path)) == json_string_length(path));
    }
    must(!deadline || (json_is_integer(deadline) && json_integer_value(deadline) >= 0));
}

static void check_request(struct slice line)
{
    const char *fault = NULL, *what;
    json_t *request = control_parse_request(line, &fault), *again;
    char *text;

    if (!request) {
        must(fault && text_length(fault) > 10);
        return;
    }
    what = json_string_value(json_object_get(request, "do"));
    must(!fault && what && (strcmp(what, "status") == 0 || strcmp(what, "ensure") == 0));
    if (strcmp(what, "ensure") == 0) {
        check_ensure(request);
    }
    text = json_dumps(request, JSON_COMPACT);
    must(text && !strchr(text, '\n')); /* one line, as it is sent */
    again = control_parse_request(slice_of_text(text), &fault);
    must(again && json_equal(again, request));
    free(text);
    json_decref(again);
    json_decref(request);
}

static void check_same_row(const struct cert_row *a, const struct cert_row *b)
{
    must(strcmp(a->leaf_sha256, b->leaf_sha256) == 0 && strcmp(a->serial, b->serial) == 0);
    must(strcmp(a->name, b->name) == 0 && strcmp(a->path, b->path) == 0);
    must(strcmp(a->last, b->last) == 0);
    must(a->state == b->state && a->must_staple == b->must_staple);
    must(a->serve.from_s == b->serve.from_s && a->serve.until_s == b->serve.until_s);
    must(a->next_update_s == b->next_update_s && a->next_try_s == b->next_try_s);
}

static void check_row(struct slice text)
{
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    json_t *again;
    struct cert_row row, back;

    if (control_row_from_json(json, &row)) {
        must(strlen(row.leaf_sha256) == sizeof(row.leaf_sha256) - 1);
        must(strlen(row.serial) < sizeof(row.serial) && strlen(row.serial) % 2 == 0);
        must(row.state < CERT_STATES && row.name && row.path && row.last);
        again = control_row_to_json(&row);
        must(again && control_row_from_json(again, &back));
        check_same_row(&row, &back);
        json_decref(again);
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_request(slice_of(data, size));
    check_row(slice_of(data, size));
    return 0;
}
