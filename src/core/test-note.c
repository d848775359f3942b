/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "core/note.h"
#include "core/test-facts.h"

static void assert_sentence(const struct note *note, const char *expected)
{
    _cleanup_(buf_deinit)
    struct buf buf = BUF_INIT(4096);

    note_format(&buf, note);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), expected);
}

static struct note note_of(const struct cert_facts *cert, enum note_kind kind)
{
    return (struct note){
        .kind = kind,
        .cert = cert,
        .path = "/etc/ssl/a.pem",
        .url = "http://one.example/",
        .wall_s = TEST_NOW,
        .served_until_s = TEST_NOW + 86400,
        .next_try_s = TEST_NOW + 90,
    };
}

static void test_failure_names_certificate_responder_fault_and_outlook(void **state)
{
    struct cert_facts cert = test_cert();
    struct note note = note_of(&cert, NOTE_FETCH_FAILED);

    (void)state;
    note.outcome = FETCH_REFUSED;
    note.detail = "192.0.2.1:80 refused the connection";
    assert_sentence(&note, "a.example (/etc/ssl/a.pem, serial 1a2b): http://one.example/: "
                           "192.0.2.1:80 refused the connection; the staple held is served until "
                           "2027-01-16 08:00:00Z; next try in 1 min 30 s");
    note.detail = NULL;
    note.served_until_s = 0;
    note.next_is_now = true;
    assert_sentence(&note, "a.example (/etc/ssl/a.pem, serial 1a2b): http://one.example/: the "
                           "connection was refused; no staple is served; trying another way at "
                           "once");
}

static void test_refusal_has_its_public_reason(void **state)
{
    struct cert_facts cert = test_cert();
    struct note note = note_of(&cert, NOTE_REFUSED);

    (void)state;
    note.reason = REASON_ERROR_STATUS;
    note.response_status = 3;
    note.http_status = 503;
    note.next_try_s = INSTANT_NEVER;
    assert_sentence(&note, "a.example (/etc/ssl/a.pem, serial 1a2b): http://one.example/: answer "
                           "not taken: the responder sent an error instead: tryLater, with HTTP "
                           "status 503 [error-status]; the staple held is served until 2027-01-16 "
                           "08:00:00Z; no further try in this run");
}

static void test_every_kind_makes_a_sentence(void **state)
{
    struct cert_facts cert = test_cert();

    (void)state;
    for (int kind = NOTE_ACCEPTED; kind < NOTE_PLAIN; kind++) {
        _cleanup_(buf_deinit)
        struct buf buf = BUF_INIT(4096);
        struct note note = note_of(&cert, (enum note_kind)kind);

        note_format(&buf, &note);
        assert_int_equal(buf_status(&buf), 0);
        assert_true(buf.size > 70);
    }
}

static void test_hostile_names_cannot_forge_lines(void **state)
{
    struct cert_facts cert = test_cert();
    struct note note = note_of(&cert, NOTE_CERT_EXPIRED);

    (void)state;
    cert.name = "a\nb";
    cert.serial_size = 0;
    note.path = "/x\033[2J\n";
    note.url = NULL;
    assert_sentence(&note, "a?b (/x?[2J?, serial ): the certificate itself has expired; it is not "
                           "asked for any more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure_names_certificate_responder_fault_and_outlook),
        cmocka_unit_test(test_refusal_has_its_public_reason),
        cmocka_unit_test(test_every_kind_makes_a_sentence),
        cmocka_unit_test(test_hostile_names_cannot_forge_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
