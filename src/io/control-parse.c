/* SPDX-License-Identifier: Apache-2.0 */
#include "io/control-parse.h"

#include <string.h>

/* Why @request is none, or NULL. */
static const char *find_fault(const json_t *request)
{
    const char *what = json_string_value(json_object_get(request, "do"));
    const json_t *paths = json_object_get(request, "paths");
    const json_t *deadline = json_object_get(request, "deadline_s");
    const json_t *path;
    size_t i;

    if (!what) {
        return "a request is an object with \"do\"";
    }
    if (strcmp(what, "status") == 0) {
        return NULL;
    }
    if (strcmp(what, "ensure") != 0) {
        return "this clinch knows only the requests status and ensure";
    }
    if (!json_is_array(paths)) {
        return "ensure wants \"paths\", an array of strings";
    }
    json_array_foreach(paths, i, path)
    {
        if (!json_is_string(path)) {
            return "ensure wants \"paths\", an array of strings";
        }
    }
    if (deadline && (!json_is_integer(deadline) || json_integer_value(deadline) < 0)) {
        return "\"deadline_s\" is a number of seconds";
    }
    return NULL;
}

json_t *control_parse_request(struct slice line, const char **ret_fault)
{
    json_t *request = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = request ? find_fault(request) : "the request is not JSON";

    if (fault) {
        json_decref(request);
        *ret_fault = fault;
        return NULL;
    }
    return request;
}
