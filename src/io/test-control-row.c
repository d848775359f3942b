/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/control.h"

static struct cert_row example_row(void)
{
    struct cert_row row = {
        .serial = "00ff12",
        .name = "example.com",
        .path = "/etc/ssl/example.pem",
        .last = "the responder said good",
        .state = CERT_STATE_FAILING,
        .must_staple = true,
        .serve = {1790000000, 1790086400},
        .next_update_s = 1790090000,
        .next_try_s = 1790001000,
    };

    memset(row.leaf_sha256, 'a', sizeof(row.leaf_sha256) - 1);
    return row;
}

static void assert_round_trip(const struct cert_row *row)
{
    json_t *json = control_row_to_json(row);
    struct cert_row back;

    assert_non_null(json);
    assert_true(control_row_from_json(json, &back));
    assert_string_equal(back.leaf_sha256, row->leaf_sha256);
    assert_string_equal(back.serial, row->serial);
    assert_string_equal(back.name, row->name);
    assert_string_equal(back.path, row->path);
    assert_string_equal(back.last, row->last);
    assert_int_equal(back.state, row->state);
    assert_int_equal(back.must_staple, row->must_staple);
    assert_true(back.serve.from_s == row->serve.from_s && back.serve.until_s == row->serve.until_s);
    assert_true(back.next_update_s == row->next_update_s);
    assert_true(back.next_try_s == row->next_try_s);
    json_decref(json);
}

static void test_rows_survive_the_way_through_json(void **state)
{
    struct cert_row row = example_row();

    (void)state;
    for (int i = 0; i < CERT_STATES; i++) {
        row.state = (enum cert_state)i;
        row.must_staple = i % 2;
        assert_round_trip(&row);
    }
    row.serve = (struct window){0, 0};
    row.next_update_s = 0;
    row.next_try_s = INSTANT_NEVER;
    row.serial[0] = 0;
    row.name = row.path = row.last = "";
    assert_round_trip(&row);
    row.next_update_s = INSTANT_NEVER; /* an answer without nextUpdate */
    row.next_try_s = 0;
    row.name = "\"\\\n\xc3\xa9";
    assert_round_trip(&row);
}

static void test_times_that_are_not_there_are_null(void **state)
{
    struct cert_row row = example_row();
    json_t *json;

    (void)state;
    row.serve = (struct window){0, 0};
    row.next_update_s = 0;
    row.next_try_s = INSTANT_NEVER;
    json = control_row_to_json(&row);
    assert_true(json_is_null(json_object_get(json, "serve_from")));
    assert_true(json_is_null(json_object_get(json, "serve_until")));
    assert_true(json_is_null(json_object_get(json, "next_update")));
    assert_true(json_is_null(json_object_get(json, "next_try")));
    json_decref(json);
}

static void test_a_path_that_is_not_utf8_is_made_printable(void **state)
{
    struct cert_row row = example_row();
    json_t *json;

    (void)state;
    row.path = "/etc/\xff.pem";
    json = control_row_to_json(&row);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "path")), "/etc/?.pem");
    json_decref(json);
}

static void test_what_is_no_row_is_refused(void **state)
{
    static const char *const changes[] = {
        "{\"leaf_sha256\":\"abc\"}",
        "{\"leaf_sha256\":1}",
        "{\"serial\":\"xyz\"}",
        "{\"serial\":\"abc\"}",
        "{\"name\":null}",
        "{\"path\":1}",
        "{\"last\":[]}",
        "{\"state\":\"happy\"}",
        "{\"state\":null}",
        "{\"must_staple\":1}",
        "{\"serve_from\":\"x\"}",
        "{\"serve_until\":1.5}",
        "{\"next_update\":true}",
        "{\"next_try\":{}}",
        "{\"serial\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    };
    struct cert_row row = example_row(), back;
    json_t *json, *change;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        json = control_row_to_json(&row);
        change = json_loads(changes[i], 0, NULL);
        assert_int_equal(json_object_update(json, change), 0);
        assert_false(control_row_from_json(json, &back));
        json_decref(json);
        json_decref(change);
    }
    json = json_array();
    assert_false(control_row_from_json(json, &back));
    json_decref(json);
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rows_survive_the_way_through_json),
        T(times_that_are_not_there_are_null),
        T(a_path_that_is_not_utf8_is_made_printable),
        T(what_is_no_row_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
