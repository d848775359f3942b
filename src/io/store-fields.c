/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store-fields.h"

#include <assert.h>

#include "base/rng.h"

/* The checksum of a row. Against decay, not against people: who can write the file can also make
 * checksums, and answers are judged again when they are read. */
static uint64_t sum_bytes(uint64_t sum, struct slice bytes)
{
    size_t i = 0;

    sum = rng_mix(sum ^ bytes.size);
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word = 0;

        for (unsigned k = 0; k < 8; k++) {
            word = word << 8 | bytes.data[i + k]; /* the same on every machine */
        }
        sum = rng_mix(sum ^ word);
    }
    for (; i < bytes.size; i++) {
        sum = rng_mix(sum ^ bytes.data[i]);
    }
    return sum;
}

static void bind_result(struct fields *fields, int rc)
{
    fields->rc = fields->rc ? fields->rc : rc;
}

void fields_bind_blob(struct fields *fields, struct slice bytes)
{
    assert(bytes.size <= INT32_MAX);
    fields->sum = sum_bytes(fields->sum, bytes);
    bind_result(fields, sqlite3_bind_blob(fields->statement, ++fields->at,
                                          bytes.size ? (const void *)bytes.data : "",
                                          (int)bytes.size, SQLITE_STATIC));
}

void fields_bind_text(struct fields *fields, const char *text)
{
    struct slice bytes = slice_of_text(text ? text : "");

    fields->sum = sum_bytes(fields->sum, bytes);
    bind_result(fields, sqlite3_bind_text(fields->statement, ++fields->at, (const char *)bytes.data,
                                          (int)bytes.size, SQLITE_STATIC));
}

void fields_bind_number(struct fields *fields, int64_t number)
{
    fields->sum = rng_mix(fields->sum ^ (uint64_t)number);
    bind_result(fields, sqlite3_bind_int64(fields->statement, ++fields->at, number));
}

void fields_bind_bare(struct fields *fields, int64_t number)
{
    bind_result(fields, sqlite3_bind_int64(fields->statement, ++fields->at, number));
}

void fields_bind_sum(struct fields *fields)
{
    fields_bind_bare(fields, (int64_t)fields->sum);
}

int fields_step(struct fields *fields)
{
    int rc = fields->rc ? fields->rc : sqlite3_step(fields->statement);

    sqlite3_reset(fields->statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

struct slice fields_take_blob(struct fields *fields)
{
    const void *data = sqlite3_column_blob(fields->statement, fields->at);
    struct slice bytes =
        slice_of(data, (size_t)sqlite3_column_bytes(fields->statement, fields->at));

    bytes.size = data ? bytes.size : 0;
    fields->at++;
    fields->sum = sum_bytes(fields->sum, bytes);
    return bytes;
}

const char *fields_take_text(struct fields *fields)
{
    const char *text = (const char *)sqlite3_column_text(fields->statement, fields->at++);

    text = text ? text : "";
    fields->sum = sum_bytes(fields->sum, slice_of_text(text));
    return text;
}

int64_t fields_take_number(struct fields *fields)
{
    int64_t number = sqlite3_column_int64(fields->statement, fields->at++);

    fields->sum = rng_mix(fields->sum ^ (uint64_t)number);
    return number;
}

bool fields_take_sum(struct fields *fields)
{
    return (uint64_t)sqlite3_column_int64(fields->statement, fields->at++) == fields->sum;
}
