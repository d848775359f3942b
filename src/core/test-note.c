/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "core/clients.h"
#include "core/note.h"
#include "core/test-facts.h"

#define CERT "a.example (/etc/ssl/a.pem, serial 1a2b): "

static void assert_sentence(const struct note *note, const char *expected)
{
    _cleanup_(buf_deinit)
    struct buf buf = BUF_INIT(4096);

    note_format(&buf, note);
    assert_int_equal(buf_status(&buf), 0);
    assert_string_equal(buf_text(&buf), expected);
}

/* Something is served for a day, the next try comes in 90 s. */
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
    assert_sentence(&note, CERT "http://one.example/: 192.0.2.1:80 refused the connection; the "
                                "staple held is served until 2027-01-16 08:00:00Z; next try in "
                                "1 min 30 s");
    note.detail = NULL;
    note.served_until_s = 0;
    note.next_is_now = true;
    assert_sentence(&note, CERT "http://one.example/: the connection was refused; no staple is "
                                "served; trying another way at once");
    note.outcome = FETCH_HTTP_STATUS;
    note.http_status = 503;
    assert_sentence(&note, CERT "http://one.example/: an HTTP error came back: 503; no staple is "
                                "served; trying another way at once");
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
    assert_sentence(&note, CERT "http://one.example/: answer not taken: the responder sent an "
                                "error instead: tryLater, with HTTP status 503 [error-status]; "
                                "the staple held is served until 2027-01-16 08:00:00Z; no further "
                                "try in this run");
}

/* What is said of a certificate, with something served and with nothing. */
static void test_each_piece_of_news_says_what_is_served(void **state)
{
    static const struct {
        enum note_kind kind;
        const char *served;
        const char *bare;
    } cases[] = {
        {NOTE_UNCHANGED,
         "nothing newer yet; the staple held is served until 2027-01-16 08:00:00Z; next fetch at "
         "2027-01-15 08:01:30Z",
         "nothing newer yet; no staple is served; next fetch at 2027-01-15 08:01:30Z"},
        {NOTE_HELD_BACK,
         "good answer, kept back until 2027-01-15 08:05:00Z while it is so new that clients with a "
         "slow clock would refuse it; the staple held is served until 2027-01-16 08:00:00Z; next "
         "fetch at 2027-01-15 08:01:30Z",
         "good answer, but its thisUpdate is still ahead of this machine's clock; served from "
         "2027-01-15 08:05:00Z on; next fetch at 2027-01-15 08:01:30Z"},
        {NOTE_REVOKED,
         "REVOKED since 2027-01-13 08:00:00Z, says the responder; as configured its answer is "
         "stapled, until 2027-01-16 08:00:00Z. Replace this certificate; next try in 1 min 30 s",
         "REVOKED since 2027-01-13 08:00:00Z, says the responder; no staple is served. Replace "
         "this certificate; next try in 1 min 30 s"},
        {NOTE_REVOCATION_UNDONE,
         "no longer revoked, says the responder; the staple held is served until 2027-01-16 "
         "08:00:00Z",
         "no longer revoked, says the responder; no staple is served"},
        {NOTE_GOOD_AFTER_REVOKED,
         "was revoked and is now called good; not believed until a second answer says so; the "
         "staple held is served until 2027-01-16 08:00:00Z; next try in 1 min 30 s",
         "was revoked and is now called good; not believed until a second answer says so; no "
         "staple is served; next try in 1 min 30 s"},
        {NOTE_BLOCKED,
         "the responder is down, not asked; the staple held is served until 2027-01-16 08:00:00Z; "
         "next try in 1 min 30 s",
         "the responder is down, not asked; no staple is served; next try in 1 min 30 s"},
        {NOTE_ENDED, NULL,
         "the staple has come to its end and is withdrawn; no staple is served; next try in "
         "1 min 30 s"},
        {NOTE_ACCEPTED,
         "good answer, served until 2027-01-16 08:00:00Z; next fetch at 2027-01-15 08:01:30Z",
         NULL},
        {NOTE_RESTORED,
         "kept staple found, served until 2027-01-16 08:00:00Z; next fetch at 2027-01-15 "
         "08:01:30Z",
         NULL},
    };
    struct cert_facts cert = test_cert();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct note note = note_of(&cert, cases[i].kind);
        char line[600];

        note.since_s = TEST_NOW - 2 * 86400;
        note.until_s = TEST_NOW + 300;
        for (unsigned bare = 0; bare < 2; bare++) {
            const char *news = bare ? cases[i].bare : cases[i].served;

            note.served_until_s = bare ? 0 : note.served_until_s;
            if (news) {
                snprintf(line, sizeof(line), CERT "http://one.example/: %s", news);
                assert_sentence(&note, line);
            }
        }
    }
}

static void test_password_in_a_url_is_not_told(void **state)
{
    struct cert_facts cert = test_cert();
    struct note note = note_of(&cert, NOTE_UNCHANGED);

    (void)state;
    note.url = "http://me:secret@one.example/";
    note.timeless = true;
    assert_sentence(&note, CERT "http://***@one.example/: nothing newer yet; next fetch at "
                                "2027-01-15 08:01:30Z");
}

static void test_timeless_sentence_is_true_later_too(void **state)
{
    static const struct {
        enum note_kind kind;
        const char *news;
    } cases[] = {
        {NOTE_REFUSED, "answer not taken: its nextUpdate has passed [expired]"},
        {NOTE_FETCH_FAILED, "HTTP status 503"},
        {NOTE_BLOCKED, "the responder is down, not asked"},
        {NOTE_ENDED, "the staple has come to its end and is withdrawn"},
    };
    struct cert_facts cert = test_cert();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct note note = note_of(&cert, cases[i].kind);
        char line[600];

        note.timeless = true;
        note.reason = REASON_EXPIRED;
        note.http_status = cases[i].kind == NOTE_FETCH_FAILED ? 503 : 200;
        note.detail = cases[i].kind == NOTE_FETCH_FAILED ? "HTTP status 503" : NULL;
        snprintf(line, sizeof(line), CERT "http://one.example/: %s", cases[i].news);
        assert_sentence(&note, line);
    }
}

static void test_grace_says_until_when_and_who_refuses(void **state)
{
    struct cert_facts cert = test_cert();
    struct note note = note_of(&cert, NOTE_GRACE);

    (void)state;
    note.url = NULL;
    note.until_s = TEST_NOW + 86400;
    note.clients = CLIENT_BIT(CLIENT_GNUTLS) | CLIENT_BIT(CLIENT_LIBRESSL);
    assert_sentence(&note, CERT "no newer answer came in time; a must-staple certificate is "
                                "better served with the last one than with none: it is kept until "
                                "2027-01-16 08:00:00Z; these clients refuse it: GnuTLS, LibreSSL; "
                                "next try in 1 min 30 s");
    note.clients = 0;
    assert_sentence(&note, CERT "no newer answer came in time; a must-staple certificate is "
                                "better served with the last one than with none: it is kept until "
                                "2027-01-16 08:00:00Z; next try in 1 min 30 s");
}

static void test_responder_that_goes_down_and_comes_back(void **state)
{
    struct note note = note_of(NULL, NOTE_RESPONDER_DOWN);

    (void)state;
    note.url = "http://one.example";
    note.outcome = FETCH_REFUSED;
    note.count = 5;
    note.waiting = 995;
    note.until_s = TEST_NOW + 3;
    assert_sentence(&note, "http://one.example: the responder is down: 5 requests in a row "
                           "failed, the last: the connection was refused; 995 certificates wait; "
                           "it is tried again, one request at a time, in 3 s");
    note.count = note.waiting = 1;
    note.detail = "HTTP status 503 Service Unavailable";
    assert_sentence(&note, "http://one.example: the responder is down: 1 request in a row "
                           "failed, the last: HTTP status 503 Service Unavailable; 1 certificate "
                           "waits; it is tried again, one request at a time, in 3 s");
    note.kind = NOTE_RESPONDER_UP;
    note.since_s = TEST_NOW - 7380;
    assert_sentence(&note, "http://one.example: the responder answers again after 2 h 3 min; "
                           "1 certificate waits");
}

static void test_clock_is_spoken_of_in_both_directions(void **state)
{
    static const struct {
        enum note_kind kind;
        int64_t off_s;
        const char *sentence;
    } cases[] = {
        {NOTE_CLOCK_JUMPED, 86400,
         "this machine's clock jumped: it is now 1 d ahead of the time that has passed; staples "
         "go by that time until a responder's answer shows which is right"},
        {NOTE_CLOCK_JUMPED, -7200,
         "this machine's clock jumped: it is now 2 h behind the time that has passed; staples "
         "go by that time until a responder's answer shows which is right"},
        {NOTE_CLOCK_BELIEVED, 400,
         "this machine's clock was set: it is now 6 min 40 s ahead of what it was; staples go by "
         "it"},
        {NOTE_CLOCK_WRONG, -86400,
         "http://one.example/: this machine's clock looks wrong: it is 1 d behind what the "
         "responder's answer says; check the time service (NTP)"},
        {NOTE_CLOCK_RIGHT, 0, "this machine's clock agrees with the responders again"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct note note = note_of(NULL, cases[i].kind);

        note.off_s = cases[i].off_s;
        note.url = note.kind == NOTE_CLOCK_WRONG ? note.url : NULL;
        assert_sentence(&note, cases[i].sentence);
    }
}

static void test_every_kind_makes_a_sentence_of_reasonable_length(void **state)
{
    struct cert_facts cert = test_cert();

    (void)state;
    for (int kind = NOTE_ACCEPTED; kind < NOTE_PLAIN; kind++) {
        for (unsigned i = 0; i < 4; i++) {
            _cleanup_(buf_deinit)
            struct buf buf = BUF_INIT(4096);
            struct note note = note_of(&cert, (enum note_kind)kind);
            bool served = i & 1 || kind == NOTE_ACCEPTED || kind == NOTE_RESTORED;

            /* Whatever is not known leaves no hole and no wild number. */
            note.served_until_s = served ? note.served_until_s : 0;
            note.until_s = TEST_NOW + 300;
            note.since_s = i & 1 ? TEST_NOW - 300 : 0;
            note.next_try_s = i & 2 ? note.next_try_s : INSTANT_NEVER;
            note_format(&buf, &note);
            assert_int_equal(buf_status(&buf), 0);
            assert_in_range(buf.size, 70, 330);
            assert_null(strstr(buf_text(&buf), "1970-"));
            assert_null(strstr(buf_text(&buf), "  "));
            assert_null(strstr(buf_text(&buf), "000000"));
        }
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
        cmocka_unit_test(test_each_piece_of_news_says_what_is_served),
        cmocka_unit_test(test_password_in_a_url_is_not_told),
        cmocka_unit_test(test_timeless_sentence_is_true_later_too),
        cmocka_unit_test(test_grace_says_until_when_and_who_refuses),
        cmocka_unit_test(test_responder_that_goes_down_and_comes_back),
        cmocka_unit_test(test_clock_is_spoken_of_in_both_directions),
        cmocka_unit_test(test_every_kind_makes_a_sentence_of_reasonable_length),
        cmocka_unit_test(test_hostile_names_cannot_forge_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
