/* SPDX-License-Identifier: Apache-2.0 */

/* What the header of an HTTP answer says of time: a field a line, and an entity-tag. */

#include <string.h>

#include "fuzz.h"
#include "io/hints.h"

#define FIELDS 6
#define NOW    INT64_C(1790000000)

/* The lines of @text, which is cut up for it. An empty line: not said. */
static void split(char *text, const char *fields[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        char *end = text ? strchr(text, '\n') : NULL;

        if (end) {
            *end = 0;
        }
        fields[i] = text && *text ? text : NULL;
        text = end ? end + 1 : NULL;
    }
}

static void check_hints(const struct hint_fields *fields)
{
    struct http_hints hints, later;

    hints_read(fields, NOW, &hints);
    must(hints.retry_after_s >= 0 && hints.retry_after_s <= HINT_RETRY_MAX_S);
    must(hints.fresh_s >= -1 && hints.fresh_s <= INT32_MAX);
    must(hints.age_s >= 0 && hints.age_s <= INT32_MAX);
    must(hints.date_s > 0);
    must(fields->date || hints.date_s == INSTANT_NEVER);
    must(fields->age || hints.age_s == 0);
    must(fields->cache_control || fields->expires || hints.fresh_s == -1);
    must(fields->retry_after || hints.retry_after_s == 0);
    hints_read(fields, NOW + 60, &later);
    if (hints.date_s != INSTANT_NEVER) { /* then our own clock does not matter */
        must(later.retry_after_s == hints.retry_after_s && later.fresh_s == hints.fresh_s);
    }
    must(later.retry_after_s <= hints.retry_after_s && later.fresh_s <= hints.fresh_s);
}

static void check_etag(const char *text)
{
    size_t size = strlen(text);

    if (hints_is_etag(text)) {
        must(size >= 2 && size <= LIMIT_ETAG_SIZE && text[size - 1] == '"');
        must(!strpbrk(text, " \t\r\n"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_copy(slice_of(data, size));
    const char *fields[FIELDS];

    must(text);
    split(text, fields);
    check_hints(&(struct hint_fields){fields[0], fields[1], fields[2], fields[3], fields[4]});
    if (fields[5]) {
        check_etag(fields[5]);
    }
    free(text);
    return 0;
}
