/* SPDX-License-Identifier: Apache-2.0 */
#include "staple/test-world.h"

#include "staple/response.h"

static void test_whole_answers_of_all_lengths_are_whole(void **state)
{
    static const size_t sizes[] = {60, 128, 180, 256, 500, 2000, STAPLE_SIZE_MAX};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); ++i) {
        uint8_t *answer = test_answer(sizes[i], 7);

        assert_true(staple_response_is_whole(answer, sizes[i]));
        free(answer);
    }
}

static void test_what_is_cut_off_anywhere_is_not(void **state)
{
    uint8_t *answer = test_answer(500, 7);

    (void)state;
    for (size_t size = 0; size < 500; ++size) {
        uint8_t *cut = malloc(size + 1); /* the sanitizer sees who reads behind it */

        assert_non_null(cut);
        memcpy(cut, answer, size);
        assert_false(staple_response_is_whole(cut, size));
        free(cut);
    }
    free(answer);
}

static void test_what_has_more_behind_it_is_not(void **state)
{
    uint8_t *answer = test_answer(500, 7);
    uint8_t more[501] = {0};

    (void)state;
    memcpy(more, answer, 500);
    assert_false(staple_response_is_whole(more, 501));
    free(answer);
}

/* Every octet in front of what is filled counts. */
static void test_no_other_octet_will_do(void **state)
{
    uint8_t *answer = test_answer(500, 7);

    (void)state;
    for (size_t at = 0; at < 34; ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            answer[at] ^= (uint8_t)(1u << bit);
            assert_false(staple_response_is_whole(answer, 500));
            answer[at] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(staple_response_is_whole(answer, 500));
    free(answer);
}

static void test_error_answers_and_junk_are_not(void **state)
{
    static const uint8_t try_later[] = {0x30, 3, 0x0a, 1, 3};
    static const uint8_t endless[] = {0x30, 0x80, 0x0a, 1, 0, 0, 0};
    static const uint8_t empty[] = {0x30, 0x1d, 0x0a, 1, 0, 0xa0, 0x18, 0x30, 0x16, 6, 9,    0x2b,
                                    6,    1,    5,    5, 7, 0x30, 1,    1,    4,    9, 0x30, 0};
    uint8_t junk[1000];

    (void)state;
    assert_false(staple_response_is_whole(try_later, sizeof(try_later)));
    assert_false(staple_response_is_whole(endless, sizeof(endless)));
    assert_false(staple_response_is_whole(empty, sizeof(empty)));
    for (unsigned i = 0; i < sizeof(junk); ++i) {
        junk[i] = (uint8_t)(i * 7);
    }
    assert_false(staple_response_is_whole(junk, sizeof(junk)));
    memset(junk, 0x30, sizeof(junk));
    assert_false(staple_response_is_whole(junk, sizeof(junk)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_answers_of_all_lengths_are_whole),
        cmocka_unit_test(test_what_is_cut_off_anywhere_is_not),
        cmocka_unit_test(test_what_has_more_behind_it_is_not),
        cmocka_unit_test(test_no_other_octet_will_do),
        cmocka_unit_test(test_error_answers_and_junk_are_not),
    };

    return cmocka_run_group_tests_name("staple-response", tests, NULL, NULL);
}
