/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/haproxy.h"
#include "wire/single.h"
#include "wire/test-staple.h"

#define FROM_S  1795360350 /* 2026-11-22 15:12:30Z */
#define UNTIL_S (FROM_S + 4 * 86400)

#define TEXT(text_) slice_of((text_), sizeof(text_) - 1)

/* Replies of HAProxy 2.6.12, as they came. */
static const char reply_batch[] =
    "OCSP Response updated!\n\n"
    "OCSP single response: Certificate ID does not match any certificate or issuer.\n\n"
    "OCSP Response updated!\n\n";
static const char reply_show[] =
    "OCSP Response Data:\n    OCSP Response Status: successful (0x0)\n"
    "    Response Type: Basic OCSP Response\n    Version: 1 (0x0)\n    Responder Id: CN = ca\n"
    "    Produced At: Nov 22 15:12:30 2026 GMT\n    Responses:\n    Certificate ID:\n"
    "      Hash Algorithm: sha1\n"
    "      Serial Number: 422276B7006084104150025E2C4CBBB93726F1BD\n    Cert Status: good\n"
    "    This Update: Nov 22 15:12:30 2026 GMT\n    Next Update: Nov 26 15:12:30 2026 GMT\n \n"
    "    Signature Algorithm: sha256WithRSAEncryption\n\n";
static const char reply_info[] =
    "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nRelease_date: 2026/10/17\nNbthread: 2\n"
    "Nbproc: 1\nProcess_num: 1\nPid: 8710\nUptime: 0d 0h00m02s\nUptime_sec: 2\nMemmax_MB: 0\n\n";

static void test_push_replies_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(haproxy_read_push(TEXT("OCSP Response updated!\n\n")), HAPROXY_UPDATED);
    assert_int_equal(haproxy_read_push(TEXT("OCSP single response: Certificate ID does not match "
                                            "any certificate or issuer.\n\n")),
                     HAPROXY_NO_ENTRY);
    assert_int_equal(haproxy_read_push(TEXT("Permission denied\n\n")), HAPROXY_DENIED);
    assert_int_equal(haproxy_read_push(TEXT("Unable to parse OCSP response.\n\n")),
                     HAPROXY_REFUSED);
    assert_int_equal(haproxy_read_push(SLICE_NULL), HAPROXY_REFUSED);
}

static void test_replies_of_one_line_come_one_by_one(void **state)
{
    struct slice replies = TEXT(reply_batch);
    struct slice reply;

    (void)state;
    assert_true(haproxy_next_reply(&replies, &reply));
    assert_int_equal(haproxy_read_push(reply), HAPROXY_UPDATED);
    assert_true(haproxy_next_reply(&replies, &reply));
    assert_int_equal(haproxy_read_push(reply), HAPROXY_NO_ENTRY);
    assert_true(haproxy_next_reply(&replies, &reply));
    assert_int_equal(haproxy_read_push(reply), HAPROXY_UPDATED);
    assert_false(haproxy_next_reply(&replies, &reply));
    replies = TEXT("OCSP Response upd");
    assert_false(haproxy_next_reply(&replies, &reply));
}

static void test_create_replies_must_name_our_certificate(void **state)
{
    (void)state;
    assert_int_equal(
        haproxy_read_create(TEXT("Transaction created for certificate /p/a.pem!\n\n"), "/p/a.pem"),
        HAPROXY_UPDATED);
    assert_int_equal(
        haproxy_read_create(TEXT("Transaction updated for certificate /p/a.pem!\n\n"), "/p/b.pem"),
        HAPROXY_REFUSED);
    assert_int_equal(
        haproxy_read_create(TEXT("Transaction created for certificate /p/a.pem2!\n\n"), "/p/a.pem"),
        HAPROXY_REFUSED);
    assert_int_equal(haproxy_read_create(TEXT("Can't replace a certificate which is not referenced "
                                              "by the configuration!\nCan't update /n.ocsp!\n\n"),
                                         "/n"),
                     HAPROXY_NOT_LOADED);
    assert_int_equal(haproxy_read_create(TEXT("Permission denied\n\n"), "/n"), HAPROXY_DENIED);
}

static void test_commit_replies_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(haproxy_read_commit(TEXT("Committing /p/a.pem.\nSuccess!\n\n")),
                     HAPROXY_UPDATED);
    assert_int_equal(haproxy_read_commit(TEXT("No ongoing transaction! !\nCan't commit /n!\n\n")),
                     HAPROXY_REFUSED);
}

static void test_show_reply_is_compared_by_both_times(void **state)
{
    (void)state;
    assert_true(haproxy_read_show(TEXT(reply_show), FROM_S, UNTIL_S));
    assert_false(haproxy_read_show(TEXT(reply_show), FROM_S, UNTIL_S + 1));
    assert_false(haproxy_read_show(TEXT(reply_show), FROM_S - 1, UNTIL_S));
    assert_false(haproxy_read_show(TEXT("Certificate ID does not match any certificate.\n\n"),
                                   FROM_S, UNTIL_S));
}

static void test_day_of_one_digit_is_padded_by_a_space(void **state)
{
    (void)state;
    assert_true(haproxy_read_show(TEXT("This Update: Feb  1 00:00:00 2027 GMT\n"
                                       "Next Update: Feb  9 23:59:59 2027 GMT\n"),
                                  1801440000, 1801440000 + 9 * 86400 - 1));
}

static void test_show_reply_tells_status_and_end(void **state)
{
    static const char *const broken[] = {
        "",
        "Next Update: Feb  1 00:00:00 2027 GMT\n",
        "Cert Status: good\n",
        "Cert Status: good\nNext Update: ",
        "Cert Status: good\nNext Update: Foo  1 00:00:00 2027 GMT",
        "Cert Status: good\nNext Update: Feb 31 00:00:00 2027 GMT",
        "Cert Status: good\nNext Update: Feb  1 00:00:00 2027",
        "Cert Status: good\nNext Update: Feb  1 00-00:00 2027 GMT",
        "Cert Status: good\nNext Update: Feb  1 00:00:00 20270 GMT",
    };
    int64_t next_update_s = 0;
    bool good = false;

    (void)state;
    assert_true(haproxy_read_shown(TEXT(reply_show), &good, &next_update_s));
    assert_true(good);
    assert_int_equal(next_update_s, UNTIL_S);
    assert_true(haproxy_read_shown(TEXT("Cert Status: revoked\n"
                                        "Next Update: Feb  9 23:59:59 2027 GMT\n"),
                                   &good, &next_update_s));
    assert_false(good);
    assert_int_equal(next_update_s, 1801440000 + 9 * 86400 - 1);
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        assert_false(haproxy_read_shown(slice_of_text(broken[i]), &good, &next_update_s));
    }
}

static void test_show_replies_come_one_by_one(void **state)
{
    struct buf both = BUF_INIT(8192);
    struct slice replies;
    struct slice reply;

    (void)state;
    buf_put_text(&both, reply_show);
    buf_put_text(&both, "Certificate ID does not match any certificate.\n\n");
    buf_put_text(&both, reply_show);
    replies = slice_of_buf(&both);
    assert_true(haproxy_next_show(&replies, &reply));
    assert_true(haproxy_read_show(reply, FROM_S, UNTIL_S));
    assert_true(haproxy_next_show(&replies, &reply));
    assert_true(haproxy_read_show(reply, FROM_S, UNTIL_S));
    assert_false(haproxy_next_show(&replies, &reply));
    buf_deinit(&both);
}

static void test_list_tells_files_and_open_transactions(void **state)
{
    struct slice left = TEXT("# transaction\n*/p/a.pem\n# filename\n/p/a.pem\n/p/b.pem\n\n");
    struct slice path;
    bool open;

    (void)state;
    assert_true(haproxy_next_loaded(&left, &path, &open));
    assert_true(open);
    assert_true(slice_equal(path, slice_of_text("/p/a.pem")));
    assert_true(haproxy_next_loaded(&left, &path, &open));
    assert_false(open);
    assert_true(haproxy_next_loaded(&left, &path, &open));
    assert_true(slice_equal(path, slice_of_text("/p/b.pem")));
    assert_false(haproxy_next_loaded(&left, &path, &open));
}

static void test_what_is_no_list_is_not_taken_for_one(void **state)
{
    (void)state;
    assert_true(haproxy_is_list(TEXT("# filename\n\n")));
    assert_true(haproxy_is_list(TEXT("# transaction\n*/p/a.pem\n# filename\n/p/a.pem\n\n")));
    assert_false(haproxy_is_list(TEXT("Can't allocate memory!\n\n"))); /* `level user` */
    assert_false(haproxy_is_list(TEXT("Permission denied\n\n")));
}

static void test_loaded_certificate_is_known_by_its_serial_number(void **state)
{
    struct buf certid = BUF_INIT(256);

    (void)state;
    test_put_certid(&certid, 0x5a);
    assert_true(haproxy_read_identity(TEXT("Filename: /p/a.pem\nStatus: Used\nSerial: 5A\n"
                                           "notBefore: x\n"),
                                      slice_of_buf(&certid)));
    assert_false(haproxy_read_identity(TEXT("Serial: 5A01\n"), slice_of_buf(&certid)));
    assert_false(haproxy_read_identity(TEXT("Serial: 5B\n"), slice_of_buf(&certid)));
    assert_false(haproxy_read_identity(TEXT("Serial: 5A"), slice_of_buf(&certid)));
    assert_false(haproxy_read_identity(TEXT("Can't display it!\n\n"), slice_of_buf(&certid)));
    assert_false(haproxy_read_identity(TEXT("Serial: \n"), SLICE_NULL));
    buf_deinit(&certid);
}

static void test_info_names_the_process(void **state)
{
    int64_t pid = 0;
    int64_t uptime_s = 0;

    (void)state;
    assert_true(haproxy_read_info(TEXT(reply_info), &pid, &uptime_s));
    assert_int_equal(pid, 8710);
    assert_int_equal(uptime_s, 2);
    assert_false(haproxy_read_info(TEXT("Name: x\nPid: abc\n"), &pid, &uptime_s));
    assert_false(haproxy_read_info(slice_of(reply_info, 120), &pid, &uptime_s));
    assert_false(haproxy_read_info(SLICE_NULL, &pid, &uptime_s));
}

static void test_commands_are_what_haproxy_takes(void **state)
{
    struct buf line = BUF_INIT(4096);

    (void)state;
    haproxy_put_push(&line, TEXT("abc"));
    assert_string_equal(buf_text(&line), "set ssl ocsp-response YWJj\n");
    buf_clear(&line);
    haproxy_add_push(&line, TEXT("abc"));
    haproxy_add_push(&line, TEXT("def"));
    assert_string_equal(buf_text(&line), "set ssl ocsp-response YWJj;set ssl ocsp-response ZGVm");
    assert_int_equal(line.size + 1, 2 * haproxy_push_size(TEXT("abc")));
    buf_clear(&line);
    haproxy_put_create(&line, "/p/a.pem", TEXT("abc"));
    assert_string_equal(buf_text(&line), "set ssl cert /p/a.pem.ocsp <<\nYWJj\n\n");
    buf_clear(&line);
    haproxy_put_commit(&line, "/p/a.pem");
    haproxy_put_abort(&line, "/p/a.pem");
    assert_string_equal(buf_text(&line), "commit ssl cert /p/a.pem\nabort ssl cert /p/a.pem\n");
    buf_clear(&line);
    haproxy_put_show(&line, TEXT("\x30\x01"));
    assert_string_equal(buf_text(&line), "show ssl ocsp-response 3001\n");
    buf_deinit(&line);
}

static void test_longest_staple_fits_into_one_line(void **state)
{
    (void)state;
    assert_true(haproxy_push_size(slice_of(NULL, LIMIT_HAPROXY_STAPLE)) < HAPROXY_LINE_MAX);
}

static void test_paths_that_the_cli_would_split_are_not_used(void **state)
{
    static const char *const bad[] = {"", "/a b", "/a;shutdown", "/a\n", "/a\\b", "/a<<", "/a\"b"};

    (void)state;
    assert_true(haproxy_path_usable("/etc/haproxy/certs/shop.example_1+x=@,.pem"));
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        if (haproxy_path_usable(bad[i])) {
            fail_msg("%s passed", bad[i]);
        }
    }
}

static void test_times_and_certid_are_read_from_an_answer(void **state)
{
    struct buf staple = BUF_INIT(65536);
    struct buf certid = BUF_INIT(256);
    struct single single;

    (void)state;
    test_put_staple(&staple, 5, FROM_S, UNTIL_S);
    test_put_certid(&certid, 5);
    assert_true(single_read(slice_of_buf(&staple), 0, &single));
    assert_int_equal(single.this_update_s, FROM_S);
    assert_int_equal(single.next_update_s, UNTIL_S);
    assert_true(slice_equal(single.certid, slice_of_buf(&certid)));
    assert_false(single_read(slice_of_buf(&staple), 1, &single));
    buf_deinit(&staple);
    buf_deinit(&certid);
}

static void test_no_prefix_of_an_answer_is_read_beyond_its_end(void **state)
{
    struct buf staple = BUF_INIT(65536);
    struct single single;

    (void)state;
    test_put_staple(&staple, 5, FROM_S, UNTIL_S);
    for (size_t size = 0; size < staple.size; ++size) {
        uint8_t *copy = malloc(size + 1);

        memcpy(copy, staple.data, size);
        assert_false(single_read(slice_of(copy, size), 0, &single));
        free(copy);
    }
    buf_deinit(&staple);
}

static void test_tombstone_moves_every_next_update_only(void **state)
{
    struct buf singles = BUF_INIT(4096);
    struct buf staple = BUF_INIT(65536);
    struct buf tombstone = BUF_INIT(65536);
    struct single single;

    (void)state;
    test_put_single(&singles, 5, FROM_S, UNTIL_S);
    test_put_single(&singles, 6, FROM_S, UNTIL_S + 7);
    test_put_answer(&staple, &singles, 64);
    assert_true(haproxy_make_tombstone(&tombstone, slice_of_buf(&staple), FROM_S + 60));
    assert_int_equal(tombstone.size, staple.size);
    for (unsigned i = 0; i < 2; ++i) {
        assert_true(single_read(slice_of_buf(&tombstone), i, &single));
        assert_int_equal(single.this_update_s, FROM_S);
        assert_int_equal(single.next_update_s, FROM_S + 60);
    }
    buf_deinit(&singles);
    buf_deinit(&staple);
    buf_deinit(&tombstone);
}

static void test_answer_without_next_update_makes_no_tombstone(void **state)
{
    struct buf staple = BUF_INIT(65536);
    struct buf tombstone = BUF_INIT(65536);

    (void)state;
    test_put_staple(&staple, 5, FROM_S, INSTANT_NEVER);
    assert_false(haproxy_make_tombstone(&tombstone, slice_of_buf(&staple), FROM_S + 60));
    assert_false(haproxy_make_tombstone(&tombstone, TEXT("junk"), FROM_S + 60));
    buf_deinit(&staple);
    buf_deinit(&tombstone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_replies_are_told_apart),
        cmocka_unit_test(test_replies_of_one_line_come_one_by_one),
        cmocka_unit_test(test_create_replies_must_name_our_certificate),
        cmocka_unit_test(test_commit_replies_are_told_apart),
        cmocka_unit_test(test_show_reply_is_compared_by_both_times),
        cmocka_unit_test(test_day_of_one_digit_is_padded_by_a_space),
        cmocka_unit_test(test_show_reply_tells_status_and_end),
        cmocka_unit_test(test_show_replies_come_one_by_one),
        cmocka_unit_test(test_list_tells_files_and_open_transactions),
        cmocka_unit_test(test_what_is_no_list_is_not_taken_for_one),
        cmocka_unit_test(test_loaded_certificate_is_known_by_its_serial_number),
        cmocka_unit_test(test_info_names_the_process),
        cmocka_unit_test(test_commands_are_what_haproxy_takes),
        cmocka_unit_test(test_longest_staple_fits_into_one_line),
        cmocka_unit_test(test_paths_that_the_cli_would_split_are_not_used),
        cmocka_unit_test(test_times_and_certid_are_read_from_an_answer),
        cmocka_unit_test(test_no_prefix_of_an_answer_is_read_beyond_its_end),
        cmocka_unit_test(test_tombstone_moves_every_next_update_only),
        cmocka_unit_test(test_answer_without_next_update_makes_no_tombstone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
