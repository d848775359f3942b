/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pki/test-world.h"

static struct world world;

static void test_never_issued_takes_all_three_signs(void **state)
{
    struct mint_answer spec = world_answer(&world);

    (void)state;
    spec.singles[0].status = CERT_STATUS_REVOKED;
    spec.singles[0].reason = 6;
    spec.extended_revoke = true;
    assert_true(world_judge(&world, &spec).facts.never_issued);
    spec.singles[0].revoked_at_s = 1;
    assert_false(world_judge(&world, &spec).facts.never_issued);
    spec.singles[0].revoked_at_s = 0;
    spec.singles[0].reason = 1;
    assert_false(world_judge(&world, &spec).facts.never_issued);
    spec.singles[0].reason = 6;
    spec.extended_revoke = false;
    assert_false(world_judge(&world, &spec).facts.never_issued);
}

static void test_critical_extensions_are_noticed_at_both_levels(void **state)
{
    struct mint_answer spec = world_answer(&world);
    struct ocsp_facts facts;

    (void)state;
    spec.critical = true;
    facts = world_judge(&world, &spec).facts;
    assert_true(facts.critical_response_extension && !facts.critical_single_extension);
    spec.critical = false;
    spec.singles[1] = spec.singles[0];
    spec.singles[1].cert = world.other;
    spec.singles[1].critical = true;
    facts = world_judge(&world, &spec).facts;
    assert_true(facts.critical_other_extension && !facts.critical_single_extension);
    assert_false(facts.critical_response_extension);
    spec.singles[0].critical = true;
    assert_true(world_judge(&world, &spec).facts.critical_single_extension);
}

static uint8_t sct_faults_of(const struct mint_answer *spec)
{
    struct ocsp_facts facts = world_judge(&world, spec).facts;

    assert_int_equal(facts.form, REASON_GOOD);
    assert_false(facts.critical_single_extension);
    return facts.sct_faults;
}

static void test_a_list_of_timestamps_is_looked_into(void **state)
{
    static const uint8_t of_one[] = {0x04, 0x05, 0x00, 0x03, 0x00, 0x01, 0x55};
    static const uint8_t empty[] = {0x04, 0x02, 0x00, 0x00}, nothing[] = {0x04, 0x00};
    struct mint_answer spec = world_answer(&world);
    struct mint_single *single = &spec.singles[0];

    (void)state;
    assert_false(world_judge(&world, &spec).facts.has_scts);
    single->sct_lists = 1;
    single->scts = slice_of(of_one, sizeof(of_one));
    assert_true(world_judge(&world, &spec).facts.has_scts);
    assert_int_equal(sct_faults_of(&spec), 0);
    single->scts = slice_of(empty, sizeof(empty));
    assert_int_equal(sct_faults_of(&spec), SCT_NO_ENTRY);
    single->scts = slice_of(nothing, sizeof(nothing));
    assert_int_equal(sct_faults_of(&spec), SCT_NO_ENTRY);
    single->scts = slice_of(empty, 0);
    assert_int_equal(sct_faults_of(&spec), SCT_NO_VALUE);
    single->scts = slice_of(of_one, sizeof(of_one));
    single->critical_scts = true;
    assert_int_equal(sct_faults_of(&spec), SCT_CRITICAL);
}

static void test_two_lists_of_timestamps_are_told_across_singles_of_ours(void **state)
{
    static const uint8_t of_one[] = {0x04, 0x05, 0x00, 0x03, 0x00, 0x01, 0x55};
    struct mint_answer spec = world_answer(&world);

    (void)state;
    spec.singles[0].sct_lists = 2;
    spec.singles[0].scts = slice_of(of_one, sizeof(of_one));
    assert_int_equal(sct_faults_of(&spec), SCT_TWICE);
    spec.singles[0].sct_lists = 1;
    spec.singles[1] = spec.singles[0];
    spec.singles[1].hash = EVP_sha256();
    assert_int_equal(sct_faults_of(&spec), SCT_TWICE);
    spec.singles[1].cert = world.other;
    spec.singles[1].scts = SLICE_NULL;
    assert_int_equal(sct_faults_of(&spec), 0);
    spec.singles[1].critical_scts = true;
    assert_true(world_judge(&world, &spec).facts.critical_other_extension);
}

static int setup(void **state)
{
    (void)state;
    return world_setup(&world, MINT_EC);
}

static int teardown(void **state)
{
    (void)state;
    world_teardown(&world);
    mint_deinit();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_issued_takes_all_three_signs),
        cmocka_unit_test(test_critical_extensions_are_noticed_at_both_levels),
        cmocka_unit_test(test_a_list_of_timestamps_is_looked_into),
        cmocka_unit_test(test_two_lists_of_timestamps_are_told_across_singles_of_ours),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
