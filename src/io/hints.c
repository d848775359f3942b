/* SPDX-License-Identifier: Apache-2.0 */
#include "io/hints.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define SECONDS_MAX INT32_MAX
#define NOT_SAID    (-1)

/* RFC 9111 1.2.2: "The delta-seconds rule specifies a non-negative integer, representing time in
 * seconds." */
static int64_t read_seconds(struct slice text)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return NOT_SAID;
        }
        seconds = 10 * seconds + (text.data[i] - '0');
        if (seconds > SECONDS_MAX) {
            return NOT_SAID;
        }
    }
    return text.size ? seconds : NOT_SAID;
}

/* INSTANT_NEVER: it is no date, or one before there was HTTP. */
static int64_t read_date(const char *text)
{
    int64_t date_s = text ? (int64_t)curl_getdate(text, NULL) : NOT_SAID;

    return date_s > 0 ? date_s : INSTANT_NEVER;
}

/* One directive of a Cache-Control. */
struct directive {
    struct slice name;
    struct slice value; /* without the quotes around it */
};

static size_t skip_blanks(const char *text)
{
    return strspn(text, " \t,");
}

/* Takes the next directive off the text at *@at. False at its end. */
static bool next_directive(const char **at, struct directive *ret_directive)
{
    const char *name = *at + skip_blanks(*at);
    const char *value = name + strcspn(name, "=,\" \t");
    size_t size;

    *ret_directive = (struct directive){slice_of(name, (size_t)(value - name)), SLICE_NULL};
    if (!*name) {
        return false;
    }
    if (*value == '=') {
        value++;
    }
    if (*value == '"') {
        size = strcspn(++value, "\"");
        ret_directive->value = slice_of(value, size);
        size += value[size] == '"';
    } else {
        size = strcspn(value, ",");
        ret_directive->value = slice_of(value, strcspn(value, ", \t"));
    }
    *at = value + size;
    return true;
}

static bool is_named(const struct directive *directive, const char *name)
{
    return directive->name.size == strlen(name) &&
           strncasecmp((const char *)directive->name.data, name, directive->name.size) == 0;
}

/* How long the answer is fresh by its Cache-Control. */
static int64_t read_cache_control(const char *text)
{
    struct directive directive;
    int64_t max_age_s = NOT_SAID;
    bool said = false;

    while (text && next_directive(&text, &directive)) {
        if (is_named(&directive, "no-cache") || is_named(&directive, "no-store")) {
            return 0;
        }
        /* s-maxage is for caches that many share; this is none. */
        if (is_named(&directive, "max-age")) {
            max_age_s = said ? NOT_SAID : read_seconds(directive.value);
            said = true;
        }
    }
    return max_age_s;
}

static int64_t read_retry_after(const char *text, int64_t since_s)
{
    int64_t wait_s = text ? read_seconds(slice_of_text(text)) : 0;
    int64_t date_s;

    if (wait_s == NOT_SAID) {
        date_s = read_date(text);
        wait_s = date_s == INSTANT_NEVER ? 0 : time_sub(date_s, since_s);
    }
    return time_max(0, time_min(wait_s, HINT_RETRY_MAX_S));
}

void hints_read(const struct hint_fields *fields, int64_t wall_s, struct http_hints *ret_hints)
{
    int64_t date_s = read_date(fields->date);
    int64_t since_s = date_s == INSTANT_NEVER ? wall_s : date_s;
    int64_t age_s = fields->age ? read_seconds(slice_of_text(fields->age)) : 0;
    int64_t fresh_s = read_cache_control(fields->cache_control);
    int64_t expires_s = read_date(fields->expires);

    age_s = time_max(age_s, 0);
    if (fresh_s == NOT_SAID && expires_s != INSTANT_NEVER) {
        fresh_s = time_max(0, time_min(time_sub(expires_s, since_s), SECONDS_MAX));
    }
    *ret_hints = (struct http_hints){
        .retry_after_s = read_retry_after(fields->retry_after, since_s),
        .fresh_s = fresh_s == NOT_SAID ? NOT_SAID : time_max(0, fresh_s - age_s),
        .date_s = date_s,
        .age_s = age_s,
    };
}

bool hints_is_etag(const char *text)
{
    size_t size = strnlen(text, LIMIT_ETAG_SIZE + 1);
    size_t at = text_starts_with(text, "W/") ? 2 : 0; /* RFC 9110 8.8.3: case-sensitive */

    if (size > LIMIT_ETAG_SIZE || size < at + 2 || text[at] != '"' || text[size - 1] != '"') {
        return false;
    }
    for (size_t i = at + 1; i + 1 < size; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"') {
            return false;
        }
    }
    return true;
}
